/* SPDX-License-Identifier: Apache-2.0
 *
 * One small JSON document over HTTPS: what an identity provider publishes. Called a few times a
 * day. */
#ifndef API_FETCH_H
#define API_FETCH_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

enum { FETCH_BYTES_MAX = 256 << 10 }; /* a set of 64 keys with certificates is 200 KiB */

/* https, or http to loopback alone: whoever can change the answer can sign in as anybody. */
bool fetch_url_ok(const char *url);

/* GET an object; the caller frees it. Redirects are not followed. DM_EIO: not reachable, not 200,
 * larger than FETCH_BYTES_MAX, not a JSON object, longer than timeout_s. */
DM_MUST_CHECK int fetch_json(const char *url, int timeout_s, json_t **ret, struct dm_err *e);

#endif

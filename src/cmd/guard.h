/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server must not start with: secrets that are missing or come from an example, switches
 * that are for development alone (deployment.md section 3). */
#ifndef CMD_GUARD_H
#define CMD_GUARD_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* All faults of the settings, a line each, appended to out; how many. What only matters where
 * strangers come counts with app.env production and staging. No secret is repeated. */
size_t guard_check(struct cmd_run *r, struct dm_buf *out);

/* The same of secrets alone, for a process that nobody signs in to. */
size_t guard_check_secrets(struct cmd_run *r, struct dm_buf *out);

/* Whether a secret is one of those everybody knows: "changeme", "<secret>", "your-..." */
bool guard_placeholder(const char *value);

/* Whether e-mail and password sign in, and the secret of our tokens as it is set ("" for none). */
bool guard_local(const struct cmd_run *r);
const char *guard_secret(const struct cmd_run *r);

#endif

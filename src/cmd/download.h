/* SPDX-License-Identifier: Apache-2.0
 *
 * Files from a web server, for a program that starts on a new machine: bounded, resumed where an
 * earlier try broke off, never left half under their own name. */
#ifndef CMD_DOWNLOAD_H
#define CMD_DOWNLOAD_H

#include "base/buf.h"
#include "base/error.h"

/* A small text into buf (appended). DM_ENOTFOUND: the server says 404; DM_ELIMIT above buf->max;
 * DM_EIO. Only http and https, at most 5 redirections. */
DM_MUST_CHECK int download_text(const char *url, struct dm_buf *buf, struct dm_err *e);

/* The file at url to path, which holds what came until a failure and is gone on from there by the
 * next call, when the server can. Larger than max_bytes: DM_ELIMIT. What the bytes are is for the
 * caller to check. Codes as above. */
DM_MUST_CHECK int download_file(const char *url, const char *path, int64_t max_bytes,
                                struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes of the server's own refusals. */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/error.h"

enum http_code {
#define X(name, number, http, retry, exit_status, class, text) HTTP_E_##name = (number),
#include "http/codes.def"
#undef X
};

/* Make dm_code_info know enum http_code. Once, at start, before other threads. */
void http_setup(void);

/* Name of a code of this room in the older contract, NULL for a code of another room. */
const char *http_code_class(int code);

#endif

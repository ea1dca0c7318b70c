/* SPDX-License-Identifier: Apache-2.0
 *
 * Caller-owned errors. A function that can fail returns an int: >= 0 is success, negative is one of
 * enum dm_code. Detail goes into the caller's struct dm_err, always the last parameter, NULL
 * allowed. The detector fills it, propagators only return, a layer may prefix context once. */
#ifndef DM_BASE_ERROR_H
#define DM_BASE_ERROR_H

#include "base/macros.h"

enum dm_code {
    DM_OK = 0,
#define X(name, number, http, retry, exit_status, slug, text) DM_##name = (number),
#include "base/errors.def"
#undef X
};

#define DM_ERR_TEXT_MAX 240

struct dm_err {
    int code;                   /* enum dm_code; DM_OK when nothing failed */
    int line;                   /* where it was detected */
    const char *file;           /* static string */
    char text[DM_ERR_TEXT_MAX]; /* one line, no final newline, UTF-8 */
};

/* Row of errors.def for a code; a code that is not listed gives the row of DM_EINTERNAL. */
struct dm_code_info {
    int code;
    int http_status;
    int retry;
    int exit_status;
    const char *slug;
    const char *text;
};
const struct dm_code_info *dm_code_info(int code);

/* The message of e, or the general text of its code when e has none. Borrowed from e. */
const char *dm_err_text(const struct dm_err *e);

/* Fill e (NULL allowed) and return code. Use through DM_FAIL. */
int dm_err_set(struct dm_err *e, int code, const char *file, int line, const char *fmt, ...)
    DM_PRINTF(5, 6);

/* Prefix "context: " to the message of e; keeps code and place. NULL allowed. Returns e's code. */
int dm_err_context(struct dm_err *e, const char *fmt, ...) DM_PRINTF(2, 3);

/* Detect: fill the error and leave the function. */
#define DM_FAIL(e, code, ...) return dm_err_set((e), (code), __FILE__, __LINE__, __VA_ARGS__)

/* Forward: leave the function with the same code when expr failed. */
#define DM_TRY(expr)                                                                               \
    do {                                                                                           \
        int dm_try_ = (expr);                                                                      \
        if (__builtin_expect(dm_try_ < 0, 0)) {                                                    \
            return dm_try_;                                                                        \
        }                                                                                          \
    } while (0)

#endif

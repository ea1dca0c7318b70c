/* SPDX-License-Identifier: Apache-2.0
 *
 * Caller-owned errors. A function that can fail returns an int: >= 0 is success, negative is one of
 * enum dm_code. Detail goes into the caller's struct dm_err, always the last parameter, NULL
 * allowed. The detector fills it, propagators only return, a layer may prefix context once. */
#ifndef DM_BASE_ERROR_H
#define DM_BASE_ERROR_H

#include "base/field.h"
#include "base/macros.h"

enum dm_code {
    DM_OK = 0,
#define X(name, number, http, retry, exit_status, slug, text) DM_##name = (number),
#include "base/errors.def"
#undef X
};

#define DM_ERR_TEXT_MAX   240
#define DM_ERR_FIELDS_MAX 6
#define DM_ERR_FIELD_MAX  64

/* A value beside the message, for programs: "available" 5. */
struct dm_err_field {
    const char *name; /* static string, snake_case */
    enum dm_field_type type;
    int64_t i;
    double f;
    char s[DM_ERR_FIELD_MAX]; /* cut at a whole character */
};

struct dm_err {
    int code;                   /* enum dm_code; DM_OK when nothing failed */
    int line;                   /* where it was detected */
    const char *file;           /* static string */
    char text[DM_ERR_TEXT_MAX]; /* one line, no final newline, UTF-8 */
    size_t n_fields;
    struct dm_err_field field[DM_ERR_FIELDS_MAX];
};

struct dm_code_info {
    int code;
    int http_status;
    int retry;
    int exit_status;
    const char *slug;
    const char *text;
};

/* Row of errors.def, or of an added table, for a code; a code that is not listed gives the row of
 * DM_EINTERNAL. */
const struct dm_code_info *dm_code_info(int code);

/* Codes of a room above base, whose numbers are its own. */
struct dm_code_table {
    const struct dm_code_info *rows;
    size_t n;
    struct dm_code_table *next; /* set by dm_codes_add */
};

/* Make dm_code_info know the table, which lives as long as the process. Once, at start, before
 * other threads; adding a table again changes nothing. */
void dm_codes_add(struct dm_code_table *table);

/* The message of e, or the general text of its code when e has none. Borrowed from e. */
const char *dm_err_text(const struct dm_err *e);

/* Fill e (NULL allowed) and return code. Use through DM_FAIL. */
int dm_err_set(struct dm_err *e, int code, const char *file, int line, const char *fmt, ...)
    DM_PRINTF(5, 6);

/* The same with values for programs; what does not fit into DM_ERR_FIELDS_MAX is a broken promise.
 * Use through DM_REFUSE. */
int dm_err_set_fields(struct dm_err *e, int code, const char *file, int line,
                      const struct dm_field *fields, const char *fmt, ...) DM_PRINTF(6, 7);

/* Prefix "context: " to the message of e; keeps code and place. NULL allowed. Returns e's code. */
int dm_err_context(struct dm_err *e, const char *fmt, ...) DM_PRINTF(2, 3);

/* Detect: fill the error and leave the function. */
#define DM_FAIL(e, code, ...) return dm_err_set((e), (code), __FILE__, __LINE__, __VA_ARGS__)

/* The same, DM_REFUSE(e, code, DM_FIELDS(DM_I("available", 5)), "only %d left", 5). */
#define DM_REFUSE(e, code, fields, ...)                                                            \
    return dm_err_set_fields((e), (code), __FILE__, __LINE__, (fields), __VA_ARGS__)

/* Forward: leave the function with the same code when expr failed. */
#define DM_TRY(expr)                                                                               \
    do {                                                                                           \
        int dm_try_ = (expr);                                                                      \
        if (__builtin_expect(dm_try_ < 0, 0)) {                                                    \
            return dm_try_;                                                                        \
        }                                                                                          \
    } while (0)

#endif

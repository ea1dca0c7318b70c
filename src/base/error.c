/* SPDX-License-Identifier: Apache-2.0
 *
 * Caller-owned errors: formatting and the table of codes. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dm_code_info code_table[] = {
#define X(name, number, http, retry, exit_status, slug, text)                                      \
    {DM_##name, http, retry, exit_status, slug, text},
#include "base/errors.def"
#undef X
};

const struct dm_code_info *dm_code_info(int code)
{
    const struct dm_code_info *internal = &code_table[DM_COUNT(code_table) - 1];
    for (size_t i = 0; i < DM_COUNT(code_table); i++) {
        if (code_table[i].code == code) {
            return &code_table[i];
        }
    }
    return internal;
}

const char *dm_err_text(const struct dm_err *e)
{
    return e->text[0] ? e->text : dm_code_info(e->code)->text;
}

int dm_err_set(struct dm_err *e, int code, const char *file, int line, const char *fmt, ...)
{
    DM_BUG_UNLESS(code < 0);
    if (e) {
        va_list ap;
        e->code = code;
        e->file = file;
        e->line = line;
        va_start(ap, fmt);
        (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
        va_end(ap);
    }
    return code;
}

int dm_err_context(struct dm_err *e, const char *fmt, ...)
{
    if (!e) {
        return DM_EINTERNAL;
    }
    char old[DM_ERR_TEXT_MAX];
    (void)snprintf(old, sizeof(old), "%s", dm_err_text(e));
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(e->text)) {
        size_t room = sizeof(e->text) - (size_t)n;
        (void)snprintf(e->text + n, room, ": %.*s", (int)room, old);
    }
    return e->code;
}

void dm_bug(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "demeter: broken promise at %s:%d: %s\n", file, line, what);
    abort();
}

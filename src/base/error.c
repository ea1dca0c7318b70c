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

static struct dm_code_table tables = {code_table, DM_COUNT(code_table), NULL};

const struct dm_code_info *dm_code_info(int code)
{
    for (const struct dm_code_table *t = &tables; t; t = t->next) {
        for (size_t i = 0; i < t->n; i++) {
            if (t->rows[i].code == code) {
                return &t->rows[i];
            }
        }
    }
    return dm_code_info(DM_EINTERNAL);
}

void dm_codes_add(struct dm_code_table *table)
{
    struct dm_code_table *last = &tables;
    for (; last->next; last = last->next) {
        if (last->next == table) {
            return;
        }
    }
    table->next = NULL;
    last->next = table;
}

const char *dm_err_text(const struct dm_err *e)
{
    return e->text[0] ? e->text : dm_code_info(e->code)->text;
}

DM_PRINTF(5, 0)
static void set(struct dm_err *e, int code, const char *file, int line, const char *fmt, va_list ap)
{
    DM_BUG_UNLESS(code < 0);
    e->code = code;
    e->file = file;
    e->line = line;
    e->n_fields = 0;
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

int dm_err_set(struct dm_err *e, int code, const char *file, int line, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        set(e, code, file, line, fmt, ap);
        va_end(ap);
    }
    return code;
}

static void set_text(struct dm_err_field *to, const char *s)
{
    size_t n = strlen(s);
    if (n >= sizeof(to->s)) {
        for (n = sizeof(to->s) - 1; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80; n--) {
        }
    }
    memcpy(to->s, s, n);
    to->s[n] = '\0';
}

int dm_err_set_fields(struct dm_err *e, int code, const char *file, int line,
                      const struct dm_field *fields, const char *fmt, ...)
{
    if (!e) {
        return code;
    }
    va_list ap;
    va_start(ap, fmt);
    set(e, code, file, line, fmt, ap);
    va_end(ap);
    for (; fields->type != DM_FIELD_END; fields++) {
        DM_BUG_UNLESS(e->n_fields < DM_ERR_FIELDS_MAX);
        struct dm_err_field *to = &e->field[e->n_fields++];
        *to = (struct dm_err_field){
            .name = fields->name, .type = fields->type, .i = fields->i, .f = fields->f};
        set_text(to, fields->type == DM_FIELD_STR && fields->s ? fields->s : "");
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables as files: delimiter, encoding, headers by other names; cells as numbers and references. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inventory/import_private.h"

const char *const import_encoding_names[] = {"auto", "utf-8", "latin-1", NULL};

/* Latin-1 as UTF-8, in the arena; what dm_csv_open would take for UTF-8 by chance included. */
static int from_latin1(struct import_run *r, const char **ret, size_t *ret_n, struct dm_err *e)
{
    char *to = dm_arena_alloc(r->a, 2 * r->n + 1);
    size_t n = 0;
    if (!to) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the file");
    }
    for (size_t i = 0; i < r->n; i++) {
        const unsigned char c = (unsigned char)r->text[i];
        if (c < 0x80) {
            to[n++] = (char)c;
        } else {
            to[n++] = (char)(0xC0 | c >> 6);
            to[n++] = (char)(0x80 | (c & 0x3F));
        }
    }
    *ret = to;
    *ret_n = n;
    return DM_OK;
}

static int decode(struct import_run *r, const char **ret, size_t *ret_n, struct dm_err *e)
{
    *ret = r->text;
    *ret_n = r->n;
    if (r->o->encoding == IMPORT_LATIN1) {
        return from_latin1(r, ret, ret_n, e);
    }
    if (r->o->encoding == IMPORT_UTF8 && !dm_text_valid(r->text, r->n)) {
        const struct dm_err why = {.code = DM_EBADINPUT, .text = "the file is not UTF-8"};
        return import_unreadable(&why, e);
    }
    return DM_OK;
}

int import_headers(struct import_run *r, struct dm_csv_row *row, struct dm_err *e)
{
    const char *header;
    json_t *name;
    if (!r->o->mapping) {
        return DM_OK;
    }
    const char **cell = dm_arena_calloc(r->a, row->n, sizeof(*cell));
    if (!cell) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the headers");
    }
    for (size_t i = 0; i < row->n; i++) {
        const char *key = dm_text_key(row->cell[i], r->a);
        cell[i] = row->cell[i];
        json_object_foreach((json_t *)r->o->mapping, header, name)
        {
            const char *other = dm_text_key(header, r->a);
            if (key && other && json_is_string(name) && !strcmp(key, other)) {
                cell[i] = json_string_value(name);
            }
        }
    }
    row->cell = cell;
    return DM_OK;
}

int import_open(struct import_run *r, struct dm_csv *ret, struct dm_err *e)
{
    struct dm_err why = {.code = DM_EBADINPUT, .text = "the file is empty"};
    const char *text;
    size_t n;
    DM_TRY(decode(r, &text, &n, e));
    return dm_csv_open(ret, text, n, r->o->delimiter, r->a, &why) < 0 ? import_unreadable(&why, e)
                                                                      : DM_OK;
}

const char *import_cell(const struct import_line *l, size_t column)
{
    return dm_csv_cell(l->row, l->at[column]);
}

int import_sheet_read(struct import_run *r, const struct import_sheet *sheet, import_row_fn fn,
                      struct dm_err *e)
{
    struct dm_err why = {.code = DM_EBADINPUT, .text = "the file is empty"};
    struct dm_csv csv;
    struct dm_csv_row row;
    int at[IMPORT_COLUMNS_MAX];
    int more;
    DM_BUG_UNLESS(sheet->n <= IMPORT_COLUMNS_MAX);
    DM_TRY(import_open(r, &csv, e));
    if (dm_csv_next(&csv, r->a, &row, &why) <= 0) {
        return import_unreadable(&why, e);
    }
    DM_TRY(import_headers(r, &row, e));
    if (dm_csv_columns(&row, sheet->column, sheet->n, at, r->a, &why) < 0) {
        return import_unreadable(&why, e);
    }
    while ((more = dm_csv_next(&csv, r->a, &row, &why)) > 0) {
        struct import_line l = {&row, at};
        DM_TRY(import_row(r, (int64_t)row.line, import_cell(&l, sheet->key), fn, &l, e));
    }
    return more < 0 ? import_unreadable(&why, e) : DM_OK;
}

int import_number(const char *text, const char *column, double *ret, struct dm_err *e)
{
    char copy[40];
    char *end = copy;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    char *comma = strchr(copy, ',');
    if (comma) {
        *comma = '.';
    }
    errno = 0;
    *ret = strtod(copy, &end);
    const bool plain = *copy && !copy[strspn(copy, "0123456789.+-")];
    if (!plain || *end || errno || strlen(text) >= sizeof(copy)) {
        return master_invalid(column, "a number is needed", e);
    }
    return DM_OK;
}

int import_integer(const char *text, const char *column, int64_t *ret, struct dm_err *e)
{
    char *end = NULL;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    if (!*text || text[strspn(text, "0123456789")] || *end || errno) {
        return master_invalid(column, "a whole number is needed", e);
    }
    return DM_OK;
}

int import_reference(struct import_run *r, enum master_kind kind, const char *text,
                     const char *column, int64_t *ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    const int found = master_lookup(r->tx, kind, text, r->a, &row, e);
    DM_TRY(found);
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("field", column), DM_S("identifier", text)),
                  "there is no %s '%.60s'", master_noun(kind), text);
    }
    *ret = inv_json_int(row, "id");
    return DM_OK;
}

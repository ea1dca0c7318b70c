/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists over HTTP. */
#include "api/rows.h"

#include <string.h>

#include "api/api.h"

static struct store_value value_of(char letter, const json_t *v)
{
    if (!v || json_is_null(v)) {
        return store_null();
    }
    switch (letter) {
    case 'i':
        return store_i(json_integer_value(v));
    case 'r':
        return store_r(json_number_value(v));
    case 'b':
        return store_b(json_is_true(v));
    case 'T':
        return store_at(json_integer_value(v));
    case 'u':
        return store_u(json_string_value(v));
    case 'D':
        return store_d(json_string_value(v));
    default:
        return store_t(json_string_value(v));
    }
}

static const json_t *param(const struct http_request *r, const char *name)
{
    const json_t *v = json_object_get(r->path, name);
    return v ? v : json_object_get(r->query, name);
}

int rows_filters(const struct http_request *r, const struct list *l, struct list_ask *ret,
                 struct dm_err *e)
{
    struct list_value *value = dm_arena_calloc(r->arena, l->n_filter, sizeof(*value));
    *ret = (struct list_ask){.value = value};
    if (!value) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a list");
    }
    for (size_t i = 0; i < l->n_filter; i++) {
        const struct store_value v = value_of(l->filter[i].type, param(r, l->filter[i].name));
        if (!v.null) {
            value[ret->n_value++] = (struct list_value){l->filter[i].name, v};
        }
    }
    return DM_OK;
}

int rows_reply(struct http_request *r, const struct list *l, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    struct list_ask ask;
    json_t *rows;
    int64_t total;
    DM_TRY(rows_filters(r, l, &ask, e));
    ask.skip = slice.skip;
    ask.limit = slice.limit;
    DM_TRY(list_rows(api_ctx(r), l, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

int rows_send(struct http_request *r, json_t *rows, int64_t total, struct dm_err *e)
{
    return r->route->flags & HTTP_PAGED ? http_reply_page(r, "items", rows, total, e)
                                        : http_reply_list(r, rows, total, e);
}

static int read_one(const struct http_request *r, const struct list *l, const char *name,
                    json_t **ret, struct dm_err *e)
{
    for (size_t i = 0; i < l->n_filter; i++) {
        if (strcmp(l->filter[i].name, name) == 0) {
            return list_one(api_ctx(r), l, name, value_of(l->filter[i].type, param(r, name)), ret,
                            e);
        }
    }
    DM_FAIL(e, DM_EINTERNAL, "list %s has no filter %s", l->name, name);
}

int rows_reply_one(struct http_request *r, const struct list *l, const char *name, struct dm_err *e)
{
    json_t *row;
    DM_TRY(read_one(r, l, name, &row, e));
    return http_reply_json(r, 200, row, e);
}

int rows_need(const struct http_request *r, const struct list *l, const char *name,
              struct dm_err *e)
{
    json_t *row;
    DM_TRY(read_one(r, l, name, &row, e));
    json_decref(row);
    return DM_OK;
}

/* ---- files -------------------------------------------------------------------------------- */

static enum sheet_format format_of(const struct http_request *r)
{
    const char *end = http_str(r->path, "export_format");
    const char *dot = strrchr(r->route->path, '.');
    const char *name = end ? end : dot ? dot + 1 : "";
    int i = 0;
    while (sheet_format_names[i] && strcmp(sheet_format_names[i], name) != 0) {
        i++;
    }
    return (enum sheet_format)i;
}

int rows_reply_sheet(struct http_request *r, const struct sheet *s, const char *name,
                     struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(LIST_SHEET_BYTES);
    const struct sheet_options o = {.bom = http_bool(r->query, "bom", false),
                                    .metadata = http_bool(r->query, "metadata", false)};
    const enum sheet_format format = format_of(r);
    char file[SHEET_NAME_MAX];
    if (format >= SHEET_FORMAT_MAX_) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "export_format")),
                  "there is no such kind of file");
    }
    DM_TRY(sheet_write(s, format, &o, &out, e));
    DM_TRY(dm_buf_ok(&out, e));
    return http_reply_bytes(r, 200, sheet_media_types[format],
                            name ? name : sheet_file_name(s, format, file), dm_buf_str(&out),
                            out.len, e);
}

int rows_reply_export(struct http_request *r, const struct list *l, const char *report,
                      const char *name, struct dm_err *e)
{
    struct list_ask ask;
    struct sheet *s;
    DM_TRY(rows_filters(r, l, &ask, e));
    DM_TRY(list_sheet(api_ctx(r), l, &ask, report, report, r->arena, &s, e));
    return rows_reply_sheet(r, s, name, e);
}

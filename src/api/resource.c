/* SPDX-License-Identifier: Apache-2.0
 *
 * The five handlers of master data. */
#include "api/resource.h"

#include <stdio.h>
#include <string.h>

#include "api/rows.h"
#include "inventory/json.h"

static const struct http_field delete_fields[] = {
    {"success", HTTP_BOOL, .example = "true"},
    {"deleted_id", HTTP_ANY, .about = "integer or UUID", .example = "7"},
    {"mode", HTTP_STR, .one_of = "hard|soft", .example = "\"soft\""},
    {"message", HTTP_STR, .example = "\"deactivated\""},
    {NULL},
};
const struct http_schema DeleteResult = {"DeleteResult", delete_fields};

/* ---- what is not there ---------------------------------------------------------------------- */

static const struct {
    const char *noun;
    int code;
} missing_codes[] = {
    {"warehouse", API_ENO_WAREHOUSE},
    {"area", API_ENO_AREA},
    {"location", API_ENO_LOCATION},
    {"bin", API_ENO_BIN},
};

int resource_missing(int code, struct dm_err *e)
{
    for (size_t i = 0; e && code == INV_NOT_FOUND && i < e->n_fields; i++) {
        for (size_t k = 0; k < DM_COUNT(missing_codes); k++) {
            if (!strcmp(e->field[i].name, "resource") &&
                !strcmp(e->field[i].s, missing_codes[k].noun)) {
                e->code = missing_codes[k].code;
                return e->code;
            }
        }
    }
    return code;
}

int resource_refused(int code, struct dm_err *e)
{
    if (code == INV_VALIDATION && e) {
        e->code = API_ERULE;
        return API_ERULE;
    }
    return resource_missing(code, e);
}

int resource_read(const struct http_request *r, const struct resource *res, int64_t id,
                  json_t **ret, struct dm_err *e)
{
    const int code =
        list_one(api_ctx(r), res->one ? res->one : res->list, "id", store_i(id), ret, e);
    if (code != INV_NOT_FOUND) {
        return code;
    }
    return resource_missing(
        dm_err_set_fields(e, INV_NOT_FOUND, __FILE__, __LINE__,
                          DM_FIELDS(DM_S("resource", res->noun), DM_I("identifier", id)),
                          "there is no %s %lld", res->noun, (long long)id),
        e);
}

int resource_need(const struct http_request *r, const struct resource *res, int64_t id,
                  struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(resource_read(r, res, id, &row, e));
    if (json_is_false(json_object_get(row, "active"))) {
        return resource_missing(
            dm_err_set_fields(e, INV_NOT_FOUND, __FILE__, __LINE__,
                              DM_FIELDS(DM_S("resource", res->noun), DM_I("identifier", id)),
                              "%s %lld is inactive", res->noun, (long long)id),
            e);
    }
    return DM_OK;
}

/* ---- lists ---------------------------------------------------------------------------------- */

int resource_also(const struct http_request *r, struct list_ask *ask, const char *name,
                  struct store_value v, struct dm_err *e)
{
    struct list_value *value = dm_arena_calloc(r->arena, ask->n_value + 1, sizeof(*value));
    if (!value) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a list");
    }
    for (size_t i = 0; i < ask->n_value; i++) {
        value[i] = ask->value[i];
    }
    value[ask->n_value] = (struct list_value){name, v};
    ask->value = value;
    ask->n_value++;
    return DM_OK;
}

int resource_ask(struct http_request *r, const struct resource *res, struct list_ask *ret,
                 struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    DM_TRY(rows_filters(r, res->list, ret, e));
    for (const struct resource_link *l = res->link; l && l->param; l++) {
        const int64_t id = http_int(r->path, l->param, http_int(r->query, l->param, 0));
        if (id) {
            DM_TRY(resource_need(r, l->of, id, e));
        }
        if (id && l->filter) {
            DM_TRY(resource_also(r, ret, l->filter, store_i(id), e));
        }
    }
    if (res->active_only && http_bool(r->query, "active_only", true)) {
        DM_TRY(resource_also(r, ret, "active", store_b(true), e));
    }
    ret->skip = slice.skip;
    ret->limit = slice.limit;
    ret->sort = http_str(r->query, "sort");
    return DM_OK;
}

int resource_list(struct http_request *r, struct dm_err *e)
{
    const struct resource *res = r->route->own;
    struct list_ask ask;
    json_t *rows;
    int64_t total;
    DM_TRY(resource_ask(r, res, &ask, e));
    DM_TRY(list_rows(api_ctx(r), res->list, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

int resource_get(struct http_request *r, struct dm_err *e)
{
    json_t *row;
    DM_TRY(resource_read(r, r->route->own, http_int(r->path, "id", 0), &row, e));
    return http_reply_json(r, 200, row, e);
}

/* ---- writing -------------------------------------------------------------------------------- */

int resource_stored(const struct resource *res, const json_t *body, const char *without,
                    json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        const char *column = name;
        for (const struct resource_name *n = res->name; n && n->api; n++) {
            column = strcmp(n->api, name) ? column : n->column;
        }
        if (!without || strcmp(name, without)) {
            DM_TRY(inv_json_set(out, column, json_incref(value), e));
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* "sibling_overlap: NAVE01-N (12 %)" of a warning's code and values. */
static json_t *warning_text(const json_t *warning)
{
    char text[200];
    const char *code = inv_json_str(warning, "code");
    const char *sibling = inv_json_str(warning, "sibling");
    const double share = json_number_value(json_object_get(warning, "share"));
    if (sibling) {
        (void)snprintf(text, sizeof(text), "%s: %s (%.0f %%)", code, sibling, share * 100);
    } else {
        (void)snprintf(text, sizeof(text), "%s", code ? code : "");
    }
    return json_string(text);
}

int resource_add_warnings(struct http_request *r, const json_t *warnings, json_t *row,
                          struct dm_err *e)
{
    const json_t *warning;
    size_t i;
    (void)r;
    if (!json_array_size(warnings)) {
        return DM_OK;
    }
    json_t *out = json_array();
    DM_TRY(inv_json_set(row, "warnings", out, e));
    json_array_foreach(warnings, i, warning)
    {
        if (json_array_append_new(out, warning_text(warning))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for warnings");
        }
    }
    return DM_OK;
}

static int reply_written(struct http_request *r, const struct resource *res, int status,
                         const struct master_row *row, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *shown = NULL;
    DM_TRY(resource_read(r, res, row->id, &shown, e));
    if (res->written) {
        DM_TRY(res->written(r, row->warnings, shown, e));
    }
    if (status == 201) {
        DM_TRY(api_location(r, res->path, row->id, e));
    }
    return http_reply_json(r, status, DM_STEAL(shown), e);
}

int resource_create(struct http_request *r, struct dm_err *e)
{
    const struct resource *res = r->route->own;
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_CLEANUP(master_row_clear) struct master_row row = {0};
    DM_TRY(resource_stored(res, r->body, NULL, &values, e));
    DM_TRY(resource_refused(master_create(api_ctx(r), res->kind, values, &row, e), e));
    return reply_written(r, res, 201, &row, e);
}

int resource_change(struct http_request *r, struct dm_err *e)
{
    const struct resource *res = r->route->own;
    const int64_t id = http_int(r->path, "id", 0);
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_CLEANUP(master_row_clear) struct master_row row = {0};
    DM_TRY(resource_stored(res, r->body, "active", &values, e));
    DM_TRY(resource_refused(master_change(api_ctx(r), res->kind, id, values, &row, e), e));
    if (http_has(r->body, "active")) {
        DM_TRY(resource_refused(
            master_set_active(api_ctx(r), res->kind, id, http_bool(r->body, "active", true), e),
            e));
    }
    return reply_written(r, res, 200, &row, e);
}

int resource_reply_deleted(struct http_request *r, int64_t id, const char *mode,
                           const char *message, struct dm_err *e)
{
    json_t *o;
    DM_TRY(api_json(json_pack("{s:b, s:I, s:s, s:s}", "success", 1, "deleted_id", (json_int_t)id,
                              "mode", mode, "message", message),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int retire(struct http_request *r, const struct resource *res, int64_t id, struct dm_err *e)
{
    DM_CLEANUP(master_row_clear) struct master_row row = {0};
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_TRY(api_json(json_pack("{s:s}", "status", "retired"), &values, e));
    return master_change(api_ctx(r), res->kind, id, values, &row, e);
}

int resource_delete(struct http_request *r, struct dm_err *e)
{
    const struct resource *res = r->route->own;
    const int64_t id = http_int(r->path, "id", 0);
    enum resource_removal how = res->removal;
    static const struct {
        const char *mode, *message;
    } said[] = {
        [RESOURCE_HARD] = {"hard", "removed"},
        [RESOURCE_INACTIVE] = {"soft", "deactivated"},
        [RESOURCE_RETIRED] = {"soft", "retired"},
        [RESOURCE_DISCONTINUED] = {"soft", "discontinued"},
    };
    if (how == RESOURCE_HIDDEN) {
        how = http_bool(r->query, "force_soft_delete", false) ? RESOURCE_INACTIVE : RESOURCE_HARD;
    }
    const int code = how == RESOURCE_INACTIVE
                         ? master_set_active(api_ctx(r), res->kind, id, false, e)
                     : how == RESOURCE_RETIRED ? retire(r, res, id, e)
                                               : master_remove(api_ctx(r), res->kind, id, e);
    DM_TRY(resource_refused(code, e));
    return resource_reply_deleted(r, id, said[how].mode, said[how].message, e);
}

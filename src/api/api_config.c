/* SPDX-License-Identifier: Apache-2.0
 *
 * What is meant to stand in claros: /api/v1/config/location-defaults and /locations, and the bulk
 * routes of /api/admin (api.md 5.5, 5.6, 16). */
#include "inventory/config.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_locations.h"
#include "api/rows.h"
#include "inventory/json.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field named_fields[] = {
    {"product_name", HTTP_STR},
    {"packaging_name", HTTP_STR, HTTP_NULL},
    {"state_name", HTTP_STR},
    {"badge", HTTP_STR, .one_of = "none|stale|new|ok"},
    {NULL},
};
static const struct http_schema NamedConfig = {"LocationConfigNamed", named_fields, &LocationConfig,
                                               0};
static const struct http_field warned_fields[] = {
    {"warnings", HTTP_STR, HTTP_LIST, .about = "open_stock_exists"}, {NULL}};
static const struct http_schema SavedConfig = {"LocationConfigSaved", warned_fields,
                                               &LocationConfig, 0};
static const struct http_field bulk_fields[] = {
    {"location_id", HTTP_INT},
    {"config", HTTP_OBJ, .of = &LocationConfig},
    {"warnings", HTTP_STR, HTTP_LIST},
    {NULL},
};
static const struct http_schema BulkSaved = {"LocationConfigBulk", bulk_fields};

/* with nulls for a claro that has none */
static const struct http_field state_fields[] = {
    {"id", HTTP_INT, HTTP_NULL},
    {"storage_location_id", HTTP_INT},
    {"product_id", HTTP_INT, HTTP_NULL},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL},
    {"expected_product_state_id", HTTP_INT, HTTP_NULL},
    {"area_cm2", HTTP_NUM, HTTP_NULL},
    {"active", HTTP_BOOL, HTTP_NULL},
    {"notes", HTTP_STR, HTTP_NULL},
    {"created_at", HTTP_INSTANT, HTTP_NULL},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {"plants_per_container", HTTP_INT, HTTP_NULL},
    {"valid_from", HTTP_INSTANT, HTTP_NULL},
    {"valid_to", HTTP_INSTANT, HTTP_NULL},
    {"storage_location_code", HTTP_STR},
    {NULL},
};
static const struct http_schema ConfigState = {"LocationConfigState", state_fields};

/* ---- bodies and parameters ------------------------------------------------------------------- */

#define ID(field, flags)                                                                           \
    {                                                                                              \
        (field), HTTP_INT, (flags), .min = 1, .max = INT32_MAX, .example = "1"                     \
    }
#define CONFIG_FIELDS(need)                                                                        \
    ID("product_id", need), ID("packaging_catalog_id", HTTP_NULL),                                 \
        ID("expected_product_state_id", need),                                                     \
        {"area_cm2", HTTP_NUM, (need) | HTTP_ABOVE, .min = 0, .max = 9e11, .example = "72000"},    \
        {"notes", HTTP_STR, HTTP_NULL, .max = 2500},                                               \
        {"plants_per_container", HTTP_INT, .min = 1, .max = 10000},                                \
    {                                                                                              \
        "apply_to_stock", HTTP_BOOL, .about = "false: leave the batches as they are"               \
    }
#define MODE                                                                                       \
    {                                                                                              \
        "mode", HTTP_STR, .one_of = "update|create"                                                \
    }
#define MANY                                                                                       \
    {                                                                                              \
        "location_ids", HTTP_INT, HTTP_REQ | HTTP_LIST, .min = 1, .max = INT32_MAX,                \
                                                        .items_min = 1, .items_max = CONFIG_MOST,  \
                                                        .example = "[1, 2]"                        \
    }

// clang-format off
static const struct http_field default_new[] = {ID("storage_location_id", HTTP_REQ), CONFIG_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field config_new[] = {CONFIG_FIELDS(HTTP_REQ), MODE, {NULL}};
static const struct http_field config_edit[] = {CONFIG_FIELDS(0), {NULL}};
static const struct http_field admin_bulk[] = {MANY, CONFIG_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field config_bulk[] = {
    MANY, CONFIG_FIELDS(HTTP_REQ), MODE, {"confirm", HTTP_BOOL, .about = "needed above 100 claros"}, {NULL}};
// clang-format on
static const struct http_schema DefaultNew = {"LocationDefaults", default_new};
static const struct http_schema ConfigNew = {"LocationConfigNew", config_new};
static const struct http_schema ConfigEdit = {"LocationConfigEdit", config_edit};
static const struct http_schema AdminBulk = {"LocationConfigAdminBulk", admin_bulk};
static const struct http_schema ConfigBulk = {"LocationConfigBulkNew", config_bulk};

static const struct http_field default_query[] = {ID("location_id", HTTP_REQ), {NULL}};
static const struct http_field at_query[] = {
    {"at", HTTP_INSTANT, .about = "the configuration that was valid then"}, {NULL}};
static const struct http_field state_query[] = {
    RESOURCE_ID("warehouse_id"),
    RESOURCE_ID("storage_area_id"),
    RESOURCE_ID("product_id"),
    {"stale_days", HTTP_INT, .min = 1, .max = 36500, .about = "not changed for so many days"},
    {"missing", HTTP_BOOL, .fallback = "false", .about = "true: claros without a configuration"},
    {NULL},
};

/* ---- reading --------------------------------------------------------------------------------- */

static int no_config(int64_t location_id, struct dm_err *e)
{
    DM_REFUSE(e, INV_CONFIG_NOT_FOUND, DM_FIELDS(DM_I("location_id", location_id)),
              "claro %lld has no configuration", (long long)location_id);
}

/* The configuration of a claro, active or (at not 0) valid then. 1, or 0 and nothing. */
static int find_config(const struct http_request *r, const struct list *l, int64_t location_id,
                       int64_t at, json_t **ret, struct dm_err *e)
{
    const struct list_value value[] = {
        {"storage_location_id", store_i(location_id)},
        {"active", at ? store_null() : store_b(true)},
        {"from", at ? store_at(at) : store_null()},
        {"until", at ? store_at(at) : store_null()},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, 1, NULL};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_TRY(list_rows(api_ctx(r), l, &ask, &rows, NULL, e));
    if (!json_array_size(rows)) {
        return 0;
    }
    *ret = json_incref(json_array_get(rows, 0));
    return 1;
}

static int get_defaults(struct http_request *r, struct dm_err *e)
{
    json_t *row = NULL;
    const int found =
        find_config(r, &list_configs, http_int(r->query, "location_id", 0), 0, &row, e);
    DM_TRY(found);
    return http_reply_json(r, 200, found ? row : json_null(), e);
}

/* Needs the row's own times: the badge is as old as the last change. */
static const char *badge_of(const struct http_request *r, const json_t *row)
{
    struct config_row config = {.active = true};
    struct dm_err ignored;
    const char *changed = inv_json_str(row, "updated_at");
    if (!changed || store_time_parse(changed, &config.updated_at, &ignored) < 0) {
        return config_badge_names[CONFIG_NONE];
    }
    return config_badge_names[config_badge(&config, api_ctx(r)->now_ms)];
}

static int get_config(struct http_request *r, struct dm_err *e)
{
    const int64_t location_id = http_int(r->path, "location_id", 0);
    json_t *row = NULL;
    DM_TRY(resource_need(r, &resource_location, location_id, e));
    const int found =
        find_config(r, &list_config_names, location_id, http_int(r->query, "at", 0), &row, e);
    if (found <= 0) {
        return found ? found : no_config(location_id, e);
    }
    const int code = inv_json_set(row, "badge", json_string(badge_of(r, row)), e);
    if (code) {
        json_decref(row);
        return code;
    }
    return http_reply_json(r, 200, row, e);
}

static int get_history(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const int64_t location_id = http_int(r->path, "location_id", 0);
    const struct list_value value = {"storage_location_id", store_i(location_id)};
    const struct list_ask ask = {&value, 1, slice.skip, slice.limit, NULL};
    json_t *rows;
    int64_t total;
    DM_TRY(resource_need(r, &resource_location, location_id, e));
    DM_TRY(list_rows(api_ctx(r), &list_configs, &ask, &rows, &total, e));
    return http_reply_list(r, rows, total, e);
}

static int list_states_of_claros(struct http_request *r, struct dm_err *e)
{
    static const struct resource claros = {.noun = "location", .list = &list_config_states};
    const int64_t days = http_int(r->query, "stale_days", 0);
    struct list_ask ask;
    json_t *rows;
    int64_t total;
    DM_TRY(resource_ask(r, &claros, &ask, e));
    if (days) {
        DM_TRY(resource_also(r, &ask, "changed_before",
                             store_at(api_ctx(r)->now_ms - days * DAY_MS), e));
    }
    DM_TRY(list_rows(api_ctx(r), &list_config_states, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

/* ---- writing --------------------------------------------------------------------------------- */

struct saved {
    struct config_saved *row;
    size_t n;
};

/* What a body says, over the row that is there (NULL: none). */
static struct config_save save_of(const json_t *body, const json_t *now)
{
    const char *mode = http_str(body, "mode");
    const bool same_pot =
        !http_has(body, "packaging_catalog_id") && !http_is_null(body, "packaging_catalog_id");
    const bool same_notes = !http_has(body, "notes") && !http_is_null(body, "notes");
    return (struct config_save){
        .mode = mode && !strcmp(mode, "create") ? CONFIG_CREATE : CONFIG_UPDATE,
        .product_id = http_int(body, "product_id", inv_json_int(now, "product_id")),
        .packaging_id = same_pot ? inv_json_int(now, "packaging_catalog_id")
                                 : http_int(body, "packaging_catalog_id", 0),
        .state_id = http_int(body, "expected_product_state_id",
                             inv_json_int(now, "expected_product_state_id")),
        .plants_per_container = (int32_t)http_int(body, "plants_per_container",
                                                  inv_json_int(now, "plants_per_container")),
        .area_cm2 = http_num(body, "area_cm2", json_number_value(json_object_get(now, "area_cm2"))),
        .notes = same_notes ? inv_json_str(now, "notes") : http_str(body, "notes"),
        .leave_stock = !http_bool(body, "apply_to_stock", true),
    };
}

static int save(struct http_request *r, const struct config_save *s, struct saved *ret,
                struct dm_err *e)
{
    return resource_refused(config_save(api_ctx(r), s, r->arena, &ret->row, &ret->n, e), e);
}

static int save_one(struct http_request *r, int64_t location_id, const json_t *now,
                    struct config_saved *ret, struct dm_err *e)
{
    struct config_save s = save_of(r->body, now);
    struct saved saved;
    s.location_id = &location_id;
    s.n = 1;
    DM_TRY(save(r, &s, &saved, e));
    *ret = saved.row[0];
    return DM_OK;
}

static json_t *warnings_of(const struct config_saved *s)
{
    return s->open_stock_exists ? json_pack("[s]", "open_stock_exists") : json_array();
}

static int read_config(const struct http_request *r, int64_t id, json_t **ret, struct dm_err *e)
{
    return list_one(api_ctx(r), &list_configs, "id", store_i(id), ret, e);
}

static int reply_saved(struct http_request *r, int status, const struct config_saved *s,
                       bool warnings, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(read_config(r, s->row.id, &row, e));
    if (warnings) {
        DM_TRY(inv_json_set(row, "warnings", warnings_of(s), e));
    }
    if (status == 201) {
        DM_TRY(api_location(r, "/api/v1/config/locations", s->row.location_id, e));
    }
    return http_reply_json(r, status, DM_STEAL(row), e);
}

static int save_defaults(struct http_request *r, struct dm_err *e)
{
    struct config_saved s;
    DM_TRY(save_one(r, http_int(r->body, "storage_location_id", 0), NULL, &s, e));
    return reply_saved(r, 201, &s, false, e);
}

static int create_config(struct http_request *r, struct dm_err *e)
{
    struct config_saved s;
    DM_TRY(save_one(r, http_int(r->path, "location_id", 0), NULL, &s, e));
    return reply_saved(r, 201, &s, true, e);
}

static int change_config(struct http_request *r, struct dm_err *e)
{
    const int64_t location_id = http_int(r->path, "location_id", 0);
    DM_CLEANUP(inv_json_freep) json_t *now = NULL;
    struct config_saved s;
    DM_TRY(resource_need(r, &resource_location, location_id, e));
    const int found = find_config(r, &list_configs, location_id, 0, &now, e);
    if (found <= 0) {
        return found ? found : no_config(location_id, e);
    }
    DM_TRY(save_one(r, location_id, now, &s, e));
    return reply_saved(r, 200, &s, false, e);
}

/* The older system's way for one claro: create begins another crop, update corrects a row by its
 * id, as long as it is the active one. */
static int admin_create(struct http_request *r, struct dm_err *e)
{
    const int64_t location_id = http_int(r->body, "storage_location_id", 0);
    struct config_save s = save_of(r->body, NULL);
    struct saved saved;
    s.location_id = &location_id;
    s.n = 1;
    s.mode = CONFIG_CREATE;
    DM_TRY(save(r, &s, &saved, e));
    return reply_saved(r, 201, &saved.row[0], false, e);
}

static int admin_update(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "config_id", 0);
    DM_CLEANUP(inv_json_freep) json_t *now = NULL;
    struct config_saved s;
    const int found = read_config(r, id, &now, e);
    if (found == INV_NOT_FOUND || json_is_false(json_object_get(now, "active"))) {
        DM_REFUSE(e, INV_CONFIG_NOT_FOUND, DM_FIELDS(DM_I("config_id", id)),
                  "there is no active configuration %lld", (long long)id);
    }
    DM_TRY(found);
    DM_TRY(save_one(r, inv_json_int(now, "storage_location_id"), now, &s, e));
    return reply_saved(r, 200, &s, false, e);
}

static int end_config(struct http_request *r, struct dm_err *e)
{
    int64_t id;
    DM_TRY(config_end(api_ctx(r), http_int(r->path, "location_id", 0), &id, e));
    return resource_reply_deleted(r, id, "soft", "ended", e);
}

/* ---- many ------------------------------------------------------------------------------------ */

static int save_many(struct http_request *r, enum config_mode mode, bool confirm, struct saved *ret,
                     struct dm_err *e)
{
    const json_t *ids = json_object_get(r->body, "location_ids");
    const size_t n = json_array_size(ids);
    int64_t *id = dm_arena_calloc(r->arena, n, sizeof(*id));
    struct config_save s = save_of(r->body, NULL);
    if (!id) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
    }
    for (size_t i = 0; i < n; i++) {
        id[i] = json_integer_value(json_array_get(ids, i));
    }
    s.location_id = id;
    s.n = n;
    s.mode = mode;
    s.confirm = confirm;
    return save(r, &s, ret, e);
}

/* Rows of the saved configurations, by id. */
static int read_many(const struct http_request *r, const struct saved *s, json_t **ret,
                     struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *ids = json_array();
    const char *text;
    for (size_t i = 0; i < s->n; i++) {
        if (json_array_append_new(ids, json_integer(s->row[i].row.id))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
        }
    }
    DM_TRY(inv_json_text(ids, r->arena, &text, e));
    const struct list_value value = {"ids", store_j(text)};
    const struct list_ask ask = {&value, 1, 0, 0, "id"};
    return list_rows(api_ctx(r), &list_configs, &ask, ret, NULL, e);
}

static json_t *row_of(const json_t *rows, int64_t id)
{
    size_t low = 0;
    size_t high = json_array_size(rows);
    while (low < high) {
        const size_t middle = (low + high) / 2;
        json_t *row = json_array_get(rows, middle);
        const int64_t at = inv_json_int(row, "id");
        if (at == id) {
            return row;
        }
        *(at < id ? &low : &high) = at < id ? middle + 1 : middle;
    }
    return NULL;
}

/* In the order of the request; bare rows as the older contract has them. */
static int reply_many(struct http_request *r, const struct saved *s, bool bare, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    DM_TRY(read_many(r, s, &rows, e));
    for (size_t i = 0; i < s->n; i++) {
        json_t *row = row_of(rows, s->row[i].row.id);
        json_t *item = bare ? json_incref(row)
                            : json_pack("{s:I, s:O, s:o}", "location_id",
                                        (json_int_t)s->row[i].row.location_id, "config", row,
                                        "warnings", warnings_of(&s->row[i]));
        if (json_array_append_new(out, item)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
        }
    }
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

/* Old clients send no confirmation. */
static int admin_save(struct http_request *r, struct dm_err *e)
{
    const enum config_mode *mode = r->route->own;
    struct saved s;
    DM_TRY(save_many(r, *mode, true, &s, e));
    return reply_many(r, &s, true, e);
}

static int bulk_save(struct http_request *r, struct dm_err *e)
{
    const struct config_save said = save_of(r->body, NULL);
    struct saved s;
    DM_TRY(save_many(r, said.mode, http_bool(r->body, "confirm", false), &s, e));
    return reply_many(r, &s, false, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const enum config_mode update_mode = CONFIG_UPDATE;
static const enum config_mode create_mode = CONFIG_CREATE;

// clang-format off
#define ADMIN(prefix, word, hidden)                                                                                  \
    {HTTP_POST, prefix "/storage-location-config/bulk-update", "bulk_update_config" word, "admin",                    \
     "Correct the configuration of many claros", .role = API_SUPERVISOR, .flags = HTTP_BULK | (hidden),               \
     .body = &AdminBulk, .answer = {{200, &LocationConfig, true}}, .errors = "404", .handle = admin_save,         \
     .own = &update_mode},                                                                                            \
    {HTTP_POST, prefix "/storage-location-config/bulk-create", "bulk_create_config" word, "admin",                    \
     "Begin another crop in many claros", .role = API_SUPERVISOR, .flags = HTTP_BULK | HTTP_IDEMPOTENT | (hidden),    \
     .body = &AdminBulk, .answer = {{200, &LocationConfig, true}}, .errors = "404 409", .handle = admin_save,     \
     .own = &create_mode}

const struct http_route config_routes[] = {
    {HTTP_GET, "/api/v1/config/location-defaults", "get_location_defaults", "configuration",
     "Active configuration of a claro, or null", .role = API_VIEWER, .query = default_query, .answer = {{200}},
     .handle = get_defaults},
    {HTTP_POST, "/api/v1/config/location-defaults", "save_location_defaults", "configuration",
     "Create or correct the configuration of a claro", .role = API_SUPERVISOR, .flags = HTTP_IDEMPOTENT,
     .body = &DefaultNew, .answer = {{201, &LocationConfig}}, .errors = "404", .handle = save_defaults},
    {HTTP_GET, "/api/v1/config/locations", "list_location_configs", "configuration", "Configurations of all claros",
     .role = API_VIEWER, .flags = HTTP_PAGED, .query = state_query, .answer = {{200, &ConfigState, true}},
     .handle = list_states_of_claros},
    {HTTP_GET, "/api/v1/config/locations/{location_id}", "get_location_config", "configuration",
     "Configuration of a claro", .role = API_VIEWER, .flags = HTTP_ETAG, .query = at_query,
     .answer = {{200, &NamedConfig}}, .errors = "404", .handle = get_config},
    {HTTP_GET, "/api/v1/config/locations/{location_id}/history", "get_location_config_history", "configuration",
     "Configurations of a claro, newest first", .role = API_VIEWER, .flags = HTTP_OFFSET,
     .answer = {{200, &LocationConfig, true}}, .errors = "404", .handle = get_history},
    {HTTP_POST, "/api/v1/config/locations/{location_id}", "create_location_config", "configuration",
     "Correct the configuration, or begin another crop", .role = API_SUPERVISOR, .flags = HTTP_IDEMPOTENT,
     .body = &ConfigNew, .answer = {{201, &SavedConfig}}, .errors = "404 409", .handle = create_config},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/config/locations/{location_id}", "update_location_config", "configuration",
     "Correct the configuration", .role = API_SUPERVISOR, .flags = HTTP_IF_MATCH, .body = &ConfigEdit,
     .answer = {{200, &LocationConfig}}, .errors = "404 412", .handle = change_config},
    {HTTP_DELETE, "/api/v1/config/locations/{location_id}", "delete_location_config", "configuration",
     "End the configuration", .role = API_SUPERVISOR, .flags = HTTP_IF_MATCH, .answer = {{200, &DeleteResult}},
     .errors = "404", .handle = end_config},
    {HTTP_POST, "/api/v1/config/locations/bulk", "bulk_save_location_configs", "configuration",
     "The same configuration for many claros", .role = API_SUPERVISOR, .flags = HTTP_BULK | HTTP_IDEMPOTENT,
     .body = &ConfigBulk, .answer = {{200, &BulkSaved, true}}, .errors = "400 404 409", .handle = bulk_save},
    {HTTP_POST, "/api/admin/storage-location-config", "admin_create_config", "admin", "Begin another crop in a claro",
     .role = API_SUPERVISOR, .flags = HTTP_IDEMPOTENT | HTTP_HIDDEN, .body = &DefaultNew,
     .answer = {{201, &LocationConfig}}, .errors = "400 404 409", .handle = admin_create},
    {HTTP_PATCH | HTTP_PUT, "/api/admin/storage-location-config/{config_id}", "admin_update_config", "admin",
     "Correct a configuration", .role = API_SUPERVISOR, .flags = HTTP_HIDDEN, .body = &ConfigEdit,
     .answer = {{200, &LocationConfig}}, .errors = "400 404", .handle = admin_update},
    ADMIN("/api/admin", "", 0),
    {0},
};
// clang-format on

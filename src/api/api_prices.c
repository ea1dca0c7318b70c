/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/prices: the price list and its bulk edits (api.md section 15). Workers see no prices,
 * viewers none of what is discontinued. */
#include "inventory/prices.h"

#include <math.h>
#include <string.h>

#include "api/resource.h"
#include "api/rows.h"
#include "inventory/json.h"

#define AVAILABILITY "available|limited|until_sold_out|out_of_stock|discontinued"

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field pot_fields[] = {
    {"id", HTTP_INT},
    {"sku", HTTP_STR},
    {"name", HTTP_STR},
    {"type_name", HTTP_STR},
    {"color_name", HTTP_STR},
    {"diameter_cm", HTTP_NUM, HTTP_NULL},
    {NULL},
};
static const struct http_schema PricePot = {NULL, pot_fields};
static const struct http_field group_fields[] = {
    {"id", HTTP_INT}, {"code", HTTP_STR}, {"name", HTTP_STR}, {NULL}};
static const struct http_schema PriceCategory = {NULL, group_fields};

static const struct http_field price_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"packaging_catalog_id", HTTP_INT, .example = "1"},
    {"product_categories_id", HTTP_INT, .example = "1"},
    {"wholesale_unit_price", HTTP_INT, .about = "centavos, net of VAT", .example = "95000"},
    {"retail_unit_price", HTTP_INT, HTTP_NULL, .example = "120000"},
    {"SKU", HTTP_STR, HTTP_NULL, .example = "\"C R5 T-1\""},
    {"unit_per_storage_box", HTTP_INT, HTTP_NULL, .example = "54"},
    {"wholesale_total_price_per_box", HTTP_INT, HTTP_NULL, .example = "5130000"},
    {"observations", HTTP_STR, HTTP_NULL},
    {"availability", HTTP_STR, HTTP_NULL, .one_of = AVAILABILITY},
    {"discount_factor", HTTP_INT, HTTP_NULL, .example = "0"},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {"product_id", HTTP_INT, HTTP_NULL},
    {"variant", HTTP_STR, .example = "\"\""},
    {"net_wholesale_price", HTTP_INT, .example = "95000"},
    {"availability_label", HTTP_STR, HTTP_NULL},
    {"currency", HTTP_STR, .example = "\"ARS\""},
    {"created_at", HTTP_INSTANT},
    {"packaging", HTTP_OBJ, .of = &PricePot},
    {"category", HTTP_OBJ, .of = &PriceCategory},
    {NULL},
};
static const struct http_schema Price = {"Price", price_fields};
static const struct http_field changed_fields[] = {
    {"changes_applied", HTTP_INT, .about = "members that changed", .example = "1"}, {NULL}};
static const struct http_schema PriceChanged = {"PriceChanged", changed_fields, &Price, 0};

static const struct http_field revision_fields[] = {
    {"changed_at", HTTP_INSTANT}, {"user_id", HTTP_INT},        {"field", HTTP_STR},
    {"old", HTTP_ANY, HTTP_NULL}, {"new", HTTP_ANY, HTTP_NULL}, {NULL},
};
static const struct http_schema PriceRevision = {"PriceRevision", revision_fields};

static const struct http_field item_fields[] = {
    {"id", HTTP_INT},
    {"SKU", HTTP_STR},
    {"packaging", HTTP_STR},
    {"category", HTTP_STR},
    {"current_wholesale", HTTP_INT},
    {"new_wholesale", HTTP_INT},
    {"current_retail", HTTP_INT, HTTP_NULL},
    {"new_retail", HTTP_INT, HTTP_NULL},
    {"current_total_per_box", HTTP_INT, HTTP_NULL},
    {"new_total_per_box", HTTP_INT, HTTP_NULL},
    {"price_change_amount", HTTP_INT},
    {"current_availability", HTTP_STR, HTTP_OPT},
    {"new_availability", HTTP_STR, HTTP_OPT},
    {"current_discount", HTTP_INT, HTTP_OPT},
    {"new_discount", HTTP_INT, HTTP_OPT},
    {NULL},
};
static const struct http_schema BulkItem = {NULL, item_fields};
static const struct http_field sum_fields[] = {
    {"percentage_change", HTTP_NUM, HTTP_NULL},
    {"total_items", HTTP_INT},
    {"avg_price_increase", HTTP_NUM},
    {NULL},
};
static const struct http_schema BulkSum = {NULL, sum_fields};
static const struct http_field preview_fields[] = {
    {"operation", HTTP_STR, .example = "\"update_prices\""},
    {"affected_count", HTTP_INT},
    {"items", HTTP_OBJ, HTTP_LIST, .of = &BulkItem},
    {"summary", HTTP_OBJ, .of = &BulkSum},
    {"confirmation_token", HTTP_UUID},
    {"expires_in", HTTP_INT, .example = "600"},
    {NULL},
};
static const struct http_schema BulkPreview = {"BulkPreview", preview_fields};
static const struct http_field result_fields[] = {
    {"success", HTTP_BOOL},
    {"operation", HTTP_STR},
    {"affected_count", HTTP_INT},
    {"message", HTTP_STR},
    {"errors", HTTP_STR, HTTP_LIST | HTTP_NULL},
    {NULL},
};
static const struct http_schema BulkDone = {"BulkResult", result_fields};

/* ---- bodies ---------------------------------------------------------------------------------- */

#define MOST 1e12
#define PRICE_FIELDS(need)                                                                         \
    {"product_id", HTTP_INT, HTTP_NULL, .min = 1, .max = INT32_MAX},                               \
        {"variant", HTTP_STR, HTTP_TRIM, .max = 100},                                              \
        {"wholesale_unit_price", HTTP_INT, (need), .min = 1, .max = MOST, .example = "95000"},     \
        {"retail_unit_price", HTTP_INT, HTTP_NULL, .min = 1, .max = MOST},                         \
        {"SKU", HTTP_STR, HTTP_TRIM, .min = 1, .max = 50, .pattern = "[A-Za-z0-9 ./-]+"},          \
        {"unit_per_storage_box", HTTP_INT, HTTP_NULL, .min = 1, .max = 1e5},                       \
        {"observations", HTTP_STR, HTTP_NULL, .max = 255},                                         \
        {"availability", HTTP_STR, .one_of = AVAILABILITY},                                        \
        {"availability_label", HTTP_STR, HTTP_NULL, .max = 50},                                    \
    {                                                                                              \
        "discount_factor", HTTP_INT, .min = 0, .max = 100                                          \
    }

// clang-format off
static const struct http_field price_new[] = {
    {"packaging_catalog_id", HTTP_INT, HTTP_REQ, .min = 1, .max = INT32_MAX},
    {"product_categories_id", HTTP_INT, HTTP_REQ, .min = 1, .max = INT32_MAX},
    PRICE_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field price_edit[] = {PRICE_FIELDS(0), {NULL}};
// clang-format on
static const struct http_schema PriceNew = {"PriceBody", price_new};
static const struct http_schema PriceEdit = {"PriceEdit", price_edit};

static const struct http_field filter_fields[] = {
    RESOURCE_ID("category_id"),
    RESOURCE_ID("packaging_id"),
    RESOURCE_ID("packaging_type_id"),
    {"min_price", HTTP_INT, .min = 0, .max = MOST},
    {"max_price", HTTP_INT, .min = 0, .max = MOST},
    {"confirmation_token", HTTP_UUID, .about = "of the preview; needed to execute"},
    {"confirm", HTTP_BOOL, .about = "needed above 100 rows"},
    {NULL},
};
static const struct http_schema BulkFilter = {NULL, filter_fields};
static const struct http_field change_fields[] = {
    {"percentage_change", HTTP_NUM, HTTP_REQ, .min = -99.99, .max = 100, .example = "12.5"},
    {"availability", HTTP_STR, .one_of = AVAILABILITY},
    {"round_to", HTTP_INT, .fallback = "1", .about = "1, 100, 1000, 5000 or 10000 centavos"},
    {NULL},
};
static const struct http_schema BulkChange = {"BulkPrice", change_fields, &BulkFilter, 0};
static const struct http_field shift_fields[] = {
    {"new_availability", HTTP_STR, HTTP_REQ, .one_of = AVAILABILITY},
    {"current_availability", HTTP_STR, .one_of = AVAILABILITY, .alias = "availability"},
    {NULL},
};
static const struct http_schema BulkShift = {"BulkAvailability", shift_fields, &BulkFilter, 0};
static const struct http_field discount_fields[] = {
    {"discount_factor", HTTP_INT, HTTP_REQ, .min = 0, .max = 100},
    {"availability", HTTP_STR, .one_of = AVAILABILITY},
    {NULL},
};
static const struct http_schema BulkDiscount = {"BulkDiscount", discount_fields, &BulkFilter, 0};

static const struct http_field price_query[] = {
    RESOURCE_ID("category_id"),
    RESOURCE_ID("packaging_id"),
    RESOURCE_ID("product_id"),
    {"availability", HTTP_STR, .one_of = AVAILABILITY},
    {"search_sku", HTTP_STR, HTTP_TRIM, .min = 1, .max = 50},
    {"min_wholesale_price", HTTP_INT, .min = 0, .max = MOST},
    {"max_wholesale_price", HTTP_INT, .min = 0, .max = MOST},
    {"sort", HTTP_STR, .min = 1, .max = 60, .about = "a member, \"-\" before it: descending"},
    {"bom", HTTP_BOOL, .about = "files only: byte order mark"},
    {"metadata", HTTP_BOOL, .about = "files only: lines that say what was asked"},
    RESOURCE_Q,
    {NULL},
};

/* ---- rows ------------------------------------------------------------------------------------ */

static const struct resource_name price_name[] = {
    {"product_categories_id", "product_category_id"},
    {"wholesale_unit_price", "wholesale_unit_price_cents"},
    {"retail_unit_price", "retail_unit_price_cents"},
    {"SKU", "sku"},
    {"unit_per_storage_box", "units_per_box"},
    {"discount_factor", "discount_percent"},
    {NULL, NULL},
};
static const struct resource prices = {
    .noun = "price",
    .path = "/api/v1/prices",
    .list = &list_prices,
    .kind = MASTER_PRICE,
    .removal = RESOURCE_DISCONTINUED,
    .name = price_name,
};

static bool sees_all(const struct http_request *r)
{
    return api_ctx(r)->role >= INV_SUPERVISOR;
}

static int ask_prices(struct http_request *r, struct list_ask *ask, struct dm_err *e)
{
    DM_TRY(resource_ask(r, &prices, ask, e));
    return sees_all(r) ? DM_OK
                       : resource_also(r, ask, "not_availability", store_t("discontinued"), e);
}

static int list_price_rows(struct http_request *r, struct dm_err *e)
{
    struct list_ask ask;
    json_t *rows;
    int64_t total;
    DM_TRY(ask_prices(r, &ask, e));
    DM_TRY(list_rows(api_ctx(r), &list_prices, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

static int read_price(const struct http_request *r, json_t **ret, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "id", 0);
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(resource_read(r, &prices, id, &row, e));
    if (!sees_all(r) && !strcmp(inv_json_str(row, "availability"), "discontinued")) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "price"), DM_I("identifier", id)),
                  "there is no price %lld", (long long)id);
    }
    *ret = DM_STEAL(row);
    return DM_OK;
}

static int get_price(struct http_request *r, struct dm_err *e)
{
    json_t *row = NULL;
    DM_TRY(read_price(r, &row, e));
    return http_reply_json(r, 200, row, e);
}

static int change_price(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "id", 0);
    DM_CLEANUP(inv_json_freep) json_t *before = NULL;
    DM_CLEANUP(inv_json_freep) json_t *after = NULL;
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_CLEANUP(master_row_clear) struct master_row row = {0};
    const char *name;
    json_t *value;
    int64_t changes = 0;
    DM_TRY(resource_read(r, &prices, id, &before, e));
    DM_TRY(resource_stored(&prices, r->body, NULL, &values, e));
    DM_TRY(resource_refused(master_change(api_ctx(r), MASTER_PRICE, id, values, &row, e), e));
    DM_TRY(resource_read(r, &prices, id, &after, e));
    json_object_foreach(r->body, name, value)
    {
        changes += !json_equal(json_object_get(before, name), json_object_get(after, name));
    }
    DM_TRY(inv_json_set(after, "changes_applied", json_integer(changes), e));
    return http_reply_json(r, 200, DM_STEAL(after), e);
}

/* Columns of a revision as the API calls them. */
static const char *api_name(const char *column)
{
    for (const struct resource_name *n = price_name; n->api; n++) {
        if (!strcmp(n->column, column)) {
            return n->api;
        }
    }
    return column;
}

static int get_history(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const struct list_value of_price = {"price_id", store_i(http_int(r->path, "id", 0))};
    const struct list_ask ask = {&of_price, 1, 0, 0, NULL};
    DM_CLEANUP(inv_json_freep) json_t *seen = NULL;
    DM_CLEANUP(inv_json_freep) json_t *revisions = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    const json_t *revision;
    int64_t n = 0;
    size_t i;
    DM_TRY(read_price(r, &seen, e));
    DM_TRY(list_rows(api_ctx(r), &list_price_changes, &ask, &revisions, NULL, e));
    json_array_foreach(revisions, i, revision)
    {
        const char *column;
        json_t *now;
        json_object_foreach(json_object_get(revision, "new"), column, now)
        {
            json_t *was = json_object_get(json_object_get(revision, "old"), column);
            if (n >= slice.skip && n < slice.skip + slice.limit &&
                json_array_append_new(out,
                                      json_pack("{s:O, s:O, s:s, s:O?, s:O}", "changed_at",
                                                json_object_get(revision, "changed_at"), "user_id",
                                                json_object_get(revision, "user_id"), "field",
                                                api_name(column), "old", was, "new", now))) {
                DM_FAIL(e, DM_ENOMEM, "no memory for the history");
            }
            n++;
        }
    }
    return http_reply_list(r, DM_STEAL(out), n, e);
}

static int export_prices(struct http_request *r, struct dm_err *e)
{
    return rows_reply_export(r, &list_prices, "prices", NULL, e);
}

/* ---- bulk ------------------------------------------------------------------------------------ */

static const char *const operations[] = {"update_prices", "update_availability", "update_discount"};

/* percentage_change has two decimals: basis points are whole. */
static int bulk_of(const struct http_request *r, struct prices_bulk *ret, struct dm_err *e)
{
    const enum prices_bulk_kind *kind = r->route->own;
    const double points = http_num(r->body, "percentage_change", 0) * 100;
    const char *availability = http_str(r->body, "availability");
    *ret = (struct prices_bulk){
        .kind = *kind,
        .category_id = http_int(r->body, "category_id", 0),
        .packaging_id = http_int(r->body, "packaging_id", 0),
        .packaging_type_id = http_int(r->body, "packaging_type_id", 0),
        .availability = availability ? availability : http_str(r->body, "current_availability"),
        .min_cents = http_int(r->body, "min_price", 0),
        .max_cents = http_int(r->body, "max_price", 0),
        .basis_points = llround(points),
        .step_cents = http_int(r->body, "round_to", 1),
        .new_availability = http_str(r->body, "new_availability"),
        .new_discount = http_int(r->body, "discount_factor", 0),
    };
    if (*kind != PRICES_CHANGE) {
        ret->step_cents = 0;
    } else if (fabs(points - (double)ret->basis_points) > 1e-6) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "percentage_change")),
                  "percentage_change: at most two decimals");
    }
    return DM_OK;
}

static json_t *cents(const json_t *o, const char *name)
{
    const int64_t v = inv_json_int(o, name);
    return v ? json_integer(v) : json_null();
}

/* What the domain says of a row, with the figures people compare. */
static json_t *shown_item(const json_t *item, const json_t *price)
{
    const json_t *before = json_object_get(item, "before");
    const json_t *after = json_object_get(item, "after");
    const int64_t wholesale = inv_json_int(price, "wholesale_unit_price");
    const int64_t units = inv_json_int(price, "unit_per_storage_box");
    const json_t *new_price = json_object_get(after, "wholesale_unit_price_cents");
    const int64_t next = new_price ? json_integer_value(new_price) : wholesale;
    json_t *retail = json_object_get(after, "retail_unit_price_cents");
    json_t *o =
        json_pack("{s:O, s:O, s:O, s:O, s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "id",
                  json_object_get(item, "id"), "SKU", json_object_get(item, "sku"), "packaging",
                  json_object_get(json_object_get(price, "packaging"), "name"), "category",
                  json_object_get(json_object_get(price, "category"), "name"), "current_wholesale",
                  (json_int_t)wholesale, "new_wholesale", (json_int_t)next, "current_retail",
                  cents(price, "retail_unit_price"), "new_retail",
                  retail ? json_incref(retail) : cents(price, "retail_unit_price"),
                  "current_total_per_box", units ? json_integer(wholesale * units) : json_null(),
                  "new_total_per_box", units ? json_integer(next * units) : json_null(),
                  "price_change_amount", (json_int_t)(next - wholesale));
    if (o && json_object_get(after, "availability")) {
        json_object_set(o, "current_availability", json_object_get(before, "availability"));
        json_object_set(o, "new_availability", json_object_get(after, "availability"));
    }
    if (o && json_object_get(after, "discount_percent")) {
        json_object_set(o, "current_discount", json_object_get(before, "discount_percent"));
        json_object_set(o, "new_discount", json_object_get(after, "discount_percent"));
    }
    return o;
}

static int show_items(const struct http_request *r, const struct prices_preview *p, json_t **ret,
                      struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    const json_t *item;
    size_t i;
    json_array_foreach(p->items, i, item)
    {
        DM_CLEANUP(inv_json_freep) json_t *price = NULL;
        DM_TRY(resource_read(r, &prices, inv_json_int(item, "id"), &price, e));
        if (json_array_append_new(out, shown_item(item, price))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the preview");
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

static int preview_bulk(struct http_request *r, struct dm_err *e)
{
    struct prices_bulk bulk;
    struct prices_preview p;
    json_t *items = NULL;
    json_t *o;
    DM_TRY(bulk_of(r, &bulk, e));
    DM_TRY(resource_refused(prices_preview(api_ctx(r), &bulk, &p, e), e));
    const int code = show_items(r, &p, &items, e);
    json_decref(p.items);
    DM_TRY(code);
    json_t *percent =
        bulk.kind == PRICES_CHANGE ? json_real((double)bulk.basis_points / 100) : json_null();
    DM_TRY(api_json(json_pack("{s:s, s:I, s:o, s:{s:o, s:I, s:f}, s:s, s:i}", "operation",
                              operations[bulk.kind], "affected_count", (json_int_t)p.count, "items",
                              items, "summary", "percentage_change", percent, "total_items",
                              (json_int_t)p.count, "avg_price_increase",
                              round(p.mean_change_cents * 100) / 100, "confirmation_token", p.token,
                              "expires_in", 600),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int execute_bulk(struct http_request *r, struct dm_err *e)
{
    struct prices_bulk bulk;
    const char *token = http_str(r->body, "confirmation_token");
    int64_t n;
    json_t *o;
    DM_TRY(bulk_of(r, &bulk, e));
    if (!token) {
        DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", "confirmation_token")),
                  "confirmation_token: preview first, then send its token");
    }
    DM_TRY(resource_refused(
        prices_execute(api_ctx(r), &bulk, token, http_bool(r->body, "confirm", false), &n, e), e));
    DM_TRY(api_json(json_pack("{s:b, s:s, s:I, s:o, s:n}", "success", 1, "operation",
                              operations[bulk.kind], "affected_count", (json_int_t)n, "message",
                              json_sprintf("%lld prices changed", (long long)n), "errors"),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const enum prices_bulk_kind kinds[] = {PRICES_CHANGE, PRICES_AVAILABILITY, PRICES_DISCOUNT};

// clang-format off
#define BULK(what, kind, Body, word)                                                                                 \
    {HTTP_POST, "/api/v1/prices/bulk-update-" what "/preview", "preview_bulk_" word, "prices",                        \
     "What changing many rows would do", .role = API_ADMIN, .body = &(Body), .answer = {{200, &BulkPreview}},         \
     .errors = "400", .handle = preview_bulk, .own = &kinds[kind]},                                                   \
    {HTTP_POST, "/api/v1/prices/bulk-update-" what, "bulk_update_" word, "prices", "Change many rows as previewed",    \
     .role = API_ADMIN, .flags = HTTP_IDEMPOTENT, .body = &(Body), .answer = {{200, &BulkDone}},                      \
     .errors = "400 409", .handle = execute_bulk, .own = &kinds[kind]},                                               \
    {HTTP_POST, "/api/v1/prices/bulk-update-" what "/execute", "execute_bulk_" word, "prices",                        \
     "Change many rows as previewed", .role = API_ADMIN, .flags = HTTP_IDEMPOTENT | HTTP_HIDDEN, .body = &(Body),     \
     .answer = {{200, &BulkDone}}, .errors = "400 409", .handle = execute_bulk, .own = &kinds[kind]}
#define EXPORT(ext, media)                                                                                            \
    {HTTP_GET, "/api/v1/prices/export." ext, "export_prices_" ext, "prices", "The price list as a file",              \
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .query = price_query, .answer = {{200, .type = media}},            \
     .errors = "413", .handle = export_prices}

const struct http_route price_routes[] = {
    {HTTP_GET, "/api/v1/prices", "list_prices", "prices", "List prices", .role = API_VIEWER, .flags = HTTP_PAGED,
     .query = price_query, .answer = {{200, &Price, true}}, .handle = list_price_rows},
    {HTTP_POST, "/api/v1/prices", "create_price", "prices", "Create a price", .role = API_ADMIN,
     .flags = HTTP_IDEMPOTENT, .body = &PriceNew, .answer = {{201, &Price}}, .errors = "400 404 409",
     .handle = resource_create, .own = &prices},
    {HTTP_GET, "/api/v1/prices/{id}", "get_price", "prices", "One price", .role = API_VIEWER, .flags = HTTP_ETAG,
     .answer = {{200, &Price}}, .errors = "404", .handle = get_price},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/prices/{id}", "update_price", "prices", "Change a price", .role = API_ADMIN,
     .flags = HTTP_IF_MATCH, .body = &PriceEdit, .answer = {{200, &PriceChanged}}, .errors = "400 404 409 412",
     .handle = change_price},
    {HTTP_DELETE, "/api/v1/prices/{id}", "delete_price", "prices", "Discontinue a price", .role = API_ADMIN,
     .flags = HTTP_IF_MATCH, .answer = {{200, &DeleteResult}}, .errors = "404", .handle = resource_delete,
     .own = &prices},
    {HTTP_GET, "/api/v1/prices/{id}/history", "get_price_history", "prices", "What changed in a price, newest first",
     .role = API_VIEWER, .flags = HTTP_OFFSET, .answer = {{200, &PriceRevision, true}}, .errors = "404",
     .handle = get_history},
    BULK("prices", PRICES_CHANGE, BulkChange, "prices"),
    BULK("availability", PRICES_AVAILABILITY, BulkShift, "availability"),
    BULK("discount", PRICES_DISCOUNT, BulkDiscount, "discount"),
    EXPORT("csv", "text/csv"),
    EXPORT("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    EXPORT("pdf", "application/pdf"),
    {0},
};
// clang-format on

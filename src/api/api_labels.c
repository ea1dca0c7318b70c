/* SPDX-License-Identifier: Apache-2.0
 *
 * QR codes of claros and sheets of labels (api.md section 11). */
#include <string.h>

#include "api/api_locations.h"
#include "api/labels.h"
#include "inventory/json.h"

enum { LABELS_MOST = 500, OUT_MAX = 32 << 20 };

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field found_fields[] = {
    {"location", HTTP_OBJ, .of = &StorageLocation},
    {"area", HTTP_OBJ, .of = &StorageArea},
    {"warehouse", HTTP_OBJ, .of = &Warehouse},
    {"config", HTTP_OBJ, HTTP_NULL, .of = &LocationConfig},
    {NULL},
};
static const struct http_schema LabelFound = {"LabelFound", found_fields};

#define QR(flags)                                                                                  \
    {                                                                                              \
        "qr_code", HTTP_STR, HTTP_UPPER | (flags), .min = 8, .max = 20, .pattern = "[A-Z0-9_-]+",  \
                                                   .example = "\"LOC000001\""                      \
    }
static const struct http_field qr_path[] = {QR(HTTP_REQ), {NULL}};
static const struct http_field qr_new[] = {QR(0), {NULL}};
static const struct http_schema LabelNew = {"LabelNew", qr_new};

static const struct http_field picture_query[] = {
    {"size", HTTP_INT, .min = 64, .max = 2048, .fallback = "300", .about = "pixels a side"},
    {"ecc", HTTP_STR, .one_of = "L|M|Q|H", .fallback = "\"M\""},
    {"content", HTTP_STR, .one_of = "code|url", .fallback = "\"code\""},
    {NULL},
};
static const struct http_field sheet_query[] = {
    RESOURCE_ID("area_id"),
    RESOURCE_ID("warehouse_id"),
    {"location_ids", HTTP_INT, HTTP_LIST, .min = 1, .max = INT32_MAX, .items_max = LABELS_MOST},
    {"layout", HTTP_STR, .one_of = "a4-24|a4-65|single", .fallback = "\"a4-24\""},
    {"content", HTTP_STR, .one_of = "code|url", .fallback = "\"code\""},
    {NULL},
};

/* ---- one label ------------------------------------------------------------------------------- */

static int no_label(const char *code, struct dm_err *e)
{
    DM_REFUSE(e, API_ENO_LOCATION,
              DM_FIELDS(DM_S("resource", "location"), DM_S("identifier", code)),
              "no claro has the label '%.20s'", code);
}

static int find_label(struct http_request *r, struct dm_err *e)
{
    const char *code = http_str(r->path, "qr_code");
    DM_CLEANUP(inv_json_freep) json_t *location = NULL;
    DM_CLEANUP(inv_json_freep) json_t *area = NULL;
    DM_CLEANUP(inv_json_freep) json_t *warehouse = NULL;
    DM_CLEANUP(inv_json_freep) json_t *configs = NULL;
    json_t *o;
    const int found = list_one(api_ctx(r), &list_locations, "qr_code", store_t(code), &location, e);
    if (found == INV_NOT_FOUND || json_is_false(json_object_get(location, "active"))) {
        return no_label(code, e);
    }
    DM_TRY(found);
    DM_TRY(resource_read(r, &resource_area, inv_json_int(location, "storage_area_id"), &area, e));
    DM_TRY(
        resource_read(r, &resource_warehouse, inv_json_int(area, "warehouse_id"), &warehouse, e));
    const struct list_value value[] = {
        {"storage_location_id", store_i(inv_json_int(location, "storage_location_id"))},
        {"active", store_b(true)},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, 1, NULL};
    DM_TRY(list_rows(api_ctx(r), &list_configs, &ask, &configs, NULL, e));
    DM_TRY(api_json(json_pack("{s:O, s:O, s:O, s:O?}", "location", location, "area", area,
                              "warehouse", warehouse, "config", json_array_get(configs, 0)),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

/* An absent code is made from the id. */
static int give_label(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "id", 0);
    const char *code = http_str(r->body, "qr_code");
    struct inv_ctx c = *api_ctx(r);
    char made[24];
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_CLEANUP(master_row_clear) struct master_row row = {0};
    json_t *shown;
    (void)snprintf(made, sizeof(made), "LOC%06lld", (long long)id);
    DM_TRY(api_json(json_pack("{s:s}", "qr_code", code ? code : made), &values, e));
    DM_TRY(inv_permit(&c, INV_DO_CONFIGURE, e));
    c.role = INV_ADMIN; /* labels are the supervisor's, the other columns of a place are not */
    DM_TRY(resource_refused(master_change(&c, MASTER_LOCATION, id, values, &row, e), e));
    DM_TRY(resource_read(r, &resource_location, id, &shown, e));
    return http_reply_json(r, 200, shown, e);
}

/* What the symbol says: the code, or the address that leads to the claro. */
static const char *content_of(const struct http_request *r, const char *code)
{
    const char *content = http_str(r->query, "content");
    return content && !strcmp(content, "url")
               ? dm_arena_printf(r->arena, "%s/l/%s", api_options(api_of(r))->base_url, code)
               : code;
}

static int word_index(const char *const *words, const char *word)
{
    int i = 0;
    while (words[i] && strcmp(words[i], word) != 0) {
        i++;
    }
    return i;
}

static int code_of(const struct http_request *r, const char **ret, enum labels_ecc *ret_ecc,
                   struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *location = NULL;
    DM_TRY(resource_read(r, &resource_location, http_int(r->path, "id", 0), &location, e));
    const char *code = dm_arena_strdup(r->arena, inv_json_str(location, "qr_code"));
    *ret = code ? content_of(r, code) : NULL;
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a label");
    }
    *ret_ecc = (enum labels_ecc)word_index(labels_ecc_names, http_str(r->query, "ecc"));
    return DM_OK;
}

static int get_png(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(OUT_MAX);
    const char *text;
    enum labels_ecc ecc;
    DM_TRY(code_of(r, &text, &ecc, e));
    DM_TRY(labels_png(text, ecc, (int)http_int(r->query, "size", 300), &out, e));
    return http_reply_bytes(r, 200, "image/png", NULL, dm_buf_str(&out), out.len, e);
}

static int get_svg(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(OUT_MAX);
    const char *text;
    enum labels_ecc ecc;
    DM_TRY(code_of(r, &text, &ecc, e));
    DM_TRY(labels_svg(text, ecc, (int)http_int(r->query, "size", 300), &out, e));
    return http_reply_bytes(r, 200, "image/svg+xml", NULL, dm_buf_str(&out), out.len, e);
}

/* A label that somebody's telephone read: on to the page of the claro. */
static int follow_label(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const char *code = http_str(r->path, "qr_code");
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *location = NULL;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = list_one_in(tx, c, &list_locations, "qr_code", store_t(code), &location, e);
    if (found == INV_NOT_FOUND) {
        return no_label(code, e);
    }
    DM_TRY(found);
    const char *to = dm_arena_printf(r->arena, "%s/?claro=%lld", api_options(api_of(r))->base_url,
                                     (long long)inv_json_int(location, "storage_location_id"));
    if (!to) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return http_reply_redirect(r, 307, to, e);
}

/* ---- sheets ---------------------------------------------------------------------------------- */

static int select_claros(struct http_request *r, json_t **ret, struct dm_err *e)
{
    const json_t *ids = json_object_get(r->query, "location_ids");
    const int64_t area = http_int(r->query, "area_id", 0);
    const int64_t warehouse = http_int(r->query, "warehouse_id", 0);
    const char *text = NULL;
    if (json_array_size(ids)) {
        DM_TRY(inv_json_text(ids, r->arena, &text, e));
    }
    const struct list_value value[] = {
        {"active", store_b(true)},
        {"storage_area_id", store_ref(area)},
        {"warehouse_id", store_ref(warehouse)},
        {"ids", text ? store_j(text) : store_null()},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, LABELS_MOST, "code"};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    if (area || warehouse || text) {
        DM_TRY(list_rows(api_ctx(r), &list_locations, &ask, &rows, NULL, e));
    }
    if (!json_array_size(rows)) {
        DM_REFUSE(e, INV_EMPTY_FILTER_RESULT, DM_FIELDS(DM_S("field", "location_ids")),
                  "choose claros: area_id, warehouse_id or location_ids");
    }
    *ret = DM_STEAL(rows);
    return DM_OK;
}

static int get_sheet(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(OUT_MAX);
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_TRY(select_claros(r, &rows, e));
    const size_t n = json_array_size(rows);
    struct label *label = dm_arena_calloc(r->arena, n, sizeof(*label));
    for (size_t i = 0; label && i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        label[i] = (struct label){content_of(r, inv_json_str(row, "qr_code")),
                                  inv_json_str(row, "code"), inv_json_str(row, "name")};
        if (!label[i].qr) {
            label = NULL;
        }
    }
    if (!label) {
        DM_FAIL(e, DM_ENOMEM, "no memory for labels");
    }
    DM_TRY(labels_pdf(
        label, n, (enum labels_layout)word_index(labels_layout_names, http_str(r->query, "layout")),
        &out, e));
    return http_reply_bytes(r, 200, "application/pdf", "demeter_labels.pdf", dm_buf_str(&out),
                            out.len, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

// clang-format off
const struct http_route label_routes[] = {
    {HTTP_GET, "/api/v1/locations/qr/{qr_code}", "find_label", "locations", "The claro of a label",
     .role = API_VIEWER, .params = qr_path, .answer = {{200, &LabelFound}}, .errors = "404", .handle = find_label},
    {HTTP_POST, "/api/v1/locations/locations/{id}/qr", "give_label", "locations", "Give a claro a label",
     .role = API_SUPERVISOR, .flags = HTTP_BODY_OPTIONAL, .body = &LabelNew, .answer = {{200, &StorageLocation}},
     .errors = "404 409", .handle = give_label},
    {HTTP_GET, "/api/v1/locations/locations/{id}/qr.png", "get_label_png", "locations", "The label as a picture",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .query = picture_query, .answer = {{200, .type = "image/png"}},
     .errors = "404", .handle = get_png},
    {HTTP_GET, "/api/v1/locations/locations/{id}/qr.svg", "get_label_svg", "locations", "The label as a drawing",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .query = picture_query, .answer = {{200, .type = "image/svg+xml"}},
     .errors = "404", .handle = get_svg},
    {HTTP_GET, "/api/v1/locations/qr-labels.pdf", "get_label_sheet", "locations", "A sheet of labels to print",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .query = sheet_query, .answer = {{200, .type = "application/pdf"}},
     .errors = "400", .handle = get_sheet},
    {HTTP_GET, "/l/{qr_code}", "follow_label", "locations", "From a label to the page of its claro", .role = API_OPEN,
     .flags = HTTP_OPEN_REPLY, .params = qr_path, .answer = {{307}}, .errors = "404", .handle = follow_label},
    {0},
};
// clang-format on

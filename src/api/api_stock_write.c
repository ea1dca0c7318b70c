/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/stock: movements, operations and manual counts that people log (api.md 5.2, 17). The
 * rules are the ledger's; here a request becomes its question. */
#include <math.h>
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "api/schemas_stock.h"
#include "api/stock.h"
#include "inventory/batches.h"
#include "inventory/json.h"
#include "inventory/ledger.h"
#include "inventory/webhooks.h"

#define ID         .min = 1, .max = INT32_MAX
#define MAX_PLANTS 100000
#define BIN_KINDS  "plug|seedling_tray|box|segment|pot"
#define OPERATIONS "plantar|sembrar|transplante|muerte|ventas|ajuste"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field manual_in[] = {
    {"storage_location_id", HTTP_INT, HTTP_REQ, ID},
    {"product_id", HTTP_INT, HTTP_REQ, ID},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, ID, .about = "null: no packaging"},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"quantity", HTTP_INT, HTTP_REQ, .min = 1, .max = MAX_PLANTS},
    {"planting_date", HTTP_DATE, HTTP_NULL},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"product_state_id", HTTP_INT, HTTP_NULL, ID, .about = "default: as configured"},
    {"mode", HTTP_STR, .one_of = "initial|recount", .fallback = "\"initial\""},
    {"bin_id", HTTP_INT, HTTP_NULL, ID},
    {"bin_category", HTTP_STR, HTTP_NULL, .one_of = BIN_KINDS},
    {"plants_per_container", HTTP_INT, HTTP_NULL, .min = 1, .max = 10000},
    {"user_id", HTTP_INT, HTTP_NULL, ID},
    {NULL},
};
static const struct http_schema ManualIn = {"ManualCount", manual_in};

static const struct http_field manual_out[] = {
    {"stock_movement_id", HTTP_UUID},  {"stock_batch_id", HTTP_INT},
    {"batch_code", HTTP_STR},          {"message", HTTP_STR},
    {"warnings", HTTP_STR, HTTP_LIST}, {NULL}};
static const struct http_schema ManualOut = {"ManualCountResult", manual_out, &StockMovement};

static const struct http_field bulk_manual_in[] = {
    {"location_ids", HTTP_INT, HTTP_LIST, ID, .items_min = 1, .items_max = 200},
    {"items", HTTP_OBJ, HTTP_LIST, .items_min = 1, .items_max = 200, .of = &ManualIn},
    {"product_id", HTTP_INT, HTTP_NULL, ID},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, ID},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"quantity", HTTP_INT, HTTP_NULL, .min = 1, .max = MAX_PLANTS},
    {"planting_date", HTTP_DATE, HTTP_NULL},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"product_state_id", HTTP_INT, HTTP_NULL, ID},
    {"mode", HTTP_STR, .one_of = "initial|recount", .fallback = "\"initial\""},
    {"bin_category", HTTP_STR, HTTP_NULL, .one_of = BIN_KINDS},
    {"plants_per_container", HTTP_INT, HTTP_NULL, .min = 1, .max = 10000},
    {NULL},
};
static const struct http_schema BulkManualIn = {"ManualCounts", bulk_manual_in};

static const struct http_field movement_in[] = {
    {"batch_id", HTTP_INT, HTTP_REQ, ID},
    {"movement_type", HTTP_STR, HTTP_REQ, .one_of = API_MOVEMENT_TYPES_IN},
    {"quantity", HTTP_INT, HTTP_REQ, .min = -MAX_PLANTS, .max = MAX_PLANTS,
     .about = "above 0 when inbound, below 0 when outbound"},
    {"is_inbound", HTTP_BOOL, HTTP_REQ},
    {"user_id", HTTP_INT, HTTP_NULL, ID},
    {"source_type", HTTP_STR, .one_of = "manual|ia", .fallback = "\"manual\""},
    {"reason_description", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {"source_bin_id", HTTP_INT, HTTP_NULL, ID},
    {"destination_bin_id", HTTP_INT, HTTP_NULL, ID},
    {"unit_price", HTTP_NUM, HTTP_NULL, .min = 0, .max = 1e10},
    {"total_price", HTTP_NUM, HTTP_NULL, .min = 0, .max = 1e12},
    {"processing_session_id", HTTP_INT, HTTP_NULL, ID},
    {"occurred_at", HTTP_INSTANT, HTTP_NULL},
    {"allow_mismatch", HTTP_BOOL, .fallback = "false"},
    {NULL},
};
static const struct http_schema MovementIn = {"MovementIn", movement_in};

static const struct http_field operation_in[] = {
    {"operation", HTTP_STR, HTTP_REQ, .one_of = OPERATIONS},
    {"storage_location_id", HTTP_INT, HTTP_REQ, ID},
    {"destination_location_id", HTTP_INT, HTTP_NULL, ID},
    {"product_id", HTTP_INT, HTTP_REQ, ID},
    {"product_state_id", HTTP_INT, HTTP_REQ, ID},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, ID},
    {"quantity", HTTP_INT, HTTP_REQ, .min = -MAX_PLANTS, .max = MAX_PLANTS},
    {"batch_id", HTTP_INT, HTTP_NULL, ID},
    {"bin_id", HTTP_INT, HTTP_NULL, ID},
    {"destination_bin_id", HTTP_INT, HTTP_NULL, ID},
    {"to_product_state_id", HTTP_INT, HTTP_NULL, ID},
    {"to_product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"to_packaging_catalog_id", HTTP_INT, HTTP_NULL, ID},
    {"occurred_at", HTTP_INSTANT, HTTP_NULL},
    {"reuse_empty", HTTP_BOOL, .fallback = "false"},
    {"allow_mismatch", HTTP_BOOL, .fallback = "false"},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"unit_price", HTTP_NUM, HTTP_NULL, .min = 0, .max = 1e10},
    {"planting_date", HTTP_DATE, HTTP_NULL},
    {NULL},
};
const struct http_schema OperationIn = {"Operation", operation_in};

static const struct http_field operation_out[] = {
    {"operation", HTTP_STR, .one_of = OPERATIONS},
    {"movement_id", HTTP_UUID},
    {"movement_ids", HTTP_UUID, HTTP_LIST},
    {"location_total", HTTP_INT},
    {"warnings", HTTP_STR, HTTP_LIST},
    {"batch_id", HTTP_INT},
    {"bin_id", HTTP_INT},
    {"quantity_added", HTTP_INT, HTTP_OPT},
    {"new_total", HTTP_INT, HTTP_OPT},
    {"source_movement_id", HTTP_UUID, HTTP_OPT},
    {"dest_movement_id", HTTP_UUID, HTTP_OPT},
    {"source_batch_remaining", HTTP_INT, HTTP_OPT},
    {"dest_batch_total", HTTP_INT, HTTP_OPT},
    {"quantity_moved", HTTP_INT, HTTP_OPT},
    {"quantity_removed", HTTP_INT, HTTP_OPT},
    {"remaining_alive", HTTP_INT, HTTP_OPT},
    {"total_empty_containers", HTTP_INT, HTTP_OPT},
    {NULL},
};
const struct http_schema OperationOut = {"OperationResult", operation_out};

static const struct http_field bulk_operations_in[] = {
    {"operations", HTTP_OBJ, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 500,
     .of = &OperationIn},
    {NULL},
};
static const struct http_schema BulkOperationsIn = {"Operations", bulk_operations_in};

static const struct http_field reverse_in[] = {
    {"reason_description", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 2000}, {NULL}};
static const struct http_schema ReverseIn = {"Reversal", reverse_in};

static const struct http_field batch_in[] = {
    {"product_state_id", HTTP_INT, 0, ID},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"quality_score", HTTP_NUM, HTTP_NULL, .min = 0, .max = 5},
    {"planting_date", HTTP_DATE, HTTP_NULL},
    {"germination_date", HTTP_DATE, HTTP_NULL},
    {"transplant_date", HTTP_DATE, HTTP_NULL},
    {"expected_ready_date", HTTP_DATE, HTTP_NULL},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {"custom_attributes", HTTP_OBJ},
    {NULL},
};
static const struct http_schema BatchIn = {"BatchChange", batch_in};
static const struct http_field movement_path[] = {{"movement_id", HTTP_UUID, HTTP_REQ}, {NULL}};

/* ---- pieces ------------------------------------------------------------------------------- */

/* The caller, or whom an administrator names in the body. */
static int author(const struct http_request *r, const json_t *body, struct inv_ctx *ret,
                  struct dm_err *e)
{
    *ret = *api_ctx(r);
    return api_author(r, http_int(body, "user_id", 0), &ret->user_id, e);
}

static int64_t cents(const json_t *body, const char *name)
{
    return (int64_t)llround(http_num(body, name, 0) * 100);
}

static enum ledger_category category(const json_t *body, const char *name)
{
    enum ledger_category found = LEDGER_CATEGORY_UNSAID;
    const char *text = http_str(body, name);
    return text && ledger_category_parse(text, &found) ? found : LEDGER_CATEGORY_UNSAID;
}

static json_t *warnings(const struct ledger_result *x)
{
    json_t *out = json_array();
    for (int i = 0; i < LEDGER_WARNINGS; i++) {
        if (x->warnings >> i & 1) {
            (void)json_array_append_new(out, json_string(ledger_warning_names[i]));
        }
    }
    return out;
}

static int movement_row(struct http_request *r, const char *uuid, json_t **ret, struct dm_err *e)
{
    return list_one(api_ctx(r), &list_movements, "movement_id", store_u(uuid), ret, e);
}

/* 201 with the movement; whoever wants to know is told. */
static int reply_movement(struct http_request *r, const char *event, json_t *movement,
                          struct dm_err *e)
{
    const int told = webhooks_tell(api_ctx(r), event, movement, e);
    const char *at = dm_arena_printf(r->arena, "/api/v1/stock/movements/%s",
                                     json_string_value(json_object_get(movement, "movement_id")));
    const int code = told < 0 ? told : at ? http_reply_header(r, "Location", at, e) : DM_OK;
    if (code < 0) {
        json_decref(movement);
        return code;
    }
    return http_reply_json(r, 201, movement, e);
}

/* One item of a bulk request under way. */
struct bulk {
    json_t *results;
    int64_t ok, failed;
};

static void bulk_add(struct bulk *b, size_t index, int code, const struct dm_err *e, json_t *id)
{
    json_t *row =
        code < 0
            ? json_pack("{s:I, s:s, s:s, s:s}", "index", (json_int_t)index, "status", "error",
                        "code", inv_code_class(code) ? inv_code_class(code) : "InternalServerError",
                        "message", dm_err_text(e))
            : json_pack("{s:I, s:s, s:O?}", "index", (json_int_t)index, "status", "ok", "id", id);
    b->ok += code >= 0;
    b->failed += code < 0;
    (void)json_array_append_new(b->results, row);
}

static int bulk_reply(struct http_request *r, const struct bulk *b, struct dm_err *e)
{
    return http_reply_json(r, b->failed ? 207 : 200,
                           json_pack("{s:I, s:I, s:o}", "succeeded", (json_int_t)b->ok, "failed",
                                     (json_int_t)b->failed, "results", b->results),
                           e);
}

/* What concerns one item stays with it; a lost database ends the request. */
static bool of_item(int code)
{
    return code >= 0 || inv_code_class(code) != NULL;
}

/* ---- manual counts ------------------------------------------------------------------------ */

static int count_manually(struct http_request *r, const json_t *body, int64_t location_id,
                          struct ledger_result *ret, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    struct inv_ctx c;
    const struct ledger_manual_line line = {
        .product_id = http_int(body, "product_id", 0),
        .packaging_id = http_int(body, "packaging_catalog_id", LEDGER_NONE),
        .size_id = http_int(body, "product_size_id", 0),
        .state_id = http_int(body, "product_state_id", 0),
        .bin_id = http_int(body, "bin_id", 0),
        .category = category(body, "bin_category"),
        .quantity = http_int(body, "quantity", 0),
        .plants_per_container = (int32_t)http_int(body, "plants_per_container", 0),
        .planting_date = http_str(body, "planting_date")};
    const char *mode = http_str(body, "mode");
    const struct ledger_manual m = {.uuid = uuid,
                                    .location_id = location_id,
                                    .recount = mode && strcmp(mode, "recount") == 0,
                                    .notes = http_str(body, "notes"),
                                    .line = &line,
                                    .n_line = 1};
    store_uuid_new(uuid);
    DM_TRY(author(r, body, &c, e));
    return ledger_manual(&c, &m, r->arena, ret, e);
}

static int post_manual(struct http_request *r, struct dm_err *e)
{
    struct ledger_result x;
    json_t *out;
    DM_TRY(count_manually(r, r->body, http_int(r->body, "storage_location_id", 0), &x, e));
    DM_TRY(movement_row(r, x.row[0].uuid, &out, e));
    json_t *more = json_pack("{s:s, s:I, s:s, s:s, s:o}", "stock_movement_id", x.row[0].uuid,
                             "stock_batch_id", (json_int_t)x.batch_id, "batch_code", x.batch_code,
                             "message", "counted", "warnings", warnings(&x));
    (void)json_object_update(out, more);
    json_decref(more);
    return reply_movement(r, "count.manual", out, e);
}

static int post_manual_bulk(struct http_request *r, struct dm_err *e)
{
    const json_t *items = json_object_get(r->body, "items");
    const json_t *places = json_object_get(r->body, "location_ids");
    const json_t *list = json_array_size(items) ? items : places;
    if (!json_array_size(list) || (list == places && !http_has(r->body, "product_id")) ||
        (list == places && !http_has(r->body, "quantity"))) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "items")),
                  "items, or location_ids with product_id and quantity");
    }
    struct bulk b = {.results = json_array()};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const bool own = list == items;
        struct ledger_result x;
        const int code = count_manually(
            r, own ? item : r->body,
            own ? http_int(item, "storage_location_id", 0) : json_integer_value(item), &x, e);
        if (!of_item(code)) {
            json_decref(b.results);
            return code;
        }
        json_t *id = code < 0 ? NULL : json_string(x.row[0].uuid);
        bulk_add(&b, i, code, e, id);
        json_decref(id);
    }
    return bulk_reply(r, &b, e);
}

/* ---- movements ---------------------------------------------------------------------------- */

static int wrong_sign(struct dm_err *e)
{
    DM_REFUSE(e, INV_MOVEMENT_TYPE_NOT_ALLOWED, DM_FIELDS(DM_S("field", "quantity")),
              "quantity, is_inbound and movement_type say different things");
}

/* Whether what the caller says fits together (R8). */
static int check_signs(const json_t *body, enum ledger_type type, struct dm_err *e)
{
    const bool inbound = http_bool(body, "is_inbound", false);
    const int64_t quantity = http_int(body, "quantity", 0);
    const bool only_in = type == LEDGER_PLANTAR || type == LEDGER_SEMBRAR;
    const bool only_out = type == LEDGER_MUERTE || type == LEDGER_VENTAS;
    if (type == LEDGER_FOTO || type == LEDGER_MANUAL_INIT) {
        DM_FAIL(e, INV_MOVEMENT_TYPE_NOT_ALLOWED, "counts are not logged as movements");
    }
    return quantity == 0 || inbound != (quantity > 0) || (only_in && !inbound) ||
                   (only_out && inbound)
               ? wrong_sign(e)
               : DM_OK;
}

static int64_t unit_price(const json_t *body, int64_t quantity)
{
    const int64_t total = cents(body, "total_price");
    return http_has(body, "unit_price") || !quantity ? cents(body, "unit_price") : total / quantity;
}

static int post_movement(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    struct batches_key key;
    struct inv_ctx c;
    struct ledger_result x;
    enum ledger_type type;
    json_t *out;
    if (!ledger_type_parse(http_str(r->body, "movement_type"), &type)) {
        DM_FAIL(e, INV_VALIDATION, "no such movement");
    }
    DM_TRY(check_signs(r->body, type, e));
    DM_TRY(author(r, r->body, &c, e));
    if (strcmp(http_str(r->body, "source_type"), "ia") == 0 && c.role != INV_ADMIN) {
        DM_FAIL(e, INV_FORBIDDEN, "only an administrator writes in the name of the model");
    }
    DM_TRY(batches_find(&c, http_int(r->body, "batch_id", 0),
                        http_int(r->body, "processing_session_id", 0), &key, e));
    const int64_t quantity = http_int(r->body, "quantity", 0);
    struct ledger_move m = {.uuid = uuid,
                            .type = type,
                            .quantity = type == LEDGER_AJUSTE ? quantity : llabs(quantity),
                            .occurred_at = http_int(r->body, "occurred_at", 0),
                            .reason = http_str(r->body, "reason_description"),
                            .batch_id = http_int(r->body, "batch_id", 0),
                            .allow_mismatch = http_bool(r->body, "allow_mismatch", false),
                            .unit_price_cents = unit_price(r->body, llabs(quantity))};
    if (type == LEDGER_PLANTAR || type == LEDGER_SEMBRAR) { /* onto plants like these */
        m.batch_id = 0;
        m.location_id = key.location_id;
        m.product_id = key.product_id;
        m.bin_id = http_int(r->body, "destination_bin_id", key.bin_id);
        m.state_id = key.state_id;
        m.size_id = key.size_id ? key.size_id : LEDGER_NONE;
        m.packaging_id = key.packaging_id ? key.packaging_id : LEDGER_NONE;
    }
    if (type == LEDGER_TRANSPLANTE) {
        m.to_bin_id = http_int(r->body, "destination_bin_id", 0);
        if (!m.to_bin_id || !http_has(r->body, "source_bin_id")) {
            DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "destination_bin_id")),
                      "a transplant names both bins");
        }
        if (http_int(r->body, "source_bin_id", 0) == m.to_bin_id) {
            DM_FAIL(e, INV_SAME_DESTINATION, "source and destination are the same bin");
        }
        DM_TRY(batches_bin(&c, m.to_bin_id, &m.to_location_id, e));
    }
    store_uuid_new(uuid);
    DM_TRY(ledger_move(&c, &m, r->arena, &x, e));
    DM_TRY(movement_row(r, x.row[0].uuid, &out, e));
    return reply_movement(r, "movement.created", out, e);
}

static int post_reverse(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    struct ledger_result x;
    json_t *out;
    const struct ledger_reverse m = {.uuid = uuid,
                                     .movement_uuid = http_str(r->path, "movement_id"),
                                     .reason = http_str(r->body, "reason_description")};
    store_uuid_new(uuid);
    DM_TRY(ledger_reverse(api_ctx(r), &m, r->arena, &x, e));
    DM_TRY(movement_row(r, x.row[0].uuid, &out, e));
    return reply_movement(r, "movement.created", out, e);
}

/* ---- operations --------------------------------------------------------------------------- */

static int operate(struct http_request *r, const json_t *o, enum ledger_type type,
                   const char *given, struct ledger_result *ret, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    const int64_t quantity = http_int(o, "quantity", 0);
    const struct ledger_move m = {.uuid = given ? given : uuid,
                                  .type = type,
                                  .quantity = quantity,
                                  .occurred_at = http_int(o, "occurred_at", 0),
                                  .reason = http_str(o, "notes"),
                                  .batch_id = http_int(o, "batch_id", 0),
                                  .location_id = http_int(o, "storage_location_id", 0),
                                  .product_id = http_int(o, "product_id", 0),
                                  .bin_id = http_int(o, "bin_id", 0),
                                  .state_id = http_int(o, "product_state_id", 0),
                                  .size_id = http_is_null(o, "product_size_id")
                                                 ? LEDGER_NONE
                                                 : http_int(o, "product_size_id", 0),
                                  .packaging_id = http_is_null(o, "packaging_catalog_id")
                                                      ? LEDGER_NONE
                                                      : http_int(o, "packaging_catalog_id", 0),
                                  .planting_date = http_str(o, "planting_date"),
                                  .to_location_id = http_int(o, "destination_location_id", 0),
                                  .to_bin_id = http_int(o, "destination_bin_id", 0),
                                  .to_state_id = http_int(o, "to_product_state_id", 0),
                                  .to_size_id = http_int(o, "to_product_size_id", 0),
                                  .to_packaging_id = http_int(o, "to_packaging_catalog_id", 0),
                                  .allow_mismatch = http_bool(o, "allow_mismatch", false),
                                  .reuse_empty = http_bool(o, "reuse_empty", false),
                                  .unit_price_cents = cents(o, "unit_price")};
    if (type != LEDGER_AJUSTE && quantity < 1) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "quantity")),
                  "a quantity is positive");
    }
    if (m.to_bin_id && m.bin_id == m.to_bin_id && !m.to_state_id && !m.to_size_id &&
        !m.to_packaging_id) {
        DM_FAIL(e, INV_SAME_DESTINATION, "source and destination are the same bin");
    }
    store_uuid_new(uuid);
    return ledger_move(api_ctx(r), &m, r->arena, ret, e);
}

/* What is special to the kind of operation. */
static json_t *figures(enum ledger_type type, const struct ledger_result *x)
{
    int64_t moved = 0;
    const struct ledger_row *in = &x->row[0];
    const struct ledger_row *out = &x->row[0];
    for (size_t i = 0; i < x->n_row; i++) {
        moved += x->row[i].quantity > 0 ? x->row[i].quantity : 0;
        in = x->row[i].quantity > 0 ? &x->row[i] : in;
        out = x->row[i].quantity < 0 ? &x->row[i] : out;
    }
    if (type == LEDGER_TRANSPLANTE) {
        return json_pack("{s:s, s:s, s:I, s:I, s:I}", "source_movement_id", out->uuid,
                         "dest_movement_id", in->uuid, "source_batch_remaining",
                         (json_int_t)out->batch_after, "dest_batch_total",
                         (json_int_t)in->batch_after, "quantity_moved", (json_int_t)moved);
    }
    if (moved) {
        return json_pack("{s:I, s:I}", "quantity_added", (json_int_t)moved, "new_total",
                         (json_int_t)in->batch_after);
    }
    int64_t removed = 0;
    for (size_t i = 0; i < x->n_row; i++) {
        removed -= x->row[i].quantity;
    }
    return json_pack("{s:I, s:I, s:I}", "quantity_removed", (json_int_t)removed, "remaining_alive",
                     (json_int_t)out->batch_after, "total_empty_containers",
                     (json_int_t)x->empty_containers);
}

static json_t *operation_result(enum ledger_type type, const struct ledger_result *x)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < x->n_row; i++) {
        (void)json_array_append_new(ids, json_string(x->row[i].uuid));
    }
    json_t *out =
        json_pack("{s:s, s:s, s:o, s:I, s:o, s:I, s:I}", "operation", ledger_type_names[type],
                  "movement_id", x->row[0].uuid, "movement_ids", ids, "location_total",
                  (json_int_t)x->location_total, "warnings", warnings(x), "batch_id",
                  (json_int_t)x->batch_id, "bin_id", (json_int_t)x->bin_id);
    json_t *more = figures(type, x);
    (void)json_object_update(out, more);
    json_decref(more);
    return out;
}

int stock_operate(struct http_request *r, const json_t *operation, const char *uuid, json_t **ret,
                  struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    struct ledger_result x;
    enum ledger_type type = LEDGER_TYPE_MAX_;
    if (!ledger_type_parse(http_str(operation, "operation"), &type)) {
        DM_FAIL(e, INV_VALIDATION, "no such operation");
    }
    DM_TRY(operate(r, operation, type, uuid, &x, e));
    out = operation_result(type, &x);
    DM_TRY(webhooks_tell(api_ctx(r), "movement.created", out, e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

static int post_operation(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(stock_operate(r, r->body, NULL, &out, e));
    const char *at =
        dm_arena_printf(r->arena, "/api/v1/stock/movements/%s", http_str(out, "movement_id"));
    const int code = at ? http_reply_header(r, "Location", at, e) : DM_OK;
    if (code < 0) {
        json_decref(out);
        return code;
    }
    return http_reply_json(r, 201, out, e);
}

static int post_operations(struct http_request *r, struct dm_err *e)
{
    const json_t *list = json_object_get(r->body, "operations");
    struct bulk b = {.results = json_array()};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct ledger_result x;
        enum ledger_type type = LEDGER_TYPE_MAX_;
        const bool known = ledger_type_parse(http_str(o, "operation"), &type);
        const int code = known ? operate(r, o, type, NULL, &x, e) : INV_VALIDATION;
        if (!of_item(code)) {
            json_decref(b.results);
            return code;
        }
        json_t *id = code < 0 ? NULL : json_string(x.row[0].uuid);
        bulk_add(&b, i, code, e, id);
        json_decref(id);
    }
    return bulk_reply(r, &b, e);
}

/* ---- batches ------------------------------------------------------------------------------ */

static int patch_batch(struct http_request *r, struct dm_err *e)
{
    DM_TRY(batches_edit(api_ctx(r), http_int(r->path, "batch_id", 0), r->body, e));
    return rows_reply_one(r, &list_batches, "batch_id", e);
}

const struct http_route stock_write_routes[] = {
    {HTTP_POST, "/api/v1/stock/manual", "count_manually", "stock", "Count plants by hand",
     .role = API_WORKER, .flags = HTTP_IDEMPOTENT, .body = &ManualIn, .answer = {{201, &ManualOut}},
     .errors = "400 404 409", .handle = post_manual},
    {HTTP_POST, "/api/v1/stock/manual/bulk", "count_manually_bulk", "stock",
     "Count several claros by hand", .role = API_WORKER, .flags = HTTP_IDEMPOTENT | HTTP_BULK,
     .body = &BulkManualIn, .answer = {{200, &BulkResult}, {207, &BulkResult}},
     .handle = post_manual_bulk},
    {HTTP_POST, "/api/v1/stock/movements", "create_movement", "stock", "Log a movement of a batch",
     .role = API_WORKER, .flags = HTTP_IDEMPOTENT, .body = &MovementIn,
     .answer = {{201, &StockMovement}}, .errors = "400 404", .handle = post_movement},
    {HTTP_POST, "/api/v1/stock/movements/{movement_id}/reverse", "reverse_movement", "stock",
     "Take a movement back", .role = API_WORKER, .flags = HTTP_IDEMPOTENT, .params = movement_path,
     .body = &ReverseIn, .answer = {{201, &StockMovement}}, .errors = "400 404 409",
     .handle = post_reverse},
    {HTTP_POST, "/api/v1/stock/operations", "create_operation", "stock",
     "Plant, sow, move, note deaths, sell, adjust", .role = API_WORKER, .flags = HTTP_IDEMPOTENT,
     .body = &OperationIn, .answer = {{201, &OperationOut}}, .errors = "400 404",
     .handle = post_operation},
    {HTTP_POST, "/api/v1/stock/operations/bulk", "create_operations", "stock",
     "Several operations, each for itself", .role = API_SUPERVISOR,
     .flags = HTTP_IDEMPOTENT | HTTP_BULK, .body = &BulkOperationsIn,
     .answer = {{200, &BulkResult}, {207, &BulkResult}}, .handle = post_operations},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/stock/batches/{batch_id}", "update_batch", "stock",
     "Dates, quality, state of a batch", .role = API_SUPERVISOR, .body = &BatchIn,
     .answer = {{200, &StockBatch}}, .errors = "400 404", .handle = patch_batch},
    {0},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of the ledger that several resources show (api.md section 4). */
#include "api/schemas_stock.h"

static const struct http_field stock_batch[] = {
    {"batch_id", HTTP_INT},
    {"batch_code", HTTP_STR},
    {"current_storage_bin_id", HTTP_INT},
    {"product_id", HTTP_INT},
    {"quantity_initial", HTTP_INT},
    {"quantity_current", HTTP_INT},
    {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {"product_state_id", HTTP_INT},
    {"product_size_id", HTTP_INT, HTTP_NULL},
    {"has_packaging", HTTP_BOOL},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL},
    {"quantity_empty_containers", HTTP_INT},
    {"quality_score", HTTP_NUM, HTTP_NULL},
    {"planting_date", HTTP_DATE, HTTP_NULL},
    {"transplant_date", HTTP_DATE, HTTP_NULL},
    {"expected_ready_date", HTTP_DATE, HTTP_NULL},
    {"notes", HTTP_STR, HTTP_NULL},
    {"custom_attributes", HTTP_OBJ},
    {NULL},
};
const struct http_schema StockBatch = {"StockBatch", stock_batch};

static const struct http_field stock_movement[] = {
    {"id", HTTP_INT},
    {"movement_id", HTTP_UUID},
    {"batch_id", HTTP_INT},
    {"movement_type", HTTP_STR, .one_of = API_MOVEMENT_TYPES},
    {"quantity", HTTP_INT, .about = "signed: what it does to the batch"},
    {"user_id", HTTP_INT},
    {"source_type", HTTP_STR, .one_of = "manual|ia"},
    {"is_inbound", HTTP_BOOL},
    {"created_at", HTTP_INSTANT},
    {"source_bin_id", HTTP_INT, HTTP_NULL},
    {"destination_bin_id", HTTP_INT, HTTP_NULL},
    {"unit_price", HTTP_NUM, HTTP_NULL},
    {"total_price", HTTP_NUM, HTTP_NULL},
    {"reason_description", HTTP_STR, HTTP_NULL},
    {"processing_session_id", HTTP_INT, HTTP_NULL},
    {"batch_quantity_after", HTTP_INT},
    {"paired_movement_id", HTTP_UUID, HTTP_NULL},
    {"occurred_at", HTTP_INSTANT},
    {"reverses_movement_id", HTTP_UUID, HTTP_NULL},
    {NULL},
};
const struct http_schema StockMovement = {"StockMovement", stock_movement};

static const struct http_field bulk_item[] = {
    {"index", HTTP_INT},
    {"status", HTTP_STR, .one_of = "ok|error"},
    {"id", HTTP_ANY, HTTP_OPT},
    {"code", HTTP_STR, HTTP_OPT},
    {"message", HTTP_STR, HTTP_OPT},
    {NULL},
};
static const struct http_schema BulkItem = {NULL, bulk_item};
static const struct http_field bulk_result[] = {
    {"succeeded", HTTP_INT},
    {"failed", HTTP_INT},
    {"results", HTTP_OBJ, HTTP_LIST, .of = &BulkItem},
    {NULL},
};
const struct http_schema BulkResult = {"BulkItems", bulk_result};

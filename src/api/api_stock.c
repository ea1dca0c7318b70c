/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/stock: what is there, what happened to it (api.md 5.2, 17). Writing is in
 * stock_write.c. */
#include "api/schemas_stock.h"
#include "api/stock.h"

#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/batches.h"
#include "inventory/jobs.h"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field by_product[] = {
    {"product_id", HTTP_INT}, {"product_name", HTTP_STR}, {"quantity", HTTP_INT}, {NULL}};
static const struct http_schema ByProduct = {NULL, by_product};
static const struct http_field stock_view[] = {
    {"total_plants", HTTP_INT},
    {"total_batches", HTTP_INT},
    {"total_empty_containers", HTTP_INT},
    {"batches", HTTP_OBJ, HTTP_LIST, .of = &StockBatch},
    {"by_product", HTTP_OBJ, HTTP_LIST, .of = &ByProduct},
    {"last_movement_at", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
const struct http_schema StockView = {"StockView", stock_view};

static const struct http_field lifecycle[] = {
    {"stage", HTTP_STR, .one_of = "seedling|growing|mature|ready"},
    {"health", HTTP_STR, .one_of = "good|warning|critical"},
    {"age_days", HTTP_INT},
    {"quality_score", HTTP_NUM, HTTP_NULL},
    {NULL},
};
static const struct http_schema Lifecycle = {"BatchLifecycle", lifecycle};

#define TASK_STATES "PENDING|STARTED|RETRY|SUCCESS|FAILURE|REVOKED"
static const struct http_field task[] = {
    {"task_id", HTTP_UUID},
    {"status", HTTP_STR, .one_of = TASK_STATES},
    {"result", HTTP_ANY, HTTP_NULL},
    {"info", HTTP_ANY, HTTP_NULL},
    {NULL},
};
static const struct http_schema Task = {"Task", task};
static const struct http_field task_line[] = {
    {"task_id", HTTP_UUID},
    {"status", HTTP_STR, .one_of = TASK_STATES},
    {"progress", HTTP_INT, .min = 0, .max = 100},
    {"message", HTTP_STR, HTTP_NULL},
    {"result", HTTP_ANY, HTTP_NULL},
    {NULL},
};
static const struct http_schema TaskLine = {NULL, task_line};
static const struct http_field tasks[] = {{"tasks", HTTP_OBJ, HTTP_LIST, .of = &TaskLine}, {NULL}};
static const struct http_schema Tasks = {"Tasks", tasks};

static const struct http_field period[] = {
    {"id", HTTP_INT},
    {"storage_location_id", HTTP_INT},
    {"kind", HTTP_STR, .one_of = "foto|manual_init|implicit"},
    {"status", HTTP_STR, .one_of = "open|closed"},
    {"opened_at", HTTP_INSTANT},
    {"closed_at", HTTP_INSTANT, HTTP_NULL},
    {"opening_session_id", HTTP_UUID, HTTP_NULL},
    {"opening_count", HTTP_INT},
    {NULL},
};
static const struct http_schema Period = {"StockPeriod", period};

/* ---- parameters --------------------------------------------------------------------------- */

static const struct http_field batch_query[] = {
    {"storage_location_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"storage_bin_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"product_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"packaging_catalog_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"product_state_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"batch_status", HTTP_STR, .one_of = "active|depleted"},
    {"q", HTTP_STR, .min = 1, .max = 100, .about = "part of the batch code"},
    {"bom", HTTP_BOOL, .about = "files only: byte order mark"},
    {"metadata", HTTP_BOOL, .about = "files only: lines that say what was asked"},
    {NULL},
};
static const struct http_field history_query[] = {
    {"batch_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"movement_type", HTTP_STR, .one_of = API_MOVEMENT_TYPES},
    {"source_type", HTTP_STR, .one_of = "manual|ia"},
    {"storage_location_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"user_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"date_from", HTTP_INSTANT, .about = "of occurred_at, inclusive"},
    {"date_to", HTTP_INSTANT, .about = "of occurred_at, inclusive"},
    {NULL},
};
static const struct http_field period_query[] = {
    {"storage_location_id", HTTP_INT, .min = 1, .max = INT32_MAX},
    {"status", HTTP_STR, .one_of = "open|closed"},
    {NULL},
};
static const struct http_field tasks_query[] = {
    {"task_ids", HTTP_UUID, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 100}, {NULL}};
static const struct http_field task_path[] = {{"task_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field movement_path[] = {{"movement_id", HTTP_UUID, HTTP_REQ}, {NULL}};

/* ---- handlers ----------------------------------------------------------------------------- */

static int list_batch_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_batches, e);
}

static int export_batches(struct http_request *r, struct dm_err *e)
{
    return rows_reply_export(r, &list_batches, "stock", NULL, e);
}

static int get_batch(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_batches, "batch_id", e);
}

static int list_movement_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_movements, e);
}

static int get_movement(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_movements, "movement_id", e);
}

static int list_batch_movements(struct http_request *r, struct dm_err *e)
{
    DM_TRY(rows_need(r, &list_batches, "batch_id", e));
    return rows_reply(r, &list_movements, e);
}

static int get_lifecycle(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(batches_lifecycle(api_ctx(r), http_int(r->path, "batch_id", 0), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_location_stock(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(batches_stock(api_ctx(r), http_int(r->path, "location_id", 0), 0, &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_bin_stock(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(batches_stock(api_ctx(r), 0, http_int(r->path, "bin_id", 0), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int list_period_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_periods, e);
}

static int get_task(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(jobs_task(api_ctx(r), http_str(r->path, "task_id"), &out, e));
    return http_reply_json(r, 200, out, e);
}

/* Unknown ids are left out. */
static int get_tasks(struct http_request *r, struct dm_err *e)
{
    const json_t *ids = json_object_get(r->query, "task_ids");
    json_t *lines = json_array();
    for (size_t i = 0; i < json_array_size(ids); i++) {
        json_t *line;
        const int code =
            jobs_task_line(api_ctx(r), json_string_value(json_array_get(ids, i)), &line, e);
        if (code == DM_OK) {
            (void)json_array_append_new(lines, line);
        } else if (code != INV_NOT_FOUND) {
            json_decref(lines);
            return code;
        }
    }
    return http_reply_json(r, 200, json_pack("{s:o}", "tasks", lines), e);
}

#define EXPORT(ending, media)                                                                      \
    {                                                                                              \
        HTTP_GET, "/api/v1/stock/export." ending, "export_stock_" ending, "exports",               \
            "Batches as a file", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY,                     \
                                 .query = batch_query, .answer = {{200, NULL, .type = media}},     \
                                 .errors = "413", .handle = export_batches                         \
    }

const struct http_route stock_routes[] = {
    {HTTP_GET, "/api/v1/stock/tasks/status", "get_tasks", "stock", "Several tasks at once",
     .role = API_VIEWER, .flags = HTTP_NO_STORE, .query = tasks_query, .answer = {{200, &Tasks}},
     .handle = get_tasks},
    {HTTP_GET, "/api/v1/stock/tasks/{task_id}", "get_task", "stock", "State of a task",
     .role = API_VIEWER, .flags = HTTP_NO_STORE, .params = task_path, .answer = {{200, &Task}},
     .errors = "404", .handle = get_task},
    {HTTP_GET, "/api/v1/stock/tasks/{task_id}/status", "get_task_status", "stock",
     "State of a task", .role = API_VIEWER, .flags = HTTP_NO_STORE | HTTP_HIDDEN,
     .params = task_path, .answer = {{200, &Task}}, .errors = "404", .handle = get_task},
    {HTTP_GET, "/api/v1/stock/batches", "list_batches", "stock", "Batches", .role = API_VIEWER,
     .flags = HTTP_OFFSET, .query = batch_query, .answer = {{200, &StockBatch, .list = true}},
     .handle = list_batch_rows},
    {HTTP_GET, "/api/v1/stock/batches/{batch_id}", "get_batch", "stock", "One batch",
     .role = API_VIEWER, .flags = HTTP_ETAG, .answer = {{200, &StockBatch}}, .errors = "404",
     .handle = get_batch},
    {HTTP_GET, "/api/v1/stock/batches/{batch_id}/movements", "list_batch_movements", "stock",
     "What happened to a batch", .role = API_VIEWER, .flags = HTTP_OFFSET,
     .answer = {{200, &StockMovement, .list = true}}, .errors = "404",
     .handle = list_batch_movements},
    {HTTP_GET, "/api/v1/stock/batches/{batch_id}/lifecycle", "get_batch_lifecycle", "stock",
     "Stage and health of a batch", .role = API_VIEWER, .answer = {{200, &Lifecycle}},
     .errors = "404", .handle = get_lifecycle},
    {HTTP_GET, "/api/v1/stock/history", "list_history", "stock", "Movements, newest first",
     .role = API_VIEWER, .flags = HTTP_OFFSET, .query = history_query,
     .answer = {{200, &StockMovement, .list = true}}, .handle = list_movement_rows},
    {HTTP_GET, "/api/v1/stock/movements", "list_movements", "stock", "Movements, newest first",
     .role = API_VIEWER, .flags = HTTP_OFFSET, .query = history_query,
     .answer = {{200, &StockMovement, .list = true}}, .handle = list_movement_rows},
    {HTTP_GET, "/api/v1/stock/movements/{movement_id}", "get_movement", "stock", "One movement",
     .role = API_VIEWER, .params = movement_path, .answer = {{200, &StockMovement}},
     .errors = "404", .handle = get_movement},
    {HTTP_GET, "/api/v1/stock/locations/{location_id}/stock", "get_location_stock", "stock",
     "Stock of a claro", .role = API_VIEWER, .answer = {{200, &StockView}}, .errors = "404",
     .handle = get_location_stock},
    {HTTP_GET, "/api/v1/stock/bins/{bin_id}/stock", "get_bin_stock", "stock", "Stock of a bin",
     .role = API_VIEWER, .answer = {{200, &StockView}}, .errors = "404", .handle = get_bin_stock},
    {HTTP_GET, "/api/v1/stock/periods", "list_periods", "stock", "Periods between counts",
     .role = API_VIEWER, .flags = HTTP_PAGED, .query = period_query,
     .answer = {{200, &Period, .list = true}}, .handle = list_period_rows},
    EXPORT("csv", "text/csv"),
    EXPORT("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    EXPORT("pdf", "application/pdf"),
    {0},
};

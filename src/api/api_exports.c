/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports as files (api.md R37, 20.2): made at once, up to LIST_SHEET_MAX rows. */
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/answers.h"
#include "inventory/exports.h"
#include "inventory/json.h"
#include "inventory/photo.h"

#define ID .min = 1, .max = INT32_MAX

static const struct http_field format_path[] = {
    {"export_format", HTTP_STR, HTTP_REQ, .min = 1, .max = 10}, {NULL}};
static const struct http_field export_query[] = {
    {"report_type", HTTP_STR, HTTP_REQ, .min = 1, .max = 20,
     .about = "inventory, movements or batches"},
    {"start_date", HTTP_DATE},
    {"end_date", HTTP_DATE},
    {"warehouse_id", HTTP_INT, ID},
    {"product_id", HTTP_INT, ID},
    {"bom", HTTP_BOOL, .about = "byte order mark"},
    {"metadata", HTTP_BOOL, .about = "lines that say what was asked"},
    {NULL}};
static const struct http_field export_in[] = {
    {"format", HTTP_STR, HTTP_REQ, .one_of = "csv|xlsx|pdf"},
    {"query", HTTP_OBJ, HTTP_REQ, .about = "as the body of /analytics/manual-query"},
    {NULL}};
static const struct http_schema ExportIn = {"AnalyticsExport", export_in};

static int refuse(const char *field, const char *value, struct dm_err *e)
{
    DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", field), DM_S("value", value)),
              "there is no %s %.20s", field, value);
}

static int get_export(struct http_request *r, struct dm_err *e)
{
    const struct export_ask ask = {.report = http_str(r->query, "report_type"),
                                   .format = http_str(r->path, "export_format"),
                                   .warehouse_id = http_int(r->query, "warehouse_id", 0),
                                   .product_id = http_int(r->query, "product_id", 0),
                                   .from = http_str(r->query, "start_date"),
                                   .to = http_str(r->query, "end_date")};
    struct sheet *s;
    char name[40];
    if (strcmp(ask.format, "csv") != 0 && strcmp(ask.format, "json") != 0 &&
        strcmp(ask.format, "xlsx") != 0) {
        return refuse("export_format", ask.format, e);
    }
    const int code = exports_sheet(api_ctx(r), &ask, LIST_SHEET_MAX, r->arena, &s, e);
    if (code == INV_VALIDATION) {
        return refuse("report_type", ask.report, e);
    }
    DM_TRY(code);
    (void)snprintf(name, sizeof(name), "%s_export.%s", ask.report, ask.format);
    return rows_reply_sheet(r, s, name, e);
}

static int post_export(struct http_request *r, struct dm_err *e)
{
    struct sheet *s;
    DM_TRY(inv_permit(api_ctx(r), INV_DO_EXPORT, e));
    DM_TRY(answers_manual_sheet(api_ctx(r), json_object_get(r->body, "query"), r->arena, &s, e));
    if (!s->n_rows) {
        DM_FAIL(e, INV_EMPTY_FILTER_RESULT, "there is nothing to export");
    }
    DM_TRY(inv_json_set(r->path, "export_format", json_string(http_str(r->body, "format")), e));
    return rows_reply_sheet(r, s, NULL, e);
}

/* ---- as a job ----------------------------------------------------------------------------- */

#define FORMATS "csv|json|xlsx"
#define REPORTS "inventory|movements|batches"
static const struct http_field large_in[] = {
    {"export_format", HTTP_STR, HTTP_REQ, .min = 1, .max = 10, .about = "csv, json or xlsx"},
    {"report_type", HTTP_STR, .one_of = REPORTS, .fallback = "\"inventory\""},
    {"warehouse_id", HTTP_INT, HTTP_NULL, ID},
    {"product_id", HTTP_INT, HTTP_NULL, ID},
    {"start_date", HTTP_DATE, HTTP_NULL},
    {"end_date", HTTP_DATE, HTTP_NULL},
    {NULL}};
static const struct http_schema LargeIn = {"LargeExport", large_in};
static const struct http_field data_export[] = {
    {"export_format", HTTP_STR, .one_of = FORMATS},
    {"file_url", HTTP_STR, HTTP_NULL},
    {"file_size", HTTP_INT, HTTP_NULL},
    {"record_count", HTTP_INT},
    {"generated_at", HTTP_INSTANT},
    {"job_id", HTTP_UUID, HTTP_NULL},
    {"status", HTTP_STR, .one_of = "pending|processing|completed|failed|cancelled"},
    {"poll_url", HTTP_STR, HTTP_NULL},
    {"report_type", HTTP_STR, HTTP_NULL},
    {"expires_at", HTTP_INSTANT, HTTP_NULL},
    {NULL}};
static const struct http_schema DataExport = {"DataExport", data_export};
static const struct http_field job_path[] = {{"job_id", HTTP_UUID, HTTP_REQ}, {NULL}};

/* Own ones; an administrator sees all. */
static int read_export(const struct http_request *r, const char *uuid, json_t **ret,
                       struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    const bool all = api_ctx(r)->role == INV_ADMIN;
    const struct list_value of[] = {{"job_id", store_u(uuid)},
                                    {"user_id", all ? store_null() : store_i(api_ctx(r)->user_id)}};
    const struct list_ask ask = {.value = of, .n_value = DM_COUNT(of), .limit = 1};
    DM_TRY(list_rows(api_ctx(r), &list_exports, &ask, &rows, NULL, e));
    if (!json_array_size(rows)) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "export"), DM_S("identifier", uuid)),
                  "there is no such export");
    }
    *ret = json_incref(json_array_get(rows, 0));
    return DM_OK;
}

/* The job has a moment to be taken up, and three seconds when it was. */
static int wait_for(struct http_request *r, const char *uuid, json_t **ret, struct dm_err *e)
{
    enum { TAKEN_MS = 300, DONE_MS = 3000, STEP_MS = 25 };
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    for (int waited = 0;; waited += STEP_MS) {
        DM_TRY(read_export(r, uuid, ret, e));
        const char *status = json_string_value(json_object_get(*ret, "status"));
        const bool pending = strcmp(status, "pending") == 0;
        if ((!pending && strcmp(status, "processing") != 0) ||
            waited >= (pending ? TAKEN_MS : DONE_MS)) {
            return DM_OK;
        }
        json_decref(*ret);
        (void)nanosleep(&step, NULL);
    }
}

static int post_large(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    const struct export_ask ask = {.report = http_str(r->body, "report_type"),
                                   .format = http_str(r->body, "export_format"),
                                   .warehouse_id = http_int(r->body, "warehouse_id", 0),
                                   .product_id = http_int(r->body, "product_id", 0),
                                   .from = http_str(r->body, "start_date"),
                                   .to = http_str(r->body, "end_date")};
    json_t *out;
    if (strcmp(ask.format, "csv") != 0 && strcmp(ask.format, "json") != 0 &&
        strcmp(ask.format, "xlsx") != 0) {
        return refuse("export_format", ask.format, e);
    }
    DM_TRY(exports_start(api_ctx(r), &ask, uuid, e));
    DM_TRY(wait_for(r, uuid, &out, e));
    return http_reply_json(r, 200, out, e);
}

static int list_export_rows(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const bool all = api_ctx(r)->role == INV_ADMIN;
    const struct list_value of = {"user_id", all ? store_null() : store_i(api_ctx(r)->user_id)};
    const struct list_ask ask = {
        .value = &of, .n_value = 1, .skip = slice.skip, .limit = slice.limit};
    json_t *rows;
    int64_t total;
    DM_TRY(list_rows(api_ctx(r), &list_exports, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

static int get_one(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(inv_permit(api_ctx(r), INV_DO_EXPORT, e));
    DM_TRY(read_export(r, http_str(r->path, "job_id"), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_file(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(EXPORTS_BYTES_MAX);
    struct export_file f;
    char name[64];
    int i = 0;
    DM_TRY(exports_file(api_ctx(r), http_str(r->path, "job_id"), r->arena, &f, e));
    DM_TRY(blob_get_buf(api_options(api_of(r))->photos->local, f.key, (struct blob_range){0}, NULL,
                        &out, e));
    while (sheet_format_names[i] && strcmp(sheet_format_names[i], f.format) != 0) {
        i++;
    }
    (void)snprintf(name, sizeof(name), "demeter_%.20s.%s", f.report, f.format);
    return http_reply_bytes(r, 200, sheet_media_types[i], name, dm_buf_str(&out), out.len, e);
}

const struct http_route export_routes[] = {
    {HTTP_POST, "/api/v1/analytics/export/large", "export_large", "exports",
     "A large file, made by a job", .role = API_VIEWER, .flags = HTTP_IDEMPOTENT, .body = &LargeIn,
     .answer = {{200, &DataExport}}, .errors = "400", .handle = post_large},
    {HTTP_GET, "/api/v1/exports", "list_exports", "exports", "Files that were asked for",
     .role = API_VIEWER, .flags = HTTP_PAGED | HTTP_NO_STORE, .answer = {{200, &DataExport, true}},
     .handle = list_export_rows},
    {HTTP_GET, "/api/v1/exports/{job_id}", "get_export", "exports", "State of a file",
     .role = API_VIEWER, .flags = HTTP_NO_STORE, .params = job_path, .answer = {{200, &DataExport}},
     .errors = "404", .handle = get_one},
    {HTTP_GET, "/api/v1/analytics/export/status/{job_id}", "get_export_status", "exports",
     "State of a file", .role = API_VIEWER, .flags = HTTP_NO_STORE | HTTP_HIDDEN,
     .params = job_path, .answer = {{200, &DataExport}}, .errors = "404", .handle = get_one},
    {HTTP_GET, "/api/v1/exports/{job_id}/file", "get_export_file", "exports", "The file",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .params = job_path, .answer = {{200}},
     .errors = "404 409", .handle = get_file},
    {HTTP_GET, "/api/v1/analytics/exports/{export_format}", "export_report", "exports",
     "Batches, stock or movements as a file", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY,
     .params = format_path, .query = export_query, .answer = {{200}}, .errors = "400",
     .handle = get_export},
    {HTTP_POST, "/api/v1/analytics/export", "export_query", "exports", "Any report as a file",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .body = &ExportIn, .answer = {{200}},
     .errors = "400", .handle = post_export},
    {0},
};

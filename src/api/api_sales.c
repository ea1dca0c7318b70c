/* SPDX-License-Identifier: Apache-2.0
 *
 * Sales files (api.md 21): checked, compared with the stock, compared with a month. */
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "api/rows.h"
#include "base/clock.h"
#include "inventory/answers.h"
#include "inventory/json.h"
#include "inventory/sales.h"

#define ID     .min = 1, .max = INT32_MAX
#define CAUSES "theft|unrecorded_death|unrecorded_sale|count_error|csv_error|timing|other"

enum { FILE_MAX = 10 << 20 };

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field sales_error[] = {{"file", HTTP_INT},
                                                {"line", HTTP_INT},
                                                {"column", HTTP_STR, HTTP_NULL},
                                                {"issue", HTTP_STR},
                                                {"value", HTTP_ANY, HTTP_NULL},
                                                {NULL}};
static const struct http_schema SalesError = {NULL, sales_error};
static const struct http_field sales_total[] = {
    {"product_sku", HTTP_STR}, {"packaging_sku", HTTP_STR}, {"quantity", HTTP_INT}, {NULL}};
static const struct http_schema SalesTotal = {NULL, sales_total};
static const struct http_field sales_check[] = {{"upload_session_id", HTTP_UUID},
                                                {"files_processed", HTTP_INT},
                                                {"rows_processed", HTTP_INT},
                                                {"rows_valid", HTTP_INT},
                                                {"rows_invalid", HTTP_INT},
                                                {"errors", HTTP_OBJ, HTTP_LIST, .of = &SalesError},
                                                {"invalid_skus", HTTP_STR, HTTP_LIST},
                                                {"invalid_packaging", HTTP_STR, HTTP_LIST},
                                                {"duplicates", HTTP_INT},
                                                {"totals", HTTP_OBJ, HTTP_LIST, .of = &SalesTotal},
                                                {"valid", HTTP_BOOL},
                                                {NULL}};
static const struct http_schema SalesCheck = {"SalesCheck", sales_check};

static const struct http_field import_line[] = {
    {"line_id", HTTP_INT},
    {"product_sku", HTTP_STR, HTTP_NULL},
    {"packaging_sku", HTTP_STR, HTTP_NULL},
    {"system_logged", HTTP_INT},
    {"system_calculated", HTTP_INT},
    {"external", HTTP_INT},
    {"difference", HTTP_INT},
    {"tolerance", HTTP_INT},
    {"result", HTTP_STR, .one_of = "match|mismatch|only_external|only_system"},
    {"resolution", HTTP_STR, .one_of = "open|investigating|resolved|accepted"},
    {"cause", HTTP_STR, HTTP_NULL, .one_of = CAUSES},
    {"note", HTTP_STR, HTTP_NULL},
    {NULL}};
static const struct http_schema SalesLine = {"SalesImportLine", import_line};
static const struct http_field sales_import_out[] = {{"id", HTTP_UUID},
                                                     {"month", HTTP_STR, HTTP_NULL},
                                                     {"file_names", HTTP_STR, HTTP_LIST},
                                                     {"row_count", HTTP_INT},
                                                     {"bad_row_count", HTTP_INT},
                                                     {"matched", HTTP_INT},
                                                     {"mismatched", HTTP_INT},
                                                     {"only_external", HTTP_INT},
                                                     {"only_system", HTTP_INT},
                                                     {"created_at", HTTP_INSTANT},
                                                     {NULL}};
static const struct http_schema SalesImport = {"SalesImport", sales_import_out};
static const struct http_field sales_detail[] = {{"errors", HTTP_OBJ, HTTP_LIST, .of = &SalesError},
                                                 {"lines", HTTP_OBJ, HTTP_LIST, .of = &SalesLine},
                                                 {NULL}};
static const struct http_schema SalesDetail = {"SalesImportDetail", sales_detail, &SalesImport};

static const struct http_field check_form[] = {
    {"files", HTTP_FILE, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = SALES_FILES_MAX},
    {NULL}};
static const struct http_field import_form[] = {
    {"files", HTTP_FILE, HTTP_LIST, .items_max = SALES_FILES_MAX},
    {"upload_session_id", HTTP_UUID},
    {"month", HTTP_STR, HTTP_REQ, .pattern = "20[0-9]{2}-(0[1-9]|1[0-2])"},
    {NULL}};
static const struct http_field compare_form[] = {
    {"files", HTTP_FILE, HTTP_LIST, .items_max = SALES_FILES_MAX},
    {"upload_session_id", HTTP_UUID},
    {"warehouse_ids", HTTP_INT, HTTP_LIST, ID},
    {"skip_invalid", HTTP_BOOL, .fallback = "false"},
    {NULL}};
static const struct http_field compare_in[] = {
    {"warehouse_ids", HTTP_INT, HTTP_LIST | HTTP_NULL, ID, .items_max = 2000},
    {"date_from", HTTP_DATE, HTTP_NULL},
    {"date_to", HTTP_DATE, HTTP_NULL},
    {NULL}};
static const struct http_schema CompareIn = {"SalesComparisonQuery", compare_in};
static const struct http_field sales_summary[] = {
    {"net", HTTP_INT}, {"sales", HTTP_INT}, {"stock", HTTP_INT}, {NULL}};
static const struct http_schema SalesSummary = {NULL, sales_summary, .flags = HTTP_OPEN};
static const struct http_field compare_out[] = {{"items", HTTP_OBJ, HTTP_LIST},
                                                {"summary", HTTP_OBJ, .of = &SalesSummary},
                                                {"details", HTTP_OBJ, HTTP_LIST | HTTP_OPT},
                                                {"discrepancies", HTTP_OBJ, HTTP_LIST | HTTP_OPT},
                                                {"metadata", HTTP_OBJ, HTTP_OPT},
                                                {NULL}};
static const struct http_schema CompareOut = {"SalesComparison", compare_out};
static const struct http_field month_query[] = {
    {"month", HTTP_STR, .pattern = "20[0-9]{2}-(0[1-9]|1[0-2])"}, {NULL}};
static const struct http_field import_path[] = {{"import_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field resolve_in[] = {
    {"resolution", HTTP_STR, HTTP_REQ, .one_of = "open|investigating|resolved|accepted"},
    {"cause", HTTP_STR, HTTP_NULL, .one_of = CAUSES},
    {"note", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {NULL}};
static const struct http_schema ResolveIn = {"SalesLineReview", resolve_in};

/* ---- files -------------------------------------------------------------------------------- */

/* The whole of an uploaded file, in the arena. */
static int text_of(struct http_request *r, const struct http_file *f, struct sales_file *ret,
                   struct dm_err *e)
{
    if (f->refused.code) {
        *e = f->refused;
        return e->code;
    }
    if (f->bytes > FILE_MAX) {
        DM_REFUSE(e, API_ERULE,
                  DM_FIELDS(DM_I("size_bytes", f->bytes), DM_I("max_bytes", FILE_MAX)),
                  "%.60s is larger than %d MiB", f->filename, FILE_MAX >> 20);
    }
    char *text = dm_arena_alloc(r->arena, (size_t)f->bytes + 1);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a file");
    }
    size_t n = 0;
    while (n < (size_t)f->bytes) {
        const ssize_t got = pread(f->fd, text + n, (size_t)f->bytes - n, (off_t)n);
        if (got <= 0) {
            DM_FAIL(e, DM_EIO, "a file that came cannot be read");
        }
        n += (size_t)got;
    }
    text[n] = 0;
    *ret = (struct sales_file){f->filename, text, n};
    return DM_OK;
}

/* What is wrong with a file as such is the file's fault, not that of the request's form. */
static int of_file(int code, struct dm_err *e)
{
    if (code == INV_VALIDATION || code == DM_EBADINPUT) {
        e->code = API_ERULE;
        return API_ERULE;
    }
    return code;
}

static int take_files(struct http_request *r, const char *month, struct sales_result *ret,
                      struct dm_err *e)
{
    struct sales_file file[SALES_FILES_MAX];
    const struct sales_ask ask = {.file = file, .n_file = r->n_file, .month = month};
    if (r->n_file < 1 || r->n_file > SALES_FILES_MAX) {
        DM_FAIL(e, API_ERULE, "1 to %d files", SALES_FILES_MAX);
    }
    for (size_t i = 0; i < r->n_file; i++) {
        DM_TRY(text_of(r, &r->file[i], &file[i], e));
    }
    return of_file(sales_import(api_ctx(r), &ask, r->arena, ret, e), e);
}

static json_t *errors_of(const struct sales_result *x)
{
    json_t *out = json_array();
    for (size_t i = 0; i < x->n_error; i++) {
        const struct sales_error *f = &x->error[i];
        (void)json_array_append_new(out, json_pack("{s:i, s:I, s:s, s:s, s:s?}", "file", f->file,
                                                   "line", (json_int_t)f->line, "column", f->column,
                                                   "issue", f->issue, "value", f->value));
    }
    return out;
}

/* Cells at fault in columns whose name begins so. */
static json_t *cells_of(const struct sales_result *x, const char *prefix)
{
    json_t *out = json_array();
    for (size_t i = 0; i < x->n_error; i++) {
        if (strncmp(x->error[i].column, prefix, strlen(prefix)) == 0 && x->error[i].value) {
            (void)json_array_append_new(out, json_string(x->error[i].value));
        }
    }
    return out;
}

static json_t *totals_of(const struct sales_result *x)
{
    json_t *out = json_array();
    for (size_t i = 0; i < x->n_total; i++) {
        (void)json_array_append_new(out, json_pack("{s:s, s:s, s:I}", "product_sku",
                                                   x->total[i].product_sku, "packaging_sku",
                                                   x->total[i].packaging_sku, "quantity",
                                                   (json_int_t)x->total[i].quantity));
    }
    return out;
}

static int post_check(struct http_request *r, struct dm_err *e)
{
    struct sales_result x;
    json_t *out;
    DM_TRY(take_files(r, NULL, &x, e));
    DM_TRY(api_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:b}",
                              "upload_session_id", x.uuid, "files_processed", (json_int_t)r->n_file,
                              "rows_processed", (json_int_t)x.rows, "rows_valid",
                              (json_int_t)(x.rows - x.bad), "rows_invalid", (json_int_t)x.bad,
                              "errors", errors_of(&x), "invalid_skus", cells_of(&x, "pr"),
                              "invalid_packaging", cells_of(&x, "packaging"), "duplicates",
                              (json_int_t)x.repeats, "totals", totals_of(&x), "valid", x.bad == 0),
                    &out, e));
    return http_reply_json(r, 200, out, e);
}

/* ---- imports ------------------------------------------------------------------------------ */

static int add_parts(struct http_request *r, json_t *row, const char *uuid, struct dm_err *e)
{
    static const struct {
        const char *member;
        const struct list *list;
    } parts[] = {{"errors", &list_sales_errors}, {"lines", &list_sales_lines}};
    const struct list_value of = {"import_id", store_u(uuid)};
    const struct list_ask ask = {.value = &of, .n_value = 1, .limit = 10000};
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        json_t *rows;
        DM_TRY(list_rows(api_ctx(r), parts[i].list, &ask, &rows, NULL, e));
        for (size_t k = 0; i == 0 && k < json_array_size(rows); k++) {
            (void)json_object_set_new(json_array_get(rows, k), "column", json_null());
        }
        DM_TRY(inv_json_set(row, parts[i].member, rows, e));
    }
    return DM_OK;
}

static int reply_import(struct http_request *r, int status, const char *uuid, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(list_one(api_ctx(r), &list_sales_imports, "id", store_u(uuid), &row, e));
    DM_TRY(add_parts(r, row, uuid, e));
    if (status == 201) {
        const char *at = dm_arena_printf(r->arena, "/api/v1/stock/sales-imports/%s", uuid);
        DM_TRY(at ? http_reply_header(r, "Location", at, e) : DM_OK);
    }
    return http_reply_json(r, status, DM_STEAL(row), e);
}

static int post_import(struct http_request *r, struct dm_err *e)
{
    const char *kept = http_str(r->form, "upload_session_id");
    const char *month = http_str(r->form, "month");
    struct sales_result x;
    DM_TRY(kept && !r->n_file ? sales_assign(api_ctx(r), kept, month, r->arena, &x, e)
                              : take_files(r, month, &x, e));
    return reply_import(r, 201, x.uuid, e);
}

static int list_import_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_sales_imports, e);
}

static int get_import(struct http_request *r, struct dm_err *e)
{
    return reply_import(r, 200, http_str(r->path, "import_id"), e);
}

static int patch_line(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "line_id", 0);
    DM_TRY(rows_need(r, &list_sales_lines, "line_id", e));
    DM_TRY(sales_resolve(api_ctx(r), id, http_str(r->body, "resolution"),
                         http_str(r->body, "cause"), http_str(r->body, "note"), e));
    return rows_reply_one(r, &list_sales_lines, "line_id", e);
}

/* ---- comparison with the stock ------------------------------------------------------------ */

static const struct sheet_cell *found(const struct sheet *s, size_t row, const char *column)
{
    const int k = sheet_find(s, column);
    return k < 0 ? NULL : &s->cell[row * s->n_columns + (size_t)k];
}

static int64_t cell(const struct sheet *s, size_t row, const char *column)
{
    const struct sheet_cell *v = found(s, row, column);
    return !v || v->null ? 0 : v->i;
}

static json_t *text_cell(const struct sheet *s, size_t row, const char *column)
{
    const struct sheet_cell *v = found(s, row, column);
    return api_text(!v || v->null ? NULL : v->t);
}

static json_t *money_cell(const struct sheet *s, size_t row, const char *column)
{
    const struct sheet_cell *v = found(s, row, column);
    return !v || v->null ? json_null() : json_integer(v->i);
}

/* What the client asked for, besides what the sheet says. */
struct comparison {
    const struct http_request *r;
    const struct sheet *s;
    json_t *details, *gaps; /* arrays */
    int64_t critical, low, last_photo;
    double depletion; /* sum over lines with stock */
    int64_t depleted;
};

/* A sale above the stock. */
static void add_gap(const struct comparison *x, json_t *sku, json_t *pot, int64_t stock,
                    int64_t sold)
{
    (void)json_array_append_new(
        x->gaps, json_pack("{s:O, s:O, s:s, s:I, s:I, s:I, s:s}", "product_sku", sku,
                           "packaging_sku", pot, "issue", stock ? "oversold" : "no_stock",
                           "current_stock", (json_int_t)stock, "total_sales", (json_int_t)sold,
                           "difference", (json_int_t)(sold - stock), "recommended_action",
                           stock ? "count the claros again" : "check the code of the sale"));
}

/* One line of the file beside the stock. A sales code stands for a category: its code and no name.
 */
static void add_detail(struct comparison *x, size_t i)
{
    static const char *const money[] = {"unit_price", "stock_value_original", "sales_value",
                                        "estimated_value"};
    const struct sheet *s = x->s;
    const int64_t stock = cell(s, i, "current_stock");
    const int64_t sold = cell(s, i, "sold_since");
    const int64_t counted = cell(s, i, "last_counted_at");
    const struct sheet_cell *status = found(s, i, "stock_status");
    json_t *sku = text_cell(s, i, "product_sku");
    if (json_is_null(sku)) {
        sku = text_cell(s, i, "category");
    }
    json_t *pot = text_cell(s, i, "packaging_sku");
    if (sold > stock) {
        add_gap(x, sku, pot, stock, sold);
    }
    json_t *row = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "product_sku", sku,
        "product_name", text_cell(s, i, "product_name"), "packaging_sku", pot, "packaging_name",
        text_cell(s, i, "packaging_name"), "current_stock", (json_int_t)stock, "total_sales",
        (json_int_t)sold, "covered_by_count", (json_int_t)cell(s, i, "covered_by_count"),
        "estimated_current_stock", (json_int_t)(stock - sold), "variance_percentage",
        stock ? json_real(100.0 * (double)sold / (double)stock) : json_null(), "stock_status",
        text_cell(s, i, "stock_status"), "last_photo_date", api_instant(counted),
        "days_since_photo",
        counted ? json_integer((api_ctx(x->r)->now_ms - counted) / 86400000) : json_null());
    for (size_t k = 0; k < DM_COUNT(money); k++) {
        (void)json_object_set_new(row, money[k], money_cell(s, i, money[k]));
    }
    (void)json_array_append_new(x->details, row);
    x->critical += strcmp(status->t, "CRITICAL") == 0;
    x->low += strcmp(status->t, "LOW") == 0;
    x->last_photo = DM_MAX(x->last_photo, counted);
    x->depletion += stock ? 100.0 * (double)sold / (double)stock : 0;
    x->depleted += stock != 0;
}

/* Sum of a column of money; null for those who may not see it. */
static json_t *money_sum(const struct sheet *s, const char *column)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        sum += cell(s, i, column);
    }
    return sheet_find(s, column) < 0 ? json_null() : json_integer(sum);
}

static int summarise(const struct comparison *x, json_t *summary, struct dm_err *e)
{
    json_t *more = json_pack("{s:I, s:o, s:o, s:o, s:f, s:I, s:I, s:o}", "total_products_analyzed",
                             (json_int_t)x->s->n_rows, "total_stock_value_original",
                             money_sum(x->s, "stock_value_original"), "total_sales_value",
                             money_sum(x->s, "sales_value"), "total_estimated_value",
                             money_sum(x->s, "estimated_value"), "average_depletion_rate",
                             x->depleted ? x->depletion / (double)x->depleted : 0.0,
                             "critical_products_count", (json_int_t)x->critical, "low_stock_count",
                             (json_int_t)x->low, "last_photo_date", api_instant(x->last_photo));
    const int failed = json_object_update(summary, more);
    json_decref(more);
    if (failed) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    return DM_OK;
}

/* The files' rows, or those that were checked before. */
static int take_or_find(struct http_request *r, struct sales_result *ret, struct dm_err *e)
{
    const char *kept = http_str(r->form, "upload_session_id");
    DM_TRY(kept && !r->n_file ? sales_find(api_ctx(r), kept, ret, e) : take_files(r, NULL, ret, e));
    if (ret->bad && !http_bool(r->form, "skip_invalid", false)) {
        DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_I("rows_invalid", ret->bad)), "%lld rows are at fault",
                  (long long)ret->bad);
    }
    return DM_OK;
}

static int compare_files(struct http_request *r, struct dm_err *e)
{
    const dm_usec start = dm_now();
    struct sales_result x = {0};
    struct sheet *s;
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    DM_CLEANUP(inv_json_freep) json_t *details = json_array();
    DM_CLEANUP(inv_json_freep) json_t *gaps = json_array();
    DM_CLEANUP(inv_json_freep)
    json_t *ask = json_pack("{s:O?}", "warehouse_ids", json_object_get(r->form, "warehouse_ids"));
    DM_TRY(take_or_find(r, &x, e));
    DM_TRY(sales_vs_stock(api_ctx(r), x.id, r->arena, &s, e));
    DM_TRY(answers_sales(api_ctx(r), ask, &out, e));
    struct comparison c = {.r = r, .s = s, .details = details, .gaps = gaps};
    for (size_t i = 0; i < s->n_rows; i++) {
        add_detail(&c, i);
    }
    DM_TRY(summarise(&c, json_object_get(out, "summary"), e));
    DM_TRY(inv_json_set(out, "details", json_incref(details), e));
    DM_TRY(inv_json_set(out, "discrepancies", json_incref(gaps), e));
    DM_TRY(inv_json_set(out, "metadata",
                        json_pack("{s:s, s:I, s:I, s:o, s:I}", "upload_session_id", x.uuid,
                                  "files_processed", (json_int_t)r->n_file, "rows_processed",
                                  (json_int_t)x.rows, "last_photo_date", api_instant(c.last_photo),
                                  "execution_time_ms", (json_int_t)dm_ms_since(start)),
                        e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

static int post_compare(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    if (r->form) {
        return compare_files(r, e);
    }
    DM_TRY(answers_sales(api_ctx(r), r->body, &out, e));
    return http_reply_json(r, 200, out, e);
}

#define IMPORTS "/api/v1/stock/sales-imports"
enum { FORM_MAX = 101 << 20 };

const struct http_route sales_routes[] = {
    {HTTP_POST, "/api/v1/analytics/sales-csv/validate", "validate_sales", "reconciliation",
     "Check sales files", .role = API_SUPERVISOR, .form = check_form, .body_max = FORM_MAX,
     .answer = {{200, &SalesCheck}}, .errors = "400 413", .handle = post_check},
    {HTTP_POST, "/api/v1/analytics/sales-comparison", "compare_sales", "analytics",
     "Sales beside the stock", .role = API_VIEWER, .flags = HTTP_FORM_OR_JSON, .form = compare_form,
     .body = &CompareIn, .body_max = FORM_MAX, .answer = {{200, &CompareOut}},
     .errors = "400 404 413", .handle = post_compare},
    {HTTP_POST, IMPORTS, "import_sales", "reconciliation", "Compare sales files with a month",
     .role = API_SUPERVISOR, .form = import_form, .body_max = FORM_MAX,
     .answer = {{201, &SalesDetail}}, .errors = "400 404 409 413", .handle = post_import},
    {HTTP_GET, IMPORTS, "list_sales_imports", "reconciliation", "Sales files",
     .role = API_SUPERVISOR, .flags = HTTP_PAGED, .query = month_query,
     .answer = {{200, &SalesImport, true}}, .handle = list_import_rows},
    {HTTP_GET, IMPORTS "/{import_id}", "get_sales_import", "reconciliation",
     "One sales file with its lines", .role = API_SUPERVISOR, .params = import_path,
     .answer = {{200, &SalesDetail}}, .errors = "404", .handle = get_import},
    {HTTP_PATCH, IMPORTS "/{import_id}/lines/{line_id}", "review_sales_line", "reconciliation",
     "What became of a difference", .role = API_SUPERVISOR, .params = import_path,
     .body = &ResolveIn, .answer = {{200, &SalesLine}}, .errors = "404", .handle = patch_line},
    {0},
};

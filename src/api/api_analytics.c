/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/analytics: reports as JSON and as files (api.md 5.7, 20, 23). */
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "api/schemas_stock.h"
#include "inventory/answers.h"
#include "inventory/batches.h"

#define ID    .min = 1, .max = INT32_MAX
#define IDS   HTTP_LIST | HTTP_NULL, ID, .items_max = 2000
#define TYPES "current_stock|stock_movements|mortality|occupancy|value"
#define XLSX  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field daily_count[] = {
    {"date", HTTP_DATE},         {"total_plants", HTTP_INT}, {"movements_in", HTTP_INT},
    {"movements_out", HTTP_INT}, {"net_change", HTTP_INT},   {NULL}};
static const struct http_schema DailyCount = {"DailyCount", daily_count};

static const struct http_field inventory_report[] = {
    {"total_batches", HTTP_INT},           {"total_plants", HTTP_INT},
    {"warehouse_id", HTTP_INT, HTTP_NULL}, {"product_id", HTTP_INT, HTTP_NULL},
    {"generated_at", HTTP_INSTANT},        {NULL}};
static const struct http_schema InventoryReport = {"InventoryReport", inventory_report};

static const struct http_field option[] = {{"id", HTTP_INT}, {"name", HTTP_STR}, {NULL}};
static const struct http_schema Option = {NULL, option};
static const struct http_field area_option[] = {
    {"warehouse_id", HTTP_INT}, {"position", HTTP_STR, HTTP_NULL}, {NULL}};
static const struct http_schema AreaOption = {NULL, area_option, &Option};
static const struct http_field filter_options[] = {
    {"warehouses", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"product_categories", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"products", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"families", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"packaging", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"product_sizes", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"product_states", HTTP_OBJ, HTTP_LIST, .of = &Option},
    {"storage_areas", HTTP_OBJ, HTTP_LIST, .of = &AreaOption},
    {NULL}};
static const struct http_schema FilterOptions = {"FilterOptions", filter_options};

static const struct http_field metadata[] = {{"row_count", HTTP_INT},
                                             {"analysis_type", HTTP_STR, .one_of = TYPES},
                                             {"group_by", HTTP_STR, HTTP_LIST},
                                             {"filters", HTTP_OBJ},
                                             {"execution_time_ms", HTTP_INT},
                                             {"cached", HTTP_BOOL},
                                             {"truncated", HTTP_BOOL},
                                             {"totals", HTTP_OBJ},
                                             {NULL}};
static const struct http_schema Metadata = {NULL, metadata};
static const struct http_field manual_result[] = {
    {"data", HTTP_OBJ, HTTP_LIST}, {"metadata", HTTP_OBJ, .of = &Metadata}, {NULL}};
static const struct http_schema ManualResult = {"ManualResult", manual_result};

static const struct http_field manual_query[] = {
    {"warehouse_ids", HTTP_INT, IDS},
    {"product_category_ids", HTTP_INT, IDS},
    {"date_from", HTTP_DATE, HTTP_NULL},
    {"date_to", HTTP_DATE, HTTP_NULL},
    {"analysis_type", HTTP_STR, .one_of = TYPES, .fallback = "\"current_stock\""},
    {"storage_area_ids", HTTP_INT, IDS},
    {"storage_location_ids", HTTP_INT, IDS},
    {"product_family_ids", HTTP_INT, IDS},
    {"product_ids", HTTP_INT, IDS},
    {"product_size_ids", HTTP_INT, IDS},
    {"product_state_ids", HTTP_INT, IDS},
    {"packaging_catalog_ids", HTTP_INT, IDS},
    {"group_by", HTTP_STR, HTTP_LIST | HTTP_NULL, .items_max = 3,
     .one_of = "warehouse|area|location|category|family|product|size|state|packaging|day|week|"
               "month"},
    {"sort_by", HTTP_STR, HTTP_NULL, .min = 1, .max = 40, .about = "a measure of the answer"},
    {"sort_dir", HTTP_STR, HTTP_NULL, .one_of = "asc|desc"},
    {"limit", HTTP_INT, HTTP_NULL, .min = 1, .max = ANSWERS_ROWS_MAX},
    {NULL}};
static const struct http_schema ManualQuery = {"ManualQuery", manual_query};

static const struct http_field ai_query[] = {
    {"prompt", HTTP_STR, HTTP_REQ, .min = 1, .max = 2000, .alias = "question"}, {NULL}};
static const struct http_schema AiQuery = {"AiQuery", ai_query};
static const struct http_field ai_result[] = {
    {"answer", HTTP_STR},
    {"suggested_visualizations", HTTP_STR, HTTP_LIST, .one_of = "bar|line|pie|table"},
    {"data", HTTP_OBJ, HTTP_LIST},
    {NULL}};
static const struct http_schema AiResult = {"AiResult", ai_result};

static const struct http_field trend[] = {{"period_start", HTTP_DATE},
                                          {"period_end", HTTP_DATE},
                                          {"total_plants", HTTP_INT},
                                          {"movements_in", HTTP_INT},
                                          {"movements_out", HTTP_INT},
                                          {"net_change", HTTP_INT},
                                          {NULL}};
static const struct http_schema Trend = {"Trend", trend};

static const struct http_field dashboard[] = {
    {"total_plants", HTTP_INT},
    {"total_pots", HTTP_INT},
    {"total_batches", HTTP_INT},
    {"total_warehouses", HTTP_INT},
    {"total_locations", HTTP_INT},
    {"configured_locations", HTTP_INT},
    {"photos_last_7_days", HTTP_INT},
    {"sellable_share_pct", HTTP_NUM},
    {"stock_value", HTTP_INT, HTTP_NULL, .about = "minor units"},
    {"deaths_30_days", HTTP_INT},
    {"sales_month", HTTP_INT},
    {"sales_previous_month", HTTP_INT},
    {"uncounted_35_days", HTTP_INT},
    {"open_warnings", HTTP_INT},
    {"held_counts", HTTP_INT},
    {"recent_movements", HTTP_OBJ, HTTP_LIST, .of = &StockMovement, .items_max = 20},
    {"movements_last_7_days", HTTP_MAP},
    {NULL}};
static const struct http_schema Dashboard = {"Dashboard", dashboard};

static const struct http_field compare_in[] = {
    {"period1_start", HTTP_DATE, HTTP_REQ},
    {"period1_end", HTTP_DATE, HTTP_REQ},
    {"period2_start", HTTP_DATE, HTTP_REQ},
    {"period2_end", HTTP_DATE, HTTP_REQ},
    {"group_by", HTTP_STR, HTTP_NULL,
     .one_of = "warehouse|area|location|category|family|product|size|state|packaging"},
    {"warehouse1_id", HTTP_INT, HTTP_NULL, ID},
    {"warehouse2_id", HTTP_INT, HTTP_NULL, ID},
    {NULL}};
static const struct http_schema CompareIn = {"PeriodComparison", compare_in};
static const struct http_field side[] = {{"total_plants", HTTP_INT},  {"movements_in", HTTP_INT},
                                         {"movements_out", HTTP_INT}, {"deaths", HTTP_INT},
                                         {"sales", HTTP_INT},         {NULL}};
static const struct http_schema Side = {NULL, side};
static const struct http_field compare_out[] = {
    {"period1", HTTP_OBJ, .of = &Side}, {"period2", HTTP_OBJ, .of = &Side},
    {"absolute_change", HTTP_INT},      {"growth_pct", HTTP_NUM, HTTP_NULL},
    {"groups", HTTP_OBJ, HTTP_LIST},    {NULL}};
static const struct http_schema CompareOut = {"PeriodComparisonResult", compare_out};

static const struct http_field moved[] = {{"total_in", HTTP_INT},
                                          {"total_out", HTTP_INT},
                                          {"net", HTTP_INT},
                                          {"count", HTTP_INT},
                                          {NULL}};
static const struct http_schema Moved = {"MovementSummary", moved};
static const struct http_field by_type[] = {
    {"movement_type", HTTP_STR}, {"count", HTTP_INT}, {"quantity", HTTP_INT}, {NULL}};
static const struct http_schema ByType = {"MovementsByType", by_type};
static const struct http_field stage[] = {
    {"stage", HTTP_STR}, {"batches", HTTP_INT}, {"plants", HTTP_INT}, {NULL}};
static const struct http_schema Stage = {"BatchStage", stage};
static const struct http_field utilization[] = {{"warehouse_id", HTTP_INT},
                                                {"name", HTTP_STR},
                                                {"area_m2", HTTP_NUM},
                                                {"used_area_m2", HTTP_NUM},
                                                {"utilization_pct", HTTP_NUM},
                                                {"total_plants", HTTP_INT},
                                                {NULL}};
static const struct http_schema Utilization = {"WarehouseUtilization", utilization};
static const struct http_field performance[] = {
    {"product_id", HTTP_INT},    {"name", HTTP_STR},
    {"planted", HTTP_INT},       {"deaths", HTTP_INT},
    {"sales", HTTP_INT},         {"mortality_rate_pct", HTTP_NUM, HTTP_NULL},
    {"current_stock", HTTP_INT}, {NULL}};
static const struct http_schema Performance = {"ProductPerformance", performance};
static const struct http_field accuracy[] = {{"sessions", HTTP_INT},
                                             {"validated", HTTP_INT},
                                             {"adjusted", HTTP_INT},
                                             {"avg_confidence", HTTP_NUM, HTTP_NULL},
                                             {"mean_abs_error_pct", HTTP_NUM, HTTP_NULL},
                                             {NULL}};
static const struct http_schema Accuracy = {"MlAccuracy", accuracy};
static const struct http_field empties[] = {{"storage_location_id", HTTP_INT},
                                            {"code", HTTP_STR},
                                            {"empty", HTTP_INT},
                                            {"total", HTTP_INT},
                                            {"ratio", HTTP_NUM},
                                            {NULL}};
static const struct http_schema Empties = {"EmptyContainers", empties};
static const struct http_field place[] = {{"id", HTTP_INT},
                                          {"code", HTTP_STR},
                                          {"name", HTTP_STR},
                                          {"total_plants", HTTP_INT},
                                          {"total_pots", HTTP_INT},
                                          {"sellable_plants", HTTP_INT},
                                          {"total_batches", HTTP_INT},
                                          {NULL}};
static const struct http_schema Place = {NULL, place};
static const struct http_field difference[] = {
    {"total_plants", HTTP_INT}, {"growth_pct", HTTP_NUM, HTTP_NULL}, {NULL}};
static const struct http_schema Difference = {NULL, difference};
static const struct http_field places[] = {{"a", HTTP_OBJ, .of = &Place},
                                           {"b", HTTP_OBJ, .of = &Place},
                                           {"difference", HTTP_OBJ, .of = &Difference},
                                           {NULL}};
static const struct http_schema Places = {"PlaceComparison", places};

/* ---- parameters --------------------------------------------------------------------------- */

#define WHERE                                                                                      \
    {"warehouse_id", HTTP_INT, ID},                                                                \
    {                                                                                              \
        "product_id", HTTP_INT, ID                                                                 \
    }
static const struct http_field where_query[] = {WHERE, {NULL}};
static const struct http_field daily_query[] = {{"start_date", HTTP_DATE, HTTP_REQ},
                                                {"end_date", HTTP_DATE, HTTP_REQ},
                                                {"location_id", HTTP_INT, ID},
                                                WHERE,
                                                {NULL}};
static const struct http_field trend_query[] = {
    {"date_from", HTTP_DATE, HTTP_REQ},
    {"date_to", HTTP_DATE, HTTP_REQ},
    {"granularity", HTTP_STR, .one_of = "daily|weekly|monthly", .fallback = "\"daily\""},
    WHERE,
    {NULL}};
static const struct http_field range_query[] = {
    {"start_date", HTTP_DATE, HTTP_REQ}, {"end_date", HTTP_DATE, HTTP_REQ}, WHERE, {NULL}};
static const struct http_field open_range_query[] = {
    {"start_date", HTTP_DATE}, {"end_date", HTTP_DATE}, WHERE, {NULL}};
static const struct http_field empties_query[] = {
    {"min_ratio", HTTP_NUM, .min = 0, .max = 1, .fallback = "0.2"}, WHERE, {NULL}};
static const struct http_field places_query[] = {
    {"type", HTTP_STR, HTTP_REQ, .one_of = "storage_location|storage_area|warehouse"},
    {"id1", HTTP_INT, HTTP_REQ, ID},
    {"id2", HTTP_INT, HTTP_REQ, ID},
    {NULL}};

/* ---- handlers ----------------------------------------------------------------------------- */

static struct answers_where where(const struct http_request *r)
{
    return (struct answers_where){.warehouse_id = http_int(r->query, "warehouse_id", 0),
                                  .location_id = http_int(r->query, "location_id", 0),
                                  .product_id = http_int(r->query, "product_id", 0)};
}

static struct answers_days days(const struct http_request *r)
{
    return (struct answers_days){http_str(r->query, "start_date"), http_str(r->query, "end_date")};
}

/* An answer that was made, or its error. */
static int reply(struct http_request *r, int code, json_t *out, struct dm_err *e)
{
    return code < 0 ? code : http_reply_json(r, 200, out, e);
}

#define ASK(name, call)                                                                            \
    static int name(struct http_request *r, struct dm_err *e)                                      \
    {                                                                                              \
        const struct inv_ctx *c = api_ctx(r);                                                      \
        const struct answers_where w = where(r);                                                   \
        const struct answers_days d = days(r);                                                     \
        json_t *out = NULL;                                                                        \
        (void)w;                                                                                   \
        (void)d;                                                                                   \
        const int code = (call);                                                                   \
        return reply(r, code, out, e);                                                             \
    }
ASK(get_daily, answers_daily(c, &w, &d, &out, e))
ASK(get_inventory, answers_inventory(c, &w, &out, e))
ASK(get_options, answers_options(c, &out, e))
ASK(post_ai, answers_sentence(c, &out, e))
ASK(get_dashboard, answers_dashboard(c, &out, e))
ASK(post_compare, answers_compare(c, r->body, &out, e))
ASK(get_moved, answers_moved(c, &w, &d, false, &out, e))
ASK(get_by_type, answers_moved(c, &w, &d, true, &out, e))
ASK(get_stages, batches_stages(c, d.from, d.to, &out, e))
ASK(get_products, answers_products(c, &w, &d, &out, e))
ASK(get_accuracy, answers_accuracy(c, &d, &out, e))

/* What the database gave up for its time is the question's fault here, not the server's. */
static int post_manual(struct http_request *r, struct dm_err *e)
{
    json_t *out = NULL;
    const int code = answers_manual(api_ctx(r), r->body, &out, e);
    if (code == DM_EBUSY) {
        e->code = API_EQUERY_TIMEOUT;
        return API_EQUERY_TIMEOUT;
    }
    return reply(r, code, out, e);
}

static int get_trends(struct http_request *r, struct dm_err *e)
{
    const struct answers_where w = where(r);
    const struct answers_days d = {http_str(r->query, "date_from"), http_str(r->query, "date_to")};
    json_t *out;
    DM_TRY(answers_trends(api_ctx(r), &w, &d, http_str(r->query, "granularity"), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_places(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(answers_places(api_ctx(r), http_str(r->query, "type"), http_int(r->query, "id1", 0),
                          http_int(r->query, "id2", 0), &out, e));
    return http_reply_json(r, 200, out, e);
}

/* All rows, bare. */
static int reply_all(struct http_request *r, const struct list *l, struct dm_err *e)
{
    struct list_ask ask;
    json_t *rows;
    DM_TRY(rows_filters(r, l, &ask, e));
    DM_TRY(list_rows(api_ctx(r), l, &ask, &rows, NULL, e));
    return http_reply_json(r, 200, rows, e);
}

static int get_utilizations(struct http_request *r, struct dm_err *e)
{
    return reply_all(r, &list_utilization, e);
}

static int get_utilization(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_utilization, "warehouse_id", e);
}

static int get_empties(struct http_request *r, struct dm_err *e)
{
    return reply_all(r, &list_empties, e);
}

#define BASE "/api/v1/analytics"
#define GET(path, name, text, params, schema, is_list, handler)                                    \
    {                                                                                              \
        HTTP_GET, BASE path, name, "analytics", text, .role = API_VIEWER, .query = (params),       \
                                                      .answer = {{200, &(schema), (is_list)}},     \
                                                      .handle = (handler)                          \
    }
#define POST(path, name, text, in, out, failures, handler)                                         \
    {                                                                                              \
        HTTP_POST, BASE path, name, "analytics", text,                                             \
            .role = API_VIEWER, .body = &(in), .answer = {{200, &(out)}}, .errors = (failures),    \
            .handle = (handler)                                                                    \
    }

const struct http_route analytics_routes[] = {
    GET("/daily-counts", "daily_counts", "Plants day by day", daily_query, DailyCount, true,
        get_daily),
    GET("/inventory-report", "inventory_report", "Batches and plants now", where_query,
        InventoryReport, false, get_inventory),
    GET("/filter-options", "filter_options", "What reports can be narrowed by", NULL, FilterOptions,
        false, get_options),
    POST("/manual-query", "manual_query", "Any report, grouped and filtered", ManualQuery,
         ManualResult, "413 504", post_manual),
    POST("/ai-query", "ai_query", "Current totals in words", AiQuery, AiResult, NULL, post_ai),
    GET("/dashboard", "dashboard", "Figures of the home page", where_query, Dashboard, false,
        get_dashboard),
    GET("/trends", "trends", "Plants by day, week or month", trend_query, Trend, true, get_trends),
    POST("/compare", "compare_periods", "Two ranges side by side", CompareIn, CompareOut, NULL,
         post_compare),
    GET("/movements/summary", "movement_summary", "In, out and net of a range", range_query, Moved,
        false, get_moved),
    GET("/movements/by-type", "movements_by_type", "Movements of a range by type", range_query,
        ByType, true, get_by_type),
    GET("/batches/lifecycle", "batch_stages", "Batches and plants by stage", open_range_query,
        Stage, true, get_stages),
    GET("/warehouses/utilization", "warehouses_utilization", "How full the naves are", where_query,
        Utilization, true, get_utilizations),
    {HTTP_GET, BASE "/warehouses/{warehouse_id}/utilization", "warehouse_utilization", "analytics",
     "How full a nave is", .role = API_VIEWER, .answer = {{200, &Utilization}}, .errors = "404",
     .handle = get_utilization},
    GET("/products/performance", "product_performance", "What became of each product", range_query,
        Performance, true, get_products),
    GET("/ml/accuracy", "ml_accuracy", "How near the counts came", open_range_query, Accuracy,
        false, get_accuracy),
    GET("/empty-containers", "empty_containers", "Claros with many empty pots", empties_query,
        Empties, true, get_empties),
    {HTTP_GET, BASE "/comparison", "compare_places", "analytics", "Two places side by side",
     .role = API_VIEWER, .query = places_query, .answer = {{200, &Places}}, .errors = "404",
     .handle = get_places},
    {0},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * The map, a claro in detail, its history (api.md 5.9, 10). */
#include <string.h>

#include "api/api.h"
#include "api/resource.h"
#include "api/rows.h"
#include "api/schemas_places.h"
#include "inventory/json.h"
#include "inventory/map.h"

#define ID   .min = 1, .max = INT32_MAX
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/* ---- shapes of the map -------------------------------------------------------------------- */

static const struct http_field preview[] = {{"current_quantity", HTTP_INT, HTTP_NULL},
                                            {"previous_quantity", HTTP_INT, HTTP_NULL},
                                            {"quantity_change", HTTP_INT, HTTP_NULL},
                                            {"last_photo_date", HTTP_INSTANT, HTTP_NULL},
                                            {"last_photo_thumbnail_url", HTTP_STR, HTTP_NULL},
                                            {"status", HTTP_STR, HTTP_NULL},
                                            {"quality_score", HTTP_NUM, HTTP_NULL},
                                            {"current_value", HTTP_INT, HTTP_NULL},
                                            {"potential_value", HTTP_INT, HTTP_NULL},
                                            {"packaging_primary", HTTP_STR, HTTP_NULL},
                                            {"category_counts", HTTP_MAP, HTTP_NULL},
                                            {NULL}};
static const struct http_schema MapPreview = {"MapPreview", preview};
static const struct http_field map_location[] = {
    {"location_id", HTTP_INT},
    {"code", HTTP_STR},
    {"name", HTTP_STR},
    {"preview", HTTP_OBJ, HTTP_NULL, .of = &MapPreview},
    {"centroid", HTTP_OBJ, .of = &GeoPoint},
    {"polygon", HTTP_OBJ, HTTP_OPT, .of = &GeoPolygon},
    {NULL}};
static const struct http_schema MapLocation = {NULL, map_location};
static const struct http_field map_area[] = {{"storage_area_id", HTTP_INT},
                                             {"code", HTTP_STR},
                                             {"name", HTTP_STR},
                                             {"position", HTTP_STR, HTTP_NULL},
                                             {"locations", HTTP_OBJ, HTTP_LIST, .of = &MapLocation},
                                             {"geojson", HTTP_OBJ, .of = &GeoPolygon},
                                             {"area_m2", HTTP_NUM, HTTP_NULL},
                                             {NULL}};
static const struct http_schema MapArea = {NULL, map_area};
static const struct http_field metrics[] = {{"naves_count", HTTP_INT},
                                            {"claros_count", HTTP_INT},
                                            {"errors_count", HTTP_INT},
                                            {"total_plants", HTTP_INT},
                                            {"last_photo_date", HTTP_INSTANT, HTTP_NULL},
                                            {NULL}};
static const struct http_schema Metrics = {NULL, metrics};
static const struct http_field map_warehouse[] = {
    {"warehouse_id", HTTP_INT},
    {"code", HTTP_STR},
    {"name", HTTP_STR},
    {"storage_areas", HTTP_OBJ, HTTP_LIST, .of = &MapArea},
    {"warehouse_type", HTTP_STR, .one_of = API_WAREHOUSE_TYPES},
    {"geojson", HTTP_OBJ, .of = &GeoPolygon},
    {"centroid", HTTP_OBJ, .of = &GeoPoint},
    {"area_m2", HTTP_NUM, HTTP_NULL},
    {"metrics", HTTP_OBJ, .of = &Metrics},
    {NULL}};
static const struct http_schema MapWarehouse = {NULL, map_warehouse};
static const struct http_field map_meta[] = {
    {"total_warehouses", HTTP_INT},         {"total_storage_areas", HTTP_INT},
    {"total_storage_locations", HTTP_INT},  {"cache_timestamp", HTTP_INSTANT},
    {"refresh_interval_minutes", HTTP_INT}, {NULL}};
static const struct http_schema MapMeta = {NULL, map_meta};
static const struct http_field map_bulk[] = {
    {"warehouses", HTTP_OBJ, HTTP_LIST, .of = &MapWarehouse},
    {"metadata", HTTP_OBJ, .of = &MapMeta},
    {NULL}};
static const struct http_schema MapBulk = {"MapBulk", map_bulk};

/* ---- shapes of a claro -------------------------------------------------------------------- */

static const struct http_field place[] = {
    {"id", HTTP_INT}, {"code", HTTP_STR}, {"name", HTTP_STR}, {NULL}};
static const struct http_schema PlaceName = {NULL, place};
static const struct http_field area_name[] = {{"position", HTTP_STR, HTTP_NULL}, {NULL}};
static const struct http_schema AreaName = {NULL, area_name, &PlaceName};
static const struct http_field head[] = {{"location_id", HTTP_INT},
                                         {"code", HTTP_STR},
                                         {"name", HTTP_STR},
                                         {"id", HTTP_INT},
                                         {"description", HTTP_STR, HTTP_NULL},
                                         {"active", HTTP_BOOL},
                                         {"storage_area", HTTP_OBJ, .of = &AreaName},
                                         {"warehouse", HTTP_OBJ, .of = &PlaceName},
                                         {"config", HTTP_OBJ, HTTP_NULL, .of = &LocationConfig},
                                         {NULL}};
static const struct http_schema Head = {NULL, head};
static const struct http_field session[] = {{"session_id", HTTP_UUID},
                                            {"status", HTTP_STR},
                                            {"total_detected", HTTP_INT},
                                            {"total_estimated", HTTP_INT},
                                            {"total_empty_containers", HTTP_INT},
                                            {"avg_confidence", HTTP_NUM, HTTP_NULL},
                                            {"category_counts", HTTP_MAP},
                                            {"created_at", HTTP_INSTANT},
                                            {"processed_image_url", HTTP_STR, HTTP_NULL},
                                            {"original_image_url", HTTP_STR, HTTP_NULL},
                                            {"validated", HTTP_BOOL},
                                            {"validated_by", HTTP_STR, HTTP_NULL},
                                            {"validation_date", HTTP_INSTANT, HTTP_NULL},
                                            {NULL}};
static const struct http_schema LatestSession = {NULL, session};
static const struct http_field box[] = {
    {"x", HTTP_NUM}, {"y", HTTP_NUM}, {"width", HTTP_NUM}, {"height", HTTP_NUM}, {NULL}};
static const struct http_schema Box = {NULL, box};
static const struct http_field mark[] = {{"id", HTTP_INT},
                                         {"category", HTTP_STR},
                                         {"bbox", HTTP_OBJ, .of = &Box},
                                         {"confidence", HTTP_NUM},
                                         {"product_id", HTTP_INT, HTTP_NULL},
                                         {"product_name", HTTP_STR, HTTP_NULL},
                                         {NULL}};
static const struct http_schema Mark = {NULL, mark};
static const struct http_field stock_summary[] = {{"total_quantity", HTTP_INT},
                                                  {"total_value", HTTP_INT, HTTP_NULL},
                                                  {"potential_value", HTTP_INT, HTTP_NULL},
                                                  {"avg_quality_score", HTTP_NUM, HTTP_NULL},
                                                  {"maceta_distribution", HTTP_MAP},
                                                  {"cost_per_unit_avg", HTTP_NUM, HTTP_NULL},
                                                  {NULL}};
static const struct http_schema StockSummary = {NULL, stock_summary};
static const struct http_field financial[] = {{"current_price_per_unit", HTTP_INT},
                                              {"total_cost", HTTP_INT, HTTP_NULL},
                                              {"potential_revenue", HTTP_INT},
                                              {"roi_percent", HTTP_NUM, HTTP_NULL},
                                              {NULL}};
static const struct http_schema Financial = {NULL, financial};
static const struct http_field quality[] = {{"overall_score", HTTP_NUM},
                                            {"health_score", HTTP_NUM},
                                            {"growth_rate_percent", HTTP_NUM, HTTP_NULL},
                                            {"mortality_rate_percent", HTTP_NUM, HTTP_NULL},
                                            {NULL}};
static const struct http_schema Quality = {NULL, quality};
static const struct http_field detail[] = {
    {"storage_location", HTTP_OBJ, .of = &Head},
    {"latest_session", HTTP_OBJ, HTTP_NULL, .of = &LatestSession},
    {"detections", HTTP_OBJ, HTTP_LIST, .of = &Mark},
    {"stock_summary", HTTP_OBJ, HTTP_NULL, .of = &StockSummary},
    {"financial", HTTP_OBJ, HTTP_NULL, .of = &Financial},
    {"quality_metrics", HTTP_OBJ, HTTP_NULL, .of = &Quality},
    {NULL}};
static const struct http_schema LocationDetail = {"LocationDetail", detail};

static const struct http_field history_head[] = {
    {"location_id", HTTP_INT}, {"code", HTTP_STR}, {"name", HTTP_STR}, {"id", HTTP_INT}, {NULL}};
static const struct http_schema HistoryHead = {NULL, history_head};
static const struct http_field period[] = {
    {"fecha", HTTP_INSTANT},
    {"period_end", HTTP_INSTANT, HTTP_NULL},
    {"session_id", HTTP_STR, HTTP_NULL},
    {"cantidad_inicial", HTTP_INT},
    {"muertes", HTTP_INT},
    {"transplantes", HTTP_INT},
    {"plantados", HTTP_INT},
    {"cantidad_vendida", HTTP_INT},
    {"cantidad_final", HTTP_INT},
    {"net_change", HTTP_INT, HTTP_NULL},
    {"photo_thumbnail_url", HTTP_STR, HTTP_NULL},
    {"transplantes_entrada", HTTP_INT},
    {"ventas_registradas", HTTP_INT},
    {"ventas_calculadas", HTTP_INT},
    {"ajustes", HTTP_INT},
    {"opening_kind", HTTP_STR, .one_of = "foto|manual_init|implicit"},
    {NULL}};
static const struct http_schema Period = {NULL, period};
static const struct http_field history_sums[] = {
    {"total_periods", HTTP_INT},
    {"earliest_date", HTTP_INSTANT, HTTP_NULL},
    {"latest_date", HTTP_INSTANT, HTTP_NULL},
    {"total_muertes", HTTP_INT},
    {"total_transplantes", HTTP_INT},
    {"total_plantados", HTTP_INT},
    {"total_vendidos", HTTP_INT},
    {"overall_growth_rate_percent", HTTP_NUM, HTTP_NULL},
    {NULL}};
static const struct http_schema HistorySums = {NULL, history_sums};
static const struct http_field pages[] = {{"page", HTTP_INT},
                                          {"per_page", HTTP_INT},
                                          {"total_pages", HTTP_INT},
                                          {"total_items", HTTP_INT},
                                          {NULL}};
static const struct http_schema Pages = {NULL, pages};
static const struct http_field history[] = {{"storage_location", HTTP_OBJ, .of = &HistoryHead},
                                            {"periods", HTTP_OBJ, HTTP_LIST, .of = &Period},
                                            {"summary", HTTP_OBJ, .of = &HistorySums},
                                            {"pagination", HTTP_OBJ, .of = &Pages},
                                            {NULL}};
static const struct http_schema LocationHistory = {"LocationHistory", history};

/* ---- parameters --------------------------------------------------------------------------- */

static const struct http_field bulk_query[] = {
    {"geometry", HTTP_STR, .one_of = "full|centroid", .fallback = "\"centroid\""}, {NULL}};
static const struct http_field bounds_query[] = {
    {"minLon", HTTP_NUM, HTTP_REQ, .min = -180, .max = 180},
    {"minLat", HTTP_NUM, HTTP_REQ, .min = -90, .max = 90},
    {"maxLon", HTTP_NUM, HTTP_REQ, .min = -180, .max = 180},
    {"maxLat", HTTP_NUM, HTTP_REQ, .min = -90, .max = 90},
    {"geometry", HTTP_STR, .one_of = "full|centroid", .fallback = "\"centroid\""},
    {NULL}};
static const struct http_field detail_query[] = {
    {"detections", HTTP_BOOL, .fallback = "true", .about = "false: without the marks"}, {NULL}};
static const struct http_field history_query[] = {
    {"page", HTTP_INT, .min = 1, .max = 1000000, .fallback = "1"},
    {"per_page", HTTP_INT, .min = 1, .max = 50, .fallback = "12"},
    {NULL}};

/* ---- the map ------------------------------------------------------------------------------ */

static bool wants_polygons(const struct http_request *r)
{
    return strcmp(http_str(r->query, "geometry"), "full") == 0;
}

static int get_bulk(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(map_tree(api_ctx(r), 0, NULL, wants_polygons(r), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_bounds(struct http_request *r, struct dm_err *e)
{
    const struct map_box b = {http_num(r->query, "minLon", 0), http_num(r->query, "minLat", 0),
                              http_num(r->query, "maxLon", 0), http_num(r->query, "maxLat", 0)};
    json_t *out;
    if (b.min_lon > b.max_lon || b.min_lat > b.max_lat) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "minLon")),
                  "the corners of the box are not in order");
    }
    DM_TRY(map_tree(api_ctx(r), 0, &b, wants_polygons(r), &out, e));
    return http_reply_json(r, 200, out, e);
}

/* ---- a claro ------------------------------------------------------------------------------ */

static int get_detail(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    const int code = map_detail(api_ctx(r), http_int(r->path, "location_id", 0),
                                http_bool(r->query, "detections", true), &out, e);
    if (code < 0) {
        return resource_missing(code, e);
    }
    return http_reply_json(r, 200, out, e);
}

static int read_history(struct http_request *r, size_t page, size_t per_page, struct sheet **ret,
                        int64_t *ret_total, json_t **ret_head, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "location_id", 0);
    int code = list_one(api_ctx(r), &list_locations, "id", store_i(id), ret_head, e);
    if (code == INV_NOT_FOUND) {
        e->code = API_ENO_LOCATION;
        code = API_ENO_LOCATION;
    }
    DM_TRY(code);
    code = map_history(api_ctx(r), id, page, per_page, r->arena, ret, ret_total, e);
    if (code < 0) {
        json_decref(*ret_head);
    }
    return code;
}

static const struct sheet_cell *found(const struct sheet *s, size_t row, const char *name)
{
    const int k = sheet_find(s, name);
    if (k < 0) {
        return NULL;
    }
    return row == SIZE_MAX ? &s->total[k] : &s->cell[row * s->n_columns + (size_t)k];
}

static int64_t cell(const struct sheet *s, size_t row, const char *name)
{
    const struct sheet_cell *v = found(s, row, name);
    return !v || v->null ? 0 : v->i;
}

static const char *text(const struct sheet *s, size_t row, const char *name)
{
    const struct sheet_cell *v = found(s, row, name);
    return !v || v->null ? NULL : v->t;
}

static json_t *period_row(const struct sheet *s, size_t i)
{
    const struct {
        const char *name;
        int64_t n;
    } figures[] = {
        {"cantidad_inicial", cell(s, i, "opening")},
        {"muertes", cell(s, i, "deaths")},
        {"transplantes", cell(s, i, "transfer_out")},
        {"plantados", cell(s, i, "planted")},
        {"cantidad_vendida", cell(s, i, "sales_logged") + cell(s, i, "sales_calculated")},
        {"cantidad_final", cell(s, i, "closing")},
        {"net_change", cell(s, i, "net_change")},
        {"transplantes_entrada", cell(s, i, "transfer_in")},
        {"ventas_registradas", cell(s, i, "sales_logged")},
        {"ventas_calculadas", cell(s, i, "sales_calculated")},
        {"ajustes", cell(s, i, "adjustments")},
    };
    json_t *out = json_pack(
        "{s:o, s:o, s:o, s:o, s:s}", "fecha", api_instant(cell(s, i, "period_start")), "period_end",
        api_instant(cell(s, i, "period_end")), "session_id", api_text(text(s, i, "session_id")),
        "photo_thumbnail_url", json_null(), "opening_kind", text(s, i, "opened_kind"));
    for (size_t k = 0; k < DM_COUNT(figures); k++) {
        (void)json_object_set_new(out, figures[k].name, json_integer(figures[k].n));
    }
    return out;
}

/* Growth from the first opening to what is there now. */
static json_t *growth(const struct sheet *all)
{
    const size_t last = all->n_rows;
    const int64_t from = last ? cell(all, last - 1, "opening") : 0;
    return from ? json_real(100.0 * (double)(cell(all, 0, "closing") - from) / (double)from)
                : json_null();
}

static json_t *summary_of(const struct sheet *s, const struct sheet *all, int64_t total)
{
    return json_pack(
        "{s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "total_periods", (json_int_t)total,
        "earliest_date", api_instant(all->n_rows ? cell(all, all->n_rows - 1, "period_start") : 0),
        "latest_date", api_instant(all->n_rows ? cell(all, 0, "period_start") : 0), "total_muertes",
        (json_int_t)cell(s, SIZE_MAX, "deaths"), "total_transplantes",
        (json_int_t)cell(s, SIZE_MAX, "transfer_out"), "total_plantados",
        (json_int_t)cell(s, SIZE_MAX, "planted"), "total_vendidos",
        (json_int_t)(cell(s, SIZE_MAX, "sales_logged") + cell(s, SIZE_MAX, "sales_calculated")),
        "overall_growth_rate_percent", growth(all));
}

static int get_history(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *head_row = NULL;
    const int64_t page = http_int(r->query, "page", 1);
    const int64_t per_page = http_int(r->query, "per_page", 12);
    struct sheet *s;
    struct sheet *all;
    int64_t total;
    json_t *out;
    json_t *rows;
    DM_TRY(read_history(r, (size_t)page, (size_t)per_page, &s, &total, &head_row, e));
    DM_TRY(map_history(api_ctx(r), http_int(r->path, "location_id", 0), 1, (size_t)DM_MAX(total, 1),
                       r->arena, &all, &total, e));
    rows = json_array();
    for (size_t i = 0; i < s->n_rows; i++) {
        (void)json_array_append_new(rows, period_row(s, i));
    }
    json_t *id = json_object_get(head_row, "storage_location_id");
    DM_TRY(api_json(json_pack("{s:{s:O, s:O, s:O, s:O}, s:o, s:o, s:{s:I, s:I, s:I, s:I}}",
                              "storage_location", "location_id", id, "code",
                              json_object_get(head_row, "code"), "name",
                              json_object_get(head_row, "name"), "id", id, "periods", rows,
                              "summary", summary_of(s, all, total), "pagination", "page",
                              (json_int_t)page, "per_page", (json_int_t)per_page, "total_pages",
                              (json_int_t)((total + per_page - 1) / per_page), "total_items",
                              (json_int_t)total),
                    &out, e));
    return http_reply_json(r, 200, out, e);
}

static int export_history(struct http_request *r, struct dm_err *e)
{
    json_t *head_row;
    struct sheet *s;
    int64_t total;
    DM_TRY(inv_permit(api_ctx(r), INV_DO_EXPORT, e));
    DM_TRY(read_history(r, 1, 1000, &s, &total, &head_row, e));
    json_decref(head_row);
    return rows_reply_sheet(r, s, NULL, e);
}

#define CLARO "/api/v1/storage-locations/{location_id}"
#define EXPORT(ending, media)                                                                      \
    {                                                                                              \
        HTTP_GET, CLARO "/history/export." ending, "export_history_" ending, "exports",            \
            "History of a claro as a file", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY,          \
                                            .answer = {{200, .type = media}}, .errors = "404",     \
                                            .handle = export_history                               \
    }

const struct http_route map_routes[] = {
    {HTTP_GET, "/api/v1/map/bulk-load", "map_bulk", "map", "The whole map with figures",
     .role = API_VIEWER, .flags = HTTP_ETAG | HTTP_KEPT, .query = bulk_query,
     .answer = {{200, &MapBulk}}, .handle = get_bulk},
    {HTTP_GET, "/api/v1/warehouses/in-bounds", "map_in_bounds", "map", "The map inside a box",
     .role = API_VIEWER, .query = bounds_query, .answer = {{200, &MapBulk}}, .handle = get_bounds},
    {HTTP_GET, CLARO "/detail", "location_detail", "map", "A claro in detail", .role = API_VIEWER,
     .flags = HTTP_KEPT, .query = detail_query, .answer = {{200, &LocationDetail}}, .errors = "404",
     .handle = get_detail},
    {HTTP_GET, CLARO "/history", "location_history", "map", "Periods of a claro",
     .role = API_VIEWER, .query = history_query, .answer = {{200, &LocationHistory}},
     .errors = "404", .handle = get_history},
    EXPORT("csv", "text/csv"),
    EXPORT("xlsx", XLSX),
    EXPORT("pdf", "application/pdf"),
    {0},
};

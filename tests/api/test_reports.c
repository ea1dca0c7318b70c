/* SPDX-License-Identifier: Apache-2.0
 *
 * The map and the analytics in the tiny nursery: 8 plants of product 1; 10 counted on 31 January,
 * 2 planted, 1 died and 3 sold in February, 3 moved to claro 2 in March. */
#include "support/api_rows.h"

#include <string.h>

#include "inventory/exports.h"
#include "inventory/photo.h"
#include "queue/queue.h"
#include "support/books.h"

#define GET(path, status, at, expect)                                                              \
    {                                                                                              \
        INV_VIEWER, "GET", "/api/v1" path, NULL, (status), (at), (expect)                          \
    }
#define POST(path, json, status, at, expect)                                                       \
    {                                                                                              \
        INV_VIEWER, "POST", "/api/v1" path, (json), (status), (at), (expect)                       \
    }
#define FEBRUARY "start_date=2026-02-01&end_date=2026-02-28"

static void the_map(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        GET("/map/bulk-load", 200, "warehouses.0.metrics.total_plants", "8"),
        GET("/map/bulk-load", 200,
            "warehouses.0.storage_areas.0.locations.0.preview."
            "current_quantity",
            "5"),
        GET("/map/bulk-load?geometry=full", 200,
            "warehouses.0.storage_areas.0.locations.0.polygon.type", "\"Polygon\""),
        GET("/map/bulk-load?geometry=round", 422, NULL, NULL),
        {INV_WORKER, "GET", "/api/v1/map/bulk-load", NULL, 200,
         "warehouses.0.storage_areas.0.locations.0.preview.current_value", "null"},
        GET("/warehouses/in-bounds?minLon=-69&minLat=-34&maxLon=-68&maxLat=-32", 200,
            "metadata.total_warehouses", "1"),
        GET("/warehouses/in-bounds?minLon=1&minLat=1&maxLon=2&maxLat=2", 200,
            "metadata.total_warehouses", "0"),
        GET("/warehouses/in-bounds?minLon=2&minLat=1&maxLon=1&maxLat=2", 422, NULL, NULL),
        GET("/warehouses/in-bounds?minLon=2", 422, NULL, NULL),
        GET("/storage-locations/1/detail", 200, "stock_summary.total_quantity", "5"),
        GET("/storage-locations/1/detail", 200, "financial.current_price_per_unit", "95000"),
        GET("/storage-locations/1/detail", 200, "latest_session.total_estimated", "6"),
        GET("/storage-locations/1/detail", 200, "storage_location.config.product_id", "1"),
        GET("/storage-locations/1/detail?detections=false", 200, "detections", "[]"),
        GET("/storage-locations/2/detail", 200, "latest_session", "null"),
        {INV_WORKER, "GET", "/api/v1/storage-locations/1/detail", NULL, 200, "financial", "null"},
        GET("/storage-locations/99/detail", 404, "code", "\"StorageLocationNotFoundException\""),
        GET("/storage-locations/1/history", 200, "periods.0.cantidad_inicial", "8"),
        GET("/storage-locations/1/history?per_page=1&page=2", 200, "periods.0.muertes", "1"),
        GET("/storage-locations/1/history?per_page=1&page=2", 200, "pagination.total_pages", "2"),
        GET("/storage-locations/1/history", 200, "summary.total_vendidos", "3"),
        GET("/storage-locations/1/history?page=1000000", 200, "periods", "[]"),
        GET("/storage-locations/1/history?per_page=51", 422, NULL, NULL),
        GET("/storage-locations/99/history", 404, "code", "\"StorageLocationNotFoundException\""),
        GET("/storage-locations/1/history/export.csv", 200, NULL, NULL),
        GET("/storage-locations/1/history/export.xlsx", 200, NULL, NULL),
        GET("/storage-locations/1/history/export.pdf", 200, NULL, NULL),
        GET("/storage-locations/99/history/export.csv", 404, NULL, NULL),
        GET("/storage-locations/99/history/export.xlsx", 404, NULL, NULL),
        GET("/storage-locations/99/history/export.pdf", 404, NULL, NULL),
        {INV_WORKER, "GET", "/api/v1/storage-locations/1/history/export.csv", NULL, 403, NULL,
         NULL},
    };
    API_ROWS(g, steps);
}

static void the_map_is_not_sent_twice(void **state)
{
    struct api_rig *g = *state;
    char again[120];
    books_tiny(g->db->store);
    api_rig_as(g, INV_VIEWER);
    const struct test_ask ask = {.method = "GET", .path = "/api/v1/stock/batches/2"};
    struct test_reply r = test_call(g->client, &ask);
    assert_non_null(test_field(&r, "ETag"));
    (void)snprintf(again, sizeof(again), "If-None-Match: %s", test_field(&r, "ETag"));
    test_reply_clear(&r);
    const struct test_ask known = {.method = "GET", .path = ask.path, .header = {again}};
    r = test_call(g->client, &known);
    assert_int_equal(r.status, 304);
    test_reply_clear(&r);
}

static void figures(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        GET("/analytics/daily-counts?" FEBRUARY, 200, "27.total_plants", "8"),
        GET("/analytics/daily-counts?start_date=2026-02-28&end_date=2026-02-01", 422, NULL, NULL),
        GET("/analytics/daily-counts?start_date=2026-02-28", 422, NULL, NULL),
        GET("/analytics/inventory-report", 200, "total_plants", "8"),
        GET("/analytics/inventory-report?warehouse_id=99", 200, "total_plants", "0"),
        GET("/analytics/filter-options", 200, "products.0.id", "1"),
        POST("/analytics/manual-query", "{}", 200, "data.0.total_quantity", "8"),
        POST("/analytics/manual-query", "{'group_by': ['location', 'product']}", 200,
             "metadata.row_count", "2"),
        POST("/analytics/manual-query", "{'analysis_type': 'value'}", 200, "data.0.wholesale_value",
             "760000"),
        POST("/analytics/manual-query", "{'analysis_type': 'weather'}", 422, NULL, NULL),
        POST("/analytics/manual-query", "{'group_by': ['day']}", 422, NULL, NULL),
        {INV_WORKER, "POST", "/api/v1/analytics/manual-query", "{'analysis_type': 'value'}", 200,
         "data.0.total_quantity", "8"},
        POST("/analytics/ai-query", "{'question': 'how many?'}", 200, "data.0.total_quantity", "8"),
        POST("/analytics/ai-query", "{}", 422, NULL, NULL),
        GET("/analytics/dashboard", 200, "total_plants", "8"),
        {INV_WORKER, "GET", "/api/v1/analytics/dashboard", NULL, 200, "stock_value", "null"},
        GET("/analytics/trends?date_from=2026-01-01&date_to=2026-03-31&granularity=monthly", 200,
            "1.period_end", "\"2026-02-28\""),
        GET("/analytics/trends?date_from=2026-01-01&date_to=2025-03-31", 422, NULL, NULL),
        POST("/analytics/compare",
             "{'period1_start': '2026-01-01', 'period1_end': '2026-01-31', 'period2_start':"
             " '2026-02-01', 'period2_end': '2026-02-28', 'group_by': 'location'}",
             200, "absolute_change", "-2"),
        POST("/analytics/compare", "{}", 422, NULL, NULL),
        GET("/analytics/movements/summary?" FEBRUARY, 200, "total_in", "2"),
        GET("/analytics/movements/by-type?" FEBRUARY, 200, "0.movement_type", NULL),
        GET("/analytics/batches/lifecycle", 200, "0.stage", "\"ready\""),
        GET("/analytics/warehouses/utilization", 200, "0.total_plants", "8"),
        GET("/analytics/warehouses/1/utilization", 200, "utilization_pct", NULL),
        GET("/analytics/warehouses/99/utilization", 404, NULL, NULL),
        GET("/analytics/products/performance?" FEBRUARY, 200, "0.deaths", "1"),
        GET("/analytics/ml/accuracy", 200, "sessions", "2"),
        GET("/analytics/empty-containers?min_ratio=0", 200, "", NULL),
        GET("/analytics/empty-containers?min_ratio=2", 422, NULL, NULL),
        GET("/analytics/comparison?type=storage_location&id1=1&id2=2", 200,
            "difference.total_plants", "-2"),
        GET("/analytics/comparison?type=warehouse&id1=1&id2=99", 404, NULL, NULL),
        POST("/analytics/sales-comparison", "{}", 200, "summary.net", "5"),
        POST("/analytics/sales-comparison", "{'date_from': '2026-03-01', 'date_to': '2026-02-01'}",
             422, NULL, NULL),
        {INV_ROLE_MAX_, "GET", "/api/v1/analytics/dashboard", NULL, 401, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static void files(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        GET("/analytics/exports/csv?report_type=inventory", 200, NULL, NULL),
        GET("/analytics/exports/xlsx?report_type=batches", 200, NULL, NULL),
        GET("/analytics/exports/json?report_type=movements&start_date=2026-03-01&"
            "end_date=2026-03-31",
            200, "rows.1.quantity", "3"),
        GET("/analytics/exports/pdf?report_type=movements", 400, "code", "\"ValidationException\""),
        GET("/analytics/exports/csv?report_type=weather", 400, NULL, NULL),
        GET("/analytics/exports/csv", 422, NULL, NULL),
        {INV_WORKER, "GET", "/api/v1/analytics/exports/csv?report_type=inventory", NULL, 403, NULL,
         NULL},
        POST("/analytics/export", "{'format': 'csv', 'query': {}}", 200, NULL, NULL),
        POST("/analytics/export", "{'format': 'xlsx', 'query': {'group_by': ['location']}}", 200,
             NULL, NULL),
        POST("/analytics/export", "{'format': 'pdf', 'query': {'group_by': ['category']}}", 200,
             NULL, NULL),
        POST("/analytics/export", "{'format': 'csv', 'query': {'product_ids': [99]}}", 400, "rule",
             "\"EMPTY_FILTER_RESULT\""),
        POST("/analytics/export", "{'format': 'doc', 'query': {}}", 422, NULL, NULL),
        {INV_WORKER, "POST", "/api/v1/analytics/export", "{'format': 'csv', 'query': {}}", 403,
         NULL, NULL},
    };
    API_ROWS(g, steps);
    api_rig_as(g, INV_VIEWER);
    const struct test_ask ask = {.method = "GET",
                                 .path = "/api/v1/analytics/exports/csv?report_type=batches"};
    struct test_reply r = test_call(g->client, &ask);
    assert_non_null(strstr(test_field(&r, "Content-Disposition"), "batches_export.csv"));
    assert_memory_equal(r.body, "id,batch_code,warehouse_id,", 27);
    test_reply_clear(&r);
}

/* What the worker does with a job of exports. */
static void run_export(struct api_rig *g)
{
    static const char *const queues[] = {"io_queue"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct inv_ctx c = api_rig_ctx(g, INV_ADMIN);
    struct queue_job j;
    struct export_made made;
    struct dm_err e = {0};
    assert_int_equal(queue_take_of(g->db->store, store_now(), queue_kinds_of(queues, 1), "test",
                                   QUEUE_LEASE_MS, &a, &j, &e),
                     1);
    assert_ok(exports_make(&c, g->api_options.photos->local, &j, &a, &made, &e), &e);
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(exports_note(tx, &c, &j, g->api_options.photos->local, &made, &e), &e);
    assert_ok(queue_finish(tx, store_now(), &j, false, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
}

static void files_made_by_jobs(void **state)
{
    struct api_rig *g = *state;
    char path[120];
    char file[128];
    books_tiny(g->db->store);
    api_rig_as(g, INV_VIEWER);
    json_t *job = test_send(g->client, 200, "POST", "/api/v1/analytics/export/large",
                            "{\"export_format\":\"csv\",\"start_date\":\"2026-01-01\"}");
    assert_string_equal(json_string_value(api_at(job, "status")), "pending");
    const char *id = json_string_value(api_at(job, "job_id"));
    (void)snprintf(path, sizeof(path), "/api/v1/exports/%s", id);
    (void)snprintf(file, sizeof(file), "%s/file", path);
    json_decref(test_get(g->client, 409, file));
    run_export(g);
    json_t *done = test_get(g->client, 200, path);
    assert_string_equal(json_string_value(api_at(done, "file_url")), file);
    assert_int_equal(json_integer_value(api_at(done, "record_count")), 2);
    json_decref(done);
    const struct test_ask ask = {.method = "GET", .path = file};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body, "id,batch_code,", 14);
    test_reply_clear(&r);
    (void)snprintf(file, sizeof(file), "/api/v1/analytics/export/status/%s", id);
    json_decref(test_get(g->client, 200, file));
    api_rig_as(g, INV_SUPERVISOR); /* of somebody else */
    json_decref(test_get(g->client, 404, path));
    json_decref(job);
    static const struct api_row steps[] = {
        GET("/exports", 200, "pagination.total_items", "1"),
        {INV_SUPERVISOR, "GET", "/api/v1/exports", NULL, 200, "items", "[]"},
        {INV_WORKER, "GET", "/api/v1/exports", NULL, 403, NULL, NULL},
        GET("/exports/00000000-0000-4000-8000-0000000000ff", 404, NULL, NULL),
        GET("/analytics/export/status/00000000-0000-4000-8000-0000000000ff", 404, NULL, NULL),
        GET("/exports/00000000-0000-4000-8000-0000000000ff/file", 404, NULL, NULL),
        GET("/exports/x", 422, NULL, NULL),
        POST("/analytics/export/large", "{'export_format': 'doc'}", 400, "code",
             "\"ValidationException\""),
        POST("/analytics/export/large", "{}", 422, NULL, NULL),
        {INV_WORKER, "POST", "/api/v1/analytics/export/large", "{'export_format': 'csv'}", 403,
         NULL, NULL},
    };
    API_ROWS(g, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(the_map), API_TEST(the_map_is_not_sent_twice), API_TEST(figures),
        API_TEST(files),   API_TEST(files_made_by_jobs),
    };
    return api_rig_main(tests);
}

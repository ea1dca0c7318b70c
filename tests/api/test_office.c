/* SPDX-License-Identifier: Apache-2.0
 *
 * The month and its reconciliations, sales files, jobs, settings, the audit trail, in the tiny
 * nursery. Reconciliation 1 of February found 3 sold of product 1 in pot 1. */
#include "support/api_rows.h"

#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "inventory/webhooks.h"
#include "queue/queue.h"
#include "support/books.h"

#define NO_UUID "00000000-0000-4000-8000-0000000000ff"
#define JOB     "00000000-0000-4000-8000-000000000041"

static void the_month(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
#define RECON "/api/v1/stock/reconciliations"
    static const struct api_row steps[] = {
        {INV_VIEWER, "GET", "/api/v1/stock/reconciliation?year=2026&month=2", NULL, 200,
         "calculated_sales", "3"},
        {INV_VIEWER, "GET", "/api/v1/stock/reconciliation?year=2026&month=13", NULL, 422, NULL,
         NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/reconciliation/export.csv?year=2026&month=2", NULL, 200,
         NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/reconciliation/export.xlsx?year=2026&month=2", NULL, 200,
         NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/reconciliation/export.pdf?year=2026&month=2", NULL, 200,
         NULL, NULL},
        {INV_WORKER, "GET", "/api/v1/stock/reconciliation/export.csv?year=2026&month=2", NULL, 403,
         NULL, NULL},
        {INV_SUPERVISOR, "GET", RECON "?month=2026-02&status=posted", NULL, 200, "items.0.id", "1"},
        {INV_SUPERVISOR, "GET", RECON "?month=2026-13", NULL, 422, NULL, NULL},
        {INV_VIEWER, "GET", RECON, NULL, 403, NULL, NULL},
        {INV_SUPERVISOR, "GET", RECON "/1", NULL, 200, "lines.0.difference", "3"},
        {INV_SUPERVISOR, "GET", RECON "/99", NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/1/dispute", "{'cause': 'theft', 'note': 'a broken door'}",
         200, "status", "\"disputed\""},
        {INV_SUPERVISOR, "POST", RECON "/1/dispute", "{}", 422, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/99/dispute", "{'cause': 'theft'}", 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/1/reclassify",
         "{'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 1, 'from': 'ventas', 'to':"
         " 'muerte', 'reason': 'found rotten'}",
         200, "sales_total", "2"},
        {INV_SUPERVISOR, "POST", RECON "/1/reclassify",
         "{'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 9, 'from': 'ventas', 'to':"
         " 'muerte', 'reason': 'found rotten'}",
         400, "code", "\"InsufficientStockException\""},
        {INV_SUPERVISOR, "POST", RECON "/99/reclassify",
         "{'product_id': 1, 'quantity': 1, 'from': 'ventas', 'to': 'muerte', 'reason':"
         " 'found rotten'}",
         404, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/1/accept", NULL, 200, "status", "\"accepted\""},
        {INV_SUPERVISOR, "POST", RECON "/99/accept", NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/1/reclassify",
         "{'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 1, 'from': 'ventas', 'to':"
         " 'muerte', 'reason': 'found rotten'}",
         409, NULL, NULL},
    };
    API_ROWS(g, steps);
}

/* A draft waits for its count: nobody reviews it. */
static void drafts_are_not_reviewed(void **state)
{
    struct api_rig *g = *state;
    struct store_tx *tx = NULL;
    books_tiny(g->db->store);
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, NULL), NULL);
    books_sql(tx, "UPDATE reconciliations SET status = 'draft' WHERE id = 1");
    assert_ok(store_commit(&tx, NULL), NULL);
    static const struct api_row steps[] = {
        {INV_SUPERVISOR, "POST", RECON "/1/accept", NULL, 409, NULL, NULL},
        {INV_SUPERVISOR, "POST", RECON "/1/dispute", "{'cause': 'theft'}", 409, NULL, NULL},
    };
    API_ROWS(g, steps);
}

/* One sales file as a form. */
static struct test_reply send_file(struct api_rig *g, const char *path, const char *text,
                                   const char *month)
{
    const struct test_part part[] = {{"files", "ventas.csv", "text/csv", text, 0},
                                     {month ? "month" : NULL, NULL, NULL, month, 0},
                                     {0}};
    const struct test_ask ask = {.method = "POST", .path = path, .part = part};
    return test_call(g->client, &ask);
}

#define ROW   "C R5 T-1,4,2026-02-28\n"
#define SALES "price_sku,quantity_sold,sale_date\n" ROW

static void sales_files(void **state)
{
    struct api_rig *g = *state;
    char path[160];
    books_tiny(g->db->store);
    api_rig_as(g, INV_SUPERVISOR);
    struct test_reply r =
        send_file(g, "/api/v1/analytics/sales-csv/validate", SALES "X,1,\n" ROW, NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(json_integer_value(api_at(r.json, "rows_invalid")), 1);
    assert_string_equal(json_string_value(api_at(r.json, "invalid_skus.0")), "X");
    assert_true(json_is_false(api_at(r.json, "valid")));
    test_reply_clear(&r);
    r = send_file(g, "/api/v1/analytics/sales-csv/validate", "a,b\n1,2\n", NULL);
    assert_int_equal(r.status, 400);
    test_reply_clear(&r);
    /* compared with the stock, then taken for its month by its number */
    r = send_file(g, "/api/v1/analytics/sales-comparison", SALES "C R5 T-1,7,2026-03-10\n", NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(json_integer_value(api_at(r.json, "details.0.total_sales")), 7);
    assert_string_equal(json_string_value(api_at(r.json, "details.0.stock_status")), "LOW");
    assert_int_equal(json_integer_value(api_at(r.json, "details.0.sales_value")),
                     7 * json_integer_value(api_at(r.json, "details.0.unit_price")));
    assert_int_equal(json_integer_value(api_at(r.json, "summary.total_sales_value")),
                     json_integer_value(api_at(r.json, "details.0.sales_value")));
    assert_true(json_is_string(api_at(r.json, "summary.last_photo_date")));
    assert_true(json_is_integer(api_at(r.json, "metadata.execution_time_ms")));
    const struct test_part kept[] = {
        {"upload_session_id", NULL, NULL,
         json_string_value(api_at(r.json, "metadata.upload_session_id")), 0},
        {"month", NULL, NULL, "2026-02", 0},
        {0}};
    const struct test_ask ask = {
        .method = "POST", .path = "/api/v1/stock/sales-imports", .part = kept};
    struct test_reply month = test_call(g->client, &ask);
    test_reply_clear(&r);
    assert_int_equal(month.status, 201);
    assert_int_equal(json_array_size(api_at(month.json, "lines")), 1);
    const char *id = json_string_value(api_at(month.json, "id"));
    (void)snprintf(path, sizeof(path), "/api/v1/stock/sales-imports/%s", id);
    json_decref(test_get(g->client, 200, path));
    (void)snprintf(path, sizeof(path), "/api/v1/stock/sales-imports/%s/lines/%lld", id,
                   json_integer_value(api_at(month.json, "lines.0.line_id")));
    json_t *line = test_send(g->client, 200, "PATCH", path,
                             "{\"resolution\":\"resolved\",\"cause\":\"timing\"}");
    assert_string_equal(json_string_value(api_at(line, "cause")), "timing");
    json_decref(line);
    json_decref(test_send(g->client, 422, "PATCH", path, "{\"resolution\":\"gone\"}"));
    test_reply_clear(&month);
    r = send_file(g, "/api/v1/stock/sales-imports", SALES "C R5 T-1,7,2026-03-10\n", "2026-03");
    assert_int_equal(r.status, 409);
    test_reply_clear(&r);
    r = send_file(g, "/api/v1/stock/sales-imports", SALES, "2026-02");
    assert_int_equal(r.status, 201);
    test_reply_clear(&r);
    /* rows at fault stop a comparison unless they may be left out; numbers of nothing */
    r = send_file(g, "/api/v1/analytics/sales-comparison", SALES "X,1,\n" ROW, NULL);
    assert_int_equal(r.status, 400);
    test_reply_clear(&r);
    const struct test_part unknown[] = {
        {"upload_session_id", NULL, NULL, NO_UUID, 0}, {"month", NULL, NULL, "2026-02", 0}, {0}};
    static const char *const paths[] = {"/api/v1/analytics/sales-comparison",
                                        "/api/v1/stock/sales-imports"};
    for (size_t i = 0; i < DM_COUNT(paths); i++) {
        const struct test_ask lost = {.method = "POST", .path = paths[i], .part = unknown};
        r = test_call(g->client, &lost);
        assert_int_equal(r.status, 404);
        test_reply_clear(&r);
    }
    r = send_file(g, "/api/v1/stock/sales-imports", "price_sku\n", "2026-02");
    assert_int_equal(r.status, 400);
    test_reply_clear(&r);
    static const struct api_row steps[] = {
        {INV_SUPERVISOR, "GET", "/api/v1/stock/sales-imports?month=2026-02", NULL, 200,
         "pagination.total_items", "2"},
        {INV_SUPERVISOR, "GET", "/api/v1/stock/sales-imports/" NO_UUID, NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "PATCH", "/api/v1/stock/sales-imports/" NO_UUID "/lines/99",
         "{'resolution': 'open'}", 404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/sales-imports", NULL, 403, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static void jobs_and_queues(void **state)
{
    struct api_rig *g = *state;
    struct store_tx *tx = NULL;
    books_tiny(g->db->store);
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, NULL), NULL);
    books_sql(tx,
              "INSERT INTO jobs (uuid, kind, status, payload, user_id, run_after, attempts,"
              " finished_at, error_code, error_message, lease_until) VALUES"
              " ('00000000-0000-4000-8000-000000000071', 'export', 'failed', '{}', 10, {now}, 3,"
              " {now}, 'io_error', 'the disk is full', NULL),"
              " ('00000000-0000-4000-8000-000000000072', 'export', 'processing', '{}', 10,"
              " {now}, 1, NULL, NULL, NULL, {now})");
    assert_ok(store_commit(&tx, NULL), NULL);
#define DEAD "00000000-0000-4000-8000-000000000071"
#define BUSY "00000000-0000-4000-8000-000000000072"
    static const struct api_row steps[] = {
        {INV_SUPERVISOR, "GET", "/api/v1/jobs?kind=export", NULL, 200, "pagination.total_items",
         "3"},
        {INV_WORKER, "GET", "/api/v1/jobs", NULL, 200, "pagination.total_items", "0"},
        {INV_VIEWER, "GET", "/api/v1/jobs", NULL, 403, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs?status=lost", NULL, 422, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs/dead", NULL, 200, "items.0.error.code",
         "\"io_error\""},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs/stats", NULL, 200, "failed_24h", "1"},
        {INV_WORKER, "GET", "/api/v1/jobs/stats", NULL, 403, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs/" JOB, NULL, 200, "status", "\"completed\""},
        {INV_WORKER, "GET", "/api/v1/jobs/" JOB, NULL, 403, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs/" NO_UUID, NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/photos/jobs/" JOB "/status", NULL, 200, "queue",
         "\"io_queue\""},
        {INV_SUPERVISOR, "GET", "/api/v1/photos/jobs/" NO_UUID "/status", NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" DEAD "/retry", NULL, 202, "status", "\"pending\""},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" DEAD "/retry", NULL, 409, "code",
         "\"InvalidStatusTransitionException\""},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" NO_UUID "/retry", NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" DEAD "/cancel", "{'reason': 'not needed'}", 200,
         "status", "\"cancelled\""},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" BUSY "/cancel", NULL, 202, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" BUSY "/cancel", NULL, 409, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/" NO_UUID "/cancel", NULL, 404, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/retry-failed",
         "{'kind': 'export', 'since': '2026-01-01T00:00:00Z'}", 202, "retried", "0"},
        {INV_SUPERVISOR, "GET", "/api/v1/jobs/queues", NULL, 200, "0.paused", "false"},
        {INV_ADMIN, "POST", "/api/v1/jobs/queues/io_queue/pause", NULL, 200, "paused", "true"},
        {INV_ADMIN, "POST", "/api/v1/jobs/queues/io_queue/resume", NULL, 200, "paused", "false"},
        {INV_ADMIN, "POST", "/api/v1/jobs/queues/post/pause", NULL, 422, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/jobs/queues/io_queue/pause", NULL, 403, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static void administration(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_ADMIN, "GET", "/api/v1/admin/settings", NULL, 200, "currency", "\"ARS\""},
        {INV_ADMIN, "GET", "/api/admin/settings", NULL, 200, "retake_window_hours", "24"},
        {INV_ADMIN, "PATCH", "/api/v1/admin/settings", "{'retake_window_hours': 12}", 200,
         "retake_window_hours", "12"},
        {INV_ADMIN, "PATCH", "/api/admin/settings", "{'retake_window_hours': 13}", 200,
         "retake_window_hours", "13"},
        {INV_ADMIN, "PATCH", "/api/v1/admin/settings", "{'retake_window_hours': 1000}", 400, "code",
         "\"ValidationException\""},
        {INV_ADMIN, "PATCH", "/api/admin/settings", "{'retake_window_hours': 1000}", 400, NULL,
         NULL},
        {INV_ADMIN, "PATCH", "/api/v1/admin/settings", "{'retake_window_hours': 'x'}", 422, NULL,
         NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/admin/settings", NULL, 403, NULL, NULL},
        {INV_ADMIN, "GET", "/api/v1/admin/audit-log?entity_type=app_settings", NULL, 200,
         "items.0.changes.new", NULL},
        {INV_ADMIN, "GET", "/api/admin/audit-log?user_id=999", NULL, 200, "items", "[]"},
        {INV_VIEWER, "GET", "/api/v1/admin/audit-log", NULL, 403, NULL, NULL},
        {INV_ADMIN, "GET", "/api/v1/admin/system", NULL, 200, "storage", "\"connected\""},
        {INV_ADMIN, "GET", "/api/admin/system", NULL, 200, "queues.0.queue", "\"gpu_queue\""},
        {INV_SUPERVISOR, "GET", "/api/v1/admin/system", NULL, 403, NULL, NULL},
        {INV_ROLE_MAX_, "GET", "/api/v1/terms", NULL, 200, "version", "\"2026-11-01\""},
        {INV_WORKER, "POST", "/api/v1/terms/accept", "{'version': '2026-11-01'}", 200, "message",
         NULL},
        {INV_WORKER, "POST", "/api/v1/terms/accept", "{'version': '1'}", 400, NULL, NULL},
        {INV_ROLE_MAX_, "POST", "/api/v1/terms/accept", "{'version': '1'}", 401, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static int perform(void *unused, void *curl_easy)
{
    (void)unused;
    return (int)curl_easy_perform(curl_easy);
}

/* Runs the job of a delivery once; the code of the run. */
static int send_next(struct api_rig *g)
{
    static const char *const queues[] = {"io_queue"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct queue_job j;
    struct dm_err e = {0};
    const int taken = queue_take_of(g->db->store, store_now() + 60000, queue_kinds_of(queues, 1),
                                    "test", QUEUE_LEASE_MS, &a, &j, &e);
    assert_int_equal(taken, 1);
    const int code = webhooks_send(g->db->store, &j, perform, &e);
    if (code < 0) {
        bool dead;
        assert_ok(queue_fail(g->db->store, store_now(), &j, true, "io", "x", &dead, &e), &e);
    }
    return code;
}

/* What the other program got. */
static struct {
    char body[1024], signature[128], event[64];
    size_t n;
} got;

static int take_body(struct http_request *r, const void *bytes, size_t n, struct dm_err *e)
{
    (void)r;
    (void)e;
    assert_true(got.n + n < sizeof(got.body));
    memcpy(got.body + got.n, bytes, n);
    got.n += n;
    return DM_OK;
}

static int take_hook(struct http_request *r, struct dm_err *e)
{
    (void)snprintf(got.signature, sizeof(got.signature), "%s",
                   http_header(r, "X-Demeter-Signature"));
    (void)snprintf(got.event, sizeof(got.event), "%s", http_header(r, "X-Demeter-Event"));
    return http_reply_empty(r, 204, e);
}

static const struct http_route sink_routes[] = {
    {HTTP_POST, "/sink", "sink", "test", "Takes anything", .flags = HTTP_RAW_BODY,
     .answer = {{204}}, .handle = take_hook, .raw = take_body},
    {0}};
static const struct http_route *const sink_tables[] = {sink_routes, NULL};

/* The signature, made again from the secret and what came. */
static void check_signature(const char *secret)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[65];
    char text[1200];
    char seconds[24];
    crypto_auth_hmacsha256_state st;
    (void)snprintf(seconds, sizeof(seconds), "%.*s", (int)strcspn(got.signature + 2, ","),
                   got.signature + 2);
    const int n = snprintf(text, sizeof(text), "%s.%.*s", seconds, (int)got.n, got.body);
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, (size_t)n);
    crypto_auth_hmacsha256_final(&st, mac);
    (void)sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    assert_string_equal(strstr(got.signature, "v1=") + 3, hex);
}

static void others_get_what_happened(void **state)
{
    struct api_rig *g = *state;
    const struct http_app app = {.tables = sink_tables, .title = "sink", .version = "1"};
    const struct http_options o = {.threads = 1, .spool = g->folder};
    struct http_server *sink = NULL;
    struct dm_err e = {0};
    char body[160];
    books_tiny(g->db->store);
    memset(&got, 0, sizeof(got));
    assert_ok(http_server_start(&app, &o, &sink, &e), &e);
    api_rig_as(g, INV_ADMIN);
    (void)snprintf(body, sizeof(body),
                   "{\"url\":\"http://127.0.0.1:%d/sink\",\"events\":[\"count.manual\"]}",
                   http_server_port(sink));
    json_t *hook = test_send(g->client, 201, "POST", "/api/v1/webhooks", body);
    json_decref(test_send(g->client, 201, "POST", "/api/v1/stock/manual",
                          "{\"storage_location_id\":1,\"product_id\":1,"
                          "\"packaging_catalog_id\":1,\"quantity\":3,\"mode\":\"recount\"}"));
    assert_int_equal(send_next(g), DM_OK);
    assert_string_equal(got.event, "count.manual");
    check_signature(json_string_value(api_at(hook, "secret")));
    char path[120];
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s/deliveries",
                   json_string_value(api_at(hook, "id")));
    json_t *log = test_get(g->client, 200, path);
    assert_string_equal(json_string_value(api_at(log, "items.0.status")), "delivered");
    json_decref(log);
    json_decref(hook);
    http_server_stop(sink);
}

/* The served API itself stands for a program that refuses: a sign-out of nobody is a 401. */
static void others_are_told(void **state)
{
    struct api_rig *g = *state;
    char path[160];
    char body[256];
    books_tiny(g->db->store);
    api_rig_as(g, INV_ADMIN);
    (void)snprintf(body, sizeof(body),
                   "{\"url\":\"%s/api/v1/auth/logout\",\"events\":[\"movement.created\"]}",
                   g->base);
    json_t *hook = test_send(g->client, 201, "POST", "/api/v1/webhooks", body);
    const char *id = json_string_value(api_at(hook, "id"));
    assert_int_equal(strlen(json_string_value(api_at(hook, "secret"))), 64);
    json_decref(test_send(g->client, 201, "POST", "/api/v1/stock/movements",
                          "{\"batch_id\":2,\"movement_type\":\"muerte\",\"quantity\":-1,"
                          "\"is_inbound\":false}"));
    for (int attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(send_next(g), DM_EIO); /* answers 401: tried again, then given up */
    }
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s/deliveries?status=failed", id);
    json_t *log = test_get(g->client, 200, path);
    assert_int_equal(json_integer_value(api_at(log, "items.0.response_status")), 401);
    assert_int_equal(json_integer_value(api_at(log, "items.0.attempts")), 3);
    assert_int_equal(json_integer_value(api_at(log, "items.0.payload.quantity")), -1);
    /* another address, and told once more */
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s", id);
    (void)snprintf(body, sizeof(body), "{\"url\":\"%s/sink\"}", g->base);
    json_decref(test_send(g->client, 200, "PATCH", path, body));
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s/deliveries/%s/replay", id,
                   json_string_value(api_at(log, "items.0.id")));
    json_t *again = test_send(g->client, 202, "POST", path, NULL);
    assert_string_equal(json_string_value(api_at(again, "status")), "pending");
    json_decref(again);
    json_decref(log);
    assert_int_equal(send_next(g), DM_EIO); /* 404 */
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s/deliveries/" NO_UUID "/replay", id);
    json_decref(test_send(g->client, 404, "POST", path, NULL));
    (void)snprintf(path, sizeof(path), "/api/v1/webhooks/%s", id);
    json_decref(test_get(g->client, 200, path));
    json_decref(test_send(g->client, 422, "PATCH", path, "{\"events\":[\"rain\"]}"));
    json_decref(test_send(g->client, 200, "DELETE", path, NULL));
    json_decref(test_send(g->client, 404, "DELETE", path, NULL));
    json_decref(hook);
    static const struct api_row steps[] = {
        {INV_ADMIN, "GET", "/api/v1/webhooks", NULL, 200, "items", "[]"},
        {INV_ADMIN, "GET", "/api/v1/webhooks/" NO_UUID, NULL, 404, NULL, NULL},
        {INV_ADMIN, "PATCH", "/api/v1/webhooks/" NO_UUID, "{'active': false}", 404, NULL, NULL},
        {INV_ADMIN, "GET", "/api/v1/webhooks/" NO_UUID "/deliveries", NULL, 404, NULL, NULL},
        {INV_ADMIN, "POST", "/api/v1/webhooks", "{'url': 'ftp://x', 'events': ['count.manual']}",
         422, NULL, NULL},
        {INV_SUPERVISOR, "GET", "/api/v1/webhooks", NULL, 403, NULL, NULL},
    };
    API_ROWS(g, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(the_month),
        API_TEST(drafts_are_not_reviewed),
        API_TEST(sales_files),
        API_TEST(jobs_and_queues),
        API_TEST(administration),
        API_TEST(others_are_told),
        API_TEST(others_get_what_happened),
    };
    return api_rig_main(tests);
}

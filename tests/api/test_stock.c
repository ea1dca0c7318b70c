/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/stock in the tiny nursery: batch 2 has 5 plants in claro 1, batch 3 has 3 in claro 2;
 * batch 1 belongs to a closed period. State 5 is ADULT. */
#include "support/api_rows.h"

#include "support/books.h"

#define ADULT "5"

static void everything_is_read(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_VIEWER, "GET", "/api/v1/stock/batches", NULL, 200, "0.batch_code",
         "\"LOC1-PROD1-20260131-001\""},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/?batch_status=active&limit=1&skip=1", NULL, 200,
         "0.batch_id", "3"},
        {INV_VIEWER, "GET", "/api/v1/stock/batches?storage_location_id=2&q=loc2", NULL, 200,
         "0.quantity_current", "3"},
        {INV_VIEWER, "GET", "/api/v1/stock/batches?batch_status=gone", NULL, 422, "code",
         "\"RequestValidationError\""},
        {INV_VIEWER, "GET", "/api/v1/stock/batches?limit=1001", NULL, 422, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/batches?product_id=", NULL, 422, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/2", NULL, 200, "quantity_current", "5"},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/99", NULL, 404, "code", "\"NotFoundException\""},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/0", NULL, 422, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/2/movements", NULL, 200, "0.batch_id", "2"},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/99/movements", NULL, 404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/2/lifecycle", NULL, 200, "stage", "\"ready\""},
        {INV_VIEWER, "GET", "/api/v1/stock/batches/99/lifecycle", NULL, 404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/history?movement_type=transplante", NULL, 200,
         "0.quantity", "3"},
        {INV_WORKER, "GET", "/api/v1/stock/history?movement_type=ventas", NULL, 200, "0.unit_price",
         "null"},
        {INV_VIEWER, "GET", "/api/v1/stock/movements?date_from=2026-03-01&storage_location_id=2",
         NULL, 200, "0.batch_id", "3"},
        {INV_VIEWER, "GET", "/api/v1/stock/movements/00000000-0000-4000-8000-0000000000ff", NULL,
         404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/movements/x", NULL, 422, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/locations/1/stock", NULL, 200, "total_plants", "5"},
        {INV_VIEWER, "GET", "/api/v1/stock/locations/99/stock", NULL, 404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/bins/2/stock", NULL, 200, "by_product.0.quantity", "3"},
        {INV_VIEWER, "GET", "/api/v1/stock/bins/99/stock", NULL, 404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/periods?status=open&per_page=1", NULL, 200,
         "pagination.total_items", "2"},
        {INV_VIEWER, "GET", "/api/v1/stock/tasks/00000000-0000-4000-8000-000000000041", NULL, 200,
         "status", "\"SUCCESS\""},
        {INV_VIEWER, "GET", "/api/v1/stock/tasks/00000000-0000-4000-8000-000000000041/status", NULL,
         200, "status", "\"SUCCESS\""},
        {INV_VIEWER, "GET", "/api/v1/stock/tasks/00000000-0000-4000-8000-0000000000ff/status", NULL,
         404, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/tasks/00000000-0000-4000-8000-0000000000ff", NULL, 404,
         NULL, NULL},
        {INV_VIEWER, "GET",
         "/api/v1/stock/tasks/status?task_ids=00000000-0000-4000-8000-000000000041,"
         "00000000-0000-4000-8000-0000000000ff",
         NULL, 200, "tasks.0.status", "\"SUCCESS\""},
        {INV_VIEWER, "GET", "/api/v1/stock/tasks/status", NULL, 422, NULL, NULL},
        {INV_WORKER, "GET", "/api/v1/stock/export.csv", NULL, 403, "code",
         "\"ForbiddenException\""},
        {INV_WORKER, "GET", "/api/v1/stock/export.xlsx", NULL, 403, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/export.xlsx", NULL, 200, NULL, NULL},
        {INV_VIEWER, "GET", "/api/v1/stock/export.pdf", NULL, 200, NULL, NULL},
        {INV_ROLE_MAX_, "GET", "/api/v1/stock/batches", NULL, 401, "code",
         "\"UnauthorizedException\""},
    };
    API_ROWS(g, steps);
    const struct test_ask ask = {.method = "GET", .path = "/api/v1/stock/export.csv"};
    api_rig_as(g, INV_VIEWER);
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body, "batch_id,batch_code,", 20);
    assert_non_null(test_field(&r, "Content-Disposition"));
    test_reply_clear(&r);
}

#define MOVE(type, quantity, inbound, more)                                                        \
    "{'batch_id': 2, 'movement_type': '" type "', 'quantity': " quantity                           \
    ", 'is_inbound': " inbound more "}"

static void movements_are_logged(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("muerte", "-1", "false", ""), 201,
         "batch_quantity_after", "4"},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("plantado", "2", "true", ""), 201,
         "quantity", "2"},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/movements",
         MOVE("venta", "-1", "false", ", 'unit_price': 9.5"), 201, "total_price", "9.5"},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("ventas", "-1", "false", ""), 403,
         NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/movements",
         MOVE("ajuste", "-1", "false", ", 'reason_description': 'broken pots'"), 201, "quantity",
         "-1"},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("muerte", "1", "true", ""), 400,
         "rule", "\"MOVEMENT_TYPE_NOT_ALLOWED\""},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("foto", "1", "true", ""), 400, "code",
         "\"ValidationException\""},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("muerte", "-999", "false", ""), 400,
         "code", "\"InsufficientStockException\""},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         "{'batch_id': 99, 'movement_type': 'muerte', 'quantity': -1, 'is_inbound': false}", 404,
         NULL, NULL},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         MOVE("muerte", "-1", "false", ", 'processing_session_id': 99"), 404, NULL, NULL},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         MOVE("transplante", "-1", "false", ", 'source_bin_id': 1, 'destination_bin_id': 1"), 400,
         "rule", "\"SAME_DESTINATION\""},
        {INV_WORKER, "POST", "/api/v1/stock/movements", MOVE("transplante", "-1", "false", ""), 422,
         NULL, NULL},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         MOVE("transplante", "-1", "false", ", 'source_bin_id': 1, 'destination_bin_id': 99"), 404,
         NULL, NULL},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         MOVE("transplante", "-1", "false", ", 'source_bin_id': 1, 'destination_bin_id': 2"), 201,
         "paired_movement_id", NULL},
        {INV_WORKER, "POST", "/api/v1/stock/movements",
         MOVE("muerte", "-1", "false", ", 'source_type': 'ia'"), 403, NULL, NULL},
        {INV_VIEWER, "POST", "/api/v1/stock/movements", MOVE("muerte", "-1", "false", ""), 403,
         NULL, NULL},
        {INV_ADMIN, "POST", "/api/v1/stock/movements",
         MOVE("muerte", "-1", "false", ", 'user_id': 10"), 201, "user_id", "10"},
        {INV_ADMIN, "POST", "/api/v1/stock/movements",
         MOVE("muerte", "-1", "false", ", 'user_id': 999"), 404, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static void movements_are_taken_back(void **state)
{
    struct api_rig *g = *state;
    char path[120];
    books_tiny(g->db->store);
    api_rig_as(g, INV_WORKER);
    const struct test_ask ask = {
        .method = "POST",
        .path = "/api/v1/stock/movements",
        .json =
            "{\"batch_id\":2,\"movement_type\":\"muerte\",\"quantity\":-1,\"is_inbound\":false}",
        .header = {"Idempotency-Key: 5f4b3c2d-0000-4000-8000-000000000001"}};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 201);
    const char *id = json_string_value(api_at(r.json, "movement_id"));
    (void)snprintf(path, sizeof(path), "/api/v1/stock/movements/%s", id);
    assert_string_equal(test_field(&r, "Location"), path);
    struct test_reply again =
        test_call(g->client, &ask); /* the same request is the same movement */
    assert_int_equal(again.status, 201);
    assert_string_equal(test_field(&again, "Location"), path);
    assert_string_equal(json_string_value(api_at(again.json, "movement_id")), id);
    test_reply_clear(&again);
    json_decref(test_get(g->client, 200, path));
    (void)snprintf(path, sizeof(path), "/api/v1/stock/movements/%s/reverse", id);
    test_reply_clear(&r);
    const char *why = "{\"reason_description\":\"counted twice\"}";
    json_t *back = test_send(g->client, 201, "POST", path, why);
    assert_int_equal(json_integer_value(api_at(back, "quantity")), 1);
    json_decref(back);
    json_decref(test_send(g->client, 409, "POST", path, why));
    json_decref(test_send(g->client, 422, "POST", path, "{}"));
    json_decref(test_send(g->client, 404, "POST",
                          "/api/v1/stock/movements/00000000-0000-4000-8000-0000000000ff/reverse",
                          why));
    /* what a count wrote is not taken back one by one; nor what is of another person */
    api_rig_as(g, INV_SUPERVISOR);
    json_t *opening = test_get(g->client, 200, "/api/v1/stock/history?movement_type=foto");
    (void)snprintf(path, sizeof(path), "/api/v1/stock/movements/%s/reverse",
                   json_string_value(api_at(opening, "0.movement_id")));
    json_decref(opening);
    json_decref(test_send(g->client, 409, "POST", path, why));
    /* nor what belongs to a closed period */
    json_t *planted = test_get(g->client, 200, "/api/v1/stock/history?movement_type=plantar");
    (void)snprintf(path, sizeof(path), "/api/v1/stock/movements/%s/reverse",
                   json_string_value(api_at(planted, "0.movement_id")));
    json_decref(planted);
    json_decref(test_send(g->client, 400, "POST", path, why));
}

#define OPERATION(kind, quantity, more)                                                            \
    "{'operation': '" kind                                                                         \
    "', 'storage_location_id': 1, 'product_id': 1, 'product_state_id': " ADULT                     \
    ", 'packaging_catalog_id': 1, 'quantity': " quantity more "}"

static void operations_and_counts(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_WORKER, "POST", "/api/v1/stock/operations", OPERATION("plantar", "4", ""), 201,
         "quantity_added", "4"},
        {INV_WORKER, "POST", "/api/v1/stock/operations", OPERATION("muerte", "2", ""), 201,
         "quantity_removed", "2"},
        {INV_WORKER, "POST", "/api/v1/stock/operations",
         OPERATION("transplante", "2", ", 'destination_location_id': 2"), 201, "quantity_moved",
         "2"},
        {INV_WORKER, "POST", "/api/v1/stock/operations", OPERATION("ventas", "1", ""), 403, NULL,
         NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/operations", OPERATION("ventas", "1", ""), 201,
         "operation", "\"ventas\""},
        {INV_WORKER, "POST", "/api/v1/stock/operations", OPERATION("muerte", "-2", ""), 422, NULL,
         NULL},
        {INV_WORKER, "POST", "/api/v1/stock/operations", OPERATION("muerte", "999", ""), 400,
         "code", "\"InsufficientStockException\""},
        {INV_WORKER, "POST", "/api/v1/stock/operations",
         "{'operation': 'plantar', 'storage_location_id': 99, 'product_id': 1, 'product_state_id':"
         " 5, 'quantity': 1}",
         404, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/operations/bulk",
         "{'operations': [" OPERATION("muerte", "1", "") "]}", 200, "succeeded", "1"},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/operations/bulk",
         "{'operations': [" OPERATION("muerte", "1", "") ", " OPERATION("muerte", "999", "") "]}",
         207, "results.1.code", "\"InsufficientStockException\""},
        {INV_WORKER, "POST", "/api/v1/stock/operations/bulk", "{'operations': []}", 403, NULL,
         NULL},
        /* claro 2 has a period already; a count of the whole claro closes it */
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual",
         "{'storage_location_id': 1, 'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 6}",
         409, "rule", "\"ALREADY_INITIALIZED\""},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual",
         "{'storage_location_id': 1, 'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 3,"
         " 'mode': 'recount'}",
         201, "movement_type", "\"manual_init\""},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual",
         "{'storage_location_id': 1, 'product_id': 2, 'packaging_catalog_id': 1, 'quantity': 3,"
         " 'mode': 'initial'}",
         400, "code", "\"ProductMismatchException\""},
        {INV_WORKER, "POST", "/api/v1/stock/manual",
         "{'storage_location_id': 99, 'product_id': 1, 'quantity': 3}", 404, NULL, NULL},
        {INV_WORKER, "POST", "/api/v1/stock/manual", "{'storage_location_id': 1}", 422, NULL, NULL},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual/bulk",
         "{'location_ids': [1], 'product_id': 1, 'packaging_catalog_id': 1, 'quantity': 2,"
         " 'mode': 'recount'}",
         200, "succeeded", "1"},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual/bulk",
         "{'items': [{'storage_location_id': 99, 'product_id': 1, 'quantity': 2}]}", 207,
         "results.0.status", "\"error\""},
        {INV_SUPERVISOR, "POST", "/api/v1/stock/manual/bulk", "{'location_ids': [1]}", 422, NULL,
         NULL},
    };
    API_ROWS(g, steps);
}

static void batches_are_edited(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_SUPERVISOR, "PATCH", "/api/v1/stock/batches/2",
         "{'quality_score': 4.5, 'planting_date': '2026-01-02', 'notes': 'by the door'}", 200,
         "quality_score", "4.5"},
        {INV_SUPERVISOR, "PUT", "/api/v1/stock/batches/2", "{'notes': null}", 200, "notes", "null"},
        {INV_SUPERVISOR, "PATCH", "/api/v1/stock/batches/2", "{'quality_score': 6}", 422, NULL,
         NULL},
        {INV_SUPERVISOR, "PATCH", "/api/v1/stock/batches/1", "{'notes': 'x'}", 400, "rule",
         "\"PERIOD_CLOSED\""},
        {INV_SUPERVISOR, "PATCH", "/api/v1/stock/batches/99", "{'notes': 'x'}", 404, NULL, NULL},
        {INV_WORKER, "PATCH", "/api/v1/stock/batches/2", "{'notes': 'x'}", 403, NULL, NULL},
    };
    API_ROWS(g, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(everything_is_read),       API_TEST(movements_are_logged),
        API_TEST(movements_are_taken_back), API_TEST(operations_and_counts),
        API_TEST(batches_are_edited),
    };
    return api_rig_main(tests);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be done - counts that wait, claros that are due, refused notes - and what is too much
 * for one answer. */
#include "support/api_rows.h"

#include <stdlib.h>
#include <string.h>

#include "support/api_steps.h"
#include "support/books.h"

#define V1     "/api/v1"
#define INBOX  V1 "/stock/inbox"
#define NOBODY "00000000-0000-4000-8000-0000000000ff"

/* ---- work --------------------------------------------------------------------------------- */

static void run_sql(struct api_rig *g, const char *sql)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, sql);
    assert_ok(store_commit(&tx, &e), &e);
}

/* The three sessions of the tiny books: one becomes a count that is held, one has failed. */
static void counts_wait_in_order(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row before[] = {
        {INV_SUPERVISOR, "GET", V1 "/review", NULL, 200, "pagination.total_items", "0"}};
    API_ROWS(g, before);
    run_sql(g, "UPDATE photo_processing_sessions SET posting_status = 'held', posted_at = NULL,"
               " hold_reasons = '[\"surplus\",\"early\"]' WHERE id = 2");
    run_sql(g, "UPDATE photo_processing_sessions SET status = 'failed', posting_status ="
               " 'unposted', posted_at = NULL, error_message = 'blurred' WHERE id = 1");
    static const struct api_row after[] = {
        {INV_SUPERVISOR, "GET", V1 "/review", NULL, 200, "pagination.total_items", "2"},
        {INV_SUPERVISOR, "GET", V1 "/review", NULL, 200, "items.0.reason", "\"failed\""},
        {INV_SUPERVISOR, "GET", V1 "/review", NULL, 200, "items.1.reason", "\"surplus\""},
        {INV_SUPERVISOR, "GET", V1 "/review", NULL, 200, "items.1.reasons",
         "[\"surplus\",\"early\"]"},
        {INV_ADMIN, "GET", V1 "/review?reason=surplus&warehouse_id=1", NULL, 200, "items.0.counted",
         NULL},
        {INV_SUPERVISOR, "GET", V1 "/review?storage_location_id=2", NULL, 200, "items", "[]"},
        {INV_SUPERVISOR, "GET", V1 "/review?reason=weather", NULL, 422, NULL, NULL},
        {INV_WORKER, "GET", V1 "/review", NULL, 403, NULL, NULL},
    };
    API_ROWS(g, after);
}

static void claros_are_due(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    static const struct api_row steps[] = {
        {INV_VIEWER, "GET", V1 "/coverage", NULL, 200, "locations", "2"},
        {INV_WORKER, "GET", V1 "/coverage?days=3660", NULL, 200, "due", "1"},
        {INV_VIEWER, "GET", V1 "/coverage?days=3660", NULL, 200, "never_counted", "1"},
        {INV_VIEWER, "GET", V1 "/coverage?days=1", NULL, 200,
         "warehouses.0.due_locations.0.last_counted_at", "null"},
        {INV_VIEWER, "GET", V1 "/coverage?days=1", NULL, 200,
         "warehouses.0.due_locations.1.days_since", NULL},
        {INV_VIEWER, "GET", V1 "/coverage?warehouse_id=99", NULL, 200, "warehouses", "[]"},
        {INV_VIEWER, "GET", V1 "/coverage?days=0", NULL, 422, NULL, NULL},
        {INV_ROLE_MAX_, "GET", V1 "/coverage", NULL, 401, NULL, NULL},
    };
    API_ROWS(g, steps);
}

static void notes_wait_for_a_supervisor(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    char state_id[24];
    books_tiny(g->db->store);
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_begin(g->db->store, STORE_READ, &tx, &e), &e);
    (void)snprintf(state_id, sizeof(state_id), "%lld",
                   (long long)books_int(tx, "SELECT product_state_id FROM stock_batches WHERE id"
                                            " = 2"));
    store_rollback(DM_STEAL(tx));
    api_remember(&k, 's', state_id);
#define NOTED(n)                                                                                   \
    "{'operation': 'muerte', 'storage_location_id': 1, 'product_id': 1, 'product_state_id': $s,"   \
    " 'packaging_catalog_id': 1, 'quantity': " n "}"
    static const struct api_step steps[] = {
        {INV_WORKER, "POST", INBOX,
         "{'operation': " NOTED("900") ", 'code':"
                                       " 'INSUFFICIENT_STOCK', 'reason': 'there are 5'}",
         201, "{'status':'open'}", "n=note_id", NULL, "Location"},
        {INV_WORKER, "POST", INBOX, "{'note_id': '$n', 'operation': {}, 'reason': 'again'}", 201,
         "{'note_id':'$n','reason':'there are 5'}"},
        {INV_ADMIN, "POST", INBOX, "{'note_id': '$n', 'operation': {}, 'reason': 'mine'}", 409},
        {INV_WORKER, "POST", INBOX, "{'operation': 7, 'reason': ''}", 422},
        {INV_VIEWER, "POST", INBOX, "{'operation': {}, 'reason': 'x'}", 403},
        {INV_WORKER, "GET", INBOX "?status=open", NULL, 200, "{'pagination':{'total_items':1}}"},
        {INV_SUPERVISOR, "GET", INBOX "/$n", NULL, 200, "{'code':'INSUFFICIENT_STOCK'}"},
        {INV_WORKER, "GET", INBOX "/" NOBODY, NULL, 404},
        {INV_WORKER, "POST", INBOX "/$n/book", NULL, 403},
        {INV_SUPERVISOR, "POST", INBOX "/$n/book", NULL, 400, "{'rule':'INSUFFICIENT_STOCK'}"},
        {INV_SUPERVISOR, "POST", INBOX "/$n/book",
         "{'operation': " NOTED("2") ", 'note': 'there were two'}", 200,
         "{'status':'booked','note':'there were two','result':{'quantity_removed':2}}"},
        {INV_SUPERVISOR, "POST", INBOX "/$n/book", NULL, 409},
        {INV_SUPERVISOR, "POST", INBOX "/$n/discard", "{'reason': 'too late'}", 409},
        {INV_SUPERVISOR, "POST", INBOX "/" NOBODY "/book", NULL, 404},
        {INV_SUPERVISOR, "POST", INBOX "/" NOBODY "/discard", "{'reason': 'who?'}", 404},
        /* half a note cannot be booked as it stands */
        {INV_WORKER, "POST", INBOX, "{'operation': {'quantity': 1}, 'reason': 'torn'}", 201, NULL,
         "h=note_id"},
        {INV_SUPERVISOR, "POST", INBOX "/$h/book", NULL, 400, "{'rule':'RULE'}"},
        {INV_SUPERVISOR, "POST", INBOX "/$h/discard", "{'reason': 'nobody knows'}", 200,
         "{'status':'discarded','note':'nobody knows'}"},
        {INV_SUPERVISOR, "GET", INBOX "?status=open", NULL, 200, "{'items':[]}"},
        {INV_SUPERVISOR, "GET", V1 "/stock/locations/1/stock", NULL, 200, "{'total_plants':3}"},
    };
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

/* Names that no paper can show, wherever there is one. */
static void names_are_printable(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
#define BELL   "'a\\u0007b'"
#define ADMIN  INV_ADMIN, "POST"
#define CHANGE INV_ADMIN, "PATCH"
#define NAMED  "{'name': " BELL "}", 400, "code", "\"ValidationException\""
    static const struct api_row steps[] = {
        {ADMIN, V1 "/packaging/types", "{'code': 'ODD', 'name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/packaging/types/1", NAMED},
        {ADMIN, V1 "/packaging/materials", "{'code': 'ODD', 'name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/packaging/materials/1", NAMED},
        {ADMIN, V1 "/packaging/colors", "{'name': " BELL ", 'hex_code': '#00FF00'}", 400, NULL,
         NULL},
        {CHANGE, V1 "/packaging/colors/1", NAMED},
        {ADMIN, V1 "/packaging/catalog",
         "{'packaging_type_id': 1, 'packaging_material_id': 1, 'packaging_color_id': 1,"
         " 'diameter_cm': 33, 'name': " BELL "}",
         400, NULL, NULL},
        {CHANGE, V1 "/packaging/catalog/1", NAMED},
        {ADMIN, V1 "/products/categories", "{'code': 'ODD', 'name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/products/categories/1", NAMED},
        {ADMIN, V1 "/products/families", "{'category_id': 1, 'name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/products/families/1", NAMED},
        {ADMIN, V1 "/products", "{'family_id': 1, 'common_name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/products/by-id/1", "{'common_name': " BELL "}", 400, NULL, NULL},
        {ADMIN, V1 "/products/states", "{'code': 'ODD', 'name': " BELL "}", 400, NULL, NULL},
        {CHANGE, V1 "/products/states/1", NAMED},
        {ADMIN, V1 "/locations/bins",
         "{'storage_location_id': 1, 'storage_bin_type_id': 1, 'code': 'NAVE01-N-C01-SEG077',"
         " 'label': " BELL "}",
         400, NULL, NULL},
    };
    API_ROWS(g, steps);
}

/* ---- too much ------------------------------------------------------------------------------ */

#define NUMBERS(n) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ")"

/* 100,001 batches of 10,001 products, and as many prices: one more than an answer may have. */
static void answers_have_a_bound(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    run_sql(g, "INSERT INTO products (id, product_family_id, sku, common_name) " NUMBERS(
                   "10001") " SELECT 1000 + i, 1, 'BULK-' || i, 'Planta ' || i FROM n");
    run_sql(g, "INSERT INTO stock_batches (id, batch_code, stock_period_id, storage_bin_id,"
               " product_id, product_state_id, has_packaging, quantity_initial, "
               "quantity_current) " NUMBERS(
                   "100001") " SELECT 1000 + i, 'LOTE-' || i, 2, 1, 1001 + i % 10001,"
                             " (SELECT product_state_id FROM stock_batches WHERE id = 2), FALSE, "
                             "1, 1 FROM n");
    run_sql(g,
            "INSERT INTO price_list_items (id, packaging_catalog_id, product_category_id,"
            " variant, sku, wholesale_unit_price_cents) " NUMBERS(
                "100001") " SELECT 1000 + i, 1, (SELECT product_category_id FROM"
                          " price_list_items WHERE id = 1), 'v' || i, 'PRICE-' || i, 100 FROM n");
    static const struct api_row steps[] = {
        {INV_VIEWER, "POST", V1 "/analytics/manual-query", "{}", 413, "details.max_rows", "10000"},
        {INV_VIEWER, "POST", V1 "/analytics/manual-query", "{'limit': 10}", 200,
         "metadata.truncated", "true"},
        {INV_VIEWER, "GET", V1 "/stock/export.csv", NULL, 413, "details.max_rows", "100000"},
        {INV_VIEWER, "GET", V1 "/stock/export.xlsx", NULL, 413, NULL, NULL},
        {INV_VIEWER, "GET", V1 "/stock/export.pdf", NULL, 413, NULL, NULL},
        {INV_VIEWER, "GET", V1 "/prices/export.csv", NULL, 413, NULL, NULL},
        {INV_VIEWER, "GET", V1 "/prices/export.xlsx", NULL, 413, NULL, NULL},
        {INV_VIEWER, "GET", V1 "/prices/export.pdf", NULL, 413, NULL, NULL},
    };
    API_ROWS(g, steps);
}

/* A question whose tables somebody keeps locked ends, and says that it took too long. */
static void answers_do_not_take_for_ever(void **state)
{
    struct api_rig *g = *state;
    books_tiny(g->db->store);
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, "LOCK TABLE stock_batches IN ACCESS EXCLUSIVE MODE");
    static const struct api_row steps[] = {
        {INV_VIEWER, "POST", V1 "/analytics/manual-query", "{}", 504, "code",
         "\"QueryTimeoutException\""},
    };
    API_ROWS(g, steps);
}

/* Files of sales above their bound, however they come. */
static void sales_files_have_a_bound(void **state)
{
    struct api_rig *g = *state;
    static const char *const path[] = {V1 "/analytics/sales-csv/validate",
                                       V1 "/analytics/sales-comparison", V1 "/stock/sales-imports"};
    const size_t n = (size_t)102 << 20;
    char *large = malloc(n);
    assert_non_null(large);
    memset(large, 'x', n);
    api_rig_as(g, INV_SUPERVISOR);
    const struct test_part parts[] = {
        {"month", NULL, NULL, "2026-02", 0}, {"files", "v.csv", "text/csv", large, n}, {NULL}};
    for (size_t i = 0; i < DM_COUNT(path); i++) {
        struct test_reply r = test_call(
            g->client, &(struct test_ask){.method = "POST", .path = path[i], .part = parts});
        assert_int_equal(r.status, 413);
        test_reply_clear(&r);
    }
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(counts_wait_in_order),
        API_TEST(claros_are_due),
        API_TEST(notes_wait_for_a_supervisor),
        API_TEST(names_are_printable),
        API_TEST(answers_have_a_bound),
        API_TEST_ON_(answers_do_not_take_for_ever, db_postgresql, "[postgresql]"),
        API_TEST_SQLITE(sales_files_have_a_bound),
    };
    return api_rig_main(tests);
}

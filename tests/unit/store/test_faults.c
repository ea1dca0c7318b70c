/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory runs out at every single allocation of a whole conversation with a database: it either
 * succeeds or says so, and nothing is left open or half-written. */
#include <string.h>

#include "base/alloc.h"
#include "support/db.h"

enum { ADD, LIST };
static const struct store_query q[] = {
    [ADD] = {"test.add",
             "INSERT INTO app_settings (key, value) VALUES (?1, ?2) "
             "RETURNING key, value, created_at, updated_by_user_id",
             "tj", "tjTi"},
    [LIST] = {"test.list", "SELECT code, name, is_grid, length_cm FROM storage_bin_types", "",
              "ttbr"},
};
STORE_QUERIES(fault_queries, q);
static const struct store_bulk bulk = {"test.bulk", "app_settings", "key, value", "tj"};

static int converse(struct store *s, struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    struct store_table table;
    const struct store_value rows[] = {store_t("b"), store_j("[1.5]"), store_t("c"), store_j("{}")};
    DM_TRY(store_begin(s, STORE_WRITE, &tx, e));
    DM_TRY(store_one(tx, &q[ADD], STORE_ARGS(store_t("a"), store_j("{\"z\":1,\"a\":[2.5]}")), a,
                     &row, e));
    DM_TRY(store_all(tx, &q[LIST], STORE_NO_ARGS, a, &table, e));
    DM_TRY(store_save(tx, e));
    DM_TRY(store_insert(tx, &bulk, rows, 2, e));
    DM_TRY(store_release(tx, e));
    return store_commit(&tx, e);
}

static int64_t settings(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t n = -1;
    static const struct store_query count = {.name = "test.count",
                                             .sql = "SELECT count(*) FROM app_settings",
                                             .params = "",
                                             .cols = "i"};
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &count, STORE_NO_ARGS, &n, &e), &e);
    store_rollback(tx);
    return n;
}

static void every_allocation_may_fail(void **state)
{
    struct db *db = *state;
    int failures = 0;
    for (size_t n = 1;; n++) {
        struct dm_err e = {0};
        struct dm_arena a = {0};
        struct store *s = NULL;
        assert_true(n < 2000);
        (void)dm_alloc_fail_at(n);
        int code = store_open(db->url, &(struct store_options){.connect_ms = 1}, &s, &e);
        code = code < 0 ? code : converse(s, &a, &e);
        (void)dm_alloc_fail_at(0);
        dm_arena_clear(&a);
        if (s) {
            assert_int_equal(store_pool_state(s).used, 0);
        }
        store_close(s);
        if (code >= 0) {
            break;
        }
        assert_int_equal(code, DM_ENOMEM);
        assert_int_equal(settings(db->store), 0);
        failures++;
    }
    assert_int_equal(settings(db->store), 3);
    assert_true(failures > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DB_TEST(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The demo nursery: sound, exact, the same again for the same seed. */
#include "support/books.h"

#include <string.h>

#include "inventory/seed.h"
#include "inventory/verify.h"

#define UNTIL INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */

static struct seed_result seed(struct store *s, int64_t plants, uint64_t number)
{
    struct dm_err e = {0};
    struct seed_result r = {0};
    const struct seed_params p = {
        .plants = plants, .seed = number, .claros = 60, .months = 5, .until_ms = UNTIL};
    assert_ok(seed_demo(s, &p, &r, &e), &e);
    return r;
}

static int64_t number(struct store *s, const char *sql)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    const int64_t n = books_int(tx, sql);
    store_rollback(tx);
    return n;
}

static void it_is_sound_and_exact(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    struct verify_report r;
    const struct seed_result made = seed(db->store, 20000, 7);
    assert_int_equal(made.claros, 60);
    assert_int_equal(number(db->store, "SELECT SUM(quantity_current) FROM stock_batches"), 20000);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM stock_movements"), made.movements);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM stock_periods"), made.periods);
    assert_true(made.periods > 5 * 60);
    assert_true(number(db->store, "SELECT COUNT(DISTINCT movement_type) FROM stock_movements") >=
                7);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM stock_movements WHERE occurred_at >"
                                       " '2026-01-01T12:00:00.000Z'"),
                     0);
    assert_ok(store_begin(db->store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e);
    for (size_t i = 0; i < DM_MIN(r.n, 20); i++) {
        print_message("%d %s %s %lld: %s\n", r.list[i].invariant, r.list[i].check, r.list[i].entity,
                      (long long)r.list[i].id, r.list[i].detail);
    }
    assert_int_equal(r.total, 0);
    store_rollback(tx);
}

static void it_is_the_same_again(void **state)
{
    struct db *db = *state;
    static const char sum[] = "SELECT SUM(id * quantity % 1000003) + SUM({ms:occurred_at} % "
                              "1000003) FROM stock_movements";
    (void)seed(db->store, 20000, 7);
    struct db *again = db_new(&db_sqlite);
    struct db *other = db_new(&db_sqlite);
    (void)seed(again->store, 20000, 7);
    (void)seed(other->store, 20000, 8);
    assert_int_equal(number(db->store, sum), number(again->store, sum));
    assert_true(number(db->store, sum) != number(other->store, sum));
    db_free(again);
    db_free(other);
}

static void the_next_rows_get_numbers_of_their_own(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    (void)seed(db->store, 20000, 1);
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, "INSERT INTO product_families (product_category_id, name) VALUES (1, 'Nueva')");
    books_sql(tx, "INSERT INTO jobs (uuid, kind, payload, user_id, run_after) VALUES"
                  " ('00000000-0000-4000-8000-000000000001', 'export', '{}', 1, {now})");
    store_rollback(tx);
}

static void what_cannot_be_is_refused(void **state)
{
    struct db *db = *state;
    struct seed_result r;
    struct seed_params p = {.plants = 100, .claros = 60, .until_ms = UNTIL};
    assert_int_equal(seed_demo(db->store, &p, &r, NULL), DM_EBADINPUT);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM warehouses"), 0);
    (void)seed(db->store, 20000, 1);
    p.plants = 20000;
    assert_int_equal(seed_demo(db->store, &p, &r, NULL), DM_ECONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(it_is_sound_and_exact),
        DB_TEST(it_is_the_same_again),
        DB_TEST(the_next_rows_get_numbers_of_their_own),
        DB_TEST(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

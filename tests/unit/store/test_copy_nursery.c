/* SPDX-License-Identifier: Apache-2.0
 *
 * A nursery with a year of history, moved from SQLite to PostgreSQL and back: the same content, and
 * books that are right on each. $DEMETER_COPY_PLANTS asks for a larger one and for its times. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "inventory/seed.h"
#include "inventory/verify.h"
#include "store/copy.h"
#include "support/db.h"

#define UNTIL INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */

static void assert_books_hold(struct store *s)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = NULL;
    struct verify_report r;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e);
    if (r.total) {
        fail_msg("%s: %s", r.list[0].check, r.list[0].detail);
    }
    store_rollback(tx);
    dm_arena_clear(&a);
}

/* Digests of every table, one after the other; the caller clears. */
static struct dm_buf digests(struct store *s)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct dm_buf b = dm_buf_init(1 << 20);
    struct store_catalog c;
    struct store_tx *tx = NULL;
    assert_ok(store_catalog_read(store_migrations, store_migration_count, &a, &c, &e), &e);
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    for (size_t i = 0; i < c.n; i++) {
        struct store_digest d;
        assert_ok(store_table_digest(tx, &c.table[i], &d, &e), &e);
        dm_buf_printf(&b, "%s %lld %s\n", c.table[i].name, (long long)d.rows, d.hex);
    }
    store_rollback(tx);
    dm_arena_clear(&a);
    return b;
}

static void copy(struct db *from, struct db *to, bool timed)
{
    struct dm_err e = {0};
    dm_usec start = dm_now();
    assert_ok(store_copy(from->store, to->store, NULL, NULL, &e), &e);
    if (timed) {
        print_message("%s to %s: %.1f s\n", from->engine, to->engine, dm_ms_since(start) / 1000);
    }
    assert_books_hold(to->store);
    struct dm_buf a = digests(from->store);
    struct dm_buf b = digests(to->store);
    assert_string_equal(dm_buf_str(&a), dm_buf_str(&b));
    dm_buf_clear(&a);
    dm_buf_clear(&b);
}

static void there_and_back(void **state)
{
    (void)state;
    struct dm_err e = {0};
    const char *plants = getenv("DEMETER_COPY_PLANTS");
    const struct seed_params p = {.plants = plants ? strtoll(plants, NULL, 10) : 5000,
                                  .claros = plants ? 0 : 12,
                                  .seed = 1,
                                  .detections = plants != NULL,
                                  .until_ms = UNTIL};
    struct seed_result made;
    struct db *db[] = {db_new(&db_sqlite), db_new(&db_postgresql), db_new(&db_sqlite)};
    assert_ok(seed_demo(db[0]->store, &p, &made, &e), &e);
    assert_true(made.movements > 100);
    copy(db[0], db[1], plants);
    copy(db[1], db[2], plants);
    for (size_t i = 0; i < DM_COUNT(db); i++) {
        db_free(db[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

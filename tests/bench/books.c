/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the books take to answer, on both engines: seeds a demo nursery into a fresh database
 * (tests/support/db.h) and prints medians. Called by tests/bench/books.
 *   books [PLANTS [CLAROS [RUNS]]] */
#include <stdlib.h>

#include "base/clock.h"
#include "inventory/analytics.h"
#include "inventory/map.h"
#include "inventory/month.h"
#include "inventory/seed.h"
#include "inventory/verify.h"
#include "support/db.h"

#define UNTIL INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */

static int map_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    const struct map_claro *claro;
    size_t n;
    return map_claros(c, 0, false, a, &claro, &n, e);
}

static int stock_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct sheet *s;
    const struct analytics_ask ask = {
        .kind = ANALYTICS_STOCK, .group = {ANALYTICS_CLARO}, .n_group = 1};
    return analytics_run(c, &ask, a, &s, e);
}

static int month_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct month_report r;
    return month_report(c, &(struct month_ask){.year = 2025, .month = 9}, a, &r, e);
}

static int at_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct sheet *s;
    const struct analytics_ask ask = {.kind = ANALYTICS_STOCK_AT,
                                      .group = {ANALYTICS_CLARO},
                                      .n_group = 1,
                                      .at_ms = UNTIL - INT64_C(120) * 86400000};
    return analytics_run(c, &ask, a, &s, e);
}

static int value_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct sheet *s;
    const struct analytics_ask ask = {
        .kind = ANALYTICS_VALUE, .group = {ANALYTICS_CATEGORY, ANALYTICS_PACKAGING}, .n_group = 2};
    return analytics_run(c, &ask, a, &s, e);
}

static int daily_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct sheet *s;
    const struct analytics_ask ask = {0};
    return analytics_daily(c, &ask, "2025-01-01", "2025-12-31", a, &s, e);
}

static int dashboard_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    struct map_dashboard d;
    (void)a;
    return map_dashboard(c, &d, e);
}

static int verify_once(const struct inv_ctx *c, struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct verify_report r;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(verify_books(tx, 0, a, &r, e));
    if (r.total) {
        DM_FAIL(e, DM_EINTERNAL, "%lld violations", (long long)r.total);
    }
    return DM_OK;
}

static const struct {
    const char *name;
    double limit_ms; /* issue 4; 0 = none */
    int (*run)(const struct inv_ctx *, struct dm_arena *, struct dm_err *);
    int runs; /* 0 = as asked for */
} things[] = {
    {"map summary per claro", 50, map_once, 0},
    {"current stock per claro", 50, stock_once, 0},
    {"month report", 500, month_once, 0},
    {"stock as of a date per claro", 300, at_once, 0},
    {"value by category and pot", 0, value_once, 0},
    {"daily counts of a year", 0, daily_once, 0},
    {"dashboard", 0, dashboard_once, 0},
    {"verify, 25 invariants", 0, verify_once, 1},
};

static int by_size(const void *x, const void *y)
{
    const double p = *(const double *)x;
    const double q = *(const double *)y;
    return (p > q) - (p < q);
}

static void one_engine(const struct db_kind *kind, const struct seed_params *p, int runs)
{
    struct dm_err e = {0};
    struct seed_result made;
    struct db *db = db_new(kind);
    dm_usec start = dm_now();
    assert_ok(seed_demo(db->store, p, &made, &e), &e);
    print_message("%-10s %lld plants, %lld claros, %lld movements seeded in %.1f s\n", db->engine,
                  (long long)made.plants, (long long)made.claros, (long long)made.movements,
                  dm_ms_since(start) / 1000);
    if (db->engine[0] == 'p') { /* the server does this on its own after a while */
        struct store_tx *tx = NULL;
        const struct store_query q = {"bench.analyze", "ANALYZE", "", "", true};
        assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
        assert_ok(store_exec(tx, &q, STORE_NO_ARGS, NULL, &e), &e);
        assert_ok(store_commit(&tx, &e), &e);
    }
    const struct inv_settings settings = inv_settings_default();
    const struct inv_ctx c = {.store = db->store,
                              .user_id = 1,
                              .role = INV_ADMIN,
                              .now_ms = UNTIL,
                              .settings = &settings};
    /* with more claros an answer may take as much longer as it is longer */
    const double size = DM_MAX((double)made.claros / 1290, 1.0);
    for (size_t i = 0; i < DM_COUNT(things); i++) {
        enum { RUNS_MAX = 1000 };
        double ms[RUNS_MAX];
        const int n = things[i].runs ? things[i].runs : DM_MIN(runs, RUNS_MAX);
        for (int k = 0; k < n; k++) {
            struct dm_arena a = {0};
            start = dm_now();
            assert_ok(things[i].run(&c, &a, &e), &e);
            ms[k] = dm_ms_since(start);
            dm_arena_clear(&a);
        }
        qsort(ms, (size_t)n, sizeof(*ms), by_size);
        print_message("  %-30s median %8.1f ms   worst %8.1f ms%s\n", things[i].name, ms[n / 2],
                      ms[n - 1],
                      things[i].limit_ms == 0                  ? ""
                      : ms[n / 2] <= things[i].limit_ms * size ? "   ok"
                                                               : "   TOO SLOW");
    }
    db_free(db);
}

static long long argument(char **argv, int argc, int index, long long otherwise)
{
    return argc > index ? strtoll(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    const struct seed_params p = {.plants = argument(argv, argc, 1, 600000),
                                  .claros = (int32_t)argument(argv, argc, 2, 0),
                                  .seed = 1,
                                  .until_ms = UNTIL};
    const int runs = (int)argument(argv, argc, 3, 21);
    one_engine(&db_sqlite, &p, runs);
    one_engine(&db_postgresql, &p, runs);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the books take to answer, on both engines: seeds a demo nursery into a fresh database
 * (tests/support/db.h) and prints medians. Called by tests/bench/books.
 *   books [PLANTS [CLAROS [RUNS [ENGINE]]]] */
#include <stdlib.h>

#include "base/clock.h"
#include "inventory/analytics.h"
#include "inventory/map.h"
#include "inventory/month.h"
#include "inventory/seed.h"
#include "inventory/session.h"
#include "inventory/verify.h"
#include "support/db.h"
#include "support/pg_server.h"

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

/* ---- a count ---- */

#define PLANTS 800
#define COUNTS 40

/* A photo of a claro, uploaded and about to be counted. */
static int64_t begin_photo(const struct inv_ctx *c, int64_t claro, int i)
{
    static const struct store_query add = {
        "bench.image",
        "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px, sha256,"
        " captured_at, captured_at_source, uploaded_by_user_id) VALUES (?1, 'image/jpeg', 1000,"
        " 4000, 3000, ?2, ?3, 'exif', ?4) RETURNING id",
        "utTi", "i", true};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    char uuid[STORE_UUID_SIZE];
    char sha[65];
    int64_t id = 0;
    struct session_new n = {.uuid = uuid, .location_id = claro, .source = SESSION_EXPLICIT};
    store_uuid_new(uuid);
    (void)snprintf(sha, sizeof sha, "%064x", 0xbeef0000u + (unsigned)i);
    assert_ok(store_begin(c->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(
        store_int(tx, &add,
                  STORE_ARGS(store_u(uuid), store_t(sha), store_at(c->now_ms), store_i(c->user_id)),
                  &n.image_id, &e),
        &e);
    assert_ok(store_commit(&tx, &e), &e);
    store_uuid_new(uuid);
    assert_ok(session_create(c, &n, &id, &e), &e);
    assert_ok(session_start(c, id, &e), &e);
    return id;
}

/* Milliseconds from the results of a photo to the posted count, 40 times on one claro; a few plants
 * are sold each time. */
static void count_plants(struct inv_ctx c, double ms[static COUNTS])
{
    static const struct store_query claro_of = {
        "bench.claro", "SELECT min(storage_location_id) FROM storage_location_configs WHERE active",
        "", "i", true};
    static struct session_detection d[PLANTS];
    struct inv_settings settings = *c.settings;
    struct store_tx *tx = NULL;
    struct dm_err e = {0};
    int64_t claro = 0;
    settings.hold_surplus_plants = PLANTS; /* the first count finds far more than the seed made */
    c.settings = &settings;
    assert_ok(store_begin(c.store, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &claro_of, STORE_NO_ARGS, &claro, &e), &e);
    store_rollback(tx);
    for (size_t i = 0; i < PLANTS; i++) {
        d[i] = (struct session_detection){.center_x_px = (double)(i % 40) * 90 + 45.5,
                                          .center_y_px = (double)(i / 40) * 90 + 45.25,
                                          .width_px = 80,
                                          .height_px = 80,
                                          .confidence = 0.9};
    }
    for (int i = 0; i < COUNTS; i++) {
        struct session_segment g[4];
        for (size_t k = 0; k < DM_COUNT(g); k++) {
            g[k] = (struct session_segment){.category = LEDGER_SEGMENT,
                                            .ordinal = (int32_t)k + 1,
                                            .polygon = "[[0,0],[9,0],[9,9]]",
                                            .x2 = 9,
                                            .y2 = 9,
                                            .confidence = 0.9,
                                            .detection = d + k * (PLANTS / 4),
                                            .n_detection = PLANTS / 4 - (k == 3 ? (size_t)i : 0)};
        }
        const struct session_results results = {.segment = g, .n_segment = DM_COUNT(g)};
        struct session_outcome out;
        c.now_ms += INT64_C(30) * 86400000;
        const int64_t id = begin_photo(&c, claro, i);
        const dm_usec start = dm_now();
        assert_ok(session_finish(&c, id, &results, &out, &e), &e);
        ms[i] = dm_ms_since(start);
        assert_int_equal(out.posting, SESSION_POSTED);
    }
}

static int by_size(const void *x, const void *y)
{
    const double p = *(const double *)x;
    const double q = *(const double *)y;
    return (p > q) - (p < q);
}

static void report(const char *name, double *ms, int n, double limit_ms)
{
    qsort(ms, (size_t)n, sizeof(*ms), by_size);
    print_message("  %-30s median %8.1f ms   fastest %8.1f ms   worst %8.1f ms%s\n", name,
                  ms[n / 2], ms[0], ms[n - 1],
                  limit_ms == 0           ? ""
                  : ms[n / 2] <= limit_ms ? "   ok"
                                          : "   TOO SLOW");
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
        report(things[i].name, ms, n, things[i].limit_ms * size);
    }
    double ms[COUNTS];
    count_plants(c, ms);
    report("count of 800 plants posted", ms, COUNTS, 20);
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
    const char *engine = argc > 4 ? argv[4] : "";
    pg_server_setting("shared_buffers=128MB"); /* PostgreSQL's own default; tests get less */
    for (size_t i = 0; i < 2; i++) {
        const struct db_kind *kind = i ? &db_postgresql : &db_sqlite;
        if (!engine[0] || !strcmp(engine, kind->engine)) {
            one_engine(kind, &p, runs);
        }
    }
    return 0;
}

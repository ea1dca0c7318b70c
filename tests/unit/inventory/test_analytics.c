/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports against a naive oracle: every movement of a demo nursery is read once, without any
 * grouping, and random questions are answered by walking over that list. A planted fault in the
 * list must be noticed. DEMETER_LONG_TESTS multiplies the questions by 20. */
#include "support/books.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/analytics.h"
#include "inventory/map.h"
#include "inventory/month.h"
#include "inventory/seed.h"

#define UNTIL INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */
#define DAY   INT64_C(86400000)

enum { DIMS = ANALYTICS_DIM_MAX_, KEY_MAX = 160 };

struct fact {
    int64_t quantity, at;
    char type[16], role[16], month[8]; /* accounting month of its reconciliation, "" = none */
    char dim[DIMS][24];                /* id as text; "" = null */
    int64_t price;
};

struct rig {
    struct db *db;
    struct dm_zone *zone;
    struct inv_settings settings;
    struct inv_ctx c;
    struct fact *fact;
    size_t n;
};

static const char facts_sql[] =
    "SELECT m.quantity, m.occurred_at, m.movement_type, m.role, COALESCE(x.accounting_month, ''),"
    " w.id, a.id, l.id, k.id, k.category, g.id, f.id, r.id, s.id, z.id, h.id, q.id, o.id, u.id,"
    " p.opening_session_id, p.opened_kind, CASE WHEN s.is_sellable AND k.category IN ('box',"
    " 'segment', 'pot') THEN 'yes' ELSE 'no' END, m.total_price_cents"
    " FROM stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id"
    " JOIN stock_periods p ON p.id = b.stock_period_id JOIN storage_bins k ON k.id ="
    " b.storage_bin_id JOIN storage_locations l ON l.id = k.storage_location_id"
    " JOIN storage_areas a ON a.id = l.storage_area_id JOIN warehouses w ON w.id = a.warehouse_id"
    " JOIN products r ON r.id = b.product_id JOIN product_families f ON f.id = r.product_family_id"
    " JOIN product_categories g ON g.id = f.product_category_id"
    " JOIN product_states s ON s.id = b.product_state_id"
    " LEFT JOIN product_sizes z ON z.id = b.product_size_id"
    " LEFT JOIN packaging_catalog q ON q.id = b.packaging_catalog_id"
    " LEFT JOIN packaging_types h ON h.id = q.packaging_type_id"
    " LEFT JOIN packaging_colors o ON o.id = q.packaging_color_id"
    " JOIN users u ON u.id = m.user_id LEFT JOIN reconciliations x ON x.id = m.reconciliation_id";

static void put(char ret[24], const struct store_value *v)
{
    if (v->null) {
        ret[0] = '\0';
    } else if (v->type == 'i') {
        (void)snprintf(ret, 24, "%lld", (long long)v->i);
    } else {
        (void)snprintf(ret, 24, "%s", v->t);
    }
}

static void add_days(struct rig *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct fact *f = &g->fact[i];
        struct dm_civil c = dm_zone_civil(g->zone, f->at);
        char day[DM_DATE_SIZE];
        dm_zone_date(g->zone, f->at, day);
        (void)snprintf(f->dim[ANALYTICS_DAY], 24, "%s", day);
        (void)snprintf(f->dim[ANALYTICS_MONTH], 24, "%.7s", day);
        c.hour = 12;
        while (((dm_zone_instant(NULL, &c) / DAY) + 3) % 7 != 0) { /* 1970-01-01 was a Thursday */
            c.day--;
        }
        dm_zone_date(NULL, dm_zone_instant(NULL, &c), day);
        (void)snprintf(f->dim[ANALYTICS_WEEK], 24, "%s", day);
    }
}

static void read_facts(struct rig *g)
{
    static const enum analytics_dim order[] = {
        ANALYTICS_WAREHOUSE,    ANALYTICS_AREA,     ANALYTICS_CLARO,          ANALYTICS_BIN,
        ANALYTICS_BIN_CATEGORY, ANALYTICS_CATEGORY, ANALYTICS_FAMILY,         ANALYTICS_PRODUCT,
        ANALYTICS_STATE,        ANALYTICS_SIZE,     ANALYTICS_PACKAGING_TYPE, ANALYTICS_PACKAGING,
        ANALYTICS_COLOUR,       ANALYTICS_USER,     ANALYTICS_SESSION,        ANALYTICS_INPUT,
        ANALYTICS_SELLABLE};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    struct store_table rows;
    const struct store_query q = {"tests.facts", facts_sql, "", "iTtttiiiitiiiiiiiiiitti", true};
    assert_ok(store_begin(g->db->store, STORE_READ, &tx, &e), &e);
    assert_ok(store_all(tx, &q, STORE_NO_ARGS, &a, &rows, &e), &e);
    g->n = rows.n;
    g->fact = calloc(g->n, sizeof(*g->fact));
    assert_non_null(g->fact);
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct fact *f = &g->fact[i];
        f->quantity = v[0].i;
        f->at = v[1].i;
        (void)snprintf(f->type, sizeof(f->type), "%s", v[2].t);
        (void)snprintf(f->role, sizeof(f->role), "%s", v[3].t);
        (void)snprintf(f->month, sizeof(f->month), "%s", v[4].t);
        (void)snprintf(f->dim[ANALYTICS_MOVEMENT_TYPE], 24, "%s", v[2].t);
        for (size_t k = 0; k < DM_COUNT(order); k++) {
            put(f->dim[order[k]], &v[5 + k]);
        }
        f->price = v[22].null ? 0 : v[22].i;
    }
    store_rollback(tx);
    add_days(g);
}

static void rig_begin(struct rig *g, struct db *db, const char *zone)
{
    struct dm_err e = {0};
    struct seed_result made;
    const struct seed_params p = {
        .plants = 20000, .seed = 3, .claros = 60, .months = 6, .until_ms = UNTIL};
    *g = (struct rig){.db = db};
    assert_ok(dm_zone_load(zone, &g->zone, &e), &e);
    assert_ok(seed_demo(db->store, &p, &made, &e), &e);
    g->c = books_ctx(db->store, &g->settings);
    g->c.zone = g->zone;
    g->c.now_ms = UNTIL;
    read_facts(g);
}

static void rig_end(struct rig *g)
{
    free(g->fact);
    dm_zone_free(g->zone);
}

/* ---- the naive answer --------------------------------------------------------------------- */

struct answer {
    char key[KEY_MAX];
    int64_t v[4];
};

static bool passes(const struct fact *f, const struct analytics_ask *ask)
{
    for (size_t i = 0; i < ask->n_filter; i++) {
        const struct analytics_filter *x = &ask->filter[i];
        bool found = false;
        for (size_t k = 0; k < x->n; k++) {
            char id[24];
            if (x->id) {
                (void)snprintf(id, sizeof(id), "%lld", (long long)x->id[k]);
            }
            found = found || !strcmp(f->dim[x->dim], x->id ? id : x->text[k]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static void key_of(const struct fact *f, const struct analytics_ask *ask, char ret[KEY_MAX])
{
    ret[0] = '\0';
    for (size_t i = 0; i < ask->n_group; i++) {
        const size_t at = strlen(ret);
        (void)snprintf(ret + at, KEY_MAX - at, "%s|", f->dim[ask->group[i]]);
    }
}

static size_t naive(const struct rig *g, const struct analytics_ask *ask, struct answer *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct fact *f = &g->fact[i];
        const bool counted = !strcmp(f->role, "opening") || !strcmp(f->role, "closing");
        const bool in_range = ask->kind == ANALYTICS_MOVEMENTS
                                  ? f->at >= ask->from_ms && f->at < ask->to_ms
                                  : ask->kind == ANALYTICS_STOCK || f->at <= ask->at_ms;
        char key[KEY_MAX];
        if (!in_range || !passes(f, ask)) {
            continue;
        }
        key_of(f, ask, key);
        size_t k = 0;
        while (k < n && strcmp(out[k].key, key) != 0) {
            k++;
        }
        if (k == n) {
            out[n] = (struct answer){0};
            memcpy(out[n++].key, key, sizeof(key));
        }
        if (ask->kind != ANALYTICS_MOVEMENTS) {
            out[k].v[0] += f->quantity;
        } else {
            out[k].v[0] += !counted && f->quantity > 0 ? f->quantity : 0;
            out[k].v[1] -= !counted && f->quantity < 0 ? f->quantity : 0;
            out[k].v[2] += counted ? 0 : f->quantity;
            out[k].v[3] += !strcmp(f->type, "muerte") ? f->quantity : 0;
        }
    }
    return n;
}

/* ---- comparison --------------------------------------------------------------------------- */

static bool has_label(enum analytics_dim d)
{
    return d != ANALYTICS_BIN_CATEGORY && d != ANALYTICS_MOVEMENT_TYPE && d != ANALYTICS_INPUT &&
           d != ANALYTICS_SELLABLE && d < ANALYTICS_DAY;
}

static void sheet_key(const struct sheet *s, size_t row, const struct analytics_ask *ask,
                      char ret[KEY_MAX])
{
    const struct sheet_cell *v = s->cell + row * s->n_columns;
    ret[0] = '\0';
    for (size_t i = 0; i < ask->n_group; i++) {
        const size_t at = strlen(ret);
        if (v->null) {
            (void)snprintf(ret + at, KEY_MAX - at, "|");
        } else if (has_label(ask->group[i])) {
            (void)snprintf(ret + at, KEY_MAX - at, "%lld|", (long long)v->i);
        } else {
            (void)snprintf(ret + at, KEY_MAX - at, "%s|", v->t);
        }
        v += has_label(ask->group[i]) ? 2 : 1;
    }
}

static int64_t cell(const struct sheet *s, const struct sheet_cell *row, const char *name)
{
    const int k = sheet_find(s, name);
    assert_true(k >= 0);
    return row[k].null ? 0 : row[k].i;
}

static const char *const names[4] = {"quantity_in", "quantity_out", "net", "muerte"};

/* Whether the sheet says what the naive answer says; groups with nothing may be missing. */
static bool agree(const struct sheet *s, const struct analytics_ask *ask, const struct answer *want,
                  size_t n)
{
    const size_t figures = ask->kind == ANALYTICS_MOVEMENTS ? 4 : 1;
    int64_t sum[4] = {0};
    size_t matched = 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = 0;
        char key[KEY_MAX];
        for (; row < s->n_rows; row++) {
            sheet_key(s, row, ask, key);
            if (!strcmp(key, want[i].key)) {
                break;
            }
        }
        matched += row < s->n_rows;
        for (size_t k = 0; k < figures; k++) {
            const char *name = figures == 1 ? "plants" : names[k];
            const int64_t got = row < s->n_rows ? cell(s, s->cell + row * s->n_columns, name) : 0;
            sum[k] += want[i].v[k];
            if (got != want[i].v[k]) {
                return false;
            }
        }
    }
    for (size_t k = 0; k < figures; k++) {
        if (cell(s, s->total, figures == 1 ? "plants" : names[k]) != sum[k]) {
            return false;
        }
    }
    return matched == s->n_rows || (ask->n_group == 0 && n == 0);
}

/* ---- random questions --------------------------------------------------------------------- */

struct question {
    struct analytics_ask ask;
    int64_t id[2][3];
    char text[2][3][24];
    const char *texts[2][3];
};

static enum analytics_dim some_dim(struct test_rng *r, bool rows)
{
    for (;;) {
        const enum analytics_dim d = (enum analytics_dim)test_rng_below(r, DIMS);
        const bool needs =
            d == ANALYTICS_MOVEMENT_TYPE || d == ANALYTICS_USER || d >= ANALYTICS_DAY;
        if (rows || !needs) {
            return d;
        }
    }
}

static void some_filter(struct test_rng *r, const struct rig *g, struct question *q, size_t i,
                        bool rows)
{
    struct analytics_filter *f = &q->ask.filter[i];
    f->dim = some_dim(r, rows);
    f->n = 1 + test_rng_below(r, 3);
    const bool number = has_label(f->dim);
    for (size_t k = 0; k < f->n; k++) {
        const struct fact *from = &g->fact[test_rng_below(r, (uint32_t)g->n)];
        q->id[i][k] = strtoll(from->dim[f->dim], NULL, 10);
        if (!from->dim[f->dim][0]) {
            q->id[i][k] = -1; /* of nothing: lets nothing through */
        }
        (void)snprintf(q->text[i][k], 24, "%s", from->dim[f->dim]);
        q->texts[i][k] = q->text[i][k];
    }
    *f = (struct analytics_filter){.dim = f->dim,
                                   .id = number ? q->id[i] : NULL,
                                   .text = number ? NULL : q->texts[i],
                                   .n = f->n};
}

static void some_question(struct test_rng *r, const struct rig *g, struct question *q)
{
    static const enum analytics_kind kinds[] = {ANALYTICS_STOCK, ANALYTICS_STOCK_AT,
                                                ANALYTICS_MOVEMENTS};
    *q = (struct question){.ask.kind = kinds[test_rng_below(r, 3)]};
    const bool rows = q->ask.kind == ANALYTICS_MOVEMENTS;
    const int64_t first = UNTIL - 230 * DAY;
    q->ask.at_ms =
        first + (int64_t)test_rng_below(r, 231) * DAY + (int64_t)test_rng_below(r, 86400000);
    q->ask.from_ms = first + (int64_t)test_rng_below(r, 200) * DAY;
    q->ask.to_ms = q->ask.from_ms + DAY + (int64_t)test_rng_below(r, 150) * DAY;
    if (test_rng_below(r, 4) == 0) { /* an instant at which something happened */
        q->ask.at_ms = g->fact[test_rng_below(r, (uint32_t)g->n)].at;
    }
    while (q->ask.n_group < test_rng_below(r, 4)) {
        const enum analytics_dim d = some_dim(r, rows);
        bool twice = false;
        for (size_t i = 0; i < q->ask.n_group; i++) {
            twice = twice || q->ask.group[i] == d;
        }
        if (!twice) {
            q->ask.group[q->ask.n_group++] = d;
        }
    }
    q->ask.n_filter = test_rng_below(r, 3);
    for (size_t i = 0; i < q->ask.n_filter; i++) {
        some_filter(r, g, q, i, rows);
    }
}

static bool ask_and_compare(struct rig *g, const struct question *q)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct sheet *s;
    struct answer *want = calloc(g->n + 1, sizeof(*want));
    assert_non_null(want);
    const size_t n = naive(g, &q->ask, want);
    assert_ok(analytics_run(&g->c, &q->ask, &a, &s, &e), &e);
    const bool same = agree(s, &q->ask, want, n);
    free(want);
    return same;
}

static void random_questions_have_naive_answers(void **state)
{
    struct rig g;
    struct test_rng r = {.s = 20260111};
    const int times = getenv("DEMETER_LONG_TESTS") ? 2400 : 120;
    rig_begin(&g, *state, "America/Santiago"); /* its clocks changed in the demo's half year */
    for (int i = 0; i < times; i++) {
        struct question q;
        some_question(&r, &g, &q);
        if (!ask_and_compare(&g, &q)) {
            fail_msg("question %d: kind %s, %zu groups (first %s), %zu filters", i,
                     analytics_kind_names[q.ask.kind], q.ask.n_group,
                     q.ask.n_group ? analytics_dim_name(q.ask.group[0]) : "-", q.ask.n_filter);
        }
    }
    rig_end(&g);
}

static void a_planted_fault_is_noticed(void **state)
{
    struct rig g;
    rig_begin(&g, *state, "UTC");
    struct question q = {.ask = {.kind = ANALYTICS_STOCK,
                                 .group = {ANALYTICS_PRODUCT, ANALYTICS_SIZE},
                                 .n_group = 2}};
    assert_true(ask_and_compare(&g, &q));
    g.fact[g.n / 2].quantity++;
    assert_false(ask_and_compare(&g, &q));
    g.fact[g.n / 2].quantity--;
    (void)snprintf(g.fact[0].dim[ANALYTICS_PRODUCT], 24, "7777");
    assert_false(ask_and_compare(&g, &q));
    rig_end(&g);
}

/* ---- the other reports -------------------------------------------------------------------- */

static void days_add_up(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct rig g;
    struct dm_err e = {0};
    struct sheet *s;
    rig_begin(&g, *state, "America/Santiago");
    const struct analytics_ask ask = {0};
    assert_ok(analytics_daily(&g.c, &ask, "2025-08-01", "2025-12-31", &a, &s, &e), &e);
    assert_int_equal(s->n_rows, 31 + 30 + 31 + 30 + 31);
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sheet_cell *row = s->cell + i * s->n_columns;
        int64_t want[3] = {0};
        for (size_t k = 0; k < g.n; k++) {
            const struct fact *f = &g.fact[k];
            const bool count = !strcmp(f->role, "opening") || !strcmp(f->role, "closing");
            const int day = strcmp(f->dim[ANALYTICS_DAY], row[0].t);
            want[0] += day <= 0 ? f->quantity : 0;
            want[1] += day == 0 && !count && f->quantity > 0 ? f->quantity : 0;
            want[2] -= day == 0 && !count && f->quantity < 0 ? f->quantity : 0;
        }
        assert_int_equal(row[1].i, want[0]);
        assert_int_equal(row[2].i, want[1]);
        assert_int_equal(row[3].i, want[2]);
        assert_int_equal(row[4].i, want[1] - want[2]);
    }
    rig_end(&g);
}

/* Month a fact belongs to: of its reconciliation, else of its day. */
static const char *month_of(const struct fact *f)
{
    return f->month[0] ? f->month : f->dim[ANALYTICS_MONTH];
}

static const struct month_line *line_of(const struct month_report *r, int64_t product, int64_t pot)
{
    for (size_t i = 0; i < r->n_line; i++) {
        if (r->line[i].product_id == product && r->line[i].packaging_id == pot) {
            return &r->line[i];
        }
    }
    return NULL;
}

/* Claros without a count from the 6th of the month to the 5th of the next, UTC-3. */
static int64_t uncounted(const struct rig *g, int month)
{
    char sql[512];
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    (void)snprintf(sql, sizeof(sql),
                   "SELECT COUNT(*) FROM storage_locations WHERE id NOT IN (SELECT"
                   " storage_location_id FROM stock_periods WHERE opened_at >="
                   " '2025-%02d-06T03:00:00.000Z' AND opened_at < '%d-%02d-06T03:00:00.000Z')",
                   month, month < 12 ? 2025 : 2026, month % 12 + 1);
    assert_ok(store_begin(g->db->store, STORE_READ, &tx, &e), &e);
    const int64_t n = books_int(tx, sql);
    store_rollback(tx);
    return n;
}

static void months_close_where_the_next_begins(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct rig g;
    struct dm_err e = {0};
    struct month_report last = {0};
    rig_begin(&g, *state, "America/Argentina/Mendoza");
    for (int month = 6; month <= 12; month++) {
        struct month_report r;
        int64_t closing = 0;
        int64_t calculated = 0;
        char name[16];
        (void)snprintf(name, sizeof(name), "2025-%02d", month);
        assert_ok(month_report(&g.c, &(struct month_ask){.year = 2025, .month = month}, &a, &r, &e),
                  &e);
        for (size_t i = 0; i < g.n; i++) {
            const struct fact *f = &g.fact[i];
            closing += strcmp(month_of(f), name) <= 0 ? f->quantity : 0;
            calculated -= !strcmp(f->month, name) && !strcmp(f->type, "ventas") ? f->quantity : 0;
        }
        assert_int_equal(r.total.closing, closing);
        assert_int_equal(r.total.sales_calculated, calculated);
        assert_int_equal(r.total.closing, month_balance(&r.total));
        for (size_t i = 0; i < r.n_line; i++) {
            const struct month_line *l = &r.line[i];
            const struct month_line *before = line_of(&last, l->product_id, l->packaging_id);
            assert_int_equal(l->s.opening, before ? before->s.closing : 0);
            assert_int_equal(l->s.closing, month_balance(&l->s));
        }
        assert_int_equal(r.total.opening, last.total.closing);
        assert_int_equal(r.n_uncounted, uncounted(&g, month));
        last = r;
    }
    assert_true(last.total.closing > 0);
    assert_int_equal(
        month_report(&g.c, &(struct month_ask){.year = 2019, .month = 1}, &a, &last, NULL),
        INV_VALIDATION);
    assert_int_equal(
        month_report(&g.c, &(struct month_ask){.year = 2025, .month = 13}, &a, &last, NULL),
        INV_VALIDATION);
    rig_end(&g);
}

static void the_map_agrees_with_the_reports(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct rig g;
    struct dm_err e = {0};
    const struct map_claro *claro;
    size_t n;
    struct sheet *s;
    struct sheet *history;
    int64_t total;
    rig_begin(&g, *state, "America/Argentina/Mendoza");
    assert_ok(map_claros(&g.c, 0, false, &a, &claro, &n, &e), &e);
    assert_int_equal(n, 60);
    struct analytics_ask ask = {.kind = ANALYTICS_VALUE,
                                .group = {ANALYTICS_CLARO},
                                .n_group = 1,
                                .sort = "claro_name",
                                .ascending = true};
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    assert_int_equal(s->n_rows, n);
    int64_t plants = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sheet_cell *row = s->cell + i * s->n_columns;
        assert_string_equal(row[1].t, claro[i].code);
        assert_int_equal(cell(s, row, "plants"), claro[i].plants);
        assert_int_equal(cell(s, row, "pots"), claro[i].pots);
        assert_int_equal(cell(s, row, "wholesale_value"), claro[i].value_cents);
        assert_int_equal(cell(s, row, "potential_value"), claro[i].potential_cents);
        assert_int_equal(cell(s, row, "unpriced_plants"), claro[i].unpriced_plants);
        plants += claro[i].plants;
        assert_ok(map_history(&g.c, claro[i].id, 1, 100, &a, &history, &total, &e), &e);
        assert_int_equal(total, history->n_rows);
        assert_int_equal(cell(history, history->cell, "closing"), claro[i].plants);
        for (size_t k = 0; k < history->n_rows; k++) {
            const struct sheet_cell *h = history->cell + k * history->n_columns;
            assert_int_equal(
                cell(history, h, "opening") + cell(history, h, "planted") +
                    cell(history, h, "transfer_in") - cell(history, h, "transfer_out") -
                    cell(history, h, "deaths") - cell(history, h, "sales_logged") -
                    cell(history, h, "sales_calculated") + cell(history, h, "adjustments"),
                cell(history, h, "closing"));
        }
    }
    assert_int_equal(plants, 20000);
    struct map_dashboard d;
    assert_ok(map_dashboard(&g.c, &d, &e), &e);
    assert_int_equal(d.plants, 20000);
    assert_true(d.value_cents > 0 && d.sales_previous_month > 0);
    /* workers see no money */
    g.c.role = INV_WORKER;
    assert_ok(map_claros(&g.c, 0, false, &a, &claro, &n, &e), &e);
    assert_int_equal(claro[0].value_cents, 0);
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    assert_int_equal(sheet_find(s, "wholesale_value"), -1);
    assert_true(sheet_find(s, "unpriced_plants") > 0);
    rig_end(&g);
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(got - want <= tolerance && want - got <= tolerance)) {
        fail_msg("%.12g, not %.12g", got, want);
    }
}

static void derived_figures(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct rig g;
    struct dm_err e = {0};
    struct sheet *s;
    rig_begin(&g, *state, "UTC");
    struct analytics_ask ask = {.kind = ANALYTICS_MORTALITY,
                                .from_ms = UNTIL - 90 * DAY,
                                .to_ms = UNTIL,
                                .group = {ANALYTICS_BIN_CATEGORY},
                                .n_group = 1};
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    const double pct = s->total[sheet_find(s, "mortality_pct")].r;
    const double deaths = (double)cell(s, s->total, "deaths");
    const double base = (double)(cell(s, s->total, "stock_at_start") + cell(s, s->total, "inflow"));
    assert_true(deaths > 0 && pct > 0 && pct < 20);
    assert_near(pct, 100 * deaths / base, 1e-9);
    ask.kind = ANALYTICS_OCCUPANCY;
    ask.group[0] = ANALYTICS_WAREHOUSE;
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    assert_true(s->total[sheet_find(s, "occupancy_pct")].r > 0);
    ask.kind = ANALYTICS_DENSITY;
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    const double area = s->total[sheet_find(s, "area_m2")].r;
    assert_near(s->total[sheet_find(s, "plants_per_m2")].r, 20000 / area, 1e-6);
    ask.kind = ANALYTICS_EMPTIES;
    ask.group[0] = ANALYTICS_CLARO;
    ask.min_ratio = 0.01;
    assert_ok(analytics_run(&g.c, &ask, &a, &s, &e), &e);
    for (size_t i = 0; i < s->n_rows; i++) {
        assert_true(s->cell[i * s->n_columns + (size_t)sheet_find(s, "empty_pct")].r >= 1 - 1e-6);
    }
    struct analytics_ask two = ask;
    ask.kind = two.kind = ANALYTICS_STOCK_AT;
    ask.at_ms = UNTIL - 60 * DAY;
    two.at_ms = UNTIL;
    assert_ok(analytics_compare(&g.c, &ask, &two, &a, &s, &e), &e);
    double b = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sheet_cell *row = s->cell + i * s->n_columns;
        b += row[3].r;
        assert_near(row[4].r, row[3].r - row[2].r, 1e-9);
    }
    assert_near(b, 20000, 1e-6);
    rig_end(&g);
}

static void bad_questions_are_refused(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct inv_settings settings;
    struct db *db = *state;
    struct sheet *s;
    struct inv_ctx c = books_ctx(db->store, &settings);
    static const struct analytics_ask bad[] = {
        {.kind = ANALYTICS_STOCK, .group = {ANALYTICS_DAY}, .n_group = 1},
        {.kind = ANALYTICS_STOCK, .group = {ANALYTICS_CLARO, ANALYTICS_CLARO}, .n_group = 2},
        {.kind = ANALYTICS_STOCK, .sort = "price"},
        {.kind = ANALYTICS_MOVEMENTS, .from_ms = 10, .to_ms = 10},
        {.kind = ANALYTICS_OCCUPANCY, .group = {ANALYTICS_PRODUCT}, .n_group = 1},
        {.kind = ANALYTICS_STOCK, .n_group = 4},
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_int_equal(analytics_run(&c, &bad[i], &a, &s, NULL), INV_VALIDATION);
    }
    assert_int_equal(analytics_daily(&c, &bad[0], "2025-02-01", "2025-01-31", &a, &s, NULL),
                     INV_VALIDATION);
    c.user_id = 0;
    assert_int_equal(analytics_run(&c, &bad[0], &a, &s, NULL), INV_UNAUTHENTICATED);
    for (int d = 0; d < ANALYTICS_DIM_MAX_; d++) {
        assert_int_equal(analytics_dim_parse(analytics_dim_name((enum analytics_dim)d)), d);
    }
    assert_int_equal(analytics_dim_parse("location"), ANALYTICS_CLARO);
    assert_int_equal(analytics_dim_parse("nothing"), ANALYTICS_DIM_MAX_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(random_questions_have_naive_answers),
        DB_TEST(a_planted_fault_is_noticed),
        DB_TEST(days_add_up),
        DB_TEST(months_close_where_the_next_begins),
        DB_TEST(the_map_agrees_with_the_reports),
        DB_TEST(derived_figures),
        DB_TEST(bad_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

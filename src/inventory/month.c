/* SPDX-License-Identifier: Apache-2.0
 *
 * The month report: the stock at the month's first instant, corrected by what early counts booked
 * into the month before, and one pass over the movements of the month. */
#include "inventory/month.h"

#include <string.h>

#include "inventory/analytics_priv.h"

/* Of a claro or a nave; the tables of places are not looked at when all are meant. */
#define PLACED                                                                                     \
    " AND ((?1 IS NULL AND ?2 IS NULL) OR b.storage_bin_id IN (SELECT k.id FROM storage_bins k"    \
    " JOIN storage_locations l ON l.id = k.storage_location_id"                                    \
    " JOIN storage_areas a ON a.id = l.storage_area_id WHERE TRUE" IN_PLACE "))"
#define IN_PLACE " AND (?1 IS NULL OR a.warehouse_id = ?1) AND (?2 IS NULL OR l.id = ?2)"
/* A leg that gives plants, or the undoing of one that received them. */
#define RECEIVES "(m.quantity > 0) = (m.reverses_movement_id IS NULL)"
#define TYPE(t)  "m.movement_type = '" t "'"
#define FOUND    "m.reconciliation_id IS NOT NULL"

// clang-format off
#define FIGURES(X)                                                                                 \
    X("counted", TYPE("foto") " OR " TYPE("manual_init") " OR (" TYPE("ajuste")                    \
      " AND m.role = 'correction' AND NOT " FOUND ")", "m.quantity")                               \
    X("planted", TYPE("plantar") " OR " TYPE("sembrar"), "m.quantity")                             \
    X("transfer_in", TYPE("transplante") " AND " RECEIVES, "m.quantity")                           \
    X("transfer_out", TYPE("transplante") " AND NOT " RECEIVES, "-m.quantity")                     \
    X("deaths", TYPE("muerte"), "-m.quantity")                                                     \
    X("sales_logged", TYPE("ventas") " AND NOT " FOUND, "-m.quantity")                             \
    X("sales_calculated", TYPE("ventas") " AND " FOUND, "-m.quantity")                             \
    X("losses", TYPE("ajuste") " AND " FOUND " AND m.quantity < 0", "-m.quantity")                 \
    X("surplus", TYPE("ajuste") " AND " FOUND " AND m.quantity > 0", "m.quantity")                 \
    X("adjustments", TYPE("ajuste") " AND NOT " FOUND " AND m.role <> 'correction'", "m.quantity")
// clang-format on
#define OF_BATCH(name, condition, value)                                                           \
    ", SUM(CASE WHEN " condition " THEN " value " ELSE 0 END) AS " name
#define OF_LINE(name, condition, value) ", CAST(SUM(q." name ") AS {int})"

enum { OPENING, EARLY, ROWS, NAMES, POTS, FLAGS, STATUSES, UNCOUNTED };

static const struct store_query queries[] = {
    [OPENING] = {"month.opening",
                 "SELECT b.product_id, b.packaging_catalog_id, CAST(COALESCE(SUM((SELECT"
                 " SUM(m.quantity) FROM stock_movements m WHERE m.stock_batch_id = b.id AND"
                 " m.occurred_at < ?3)), 0) AS {int}) FROM stock_batches b"
                 " WHERE b.stock_period_id IN (SELECT p.id FROM stock_periods p WHERE"
                 " p.opened_at < ?3 AND (p.closed_at IS NULL OR p.closed_at >= ?3))" PLACED
                 " GROUP BY b.product_id, b.packaging_catalog_id",
                 "iiT", "iii", false},
    [EARLY] = {"month.early",
               "SELECT b.product_id, b.packaging_catalog_id, CAST(SUM(m.quantity) AS {int})"
               " FROM stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id"
               " WHERE m.occurred_at >= ?3 AND m.occurred_at < ?4 AND m.reconciliation_id IS NOT"
               " NULL AND (SELECT r.accounting_month FROM reconciliations r WHERE r.id ="
               " m.reconciliation_id) < ?5" PLACED " GROUP BY b.product_id, b.packaging_catalog_id",
               "iiTTt", "iii", false},
    /* sums of each batch first: batches are then read in their order, each once */
    [ROWS] =
        {"month.rows",
         "SELECT b.product_id, b.packaging_catalog_id" FIGURES(
             OF_LINE) " FROM (SELECT m.stock_batch_id" FIGURES(OF_BATCH) " FROM stock_movements m "
                                                                         "LEFT JOIN "
                                                                         "reconciliations r ON "
                                                                         "r.id = "
                                                                         "m.reconciliation_id"
                                                                         " WHERE m.occurred_at >= "
                                                                         "?3 AND m.occurred_at < "
                                                                         "?5 AND CASE WHEN "
                                                                         "m.reconciliation_id"
                                                                         " IS NULL THEN "
                                                                         "m.occurred_at < ?4 ELSE "
                                                                         "r.accounting_month = ?6 "
                                                                         "END"
                                                                         " GROUP BY "
                                                                         "m.stock_batch_id) q JOIN "
                                                                         "stock_batches b ON b.id "
                                                                         "= q.stock_batch_id"
                                                                         " WHERE TRUE" PLACED
                                                                         " GROUP BY b.product_id, "
                                                                         "b.packaging_catalog_id",
         "iiTTTt", "iiiiiiiiiiii", false},
    [NAMES] = {"month.names",
               "SELECT id, sku, common_name FROM products WHERE id IN {ids:?1} ORDER BY id", "j",
               "itt", false},
    [POTS] = {"month.pots",
              "SELECT id, sku FROM packaging_catalog WHERE id IN {ids:?1} ORDER BY id", "j", "it",
              false},
    [FLAGS] = {"month.flags",
               "SELECT r.flags FROM reconciliations r"
               " JOIN storage_locations l ON l.id = r.storage_location_id"
               " JOIN storage_areas a ON a.id = l.storage_area_id"
               " WHERE r.accounting_month = ?3 AND r.status <> 'void'" IN_PLACE,
               "iit", "j", false},
    [STATUSES] = {"month.statuses",
                  "SELECT r.status, COUNT(*) FROM reconciliations r"
                  " JOIN storage_locations l ON l.id = r.storage_location_id"
                  " JOIN storage_areas a ON a.id = l.storage_area_id"
                  " WHERE r.accounting_month = ?3" IN_PLACE " GROUP BY r.status",
                  "iit", "ti", false},
    [UNCOUNTED] =
        {"month.uncounted",
         "SELECT l.id, l.code, (SELECT p.opened_at FROM stock_periods p WHERE"
         " p.storage_location_id = l.id AND p.opened_kind <> 'implicit' ORDER BY p.seq DESC"
         " LIMIT 1)"
         " FROM storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id"
         " WHERE l.active" IN_PLACE
         " AND NOT EXISTS (SELECT 1 FROM stock_periods p WHERE p.storage_location_id ="
         " l.id AND p.opened_kind <> 'implicit' AND p.opened_at >= ?3 AND p.opened_at <"
         " ?4) AND l.id IN (SELECT storage_location_id FROM storage_location_configs"
         " WHERE active UNION SELECT storage_location_id FROM stock_periods WHERE status ="
         " 'open') ORDER BY l.code",
         "iiTT", "itT", false},
};
STORE_QUERIES(month_queries, queries);

struct work {
    struct store_tx *tx;
    const struct inv_ctx *c;
    struct dm_arena *a;
    struct month_report *r;
    struct month_line *line; /* sorted by (product, packaging) while figures are added */
    size_t n, capacity;
    char month[16];
};

static int64_t id_or_0(const struct store_value *v)
{
    return v->null ? 0 : v->i;
}

static int compare_keys(int64_t p1, int64_t q1, int64_t p2, int64_t q2)
{
    return p1 != p2 ? (p1 > p2) - (p1 < p2) : (q1 > q2) - (q1 < q2);
}

/* The line of a key, made when it is missing. Kept sorted: some hundred lines, found by halving. */
static struct month_line *line_of(struct work *w, int64_t product, int64_t packaging)
{
    size_t low = 0;
    size_t high = w->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const struct month_line *l = &w->line[mid];
        const int order = compare_keys(l->product_id, l->packaging_id, product, packaging);
        if (order == 0) {
            return &w->line[mid];
        }
        *(order < 0 ? &low : &high) = order < 0 ? mid + 1 : mid;
    }
    if (w->n == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 128;
        struct month_line *line = dm_arena_calloc(w->a, capacity, sizeof(*line));
        if (!line) {
            return NULL;
        }
        if (w->n) {
            memcpy(line, w->line, w->n * sizeof(*line));
        }
        w->line = line;
        w->capacity = capacity;
    }
    memmove(w->line + low + 1, w->line + low, (w->n - low) * sizeof(*w->line));
    w->line[low] = (struct month_line){.product_id = product, .packaging_id = packaging};
    w->n++;
    return &w->line[low];
}

static struct store_value opt_id(int64_t id)
{
    return store_ref(id);
}

static int add_opening(struct work *w, const struct store_query *q, struct store_args args,
                       struct dm_err *e)
{
    struct store_table rows = {0};
    DM_TRY(store_all(w->tx, q, args, w->a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        struct month_line *l = line_of(w, row[0].i, id_or_0(&row[1]));
        if (!l) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the month report");
        }
        l->s.opening += row[2].i;
    }
    return DM_OK;
}

static int add_rows(struct work *w, struct store_args args, struct dm_err *e)
{
    struct store_table rows = {0};
    DM_TRY(store_all(w->tx, &queries[ROWS], args, w->a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct month_line *l = line_of(w, v[0].i, id_or_0(&v[1]));
        if (!l) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the month report");
        }
        struct month_sums *s = &l->s;
        s->counted = v[2].i;
        s->planted = v[3].i;
        s->transfer_in = v[4].i;
        s->transfer_out = v[5].i;
        s->deaths = v[6].i;
        s->sales_logged = v[7].i;
        s->sales_calculated = v[8].i;
        s->losses = v[9].i;
        s->surplus = v[10].i;
        s->adjustments = v[11].i;
    }
    return DM_OK;
}

int64_t month_balance(const struct month_sums *s)
{
    return s->opening + s->counted + s->planted + s->transfer_in - s->transfer_out - s->deaths -
           s->sales_logged - s->sales_calculated - s->losses + s->surplus + s->adjustments;
}

static void add_sums(struct month_sums *to, const struct month_sums *s)
{
    to->opening += s->opening;
    to->counted += s->counted;
    to->planted += s->planted;
    to->transfer_in += s->transfer_in;
    to->transfer_out += s->transfer_out;
    to->deaths += s->deaths;
    to->sales_logged += s->sales_logged;
    to->sales_calculated += s->sales_calculated;
    to->losses += s->losses;
    to->surplus += s->surplus;
    to->adjustments += s->adjustments;
    to->closing += s->closing;
}

/* Ids of the lines, as a JSON array in the arena; NULL when out of memory. */
static const char *id_list(const struct work *w, bool of_pots)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init((size_t)4 << 20);
    dm_buf_putc(&b, '[');
    for (size_t i = 0; i < w->n; i++) {
        dm_buf_printf(&b, "%s%lld", i ? "," : "",
                      (long long)(of_pots ? w->line[i].packaging_id : w->line[i].product_id));
    }
    dm_buf_putc(&b, ']');
    return dm_buf_ok(&b, NULL) < 0 ? NULL : dm_arena_strdup(w->a, dm_buf_str(&b));
}

/* Row of an id in a table sorted by it. */
static const struct store_value *row_of(const struct store_table *t, int64_t id)
{
    size_t low = 0;
    size_t high = t->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const struct store_value *v = store_row(t, mid);
        if (v[0].i == id) {
            return v;
        }
        *(v[0].i < id ? &low : &high) = v[0].i < id ? mid + 1 : mid;
    }
    return NULL;
}

static int by_sku(const void *x, const void *y)
{
    const struct month_line *p = x;
    const struct month_line *q = y;
    const int order = strcmp(p->product_sku, q->product_sku);
    if (order) {
        return order;
    }
    if (!p->packaging_sku || !q->packaging_sku) {
        return (p->packaging_sku != NULL) - (q->packaging_sku != NULL);
    }
    return strcmp(p->packaging_sku, q->packaging_sku);
}

/* Lines with their names, in the order of these; those in which nothing stood and nothing moved are
 * left out. */
static int name_lines(struct work *w, struct dm_err *e)
{
    const struct month_sums none = {0};
    struct store_table products = {0};
    struct store_table pots = {0};
    const char *product_ids = id_list(w, false);
    const char *pot_ids = id_list(w, true);
    if (!product_ids || !pot_ids) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the month report");
    }
    DM_TRY(store_all(w->tx, &queries[NAMES], STORE_ARGS(store_j(product_ids)), w->a, &products, e));
    DM_TRY(store_all(w->tx, &queries[POTS], STORE_ARGS(store_j(pot_ids)), w->a, &pots, e));
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct month_line l = w->line[i];
        if (memcmp(&l.s, &none, sizeof(none)) == 0) {
            continue;
        }
        const struct store_value *product = row_of(&products, l.product_id);
        const struct store_value *pot = l.packaging_id ? row_of(&pots, l.packaging_id) : NULL;
        l.s.closing = month_balance(&l.s);
        l.product_sku = product ? product[1].t : "";
        l.product_name = product ? product[2].t : "";
        l.packaging_sku = pot ? pot[1].t : NULL;
        w->line[n++] = l;
        add_sums(&w->r->total, &l.s);
    }
    if (n) {
        qsort(w->line, n, sizeof(*w->line), by_sku);
    }
    w->r->line = w->line;
    w->r->n_line = n;
    return DM_OK;
}

static int add_flag(struct work *w, struct month_flag *flag, const char *name, struct dm_err *e)
{
    size_t at = 0;
    while (at < w->r->n_flag && strcmp(flag[at].name, name) < 0) {
        at++;
    }
    if (at == w->r->n_flag || strcmp(flag[at].name, name) != 0) {
        enum { FLAGS_MAX = 16 }; /* five are known */
        const char *copy = dm_arena_strdup(w->a, name);
        if (w->r->n_flag == FLAGS_MAX || !copy) {
            DM_FAIL(e, DM_EINTERNAL, "too many kinds of flags");
        }
        memmove(flag + at + 1, flag + at, (w->r->n_flag - at) * sizeof(*flag));
        flag[at] = (struct month_flag){copy, 0};
        w->r->n_flag++;
    }
    flag[at].n++;
    return DM_OK;
}

static int read_flags(struct work *w, struct store_args args, struct dm_err *e)
{
    struct store_table rows = {0};
    struct month_flag *flag = dm_arena_calloc(w->a, 17, sizeof(*flag));
    DM_TRY(store_all(w->tx, &queries[FLAGS], args, w->a, &rows, e));
    if (!flag) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the month report");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *list = json_loadb(v[0].t, v[0].n, 0, NULL);
        int code = DM_OK;
        for (size_t k = 0; code >= 0 && k < json_array_size(list); k++) {
            const char *name = json_string_value(json_array_get(list, k));
            code = name ? add_flag(w, flag, name, e) : DM_OK;
        }
        json_decref(list);
        DM_TRY(code);
    }
    w->r->flag = flag;
    return DM_OK;
}

static int read_statuses(struct work *w, struct store_args args, struct dm_err *e)
{
    static const char *const names[] = {"draft", "posted", "accepted", "disputed", "void"};
    struct store_table rows = {0};
    DM_TRY(store_all(w->tx, &queries[STATUSES], args, w->a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        for (size_t k = 0; k < DM_COUNT(names); k++) {
            if (!strcmp(names[k], store_row(&rows, i)[0].t)) {
                w->r->by_status[k] = store_row(&rows, i)[1].i;
            }
        }
    }
    return DM_OK;
}

static int read_uncounted(struct work *w, struct store_args args, struct dm_err *e)
{
    struct store_table rows = {0};
    DM_TRY(store_all(w->tx, &queries[UNCOUNTED], args, w->a, &rows, e));
    struct month_uncounted *list = dm_arena_calloc(w->a, rows.n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the month report");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        list[i] = (struct month_uncounted){v[0].i, v[1].t, v[2].null ? 0 : v[2].i};
    }
    w->r->uncounted = list;
    w->r->n_uncounted = rows.n;
    return DM_OK;
}

static int64_t first_of(const struct dm_zone *z, int year, int month, int day)
{
    const struct dm_civil c = {.year = year, .month = month, .day = day};
    return dm_zone_instant(z, &c);
}

int month_report(const struct inv_ctx *c, const struct month_ask *ask, struct dm_arena *a,
                 struct month_report *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct month_report r = {.ask = *ask};
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    if (ask->year < 2020 || ask->year > 2100 || ask->month < 1 || ask->month > 12) {
        DM_FAIL(e, INV_VALIDATION, "a month report is for 2020-01 to 2100-12");
    }
    const int grace = c->settings->month_close_grace_days;
    r.start_ms = first_of(c->zone, ask->year, ask->month, 1);
    r.end_ms = first_of(c->zone, ask->year, ask->month + 1, 1);
    /* a count on the last day of grace still belongs to the month before */
    const int64_t counts_from = first_of(c->zone, ask->year, ask->month, 1 + grace);
    const int64_t counts_to = first_of(c->zone, ask->year, ask->month + 1, 1 + grace);
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    struct work w = {.tx = tx, .c = c, .a = a, .r = &r};
    (void)snprintf(w.month, sizeof(w.month), "%04d-%02d", ask->year % 10000, ask->month % 100);
    const struct store_value nave = opt_id(ask->warehouse_id);
    const struct store_value claro = opt_id(ask->location_id);
    const struct store_value start = store_at(r.start_ms);
    DM_TRY(add_opening(&w, &queries[OPENING], STORE_ARGS(nave, claro, start), e));
    DM_TRY(add_opening(&w, &queries[EARLY],
                       STORE_ARGS(nave, claro, start, store_at(counts_from), store_t(w.month)), e));
    DM_TRY(add_rows(
        &w,
        STORE_ARGS(nave, claro, start, store_at(r.end_ms), store_at(counts_to), store_t(w.month)),
        e));
    DM_TRY(name_lines(&w, e));
    DM_TRY(read_flags(&w, STORE_ARGS(nave, claro, store_t(w.month)), e));
    DM_TRY(read_statuses(&w, STORE_ARGS(nave, claro, store_t(w.month)), e));
    DM_TRY(
        read_uncounted(&w, STORE_ARGS(nave, claro, store_at(counts_from), store_at(counts_to)), e));
    *ret = r;
    return DM_OK;
}

/* ---- as a table --------------------------------------------------------------------------- */

static const struct sheet_column columns[] = {
    {"product_sku", "", SHEET_TEXT, false},     {"product_name", "", SHEET_TEXT, false},
    {"packaging_sku", "", SHEET_TEXT, false},   {"opening", "", SHEET_INT, false},
    {"counted", "", SHEET_INT, false},          {"planted", "", SHEET_INT, false},
    {"transfer_in", "", SHEET_INT, false},      {"transfer_out", "", SHEET_INT, false},
    {"deaths", "", SHEET_INT, false},           {"sales_logged", "", SHEET_INT, false},
    {"sales_calculated", "", SHEET_INT, false}, {"losses", "", SHEET_INT, false},
    {"surplus", "", SHEET_INT, false},          {"adjustments", "", SHEET_INT, false},
    {"closing", "", SHEET_INT, false},
};

static void fill(struct sheet_cell *row, const struct month_sums *s)
{
    const int64_t v[] = {s->opening,      s->counted, s->planted,      s->transfer_in,
                         s->transfer_out, s->deaths,  s->sales_logged, s->sales_calculated,
                         s->losses,       s->surplus, s->adjustments,  s->closing};
    for (size_t i = 0; i < DM_COUNT(v); i++) {
        row[3 + i] = sheet_i(v[i]);
    }
}

int month_sheet(const struct inv_ctx *c, const struct month_report *r, struct dm_arena *a,
                struct sheet **ret, struct dm_err *e)
{
    struct sheet *s = sheet_begin(c, "month", "Month report", columns, DM_COUNT(columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t i = 0; i < r->n_line; i++) {
        struct sheet_cell *row = sheet_add(s, a);
        if (!row) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        row[0] = sheet_t(r->line[i].product_sku);
        row[1] = sheet_t(r->line[i].product_name);
        row[2] = sheet_t(r->line[i].packaging_sku);
        fill(row, &r->line[i].s);
    }
    s->total = dm_arena_calloc(a, DM_COUNT(columns), sizeof(*s->total));
    if (!s->total) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t k = 0; k < 3; k++) {
        s->total[k] = sheet_null();
    }
    fill(s->total, &r->total);
    DM_TRY(sheet_filter(s, a, e, "month", "%04d-%02d", r->ask.year, r->ask.month));
    if (r->ask.warehouse_id) {
        DM_TRY(sheet_filter(s, a, e, "warehouse", "%lld", (long long)r->ask.warehouse_id));
    }
    for (size_t i = 0; i < r->n_flag; i++) {
        DM_TRY(sheet_summary(s, a, e, r->flag[i].name, "%lld", (long long)r->flag[i].n));
    }
    DM_TRY(sheet_summary(s, a, e, "uncounted_claros", "%zu", r->n_uncounted));
    *ret = s;
    return DM_OK;
}

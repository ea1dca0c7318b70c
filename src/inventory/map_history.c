/* SPDX-License-Identifier: Apache-2.0
 *
 * History of a claro (domain.md section 14.2): what happened in each period, by the types of its
 * rows. opening + planted + in - out - deaths - sales +/- adjustments = closing, because the
 * opening and closing rows are left out and everything else has its column. */
#include "inventory/analytics_priv.h"
#include "inventory/map.h"

/* A leg that gives plants, or the undoing of one that received them. */
#define RECEIVES "(m.quantity > 0) = (m.reverses_movement_id IS NULL)"
#define SUM_IF(condition, value)                                                                   \
    ", CAST(COALESCE(SUM(CASE WHEN " condition " THEN " value " ELSE 0 END), 0) AS {int})"
#define TYPE(t) "m.movement_type = '" t "'"

#define FIGURES                                                                                    \
    SUM_IF(TYPE("plantar") " OR " TYPE("sembrar"), "m.quantity")                                   \
    SUM_IF(TYPE("transplante") " AND " RECEIVES, "m.quantity")                                     \
    SUM_IF(TYPE("transplante") " AND NOT " RECEIVES, "-m.quantity")                                \
    SUM_IF(TYPE("muerte"), "-m.quantity")                                                          \
    SUM_IF(TYPE("ventas") " AND m.reconciliation_id IS NULL", "-m.quantity")                       \
    SUM_IF(TYPE("ventas") " AND m.reconciliation_id IS NOT NULL", "-m.quantity")                   \
    SUM_IF(TYPE("ajuste") " AND NOT (m.role = 'correction' AND m.reconciliation_id IS NULL)",      \
           "m.quantity")

#define PERIODS(which)                                                                             \
    "SELECT p.id, p.seq, p.opened_kind, p.opened_at, p.closed_at, s.uuid,"                         \
    " p.opening_count" FIGURES                                                                     \
    ", COALESCE(p.closing_count, (SELECT CAST(COALESCE(SUM(x.quantity_current), 0) AS"             \
    " {int}) FROM stock_batches x WHERE x.stock_period_id = p.id))"                                \
    " FROM stock_periods p LEFT JOIN photo_processing_sessions s ON s.id ="                        \
    " p.opening_session_id LEFT JOIN stock_batches b ON b.stock_period_id = p.id"                  \
    " LEFT JOIN stock_movements m ON m.stock_batch_id = b.id"                                      \
    " WHERE " which " GROUP BY p.id, p.seq, p.opened_kind, p.opened_at,"                           \
    " p.closed_at, s.uuid, p.opening_count, p.closing_count ORDER BY p.seq DESC"

enum { PAGE, LAST, COUNT, KNOWN };

static const struct store_query queries[] = {
    [PAGE] = {"history.page", PERIODS("p.storage_location_id = ?1"), "i", "iitTTuiiiiiiiii", false},
    [LAST] = {"history.last",
              PERIODS("p.id = (SELECT y.id FROM stock_periods y"
                      " WHERE y.storage_location_id = ?1 ORDER BY y.seq DESC LIMIT 1)"),
              "i", "iitTTuiiiiiiiii", false},
    [COUNT] = {"history.count", "SELECT COUNT(*) FROM stock_periods WHERE storage_location_id = ?1",
               "i", "i", false},
    [KNOWN] = {"history.known", "SELECT id FROM storage_locations WHERE id = ?1", "i", "i", false},
};
STORE_QUERIES(map_history_queries, queries);

static const struct sheet_column columns[] = {
    {"period_id", "", SHEET_INT, false},        {"seq", "", SHEET_INT, false},
    {"opened_kind", "", SHEET_TEXT, false},     {"period_start", "", SHEET_INSTANT, false},
    {"period_end", "", SHEET_INSTANT, false},   {"session_id", "", SHEET_TEXT, false},
    {"opening", "", SHEET_INT, false},          {"planted", "", SHEET_INT, false},
    {"transfer_in", "", SHEET_INT, false},      {"transfer_out", "", SHEET_INT, false},
    {"deaths", "", SHEET_INT, false},           {"sales_logged", "", SHEET_INT, false},
    {"sales_calculated", "", SHEET_INT, false}, {"adjustments", "", SHEET_INT, false},
    {"closing", "", SHEET_INT, false},          {"net_change", "", SHEET_INT, false},
    {"growth_pct", "", SHEET_PERCENT, false},
};
enum { OPENING = 6, FIRST_SUM = 7, LAST_SUM = 13, CLOSING = 14 };

static struct sheet_cell growth(int64_t from, int64_t to)
{
    return from ? sheet_r(100.0 * (double)(to - from) / (double)from) : sheet_null();
}

/* Totals over all periods; then the page is cut out. A claro has some twelve periods a year. */
static int finish(struct sheet *s, size_t page, size_t per_page, struct dm_arena *a,
                  struct dm_err *e)
{
    s->total = dm_arena_calloc(a, s->n_columns, sizeof(*s->total));
    if (!s->total) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t k = 0; k < s->n_columns; k++) {
        s->total[k] = k >= FIRST_SUM && k <= LAST_SUM ? sheet_i(0) : sheet_null();
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        struct sheet_cell *row = s->cell + i * s->n_columns;
        for (size_t k = FIRST_SUM; k <= LAST_SUM; k++) {
            s->total[k].i += row[k].i;
        }
        row[CLOSING + 1] = sheet_i(row[CLOSING].i - row[OPENING].i);
        row[CLOSING + 2] = growth(row[OPENING].i, row[CLOSING].i);
    }
    if (s->n_rows) {
        const struct sheet_cell *oldest = s->cell + (s->n_rows - 1) * s->n_columns;
        s->total[OPENING] = oldest[OPENING];
        s->total[CLOSING] = s->cell[CLOSING];
        s->total[CLOSING + 1] = sheet_i(s->cell[CLOSING].i - oldest[OPENING].i);
        s->total[CLOSING + 2] = growth(oldest[OPENING].i, s->cell[CLOSING].i);
    }
    const size_t skip = DM_MIN((page - 1) * per_page, s->n_rows);
    s->cell += skip * s->n_columns;
    s->n_rows = DM_MIN(s->n_rows - skip, per_page);
    return DM_OK;
}

/* Order of the columns of PERIODS. */
enum { V_OPENING = 6, V_PLANTED = 7, V_IN = 8, V_DEATHS = 10, V_CLOSING = 14 };

int map_last_period(struct store_tx *tx, int64_t location_id, struct map_period *ret,
                    struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const int found = store_maybe(tx, &queries[LAST], STORE_ARGS(store_i(location_id)), &a, &v, e);
    if (found > 0) {
        *ret = (struct map_period){
            .opening = v[V_OPENING].i,
            .planted = v[V_PLANTED].i,
            .transfer_in = v[V_IN].i,
            .deaths = v[V_DEATHS].i,
            .closing = v[V_CLOSING].i,
        };
    }
    return found;
}

int map_history(const struct inv_ctx *c, int64_t location_id, size_t page, size_t per_page,
                struct dm_arena *a, struct sheet **ret, int64_t *ret_total, struct dm_err *e)
{
    enum { PER_PAGE_DEFAULT = 12, PAGES_MAX = 100000 };
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *known;
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    /* a page past the end is empty, however far */
    page = DM_MIN(page, (size_t)PAGES_MAX);
    per_page = DM_MIN(per_page, (size_t)PAGES_MAX);
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const struct store_value id = store_i(location_id);
    const int found = store_maybe(tx, &queries[KNOWN], STORE_ARGS(id), a, &known, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no claro %lld", (long long)location_id);
    }
    struct sheet *s = sheet_begin(c, "history", "History", columns, DM_COUNT(columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(store_int(tx, &queries[COUNT], STORE_ARGS(id), ret_total, e));
    DM_TRY(store_all(tx, &queries[PAGE], STORE_ARGS(id), a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct sheet_cell *row = sheet_add(s, a);
        if (!row) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        row[0] = sheet_i(v[0].i);
        row[1] = sheet_i(v[1].i);
        row[2] = sheet_t(v[2].t);
        row[3] = sheet_i(v[3].i);
        row[4] = v[4].null ? sheet_null() : sheet_i(v[4].i);
        row[5] = sheet_t(v[5].null ? NULL : v[5].t);
        for (size_t k = OPENING; k <= CLOSING; k++) {
            row[k] = sheet_i(v[k].i);
        }
    }
    DM_TRY(finish(s, page ? page : 1, per_page ? per_page : PER_PAGE_DEFAULT, a, e));
    *ret = s;
    return DM_OK;
}

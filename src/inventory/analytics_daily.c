/* SPDX-License-Identifier: Apache-2.0
 *
 * Series by day, and two answers side by side. */
#include <string.h>

#include "inventory/analytics_priv.h"

enum { DAYS_MAX = 3660 };

#define MOVED "m.role NOT IN ('opening', 'closing')"

static const struct plan_measure at_start[] = {
    {"plants", PLAN_SUM_AT, SHEET_INT, false, 0},
};
static const struct plan_measure of_day[] = {
    {"all", "SUM(m.quantity)", SHEET_INT, false, 0},
    {"movements_in",
     "COALESCE(SUM(CASE WHEN " MOVED " AND m.quantity > 0 THEN m.quantity ELSE 0 END), 0)",
     SHEET_INT, false, 0},
    {"movements_out",
     "COALESCE(SUM(CASE WHEN " MOVED " AND m.quantity < 0 THEN -m.quantity ELSE 0 END), 0)",
     SHEET_INT, false, 0},
};
static const struct sheet_column daily_columns[] = {
    {"date", "", SHEET_DATE, false},        {"total_plants", "", SHEET_INT, false},
    {"movements_in", "", SHEET_INT, false}, {"movements_out", "", SHEET_INT, false},
    {"net_change", "", SHEET_INT, false},
};

static int days_rows(struct store_tx *tx, const struct inv_ctx *c, const struct analytics_ask *ask,
                     struct dm_civil day, struct sheet *s, struct dm_arena *a, struct dm_err *e)
{
    struct analytics_ask own = *ask;
    struct plan p;
    struct store_table start;
    struct store_table rows;
    own.n_group = 0;
    own.at_ms = ask->from_ms - 1;
    DM_TRY(plan_build(&p, &own, PLAN_AT, at_start, DM_COUNT(at_start), c->zone, a, e));
    DM_TRY(plan_run(&p, tx, &start, e));
    own.n_group = 1;
    own.group[0] = ANALYTICS_DAY;
    DM_TRY(plan_build(&p, &own, PLAN_RANGE, of_day, DM_COUNT(of_day), c->zone, a, e));
    DM_TRY(plan_run(&p, tx, &rows, e));
    int64_t plants = start.v[0].i;
    size_t next = 0;
    for (int64_t at = ask->from_ms; at < ask->to_ms;) {
        struct sheet_cell *row = sheet_add(s, a);
        char *date = dm_arena_alloc(a, DM_DATE_SIZE);
        if (!row || !date) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        dm_zone_date(c->zone, at, date);
        int64_t in = 0;
        int64_t out = 0;
        if (next < rows.n && !strcmp(store_row(&rows, next)[0].t, date)) {
            const struct store_value *v = store_row(&rows, next++);
            plants += v[1].i;
            in = v[2].i;
            out = v[3].i;
        }
        row[0] = sheet_t(date);
        row[1] = sheet_i(plants);
        row[2] = sheet_i(in);
        row[3] = sheet_i(out);
        row[4] = sheet_i(in - out);
        day.day++;
        at = dm_zone_instant(c->zone, &day);
    }
    return DM_OK;
}

int analytics_daily(const struct inv_ctx *c, const struct analytics_ask *ask, const char *from,
                    const char *to, struct dm_arena *a, struct sheet **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct analytics_ask own = *ask;
    struct dm_civil first;
    struct dm_civil last;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    if (!dm_date_parse(from, &first) || !dm_date_parse(to, &last)) {
        DM_FAIL(e, INV_VALIDATION, "a range has two days such as 2026-01-31");
    }
    own.from_ms = dm_zone_instant(c->zone, &first);
    last.day++;
    own.to_ms = dm_zone_instant(c->zone, &last);
    if (own.to_ms <= own.from_ms || (own.to_ms - own.from_ms) / 86400000 > DAYS_MAX) {
        DM_FAIL(e, INV_VALIDATION, "a range has 1 to %d days", DAYS_MAX);
    }
    struct sheet *s =
        sheet_begin(c, "daily", "Plants by day", daily_columns, DM_COUNT(daily_columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(sheet_filter(s, a, e, "from", "%s", from));
    DM_TRY(sheet_filter(s, a, e, "to", "%s", to));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(days_rows(tx, c, &own, first, s, a, e));
    *ret = s;
    return DM_OK;
}

/* ---- comparison --------------------------------------------------------------------------- */

static bool same_group(const struct sheet *x, size_t i, const struct sheet *y, size_t k,
                       size_t columns)
{
    for (size_t g = 0; g < columns; g++) {
        const struct sheet_cell *p = &x->cell[i * x->n_columns + g];
        const struct sheet_cell *q = &y->cell[k * y->n_columns + g];
        if (p->null != q->null) {
            return false;
        }
        const bool text = x->column[g].type == SHEET_TEXT;
        if (!p->null && (text ? strcmp(p->t, q->t) != 0 : p->i != q->i)) {
            return false;
        }
    }
    return true;
}

static double number_of(const struct sheet_column *c, const struct sheet_cell *v)
{
    const bool real = c->type == SHEET_REAL || c->type == SHEET_PERCENT;
    return v->null ? 0 : real ? v->r : (double)v->i;
}

struct comparison {
    const struct sheet *one, *two;
    size_t groups; /* columns of them; the measure is the next */
    struct sheet *out;
    struct dm_arena *a;
};

static int add_pair(struct comparison *x, const struct sheet *named, size_t row_of_named,
                    double before, double after, struct dm_err *e)
{
    struct sheet_cell *row = sheet_add(x->out, x->a);
    if (!row) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    memcpy(row, named->cell + row_of_named * named->n_columns, x->groups * sizeof(*row));
    row[x->groups] = sheet_r(before);
    row[x->groups + 1] = sheet_r(after);
    row[x->groups + 2] = sheet_r(after - before);
    row[x->groups + 3] = before != 0 ? sheet_r(100.0 * (after - before) / before) : sheet_null();
    return DM_OK;
}

/* Rows are matched one by one; reports that people compare have some hundred. */
static int pair_rows(struct comparison *x, struct dm_err *e)
{
    const struct sheet_column *measure = &x->one->column[x->groups];
    for (size_t i = 0; i < x->one->n_rows; i++) {
        double after = 0;
        for (size_t k = 0; k < x->two->n_rows; k++) {
            if (same_group(x->one, i, x->two, k, x->groups)) {
                after = number_of(measure, &x->two->cell[k * x->two->n_columns + x->groups]);
                break;
            }
        }
        DM_TRY(add_pair(x, x->one, i,
                        number_of(measure, &x->one->cell[i * x->one->n_columns + x->groups]), after,
                        e));
    }
    for (size_t k = 0; k < x->two->n_rows; k++) {
        bool seen = false;
        for (size_t i = 0; i < x->one->n_rows && !seen; i++) {
            seen = same_group(x->one, i, x->two, k, x->groups);
        }
        if (!seen) {
            DM_TRY(add_pair(x, x->two, k, 0,
                            number_of(measure, &x->two->cell[k * x->two->n_columns + x->groups]),
                            e));
        }
    }
    return DM_OK;
}

int analytics_compare(const struct inv_ctx *c, const struct analytics_ask *one,
                      const struct analytics_ask *two, struct dm_arena *a, struct sheet **ret,
                      struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct sheet *first;
    struct sheet *second;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    if (one->kind != two->kind || one->n_group != two->n_group ||
        memcmp(one->group, two->group, one->n_group * sizeof(one->group[0])) != 0) {
        DM_FAIL(e, INV_VALIDATION, "only reports of one kind and grouping can be compared");
    }
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(analytics_run_in(tx, c, one, a, &first, e));
    DM_TRY(analytics_run_in(tx, c, two, a, &second, e));
    struct sheet_column *column = dm_arena_calloc(a, 2 * ANALYTICS_GROUPS_MAX + 4, sizeof(*column));
    if (!column) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    const size_t groups = plan_group_columns(one, column, a);
    static const struct sheet_column values[] = {{"value_a", "", SHEET_REAL, false},
                                                 {"value_b", "", SHEET_REAL, false},
                                                 {"difference", "", SHEET_REAL, false},
                                                 {"growth_pct", "", SHEET_PERCENT, false}};
    memcpy(column + groups, values, sizeof(values));
    struct comparison x = {.one = first, .two = second, .groups = groups, .a = a};
    x.out = sheet_begin(c, "comparison", "Comparison", column, groups + DM_COUNT(values), a);
    if (!x.out) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(pair_rows(&x, e));
    for (size_t i = 0; i < first->n_filter; i++) {
        DM_TRY(sheet_filter(x.out, a, e, "a", "%s: %s", first->filter[i].name,
                            first->filter[i].value));
    }
    for (size_t i = 0; i < second->n_filter; i++) {
        DM_TRY(sheet_filter(x.out, a, e, "b", "%s: %s", second->filter[i].name,
                            second->filter[i].value));
    }
    *ret = x.out;
    return DM_OK;
}

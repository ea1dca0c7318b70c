/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports by name. */
#include "inventory/reports.h"

#include <string.h>

#include "inventory/analytics.h"
#include "inventory/map.h"
#include "inventory/month.h"

const char *const report_names[] = {
    "claros",    "daily",           "density", "empties",  "month", "mortality", "movements",
    "occupancy", "reconciliations", "stock",   "stock_at", "value", NULL};

enum { WAREHOUSE };
static const struct store_query queries[] = {
    [WAREHOUSE] = {"reports.warehouse", "SELECT id FROM warehouses WHERE code = ?1", "t", "i",
                   false},
};
STORE_QUERIES(reports_queries, queries);

struct work {
    const struct inv_ctx *c;
    const struct report_ask *ask;
    struct dm_arena *a;
    int64_t warehouse_id; /* 0 = all */
};

static bool given(const char *text)
{
    return text && text[0];
}

static int find_warehouse(struct work *w, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    if (!given(w->ask->warehouse)) {
        return DM_OK;
    }
    DM_TRY(store_begin(w->c->store, STORE_READ, &tx, e));
    const int found =
        store_maybe(tx, &queries[WAREHOUSE], STORE_ARGS(store_t(w->ask->warehouse)), w->a, &row, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no nave %.40s", w->ask->warehouse);
    }
    w->warehouse_id = row[0].i;
    return DM_OK;
}

/* A day, or so many days before now. */
static int day_of(const struct work *w, const char *text, int before, struct dm_civil *ret,
                  struct dm_err *e)
{
    if (given(text)) {
        if (!dm_date_parse(text, ret)) {
            DM_FAIL(e, INV_VALIDATION, "'%.40s' is not a day such as 2026-01-31", text);
        }
        return DM_OK;
    }
    const struct dm_civil now = dm_zone_civil(w->c->zone, w->c->now_ms);
    *ret = (struct dm_civil){.year = now.year, .month = now.month, .day = now.day - before};
    return DM_OK;
}

static int groups_of(const struct work *w, const char *otherwise, struct analytics_ask *q,
                     struct dm_err *e)
{
    char text[160];
    char *rest = text;
    (void)snprintf(text, sizeof(text), "%s", given(w->ask->group) ? w->ask->group : otherwise);
    for (char *word = strsep(&rest, ", "); word; word = strsep(&rest, ", ")) {
        if (!*word) {
            continue;
        }
        const enum analytics_dim d = analytics_dim_parse(word);
        if (d == ANALYTICS_DIM_MAX_ || q->n_group == ANALYTICS_GROUPS_MAX) {
            DM_FAIL(e, INV_VALIDATION, "'%.40s' is not one of at most %d groups", word,
                    ANALYTICS_GROUPS_MAX);
        }
        q->group[q->n_group++] = d;
    }
    return DM_OK;
}

static int run_analytics(const struct work *w, enum analytics_kind kind, struct sheet **ret,
                         struct dm_err *e)
{
    struct analytics_ask q = {.kind = kind};
    struct dm_civil from;
    struct dm_civil to;
    struct dm_civil at;
    DM_TRY(day_of(w, w->ask->from, 30, &from, e));
    DM_TRY(day_of(w, w->ask->to, 0, &to, e));
    DM_TRY(day_of(w, w->ask->at, 0, &at, e));
    to.day++;
    at.day++;
    q.from_ms = dm_zone_instant(w->c->zone, &from);
    q.to_ms = dm_zone_instant(w->c->zone, &to);
    q.at_ms = dm_zone_instant(w->c->zone, &at) - 1;
    const bool place =
        kind == ANALYTICS_OCCUPANCY || kind == ANALYTICS_DENSITY || kind == ANALYTICS_EMPTIES;
    q.min_ratio = kind == ANALYTICS_EMPTIES ? 0.2 : 0; /* domain.md section 14.3 */
    DM_TRY(groups_of(w, place ? "claro" : "product,packaging", &q, e));
    if (w->warehouse_id) {
        q.filter[q.n_filter++] =
            (struct analytics_filter){.dim = ANALYTICS_WAREHOUSE, .id = &w->warehouse_id, .n = 1};
    }
    return analytics_run(w->c, &q, w->a, ret, e);
}

static int run_daily(const struct work *w, struct sheet **ret, struct dm_err *e)
{
    struct analytics_ask q = {0};
    struct dm_civil from;
    struct dm_civil to;
    char first[DM_DATE_SIZE];
    char last[DM_DATE_SIZE];
    DM_TRY(day_of(w, w->ask->from, 30, &from, e));
    DM_TRY(day_of(w, w->ask->to, 0, &to, e));
    dm_zone_date(w->c->zone, dm_zone_instant(w->c->zone, &from), first);
    dm_zone_date(w->c->zone, dm_zone_instant(w->c->zone, &to), last);
    if (w->warehouse_id) {
        q.filter[q.n_filter++] =
            (struct analytics_filter){.dim = ANALYTICS_WAREHOUSE, .id = &w->warehouse_id, .n = 1};
    }
    return analytics_daily(w->c, &q, first, last, w->a, ret, e);
}

/* "2026-01", or the month now. */
static int month_of(const struct work *w, char ret[static 16], struct month_ask *ret_ask,
                    struct dm_err *e)
{
    struct dm_civil c = dm_zone_civil(w->c->zone, w->c->now_ms);
    char day[24];
    if (given(w->ask->month)) {
        (void)snprintf(day, sizeof(day), "%.16s-01", w->ask->month);
        if (!dm_date_parse(day, &c)) {
            DM_FAIL(e, INV_VALIDATION, "'%.40s' is not a month such as 2026-01", w->ask->month);
        }
    }
    (void)snprintf(ret, 16, "%04d-%02d", c.year % 10000, c.month % 100);
    *ret_ask =
        (struct month_ask){.year = c.year, .month = c.month, .warehouse_id = w->warehouse_id};
    return DM_OK;
}

static int run_month(const struct work *w, bool list, struct sheet **ret, struct dm_err *e)
{
    enum { LISTED_MAX = 1000 };
    struct month_ask ask;
    struct month_report r;
    char month[16];
    int64_t total;
    DM_TRY(month_of(w, month, &ask, e));
    if (list) {
        const struct recon_ask q = {
            .month = month, .warehouse_id = w->warehouse_id, .per_page = LISTED_MAX};
        return recon_list(w->c, &q, w->a, ret, &total, e);
    }
    DM_TRY(month_report(w->c, &ask, w->a, &r, e));
    return month_sheet(w->c, &r, w->a, ret, e);
}

static int run(const struct work *w, struct sheet **ret, struct dm_err *e)
{
    const char *name = w->ask->name;
    for (int k = 0; k < ANALYTICS_KIND_MAX_; k++) {
        if (!strcmp(name, analytics_kind_names[k])) {
            return run_analytics(w, (enum analytics_kind)k, ret, e);
        }
    }
    if (!strcmp(name, "claros")) {
        return map_sheet(w->c, w->warehouse_id, w->ask->polygons, w->a, ret, e);
    }
    if (!strcmp(name, "daily")) {
        return run_daily(w, ret, e);
    }
    if (!strcmp(name, "month") || !strcmp(name, "reconciliations")) {
        return run_month(w, name[0] == 'r', ret, e);
    }
    DM_FAIL(e, INV_VALIDATION, "there is no report '%.40s'", name);
}

int report_run(const struct inv_ctx *c, const struct report_ask *ask, struct dm_arena *a,
               struct sheet **ret, struct dm_err *e)
{
    struct work w = {.c = c, .ask = ask, .a = a};
    struct sheet *s = NULL;
    DM_TRY(inv_permit(c, INV_DO_EXPORT, e));
    DM_TRY(find_warehouse(&w, e));
    DM_TRY(run(&w, &s, e));
    if (s->n_rows == 0) {
        DM_FAIL(e, INV_EMPTY_FILTER_RESULT, "the report has no rows");
    }
    *ret = s;
    return DM_OK;
}

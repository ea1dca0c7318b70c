/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixed questions: days, trends, dashboard, comparisons, choices of filters. */
#include <string.h>

#include "inventory/answers_priv.h"
#include "inventory/json.h"
#include "inventory/list.h"
#include "inventory/map.h"
#include "inventory/prices.h"

enum { OPTIONS, AREAS, ACCURACY, MOVED_7, PLACE_WAREHOUSE, PLACE_AREA, PLACE_LOCATION };

static const struct store_query queries[] = {
    [OPTIONS] = {"answers.options",
                 "SELECT x.kind, x.id, x.name FROM ("
                 "SELECT 'warehouses' AS kind, id, name FROM warehouses WHERE active"
                 " UNION ALL SELECT 'product_categories', id, name FROM product_categories WHERE"
                 " active UNION ALL SELECT 'products', id, common_name FROM products WHERE active"
                 " UNION ALL SELECT 'families', id, name FROM product_families"
                 " UNION ALL SELECT 'packaging', id, name FROM packaging_catalog WHERE active"
                 " UNION ALL SELECT 'product_sizes', id, name FROM product_sizes"
                 " UNION ALL SELECT 'product_states', id, name FROM product_states) x"
                 " ORDER BY x.kind, x.name, x.id",
                 "", "tit", false},
    [AREAS] = {"answers.areas",
               "SELECT id, name, warehouse_id, position FROM storage_areas WHERE active"
               " ORDER BY name, id",
               "", "itit", false},
    [ACCURACY] = {"answers.accuracy",
                  "SELECT count(*), CAST(COALESCE(SUM(CASE WHEN x.validated THEN 1 ELSE 0 END), 0)"
                  " AS {int}), CAST(COALESCE(SUM(CASE WHEN x.delta IS NULL THEN 0 ELSE 1 END), 0)"
                  " AS {int}), CAST(AVG(x.avg_confidence) AS {real}),"
                  " CAST(AVG(CASE WHEN x.total > 0 THEN abs(COALESCE(x.delta, 0)) * 100.0 /"
                  " x.total END) AS {real}) FROM (SELECT s.validated, s.avg_confidence,"
                  " s.total_detected + s.total_estimated AS total, (SELECT"
                  " SUM(a.quantity_delta) FROM session_adjustments a WHERE a.session_id = s.id)"
                  " AS delta FROM photo_processing_sessions s WHERE s.status = 'completed' AND"
                  " s.posting_status <> 'void' AND (?1 IS NULL OR s.captured_at >= ?1) AND"
                  " (?2 IS NULL OR s.captured_at < ?2)) x",
                  "TT", "iiirr", false},
    [MOVED_7] = {"answers.moved_7",
                 "SELECT movement_type, count(*) FROM stock_movements WHERE occurred_at >= ?1 AND"
                 " role = 'regular' GROUP BY movement_type ORDER BY movement_type",
                 "T", "ti", false},
    [PLACE_WAREHOUSE] = {"answers.warehouse",
                         "SELECT id, code, name FROM warehouses WHERE id = ?1 AND active", "i",
                         "itt", false},
    [PLACE_AREA] = {"answers.area",
                    "SELECT id, code, name FROM storage_areas WHERE id = ?1 AND active", "i", "itt",
                    false},
    [PLACE_LOCATION] = {"answers.location",
                        "SELECT id, code, name FROM storage_locations WHERE id = ?1 AND active",
                        "i", "itt", false},
};
STORE_QUERIES(answers_more_queries, queries);

#define NAMES(x) (x), DM_COUNT(x)

static int full(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a report");
}

/* The total of a report over a filter. */
static int total_of(const struct inv_ctx *c, enum analytics_kind kind,
                    const struct answers_where *w, const struct answers_days *d, struct dm_arena *a,
                    struct sheet **ret, struct dm_err *e)
{
    struct analytics_ask ask = {.kind = kind};
    answers_filter(&ask, w);
    DM_TRY(d ? answers_range(c, d, &ask, e) : DM_OK);
    return analytics_run(c, &ask, a, ret, e);
}

static int64_t total(const struct sheet *s, const char *column)
{
    const int k = sheet_find(s, column);
    return k >= 0 && !s->total[k].null ? s->total[k].i : 0;
}

/* ---- days --------------------------------------------------------------------------------- */

static const struct answers_name daily_names[] = {{"date", "date"},
                                                  {"total_plants", "total_plants"},
                                                  {"movements_in", "movements_in"},
                                                  {"movements_out", "movements_out"},
                                                  {"net_change", "net_change"}};

static int daily(const struct inv_ctx *c, const struct answers_where *w,
                 const struct answers_days *d, struct dm_arena *a, struct sheet **ret,
                 struct dm_err *e)
{
    struct analytics_ask ask = {0};
    answers_filter(&ask, w);
    return analytics_daily(c, &ask, d->from ? d->from : "", d->to ? d->to : "", a, ret, e);
}

int answers_daily(const struct inv_ctx *c, const struct answers_where *w,
                  const struct answers_days *d, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct sheet *s;
    DM_TRY(daily(c, w, d, &a, &s, e));
    return answers_rows(s, NAMES(daily_names), ret, e);
}

/* Whether a day begins a period: any day, a Monday, the first of a month. */
static bool begins(const char *day, char granularity)
{
    struct dm_civil at;
    if (granularity == 'm') {
        return strcmp(day + 8, "01") == 0;
    }
    if (granularity == 'w' && dm_date_parse(day, &at)) {
        const int64_t days = dm_zone_instant(NULL, &at) / 86400000; /* 1970-01-01: a Thursday */
        return (days % 7 + 7) % 7 == 4;
    }
    return granularity == 'd';
}

int answers_trends(const struct inv_ctx *c, const struct answers_where *w,
                   const struct answers_days *d, const char *granularity, json_t **ret,
                   struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    json_t *row = NULL;
    struct sheet *s;
    int64_t in = 0;
    int64_t gone = 0;
    DM_TRY(daily(c, w, d, &a, &s, e));
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sheet_cell *v = s->cell + i * s->n_columns;
        if (!row || begins(v[0].t, granularity[0])) {
            row = json_pack("{s:s}", "period_start", v[0].t);
            in = gone = 0;
            if (json_array_append_new(out, row)) {
                return full(e);
            }
        }
        in += v[2].i;
        gone += v[3].i;
        json_t *figures =
            json_pack("{s:s, s:I, s:I, s:I, s:I}", "period_end", v[0].t, "total_plants",
                      (json_int_t)v[1].i, "movements_in", (json_int_t)in, "movements_out",
                      (json_int_t)gone, "net_change", (json_int_t)(in - gone));
        const int failed = json_object_update(row, figures);
        json_decref(figures);
        if (failed) {
            return full(e);
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- stock -------------------------------------------------------------------------------- */

static json_t *id_or_null(int64_t id)
{
    return id ? json_integer(id) : json_null();
}

int answers_inventory(const struct inv_ctx *c, const struct answers_where *w, json_t **ret,
                      struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char now[STORE_TIME_SIZE];
    struct sheet *s;
    DM_TRY(total_of(c, ANALYTICS_STOCK, w, NULL, &a, &s, e));
    *ret = json_pack("{s:I, s:I, s:o, s:o, s:s}", "total_batches", (json_int_t)total(s, "batches"),
                     "total_plants", (json_int_t)total(s, "plants"), "warehouse_id",
                     id_or_null(w->warehouse_id), "product_id", id_or_null(w->product_id),
                     "generated_at", store_time_text(c->now_ms, now));
    return *ret ? DM_OK : full(e);
}

static int by_category(const struct inv_ctx *c, struct dm_arena *a, struct sheet **ret,
                       struct dm_err *e)
{
    const struct analytics_ask ask = {
        .kind = ANALYTICS_STOCK, .group = {ANALYTICS_CATEGORY}, .n_group = 1};
    return analytics_run(c, &ask, a, ret, e);
}

int answers_sentence(const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    static const struct answers_name names[] = {{"category_id", "category_id"},
                                                {"category_name", "category_name"},
                                                {"plants", "total_quantity"},
                                                {"batches", "batch_count"}};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(8 << 10);
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    struct sheet *s;
    DM_TRY(by_category(c, &a, &s, e));
    DM_TRY(answers_rows(s, NAMES(names), &rows, e));
    dm_buf_printf(&text, "There are %lld plants in %lld batches", (long long)total(s, "plants"),
                  (long long)total(s, "batches"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        dm_buf_printf(&text, "%s%.60s %lld", i ? ", " : ": ", inv_json_str(row, "category_name"),
                      (long long)inv_json_int(row, "total_quantity"));
    }
    dm_buf_putc(&text, '.');
    DM_TRY(dm_buf_ok(&text, e));
    *ret = json_pack("{s:s, s:[s, s], s:O}", "answer", dm_buf_str(&text),
                     "suggested_visualizations", "bar", "table", "data", rows);
    return *ret ? DM_OK : full(e);
}

/* ---- choices ------------------------------------------------------------------------------ */

static int add_areas(struct store_tx *tx, struct dm_arena *a, json_t *ret, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[AREAS], STORE_NO_ARGS, a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *row =
            json_pack("{s:I, s:s, s:I, s:o}", "id", (json_int_t)v[0].i, "name", v[1].t,
                      "warehouse_id", (json_int_t)v[2].i, "position", inv_json_of_value(&v[3]));
        if (json_array_append_new(ret, row)) {
            return full(e);
        }
    }
    return DM_OK;
}

int answers_options(const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep)
    json_t *out = json_pack("{s:[], s:[], s:[], s:[], s:[], s:[], s:[], s:[]}", "warehouses",
                            "product_categories", "products", "families", "packaging",
                            "product_sizes", "product_states", "storage_areas");
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[OPTIONS], STORE_NO_ARGS, &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *row = json_pack("{s:I, s:s}", "id", (json_int_t)v[1].i, "name", v[2].t);
        if (json_array_append_new(json_object_get(out, v[0].t), row)) {
            return full(e);
        }
    }
    DM_TRY(add_areas(tx, &a, json_object_get(out, "storage_areas"), e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- dashboard ---------------------------------------------------------------------------- */

static int movements_7(const struct inv_ctx *c, json_t *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[MOVED_7], STORE_ARGS(store_at(c->now_ms - INT64_C(7) * 86400000)),
                     &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        DM_TRY(inv_json_set(ret, v[0].t, json_integer(v[1].i), e));
    }
    return DM_OK;
}

int answers_dashboard(const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *recent = NULL;
    DM_CLEANUP(inv_json_freep) json_t *types = json_object();
    const struct list_ask last = {.limit = 20};
    const bool money = inv_grant_of(c->role, INV_DO_SEE_PRICES) != INV_GRANT_NO;
    struct map_dashboard d;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(map_dashboard(c, &d, e));
    DM_TRY(list_rows(c, &list_movements, &last, &recent, NULL, e));
    DM_TRY(movements_7(c, types, e));
    const struct {
        const char *name;
        int64_t n;
    } figures[] = {{"total_plants", d.plants},
                   {"total_pots", d.pots},
                   {"total_batches", d.batches},
                   {"total_warehouses", d.warehouses},
                   {"total_locations", d.claros},
                   {"configured_locations", d.configured},
                   {"photos_last_7_days", d.photos_7_days},
                   {"deaths_30_days", d.deaths_30_days},
                   {"sales_month", d.sales_month},
                   {"sales_previous_month", d.sales_previous_month},
                   {"uncounted_35_days", d.uncounted_35_days},
                   {"open_warnings", d.open_warnings},
                   {"held_counts", d.held_counts}};
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    for (size_t i = 0; i < DM_COUNT(figures); i++) {
        DM_TRY(inv_json_set(out, figures[i].name, json_integer(figures[i].n), e));
    }
    DM_TRY(inv_json_set(out, "sellable_share_pct", json_real(d.sellable_pct), e));
    DM_TRY(inv_json_set(out, "stock_value", money ? json_integer(d.value_cents) : json_null(), e));
    DM_TRY(inv_json_set(out, "recent_movements", json_incref(recent), e));
    DM_TRY(inv_json_set(out, "movements_last_7_days", json_incref(types), e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- movements ---------------------------------------------------------------------------- */

int answers_moved(const struct inv_ctx *c, const struct answers_where *w,
                  const struct answers_days *d, bool by_type, json_t **ret, struct dm_err *e)
{
    static const struct answers_name one[] = {{"quantity_in", "total_in"},
                                              {"quantity_out", "total_out"},
                                              {"net", "net"},
                                              {"movements", "count"}};
    static const struct answers_name each[] = {
        {"movement_type", "movement_type"}, {"movements", "count"}, {"net", "quantity"}};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct analytics_ask ask = {
        .kind = ANALYTICS_MOVEMENTS, .group = {ANALYTICS_MOVEMENT_TYPE}, .n_group = by_type};
    struct sheet *s;
    answers_filter(&ask, w);
    DM_TRY(answers_range(c, d, &ask, e));
    DM_TRY(analytics_run(c, &ask, &a, &s, e));
    return by_type ? answers_rows(s, NAMES(each), ret, e)
                   : answers_row(s, SIZE_MAX, NAMES(one), ret, e);
}

/* Figures of one range for a comparison. */
static int side(const struct inv_ctx *c, const struct answers_where *w,
                const struct answers_days *d, int64_t *ret_plants, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct analytics_ask at = {.kind = ANALYTICS_STOCK_AT};
    struct sheet *moved;
    struct sheet *stock;
    DM_TRY(total_of(c, ANALYTICS_MOVEMENTS, w, d, &a, &moved, e));
    answers_filter(&at, w);
    DM_TRY(answers_range(c, d, &at, e));
    at.at_ms = at.to_ms - 1;
    DM_TRY(analytics_run(c, &at, &a, &stock, e));
    *ret_plants = total(stock, "plants");
    *ret = json_pack("{s:I, s:I, s:I, s:I, s:I}", "total_plants", (json_int_t)*ret_plants,
                     "movements_in", (json_int_t)total(moved, "quantity_in"), "movements_out",
                     (json_int_t)total(moved, "quantity_out"), "deaths",
                     (json_int_t)-total(moved, "muerte"), "sales",
                     (json_int_t)-total(moved, "ventas"));
    return *ret ? DM_OK : full(e);
}

/* Stock at the end of both ranges by a grouping. */
static int sides_by(const struct inv_ctx *c, const char *group, const struct answers_where *w,
                    const struct answers_days *d, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const enum analytics_dim dim =
        strcmp(group, "location") == 0 ? ANALYTICS_CLARO : analytics_dim_parse(group);
    struct analytics_ask ask[2];
    struct answers_name names[8];
    struct sheet *s;
    if (dim == ANALYTICS_DIM_MAX_) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "group_by")),
                  "nothing is grouped by %.40s", group);
    }
    for (size_t i = 0; i < 2; i++) {
        ask[i] = (struct analytics_ask){.kind = ANALYTICS_STOCK_AT, .group = {dim}, .n_group = 1};
        answers_filter(&ask[i], &w[i]);
        DM_TRY(answers_range(c, &d[i], &ask[i], e));
        ask[i].at_ms = ask[i].to_ms - 1;
    }
    DM_TRY(analytics_compare(c, &ask[0], &ask[1], &a, &s, e));
    for (size_t i = 0; i < s->n_columns; i++) {
        names[i] = (struct answers_name){s->column[i].name, s->column[i].name};
    }
    return answers_rows(s, names, s->n_columns, ret, e);
}

int answers_compare(const struct inv_ctx *c, const json_t *body, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *one = NULL;
    DM_CLEANUP(inv_json_freep) json_t *two = NULL;
    DM_CLEANUP(inv_json_freep) json_t *groups = json_array();
    const struct answers_where w[2] = {{.warehouse_id = inv_json_int(body, "warehouse1_id")},
                                       {.warehouse_id = inv_json_int(body, "warehouse2_id")}};
    const struct answers_days d[2] = {
        {inv_json_str(body, "period1_start"), inv_json_str(body, "period1_end")},
        {inv_json_str(body, "period2_start"), inv_json_str(body, "period2_end")}};
    const char *group = inv_json_str(body, "group_by");
    int64_t before;
    int64_t after;
    DM_TRY(side(c, &w[0], &d[0], &before, &one, e));
    DM_TRY(side(c, &w[1], &d[1], &after, &two, e));
    if (group) {
        json_decref(groups);
        groups = NULL;
        DM_TRY(sides_by(c, group, w, d, &groups, e));
    }
    json_t *growth =
        before ? json_real(100.0 * (double)(after - before) / (double)before) : json_null();
    *ret = json_pack("{s:O, s:O, s:I, s:o, s:O}", "period1", one, "period2", two, "absolute_change",
                     (json_int_t)(after - before), "growth_pct", growth, "groups", groups);
    return *ret ? DM_OK : full(e);
}

int answers_accuracy(const struct inv_ctx *c, const struct answers_days *d, json_t **ret,
                     struct dm_err *e)
{
    static const char *const names[] = {"sessions", "validated", "adjusted", "avg_confidence",
                                        "mean_abs_error_pct"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    struct analytics_ask range = {0};
    const struct store_value *v;
    const struct answers_days days = {d->from ? d->from : "1970-01-01",
                                      d->to ? d->to : "9999-12-30"};
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(answers_range(c, &days, &range, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_one(tx, &queries[ACCURACY],
                     STORE_ARGS(d->from ? store_at(range.from_ms) : store_null(),
                                d->to ? store_at(range.to_ms) : store_null()),
                     &a, &v, e));
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        DM_TRY(inv_json_set(out, names[i], inv_json_of_value(&v[i]), e));
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- places ------------------------------------------------------------------------------- */

static int place(const struct inv_ctx *c, int query, enum analytics_dim dim, int64_t id,
                 int64_t *ret_plants, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct analytics_ask ask = {.kind = ANALYTICS_STOCK, .n_filter = 1};
    struct sheet *s;
    const struct store_value *v;
    ask.filter[0] = (struct analytics_filter){.dim = dim, .id = &id, .n = 1};
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[query], STORE_ARGS(store_i(id)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", analytics_dim_name(dim)), DM_I("identifier", id)),
                  "there is no such place %lld", (long long)id);
    }
    DM_TRY(analytics_run_in(tx, c, &ask, &a, &s, e));
    *ret_plants = total(s, "plants");
    *ret = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)v[0].i, "code",
                     v[1].t, "name", v[2].t, "total_plants", (json_int_t)*ret_plants, "total_pots",
                     (json_int_t)total(s, "pots"), "sellable_plants",
                     (json_int_t)total(s, "sellable_plants"), "total_batches",
                     (json_int_t)total(s, "batches"));
    return *ret ? DM_OK : full(e);
}

int answers_places(const struct inv_ctx *c, const char *type, int64_t one, int64_t two,
                   json_t **ret, struct dm_err *e)
{
    static const struct {
        const char *name;
        int query;
        enum analytics_dim dim;
    } levels[] = {{"warehouse", PLACE_WAREHOUSE, ANALYTICS_WAREHOUSE},
                  {"storage_area", PLACE_AREA, ANALYTICS_AREA},
                  {"storage_location", PLACE_LOCATION, ANALYTICS_CLARO}};
    DM_CLEANUP(inv_json_freep) json_t *a = NULL;
    DM_CLEANUP(inv_json_freep) json_t *b = NULL;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    for (size_t i = 0; i < DM_COUNT(levels); i++) {
        int64_t first;
        int64_t second;
        if (strcmp(type, levels[i].name) != 0) {
            continue;
        }
        DM_TRY(place(c, levels[i].query, levels[i].dim, one, &first, &a, e));
        DM_TRY(place(c, levels[i].query, levels[i].dim, two, &second, &b, e));
        *ret = json_pack("{s:O, s:O, s:{s:I, s:o}}", "a", a, "b", b, "difference", "total_plants",
                         (json_int_t)(second - first), "growth_pct",
                         first ? json_real(100.0 * (double)(second - first) / (double)first)
                               : json_null());
        return *ret ? DM_OK : full(e);
    }
    DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "type")), "there is no level %.40s", type);
}

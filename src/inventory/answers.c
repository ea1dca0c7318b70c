/* SPDX-License-Identifier: Apache-2.0
 *
 * The manual query, and what all answers are made with. */
#include "inventory/answers.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "inventory/analytics_priv.h"
#include "inventory/answers_priv.h"
#include "inventory/json.h"

/* ---- from sheets to JSON ------------------------------------------------------------------ */

json_t *answers_cell(const struct sheet *s, size_t row, size_t column)
{
    const struct sheet_cell *v =
        row == SIZE_MAX ? &s->total[column] : &s->cell[row * s->n_columns + column];
    char time[STORE_TIME_SIZE];
    if (v->null) {
        return json_null();
    }
    switch (s->column[column].type) {
    case SHEET_REAL:
    case SHEET_PERCENT:
        return json_real(round(v->r * 100) / 100);
    case SHEET_BOOL:
        return json_boolean(v->b);
    case SHEET_TEXT:
    case SHEET_DATE:
        return json_string(v->t);
    case SHEET_INSTANT:
        return json_string(store_time_text(v->i, time));
    case SHEET_JSON:
        return json_loads(v->t, JSON_DECODE_ANY, NULL);
    case SHEET_INT:
    case SHEET_MONEY:
    case SHEET_TYPE_MAX_:
    default:
        return json_integer(v->i);
    }
}

int answers_row(const struct sheet *s, size_t row, const struct answers_name *name, size_t n,
                json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    for (size_t i = 0; i < n; i++) {
        const int column = sheet_find(s, name[i].column);
        if (column >= 0) {
            DM_TRY(inv_json_put(out, name[i].member, answers_cell(s, row, (size_t)column), e));
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

int answers_rows(const struct sheet *s, const struct answers_name *name, size_t n, json_t **ret,
                 struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    for (size_t i = 0; i < s->n_rows; i++) {
        json_t *row;
        DM_TRY(answers_row(s, i, name, n, &row, e));
        if (json_array_append_new(out, row)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- from requests to questions ----------------------------------------------------------- */

void answers_filter(struct analytics_ask *ask, const struct answers_where *w)
{
    const struct {
        enum analytics_dim dim;
        const int64_t *id;
    } ids[] = {{ANALYTICS_WAREHOUSE, &w->warehouse_id},
               {ANALYTICS_CLARO, &w->location_id},
               {ANALYTICS_PRODUCT, &w->product_id}};
    for (size_t i = 0; i < DM_COUNT(ids); i++) {
        if (*ids[i].id) {
            ask->filter[ask->n_filter++] =
                (struct analytics_filter){.dim = ids[i].dim, .id = ids[i].id, .n = 1};
        }
    }
}

int answers_range(const struct inv_ctx *c, const struct answers_days *d, struct analytics_ask *ask,
                  struct dm_err *e)
{
    struct dm_civil from;
    struct dm_civil to;
    if (!d->from || !d->to || !dm_date_parse(d->from, &from) || !dm_date_parse(d->to, &to) ||
        strcmp(d->from, d->to) > 0) {
        DM_FAIL(e, INV_VALIDATION, "a range has two days such as 2026-01-31, in order");
    }
    to.day++;
    ask->from_ms = dm_zone_instant(c->zone, &from);
    ask->to_ms = dm_zone_instant(c->zone, &to);
    return DM_OK;
}

/* ---- manual query ------------------------------------------------------------------------- */

static const struct {
    const char *member;
    enum analytics_dim dim;
} filters[] = {
    {"warehouse_ids", ANALYTICS_WAREHOUSE},         {"product_category_ids", ANALYTICS_CATEGORY},
    {"storage_area_ids", ANALYTICS_AREA},           {"storage_location_ids", ANALYTICS_CLARO},
    {"product_family_ids", ANALYTICS_FAMILY},       {"product_ids", ANALYTICS_PRODUCT},
    {"product_size_ids", ANALYTICS_SIZE},           {"product_state_ids", ANALYTICS_STATE},
    {"packaging_catalog_ids", ANALYTICS_PACKAGING},
};

static const struct answers_name stock_names[] = {{"plants", "total_quantity"},
                                                  {"pots", "pots"},
                                                  {"sellable_plants", "sellable_quantity"},
                                                  {"batches", "batch_count"}};
static const struct answers_name movement_names[] = {{"quantity_in", "quantity_in"},
                                                     {"quantity_out", "quantity_out"},
                                                     {"net", "net"},
                                                     {"plantar", "by_type.plantar"},
                                                     {"sembrar", "by_type.sembrar"},
                                                     {"transplante", "by_type.transplante"},
                                                     {"muerte", "by_type.muerte"},
                                                     {"ventas", "by_type.ventas"},
                                                     {"ajuste", "by_type.ajuste"},
                                                     {"movements", "movement_count"}};
static const struct answers_name mortality_names[] = {{"deaths", "deaths"},
                                                      {"stock_at_start", "base_count"},
                                                      {"inflow", "inflow"},
                                                      {"mortality_pct", "mortality_rate_pct"}};
static const struct answers_name occupancy_names[] = {
    {"plants", "current"}, {"capacity", "capacity"}, {"occupancy_pct", "occupancy_pct"}};
static const struct answers_name value_names[] = {{"plants", "total_quantity"},
                                                  {"wholesale_value", "wholesale_value"},
                                                  {"retail_value", "retail_value"}};
#define NAMES(x) (x), DM_COUNT(x)
static const struct analysis {
    const char *name;
    enum analytics_kind kind;
    const struct answers_name *names;
    size_t n;
    bool ranged;
    const char *group; /* without group_by */
} analyses[] = {
    {"current_stock", ANALYTICS_STOCK, NAMES(stock_names), false, "product"},
    {"stock_movements", ANALYTICS_MOVEMENTS, NAMES(movement_names), true, "product"},
    {"mortality", ANALYTICS_MORTALITY, NAMES(mortality_names), true, "product"},
    {"occupancy", ANALYTICS_OCCUPANCY, NAMES(occupancy_names), false, "location"},
    {"value", ANALYTICS_VALUE, NAMES(value_names), false, "product"},
};

enum { SKUS };
static const struct store_query queries[] = {
    [SKUS] = {"answers.skus", "SELECT id, sku FROM products ORDER BY id", "", "it", false},
};
STORE_QUERIES(answers_queries, queries);

static int unknown(const char *field, const char *value, struct dm_err *e)
{
    DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", field)), "%s cannot be %.40s", field,
              value);
}

static int read_filters(const json_t *body, struct analytics_ask *ask, struct dm_arena *a,
                        struct dm_err *e)
{
    for (size_t i = 0; i < DM_COUNT(filters); i++) {
        const json_t *list = json_object_get(body, filters[i].member);
        const size_t n = json_array_size(list);
        if (!json_is_array(list)) {
            continue;
        }
        int64_t *id = dm_arena_calloc(a, n, sizeof(*id));
        if (!id) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        for (size_t k = 0; k < n; k++) {
            id[k] = json_integer_value(json_array_get(list, k));
        }
        ask->filter[ask->n_filter++] =
            (struct analytics_filter){.dim = filters[i].dim, .id = id, .n = n};
    }
    return DM_OK;
}

/* "location" is a claro; everything else has the name it has in the books. */
static int add_group(struct analytics_ask *ask, const char *name, struct dm_err *e)
{
    const enum analytics_dim dim =
        strcmp(name, "location") == 0 ? ANALYTICS_CLARO : analytics_dim_parse(name);
    if (dim == ANALYTICS_DIM_MAX_ || ask->n_group == ANALYTICS_GROUPS_MAX) {
        return unknown("group_by", name, e);
    }
    ask->group[ask->n_group++] = dim;
    return DM_OK;
}

static int read_groups(const json_t *body, const struct analysis *x, struct analytics_ask *ask,
                       struct dm_err *e)
{
    const json_t *list = json_object_get(body, "group_by");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        DM_TRY(add_group(ask, name ? name : "", e));
    }
    return ask->n_group ? DM_OK : add_group(ask, x->group, e);
}

/* Default range: the last 30 days. */
static int read_range(const struct inv_ctx *c, const json_t *body, struct analytics_ask *ask,
                      struct dm_err *e)
{
    char today[DM_DATE_SIZE];
    char before[DM_DATE_SIZE];
    dm_zone_date(c->zone, c->now_ms, today);
    dm_zone_date(c->zone, c->now_ms - INT64_C(29) * 86400000, before);
    struct answers_days d = {inv_json_str(body, "date_from"), inv_json_str(body, "date_to")};
    d.to = d.to ? d.to : today;
    d.from = d.from ? d.from : strcmp(before, d.to) < 0 ? before : d.to;
    return answers_range(c, &d, ask, e);
}

/* sort_by is a member of the rows; the planner wants the column behind it. */
static int read_sort(const json_t *body, const struct analysis *x, struct analytics_ask *ask,
                     struct dm_err *e)
{
    const char *sort = inv_json_str(body, "sort_by");
    const char *dir = inv_json_str(body, "sort_dir");
    ask->ascending = dir && strcmp(dir, "asc") == 0;
    for (size_t i = 0; sort && i < x->n; i++) {
        if (strcmp(sort, x->names[i].member) == 0) {
            ask->sort = x->names[i].column;
        }
    }
    return sort && !ask->sort ? unknown("sort_by", sort, e) : DM_OK;
}

static int ask_of(const struct inv_ctx *c, const json_t *body, struct dm_arena *a,
                  const struct analysis **ret_analysis, struct analytics_ask *ret, struct dm_err *e)
{
    const char *type = inv_json_str(body, "analysis_type");
    const struct analysis *x = NULL;
    for (size_t i = 0; i < DM_COUNT(analyses); i++) {
        if (strcmp(type ? type : "current_stock", analyses[i].name) == 0) {
            x = &analyses[i];
        }
    }
    if (!x) {
        return unknown("analysis_type", type, e);
    }
    *ret = (struct analytics_ask){.kind = x->kind};
    DM_TRY(read_filters(body, ret, a, e));
    DM_TRY(read_groups(body, x, ret, e));
    DM_TRY(read_sort(body, x, ret, e));
    DM_TRY(x->ranged ? read_range(c, body, ret, e) : DM_OK);
    const int64_t limit = inv_json_int(body, "limit");
    ret->limit = (size_t)(limit ? limit : ANSWERS_ROWS_MAX) + 1;
    *ret_analysis = x;
    return DM_OK;
}

int answers_manual_sheet(const struct inv_ctx *c, const json_t *body, struct dm_arena *a,
                         struct sheet **ret, struct dm_err *e)
{
    const struct analysis *x;
    struct analytics_ask ask;
    DM_TRY(ask_of(c, body, a, &x, &ask, e));
    ask.limit = 0;
    return analytics_run(c, &ask, a, ret, e);
}

/* Groups, which come first, and measures under the names of the API. */
static size_t names_of(const struct analysis *x, const struct sheet *s, struct answers_name *ret)
{
    static const struct answers_name places[] = {{"claro_id", "location_id"},
                                                 {"claro_name", "location_name"}};
    size_t first = s->n_columns;
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        const int column = sheet_find(s, x->names[i].column);
        first = column >= 0 ? DM_MIN(first, (size_t)column) : first;
    }
    for (; n < first; n++) {
        ret[n] = (struct answers_name){s->column[n].name, s->column[n].name};
        for (size_t i = 0; i < DM_COUNT(places); i++) {
            ret[n] = strcmp(ret[n].column, places[i].column) == 0 ? places[i] : ret[n];
        }
    }
    memcpy(ret + n, x->names, x->n * sizeof(*ret));
    return n + x->n;
}

/* Rows by product also say its SKU. */
static int add_skus(const struct inv_ctx *c, json_t *rows, struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table t;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[SKUS], STORE_NO_ARGS, a, &t, e));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const int64_t id = inv_json_int(row, "product_id");
        size_t low = 0;
        size_t high = t.n;
        while (low < high) {
            const size_t mid = (low + high) / 2;
            if (store_row(&t, mid)[0].i < id) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        if (low < t.n) {
            DM_TRY(inv_json_set(row, "product_sku", json_string(store_row(&t, low)[1].t), e));
        }
    }
    return DM_OK;
}

/* Deaths are compared with what was there and what came. */
static void add_base(json_t *row)
{
    const int64_t base = inv_json_int(row, "base_count") + inv_json_int(row, "inflow");
    (void)json_object_set_new(row, "base_count", json_integer(base));
    (void)json_object_del(row, "inflow");
}

static json_t *groups_of(const json_t *body, const struct analysis *x)
{
    json_t *given = json_object_get(body, "group_by");
    return json_array_size(given) ? json_incref(given) : json_pack("[s]", x->group);
}

static json_t *filters_of(const json_t *body)
{
    json_t *out = json_object();
    for (size_t i = 0; i < DM_COUNT(filters); i++) {
        json_t *list = json_object_get(body, filters[i].member);
        if (json_is_array(list)) {
            (void)json_object_set(out, filters[i].member, list);
        }
    }
    static const char *const days[] = {"date_from", "date_to"};
    for (size_t i = 0; i < DM_COUNT(days); i++) {
        json_t *day = json_object_get(body, days[i]);
        if (json_is_string(day)) {
            (void)json_object_set(out, days[i], day);
        }
    }
    return out;
}

int answers_manual(const struct inv_ctx *c, const json_t *body, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *totals = NULL;
    const dm_usec start = dm_now();
    const struct analysis *x;
    struct analytics_ask ask;
    struct sheet *s;
    DM_TRY(ask_of(c, body, &a, &x, &ask, e));
    DM_TRY(analytics_run(c, &ask, &a, &s, e));
    const size_t wanted = ask.limit - 1;
    const bool more = s->n_rows > wanted;
    if (more && !inv_json_int(body, "limit")) {
        DM_REFUSE(e, DM_ELIMIT, DM_FIELDS(DM_I("max_rows", ANSWERS_ROWS_MAX)),
                  "the answer has more than %d rows", ANSWERS_ROWS_MAX);
    }
    s->n_rows = DM_MIN(s->n_rows, wanted);
    struct answers_name *names = dm_arena_calloc(&a, s->n_columns + x->n, sizeof(*names));
    if (!names) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(answers_rows(s, names, names_of(x, s, names), &rows, e));
    DM_TRY(answers_row(s, SIZE_MAX, x->names, x->n, &totals, e));
    if (sheet_find(s, "product_id") >= 0) {
        DM_TRY(add_skus(c, rows, &a, e));
    }
    for (size_t i = 0; x->kind == ANALYTICS_MORTALITY && i < json_array_size(rows); i++) {
        add_base(json_array_get(rows, i));
    }
    if (x->kind == ANALYTICS_MORTALITY) {
        add_base(totals);
    }
    *ret =
        json_pack("{s:O, s:{s:I, s:s, s:o, s:o, s:I, s:b, s:b, s:O}}", "data", rows, "metadata",
                  "row_count", (json_int_t)json_array_size(rows), "analysis_type", x->name,
                  "group_by", groups_of(body, x), "filters", filters_of(body), "execution_time_ms",
                  (json_int_t)dm_ms_since(start), "cached", 0, "truncated", more, "totals", totals);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    return DM_OK;
}

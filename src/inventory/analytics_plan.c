/* SPDX-License-Identifier: Apache-2.0
 *
 * From a question to SQL. The tables a statement joins follow from the dimensions it names, each
 * with the tables it needs itself; nothing else is read. */
#include "inventory/analytics_priv.h"

#include <inttypes.h>
#include <string.h>

enum { NONE, ROWS };

enum {
    JOIN_PERIOD = 1 << 0,
    JOIN_BIN = 1 << 1,
    JOIN_CLARO = 1 << 2,
    JOIN_AREA = 1 << 3,
    JOIN_WAREHOUSE = 1 << 4,
    JOIN_PRODUCT = 1 << 5,
    JOIN_FAMILY = 1 << 6,
    JOIN_CATEGORY = 1 << 7,
    JOIN_STATE = 1 << 8,
    JOIN_SIZE = 1 << 9,
    JOIN_PACKAGING = 1 << 10,
    JOIN_PACKAGING_TYPE = 1 << 11,
    JOIN_COLOUR = 1 << 12,
    JOIN_USER = 1 << 13,
    JOIN_PRICE = 1 << 14,
    JOIN_ROOM = 1 << 15,
};

_Static_assert((int)JOIN_BIN == (int)PLAN_NEED_BIN && (int)JOIN_STATE == (int)PLAN_NEED_STATE &&
                   (int)JOIN_PRICE == (int)PLAN_NEED_PRICE && (int)JOIN_ROOM == (int)PLAN_NEED_ROOM,
               "measures name the joins they need");

/* In the order in which they are written: a table comes after those it needs. */
static const struct {
    unsigned bit, needs;
    const char *sql;
} joins[] = {
    {JOIN_PERIOD, 0, " JOIN stock_periods p ON p.id = b.stock_period_id"},
    {JOIN_BIN, 0, " JOIN storage_bins k ON k.id = b.storage_bin_id"},
    {JOIN_CLARO, JOIN_BIN, " JOIN storage_locations l ON l.id = k.storage_location_id"},
    {JOIN_ROOM, JOIN_CLARO, " LEFT JOIN room ON room.storage_location_id = l.id"},
    {JOIN_AREA, JOIN_CLARO, " JOIN storage_areas a ON a.id = l.storage_area_id"},
    {JOIN_WAREHOUSE, JOIN_AREA, " JOIN warehouses w ON w.id = a.warehouse_id"},
    {JOIN_PRODUCT, 0, " JOIN products r ON r.id = b.product_id"},
    {JOIN_FAMILY, JOIN_PRODUCT, " JOIN product_families f ON f.id = r.product_family_id"},
    {JOIN_CATEGORY, JOIN_FAMILY, " JOIN product_categories g ON g.id = f.product_category_id"},
    {JOIN_STATE, 0, " JOIN product_states s ON s.id = b.product_state_id"},
    {JOIN_SIZE, 0, " LEFT JOIN product_sizes z ON z.id = b.product_size_id"},
    {JOIN_PACKAGING, 0, " LEFT JOIN packaging_catalog q ON q.id = b.packaging_catalog_id"},
    {JOIN_PACKAGING_TYPE, JOIN_PACKAGING,
     " LEFT JOIN packaging_types h ON h.id = q.packaging_type_id"},
    {JOIN_COLOUR, JOIN_PACKAGING, " LEFT JOIN packaging_colors o ON o.id = q.packaging_color_id"},
    {JOIN_USER, 0, " JOIN users u ON u.id = m.user_id"},
    {JOIN_PRICE, 0,
     " LEFT JOIN price ON price.product_id = b.product_id"
     " AND price.packaging_catalog_id = b.packaging_catalog_id"},
};

static const struct dim {
    const char *name;
    char letter;
    const char *id, *label;
    unsigned joins;
    int needs;
} dims[] = {
#define X(NAME, name, letter, id, label, join_mask, needs)                                         \
    {name, (letter), (id), (label), (join_mask), (needs)},
#include "inventory/analytics.def"
#undef X
};

/* The price of a product in a pot: its own entry, else that of its category (domain.md section 16).
 * Computed once for each pair that is in stock, some hundred, not for each batch. */
const char plan_price_sql[] =
    "pair AS (SELECT DISTINCT product_id, packaging_catalog_id FROM stock_batches"
    " WHERE status = 'active' AND packaging_catalog_id IS NOT NULL),"
    " price AS (SELECT product_id, packaging_catalog_id, net, retail FROM (SELECT pair.product_id,"
    " pair.packaging_catalog_id,"
    " i.wholesale_unit_price_cents * (100 - i.discount_percent) / 100 AS net,"
    " i.retail_unit_price_cents * (100 - i.discount_percent) / 100 AS retail,"
    " ROW_NUMBER() OVER (PARTITION BY pair.product_id, pair.packaging_catalog_id ORDER BY"
    " CASE WHEN i.product_id IS NULL THEN 1 ELSE 0 END, i.id) AS n"
    " FROM pair JOIN products r ON r.id = pair.product_id"
    " JOIN product_families f ON f.id = r.product_family_id"
    " JOIN price_list_items i ON i.packaging_catalog_id = pair.packaging_catalog_id"
    " AND i.product_category_id = f.product_category_id"
    " AND (i.product_id IS NULL OR i.product_id = pair.product_id)"
    " WHERE i.variant = '' AND i.availability <> 'discontinued') ranked WHERE n = 1)";

/* Plants a claro has room for: its bins' capacities when all are known, else its ground over that
 * of a plant (domain.md section 14.3, occupancy). */
static const char room_sql[] =
    "room AS (SELECT l.id AS storage_location_id, COALESCE(c.capacity, l2.capacity) AS capacity"
    " FROM storage_locations l LEFT JOIN (SELECT k.storage_location_id,"
    " CAST(SUM(COALESCE(t.capacity, t.rows * t.columns)) AS {real}) AS capacity FROM storage_bins k"
    " JOIN storage_bin_types t ON t.id = k.storage_bin_type_id WHERE k.status <> 'retired'"
    " GROUP BY k.storage_location_id HAVING COUNT(*) = COUNT(COALESCE(t.capacity, t.rows *"
    " t.columns))) c ON c.storage_location_id = l.id"
    " LEFT JOIN (SELECT x.storage_location_id, x.area_cm2 / COALESCE("
    "(SELECT d.avg_area_per_plant_cm2 FROM density_parameters d WHERE d.packaging_catalog_id"
    " {same} x.packaging_catalog_id AND (d.product_id = x.product_id OR d.product_id IS NULL)"
    " ORDER BY CASE WHEN d.product_id IS NULL THEN 1 ELSE 0 END, d.sample_count DESC, d.id LIMIT"
    " 1), (SELECT q.diameter_cm * q.diameter_cm FROM packaging_catalog q WHERE q.id ="
    " x.packaging_catalog_id)) AS capacity FROM storage_location_configs x WHERE x.active) l2"
    " ON l2.storage_location_id = l.id)";

const char *analytics_dim_name(enum analytics_dim d)
{
    return dims[d].name;
}

enum analytics_dim analytics_dim_parse(const char *name)
{
    for (size_t i = 0; i < DM_COUNT(dims); i++) {
        if (!strcmp(name, dims[i].name)) {
            return (enum analytics_dim)i;
        }
    }
    return strcmp(name, "location") == 0 ? ANALYTICS_CLARO
           : strcmp(name, "color") == 0  ? ANALYTICS_COLOUR
                                         : ANALYTICS_DIM_MAX_;
}

bool plan_has_label(enum analytics_dim d)
{
    return dims[d].letter == 'i';
}

bool plan_needs_rows(enum analytics_dim d)
{
    return dims[d].needs == ROWS;
}

static unsigned close_joins(unsigned mask)
{
    for (size_t i = DM_COUNT(joins); i-- > 0;) { /* needs come before: one pass backwards */
        if (mask & joins[i].bit) {
            mask |= joins[i].needs;
        }
    }
    return mask;
}

static int add_arg(struct plan *p, struct store_value v, char letter, struct dm_err *e)
{
    if (p->n_args == PLAN_ARGS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "the report has too many filters");
    }
    p->arg[p->n_args] = v;
    p->params[p->n_args++] = letter;
    return (int)p->n_args;
}

/* Minutes east of Greenwich as SQL: a number, or a choice by instant where clocks change within the
 * range. Changes are looked for day by day and placed to the minute. */
static int offset_sql(struct plan *p, const struct dm_zone *zone, struct dm_buf *out,
                      struct dm_err *e)
{
    const int64_t day = INT64_C(86400000);
    const int64_t to = p->ask->to_ms;
    int64_t at = p->ask->from_ms;
    int32_t now = dm_zone_offset_s(zone, at);
    int pieces = 0;
    while (at < to) {
        int64_t next = DM_MIN(at + day, to);
        if (dm_zone_offset_s(zone, next) == now) {
            at = next;
            continue;
        }
        int64_t low = at;
        while (next - low > 1) {
            const int64_t mid = low + (next - low) / 2;
            *(dm_zone_offset_s(zone, mid) == now ? &low : &next) = mid;
        }
        const int arg = add_arg(p, store_at(next), 'T', e);
        DM_TRY(arg);
        dm_buf_printf(out, "%s WHEN m.occurred_at < ?%d THEN %" PRId32, pieces++ ? "" : "(CASE",
                      arg, now / 60);
        at = next;
        now = dm_zone_offset_s(zone, at);
    }
    dm_buf_printf(out, pieces ? " ELSE %" PRId32 " END)" : "%" PRId32, now / 60);
    return dm_buf_ok(out, e);
}

/* SQL of a dimension's id; days, weeks and months need the zone. */
static int id_sql(struct plan *p, enum analytics_dim d, const struct dm_zone *zone,
                  struct dm_buf *out, struct dm_err *e)
{
    if (dims[d].id[0] != '%') {
        dm_buf_puts(out, dims[d].id);
        return DM_OK;
    }
    DM_CLEANUP(dm_buf_clear) struct dm_buf offset = dm_buf_init(1 << 12);
    DM_TRY(offset_sql(p, zone, &offset, e));
    const char *o = dm_buf_str(&offset);
    if (d == ANALYTICS_WEEK) { /* the Monday it begins with */
        dm_buf_printf(out,
                      "\n--@sqlite\ndate({day:m.occurred_at|%s}, 'weekday 0', '-6 days')"
                      "\n--@postgresql\nto_char(date_trunc('week', CAST({day:m.occurred_at|%s} AS"
                      " timestamp)), 'YYYY-MM-DD')\n--@both\n",
                      o, o);
    } else {
        dm_buf_printf(out, "{%s:m.occurred_at|%s}", d == ANALYTICS_DAY ? "day" : "month", o);
    }
    return dm_buf_ok(out, e);
}

/* ids as a JSON array, in the plan's arena. */
static const char *json_list(const struct analytics_filter *f, char letter, struct dm_arena *a)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < f->n; i++) {
        json_t *v = letter == 'i' ? json_integer(f->id[i]) : json_string(f->text[i]);
        if (json_array_append_new(list, v) < 0) {
            json_decref(list);
            list = NULL;
        }
    }
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    const char *copy = text ? dm_arena_strdup(a, text) : NULL;
    free(text);
    return copy;
}

static int filter_sql(struct plan *p, const struct analytics_filter *f, const struct dm_zone *zone,
                      struct dm_err *e)
{
    const struct dim *d = &dims[f->dim];
    const char *list = json_list(f, d->letter, p->a);
    if (!list) {
        DM_FAIL(e, INV_VALIDATION, "the filter %s is not text", d->name);
    }
    const bool nullable =
        d->joins & (JOIN_SIZE | JOIN_PACKAGING | JOIN_PACKAGING_TYPE | JOIN_COLOUR);
    dm_buf_puts(&p->sql, nullable ? " AND COALESCE(" : " AND ");
    DM_TRY(id_sql(p, f->dim, zone, &p->sql, e));
    const int arg = add_arg(p, store_j(list), 'j', e);
    DM_TRY(arg);
    dm_buf_printf(&p->sql, "%s IN {%s:?%d}", nullable ? ", 0)" : "",
                  d->letter == 'i' ? "ids" : "texts", arg);
    return DM_OK;
}

static int add_col(struct plan *p, char letter, struct dm_err *e)
{
    if (p->n_cols == PLAN_COLS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "the report has too many columns");
    }
    p->cols[p->n_cols++] = letter;
    return DM_OK;
}

static int select_sql(struct plan *p, const struct plan_measure *measure, size_t n_measure,
                      const struct dm_zone *zone, struct dm_err *e)
{
    dm_buf_puts(&p->sql, "SELECT ");
    for (size_t i = 0; i < p->ask->n_group; i++) {
        const struct dim *d = &dims[p->ask->group[i]];
        dm_buf_puts(&p->sql, i ? ", " : "");
        DM_TRY(id_sql(p, p->ask->group[i], zone, &p->sql, e));
        DM_TRY(add_col(p, d->letter, e));
        if (d->letter == 'i') {
            dm_buf_printf(&p->sql, ", %s", d->label);
            DM_TRY(add_col(p, 't', e));
        }
    }
    for (size_t i = 0; i < n_measure; i++) {
        const bool real = measure[i].type == SHEET_REAL || measure[i].type == SHEET_PERCENT;
        dm_buf_printf(&p->sql, "%sCAST(%s AS %s)", p->n_cols ? ", " : "", measure[i].sql,
                      real ? "{real}" : "{int}");
        DM_TRY(add_col(p, real ? 'r' : 'i', e));
    }
    return DM_OK;
}

static int from_sql(struct plan *p, enum plan_base base, unsigned *mask, struct dm_err *e)
{
    static const char *const from[] = {
        [PLAN_ACTIVE] = " FROM stock_batches b",
        [PLAN_OPEN] = " FROM stock_batches b",
        [PLAN_AT] = " FROM stock_batches b",
        [PLAN_RANGE] = " FROM stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id",
        [PLAN_CLAROS] = " FROM storage_locations l",
    };
    dm_buf_puts(&p->sql, from[base]);
    if (base == PLAN_CLAROS) {
        *mask &= ~(unsigned)(JOIN_BIN | JOIN_CLARO);
    }
    for (size_t i = 0; i < DM_COUNT(joins); i++) {
        if (*mask & joins[i].bit) {
            dm_buf_puts(&p->sql, joins[i].sql);
        }
    }
    if (base == PLAN_ACTIVE) {
        dm_buf_puts(&p->sql, " WHERE b.status = 'active'");
    } else if (base == PLAN_OPEN) {
        dm_buf_puts(&p->sql, " WHERE b.stock_period_id IN (SELECT x.id FROM stock_periods x WHERE"
                             " x.status = 'open')");
    } else if (base == PLAN_CLAROS) {
        dm_buf_puts(&p->sql, " WHERE l.active");
    } else if (base == PLAN_AT) {
        dm_buf_puts(&p->sql, " WHERE b.stock_period_id IN (SELECT x.id FROM stock_periods x WHERE"
                             " x.opened_at <= ?1 AND (x.closed_at IS NULL OR x.closed_at > ?1))");
    } else {
        const int from_arg = add_arg(p, store_at(p->ask->from_ms), 'T', e);
        DM_TRY(from_arg);
        const int to_arg = add_arg(p, store_at(p->ask->to_ms), 'T', e);
        DM_TRY(to_arg);
        dm_buf_printf(&p->sql, " WHERE m.occurred_at >= ?%d AND m.occurred_at < ?%d", from_arg,
                      to_arg);
    }
    return DM_OK;
}

/* Dimensions a base does not have are refused, except that claros ignore filters on what stands in
 * them: room is there whatever fills it. */
static int check_dims(const struct analytics_ask *ask, enum plan_base base, struct dm_err *e)
{
    for (size_t i = 0; i < ask->n_group; i++) {
        const bool place = ask->group[i] <= ANALYTICS_CLARO;
        if ((plan_needs_rows(ask->group[i]) && base != PLAN_RANGE) ||
            (base == PLAN_CLAROS && !place)) {
            DM_FAIL(e, INV_VALIDATION, "this report cannot be grouped by %s",
                    dims[ask->group[i]].name);
        }
    }
    for (size_t i = 0; i < ask->n_filter; i++) {
        if (plan_needs_rows(ask->filter[i].dim) && base != PLAN_RANGE) {
            DM_FAIL(e, INV_VALIDATION, "this report cannot be filtered by %s",
                    dims[ask->filter[i].dim].name);
        }
    }
    return DM_OK;
}

static unsigned needed_joins(const struct analytics_ask *ask, enum plan_base base,
                             const struct plan_measure *measure, size_t n_measure)
{
    unsigned mask = 0;
    for (size_t i = 0; i < ask->n_group; i++) {
        mask |= dims[ask->group[i]].joins;
    }
    for (size_t i = 0; i < ask->n_filter; i++) {
        if (base != PLAN_CLAROS || ask->filter[i].dim <= ANALYTICS_CLARO) {
            mask |= dims[ask->filter[i].dim].joins;
        }
    }
    for (size_t i = 0; i < n_measure; i++) {
        mask |= measure[i].joins;
    }
    return close_joins(mask);
}

static void tail_sql(struct plan *p)
{
    size_t keys = 0;
    for (size_t i = 0; i < p->ask->n_group; i++) {
        keys += plan_has_label(p->ask->group[i]) ? 2 : 1;
    }
    for (size_t i = 1; i <= keys; i++) {
        dm_buf_printf(&p->sql, "%s%zu", i == 1 ? " GROUP BY " : ", ", i);
    }
    for (size_t i = 1; i <= keys; i++) {
        dm_buf_printf(&p->sql, "%s%zu NULLS FIRST", i == 1 ? " ORDER BY " : ", ", i);
    }
}

int plan_build(struct plan *p, const struct analytics_ask *ask, enum plan_base base,
               const struct plan_measure *measure, size_t n_measure, const struct dm_zone *zone,
               struct dm_arena *a, struct dm_err *e)
{
    *p = (struct plan){.a = a, .ask = ask, .sql = dm_buf_init(PLAN_SQL_MAX)};
    DM_TRY(check_dims(ask, base, e));
    if (base == PLAN_AT) { /* measures name it */
        DM_TRY(add_arg(p, store_at(ask->at_ms), 'T', e));
    }
    unsigned mask = needed_joins(ask, base, measure, n_measure);
    const bool price = mask & JOIN_PRICE;
    const bool room = mask & JOIN_ROOM;
    if (price || room) {
        dm_buf_printf(&p->sql, "WITH %s%s%s ", price ? plan_price_sql : "",
                      price && room ? ", " : "", room ? room_sql : "");
    }
    DM_TRY(select_sql(p, measure, n_measure, zone, e));
    DM_TRY(from_sql(p, base, &mask, e));
    for (size_t i = 0; i < ask->n_filter; i++) {
        if (base != PLAN_CLAROS || ask->filter[i].dim <= ANALYTICS_CLARO) {
            DM_TRY(filter_sql(p, &ask->filter[i], zone, e));
        }
    }
    tail_sql(p);
    return dm_buf_ok(&p->sql, e);
}

int plan_run(struct plan *p, struct store_tx *tx, struct store_table *ret, struct dm_err *e)
{
    const struct store_query q = {.name = "analytics.plan",
                                  .sql = dm_buf_str(&p->sql),
                                  .params = p->params,
                                  .cols = p->cols,
                                  .built = true};
    const int code = store_all(tx, &q, (struct store_args){p->arg, p->n_args}, p->a, ret, e);
    dm_buf_clear(&p->sql);
    DM_TRY(code);
    if (ret->n > ANALYTICS_ROWS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "the report has more than %d rows; group it more coarsely",
                ANALYTICS_ROWS_MAX);
    }
    return DM_OK;
}

size_t plan_group_columns(const struct analytics_ask *ask, struct sheet_column *ret,
                          struct dm_arena *a)
{
    size_t n = 0;
    for (size_t i = 0; i < ask->n_group; i++) {
        const struct dim *d = &dims[ask->group[i]];
        if (d->letter != 'i') {
            ret[n++] = (struct sheet_column){.name = d->name, .type = SHEET_TEXT};
            continue;
        }
        const char *id = dm_arena_printf(a, "%s_id", d->name);
        const char *name = dm_arena_printf(a, "%s_name", d->name);
        ret[n++] = (struct sheet_column){.name = id ? id : d->name, .type = SHEET_INT};
        ret[n++] = (struct sheet_column){.name = name ? name : d->name, .type = SHEET_TEXT};
    }
    return n;
}

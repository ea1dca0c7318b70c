/* SPDX-License-Identifier: Apache-2.0
 *
 * The map's figures. One query for each table, each a single pass, put together by claro here:
 * joining them all in SQL would multiply rows. Prices are looked up once for each pair of product
 * and pot that is in stock. */
#include "inventory/map.h"

#include <string.h>

#include "inventory/analytics_priv.h"

const char *const map_colour_names[] = {"grey", "red", "yellow", "green", NULL};
const char *const map_badge_names[] = {"red", "yellow", "blue", "green", NULL};

enum { CLAROS, STOCK, PERIODS, CONFIGS, PHOTOS, OPEN_PHOTOS, PRICES, POLYGONS, TOTALS };

#define SELLS "(s.is_sellable AND k.category IN ('box', 'segment', 'pot'))"

static const struct store_query queries[] = {
    [CLAROS] =
        {"map.claros",
         "SELECT l.id, l.storage_area_id, a.warehouse_id, l.code, l.name, l.qr_code, l.active"
         " FROM storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id"
         " WHERE (?1 IS NULL OR a.warehouse_id = ?1) AND (?2 OR l.active) ORDER BY l.id",
         "ib", "iiitttb", false},
    [STOCK] = {"map.stock",
               "SELECT k.storage_location_id, b.product_id, b.packaging_catalog_id,"
               " CAST(SUM(b.quantity_current) AS {int}), CAST(SUM(" ANALYTICS_POTS ") AS {int}),"
               " CAST(SUM(CASE WHEN " SELLS " THEN b.quantity_current ELSE 0 END) AS {int}),"
               " CAST(SUM(CASE WHEN " SELLS " THEN " ANALYTICS_POTS
               " ELSE 0 END) AS {int}), COUNT(*),"
               " CAST(SUM(b.quality_score * b.quantity_current) AS {real}),"
               " CAST(SUM(CASE WHEN b.quality_score IS NULL THEN 0 ELSE b.quantity_current END) AS"
               " {int}) FROM stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id"
               " JOIN product_states s ON s.id = b.product_state_id WHERE b.status = 'active'"
               " GROUP BY k.storage_location_id, b.product_id, b.packaging_catalog_id"
               " ORDER BY k.storage_location_id, b.product_id, b.packaging_catalog_id NULLS FIRST",
               "", "iiiiiiiiri", false},
    /* sub-queries by index: the figures of a claro must not cost a look at its whole history */
    [PERIODS] = {"map.periods",
                 "SELECT p.storage_location_id, p.opened_kind, p.opened_at, p.opening_count,"
                 " (SELECT q.opening_count FROM stock_periods q WHERE q.storage_location_id ="
                 " p.storage_location_id AND q.seq = p.seq - 1 AND q.opened_kind <> 'implicit'),"
                 " (SELECT CAST(SUM(b.quantity_empty_containers) AS {int}) FROM stock_batches b"
                 " WHERE b.stock_period_id = p.id) FROM stock_periods p WHERE p.status = 'open'"
                 " ORDER BY p.storage_location_id",
                 "", "itTiii", false},
    [CONFIGS] = {"map.configs",
                 "SELECT storage_location_id, product_id, packaging_catalog_id, valid_from,"
                 " updated_at FROM storage_location_configs WHERE active ORDER BY"
                 " storage_location_id",
                 "", "iiiTT", false},
    [PHOTOS] = {"map.photos",
                "SELECT l.id, (SELECT MAX(s.captured_at) FROM photo_processing_sessions s WHERE"
                " s.storage_location_id = l.id) FROM storage_locations l ORDER BY l.id",
                "", "iT", false},
    [OPEN_PHOTOS] = {"map.open_photos",
                     "SELECT storage_location_id, COUNT(*) FROM photo_processing_sessions"
                     " WHERE storage_location_id IS NOT NULL AND posting_status IN ('unposted',"
                     " 'held') AND (posting_status = 'held' OR status = 'failed')"
                     " GROUP BY storage_location_id ORDER BY storage_location_id",
                     "", "ii", false},
    /* best entry first: the product's own, then its category's */
    [PRICES] = {"map.prices",
                "SELECT pair.product_id, pair.packaging_catalog_id,"
                " i.wholesale_unit_price_cents * (100 - i.discount_percent) / 100,"
                " CASE WHEN i.product_id IS NULL THEN 1 ELSE 0 END AS rank FROM"
                " (SELECT DISTINCT product_id, packaging_catalog_id FROM stock_batches WHERE status"
                " = 'active' AND packaging_catalog_id IS NOT NULL) pair"
                " JOIN products r ON r.id = pair.product_id"
                " JOIN product_families f ON f.id = r.product_family_id"
                " JOIN price_list_items i ON i.packaging_catalog_id = pair.packaging_catalog_id"
                " AND i.product_category_id = f.product_category_id"
                " AND (i.product_id IS NULL OR i.product_id = pair.product_id)"
                " WHERE i.variant = '' AND i.availability <> 'discontinued'"
                " ORDER BY pair.product_id, pair.packaging_catalog_id, rank, i.id",
                "", "iiii", false},
    [POLYGONS] = {"map.polygons",
                  "SELECT l.id, l.geojson FROM storage_locations l JOIN storage_areas a ON a.id ="
                  " l.storage_area_id WHERE (?1 IS NULL OR a.warehouse_id = ?1) AND l.active"
                  " ORDER BY l.id",
                  "i", "ij", false},
    [TOTALS] = {"map.totals",
                "SELECT (SELECT COUNT(*) FROM warehouses WHERE active),"
                " (SELECT COUNT(*) FROM photo_processing_sessions WHERE posting_status = 'held'),"
                " (SELECT COUNT(*) FROM photo_processing_sessions WHERE posting_status IN"
                " ('unposted', 'held') AND warning IS NOT NULL),"
                " (SELECT COUNT(*) FROM images WHERE deleted_at IS NULL AND captured_at >= ?1),"
                " (SELECT CAST(COALESCE(-SUM(quantity), 0) AS {int}) FROM stock_movements WHERE"
                " movement_type = 'muerte' AND occurred_at >= ?2),"
                " (SELECT CAST(COALESCE(-SUM(quantity), 0) AS {int}) FROM stock_movements WHERE"
                " movement_type = 'ventas' AND occurred_at >= ?4),"
                " (SELECT CAST(COALESCE(-SUM(quantity), 0) AS {int}) FROM stock_movements WHERE"
                " movement_type = 'ventas' AND occurred_at >= ?3 AND occurred_at < ?4)",
                "TTTT", "iiiiiii", false},
};
STORE_QUERIES(map_queries, queries);

struct price {
    int64_t product, packaging, net;
};

struct work {
    struct store_tx *tx;
    const struct inv_ctx *c;
    struct dm_arena *a;
    struct map_claro *claro; /* [n] by id */
    size_t n;
    struct price *price; /* [n_price] by product and packaging */
    size_t n_price;
};

static int64_t id_of(const struct store_value *v)
{
    return v->null ? 0 : v->i;
}

/* Both lists run by id of the claro: the next one of ours that is theirs, or NULL. */
static struct map_claro *walk(struct work *w, size_t *at, int64_t id)
{
    while (*at < w->n && w->claro[*at].id < id) {
        (*at)++;
    }
    return *at < w->n && w->claro[*at].id == id ? &w->claro[*at] : NULL;
}

static int read_claros(struct work *w, int64_t warehouse_id, bool with_inactive, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(w->tx, &queries[CLAROS],
                     STORE_ARGS(store_ref(warehouse_id), store_b(with_inactive)), w->a, &rows, e));
    w->claro = dm_arena_calloc(w->a, rows.n, sizeof(*w->claro));
    if (!w->claro) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the map");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        w->claro[i] = (struct map_claro){.id = v[0].i,
                                         .area_id = v[1].i,
                                         .warehouse_id = v[2].i,
                                         .code = v[3].t,
                                         .name = v[4].t,
                                         .qr_code = v[5].t,
                                         .active = v[6].b,
                                         .quality = -1};
    }
    w->n = rows.n;
    return DM_OK;
}

static int read_prices(struct work *w, struct dm_err *e)
{
    struct store_table rows;
    if (inv_grant_of(w->c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO) {
        return DM_OK;
    }
    DM_TRY(store_all(w->tx, &queries[PRICES], STORE_NO_ARGS, w->a, &rows, e));
    w->price = dm_arena_calloc(w->a, rows.n, sizeof(*w->price));
    if (!w->price) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the map");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        const struct price *last = w->n_price ? &w->price[w->n_price - 1] : NULL;
        if (!last || last->product != v[0].i || last->packaging != v[1].i) {
            w->price[w->n_price++] = (struct price){v[0].i, v[1].i, v[2].i};
        }
    }
    return DM_OK;
}

static int by_pair(const void *x, const void *y)
{
    const struct price *p = x;
    const struct price *q = y;
    return p->product != q->product ? (p->product > q->product) - (p->product < q->product)
                                    : (p->packaging > q->packaging) - (p->packaging < q->packaging);
}

/* Net wholesale price in centavos; 0 = none. */
static int64_t price_of(const struct work *w, int64_t product, int64_t packaging)
{
    const struct price key = {product, packaging, 0};
    const struct price *p =
        w->n_price ? bsearch(&key, w->price, w->n_price, sizeof(key), by_pair) : NULL;
    return p ? p->net : 0;
}

static int read_stock(struct work *w, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *v;
    size_t at = 0;
    int64_t most = 0; /* plants in the main pot of the claro at hand */
    double quality = 0;
    int64_t graded = 0;
    const struct map_claro *last = NULL;
    const double uplift = 1 + w->c->settings->growth_uplift_percent / 100.0;
    DM_TRY(store_select(w->tx, &queries[STOCK], STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &v, e);
        if (more <= 0) {
            return more;
        }
        struct map_claro *c = walk(w, &at, v[0].i);
        if (!c) {
            continue;
        }
        if (c != last) {
            most = graded = 0;
            quality = 0;
            last = c;
        }
        const int64_t net = price_of(w, v[1].i, id_of(&v[2]));
        c->plants += v[3].i;
        c->pots += v[4].i;
        c->sellable_plants += v[5].i;
        c->value_cents += v[6].i * net;
        c->potential_cents += (int64_t)((double)(v[4].i * net) * uplift);
        c->unpriced_plants += net ? 0 : v[3].i;
        c->batches += v[7].i;
        quality += v[8].null ? 0 : v[8].r;
        graded += v[9].i;
        c->quality = graded ? quality / (double)graded : -1;
        if (!v[2].null && v[3].i > most) {
            most = v[3].i;
            c->main_packaging_id = v[2].i;
        }
    }
}

static int read_periods(struct work *w, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *v;
    size_t at = 0;
    DM_TRY(store_select(w->tx, &queries[PERIODS], STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &v, e);
        if (more <= 0) {
            return more;
        }
        struct map_claro *c = walk(w, &at, v[0].i);
        if (!c) {
            continue;
        }
        c->empties = id_of(&v[5]);
        if (strcmp(v[1].t, "implicit") == 0) {
            continue;
        }
        c->counted_at = v[2].i;
        c->opening_count = v[3].i;
        c->has_change = !v[4].null;
        if (c->has_change) {
            c->change = v[3].i - v[4].i;
            c->has_pct = v[4].i != 0;
            c->change_pct = c->has_pct ? 100.0 * (double)c->change / (double)v[4].i : 0;
        }
    }
}

static int read_configs(struct work *w, struct dm_err *e)
{
    const int64_t day = INT64_C(86400000);
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *v;
    size_t at = 0;
    DM_TRY(store_select(w->tx, &queries[CONFIGS], STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &v, e);
        if (more <= 0) {
            return more;
        }
        struct map_claro *c = walk(w, &at, v[0].i);
        if (!c) {
            continue;
        }
        const int64_t age = w->c->now_ms - DM_MAX(v[3].i, v[4].i);
        c->config_product_id = v[1].i;
        c->config_packaging_id = id_of(&v[2]);
        c->badge = age > 90 * day  ? MAP_BADGE_YELLOW
                   : age < 7 * day ? MAP_BADGE_BLUE
                                   : MAP_BADGE_GREEN;
    }
}

static int read_photos(struct work *w, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *v;
    size_t at = 0;
    DM_TRY(store_select(w->tx, &queries[PHOTOS], STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &v, e);
        if (more <= 0) {
            return more;
        }
        struct map_claro *c = walk(w, &at, v[0].i);
        if (c) {
            c->last_photo_at = v[1].null ? 0 : v[1].i;
        }
    }
}

static int read_open_photos(struct work *w, struct dm_err *e)
{
    struct store_table rows;
    size_t at = 0;
    DM_TRY(store_all(w->tx, &queries[OPEN_PHOTOS], STORE_NO_ARGS, w->a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        struct map_claro *c = walk(w, &at, store_row(&rows, i)[0].i);
        if (c) {
            c->open_photos = store_row(&rows, i)[1].i;
        }
    }
    return DM_OK;
}

static void colour(struct map_claro *c)
{
    c->colour = !c->counted_at                     ? MAP_GREY
                : c->plants == 0                   ? MAP_RED
                : 2 * c->plants < c->opening_count ? MAP_YELLOW
                                                   : MAP_GREEN;
}

static int by_code(const void *x, const void *y)
{
    return strcmp(((const struct map_claro *)x)->code, ((const struct map_claro *)y)->code);
}

int map_claros_in(struct store_tx *tx, const struct inv_ctx *c, int64_t warehouse_id,
                  bool with_inactive, struct dm_arena *a, const struct map_claro **ret,
                  size_t *ret_n, struct dm_err *e)
{
    static int (*const steps[])(struct work *, struct dm_err *) = {
        read_prices, read_stock, read_periods, read_configs, read_photos, read_open_photos};
    struct work w = {.tx = tx, .c = c, .a = a};
    DM_TRY(read_claros(&w, warehouse_id, with_inactive, e));
    for (size_t i = 0; i < DM_COUNT(steps); i++) {
        DM_TRY(steps[i](&w, e));
    }
    for (size_t i = 0; i < w.n; i++) {
        colour(&w.claro[i]);
    }
    if (w.n) {
        qsort(w.claro, w.n, sizeof(*w.claro), by_code);
    }
    *ret = w.claro;
    *ret_n = w.n;
    return DM_OK;
}

int map_claros(const struct inv_ctx *c, int64_t warehouse_id, bool with_inactive,
               struct dm_arena *a, const struct map_claro **ret, size_t *ret_n, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    return map_claros_in(tx, c, warehouse_id, with_inactive, a, ret, ret_n, e);
}

/* ---- as a table --------------------------------------------------------------------------- */

static const struct sheet_column columns[] = {
    {"id", "", SHEET_INT, false},
    {"code", "", SHEET_TEXT, false},
    {"name", "", SHEET_TEXT, false},
    {"warehouse_id", "", SHEET_INT, false},
    {"area_id", "", SHEET_INT, false},
    {"plants", "", SHEET_INT, false},
    {"pots", "", SHEET_INT, false},
    {"sellable_plants", "", SHEET_INT, false},
    {"empties", "", SHEET_INT, false},
    {"change", "", SHEET_INT, false},
    {"change_pct", "", SHEET_PERCENT, false},
    {"counted_at", "", SHEET_INSTANT, false},
    {"stock_colour", "", SHEET_TEXT, false},
    {"config_badge", "", SHEET_TEXT, false},
    {"current_value", "", SHEET_MONEY, true},
    {"potential_value", "", SHEET_MONEY, true},
    {"geojson", "", SHEET_JSON, false},
};

static void fill(struct sheet_cell *v, const struct map_claro *c)
{
    v[0] = sheet_i(c->id);
    v[1] = sheet_t(c->code);
    v[2] = sheet_t(c->name);
    v[3] = sheet_i(c->warehouse_id);
    v[4] = sheet_i(c->area_id);
    v[5] = sheet_i(c->plants);
    v[6] = sheet_i(c->pots);
    v[7] = sheet_i(c->sellable_plants);
    v[8] = sheet_i(c->empties);
    v[9] = c->has_change ? sheet_i(c->change) : sheet_null();
    v[10] = c->has_pct ? sheet_r(c->change_pct) : sheet_null();
    v[11] = c->counted_at ? sheet_i(c->counted_at) : sheet_null();
    v[12] = sheet_t(map_colour_names[c->colour]);
    v[13] = sheet_t(map_badge_names[c->badge]);
    v[14] = sheet_i(c->value_cents);
    v[15] = sheet_i(c->potential_cents);
}

static const struct store_value *polygon_of(const struct store_table *rows, int64_t id)
{
    size_t low = 0;
    size_t high = rows->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const struct store_value *v = store_row(rows, mid);
        if (v[0].i == id) {
            return &v[1];
        }
        *(v[0].i < id ? &low : &high) = v[0].i < id ? mid + 1 : mid;
    }
    return NULL;
}

int map_sheet(const struct inv_ctx *c, int64_t warehouse_id, bool polygons, struct dm_arena *a,
              struct sheet **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct map_claro *claro;
    size_t n;
    struct store_table shapes = {0};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(map_claros_in(tx, c, warehouse_id, false, a, &claro, &n, e));
    if (polygons) {
        DM_TRY(
            store_all(tx, &queries[POLYGONS], STORE_ARGS(store_ref(warehouse_id)), a, &shapes, e));
    }
    struct sheet *s =
        sheet_begin(c, "claros", "Claros", columns, DM_COUNT(columns) - (polygons ? 0 : 1), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t i = 0; i < n; i++) {
        struct sheet_cell *row = sheet_add(s, a);
        if (!row) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        fill(row, &claro[i]);
        const struct store_value *shape = polygons ? polygon_of(&shapes, claro[i].id) : NULL;
        if (shape) {
            row[16] = sheet_t(shape->t);
        }
    }
    if (inv_grant_of(c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO) {
        DM_TRY(sheet_hide_money(s, a, e));
    }
    *ret = s;
    return DM_OK;
}

/* ---- dashboard ---------------------------------------------------------------------------- */

int map_dashboard(const struct inv_ctx *c, struct map_dashboard *ret, struct dm_err *e)
{
    const int64_t day = INT64_C(86400000);
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct map_dashboard d = {0};
    const struct map_claro *claro;
    const struct store_value *v;
    struct dm_civil first = dm_zone_civil(c->zone, c->now_ms);
    first = (struct dm_civil){.year = first.year, .month = first.month, .day = 1};
    struct dm_civil before = first;
    before.month--;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    size_t n;
    DM_TRY(map_claros_in(tx, c, 0, false, &a, &claro, &n, e));
    for (size_t i = 0; i < n; i++) {
        d.plants += claro[i].plants;
        d.pots += claro[i].pots;
        d.sellable_plants += claro[i].sellable_plants;
        d.batches += claro[i].batches;
        d.value_cents += claro[i].value_cents;
        d.configured += claro[i].badge != MAP_BADGE_RED;
        d.uncounted_35_days += c->now_ms - claro[i].counted_at > 35 * day;
    }
    d.claros = (int64_t)n;
    DM_TRY(store_one(tx, &queries[TOTALS],
                     STORE_ARGS(store_at(c->now_ms - 7 * day), store_at(c->now_ms - 30 * day),
                                store_at(dm_zone_instant(c->zone, &before)),
                                store_at(dm_zone_instant(c->zone, &first))),
                     &a, &v, e));
    d.warehouses = v[0].i;
    d.held_counts = v[1].i;
    d.open_warnings = v[2].i;
    d.photos_7_days = v[3].i;
    d.deaths_30_days = v[4].i;
    d.sales_month = v[5].i;
    d.sales_previous_month = v[6].i;
    d.sellable_pct = d.plants ? 100.0 * (double)d.sellable_plants / (double)d.plants : 0;
    *ret = d;
    return DM_OK;
}

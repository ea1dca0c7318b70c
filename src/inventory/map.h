/* SPDX-License-Identifier: Apache-2.0
 *
 * What the map shows (domain.md section 14.1): stock, money and freshness of every claro in one go,
 * a nave's or the whole nursery's; one claro in detail; its history; the dashboard. The map is
 * asked for by every screen: with 1,290 claros it is a few queries of one pass each, and grows with
 * the number of claros, not with their history. */
#ifndef INVENTORY_MAP_H
#define INVENTORY_MAP_H

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

enum map_colour { MAP_GREY, MAP_RED, MAP_YELLOW, MAP_GREEN, MAP_COLOUR_MAX_ };
extern const char *const map_colour_names[]; /* never counted, empty, below half, else */

/* Badge of a configuration (domain.md section 6). */
enum map_badge { MAP_BADGE_RED, MAP_BADGE_YELLOW, MAP_BADGE_BLUE, MAP_BADGE_GREEN, MAP_BADGE_MAX_ };
extern const char *const map_badge_names[];

struct map_claro {
    int64_t id, area_id, warehouse_id;
    const char *code, *name, *qr_code;
    bool active;
    int64_t plants, pots, sellable_plants, empties, batches;
    int64_t value_cents, potential_cents; /* domain.md 14.1; 0 for those who may not see prices */
    int64_t unpriced_plants;
    int64_t main_packaging_id; /* the pot with most plants; 0 = none */
    int64_t counted_at;        /* of the last posted count; 0 = never */
    int64_t opening_count;     /* of the open period */
    int64_t change;            /* latest minus previous posted count */
    double change_pct;         /* valid when has_pct */
    bool has_change, has_pct;
    enum map_colour colour;
    enum map_badge badge;
    int64_t config_product_id, config_packaging_id;
    double quality;                     /* mean of batches by plants; < 0 = unknown */
    int64_t last_photo_at, open_photos; /* failed or held */
};

/* Claros of a nave (0 = all), by code; inactive ones only when wanted. Needs READ. */
DM_MUST_CHECK int map_claros(const struct inv_ctx *c, int64_t warehouse_id, bool with_inactive,
                             struct dm_arena *a, const struct map_claro **ret, size_t *ret_n,
                             struct dm_err *e);
DM_MUST_CHECK int map_claros_in(struct store_tx *tx, const struct inv_ctx *c, int64_t warehouse_id,
                                bool with_inactive, struct dm_arena *a,
                                const struct map_claro **ret, size_t *ret_n, struct dm_err *e);

/* The same as a table; with their polygons for GeoJSON. */
DM_MUST_CHECK int map_sheet(const struct inv_ctx *c, int64_t warehouse_id, bool polygons,
                            struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* Periods of a claro, newest first (domain.md section 14.2): a page of a sheet with start, end,
 * kind, opening, planted, in, out, deaths, sales, adjustments, closing, net, growth. Columns of
 * sums over all periods are the totals. INV_NOT_FOUND. */
DM_MUST_CHECK int map_history(const struct inv_ctx *c, int64_t location_id, size_t page,
                              size_t per_page, struct dm_arena *a, struct sheet **ret,
                              int64_t *ret_total, struct dm_err *e);

/* What happened in the newest period of a claro: 1, or 0 without one. */
struct map_period {
    int64_t opening, planted, transfer_in, deaths, closing;
};
DM_MUST_CHECK int map_last_period(struct store_tx *tx, int64_t location_id, struct map_period *ret,
                                  struct dm_err *e);

/* The tree of naves, canteros and claros with figures and shapes (api.md 5.9: MapBulk), of a nave
 * (0: all) and of those that touch a box (NULL: everywhere). polygons: of claros, too. */
struct map_box {
    double min_lon, min_lat, max_lon, max_lat;
};
DM_MUST_CHECK int map_tree(const struct inv_ctx *c, int64_t warehouse_id, const struct map_box *box,
                           bool polygons, json_t **ret, struct dm_err *e);

/* One claro in detail (LocationDetail); marks: with the first 2,000 detections. INV_NOT_FOUND. */
DM_MUST_CHECK int map_detail(const struct inv_ctx *c, int64_t location_id, bool marks, json_t **ret,
                             struct dm_err *e);

/* Claros that are due: not counted for so many days, or never; by nave, of one (0: all), longest
 * wait first. Needs READ. */
DM_MUST_CHECK int map_coverage(const struct inv_ctx *c, int64_t warehouse_id, int64_t days,
                               json_t **ret, struct dm_err *e);

struct map_dashboard {
    int64_t plants, pots, sellable_plants, batches, claros, warehouses, configured;
    int64_t value_cents;
    int64_t deaths_30_days, sales_month, sales_previous_month;
    int64_t uncounted_35_days, open_warnings, held_counts, photos_7_days;
    double sellable_pct; /* 0 with nothing in stock */
};
DM_MUST_CHECK int map_dashboard(const struct inv_ctx *c, struct map_dashboard *ret,
                                struct dm_err *e);

extern const struct store_query_table map_coverage_queries;
extern const struct store_query_table map_queries;
extern const struct store_query_table map_history_queries;
extern const struct store_query_table map_tree_queries;
extern const struct store_query_table map_detail_queries;

#endif

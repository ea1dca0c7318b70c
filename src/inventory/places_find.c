/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about places. */
#include "inventory/places_find.h"

#include "geo/geo.h"
#include "inventory/json.h"

enum { AROUND, UP, USED = UP + PLACES_LEVEL_MAX_ };

static const struct store_query queries[] = {
    /* storage_locations_bbox_idx; a box of 10 m meets about ten of 1,300 claros */
    [AROUND] = {"places.search",
                "SELECT l.id, a.id, a.warehouse_id, l.geojson FROM storage_locations l"
                " JOIN storage_areas a ON a.id = l.storage_area_id WHERE l.active"
                " AND l.bbox_min_lon <= ?3 AND l.bbox_max_lon >= ?1 AND l.bbox_min_lat <= ?4"
                " AND l.bbox_max_lat >= ?2 ORDER BY l.area_m2, l.id",
                "rrrr", "iiij"},
    /* the id itself and those above it */
    [UP + PLACES_WAREHOUSE] = {"places.up_warehouse",
                               "SELECT w.id, 0, 0, 0 FROM warehouses w WHERE w.id = ?1", "i",
                               "iiii"},
    [UP + PLACES_AREA] = {"places.up_area",
                          "SELECT a.warehouse_id, a.id, 0, 0 FROM storage_areas a WHERE a.id = ?1",
                          "i", "iiii"},
    [UP + PLACES_LOCATION] = {"places.up_location",
                              "SELECT a.warehouse_id, a.id, l.id, 0 FROM storage_locations l"
                              " JOIN storage_areas a ON a.id = l.storage_area_id WHERE l.id = ?1",
                              "i", "iiii"},
    [UP + PLACES_BIN] = {"places.up_bin",
                         "SELECT a.warehouse_id, a.id, l.id, k.id FROM storage_bins k"
                         " JOIN storage_locations l ON l.id = k.storage_location_id"
                         " JOIN storage_areas a ON a.id = l.storage_area_id WHERE k.id = ?1",
                         "i", "iiii"},
    [USED] =
        {"places.used",
         "SELECT a.area_m2, (SELECT coalesce(SUM(l.area_m2), 0) FROM storage_locations l"
         " WHERE l.storage_area_id = a.id AND l.active AND EXISTS (SELECT 1 FROM storage_bins k"
         " JOIN stock_batches b ON b.storage_bin_id = k.id WHERE k.storage_location_id = l.id"
         " AND b.status = 'active' AND b.quantity_current > 0)) FROM storage_areas a"
         " WHERE a.id = ?1",
         "i", "rr"},
};
STORE_QUERIES(places_find_queries, queries);

/* The best of the claros around: rows come smallest first. */
static int choose(const struct store_table *t, struct geo_point at, struct dm_arena *a,
                  struct places_hit *ret, struct dm_err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct store_value *row = store_row(t, i);
        struct geo_polygon polygon;
        DM_TRY(geo_polygon_parse(row[3].t, row[3].n, a, &polygon, e));
        const bool contains = geo_contains(&polygon, at);
        const double away = contains ? 0 : geo_distance_m(&polygon, at);
        if (away <= GEO_NEAR_M && (!ret->location_id || away < ret->distance_m)) {
            *ret = (struct places_hit){row[0].i, row[1].i, row[2].i, contains, away};
        }
        if (contains) {
            break;
        }
    }
    return DM_OK;
}

int places_at(const struct inv_ctx *c, double lon, double lat, struct places_hit *ret,
              struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct geo_point at = {lon, lat};
    const struct geo_box box = geo_box_around(at, 2 * GEO_NEAR_M);
    struct places_hit hit = {0};
    struct store_table t;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[AROUND],
                     STORE_ARGS(store_r(box.min_lon), store_r(box.min_lat), store_r(box.max_lon),
                                store_r(box.max_lat)),
                     &a, &t, e));
    DM_TRY(choose(&t, at, &a, &hit, e));
    if (!hit.location_id) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "location")),
                  "no claro lies at this point");
    }
    *ret = hit;
    return DM_OK;
}

static const char *const nouns[PLACES_LEVEL_MAX_] = {"warehouse", "area", "location", "bin"};

/* One id against the nearest given one above it. */
static int check_one(struct store_tx *tx, const int64_t id[PLACES_LEVEL_MAX_], int level,
                     json_t *errors, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    json_t *text = NULL;
    int above = level - 1;
    const int found =
        store_maybe(tx, &queries[UP + level], STORE_ARGS(store_i(id[level])), &a, &row, e);
    if (found < 0) {
        return found;
    }
    while (above >= 0 && !id[above]) {
        above--;
    }
    if (!found) {
        text = json_sprintf("%s %lld does not exist", nouns[level], (long long)id[level]);
    } else if (above >= 0 && row[above].i != id[above]) {
        text = json_sprintf("%s %lld does not belong to %s %lld", nouns[level],
                            (long long)id[level], nouns[above], (long long)id[above]);
    } else {
        return DM_OK;
    }
    if (json_array_append_new(errors, text)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    return DM_OK;
}

int places_check(const struct inv_ctx *c, const int64_t id[PLACES_LEVEL_MAX_], json_t **ret_errors,
                 struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *errors = json_array();
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    for (int level = 0; level < PLACES_LEVEL_MAX_; level++) {
        if (id[level]) {
            DM_TRY(check_one(tx, id, level, errors, e));
        }
    }
    *ret_errors = DM_STEAL(errors);
    return DM_OK;
}

int places_used(const struct inv_ctx *c, int64_t area_id, double *ret_area_m2, double *ret_used_m2,
                struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[USED], STORE_ARGS(store_i(area_id)), &a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "area"), DM_I("identifier", area_id)),
                  "there is no area %lld", (long long)area_id);
    }
    *ret_area_m2 = row[0].r;
    *ret_used_m2 = row[1].r;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about places: which claro a point lies in, whether ids belong together, how much of an
 * area is taken. */
#ifndef INVENTORY_PLACES_FIND_H
#define INVENTORY_PLACES_FIND_H

#include "inventory/inventory.h"
#include "store/store.h"

struct places_hit {
    int64_t location_id, area_id, warehouse_id;
    bool contains;     /* else the edge is near */
    double distance_m; /* 0 when it contains the point */
};

/* The active claro whose polygon covers a point (the smallest, then the oldest), else the nearest
 * one within GEO_NEAR_M. INV_NOT_FOUND. */
DM_MUST_CHECK int places_at(const struct inv_ctx *c, double lon, double lat, struct places_hit *ret,
                            struct dm_err *e);

/* Ids of four levels, 0 for one that was not said. Each must exist and belong to the nearest given
 * one above it, also across levels that are not given. *ret_errors is an array of texts, empty when
 * all is well, which the caller frees. */
enum places_level { PLACES_WAREHOUSE, PLACES_AREA, PLACES_LOCATION, PLACES_BIN, PLACES_LEVEL_MAX_ };
DM_MUST_CHECK int places_check(const struct inv_ctx *c, const int64_t id[PLACES_LEVEL_MAX_],
                               json_t **ret_errors, struct dm_err *e);

/* Ground of an area, and of its active claros with plants. INV_NOT_FOUND. */
DM_MUST_CHECK int places_used(const struct inv_ctx *c, int64_t area_id, double *ret_area_m2,
                              double *ret_used_m2, struct dm_err *e);

extern const struct store_query_table places_find_queries;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The claro of a photograph: what a person said, else what the reading says about the polygons
 * whose boxes are near. */
#include <string.h>

#include "geo/geo.h"
#include "inventory/places.h"
#include "store/store.h"

enum { BY_ID, BY_QR, AROUND };

static const struct store_query queries[] = {
    [BY_ID] = {"places.location_by_id",
               "SELECT id, geojson FROM storage_locations WHERE id = ?1 AND active", "i", "ij"},
    [BY_QR] = {"places.location_by_qr",
               "SELECT id, geojson FROM storage_locations"
               " WHERE {lower:qr_code} = {lower:?1} AND active",
               "t", "ij"},
    /* storage_locations_bbox_idx; a nursery has 1,300 claros, a box of 10 m meets about ten */
    [AROUND] = {"places.locations_around",
                "SELECT id, geojson FROM storage_locations WHERE active AND bbox_min_lon <= ?3"
                " AND bbox_max_lon >= ?1 AND bbox_min_lat <= ?4 AND bbox_max_lat >= ?2 ORDER BY id",
                "rrrr", "ij"},
};
STORE_QUERIES(places_locate_queries, queries);

static int said(struct store_tx *tx, const struct places_photo *photo, struct dm_arena *a,
                struct places_answer *ret, struct dm_err *e)
{
    const struct store_value *row;
    struct geo_polygon polygon;
    const bool by_id = photo->location_id != 0;
    const int found =
        by_id
            ? store_maybe(tx, &queries[BY_ID], STORE_ARGS(store_i(photo->location_id)), a, &row, e)
            : store_maybe(tx, &queries[BY_QR], STORE_ARGS(store_t(photo->qr_code)), a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found && by_id) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "location"), DM_I("identifier", photo->location_id)),
                  "there is no active claro %lld", (long long)photo->location_id);
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "location"), DM_S("identifier", photo->qr_code)),
                  "no active claro has the label '%.40s'", photo->qr_code);
    }
    *ret = (struct places_answer){.location_id = row[0].i, .source = by_id ? "explicit" : "qr"};
    if (photo->has_gps) {
        DM_TRY(geo_polygon_parse(row[1].t, row[1].n, a, &polygon, e));
        const double away = geo_distance_m(&polygon, (struct geo_point){photo->lon, photo->lat});
        ret->warning = away > GEO_FAR_M ? PLACES_UNCERTAIN : PLACES_SURE;
    }
    return DM_OK;
}

static int around(struct store_tx *tx, const struct places_photo *photo, struct dm_arena *a,
                  struct geo_candidate **ret, size_t *ret_n, struct dm_err *e)
{
    const struct geo_box box = geo_box_around((struct geo_point){photo->lon, photo->lat},
                                              geo_reach_m(photo->gps_error_m) + GEO_NEAR_M);
    struct store_table t;
    DM_TRY(store_all(tx, &queries[AROUND],
                     STORE_ARGS(store_r(box.min_lon), store_r(box.min_lat), store_r(box.max_lon),
                                store_r(box.max_lat)),
                     a, &t, e));
    struct geo_candidate *list = dm_arena_calloc(a, t.n, sizeof(*list));
    struct geo_polygon *polygon = dm_arena_calloc(a, t.n, sizeof(*polygon));
    if (!list || !polygon) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the map");
    }
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        DM_TRY(geo_polygon_parse(row[1].t, row[1].n, a, &polygon[i], e));
        list[i] = (struct geo_candidate){row[0].i, &polygon[i]};
    }
    *ret = list;
    *ret_n = t.n;
    return DM_OK;
}

int places_locate(struct store_tx *tx, const struct places_photo *photo, struct dm_arena *a,
                  struct places_answer *ret, struct dm_err *e)
{
    struct geo_candidate *c = NULL;
    size_t n = 0;
    struct geo_fix fix;
    if (photo->location_id || photo->qr_code) {
        return said(tx, photo, a, ret, e);
    }
    if (!photo->has_gps) {
        *ret = (struct places_answer){.warning = PLACES_NONE};
        return DM_OK;
    }
    DM_TRY(around(tx, photo, a, &c, &n, e));
    DM_TRY(geo_find(c, n, (struct geo_point){photo->lon, photo->lat}, photo->gps_error_m, &fix, e));
    *ret = (struct places_answer){
        .location_id = fix.id,
        .source = fix.id ? "gps" : NULL,
        .warning = fix.verdict == GEO_FOUND     ? PLACES_SURE
                   : fix.verdict == GEO_NOWHERE ? PLACES_NONE
                                                : PLACES_UNCERTAIN,
        .suggested = fix.verdict == GEO_SUGGESTED,
        .n_suggestion = fix.n_near,
    };
    memcpy(ret->suggestion, fix.near, fix.n_near * sizeof(fix.near[0]));
    return DM_OK;
}

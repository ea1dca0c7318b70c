/* SPDX-License-Identifier: Apache-2.0
 *
 * What GEOS answers for us: is a ring a polygon, what do two polygons share, how narrow is one.
 * Each call has a context of its own, so nothing is shared between threads; making one costs
 * microseconds. Measures are taken on a plane of metres. */
#include <stdio.h>
#include <string.h>

#include <geos_c.h>

#include "geo/geo_private.h"

/* A context and at most a handful of geometries that die together. */
struct work {
    GEOSContextHandle_t geos;
    GEOSGeometry *made[6];
    size_t n;
    char *text;
};

static void work_clear(struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        GEOSGeom_destroy_r(w->geos, w->made[i]);
    }
    if (w->text) {
        GEOSFree_r(w->geos, w->text);
    }
    if (w->geos) {
        GEOS_finish_r(w->geos);
    }
}

static GEOSGeometry *keep(struct work *w, GEOSGeometry *g)
{
    if (g) {
        DM_BUG_UNLESS(w->n < DM_COUNT(w->made));
        w->made[w->n++] = g;
    }
    return g;
}

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for geometry");
}

/* The ring as a polygon on the plane; NULL when out of memory. */
static const GEOSGeometry *make(struct work *w, const struct geo_point *at, size_t n,
                                const struct geo_plane *plane)
{
    GEOSCoordSequence *list = GEOSCoordSeq_create_r(w->geos, (unsigned)n, 2);
    for (size_t i = 0; list && i < n; i++) {
        const struct geo_xy p = geo_flat(plane, at[i]);
        if (!GEOSCoordSeq_setXY_r(w->geos, list, (unsigned)i, p.x, p.y)) {
            GEOSCoordSeq_destroy_r(w->geos, list);
            return NULL;
        }
    }
    GEOSGeometry *ring = list ? GEOSGeom_createLinearRing_r(w->geos, list) : NULL;  /* takes list */
    return ring ? keep(w, GEOSGeom_createPolygon_r(w->geos, ring, NULL, 0)) : NULL; /* takes ring */
}

int geo_ring_check(const struct geo_point *at, size_t n, struct dm_err *e)
{
    DM_CLEANUP(work_clear) struct work w = {.geos = GEOS_init_r()};
    const struct geo_plane degrees = {at[0], 1.0, 1.0};
    GEOSGeometry *where = NULL;
    const GEOSGeometry *g = w.geos ? make(&w, at, n, &degrees) : NULL;
    if (!g) {
        return no_memory(e);
    }
    const char valid = GEOSisValidDetail_r(w.geos, g, 0, &w.text, &where);
    (void)keep(&w, where);
    if (valid == 1) {
        return DM_OK;
    }
    double x;
    double y;
    if (valid != 0 || !where || !GEOSGeomGetX_r(w.geos, where, &x) ||
        !GEOSGeomGetY_r(w.geos, where, &y)) {
        return no_memory(e);
    }
    const double lon = at[0].lon + x;
    const double lat = at[0].lat + y;
    const bool empty = w.text && strstr(w.text, "Too few points");
    DM_REFUSE(
        e, DM_EBADINPUT,
        DM_FIELDS(DM_S("reason", empty ? "empty" : "crossing"), DM_F("lon", lon), DM_F("lat", lat)),
        empty ? "the ring encloses no area (longitude %.7f, latitude %.7f)"
              : "the ring meets itself at longitude %.7f, latitude %.7f",
        lon, lat);
}

static bool boxes_apart(const struct geo_box *a, const struct geo_box *b)
{
    return a->max_lon <= b->min_lon || b->max_lon <= a->min_lon || a->max_lat <= b->min_lat ||
           b->max_lat <= a->min_lat;
}

int geo_overlap_share(const struct geo_polygon *p, const struct geo_polygon *q, double *ret_share,
                      struct dm_err *e)
{
    if (boxes_apart(&p->box, &q->box)) {
        *ret_share = 0;
        return DM_OK;
    }
    DM_CLEANUP(work_clear) struct work w = {.geos = GEOS_init_r()};
    const struct geo_plane plane = geo_plane_of(p->at, p->n);
    const GEOSGeometry *a = w.geos ? make(&w, p->at, p->n, &plane) : NULL;
    const GEOSGeometry *b = a ? make(&w, q->at, q->n, &plane) : NULL;
    const GEOSGeometry *both = b ? keep(&w, GEOSIntersection_r(w.geos, a, b)) : NULL;
    double shared;
    double area_p;
    double area_q;
    if (!both || !GEOSArea_r(w.geos, both, &shared) || !GEOSArea_r(w.geos, a, &area_p) ||
        !GEOSArea_r(w.geos, b, &area_q)) {
        return no_memory(e);
    }
    const double share = shared / DM_MIN(area_p, area_q);
    *ret_share = DM_CLAMP(share, 0.0, 1.0);
    return DM_OK;
}

int geo_short_side_m(const struct geo_polygon *p, double *ret_m, struct dm_err *e)
{
    DM_CLEANUP(work_clear) struct work w = {.geos = GEOS_init_r()};
    const struct geo_plane plane = geo_plane_of(p->at, p->n);
    const GEOSGeometry *g = w.geos ? make(&w, p->at, p->n, &plane) : NULL;
    const GEOSGeometry *width = g ? keep(&w, GEOSMinimumWidth_r(w.geos, g)) : NULL;
    double m;
    if (!width || !GEOSLength_r(w.geos, width, &m)) {
        return no_memory(e);
    }
    *ret_m = m;
    return DM_OK;
}

size_t geo_libraries(struct dm_library ret[static DM_LIBRARIES_MAX])
{
    ret[0] = (struct dm_library){.name = "geos"};
    const char *version = GEOSversion(); /* "3.11.1-CAPI-1.17.1" */
    (void)snprintf(ret[0].version, sizeof(ret[0].version), "%.*s", (int)strcspn(version, "-"),
                   version);
    return 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Polygons on the ground: naves, canteros and claros, drawn in longitude and latitude (WGS84) and
 * measured in metres. Sizes to expect: 3 m2 to a few hectares, 4 to 1,000 positions, 1,400 polygons
 * in a nursery. Knows no database and no business rule; inventory/ has those.
 *
 * Metres: a polygon is laid flat around its mean latitude with the radii of curvature of WGS84
 * there, x = (lon - lon0) N cos(lat0), y = (lat - lat0) M. Error of areas below 0.1 % up to some
 * kilometres. Areas, distances and validity are taken on that plane.
 *
 * Memory: results lie in the caller's arena. Threads: all functions are reentrant. */
#ifndef GEO_GEO_H
#define GEO_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/library.h"

struct geo_point {
    double lon, lat; /* degrees, -180..180, -90..90 */
};

struct geo_box {
    double min_lon, min_lat, max_lon, max_lat;
};

/* A valid polygon with what follows from it: one ring that does not cross itself. */
struct geo_polygon {
    const struct geo_point *at; /* [n], at[n - 1] equals at[0] */
    size_t n;                   /* 4 .. LIMIT_POLYGON_POSITIONS */
    struct geo_box box;
    double area_m2;            /* > 0 */
    struct geo_point centroid; /* area-weighted; may lie outside a bent polygon */
};

#define GEO_EDGE_M 0.001 /* a point this near to an edge is on it: coordinates are not finer */

/* ---- GeoJSON --------------------------------------------------------------------------------- */

/* GeoJSON Polygon {"type":"Polygon","coordinates":[[[lon,lat],...]]} of exactly one closed ring; a
 * third number of a position (height) is dropped. DM_EBADINPUT says what is wrong, with field
 * "reason": not_json, type, holes, positions, closed, range, crossing, empty. */
DM_MUST_CHECK int geo_polygon_parse(const char *text, size_t n, struct dm_arena *a,
                                    struct geo_polygon *ret, struct dm_err *e);

/* The same from a parsed value, borrowed. */
DM_MUST_CHECK int geo_polygon_of_json(const json_t *value, struct dm_arena *a,
                                      struct geo_polygon *ret, struct dm_err *e);

/* The same from a closed ring at[n], which is copied. */
DM_MUST_CHECK int geo_polygon_of_ring(const struct geo_point *at, size_t n, struct dm_arena *a,
                                      struct geo_polygon *ret, struct dm_err *e);

/* GeoJSON text that parses back to the same numbers; NULL when out of memory. */
const char *geo_polygon_print(const struct geo_polygon *p, struct dm_arena *a);

/* ---- measures -------------------------------------------------------------------------------- */

/* Inside or on the edge (within GEO_EDGE_M). Box first, then ray casting. */
bool geo_contains(const struct geo_polygon *p, struct geo_point at);

/* Metres to the nearest edge, also from inside; and 0 when the polygon contains the point. */
double geo_edge_distance_m(const struct geo_polygon *p, struct geo_point at);
double geo_distance_m(const struct geo_polygon *p, struct geo_point at);

/* First position of child that is neither inside parent nor within tolerance_m of its edge, or -1
 * when child is nested. *ret_off_m (NULL allowed): how far that position is off. */
int geo_outside(const struct geo_polygon *parent, const struct geo_polygon *child,
                double tolerance_m, double *ret_off_m);
#define GEO_NESTING_TOLERANCE_M 0.5

/* Shared area over the smaller area, 0..1. DM_ENOMEM. */
DM_MUST_CHECK int geo_overlap_share(const struct geo_polygon *p, const struct geo_polygon *q,
                                    double *ret_share, struct dm_err *e);
#define GEO_SIBLING_OVERLAP 0.05 /* above it siblings get a warning */

/* Smallest distance of two parallel lines with the polygon between: the short side of a rectangle.
 * DM_ENOMEM. */
DM_MUST_CHECK int geo_short_side_m(const struct geo_polygon *p, double *ret_m, struct dm_err *e);

/* The box of all points within metres of a point, for the search in bounding-box columns. */
struct geo_box geo_box_around(struct geo_point at, double metres);

/* ---- which place holds a point (domain.md section 5.2) --------------------------------------- */

struct geo_candidate {
    int64_t id;
    const struct geo_polygon *polygon;
};

enum geo_verdict {
    GEO_NOWHERE,   /* nothing near: somebody has to choose */
    GEO_SUGGESTED, /* found, but the reading is too coarse: somebody has to confirm */
    GEO_NEAR,      /* outside of all, one is within GEO_NEAR_M: taken, uncertain */
    GEO_FOUND
};
#define GEO_NEAR_M   5.0
#define GEO_FAR_M    50.0 /* an explicit place this far from the reading is doubted */
#define GEO_NEAR_MAX 8

struct geo_fix {
    enum geo_verdict verdict;
    int64_t id;                 /* 0 for GEO_NOWHERE */
    int64_t near[GEO_NEAR_MAX]; /* others within the error of the reading, nearest first */
    size_t n_near;
};

/* c[n] are the active places whose boxes are near the point (geo_box_around with geo_reach_m).
 * error_m is the recorded error of the reading, negative when unknown. DM_ENOMEM. */
DM_MUST_CHECK int geo_find(const struct geo_candidate *c, size_t n, struct geo_point at,
                           double error_m, struct geo_fix *ret, struct dm_err *e);

/* How far around a reading candidates matter. */
double geo_reach_m(double error_m);

/* Name and version of GEOS, for `demeter version`; returns how many rows were written. */
size_t geo_libraries(struct dm_library ret[static DM_LIBRARIES_MAX]);

#endif

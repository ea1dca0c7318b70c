/* SPDX-License-Identifier: Apache-2.0
 *
 * Within geo/: the flat plane of a polygon, and GEOS on it. */
#ifndef GEO_GEO_PRIVATE_H
#define GEO_GEO_PRIVATE_H

#include "geo/geo.h"

/* Metres per degree around an origin. */
struct geo_plane {
    struct geo_point origin;
    double x_per_lon, y_per_lat;
};

struct geo_xy {
    double x, y; /* metres */
};

/* Plane at a latitude with its zero at origin. */
struct geo_plane geo_plane_at(struct geo_point origin, double lat);

/* Plane of a ring: zero at its first position, at its mean latitude. */
struct geo_plane geo_plane_of(const struct geo_point *at, size_t n);

static inline struct geo_xy geo_flat(const struct geo_plane *plane, struct geo_point at)
{
    return (struct geo_xy){(at.lon - plane->origin.lon) * plane->x_per_lon,
                           (at.lat - plane->origin.lat) * plane->y_per_lat};
}

/* Whether the ring at[n] is a valid polygon for GEOS. Checked in degrees from the first position:
 * stretching does not change the answer, and such differences are exact. DM_EBADINPUT with reason
 * and place; DM_ENOMEM. */
DM_MUST_CHECK int geo_ring_check(const struct geo_point *at, size_t n, struct dm_err *e);

#endif

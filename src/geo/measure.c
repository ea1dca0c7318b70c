/* SPDX-License-Identifier: Apache-2.0
 *
 * Plane, area, centroid, distances, nesting: plain loops over the ring. A nursery's polygons have
 * tens of edges, so nothing here keeps an index. */
#include <math.h>

#include "geo/geo_private.h"

/* WGS84 (NGA.STND.0036): semi-major axis in metres and first eccentricity squared. */
static const double wgs84_a = 6378137.0;
static const double wgs84_e2 = 6.69437999014e-3;
static const double radians = 0.017453292519943295; /* per degree */

struct geo_plane geo_plane_at(struct geo_point origin, double lat)
{
    const double s = sin(lat * radians);
    const double w = sqrt(1.0 - wgs84_e2 * s * s);
    const double meridian = wgs84_a * (1.0 - wgs84_e2) / (w * w * w); /* radius M */
    const double prime = wgs84_a / w;                                 /* radius N */
    return (struct geo_plane){origin, prime * cos(lat * radians) * radians, meridian * radians};
}

struct geo_plane geo_plane_of(const struct geo_point *at, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        sum += at[i].lat;
    }
    return geo_plane_at(at[0], sum / (double)(n - 1));
}

/* Metres from p to the segment a b. */
static double segment_distance(struct geo_xy a, struct geo_xy b, struct geo_xy p)
{
    const double dx = b.x - a.x;
    const double dy = b.y - a.y;
    const double length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0;
    t = DM_CLAMP(t, 0.0, 1.0);
    return hypot(p.x - (a.x + t * dx), p.y - (a.y + t * dy));
}

double geo_edge_distance_m(const struct geo_polygon *p, struct geo_point at)
{
    const struct geo_plane plane = geo_plane_of(p->at, p->n);
    const struct geo_xy point = geo_flat(&plane, at);
    double nearest = INFINITY;
    for (size_t i = 0; i + 1 < p->n; i++) {
        const double d =
            segment_distance(geo_flat(&plane, p->at[i]), geo_flat(&plane, p->at[i + 1]), point);
        nearest = DM_MIN(nearest, d);
    }
    return nearest;
}

/* Edges to the right of the point, counted half-open so that a vertex counts once: W. Randolph
 * Franklin, "PNPOLY". */
static bool ray_cast(const struct geo_polygon *p, struct geo_point at)
{
    bool inside = false;
    for (size_t i = 0; i + 1 < p->n; i++) {
        const struct geo_point a = p->at[i];
        const struct geo_point b = p->at[i + 1];
        if ((a.lat > at.lat) != (b.lat > at.lat) &&
            at.lon < (b.lon - a.lon) * (at.lat - a.lat) / (b.lat - a.lat) + a.lon) {
            inside = !inside;
        }
    }
    return inside;
}

bool geo_contains(const struct geo_polygon *p, struct geo_point at)
{
    const double edge =
        GEO_EDGE_M / 1e5; /* degrees: a little more than GEO_EDGE_M at the equator */
    const double edge_lon = edge / DM_MAX(cos(at.lat * radians), 1e-6);
    if (at.lon < p->box.min_lon - edge_lon || at.lon > p->box.max_lon + edge_lon ||
        at.lat < p->box.min_lat - edge || at.lat > p->box.max_lat + edge) {
        return false;
    }
    return ray_cast(p, at) || geo_edge_distance_m(p, at) <= GEO_EDGE_M;
}

double geo_distance_m(const struct geo_polygon *p, struct geo_point at)
{
    return geo_contains(p, at) ? 0.0 : geo_edge_distance_m(p, at);
}

int geo_outside(const struct geo_polygon *parent, const struct geo_polygon *child,
                double tolerance_m, double *ret_off_m)
{
    for (size_t i = 0; i + 1 < child->n; i++) {
        const double off = geo_distance_m(parent, child->at[i]);
        if (off > tolerance_m) {
            if (ret_off_m) {
                *ret_off_m = off;
            }
            return (int)i;
        }
    }
    return -1;
}

struct geo_box geo_box_around(struct geo_point at, double metres)
{
    const struct geo_plane plane = geo_plane_at(at, at.lat);
    const double lat = metres / plane.y_per_lat;
    const double lon = metres / DM_MAX(plane.x_per_lon, 1e-3);
    return (struct geo_box){at.lon - lon, at.lat - lat, at.lon + lon, at.lat + lat};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * GeoJSON (RFC 7946) polygons in and out, and the checks that make a ring a polygon. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "geo/geo_private.h"

#define REFUSE(e, reason, ...)                                                                     \
    DM_REFUSE((e), DM_EBADINPUT, DM_FIELDS(DM_S("reason", (reason))), __VA_ARGS__)

static bool same(struct geo_point a, struct geo_point b)
{
    return a.lon == b.lon && a.lat == b.lat;
}

static int check_positions(const struct geo_point *at, size_t n, struct dm_err *e)
{
    if (n < 4 || n > LIMIT_POLYGON_POSITIONS) {
        REFUSE(e, "positions", "a ring has 4 to %d positions, this one %zu",
               LIMIT_POLYGON_POSITIONS, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(at[i].lon) <= 180.0 && fabs(at[i].lat) <= 90.0)) {
            REFUSE(e, "range", "position %zu is not a longitude and a latitude in degrees", i + 1);
        }
    }
    if (!same(at[0], at[n - 1])) {
        REFUSE(e, "closed", "the last position of the ring is not the first one");
    }
    return DM_OK;
}

/* Shoelace on the plane; the zero at the first position keeps the products small. */
static void measure(const struct geo_plane *plane, struct geo_polygon *p)
{
    double twice = 0;
    double x = 0;
    double y = 0;
    p->box = (struct geo_box){p->at[0].lon, p->at[0].lat, p->at[0].lon, p->at[0].lat};
    for (size_t i = 0; i + 1 < p->n; i++) {
        const struct geo_xy a = geo_flat(plane, p->at[i]);
        const struct geo_xy b = geo_flat(plane, p->at[i + 1]);
        const double cross = a.x * b.y - b.x * a.y;
        twice += cross;
        x += (a.x + b.x) * cross;
        y += (a.y + b.y) * cross;
        p->box.min_lon = DM_MIN(p->box.min_lon, p->at[i].lon);
        p->box.max_lon = DM_MAX(p->box.max_lon, p->at[i].lon);
        p->box.min_lat = DM_MIN(p->box.min_lat, p->at[i].lat);
        p->box.max_lat = DM_MAX(p->box.max_lat, p->at[i].lat);
    }
    p->area_m2 = fabs(twice) / 2;
    p->centroid = plane->origin;
    if (p->area_m2 > 0) {
        p->centroid.lon += x / (3 * twice) / plane->x_per_lon;
        p->centroid.lat += y / (3 * twice) / plane->y_per_lat;
    }
}

int geo_polygon_of_ring(const struct geo_point *at, size_t n, struct dm_arena *a,
                        struct geo_polygon *ret, struct dm_err *e)
{
    DM_TRY(check_positions(at, n, e));
    const struct geo_plane plane = geo_plane_of(at, n);
    struct geo_polygon p = {.at = at, .n = n};
    if (plane.x_per_lon < 1.0) { /* within a hundred metres of a pole there is no such plane */
        REFUSE(e, "range", "a polygon at the pole cannot be measured");
    }
    DM_TRY(geo_ring_check(at, n, e));
    measure(&plane, &p);
    if (!(p.area_m2 > 0)) { /* too thin for numbers */
        REFUSE(e, "empty", "the ring encloses no area");
    }
    struct geo_point *copy = dm_arena_calloc(a, n, sizeof(*copy));
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon");
    }
    memcpy(copy, at, n * sizeof(*copy));
    p.at = copy;
    *ret = p;
    return DM_OK;
}

/* One position of two or three numbers. */
static bool position(const json_t *value, struct geo_point *ret)
{
    const size_t n = json_array_size(value);
    const json_t *lon = json_array_get(value, 0);
    const json_t *lat = json_array_get(value, 1);
    if (n < 2 || n > 3 || !json_is_number(lon) || !json_is_number(lat) ||
        (n == 3 && !json_is_number(json_array_get(value, 2)))) {
        return false;
    }
    /* + 0.0 turns -0.0 into 0.0, which JSON cannot keep apart */
    *ret = (struct geo_point){json_number_value(lon) + 0.0, json_number_value(lat) + 0.0};
    return true;
}

int geo_polygon_of_json(const json_t *value, struct dm_arena *a, struct geo_polygon *ret,
                        struct dm_err *e)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    const json_t *rings = json_object_get(value, "coordinates");
    if (!type || strcmp(type, "Polygon") != 0 || !json_is_array(rings)) {
        REFUSE(e, "type", "expected a GeoJSON Polygon, got %.40s", type ? type : "something else");
    }
    if (json_array_size(rings) != 1 || !json_is_array(json_array_get(rings, 0))) {
        REFUSE(e, "holes", "a polygon has exactly one ring here, this one %zu",
               json_array_size(rings));
    }
    const json_t *ring = json_array_get(rings, 0);
    const size_t n = json_array_size(ring);
    if (n > LIMIT_POLYGON_POSITIONS) { /* before any memory is taken for them */
        return check_positions(NULL, n, e);
    }
    struct geo_point *at = dm_arena_calloc(a, n, sizeof(*at));
    if (!at) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon");
    }
    for (size_t i = 0; i < n; i++) {
        if (!position(json_array_get(ring, i), &at[i])) {
            REFUSE(e, "positions", "position %zu is not [longitude, latitude]", i + 1);
        }
    }
    return geo_polygon_of_ring(at, n, a, ret, e);
}

int geo_polygon_parse(const char *text, size_t n, struct dm_arena *a, struct geo_polygon *ret,
                      struct dm_err *e)
{
    json_error_t why;
    if (n > LIMIT_POLYGON_BYTES) {
        REFUSE(e, "positions", "a polygon has at most %zu bytes", LIMIT_POLYGON_BYTES);
    }
    json_t *value = json_loadb(text, n, 0, &why);
    if (!value) {
        REFUSE(e, "not_json", "not JSON: %.120s", why.text);
    }
    const int code = geo_polygon_of_json(value, a, ret, e);
    json_decref(value);
    return code;
}

/* Shortest decimal that reads back as x. */
static const char *print_number(double x, char ret[static 32])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(ret, 32, "%.*g", digits, x);
        if (strtod(ret, NULL) == x) {
            break;
        }
    }
    return ret;
}

const char *geo_polygon_print(const struct geo_polygon *p, struct dm_arena *a)
{
    static const char head[] = "{\"type\":\"Polygon\",\"coordinates\":[[";
    static const char tail[] = "]]}";
    const size_t room = sizeof(head) + sizeof(tail) + p->n * 64;
    char *text = dm_arena_alloc(a, room);
    char lon[32];
    char lat[32];
    if (!text) {
        return NULL;
    }
    memcpy(text, head, sizeof(head));
    size_t used = sizeof(head) - 1;
    for (size_t i = 0; i < p->n; i++) {
        const int n = snprintf(text + used, room - used, "%s[%s,%s]", i ? "," : "",
                               print_number(p->at[i].lon, lon), print_number(p->at[i].lat, lat));
        used += n > 0 ? (size_t)n : 0;
    }
    memcpy(text + used, tail, sizeof(tail));
    return text;
}

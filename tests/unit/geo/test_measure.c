/* SPDX-License-Identifier: Apache-2.0
 *
 * Areas, centroids, distances, nesting, overlaps, widths, each against a way that shares nothing
 * with it: slices of the ellipsoid, angles seen from the point, points laid along the edges,
 * clipping of convex shapes, turning in small steps. */
#include <math.h>
#include <string.h>

#include "geo/geo.h"
#include "support/testing.h"

static const double deg = M_PI / 180;

/* Metres per degree at a latitude, from the ellipse itself: numeric derivatives of its points. */
static void naive_metres(double lat, double *ret_lon, double *ret_lat)
{
    const double a = 6378137.0;
    const double b = 6356752.314245;
    double x[2];
    double z[2];
    for (int i = 0; i < 2; i++) {
        const double phi = (lat + (i ? 1e-5 : -1e-5)) * deg;
        const double t = atan(b / a * tan(phi)); /* parametric latitude */
        x[i] = a * cos(t);
        z[i] = b * sin(t);
    }
    *ret_lat = hypot(x[1] - x[0], z[1] - z[0]) / 2e-5;
    *ret_lon = (x[0] + x[1]) / 2 * deg;
}

/* Star-shaped ring around a point with radii of about r metres; counter-clockwise. */
static void star(struct test_rng *rng, struct geo_point c, double r, struct geo_point *at, size_t n)
{
    double m_lon;
    double m_lat;
    naive_metres(c.lat, &m_lon, &m_lat);
    for (size_t i = 0; i + 1 < n; i++) {
        const double t = 2 * M_PI * ((double)i + 0.8 * test_rng_unit(rng)) / (double)(n - 1);
        const double d = r * (0.3 + test_rng_unit(rng));
        at[i] = (struct geo_point){c.lon + d * cos(t) / m_lon, c.lat + d * sin(t) / m_lat};
    }
    at[n - 1] = at[0];
}

static struct geo_polygon polygon(const struct geo_point *at, size_t n, struct dm_arena *a)
{
    struct dm_err e = {0};
    struct geo_polygon p;
    assert_ok(geo_polygon_of_ring(at, n, a, &p, &e), &e);
    return p;
}

/* Rectangle of w x h metres whose south-west corner is off metres east and north of a place. */
static struct geo_polygon rectangle(double east, double north, double w, double h,
                                    struct dm_arena *a)
{
    double m_lon;
    double m_lat;
    const struct geo_point o = {-68.8, -32.9};
    naive_metres(o.lat, &m_lon, &m_lat);
    const double x0 = o.lon + east / m_lon;
    const double y0 = o.lat + north / m_lat;
    const double x1 = o.lon + (east + w) / m_lon;
    const double y1 = o.lat + (north + h) / m_lat;
    const struct geo_point at[] = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}};
    return polygon(at, DM_COUNT(at), a);
}

static struct geo_point metres(double east, double north)
{
    double m_lon;
    double m_lat;
    naive_metres(-32.9, &m_lon, &m_lat);
    return (struct geo_point){-68.8 + east / m_lon, -32.9 + north / m_lat};
}

/* Width in degrees of longitude of the polygon at a latitude. */
static double chord(const struct geo_point *at, size_t n, double lat)
{
    double cut[64];
    size_t k = 0;
    double sum = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const struct geo_point a = at[i];
        const struct geo_point b = at[i + 1];
        if ((a.lat <= lat) != (b.lat <= lat)) {
            cut[k++] = a.lon + (lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon);
        }
    }
    for (size_t i = 0; i < k; i++) { /* sort */
        for (size_t j = i; j > 0 && cut[j] < cut[j - 1]; j--) {
            const double t = cut[j];
            cut[j] = cut[j - 1];
            cut[j - 1] = t;
        }
    }
    for (size_t i = 0; i + 1 < k; i += 2) {
        sum += cut[i + 1] - cut[i];
    }
    return sum;
}

/* Area as the sum of thin slices of the ellipsoid. */
static double naive_area(const struct geo_polygon *p)
{
    enum { SLICES = 4000 };
    double sum = 0;
    const double step = (p->box.max_lat - p->box.min_lat) / SLICES;
    for (int i = 0; i < SLICES; i++) {
        const double lat = p->box.min_lat + (i + 0.5) * step;
        double m_lon;
        double m_lat;
        naive_metres(lat, &m_lon, &m_lat);
        sum += chord(p->at, p->n, lat) * m_lon * step * m_lat;
    }
    return sum;
}

static void areas_against_slices(void **state)
{
    (void)state;
    static const double lats[] = {-32.9, 0.0, 61.2, -54.8};
    static const double radii[] = {2, 40, 1500};
    struct test_rng rng = {1};
    for (size_t l = 0; l < DM_COUNT(lats); l++) {
        for (size_t r = 0; r < DM_COUNT(radii); r++) {
            for (int round = 0; round < 5; round++) {
                struct dm_arena a = {0};
                struct geo_point at[13];
                star(&rng, (struct geo_point){-68.8, lats[l]}, radii[r], at, DM_COUNT(at));
                const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
                const double truth = naive_area(&p);
                if (fabs(p.area_m2 - truth) > 1e-3 * truth) {
                    fail_msg("lat %g radius %g: %.9g, slices %.9g", lats[l], radii[r], p.area_m2,
                             truth);
                }
                dm_arena_clear(&a);
            }
        }
    }
}

/* The oracle notices coordinates in the wrong order, the classic fault. */
static void swapped_coordinates_are_noticed(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct geo_point at[] = {{-68.8, -32.9}, {-68.79, -32.9}, {-68.79, -32.89}, {-68.8, -32.9}};
    const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
    const double truth = naive_area(&p);
    for (size_t i = 0; i < DM_COUNT(at); i++) {
        at[i] = (struct geo_point){at[i].lat, at[i].lon};
    }
    const struct geo_polygon swapped = polygon(at, DM_COUNT(at), &a);
    assert_true(fabs(p.area_m2 - truth) < 1e-3 * truth);
    assert_true(fabs(swapped.area_m2 - truth) > 0.1 * truth);
    dm_arena_clear(&a);
}

static void direction_of_the_ring_does_not_count(void **state)
{
    (void)state;
    struct test_rng rng = {2};
    for (int round = 0; round < 50; round++) {
        struct dm_arena a = {0};
        struct geo_point at[9];
        struct geo_point back[9];
        star(&rng, (struct geo_point){-68.8, -32.9}, 3, at, DM_COUNT(at));
        for (size_t i = 0; i < DM_COUNT(at); i++) {
            back[i] = at[DM_COUNT(at) - 1 - i];
        }
        const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
        const struct geo_polygon q = polygon(back, DM_COUNT(back), &a);
        assert_true(fabs(p.area_m2 - q.area_m2) < 1e-9 * p.area_m2);
        assert_true(fabs(p.centroid.lon - q.centroid.lon) < 1e-12);
        assert_memory_equal(&p.box, &q.box, sizeof(p.box));
        dm_arena_clear(&a);
    }
}

static void centroids(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    const struct geo_polygon r = rectangle(0, 0, 8, 2, &a);
    const struct geo_point middle = metres(4, 1);
    assert_true(fabs(r.centroid.lon - middle.lon) < 1e-11);
    assert_true(fabs(r.centroid.lat - middle.lat) < 1e-11);
    assert_true(fabs(r.area_m2 - 16) < 1e-3);
    /* an L of three squares of 2 m: the mean of their middles */
    const struct geo_point at[] = {metres(0, 0), metres(4, 0), metres(4, 2), metres(2, 2),
                                   metres(2, 4), metres(0, 4), metres(0, 0)};
    const struct geo_polygon l = polygon(at, DM_COUNT(at), &a);
    const struct geo_point mean = metres((1 + 3 + 1) / 3.0, (1 + 1 + 3) / 3.0);
    assert_true(fabs(l.centroid.lon - mean.lon) < 1e-11);
    assert_true(fabs(l.centroid.lat - mean.lat) < 1e-11);
    assert_true(fabs(l.area_m2 - 12) < 1e-3);
    dm_arena_clear(&a);
}

/* ---- points and edges ------------------------------------------------------------------------ */

/* Inside when the edges turn once around the point. */
static bool naive_inside(const struct geo_polygon *p, struct geo_point at)
{
    double turn = 0;
    for (size_t i = 0; i + 1 < p->n; i++) {
        const double ax = p->at[i].lon - at.lon;
        const double ay = p->at[i].lat - at.lat;
        const double bx = p->at[i + 1].lon - at.lon;
        const double by = p->at[i + 1].lat - at.lat;
        turn += atan2(ax * by - ay * bx, ax * bx + ay * by);
    }
    return fabs(turn) > M_PI;
}

static bool only_the_box(const struct geo_polygon *p, struct geo_point at)
{
    return at.lon >= p->box.min_lon && at.lon <= p->box.max_lon && at.lat >= p->box.min_lat &&
           at.lat <= p->box.max_lat;
}

static int inside_differences(bool (*contains)(const struct geo_polygon *, struct geo_point))
{
    struct test_rng rng = {3};
    int bad = 0;
    for (int round = 0; round < 200; round++) {
        struct dm_arena a = {0};
        struct geo_point at[15];
        star(&rng, (struct geo_point){-68.8, -32.9}, 5, at, DM_COUNT(at));
        const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
        for (int i = 0; i < 100; i++) {
            const struct geo_point q =
                metres(16 * test_rng_unit(&rng) - 8, 16 * test_rng_unit(&rng) - 8);
            if (geo_edge_distance_m(&p, q) > 2 * GEO_EDGE_M) {
                bad += contains(&p, q) != naive_inside(&p, q);
            }
        }
        dm_arena_clear(&a);
    }
    return bad;
}

static void points_inside(void **state)
{
    (void)state;
    assert_int_equal(inside_differences(geo_contains), 0);
    assert_true(inside_differences(only_the_box) > 100); /* the oracle notices */
}

static void the_edge_is_inside(void **state)
{
    (void)state;
    struct test_rng rng = {4};
    for (int round = 0; round < 100; round++) {
        struct dm_arena a = {0};
        struct geo_point at[11];
        star(&rng, (struct geo_point){-68.8, -32.9}, 4, at, DM_COUNT(at));
        const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
        for (size_t i = 0; i + 1 < DM_COUNT(at); i++) {
            const double t = test_rng_unit(&rng);
            const struct geo_point on = {at[i].lon + t * (at[i + 1].lon - at[i].lon),
                                         at[i].lat + t * (at[i + 1].lat - at[i].lat)};
            assert_true(geo_contains(&p, at[i]));
            assert_true(geo_contains(&p, on));
            assert_true(geo_distance_m(&p, on) == 0);
        }
        dm_arena_clear(&a);
    }
    struct dm_arena a = {0};
    const struct geo_polygon r = rectangle(0, 0, 8, 2, &a);
    assert_true(geo_contains(&r, metres(-0.0009, 1))); /* within a millimetre, outside the box */
    assert_false(geo_contains(&r, metres(-0.0021, 1)));
    assert_true(geo_contains(&r, metres(8, 2.0009)));
    assert_false(geo_contains(&r, metres(8, 2.0021)));
    dm_arena_clear(&a);
}

static void distances_against_points_along_the_edges(void **state)
{
    (void)state;
    enum { STEPS = 2000 };
    struct test_rng rng = {6};
    for (int round = 0; round < 40; round++) {
        struct dm_arena a = {0};
        struct geo_point at[8];
        double m_lon;
        double m_lat;
        star(&rng, (struct geo_point){-68.8, -32.9}, 6, at, DM_COUNT(at));
        const struct geo_polygon p = polygon(at, DM_COUNT(at), &a);
        const struct geo_point q =
            metres(30 * test_rng_unit(&rng) - 15, 30 * test_rng_unit(&rng) - 15);
        double nearest = INFINITY;
        naive_metres(q.lat, &m_lon, &m_lat);
        for (size_t i = 0; i + 1 < DM_COUNT(at); i++) {
            for (int s = 0; s <= STEPS; s++) {
                const double t = (double)s / STEPS;
                const double lon = at[i].lon + t * (at[i + 1].lon - at[i].lon);
                const double lat = at[i].lat + t * (at[i + 1].lat - at[i].lat);
                nearest = fmin(nearest, hypot((lon - q.lon) * m_lon, (lat - q.lat) * m_lat));
            }
        }
        assert_true(fabs(geo_edge_distance_m(&p, q) - nearest) < 0.005);
        dm_arena_clear(&a);
    }
}

static void nesting(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    double off = 0;
    const struct geo_polygon parent = rectangle(0, 0, 20, 10, &a);
    const struct geo_polygon in = rectangle(1, 1, 5, 5, &a);
    const struct geo_polygon same = rectangle(0, 0, 20, 10, &a);
    const struct geo_polygon little = rectangle(-0.49, 2, 5, 5, &a);
    const struct geo_polygon much = rectangle(16, 2, 4.51, 5, &a);
    const struct geo_polygon away = rectangle(100, 100, 5, 5, &a);
    assert_int_equal(geo_outside(&parent, &in, GEO_NESTING_TOLERANCE_M, NULL), -1);
    assert_int_equal(geo_outside(&parent, &same, GEO_NESTING_TOLERANCE_M, NULL), -1);
    assert_int_equal(geo_outside(&parent, &little, GEO_NESTING_TOLERANCE_M, NULL), -1);
    assert_int_equal(geo_outside(&parent, &little, 0, NULL), 0);
    assert_int_equal(geo_outside(&parent, &much, GEO_NESTING_TOLERANCE_M, &off), 1);
    assert_true(fabs(off - 0.51) < 1e-3);
    assert_int_equal(geo_outside(&parent, &away, GEO_NESTING_TOLERANCE_M, &off), 0);
    assert_true(fabs(off - hypot(80, 90)) < 0.1);
    assert_int_equal(geo_outside(&in, &parent, GEO_NESTING_TOLERANCE_M, NULL), 0);
    dm_arena_clear(&a);
}

/* ---- overlap and width ------------------------------------------------------------------------
 */

struct xy {
    double x, y;
};

/* Convex shape of n corners on an ellipse, counter-clockwise, in metres. */
static void convex(struct test_rng *rng, struct xy *v, size_t n)
{
    const double cx = 6 * test_rng_unit(rng) - 3;
    const double cy = 6 * test_rng_unit(rng) - 3;
    const double rx = 1 + 4 * test_rng_unit(rng);
    const double ry = 1 + 4 * test_rng_unit(rng);
    for (size_t i = 0; i < n; i++) {
        const double t = 2 * M_PI * ((double)i + 0.7 * test_rng_unit(rng)) / (double)n;
        v[i] = (struct xy){cx + rx * cos(t), cy + ry * sin(t)};
    }
}

static double area_of(const struct xy *v, size_t n)
{
    double twice = 0;
    for (size_t i = 0; i < n; i++) {
        const struct xy b = v[(i + 1) % n];
        twice += v[i].x * b.y - b.x * v[i].y;
    }
    return twice / 2;
}

/* Keep the part of v on the left of a b: Sutherland & Hodgman 1974. */
static size_t clip(struct xy *v, size_t n, struct xy a, struct xy b)
{
    struct xy out[64];
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct xy p = v[i];
        const struct xy q = v[(i + 1) % n];
        const double sp = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
        const double sq = (b.x - a.x) * (q.y - a.y) - (b.y - a.y) * (q.x - a.x);
        if (sp >= 0) {
            out[k++] = p;
        }
        if ((sp >= 0) != (sq >= 0)) {
            const double t = sp / (sp - sq);
            out[k++] = (struct xy){p.x + t * (q.x - p.x), p.y + t * (q.y - p.y)};
        }
    }
    memcpy(v, out, k * sizeof(*v));
    return k;
}

static struct geo_polygon on_the_ground(const struct xy *v, size_t n, struct dm_arena *a)
{
    struct geo_point at[16];
    for (size_t i = 0; i <= n; i++) {
        at[i] = metres(v[i % n].x, v[i % n].y);
    }
    return polygon(at, n + 1, a);
}

static void overlaps_against_clipping(void **state)
{
    (void)state;
    struct test_rng rng = {7};
    int some = 0;
    for (int round = 0; round < 300; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct xy v[64];
        struct xy w[7];
        double share;
        convex(&rng, v, 9);
        convex(&rng, w, DM_COUNT(w));
        const struct geo_polygon p = on_the_ground(v, 9, &a);
        const struct geo_polygon q = on_the_ground(w, DM_COUNT(w), &a);
        const double smaller = fmin(area_of(v, 9), area_of(w, DM_COUNT(w)));
        size_t n = 9;
        for (size_t i = 0; i < DM_COUNT(w) && n > 0; i++) {
            n = clip(v, n, w[i], w[(i + 1) % DM_COUNT(w)]);
        }
        const double truth = (n > 2 ? area_of(v, n) : 0) / smaller;
        assert_ok(geo_overlap_share(&p, &q, &share, &e), &e);
        if (fabs(share - truth) > 1e-4) {
            fail_msg("round %d: %.6f, clipping %.6f", round, share, truth);
        }
        some += truth > 0.05;
        dm_arena_clear(&a);
    }
    assert_in_range(some, 50, 299);
}

static void neighbours_that_touch_share_nothing(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    double share = 1;
    const struct geo_polygon p = rectangle(0, 0, 4, 1.8, &a);
    const struct geo_polygon touches = rectangle(4, 0, 4, 1.8, &a);
    const struct geo_polygon inner = rectangle(1, 0.5, 1, 1, &a);
    assert_ok(geo_overlap_share(&p, &touches, &share, &e), &e);
    assert_true(share < 1e-6);
    assert_ok(geo_overlap_share(&p, &inner, &share, &e), &e);
    assert_true(share > 1 - 1e-9);
    assert_ok(geo_overlap_share(&inner, &p, &share, &e), &e);
    assert_true(share > 1 - 1e-9);
    dm_arena_clear(&a);
}

/* Narrowest of all directions, one per hundredth of a degree. */
static double naive_width(const struct xy *v, size_t n)
{
    double narrowest = INFINITY;
    for (int step = 0; step < 18000; step++) {
        const double t = step * M_PI / 18000;
        double low = INFINITY;
        double high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            const double d = v[i].x * cos(t) + v[i].y * sin(t);
            low = fmin(low, d);
            high = fmax(high, d);
        }
        narrowest = fmin(narrowest, high - low);
    }
    return narrowest;
}

static void short_sides(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct test_rng rng = {8};
    double m;
    const struct geo_polygon claro = rectangle(0, 0, 4.05, 1.8, &a);
    assert_ok(geo_short_side_m(&claro, &m, &e), &e);
    assert_true(fabs(m - 1.8) < 1e-3);
    for (int round = 0; round < 20; round++) {
        struct xy v[8];
        convex(&rng, v, DM_COUNT(v));
        const struct geo_polygon p = on_the_ground(v, DM_COUNT(v), &a);
        assert_ok(geo_short_side_m(&p, &m, &e), &e);
        assert_true(fabs(m - naive_width(v, DM_COUNT(v))) < 2e-3);
    }
    dm_arena_clear(&a);
}

static void boxes_around(void **state)
{
    (void)state;
    const struct geo_point at = metres(0, 0);
    const struct geo_box b = geo_box_around(at, 5);
    for (int i = 0; i < 360; i++) {
        const struct geo_point p = metres(4.999 * cos(i * deg), 4.999 * sin(i * deg));
        assert_true(p.lon > b.min_lon && p.lon < b.max_lon);
        assert_true(p.lat > b.min_lat && p.lat < b.max_lat);
    }
    const struct geo_point beyond = metres(5.01, 0);
    assert_true(beyond.lon > b.max_lon);
    const struct geo_box pole = geo_box_around((struct geo_point){0, 90}, 5);
    assert_true(isfinite(pole.min_lon) && isfinite(pole.max_lon));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_against_slices),
        cmocka_unit_test(swapped_coordinates_are_noticed),
        cmocka_unit_test(direction_of_the_ring_does_not_count),
        cmocka_unit_test(centroids),
        cmocka_unit_test(points_inside),
        cmocka_unit_test(the_edge_is_inside),
        cmocka_unit_test(distances_against_points_along_the_edges),
        cmocka_unit_test(nesting),
        cmocka_unit_test(overlaps_against_clipping),
        cmocka_unit_test(neighbours_that_touch_share_nothing),
        cmocka_unit_test(short_sides),
        cmocka_unit_test(boxes_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

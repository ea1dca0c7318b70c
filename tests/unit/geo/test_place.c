/* SPDX-License-Identifier: Apache-2.0
 *
 * Which place holds a point: each row of the table in domain.md section 5.2, and a map of claros
 * against a search that looks at all of them. */
#include <math.h>

#include "geo/geo.h"
#include "support/testing.h"

static const double lon0 = -68.8;
static const double lat0 = -32.9;
/* metres per degree there, from any table of geographic lengths */
static const double m_lon = 93569.5;
static const double m_lat = 110907.6;

static struct geo_point metres(double east, double north)
{
    return (struct geo_point){lon0 + east / m_lon, lat0 + north / m_lat};
}

static struct geo_polygon rectangle(double east, double north, double w, double h,
                                    struct dm_arena *a)
{
    const struct geo_point at[] = {metres(east, north), metres(east + w, north),
                                   metres(east + w, north + h), metres(east, north + h),
                                   metres(east, north)};
    struct dm_err e = {0};
    struct geo_polygon p;
    assert_ok(geo_polygon_of_ring(at, DM_COUNT(at), a, &p, &e), &e);
    return p;
}

static struct geo_fix find(const struct geo_candidate *c, size_t n, struct geo_point at,
                           double error_m)
{
    struct geo_fix fix = {0};
    struct dm_err e = {0};
    assert_ok(geo_find(c, n, at, error_m, &fix, &e), &e);
    return fix;
}

static void rows_of_the_table(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    /* two claros side by side, a big one that holds the second, and one of equal size on top */
    const struct geo_polygon one = rectangle(0, 0, 4, 1.8, &a);
    const struct geo_polygon two = rectangle(10, 0, 4, 1.8, &a);
    const struct geo_polygon big = rectangle(9, -1, 8, 4, &a);
    const struct geo_polygon twin = rectangle(10, 0, 4, 1.8, &a);
    const struct geo_candidate c[] = {{11, &one}, {22, &two}, {5, &big}, {33, &twin}};
    static const struct {
        double east, north, error_m;
        enum geo_verdict verdict;
        int64_t id;
    } rows[] = {
        {2, 1, -1, GEO_FOUND, 11},  /* exactly one */
        {2, 1, 0.8, GEO_FOUND, 11}, /* error below half of 1.8 m */
        {2, 1, 0.95, GEO_SUGGESTED, 11},
        {12, 1, -1, GEO_FOUND, 22},  /* several: smallest, then lowest id */
        {16, 1, -1, GEO_FOUND, 5},   /* in the big one only */
        {16, 1, 1.5, GEO_FOUND, 5},  /* its short side is 4 m */
        {-4.9, 1, -1, GEO_NEAR, 11}, /* outside, within 5 m */
        {-5.1, 1, -1, GEO_NOWHERE, 0},
        {-4.9, 1, 20, GEO_SUGGESTED, 11},
        {-40, 1, 60, GEO_NOWHERE, 0},
        {4, 1.8, -1, GEO_FOUND, 11}, /* a corner is inside */
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        const struct geo_fix f =
            find(c, DM_COUNT(c), metres(rows[i].east, rows[i].north), rows[i].error_m);
        if (f.verdict != rows[i].verdict || f.id != rows[i].id) {
            fail_msg("row %zu: verdict %d, id %d", i, f.verdict, (int)f.id);
        }
        assert_true(f.verdict != GEO_FOUND || f.n_near == 0);
    }
    const struct geo_fix nothing = find(NULL, 0, metres(0, 0), -1);
    assert_int_equal(nothing.verdict, GEO_NOWHERE);
    dm_arena_clear(&a);
}

static void a_coarse_reading_names_the_neighbours(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct geo_polygon row[20];
    struct geo_candidate c[20];
    for (size_t i = 0; i < DM_COUNT(row); i++) { /* a row of claros, 1.8 m each */
        row[i] = rectangle(0, 1.8 * (double)i, 4, 1.8, &a);
        c[i] = (struct geo_candidate){100 + (int64_t)i, &row[i]};
    }
    const struct geo_fix f = find(c, DM_COUNT(c), metres(2, 1.8 * 10 + 0.8), 4.5);
    assert_int_equal(f.verdict, GEO_SUGGESTED);
    assert_int_equal(f.id, 110);
    static const int64_t order[] = {109, 111, 108, 112, 107, 113};
    assert_int_equal(f.n_near, DM_COUNT(order));
    for (size_t i = 0; i < DM_COUNT(order); i++) {
        assert_int_equal(f.near[i], order[i]);
    }
    const struct geo_fix wide = find(c, DM_COUNT(c), metres(2, 1.8 * 10 + 0.8), 100);
    assert_int_equal(wide.n_near, GEO_NEAR_MAX); /* the nearest of 19 */
    assert_int_equal(wide.near[0], 109);
    assert_int_equal(wide.near[GEO_NEAR_MAX - 1], 114);
    const struct geo_fix off = find(c, DM_COUNT(c), metres(2, -12), 15);
    assert_int_equal(off.verdict, GEO_NOWHERE); /* further than 5 m, but here they are */
    assert_int_equal(off.n_near, 2);
    assert_int_equal(off.near[0], 100);
    dm_arena_clear(&a);
}

/* Everything looked at, one rule after the other, as the table is written. */
static struct geo_fix naive(const struct geo_candidate *c, size_t n, struct geo_point at,
                            double limit)
{
    struct geo_fix f = {.verdict = GEO_NOWHERE};
    const struct geo_candidate *best = NULL;
    double nearest = limit;
    for (size_t i = 0; i < n; i++) {
        if (!geo_contains(c[i].polygon, at)) {
            continue;
        }
        const double area = c[i].polygon->area_m2;
        if (!best || area < best->polygon->area_m2 ||
            (area == best->polygon->area_m2 && c[i].id < best->id)) {
            best = &c[i];
        }
    }
    for (size_t i = 0; i < n && (!best || f.verdict == GEO_NEAR); i++) {
        const double m = geo_edge_distance_m(c[i].polygon, at);
        if (m < nearest || (m == nearest && (!best || c[i].id < best->id))) {
            nearest = m;
            best = &c[i];
            f.verdict = GEO_NEAR;
        }
    }
    f.id = best ? best->id : 0;
    f.verdict = best && f.verdict != GEO_NEAR ? GEO_FOUND : f.verdict;
    return f;
}

static int differences(double limit)
{
    enum { N = 60 };
    struct test_rng rng = {12};
    int bad = 0;
    for (int map = 0; map < 20; map++) {
        struct dm_arena a = {0};
        struct geo_polygon p[N];
        struct geo_candidate c[N];
        for (int i = 0; i < N; i++) {
            p[i] = rectangle(60 * test_rng_unit(&rng), 60 * test_rng_unit(&rng),
                             2 + 4 * test_rng_unit(&rng), 1.5 + 2 * test_rng_unit(&rng), &a);
            c[i] = (struct geo_candidate){1 + (int64_t)test_rng_below(&rng, 1000000), &p[i]};
        }
        for (int k = 0; k < 100; k++) {
            const struct geo_point at =
                metres(80 * test_rng_unit(&rng) - 10, 80 * test_rng_unit(&rng) - 10);
            const struct geo_fix f = find(c, N, at, -1);
            const struct geo_fix g = naive(c, N, at, limit);
            bad += f.id != g.id || f.verdict != g.verdict;
        }
        dm_arena_clear(&a);
    }
    return bad;
}

static void a_map_against_looking_at_everything(void **state)
{
    (void)state;
    assert_int_equal(differences(GEO_NEAR_M), 0);
    assert_true(differences(GEO_NEAR_M / 2) > 10); /* a wrong limit is noticed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_the_table),
        cmocka_unit_test(a_coarse_reading_names_the_neighbours),
        cmocka_unit_test(a_map_against_looking_at_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

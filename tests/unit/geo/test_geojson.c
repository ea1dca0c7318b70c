/* SPDX-License-Identifier: Apache-2.0
 *
 * GeoJSON polygons: what is accepted, what is refused and why, and that they come back as they
 * were. Oracle for crossings: every edge against every other. */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "geo/geo.h"
#include "support/testing.h"

#define RING(list) "{\"type\":\"Polygon\",\"coordinates\":[[" list "]]}"

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "not_json"},
        {"{\"type\":\"Polygon\"", "not_json"},
        {"[1,2]", "type"},
        {"{\"type\":\"Point\",\"coordinates\":[1,2]}", "type"},
        {"{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4],[5,6],[1,2]]}", "type"},
        {"{\"type\":7,\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]]}", "type"},
        {"{\"type\":\"Polygon\"}", "type"},
        {"{\"type\":\"Polygon\",\"coordinates\":[]}", "holes"},
        {"{\"type\":\"Polygon\",\"coordinates\":[5]}", "holes"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[9,0],[9,9],[0,0]],[[1,1],[2,1],[2,2],[1,1]"
         "]]}",
         "holes"},
        {RING(""), "positions"},
        {RING("[0,0],[1,0],[0,0]"), "positions"},
        {RING("[0,0],[1,0],[1,1],[0]"), "positions"},
        {RING("[0,0],[1,0],[1,1],[0,0,0,0]"), "positions"},
        {RING("[0,0],[1,\"0\"],[1,1],[0,0]"), "positions"},
        {RING("[0,0],[1,null],[1,1],[0,0]"), "positions"},
        {RING("[0,0],[1,0],[1,1],[0,1]"), "closed"},
        {RING("[0,0],[180.001,0],[1,1],[0,0]"), "range"},
        {RING("[0,0],[1,0],[1,-90.5],[0,0]"), "range"},
        {RING("[0,0],[1e300,0],[1,1],[0,0]"), "range"},
        {RING("[0,90],[1,90],[1,89.9999999],[0,90]"), "range"},
        {RING("[1,1],[1,1],[1,1],[1,1]"), "empty"},
        {RING("[0,0],[1,1],[2,2],[0,0]"), "crossing"},                   /* there and back */
        {RING("[0,0],[2,2],[2,0],[0,3],[0,0]"), "crossing"},             /* a bow tie */
        {RING("[0,0],[4,0],[2,0],[2,3],[0,0]"), "crossing"},             /* back on its own edge */
        {RING("[0,0],[2,0],[2,2],[1,0],[0,2],[0,0]"), "crossing"},       /* touches its own edge */
        {RING("[0,0],[1,1],[2,0],[2,2],[1,1],[0,2],[0,0]"), "crossing"}, /* waist of no width */
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct geo_polygon p = {.n = 77};
        const int code = geo_polygon_parse(rows[i].text, strlen(rows[i].text), &a, &p, &e);
        if (code != DM_EBADINPUT || e.n_fields == 0 || strcmp(e.field[0].s, rows[i].reason) != 0) {
            fail_msg("%s: %d %s (%s)", rows[i].text, code, dm_err_text(&e), e.field[0].s);
        }
        assert_int_equal(p.n, 77); /* untouched */
        dm_arena_clear(&a);
    }
}

static void crossing_says_where(void **state)
{
    (void)state;
    static const char bow[] =
        RING("[-68.5,-33.0],[-68.4,-32.9],[-68.4,-33.0],[-68.5,-32.9],[-68.5,-33.0]");
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct geo_polygon p;
    assert_int_equal(geo_polygon_parse(bow, sizeof(bow) - 1, &a, &p, &e), DM_EBADINPUT);
    assert_int_equal(e.n_fields, 3);
    assert_true(fabs(e.field[1].f + 68.45) < 1e-9 && fabs(e.field[2].f + 32.95) < 1e-9);
    dm_arena_clear(&a);
}

static void accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {RING("[0,0],[1,0],[1,1],[0,0]"), 4},
        {RING("[0,0],[1,1],[1,0],[0,0]"), 4},                     /* the other way round */
        {RING("[0,0,650.5],[1,0,650],[1,1,649],[0,0,650.5]"), 4}, /* heights */
        {RING("[0,0],[1,0],[1,0],[1,1],[0,0]"), 5},               /* a position twice in a row */
        {RING("[0,0],[0.5,0],[1,0],[1,1],[0,0]"), 5},             /* one in the middle of an edge */
        {"{\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]],\"type\":\"Polygon\",\"bbox\":[0,0,1,1]}",
         4},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct geo_polygon p = {0};
        assert_ok(geo_polygon_parse(rows[i].text, strlen(rows[i].text), &a, &p, &e), &e);
        assert_int_equal(p.n, rows[i].n);
        assert_true(p.area_m2 > 0);
        dm_arena_clear(&a);
    }
}

/* A ring of n positions on a circle of radius degrees around a nursery. */
static void circle(struct geo_point *at, size_t n, double radius)
{
    for (size_t i = 0; i + 1 < n; i++) {
        const double t = 2 * M_PI * (double)i / (double)(n - 1);
        at[i] = (struct geo_point){-68.8 + radius * cos(t), -32.9 + radius * sin(t)};
    }
    at[n - 1] = at[0];
}

static void limits_of_positions(void **state)
{
    (void)state;
    static struct geo_point at[LIMIT_POLYGON_POSITIONS + 1];
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct geo_polygon p;
    circle(at, LIMIT_POLYGON_POSITIONS, 1e-4);
    assert_ok(geo_polygon_of_ring(at, LIMIT_POLYGON_POSITIONS, &a, &p, &e), &e);
    circle(at, LIMIT_POLYGON_POSITIONS + 1, 1e-4);
    assert_int_equal(geo_polygon_of_ring(at, LIMIT_POLYGON_POSITIONS + 1, &a, &p, &e),
                     DM_EBADINPUT);
    assert_string_equal(e.field[0].s, "positions");
    dm_arena_clear(&a);
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    struct test_rng rng = {5};
    for (int round = 0; round < 300; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct geo_point at[24];
        struct geo_polygon p;
        struct geo_polygon q;
        const size_t n = 4 + test_rng_below(&rng, 20);
        circle(at, n, 1e-6 + test_rng_unit(&rng) * 1e-2);
        for (size_t i = 1; i + 1 < n; i++) { /* any digits, still star-shaped */
            at[i].lon += (at[i].lon + 68.8) * test_rng_unit(&rng);
            at[i].lat += 0;
        }
        if (geo_polygon_of_ring(at, n, &a, &p, &e) < 0) {
            dm_arena_clear(&a);
            continue; /* a stretched circle may cross itself */
        }
        const char *text = geo_polygon_print(&p, &a);
        assert_non_null(text);
        assert_ok(geo_polygon_parse(text, strlen(text), &a, &q, &e), &e);
        assert_int_equal(q.n, n);
        assert_memory_equal(q.at, at, n * sizeof(*at));
        assert_memory_equal(&q.box, &p.box, sizeof(p.box));
        assert_true(q.area_m2 == p.area_m2);
        dm_arena_clear(&a);
    }
}

/* ---- crossings against the naive way -------------------------------------------------------- */

static int side(const int *a, const int *b, const int *p)
{
    const int cross = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
    return (cross > 0) - (cross < 0);
}

static bool between(const int *a, const int *b, const int *p)
{
    return p[0] >= DM_MIN(a[0], b[0]) && p[0] <= DM_MAX(a[0], b[0]) && p[1] >= DM_MIN(a[1], b[1]) &&
           p[1] <= DM_MAX(a[1], b[1]);
}

static bool meet(const int *a, const int *b, const int *c, const int *d)
{
    const int s1 = side(a, b, c);
    const int s2 = side(a, b, d);
    const int s3 = side(c, d, a);
    const int s4 = side(c, d, b);
    return (s1 != s2 && s3 != s4) || (s1 == 0 && between(a, b, c)) ||
           (s2 == 0 && between(a, b, d)) || (s3 == 0 && between(c, d, a)) ||
           (s4 == 0 && between(c, d, b));
}

/* Whole-number corners, all different: edges that are not neighbours never meet, neighbours share
 * their corner only. */
static bool naive_simple(int (*v)[2], int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            const int *a = v[i];
            const int *b = v[(i + 1) % n];
            const int *c = v[k];
            const int *d = v[(k + 1) % n];
            if (k == i + 1 || (i == 0 && k == n - 1)) {
                const int *shared = k == i + 1 ? b : a;
                const int *one = k == i + 1 ? a : b;
                const int *other = k == i + 1 ? d : c;
                const bool back = side(one, shared, other) == 0 &&
                                  (between(one, shared, other) || between(shared, other, one));
                if (back) {
                    return false;
                }
            } else if (meet(a, b, c, d)) {
                return false;
            }
        }
    }
    return true;
}

static bool distinct(int (*v)[2], int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) {
            if (v[i][0] == v[k][0] && v[i][1] == v[k][1]) {
                return false;
            }
        }
    }
    return true;
}

/* Rounds at which geo_polygon_of_ring and the naive test disagree; counts how many were simple. */
static int disagreements(bool lie, int *ret_simple)
{
    struct test_rng rng = {99};
    int bad = 0;
    *ret_simple = 0;
    for (int round = 0; round < 6000; round++) {
        int v[8][2];
        struct geo_point at[9];
        struct dm_arena a = {0};
        struct geo_polygon p;
        const int n = 3 + (int)test_rng_below(&rng, 5);
        for (int i = 0; i < n; i++) {
            v[i][0] = (int)test_rng_below(&rng, 12);
            v[i][1] = (int)test_rng_below(&rng, 12);
            /* eighths of a millionth of a degree: the plane keeps their order */
            at[i] = (struct geo_point){-68.75 + v[i][0] * 0x1p-20, -32.875 + v[i][1] * 0x1p-20};
        }
        at[n] = at[0];
        if (!distinct(v, n)) {
            continue;
        }
        const bool simple = naive_simple(v, n) != (lie && round % 100 == 0);
        const int code = geo_polygon_of_ring(at, (size_t)n + 1, &a, &p, NULL);
        bad += (code >= 0) != simple;
        *ret_simple += simple;
        dm_arena_clear(&a);
    }
    return bad;
}

static void crossings_as_the_naive_way_finds_them(void **state)
{
    (void)state;
    int simple;
    assert_int_equal(disagreements(false, &simple), 0);
    assert_in_range(simple, 500, 5500); /* both kinds came up */
    assert_true(disagreements(true, &simple) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(crossing_says_where),
        cmocka_unit_test(accepted),
        cmocka_unit_test(limits_of_positions),
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(crossings_as_the_naive_way_finds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Circles and polygons: goldens of OpenCV, a naive reading of vision.md A.4 and A.5, and what
 * cutting must not change. */
#include "image/ops.h"

#include "support/pattern.h"

static void test_circle_goldens(void **state)
{
    (void)state;
    static const struct {
        int w, h, cx, cy, radius;
        uint32_t crc;
    } rows[] = {
#include "data/ops/circle.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image im = plain_image(0, rows[i].w, rows[i].h, 1);
        image_fill_circle(&im, rows[i].cx, rows[i].cy, rows[i].radius, 255);
        assert_int_equal(image_crc(&im), rows[i].crc);
        image_clear(&im);
    }
}

/* Whether the walk of A.4 paints (dx, dy) from the centre. minus0 2r - 1 is right. */
static bool naive_in_circle(int r, int px, int py, int minus0)
{
    int err = 0, dx = r, plus = 1, minus = minus0;
    for (int dy = 0; dx >= dy; dy++) {
        if ((abs(py) == dy && abs(px) <= dx) || (abs(py) == dx && abs(px) <= dy)) {
            return true;
        }
        err += plus;
        plus += 2;
        if (err > 0) {
            err -= minus;
            dx--;
            minus -= 2;
        }
    }
    return false;
}

static void test_circle_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {.s = 5};
    size_t noticed = 0;
    for (int i = 0; i < 150; i++) {
        int w = 1 + (int)test_rng_below(&rng, 50);
        int h = 1 + (int)test_rng_below(&rng, 50);
        int cx = (int)test_rng_below(&rng, 90) - 20;
        int cy = (int)test_rng_below(&rng, 90) - 20;
        int r = (int)test_rng_below(&rng, 40);
        struct image im = plain_image(0, w, h, 1);
        image_fill_circle(&im, cx, cy, r, 9);
        size_t wrong = 0;
        size_t faulty = 0;
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                bool set = image_row(&im, y)[x] == 9;
                wrong += set != naive_in_circle(r, x - cx, y - cy, 2 * r - 1);
                faulty += set != naive_in_circle(r, x - cx, y - cy, 2 * r);
            }
        }
        assert_int_equal(wrong, 0);
        noticed += faulty > 0;
        image_clear(&im);
    }
    assert_true(noticed > 20);
}

/* Far outside, and larger than the picture. */
static void test_circle_extremes(void **state)
{
    (void)state;
    struct image im = plain_image(0, 20, 10, 1);
    image_fill_circle(&im, INT32_MAX, INT32_MIN, 100, 255);
    image_fill_circle(&im, -1, 4, 0, 255);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(im.px[i], 0);
    }
    image_fill_circle(&im, 10, 5, 100000, 255);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(im.px[i], 255);
    }
    image_clear(&im);
}

static void random_points(uint32_t seed, int n, int w, int h, int margin, struct image_point *v)
{
    for (int i = 0; i < n; i++) {
        v[i].x = pattern_int(seed, (uint32_t)(2 * i), -margin, w + margin);
        v[i].y = pattern_int(seed, (uint32_t)(2 * i + 1), -margin, h + margin);
    }
}

static void test_polygon_goldens(void **state)
{
    (void)state;
    static const struct {
        uint32_t seed;
        int w, h, n, margin;
        uint32_t crc;
    } rows[] = {
#include "data/ops/polygon.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image_point v[16];
        random_points(rows[i].seed, rows[i].n, rows[i].w, rows[i].h, rows[i].margin, v);
        struct image im = plain_image(0, rows[i].w, rows[i].h, 1);
        assert_ok(image_fill_polygon(&im, v, (size_t)rows[i].n, 255, &e), &e);
        assert_int_equal(image_crc(&im), rows[i].crc);
        image_clear(&im);
    }
}

/* Pixel k of the 8-connected line p-q, in closed form: the minor coordinate rounds halves down. */
static struct image_point naive_line(struct image_point p, struct image_point q, int k)
{
    if (q.x < p.x) {
        struct image_point t = p;
        p = q;
        q = t;
    }
    int dx = q.x - p.x;
    int dy = abs(q.y - p.y);
    int sy = q.y < p.y ? -1 : 1;
    int along = DM_MAX(dx, dy);
    int twice = 2 * DM_MIN(dx, dy) * k - along;
    int minor = twice <= 0 ? 0 : (twice + 2 * along - 1) / (2 * along);
    return dy > dx ? (struct image_point){p.x + minor, p.y + sy * k}
                   : (struct image_point){p.x + k, p.y + sy * minor};
}

/* Whether the scanline rule fills (x, y): pair the crossings from the left. closed_below: a planted
 * fault, edges that also cover their lower end. */
static bool naive_between(const struct image_point *v, int n, int x, int y, bool closed_below)
{
    int64_t at[16];
    int m = 0;
    for (int i = 0; i < n; i++) {
        struct image_point a = v[(i + n - 1) % n];
        struct image_point b = v[i];
        if (a.y > b.y) {
            struct image_point t = a;
            a = b;
            b = t;
        }
        if (a.y != b.y && y >= a.y && (y < b.y || (closed_below && y == b.y))) {
            int64_t slope = (int64_t)(b.x - a.x) * 65536 / (b.y - a.y);
            at[m++] = (int64_t)a.x * 65536 + (y - a.y) * slope;
        }
    }
    for (int i = 0; i < m; i++) { /* selection sort */
        for (int k = i + 1; k < m; k++) {
            if (at[k] < at[i]) {
                int64_t t = at[i];
                at[i] = at[k];
                at[k] = t;
            }
        }
    }
    for (int i = 0; i + 1 < m; i += 2) {
        if ((int64_t)x * 65536 >= at[i] && (int64_t)x * 65536 <= at[i + 1]) {
            return true;
        }
    }
    return false;
}

static void naive_polygon(struct image *im, const struct image_point *v, int n, bool fault)
{
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            image_row(im, y)[x] = naive_between(v, n, x, y, fault) ? 255 : 0;
        }
    }
    for (int i = 0; i < n; i++) {
        struct image_point a = v[(i + n - 1) % n];
        struct image_point b = v[i];
        for (int k = 0; k <= DM_MAX(abs(a.x - b.x), abs(a.y - b.y)); k++) {
            struct image_point p = naive_line(a, b, k);
            image_row(im, p.y)[p.x] = 255;
        }
    }
}

static void test_polygon_oracle(void **state)
{
    (void)state;
    size_t noticed = 0;
    for (uint32_t i = 0; i < 200; i++) {
        struct dm_err e = {0};
        struct image_point v[16];
        int w = pattern_int(i, 900, 2, 60);
        int h = pattern_int(i, 901, 2, 60);
        int n = pattern_int(i, 902, 1, 14);
        random_points(i, n, w - 1, h - 1, 0, v);
        struct image im = plain_image(0, w, h, 1);
        struct image naive = plain_image(0, w, h, 1);
        assert_ok(image_fill_polygon(&im, v, (size_t)n, 255, &e), &e);
        naive_polygon(&naive, v, n, false);
        assert_int_equal(image_differences(&im, &naive), 0);
        naive_polygon(&naive, v, n, true);
        noticed += image_differences(&im, &naive) > 0;
        image_clear(&im);
        image_clear(&naive);
    }
    assert_true(noticed > 50);
}

/* A window shows what the canvas shows there, also where sides leave the canvas. */
static void test_polygon_window(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        struct dm_err e = {0};
        struct image_point v[16];
        int w = pattern_int(i, 900, 1, 60);
        int h = pattern_int(i, 901, 1, 60);
        int n = pattern_int(i, 902, 0, 14);
        random_points(i, n, w, h, i % 3 ? 0 : 100, v);
        struct image canvas = plain_image(0, w, h, 1);
        assert_ok(image_fill_polygon(&canvas, v, (size_t)n, 255, &e), &e);
        int x = pattern_int(i, 903, 0, w - 1);
        int y = pattern_int(i, 904, 0, h - 1);
        struct image_rect part = {x, y, pattern_int(i, 905, 1, w - x),
                                  pattern_int(i, 906, 1, h - y)};
        struct image cut = image_view(&canvas, part);
        struct image im = plain_image(0, part.w, part.h, 1);
        assert_ok(
            image_fill_polygon_window(&im, (struct image_point){x, y}, w, h, v, (size_t)n, 255, &e),
            &e);
        assert_int_equal(image_differences(&im, &cut), 0);
        image_clear(&canvas);
        image_clear(&im);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image im = plain_image(0, 10, 10, 1);
    const struct image_point v[] = {{1, 1}, {8, 2}, {4, 9}};
    assert_survives_no_memory(image_fill_polygon(&im, v, 3, 255, &e), (void)0);
    image_clear(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_circle_goldens),  cmocka_unit_test(test_circle_oracle),
        cmocka_unit_test(test_circle_extremes), cmocka_unit_test(test_polygon_goldens),
        cmocka_unit_test(test_polygon_oracle),  cmocka_unit_test(test_polygon_window),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

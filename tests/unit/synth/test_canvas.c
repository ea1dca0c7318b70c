/* SPDX-License-Identifier: Apache-2.0
 *
 * Primitives against what geometry says: covered areas, the id plane, clipping; the camera against
 * its own inverse. */
#include "support/testing.h"

#include <math.h>

#include "synth/scene.h"

static const struct light noon = {{0, 0, 1}, 0.5f, 0.5f};

static struct rgb white(const void *ctx, float u, float v)
{
    (void)ctx;
    (void)u;
    (void)v;
    return (struct rgb){255, 255, 255};
}

static void canvas_open(struct canvas *c, int w, int h)
{
    struct dm_err e = {0};
    assert_ok(canvas_init(c, w, h, &noon, &e), &e);
    memset(c->im.px, 0, (size_t)w * (size_t)h * 3);
    canvas_begin(c, 1);
}

static double covered(const struct canvas *c)
{
    double sum = 0;
    for (int y = 0; y < c->im.h; y++) {
        for (int x = 0; x < c->im.w; x++) {
            sum += image_row(&c->im, y)[3 * x] / 255.0;
        }
    }
    return sum;
}

static void test_disc_area(void **state)
{
    (void)state;
    static const struct {
        struct affine m;
        bool square;
        double area, tolerance;
    } cases[] = {
        {{50, 50, 30, 0, 0, 30}, false, 3.14159265 * 900, 6},
        {{50.3f, 49.6f, 40, 10, -5, 20}, false, 3.14159265 * 850, 40},
        {{50, 50, 20, 0, 0, 20}, true, 1545, 25}, /* 4 * Gamma(9/8)^2 / Gamma(5/4) * 400 = 1561 */
        {{0, 50, 30, 0, 0, 30}, false, 3.14159265 * 450, 6}, /* half outside */
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct canvas c;
        canvas_open(&c, 100, 100);
        canvas_disc(&c, &cases[i].m, cases[i].square, 0, white, NULL);
        assert_true(fabs(covered(&c) - cases[i].area) < cases[i].tolerance);
        assert_true(fabs(c.painted - cases[i].area) < 2 * cases[i].tolerance + 20);
        canvas_clear(&c);
    }
}

static void test_polygon_area(void **state)
{
    (void)state;
    float square[4][2] = {{10, 10}, {60, 10}, {60, 40}, {10, 40}};
    float turned[4][2] = {{10, 40}, {60, 40}, {60, 10}, {10, 10}};
    float triangle[3][2] = {{-20, 0}, {50, 0}, {50, 70}};
    struct canvas c;
    canvas_open(&c, 100, 100);
    canvas_polygon(&c, square, 4, white, NULL);
    assert_true(fabs(covered(&c) - 1500) < 90); /* half a pixel of soft edge all around */
    assert_int_equal(c.id[20 * 100 + 30], 1);
    assert_int_equal(c.id[20 * 100 + 70], 0);
    canvas_clear(&c);
    canvas_open(&c, 100, 100);
    canvas_polygon(&c, turned, 4, white, NULL);
    assert_true(fabs(covered(&c) - 1500) < 90);
    canvas_clear(&c);
    canvas_open(&c, 100, 100);
    canvas_polygon(&c, triangle, 3, white, NULL);
    assert_true(fabs(covered(&c) - (2450 - 200)) < 90);
    assert_true(c.x1 == -20 && c.x2 == 50 && c.y2 == 70); /* the extent is not clipped */
    canvas_clear(&c);
}

static void test_leaf_stays_in_its_extent(void **state)
{
    (void)state;
    struct leaf_style s = {.mid = {200, 200, 200}, .base = {200, 200, 200}, .rim = {200, 200, 200}};
    for (int i = 0; i <= CANVAS_PROFILE; i++) {
        float u = (float)i / CANVAS_PROFILE;
        s.profile[i] = sqrtf(fmaxf(0, 4 * u * (1 - u)));
    }
    struct leaf l = {.cx = 40,
                     .cy = 70,
                     .ax = 30,
                     .ay = -40,
                     .bx = 12,
                     .by = 9,
                     .a3 = {0.6f, -0.8f, 0},
                     .b3 = {0.8f, 0.6f, 0},
                     .n3 = {0, 0, 1},
                     .shade = 1};
    struct canvas c;
    canvas_open(&c, 120, 120);
    canvas_leaf(&c, &l, &s);
    /* an ellipse with half axes 25 and 15 */
    assert_true(fabs((double)c.painted - 3.14159265 * 25 * 15) < 60);
    for (int y = 0; y < 120; y++) {
        for (int x = 0; x < 120; x++) {
            if (c.id[y * 120 + x]) {
                assert_true((float)x + 1 >= c.x1 && (float)x <= c.x2);
                assert_true((float)y + 1 >= c.y1 && (float)y <= c.y2);
            }
        }
    }
    canvas_clear(&c);
}

static void test_pen(void **state)
{
    (void)state;
    struct canvas c;
    struct affine m = {20, 20, 10, 0, 0, 10};
    canvas_open(&c, 40, 40);
    canvas_disc(&c, &m, false, 0, white, NULL);
    uint32_t once = c.painted;
    canvas_disc(&c, &m, false, 0, white, NULL);
    assert_int_equal(c.painted, once); /* pixels, not strokes */
    canvas_begin(&c, CANVAS_ID_NONE);
    canvas_disc(&c, &m, false, 0, white, NULL);
    assert_int_equal(c.id[20 * 40 + 20], 1);
    canvas_begin(&c, 0);
    canvas_disc(&c, &m, false, 0, white, NULL);
    assert_int_equal(c.id[20 * 40 + 20], 0);
    canvas_clear(&c);
}

static void test_camera(void **state)
{
    (void)state;
    struct camera c;
    camera_init(&c, 640, 480, 700, 0.5f, 12);
    for (int i = 0; i < 25; i++) {
        float x = (float)(i % 5) * 160, y = (float)(i / 5) * 120, g[2], p[2];
        camera_ground(&c, x, y, g);
        camera_project(&c, (struct vec3){g[0], g[1], 0}, p);
        assert_true(fabsf(p[0] - x) < 0.05f && fabsf(p[1] - y) < 0.05f);
        /* the local map is the derivative of the projection */
        struct local l;
        camera_local(&c, (struct vec3){g[0], g[1], 0}, &l);
        const struct vec3 step[3] = {{0.01f, 0, 0}, {0, 0.01f, 0}, {0, 0, 0.01f}};
        for (int k = 0; k < 3; k++) {
            float q[2];
            camera_project(&c, (struct vec3){g[0] + step[k].x, g[1] + step[k].y, step[k].z}, q);
            assert_true(fabsf(q[0] - p[0] - local_x(&l, step[k])) < 0.02f);
            assert_true(fabsf(q[1] - p[1] - local_y(&l, step[k])) < 0.02f);
        }
        assert_true(fabsf(vec3_dot(l.right, l.back)) < 1e-4f);
        assert_true(fabsf(vec3_dot(l.down, l.back)) < 1e-4f);
        assert_true(fabsf(vec3_dot(l.back, l.back) - 1) < 1e-4f);
    }
    /* straight from above, at the centre: right is x, down is y, the viewer is above */
    struct local l;
    camera_init(&c, 640, 480, 700, 0, 12);
    camera_local(&c, (struct vec3){0, 0, 0}, &l);
    assert_true(l.right.x > 0.999f && l.down.y > 0.999f && l.back.z > 0.999f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_disc_area),
                                       cmocka_unit_test(test_polygon_area),
                                       cmocka_unit_test(test_leaf_stays_in_its_extent),
                                       cmocka_unit_test(test_pen), cmocka_unit_test(test_camera)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

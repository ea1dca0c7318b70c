/* SPDX-License-Identifier: Apache-2.0
 *
 * Letterbox geometry against the table of vision.md 4.1, pixels, and the way back. */
#include "vision/yolo.h"

#include <math.h>
#include <string.h>

#include "support/testing.h"

static void test_plan(void **state)
{
    (void)state;
    static const struct {
        int h, w, size;
        bool rect;
        double gain;
        int nh, nw, top, left, net_h, net_w;
    } cases[] = {
        {3000, 4000, 1024, true, 0.256, 768, 1024, 0, 0, 768, 1024},
        {3000, 4000, 1024, false, 0.256, 768, 1024, 128, 0, 1024, 1024},
        {512, 512, 640, true, 1.25, 640, 640, 0, 0, 640, 640},
        {512, 512, 640, false, 1.25, 640, 640, 0, 0, 640, 640},
        {900, 400, 640, true, 640 / 900.0, 640, 284, 0, 2, 640, 288},
        {900, 400, 640, false, 640 / 900.0, 640, 284, 0, 178, 640, 640},
        {1571, 3775, 1280, false, 1280 / 3775.0, 533, 1280, 373, 0, 1280, 1280},
        {512, 512, 500, true, 1, 512, 512, 0, 0, 512, 512}, /* a free size is rounded up */
        {512, 512, 500, false, 500 / 512.0, 500, 500, 0, 0, 500, 500}, /* a fixed one is not */
        {32, 32767, 640, true, 640 / 32767.0, 1, 640, 15, 0, 32, 640},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct yolo_letterbox lb = yolo_letterbox_plan(cases[i].w, cases[i].h, cases[i].size,
                                                       cases[i].size, 32, cases[i].rect);
        assert_int_equal(lb.new_h, cases[i].nh);
        assert_int_equal(lb.new_w, cases[i].nw);
        assert_int_equal(lb.top, cases[i].top);
        assert_int_equal(lb.left, cases[i].left);
        assert_int_equal(lb.net_h, cases[i].net_h);
        assert_int_equal(lb.net_w, cases[i].net_w);
        assert_true(fabs(lb.gain - cases[i].gain) < 1e-12);
    }
}

/* Any photo and target: the picture lies inside, its scale is right to half a pixel, the network
 * input is as small as its mode allows. */
static void test_plan_properties(void **state)
{
    (void)state;
    struct test_rng rng = {3};
    for (int i = 0; i < 20000; i++) {
        int w = 32 + (int)test_rng_below(&rng, 5000);
        int h = 32 + (int)test_rng_below(&rng, 5000);
        int size = 32 * (1 + (int)test_rng_below(&rng, 60));
        bool rect = test_rng_below(&rng, 2);
        struct yolo_letterbox lb = yolo_letterbox_plan(w, h, size, size, 32, rect);
        double r = (double)size / DM_MAX(w, h);
        assert_true(lb.net_w % 32 == 0 && lb.net_h % 32 == 0);
        assert_true(lb.left >= 0 && lb.top >= 0);
        assert_true(lb.left + lb.new_w <= lb.net_w && lb.top + lb.new_h <= lb.net_h);
        assert_true(fabs(lb.new_w - w * r) <= 0.5 || lb.new_w == 1);
        assert_true(fabs(lb.new_h - h * r) <= 0.5 || lb.new_h == 1);
        if (rect) {
            assert_true(lb.net_w - lb.new_w < 32 && lb.net_h - lb.new_h < 32);
        } else {
            assert_true(lb.net_w == size && lb.net_h == size);
        }
    }
}

/* Unscaled pixels arrive unchanged, everything around them is 114, also in a reused picture. */
static void test_apply_border(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image in, out;
    struct yolo_letterbox lb = yolo_letterbox_plan(64, 45, 64, 64, 32, false);
    assert_ok(image_init(&in, 64, 45, 3, &e), &e);
    assert_ok(image_init(&out, 64, 64, 3, &e), &e);
    memset(out.px, 7, (size_t)64 * 64 * 3);
    for (size_t i = 0; i < (size_t)64 * 45 * 3; i++) {
        in.px[i] = (uint8_t)(i * 37 + 1);
    }
    assert_int_equal(lb.top, 9);
    assert_ok(yolo_letterbox_apply(&lb, &in, &out, &e), &e);
    for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 64 * 3; x++) {
            bool inside = y >= 9 && y < 9 + 45;
            assert_int_equal(image_row(&out, y)[x], inside ? image_row(&in, y - 9)[x] : 114);
        }
    }
    image_clear(&in);
    image_clear(&out);
}

/* Scaled: the even mean for a half-size picture, and columns of border left and right. */
static void test_apply_scaled(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image in, out;
    struct yolo_letterbox lb = yolo_letterbox_plan(100, 128, 64, 64, 32, true);
    assert_true(lb.new_w == 50 && lb.net_w == 64 && lb.left == 7 && lb.top == 0);
    assert_ok(image_init(&in, 100, 128, 3, &e), &e);
    assert_ok(image_init(&out, 64, 64, 3, &e), &e);
    for (int y = 0; y < 128; y++) {
        for (int x = 0; x < 300; x++) {
            image_row(&in, y)[x] = (uint8_t)(y * 2 % 256);
        }
    }
    assert_ok(yolo_letterbox_apply(&lb, &in, &out, &e), &e);
    for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 64; x++) {
            int grey = (4 * y + 4 * y + 2 + 1) / 2; /* mean of rows 2y and 2y + 1, rounded up */
            bool inside = x >= 7 && x < 57;
            assert_int_equal(image_row(&out, y)[3 * x], inside ? grey % 256 : 114);
        }
    }
    image_clear(&in);
    image_clear(&out);
}

static void test_unletterbox(void **state)
{
    (void)state;
    struct yolo_letterbox lb = yolo_letterbox_plan(3775, 1571, 1280, 1280, 32, false);
    struct yolo_box b[] = {
        {.x1 = 0, .y1 = 373, .x2 = 1280, .y2 = 906},    /* the whole picture */
        {.x1 = 640, .y1 = 600, .x2 = 700, .y2 = 700},   /* inside */
        {.x1 = -50, .y1 = 100, .x2 = 2000, .y2 = 1280}, /* beyond: clamped */
    };
    yolo_unletterbox(&lb, b, DM_COUNT(b));
    float g = (float)(1280 / 3775.0);
    assert_true(b[0].x1 == 0 && b[0].y1 == 0);
    assert_true(fabsf(b[0].x2 - 3775) < 1e-2f && fabsf(b[0].y2 - 1571) < 2);
    assert_true(b[1].x1 == 640 / g && b[1].y1 == (600.0f - 373) / g);
    assert_true(b[1].x2 == 700 / g && b[1].y2 == (700.0f - 373) / g);
    assert_true(b[2].x1 == 0 && b[2].y1 == 0 && b[2].x2 == 3775 && b[2].y2 == 1571);
}

/* A frame larger than the picture: the picture in the middle at the frame's scale, and back. */
static void test_frame(void **state)
{
    (void)state;
    static const struct {
        int w, h, frame, net, new_w, new_h, left, top, block;
    } cases[] = {
        {512, 512, 512, 512, 512, 512, 0, 0, 1},
        {400, 300, 800, 512, 256, 192, 128, 160, 1},
        {4000, 3000, 4000, 512, 512, 384, 0, 64, 7},
        {3000, 3000, 6000, 512, 256, 256, 128, 128, 11},
        {1000, 600, 1000, 512, 512, 307, 0, 102, 1},
        {2000, 3, 2000, 512, 512, 1, 0, 255, 3},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        struct yolo_letterbox lb = yolo_letterbox_frame(cases[i].w, cases[i].h, cases[i].frame,
                                                        cases[i].net, cases[i].net);
        assert_int_equal(lb.new_w, cases[i].new_w);
        assert_int_equal(lb.new_h, cases[i].new_h);
        assert_int_equal(lb.left, cases[i].left);
        assert_int_equal(lb.top, cases[i].top);
        assert_int_equal(lb.block, cases[i].block);
        struct yolo_box b = {.x1 = (float)lb.left,
                             .y1 = (float)lb.top,
                             .x2 = (float)(lb.left + lb.new_w),
                             .y2 = (float)(lb.top + lb.new_h)};
        yolo_unletterbox(&lb, &b, 1);
        assert_true(b.x1 == 0 && b.y1 == 0);
        assert_true(fabsf(b.x2 - (float)cases[i].w) <= 1 / (float)lb.gain);
        assert_true(fabsf(b.y2 - (float)cases[i].h) <= 1 / (float)lb.gain);
        DM_CLEANUP(image_clear) struct image in = {0};
        DM_CLEANUP(image_clear) struct image out = {0};
        assert_ok(image_init(&in, lb.w, lb.h, 3, &e), &e);
        assert_ok(image_init(&out, lb.net_w, lb.net_h, 3, &e), &e);
        memset(in.px, 7, in.stride_bytes * (size_t)in.h);
        assert_ok(yolo_letterbox_apply(&lb, &in, &out, &e), &e);
        int inner = 0;
        for (int y = 0; y < out.h; y++) {
            for (int x = 0; x < out.w; x++) {
                uint8_t v = image_row(&out, y)[3 * x];
                assert_true(v == 7 || v == 114);
                inner += v == 7;
            }
        }
        assert_int_equal(inner, lb.new_w * lb.new_h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),         cmocka_unit_test(test_plan_properties),
        cmocka_unit_test(test_apply_border), cmocka_unit_test(test_apply_scaled),
        cmocka_unit_test(test_unletterbox),  cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Container masks and the feather. The feather works on blocks around the edge of the mask; the
 * oracle computes the definition of vision.md 6.3 on every pixel, in double. */
#include "vision/region.h"

#include <math.h>

#include "image/ops.h"
#include "support/pattern.h"

/* Vertices are pixels of the photo, also for a mask of a part of it. */
static void test_mask(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct dm_err e = {0};
        double polygon[24];
        struct image_point v[12];
        int w = pattern_int(i, 100, 1, 90);
        int h = pattern_int(i, 101, 1, 70);
        size_t n = (size_t)pattern_int(i, 102, 3, 12);
        for (size_t k = 0; k < n; k++) {
            polygon[2 * k] = pattern_int(i, (uint32_t)(2 * k), 0, 1024) / 1024.0;
            polygon[2 * k + 1] = pattern_int(i, (uint32_t)(2 * k + 1), 0, 1024) / 1024.0;
            v[k] = (struct image_point){(int)(polygon[2 * k] * w), (int)(polygon[2 * k + 1] * h)};
        }
        struct image photo = plain_image(0, w, h, 1);
        assert_ok(image_fill_polygon(&photo, v, n, 255, &e), &e);
        int x = pattern_int(i, 103, 0, w - 1);
        int y = pattern_int(i, 104, 0, h - 1);
        struct image_rect rect = {x, y, pattern_int(i, 105, 1, w - x),
                                  pattern_int(i, 106, 1, h - y)};
        struct image view = image_view(&photo, rect);
        struct image cut, mask;
        assert_ok(image_copy(&view, &cut, &e), &e);
        assert_ok(image_fill_holes(&cut, &e), &e);
        assert_ok(region_mask(polygon, n, w, h, rect, &mask, &e), &e);
        assert_int_equal(image_differences(&mask, &cut), 0);
        image_clear(&photo);
        image_clear(&cut);
        image_clear(&mask);
    }
}

/* What no model should say must not hurt either. */
static void test_mask_of_nonsense(void **state)
{
    (void)state;
    static const double polygon[] = {NAN, 0.5, 1e300, -1e300, INFINITY, 0.1, -0.25, 4.0};
    struct dm_err e = {0};
    struct image mask;
    struct image_rect rect = {3, 4, 20, 10};
    assert_ok(region_mask(polygon, 4, 40, 30, rect, &mask, &e), &e);
    assert_int_equal(mask.w, 20);
    assert_int_equal(mask.h, 10);
    image_clear(&mask);
    assert_ok(region_mask(polygon, 0, 40, 30, rect, &mask, &e), &e);
    image_clear(&mask);
}

/* ---- feather ---- */

static int mirrored(int i, int n)
{
    while (n > 1 && (i < 0 || i >= n)) {
        i = i < 0 ? -i : 2 * n - 2 - i;
    }
    return n > 1 ? i : 0;
}

/* max(0, 1 - d / px), 1 on the mask. */
static double naive_ramp(const struct image *mask, int x, int y, int px)
{
    int best = INT32_MAX;
    for (int v = DM_MAX(y - px, 0); v <= DM_MIN(y + px, mask->h - 1); v++) {
        for (int u = DM_MAX(x - px, 0); u <= DM_MIN(x + px, mask->w - 1); u++) {
            if (image_row(mask, v)[u]) {
                best = DM_MIN(best, (x - u) * (x - u) + (y - v) * (y - v));
            }
        }
    }
    return best == 0 ? 1 : px > 0 ? fmax(0, 1 - sqrt(best) / px) : 0;
}

/* Two passes of the 21-tap kernel; sigma 3.5 is right. */
static void naive_feather(const struct image *mask, int px, double sigma, double *alpha)
{
    int w = mask->w, h = mask->h;
    double k[21];
    double sum = 0;
    for (int i = 0; i < 21; i++) {
        sum += k[i] = exp(-(i - 10) * (i - 10) / (2 * sigma * sigma));
    }
    double *ramp = dm_calloc((size_t)(w * h), sizeof(*ramp));
    double *across = dm_calloc((size_t)(w * h), sizeof(*across));
    assert_true(ramp && across);
    for (int i = 0; i < w * h; i++) {
        ramp[i] = naive_ramp(mask, i % w, i / w, px);
    }
    for (int i = 0; i < w * h; i++) {
        for (int t = 0; t < 21; t++) {
            across[i] += k[t] / sum * ramp[i / w * w + mirrored(i % w + t - 10, w)];
        }
    }
    for (int i = 0; i < w * h; i++) {
        alpha[i] = 0;
        for (int t = 0; t < 21; t++) {
            alpha[i] += k[t] / sum * across[mirrored(i / w + t - 10, h) * w + i % w];
        }
        alpha[i] = image_row(mask, i / w)[i % w] ? 1 : alpha[i];
    }
    dm_free(ramp);
    dm_free(across);
}

static double greatest_difference(const float *a, const double *b, int n)
{
    double worst = 0;
    for (int i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)a[i] - b[i]));
    }
    return worst;
}

/* Masks of several blocks, some of them plain; small ones; empty and full ones. */
static struct image feather_mask(uint32_t i)
{
    int w = i % 4 == 3 ? pattern_int(i, 0, 1, 12) : pattern_int(i, 0, 60, 170);
    int h = i % 4 == 3 ? pattern_int(i, 1, 1, 12) : pattern_int(i, 1, 60, 130);
    if (i % 8 == 7) {
        return plain_image(i % 16 == 7 ? 0 : 255, w, h, 1);
    }
    struct image mask = plain_image(0, w, h, 1);
    for (uint32_t k = 0; k < 1 + i % 3; k++) {
        image_fill_circle(&mask, pattern_int(i, 10 + 3 * k, 0, w), pattern_int(i, 11 + 3 * k, 0, h),
                          pattern_int(i, 12 + 3 * k, 0, 50), 255);
    }
    return mask;
}

static void test_feather_oracle(void **state)
{
    (void)state;
    static const int widths[] = {10, 10, 1, 0, 17};
    size_t noticed = 0;
    for (uint32_t i = 0; i < 40; i++) {
        struct dm_err e = {0};
        struct image mask = feather_mask(i);
        int px = widths[i % DM_COUNT(widths)];
        size_t n = (size_t)mask.w * (size_t)mask.h;
        float *alpha = dm_calloc(n, sizeof(*alpha));
        double *naive = dm_calloc(n, sizeof(*naive));
        assert_true(alpha && naive);
        assert_ok(region_feather(&mask, px, alpha, &e), &e);
        naive_feather(&mask, px, 3.5, naive);
        assert_true(greatest_difference(alpha, naive, (int)n) < 1e-6);
        for (size_t k = 0; k < n; k++) {
            assert_true(mask.px[k] == 0 || alpha[k] == 1.0F); /* the inside stays untouched */
        }
        naive_feather(&mask, px, 3.501, naive); /* planted fault */
        noticed += greatest_difference(alpha, naive, (int)n) > 1e-6;
        dm_free(alpha);
        dm_free(naive);
        image_clear(&mask);
    }
    assert_true(noticed > 25);
}

static void test_apply(void **state)
{
    (void)state;
    enum { W = 700, H = 4 };
    static float alpha[W * H];
    struct image in = pattern_image(PATTERN_NOISE, 5, W, H, 3);
    struct image out = plain_image(1, W, H, 3);
    for (int i = 0; i < W * H; i++) {
        int stretch = i / 150 % 4; /* plain stretches, halves that tie, and anything */
        alpha[i] = stretch == 0   ? 0.0F
                   : stretch == 1 ? 1.0F
                   : stretch == 2 ? 0.5F
                                  : (float)(pattern_mix(6, (uint32_t)i) >> 40) * 0x1p-24F;
    }
    region_apply_alpha(&in, alpha, &out);
    size_t wrong = 0;
    size_t noticed = 0;
    for (int i = 0; i < 3 * W * H; i++) {
        float exact = alpha[i / 3] * (float)in.px[i];
        wrong += out.px[i] != (uint8_t)lrintf(exact);
        noticed += out.px[i] != (uint8_t)(exact + 0.5F); /* planted fault: halves upwards */
    }
    assert_int_equal(wrong, 0);
    assert_true(noticed > 100);
    image_clear(&in);
    image_clear(&out);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const double polygon[] = {0.1, 0.1, 0.8, 0.2, 0.5, 0.9};
    struct image mask;
    struct image_rect rect = {0, 0, 80, 60};
    assert_survives_no_memory(region_mask(polygon, 3, 80, 60, rect, &mask, &e), (void)0);
    static float alpha[80 * 60];
    assert_survives_no_memory(region_feather(&mask, 10, alpha, &e), image_clear(&mask));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask),           cmocka_unit_test(test_mask_of_nonsense),
        cmocka_unit_test(test_feather_oracle), cmocka_unit_test(test_apply),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

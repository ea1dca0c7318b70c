/* SPDX-License-Identifier: Apache-2.0
 *
 * Distance transform against looking at every set pixel. */
#include "image/ops.h"

#include <math.h>

#include "base/limits.h"
#include "support/pattern.h"

/* Differences from the definition; reach is what max_px should have been. */
static size_t wrong_distances(const struct image *mask, const float *d, int reach)
{
    size_t wrong = 0;
    for (int y = 0; y < mask->h; y++) {
        for (int x = 0; x < mask->w; x++) {
            int best = INT32_MAX;
            for (int v = 0; v < mask->h; v++) {
                for (int u = 0; u < mask->w; u++) {
                    if (image_row(mask, v)[u] != 0) {
                        best = DM_MIN(best, (x - u) * (x - u) + (y - v) * (y - v));
                    }
                }
            }
            double expected = best <= reach * reach ? sqrt(best) : INFINITY;
            wrong += d[y * mask->w + x] != (float)expected;
        }
    }
    return wrong;
}

static void test_oracle(void **state)
{
    (void)state;
    static const enum pattern kinds[] = {PATTERN_SPARSE, PATTERN_DISKS, PATTERN_DENSE};
    static const int limits[] = {0, 1, 2, 5, 10, 40, LIMIT_FEATHER_PX};
    size_t noticed = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct dm_err e = {0};
        int w = pattern_int(i, 0, 1, 40);
        int h = pattern_int(i, 1, 1, 30);
        int reach = limits[i % DM_COUNT(limits)];
        struct image mask = pattern_image(kinds[i % 3], i, w, h, 1);
        for (int k = 0; k < w * h; k++) { /* few pixels: long ways */
            mask.px[k] = i % 3 == 0 && pattern_mix(i + 7, (uint32_t)k) >> 59 ? 0 : mask.px[k];
        }
        float *d = dm_calloc((size_t)w * (size_t)h, sizeof(*d));
        assert_non_null(d);
        assert_ok(image_distance(&mask, reach, d, &e), &e);
        assert_int_equal(wrong_distances(&mask, d, reach), 0);
        d[pattern_int(i, 2, 0, w * h - 1)] += 0.001F; /* planted fault; infinity stays infinity */
        noticed += wrong_distances(&mask, d, reach) == 1;
        dm_free(d);
        image_clear(&mask);
    }
    assert_true(noticed > 50);
}

static void test_long_way(void **state)
{
    (void)state;
    struct dm_err e = {0};
    enum { W = 300, H = 200 };
    struct image mask = plain_image(0, W, H, 1);
    static float d[W * H];
    assert_ok(image_distance(&mask, 100, d, &e), &e);
    for (int i = 0; i < W * H; i++) {
        assert_true(isinf(d[i]));
    }
    mask.px[0] = 1; /* any non-zero value counts */
    assert_ok(image_distance(&mask, LIMIT_FEATHER_PX, d, &e), &e);
    assert_true(d[0] == 0 && d[3 + 4 * W] == 5 && d[128] == 128 && d[128 * W] == 128);
    assert_true(d[96 + 72 * W] == 120 && isinf(d[129]) && isinf(d[128 + W]));
    image_clear(&mask);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image mask = pattern_image(PATTERN_SPARSE, 3, 20, 20, 1);
    static float d[400];
    assert_survives_no_memory(image_distance(&mask, 10, d, &e), (void)0);
    image_clear(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_long_way),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

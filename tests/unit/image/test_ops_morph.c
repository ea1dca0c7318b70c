/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening (goldens of OpenCV, naive oracle) and hole filling (flood fill as oracle). */
#include "image/ops.h"

#include "support/pattern.h"

static const enum pattern kinds[] = {PATTERN_SPARSE, PATTERN_DENSE, PATTERN_DISKS, PATTERN_BINARY,
                                     PATTERN_NOISE};

static void test_open_goldens(void **state)
{
    (void)state;
    static const struct {
        enum pattern kind;
        uint32_t seed;
        int w, h;
        uint32_t opened;
        size_t contours, points; /* test_contour.c */
        uint32_t contours_crc;
    } rows[] = {
#include "data/ops/mask.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image in = pattern_image(rows[i].kind, rows[i].seed, rows[i].w, rows[i].h, 1);
        struct image out = plain_image(7, in.w, in.h, 1);
        assert_ok(image_open3x3(&in, &out, &e), &e);
        assert_int_equal(image_crc(&out), rows[i].opened);
        image_clear(&in);
        image_clear(&out);
    }
}

/* Least or greatest of the 3x3 neighbourhood inside the image; cross leaves the corners out. */
static void naive_filter(const struct image *in, struct image *out, bool least, bool cross)
{
    for (int y = 0; y < in->h; y++) {
        for (int x = 0; x < in->w; x++) {
            uint8_t v = image_row(in, y)[x];
            for (int dy = -1; dy <= 1; dy++) {
                for (int dx = -1; dx <= 1; dx++) {
                    if (x + dx < 0 || x + dx >= in->w || y + dy < 0 || y + dy >= in->h ||
                        (cross && dx != 0 && dy != 0)) {
                        continue;
                    }
                    uint8_t n = image_row(in, y + dy)[x + dx];
                    v = least ? DM_MIN(v, n) : DM_MAX(v, n);
                }
            }
            image_row(out, y)[x] = v;
        }
    }
}

static void test_open_oracle(void **state)
{
    (void)state;
    size_t noticed = 0;
    for (uint32_t i = 0; i < 150; i++) {
        struct dm_err e = {0};
        int w = pattern_int(i, 0, 1, 80);
        int h = pattern_int(i, 1, 1, 40);
        struct image in = pattern_image(kinds[i % DM_COUNT(kinds)], i, w, h, 1);
        struct image out = plain_image(1, w, h, 1);
        struct image eroded = plain_image(2, w, h, 1);
        struct image naive = plain_image(3, w, h, 1);
        assert_ok(image_open3x3(&in, &out, &e), &e);
        naive_filter(&in, &eroded, true, false);
        naive_filter(&eroded, &naive, false, false);
        assert_int_equal(image_differences(&out, &naive), 0);
        naive_filter(&in, &eroded, true, true); /* planted fault: another shape */
        naive_filter(&eroded, &naive, false, true);
        noticed += image_differences(&out, &naive) > 0;
        image_clear(&in);
        image_clear(&out);
        image_clear(&eroded);
        image_clear(&naive);
    }
    assert_true(noticed > 60);
}

/* Opening twice changes nothing more. */
static void test_open_idempotent(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct dm_err e = {0};
        struct image in = pattern_image(PATTERN_DENSE, i, 61, 43, 1);
        struct image once = plain_image(0, 61, 43, 1);
        struct image twice = plain_image(0, 61, 43, 1);
        assert_ok(image_open3x3(&in, &once, &e), &e);
        assert_ok(image_open3x3(&once, &twice, &e), &e);
        assert_int_equal(image_differences(&once, &twice), 0);
        image_clear(&in);
        image_clear(&once);
        image_clear(&twice);
    }
}

/* Spread "outside" from the border until nothing changes; diagonal is a planted fault. */
static void naive_fill_holes(struct image *mask, bool diagonal)
{
    struct image outside = plain_image(0, mask->w, mask->h, 1);
    bool changed = true;
    while (changed) {
        changed = false;
        for (int y = 0; y < mask->h; y++) {
            for (int x = 0; x < mask->w; x++) {
                if (image_row(mask, y)[x] != 0 || image_row(&outside, y)[x] != 0) {
                    continue;
                }
                bool reached = x == 0 || y == 0 || x == mask->w - 1 || y == mask->h - 1;
                for (int d = 0; d < 9 && !reached; d++) {
                    int dx = d % 3 - 1, dy = d / 3 - 1;
                    reached = (diagonal || dx == 0 || dy == 0) &&
                              image_row(&outside, y + dy)[x + dx] != 0;
                }
                if (reached) {
                    image_row(&outside, y)[x] = 255;
                    changed = true;
                }
            }
        }
    }
    for (int y = 0; y < mask->h; y++) {
        for (int x = 0; x < mask->w; x++) {
            image_row(mask, y)[x] = image_row(&outside, y)[x] ? 0 : 255;
        }
    }
    image_clear(&outside);
}

static void test_holes_oracle(void **state)
{
    (void)state;
    size_t noticed = 0;
    for (uint32_t i = 0; i < 160; i++) {
        struct dm_err e = {0};
        int w = pattern_int(i, 0, 1, 60);
        int h = pattern_int(i, 1, 1, 40);
        struct image in = pattern_image(kinds[i % 4], i, w, h, 1);
        struct image out, naive, faulty;
        assert_ok(image_copy(&in, &out, &e), &e);
        assert_ok(image_copy(&in, &naive, &e), &e);
        assert_ok(image_copy(&in, &faulty, &e), &e);
        assert_ok(image_fill_holes(&out, &e), &e);
        naive_fill_holes(&naive, false);
        assert_int_equal(image_differences(&out, &naive), 0);
        naive_fill_holes(&faulty, true);
        noticed += image_differences(&out, &faulty) > 0;
        image_clear(&in);
        image_clear(&out);
        image_clear(&naive);
        image_clear(&faulty);
    }
    assert_true(noticed > 20);
}

static void test_holes_in_a_view(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im = plain_image(0, 12, 12, 1);
    struct image view = image_view(&im, (struct image_rect){3, 3, 5, 5});
    for (int i = 0; i < 5; i++) {
        image_row(&view, 0)[i] = image_row(&view, 4)[i] = 255;
        image_row(&view, i)[0] = image_row(&view, i)[4] = 255;
    }
    assert_ok(image_fill_holes(&view, &e), &e);
    size_t set = 0;
    for (int i = 0; i < 144; i++) {
        set += im.px[i] != 0;
    }
    assert_int_equal(set, 25);
    image_clear(&im);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image in = pattern_image(PATTERN_BINARY, 3, 120, 90, 1); /* more runs than one block */
    struct image out = plain_image(0, 120, 90, 1);
    assert_survives_no_memory(image_open3x3(&in, &out, &e), (void)0);
    assert_survives_no_memory(image_fill_holes(&in, &e), (void)0);
    image_clear(&in);
    image_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_goldens),    cmocka_unit_test(test_open_oracle),
        cmocka_unit_test(test_open_idempotent), cmocka_unit_test(test_holes_oracle),
        cmocka_unit_test(test_holes_in_a_view), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

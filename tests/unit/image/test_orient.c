/* SPDX-License-Identifier: Apache-2.0
 *
 * Orientation, whole and row by row, against the definition: EXIF 2.32 says where the stored
 * picture's row 0 and column 0 lie on the upright one. */
#include <string.h>

#include "base/alloc.h"
#include "image/codec_priv.h"
#include "support/testing.h"

/* The stored pixel that belongs at (x, y) of the upright picture; w, h are the stored size. */
static void stored_at(int orientation, int w, int h, int x, int y, int *sx, int *sy)
{
    /* row 0 is: 1 top, 2 top, 3 bottom, 4 bottom, 5 left, 6 right, 7 right, 8 left
     * column 0: 1 left, 2 right, 3 right, 4 left, 5 top, 6 top, 7 bottom, 8 bottom */
    static const bool swap[] = {0, 0, 0, 0, 0, 1, 1, 1, 1};
    static const bool row0_far[] = {0, 0, 0, 1, 1, 0, 1, 1, 0};
    static const bool column0_far[] = {0, 0, 1, 1, 0, 0, 0, 1, 1};
    int along_row = swap[orientation] ? y : x;
    int along_column = swap[orientation] ? x : y;
    *sx = column0_far[orientation] ? w - 1 - along_row : along_row;
    *sy = row0_far[orientation] ? h - 1 - along_column : along_column;
}

static void fill(struct image *im, struct test_rng *rng)
{
    for (int y = 0; y < im->h; y++) {
        for (int i = 0; i < im->w * im->channels; i++) {
            image_row(im, y)[i] = (uint8_t)test_rng_below(rng, 256);
        }
    }
}

static bool is_upright(const struct image *stored, const struct image *out, int orientation)
{
    bool swap = orientation >= 5;
    if (out->w != (swap ? stored->h : stored->w) || out->h != (swap ? stored->w : stored->h)) {
        return false;
    }
    for (int y = 0; y < out->h; y++) {
        for (int x = 0; x < out->w; x++) {
            int sx;
            int sy;
            stored_at(orientation, stored->w, stored->h, x, y, &sx, &sy);
            if (memcmp(image_row(out, y) + x * out->channels,
                       image_row(stored, sy) + sx * out->channels, (size_t)out->channels) != 0) {
                return false;
            }
        }
    }
    return true;
}

static const struct {
    int w, h;
} sizes[] = {{1, 1}, {1, 9}, {9, 1}, {2, 3}, {64, 64}, {65, 63}, {129, 200}, {200, 129}};
static const int channels[] = {1, 3, 4};

static void whole_picture_follows_the_definition(void **state)
{
    (void)state;
    struct test_rng rng = {7};
    struct dm_err e = {0};
    for (size_t i = 0; i < DM_COUNT(sizes) * DM_COUNT(channels) * 8; i++) {
        int orientation = (int)(i % 8) + 1;
        size_t s = i / 8 % DM_COUNT(sizes);
        struct image stored;
        struct image im;
        assert_ok(
            image_init(&stored, sizes[s].w, sizes[s].h, channels[i / 8 / DM_COUNT(sizes)], &e), &e);
        fill(&stored, &rng);
        assert_ok(image_copy(&stored, &im, &e), &e);
        assert_ok(image_orient(&im, orientation, &e), &e);
        assert_true(is_upright(&stored, &im, orientation));
        image_clear(&im);
        image_clear(&stored);
    }
}

/* Rows come in batches of any size up to the room there is. */
static void feed(const struct image *stored, int orientation, struct image *out,
                 struct test_rng *rng)
{
    struct orient o;
    struct dm_err e = {0};
    int room;
    assert_ok(orient_init(&o, out, stored->w, stored->h, orientation, &e), &e);
    while ((room = orient_room(&o)) > 0) {
        int n = 1 + (int)test_rng_below(rng, (uint32_t)room);
        for (int i = 0; i < n; i++) {
            memcpy(orient_row(&o, i), image_row(stored, o.y + i), (size_t)stored->w * 3);
        }
        orient_advance(&o, n);
    }
    assert_int_equal(o.y, stored->h);
    orient_clear(&o);
}

static void rows_in_batches_give_the_same(void **state)
{
    (void)state;
    struct test_rng rng = {8};
    struct dm_err e = {0};
    for (size_t i = 0; i < DM_COUNT(sizes) * 8; i++) {
        int orientation = (int)(i % 8) + 1;
        struct image stored;
        struct image out;
        assert_ok(image_init(&stored, sizes[i / 8].w, sizes[i / 8].h, 3, &e), &e);
        fill(&stored, &rng);
        feed(&stored, orientation, &out, &rng);
        assert_true(is_upright(&stored, &out, orientation));
        image_clear(&out);
        image_clear(&stored);
    }
}

static void comparison_notices_one_wrong_byte_and_a_wrong_orientation(void **state)
{
    (void)state;
    struct test_rng rng = {9};
    struct dm_err e = {0};
    struct image stored;
    assert_ok(image_init(&stored, 65, 63, 3, &e), &e);
    fill(&stored, &rng);
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct image out;
        feed(&stored, orientation, &out, &rng);
        for (int other = 1; other <= 8; other++) {
            assert_int_equal(is_upright(&stored, &out, other), other == orientation);
        }
        image_row(&out, out.h - 1)[3 * out.w - 1] ^= 1;
        assert_false(is_upright(&stored, &out, orientation));
        image_clear(&out);
    }
    image_clear(&stored);
}

static void failed_allocation_keeps_the_picture(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im;
    assert_ok(image_init_zero(&im, 5, 4, 3, &e), &e);
    (void)dm_alloc_fail_at(1);
    assert_int_equal(image_orient(&im, 6, &e), DM_ENOMEM);
    (void)dm_alloc_fail_at(0);
    assert_int_equal(im.w, 5);
    image_clear(&im);
    for (size_t n = 1; n <= 2; n++) {
        struct orient o;
        struct image out = {0};
        (void)dm_alloc_fail_at(n);
        assert_int_equal(orient_init(&o, &out, 5, 4, 8, &e), DM_ENOMEM);
        (void)dm_alloc_fail_at(0);
        orient_clear(&o);
        image_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_picture_follows_the_definition),
        cmocka_unit_test(rows_in_batches_give_the_same),
        cmocka_unit_test(comparison_notices_one_wrong_byte_and_a_wrong_orientation),
        cmocka_unit_test(failed_allocation_keeps_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

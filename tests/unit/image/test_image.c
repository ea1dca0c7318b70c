/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixel storage: limits, views, clipping, copies. */
#include "image/image.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "support/testing.h"

static void sizes_are_checked_before_memory_is_taken(void **state)
{
    (void)state;
    static const struct {
        int w, h, channels, code;
    } rows[] = {
        {1, 1, 1, DM_OK},
        {32767, 1, 4, DM_OK},
        {1, 32767, 3, DM_OK},
        {32768, 1, 1, DM_ELIMIT},
        {1, 32768, 1, DM_ELIMIT},
        {12000, 10001, 1, DM_ELIMIT},
        {INT_MAX, INT_MAX, 4, DM_ELIMIT},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image im = {0};
        int code = image_init(&im, rows[i].w, rows[i].h, rows[i].channels, &e);
        assert_int_equal(code, rows[i].code);
        if (code == DM_OK) {
            assert_int_equal(im.stride_bytes, (size_t)rows[i].w * (size_t)rows[i].channels);
            assert_int_equal((uintptr_t)im.px % 64, 0);
            image_clear(&im);
        } else {
            assert_null(im.px);
            assert_non_null(strstr(e.text, "megapixels"));
        }
    }
}

static void zeroed_image_is_zero_and_clear_can_repeat(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im;
    assert_ok(image_init_zero(&im, 7, 5, 3, &e), &e);
    for (size_t i = 0; i < 7 * 5 * 3; i++) {
        assert_int_equal(im.px[i], 0);
    }
    image_clear(&im);
    image_clear(&im);
    assert_null(im.px);
}

static void view_shares_pixels_and_copy_does_not(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im;
    struct image copy;
    assert_ok(image_init_zero(&im, 8, 6, 3, &e), &e);
    struct image v = image_view(&im, (struct image_rect){2, 1, 4, 3});
    image_row(&v, 1)[3 * 1 + 2] = 9; /* column 3, row 2, blue of the whole */
    assert_int_equal(image_row(&im, 2)[3 * 3 + 2], 9);
    assert_ok(image_copy(&v, &copy, &e), &e);
    assert_int_equal(copy.stride_bytes, 12);
    assert_int_equal(image_row(&copy, 1)[5], 9);
    image_row(&copy, 1)[5] = 1;
    assert_int_equal(image_row(&im, 2)[3 * 3 + 2], 9);
    image_clear(&copy);
    image_clear(&im);
}

static void clip_is_the_intersection(void **state)
{
    (void)state;
    const struct image im = {.w = 10, .h = 8};
    static const struct {
        struct image_rect in, out;
    } rows[] = {
        {{0, 0, 10, 8}, {0, 0, 10, 8}},
        {{-3, -2, 5, 5}, {0, 0, 2, 3}},
        {{8, 7, 100, 100}, {8, 7, 2, 1}},
        {{10, 0, 1, 1}, {0, 0, 0, 0}},
        {{3, 3, 0, 4}, {0, 0, 0, 0}},
        {{INT_MAX, 0, INT_MAX, 1}, {0, 0, 0, 0}},
        {{INT_MIN, INT_MIN, INT_MAX, INT_MAX}, {0, 0, 0, 0}},
        {{-5, -5, INT_MAX, INT_MAX}, {0, 0, 10, 8}},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image_rect r = image_clip(&im, rows[i].in);
        assert_memory_equal(&r, &rows[i].out, sizeof(r));
    }
}

static void failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im = {0};
    struct image copy = {0};
    (void)dm_alloc_fail_at(1);
    assert_int_equal(image_init(&im, 4, 4, 3, &e), DM_ENOMEM);
    assert_null(im.px);
    (void)dm_alloc_fail_at(0);
    assert_ok(image_init_zero(&im, 4, 4, 3, &e), &e);
    (void)dm_alloc_fail_at(1);
    assert_int_equal(image_copy(&im, &copy, &e), DM_ENOMEM);
    (void)dm_alloc_fail_at(0);
    assert_null(copy.px);
    image_clear(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked_before_memory_is_taken),
        cmocka_unit_test(zeroed_image_is_zero_and_clear_can_repeat),
        cmocka_unit_test(view_shares_pixels_and_copy_does_not),
        cmocka_unit_test(clip_is_the_intersection),
        cmocka_unit_test(failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

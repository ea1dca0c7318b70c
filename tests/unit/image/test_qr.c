/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels in pictures: found at several sizes, in colour and grey, in large photos; not found where
 * none is, or where it is damaged. */
#include <stdbool.h>
#include <string.h>

#include "image/qr.h"
#include "support/label.h"
#include "support/testing.h"

static void noise(struct image *im)
{
    struct test_rng rng = {7};
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w * im->channels; x++) {
            image_row(im, y)[x] = (uint8_t)(90 + test_rng_below(&rng, 60));
        }
    }
}

static void found(void **state)
{
    (void)state;
    static const struct {
        int w, h, channels, module, x, y;
        bool painted, torn;
        size_t n;
    } rows[] = {
        {640, 480, 3, 3, 100, 200, true, false, 1},
        {640, 480, 1, 6, 10, 10, true, false, 1},
        {1600, 1200, 3, 4, 1400, 30, true, false, 1},
        {4000, 3000, 3, 8, 2000, 2500, true, false, 1}, /* looked at in half its size */
        {640, 480, 3, 4, 100, 100, false, false, 0},
        {640, 480, 3, 4, 100, 100, true, true, 0},
        {32, 32, 3, 1, 1, 1, true, false, 1}, /* as small as pictures get */
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        struct dm_err e = {0};
        struct image im = {0};
        const char *text[IMAGE_QR_MAX];
        size_t n = 99;
        assert_ok(image_init(&im, rows[i].w, rows[i].h, rows[i].channels, &e), &e);
        noise(&im);
        if (rows[i].painted) {
            label_paint(&im, rows[i].x, rows[i].y, rows[i].module);
        }
        if (rows[i].torn) { /* a third of it is gone: more than it can correct */
            for (int y = 0; y < rows[i].module * 12; y++) {
                memset(image_row(&im, rows[i].y + y) + (ptrdiff_t)rows[i].x * rows[i].channels, 128,
                       (size_t)rows[i].module * 30 * (size_t)rows[i].channels);
            }
        }
        assert_ok(image_find_qr(&im, &a, text, &n, &e), &e);
        if (n != rows[i].n || (n && strcmp(text[0], "LOC000001") != 0)) {
            fail_msg("row %zu: %zu labels, %s", i, n, n ? text[0] : "");
        }
        image_clear(&im);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

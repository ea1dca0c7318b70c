/* SPDX-License-Identifier: Apache-2.0
 *
 * Small pictures. Every pixel of the photo counts once: a photo of 4000 px made 300 px wide by
 * taking single pixels would show its noise. A row of sums at a time, integers only. */
#include <string.h>

#include "base/alloc.h"
#include "inventory/photo.h"

/* First source pixel of cell i when n pixels become m cells. */
static int edge(int i, int n, int m)
{
    return (int)((int64_t)i * n / m);
}

static void add_row(const uint8_t *from, int w, int cells, uint32_t *sum)
{
    for (int x = 0; x < cells; x++) {
        const uint8_t *end = from + 3 * (ptrdiff_t)edge(x + 1, w, cells);
        uint32_t r = 0;
        uint32_t g = 0;
        uint32_t b = 0;
        for (const uint8_t *p = from + 3 * (ptrdiff_t)edge(x, w, cells); p < end; p += 3) {
            r += p[0];
            g += p[1];
            b += p[2];
        }
        sum[3 * x] += r;
        sum[3 * x + 1] += g;
        sum[3 * x + 2] += b;
    }
}

static void write_row(const uint32_t *sum, int w, int cells, int rows, uint8_t *to)
{
    for (int x = 0; x < cells; x++) {
        const uint32_t n = (uint32_t)(rows * (edge(x + 1, w, cells) - edge(x, w, cells)));
        for (int c = 0; c < 3; c++) {
            to[3 * x + c] = (uint8_t)((sum[3 * x + c] + n / 2) / n);
        }
    }
}

int photo_shrink(const struct image *im, int side, struct image *ret, struct dm_err *e)
{
    const int longer = DM_MAX(im->w, im->h);
    DM_CLEANUP(image_clear) struct image out = {0};
    DM_BUG_UNLESS(im->channels == 3 && side > 0);
    if (longer <= side) {
        return image_copy(im, ret, e);
    }
    const int w = DM_MAX(1, (int)(((int64_t)im->w * side + longer / 2) / longer));
    const int h = DM_MAX(1, (int)(((int64_t)im->h * side + longer / 2) / longer));
    DM_TRY(image_init(&out, w, h, 3, e));
    DM_CLEANUP(dm_freep) uint32_t *sum = dm_calloc((size_t)w * 3, sizeof(*sum));
    if (!sum) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a small picture");
    }
    for (int y = 0; y < h; y++) {
        const int from = edge(y, im->h, h);
        const int to = edge(y + 1, im->h, h);
        memset(sum, 0, (size_t)w * 3 * sizeof(*sum));
        for (int row = from; row < to; row++) {
            add_row(image_row(im, row), im->w, w, sum);
        }
        write_row(sum, im->w, w, to - from, image_row(&out, y));
    }
    *ret = out;
    out = (struct image){0};
    return DM_OK;
}

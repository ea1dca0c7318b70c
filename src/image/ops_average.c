/* SPDX-License-Identifier: Apache-2.0
 *
 * Means of squares, for coarse views of a photo: sampling every eighth pixel of gravel would invent
 * what is not there. Once or twice a photo over all its pixels: rows are added up first, in a loop
 * that the compiler vectorises, then columns. */
#include "image/ops.h"

#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"

DM_SIMD_CLONES static void add_row(const uint8_t *restrict row, size_t n, uint32_t *restrict sum)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] += row[i];
    }
}

int image_average(const struct image *in, int k, struct image *out, struct dm_err *e)
{
    DM_BUG_UNLESS(k > 0 && k <= 4096 && in->channels == 3 && out->channels == 3);
    DM_BUG_UNLESS(out->w == in->w / k && out->h == in->h / k);
    size_t n = (size_t)out->w * (size_t)k * 3;
    uint32_t area = (uint32_t)k * (uint32_t)k;
    DM_CLEANUP(dm_freep) uint32_t *sum = dm_alloc(n * sizeof(*sum));
    if (!sum) {
        DM_FAIL(e, DM_ENOMEM, "no memory to average %d pixels", in->w);
    }
    for (int y = 0; y < out->h; y++) {
        uint8_t *to = image_row(out, y);
        memset(sum, 0, n * sizeof(*sum));
        for (int i = 0; i < k; i++) {
            add_row(image_row(in, y * k + i), n, sum);
        }
        for (int x = 0; x < out->w; x++) {
            const uint32_t *square = sum + (size_t)x * (size_t)k * 3;
            uint32_t total[3] = {area / 2, area / 2, area / 2};
            for (int i = 0; i < k; i++) {
                for (int c = 0; c < 3; c++) {
                    total[c] += square[3 * i + c];
                }
            }
            for (int c = 0; c < 3; c++) {
                to[3 * x + c] = (uint8_t)(total[c] / area);
            }
        }
    }
    return DM_OK;
}

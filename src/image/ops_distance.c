/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact Euclidean distance up to a limit. The feather of a crop asks for ten pixels, so instead of
 * the lower envelope of all parabolas of a row (Felzenszwalb & Huttenlocher 2012) only those within
 * the limit are compared: column distances first, then per row a minimum over 2 * max_px + 1
 * shifted copies, which the compiler vectorises. Cost O(w * h * max_px / lanes). */
#include "image/ops.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "base/limits.h"
#include "base/simd.h"

#define FAR2 32768 /* squared column distance beyond the limit: with dx^2 added still 16 bits */
static_assert(LIMIT_FEATHER_PX * LIMIT_FEATHER_PX < FAR2, "squared distances fit 16 bits");
static_assert(LIMIT_FEATHER_PX < UINT8_MAX, "column distances fit 8 bits");

/* One step along the columns: distance to the nearest set pixel on the side of before, at most
 * limit, joined into out by minimum. */
DM_SIMD_CLONES static void column_step(const uint8_t *restrict mask, const uint8_t *restrict before,
                                       uint8_t limit, size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t next = (uint8_t)(before[i] + 1);
        uint8_t capped = next < limit ? next : limit;
        uint8_t nearer = out[i] < capped ? out[i] : capped;
        out[i] = mask[i] ? 0 : nearer;
    }
}

DM_SIMD_CLONES static void square_row(const uint8_t *restrict g, uint8_t limit, size_t n,
                                      uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint16_t)(g[i] == limit ? FAR2 : g[i] * g[i]);
    }
}

/* a and b may overlap each other. */
DM_SIMD_CLONES static void nearer_of(const uint16_t *a, const uint16_t *b, uint16_t dx2, size_t n,
                                     uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t ab = a[i] < b[i] ? a[i] : b[i];
        uint16_t v = (uint16_t)(ab + dx2);
        out[i] = v < out[i] ? v : out[i];
    }
}

DM_SIMD_CLONES static void root_row(const uint16_t *restrict d2, uint16_t limit2, size_t n,
                                    float *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        float d = sqrtf((float)d2[i]);
        out[i] = d2[i] <= limit2 ? d : INFINITY;
    }
}

int image_distance(const struct image *mask, int max_px, float *ret, struct dm_err *e)
{
    DM_BUG_UNLESS(mask->channels == 1 && max_px >= 0 && max_px <= LIMIT_FEATHER_PX);
    size_t n = (size_t)mask->w;
    size_t h = (size_t)mask->h;
    size_t reach = (size_t)max_px;
    uint8_t limit = (uint8_t)(max_px + 1); /* stands for anything farther */
    DM_CLEANUP(dm_freep) uint8_t *g = dm_alloc_aligned((h + 1) * n);
    DM_CLEANUP(dm_freep) uint16_t *line = dm_alloc_aligned((2 * n + 2 * reach) * sizeof(*line));
    if (!g || !line) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the distances of %d x %d pixels", mask->w, mask->h);
    }
    memset(g, limit, (h + 1) * n); /* with one row outside */
    for (size_t y = 0; y < h; y++) {
        const uint8_t *before = g + (y > 0 ? y - 1 : h) * n;
        column_step(image_row(mask, (int)y), before, limit, n, g + y * n);
    }
    for (size_t y = h - 1; y-- > 0;) {
        column_step(image_row(mask, (int)y), g + (y + 1) * n, limit, n, g + y * n);
    }

    uint16_t *d2 = line;
    uint16_t *g2 = line + n; /* max_px far columns, the row, max_px far columns */
    for (size_t i = 0; i < reach; i++) {
        g2[i] = FAR2;
        g2[reach + n + i] = FAR2;
    }
    for (size_t y = 0; y < h; y++) {
        square_row(g + y * n, limit, n, g2 + reach);
        memcpy(d2, g2 + reach, n * sizeof(*d2));
        for (size_t dx = 1; dx <= reach; dx++) {
            nearer_of(g2 + reach - dx, g2 + reach + dx, (uint16_t)(dx * dx), n, d2);
        }
        root_row(d2, (uint16_t)(reach * reach), n, ret + y * n);
    }
    return DM_OK;
}

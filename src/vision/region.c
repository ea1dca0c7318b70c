/* SPDX-License-Identifier: Apache-2.0
 *
 * Container masks, feathered crops and the grouping of near-duplicate plants (vision.md 6, 7). */
#include "vision/region.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/simd.h"
#include "image/ops.h"

/* A fraction of a side as a pixel. Fractions lie in 0..1; anything a broken record may hold is kept
 * within what the polygon filler accepts. */
static int vertex(double fraction, int side)
{
    double v = trunc(fraction * side);
    const double far = 1 << 20;
    return v > -far && v < far ? (int)v : 0;
}

int region_mask(const double *polygon, size_t n_points, int image_w, int image_h,
                struct image_rect rect, struct image *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_freep)
    struct image_point *v = dm_calloc(DM_MAX(n_points, 1), sizeof(*v));
    if (!v) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon of %zu points", n_points);
    }
    for (size_t i = 0; i < n_points; i++) {
        v[i] = (struct image_point){vertex(polygon[2 * i], image_w),
                                    vertex(polygon[2 * i + 1], image_h)};
    }
    struct image mask;
    DM_TRY(image_init_zero(&mask, rect.w, rect.h, 1, e));
    struct image_point origin = {rect.x, rect.y};
    int rc = image_fill_polygon_window(&mask, origin, image_w, image_h, v, n_points, 255, e);
    if (rc >= 0) {
        rc = image_fill_holes(&mask, e);
    }
    if (rc < 0) {
        image_clear(&mask);
        return rc;
    }
    *ret = mask;
    return DM_OK;
}

/* ---- feather ---- */

#define FEATHER_KSIZE 21
#define FEATHER_SIGMA 3.5

/* Only a ring around the mask is neither 0 nor 1. The picture is looked at in blocks: a block needs
 * the real arithmetic when it has background and there is foreground close enough to shine into it,
 * that is within the ramp and the radius of the blur. */
#define BLOCK 32

/* Pixels that region_apply_alpha looks at together. */
#define STRETCH 128

enum { HAS_SET = 1, HAS_CLEAR = 2 };

struct feather {
    const struct image *mask;
    int px;         /* width of the ramp */
    float *alpha;   /* [h][w] result */
    float *scratch; /* [BLOCK + 2 * margin][w + 2 * margin] */
    uint8_t *kinds; /* [block_h][block_w] HAS_* */
    int block_w, block_h;
};

DM_SIMD_CLONES static void join_any_all(const uint8_t *restrict row, size_t n,
                                        uint8_t *restrict any, uint8_t *restrict all)
{
    for (size_t i = 0; i < n; i++) {
        any[i] |= row[i];
        all[i] &= row[i];
    }
}

/* Kinds of the blocks of row by; any and all are scratch of the width of the mask. */
static void classify_strip(const struct feather *f, int by, uint8_t *any, uint8_t *all)
{
    size_t w = (size_t)f->mask->w;
    memset(any, 0, w);
    memset(all, 255, w);
    for (int y = by * BLOCK; y < DM_MIN((by + 1) * BLOCK, f->mask->h); y++) {
        join_any_all(image_row(f->mask, y), w, any, all);
    }
    uint8_t *kinds = f->kinds + (size_t)by * (size_t)f->block_w;
    for (size_t x = 0; x < w; x++) {
        kinds[x / BLOCK] |= (any[x] ? HAS_SET : 0) | (all[x] ? 0 : HAS_CLEAR);
    }
}

/* Whether block (bx, by) has background with foreground within reach blocks. */
static bool block_is_soft(const struct feather *f, int bx, int by, int reach)
{
    if (!(f->kinds[(size_t)by * (size_t)f->block_w + (size_t)bx] & HAS_CLEAR)) {
        return false;
    }
    for (int y = DM_MAX(by - reach, 0); y <= DM_MIN(by + reach, f->block_h - 1); y++) {
        for (int x = DM_MAX(bx - reach, 0); x <= DM_MIN(bx + reach, f->block_w - 1); x++) {
            if (f->kinds[(size_t)y * (size_t)f->block_w + (size_t)x] & HAS_SET) {
                return true;
            }
        }
    }
    return false;
}

DM_SIMD_CLONES static void ramp_row(float *restrict d, size_t n, float px)
{
    for (size_t i = 0; i < n; i++) {
        float a = 1.0F - d[i] / px;
        d[i] = a > 0 ? a : 0;
    }
}

DM_SIMD_CLONES static void join_row(const uint8_t *restrict mask, const float *restrict blurred,
                                    size_t n, float *restrict alpha)
{
    for (size_t i = 0; i < n; i++) {
        alpha[i] = mask[i] ? 1.0F : blurred[i];
    }
}

/* The definition itself, on rectangle r of the picture: distance, ramp, blur. It works on r and
 * everything that can shine into it; where that is cut short by an edge of the picture, the blur
 * mirrors there as it would on the whole. */
static int feather_rect(const struct feather *f, struct image_rect r, struct dm_err *e)
{
    int margin = FEATHER_KSIZE / 2 + f->px;
    struct image_rect grown = {r.x - margin, r.y - margin, r.w + 2 * margin, r.h + 2 * margin};
    struct image_rect around = image_clip(f->mask, grown);
    struct image part = image_view(f->mask, around);
    size_t stride = (size_t)around.w;
    DM_TRY(image_distance(&part, f->px, f->scratch, e));
    /* A ramp of no width: infinitely steep, which leaves the mask itself. */
    ramp_row(f->scratch, stride * (size_t)around.h, f->px > 0 ? (float)f->px : 0.5F);
    DM_TRY(image_gaussian_f32(f->scratch, around.w, around.h, FEATHER_KSIZE, FEATHER_SIGMA,
                              f->scratch, e));
    for (int y = r.y; y < r.y + r.h; y++) {
        const float *from = f->scratch + (size_t)(y - around.y) * stride + (size_t)(r.x - around.x);
        join_row(image_row(f->mask, y) + r.x, from, (size_t)r.w,
                 f->alpha + (size_t)y * (size_t)f->mask->w + r.x);
    }
    return DM_OK;
}

/* One row of blocks: plain ones are filled, runs of soft ones computed together. */
static int feather_strip(const struct feather *f, int by, struct dm_err *e)
{
    int reach = (FEATHER_KSIZE / 2 + f->px + BLOCK - 1) / BLOCK;
    int y0 = by * BLOCK;
    int h = DM_MIN(BLOCK, f->mask->h - y0);
    for (int bx = 0; bx < f->block_w;) {
        int end = bx;
        while (end < f->block_w && block_is_soft(f, end, by, reach)) {
            end++;
        }
        int x0 = bx * BLOCK;
        if (end > bx) {
            int w = DM_MIN(end * BLOCK, f->mask->w) - x0;
            DM_TRY(feather_rect(f, (struct image_rect){x0, y0, w, h}, e));
            bx = end;
            continue;
        }
        float value = f->kinds[(size_t)by * (size_t)f->block_w + (size_t)bx] & HAS_SET ? 1 : 0;
        int w = DM_MIN(BLOCK, f->mask->w - x0);
        for (int y = y0; y < y0 + h; y++) {
            float *row = f->alpha + (size_t)y * (size_t)f->mask->w + x0;
            for (int i = 0; i < w; i++) {
                row[i] = value;
            }
        }
        bx++;
    }
    return DM_OK;
}

int region_feather(
    const struct image *mask, int feather_px,
    float *ret, /* NOLINT(readability-non-const-parameter): feather_strip writes it */
    struct dm_err *e)
{
    DM_BUG_UNLESS(mask->channels == 1 && feather_px >= 0 && feather_px <= LIMIT_FEATHER_PX);
    struct feather f = {
        .mask = mask,
        .px = feather_px,
        .alpha = ret,
        .block_w = (mask->w + BLOCK - 1) / BLOCK,
        .block_h = (mask->h + BLOCK - 1) / BLOCK,
    };
    size_t rows = (size_t)DM_MIN(BLOCK + FEATHER_KSIZE + 2 * feather_px, mask->h);
    size_t blocks = (size_t)f.block_w * (size_t)f.block_h;
    size_t w = (size_t)mask->w;
    DM_CLEANUP(dm_freep) uint8_t *kinds = dm_calloc(blocks + 2 * w, sizeof(*kinds));
    DM_CLEANUP(dm_freep) float *scratch = dm_alloc_aligned(rows * w * sizeof(float));
    if (!kinds || !scratch) {
        DM_FAIL(e, DM_ENOMEM, "no memory to feather %d x %d pixels", mask->w, mask->h);
    }
    f.kinds = kinds;
    f.scratch = scratch;
    for (int by = 0; by < f.block_h; by++) {
        classify_strip(&f, by, kinds + blocks, kinds + blocks + w);
    }
    for (int by = 0; by < f.block_h; by++) {
        DM_TRY(feather_strip(&f, by, e));
    }
    return DM_OK;
}

/* Half to even by the rounding of an addition: the result sits in the low bits of the sum. */
DM_SIMD_CLONES static void scale_pixels(const uint8_t *restrict in, const float *restrict alpha,
                                        size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < 3; c++) {
            float sum = alpha[i] * (float)in[3 * i + c] + 0x1.8p23F;
            uint32_t bits;
            memcpy(&bits, &sum, sizeof(bits));
            out[3 * i + c] = (uint8_t)bits;
        }
    }
}

/* 1 when all of alpha[n] is 1, 0 when all is 0, -1 otherwise. */
DM_SIMD_CLONES static int plain_value(const float *alpha, size_t n)
{
    int not_one = 0;
    int not_zero = 0;
    for (size_t i = 0; i < n; i++) {
        not_one |= alpha[i] < 1.0F;
        not_zero |= alpha[i] > 0.0F;
    }
    return !not_one ? 1 : !not_zero ? 0 : -1;
}

void region_apply_alpha(const struct image *in, const float *alpha, struct image *out)
{
    DM_BUG_UNLESS(in->channels == 3 && out->channels == 3 && in->w == out->w && in->h == out->h);
    size_t w = (size_t)in->w;
    for (int y = 0; y < in->h; y++) {
        const uint8_t *from = image_row(in, y);
        const float *a = alpha + (size_t)y * w;
        uint8_t *to = image_row(out, y);
        for (size_t x = 0; x < w; x += STRETCH) {
            size_t n = DM_MIN(w - x, (size_t)STRETCH);
            switch (plain_value(a + x, n)) {
            case 1:
                memcpy(to + 3 * x, from + 3 * x, 3 * n);
                break;
            case 0:
                memset(to + 3 * x, 0, 3 * n);
                break;
            default:
                scale_pixels(from + 3 * x, a + x, n, to + 3 * x);
                break;
            }
        }
    }
}

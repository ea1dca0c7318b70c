/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian blur: 8-bit fixed point for the detection mask (once per photo, on all its pixels) and
 * floats for the feather of a crop.
 *
 * Both are separable and hold only as many horizontally blurred rows as the kernel is high, so the
 * working set of a 4000-pixel row and 21 taps is 168 kB and stays in the second-level cache. The
 * kernels are symmetric: neighbours at the same distance are added before they are multiplied. */
#include "image/ops.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "base/simd.h"

#define KSIZE_MAX 21
#define STRETCH   512

/* Half kernels from the centre outwards, in 256ths; vision.md A.3 (confirmed by the goldens). */
static const uint16_t half_5[] = {96, 64, 16};
static const uint16_t half_9[] = {60, 51, 30, 13, 4};
static const uint16_t half_15[] = {40, 36, 30, 20, 12, 6, 3, 1};
static const uint16_t half_21[] = {30, 28, 25, 20, 15, 11, 6, 4, 2, 2, 0};

/* Reflect-101: ... 2 1 | 0 1 2 ... n-1 | n-2 ..., folded as often as a tiny image needs. */
static int reflect(int i, int n)
{
    if (n == 1) {
        return 0;
    }
    while (i < 0 || i >= n) {
        i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i;
}

/* Slot of row y in a ring that holds every row of the window around the current one. */
static size_t ring_slot(int y, int ksize)
{
    return (size_t)y % (size_t)ksize;
}

/* One row of sums in 256ths: at most 255 * 256, exactly 16 bits. p starts r pixels before the row.
 */
static inline __attribute__((always_inline)) void across_u8(const uint8_t *restrict p, size_t step,
                                                            const uint16_t *restrict half, size_t r,
                                                            size_t n, uint16_t *restrict out)
{
    const uint8_t *restrict mid = p + r * step;
    for (size_t i = 0; i < n; i++) {
        uint16_t sum = (uint16_t)(mid[i] * half[0]);
        for (size_t k = 1; k <= r; k++) {
            uint16_t both = (uint16_t)(mid[i + k * step] + p[i + (r - k) * step]);
            sum = (uint16_t)(sum + both * half[k]);
        }
        out[i] = sum;
    }
}

DM_SIMD_CLONES static void across_u8_5(const uint8_t *restrict p, size_t step, size_t n,
                                       uint16_t *restrict out)
{
    across_u8(p, step, half_5, 2, n, out);
}

DM_SIMD_CLONES static void across_u8_9(const uint8_t *restrict p, size_t step, size_t n,
                                       uint16_t *restrict out)
{
    across_u8(p, step, half_9, 4, n, out);
}

DM_SIMD_CLONES static void across_u8_15(const uint8_t *restrict p, size_t step, size_t n,
                                        uint16_t *restrict out)
{
    across_u8(p, step, half_15, 7, n, out);
}

DM_SIMD_CLONES static void across_u8_21(const uint8_t *restrict p, size_t step, size_t n,
                                        uint16_t *restrict out)
{
    across_u8(p, step, half_21, 10, n, out);
}

/* One output row from the ksize rows around it, upper first. */
static inline __attribute__((always_inline)) void down_u8(const uint16_t *const *restrict rows,
                                                          const uint16_t *restrict half, size_t r,
                                                          size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t sum = (uint32_t)rows[r][i] * half[0];
        for (size_t k = 1; k <= r; k++) {
            sum += ((uint32_t)rows[r - k][i] + rows[r + k][i]) * half[k];
        }
        out[i] = (uint8_t)((sum + 32768) >> 16);
    }
}

DM_SIMD_CLONES static void down_u8_5(const uint16_t *const *restrict rows, size_t n,
                                     uint8_t *restrict out)
{
    down_u8(rows, half_5, 2, n, out);
}

DM_SIMD_CLONES static void down_u8_9(const uint16_t *const *restrict rows, size_t n,
                                     uint8_t *restrict out)
{
    down_u8(rows, half_9, 4, n, out);
}

DM_SIMD_CLONES static void down_u8_15(const uint16_t *const *restrict rows, size_t n,
                                      uint8_t *restrict out)
{
    down_u8(rows, half_15, 7, n, out);
}

DM_SIMD_CLONES static void down_u8_21(const uint16_t *const *restrict rows, size_t n,
                                      uint8_t *restrict out)
{
    down_u8(rows, half_21, 10, n, out);
}

struct gauss_u8 {
    int ksize;
    void (*across)(const uint8_t *restrict p, size_t step, size_t n, uint16_t *restrict out);
    void (*down)(const uint16_t *const *restrict rows, size_t n, uint8_t *restrict out);
};

static const struct gauss_u8 *find_gauss_u8(int ksize)
{
    static const struct gauss_u8 table[] = {
        {5, across_u8_5, down_u8_5},
        {9, across_u8_9, down_u8_9},
        {15, across_u8_15, down_u8_15},
        {21, across_u8_21, down_u8_21},
    };
    for (size_t i = 0; i < DM_COUNT(table); i++) {
        if (table[i].ksize == ksize) {
            return &table[i];
        }
    }
    return NULL;
}

/* The row with r reflected pixels on either side. */
static void pad_row_u8(const uint8_t *row, int w, int r, size_t ch, uint8_t *out)
{
    for (int i = -r; i < 0; i++) {
        memcpy(out + (size_t)(i + r) * ch, row + (size_t)reflect(i, w) * ch, ch);
    }
    memcpy(out + (size_t)r * ch, row, (size_t)w * ch);
    for (int i = w; i < w + r; i++) {
        memcpy(out + (size_t)(i + r) * ch, row + (size_t)reflect(i, w) * ch, ch);
    }
}

int image_gaussian_u8(const struct image *in, int ksize, struct image *out, struct dm_err *e)
{
    const struct gauss_u8 *g = find_gauss_u8(ksize);
    DM_BUG_UNLESS(g && in->w == out->w && in->h == out->h && in->channels == out->channels);
    int r = ksize / 2;
    size_t ch = (size_t)in->channels;
    size_t n = (size_t)in->w * ch;
    size_t row_values = dm_align_up(n, 32);
    size_t pad_bytes = dm_align_up(n + 2 * (size_t)r * ch, 64);
    DM_CLEANUP(dm_freep)
    uint8_t *block = dm_alloc_aligned(pad_bytes + (size_t)ksize * row_values * sizeof(uint16_t));
    if (!block) {
        DM_FAIL(e, DM_ENOMEM, "no memory to blur %d x %d pixels", in->w, in->h);
    }
    uint16_t *ring = (uint16_t *)(void *)(block + pad_bytes);
    int done = 0; /* rows blurred across so far */
    for (int y = 0; y < in->h; y++) {
        for (; done < DM_MIN(y + r + 1, in->h); done++) {
            pad_row_u8(image_row(in, done), in->w, r, ch, block);
            g->across(block, ch, n, ring + ring_slot(done, ksize) * row_values);
        }
        const uint16_t *rows[KSIZE_MAX];
        for (int k = 0; k < ksize; k++) {
            rows[k] = ring + ring_slot(reflect(y + k - r, in->h), ksize) * row_values;
        }
        /* out may be in: every row up to y + r is in the ring already. */
        g->down(rows, n, image_row(out, y));
    }
    return DM_OK;
}

/* Half kernel from the centre outwards, normalised in double, used as floats. */
static void half_kernel_f32(int ksize, double sigma, float *half)
{
    double s = sigma > 0 ? sigma : 0.15 * ksize + 0.35;
    double k[KSIZE_MAX / 2 + 1];
    double sum = 0;
    for (int i = ksize / 2; i >= 0; i--) {
        k[i] = exp(-(double)i * i / (2 * s * s));
        sum += i > 0 ? 2 * k[i] : k[i];
    }
    for (int i = 0; i <= ksize / 2; i++) {
        half[i] = (float)(k[i] / sum);
    }
}

DM_SIMD_CLONES static void weigh(const float *restrict a, float weight, size_t n,
                                 float *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] * weight;
    }
}

/* a and b may overlap each other. */
DM_SIMD_CLONES static void add_weighed(const float *a, const float *b, float weight, size_t n,
                                       float *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] += (a[i] + b[i]) * weight;
    }
}

/* One pass of the window along either axis: tap k of value i is at[k][i]. In stretches whose sums
 * stay in the first-level cache. */
static void window_f32(const float *const *at, const float *half, size_t r, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += STRETCH) {
        size_t len = DM_MIN(n - i, (size_t)STRETCH);
        weigh(at[r] + i, half[0], len, out + i);
        for (size_t k = 1; k <= r; k++) {
            add_weighed(at[r - k] + i, at[r + k] + i, half[k], len, out + i);
        }
    }
}

/* The row with r reflected values on either side. */
static void pad_row_f32(const float *row, int w, int r, float *out)
{
    for (int i = -r; i < 0; i++) {
        out[i + r] = row[reflect(i, w)];
    }
    memcpy(out + r, row, (size_t)w * sizeof(*row));
    for (int i = w; i < w + r; i++) {
        out[i + r] = row[reflect(i, w)];
    }
}

int image_gaussian_f32(const float *in, int w, int h, int ksize, double sigma, float *out,
                       struct dm_err *e)
{
    DM_BUG_UNLESS(ksize % 2 == 1 && ksize >= 1 && ksize <= KSIZE_MAX && w >= 1 && h >= 1);
    int r = ksize / 2;
    size_t n = (size_t)w;
    size_t row_values = dm_align_up(n, 16);
    size_t pad_values = dm_align_up(n + 2 * (size_t)r, 16);
    DM_CLEANUP(dm_freep)
    float *block = dm_alloc_aligned((pad_values + (size_t)ksize * row_values) * sizeof(float));
    if (!block) {
        DM_FAIL(e, DM_ENOMEM, "no memory to blur %d x %d weights", w, h);
    }
    float *ring = block + pad_values;
    float half[KSIZE_MAX / 2 + 1];
    half_kernel_f32(ksize, sigma, half);
    int done = 0;
    for (int y = 0; y < h; y++) {
        const float *at[KSIZE_MAX];
        for (; done < DM_MIN(y + r + 1, h); done++) {
            pad_row_f32(in + (size_t)done * n, w, r, block);
            for (int k = 0; k < ksize; k++) {
                at[k] = block + k;
            }
            window_f32(at, half, (size_t)r, n, ring + ring_slot(done, ksize) * row_values);
        }
        for (int k = 0; k < ksize; k++) {
            at[k] = ring + ring_slot(reflect(y + k - r, h), ksize) * row_values;
        }
        window_f32(at, half, (size_t)r, n, out + (size_t)y * n);
    }
    return DM_OK;
}

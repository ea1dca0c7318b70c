/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize, 8-bit: the bilinear scaler in front of every network pass, and nearest neighbour.
 *
 * Called once per tile (512 -> 640 px, 88 tiles on a 12 MP photo) and once per photo (12 MP -> 1024
 * px). The arithmetic of vision.md A.1 is separable and of 11-bit weights: a source row becomes a
 * row of 16-bit interpolated values once, is kept while output rows need it, and two such rows
 * become an output row with two high multiplications per byte. The horizontal pass reads pixels at
 * irregular places, which compilers do not vectorise; on x86 it is written out with SSSE3. */
#include "image/ops.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <tmmintrin.h>
#define HAVE_SSSE3_PATH 1
#endif

#include "base/alloc.h"
#include "base/arith.h"
#include "base/simd.h"

#define WEIGHT_ONE 2048 /* 11-bit weights */

/* Where one output position reads along one axis. */
struct tap {
    int32_t first;  /* index of the left (upper) neighbour, in steps of one pixel (row) */
    int32_t second; /* index of the right (lower) one; equal to first at an end */
    int16_t w0, w1; /* their weights of WEIGHT_ONE */
};

/* Position and fraction of output index i before clamping. The order of the roundings is part of
 * the result: scale in double, position in float. */
static int source_position(int i, double scale, float *ret_fraction)
{
    float f = (float)((i + 0.5) * scale - 0.5);
    int first = (int)floorf(f);
    *ret_fraction = f - (float)first;
    return first;
}

static double axis_scale(int n_in, int n_out)
{
    return 1.0 / ((double)n_out / n_in);
}

/* Columns: beyond an end the outermost pixel alone counts. */
static void column_taps(int n_in, int n_out, struct tap *t)
{
    double scale = axis_scale(n_in, n_out);
    for (int i = 0; i < n_out; i++) {
        float f;
        int first = source_position(i, scale, &f);
        if (first < 0) {
            first = 0;
            f = 0;
        } else if (first >= n_in - 1) {
            /* All weight on the last pixel, reached as a second neighbour so that both reads stay
             * inside the row. */
            first = DM_MAX(n_in - 2, 0);
            f = 1;
        }
        t[i] =
            (struct tap){first, DM_MIN(first + 1, n_in - 1),
                         (int16_t)lrintf((1.0F - f) * WEIGHT_ONE), (int16_t)lrintf(f * WEIGHT_ONE)};
    }
}

/* Rows: weights stay as they are, the row numbers are clamped. The two cut differently: the lower
 * bits that each of two half-weighted copies of a row loses count. */
static struct tap row_tap(int i, int n_in, double scale)
{
    float f;
    int first = source_position(i, scale, &f);
    return (struct tap){DM_CLAMP(first, 0, n_in - 1), DM_CLAMP(first + 1, 0, n_in - 1),
                        (int16_t)lrintf((1.0F - f) * WEIGHT_ONE), (int16_t)lrintf(f * WEIGHT_ONE)};
}

static void stretch_row_scalar(const uint8_t *in, const struct tap *t, int from, int n,
                               int channels, int16_t *out)
{
    for (int i = from; i < n; i++) {
        const uint8_t *p = in + (ptrdiff_t)t[i].first * channels;
        const uint8_t *q = in + (ptrdiff_t)t[i].second * channels;
        for (int c = 0; c < channels; c++) {
            out[i * channels + c] = (int16_t)((p[c] * t[i].w0 + q[c] * t[i].w1) >> 4);
        }
    }
}

#ifdef HAVE_SSSE3_PATH
/* Two RGB output pixels a step: two 8-byte loads hold each pixel and its right neighbour, a shuffle
 * pairs the channels, one multiply-add weighs each pair. Writes two values past the pixels it
 * finishes. Returns how many it did; the rest would read past the row. */
__attribute__((target("ssse3"))) static int
stretch_row_ssse3(const uint8_t *in, int w, const struct tap *t, int n, int16_t *out)
{
    const __m128i pairs = _mm_setr_epi8(0, 3, 1, 4, 2, 5, 8, 11, 9, 12, 10, 13, -1, -1, -1, -1);
    const __m128i zero = _mm_setzero_si128();
    int i = 0;
    for (; i + 2 <= n && (t[i + 1].first + 3) * 3 <= w * 3; i += 2) {
        const uint8_t *p = in + (ptrdiff_t)t[i].first * 3;
        const uint8_t *q = in + (ptrdiff_t)t[i + 1].first * 3;
        __m128i v = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p),
                                       _mm_loadl_epi64((const __m128i *)(const void *)q));
        v = _mm_shuffle_epi8(v, pairs);
        /* Lanes of 32 bits: weights of pixel i, i, i, i+1 and i+1, i+1, -, -. */
        __m128i w0 = _mm_set1_epi32((int)((uint16_t)t[i].w0 | (uint32_t)t[i].w1 << 16));
        __m128i w1 = _mm_set1_epi32((int)((uint16_t)t[i + 1].w0 | (uint32_t)t[i + 1].w1 << 16));
        __m128i w01 = _mm_unpacklo_epi64(w0, _mm_unpacklo_epi32(w0, w1));
        __m128i lo = _mm_madd_epi16(_mm_unpacklo_epi8(v, zero), w01);
        __m128i hi = _mm_madd_epi16(_mm_unpackhi_epi8(v, zero), w1);
        __m128i r = _mm_packs_epi32(_mm_srai_epi32(lo, 4), _mm_srai_epi32(hi, 4));
        _mm_storeu_si128((__m128i *)(void *)(out + (ptrdiff_t)i * 3), r);
    }
    return i;
}
#endif

static void stretch_row(const struct image *in, int y, const struct tap *t, int n, int16_t *out)
{
    const uint8_t *row = image_row(in, y);
    int done = 0;
#ifdef HAVE_SSSE3_PATH
    if (in->channels == 3 && __builtin_cpu_supports("ssse3")) {
        done = stretch_row_ssse3(row, in->w, t, n, out);
    }
#endif
    if (in->channels == 1) {
        stretch_row_scalar(row, t, done, n, 1, out);
    } else {
        stretch_row_scalar(row, t, done, n, 3, out);
    }
}

DM_SIMD_CLONES static void blend_rows(const int16_t *restrict a, const int16_t *restrict b,
                                      int16_t wa, int16_t wb, uint8_t *restrict out, int n)
{
    for (int i = 0; i < n; i++) {
        int16_t x = (int16_t)((a[i] * wa) >> 16);
        int16_t y = (int16_t)((b[i] * wb) >> 16);
        out[i] = (uint8_t)((int16_t)(x + y + 2) >> 2);
    }
}

/* Exactly half in both axes: the mean of four. */
DM_SIMD_CLONES static void halve_row(const uint8_t *restrict a, const uint8_t *restrict b,
                                     uint8_t *restrict out, int n, int channels)
{
    for (int i = 0; i < n; i++) {
        for (int c = 0; c < channels; c++) {
            int k = 2 * i * channels + c;
            out[i * channels + c] =
                (uint8_t)((a[k] + a[k + channels] + b[k] + b[k + channels] + 2) >> 2);
        }
    }
}

static void halve(const struct image *in, struct image *out)
{
    for (int y = 0; y < out->h; y++) {
        const uint8_t *a = image_row(in, 2 * y);
        const uint8_t *b = image_row(in, 2 * y + 1);
        if (in->channels == 1) {
            halve_row(a, b, image_row(out, y), out->w, 1);
        } else {
            halve_row(a, b, image_row(out, y), out->w, 3);
        }
    }
}

/* Two stretched rows and the source rows they come from. */
struct row_cache {
    int16_t *row[2];
    int y[2]; /* -1 = nothing yet */
};

/* The stretched source row y. Evicts the slot that does not hold keep. */
static const int16_t *cached_row(struct row_cache *cache, const struct image *in, int y, int keep,
                                 const struct tap *t, int n)
{
    for (int s = 0; s < 2; s++) {
        if (cache->y[s] == y) {
            return cache->row[s];
        }
    }
    int s = cache->y[0] == keep;
    stretch_row(in, y, t, n, cache->row[s]);
    cache->y[s] = y;
    return cache->row[s];
}

int image_resize_bilinear(const struct image *in, struct image *out, struct dm_err *e)
{
    DM_BUG_UNLESS(in->channels == out->channels && (in->channels == 1 || in->channels == 3));
    size_t row_bytes = (size_t)out->w * (size_t)out->channels;
    if (in->w == out->w && in->h == out->h) {
        for (int y = 0; y < out->h; y++) {
            memcpy(image_row(out, y), image_row(in, y), row_bytes);
        }
        return DM_OK;
    }
    if (in->w == 2 * out->w && in->h == 2 * out->h) {
        halve(in, out);
        return DM_OK;
    }

    /* The vector path writes two values past a row. */
    size_t row_values = dm_align_up(row_bytes + 2, 32);
    size_t taps_bytes = dm_align_up((size_t)out->w * sizeof(struct tap), 64);
    DM_CLEANUP(dm_freep) uint8_t *block = dm_alloc_aligned(taps_bytes + 4 * row_values);
    if (!block) {
        DM_FAIL(e, DM_ENOMEM, "no memory to scale to %d x %d pixels", out->w, out->h);
    }
    struct tap *t = (struct tap *)(void *)block;
    int16_t *rows = (int16_t *)(void *)(block + taps_bytes);
    column_taps(in->w, out->w, t);
    struct row_cache cache = {.row = {rows, rows + row_values}, .y = {-1, -1}};
    double scale = axis_scale(in->h, out->h);
    for (int y = 0; y < out->h; y++) {
        struct tap v = row_tap(y, in->h, scale);
        const int16_t *a = cached_row(&cache, in, v.first, v.second, t, out->w);
        const int16_t *b = cached_row(&cache, in, v.second, v.first, t, out->w);
        blend_rows(a, b, v.w0, v.w1, image_row(out, y), (int)row_bytes);
    }
    return DM_OK;
}

void image_resize_nearest(const struct image *in, struct image *out)
{
    DM_BUG_UNLESS(in->channels == out->channels);
    double sx = axis_scale(in->w, out->w);
    double sy = axis_scale(in->h, out->h);
    size_t ch = (size_t)in->channels;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *from = image_row(in, DM_MIN((int)floor(y * sy), in->h - 1));
        uint8_t *to = image_row(out, y);
        for (int x = 0; x < out->w; x++) {
            memcpy(to, from + (size_t)DM_MIN((int)floor(x * sx), in->w - 1) * ch, ch);
            to += ch;
        }
    }
}

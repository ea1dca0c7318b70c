/* SPDX-License-Identifier: Apache-2.0
 *
 * The step kernels of nn/kernels.h on AVX-512. All of them move little data compared with the
 * convolutions around them; what matters is that none falls to one element at a time. */
#include "nn/avx512/step.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 16 };

NN_AVX512 static inline __mmask16 tail_mask(size_t n)
{
    return (__mmask16)(n >= LANES ? 0xffffu : (1u << n) - 1u);
}

NN_AVX512 static inline __m512 load16(const struct nn_view *v, size_t at, __mmask16 m)
{
    switch (v->dtype) {
    case NN_F32:
        return _mm512_maskz_loadu_ps(m, (const float *)v->data + at);
    case NN_BF16: {
        __m256i half = _mm256_maskz_loadu_epi16(m, (const uint16_t *)v->data + at);
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    }
    case NN_U8: {
        __m128i byte = _mm_maskz_loadu_epi8(m, (const uint8_t *)v->data + at);
        __m512i centred = _mm512_sub_epi32(_mm512_cvtepu8_epi32(byte), _mm512_set1_epi32(v->zero));
        return _mm512_mul_ps(_mm512_cvtepi32_ps(centred), _mm512_set1_ps(v->scale));
    }
    case NN_F16:
    case NN_I64:
    case NN_I32:
    case NN_BOOL:
    case NN_I8:
    case NN_DTYPE_MAX_:
        break;
    }
    return _mm512_setzero_ps();
}

/* Round to nearest even; the same bits as nn_bf16_from_f32 for every number that is not a NaN. */
NN_AVX512 static inline __m256i to_bf16(__m512 x)
{
    __m512i u = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    r = _mm512_mask_or_epi32(r, nan, u, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
}

NN_AVX512 static inline void store16(const struct nn_view *v, size_t at, __mmask16 m, __m512 x)
{
    switch (v->dtype) {
    case NN_F32:
        _mm512_mask_storeu_ps((float *)v->data + at, m, x);
        break;
    case NN_BF16:
        _mm256_mask_storeu_epi16((uint16_t *)v->data + at, m, to_bf16(x));
        break;
    case NN_U8: {
        __m512 q = _mm512_div_ps(x, _mm512_set1_ps(v->scale));
        __m512i i = _mm512_add_epi32(_mm512_cvtps_epi32(q), _mm512_set1_epi32(v->zero));
        i = _mm512_max_epi32(i, _mm512_setzero_si512());
        _mm_mask_storeu_epi8((uint8_t *)v->data + at, m, _mm512_cvtusepi32_epi8(i));
        break;
    }
    case NN_F16:
    case NN_I64:
    case NN_I32:
    case NN_BOOL:
    case NN_I8:
    case NN_DTYPE_MAX_:
        break;
    }
}

NN_AVX512 void nn_avx512_load(const struct nn_view *v, size_t at, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i += LANES) {
        __mmask16 m = tail_mask(n - i);
        _mm512_mask_storeu_ps(ret + i, m, load16(v, at + i, m));
    }
}

NN_AVX512 void nn_avx512_store(const struct nn_view *v, size_t at, size_t n, const float *from)
{
    for (size_t i = 0; i < n; i += LANES) {
        __mmask16 m = tail_mask(n - i);
        store16(v, at + i, m, _mm512_maskz_loadu_ps(m, from + i));
    }
}

NN_AVX512 static void convert(const struct nn_view *src, const struct nn_view *dst)
{
    size_t pixels = (size_t)src->h * (size_t)src->w, c = (size_t)src->c;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t ch = 0; ch < c; ch += LANES) {
            __mmask16 m = tail_mask(c - ch);
            store16(dst, i * dst->step + ch, m, load16(src, i * src->step + ch, m));
        }
    }
}

static void copy(const struct nn_view *src, const struct nn_view *dst)
{
    if (nn_same_format(src, dst)) {
        nn_kernels_plain.copy(src, dst);
    } else {
        convert(src, dst);
    }
}

NN_AVX512 static void add(const struct nn_view *a, const struct nn_view *b,
                          const struct nn_view *dst)
{
    size_t pixels = (size_t)dst->h * (size_t)dst->w, c = (size_t)dst->c;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t ch = 0; ch < c; ch += LANES) {
            __mmask16 m = tail_mask(c - ch);
            __m512 x = load16(a, i * a->step + ch, m), y = load16(b, i * b->step + ch, m);
            store16(dst, i * dst->step + ch, m, _mm512_add_ps(x, y));
        }
    }
}

static void upsample2(const struct nn_view *src, const struct nn_view *dst)
{
    nn_kernels_plain.upsample2(src, dst);
}

static size_t max_pool_scratch(const struct nn_view *src, int k)
{
    (void)k;
    return (size_t)src->h * (size_t)src->w * LANES * sizeof(float);
}

/* One group of 16 channels: the window is separable, rows first into scratch, then columns. */
NN_AVX512 static void pool_group(const struct nn_view *src, int k, const struct nn_view *dst,
                                 size_t ch, __mmask16 m, float *rows)
{
    int r = k / 2, w = src->w, h = src->h;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            __m512 top = _mm512_set1_ps(-INFINITY);
            for (int i = DM_MAX(x - r, 0); i <= DM_MIN(x + r, w - 1); i++) {
                size_t at = (size_t)(y * w + i) * src->step + ch;
                top = _mm512_max_ps(top, load16(src, at, m));
            }
            _mm512_storeu_ps(rows + (size_t)(y * w + x) * LANES, top);
        }
    }
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            __m512 top = _mm512_set1_ps(-INFINITY);
            for (int i = DM_MAX(y - r, 0); i <= DM_MIN(y + r, h - 1); i++) {
                top = _mm512_max_ps(top, _mm512_loadu_ps(rows + (size_t)(i * w + x) * LANES));
            }
            store16(dst, (size_t)(y * w + x) * dst->step + ch, m, top);
        }
    }
}

NN_AVX512 static void max_pool(const struct nn_view *src, int k, const struct nn_view *dst,
                               void *scratch)
{
    for (size_t ch = 0; ch < (size_t)src->c; ch += LANES) {
        pool_group(src, k, dst, ch, tail_mask((size_t)src->c - ch), scratch);
    }
}

const struct nn_kernel_set nn_kernels_avx512 = {
    .name = "avx512",
    .copy = copy,
    .add = add,
    .upsample2 = upsample2,
    .max_pool_scratch = max_pool_scratch,
    .max_pool = max_pool,
    .attention_scratch = nn_avx512_attention_scratch,
    .attention = nn_avx512_attention,
};

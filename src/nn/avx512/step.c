/* SPDX-License-Identifier: Apache-2.0
 *
 * The step kernels of nn/kernels.h on AVX-512. All of them move little data compared with the
 * convolutions around them; what matters is that none falls to one element at a time. */
#include "nn/avx512/step.h"

#include "nn/avx512/vec.h"
#include "nn/quant.h"

static size_t pixels(const struct nn_view *v)
{
    return (size_t)v->h * (size_t)v->w;
}

static char *at(const struct nn_view *v, size_t pixel)
{
    return (char *)v->data + pixel * v->step * nn_element_size(v->dtype);
}

/* 16 channels from element pixel * step + c on, as real numbers. */
VEC_INLINE __m512 load_real(const struct nn_view *v, size_t pixel, size_t c, const enum nn_dtype t,
                            __mmask16 m)
{
    const size_t size = t == NN_F32 ? 4 : t == NN_BF16 ? 2 : 1;
    __m512 x = vec_load((const char *)v->data + (pixel * v->step + c) * size, t, false, m);
    if (t == NN_U8) {
        x = _mm512_sub_ps(x, _mm512_set1_ps((float)v->zero));
        x = _mm512_mul_ps(x, _mm512_set1_ps(v->scale));
    }
    return x;
}

VEC_INLINE void store_real(const struct nn_view *v, size_t pixel, size_t c, __m512 x,
                           const enum nn_dtype t, __mmask16 m)
{
    const size_t size = t == NN_F32 ? 4 : t == NN_BF16 ? 2 : 1;
    if (t == NN_U8) { /* divided and rounded before the zero point, as nn/quant.h says */
        x = _mm512_div_ps(x, _mm512_set1_ps(v->scale));
        x = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        x = _mm512_add_ps(x, _mm512_set1_ps((float)v->zero));
    }
    vec_store((char *)v->data + (pixel * v->step + c) * size, t, x, false, m);
}

/* call(type) with the type as a constant. */
#define BY_TYPE(type, call)                                                                        \
    do {                                                                                           \
        if ((type) == NN_F32) {                                                                    \
            call(NN_F32);                                                                          \
        } else if ((type) == NN_BF16) {                                                            \
            call(NN_BF16);                                                                         \
        } else {                                                                                   \
            call(NN_U8);                                                                           \
        }                                                                                          \
    } while (0)

/* ---- copies ---- */

VEC_INLINE void copy_bytes(const char *src, char *dst, size_t n)
{
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        _mm512_storeu_si512(dst + i, _mm512_loadu_si512(src + i));
    }
    if (i < n) {
        __mmask64 m = (UINT64_C(1) << (n - i)) - 1;
        _mm512_mask_storeu_epi8(dst + i, m, _mm512_maskz_loadu_epi8(m, src + i));
    }
}

static void copy_pixel(const struct nn_view *src, size_t from, const struct nn_view *dst, size_t to)
{
    if (nn_same_format(src, dst)) {
        copy_bytes(at(src, from), at(dst, to), (size_t)src->c * nn_element_size(src->dtype));
        return;
    }
    for (size_t c = 0; c < (size_t)src->c; c += 16) {
        __mmask16 m = vec_tail((size_t)src->c - c);
        __m512 x;
#define LOAD(type)  x = load_real(src, from, c, type, m)
#define STORE(type) store_real(dst, to, c, x, type, m)
        BY_TYPE(src->dtype, LOAD);
        BY_TYPE(dst->dtype, STORE);
#undef LOAD
#undef STORE
    }
}

static void copy(const struct nn_view *src, const struct nn_view *dst)
{
    for (size_t p = 0; p < pixels(src); p++) {
        copy_pixel(src, p, dst, p);
    }
}

/* One converted pixel, then three copies of it. */
static void upsample2(const struct nn_view *src, const struct nn_view *dst)
{
    size_t n = (size_t)dst->c * nn_element_size(dst->dtype), w = (size_t)src->w;
    for (size_t p = 0; p < pixels(src); p++) {
        size_t first = 4 * (p / w) * w + 2 * (p % w);
        const char *from = at(dst, first);
        copy_pixel(src, p, dst, first);
        copy_bytes(from, at(dst, first + 1), n);
        copy_bytes(from, at(dst, first + 2 * w), n);
        copy_bytes(from, at(dst, first + 2 * w + 1), n);
    }
}

/* ---- sums ---- */

static void add(const struct nn_view *a, const struct nn_view *b, const struct nn_view *dst)
{
    for (size_t p = 0; p < pixels(dst); p++) {
        for (size_t c = 0; c < (size_t)dst->c; c += 16) {
            __mmask16 m = vec_tail((size_t)dst->c - c);
            __m512 x, y;
#define LOAD_A(type) x = load_real(a, p, c, type, m)
#define LOAD_B(type) y = load_real(b, p, c, type, m)
#define STORE(type)  store_real(dst, p, c, _mm512_add_ps(x, y), type, m)
            BY_TYPE(a->dtype, LOAD_A);
            BY_TYPE(b->dtype, LOAD_B);
            BY_TYPE(dst->dtype, STORE);
#undef LOAD_A
#undef LOAD_B
#undef STORE
        }
    }
}

/* ---- max pooling ---- */

/* BF16 bits to signed integers of the same order, and back. */
VEC_INLINE __m512i bf16_order(__m512i v)
{
    __m512i flip = _mm512_srli_epi16(_mm512_srai_epi16(v, 15), 1);
    return _mm512_xor_si512(v, flip);
}

VEC_INLINE __m512i maximum(__m512i a, __m512i b, const enum nn_dtype t)
{
    if (t == NN_F32) {
        return _mm512_castps_si512(_mm512_max_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
    }
    return t == NN_BF16 ? _mm512_max_epi16(a, b) : _mm512_max_epu8(a, b);
}

/* 64 bytes of channels: the window is separable, rows first into scratch, then columns. */
VEC_INLINE void pool_group(const struct nn_view *src, int k, const struct nn_view *dst, size_t byte,
                           __mmask64 m, char *rows, const enum nn_dtype t)
{
    int r = k / 2, w = src->w, h = src->h;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            __m512i top = _mm512_setzero_si512();
            for (int from = DM_MAX(x - r, 0), i = from; i <= DM_MIN(x + r, w - 1); i++) {
                __m512i v = _mm512_maskz_loadu_epi8(m, at(src, (size_t)(y * w + i)) + byte);
                v = t == NN_BF16 ? bf16_order(v) : v;
                top = i == from ? v : maximum(top, v, t);
            }
            _mm512_storeu_si512(rows + 64 * (size_t)(y * w + x), top);
        }
    }
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            int from = DM_MAX(y - r, 0);
            __m512i top = _mm512_loadu_si512(rows + 64 * (size_t)(from * w + x));
            for (int i = from + 1; i <= DM_MIN(y + r, h - 1); i++) {
                top = maximum(top, _mm512_loadu_si512(rows + 64 * (size_t)(i * w + x)), t);
            }
            top = t == NN_BF16 ? bf16_order(top) : top;
            _mm512_mask_storeu_epi8(at(dst, (size_t)(y * w + x)) + byte, m, top);
        }
    }
}

static size_t max_pool_scratch(const struct nn_view *src, int k)
{
    (void)k;
    return pixels(src) * 64;
}

static void max_pool(const struct nn_view *src, int k, const struct nn_view *dst, void *scratch)
{
    if (!nn_same_format(src, dst)) {
        nn_kernels_plain.max_pool(src, k, dst, NULL);
        return;
    }
    size_t n = (size_t)src->c * nn_element_size(src->dtype);
    for (size_t byte = 0; byte < n; byte += 64) {
        __mmask64 m = n - byte >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - byte)) - 1;
#define POOL(type) pool_group(src, k, dst, byte, m, scratch, type)
        BY_TYPE(src->dtype, POOL);
#undef POOL
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

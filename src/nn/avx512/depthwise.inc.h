/* SPDX-License-Identifier: Apache-2.0
 *
 * Body of the depthwise convolutions, included for the base instruction set and for AVX512_BF16
 * after DEPTHWISE_TABLE. 3x3, pad 1: 16 channels by a strip of up to 8 pixels at a time. Each
 * source vector is loaded (and widened) once for the up to three results it reaches. U8 sources are
 * summed in F32 like the others: 9 * 255 * 127 fits its mantissa. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

/* Sums of the results from column x on; src is the first row's source column x * stride - 1.
 * inner: no source column lies outside the image. whole: 16 channels, m is all ones. */
VEC_INLINE void sum_strip(const struct depthwise_args *a, const char *src, const __m512 *w,
                          __m512 bias, int x, const bool whole, __mmask16 m, __m512 *sum,
                          const enum nn_dtype type, const int stride, const bool inner)
{
    const int columns = stride * (DEPTHWISE_STRIP - 1) + 3, first = x * stride - 1;
    const size_t pixel = a->pixel_bytes;
    __m512 zero = _mm512_set1_ps((float)a->zero);
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_STRIP; i++) {
        sum[i] = bias;
    }
    VEC_UNROLL
    for (int ky = 0; ky < 3; ky++, src += a->row_bytes) {
        if ((ky == 0 && !a->top) || (ky == 2 && !a->bottom)) {
            continue;
        }
        const char *at = src;
        VEC_UNROLL
        for (int c = 0; c < columns; c++, at += pixel) {
            if (!inner && (first + c < 0 || first + c >= a->in_w)) {
                continue;
            }
            __m512 v = vec_load(at, type, whole, m);
            v = type == NN_U8 ? _mm512_sub_ps(v, zero) : v;
            VEC_UNROLL
            for (int kx = 0; kx < 3; kx++) {
                if (c >= kx && (c - kx) % stride == 0 && (c - kx) / stride < DEPTHWISE_STRIP) {
                    int i = (c - kx) / stride;
                    sum[i] = _mm512_fmadd_ps(v, w[3 * ky + kx], sum[i]);
                }
            }
        }
    }
}

/* SiLU and whole vectors of the source's type: see tile.h on tiles that finish. */
VEC_INLINE void put_strip(const struct finish_args *f, const __m512 *sum, const enum nn_dtype type)
{
    char *to = f->dst;
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_STRIP; i++, to += f->dst_bytes) {
        __m512 x = vec_silu(sum[i], type != NN_F32);
        if (type == NN_U8) {
            x = _mm512_fmadd_ps(x, _mm512_set1_ps(f->dst_inverse), _mm512_set1_ps(f->dst_zero));
        }
        vec_store(to, type, x, true, 0xffff);
    }
}

/* 16 channels (fewer at the end) of a row; f points at their first result. */
VEC_INLINE void group(const struct depthwise_args *a, int c, struct finish_args f, const bool whole,
                      const enum nn_dtype type, const int stride)
{
    const size_t size = type == NN_F32 ? 4 : type == NN_BF16 ? 2 : 1;
    const char *src = a->src + (size_t)c * size - a->pixel_bytes;
    __mmask16 m = vec_mask(f.channels);
    __m512 bias = _mm512_loadu_ps(a->bias + c), w[9];
    VEC_UNROLL
    for (int i = 0; i < 9; i++) {
        w[i] = _mm512_loadu_ps(a->weight + (size_t)i * a->weight_step + c);
    }
    for (int x = 0; x < a->out_w; x += DEPTHWISE_STRIP) {
        __m512 sum[DEPTHWISE_STRIP];
        bool inner = x > 0 && (x + DEPTHWISE_STRIP - 1) * stride + 1 < a->in_w;
        if (inner) {
            sum_strip(a, src, w, bias, x, whole, m, sum, type, stride, true);
        } else {
            sum_strip(a, src, w, bias, x, whole, m, sum, type, stride, false);
        }
        f.pixels = a->out_w - x < DEPTHWISE_STRIP ? a->out_w - x : DEPTHWISE_STRIP;
        if (whole && a->fused && f.pixels == DEPTHWISE_STRIP) {
            put_strip(&f, sum, type);
        } else {
            VEC_UNROLL
            for (int i = 0; i < DEPTHWISE_STRIP; i++) {
                _mm512_store_ps((float *)f.acc + 16 * i, sum[i]);
            }
            a->finish_fn(&f);
        }
        src += (size_t)(stride * DEPTHWISE_STRIP) * a->pixel_bytes;
        f.dst = (char *)f.dst + DEPTHWISE_STRIP * f.dst_bytes;
        if (f.residual) {
            f.residual = (const char *)f.residual + DEPTHWISE_STRIP * f.residual_bytes;
        }
    }
}

VEC_INLINE void row(const struct depthwise_args *a, const enum nn_dtype type, const int stride)
{
    for (int c = 0; c < a->finish.channels; c += 16) {
        struct finish_args f = a->finish;
        f.acc_step = 16;
        f.channels = a->finish.channels - c < 16 ? a->finish.channels - c : 16;
        f.dst = (char *)f.dst + (size_t)c * a->dst_size;
        if (f.residual) {
            f.residual = (const char *)f.residual + (size_t)c * a->dst_size;
        }
        if (f.channels == 16) {
            group(a, c, f, true, type, stride);
        } else {
            group(a, c, f, false, type, stride);
        }
    }
}

#define ROW(name, type, stride)                                                                    \
    static void name(const struct depthwise_args *given)                                           \
    {                                                                                              \
        const struct depthwise_args a = *given; /* which no store can change */                    \
        row(&a, type, stride);                                                                     \
    }
ROW(f32_s1, NN_F32, 1)
ROW(f32_s2, NN_F32, 2)
ROW(bf16_s1, NN_BF16, 1)
ROW(bf16_s2, NN_BF16, 2)
ROW(u8_s1, NN_U8, 1)
ROW(u8_s2, NN_U8, 2)

depthwise_table DEPTHWISE_TABLE = {{f32_s1, f32_s2}, {bf16_s1, bf16_s2}, {u8_s1, u8_s2}};

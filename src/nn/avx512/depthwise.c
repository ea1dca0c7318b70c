/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise 3x3, pad 1: 16 channels by a strip of up to 8 pixels at a time. Each source vector is
 * loaded (and widened) once for the up to three results it reaches. U8 sources are summed in F32
 * like the others: 9 * 255 * 127 fits its mantissa. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

/* Sums of `strip` results from column x on; inner: no column lies outside the image. */
VEC_INLINE void strip(const struct depthwise_args *a, const char *src, const float *weight,
                      __m512 bias, int x, __mmask16 m, float *acc, const enum nn_dtype type,
                      const int stride, const bool inner)
{
    __m512 sum[DEPTHWISE_STRIP];
    const int columns = stride * (DEPTHWISE_STRIP - 1) + 3;
    __m512 zero = _mm512_set1_ps((float)a->zero);
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_STRIP; i++) {
        sum[i] = bias;
    }
    for (int ky = a->top ? 0 : 1; ky < (a->bottom ? 3 : 2); ky++) {
        const char *row = src + (size_t)ky * a->row_bytes;
        __m512 w[3];
        VEC_UNROLL
        for (int kx = 0; kx < 3; kx++) {
            w[kx] = _mm512_loadu_ps(weight + (size_t)(3 * ky + kx) * a->weight_step);
        }
        VEC_UNROLL
        for (int c = 0; c < columns; c++) {
            int at = x * stride - 1 + c;
            if (!inner && (at < 0 || at >= a->in_w)) {
                continue;
            }
            __m512 v = vec_load(row + (ptrdiff_t)at * (ptrdiff_t)a->pixel_bytes, type, m);
            v = type == NN_U8 ? _mm512_sub_ps(v, zero) : v;
            VEC_UNROLL
            for (int kx = 0; kx < 3; kx++) {
                if (c >= kx && (c - kx) % stride == 0 && (c - kx) / stride < DEPTHWISE_STRIP) {
                    int i = (c - kx) / stride;
                    sum[i] = _mm512_fmadd_ps(v, w[kx], sum[i]);
                }
            }
        }
    }
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_STRIP; i++) {
        _mm512_store_ps(acc + 16 * i, sum[i]);
    }
}

VEC_INLINE void row(const struct depthwise_args *a, const enum nn_dtype type, const int stride)
{
    const size_t size = type == NN_F32 ? 4 : type == NN_BF16 ? 2 : 1;
    struct finish_args f = a->finish;
    const size_t dst_size = a->dst_size;
    f.acc_step = 16;
    for (int c = 0; c < a->finish.channels; c += 16) {
        f.channels = a->finish.channels - c < 16 ? a->finish.channels - c : 16;
        __mmask16 m = vec_mask(f.channels);
        __m512 bias = _mm512_loadu_ps(a->bias + c);
        const char *src = a->src + (size_t)c * size;
        for (int x = 0; x < a->out_w; x += DEPTHWISE_STRIP) {
            bool inner = x > 0 && (x + DEPTHWISE_STRIP - 1) * stride + 1 < a->in_w;
            if (inner) {
                strip(a, src, a->weight + c, bias, x, m, f.acc, type, stride, true);
            } else {
                strip(a, src, a->weight + c, bias, x, m, f.acc, type, stride, false);
            }
            f.pixels = a->out_w - x < DEPTHWISE_STRIP ? a->out_w - x : DEPTHWISE_STRIP;
            f.dst = (char *)a->finish.dst + (size_t)x * f.dst_bytes + (size_t)c * dst_size;
            if (a->finish.residual) {
                f.residual = (const char *)a->finish.residual + (size_t)x * f.residual_bytes +
                             (size_t)c * dst_size;
            }
            a->finish_fn(&f);
        }
    }
}

#define ROW(name, type, stride)                                                                    \
    static void name(const struct depthwise_args *a)                                               \
    {                                                                                              \
        row(a, type, stride);                                                                      \
    }
ROW(f32_s1, NN_F32, 1)
ROW(f32_s2, NN_F32, 2)
ROW(bf16_s1, NN_BF16, 1)
ROW(bf16_s2, NN_BF16, 2)
ROW(u8_s1, NN_U8, 1)
ROW(u8_s2, NN_U8, 2)

depthwise_table depthwise_row = {{f32_s1, f32_s2}, {bf16_s1, bf16_s2}, {u8_s1, u8_s2}};

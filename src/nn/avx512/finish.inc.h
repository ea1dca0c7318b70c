/* SPDX-License-Identifier: Apache-2.0
 *
 * Body of the epilogues, included for the base instruction set and for AVX512_BF16 after
 * FINISH_TABLE. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

/* 16 channels of a pixel from channel c on. */
VEC_INLINE void finish16(const struct finish_args *f, size_t pixel, size_t c, const bool i32,
                         const enum nn_dtype dst, const bool silu, const bool residual,
                         const bool whole, __mmask16 m)
{
    const size_t size = dst == NN_F32 ? 4 : dst == NN_BF16 ? 2 : 1;
    const char *acc = (const char *)f->acc + 4 * (pixel * f->acc_step + c);
    __m512 x = _mm512_loadu_ps(acc);
    if (i32) {
        x = _mm512_cvtepi32_ps(_mm512_castps_si512(x));
        x = _mm512_fmadd_ps(x, _mm512_loadu_ps(f->scale + c), _mm512_loadu_ps(f->bias + c));
    }
    if (silu) {
        x = vec_silu(x, dst != NN_F32);
    }
    if (residual) {
        const char *at = (const char *)f->residual + pixel * f->residual_bytes + c * size;
        __m512 r = vec_load(at, dst, whole, m);
        if (dst == NN_U8) {
            r = _mm512_sub_ps(r, _mm512_set1_ps(f->residual_zero));
            x = _mm512_fmadd_ps(r, _mm512_set1_ps(f->residual_scale), x);
        } else {
            x = _mm512_add_ps(x, r);
        }
    }
    if (dst == NN_U8) {
        x = _mm512_fmadd_ps(x, _mm512_set1_ps(f->dst_inverse), _mm512_set1_ps(f->dst_zero));
    }
    vec_store((char *)f->dst + pixel * f->dst_bytes + c * size, dst, x, whole, m);
}

/* Pixels of so many whole vectors: nothing but the work is left in the loop. */
VEC_INLINE void finish_whole(const struct finish_args *f, const size_t columns, const bool i32,
                             const enum nn_dtype dst, const bool silu, const bool residual)
{
    for (size_t p = 0; p < (size_t)f->pixels; p++) {
        VEC_UNROLL
        for (size_t j = 0; j < columns; j++) {
            finish16(f, p, 16 * j, i32, dst, silu, residual, true, 0xffff);
        }
    }
}

VEC_INLINE void finish(const struct finish_args *given, const bool i32, const enum nn_dtype dst,
                       const bool silu, const bool residual)
{
    const struct finish_args copy = *given, *f = &copy; /* which no store can change */
    if (f->channels == 16) {
        finish_whole(f, 1, i32, dst, silu, residual);
        return;
    }
    if (f->channels == 32) {
        finish_whole(f, 2, i32, dst, silu, residual);
        return;
    }
    size_t whole = (size_t)f->channels & ~(size_t)15;
    __mmask16 rest = vec_mask(f->channels & 15);
    for (size_t p = 0; p < (size_t)f->pixels; p++) {
        for (size_t c = 0; c < whole; c += 16) {
            finish16(f, p, c, i32, dst, silu, residual, true, 0xffff);
        }
        if (rest) {
            finish16(f, p, whole, i32, dst, silu, residual, false, rest);
        }
    }
}

/* name, I32 accumulators, dst, silu, residual */
#define FINISHES(X)                                                                                \
    X(f32_f32, 0, NN_F32, 0, 0)                                                                    \
    X(f32_f32_r, 0, NN_F32, 0, 1)                                                                  \
    X(f32_f32_s, 0, NN_F32, 1, 0)                                                                  \
    X(f32_f32_sr, 0, NN_F32, 1, 1)                                                                 \
    X(f32_bf16, 0, NN_BF16, 0, 0)                                                                  \
    X(f32_bf16_r, 0, NN_BF16, 0, 1)                                                                \
    X(f32_bf16_s, 0, NN_BF16, 1, 0)                                                                \
    X(f32_bf16_sr, 0, NN_BF16, 1, 1)                                                               \
    X(f32_u8, 0, NN_U8, 0, 0)                                                                      \
    X(f32_u8_r, 0, NN_U8, 0, 1)                                                                    \
    X(f32_u8_s, 0, NN_U8, 1, 0)                                                                    \
    X(f32_u8_sr, 0, NN_U8, 1, 1)                                                                   \
    X(i32_f32, 1, NN_F32, 0, 0)                                                                    \
    X(i32_f32_r, 1, NN_F32, 0, 1)                                                                  \
    X(i32_f32_s, 1, NN_F32, 1, 0)                                                                  \
    X(i32_f32_sr, 1, NN_F32, 1, 1)                                                                 \
    X(i32_bf16, 1, NN_BF16, 0, 0)                                                                  \
    X(i32_bf16_r, 1, NN_BF16, 0, 1)                                                                \
    X(i32_bf16_s, 1, NN_BF16, 1, 0)                                                                \
    X(i32_bf16_sr, 1, NN_BF16, 1, 1)                                                               \
    X(i32_u8, 1, NN_U8, 0, 0)                                                                      \
    X(i32_u8_r, 1, NN_U8, 0, 1)                                                                    \
    X(i32_u8_s, 1, NN_U8, 1, 0)                                                                    \
    X(i32_u8_sr, 1, NN_U8, 1, 1)

#define X(name, i32, dst, silu, residual)                                                          \
    static void finish_##name(const struct finish_args *f)                                         \
    {                                                                                              \
        finish(f, i32, dst, silu, residual);                                                       \
    }
FINISHES(X)
#undef X

finish_table FINISH_TABLE = {
#define X(name, i32, dst, silu, residual)                                                          \
    [i32][(dst) == NN_F32 ? 0 : (dst) == NN_BF16 ? 1 : 2][silu][residual] = finish_##name,
    FINISHES(X)
#undef X
};

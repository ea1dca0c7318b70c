/* SPDX-License-Identifier: Apache-2.0
 *
 * Source rows into the type that is multiplied. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

/* Pixels of n bytes; the lengths of narrow layers are single vectors. */
VEC_INLINE void copy_pixels(const struct pack_args *p, const size_t size)
{
    const char *src = p->src;
    char *dst = p->dst;
    const size_t n = (size_t)p->channels * size;
    if (n == 16) {
        for (int i = 0; i < p->pixels; i++, src += p->src_bytes, dst += 16) {
            _mm_storeu_si128((void *)dst, _mm_loadu_si128((const void *)src));
        }
        return;
    }
    if (n == 32) {
        for (int i = 0; i < p->pixels; i++, src += p->src_bytes, dst += 32) {
            _mm256_storeu_si256((void *)dst, _mm256_loadu_si256((const void *)src));
        }
        return;
    }
    const size_t whole = n & ~(size_t)63;
    const __mmask64 rest = (UINT64_C(1) << (n & 63)) - 1;
    for (int i = 0; i < p->pixels; i++, src += p->src_bytes, dst += n) {
        for (size_t at = 0; at < whole; at += 64) {
            _mm512_storeu_si512(dst + at, _mm512_loadu_si512(src + at));
        }
        if (rest) {
            __m512i v = _mm512_maskz_loadu_epi8(rest, src + whole);
            _mm512_mask_storeu_epi8(dst + whole, rest, v);
        }
    }
}

/* 16 elements. U8 leaves its zero point here. */
VEC_INLINE void convert16(const char *src, char *dst, const enum nn_dtype from,
                          const enum nn_dtype to, __m512i zero, const bool whole, __mmask16 m)
{
    if (from == NN_U8) {
        __m128i b = whole ? _mm_loadu_si128((const void *)src) : _mm_maskz_loadu_epi8(m, src);
        __m512 x = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_cvtepu8_epi32(b), zero));
        if (to == NN_BF16 && whole) { /* exact: integers below 256 have 8 bits */
            __m512i high = _mm512_srli_epi32(_mm512_castps_si512(x), 16);
            _mm256_storeu_si256((void *)dst, _mm512_cvtepi32_epi16(high));
        } else {
            vec_store(dst, to, x, whole, m);
        }
    } else {
        vec_store(dst, to, vec_load(src, from, whole, m), whole, m);
    }
}

VEC_INLINE void convert(const struct pack_args *p, const enum nn_dtype from, const enum nn_dtype to)
{
    const size_t from_size = from == NN_F32 ? 4 : from == NN_BF16 ? 2 : 1;
    const size_t to_size = to == NN_F32 ? 4 : 2, n = (size_t)p->channels, whole = n & ~(size_t)15;
    const __mmask16 rest = vec_mask((int)(n & 15));
    const __m512i zero = _mm512_set1_epi32(p->zero);
    const char *src = p->src;
    char *dst = p->dst;
    for (int i = 0; i < p->pixels; i++, src += p->src_bytes, dst += n * to_size) {
        for (size_t c = 0; c < whole; c += 16) {
            convert16(src + c * from_size, dst + c * to_size, from, to, zero, true, 0xffff);
        }
        if (rest) {
            convert16(src + whole * from_size, dst + whole * to_size, from, to, zero, false, rest);
        }
    }
}

static void copy1(const struct pack_args *p)
{
    copy_pixels(p, 1);
}

static void copy2(const struct pack_args *p)
{
    copy_pixels(p, 2);
}

static void copy4(const struct pack_args *p)
{
    copy_pixels(p, 4);
}

#define CONVERT(name, from, to)                                                                    \
    static void name(const struct pack_args *p)                                                    \
    {                                                                                              \
        convert(p, from, to);                                                                      \
    }
CONVERT(f32_to_bf16, NN_F32, NN_BF16)
CONVERT(bf16_to_f32, NN_BF16, NN_F32)
CONVERT(u8_to_f32, NN_U8, NN_F32)
CONVERT(u8_to_bf16, NN_U8, NN_BF16)

pack_table pack_row = {
    {copy4, f32_to_bf16, NULL},
    {bf16_to_f32, copy2, NULL},
    {u8_to_f32, u8_to_bf16, copy1},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Source rows into the type that is multiplied. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

/* A byte copy for the lengths that occur: 8 bytes (a narrow pixel) to a few KB (a dense row). */
VEC_INLINE void copy_bytes(const char *src, char *dst, size_t n)
{
    for (; n >= 64; n -= 64, src += 64, dst += 64) {
        _mm512_storeu_si512(dst, _mm512_loadu_si512(src));
    }
    if (n) {
        __mmask64 m = (__mmask64)((UINT64_C(1) << n) - 1);
        _mm512_mask_storeu_epi8(dst, m, _mm512_maskz_loadu_epi8(m, src));
    }
}

static void copy1(const void *src, void *dst, size_t n, int zero)
{
    (void)zero;
    copy_bytes(src, dst, n);
}

static void copy2(const void *src, void *dst, size_t n, int zero)
{
    (void)zero;
    copy_bytes(src, dst, 2 * n);
}

static void copy4(const void *src, void *dst, size_t n, int zero)
{
    (void)zero;
    copy_bytes(src, dst, 4 * n);
}

VEC_INLINE void convert(const char *src, char *dst, size_t n, const enum nn_dtype from,
                        const enum nn_dtype to, int zero)
{
    const size_t from_size = from == NN_F32 ? 4 : from == NN_BF16 ? 2 : 1;
    const size_t to_size = to == NN_F32 ? 4 : 2;
    __m512 z = _mm512_set1_ps((float)zero);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = n - i >= 16 ? 0xffff : vec_mask((int)(n - i));
        __m512 x = vec_load(src + i * from_size, from, m);
        x = from == NN_U8 ? _mm512_sub_ps(x, z) : x;
        vec_store(dst + i * to_size, to, x, false, m);
    }
}

#define CONVERT(name, from, to)                                                                    \
    static void name(const void *src, void *dst, size_t n, int zero)                               \
    {                                                                                              \
        convert(src, dst, n, from, to, zero);                                                      \
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * Small vector helpers shared by the AVX-512 files: loading and storing 16 activations of any type
 * as F32, and SiLU. */
#ifndef NN_AVX512_VEC_H
#define NN_AVX512_VEC_H

#include <immintrin.h>
#include <string.h>

#include "nn/backend.h"

/* Always inlined and with constant arguments: the functions are templates. */
#define VEC_INLINE static inline __attribute__((always_inline))

/* Full unrolling: arrays of vectors only become registers when every index is constant. */
#ifdef __clang__
#define VEC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VEC_UNROLL _Pragma("GCC unroll 32")
#endif

VEC_INLINE __mmask16 vec_mask(int n)
{
    return (__mmask16)((1u << n) - 1u);
}

/* The first n lanes, all of them from 16 on. */
VEC_INLINE __mmask16 vec_tail(size_t n)
{
    return vec_mask(n < 16 ? (int)n : 16);
}

VEC_INLINE __m512i vec_broadcast4(const void *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return _mm512_set1_epi32(v);
}

VEC_INLINE __m512 vec_from_bf16(__m256i v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

/* Round to nearest even; NaN stays NaN. */
VEC_INLINE __m256i vec_to_bf16(__m512 x)
{
#ifdef __AVX512BF16__
    return (__m256i)_mm512_cvtneps_pbh(x);
#else
    __m512i u = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    r = _mm512_mask_or_epi32(r, nan, u, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
#endif
}

/* x in steps of the scale, zero point added: rounded to nearest even and clamped to 0..255. */
VEC_INLINE __m128i vec_to_u8(__m512 x)
{
    x = _mm512_max_ps(x, _mm512_setzero_ps()); /* NaN becomes 0 */
    return _mm512_cvtusepi32_epi8(_mm512_cvtps_epu32(x));
}

/* 16 elements, or those of the mask and 0 elsewhere. U8 comes as stored. */
VEC_INLINE __m512 vec_load(const void *p, const enum nn_dtype t, const bool whole, __mmask16 m)
{
    if (t == NN_F32) {
        return whole ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(m, p);
    }
    if (t == NN_BF16) {
        return vec_from_bf16(whole ? _mm256_loadu_si256(p) : _mm256_maskz_loadu_epi16(m, p));
    }
    __m128i b = whole ? _mm_loadu_si128(p) : _mm_maskz_loadu_epi8(m, p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(b));
}

/* Whole vectors use plain stores: masked ones are slower on some processors. */
VEC_INLINE void vec_store(void *p, const enum nn_dtype t, __m512 x, const bool whole, __mmask16 m)
{
    if (t == NN_F32) {
        if (whole) {
            _mm512_storeu_ps(p, x);
        } else {
            _mm512_mask_storeu_ps(p, m, x);
        }
    } else if (t == NN_BF16) {
        if (whole) {
            _mm256_storeu_si256(p, vec_to_bf16(x));
        } else {
            _mm256_mask_storeu_epi16(p, m, vec_to_bf16(x));
        }
    } else {
        __m128i b = vec_to_u8(x);
        if (whole) {
            _mm_storeu_si128(p, b);
        } else {
            _mm_mask_storeu_epi8(p, m, b);
        }
    }
}

/* 2^(i/16), each times 1 + 1.1e-4: centres the error of the linear term below. */
#define VEC_EXP2_16THS                                                                             \
    _mm512_setr_ps(1.00011000f, 1.04438865f, 1.09062769f, 1.13891390f, 1.18933793f, 1.24199442f,   \
                   1.29698221f, 1.35440452f, 1.41436913f, 1.47698860f, 1.54238047f, 1.61066749f,   \
                   1.68197783f, 1.75644535f, 1.83420983f, 1.91541723f)

/* e^-x with relative error 1.2e-4: 2^t from a table of sixteenths and a linear rest. The low bits
 * of t + 1.5 * 2^19 count sixteenths; scalef takes the floor of its exponent, so the table only
 * carries the fraction. Any finite x: what overflows ends as 0 or infinity, of either sign. */
VEC_INLINE __m512 vec_exp_minus_coarse(__m512 x)
{
    __m512 magic = _mm512_set1_ps(0x1.8p19f);
    __m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(-0x1.715476p+0f), magic); /* -log2(e) */
    __m512 n = _mm512_sub_ps(t, magic);
    __m512 power = _mm512_permutexvar_ps(_mm512_castps_si512(t), VEC_EXP2_16THS);
    __m512 rest = _mm512_fnmsub_ps(n, _mm512_set1_ps(0x1.62e430p-1f), x); /* ln(2) */
    return _mm512_scalef_ps(_mm512_fmadd_ps(power, rest, power), n);
}

/* e^-x, at most 2^120: minimax polynomial on [-1/2, 1/2], relative error 7.5e-8 and what the
 * product with log2(e) loses. */
VEC_INLINE __m512 vec_exp_minus_exact(__m512 x)
{
    __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(-0x1.715476p+0f));
    t = _mm512_min_ps(t, _mm512_set1_ps(120.0f));
    __m512 n = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 f = _mm512_sub_ps(t, n), p = _mm512_set1_ps(0x1.5c08e6p-10f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.3d0c54p-7f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.c6b6e4p-5f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.ebf918p-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.62e428p-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.000002p+0f));
    return _mm512_scalef_ps(p, n);
}

VEC_INLINE __m512 vec_exp_minus(__m512 x, const bool coarse)
{
    return coarse ? vec_exp_minus_coarse(x) : vec_exp_minus_exact(x);
}

/* x / (1 + e^-x). Coarse: relative error 1.7e-4, a twelfth of a BF16 step; else a few ulp (one
 * Newton step of the reciprocal, which wants its finite argument). */
VEC_INLINE __m512 vec_silu(__m512 x, const bool coarse)
{
    __m512 d = _mm512_add_ps(vec_exp_minus(x, coarse), _mm512_set1_ps(1.0f));
    __m512 r = _mm512_rcp14_ps(d);
    if (!coarse) {
        r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(1.0f)), r);
    }
    return _mm512_mul_ps(x, r);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Register tiles, BF16 pairs summed in F32 (AVX512_BF16). */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

#define TILE_ACC                __m512
#define TILE_LOAD(p)            _mm512_loadu_ps(p)
#define TILE_STORE(p, v)        _mm512_store_ps(p, v)
#define TILE_STEP(acc, w, a)    _mm512_dpbf16_ps(acc, (__m512bh)(w), (__m512bh)(a))
#define TILE_BYTES              2
#define TILE_PUT(t, j, to, acc) _mm256_storeu_si256((void *)(to), vec_to_bf16(vec_silu(acc, true)))
#define TILE_PUT2(t, j, to, a, b)                                                                  \
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(vec_silu(b, true), vec_silu(a, true)))
#define TILE_TABLE tile_bf16
#include "nn/avx512/tile.inc.h"

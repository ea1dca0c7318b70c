/* SPDX-License-Identifier: Apache-2.0
 *
 * Register tiles, U8 sources by I8 weights in fours, summed in I32 (AVX512_VNNI). */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

VEC_INLINE __m128i quantised(const struct tile_args *t, int column, __m512i acc)
{
    __m512 x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(t->scale + 16 * column),
                               _mm512_loadu_ps(t->bias + 16 * column));
    x = _mm512_fmadd_ps(vec_silu(x, true), _mm512_set1_ps(t->dst_inverse),
                        _mm512_set1_ps(t->dst_zero));
    return vec_to_u8(x);
}

#define TILE_ACC                __m512i
#define TILE_LOAD(p)            _mm512_loadu_si512(p)
#define TILE_STORE(p, v)        _mm512_store_si512(p, v)
#define TILE_STEP(acc, w, a)    _mm512_dpbusd_epi32(acc, a, w)
#define TILE_BYTES              1
#define TILE_PUT(t, j, to, acc) _mm_storeu_si128((void *)(to), quantised(t, j, acc))
#define TILE_TABLE              tile_i8
#include "nn/avx512/tile.inc.h"

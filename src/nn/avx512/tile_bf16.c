/* SPDX-License-Identifier: Apache-2.0
 *
 * Register tiles, BF16 pairs summed in F32 (AVX512_BF16). */
#include "nn/avx512/tile.h"

#define TILE_ACC             __m512
#define TILE_LOAD(p)         _mm512_loadu_ps(p)
#define TILE_STORE(p, v)     _mm512_store_ps(p, v)
#define TILE_STEP(acc, w, a) _mm512_dpbf16_ps(acc, (__m512bh)(w), (__m512bh)(a))
#define TILE_TABLE           tile_bf16
#include "nn/avx512/tile.inc.h"

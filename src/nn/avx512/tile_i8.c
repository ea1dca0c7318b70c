/* SPDX-License-Identifier: Apache-2.0
 *
 * Register tiles, U8 sources by I8 weights in fours, summed in I32 (AVX512_VNNI). */
#include "nn/avx512/tile.h"

#define TILE_ACC             __m512i
#define TILE_LOAD(p)         _mm512_loadu_si512(p)
#define TILE_STORE(p, v)     _mm512_store_si512(p, v)
#define TILE_STEP(acc, w, a) _mm512_dpbusd_epi32(acc, a, w)
#define TILE_TABLE           tile_i8
#include "nn/avx512/tile.inc.h"

/* SPDX-License-Identifier: Apache-2.0
 *
 * Register tiles, F32. */
#include "nn/avx512/tile.h"
#include "nn/avx512/vec.h"

#define TILE_ACC                __m512
#define TILE_LOAD(p)            _mm512_loadu_ps(p)
#define TILE_STORE(p, v)        _mm512_store_ps(p, v)
#define TILE_STEP(acc, w, a)    _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(a), acc)
#define TILE_BYTES              4
#define TILE_PUT(t, j, to, acc) _mm512_storeu_ps(to, vec_silu(acc, false))
#define TILE_TABLE              tile_f32
#include "nn/avx512/tile.inc.h"

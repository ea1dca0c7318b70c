/* SPDX-License-Identifier: Apache-2.0
 *
 * Body of the register tiles, included once per precision after
 *   TILE_ACC                type of an accumulator
 *   TILE_LOAD, TILE_STORE   of an accumulator
 *   TILE_STEP(acc, w, a)    acc += w * a, both as __m512i
 *   TILE_TABLE              name of the table
 * Measured on Zen 4: every tile of kernels.def with 16 or more accumulators stays above 95 % of the
 * multiply-add rate while its operands are in L1. */
#include "nn/avx512/vec.h"

VEC_INLINE void tile(const struct tile_args *t, const int pixels, const int columns)
{
    TILE_ACC acc[TILE_PIXELS_MAX];
    const char *w = t->weight, *row = t->src;
    const size_t pixel = t->pixel_bytes;
    VEC_UNROLL
    for (int j = 0; j < columns; j++) {
        TILE_ACC first = TILE_LOAD((const char *)t->init + 64 * j);
        VEC_UNROLL
        for (int i = 0; i < pixels; i++) {
            acc[i * columns + j] = first;
        }
    }
    for (int r = 0; r < t->runs; r++, row += t->run_bytes) {
        const char *a = row;
        for (int u = 0; u < t->units; u++) {
            __m512i wv[TILE_COLUMNS_MAX];
            VEC_UNROLL
            for (int j = 0; j < columns; j++) {
                wv[j] = _mm512_load_si512(w + 64 * j);
                /* weights stay in registers: as memory operands they would take the load port */
                __asm__("" : "+v"(wv[j]));
            }
            /* hides that a moves evenly: else compilers keep one pointer per pixel and spill */
            __asm__("" : "+r"(a));
            VEC_UNROLL
            for (int i = 0; i < pixels; i++) {
                __m512i av = vec_broadcast4(a + (size_t)i * pixel);
                if (columns > 1) {
                    __asm__("" : "+v"(av));
                }
                VEC_UNROLL
                for (int j = 0; j < columns; j++) {
                    acc[i * columns + j] = TILE_STEP(acc[i * columns + j], wv[j], av);
                }
            }
            a += 4;
            w += 64 * columns;
        }
    }
    VEC_UNROLL
    for (int i = 0; i < pixels * columns; i++) {
        TILE_STORE((char *)t->acc + 64 * i, acc[i]);
    }
}

#define X(pixels, columns)                                                                         \
    static void tile_##pixels##x##columns(const struct tile_args *t)                               \
    {                                                                                              \
        tile(t, pixels, columns);                                                                  \
    }
#include "nn/avx512/kernels.def"
#undef X

tile_table TILE_TABLE = {
#define X(pixels, columns) [(columns)-1][(pixels)-1] = tile_##pixels##x##columns,
#include "nn/avx512/kernels.def"
#undef X
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Body of the register tiles, included once per precision after
 *   TILE_ACC                type of an accumulator
 *   TILE_LOAD, TILE_STORE   of an accumulator
 *   TILE_STEP(acc, w, a)    acc += w * a, both as __m512i
 *   TILE_BYTES              of an element of dst: the type that is multiplied, U8 for I8
 *   TILE_PUT(t, j, to, acc) SiLU of an accumulator of column j, stored at `to`
 *   TILE_PUT2(...)          optional: of two neighbouring columns at once
 *   TILE_TABLE              name of the table
 * Measured on Zen 4: every tile of kernels.def with 16 or more accumulators stays above 95 % of the
 * multiply-add rate while its operands are in L1. */
#include "nn/avx512/vec.h"

/* Accumulators to dst: channels without rest, SiLU, no residual. Most layers are so. */
VEC_INLINE void put(const struct tile_args *t, const TILE_ACC *acc, const int pixels,
                    const int columns)
{
    char *to = t->dst;
    VEC_UNROLL
    for (int i = 0; i < pixels; i++, to += t->dst_bytes) {
        int j = 0;
#ifdef TILE_PUT2
        VEC_UNROLL
        for (; j + 1 < columns; j += 2) {
            TILE_PUT2(t, j, to + j * 16 * TILE_BYTES, acc[i * columns + j],
                      acc[i * columns + j + 1]);
        }
#endif
        VEC_UNROLL
        for (; j < columns; j++) {
            TILE_PUT(t, j, to + j * 16 * TILE_BYTES, acc[i * columns + j]);
        }
    }
}

VEC_INLINE void tile(const struct tile_args *t, const int pixels, const int columns,
                     const bool finish)
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
    /* ends the accumulators' lives here: else gcc 12 keeps copies for what follows, on the stack,
     * inside the loop */
    VEC_UNROLL
    for (int i = 0; i < pixels * columns; i++) {
        __asm__("" : "+v"(acc[i]));
    }
    if (finish) {
        put(t, acc, pixels, columns);
        return;
    }
    VEC_UNROLL
    for (int i = 0; i < pixels * columns; i++) {
        TILE_STORE((char *)t->acc + 64 * i, acc[i]);
    }
}

#define X(pixels, columns)                                                                         \
    static void tile_##pixels##x##columns(const struct tile_args *t)                               \
    {                                                                                              \
        tile(t, pixels, columns, false);                                                           \
    }                                                                                              \
    static void silu_##pixels##x##columns(const struct tile_args *t)                               \
    {                                                                                              \
        tile(t, pixels, columns, true);                                                            \
    }
#include "nn/avx512/kernels.def"
#undef X

tile_table TILE_TABLE = {
#define X(pixels, columns)                                                                         \
    [0][(columns)-1][(pixels)-1] = tile_##pixels##x##columns,                                      \
    [1][(columns)-1][(pixels)-1] = silu_##pixels##x##columns,
#include "nn/avx512/kernels.def"
#undef X
};

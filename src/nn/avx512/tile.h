/* SPDX-License-Identifier: Apache-2.0
 *
 * The doors between the driver of a convolution (conv.c) and the vector code, which is compiled
 * file by file for its instruction set and reached only through these tables.
 *
 *   source rows --tile--> accumulators [pixels][columns * 16] --finish--> destination
 *
 * A tile multiplies runs: stretches of consecutive source bytes, 4 at a time ("units": 1 F32, 2
 * BF16 or 4 U8), each unit broadcast against 16 * columns weights. A 1x1 convolution is one run of
 * in_c channels; a 3x3 one is three runs, each over the 3 * in_c consecutive values of a row. The
 * accumulators pass through a buffer in L1, which keeps tiles and epilogues separate tables instead
 * of their product; only the commonest epilogue is also built into the tiles. */
#ifndef NN_AVX512_TILE_H
#define NN_AVX512_TILE_H

#include "nn/backend.h"

enum { TILE_PIXELS_MAX = 28, TILE_COLUMNS_MAX = 4, TILE_BYTES_MAX = 28 * 64 };

struct tile_args {
    const char *src;    /* first unit of the first pixel */
    size_t pixel_bytes; /* from a pixel to the next */
    size_t run_bytes;   /* from a run to the next */
    int runs, units;
    const char *weight; /* [runs][units][columns * 16] units of 4 bytes, 64-byte aligned */
    const void *init;   /* [columns * 16] first value of the accumulators, F32 or I32 */
    void *acc;          /* [pixels][columns * 16] F32, I32 for I8; 64-byte aligned */

    /* instead of acc, for the tiles that finish themselves */
    char *dst;
    size_t dst_bytes;            /* from a pixel to the next */
    const float *scale, *bias;   /* [columns * 16], I8 only */
    float dst_inverse, dst_zero; /* I8 only: stored = x * inverse + zero */
};

typedef void (*tile_fn)(const struct tile_args *t);

/* [finishes][columns - 1][pixels - 1], NULL where kernels.def has no such tile. A tile that
 * finishes itself applies SiLU and stores whole vectors of the type that is multiplied (U8 for I8):
 * most layers want just that, and a layer with few channels is a tenth faster for not passing its
 * accumulators on. */
typedef const tile_fn tile_table[2][TILE_COLUMNS_MAX][TILE_PIXELS_MAX];
extern tile_table tile_f32, tile_bf16, tile_i8;
extern const int tile_pixels_max[TILE_COLUMNS_MAX + 1]; /* by columns; [0] unused */

/* Epilogue of a tile: dst = act(acc * scale + bias) + residual. */
struct finish_args {
    void *acc;
    size_t acc_step; /* elements from a pixel to the next */
    int pixels, channels;
    const float *scale, *bias; /* [channels]; I32 accumulators only: F32 start from the bias */
    void *dst;
    const void *residual;
    size_t dst_bytes, residual_bytes; /* from a pixel to the next */
    float dst_inverse, dst_zero;      /* U8: stored = x * inverse + zero */
    float residual_scale, residual_zero;
};

typedef void (*finish_fn)(const struct finish_args *f);

/* [I32 accumulators][dst: F32, BF16, U8][silu][residual]. `base` needs AVX-512 F, BW, DQ, VL. */
typedef const finish_fn finish_table[2][3][2][2];
extern finish_table finish_base, finish_bf16;

/* Pixels of a view, side by side, converted to the type that is multiplied. */
struct pack_args {
    const char *src;
    size_t src_bytes; /* from a pixel to the next */
    char *dst;
    int pixels, channels; /* a dense row is one pixel with all its channels */
    int zero;             /* U8: taken off where it becomes a float */
};

typedef void (*pack_fn)(const struct pack_args *p);
/* [src: F32, BF16, U8][compute: F32, BF16, I8] */
typedef const pack_fn pack_table[3][3];
extern pack_table pack_row;

/* 3x3 depthwise on channels [0, c), one output row.
 * src is row y * stride - 1 (may lie outside); top, bottom say which of the rows 0 and 2 exist. */
struct depthwise_args {
    const char *src;
    size_t pixel_bytes, row_bytes;
    int in_w, out_w, zero;
    bool top, bottom;
    const float *weight, *bias; /* [9][c16], [c16]: channels rounded up to 16 */
    size_t weight_step;         /* c16 */
    size_t dst_size;            /* bytes of an element of dst */
    struct finish_args finish;  /* of the row; acc holds DEPTHWISE_STRIP * 16 floats */
    bool fused;                 /* SiLU, no residual, dst of the type of src */
    finish_fn finish_fn;
};

enum { DEPTHWISE_STRIP = 8 };

typedef void (*depthwise_fn)(const struct depthwise_args *a);
/* [src: F32, BF16, U8][stride - 1] */
typedef const depthwise_fn depthwise_table[3][2];
extern depthwise_table depthwise_base, depthwise_bf16;

#endif

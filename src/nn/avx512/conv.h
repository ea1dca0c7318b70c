/* SPDX-License-Identifier: Apache-2.0
 *
 * A prepared convolution of the AVX-512 back end, between conv.c (running) and prepare.c. */
#ifndef NN_AVX512_CONV_H
#define NN_AVX512_CONV_H

#include "nn/avx512/tile.h"
#include "nn/quant.h"

enum { AVX512_PARTS_MAX = 4 };

/* Up to 64 consecutive output channels. */
struct conv_block {
    int channel, channels, columns; /* columns = vectors of 16 channels */
    size_t weight;                  /* byte offset in a part's weights */
};

struct nn_conv {
    struct nn_conv_desc d; /* weight and bias NULL */
    int out_h, out_w;
    enum nn_dtype mult;                      /* what is multiplied: F32, BF16, I8 */
    size_t mult_bytes, src_bytes, dst_bytes; /* of an element */

    /* One GEMM; a transposed convolution is four with the same source, one for each of the
     * 2x2 results of a pixel (parts). */
    int runs, units; /* see tile.h */
    int parts;
    struct conv_block *block;
    int n_block;
    char *weight; /* depthwise: F32 [9][c16] */
    size_t part_bytes;
    char *init;          /* [parts][c16] F32 or I32 */
    float *scale, *bias; /* [c16] */
    int c16;
    float dst_inverse; /* 1 / dst_scale */

    /* Rows packed with their padding, see pack_rows in conv.c */
    bool direct; /* the view may be read where it is (if its pixels do not share cache sets) */
    bool blocks_outside; /* weights exceed L2: all rows of a pack per block of channels */
    size_t pitch;        /* bytes of a packed row */
    int pack_rows;       /* that fit the scratch */
    const tile_fn (*tiles)[TILE_PIXELS_MAX]; /* of the half that finishes, if it does */
    bool fused;                              /* the tiles finish: no accumulators, no epilogue */
    pack_fn pack;
    finish_fn finish;
    depthwise_fn depthwise;
};

DM_MUST_CHECK int nn_avx512_prepare(struct nn_conv *c, const struct nn_conv_desc *d,
                                    struct dm_err *e);

/* What this processor and its operating system can do. */
bool nn_avx512_has_base(void), nn_avx512_has_bf16(void), nn_avx512_has_vnni(void);

#endif

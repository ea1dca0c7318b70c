/* SPDX-License-Identifier: Apache-2.0
 *
 * What a planned network is made of, and who computes it. The planner (nn/plan*.c) turns a graph
 * into a list of the fused steps below over NHWC tensors; a back end supplies the convolutions, the
 * step kernels of nn/kernels.h the rest. `ref` is the oracle: plain C, one loop nest, slow and
 * obvious.
 *
 * Activations are NHWC with batch 1. A tensor is a view: a channel range of a wider buffer, so that
 * splits and concatenations cost nothing when every step can read and write strided views. */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "nn/graph.h"
#include "nn/net.h"

/* Tensor [h][w][c], element (y, x, ch) at data[((y * w) + x) * step + ch].
 * dtype F32, BF16 or U8. U8 means real = scale * (stored - zero). */
struct nn_view {
    void *data;
    enum nn_dtype dtype;
    int h, w, c;
    size_t step; /* elements from a pixel to the next, >= c */
    float scale;
    int zero;
};

/* One convolution with everything fused into it:
 *   dst = act(conv(src) + bias) [+ residual]
 * Square kernel, symmetric pad, dilation 1. */
struct nn_conv_desc {
    int in_h, in_w, in_c, out_c;
    int kernel, stride, pad;
    bool depthwise;         /* groups = in_c = out_c */
    bool transposed;        /* 2x2, stride 2, pad 0 */
    bool silu;              /* x * sigmoid(x), after the bias, before the residual */
    bool residual;          /* dst += residual view of the same shape and dtype as dst */
    enum nn_dtype src, dst; /* F32, BF16, U8 (src U8 with in_c 3 may be the image itself) */
    float src_scale, dst_scale, residual_scale; /* U8 only; real = scale * (stored - zero) */
    int src_zero, dst_zero, residual_zero;      /* U8 only, 0..255 */
    enum nn_dtype compute; /* F32, BF16, I8: precision of the multiplications */
    const float *weight;   /* OIHW [out_c][in_c][k][k]; depthwise [c][1][k][k];
                            * transposed IOHW [in_c][out_c][2][2]. Borrowed for the call */
    const float *bias;     /* [out_c] or NULL. Borrowed for the call */
};

struct nn_conv; /* a prepared convolution: packed weights; immutable, shared by all threads */

struct nn_backend {
    const char *name;
    /* True when this processor can run the precision (F32, BF16, INT8) here. Required. */
    bool (*supports)(enum nn_precision p);
    /* Check the description and pack the weights. DM_EUNSUPPORTED: the planner then asks the next
     * back end. Required. */
    int (*conv_new)(const struct nn_conv_desc *d, struct nn_conv **ret, struct dm_err *e);
    /* Bytes of scratch conv_run needs, 64-byte aligned; NULL = none. Threads: many. Optional. */
    size_t (*conv_scratch)(const struct nn_conv *c);
    /* Run on views with any step, for output rows [y0, y1) only (the rows of dst; a depthwise or
     * transposed convolution alike), so that several threads can share one convolution. residual
     * NULL unless described. dst may equal residual (in place), never src. Cannot fail: every check
     * was made in conv_new. Threads: many, each with its scratch; disjoint rows at the same time.
     * A back end with whole = true is always called for all rows. */
    void (*conv_run)(const struct nn_conv *c, const struct nn_view *src,
                     const struct nn_view *residual, const struct nn_view *dst, int y0, int y1,
                     void *scratch);
    bool whole;
    void (*conv_free)(struct nn_conv *c); /* accepts NULL. Required. */
};

extern const struct nn_backend nn_backend_ref;    /* nn/ref/conv.c: f32 and bf16, any processor */
extern const struct nn_backend nn_backend_onednn; /* nn/onednn/ */
extern const struct nn_backend nn_backend_avx512; /* nn/avx512/: bf16 and int8 by CPUID */

/* NULL-ended, order = preference for "auto". */
extern const struct nn_backend *const nn_backends[];

#endif

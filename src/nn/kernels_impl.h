/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms of nn/kernels.h. nn/kernels.c picks one of them once per process. */
#ifndef NN_KERNELS_IMPL_H
#define NN_KERNELS_IMPL_H

#include "nn/kernels.h"

struct nn_kernel_set {
    const char *name;
    void (*copy)(const struct nn_view *src, const struct nn_view *dst);
    void (*add)(const struct nn_view *a, const struct nn_view *b, const struct nn_view *dst);
    void (*upsample2)(const struct nn_view *src, const struct nn_view *dst);
    size_t (*max_pool_scratch)(const struct nn_view *src, int k);
    void (*max_pool)(const struct nn_view *src, int k, const struct nn_view *dst, void *scratch);
    size_t (*attention_scratch)(const struct nn_attention_desc *d);
    void (*attention)(const struct nn_attention_desc *d, const struct nn_view *qkv,
                      const struct nn_view *dst, void *scratch);
};

extern const struct nn_kernel_set nn_kernels_plain;  /* the oracle, any processor */
extern const struct nn_kernel_set nn_kernels_avx512; /* F, BW, VL, DQ */

/* Same element type and, for U8, the same quantisation: bytes can be moved as they are. */
static inline bool nn_same_format(const struct nn_view *a, const struct nn_view *b)
{
    return a->dtype == b->dtype &&
           (a->dtype != NN_U8 || (a->scale == b->scale && a->zero == b->zero));
}

#endif

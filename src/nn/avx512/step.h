/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the AVX-512 step kernels. */
#ifndef NN_AVX512_STEP_H
#define NN_AVX512_STEP_H

#include "nn/kernels_impl.h"

size_t nn_avx512_attention_scratch(const struct nn_attention_desc *d);
void nn_avx512_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                         const struct nn_view *dst, void *scratch);

#endif

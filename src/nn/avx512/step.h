/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the AVX-512 step kernels: elements of any activation type to and from f32. */
#ifndef NN_AVX512_STEP_H
#define NN_AVX512_STEP_H

#include "nn/kernels_impl.h"

#define NN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

/* n elements of v from element index at, as real numbers. */
void nn_avx512_load(const struct nn_view *v, size_t at, size_t n, float *ret);

/* n real numbers into v from element index at, rounded to its type. */
void nn_avx512_store(const struct nn_view *v, size_t at, size_t n, const float *from);

size_t nn_avx512_attention_scratch(const struct nn_attention_desc *d);
void nn_avx512_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                         const struct nn_view *dst, void *scratch);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Step kernels besides the convolution, on strided NHWC views of F32, BF16 or U8 (see backend.h).
 * Each has a plain C form that is the oracle and, where a profile asked for it, a vector form
 * chosen once per process. src and dst never overlap. None can fail. Threads: reentrant. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include "nn/backend.h"

/* dst = src, same shape; converts dtype and quantisation when they differ. */
void nn_copy(const struct nn_view *src, const struct nn_view *dst);

/* dst = a + b, same shape; dst may be a or b. */
void nn_add(const struct nn_view *a, const struct nn_view *b, const struct nn_view *dst);

/* Nearest, factor 2: dst is 2h x 2w. */
void nn_upsample2(const struct nn_view *src, const struct nn_view *dst);

/* k x k window (odd), stride 1, pad k/2 with minus infinity, same shape.
 * scratch: nn_max_pool_scratch bytes. */
size_t nn_max_pool_scratch(const struct nn_view *src, int k);
void nn_max_pool(const struct nn_view *src, int k, const struct nn_view *dst, void *scratch);

/* Multi-head attention of C2PSA (vision.md 2.3). Per head, consecutive channels of qkv: q (key_c),
 * k (key_c), v (value_c).
 *   qkv  [h][w][heads * (2 * key_c + value_c)]
 *   dst  [h][w][heads * value_c], head-major
 *   A = softmax_j(q_i . k_j * scale), dst_i = sum_j A_ij v_j
 * scratch: nn_attention_scratch bytes, 64-byte aligned. */
struct nn_attention_desc {
    int h, w, heads, key_c, value_c;
    float scale;
    enum nn_dtype dtype; /* of both views: F32 or BF16 */
};
size_t nn_attention_scratch(const struct nn_attention_desc *d);
void nn_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                  const struct nn_view *dst, void *scratch);

/* bf16 <-> f32: round to nearest even, as the processors do. */
static inline float nn_bf16_to_f32(uint16_t v)
{
    union {
        uint32_t u;
        float f;
    } x = {.u = (uint32_t)v << 16};
    return x.f;
}

static inline uint16_t nn_bf16_from_f32(float f)
{
    union {
        float f;
        uint32_t u;
    } x = {.f = f};
    if ((x.u & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)((x.u >> 16) | 0x40u); /* quiet NaN */
    }
    return (uint16_t)((x.u + 0x7fffu + ((x.u >> 16) & 1u)) >> 16);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of nn/kernels.h: every call goes to the form that suits this processor. */
#include "nn/kernels_impl.h"

static const struct nn_kernel_set *set(void)
{
    /* a flag read, not a CPUID: cheap enough for every call */
    bool vector = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq");
    return vector ? &nn_kernels_avx512 : &nn_kernels_plain;
}

void nn_copy(const struct nn_view *src, const struct nn_view *dst)
{
    set()->copy(src, dst);
}

void nn_add(const struct nn_view *a, const struct nn_view *b, const struct nn_view *dst)
{
    set()->add(a, b, dst);
}

void nn_upsample2(const struct nn_view *src, const struct nn_view *dst)
{
    set()->upsample2(src, dst);
}

size_t nn_max_pool_scratch(const struct nn_view *src, int k)
{
    return set()->max_pool_scratch(src, k);
}

void nn_max_pool(const struct nn_view *src, int k, const struct nn_view *dst, void *scratch)
{
    set()->max_pool(src, k, dst, scratch);
}

size_t nn_attention_scratch(const struct nn_attention_desc *d)
{
    return set()->attention_scratch(d);
}

void nn_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                  const struct nn_view *dst, void *scratch)
{
    set()->attention(d, qkv, dst, scratch);
}

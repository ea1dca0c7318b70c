/* SPDX-License-Identifier: Apache-2.0
 *
 * The numeric rules every back end shares: element types to real numbers and back, and how int8
 * weights are made. Written once, so that two back ends differ only in the order of their sums.
 *
 *   U8 activation   real = scale * (stored - zero); stored = clamp(round_even(real / scale) + zero)
 *   I8 weight       per output channel, symmetric: scale = max|w| / 127, q = round_even(w / scale)
 *   BF16            round to nearest even; a U8 image enters as the exact integer stored - zero and
 *                   its scale goes into the weights before these are rounded */
#ifndef NN_QUANT_H
#define NN_QUANT_H

#include <math.h>

#include "nn/kernels.h"

static inline size_t nn_element_size(enum nn_dtype t)
{
    return t == NN_F32 ? 4 : t == NN_BF16 ? 2 : 1;
}

/* Real value of element i of a view's data. */
static inline float nn_element_load(const struct nn_view *v, size_t i)
{
    if (v->dtype == NN_F32) {
        return ((const float *)v->data)[i];
    }
    if (v->dtype == NN_BF16) {
        return nn_bf16_to_f32(((const uint16_t *)v->data)[i]);
    }
    return v->scale * (float)(((const uint8_t *)v->data)[i] - v->zero);
}

static inline void nn_element_store(const struct nn_view *v, size_t i, float x)
{
    if (v->dtype == NN_F32) {
        ((float *)v->data)[i] = x;
    } else if (v->dtype == NN_BF16) {
        ((uint16_t *)v->data)[i] = nn_bf16_from_f32(x);
    } else {
        float q = nearbyintf(x / v->scale) + (float)v->zero;
        ((uint8_t *)v->data)[i] = (uint8_t)(q > 255.0f ? 255.0f : q > 0.0f ? q : 0.0f);
    }
}

/* Weight of output channel o, input channel i (0 when depthwise), tap = y * kernel + x. */
static inline float nn_weight(const struct nn_conv_desc *d, int o, int i, int tap)
{
    size_t taps = (size_t)(d->kernel * d->kernel);
    size_t row = d->transposed  ? (size_t)i * (size_t)d->out_c + (size_t)o
                 : d->depthwise ? (size_t)o
                                : (size_t)o * (size_t)d->in_c + (size_t)i;
    return d->weight[row * taps + (size_t)tap];
}

/* Scale of the int8 weights of output channel o; 1 when they are all 0. */
float nn_weight_scale(const struct nn_conv_desc *d, int o);

static inline int nn_weight_quantise(float w, float scale)
{
    return (int)DM_CLAMP(nearbyintf(w / scale), -127.0f, 127.0f);
}

/* Size of a convolution's result along one axis of length n. */
static inline int nn_conv_out(const struct nn_conv_desc *d, int n)
{
    return d->transposed ? 2 * n : (n + 2 * d->pad - d->kernel) / d->stride + 1;
}

/* A description every back end may rely on: positive sizes, known types, the special forms as
 * backend.h states them. DM_EUNSUPPORTED otherwise. */
DM_MUST_CHECK int nn_conv_check(const struct nn_conv_desc *d, struct dm_err *e);

#endif

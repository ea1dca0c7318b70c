/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks and rules shared by the convolution back ends. */
#include "nn/quant.h"

#include "base/arith.h"

#define KERNEL_SIDE_MAX 15 /* YOLO uses 1, 2 and 3 */

static bool type_ok(enum nn_dtype t, float scale, int zero)
{
    return t == NN_F32 || t == NN_BF16 ||
           (t == NN_U8 && scale > 0.0f && isfinite(scale) && zero >= 0 && zero <= 255);
}

static bool sizes_ok(const struct nn_conv_desc *d)
{
    size_t taps, n;
    return d->in_h > 0 && d->in_w > 0 && d->in_c > 0 && d->out_c > 0 && d->kernel > 0 &&
           d->kernel <= KERNEL_SIDE_MAX && d->stride > 0 && d->pad >= 0 && d->pad < d->kernel &&
           (d->transposed || DM_MIN(d->in_h, d->in_w) + 2 * d->pad >= d->kernel) &&
           dm_mul_size((size_t)(d->kernel * d->kernel), (size_t)d->in_c, &taps) &&
           dm_mul_size(taps, (size_t)d->out_c, &n) && n < SIZE_MAX / 64;
}

int nn_conv_check(const struct nn_conv_desc *d, struct dm_err *e)
{
    bool form = (!d->depthwise || (d->in_c == d->out_c && !d->transposed)) &&
                (!d->transposed || (d->kernel == 2 && d->stride == 2 && d->pad == 0));
    bool types =
        type_ok(d->src, d->src_scale, d->src_zero) && type_ok(d->dst, d->dst_scale, d->dst_zero) &&
        (!d->residual || type_ok(d->dst, d->residual_scale, d->residual_zero)) &&
        (d->compute == NN_F32 || d->compute == NN_BF16 || (d->compute == NN_I8 && d->src == NN_U8));
    if (!sizes_ok(d) || !form || !types || !d->weight) {
        DM_FAIL(e, DM_EUNSUPPORTED, "no convolution %dx%d stride %d pad %d of these types",
                d->kernel, d->kernel, d->stride, d->pad);
    }
    return DM_OK;
}

float nn_weight_scale(const struct nn_conv_desc *d, int o)
{
    float max = 0.0f;
    for (int i = 0; i < (d->depthwise ? 1 : d->in_c); i++) {
        for (int t = 0; t < d->kernel * d->kernel; t++) {
            max = fmaxf(max, fabsf(nn_weight(d, o, i, t)));
        }
    }
    return max > 0.0f ? max / 127.0f : 1.0f;
}

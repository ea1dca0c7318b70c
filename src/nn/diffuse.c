/* SPDX-License-Identifier: Apache-2.0
 *
 * Error diffusion over the taps of a kernel: see diffuse.h. */
#include "nn/diffuse.h"

#include "base/alloc.h"
#include "nn/quant.h"

/* The nearest representable number. scale: the int8 step of the output channel. */
static float nearest(const struct nn_conv_desc *d, float w, float scale)
{
    return d->compute == NN_BF16 ? nn_bf16_to_f32(nn_bf16_from_f32(w))
                                 : (float)nn_weight_quantise(w, scale) * scale;
}

/* taps weights of one kernel; the largest of an int8 channel (max) defines its scale and stays. */
static void diffuse(const struct nn_conv_desc *d, const float *in, int taps, float gain,
                    float scale, float *out)
{
    float max = d->compute == NN_I8 ? 127.0f * scale * (1.0f - 1e-6f) : INFINITY;
    float carry = 0.0f;
    for (int t = 0; t < taps; t++) {
        float wanted = in[t] * gain + (fabsf(in[t]) < max ? carry : 0.0f);
        float rounded = nearest(d, wanted, scale);
        carry += in[t] * gain - rounded;
        out[t] = rounded / gain;
    }
}

int nn_weights_diffuse(struct nn_conv_desc *d, float **ret, struct dm_err *e)
{
    *ret = NULL;
    if (d->compute == NN_F32) {
        return DM_OK;
    }
    int in_c = d->depthwise ? 1 : d->in_c, taps = d->kernel * d->kernel;
    size_t n = (size_t)d->out_c * (size_t)in_c * (size_t)taps;
    float *out = dm_alloc(n * sizeof(*out));
    if (!out) {
        DM_FAIL(e, DM_ENOMEM, "no memory to round %zu weights", n);
    }
    float gain = d->compute == NN_BF16 && d->src == NN_U8 ? d->src_scale : 1.0f;
    for (int o = 0; o < d->out_c; o++) {
        float scale = d->compute == NN_I8 ? nn_weight_scale(d, o) : 0.0f;
        for (int i = 0; i < in_c; i++) {
            size_t row = d->transposed ? (size_t)i * (size_t)d->out_c + (size_t)o
                                       : (size_t)o * (size_t)in_c + (size_t)i;
            size_t at = row * (size_t)taps;
            /* the four taps of a transposed convolution never meet in one result */
            int together = d->transposed ? 1 : taps;
            for (int t = 0; t < taps; t += together) {
                diffuse(d, d->weight + at + t, together, gain, scale, out + at + t);
            }
        }
    }
    d->weight = *ret = out;
    return DM_OK;
}

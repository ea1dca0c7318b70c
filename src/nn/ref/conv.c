/* SPDX-License-Identifier: Apache-2.0
 *
 * The convolution everything else is held against: one loop nest, sums in double, any element
 * types, any processor. Slow (about 2 GFLOP/s), so a network only runs on it where no other back
 * end takes the layer. */
#include "base/alloc.h"
#include "base/arith.h"
#include "nn/quant.h"

struct nn_conv {
    struct nn_conv_desc desc; /* weight and bias NULL */
    double *weight;           /* [tap y][tap x][in][out], depthwise [tap y][tap x][channel] */
    double *scale;            /* [out] of the sum, 1 unless compute is I8 */
    double *bias;             /* [out] */
};

static bool supports(enum nn_precision p)
{
    return p == NN_PRECISION_F32 || p == NN_PRECISION_BF16 || p == NN_PRECISION_INT8;
}

static void conv_free(struct nn_conv *c)
{
    if (c) {
        dm_free(c->weight);
        dm_free(c->scale);
        dm_free(c->bias);
        dm_free(c);
    }
}
DM_DEFINE_CLEANUP(conv_freep, struct nn_conv *, conv_free)

/* Weight as multiplied: rounded to the precision of compute. */
static double weight_at(const struct nn_conv_desc *d, int o, int i, int tap, float scale)
{
    float w = nn_weight(d, o, i, tap);
    if (d->compute == NN_I8) {
        return (double)nn_weight_quantise(w, scale);
    }
    if (d->compute == NN_BF16) {
        float s = d->src == NN_U8 ? d->src_scale : 1.0f;
        return (double)nn_bf16_to_f32(nn_bf16_from_f32(w * s));
    }
    return d->src == NN_U8 ? (double)w * (double)d->src_scale : (double)w;
}

static void pack(struct nn_conv *c, const struct nn_conv_desc *d)
{
    int taps = d->kernel * d->kernel, in_c = d->depthwise ? 1 : d->in_c;
    for (int o = 0; o < d->out_c; o++) {
        float scale = d->compute == NN_I8 ? nn_weight_scale(d, o) : 1.0f;
        c->scale[o] = d->compute == NN_I8 ? (double)scale * (double)d->src_scale : 1.0;
        c->bias[o] = d->bias ? (double)d->bias[o] : 0.0;
        for (int t = 0; t < taps; t++) {
            for (int i = 0; i < in_c; i++) {
                size_t at = (size_t)(t * in_c + i) * (size_t)d->out_c + (size_t)o;
                c->weight[at] = weight_at(d, o, i, t, scale);
            }
        }
    }
}

static int conv_new(const struct nn_conv_desc *d, struct nn_conv **ret, struct dm_err *e)
{
    DM_TRY(nn_conv_check(d, e));
    DM_CLEANUP(conv_freep) struct nn_conv *c = dm_calloc(1, sizeof(*c));
    size_t n =
        (size_t)(d->kernel * d->kernel) * (size_t)d->out_c * (size_t)(d->depthwise ? 1 : d->in_c);
    if (c) {
        c->weight = dm_calloc(n, sizeof(double));
        c->scale = dm_calloc((size_t)d->out_c, sizeof(double));
        c->bias = dm_calloc((size_t)d->out_c, sizeof(double));
    }
    if (!c || !c->weight || !c->scale || !c->bias) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the weights of a convolution");
    }
    pack(c, d);
    c->desc = *d;
    c->desc.weight = c->desc.bias = NULL;
    *ret = DM_STEAL(c);
    return DM_OK;
}

static size_t conv_scratch(const struct nn_conv *c)
{
    return dm_align_up((size_t)c->desc.out_c * sizeof(double), 64);
}

/* Source element as multiplied: see quant.h. */
static double source(const struct nn_conv_desc *d, const struct nn_view *src, size_t at)
{
    if (src->dtype == NN_U8) { /* its scale is in the weights, or in c->scale for I8 */
        return ((const uint8_t *)src->data)[at] - d->src_zero;
    }
    float x = nn_element_load(src, at);
    return (double)(d->compute == NN_BF16 ? nn_bf16_to_f32(nn_bf16_from_f32(x)) : x);
}

/* acc [out_c] += weights of one tap times the source pixel (y, x). */
static void add_tap(const struct nn_conv *c, const struct nn_view *src, int y, int x, int tap,
                    double *acc)
{
    const struct nn_conv_desc *d = &c->desc;
    size_t pixel = ((size_t)y * (size_t)src->w + (size_t)x) * src->step, out_c = (size_t)d->out_c;
    if (d->depthwise) {
        const double *w = c->weight + (size_t)tap * out_c;
        for (size_t o = 0; o < out_c; o++) {
            acc[o] += source(d, src, pixel + o) * w[o];
        }
        return;
    }
    for (size_t i = 0; i < (size_t)d->in_c; i++) {
        double v = source(d, src, pixel + i);
        const double *w = c->weight + ((size_t)tap * (size_t)d->in_c + i) * out_c;
        for (size_t o = 0; o < out_c; o++) {
            acc[o] += v * w[o];
        }
    }
}

/* acc [out_c] = convolution at output pixel (y, x). */
static void sum_pixel(const struct nn_conv *c, const struct nn_view *src, int y, int x, double *acc)
{
    const struct nn_conv_desc *d = &c->desc;
    memset(acc, 0, (size_t)d->out_c * sizeof(*acc));
    if (d->transposed) { /* stride = kernel: every result has exactly one source pixel */
        add_tap(c, src, y / 2, x / 2, (y % 2) * 2 + x % 2, acc);
        return;
    }
    for (int ky = 0; ky < d->kernel; ky++) {
        for (int kx = 0; kx < d->kernel; kx++) {
            int sy = y * d->stride + ky - d->pad, sx = x * d->stride + kx - d->pad;
            if (sy >= 0 && sy < d->in_h && sx >= 0 && sx < d->in_w) {
                add_tap(c, src, sy, sx, ky * d->kernel + kx, acc);
            }
        }
    }
}

static void conv_run(const struct nn_conv *c, const struct nn_view *src,
                     const struct nn_view *residual, const struct nn_view *dst, int y0, int y1,
                     void *scratch)
{
    const struct nn_conv_desc *d = &c->desc;
    double *acc = scratch;
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < dst->w; x++) {
            size_t pixel = (size_t)y * (size_t)dst->w + (size_t)x;
            sum_pixel(c, src, y, x, acc);
            for (size_t o = 0; o < (size_t)d->out_c; o++) {
                double v = acc[o] * c->scale[o] + c->bias[o];
                v = d->silu ? v / (1.0 + exp(-v)) : v;
                if (residual) {
                    v += (double)nn_element_load(residual, pixel * residual->step + o);
                }
                nn_element_store(dst, pixel * dst->step + o, (float)v);
            }
        }
    }
}

const struct nn_backend nn_backend_ref = {
    .name = "ref",
    .supports = supports,
    .conv_new = conv_new,
    .conv_scratch = conv_scratch,
    .conv_run = conv_run,
    .conv_free = conv_free,
};

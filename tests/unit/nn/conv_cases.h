/* SPDX-License-Identifier: Apache-2.0
 *
 * Random convolutions for the tests of the back ends: a description with its weights, and views
 * into buffers that are wider than the view, filled with NaN around it and guarded outside, so that
 * a read or a write too far shows. */
#ifndef TESTS_UNIT_NN_CONV_CASES_H
#define TESTS_UNIT_NN_CONV_CASES_H

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "guarded.h"
#include "nn/quant.h"
#include "support/testing.h"

enum { CASE_WEIGHTS_MAX = 1 << 18, CASE_CHANNELS_MAX = 512 };

struct conv_case {
    struct nn_conv_desc d;
    struct nn_view src, residual, dst, want;
    void *block[4]; /* the views' buffers */
    size_t bytes[4];
    float weight[CASE_WEIGHTS_MAX];
    float bias[CASE_CHANNELS_MAX];
};

static inline float case_noise(struct test_rng *r)
{
    double s = 0; /* roughly normal, variance 1 */
    for (int i = 0; i < 12; i++) {
        s += test_rng_unit(r);
    }
    return (float)(s - 6.0);
}

static inline void case_fill(struct test_rng *r, const struct nn_view *v)
{
    for (int p = 0; p < v->h * v->w; p++) {
        for (int c = 0; c < v->c; c++) {
            nn_element_store(v, (size_t)p * v->step + (size_t)c, case_noise(r));
        }
    }
}

/* A view of c channels in a buffer up to 24 channels wider. */
static inline void *case_view(struct test_rng *r, struct nn_view *v, bool dense, size_t *ret_bytes)
{
    size_t size = nn_element_size(v->dtype);
    size_t before = dense ? 0 : test_rng_below(r, 16), after = dense ? 0 : test_rng_below(r, 9);
    v->step = (size_t)v->c + before + after;
    *ret_bytes = (size_t)v->h * (size_t)v->w * v->step * size;
    unsigned char *block = guarded_alloc(*ret_bytes, test_rng_below(r, 2));
    memset(block, 0xff, *ret_bytes); /* NaN in F32 and BF16 */
    v->data = block + before * size;
    return block;
}

static inline void case_make(struct test_rng *r, const struct nn_conv_desc *d, struct conv_case *k)
{
    size_t n =
        (size_t)(d->kernel * d->kernel) * (size_t)d->out_c * (size_t)(d->depthwise ? 1 : d->in_c);
    assert_true(n <= CASE_WEIGHTS_MAX && d->out_c <= CASE_CHANNELS_MAX);
    k->d = *d;
    float fan_in = (float)(d->kernel * d->kernel * (d->depthwise ? 1 : d->in_c));
    for (size_t i = 0; i < n; i++) {
        k->weight[i] = case_noise(r) / sqrtf(fan_in);
    }
    for (int o = 0; o < d->out_c; o++) {
        k->bias[o] = 0.5f * case_noise(r);
    }
    k->d.weight = k->weight;
    k->d.bias = k->bias;
    k->d.src_scale = 0.03f;
    k->d.src_zero = (int)test_rng_below(r, 256);
    k->d.dst_scale = 0.025f;
    k->d.dst_zero = (int)test_rng_below(r, 256);
    k->d.residual_scale = 0.02f;
    k->d.residual_zero = (int)test_rng_below(r, 256);
    if (d->src == NN_U8 && d->in_c == 3) { /* the image itself */
        k->d.src_scale = 1.0f / 255.0f;
        k->d.src_zero = 0;
    }
    k->src = (struct nn_view){.dtype = d->src,
                              .h = d->in_h,
                              .w = d->in_w,
                              .c = d->in_c,
                              .scale = k->d.src_scale,
                              .zero = k->d.src_zero};
    k->dst = (struct nn_view){.dtype = d->dst,
                              .h = nn_conv_out(d, d->in_h),
                              .w = nn_conv_out(d, d->in_w),
                              .c = d->out_c,
                              .scale = k->d.dst_scale,
                              .zero = k->d.dst_zero};
    k->want = k->residual = k->dst;
    k->residual.scale = k->d.residual_scale;
    k->residual.zero = k->d.residual_zero;
    k->block[0] = case_view(r, &k->src, d->in_c == 3, &k->bytes[0]);
    k->block[1] = case_view(r, &k->residual, test_rng_below(r, 2), &k->bytes[1]);
    k->block[2] = case_view(r, &k->dst, test_rng_below(r, 2), &k->bytes[2]);
    k->block[3] = case_view(r, &k->want, true, &k->bytes[3]);
    case_fill(r, &k->src);
    case_fill(r, &k->residual);
}

static inline void case_free(struct conv_case *k)
{
    for (int i = 0; i < 4; i++) {
        guarded_free(k->block[i], k->bytes[i]);
    }
}

/* Mean squared difference over mean square of want; U8 in steps of its scale (largest returned). */
static inline double case_nmse(const struct nn_view *got, const struct nn_view *want,
                               double *ret_largest)
{
    double num = 0, den = 1e-30, largest = 0;
    for (int p = 0; p < want->h * want->w; p++) {
        for (int c = 0; c < want->c; c++) {
            double w = (double)nn_element_load(want, (size_t)p * want->step + (size_t)c);
            double g = (double)nn_element_load(got, (size_t)p * got->step + (size_t)c);
            if (isnan(g) || isnan(w)) {
                g = INFINITY;
            }
            num += (g - w) * (g - w);
            den += w * w;
            largest = fmax(largest, fabs(g - w));
        }
    }
    *ret_largest = largest;
    return num / den;
}

/* Everything around the view is still 0xff. */
static inline bool case_untouched(const struct nn_view *v, const void *block, size_t bytes)
{
    size_t size = nn_element_size(v->dtype), row = v->step * size;
    const unsigned char *b = block;
    size_t lo = (size_t)((const unsigned char *)v->data - b), hi = lo + (size_t)v->c * size;
    for (size_t i = 0; i < bytes; i++) {
        if ((i % row < lo || i % row >= hi) && b[i] != 0xff) {
            return false;
        }
    }
    return true;
}

/* A random description with these element types; every form and tail of the channel count. */
static inline struct nn_conv_desc case_random(struct test_rng *r, enum nn_dtype src,
                                              enum nn_dtype compute, enum nn_dtype dst)
{
    static const int channels[] = {1,  2,  3,  4,  5,  8,  15, 16, 17,
                                   24, 31, 32, 33, 48, 64, 65, 80, 96};
    struct nn_conv_desc d = {.src = src, .compute = compute, .dst = dst};
    unsigned form = test_rng_below(r, 8);
    d.in_h = 1 + (int)test_rng_below(r, 19);
    d.in_w = 1 + (int)test_rng_below(r, 45);
    d.in_c = channels[test_rng_below(r, DM_COUNT(channels))];
    d.out_c = channels[test_rng_below(r, DM_COUNT(channels))];
    d.kernel = form < 3 ? 1 : 3;
    d.stride = form == 5 || form == 2 ? 2 : 1;
    d.pad = d.kernel / 2;
    if (form == 6) {
        d.depthwise = true;
        d.out_c = d.in_c;
        d.stride = 1 + (int)test_rng_below(r, 2);
    } else if (form == 7) {
        d.transposed = true;
        d.kernel = d.stride = 2;
        d.pad = 0;
    } else if (test_rng_below(r, 10) == 0) { /* what YOLO does not use but the door promises */
        d.kernel = 2 + (int)test_rng_below(r, 4);
        d.stride = 1 + (int)test_rng_below(r, 3);
        d.pad = (int)test_rng_below(r, (uint32_t)d.kernel);
        d.in_h += 4;
        d.in_w += 4;
    }
    d.silu = test_rng_below(r, 2);
    d.residual = test_rng_below(r, 2);
    return d;
}

#endif

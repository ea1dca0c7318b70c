/* SPDX-License-Identifier: Apache-2.0
 *
 * Oracle: convolutions, pooling, enlargement and matrix products, f32 NCHW. Loops are ordered so
 * that the innermost runs along a row: YOLO11n at 640 px takes seconds, not minutes. */
#include <math.h>
#include <string.h>

#include "nn/ref/interp.h"

/* Columns [lo, hi) of a result row whose source column x * stride + offset lies in [0, w). */
static void valid_columns(int64_t w, int64_t out_w, int64_t stride, int64_t offset, int64_t *lo,
                          int64_t *hi)
{
    *lo = offset < 0 ? (-offset + stride - 1) / stride : 0;
    *hi = w - offset > 0 ? (w - offset + stride - 1) / stride : 0;
    *hi = DM_MIN(*hi, out_w);
}

/* row[x] += weight * src[x * stride + offset] */
static void add_row(float *restrict row, const float *restrict src, int64_t w, int64_t out_w,
                    int64_t stride, int64_t offset, float weight)
{
    int64_t lo, hi;
    valid_columns(w, out_w, stride, offset, &lo, &hi);
    if (stride == 1) {
        for (int64_t x = lo; x < hi; x++) {
            row[x] += weight * src[x + offset];
        }
    } else {
        for (int64_t x = lo; x < hi; x++) {
            row[x] += weight * src[x * stride + offset];
        }
    }
}

struct plane {
    const float *src;
    float *dst;
    int64_t h, w, out_h, out_w;
};

/* One source channel through its kernel into one result channel. */
static void convolve_plane(const struct plane *p, const float *kernel, const struct nn_attrs *a)
{
    for (int64_t y = 0; y < p->out_h; y++) {
        for (int ky = 0; ky < a->kernel[0]; ky++) {
            int64_t sy = y * a->stride[0] + (int64_t)ky * a->dilation[0] - a->pad[0];
            if (sy < 0 || sy >= p->h) {
                continue;
            }
            for (int kx = 0; kx < a->kernel[1]; kx++) {
                add_row(p->dst + y * p->out_w, p->src + sy * p->w, p->w, p->out_w, a->stride[1],
                        (int64_t)kx * a->dilation[1] - a->pad[1], kernel[ky * a->kernel[1] + kx]);
            }
        }
    }
}

static void fill(float *p, int64_t n, float v)
{
    for (int64_t i = 0; i < n; i++) {
        p[i] = v;
    }
}

int nn_ref_conv(const struct nn_ref_call *c)
{
    const struct nn_attrs *a = &c->node->attr;
    const int64_t *in = c->in[0]->shape.dim, *out = c->out[0]->shape.dim;
    const float *w = c->src[1], *bias = c->src[2];
    int64_t in_per_group = in[1] / a->group, out_per_group = out[1] / a->group;
    int64_t kernel = (int64_t)a->kernel[0] * a->kernel[1];
    for (int64_t i = 0; i < in[0] * out[1]; i++) {
        int64_t batch = i / out[1], o = i % out[1];
        int64_t first = batch * in[1] + o / out_per_group * in_per_group;
        struct plane p = {.dst = (float *)c->dst[0] + i * out[2] * out[3],
                          .h = in[2],
                          .w = in[3],
                          .out_h = out[2],
                          .out_w = out[3]};
        fill(p.dst, out[2] * out[3], bias ? bias[o] : 0);
        for (int64_t k = 0; k < in_per_group; k++) {
            p.src = (const float *)c->src[0] + (first + k) * in[2] * in[3];
            convolve_plane(&p, w + (o * in_per_group + k) * kernel, a);
        }
    }
    return DM_OK;
}

/* Every source element adds the kernel, scaled, to the result. */
static void spread_plane(const struct plane *p, const float *kernel, const struct nn_attrs *a)
{
    for (int64_t y = 0; y < p->h; y++) {
        for (int64_t x = 0; x < p->w; x++) {
            for (int k = 0; k < a->kernel[0] * a->kernel[1]; k++) {
                int64_t dy =
                    y * a->stride[0] + (int64_t)(k / a->kernel[1]) * a->dilation[0] - a->pad[0];
                int64_t dx =
                    x * a->stride[1] + (int64_t)(k % a->kernel[1]) * a->dilation[1] - a->pad[1];
                if (dy >= 0 && dy < p->out_h && dx >= 0 && dx < p->out_w) {
                    p->dst[dy * p->out_w + dx] += p->src[y * p->w + x] * kernel[k];
                }
            }
        }
    }
}

int nn_ref_conv_transpose(const struct nn_ref_call *c)
{
    const struct nn_attrs *a = &c->node->attr;
    const int64_t *in = c->in[0]->shape.dim, *out = c->out[0]->shape.dim;
    const float *w = c->src[1], *bias = c->src[2];
    int64_t in_per_group = in[1] / a->group, out_per_group = out[1] / a->group;
    int64_t kernel = (int64_t)a->kernel[0] * a->kernel[1];
    for (int64_t i = 0; i < in[0] * out[1]; i++) {
        int64_t batch = i / out[1], o = i % out[1];
        int64_t first = o / out_per_group * in_per_group;
        struct plane p = {.dst = (float *)c->dst[0] + i * out[2] * out[3],
                          .h = in[2],
                          .w = in[3],
                          .out_h = out[2],
                          .out_w = out[3]};
        fill(p.dst, out[2] * out[3], bias ? bias[o] : 0);
        for (int64_t k = first; k < first + in_per_group; k++) {
            p.src = (const float *)c->src[0] + (batch * in[1] + k) * in[2] * in[3];
            spread_plane(&p, w + (k * out_per_group + o % out_per_group) * kernel, a);
        }
    }
    return DM_OK;
}

static float window_max(const struct plane *p, int64_t y, int64_t x, const struct nn_attrs *a)
{
    int64_t top = y * a->stride[0] - a->pad[0], left = x * a->stride[1] - a->pad[1];
    float max = -INFINITY;
    for (int64_t sy = DM_MAX(top, 0); sy < DM_MIN(top + a->kernel[0], p->h); sy++) {
        for (int64_t sx = DM_MAX(left, 0); sx < DM_MIN(left + a->kernel[1], p->w); sx++) {
            max = DM_MAX(max, p->src[sy * p->w + sx]);
        }
    }
    return max;
}

int nn_ref_max_pool(const struct nn_ref_call *c)
{
    const int64_t *in = c->in[0]->shape.dim, *out = c->out[0]->shape.dim;
    for (int64_t i = 0; i < in[0] * in[1]; i++) {
        struct plane p = {.src = (const float *)c->src[0] + i * in[2] * in[3],
                          .dst = (float *)c->dst[0] + i * out[2] * out[3],
                          .h = in[2],
                          .w = in[3],
                          .out_h = out[2],
                          .out_w = out[3]};
        for (int64_t y = 0; y < p.out_h; y++) {
            for (int64_t x = 0; x < p.out_w; x++) {
                p.dst[y * p.out_w + x] = window_max(&p, y, x, &c->node->attr);
            }
        }
    }
    return DM_OK;
}

/* Nearest, whole factors. */
int nn_ref_resize(const struct nn_ref_call *c)
{
    const int64_t *in = c->in[0]->shape.dim, *out = c->out[0]->shape.dim;
    int64_t fy = out[2] / in[2], fx = out[3] / in[3];
    for (int64_t i = 0; i < out[0] * out[1]; i++) {
        const float *s = (const float *)c->src[0] + i * in[2] * in[3];
        float *d = (float *)c->dst[0] + i * out[2] * out[3];
        for (int64_t y = 0; y < out[2]; y++) {
            for (int64_t x = 0; x < out[3]; x++) {
                d[y * out[3] + x] = s[y / fy * in[3] + x / fx];
            }
        }
    }
    return DM_OK;
}

/* d [m][n] = a [m][k] b [k][n] */
static void multiply(const float *a, const float *b, float *restrict d, int64_t m, int64_t k,
                     int64_t n)
{
    fill(d, m * n, 0);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t l = 0; l < k; l++) {
            for (int64_t j = 0; j < n; j++) {
                d[i * n + j] += a[i * k + l] * b[l * n + j];
            }
        }
    }
}

int nn_ref_matmul(const struct nn_ref_call *c)
{
    struct nn_shape sa = c->in[0]->shape, sb = c->in[1]->shape, s = c->out[0]->shape;
    int64_t m = s.dim[s.rank - 2], n = s.dim[s.rank - 1], k = sa.dim[sa.rank - 1];
    int64_t stride[2][NN_DIMS_MAX], index[NN_DIMS_MAX] = {0}, at[2] = {0, 0};
    sa.rank -= 2;
    sb.rank -= 2;
    s.rank -= 2;
    nn_ref_broadcast_strides(&sa, &s, stride[0]);
    nn_ref_broadcast_strides(&sb, &s, stride[1]);
    int64_t count = nn_shape_count(&s);
    for (int64_t i = 0; i < count; i++) {
        multiply((const float *)c->src[0] + at[0] * m * k, (const float *)c->src[1] + at[1] * k * n,
                 (float *)c->dst[0] + i * m * n, m, k, n);
        nn_ref_step(&s, index, 2, (const int64_t(*)[NN_DIMS_MAX])stride, at);
    }
    return DM_OK;
}

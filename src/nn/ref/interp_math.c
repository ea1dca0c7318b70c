/* SPDX-License-Identifier: Apache-2.0
 *
 * Oracle: arithmetic on elements, and reductions. */
#include <math.h>
#include <string.h>

#include "nn/graph_infer.h"
#include "nn/ref/interp.h"

/* ---- two operands ---- */

/* dst[i] = a[i * sa] op b[i * sb], i < n. Returns false on a division by zero. */
typedef bool (*row_fn)(void *dst, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n);

#define ROW(name, type, expr)                                                                      \
    static bool name(void *dst, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n)   \
    {                                                                                              \
        type *restrict d = dst;                                                                    \
        const type *p = a, *q = b;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = p[i * sa], y = q[i * sb];                                                     \
            d[i] = (expr);                                                                         \
        }                                                                                          \
        return true;                                                                               \
    }

ROW(add_f32, float, x + y)
ROW(sub_f32, float, x - y)
ROW(mul_f32, float, x *y)
ROW(div_f32, float, x / y)
/* Whole numbers wrap around, as they do in other runtimes. */
ROW(add_i64, int64_t, (int64_t)((uint64_t)x + (uint64_t)y))
ROW(sub_i64, int64_t, (int64_t)((uint64_t)x - (uint64_t)y))
ROW(mul_i64, int64_t, (int64_t)((uint64_t)x *(uint64_t)y))
ROW(add_i32, int32_t, (int32_t)((uint32_t)x + (uint32_t)y))
ROW(sub_i32, int32_t, (int32_t)((uint32_t)x - (uint32_t)y))
ROW(mul_i32, int32_t, (int32_t)((uint32_t)x *(uint32_t)y))

/* Truncating; -1 apart because the smallest number divided by it does not fit. */
#define DIV_ROW(name, type, utype)                                                                 \
    static bool name(void *dst, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n)   \
    {                                                                                              \
        type *d = dst;                                                                             \
        const type *p = a, *q = b;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type x = p[i * sa], y = q[i * sb];                                                     \
            if (y == 0) {                                                                          \
                return false;                                                                      \
            }                                                                                      \
            d[i] = y == -1 ? (type)(0 - (utype)x) : (type)(x / y);                                 \
        }                                                                                          \
        return true;                                                                               \
    }

DIV_ROW(div_i64, int64_t, uint64_t)
DIV_ROW(div_i32, int32_t, uint32_t)

#define EQUAL_ROW(name, type)                                                                      \
    static bool name(void *dst, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n)   \
    {                                                                                              \
        uint8_t *d = dst;                                                                          \
        const type *p = a, *q = b;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                          \
            d[i] = p[i * sa] == q[i * sb];                                                         \
        }                                                                                          \
        return true;                                                                               \
    }

EQUAL_ROW(equal_f32, float)
EQUAL_ROW(equal_i64, int64_t)
EQUAL_ROW(equal_i32, int32_t)
EQUAL_ROW(equal_bool, uint8_t)

/* Rows of the last dimension; the others by odometer. */
static int run_rows(const struct nn_ref_call *c, row_fn row)
{
    const struct nn_shape *s = &c->out[0]->shape;
    struct nn_shape outer = *s;
    int64_t stride[2][NN_DIMS_MAX], index[NN_DIMS_MAX] = {0}, at[2] = {0, 0};
    size_t size = nn_dtype_size(c->in[0]->dtype);
    size_t out_size = nn_dtype_size(c->out[0]->dtype);
    int64_t count = nn_shape_count(s);
    int64_t n = s->rank > 0 ? s->dim[s->rank - 1] : 1;
    nn_ref_broadcast_strides(&c->in[0]->shape, s, stride[0]);
    nn_ref_broadcast_strides(&c->in[1]->shape, s, stride[1]);
    outer.rank = DM_MAX(s->rank - 1, 0);
    for (int64_t i = 0; i < count; i += n) {
        if (!row((char *)c->dst[0] + (size_t)i * out_size,
                 (const char *)c->src[0] + (size_t)at[0] * size, stride[0][outer.rank],
                 (const char *)c->src[1] + (size_t)at[1] * size, stride[1][outer.rank], n)) {
            DM_FAIL(c->e, DM_EMODEL, "%s %s divides by zero", nn_op_name(c->node->kind),
                    c->node->name);
        }
        nn_ref_step(&outer, index, 2, (const int64_t(*)[NN_DIMS_MAX])stride, at);
    }
    return DM_OK;
}

int nn_ref_binary(const struct nn_ref_call *c)
{
    static const row_fn rows[4][3] = {
        {add_f32, add_i64, add_i32},
        {sub_f32, sub_i64, sub_i32},
        {mul_f32, mul_i64, mul_i32},
        {div_f32, div_i64, div_i32},
    };
    int op = c->node->kind == NN_OP_ADD   ? 0
             : c->node->kind == NN_OP_SUB ? 1
             : c->node->kind == NN_OP_MUL ? 2
                                          : 3;
    enum nn_dtype t = c->in[0]->dtype;
    return run_rows(c, rows[op][t == NN_F32 ? 0 : t == NN_I64 ? 1 : 2]);
}

int nn_ref_equal(const struct nn_ref_call *c)
{
    enum nn_dtype t = c->in[0]->dtype;
    return run_rows(c, t == NN_F32   ? equal_f32
                       : t == NN_I64 ? equal_i64
                       : t == NN_I32 ? equal_i32
                                     : equal_bool);
}

/* ---- one operand ---- */

int nn_ref_sigmoid(const struct nn_ref_call *c)
{
    const float *x = c->src[0];
    float *d = c->dst[0];
    int64_t n = nn_shape_count(&c->out[0]->shape);
    for (int64_t i = 0; i < n; i++) {
        d[i] = 1.0f / (1.0f + expf(-x[i]));
    }
    return DM_OK;
}

int nn_ref_floor(const struct nn_ref_call *c)
{
    const float *x = c->src[0];
    float *d = c->dst[0];
    int64_t n = nn_shape_count(&c->out[0]->shape);
    for (int64_t i = 0; i < n; i++) {
        d[i] = floorf(x[i]);
    }
    return DM_OK;
}

static int64_t whole_at(const void *p, enum nn_dtype t, int64_t i)
{
    switch ((int)t) {
    case NN_I64:
        return ((const int64_t *)p)[i];
    case NN_I32:
        return ((const int32_t *)p)[i];
    case NN_BOOL:
        return ((const uint8_t *)p)[i];
    default: { /* truncate; what does not fit becomes the nearest that does, not-a-number 0 */
        float v = ((const float *)p)[i];
        return v >= 0x1p63f ? INT64_MAX : v <= -0x1p63f ? INT64_MIN : v != v ? 0 : (int64_t)v;
    }
    }
}

int nn_ref_cast(const struct nn_ref_call *c)
{
    enum nn_dtype from = c->in[0]->dtype, to = c->out[0]->dtype;
    int64_t n = nn_shape_count(&c->out[0]->shape);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = whole_at(c->src[0], from, i);
        if (to == NN_F32) {
            ((float *)c->dst[0])[i] = from == NN_F32 ? ((const float *)c->src[0])[i] : (float)v;
        } else if (to == NN_I64) {
            ((int64_t *)c->dst[0])[i] = v;
        } else if (to == NN_I32) {
            ((int32_t *)c->dst[0])[i] = (int32_t)v;
        } else {
            ((uint8_t *)c->dst[0])[i] =
                from == NN_F32 ? ((const float *)c->src[0])[i] != 0 : v != 0;
        }
    }
    return DM_OK;
}

/* start + i * step, as many as the shape has. */
int nn_ref_range(const struct nn_ref_call *c)
{
    int64_t n = nn_shape_count(&c->out[0]->shape);
    for (int64_t i = 0; i < n; i++) {
        if (c->out[0]->dtype == NN_F32) {
            ((float *)c->dst[0])[i] =
                *(const float *)c->src[0] + (float)i * *(const float *)c->src[2];
            continue;
        }
        int64_t v = nn_const_int(c->in[0], 0) + i * nn_const_int(c->in[2], 0);
        if (c->out[0]->dtype == NN_I64) {
            ((int64_t *)c->dst[0])[i] = v;
        } else {
            ((int32_t *)c->dst[0])[i] = (int32_t)v;
        }
    }
    return DM_OK;
}

/* ---- along one dimension ---- */

/* [outer][n][inner] around dimension axis. */
static void split_shape(const struct nn_shape *s, int axis, int64_t *outer, int64_t *n,
                        int64_t *inner)
{
    *outer = *inner = 1;
    for (int d = 0; d < s->rank; d++) {
        if (d < axis) {
            *outer *= s->dim[d];
        } else if (d > axis) {
            *inner *= s->dim[d];
        }
    }
    *n = s->dim[axis];
}

/* exp(x - max) / sum, the sum in double. */
int nn_ref_softmax(const struct nn_ref_call *c)
{
    int64_t outer, n, inner;
    split_shape(&c->in[0]->shape, c->node->attr.axis, &outer, &n, &inner);
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < inner; i++) {
            const float *x = (const float *)c->src[0] + o * n * inner + i;
            float *d = (float *)c->dst[0] + o * n * inner + i;
            float max = -INFINITY;
            for (int64_t k = 0; k < n; k++) {
                max = DM_MAX(max, x[k * inner]);
            }
            double sum = 0;
            for (int64_t k = 0; k < n; k++) {
                d[k * inner] = expf(x[k * inner] - max);
                sum += (double)d[k * inner];
            }
            for (int64_t k = 0; k < n; k++) {
                d[k * inner] = (float)((double)d[k * inner] / sum);
            }
        }
    }
    return DM_OK;
}

/* Element at i of the source joins element at of the result. */
static void take_max(const struct nn_ref_call *c, int64_t at, int64_t i, bool first)
{
#define TAKE(type)                                                                                 \
    do {                                                                                           \
        const type *x = c->src[0];                                                                 \
        type *d = c->dst[0];                                                                       \
        d[at] = first ? x[i] : DM_MAX(d[at], x[i]);                                                \
    } while (0)
    if (c->out[0]->dtype == NN_F32) {
        TAKE(float);
    } else if (c->out[0]->dtype == NN_I64) {
        TAKE(int64_t);
    } else {
        TAKE(int32_t);
    }
}

int nn_ref_reduce_max(const struct nn_ref_call *c)
{
    const struct nn_shape *s = &c->in[0]->shape;
    int64_t stride[1][NN_DIMS_MAX] = {{0}}, index[NN_DIMS_MAX] = {0}, at = 0, run = 1;
    unsigned mask = 0;
    bool known = nn_axes_mask(c->in[1], s->rank, &mask);
    DM_BUG_UNLESS(known);
    mask = mask ? mask : ~0u;
    for (int d = s->rank - 1; d >= 0; d--) { /* reduced dimensions stay in place */
        if (!(mask & (1u << d))) {
            stride[0][d] = run;
            run *= s->dim[d];
        }
    }
    int64_t n = nn_shape_count(s);
    for (int64_t i = 0; i < n; i++) {
        bool first = true;
        for (int d = 0; d < s->rank; d++) {
            first = first && (index[d] == 0 || !(mask & (1u << d)));
        }
        take_max(c, at, i, first);
        nn_ref_step(s, index, 1, (const int64_t(*)[NN_DIMS_MAX])stride, &at);
    }
    return DM_OK;
}

/* (x - mean) / sqrt(var + eps) * gamma + beta, a channel at a time. */
int nn_ref_batch_norm(const struct nn_ref_call *c)
{
    const float *gamma = c->src[1], *beta = c->src[2], *mean = c->src[3], *var = c->src[4];
    int64_t outer, channels, inner;
    split_shape(&c->in[0]->shape, 1, &outer, &channels, &inner);
    for (int64_t o = 0; o < outer * channels; o++) {
        int64_t ch = o % channels;
        const float *x = (const float *)c->src[0] + o * inner;
        float *d = (float *)c->dst[0] + o * inner;
        float scale = gamma[ch] / sqrtf(var[ch] + c->node->attr.epsilon);
        for (int64_t i = 0; i < inner; i++) {
            d[i] = (x[i] - mean[ch]) * scale + beta[ch];
        }
    }
    return DM_OK;
}

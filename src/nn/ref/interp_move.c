/* SPDX-License-Identifier: Apache-2.0
 *
 * Oracle: operators that move elements without looking at them. They work for every type. */
#include <string.h>

#include "nn/graph_infer.h"
#include "nn/ref/interp.h"

void nn_ref_broadcast_strides(const struct nn_shape *from, const struct nn_shape *to,
                              int64_t ret[static NN_DIMS_MAX])
{
    int64_t run = 1;
    for (int d = to->rank; d < NN_DIMS_MAX; d++) {
        ret[d] = 0;
    }
    for (int d = to->rank - 1; d >= 0; d--) {
        int k = d - (to->rank - from->rank);
        ret[d] = k < 0 || from->dim[k] == 1 ? 0 : run;
        run *= k < 0 ? 1 : from->dim[k];
    }
}

void nn_ref_step(const struct nn_shape *s, int64_t index[static NN_DIMS_MAX], int n,
                 const int64_t (*stride)[NN_DIMS_MAX], int64_t *offset)
{
    for (int d = s->rank - 1; d >= 0; d--) {
        for (int i = 0; i < n; i++) {
            offset[i] += stride[i][d];
        }
        if (++index[d] < s->dim[d]) {
            return;
        }
        for (int i = 0; i < n; i++) {
            offset[i] -= stride[i][d] * index[d];
        }
        index[d] = 0;
    }
}

/* dst[i] = src[i * stride], i < n, elements of size bytes. */
static void copy_row(void *dst, const void *src, int64_t stride, int64_t n, size_t size)
{
    if (size == 8) {
        for (int64_t i = 0; i < n; i++) {
            ((uint64_t *)dst)[i] = ((const uint64_t *)src)[i * stride];
        }
    } else if (size == 4) {
        for (int64_t i = 0; i < n; i++) {
            ((uint32_t *)dst)[i] = ((const uint32_t *)src)[i * stride];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            ((uint8_t *)dst)[i] = ((const uint8_t *)src)[i * stride];
        }
    }
}

/* dst, dense of shape s, from elements of src at the given strides. */
static void gather_strided(void *dst, const struct nn_shape *s, const void *src, int64_t start,
                           const int64_t (*stride)[NN_DIMS_MAX], size_t size)
{
    int64_t index[NN_DIMS_MAX] = {0};
    int64_t count = nn_shape_count(s);
    struct nn_shape outer = *s;
    outer.rank = DM_MAX(s->rank - 1, 0);
    int64_t n = s->rank > 0 ? s->dim[outer.rank] : 1;
    int64_t step = s->rank > 0 ? stride[0][outer.rank] : 0;
    for (int64_t i = 0; i < count; i += n) {
        copy_row((char *)dst + (size_t)i * size, (const char *)src + start * (int64_t)size, step, n,
                 size);
        nn_ref_step(&outer, index, 1, stride, &start);
    }
}

static void dense_strides(const struct nn_shape *s, int64_t ret[static NN_DIMS_MAX])
{
    int64_t run = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        ret[d] = run;
        run *= s->dim[d];
    }
}

static size_t elem(const struct nn_ref_call *c)
{
    return nn_dtype_size(c->out[0]->dtype);
}

int nn_ref_copy(const struct nn_ref_call *c)
{
    memcpy(c->dst[0], c->src[0], (size_t)nn_shape_count(&c->out[0]->shape) * elem(c));
    return DM_OK;
}

int nn_ref_shape(const struct nn_ref_call *c)
{
    int64_t *d = c->dst[0];
    for (int i = c->node->attr.start; i < c->node->attr.end; i++) {
        *d++ = c->in[0]->shape.dim[i];
    }
    return DM_OK;
}

int nn_ref_constant_of_shape(const struct nn_ref_call *c)
{
    static const float zero = 0;
    copy_row(c->dst[0], c->src[1] ? c->src[1] : &zero, 0, nn_shape_count(&c->out[0]->shape),
             elem(c));
    return DM_OK;
}

/* Elements before and after dimension axis. */
static void around(const struct nn_shape *s, int axis, int64_t *outer, int64_t *inner)
{
    *outer = *inner = 1;
    for (int d = 0; d < s->rank; d++) {
        *(d < axis ? outer : inner) *= d == axis ? 1 : s->dim[d];
    }
}

int nn_ref_concat(const struct nn_ref_call *c)
{
    int axis = c->node->attr.axis;
    int64_t outer, inner;
    char *d = c->dst[0];
    around(&c->out[0]->shape, axis, &outer, &inner);
    for (int64_t o = 0; o < outer; o++) {
        for (int i = 0; i < c->node->n_in; i++) {
            size_t n = (size_t)(c->in[i]->shape.dim[axis] * inner) * elem(c);
            memcpy(d, (const char *)c->src[i] + (size_t)o * n, n);
            d += n;
        }
    }
    return DM_OK;
}

int nn_ref_split(const struct nn_ref_call *c)
{
    int axis = c->node->attr.axis;
    int64_t outer, inner;
    const char *s = c->src[0];
    around(&c->in[0]->shape, axis, &outer, &inner);
    for (int64_t o = 0; o < outer; o++) {
        for (int i = 0; i < c->node->n_out; i++) {
            size_t n = (size_t)(c->out[i]->shape.dim[axis] * inner) * elem(c);
            memcpy((char *)c->dst[i] + (size_t)o * n, s, n);
            s += n;
        }
    }
    return DM_OK;
}

int nn_ref_slice(const struct nn_ref_call *c)
{
    struct nn_slice s;
    int64_t stride[1][NN_DIMS_MAX], start = 0;
    const struct nn_value *in[5] = {c->in[0], c->in[1], c->in[2], c->in[3], c->in[4]};
    bool known = nn_slice_resolve(in, &s);
    DM_BUG_UNLESS(known);
    dense_strides(&c->in[0]->shape, stride[0]);
    for (int d = 0; d < s.shape.rank; d++) {
        start += s.start[d] * stride[0][d];
        stride[0][d] *= s.step[d];
    }
    gather_strided(c->dst[0], &s.shape, c->src[0], start, (const int64_t(*)[NN_DIMS_MAX])stride,
                   elem(c));
    return DM_OK;
}

int nn_ref_gather(const struct nn_ref_call *c)
{
    int axis = c->node->attr.axis;
    int64_t outer, inner;
    int64_t size = c->in[0]->shape.dim[axis], n = nn_shape_count(&c->in[1]->shape);
    around(&c->in[0]->shape, axis, &outer, &inner);
    size_t chunk = (size_t)inner * elem(c);
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < n; i++) {
            int64_t at = nn_const_int(c->in[1], i);
            at += at < 0 ? size : 0;
            memcpy((char *)c->dst[0] + (size_t)(o * n + i) * chunk,
                   (const char *)c->src[0] + (size_t)(o * size + at) * chunk, chunk);
        }
    }
    return DM_OK;
}

int nn_ref_transpose(const struct nn_ref_call *c)
{
    int64_t dense[NN_DIMS_MAX], stride[1][NN_DIMS_MAX];
    dense_strides(&c->in[0]->shape, dense);
    for (int d = 0; d < c->node->attr.n_perm; d++) {
        stride[0][d] = dense[c->node->attr.perm[d]];
    }
    gather_strided(c->dst[0], &c->out[0]->shape, c->src[0], 0,
                   (const int64_t(*)[NN_DIMS_MAX])stride, elem(c));
    return DM_OK;
}

int nn_ref_expand(const struct nn_ref_call *c)
{
    int64_t stride[1][NN_DIMS_MAX];
    nn_ref_broadcast_strides(&c->in[0]->shape, &c->out[0]->shape, stride[0]);
    gather_strided(c->dst[0], &c->out[0]->shape, c->src[0], 0,
                   (const int64_t(*)[NN_DIMS_MAX])stride, elem(c));
    return DM_OK;
}

int nn_ref_where(const struct nn_ref_call *c)
{
    const struct nn_shape *s = &c->out[0]->shape;
    int64_t stride[3][NN_DIMS_MAX], index[NN_DIMS_MAX] = {0}, at[3] = {0};
    const uint8_t *cond = c->src[0];
    int64_t n = nn_shape_count(s);
    for (int i = 0; i < 3; i++) {
        nn_ref_broadcast_strides(&c->in[i]->shape, s, stride[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        int from = cond[at[0]] ? 1 : 2;
        copy_row((char *)c->dst[0] + (size_t)i * elem(c),
                 (const char *)c->src[from] + at[from] * (int64_t)elem(c), 0, 1, elem(c));
        nn_ref_step(s, index, 3, (const int64_t(*)[NN_DIMS_MAX])stride, at);
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Shape inference of the operators that only move elements. Their index inputs must be constants by
 * now: a shape that depends on the picture is refused. */
#include "base/limits.h"
#include "nn/graph_infer.h"

static int not_constant(const struct nn_infer *c, const char *what)
{
    DM_FAIL_NODE(c, "%s must be a constant list of whole numbers", what);
}

int nn_infer_concat(struct nn_infer *c)
{
    const struct nn_value *first = nn_infer_in(c, 0);
    struct nn_shape s = first->shape;
    DM_TRY(nn_infer_axis(c, s.rank));
    int axis = c->node->attr.axis;
    for (int i = 1; i < c->node->n_in; i++) {
        const struct nn_value *v = nn_infer_in(c, i);
        bool fits = v->dtype == first->dtype && v->shape.rank == s.rank;
        for (int d = 0; fits && d < s.rank; d++) {
            fits = d == axis || v->shape.dim[d] == s.dim[d];
        }
        if (!fits) {
            DM_FAIL_NODE(c, "%s does not fit %s", nn_shape_text(&v->shape).s, nn_shape_text(&s).s);
        }
        s.dim[axis] += v->shape.dim[axis]; /* 16 x 2^31 fits */
    }
    return nn_infer_set(c, 0, first->dtype, &s);
}

/* Sizes come from input 1, from the attribute (below operator set 13), or are equal, the last one
 * smaller when it does not divide (operator set 18). Afterwards attr.split has them. */
int nn_infer_split(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *sizes = nn_infer_in(c, 1);
    struct nn_attrs *a = &c->node->attr;
    int n = c->node->n_out;
    DM_TRY(nn_infer_axis(c, x->shape.rank));
    int64_t total = x->shape.dim[a->axis], sum = 0;
    int64_t each = (total + n - 1) / n;
    int64_t *split = dm_arena_calloc(c->arena, (size_t)n, sizeof(*split));
    if (!split) {
        DM_FAIL(c->e, DM_ENOMEM, "no memory for a split");
    }
    if (sizes && !nn_is_int_list(sizes)) {
        return not_constant(c, "split");
    }
    int64_t given = sizes ? nn_shape_count(&sizes->shape) : a->split ? a->n_split : n;
    if (given != n) {
        DM_FAIL_NODE(c, "%lld sizes for %d outputs", (long long)given, n);
    }
    for (int i = 0; i < n; i++) {
        split[i] = sizes      ? nn_const_int(sizes, i)
                   : a->split ? DM_CLAMP(a->split[i], -1, total + 1)
                              : DM_MIN(each, total - sum);
        if (split[i] < 0) {
            DM_FAIL_NODE(c, "a negative size");
        }
        sum += split[i];
        struct nn_shape s = x->shape;
        s.dim[a->axis] = split[i];
        DM_TRY(nn_infer_set(c, i, x->dtype, &s));
    }
    if (sum != total) {
        DM_FAIL_NODE(c, "the parts add up to %lld of %lld", (long long)sum, (long long)total);
    }
    a->split = split;
    a->n_split = n;
    return DM_OK;
}

/* NumPy's start:end:step over size elements. Returns how many; *start becomes the first. */
static int64_t slice_dimension(int64_t size, int64_t *start, int64_t end, int64_t step)
{
    *start += *start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    if (step > 0) {
        *start = DM_CLAMP(*start, 0, size);
        end = DM_CLAMP(end, 0, size);
        return end > *start ? (end - *start + step - 1) / step : 0;
    }
    *start = DM_CLAMP(*start, -1, size - 1);
    end = DM_CLAMP(end, -1, size - 1);
    return *start > end ? (*start - end - step - 1) / -step : 0;
}

bool nn_slice_resolve(const struct nn_value *const in[5], struct nn_slice *ret)
{
    struct nn_slice s = {.shape = in[0]->shape};
    int rank = s.shape.rank;
    for (int d = 0; d < rank; d++) {
        s.step[d] = 1;
    }
    int64_t n = nn_shape_count(&in[1]->shape);
    unsigned mask = 0;
    for (int i = 2; i < 5; i++) {
        if (in[i] && nn_shape_count(&in[i]->shape) != n) {
            return false;
        }
    }
    if (n > rank || !nn_axes_mask(in[3], rank, &mask)) {
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t axis = in[3] ? nn_const_int(in[3], i) : i;
        int64_t start = nn_const_int(in[1], i);
        axis += axis < 0 ? rank : 0;
        s.step[axis] = in[4] ? nn_const_int(in[4], i) : 1;
        if (s.step[axis] == 0) {
            return false;
        }
        s.shape.dim[axis] =
            slice_dimension(s.shape.dim[axis], &start, nn_const_int(in[2], i), s.step[axis]);
        s.start[axis] = start;
    }
    *ret = s;
    return true;
}

int nn_infer_slice(struct nn_infer *c)
{
    const struct nn_value *in[5] = {nn_infer_in(c, 0), nn_infer_in(c, 1), nn_infer_in(c, 2),
                                    nn_infer_in(c, 3), nn_infer_in(c, 4)};
    struct nn_slice s;
    for (int i = 1; i < 5; i++) {
        if ((i < 3 || in[i]) && !nn_is_int_list(in[i])) {
            return not_constant(c, "the range");
        }
    }
    if (!nn_slice_resolve(in, &s)) {
        DM_FAIL_NODE(c, "the range does not fit %s", nn_shape_text(&in[0]->shape).s);
    }
    return nn_infer_set(c, 0, in[0]->dtype, &s.shape);
}

int nn_infer_gather(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *index = nn_infer_in(c, 1);
    DM_TRY(nn_infer_axis(c, x->shape.rank));
    int axis = c->node->attr.axis;
    if (!index->data || (index->dtype != NN_I64 && index->dtype != NN_I32)) {
        return not_constant(c, "the indices");
    }
    int64_t n = nn_shape_count(&index->shape), size = x->shape.dim[axis];
    for (int64_t i = 0; i < n; i++) {
        int64_t at = nn_const_int(index, i);
        if (at < -size || at >= size) {
            DM_FAIL_NODE(c, "index %lld of %lld", (long long)at, (long long)size);
        }
    }
    struct nn_shape s = {.rank = x->shape.rank - 1 + index->shape.rank};
    if (s.rank > NN_DIMS_MAX) {
        DM_FAIL_NODE(c, "%d dimensions, the limit is %d", s.rank, NN_DIMS_MAX);
    }
    int to = 0;
    for (int d = 0; d < x->shape.rank; d++) {
        for (int k = 0; d == axis && k < index->shape.rank; k++) {
            s.dim[to++] = index->shape.dim[k];
        }
        if (d != axis) {
            s.dim[to++] = x->shape.dim[d];
        }
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

/* 0 keeps the dimension of the input (unless allowzero), one -1 takes what remains. */
int nn_infer_reshape(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *dims = nn_infer_in(c, 1);
    if (!nn_is_int_list(dims)) {
        return not_constant(c, "the shape");
    }
    int64_t n = nn_shape_count(&dims->shape);
    if (n > NN_DIMS_MAX) {
        DM_FAIL_NODE(c, "%lld dimensions, the limit is %d", (long long)n, NN_DIMS_MAX);
    }
    struct nn_shape s = {.rank = (int)n};
    int64_t total = nn_shape_count(&x->shape), known = 1;
    int open = -1;
    for (int d = 0; d < s.rank; d++) {
        s.dim[d] = nn_const_int(dims, d);
        if (s.dim[d] == 0 && !c->node->attr.allowzero) {
            s.dim[d] = d < x->shape.rank ? x->shape.dim[d] : -2;
        }
        bool fits = s.dim[d] >= 0 && (s.dim[d] == 0 || known <= LIMIT_MODEL_ELEMENTS / s.dim[d]);
        if (s.dim[d] == -1 && open < 0) {
            open = d;
        } else if (fits) {
            known *= s.dim[d];
        } else {
            DM_FAIL_NODE(c, "%s cannot become this shape", nn_shape_text(&x->shape).s);
        }
    }
    if (open >= 0) {
        s.dim[open] = known > 0 ? total / known : 0;
    }
    if (nn_shape_count(&s) != total) {
        DM_FAIL_NODE(c, "%s cannot become %s", nn_shape_text(&x->shape).s, nn_shape_text(&s).s);
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

int nn_infer_flatten(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0);
    int rank = x->shape.rank, *axis = &c->node->attr.axis;
    if (*axis < -rank || *axis > rank) {
        DM_FAIL_NODE(c, "axis %d of a tensor with %d dimensions", *axis, rank);
    }
    *axis += *axis < 0 ? rank : 0;
    struct nn_shape s = {2, {1, 1}};
    for (int d = 0; d < rank; d++) {
        s.dim[d >= *axis] *= x->shape.dim[d];
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

int nn_infer_squeeze(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *axes = nn_infer_in(c, 1);
    unsigned mask = 0;
    if (axes && !nn_is_int_list(axes)) {
        return not_constant(c, "the axes");
    }
    if (!nn_axes_mask(axes, x->shape.rank, &mask)) {
        DM_FAIL_NODE(c, "axes outside %s", nn_shape_text(&x->shape).s);
    }
    struct nn_shape s = {0};
    for (int d = 0; d < x->shape.rank; d++) {
        bool drop = axes ? mask & (1u << d) : x->shape.dim[d] == 1;
        if (drop && x->shape.dim[d] != 1) {
            DM_FAIL_NODE(c, "dimension %d of %s is not 1", d, nn_shape_text(&x->shape).s);
        }
        if (!drop) {
            s.dim[s.rank++] = x->shape.dim[d];
        }
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

int nn_infer_unsqueeze(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *axes = nn_infer_in(c, 1);
    unsigned mask;
    if (!nn_is_int_list(axes)) {
        return not_constant(c, "the axes");
    }
    int64_t rank = x->shape.rank + nn_shape_count(&axes->shape);
    if (rank > NN_DIMS_MAX || !nn_axes_mask(axes, (int)rank, &mask)) {
        DM_FAIL_NODE(c, "axes that do not fit %s", nn_shape_text(&x->shape).s);
    }
    struct nn_shape s = {.rank = (int)rank};
    for (int d = 0, from = 0; d < s.rank; d++) {
        s.dim[d] = mask & (1u << d) ? 1 : x->shape.dim[from++];
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

int nn_infer_transpose(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0);
    struct nn_attrs *a = &c->node->attr;
    struct nn_shape s = {.rank = x->shape.rank};
    if (a->n_perm == 0) { /* default: reversed */
        a->n_perm = s.rank;
        for (int d = 0; d < s.rank; d++) {
            a->perm[d] = s.rank - 1 - d;
        }
    }
    if (a->n_perm != s.rank) {
        DM_FAIL_NODE(c, "a permutation of %d dimensions for %s", a->n_perm,
                     nn_shape_text(&x->shape).s);
    }
    for (int d = 0; d < s.rank; d++) {
        s.dim[d] = x->shape.dim[a->perm[d]];
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

int nn_infer_expand(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *dims = nn_infer_in(c, 1);
    if (!nn_is_int_list(dims) || nn_shape_count(&dims->shape) > NN_DIMS_MAX) {
        return not_constant(c, "the shape");
    }
    struct nn_shape s = {.rank = (int)nn_shape_count(&dims->shape)};
    for (int d = 0; d < s.rank; d++) {
        s.dim[d] = nn_const_int(dims, d);
    }
    struct nn_shape wanted = s;
    if (!nn_broadcast(&x->shape, &wanted, &s)) {
        DM_FAIL_NODE(c, "%s does not fit %s", nn_shape_text(&x->shape).s, nn_shape_text(&wanted).s);
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

/* Whole factor of enlargement of dimension d, 0 when there is none. */
static int64_t resize_factor(const struct nn_value *x, const struct nn_value *scales,
                             const struct nn_value *sizes, int d)
{
    if (scales) {
        float f = ((const float *)scales->data)[d];
        return f >= 1 && f <= 64 && f == (float)(int)f ? (int)f : 0;
    }
    int64_t size = nn_const_int(sizes, d);
    return x->shape.dim[d] > 0 && size % x->shape.dim[d] == 0 && size / x->shape.dim[d] <= 64
               ? size / x->shape.dim[d]
               : 0;
}

/* Nearest, asymmetric, floor (the attribute table saw to it): element i is element i / factor. */
int nn_infer_resize(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *scales = nn_infer_in(c, 2),
                          *sizes = nn_infer_in(c, 3);
    if (scales && scales->data && nn_shape_count(&scales->shape) == 0) {
        scales = NULL;
    }
    bool by_scales = scales && scales->data && scales->dtype == NN_F32 && scales->shape.rank == 1 &&
                     scales->shape.dim[0] == x->shape.rank;
    bool by_sizes =
        !scales && nn_is_int_list(sizes) && nn_shape_count(&sizes->shape) == x->shape.rank;
    if (x->shape.rank != 4 || x->dtype != NN_F32 || !(by_scales || by_sizes)) {
        DM_FAIL_NODE(c, "only pictures enlarged by constant factors are supported");
    }
    struct nn_shape s = x->shape;
    for (int d = 0; d < 4; d++) {
        int64_t factor = resize_factor(x, scales, sizes, d);
        if (factor < 1 || (d < 2 && factor != 1)) {
            DM_FAIL_NODE(c, "the factor of dimension %d is not a whole number", d);
        }
        s.dim[d] *= factor;
    }
    return nn_infer_set(c, 0, NN_F32, &s);
}

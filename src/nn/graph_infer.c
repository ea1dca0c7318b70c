/* SPDX-License-Identifier: Apache-2.0
 *
 * Shape inference: the table of operators, what they share, and those that compute. Semantics are
 * those of the ONNX operator sets 11 to 22; where they differ the difference is noted. */
#include "nn/graph_infer.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>

#include "base/limits.h"

int64_t nn_shape_count(const struct nn_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        n *= s->dim[i];
    }
    return n;
}

size_t nn_dtype_size(enum nn_dtype t)
{
    static const size_t size[NN_DTYPE_MAX_] = {
        [NN_F32] = 4,  [NN_F16] = 2, [NN_I64] = 8, [NN_I32] = 4,
        [NN_BOOL] = 1, [NN_U8] = 1,  [NN_I8] = 1,  [NN_BF16] = 2,
    };
    return size[t];
}

struct nn_shape_text nn_shape_text(const struct nn_shape *s)
{
    struct nn_shape_text t;
    int n = snprintf(t.s, sizeof(t.s), "[");
    for (int i = 0; i < s->rank; i++) {
        n += snprintf(t.s + n, sizeof(t.s) - (size_t)n, "%s%lld", i ? "," : "",
                      (long long)s->dim[i]);
    }
    (void)snprintf(t.s + n, sizeof(t.s) - (size_t)n, "]");
    return t;
}

int nn_infer_fail(const struct nn_infer *c, const char *file, int line, const char *fmt, ...)
{
    char what[DM_ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return dm_err_set(c->e, DM_EMODEL, file, line, "%s %s: %s", nn_op_name(c->node->kind),
                      c->node->name, what);
}

int nn_infer_set(const struct nn_infer *c, int i, enum nn_dtype dtype, const struct nn_shape *s)
{
    int64_t n = 1;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] < 0 || s->dim[d] > LIMIT_MODEL_ELEMENTS ||
            (s->dim[d] > 0 && n > LIMIT_MODEL_ELEMENTS / s->dim[d])) {
            DM_FAIL_NODE(c, "result %s is beyond the limit", nn_shape_text(s).s);
        }
        n *= s->dim[d];
    }
    struct nn_value *v = &c->value[c->node->out[i]];
    v->dtype = dtype;
    v->shape = *s;
    return DM_OK;
}

int nn_infer_axis(const struct nn_infer *c, int rank)
{
    int *axis = &c->node->attr.axis;
    if (*axis < -rank || *axis >= rank) {
        DM_FAIL_NODE(c, "axis %d of a tensor with %d dimensions", *axis, rank);
    }
    *axis += *axis < 0 ? rank : 0;
    return DM_OK;
}

int64_t nn_const_int(const struct nn_value *v, int64_t i)
{
    const int64_t bound = (int64_t)1 << 40;
    if (v->dtype == NN_I32) {
        return ((const int32_t *)v->data)[i];
    }
    int64_t x = ((const int64_t *)v->data)[i];
    return DM_CLAMP(x, -bound, bound);
}

bool nn_is_int_list(const struct nn_value *v)
{
    return v && v->data && v->shape.rank <= 1 && (v->dtype == NN_I64 || v->dtype == NN_I32);
}

bool nn_axes_mask(const struct nn_value *axes, int rank, unsigned *ret)
{
    unsigned mask = 0;
    int64_t n = axes ? nn_shape_count(&axes->shape) : 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t a = nn_const_int(axes, i);
        a += a < 0 ? rank : 0;
        if (a < 0 || a >= rank || (mask & (1u << a))) {
            return false;
        }
        mask |= 1u << a;
    }
    *ret = mask;
    return true;
}

bool nn_broadcast(const struct nn_shape *a, const struct nn_shape *b, struct nn_shape *ret)
{
    struct nn_shape s = {.rank = DM_MAX(a->rank, b->rank)};
    for (int i = 0; i < s.rank; i++) {
        int from_a = i - (s.rank - a->rank);
        int from_b = i - (s.rank - b->rank);
        int64_t da = from_a < 0 ? 1 : a->dim[from_a];
        int64_t db = from_b < 0 ? 1 : b->dim[from_b];
        if (da != db && da != 1 && db != 1) {
            return false;
        }
        s.dim[i] = da == 1 ? db : da;
    }
    *ret = s;
    return true;
}

/* ---- elementwise ---- */

static int infer_same(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0);
    return nn_infer_set(c, 0, x->dtype, &x->shape);
}

static int infer_float(struct nn_infer *c)
{
    if (nn_infer_in(c, 0)->dtype != NN_F32) {
        DM_FAIL_NODE(c, "only floating-point tensors are supported");
    }
    return infer_same(c);
}

static int infer_binary(struct nn_infer *c)
{
    const struct nn_value *a = nn_infer_in(c, 0), *b = nn_infer_in(c, 1);
    struct nn_shape s;
    if (a->dtype != b->dtype || (a->dtype == NN_BOOL && c->node->kind != NN_OP_EQUAL)) {
        DM_FAIL_NODE(c, "the element types do not fit");
    }
    if (!nn_broadcast(&a->shape, &b->shape, &s)) {
        DM_FAIL_NODE(c, "shapes %s and %s do not fit", nn_shape_text(&a->shape).s,
                     nn_shape_text(&b->shape).s);
    }
    return nn_infer_set(c, 0, c->node->kind == NN_OP_EQUAL ? NN_BOOL : a->dtype, &s);
}

static int infer_where(struct nn_infer *c)
{
    const struct nn_value *cond = nn_infer_in(c, 0), *a = nn_infer_in(c, 1), *b = nn_infer_in(c, 2);
    struct nn_shape s;
    if (cond->dtype != NN_BOOL || a->dtype != b->dtype) {
        DM_FAIL_NODE(c, "the element types do not fit");
    }
    if (!nn_broadcast(&a->shape, &b->shape, &s) || !nn_broadcast(&s, &cond->shape, &s)) {
        DM_FAIL_NODE(c, "shapes %s, %s and %s do not fit", nn_shape_text(&cond->shape).s,
                     nn_shape_text(&a->shape).s, nn_shape_text(&b->shape).s);
    }
    return nn_infer_set(c, 0, a->dtype, &s);
}

static int infer_cast(struct nn_infer *c)
{
    return nn_infer_set(c, 0, (enum nn_dtype)c->node->attr.to, &nn_infer_in(c, 0)->shape);
}

/* Below operator set 13 the trailing dimensions were normalised together. */
static int infer_softmax(struct nn_infer *c)
{
    const struct nn_shape *s = &nn_infer_in(c, 0)->shape;
    DM_TRY(nn_infer_axis(c, s->rank));
    for (int d = c->node->attr.axis + 1; d < s->rank && c->opset < 13; d++) {
        if (s->dim[d] != 1) {
            DM_FAIL_NODE(c,
                         "over several dimensions at once (operator set %d) is not supported: "
                         "export with opset=13 or above",
                         c->opset);
        }
    }
    return infer_float(c);
}

static int infer_reduce_max(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *axes = nn_infer_in(c, 1);
    unsigned mask = 0;
    if ((axes && !nn_is_int_list(axes)) || !nn_axes_mask(axes, x->shape.rank, &mask)) {
        DM_FAIL_NODE(c, "the axes are not acceptable");
    }
    mask = mask ? mask : ~0u;
    struct nn_shape s = {0};
    for (int d = 0; d < x->shape.rank; d++) {
        bool reduced = mask & (1u << d);
        if (reduced && x->shape.dim[d] == 0) {
            DM_FAIL_NODE(c, "the maximum of nothing");
        }
        if (!reduced || c->node->attr.keepdims) {
            s.dim[s.rank++] = reduced ? 1 : x->shape.dim[d];
        }
    }
    if (x->dtype == NN_BOOL) {
        DM_FAIL_NODE(c, "of truth values is not supported");
    }
    return nn_infer_set(c, 0, x->dtype, &s);
}

static int infer_matmul(struct nn_infer *c)
{
    const struct nn_value *a = nn_infer_in(c, 0), *b = nn_infer_in(c, 1);
    int ra = a->shape.rank, rb = b->shape.rank;
    if (ra < 2 || rb < 2 || a->dtype != NN_F32 || b->dtype != NN_F32 ||
        a->shape.dim[ra - 1] != b->shape.dim[rb - 2]) {
        DM_FAIL_NODE(c, "matrices %s and %s do not fit", nn_shape_text(&a->shape).s,
                     nn_shape_text(&b->shape).s);
    }
    struct nn_shape batch_a = a->shape, batch_b = b->shape, s;
    batch_a.rank -= 2;
    batch_b.rank -= 2;
    if (!nn_broadcast(&batch_a, &batch_b, &s)) {
        DM_FAIL_NODE(c, "stacks %s and %s do not fit", nn_shape_text(&a->shape).s,
                     nn_shape_text(&b->shape).s);
    }
    s.dim[s.rank++] = a->shape.dim[ra - 2];
    s.dim[s.rank++] = b->shape.dim[rb - 1];
    return nn_infer_set(c, 0, NN_F32, &s);
}

/* ---- shapes as data ---- */

static int infer_shape(struct nn_infer *c)
{
    struct nn_attrs *a = &c->node->attr;
    int rank = nn_infer_in(c, 0)->shape.rank;
    a->start = DM_CLAMP(a->start < 0 ? a->start + rank : a->start, 0, rank);
    a->end = DM_CLAMP(a->end < 0 ? a->end + rank : a->end, a->start, rank);
    return nn_infer_set(c, 0, NN_I64, &(struct nn_shape){1, {a->end - a->start}});
}

static int infer_constant_of_shape(struct nn_infer *c)
{
    const struct nn_value *dims = nn_infer_in(c, 0), *value = nn_infer_in(c, 1);
    struct nn_shape s = {0};
    if (!nn_is_int_list(dims) || nn_shape_count(&dims->shape) > NN_DIMS_MAX) {
        DM_FAIL_NODE(c, "the shape is not a short constant list");
    }
    if (value && (!value->data || nn_shape_count(&value->shape) != 1)) {
        DM_FAIL_NODE(c, "the value is not one constant");
    }
    s.rank = (int)nn_shape_count(&dims->shape);
    for (int d = 0; d < s.rank; d++) {
        s.dim[d] = nn_const_int(dims, d);
    }
    return nn_infer_set(c, 0, value ? value->dtype : NN_F32, &s);
}

static double scalar_of(const struct nn_value *v)
{
    return v->dtype == NN_F32 ? (double)*(const float *)v->data : (double)nn_const_int(v, 0);
}

/* Number of elements: ceil((limit - start) / delta). */
static int infer_range(struct nn_infer *c)
{
    double x[3];
    for (int i = 0; i < 3; i++) {
        const struct nn_value *v = nn_infer_in(c, i);
        if (!v->data || nn_shape_count(&v->shape) != 1 || v->dtype == NN_BOOL ||
            v->dtype != nn_infer_in(c, 0)->dtype) {
            DM_FAIL_NODE(c, "start, limit and step are not three constants of one type");
        }
        x[i] = scalar_of(v);
    }
    double n = ceil((x[1] - x[0]) / x[2]);
    if (!(n < (double)LIMIT_MODEL_ELEMENTS)) {
        DM_FAIL_NODE(c, "from %g to %g in steps of %g does not end", x[0], x[1], x[2]);
    }
    return nn_infer_set(c, 0, nn_infer_in(c, 0)->dtype,
                        &(struct nn_shape){1, {n > 0 ? (int64_t)n : 0}});
}

/* ---- windows over pictures ---- */

/* Window attributes are in the range that keeps later sums small and divisions defined. */
static int check_window(const struct nn_infer *c)
{
    const struct nn_attrs *a = &c->node->attr;
    for (int i = 0; i < 2; i++) {
        if (a->kernel[i] < 1 || a->kernel[i] > 64 || a->stride[i] < 1 || a->stride[i] > 64 ||
            a->dilation[i] < 1 || a->dilation[i] > 64 || a->pad[i] < 0 || a->pad[i] > 64 ||
            a->pad[i + 2] < 0 || a->pad[i + 2] > 64) {
            DM_FAIL_NODE(c, "kernel, stride, dilation and padding must lie within 0 to 64");
        }
    }
    return DM_OK;
}

/* A window slid over a picture: floor((in + pads - extent) / stride) + 1 places a dimension. */
static int slide(const struct nn_infer *c, const struct nn_shape *x, int64_t channels,
                 struct nn_shape *ret)
{
    const struct nn_attrs *a = &c->node->attr;
    struct nn_shape s = {4, {x->dim[0], channels}};
    for (int i = 0; i < 2; i++) {
        int64_t room = x->dim[2 + i] + a->pad[i] + a->pad[i + 2] -
                       ((int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1);
        if (room < 0) {
            DM_FAIL_NODE(c, "the window is larger than the picture %s", nn_shape_text(x).s);
        }
        s.dim[2 + i] = room / a->stride[i] + 1;
    }
    *ret = s;
    return DM_OK;
}

/* Weights and bias of a (transposed) convolution: constants that agree with the attributes.
 * out_c: channels of the result. */
static int check_weights(const struct nn_infer *c, int64_t in_c, int64_t out_c)
{
    struct nn_attrs *a = &c->node->attr;
    const struct nn_value *w = nn_infer_in(c, 1), *bias = nn_infer_in(c, 2);
    for (int i = 0; i < 2; i++) {
        if (a->kernel[i] == 0) { /* optional attribute */
            a->kernel[i] = (int)DM_MIN(w->shape.dim[2 + i], 65);
        }
        if (a->kernel[i] != w->shape.dim[2 + i]) {
            DM_FAIL_NODE(c, "weights %s do not have the kernel size", nn_shape_text(&w->shape).s);
        }
    }
    if (in_c % a->group != 0 || out_c % a->group != 0 || in_c < 1 || out_c < 1) {
        DM_FAIL_NODE(c, "%lld to %lld channels do not divide into %d groups", (long long)in_c,
                     (long long)out_c, a->group);
    }
    if (bias && (!bias->data || bias->dtype != NN_F32 || bias->shape.rank != 1 ||
                 bias->shape.dim[0] != out_c)) {
        DM_FAIL_NODE(c, "the bias does not fit %lld channels", (long long)out_c);
    }
    return check_window(c);
}

static int check_conv_inputs(const struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *w = nn_infer_in(c, 1);
    if (x->shape.rank != 4 || w->shape.rank != 4 || x->dtype != NN_F32 || w->dtype != NN_F32) {
        DM_FAIL_NODE(c, "picture %s, weights %s: only pictures are supported",
                     nn_shape_text(&x->shape).s, nn_shape_text(&w->shape).s);
    }
    if (!w->data) {
        DM_FAIL_NODE(c, "the weights are not constant");
    }
    if (c->node->attr.group < 1) {
        DM_FAIL_NODE(c, "has %d groups", c->node->attr.group);
    }
    return DM_OK;
}

static int infer_conv(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *w = nn_infer_in(c, 1);
    struct nn_shape s;
    DM_TRY(check_conv_inputs(c));
    if (w->shape.dim[1] > x->shape.dim[1] ||
        w->shape.dim[1] * c->node->attr.group != x->shape.dim[1]) {
        DM_FAIL_NODE(c, "weights %s in %d groups do not fit %lld channels",
                     nn_shape_text(&w->shape).s, c->node->attr.group, (long long)x->shape.dim[1]);
    }
    DM_TRY(check_weights(c, x->shape.dim[1], w->shape.dim[0]));
    DM_TRY(slide(c, &x->shape, w->shape.dim[0], &s));
    return nn_infer_set(c, 0, NN_F32, &s);
}

static int infer_conv_transpose(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0), *w = nn_infer_in(c, 1);
    const struct nn_attrs *a = &c->node->attr;
    DM_TRY(check_conv_inputs(c));
    if (w->shape.dim[0] != x->shape.dim[1] || w->shape.dim[1] > LIMIT_MODEL_ELEMENTS) {
        DM_FAIL_NODE(c, "weights %s do not fit %lld channels", nn_shape_text(&w->shape).s,
                     (long long)x->shape.dim[1]);
    }
    int64_t out_c = w->shape.dim[1] * a->group;
    DM_TRY(check_weights(c, x->shape.dim[1], out_c));
    struct nn_shape s = {4, {x->shape.dim[0], out_c}};
    for (int i = 0; i < 2; i++) {
        s.dim[2 + i] = a->stride[i] * (x->shape.dim[2 + i] - 1) +
                       (int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1 - a->pad[i] - a->pad[i + 2];
        if (s.dim[2 + i] < 1) {
            DM_FAIL_NODE(c, "the padding leaves nothing");
        }
    }
    return nn_infer_set(c, 0, NN_F32, &s);
}

static int infer_max_pool(struct nn_infer *c)
{
    const struct nn_value *x = nn_infer_in(c, 0);
    const struct nn_attrs *a = &c->node->attr;
    struct nn_shape s;
    if (x->shape.rank != 4 || x->dtype != NN_F32) {
        DM_FAIL_NODE(c, "only pictures are supported");
    }
    DM_TRY(check_window(c));
    for (int i = 0; i < 2; i++) { /* else a window could lie in the padding alone */
        if (a->pad[i] >= a->kernel[i] || a->pad[i + 2] >= a->kernel[i]) {
            DM_FAIL_NODE(c, "the padding is as wide as the window");
        }
    }
    DM_TRY(slide(c, &x->shape, x->shape.dim[1], &s));
    return nn_infer_set(c, 0, NN_F32, &s);
}

static int infer_batch_norm(struct nn_infer *c)
{
    const struct nn_shape *x = &nn_infer_in(c, 0)->shape;
    for (int i = 1; i < 5; i++) {
        const struct nn_value *v = nn_infer_in(c, i);
        if (x->rank < 2 || !v->data || v->dtype != NN_F32 || v->shape.rank != 1 ||
            v->shape.dim[0] != x->dim[1]) {
            DM_FAIL_NODE(c, "parameters do not fit a tensor %s", nn_shape_text(x).s);
        }
    }
    return infer_float(c);
}

/* ---- the table ---- */

static const struct {
    int (*infer)(struct nn_infer *c);
    int min_in, max_in;
} table[NN_OP_MAX_] = {
    [NN_OP_ADD] = {infer_binary, 2, 2},
    [NN_OP_BATCH_NORM] = {infer_batch_norm, 5, 5},
    [NN_OP_CAST] = {infer_cast, 1, 1},
    [NN_OP_CONCAT] = {nn_infer_concat, 1, NN_NODE_INPUTS_MAX},
    [NN_OP_CONSTANT_OF_SHAPE] = {infer_constant_of_shape, 1, 2},
    [NN_OP_CONV] = {infer_conv, 2, 3},
    [NN_OP_CONV_TRANSPOSE] = {infer_conv_transpose, 2, 3},
    [NN_OP_DIV] = {infer_binary, 2, 2},
    [NN_OP_EQUAL] = {infer_binary, 2, 2},
    [NN_OP_EXPAND] = {nn_infer_expand, 2, 2},
    [NN_OP_FLATTEN] = {nn_infer_flatten, 1, 1},
    [NN_OP_FLOOR] = {infer_float, 1, 1},
    [NN_OP_GATHER] = {nn_infer_gather, 2, 2},
    [NN_OP_IDENTITY] = {infer_same, 1, 1},
    [NN_OP_MATMUL] = {infer_matmul, 2, 2},
    [NN_OP_MAX_POOL] = {infer_max_pool, 1, 1},
    [NN_OP_MUL] = {infer_binary, 2, 2},
    [NN_OP_RANGE] = {infer_range, 3, 3},
    [NN_OP_REDUCE_MAX] = {infer_reduce_max, 1, 2},
    [NN_OP_RESHAPE] = {nn_infer_reshape, 2, 2},
    [NN_OP_RESIZE] = {nn_infer_resize, 3, 4},
    [NN_OP_SHAPE] = {infer_shape, 1, 1},
    [NN_OP_SIGMOID] = {infer_float, 1, 1},
    [NN_OP_SLICE] = {nn_infer_slice, 3, 5},
    [NN_OP_SOFTMAX] = {infer_softmax, 1, 1},
    [NN_OP_SPLIT] = {nn_infer_split, 1, 2},
    [NN_OP_SQUEEZE] = {nn_infer_squeeze, 1, 2},
    [NN_OP_SUB] = {infer_binary, 2, 2},
    [NN_OP_TRANSPOSE] = {nn_infer_transpose, 1, 1},
    [NN_OP_UNSQUEEZE] = {nn_infer_unsqueeze, 2, 2},
    [NN_OP_WHERE] = {infer_where, 3, 3},
};

/* Inputs that may be omitted although a later one is given: Resize's roi and scales, Slice's axes.
 */
static bool may_omit(enum nn_op_kind kind, int input)
{
    return (kind == NN_OP_RESIZE && (input == 1 || input == 2)) ||
           (kind == NN_OP_SLICE && input == 3);
}

int nn_infer_node(struct nn_infer *c)
{
    const struct nn_node *n = c->node;
    if (!table[n->kind].infer || n->n_in < table[n->kind].min_in ||
        n->n_in > table[n->kind].max_in) {
        DM_FAIL_NODE(c, "has %d inputs", n->n_in);
    }
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] < 0 && !may_omit(n->kind, i)) {
            DM_FAIL_NODE(c, "input %d is missing", i);
        }
    }
    if (n->n_out != 1 && n->kind != NN_OP_SPLIT) {
        DM_FAIL_NODE(c, "has %d outputs: only one is supported", n->n_out);
    }
    return table[n->kind].infer(c);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Simplification of a graph, node by node in topological order. An un-slimmed dynamic export has
 * 600 nodes, half of which only compute the shapes and anchors of the input size at hand: with that
 * size known they are constants. What is evaluated is evaluated by the oracle's own kernels. */
#include "nn/graph_fold.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "nn/graph_infer.h"
#include "nn/ref/interp.h"

static const struct nn_value *value_of(const struct nn_fold *f, int v)
{
    return &f->g->value[v];
}

/* Node kept so far that produces a value read only once, -1 when there is none of that kind. */
static int sole_producer(const struct nn_fold *f, int v, enum nn_op_kind kind)
{
    int p = value_of(f, v)->producer;
    return p >= 0 && f->uses[v] == 1 && f->g->node[p].kind == kind ? p : -1;
}

static void alias(struct nn_fold *f, int from, int to)
{
    f->alias[from] = to;
    f->uses[to] += f->uses[from] - 1;
}

/* ---- constants ---- */

/* Operators whose cost grows faster than what they read and write are never folded. */
static bool may_fold(const struct nn_fold *f, const struct nn_node *n)
{
    switch ((int)n->kind) {
    case NN_OP_SHAPE:
        return true;
    case NN_OP_BATCH_NORM:
    case NN_OP_CONV:
    case NN_OP_CONV_TRANSPOSE:
    case NN_OP_MATMUL:
    case NN_OP_MAX_POOL:
    case NN_OP_RESIZE:
        return false;
    default:
        break;
    }
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] >= 0 && !value_of(f, n->in[i])->data) {
            return false;
        }
    }
    return true;
}

/* No overflow: shape inference bounds every tensor. */
static size_t bytes_of(const struct nn_value *v)
{
    return (size_t)nn_shape_count(&v->shape) * nn_dtype_size(v->dtype);
}

static int charge(struct nn_fold *f, const struct nn_value *v)
{
    f->cost += nn_shape_count(&v->shape);
    if (f->cost > LIMIT_MODEL_FOLD) {
        DM_FAIL(f->e, DM_ELIMIT, "constant folding moves more than %d numbers", LIMIT_MODEL_FOLD);
    }
    return DM_OK;
}

static int new_data(struct nn_fold *f, struct nn_value *v, void **ret)
{
    void *p = dm_arena_alloc(&f->g->arena, bytes_of(v) + 1);
    if (!p) {
        DM_FAIL(f->e, DM_ENOMEM, "no memory for a folded constant");
    }
    *ret = p;
    return DM_OK;
}

static int evaluate(struct nn_fold *f, const struct nn_node *n)
{
    struct nn_ref_call call = {.node = n, .e = f->e};
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] >= 0) {
            call.in[i] = value_of(f, n->in[i]);
            call.src[i] = call.in[i]->data;
            if (n->kind != NN_OP_SHAPE) {
                DM_TRY(charge(f, call.in[i]));
            }
        }
    }
    for (int i = 0; i < n->n_out; i++) {
        struct nn_value *v = &f->g->value[n->out[i]];
        DM_TRY(charge(f, v));
        DM_TRY(new_data(f, v, &call.dst[i]));
        call.out[i] = v;
    }
    DM_TRY(nn_ref_run(&call));
    for (int i = 0; i < n->n_out; i++) {
        f->g->value[n->out[i]].data = call.dst[i];
    }
    return DM_OK;
}

/* ---- nodes without effect ---- */

static bool same_shape(const struct nn_shape *a, const struct nn_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof(a->dim[0])) == 0;
}

static bool is_identity_perm(const struct nn_attrs *a)
{
    bool same = true;
    for (int i = 0; i < a->n_perm; i++) {
        same = same && a->perm[i] == i;
    }
    return same;
}

/* The first output equals the first input, element for element. */
static bool has_no_effect(const struct nn_fold *f, const struct nn_node *n)
{
    const struct nn_value *from = value_of(f, n->in[0]), *to = value_of(f, n->out[0]);
    switch ((int)n->kind) {
    case NN_OP_IDENTITY:
        return true;
    case NN_OP_CAST:
        return from->dtype == to->dtype;
    case NN_OP_EXPAND:
    case NN_OP_FLATTEN:
    case NN_OP_RESHAPE:
    case NN_OP_SQUEEZE:
    case NN_OP_UNSQUEEZE:
        return same_shape(&from->shape, &to->shape);
    case NN_OP_TRANSPOSE:
        return is_identity_perm(&n->attr);
    case NN_OP_CONCAT:
        return n->n_in == 1;
    case NN_OP_SPLIT:
        return n->n_out == 1;
    default:
        return false;
    }
}

/* ---- BatchNormalization into the convolution before it ---- */

static int new_value(struct nn_fold *f, const char *name, struct nn_shape shape, float **ret_data)
{
    DM_BUG_UNLESS(f->g->n_value < f->cap_value);
    int index = f->g->n_value++;
    struct nn_value *v = &f->g->value[index];
    void *data = NULL;
    *v = (struct nn_value){.name = name, .dtype = NN_F32, .shape = shape, .producer = -1};
    DM_TRY(new_data(f, v, &data));
    f->alias[index] = index;
    v->data = data;
    *ret_data = data;
    return index;
}

/* w' = w * scale, b' = beta + (b - mean) * scale with scale = gamma / sqrt(var + eps), worked out
 * in double and rounded once. */
static int fold_batch_norm(struct nn_fold *f, const struct nn_node *bn, struct nn_node *conv)
{
    const struct nn_value *p[5] = {NULL};
    for (int i = 1; i < 5; i++) {
        p[i] = value_of(f, bn->in[i]);
    }
    const float *gamma = p[1]->data, *beta = p[2]->data, *mean = p[3]->data, *var = p[4]->data;
    const struct nn_value w = *value_of(f, conv->in[1]);
    const float *old_w = w.data;
    const float *old_b = conv->n_in > 2 && conv->in[2] >= 0 ? value_of(f, conv->in[2])->data : NULL;
    float *new_w = NULL, *new_b = NULL;
    int64_t n_out = p[1]->shape.dim[0];
    int iw = new_value(f, w.name, w.shape, &new_w);
    DM_TRY(iw);
    int ib = new_value(f, p[2]->name, (struct nn_shape){1, {n_out}}, &new_b);
    DM_TRY(ib);
    bool transposed = conv->kind == NN_OP_CONV_TRANSPOSE; /* [Cin][Cout][kh][kw], group 1 */
    int64_t outer = transposed ? w.shape.dim[0] : 1;
    int64_t inner = nn_shape_count(&w.shape) / outer / n_out;
    for (int64_t o = 0; o < n_out; o++) {
        double scale = (double)gamma[o] / sqrt((double)var[o] + (double)bn->attr.epsilon);
        for (int64_t i = 0; i < outer; i++) {
            for (int64_t k = 0; k < inner; k++) {
                int64_t at = (i * n_out + o) * inner + k;
                new_w[at] = (float)((double)old_w[at] * scale);
            }
        }
        double bias = old_b ? (double)old_b[o] : 0;
        new_b[o] = (float)((double)beta[o] + (bias - (double)mean[o]) * scale);
    }
    conv->in[1] = iw;
    conv->in[2] = ib;
    conv->n_in = 3;
    return DM_OK;
}

static struct nn_node *convolution_before(const struct nn_fold *f, const struct nn_node *bn)
{
    int p = sole_producer(f, bn->in[0], NN_OP_CONV);
    if (p < 0) {
        p = sole_producer(f, bn->in[0], NN_OP_CONV_TRANSPOSE);
        p = p >= 0 && f->g->node[p].attr.group == 1 ? p : -1;
    }
    return p < 0 ? NULL : &f->g->node[p];
}

/* ---- Transpose, Softmax, Transpose ---- */

/* Operator sets below 13 could only normalise the last dimension, so exporters turn the tensor
 * there and back. Turning it there for good and normalising in place is the same, and is what newer
 * files say. True when the last Transpose has become an alias. */
static bool merge_transposes(struct nn_fold *f, const struct nn_node *back)
{
    int s = sole_producer(f, back->in[0], NN_OP_SOFTMAX);
    int t = s < 0 ? -1 : sole_producer(f, f->g->node[s].in[0], NN_OP_TRANSPOSE);
    if (t < 0) {
        return false;
    }
    struct nn_node *there = &f->g->node[t], *softmax = &f->g->node[s];
    struct nn_attrs merged = there->attr;
    int axis = 0;
    for (int i = 0; i < back->attr.n_perm; i++) {
        merged.perm[i] = there->attr.perm[back->attr.perm[i]];
        axis = back->attr.perm[i] == softmax->attr.axis ? i : axis;
    }
    there->attr = merged;
    softmax->attr.axis = axis;
    f->g->value[there->out[0]].shape = value_of(f, back->out[0])->shape;
    f->g->value[softmax->out[0]].shape = value_of(f, back->out[0])->shape;
    alias(f, back->out[0], softmax->out[0]);
    return true;
}

/* ---- all of it ---- */

static int keep(struct nn_fold *f, const struct nn_node *n)
{
    for (int i = 0; i < n->n_out; i++) {
        struct nn_value *v = &f->g->value[n->out[i]];
        if (v->dtype != NN_F32 || nn_shape_count(&v->shape) == 0) {
            DM_FAIL(f->e, DM_EMODEL,
                    "%s %s computes %s from the picture: not a YOLO11 or YOLOv8 export",
                    nn_op_name(n->kind), n->name,
                    v->dtype == NN_F32 ? "an empty tensor" : "something else than floats");
        }
        v->producer = f->g->n_node;
    }
    f->g->node[f->g->n_node++] = *n;
    return DM_OK;
}

int nn_fold_node(struct nn_fold *f, struct nn_node *n)
{
    if (may_fold(f, n)) {
        return evaluate(f, n);
    }
    if (has_no_effect(f, n)) {
        alias(f, n->out[0], n->in[0]);
        return DM_OK;
    }
    if (n->kind == NN_OP_BATCH_NORM) {
        struct nn_node *conv = convolution_before(f, n);
        if (conv) {
            alias(f, n->out[0], conv->out[0]);
            return fold_batch_norm(f, n, conv);
        }
    }
    if (n->kind == NN_OP_TRANSPOSE && merge_transposes(f, n)) {
        return DM_OK;
    }
    return keep(f, n);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Shape inference, one node at a time. This is the guard of everything after it: a node that passes
 * has inputs, attributes and index constants that its computation (nn/ref/) may trust. */
#ifndef NN_GRAPH_INFER_H
#define NN_GRAPH_INFER_H

#include "nn/graph.h"

struct nn_infer {
    struct nn_value *value; /* all values; those of the node's inputs are known */
    struct nn_node *node;   /* axis and split are normalised in place */
    int opset;
    struct dm_arena *arena;
    struct dm_err *e;
};

/* Set shape and dtype of the node's outputs. DM_EMODEL when the node makes no sense or is not
 * supported. */
DM_MUST_CHECK int nn_infer_node(struct nn_infer *c);

/* Message with the node's operator and name in front. */
#define DM_FAIL_NODE(c, ...) return nn_infer_fail((c), __FILE__, __LINE__, __VA_ARGS__)
int nn_infer_fail(const struct nn_infer *c, const char *file, int line, const char *fmt, ...)
    DM_PRINTF(4, 5);

/* Input i, NULL when omitted. */
static inline const struct nn_value *nn_infer_in(const struct nn_infer *c, int i)
{
    int v = i < c->node->n_in ? c->node->in[i] : -1;
    return v < 0 ? NULL : &c->value[v];
}

/* Output i gets this type and shape; refuses an oversized shape. */
DM_MUST_CHECK int nn_infer_set(const struct nn_infer *c, int i, enum nn_dtype dtype,
                               const struct nn_shape *s);

/* attr.axis of a tensor of this rank, made non-negative; fails when outside [-rank, rank). */
DM_MUST_CHECK int nn_infer_axis(const struct nn_infer *c, int rank);

/* Entry i of a constant of type I64 or I32, clamped to +-2^40 so that sums never overflow. */
int64_t nn_const_int(const struct nn_value *v, int64_t i);

/* True for a constant list (rank 0 or 1) of whole numbers. */
bool nn_is_int_list(const struct nn_value *v);

/* Dimensions named by a constant list of axes, bit d set for dimension d; NULL list: none. Negative
 * axes count from the end. False when one is out of range or repeated. */
DM_MUST_CHECK bool nn_axes_mask(const struct nn_value *axes, int rank, unsigned *ret);

/* Slice (inputs data, starts, ends, axes, steps; all but the first constant) worked out: element i
 * of dimension d of the result is element start[d] + i * step[d] of the data. */
struct nn_slice {
    int64_t start[NN_DIMS_MAX], step[NN_DIMS_MAX];
    struct nn_shape shape;
};
DM_MUST_CHECK bool nn_slice_resolve(const struct nn_value *const in[5], struct nn_slice *ret);

/* Result of broadcasting b onto a (NumPy rules) into *ret; false when they do not fit. */
DM_MUST_CHECK bool nn_broadcast(const struct nn_shape *a, const struct nn_shape *b,
                                struct nn_shape *ret);

/* "[1,3,640,640]" */
struct nn_shape_text {
    char s[NN_DIMS_MAX * 21 + 3];
};
struct nn_shape_text nn_shape_text(const struct nn_shape *s);

/* graph_infer_move.c: operators that only move elements. */
int nn_infer_concat(struct nn_infer *c);
int nn_infer_expand(struct nn_infer *c);
int nn_infer_flatten(struct nn_infer *c);
int nn_infer_gather(struct nn_infer *c);
int nn_infer_reshape(struct nn_infer *c);
int nn_infer_resize(struct nn_infer *c);
int nn_infer_slice(struct nn_infer *c);
int nn_infer_split(struct nn_infer *c);
int nn_infer_squeeze(struct nn_infer *c);
int nn_infer_transpose(struct nn_infer *c);
int nn_infer_unsqueeze(struct nn_infer *c);

#endif

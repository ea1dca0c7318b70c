/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle's kernels: one plain C function an operator, dense row-major tensors. Used to run a
 * graph as it stands (nn_graph_interpret) and to fold constants. Every node has passed shape
 * inference (nn/graph_infer.h): sizes, attributes and index constants are trusted here. */
#ifndef NN_REF_INTERP_H
#define NN_REF_INTERP_H

#include "nn/graph.h"

/* One node with its operands. in[i], src[i] are NULL for an omitted input. dst[i] has room for
 * out[i]; it never overlaps a source. */
struct nn_ref_call {
    const struct nn_node *node;
    const struct nn_value *in[NN_NODE_INPUTS_MAX];
    const void *src[NN_NODE_INPUTS_MAX];
    const struct nn_value *out[NN_NODE_OUTPUTS_MAX];
    void *dst[NN_NODE_OUTPUTS_MAX];
    struct dm_err *e;
};

/* Compute the outputs. DM_EMODEL for a whole-number division by zero, nothing else fails. */
DM_MUST_CHECK int nn_ref_run(const struct nn_ref_call *c);

/* Strides in elements of a dense tensor seen through a result shape it broadcasts to: 0 where it
 * repeats. */
void nn_ref_broadcast_strides(const struct nn_shape *from, const struct nn_shape *to,
                              int64_t ret[static NN_DIMS_MAX]);

/* Odometer over the dimensions of a shape, the last one running fastest: adds strides to n offsets.
 * Call with index zeroed; after the last place it is zero again. */
void nn_ref_step(const struct nn_shape *s, int64_t index[static NN_DIMS_MAX], int n,
                 const int64_t (*stride)[NN_DIMS_MAX], int64_t *offset);

/* interp_math.c */
int nn_ref_binary(const struct nn_ref_call *c);
int nn_ref_equal(const struct nn_ref_call *c);
int nn_ref_cast(const struct nn_ref_call *c);
int nn_ref_sigmoid(const struct nn_ref_call *c);
int nn_ref_floor(const struct nn_ref_call *c);
int nn_ref_softmax(const struct nn_ref_call *c);
int nn_ref_reduce_max(const struct nn_ref_call *c);
int nn_ref_batch_norm(const struct nn_ref_call *c);
int nn_ref_range(const struct nn_ref_call *c);

/* interp_move.c */
int nn_ref_copy(const struct nn_ref_call *c); /* same elements, another shape */
int nn_ref_shape(const struct nn_ref_call *c);
int nn_ref_constant_of_shape(const struct nn_ref_call *c);
int nn_ref_concat(const struct nn_ref_call *c);
int nn_ref_split(const struct nn_ref_call *c);
int nn_ref_slice(const struct nn_ref_call *c);
int nn_ref_gather(const struct nn_ref_call *c);
int nn_ref_transpose(const struct nn_ref_call *c);
int nn_ref_expand(const struct nn_ref_call *c);
int nn_ref_where(const struct nn_ref_call *c);

/* interp_window.c */
int nn_ref_conv(const struct nn_ref_call *c);
int nn_ref_conv_transpose(const struct nn_ref_call *c);
int nn_ref_max_pool(const struct nn_ref_call *c);
int nn_ref_resize(const struct nn_ref_call *c);
int nn_ref_matmul(const struct nn_ref_call *c);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * An ONNX graph in memory: values and nodes in topological order, shapes folded for one input size,
 * constants resolved. Made by nn/onnx_*.c from a file, read by the planner (nn/plan*.c) and run
 * as it stands by the oracle (nn/ref/interp.c). Everything lives in the graph's arena; tensor data
 * may point into the model's own bytes.
 *
 * Layout is ONNX's: dense, row-major, NCHW. */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define NN_DIMS_MAX 6

enum nn_dtype { NN_F32, NN_F16, NN_I64, NN_I32, NN_BOOL, NN_U8, NN_I8, NN_BF16, NN_DTYPE_MAX_ };

/* Operators of nn/onnx_ops.def, NN_OP_CONV, ... */
enum nn_op_kind {
#define X(NAME, onnx_name) NN_OP_##NAME,
#include "nn/onnx_ops.def"
#undef X
    NN_OP_MAX_
};

struct nn_shape {
    int rank;
    int64_t dim[NN_DIMS_MAX];
};

/* A tensor: a constant when data is set, else computed by node producer (or an input, producer -1).
 */
struct nn_value {
    const char *name;
    enum nn_dtype dtype;
    struct nn_shape shape;
    const void *data; /* constant content, aligned to its element, f16 already widened to f32 */
    int producer;     /* node index, -1 */
    int n_uses;       /* by nodes and graph outputs */
};

/* Attributes of all supported operators, decoded and defaulted; which are meaningful depends on
 * kind. What older operator sets keep in an attribute and newer ones in an input (axes of Squeeze,
 * Unsqueeze and ReduceMax, the value of ConstantOfShape) is always an input here. */
struct nn_attrs {
    int kernel[2], stride[2], pad[4], dilation[2]; /* h, w; pads top, left, bottom, right */
    int group;
    int axis; /* >= 0 once in a graph */
    bool keepdims, allowzero;
    int n_perm;
    int perm[NN_DIMS_MAX];
    int to;         /* Cast: enum nn_dtype */
    int start, end; /* Shape: range of dimensions, opset 15 */
    float epsilon;
    const int64_t *split; /* Split: [n_split] sizes, wherever the file put them */
    int n_split;
};

#define NN_NODE_INPUTS_MAX  16
#define NN_NODE_OUTPUTS_MAX 16

struct nn_node {
    enum nn_op_kind kind;
    const char *name;
    int n_in, n_out;
    int in[NN_NODE_INPUTS_MAX]; /* value indices, -1 for an omitted optional input */
    int out[NN_NODE_OUTPUTS_MAX];
    struct nn_attrs attr;
};

struct nn_graph {
    struct dm_arena arena;
    struct nn_value *value;
    int n_value;
    struct nn_node *node; /* topological order; nodes whose outputs were folded are gone */
    int n_node;
    int input;     /* value index of "images" [1,3,H,W] */
    int output[2]; /* output0, output1; computed, never constant */
    int n_output;
    int opset;
};

/* "Conv" */
const char *nn_op_name(enum nn_op_kind kind);

/* Bytes of one element. */
size_t nn_dtype_size(enum nn_dtype t);

struct nn_model;

/* The graph of a model at input size w x h: every shape known, shape arithmetic and constant
 * subexpressions folded, BatchNormalization folded into the convolution before it, Identity, other
 * nodes without effect and dead nodes removed. Every remaining node computes F32 from the picture;
 * its convolution weights, biases and index inputs are constants.
 * DM_EMODEL when a shape cannot be worked out or an operator's use is not supported; DM_EBADINPUT
 * when the model is static at another size or w, h are not multiples of its stride.
 * Borrows names and weights from m, which must outlive it. Release with nn_graph_free. */
DM_MUST_CHECK int nn_graph_new(const struct nn_model *m, int w, int h, struct nn_graph **ret,
                               struct dm_err *e);
void nn_graph_free(struct nn_graph *g); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_graph_freep, struct nn_graph *, nn_graph_free)

/* The oracle: run the graph node by node in plain C, f32 NCHW.
 *   input   [3*H*W], RGB planes, 0..1
 *   ret     [n_output] arrays of the outputs, owned by a */
DM_MUST_CHECK int nn_graph_interpret(const struct nn_graph *g, const float *input,
                                     const float *ret[static 2], struct dm_arena *a,
                                     struct dm_err *e);

/* As above and also hands over any value (for tests): ret_values [n_value], NULL where constant. */
DM_MUST_CHECK int nn_graph_interpret_all(const struct nn_graph *g, const float *input,
                                         const float **ret_values, struct dm_arena *a,
                                         struct dm_err *e);

/* Elements of a shape whose dimensions are known. */
int64_t nn_shape_count(const struct nn_shape *s);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the ONNX reader (onnx_*.c): the generated message types and what its files share. */
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "nn/model.h"
#include "nn/onnx.pb-c.h"

struct nn_onnx {
    Onnx__ModelProto *model;
    ProtobufCAllocator heap;
    size_t left_bytes; /* of the heap's budget */
    int failed;        /* why the heap gave no memory, DM_OK otherwise */
};

/* One line for an error message: control characters replaced, at most 80 bytes; "?" when empty or
 * out of memory. In a or borrowed. */
const char *nn_onnx_label(const char *name, struct dm_arena *a);

/* A tensor of the file as a constant value. Floating types of other widths become F32; data lies in
 * a or in t. DM_EMODEL when type, size or place of the data is not acceptable, or a weight is not
 * finite. name is for messages. */
DM_MUST_CHECK int nn_onnx_tensor(const Onnx__TensorProto *t, const char *name, struct dm_arena *a,
                                 struct nn_value *ret, struct dm_err *e);

enum { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_INT32 = 6, ONNX_INT64 = 7 };
enum { ONNX_BOOL = 9, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11, ONNX_BFLOAT16 = 16 };

/* Working type of an ONNX element type, -1 when we have none. */
int nn_onnx_dtype(int elem_type);

/* What attributes say that nn_attrs has no place for: it becomes an input of the node. */
struct nn_attr_input {
    bool present;
    struct nn_value value; /* constant */
};

/* Decode and default the attributes of a node into n->attr; n->kind is set.
 *   extra   the tensor behind a Constant or ConstantOfShape, the axes of an old Squeeze, ...
 * DM_EMODEL names the attribute that is missing, malformed or not supported. */
DM_MUST_CHECK int nn_onnx_attrs(const Onnx__NodeProto *p, int opset, struct dm_arena *a,
                                struct nn_node *n, struct nn_attr_input *extra, struct dm_err *e);

#endif

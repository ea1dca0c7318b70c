/* SPDX-License-Identifier: Apache-2.0
 *
 * Small ONNX files made in memory, for tests of the loader. Everything lives in the builder's
 * arena. */
#ifndef TESTS_SUPPORT_ONNX_BUILD_H
#define TESTS_SUPPORT_ONNX_BUILD_H

#include <string.h>

#include "nn/onnx.h"
#include "support/testing.h"

enum { OB_MAX = 32 };

struct ob {
    struct dm_arena a;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[1];
    Onnx__NodeProto *node[OB_MAX];
    Onnx__TensorProto *tensor[OB_MAX];
    Onnx__ValueInfoProto *input[OB_MAX], *output[OB_MAX];
    Onnx__StringStringEntryProto *meta[OB_MAX];
};

static inline void *ob_alloc(struct ob *b, size_t n)
{
    void *p = dm_arena_calloc(&b->a, 1, n);
    assert_non_null(p);
    return p;
}

static inline char *ob_str(struct ob *b, const char *s, size_t n)
{
    char *p = dm_arena_strndup(&b->a, s, n);
    assert_non_null(p);
    return p;
}

/* Empty model of an operator set. */
static inline void ob_init(struct ob *b, int opset)
{
    memset(b, 0, sizeof(*b));
    onnx__model_proto__init(&b->model);
    onnx__graph_proto__init(&b->graph);
    onnx__operator_set_id_proto__init(&b->opset);
    b->opset.has_version = 1;
    b->opset.version = opset;
    b->opsets[0] = &b->opset;
    b->model.opset_import = b->opsets;
    b->model.n_opset_import = 1;
    b->model.graph = &b->graph;
    b->model.metadata_props = b->meta;
    b->graph.node = b->node;
    b->graph.initializer = b->tensor;
    b->graph.input = b->input;
    b->graph.output = b->output;
}

static inline void ob_clear(struct ob *b)
{
    dm_arena_clear(&b->a);
}

/* "a,,b" to three names. */
static inline char **ob_names(struct ob *b, const char *list, size_t *ret_n)
{
    char **names = ob_alloc(b, OB_MAX * sizeof(*names));
    size_t n = 0;
    for (const char *p = list; *list; p++) {
        if (*p == ',' || !*p) {
            names[n++] = ob_str(b, list, (size_t)(p - list));
            list = *p ? p + 1 : p;
        }
    }
    *ret_n = n;
    return names;
}

static inline Onnx__NodeProto *ob_node(struct ob *b, const char *op, const char *in,
                                       const char *out)
{
    Onnx__NodeProto *n = ob_alloc(b, sizeof(*n));
    onnx__node_proto__init(n);
    n->op_type = ob_str(b, op, SIZE_MAX);
    n->name = ob_str(b, "node", 4);
    n->input = ob_names(b, in, &n->n_input);
    n->output = ob_names(b, out, &n->n_output);
    n->attribute = ob_alloc(b, 8 * sizeof(*n->attribute));
    assert_true(b->graph.n_node < OB_MAX);
    b->node[b->graph.n_node++] = n;
    return n;
}

static inline Onnx__AttributeProto *ob_attr(struct ob *b, Onnx__NodeProto *n, const char *name,
                                            int type)
{
    Onnx__AttributeProto *a = ob_alloc(b, sizeof(*a));
    onnx__attribute_proto__init(a);
    a->name = ob_str(b, name, SIZE_MAX);
    a->has_type = 1;
    a->type = type;
    n->attribute[n->n_attribute++] = a;
    return a;
}

static inline void ob_int(struct ob *b, Onnx__NodeProto *n, const char *name, int64_t v)
{
    Onnx__AttributeProto *a = ob_attr(b, n, name, 2);
    a->has_i = 1;
    a->i = v;
}

static inline void ob_float(struct ob *b, Onnx__NodeProto *n, const char *name, float v)
{
    Onnx__AttributeProto *a = ob_attr(b, n, name, 1);
    a->has_f = 1;
    a->f = v;
}

static inline void ob_text(struct ob *b, Onnx__NodeProto *n, const char *name, const char *v)
{
    Onnx__AttributeProto *a = ob_attr(b, n, name, 3);
    a->has_s = 1;
    a->s.len = strlen(v);
    a->s.data = (uint8_t *)ob_str(b, v, SIZE_MAX);
}

static inline void ob_ints(struct ob *b, Onnx__NodeProto *n, const char *name, size_t count,
                           const int64_t *v)
{
    Onnx__AttributeProto *a = ob_attr(b, n, name, 7);
    a->n_ints = count;
    a->ints = ob_alloc(b, count * sizeof(*v) + 1);
    memcpy(a->ints, v, count * sizeof(*v));
}

/* A tensor message of raw bytes; name NULL for an attribute's value. */
static inline Onnx__TensorProto *ob_tensor(struct ob *b, const char *name, int type, size_t rank,
                                           const int64_t *dims, const void *raw, size_t n_bytes)
{
    Onnx__TensorProto *t = ob_alloc(b, sizeof(*t));
    onnx__tensor_proto__init(t);
    t->name = name ? ob_str(b, name, SIZE_MAX) : NULL;
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = rank;
    t->dims = ob_alloc(b, (rank + 1) * sizeof(*dims));
    if (rank > 0) {
        memcpy(t->dims, dims, rank * sizeof(*dims));
    }
    t->has_raw_data = raw != NULL;
    t->raw_data.len = raw ? n_bytes : 0;
    t->raw_data.data = ob_alloc(b, n_bytes + 1);
    if (raw && n_bytes > 0) {
        memcpy(t->raw_data.data, raw, n_bytes);
    }
    return t;
}

static inline void ob_initialiser(struct ob *b, Onnx__TensorProto *t)
{
    assert_true(b->graph.n_initializer < OB_MAX);
    b->tensor[b->graph.n_initializer++] = t;
}

/* Initialiser of rank 1 or, when n is 0, one element of rank 0. */
static inline void ob_i64(struct ob *b, const char *name, size_t n, const int64_t *v)
{
    int64_t dim = (int64_t)n;
    ob_initialiser(b, ob_tensor(b, name, ONNX_INT64, n > 0, &dim, v, (n ? n : 1) * sizeof(*v)));
}

static inline void ob_f32(struct ob *b, const char *name, size_t rank, const int64_t *dims,
                          const float *v)
{
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) {
        n *= (size_t)dims[i];
    }
    ob_initialiser(b, ob_tensor(b, name, ONNX_FLOAT, rank, dims, v, n * sizeof(*v)));
}

/* Declared input or output; a dimension below 0 is symbolic. */
static inline Onnx__ValueInfoProto *ob_value_info(struct ob *b, const char *name, int type,
                                                  size_t rank, const int64_t *dims)
{
    Onnx__ValueInfoProto *v = ob_alloc(b, sizeof(*v));
    onnx__value_info_proto__init(v);
    v->name = ob_str(b, name, SIZE_MAX);
    v->type = ob_alloc(b, sizeof(*v->type));
    onnx__type_proto__init(v->type);
    Onnx__TypeProto__Tensor *t = ob_alloc(b, sizeof(*t));
    onnx__type_proto__tensor__init(t);
    v->type->tensor_type = t;
    t->has_elem_type = 1;
    t->elem_type = type;
    t->shape = ob_alloc(b, sizeof(*t->shape));
    onnx__tensor_shape_proto__init(t->shape);
    t->shape->dim = ob_alloc(b, (rank + 1) * sizeof(*t->shape->dim));
    for (size_t i = 0; i < rank; i++) {
        Onnx__TensorShapeProto__Dimension *d = ob_alloc(b, sizeof(*d));
        onnx__tensor_shape_proto__dimension__init(d);
        d->has_dim_value = dims[i] >= 0;
        d->dim_value = dims[i] >= 0 ? dims[i] : 0;
        t->shape->dim[t->shape->n_dim++] = d;
    }
    return v;
}

/* The picture input "x". */
static inline void ob_picture(struct ob *b, int64_t n, int64_t c, int64_t h, int64_t w)
{
    b->input[b->graph.n_input++] =
        ob_value_info(b, "x", ONNX_FLOAT, 4, (const int64_t[]){n, c, h, w});
}

static inline void ob_output(struct ob *b, const char *name)
{
    b->output[b->graph.n_output++] = ob_value_info(b, name, ONNX_FLOAT, 0, NULL);
}

static inline void ob_meta(struct ob *b, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *p = ob_alloc(b, sizeof(*p));
    onnx__string_string_entry_proto__init(p);
    p->key = ob_str(b, key, SIZE_MAX);
    p->value = ob_str(b, value, SIZE_MAX);
    b->meta[b->model.n_metadata_props++] = p;
}

/* The file, in the builder's arena. */
static inline const uint8_t *ob_bytes(struct ob *b, size_t *ret_n)
{
    *ret_n = onnx__model_proto__get_packed_size(&b->model);
    uint8_t *bytes = ob_alloc(b, *ret_n + 1);
    (void)onnx__model_proto__pack(&b->model, bytes);
    return bytes;
}

/* A model that is no YOLO network but whose graph can be made: any multiple of 1 is an input size
 * when the picture's sides are symbolic. Clear with ob_close. */
static inline int ob_open(struct ob *b, struct nn_model *ret, struct dm_err *e)
{
    size_t n;
    const uint8_t *bytes = ob_bytes(b, &n);
    *ret = (struct nn_model){.info = {.stride = 1}};
    DM_TRY(nn_onnx_parse(bytes, n, &ret->onnx, e));
    ret->opset = nn_onnx_opset(ret->onnx, e);
    DM_TRY(ret->opset);
    DM_TRY(nn_onnx_check_operators(ret->onnx, e));
    DM_TRY(nn_onnx_graph(ret->onnx, ret->opset, &ret->arena, &ret->source, e));
    ret->info.dynamic = ret->source.input_dim[2] < 0;
    ret->info.input_h = (int)ret->source.input_dim[2];
    ret->info.input_w = (int)ret->source.input_dim[3];
    return DM_OK;
}

static inline void ob_close(struct nn_model *m)
{
    nn_onnx_free(m->onnx);
    dm_arena_clear(&m->arena);
}

#endif

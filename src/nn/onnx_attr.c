/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of nodes, by table: one row says what an operator's attribute means to us. An
 * attribute without a row is refused, so that nothing a file asks for is silently ignored. */
#include <limits.h>
#include <string.h>

#include "nn/onnx.h"

enum attr_type { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_TENSOR = 4 };
enum attr_list { TYPE_FLOATS = 6, TYPE_INTS = 7 };

enum action {
    INT_TO,    /* into the int at offset */
    BOOL_TO,   /* into the bool at offset */
    FLOAT_TO,  /* into the float at offset */
    INTS_TO,   /* exactly n ints at offset */
    PERM,      /* permutation */
    SPLIT,     /* sizes */
    DTYPE,     /* element type, to a working type */
    AXES,      /* becomes an input */
    TENSOR,    /* becomes an input */
    SCALAR,    /* float or int, becomes an input */
    VECTOR,    /* floats or ints, becomes an input */
    ONLY_ZERO, /* refused when not 0 */
    ONLY_ONES, /* refused when not all 1 */
    ONLY_TEXT, /* refused when not this text */
    IGNORE,
};

enum { REQUIRED = 1 };

struct rule {
    enum nn_op_kind kind;
    const char *name;
    enum action action;
    int type; /* of the attribute */
    size_t offset;
    int n;
    const char *text;
    int flags;
};

#define AT(field) offsetof(struct nn_attrs, field)

// clang-format off
static const struct rule rules[] = {
    {NN_OP_BATCH_NORM, "epsilon", FLOAT_TO, TYPE_FLOAT, AT(epsilon), 0, NULL, 0},
    {NN_OP_BATCH_NORM, "momentum", IGNORE, TYPE_FLOAT, 0, 0, NULL, 0},
    {NN_OP_BATCH_NORM, "training_mode", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_CAST, "saturate", IGNORE, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_CAST, "to", DTYPE, TYPE_INT, AT(to), 0, NULL, REQUIRED},
    {NN_OP_CONCAT, "axis", INT_TO, TYPE_INT, AT(axis), 0, NULL, REQUIRED},
    {NN_OP_CONSTANT, "value", TENSOR, TYPE_TENSOR, 0, 0, NULL, 0},
    {NN_OP_CONSTANT, "value_float", SCALAR, TYPE_FLOAT, 0, 0, NULL, 0},
    {NN_OP_CONSTANT, "value_floats", VECTOR, TYPE_FLOATS, 0, 0, NULL, 0},
    {NN_OP_CONSTANT, "value_int", SCALAR, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_CONSTANT, "value_ints", VECTOR, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_CONSTANT_OF_SHAPE, "value", TENSOR, TYPE_TENSOR, 0, 0, NULL, 0},
    {NN_OP_CONV, "auto_pad", ONLY_TEXT, TYPE_STRING, 0, 0, "NOTSET", 0},
    {NN_OP_CONV, "dilations", INTS_TO, TYPE_INTS, AT(dilation), 2, NULL, 0},
    {NN_OP_CONV, "group", INT_TO, TYPE_INT, AT(group), 0, NULL, 0},
    {NN_OP_CONV, "kernel_shape", INTS_TO, TYPE_INTS, AT(kernel), 2, NULL, 0},
    {NN_OP_CONV, "pads", INTS_TO, TYPE_INTS, AT(pad), 4, NULL, 0},
    {NN_OP_CONV, "strides", INTS_TO, TYPE_INTS, AT(stride), 2, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "auto_pad", ONLY_TEXT, TYPE_STRING, 0, 0, "NOTSET", 0},
    {NN_OP_CONV_TRANSPOSE, "dilations", INTS_TO, TYPE_INTS, AT(dilation), 2, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "group", INT_TO, TYPE_INT, AT(group), 0, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "kernel_shape", INTS_TO, TYPE_INTS, AT(kernel), 2, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "output_padding", ONLY_ZERO, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "pads", INTS_TO, TYPE_INTS, AT(pad), 4, NULL, 0},
    {NN_OP_CONV_TRANSPOSE, "strides", INTS_TO, TYPE_INTS, AT(stride), 2, NULL, 0},
    {NN_OP_FLATTEN, "axis", INT_TO, TYPE_INT, AT(axis), 0, NULL, 0},
    {NN_OP_GATHER, "axis", INT_TO, TYPE_INT, AT(axis), 0, NULL, 0},
    {NN_OP_MAX_POOL, "auto_pad", ONLY_TEXT, TYPE_STRING, 0, 0, "NOTSET", 0},
    {NN_OP_MAX_POOL, "ceil_mode", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_MAX_POOL, "dilations", ONLY_ONES, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_MAX_POOL, "kernel_shape", INTS_TO, TYPE_INTS, AT(kernel), 2, NULL, REQUIRED},
    {NN_OP_MAX_POOL, "pads", INTS_TO, TYPE_INTS, AT(pad), 4, NULL, 0},
    {NN_OP_MAX_POOL, "storage_order", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_MAX_POOL, "strides", INTS_TO, TYPE_INTS, AT(stride), 2, NULL, 0},
    {NN_OP_REDUCE_MAX, "axes", AXES, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_REDUCE_MAX, "keepdims", BOOL_TO, TYPE_INT, AT(keepdims), 0, NULL, 0},
    {NN_OP_REDUCE_MAX, "noop_with_empty_axes", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_RESHAPE, "allowzero", BOOL_TO, TYPE_INT, AT(allowzero), 0, NULL, 0},
    {NN_OP_RESIZE, "antialias", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_RESIZE, "coordinate_transformation_mode", ONLY_TEXT, TYPE_STRING, 0, 0, "asymmetric", REQUIRED},
    {NN_OP_RESIZE, "cubic_coeff_a", IGNORE, TYPE_FLOAT, 0, 0, NULL, 0},
    {NN_OP_RESIZE, "exclude_outside", ONLY_ZERO, TYPE_INT, 0, 0, NULL, 0},
    {NN_OP_RESIZE, "extrapolation_value", IGNORE, TYPE_FLOAT, 0, 0, NULL, 0},
    {NN_OP_RESIZE, "keep_aspect_ratio_policy", ONLY_TEXT, TYPE_STRING, 0, 0, "stretch", 0},
    {NN_OP_RESIZE, "mode", ONLY_TEXT, TYPE_STRING, 0, 0, "nearest", 0},
    {NN_OP_RESIZE, "nearest_mode", ONLY_TEXT, TYPE_STRING, 0, 0, "floor", REQUIRED},
    {NN_OP_SHAPE, "end", INT_TO, TYPE_INT, AT(end), 0, NULL, 0},
    {NN_OP_SHAPE, "start", INT_TO, TYPE_INT, AT(start), 0, NULL, 0},
    {NN_OP_SOFTMAX, "axis", INT_TO, TYPE_INT, AT(axis), 0, NULL, 0},
    {NN_OP_SPLIT, "axis", INT_TO, TYPE_INT, AT(axis), 0, NULL, 0},
    {NN_OP_SPLIT, "num_outputs", IGNORE, TYPE_INT, 0, 0, NULL, 0}, /* the outputs themselves say it */
    {NN_OP_SPLIT, "split", SPLIT, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_SQUEEZE, "axes", AXES, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_TRANSPOSE, "perm", PERM, TYPE_INTS, 0, 0, NULL, 0},
    {NN_OP_UNSQUEEZE, "axes", AXES, TYPE_INTS, 0, 0, NULL, 0},
};
// clang-format on

/* What a failing attribute is called in messages. */
struct reader {
    const Onnx__AttributeProto *p;
    const struct rule *rule;
    struct nn_node *node;
    struct nn_attr_input *extra;
    struct dm_arena *arena;
    struct dm_err *e;
};

static int refuse(const struct reader *r, const char *why)
{
    DM_FAIL(r->e, DM_EMODEL, "%s %s: attribute %s %s", nn_op_name(r->node->kind), r->node->name,
            r->rule->name, why);
}

static int to_int(const struct reader *r, int64_t v, int *ret)
{
    if (v < INT_MIN / 2 || v > INT_MAX) {
        return refuse(r, "is out of range");
    }
    *ret = (int)v;
    return DM_OK;
}

static int read_ints(const struct reader *r, int *to, int n)
{
    if (r->p->n_ints != (size_t)n) {
        return refuse(r, "has the wrong number of entries: only pictures (two dimensions) are "
                         "supported");
    }
    for (int i = 0; i < n; i++) {
        DM_TRY(to_int(r, r->p->ints[i], &to[i]));
    }
    return DM_OK;
}

static int read_perm(const struct reader *r)
{
    struct nn_attrs *a = &r->node->attr;
    unsigned seen = 0;
    if (r->p->n_ints < 1 || r->p->n_ints > NN_DIMS_MAX) {
        return refuse(r, "has too many dimensions");
    }
    a->n_perm = (int)r->p->n_ints;
    for (int i = 0; i < a->n_perm; i++) {
        int64_t v = r->p->ints[i];
        if (v < 0 || v >= a->n_perm || (seen & (1u << v))) {
            return refuse(r, "is not a permutation");
        }
        seen |= 1u << v;
        a->perm[i] = (int)v;
    }
    return DM_OK;
}

static int read_split(const struct reader *r)
{
    if (r->p->n_ints > NN_NODE_OUTPUTS_MAX) {
        return refuse(r, "has too many entries");
    }
    r->node->attr.split = r->p->ints;
    r->node->attr.n_split = (int)r->p->n_ints;
    return DM_OK;
}

static void *copy(const struct reader *r, const void *from, size_t count, size_t size)
{
    void *to = dm_arena_calloc(r->arena, count + 1, size);
    if (to && count > 0) {
        memcpy(to, from, count * size);
    }
    return to;
}

/* Floats or ints of the attribute as a constant of the given rank. */
static int read_list(const struct reader *r, bool ints, const void *from, size_t count, int rank)
{
    struct nn_value *v = &r->extra->value;
    *v = (struct nn_value){
        .name = r->node->name,
        .dtype = ints ? NN_I64 : NN_F32,
        .shape = {.rank = rank, .dim = {(int64_t)count}},
        .data = copy(r, from, count, ints ? sizeof(int64_t) : sizeof(float)),
        .producer = -1,
    };
    r->extra->present = true;
    if (!v->data) {
        DM_FAIL(r->e, DM_ENOMEM, "no memory for an attribute");
    }
    return DM_OK;
}

static int read_tensor(const struct reader *r)
{
    if (!r->p->t) {
        return refuse(r, "holds no tensor");
    }
    r->extra->present = true;
    return nn_onnx_tensor(r->p->t, r->node->name, r->arena, &r->extra->value, r->e);
}

static int check_text(const struct reader *r)
{
    size_t n = strlen(r->rule->text);
    if (r->p->s.len != n || memcmp(r->p->s.data, r->rule->text, n) != 0) {
        return refuse(r, "asks for something else than what Ultralytics exports use");
    }
    return DM_OK;
}

/* An int, or each int of a list. */
static int check_all(const struct reader *r, int64_t wanted)
{
    bool ok = r->p->type != TYPE_INT || r->p->i == wanted;
    for (size_t i = 0; i < r->p->n_ints; i++) {
        ok = ok && r->p->ints[i] == wanted;
    }
    return ok ? DM_OK : refuse(r, "has a value that is not supported");
}

static int read_dtype(const struct reader *r)
{
    int t = r->p->i < 0 || r->p->i > 100 ? -1 : nn_onnx_dtype((int)r->p->i);
    if (t < 0) {
        return refuse(r, "names an element type that is not supported");
    }
    r->node->attr.to = t;
    return DM_OK;
}

static int apply(const struct reader *r)
{
    char *field = (char *)&r->node->attr + r->rule->offset;
    const Onnx__AttributeProto *p = r->p;
    switch (r->rule->action) {
    case INT_TO:
        return to_int(r, p->i, (int *)(void *)field);
    case BOOL_TO:
        *(bool *)field = p->i != 0;
        return DM_OK;
    case FLOAT_TO:
        *(float *)(void *)field = p->f;
        return DM_OK;
    case INTS_TO:
        return read_ints(r, (int *)(void *)field, r->rule->n);
    case PERM:
        return read_perm(r);
    case SPLIT:
        return read_split(r);
    case DTYPE:
        return read_dtype(r);
    case AXES:
        return read_list(r, true, p->ints, p->n_ints, 1);
    case TENSOR:
        return read_tensor(r);
    case SCALAR:
        return p->type == TYPE_INT ? read_list(r, true, &p->i, 1, 0)
                                   : read_list(r, false, &p->f, 1, 0);
    case VECTOR:
        return p->type == TYPE_INTS ? read_list(r, true, p->ints, p->n_ints, 1)
                                    : read_list(r, false, p->floats, p->n_floats, 1);
    case ONLY_ZERO:
        return check_all(r, 0);
    case ONLY_ONES:
        return check_all(r, 1);
    case ONLY_TEXT:
        return check_text(r);
    case IGNORE:
        return DM_OK;
    }
    return DM_OK;
}

static void set_defaults(struct nn_node *n, int opset)
{
    n->attr = (struct nn_attrs){
        .stride = {1, 1},
        .dilation = {1, 1},
        .group = 1,
        .keepdims = true,
        .end = INT_MAX,
        .epsilon = 1e-5f,
    };
    if (n->kind == NN_OP_FLATTEN) {
        n->attr.axis = 1;
    }
    if (n->kind == NN_OP_SOFTMAX) {
        n->attr.axis = opset < 13 ? 1 : -1;
    }
}

static const struct rule *find_rule(enum nn_op_kind kind, const char *name)
{
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        if (rules[i].kind == kind && strcmp(rules[i].name, name) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

static const Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *p, const char *name)
{
    for (size_t i = 0; i < p->n_attribute; i++) {
        if (p->attribute[i]->name && strcmp(p->attribute[i]->name, name) == 0) {
            return p->attribute[i];
        }
    }
    return NULL;
}

static int check_required(const Onnx__NodeProto *p, const struct nn_node *n, struct dm_err *e)
{
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        if (rules[i].kind == n->kind && (rules[i].flags & REQUIRED) &&
            !find_attribute(p, rules[i].name)) {
            DM_FAIL(e, DM_EMODEL, "%s %s: attribute %s is missing", nn_op_name(n->kind), n->name,
                    rules[i].name);
        }
    }
    return DM_OK;
}

int nn_onnx_attrs(const Onnx__NodeProto *p, int opset, struct dm_arena *a, struct nn_node *n,
                  struct nn_attr_input *extra, struct dm_err *e)
{
    set_defaults(n, opset);
    extra->present = false;
    for (size_t i = 0; i < p->n_attribute; i++) {
        const char *name = p->attribute[i]->name ? p->attribute[i]->name : "";
        struct reader r = {.p = p->attribute[i],
                           .rule = find_rule(n->kind, name),
                           .node = n,
                           .extra = extra,
                           .arena = a,
                           .e = e};
        if (!r.rule) {
            DM_FAIL(e, DM_EMODEL, "%s %s: attribute %s is not supported", nn_op_name(n->kind),
                    n->name, nn_onnx_label(name, a));
        }
        if (p->attribute[i]->type != r.rule->type) {
            return refuse(&r, "has the wrong type");
        }
        DM_TRY(apply(&r));
    }
    DM_TRY(check_required(p, n, e));
    if (n->kind == NN_OP_CONSTANT && !extra->present) {
        DM_FAIL(e, DM_EMODEL, "Constant %s has no value that is supported", n->name);
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX messages to the source graph. Names become value numbers by one sorted table: 1300 names in
 * the largest network we know, and no file can make a sort slow. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "nn/onnx.h"

enum { NOT_A_NODE = -1 };

struct definition {
    const char *name;
    int value;
    int order; /* index of the defining node in the file, NOT_A_NODE for inputs and weights */
};

struct builder {
    const Onnx__GraphProto *file;
    int opset;
    struct dm_arena *arena;
    struct nn_source *s;
    struct definition *def; /* sorted by name */
    int n_def;
    int cap_value;
    struct dm_err *e;
};

static int by_name(const void *x, const void *y)
{
    const struct definition *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : a->value - b->value;
}

static const struct definition *find(const struct builder *b, const char *name)
{
    int lo = 0;
    int hi = b->n_def - 1;
    while (lo <= hi) {
        int mid = lo + (hi - lo) / 2;
        int order = strcmp(name, b->def[mid].name);
        if (order == 0) {
            return &b->def[mid];
        }
        if (order < 0) {
            hi = mid - 1;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

static int add_value(struct builder *b, struct nn_value v)
{
    DM_BUG_UNLESS(b->s->n_value < b->cap_value);
    b->s->value[b->s->n_value] = v;
    return b->s->n_value++;
}

static void define(struct builder *b, const char *name, int order, struct nn_value v)
{
    v.name = nn_onnx_label(name, b->arena);
    b->def[b->n_def++] = (struct definition){name, add_value(b, v), order};
}

/* How many values the file can define; refuses what is beyond the limits. */
static int count_values(const struct builder *b)
{
    const Onnx__GraphProto *g = b->file;
    size_t n = g->n_input + g->n_initializer;
    if (g->n_node > LIMIT_MODEL_NODES) {
        DM_FAIL(b->e, DM_ELIMIT, "%zu nodes, the limit is %d", g->n_node, LIMIT_MODEL_NODES);
    }
    for (size_t i = 0; i < g->n_node; i++) {
        if (g->node[i]->n_output > NN_NODE_OUTPUTS_MAX ||
            g->node[i]->n_input > NN_NODE_INPUTS_MAX) {
            DM_FAIL(b->e, DM_ELIMIT, "%s %s has more than %d inputs or %d outputs",
                    g->node[i]->op_type, nn_onnx_label(g->node[i]->name, b->arena),
                    NN_NODE_INPUTS_MAX, NN_NODE_OUTPUTS_MAX);
        }
        n += g->node[i]->n_output + 1; /* one more for an attribute that becomes an input */
    }
    if (n > LIMIT_MODEL_VALUES) {
        DM_FAIL(b->e, DM_ELIMIT, "%zu tensors, the limit is %d", n, LIMIT_MODEL_VALUES);
    }
    return (int)n;
}

static int define_initialisers(struct builder *b)
{
    for (size_t i = 0; i < b->file->n_initializer; i++) {
        const Onnx__TensorProto *t = b->file->initializer[i];
        if (!t->name || !*t->name) {
            DM_FAIL(b->e, DM_EMODEL, "a weight tensor has no name");
        }
        struct nn_value v;
        DM_TRY(nn_onnx_tensor(t, nn_onnx_label(t->name, b->arena), b->arena, &v, b->e));
        b->s->weights_f16 |= t->data_type == ONNX_FLOAT16;
        define(b, t->name, NOT_A_NODE, v);
    }
    return DM_OK;
}

/* Declared shape of the picture input: [1,3,H,W], H and W numbers or symbols. */
static int read_input_shape(struct builder *b, const Onnx__ValueInfoProto *p)
{
    const Onnx__TypeProto__Tensor *t = p->type ? p->type->tensor_type : NULL;
    if (!t || nn_onnx_dtype(t->elem_type) != NN_F32 || !t->shape || t->shape->n_dim != 4) {
        DM_FAIL(b->e, DM_EMODEL, "input %s is not a float picture [1,3,H,W]",
                nn_onnx_label(p->name, b->arena));
    }
    for (int i = 0; i < 4; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        b->s->input_dim[i] = d->has_dim_value && d->dim_value > 0 ? d->dim_value : -1;
    }
    int64_t batch = b->s->input_dim[0];
    int64_t channels = b->s->input_dim[1];
    if (batch > 1) {
        DM_FAIL(b->e, DM_EMODEL, "exported for batches of %lld: export with batch=1",
                (long long)batch);
    }
    if (channels != 3 && channels != -1) {
        DM_FAIL(b->e, DM_EMODEL, "input has %lld channels: only RGB models are supported",
                (long long)channels);
    }
    return DM_OK;
}

/* Old files list the weights among the inputs; what remains must be one picture. Called when only
 * the weights are defined. */
static int define_input(struct builder *b)
{
    const Onnx__ValueInfoProto *picture = NULL;
    for (size_t i = 0; i < b->file->n_input; i++) {
        const Onnx__ValueInfoProto *p = b->file->input[i];
        if (!p->name || !*p->name) {
            DM_FAIL(b->e, DM_EMODEL, "an input has no name");
        }
        if (find(b, p->name)) {
            continue;
        }
        if (picture) {
            DM_FAIL(b->e, DM_EMODEL, "the network has several inputs: expected one picture");
        }
        picture = p;
    }
    if (!picture) {
        DM_FAIL(b->e, DM_EMODEL, "the network has no input");
    }
    DM_TRY(read_input_shape(b, picture));
    b->s->input = b->s->n_value;
    define(b, picture->name, NOT_A_NODE,
           (struct nn_value){.dtype = NN_F32, .shape = {.rank = -1}, .producer = -1});
    return DM_OK;
}

static void define_outputs_of_nodes(struct builder *b)
{
    for (size_t i = 0; i < b->file->n_node; i++) {
        const Onnx__NodeProto *p = b->file->node[i];
        for (size_t j = 0; j < p->n_output; j++) {
            if (*p->output[j]) {
                define(b, p->output[j], (int)i,
                       (struct nn_value){.dtype = NN_F32, .shape = {.rank = -1}, .producer = -1});
            }
        }
    }
}

static int sort_definitions(struct builder *b)
{
    qsort(b->def, (size_t)b->n_def, sizeof(*b->def), by_name);
    for (int i = 1; i < b->n_def; i++) {
        if (strcmp(b->def[i - 1].name, b->def[i].name) == 0) {
            DM_FAIL(b->e, DM_EMODEL, "tensor %s is defined twice",
                    nn_onnx_label(b->def[i].name, b->arena));
        }
    }
    return DM_OK;
}

/* Numbers of a node's inputs and outputs; trailing omitted ones are cut off. */
static int connect(struct builder *b, const Onnx__NodeProto *p, int order, struct nn_node *n)
{
    for (size_t j = 0; j < p->n_input; j++) {
        n->in[j] = -1;
        if (!*p->input[j]) {
            continue;
        }
        const struct definition *d = find(b, p->input[j]);
        if (!d || d->order >= order) {
            DM_FAIL(b->e, DM_EMODEL, "%s %s uses %s, which %s", nn_op_name(n->kind), n->name,
                    nn_onnx_label(p->input[j], b->arena),
                    d ? "is computed later: the nodes are out of order or form a cycle"
                      : "nothing defines");
        }
        n->in[j] = d->value;
        n->n_in = (int)j + 1;
    }
    for (size_t j = 0; j < p->n_output; j++) {
        n->out[j] = *p->output[j] ? find(b, p->output[j])->value : -1;
        n->n_out += n->out[j] >= 0 ? (int)j + 1 - n->n_out : 0;
    }
    if (n->n_out == 0) {
        DM_FAIL(b->e, DM_EMODEL, "%s %s has no output", nn_op_name(n->kind), n->name);
    }
    for (int j = 0; j < n->n_out; j++) {
        if (n->out[j] < 0) {
            DM_FAIL(b->e, DM_EMODEL, "%s %s leaves out an output", nn_op_name(n->kind), n->name);
        }
    }
    return DM_OK;
}

/* Index of the input that an attribute of older operator sets stands for. */
static int attach_extra(struct builder *b, struct nn_node *n, const struct nn_attr_input *extra)
{
    int at = n->kind == NN_OP_CONSTANT_OF_SHAPE || n->kind == NN_OP_SQUEEZE ||
                     n->kind == NN_OP_UNSQUEEZE || n->kind == NN_OP_REDUCE_MAX
                 ? 1
                 : -1;
    if (at < 0 || n->n_in != at) {
        DM_FAIL(b->e, DM_EMODEL, "%s %s has the wrong number of inputs", nn_op_name(n->kind),
                n->name);
    }
    n->in[at] = add_value(b, extra->value);
    n->n_in = at + 1;
    return DM_OK;
}

static int add_node(struct builder *b, const Onnx__NodeProto *p, int order)
{
    struct nn_node n = {.kind = (enum nn_op_kind)nn_op_find(p->op_type)};
    struct nn_attr_input extra;
    n.name = nn_onnx_label(p->name, b->arena);
    DM_TRY(nn_onnx_attrs(p, b->opset, b->arena, &n, &extra, b->e));
    DM_TRY(connect(b, p, order, &n));
    if (n.kind == NN_OP_CONSTANT) {
        struct nn_value *v = &b->s->value[n.out[0]];
        if (n.n_in > 0 || n.n_out > 1) {
            DM_FAIL(b->e, DM_EMODEL, "Constant %s has inputs or several outputs", n.name);
        }
        extra.value.name = v->name;
        *v = extra.value;
        return DM_OK;
    }
    if (extra.present) {
        DM_TRY(attach_extra(b, &n, &extra));
    }
    for (int j = 0; j < n.n_out; j++) {
        b->s->value[n.out[j]].producer = b->s->n_node;
    }
    b->s->node[b->s->n_node++] = n;
    return DM_OK;
}

static int find_outputs(struct builder *b)
{
    const Onnx__GraphProto *g = b->file;
    if (g->n_output < 1 || g->n_output > DM_COUNT(b->s->output)) {
        DM_FAIL(b->e, DM_EMODEL,
                "the network has %zu outputs: expected 1 (detect) or 2 (segment), as "
                "`yolo export format=onnx` writes them",
                g->n_output);
    }
    for (size_t i = 0; i < g->n_output; i++) {
        const struct definition *d = g->output[i]->name ? find(b, g->output[i]->name) : NULL;
        if (!d) {
            DM_FAIL(b->e, DM_EMODEL, "output %s is not computed by any node",
                    nn_onnx_label(g->output[i]->name, b->arena));
        }
        b->s->output[i] = d->value;
    }
    b->s->n_output = (int)g->n_output;
    return DM_OK;
}

int nn_onnx_graph(const struct nn_onnx *o, int opset, struct dm_arena *a, struct nn_source *ret,
                  struct dm_err *e)
{
    struct nn_source s = {0};
    struct builder b = {.file = o->model->graph, .opset = opset, .arena = a, .s = &s, .e = e};
    b.cap_value = count_values(&b);
    DM_TRY(b.cap_value);
    s.value = dm_arena_calloc(a, (size_t)b.cap_value + 1, sizeof(*s.value));
    s.node = dm_arena_calloc(a, b.file->n_node, sizeof(*s.node));
    b.def = dm_arena_calloc(a, (size_t)b.cap_value + 1, sizeof(*b.def));
    if (!s.value || !s.node || !b.def) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu nodes", b.file->n_node);
    }
    DM_TRY(define_initialisers(&b));
    DM_TRY(sort_definitions(&b));
    DM_TRY(define_input(&b));
    define_outputs_of_nodes(&b);
    DM_TRY(sort_definitions(&b));
    for (size_t i = 0; i < b.file->n_node; i++) {
        DM_TRY(add_node(&b, b.file->node[i], (int)i));
    }
    DM_TRY(find_outputs(&b));
    *ret = s;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle: runs a graph node by node. */
#include "nn/ref/interp.h"

#include <string.h>

#include "base/alloc.h"

static int (*const kernels[NN_OP_MAX_])(const struct nn_ref_call *c) = {
    [NN_OP_ADD] = nn_ref_binary,
    [NN_OP_BATCH_NORM] = nn_ref_batch_norm,
    [NN_OP_CAST] = nn_ref_cast,
    [NN_OP_CONCAT] = nn_ref_concat,
    [NN_OP_CONSTANT_OF_SHAPE] = nn_ref_constant_of_shape,
    [NN_OP_CONV] = nn_ref_conv,
    [NN_OP_CONV_TRANSPOSE] = nn_ref_conv_transpose,
    [NN_OP_DIV] = nn_ref_binary,
    [NN_OP_EQUAL] = nn_ref_equal,
    [NN_OP_EXPAND] = nn_ref_expand,
    [NN_OP_FLATTEN] = nn_ref_copy,
    [NN_OP_FLOOR] = nn_ref_floor,
    [NN_OP_GATHER] = nn_ref_gather,
    [NN_OP_IDENTITY] = nn_ref_copy,
    [NN_OP_MATMUL] = nn_ref_matmul,
    [NN_OP_MAX_POOL] = nn_ref_max_pool,
    [NN_OP_MUL] = nn_ref_binary,
    [NN_OP_RANGE] = nn_ref_range,
    [NN_OP_REDUCE_MAX] = nn_ref_reduce_max,
    [NN_OP_RESHAPE] = nn_ref_copy,
    [NN_OP_RESIZE] = nn_ref_resize,
    [NN_OP_SHAPE] = nn_ref_shape,
    [NN_OP_SIGMOID] = nn_ref_sigmoid,
    [NN_OP_SLICE] = nn_ref_slice,
    [NN_OP_SOFTMAX] = nn_ref_softmax,
    [NN_OP_SPLIT] = nn_ref_split,
    [NN_OP_SQUEEZE] = nn_ref_copy,
    [NN_OP_SUB] = nn_ref_binary,
    [NN_OP_TRANSPOSE] = nn_ref_transpose,
    [NN_OP_UNSQUEEZE] = nn_ref_copy,
    [NN_OP_WHERE] = nn_ref_where,
};

int nn_ref_run(const struct nn_ref_call *c)
{
    DM_BUG_UNLESS(kernels[c->node->kind]); /* Constant is no node of a graph */
    return kernels[c->node->kind](c);
}

/* One run. Values computed so far lie in data; heap says which of them this run must free. */
struct run {
    const struct nn_graph *g;
    const void **data;     /* [n_value] */
    float **heap;          /* [n_value], NULL: not on the heap */
    int *left;             /* [n_value] readers still to come */
    struct dm_arena *keep; /* computed values go there and stay, NULL: heap, freed when read */
    struct dm_err *e;
};

static int new_value(struct run *r, int v)
{
    size_t n = (size_t)nn_shape_count(&r->g->value[v].shape) * sizeof(float);
    void *p = r->keep ? dm_arena_alloc(r->keep, n) : dm_alloc(n);
    if (!p) {
        DM_FAIL(r->e, DM_ENOMEM, "no memory for the %zu bytes of a tensor", n);
    }
    r->heap[v] = r->keep ? NULL : p;
    r->data[v] = p;
    return DM_OK;
}

static void release(struct run *r, int v)
{
    dm_free(r->heap[v]);
    r->heap[v] = NULL;
}

static int run_node(struct run *r, const struct nn_node *n)
{
    struct nn_ref_call c = {.node = n, .e = r->e};
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] >= 0) {
            c.in[i] = &r->g->value[n->in[i]];
            c.src[i] = r->data[n->in[i]];
        }
    }
    for (int i = 0; i < n->n_out; i++) {
        DM_TRY(new_value(r, n->out[i]));
        c.out[i] = &r->g->value[n->out[i]];
        c.dst[i] = (void *)(uintptr_t)r->data[n->out[i]];
    }
    DM_TRY(nn_ref_run(&c));
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] >= 0 && --r->left[n->in[i]] == 0) {
            release(r, n->in[i]);
        }
    }
    for (int i = 0; i < n->n_out; i++) {
        if (r->left[n->out[i]] == 0) {
            release(r, n->out[i]);
        }
    }
    return DM_OK;
}

static int run_all(struct run *r, const float *input, struct dm_arena *scratch)
{
    size_t n = (size_t)r->g->n_value;
    r->data = dm_arena_calloc(scratch, n, sizeof(*r->data));
    r->heap = dm_arena_calloc(scratch, n, sizeof(*r->heap));
    r->left = dm_arena_calloc(scratch, n, sizeof(*r->left));
    if (!r->data || !r->heap || !r->left) {
        r->heap = NULL;
        DM_FAIL(r->e, DM_ENOMEM, "no memory to run %d nodes", r->g->n_node);
    }
    for (int v = 0; v < r->g->n_value; v++) {
        r->data[v] = v == r->g->input ? input : r->g->value[v].data;
        r->left[v] = r->g->value[v].n_uses;
    }
    for (int i = 0; i < r->g->n_node; i++) {
        DM_TRY(run_node(r, &r->g->node[i]));
    }
    return DM_OK;
}

static int copy_outputs(const struct run *r, const float *ret[static 2], struct dm_arena *a)
{
    const float *out[2] = {NULL, NULL};
    for (int i = 0; i < r->g->n_output; i++) {
        int v = r->g->output[i];
        size_t n = (size_t)nn_shape_count(&r->g->value[v].shape) * sizeof(float);
        float *to = dm_arena_alloc(a, n);
        if (!to) {
            DM_FAIL(r->e, DM_ENOMEM, "no memory for the %zu bytes of output%d", n, i);
        }
        memcpy(to, r->data[v], n);
        out[i] = to;
    }
    memcpy(ret, out, sizeof(out));
    return DM_OK;
}

int nn_graph_interpret(const struct nn_graph *g, const float *input, const float *ret[static 2],
                       struct dm_arena *a, struct dm_err *e)
{
    struct dm_arena scratch = {0};
    struct run r = {.g = g, .e = e};
    int code = run_all(&r, input, &scratch);
    if (code >= 0) {
        code = copy_outputs(&r, ret, a);
    }
    for (int v = 0; r.heap && v < g->n_value; v++) {
        release(&r, v);
    }
    dm_arena_clear(&scratch);
    return code;
}

int nn_graph_interpret_all(const struct nn_graph *g, const float *input, const float **ret_values,
                           struct dm_arena *a, struct dm_err *e)
{
    struct dm_arena scratch = {0};
    struct run r = {.g = g, .keep = a, .e = e};
    int code = run_all(&r, input, &scratch);
    for (int v = 0; code >= 0 && v < g->n_value; v++) {
        ret_values[v] = g->value[v].data ? NULL : r.data[v];
    }
    dm_arena_clear(&scratch);
    return code;
}

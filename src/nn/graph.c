/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph of a model at one input size. Made once per size; about 600 nodes at most for a network
 * of scale n, a few milliseconds. */
#include "nn/graph.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "nn/graph_fold.h"
#include "nn/graph_infer.h"
#include "nn/model.h"

static int check_size(const struct nn_model_info *i, int w, int h, struct dm_err *e)
{
    if (!i->dynamic && (w != i->input_w || h != i->input_h)) {
        DM_FAIL(e, DM_EBADINPUT,
                "the model was exported for %dx%d pixels, not %dx%d: export it with dynamic=True",
                i->input_w, i->input_h, w, h);
    }
    if (w < i->stride || h < i->stride || w > LIMIT_MODEL_INPUT_SIDE ||
        h > LIMIT_MODEL_INPUT_SIDE || w % i->stride || h % i->stride) {
        DM_FAIL(e, DM_EBADINPUT, "input size %dx%d: sides must be multiples of %d up to %d", w, h,
                i->stride, LIMIT_MODEL_INPUT_SIDE);
    }
    return DM_OK;
}

static void count_source_uses(const struct nn_source *s, int *uses)
{
    for (int i = 0; i < s->n_node; i++) {
        for (int j = 0; j < s->node[i].n_in; j++) {
            if (s->node[i].in[j] >= 0) {
                uses[s->node[i].in[j]]++;
            }
        }
    }
    for (int i = 0; i < s->n_output; i++) {
        uses[s->output[i]]++;
    }
}

/* Copies of the source's values, each its own alias. */
static int start(struct nn_fold *f, const struct nn_source *s, int w, int h)
{
    struct nn_graph *g = f->g;
    struct dm_arena *a = &g->arena;
    f->cap_value = s->n_value + 2 * s->n_node; /* weights and bias of each BatchNormalization */
    g->value = dm_arena_calloc(a, (size_t)f->cap_value, sizeof(*g->value));
    g->node = dm_arena_calloc(a, (size_t)s->n_node + 1, sizeof(*g->node));
    f->alias = dm_arena_calloc(a, (size_t)f->cap_value, sizeof(*f->alias));
    f->uses = dm_arena_calloc(a, (size_t)f->cap_value, sizeof(*f->uses));
    if (!g->value || !g->node || !f->alias || !f->uses) {
        DM_FAIL(f->e, DM_ENOMEM, "no memory for a graph of %d nodes", s->n_node);
    }
    memcpy(g->value, s->value, (size_t)s->n_value * sizeof(*g->value));
    g->n_value = s->n_value;
    for (int i = 0; i < g->n_value; i++) {
        f->alias[i] = i;
        g->value[i].producer = -1;
    }
    count_source_uses(s, f->uses);
    g->input = s->input;
    g->value[g->input].shape = (struct nn_shape){4, {1, 3, h, w}};
    return DM_OK;
}

static int fold_all(struct nn_fold *f, const struct nn_source *s)
{
    for (int i = 0; i < s->n_node; i++) {
        struct nn_node n = s->node[i];
        for (int j = 0; j < n.n_in; j++) {
            n.in[j] = n.in[j] < 0 ? -1 : f->alias[n.in[j]];
        }
        struct nn_infer c = {.value = f->g->value,
                             .node = &n,
                             .opset = f->g->opset,
                             .arena = &f->g->arena,
                             .e = f->e};
        DM_TRY(nn_infer_node(&c));
        DM_TRY(nn_fold_node(f, &n));
    }
    for (int i = 0; i < s->n_output; i++) {
        f->g->output[i] = f->alias[s->output[i]];
        if (f->g->value[f->g->output[i]].producer < 0) {
            DM_FAIL(f->e, DM_EMODEL, "output%d does not depend on the picture", i);
        }
    }
    f->g->n_output = s->n_output;
    return DM_OK;
}

/* Drop the nodes that no output needs. */
static int remove_dead_nodes(struct nn_graph *g, struct dm_err *e)
{
    bool *live = dm_arena_calloc(&g->arena, (size_t)g->n_value, sizeof(*live));
    if (!live) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a graph");
    }
    for (int i = 0; i < g->n_output; i++) {
        live[g->output[i]] = true;
    }
    int to = g->n_node;
    for (int i = g->n_node - 1; i >= 0; i--) {
        const struct nn_node *n = &g->node[i];
        bool wanted = false;
        for (int j = 0; j < n->n_out; j++) {
            wanted |= live[n->out[j]];
        }
        for (int j = 0; wanted && j < n->n_in; j++) {
            if (n->in[j] >= 0) {
                live[n->in[j]] = true;
            }
        }
        if (wanted) {
            g->node[--to] = *n;
        }
    }
    g->node += to;
    g->n_node -= to;
    return DM_OK;
}

/* Renumber one mention of a value: those that are mentioned stay, in the order of first mention. */
static int renumber(struct nn_graph *g, struct nn_value *to, int *map, int *n, int v)
{
    if (v >= 0 && map[v] < 0) {
        map[v] = *n;
        to[(*n)++] = g->value[v];
        to[map[v]].n_uses = 0;
        to[map[v]].producer = -1;
    }
    return v < 0 ? -1 : map[v];
}

static int compact(struct nn_graph *g, struct dm_err *e)
{
    int n = 0;
    struct nn_value *to = dm_arena_calloc(&g->arena, (size_t)g->n_value, sizeof(*to));
    int *map = dm_arena_calloc(&g->arena, (size_t)g->n_value, sizeof(*map));
    if (!to || !map) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a graph");
    }
    for (int i = 0; i < g->n_value; i++) {
        map[i] = -1;
    }
    g->input = renumber(g, to, map, &n, g->input);
    for (int i = 0; i < g->n_node; i++) {
        struct nn_node *node = &g->node[i];
        for (int j = 0; j < node->n_in; j++) {
            node->in[j] = renumber(g, to, map, &n, node->in[j]);
            if (node->in[j] >= 0) {
                to[node->in[j]].n_uses++;
            }
        }
        for (int j = 0; j < node->n_out; j++) {
            node->out[j] = renumber(g, to, map, &n, node->out[j]);
            to[node->out[j]].producer = i;
        }
    }
    for (int i = 0; i < g->n_output; i++) {
        g->output[i] = map[g->output[i]];
        to[g->output[i]].n_uses++;
    }
    g->value = to;
    g->n_value = n;
    return DM_OK;
}

int nn_graph_new(const struct nn_model *m, int w, int h, struct nn_graph **ret, struct dm_err *e)
{
    DM_TRY(check_size(&m->info, w, h, e));
    DM_CLEANUP(nn_graph_freep) struct nn_graph *g = dm_calloc(1, sizeof(*g));
    if (!g) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a graph");
    }
    g->opset = m->opset;
    g->arena.max_bytes = LIMIT_MODEL_FILE_BYTES + 8 * (size_t)LIMIT_MODEL_FOLD;
    struct nn_fold f = {.g = g, .e = e};
    DM_TRY(start(&f, &m->source, w, h));
    DM_TRY(fold_all(&f, &m->source));
    DM_TRY(remove_dead_nodes(g, e));
    DM_TRY(compact(g, e));
    *ret = DM_STEAL(g);
    return DM_OK;
}

void nn_graph_free(struct nn_graph *g)
{
    if (!g) {
        return;
    }
    dm_arena_clear(&g->arena);
    dm_free(g);
}

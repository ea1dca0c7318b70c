/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a plan. */
#include "nn/plan.h"

#include "base/alloc.h"

static int list_users(struct match *m, struct dm_err *e)
{
    const struct nn_graph *g = m->g;
    size_t n_edge = 0;
    for (int i = 0; i < g->n_node; i++) {
        n_edge += (size_t)g->node[i].n_in;
    }
    int *edge = dm_arena_calloc(m->arena, n_edge + 1, sizeof(*edge));
    m->user = dm_arena_calloc(m->arena, (size_t)g->n_value, sizeof(*m->user));
    m->n_user = dm_arena_calloc(m->arena, (size_t)g->n_value, sizeof(*m->n_user));
    if (!edge || !m->user || !m->n_user) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d nodes", g->n_node);
    }
    for (int i = 0; i < g->n_node; i++) {
        for (int j = 0; j < g->node[i].n_in; j++) {
            if (g->node[i].in[j] >= 0) {
                m->n_user[g->node[i].in[j]]++;
            }
        }
    }
    for (int v = 0; v < g->n_value; v++) {
        m->user[v] = edge;
        edge += m->n_user[v];
        m->n_user[v] = 0;
    }
    for (int i = 0; i < g->n_node; i++) {
        for (int j = 0; j < g->node[i].n_in; j++) {
            int v = g->node[i].in[j];
            if (v >= 0) {
                m->user[v][m->n_user[v]++] = i;
            }
        }
    }
    return DM_OK;
}

static int match_init(struct match *m, const struct nn_graph *g, struct dm_arena *a,
                      struct dm_err *e)
{
    size_t n_in = 0;
    for (int i = 0; i < g->n_node; i++) {
        n_in += (size_t)g->node[i].n_in;
    }
    /* a node gives at most one step, a concatenation one copy an input; attention one copy a head
     */
    m->cap_step = (int)(n_in + (size_t)g->n_node) + 1024;
    m->g = g;
    m->arena = a;
    m->claimed = dm_arena_calloc(a, (size_t)g->n_node, sizeof(*m->claimed));
    m->step = dm_arena_calloc(a, (size_t)m->cap_step, sizeof(*m->step));
    m->place = dm_arena_calloc(a, (size_t)g->n_value, sizeof(*m->place));
    if (!m->claimed || !m->step || !m->place) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d nodes", g->n_node);
    }
    for (int i = 0; i < g->n_value; i++) {
        m->place[i].parent = -1;
    }
    return list_users(m, e);
}

/* FNV-1a over the biases of all convolutions: a few kilobytes that no two trainings share. */
static uint64_t fingerprint(const struct nn_graph *g)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < g->n_node; i++) {
        const struct nn_node *n = &g->node[i];
        if (n->kind != NN_OP_CONV || n->n_in < 3 || n->in[2] < 0) {
            continue;
        }
        const struct nn_value *bias = &g->value[n->in[2]];
        const unsigned char *bytes = bias->data;
        size_t size = bytes ? (size_t)nn_shape_count(&bias->shape) * nn_dtype_size(bias->dtype) : 0;
        for (size_t k = 0; k < size; k++) {
            hash = (hash ^ bytes[k]) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

static int build(struct nn_plan *p, const struct nn_graph *g, const struct nn_model_info *info,
                 const struct plan_options *o, struct dm_arena *a, struct dm_err *e)
{
    struct match m = {0};
    p->in_h = (int)g->value[g->input].shape.dim[2];
    p->in_w = (int)g->value[g->input].shape.dim[3];
    p->n_classes = info->n_classes;
    p->n_coefs = info->n_coefs;
    p->fingerprint = fingerprint(g);
    DM_TRY(match_init(&m, g, a, e));
    DM_TRY(plan_match_head(&m, info, e));
    DM_TRY(plan_match_body(&m, e));
    DM_TRY(plan_match_gates(&m, e));
    DM_TRY(plan_place(p, &m, o, e));
    return plan_memory(p, e);
}

int nn_plan_new(const struct nn_graph *g, const struct nn_model_info *info,
                const struct plan_options *o, struct nn_plan **ret, struct dm_err *e)
{
    DM_CLEANUP(nn_plan_freep) struct nn_plan *p = dm_calloc(1, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a plan");
    }
    struct dm_arena work = {0};
    int code = build(p, g, info, o, &work, e);
    dm_arena_clear(&work);
    DM_TRY(code);
    *ret = DM_STEAL(p);
    return DM_OK;
}

void nn_plan_free(struct nn_plan *p)
{
    if (!p) {
        return;
    }
    for (int i = 0; i < p->n_step; i++) {
        if (p->step[i].conv) {
            p->step[i].backend->conv_free(p->step[i].conv);
        }
    }
    dm_arena_clear(&p->arena);
    dm_free(p);
}

struct nn_view nn_plan_view(const struct nn_plan *p, int tensor, void *workspace,
                            const struct image *in)
{
    const struct plan_tensor *t = &p->tensor[tensor];
    struct nn_view v = {
        .dtype = t->dtype, .h = t->h, .w = t->w, .c = t->c, .scale = t->scale, .zero = t->zero};
    if (t->buffer < 0) {
        v.step = 3;
        v.data = in ? in->px : NULL;
        return v;
    }
    const struct plan_buffer *b = &p->buffer[t->buffer];
    v.step = (size_t)b->c;
    if (workspace) {
        v.data = (char *)workspace + b->offset_bytes + (size_t)t->c_off * nn_dtype_size(t->dtype);
    }
    return v;
}

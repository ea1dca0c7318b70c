/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the network ends and the decode arithmetic begins. An Ultralytics export carries the box
 * decode (softmax over 16 bins, anchors, strides, sigmoid) as ONNX nodes over all 8400 anchors; we
 * decode only the few anchors above the threshold, so those nodes are never run. They are found by
 * walking back from output0 to the last real convolutions. */
#include "nn/plan.h"

enum { BOX_CHANNELS = 64, DFL_BINS = 16 };

/* The fixed 1x1 convolution that takes the expectation over the 16 bins: weights 0..15. */
static bool is_dfl(const struct nn_graph *g, const struct nn_node *n)
{
    const struct nn_value *w = &g->value[n->in[1]];
    if (w->shape.rank != 4 || w->shape.dim[0] != 1 || w->shape.dim[1] != DFL_BINS ||
        w->shape.dim[2] != 1 || w->shape.dim[3] != 1 || !w->data) {
        return false;
    }
    const float *v = w->data;
    for (int i = 0; i < DFL_BINS; i++) {
        if (v[i] != (float)i) {
            return false;
        }
    }
    return true;
}

static bool is_head_conv(const struct nn_graph *g, int node)
{
    const struct nn_node *n = &g->node[node];
    return n->kind == NN_OP_CONV && !is_dfl(g, n);
}

/* Claim every node between output0 and the head convolutions; list those. */
static int claim_tail(struct match *m, int *ret_conv, int max_conv, struct dm_err *e)
{
    const struct nn_graph *g = m->g;
    int n_conv = 0;
    int n_stack = 0;
    int *stack = dm_arena_calloc(m->arena, (size_t)g->n_node + 1, sizeof(*stack));
    bool *seen = dm_arena_calloc(m->arena, (size_t)g->n_node + 1, sizeof(*seen));
    if (!stack || !seen) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan the head");
    }
    if (g->value[g->output[0]].producer < 0) {
        DM_FAIL(e, DM_EMODEL, "output0 is not computed by the network");
    }
    stack[n_stack++] = g->value[g->output[0]].producer;
    seen[stack[0]] = true;
    while (n_stack > 0) {
        int node = stack[--n_stack];
        if (is_head_conv(g, node)) {
            if (n_conv == max_conv) {
                DM_FAIL(e, DM_EMODEL,
                        "more than %d convolutions end in output0: not a YOLO "
                        "detection head",
                        max_conv);
            }
            ret_conv[n_conv++] = node;
            continue;
        }
        m->claimed[node] = true;
        for (int i = 0; i < g->node[node].n_in; i++) {
            int v = g->node[node].in[i];
            int p = v < 0 ? -1 : g->value[v].producer;
            if (p >= 0 && !seen[p]) {
                seen[p] = true;
                stack[n_stack++] = p;
            }
        }
    }
    return n_conv;
}

/* Level of a grid: sorted by size, the finest first. Adds it when new. */
static int level_of(struct match *m, int value, struct dm_err *e)
{
    const struct nn_value *v = &m->g->value[value];
    int l = 0;
    for (; l < m->n_level; l++) {
        const struct nn_value *seen = &m->g->value[m->cls[l] >= 0   ? m->cls[l]
                                                   : m->box[l] >= 0 ? m->box[l]
                                                                    : m->coef[l]];
        if (seen->shape.dim[2] == v->shape.dim[2] && seen->shape.dim[3] == v->shape.dim[3]) {
            return l;
        }
    }
    if (l == PLAN_LEVELS) {
        DM_FAIL(e, DM_EMODEL, "the head has more than %d grid sizes", PLAN_LEVELS);
    }
    m->box[l] = m->cls[l] = m->coef[l] = -1;
    m->n_level++;
    return l;
}

/* Which of a level's three branches a head convolution is: box and class meet in a channel
 * concatenation, box first; the mask coefficients go their own way. */
static int classify(struct match *m, int conv, struct dm_err *e)
{
    const struct nn_graph *g = m->g;
    int value = g->node[conv].out[0];
    int level = level_of(m, value, e);
    DM_TRY(level);
    int *slot = &m->coef[level];
    for (int i = 0; i < m->n_user[value]; i++) {
        const struct nn_node *user = &g->node[m->user[value][i]];
        if (user->kind == NN_OP_CONCAT && user->attr.axis == 1 && user->n_in == 2) {
            slot = user->in[0] == value ? &m->box[level] : &m->cls[level];
        }
    }
    if (*slot >= 0) {
        DM_FAIL(e, DM_EMODEL, "two convolutions feed the same branch of the head (node %s)",
                g->node[conv].name);
    }
    *slot = value;
    return DM_OK;
}

static int64_t channels(const struct match *m, int value)
{
    return value < 0 ? -1 : m->g->value[value].shape.dim[1];
}

static int check_levels(const struct match *m, const struct nn_model_info *info, struct dm_err *e)
{
    for (int l = 0; l < m->n_level; l++) {
        if (channels(m, m->box[l]) != BOX_CHANNELS || channels(m, m->cls[l]) != info->n_classes) {
            DM_FAIL(e, DM_EMODEL,
                    "level %d of the head has %d box and %d class channels, expected %d and %d: "
                    "export the model with Ultralytics 8.x, nms=False",
                    l, (int)channels(m, m->box[l]), (int)channels(m, m->cls[l]), BOX_CHANNELS,
                    info->n_classes);
        }
        if (info->n_coefs > 0 && channels(m, m->coef[l]) != info->n_coefs) {
            DM_FAIL(e, DM_EMODEL, "level %d of the head has %d mask coefficients, expected %d", l,
                    (int)channels(m, m->coef[l]), info->n_coefs);
        }
    }
    return DM_OK;
}

static void sort_levels(struct match *m)
{
    for (int i = 0; i < m->n_level; i++) {
        for (int j = i + 1; j < m->n_level; j++) {
            const struct nn_value *a = &m->g->value[m->box[i]], *b = &m->g->value[m->box[j]];
            if (b->shape.dim[2] > a->shape.dim[2]) {
                int box = m->box[i], cls = m->cls[i], coef = m->coef[i];
                m->box[i] = m->box[j], m->cls[i] = m->cls[j], m->coef[i] = m->coef[j];
                m->box[j] = box, m->cls[j] = cls, m->coef[j] = coef;
            }
        }
    }
}

int plan_match_head(struct match *m, const struct nn_model_info *info, struct dm_err *e)
{
    int conv[3 * PLAN_LEVELS];
    int n = claim_tail(m, conv, (int)DM_COUNT(conv), e);
    DM_TRY(n);
    int expected = PLAN_LEVELS * (info->n_coefs > 0 ? 3 : 2);
    if (n != expected) {
        DM_FAIL(e, DM_EMODEL,
                "%d convolutions end in output0, expected %d: not a YOLO detection "
                "head",
                n, expected);
    }
    for (int i = 0; i < n; i++) {
        DM_TRY(classify(m, conv[i], e));
    }
    if (m->n_level != PLAN_LEVELS) {
        DM_FAIL(e, DM_EMODEL, "the head has %d grid sizes, expected %d", m->n_level, PLAN_LEVELS);
    }
    DM_TRY(check_levels(m, info, e));
    sort_levels(m);
    m->proto = info->n_coefs > 0 ? m->g->output[1] : -1;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph nodes to fused steps. A convolution swallows the Sigmoid and Mul of its SiLU and, when the
 * result goes only there, the Add of a shortcut; the fourteen nodes of an attention block become
 * one step. Steps come out in the order of their last node, which keeps every input computed first.
 */
#include "nn/plan.h"

#include <math.h>

/* Capacity: see match_init in plan.c. */
static struct match_step *step_add(struct match *m, struct match_step s)
{
    DM_BUG_UNLESS(m->n_step < m->cap_step);
    s.gate = PLAN_NO_GATE;
    m->step[m->n_step] = s;
    return &m->step[m->n_step++];
}

/* The only reader of a value, -1 when there are several, none, or it leaves the network. */
static int only_user(const struct match *m, int value)
{
    const struct nn_value *v = &m->g->value[value];
    return m->n_user[value] == 1 && v->n_uses == 1 ? m->user[value][0] : -1;
}

static int other_input(const struct nn_node *n, int value)
{
    return n->in[0] == value ? n->in[1] : n->in[0];
}

static bool same_shape(const struct nn_shape *a, const struct nn_shape *b)
{
    if (a->rank != b->rank) {
        return false;
    }
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) {
            return false;
        }
    }
    return true;
}

/* x -> Sigmoid -> Mul(x, .): the Mul node, or -1. */
static int find_silu(const struct match *m, int x)
{
    const struct nn_graph *g = m->g;
    if (m->n_user[x] != 2 || g->value[x].n_uses != 2) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        int sig = m->user[x][i], mul = m->user[x][1 - i];
        if (g->node[sig].kind == NN_OP_SIGMOID && g->node[mul].kind == NN_OP_MUL &&
            only_user(m, g->node[sig].out[0]) == mul &&
            other_input(&g->node[mul], x) == g->node[sig].out[0]) {
            return mul;
        }
    }
    return -1;
}

/* Shortcut after a convolution: Add(value, other) with other of the same shape, or -1. */
static int find_shortcut(const struct match *m, int value)
{
    int add = only_user(m, value);
    if (add < 0 || m->g->node[add].kind != NN_OP_ADD || m->claimed[add]) {
        return -1;
    }
    int other = other_input(&m->g->node[add], value);
    if (other == value || m->g->value[other].data ||
        !same_shape(&m->g->value[other].shape, &m->g->value[value].shape)) {
        return -1;
    }
    return add;
}

/* Extend a convolution over what follows it; done_at[last node] remembers which one ends there. */
static void match_conv(struct match *m, int conv, int *done_at, struct match_step *pending)
{
    const struct nn_graph *g = m->g;
    struct match_step s = {.kind = PLAN_CONV, .conv = conv, .node = conv, .src2 = -1};
    s.src = g->node[conv].in[0];
    s.dst = g->node[conv].out[0];
    m->claimed[conv] = true;
    int mul = find_silu(m, s.dst);
    if (mul >= 0) {
        m->claimed[g->value[other_input(&g->node[mul], s.dst)].producer] = true;
        m->claimed[mul] = true;
        s.silu = true;
        s.dst = g->node[mul].out[0];
        s.node = mul;
    }
    int add = find_shortcut(m, s.dst);
    if (add >= 0) {
        m->claimed[add] = true;
        s.src2 = other_input(&g->node[add], s.dst);
        s.dst = g->node[add].out[0];
        s.node = add;
    }
    done_at[s.node] = conv;
    pending[conv] = s;
}

/* Follow one reader of the wanted kind. */
static int user_of_kind(const struct match *m, int value, enum nn_op_kind kind)
{
    for (int i = 0; i < m->n_user[value]; i++) {
        if (m->g->node[m->user[value][i]].kind == kind) {
            return m->user[value][i];
        }
    }
    return -1;
}

static int producer(const struct match *m, int value, enum nn_op_kind kind)
{
    int p = value < 0 ? -1 : m->g->value[value].producer;
    return p >= 0 && m->g->node[p].kind == kind ? p : -1;
}

/* The attention block around a Softmax. All node numbers, -1 when missing. */
struct attention_nodes {
    int softmax, scale, qk, q_transpose, split, reshape_in, transpose, av, reshape_out, reshape_v;
};

static bool is_map(const struct nn_shape *s, int64_t c, int64_t h, int64_t w)
{
    return s->rank == 4 && s->dim[0] == 1 && s->dim[1] == c && s->dim[2] == h && s->dim[3] == w;
}

/* [1, heads * (2 key_c + value_c), H, W] in, [1, heads * value_c, H, W] out, matrices in between.
 */
static bool attention_shapes_fit(const struct match *m, const struct attention_nodes *a)
{
    const struct nn_graph *g = m->g;
    const struct nn_shape *in = &g->value[g->node[a->reshape_in].in[0]].shape;
    const struct nn_shape *rows = &g->value[g->node[a->reshape_in].out[0]].shape;
    const struct nn_shape *q = &g->value[g->node[a->split].out[0]].shape;
    const struct nn_shape *k = &g->value[g->node[a->split].out[1]].shape;
    const struct nn_shape *v = &g->value[g->node[a->split].out[2]].shape;
    const struct nn_shape *soft = &g->value[g->node[a->softmax].out[0]].shape;
    if (in->rank != 4 || rows->rank != 4 || q->rank != 4 || k->rank != 4 || v->rank != 4 ||
        soft->rank != 4 || rows->dim[1] > ATTENTION_HEADS_MAX) {
        return false;
    }
    int64_t heads = rows->dim[1], h = in->dim[2], w = in->dim[3], n = h * w;
    int axis = g->node[a->softmax].attr.axis;
    return in->dim[1] == heads * (2 * q->dim[2] + v->dim[2]) && rows->dim[3] == n &&
           q->dim[2] == k->dim[2] && soft->dim[2] == n && soft->dim[3] == n &&
           (axis == 3 || axis == -1) &&
           is_map(&g->value[g->node[a->reshape_out].out[0]].shape, heads * v->dim[2], h, w) &&
           is_map(&g->value[g->node[a->reshape_v].out[0]].shape, heads * v->dim[2], h, w);
}

static bool find_attention(const struct match *m, int softmax, struct attention_nodes *a)
{
    const struct nn_graph *g = m->g;
    *a = (struct attention_nodes){.softmax = softmax};
    a->scale = producer(m, g->node[softmax].in[0], NN_OP_MUL);
    if (a->scale < 0) {
        return false;
    }
    int product =
        g->value[g->node[a->scale].in[0]].data ? g->node[a->scale].in[1] : g->node[a->scale].in[0];
    a->qk = producer(m, product, NN_OP_MATMUL);
    if (a->qk < 0) {
        return false;
    }
    a->q_transpose = producer(m, g->node[a->qk].in[0], NN_OP_TRANSPOSE);
    a->split = producer(m, g->node[a->qk].in[1], NN_OP_SPLIT);
    if (a->q_transpose < 0 || a->split < 0 || g->node[a->split].n_out != 3) {
        return false;
    }
    a->reshape_in = producer(m, g->node[a->split].in[0], NN_OP_RESHAPE);
    a->transpose = user_of_kind(m, g->node[softmax].out[0], NN_OP_TRANSPOSE);
    if (a->reshape_in < 0 || a->transpose < 0) {
        return false;
    }
    a->av = user_of_kind(m, g->node[a->transpose].out[0], NN_OP_MATMUL);
    if (a->av < 0) {
        return false;
    }
    a->reshape_out = user_of_kind(m, g->node[a->av].out[0], NN_OP_RESHAPE);
    int v = g->node[a->split].out[2];
    a->reshape_v = user_of_kind(m, v, NN_OP_RESHAPE);
    return a->reshape_out >= 0 && a->reshape_v >= 0 && g->node[a->av].in[0] == v &&
           g->node[a->q_transpose].in[0] == g->node[a->split].out[0] &&
           g->node[a->qk].in[1] == g->node[a->split].out[1] && attention_shapes_fit(m, a);
}

/* Two copies or more carry v, head by head, out of the interleaved q, k, v channels. */
static void pend_attention(struct match *m, const struct attention_nodes *a, int *done_at,
                           struct match_step *pending)
{
    const struct nn_graph *g = m->g;
    const struct nn_value *in = &g->value[g->node[a->reshape_in].out[0]];
    const struct nn_value *qkv = &g->value[g->node[a->reshape_in].in[0]];
    const int scale_in = g->value[g->node[a->scale].in[0]].data ? 0 : 1;
    const float *scale = g->value[g->node[a->scale].in[scale_in]].data;
    struct match_step s = {.kind = PLAN_ATTENTION, .node = a->reshape_out, .src2 = -1};
    s.src = g->node[a->reshape_in].in[0];
    s.dst = g->node[a->reshape_out].out[0];
    s.attention = (struct nn_attention_desc){
        .h = (int)qkv->shape.dim[2],
        .w = (int)qkv->shape.dim[3],
        .heads = (int)in->shape.dim[1],
        .key_c = (int)g->value[g->node[a->split].out[0]].shape.dim[2],
        .value_c = (int)g->value[g->node[a->split].out[2]].shape.dim[2],
        .scale = scale ? *scale : NAN,
    };
    done_at[a->reshape_out] = a->reshape_out;
    pending[a->reshape_out] = s;
    s.kind = PLAN_COPY;
    s.node = a->reshape_v;
    s.dst = g->node[a->reshape_v].out[0];
    done_at[a->reshape_v] = a->reshape_v;
    pending[a->reshape_v] = s;
    const int claim[] = {a->softmax,    a->scale,     a->qk, a->q_transpose, a->split,
                         a->reshape_in, a->transpose, a->av, a->reshape_out, a->reshape_v};
    for (size_t i = 0; i < DM_COUNT(claim); i++) {
        m->claimed[claim[i]] = true;
    }
}

static void emit_value_copies(struct match *m, const struct match_step *s)
{
    const struct nn_attention_desc *a = &s->attention;
    for (int head = 0; head < a->heads; head++) {
        struct match_step *c = step_add(m, *s);
        c->src_c_off = head * (2 * a->key_c + a->value_c) + 2 * a->key_c;
        c->dst_c_off = head * a->value_c;
        c->c = a->value_c;
    }
}

static bool is_doubled(const struct match *m, int small, int large)
{
    const struct nn_shape *a = &m->g->value[small].shape, *b = &m->g->value[large].shape;
    return a->rank == 4 && is_map(b, a->dim[1], 2 * a->dim[2], 2 * a->dim[3]);
}

static int emit_simple(struct match *m, int node, struct dm_err *e)
{
    const struct nn_node *n = &m->g->node[node];
    struct match_step s = {.node = node, .conv = -1, .src = n->in[0], .src2 = -1, .dst = n->out[0]};
    if (n->kind == NN_OP_ADD && !m->g->value[n->in[0]].data && !m->g->value[n->in[1]].data &&
        same_shape(&m->g->value[n->in[0]].shape, &m->g->value[n->in[1]].shape)) {
        s.kind = PLAN_ADD;
        s.src2 = n->in[1];
    } else if (n->kind == NN_OP_RESIZE && is_doubled(m, n->in[0], n->out[0])) {
        s.kind = PLAN_UPSAMPLE;
    } else if (n->kind == NN_OP_MAX_POOL && n->attr.stride[0] == 1 && n->attr.kernel[0] % 2 == 1 &&
               n->attr.pad[0] == n->attr.kernel[0] / 2) {
        s.kind = PLAN_MAX_POOL;
        s.kernel = n->attr.kernel[0];
    } else {
        DM_FAIL(e, DM_EMODEL,
                "node %s stands where a YOLO network has none: this is not a YOLO11 "
                "or YOLOv8 export",
                n->name);
    }
    (void)step_add(m, s);
    return DM_OK;
}

/* A concatenation's inputs are placed inside it when nothing else has a claim on where they live;
 * an input that is already placed elsewhere is copied. */
static void place_concat(struct match *m, int node)
{
    const struct nn_graph *g = m->g;
    const struct nn_node *n = &g->node[node];
    int off = 0;
    for (int i = 0; i < n->n_in;) {
        int v = n->in[i];
        int c = (int)g->value[v].shape.dim[1];
        int split = producer(m, v, NN_OP_SPLIT);
        int run = 1;
        int whole = v;
        if (split >= 0) { /* consecutive outputs of one split stand for the value it split */
            const struct nn_node *s = &g->node[split];
            while (run < s->n_out && i + run < n->n_in && n->in[i + run] == s->out[run]) {
                c += (int)g->value[s->out[run]].shape.dim[1];
                run++;
            }
            whole = run == s->n_out && v == s->out[0] ? s->in[0] : -1;
            if (whole < 0) {
                run = 1;
                c = (int)g->value[v].shape.dim[1];
            }
        }
        if (whole >= 0 && m->place[whole].parent < 0 && whole != g->input &&
            !g->value[whole].data && producer(m, whole, NN_OP_SPLIT) < 0) {
            m->place[whole] = (struct match_place){n->out[0], off};
        } else {
            (void)step_add(m, (struct match_step){.kind = PLAN_COPY,
                                                  .node = node,
                                                  .conv = -1,
                                                  .src = v,
                                                  .src2 = -1,
                                                  .dst = n->out[0],
                                                  .dst_c_off = off,
                                                  .c = c});
        }
        off += c;
        i += run;
    }
}

static void place_split(struct match *m, int node)
{
    const struct nn_node *n = &m->g->node[node];
    int off = 0;
    for (int i = 0; i < n->n_out; i++) {
        m->place[n->out[i]] = (struct match_place){n->in[0], off};
        off += (int)m->g->value[n->out[i]].shape.dim[1];
    }
}

static bool is_convolution(const struct nn_node *n)
{
    return n->kind == NN_OP_CONV || n->kind == NN_OP_CONV_TRANSPOSE;
}

int plan_match_body(struct match *m, struct dm_err *e)
{
    const struct nn_graph *g = m->g;
    int *done_at = dm_arena_calloc(m->arena, (size_t)g->n_node, sizeof(*done_at));
    struct match_step *pending = dm_arena_calloc(m->arena, (size_t)g->n_node, sizeof(*pending));
    if (!done_at || !pending) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d nodes", g->n_node);
    }
    for (int i = 0; i < g->n_node; i++) {
        done_at[i] = -1;
    }
    for (int i = 0; i < g->n_node; i++) {
        struct attention_nodes a;
        if (g->node[i].kind == NN_OP_SOFTMAX && !m->claimed[i] && find_attention(m, i, &a)) {
            pend_attention(m, &a, done_at, pending);
        }
    }
    for (int i = 0; i < g->n_node; i++) {
        if (is_convolution(&g->node[i]) && !m->claimed[i]) {
            match_conv(m, i, done_at, pending);
        }
    }
    for (int i = 0; i < g->n_node; i++) {
        if (done_at[i] >= 0 && pending[done_at[i]].kind == PLAN_COPY) {
            emit_value_copies(m, &pending[done_at[i]]);
        } else if (done_at[i] >= 0) {
            (void)step_add(m, pending[done_at[i]]);
        } else if (m->claimed[i]) {
            continue;
        } else if (g->node[i].kind == NN_OP_SPLIT && g->node[i].attr.axis == 1) {
            place_split(m, i);
        } else if (g->node[i].kind == NN_OP_CONCAT && g->node[i].attr.axis == 1) {
            place_concat(m, i);
        } else {
            DM_TRY(emit_simple(m, i, e));
        }
    }
    return DM_OK;
}

/* Mark, walking backwards, the steps whose results are read by gated steps of one level alone. */
static void mark_gate(struct match *m, int value, int level, int *gate_of_value, int *halo_of_value)
{
    gate_of_value[value] = level;
    for (int i = m->n_step - 1; i >= 0; i--) {
        struct match_step *s = &m->step[i];
        if (s->kind != PLAN_CONV || gate_of_value[s->dst] != level || s->gate != PLAN_NO_GATE) {
            continue;
        }
        s->gate = level;
        s->halo = halo_of_value[s->dst];
        const struct nn_attrs *a = &m->g->node[s->conv].attr;
        if (m->g->value[s->src].producer >= 0 && m->place[s->src].parent < 0 &&
            m->n_user[s->src] == 1 && s->src2 < 0 && a->stride[0] == 1) {
            gate_of_value[s->src] = level; /* its producer exists for this branch only */
            halo_of_value[s->src] = s->halo + a->pad[0];
        }
    }
}

int plan_match_gates(struct match *m, struct dm_err *e)
{
    int *gate = dm_arena_calloc(m->arena, (size_t)m->g->n_value, sizeof(*gate));
    int *halo = dm_arena_calloc(m->arena, (size_t)m->g->n_value, sizeof(*halo));
    struct match_step *sorted = dm_arena_calloc(m->arena, (size_t)m->n_step, sizeof(*sorted));
    if (!gate || !halo || !sorted) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d steps", m->n_step);
    }
    for (int i = 0; i < m->g->n_value; i++) {
        gate[i] = PLAN_NO_GATE;
    }
    for (int l = 0; l < m->n_level; l++) {
        mark_gate(m, m->box[l], l, gate, halo);
        if (m->coef[l] >= 0) {
            mark_gate(m, m->coef[l], l, gate, halo);
        }
    }
    int n = 0;
    for (int g = PLAN_NO_GATE; g < m->n_level; g++) {
        for (int i = 0; i < m->n_step; i++) {
            if (m->step[i].gate == g) {
                sorted[n++] = m->step[i];
            }
        }
    }
    DM_BUG_UNLESS(n == m->n_step);
    m->step = sorted;
    return DM_OK;
}

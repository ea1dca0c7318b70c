/* SPDX-License-Identifier: Apache-2.0
 *
 * Values to memory: each value lives in its own buffer or inside another value's, in the element
 * type the precision asks for; then the convolutions are handed to the back ends. */
#include "nn/plan.h"

#include <math.h>

#include "base/alloc.h"
#include "nn/diffuse.h"

struct place {
    struct nn_plan *plan;
    struct match *m;
    const struct plan_options *o;
    int *buffer_of_root;      /* [n_value] -1 = none yet */
    enum nn_dtype *root_type; /* [n_value] */
    float (*root_range)[2];   /* [n_value] union of what is written there, for U8 */
    bool *root_written;       /* [n_value] by a step already placed */
};

static int root_of(const struct match *m, int value, int *ret_off)
{
    int off = 0;
    while (m->place[value].parent >= 0) {
        off += m->place[value].off;
        value = m->place[value].parent;
    }
    *ret_off = off;
    return value;
}

static enum nn_dtype default_type(enum nn_precision p)
{
    return p == NN_PRECISION_F32 ? NN_F32 : p == NN_PRECISION_BF16 ? NN_BF16 : NN_U8;
}

static void force_type(struct place *pl, int value, enum nn_dtype t)
{
    int off;
    pl->root_type[root_of(pl->m, value, &off)] = t;
}

/* Attention works on floats; what leaves the network is f32. */
static void choose_types(struct place *pl)
{
    struct match *m = pl->m;
    for (int i = 0; i < m->g->n_value; i++) {
        pl->root_type[i] = default_type(pl->o->precision);
    }
    if (pl->o->precision == NN_PRECISION_INT8) {
        for (int i = 0; i < m->n_step; i++) {
            const struct match_step *s = &m->step[i];
            if (s->kind == PLAN_ATTENTION) {
                force_type(pl, s->src, NN_BF16);
                force_type(pl, s->dst, NN_BF16);
            }
        }
        for (int i = 0; i < m->n_step; i++) { /* v follows qkv; pe adds to the attention's result */
            const struct match_step *s = &m->step[i];
            int from = s->kind == PLAN_COPY ? s->src : s->kind == PLAN_CONV ? s->src2 : -1;
            int off;
            if (from >= 0 && pl->root_type[root_of(m, from, &off)] == NN_BF16) {
                force_type(pl, s->dst, NN_BF16);
            }
        }
    }
    for (int l = 0; l < m->n_level; l++) {
        force_type(pl, m->box[l], NN_F32);
        force_type(pl, m->cls[l], NN_F32);
        if (m->coef[l] >= 0) {
            force_type(pl, m->coef[l], NN_F32);
        }
    }
    if (m->proto >= 0) {
        force_type(pl, m->proto, NN_F32);
    }
}

static void join_ranges(struct place *pl)
{
    struct match *m = pl->m;
    for (int i = 0; i < m->g->n_value; i++) {
        pl->root_range[i][0] = 0;
        pl->root_range[i][1] = 0;
    }
    for (int i = 0; pl->o->ranges && i < m->n_step; i++) {
        int off;
        int root = root_of(m, m->step[i].dst, &off);
        const float *r = pl->o->ranges->range[i];
        pl->root_range[root][0] = fminf(pl->root_range[root][0], r[0]);
        pl->root_range[root][1] = fmaxf(pl->root_range[root][1], r[1]);
    }
}

static int buffer_for(struct place *pl, int root)
{
    if (pl->buffer_of_root[root] >= 0) {
        return pl->buffer_of_root[root];
    }
    struct nn_plan *p = pl->plan;
    const struct nn_shape *s = &pl->m->g->value[root].shape;
    p->buffer[p->n_buffer] = (struct plan_buffer){
        .h = (int)s->dim[2],
        .w = (int)s->dim[3],
        .c = (int)s->dim[1],
        .dtype = pl->root_type[root],
    };
    return pl->buffer_of_root[root] = p->n_buffer++;
}

static void quantise(const struct place *pl, int root, struct plan_tensor *t)
{
    float lo = pl->root_range[root][0], hi = pl->root_range[root][1];
    t->scale = hi > lo ? (hi - lo) / 255.0f : 1.0f;
    t->zero = (int)lrintf(-lo / t->scale);
    t->zero = DM_CLAMP(t->zero, 0, 255);
}

/* Tensor of channels [c_off, c_off + c) of a value; c 0 = all. */
static int tensor_for(struct place *pl, int value, int c_off, int c)
{
    struct nn_plan *p = pl->plan;
    const struct nn_graph *g = pl->m->g;
    const struct nn_shape *s = &g->value[value].shape;
    struct plan_tensor t = {.buffer = -1,
                            .h = (int)s->dim[2],
                            .w = (int)s->dim[3],
                            .c = c ? c : (int)s->dim[1],
                            .dtype = NN_U8,
                            .scale = 1.0f / 255.0f};
    if (value != g->input) {
        int off;
        int root = root_of(pl->m, value, &off);
        t.buffer = buffer_for(pl, root);
        t.c_off = off + c_off;
        t.dtype = pl->root_type[root];
        quantise(pl, root, &t);
    }
    p->tensor[p->n_tensor] = t;
    return p->n_tensor++;
}

static int conv_desc(const struct place *pl, const struct match_step *s, struct nn_conv_desc *d,
                     struct dm_err *e)
{
    const struct nn_graph *g = pl->m->g;
    const struct nn_node *n = &g->node[s->conv];
    const struct nn_value *w = &g->value[n->in[1]];
    const struct nn_shape *in = &g->value[s->src].shape;
    const struct nn_attrs *a = &n->attr;
    bool transposed = n->kind == NN_OP_CONV_TRANSPOSE;
    bool square = a->kernel[0] == a->kernel[1] && a->stride[0] == a->stride[1] &&
                  a->pad[0] == a->pad[1] && a->pad[0] == a->pad[2] && a->pad[0] == a->pad[3] &&
                  a->dilation[0] == 1 && a->dilation[1] == 1;
    bool depthwise = !transposed && a->group > 1;
    int out_c = (int)g->value[n->out[0]].shape.dim[1];
    if (!w->data || !square || (depthwise && (a->group != in->dim[1] || out_c != a->group)) ||
        (transposed && (a->kernel[0] != 2 || a->stride[0] != 2 || a->pad[0] != 0))) {
        DM_FAIL(e, DM_EMODEL,
                "convolution %s has a kernel, group or padding that YOLO11 and "
                "YOLOv8 do not use",
                n->name);
    }
    *d = (struct nn_conv_desc){
        .in_h = (int)in->dim[2],
        .in_w = (int)in->dim[3],
        .in_c = (int)in->dim[1],
        .out_c = out_c,
        .kernel = a->kernel[0],
        .stride = a->stride[0],
        .pad = a->pad[0],
        .depthwise = depthwise,
        .transposed = transposed,
        .silu = s->silu,
        .residual = s->src2 >= 0,
        .weight = w->data,
        .bias = n->n_in > 2 && n->in[2] >= 0 ? g->value[n->in[2]].data : NULL,
    };
    return DM_OK;
}

static int prepare_conv(struct place *pl, const struct match_step *ms, struct plan_step *s,
                        struct dm_err *e)
{
    struct nn_conv_desc d;
    DM_TRY(conv_desc(pl, ms, &d, e));
    const struct plan_tensor *src = &pl->plan->tensor[s->src], *dst = &pl->plan->tensor[s->dst];
    d.src = src->dtype, d.src_scale = src->scale, d.src_zero = src->zero;
    d.dst = dst->dtype, d.dst_scale = dst->scale, d.dst_zero = dst->zero;
    if (s->src2 >= 0) {
        const struct plan_tensor *r = &pl->plan->tensor[s->src2];
        if (r->dtype != d.dst) {
            DM_FAIL(e, DM_EMODEL, "the shortcut into %s has another element type than its result",
                    pl->m->g->node[ms->conv].name);
        }
        d.residual_scale = r->scale, d.residual_zero = r->zero;
    }
    d.compute = pl->o->precision == NN_PRECISION_F32                             ? NN_F32
                : pl->o->precision == NN_PRECISION_BF16 || src->dtype == NN_BF16 ? NN_BF16
                                                                                 : NN_I8;
    DM_CLEANUP(dm_freep) float *rounded = NULL;
    DM_TRY(nn_weights_diffuse(&d, &rounded, e));
    for (const struct nn_backend *const *b = pl->o->backend; *b; b++) {
        struct dm_err refused = {0};
        int code = (*b)->conv_new(&d, &s->conv, &refused);
        if (code >= 0) {
            s->backend = *b;
            return DM_OK;
        }
        if (code != DM_EUNSUPPORTED) {
            DM_FAIL(e, code, "%s", dm_err_text(&refused));
        }
    }
    DM_FAIL(e, DM_EUNSUPPORTED,
            "no back end of this processor runs convolution %s (%dx%d, %d to "
            "%d channels)",
            pl->m->g->node[ms->conv].name, d.kernel, d.kernel, d.in_c, d.out_c);
}

/* A feature map that an earlier step has computed (want_written), or any feature map. */
static int check_map(struct place *pl, int value, bool want_written, struct dm_err *e)
{
    const struct nn_value *v = &pl->m->g->value[value];
    int off;
    int root = root_of(pl->m, value, &off);
    if (v->shape.rank != 4 || v->shape.dim[0] != 1 ||
        (want_written && value != pl->m->g->input && !pl->root_written[root])) {
        DM_FAIL(e, DM_EMODEL, "tensor %s is used in a way YOLO11 and YOLOv8 do not use", v->name);
    }
    pl->root_written[root] = true;
    return DM_OK;
}

static int place_step(struct place *pl, const struct match_step *ms, struct dm_err *e)
{
    struct nn_plan *p = pl->plan;
    struct plan_step s = {.kind = ms->kind,
                          .gate = ms->gate,
                          .halo = ms->halo,
                          .node = ms->node,
                          .src2 = -1,
                          .kernel = ms->kernel,
                          .attention = ms->attention};
    bool part = ms->kind == PLAN_COPY;
    DM_TRY(check_map(pl, ms->src, true, e));
    if (ms->src2 >= 0) {
        DM_TRY(check_map(pl, ms->src2, true, e));
    }
    DM_TRY(check_map(pl, ms->dst, false, e));
    s.src = tensor_for(pl, ms->src, part ? ms->src_c_off : 0, part ? ms->c : 0);
    s.dst = tensor_for(pl, ms->dst, part ? ms->dst_c_off : 0, part ? ms->c : 0);
    if (ms->src2 >= 0) {
        s.src2 = tensor_for(pl, ms->src2, 0, 0);
    }
    if (s.kind == PLAN_ATTENTION) {
        s.attention.dtype = p->tensor[s.src].dtype;
    }
    /* counted before it is prepared, so that a failure half-way still frees what exists */
    struct plan_step *slot = &p->step[p->n_step++];
    *slot = s;
    return s.kind == PLAN_CONV ? prepare_conv(pl, ms, slot, e) : DM_OK;
}

int plan_place(struct nn_plan *p, struct match *m, const struct plan_options *o, struct dm_err *e)
{
    size_t n_value = (size_t)m->g->n_value;
    size_t max_tensor = 3 * (size_t)m->n_step + 3 * PLAN_LEVELS + 1;
    struct place pl = {.plan = p, .m = m, .o = o};
    pl.buffer_of_root = dm_arena_calloc(m->arena, n_value, sizeof(int));
    pl.root_type = dm_arena_calloc(m->arena, n_value, sizeof(*pl.root_type));
    pl.root_range = dm_arena_calloc(m->arena, n_value, sizeof(*pl.root_range));
    pl.root_written = dm_arena_calloc(m->arena, n_value, sizeof(bool));
    p->tensor = dm_arena_calloc(&p->arena, max_tensor, sizeof(*p->tensor));
    p->buffer = dm_arena_calloc(&p->arena, n_value, sizeof(*p->buffer));
    p->step = dm_arena_calloc(&p->arena, (size_t)m->n_step, sizeof(*p->step));
    if (!pl.buffer_of_root || !pl.root_type || !pl.root_range || !pl.root_written || !p->tensor ||
        !p->buffer || !p->step) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d steps", m->n_step);
    }
    if (o->precision == NN_PRECISION_INT8 &&
        (!o->ranges || o->ranges->n != m->n_step || o->ranges->fingerprint != p->fingerprint)) {
        DM_FAIL(e, DM_EMODEL,
                "the int8 calibration belongs to another model: run `demeter model "
                "quantize` again");
    }
    for (size_t i = 0; i < n_value; i++) {
        pl.buffer_of_root[i] = -1;
    }
    choose_types(&pl);
    join_ranges(&pl);
    for (int i = 0; i < m->n_step; i++) {
        DM_TRY(place_step(&pl, &m->step[i], e));
    }
    for (int l = 0; l < m->n_level; l++) {
        struct plan_level *to = &p->level[l];
        to->box = tensor_for(&pl, m->box[l], 0, 0);
        to->cls = tensor_for(&pl, m->cls[l], 0, 0);
        to->coef = m->coef[l] >= 0 ? tensor_for(&pl, m->coef[l], 0, 0) : -1;
        to->h = p->tensor[to->box].h;
        to->w = p->tensor[to->box].w;
        to->stride = p->in_w / to->w;
        if (to->h > PLAN_GRID_ROWS_MAX) {
            DM_FAIL(e, DM_EMODEL, "a head with %d rows: the limit is %d", to->h,
                    PLAN_GRID_ROWS_MAX);
        }
    }
    p->n_level = m->n_level;
    p->proto = m->proto >= 0 ? tensor_for(&pl, m->proto, 0, 0) : -1;
    return DM_OK;
}

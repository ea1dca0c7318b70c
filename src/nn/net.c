/* SPDX-License-Identifier: Apache-2.0
 *
 * Nets and sessions. A net keeps the plans of the input sizes it has met; a session keeps one
 * workspace and a reference to the plan it ran last. */
#include "nn/net.h"

#include <cpuid.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "base/limits.h"
#include "nn/calibration.h"
#include "nn/onednn/onednn.h"
#include "nn/plan.h"

const char *const nn_precision_names[] = {"auto", "f32", "bf16", "int8", NULL};

enum { BACKENDS = 3 };

const struct nn_backend *const nn_backends[] = {&nn_backend_avx512, &nn_backend_onednn,
                                                &nn_backend_ref, NULL};

struct cached_plan {
    struct nn_plan *plan;
    unsigned refs;      /* sessions that use it */
    unsigned long used; /* clock of the net at its last use */
};

/* Locking: cache, clock - mu; everything else is set by nn_net_new and read-only afterwards */
struct nn_net {
    const struct nn_model *model;
    enum nn_precision precision;
    const struct nn_backend *backend[BACKENDS + 1]; /* NULL-ended, order of preference */
    char description[64];
    struct nn_calibration calibration;
    pthread_mutex_t mu;
    struct cached_plan cache[LIMIT_PLANS];
    unsigned long clock;
};

struct nn_session {
    struct nn_net *net;
    struct cached_plan *plan;
    void *workspace; /* scratch follows it */
    size_t size_bytes;
    struct dm_pool *pool; /* NULL = the calling thread alone */
    struct image input;   /* dense copy of an input with padded rows */
};

/* ---- choosing ---- */

/* Tile registers: there oneDNN's AMX kernels beat AVX-512 (docs/decisions/006-kernels.md). */
static bool has_amx_bf16(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 22)) && (d & (1u << 24));
}

static bool any_supports(enum nn_precision p)
{
    for (const struct nn_backend *const *b = nn_backends; *b; b++) {
        if (*b != &nn_backend_ref && (*b)->supports(p)) {
            return true;
        }
    }
    return false;
}

static enum nn_precision pick_precision(const struct nn_net *net, enum nn_precision asked)
{
    if (asked != NN_PRECISION_AUTO) {
        return asked;
    }
    if (net->calibration.n > 0 && any_supports(NN_PRECISION_INT8)) {
        return NN_PRECISION_INT8;
    }
    return any_supports(NN_PRECISION_BF16) ? NN_PRECISION_BF16 : NN_PRECISION_F32;
}

/* Move one of the chosen back ends to the front. */
static void prefer(const struct nn_backend **list, const struct nn_backend *wanted)
{
    for (int i = 1; list[i]; i++) {
        if (list[i] == wanted) {
            list[i] = list[0];
            list[0] = wanted;
        }
    }
}

static int pick_backends(struct nn_net *net, const char *wanted, struct dm_err *e)
{
    bool automatic = !wanted || strcmp(wanted, "auto") == 0;
    bool known = automatic;
    int n = 0;
    for (const struct nn_backend *const *b = nn_backends; *b; b++) {
        bool named = !automatic && strcmp((*b)->name, wanted) == 0;
        known = known || named;
        if ((automatic || named) && (*b)->supports(net->precision)) {
            net->backend[n++] = *b;
        }
    }
    if (!known) {
        DM_FAIL(e, DM_EUSAGE, "no back end \"%s\": use auto, avx512, onednn or ref", wanted);
    }
    if (n == 0) {
        DM_FAIL(e, DM_EUNSUPPORTED,
                "this processor has no %s for back end %s: use --precision auto",
                nn_precision_names[net->precision], automatic ? "auto" : wanted);
    }
    if (net->precision == NN_PRECISION_BF16 && has_amx_bf16()) {
        prefer(net->backend, &nn_backend_onednn);
    }
    int v[3];
    nn_onednn_version(v);
    if (net->backend[0] == &nn_backend_onednn) {
        (void)snprintf(net->description, sizeof(net->description), "onednn %d.%d.%d", v[0], v[1],
                       v[2]);
    } else {
        (void)snprintf(net->description, sizeof(net->description), "%s", net->backend[0]->name);
    }
    return DM_OK;
}

/* ---- plans ---- */

static int plan_make(const struct nn_net *net, int w, int h, struct nn_plan **ret, struct dm_err *e)
{
    DM_CLEANUP(nn_graph_freep) struct nn_graph *g = NULL;
    DM_TRY(nn_graph_new(net->model, w, h, &g, e));
    struct plan_ranges ranges = {net->calibration.range, net->calibration.n,
                                 net->calibration.fingerprint};
    struct plan_options o = {
        .precision = net->precision,
        .backend = net->backend,
        .ranges = net->precision == NN_PRECISION_INT8 ? &ranges : NULL,
    };
    return nn_plan_new(g, nn_model_info(net->model), &o, ret, e);
}

static struct cached_plan *find_plan(struct nn_net *net, int w, int h)
{
    for (int i = 0; i < LIMIT_PLANS; i++) {
        struct nn_plan *p = net->cache[i].plan;
        if (p && p->in_w == w && p->in_h == h) {
            return &net->cache[i];
        }
    }
    return NULL;
}

/* A free place, or the longest unused one, or NULL when all are in use. */
static struct cached_plan *free_place(struct nn_net *net)
{
    struct cached_plan *best = NULL;
    for (int i = 0; i < LIMIT_PLANS; i++) {
        struct cached_plan *c = &net->cache[i];
        if (!c->plan) {
            return c;
        }
        if (c->refs == 0 && (!best || c->used < best->used)) {
            best = c;
        }
    }
    return best;
}

static int plan_ref(struct nn_net *net, int w, int h, struct cached_plan **ret, struct dm_err *e)
{
    int code = DM_OK;
    (void)pthread_mutex_lock(&net->mu);
    struct cached_plan *c = find_plan(net, w, h);
    if (!c) {
        struct nn_plan *plan = NULL;
        c = free_place(net);
        code = c ? plan_make(net, w, h, &plan, e)
                 : dm_err_set(e, DM_ELIMIT, __FILE__, __LINE__,
                              "more than %d input sizes at the same time", LIMIT_PLANS);
        if (code >= 0) {
            nn_plan_free(c->plan);
            *c = (struct cached_plan){.plan = plan};
        }
    }
    if (code >= 0) {
        c->refs++;
        c->used = ++net->clock;
        *ret = c;
    }
    (void)pthread_mutex_unlock(&net->mu);
    return code;
}

static void plan_unref(struct nn_net *net, struct cached_plan *c)
{
    if (c) {
        (void)pthread_mutex_lock(&net->mu);
        c->refs--;
        (void)pthread_mutex_unlock(&net->mu);
    }
}

/* ---- nets ---- */

int nn_net_new(const struct nn_model *m, const struct nn_net_options *o, struct nn_net **ret,
               struct dm_err *e)
{
    DM_CLEANUP(nn_net_freep) struct nn_net *net = dm_calloc(1, sizeof(*net));
    if (!net) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a network");
    }
    (void)pthread_mutex_init(&net->mu, NULL);
    net->model = m;
    if (o->calibration &&
        (o->precision == NN_PRECISION_AUTO || o->precision == NN_PRECISION_INT8)) {
        DM_TRY(nn_calibration_read(o->calibration, o->precision == NN_PRECISION_INT8,
                                   &net->calibration, e));
    }
    net->precision = pick_precision(net, o->precision);
    DM_TRY(pick_backends(net, o->backend, e));
    const struct nn_model_info *info = nn_model_info(m);
    struct cached_plan *first = NULL; /* fail now rather than at the first photo */
    DM_TRY(plan_ref(net, info->input_w, info->input_h, &first, e));
    plan_unref(net, first);
    *ret = DM_STEAL(net);
    return DM_OK;
}

void nn_net_free(struct nn_net *net)
{
    if (!net) {
        return;
    }
    for (int i = 0; i < LIMIT_PLANS; i++) {
        DM_BUG_UNLESS(net->cache[i].refs == 0);
        nn_plan_free(net->cache[i].plan);
    }
    nn_calibration_clear(&net->calibration);
    (void)pthread_mutex_destroy(&net->mu);
    dm_free(net);
}

const struct nn_model_info *nn_net_info(const struct nn_net *net)
{
    return nn_model_info(net->model);
}

const char *nn_net_backend(const struct nn_net *net)
{
    return net->description;
}

enum nn_precision nn_net_precision(const struct nn_net *net)
{
    return net->precision;
}

/* ---- sessions ---- */

int nn_session_new(struct nn_net *net, struct dm_pool *pool, struct nn_session **ret,
                   struct dm_err *e)
{
    struct nn_session *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a session");
    }
    s->net = net;
    s->pool = pool;
    *ret = s;
    return DM_OK;
}

void nn_session_free(struct nn_session *s)
{
    if (s) {
        plan_unref(s->net, s->plan);
        image_clear(&s->input);
        dm_free(s->workspace);
        dm_free(s);
    }
}

static int take_plan(struct nn_session *s, int w, int h, struct dm_err *e)
{
    if (s->plan && s->plan->plan->in_w == w && s->plan->plan->in_h == h) {
        return DM_OK;
    }
    struct cached_plan *plan = NULL;
    DM_TRY(plan_ref(s->net, w, h, &plan, e));
    plan_unref(s->net, s->plan);
    s->plan = plan;
    size_t size;
    if (!dm_mul_size(plan->plan->scratch_bytes, dm_pool_size(s->pool), &size) ||
        !dm_add_size(plan->plan->workspace_bytes, size, &size)) {
        DM_FAIL(e, DM_ELIMIT, "the network's workspace does not fit");
    }
    if (size > s->size_bytes) {
        dm_free(s->workspace);
        s->size_bytes = 0;
        s->workspace = dm_alloc_aligned(size);
        if (!s->workspace) {
            plan_unref(s->net, DM_STEAL(s->plan));
            DM_FAIL(e, DM_ENOMEM, "no memory for a workspace of %zu bytes", size);
        }
        s->size_bytes = size;
    }
    return DM_OK;
}

/* The first convolution reads dense rows. */
static int dense_input(struct nn_session *s, const struct image *in, const struct image **ret,
                       struct dm_err *e)
{
    *ret = in;
    if (in->stride_bytes == (size_t)in->w * 3) {
        return DM_OK;
    }
    if (s->input.w != in->w || s->input.h != in->h) {
        image_clear(&s->input);
        DM_TRY(image_init(&s->input, in->w, in->h, 3, e));
    }
    for (int y = 0; y < in->h; y++) {
        memcpy(image_row(&s->input, y), image_row(in, y), (size_t)in->w * 3);
    }
    *ret = &s->input;
    return DM_OK;
}

static const float *floats(const struct nn_plan *p, int tensor, void *workspace, size_t *ret_step)
{
    if (tensor < 0) {
        *ret_step = 0;
        return NULL;
    }
    struct nn_view v = nn_plan_view(p, tensor, workspace, NULL);
    *ret_step = v.step;
    return v.data;
}

static void hand_over(const struct nn_plan *p, void *workspace, struct nn_heads *ret)
{
    *ret =
        (struct nn_heads){.n_levels = p->n_level, .n_classes = p->n_classes, .n_coefs = p->n_coefs};
    for (int l = 0; l < p->n_level; l++) {
        const struct plan_level *from = &p->level[l];
        struct nn_level *to = &ret->level[l];
        to->w = from->w;
        to->h = from->h;
        to->stride = from->stride;
        to->cls = floats(p, from->cls, workspace, &to->cls_step);
        to->box = floats(p, from->box, workspace, &to->box_step);
        to->coef = floats(p, from->coef, workspace, &to->coef_step);
    }
    if (p->proto >= 0) {
        size_t step;
        ret->proto = floats(p, p->proto, workspace, &step);
        ret->proto_w = p->tensor[p->proto].w;
        ret->proto_h = p->tensor[p->proto].h;
    }
}

int nn_session_run(struct nn_session *s, const struct image *in, float min_logit,
                   struct nn_heads *ret, struct dm_err *e)
{
    const struct image *dense;
    DM_BUG_UNLESS(in->channels == 3);
    DM_TRY(take_plan(s, in->w, in->h, e));
    DM_TRY(dense_input(s, in, &dense, e));
    const struct nn_plan *p = s->plan->plan;
    const struct plan_run run = {.plan = p,
                                 .in = dense,
                                 .min_logit = min_logit,
                                 .workspace = s->workspace,
                                 .scratch = (char *)s->workspace + p->workspace_bytes,
                                 .pool = s->pool};
    DM_TRY(nn_plan_run(&run, e));
    hand_over(p, s->workspace, ret);
    return DM_OK;
}

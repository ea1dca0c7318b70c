/* SPDX-License-Identifier: Apache-2.0
 *
 * Engine and lanes. A process has one engine; a photo takes one lane per thread, some hundred
 * passes each. */
#include "vision/engine.h"

#include "base/alloc.h"

/* Kept by an idle lane: the inputs of usual networks and the crop of a tile. More is given back
 * after a photo, so that one huge box does not stay in memory for good. */
#define SCRATCH_KEEP_BYTES ((size_t)8 << 20)

static int check_net(const struct vision_network *network, struct nn_net *net, enum nn_task task,
                     const char *role, struct dm_err *e)
{
    if (net && network->info(net)->task != task) {
        DM_FAIL(e, DM_EMODEL, "the %s model is a %s network", role,
                task == NN_TASK_DETECT ? "segmentation" : "detection");
    }
    return DM_OK;
}

int engine_new(const struct vision_network *network, const struct vision_engine_options *o,
               struct vision_engine **ret, struct dm_err *e)
{
    DM_BUG_UNLESS(o->detect);
    DM_TRY(check_net(network, o->detect, NN_TASK_DETECT, "plant", e));
    DM_TRY(check_net(network, o->segment, NN_TASK_SEGMENT, "container", e));
    struct vision_engine *v = dm_calloc(1, sizeof(*v));
    if (!v) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the engine");
    }
    v->network = network;
    v->detect = o->detect;
    v->segment = o->segment;
    v->pool = o->pool;
    (void)pthread_mutex_init(&v->mu, NULL);
    *ret = v;
    return DM_OK;
}

static void scratch_clear(struct scratch *s)
{
    dm_free(s->p);
    *s = (struct scratch){0};
}

static void lane_free(struct vision_engine *v, struct lane *l)
{
    if (l) {
        v->network->session_free(l->session);
        scratch_clear(&l->input);
        scratch_clear(&l->crop);
        scratch_clear(&l->alpha);
        dm_arena_clear(&l->arena);
        dm_free(l);
    }
}

void vision_engine_free(struct vision_engine *v)
{
    if (!v) {
        return;
    }
    for (int kind = 0; kind < LANE_MAX_; kind++) {
        struct lane *l = v->idle[kind];
        while (l) {
            struct lane *next = l->next;
            lane_free(v, l);
            l = next;
        }
    }
    (void)pthread_mutex_destroy(&v->mu);
    dm_free(v);
}

static struct nn_net *net_of(const struct vision_engine *v, enum lane_kind kind)
{
    return kind == LANE_SEGMENT ? v->segment : v->detect;
}

const struct nn_model_info *engine_info(const struct vision_engine *v, enum lane_kind kind)
{
    return v->network->info(net_of(v, kind));
}

int lane_take(struct vision_engine *v, enum lane_kind kind, struct lane **ret, struct dm_err *e)
{
    (void)pthread_mutex_lock(&v->mu);
    struct lane *l = v->idle[kind];
    if (l) {
        v->idle[kind] = l->next;
    }
    (void)pthread_mutex_unlock(&v->mu);
    if (l) {
        *ret = l;
        return DM_OK;
    }
    l = dm_calloc(1, sizeof(*l));
    if (!l) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a network session");
    }
    l->kind = kind;
    struct dm_pool *shared = kind == LANE_DETECT ? NULL : v->pool;
    int code = v->network->session_new(net_of(v, kind), shared, &l->session, e);
    if (code < 0) {
        dm_free(l);
        return code;
    }
    *ret = l;
    return DM_OK;
}

static void scratch_trim(struct scratch *s)
{
    if (s->cap_bytes > SCRATCH_KEEP_BYTES) {
        scratch_clear(s);
    }
}

void lane_put(struct vision_engine *v, struct lane *l)
{
    if (!l) {
        return;
    }
    scratch_trim(&l->input);
    scratch_trim(&l->crop);
    scratch_trim(&l->alpha);
    dm_arena_clear(&l->arena);
    (void)pthread_mutex_lock(&v->mu);
    l->next = v->idle[l->kind];
    v->idle[l->kind] = l;
    (void)pthread_mutex_unlock(&v->mu);
}

void *scratch_get(struct scratch *s, size_t n)
{
    if (n > s->cap_bytes) {
        scratch_clear(s);
        s->p = dm_alloc_aligned(n);
        s->cap_bytes = s->p ? n : 0;
    }
    return s->p;
}

int scratch_image(struct scratch *s, int w, int h, int channels, struct image *ret,
                  struct dm_err *e)
{
    size_t stride_bytes = (size_t)w * (size_t)channels;
    uint8_t *px = scratch_get(s, stride_bytes * (size_t)h);
    if (!px) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a crop of %d x %d", w, h);
    }
    *ret = (struct image){
        .px = px, .stride_bytes = stride_bytes, .w = w, .h = h, .channels = channels};
    return DM_OK;
}

int lane_run(struct vision_engine *v, struct lane *l, const struct image *in, int size_px,
             int frame_px, float conf, struct yolo_letterbox *ret_lb, struct nn_heads *ret,
             struct dm_err *e)
{
    const struct nn_model_info *info = engine_info(v, l->kind);
    int target_w = info->dynamic ? size_px : info->input_w;
    int target_h = info->dynamic ? size_px : info->input_h;
    struct image input;
    *ret_lb = frame_px > 0 ? yolo_letterbox_frame(in->w, in->h, frame_px, target_w, target_h)
                           : yolo_letterbox_plan(in->w, in->h, target_w, target_h, info->stride,
                                                 info->dynamic);
    DM_TRY(scratch_image(&l->input, ret_lb->net_w, ret_lb->net_h, 3, &input, e));
    DM_TRY(yolo_letterbox_apply(ret_lb, in, &input, e));
    return v->network->session_run(l->session, &input, yolo_min_logit(conf), ret, e);
}

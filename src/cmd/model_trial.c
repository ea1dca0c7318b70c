/* SPDX-License-Identifier: Apache-2.0
 *
 * Trying a model out. */
#include "cmd/model_trial.h"

#include <math.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "nn/graph.h"
#include "vision/yolo.h"

void model_trial_size(const struct nn_model_info *info, int *ret_w, int *ret_h)
{
    *ret_w = info->input_w;
    *ret_h = info->input_h;
}

int model_trial_image(int w, int h, struct image *ret, struct dm_err *e)
{
    DM_TRY(image_init(ret, w, h, 3, e));
    for (int y = 0; y < h; y++) {
        uint8_t *px = image_row(ret, y);
        for (int x = 0; x < w; x++, px += 3) {
            const double u = x / 64.0;
            const double v = y / 64.0;
            const double blob = sin(5 * u) * sin(5 * v);
            const double wave = sin(u * u / 3 + v);
            px[0] = (uint8_t)(110 + 60 * wave + 40 * blob);
            px[1] = (uint8_t)(120 + 50 * sin(v * 1.7 - u) + 60 * blob);
            px[2] = (uint8_t)(100 + 70 * cos(u + v) * blob);
        }
    }
    return DM_OK;
}

double model_trial_limit(enum nn_precision p)
{
    static const double limits[] = {
        [NN_PRECISION_F32] = 1e-9, [NN_PRECISION_BF16] = 1e-2, [NN_PRECISION_INT8] = 1e-1};
    return limits[p];
}

/* ---- against the oracle ---- */

struct model_trial_oracle {
    struct dm_arena arena;
    const float *out[2];
    size_t rows, anchors; /* of output0 */
    size_t n_proto;       /* of output1, 0 for detect */
};

static int run_oracle(const struct nn_model *m, const struct image *in,
                      struct model_trial_oracle *o, struct dm_err *e)
{
    DM_CLEANUP(nn_graph_freep) struct nn_graph *g = NULL;
    const size_t plane = (size_t)in->w * (size_t)in->h;
    DM_TRY(nn_graph_new(m, in->w, in->h, &g, e));
    float *input = dm_alloc(3 * plane * sizeof(*input));
    if (!input) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the input");
    }
    for (int y = 0; y < in->h; y++) {
        const uint8_t *px = image_row(in, y);
        for (int x = 0; x < in->w; x++) {
            for (int c = 0; c < 3; c++) {
                input[(size_t)c * plane + (size_t)y * (size_t)in->w + (size_t)x] =
                    (float)px[3 * x + c] / 255.0F;
            }
        }
    }
    int code = nn_graph_interpret(g, input, o->out, &o->arena, e);
    dm_free(input);
    DM_TRY(code);
    const struct nn_shape *shape = &g->value[g->output[0]].shape;
    o->rows = (size_t)shape->dim[1];
    o->anchors = (size_t)shape->dim[2];
    o->n_proto = g->n_output > 1 ? (size_t)nn_shape_count(&g->value[g->output[1]].shape) : 0;
    return DM_OK;
}

int model_trial_oracle_new(const struct nn_model *m, const struct image *in,
                           struct model_trial_oracle **ret, struct dm_err *e)
{
    struct model_trial_oracle *o = dm_calloc(1, sizeof(*o));
    if (!o) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the oracle");
    }
    int code = run_oracle(m, in, o, e);
    if (code < 0) {
        model_trial_oracle_free(o);
        return code;
    }
    *ret = o;
    return DM_OK;
}

void model_trial_oracle_free(struct model_trial_oracle *o)
{
    if (o) {
        dm_arena_clear(&o->arena);
        dm_free(o);
    }
}

static double nmse(const float *got, const float *want, size_t n)
{
    double difference = 0;
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)want[i];
        difference += d * d;
        square += (double)want[i] * (double)want[i];
    }
    return difference == 0 ? 0 : square > 0 ? difference / square : INFINITY;
}

/* Prototypes: ours are [h][w][c], the file's [c][h][w]. */
static double nmse_proto(const struct nn_heads *heads, const float *want)
{
    const size_t pixels = (size_t)heads->proto_w * (size_t)heads->proto_h;
    const size_t n_c = (size_t)heads->n_coefs;
    double difference = 0;
    double square = 0;
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < n_c; c++) {
            const double w = (double)want[c * pixels + p];
            const double d = (double)heads->proto[p * n_c + c] - w;
            difference += d * d;
            square += w * w;
        }
    }
    return difference == 0 ? 0 : difference / square;
}

int model_trial_compare(const struct model_trial_oracle *o, struct nn_net *net,
                        const struct image *in, struct model_trial_error *ret, struct dm_err *e)
{
    DM_CLEANUP(nn_session_freep) struct nn_session *s = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct nn_heads heads;
    float *out;
    size_t rows;
    size_t anchors;
    DM_TRY(nn_session_new(net, NULL, &s, e));
    DM_TRY(nn_session_run(s, in, -INFINITY, &heads, e));
    DM_TRY(yolo_output0(&heads, &a, &out, &rows, &anchors, e));
    if (rows != o->rows || anchors != o->anchors) {
        DM_FAIL(e, DM_EINTERNAL, "output of %zux%zu instead of %zux%zu", rows, anchors, o->rows,
                o->anchors);
    }
    const size_t n_boxes = 4 * anchors;
    const size_t n_scores = (size_t)heads.n_classes * anchors;
    *ret = (struct model_trial_error){
        .boxes = nmse(out, o->out[0], n_boxes),
        .scores = nmse(out + n_boxes, o->out[0] + n_boxes, n_scores),
    };
    if (o->n_proto) {
        const size_t before = n_boxes + n_scores;
        const double coefs =
            nmse(out + before, o->out[0] + before, (size_t)heads.n_coefs * anchors);
        ret->masks = fmax(coefs, nmse_proto(&heads, o->out[1]));
    }
    return DM_OK;
}

/* ---- speed ---- */

enum { ROUNDS_MIN = 3, ROUNDS_MAX = 200, ENOUGH_MS = 1500 };

struct passes {
    struct nn_session **session; /* one per thread */
    const struct image *in;
};

static int one_pass(void *ctx, size_t item, size_t worker, struct dm_err *e)
{
    const struct passes *p = ctx;
    struct nn_heads heads;
    (void)item;
    return nn_session_run(p->session[worker], p->in, 0.0F, &heads, e);
}

/* Best time of n passes at once on the pool (NULL: in this thread), per pass. */
static int best_of(struct passes *p, struct dm_pool *pool, size_t n, double *ret_ms,
                   struct dm_err *e)
{
    double best = INFINITY;
    double spent = 0;
    DM_TRY(dm_pool_run(pool, n, one_pass, p, e)); /* plans, pages, caches */
    for (int i = 0; i < ROUNDS_MAX && (i < ROUNDS_MIN || spent < ENOUGH_MS); i++) {
        const dm_usec start = dm_now();
        DM_TRY(dm_pool_run(pool, n, one_pass, p, e));
        const double ms = dm_ms_since(start);
        best = fmin(best, ms / (double)n);
        spent += ms;
    }
    *ret_ms = best;
    return DM_OK;
}

static int time_shared(struct nn_net *net, struct dm_pool *pool, const struct image *in,
                       double *ret_ms, struct dm_err *e)
{
    DM_CLEANUP(nn_session_freep) struct nn_session *s = NULL;
    DM_TRY(nn_session_new(net, pool, &s, e));
    struct passes p = {&s, in};
    return best_of(&p, NULL, 1, ret_ms, e);
}

int model_trial_time(struct nn_net *net, struct dm_pool *pool, const struct image *in,
                     struct model_trial_speed *ret, struct dm_err *e)
{
    const size_t threads = dm_pool_size(pool);
    struct nn_session **sessions = dm_calloc(threads, sizeof(struct nn_session *));
    struct passes p = {sessions, in};
    int code =
        sessions ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for sessions");
    for (size_t i = 0; code >= 0 && i < threads; i++) {
        code = nn_session_new(net, NULL, &sessions[i], e);
    }
    code = code < 0 ? code : best_of(&p, NULL, 1, &ret->alone_ms, e);
    code = code < 0 ? code : best_of(&p, pool, threads, &ret->each_ms, e);
    for (size_t i = 0; sessions && i < threads; i++) {
        nn_session_free(sessions[i]);
    }
    dm_free(sessions);
    return code < 0 ? code : time_shared(net, pool, in, &ret->shared_ms, e);
}

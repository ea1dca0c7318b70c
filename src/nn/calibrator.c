/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects activation ranges on real inputs. SiLU has long, thin upper tails: the range of a step
 * is cut at the value that a small share of its elements exceeds, averaged over the inputs, because
 * one wild activation would otherwise cost all the others their resolution. */
#include "nn/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "nn/plan.h"

enum { BINS = 4096 };

/* Share of elements that may lie above the range; chosen on real photos, docs/parity.md. */
static const double tail_share = 1e-5;

struct step_range {
    double lo_sum, hi_sum;
};

struct nn_calibrator {
    struct nn_graph *graph;
    struct nn_plan *plan;
    void *workspace;
    struct step_range *step; /* [plan->n_step] */
    unsigned n_input;
};

static const struct nn_backend *const f32_backends[] = {&nn_backend_avx512, &nn_backend_onednn,
                                                        &nn_backend_ref, NULL};

int nn_calibrator_new(const struct nn_model *m, struct nn_calibrator **ret, struct dm_err *e)
{
    const struct nn_model_info *info = nn_model_info(m);
    const struct plan_options o = {.precision = NN_PRECISION_F32, .backend = f32_backends};
    DM_CLEANUP(nn_calibrator_freep) struct nn_calibrator *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a calibrator");
    }
    DM_TRY(nn_graph_new(m, info->input_w, info->input_h, &c->graph, e));
    DM_TRY(nn_plan_new(c->graph, info, &o, &c->plan, e));
    c->step = dm_calloc((size_t)c->plan->n_step, sizeof(*c->step));
    c->workspace = dm_alloc_aligned(c->plan->workspace_bytes + c->plan->scratch_bytes);
    if (!c->step || !c->workspace) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a calibrator");
    }
    *ret = DM_STEAL(c);
    return DM_OK;
}

void nn_calibrator_free(struct nn_calibrator *c)
{
    if (c) {
        nn_plan_free(c->plan);
        nn_graph_free(c->graph);
        dm_free(c->workspace);
        dm_free(c->step);
        dm_free(c);
    }
}

static void extremes(const struct nn_view *v, float *ret_lo, float *ret_hi)
{
    float lo = 0, hi = 0; /* zero must be representable: padding is zero */
    const float *row = v->data;
    for (size_t i = 0; i < (size_t)v->h * (size_t)v->w; i++, row += v->step) {
        for (int ch = 0; ch < v->c; ch++) {
            lo = fminf(lo, row[ch]);
            hi = fmaxf(hi, row[ch]);
        }
    }
    *ret_lo = lo;
    *ret_hi = hi;
}

/* Smallest bin edge with at most tail_share of the elements above it. */
static float cut_tail(const struct nn_view *v, float lo, float hi)
{
    size_t histogram[BINS] = {0};
    const float per_unit = (float)BINS / (hi - lo);
    const size_t n = (size_t)v->h * (size_t)v->w;
    const float *row = v->data;
    for (size_t i = 0; i < n; i++, row += v->step) {
        for (int ch = 0; ch < v->c; ch++) {
            int bin = (int)((row[ch] - lo) * per_unit);
            histogram[DM_CLAMP(bin, 0, BINS - 1)]++;
        }
    }
    size_t above = 0;
    const double allowed = tail_share * (double)n * (double)v->c;
    int edge = BINS;
    while (edge > 1 && (double)(above + histogram[edge - 1]) <= allowed) {
        above += histogram[--edge];
    }
    return lo + (float)edge / per_unit;
}

static void seen(void *ctx, int step, const struct nn_view *dst)
{
    struct nn_calibrator *c = ctx;
    float lo, hi;
    extremes(dst, &lo, &hi);
    c->step[step].lo_sum += (double)lo;
    c->step[step].hi_sum += hi > lo ? (double)cut_tail(dst, lo, hi) : (double)hi;
}

int nn_calibrator_add(struct nn_calibrator *c, const struct image *in, struct dm_err *e)
{
    if (in->w != c->plan->in_w || in->h != c->plan->in_h || in->channels != 3 ||
        in->stride_bytes != (size_t)in->w * 3) {
        DM_FAIL(e, DM_EBADINPUT, "calibration input of %d x %d, the model takes %d x %d", in->w,
                in->h, c->plan->in_w, c->plan->in_h);
    }
    const struct plan_run run = {.plan = c->plan,
                                 .in = in,
                                 .min_logit = -INFINITY,
                                 .workspace = c->workspace,
                                 .scratch = (char *)c->workspace + c->plan->workspace_bytes,
                                 .seen = seen,
                                 .seen_ctx = c};
    DM_TRY(nn_plan_run(&run, e));
    c->n_input++;
    return DM_OK;
}

int nn_calibrator_result(const struct nn_calibrator *c, struct nn_calibration *ret,
                         struct dm_err *e)
{
    if (c->n_input == 0) {
        DM_FAIL(e, DM_EBADINPUT, "no photo to calibrate on");
    }
    ret->range = dm_calloc((size_t)c->plan->n_step, sizeof(*ret->range));
    if (!ret->range) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a calibration");
    }
    ret->n = c->plan->n_step;
    ret->fingerprint = c->plan->fingerprint;
    for (int i = 0; i < ret->n; i++) {
        ret->range[i][0] = (float)(c->step[i].lo_sum / c->n_input);
        ret->range[i][1] = (float)(c->step[i].hi_sum / c->n_input);
    }
    return DM_OK;
}

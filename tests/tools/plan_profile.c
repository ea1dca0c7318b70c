/* SPDX-License-Identifier: Apache-2.0
 *
 * Where one forward pass spends its time: plan_profile MODEL [backend] [precision] [calibration]
 * prints every step with its median microseconds and GFLOP/s. A developer's tool, not installed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "nn/calibration.h"
#include "nn/plan.h"

enum { RUNS = 15 };

struct times {
    dm_usec last;
    int run;
    float (*us)[RUNS];
};

static void seen(void *ctx, int step, const struct nn_view *dst)
{
    (void)dst;
    struct times *t = ctx;
    dm_usec now = dm_now();
    t->us[step][t->run] = (float)(now - t->last);
    t->last = dm_now();
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double gflop(const struct nn_graph *g, const struct plan_step *s, const struct nn_plan *p,
                    int conv_node)
{
    (void)s;
    (void)p;
    if (conv_node < 0) {
        return 0;
    }
    const struct nn_node *n = &g->node[conv_node];
    const struct nn_shape *w = &g->value[n->in[1]].shape, *o = &g->value[n->out[0]].shape;
    double taps = (double)w->dim[1] * (double)w->dim[2] * (double)w->dim[3];
    return 2e-9 * taps * (double)o->dim[1] * (double)o->dim[2] * (double)o->dim[3];
}

/* The convolution fused into a step that ends at node: walk back over Mul, Sigmoid, Add. */
static int conv_of(const struct nn_graph *g, int node)
{
    while (node >= 0 && g->node[node].kind != NN_OP_CONV) {
        int next = -1;
        for (int i = 0; i < g->node[node].n_in; i++) {
            int p = g->node[node].in[i] < 0 ? -1 : g->value[g->node[node].in[i]].producer;
            next = p > next ? p : next;
        }
        node = next;
    }
    return node;
}

static const char *const kinds[] = {"conv", "copy", "add", "upsample", "max_pool", "attention"};

static void print(const struct nn_plan *p, const struct nn_graph *g, const struct times *t)
{
    double total = 0, flops = 0;
    for (int i = 0; i < p->n_step; i++) {
        const struct plan_step *s = &p->step[i];
        const struct plan_tensor *a = &p->tensor[s->src], *b = &p->tensor[s->dst];
        qsort(t->us[i], RUNS, sizeof(float), by_value);
        double us = (double)t->us[i][RUNS / 2];
        double gf = s->kind == PLAN_CONV ? gflop(g, s, p, conv_of(g, s->node)) : 0;
        total += us;
        flops += gf;
        printf("%3d %-9s %3d->%3d %3dx%-3d %8.1f us %6.0f GF/s  %s%s\n", i, kinds[s->kind], a->c,
               b->c, b->h, b->w, us, us > 0 ? gf / us * 1e6 : 0, g->node[s->node].name,
               s->kind == PLAN_CONV && strcmp(s->backend->name, "avx512") != 0 ? s->backend->name
                                                                               : "");
    }
    printf("total %.2f ms, %.2f GFLOP, %.0f GF/s, workspace %.1f MB, scratch %.1f MB\n",
           total / 1000, flops, flops / total * 1e6, (double)p->workspace_bytes / 1e6,
           (double)p->scratch_bytes / 1e6);
}

static int profile(const char *model, const char *backend, const char *precision,
                   const char *calibration, struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *m = NULL;
    DM_CLEANUP(nn_graph_freep) struct nn_graph *g = NULL;
    DM_CLEANUP(nn_plan_freep) struct nn_plan *p = NULL;
    DM_TRY(nn_model_open(model, &m, e));
    const struct nn_model_info *info = nn_model_info(m);
    DM_TRY(nn_graph_new(m, info->input_w, info->input_h, &g, e));
    const struct nn_backend *list[4] = {NULL};
    int n = 0;
    for (const struct nn_backend *const *b = nn_backends; *b; b++) {
        if (strcmp(backend, "auto") == 0 || strcmp(backend, (*b)->name) == 0) {
            list[n++] = *b;
        }
    }
    struct nn_calibration cal = {0};
    if (calibration) {
        DM_TRY(nn_calibration_read(calibration, true, &cal, e));
    }
    struct plan_ranges ranges = {cal.range, cal.n, cal.fingerprint};
    struct plan_options o = {.backend = list, .ranges = calibration ? &ranges : NULL};
    for (o.precision = NN_PRECISION_F32; o.precision < NN_PRECISION_MAX_; o.precision++) {
        if (strcmp(precision, nn_precision_names[o.precision]) == 0) {
            break;
        }
    }
    DM_TRY(nn_plan_new(g, info, &o, &p, e));
    DM_CLEANUP(dm_freep) void *work = dm_alloc_aligned(p->workspace_bytes + p->scratch_bytes);
    struct image im = {0};
    DM_TRY(image_init_zero(&im, p->in_w, p->in_h, 3, e));
    for (int i = 0; i < im.w * im.h * 3; i++) {
        im.px[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    struct times t = {.us = dm_calloc((size_t)p->n_step, sizeof(float[RUNS]))};
    struct plan_run run = {.plan = p,
                           .in = &im,
                           .min_logit = -INFINITY,
                           .workspace = work,
                           .scratch = (char *)work + p->workspace_bytes,
                           .seen = seen,
                           .seen_ctx = &t};
    for (int r = -3; r < RUNS; r++) {
        t.run = r < 0 ? 0 : r;
        t.last = dm_now();
        DM_TRY(nn_plan_run(&run, e));
    }
    print(p, g, &t);
    dm_free(t.us);
    nn_calibration_clear(&cal);
    image_clear(&im);
    return DM_OK;
}

int main(int argc, char **argv)
{
    struct dm_err e = {0};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: plan_profile MODEL [backend] [precision] [calibration]\n");
        return 2;
    }
    if (profile(argv[1], argc > 2 ? argv[2] : "auto", argc > 3 ? argv[3] : "f32",
                argc > 4 ? argv[4] : NULL, &e) < 0) {
        (void)fprintf(stderr, "plan_profile: %s\n", dm_err_text(&e));
        return 1;
    }
    return 0;
}

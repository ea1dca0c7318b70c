/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a plan: in one thread (many photos or tiles at once), or every step shared by the threads
 * of a pool when one large input is all there is to do. Shared steps meet at a spinning barrier: a
 * step takes 10 to 500 microseconds, far less than waking a sleeping thread is worth. */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>

#include "nn/plan.h"

enum { SPINS_BEFORE_YIELD = 2000, CHANNELS_PER_PART = 16 };

struct gang {
    const struct plan_run *run;
    int parts;
    _Atomic int arrived;
    _Atomic unsigned round;
};

static void meet(struct gang *g)
{
    if (g->parts == 1) {
        return;
    }
    unsigned round = atomic_load(&g->round);
    if (atomic_fetch_add(&g->arrived, 1) + 1 == g->parts) {
        atomic_store(&g->arrived, 0);
        atomic_store(&g->round, round + 1);
        return;
    }
    for (unsigned spins = 0; atomic_load_explicit(&g->round, memory_order_acquire) == round;) {
        if (++spins > SPINS_BEFORE_YIELD) {
            (void)sched_yield();
        }
    }
}

/* Part of n things, in multiples of unit. */
struct share {
    int from, to;
};

static struct share share_of(int n, int unit, int part, int parts)
{
    int units = (n + unit - 1) / unit;
    struct share s = {units * part / parts * unit, units * (part + 1) / parts * unit};
    s.to = DM_MIN(s.to, n);
    return s;
}

static struct nn_view rows(struct nn_view v, int from, int to)
{
    v.data = (char *)v.data + (size_t)from * (size_t)v.w * v.step * nn_dtype_size(v.dtype);
    v.h = to - from;
    return v;
}

static struct nn_view channels(struct nn_view v, int from, int to)
{
    v.data = (char *)v.data + (size_t)from * nn_dtype_size(v.dtype);
    v.c = to - from;
    return v;
}

static void run_rows(const struct plan_step *s, const struct nn_view *src,
                     const struct nn_view *src2, const struct nn_view *dst, struct share r)
{
    struct nn_view part = rows(*dst, r.from, r.to);
    struct nn_view in =
        s->kind == PLAN_UPSAMPLE ? rows(*src, r.from / 2, r.to / 2) : rows(*src, r.from, r.to);
    if (s->kind == PLAN_COPY) {
        nn_copy(&in, &part);
    } else if (s->kind == PLAN_UPSAMPLE) {
        nn_upsample2(&in, &part);
    } else {
        struct nn_view in2 = rows(*src2, r.from, r.to);
        nn_add(&in, &in2, &part);
    }
}

static void run_attention(const struct plan_step *s, const struct nn_view *src,
                          const struct nn_view *dst, struct share heads, void *scratch)
{
    struct nn_attention_desc d = s->attention;
    int c = 2 * d.key_c + d.value_c;
    struct nn_view qkv = channels(*src, heads.from * c, heads.to * c);
    struct nn_view out = channels(*dst, heads.from * d.value_c, heads.to * d.value_c);
    d.heads = heads.to - heads.from;
    if (d.heads > 0) {
        nn_attention(&d, &qkv, &out, scratch);
    }
}

/* Rows of a level in which some class scores above the threshold. */
struct wanted_rows {
    bool any;
    bool row[PLAN_GRID_ROWS_MAX];
};

static void run_conv(const struct plan_step *s, const struct nn_view *src,
                     const struct nn_view *src2, const struct nn_view *dst, struct share r,
                     void *scratch)
{
    if (r.from < r.to) {
        s->backend->conv_run(s->conv, src, src2, dst, r.from, r.to, scratch);
    }
}

static bool near_wanted(const struct wanted_rows *want, int y, int h, int halo)
{
    for (int i = DM_MAX(y - halo, 0); i <= DM_MIN(y + halo, h - 1); i++) {
        if (want->row[i]) {
            return true;
        }
    }
    return false;
}

/* A gated convolution in the runs of rows that candidates need, each shared among the parts. */
static void run_gated(const struct plan_step *s, const struct nn_view *src,
                      const struct nn_view *src2, const struct nn_view *dst,
                      const struct wanted_rows *want, int part, int parts, void *scratch)
{
    for (int y = 0; y < dst->h;) {
        int end = y;
        while (end < dst->h && near_wanted(want, end, dst->h, s->halo)) {
            end++;
        }
        struct share r = share_of(end - y, 1, part, parts);
        run_conv(s, src, src2, dst, (struct share){y + r.from, y + r.to}, scratch);
        y = end + 1;
    }
}

static void run_step(const struct plan_step *s, const struct nn_view *src,
                     const struct nn_view *src2, const struct nn_view *dst, int part, int parts,
                     void *scratch)
{
    struct share whole = {0, part == 0 ? dst->h : 0};
    switch (s->kind) {
    case PLAN_CONV:
        run_conv(s, src, src2, dst, s->backend->whole ? whole : share_of(dst->h, 1, part, parts),
                 scratch);
        break;
    case PLAN_COPY:
    case PLAN_ADD:
    case PLAN_UPSAMPLE:
        run_rows(s, src, src2, dst, share_of(dst->h, 2, part, parts));
        break;
    case PLAN_MAX_POOL: {
        struct share c = share_of(dst->c, CHANNELS_PER_PART, part, parts);
        struct nn_view in = channels(*src, c.from, c.to), out = channels(*dst, c.from, c.to);
        if (out.c > 0) {
            nn_max_pool(&in, s->kernel, &out, scratch);
        }
        break;
    }
    case PLAN_ATTENTION:
        run_attention(s, src, dst, share_of(s->attention.heads, 1, part, parts), scratch);
        break;
    }
}

/* Counting instead of looking for the first keeps the loop free of branches, and so vectorised. */
static bool row_scores(const struct nn_view *cls, int y, float min_logit)
{
    const float *px = (const float *)cls->data + (size_t)y * (size_t)cls->w * cls->step;
    unsigned hits = 0;
    for (int x = 0; x < cls->w; x++, px += cls->step) {
        for (int c = 0; c < cls->c; c++) {
            hits += px[c] > min_logit;
        }
    }
    return hits > 0;
}

static void find_rows(const struct plan_run *r, int level, struct wanted_rows *ret)
{
    struct nn_view cls = nn_plan_view(r->plan, r->plan->level[level].cls, r->workspace, r->in);
    ret->any = false;
    for (int y = 0; y < cls.h; y++) {
        ret->row[y] = r->min_logit == -INFINITY || row_scores(&cls, y, r->min_logit);
        ret->any = ret->any || ret->row[y];
    }
}

static void run_part(struct gang *g, int part)
{
    const struct plan_run *r = g->run;
    const struct nn_plan *p = r->plan;
    void *scratch = (char *)r->scratch + (size_t)part * p->scratch_bytes;
    int asked = PLAN_NO_GATE; /* gates come in ascending order, after everything ungated */
    struct wanted_rows want = {.any = true};
    for (int i = 0; i < p->n_step; i++) {
        const struct plan_step *s = &p->step[i];
        if (s->gate != asked) {
            find_rows(r, s->gate, &want);
            asked = s->gate;
        }
        if (!want.any) {
            continue;
        }
        struct nn_view src = nn_plan_view(p, s->src, r->workspace, r->in);
        struct nn_view dst = nn_plan_view(p, s->dst, r->workspace, r->in);
        struct nn_view src2 = {0};
        if (s->src2 >= 0) {
            src2 = nn_plan_view(p, s->src2, r->workspace, r->in);
        }
        const struct nn_view *second = s->src2 >= 0 ? &src2 : NULL;
        if (s->gate != PLAN_NO_GATE && !s->backend->whole) {
            run_gated(s, &src, second, &dst, &want, part, g->parts, scratch);
        } else {
            run_step(s, &src, second, &dst, part, g->parts, scratch);
        }
        meet(g);
        if (r->seen && part == 0) {
            r->seen(r->seen_ctx, i, &dst);
        }
    }
}

static int run_item(void *ctx, size_t item, size_t worker, struct dm_err *e)
{
    (void)worker;
    (void)e;
    run_part(ctx, (int)item);
    return DM_OK;
}

int nn_plan_run(const struct plan_run *r, struct dm_err *e)
{
    struct gang g = {.run = r, .parts = (int)dm_pool_size(r->pool)};
    if (g.parts == 1) {
        run_part(&g, 0);
        return DM_OK;
    }
    /* as many items as threads, and none ends before all have started: each thread takes one */
    return dm_pool_run(r->pool, (size_t)g.parts, run_item, &g, e);
}

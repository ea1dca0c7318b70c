/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers to bytes: largest first, each at the lowest offset where nothing alive at the same time
 * lies. Same idea as XNNPACK's memory planner. */
#include "nn/plan.h"

#include <stdlib.h>

#include "base/arith.h"

enum { ALIGN_BYTES = 64 };

static void touch(struct nn_plan *p, int tensor, int step)
{
    if (tensor < 0 || p->tensor[tensor].buffer < 0) {
        return;
    }
    struct plan_buffer *b = &p->buffer[p->tensor[tensor].buffer];
    b->first = DM_MIN(b->first, step);
    b->last = DM_MAX(b->last, step);
}

static void find_lifetimes(struct nn_plan *p)
{
    for (int i = 0; i < p->n_buffer; i++) {
        p->buffer[i].first = p->n_step;
        p->buffer[i].last = -1;
    }
    for (int i = 0; i < p->n_step; i++) {
        touch(p, p->step[i].src, i);
        touch(p, p->step[i].src2, i);
        touch(p, p->step[i].dst, i);
    }
    for (int l = 0; l < p->n_level; l++) {
        touch(p, p->level[l].box, p->n_step);
        touch(p, p->level[l].cls, p->n_step);
        touch(p, p->level[l].coef, p->n_step);
    }
    touch(p, p->proto, p->n_step);
}

static int by_size_down(const void *x, const void *y)
{
    const struct plan_buffer *const *a = x, *const *b = y;
    if ((*a)->size_bytes != (*b)->size_bytes) {
        return (*a)->size_bytes < (*b)->size_bytes ? 1 : -1;
    }
    return (*a)->first - (*b)->first;
}

static bool alive_together(const struct plan_buffer *a, const struct plan_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Lowest offset for sorted[n] among the already placed sorted[0..n). */
static size_t find_offset(struct plan_buffer *const *sorted, int n)
{
    const struct plan_buffer *b = sorted[n];
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const struct plan_buffer *o = sorted[i];
            if (alive_together(o, b) && at < o->offset_bytes + o->size_bytes &&
                o->offset_bytes < at + b->size_bytes) {
                at = o->offset_bytes + o->size_bytes;
                moved = true;
            }
        }
    }
    return at;
}

static int measure(struct plan_buffer *b, struct dm_err *e)
{
    size_t n;
    if (!dm_mul_size((size_t)b->h * (size_t)b->w, (size_t)b->c, &n) ||
        !dm_mul_size(n, nn_dtype_size(b->dtype), &n) || n > SIZE_MAX / 4) {
        DM_FAIL(e, DM_ELIMIT, "a tensor of %d x %d x %d does not fit", b->h, b->w, b->c);
    }
    b->size_bytes = dm_align_up(n, ALIGN_BYTES);
    return DM_OK;
}

static size_t scratch_of(const struct nn_plan *p, const struct plan_step *s)
{
    struct nn_view src = nn_plan_view(p, s->src, NULL, NULL);
    switch (s->kind) {
    case PLAN_CONV:
        return s->backend->conv_scratch ? s->backend->conv_scratch(s->conv) : 0;
    case PLAN_MAX_POOL:
        return nn_max_pool_scratch(&src, s->kernel);
    case PLAN_ATTENTION:
        return nn_attention_scratch(&s->attention);
    case PLAN_COPY:
    case PLAN_ADD:
    case PLAN_UPSAMPLE:
        return 0;
    }
    return 0;
}

int plan_memory(struct nn_plan *p, struct dm_err *e)
{
    struct plan_buffer **sorted =
        dm_arena_calloc(&p->arena, (size_t)p->n_buffer, sizeof(struct plan_buffer *));
    if (!sorted) {
        DM_FAIL(e, DM_ENOMEM, "no memory to plan %d buffers", p->n_buffer);
    }
    find_lifetimes(p);
    for (int i = 0; i < p->n_buffer; i++) {
        DM_TRY(measure(&p->buffer[i], e));
        sorted[i] = &p->buffer[i];
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    qsort(sorted, (size_t)p->n_buffer, sizeof(*sorted), by_size_down);
    for (int i = 0; i < p->n_buffer; i++) {
        sorted[i]->offset_bytes = find_offset(sorted, i);
        p->workspace_bytes =
            DM_MAX(p->workspace_bytes, sorted[i]->offset_bytes + sorted[i]->size_bytes);
    }
    for (int i = 0; i < p->n_step; i++) {
        size_t bytes = dm_align_up(scratch_of(p, &p->step[i]), ALIGN_BYTES);
        p->scratch_bytes = DM_MAX(p->scratch_bytes, bytes);
    }
    return DM_OK;
}

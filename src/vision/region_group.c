/* SPDX-License-Identifier: Apache-2.0
 *
 * Grouping of near-duplicate plants across crops (vision.md 7). Kept detections lie in the cells of
 * a grid about as wide as the distance at which two of them merge, so a detection is compared with
 * the few in the cells around it; thousands of plants take about a millisecond. */
#include "vision/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

/* Confidence descending, then y, then x; the rest only makes the order total. */
static int compare_detections(const void *a, const void *b)
{
    const struct vision_detection *p = a;
    const struct vision_detection *q = b;
    const int by[] = {
        order((double)q->confidence, (double)p->confidence),
        order(p->cy, q->cy),
        order(p->cx, q->cx),
        (p->class_id > q->class_id) - (p->class_id < q->class_id),
        (p->container > q->container) - (p->container < q->container),
        order(p->w, q->w),
        order(p->h, q->h),
    };
    for (size_t i = 0; i < DM_COUNT(by); i++) {
        if (by[i] != 0) {
            return by[i];
        }
    }
    return 0;
}

struct grid {
    double x0, y0, cell; /* px */
    int nx, ny;
    uint32_t *head; /* [ny][nx] 1 + index of the last kept detection in the cell, 0 = none */
    uint32_t *next; /* [n] the same for the one kept before it in its cell */
};

/* Cell number of a coordinate; what lies outside belongs to the outermost cells. */
static int cell_of(double v, double origin, double cell, int n)
{
    return (int)fmax(0, fmin(n - 1, floor((v - origin) / cell)));
}

static int grid_init(struct grid *g, const struct vision_detection *d, size_t n, double factor,
                     struct dm_arena *a, struct dm_err *e)
{
    double x0 = d[0].cx;
    double x1 = x0;
    double y0 = d[0].cy;
    double y1 = y0;
    double side = 0;
    for (size_t i = 0; i < n; i++) {
        x0 = fmin(x0, d[i].cx);
        x1 = fmax(x1, d[i].cx);
        y0 = fmin(y0, d[i].cy);
        y1 = fmax(y1, d[i].cy);
        side += fmin(d[i].w, d[i].h);
    }
    /* The mean reach, but not so small that there are more cells than a few per detection. */
    double cell = fmax(1, factor * side / (double)n);
    double room = (double)n * 4 + 64;
    while (((x1 - x0) / cell + 1) * ((y1 - y0) / cell + 1) > room) {
        cell *= 2;
    }
    *g = (struct grid){
        .x0 = x0,
        .y0 = y0,
        .cell = cell,
        .nx = (int)((x1 - x0) / cell) + 1,
        .ny = (int)((y1 - y0) / cell) + 1,
    };
    g->head = dm_arena_calloc(a, (size_t)g->nx * (size_t)g->ny, sizeof(*g->head));
    g->next = dm_arena_calloc(a, n, sizeof(*g->next));
    if (!g->head || !g->next) {
        DM_FAIL(e, DM_ENOMEM, "no memory to group %zu detections", n);
    }
    return DM_OK;
}

static bool same_plant(const struct vision_detection *a, const struct vision_detection *b,
                       double factor)
{
    double reach = factor * fmin(fmin(a->w, a->h), fmin(b->w, b->h));
    double dx = a->cx - b->cx;
    double dy = a->cy - b->cy;
    return a->class_id == b->class_id && dx * dx + dy * dy <= reach * reach;
}

/* Whether one of kept[] near d is the same plant. */
static bool is_duplicate(const struct grid *g, const struct vision_detection *kept,
                         const struct vision_detection *d, double factor)
{
    double reach = factor * fmin(d->w, d->h);
    int x1 = cell_of(d->cx + reach, g->x0, g->cell, g->nx);
    int y1 = cell_of(d->cy + reach, g->y0, g->cell, g->ny);
    for (int y = cell_of(d->cy - reach, g->y0, g->cell, g->ny); y <= y1; y++) {
        for (int x = cell_of(d->cx - reach, g->x0, g->cell, g->nx); x <= x1; x++) {
            uint32_t i = g->head[(size_t)y * (size_t)g->nx + (size_t)x];
            for (; i != 0; i = g->next[i - 1]) {
                if (same_plant(&kept[i - 1], d, factor)) {
                    return true;
                }
            }
        }
    }
    return false;
}

int region_group(struct vision_detection *d, size_t n, double factor, struct dm_arena *a,
                 size_t *ret_n, struct dm_err *e)
{
    if (n > 0) {
        qsort(d, n, sizeof(*d), compare_detections);
    }
    if (n == 0 || factor <= 0) {
        *ret_n = n;
        return DM_OK;
    }
    struct grid g;
    DM_TRY(grid_init(&g, d, n, factor, a, e));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_duplicate(&g, d, &d[i], factor)) {
            continue;
        }
        d[kept] = d[i];
        size_t cell = (size_t)cell_of(d[kept].cy, g.y0, g.cell, g.ny) * (size_t)g.nx +
                      (size_t)cell_of(d[kept].cx, g.x0, g.cell, g.nx);
        g.next[kept] = g.head[cell];
        g.head[cell] = (uint32_t)++kept;
    }
    *ret_n = kept;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Grid method for trays whose rows and columns are known (vision.md 8.6): the tray's outline gives
 * the smallest rectangle around it, in any direction; that is divided into cells, and a cell
 * without a detection that is green enough counts as one plant. */
#include "vision/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "vision/estimate_floor.h"

/* A cell with this share of processed pixels holds a plant. */
#define CELL_SHARE 0.25

/* Rectangle in any direction: origin is one corner, u and v are unit vectors along its sides. */
struct oriented_rect {
    double x, y;
    double ux, uy; /* v = (-uy, ux) */
    double length_u, length_v;
};

static int compare_points(const void *a, const void *b)
{
    const struct image_point *p = a;
    const struct image_point *q = b;
    int by_x = (p->x > q->x) - (p->x < q->x);
    return by_x != 0 ? by_x : (p->y > q->y) - (p->y < q->y);
}

static int64_t turn(struct image_point a, struct image_point b, struct image_point c)
{
    return (int64_t)(b.x - a.x) * (c.y - a.y) - (int64_t)(b.y - a.y) * (c.x - a.x);
}

/* Convex hull of p [n] (reordered) by Andrew's monotone chain; hull holds 2 * n points. */
static size_t convex_hull(struct image_point *p, size_t n, struct image_point *hull)
{
    qsort(p, n, sizeof(*p), compare_points);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) { /* one side */
        while (m >= 2 && turn(hull[m - 2], hull[m - 1], p[i]) <= 0) {
            m--;
        }
        hull[m++] = p[i];
    }
    size_t base = m + 1;
    for (size_t i = n - 1; i-- > 0;) { /* and back on the other */
        while (m >= base && turn(hull[m - 2], hull[m - 1], p[i]) <= 0) {
            m--;
        }
        hull[m++] = p[i];
    }
    return m > 1 ? m - 1 : m; /* the first point came again */
}

/* The rectangle around hull [n] whose one side has direction (ux, uy). Half a pixel is added all
 * around, because the points are centres of pixels. */
static struct oriented_rect bounding_rect(const struct image_point *hull, size_t n, double ux,
                                          double uy)
{
    double u0 = INFINITY;
    double u1 = -INFINITY;
    double v0 = INFINITY;
    double v1 = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double u = hull[i].x * ux + hull[i].y * uy;
        double v = hull[i].y * ux - hull[i].x * uy;
        u0 = fmin(u0, u);
        u1 = fmax(u1, u);
        v0 = fmin(v0, v);
        v1 = fmax(v1, v);
    }
    u0 -= 0.5;
    v0 -= 0.5;
    return (struct oriented_rect){
        .x = u0 * ux - v0 * uy,
        .y = u0 * uy + v0 * ux,
        .ux = ux,
        .uy = uy,
        .length_u = u1 + 0.5 - u0,
        .length_v = v1 + 0.5 - v0,
    };
}

/* Smallest rectangle around the points: one of its sides lies on a side of their hull (Freeman &
 * Shapira 1975). */
static int smallest_rect(const struct image_point *polygon, size_t n, struct oriented_rect *ret,
                         struct dm_err *e)
{
    DM_BUG_UNLESS(n >= 1);
    size_t bytes;
    if (!dm_mul_size(3 * sizeof(struct image_point), n, &bytes)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon of %zu points", n);
    }
    DM_CLEANUP(dm_freep) struct image_point *p = dm_alloc(bytes);
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon of %zu points", n);
    }
    struct image_point *hull = p + n;
    memcpy(p, polygon, n * sizeof(*p));
    size_t m = convex_hull(p, n, hull);
    struct oriented_rect best = bounding_rect(hull, m, 1, 0);
    for (size_t i = 0; i < m; i++) {
        double dx = hull[(i + 1) % m].x - hull[i].x;
        double dy = hull[(i + 1) % m].y - hull[i].y;
        double length = hypot(dx, dy);
        if (length > 0) {
            struct oriented_rect r = bounding_rect(hull, m, dx / length, dy / length);
            if (r.length_u * r.length_v < best.length_u * best.length_v) {
                best = r;
            }
        }
    }
    *ret = best;
    return DM_OK;
}

struct cell {
    uint32_t px, processed_px;
    bool detected;
};

struct cells {
    struct oriented_rect rect; /* in pixel indices of the photo */
    int nu, nv;
    struct cell *cell; /* [nv][nu] */
};

/* The cell of a point, or NULL outside the rectangle. */
static struct cell *cell_at(const struct cells *c, double x, double y)
{
    double dx = x - c->rect.x;
    double dy = y - c->rect.y;
    double u = (dx * c->rect.ux + dy * c->rect.uy) / c->rect.length_u * c->nu;
    double v = (dy * c->rect.ux - dx * c->rect.uy) / c->rect.length_v * c->nv;
    if (!(u >= 0 && u < c->nu && v >= 0 && v < c->nv)) {
        return NULL;
    }
    return &c->cell[(size_t)v * (size_t)c->nu + (size_t)u];
}

static void fill_cells(const struct cells *c, const struct estimate_input *in,
                       const struct image *processed)
{
    for (int y = 0; y < in->rect.h; y++) {
        const uint8_t *mask = image_row(in->mask, y);
        const uint8_t *seen = image_row(processed, y);
        for (int x = 0; x < in->rect.w; x++) {
            struct cell *cell = mask[x] ? cell_at(c, in->rect.x + x, in->rect.y + y) : NULL;
            if (cell) {
                cell->px++;
                cell->processed_px += seen[x] != 0;
            }
        }
    }
    for (size_t i = 0; i < in->n; i++) {
        /* Detections are measured from the corner of a pixel, cells from its centre. */
        struct cell *cell = cell_at(c, in->detection[i].cx - 0.5, in->detection[i].cy - 0.5);
        if (cell) {
            cell->detected = true;
        }
    }
}

int estimate_grid(const struct estimate_input *in, const struct vision_params *p,
                  const struct image_point *polygon, size_t n_points, struct vision_band *ret,
                  const struct estimate_masks *keep, struct dm_err *e)
{
    DM_BUG_UNLESS(p->grid_rows >= 1 && p->grid_columns >= 1);
    struct cells c = {0};
    DM_TRY(smallest_rect(polygon, n_points, &c.rect, e));
    int more = DM_MAX(p->grid_rows, p->grid_columns);
    int fewer = DM_MIN(p->grid_rows, p->grid_columns);
    bool u_longer = c.rect.length_u >= c.rect.length_v;
    c.nu = u_longer ? more : fewer;
    c.nv = u_longer ? fewer : more;
    size_t n_cells = (size_t)more * (size_t)fewer;
    DM_CLEANUP(dm_freep) struct cell *cell = dm_calloc(n_cells, sizeof(*cell));
    if (!cell) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d x %d cells", c.nu, c.nv);
    }
    c.cell = cell;

    DM_CLEANUP(image_clear) struct image own_residual = {0};
    DM_CLEANUP(image_clear) struct image own_processed = {0};
    if (!keep || !keep->residual) {
        DM_TRY(image_init(&own_residual, in->rect.w, in->rect.h, 1, e));
    }
    if (!keep || !keep->processed) {
        DM_TRY(image_init(&own_processed, in->rect.w, in->rect.h, 1, e));
    }
    struct image *residual = own_residual.px ? &own_residual : keep->residual;
    struct image *processed = own_processed.px ? &own_processed : keep->processed;
    struct estimate_rows rows = {0, in->rect.h, residual, processed};
    DM_TRY(estimate_suppress_floor(in, p->otsu_scope, &rows, &ret->residual_px, &ret->processed_px,
                                   e));
    fill_cells(&c, in, processed);
    uint32_t count = 0;
    for (size_t i = 0; i < n_cells; i++) {
        count +=
            !cell[i].detected && cell[i].px > 0 && cell[i].processed_px >= CELL_SHARE * cell[i].px;
    }
    ret->number = 1;
    ret->y_start = in->rect.y;
    ret->y_end = in->rect.y + in->rect.h;
    ret->suppressed_px = ret->residual_px - ret->processed_px;
    ret->plant_area_px = c.rect.length_u * c.rect.length_v / (double)n_cells;
    ret->alpha = p->alpha_overcount;
    ret->calibrated = false;
    ret->count = count;
    ret->method = VISION_METHOD_GRID;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Filled circles and polygons on a mask, pixel for pixel as OpenCV draws them (vision.md A.4, A.5):
 * one circle per plant, one polygon per container. */
#include "image/ops.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"

/* Columns x0..x1 inclusive of row y, whatever of them lies inside. */
static void fill_span(struct image *im, int64_t y, int64_t x0, int64_t x1, uint8_t value)
{
    if (y < 0 || y >= im->h) {
        return;
    }
    x0 = DM_MAX(x0, 0);
    x1 = DM_MIN(x1, im->w - 1);
    if (x0 <= x1) {
        memset(image_row(im, (int)y) + x0, value, (size_t)(x1 - x0 + 1));
    }
}

void image_fill_circle(struct image *im, int cx, int cy, int radius, uint8_t value)
{
    DM_BUG_UNLESS(im->channels == 1 && radius >= 0);
    int64_t x = cx;
    int64_t y = cy;
    int64_t err = 0;
    int64_t dx = radius;
    int64_t plus = 1;
    int64_t minus = 2 * dx - 1;
    for (int64_t dy = 0; dx >= dy; dy++) {
        fill_span(im, y - dy, x - dx, x + dx, value);
        fill_span(im, y + dy, x - dx, x + dx, value);
        err += plus;
        plus += 2;
        /* The rows at distance dx are final, and then drawn once, when dx is about to shrink or the
         * walk ends. */
        bool shrink = err > 0;
        if (shrink || dx == dy) {
            fill_span(im, y - dx, x - dy, x + dy, value);
            fill_span(im, y + dx, x - dy, x + dy, value);
        }
        if (shrink) {
            err -= minus;
            dx--;
            minus -= 2;
        }
    }
}

/* ---- polygon ---- */

#define FIXED_SHIFT 16

/* What is drawn on: a window of a larger canvas. Lines are clipped against the canvas, because the
 * clipped end points decide which pixels a line takes; pixels against the window. */
struct canvas {
    struct image *im;
    int64_t x, y; /* of the window in the canvas */
    int64_t w, h; /* of the canvas */
    uint8_t value;
};

struct vertex {
    int64_t x, y;
};

/* A slanted side: covers rows y0 <= y < y1; x in 16.16 fixed point at y0, dx per row. */
struct edge {
    int64_t y0, y1, x, dx;
};

static void put(const struct canvas *c, int64_t x, int64_t y)
{
    x -= c->x;
    y -= c->y;
    if (x >= 0 && x < c->im->w && y >= 0 && y < c->im->h) {
        image_row(c->im, (int)y)[x] = c->value;
    }
}

enum { LEFT = 1, RIGHT = 2, ABOVE = 4, BELOW = 8 };

static unsigned outside_x(const struct canvas *c, int64_t x)
{
    return x < 0 ? LEFT : x >= c->w ? RIGHT : 0;
}

static unsigned outside(const struct canvas *c, struct vertex p)
{
    return outside_x(c, p.x) | (p.y < 0 ? ABOVE : p.y >= c->h ? BELOW : 0);
}

/* Cohen-Sutherland with truncating integer division: first both ends in y, then both in x, each
 * step on the ends the steps before left. False when nothing of the line is inside; the ends may
 * have moved even so. */
static bool clip_line(const struct canvas *c, struct vertex *p, struct vertex *q)
{
    unsigned cp = outside(c, *p);
    unsigned cq = outside(c, *q);
    if ((cp & cq) != 0 || (cp | cq) == 0) {
        return (cp | cq) == 0;
    }
    if (cp & (ABOVE | BELOW)) {
        int64_t at = cp & ABOVE ? 0 : c->h - 1;
        p->x += (at - p->y) * (q->x - p->x) / (q->y - p->y);
        p->y = at;
        cp = outside_x(c, p->x);
    }
    if (cq & (ABOVE | BELOW)) {
        int64_t at = cq & ABOVE ? 0 : c->h - 1;
        q->x += (at - q->y) * (q->x - p->x) / (q->y - p->y);
        q->y = at;
        cq = outside_x(c, q->x);
    }
    if ((cp & cq) == 0 && (cp | cq) != 0) {
        if (cp) {
            int64_t at = cp == LEFT ? 0 : c->w - 1;
            p->y += (at - p->x) * (q->y - p->y) / (q->x - p->x);
            p->x = at;
            cp = 0;
        }
        if (cq) {
            int64_t at = cq == LEFT ? 0 : c->w - 1;
            q->y += (at - q->x) * (q->y - p->y) / (q->x - p->x);
            q->x = at;
            cq = 0;
        }
    }
    return (cp | cq) == 0;
}

/* 8-connected line from the left end to the right one (Bresenham). */
static void draw_line(const struct canvas *c, struct vertex p, struct vertex q)
{
    if (!clip_line(c, &p, &q)) {
        return;
    }
    if (q.x < p.x) {
        struct vertex t = p;
        p = q;
        q = t;
    }
    int64_t dx = q.x - p.x;
    int64_t dy = llabs(q.y - p.y);
    int64_t sy = q.y < p.y ? -1 : 1;
    bool steep = dy > dx;
    int64_t along = steep ? dy : dx;
    int64_t across = steep ? dx : dy;
    int64_t err = along - 2 * across;
    for (int64_t i = 0; i <= along; i++) {
        put(c, p.x, p.y);
        bool both = err < 0;
        err += (both ? 2 * along : 0) - 2 * across;
        p.x += steep ? both : 1;
        p.y += steep || both ? sy : 0;
    }
}

/* The side p-q as an edge; false for a level one. A side that leaves the canvas has the slope of
 * its clipped part. */
static bool make_edge(const struct canvas *c, struct vertex p, struct vertex q, struct edge *ret)
{
    if (p.y == q.y) {
        return false;
    }
    struct vertex a = p;
    struct vertex b = q;
    if (outside(c, a) | outside(c, b)) {
        (void)clip_line(c, &a, &b);
        if (a.y == b.y) {
            a.y = p.y;
            b.y = q.y;
        }
    }
    int64_t dx = (b.x - a.x) * ((int64_t)1 << FIXED_SHIFT) / (b.y - a.y);
    struct vertex top = p.y < q.y ? a : b;
    int64_t y0 = DM_MIN(p.y, q.y);
    *ret = (struct edge){
        .y0 = y0,
        .y1 = DM_MAX(p.y, q.y),
        .x = top.x * ((int64_t)1 << FIXED_SHIFT) + (y0 - top.y) * dx,
        .dx = dx,
    };
    return true;
}

static int compare_edges(const void *a, const void *b)
{
    const struct edge *p = a;
    const struct edge *q = b;
    return (p->y0 > q->y0) - (p->y0 < q->y0);
}

/* Sort the few crossings of a row; they are almost in order from the row before. */
static void sort_crossings(int64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t v = x[i];
        size_t k = i;
        for (; k > 0 && x[k - 1] > v; k--) {
            x[k] = x[k - 1];
        }
        x[k] = v;
    }
}

/* Even-odd: between each pair of crossings, from the first whole column to the last.
 *   edge [n] sorted by y0; reordered
 *   x    [n] scratch */
static void fill_between(const struct canvas *c, struct edge *edge, size_t n, int64_t *x)
{
    size_t active = 0; /* edge[0..active) crossed the row before, minus those that ended */
    size_t next = 0;   /* first edge not yet reached */
    for (int64_t y = DM_MAX(c->y, 0); y < c->y + c->im->h; y++) {
        for (; next < n && edge[next].y0 <= y; next++) {
            edge[active++] = edge[next];
        }
        size_t kept = 0;
        for (size_t i = 0; i < active; i++) {
            if (edge[i].y1 > y) {
                edge[kept] = edge[i];
                x[kept] = edge[i].x + (y - edge[i].y0) * edge[i].dx;
                kept++;
            }
        }
        active = kept;
        if (active == 0 && next == n) {
            return;
        }
        sort_crossings(x, active);
        for (size_t i = 0; i + 1 < active; i += 2) {
            int64_t from = (x[i] + ((int64_t)1 << FIXED_SHIFT) - 1) >> FIXED_SHIFT;
            int64_t to = x[i + 1] >> FIXED_SHIFT;
            fill_span(c->im, y - c->y, from - c->x, to - c->x, c->value);
        }
    }
}

int image_fill_polygon_window(struct image *im, struct image_point origin, int canvas_w,
                              int canvas_h, const struct image_point *v, size_t n, uint8_t value,
                              struct dm_err *e)
{
    DM_BUG_UNLESS(im->channels == 1 && canvas_w >= 1 && canvas_h >= 1);
    if (n == 0) {
        return DM_OK;
    }
    struct canvas c = {
        .im = im, .x = origin.x, .y = origin.y, .w = canvas_w, .h = canvas_h, .value = value};
    size_t bytes;
    if (!dm_mul_size(n, sizeof(struct edge) + sizeof(int64_t), &bytes)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon of %zu points", n);
    }
    DM_CLEANUP(dm_freep) struct edge *edge = dm_alloc(bytes);
    if (!edge) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a polygon of %zu points", n);
    }
    size_t n_edges = 0;
    struct vertex p = {v[n - 1].x, v[n - 1].y};
    for (size_t i = 0; i < n; i++) {
        struct vertex q = {v[i].x, v[i].y};
        draw_line(&c, p, q);
        n_edges += make_edge(&c, p, q, &edge[n_edges]);
        p = q;
    }
    qsort(edge, n_edges, sizeof(*edge), compare_edges);
    fill_between(&c, edge, n_edges, (int64_t *)(void *)(edge + n));
    return DM_OK;
}

int image_fill_polygon(struct image *im, const struct image_point *v, size_t n, uint8_t value,
                       struct dm_err *e)
{
    return image_fill_polygon_window(im, (struct image_point){0, 0}, im->w, im->h, v, n, value, e);
}

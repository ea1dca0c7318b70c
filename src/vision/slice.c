/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of a crop, and one box per plant from the boxes of overlapping tiles.
 *
 * Merging sorts all boxes once into the order they are visited in; a box's place in that order is
 * its rank. A grid of buckets over the upper left corners finds the neighbours of a box: usually a
 * few thousand boxes of similar size, so a window of one box side around it holds a handful. */
#include "vision/slice.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arith.h"
#include "base/limits.h"

/* ---- tiles ---- */

/* First pixel of tile k on a side of the given length. */
static int tile_start(int k, int length, int size, int step)
{
    int64_t start = (int64_t)k * step;
    return (int)DM_MAX(0, DM_MIN(start, (int64_t)length - size));
}

/* Tiles on a side: the last is the first that reaches the end. */
static int tile_count(int length, int size, int step)
{
    return length <= size ? 1 : (length - size + step - 1) / step + 1;
}

/* Distance of neighbouring tiles. */
static int tile_step(int size, double overlap)
{
    return size - (int)(overlap * size);
}

size_t slice_count(int w, int h, int size, double overlap)
{
    int step = tile_step(size, overlap);
    DM_BUG_UNLESS(w > 0 && h > 0 && size > 0 && step > 0);
    return (size_t)tile_count(w, size, step) * (size_t)tile_count(h, size, step);
}

int slice_tiles(int w, int h, int size, double overlap, struct dm_arena *a, struct image_rect **ret,
                size_t *ret_n, struct dm_err *e)
{
    int step = tile_step(size, overlap);
    DM_BUG_UNLESS(w > 0 && h > 0 && size > 0 && step > 0);
    int columns = tile_count(w, size, step);
    int rows = tile_count(h, size, step);
    size_t n = (size_t)columns * (size_t)rows;
    struct image_rect *tile = dm_arena_calloc(a, n, sizeof(*tile));
    if (!tile) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu tiles", n);
    }
    for (size_t i = 0; i < n; i++) {
        tile[i] = (struct image_rect){
            .x = tile_start((int)(i % (size_t)columns), w, size, step),
            .y = tile_start((int)(i / (size_t)columns), h, size, step),
            .w = DM_MIN(w, size),
            .h = DM_MIN(h, size),
        };
    }
    *ret = tile;
    *ret_n = n;
    return DM_OK;
}

/* ---- merging ---- */

/* Score descending, then by corner, so that the result does not depend on the order of the tiles.
 * Boxes equal in all of this differ in class or not at all. */
static int compare_boxes(const void *pa, const void *pb)
{
    const struct slice_box *a = pa;
    const struct slice_box *b = pb;
    const double keys[][2] = {
        {b->score, a->score}, {a->x1, b->x1}, {a->y1, b->y1},
        {a->x2, b->x2},       {a->y2, b->y2}, {a->class_id, b->class_id},
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++) {
        if (keys[i][0] != keys[i][1]) {
            return keys[i][0] < keys[i][1] ? -1 : 1;
        }
    }
    return 0;
}

/* Boxes by the grid cell of their upper left corner. */
struct grid {
    double x0, y0, cell; /* origin and side of a cell */
    int columns, rows;
    double w_max, h_max; /* of any box: how far left and above a neighbour can start */
    uint32_t *first;     /* [columns * rows + 1] into rank */
    uint32_t *rank;      /* [n] */
};

static int grid_clamp(double v, int n)
{
    return v < 0 ? 0 : v >= n ? n - 1 : (int)v;
}

static size_t grid_cell(const struct grid *g, const struct slice_box *b)
{
    int column = grid_clamp((b->x1 - g->x0) / g->cell, g->columns);
    int row = grid_clamp((b->y1 - g->y0) / g->cell, g->rows);
    return (size_t)row * (size_t)g->columns + (size_t)column;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Origin and largest sides; the lower right of the corners in *ret_x, *ret_y. */
static void grid_bounds(struct grid *g, const struct slice_box *b, size_t n, double *ret_x,
                        double *ret_y)
{
    *g = (struct grid){.x0 = b[0].x1, .y0 = b[0].y1};
    *ret_x = b[0].x1;
    *ret_y = b[0].y1;
    for (size_t i = 0; i < n; i++) {
        g->w_max = DM_MAX(g->w_max, b[i].x2 - b[i].x1);
        g->h_max = DM_MAX(g->h_max, b[i].y2 - b[i].y1);
        g->x0 = DM_MIN(g->x0, b[i].x1);
        g->y0 = DM_MIN(g->y0, b[i].y1);
        *ret_x = DM_MAX(*ret_x, b[i].x1);
        *ret_y = DM_MAX(*ret_y, b[i].y1);
    }
}

/* Cell side and number of cells: twice the median side, but never so small that the empty cells of
 * a wide picture outnumber the boxes by far. */
static int grid_measure(struct grid *g, const struct slice_box *b, size_t n, struct dm_arena *a,
                        struct dm_err *e)
{
    double x_end, y_end;
    double *side = dm_arena_calloc(a, n, sizeof(*side));
    if (!side) {
        DM_FAIL(e, DM_ENOMEM, "no memory to merge %zu boxes", n);
    }
    for (size_t i = 0; i < n; i++) {
        side[i] = DM_MAX(b[i].x2 - b[i].x1, b[i].y2 - b[i].y1);
    }
    qsort(side, n, sizeof(*side), compare_doubles);
    grid_bounds(g, b, n, &x_end, &y_end);
    double width = x_end - g->x0;
    double height = y_end - g->y0;
    double least = sqrt(width * height / (4.0 * (double)n));
    least = DM_MAX(least, DM_MAX(width, height) / (4.0 * (double)n));
    g->cell = DM_MAX(DM_MAX(2 * side[n / 2], least), 1.0);
    g->columns = (int)(width / g->cell) + 1;
    g->rows = (int)(height / g->cell) + 1;
    return DM_OK;
}

/* Counting sort by cell; ranks stay ascending within a cell. */
static int grid_fill(struct grid *g, const struct slice_box *b, size_t n, struct dm_arena *a,
                     struct dm_err *e)
{
    size_t cells = (size_t)g->columns * (size_t)g->rows;
    g->first = dm_arena_calloc(a, cells + 1, sizeof(*g->first));
    g->rank = dm_arena_calloc(a, n, sizeof(*g->rank));
    if (!g->first || !g->rank) {
        DM_FAIL(e, DM_ENOMEM, "no memory to merge %zu boxes", n);
    }
    for (size_t i = 0; i < n; i++) {
        g->first[grid_cell(g, &b[i]) + 1]++;
    }
    for (size_t c = 0; c < cells; c++) {
        g->first[c + 1] += g->first[c];
    }
    for (size_t i = n; i-- > 0;) { /* from the back: first[c + 1] moves down to the start of c */
        g->rank[--g->first[grid_cell(g, &b[i]) + 1]] = (uint32_t)i;
    }
    for (size_t c = 0; c < cells; c++) {
        g->first[c] = g->first[c + 1];
    }
    g->first[cells] = (uint32_t)n;
    return DM_OK;
}

/* Share of the smaller box that both cover. */
static double overlap_share(double x1, double y1, double x2, double y2, double smaller)
{
    double inter = x2 > x1 && y2 > y1 ? (x2 - x1) * (y2 - y1) : 0;
    return smaller > 0 ? inter / smaller : 0;
}

/* Phase 1: corners and areas rounded to f32, their intersection in f64, as the reference's. */
static bool matches(const struct slice_box *a, const struct slice_box *b, double threshold)
{
    float ax1 = (float)a->x1, ay1 = (float)a->y1, ax2 = (float)a->x2, ay2 = (float)a->y2;
    float bx1 = (float)b->x1, by1 = (float)b->y1, bx2 = (float)b->x2, by2 = (float)b->y2;
    float area_a = (ax2 - ax1) * (ay2 - ay1);
    float area_b = (bx2 - bx1) * (by2 - by1);
    return overlap_share(DM_MAX(ax1, bx1), DM_MAX(ay1, by1), DM_MIN(ax2, bx2), DM_MIN(ay2, by2),
                         DM_MIN(area_a, area_b)) >= threshold;
}

/* Phase 2: f64, strict, against the keeper as it has grown. */
static bool still_matches(const struct slice_box *keep, const struct slice_box *b, double threshold)
{
    double area_k = (keep->x2 - keep->x1) * (keep->y2 - keep->y1);
    double area_b = (b->x2 - b->x1) * (b->y2 - b->y1);
    return overlap_share(DM_MAX(keep->x1, b->x1), DM_MAX(keep->y1, b->y1), DM_MIN(keep->x2, b->x2),
                         DM_MIN(keep->y2, b->y2), DM_MIN(area_k, area_b)) > threshold;
}

static int compare_ranks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Ranks of the boxes that box k collects, ascending; marks them as used. */
static size_t collect(const struct grid *g, const struct slice_box *b, size_t k, double threshold,
                      bool *used, uint32_t *match)
{
    const struct slice_box *keep = &b[k];
    int c0 = grid_clamp(floor((keep->x1 - g->w_max - g->x0) / g->cell), g->columns);
    int c1 = grid_clamp((keep->x2 - g->x0) / g->cell, g->columns);
    int r0 = grid_clamp(floor((keep->y1 - g->h_max - g->y0) / g->cell), g->rows);
    int r1 = grid_clamp((keep->y2 - g->y0) / g->cell, g->rows);
    size_t n = 0;
    for (int r = r0; r <= r1; r++) {
        size_t row = (size_t)r * (size_t)g->columns;
        for (uint32_t i = g->first[row + (size_t)c0]; i < g->first[row + (size_t)c1 + 1]; i++) {
            uint32_t j = g->rank[i];
            if (j > k && !used[j] && b[j].class_id == keep->class_id &&
                matches(keep, &b[j], threshold)) {
                used[j] = true;
                match[n++] = j;
            }
        }
    }
    qsort(match, n, sizeof(*match), compare_ranks);
    return n;
}

static void grow(struct slice_box *keep, const struct slice_box *b)
{
    keep->x1 = DM_MIN(keep->x1, b->x1);
    keep->y1 = DM_MIN(keep->y1, b->y1);
    keep->x2 = DM_MAX(keep->x2, b->x2);
    keep->y2 = DM_MAX(keep->y2, b->y2);
}

int slice_merge(struct slice_box *b, size_t n, double threshold, struct dm_arena *a, size_t *ret_n,
                struct dm_err *e)
{
    struct grid g = {0};
    if (n > LIMIT_DETECTIONS) {
        DM_FAIL(e, DM_ELIMIT, "%zu boxes to merge, the limit is %d", n, LIMIT_DETECTIONS);
    }
    if (n < 2) {
        *ret_n = n;
        return DM_OK;
    }
    qsort(b, n, sizeof(*b), compare_boxes);
    DM_TRY(grid_measure(&g, b, n, a, e));
    DM_TRY(grid_fill(&g, b, n, a, e));
    bool *used = dm_arena_calloc(a, n, sizeof(*used));
    uint32_t *match = dm_arena_calloc(a, n, sizeof(*match));
    struct slice_box *merged = dm_arena_calloc(a, n, sizeof(*merged));
    if (!used || !match || !merged) {
        DM_FAIL(e, DM_ENOMEM, "no memory to merge %zu boxes", n);
    }
    size_t kept = 0;
    for (size_t k = 0; k < n; k++) {
        if (used[k]) {
            continue;
        }
        size_t matched = collect(&g, b, k, threshold, used, match);
        merged[kept] = b[k];
        for (size_t i = 0; i < matched; i++) {
            if (still_matches(&merged[kept], &b[match[i]], threshold)) {
                grow(&merged[kept], &b[match[i]]);
            }
        }
        kept++;
    }
    for (size_t i = 0; i < kept; i++) {
        b[i] = merged[i];
    }
    qsort(b, kept, sizeof(*b), compare_boxes); /* growing moved corners among equal scores */
    *ret_n = kept;
    return DM_OK;
}

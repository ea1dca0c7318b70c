/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and hole filling of masks. The opening runs over every band of every container, so it
 * keeps three eroded rows and touches each byte of the picture once in, once out; holes are found
 * on runs of equal pixels, which are few in a container mask whatever its size. */
#include "image/ops.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "base/simd.h"

/* Element by element; the inputs may overlap each other. */
DM_SIMD_CLONES static void least_of_three(const uint8_t *a, const uint8_t *b, const uint8_t *c,
                                          size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t ab = a[i] < b[i] ? a[i] : b[i];
        out[i] = ab < c[i] ? ab : c[i];
    }
}

DM_SIMD_CLONES static void greatest_of_three(const uint8_t *a, const uint8_t *b, const uint8_t *c,
                                             size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t ab = a[i] > b[i] ? a[i] : b[i];
        out[i] = ab > c[i] ? ab : c[i];
    }
}

/* Three rows -> least of each pixel's 3x3 neighbourhood; column is scratch of n + 2 whose ends
 * stand for the neighbours outside. */
static void erode_row(const uint8_t *a, const uint8_t *b, const uint8_t *c, size_t n,
                      uint8_t *column, uint8_t *out)
{
    column[0] = 255;
    column[n + 1] = 255;
    least_of_three(a, b, c, n, column + 1);
    least_of_three(column, column + 1, column + 2, n, out);
}

static void dilate_row(const uint8_t *a, const uint8_t *b, const uint8_t *c, size_t n,
                       uint8_t *column, uint8_t *out)
{
    column[0] = 0;
    column[n + 1] = 0;
    greatest_of_three(a, b, c, n, column + 1);
    greatest_of_three(column, column + 1, column + 2, n, out);
}

int image_open3x3(const struct image *in, struct image *out, struct dm_err *e)
{
    DM_BUG_UNLESS(in->channels == 1 && out->channels == 1 && in->w == out->w && in->h == out->h);
    size_t n = (size_t)in->w;
    int last = in->h - 1;
    size_t line = dm_align_up(n + 2, 64);
    DM_CLEANUP(dm_freep) uint8_t *block = dm_alloc_aligned(4 * line);
    if (!block) {
        DM_FAIL(e, DM_ENOMEM, "no memory to open a mask of %d x %d pixels", in->w, in->h);
    }
    uint8_t *eroded[3] = {block + line, block + 2 * line, block + 3 * line};
    for (int y = 0; y <= in->h; y++) {
        /* Row y of the erosion, then row y - 1 of the dilation. A row outside is replaced by its
         * neighbour inside, which changes neither the least nor the greatest of the three. */
        if (y <= last) {
            erode_row(image_row(in, DM_MAX(y - 1, 0)), image_row(in, y),
                      image_row(in, DM_MIN(y + 1, last)), n, block, eroded[y % 3]);
        }
        if (y >= 1) {
            dilate_row(eroded[DM_MAX(y - 2, 0) % 3], eroded[(y - 1) % 3],
                       eroded[DM_MIN(y, last) % 3], n, block, image_row(out, y - 1));
        }
    }
    return DM_OK;
}

/* ---- holes ---- */

/* Background pixels x0 <= x < x1 of one row. parent leads to the run that stands for the region;
 * run 0 stands for everything outside the image. */
struct run {
    int x0, x1;
    uint32_t parent;
};

struct runs {
    struct run *run;
    size_t n, cap;
};

static int add_run(struct runs *r, int x0, int x1, struct dm_err *e)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 1024;
        struct run *grown = dm_realloc(r->run, cap * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the runs of a mask");
        }
        r->run = grown;
        r->cap = cap;
    }
    r->run[r->n] = (struct run){x0, x1, (uint32_t)r->n};
    r->n++;
    return DM_OK;
}

static uint32_t find_root(struct run *run, uint32_t i)
{
    while (run[i].parent != i) {
        run[i].parent = run[run[i].parent].parent; /* path halving */
        i = run[i].parent;
    }
    return i;
}

/* The lower number leads, so that whatever is joined to run 0 ends there. */
static void join(struct run *run, uint32_t a, uint32_t b)
{
    a = find_root(run, a);
    b = find_root(run, b);
    if (a < b) {
        run[b].parent = a;
    } else {
        run[a].parent = b;
    }
}

/* First column from x on that is set or not, n when there is none. */
static int find_set(const uint8_t *row, int x, int n)
{
    for (uint64_t word; x + 8 <= n; x += 8) {
        memcpy(&word, row + x, sizeof(word));
        if (word != 0) {
            break;
        }
    }
    while (x < n && row[x] == 0) {
        x++;
    }
    return x;
}

static int find_clear(const uint8_t *row, int x, int n)
{
    const uint8_t *p = x < n ? memchr(row + x, 0, (size_t)(n - x)) : NULL;
    return p ? (int)(p - row) : n;
}

/* Runs of row y, joined with those of the row above at [above, end of list) and with the outside.
 */
static int add_row(struct runs *r, const struct image *mask, int y, size_t above, struct dm_err *e)
{
    const uint8_t *row = image_row(mask, y);
    size_t above_end = r->n;
    for (int x = find_clear(row, 0, mask->w); x < mask->w; x = find_clear(row, x, mask->w)) {
        int end = find_set(row, x, mask->w);
        uint32_t self = (uint32_t)r->n;
        DM_TRY(add_run(r, x, end, e));
        if (x == 0 || end == mask->w || y == 0 || y == mask->h - 1) {
            join(r->run, 0, self);
        }
        while (above < above_end && r->run[above].x1 <= x) {
            above++;
        }
        for (size_t k = above; k < above_end && r->run[k].x0 < end; k++) {
            join(r->run, (uint32_t)k, self);
        }
        x = end;
    }
    return DM_OK;
}

int image_fill_holes(struct image *mask, struct dm_err *e)
{
    DM_BUG_UNLESS(mask->channels == 1);
    struct runs r = {0};
    DM_CLEANUP(dm_freep) size_t *first = dm_calloc((size_t)mask->h + 1, sizeof(*first));
    int rc = first ? add_run(&r, 0, 0, e)
                   : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a mask");
    size_t above = 1;
    for (int y = 0; y < mask->h && rc >= 0; y++) {
        size_t here = r.n;
        first[y] = here;
        rc = add_row(&r, mask, y, above, e);
        above = here;
    }
    for (int y = 0; y < mask->h && rc >= 0; y++) {
        size_t end = y + 1 < mask->h ? first[y + 1] : r.n;
        for (size_t i = first[y]; i < end; i++) {
            if (find_root(r.run, (uint32_t)i) != 0) {
                memset(image_row(mask, y) + r.run[i].x0, 255, (size_t)(r.run[i].x1 - r.run[i].x0));
            }
        }
    }
    dm_free(r.run);
    return rc < 0 ? rc : DM_OK;
}

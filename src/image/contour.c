/* SPDX-License-Identifier: Apache-2.0
 *
 * External contours of a mask by border following (Suzuki & Abe 1985, algorithm 2: only the
 * outermost borders). Called once per container on a mask of the segmentation network's size.
 *
 * The mask is copied into a frame of zeros with 1 for set pixels. Following a border marks its
 * pixels, positive or - where the pixel to the right is outside - negative, so that the scan knows
 * whether the last border it met has been left again: a set pixel met while inside is no new
 * external border. */
#include "image/ops.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "base/simd.h"

enum { UNSEEN = 1, BORDER = 2, RIGHT_BORDER = -2 };

/* Chain codes: 0 is east, then counter-clockwise as seen (y down). */
static const int step_x[8] = {1, 1, 0, -1, -1, -1, 0, 1};
static const int step_y[8] = {0, -1, -1, -1, 0, 1, 1, 1};

struct tracer {
    int8_t *px;             /* frame, (w + 2) x (h + 2) */
    ptrdiff_t stride;       /* w + 2 */
    ptrdiff_t step[8];      /* to the neighbour in each direction */
    struct image_point *pt; /* all points so far */
    size_t n, cap;
    size_t *first; /* first point of each contour */
    size_t n_first, cap_first;
};

static void tracer_clear(struct tracer *t)
{
    dm_free(t->px);
    dm_free(t->pt);
    dm_free(t->first);
}

static int add_point(struct tracer *t, int x, int y, struct dm_err *e)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct image_point *grown = dm_realloc(t->pt, cap * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %zu contour points", cap);
        }
        t->pt = grown;
        t->cap = cap;
    }
    t->pt[t->n++] = (struct image_point){x, y};
    return DM_OK;
}

static int add_contour(struct tracer *t, struct dm_err *e)
{
    if (t->n_first == t->cap_first) {
        size_t cap = t->cap_first ? 2 * t->cap_first : 16;
        size_t *grown = dm_realloc(t->first, cap * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %zu contours", cap);
        }
        t->first = grown;
        t->cap_first = cap;
    }
    t->first[t->n_first++] = t->n;
    return DM_OK;
}

/* Follow the border that starts at image pixel (x, y), whose left neighbour is outside. */
static int follow(struct tracer *t, int x, int y, struct dm_err *e)
{
    DM_TRY(add_contour(t, e));
    int8_t *start = t->px + (y + 1) * t->stride + x + 1;
    int dir = 4;
    do { /* clockwise from west: the last pixel of the border */
        dir = (dir - 1) & 7;
    } while (start[t->step[dir]] == 0 && dir != 4);
    if (dir == 4) {
        *start = RIGHT_BORDER; /* a single pixel */
        return add_point(t, x, y, e);
    }
    const int8_t *last = start + t->step[dir];
    int8_t *at = start;
    int came = dir ^ 4; /* direction of the step that led here */
    for (;;) {
        /* Counter-clockwise from where we came; east is examined when the search passes it. */
        int from = dir;
        int d = from;
        do {
            d++;
        } while (at[t->step[d & 7]] == 0);
        bool passed_east = d > 8;
        d &= 7;
        if (passed_east) {
            *at = RIGHT_BORDER;
        } else if (*at == UNSEEN) {
            *at = BORDER;
        }
        if (d != came) {
            DM_TRY(add_point(t, x, y, e));
        }
        int8_t *next = at + t->step[d];
        if (next == start && at == last) {
            return DM_OK;
        }
        at = next;
        x += step_x[d];
        y += step_y[d];
        came = d;
        dir = (d + 4) & 7;
    }
}

DM_SIMD_CLONES static void to_ones(const uint8_t *restrict in, size_t n, int8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = in[i] != 0;
    }
}

/* First column from x on whose value is not v (0 or 1), n when there is none. */
static int skip_equal(const int8_t *row, int x, int n, int8_t v)
{
    const uint64_t all = UINT64_C(0x0101010101010101) * (uint8_t)v;
    for (uint64_t word; x + 8 <= n; x += 8) {
        memcpy(&word, row + x, sizeof(word));
        if (word != all) {
            break;
        }
    }
    while (x < n && row[x] == v) {
        x++;
    }
    return x;
}

static int scan_row(struct tracer *t, int y, int w, struct dm_err *e)
{
    const int8_t *row = t->px + (y + 1) * t->stride + 1;
    int8_t before = 0;
    int8_t border = 0; /* last border pixel met in this row: > 0 means inside its component */
    for (int x = 0; x < w; x++) {
        if (row[x] == before) {
            if (before == 0 || before == UNSEEN) {
                x = skip_equal(row, x, w, before);
                if (x == w) {
                    break;
                }
            }
        }
        if (before == 0 && row[x] == UNSEEN && border <= 0) {
            DM_TRY(follow(t, x, y, e));
        }
        before = row[x];
        if (before != 0 && before != UNSEEN) {
            border = before;
        }
    }
    return DM_OK;
}

/* Last found first, as the reference library lists them. */
static int take_reversed(struct tracer *t, struct image_contours *ret, struct dm_err *e)
{
    struct image_contours c = {
        .points = dm_calloc(DM_MAX(t->n, 1), sizeof(*c.points)),
        .first = dm_calloc(t->n_first + 1, sizeof(*c.first)),
        .n = t->n_first,
    };
    if (!c.points || !c.first) {
        image_contours_clear(&c);
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu contour points", t->n);
    }
    size_t at = 0;
    size_t end = t->n;
    for (size_t i = 0; i < t->n_first; i++) {
        size_t from = t->first[t->n_first - 1 - i];
        memcpy(c.points + at, t->pt + from, (end - from) * sizeof(*c.points));
        c.first[i] = at;
        at += end - from;
        end = from;
    }
    c.first[t->n_first] = at;
    *ret = c;
    return DM_OK;
}

static int find_contours(struct tracer *t, const struct image *mask, struct image_contours *ret,
                         struct dm_err *e)
{
    t->stride = (ptrdiff_t)mask->w + 2;
    t->px = dm_calloc((size_t)mask->h + 2, (size_t)t->stride);
    if (!t->px) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the contours of %d x %d pixels", mask->w, mask->h);
    }
    for (int d = 0; d < 8; d++) {
        t->step[d] = step_y[d] * t->stride + step_x[d];
    }
    for (int y = 0; y < mask->h; y++) {
        to_ones(image_row(mask, y), (size_t)mask->w, t->px + (y + 1) * t->stride + 1);
    }
    for (int y = 0; y < mask->h; y++) {
        DM_TRY(scan_row(t, y, mask->w, e));
    }
    return take_reversed(t, ret, e);
}

int image_find_contours(const struct image *mask, struct image_contours *ret, struct dm_err *e)
{
    DM_BUG_UNLESS(mask->channels == 1);
    struct tracer t = {0};
    int rc = find_contours(&t, mask, ret, e);
    tracer_clear(&t);
    return rc;
}

void image_contours_clear(struct image_contours *c)
{
    dm_free(c->points);
    dm_free(c->first);
    *c = (struct image_contours){0};
}

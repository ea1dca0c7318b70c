/* SPDX-License-Identifier: Apache-2.0
 *
 * From the raw heads of a YOLO network to boxes (vision.md 2.4, 4.2). Runs once per tile on 8400
 * cells, of which a few hundred to a few thousand pass the threshold. The threshold is applied to
 * the logits, which sigmoid does not reorder, so sigmoid and softmax are computed for candidates
 * only. All arithmetic is f32 in the order of the reference. */
#include "vision/yolo.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 4, BINS = 16 };

/* Offset between classes in NMS; the reference's max_wh. */
static const float CLASS_OFFSET = 7680.0f;

float yolo_min_logit(float conf)
{
    if (conf <= 0) {
        return -INFINITY;
    }
    /* A sigmoid in f32 is off by a few units in the last place (6e-8 below 1): 1e-6 covers it. */
    double c = fmin((double)conf, 1.0) * (1 - 1e-6);
    return nextafterf((float)log(c / (1 - c)), -INFINITY);
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Any of n logits above t. An integer OR, so that the loop vectorises. */
static bool any_above(const float *x, int n, float t)
{
    int hit = 0;
    for (int i = 0; i < n; i++) {
        hit |= x[i] > t;
    }
    return hit != 0;
}

/* Score and class of a cell; among equal scores the lowest class. */
static float best_class(const float *logit, int n, int *ret_class)
{
    int best = 0;
    for (int c = 1; c < n; c++) {
        best = logit[c] > logit[best] ? c : best;
    }
    float score = sigmoid(logit[best]);
    for (int c = 0; c < best; c++) { /* saturated logits differ, their sigmoids may not */
        if (sigmoid(logit[c]) == score) {
            best = c;
        }
    }
    *ret_class = best;
    return score;
}

/* Distance from the anchor to one side: the expectation of a softmax over 16 bins. */
static float expected_bin(const float *logit)
{
    float p[BINS];
    float top = logit[0];
    float sum = 0;
    float d = 0;
    for (int k = 1; k < BINS; k++) {
        top = logit[k] > top ? logit[k] : top;
    }
    for (int k = 0; k < BINS; k++) {
        p[k] = expf(logit[k] - top);
        sum += p[k];
    }
    for (int k = 0; k < BINS; k++) {
        d += (float)k * (p[k] / sum);
    }
    return d;
}

/* Centre and size of the box of a cell, network pixels: formed in grid units, then multiplied. */
static void decode_box(const struct nn_level *l, size_t cell, float ret_cxywh[static 4])
{
    const float *logit = l->box + cell * l->box_step;
    float d[SIDES];
    size_t column = cell % (size_t)l->w;
    size_t row = cell / (size_t)l->w;
    float ax = (float)column + 0.5f;
    float ay = (float)row + 0.5f;
    float s = (float)l->stride;
    for (int side = 0; side < SIDES; side++) {
        d[side] = expected_bin(logit + (size_t)side * BINS);
    }
    float x1 = ax - d[0];
    float y1 = ay - d[1];
    float x2 = ax + d[2];
    float y2 = ay + d[3];
    ret_cxywh[0] = (x1 + x2) / 2 * s;
    ret_cxywh[1] = (y1 + y2) / 2 * s;
    ret_cxywh[2] = (x2 - x1) * s;
    ret_cxywh[3] = (y2 - y1) * s;
}

static size_t cells(const struct nn_level *l)
{
    return (size_t)l->w * (size_t)l->h;
}

static size_t count_anchors(const struct nn_heads *heads)
{
    size_t n = 0;
    for (int i = 0; i < heads->n_levels; i++) {
        n += cells(&heads->level[i]);
    }
    return n;
}

/* Candidate at a cell, or false. A network of broken weights gives no number: no candidate. */
static bool candidate(const struct nn_heads *heads, const struct nn_level *l, size_t cell,
                      float conf, struct yolo_box *ret)
{
    float c[4];
    ret->score = best_class(l->cls + cell * l->cls_step, heads->n_classes, &ret->class_id);
    if (!(ret->score > conf)) {
        return false;
    }
    decode_box(l, cell, c);
    float half_w = c[2] / 2;
    float half_h = c[3] / 2;
    ret->x1 = c[0] - half_w;
    ret->y1 = c[1] - half_h;
    ret->x2 = c[0] + half_w;
    ret->y2 = c[1] + half_h;
    return isfinite(ret->x1) && isfinite(ret->y1) && isfinite(ret->x2) && isfinite(ret->y2);
}

/* Boxes of one level behind b[n]; returns the new n. */
static size_t collect_level(const struct nn_heads *heads, const struct nn_level *l, int first,
                            const struct yolo_nms_params *p, struct yolo_box *b, size_t n)
{
    float t = yolo_min_logit(p->conf);
    for (size_t i = 0; i < cells(l); i++) {
        if (any_above(l->cls + i * l->cls_step, heads->n_classes, t) &&
            candidate(heads, l, i, p->conf, &b[n])) {
            b[n++].anchor = first + (int)i;
        }
    }
    return n;
}

int yolo_decode(const struct nn_heads *heads, const struct yolo_nms_params *p, struct dm_arena *a,
                struct yolo_box **ret, size_t *ret_n, bool *ret_saturated, struct dm_err *e)
{
    size_t anchors = count_anchors(heads);
    struct yolo_box *b = dm_arena_calloc(a, anchors, sizeof(*b));
    if (!b) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu candidates", anchors);
    }
    size_t n = 0;
    int first = 0;
    for (int i = 0; i < heads->n_levels; i++) {
        n = collect_level(heads, &heads->level[i], first, p, b, n);
        first += (int)cells(&heads->level[i]);
    }
    int kept = yolo_nms(b, n, p, a, e);
    DM_TRY(kept);
    *ret = b;
    *ret_n = (size_t)kept;
    *ret_saturated = kept == p->max_det;
    return DM_OK;
}

/* ---- non-maximum suppression ---- */

struct ranked {
    float score;
    uint32_t index; /* makes the order stable */
};

static int compare_ranked(const void *pa, const void *pb)
{
    const struct ranked *a = pa;
    const struct ranked *b = pb;
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* Kept boxes with the offset of their class, one array per coordinate. */
struct kept {
    float *x1, *y1, *x2, *y2, *area;
    size_t n;
};

enum { BLOCK = 32 }; /* boxes compared before looking whether one suppresses */

/* A kept box overlaps the box by more than iou. f32 throughout, as the reference: with the offset
 * of a high class the lost low bits count. */
static bool suppressed(const struct kept *k, float x1, float y1, float x2, float y2, float iou)
{
    float area = (x2 - x1) * (y2 - y1);
    for (size_t from = 0; from < k->n; from += BLOCK) {
        size_t to = DM_MIN(k->n, from + BLOCK);
        int hit = 0;
        for (size_t i = from; i < to; i++) {
            float w = DM_MIN(x2, k->x2[i]) - DM_MAX(x1, k->x1[i]);
            float h = DM_MIN(y2, k->y2[i]) - DM_MAX(y1, k->y1[i]);
            float inter = (w > 0 ? w : 0) * (h > 0 ? h : 0);
            hit |= inter / (k->area[i] + area - inter) > iou;
        }
        if (hit) {
            return true;
        }
    }
    return false;
}

/* Keep the box unless a better one covers it. */
static bool keep_box(struct kept *k, const struct yolo_box *b, float iou)
{
    float offset = CLASS_OFFSET * (float)b->class_id;
    float x1 = b->x1 + offset;
    float y1 = b->y1 + offset;
    float x2 = b->x2 + offset;
    float y2 = b->y2 + offset;
    if (suppressed(k, x1, y1, x2, y2, iou)) {
        return false;
    }
    k->x1[k->n] = x1;
    k->y1[k->n] = y1;
    k->x2[k->n] = x2;
    k->y2[k->n] = y2;
    k->area[k->n] = (x2 - x1) * (y2 - y1);
    k->n++;
    return true;
}

int yolo_nms(struct yolo_box *b, size_t n, const struct yolo_nms_params *p, struct dm_arena *a,
             struct dm_err *e)
{
    size_t most = DM_MIN(n, (size_t)p->max_det);
    struct ranked *order = dm_arena_calloc(a, n, sizeof(*order));
    struct yolo_box *found = dm_arena_calloc(a, most, sizeof(*found));
    float *rows = dm_arena_calloc(a, most, 5 * sizeof(*rows));
    if (!order || !found || !rows) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu boxes", n);
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct ranked){b[i].score, (uint32_t)i};
    }
    if (n > 1) {
        qsort(order, n, sizeof(*order), compare_ranked);
    }
    struct kept k = {rows, rows + most, rows + 2 * most, rows + 3 * most, rows + 4 * most, 0};
    size_t considered = DM_MIN(n, (size_t)p->max_nms);
    for (size_t i = 0; i < considered && k.n < most; i++) {
        const struct yolo_box *box = &b[order[i].index];
        if (keep_box(&k, box, p->iou)) {
            found[k.n - 1] = *box;
        }
    }
    memcpy(b, found, k.n * sizeof(*b));
    return (int)k.n;
}

/* ---- the tensor other runtimes give ---- */

int yolo_output0(const struct nn_heads *heads, struct dm_arena *a, float **ret, size_t *ret_rows,
                 size_t *ret_anchors, struct dm_err *e)
{
    size_t anchors = count_anchors(heads);
    size_t rows = 4 + (size_t)heads->n_classes + (size_t)heads->n_coefs;
    float *out = dm_arena_calloc(a, anchors, rows * sizeof(*out));
    if (!out) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu x %zu outputs", rows, anchors);
    }
    size_t column = 0;
    for (int i = 0; i < heads->n_levels; i++) {
        const struct nn_level *l = &heads->level[i];
        for (size_t cell = 0; cell < cells(l); cell++, column++) {
            float *at = out + column;
            float c[4];
            decode_box(l, cell, c);
            for (size_t k = 0; k < 4; k++) {
                at[k * anchors] = c[k];
            }
            for (size_t k = 0; k < (size_t)heads->n_classes; k++) {
                at[(4 + k) * anchors] = sigmoid(l->cls[cell * l->cls_step + k]);
            }
            for (size_t k = 0; k < (size_t)heads->n_coefs; k++) {
                at[(rows - (size_t)heads->n_coefs + k) * anchors] =
                    l->coef[cell * l->coef_step + k];
            }
        }
    }
    *ret = out;
    *ret_rows = rows;
    *ret_anchors = anchors;
    return DM_OK;
}

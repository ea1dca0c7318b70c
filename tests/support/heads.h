/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw network heads made by hand: what nn_session_run would return for boxes we choose. Rows are
 * wider than their content and the rest is poison, so that a wrong step shows. */
#ifndef TESTS_SUPPORT_HEADS_H
#define TESTS_SUPPORT_HEADS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/net.h"

enum { HEADS_PAD = 3 }; /* floats of poison behind every row */

struct test_heads {
    struct nn_heads h;
    float *mem[10];
    int n_mem;
};

static inline float *heads_alloc(struct test_heads *t, size_t rows, size_t step, size_t valid,
                                 float value)
{
    float *p = malloc(rows * step * sizeof(*p) + 1);
    t->mem[t->n_mem++] = p;
    for (size_t r = 0; p && r < rows; r++) {
        for (size_t i = 0; i < step; i++) {
            p[r * step + i] = i < valid ? value : 1e30f;
        }
    }
    return p;
}

/* Heads of a net_w x net_h input in which no cell is a candidate. coefs 0: a detector. */
static inline void test_heads_init(struct test_heads *t, int net_w, int net_h, int classes,
                                   int coefs)
{
    *t = (struct test_heads){
        .h = {.n_levels = 3, .n_classes = classes, .n_coefs = coefs},
    };
    for (int i = 0; i < 3; i++) {
        struct nn_level *l = &t->h.level[i];
        l->stride = 8 << i;
        l->w = net_w / l->stride;
        l->h = net_h / l->stride;
        size_t n = (size_t)l->w * (size_t)l->h;
        l->cls_step = (size_t)classes + HEADS_PAD;
        l->box_step = 64 + HEADS_PAD;
        l->coef_step = (size_t)coefs + HEADS_PAD;
        l->cls = heads_alloc(t, n, l->cls_step, (size_t)classes, -30.0f);
        l->box = heads_alloc(t, n, l->box_step, 64, 0.0f);
        l->coef = coefs ? heads_alloc(t, n, l->coef_step, (size_t)coefs, 0.0f) : NULL;
    }
    if (coefs) {
        t->h.proto_w = net_w / 4;
        t->h.proto_h = net_h / 4;
        size_t n = (size_t)t->h.proto_w * (size_t)t->h.proto_h;
        t->h.proto = heads_alloc(t, n, (size_t)coefs, (size_t)coefs, 0.0f);
    }
}

static inline void test_heads_clear(struct test_heads *t)
{
    for (int i = 0; i < t->n_mem; i++) {
        free(t->mem[i]);
    }
    *t = (struct test_heads){0};
}

/* Rows of a cell, to be written. */
static inline float *test_heads_cls(struct test_heads *t, int level, int x, int y)
{
    struct nn_level *l = &t->h.level[level];
    return (float *)(uintptr_t)l->cls + ((size_t)y * (size_t)l->w + (size_t)x) * l->cls_step;
}
static inline float *test_heads_box(struct test_heads *t, int level, int x, int y)
{
    struct nn_level *l = &t->h.level[level];
    return (float *)(uintptr_t)l->box + ((size_t)y * (size_t)l->w + (size_t)x) * l->box_step;
}
static inline float *test_heads_coef(struct test_heads *t, int level, int x, int y)
{
    struct nn_level *l = &t->h.level[level];
    return (float *)(uintptr_t)l->coef + ((size_t)y * (size_t)l->w + (size_t)x) * l->coef_step;
}
static inline float *test_heads_proto(struct test_heads *t, int x, int y)
{
    return (float *)(uintptr_t)t->h.proto +
           ((size_t)y * (size_t)t->h.proto_w + (size_t)x) * (size_t)t->h.n_coefs;
}

static inline float test_logit(double p)
{
    return (float)log(p / (1 - p));
}

/* Distance d in [0, 15] as a distribution over the two nearest bins. */
static inline void test_heads_bins(float bins[static 16], double d)
{
    int k = (int)d;
    double f = d - k;
    for (int i = 0; i < 16; i++) {
        bins[i] = -300.0f;
    }
    bins[k] = (float)log(1 - f);
    if (f > 0) {
        bins[k + 1] = (float)log(f);
    }
}

/* Plant a box, in network pixels, at a free cell near its centre on the finest level whose range
 * reaches its edges. Returns the anchor, -1 when there is no room. */
static inline int test_heads_put(struct test_heads *t, double x1, double y1, double x2, double y2,
                                 double score, int class_id)
{
    int first = 0;
    for (int level = 0; level < 3; level++) {
        struct nn_level *l = &t->h.level[level];
        int gx = (int)((x1 + x2) / 2 / l->stride);
        int gy = (int)((y1 + y2) / 2 / l->stride);
        for (int i = 0; i < 9; i++) {
            int x = gx + (i + 1) % 3 - 1; /* the middle first */
            int y = gy + (i / 3 + 1) % 3 - 1;
            if (x < 0 || y < 0 || x >= l->w || y >= l->h) {
                continue;
            }
            double s = l->stride;
            double d[4] = {x + 0.5 - x1 / s, y + 0.5 - y1 / s, x2 / s - x - 0.5, y2 / s - y - 0.5};
            float *cls = test_heads_cls(t, level, x, y);
            bool fits = true;
            for (int k = 0; k < 4; k++) {
                fits = fits && d[k] >= 0 && d[k] < 15;
            }
            for (int c = 0; c < t->h.n_classes; c++) {
                fits = fits && cls[c] < -29;
            }
            if (fits) {
                cls[class_id] = test_logit(score);
                for (int k = 0; k < 4; k++) {
                    test_heads_bins(test_heads_box(t, level, x, y) + 16 * k, d[k]);
                }
                return first + y * l->w + x;
            }
        }
        first += l->w * l->h;
    }
    return -1;
}

#endif

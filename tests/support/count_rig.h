/* SPDX-License-Identifier: Apache-2.0
 *
 * What pipeline tests share: a painted photo whose plants are known, an engine on planted networks,
 * and a layout of containers. */
#ifndef TESTS_SUPPORT_COUNT_RIG_H
#define TESTS_SUPPORT_COUNT_RIG_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_network.h"
#include "support/testing.h"

enum { PLANTS_MAX = 2000, SIZE = 1024 };

struct scene {
    struct image im;
    struct image_rect plant[PLANTS_MAX];
    double score[PLANTS_MAX];
    size_t n;
};

static inline void scene_init(struct scene *s, int w, int h)
{
    struct dm_err e = {0};
    *s = (struct scene){0};
    assert_ok(image_init(&s->im, w, h, 3, &e), &e);
    fake_paint(&s->im, (struct image_rect){0, 0, w, h}, 50, 200, 50);
}

static inline void add_plant(struct scene *s, int x, int y, int side, double score)
{
    assert_true(s->n < PLANTS_MAX);
    struct image_rect r = image_clip(&s->im, (struct image_rect){x, y, side, side});
    s->plant[s->n] = r;
    s->score[s->n++] = fake_score(score);
    fake_paint_plant(&s->im, r, score);
}

/* One plant in every cell of a grid over rect, somewhere inside its cell. */
static inline void add_rows(struct scene *s, struct test_rng *rng, struct image_rect rect, int cell)
{
    for (int y = rect.y; y + cell <= rect.y + rect.h; y += cell) {
        for (int x = rect.x; x + cell <= rect.x + rect.w; x += cell) {
            int side = cell / 3 + (int)test_rng_below(rng, (uint32_t)cell / 3);
            int room = cell - side - 1;
            add_plant(s, x + 1 + (int)test_rng_below(rng, (uint32_t)room),
                      y + 1 + (int)test_rng_below(rng, (uint32_t)room), side,
                      0.5 + test_rng_unit(rng) * 0.39);
        }
    }
}

static inline struct vision_params params(enum vision_profile profile)
{
    struct vision_params p;
    vision_params_init(&p, profile);
    p.size_px = p.tile_size_px = 512; /* tiles reach the network unscaled */
    p.segment_size_px = SIZE;
    return p;
}

struct rig {
    struct nn_net detect, segment;
    struct dm_pool *pool;
    struct vision_engine *engine;
};

static inline void rig_init(struct rig *rig, const struct fake_container *c, size_t n, bool segment,
                            size_t threads)
{
    struct dm_err e = {0};
    *rig = (struct rig){0};
    fake_detector(&rig->detect);
    fake_segmenter(&rig->segment, c, n);
    if (threads > 1) {
        assert_ok(dm_pool_new(threads, &rig->pool, &e), &e);
    }
    struct vision_engine_options o = {
        .detect = &rig->detect, .segment = segment ? &rig->segment : NULL, .pool = rig->pool};
    assert_ok(engine_new(&fake_network, &o, &rig->engine, &e), &e);
}

static inline void rig_clear(struct rig *rig)
{
    vision_engine_free(rig->engine);
    dm_pool_free(rig->pool);
    assert_int_equal(rig->detect.open_sessions, 0);
    assert_int_equal(rig->segment.open_sessions, 0);
}

static inline struct vision_result *count(struct rig *rig, const struct vision_params *p,
                                          const struct image *im)
{
    struct dm_err e = {0};
    struct vision_result *r = NULL;
    assert_ok(vision_count_image(rig->engine, p, im, &r, &e), &e);
    return r;
}

/* The plant a detection covers exactly, -1 when there is none. */
static inline long plant_of(const struct scene *s, const struct vision_detection *d)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct image_rect *p = &s->plant[i];
        if (fabs(d->cx - (p->x + p->w / 2.0)) < 1e-2 && fabs(d->cy - (p->y + p->h / 2.0)) < 1e-2 &&
            fabs(d->w - p->w) < 1e-2 && fabs(d->h - p->h) < 1e-2) {
            return (long)i;
        }
    }
    return -1;
}

/* Every plant of the scene once, with its box and score, and nothing else. */
static inline void assert_all_plants(const struct scene *s, const struct vision_result *r)
{
    bool *seen = calloc(s->n + 1, sizeof(*seen));
    assert_int_equal(r->n_detection, s->n);
    for (size_t i = 0; i < r->n_detection; i++) {
        long k = plant_of(s, &r->detection[i]);
        assert_true(k >= 0 && !seen[k]);
        seen[k] = true;
        assert_true(fabs(r->detection[i].confidence - s->score[k]) < 1e-5);
    }
    free(seen);
}

static inline bool has_warning(const struct vision_result *r, const char *part)
{
    for (size_t i = 0; i < r->n_warning; i++) {
        if (strstr(r->warning[i], part)) {
            return true;
        }
    }
    return false;
}

/* Two segments whose boxes overlap by 96 px, a box beside them, an empty plug, a dog. */
static const struct fake_container layout[] = {
    {.box = {32, 32, 544, 600}, .score = 0.9, .class_id = 0},
    {.box = {480, 32, 520, 600}, .score = 0.8, .class_id = 0},
    {.box = {32, 680, 300, 300}, .score = 0.7, .class_id = 1},
    {.box = {400, 680, 240, 300}, .score = 0.6, .class_id = 2},
    {.box = {700, 680, 240, 300}, .score = 0.5, .class_id = 4},
};

static inline struct image_rect mask_rect(const struct fake_container *c)
{
    return (struct image_rect){c->box.x + 4, c->box.y + 4, c->box.w - 8, c->box.h - 8};
}

/* Enlarging the prototypes rounds each corner of a mask by one pixel. */
static inline bool in_mask(const struct fake_container *c, int x, int y)
{
    struct image_rect m = mask_rect(c);
    bool edge_x = x == m.x || x == m.x + m.w - 1;
    bool edge_y = y == m.y || y == m.y + m.h - 1;
    return x >= m.x && y >= m.y && x < m.x + m.w && y < m.y + m.h && !(edge_x && edge_y);
}

static inline void layout_scene(struct scene *s)
{
    struct test_rng rng = {2};
    scene_init(s, SIZE, SIZE);
    add_rows(s, &rng, (struct image_rect){48, 48, 928, 560}, 48); /* also in both segments */
    add_rows(s, &rng, (struct image_rect){48, 700, 260, 260}, 60);
    fake_paint(&s->im, (struct image_rect){390, 670, 260, 320}, 20, 19, 18); /* soil in the plug */
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Third step of a photo: plants the detector did not see. One soft detection mask of the whole
 * photo, made in strips, and then the bands of all containers, one band a thread. They do not wait
 * for each other: what an earlier container has claimed is its mask, known beforehand. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "vision/estimate.h"
#include "vision/photo.h"

enum {
    BLUR_RADIUS = 7, /* of the 15 x 15 Gaussian over the detection mask */
    STRIP_ROWS = 256,
};

struct estimate_run {
    struct photo *ph;
    struct image soft;                /* detection mask of the photo */
    struct estimate_colours *colours; /* NULL: not known or not wanted */
    /* Pictures of each container's box; [n_region]. */
    struct ground {
        struct image claimed;             /* pixels of earlier containers; empty: none */
        struct image residual, processed; /* where its rows are drawn; empty: not kept */
        bool shared;                      /* its box overlaps another: draws in pictures of its own,
                                           * else directly in those of the photo */
    } * ground;
};

/* ---- detection mask ---- */

/* Rows of strip i. */
static struct image_rect strip_rect(const struct image *im, size_t i)
{
    return image_clip(im, (struct image_rect){0, (int)i * STRIP_ROWS, im->w, STRIP_ROWS});
}

/* One strip, computed with the rows the blur reaches into, so that the mask is that of the whole
 * photo wherever strips meet. */
static int strip_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct estimate_run *run = ctx;
    const struct vision_result *r = run->ph->r;
    struct image_rect rect = strip_rect(run->ph->image, i);
    struct image_rect near =
        image_clip(run->ph->image, (struct image_rect){rect.x, rect.y - BLUR_RADIUS, rect.w,
                                                       rect.h + 2 * BLUR_RADIUS});
    DM_CLEANUP(image_clear) struct image soft = {0};
    DM_TRY(estimate_detection_mask(r->detection, r->n_detection, near, &soft, e));
    for (int y = 0; y < rect.h; y++) {
        memcpy(image_row(&run->soft, rect.y + y), image_row(&soft, rect.y - near.y + y),
               (size_t)rect.w);
    }
    return DM_OK;
}

/* ---- pictures of each container ---- */

static struct image_rect overlap(struct image_rect a, struct image_rect b)
{
    int x = DM_MAX(a.x, b.x);
    int y = DM_MAX(a.y, b.y);
    int w = DM_MIN(a.x + a.w, b.x + b.w) - x;
    int h = DM_MIN(a.y + a.h, b.y + b.h) - y;
    return (struct image_rect){x, y, DM_MAX(w, 0), DM_MAX(h, 0)};
}

/* rect in the pixels of a picture of frame. */
static struct image view_of(const struct image *im, struct image_rect frame, struct image_rect rect)
{
    return image_view(im, (struct image_rect){rect.x - frame.x, rect.y - frame.y, rect.w, rect.h});
}

static void or_into(const struct image *from, struct image *to)
{
    for (int y = 0; y < from->h; y++) {
        const uint8_t *src = image_row(from, y);
        uint8_t *dst = image_row(to, y);
        for (int x = 0; x < from->w; x++) {
            dst[x] |= src[x];
        }
    }
}

/* Pixels of container i that earlier containers hold. */
static int claim(const struct photo *ph, size_t i, struct image *claimed, struct dm_err *e)
{
    struct image_rect box = ph->r->container[i].bbox;
    for (size_t k = 0; k < i; k++) {
        struct image_rect both = overlap(box, ph->r->container[k].bbox);
        if (both.w == 0 || both.h == 0 || ph->region[k].error.code != DM_OK) {
            continue;
        }
        if (!claimed->px) {
            DM_TRY(image_init_zero(claimed, box.w, box.h, 1, e));
        }
        struct image from = view_of(&ph->region[k].mask, ph->region[k].roi, both);
        struct image to = view_of(claimed, box, both);
        or_into(&from, &to);
    }
    return DM_OK;
}

static bool overlaps_another(const struct vision_result *r, size_t i)
{
    for (size_t k = 0; k < r->n_container; k++) {
        struct image_rect both = overlap(r->container[i].bbox, r->container[k].bbox);
        if (k != i && both.w > 0 && both.h > 0) {
            return true;
        }
    }
    return false;
}

static int ground_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct estimate_run *run = ctx;
    const struct photo *ph = run->ph;
    struct ground *g = &run->ground[i];
    struct image_rect box = ph->r->container[i].bbox;
    if (ph->p->own_residual) {
        DM_TRY(claim(ph, i, &g->claimed, e));
    }
    if (!ph->p->keep_masks) {
        return DM_OK;
    }
    g->shared = overlaps_another(ph->r, i);
    if (!g->shared) {
        g->residual = image_view(&ph->r->residual_mask, box);
        g->processed = image_view(&ph->r->processed_mask, box);
        return DM_OK;
    }
    DM_TRY(image_init_zero(&g->residual, box.w, box.h, 1, e));
    return image_init_zero(&g->processed, box.w, box.h, 1, e);
}

/* Drawings of overlapping containers into those of the photo, and the end of all private ones. */
static void ground_join(struct estimate_run *run)
{
    struct vision_result *r = run->ph->r;
    for (size_t i = 0; run->ground && i < run->ph->n_region; i++) {
        struct ground *g = &run->ground[i];
        if (g->shared && g->residual.px && g->processed.px) {
            struct image residual = image_view(&r->residual_mask, r->container[i].bbox);
            struct image processed = image_view(&r->processed_mask, r->container[i].bbox);
            or_into(&g->residual, &residual);
            or_into(&g->processed, &processed);
        }
        if (g->shared) {
            image_clear(&g->residual);
            image_clear(&g->processed);
        }
        image_clear(&g->claimed);
    }
    dm_free(run->ground);
    run->ground = NULL;
}

/* ---- colours ---- */

/* What the plants of this photo look like. With fewer than a band needs to measure itself, nothing
 * is learned. */
static int learn_colours(struct estimate_run *run, struct dm_err *e)
{
    const struct photo *ph = run->ph;
    const struct vision_result *r = ph->r;
    if (!ph->p->plant_colours || r->n_detection < (size_t)ph->p->min_calibration) {
        return DM_OK;
    }
    DM_CLEANUP(dm_freep) struct estimate_colours *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the colours of plants");
    }
    estimate_colours_see_plants(c, ph->image, r->detection, r->n_detection);
    for (size_t i = 0; i < ph->n_region; i++) {
        struct image_rect box = r->container[i].bbox;
        struct image photo = image_view(ph->image, box);
        struct image mask = view_of(&ph->region[i].mask, ph->region[i].roi, box);
        struct image soft = image_view(&run->soft, box);
        estimate_colours_see_ground(c, &photo, &mask, &soft);
    }
    if (estimate_colours_decide(c)) {
        run->colours = DM_STEAL(c);
    }
    return DM_OK;
}

/* ---- one row ---- */

static bool uses_grid(const struct vision_params *p, enum vision_container_type type)
{
    bool trays = type == VISION_CONTAINER_PLUG || type == VISION_CONTAINER_ALMACIGO;
    return p->grid_analysis && trays && p->grid_rows > 0 && p->grid_columns > 0;
}

static int by_grid(const struct photo *ph, const struct vision_container *c,
                   const struct estimate_input *in, struct vision_band *ret,
                   const struct estimate_masks *keep, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct image_point *p = dm_arena_calloc(&a, c->n_polygon, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline of %zu points", c->n_polygon);
    }
    for (size_t i = 0; i < c->n_polygon; i++) {
        p[i].x = (int)(c->polygon[2 * i] * ph->image->w);
        p[i].y = (int)(c->polygon[2 * i + 1] * ph->image->h);
    }
    return estimate_grid(in, ph->p, p, c->n_polygon, ret, keep, e);
}

/* Fill row i, which knows its container and its number. */
static int row_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct estimate_run *run = ctx;
    const struct photo *ph = run->ph;
    struct vision_band *b = &ph->r->band[i];
    const struct vision_container *c = &ph->r->container[b->container];
    const struct region *region = &ph->region[b->container];
    struct ground *g = &run->ground[b->container];
    struct estimate_masks keep = {&g->residual, &g->processed};
    const struct estimate_masks *kept = ph->p->keep_masks ? &keep : NULL;
    struct image photo = image_view(ph->image, c->bbox);
    struct image mask = view_of(&region->mask, region->roi, c->bbox);
    struct image soft = image_view(&run->soft, c->bbox);
    struct estimate_input in = {
        .photo = &photo,
        .mask = &mask,
        .detections = &soft,
        .claimed = g->claimed.px ? &g->claimed : NULL,
        .colours = run->colours,
        .rect = c->bbox,
        .detection = ph->r->detection,
        .n = ph->r->n_detection,
        .photo_w = ph->image->w,
        .photo_h = ph->image->h,
    };
    if (uses_grid(ph->p, c->type)) {
        return by_grid(ph, c, &in, b, kept, e);
    }
    return estimate_band(&in, ph->p, b->number, b, kept, e);
}

/* ---- all of it ---- */

/* Rows of the estimate that container i has. Of a whole photo nothing says what is ground and what
 * is plants, so that an estimate would count the floor; a failed container was not looked at. */
static int count_rows(const struct photo *ph, size_t i)
{
    const struct vision_container *c = &ph->r->container[i];
    if (ph->region[i].error.code != DM_OK || (c->whole_photo && !ph->p->estimate_whole_photo)) {
        return 0;
    }
    return uses_grid(ph->p, c->type) ? 1 : ph->p->bands;
}

/* One entry a row, with container and number. */
static int plan_rows(struct photo *ph, struct dm_err *e)
{
    struct vision_result *r = ph->r;
    size_t most = ph->n_region * (size_t)ph->p->bands;
    r->band = dm_arena_calloc(&r->arena, most, sizeof(*r->band));
    if (!r->band) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu bands", most);
    }
    for (size_t i = 0; i < ph->n_region; i++) {
        for (int k = 0; k < count_rows(ph, i); k++) {
            r->band[r->n_band++] = (struct vision_band){.container = (int)i, .number = k + 1};
        }
    }
    return DM_OK;
}

static int estimate(struct estimate_run *run, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct vision_result *r = ph->r;
    const struct image *im = ph->image;
    size_t strips = ((size_t)im->h + STRIP_ROWS - 1) / STRIP_ROWS;
    DM_TRY(plan_rows(ph, e));
    if (r->n_band == 0 && !ph->p->keep_masks) {
        return DM_OK;
    }
    DM_TRY(image_init(&run->soft, im->w, im->h, 1, e));
    DM_TRY(dm_pool_run(ph->v->pool, strips, strip_job, run, e));
    DM_TRY(learn_colours(run, e));
    if (ph->p->keep_masks) {
        DM_TRY(image_init_zero(&r->residual_mask, im->w, im->h, 1, e));
        DM_TRY(image_init_zero(&r->processed_mask, im->w, im->h, 1, e));
    }
    DM_TRY(dm_pool_run(ph->v->pool, ph->n_region, ground_job, run, e));
    DM_TRY(dm_pool_run(ph->v->pool, r->n_band, row_job, run, e));
    if (ph->p->keep_masks) {
        r->detection_mask = run->soft;
        run->soft = (struct image){0};
    }
    return DM_OK;
}

int photo_estimate(struct photo *ph, struct dm_err *e)
{
    struct estimate_run run = {.ph = ph};
    dm_usec start = dm_now();
    run.ground = dm_calloc(DM_MAX(ph->n_region, (size_t)1), sizeof(*run.ground));
    if (!run.ground) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu containers", ph->n_region);
    }
    int code = estimate(&run, e);
    ground_join(&run);
    image_clear(&run.soft);
    dm_free(run.colours);
    ph->r->ms.estimate = dm_ms_since(start);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Third step of a photo: plants the detector did not see. One soft detection mask of the whole
 * photo, made in strips, and then the bands of each container, one container a thread. Containers
 * do not wait for each other: what an earlier one has claimed is its mask, known beforehand. */
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
    struct image soft;  /* detection mask of the photo */
    size_t *first_band; /* [n_region + 1] into r->band */
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

/* ---- one container ---- */

static struct image_rect overlap(struct image_rect a, struct image_rect b)
{
    int x = DM_MAX(a.x, b.x);
    int y = DM_MAX(a.y, b.y);
    int w = DM_MIN(a.x + a.w, b.x + b.w) - x;
    int h = DM_MIN(a.y + a.h, b.y + b.h) - y;
    return (struct image_rect){x, y, DM_MAX(w, 0), DM_MAX(h, 0)};
}

/* Part of a region's mask, rect in photo pixels. */
static struct image mask_view(const struct region *region, struct image_rect rect)
{
    return image_view(&region->mask, (struct image_rect){rect.x - region->roi.x,
                                                         rect.y - region->roi.y, rect.w, rect.h});
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

/* Pixels of container i that earlier containers hold; claimed stays empty when there are none. */
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
        struct image from = mask_view(&ph->region[k], both);
        struct image to = image_view(
            claimed, (struct image_rect){both.x - box.x, both.y - box.y, both.w, both.h});
        or_into(&from, &to);
    }
    return DM_OK;
}

static bool uses_grid(const struct vision_params *p, enum vision_container_type type)
{
    bool trays = type == VISION_CONTAINER_PLUG || type == VISION_CONTAINER_ALMACIGO;
    return p->grid_analysis && trays && p->grid_rows > 0 && p->grid_columns > 0;
}

static int by_grid(struct photo *ph, const struct vision_container *c,
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

/* The container's own masks into those of the photo. Boxes of containers may overlap. */
static void keep_masks(struct photo *ph, struct image_rect box, const struct estimate_masks *keep)
{
    struct image residual = image_view(&ph->r->residual_mask, box);
    struct image processed = image_view(&ph->r->processed_mask, box);
    (void)pthread_mutex_lock(&ph->mu);
    or_into(keep->residual, &residual);
    or_into(keep->processed, &processed);
    (void)pthread_mutex_unlock(&ph->mu);
}

static int container_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct estimate_run *run = ctx;
    struct photo *ph = run->ph;
    const struct vision_container *c = &ph->r->container[i];
    size_t n_bands = run->first_band[i + 1] - run->first_band[i];
    struct vision_band *band = ph->r->band + run->first_band[i];
    DM_CLEANUP(image_clear) struct image claimed = {0};
    DM_CLEANUP(image_clear) struct image residual = {0};
    DM_CLEANUP(image_clear) struct image processed = {0};
    struct estimate_masks keep = {&residual, &processed};
    const struct estimate_masks *kept = ph->p->keep_masks ? &keep : NULL;
    if (n_bands == 0) {
        return DM_OK;
    }
    if (kept) {
        DM_TRY(image_init_zero(&residual, c->bbox.w, c->bbox.h, 1, e));
        DM_TRY(image_init_zero(&processed, c->bbox.w, c->bbox.h, 1, e));
    }
    if (ph->p->own_residual) {
        DM_TRY(claim(ph, i, &claimed, e));
    }
    struct image photo = image_view(ph->image, c->bbox);
    struct image mask = mask_view(&ph->region[i], c->bbox);
    struct image soft = image_view(&run->soft, c->bbox);
    struct estimate_input in = {
        .photo = &photo,
        .mask = &mask,
        .detections = &soft,
        .claimed = claimed.px ? &claimed : NULL,
        .rect = c->bbox,
        .detection = ph->r->detection,
        .n = ph->r->n_detection,
        .photo_w = ph->image->w,
        .photo_h = ph->image->h,
    };
    DM_TRY(uses_grid(ph->p, c->type) ? by_grid(ph, c, &in, band, kept, e)
                                     : estimate_bands(&in, ph->p, band, kept, e));
    for (size_t k = 0; k < n_bands; k++) {
        band[k].container = (int)i;
    }
    if (kept) {
        keep_masks(ph, c->bbox, kept);
    }
    return DM_OK;
}

/* ---- all of it ---- */

/* Where each container's rows lie; a failed container has none. */
static int plan_bands(struct estimate_run *run, struct dm_arena *a, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct vision_result *r = ph->r;
    run->first_band = dm_arena_calloc(a, ph->n_region + 1, sizeof(*run->first_band));
    if (!run->first_band) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu containers", ph->n_region);
    }
    for (size_t i = 0; i < ph->n_region; i++) {
        size_t rows = uses_grid(ph->p, r->container[i].type) ? 1 : (size_t)ph->p->bands;
        if (ph->region[i].error.code != DM_OK) {
            rows = 0;
        }
        run->first_band[i + 1] = run->first_band[i] + rows;
    }
    r->n_band = run->first_band[ph->n_region];
    r->band = dm_arena_calloc(&r->arena, r->n_band, sizeof(*r->band));
    if (!r->band) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu bands", r->n_band);
    }
    return DM_OK;
}

static int estimate(struct estimate_run *run, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct vision_result *r = ph->r;
    const struct image *im = ph->image;
    size_t strips = ((size_t)im->h + STRIP_ROWS - 1) / STRIP_ROWS;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_TRY(plan_bands(run, &a, e));
    DM_TRY(image_init(&run->soft, im->w, im->h, 1, e));
    DM_TRY(dm_pool_run(ph->v->pool, strips, strip_job, run, e));
    if (ph->p->keep_masks) {
        DM_TRY(image_init_zero(&r->residual_mask, im->w, im->h, 1, e));
        DM_TRY(image_init_zero(&r->processed_mask, im->w, im->h, 1, e));
    }
    DM_TRY(dm_pool_run(ph->v->pool, ph->n_region, container_job, run, e));
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
    int code = estimate(&run, e);
    image_clear(&run.soft);
    ph->r->ms.estimate = dm_ms_since(start);
    return code;
}

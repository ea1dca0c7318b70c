/* SPDX-License-Identifier: Apache-2.0
 *
 * vision_count: the way of one photo from bytes to an audited result. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "vision/photo.h"

/* Upper bounds of vision.md 8.7 and 9.3. */
static const double EMPTY_SHARE = 0.05;
static const double HIGH_CONFIDENCE = 0.70;
static const double MEDIUM_CONFIDENCE = 0.50;

void vision_result_free(struct vision_result *r)
{
    if (r) {
        image_clear(&r->image);
        image_clear(&r->residual_mask);
        image_clear(&r->processed_mask);
        image_clear(&r->detection_mask);
        dm_arena_clear(&r->arena);
        dm_free(r);
    }
}

/* ---- what the steps use ---- */

int photo_warn(struct photo *ph, struct dm_err *e, const char *fmt, ...)
{
    struct vision_result *r = ph->r;
    char line[DM_ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < r->n_warning; i++) {
        if (!strcmp(r->warning[i], line)) {
            return DM_OK;
        }
    }
    /* A few lines a photo: a new array each time is simpler than capacity. */
    const char **grown = dm_arena_calloc(&r->arena, r->n_warning + 1, sizeof(*grown));
    char *copy = dm_arena_strdup(&r->arena, line);
    if (!grown || !copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a warning");
    }
    for (size_t i = 0; i < r->n_warning; i++) {
        grown[i] = r->warning[i];
    }
    grown[r->n_warning++] = copy;
    r->warning = grown;
    return DM_OK;
}

int photo_region_failed(struct photo *ph, size_t region, size_t job, const struct dm_err *cause,
                        struct dm_err *e)
{
    if (cause->code == DM_ENOMEM) {
        if (e) {
            *e = *cause;
        }
        return cause->code;
    }
    struct region *at = &ph->region[region];
    (void)pthread_mutex_lock(&ph->mu);
    if (at->error.code == DM_OK || job < at->error_job) {
        at->error = *cause;
        at->error_job = job;
    }
    (void)pthread_mutex_unlock(&ph->mu);
    return DM_OK;
}

/* ---- totals ---- */

/* A failure of every container is the photo's own: a count of 0 would be a lie. */
static int report_failures(struct photo *ph, struct dm_err *e)
{
    size_t failed = 0;
    for (size_t i = 0; i < ph->n_region; i++) {
        const struct region *region = &ph->region[i];
        struct vision_container *c = &ph->r->container[i];
        if (region->error.code == DM_OK) {
            continue;
        }
        failed++;
        c->failed = true;
        DM_TRY(photo_warn(ph, e, "%s could not be counted: %.180s", c->id,
                          dm_err_text(&region->error)));
    }
    if (failed && failed == ph->n_region) {
        if (e) {
            *e = ph->region[0].error;
        }
        return ph->region[0].error.code;
    }
    return DM_OK;
}

static void tally_detections(struct vision_result *r, double *plant_area)
{
    double sum = 0;
    for (size_t i = 0; i < r->n_detection; i++) {
        const struct vision_detection *d = &r->detection[i];
        struct vision_container *c = &r->container[d->container];
        double confidence = d->confidence;
        c->detected++;
        r->by_type[c->type]++;
        plant_area[d->container] += d->w * d->h;
        sum += confidence;
        if (confidence > HIGH_CONFIDENCE) {
            r->confidence_high++;
        } else if (confidence >= MEDIUM_CONFIDENCE) {
            r->confidence_medium++;
        } else {
            r->confidence_low++;
        }
    }
    r->detected = (uint32_t)r->n_detection;
    if (r->n_detection) {
        r->confidence_mean = sum / (double)r->n_detection;
        r->confidence_max = r->detection[0].confidence;
        r->confidence_min = r->detection[r->n_detection - 1].confidence;
    }
}

static int tally(struct photo *ph, struct dm_err *e)
{
    struct vision_result *r = ph->r;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    double *plant_area = dm_arena_calloc(&a, r->n_container, sizeof(*plant_area));
    if (!plant_area) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu containers", r->n_container);
    }
    tally_detections(r, plant_area);
    for (size_t i = 0; i < r->n_band; i++) {
        r->container[r->band[i].container].estimated += r->band[i].count;
        r->estimated += r->band[i].count;
    }
    r->total = r->detected + r->estimated;
    for (size_t i = 0; i < r->n_container; i++) {
        struct vision_container *c = &r->container[i];
        r->containers_by_type[c->type]++;
        bool few = plant_area[i] == 0 || plant_area[i] < EMPTY_SHARE * (double)c->mask_area_px;
        c->empty = c->type != VISION_CONTAINER_SEGMENT && !c->failed && few && c->estimated == 0;
        r->empty_containers += c->empty;
    }
    return DM_OK;
}

static int copy_class_names(struct photo *ph, struct dm_err *e)
{
    struct vision_result *r = ph->r;
    const struct nn_model_info *info = engine_info(ph->v, LANE_DETECT);
    const char **names = dm_arena_calloc(&r->arena, (size_t)info->n_classes, sizeof(*names));
    bool copied = names != NULL;
    for (int i = 0; copied && i < info->n_classes; i++) {
        names[i] = dm_arena_strdup(&r->arena, info->class_names[i]);
        copied = names[i] != NULL;
    }
    if (!copied) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d class names", info->n_classes);
    }
    r->class_names = names;
    r->n_classes = info->n_classes;
    return DM_OK;
}

/* ---- the whole way ---- */

static int walk(struct photo *ph, struct dm_err *e)
{
    DM_TRY(copy_class_names(ph, e));
    DM_TRY(photo_find_containers(ph, e));
    DM_TRY(photo_detect(ph, e));
    DM_TRY(report_failures(ph, e));
    DM_TRY(photo_estimate(ph, e));
    DM_TRY(tally(ph, e));
    return vision_result_check(ph->r, ph->p->own_residual, e);
}

static int count_pixels(struct vision_engine *v, const struct vision_params *p,
                        const struct image *im, struct vision_result *r, struct dm_err *e)
{
    DM_BUG_UNLESS(im->channels == 3);
    struct photo ph = {.v = v, .p = p, .image = im, .r = r};
    (void)pthread_mutex_init(&ph.mu, NULL);
    int code = walk(&ph, e);
    for (size_t i = 0; i < ph.n_region; i++) {
        image_clear(&ph.region[i].mask);
    }
    dm_free(ph.region);
    (void)pthread_mutex_destroy(&ph.mu);
    return code;
}

static int result_new(struct vision_result **ret, struct dm_err *e)
{
    struct vision_result *r = dm_calloc(1, sizeof(*r));
    if (!r) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a result");
    }
    *ret = r;
    return DM_OK;
}

int vision_count(struct vision_engine *v, const struct vision_params *p, const void *bytes,
                 size_t n, struct vision_result **ret, struct dm_err *e)
{
    dm_usec start = dm_now();
    DM_CLEANUP(vision_result_freep) struct vision_result *r = NULL;
    DM_CLEANUP(image_clear) struct image photo = {0};
    DM_TRY(result_new(&r, e));
    DM_TRY(image_decode(bytes, n, &image_default_limits, &photo, &r->info, e));
    r->ms.decode = dm_ms_since(start);
    DM_TRY(count_pixels(v, p, &photo, r, e));
    if (p->keep_image) {
        r->image = photo;
        photo = (struct image){0};
    }
    r->ms.total = dm_ms_since(start);
    *ret = DM_STEAL(r);
    return DM_OK;
}

int vision_count_image(struct vision_engine *v, const struct vision_params *p,
                       const struct image *im, struct vision_result **ret, struct dm_err *e)
{
    dm_usec start = dm_now();
    DM_CLEANUP(vision_result_freep) struct vision_result *r = NULL;
    DM_TRY(result_new(&r, e));
    r->info = (struct image_info){.stored_w = im->w, .stored_h = im->h, .w = im->w, .h = im->h};
    r->info.exif = (struct image_exif){.orientation = 1,
                                       .latitude_deg = NAN,
                                       .longitude_deg = NAN,
                                       .gps_error_m = NAN,
                                       .altitude_m = NAN};
    DM_TRY(count_pixels(v, p, im, r, e));
    if (p->keep_image) {
        DM_TRY(image_copy(im, &r->image, e));
    }
    r->ms.total = dm_ms_since(start);
    *ret = DM_STEAL(r);
    return DM_OK;
}

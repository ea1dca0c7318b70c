/* SPDX-License-Identifier: Apache-2.0
 *
 * First step of a photo: its containers. One network pass over the scaled photo, then outline and
 * mask of each container, one per thread. A photo has a handful, at most LIMIT_CONTAINERS. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "vision/container.h"
#include "vision/photo.h"
#include "vision/region.h"

/* Detections of the container model, and their shapes once made. */
struct segmentation {
    struct photo *ph;
    struct yolo_letterbox lb;
    struct nn_heads heads; /* borrowed from the lane */
    struct yolo_box *box;
    size_t n;
    struct shaped {
        struct container_shape shape;
        struct dm_arena arena; /* of shape */
    } * shaped;
};

static struct image_rect whole_rect(const struct image *im)
{
    return (struct image_rect){0, 0, im->w, im->h};
}

/* bbox and a margin, inside the photo. */
static struct image_rect grow(const struct image *im, struct image_rect r, int margin)
{
    return image_clip(
        im, (struct image_rect){r.x - margin, r.y - margin, r.w + 2 * margin, r.h + 2 * margin});
}

static void name_container(struct vision_container *c, int number)
{
    (void)snprintf(c->id, sizeof(c->id), "%s_%03d", container_word(c->type), number);
}

static int alloc_containers(struct photo *ph, size_t n, struct dm_err *e)
{
    struct vision_result *r = ph->r;
    r->container = dm_arena_calloc(&r->arena, n, sizeof(*r->container));
    ph->region = dm_calloc(DM_MAX(n, (size_t)1), sizeof(*ph->region));
    if (!r->container || !ph->region) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu containers", n);
    }
    return DM_OK;
}

/* ---- the whole photo as one region ---- */

static int whole_photo(struct photo *ph, const char *why, struct dm_err *e)
{
    static const double corners[] = {0, 0, 1, 0, 1, 1, 0, 1};
    struct vision_result *r = ph->r;
    int64_t area = (int64_t)ph->image->w * ph->image->h;
    DM_TRY(photo_warn(ph, e, "%s: the whole photo is counted as one region%s", why,
                      ph->p->estimate_whole_photo ? "" : ", without an estimate of unseen plants"));
    DM_TRY(alloc_containers(ph, 1, e));
    double *polygon = dm_arena_calloc(&r->arena, DM_COUNT(corners), sizeof(*polygon));
    if (!polygon) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline");
    }
    memcpy(polygon, corners, sizeof(corners));
    struct region *region = &ph->region[0];
    DM_TRY(image_init(&region->mask, ph->image->w, ph->image->h, 1, e));
    memset(region->mask.px, 255, (size_t)area);
    region->roi = whole_rect(ph->image);
    region->whole = true;
    ph->n_region = 1;
    r->n_container = 1;
    r->container[0] = (struct vision_container){
        .type = VISION_CONTAINER_SEGMENT,
        .whole_photo = true,
        .bbox = region->roi,
        .norm = {0, 0, 1, 1},
        .polygon = polygon,
        .n_polygon = DM_COUNT(corners) / 2,
        .bbox_area_px = area,
        .mask_area_px = area,
    };
    name_container(&r->container[0], 1);
    return DM_OK;
}

/* ---- from the network's detections to containers ---- */

static int shape_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct segmentation *s = ctx;
    return container_shape(&s->heads, &s->lb, &s->box[i], &s->shaped[i].arena, &s->shaped[i].shape,
                           e);
}

/* Whether detection i becomes a container; says why not. area_px sums the boxes admitted. */
static int admit(struct segmentation *s, size_t i, int64_t *area_px, bool *ret, struct dm_err *e)
{
    struct photo *ph = s->ph;
    const struct image *im = ph->image;
    const struct container_shape *shape = &s->shaped[i].shape;
    const char *name = engine_info(ph->v, LANE_SEGMENT)->class_names[s->box[i].class_id];
    *ret = false;
    if (container_type(name) < 0) {
        return photo_warn(ph, e,
                          "class \"%s\" of the container model is no known container: left "
                          "out",
                          name);
    }
    if (!container_valid(shape, im->w, im->h)) {
        return photo_warn(ph, e, "a container of class \"%s\" has no area: left out", name);
    }
    struct image_rect r = container_bbox(shape, im->w, im->h);
    *area_px += (int64_t)r.w * r.h;
    if (*area_px > (int64_t)LIMIT_CONTAINER_OVERLAP * im->w * im->h) {
        return photo_warn(ph, e, "containers overlap too often: the weakest are left out");
    }
    *ret = true;
    return DM_OK;
}

/* Container number r->n_container from detection i. number counts the containers of each type. */
static int add_container(struct segmentation *s, size_t i, int *number, struct dm_err *e)
{
    struct photo *ph = s->ph;
    struct vision_result *r = ph->r;
    const struct container_shape *shape = &s->shaped[i].shape;
    const struct nn_model_info *info = engine_info(ph->v, LANE_SEGMENT);
    struct vision_container *c = &r->container[r->n_container];
    size_t bytes = 2 * shape->n_points * sizeof(double);
    double *polygon = dm_arena_alloc(&r->arena, bytes);
    if (!polygon) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline of %zu points", shape->n_points);
    }
    memcpy(polygon, shape->polygon, bytes);
    *c = (struct vision_container){
        .type = (enum vision_container_type)container_type(info->class_names[s->box[i].class_id]),
        .confidence = shape->confidence,
        .bbox = container_bbox(shape, ph->image->w, ph->image->h),
        .polygon = polygon,
        .n_polygon = shape->n_points,
    };
    memcpy(c->norm, shape->norm, sizeof(c->norm));
    double width = (c->norm[2] - c->norm[0]) * ph->image->w;
    double height = (c->norm[3] - c->norm[1]) * ph->image->h;
    c->bbox_area_px = (int64_t)(width * height);
    name_container(c, ++number[c->type]);
    ph->region[r->n_container].roi = grow(ph->image, c->bbox, ph->p->crop_pad_px);
    r->n_container++;
    return DM_OK;
}

static int add_containers(struct segmentation *s, struct dm_err *e)
{
    int number[VISION_CONTAINER_MAX_] = {0};
    int64_t area_px = 0;
    DM_TRY(alloc_containers(s->ph, s->n, e));
    for (size_t i = 0; i < s->n; i++) { /* confidence descending, as decoded */
        bool admitted = false;
        DM_TRY(admit(s, i, &area_px, &admitted, e));
        if (admitted) {
            DM_TRY(add_container(s, i, number, e));
        }
    }
    s->ph->n_region = s->ph->r->n_container;
    return DM_OK;
}

static void segmentation_clear(struct segmentation *s)
{
    for (size_t i = 0; s->shaped && i < s->n; i++) {
        dm_arena_clear(&s->shaped[i].arena);
    }
    dm_free(s->shaped);
}

static int segment_in_lane(struct photo *ph, struct lane *l, struct dm_err *e)
{
    const struct vision_params *p = ph->p;
    DM_CLEANUP(segmentation_clear) struct segmentation s = {.ph = ph};
    struct yolo_nms_params nms = {.conf = (float)p->segment_conf,
                                  .iou = (float)p->segment_iou,
                                  .max_det = p->segment_max_det,
                                  .max_nms = p->max_nms};
    bool saturated = false;
    DM_TRY(lane_run(ph->v, l, ph->image, p->segment_size_px, 0, nms.conf, &s.lb, &s.heads, e));
    DM_TRY(yolo_decode(&s.heads, &nms, &l->arena, &s.box, &s.n, &saturated, e));
    if (saturated) {
        ph->r->saturated = true;
        DM_TRY(photo_warn(ph, e, "the container model reported its maximum of %d boxes",
                          p->segment_max_det));
    }
    if (s.n == 0) {
        return DM_OK;
    }
    s.shaped = dm_calloc(s.n, sizeof(*s.shaped));
    if (!s.shaped) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu containers", s.n);
    }
    DM_TRY(dm_pool_run(ph->v->pool, s.n, shape_job, &s, e));
    return add_containers(&s, e);
}

/* ---- masks ---- */

static bool mask_is_full(const struct image *m)
{
    for (int y = 0; y < m->h; y++) {
        const uint8_t *row = image_row(m, y);
        if (row[0] != 255 || (m->w > 1 && memcmp(row, row + 1, (size_t)m->w - 1) != 0)) {
            return false;
        }
    }
    return true;
}

static int mask_job(void *ctx, size_t i, size_t worker, struct dm_err *e)
{
    (void)worker;
    struct photo *ph = ctx;
    struct region *region = &ph->region[i];
    struct vision_container *c = &ph->r->container[i];
    DM_TRY(region_mask(c->polygon, c->n_polygon, ph->image->w, ph->image->h, region->roi,
                       &region->mask, e));
    region->whole = mask_is_full(&region->mask);
    for (int y = 0; y < c->bbox.h; y++) {
        const uint8_t *row =
            image_row(&region->mask, c->bbox.y - region->roi.y + y) + (c->bbox.x - region->roi.x);
        int64_t set = 0;
        for (int x = 0; x < c->bbox.w; x++) {
            set += row[x] >> 7;
        }
        c->mask_area_px += set;
    }
    return DM_OK;
}

int photo_find_containers(struct photo *ph, struct dm_err *e)
{
    struct vision_result *r = ph->r;
    dm_usec start = dm_now();
    if (!ph->v->segment) {
        return whole_photo(ph, "no container model", e);
    }
    struct lane *l = NULL;
    DM_TRY(lane_take(ph->v, LANE_SEGMENT, &l, e));
    int code = segment_in_lane(ph, l, e);
    lane_put(ph->v, l);
    DM_TRY(code);
    r->ms.segment = dm_ms_since(start);
    start = dm_now();
    if (r->n_container > 0) {
        DM_TRY(dm_pool_run(ph->v->pool, r->n_container, mask_job, ph, e));
    } else if (ph->p->profile == VISION_PROFILE_PARITY) {
        DM_TRY(photo_warn(ph, e, "no container found")); /* the Python system counts nothing */
    } else {
        dm_free(DM_STEAL(ph->region));
        DM_TRY(whole_photo(ph, "no container found", e));
    }
    r->ms.crop = dm_ms_since(start);
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Second step of a photo: plants. Every region becomes one pass of the detector or a grid of tiles;
 * the tiles of all regions form one list that the threads of the pool work off, one tile a thread,
 * a hundred for a 12 MP photo. Threads keep what they find in lists of their own; what one region's
 * tiles found is merged afterwards.
 *
 * The feathered crop of vision.md 6.3 is never built: a tile's part of it depends only on mask
 * pixels within reach of the ramp and the blur, so each tile makes its own, and most tiles lie
 * wholly inside their container and need none. tests/unit/vision/test_count.c compares.
 *
 * A plant model that says how large plants should be is run over each region at several scales,
 * coarse ones first, until scale.c has enough; any other model once. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "vision/photo.h"
#include "vision/region.h"
#include "vision/scale.h"
#include "vision/slice.h"

enum { BLUR_RADIUS = 10 }; /* of the 21 x 21 Gaussian in region_feather */

enum { LEVELS_MAX = 16 }; /* tiles at least halve, from twice the largest side of a photo */

/* What of a region counts as seen for sure when its scale is chosen. */
#define SURE_CONFIDENCE 0.4

/* One pass of the detector. */
struct job {
    uint32_t region;
    bool tile;      /* one of several, else the whole region */
    bool saturated; /* reported its maximum */
    int frame_px;   /* side of the square the network sees; 0: the rectangle, scaled to fit */
    struct image_rect rect;
};

/* What the tiles of one size found in a region, merged. */
struct level {
    int tile_px;
    bool tiled, saturated;
    struct slice_box *box; /* [n] pixels of the region's crop */
    size_t n;
};

/* A region on its way to the tiles that fit. */
struct choice {
    bool adapts; /* searches; else one pass is enough */
    bool settled;
    struct scale_search search;
    struct level level[LEVELS_MAX];
    int n_level;
    const struct level *taken;
};

/* One box, pixels of its region's crop. */
struct found {
    struct slice_box box;
    uint32_t job;
};

/* What one thread uses and makes. */
struct worker {
    struct lane *lane; /* NULL until its first job */
    struct found *found;
    size_t n, cap;
    uint32_t tiles_processed, tiles_black;
};

struct detection_run {
    struct photo *ph;
    struct choice *choice; /* [n_region] */
    enum lane_kind kind;
    struct job *job;
    size_t n_jobs;
    struct worker *worker; /* [n_workers] */
    size_t n_workers;
};

/* ---- planning ---- */

/* Side of the fixed tiles: the setting, or what the model was made for. */
static int fixed_tile(const struct photo *ph)
{
    int own = engine_info(ph->v, LANE_DETECT)->tile_px;
    return ph->p->adapt_tiles && own > 0 ? own : ph->p->tile_size_px;
}

/* vision.md 6.4 */
static bool wants_tiles(const struct photo *ph, enum vision_container_type type,
                        struct image_rect roi)
{
    const struct vision_params *p = ph->p;
    if (DM_MIN(roi.w, roi.h) < fixed_tile(ph)) {
        return false;
    }
    return p->route == VISION_ROUTE_SIZE || type == VISION_CONTAINER_SEGMENT ||
           DM_MAX(roi.w, roi.h) > p->direct_max_side_px;
}

static void begin_region(struct detection_run *run, size_t i)
{
    struct photo *ph = run->ph;
    const struct nn_model_info *info = engine_info(ph->v, LANE_DETECT);
    struct choice *c = &run->choice[i];
    struct image_rect roi = ph->region[i].roi;
    bool tiled = wants_tiles(ph, ph->r->container[i].type, roi);
    int size = tiled ? fixed_tile(ph) : DM_MAX(roi.w, roi.h);
    c->adapts = ph->p->adapt_tiles && info->plant_px > 0;
    c->search.tile_px = size;
    if (c->adapts) {
        scale_begin(&c->search, roi.w, roi.h, size, ph->p->tile_overlap, info->plant_px,
                    info->dynamic ? ph->p->size_px : DM_MIN(info->input_w, info->input_h));
    }
    c->level[0].tiled = tiled;
}

/* Tiles of region i, in photo pixels, or its one rectangle. */
static int plan_region(struct detection_run *run, size_t i, struct dm_arena *a,
                       struct image_rect **ret, size_t *ret_n, struct dm_err *e)
{
    struct choice *c = &run->choice[i];
    struct level *l = &c->level[c->n_level];
    struct image_rect roi = run->ph->region[i].roi;
    l->tile_px = c->search.tile_px;
    DM_TRY(slice_tiles(roi.w, roi.h, l->tile_px, run->ph->p->tile_overlap, a, ret, ret_n, e));
    if (c->adapts) {
        l->tiled = *ret_n > 1;
    }
    for (size_t k = 0; k < *ret_n; k++) {
        (*ret)[k].x += roi.x;
        (*ret)[k].y += roi.y;
    }
    return DM_OK;
}

/* The next pass of every region that is not settled. */
static int plan(struct detection_run *run, struct dm_arena *a, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct image_rect **rects = dm_arena_calloc(a, ph->n_region, sizeof(struct image_rect *));
    size_t *n = dm_arena_calloc(a, ph->n_region, sizeof(*n));
    if (!rects || !n) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu regions", ph->n_region);
    }
    run->n_jobs = 0;
    for (size_t i = 0; i < ph->n_region; i++) {
        if (!run->choice[i].settled) {
            DM_TRY(plan_region(run, i, a, &rects[i], &n[i], e));
            run->n_jobs += n[i];
        }
    }
    run->job = dm_arena_calloc(a, run->n_jobs, sizeof(*run->job));
    if (!run->job) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu tiles", run->n_jobs);
    }
    size_t j = 0;
    for (size_t i = 0; i < ph->n_region; i++) {
        const struct choice *c = &run->choice[i];
        const struct level *l = &c->level[c->n_level];
        for (size_t k = 0; k < n[i]; k++) {
            run->job[j++] = (struct job){.region = (uint32_t)i,
                                         .tile = l->tiled,
                                         .frame_px = c->adapts ? l->tile_px : 0,
                                         .rect = rects[i][k]};
        }
        ph->r->tiles_total += l->tiled ? (uint32_t)n[i] : 0;
    }
    return DM_OK;
}

/* ---- one tile ---- */

/* What the detector sees of a tile, and the weights its pixels were given. */
struct crop {
    struct image pixels; /* borrowed from the photo or the lane */
    const float *alpha;  /* first weight of the tile; NULL: all 1 */
    size_t alpha_step;   /* to the next row */
    bool black;
};

static struct image_rect inside(struct image_rect r, struct image_rect of)
{
    return (struct image_rect){r.x - of.x, r.y - of.y, r.w, r.h};
}

/* Whether all pixels equal value. */
static bool all_equal(const struct image *m, uint8_t value)
{
    for (int y = 0; y < m->h; y++) {
        const uint8_t *row = image_row(m, y);
        uint8_t differs = 0;
        for (int x = 0; x < m->w; x++) {
            differs |= row[x] ^ value;
        }
        if (differs) {
            return false;
        }
    }
    return true;
}

/* Share of the tile's weights that are at least a half (vision.md 5.4). */
static double visible_share(const float *alpha, size_t step, int w, int h)
{
    int64_t n = 0;
    for (int y = 0; y < h; y++) {
        int row = 0;
        for (int x = 0; x < w; x++) {
            row += alpha[(size_t)y * step + (size_t)x] >= 0.5f;
        }
        n += row;
    }
    return (double)n / ((double)w * h);
}

/* The tile under its soft mask. */
static int masked_crop(struct detection_run *run, struct lane *l, const struct job *job,
                       struct crop *ret, struct dm_err *e)
{
    struct photo *ph = run->ph;
    const struct vision_params *p = ph->p;
    const struct region *region = &ph->region[job->region];
    int reach = p->feather_px + BLUR_RADIUS;
    struct image_rect near = inside(job->rect, region->roi);
    near = image_clip(&region->mask, (struct image_rect){near.x - reach, near.y - reach,
                                                         near.w + 2 * reach, near.h + 2 * reach});
    struct image mask = image_view(&region->mask, near);
    if (all_equal(&mask, 255)) {
        return DM_OK;
    }
    float *alpha = scratch_get(&l->alpha, (size_t)near.w * (size_t)near.h * sizeof(*alpha));
    if (!alpha) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a crop of %d x %d", near.w, near.h);
    }
    DM_TRY(region_feather(&mask, p->feather_px, alpha, e));
    near.x += region->roi.x;
    near.y += region->roi.y;
    struct image_rect tile = inside(job->rect, near);
    ret->alpha_step = (size_t)near.w;
    ret->alpha = alpha + (size_t)tile.y * ret->alpha_step + (size_t)tile.x;
    ret->black = job->tile && p->skip_black_tiles &&
                 visible_share(ret->alpha, ret->alpha_step, tile.w, tile.h) < p->black_tile_ratio;
    if (ret->black) {
        return DM_OK;
    }
    struct image from = image_view(ph->image, near);
    struct image to;
    DM_TRY(scratch_image(&l->crop, near.w, near.h, 3, &to, e));
    region_apply_alpha(&from, alpha, &to);
    ret->pixels = image_view(&to, tile);
    return DM_OK;
}

static int make_crop(struct detection_run *run, struct lane *l, const struct job *job,
                     struct crop *ret, struct dm_err *e)
{
    *ret = (struct crop){.pixels = image_view(run->ph->image, job->rect)};
    if (run->ph->region[job->region].whole || run->ph->p->crop_mode != VISION_CROP_FEATHER) {
        return DM_OK;
    }
    return masked_crop(run, l, job, ret, e);
}

static int push_found(struct worker *w, struct found f, struct dm_err *e)
{
    if (w->n == w->cap) {
        if (w->cap >= LIMIT_DETECTIONS) {
            DM_FAIL(e, DM_ELIMIT, "more than %d boxes", LIMIT_DETECTIONS);
        }
        size_t cap = DM_MIN(DM_MAX(w->cap * 2, (size_t)256), (size_t)LIMIT_DETECTIONS);
        struct found *grown = dm_realloc(w->found, cap * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %zu boxes", cap);
        }
        w->found = grown;
        w->cap = cap;
    }
    w->found[w->n++] = f;
    return DM_OK;
}

/* Whether the weight under the centre of the box is at least a half (vision.md 6.3). */
static bool centre_visible(const struct crop *crop, const struct yolo_box *b)
{
    if (!crop->alpha) {
        return true;
    }
    int x = (int)((double)b->x1 + ((double)b->x2 - b->x1) / 2);
    int y = (int)((double)b->y1 + ((double)b->y2 - b->y1) / 2);
    x = DM_MIN(x, crop->pixels.w - 1);
    y = DM_MIN(y, crop->pixels.h - 1);
    return crop->alpha[(size_t)y * crop->alpha_step + (size_t)x] >= 0.5f;
}

static int run_job(struct detection_run *run, struct worker *w, size_t j, struct dm_err *e)
{
    struct photo *ph = run->ph;
    const struct vision_params *p = ph->p;
    struct job *job = &run->job[j];
    struct lane *l = w->lane;
    struct yolo_nms_params nms = {
        .conf = (float)p->conf, .iou = (float)p->iou, .max_det = p->max_det, .max_nms = p->max_nms};
    struct crop crop;
    struct yolo_letterbox lb;
    struct nn_heads heads;
    struct yolo_box *box = NULL;
    size_t n = 0;
    dm_arena_clear(&l->arena);
    DM_TRY(make_crop(run, l, job, &crop, e));
    if (crop.black) {
        w->tiles_black++;
        return DM_OK;
    }
    DM_TRY(lane_run(ph->v, l, &crop.pixels, p->size_px, job->frame_px, nms.conf, &lb, &heads, e));
    DM_TRY(yolo_decode(&heads, &nms, &l->arena, &box, &n, &job->saturated, e));
    yolo_unletterbox(&lb, box, n);
    struct image_rect at = inside(job->rect, ph->region[job->region].roi);
    for (size_t i = 0; i < n; i++) {
        const struct yolo_box *b = &box[i];
        if (b->x1 < b->x2 && b->y1 < b->y2 && centre_visible(&crop, b)) {
            struct slice_box s = {(double)b->x1 + at.x,
                                  (double)b->y1 + at.y,
                                  (double)b->x2 + at.x,
                                  (double)b->y2 + at.y,
                                  b->score,
                                  b->class_id};
            DM_TRY(push_found(w, (struct found){s, (uint32_t)j}, e));
        }
    }
    w->tiles_processed += job->tile;
    return DM_OK;
}

static int detect_job(void *ctx, size_t j, size_t worker, struct dm_err *e)
{
    struct detection_run *run = ctx;
    struct worker *w = &run->worker[worker];
    struct dm_err cause = {0};
    if (!w->lane) {
        DM_TRY(lane_take(run->ph->v, run->kind, &w->lane, e));
    }
    cause.code = run_job(run, w, j, &cause);
    if (cause.code < 0) {
        return photo_region_failed(run->ph, run->job[j].region, j, &cause, e);
    }
    return DM_OK;
}

/* ---- all tiles ---- */

static void run_clear(struct detection_run *run)
{
    for (size_t i = 0; run->worker && i < run->n_workers; i++) {
        lane_put(run->ph->v, run->worker[i].lane);
        dm_free(run->worker[i].found);
    }
    dm_free(run->worker);
    run->worker = NULL;
}

/* Lanes go back before the merging: another photo may need them. */
static void put_lanes(struct detection_run *run)
{
    struct vision_result *r = run->ph->r;
    for (size_t i = 0; i < run->n_workers; i++) {
        struct worker *w = &run->worker[i];
        lane_put(run->ph->v, DM_STEAL(w->lane));
        r->tiles_processed += w->tiles_processed;
        r->tiles_black += w->tiles_black;
    }
}

/* With fewer passes than threads, each pass gets all threads. */
static int run_jobs(struct detection_run *run, struct dm_err *e)
{
    struct dm_pool *pool = run->ph->v->pool;
    bool wide = run->n_jobs < dm_pool_size(pool);
    run->kind = wide ? LANE_DETECT_WIDE : LANE_DETECT;
    run->n_workers = wide ? 1 : dm_pool_size(pool);
    run->worker = dm_calloc(run->n_workers, sizeof(*run->worker));
    if (!run->worker) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu threads", run->n_workers);
    }
    int code = dm_pool_run(wide ? NULL : pool, run->n_jobs, detect_job, run, e);
    put_lanes(run);
    return code;
}

/* ---- from what the threads found to detections ---- */

/* What region found, behind one another in order of jobs: first[i] .. first[i + 1]. */
struct gathered {
    struct slice_box *box;
    size_t *first; /* [n_region + 1] */
};

static int gather(struct detection_run *run, struct dm_arena *a, struct gathered *ret,
                  struct dm_err *e)
{
    size_t total = 0;
    size_t *next = dm_arena_calloc(a, run->n_jobs + 1, sizeof(*next)); /* by job */
    ret->first = dm_arena_calloc(a, run->ph->n_region + 1, sizeof(*ret->first));
    for (size_t w = 0; w < run->n_workers; w++) {
        total += run->worker[w].n;
    }
    ret->box = dm_arena_calloc(a, total, sizeof(*ret->box));
    if (!next || !ret->first || !ret->box) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu boxes", total);
    }
    for (size_t w = 0; w < run->n_workers; w++) {
        for (size_t i = 0; i < run->worker[w].n; i++) {
            next[run->worker[w].found[i].job + 1]++;
            ret->first[run->job[run->worker[w].found[i].job].region + 1]++;
        }
    }
    for (size_t j = 0; j < run->n_jobs; j++) {
        next[j + 1] += next[j];
    }
    for (size_t i = 0; i < run->ph->n_region; i++) {
        ret->first[i + 1] += ret->first[i];
    }
    for (size_t w = 0; w < run->n_workers; w++) { /* a job ran in one thread: its order is kept */
        for (size_t i = 0; i < run->worker[w].n; i++) {
            const struct found *f = &run->worker[w].found[i];
            ret->box[next[f->job]++] = f->box;
        }
    }
    return DM_OK;
}

/* Centre of a merged box and of one straight from the network differ in rounding (vision.md 5.5).
 */
static struct vision_detection to_detection(const struct slice_box *b, struct image_rect roi,
                                            bool tiled, size_t container)
{
    double w = b->x2 - b->x1;
    double h = b->y2 - b->y1;
    return (struct vision_detection){
        .cx = roi.x + (tiled ? b->x1 + w / 2 : (b->x1 + b->x2) / 2),
        .cy = roi.y + (tiled ? b->y1 + h / 2 : (b->y1 + b->y2) / 2),
        .w = w,
        .h = h,
        .confidence = b->score,
        .class_id = b->class_id,
        .container = (int)container,
    };
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The side up to which plants make up half of the area of all: of a plant and the pieces of others
 * the plant's. side [n], sorted here. */
static double middle_side(double *side, size_t n)
{
    double total = 0;
    double sum = 0;
    size_t i = 0;
    qsort(side, n, sizeof(*side), compare_doubles);
    for (size_t k = 0; k < n; k++) {
        total += side[k] * side[k];
    }
    while (i < n && sum + side[i] * side[i] < total / 2) {
        sum += side[i] * side[i];
        i++;
    }
    return i < n ? side[i] : 0;
}

/* What scale.c wants to know of a level. */
static int describe(const struct level *l, struct dm_arena *a, struct scale_level *ret,
                    struct dm_err *e)
{
    double *side = dm_arena_calloc(a, l->n, sizeof(*side));
    if (!side) {
        DM_FAIL(e, DM_ENOMEM, "no memory to measure %zu plants", l->n);
    }
    *ret = (struct scale_level){.tile_px = l->tile_px, .saturated = l->saturated};
    for (size_t i = 0; i < l->n; i++) {
        const struct slice_box *b = &l->box[i];
        if (b->score >= SURE_CONFIDENCE) {
            side[ret->n++] = DM_MAX(b->x2 - b->x1, b->y2 - b->y1);
        }
    }
    ret->plant_px = middle_side(side, ret->n);
    return DM_OK;
}

static void take(struct choice *c, int tile_px)
{
    c->settled = true;
    for (int i = 0; i < c->n_level; i++) {
        if (c->level[i].tile_px == tile_px) {
            c->taken = &c->level[i];
        }
    }
}

/* Merge what the tiles of region i found, and decide whether that settles it. */
static int finish_level(struct detection_run *run, size_t i, const struct gathered *g,
                        struct dm_arena *a, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct choice *c = &run->choice[i];
    struct level *l = &c->level[c->n_level++];
    struct scale_level seen;
    struct dm_err cause = {0};
    l->box = g->box + g->first[i];
    l->n = g->first[i + 1] - g->first[i];
    if (l->tiled && ph->region[i].error.code == DM_OK) {
        cause.code = slice_merge(l->box, l->n, ph->p->merge_threshold, a, &l->n, &cause);
    }
    if (cause.code < 0) {
        DM_TRY(photo_region_failed(ph, i, SIZE_MAX, &cause, e));
    }
    DM_TRY(describe(l, a, &seen, e));
    if (!c->adapts || ph->region[i].error.code != DM_OK || c->n_level == LEVELS_MAX) {
        take(c, l->tile_px);
    } else if (!scale_next(&c->search, &seen)) {
        take(c, c->search.tile_px);
    }
    return DM_OK;
}

/* One pass over every region that is not settled. *ret_more: some still are not. */
static int pass(struct detection_run *run, struct dm_arena *a, bool *ret_more, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct gathered g = {0};
    dm_usec start = dm_now();
    DM_TRY(plan(run, a, e));
    DM_TRY(run_jobs(run, e));
    ph->r->ms.detect += dm_ms_since(start);
    start = dm_now();
    for (size_t j = 0; j < run->n_jobs; j++) {
        struct choice *c = &run->choice[run->job[j].region];
        c->level[c->n_level].saturated |= run->job[j].saturated;
    }
    DM_TRY(gather(run, a, &g, e));
    *ret_more = false;
    for (size_t i = 0; i < ph->n_region; i++) {
        if (!run->choice[i].settled) {
            DM_TRY(finish_level(run, i, &g, a, e));
            *ret_more = *ret_more || !run->choice[i].settled;
        }
    }
    run_clear(run);
    ph->r->ms.merge += dm_ms_since(start);
    return DM_OK;
}

/* The plants of the levels taken; those of failed regions are not used. */
static int collect(struct detection_run *run, struct dm_arena *a, struct dm_err *e)
{
    struct photo *ph = run->ph;
    struct vision_result *r = ph->r;
    size_t total = 0;
    size_t n = 0;
    for (size_t i = 0; i < ph->n_region; i++) {
        total += run->choice[i].taken->n;
    }
    r->detection = dm_arena_calloc(&r->arena, total, sizeof(*r->detection));
    if (!r->detection) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu plants", total);
    }
    for (size_t i = 0; i < ph->n_region; i++) {
        const struct level *l = run->choice[i].taken;
        r->container[i].tiled = l->tiled;
        if (ph->region[i].error.code != DM_OK) {
            continue;
        }
        r->saturated |= l->saturated;
        for (size_t k = 0; k < l->n; k++) {
            r->detection[n++] = to_detection(&l->box[k], ph->region[i].roi, l->tiled, i);
        }
    }
    return region_group(r->detection, n, ph->p->group_factor, a, &r->n_detection, e);
}

static bool holds(const struct photo *ph, size_t container, int x, int y)
{
    struct image_rect box = ph->r->container[container].bbox;
    const struct region *region = &ph->region[container];
    return x >= box.x && y >= box.y && x < box.x + box.w && y < box.y + box.h &&
           image_row(&region->mask, y - region->roi.y)[x - region->roi.x] != 0;
}

/* Each plant belongs to the first, most certain container whose mask holds its centre; to the one
 * it was found in when none does (vision.md 7). */
static void own(struct photo *ph)
{
    struct vision_result *r = ph->r;
    for (size_t i = 0; i < r->n_detection; i++) {
        struct vision_detection *d = &r->detection[i];
        for (size_t c = 0; c < ph->n_region; c++) {
            if (ph->region[c].error.code == DM_OK && holds(ph, c, (int)d->cx, (int)d->cy)) {
                d->container = (int)c;
                break;
            }
        }
    }
}

int photo_detect(struct photo *ph, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(run_clear) struct detection_run run = {.ph = ph};
    bool more = true;
    run.choice = dm_arena_calloc(&a, ph->n_region, sizeof(*run.choice));
    if (!run.choice) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu regions", ph->n_region);
    }
    for (size_t i = 0; i < ph->n_region; i++) {
        begin_region(&run, i);
    }
    while (more) {
        DM_TRY(pass(&run, &a, &more, e));
    }
    dm_usec start = dm_now();
    DM_TRY(collect(&run, &a, e));
    if (ph->r->saturated) {
        DM_TRY(photo_warn(ph, e,
                          "a pass of the plant model reported its maximum of %d boxes: "
                          "raise count.max_det",
                          ph->p->max_det));
    }
    if (ph->p->profile == VISION_PROFILE_PRODUCT) {
        own(ph);
    }
    ph->r->ms.merge += dm_ms_since(start);
    return DM_OK;
}

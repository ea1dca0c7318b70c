/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a run found in the pixels to what the books keep (vision.md 9.5, domain.md 7.2).
 * Containers are numbered in reading order within their kind, so that the bins of a claro find
 * their own plants again on the next photo. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inventory/photo_priv.h"

/* Square pixels per square centimetre when nobody knows the ground's size (vision.md 8.5). */
#define SCALE_DEFAULT 100.0

/* What a plant's own pixels say is surer than what a table says (vision.md 9.5, domain.md 15). */
#define SURE_CALIBRATED 0.70
#define SURE_GUESSED    0.50
#define SURE_GRID       0.85

static const enum ledger_category categories[VISION_CONTAINER_MAX_] = {
    [VISION_CONTAINER_SEGMENT] = LEDGER_SEGMENT,
    [VISION_CONTAINER_BOX] = LEDGER_BOX,
    [VISION_CONTAINER_PLUG] = LEDGER_PLUG,
    [VISION_CONTAINER_ALMACIGO] = LEDGER_SEEDLING_TRAY,
};

/* ---- reading order ---- */

struct place {
    size_t container;
    double cx, cy, h;
    int row;
};

static int by_height(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    return x->cy != y->cy ? (x->cy > y->cy) - (x->cy < y->cy)
                          : (x->container > y->container) - (x->container < y->container);
}

static int by_reading(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    return x->row != y->row ? x->row - y->row
           : x->cx != y->cx ? (x->cx > y->cx) - (x->cx < y->cx)
                            : (x->container > y->container) - (x->container < y->container);
}

/* A container whose middle lies within the upper one's height of the row stands in that row. */
static void reading_order(struct place *p, size_t n)
{
    double first = 0;
    double reach = 0;
    int row = 0;
    qsort(p, n, sizeof(*p), by_height);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || p[i].cy - first > reach) {
            row++;
            first = p[i].cy;
            reach = p[i].h / 2;
        }
        p[i].row = row;
    }
    qsort(p, n, sizeof(*p), by_reading);
}

static int order_of(const struct vision_result *v, struct dm_arena *a, struct place **ret,
                    struct dm_err *e)
{
    struct place *p = dm_arena_calloc(a, v->n_container, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the containers");
    }
    for (size_t i = 0; i < v->n_container; i++) {
        const struct image_rect r = v->container[i].bbox;
        p[i] = (struct place){i, r.x + r.w / 2.0, r.y + r.h / 2.0, r.h, 0};
    }
    reading_order(p, v->n_container);
    *ret = p;
    return DM_OK;
}

/* ---- what was seen ---- */

struct making {
    const struct vision_result *v;
    double scale; /* px per cm2 */
    bool scale_known;
    struct dm_arena *a;
};

static bool has_word(const char *name, const char *const *words)
{
    for (; name && *words; words++) {
        if (strcasestr(name, *words)) {
            return true;
        }
    }
    return false;
}

static struct session_detection detection_of(const struct vision_result *v,
                                             const struct vision_detection *d)
{
    static const char *const empty[] = {"empty", "vacia", "vacío", NULL};
    static const char *const dead[] = {"dead", "muert", NULL};
    const char *name =
        d->class_id >= 0 && d->class_id < v->n_classes ? v->class_names[d->class_id] : NULL;
    return (struct session_detection){
        .center_x_px = d->cx,
        .center_y_px = d->cy,
        .width_px = fmax(d->w, 1),
        .height_px = fmax(d->h, 1),
        .confidence = DM_CLAMP((double)d->confidence, 0.0, 1.0),
        .is_empty_container = has_word(name, empty),
        .is_dead = has_word(name, dead),
    };
}

static int detections_of(const struct making *m, size_t container, struct session_segment *to,
                         struct dm_err *e)
{
    const struct vision_result *v = m->v;
    size_t n = 0;
    for (size_t i = 0; i < v->n_detection; i++) {
        n += v->detection[i].container == (int)container;
    }
    struct session_detection *list = dm_arena_calloc(m->a, n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu plants", n);
    }
    to->detection = list;
    to->n_detection = n;
    for (size_t i = 0; i < v->n_detection; i++) {
        if (v->detection[i].container == (int)container) {
            *list++ = detection_of(v, &v->detection[i]);
        }
    }
    return DM_OK;
}

static double sureness(const struct vision_band *b)
{
    return b->method == VISION_METHOD_GRID                     ? SURE_GRID
           : b->method == VISION_METHOD_BANDS && b->calibrated ? SURE_CALIBRATED
                                                               : SURE_GUESSED;
}

static struct session_estimation estimation_of(const struct making *m, const struct vision_band *b)
{
    static const enum session_method methods[] = {
        [VISION_METHOD_BANDS] = SESSION_BANDS,
        [VISION_METHOD_DENSITY] = SESSION_DENSITY,
        [VISION_METHOD_GRID] = SESSION_GRID,
    };
    const struct image_rect r = m->v->container[b->container].bbox;
    return (struct session_estimation){
        .band = b->number,
        .vegetation_polygon = dm_arena_printf(m->a, "[[%d,%d],[%d,%d],[%d,%d],[%d,%d],[%d,%d]]",
                                              r.x, b->y_start, r.x + r.w, b->y_start, r.x + r.w,
                                              b->y_end, r.x, b->y_end, r.x, b->y_start),
        .detected_area_cm2 = (double)b->processed_px / m->scale,
        .count = (int32_t)b->count,
        .method = methods[b->method],
        .confidence = sureness(b),
        .used_density_parameters = b->method == VISION_METHOD_DENSITY,
    };
}

static int estimations_of(const struct making *m, size_t container, struct session_segment *to,
                          struct dm_err *e)
{
    const struct vision_result *v = m->v;
    size_t n = 0;
    for (size_t i = 0; i < v->n_band; i++) {
        n += v->band[i].container == (int)container;
    }
    struct session_estimation *list = dm_arena_calloc(m->a, n, sizeof(*list));
    to->estimation = list;
    to->n_estimation = n;
    for (size_t i = 0; list && i < v->n_band; i++) {
        if (v->band[i].container == (int)container) {
            *list = estimation_of(m, &v->band[i]);
            if (!(list++)->vegetation_polygon) {
                list = NULL;
            }
        }
    }
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu bands", n);
    }
    return DM_OK;
}

/* [[x, y], ...] in pixels with one decimal. */
static int polygon_of(const struct making *m, const struct vision_container *c, const char **ret,
                      struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init((size_t)16 << 20);
    dm_buf_putc(&b, '[');
    for (size_t i = 0; i < c->n_polygon; i++) {
        dm_buf_printf(&b, "%s[%.1f,%.1f]", i ? "," : "", c->polygon[2 * i] * m->v->info.w,
                      c->polygon[2 * i + 1] * m->v->info.h);
    }
    dm_buf_putc(&b, ']');
    DM_TRY(dm_buf_ok(&b, e));
    *ret = dm_arena_strndup(m->a, dm_buf_str(&b), b.len);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline");
    }
    return DM_OK;
}

static int segment_of(const struct making *m, size_t container, int32_t ordinal,
                      struct session_segment *to, struct dm_err *e)
{
    const struct vision_container *c = &m->v->container[container];
    const struct image_rect r = c->bbox;
    *to = (struct session_segment){
        .category = categories[c->type],
        .ordinal = ordinal,
        .x1 = r.x,
        .y1 = r.y,
        .x2 = r.x + r.w,
        .y2 = r.y + r.h,
        .mask_area_px = c->mask_area_px,
        .area_cm2 = m->scale_known ? (double)c->mask_area_px / m->scale : 0,
        .confidence = DM_CLAMP((double)c->confidence, 0.0, 1.0),
    };
    DM_TRY(polygon_of(m, c, &to->polygon, e));
    DM_TRY(detections_of(m, container, to, e));
    return estimations_of(m, container, to, e);
}

/* An estimate stands on neither plants of its own nor a density row. */
static bool guessed(const struct vision_result *v)
{
    for (size_t i = 0; i < v->n_band; i++) {
        const struct vision_band *b = &v->band[i];
        if (b->count > 0 && b->method == VISION_METHOD_BANDS && !b->calibrated) {
            return true;
        }
    }
    return false;
}

int photo_results(const struct vision_result *v, const struct vision_params *p, struct dm_arena *a,
                  struct session_results *ret, struct dm_err *e)
{
    const double pixels = (double)v->info.w * v->info.h;
    const bool known = p->photo_area_cm2 > 0;
    const struct making m = {v, known ? pixels / p->photo_area_cm2 : SCALE_DEFAULT, known, a};
    int32_t ordinal[LEDGER_CATEGORY_MAX_] = {0};
    struct place *place = NULL;
    size_t n = 0;
    DM_TRY(order_of(v, a, &place, e));
    struct session_segment *list = dm_arena_calloc(a, v->n_container, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the containers");
    }
    for (size_t i = 0; i < v->n_container; i++) {
        const struct vision_container *c = &v->container[place[i].container];
        if (!c->failed) {
            DM_TRY(segment_of(&m, place[i].container, ++ordinal[categories[c->type]], &list[n], e));
            n++;
        }
    }
    *ret = (struct session_results){.segment = list,
                                    .n_segment = n,
                                    .needs_calibration = guessed(v),
                                    .processing_ms = llround(v->ms.total)};
    return DM_OK;
}

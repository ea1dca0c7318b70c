/* SPDX-License-Identifier: Apache-2.0
 *
 * The photo with what was counted drawn on it. It is drawn when somebody asks, from the rows of the
 * session: encoding the picture costs more than counting its plants, and most are never looked at.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "image/codec.h"
#include "inventory/json.h"
#include "inventory/photo_priv.h"
#include "vision/overlay.h"

enum { JPEG_QUALITY = 85 };

enum { HEAD, SEGMENTS, PLANTS, BANDS };
static const struct store_query queries[] = {
    [HEAD] = {"photo.annotate",
              "SELECT s.id, s.image_id, s.status, s.total_detected, s.total_estimated,"
              " s.avg_confidence FROM photo_processing_sessions s JOIN images i"
              " ON i.id = s.image_id WHERE s.uuid = ?1 AND i.deleted_at IS NULL",
              "u", "iitiir"},
    [SEGMENTS] = {"photo.annotate_segments",
                  "SELECT id, category, polygon, bbox, detected_count, estimated_count, confidence"
                  " FROM session_segments WHERE session_id = ?1 ORDER BY id",
                  "i", "itjjiir"},
    [PLANTS] = {"photo.annotate_plants",
                "SELECT session_segment_id, center_x_px, center_y_px, width_px, height_px,"
                " confidence FROM detections WHERE session_id = ?1 AND is_alive"
                " AND NOT is_empty_container ORDER BY id",
                "i", "irrrrr"},
    [BANDS] = {"photo.annotate_bands",
               "SELECT session_segment_id, band, estimated_count, vegetation_polygon"
               " FROM estimations WHERE session_id = ?1 ORDER BY id",
               "i", "iiij"},
};
STORE_QUERIES(photo_annotate_queries, queries);

struct drawing {
    const char *uuid;
    int64_t session_id, image_id;
    const int64_t *segment; /* ids of the containers */
    struct vision_result r; /* its arena owns what was read */
};

static int fail_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for the picture");
}

/* ---- from rows to a result ---- */

static enum vision_container_type type_named(const char *category)
{
    return !strcmp(category, "box")             ? VISION_CONTAINER_BOX
           : !strcmp(category, "plug")          ? VISION_CONTAINER_PLUG
           : !strcmp(category, "seedling_tray") ? VISION_CONTAINER_ALMACIGO
                                                : VISION_CONTAINER_SEGMENT;
}

static double member(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

/* Vertices in pixels to fractions of the photo, whose size is known later: kept in pixels. */
static int read_polygon(struct drawing *d, const char *text, struct vision_container *c,
                        struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *list = json_loads(text, 0, NULL);
    const size_t n = json_array_size(list);
    double *v = dm_arena_calloc(&d->r.arena, 2 * n, sizeof(*v));
    if (!v) {
        return fail_memory(e);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *point = json_array_get(list, i);
        v[2 * i] = json_number_value(json_array_get(point, 0));
        v[2 * i + 1] = json_number_value(json_array_get(point, 1));
    }
    c->polygon = v;
    c->n_polygon = n;
    return DM_OK;
}

static int read_segments(struct drawing *d, struct store_tx *tx, struct dm_err *e)
{
    struct store_table t;
    struct vision_result *r = &d->r;
    DM_TRY(store_all(tx, &queries[SEGMENTS], STORE_ARGS(store_i(d->session_id)), &r->arena, &t, e));
    int64_t *id = dm_arena_calloc(&r->arena, t.n, sizeof(*id));
    r->container = dm_arena_calloc(&r->arena, t.n, sizeof(*r->container));
    if (!id || !r->container) {
        return fail_memory(e);
    }
    d->segment = id;
    r->n_container = t.n;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        struct vision_container *c = &r->container[i];
        DM_CLEANUP(inv_json_freep) json_t *box = json_loads(v[3].t, 0, NULL);
        const double x1 = member(box, "x1");
        const double y1 = member(box, "y1");
        id[i] = v[0].i;
        c->type = type_named(v[1].t);
        c->bbox = (struct image_rect){(int)x1, (int)y1, (int)(member(box, "x2") - x1),
                                      (int)(member(box, "y2") - y1)};
        c->detected = (uint32_t)v[4].i;
        c->estimated = (uint32_t)v[5].i;
        c->confidence = (float)v[6].r;
        c->whole_photo = t.n == 1 && v[6].r <= 0;
        r->by_type[c->type] += c->detected;
        r->containers_by_type[c->type]++;
        DM_TRY(read_polygon(d, v[2].t, c, e));
    }
    return DM_OK;
}

/* Index of a segment; ids come mostly in order. */
static int container_of(const struct drawing *d, int64_t segment_id)
{
    for (size_t i = 0; i < d->r.n_container; i++) {
        if (d->segment[i] == segment_id) {
            return (int)i;
        }
    }
    return 0;
}

static int read_plants(struct drawing *d, struct store_tx *tx, struct dm_err *e)
{
    struct store_table t;
    struct vision_result *r = &d->r;
    DM_TRY(store_all(tx, &queries[PLANTS], STORE_ARGS(store_i(d->session_id)), &r->arena, &t, e));
    r->detection = dm_arena_calloc(&r->arena, t.n, sizeof(*r->detection));
    if (!r->detection) {
        return fail_memory(e);
    }
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        r->detection[i] = (struct vision_detection){.cx = v[1].r,
                                                    .cy = v[2].r,
                                                    .w = v[3].r,
                                                    .h = v[4].r,
                                                    .confidence = (float)v[5].r,
                                                    .container = container_of(d, v[0].i)};
    }
    r->n_detection = t.n;
    return DM_OK;
}

static int read_bands(struct drawing *d, struct store_tx *tx, struct dm_err *e)
{
    struct store_table t;
    struct vision_result *r = &d->r;
    DM_TRY(store_all(tx, &queries[BANDS], STORE_ARGS(store_i(d->session_id)), &r->arena, &t, e));
    r->band = dm_arena_calloc(&r->arena, t.n, sizeof(*r->band));
    if (!r->band) {
        return fail_memory(e);
    }
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        DM_CLEANUP(inv_json_freep) json_t *ring = v[3].null ? NULL : json_loads(v[3].t, 0, NULL);
        const json_t *top = json_array_get(json_array_get(ring, 0), 1);
        const json_t *bottom = json_array_get(json_array_get(ring, 2), 1);
        r->band[i] = (struct vision_band){.container = container_of(d, v[0].i),
                                          .number = v[1].null ? 1 : (int)v[1].i,
                                          .count = (uint32_t)v[2].i,
                                          .y_start = (int)json_number_value(top),
                                          .y_end = (int)json_number_value(bottom)};
    }
    r->n_band = t.n;
    return DM_OK;
}

static int read_rows(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct drawing *d = ctx;
    const struct store_value *v;
    dm_arena_clear(&d->r.arena);
    d->r = (struct vision_result){0};
    const int found =
        store_maybe(tx, &queries[HEAD], STORE_ARGS(store_u(d->uuid)), &d->r.arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no session %s", d->uuid);
    }
    if (strcmp(v[2].t, "completed") != 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s", v[2].t);
    }
    d->session_id = v[0].i;
    d->image_id = v[1].i;
    d->r.detected = (uint32_t)v[3].i;
    d->r.estimated = (uint32_t)v[4].i;
    d->r.total = d->r.detected + d->r.estimated;
    d->r.confidence_mean = v[5].null ? 0 : v[5].r;
    DM_TRY(read_segments(d, tx, e));
    DM_TRY(read_plants(d, tx, e));
    return read_bands(d, tx, e);
}

/* ---- drawing ---- */

static void to_fractions(struct vision_result *r)
{
    for (size_t i = 0; i < r->n_container; i++) {
        double *v = (double *)r->container[i].polygon; /* of our own arena */
        for (size_t k = 0; k < r->container[i].n_polygon; k++) {
            v[2 * k] /= r->image.w;
            v[2 * k + 1] /= r->image.h;
        }
    }
}

static int draw(const struct inv_ctx *c, const struct photo_place *p, struct drawing *d,
                const char *lang, struct dm_buf *ret, struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image picture = {0};
    struct photo_object original;
    DM_TRY(photo_pixels_of(c, p, d->image_id, &d->r.arena, &original, &d->r.image, e));
    d->r.info.w = d->r.image.w;
    d->r.info.h = d->r.image.h;
    to_fractions(&d->r);
    DM_TRY(vision_overlay_draw(&d->r, VISION_OVERLAY_ANNOTATED, lang, &picture, e));
    DM_TRY(image_encode_jpeg(&picture, JPEG_QUALITY, ret, e));
    char key[PHOTO_KEY_SIZE];
    photo_key(key, d->uuid, "processed", "image/jpeg");
    const struct photo_picture kept = {.image_id = d->image_id,
                                       .session_id = d->session_id,
                                       .variant = PHOTO_ANNOTATED,
                                       .key = key,
                                       .content_type = "image/jpeg",
                                       .bytes = ret->data,
                                       .n = ret->len,
                                       .w = picture.w,
                                       .h = picture.h};
    DM_UNUSED const int wrote = photo_object_write(c, p, &kept, NULL); /* else drawn again */
    return DM_OK;
}

static void drawing_clear(struct drawing *d)
{
    image_clear(&d->r.image);
    dm_arena_clear(&d->r.arena);
}

struct kept {
    const struct drawing *d;
    struct dm_arena *a;
    struct photo_object o;
    int found;
};

static int find_kept(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct kept *k = ctx;
    k->found =
        photo_object_find(tx, k->d->image_id, k->d->session_id, PHOTO_ANNOTATED, k->a, &k->o, e);
    return k->found;
}

int photo_annotated(const struct inv_ctx *c, const struct photo_place *p, const char *session_uuid,
                    const char *lang, struct dm_buf *ret, struct dm_err *e)
{
    DM_CLEANUP(drawing_clear) struct drawing d = {.uuid = session_uuid};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_run(c->store, STORE_READ, read_rows, &d, e));
    struct kept k = {.d = &d, .a = &d.r.arena};
    DM_TRY(store_run(c->store, STORE_READ, find_kept, &k, e));
    if (k.found && photo_object_read(p, &k.o, ret, NULL) >= 0) {
        return DM_OK;
    }
    dm_buf_clear(ret);
    return draw(c, p, &d, lang, ret, e);
}

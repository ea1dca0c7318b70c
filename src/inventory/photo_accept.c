/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking a photo in (domain.md 7.1): looked at by its content, compared with what is stored, put
 * where photos lie, then image, session and job in one transaction. What was put before a
 * transaction that failed is an object without a row, removed here or by photo_sweep. */
#include <math.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/point.h"
#include "base/text.h"
#include "image/codec.h"
#include "inventory/json.h"
#include "inventory/photo_priv.h"

#define FUTURE_MS INT64_C(60000)        /* a camera's clock may be a minute ahead (domain.md 4) */
#define OLDEST_MS INT64_C(946684800000) /* a clock before 2000 was never set */

enum { REPEAT, TWIN, IMAGE_ADD, NAMED };
static const struct store_query queries[] = {
    [REPEAT] = {"photo.repeat",
                "SELECT j.user_id, i.sha256, i.id, i.uuid, s.id, s.uuid, s.storage_location_id,"
                " s.warning FROM jobs j JOIN images i ON i.id = j.image_id"
                " JOIN photo_processing_sessions s ON s.id = j.session_id WHERE j.uuid = ?1",
                "u", "itiuiuit"},
    /* images_sha256_key */
    [TWIN] = {"photo.twin",
              "SELECT i.uuid, (SELECT max(s.id) FROM photo_processing_sessions s"
              " WHERE s.image_id = i.id), (SELECT s.uuid FROM photo_processing_sessions s"
              " WHERE s.image_id = i.id ORDER BY s.id DESC LIMIT 1)"
              " FROM images i WHERE i.sha256 = ?1 AND i.deleted_at IS NULL"
              " AND NOT i.duplicate_forced",
              "t", "uiu"},
    [IMAGE_ADD] = {"photo.image_add",
                   "INSERT INTO images (uuid, original_filename, content_type, file_size_bytes,"
                   " width_px, height_px, sha256, duplicate_forced, captured_at,"
                   " captured_at_source, gps_lon, gps_lat, gps_error_m, exif, upload_source,"
                   " uploaded_by_user_id, status_changed_at, created_at, updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                   " ?16, ?17, ?17, ?17) RETURNING id",
                   "uttiiitbTtrrrjtiT", "i"},
    [NAMED] = {"photo.location_named",
               "SELECT id FROM storage_locations WHERE active AND ({lower:code} = {lower:?1}"
               " OR {lower:qr_code} = {lower:?1}) ORDER BY id LIMIT 1",
               "t", "i"},
};
STORE_QUERIES(photo_accept_queries, queries);

const char *const photo_source_names[] = {"web", "mobile", "api", NULL};

/* ---- claros ---------------------------------------------------------------------------------- */

struct naming {
    const char *name;
    int64_t id;
};

static int find_named(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct naming *n = ctx;
    const int code = store_int(tx, &queries[NAMED], STORE_ARGS(store_t(n->name)), &n->id, e);
    if (code == DM_ENOTFOUND) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "location"), DM_S("identifier", n->name)),
                  "no active claro has the code or label '%.40s'", n->name);
    }
    return code;
}

int photo_location_named(const struct inv_ctx *c, const char *name, int64_t *ret_id,
                         struct dm_err *e)
{
    struct naming n = {.name = name};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_run(c->store, STORE_READ, find_named, &n, e));
    *ret_id = n.id;
    return DM_OK;
}

/* ---- one photo ------------------------------------------------------------------------------- */

struct accepting {
    const struct inv_ctx *c;
    const struct photo_new *n;
    const char *sha256, *type, *store, *exif;
    char key[PHOTO_KEY_SIZE];
    size_t bytes;
    struct image_info info;
    int64_t captured_at;
    bool from_exif, duplicate, raced;
    bool ship; /* lies in the folder until its bucket answers */
    struct photo_accepted out;
};

/* 1: this request was answered before, and the answer is in x->out. */
static int find_repeat(struct store_tx *tx, struct accepting *x, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const int found = x->n->key ? store_maybe(tx, &queries[REPEAT],
                                              STORE_ARGS(store_u(x->out.job_uuid)), &a, &v, e)
                                : 0;
    if (found <= 0) {
        return found;
    }
    if (v[0].i != x->c->user_id || strcmp(v[1].t, x->sha256) != 0) {
        DM_FAIL(e, INV_IDEMPOTENCY_CONFLICT, "the number %s was used for another photo",
                x->out.job_uuid);
    }
    x->out.repeated = true;
    x->out.image_id = v[2].i;
    memcpy(x->out.image_uuid, v[3].t, STORE_UUID_SIZE);
    x->out.session_id = v[4].i;
    memcpy(x->out.session_uuid, v[5].t, STORE_UUID_SIZE);
    x->out.location_id = v[6].null ? 0 : v[6].i;
    x->out.warning = v[7].null                               ? PLACES_SURE
                     : !strcmp(v[7].t, "needs_location")     ? PLACES_NONE
                     : !strcmp(v[7].t, "location_uncertain") ? PLACES_UNCERTAIN
                                                             : PLACES_SURE;
    return 1;
}

/* 1: the same bytes are stored, which is the fault of whoever does not force. */
static int find_twin(struct store_tx *tx, const char *sha256, bool force, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const int twin = store_maybe(tx, &queries[TWIN], STORE_ARGS(store_t(sha256)), &a, &v, e);
    DM_TRY(twin);
    if (twin && !force) {
        DM_REFUSE(e, INV_DUPLICATE_PHOTO,
                  DM_FIELDS(DM_S("image_id", v[0].t), DM_S("session_id", v[2].null ? "" : v[2].t)),
                  "this photo is already stored");
    }
    return twin;
}

static int look(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct accepting *x = ctx;
    const int repeated = find_repeat(tx, x, e);
    if (repeated) {
        return repeated;
    }
    const int twin = find_twin(tx, x->sha256, x->n->force, e);
    DM_TRY(twin);
    x->duplicate = twin;
    return DM_OK;
}

static int look_new(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    return find_twin(tx, ctx, false, e);
}

int photo_is_new(const struct inv_ctx *c, const char *sha256, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    return store_run(c->store, STORE_READ, look_new, (void *)(uintptr_t)sha256, e);
}

/* Codes of the decoders in the words of the books. */
static int probe(const void *bytes, size_t n, struct image_info *ret, struct dm_err *e)
{
    struct dm_err why = {0};
    const int code = image_probe(bytes, n, NULL, ret, &why);
    if (code < 0) {
        DM_FAIL(e,
                code == DM_EUNSUPPORTED ? INV_UNSUPPORTED_MEDIA
                : code == DM_ELIMIT     ? INV_FILE_TOO_LARGE
                                        : code,
                "%s", dm_err_text(&why));
    }
    return DM_OK;
}

/* When the picture was taken: by the camera, whose clock shows the nursery's time unless it says
 * its zone; by the upload when the camera does not know, or claims a time that has not come. */
static int64_t taken_at(const struct inv_ctx *c, const char *text, bool *ret_from_exif)
{
    char utc[DM_RFC3339_SIZE];
    int64_t ms = 0;
    const bool zoned = strlen(text) > 19;
    (void)snprintf(utc, sizeof(utc), "%.19sZ", text);
    *ret_from_exif = store_time_parse(zoned ? text : utc, &ms, NULL) >= 0;
    if (*ret_from_exif && !zoned) {
        const struct dm_civil shown = dm_zone_civil(NULL, ms);
        ms = dm_zone_instant(c->zone, &shown);
    }
    const bool believable = ms > OLDEST_MS && ms <= c->now_ms + FUTURE_MS;
    *ret_from_exif = *ret_from_exif && believable;
    return *ret_from_exif ? DM_MIN(ms, c->now_ms) : c->now_ms;
}

static int exif_text(const struct image_info *info, struct dm_arena *a, const char **ret,
                     struct dm_err *e)
{
    const struct image_exif *x = &info->exif;
    DM_CLEANUP(inv_json_freep) json_t *j = json_object();
    DM_TRY(inv_json_set(j, "orientation", json_integer(x->orientation), e));
    if (x->captured_at[0]) {
        DM_TRY(inv_json_set(j, "captured_at", json_string(x->captured_at), e));
    }
    if (x->make[0]) {
        DM_TRY(inv_json_set(j, "make", json_string(x->make), e));
    }
    if (x->model[0]) {
        DM_TRY(inv_json_set(j, "model", json_string(x->model), e));
    }
    if (!isnan(x->altitude_m)) {
        DM_TRY(inv_json_set(j, "altitude_m", json_real(x->altitude_m), e));
    }
    return inv_json_text(j, a, ret, e);
}

static struct store_value number(bool known, double v)
{
    return known ? store_r(v) : store_null();
}

static int add_image(struct work *w, struct accepting *x, struct dm_err *e)
{
    const struct image_exif *g = &x->info.exif;
    const bool error_known = g->has_gps && g->gps_error_m >= 0;
    const int code = store_int(
        w->tx, &queries[IMAGE_ADD],
        STORE_ARGS(store_u(x->out.image_uuid), store_t(x->n->filename), store_t(x->type),
                   store_i((int64_t)x->bytes), store_i(x->info.w), store_i(x->info.h),
                   store_t(x->sha256), store_b(x->duplicate), store_at(x->captured_at),
                   store_t(x->from_exif ? "exif" : "upload"), number(g->has_gps, g->longitude_deg),
                   number(g->has_gps, g->latitude_deg), number(error_known, g->gps_error_m),
                   store_j(x->exif), store_t(photo_source_names[x->n->source]),
                   store_i(w->c->user_id), store_at(w->c->now_ms)),
        &x->out.image_id, e);
    x->raced = code == DM_ECONFLICT && store_fault(w->tx)->kind == STORE_FAULT_UNIQUE;
    return code;
}

static int find_place(struct work *w, struct accepting *x, struct places_answer *ret,
                      struct dm_err *e)
{
    const struct image_exif *g = &x->info.exif;
    const struct places_photo asked = {
        .location_id = x->n->location_id,
        .qr_code = x->n->qr_code,
        .has_gps = g->has_gps,
        .lon = g->has_gps ? g->longitude_deg : 0,
        .lat = g->has_gps ? g->latitude_deg : 0,
        .gps_error_m = g->has_gps && g->gps_error_m >= 0 ? g->gps_error_m : -1,
    };
    DM_TRY(places_locate(w->tx, &asked, &w->arena, ret, e));
    if (ret->suggested) { /* only a person may take it */
        ret->location_id = 0;
    }
    if (x->n->needs_gps && !g->has_gps && !ret->location_id) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "gps")),
                  "the photo does not know where it was taken");
    }
    return DM_OK;
}

static enum session_source source_of(const struct places_answer *p)
{
    return !p->location_id                  ? SESSION_SOURCE_NONE
           : !strcmp(p->source, "explicit") ? SESSION_EXPLICIT
           : !strcmp(p->source, "qr")       ? SESSION_QR
                                            : SESSION_GPS;
}

static int add_job(struct work *w, struct accepting *x, struct dm_err *e)
{
    int64_t id;
    const struct queue_new job = {.kind = QUEUE_PROCESS_PHOTO,
                                  .uuid = x->out.job_uuid,
                                  .user_id = w->c->user_id,
                                  .upload_batch_id = x->n->batch_id,
                                  .parent_id = x->n->batch_job_id,
                                  .image_id = x->out.image_id,
                                  .session_id = x->out.session_id,
                                  .priority = QUEUE_ANY_PRIORITY};
    const int added = queue_push(w->tx, w->c->now_ms, &job, &id, e);
    DM_TRY(added);
    if (!added) { /* the same request is answered at this moment by another */
        x->raced = true;
        DM_FAIL(e, DM_ECONFLICT, "the same request came twice at once");
    }
    return DM_OK;
}

static int add(struct work *w, void *in, struct dm_err *e)
{
    struct accepting *x = in;
    struct places_answer place;
    x->raced = false;
    DM_TRY(find_place(w, x, &place, e));
    DM_TRY(add_image(w, x, e));
    const struct photo_picture original = {.image_id = x->out.image_id,
                                           .variant = PHOTO_ORIGINAL,
                                           .key = x->key,
                                           .content_type = x->type,
                                           .n = x->bytes,
                                           .w = x->info.w,
                                           .h = x->info.h};
    DM_TRY(photo_object_add(w->tx, &original, x->store, x->sha256, w->c->now_ms, e));
    if (x->ship) {
        const struct photo_ship ship = {x->out.image_id, 0, w->c->user_id, w->c->now_ms,
                                        PHOTO_ORIGINAL};
        DM_TRY(photo_ship_plan(w->tx, &ship, e));
    }
    const struct session_new session = {.uuid = x->out.session_uuid,
                                        .image_id = x->out.image_id,
                                        .upload_batch_id = x->n->batch_id,
                                        .location_id = place.location_id,
                                        .source = source_of(&place),
                                        .location_uncertain = place.warning == PLACES_UNCERTAIN};
    DM_TRY(session_add(w, &session, &x->out.session_id, e));
    DM_TRY(add_job(w, x, e));
    x->out.location_id = place.location_id;
    x->out.warning = place.warning;
    DM_CLEANUP(inv_json_freep)
    json_t *row = json_pack("{s:s, s:s, s:s}", "uuid", x->out.image_uuid, "sha256", x->sha256,
                            "original_filename", x->n->filename ? x->n->filename : "");
    return audit_write(w->tx, w->c, "create", "images", x->out.image_id, NULL, row, e);
}

/* A name as it is shown: the last part of a path, valid, at most 255 characters. */
static const char *shown_name(const char *name, struct dm_arena *a)
{
    const char *base = name ? dm_path_base(name) : NULL;
    const char *clean = base && *base ? dm_text_clean(base, DM_TEXT_TERMINAL, a) : NULL;
    return clean ? dm_arena_strndup(a, clean, dm_text_prefix(clean, 255)) : NULL;
}

static int store_rows(struct accepting *x, const struct photo_place *p, struct dm_err *e)
{
    struct dm_err why = {0};
    dm_point("photo.accept_put");
    const int code = session_run(x->c, add, x, &why);
    if (code >= 0) {
        dm_point("photo.accept_commit");
        return DM_OK;
    }
    if (code !=
        DM_EIO) { /* a lost database may have stored it after all: photo_sweep knows later */
        DM_UNUSED const int gone =
            blob_delete(photo_blob(p, x->store, PHOTO_ORIGINAL), x->key, NULL);
    }
    if (!x->raced) {
        if (e) {
            *e = why;
        }
        return code;
    }
    const int repeated = store_run(x->c->store, STORE_READ, look, x, e);
    DM_TRY(repeated);
    if (!x->out.repeated) {
        DM_FAIL(e, DM_EAGAIN, "the same photo is being stored at this moment");
    }
    return DM_OK;
}

/* What the sender knows and the picture does not say: a browser may have taken it out. */
static void complete(struct accepting *x)
{
    const struct photo_new *n = x->n;
    struct image_exif *g = &x->info.exif;
    x->captured_at = taken_at(x->c, g->captured_at, &x->from_exif);
    if (!x->from_exif && n->captured_at > OLDEST_MS && n->captured_at <= x->c->now_ms + FUTURE_MS) {
        x->captured_at = DM_MIN(n->captured_at, x->c->now_ms);
    }
    if (!g->has_gps && n->has_gps) {
        g->has_gps = true;
        g->longitude_deg = n->gps_lon;
        g->latitude_deg = n->gps_lat;
        g->gps_error_m = n->gps_error_m;
    }
}

static int take_in(struct accepting *x, const struct photo_place *p, const void *bytes,
                   struct dm_arena *a, struct dm_err *e)
{
    DM_TRY(store_run(x->c->store, STORE_READ, look, x, e));
    if (x->out.repeated) {
        return DM_OK;
    }
    DM_TRY(probe(bytes, x->bytes, &x->info, e));
    x->type = image_format_mime(x->info.format);
    complete(x);
    DM_TRY(exif_text(&x->info, a, &x->exif, e));
    if (x->n->image_uuid) {
        memcpy(x->out.image_uuid, x->n->image_uuid, STORE_UUID_SIZE);
    } else {
        store_uuid_new(x->out.image_uuid);
    }
    store_uuid_new(x->out.session_uuid);
    photo_key(x->key, x->out.session_uuid, "original", x->type);
    dm_point("photo.accept_checked");
    DM_TRY(photo_put(p, PHOTO_ORIGINAL, x->key, x->type, bytes, x->bytes, &x->store, e));
    x->ship = photo_ship_needed(p, x->store, PHOTO_ORIGINAL);
    return store_rows(x, p, e);
}

int photo_accept(const struct inv_ctx *c, const struct photo_place *p, struct photo_file *f,
                 const struct photo_new *n, struct photo_accepted *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    if (n->key && !store_uuid_valid(n->key)) {
        DM_FAIL(e, INV_VALIDATION, "the number of a request is a UUID");
    }
    DM_TRY(photo_file_end(f, e));
    struct photo_new named = *n;
    named.filename = shown_name(n->filename, &a);
    struct accepting x = {.c = c, .n = &named, .sha256 = photo_file_sha256(f)};
    const void *bytes = photo_file_bytes(f, &x.bytes);
    if (n->key) {
        memcpy(x.out.job_uuid, n->key, STORE_UUID_SIZE);
    } else {
        store_uuid_new(x.out.job_uuid);
    }
    if (n->sha256 && strcmp(n->sha256, x.sha256) != 0) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "sha256"), DM_S("sha256", x.sha256)),
                  "the bytes that came are not those that were sent");
    }
    memcpy(x.out.sha256, x.sha256, sizeof(x.out.sha256));
    const int code = take_in(&x, p, bytes, &a, e);
    photo_file_rest(f); /* the answer may take long to be fetched */
    DM_TRY(code);
    *ret = x.out;
    return DM_OK;
}

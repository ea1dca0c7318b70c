/* SPDX-License-Identifier: Apache-2.0
 *
 * What people do with a stored photo: count it again, delete it, remark on it (domain.md 13). */
#include <string.h>

#include <jansson.h>

#include "inventory/json.h"
#include "inventory/photo_priv.h"

#define MEAN_DEFAULT_S 420.0 /* before the first photo (domain.md 13) */

enum { SESSION_ID, IMAGE, RUNNING, BATCH_ADD, POSTED, PENDING, DELETE, UNFORCE, MEAN };
static const struct store_query queries[] = {
    [SESSION_ID] = {"photo.session_id",
                    "SELECT s.id FROM photo_processing_sessions s JOIN images i"
                    " ON i.id = s.image_id WHERE s.uuid = ?1 AND i.deleted_at IS NULL",
                    "u", "i"},
    [IMAGE] = {"photo.image",
               "SELECT i.id, s.id, i.uploaded_by_user_id, s.storage_location_id, s.uuid,"
               " i.gps_lon, i.gps_lat, i.gps_error_m, s.location_source"
               " FROM images i LEFT JOIN photo_processing_sessions s ON s.id = (SELECT max(x.id)"
               " FROM photo_processing_sessions x WHERE x.image_id = i.id)"
               " WHERE i.uuid = ?1 AND i.deleted_at IS NULL",
               "u", "iiiiurrrt"},
    [RUNNING] = {"photo.running",
                 "SELECT j.uuid, u.uuid FROM jobs j LEFT JOIN upload_batches u"
                 " ON u.id = j.upload_batch_id WHERE j.image_id = ?1"
                 " AND j.status IN ('pending', 'processing') ORDER BY j.id LIMIT 1",
                 "i", "uu"},
    [BATCH_ADD] = {"photo.again_batch",
                   "INSERT INTO upload_batches (uuid, user_id, total_files, rejected_files, notes,"
                   " created_at, updated_at) VALUES (?1, ?2, 1, 0, ?3, ?4, ?4) RETURNING id",
                   "uitT", "i"},
    [POSTED] = {"photo.posted",
                "SELECT count(*) FROM photo_processing_sessions WHERE image_id = ?1"
                " AND posting_status = 'posted'",
                "i", "i"},
    [PENDING] = {"photo.cancel",
                 "UPDATE jobs SET status = 'cancelled', lease_until = NULL, finished_at = ?2,"
                 " updated_at = ?2 WHERE image_id = ?1 AND status IN ('pending', 'processing')",
                 "iT", ""},
    [DELETE] = {"photo.delete", "UPDATE images SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1",
                "iT", ""},
    /* the oldest of the same bytes takes its place, so that they stay known */
    [UNFORCE] =
        {"photo.unforce",
         "UPDATE images SET duplicate_forced = FALSE WHERE id = (SELECT min(t.id)"
         " FROM images t JOIN images i ON i.sha256 = t.sha256 WHERE i.id = ?1"
         " AND t.deleted_at IS NULL) AND duplicate_forced AND NOT (SELECT x.duplicate_forced"
         " FROM images x WHERE x.id = ?1)",
         "i", ""},
    [MEAN] =
        {"photo.mean_time",
         "SELECT avg(t.ms) FROM (SELECT {ms:j.finished_at} - {ms:j.started_at} AS ms FROM jobs j"
         " WHERE j.kind = 'process_photo' AND j.status IN ('completed',"
         " 'completed_with_warning') AND j.finished_at IS NOT NULL ORDER BY j.id DESC"
         " LIMIT 50) t",
         "", "r"},
};
STORE_QUERIES(photo_change_queries, queries);

/* ---- names ---- */

struct asking {
    const char *uuid;
    int64_t id;
    struct photo_ids ids;
    double mean_s;
};

static int find_session(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct asking *x = ctx;
    const int code = store_int(tx, &queries[SESSION_ID], STORE_ARGS(store_u(x->uuid)), &x->id, e);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no session %s", x->uuid);
    }
    return code;
}

int photo_session_id(const struct inv_ctx *c, const char *session_uuid, int64_t *ret_id,
                     struct dm_err *e)
{
    struct asking x = {.uuid = session_uuid};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_run(c->store, STORE_READ, find_session, &x, e));
    *ret_id = x.id;
    return DM_OK;
}

static int read_image(struct store_tx *tx, const char *uuid, struct dm_arena *a,
                      const struct store_value **ret, struct dm_err *e)
{
    const int found = store_maybe(tx, &queries[IMAGE], STORE_ARGS(store_u(uuid)), a, ret, e);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no photo %s", uuid);
    }
    return found;
}

static struct photo_ids ids_of(const struct store_value *v)
{
    struct photo_ids ids = {.image_id = v[0].i,
                            .session_id = v[1].null ? 0 : v[1].i,
                            .uploader_id = v[2].i,
                            .location_id = v[3].null ? 0 : v[3].i};
    if (!v[4].null) {
        memcpy(ids.session_uuid, v[4].t, STORE_UUID_SIZE);
    }
    return ids;
}

static int find_image(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct asking *x = ctx;
    const struct store_value *v;
    DM_TRY(read_image(tx, x->uuid, &a, &v, e));
    x->ids = ids_of(v);
    return DM_OK;
}

int photo_image_ids(const struct inv_ctx *c, const char *image_uuid, struct photo_ids *ret,
                    struct dm_err *e)
{
    struct asking x = {.uuid = image_uuid};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_run(c->store, STORE_READ, find_image, &x, e));
    *ret = x.ids;
    return DM_OK;
}

/* ---- again ---- */

struct again {
    const char *uuid, *reason;
    int64_t location_id;
    enum inv_grant grant;
    struct photo_again out;
};

/* Where the photo belongs: as said now, as before, as the camera said. */
static int place_again(struct work *w, const struct again *x, const struct store_value *v,
                       struct places_answer *ret, struct dm_err *e)
{
    const bool before = !x->location_id && !v[3].null;
    const struct places_photo asked = {.location_id = x->location_id,
                                       .has_gps = !v[5].null,
                                       .lon = v[5].null ? 0 : v[5].r,
                                       .lat = v[6].null ? 0 : v[6].r,
                                       .gps_error_m = v[7].null ? -1 : v[7].r};
    if (before) {
        *ret = (struct places_answer){.location_id = v[3].i, .source = v[8].null ? "" : v[8].t};
        return DM_OK;
    }
    DM_TRY(places_locate(w->tx, &asked, &w->arena, ret, e));
    ret->location_id = ret->suggested ? 0 : ret->location_id;
    return DM_OK;
}

static enum session_source source_named(const char *name)
{
    return !name || !*name             ? SESSION_SOURCE_NONE
           : !strcmp(name, "gps")      ? SESSION_GPS
           : !strcmp(name, "qr")       ? SESSION_QR
           : !strcmp(name, "explicit") ? SESSION_EXPLICIT
                                       : SESSION_MANUAL;
}

static int is_running(struct work *w, int64_t image_id, struct photo_again *ret, struct dm_err *e)
{
    const struct store_value *v;
    const int found =
        store_maybe(w->tx, &queries[RUNNING], STORE_ARGS(store_i(image_id)), &w->arena, &v, e);
    if (found > 0) {
        ret->running = true;
        memcpy(ret->job_uuid, v[0].t, STORE_UUID_SIZE);
        if (!v[1].null) {
            memcpy(ret->batch_uuid, v[1].t, STORE_UUID_SIZE);
        }
    }
    return found;
}

static int check_original(struct work *w, int64_t image_id, struct dm_err *e)
{
    struct photo_object original;
    const int there =
        photo_object_find(w->tx, image_id, 0, PHOTO_ORIGINAL, &w->arena, &original, e);
    if (!there) {
        DM_FAIL(e, INV_ORIGINAL_MISSING, "the original of the photo is gone");
    }
    return there;
}

static int add_run(struct work *w, struct again *x, const struct store_value *v, struct dm_err *e)
{
    struct places_answer place = {0};
    int64_t batch;
    int64_t session;
    char uuid[STORE_UUID_SIZE];
    DM_TRY(check_original(w, v[0].i, e));
    DM_TRY(place_again(w, x, v, &place, e));
    DM_TRY(
        store_int(w->tx, &queries[BATCH_ADD],
                  STORE_ARGS(store_u(x->out.batch_uuid), store_i(w->c->user_id),
                             x->reason ? store_t(x->reason) : store_null(), store_at(w->c->now_ms)),
                  &batch, e));
    store_uuid_new(uuid);
    const struct session_new n = {.uuid = uuid,
                                  .image_id = v[0].i,
                                  .upload_batch_id = batch,
                                  .location_id = place.location_id,
                                  .source = place.location_id ? source_named(place.source)
                                                              : SESSION_SOURCE_NONE,
                                  .location_uncertain = place.warning == PLACES_UNCERTAIN,
                                  .supersedes_session_id = v[1].null ? 0 : v[1].i};
    DM_TRY(session_add(w, &n, &session, e));
    const struct queue_new job = {.kind = QUEUE_REPROCESS_PHOTO,
                                  .uuid = x->out.job_uuid,
                                  .user_id = w->c->user_id,
                                  .upload_batch_id = batch,
                                  .image_id = v[0].i,
                                  .session_id = session,
                                  .priority = QUEUE_ANY_PRIORITY};
    const int added = queue_push(w->tx, w->c->now_ms, &job, NULL, e);
    if (added == DM_ECONFLICT) {
        DM_FAIL(e, DM_EAGAIN, "another run of the photo begins at this moment");
    }
    DM_TRY(added);
    DM_CLEANUP(inv_json_freep)
    json_t *after = json_pack("{s:s, s:s?}", "session", uuid, "reason", x->reason);
    return audit_write(w->tx, w->c, "reprocess", "images", v[0].i, NULL, after, e);
}

static int reprocess(struct work *w, void *in, struct dm_err *e)
{
    struct again *x = in;
    const struct store_value *v;
    x->out = (struct photo_again){0};
    DM_TRY(read_image(w->tx, x->uuid, &w->arena, &v, e));
    if (x->grant == INV_GRANT_OWN && v[2].i != w->c->user_id) {
        DM_FAIL(e, INV_FORBIDDEN, "only your own photos");
    }
    const int running = is_running(w, v[0].i, &x->out, e);
    if (running) {
        return running;
    }
    store_uuid_new(x->out.job_uuid);
    store_uuid_new(x->out.batch_uuid);
    return add_run(w, x, v, e);
}

int photo_reprocess(const struct inv_ctx *c, const char *image_uuid, int64_t location_id,
                    const char *reason, struct photo_again *ret, struct dm_err *e)
{
    const int grant = inv_permit(c, INV_DO_PHOTO_REPROCESS, e);
    DM_TRY(grant);
    struct again x = {.uuid = image_uuid,
                      .reason = reason,
                      .location_id = location_id,
                      .grant = (enum inv_grant)grant};
    DM_TRY(session_run(c, reprocess, &x, e));
    *ret = x.out;
    return DM_OK;
}

/* ---- deleting ---- */

struct deleting {
    const char *uuid, *reason;
    enum inv_grant grant;
};

static int delete_photo(struct work *w, void *in, struct dm_err *e)
{
    const struct deleting *x = in;
    const struct store_value *v;
    int64_t posted;
    DM_TRY(read_image(w->tx, x->uuid, &w->arena, &v, e));
    const struct store_args id = STORE_ARGS(store_i(v[0].i));
    const struct store_args at = STORE_ARGS(store_i(v[0].i), store_at(w->c->now_ms));
    if (x->grant == INV_GRANT_OWN && v[2].i != w->c->user_id) {
        DM_FAIL(e, INV_FORBIDDEN, "only your own photos");
    }
    DM_TRY(store_int(w->tx, &queries[POSTED], id, &posted, e));
    if (posted) {
        DM_FAIL(e, INV_IN_USE, "the count of the photo is posted: undo it first");
    }
    DM_TRY(store_exec(w->tx, &queries[PENDING], at, NULL, e));
    DM_TRY(store_exec(w->tx, &queries[DELETE], at, NULL, e));
    DM_TRY(store_exec(w->tx, &queries[UNFORCE], id, NULL, e));
    DM_CLEANUP(inv_json_freep)
    json_t *after = json_pack("{s:b, s:s?}", "deleted", 1, "reason", x->reason);
    return audit_write(w->tx, w->c, "delete", "images", v[0].i, NULL, after, e);
}

int photo_delete(const struct inv_ctx *c, const char *image_uuid, const char *reason,
                 struct dm_err *e)
{
    const int grant = inv_permit(c, INV_DO_PHOTO_DELETE, e);
    DM_TRY(grant);
    struct deleting x = {image_uuid, reason, (enum inv_grant)grant};
    return session_run(c, delete_photo, &x, e);
}

/* ---- remarks, times ---- */

struct remark {
    const struct inv_ctx *c;
    int64_t session_id;
    const char *member, *text;
};

static int add_remark(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct remark *x = ctx;
    DM_CLEANUP(inv_json_freep) json_t *after = json_pack("{s:s}", x->member, x->text);
    return audit_write(tx, x->c, "note", "photo_processing_sessions", x->session_id, NULL, after,
                       e);
}

int photo_remark(const struct inv_ctx *c, int64_t session_id, const char *member, const char *text,
                 struct dm_err *e)
{
    struct remark x = {c, session_id, member, text};
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    return store_run(c->store, STORE_WRITE, add_remark, &x, e);
}

static int read_mean(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct asking *x = ctx;
    const struct store_value *v;
    DM_TRY(store_one(tx, &queries[MEAN], STORE_NO_ARGS, &a, &v, e));
    x->mean_s = v[0].null ? MEAN_DEFAULT_S : v[0].r / 1000;
    return DM_OK;
}

int photo_mean_time(const struct inv_ctx *c, double *ret_s, struct dm_err *e)
{
    struct asking x = {0};
    DM_TRY(store_run(c->store, STORE_READ, read_mean, &x, e));
    *ret_s = x.mean_s;
    return DM_OK;
}

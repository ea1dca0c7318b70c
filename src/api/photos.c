/* SPDX-License-Identifier: Apache-2.0
 *
 * What the routes of photographs share. */
#include "api/photos.h"

#include <string.h>

#include <sodium.h>

#include "api/rows.h"
#include "queue/carrier.h"
#include "queue/worker.h"

int photos_place(const struct http_request *r, const struct photo_place **ret, struct dm_err *e)
{
    *ret = api_options(api_of(r))->photos;
    if (!*ret) {
        DM_FAIL(e, DM_EAGAIN, "this server keeps no photographs");
    }
    return DM_OK;
}

const char *photos_lang(const struct http_request *r)
{
    const char *asked = http_header(r, "Accept-Language");
    return asked && !strncmp(asked, "en", 2) ? "en" : "es";
}

/* What an address of ours is signed for (api.md 13.3). */
static int sign(const struct http_request *r, const struct photos_address *x,
                char ret[static SIGN_IN_MAC_SIZE], struct dm_err *e)
{
    const char *text =
        dm_arena_printf(r->arena, "%s %s %lld", x->method, x->key, (long long)x->end_s);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    sign_in_mac(api_options(api_of(r))->sign_in, text, ret);
    return DM_OK;
}

int photos_sign(const struct http_request *r, const struct photos_address *x, const char **ret,
                struct dm_err *e)
{
    char mac[SIGN_IN_MAC_SIZE];
    DM_TRY(sign(r, x, mac, e));
    *ret = dm_arena_printf(r->arena, "%s/files/%s?exp=%lld&sig=%s",
                           api_options(api_of(r))->base_url, x->key, (long long)x->end_s, mac);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return DM_OK;
}

int photos_check_sign(const struct http_request *r, const struct photos_address *x, const char *mac,
                      struct dm_err *e)
{
    char want[SIGN_IN_MAC_SIZE];
    DM_TRY(sign(r, x, want, e));
    if (x->end_s <= store_now() / 1000 || strlen(mac) != SIGN_IN_MAC_SIZE - 1 ||
        sodium_memcmp(mac, want, SIGN_IN_MAC_SIZE - 1) != 0) {
        DM_FAIL(e, INV_FORBIDDEN, "the address is not ours, or it has ended");
    }
    return DM_OK;
}

int photos_url(const struct http_request *r, const char *object, int64_t seconds, const char **ret,
               struct dm_err *e)
{
    const struct photo_place *p = api_options(api_of(r))->photos;
    *ret = NULL;
    if (!object) {
        return DM_OK;
    }
    const char *key = strchr(object, ':') + 1;
    struct blob *bucket = NULL;
    if (p && !strncmp(object, "s3:", 3)) {
        bucket = strstr(key, "/original.") ? p->originals : p->pictures;
    }
    if (bucket) {
        DM_CLEANUP(dm_buf_clear) struct dm_buf url = dm_buf_init(8192);
        DM_TRY(blob_presign(bucket, BLOB_GET, key, (int)seconds, &url, e));
        *ret = dm_arena_strdup(r->arena, dm_buf_str(&url));
        if (!*ret) {
            DM_FAIL(e, DM_ENOMEM, "no memory for an address");
        }
        return DM_OK;
    }
    const struct photos_address x = {"GET", key, api_ctx(r)->now_ms / 1000 + seconds};
    return photos_sign(r, &x, ret, e);
}

int photos_urls(const struct http_request *r, json_t *row, const char *const *members,
                struct dm_err *e)
{
    for (; *members; members++) {
        char outer[32];
        const char *dot = strchr(*members, '.');
        json_t *o = row;
        const char *name = *members;
        const char *url;
        if (dot) {
            (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - *members), *members);
            o = json_object_get(row, outer);
            name = dot + 1;
        }
        DM_TRY(photos_url(r, json_string_value(json_object_get(o, name)), 24 * 3600, &url, e));
        if (o && json_object_set_new(o, name, api_text(url)) < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for an address");
        }
    }
    return DM_OK;
}

int photos_session(const struct http_request *r, const char **ret_uuid, int64_t *ret_id,
                   struct dm_err *e)
{
    *ret_uuid = http_str(r->path, "session_id");
    return photo_session_id(api_ctx(r), *ret_uuid, ret_id, e);
}

int photos_conflict(int code, struct dm_err *e)
{
    if (code == INV_PERIOD_CLOSED && e) {
        e->code = INV_INVALID_TRANSITION;
        return e->code;
    }
    return code;
}

int photos_rows(const struct http_request *r, const struct list *l, const char *param, json_t **ret,
                struct dm_err *e)
{
    const struct list_value value = {"session_id", store_u(http_str(r->path, param))};
    const struct list_ask ask = {.value = &value, .n_value = 1};
    return list_rows(api_ctx(r), l, &ask, ret, NULL, e);
}

int photos_get_array(struct http_request *r, struct dm_err *e)
{
    json_t *rows = NULL;
    DM_TRY(rows_need(r, &list_progress, "session_id", e));
    DM_TRY(photos_rows(r, r->route->own, "session_id", &rows, e));
    return http_reply_json(r, 200, rows, e);
}

int photos_reply_session(struct http_request *r, int status, const char *uuid, struct dm_err *e)
{
    json_t *row = NULL;
    DM_TRY(list_one(api_ctx(r), &list_sessions, "session_id", store_u(uuid), &row, e));
    return http_reply_json(r, status, row, e);
}

/* ---- photos that come in --------------------------------------------------------------------- */

void photos_tell_workers(struct http_request *r, size_t n)
{
    const struct api_options *o = api_options(api_of(r));
    queue_worker_poke(o->worker);
    if (o->carrier) {
        queue_carrier_ring(o->carrier, QUEUE_PROCESS_PHOTO, n);
    }
}

/* The i-th of a list, or its only one; a value that is no list. */
static const json_t *said_of(const json_t *said, const char *name, size_t i)
{
    const json_t *v = json_object_get(said, name);
    return json_is_array(v) ? json_array_get(v, json_array_size(v) == 1 ? 0 : i) : v;
}

void photos_said(const json_t *said, size_t i, struct photo_new *ret)
{
    const json_t *lon = said_of(said, "gps_lon", i);
    const json_t *lat = said_of(said, "gps_lat", i);
    const json_t *error = said_of(said, "gps_error_m", i);
    ret->location_id = json_integer_value(said_of(said, "storage_location_id", i));
    ret->qr_code = json_string_value(said_of(said, "qr_code", i));
    ret->force = http_bool(said, "force", false);
    ret->sha256 = json_string_value(said_of(said, "sha256", i));
    ret->captured_at = json_integer_value(said_of(said, "captured_at", i));
    ret->has_gps = json_is_number(lon) && json_is_number(lat);
    ret->gps_lon = json_number_value(lon);
    ret->gps_lat = json_number_value(lat);
    ret->gps_error_m = json_is_number(error) ? json_number_value(error) : -1;
}

enum photo_source photos_source(const char *name)
{
    for (int i = 0; name && photo_source_names[i]; i++) {
        if (!strcmp(name, photo_source_names[i])) {
            return (enum photo_source)i;
        }
    }
    return PHOTO_WEB;
}

json_t *photos_job(const struct photo_accepted *a, const char *filename, int64_t at_ms)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:i, s:o, s:s}", "job_id", a->job_uuid, "image_id",
                     a->image_uuid, "filename", filename && *filename ? filename : NULL, "status",
                     "pending", "progress_percent", 0, "created_at", api_instant(at_ms), "sha256",
                     a->sha256);
}

int photos_expected_s(const struct http_request *r, size_t photos, json_t **ret, struct dm_err *e)
{
    double each;
    DM_TRY(photo_mean_time(api_ctx(r), &each, e));
    *ret = json_integer((json_int_t)(each * (double)photos + 0.5));
    return DM_OK;
}

/* The refusals of R5 have names of their own. */
static int accept_one(struct http_request *r, struct photo_file *f, const struct photo_new *what,
                      struct photo_accepted *ret, struct dm_err *e)
{
    const struct photo_place *p;
    struct dm_err why = {0};
    DM_TRY(photos_place(r, &p, e));
    const int code = photo_accept(api_ctx(r), p, f, what, ret, &why);
    const bool no_place = code == INV_VALIDATION && why.n_fields && !strcmp(why.field[0].s, "gps");
    if (code == INV_UNSUPPORTED_MEDIA || no_place) {
        DM_FAIL(e, no_place ? API_ENO_GPS : API_EFILE_TYPE, "%s", dm_err_text(&why));
    }
    if (code < 0) {
        *e = why;
    }
    return code;
}

static int upload_json(struct http_request *r, const struct photo_batch *b,
                       const struct photo_accepted *a, const char *filename, json_t **ret,
                       struct dm_err *e)
{
    const int64_t now = api_ctx(r)->now_ms;
    json_t *seconds = NULL;
    DM_TRY(photos_expected_s(r, 1, &seconds, e));
    const char *poll = dm_arena_printf(r->arena, PHOTOS_POLL "%s", b->uuid);
    const char *stream = dm_arena_printf(r->arena, PHOTOS_STREAM "%s", b->uuid);
    return api_json(json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:[o], s:o}",
                              "upload_session_id", b->uuid, "task_id", a->job_uuid, "session_id",
                              (json_int_t)a->session_id, "session_uuid", a->session_uuid, "status",
                              "pending", "message", "accepted", "poll_url", poll ? poll : "",
                              "stream_url", stream ? stream : "", "total_photos", 1,
                              "estimated_time_seconds", seconds, "jobs",
                              photos_job(a, filename, now), "created_at", api_instant(now)),
                    ret, e);
}

int photos_take(struct http_request *r, const char *uuid, struct photo_file *f,
                const struct photo_new *what, const char *notes, json_t **ret, struct dm_err *e)
{
    struct photo_batch batch;
    struct photo_accepted a = {0};
    struct photo_new one = *what;
    struct dm_err late = {0};
    char key[STORE_UUID_SIZE];
    DM_TRY(photo_batch_begin(api_ctx(r), uuid, 1, notes, &batch, e));
    photo_batch_key(batch.uuid, 0, key);
    one.key = key;
    one.batch_id = batch.id;
    one.batch_job_id = batch.job_id;
    const int code = accept_one(r, f, &one, &a, e);
    if (code < 0 && dm_code_info(code)->http_status >= 500) {
        return code; /* may be tried again as the same upload */
    }
    json_t *refused = code < 0 ? json_pack("[{s:i, s:s, s:s}]", "index", 0, "code",
                                           dm_code_info(code)->slug, "message", dm_err_text(e))
                               : json_array();
    const int ended = photo_batch_end(api_ctx(r), &batch, 1, refused, &late);
    json_decref(refused);
    photos_tell_workers(r, 1);
    DM_TRY(code);
    if (ended < 0) {
        *e = late;
        return ended;
    }
    return upload_json(r, &batch, &a, what->filename, ret, e);
}

int photos_reply_upload(struct http_request *r, json_t *out, struct dm_err *e)
{
    const int code = http_reply_header(r, "Location", http_str(out, "poll_url"), e);
    if (code < 0) {
        json_decref(out);
        return code;
    }
    return http_reply_json(r, 202, out, e);
}

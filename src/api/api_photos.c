/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/photos: how uploads stand, gallery, counting again, deleting (api.md 5.8, 18). */
#include "api/photos.h"

#include <string.h>

#include "api/rows.h"
#include "base/limits.h"

#define ID .min = 1, .max = INT32_MAX

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field upload_query[] = {{"upload_session_id", HTTP_UUID, HTTP_REQ},
                                                 {NULL}};
static const struct http_field jobs_out[] = {
    {"upload_session_id", HTTP_UUID},
    {"jobs", HTTP_OBJ, HTTP_LIST, .of = &JobItem},
    {"summary", HTTP_OBJ, .of = &JobSummary},
    {"last_updated", HTTP_INSTANT},
    {NULL},
};
static const struct http_schema UploadJobs = {"UploadJobs", jobs_out};

static const struct http_field gallery_query[] = {
    {"status", HTTP_STR, .fallback = "\"all\"",
     .one_of = "all|success|errors|warnings|uploaded|processing|ready|failed|needs_location|"
               "location_uncertain|needs_config|needs_calibration|no_detections"},
    {"warehouse_id", HTTP_INT, 0, ID},
    {"warehouse_ids", HTTP_INT, HTTP_LIST, ID, .items_max = 100},
    {"storage_location_id", HTTP_INT, 0, ID},
    {"date_from", HTTP_INSTANT},
    {"date_to", HTTP_INSTANT},
    {"search", HTTP_STR, HTTP_TRIM, .min = 1, .max = 100},
    {NULL},
};
static const struct http_field again_in[] = {
    {"reason", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"storage_location_id", HTTP_INT, HTTP_NULL, ID},
    {NULL},
};
static const struct http_schema AgainIn = {"ReprocessIn", again_in};
static const struct http_field many_in[] = {
    {"image_ids", HTTP_UUID, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 100},
    {"reason", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"storage_location_id", HTTP_INT, HTTP_NULL, ID},
    {NULL},
};
static const struct http_schema ManyIn = {"PhotosIn", many_in};
static const struct http_field many_out[] = {
    {"succeeded", HTTP_INT}, {"failed", HTTP_INT}, {"results", HTTP_OBJ, HTTP_LIST}, {NULL}};
static const struct http_schema ManyOut = {"PhotosOut", many_out};
static const struct http_field delete_out[] = {
    {"deleted", HTTP_INT},
    {"not_found", HTTP_UUID, HTTP_LIST},
    {"refused", HTTP_OBJ, HTTP_LIST},
    {NULL},
};
static const struct http_schema DeleteOut = {"PhotosDeleted", delete_out};
static const struct http_field delete_query[] = {
    {"reason", HTTP_STR, HTTP_TRIM, .min = 1, .max = 500}, {NULL}};
static const struct http_field delete_one[] = {
    {"success", HTTP_BOOL},
    {"deleted_id", HTTP_UUID},
    {"mode", HTTP_STR},
    {"message", HTTP_STR},
    {NULL},
};
static const struct http_schema PhotoDeleted = {"PhotoDeleted", delete_one};

/* ---- how they stand ------------------------------------------------------------------------ */

static const char *shown_state(const char *job)
{
    return !strcmp(job, "completed_with_warning") ? "completed" : job;
}

static json_t *item_of(const struct photo_state *s)
{
    const bool done = !strcmp(s->status, "completed");
    json_t *result = done ? json_pack("{s:s, s:I, s:I, s:s}", "session_id", s->session_uuid,
                                      "total_detected", (json_int_t)s->detected, "total_estimated",
                                      (json_int_t)s->estimated, "posting_status", s->posting)
                          : json_null();
    json_t *error =
        !strcmp(s->job, "failed")
            ? json_pack("{s:s, s:s, s:b}", "code", s->error_code[0] ? s->error_code : "failed",
                        "message", s->error[0] ? s->error : "failed", "retryable", 0)
            : json_null();
    return json_pack("{s:s, s:s, s:s?, s:s, s:i, s:o, s:o, s:s?, s:s?, s:o}", "job_id", s->job_uuid,
                     "image_id", s->image_uuid, "filename", s->filename[0] ? s->filename : NULL,
                     "status", shown_state(s->job), "progress_percent", s->percent, "updated_at",
                     api_instant(s->updated_at), "result", result, "step",
                     s->phase[0] ? s->phase : NULL, "warning", s->warning[0] ? s->warning : NULL,
                     "error", error);
}

static json_t *summary_of(const struct photo_state *list, size_t n)
{
    static const char *const names[] = {"completed", "processing", "pending", "failed",
                                        "cancelled"};
    int count[DM_COUNT(names)] = {0};
    double percent = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < DM_COUNT(names); k++) {
            const bool is_it = !strcmp(shown_state(list[i].job), names[k]);
            count[k] += is_it;
            percent += is_it ? (k == 1 || k == 2 ? list[i].percent : 100) : 0;
        }
    }
    return json_pack("{s:I, s:i, s:i, s:i, s:i, s:i, s:f}", "total_jobs", (json_int_t)n, names[0],
                     count[0], names[1], count[1], names[2], count[2], names[3], count[3], names[4],
                     count[4], "overall_progress_percent", n ? percent / (double)n : 0.0);
}

static int snapshot(const struct inv_ctx *c, const struct photo_batch *b, struct dm_arena *a,
                    json_t **ret, bool *ret_done, struct dm_err *e)
{
    struct photo_state *list = NULL;
    size_t n = 0;
    json_t *items = json_array();
    DM_TRY(photo_batch_states(c, b->id, 0, a, &list, &n, e));
    *ret_done = n > 0;
    for (size_t i = 0; i < n; i++) {
        const char *state = shown_state(list[i].job);
        *ret_done = *ret_done && strcmp(state, "pending") != 0 && strcmp(state, "processing") != 0;
        (void)json_array_append_new(items, item_of(&list[i]));
    }
    return api_json(json_pack("{s:s, s:o, s:o, s:o}", "upload_session_id", b->uuid, "jobs", items,
                              "summary", summary_of(list, n), "last_updated",
                              api_instant(store_now())),
                    ret, e);
}

static int get_jobs(struct http_request *r, struct dm_err *e)
{
    struct photo_batch b;
    json_t *out = NULL;
    bool done;
    DM_TRY(photo_batch_find(api_ctx(r), http_str(r->query, "upload_session_id"), &b, e));
    DM_TRY(snapshot(api_ctx(r), &b, r->arena, &out, &done, e));
    return http_reply_json(r, 200, out, e);
}

/* ---- the same as a stream ------------------------------------------------------------------ */

#define PING_MS INT64_C(15000)
#define LIFE_MS INT64_C(3600000)

struct stream {
    struct inv_ctx ctx; /* store, person and role are what is used of it */
    struct photo_batch batch;
    json_t *last; /* jobs as they were sent */
    int64_t id, started_ms, sent_ms;
    bool done;
};

static void frame(struct stream *s, struct dm_buf *out, const char *event, const json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    if (text) {
        dm_buf_printf(out, "id: %lld\nevent: %s\ndata: ", (long long)++s->id, event);
        dm_buf_puts(out, text);
        dm_buf_puts(out, "\n\n");
        s->sent_ms = store_now();
    }
    free(text);
}

static void frame_changes(struct stream *s, struct dm_buf *out, const json_t *now)
{
    const json_t *jobs = json_object_get(now, "jobs");
    bool changed = false;
    if (!s->last) {
        dm_buf_puts(out, "retry: 2000\n\n");
        frame(s, out, "snapshot", now);
        return;
    }
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        const json_t *job = json_array_get(jobs, i);
        if (!json_equal(job, json_array_get(json_object_get(s->last, "jobs"), i))) {
            frame(s, out, "job", job);
            changed = true;
        }
    }
    if (changed) {
        frame(s, out, "summary", json_object_get(now, "summary"));
    }
}

static int pull(void *ctx, struct dm_buf *out)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct stream *s = ctx;
    json_t *now = NULL;
    if (s->done) {
        return 0;
    }
    if (snapshot(&s->ctx, &s->batch, &a, &now, &s->done, NULL) >= 0) {
        frame_changes(s, out, now);
        json_decref(s->last);
        s->last = now;
    }
    if (s->done) {
        frame(s, out, "done", json_object_get(s->last, "summary"));
    } else if (store_now() - s->sent_ms > PING_MS) {
        dm_buf_puts(out, ": ping\n\n");
        s->sent_ms = store_now();
    }
    return store_now() - s->started_ms < LIFE_MS;
}

static void stream_free(void *ctx)
{
    struct stream *s = ctx;
    json_decref(s->last);
    free(s);
}

static int get_stream(struct http_request *r, struct dm_err *e)
{
    DM_TRY(api_ticket(r, e));
    struct stream *s = calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a stream");
    }
    s->ctx = *api_ctx(r);
    s->ctx.settings = NULL;
    s->ctx.zone = NULL;
    s->ctx.request_id = s->ctx.remote_address = NULL;
    s->started_ms = s->sent_ms = store_now();
    int code = photo_batch_find(api_ctx(r), http_str(r->query, "upload_session_id"), &s->batch, e);
    code = code < 0
               ? code
               : http_reply_stream(r, "text/event-stream; charset=utf-8", pull, s, stream_free, e);
    if (code < 0) {
        stream_free(s);
    }
    return code;
}

/* ---- gallery ------------------------------------------------------------------------------- */

static const char *const gallery_urls[] = {"thumbnail_url", "original_url", NULL};

static void ask_status(const char *status, struct list_value *value, size_t *n)
{
    static const char *const states[] = {"uploaded", "processing", "ready", "failed", NULL};
    const char *image = !strcmp(status, "success")  ? "ready"
                        : !strcmp(status, "errors") ? "failed"
                                                    : NULL;
    for (size_t i = 0; states[i] && !image; i++) {
        image = strcmp(states[i], status) ? NULL : states[i];
    }
    if (image) {
        value[(*n)++] = (struct list_value){"image_status", store_t(image)};
    } else if (!strcmp(status, "warnings")) {
        value[(*n)++] = (struct list_value){"warned", store_b(true)};
    } else if (strcmp(status, "all") != 0) {
        value[(*n)++] = (struct list_value){"warning", store_t(status)};
    }
}

static int get_gallery(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const json_t *naves = json_object_get(r->query, "warehouse_ids");
    struct list_ask ask;
    struct list_value value[LIST_FILTERS_MAX];
    json_t *rows = NULL;
    int64_t total;
    size_t n = 0;
    json_t *plain = json_copy(r->query);
    (void)json_object_del(plain, "warehouse_ids");
    struct http_request asked = *r;
    asked.query = plain;
    const int code = rows_filters(&asked, &list_gallery, &ask, e);
    for (; code >= 0 && n < ask.n_value; n++) {
        value[n] = ask.value[n];
    }
    ask_status(http_str(r->query, "status"), value, &n);
    char *ids = json_array_size(naves) ? json_dumps(naves, JSON_COMPACT) : NULL;
    if (ids) {
        value[n++] = (struct list_value){"warehouse_ids", store_j(ids)};
    }
    ask = (struct list_ask){.value = value, .n_value = n, .skip = slice.skip, .limit = slice.limit};
    const int read = code < 0 ? code : list_rows(api_ctx(r), &list_gallery, &ask, &rows, &total, e);
    free(ids);
    json_decref(plain);
    DM_TRY(read);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const int made = photos_urls(r, json_array_get(rows, i), gallery_urls, e);
        if (made < 0) {
            json_decref(rows);
            return made;
        }
    }
    return http_reply_page(r, "photos", rows, total, e);
}

static int history_of(const struct http_request *r, json_t *row, struct dm_err *e)
{
    const json_t *session = json_object_get(row, "processing_session");
    const int64_t claro = json_integer_value(json_object_get(session, "storage_location_id"));
    json_t *history = NULL;
    if (claro) {
        const struct list_value value = {"storage_location_id", store_i(claro)};
        const struct list_ask ask = {.value = &value, .n_value = 1, .limit = 20};
        DM_TRY(list_rows(api_ctx(r), &list_claro_photos, &ask, &history, NULL, e));
    } else {
        history = json_array();
    }
    if (json_object_set_new(row, "storage_location_history", history) < 0) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the history");
    }
    return DM_OK;
}

static int get_photo(struct http_request *r, struct dm_err *e)
{
    static const char *const urls[] = {"original_url", "thumbnail_url", "annotated_url", NULL};
    json_t *row = NULL;
    DM_TRY(list_one(api_ctx(r), &list_photo, "image_id", store_u(http_str(r->path, "image_id")),
                    &row, e));
    int code = photos_urls(r, row, urls, e);
    code = code < 0 ? code : history_of(r, row, e);
    if (code < 0) {
        json_decref(row);
        return code;
    }
    if (json_is_null(json_object_get(json_object_get(row, "gps"), "longitude"))) {
        (void)json_object_set_new(row, "gps", json_null());
    }
    return http_reply_json(r, 200, row, e);
}

/* ---- again, away --------------------------------------------------------------------------- */

static int again(struct http_request *r, const char *image, json_t **ret, struct dm_err *e)
{
    struct photo_again a;
    DM_TRY(photo_reprocess(api_ctx(r), image, http_int(r->body, "storage_location_id", 0),
                           http_str(r->body, "reason"), &a, e));
    photos_tell_workers(r, 1);
    const char *poll = dm_arena_printf(r->arena, PHOTOS_POLL "%s", a.batch_uuid);
    return api_json(json_pack("{s:s?, s:s, s:s, s:s, s:s}", "upload_session_id",
                              a.batch_uuid[0] ? a.batch_uuid : NULL, "image_id", image,
                              "new_job_id", a.job_uuid, "message",
                              a.running ? "a run of this photo is under way" : "accepted",
                              "poll_url", poll ? poll : ""),
                    ret, e);
}

static int post_again(struct http_request *r, struct dm_err *e)
{
    json_t *out = NULL;
    DM_TRY(again(r, http_str(r->path, "image_id"), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int post_again_many(struct http_request *r, struct dm_err *e)
{
    const json_t *images = json_object_get(r->body, "image_ids");
    json_t *results = json_array();
    int failed = 0;
    for (size_t i = 0; i < json_array_size(images); i++) {
        struct dm_err why = {0};
        json_t *one = NULL;
        const int code = again(r, json_string_value(json_array_get(images, i)), &one, &why);
        if (code < 0 && dm_code_info(code)->http_status >= 500) {
            json_decref(results);
            *e = why;
            return code;
        }
        failed += code < 0;
        json_t *row =
            code < 0 ? json_pack("{s:I, s:s, s:s, s:s}", "index", (json_int_t)i, "status", "error",
                                 "code", dm_code_info(code)->slug, "message", dm_err_text(&why))
                     : json_pack("{s:I, s:s, s:o}", "index", (json_int_t)i, "status", "ok",
                                 "result", one);
        (void)json_array_append_new(results, row);
    }
    const int n = (int)json_array_size(images);
    return http_reply_json(
        r, failed ? 207 : 200,
        json_pack("{s:i, s:i, s:o}", "succeeded", n - failed, "failed", failed, "results", results),
        e);
}

static int post_delete(struct http_request *r, struct dm_err *e)
{
    const json_t *images = json_object_get(r->body, "image_ids");
    json_t *missing = json_array();
    json_t *refused = json_array();
    int deleted = 0;
    int code = DM_OK;
    for (size_t i = 0; i < json_array_size(images); i++) {
        const char *image = json_string_value(json_array_get(images, i));
        struct dm_err why = {0};
        code = photo_delete(api_ctx(r), image, http_str(r->body, "reason"), &why);
        if (code < 0 && dm_code_info(code)->http_status >= 500) {
            *e = why;
            break;
        }
        deleted += code >= 0;
        if (code == INV_NOT_FOUND) {
            (void)json_array_append_new(missing, json_string(image));
        } else if (code < 0) {
            (void)json_array_append_new(refused, json_pack("{s:s, s:s}", "image_id", image, "rule",
                                                           dm_code_info(code)->slug));
        }
        code = DM_OK;
    }
    if (code < 0) {
        json_decref(missing);
        json_decref(refused);
        return code;
    }
    return http_reply_json(
        r, 200,
        json_pack("{s:i, s:o, s:o}", "deleted", deleted, "not_found", missing, "refused", refused),
        e);
}

static int delete_photo(struct http_request *r, struct dm_err *e)
{
    const char *image = http_str(r->path, "image_id");
    DM_TRY(photo_delete(api_ctx(r), image, http_str(r->query, "reason"), e));
    return http_reply_json(r, 200,
                           json_pack("{s:b, s:s, s:s, s:s}", "success", 1, "deleted_id", image,
                                     "mode", "soft", "message", "deleted"),
                           e);
}

/* ---- table --------------------------------------------------------------------------------- */

// clang-format off
const struct http_route photo_routes[] = {
    {HTTP_GET, "/api/v1/photos/jobs/status", "upload_status", "photos", "How an upload stands",
     .role = API_WORKER, .query = upload_query, .answer = {{200, &UploadJobs}}, .errors = "404",
     .handle = get_jobs},
    {HTTP_GET, "/api/v1/photos/jobs/stream", "upload_stream", "photos", "The same as events",
     .role = API_WORKER | API_TICKET, .flags = HTTP_OPEN_REPLY | HTTP_NO_STORE, .query = upload_query,
     .answer = {{200, NULL, .type = "text/event-stream"}}, .errors = "404", .handle = get_stream},
    {HTTP_GET, "/api/v1/photos/gallery", "gallery", "photos", "Photos, newest first",
     .role = API_VIEWER, .flags = HTTP_PAGED, .query = gallery_query,
     .answer = {{200, &GalleryItem, true, .member = "photos"}}, .handle = get_gallery},
    {HTTP_GET, "/api/v1/photos/{image_id}", "get_photo", "photos", "One photo",
     .role = API_VIEWER, .params = photos_image_path, .answer = {{200, &PhotoDetail}},
     .errors = "404", .handle = get_photo},
    {HTTP_DELETE, "/api/v1/photos/{image_id}", "delete_photo", "photos", "Delete a photo",
     .role = API_SUPERVISOR, .params = photos_image_path, .query = delete_query,
     .answer = {{200, &PhotoDeleted}}, .errors = "404 409", .handle = delete_photo},
    {HTTP_POST, "/api/v1/photos/{image_id}/reprocess", "reprocess_photo", "photos",
     "Count a photo again", .role = API_WORKER, .flags = HTTP_BODY_OPTIONAL,
     .params = photos_image_path, .body = &AgainIn, .answer = {{200, &Reprocess}}, .errors = "404",
     .handle = post_again},
    {HTTP_POST, "/api/v1/photos/reprocess", "reprocess_photos", "photos", "Count photos again",
     .role = API_SUPERVISOR, .body = &ManyIn, .answer = {{200, &ManyOut}, {207, &ManyOut}},
     .handle = post_again_many},
    {HTTP_POST, "/api/v1/photos/batch-delete", "delete_photos", "photos", "Delete photos",
     .role = API_WORKER, .body = &ManyIn, .answer = {{200, &DeleteOut}}, .handle = post_delete},
    {0},
};
// clang-format on

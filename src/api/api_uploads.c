/* SPDX-License-Identifier: Apache-2.0
 *
 * Photos that come in as multipart/form-data (api.md 5.2 R5, 18). Bytes of an upload go to a file
 * of their own while they are hashed; what a photo is told with it is taken once (photos.h), also
 * by uploads that can be resumed (api_resume.c). */
#include "api/photos.h"

#include <string.h>

#define ID         .min = 1, .max = INT32_MAX
#define BATCH_BODY ((int64_t)512 << 20)

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field photo_form[] = {
    {"file", HTTP_FILE, HTTP_REQ},
    {"user_id", HTTP_INT, HTTP_NULL, ID},
    {"storage_location_id", HTTP_INT, HTTP_NULL, ID},
    {"qr_code", HTTP_STR, HTTP_NULL | HTTP_TRIM, .min = 1, .max = 20},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"force", HTTP_BOOL, .fallback = "false"},
    PHOTOS_SAID(0),
    {NULL},
};
static const struct http_field batch_form[] = {
    {"files", HTTP_FILE, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 200},
    {"storage_location_id", HTTP_INT, HTTP_LIST, ID, .about = "one for all, or one for each file"},
    {"qr_code", HTTP_STR, HTTP_LIST, .min = 1, .max = 20, .about = "likewise"},
    {"warehouse_id", HTTP_INT, HTTP_NULL, ID},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
    {"source", HTTP_STR, .one_of = "web|mobile|api", .fallback = "\"web\""},
    {"force", HTTP_BOOL, .fallback = "false"},
    PHOTOS_SAID(HTTP_LIST),
    {NULL},
};
static const struct http_field rejected[] = {
    {"index", HTTP_INT},   {"filename", HTTP_STR, HTTP_NULL},
    {"code", HTTP_STR},    {"rule", HTTP_STR, HTTP_NULL},
    {"message", HTTP_STR}, {NULL},
};
static const struct http_schema Rejected = {"RejectedFile", rejected};
static const struct http_field batch_out[] = {
    {"status", HTTP_STR},
    {"upload_session_id", HTTP_UUID},
    {"total_photos", HTTP_INT},
    {"total_files", HTTP_INT},
    {"jobs", HTTP_OBJ, HTTP_LIST, .of = &PhotoUploadJob},
    {"rejected", HTTP_OBJ, HTTP_LIST, .of = &Rejected},
    {"estimated_time_seconds", HTTP_INT, HTTP_NULL},
    {"poll_url", HTTP_STR},
    {"stream_url", HTTP_STR},
    {"message", HTTP_STR},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
static const struct http_schema BatchUpload = {"BatchUpload", batch_out};

/* ---- files on their way -------------------------------------------------------------------- */

static int file_begin(struct http_request *r, struct http_file *f, struct dm_err *e)
{
    const struct photo_place *p;
    struct photo_file *file = NULL;
    const struct inv_ctx *c = api_ctx(r);
    const int64_t most = (int64_t)c->settings->upload_file_mib << 20;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(photo_file_begin(p, most, &file, e));
    f->own = file;
    return DM_OK;
}

static int file_write(struct http_request *r, struct http_file *f, const void *bytes, size_t n,
                      struct dm_err *e)
{
    (void)r;
    return photo_file_write(f->own, bytes, n, e);
}

static int file_end(struct http_request *r, struct http_file *f, struct dm_err *e)
{
    (void)r;
    return photo_file_end(f->own, e);
}

static void file_free(struct http_file *f)
{
    photo_file_free(f->own);
    f->own = NULL;
}

const struct http_file_ops photos_files = {file_begin, file_write, file_end, file_free};

/* ---- one ----------------------------------------------------------------------------------- */

/* A number of the sender's, by which the same upload is known again. */
static const char *key_of(const struct http_request *r)
{
    const char *key = http_header(r, "Idempotency-Key");
    return key && store_uuid_valid(key) ? key : http_str(r->form, "client_uuid");
}

/* R5: one photo, whose place must be known. */
static int post_photo(struct http_request *r, struct dm_err *e)
{
    const struct http_file *f = r->n_file == 1 ? &r->file[0] : NULL;
    json_t *out = NULL;
    if (!f) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "file")), "exactly one file");
    }
    if (f->refused.code == INV_UNSUPPORTED_MEDIA) {
        DM_FAIL(e, API_EFILE_TYPE, "%s", dm_err_text(&f->refused));
    }
    if (f->refused.code != DM_OK) {
        *e = f->refused;
        return f->refused.code;
    }
    struct photo_new what = {.filename = f->filename, .source = PHOTO_API, .needs_gps = true};
    photos_said(r->form, 0, &what);
    DM_TRY(photos_take(r, key_of(r), f->own, &what, http_str(r->form, "notes"), &out, e));
    return photos_reply_upload(r, out, e);
}

/* ---- several ------------------------------------------------------------------------------- */

static json_t *rejection(size_t i, const struct http_file *f, int code, const struct dm_err *e)
{
    const char *class = inv_code_class(code);
    return json_pack("{s:I, s:s?, s:s, s:s?, s:s}", "index", (json_int_t)i, "filename",
                     f->filename[0] ? f->filename : NULL, "code",
                     class ? class : "InvalidFileTypeException", "rule",
                     class ? dm_code_info(code)->slug : NULL, "message", dm_err_text(e));
}

static int take(struct http_request *r, const struct http_file *f, const struct photo_new *what,
                struct photo_accepted *ret, struct dm_err *e)
{
    const struct photo_place *p;
    if (f->refused.code != DM_OK) {
        *e = f->refused;
        return f->refused.code;
    }
    DM_TRY(photos_place(r, &p, e));
    return photo_accept(api_ctx(r), p, f->own, what, ret, e);
}

/* What concerns a file stays with it; a lost database ends the request. */
static int take_all(struct http_request *r, const struct photo_batch *batch, json_t *jobs,
                    json_t *rejections, struct dm_err *e)
{
    for (size_t i = 0; i < r->n_file; i++) {
        struct photo_accepted a = {0};
        struct dm_err why = {0};
        char key[STORE_UUID_SIZE];
        photo_batch_key(batch->uuid, i, key);
        struct photo_new what = {.key = key,
                                 .filename = r->file[i].filename,
                                 .source = photos_source(http_str(r->form, "source")),
                                 .batch_id = batch->id,
                                 .batch_job_id = batch->job_id};
        photos_said(r->form, i, &what);
        const int code = take(r, &r->file[i], &what, &a, &why);
        if (code < 0 && dm_code_info(code)->http_status >= 500) {
            *e = why;
            return code;
        }
        const int added =
            code < 0 ? json_array_append_new(rejections, rejection(i, &r->file[i], code, &why))
                     : json_array_append_new(
                           jobs, photos_job(&a, r->file[i].filename, api_ctx(r)->now_ms));
        if (added < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
        }
    }
    return DM_OK;
}

static int end_batch(struct http_request *r, const struct photo_batch *b, const json_t *rejections,
                     struct dm_err *e)
{
    DM_TRY(photo_batch_end(api_ctx(r), b, (int64_t)r->n_file, rejections, e));
    photos_tell_workers(r, r->n_file);
    return DM_OK;
}

static int reply_batch(struct http_request *r, const struct photo_batch *batch, json_t *jobs,
                       json_t *rejections, struct dm_err *e)
{
    json_t *seconds = NULL;
    const size_t taken = json_array_size(jobs);
    const bool some = json_array_size(rejections) > 0;
    const char *poll = dm_arena_printf(r->arena, PHOTOS_POLL "%s", batch->uuid);
    const char *stream = dm_arena_printf(r->arena, PHOTOS_STREAM "%s", batch->uuid);
    if (!poll || !stream) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    DM_TRY(photos_expected_s(r, taken, &seconds, e));
    DM_TRY(http_reply_header(r, "Location", poll, e));
    return http_reply_json(
        r, some ? 207 : 202,
        json_pack("{s:s, s:s, s:I, s:I, s:O, s:O, s:o, s:s, s:s, s:s, s:o}", "status", "accepted",
                  "upload_session_id", batch->uuid, "total_photos", (json_int_t)taken,
                  "total_files", (json_int_t)r->n_file, "jobs", jobs, "rejected", rejections,
                  "estimated_time_seconds", seconds, "poll_url", poll, "stream_url", stream,
                  "message", some ? "some files were refused" : "accepted", "created_at",
                  api_instant(api_ctx(r)->now_ms)),
        e);
}

static int check_sum(const struct http_request *r, struct dm_err *e)
{
    const int64_t most = api_ctx(r)->settings->upload_request_mib;
    int64_t bytes = 0;
    for (size_t i = 0; i < r->n_file; i++) {
        bytes += r->file[i].bytes;
    }
    if (bytes > most << 20) {
        DM_FAIL(e, INV_FILE_TOO_LARGE, "at most %lld MiB in one upload", (long long)most);
    }
    return DM_OK;
}

static int post_batch(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    struct photo_batch batch;
    if (r->n_file < 1 || r->n_file > (size_t)c->settings->upload_files) {
        DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", "files")), "1 to %d files at once",
                  c->settings->upload_files);
    }
    DM_TRY(check_sum(r, e));
    DM_TRY(
        photo_batch_begin(c, key_of(r), (int64_t)r->n_file, http_str(r->form, "notes"), &batch, e));
    json_t *jobs = json_array();
    json_t *rejections = json_array();
    int code = take_all(r, &batch, jobs, rejections, e);
    code = code < 0 ? code : end_batch(r, &batch, rejections, e);
    if (code >= 0 && json_array_size(jobs) == 0) {
        code = dm_err_set(
            e, API_ERULE, __FILE__, __LINE__, "no file was accepted: %s",
            json_string_value(json_object_get(json_array_get(rejections, 0), "message")));
    }
    code = code < 0 ? code : reply_batch(r, &batch, jobs, rejections, e);
    json_decref(jobs);
    json_decref(rejections);
    return code;
}

/* ---- table --------------------------------------------------------------------------------- */

// clang-format off
const struct http_route upload_routes[] = {
    {HTTP_POST, "/api/v1/stock/photo", "upload_photo", "photos", "Count one photo",
     .role = API_WORKER, .form = photo_form, .files = &photos_files,
     .answer = {{202, &PhotoUpload}}, .errors = "400 404 409 413", .handle = post_photo},
    {HTTP_POST, "/api/v1/photos/upload", "upload_photos", "photos", "Count up to 100 photos",
     .role = API_WORKER, .form = batch_form, .body_max = BATCH_BODY, .files = &photos_files,
     .answer = {{202, &BatchUpload}, {207, &BatchUpload}}, .errors = "400 413", .handle = post_batch,
     .about = "An Idempotency-Key (a UUID) makes the same upload again the same one."},
    {0},
};
// clang-format on

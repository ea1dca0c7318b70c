/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/uploads: photos that arrive in pieces (tus 1.0.0), whether one is stored already, and
 * photos whose bytes come to a signed address (api.md 13.1, product.md 2.3). All of them end as an
 * upload of one photo, as a form's do. */
#include "api/api_priv.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/photos.h"
#include "api/rows.h"
#include "base/alloc.h"
#include "http/problem.h"

#define ID .min = 1, .max = INT32_MAX
#define TYPES                                                                                      \
    "image/jpeg|image/jpg|image/png|image/webp|image/heic|image/heif|image/avif|image/tiff"

/* ---- shapes ------------------------------------------------------------------------------- */

/* What Upload-Metadata may say; other names are kept and not looked at. */
static const struct http_field metadata[] = {
    {"filename", HTTP_STR, HTTP_TRIM, .min = 0, .max = 255},
    {"storage_location_id", HTTP_INT, ID},
    {"qr_code", HTTP_STR, HTTP_TRIM, .min = 1, .max = 20},
    {"notes", HTTP_STR, .min = 0, .max = 500},
    {"source", HTTP_STR, .one_of = "web|mobile|api", .fallback = "\"mobile\""},
    {"force", HTTP_BOOL, .fallback = "false"},
    PHOTOS_SAID(0),
    {NULL},
};
static const struct http_field known_path[] = {
    {"sha256", HTTP_STR, HTTP_REQ, .pattern = "[0-9a-f]{64}"}, {NULL}};
static const struct http_field known_out[] = {
    {"sha256", HTTP_STR},
    {"image_id", HTTP_UUID},
    {"file_size_bytes", HTTP_INT},
    {"status", HTTP_STR},
    {"uploaded_at", HTTP_INSTANT},
    {"session_id", HTTP_UUID, HTTP_NULL},
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"storage_location_code", HTTP_STR, HTTP_NULL},
    {"warning", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema KnownPhoto = {"KnownPhoto", known_out};
static const struct http_field announce_in[] = {
    {"filename", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 255},
    {"content_type", HTTP_STR, HTTP_REQ, .min = 1, .max = 100, .example = "\"image/jpeg\""},
    {"size_bytes", HTTP_INT, HTTP_REQ, .min = 1, .max = 1e12},
    {NULL},
};
static const struct http_schema AnnounceIn = {"PresignedUploadIn", announce_in};
static const struct http_field announce_out[] = {
    {"image_id", HTTP_UUID},
    {"upload_url", HTTP_STR},
    {"method", HTTP_STR, .one_of = "PUT"},
    {"headers", HTTP_OBJ},
    {"expires_in", HTTP_INT},
    {"commit_url", HTTP_STR},
    {"max_size_bytes", HTTP_INT},
    {NULL},
};
static const struct http_schema AnnounceOut = {"PresignedUpload", announce_out};
static const struct http_field commit_in[] = {{"storage_location_id", HTTP_INT, HTTP_NULL, ID},
                                              {NULL}};
static const struct http_schema CommitIn = {"PresignedCommit", commit_in};

/* ---- in pieces ---------------------------------------------------------------------------- */

static struct tus_place *resumed(const struct http_request *r)
{
    return &api_of(r)->resumed;
}

static int64_t owner(const struct http_request *r)
{
    return api_ctx(r)->user_id;
}

/* The metadata by its table; the caller frees it. */
static int read_metadata(const struct tus_upload *u, json_t **ret, struct dm_err *e)
{
    json_t *pairs = json_array();
    json_t *issues = json_array();
    const char *name;
    json_t *value;
    json_object_foreach(u->metadata, name, value)
    {
        (void)json_array_append_new(pairs, json_pack("[s, O]", name, value));
    }
    int code = http_take_pairs(metadata, pairs, "metadata", issues, ret, e);
    if (code >= 0 && json_array_size(issues) > 0) {
        const json_t *first = json_array_get(issues, 0);
        code = dm_err_set(e, HTTP_E_INVALID, __FILE__, __LINE__, "Upload-Metadata: %s: %s",
                          json_string_value(json_array_get(json_object_get(first, "loc"), 1)),
                          http_str(first, "msg"));
        json_decref(*ret);
    }
    json_decref(pairs);
    json_decref(issues);
    return code;
}

static int check_size(const struct http_request *r, int64_t bytes, struct dm_err *e)
{
    const struct photo_place *p;
    const int64_t most = (int64_t)api_ctx(r)->settings->upload_file_mib << 20;
    if (bytes < 1) {
        DM_FAIL(e, API_ERULE, "the photo has no bytes");
    }
    if (bytes > most) {
        DM_REFUSE(e, INV_FILE_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", most)),
                  "the photo has more than %lld MB", (long long)(most / 1000000));
    }
    DM_TRY(photos_place(r, &p, e));
    return photo_room(p, bytes, e);
}

/* What need not be sent is refused before its first byte. */
static int begin(struct http_request *r, const struct tus_upload *u, struct dm_err *e)
{
    json_t *said = NULL;
    DM_TRY(check_size(r, u->length, e));
    DM_TRY(read_metadata(u, &said, e));
    const char *sha256 = http_str(said, "sha256");
    const int code =
        sha256 && !http_bool(said, "force", false) ? photo_is_new(api_ctx(r), sha256, e) : DM_OK;
    json_decref(said);
    return code;
}

/* The bytes of an upload become a photo; *ret is what a form would have answered. uuid: the same
 * again is the same photo. */
static int take_in(struct http_request *r, const struct tus_upload *u, const char *uuid,
                   const struct photo_new *what, const char *notes, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(photo_file_freep) struct photo_file *file = NULL;
    const int code =
        photo_file_of(u->fd, (int64_t)api_ctx(r)->settings->upload_file_mib << 20, &file, e);
    return code < 0 ? code : photos_take(r, uuid, file, what, notes, ret, e);
}

static const char *stored_sha256(const json_t *upload)
{
    return http_str(json_array_get(json_object_get(upload, "jobs"), 0), "sha256");
}

/* Asked again after a crash the upload's number makes the photo the same one. */
static int done(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    json_t *said = NULL;
    DM_TRY(read_metadata(u, &said, e));
    struct photo_new what = {.filename = http_str(said, "filename"),
                             .source = photos_source(http_str(said, "source"))};
    photos_said(said, 0, &what);
    const char *client = http_str(said, "client_uuid");
    const int code =
        take_in(r, u, client ? client : u->id, &what, http_str(said, "notes"), &u->result, e);
    json_decref(said);
    DM_TRY(code);
    return http_reply_header(r, "X-Content-SHA256", stored_sha256(u->result), e);
}

static const struct tus_hooks hooks = {
    .place = resumed, .owner = owner, .begin = begin, .done = done};

static int get_known(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_known, "sha256", e);
}

/* ---- to a signed address ------------------------------------------------------------------ */

static struct tus_place *announced(const struct http_request *r)
{
    return &api_of(r)->announced;
}

static const char *put_key(const struct http_request *r, const char *id)
{
    const char *key = dm_arena_printf(r->arena, "uploads/%s", id);
    return key ? key : "";
}

static int permit(struct http_request *r, const struct tus_upload *u, struct dm_err *e)
{
    const char *end = http_query_raw(r, "exp");
    const char *mac = http_query_raw(r, "sig");
    const struct photos_address x = {"PUT", put_key(r, u->id), end ? strtoll(end, NULL, 10) : 0};
    return photos_check_sign(r, &x, mac ? mac : "", e);
}

static const struct tus_hooks put_hooks = {.place = announced, .owner = owner, .permit = permit};

static int check_type(const char *type, struct dm_err *e)
{
    const size_t n = strlen(type);
    for (const char *at = TYPES; *at; at += strcspn(at, "|"), at += *at == '|') {
        if (strcspn(at, "|") == n && !strncmp(at, type, n)) {
            return DM_OK;
        }
    }
    DM_REFUSE(e, API_EFILE_TYPE, DM_FIELDS(DM_S("content_type", type), DM_S("allowed", TYPES)),
              "%s is not supported", type);
}

/* The name travels with the upload as tus metadata do. */
static int announce(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    const char *name = http_str(r->body, "filename");
    const size_t room = sodium_base64_ENCODED_LEN(strlen(name), sodium_base64_VARIANT_ORIGINAL);
    char *text = dm_arena_alloc(r->arena, room);
    if (text) {
        (void)sodium_bin2base64(text, room, (const unsigned char *)name, strlen(name),
                                sodium_base64_VARIANT_ORIGINAL);
        u->sent = dm_alloc(room + 16);
    }
    if (!text || !u->sent) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    (void)snprintf(u->sent, room + 16, "filename %s", text);
    u->owner = owner(r);
    u->length = http_int(r->body, "size_bytes", 0);
    return tus_store_new(announced(r), u, e);
}

static int post_announce(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(tus_upload_clear) struct tus_upload u = {.fd = -1};
    const struct photo_place *p;
    const char *url;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(check_type(http_str(r->body, "content_type"), e));
    DM_TRY(check_size(r, http_int(r->body, "size_bytes", 0), e));
    DM_TRY(announce(r, &u, e));
    const struct photos_address x = {"PUT", put_key(r, u.id),
                                     api_ctx(r)->now_ms / 1000 + API_PUT_S};
    DM_TRY(photos_sign(r, &x, &url, e));
    const char *commit = dm_arena_printf(r->arena, "/api/v1/images/%s/commit", u.id);
    return http_reply_json(r, 200,
                           json_pack("{s:s, s:s, s:s, s:{s:s}, s:i, s:s, s:I}", "image_id", u.id,
                                     "upload_url", url, "method", "PUT", "headers", "Content-Type",
                                     http_str(r->body, "content_type"), "expires_in", API_PUT_S,
                                     "commit_url", commit ? commit : "", "max_size_bytes",
                                     (json_int_t)u.length),
                           e);
}

static int commit(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    const struct photo_new what = {.filename = http_str(u->metadata, "filename"),
                                   .image_uuid = u->id,
                                   .source = PHOTO_API,
                                   .location_id = http_int(r->body, "storage_location_id", 0),
                                   .needs_gps = true};
    if (u->offset != u->length) {
        DM_FAIL(e, INV_NOT_FOUND, "the photo was not uploaded yet");
    }
    DM_TRY(take_in(r, u, u->id, &what, NULL, &u->result, e));
    return tus_store_finish(announced(r), u, e);
}

static int post_commit(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(tus_upload_clear) struct tus_upload u = {.fd = -1};
    DM_TRY(tus_store_open(announced(r), http_str(r->path, "image_id"), owner(r), true, &u, e));
    if (!u.done) {
        DM_TRY(commit(r, &u, e));
    }
    return photos_reply_upload(r, json_incref(u.result), e);
}

/* ---- table --------------------------------------------------------------------------------- */

// clang-format off
const struct http_route resume_routes[] = {
    TUS_ROUTES("/api/v1/uploads", "photos", API_WORKER, &hooks, .errors = "400 409 412 413 422",
     .about = "tus 1.0.0 (creation, checksum, expiration, termination). Upload-Metadata may name filename, "
              "storage_location_id, qr_code, notes, source, force, sha256, captured_at, gps_lon, gps_lat, "
              "gps_error_m, client_uuid. The answer to the last byte has X-Content-SHA256 of what was stored; "
              "GET tells then in `result` what POST /stock/photo would have answered."),
    {HTTP_GET, "/api/v1/uploads/sha256/{sha256}", "upload_known", "photos", "Whether these bytes are stored",
     .role = API_WORKER, .flags = HTTP_NO_STORE, .params = known_path, .answer = {{200, &KnownPhoto}},
     .errors = "404", .handle = get_known},
    {HTTP_POST, "/api/v1/images/presigned-upload", "presign_upload", "photos", "An address to upload to",
     .role = API_WORKER, .flags = HTTP_NO_STORE, .body = &AnnounceIn, .answer = {{200, &AnnounceOut}},
     .errors = "400 413", .handle = post_announce},
    {HTTP_PUT, "/files/uploads/{upload_id}", "put_upload", "photos", "The bytes for such an address",
     .role = API_OPEN, .flags = HTTP_NO_STORE | HTTP_RAW_BODY | HTTP_OPEN_REPLY, .params = tus_params,
     .query = photos_signed_query, .body_max = INT64_MAX, .answer = {{204}}, .errors = "400 403 404 409 413 423",
     .handle = tus_put, .raw = tus_put_bytes, .own = &put_hooks},
    {HTTP_POST, "/api/v1/images/{image_id}/commit", "commit_upload", "photos", "Count what was uploaded there",
     .role = API_WORKER, .flags = HTTP_NO_STORE | HTTP_BODY_OPTIONAL, .params = photos_image_path, .body = &CommitIn,
     .answer = {{202, &PhotoUpload}}, .errors = "400 404 409", .handle = post_commit},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of photographs over HTTP (api.md 13): originals, thumbnails, annotated pictures, and signed
 * addresses that need no token. */
#include "api/photos.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/limits.h"

#define HOURS .min = 1, .max = 168, .fallback = "24"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field file_query[] = {
    {"variant", HTTP_STR, .one_of = "original|thumbnail|annotated", .fallback = "\"original\""},
    {"redirect", HTTP_BOOL, .fallback = "true"},
    {NULL},
};
static const struct http_field url_query[] = {
    {"variant", HTTP_STR, .one_of = "original|thumbnail|annotated", .fallback = "\"original\""},
    {"expiry_hours", HTTP_INT, HOURS},
    {NULL},
};
static const struct http_field small_query[] = {
    {"size", HTTP_INT, .min = PHOTO_SIDE_MIN, .max = PHOTO_SIDE_MAX, .fallback = "300"},
    {"format", HTTP_STR, .one_of = "jpeg", .fallback = "\"jpeg\""},
    {NULL},
};
static const struct http_field key_in[] = {
    {"s3_key", HTTP_STR, HTTP_REQ, .min = 1, .max = BLOB_KEY_MAX},
    {"expiry_hours", HTTP_INT, HOURS},
    {NULL},
};
static const struct http_schema KeyIn = {"PresignIn", key_in};
static const struct http_field key_out[] = {
    {"s3_key", HTTP_STR}, {"presigned_url", HTTP_STR}, {"expires_in_hours", HTTP_INT}, {NULL}};
static const struct http_schema KeyOut = {"PresignOut", key_out};
static const struct http_field own_path[] = {
    {"folder", HTTP_STR, HTTP_REQ, .min = 1, .max = 100, .pattern = "[A-Za-z0-9_-]+"},
    {"name", HTTP_STR, HTTP_REQ, .min = 1, .max = 100, .pattern = "[A-Za-z0-9_-][A-Za-z0-9_.-]*"},
    {NULL},
};

/* ---- pieces ------------------------------------------------------------------------------- */

static enum photo_variant variant_named(const char *name)
{
    return !strcmp(name, "thumbnail")   ? PHOTO_THUMBNAIL
           : !strcmp(name, "annotated") ? PHOTO_ANNOTATED
                                        : PHOTO_ORIGINAL;
}

/* The object of a variant; pictures that do not exist yet are made. */
static int object_of(struct http_request *r, struct photo_object *ret, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const char *image = http_str(r->path, "image_id");
    const enum photo_variant v = variant_named(http_str(r->query, "variant"));
    const struct photo_place *p;
    struct photo_ids ids;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(photo_image_ids(c, image, &ids, e));
    const int64_t session = v == PHOTO_ANNOTATED ? ids.session_id : 0;
    if (photo_object_of(c, ids.image_id, session, v, r->arena, ret, NULL) >= 0) {
        return DM_OK;
    }
    DM_CLEANUP(dm_buf_clear) struct dm_buf made = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    int code = DM_OK;
    if (v == PHOTO_ANNOTATED) {
        code = photo_annotated(c, p, ids.session_uuid, photos_lang(r), &made, e);
    } else if (v == PHOTO_THUMBNAIL) {
        code = photo_small(c, p, image, PHOTO_THUMBNAIL_PX, &made, e);
    }
    if (code == INV_INVALID_TRANSITION) { /* nothing to draw yet */
        DM_FAIL(e, INV_NOT_FOUND, "the photo is not counted yet");
    }
    DM_TRY(code);
    return photo_object_of(c, ids.image_id, session, v, r->arena, ret, e);
}

static const char *object_text(const struct http_request *r, const struct photo_object *o)
{
    return dm_arena_printf(r->arena, "%s:%s", o->store, o->key);
}

/* Bytes as a file without a name, so that a part of them can be asked for. */
static int reply_bytes(struct http_request *r, const char *type, const struct dm_buf *b,
                       struct dm_err *e)
{
    const int fd = memfd_create("photo", MFD_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < b->len) {
        const ssize_t n = write(fd, b->data + done, b->len - done);
        if (n <= 0) {
            (void)close(fd);
            DM_FAIL(e, DM_ENOMEM, "no memory for the picture: %s", strerror(errno));
        }
        done += (size_t)n;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the picture: %s", strerror(errno));
    }
    DM_TRY(http_reply_header(r, "Cache-Control", "private, max-age=86400", e));
    return http_reply_file(r, 200, type, NULL, fd, e);
}

static int reply_object(struct http_request *r, const struct photo_object *o, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    const struct photo_place *p;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(photo_object_read(p, o, &bytes, e));
    return reply_bytes(r, o->content_type, &bytes, e);
}

/* ---- handlers ----------------------------------------------------------------------------- */

static int get_file(struct http_request *r, struct dm_err *e)
{
    struct photo_object o;
    const char *url;
    DM_TRY(object_of(r, &o, e));
    if (!http_bool(r->query, "redirect", true)) {
        return reply_object(r, &o, e);
    }
    DM_TRY(photos_url(r, object_text(r, &o), 3600, &url, e));
    return http_reply_redirect(r, 302, url, e);
}

static int get_url(struct http_request *r, struct dm_err *e)
{
    struct photo_object o;
    const char *url;
    const int64_t hours = http_int(r->query, "expiry_hours", 24);
    DM_TRY(object_of(r, &o, e));
    DM_TRY(photos_url(r, object_text(r, &o), hours * 3600, &url, e));
    return http_reply_json(
        r, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "image_id", http_str(r->path, "image_id"),
                  "variant", http_str(r->query, "variant"), "s3_key", o.key, "presigned_url", url,
                  "expires_in_hours", (json_int_t)hours, "expires_at",
                  api_instant(api_ctx(r)->now_ms + hours * 3600000)),
        e);
}

static int post_url(struct http_request *r, struct dm_err *e)
{
    struct photo_object o;
    const char *url;
    const int64_t hours = http_int(r->body, "expiry_hours", 24);
    const char *key = http_str(r->body, "s3_key");
    DM_TRY(photo_object_named(api_ctx(r)->store, key, r->arena, &o, e));
    DM_TRY(photos_url(r, object_text(r, &o), hours * 3600, &url, e));
    return http_reply_json(r, 200,
                           json_pack("{s:s, s:s, s:I}", "s3_key", key, "presigned_url", url,
                                     "expires_in_hours", (json_int_t)hours),
                           e);
}

static int get_small(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf jpeg = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    const struct photo_place *p;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(photo_small(api_ctx(r), p, http_str(r->path, "image_id"),
                       (int)http_int(r->query, "size", PHOTO_THUMBNAIL_PX), &jpeg, e));
    return reply_bytes(r, "image/jpeg", &jpeg, e);
}

static int get_image(struct http_request *r, struct dm_err *e)
{
    static const char *const urls[] = {"presigned_url", NULL};
    json_t *row = NULL;
    DM_TRY(list_one(api_ctx(r), &list_image, "image_id", store_u(http_str(r->path, "image_id")),
                    &row, e));
    const int code = photos_urls(r, row, urls, e);
    if (code < 0) {
        json_decref(row);
        return code;
    }
    return http_reply_json(r, 200, row, e);
}

/* Our own signed addresses. The key is looked up, never made into a path. */
static int get_own(struct http_request *r, struct dm_err *e)
{
    struct photo_object o;
    const char *key =
        dm_arena_printf(r->arena, "%s/%s", http_str(r->path, "folder"), http_str(r->path, "name"));
    if (!key) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a key");
    }
    const struct photos_address x = {"GET", key, http_int(r->query, "exp", 0)};
    DM_TRY(photos_check_sign(r, &x, http_str(r->query, "sig"), e));
    DM_TRY(photo_object_named(api_options(api_of(r))->store, key, r->arena, &o, e));
    return reply_object(r, &o, e);
}

// clang-format off
const struct http_route image_routes[] = {
    {HTTP_GET, "/api/v1/photos/{image_id}/file", "photo_file", "photos", "Bytes of a photo",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .params = photos_image_path, .query = file_query,
     .answer = {{200, NULL, .type = "image/jpeg"}, {206, NULL, .type = "image/jpeg"}, {302, NULL}},
     .errors = "404",
     .handle = get_file},
    {HTTP_GET, "/api/v1/photos/{image_id}/url", "photo_url", "photos", "A signed address",
     .role = API_VIEWER, .params = photos_image_path, .query = url_query,
     .answer = {{200, &PhotoUrl}}, .errors = "404", .handle = get_url},
    {HTTP_GET, "/api/v1/photos/{image_id}/thumbnail", "photo_thumbnail", "photos",
     "A small picture", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .params = photos_image_path,
     .query = small_query, .errors = "404",
     .answer = {{200, NULL, .type = "image/jpeg"}, {206, NULL, .type = "image/jpeg"}},
     .handle = get_small},
    {HTTP_POST, "/api/v1/images/presigned-url", "presign_url", "photos", "A signed address of a key",
     .role = API_VIEWER, .body = &KeyIn, .answer = {{200, &KeyOut}}, .errors = "404",
     .handle = post_url},
    {HTTP_GET, "/api/v1/images/{image_id}", "get_image", "photos", "A stored photo",
     .role = API_VIEWER, .params = photos_image_path, .answer = {{200, &ImageOne}}, .errors = "404",
     .handle = get_image},
    {HTTP_GET, "/files/{folder}/{name}", "get_stored_file", "photos", "A file by its signed address",
     .role = API_OPEN, .flags = HTTP_OPEN_REPLY, .params = own_path, .query = photos_signed_query,
     .answer = {{200, NULL, .type = "image/jpeg"}, {206, NULL, .type = "image/jpeg"}},
     .errors = "403 404", .handle = get_own},
    {0},
};
// clang-format on

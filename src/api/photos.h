/* SPDX-License-Identifier: Apache-2.0
 *
 * What the routes of photographs share: shapes, places, addresses of pictures. */
#ifndef API_PHOTOS_H
#define API_PHOTOS_H

#include "api/api.h"
#include "inventory/photo.h"

extern const struct http_schema PhotoUpload, PhotoUploadJob, JobItem, JobSummary, GalleryItem,
    PhotoDetail, Session, SessionOne, SessionProgress, SessionSummary, Detection, Estimation,
    SessionBin, Adjustment, Statistics, Reprocess, ImageOne, PhotoUrl;

extern const struct http_field photos_session_path[]; /* {session_id} */
extern const struct http_field photos_image_path[];   /* {image_id} */
extern const struct http_field photos_signed_query[]; /* of an address of ours: exp, sig */

/* Where photos lie. DM_EAGAIN (503) when this server keeps none. */
DM_MUST_CHECK int photos_place(const struct http_request *r, const struct photo_place **ret,
                               struct dm_err *e);

/* Where a client looks how an upload stands, up to its uuid. */
#define PHOTOS_POLL   "/api/v1/photos/jobs/status?upload_session_id="
#define PHOTOS_STREAM "/api/v1/photos/jobs/stream?upload_session_id="

/* Files of a form as struct photo_file in f->own. */
extern const struct http_file_ops photos_files;

/* Workers here and elsewhere hear of n photos to count. */
void photos_tell_workers(struct http_request *r, size_t n);

/* What a sender may say about a photo, in a form or as metadata of a resumable upload. */
#define PHOTOS_SAID(lists)                                                                         \
    {"sha256", HTTP_STR, (lists), .pattern = "[0-9a-f]{64}", .about = "of the bytes, as sent"},    \
        {"captured_at", HTTP_INSTANT, (lists), .about = "for pictures that do not say it"},        \
        {"gps_lon", HTTP_NUM, (lists), .min = -180, .max = 180, .about = "likewise"},              \
        {"gps_lat", HTTP_NUM, (lists), .min = -90, .max = 90},                                     \
        {"gps_error_m", HTTP_NUM, (lists), .min = 0, .max = 1e6},                                  \
        {"client_uuid", HTTP_UUID, .about = "the same number again is the same upload"},           \
    {                                                                                              \
        "pending", HTTP_INT, .min = 0, .max = 1e6, .about = "photos that are still on the phone"   \
    }
/* Those members of the i-th photo into *ret; a list of one is for all. */
void photos_said(const json_t *said, size_t i, struct photo_new *ret);

/* PhotoUploadJob of a photo that was taken in. New reference; NULL when out of memory. */
json_t *photos_job(const struct photo_accepted *a, const char *filename, int64_t at_ms);

/* Time that so many photos will take, as "estimated_time_seconds". */
DM_MUST_CHECK int photos_expected_s(const struct http_request *r, size_t photos, json_t **ret,
                                    struct dm_err *e);

/* Take one complete photo in as an upload of its own, and answer as R5 does: *ret is a new
 * PhotoUpload. uuid: of the upload, the same again is the same one; NULL: a new one. Codes of
 * photo_accept; API_EFILE_TYPE for bytes that are no picture, API_ENO_GPS. */
DM_MUST_CHECK int photos_take(struct http_request *r, const char *uuid, struct photo_file *f,
                              const struct photo_new *what, const char *notes, json_t **ret,
                              struct dm_err *e);

/* 202 with what photos_take gave, and where to look for it. out is taken. */
int photos_reply_upload(struct http_request *r, json_t *out, struct dm_err *e);

/* "web", "mobile", "api"; web for NULL. */
enum photo_source photos_source(const char *name);

/* "es" or "en", as the request asks. */
const char *photos_lang(const struct http_request *r);

/* An address where anybody may read an object ("dir:KEY", "s3:KEY") for so many seconds: of the
 * bucket, or our own /files. In the request's arena; NULL for a NULL object. */
DM_MUST_CHECK int photos_url(const struct http_request *r, const char *object, int64_t seconds,
                             const char **ret, struct dm_err *e);

/* An address below /files that needs no token until end_s (seconds since 1970). */
struct photos_address {
    const char *method, *key;
    int64_t end_s;
};
/* *ret in the request's arena. */
DM_MUST_CHECK int photos_sign(const struct http_request *r, const struct photos_address *x,
                              const char **ret, struct dm_err *e);
/* INV_FORBIDDEN: it was not signed here, or it has ended. */
DM_MUST_CHECK int photos_check_sign(const struct http_request *r, const struct photos_address *x,
                                    const char *mac, struct dm_err *e);

/* Objects that these members (NULL-ended; "a.b" inside an object) name become addresses. */
DM_MUST_CHECK int photos_urls(const struct http_request *r, json_t *row, const char *const *members,
                              struct dm_err *e);

/* Uuid and row id of the session in the path. INV_NOT_FOUND. */
DM_MUST_CHECK int photos_session(const struct http_request *r, const char **ret_uuid,
                                 int64_t *ret_id, struct dm_err *e);

/* What a closed period refuses is a conflict of a session (api.md R42, 18). */
int photos_conflict(int code, struct dm_err *e);

/* All rows of a list of the session whose uuid is the path's parameter of this name. */
DM_MUST_CHECK int photos_rows(const struct http_request *r, const struct list *l, const char *param,
                              json_t **ret, struct dm_err *e);
/* A handler: 200 with all rows of the list in `own`, 404 without the session. */
int photos_get_array(struct http_request *r, struct dm_err *e);

/* 200 with the session, or 201. */
int photos_reply_session(struct http_request *r, int status, const char *uuid, struct dm_err *e);

#endif

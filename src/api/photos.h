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

#define PHOTO_UUID_PATTERN "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

/* Where photos lie. DM_EAGAIN (503) when this server keeps none. */
DM_MUST_CHECK int photos_place(const struct http_request *r, const struct photo_place **ret,
                               struct dm_err *e);

/* "es" or "en", as the request asks. */
const char *photos_lang(const struct http_request *r);

/* An address where anybody may read an object ("dir:KEY", "s3:KEY") for so many seconds: of the
 * bucket, or our own /files. In the request's arena; NULL for a NULL object. */
DM_MUST_CHECK int photos_url(const struct http_request *r, const char *object, int64_t seconds,
                             const char **ret, struct dm_err *e);

/* Whether the signature of an address of ours holds, and has not ended. */
bool photos_url_fits(const struct http_request *r, const char *key, int64_t end_s, const char *mac);

/* Objects that these members (NULL-ended; "a.b" inside an object) name become addresses. */
DM_MUST_CHECK int photos_urls(const struct http_request *r, json_t *row, const char *const *members,
                              struct dm_err *e);

/* Uuid and row id of the session in the path. INV_NOT_FOUND. */
DM_MUST_CHECK int photos_session(const struct http_request *r, const char **ret_uuid,
                                 int64_t *ret_id, struct dm_err *e);

/* 200 with the session, or 201. */
int photos_reply_session(struct http_request *r, int status, const char *uuid, struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of photographs share. Private. */
#ifndef INVENTORY_PHOTO_PRIV_H
#define INVENTORY_PHOTO_PRIV_H

#include "inventory/photo.h"
#include "inventory/session_priv.h"
#include "queue/worker.h"

/* Put bytes where originals or pictures go; *ret_store is 's3' or 'dir'. */
DM_MUST_CHECK int photo_put(const struct photo_place *p, enum photo_variant v, const char *key,
                            const char *type, const void *bytes, size_t n, const char **ret_store,
                            struct dm_err *e);

/* Whether the buckets are away: their breaker is not closed. */
bool photo_place_away(const struct photo_place *p);

/* Row of an object just put; replaces the one of the same variant. */
DM_MUST_CHECK int photo_object_add(struct store_tx *tx, const struct photo_picture *x,
                                   const char *store, const char *sha256, int64_t now_ms,
                                   struct dm_err *e);

/* An object that lies in the folder and belongs into a bucket (photo_ship.c). */
struct photo_ship {
    int64_t image_id, session_id, user_id, now_ms;
    enum photo_variant variant;
};
bool photo_ship_needed(const struct photo_place *p, const char *store, enum photo_variant v);
/* The job that moves it, in the transaction of its row. */
DM_MUST_CHECK int photo_ship_plan(struct store_tx *tx, const struct photo_ship *s,
                                  struct dm_err *e);
/* That job. */
DM_MUST_CHECK int photo_ship_run(struct queue_run *r, const struct queue_job *j,
                                 const struct photo_place *p, struct dm_err *e);

/* "{session_uuid}/original.jpg" in ret. */
#define PHOTO_KEY_SIZE 64
void photo_key(char ret[static PHOTO_KEY_SIZE], const char *session_uuid, const char *name,
               const char *content_type);

/* A UUID made of a text: the same for the same text (version 8, RFC 9562). */
void photo_uuid_of(const char *text, char ret[static STORE_UUID_SIZE]);

/* Decoded original. INV_ORIGINAL_MISSING. */
DM_MUST_CHECK int photo_pixels_of(const struct inv_ctx *c, const struct photo_place *p,
                                  int64_t image_id, struct dm_arena *a,
                                  struct photo_object *ret_original, struct image *ret,
                                  struct dm_err *e);

/* Make the thumbnail from the pixels and keep it beside the session's objects. */
DM_MUST_CHECK int photo_thumbnail_of(const struct inv_ctx *c, const struct photo_place *p,
                                     int64_t image_id, const char *session_uuid,
                                     const struct image *im, struct dm_err *e);

/* What a run found, in the words of the books, in a. */
DM_MUST_CHECK int photo_results(const struct vision_result *v, const struct vision_params *p,
                                struct dm_arena *a, struct session_results *ret, struct dm_err *e);

#endif

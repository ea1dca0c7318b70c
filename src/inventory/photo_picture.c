/* SPDX-License-Identifier: Apache-2.0
 *
 * Small pictures of an original: the thumbnail that is kept, others on request. */
#include <string.h>

#include "base/limits.h"
#include "image/codec.h"
#include "inventory/photo_priv.h"

int photo_thumbnail_of(const struct inv_ctx *c, const struct photo_place *p, int64_t image_id,
                       const char *session_uuid, const struct image *im, struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image small = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf jpeg = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    char key[PHOTO_KEY_SIZE];
    DM_TRY(photo_shrink(im, PHOTO_THUMBNAIL_PX, &small, e));
    DM_TRY(image_encode_jpeg(&small, PHOTO_THUMBNAIL_QUALITY, &jpeg, e));
    photo_key(key, session_uuid, "thumbnail", "image/jpeg");
    const struct photo_picture picture = {.image_id = image_id,
                                          .variant = PHOTO_THUMBNAIL,
                                          .key = key,
                                          .content_type = "image/jpeg",
                                          .bytes = jpeg.data,
                                          .n = jpeg.len,
                                          .w = small.w,
                                          .h = small.h};
    return photo_object_write(c, p, &picture, e);
}

struct finding {
    int64_t image_id;
    struct dm_arena *a;
    struct photo_object o;
};

static int find_original(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct finding *f = ctx;
    const int found = photo_object_find(tx, f->image_id, 0, PHOTO_ORIGINAL, f->a, &f->o, e);
    if (!found) {
        DM_FAIL(e, INV_ORIGINAL_MISSING, "the original of the photo is gone");
    }
    return found;
}

int photo_pixels_of(const struct inv_ctx *c, const struct photo_place *p, int64_t image_id,
                    struct dm_arena *a, struct photo_object *ret_original, struct image *ret,
                    struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    struct finding f = {.image_id = image_id, .a = a};
    DM_TRY(store_run(c->store, STORE_READ, find_original, &f, e));
    DM_TRY(photo_object_read(p, &f.o, &bytes, e));
    DM_TRY(image_decode(bytes.data, bytes.len, NULL, ret, NULL, e));
    *ret_original = f.o;
    return DM_OK;
}

int photo_thumbnail(const struct inv_ctx *c, const struct photo_place *p, int64_t image_id,
                    struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(image_clear) struct image im = {0};
    struct photo_object original;
    char session[STORE_UUID_SIZE];
    DM_TRY(photo_pixels_of(c, p, image_id, &a, &original, &im, e));
    (void)snprintf(session, sizeof(session), "%.36s", original.key); /* the folder of its session */
    return photo_thumbnail_of(c, p, image_id, session, &im, e);
}

/* ---- on request ---- */

struct small {
    const char *uuid;
    int64_t image_id;
    struct dm_arena *a;
    struct photo_object o;
    int found;
};

static int find_small(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct small *s = ctx;
    s->found = photo_object_find(tx, s->image_id, 0, PHOTO_THUMBNAIL, s->a, &s->o, e);
    return s->found;
}

int photo_small(const struct inv_ctx *c, const struct photo_place *p, const char *image_uuid,
                int side, struct dm_buf *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(image_clear) struct image im = {0};
    DM_CLEANUP(image_clear) struct image made = {0};
    struct photo_object original;
    struct photo_ids ids;
    DM_TRY(photo_image_ids(c, image_uuid, &ids, e));
    struct small s = {.uuid = image_uuid, .image_id = ids.image_id, .a = &a};
    if (side == PHOTO_THUMBNAIL_PX) {
        DM_TRY(store_run(c->store, STORE_READ, find_small, &s, e));
        if (s.found && photo_object_read(p, &s.o, ret, NULL) >= 0) {
            return DM_OK;
        }
        dm_buf_clear(ret);
    }
    DM_TRY(photo_pixels_of(c, p, ids.image_id, &a, &original, &im, e));
    if (side == PHOTO_THUMBNAIL_PX && ids.session_uuid[0]) {
        DM_UNUSED const int kept =
            photo_thumbnail_of(c, p, ids.image_id, ids.session_uuid, &im, NULL);
    }
    DM_TRY(photo_shrink(&im, side, &made, e));
    return image_encode_jpeg(&made, PHOTO_THUMBNAIL_QUALITY, ret, e);
}

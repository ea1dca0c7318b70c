/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that are not counted: samples of products (api.md 12). One whose bytes are a photo
 * already is that photo; any other is an image without a session, which does not keep the same
 * bytes from being counted later, and which the gallery does not show. */
#include <string.h>

#include "base/text.h"
#include "image/codec.h"
#include "inventory/photo_priv.h"

enum { TWIN, IMAGE, ORPHAN };
static const struct store_query queries[] = {
    [TWIN] = {"picture.twin",
              "SELECT id FROM images WHERE sha256 = ?1 AND deleted_at IS NULL"
              " AND NOT duplicate_forced",
              "t", "i"},
    [IMAGE] = {"picture.image",
               "INSERT INTO images (uuid, original_filename, content_type, file_size_bytes,"
               " width_px, height_px, sha256, duplicate_forced, captured_at, captured_at_source,"
               " upload_source, uploaded_by_user_id, status, status_changed_at, created_at,"
               " updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, TRUE, ?8, 'upload', 'web', ?9,"
               " 'ready', ?8, ?8, ?8) RETURNING id",
               "uttiiitTi", "i"},
    /* nobody else shows it: its files go with photo_sweep */
    [ORPHAN] = {"picture.orphan",
                "UPDATE images SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM product_sample_images x WHERE x.image_id = ?1)"
                " AND NOT EXISTS (SELECT 1 FROM photo_processing_sessions s"
                " WHERE s.image_id = ?1)",
                "iT", ""},
};
STORE_QUERIES(photo_sample_queries, queries);

struct adding {
    const struct inv_ctx *c;
    const char *sha256, *type, *store, *filename;
    char image_uuid[STORE_UUID_SIZE], folder[STORE_UUID_SIZE], key[PHOTO_KEY_SIZE];
    size_t bytes;
    struct image_info info;
    int64_t image_id;
};

/* Which image has these bytes; 0: none. */
static int look(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct adding *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const int twin = store_maybe(tx, &queries[TWIN], STORE_ARGS(store_t(x->sha256)), &a, &v, e);
    DM_TRY(twin);
    x->image_id = twin ? v[0].i : 0;
    return DM_OK;
}

static int add(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct adding *x = ctx;
    DM_TRY(store_int(tx, &queries[IMAGE],
                     STORE_ARGS(store_u(x->image_uuid),
                                x->filename ? store_t(x->filename) : store_null(), store_t(x->type),
                                store_i((int64_t)x->bytes), store_i(x->info.w), store_i(x->info.h),
                                store_t(x->sha256), store_at(x->c->now_ms), store_i(x->c->user_id)),
                     &x->image_id, e));
    const struct photo_picture original = {.image_id = x->image_id,
                                           .variant = PHOTO_ORIGINAL,
                                           .key = x->key,
                                           .content_type = x->type,
                                           .n = x->bytes,
                                           .w = x->info.w,
                                           .h = x->info.h};
    return photo_object_add(tx, &original, x->store, x->sha256, x->c->now_ms, e);
}

static int put_original(struct adding *x, const struct photo_place *p, const void *bytes,
                        struct dm_err *e)
{
    struct dm_err why = {0};
    const int code = image_probe(bytes, x->bytes, NULL, &x->info, &why);
    if (code < 0) {
        DM_FAIL(e, code == DM_EUNSUPPORTED ? INV_UNSUPPORTED_MEDIA : code, "%s", dm_err_text(&why));
    }
    x->type = image_format_mime(x->info.format);
    store_uuid_new(x->image_uuid);
    store_uuid_new(x->folder);
    photo_key(x->key, x->folder, "original", x->type);
    return photo_put(p, PHOTO_ORIGINAL, x->key, x->type, bytes, x->bytes, &x->store, e);
}

/* A failed one never fails the upload (api.md 13.2): it is made when it is asked for. */
static void add_thumbnail(const struct adding *x, const struct photo_place *p)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(image_clear) struct image im = {0};
    struct photo_object original;
    if (photo_pixels_of(x->c, p, x->image_id, &a, &original, &im, NULL) >= 0) {
        DM_UNUSED const int made = photo_thumbnail_of(x->c, p, x->image_id, x->folder, &im, NULL);
    }
}

int photo_picture_take(const struct inv_ctx *c, const struct photo_place *p, struct photo_file *f,
                       const char *filename, int64_t *ret_image, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_TRY(inv_permit(c, INV_DO_SAMPLE_IMAGES, e));
    DM_TRY(photo_file_end(f, e));
    struct adding x = {.c = c, .sha256 = photo_file_sha256(f)};
    x.filename = filename ? dm_text_clean(dm_path_base(filename), DM_TEXT_TERMINAL, &a) : NULL;
    DM_TRY(store_run(c->store, STORE_READ, look, &x, e));
    const void *bytes = photo_file_bytes(f, &x.bytes);
    if (!x.image_id) {
        DM_TRY(put_original(&x, p, bytes, e));
        DM_TRY(store_run(c->store, STORE_WRITE, add, &x, e));
        add_thumbnail(&x, p);
    }
    *ret_image = x.image_id;
    return DM_OK;
}

struct dropping {
    const struct inv_ctx *c;
    int64_t image_id;
};

static int drop(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct dropping *x = ctx;
    return store_exec(tx, &queries[ORPHAN],
                      STORE_ARGS(store_i(x->image_id), store_at(x->c->now_ms)), NULL, e);
}

int photo_picture_drop(const struct inv_ctx *c, int64_t image_id, struct dm_err *e)
{
    struct dropping x = {c, image_id};
    DM_TRY(inv_permit(c, INV_DO_SAMPLE_IMAGES, e));
    return store_run(c->store, STORE_WRITE, drop, &x, e);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of photographs and their rows. The row says where the object lies, so that a bucket can
 * be unreachable for a while and photos stay in the local folder until it answers. */
#include "base/limits.h"
#include "base/point.h"
#include "blob/breaker.h"
#include "inventory/photo_priv.h"

#include <stdio.h>
#include <string.h>

enum { FIND, REMOVE, ADD, USED, NAMED };
static const struct store_query queries[] = {
    [FIND] = {"photo.object_find",
              "SELECT id, store, storage_key, content_type, size_bytes, sha256, width_px, height_px"
              " FROM image_blobs WHERE image_id = ?1 AND coalesce(session_id, 0) = ?2"
              " AND variant = ?3",
              "iit", "itttitii"},
    [REMOVE] = {"photo.object_remove",
                "DELETE FROM image_blobs WHERE image_id = ?1 AND coalesce(session_id, 0) = ?2"
                " AND variant = ?3",
                "iit", ""},
    [ADD] = {"photo.object_add",
             "INSERT INTO image_blobs (image_id, session_id, variant, store, storage_key,"
             " content_type, size_bytes, sha256, width_px, height_px, created_at, updated_at)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
             "iittttitiiT", ""},
    [USED] = {"photo.local_used",
              "SELECT count(*) FROM (SELECT 1 FROM image_blobs WHERE store = 'dir' LIMIT 1) t", "",
              "i"},
    [NAMED] = {"photo.object_named",
               "SELECT b.id, b.image_id, b.variant, b.store, b.storage_key, b.content_type,"
               " b.size_bytes, b.sha256, b.width_px, b.height_px FROM image_blobs b"
               " JOIN images i ON i.id = b.image_id WHERE b.storage_key = ?1"
               " AND i.deleted_at IS NULL ORDER BY b.id LIMIT 1",
               "t", "iittttitii"},
};
STORE_QUERIES(photo_object_queries, queries);

const char *const photo_variant_names[] = {"original", "thumbnail", "annotated", NULL};

const char *photo_ending(const char *content_type)
{
    static const char *const endings[][2] = {{"image/jpeg", "jpg"},  {"image/png", "png"},
                                             {"image/webp", "webp"}, {"image/heic", "heic"},
                                             {"image/avif", "avif"}, {"image/tiff", "tif"}};
    for (size_t i = 0; i < DM_COUNT(endings); i++) {
        if (!strcmp(endings[i][0], content_type)) {
            return endings[i][1];
        }
    }
    return "bin";
}

void photo_key(char ret[static PHOTO_KEY_SIZE], const char *session_uuid, const char *name,
               const char *content_type)
{
    (void)snprintf(ret, PHOTO_KEY_SIZE, "%s/%s.%s", session_uuid, name, photo_ending(content_type));
}

bool photo_place_away(const struct photo_place *p)
{
    return p->originals && blob_breaker_state(p->originals) != BLOB_CIRCUIT_CLOSED;
}

struct blob *photo_blob(const struct photo_place *p, const char *store, enum photo_variant v)
{
    if (!strcmp(store, "s3")) {
        return v == PHOTO_ORIGINAL ? p->originals : p->pictures;
    }
    return !strcmp(store, "dir") ? p->local : NULL;
}

int photo_put(const struct photo_place *p, enum photo_variant v, const char *key, const char *type,
              const void *bytes, size_t n, const char **ret_store, struct dm_err *e)
{
    struct blob *bucket = photo_blob(p, "s3", v);
    struct dm_err why = {0};
    const int code = bucket ? blob_put(bucket, key, type, bytes, n, NULL, &why) : DM_EAGAIN;
    if (code >= 0) {
        *ret_store = "s3";
        return DM_OK;
    }
    if (code != DM_EIO && code != DM_EAGAIN) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    *ret_store = "dir";
    return blob_put(p->local, key, type, bytes, n, NULL, e);
}

static int local_used(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    int64_t n = 0;
    DM_TRY(store_int(tx, &queries[USED], STORE_NO_ARGS, &n, e));
    *(bool *)ctx = n > 0;
    return DM_OK;
}

int photo_local_used(struct store *s, bool *ret, struct dm_err *e)
{
    return store_run(s, STORE_READ, local_used, ret, e);
}

int photo_object_find(struct store_tx *tx, int64_t image_id, int64_t session_id,
                      enum photo_variant v, struct dm_arena *a, struct photo_object *ret,
                      struct dm_err *e)
{
    const struct store_value *row;
    const int found = store_maybe(
        tx, &queries[FIND],
        STORE_ARGS(store_i(image_id), store_i(session_id), store_t(photo_variant_names[v])), a,
        &row, e);
    if (found > 0) {
        *ret = (struct photo_object){.row_id = row[0].i,
                                     .image_id = image_id,
                                     .variant = v,
                                     .store = row[1].t,
                                     .key = row[2].t,
                                     .content_type = row[3].t,
                                     .size_bytes = row[4].i,
                                     .sha256 = row[5].t,
                                     .w = (int)row[6].i,
                                     .h = (int)row[7].i};
    }
    return found;
}

int photo_object_read(const struct photo_place *p, const struct photo_object *o, struct dm_buf *ret,
                      struct dm_err *e)
{
    struct blob *b = photo_blob(p, o->store, o->variant);
    if (!b || !o->key) {
        DM_FAIL(e, INV_ORIGINAL_MISSING,
                "the %s of the photo lies in '%s', which is not configured here",
                photo_variant_names[o->variant], o->store);
    }
    const int code = blob_get_buf(b, o->key, (struct blob_range){0}, o->sha256, ret, e);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, INV_ORIGINAL_MISSING, "the %s of the photo is gone: %s",
                photo_variant_names[o->variant], o->key);
    }
    return code;
}

int photo_object_add(struct store_tx *tx, const struct photo_picture *x, const char *store,
                     const char *sha256, int64_t now_ms, struct dm_err *e)
{
    const char *variant = photo_variant_names[x->variant];
    DM_TRY(store_exec(tx, &queries[REMOVE],
                      STORE_ARGS(store_i(x->image_id), store_i(x->session_id), store_t(variant)),
                      NULL, e));
    return store_exec(tx, &queries[ADD],
                      STORE_ARGS(store_i(x->image_id), store_ref(x->session_id), store_t(variant),
                                 store_t(store), store_t(x->key), store_t(x->content_type),
                                 store_i((int64_t)x->n), store_t(sha256), store_i(x->w),
                                 store_i(x->h), store_at(now_ms)),
                      NULL, e);
}

struct writing {
    const struct inv_ctx *c;
    const struct photo_place *p;
    const struct photo_picture *x;
    const char *store;
    char sha256[DM_SHA256_HEX_SIZE];
};

static int add_row(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct writing *w = ctx;
    const struct photo_ship ship = {w->x->image_id, w->x->session_id, w->c->user_id, w->c->now_ms,
                                    w->x->variant};
    DM_TRY(photo_object_add(tx, w->x, w->store, w->sha256, w->c->now_ms, e));
    return photo_ship_needed(w->p, w->store, w->x->variant) ? photo_ship_plan(tx, &ship, e) : DM_OK;
}

int photo_object_write(const struct inv_ctx *c, const struct photo_place *p,
                       const struct photo_picture *x, struct dm_err *e)
{
    struct writing w = {.c = c, .p = p, .x = x};
    dm_sha256_hex(x->bytes, x->n, w.sha256);
    DM_TRY(photo_put(p, x->variant, x->key, x->content_type, x->bytes, x->n, &w.store, e));
    dm_point("photo.picture_put");
    return store_run(c->store, STORE_WRITE, add_row, &w, e);
}

/* ---- looked up ---- */

struct looking {
    int64_t image_id, session_id;
    enum photo_variant variant;
    const char *key;
    struct dm_arena *a;
    struct photo_object o;
};

static int look_up(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct looking *l = ctx;
    const int found = photo_object_find(tx, l->image_id, l->session_id, l->variant, l->a, &l->o, e);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "the photo has no %s", photo_variant_names[l->variant]);
    }
    return found;
}

int photo_object_of(const struct inv_ctx *c, int64_t image_id, int64_t session_id,
                    enum photo_variant v, struct dm_arena *a, struct photo_object *ret,
                    struct dm_err *e)
{
    struct looking l = {image_id, session_id, v, NULL, a, {0}};
    DM_TRY(store_run(c->store, STORE_READ, look_up, &l, e));
    *ret = l.o;
    return DM_OK;
}

static int look_up_key(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct looking *l = ctx;
    const struct store_value *v;
    const int found = store_maybe(tx, &queries[NAMED], STORE_ARGS(store_t(l->key)), l->a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no such file");
    }
    l->o = (struct photo_object){.row_id = v[0].i,
                                 .image_id = v[1].i,
                                 .variant = !strcmp(v[2].t, "original")    ? PHOTO_ORIGINAL
                                            : !strcmp(v[2].t, "thumbnail") ? PHOTO_THUMBNAIL
                                                                           : PHOTO_ANNOTATED,
                                 .store = v[3].t,
                                 .key = v[4].t,
                                 .content_type = v[5].t,
                                 .size_bytes = v[6].i,
                                 .sha256 = v[7].t,
                                 .w = (int)v[8].i,
                                 .h = (int)v[9].i};
    return DM_OK;
}

int photo_object_named(struct store *s, const char *key, struct dm_arena *a,
                       struct photo_object *ret, struct dm_err *e)
{
    struct looking l = {.key = key, .a = a};
    DM_TRY(store_run(s, STORE_READ, look_up_key, &l, e));
    *ret = l.o;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping order: what crashes left over, what the settings no longer keep, what waits for a bucket.
 * A row goes before its object: a crash between them leaves an object without a row, and those are
 * looked for here, a part of all keys at a time. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "inventory/photo_priv.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define GRACE_MS  DAY_MS /* of what may still be under way */
#define AT_ONCE   200
#define PARTS     256 /* of all keys: sessions are named by random UUIDs, two digits are a part */

enum { KNOWN, LOCAL, MOVED, DELETED, PICTURES, ORIGINALS, REMOVE, JOBS, EXPORTS, EXPORT_REMOVE };
#define OBJECT "SELECT b.id, b.variant, b.store, b.storage_key FROM image_blobs b"
static const struct store_query queries[] = {
    [KNOWN] = {"photo.known",
               "SELECT (SELECT count(*) FROM image_blobs WHERE storage_key = ?1 AND store = ?2)"
               " + (SELECT count(*) FROM export_files WHERE storage_key = ?1 AND store = ?2)",
               "tt", "i"},
    [LOCAL] = {"photo.local",
               "SELECT b.id, b.variant, b.store, b.storage_key, b.content_type, b.sha256"
               " FROM image_blobs b WHERE b.store = 'dir' ORDER BY b.id LIMIT ?1",
               "i", "ittttt"},
    [MOVED] = {"photo.moved",
               "UPDATE image_blobs SET store = 's3', updated_at = ?3 WHERE id = ?1"
               " AND store = 'dir' AND storage_key = ?2",
               "itT", ""},
    [DELETED] = {"photo.purge_deleted",
                 OBJECT " JOIN images i ON i.id = b.image_id WHERE i.deleted_at < ?1"
                        " AND b.store <> 'db' AND NOT EXISTS (SELECT 1 FROM"
                        " photo_processing_sessions s WHERE s.image_id = i.id"
                        " AND s.posting_status = 'posted') ORDER BY b.id LIMIT ?2",
                 "Ti", "ittt"},
    [PICTURES] = {"photo.purge_pictures",
                  OBJECT " WHERE b.variant <> 'original' AND b.created_at < ?1"
                         " AND b.store <> 'db' ORDER BY b.id LIMIT ?2",
                  "Ti", "ittt"},
    [ORIGINALS] = {"photo.purge_originals",
                   OBJECT " WHERE b.variant = 'original' AND b.created_at < ?1"
                          " AND b.store <> 'db' AND NOT EXISTS (SELECT 1 FROM stock_periods p"
                          " JOIN photo_processing_sessions s ON s.id = p.opening_session_id"
                          " OR s.id = p.closing_session_id WHERE s.image_id = b.image_id)"
                          " AND NOT EXISTS (SELECT 1 FROM product_sample_images x"
                          " WHERE x.image_id = b.image_id)"
                          " ORDER BY b.id LIMIT ?2",
                   "Ti", "ittt"},
    [REMOVE] = {"photo.purge_row", "DELETE FROM image_blobs WHERE id = ?1", "i", ""},
    [JOBS] = {"photo.purge_jobs",
              "DELETE FROM jobs WHERE id IN (SELECT j.id FROM jobs j WHERE j.status IN"
              " ('completed', 'completed_with_warning', 'failed', 'cancelled')"
              " AND j.finished_at < ?1 AND NOT EXISTS (SELECT 1 FROM export_files x"
              " WHERE x.job_id = j.id) AND j.id NOT IN (SELECT k.parent_id FROM jobs k"
              " WHERE k.parent_id IS NOT NULL) ORDER BY j.id LIMIT ?2)",
              "Ti", ""},
    [EXPORTS] = {"photo.purge_exports",
                 "SELECT x.id, x.report, x.store, x.storage_key FROM export_files x"
                 " WHERE x.expires_at < ?1 AND x.store <> 'db' ORDER BY x.id LIMIT ?2",
                 "Ti", "ittt"},
    [EXPORT_REMOVE] = {"photo.purge_export", "DELETE FROM export_files WHERE id = ?1", "i", ""},
};
STORE_QUERIES(photo_sweep_queries, queries);

struct sweep {
    const struct inv_ctx *c;
    const struct photo_place *p;
    struct photo_swept n;
};

static enum photo_variant variant_of(const char *name)
{
    return !strcmp(name, "original")    ? PHOTO_ORIGINAL
           : !strcmp(name, "thumbnail") ? PHOTO_THUMBNAIL
                                        : PHOTO_ANNOTATED;
}

/* ---- one statement as a transaction ---- */

struct statement {
    const struct store_query *q;
    struct store_args args;
    struct dm_arena *a;
    struct store_table t;
    int64_t changed;
};

static int run_select(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct statement *s = ctx;
    return store_all(tx, s->q, s->args, s->a, &s->t, e);
}

static int run_write(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct statement *s = ctx;
    return store_exec(tx, s->q, s->args, &s->changed, e);
}

static int select_rows(const struct sweep *s, int query, struct store_args args, struct dm_arena *a,
                       struct store_table *ret, struct dm_err *e)
{
    struct statement x = {.q = &queries[query], .args = args, .a = a};
    DM_TRY(store_run(s->c->store, STORE_READ, run_select, &x, e));
    *ret = x.t;
    return DM_OK;
}

static int write_row(const struct sweep *s, int query, struct store_args args, int64_t *ret_changed,
                     struct dm_err *e)
{
    struct statement x = {.q = &queries[query], .args = args};
    DM_TRY(store_run(s->c->store, STORE_WRITE, run_write, &x, e));
    *ret_changed = x.changed;
    return DM_OK;
}

/* ---- uploads nobody finished ---- */

static void sweep_files(struct sweep *s)
{
    DIR *d = opendir(s->p->incoming);
    const struct dirent *f;
    while (d && s->n.files < AT_ONCE && (f = readdir(d))) {
        struct stat st;
        const char *dot = strrchr(f->d_name, '.');
        const bool ours = dot && !strcmp(dot, ".part");
        if (ours && !fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
            (int64_t)st.st_mtime * 1000 < s->c->now_ms - GRACE_MS &&
            !unlinkat(dirfd(d), f->d_name, 0)) {
            s->n.files++;
        }
    }
    if (d) {
        (void)closedir(d);
    }
}

/* ---- objects without a row ---- */

struct orphans {
    const struct sweep *s;
    const char *store;
    struct dm_arena a;
    const char *key[AT_ONCE];
    size_t n;
};

static int note_orphan(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct orphans *o = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table t;
    if (o->n == AT_ONCE || info->modified_ms >= o->s->c->now_ms - GRACE_MS) {
        return DM_OK;
    }
    DM_TRY(select_rows(o->s, KNOWN, STORE_ARGS(store_t(key), store_t(o->store)), &a, &t, e));
    if (t.n == 1 && store_row(&t, 0)[0].i == 0) {
        o->key[o->n] = dm_arena_strdup(&o->a, key);
        o->n += o->key[o->n] != NULL;
    }
    return DM_OK;
}

static int sweep_orphans(struct sweep *s, struct blob *b, const char *store, struct dm_err *e)
{
    char part[3];
    if (!b) {
        return DM_OK;
    }
    (void)snprintf(part, sizeof(part), "%02x", (unsigned)(s->c->now_ms / MINUTE_MS % PARTS));
    struct orphans o = {.s = s, .store = store};
    int code = blob_list(b, part, note_orphan, &o, e);
    for (size_t i = 0; code >= 0 && i < o.n; i++) {
        code = blob_delete(b, o.key[i], e);
        s->n.orphans += code >= 0;
    }
    dm_arena_clear(&o.a);
    return code;
}

/* ---- from the local folder to a bucket ---- */

static int move_one(struct sweep *s, const struct store_value *row, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    const char *key = row[3].t;
    int64_t changed;
    struct blob *bucket = photo_blob(s->p, "s3", variant_of(row[1].t));
    if (!bucket) {
        return DM_OK;
    }
    DM_TRY(blob_get_buf(s->p->local, key, (struct blob_range){0}, row[5].t, &bytes, e));
    DM_TRY(blob_put(bucket, key, row[4].t, bytes.data, bytes.len, NULL, e));
    DM_TRY(write_row(s, MOVED, STORE_ARGS(store_i(row[0].i), store_t(key), store_at(s->c->now_ms)),
                     &changed, e));
    s->n.moved += changed;
    return changed ? blob_delete(s->p->local, key, e) : DM_OK;
}

static int move_local(struct sweep *s, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table t;
    if (!s->p->originals || !s->p->pictures) {
        return DM_OK;
    }
    DM_TRY(select_rows(s, LOCAL, STORE_ARGS(store_i(AT_ONCE)), &a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const int code = move_one(s, store_row(&t, i), e);
        if (code == DM_EIO || code == DM_EAGAIN) { /* it does not answer yet */
            return DM_OK;
        }
        if (code != DM_ENOTFOUND) { /* of another machine's folder */
            DM_TRY(code);
        }
    }
    return DM_OK;
}

/* ---- what the settings no longer keep ---- */

static int purge(struct sweep *s, int query, int remove, int64_t before, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table t;
    DM_TRY(select_rows(s, query, STORE_ARGS(store_at(before), store_i(AT_ONCE)), &a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        int64_t changed;
        struct blob *b = photo_blob(s->p, row[2].t, variant_of(row[1].t));
        if (!b) {
            continue;
        }
        DM_TRY(write_row(s, remove, STORE_ARGS(store_i(row[0].i)), &changed, e));
        s->n.purged += changed;
        if (changed) {
            DM_TRY(blob_delete(b, row[3].t, e));
        }
    }
    return DM_OK;
}

static int purge_all(struct sweep *s, struct dm_err *e)
{
    const struct inv_settings set = s->c->settings ? *s->c->settings : inv_settings_default();
    const int64_t now = s->c->now_ms;
    int64_t changed;
    DM_TRY(purge(s, DELETED, REMOVE, now - set.retention_deleted_photos_days * DAY_MS, e));
    DM_TRY(purge(s, PICTURES, REMOVE, now - set.retention_pictures_days * DAY_MS, e));
    if (set.retention_originals_days > 0) {
        DM_TRY(purge(s, ORIGINALS, REMOVE, now - set.retention_originals_days * DAY_MS, e));
    }
    DM_TRY(purge(s, EXPORTS, EXPORT_REMOVE, now, e));
    DM_TRY(write_row(
        s, JOBS,
        STORE_ARGS(store_at(now - set.retention_jobs_days * DAY_MS), store_i((int64_t)5 * AT_ONCE)),
        &changed, e));
    s->n.rows += changed;
    DM_TRY(inv_repeat_purge(s->c, &changed, e));
    s->n.rows += changed;
    return DM_OK;
}

int photo_sweep(const struct inv_ctx *c, const struct photo_place *p, struct photo_swept *ret,
                struct dm_err *e)
{
    struct sweep s = {.c = c, .p = p};
    sweep_files(&s);
    DM_TRY(purge_all(&s, e));
    DM_TRY(move_local(&s, e));
    DM_TRY(sweep_orphans(&s, p->local, "dir", e));
    DM_TRY(sweep_orphans(&s, p->originals, "s3", e));
    DM_TRY(sweep_orphans(&s, p->pictures, "s3", e));
    *ret = s.n;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking a backup. The database comes first and says which photographs belong to it; photographs
 * never change under their key but for pictures that are drawn anew, and a removed one is removed
 * with its row. So one that is not there any more is looked up in the books of now: when they have
 * changed, too, the whole is begun again with a fresh snapshot, which is cheap because what was
 * stored stays stored. */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backup/backup_priv.h"
#include "base/point.h"
#include "store/copy.h"

enum { SNAPSHOTS = 3, LIST_BYTES = 512 << 20, MISSING_BYTES = 64 << 20 };

enum { OBJECTS, STILL };
static const struct store_query queries[] = {
    [OBJECTS] = {"backup.objects",
                 "SELECT b.id, b.store, b.storage_key, b.variant, b.size_bytes, b.sha256"
                 " FROM image_blobs b WHERE b.store <> 'db' ORDER BY b.sha256, b.id",
                 "", "itttit"},
    [STILL] = {"backup.object_still",
               "SELECT count(*) FROM image_blobs WHERE id = ?1 AND store = ?2 AND storage_key = ?3"
               " AND sha256 = ?4",
               "ittt", "i"},
};
STORE_QUERIES(backup_queries, queries);

struct making {
    const struct backup_site *s;
    const struct backup_source *from;
    struct dm_arena *a;
    struct backup_manifest m;
    struct backup_part part[64];
    struct backup_set there; /* in photos/ before this one */
    struct backup_set fresh; /* stored by this one */
    struct dm_buf list, missing;
    int64_t new_bytes;
    bool again; /* the books have changed under the photographs */
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a backup");
}

/* "20261124T020000Z-0ff1b2c3": the second, its milliseconds in three hex digits, five by chance.
 * Ids in order are backups in order: "the newest" is asked by id, and several may be made in a
 * second. */
static const char *new_id(struct dm_arena *a, int64_t now_ms)
{
    char time[STORE_TIME_SIZE];
    char room[BACKUP_ID_SIZE];
    size_t n = 0;
    (void)store_time_text(now_ms, time);
    for (const char *c = time; *c && *c != '.'; c++) {
        if (*c != '-' && *c != ':') {
            room[n++] = *c;
        }
    }
    (void)snprintf(room + n, sizeof(room) - n, "Z-%03x%05" PRIx32, (unsigned)(now_ms % 1000),
                   randombytes_uniform(1U << 20));
    return dm_arena_strdup(a, room);
}

/* ---- room ------------------------------------------------------------------------------------ */

/* The database lies in the scratch folder once more; what it grows to there is about what it has
 * here. Asked first: a full disk hurts whatever else is on it. */
static int check_room(const struct backup_site *s, struct store *from, struct dm_err *e)
{
    static const struct store_query sizes[] = {
        {"backup.size_sqlite",
         "SELECT p.page_count * s.page_size FROM pragma_page_count() p, pragma_page_size() s", "",
         "i", true},
        {"backup.size_postgresql", "SELECT pg_database_size(current_database())", "", "i", true},
    };
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct statvfs v;
    int64_t bytes = 0;
    DM_TRY(store_begin(from, STORE_READ, &tx, e));
    DM_TRY(
        store_int(tx, &sizes[strcmp(store_engine(from), "sqlite") != 0], STORE_NO_ARGS, &bytes, e));
    if (statvfs(s->scratch, &v) != 0) {
        DM_FAIL(e, DM_EIO, "%s cannot be looked at", s->scratch);
    }
    const int64_t room = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    if (room < bytes + bytes / 2 + LIMIT_BACKUP_ROOM_BYTES) {
        DM_FAIL(e, DM_EIO, "%s has %jd MB left, the database has %jd MB", s->scratch,
                (intmax_t)(room / 1000000), (intmax_t)(bytes / 1000000));
    }
    return DM_OK;
}

/* ---- photographs ----------------------------------------------------------------------------- */

static enum photo_variant variant_of(const char *name)
{
    int v = PHOTO_ORIGINAL;
    while (photo_variant_names[v + 1] && strcmp(photo_variant_names[v], name) != 0) {
        v++;
    }
    return (enum photo_variant)v;
}

static int on_copy(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    return blob_put_write(ctx, bytes, n, e);
}

/* From where it lies into photos/. DM_ENOTFOUND, DM_ECONFLICT: it is not there as the row says. */
static int copy_object(struct making *k, struct blob *place, const char *key, const char *sha256,
                       struct dm_err *e)
{
    char to[BACKUP_KEY_SIZE];
    DM_CLEANUP(blob_put_abortp) struct blob_put *put = NULL;
    DM_TRY(blob_put_begin(k->s->place, backup_object_key(to, sha256), "application/octet-stream",
                          &put, e));
    DM_TRY(blob_get(place, key, (struct blob_range){0}, sha256, on_copy, put, e));
    return blob_put_commit(&put, NULL, e);
}

/* row as OBJECTS: not there. Is that still what the books of now say? */
static int note_missing(struct making *k, const struct store_value *row, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    int64_t still = 0;
    DM_TRY(store_begin(k->from->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[STILL], STORE_ARGS(row[0], row[1], row[2], row[5]), &still, e));
    if (!still) {
        k->again = true;
        return DM_OK;
    }
    dm_buf_printf(&k->missing, "%s  %s:%s\n", row[5].t, row[1].t, row[2].t);
    k->m.missing++;
    return dm_buf_ok(&k->missing, e);
}

static int save_object(struct making *k, const struct store_value *row, struct dm_err *e)
{
    struct dm_err why = {0};
    const char *sha256 = row[5].t;
    struct blob *place = photo_blob(k->from->photos, row[1].t, variant_of(row[3].t));
    const struct backup_object *there = backup_set_find(&k->there, sha256);
    if (there && there->bytes == row[4].i) {
        return DM_OK;
    }
    if (!place) {
        DM_FAIL(e, DM_EUNSUPPORTED, "photos in '%s' cannot be reached: it is not configured",
                row[1].t);
    }
    const int code = copy_object(k, place, row[2].t, sha256, &why);
    if (code == DM_ENOTFOUND || code == DM_ECONFLICT) {
        return note_missing(k, row, e);
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    k->new_bytes += row[4].i;
    return backup_set_add(&k->fresh, sha256, row[4].i, e);
}

/* Lines of the list, in the order of the hashes; equal ones are one photograph. */
static int list_object(struct making *k, const struct store_value *row, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    dm_buf_printf(&k->list, "%s  %s\n", row[5].t, backup_object_key(key, row[5].t));
    k->m.photos++;
    k->m.photo_bytes += row[4].i;
    return dm_buf_ok(&k->list, e);
}

static int save_photos(struct making *k, struct store *copy, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    char last[DM_SHA256_HEX_SIZE] = "";
    int64_t done = 0;
    int more;
    DM_TRY(store_begin(copy, STORE_READ, &tx, e));
    DM_TRY(store_select(tx, &queries[OBJECTS], STORE_NO_ARGS, &rows, e));
    while ((more = store_next(rows, &row, e)) > 0) {
        const int64_t missing = k->m.missing;
        if (!strcmp(row[5].t, last)) {
            continue;
        }
        (void)snprintf(last, sizeof(last), "%s", row[5].t);
        DM_TRY(save_object(k, row, e));
        if (k->again) {
            return DM_OK;
        }
        DM_TRY(k->m.missing == missing ? list_object(k, row, e) : DM_OK);
        backup_progress(k->s, "photos", ++done, -1);
    }
    return more;
}

/* ---- the database ---------------------------------------------------------------------------- */

static int snapshot(struct making *k, const char *path, struct store **ret, struct dm_err *e)
{
    struct store_schema_state state;
    DM_CLEANUP(store_closep) struct store *copy = NULL;
    DM_TRY(backup_open_file(path, false, k->a, &copy, e));
    DM_TRY(store_copy_as_is(k->from->store, copy, NULL, NULL, e));
    DM_TRY(store_schema_state(copy, &state, e));
    DM_TRY(backup_tables(copy, state.applied, k->a, &k->m, e));
    *ret = DM_STEAL(copy);
    return DM_OK;
}

/* A snapshot and its photographs; *ret_again: begin anew. */
static int try_once(struct making *k, const char *path, struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *copy = NULL;
    backup_remove_database(path);
    k->m.photos = k->m.photo_bytes = k->m.missing = 0;
    k->again = false;
    dm_buf_clear(&k->list);
    dm_buf_clear(&k->missing);
    backup_progress(k->s, "database", 0, 1);
    DM_TRY(snapshot(k, path, &copy, e));
    backup_progress(k->s, "database", 1, 1);
    return save_photos(k, copy, e);
}

static int take(struct making *k, const char *path, struct dm_err *e)
{
    for (int i = 0; i < SNAPSHOTS; i++) {
        DM_TRY(try_once(k, path, e));
        if (!k->again) {
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EBUSY, "photographs keep changing while they are saved: try again");
}

/* ---- parts ----------------------------------------------------------------------------------- */

static int add_part(struct making *k, const char *name, const struct blob_info *info,
                    struct dm_err *e)
{
    const char *sha256 = dm_arena_strdup(k->a, info->sha256);
    if (!sha256) {
        return no_memory(e);
    }
    if (k->m.n_part == DM_COUNT(k->part)) {
        DM_FAIL(e, DM_ELIMIT, "more than %zu parts", DM_COUNT(k->part));
    }
    k->part[k->m.n_part++] = (struct backup_part){name, info->size_bytes, sha256};
    dm_point("backup.part_put");
    return DM_OK;
}

static int put_part(struct making *k, const char *name, const char *bytes, size_t n,
                    struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    struct blob_info info;
    DM_TRY(blob_put(k->s->place, backup_part_key(key, k->m.id, name), "text/plain", bytes, n, &info,
                    e));
    return add_part(k, name, &info, e);
}

static int put_parts(struct making *k, const char *path, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    char hex[DM_SHA256_HEX_SIZE];
    struct blob_info info;
    DM_TRY(backup_hash_file(path, &k->m.database_bytes, hex, e));
    k->m.database_sha256 = dm_arena_strdup(k->a, hex);
    if (!k->m.database_sha256) {
        return no_memory(e);
    }
    DM_TRY(backup_pack(k->s, path, backup_part_key(key, k->m.id, BACKUP_DATABASE), &info, e));
    DM_TRY(add_part(k, BACKUP_DATABASE, &info, e));
    DM_TRY(put_part(k, BACKUP_OBJECTS, dm_buf_str(&k->list), k->list.len, e));
    if (k->m.missing) {
        DM_TRY(put_part(k, BACKUP_MISSING, dm_buf_str(&k->missing), k->missing.len, e));
    }
    for (size_t i = 0; i < k->from->n_extra; i++) {
        const struct backup_extra *x = &k->from->extra[i];
        DM_TRY(put_part(k, x->name, x->bytes, x->n, e));
    }
    return DM_OK;
}

/* ---- reading back ---------------------------------------------------------------------------- */

static int same_back(const struct backup_site *s, const char *key, int64_t bytes,
                     const char *sha256, struct dm_err *e)
{
    char got[DM_SHA256_HEX_SIZE];
    int64_t n = 0;
    DM_TRY(backup_hash(s, key, &n, got, e));
    if (n != bytes || strcmp(got, sha256) != 0) {
        DM_FAIL(e, DM_EIO, "%s came back differently after it was written", key);
    }
    return DM_OK;
}

static int read_back(struct making *k, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    char hex[DM_SHA256_HEX_SIZE];
    for (size_t i = 0; i < k->m.n_part; i++) {
        const struct backup_part *p = &k->part[i];
        DM_TRY(same_back(k->s, backup_part_key(key, k->m.id, p->name), p->bytes, p->sha256, e));
    }
    for (size_t i = 0; i < k->fresh.n; i++) {
        const struct backup_object *o = &k->fresh.v[i];
        (void)sodium_bin2hex(hex, sizeof(hex), o->sha256, sizeof(o->sha256));
        DM_TRY(same_back(k->s, backup_object_key(key, hex), o->bytes, hex, e));
        backup_progress(k->s, "read back", (int64_t)i + 1, (int64_t)k->fresh.n);
    }
    return DM_OK;
}

static int make(struct making *k, const char *path, struct dm_err *e)
{
    DM_TRY(check_room(k->s, k->from->store, e));
    DM_TRY(backup_set_of_place(k->s, &k->there, NULL, NULL, NULL, e));
    DM_TRY(take(k, path, e));
    DM_TRY(put_parts(k, path, e));
    backup_remove_database(path);
    DM_TRY(read_back(k, e));
    struct backup_part *parts = dm_arena_calloc(k->a, k->m.n_part, sizeof(*parts));
    if (!parts) {
        return no_memory(e);
    }
    memcpy(parts, k->part, k->m.n_part * sizeof(*parts)); /* k is gone afterwards */
    k->m.part = parts;
    return backup_manifest_put(k->s, &k->m, e);
}

int backup_create(const struct backup_site *s, const struct backup_source *from, struct dm_arena *a,
                  struct backup_made *ret, struct dm_err *e)
{
    struct making k = {
        .s = s,
        .from = from,
        .a = a,
        .list = dm_buf_init(LIST_BYTES),
        .missing = dm_buf_init(MISSING_BYTES),
        .m = {.program = from->program,
              .revision = from->revision,
              .engine = store_engine(from->store),
              .created_ms = store_now()},
    };
    k.m.id = new_id(a, k.m.created_ms);
    DM_CLEANUP(backup_remove_databasep)
    const char *path = k.m.id ? dm_arena_printf(a, "%s/%s.db", s->scratch, k.m.id) : NULL;
    const int code = path ? make(&k, path, e) : no_memory(e);
    if (code >= 0) {
        *ret = (struct backup_made){
            .manifest = k.m, .new_photos = (int64_t)k.fresh.n, .new_bytes = k.new_bytes};
    }
    backup_set_clear(&k.there);
    backup_set_clear(&k.fresh);
    dm_buf_clear(&k.list);
    dm_buf_clear(&k.missing);
    return code;
}

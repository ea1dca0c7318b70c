/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing a backup back. Order: everything that can go wrong happens beside the old instance; the
 * step that replaces it is one rename or one transaction (store/swap.h). */
#include <string.h>

#include "backup/backup_priv.h"
#include "inventory/verify.h"
#include "store/copy.h"
#include "store/migrate.h"
#include "store/swap.h"

enum { AT_ONCE = 500 };

enum { NEXT, PLACE, DUTIES };
static const struct store_query queries[] = {
    [NEXT] = {"backup.restore_next",
              "SELECT id, store, storage_key, variant, content_type, size_bytes, sha256"
              " FROM image_blobs WHERE store <> 'db' AND id > ?1 ORDER BY id LIMIT ?2",
              "ii", "ittttit"},
    [PLACE] = {"backup.restore_place",
               "UPDATE image_blobs SET store = ?2, storage_key = ?3 WHERE id = ?1", "itt", ""},
    [DUTIES] = {"backup.restore_duties", "DELETE FROM queue_duties", "", ""},
};
STORE_QUERIES(backup_restore_queries, queries);

struct giving {
    const struct backup_site *s;
    const struct backup_target *to;
    struct dm_arena *a;
    struct backup_restored *ret;
    struct store *stage;
    int64_t photos_all;
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a restore");
}

/* ---- the database ---------------------------------------------------------------------------- */

struct differing {
    char first[80];
};

static void on_difference(void *ctx, const char *file, const char *what)
{
    struct differing *d = ctx;
    (void)what;
    if (!d->first[0]) {
        (void)snprintf(d->first, sizeof(d->first), "%s", file);
    }
}

/* The unpacked file is what the manifest says, then brought to today's schema; *ret_now: what it
 * says of itself after that. */
static int prepare(struct giving *g, const char *path, struct backup_manifest *ret_now,
                   struct dm_err *e)
{
    struct backup_manifest then = {0};
    struct differing d = {{0}};
    struct store_schema_state state;
    DM_CLEANUP(store_closep) struct store *file = NULL;
    DM_TRY(backup_open_file(path, true, g->a, &file, e));
    DM_TRY(store_schema_state(file, &state, e)); /* refuses a newer one */
    DM_TRY(backup_tables(file, state.applied, g->a, &then, e));
    if (state.applied != g->ret->manifest.schema ||
        backup_tables_differ(&g->ret->manifest, &then, NULL, on_difference, &d) > 0) {
        DM_FAIL(e, DM_ECONFLICT, "backup %s: its database is not as its manifest says (%s)",
                g->ret->manifest.id, d.first);
    }
    DM_TRY(store_migrate(file, NULL, e));
    return backup_tables(file, (int)store_migration_count, g->a, ret_now, e);
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

static int on_nothing(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    (void)ctx;
    (void)bytes;
    (void)n;
    (void)e;
    return DM_OK;
}

/* 1: the place has these bytes under that key; 0: it has none; DM_ECONFLICT: others. */
static int look_at(struct blob *place, const char *key, const char *sha256, struct dm_err *e)
{
    struct dm_err why = {0};
    const int code = blob_get(place, key, (struct blob_range){0}, sha256, on_nothing, NULL, &why);
    if (code == DM_ENOTFOUND) {
        return 0;
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    return 1;
}

static int on_copy(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    return blob_put_write(ctx, bytes, n, e);
}

static int write_object(struct giving *g, struct blob *place, const char *key, const char *type,
                        const char *sha256, struct dm_err *e)
{
    char from[BACKUP_KEY_SIZE];
    DM_CLEANUP(blob_put_abortp) struct blob_put *put = NULL;
    DM_TRY(blob_put_begin(place, key, type, &put, e));
    DM_TRY(blob_get(g->s->place, backup_object_key(from, sha256), (struct blob_range){0}, sha256,
                    on_copy, put, e));
    g->ret->new_photos++;
    return blob_put_commit(&put, NULL, e);
}

/* One row's object to its key, or beside when that is taken: *ret_key is where it is. Objects that
 * the backup never had are left out, and known to be missing. */
static int place_object(struct giving *g, struct blob *place, const struct store_value *row,
                        struct dm_arena *a, const char **ret_key, struct dm_err *e)
{
    char from[BACKUP_KEY_SIZE];
    struct blob_info info;
    const char *sha256 = row[6].t;
    const char *key = row[2].t;
    int there = look_at(place, key, sha256, e);
    if (there == DM_ECONFLICT) {
        key = dm_arena_printf(a, "restored/%s/%s", g->ret->manifest.id, row[2].t);
        there = key ? look_at(place, key, sha256, e) : no_memory(e);
    }
    DM_TRY(there);
    *ret_key = key;
    if (there) {
        return DM_OK;
    }
    if (g->ret->manifest.missing &&
        blob_stat(g->s->place, backup_object_key(from, sha256), &info, NULL) == DM_ENOTFOUND) {
        return DM_OK;
    }
    return write_object(g, place, key, row[4].t, sha256, e);
}

static int restore_row(struct giving *g, struct store_tx *tx, const struct store_value *row,
                       struct dm_arena *a, struct dm_err *e)
{
    const enum photo_variant v = variant_of(row[3].t);
    struct blob *bucket = photo_blob(g->to->photos, "s3", v);
    const char *store = bucket ? "s3" : "dir";
    const char *key = NULL;
    DM_TRY(place_object(g, bucket ? bucket : g->to->photos->local, row, a, &key, e));
    backup_progress(g->s, "photos", ++g->ret->photos, g->photos_all);
    if (!strcmp(store, row[1].t) && !strcmp(key, row[2].t)) {
        return DM_OK;
    }
    return store_exec(tx, &queries[PLACE], STORE_ARGS(row[0], store_t(store), store_t(key)), NULL,
                      e);
}

/* A batch of rows in one transaction; *ret_last: the last id, 0 at the end. */
static int restore_batch(struct giving *g, int64_t after, int64_t *ret_last, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table rows;
    DM_TRY(store_begin(g->stage, STORE_WRITE, &tx, e));
    DM_TRY(
        store_all(tx, &queries[NEXT], STORE_ARGS(store_i(after), store_i(AT_ONCE)), &a, &rows, e));
    *ret_last = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        DM_TRY(restore_row(g, tx, row, &a, e));
        *ret_last = row[0].i;
    }
    return store_commit(&tx, e);
}

static int restore_photos(struct giving *g, struct dm_err *e)
{
    int64_t at = 0;
    do {
        DM_TRY(restore_batch(g, at, &at, e));
    } while (at);
    return DM_OK;
}

/* ---- the new instance ------------------------------------------------------------------------ */

/* Whatever came on the way from the file to the engine: rows, digests and invariants are those of
 * the file. Where photographs lie may have changed. */
static int check_stage(struct giving *g, const struct backup_manifest *now, struct dm_err *e)
{
    struct backup_manifest is = {0};
    struct differing d = {{0}};
    DM_TRY(backup_tables(g->stage, (int)store_migration_count, g->a, &is, e));
    if (is.n_table != now->n_table ||
        backup_tables_differ(now, &is, "image_blobs", on_difference, &d) > 0) {
        DM_FAIL(e, DM_EINTERNAL, "%s came back differently", d.first);
    }
    if (is.violations > now->violations) {
        DM_FAIL(e, DM_EINTERNAL, "the invariants do not hold after the restore");
    }
    return DM_OK;
}

/* Duties are of processes that the snapshot caught at work: the one that took it among them. */
static int free_duties(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    (void)ctx;
    return store_exec(tx, &queries[DUTIES], STORE_NO_ARGS, NULL, e);
}

static int fill_stage(struct giving *g, const char *url, struct dm_err *e)
{
    struct backup_manifest now = {0};
    DM_CLEANUP(backup_remove_databasep) const char *path = NULL;
    DM_CLEANUP(store_closep) struct store *file = NULL;
    backup_progress(g->s, "database", 0, 1);
    DM_TRY(backup_take_database(g->s, &g->ret->manifest, g->a, &path, e));
    DM_TRY(prepare(g, path, &now, e));
    DM_TRY(backup_open_file(path, true, g->a, &file, e));
    DM_TRY(store_open(url, g->to->options, &g->stage, e));
    DM_TRY(store_copy(file, g->stage, NULL, NULL, e));
    backup_progress(g->s, "database", 1, 1);
    for (size_t i = 0; i < now.n_table; i++) {
        g->photos_all =
            !strcmp(now.table[i].name, "image_blobs") ? now.table[i].rows : g->photos_all;
    }
    DM_TRY(restore_photos(g, e));
    DM_TRY(check_stage(g, &now, e));
    return store_run(g->stage, STORE_WRITE, free_duties, NULL, e);
}

static int take_place(struct giving *g, struct store_swap *w, struct dm_err *e)
{
    struct dm_err why = {0};
    DM_TRY(store_swap_commit(w, e));
    const int code = g->to->health ? g->to->health(g->to->ctx, &why) : DM_OK;
    if (code < 0) {
        DM_TRY(store_swap_undo(w, e));
        g->ret->rolled_back = true;
        DM_FAIL(e, code, "the restored instance is not well, the old one is back: %s",
                dm_err_text(&why));
    }
    if (g->to->forget_old) {
        return store_swap_forget(w, e);
    }
    g->ret->aside = dm_arena_strdup(g->a, store_swap_aside(w));
    return g->ret->aside ? DM_OK : no_memory(e);
}

int backup_restore(const struct backup_site *s, const char *id, const struct backup_target *to,
                   struct dm_arena *a, struct backup_restored *ret, struct dm_err *e)
{
    DM_CLEANUP(store_swap_freep) struct store_swap *w = NULL;
    struct giving g = {.s = s, .to = to, .a = a, .ret = ret};
    *ret = (struct backup_restored){.aside = ""};
    DM_TRY(backup_read(s, id, a, &ret->manifest, e));
    DM_TRY(store_swap_begin(to->url, to->options, &w, e));
    if (store_swap_replaces(w) && !to->replace) {
        DM_FAIL(e, DM_ECONFLICT, "there is an instance already: --replace keeps it beside");
    }
    const int code = fill_stage(&g, store_swap_url(w), e);
    store_close(g.stage);
    DM_TRY(code);
    return take_place(&g, w, e);
}

int backup_compare(struct store *s, const struct backup_manifest *m, struct dm_arena *a,
                   const int64_t **ret_rows, struct dm_err *e)
{
    int64_t *rows = dm_arena_calloc(a, m->n_table + 1, sizeof(*rows));
    if (!rows) {
        return no_memory(e);
    }
    for (size_t i = 0; i < m->n_table; i++) {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        char sql[200];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", m->table[i].name);
        const struct store_query q = {"backup.count", sql, "", "i", true};
        DM_TRY(store_begin(s, STORE_READ, &tx, e));
        if (store_int(tx, &q, STORE_NO_ARGS, &rows[i], NULL) < 0) {
            rows[i] = -1; /* a table of another schema */
        }
    }
    *ret_rows = rows;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking a backup: everything is read. */
#include <sodium.h>
#include <string.h>

#include "backup/backup_priv.h"
#include "inventory/verify.h"
#include "store/copy.h"
#include "store/migrate.h"

struct checking {
    const struct backup_site *s;
    struct backup_manifest m;
    backup_fault fault;
    void *ctx;
    int faults;
};

static void found(void *ctx, const char *file, const char *what)
{
    struct checking *k = ctx;
    k->faults++;
    k->fault(k->ctx, file, what);
}

/* Size (-1: any) and hash of an object. What the place cannot do is an error, not a fault. */
static int check_object(struct checking *k, const char *key, int64_t bytes, const char *sha256,
                        struct dm_err *e)
{
    char got[DM_SHA256_HEX_SIZE];
    struct dm_err why = {0};
    int64_t n = 0;
    const int code = backup_hash(k->s, key, &n, got, &why);
    if (code == DM_ENOTFOUND) {
        found(k, key, "missing");
        return DM_OK;
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    if ((bytes >= 0 && n != bytes) || strcmp(got, sha256) != 0) {
        found(k, key, "damaged");
    }
    return DM_OK;
}

static int check_photos(struct checking *k, const struct backup_set *set, struct dm_err *e)
{
    char hex[DM_SHA256_HEX_SIZE];
    char key[BACKUP_KEY_SIZE];
    for (size_t i = 0; i < set->n; i++) {
        (void)sodium_bin2hex(hex, sizeof(hex), set->v[i].sha256, sizeof(set->v[i].sha256));
        DM_TRY(check_object(k, backup_object_key(key, hex), -1, hex, e));
        backup_progress(k->s, "photos", (int64_t)i + 1, (int64_t)set->n);
    }
    return DM_OK;
}

/* ---- foreign files --------------------------------------------------------------------------- */

static int on_own_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct checking *k = ctx;
    char prefix[BACKUP_KEY_SIZE];
    const char *name = key + strlen(backup_part_key(prefix, k->m.id, ""));
    (void)info;
    (void)e;
    if (!backup_part_of(&k->m, name) && strcmp(name, BACKUP_MANIFEST) != 0 &&
        strcmp(name, BACKUP_SUM) != 0) {
        found(k, key, "not of this backup");
    }
    return DM_OK;
}

static int check_foreign(struct checking *k, struct dm_err *e)
{
    char prefix[BACKUP_KEY_SIZE];
    return blob_list(k->s->place, backup_part_key(prefix, k->m.id, ""), on_own_key, k, e);
}

/* ---- the database ---------------------------------------------------------------------------- */

static void engine_fault(void *ctx, const char *what)
{
    found(ctx, BACKUP_DATABASE, what);
}

/* Every photograph of the rows is in the list. The missing ones are known to be. */
static int check_rows(struct checking *k, struct store *s, const struct backup_set *set,
                      struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    static const struct store_query q = {
        "backup.hashes", "SELECT DISTINCT sha256 FROM image_blobs WHERE store <> 'db'", "", "t",
        true};
    const struct store_value *row;
    int64_t unlisted = 0;
    int64_t listed = 0;
    int more;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    DM_TRY(store_select(tx, &q, STORE_NO_ARGS, &rows, e));
    while ((more = store_next(rows, &row, e)) > 0) {
        *(backup_set_find(set, row[0].t) ? &listed : &unlisted) += 1;
    }
    DM_TRY(more);
    if (unlisted != k->m.missing || listed != (int64_t)set->n || listed != k->m.photos) {
        found(k, BACKUP_OBJECTS, "not the photographs of the database");
    }
    return DM_OK;
}

static int check_books(struct checking *k, const char *path, const struct backup_set *set,
                       struct dm_arena *a, struct dm_err *e)
{
    struct backup_manifest is = {0};
    struct store_schema_state state;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_TRY(backup_open_file(path, true, a, &s, e));
    DM_TRY(store_self_check(s, engine_fault, k, e));
    DM_TRY(store_schema_state(s, &state, e));
    if (state.applied != k->m.schema) {
        found(k, BACKUP_DATABASE, "its schema is not that of the manifest");
        return DM_OK;
    }
    DM_TRY(backup_tables(s, state.applied, a, &is, e));
    if (is.n_table != k->m.n_table) {
        found(k, BACKUP_MANIFEST, "its tables are not those of the schema");
    }
    (void)backup_tables_differ(&k->m, &is, NULL, found, k);
    if (is.violations != k->m.violations) {
        found(k, BACKUP_DATABASE, "the invariants are not as the manifest says");
    }
    return check_rows(k, s, set, e);
}

static int check_database(struct checking *k, const struct backup_set *set, struct dm_arena *a,
                          struct dm_err *e)
{
    struct dm_err why = {0};
    DM_CLEANUP(backup_remove_databasep) const char *path = NULL;
    const int code = backup_take_database(k->s, &k->m, a, &path, &why);
    if (code == DM_ECONFLICT || code == DM_ENOTFOUND) {
        found(k, BACKUP_DATABASE, dm_err_text(&why));
        return DM_OK;
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    return check_books(k, path, set, a, e);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The photographs are looked at only when their list is whole. */
static int check_all(struct checking *k, bool full, struct dm_arena *a, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    struct backup_set set = {0};
    struct dm_err why = {0};
    for (size_t i = 0; i < k->m.n_part; i++) {
        const struct backup_part *p = &k->m.part[i];
        DM_TRY(check_object(k, backup_part_key(key, k->m.id, p->name), p->bytes, p->sha256, e));
    }
    DM_TRY(check_foreign(k, e));
    int code = backup_set_of_list(k->s, &k->m, &set, &why);
    if (code >= 0) {
        backup_set_sort(&set);
        code = check_photos(k, &set, e);
        code = code < 0 || !full ? code : check_database(k, &set, a, e);
    } else if (k->faults) {
        code = DM_OK; /* the damaged list is told already */
    } else {
        code = dm_err_set(e, code, __FILE__, __LINE__, "%s", dm_err_text(&why));
    }
    backup_set_clear(&set);
    return code;
}

int backup_verify(const struct backup_site *s, const char *id, bool full, backup_fault fault,
                  void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct checking k = {.s = s, .fault = fault, .ctx = ctx};
    struct dm_err why = {0};
    const int code = backup_read(s, id, &a, &k.m, &why);
    if (code == DM_ECONFLICT) {
        found(&k, BACKUP_MANIFEST, dm_err_text(&why));
        return k.faults;
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    DM_TRY(check_all(&k, full, &a, e));
    return k.faults;
}

/* ---- the place ------------------------------------------------------------------------------- */

struct strangers {
    backup_fault fault;
    void *ctx;
    int n;
};

static int on_any_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    struct strangers *x = ctx;
    char id[BACKUP_ID_SIZE] = "";
    (void)info;
    (void)e;
    if (!strncmp(key, "photos/", 7)) {
        return DM_OK; /* looked at by backup_set_of_place */
    }
    if (!strncmp(key, "backups/", 8) && strcspn(key + 8, "/") == BACKUP_ID_SIZE - 1) {
        (void)snprintf(id, sizeof(id), "%.*s", BACKUP_ID_SIZE - 1, key + 8);
    }
    if (!backup_id_valid(id)) {
        x->n++;
        x->fault(x->ctx, key, "not of a backup");
    }
    return DM_OK;
}

int backup_strangers(const struct backup_site *s, backup_fault fault, void *ctx, struct dm_err *e)
{
    struct strangers x = {fault, ctx, 0};
    struct backup_set set = {0};
    int n = 0;
    const int code = backup_set_of_place(s, &set, fault, ctx, &n, e);
    backup_set_clear(&set);
    DM_TRY(code);
    DM_TRY(blob_list(s->place, "", on_any_key, &x, e));
    return x.n + n;
}

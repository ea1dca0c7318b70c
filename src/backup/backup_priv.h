/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of backup/ share. */
#ifndef BACKUP_BACKUP_PRIV_H
#define BACKUP_BACKUP_PRIV_H

#include "backup/backup.h"
#include "base/buf.h"
#include "base/hash.h"

#define BACKUP_DATABASE "database.db.gz"
#define BACKUP_OBJECTS  "objects.sha256"
#define BACKUP_MISSING  "missing.txt"
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_SUM      "manifest.sha256"

enum { BACKUP_KEY_SIZE = 128 };

/* "backups/ID/NAME", "photos/ab/abcd..."; both return ret. */
const char *backup_part_key(char ret[static BACKUP_KEY_SIZE], const char *id, const char *name);
const char *backup_object_key(char ret[static BACKUP_KEY_SIZE], const char *sha256);

bool backup_id_valid(const char *id);

void backup_progress(const struct backup_site *s, const char *what, int64_t done, int64_t all);

/* ---- sets of photographs --------------------------------------------------------------------- */

struct backup_object {
    unsigned char sha256[32];
    int64_t bytes; /* -1: not known */
};

struct backup_set {
    struct backup_object *v;
    size_t n, cap;
};

/* DM_ELIMIT beyond LIMIT_BACKUP_OBJECTS; DM_EBADINPUT: not a checksum. */
DM_MUST_CHECK int backup_set_add(struct backup_set *s, const char *hex, int64_t bytes,
                                 struct dm_err *e);
void backup_set_sort(struct backup_set *s); /* each once */
/* After sorting; NULL: not there. */
const struct backup_object *backup_set_find(const struct backup_set *s, const char *hex);
void backup_set_clear(struct backup_set *s);

/* What photos/ holds, sorted. Foreign keys below it are left out, and told to fault unless that is
 * NULL; *ret_foreign (NULL allowed) counts them. */
DM_MUST_CHECK int backup_set_of_place(const struct backup_site *s, struct backup_set *ret,
                                      backup_fault fault, void *ctx, int *ret_foreign,
                                      struct dm_err *e);
/* What a backup's list names, added; the list must have the checksum. */
DM_MUST_CHECK int backup_set_of_list(const struct backup_site *s, const struct backup_manifest *m,
                                     struct backup_set *ret, struct dm_err *e);

/* ---- files ----------------------------------------------------------------------------------- */

/* An object's size and hash, read back. */
DM_MUST_CHECK int backup_hash(const struct backup_site *s, const char *key, int64_t *ret_bytes,
                              char ret[static DM_SHA256_HEX_SIZE], struct dm_err *e);

/* A file of this machine: its size and hash. */
DM_MUST_CHECK int backup_hash_file(const char *path, int64_t *ret_bytes,
                                   char ret[static DM_SHA256_HEX_SIZE], struct dm_err *e);

/* The file at path, packed (gzip), as the object; ret says what was stored. */
DM_MUST_CHECK int backup_pack(const struct backup_site *s, const char *path, const char *key,
                              struct blob_info *ret, struct dm_err *e);

/* Back into a new file, which must then have size and hash. DM_ECONFLICT: it has not, or it is no
 * gzip. */
DM_MUST_CHECK int backup_unpack(const struct backup_site *s, const char *key, const char *path,
                                int64_t bytes, const char *sha256, struct dm_err *e);

/* Part of that name; NULL: there is none. */
const struct backup_part *backup_part_of(const struct backup_manifest *m, const char *name);

/* The database of a backup in a new file of the scratch folder, whose path is in a. The caller
 * removes it with backup_remove_database. */
DM_MUST_CHECK int backup_take_database(const struct backup_site *s, const struct backup_manifest *m,
                                       struct dm_arena *a, const char **ret_path, struct dm_err *e);
void backup_remove_database(const char *path); /* with what SQLite keeps beside; accepts NULL */
DM_DEFINE_CLEANUP(backup_remove_databasep, const char *, backup_remove_database)

/* A SQLite file opened without limits. */
DM_MUST_CHECK int backup_open_file(const char *path, bool must_exist, struct dm_arena *a,
                                   struct store **ret, struct dm_err *e);

/* ---- the manifest ---------------------------------------------------------------------------- */

/* manifest.json, then manifest.sha256: from now on it is a backup. */
DM_MUST_CHECK int backup_manifest_put(const struct backup_site *s, const struct backup_manifest *m,
                                      struct dm_err *e);

/* Rows and digest of every table of the schema's first m->schema steps, in a; and the invariants.
 */
DM_MUST_CHECK int backup_tables(struct store *s, int schema, struct dm_arena *a,
                                struct backup_manifest *ret, struct dm_err *e);

/* Compare: every table but `except` (NULL: none) has rows and digest of the manifest. Returns how
 * many differ. */
int backup_tables_differ(const struct backup_manifest *wanted, const struct backup_manifest *found,
                         const char *except, backup_fault fault, void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of a whole instance: database and photographs. docs/decisions has the format; in short,
 * below one folder or S3 prefix:
 *
 *   photos/ab/abcd...                each photograph once, named by its SHA-256, whatever backups
 *                                    need it: a further backup stores only what is new
 *   backups/ID/database.db.gz        all tables of one moment as a SQLite file, whatever the engine
 *   backups/ID/objects.sha256        the photographs it needs; `sha256sum -c` reads it
 *   backups/ID/...                   further parts: settings without secrets, list of models
 *   backups/ID/manifest.json         what it is: versions, rows and digest of each table, size and
 *                                    checksum of each part, the invariants' result
 *   backups/ID/manifest.sha256       checksum of the manifest, written last: a backup without it
 *                                    is none, whatever the process died of
 *
 * Secrets are never part of it but as the database keeps them (hashes). Reads one snapshot: the
 * service goes on meanwhile. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "base/arena.h"
#include "base/zone.h"
#include "blob/blob.h"
#include "inventory/photo.h"
#include "store/store.h"

#define BACKUP_FORMAT  1
#define BACKUP_ID_SIZE 26 /* "20261124T020000Z-1a2b3c4d" and the NUL */

/* Stated maxima: of one place, of one manifest, of a list of objects in memory (40 bytes each). */
#define LIMIT_BACKUPS               10000
#define LIMIT_BACKUP_MANIFEST_BYTES ((size_t)4 << 20)
#define LIMIT_BACKUP_PART_BYTES     ((size_t)16 << 20) /* settings, list of models */
#define LIMIT_BACKUP_OBJECTS        ((size_t)4000000)
#define LIMIT_BACKUP_ROOM_BYTES     ((int64_t)64 << 20) /* left free in the scratch folder */

/* Where backups are. Borrowed by every call. */
struct backup_site {
    struct blob *place;
    const char *scratch; /* folder of this machine for files under way: holds the database once
                            more, unpacked */
    /* How far: what, done of all. NULL: nobody asks. */
    void (*progress)(void *ctx, const char *what, int64_t done, int64_t all);
    void *ctx;
};

/* ---- what a backup says of itself ------------------------------------------------------------ */

struct backup_part {
    const char *name; /* below backups/ID/ */
    int64_t bytes;
    const char *sha256;
};

struct backup_table {
    const char *name;
    int64_t rows;
    const char *digest; /* as store_table_digest: the same on every engine */
};

struct backup_manifest {
    const char *id, *program, *revision, *engine; /* engine it was taken from */
    int64_t created_ms;
    int schema;
    const struct backup_part *part;
    size_t n_part;
    const struct backup_table *table;
    size_t n_table;
    int64_t database_bytes; /* unpacked */
    const char *database_sha256;
    int64_t photos, photo_bytes; /* objects, each once */
    int64_t missing;             /* photographs whose object could not be had: part missing.txt */
    int held;                    /* invariants of 25 */
    int64_t violations;
};

/* That of a finished backup, checked against its checksum; in a. DM_ENOTFOUND: no finished backup
 * of that id; DM_ECONFLICT: damaged, or of a newer format. */
DM_MUST_CHECK int backup_read(const struct backup_site *s, const char *id, struct dm_arena *a,
                              struct backup_manifest *ret, struct dm_err *e);

/* Ids of what is there, oldest first; unfinished ones apart. In a. */
struct backup_ids {
    const char **id;
    size_t n;
    const char **unfinished;
    size_t n_unfinished;
};
DM_MUST_CHECK int backup_list(const struct backup_site *s, struct dm_arena *a,
                              struct backup_ids *ret, struct dm_err *e);

/* ---- making ---------------------------------------------------------------------------------- */

struct backup_extra { /* a further part */
    const char *name, *bytes;
    size_t n;
};

struct backup_source {
    struct store *store; /* opened without a limit for statements */
    const struct photo_place *photos;
    const char *program, *revision;
    const struct backup_extra *extra;
    size_t n_extra;
};

struct backup_made {
    struct backup_manifest manifest;
    int64_t new_photos, new_bytes; /* stored by this one */
};

/* Take one, and read back what was written. What is not finished is no backup; its parts are taken
 * away by the next backup_prune. A photograph whose object is gone does not stop it: it is counted
 * as missing and named. ret in a. DM_EIO: a place does not work or has no room, or what came back
 * differs. */
DM_MUST_CHECK int backup_create(const struct backup_site *s, const struct backup_source *from,
                                struct dm_arena *a, struct backup_made *ret, struct dm_err *e);

/* ---- checking -------------------------------------------------------------------------------- */

/* One fault: which file, and what is wrong with it. */
typedef void (*backup_fault)(void *ctx, const char *file, const char *what);

/* Read every file of a backup back: damaged, missing and foreign ones, a wrong manifest. full: the
 * database is unpacked as well, examined by its engine, its tables compared with the manifest, its
 * photographs with the list, and the 25 invariants are looked at. Returns how many faults. */
DM_MUST_CHECK int backup_verify(const struct backup_site *s, const char *id, bool full,
                                backup_fault fault, void *ctx, struct dm_err *e);

/* Files of the place that are of no backup and no photograph of one. Returns how many. */
DM_MUST_CHECK int backup_strangers(const struct backup_site *s, backup_fault fault, void *ctx,
                                   struct dm_err *e);

/* ---- giving back ----------------------------------------------------------------------------- */

struct backup_target {
    const char *url; /* of the database; holds its password */
    const struct store_options *options;
    const struct photo_place *photos;
    bool replace;    /* an instance that is there may be replaced */
    bool forget_old; /* and is not kept */
    /* The new instance is in its place: is it well? A negative code: no, take everything back. */
    int (*health)(void *ctx, struct dm_err *e);
    void *ctx;
};

struct backup_restored {
    struct backup_manifest manifest;
    int64_t photos, new_photos; /* objects looked at, objects written */
    const char *aside;          /* where the old instance is kept; "" for none */
    bool rolled_back;           /* health said no */
};

/* Bring a backup back: into an empty place or (replace) an existing instance, on any engine, from
 * any older schema. The new instance is built beside the old, compared with the manifest table by
 * table, its invariants and photographs looked at, and only then takes its place, in one step; if
 * it is not well there the old one comes back. Photographs are only ever added: one whose key is
 * taken by other bytes gets another key. ret in a, filled as far as it came also on failure.
 * DM_ECONFLICT: an instance is there and replace is not set, or the backup is damaged; DM_EBUSY: a
 * service uses the database. */
DM_MUST_CHECK int backup_restore(const struct backup_site *s, const char *id,
                                 const struct backup_target *to, struct dm_arena *a,
                                 struct backup_restored *ret, struct dm_err *e);

/* What that would do: rows that are there now. -1: no such table. In a, by manifest.table. */
DM_MUST_CHECK int backup_compare(struct store *s, const struct backup_manifest *m,
                                 struct dm_arena *a, const int64_t **ret_rows, struct dm_err *e);

/* ---- keeping order --------------------------------------------------------------------------- */

struct backup_keep {
    int daily, monthly; /* the newest of so many last days, of so many last months */
    const struct dm_zone *zone;
    bool dry_run;
};

struct backup_pruned {
    const char **id; /* removed, in a */
    size_t n;
    int64_t objects, unfinished; /* photographs that no backup needs, parts of unfinished ones */
};

/* Remove what need not be kept. The newest backup always stays. Nothing of the photographs is
 * touched while a backup that stays is damaged: its list cannot be trusted. Only one process at a
 * time may create or prune: the caller sees to it. */
DM_MUST_CHECK int backup_prune(const struct backup_site *s, const struct backup_keep *k,
                               struct dm_arena *a, struct backup_pruned *ret, struct dm_err *e);

extern const struct store_query_table backup_queries, backup_restore_queries;

#endif

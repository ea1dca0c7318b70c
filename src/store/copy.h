/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole instances: moving one between databases, telling whether two are equal, and what an engine
 * finds wrong with its own files. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/catalog.h"
#include "store/store.h"

/* Called after each table; rows copied. */
typedef void (*store_copy_progress)(void *ctx, const char *table, int64_t rows);

/* Everything that is in `from` into `to`, in one transaction: all of it or nothing. Reads one
 * snapshot of `from`, which may stay in use. `to` is migrated first when it has no schema; it must
 * hold nothing but what the migrations put there. Then every table is read back and compared by its
 * digest. progress may be NULL.
 * DM_ECONFLICT: `to` is in use, or a schema is not that of this program; DM_EINTERNAL: what came
 * back differs; the codes of store_commit. */
DM_MUST_CHECK int store_copy(struct store *from, struct store *to, store_copy_progress progress,
                             void *ctx, struct dm_err *e);

/* The same, but a source whose schema is older than this program's gives a copy with that schema:
 * what a backup takes before an upgrade. */
DM_MUST_CHECK int store_copy_as_is(struct store *from, struct store *to,
                                   store_copy_progress progress, void *ctx, struct dm_err *e);

/* A copy of a SQLite file at this moment, beside it as FILE.schema-VERSION-TIME; its path in a.
 * DM_EUNSUPPORTED for an engine without files of its own. */
DM_MUST_CHECK int store_snapshot_beside(struct store *s, int version, struct dm_arena *a,
                                        const char **ret_path, struct dm_err *e);

#define STORE_DIGEST_SIZE 65

struct store_digest {
    int64_t rows;
    char hex[STORE_DIGEST_SIZE]; /* SHA-256 over all values in the order of the primary key */
};

/* The same for equal contents on any engine. */
DM_MUST_CHECK int store_table_digest(struct store_tx *tx, const struct store_catalog_table *t,
                                     struct store_digest *ret, struct dm_err *e);

/* Let the engine examine its own files (SQLite: integrity_check and foreign_key_check; PostgreSQL:
 * indexes and constraints that are not valid). Takes as long as reading the file: open the store
 * without a limit for statements. Calls found for each fault; returns how many. */
DM_MUST_CHECK int store_self_check(struct store *s, void (*found)(void *ctx, const char *what),
                                   void *ctx, struct dm_err *e);

#endif

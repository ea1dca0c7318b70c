/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema: numbered steps (migrations/NNN_name.sql, built into the program), applied once each,
 * forward only, each in its own transaction and under a lock, with their checksums kept in
 * schema_migrations. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/buf.h"
#include "store/store.h"

struct store_migration {
    int version;      /* 1, 2, ... without gaps */
    const char *name; /* "locations" */
    const char *sql;  /* with tokens, see store/dialect.h */
};
extern const struct store_migration store_migrations[];
extern const size_t store_migration_count;

struct store_schema_state {
    int applied; /* highest version in the database, 0 for an empty one */
    int known;   /* highest version of this program */
};

/* Where the database stands. DM_ECONFLICT: a newer program has changed it, or a step is stored with
 * another checksum. */
DM_MUST_CHECK int store_schema_state(struct store *s, struct store_schema_state *ret,
                                     struct dm_err *e);

/* Apply what is missing; of several at once one works and the others wait and find nothing to do.
 * *ret_steps (NULL allowed): how many were applied here. DM_ECONFLICT as above, DM_EBUSY. */
DM_MUST_CHECK int store_migrate(struct store *s, int *ret_steps, struct dm_err *e);

/* The SQL of the steps that are missing, as this engine gets it, appended to out. */
DM_MUST_CHECK int store_migrate_print(struct store *s, struct dm_buf *out, struct dm_err *e);

/* store_migrate with other steps, for tests. */
DM_MUST_CHECK int store_migrate_with(struct store *s, const struct store_migration *steps, size_t n,
                                     int *ret_steps, struct dm_err *e);

#endif

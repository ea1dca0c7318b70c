/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables and columns of the schema, read from the tokens of the migrations: the one place where
 * the logical types are written. For work on whole tables, such as copying an instance. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "store/migrate.h"

struct store_column {
    const char *name;
    char letter;    /* as in a query */
    bool generated; /* by the engine; cannot be written */
};

struct store_catalog_table {
    const char *name;
    struct store_column *column;
    size_t n;
    bool has_id; /* the first column is id, the primary key; else all columns tell rows apart */
};

struct store_catalog {
    struct store_catalog_table *table; /* in the order of their making */
    size_t n;
};

/* Everything in a. Without schema_migrations, which each database keeps for itself. DM_EINTERNAL:
 * a migration that cannot be read. */
DM_MUST_CHECK int store_catalog_read(const struct store_migration *steps, size_t n_steps,
                                     struct dm_arena *a, struct store_catalog *ret,
                                     struct dm_err *e);

/* "id, code, name" without generated columns, and their letters. In a; NULL when out of memory. */
const char *store_catalog_columns(const struct store_catalog_table *t, struct dm_arena *a);
const char *store_catalog_letters(const struct store_catalog_table *t, struct dm_arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * From the settings database.* to an open database. */
#ifndef CMD_DATABASE_H
#define CMD_DATABASE_H

#include "cmd/cmd.h"
#include "store/store.h"

enum database_use {
    DATABASE_BOOKS, /* read and write the books: the schema must be that of this program */
    DATABASE_LOOK,  /* whatever the schema is; database.url_sync wins, no limit for statements */
    DATABASE_MAKE,  /* likewise; a file that does not exist is made */
};

/* The address: database.url_sync (not for DATABASE_BOOKS), database.url, that of PostgreSQL from
 * its parts when one of them was set, else demeter.db in data.dir. In the run's arena; NULL when
 * out of memory. Holds the password: never print it but through store_url_redact. */
const char *database_url(struct cmd_run *r, enum database_use use);

/* Open the configured database, or url when it is not NULL. DM_ECONFLICT for DATABASE_BOOKS when
 * the schema is older or newer; the codes of store_open. */
DM_MUST_CHECK int database_open(struct cmd_run *r, const char *url, enum database_use use,
                                struct store **ret, struct dm_err *e);

#endif

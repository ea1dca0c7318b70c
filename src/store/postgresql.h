/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of the PostgreSQL driver share. */
#ifndef STORE_POSTGRESQL_H
#define STORE_POSTGRESQL_H

#include <libpq-fe.h>

#include "store/driver.h"

struct store_pg {
    struct store_conn base;
    PGconn *pg;
    unsigned long statements; /* prepared so far, for their names */
};

struct store_pg *store_pg_of(struct store_conn *c);

/* Fill e from a failed result, or from the connection when r is NULL. */
int store_pg_failure(struct store_pg *c, const PGresult *r, struct dm_err *e);

/* A value that is not null and no byte string in PostgreSQL's text form; room for 40 bytes. */
const char *store_pg_text(const struct store_value *v, char *room, size_t room_n);

/* The bulk slot of the driver. */
int store_pg_copy(struct store_conn *base, const struct store_bulk *b,
                  const struct store_value *rows, size_t n, struct dm_err *e);

#endif

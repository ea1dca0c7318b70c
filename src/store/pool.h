/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of a store: taken for a transaction, given back after it. Inside store/ only. */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "base/clock.h"
#include "store/driver.h"

/* Wait for a connection of that kind, at most wait_ms. DM_EBUSY, and the codes of connecting. */
DM_MUST_CHECK int store_pool_take(struct store *s, enum store_mode mode, struct store_conn **ret,
                                  struct dm_err *e);

/* A connection that died in the pool is replaced; on failure it is gone and given back. */
DM_MUST_CHECK int store_pool_renew(struct store *s, enum store_mode mode, struct store_conn **c,
                                   struct dm_err *e);

/* Give it back; one that is not usable is closed. */
void store_pool_give(struct store *s, enum store_mode mode, struct store_conn *c, bool usable);

/* For store_losses. */
void store_note_loss(struct store *s);

/* The one text of the one row of a query without arguments, outside a transaction. DM_ELIMIT: it is
 * longer than size. */
DM_MUST_CHECK int store_conn_text(struct store_conn *c, const struct store_query *q, char *ret,
                                  size_t size, struct dm_err *e);

/* With its prepared statements. Accepts NULL. */
void store_conn_close(struct store_conn *c);

/* Sleep, for pauses between tries. */
void store_pause(int ms);

#endif

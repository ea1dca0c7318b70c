/* SPDX-License-Identifier: Apache-2.0
 *
 * The books for a command: an open database, the nursery's settings and clock, and the caller that
 * workflows ask for. Who may run commands on this machine may do what an administrator may; what
 * is written carries the name of the system user. */
#ifndef CMD_BOOKS_H
#define CMD_BOOKS_H

#include "cmd/cmd.h"
#include "inventory/inventory.h"

struct books {
    struct store *store;
    struct dm_zone *zone;
    struct inv_settings settings; /* strings in the run's arena */
    struct inv_ctx ctx;           /* points into this struct: do not copy it */
};

/* Codes of database_open; zeroed or not, b is then closed with books_close. */
DM_MUST_CHECK int books_open(struct cmd_run *r, struct books *b, struct dm_err *e);
void books_close(struct books *b);

/* Address that people open, without a final "/": server.public_url, or localhost and the port. In
 * the run's arena; NULL without memory. */
const char *books_address(struct cmd_run *r);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes of the field that the books refused when a telephone brought them (product.md 2.3, 3.1):
 * kept as they were written, with the reason, until a supervisor books, changes or discards them.
 * Booking itself is an ordinary operation of the ledger, whose movement has the note's uuid: who
 * books a note twice gets the same movement. */
#ifndef INVENTORY_INBOX_H
#define INVENTORY_INBOX_H

#include "inventory/list.h"

struct inbox_note {
    const char *uuid;        /* the telephone's own; NULL: a new one */
    const json_t *operation; /* as it was sent; borrowed */
    const char *code;        /* of the refusal; NULL: unknown */
    const char *reason;      /* the refusal in words */
};

/* Keep a note; the same uuid of the same person again changes nothing. Needs MOVE.
 * INV_DUPLICATE_CODE: the uuid is somebody else's. */
DM_MUST_CHECK int inbox_add(const struct inv_ctx *c, const struct inbox_note *n,
                            char ret[static STORE_UUID_SIZE], struct dm_err *e);

/* What an open note says; new reference. Needs COUNT_REVIEW. INV_NOT_FOUND;
 * INV_INVALID_TRANSITION: it is not open. */
DM_MUST_CHECK int inbox_open(const struct inv_ctx *c, const char *uuid, json_t **ret_operation,
                             struct dm_err *e);

/* It was booked: uuids of the movements, NULL when it is discarded; a note for people. Needs
 * COUNT_REVIEW. INV_NOT_FOUND, INV_INVALID_TRANSITION. */
DM_MUST_CHECK int inbox_resolve(const struct inv_ctx *c, const char *uuid,
                                const json_t *movement_ids, const char *note, struct dm_err *e);

/* Filters: note_id, status, user_id; oldest first. */
extern const struct list list_inbox;
extern const struct store_query_table inbox_queries;

#endif

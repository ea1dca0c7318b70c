/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files about rows of jobs share. Inside queue/ only. */
#ifndef QUEUE_QUEUE_PRIV_H
#define QUEUE_QUEUE_PRIV_H

#include "queue/queue.h"

/* A set of kinds as a JSON array, in a; NULL when out of memory. */
const char *queue_kinds_json(uint32_t set, struct dm_arena *a);

/* The kinds of set whose queue is not paused, as queue_kinds_json. */
DM_MUST_CHECK int queue_open_kinds(struct store_tx *tx, uint32_t set, struct dm_arena *a,
                                   const char **ret, struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Packed spans and log records on their way from the processes of a program to the one that sends
 * them: a ring in memory that processes forked afterwards share. Putting takes no lock and never
 * waits: what finds no room is counted and dropped. A process may die anywhere. */
#ifndef TELEMETRY_RING_H
#define TELEMETRY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "telemetry/limits.h"

enum telemetry_item { TELEMETRY_SPAN, TELEMETRY_LOG, TELEMETRY_ITEM_MAX_ };

struct telemetry_ring;
DM_MUST_CHECK int telemetry_ring_new(struct telemetry_ring **ret, struct dm_err *e);
void telemetry_ring_free(struct telemetry_ring *r); /* accepts NULL */

/* Room for one item of at most LIMIT_TELEMETRY_ITEM_BYTES: where to write, or NULL. What was got is
 * given to ring_put with its size (0: nothing after all). */
unsigned char *telemetry_ring_room(struct telemetry_ring *r, enum telemetry_item kind,
                                   uint64_t *ret_place);
void telemetry_ring_put(struct telemetry_ring *r, enum telemetry_item kind, uint64_t place,
                        size_t n);

/* One reader. The next item: its bytes until the next call, their number and kind; NULL: none is
 * ready. An item whose writer died is left out after a while. */
const unsigned char *telemetry_ring_next(struct telemetry_ring *r, enum telemetry_item *ret_kind,
                                         size_t *ret_n);
/* Wait until a batch has come, somebody calls ring_wake, or ms have passed. */
void telemetry_ring_wait(struct telemetry_ring *r, int ms);
void telemetry_ring_wake(struct telemetry_ring *r);
/* To the reader, from any process. */
void telemetry_ring_stop(struct telemetry_ring *r);
bool telemetry_ring_stopped(const struct telemetry_ring *r);

/* Items of a kind that found no room, or could not be sent. */
uint64_t telemetry_ring_dropped(const struct telemetry_ring *r, enum telemetry_item kind);
void telemetry_ring_drop(struct telemetry_ring *r, enum telemetry_item kind, uint64_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Who tells idle workers that there is a job. The rows of the database are the truth, and a worker
 * always takes the most urgent one of them; what a carrier hands over is only the reason to look:
 * one entry for one job, lost without harm, twice without harm.
 *
 *   sql:                                          nobody tells; workers look every poll_ms
 *   redis://USER:PASSWORD@HOST:PORT/DB, rediss:   streams demeter:q:QUEUE, group "workers"
 *
 * Codes: DM_EIO and DM_EAGAIN, the server is away (it is tried again with growing pauses, at most
 * 10 s): whoever gets one goes on without it, and where nothing else could be done the code may be
 * ignored: the sweeper mends it. */
#ifndef QUEUE_CARRIER_H
#define QUEUE_CARRIER_H

#include "queue/queue.h"

struct queue_carrier;

#define QUEUE_ENTRY_SIZE 48
#define QUEUE_STREAM_MAX 100000 /* entries that a stream keeps, about */

/* password: of the server when the URL has none; NULL, "" for none. Nothing is sent yet. url NULL
 * or
 * "" is sql:. DM_EBADINPUT. */
DM_MUST_CHECK int queue_carrier_open(const char *url, const char *password,
                                     struct queue_carrier **ret, struct dm_err *e);
void queue_carrier_close(struct queue_carrier *c); /* accepts NULL */
DM_DEFINE_CLEANUP(queue_carrier_closep, struct queue_carrier *, queue_carrier_close)

/* Whether someone tells, and whether he could be reached last time. */
bool queue_carrier_tells(const struct queue_carrier *c);
bool queue_carrier_up(struct queue_carrier *c);

/* Tell of a job, after the commit that made it. Threads: any. */
int queue_carrier_publish(struct queue_carrier *c, const char *queue, const char *uuid,
                          const char *traceparent, struct dm_err *e);

/* The same for whoever does not know the names: n jobs of a kind may have been added. */
void queue_carrier_ring(struct queue_carrier *c, enum queue_kind kind, size_t n);

/* ---- for the clerk: one thread ----------------------------------------------------------------
 */

/* Begin to listen on queues as one consumer of the group. Again after a failure. */
DM_MUST_CHECK int queue_carrier_listen(struct queue_carrier *c, const char *const *queues, size_t n,
                                       const char *consumer, struct dm_err *e);
/* Descriptor that is readable when there is news; -1 without. */
int queue_carrier_fd(struct queue_carrier *c);
/* The next entry, without waiting: 1 and its id (with its queue), or 0. */
DM_MUST_CHECK int queue_carrier_next(struct queue_carrier *c, char ret[static QUEUE_ENTRY_SIZE],
                                     struct dm_err *e);
/* The row that an entry stood for is final. */
int queue_carrier_ack(struct queue_carrier *c, const char *entry, struct dm_err *e);
/* Entries that a consumer took and left for idle_ms become ours: they come out of next. */
DM_MUST_CHECK int queue_carrier_claim(struct queue_carrier *c, int64_t idle_ms, struct dm_err *e);
/* Compare streams and rows: jobs that wait for 10 s and are in no stream are published again
 * (*ret_missing of them), entries of final rows are removed. */
int queue_carrier_sweep(struct queue_carrier *c, struct store *s, int64_t now_ms,
                        int64_t *ret_missing, struct dm_err *e);

#endif

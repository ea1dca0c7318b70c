/* SPDX-License-Identifier: Apache-2.0
 *
 * From the settings worker.* and queue.* to the options of a worker and to a carrier, for every
 * command that runs jobs or adds them. */
#ifndef CMD_WORKER_OPTIONS_H
#define CMD_WORKER_OPTIONS_H

#include "cmd/cmd.h"
#include "queue/carrier.h"
#include "queue/worker.h"

/* Queues, places, limits and carrier as worker.* says. wanted: names or groups with commas ("cpu",
 * "io", "all", "gpu_queue"), NULL for worker.queues. places 0 is worker.concurrency; 0 there too is
 * one cpu place per processor and 50 io places. In the run's arena. DM_EBADINPUT. */
DM_MUST_CHECK int worker_options(struct cmd_run *r, const char *wanted, int places,
                                 struct queue_worker_options *ret, struct dm_err *e);

/* Whether the jobs of a queue transfer and do not count: they run in the io pool. */
bool worker_queue_transfers(const char *queue);

/* URL of the carrier: queue.url, queue.broker_url, queue.redis_url, the first that is set; "" for
 * none. Borrowed from the settings. */
const char *worker_carrier_url(const struct cmd_run *r);

/* Open it, to tell workers of new jobs. */
DM_MUST_CHECK int worker_carrier_open(struct cmd_run *r, struct queue_carrier **ret,
                                      struct dm_err *e);

#endif

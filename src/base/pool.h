/* SPDX-License-Identifier: Apache-2.0
 *
 * Fork-join thread pool. One photo is many independent tiles: running one tile per thread beats
 * splitting every convolution over all threads (docs/decisions/003-parallelism.md).
 *
 * Threads: dm_pool_run may be called by several threads; the runs then take turns. */
#ifndef DM_BASE_POOL_H
#define DM_BASE_POOL_H

#include <stddef.h>

#include "base/error.h"

struct dm_pool;

/* Work on one item. worker in [0, dm_pool_size) identifies the thread, so that per-thread scratch
 * needs no lock: no two items run with the same worker number at once. */
typedef int (*dm_pool_fn)(void *ctx, size_t item, size_t worker, struct dm_err *e);

/* threads = 0: as many as the process may run on. The caller of dm_pool_run is one of them. */
DM_MUST_CHECK int dm_pool_new(size_t threads, struct dm_pool **ret, struct dm_err *e);
void dm_pool_free(struct dm_pool *p); /* accepts NULL */
DM_DEFINE_CLEANUP(dm_pool_freep, struct dm_pool *, dm_pool_free)

size_t dm_pool_size(const struct dm_pool *p);

/* Call fn for items 0..n-1, in any order, and wait. After the first failure no further item starts;
 * returns the failure of the lowest-numbered failed item. p NULL runs everything in the caller. */
DM_MUST_CHECK int dm_pool_run(struct dm_pool *p, size_t n, dm_pool_fn fn, void *ctx,
                              struct dm_err *e);

/* Processors this process may run on (affinity and cgroup quota), at least 1. */
size_t dm_cpu_count(void);

#endif

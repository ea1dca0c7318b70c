/* SPDX-License-Identifier: Apache-2.0
 *
 * Circuit breaker around a place for objects: after some failures in a row (DM_EIO) calls fail at
 * once with DM_EAGAIN instead of waiting for time-outs; after a while one call is let through to
 * see, and its outcome closes the circuit or opens it again. */
#ifndef BLOB_BREAKER_H
#define BLOB_BREAKER_H

#include "base/clock.h"
#include "blob/blob.h"

enum blob_circuit { BLOB_CIRCUIT_CLOSED, BLOB_CIRCUIT_HALF_OPEN, BLOB_CIRCUIT_OPEN };

/* Zero means the default that the comment gives. */
struct blob_breaker_options {
    int failures;         /* in a row until it opens, 3: as many as a job has attempts */
    int open_ms;          /* until the next trial, 30000 */
    dm_usec (*now)(void); /* dm_now; another one in tests */
};

/* take_inner belongs to the result, which blob_close frees with it; on failure it stays the
 * caller's. DM_ENOMEM. */
DM_MUST_CHECK int blob_breaker_new(struct blob *take_inner, const struct blob_breaker_options *o,
                                   struct blob **ret, struct dm_err *e);

/* From now on fn is told of each change, by whichever thread made it, while no lock is held. Before
 * other threads use b, which is of blob_breaker_new. */
void blob_breaker_watch(struct blob *b, void (*fn)(void *ctx, enum blob_circuit state), void *ctx);

/* For a metric; b is of blob_breaker_new. Threads: any. */
enum blob_circuit blob_breaker_state(struct blob *b);

#endif

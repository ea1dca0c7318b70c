/* SPDX-License-Identifier: Apache-2.0
 *
 * What a carrier has to do. Inside queue/ only; carrier.h says how each call behaves. */
#ifndef QUEUE_CARRIER_PRIV_H
#define QUEUE_CARRIER_PRIV_H

#include "queue/carrier.h"

struct queue_carrier_ops {
    const char *const *schemes; /* NULL-ended */
    bool tells;
    int (*open)(const char *url, const char *password, struct queue_carrier **ret,
                struct dm_err *e);
    void (*close)(struct queue_carrier *c);
    /* The rest only when it tells. */
    bool (*up)(struct queue_carrier *c);
    int (*publish)(struct queue_carrier *c, const char *queue, const char *uuid,
                   const char *traceparent, struct dm_err *e);
    int (*listen)(struct queue_carrier *c, const char *const *queues, size_t n,
                  const char *consumer, struct dm_err *e);
    int (*fd)(struct queue_carrier *c);
    int (*next)(struct queue_carrier *c, char ret[static QUEUE_ENTRY_SIZE], struct dm_err *e);
    int (*ack)(struct queue_carrier *c, const char *entry, struct dm_err *e);
    int (*claim)(struct queue_carrier *c, int64_t idle_ms, struct dm_err *e);
    int (*sweep)(struct queue_carrier *c, struct store *s, int64_t now_ms, int64_t *ret_missing,
                 struct dm_err *e);
};

struct queue_carrier {
    const struct queue_carrier_ops *ops;
};

extern const struct queue_carrier_ops queue_carrier_redis;

#endif

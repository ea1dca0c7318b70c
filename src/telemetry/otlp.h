/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of OTLP/HTTP as bytes (opentelemetry-proto 1.x). */
#ifndef TELEMETRY_OTLP_H
#define TELEMETRY_OTLP_H

#include "base/arena.h"
#include "telemetry/ring.h"
#include "telemetry/telemetry.h"

/* Who sends. Texts are borrowed. */
struct otlp_source {
    const char *service, *version, *environment;
    const char *attributes; /* "key=value,key=value", values percent-encoded; "" for none */
    uint64_t started_ns;    /* since 1970: begin of the counters */
};

struct otlp_bytes {
    const unsigned char *data;
    size_t n;
};

/* A request of n packed spans or log records (from the ring), in a. DM_ENOMEM. */
DM_MUST_CHECK int otlp_items(const struct otlp_source *from, const struct otlp_bytes *item,
                             size_t n, struct dm_arena *a, struct otlp_bytes *ret,
                             struct dm_err *e);

/* A request of all pushed metrics as they stand, cumulative, in a; ret->n 0: there are none yet.
 * DM_ENOMEM. */
DM_MUST_CHECK int otlp_metrics(const struct otlp_source *from, struct telemetry *t,
                               struct dm_arena *a, struct otlp_bytes *ret, struct dm_err *e);

#endif

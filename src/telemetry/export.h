/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends what the ring and the registry hold to an OpenTelemetry collector: OTLP/HTTP with protobuf
 * bodies, in batches, beside the program's work. A collector that is away costs one warning; what
 * is waiting is tried again (1 s, 2 s, ... 30 s), what finds no room meanwhile is dropped and
 * counted in demeter_otlp_dropped_total. */
#ifndef TELEMETRY_EXPORT_H
#define TELEMETRY_EXPORT_H

#include "telemetry/otlp.h"

struct telemetry_export_options {
    const char *endpoint; /* "http://otel-collector:4318"; /v1/traces and the like are added */
    const char *headers;  /* "key=value,key=value"; "" for none */
    struct otlp_source from;
    int delay_ms;  /* between two batches, unless 512 have come before */
    int metric_ms; /* between two requests of metrics; 0: none are sent */
};

/* All texts of o stay borrowed. t NULL: no metrics. */
struct telemetry_export;
DM_MUST_CHECK int telemetry_export_new(const struct telemetry_export_options *o,
                                       struct telemetry_ring *ring, struct telemetry *t,
                                       struct telemetry_export **ret, struct dm_err *e);

/* Send until telemetry_export_stop: on a thread of this process, or in a process of its own (for
 * those that fork later; before any thread), which ends with its parent. DM_EIO. */
DM_MUST_CHECK int telemetry_export_thread(struct telemetry_export *x, struct dm_err *e);
DM_MUST_CHECK int telemetry_export_process(struct telemetry_export *x, struct dm_err *e);

/* Send the metrics once more, within 2 s, and never look at them again: before that goes which the
 * functions of telemetry_on_scrape look into. Accepts NULL. */
void telemetry_export_last_metrics(struct telemetry_export *x);

/* What is waiting goes out within 2 s, then it ends and is freed. Accepts NULL. */
void telemetry_export_stop(struct telemetry_export *x);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a registry, between the files of telemetry/. */
#ifndef TELEMETRY_REGISTRY_H
#define TELEMETRY_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "telemetry/telemetry.h"

#define TELEMETRY_INDEX 16384 /* places of the index: a power of two above twice the series */

struct telemetry_series {
    _Atomic bool known; /* in the index; what follows to `value` never changes again */
    uint32_t metric, n;
    char text[LIMIT_TELEMETRY_LABEL_BYTES]; /* n bytes: values of the labels, each with its NUL */
    _Atomic double value;
    _Atomic uint64_t count[LIMIT_TELEMETRY_BOUNDS + 1];
};

struct telemetry_shared {
    _Atomic uint32_t used;
    _Atomic uint64_t dropped;
    _Atomic uint32_t index[TELEMETRY_INDEX]; /* number of a series, from 1; 0: free */
    struct telemetry_series series[LIMIT_TELEMETRY_SERIES];
};

struct telemetry {
    struct telemetry_shared *shared;
    struct {
        telemetry_fill_fn fn;
        void *ctx;
    } fill[LIMIT_TELEMETRY_SCRAPES];
    size_t n_fill;
};

void telemetry_fill(struct telemetry *t);

/* Gauges of this process, from /proc; what cannot be read stays as it was. */
void telemetry_process(struct telemetry *t);

#endif

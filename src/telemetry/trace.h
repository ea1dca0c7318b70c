/* SPDX-License-Identifier: Apache-2.0
 *
 * Which trace a piece of work belongs to, as the W3C writes it (Trace Context, level 1): 16 bytes
 * for the trace, 8 for the span that is the parent, and whether anybody keeps it. It travels in
 * header fields, job rows and stream entries, always as the text of `traceparent`. */
#ifndef TELEMETRY_TRACE_H
#define TELEMETRY_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct telemetry_context {
    unsigned char trace[16], span[8]; /* all zero: none */
    bool sampled;
    char state[513]; /* tracestate as it came; "" for none */
};

#define TELEMETRY_TRACEPARENT_SIZE 56

/* "00-<32 hex>-<16 hex>-<2 hex>". false, and *ret empty: not one, or all zero. Of later versions
 * the first four fields are taken. */
bool telemetry_traceparent_parse(const char *text, struct telemetry_context *ret);

/* tracestate beside it; one that is too long or not printable ASCII is left out. */
void telemetry_tracestate_take(struct telemetry_context *c, const char *text);

/* "" for an empty context. Returns ret. */
const char *telemetry_traceparent(const struct telemetry_context *c,
                                  char ret[static TELEMETRY_TRACEPARENT_SIZE]);

/* Lower-case hex of a trace or span for log lines and exporters; ret has room for 2 * n + 1. */
const char *telemetry_hex(const unsigned char *bytes, size_t n, char *ret);

/* Who is kept: the names of OTEL_TRACES_SAMPLER. */
enum telemetry_sampler_kind {
    TELEMETRY_SAMPLE_ALL,
    TELEMETRY_SAMPLE_NONE,
    TELEMETRY_SAMPLE_RATIO,
};
struct telemetry_sampler {
    enum telemetry_sampler_kind kind;
    bool parent_decides; /* "parentbased_...": a trace that came in keeps its flag */
    double ratio;        /* 0..1 of traces, told by the trace's own number: all programs agree */
};

/* name: always_on, always_off, traceidratio, each also with parentbased_ before it; arg the ratio,
 * "" for 1. DM_EBADINPUT. */
DM_MUST_CHECK int telemetry_sampler_parse(const char *name, const char *arg,
                                          struct telemetry_sampler *ret, struct dm_err *e);

/* A new span under parent (NULL or empty: a new trace): its numbers, drawn at random, and whether
 * it is kept. */
struct telemetry_context telemetry_context_new(const struct telemetry_sampler *s,
                                               const struct telemetry_context *parent);

#endif

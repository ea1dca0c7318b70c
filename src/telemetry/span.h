/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of work that a trace is made of.
 *
 *   struct telemetry_span span;
 *   telemetry_span_begin(&span, TELEMETRY_CLIENT, "SELECT demeter");
 *   telemetry_span_str(&span, "db.system", "postgresql");
 *   ... the work; spans begun meanwhile on this thread are its children ...
 *   telemetry_span_end(&span);
 *
 * Without telemetry_tracer_start all of it does nothing. A span that nobody keeps (the sampler said
 * no) costs its numbers only. Texts are borrowed until the end. Spans of a thread end in the
 * reverse order of their beginning. */
#ifndef TELEMETRY_SPAN_H
#define TELEMETRY_SPAN_H

#include <stdint.h>

#include "telemetry/ring.h"
#include "telemetry/trace.h"

enum telemetry_span_kind { /* numbers of the protocol */
                           TELEMETRY_INTERNAL = 1,
                           TELEMETRY_SERVER,
                           TELEMETRY_CLIENT,
                           TELEMETRY_PRODUCER,
                           TELEMETRY_CONSUMER,
};

struct telemetry_span {
    bool on;   /* it has numbers, is the thread's current one */
    bool kept; /* it will be sent */
    enum telemetry_span_kind kind;
    struct telemetry_context context;
    unsigned char parent[8]; /* zero: none */
    const char *name;
    uint64_t start_ns;   /* since 1970 */
    const char *failure; /* NULL: it went well */
    size_t n_attribute;
    struct {
        const char *key, *text; /* text NULL: number */
        int64_t number;
    } attribute[LIMIT_TELEMETRY_ATTRIBUTES];
    struct telemetry_span *outer;
};

/* From now on spans of this process, and of those it forks, go to the ring, and log lines of at
 * least INFO too. Before other threads. The ring stays borrowed; stop before it goes. */
void telemetry_tracer_start(const struct telemetry_sampler *sampler, struct telemetry_ring *ring);
void telemetry_tracer_stop(void);

/* Child of the current span; without one a new trace. */
void telemetry_span_begin(struct telemetry_span *s, enum telemetry_span_kind kind,
                          const char *name);
/* Only inside a span that is kept: what is worth nothing alone. */
void telemetry_span_inside(struct telemetry_span *s, enum telemetry_span_kind kind,
                           const char *name);
/* Child of a span elsewhere, told by its traceparent and tracestate (NULL or bad: a new trace). */
void telemetry_span_remote(struct telemetry_span *s, enum telemetry_span_kind kind,
                           const char *name, const char *traceparent, const char *tracestate);
/* It began earlier. */
void telemetry_span_since(struct telemetry_span *s, double ms);
/* Above LIMIT_TELEMETRY_ATTRIBUTES nothing happens. text NULL: not at all. */
void telemetry_span_str(struct telemetry_span *s, const char *key, const char *text);
void telemetry_span_int(struct telemetry_span *s, const char *key, int64_t number);
void telemetry_span_fail(struct telemetry_span *s, const char *why);
void telemetry_span_end(struct telemetry_span *s);

/* Of this thread, NULL for none. */
struct telemetry_span *telemetry_span_current(void);
/* For those who switch between stacks on one thread: make s (NULL allowed) the current one. */
void telemetry_span_switch(struct telemetry_span *s);
/* traceparent of the current span, "" for none. Returns ret. */
const char *telemetry_span_parent_text(char ret[static TELEMETRY_TRACEPARENT_SIZE]);

#endif

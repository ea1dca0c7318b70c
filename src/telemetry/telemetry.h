/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program says of itself: counters, gauges and histograms named in metrics.def.
 *
 *   telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("success"), 1);
 *   telemetry_observe(t, TELEMETRY_S3_DURATION, TELEMETRY_LABELS("upload", bucket), seconds);
 *
 * A registry is one piece of memory that processes forked after telemetry_new share: what a worker
 * counts is seen by the process that answers the scrape, and survives the worker. Counting takes no
 * lock and no allocation, so that a process may die anywhere; about 0.1 us a sample.
 * Threads and processes: every function but new, free and on_scrape from any, at any time. */
#ifndef TELEMETRY_TELEMETRY_H
#define TELEMETRY_TELEMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "telemetry/limits.h"

enum telemetry_metric {
#define X(id, name, type, way, labels, bounds, help) TELEMETRY_##id,
#include "telemetry/metrics.def"
#undef X
    TELEMETRY_METRIC_MAX_
};

enum telemetry_type { TELEMETRY_COUNTER, TELEMETRY_GAUGE, TELEMETRY_HISTOGRAM };
enum telemetry_way { TELEMETRY_SCRAPED, TELEMETRY_PUSHED };

struct telemetry_info {
    const char *name;
    enum telemetry_type type;
    enum telemetry_way way;
    const char *labels; /* "a,b"; "" for none */
    const double *bounds;
    size_t n_bounds;
    const char *help;
};
const struct telemetry_info *telemetry_info(enum telemetry_metric m);

struct telemetry;

/* A registry that knows its program (demeter_build_info). DM_ENOMEM. */
DM_MUST_CHECK int telemetry_new(const char *version, const char *revision, struct telemetry **ret,
                                struct dm_err *e);
void telemetry_free(struct telemetry *t); /* accepts NULL */

/* Values of a metric's labels in the order of its row; NULL for a metric without. A NULL value
 * counts as "". A wrong number of them is a broken promise. */
#define TELEMETRY_LABELS(...) ((const char *const[]){__VA_ARGS__, TELEMETRY_END_})
#define TELEMETRY_END_        ((const char *)telemetry_end_)
extern const char telemetry_end_[];

/* All accept t NULL and then do nothing. A sample that finds no room, or labels longer than
 * LIMIT_TELEMETRY_LABEL_BYTES, is counted in demeter_metrics_dropped_total. Counters take by >= 0;
 * gauges also go down. */
void telemetry_add(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                   double by);
void telemetry_set(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                   double to);
void telemetry_observe(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                       double value);

/* fill is called before each text, in the process that makes it, to set gauges that are looked up
 * and not counted (depths of queues, free bytes). Before other threads; DM_ELIMIT above
 * LIMIT_TELEMETRY_SCRAPES. */
typedef void (*telemetry_fill_fn)(void *ctx, struct telemetry *t);
DM_MUST_CHECK int telemetry_on_scrape(struct telemetry *t, telemetry_fill_fn fill, void *ctx,
                                      struct dm_err *e);

/* Everything scraped, in Prometheus' text format 0.0.4, appended to out; also what /proc knows of
 * this process. */
#define TELEMETRY_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
DM_MUST_CHECK int telemetry_text(struct telemetry *t, struct dm_buf *out, struct dm_err *e);

/* One series as it stands, for tests and the other exporter: of a histogram, count[i] is the number
 * of values in bucket i alone (the last one: above all bounds) and value their sum. */
struct telemetry_sample {
    const char *label[LIMIT_TELEMETRY_LABELS];
    double value;
    uint64_t count[LIMIT_TELEMETRY_BOUNDS + 1];
};
typedef int (*telemetry_sample_fn)(void *ctx, const struct telemetry_sample *s, struct dm_err *e);
DM_MUST_CHECK int telemetry_each(const struct telemetry *t, enum telemetry_metric m,
                                 telemetry_sample_fn fn, void *ctx, struct dm_err *e);

#endif

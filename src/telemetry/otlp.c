/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was gathered to the messages of the protocol. Everything lies in the arena of a
 * request. */
#include "telemetry/otlp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "telemetry/proto/otlp.pb-c.h"
#include "telemetry/registry.h"

static int full(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for telemetry");
}

/* ---- attributes ------------------------------------------------------------------------------ */

static Otlp__KeyValue *pair_of(const char *key, const char *value, struct dm_arena *a)
{
    Otlp__KeyValue *p = dm_arena_alloc(a, sizeof(*p));
    Otlp__AnyValue *v = dm_arena_alloc(a, sizeof(*v));
    if (!p || !v) {
        return NULL;
    }
    otlp__key_value__init(p);
    otlp__any_value__init(v);
    v->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    v->string_value = (char *)(uintptr_t)value;
    p->key = (char *)(uintptr_t)key;
    p->value = v;
    return p;
}

/* "%41" -> "A"; what is no escape stays. */
static char *unescaped(const char *s, size_t n, struct dm_arena *a)
{
    char *out = dm_arena_alloc(a, n + 1);
    size_t at = 0;
    for (size_t i = 0; out && i < n; i++) {
        const char hex[3] = {s[i], i + 2 < n ? s[i + 1] : '\0', i + 2 < n ? s[i + 2] : '\0'};
        char digits[3] = {hex[1], hex[2], '\0'};
        char *end = digits;
        const long v = hex[0] == '%' ? strtol(digits, &end, 16) : 0;
        const bool escape = hex[0] == '%' && end == digits + 2 && v > 0;
        out[at++] = (char)(escape ? v : s[i]);
        i += escape ? 2 : 0;
    }
    if (out) {
        out[at] = '\0';
    }
    return out;
}

enum { RESOURCE_MAX = 32 };

/* The resource of every request: what is said of us, and what the administrator adds. */
static int resource_of(const struct otlp_source *from, struct dm_arena *a, Otlp__Resource *ret,
                       struct dm_err *e)
{
    const char *const own[][2] = {
        {"service.name", from->service},
        {"service.version", from->version},
        {"deployment.environment", from->environment},
        {"service.namespace", "demeterai"},
    };
    Otlp__KeyValue **list = dm_arena_calloc(a, RESOURCE_MAX, sizeof(void *));
    size_t n = 0;
    bool whole = list != NULL;
    for (size_t i = 0; whole && i < DM_COUNT(own); i++) {
        list[n] = pair_of(own[i][0], own[i][1], a);
        whole = list[n++] != NULL;
    }
    for (const char *p = from->attributes; whole && *p && n < RESOURCE_MAX;) {
        const size_t len = strcspn(p, ",");
        const char *is = memchr(p, '=', len);
        if (is && is > p) {
            const char *key = unescaped(p, (size_t)(is - p), a);
            const char *value = unescaped(is + 1, len - (size_t)(is + 1 - p), a);
            list[n] = key && value ? pair_of(key, value, a) : NULL;
            whole = list[n++] != NULL;
        }
        p += len + (p[len] == ',');
    }
    if (!whole) {
        return full(e);
    }
    otlp__resource__init(ret);
    ret->attributes = list;
    ret->n_attributes = n;
    return DM_OK;
}

static int pack(const ProtobufCMessage *m, struct dm_arena *a, struct otlp_bytes *ret,
                struct dm_err *e)
{
    const size_t n = protobuf_c_message_get_packed_size(m);
    unsigned char *bytes = dm_arena_alloc(a, n);
    if (!bytes) {
        return full(e);
    }
    *ret = (struct otlp_bytes){bytes, protobuf_c_message_pack(m, bytes)};
    return DM_OK;
}

static Otlp__Scope scope_of(const struct otlp_source *from)
{
    Otlp__Scope s = OTLP__SCOPE__INIT;
    s.name = (char *)(uintptr_t) "demeter";
    s.version = (char *)(uintptr_t)from->version;
    return s;
}

int otlp_items(const struct otlp_source *from, const struct otlp_bytes *item, size_t n,
               struct dm_arena *a, struct otlp_bytes *ret, struct dm_err *e)
{
    Otlp__Resource resource;
    Otlp__Scope scope = scope_of(from);
    Otlp__ScopeItems items = OTLP__SCOPE_ITEMS__INIT;
    Otlp__ResourceItems of = OTLP__RESOURCE_ITEMS__INIT;
    Otlp__ExportItems all = OTLP__EXPORT_ITEMS__INIT;
    Otlp__ScopeItems *const items_list[] = {&items};
    Otlp__ResourceItems *const of_list[] = {&of};
    ProtobufCBinaryData *list = dm_arena_calloc(a, n, sizeof(*list));
    if (!list) {
        return full(e);
    }
    for (size_t i = 0; i < n; i++) {
        list[i] = (ProtobufCBinaryData){item[i].n, (uint8_t *)(uintptr_t)item[i].data};
    }
    DM_TRY(resource_of(from, a, &resource, e));
    items.scope = &scope;
    items.items = list;
    items.n_items = n;
    of.resource = &resource;
    of.scope_items = (Otlp__ScopeItems **)(uintptr_t)items_list;
    of.n_scope_items = 1;
    all.resource_items = (Otlp__ResourceItems **)(uintptr_t)of_list;
    all.n_resource_items = 1;
    return pack(&all.base, a, ret, e);
}

/* ---- metrics --------------------------------------------------------------------------------- */

struct points {
    const struct telemetry_info *info;
    const struct otlp_source *from;
    struct dm_arena *a;
    uint64_t now_ns;
    Otlp__NumberDataPoint *number[LIMIT_TELEMETRY_SERIES];
    Otlp__HistogramDataPoint *spread[LIMIT_TELEMETRY_SERIES];
    size_t n;
};

/* Labels of a series as attributes; their names are cut out of the metric's row. */
static Otlp__KeyValue **labels_of(const struct points *p, const struct telemetry_sample *s,
                                  size_t *ret_n)
{
    Otlp__KeyValue **list = dm_arena_calloc(p->a, LIMIT_TELEMETRY_LABELS, sizeof(void *));
    size_t n = 0;
    for (const char *name = p->info->labels; list && *name;) {
        const size_t len = strcspn(name, ",");
        const char *key = dm_arena_strndup(p->a, name, len);
        const char *value = key ? dm_arena_strdup(p->a, s->label[n]) : NULL;
        list[n] = value ? pair_of(key, value, p->a) : NULL;
        if (!list[n++]) {
            return NULL;
        }
        name += len + (name[len] == ',');
    }
    *ret_n = n;
    return list;
}

static int add_number(struct points *p, const struct telemetry_sample *s, struct dm_err *e)
{
    Otlp__NumberDataPoint *d = dm_arena_alloc(p->a, sizeof(*d));
    if (!d) {
        return full(e);
    }
    otlp__number_data_point__init(d);
    d->start_time_unix_nano = p->from->started_ns;
    d->time_unix_nano = p->now_ns;
    d->as_double = s->value;
    d->attributes = labels_of(p, s, &d->n_attributes);
    p->number[p->n++] = d;
    return d->attributes ? DM_OK : full(e);
}

static int add_spread(struct points *p, const struct telemetry_sample *s, struct dm_err *e)
{
    Otlp__HistogramDataPoint *d = dm_arena_alloc(p->a, sizeof(*d));
    uint64_t *counts = dm_arena_calloc(p->a, LIMIT_TELEMETRY_BOUNDS + 1, sizeof(*counts));
    if (!d || !counts) {
        return full(e);
    }
    otlp__histogram_data_point__init(d);
    d->start_time_unix_nano = p->from->started_ns;
    d->time_unix_nano = p->now_ns;
    d->sum = s->value;
    d->n_explicit_bounds = p->info->n_bounds;
    d->explicit_bounds = (double *)(uintptr_t)p->info->bounds;
    d->n_bucket_counts = p->info->n_bounds + 1;
    d->bucket_counts = counts;
    for (size_t i = 0; i < d->n_bucket_counts; i++) {
        counts[i] = s->count[i];
        d->count += s->count[i];
    }
    d->attributes = labels_of(p, s, &d->n_attributes);
    p->spread[p->n++] = d;
    return d->attributes ? DM_OK : full(e);
}

static int add_sample(void *ctx, const struct telemetry_sample *s, struct dm_err *e)
{
    struct points *p = ctx;
    if (p->n == LIMIT_TELEMETRY_SERIES) {
        return DM_OK;
    }
    return p->info->type == TELEMETRY_HISTOGRAM ? add_spread(p, s, e) : add_number(p, s, e);
}

/* A metric with its series, NULL without any. */
static int metric_of(const struct points *p, Otlp__Metric **ret, struct dm_err *e)
{
    enum { CUMULATIVE = 2 };
    Otlp__Metric *m = dm_arena_alloc(p->a, sizeof(*m));
    Otlp__Sum *sum = dm_arena_alloc(p->a, sizeof(*sum));
    Otlp__Histogram *spread = dm_arena_alloc(p->a, sizeof(*spread));
    void **list = dm_arena_calloc(p->a, p->n, sizeof(void *));
    if (!m || !sum || !spread || !list) {
        return full(e);
    }
    otlp__metric__init(m);
    otlp__sum__init(sum);
    otlp__histogram__init(spread);
    m->name = (char *)(uintptr_t)p->info->name;
    m->description = (char *)(uintptr_t)p->info->help;
    if (p->info->type == TELEMETRY_HISTOGRAM) {
        memcpy(list, p->spread, p->n * sizeof(void *));
        spread->aggregation_temporality = CUMULATIVE;
        spread->data_points = (Otlp__HistogramDataPoint **)list;
        spread->n_data_points = p->n;
        m->data_case = OTLP__METRIC__DATA_HISTOGRAM;
        m->histogram = spread;
    } else {
        memcpy(list, p->number, p->n * sizeof(void *));
        sum->aggregation_temporality = CUMULATIVE;
        sum->is_monotonic = p->info->type == TELEMETRY_COUNTER; /* else an up-down counter */
        sum->data_points = (Otlp__NumberDataPoint **)list;
        sum->n_data_points = p->n;
        m->data_case = OTLP__METRIC__DATA_SUM;
        m->sum = sum;
    }
    *ret = m;
    return DM_OK;
}

static int gather(struct points *p, struct telemetry *t, Otlp__Metric **list, size_t *ret_n,
                  struct dm_err *e)
{
    size_t n = 0;
    for (unsigned m = 0; m < TELEMETRY_METRIC_MAX_; m++) {
        p->info = telemetry_info(m);
        p->n = 0;
        if (p->info->way != TELEMETRY_PUSHED) {
            continue;
        }
        DM_TRY(telemetry_each(t, m, add_sample, p, e));
        if (p->n > 0) {
            DM_TRY(metric_of(p, &list[n], e));
            n++;
        }
    }
    *ret_n = n;
    return DM_OK;
}

int otlp_metrics(const struct otlp_source *from, struct telemetry *t, struct dm_arena *a,
                 struct otlp_bytes *ret, struct dm_err *e)
{
    struct timespec now;
    Otlp__Resource resource;
    Otlp__Scope scope = scope_of(from);
    Otlp__ScopeMetrics metrics = OTLP__SCOPE_METRICS__INIT;
    Otlp__ResourceMetrics of = OTLP__RESOURCE_METRICS__INIT;
    Otlp__ExportMetrics all = OTLP__EXPORT_METRICS__INIT;
    Otlp__ScopeMetrics *const metrics_list[] = {&metrics};
    Otlp__ResourceMetrics *const of_list[] = {&of};
    Otlp__Metric *list[TELEMETRY_METRIC_MAX_];
    struct points *p = dm_arena_calloc(a, 1, sizeof(*p));
    if (!p) {
        return full(e);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    p->from = from;
    p->a = a;
    p->now_ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    telemetry_fill(t);
    DM_TRY(gather(p, t, list, &metrics.n_metrics, e));
    *ret = (struct otlp_bytes){NULL, 0};
    if (metrics.n_metrics == 0) {
        return DM_OK;
    }
    DM_TRY(resource_of(from, a, &resource, e));
    metrics.scope = &scope;
    metrics.metrics = list;
    of.resource = &resource;
    of.scope_metrics = (Otlp__ScopeMetrics **)(uintptr_t)metrics_list;
    of.n_scope_metrics = 1;
    all.resource_metrics = (Otlp__ResourceMetrics **)(uintptr_t)of_list;
    all.n_resource_metrics = 1;
    return pack(&all.base, a, ret, e);
}

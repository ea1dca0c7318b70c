/* SPDX-License-Identifier: Apache-2.0
 *
 * Series in memory that processes share.
 *
 * A series is found by a hash of its metric and the values of its labels. A new one takes the next
 * place, is written, and only then enters the index by one compare-and-swap; who loses that race to
 * an equal series leaves its place empty. So no state is ever half visible, whoever dies. */
#include "telemetry/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/text.h"

const char telemetry_end_[] = "";

#define UNPACK(...) __VA_ARGS__
#define X(id, name, type, way, labels, list, help)                                                 \
    static const double bounds_##id[] = {UNPACK list};
#include "telemetry/metrics.def"
#undef X

#define BOUNDS(id, type) (TELEMETRY_##type == TELEMETRY_HISTOGRAM ? DM_COUNT(bounds_##id) : 0)
static const struct telemetry_info infos[TELEMETRY_METRIC_MAX_] = {
#define X(id, name, type, way, labels, list, help)                                                 \
    {name, TELEMETRY_##type, TELEMETRY_##way, labels, bounds_##id, BOUNDS(id, type), help},
#include "telemetry/metrics.def"
#undef X
};

const struct telemetry_info *telemetry_info(enum telemetry_metric m)
{
    DM_BUG_UNLESS((unsigned)m < TELEMETRY_METRIC_MAX_);
    return &infos[m];
}

int telemetry_new(const char *version, const char *revision, struct telemetry **ret,
                  struct dm_err *e)
{
    struct telemetry *t = dm_calloc(1, sizeof(*t));
    if (!t) {
        DM_FAIL(e, DM_ENOMEM, "no memory for metrics");
    }
    t->shared = mmap(NULL, sizeof(*t->shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t->shared == MAP_FAILED) {
        dm_free(t);
        DM_FAIL(e, DM_ENOMEM, "no shared memory for metrics");
    }
    telemetry_set(t, TELEMETRY_BUILD_INFO, TELEMETRY_LABELS(version, revision), 1);
    *ret = t;
    return DM_OK;
}

void telemetry_free(struct telemetry *t)
{
    if (t) {
        (void)munmap(t->shared, sizeof(*t->shared));
        dm_free(t);
    }
}

/* ---- finding a series ------------------------------------------------------------------------ */

struct key {
    uint32_t metric, n;
    char text[LIMIT_TELEMETRY_LABEL_BYTES]; /* values, each with its NUL */
};

static size_t label_count(const char *labels)
{
    size_t n = *labels != '\0';
    for (; *labels; labels++) {
        n += *labels == ',';
    }
    return n;
}

/* false: the values do not fit. */
static bool key_make(struct key *k, enum telemetry_metric m, const char *const *labels)
{
    size_t wanted = label_count(infos[m].labels);
    size_t n = 0;
    k->metric = (uint32_t)m;
    k->n = 0;
    for (; labels && labels[n] != TELEMETRY_END_; n++) {
        const char *value = labels[n] ? labels[n] : "";
        size_t len = strlen(value);
        DM_BUG_UNLESS(n < wanted);
        if (len + 1 > sizeof(k->text) - k->n || !dm_text_valid(value, len)) {
            return false;
        }
        memcpy(k->text + k->n, value, len + 1);
        k->n += (uint32_t)len + 1;
    }
    DM_BUG_UNLESS(n == wanted);
    return true;
}

/* FNV-1a, 32 bits. */
static uint32_t key_hash(const struct key *k)
{
    uint32_t h = (2166136261U ^ k->metric) * 16777619U;
    for (uint32_t i = 0; i < k->n; i++) {
        h = (h ^ (unsigned char)k->text[i]) * 16777619U;
    }
    return h ^ h >> 15;
}

static bool series_is(const struct telemetry_series *s, const struct key *k)
{
    return s->metric == k->metric && s->n == k->n && !memcmp(s->text, k->text, k->n);
}

/* A place with the key written; 0 when all are taken. Numbers begin at 1. */
static uint32_t series_new(struct telemetry_shared *m, const struct key *k)
{
    uint32_t at = atomic_load(&m->used);
    do {
        if (at == LIMIT_TELEMETRY_SERIES) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&m->used, &at, at + 1));
    struct telemetry_series *s = &m->series[at];
    s->metric = k->metric;
    s->n = k->n;
    memcpy(s->text, k->text, k->n);
    return at + 1;
}

static struct telemetry_series *series_find(struct telemetry *t, enum telemetry_metric metric,
                                            const char *const *labels)
{
    struct telemetry_shared *m = t->shared;
    struct key k;
    uint32_t mine = 0;
    if (!key_make(&k, metric, labels)) {
        return NULL;
    }
    for (uint32_t h = key_hash(&k);; h++) {
        _Atomic uint32_t *slot = &m->index[h & (TELEMETRY_INDEX - 1)];
        uint32_t at = atomic_load_explicit(slot, memory_order_acquire);
        if (!at) {
            mine = mine ? mine : series_new(m, &k);
            if (!mine) {
                return NULL;
            }
            if (atomic_compare_exchange_strong(slot, &at, mine)) {
                at = mine;
            }
        }
        struct telemetry_series *s = &m->series[at - 1];
        if (series_is(s, &k)) {
            /* Said again for one whose maker died before it could say so. */
            if (!atomic_load_explicit(&s->known, memory_order_relaxed)) {
                atomic_store_explicit(&s->known, true, memory_order_release);
            }
            return s;
        }
    }
}

/* ---- counting -------------------------------------------------------------------------------- */

static void add_to(_Atomic double *to, double by)
{
    double old = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(to, &old, old + by)) {
    }
}

static struct telemetry_series *take(struct telemetry *t, enum telemetry_metric m,
                                     const char *const *labels)
{
    if (!t) {
        return NULL;
    }
    struct telemetry_series *s = series_find(t, m, labels);
    if (!s) {
        atomic_fetch_add(&t->shared->dropped, 1);
    }
    return s;
}

void telemetry_add(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                   double by)
{
    DM_BUG_UNLESS(infos[m].type != TELEMETRY_HISTOGRAM);
    DM_BUG_UNLESS(by >= 0 || infos[m].type == TELEMETRY_GAUGE);
    struct telemetry_series *s = take(t, m, labels);
    if (s) {
        add_to(&s->value, by);
    }
}

void telemetry_set(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                   double to)
{
    DM_BUG_UNLESS(infos[m].type != TELEMETRY_HISTOGRAM);
    struct telemetry_series *s = take(t, m, labels);
    if (s) {
        atomic_store(&s->value, to);
    }
}

void telemetry_observe(struct telemetry *t, enum telemetry_metric m, const char *const *labels,
                       double value)
{
    const struct telemetry_info *info = &infos[m];
    DM_BUG_UNLESS(info->type == TELEMETRY_HISTOGRAM);
    struct telemetry_series *s = take(t, m, labels);
    size_t i = 0;
    if (!s) {
        return;
    }
    while (i < info->n_bounds && value > info->bounds[i]) {
        i++;
    }
    atomic_fetch_add(&s->count[i], 1);
    add_to(&s->value, value);
}

/* ---- reading --------------------------------------------------------------------------------- */

int telemetry_on_scrape(struct telemetry *t, telemetry_fill_fn fill, void *ctx, struct dm_err *e)
{
    if (t->n_fill == LIMIT_TELEMETRY_SCRAPES) {
        DM_FAIL(e, DM_ELIMIT, "more than %d functions fill gauges", LIMIT_TELEMETRY_SCRAPES);
    }
    t->fill[t->n_fill].fn = fill;
    t->fill[t->n_fill++].ctx = ctx;
    return DM_OK;
}

void telemetry_fill(struct telemetry *t)
{
    for (size_t i = 0; i < t->n_fill; i++) {
        t->fill[i].fn(t->fill[i].ctx, t);
    }
}

static void sample_of(const struct telemetry_series *s, struct telemetry_sample *ret)
{
    const struct telemetry_info *info = &infos[s->metric];
    const char *text = s->text;
    *ret = (struct telemetry_sample){.value = atomic_load(&s->value)};
    for (size_t i = 0; i < label_count(info->labels); i++, text += strlen(text) + 1) {
        ret->label[i] = text;
    }
    for (size_t i = 0; info->type == TELEMETRY_HISTOGRAM && i <= info->n_bounds; i++) {
        ret->count[i] = atomic_load(&s->count[i]);
    }
}

int telemetry_each(const struct telemetry *t, enum telemetry_metric m, telemetry_sample_fn fn,
                   void *ctx, struct dm_err *e)
{
    const uint32_t used = atomic_load(&t->shared->used);
    for (uint32_t i = 0; i < used; i++) {
        const struct telemetry_series *s = &t->shared->series[i];
        if (atomic_load_explicit(&s->known, memory_order_acquire) && s->metric == (uint32_t)m) {
            struct telemetry_sample sample;
            sample_of(s, &sample);
            DM_TRY(fn(ctx, &sample, e));
        }
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The sender. It alone reads the ring; what it has read lies packed in `waiting` until the
 * collector has taken it. */
#include "telemetry/export.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum { TIMEOUT_MS = 10000, LAST_MS = 2000, PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 30000 };

static const char *const paths[] = {[TELEMETRY_SPAN] = "/v1/traces",
                                    [TELEMETRY_LOG] = "/v1/logs",
                                    [TELEMETRY_ITEM_MAX_] = "/v1/metrics"};

/* Items of a kind: gathered, then packed until they are sent. */
struct batch {
    struct dm_arena a;
    struct otlp_bytes item[LIMIT_TELEMETRY_BATCH];
    size_t n;
    struct otlp_bytes request; /* n 0: still gathering */
};

struct telemetry_export {
    struct telemetry_export_options o;
    struct telemetry_ring *ring;
    struct telemetry *t;
    CURL *curl;
    struct curl_slist *headers;
    char url[TELEMETRY_ITEM_MAX_ + 1][512];
    struct batch batch[TELEMETRY_ITEM_MAX_];
    bool hasty;   /* the request began when the end was near */
    bool in_vain; /* and nobody answered: the end waits for no other one */
    bool away;    /* the last request failed */
    int pause_ms; /* before the next try; 0: none is due */
    dm_usec tried, measured;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mu; /* of last and t */
    pthread_cond_t done;
    _Atomic bool last; /* metrics are wanted once more */
    pid_t child;
};

/* ---- one request ----------------------------------------------------------------------------- */

static size_t ignore(const char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

static int open_curl(struct telemetry_export *x)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    x->curl = curl_easy_init();
    x->headers = curl_slist_append(NULL, "Content-Type: application/x-protobuf");
    for (const char *p = x->o.headers; *p;) {
        const size_t n = strcspn(p, ",");
        const char *is = memchr(p, '=', n);
        char line[1024];
        if (is && is > p && n < sizeof(line) - 2) {
            (void)snprintf(line, sizeof(line), "%.*s: %.*s", (int)(is - p), p,
                           (int)(n - (size_t)(is + 1 - p)), is + 1);
            x->headers = curl_slist_append(x->headers, line);
        }
        p += n + (p[n] == ',');
    }
    return x->curl && x->headers ? DM_OK : DM_ENOMEM;
}

static bool in_haste(const struct telemetry_export *x)
{
    return telemetry_ring_stopped(x->ring) || atomic_load(&x->last);
}

/* A request that began in peace does not hold up the end. */
static int look_up(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct telemetry_export *x = ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return in_haste(x) && !x->hasty;
}

/* HTTP status, 0 when nobody answered. */
static long post(struct telemetry_export *x, size_t path, const struct otlp_bytes *body)
{
    long status = 0;
    x->hasty = in_haste(x);
    const long most = x->hasty ? LAST_MS : TIMEOUT_MS;
    curl_easy_setopt(x->curl, CURLOPT_URL, x->url[path]);
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->curl, CURLOPT_TIMEOUT_MS, most);
    curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, body->data);
    if (curl_easy_perform(x->curl) == CURLE_OK) {
        (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    }
    return status;
}

/* Whether the same request may go well later (OTLP/HTTP, "Failures"). */
static bool passing(long status)
{
    return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

/* true: done with, taken or refused for good. */
static bool deliver(struct telemetry_export *x, size_t path, const struct otlp_bytes *body,
                    size_t n)
{
    const long status = post(x, path, body);
    const bool good = status >= 200 && status < 300;
    if (!good && !x->away) {
        dm_log(DM_LOG_WARNING, "the collector does not take telemetry, going on without",
               DM_S("endpoint", x->o.endpoint), DM_I("status", status));
    } else if (good && x->away) {
        dm_log(DM_LOG_INFO, "the collector takes telemetry again", DM_S("endpoint", x->o.endpoint));
    }
    x->away = !good;
    x->in_vain = x->in_vain || (x->hasty && status == 0);
    x->tried = dm_now();
    x->pause_ms = good ? 0 : DM_CLAMP(2 * x->pause_ms, PAUSE_MIN_MS, PAUSE_MAX_MS);
    if (!good && !passing(status) && path < TELEMETRY_ITEM_MAX_) {
        telemetry_ring_drop(x->ring, (enum telemetry_item)path, n);
    }
    return good || !passing(status);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void batch_clear(struct batch *b)
{
    dm_arena_clear(&b->a);
    b->n = 0;
    b->request.n = 0;
}

static bool batch_send(struct telemetry_export *x, size_t kind)
{
    struct batch *b = &x->batch[kind];
    if (b->n == 0) {
        return true;
    }
    if (b->request.n == 0 && otlp_items(&x->o.from, b->item, b->n, &b->a, &b->request, NULL) < 0) {
        telemetry_ring_drop(x->ring, (enum telemetry_item)kind, b->n);
        batch_clear(b);
        return true;
    }
    if (!deliver(x, kind, &b->request, b->n)) {
        return false;
    }
    batch_clear(b);
    return true;
}

static bool all_sent(struct telemetry_export *x)
{
    bool sent = true;
    for (size_t k = 0; sent && k < TELEMETRY_ITEM_MAX_; k++) {
        sent = batch_send(x, k);
    }
    return sent;
}

static void keep(struct telemetry_export *x, enum telemetry_item kind, const unsigned char *bytes,
                 size_t n)
{
    struct batch *b = &x->batch[kind];
    unsigned char *copy = dm_arena_alloc(&b->a, n);
    if (!copy) {
        telemetry_ring_drop(x->ring, kind, 1);
        return;
    }
    memcpy(copy, bytes, n);
    b->item[b->n++] = (struct otlp_bytes){copy, n};
}

/* Everything that is waiting, as far as the collector takes it. */
static void flush(struct telemetry_export *x)
{
    const unsigned char *bytes;
    enum telemetry_item kind;
    size_t n;
    if (x->in_vain ||
        (x->pause_ms && dm_ms_since(x->tried) < x->pause_ms && !telemetry_ring_stopped(x->ring))) {
        return;
    }
    if (!all_sent(x)) { /* from before */
        return;
    }
    while ((bytes = telemetry_ring_next(x->ring, &kind, &n)) != NULL) {
        keep(x, kind, bytes, n);
        if (x->batch[kind].n == LIMIT_TELEMETRY_BATCH && !batch_send(x, kind)) {
            return;
        }
    }
    (void)all_sent(x);
}

static void measure(struct telemetry_export *x, bool now)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct otlp_bytes body = {NULL, 0};
    if (!x->t) {
        return;
    }
    for (unsigned k = 0; k < TELEMETRY_ITEM_MAX_; k++) {
        static const char *const names[] = {"traces", "logs"};
        telemetry_set(x->t, TELEMETRY_OTLP_DROPPED, TELEMETRY_LABELS(names[k]),
                      (double)telemetry_ring_dropped(x->ring, k));
    }
    if (x->o.metric_ms <= 0 || (!now && dm_ms_since(x->measured) < x->o.metric_ms) ||
        (x->pause_ms && !now)) {
        return;
    }
    x->measured = dm_now();
    if (otlp_metrics(&x->o.from, x->t, &a, &body, NULL) >= 0 && body.n > 0) {
        (void)deliver(x, TELEMETRY_ITEM_MAX_, &body, 0);
    }
}

static void end_metrics(struct telemetry_export *x)
{
    if (x->curl) {
        measure(x, true);
    }
    (void)pthread_mutex_lock(&x->mu);
    x->t = NULL;
    (void)pthread_cond_signal(&x->done);
    (void)pthread_mutex_unlock(&x->mu);
}

static void *run(void *ctx)
{
    struct telemetry_export *x = ctx;
    if (open_curl(x) < 0) {
        end_metrics(x);
        return NULL;
    }
    x->measured = dm_now();
    while (!telemetry_ring_stopped(x->ring)) {
        if (atomic_load(&x->last)) {
            end_metrics(x);
        }
        telemetry_ring_wait(x->ring, x->o.metric_ms > 0 ? DM_MIN(x->o.delay_ms, x->o.metric_ms)
                                                        : x->o.delay_ms);
        flush(x);
        measure(x, false);
    }
    flush(x);
    return NULL;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

int telemetry_export_new(const struct telemetry_export_options *o, struct telemetry_ring *ring,
                         struct telemetry *t, struct telemetry_export **ret, struct dm_err *e)
{
    struct telemetry_export *x = dm_calloc(1, sizeof(*x));
    size_t n = strlen(o->endpoint);
    if (!x) {
        DM_FAIL(e, DM_ENOMEM, "no memory for telemetry");
    }
    (void)pthread_mutex_init(&x->mu, NULL);
    (void)pthread_cond_init(&x->done, NULL);
    x->o = *o;
    x->ring = ring;
    x->t = t;
    n -= n > 0 && o->endpoint[n - 1] == '/';
    for (size_t i = 0; i < DM_COUNT(paths); i++) {
        (void)snprintf(x->url[i], sizeof(x->url[i]), "%.*s%s", (int)n, o->endpoint, paths[i]);
    }
    *ret = x;
    return DM_OK;
}

int telemetry_export_thread(struct telemetry_export *x, struct dm_err *e)
{
    if (pthread_create(&x->thread, NULL, run, x) != 0) {
        DM_FAIL(e, DM_EIO, "cannot start the thread that sends telemetry");
    }
    x->has_thread = true;
    return DM_OK;
}

int telemetry_export_process(struct telemetry_export *x, struct dm_err *e)
{
    const pid_t parent = getpid();
    x->child = fork();
    if (x->child < 0) {
        x->child = 0;
        DM_FAIL(e, DM_EIO, "cannot start the process that sends telemetry");
    }
    if (x->child == 0) {
        /* Its end is told through the ring: signals to the group are for the others. */
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            (void)run(x);
        }
        _exit(0);
    }
    return DM_OK;
}

void telemetry_export_last_metrics(struct telemetry_export *x)
{
    if (!x || !x->has_thread) {
        return;
    }
    atomic_store(&x->last, true);
    telemetry_ring_wake(x->ring);
    (void)pthread_mutex_lock(&x->mu);
    while (x->t) {
        (void)pthread_cond_wait(&x->done, &x->mu);
    }
    (void)pthread_mutex_unlock(&x->mu);
}

void telemetry_export_stop(struct telemetry_export *x)
{
    if (!x) {
        return;
    }
    telemetry_ring_stop(x->ring);
    if (x->has_thread) {
        (void)pthread_join(x->thread, NULL);
    }
    if (x->child > 0) {
        (void)waitpid(x->child, NULL, 0); /* a keeper that is process 1 may have reaped it */
    }
    (void)pthread_mutex_destroy(&x->mu);
    (void)pthread_cond_destroy(&x->done);
    curl_slist_free_all(x->headers);
    curl_easy_cleanup(x->curl);
    for (size_t k = 0; k < TELEMETRY_ITEM_MAX_; k++) {
        batch_clear(&x->batch[k]);
    }
    dm_free(x);
}

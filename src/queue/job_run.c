/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of a job in a child, and what handlers may call. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/worker_priv.h"
#include "telemetry/span.h"

enum { LIMIT_MARGIN_MS = 500 }; /* so that the keeper is faster than the end of the lease */

struct queue_run {
    struct process *p;
    struct slot *slot;
    struct queue_job job;
    uint64_t losses; /* of the database, before it began */
    bool done, excused;
};

struct store *queue_run_store(struct queue_run *r)
{
    return r->p->store;
}

void *queue_run_app(struct queue_run *r)
{
    return r->p->app->ctx;
}

bool queue_cancelled(const struct queue_run *r)
{
    return atomic_load(&r->slot->cancelled);
}

bool queue_excused(const struct queue_run *r)
{
    return r->excused || store_losses(r->p->store) != r->losses;
}

void queue_excuse(struct queue_run *r)
{
    r->excused = true;
}

/* A reader that meets a writer takes the old text: see the clerk. */
static void set_phase(struct slot *s, const char *phase)
{
    size_t n = strlen(phase);
    n = DM_MIN(n, PHASE_SIZE - 1);
    while (n > 0 && ((unsigned char)phase[n] & 0xC0) == 0x80) {
        n--;
    }
    atomic_fetch_add(&s->phase_turn, 1);
    memcpy(s->phase, phase, n);
    s->phase[n] = '\0';
    atomic_fetch_add(&s->phase_turn, 1);
}

int queue_progress(struct queue_run *r, int percent, const char *phase, struct dm_err *e)
{
    atomic_store(&r->slot->percent, DM_CLAMP(percent, 0, 100));
    if (phase && strcmp(phase, r->slot->phase) != 0) {
        set_phase(r->slot, phase);
    }
    struct fiber *f = queue_fiber_current();
    if (f) {
        queue_fiber_yield(f, 0);
    }
    if (queue_cancelled(r)) {
        DM_FAIL(e, DM_ECANCELLED, "the job was cancelled or its time is over");
    }
    return DM_OK;
}

int queue_done(struct queue_run *r, struct store_tx *tx, bool warning, const char *result,
               struct dm_err *e)
{
    DM_TRY(queue_finish(tx, store_now(), &r->job, warning, result, e));
    r->done = true;
    return DM_OK;
}

int queue_perform(void *unused, void *curl_easy)
{
    (void)unused;
    struct fiber *f = queue_fiber_current();
    return f ? queue_fiber_perform(f, curl_easy) : (int)curl_easy_perform(curl_easy);
}

void queue_pause(int ms)
{
    struct fiber *f = queue_fiber_current();
    if (f) {
        queue_fiber_yield(f, ms);
        return;
    }
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Private memory of this process, as RLIMIT_DATA counts it. */
static rlim_t data_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        char line[256] = "";
        char *rest = fgets(line, sizeof(line), f);
        for (int field = 0; rest && field < 5; field++) { /* size resident shared text lib data */
            rest = strchr(rest, ' ');
            rest = rest ? rest + 1 : NULL;
        }
        pages = rest ? strtoul(rest, NULL, 10) : 0;
        (void)fclose(f);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* The soft limit can be taken back after the job. */
static void limit_memory(int64_t bytes)
{
    struct rlimit r;
    if (bytes <= 0 || getrlimit(RLIMIT_DATA, &r) < 0) {
        return;
    }
    rlim_t most = data_bytes() + (rlim_t)bytes;
    r.rlim_cur = DM_MIN(most, r.rlim_max);
    (void)setrlimit(RLIMIT_DATA, &r);
}

static void unlimit_memory(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_DATA, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_DATA, &r);
    }
}

/* ---- running --------------------------------------------------------------------------------- */

const struct queue_handler *queue_handler_of(const struct queue_app *app, enum queue_kind k)
{
    for (size_t i = 0; i < app->n; i++) {
        if (app->handlers[i].kind == k) {
            return &app->handlers[i];
        }
    }
    return NULL;
}

struct queue_job queue_slot_job(const struct slot *s)
{
    struct queue_job j = {
        .id = s->id,
        .uuid = s->uuid,
        .kind = s->kind,
        .attempt = s->attempt,
        .max_attempts = s->max_attempts,
        .started_ms = s->started_ms,
        .parent_id = s->parent_id,
    };
    memcpy(j.worker, s->worker, sizeof(j.worker));
    return j;
}

static int finish_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    return queue_done(ctx, tx, false, NULL, e);
}

static int run_loaded(struct queue_run *r, const struct queue_handler *h, struct dm_err *e)
{
    DM_TRY(h->run(r, &r->job, e));
    return r->done ? DM_OK : store_run(r->p->store, STORE_WRITE, finish_in, r, e);
}

/* A child of the span that added the job, whichever attempt this is. */
static int run_handler(struct queue_run *r, const struct queue_handler *h, struct dm_arena *a,
                       struct dm_err *e)
{
    char name[64];
    struct telemetry_span span;
    const struct queue_job *j = &r->job;
    DM_TRY(queue_load(r->p->store, &r->job, a, e));
    const struct queue_kind_info *k = queue_kind_info(j->kind);
    (void)snprintf(name, sizeof(name), "run/%s", k->name);
    telemetry_span_remote(&span, TELEMETRY_CONSUMER, name, j->traceparent, NULL);
    telemetry_span_str(&span, "celery.action", "run");
    telemetry_span_str(&span, "celery.task_name", k->name);
    telemetry_span_str(&span, "messaging.message.id", j->uuid);
    telemetry_span_str(&span, "messaging.destination", k->queue);
    telemetry_span_int(&span, "celery.retries", j->attempt - 1);
    telemetry_span_int(&span, "demeter.job_id", j->id);
    telemetry_span_int(&span, "demeter.session_id", j->session_id);
    telemetry_span_int(&span, "demeter.image_id", j->image_id);
    const int code = run_loaded(r, h, e);
    telemetry_span_str(&span, "celery.state", code < 0 ? "FAILURE" : "SUCCESS");
    if (code < 0) {
        telemetry_span_fail(&span, dm_code_info(code)->slug);
    }
    telemetry_span_end(&span);
    return code;
}

/* The name of a failure for programs: the handler's own, else that of the code. */
static const char *name_of(const struct dm_err *e, int code)
{
    for (size_t i = 0; i < e->n_fields; i++) {
        if (!strcmp(e->field[i].name, "code") && e->field[i].type == DM_FIELD_STR) {
            return e->field[i].s;
        }
    }
    return dm_code_info(code)->slug;
}

static void note_outcome(const struct queue_run *r, int code, const struct dm_err *e)
{
    struct slot *s = r->slot;
    s->outcome = OUTCOME_DONE;
    if (code == DM_ECANCELLED) {
        bool drained = atomic_load(&s->reason) == STOP_DRAIN;
        s->outcome = drained ? OUTCOME_RELEASED : OUTCOME_LOST;
    } else if (code < 0) {
        s->outcome = !dm_code_info(code)->retry ? OUTCOME_LASTING
                     : queue_excused(r)         ? OUTCOME_AWAY
                                                : OUTCOME_PASSING;
    }
    (void)snprintf(s->code, sizeof(s->code), "%s", code < 0 ? name_of(e, code) : "");
    (void)snprintf(s->message, sizeof(s->message), "%s", code < 0 ? dm_err_text(e) : "");
}

void queue_slot_run(struct process *p, struct slot *s)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct queue_run r = {
        .p = p, .slot = s, .job = queue_slot_job(s), .losses = store_losses(p->store)};
    const struct queue_handler *h = queue_handler_of(p->app, s->kind);
    bool limited = p->self->role == ROLE_CPU;
    int given = SLOT_GIVEN;
    DM_BUG_UNLESS(h != NULL); /* the clerk takes no other kinds */
    int64_t limit_ms = (int64_t)queue_kind_info(s->kind)->limit_s * 1000 - LIMIT_MARGIN_MS;
    limit_ms = h->limit_ms ? DM_MIN(h->limit_ms, limit_ms) : limit_ms;
    atomic_store(&s->deadline, dm_now() + limit_ms * 1000);
    if (!atomic_compare_exchange_strong(&s->state, &given, SLOT_RUNNING)) {
        return; /* the keeper drains and took it back */
    }
    if (limited) {
        limit_memory(h->memory_bytes ? h->memory_bytes : p->o->memory_bytes);
    }
    int code = run_handler(&r, h, &a, &e);
    if (limited) {
        unlimit_memory();
    }
    e.code = code < 0 ? code : DM_OK;
    note_outcome(&r, code, &e);
    dm_arena_clear(&a);
    atomic_store(&s->state, SLOT_ENDED);
    queue_wake(p->sh->child[0].wake);
}

int queue_child_begin(struct process *p, enum queue_pool pool, struct dm_err *e)
{
    DM_TRY(p->app->open(p->app->ctx, &p->store, e));
    if (p->app->begin) {
        DM_TRY(p->app->begin(p->app->ctx, pool, p->store, e));
    }
    atomic_store(&p->self->ready, true);
    queue_wake(p->sh->child[0].wake);
    return DM_OK;
}

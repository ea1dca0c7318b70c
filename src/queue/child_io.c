/* SPDX-License-Identifier: Apache-2.0
 *
 * The io child: one event loop (curl multi), each job a fiber on it. A job leaves the processor
 * when it transfers (queue_perform), waits (queue_pause) or says how far it is. */
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "queue/fiber.h"
#include "queue/worker_priv.h"
#include "telemetry/span.h"

enum { IDLE_MS = 10000, IDLE_CONNECTIONS = 64 };

/* Why a fiber of a place sleeps. */
struct place {
    struct io_loop *loop;
    struct slot *slot;
    struct fiber *fiber; /* made for the first job */
    CURL *transfer;      /* waits for it, NULL: for the time */
    CURLcode result;
    dm_usec until;
};

struct io_loop {
    struct process *p;
    CURLM *multi;
    int n, jobs;
    struct place place[PLACES_IO_MAX];
};

static struct place *running; /* of this process, NULL outside its fibers */

struct fiber *queue_fiber_current(void)
{
    return running ? running->fiber : NULL;
}

/* Each fiber has its own current span. */
static void switch_back(struct fiber *f)
{
    struct telemetry_span *mine = telemetry_span_current();
    telemetry_span_switch(NULL);
    fiber_switch_back(f);
    telemetry_span_switch(mine);
}

void queue_fiber_yield(struct fiber *f, int ms)
{
    running->until = dm_now() + INT64_C(1000) * ms;
    switch_back(f);
}

int queue_fiber_perform(struct fiber *f, void *curl_easy)
{
    struct place *here = running;
    (void)curl_easy_setopt(curl_easy, CURLOPT_PRIVATE, here);
    if (curl_multi_add_handle(here->loop->multi, curl_easy) != CURLM_OK) {
        return CURLE_FAILED_INIT;
    }
    here->transfer = curl_easy;
    switch_back(f);
    return (int)here->result;
}

static void job_on_fiber(void *ctx)
{
    struct place *here = ctx;
    queue_slot_run(here->loop->p, here->slot);
}

/* Give it the processor until it waits again. */
static void turn(struct place *here, bool first)
{
    struct io_loop *l = here->loop;
    running = here;
    atomic_store(&l->p->self->current, (int)(here->slot - l->p->sh->slot));
    if (first) {
        fiber_start(here->fiber, job_on_fiber, here);
    } else {
        fiber_resume(here->fiber);
    }
    atomic_store(&l->p->self->current, -1);
    running = NULL;
}

static void begin_given(struct io_loop *l)
{
    for (int i = 0; i < l->n; i++) {
        struct place *here = &l->place[i];
        if (atomic_load(&here->slot->state) != SLOT_GIVEN) {
            continue;
        }
        if (!here->fiber && fiber_new(&here->fiber, NULL) < 0) {
            continue; /* later, with more memory */
        }
        l->jobs++;
        turn(here, true);
    }
}

static void end_transfers(struct io_loop *l)
{
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(l->multi, &left))) {
        struct place *here = NULL;
        if (m->msg != CURLMSG_DONE) {
            continue;
        }
        CURL *easy = m->easy_handle;
        CURLcode result = m->data.result;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&here);
        (void)curl_multi_remove_handle(l->multi, easy);
        here->transfer = NULL;
        here->result = result;
        turn(here, false);
    }
}

static bool waits_for_time(const struct place *here)
{
    return here->fiber && fiber_busy(here->fiber) && !here->transfer;
}

static void wake_sleepers(struct io_loop *l)
{
    for (int i = 0; i < l->n; i++) {
        if (waits_for_time(&l->place[i]) && dm_now() >= l->place[i].until) {
            turn(&l->place[i], false);
        }
    }
}

static int wait_ms(const struct io_loop *l)
{
    dm_usec now = dm_now();
    int64_t ms = IDLE_MS;
    for (int i = 0; i < l->n; i++) {
        if (waits_for_time(&l->place[i])) {
            ms = DM_MIN(ms, DM_MAX((l->place[i].until - now + 999) / 1000, 0));
        }
    }
    return (int)ms;
}

static bool busy(const struct io_loop *l)
{
    for (int i = 0; i < l->n; i++) {
        int state = atomic_load(&l->place[i].slot->state);
        if (state == SLOT_GIVEN || (l->place[i].fiber && fiber_busy(l->place[i].fiber))) {
            return true;
        }
    }
    return false;
}

static void loop(struct io_loop *l)
{
    struct process *p = l->p;
    struct curl_waitfd news = {.fd = p->self->wake, .events = CURL_WAIT_POLLIN};
    for (;;) {
        int alive;
        uint64_t n;
        begin_given(l);
        (void)curl_multi_perform(l->multi, &alive);
        end_transfers(l);
        wake_sleepers(l);
        bool old = p->o->max_jobs > 0 && l->jobs >= p->o->max_jobs * l->n;
        if (old) {
            atomic_store(&p->self->retiring, true);
        }
        if ((old || atomic_load(&p->sh->stopping)) && !busy(l)) {
            return;
        }
        (void)curl_multi_poll(l->multi, &news, 1, wait_ms(l), NULL);
        ssize_t got = read(p->self->wake, &n, sizeof(n));
        (void)got;
    }
}

int queue_io_main(struct process *p)
{
    struct dm_err e = {0};
    struct io_loop *l = dm_calloc(1, sizeof(*l));
    if (!l || queue_child_begin(p, QUEUE_POOL_IO, &e) < 0) {
        queue_note(p, DM_LOG_ERROR, "io child cannot begin", &e);
        return CHILD_NOT_READY;
    }
    l->p = p;
    l->n = p->self->n;
    l->multi = curl_multi_init();
    if (!l->multi) {
        return CHILD_NOT_READY;
    }
    (void)curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    for (int i = 0; i < l->n; i++) {
        l->place[i].loop = l;
        l->place[i].slot = &p->sh->slot[p->self->first + i];
    }
    loop(l);
    for (int i = 0; i < l->n; i++) {
        fiber_free(l->place[i].fiber);
    }
    (void)curl_multi_cleanup(l->multi);
    if (p->app->end) {
        p->app->end(p->app->ctx);
    }
    store_close(p->store);
    dm_free(l);
    return CHILD_OK;
}

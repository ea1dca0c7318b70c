/* SPDX-License-Identifier: Apache-2.0
 *
 * The clerk: the one process of a worker that moves jobs between the database and the slots. It
 * keeps nothing that its successor would need: a clerk that is killed costs nobody an attempt. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/worker_priv.h"

enum {
    TROUBLE_MS = 1000, /* pause after the database failed */
    AWAY_MS = 1000,    /* before a job that lost it, or another server, is given again */
    SETTLE_MS = 5000,  /* most time to renew leases after it was away, before any is swept */
    WRITE_MS = 1000,   /* progress is written as often, and the state shown */
    TOKENS_MAX = 32,
    LISTEN_MS = 1000,
    SAFETY_MS = 15000, /* looking without news when a carrier tells */
};

struct clerk {
    struct process *p;
    struct shared *sh;
    struct queue_carrier *carrier;
    uint32_t kinds[QUEUE_POOL_MAX_];    /* of the queues, with a handler in that pool */
    const char *queue[QUEUE_KIND_MAX_]; /* that are listened to */
    size_t n_queues;
    bool look[QUEUE_POOL_MAX_]; /* there may be something to take */
    bool listening, trouble;
    bool forgotten; /* a commit that failed may have taken a job all the same */
    dm_usec next_look, next_sweep, next_listen, next_show, not_before;
    size_t n_tokens;
    char token[TOKENS_MAX][QUEUE_ENTRY_SIZE];
};

static void look_again(struct clerk *c)
{
    for (int pool = 0; pool < QUEUE_POOL_MAX_; pool++) {
        c->look[pool] = c->kinds[pool] != 0;
    }
}

/* Leases that ended while the database was away belong to workers that live: they renew them first,
 * this one and those of other machines. Also at the start, which may be the end of an outage. */
static void sweep_later(struct clerk *c)
{
    int ms = DM_MIN(c->p->o->sweep_ms, SETTLE_MS);
    c->next_sweep = DM_MAX(c->next_sweep, dm_now() + INT64_C(1000) * ms);
}

/* The database does not work: say so once, and wait a little. */
static void in_trouble(struct clerk *c, const struct dm_err *e)
{
    if (!c->trouble) {
        queue_note(c->p, DM_LOG_WARNING, "jobs: the database is in trouble", e);
    }
    c->trouble = c->forgotten = true;
    c->not_before = dm_now() + INT64_C(1000) * TROUBLE_MS;
}

static void out_of_trouble(struct clerk *c)
{
    if (c->trouble) {
        queue_note(c->p, DM_LOG_INFO, "jobs: the database works again", NULL);
        sweep_later(c);
    }
    c->trouble = false;
    atomic_store(&c->sh->beat_ms, store_now());
}

static void note_dead(struct clerk *c, const struct slot *s)
{
    const struct queue_app *app = c->p->app;
    atomic_fetch_add(&c->sh->failed, 1);
    if (app->note) {
        app->note(app->ctx, DM_LOG_WARNING, "job is a dead letter",
                  DM_FIELDS(DM_S("job", s->uuid), DM_S("kind", queue_kind_info(s->kind)->name),
                            DM_I("attempt", s->attempt), DM_S("code", s->code),
                            DM_S("reason", s->message)));
    }
}

/* ---- outcomes into rows ---------------------------------------------------------------------- */

static int write_outcome(struct clerk *c, struct slot *s, struct dm_err *e)
{
    const struct queue_job j = queue_slot_job(s);
    struct store *store = c->p->store;
    bool dead = false;
    int code = DM_OK;
    switch (s->outcome) {
    case OUTCOME_PASSING:
    case OUTCOME_LASTING:
        code = queue_fail(store, store_now(), &j, s->outcome == OUTCOME_PASSING, s->code,
                          s->message, &dead, e);
        break;
    case OUTCOME_RELEASED:
        code = queue_release(store, store_now(), &j, 0, "worker_drain", e);
        break;
    case OUTCOME_AWAY:
        code = queue_release(store, store_now(), &j, AWAY_MS, "server_away", e);
        break;
    case OUTCOME_DONE:
        atomic_fetch_add(&c->sh->done, 1);
        break;
    case OUTCOME_LOST:
        break;
    }
    if (dead) {
        note_dead(c, s);
    }
    return code == DM_ECANCELLED ? DM_OK : code; /* somebody else's by now */
}

/* A finished child may let its parent begin, on another machine too. */
static void tell_parent(struct clerk *c, int64_t parent_id)
{
    struct queue_name parent;
    if (queue_carrier_up(c->carrier) && queue_find(c->p->store, parent_id, &parent, NULL) > 0) {
        (void)queue_carrier_publish(c->carrier, queue_kind_info(parent.kind)->queue, parent.uuid,
                                    NULL, NULL);
    }
}

static void settle(struct clerk *c)
{
    for (int i = 0; i < c->sh->n_slots; i++) {
        struct slot *s = &c->sh->slot[i];
        struct dm_err e = {0};
        if (atomic_load(&s->state) != SLOT_ENDED) {
            continue;
        }
        if (write_outcome(c, s, &e) < 0) {
            in_trouble(c, &e);
            return;
        }
        out_of_trouble(c);
        (void)queue_carrier_ack(c->carrier, s->entry, NULL); /* else the sweeper does */
        if (s->parent_id) {
            tell_parent(c, s->parent_id);
        }
        atomic_store(&s->state, SLOT_FREE);
        look_again(c);
    }
}

/* ---- leases ---------------------------------------------------------------------------------- */

/* The phase as its writer left it; the old one while he writes. */
static void read_phase(struct slot *s, char ret[static PHASE_SIZE])
{
    uint32_t before = atomic_load(&s->phase_turn);
    memcpy(ret, s->phase, PHASE_SIZE);
    ret[PHASE_SIZE - 1] = '\0';
    if (before % 2 || atomic_load(&s->phase_turn) != before) {
        memcpy(ret, s->written_phase, PHASE_SIZE);
    }
}

static bool renewal_due(const struct clerk *c, struct slot *s, int64_t now_ms)
{
    char phase[PHASE_SIZE];
    int state = atomic_load(&s->state);
    if ((state != SLOT_RUNNING && state != SLOT_GIVEN) || atomic_load(&s->cancelled)) {
        return false;
    }
    read_phase(s, phase);
    bool news =
        atomic_load(&s->percent) != s->written_percent || strcmp(phase, s->written_phase) != 0;
    int64_t since = now_ms - s->renewed_ms;
    /* a clock that was set back makes since negative */
    return since < 0 || since >= c->p->o->lease_ms / 4 || (news && since >= WRITE_MS);
}

static int renew_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct clerk *c = ctx;
    int64_t now_ms = store_now();
    for (int i = 0; i < c->sh->n_slots; i++) {
        struct slot *s = &c->sh->slot[i];
        if (!renewal_due(c, s, now_ms)) {
            continue;
        }
        const struct queue_job j = queue_slot_job(s);
        char phase[PHASE_SIZE];
        int percent = atomic_load(&s->percent);
        read_phase(s, phase);
        int held =
            queue_renew_in(tx, now_ms, &j, c->p->o->lease_ms, percent, phase[0] ? phase : NULL, e);
        DM_TRY(held);
        if (!held && atomic_load(&s->state) != SLOT_ENDED) {
            atomic_store(&s->cancelled, true); /* the keeper gives it a moment to return */
        }
        s->renewed_ms = now_ms;
        s->written_percent = percent;
        memcpy(s->written_phase, phase, sizeof(phase));
    }
    return DM_OK;
}

static void renew(struct clerk *c)
{
    struct dm_err e = {0};
    bool due = false;
    int64_t now_ms = store_now();
    for (int i = 0; i < c->sh->n_slots; i++) {
        due = due || renewal_due(c, &c->sh->slot[i], now_ms);
    }
    if (due && dm_now() >= c->not_before) {
        if (store_run(c->p->store, STORE_WRITE, renew_in, c, &e) < 0) {
            in_trouble(c, &e);
        } else {
            out_of_trouble(c);
        }
    }
}

/* ---- new jobs -------------------------------------------------------------------------------- */

static enum queue_pool pool_of(const struct child *child)
{
    return child->role == ROLE_IO ? QUEUE_POOL_IO : QUEUE_POOL_CPU;
}

/* Whether slot i of a child can be given a job. */
static bool is_idle(const struct clerk *c, const struct child *child, int i)
{
    return atomic_load(&child->ready) && !atomic_load(&child->retiring) &&
           atomic_load(&c->sh->slot[i].state) == SLOT_FREE;
}

static size_t idle_places(const struct clerk *c)
{
    size_t n = 0;
    for (int k = 1; k < c->sh->n_children; k++) {
        const struct child *child = &c->sh->child[k];
        for (int i = child->first; i < child->first + child->n; i++) {
            n += is_idle(c, child, i);
        }
    }
    return n;
}

static void slot_name(const struct clerk *c, int i, char ret[static QUEUE_WORKER_MAX + 1])
{
    (void)snprintf(ret, QUEUE_WORKER_MAX + 1, "%s/%d", c->p->o->name, i);
}

static void fill(struct clerk *c, struct slot *s, const struct queue_job *j)
{
    atomic_store(&s->percent, 0);
    atomic_store(&s->cancelled, false);
    atomic_store(&s->reason, STOP_NONE);
    atomic_store(&s->deadline, 0);
    s->phase[0] = s->written_phase[0] = s->code[0] = s->message[0] = s->entry[0] = '\0';
    s->id = j->id;
    s->started_ms = s->renewed_ms = j->started_ms;
    s->parent_id = j->parent_id;
    s->kind = j->kind;
    s->attempt = j->attempt;
    s->max_attempts = j->max_attempts;
    s->written_percent = 0;
    (void)snprintf(s->uuid, sizeof(s->uuid), "%s", j->uuid);
    memcpy(s->worker, j->worker, sizeof(s->worker));
    if (c->n_tokens) {
        memcpy(s->entry, c->token[--c->n_tokens], sizeof(s->entry));
    }
    atomic_store(&s->state, SLOT_GIVEN);
}

/* 1: given, 0: there is none. */
static int give_one(struct clerk *c, struct child *child, int i, struct dm_err *e)
{
    struct dm_arena a = {0};
    struct queue_job j;
    char name[QUEUE_WORKER_MAX + 1];
    slot_name(c, i, name);
    int found = queue_take_of(c->p->store, store_now(), c->kinds[pool_of(child)], name,
                              c->p->o->lease_ms, &a, &j, e);
    if (found > 0) {
        fill(c, &c->sh->slot[i], &j);
        queue_wake(child->wake);
    }
    dm_arena_clear(&a);
    return found;
}

static int give_child(struct clerk *c, struct child *child, struct dm_err *e)
{
    for (int i = child->first; i < child->first + child->n; i++) {
        if (!c->look[pool_of(child)] || atomic_load(&c->sh->draining)) {
            return DM_OK;
        }
        if (is_idle(c, child, i)) {
            int found = give_one(c, child, i, e);
            DM_TRY(found);
            c->look[pool_of(child)] = found > 0;
        }
    }
    return DM_OK;
}

/* When a delayed job becomes due nobody tells. */
static void plan_look(struct clerk *c)
{
    int64_t due_ms = 0;
    int64_t now_ms = store_now();
    if (!queue_carrier_up(c->carrier) ||
        queue_next_due(c->p->store, now_ms, c->kinds[0] | c->kinds[1], &due_ms, NULL) < 0 ||
        !due_ms) {
        return;
    }
    c->next_look = DM_MIN(c->next_look, dm_now() + INT64_C(1000) * (due_ms - now_ms + 1));
}

static void give(struct clerk *c)
{
    struct dm_err e = {0};
    int code = DM_OK;
    bool looked = c->look[0] || c->look[1];
    if (!looked || dm_now() < c->not_before || atomic_load(&c->sh->draining)) {
        return;
    }
    for (int k = 1; code >= 0 && k < c->sh->n_children; k++) {
        code = give_child(c, &c->sh->child[k], &e);
    }
    if (code < 0) {
        in_trouble(c, &e);
        return;
    }
    out_of_trouble(c);
    if (!c->look[0] && !c->look[1]) {
        while (c->n_tokens) { /* of jobs that others have by now */
            (void)queue_carrier_ack(c->carrier, c->token[--c->n_tokens], NULL);
        }
        plan_look(c);
    }
}

/* ---- news ------------------------------------------------------------------------------------ */

static void listen(struct clerk *c)
{
    struct dm_err e = {0};
    if (c->listening || !queue_carrier_tells(c->carrier) || dm_now() < c->next_listen) {
        return;
    }
    c->listening = queue_carrier_listen(c->carrier, c->queue, c->n_queues, c->p->o->name, &e) >= 0;
    c->next_listen = dm_now() + INT64_C(1000) * LISTEN_MS;
    look_again(c);
    if (c->listening) {
        queue_note(c->p, DM_LOG_DEBUG, "listening to Redis", NULL);
    }
}

static void hear(struct clerk *c)
{
    struct dm_err e = {0};
    size_t idle = idle_places(c);
    int got = 0;
    while (c->listening && c->n_tokens < DM_MIN(idle, TOKENS_MAX) &&
           (got = queue_carrier_next(c->carrier, c->token[c->n_tokens], &e)) > 0) {
        c->n_tokens++;
        look_again(c);
    }
    if (got < 0) {
        queue_note(c->p, DM_LOG_WARNING, "Redis is away, jobs are found in the database", &e);
        c->listening = false;
    }
    if (dm_now() >= c->next_look) {
        int ms = c->listening ? DM_MAX(SAFETY_MS, c->p->o->poll_ms) : c->p->o->poll_ms;
        c->next_look = dm_now() + INT64_C(1000) * ms;
        look_again(c);
    }
}

static void sweep(struct clerk *c)
{
    struct dm_err e = {0};
    struct queue_swept swept = {0};
    int64_t missing = 0;
    int ms = c->p->o->sweep_ms;
    if (dm_now() < c->next_sweep || dm_now() < c->not_before) {
        return;
    }
    c->next_sweep = dm_now() + INT64_C(1000) * ms;
    (void)(c->listening ? queue_carrier_claim(c->carrier, c->p->o->lease_ms, NULL) : DM_OK);
    int mine = queue_worker_present(c->p->store, store_now(), c->p->o->name, 3 * ms, &e);
    if (mine >= 0) {
        mine = queue_duty(c->p->store, store_now(), "sweep", c->p->o->name, 2 * ms, &e);
    }
    if (mine > 0) {
        mine = queue_sweep(c->p->store, store_now(), &swept, &e);
    }
    if (mine < 0) {
        in_trouble(c, &e);
        return;
    }
    out_of_trouble(c);
    if (swept.again) {
        look_again(c);
    }
    if (c->listening) {
        (void)queue_carrier_sweep(c->carrier, c->p->store, store_now(), &missing, NULL);
    }
    atomic_fetch_add(&c->sh->requeued, swept.again + missing);
}

static void show_state(struct clerk *c)
{
    const struct queue_app *app = c->p->app;
    if (app->state && dm_now() >= c->next_show) {
        const struct queue_worker_state st = queue_state_of(c->p->o, c->sh);
        app->state(app->ctx, c->p->o, &st);
        c->next_show = dm_now() + INT64_C(1000) * WRITE_MS;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void wait_for_news(struct clerk *c)
{
    dm_usec now = dm_now();
    dm_usec until = DM_MIN(c->next_look, c->next_sweep);
    uint64_t n;
    struct pollfd p[2] = {{.fd = c->p->self->wake, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (c->listening && idle_places(c) > c->n_tokens) {
        p[1].fd = queue_carrier_fd(c->carrier);
    }
    if (c->trouble) {
        until = DM_MIN(until, c->not_before);
    }
    until = DM_MIN(until, now + INT64_C(1000) * WRITE_MS);
    (void)poll(p, 2, (int)DM_MAX((until - now + 999) / 1000, 0));
    if (read(c->p->self->wake, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
        look_again(c);
    }
}

/* What a clerk that died took and did not give goes back. */
static int recover(struct clerk *c, struct dm_err *e)
{
    struct dm_arena a = {0};
    const char *names = "";
    const char *ids = "";
    for (int i = 0; names && ids && i < c->sh->n_slots; i++) {
        char name[QUEUE_WORKER_MAX + 1];
        slot_name(c, i, name);
        names = dm_arena_printf(&a, "%s%s\"%s\"", names, *names ? "," : "", name);
        if (atomic_load(&c->sh->slot[i].state) != SLOT_FREE) {
            ids = dm_arena_printf(&a, "%s%s%" PRId64, ids, *ids ? "," : "", c->sh->slot[i].id);
        }
    }
    names = names ? dm_arena_printf(&a, "[%s]", names) : NULL;
    ids = ids ? dm_arena_printf(&a, "[%s]", ids) : NULL;
    int code = names && ids ? queue_release_lost(c->p->store, store_now(), names, ids, e)
                            : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for names");
    dm_arena_clear(&a);
    return code;
}

/* After an outage likewise: nobody runs what was taken by a commit whose answer was lost. */
static void remember(struct clerk *c)
{
    struct dm_err e = {0};
    if (!c->forgotten || dm_now() < c->not_before) {
        return;
    }
    if (recover(c, &e) < 0) {
        in_trouble(c, &e);
        return;
    }
    out_of_trouble(c);
    c->forgotten = false;
}

static void choose_kinds(struct clerk *c)
{
    const struct queue_worker_options *o = c->p->o;
    uint32_t wanted = o->queues ? queue_kinds_of(o->queues, o->n_queues) : UINT32_MAX;
    for (size_t i = 0; i < c->p->app->n; i++) {
        const struct queue_handler *h = &c->p->app->handlers[i];
        int places = h->pool == QUEUE_POOL_IO ? o->io : o->cpu;
        const char *queue = queue_kind_info(h->kind)->queue;
        if (!places || !(wanted >> h->kind & 1)) {
            continue;
        }
        c->kinds[h->pool] |= UINT32_C(1) << h->kind;
        bool known = false;
        for (size_t k = 0; k < c->n_queues; k++) {
            known = known || !strcmp(c->queue[k], queue);
        }
        if (!known) {
            c->queue[c->n_queues++] = queue;
        }
    }
}

static int begin(struct clerk *c, struct dm_err *e)
{
    struct process *p = c->p;
    DM_TRY(queue_carrier_open(p->o->carrier, p->o->carrier_password, &c->carrier, e));
    DM_TRY(p->app->open(p->app->ctx, &p->store, e));
    choose_kinds(c);
    DM_TRY(recover(c, e));
    look_again(c);
    sweep_later(c);
    atomic_store(&p->self->ready, true);
    return DM_OK;
}

int queue_clerk_main(struct process *p)
{
    struct clerk c = {.p = p, .sh = p->sh};
    struct dm_err e = {0};
    if (begin(&c, &e) < 0) {
        queue_note(p, DM_LOG_ERROR, "clerk cannot begin", &e);
        return CHILD_NOT_READY;
    }
    while (!atomic_load(&p->sh->stopping)) {
        settle(&c);
        listen(&c);
        hear(&c);
        remember(&c);
        give(&c);
        renew(&c);
        sweep(&c);
        show_state(&c);
        wait_for_news(&c);
    }
    queue_carrier_close(c.carrier);
    store_close(p->store);
    return CHILD_OK;
}

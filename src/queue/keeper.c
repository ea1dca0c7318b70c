/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper: forks the clerk and the children, reaps them, writes into their slots what they died
 * of, kills those that hang, and drains. It never opens the database and has one thread, so that
 * what it forks is whole. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "queue/worker_priv.h"

enum {
    TICK_MS = 200,
    LOST_GRACE_MS = 10000, /* for a job to notice that it was cancelled */
    DRAIN_GRACE_MS = 1000,
    EXIT_GRACE_MS = 5000,
    FIRST_PAUSE_MS = 100, /* before a child that died without ever being ready is forked again */
    LAST_PAUSE_MS = 10000,
    FIRST_FAILURES = 3, /* of the clerk, before it was ever ready: the worker gives up */
};

struct queue_worker {
    struct process p;
    struct queue_worker_options o;
    struct shared *sh;
    char name[QUEUE_WORKER_MAX - 8];
    pid_t pid; /* of the keeper, when it is a child of this process */
    /* the keeper's */
    sigset_t before;
    int signals;
    bool clerk_was_ready;
    int stops;         /* signals to stop, so far */
    dm_usec drain_end; /* 0 while not draining */
    dm_usec exit_end;  /* 0 while not stopping */
    bool drain_over;   /* jobs were told to return */
};

void queue_wake(int eventfd)
{
    const uint64_t one = 1;
    ssize_t n = write(eventfd, &one, sizeof(one));
    (void)n; /* full: it is awake anyway */
}

void queue_note(const struct process *p, int level, const char *message, const struct dm_err *e)
{
    if (p->app->note) {
        p->app->note(p->app->ctx, level, message,
                     e ? DM_FIELDS(DM_S("error", dm_err_text(e)))
                       : DM_FIELDS(DM_I("pid", getpid())));
    }
}

/* ---- children -------------------------------------------------------------------------------- */

static const char *const role_names[] = {"clerk", "cpu", "io"};

static int child_main(struct queue_worker *w, struct child *c, pid_t keeper)
{
    static int (*const mains[])(struct process *) = {queue_clerk_main, queue_cpu_main,
                                                     queue_io_main};
    char title[16];
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper) {
        return CHILD_OK; /* it died between */
    }
    (void)snprintf(title, sizeof(title), "demeter-%s", role_names[c->role]);
    (void)prctl(PR_SET_NAME, title);
    (void)close(w->signals);
    /* Ctrl-C reaches the whole group; the keeper decides. */
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGTERM, &ignore, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigprocmask(SIG_SETMASK, &w->before, NULL);
    w->p.self = c;
    return mains[c->role](&w->p);
}

static void spawn(struct queue_worker *w, struct child *c)
{
    pid_t keeper = getpid();
    atomic_store(&c->ready, false);
    atomic_store(&c->retiring, false);
    atomic_store(&c->current, -1);
    c->began = dm_now();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(child_main(w, c, keeper));
    }
    if (pid < 0) {
        c->again = dm_now() + INT64_C(1000) * LAST_PAUSE_MS;
        return;
    }
    c->pid = pid;
}

/* What a slot whose child has died gets as its outcome. */
static void charge(struct queue_worker *w, struct slot *s, bool guilty, int status)
{
    int reason = atomic_load(&s->reason);
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    s->outcome = OUTCOME_PASSING;
    if (reason == STOP_HANG) {
        (void)snprintf(s->code, sizeof(s->code), "worker_hang");
        (void)snprintf(s->message, sizeof(s->message),
                       "the job did not end within its time and was stopped by SIG%s",
                       sigabbrev_np(signal));
    } else if (reason == STOP_LOST) {
        s->outcome = OUTCOME_LOST;
    } else if (reason == STOP_DRAIN || !guilty) {
        s->outcome = OUTCOME_RELEASED;
    } else {
        (void)snprintf(s->code, sizeof(s->code), "worker_crash");
        if (signal) {
            (void)snprintf(s->message, sizeof(s->message), "the worker died of SIG%s (%s)",
                           sigabbrev_np(signal), sigdescr_np(signal));
        } else {
            (void)snprintf(s->message, sizeof(s->message), "the worker left with status %d",
                           WEXITSTATUS(status));
        }
        atomic_fetch_add(&w->sh->crashes, 1);
    }
    atomic_store(&s->state, SLOT_ENDED);
}

/* An io child has many jobs; the one whose fiber ran, or that hung, pays. */
static bool is_guilty(const struct child *c, const struct shared *sh, int i)
{
    int current = atomic_load(&c->current);
    return c->role == ROLE_CPU || current == i || atomic_load(&sh->slot[i].reason) == STOP_HANG;
}

static void mourn(struct queue_worker *w, struct child *c, int status)
{
    struct shared *sh = w->sh;
    char message[80];
    bool was_ready = atomic_load(&c->ready);
    bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_OK;
    c->pid = 0;
    for (int i = c->first; i < c->first + c->n; i++) {
        if (atomic_load(&sh->slot[i].state) == SLOT_RUNNING) {
            charge(w, &sh->slot[i], is_guilty(c, sh, i), status);
        }
    }
    c->failures = was_ready ? 0 : c->failures + 1;
    c->again = dm_now();
    if (!was_ready && !in_order) {
        int64_t pause = (int64_t)FIRST_PAUSE_MS << DM_MIN(c->failures - 1, 10);
        c->again += INT64_C(1000) * DM_MIN(pause, LAST_PAUSE_MS);
    }
    if (in_order && !atomic_load(&sh->stopping)) {
        atomic_fetch_add(&sh->recycled, 1);
    }
    if (!in_order && WIFSIGNALED(status)) {
        (void)snprintf(message, sizeof(message), "%s child died of SIG%s", role_names[c->role],
                       sigabbrev_np(WTERMSIG(status)));
        queue_note(&w->p, DM_LOG_WARNING, message, NULL);
    }
    queue_wake(sh->child[0].wake);
}

/* Also children of others that process 1 inherits. */
static void reap(struct queue_worker *w)
{
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int i = 0; i < w->sh->n_children; i++) {
            if (w->sh->child[i].pid == pid) {
                mourn(w, &w->sh->child[i], status);
            }
        }
    }
}

/* ---- watching -------------------------------------------------------------------------------- */

static void end_slot(struct slot *s, enum stop_reason why, dm_usec deadline)
{
    int none = STOP_NONE;
    if (atomic_compare_exchange_strong(&s->reason, &none, why)) {
        atomic_store(&s->cancelled, true);
        atomic_store(&s->deadline, deadline);
    }
}

static void watch_slots(struct queue_worker *w, struct child *c)
{
    dm_usec now = dm_now();
    bool kill_it = false;
    for (int i = c->first; i < c->first + c->n; i++) {
        struct slot *s = &w->sh->slot[i];
        if (atomic_load(&s->state) != SLOT_RUNNING) {
            continue;
        }
        if (w->drain_over) {
            end_slot(s, STOP_DRAIN, now + INT64_C(1000) * DRAIN_GRACE_MS);
        } else if (atomic_load(&s->cancelled)) { /* the clerk says so */
            end_slot(s, STOP_LOST, now + INT64_C(1000) * LOST_GRACE_MS);
        }
        dm_usec deadline = atomic_load(&s->deadline);
        if (deadline && now > deadline) {
            int none = STOP_NONE;
            (void)atomic_compare_exchange_strong(&s->reason, &none, STOP_HANG);
            kill_it = true;
        }
    }
    if (kill_it && c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
    }
}

static bool slots_empty(const struct shared *sh)
{
    for (int i = 0; i < sh->n_slots; i++) {
        if (atomic_load(&sh->slot[i].state) != SLOT_FREE) {
            return false;
        }
    }
    return true;
}

/* What is given but not begun goes back at once when draining: nobody begins anything. */
static void take_back_given(struct shared *sh)
{
    for (int i = 0; i < sh->n_slots; i++) {
        int given = SLOT_GIVEN;
        if (atomic_compare_exchange_strong(&sh->slot[i].state, &given, SLOT_RUNNING)) {
            sh->slot[i].outcome = OUTCOME_RELEASED;
            atomic_store(&sh->slot[i].state, SLOT_ENDED);
        }
    }
}

static void drain(struct queue_worker *w)
{
    dm_usec now = dm_now();
    struct shared *sh = w->sh;
    if (!w->drain_end) {
        return;
    }
    take_back_given(sh);
    if (!w->drain_over && (now > w->drain_end || w->stops > 1)) {
        w->drain_over = true;
    }
    /* with the database away nobody can write the slots; their leases will end */
    bool too_late = w->drain_over && now > w->drain_end + INT64_C(1000) * EXIT_GRACE_MS;
    if (!w->exit_end && (slots_empty(sh) || too_late)) {
        w->exit_end = now + INT64_C(1000) * EXIT_GRACE_MS;
        atomic_store(&sh->stopping, true);
        for (int i = 0; i < sh->n_children; i++) {
            queue_wake(sh->child[i].wake);
        }
    }
    for (int i = 0; w->exit_end && now > w->exit_end && i < sh->n_children; i++) {
        if (sh->child[i].pid > 0) {
            (void)kill(sh->child[i].pid, SIGKILL);
        }
    }
}

static void begin_drain(struct queue_worker *w)
{
    w->stops++;
    if (w->stops > 1 && w->drain_end) {
        w->drain_end = DM_MIN(w->drain_end, dm_now());
        return;
    }
    w->drain_end = dm_now() + INT64_C(1000) * w->o.drain_ms;
    atomic_store(&w->sh->draining, true);
    queue_note(&w->p, DM_LOG_INFO, "worker drains", NULL);
}

static void read_signals(struct queue_worker *w)
{
    struct signalfd_siginfo s;
    while (read(w->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
        if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT) {
            begin_drain(w);
        }
    }
}

static bool any_child(const struct shared *sh)
{
    for (int i = 0; i < sh->n_children; i++) {
        if (sh->child[i].pid > 0) {
            return true;
        }
    }
    return false;
}

static void respawn(struct queue_worker *w)
{
    struct shared *sh = w->sh;
    for (int i = 0; i < sh->n_children; i++) {
        struct child *c = &sh->child[i];
        /* while draining only the clerk is needed, and those who still have something to do */
        bool needed = !atomic_load(&sh->draining) || c->role == ROLE_CLERK;
        if (c->pid == 0 && needed && dm_now() >= c->again) {
            spawn(w, c);
        }
    }
}

static int keep(struct queue_worker *w, struct dm_err *e)
{
    struct shared *sh = w->sh;
    for (;;) {
        struct pollfd p = {.fd = w->signals, .events = POLLIN};
        (void)poll(&p, 1, TICK_MS);
        read_signals(w);
        reap(w);
        w->clerk_was_ready = w->clerk_was_ready || atomic_load(&sh->child[0].ready);
        if (!w->clerk_was_ready && sh->child[0].failures >= FIRST_FAILURES) {
            DM_FAIL(e, DM_EIO, "the database of the jobs cannot be used");
        }
        for (int i = 1; i < sh->n_children; i++) {
            watch_slots(w, &sh->child[i]);
        }
        drain(w);
        if (!w->exit_end) {
            respawn(w);
        } else if (!any_child(sh)) {
            return DM_OK;
        }
    }
}

static void kill_all(struct queue_worker *w)
{
    for (int i = 0; i < w->sh->n_children; i++) {
        if (w->sh->child[i].pid > 0) {
            (void)kill(w->sh->child[i].pid, SIGKILL);
            (void)waitpid(w->sh->child[i].pid, NULL, 0);
        }
    }
}

/* The keeper's life, in the process that is it. */
static int keeper_main(struct queue_worker *w, struct dm_err *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, &w->before);
    w->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    int code = DM_OK;
    if (w->signals < 0) {
        code = dm_err_set(e, DM_EIO, __FILE__, __LINE__, "no descriptor for signals");
    } else if (w->p.app->prepare) {
        code = w->p.app->prepare(w->p.app->ctx, e);
    }
    if (code >= 0) {
        code = keep(w, e);
        kill_all(w);
    }
    (void)close(w->signals);
    (void)sigprocmask(SIG_SETMASK, &w->before, NULL);
    return code;
}

/* ---- making ---------------------------------------------------------------------------------- */

static void worker_free(struct queue_worker *w)
{
    if (w && w->sh) {
        for (int i = 0; i < w->sh->n_children; i++) {
            (void)close(w->sh->child[i].wake);
        }
        (void)munmap(w->sh, sizeof(*w->sh));
    }
    dm_free(w);
}
DM_DEFINE_CLEANUP(worker_freep, struct queue_worker *, worker_free)

static void name_it(struct queue_worker *w, const char *name)
{
    char host[48] = "";
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(w->name, sizeof(w->name), "%s", name && *name ? name : "");
    if (!w->name[0]) {
        (void)snprintf(w->name, sizeof(w->name), "%s:%d", host, (int)getpid());
    }
}

static int add_child(struct shared *sh, enum child_role role, int slots, struct dm_err *e)
{
    struct child *c = &sh->child[sh->n_children];
    *c = (struct child){.role = role, .first = sh->n_slots, .n = slots};
    c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->wake < 0) {
        DM_FAIL(e, DM_EIO, "no descriptor for a child");
    }
    sh->n_children++;
    sh->n_slots += slots;
    return DM_OK;
}

static int check(const struct queue_worker_options *o, const struct queue_app *app,
                 struct dm_err *e)
{
    if (o->cpu < 0 || o->io < 0 || o->cpu + o->io == 0 || o->cpu > PLACES_CPU_MAX ||
        o->io > PLACES_IO_MAX) {
        DM_FAIL(e, DM_EBADINPUT, "a worker has up to %d cpu places and up to %d io places",
                PLACES_CPU_MAX, PLACES_IO_MAX);
    }
    for (size_t i = 0; i < o->n_queues; i++) {
        DM_TRY(queue_name_check(o->queues[i], e));
    }
    DM_BUG_UNLESS(app->open != NULL);
    return DM_OK;
}

static int worker_new(const struct queue_worker_options *o, const struct queue_app *app,
                      struct queue_worker **ret, struct dm_err *e)
{
    DM_CLEANUP(worker_freep) struct queue_worker *w = NULL;
    DM_TRY(check(o, app, e));
    w = dm_calloc(1, sizeof(*w));
    void *memory =
        w ? mmap(NULL, sizeof(*w->sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
          : MAP_FAILED;
    if (memory == MAP_FAILED) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a worker");
    }
    w->sh = memory;
    w->o = *o;
    name_it(w, o->name);
    w->o.name = w->name;
    w->o.max_jobs = o->max_jobs ? o->max_jobs : 200;
    w->o.drain_ms = o->drain_ms ? o->drain_ms : 120000;
    w->o.lease_ms = o->lease_ms ? o->lease_ms : QUEUE_LEASE_MS;
    w->o.poll_ms = o->poll_ms ? o->poll_ms : 2000;
    w->o.sweep_ms = o->sweep_ms ? o->sweep_ms : 15000;
    w->p = (struct process){.o = &w->o, .app = app, .sh = w->sh};
    DM_TRY(add_child(w->sh, ROLE_CLERK, 0, e));
    for (int i = 0; i < o->cpu; i++) {
        DM_TRY(add_child(w->sh, ROLE_CPU, 1, e));
    }
    if (o->io) {
        DM_TRY(add_child(w->sh, ROLE_IO, o->io, e));
    }
    *ret = DM_STEAL(w);
    return DM_OK;
}

int queue_worker_run(const struct queue_worker_options *o, const struct queue_app *app,
                     struct dm_err *e)
{
    DM_CLEANUP(worker_freep) struct queue_worker *w = NULL;
    DM_TRY(worker_new(o, app, &w, e));
    return keeper_main(w, e);
}

/* ---- beside a server ------------------------------------------------------------------------- */

int queue_worker_start(const struct queue_worker_options *o, const struct queue_app *app,
                       struct queue_worker **ret, struct dm_err *e)
{
    DM_CLEANUP(worker_freep) struct queue_worker *w = NULL;
    DM_TRY(worker_new(o, app, &w, e));
    pid_t server = getpid();
    (void)fflush(NULL);
    w->pid = fork();
    if (w->pid < 0) {
        DM_FAIL(e, DM_EIO, "no process for the worker");
    }
    if (w->pid == 0) {
        struct dm_err why = {0};
        (void)prctl(PR_SET_NAME, "demeter-keeper");
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        w->pid = 0;
        int code = getppid() == server ? keeper_main(w, &why) : DM_OK;
        if (code < 0) {
            queue_note(&w->p, DM_LOG_ERROR, "worker stopped", &why);
        }
        _exit(code < 0);
    }
    *ret = DM_STEAL(w);
    return DM_OK;
}

void queue_worker_poke(struct queue_worker *w)
{
    if (w) {
        queue_wake(w->sh->child[0].wake);
    }
}

pid_t queue_worker_pid(const struct queue_worker *w)
{
    return w->pid;
}

bool queue_worker_lives(struct queue_worker *w)
{
    if (w && w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) == w->pid) {
        w->pid = 0;
    }
    return !w || w->pid > 0;
}

struct queue_worker_state queue_state_of(const struct queue_worker_options *o,
                                         const struct shared *sh)
{
    struct queue_worker_state st = {
        .cpu = o->cpu,
        .io = o->io,
        .done = atomic_load(&sh->done),
        .failed = atomic_load(&sh->failed),
        .crashes = atomic_load(&sh->crashes),
        .requeued = atomic_load(&sh->requeued),
        .recycled = atomic_load(&sh->recycled),
        .beat_ms = atomic_load(&sh->beat_ms),
    };
    for (int i = 0; i < sh->n_slots; i++) {
        int busy = atomic_load(&sh->slot[i].state) != SLOT_FREE;
        *(i < o->cpu ? &st.cpu_busy : &st.io_busy) += busy;
    }
    return st;
}

void queue_worker_state(const struct queue_worker *w, struct queue_worker_state *ret)
{
    *ret = queue_state_of(&w->o, w->sh);
}

void queue_worker_stop(struct queue_worker *w, bool now)
{
    if (!w) {
        return;
    }
    if (w->pid > 0) {
        (void)kill(w->pid, SIGTERM);
        if (now) {
            /* two pending signals of a kind are one: SIGINT is the second */
            (void)kill(w->pid, SIGINT);
        }
        while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    worker_free(w);
}

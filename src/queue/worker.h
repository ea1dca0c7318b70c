/* SPDX-License-Identifier: Apache-2.0
 *
 * Who runs jobs. One keeper process holds the models and forks; it never opens the database and has
 * no thread, so forking is always safe. Under it:
 *
 *   keeper ── clerk        takes jobs for idle places, renews leases, records crashes, sweeps
 *          ├─ cpu child    one job at a time; models shared copy-on-write      (N of them)
 *          └─ io child     one event loop, M jobs as fibers on it              (one)
 *
 * Each place for a job is a slot in memory that all share: what the job is, how far it is, when it
 * must end. So a child may die at any moment: its slot tells which job pays with an attempt, and
 * the signal is recorded with it ("worker_crash", "worker_hang", "worker_memory"). A clerk that
 * dies is forked again and goes on from the slots.
 *
 *   static int put(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
 *   {
 *       DM_TRY(queue_progress(r, 50, "upload", e));
 *       ... begin tx on queue_run_store(r), the effect, queue_push of what follows ...
 *       DM_TRY(queue_done(r, tx, false, NULL, e));
 *       return store_commit(&tx, e);
 *   }
 *   const struct queue_handler handlers[] = {{QUEUE_BLOB_PUT, QUEUE_POOL_IO, put}};
 *
 * What run returns: DM_OK without queue_done finishes the job with no result; a code whose row in
 * errors.def says retry is tried again after a pause (queue_excused: for nothing), any other is a
 * dead letter at once; its message is kept. DM_ECANCELLED: somebody cancelled it or took it over,
 * nothing is written. The error may be named for programs by a text field "code" (DM_REFUSE), else
 * the code's slug is. */
#ifndef QUEUE_WORKER_H
#define QUEUE_WORKER_H

#include <sys/types.h>

#include "queue/queue.h"

enum queue_pool { QUEUE_POOL_CPU, QUEUE_POOL_IO, QUEUE_POOL_MAX_ };

struct queue_run; /* one run of a job */
struct queue_worker_options;
struct queue_worker_state;

typedef int (*queue_run_fn)(struct queue_run *r, const struct queue_job *j, struct dm_err *e);

struct queue_handler {
    enum queue_kind kind;
    enum queue_pool pool;
    queue_run_fn run;
    int64_t memory_bytes; /* most a cpu child may allocate beyond what it shares; 0: of the pool */
    int limit_ms;         /* of one run when shorter than the kind's; 0: the kind's */
};

/* What the handlers stand on. Each hook may be NULL but open. */
struct queue_app {
    const struct queue_handler *handlers;
    size_t n;
    void *ctx; /* handed to every hook; queue_run_app */
    /* Once, in the keeper, before the first child: load models. Opens no database, starts no
     * thread. */
    int (*prepare)(void *ctx, struct dm_err *e);
    /* In the clerk and in every child: the database of that process, which closes it. */
    int (*open)(void *ctx, struct store **ret, struct dm_err *e);
    /* In every child after open: what the handlers of that pool need. */
    int (*begin)(void *ctx, enum queue_pool pool, struct store *s, struct dm_err *e);
    void (*end)(void *ctx); /* of a child that ends in order, before its database is closed */
    /* In the clerk, about once a second: what this worker is doing. */
    void (*state)(void *ctx, const struct queue_worker_options *o,
                  const struct queue_worker_state *st);
    /* Something that an operator should read, enum dm_log_level; any process. */
    void (*note)(void *ctx, int level, const char *message, const struct dm_field *fields);
};

/* Zero means the default that the comment gives. Texts are borrowed for the keeper's life. */
struct queue_worker_options {
    const char *const *queues; /* names as in kinds.def; NULL: all */
    size_t n_queues;
    int cpu, io;         /* places; 0: this pool does not run. At least one is positive */
    const char *name;    /* of this worker; host name and process id */
    const char *carrier; /* queue/carrier.h; NULL: jobs are found in the database alone */
    const char *carrier_password;
    int64_t memory_bytes; /* of a cpu child beyond what it shares; no limit */
    int max_jobs;         /* of a child until it is replaced, 200; negative: never */
    int drain_ms;         /* after SIGTERM for jobs in work, 120000 */
    int lease_ms;         /* QUEUE_LEASE_MS; renewed at a quarter of it */
    int poll_ms;          /* looking into the database without news, 2000 */
    int sweep_ms;         /* 15000 */
};

/* Be the keeper until SIGTERM or SIGINT, then drain: jobs in work may end within drain_ms, after
 * that, or at a second signal, they are handed back without a lost attempt. Reaps strangers when it
 * is process 1. Call before any thread exists. DM_OK after an orderly end; DM_EBADINPUT; what
 * prepare said; DM_EIO: children die at once, again and again. */
DM_MUST_CHECK int queue_worker_run(const struct queue_worker_options *o,
                                   const struct queue_app *app, struct dm_err *e);

/* The same beside a server: the keeper is forked now and ends with this process, however that ends.
 * Call before any thread exists. */
struct queue_worker;
DM_MUST_CHECK int queue_worker_start(const struct queue_worker_options *o,
                                     const struct queue_app *app, struct queue_worker **ret,
                                     struct dm_err *e);
/* A job was added: look at once. Never waits, any thread. w NULL allowed. */
void queue_worker_poke(struct queue_worker *w);
pid_t queue_worker_pid(const struct queue_worker *w);
/* Whether the keeper lives. After a false one nobody runs jobs here any more, and a process with
 * threads cannot fork another keeper: it should end and be started again. w NULL: true. */
bool queue_worker_lives(struct queue_worker *w);
/* What it is doing now, for /health and metrics. Any thread. */
struct queue_worker_state {
    int cpu, cpu_busy, io, io_busy; /* places that exist and work */
    int64_t done, failed, crashes, requeued, recycled;
    int64_t beat_ms; /* store_now() of the clerk's last round: old when the database is away */
};
void queue_worker_state(const struct queue_worker *w, struct queue_worker_state *ret);
/* Drain and wait for its end; now: without waiting for jobs in work. Accepts NULL. */
void queue_worker_stop(struct queue_worker *w, bool now);

/* ---- for handlers ---------------------------------------------------------------------------- */

/* How far it is: percent 0-100, phase (at most 30 bytes) NULL to keep. Costs nothing, call it
 * often: it is written to the database about once a second, lets other jobs of the io pool go on,
 * and is where a job learns of its end: DM_ECANCELLED when it was cancelled or its time is over. */
DM_MUST_CHECK int queue_progress(struct queue_run *r, int percent, const char *phase,
                                 struct dm_err *e);
bool queue_cancelled(const struct queue_run *r);
/* The database was lost since the run began: a failure that may be tried again will not count as an
 * attempt, however many there were, because an outage is not the job's fault. */
bool queue_excused(const struct queue_run *r);
/* The same said by the handler: what failed is not the job's, and is away for all (a store behind
 * an open breaker). */
void queue_excuse(struct queue_run *r);

/* The job is done, in the transaction of its effect, which the handler commits. Once. */
DM_MUST_CHECK int queue_done(struct queue_run *r, struct store_tx *tx, bool warning,
                             const char *result, struct dm_err *e);

struct store *queue_run_store(struct queue_run *r);
void *queue_run_app(struct queue_run *r);

/* Run a prepared transfer of libcurl (CURL *) until its end: in an io child other jobs go on
 * meanwhile, elsewhere it waits. Returns the CURLcode. Fits blob_options.perform and webhooks. */
int queue_perform(void *unused, void *curl_easy);
/* Wait, likewise. */
void queue_pause(int ms);

#endif

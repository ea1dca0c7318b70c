/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processes of a worker share, and their main functions. Inside queue/ only.
 *
 * Who writes what of a slot:
 *
 *   FREE     the clerk takes a job from the database, fills the slot, makes it GIVEN
 *   GIVEN    the child of that place begins: RUNNING
 *   RUNNING  the child ends it: ENDED with an outcome; or the child dies, and the keeper writes the
 *            outcome for it
 *   ENDED    the clerk writes the outcome into the database: FREE
 *
 * A slot that is GIVEN outlives the death of its child; one that is RUNNING does not. */
#ifndef QUEUE_WORKER_PRIV_H
#define QUEUE_WORKER_PRIV_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"
#include "queue/carrier.h"
#include "queue/worker.h"

enum {
    PLACES_CPU_MAX = 64,
    PLACES_IO_MAX = 256,
    SLOTS_MAX = PLACES_CPU_MAX + PLACES_IO_MAX,
    CHILDREN_MAX = PLACES_CPU_MAX + 2,
    PHASE_SIZE = 31, /* jobs.phase has 30 */
};

enum slot_state { SLOT_FREE, SLOT_GIVEN, SLOT_RUNNING, SLOT_ENDED };

enum slot_outcome {
    OUTCOME_DONE,     /* the row says so already */
    OUTCOME_PASSING,  /* went wrong, may be tried again */
    OUTCOME_LASTING,  /* went wrong, will always */
    OUTCOME_RELEASED, /* not its fault: back without a counted attempt */
    OUTCOME_AWAY,     /* the same, in a while: a server that all need was lost meanwhile */
    OUTCOME_LOST,     /* cancelled, or no longer ours */
};

enum stop_reason { STOP_NONE, STOP_HANG, STOP_LOST, STOP_DRAIN };

struct slot {
    _Atomic int state;
    _Atomic int percent;
    _Atomic bool cancelled;      /* lost or to be drained: the job should return */
    _Atomic int reason;          /* enum stop_reason, when it is made to end */
    _Atomic dm_usec deadline;    /* until then it must have returned, else its child is killed */
    _Atomic uint32_t phase_turn; /* odd while phase is written */
    char phase[PHASE_SIZE];

    int64_t id, started_ms, parent_id;
    enum queue_kind kind;
    int attempt, max_attempts;
    char uuid[STORE_UUID_SIZE];
    char worker[QUEUE_WORKER_MAX + 1];
    char entry[QUEUE_ENTRY_SIZE]; /* of the carrier; "" without */

    enum slot_outcome outcome;
    char code[51]; /* jobs.error_code */
    char message[DM_ERR_TEXT_MAX];

    /* the clerk's */
    int64_t renewed_ms, written_ms;
    int written_percent;
    char written_phase[PHASE_SIZE];
};

enum child_role { ROLE_CLERK, ROLE_CPU, ROLE_IO };

struct child {
    enum child_role role;
    int first, n; /* its slots */
    int wake;     /* eventfd, of all processes */
    _Atomic bool ready, retiring;
    _Atomic int current; /* io: the slot whose fiber runs, -1 none */
    /* the keeper's */
    pid_t pid;
    dm_usec began, again; /* not before again */
    int failures;         /* in a row, without ever being ready */
};

struct shared {
    _Atomic bool draining, stopping;
    _Atomic int64_t done, failed, crashes, requeued, recycled, beat_ms;
    int n_slots, n_children;
    struct child child[CHILDREN_MAX]; /* [0] is the clerk */
    struct slot slot[SLOTS_MAX];
};

/* One process of the worker. */
struct process {
    const struct queue_worker_options *o; /* defaults filled in */
    const struct queue_app *app;
    struct shared *sh;
    struct child *self;
    struct store *store;
    bool parent_gone_ends; /* of the keeper: see queue_worker_start */
};

/* What a child's main returns as its exit status. */
enum { CHILD_OK = 0, CHILD_NOT_READY = 3 };

int queue_clerk_main(struct process *p);
int queue_cpu_main(struct process *p);
int queue_io_main(struct process *p);

/* Open what the child works with, and say that it is ready. */
DM_MUST_CHECK int queue_child_begin(struct process *p, enum queue_pool pool, struct dm_err *e);
/* Run the job of a slot that is GIVEN and leave it ENDED; never fails. */
void queue_slot_run(struct process *p, struct slot *s);
/* The job of a slot; texts are borrowed from it. */
struct queue_job queue_slot_job(const struct slot *s);
/* Row of the table for a kind, NULL when this worker has none. */
const struct queue_handler *queue_handler_of(const struct queue_app *app, enum queue_kind k);

/* What the slots say now. */
struct queue_worker_state queue_state_of(const struct queue_worker_options *o,
                                         const struct shared *sh);

void queue_wake(int eventfd);
void queue_note(const struct process *p, int level, const char *message, const struct dm_err *e);

/* The fiber that runs, NULL outside an io child. */
struct fiber;
struct fiber *queue_fiber_current(void);
/* Let others run; back at once, after ms, or when the transfer has ended. */
void queue_fiber_yield(struct fiber *f, int ms);
int queue_fiber_perform(struct fiber *f, void *curl_easy);

#endif

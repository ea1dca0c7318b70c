/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs: rows of the database, which are the truth whatever carries their ids.
 *
 *   pending > processing > completed, completed_with_warning, failed; cancelled from the first two
 *
 * A worker holds a job by a lease. Worker name and attempt together are the proof: whoever lost the
 * lease (expired, cancelled, taken by another) gets DM_ECANCELLED from every call and must undo
 * what it did. queue_finish runs in the transaction that stores the result, so a job has its effect
 * once even if it runs twice. A failed job is the dead letter: it keeps its reason and may be
 * driven again.
 *
 * now_ms is the present (store_now()); all machines keep about the same time, far below a lease. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "store/store.h"

enum queue_kind {
#define X(NAME, name, queue, priority, limit_s) QUEUE_##NAME,
#include "queue/kinds.def"
#undef X
    QUEUE_KIND_MAX_
};

struct queue_kind_info {
    const char *name, *queue;
    int priority, limit_s;
};
const struct queue_kind_info *queue_kind_info(enum queue_kind k);
/* DM_EBADINPUT: no such kind. */
DM_MUST_CHECK int queue_kind_of(const char *name, enum queue_kind *ret, struct dm_err *e);
/* Kinds as a set of bits, bit k is kind k: those of some queues. */
uint32_t queue_kinds_of(const char *const *queues, size_t n);
/* DM_EBADINPUT: no such queue. */
DM_MUST_CHECK int queue_name_check(const char *queue, struct dm_err *e);

#define QUEUE_ATTEMPTS     3
#define QUEUE_LEASE_MS     120000
#define QUEUE_WORKER_MAX   100 /* bytes of a worker's name */
#define QUEUE_ANY_PRIORITY (-1)

struct queue_new {
    enum queue_kind kind;
    const char *uuid;    /* NULL: a new one. The same again is the same job */
    const char *payload; /* JSON, NULL: {} */
    int64_t user_id;
    int64_t upload_batch_id, image_id, session_id; /* 0: none */
    int64_t parent_id;       /* 0: none. The parent begins when all its children have ended */
    const char *traceparent; /* of the trace it belongs to (W3C), NULL: none */
    int priority;            /* QUEUE_ANY_PRIORITY: of the kind */
    int64_t run_after_ms;    /* 0: at once */
};

/* Add a job, within the caller's transaction: 1, or 0 when a job of that uuid exists. *ret_id is
 * set in both cases (NULL allowed). DM_ECONFLICT: the image has an unfinished job, or a reference
 * is wrong; DM_EBADINPUT. */
DM_MUST_CHECK int queue_push(struct store_tx *tx, int64_t now_ms, const struct queue_new *n,
                             int64_t *ret_id, struct dm_err *e);

struct queue_job {
    int64_t id;
    const char *uuid, *payload; /* in the arena of queue_take_of */
    enum queue_kind kind;
    int attempt, max_attempts; /* the first one is 1 */
    int64_t user_id, upload_batch_id, image_id, session_id, parent_id;
    const char *traceparent; /* NULL without */
    int64_t started_ms;
    char worker[QUEUE_WORKER_MAX + 1];
};

/* Take the most urgent job of a set of kinds (queue_kinds_of) that is due (priority, then age),
 * whose children have all ended and whose queue is not paused: 1, or 0 when there is none. The job
 * is leased until now + lease_ms, never beyond the limit of its kind. */
DM_MUST_CHECK int queue_take_of(struct store *s, int64_t now_ms, uint32_t kinds, const char *worker,
                                int64_t lease_ms, struct dm_arena *a, struct queue_job *ret,
                                struct dm_err *e);
/* Read again the job that somebody took: all of j from its id, attempt and worker; uuid, payload
 * and traceparent in a. DM_ECANCELLED: it is no longer his. */
DM_MUST_CHECK int queue_load(struct store *s, struct queue_job *j, struct dm_arena *a,
                             struct dm_err *e);
/* Put back, without a counted attempt, what is held under these names (JSON array) and not among
 * these ids (JSON array): a worker that lost its memory between taking and beginning. */
DM_MUST_CHECK int queue_release_lost(struct store *s, int64_t now_ms, const char *workers,
                                     const char *ids, struct dm_err *e);
/* The next moment after now_ms at which a waiting job of these kinds becomes due; 0 for none. */
DM_MUST_CHECK int queue_next_due(struct store *s, int64_t now_ms, uint32_t kinds, int64_t *ret_ms,
                                 struct dm_err *e);

/* Keep the lease, and say how far it is (percent 0-100, phase NULL: unchanged): 1, or 0 when the
 * lease is lost or the kind's limit over. */
DM_MUST_CHECK int queue_renew_in(struct store_tx *tx, int64_t now_ms, const struct queue_job *j,
                                 int64_t lease_ms, int percent, const char *phase,
                                 struct dm_err *e);

/* Done; result is JSON or NULL. In the transaction of the effect. DM_ECANCELLED. */
DM_MUST_CHECK int queue_finish(struct store_tx *tx, int64_t now_ms, const struct queue_job *j,
                               bool warning, const char *result, struct dm_err *e);

/* It went wrong. With passing, it is tried again after 2, 4, 8, ... seconds and up to a
 * quarter more as long as attempts are left; else it is a dead letter. *ret_dead NULL allowed.
 * DM_ECANCELLED. */
DM_MUST_CHECK int queue_fail(struct store *s, int64_t now_ms, const struct queue_job *j,
                             bool passing, const char *code, const char *message, bool *ret_dead,
                             struct dm_err *e);

/* Hand it back unfinished, to be taken after wait_ms; the attempt does not count. why is kept as
 * its error code: "worker_drain", "server_away". DM_ECANCELLED. */
DM_MUST_CHECK int queue_release(struct store *s, int64_t now_ms, const struct queue_job *j,
                                int wait_ms, const char *why, struct dm_err *e);

/* Cancel: 1, or 0 when it is finished already. DM_ENOTFOUND. */
DM_MUST_CHECK int queue_cancel(struct store_tx *tx, int64_t now_ms, const char *uuid,
                               struct dm_err *e);

/* A dead letter once more from the first attempt: 1, or 0 when it is none. DM_ENOTFOUND;
 * DM_ECONFLICT: its image has another unfinished job. */
DM_MUST_CHECK int queue_redrive(struct store_tx *tx, int64_t now_ms, const char *uuid,
                                struct dm_err *e);

/* Nothing of a paused queue begins; what runs goes on. Twice is once. DM_EBADINPUT: no queue. */
DM_MUST_CHECK int queue_pause_queue(struct store_tx *tx, const char *queue, int64_t user_id,
                                    struct dm_err *e);
DM_MUST_CHECK int queue_resume_queue(struct store_tx *tx, const char *queue, struct dm_err *e);

struct queue_swept {
    int64_t again, dead; /* jobs whose lease had expired */
};
/* Take leases from workers that died: pending again, or dead letter after the last attempt. Any
 * number of processes may do it at once. */
DM_MUST_CHECK int queue_sweep(struct store *s, int64_t now_ms, struct queue_swept *ret,
                              struct dm_err *e);

/* Take or keep a duty for ms: 1, or 0 while another holder has it. A time in the far future, left
 * by a clock that was wrong, binds nobody. */
DM_MUST_CHECK int queue_duty(struct store *s, int64_t now_ms, const char *duty, const char *holder,
                             int ms, struct dm_err *e);

/* A worker is there, for the next ms: a duty "worker ...", whose holder is its name. Nobody else
 * wants it; it is for people who look. Forgotten by queue_sweep a day after it ended. */
DM_MUST_CHECK int queue_worker_present(struct store *s, int64_t now_ms, const char *worker, int ms,
                                       struct dm_err *e);

/* Jobs that could have begun before a moment, by id, at most max of them after after_id: id, uuid,
 * kind, traceparent. Jobs of paused queues are not among them. */
DM_MUST_CHECK int queue_waiting(struct store_tx *tx, int64_t before_ms, int64_t after_id, int max,
                                struct dm_arena *a, struct store_table *ret, struct dm_err *e);
/* Status of a job: 1, or 0 when there is none of that name. In a. */
DM_MUST_CHECK int queue_status(struct store_tx *tx, const char *uuid, struct dm_arena *a,
                               const char **ret, struct dm_err *e);

struct queue_name {
    char uuid[STORE_UUID_SIZE];
    enum queue_kind kind;
};
/* A job by its id: 1, or 0 when there is none. */
DM_MUST_CHECK int queue_find(struct store *s, int64_t id, struct queue_name *ret, struct dm_err *e);

/* Jobs waiting (due or not), running and dead of a queue. */
struct queue_depth {
    int64_t pending, processing, dead;
    int64_t oldest_ms; /* run_after of the oldest due one, 0 without */
};
DM_MUST_CHECK int queue_depth(struct store *s, int64_t now_ms, const char *queue,
                              struct queue_depth *ret, struct dm_err *e);

#endif

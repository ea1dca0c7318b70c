/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs in the database. Taking one is SELECT ... FOR UPDATE SKIP LOCKED on PostgreSQL; on SQLite a
 * write transaction is alone. What a worker writes is fenced by its name and attempt. */
#include "queue/queue_priv.h"
#include "telemetry/span.h"

#include <sodium.h>
#include <string.h>

#define BACKOFF_MS     2000
#define BACKOFF_MAX_MS 3600000

enum {
    ADD,
    FIND,
    PICK,
    LOAD,
    TAKE,
    RENEW,
    FINISH,
    RETRY,
    DIE,
    RELEASE,
    CANCEL,
    REDRIVE,
    PAUSED,
    PAUSE,
    RESUME
};

#define JOB                                                                                        \
    "id, uuid, kind, payload, attempts, max_attempts, user_id, upload_batch_id, image_id,"         \
    " session_id, parent_id, traceparent"
/* May begin: due, and no child is unfinished. */
#define DUE                                                                                        \
    "status = 'pending' AND run_after <= ?2 AND kind IN {texts:?1} AND NOT EXISTS (SELECT 1"       \
    " FROM jobs c WHERE c.parent_id = jobs.id AND c.status IN ('pending', 'processing'))"
/* A clock that was set back between begin and end must not make a job end before it began. */
#define NOT_BEFORE_BEGIN(t) "{greatest}(" t ", COALESCE(started_at, " t "))"
#define MINE                " WHERE id = ?1 AND status = 'processing' AND worker_name = ?2 AND attempts = ?3"

// clang-format off
static const struct store_query q[] = {
    [ADD] = {"queue.add",
             "INSERT INTO jobs (uuid, kind, priority, payload, upload_batch_id, image_id,"
             " session_id, user_id, max_attempts, run_after, created_at, updated_at, parent_id,"
             " traceparent)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13)"
             " ON CONFLICT (uuid) DO NOTHING RETURNING id", "utijiiiiiTTit", "i"},
    [FIND] = {"queue.find", "SELECT id FROM jobs WHERE uuid = ?1", "u", "i"},
    [PICK] = {"queue.pick",
              "SELECT " JOB " FROM jobs WHERE " DUE " ORDER BY priority DESC, run_after, id LIMIT 1"
              " {for_update} {skip_locked}", "jT", "iutjiiiiiiit"},
    [LOAD] = {"queue.load", "SELECT " JOB " FROM jobs" MINE, "iti", "iutjiiiiiiit"},
    [TAKE] = {"queue.take",
              "UPDATE jobs SET status = 'processing', attempts = attempts + 1, worker_name = ?2,"
              " lease_until = ?3, started_at = ?4, updated_at = ?4 WHERE id = ?1", "itTT", ""},
    [RENEW] = {"queue.renew",
               "UPDATE jobs SET lease_until = ?4, updated_at = ?5, progress_percent = ?6,"
               " phase = COALESCE(?7, phase)" MINE, "itiTTit", ""},
    [FINISH] = {"queue.finish",
                "UPDATE jobs SET status = ?4, result = ?5, lease_until = NULL, finished_at = " NOT_BEFORE_BEGIN("?6") ","
                " updated_at = ?6, progress_percent = 100, error_code = NULL,"
                " error_message = NULL" MINE, "ititjT", ""},
    [RETRY] = {"queue.retry",
               "UPDATE jobs SET status = 'pending', lease_until = NULL, run_after = ?4,"
               " updated_at = ?5, error_code = ?6, error_message = ?7" MINE, "itiTTtt", ""},
    [DIE] = {"queue.die",
             "UPDATE jobs SET status = 'failed', lease_until = NULL, finished_at = " NOT_BEFORE_BEGIN("?4") ","
             " updated_at = ?4, error_code = ?5, error_message = ?6" MINE, "itiTtt", ""},
    [RELEASE] = {"queue.release",
                 "UPDATE jobs SET status = 'pending', lease_until = NULL, run_after = ?4,"
                 " updated_at = ?5, attempts = attempts - 1, error_code = ?6" MINE,
                 "itiTTt", ""},
    [CANCEL] = {"queue.cancel",
                "UPDATE jobs SET status = 'cancelled', lease_until = NULL, finished_at = " NOT_BEFORE_BEGIN("?2") ","
                " updated_at = ?2 WHERE uuid = ?1 AND status IN ('pending', 'processing')",
                "uT", ""},
    [REDRIVE] = {"queue.redrive",
                 "UPDATE jobs SET status = 'pending', attempts = 0, run_after = ?2,"
                 " finished_at = NULL, updated_at = ?2, progress_percent = 0, phase = NULL"
                 " WHERE uuid = ?1 AND status = 'failed'", "uT", ""},
    [PAUSED] = {"queue.paused", "SELECT queue FROM queue_pauses", "", "t"},
    [PAUSE] = {"queue.pause",
               "INSERT INTO queue_pauses (queue, user_id) VALUES (?1, ?2)"
               " ON CONFLICT (queue) DO NOTHING", "ti", ""},
    [RESUME] = {"queue.resume", "DELETE FROM queue_pauses WHERE queue = ?1", "t", ""},
};
// clang-format on
STORE_QUERIES(queue_queries, q);

/* ---- adding ---------------------------------------------------------------------------------- */

static int add_job(struct store_tx *tx, int64_t now_ms, const struct queue_new *n, const char *name,
                   const char *traceparent, int64_t *ret_id, struct dm_err *e)
{
    struct dm_arena a = {0};
    const struct store_value *row;
    int64_t id = 0;
    const struct queue_kind_info *k = queue_kind_info(n->kind);
    int added = store_maybe(
        tx, &q[ADD],
        STORE_ARGS(store_u(name), store_t(k->name),
                   store_i(n->priority < 0 ? k->priority : n->priority),
                   store_j(n->payload ? n->payload : "{}"), store_ref(n->upload_batch_id),
                   store_ref(n->image_id), store_ref(n->session_id), store_i(n->user_id),
                   store_i(QUEUE_ATTEMPTS), store_at(n->run_after_ms ? n->run_after_ms : now_ms),
                   store_at(now_ms), store_ref(n->parent_id), store_t(traceparent)),
        &a, &row, e);
    if (added > 0) {
        id = row[0].i;
    }
    dm_arena_clear(&a);
    DM_TRY(added);
    if (!added) {
        DM_TRY(store_int(tx, &q[FIND], STORE_ARGS(store_u(name)), &id, e));
    }
    if (ret_id) {
        *ret_id = id;
    }
    return added;
}

/* The job belongs to the trace of who adds it; its run will be a child of this span. */
int queue_push(struct store_tx *tx, int64_t now_ms, const struct queue_new *n, int64_t *ret_id,
               struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    char span_name[64];
    char here[TELEMETRY_TRACEPARENT_SIZE];
    struct telemetry_span span;
    const struct queue_kind_info *k = queue_kind_info(n->kind);
    if (n->uuid && !store_uuid_valid(n->uuid)) {
        DM_FAIL(e, DM_EBADINPUT, "the name of a job is a UUID");
    }
    store_uuid_new(uuid);
    const char *name = n->uuid ? n->uuid : uuid;
    (void)snprintf(span_name, sizeof(span_name), "apply_async/%s", k->name);
    telemetry_span_begin(&span, TELEMETRY_PRODUCER, span_name);
    telemetry_span_str(&span, "celery.action", "apply_async");
    telemetry_span_str(&span, "celery.task_name", k->name);
    telemetry_span_str(&span, "messaging.message.id", name);
    telemetry_span_str(&span, "messaging.destination", k->queue);
    (void)telemetry_span_parent_text(here);
    const char *parent = n->traceparent ? n->traceparent : here[0] ? here : NULL;
    const int added = add_job(tx, now_ms, n, name, parent, ret_id, e);
    if (added < 0) {
        telemetry_span_fail(&span, dm_code_info(added)->slug);
    }
    telemetry_span_end(&span);
    return added;
}

/* ---- taking ---------------------------------------------------------------------------------- */

struct take {
    int64_t now_ms, lease_ms;
    uint32_t kinds;
    const char *worker;
    struct dm_arena *a;
    struct queue_job *ret;
    bool found;
};

/* End of a lease that begins now. */
static int64_t lease_end(int64_t now_ms, int64_t lease_ms, enum queue_kind k, int64_t started_ms)
{
    return DM_MIN(now_ms + lease_ms, started_ms + (int64_t)queue_kind_info(k)->limit_s * 1000);
}

int queue_open_kinds(struct store_tx *tx, uint32_t set, struct dm_arena *a, const char **ret,
                     struct dm_err *e)
{
    struct store_table paused;
    DM_TRY(store_all(tx, &q[PAUSED], STORE_NO_ARGS, a, &paused, e));
    for (size_t i = 0; i < paused.n; i++) {
        const char *name = store_row(&paused, i)[0].t;
        set &= ~queue_kinds_of(&name, 1);
    }
    *ret = queue_kinds_json(set, a);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for names of kinds");
    }
    return DM_OK;
}

static int64_t ref_of(struct store_value v)
{
    return v.null ? 0 : v.i;
}

/* From a row of JOB. */
static int job_of(const struct store_value *row, struct queue_job *ret, struct dm_err *e)
{
    ret->id = row[0].i;
    ret->uuid = row[1].t;
    ret->payload = row[3].t;
    ret->attempt = (int)row[4].i;
    ret->max_attempts = (int)row[5].i;
    ret->user_id = row[6].i;
    ret->upload_batch_id = ref_of(row[7]);
    ret->image_id = ref_of(row[8]);
    ret->session_id = ref_of(row[9]);
    ret->parent_id = ref_of(row[10]);
    ret->traceparent = row[11].null ? NULL : row[11].t;
    return queue_kind_of(row[2].t, &ret->kind, e);
}

static int take_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct take *t = ctx;
    struct queue_job j = {.started_ms = t->now_ms};
    const struct store_value *row;
    const char *kinds = NULL;
    t->found = false;
    DM_TRY(queue_open_kinds(tx, t->kinds, t->a, &kinds, e));
    int found =
        store_maybe(tx, &q[PICK], STORE_ARGS(store_j(kinds), store_at(t->now_ms)), t->a, &row, e);
    if (found <= 0) {
        return found;
    }
    DM_TRY(job_of(row, &j, e));
    j.attempt++;
    memcpy(j.worker, t->worker, strlen(t->worker) + 1);
    DM_TRY(store_exec(tx, &q[TAKE],
                      STORE_ARGS(store_i(j.id), store_t(j.worker),
                                 store_at(lease_end(t->now_ms, t->lease_ms, j.kind, t->now_ms)),
                                 store_at(t->now_ms)),
                      NULL, e));
    *t->ret = j;
    t->found = true;
    return DM_OK;
}

int queue_take_of(struct store *s, int64_t now_ms, uint32_t kinds, const char *worker,
                  int64_t lease_ms, struct dm_arena *a, struct queue_job *ret, struct dm_err *e)
{
    struct queue_job job;
    struct take t = {now_ms, lease_ms, kinds, worker, a, &job, false};
    if (!*worker || strlen(worker) > QUEUE_WORKER_MAX) {
        DM_FAIL(e, DM_EBADINPUT, "a worker's name has 1 to %d bytes", QUEUE_WORKER_MAX);
    }
    DM_TRY(store_run(s, STORE_WRITE, take_in, &t, e));
    if (t.found) {
        *ret = job;
    }
    return t.found;
}

#define HOLD(j) store_i((j)->id), store_t((j)->worker), store_i((j)->attempt)

static int lost(const struct queue_job *j, struct dm_err *e)
{
    DM_FAIL(e, DM_ECANCELLED, "job %jd is no longer this worker's", (intmax_t)j->id);
}

struct load {
    struct queue_job *j;
    struct dm_arena *a;
};

static int load_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct load *l = ctx;
    const struct store_value *row;
    int found = store_maybe(tx, &q[LOAD], STORE_ARGS(HOLD(l->j)), l->a, &row, e);
    DM_TRY(found);
    return found ? job_of(row, l->j, e) : lost(l->j, e);
}

int queue_load(struct store *s, struct queue_job *j, struct dm_arena *a, struct dm_err *e)
{
    return store_run(s, STORE_READ, load_in, &(struct load){j, a}, e);
}

/* ---- holding --------------------------------------------------------------------------------- */

struct write {
    const struct store_query *q;
    struct store_args args;
    int64_t changed;
};

static int write_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct write *w = ctx;
    return store_exec(tx, w->q, w->args, &w->changed, e);
}

static int held(const struct queue_job *j, int64_t changed, struct dm_err *e)
{
    return changed == 1 ? DM_OK : lost(j, e);
}

static int write_held(struct store *s, const struct queue_job *j, const struct store_query *query,
                      struct store_args args, struct dm_err *e)
{
    struct write w = {query, args, 0};
    DM_TRY(store_run(s, STORE_WRITE, write_in, &w, e));
    return held(j, w.changed, e);
}

int queue_renew_in(struct store_tx *tx, int64_t now_ms, const struct queue_job *j, int64_t lease_ms,
                   int percent, const char *phase, struct dm_err *e)
{
    int64_t changed = 0;
    int64_t until = lease_end(now_ms, lease_ms, j->kind, j->started_ms);
    if (until > now_ms) {
        DM_TRY(store_exec(tx, &q[RENEW],
                          STORE_ARGS(HOLD(j), store_at(until), store_at(now_ms), store_i(percent),
                                     store_t(phase)),
                          &changed, e));
    }
    return changed > 0;
}

int queue_finish(struct store_tx *tx, int64_t now_ms, const struct queue_job *j, bool warning,
                 const char *result, struct dm_err *e)
{
    int64_t changed = 0;
    DM_TRY(store_exec(tx, &q[FINISH],
                      STORE_ARGS(HOLD(j), store_t(warning ? "completed_with_warning" : "completed"),
                                 result ? store_j(result) : store_null(), store_at(now_ms)),
                      &changed, e));
    return held(j, changed, e);
}

int queue_fail(struct store *s, int64_t now_ms, const struct queue_job *j, bool passing,
               const char *code, const char *message, bool *ret_dead, struct dm_err *e)
{
    bool again = passing && j->attempt < j->max_attempts;
    if (again) {
        int64_t wait = (int64_t)BACKOFF_MS << DM_MIN(j->attempt - 1, 16);
        wait = DM_MIN(wait, BACKOFF_MAX_MS);
        wait += randombytes_uniform((uint32_t)(wait / 4 + 1));
        DM_TRY(write_held(s, j, &q[RETRY],
                          STORE_ARGS(HOLD(j), store_at(now_ms + wait), store_at(now_ms),
                                     store_t(code), store_t(message)),
                          e));
    } else {
        DM_TRY(write_held(s, j, &q[DIE],
                          STORE_ARGS(HOLD(j), store_at(now_ms), store_t(code), store_t(message)),
                          e));
    }
    if (ret_dead) {
        *ret_dead = !again;
    }
    return DM_OK;
}

int queue_release(struct store *s, int64_t now_ms, const struct queue_job *j, int wait_ms,
                  const char *why, struct dm_err *e)
{
    return write_held(
        s, j, &q[RELEASE],
        STORE_ARGS(HOLD(j), store_at(now_ms + wait_ms), store_at(now_ms), store_t(why)), e);
}

/* ---- from outside ---------------------------------------------------------------------------- */

static int change_state(struct store_tx *tx, int64_t now_ms, const struct store_query *query,
                        const char *uuid, struct dm_err *e)
{
    int64_t changed = 0;
    int64_t id;
    if (!store_uuid_valid(uuid)) {
        DM_FAIL(e, DM_ENOTFOUND, "no such job");
    }
    DM_TRY(store_exec(tx, query, STORE_ARGS(store_u(uuid), store_at(now_ms)), &changed, e));
    if (!changed) {
        DM_TRY(store_int(tx, &q[FIND], STORE_ARGS(store_u(uuid)), &id, e));
    }
    return changed > 0;
}

int queue_cancel(struct store_tx *tx, int64_t now_ms, const char *uuid, struct dm_err *e)
{
    return change_state(tx, now_ms, &q[CANCEL], uuid, e);
}

int queue_redrive(struct store_tx *tx, int64_t now_ms, const char *uuid, struct dm_err *e)
{
    return change_state(tx, now_ms, &q[REDRIVE], uuid, e);
}

int queue_pause_queue(struct store_tx *tx, const char *queue, int64_t user_id, struct dm_err *e)
{
    DM_TRY(queue_name_check(queue, e));
    return store_exec(tx, &q[PAUSE], STORE_ARGS(store_t(queue), store_i(user_id)), NULL, e);
}

int queue_resume_queue(struct store_tx *tx, const char *queue, struct dm_err *e)
{
    DM_TRY(queue_name_check(queue, e));
    return store_exec(tx, &q[RESUME], STORE_ARGS(store_t(queue)), NULL, e);
}

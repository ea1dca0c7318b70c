/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs as people see them. */
#include "inventory/jobs.h"

#include <string.h>

#include "inventory/json.h"
#include "queue/queue.h"

static const struct list_column columns[] = {
    {"job_id", "j.uuid", 'u', LIST_AS_IS},
    {"kind", "j.kind", 't', LIST_AS_IS},
    {"status",
     "CASE j.status WHEN 'completed_with_warning' THEN 'completed'"
     " ELSE j.status END",
     't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
    {"priority", "j.priority", 'i', LIST_AS_IS},
    {"queue", "j.kind", 't', LIST_AS_IS}, /* shown() makes it of the kind */
    {"progress_percent", "j.progress_percent", 'i', LIST_AS_IS},
    {"step", "j.phase", 't', LIST_AS_IS},
    {"message", "j.error_message", 't', LIST_AS_IS},
    {"attempts", "j.attempts", 'i', LIST_AS_IS},
    {"max_attempts", "j.max_attempts", 'i', LIST_AS_IS},
    {"upload_session_id", "u.uuid", 'u', LIST_AS_IS},
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"filename", "i.original_filename", 't', LIST_AS_IS},
    {"user_id", "j.user_id", 'i', LIST_AS_IS},
    {"created_at", "j.created_at", 'T', LIST_AS_IS},
    {"started_at", "j.started_at", 'T', LIST_AS_IS},
    {"finished_at", "j.finished_at", 'T', LIST_AS_IS},
    {"duration_s", "CAST({ms:j.finished_at} - {ms:j.started_at} AS {real}) / 1000", 'r',
     LIST_ROUND2},
    {"error", "CASE WHEN j.status = 'failed' THEN COALESCE(j.error_code, 'internal') END", 't',
     LIST_AS_IS},
    {"result", "j.result", 'j', LIST_AS_IS},
    {"correlation_id", "j.traceparent", 't', LIST_AS_IS},
};
static const struct list_filter filters[] = {
    {"job_id", "j.uuid = ?", 'u'},
    {"status", "CASE j.status WHEN 'completed_with_warning' THEN 'completed' ELSE j.status END = ?",
     't'},
    {"kind", "j.kind = ?", 't'},
    {"upload_session_id", "u.uuid = ?", 'u'},
    {"user_id", "j.user_id = ?", 'i'},
    {"date_from", "j.created_at >= ?", 'T'},
    {"date_to", "j.created_at <= ?", 'T'},
};
const struct list list_jobs = {
    .name = "list.jobs",
    .from = "jobs j LEFT JOIN upload_batches u ON u.id = j.upload_batch_id"
            " LEFT JOIN images i ON i.id = j.image_id"
            " LEFT JOIN photo_processing_sessions s ON s.id = j.session_id",
    .order = "j.created_at DESC, j.id DESC",
    .action = INV_DO_READ,
    .column = columns,
    .n_column = DM_COUNT(columns),
    .filter = filters,
    .n_filter = DM_COUNT(filters),
};

enum { STATE, AGAIN, FAILED, STATS, QUEUES, PAUSED, WORKERS };

static const struct store_query queries[] = {
    [STATE] = {"jobs.state", "SELECT user_id, status FROM jobs WHERE uuid = ?1 {for_update}", "u",
               "it", false},
    /* Its attempts go on counting: who still holds it knows itself by their number. */
    [AGAIN] = {"jobs.again",
               "UPDATE jobs SET status = 'pending', max_attempts = attempts + ?3, run_after = ?2,"
               " finished_at = NULL, updated_at = ?2, progress_percent = 0, phase = NULL"
               " WHERE uuid = ?1 AND status = 'cancelled'",
               "uTi", "", false},
    [STATS] = {"jobs.stats",
               "SELECT (SELECT count(*) FROM jobs WHERE status = 'pending'),"
               " (SELECT count(*) FROM jobs WHERE status = 'processing'),"
               " (SELECT count(*) FROM jobs WHERE status = 'failed' AND finished_at >= ?1),"
               " (SELECT count(*) FROM jobs WHERE status IN ('completed',"
               " 'completed_with_warning') AND finished_at >= ?1),"
               " (SELECT AVG(CAST({ms:x.finished_at} - {ms:x.started_at} AS {real})) / 1000 FROM"
               " (SELECT finished_at, started_at FROM jobs WHERE status IN ('completed',"
               " 'completed_with_warning') ORDER BY id DESC LIMIT 50) x)",
               "T", "iiiir", false},
    [QUEUES] = {"jobs.queues",
                "SELECT kind, count(*) FROM jobs WHERE status = 'pending' GROUP BY kind", "", "ti",
                false},
    [PAUSED] = {"jobs.paused", "SELECT count(*) FROM queue_pauses WHERE queue = ?1", "t", "i",
                false},
    [FAILED] = {"jobs.failed_image",
                "SELECT count(*) FROM jobs x JOIN jobs j ON j.image_id = x.image_id WHERE"
                " x.uuid = ?1 AND j.status IN ('pending', 'processing')",
                "u", "i", false},
    [WORKERS] = {"jobs.workers",
                 "SELECT worker_name, count(*), min(started_at), max(lease_until) FROM jobs WHERE"
                 " status = 'processing' GROUP BY worker_name"
                 " UNION ALL SELECT d.holder, 0, NULL, d.held_until FROM queue_duties d"
                 " WHERE d.duty LIKE 'worker %' AND d.held_until >= ?1 AND NOT EXISTS (SELECT 1"
                 " FROM jobs j WHERE j.status = 'processing'"
                 " AND substr(j.worker_name, 1, length(d.holder) + 1) = d.holder || '/')"
                 " ORDER BY 1",
                 "T", "tiTT", false},
};
STORE_QUERIES(jobs_queries, queries);

static int no_job(const char *uuid, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "job"), DM_S("identifier", uuid)),
              "there is no job %.36s", uuid);
}

static bool sees_all(const struct inv_ctx *c)
{
    return inv_grant_of(c->role, INV_DO_JOBS_ALL) == INV_GRANT_ALL;
}

/* What SQL cannot say: the queue of a kind, the error as an object. */
static int shown(json_t *job, struct dm_err *e)
{
    enum queue_kind kind;
    const char *code = inv_json_str(job, "error");
    if (!queue_kind_of(inv_json_str(job, "kind"), &kind, NULL)) {
        DM_TRY(inv_json_set(job, "queue", json_string(queue_kind_info(kind)->queue), e));
    }
    if (code) {
        /* a fault of the content fails at once, a passing one after the last attempt */
        const bool passing = inv_json_int(job, "attempts") >= inv_json_int(job, "max_attempts");
        json_t *error = json_pack("{s:s, s:O, s:b}", "code", code, "message",
                                  json_object_get(job, "message"), "retryable", passing);
        DM_TRY(inv_json_set(job, "error", error, e));
    }
    return DM_OK;
}

static int shown_all(json_t *jobs, struct dm_err *e)
{
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        DM_TRY(shown(json_array_get(jobs, i), e));
    }
    return DM_OK;
}

int jobs_rows(const struct inv_ctx *c, const struct list_ask *ask, json_t **ret, int64_t *ret_total,
              struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    struct list_value value[LIST_FILTERS_MAX];
    struct list_ask own = *ask;
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    DM_BUG_UNLESS(ask->n_value < LIST_FILTERS_MAX);
    if (!sees_all(c)) {
        for (size_t i = 0; i < ask->n_value; i++) {
            value[i] = ask->value[i];
        }
        value[own.n_value++] = (struct list_value){"user_id", store_i(c->user_id)};
        own.value = value;
    }
    DM_TRY(list_rows(c, &list_jobs, &own, &rows, ret_total, e));
    DM_TRY(shown_all(rows, e));
    *ret = DM_STEAL(rows);
    return DM_OK;
}

static int read_job(const struct inv_ctx *c, const char *uuid, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *job = NULL;
    const int code = list_one(c, &list_jobs, "job_id", store_u(uuid), &job, e);
    if (code == INV_NOT_FOUND) {
        return no_job(uuid, e);
    }
    DM_TRY(code);
    DM_TRY(shown(job, e));
    *ret = DM_STEAL(job);
    return DM_OK;
}

static int not_yours(struct dm_err *e)
{
    DM_FAIL(e, INV_FORBIDDEN, "this job is of somebody else");
}

int jobs_one(const struct inv_ctx *c, const char *uuid, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *job = NULL;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(read_job(c, uuid, &job, e));
    if (!sees_all(c) && inv_json_int(job, "user_id") != c->user_id) {
        return not_yours(e);
    }
    *ret = DM_STEAL(job);
    return DM_OK;
}

/* ---- changes ------------------------------------------------------------------------------ */

struct change {
    const struct inv_ctx *c;
    const char *uuid;
    bool running;
};

static int begin(struct store_tx *tx, const struct change *x, struct dm_arena *a,
                 const char **ret_status, struct dm_err *e)
{
    const struct store_value *row;
    const int found = store_maybe(tx, &queries[STATE], STORE_ARGS(store_u(x->uuid)), a, &row, e);
    DM_TRY(found);
    if (!found) {
        return no_job(x->uuid, e);
    }
    *ret_status = row[1].t;
    return sees_all(x->c) || row[0].i == x->c->user_id ? DM_OK : not_yours(e);
}

static int cancel_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct change *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const char *status;
    DM_TRY(begin(tx, x, &a, &status, e));
    x->running = strcmp(status, "processing") == 0;
    const int done = queue_cancel(tx, x->c->now_ms, x->uuid, e);
    DM_TRY(done);
    if (!done) {
        DM_REFUSE(e, INV_INVALID_TRANSITION,
                  DM_FIELDS(DM_S("current", status), DM_S("target", "cancelled")),
                  "the job is finished");
    }
    return audit_write_named(tx, x->c, "cancel", "jobs", x->uuid, NULL, NULL, e);
}

int jobs_cancel(const struct inv_ctx *c, const char *uuid, bool *ret_running, struct dm_err *e)
{
    struct change x = {.c = c, .uuid = uuid};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_run(c->store, STORE_WRITE, cancel_in, &x, e));
    *ret_running = x.running;
    return DM_OK;
}

static int retry_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct change *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const char *status;
    int64_t busy;
    int done = 0;
    DM_TRY(begin(tx, x, &a, &status, e));
    DM_TRY(store_int(tx, &queries[FAILED], STORE_ARGS(store_u(x->uuid)), &busy, e));
    if (!busy && strcmp(status, "cancelled") == 0) {
        DM_TRY(store_exec(
            tx, &queries[AGAIN],
            STORE_ARGS(store_u(x->uuid), store_at(x->c->now_ms), store_i(QUEUE_ATTEMPTS)), NULL,
            e));
        done = 1;
    } else if (!busy) {
        done = queue_redrive(tx, x->c->now_ms, x->uuid, e);
        DM_TRY(done);
    }
    if (!done) {
        DM_REFUSE(e, INV_INVALID_TRANSITION,
                  DM_FIELDS(DM_S("current", status), DM_S("target", "pending")),
                  busy ? "the photo is being worked on" : "the job has not failed");
    }
    return audit_write_named(tx, x->c, "retry", "jobs", x->uuid, NULL, NULL, e);
}

int jobs_retry(const struct inv_ctx *c, const char *uuid, struct dm_err *e)
{
    struct change x = {.c = c, .uuid = uuid};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    return store_run(c->store, STORE_WRITE, retry_in, &x, e);
}

int jobs_retry_failed(const struct inv_ctx *c, const struct list_ask *ask, json_t **ret,
                      struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    struct list_value value[LIST_FILTERS_MAX];
    struct list_ask own = {.value = value, .n_value = ask->n_value, .limit = 1000};
    DM_TRY(inv_permit(c, INV_DO_JOBS_ALL, e));
    DM_BUG_UNLESS(ask->n_value < LIST_FILTERS_MAX);
    for (size_t i = 0; i < ask->n_value; i++) {
        value[i] = ask->value[i];
    }
    value[own.n_value++] = (struct list_value){"status", store_t("failed")};
    DM_TRY(list_rows(c, &list_jobs, &own, &rows, NULL, e));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *id = json_object_get(json_array_get(rows, i), "job_id");
        struct change x = {.c = c, .uuid = json_string_value(id)};
        const int code = store_run(c->store, STORE_WRITE, retry_in, &x, e);
        if (code == INV_INVALID_TRANSITION) {
            continue;
        }
        DM_TRY(code);
        if (json_array_append(out, id)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for jobs");
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- figures ------------------------------------------------------------------------------ */

/* Every queue by name, with what waits in it. */
static int queue_figures(struct store_tx *tx, struct dm_arena *a, json_t *ret, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[QUEUES], STORE_NO_ARGS, a, &rows, e));
    for (int k = 0; k < QUEUE_KIND_MAX_; k++) {
        const struct queue_kind_info *kind = queue_kind_info((enum queue_kind)k);
        int64_t n = inv_json_int(ret, kind->queue);
        for (size_t i = 0; i < rows.n; i++) {
            const struct store_value *v = store_row(&rows, i);
            n += strcmp(v[0].t, kind->name) == 0 ? v[1].i : 0;
        }
        DM_TRY(inv_json_set(ret, kind->queue, json_integer(n), e));
    }
    return DM_OK;
}

int jobs_stats(const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    static const char *const names[] = {"pending", "processing", "failed_24h", "completed_24h",
                                        "avg_duration_s"};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    DM_CLEANUP(inv_json_freep) json_t *queues = json_object();
    const struct store_value *v;
    DM_TRY(inv_permit(c, INV_DO_JOBS_ALL, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_one(tx, &queries[STATS], STORE_ARGS(store_at(c->now_ms - 86400000)), &a, &v, e));
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        DM_TRY(inv_json_set(out, names[i], v[i].null ? json_real(0) : inv_json_of_value(&v[i]), e));
    }
    DM_TRY(queue_figures(tx, &a, queues, e));
    DM_TRY(inv_json_set(out, "queues", json_incref(queues), e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- workers ------------------------------------------------------------------------------ */

static int worker_row(const struct store_value *v, json_t *rows, struct dm_err *e)
{
    static const char *const names[] = {"worker", "jobs", "since", "lease_until"};
    DM_CLEANUP(inv_json_freep) json_t *row = json_object();
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        DM_TRY(inv_json_set(row, names[i], inv_json_of_value(&v[i]), e));
    }
    if (json_array_append(rows, row)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for workers");
    }
    return DM_OK;
}

int jobs_workers(const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_JOBS_ALL, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[WORKERS], STORE_ARGS(store_at(c->now_ms)), &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        DM_TRY(worker_row(store_row(&rows, i), out, e));
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- queues ------------------------------------------------------------------------------- */

static int queue_row(const struct inv_ctx *c, const char *queue, json_t *rows, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct queue_depth d;
    int64_t paused;
    DM_TRY(queue_depth(c->store, c->now_ms, queue, &d, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[PAUSED], STORE_ARGS(store_t(queue)), &paused, e));
    const struct store_value oldest = store_at(d.oldest_ms);
    json_t *row = json_pack("{s:s, s:b, s:I, s:I, s:I, s:o}", "queue", queue, "paused", paused > 0,
                            "pending", (json_int_t)d.pending, "processing",
                            (json_int_t)d.processing, "dead", (json_int_t)d.dead, "oldest_at",
                            d.oldest_ms ? inv_json_of_value(&oldest) : json_null());
    if (json_array_append_new(rows, row)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for queues");
    }
    return DM_OK;
}

/* Whether an earlier kind goes the same way. */
static bool seen(int kind)
{
    for (int k = 0; k < kind; k++) {
        if (strcmp(queue_kind_info((enum queue_kind)k)->queue,
                   queue_kind_info((enum queue_kind)kind)->queue) == 0) {
            return true;
        }
    }
    return false;
}

int jobs_queues(const struct inv_ctx *c, const char *queue, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = json_array();
    DM_TRY(inv_permit(c, INV_DO_JOBS_ALL, e));
    for (int k = 0; k < QUEUE_KIND_MAX_; k++) {
        const char *name = queue_kind_info((enum queue_kind)k)->queue;
        if (!seen(k) && (!queue || strcmp(queue, name) == 0)) {
            DM_TRY(queue_row(c, name, rows, e));
        }
    }
    *ret = DM_STEAL(rows);
    return DM_OK;
}

struct pause {
    const struct inv_ctx *c;
    const char *queue;
    bool paused;
};

static int pause_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct pause *x = ctx;
    const int code = x->paused ? queue_pause_queue(tx, x->queue, x->c->user_id, e)
                               : queue_resume_queue(tx, x->queue, e);
    if (code == DM_EBADINPUT) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "queue"), DM_S("identifier", x->queue)),
                  "there is no queue %.30s", x->queue);
    }
    DM_TRY(code);
    return audit_write_named(tx, x->c, x->paused ? "queue.pause" : "queue.resume", "queue_pauses",
                             x->queue, NULL, NULL, e);
}

int jobs_pause(const struct inv_ctx *c, const char *queue, bool paused, struct dm_err *e)
{
    struct pause x = {c, queue, paused};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    return store_run(c->store, STORE_WRITE, pause_in, &x, e);
}

/* ---- the older contract ------------------------------------------------------------------- */

const char *jobs_task_state(const json_t *job)
{
    static const char *const states[][2] = {{"pending", "PENDING"},
                                            {"processing", "STARTED"},
                                            {"completed", "SUCCESS"},
                                            {"failed", "FAILURE"},
                                            {"cancelled", "REVOKED"}};
    const char *status = inv_json_str(job, "status");
    const char *state = "PENDING";
    for (size_t i = 0; i < DM_COUNT(states); i++) {
        if (strcmp(status, states[i][0]) == 0) {
            state = states[i][1];
        }
    }
    return strcmp(status, "pending") == 0 && inv_json_int(job, "attempts") ? "RETRY" : state;
}

int jobs_task(const struct inv_ctx *c, const char *uuid, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *job = NULL;
    json_t *info = NULL;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(read_job(c, uuid, &job, e));
    const char *status = inv_json_str(job, "status");
    if (strcmp(status, "processing") == 0) {
        info = json_pack("{s:O, s:O}", "progress_percent", json_object_get(job, "progress_percent"),
                         "step", json_object_get(job, "step"));
    } else if (strcmp(status, "failed") == 0) {
        info = json_incref(json_object_get(job, "error"));
    } else {
        info = json_null();
    }
    *ret = json_pack("{s:O, s:s, s:O, s:o}", "task_id", json_object_get(job, "job_id"), "status",
                     jobs_task_state(job), "result", json_object_get(job, "result"), "info", info);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a task");
    }
    return DM_OK;
}

int jobs_task_line(const struct inv_ctx *c, const char *uuid, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *job = NULL;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(read_job(c, uuid, &job, e));
    *ret = json_pack("{s:O, s:s, s:O, s:O, s:O}", "task_id", json_object_get(job, "job_id"),
                     "status", jobs_task_state(job), "progress",
                     json_object_get(job, "progress_percent"), "message",
                     json_object_get(job, "message"), "result", json_object_get(job, "result"));
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a task");
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/jobs: what the workers do, once more, no more; queues that are stopped (api.md 22). */
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/jobs.h"
#include "inventory/json.h"
#include "queue/queue.h"

#define ID     .min = 1, .max = INT32_MAX
#define STATES "pending|processing|completed|failed|cancelled"
#define QUEUES "gpu_queue|cpu_queue|io_queue|default"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field job_error[] = {
    {"code", HTTP_STR}, {"message", HTTP_STR, HTTP_NULL}, {"retryable", HTTP_BOOL}, {NULL}};
static const struct http_schema JobError = {NULL, job_error};
static const struct http_field job[] = {{"job_id", HTTP_UUID},
                                        {"kind", HTTP_STR},
                                        {"status", HTTP_STR, .one_of = STATES},
                                        {"warning", HTTP_STR, HTTP_NULL},
                                        {"priority", HTTP_INT},
                                        {"queue", HTTP_STR},
                                        {"progress_percent", HTTP_NUM},
                                        {"step", HTTP_STR, HTTP_NULL},
                                        {"message", HTTP_STR, HTTP_NULL},
                                        {"attempts", HTTP_INT},
                                        {"max_attempts", HTTP_INT},
                                        {"upload_session_id", HTTP_UUID, HTTP_NULL},
                                        {"image_id", HTTP_UUID, HTTP_NULL},
                                        {"session_id", HTTP_UUID, HTTP_NULL},
                                        {"filename", HTTP_STR, HTTP_NULL},
                                        {"user_id", HTTP_INT, HTTP_NULL},
                                        {"created_at", HTTP_INSTANT},
                                        {"started_at", HTTP_INSTANT, HTTP_NULL},
                                        {"finished_at", HTTP_INSTANT, HTTP_NULL},
                                        {"duration_s", HTTP_NUM, HTTP_NULL},
                                        {"error", HTTP_OBJ, HTTP_NULL, .of = &JobError},
                                        {"result", HTTP_ANY, HTTP_NULL},
                                        {"correlation_id", HTTP_STR, HTTP_NULL},
                                        {NULL}};
static const struct http_schema Job = {"Job", job};

static const struct http_field stats[] = {{"pending", HTTP_INT},
                                          {"processing", HTTP_INT},
                                          {"failed_24h", HTTP_INT},
                                          {"completed_24h", HTTP_INT},
                                          {"avg_duration_s", HTTP_NUM},
                                          {"queues", HTTP_MAP},
                                          {NULL}};
static const struct http_schema JobStats = {"JobStats", stats};
static const struct http_field again_out[] = {
    {"retried", HTTP_INT}, {"job_ids", HTTP_UUID, HTTP_LIST}, {NULL}};
static const struct http_schema AgainOut = {"JobsRetried", again_out};
static const struct http_field queue_out[] = {{"queue", HTTP_STR},
                                              {"paused", HTTP_BOOL},
                                              {"pending", HTTP_INT},
                                              {"processing", HTTP_INT},
                                              {"dead", HTTP_INT},
                                              {"oldest_at", HTTP_INSTANT, HTTP_NULL},
                                              {NULL}};
static const struct http_schema Queue = {"Queue", queue_out};

static const struct http_field job_query[] = {{"status", HTTP_STR, .one_of = STATES},
                                              {"kind", HTTP_STR, .min = 1, .max = 40},
                                              {"upload_session_id", HTTP_UUID},
                                              {"user_id", HTTP_INT, ID},
                                              {"date_from", HTTP_INSTANT},
                                              {"date_to", HTTP_INSTANT},
                                              {NULL}};
static const struct http_field job_path[] = {{"job_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field queue_path[] = {{"queue", HTTP_STR, HTTP_REQ, .one_of = QUEUES},
                                               {NULL}};
static const struct http_field reason_in[] = {{"reason", HTTP_STR, HTTP_NULL, .min = 0, .max = 500},
                                              {NULL}};
static const struct http_schema ReasonIn = {"JobReason", reason_in};
static const struct http_field again_in[] = {{"upload_session_id", HTTP_UUID, HTTP_NULL},
                                             {"kind", HTTP_STR, HTTP_NULL, .min = 1, .max = 40},
                                             {"since", HTTP_INSTANT, HTTP_NULL},
                                             {NULL}};
static const struct http_schema AgainIn = {"JobsRetry", again_in};

/* ---- handlers ----------------------------------------------------------------------------- */

static int send_jobs(struct http_request *r, struct list_ask *ask, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    json_t *rows;
    int64_t total;
    ask->skip = slice.skip;
    ask->limit = slice.limit;
    DM_TRY(jobs_rows(api_ctx(r), ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

static int list_job_rows(struct http_request *r, struct dm_err *e)
{
    struct list_ask ask;
    DM_TRY(rows_filters(r, &list_jobs, &ask, e));
    return send_jobs(r, &ask, e);
}

/* Dead letters: what failed and was not tried again. */
static int list_dead(struct http_request *r, struct dm_err *e)
{
    const struct list_value failed = {"status", store_t("failed")};
    struct list_ask ask = {.value = &failed, .n_value = 1};
    return send_jobs(r, &ask, e);
}

static int get_job(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(jobs_one(api_ctx(r), http_str(r->path, "job_id"), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int send_job(struct http_request *r, int status, struct dm_err *e)
{
    const char *uuid = http_str(r->path, "job_id");
    const char *at = dm_arena_printf(r->arena, "/api/v1/jobs/%s", uuid);
    json_t *out;
    DM_TRY(status == 202 && at ? http_reply_header(r, "Location", at, e) : DM_OK);
    DM_TRY(jobs_one(api_ctx(r), uuid, &out, e));
    return http_reply_json(r, status, out, e);
}

static int post_retry(struct http_request *r, struct dm_err *e)
{
    DM_TRY(jobs_retry(api_ctx(r), http_str(r->path, "job_id"), e));
    return send_job(r, 202, e);
}

static int post_cancel(struct http_request *r, struct dm_err *e)
{
    bool running;
    DM_TRY(jobs_cancel(api_ctx(r), http_str(r->path, "job_id"), &running, e));
    return send_job(r, running ? 202 : 200, e);
}

static int post_retry_failed(struct http_request *r, struct dm_err *e)
{
    struct list_value value[3];
    struct list_ask ask = {.value = value};
    json_t *ids;
    json_t *out;
    const char *upload = http_str(r->body, "upload_session_id");
    const char *kind = http_str(r->body, "kind");
    if (upload) {
        value[ask.n_value++] = (struct list_value){"upload_session_id", store_u(upload)};
    }
    if (kind) {
        value[ask.n_value++] = (struct list_value){"kind", store_t(kind)};
    }
    if (http_has(r->body, "since")) {
        value[ask.n_value++] =
            (struct list_value){"date_from", store_at(http_int(r->body, "since", 0))};
    }
    DM_TRY(jobs_retry_failed(api_ctx(r), &ask, &ids, e));
    DM_TRY(api_json(
        json_pack("{s:I, s:o}", "retried", (json_int_t)json_array_size(ids), "job_ids", ids), &out,
        e));
    return http_reply_json(r, 202, out, e);
}

static int get_stats(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(jobs_stats(api_ctx(r), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int get_queues(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(jobs_queues(api_ctx(r), NULL, &out, e));
    return http_reply_json(r, 200, out, e);
}

static int set_pause(struct http_request *r, bool paused, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    const char *queue = http_str(r->path, "queue");
    DM_TRY(jobs_pause(api_ctx(r), queue, paused, e));
    DM_TRY(jobs_queues(api_ctx(r), queue, &rows, e));
    return http_reply_json(r, 200, json_incref(json_array_get(rows, 0)), e);
}

static int post_pause(struct http_request *r, struct dm_err *e)
{
    return set_pause(r, true, e);
}

static int post_resume(struct http_request *r, struct dm_err *e)
{
    return set_pause(r, false, e);
}

#define BASE "/api/v1/jobs"
const struct http_route job_routes[] = {
    {HTTP_GET, BASE, "list_jobs", "jobs", "Jobs, newest first", .role = API_WORKER,
     .flags = HTTP_PAGED | HTTP_NO_STORE, .query = job_query, .answer = {{200, &Job, true}},
     .handle = list_job_rows},
    {HTTP_GET, BASE "/stats", "job_stats", "jobs", "Figures of the queues", .role = API_SUPERVISOR,
     .flags = HTTP_NO_STORE, .answer = {{200, &JobStats}}, .handle = get_stats},
    {HTTP_GET, BASE "/dead", "dead_jobs", "jobs", "Jobs that failed for good",
     .role = API_SUPERVISOR, .flags = HTTP_PAGED | HTTP_NO_STORE, .answer = {{200, &Job, true}},
     .handle = list_dead},
    {HTTP_GET, BASE "/queues", "list_queues", "jobs", "Queues", .role = API_SUPERVISOR,
     .flags = HTTP_NO_STORE, .answer = {{200, &Queue, true}}, .handle = get_queues},
    {HTTP_POST, BASE "/queues/{queue}/pause", "pause_queue", "jobs", "Begin nothing of a queue",
     .role = API_ADMIN, .flags = HTTP_BODY_OPTIONAL, .params = queue_path,
     .answer = {{200, &Queue}}, .handle = post_pause},
    {HTTP_POST, BASE "/queues/{queue}/resume", "resume_queue", "jobs", "Let a queue go on",
     .role = API_ADMIN, .flags = HTTP_BODY_OPTIONAL, .params = queue_path,
     .answer = {{200, &Queue}}, .handle = post_resume},
    {HTTP_POST, BASE "/retry-failed", "retry_failed_jobs", "jobs", "All that failed once more",
     .role = API_SUPERVISOR, .flags = HTTP_BODY_OPTIONAL | HTTP_NO_STORE, .body = &AgainIn,
     .answer = {{202, &AgainOut}}, .handle = post_retry_failed},
    {HTTP_GET, BASE "/{job_id}", "get_job", "jobs", "One job", .role = API_VIEWER,
     .flags = HTTP_NO_STORE, .params = job_path, .answer = {{200, &Job}}, .errors = "404",
     .handle = get_job},
    {HTTP_POST, BASE "/{job_id}/retry", "retry_job", "jobs", "Once more", .role = API_VIEWER,
     .flags = HTTP_BODY_OPTIONAL | HTTP_NO_STORE, .params = job_path, .body = &ReasonIn,
     .answer = {{202, &Job}}, .errors = "404 409", .handle = post_retry},
    {HTTP_POST, BASE "/{job_id}/cancel", "cancel_job", "jobs", "No more", .role = API_VIEWER,
     .flags = HTTP_BODY_OPTIONAL | HTTP_NO_STORE, .params = job_path, .body = &ReasonIn,
     .answer = {{200, &Job}, {202, &Job}}, .errors = "404 409", .handle = post_cancel},
    {HTTP_GET, "/api/v1/photos/jobs/{job_id}/status", "get_job_status", "jobs", "One job",
     .role = API_VIEWER, .flags = HTTP_NO_STORE | HTTP_HIDDEN, .params = job_path,
     .answer = {{200, &Job}}, .errors = "404", .handle = get_job},
    {0},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs as people see them (api.md section 22): whose they are, how far, why they failed, once more.
 * Running them is the business of queue/. A worker sees his own, a supervisor all; objects go out
 * as JSON, which the caller frees. */
#ifndef INVENTORY_JOBS_H
#define INVENTORY_JOBS_H

#include "inventory/list.h"

/* Filters: job_id, status, kind, upload_session_id, user_id, date_from, date_to. Columns that
 * jobs_shown still changes. */
extern const struct list list_jobs;

/* Rows as the API's Job, newest first; those of somebody else are left out unless the caller may
 * see all. Needs PHOTO_UPLOAD or JOBS_ALL. */
DM_MUST_CHECK int jobs_rows(const struct inv_ctx *c, const struct list_ask *ask, json_t **ret,
                            int64_t *ret_total, struct dm_err *e);

/* One job. INV_NOT_FOUND; INV_FORBIDDEN: of somebody else. */
DM_MUST_CHECK int jobs_one(const struct inv_ctx *c, const char *uuid, json_t **ret,
                           struct dm_err *e);

/* A failed or cancelled job from its first attempt again. INV_INVALID_TRANSITION: it is neither, or
 * its photo is being worked on; INV_NOT_FOUND, INV_FORBIDDEN. */
DM_MUST_CHECK int jobs_retry(const struct inv_ctx *c, const char *uuid, struct dm_err *e);

/* Stop a job: *ret_running tells whether a worker still has it. INV_INVALID_TRANSITION: finished;
 * INV_NOT_FOUND, INV_FORBIDDEN. */
DM_MUST_CHECK int jobs_cancel(const struct inv_ctx *c, const char *uuid, bool *ret_running,
                              struct dm_err *e);

/* Failed jobs that the filters of list_jobs let through once more, at most 1,000: an array of their
 * uuids. Those whose photo has another unfinished job stay. Needs JOBS_ALL. */
DM_MUST_CHECK int jobs_retry_failed(const struct inv_ctx *c, const struct list_ask *ask,
                                    json_t **ret, struct dm_err *e);

/* pending, processing, failed_24h, completed_24h, avg_duration_s (of the last 50), queues. Needs
 * JOBS_ALL. */
DM_MUST_CHECK int jobs_stats(const struct inv_ctx *c, json_t **ret, struct dm_err *e);

/* queue, paused, pending, processing, dead, oldest_at of every queue, or of one. Needs JOBS_ALL. */
DM_MUST_CHECK int jobs_queues(const struct inv_ctx *c, const char *queue, json_t **ret,
                              struct dm_err *e);

/* worker, jobs, since, lease_until of every place that has a job in work, and of workers that have
 * none (jobs 0, since null; seen until then), by name. Needs JOBS_ALL. */
DM_MUST_CHECK int jobs_workers(const struct inv_ctx *c, json_t **ret, struct dm_err *e);

/* Let nothing of a queue begin, or let it go on. Needs SETTINGS. INV_NOT_FOUND: no such queue. */
DM_MUST_CHECK int jobs_pause(const struct inv_ctx *c, const char *queue, bool paused,
                             struct dm_err *e);

/* A job as the older contract's task: task_id, status, result, info. Anybody who may read.
 * INV_NOT_FOUND. */
DM_MUST_CHECK int jobs_task(const struct inv_ctx *c, const char *uuid, json_t **ret,
                            struct dm_err *e);

/* The same in short: task_id, status, progress, message, result. */
DM_MUST_CHECK int jobs_task_line(const struct inv_ctx *c, const char *uuid, json_t **ret,
                                 struct dm_err *e);

/* "PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED" for an object of jobs_rows. */
const char *jobs_task_state(const json_t *job);

extern const struct store_query_table jobs_queries;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The jobs of a nursery, as a worker runs them (queue/worker.h): what each kind does is in the file
 * of its workflow, here is the table, and who the job acts as. */
#ifndef INVENTORY_JOB_RUNS_H
#define INVENTORY_JOB_RUNS_H

#include "inventory/photo.h"
#include "queue/worker.h"

/* What queue_run_app gives: made by the child's begin. */
struct job_app {
    struct photo_runner photos; /* engine NULL in an io child */
};

extern const struct queue_handler job_handlers[];
extern const size_t job_handler_count;

/* The caller of a job: whoever sent the photo, with the rights of an administrator, because what
 * they may do was checked when the job was made. Settings and zone are read anew. Cleared with
 * job_ctx_clear. */
struct job_ctx {
    struct inv_ctx ctx; /* points into this struct: do not copy it */
    struct inv_settings settings;
    struct dm_zone *zone;
    struct dm_arena arena;
};
DM_MUST_CHECK int job_ctx_open(struct store *s, int64_t user_id, struct job_ctx *ret,
                               struct dm_err *e);
void job_ctx_clear(struct job_ctx *x);

/* See to it that cleanup runs now and then: adds its next job unless it is there. */
DM_MUST_CHECK int job_plan_cleanup(const struct inv_ctx *c, struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What jobs need of this machine, made from the settings: database, places of photographs, models,
 * an engine. One process makes it in steps (queue/worker.h): models before it forks, the rest in
 * each child. */
#ifndef CMD_WORKSHOP_H
#define CMD_WORKSHOP_H

#include "cmd/counter.h"
#include "inventory/job_runs.h"
#include "telemetry/telemetry.h"

/* Places of photographs as storage.* says: the folder, and buckets behind a circuit breaker. The
 * folder is made as long as the books have no photo in it; afterwards a folder without its marker
 * is a mount that has gone, and an error. Strings in the run's arena. */
DM_MUST_CHECK int workshop_place_open(struct cmd_run *r, struct store *s, struct photo_place *ret,
                                      struct dm_err *e);
/* The same for reading alone: nothing is made. A folder that is missing is fine while no photo is
 * in it; its place is then NULL. */
DM_MUST_CHECK int workshop_place_look(struct cmd_run *r, struct store *s, struct photo_place *ret,
                                      struct dm_err *e);
/* The same for a restore: a folder that is missing is made. */
DM_MUST_CHECK int workshop_place_make(struct cmd_run *r, struct photo_place *ret, struct dm_err *e);
/* A bucket of storage.*'s server, behind a circuit breaker. */
DM_MUST_CHECK int workshop_bucket_open(struct cmd_run *r, const char *url, struct blob **ret,
                                       struct dm_err *e);
void workshop_place_close(struct photo_place *p);
/* t, NULL allowed, learns how the breakers of the buckets stand. Right after opening. */
void workshop_place_watch(const struct photo_place *p, struct telemetry *t);

struct workshop {
    struct job_app app; /* what handlers get: first */
    struct cmd_run *r;
    struct telemetry *telemetry;
    size_t threads; /* of each cpu child's engine; 0: all processors */
    struct counter counter;
    struct queue_app jobs;
    char model[101];
};

/* Fill w; nothing is opened. &w->jobs is for queue_worker_run and queue_worker_start; w, r and t,
 * which may be NULL and learns what the workers do, live as long as the keeper. Close afterwards.
 */
void workshop_init(struct workshop *w, struct cmd_run *r, struct telemetry *t, size_t threads);
void workshop_close(struct workshop *w);

/* Processors shared among so many cpu children, at least 1 thread each. */
size_t workshop_threads(const struct cmd_run *r, int children);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter worker: runs the jobs that others add. */
#include "cmd/commands.h"
#include "cmd/otel.h"
#include "cmd/version.h"
#include "cmd/worker_door.h"
#include "cmd/worker_options.h"
#include "cmd/workshop.h"
#include "telemetry/telemetry.h"

struct worker_flags {
    const char *queue;
};

#define AT(field) DM_OPT_AT(struct worker_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "queue", .type = DM_OPT_STR, .offset = AT(queue), .def = "", .unit = "LIST",
     .help = "the same as --queues"},
};
static const char *const settings[] = {
    "worker.", "count.model_detect", "count.model_segment", "count.precision", "count.threads",
    "model.dir", NULL};
static const struct cmd_example examples[] = {
    {"demeter worker --queue cpu --concurrency 4", MSG_WORKER_EXAMPLE},
    {"demeter worker --queue io --concurrency 50", MSG_WORKER_EXAMPLE_IO},
    {0},
};
// clang-format on

static int worker_run(struct cmd_run *r, struct dm_err *e)
{
    const struct worker_flags *f = r->flags;
    struct queue_worker_options o;
    struct workshop shop;
    struct telemetry *telemetry = NULL;
    struct otel *otel;
    DM_TRY(worker_options(r, f->queue[0] ? f->queue : NULL, 0, &o, e));
    if (r->settings.v.metrics_enabled) {
        DM_TRY(telemetry_new(DEMETER_VERSION, version_commit(), &telemetry, e));
    }
    int code = worker_door_fork(r, telemetry, e);
    if (code < 0) {
        telemetry_free(telemetry);
        return code;
    }
    workshop_init(&shop, r, telemetry, workshop_threads(r, o.cpu));
    if (!o.cpu) {
        shop.jobs.prepare = NULL; /* transfers need no models */
    }
    otel_begin(r, o.cpu ? "demeterai-celery-cpu" : "demeterai-celery-io", telemetry, &otel);
    otel_send_process(otel);
    code = queue_worker_run(&o, &shop.jobs, e);
    otel_end(otel);
    workshop_close(&shop);
    telemetry_free(telemetry);
    return code;
}

const struct cmd cmd_worker = {
    .name = "worker",
    .operands = "",
    .summary = MSG_WORKER_SUMMARY,
    .about = MSG_WORKER_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct worker_flags),
    .settings = settings,
    .examples = examples,
    .run = worker_run,
};

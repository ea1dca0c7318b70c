/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter backup run: what a timer calls every night, and the same as a service of its own. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "backup/schedule.h"
#include "base/log.h"
#include "cmd/backup_box.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "cmd/side_door.h"
#include "cmd/version.h"
#include "telemetry/telemetry.h"

#define KIND "instance" /* of what, in metrics */
enum { LOW_PRIORITY = 10 };

struct run_flags {
    bool schedule;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "schedule", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct run_flags, schedule), .def = "false",
     .help = "stay, and do so by backup.schedule and backup.verify_schedule"},
};
static const char *const settings[] = {"backup.keep_daily", "backup.keep_monthly", NULL};
static const struct cmd_example examples[] = {
    {"demeter backup run", MSG_BACKUP_RUN_EXAMPLE},
    {"demeter backup run --schedule", MSG_BACKUP_RUN_EXAMPLE_SCHEDULE},
    {0},
};
// clang-format on

static int64_t size_of(const struct backup_manifest *m)
{
    int64_t n = m->photo_bytes;
    for (size_t i = 0; i < m->n_part; i++) {
        n += m->part[i].bytes;
    }
    return n;
}

/* One backup, then the old ones. *ret_missing: photographs that could not be had. */
static int run_once(struct cmd_run *r, struct telemetry *t, int64_t *ret_missing, struct dm_err *e)
{
    DM_CLEANUP(backup_box_close) struct backup_box b;
    struct backup_made made;
    struct backup_pruned pruned;
    DM_TRY(backup_box_open(r, NULL, true, &b, e));
    DM_TRY(backup_box_create(&b, &r->arena, &made, e));
    *ret_missing = made.manifest.missing;
    telemetry_set(t, TELEMETRY_BACKUP_LAST, TELEMETRY_LABELS(KIND), (double)store_now() / 1000);
    telemetry_set(t, TELEMETRY_BACKUP_SIZE, TELEMETRY_LABELS(KIND),
                  (double)size_of(&made.manifest));
    dm_log(DM_LOG_INFO, "backup taken", DM_S("id", made.manifest.id),
           DM_I("photos", made.manifest.photos), DM_I("new_photos", made.new_photos),
           DM_I("missing", made.manifest.missing));
    DM_TRY(backup_box_prune(&b, false, &pruned, e));
    dm_log(DM_LOG_INFO, "old backups removed", DM_I("backups", (int64_t)pruned.n),
           DM_I("photos", pruned.objects));
    (void)fprintf(r->out, "%s\n", made.manifest.id);
    (void)fflush(r->out);
    return DM_OK;
}

/* ---- as a service ---------------------------------------------------------------------------- */

struct service {
    struct cmd_run *r;
    struct books books;
    struct telemetry *telemetry;
    struct api *api;
    struct side_door door;
    struct backup_schedule make, check;
    sigset_t signals;
};

static void log_fault(void *ctx, const char *file, const char *what)
{
    (void)ctx;
    dm_log(DM_LOG_ERROR, "backup damaged", DM_S("file", file), DM_S("fault", what));
}

/* The newest one, with its database. */
static int check_newest(struct service *s, struct dm_err *e)
{
    DM_CLEANUP(backup_box_close) struct backup_box b;
    const char *id = NULL;
    DM_TRY(backup_box_open(s->r, NULL, false, &b, e));
    DM_TRY(backup_box_pick(&b, NULL, &id, e));
    const int faults = backup_verify(&b.site, id, true, log_fault, NULL, e);
    DM_TRY(faults);
    if (faults == 0) {
        telemetry_set(s->telemetry, TELEMETRY_BACKUP_VERIFIED, TELEMETRY_LABELS(KIND),
                      (double)store_now() / 1000);
        dm_log(DM_LOG_INFO, "backup verified", DM_S("id", id));
    }
    return DM_OK;
}

/* What goes wrong is told and tried again at the next time: the service stays. */
static void act(struct service *s, bool make, bool check)
{
    struct dm_err e = {0};
    int64_t missing = 0;
    if (make && run_once(s->r, s->telemetry, &missing, &e) < 0) {
        dm_log(DM_LOG_ERROR, "no backup was taken", DM_S("error", cmd_error_text(s->r, &e)));
    } else if (missing) {
        dm_log(DM_LOG_WARNING, "photographs were missing", DM_I("missing", missing));
    }
    e = (struct dm_err){0};
    if (check && check_newest(s, &e) < 0) {
        dm_log(DM_LOG_ERROR, "the backup was not verified",
               DM_S("error", cmd_error_text(s->r, &e)));
    }
    s->r->own_words = false;
}

/* 1: the time has come; 0: the service is to end. Looks at the clock once a minute: it may be
 * set. */
static int wait_until(const struct service *s, int64_t at_ms)
{
    enum { STEP_S = 60 };
    for (;;) {
        const int64_t left_ms = at_ms - store_now();
        const struct timespec step = {
            .tv_sec = DM_CLAMP(left_ms / 1000, 0, STEP_S),
            .tv_nsec = left_ms > 0 && left_ms < 1000 ? (long)left_ms * 1000000 : 0};
        if (left_ms <= 0) {
            return 1;
        }
        if (sigtimedwait(&s->signals, NULL, &step) > 0) {
            return 0;
        }
    }
}

static int serve(struct service *s, struct dm_err *e)
{
    for (;;) {
        const int64_t now_ms = store_now();
        const int64_t make_ms = backup_schedule_next(&s->make, s->books.zone, now_ms);
        const int64_t check_ms = backup_schedule_next(&s->check, s->books.zone, now_ms);
        const int64_t at_ms = !check_ms || (make_ms && make_ms < check_ms) ? make_ms : check_ms;
        if (!at_ms) {
            DM_FAIL(e, DM_EBADINPUT, "the schedules never come");
        }
        if (!wait_until(s, at_ms)) {
            return DM_OK;
        }
        act(s, at_ms == make_ms, at_ms == check_ms);
    }
}

static int begin(struct service *s, struct dm_err *e)
{
    struct cmd_run *r = s->r;
    const struct settings_values *v = &r->settings.v;
    DM_TRY(backup_schedule_parse(v->backup_schedule, &s->make, e));
    DM_TRY(backup_schedule_parse(v->backup_verify_schedule, &s->check, e));
    if (v->metrics_enabled) {
        DM_TRY(telemetry_new(DEMETER_VERSION, version_commit(), &s->telemetry, e));
    }
    (void)sigemptyset(&s->signals);
    (void)sigaddset(&s->signals, SIGTERM);
    (void)sigaddset(&s->signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
    DM_TRY(books_open(r, &s->books, e));
    const struct api_options o = {.store = s->books.store,
                                  .telemetry = s->telemetry,
                                  .base_url = "",
                                  .version = DEMETER_VERSION,
                                  .revision = version_commit(),
                                  .metrics_token = v->metrics_token[0] ? v->metrics_token : NULL};
    DM_TRY(api_new(&o, &s->api, e));
    DM_TRY(side_door_open(r, s->api, &s->door, e));
    dm_log(DM_LOG_INFO, "backups are scheduled", DM_S("schedule", v->backup_schedule),
           DM_S("verify", v->backup_verify_schedule));
    return serve(s, e);
}

static int stay(struct cmd_run *r, struct dm_err *e)
{
    struct service s = {.r = r};
    api_setup();
    const int code = begin(&s, e);
    side_door_close(&s.door);
    api_free(s.api);
    books_close(&s.books);
    telemetry_free(s.telemetry);
    return code;
}

static int run_run(struct cmd_run *r, struct dm_err *e)
{
    const struct run_flags *f = r->flags;
    int64_t missing = 0;
    (void)!nice(LOW_PRIORITY); /* whoever counts or asks goes first */
    if (f->schedule) {
        return stay(r, e);
    }
    DM_TRY(run_once(r, NULL, &missing, e));
    if (missing) {
        (void)fprintf(r->err, "%s\n", TN(r, BACKUP_MISSING, missing));
    }
    return missing ? 6 : 0;
}

const struct cmd cmd_backup_run = {
    .name = "run",
    .operands = "",
    .summary = MSG_BACKUP_RUN_SUMMARY,
    .about = MSG_BACKUP_RUN_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct run_flags),
    .settings = settings,
    .examples = examples,
    .run = run_run,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter count: photos in, counts out. Workers count photos side by side; this thread prints them
 * in the order of the inputs and draws the progress bar. A worker runs at most a few photos ahead
 * of what is printed, so memory does not depend on the number of photos. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/counter.h"
#include "cmd/inputs.h"
#include "cmd/photo.h"
#include "cmd/progress.h"
#include "cmd/report.h"

struct count_flags {
    bool recursive, json, ndjson, csv, geojson, detections, dry_run;
    const char *out, *failed_to;
};

#define AT(field) DM_OPT_AT(struct count_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "csv", .type = DM_OPT_BOOL, .offset = AT(csv), .def = "false",
     .help = "print CSV, one row per photo"},
    {.name = "detections", .type = DM_OPT_BOOL, .offset = AT(detections), .def = "false",
     .help = "with --json: also every plant; the metrics file always has them"},
    {.name = "dry_run", .type = DM_OPT_BOOL, .offset = AT(dry_run), .def = "false",
     .help = "only list the photos and the files that would be written"},
    {.name = "failed_to", .type = DM_OPT_STR, .offset = AT(failed_to), .def = "", .unit = "FILE",
     .help = "write the paths of the photos that failed to this file, one a line"},
    {.name = "geojson", .type = DM_OPT_BOOL, .offset = AT(geojson), .def = "false",
     .help = "print GeoJSON, one point per photo that knows its place"},
    {.name = "json", .type = DM_OPT_BOOL, .offset = AT(json), .def = "false",
     .help = "print NDJSON, one object a line"},
    {.name = "ndjson", .type = DM_OPT_BOOL, .offset = AT(ndjson), .def = "false",
     .help = "the same as --json"},
    {.name = "out", .type = DM_OPT_STR, .offset = AT(out), .def = "", .unit = "FOLDER",
     .help = "write NAME.metrics.json and the pictures of --overlay here"},
    {.name = "recursive", .type = DM_OPT_BOOL, .offset = AT(recursive), .def = "false",
     .help = "look into the folders inside folders"},
};
static const char *const settings[] = {"count.", "estimate.", "segment.", "model.dir", NULL};
static const struct cmd_example examples[] = {
    {"demeter count claro07.jpg", MSG_COUNT_EXAMPLE_ONE},
    {"demeter count claro07.jpg --out marcas/", MSG_COUNT_EXAMPLE_OUT},
    {"demeter count fotos/ --recursive --json > conteos.ndjson", MSG_COUNT_EXAMPLE_JSON},
    {"demeter count 'fotos/nave03-*.jpg' --csv --failed-to repetir.txt", MSG_COUNT_EXAMPLE_CSV},
    {0},
};
// clang-format on

/* ---- workers ---- */

static _Atomic int stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* The second signal of a kind ends the process the ordinary way. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    stop_signal = 0;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

enum slot_state { SLOT_FREE, SLOT_WORKING, SLOT_DONE };

/* Locking: next, printed, running, slot[].state - mu
 *          slot[].row - its worker while WORKING, the printing thread while DONE
 *          the rest - set before the workers start, then read-only */
struct run_queue {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    const struct photo_job *job;
    const struct inputs *inputs;
    size_t next, printed, running;
    size_t n_slots; /* photos in work or waiting to be printed */
    struct slot {
        enum slot_state state;
        struct photo_row row;
    } * slot; /* photo i uses slot i % n_slots */
};

static void *worker_main(void *arg)
{
    struct run_queue *q = arg;
    (void)pthread_mutex_lock(&q->mu);
    for (;;) {
        while (!stop_signal && q->next < q->inputs->n && q->next - q->printed >= q->n_slots) {
            (void)pthread_cond_wait(&q->changed, &q->mu);
        }
        if (stop_signal || q->next >= q->inputs->n) {
            break;
        }
        const size_t i = q->next++;
        struct slot *s = &q->slot[i % q->n_slots];
        s->state = SLOT_WORKING;
        (void)pthread_mutex_unlock(&q->mu);
        photo_count(q->job, &q->inputs->item[i], &s->row);
        (void)pthread_mutex_lock(&q->mu);
        s->state = SLOT_DONE;
        (void)pthread_cond_broadcast(&q->changed);
    }
    q->running--;
    (void)pthread_cond_broadcast(&q->changed);
    (void)pthread_mutex_unlock(&q->mu);
    return NULL;
}

/* Wait until photo q->printed is done; false when no worker will do it. Redraws the bar. */
static bool wait_for_next(struct run_queue *q, struct progress *bar, struct cmd_run *r)
{
    bool done = false;
    (void)pthread_mutex_lock(&q->mu);
    for (;;) {
        struct slot *s = &q->slot[q->printed % q->n_slots];
        done = q->printed < q->next && s->state == SLOT_DONE;
        if (done || q->running == 0) {
            break;
        }
        if (stop_signal) { /* wake workers that wait for room */
            (void)pthread_cond_broadcast(&q->changed);
        }
        progress_draw(bar, r);
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&q->changed, &q->mu, &until);
    }
    (void)pthread_mutex_unlock(&q->mu);
    return done;
}

/* ---- failures ---- */

struct failures {
    struct dm_buf list; /* paths, one a line, as they are */
    struct dm_buf text; /* the same with reasons, for people */
    int status;         /* of the first; 0 when they differ */
};

static void note_failure(struct failures *f, struct cmd_run *r, const struct photo_row *row,
                         bool first)
{
    const int status = dm_code_info(row->code)->exit_status;
    const char *path = dm_text_clean(row->item->path, DM_TEXT_TERMINAL, &r->arena);
    dm_buf_printf(&f->list, "%s\n", row->item->path);
    dm_buf_printf(&f->text, "  %s: %s\n", path ? path : "?",
                  lang_error(&r->arena, r->lang, &row->err));
    f->status = first || f->status == status ? status : 0;
}

static int report_failures(struct cmd_run *r, const struct failures *f, size_t n,
                           const char *failed_to, struct dm_err *e)
{
    if (n > 0) {
        (void)fprintf(r->err, "%s\n%s", TN(r, FAILED, (int64_t)n), dm_buf_str(&f->text));
    }
    return failed_to[0] ? dm_file_write_atomic(failed_to, dm_buf_str(&f->list), f->list.len, e)
                        : DM_OK;
}

/* ---- the run ---- */

static int print_all(struct cmd_run *r, struct run_queue *q, struct report *report,
                     struct failures *failures, struct dm_err *e)
{
    struct progress bar;
    const dm_usec start = dm_now();
    int code = DM_OK;
    progress_begin(&bar, r, q->inputs->n);
    report->format->begin(report);
    while (wait_for_next(q, &bar, r)) {
        struct photo_row *row = &q->slot[q->printed % q->n_slots].row;
        progress_hide(&bar, r);
        code = code < 0 ? code : report_photo(report, row, e);
        if (row->code < 0) {
            note_failure(failures, r, row, report->n_failed == 1);
        }
        photo_row_clear(row);
        (void)pthread_mutex_lock(&q->mu);
        q->slot[q->printed % q->n_slots].state = SLOT_FREE;
        q->printed++;
        (void)pthread_cond_broadcast(&q->changed);
        (void)pthread_mutex_unlock(&q->mu);
        bar.done = report->n_done;
        bar.failed = report->n_failed;
        progress_draw(&bar, r);
    }
    progress_hide(&bar, r);
    report->seconds = dm_ms_since(start) / 1000;
    report->format->end(report);
    return code;
}

static int run_workers(struct cmd_run *r, struct run_queue *q, struct report *report,
                       struct failures *failures, struct dm_err *e)
{
    pthread_t thread[LIMIT_JOBS];
    const size_t jobs = DM_MIN((size_t)r->settings.v.jobs, DM_MAX(q->inputs->n, (size_t)1));
    size_t started = 0;
    q->n_slots = 2 * jobs;
    q->slot = dm_calloc(q->n_slots, sizeof(*q->slot));
    if (!q->slot) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu photos at once", jobs);
    }
    (void)pthread_mutex_init(&q->mu, NULL);
    (void)pthread_cond_init(&q->changed, NULL);
    q->running = jobs;
    catch_signals();
    int err = 0;
    for (; started < jobs && !err; started += !err) {
        err = pthread_create(&thread[started], NULL, worker_main, q);
    }
    (void)pthread_mutex_lock(&q->mu);
    q->running -= jobs - started;
    (void)pthread_mutex_unlock(&q->mu);
    int code = started ? print_all(r, q, report, failures, e)
                       : dm_err_set(e, DM_EAGAIN, __FILE__, __LINE__, "cannot start a thread: %s",
                                    strerror(err));
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    (void)pthread_cond_destroy(&q->changed);
    (void)pthread_mutex_destroy(&q->mu);
    dm_free(q->slot);
    return code;
}

/* Exit status of product.md section 4. */
static int exit_status(const struct report *report, const struct failures *f)
{
    if (stop_signal) {
        return 128 + stop_signal;
    }
    if (report->n_failed == 0) {
        return 0;
    }
    if (report->n_failed < report->n_done) {
        return 6;
    }
    return f->status ? f->status : 1;
}

static int choose_format(struct cmd_run *r, const struct count_flags *f,
                         const struct report_format **ret, struct dm_err *e)
{
    const bool chosen[] = {f->json || f->ndjson, false, f->csv, f->geojson};
    size_t n = 0;
    *ret = &report_text;
    for (size_t i = 0; i < DM_COUNT(chosen); i++) {
        n += chosen[i];
        *ret = chosen[i] ? &report_formats[i] : *ret;
    }
    return n > 1 ? cmd_fail(r, e, DM_EUSAGE, T(r, ONE_FORMAT)) : DM_OK;
}

static void print_plan(struct cmd_run *r, const struct inputs *inputs, const struct photo_job *job)
{
    for (size_t i = 0; i < inputs->n; i++) {
        const struct inputs_item *item = &inputs->item[i];
        (void)fprintf(r->out, "%s%s%s\n", item->path, item->code < 0 ? ": " : "",
                      item->code < 0 ? item->error : "");
        if (item->code < 0 || !job->out_dir[0]) {
            continue;
        }
        const char *name = photo_metrics_name(job, item, &r->arena);
        (void)fprintf(r->out, "  -> %s\n", name ? name : "");
        for (enum vision_overlay k = 0; k < VISION_OVERLAY_MAX_; k++) {
            name = job->overlay[k] ? photo_overlay_name(job, item, k, &r->arena) : NULL;
            if (name) {
                (void)fprintf(r->out, "  -> %s\n", name);
            }
        }
    }
}

static int prepare_job(struct cmd_run *r, const struct report_format *format, struct photo_job *job,
                       struct dm_err *e)
{
    const struct count_flags *f = r->flags;
    const struct settings_values *v = &r->settings.v;
    *job = (struct photo_job){.params = &r->settings.vision,
                              .lang = r->lang,
                              .out_dir = f->out,
                              .png = v->overlay_format == SETTINGS_OVERLAY_PNG,
                              .jpeg_quality = v->jpeg_quality,
                              .needs_json = format->needs_json,
                              .json_detections = f->detections};
    DM_TRY(photo_parse_overlays(r, v->overlay, job->overlay, e));
    struct vision_params *p = &r->settings.vision;
    for (size_t k = 0; f->out[0] && k < VISION_OVERLAY_MAX_; k++) {
        bool soft = k == VISION_OVERLAY_MASK || k == VISION_OVERLAY_RESIDUAL ||
                    k == VISION_OVERLAY_ESTIMATION;
        p->keep_image = p->keep_image || job->overlay[k];
        p->keep_masks = p->keep_masks || (job->overlay[k] && soft);
    }
    return DM_OK;
}

static void print_files(struct cmd_run *r, const struct photo_job *job)
{
    if (job->out_dir[0] && !r->general.quiet) {
        (void)fprintf(r->err, "%s\n", TF(r, FILES_IN, job->out_dir));
    }
}

static int count_inputs(struct cmd_run *r, const struct inputs *inputs, struct photo_job *job,
                        const struct report_format *format, struct dm_err *e)
{
    const struct count_flags *f = r->flags;
    DM_CLEANUP(counter_clear) struct counter counter = {0};
    struct failures failures = {.list = dm_buf_init(LIMIT_METRICS_BYTES),
                                .text = dm_buf_init(LIMIT_METRICS_BYTES)};
    struct report report = {.r = r, .format = format, .inputs = inputs};
    struct run_queue q = {.job = job, .inputs = inputs};
    DM_TRY(counter_open(r, &counter, e));
    job->counter = &counter;
    if (f->out[0]) {
        DM_TRY(dm_folder_make(f->out, e));
    }
    int code = run_workers(r, &q, &report, &failures, e);
    if (code >= 0) {
        (void)fflush(r->out); /* what follows on stderr belongs below */
        report_notes(&report);
        print_files(r, job);
        code = report_failures(r, &failures, report.n_failed, f->failed_to, e);
    }
    dm_buf_clear(&failures.list);
    dm_buf_clear(&failures.text);
    return code < 0 ? code : exit_status(&report, &failures);
}

static int count_run(struct cmd_run *r, struct dm_err *e)
{
    const struct count_flags *f = r->flags;
    const struct report_format *format;
    struct photo_job job;
    struct inputs inputs;
    DM_TRY(choose_format(r, f, &format, e));
    DM_TRY(prepare_job(r, format, &job, e));
    DM_TRY(inputs_expand(r->args, r->n_args, f->recursive, &r->arena, &inputs, e));
    if (inputs.repeated > 0 && !r->general.quiet) {
        (void)fprintf(r->err, "%s\n", TN(r, REPEATED, (int64_t)inputs.repeated));
    }
    if (f->dry_run) {
        print_plan(r, &inputs, &job);
        return 0;
    }
    return count_inputs(r, &inputs, &job, format, e);
}

const struct cmd cmd_count = {
    .name = "count",
    .operands = "PHOTO|FOLDER|GLOB...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_COUNT_SUMMARY,
    .about = MSG_COUNT_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct count_flags),
    .settings = settings,
    .examples = examples,
    .run = count_run,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * What jobs need of this machine. */
#include "cmd/workshop.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "blob/breaker.h"
#include "cmd/database.h"
#include "cmd/worker_options.h"

/* ---- places ---- */

static int open_folder(struct cmd_run *r, bool make, struct photo_place *p, struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    const bool given = !strncmp(v->storage_url, "dir:", 4);
    const char *folder = dm_path_join(v->data_dir, "photos", &r->arena);
    const char *url = given    ? v->storage_url
                      : folder ? dm_arena_printf(&r->arena, "dir:%s", folder)
                               : NULL;
    p->incoming = dm_path_join(v->data_dir, "incoming", &r->arena);
    if (!url || !p->incoming) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the places of photos");
    }
    p->keep_free = v->storage_keep_free_mb < 0 ? -1 : (int64_t)v->storage_keep_free_mb << 20;
    p->incoming_max = (int64_t)v->storage_incoming_mb << 20;
    return blob_open(url, &(struct blob_options){.create = make}, &p->local, e);
}

int workshop_bucket_open(struct cmd_run *r, const char *url, struct blob **ret, struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    const bool encrypt = v->storage_sse[0] && strcmp(v->storage_sse, "none") != 0;
    const struct blob_options o = {
        .access_key = v->storage_access_key,
        .secret_key = v->storage_secret_key,
        .session_token = v->storage_session_token[0] ? v->storage_session_token : NULL,
        .region = v->storage_region,
        .endpoint = v->storage_endpoint[0] ? v->storage_endpoint : NULL,
        .path_style = v->storage_path_style,
        .sse = encrypt ? v->storage_sse : NULL,
        .perform = queue_perform, /* other jobs of an io child go on meanwhile */
        .pause = queue_pause,
    };
    struct blob *bucket = NULL;
    DM_TRY(blob_open(url, &o, &bucket, e));
    const int code = blob_breaker_new(bucket, NULL, ret, e);
    if (code < 0) {
        blob_close(bucket);
    }
    return code;
}

static int open_buckets(struct cmd_run *r, struct photo_place *p, struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    const bool named = !strncmp(v->storage_url, "s3:", 3);
    const char *originals =
        named ? v->storage_url : dm_arena_printf(&r->arena, "s3:%s", v->storage_originals);
    const char *pictures = dm_arena_printf(&r->arena, "s3:%s", v->storage_pictures);
    if (!originals || !pictures) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the places of photos");
    }
    DM_TRY(workshop_bucket_open(r, originals, &p->originals, e));
    return workshop_bucket_open(r, pictures, &p->pictures, e);
}

static bool bucket_wanted(const struct cmd_run *r)
{
    const struct settings_values *v = &r->settings.v;
    return !strncmp(v->storage_url, "s3:", 3) || v->storage_backend == SETTINGS_STORAGE_S3 ||
           (v->storage_backend == SETTINGS_STORAGE_AUTO && !v->storage_url[0] &&
            v->storage_access_key[0]);
}

/* make: the folder, when it is missing; optional: else it may be missing. */
static int open_place(struct cmd_run *r, bool make, bool optional, struct photo_place *ret,
                      struct dm_err *e)
{
    struct photo_place p = {0};
    struct dm_err why = {0};
    int code = open_folder(r, make, &p, &why);
    if (code < 0 && !(optional && code == DM_ENOTFOUND)) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    code = bucket_wanted(r) ? open_buckets(r, &p, e) : DM_OK;
    if (code < 0) {
        workshop_place_close(&p);
        return code;
    }
    *ret = p;
    return DM_OK;
}

int workshop_place_open(struct cmd_run *r, struct store *s, struct photo_place *ret,
                        struct dm_err *e)
{
    bool used = true;
    DM_TRY(photo_local_used(s, &used, e));
    return open_place(r, !used, false, ret, e);
}

int workshop_place_look(struct cmd_run *r, struct store *s, struct photo_place *ret,
                        struct dm_err *e)
{
    bool used = true;
    DM_TRY(photo_local_used(s, &used, e));
    return open_place(r, false, !used, ret, e);
}

int workshop_place_make(struct cmd_run *r, struct photo_place *ret, struct dm_err *e)
{
    return open_place(r, true, false, ret, e);
}

/* Each process has its own breaker; the metric shows the last one that changed. */
static void on_breaker(void *ctx, enum blob_circuit state)
{
    telemetry_set(ctx, TELEMETRY_BREAKER_STATE, TELEMETRY_LABELS("storage"), (double)state);
}

void workshop_place_watch(const struct photo_place *p, struct telemetry *t)
{
    if (p->originals) {
        telemetry_add(t, TELEMETRY_BREAKER_STATE, TELEMETRY_LABELS("storage"), 0); /* is known */
        blob_breaker_watch(p->originals, on_breaker, t);
        blob_breaker_watch(p->pictures, on_breaker, t);
    }
}

void workshop_place_close(struct photo_place *p)
{
    blob_close(p->pictures);
    blob_close(p->originals);
    blob_close(p->local);
    *p = (struct photo_place){0};
}

/* ---- hooks of the workers ---- */

static struct workshop *workshop_of(void *ctx)
{
    return DM_CONTAINER_OF(ctx, struct workshop, app);
}

static int prepare(void *ctx, struct dm_err *e)
{
    struct workshop *w = workshop_of(ctx);
    DM_TRY(counter_open_models(w->r, &w->counter, e));
    (void)snprintf(w->model, sizeof(w->model), "%s", dm_path_base(w->counter.path[MODELS_DETECT]));
    return DM_OK;
}

static int open_store(void *ctx, struct store **ret, struct dm_err *e)
{
    struct workshop *w = workshop_of(ctx);
    return database_open(w->r, NULL, DATABASE_BOOKS, ret, e);
}

static int begin(void *ctx, enum queue_pool pool, struct store *s, struct dm_err *e)
{
    struct workshop *w = workshop_of(ctx);
    struct photo_runner *p = &w->app.photos;
    const char *abort_on = w->r->settings.v.debug_abort_sha256;
    DM_TRY(workshop_place_open(w->r, s, &p->place, e));
    workshop_place_watch(&p->place, w->telemetry);
    if (pool == QUEUE_POOL_CPU) {
        DM_TRY(counter_open_engine(&w->counter, w->threads, e));
    }
    p->engine = w->counter.engine;
    p->params = &w->r->settings.vision;
    p->model = w->model;
    p->abort_sha256 = abort_on[0] ? abort_on : NULL;
    return DM_OK;
}

static void end(void *ctx)
{
    struct workshop *w = workshop_of(ctx);
    workshop_place_close(&w->app.photos.place);
    counter_clear(&w->counter);
}

static void note(void *ctx, int level, const char *message, const struct dm_field *fields)
{
    (void)ctx;
    dm_log_fields_((enum dm_log_level)level, message, fields);
}

/* By the queues that it works on, as the alert for queues without workers asks. */
static void show(void *ctx, const struct queue_worker_options *o,
                 const struct queue_worker_state *st)
{
    struct telemetry *t = workshop_of(ctx)->telemetry;
    for (size_t i = 0; i < o->n_queues; i++) {
        const bool io = worker_queue_transfers(o->queues[i]);
        const int busy = io ? st->io_busy : st->cpu_busy;
        const int all = io ? st->io : st->cpu;
        telemetry_set(t, TELEMETRY_WORKER_PROCESSES, TELEMETRY_LABELS(o->queues[i], "busy"), busy);
        telemetry_set(t, TELEMETRY_WORKER_PROCESSES, TELEMETRY_LABELS(o->queues[i], "idle"),
                      all - busy);
    }
    telemetry_set(t, TELEMETRY_WORKER_CRASHES, TELEMETRY_LABELS(st->cpu ? "cpu_queue" : "io_queue"),
                  (double)st->crashes);
}

void workshop_init(struct workshop *w, struct cmd_run *r, struct telemetry *t, size_t threads)
{
    *w = (struct workshop){.r = r, .telemetry = t, .threads = threads};
    w->jobs = (struct queue_app){.handlers = job_handlers,
                                 .n = job_handler_count,
                                 .ctx = &w->app,
                                 .prepare = prepare,
                                 .open = open_store,
                                 .begin = begin,
                                 .end = end,
                                 .state = show,
                                 .note = note};
}

void workshop_close(struct workshop *w)
{
    counter_clear(&w->counter);
}

size_t workshop_threads(const struct cmd_run *r, int children)
{
    const size_t all = r->settings.v.threads ? (size_t)r->settings.v.threads : dm_cpu_count();
    return DM_MAX(all / (size_t)DM_MAX(children, 1), (size_t)1);
}

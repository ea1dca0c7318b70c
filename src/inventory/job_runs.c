/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of jobs. A handler opens its caller, calls the workflow, and finishes the job in a
 * transaction of its own: every workflow here may be run again. */
#include "inventory/job_runs.h"

#include "inventory/exports.h"
#include "inventory/webhooks.h"

#include <stdio.h>
#include <string.h>

#include "inventory/json.h"
#include "inventory/photo_priv.h"
#include "inventory/users.h"

#define CLEANUP_MS INT64_C(900000) /* every quarter of an hour */
#define AWAY_MS    1000            /* while photos cannot be read a child need not hurry */

/* ---- whom a job acts as ---- */

static int read_settings(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct job_ctx *x = ctx;
    return inv_settings_load(tx, &x->arena, &x->settings, e);
}

int job_ctx_open(struct store *s, int64_t user_id, struct job_ctx *ret, struct dm_err *e)
{
    *ret = (struct job_ctx){0};
    DM_TRY(store_run(s, STORE_READ, read_settings, ret, e));
    DM_TRY(dm_zone_load(ret->settings.timezone, &ret->zone, e));
    ret->ctx = (struct inv_ctx){.store = s,
                                .user_id = user_id,
                                .role = INV_ADMIN,
                                .now_ms = store_now(),
                                .zone = ret->zone,
                                .settings = &ret->settings};
    return DM_OK;
}

void job_ctx_clear(struct job_ctx *x)
{
    dm_zone_free(x->zone);
    dm_arena_clear(&x->arena);
    *x = (struct job_ctx){0};
}

/* ---- photographs ---- */

static int on_step(void *ctx, int percent, const char *phase, struct dm_err *e)
{
    return queue_progress(ctx, percent, phase, e);
}

struct ending {
    struct queue_run *run;
    const struct photo_done *done;
    const struct inv_ctx *told; /* who completed a session: others want to know; NULL: nothing */
};

static int tell(struct store_tx *tx, const struct ending *x, struct dm_err *e)
{
    json_t *result = json_loads(x->done->result ? x->done->result : "{}", 0, NULL);
    const int code = result ? webhooks_emit(tx, x->told, "session.completed", result, e) : DM_OK;
    json_decref(result);
    return code;
}

static int end_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct ending *x = ctx;
    DM_TRY(x->told ? tell(tx, x, e) : DM_OK);
    return queue_done(x->run, tx, x->done->warning, x->done->result, e);
}

static int end(struct queue_run *r, const struct photo_done *done, const struct inv_ctx *told,
               struct dm_err *e)
{
    struct ending x = {r, done, told};
    return store_run(queue_run_store(r), STORE_WRITE, end_in, &x, e);
}

static int run_photo(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct job_app *app = queue_run_app(r);
    DM_CLEANUP(job_ctx_clear) struct job_ctx x = {0};
    struct photo_done done = {0};
    struct dm_err why = {0};
    DM_TRY(job_ctx_open(queue_run_store(r), j->user_id, &x, e));
    const int code = photo_process(&x.ctx, &app->photos, j, on_step, r, &x.arena, &done, &why);
    if (code >= 0) {
        return end(r, &done, &x.ctx, e);
    }
    if (e) {
        *e = why;
    }
    if (dm_code_info(code)->retry && photo_place_away(&app->photos.place)) {
        queue_excuse(r);
        queue_pause(AWAY_MS);
    }
    const bool last =
        !dm_code_info(code)->retry || (j->attempt >= j->max_attempts && !queue_excused(r));
    if (last && code != DM_ECANCELLED) { /* the dead letter takes its session along */
        DM_UNUSED const int told = photo_failed(&x.ctx, j->session_id, dm_err_text(&why), NULL);
    }
    return code;
}

static int run_batch(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    DM_CLEANUP(job_ctx_clear) struct job_ctx x = {0};
    struct photo_done done = {0};
    DM_TRY(job_ctx_open(queue_run_store(r), j->user_id, &x, e));
    DM_TRY(photo_batch_sum(&x.ctx, j->upload_batch_id, &x.arena, &done.result, &done.warning, e));
    return end(r, &done, NULL, e);
}

static int run_thumbnail(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct job_app *app = queue_run_app(r);
    DM_CLEANUP(job_ctx_clear) struct job_ctx x = {0};
    DM_TRY(job_ctx_open(queue_run_store(r), j->user_id, &x, e));
    return photo_thumbnail(&x.ctx, &app->photos.place, j->image_id, e);
}

static int run_ship(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct job_app *app = queue_run_app(r);
    return photo_ship_run(r, j, &app->photos.place, e);
}

/* ---- exports ---- */

struct exporting {
    struct queue_run *run;
    const struct queue_job *job;
    const struct inv_ctx *c;
    const struct blob *place;
    const struct export_made *made;
};

static int export_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct exporting *x = ctx;
    DM_TRY(exports_note(tx, x->c, x->job, x->place, x->made, e));
    return queue_done(x->run, tx, false, NULL, e);
}

static int run_export(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct job_app *app = queue_run_app(r);
    DM_CLEANUP(job_ctx_clear) struct job_ctx x = {0};
    struct export_made made;
    DM_TRY(job_ctx_open(queue_run_store(r), j->user_id, &x, e));
    DM_TRY(exports_make(&x.ctx, app->photos.place.local, j, &x.arena, &made, e));
    struct exporting done = {r, j, &x.ctx, app->photos.place.local, &made};
    return store_run(queue_run_store(r), STORE_WRITE, export_in, &done, e);
}

static int run_webhook(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    return webhooks_send(queue_run_store(r), j, queue_perform, e);
}

/* ---- cleanup ---- */

struct planning {
    int64_t now_ms, after_ms, user_id;
};

static int plan_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct planning *p = ctx;
    char text[48];
    char uuid[STORE_UUID_SIZE];
    const int64_t slot = p->after_ms / CLEANUP_MS;
    (void)snprintf(text, sizeof(text), "cleanup %lld", (long long)slot);
    photo_uuid_of(text, uuid);
    DM_TRY(user_system(tx, &p->user_id, e));
    const struct queue_new n = {.kind = QUEUE_CLEANUP,
                                .uuid = uuid,
                                .user_id = p->user_id,
                                .priority = QUEUE_ANY_PRIORITY,
                                .run_after_ms = slot * CLEANUP_MS};
    const int added = queue_push(tx, p->now_ms, &n, NULL, e);
    return added < 0 ? added : DM_OK;
}

static int plan(const struct inv_ctx *c, int64_t after_ms, struct dm_err *e)
{
    struct planning p = {.now_ms = c->now_ms, .after_ms = after_ms};
    return store_run(c->store, STORE_WRITE, plan_in, &p, e);
}

int job_plan_cleanup(const struct inv_ctx *c, struct dm_err *e)
{
    return plan(c, c->now_ms + CLEANUP_MS, e);
}

static int run_cleanup(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct job_app *app = queue_run_app(r);
    DM_CLEANUP(job_ctx_clear) struct job_ctx x = {0};
    struct photo_swept n;
    int64_t buried;
    struct photo_done done = {0};
    DM_TRY(job_ctx_open(queue_run_store(r), j->user_id, &x, e));
    DM_TRY(job_plan_cleanup(&x.ctx, e)); /* the next one, also when this one fails */
    DM_TRY(photo_bury(&x.ctx, &buried, e));
    DM_TRY(photo_sweep(&x.ctx, &app->photos.place, &n, e));
    done.result = dm_arena_printf(
        &x.arena,
        "{\"files\":%lld,\"orphans\":%lld,\"moved\":%lld,\"purged\":%lld,\"rows\":%lld,"
        "\"failed_sessions\":%lld}",
        (long long)n.files, (long long)n.orphans, (long long)n.moved, (long long)n.purged,
        (long long)n.rows, (long long)buried);
    return end(r, &done, NULL, e);
}

const struct queue_handler job_handlers[] = {
    {QUEUE_PROCESS_PHOTO, QUEUE_POOL_CPU, run_photo, 0},
    {QUEUE_REPROCESS_PHOTO, QUEUE_POOL_CPU, run_photo, 0},
    {QUEUE_EXPORT, QUEUE_POOL_IO, run_export, 0},
    {QUEUE_WEBHOOK, QUEUE_POOL_IO, run_webhook, 0},
    {QUEUE_CLEANUP, QUEUE_POOL_CPU, run_cleanup, 0},
    {QUEUE_PHOTO_BATCH, QUEUE_POOL_CPU, run_batch, 0},
    {QUEUE_THUMBNAIL, QUEUE_POOL_CPU, run_thumbnail, 0},
    {QUEUE_BLOB_PUT, QUEUE_POOL_IO, run_ship, 0},
};
const size_t job_handler_count = DM_COUNT(job_handlers);

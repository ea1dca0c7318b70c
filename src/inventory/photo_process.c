/* SPDX-License-Identifier: Apache-2.0
 *
 * The job of a photo: read, decode, count, keep, post (domain.md 7.2). Each step looks first at
 * what is done already, so that a run after a crash goes on where the last one stopped; counting is
 * the only step that may be done twice, and it writes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/point.h"
#include "image/codec.h"
#include "image/qr.h"
#include "inventory/config.h"
#include "inventory/density.h"
#include "inventory/json.h"
#include "inventory/photo_priv.h"

enum { SESSION, IMAGE_STATUS, BIN_TYPE, JOB_SESSION, DEAD, LABEL, LABELLED };
static const struct store_query queries[] = {
    [SESSION] = {"photo.session",
                 "SELECT s.id, s.uuid, s.image_id, s.status, s.posting_status,"
                 " s.storage_location_id, s.location_source, i.sha256, i.status, s.warning,"
                 " s.total_detected + s.total_estimated, s.hold_reasons, s.error_message"
                 " FROM photo_processing_sessions s JOIN images i ON i.id = s.image_id"
                 " WHERE s.id = ?1",
                 "i",
                 "iuittitttti"
                 "jt"},
    [IMAGE_STATUS] = {"photo.image_status",
                      "UPDATE images SET status = ?2, error_details = ?3, status_changed_at = ?4,"
                      " updated_at = ?4 WHERE id = ?1 AND (status <> ?2 OR ?3 IS NOT NULL)",
                      "ittT", ""},
    [BIN_TYPE] = {"photo.bin_type",
                  "SELECT t.id FROM storage_bin_types t WHERE t.category = ?1 AND t.active"
                  " ORDER BY t.id LIMIT 1",
                  "t", "i"},
    [JOB_SESSION] = {"photo.job_session",
                     "UPDATE jobs SET session_id = ?2 WHERE id = ?1 AND status = 'processing'"
                     " AND worker_name = ?3 AND attempts = ?4",
                     "iiti", ""},
    [DEAD] = {"photo.dead",
              "SELECT s.id, j.error_message FROM jobs j JOIN photo_processing_sessions s"
              " ON s.id = j.session_id WHERE j.status IN ('failed', 'cancelled')"
              " AND j.kind IN ('process_photo', 'reprocess_photo')"
              " AND s.status IN ('pending', 'processing') ORDER BY s.id LIMIT 500",
              "", "it"},
    [LABEL] = {"photo.label",
               "SELECT id FROM storage_locations WHERE {lower:qr_code} = {lower:?1} AND active",
               "t", "i"},
    [LABELLED] = {"photo.labelled",
                  "UPDATE photo_processing_sessions SET storage_location_id = ?2,"
                  " location_source = 'qr', warning = NULL, hold_reasons = '[]', updated_at = ?3"
                  " WHERE id = ?1 AND status = 'processing'"
                  " AND (location_source IS NULL OR location_source = 'gps')",
                  "iiT", ""},
};
STORE_QUERIES(photo_process_queries, queries);

struct run {
    const struct inv_ctx *c;
    const struct photo_runner *r;
    const struct queue_job *j;
    photo_step_fn step;
    void *step_ctx;
    struct dm_arena *a;
    /* of the session */
    int64_t id, image_id, location_id, counted;
    const char *uuid, *status, *posting, *source, *sha256, *image_status, *warning, *holds;
    const char *error;
    struct photo_object original;
    struct vision_params params;
};

/* ---- reading ---- */

static int read_session(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct run *x = ctx;
    const struct store_value *v;
    const int found = store_maybe(tx, &queries[SESSION], STORE_ARGS(store_i(x->id)), x->a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no session %lld", (long long)x->id);
    }
    x->uuid = v[1].t;
    x->image_id = v[2].i;
    x->status = v[3].t;
    x->posting = v[4].t;
    x->location_id = v[5].null ? 0 : v[5].i;
    x->source = v[6].null ? "" : v[6].t;
    x->sha256 = v[7].t;
    x->image_status = v[8].t;
    x->warning = v[9].null ? "" : v[9].t;
    x->counted = v[10].i;
    x->holds = v[11].t;
    x->error = v[12].null ? "" : v[12].t;
    const int there = photo_object_find(tx, x->image_id, 0, PHOTO_ORIGINAL, x->a, &x->original, e);
    DM_TRY(there);
    if (!there) {
        x->original = (struct photo_object){0};
    }
    return DM_OK;
}

static int look(struct run *x, struct dm_err *e)
{
    return store_run(x->c->store, STORE_READ, read_session, x, e);
}

/* Scale and density of the claro, as far as the books know them. */
static int read_claro(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct run *x = ctx;
    struct config_row config;
    struct density d;
    int64_t type;
    const int configured = config_at(tx, x->location_id, 0, x->a, &config, e);
    if (configured <= 0) {
        return configured;
    }
    if (config.area_cm2 > 0) {
        x->params.photo_area_cm2 = config.area_cm2;
    }
    int code = store_int(tx, &queries[BIN_TYPE],
                         STORE_ARGS(store_t(ledger_category_names[LEDGER_SEGMENT])), &type, e);
    code = code < 0 ? code : density_find(tx, type, config.product_id, config.packaging_id, &d, e);
    if (code > 0) {
        x->params.density_area_cm2 = d.area_cm2;
        x->params.density_overlap = d.overlap;
    }
    return code == DM_ENOTFOUND ? DM_OK : code;
}

/* ---- states ---- */

struct marking {
    const struct inv_ctx *c;
    int64_t image_id;
    const char *status, *details;
};

static int mark_image(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct marking *m = ctx;
    return store_exec(tx, &queries[IMAGE_STATUS],
                      STORE_ARGS(store_i(m->image_id), store_t(m->status),
                                 m->details ? store_t(m->details) : store_null(),
                                 store_at(m->c->now_ms)),
                      NULL, e);
}

static int set_image(const struct inv_ctx *c, int64_t image_id, const char *status,
                     const char *details, struct dm_err *e)
{
    struct marking m = {c, image_id, status, details};
    return store_run(c->store, STORE_WRITE, mark_image, &m, e);
}

/* A dead letter was driven again: its session ended in failure and stays so; the new run has its
 * own, the same one however often this job is interrupted. */
static int begin_anew(struct work *w, void *in, struct dm_err *e)
{
    struct run *x = in;
    char uuid[STORE_UUID_SIZE];
    int64_t id;
    int64_t changed;
    const char *name = dm_arena_printf(&w->arena, "%s again %s", x->j->uuid, x->uuid);
    if (!name) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a session");
    }
    photo_uuid_of(name, uuid);
    const struct session_new n = {.uuid = uuid,
                                  .image_id = x->image_id,
                                  .upload_batch_id = x->j->upload_batch_id,
                                  .location_id = x->location_id,
                                  .source = !x->location_id             ? SESSION_SOURCE_NONE
                                            : !strcmp(x->source, "gps") ? SESSION_GPS
                                            : !strcmp(x->source, "qr")  ? SESSION_QR
                                                                        : SESSION_EXPLICIT,
                                  .supersedes_session_id = x->id};
    DM_TRY(session_add(w, &n, &id, e));
    DM_TRY(store_exec(
        w->tx, &queries[JOB_SESSION],
        STORE_ARGS(store_i(x->j->id), store_i(id), store_t(x->j->worker), store_i(x->j->attempt)),
        &changed, e));
    if (!changed) {
        DM_FAIL(e, DM_ECANCELLED, "job %s is no longer this worker's", x->j->uuid);
    }
    x->id = id;
    return DM_OK;
}

/* ---- counting ---- */

static int say(struct run *x, int percent, const char *phase, struct dm_err *e)
{
    return x->step ? x->step(x->step_ctx, percent, phase, e) : DM_OK;
}

/* The gallery's small picture, while the pixels are at hand. One that fails is made on request. */
static void keep_thumbnail(struct run *x, const struct image *im)
{
    DM_UNUSED const int kept =
        photo_thumbnail_of(x->c, &x->r->place, x->image_id, x->uuid, im, NULL);
}

/* ---- a label in the picture ---- */

struct labels {
    struct run *x;
    const char *text[IMAGE_QR_MAX];
    size_t n;
};

/* The first label that belongs to an active claro. A label says which claro it is, GPS only about
 * where: it wins over everything but what a person said. */
static int take_label(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct labels *l = ctx;
    for (size_t i = 0; i < l->n; i++) {
        const char *slash = strrchr(l->text[i], '/'); /* of an address: .../l/LOC000001 */
        int64_t claro;
        int64_t changed;
        const int code = store_int(tx, &queries[LABEL],
                                   STORE_ARGS(store_t(slash ? slash + 1 : l->text[i])), &claro, e);
        if (code == DM_ENOTFOUND) {
            continue;
        }
        DM_TRY(code);
        DM_TRY(store_exec(tx, &queries[LABELLED],
                          STORE_ARGS(store_i(l->x->id), store_i(claro), store_at(l->x->c->now_ms)),
                          &changed, e));
        if (changed) {
            l->x->location_id = claro;
        }
        return DM_OK;
    }
    return DM_OK;
}

static int read_label(struct run *x, const struct image *im, struct dm_err *e)
{
    struct labels l = {.x = x};
    if (x->source[0] && strcmp(x->source, "gps") != 0) {
        return DM_OK;
    }
    DM_TRY(image_find_qr(im, x->a, l.text, &l.n, e));
    return l.n ? store_run(x->c->store, STORE_WRITE, take_label, &l, e) : DM_OK;
}

static int decode(struct run *x, struct image *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    if (!x->original.key) {
        DM_FAIL(e, INV_ORIGINAL_MISSING, "the original of the photo is gone");
    }
    DM_TRY(photo_object_read(&x->r->place, &x->original, &bytes, e));
    if (x->r->abort_sha256 && !strcmp(x->r->abort_sha256, x->sha256)) {
        abort(); /* asked for, to see what a decoder that crashes does to the others */
    }
    return image_decode(bytes.data, bytes.len, NULL, ret, NULL, e);
}

static int count(struct run *x, struct session_results *ret, struct vision_result **ret_seen,
                 struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image im = {0};
    DM_TRY(say(x, 10, "decoding", e));
    DM_TRY(decode(x, &im, e));
    DM_TRY(say(x, 20, "locating", e));
    keep_thumbnail(x, &im);
    DM_TRY(read_label(x, &im, e));
    x->params = *x->r->params;
    x->params.bands = x->c->settings ? x->c->settings->estimation_bands : x->params.bands;
    x->params.keep_image = x->params.keep_masks = false;
    if (x->location_id) {
        DM_TRY(store_run(x->c->store, STORE_READ, read_claro, x, e));
    }
    DM_TRY(say(x, 30, "detecting", e));
    DM_TRY(vision_count_image(x->r->engine, &x->params, &im, ret_seen, e));
    DM_TRY(photo_results(*ret_seen, &x->params, x->a, ret, e));
    ret->model_version = x->r->model;
    return DM_OK;
}

static int count_and_post(struct run *x, struct dm_err *e)
{
    DM_CLEANUP(vision_result_freep) struct vision_result *seen = NULL;
    struct session_results results;
    struct session_outcome outcome;
    DM_TRY(count(x, &results, &seen, e));
    DM_TRY(say(x, 96, "saving", e));
    dm_point("photo.process_counted");
    const int code = session_finish(x->c, x->id, &results, &outcome, e);
    if (code == INV_INVALID_TRANSITION) { /* another worker, whose lease we had, was as quick */
        return DM_OK;
    }
    DM_TRY(code);
    dm_point("photo.process_posted");
    return DM_OK;
}

/* Whatever the session still needs; *x says afterwards how it stands. */
static int carry_on(struct run *x, struct dm_err *e)
{
    struct session_outcome outcome;
    if (!strcmp(x->status, "failed")) {
        DM_TRY(session_run(x->c, begin_anew, x, e));
        DM_TRY(look(x, e));
    }
    if (!strcmp(x->status, "failed")) {
        DM_FAIL(e, DM_EBADINPUT, "%s", x->error);
    }
    if (!strcmp(x->status, "pending")) {
        DM_TRY(session_start(x->c, x->id, e));
        DM_TRY(set_image(x->c, x->image_id, "processing", NULL, e));
        dm_point("photo.process_started");
    }
    if (strcmp(x->status, "completed") != 0) {
        DM_TRY(count_and_post(x, e));
    } else if (!strcmp(x->posting, "unposted")) { /* results were kept, their posting failed */
        DM_TRY(session_post(x->c, x->id, false, &outcome, e));
    }
    return look(x, e);
}

/* What a posted count teaches about densities; nothing that fails here is worth another run. */
static void learn(struct run *x)
{
    int applied;
    int refused;
    if (!strcmp(x->posting, "posted")) {
        DM_UNUSED const int learned = density_learn(x->c, x->id, &applied, &refused, NULL);
    }
}

static int result_text(struct run *x, const char **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep)
    json_t *j =
        json_pack("{s:s, s:I, s:s, s:s?, s:o?}", "session_id", x->uuid, "counted",
                  (json_int_t)x->counted, "posting_status", x->posting, "warning",
                  x->warning[0] ? x->warning : NULL, "hold_reasons", json_loads(x->holds, 0, NULL));
    return inv_json_text(j, x->a, ret, e);
}

int photo_process(const struct inv_ctx *c, const struct photo_runner *r, const struct queue_job *j,
                  photo_step_fn step, void *step_ctx, struct dm_arena *a, struct photo_done *ret,
                  struct dm_err *e)
{
    struct run x = {
        .c = c, .r = r, .j = j, .step = step, .step_ctx = step_ctx, .a = a, .id = j->session_id};
    if (!x.id) {
        DM_FAIL(e, DM_EBADINPUT, "the job names no session");
    }
    DM_TRY(look(&x, e));
    DM_TRY(carry_on(&x, e));
    if (strcmp(x.status, "completed") != 0) {
        DM_FAIL(e, DM_EAGAIN, "the session is %s in other hands", x.status);
    }
    DM_TRY(set_image(c, x.image_id, "ready", NULL, e));
    dm_point("photo.process_ready");
    learn(&x);
    DM_TRY(say(&x, 100, "posting", e));
    ret->warning = !strcmp(x.posting, "held");
    return result_text(&x, &ret->result, e);
}

/* ---- failures ---- */

int photo_failed(const struct inv_ctx *c, int64_t session_id, const char *message, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct run x = {.c = c, .a = &a, .id = session_id};
    const int code = session_fail(c, session_id, message, e);
    if (code != INV_INVALID_TRANSITION) { /* failed before, perhaps without what follows */
        DM_TRY(code);
    }
    DM_TRY(look(&x, e));
    return strcmp(x.status, "failed") != 0 ? DM_OK : set_image(c, x.image_id, "failed", message, e);
}

struct burying {
    struct dm_arena *a;
    struct store_table t;
};

static int find_dead(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct burying *b = ctx;
    return store_all(tx, &queries[DEAD], STORE_NO_ARGS, b->a, &b->t, e);
}

int photo_bury(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct burying b = {.a = &a};
    DM_TRY(store_run(c->store, STORE_READ, find_dead, &b, e));
    for (size_t i = 0; i < b.t.n; i++) {
        const struct store_value *v = store_row(&b.t, i);
        DM_TRY(photo_failed(c, v[0].i, v[1].null ? "cancelled" : v[1].t, e));
    }
    *ret_n = (int64_t)b.t.n;
    return DM_OK;
}

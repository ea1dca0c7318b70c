/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads of several files: known by their UUID, so that one that is sent again is the same one,
 * and summed up when all their photos have ended (domain.md 13). */
#include <string.h>

#include <jansson.h>

#include "inventory/json.h"
#include "inventory/photo_priv.h"

/* The summary waits this long for a sender who never says that all files have come. */
#define OPEN_MS INT64_C(86400000)

/* More failed photos than this (of 100) are worth a word (domain.md 13). */
#define FAILURES_PERCENT 10

enum { FIND, ADD, END, READY, SUM, STATES };
static const struct store_query queries[] = {
    [FIND] = {"photo.batch_find", "SELECT id, user_id FROM upload_batches WHERE uuid = ?1", "u",
              "ii"},
    [ADD] = {"photo.batch_add",
             "INSERT INTO upload_batches (uuid, user_id, total_files, rejected_files, notes,"
             " created_at, updated_at) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?5)"
             " ON CONFLICT (uuid) DO NOTHING RETURNING id",
             "uiitT", "i"},
    [END] = {"photo.batch_end",
             "UPDATE upload_batches SET total_files = ?2, rejected_files = ?3,"
             " rejections = ?4, updated_at = ?5 WHERE id = ?1",
             "iiijT", ""},
    [READY] = {"photo.batch_ready",
               "UPDATE jobs SET run_after = ?2, updated_at = ?2 WHERE id = ?1"
               " AND status = 'pending'",
               "iT", ""},
    [SUM] =
        {"photo.batch_sum",
         "SELECT count(*), coalesce(sum(CASE WHEN s.status = 'completed' THEN 1 ELSE 0 END), 0),"
         " coalesce(sum(CASE WHEN s.status = 'failed' THEN 1 ELSE 0 END), 0),"
         " coalesce(sum(CASE WHEN s.posting_status = 'posted' THEN 1 ELSE 0 END), 0),"
         " coalesce(sum(CASE WHEN s.posting_status = 'held' THEN 1 ELSE 0 END), 0),"
         " coalesce(sum(s.total_detected), 0), coalesce(sum(s.total_estimated), 0),"
         " coalesce(sum(s.total_empty_containers), 0), coalesce(sum(s.processing_ms), 0),"
         " (SELECT u.rejected_files FROM upload_batches u WHERE u.id = ?1)"
         " FROM photo_processing_sessions s WHERE s.upload_batch_id = ?1"
         " AND NOT EXISTS (SELECT 1 FROM photo_processing_sessions x"
         " WHERE x.supersedes_session_id = s.id AND x.upload_batch_id = ?1)",
         "i", "iiiiiiiiii"},
    [STATES] = {"photo.batch_states",
                "SELECT j.id, s.id, i.id, j.uuid, s.uuid, i.uuid, i.original_filename, j.status,"
                " j.phase, j.progress_percent, j.attempts, j.max_attempts, s.status,"
                " s.posting_status, s.warning, s.hold_reasons, j.error_code,"
                " coalesce(s.error_message, j.error_message), l.code, s.total_detected,"
                " s.total_estimated, s.processing_ms, j.updated_at FROM jobs j"
                " JOIN photo_processing_sessions s ON s.id = j.session_id"
                " JOIN images i ON i.id = j.image_id"
                " LEFT JOIN storage_locations l ON l.id = s.storage_location_id"
                " WHERE j.upload_batch_id = ?1 AND j.updated_at >= ?2 ORDER BY j.id",
                "iT", "iiiuuutttiiitttjtttiiiT"},
};
STORE_QUERIES(photo_batch_queries, queries);

void photo_uuid_of(const char *text, char ret[static STORE_UUID_SIZE])
{
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(text, strlen(text), hex);
    hex[12] = '8';
    hex[16] = "89ab"[(hex[16] <= '9' ? hex[16] - '0' : hex[16] - 'a' + 10) & 3];
    (void)snprintf(ret, STORE_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

void photo_batch_key(const char *batch_uuid, size_t i, char ret[static STORE_UUID_SIZE])
{
    char text[STORE_UUID_SIZE + 24];
    (void)snprintf(text, sizeof(text), "%s/%zu", batch_uuid, i);
    photo_uuid_of(text, ret);
}

struct batching {
    const struct inv_ctx *c;
    const char *uuid, *notes, *rejections;
    int64_t id, job_id, files, rejected;
    bool repeated;
};

static int begin_batch(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct batching *b = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char job[STORE_UUID_SIZE];
    const struct store_value *row;
    const int added =
        store_maybe(tx, &queries[ADD],
                    STORE_ARGS(store_u(b->uuid), store_i(b->c->user_id), store_i(b->files),
                               b->notes ? store_t(b->notes) : store_null(), store_at(b->c->now_ms)),
                    &a, &row, e);
    DM_TRY(added);
    b->repeated = !added;
    if (!added) {
        DM_TRY(store_one(tx, &queries[FIND], STORE_ARGS(store_u(b->uuid)), &a, &row, e));
        if (row[1].i != b->c->user_id) {
            DM_FAIL(e, INV_IDEMPOTENCY_CONFLICT, "the number %s was used before", b->uuid);
        }
    }
    b->id = row[0].i;
    photo_batch_key(b->uuid, SIZE_MAX, job);
    const struct queue_new n = {.kind = QUEUE_PHOTO_BATCH,
                                .uuid = job,
                                .user_id = b->c->user_id,
                                .upload_batch_id = b->id,
                                .priority = QUEUE_ANY_PRIORITY,
                                .run_after_ms = b->c->now_ms + OPEN_MS};
    return queue_push(tx, b->c->now_ms, &n, &b->job_id, e);
}

int photo_batch_begin(const struct inv_ctx *c, const char *uuid, int64_t files, const char *notes,
                      struct photo_batch *ret, struct dm_err *e)
{
    struct photo_batch out = {0};
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    if (uuid && !store_uuid_valid(uuid)) {
        DM_FAIL(e, INV_VALIDATION, "the number of an upload is a UUID");
    }
    if (uuid) {
        memcpy(out.uuid, uuid, STORE_UUID_SIZE);
    } else {
        store_uuid_new(out.uuid);
    }
    struct batching b = {.c = c, .uuid = out.uuid, .notes = notes, .files = files};
    DM_TRY(store_run(c->store, STORE_WRITE, begin_batch, &b, e));
    out.id = b.id;
    out.job_id = b.job_id;
    out.repeated = b.repeated;
    *ret = out;
    return DM_OK;
}

static int end_batch(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct batching *b = ctx;
    DM_TRY(store_exec(tx, &queries[END],
                      STORE_ARGS(store_i(b->id), store_i(b->files), store_i(b->rejected),
                                 store_j(b->rejections), store_at(b->c->now_ms)),
                      NULL, e));
    return store_exec(tx, &queries[READY], STORE_ARGS(store_i(b->job_id), store_at(b->c->now_ms)),
                      NULL, e);
}

int photo_batch_end(const struct inv_ctx *c, const struct photo_batch *b, int64_t files,
                    const json_t *rejections, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct batching x = {.c = c,
                         .id = b->id,
                         .job_id = b->job_id,
                         .files = files,
                         .rejected = (int64_t)json_array_size(rejections)};
    DM_TRY(inv_json_text(rejections, &a, &x.rejections, e));
    return store_run(c->store, STORE_WRITE, end_batch, &x, e);
}

struct summing {
    int64_t id;
    struct dm_arena *a;
    const struct store_value *row;
};

static int read_sum(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct summing *s = ctx;
    return store_one(tx, &queries[SUM], STORE_ARGS(store_i(s->id)), s->a, &s->row, e);
}

int photo_batch_sum(const struct inv_ctx *c, int64_t batch_id, struct dm_arena *a, const char **ret,
                    bool *ret_warning, struct dm_err *e)
{
    static const char *const names[] = {
        "photos",        "completed",      "failed",          "posted",
        "held",          "total_detected", "total_estimated", "total_empty_containers",
        "processing_ms", "rejected"};
    struct summing s = {.id = batch_id, .a = a};
    int64_t buried;
    DM_TRY(photo_bury(c, &buried, e));
    DM_TRY(store_run(c->store, STORE_READ, read_sum, &s, e));
    DM_CLEANUP(inv_json_freep) json_t *j = json_object();
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        DM_TRY(inv_json_set(j, names[i], json_integer(s.row[i].i), e));
    }
    const bool many = s.row[2].i * 100 > s.row[0].i * FAILURES_PERCENT;
    if (many) {
        DM_TRY(inv_json_set(j, "warning", json_string("high_failure_rate"), e));
    }
    *ret_warning = s.row[2].i > 0 || s.row[4].i > 0;
    return inv_json_text(j, a, ret, e);
}

/* ---- how it stands ---- */

struct states {
    int64_t batch_id, since;
    struct dm_arena *a;
    struct store_table t;
};

static int read_states(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct states *x = ctx;
    return store_all(tx, &queries[STATES], STORE_ARGS(store_i(x->batch_id), store_at(x->since)),
                     x->a, &x->t, e);
}

static const char *text_of(const struct store_value *v)
{
    return v->null ? "" : v->t;
}

static struct photo_state state_of(const struct store_value *v)
{
    return (struct photo_state){
        .job_id = v[0].i,
        .session_id = v[1].i,
        .image_id = v[2].i,
        .job_uuid = v[3].t,
        .session_uuid = v[4].t,
        .image_uuid = v[5].t,
        .filename = text_of(&v[6]),
        .job = v[7].t,
        .phase = text_of(&v[8]),
        .percent = (int)v[9].i,
        .attempts = (int)v[10].i,
        .max_attempts = (int)v[11].i,
        .status = v[12].t,
        .posting = v[13].t,
        .warning = text_of(&v[14]),
        .holds = v[15].t,
        .error_code = text_of(&v[16]),
        .error = text_of(&v[17]),
        .claro = text_of(&v[18]),
        .detected = v[19].i,
        .estimated = v[20].i,
        .processing_ms = v[21].null ? 0 : v[21].i,
        .updated_at = v[22].i,
    };
}

int photo_batch_states(const struct inv_ctx *c, int64_t batch_id, int64_t since, struct dm_arena *a,
                       struct photo_state **ret, size_t *ret_n, struct dm_err *e)
{
    struct states x = {.batch_id = batch_id, .since = since, .a = a};
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    DM_TRY(store_run(c->store, STORE_READ, read_states, &x, e));
    struct photo_state *list = dm_arena_calloc(a, x.t.n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu photos", x.t.n);
    }
    for (size_t i = 0; i < x.t.n; i++) {
        list[i] = state_of(store_row(&x.t, i));
    }
    *ret = list;
    *ret_n = x.t.n;
    return DM_OK;
}

static int find_batch(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct batching *b = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    const int found = store_maybe(tx, &queries[FIND], STORE_ARGS(store_u(b->uuid)), &a, &row, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no upload %s", b->uuid);
    }
    b->id = row[0].i;
    if (row[1].i != b->c->user_id) {
        DM_TRY(inv_permit(b->c, INV_DO_JOBS_ALL, e));
    }
    return DM_OK;
}

int photo_batch_find(const struct inv_ctx *c, const char *uuid, struct photo_batch *ret,
                     struct dm_err *e)
{
    struct batching b = {.c = c, .uuid = uuid};
    DM_TRY(store_run(c->store, STORE_READ, find_batch, &b, e));
    *ret = (struct photo_batch){.id = b.id};
    memcpy(ret->uuid, uuid, STORE_UUID_SIZE);
    return DM_OK;
}

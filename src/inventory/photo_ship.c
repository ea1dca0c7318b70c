/* SPDX-License-Identifier: Apache-2.0
 *
 * From the local folder to a bucket: what was stored while the bucket did not answer. A job of the
 * io pool per object, streamed from the file, planned in the transaction that writes the object's
 * row. As long as the bucket is away the job ends well and plans the next one, later each time;
 * photo_sweep moves what is left over by any accident. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inventory/json.h"
#include "inventory/photo_priv.h"

enum { FIRST_WAIT_S = 5, LAST_WAIT_S = 600 };

enum { MOVED };
static const struct store_query queries[] = {
    [MOVED] = {"photo.shipped",
               "UPDATE image_blobs SET store = 's3', updated_at = ?3 WHERE id = ?1"
               " AND store = 'dir' AND storage_key = ?2",
               "itT", ""},
};
STORE_QUERIES(photo_ship_queries, queries);

bool photo_ship_needed(const struct photo_place *p, const char *store, enum photo_variant v)
{
    return !strcmp(store, "dir") && photo_blob(p, "s3", v) != NULL;
}

static int plan(struct store_tx *tx, const struct photo_ship *s, int wait_s, struct dm_err *e)
{
    char payload[160];
    (void)snprintf(payload, sizeof(payload),
                   "{\"image\":%lld,\"session\":%lld,\"variant\":\"%s\",\"wait\":%d}",
                   (long long)s->image_id, (long long)s->session_id,
                   photo_variant_names[s->variant], wait_s);
    const struct queue_new n = {.kind = QUEUE_BLOB_PUT,
                                .payload = payload,
                                .user_id = s->user_id,
                                .priority = QUEUE_ANY_PRIORITY,
                                .run_after_ms = s->now_ms + (int64_t)wait_s * 1000};
    const int added = queue_push(tx, s->now_ms, &n, NULL, e);
    return added < 0 ? added : DM_OK;
}

int photo_ship_plan(struct store_tx *tx, const struct photo_ship *s, struct dm_err *e)
{
    return plan(tx, s, FIRST_WAIT_S, e);
}

/* ---- the job ---- */

static int parse(const char *payload, struct photo_ship *s, int *wait_s, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *j = json_loads(payload, 0, NULL);
    const char *variant = j ? inv_json_str(j, "variant") : NULL;
    s->image_id = j ? inv_json_int(j, "image") : 0;
    s->session_id = j ? inv_json_int(j, "session") : 0;
    *wait_s = j ? (int)DM_CLAMP(inv_json_int(j, "wait"), FIRST_WAIT_S, LAST_WAIT_S) : 0;
    for (int v = 0; variant && photo_variant_names[v]; v++) {
        if (!strcmp(photo_variant_names[v], variant)) {
            s->variant = (enum photo_variant)v;
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EBADINPUT, "the job does not say which object");
}

struct finding {
    const struct photo_ship *s;
    struct dm_arena *a;
    struct photo_object o;
    int found;
};

static int find_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct finding *f = ctx;
    f->found =
        photo_object_find(tx, f->s->image_id, f->s->session_id, f->s->variant, f->a, &f->o, e);
    return f->found;
}

static int upload(const struct photo_place *p, const struct photo_object *o, struct dm_err *e)
{
    struct blob *bucket = photo_blob(p, "s3", o->variant);
    int fd = -1;
    if (!bucket) {
        DM_FAIL(e, DM_EUNSUPPORTED, "this program knows no bucket");
    }
    DM_TRY(blob_file(p->local, o->key, &fd, e));
    const int code = blob_put_file(bucket, o->key, o->content_type, fd, o->sha256, NULL, e);
    (void)close(fd);
    return code;
}

struct ending {
    struct queue_run *run;
    const struct photo_ship *s;
    const struct photo_object *o; /* that is in the bucket now; NULL: none */
    int again_s;                  /* when to try again; 0: not */
    int64_t changed;
};

static int end_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct ending *x = ctx;
    x->changed = 0;
    if (x->o) {
        DM_TRY(store_exec(
            tx, &queries[MOVED],
            STORE_ARGS(store_i(x->o->row_id), store_t(x->o->key), store_at(x->s->now_ms)),
            &x->changed, e));
    }
    if (x->again_s) {
        DM_TRY(plan(tx, x->s, x->again_s, e));
    }
    return queue_done(x->run, tx, false, x->changed ? "{\"moved\":true}" : "{\"moved\":false}", e);
}

int photo_ship_run(struct queue_run *r, const struct queue_job *j, const struct photo_place *p,
                   struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct photo_ship s = {.user_id = j->user_id, .now_ms = store_now()};
    struct finding f = {.s = &s, .a = &a};
    struct ending x = {.run = r, .s = &s};
    int wait_s = 0;
    DM_TRY(parse(j->payload, &s, &wait_s, e));
    DM_TRY(store_run(queue_run_store(r), STORE_READ, find_in, &f, e));
    const bool local = f.found > 0 && !strcmp(f.o.store, "dir");
    const int code = local ? upload(p, &f.o, e) : DM_OK;
    const bool away = code == DM_EIO || code == DM_EAGAIN;
    /* not in this folder: of another machine, whose sweep moves it */
    if (code < 0 && !away && code != DM_ENOTFOUND) {
        return code;
    }
    x.o = local && code >= 0 ? &f.o : NULL;
    x.again_s = away ? DM_MIN(2 * wait_s, LAST_WAIT_S) : 0;
    DM_TRY(store_run(queue_run_store(r), STORE_WRITE, end_in, &x, e));
    if (x.changed) {
        DM_UNUSED const int gone = blob_delete(p->local, f.o.key, NULL); /* else the sweep does */
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps the queue healthy whoever dies: leases that expired, duties that one process has at a
 * time, and how long the queues are. */
#include <string.h>

#include "base/hash.h"
#include "queue/queue_priv.h"

#define FORGET_MS INT64_C(86400000) /* a worker that is gone */

enum {
    EXPIRED_DEAD,
    EXPIRED_AGAIN,
    RELEASE_LOST,
    NEXT_DUE,
    DEPTH,
    DUTY,
    WAITING,
    STATUS,
    NAME,
    GONE
};

// clang-format off
static const struct store_query q[] = {
    [EXPIRED_DEAD] = {"queue.expired_dead",
                      "UPDATE jobs SET status = 'failed', lease_until = NULL, finished_at = {greatest}(?1, COALESCE(started_at, ?1)),"
                      " updated_at = ?1, error_code = 'lease_expired', error_message ="
                      " 'the worker died or stalled in the last attempt'"
                      " WHERE status = 'processing' AND lease_until < ?1"
                      " AND attempts >= max_attempts", "T", ""},
    [EXPIRED_AGAIN] = {"queue.expired_again",
                       "UPDATE jobs SET status = 'pending', lease_until = NULL, run_after = ?1,"
                       " updated_at = ?1, error_code = 'lease_expired'"
                       " WHERE status = 'processing' AND lease_until < ?1", "T", ""},
    [RELEASE_LOST] = {"queue.release_lost",
                      "UPDATE jobs SET status = 'pending', lease_until = NULL, run_after = ?1,"
                      " updated_at = ?1, attempts = attempts - 1 WHERE status = 'processing'"
                      " AND worker_name IN {texts:?2} AND id NOT IN {ids:?3}", "Tjj", ""},
    [NEXT_DUE] = {"queue.next_due",
                  "SELECT MIN(run_after) FROM jobs WHERE status = 'pending' AND run_after > ?1"
                  " AND kind IN {texts:?2}", "Tj", "T"},
    [DEPTH] = {"queue.depth",
               "SELECT COALESCE(SUM(CASE WHEN status = 'pending' THEN 1 ELSE 0 END), 0),"
               " COALESCE(SUM(CASE WHEN status = 'processing' THEN 1 ELSE 0 END), 0),"
               " COALESCE(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0),"
               " MIN(CASE WHEN status = 'pending' AND run_after <= ?2 THEN run_after END)"
               " FROM jobs WHERE status IN ('pending', 'processing', 'failed')"
               " AND kind IN {texts:?1}", "jT", "iiiT"},
    [DUTY] = {"queue.duty",
              "INSERT INTO queue_duties (duty, holder, held_until) VALUES (?1, ?2, ?4)"
              " ON CONFLICT (duty) DO UPDATE SET holder = ?2, held_until = ?4"
              " WHERE queue_duties.holder = ?2 OR queue_duties.held_until < ?3"
              " OR queue_duties.held_until > ?5", "ttTTT", ""},
    [GONE] = {"queue.worker_gone",
              "DELETE FROM queue_duties WHERE duty LIKE 'worker %' AND held_until < ?1", "T", ""},
    [WAITING] = {"queue.waiting",
                 "SELECT id, uuid, kind, traceparent FROM jobs WHERE status = 'pending'"
                 " AND run_after <= ?1 AND id > ?2 AND kind IN {texts:?4} AND NOT EXISTS (SELECT 1 FROM jobs c"
                 " WHERE c.parent_id = jobs.id AND c.status IN ('pending', 'processing'))"
                 " ORDER BY id LIMIT ?3", "Tiij", "iutt"},
    [NAME] = {"queue.name", "SELECT uuid, kind FROM jobs WHERE id = ?1", "i", "ut"},
    [STATUS] = {"queue.status", "SELECT status FROM jobs WHERE uuid = ?1", "u", "t"},
};
// clang-format on
STORE_QUERIES(queue_sweep_queries, q);

struct sweep {
    int64_t now_ms;
    struct queue_swept n;
};

static int sweep_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct sweep *w = ctx;
    DM_TRY(store_exec(tx, &q[GONE], STORE_ARGS(store_at(w->now_ms - FORGET_MS)), NULL, e));
    DM_TRY(store_exec(tx, &q[EXPIRED_DEAD], STORE_ARGS(store_at(w->now_ms)), &w->n.dead, e));
    return store_exec(tx, &q[EXPIRED_AGAIN], STORE_ARGS(store_at(w->now_ms)), &w->n.again, e);
}

int queue_sweep(struct store *s, int64_t now_ms, struct queue_swept *ret, struct dm_err *e)
{
    struct sweep w = {.now_ms = now_ms};
    DM_TRY(store_run(s, STORE_WRITE, sweep_in, &w, e));
    *ret = w.n;
    return DM_OK;
}

struct lost {
    int64_t now_ms;
    const char *workers, *ids;
};

static int release_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct lost *l = ctx;
    return store_exec(tx, &q[RELEASE_LOST],
                      STORE_ARGS(store_at(l->now_ms), store_j(l->workers), store_j(l->ids)), NULL,
                      e);
}

int queue_release_lost(struct store *s, int64_t now_ms, const char *workers, const char *ids,
                       struct dm_err *e)
{
    return store_run(s, STORE_WRITE, release_in, &(struct lost){now_ms, workers, ids}, e);
}

struct next {
    int64_t now_ms, due_ms;
    uint32_t kinds;
};

static int next_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct next *n = ctx;
    struct dm_arena a = {0};
    const struct store_value *row;
    const char *kinds = NULL;
    int code = queue_open_kinds(tx, n->kinds, &a, &kinds, e);
    if (code >= 0) {
        code = store_one(tx, &q[NEXT_DUE], STORE_ARGS(store_at(n->now_ms), store_j(kinds)), &a,
                         &row, e);
        n->due_ms = code < 0 || row[0].null ? 0 : row[0].i;
    }
    dm_arena_clear(&a);
    return code;
}

int queue_next_due(struct store *s, int64_t now_ms, uint32_t kinds, int64_t *ret_ms,
                   struct dm_err *e)
{
    struct next n = {now_ms, 0, kinds};
    DM_TRY(store_run(s, STORE_READ, next_in, &n, e));
    *ret_ms = n.due_ms;
    return DM_OK;
}

struct depth {
    const char *kinds;
    int64_t now_ms;
    struct queue_depth d;
};

static int depth_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct depth *d = ctx;
    struct dm_arena a = {0};
    const struct store_value *row;
    int code =
        store_one(tx, &q[DEPTH], STORE_ARGS(store_j(d->kinds), store_at(d->now_ms)), &a, &row, e);
    if (code >= 0) {
        d->d = (struct queue_depth){row[0].i, row[1].i, row[2].i, row[3].null ? 0 : row[3].i};
    }
    dm_arena_clear(&a);
    return code;
}

int queue_depth(struct store *s, int64_t now_ms, const char *queue, struct queue_depth *ret,
                struct dm_err *e)
{
    struct dm_arena a = {0};
    struct depth d = {queue_kinds_json(queue_kinds_of(&queue, 1), &a), now_ms, {0}};
    int code = d.kinds ? store_run(s, STORE_READ, depth_in, &d, e) : DM_ENOMEM;
    dm_arena_clear(&a);
    if (!d.kinds) {
        DM_FAIL(e, DM_ENOMEM, "no memory for names of kinds");
    }
    DM_TRY(code);
    *ret = d.d;
    return DM_OK;
}

/* ---- duties ---------------------------------------------------------------------------------- */

struct duty {
    const char *name, *holder;
    int64_t now_ms, ms, changed;
};

static int duty_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct duty *d = ctx;
    return store_exec(tx, &q[DUTY],
                      STORE_ARGS(store_t(d->name), store_t(d->holder), store_at(d->now_ms),
                                 store_at(d->now_ms + d->ms), store_at(d->now_ms + 2 * d->ms)),
                      &d->changed, e);
}

int queue_duty(struct store *s, int64_t now_ms, const char *duty, const char *holder, int ms,
               struct dm_err *e)
{
    struct duty d = {duty, holder, now_ms, ms, 0};
    DM_TRY(store_run(s, STORE_WRITE, duty_in, &d, e));
    return d.changed > 0;
}

int queue_worker_present(struct store *s, int64_t now_ms, const char *worker, int ms,
                         struct dm_err *e)
{
    char duty[32]; /* names are longer than a duty's */
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(worker, strlen(worker), hex);
    (void)snprintf(duty, sizeof(duty), "worker %.16s", hex);
    const int mine = queue_duty(s, now_ms, duty, worker, ms, e);
    return mine < 0 ? mine : DM_OK;
}

/* ---- for carriers ---------------------------------------------------------------------------- */

int queue_waiting(struct store_tx *tx, int64_t before_ms, int64_t after_id, int max,
                  struct dm_arena *a, struct store_table *ret, struct dm_err *e)
{
    const char *kinds = NULL;
    DM_TRY(queue_open_kinds(tx, UINT32_MAX, a, &kinds, e));
    return store_all(
        tx, &q[WAITING],
        STORE_ARGS(store_at(before_ms), store_i(after_id), store_i(max), store_j(kinds)), a, ret,
        e);
}

int queue_status(struct store_tx *tx, const char *uuid, struct dm_arena *a, const char **ret,
                 struct dm_err *e)
{
    const struct store_value *row;
    if (!store_uuid_valid(uuid)) {
        return 0;
    }
    int found = store_maybe(tx, &q[STATUS], STORE_ARGS(store_u(uuid)), a, &row, e);
    if (found > 0) {
        *ret = row[0].t;
    }
    return found;
}

struct find {
    int64_t id;
    struct queue_name *ret;
    int found;
};

static int find_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct find *f = ctx;
    struct dm_arena a = {0};
    const struct store_value *row;
    f->found = store_maybe(tx, &q[NAME], STORE_ARGS(store_i(f->id)), &a, &row, e);
    int code = f->found;
    if (code > 0) {
        memcpy(f->ret->uuid, row[0].t, STORE_UUID_SIZE);
        code = queue_kind_of(row[1].t, &f->ret->kind, e);
    }
    dm_arena_clear(&a);
    return code;
}

int queue_find(struct store *s, int64_t id, struct queue_name *ret, struct dm_err *e)
{
    struct find f = {id, ret, 0};
    DM_TRY(store_run(s, STORE_READ, find_in, &f, e));
    return f.found;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that come twice: the first answer is kept and given again. */
#include <string.h>

#include "inventory/inventory.h"
#include "store/store.h"

enum { FIND, KEEP, PURGE, RUN, DONE, PURGE_RUNNING };

static const struct store_query queries[] = {
    [FIND] = {"repeat.find",
              "SELECT request_sha256, response_status, response_body, response_fields"
              " FROM idempotency_keys WHERE key = ?1 AND user_id = ?2",
              "ui", "tijj"},
    [KEEP] = {"repeat.keep",
              "INSERT INTO idempotency_keys (key, user_id, request_sha256, response_status,"
              " response_body, response_fields, created_at)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
              "uitijjT", ""},
    [PURGE] = {"repeat.purge", "DELETE FROM idempotency_keys WHERE created_at < ?1", "T", ""},
    [RUN] = {"repeat.run",
             "INSERT INTO idempotency_running (key, user_id, request_sha256, created_at)"
             " VALUES (?1, ?2, ?3, ?4)",
             "uitT", ""},
    [DONE] = {"repeat.done", "DELETE FROM idempotency_running WHERE key = ?1 AND user_id = ?2",
              "ui", ""},
    [PURGE_RUNNING] = {"repeat.purge_running",
                       "DELETE FROM idempotency_running WHERE created_at < ?1", "T", ""},
};
STORE_QUERIES(repeat_queries, queries);

static int conflict(const char *key, struct dm_err *e)
{
    DM_REFUSE(e, INV_IDEMPOTENCY_CONFLICT, DM_FIELDS(DM_S("key", key)),
              "request %s was made before with another content", key);
}

int inv_repeat_find(struct store_tx *tx, const struct inv_ctx *c, const char *key,
                    const char *sha256, struct dm_arena *a, struct inv_reply *ret, struct dm_err *e)
{
    const struct store_value *row;
    if (!store_uuid_valid(key)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "Idempotency-Key")),
                  "an idempotency key is a UUID");
    }
    const int found =
        store_maybe(tx, &queries[FIND], STORE_ARGS(store_u(key), store_i(c->user_id)), a, &row, e);
    if (found <= 0) {
        return found;
    }
    if (strcmp(row[0].t, sha256) != 0) {
        return conflict(key, e);
    }
    *ret = (struct inv_reply){(int)row[1].i, row[2].t, row[3].null ? NULL : row[3].t};
    return 1;
}

int inv_repeat_keep(struct store_tx *tx, const struct inv_ctx *c, const char *key,
                    const char *sha256, const struct inv_reply *reply, struct dm_err *e)
{
    const int code = store_exec(tx, &queries[KEEP],
                                STORE_ARGS(store_u(key), store_i(c->user_id), store_t(sha256),
                                           store_i(reply->status), store_j(reply->body),
                                           reply->fields ? store_j(reply->fields) : store_null(),
                                           store_at(c->now_ms)),
                                NULL, e);
    if (code == DM_ECONFLICT && store_fault(tx)->kind == STORE_FAULT_UNIQUE) {
        return conflict(key, e);
    }
    return code;
}

/* ---- requests that are not one transaction --------------------------------------------------- */

struct run {
    const struct inv_ctx *c;
    const char *key, *sha256;
    struct dm_arena *a;
    struct inv_reply *found;
    const struct inv_reply *reply;
    bool seen;
};

static int begin_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct run *x = ctx;
    const struct inv_ctx *c = x->c;
    const int found = inv_repeat_find(tx, c, x->key, x->sha256, x->a, x->found, e);
    x->seen = found > 0;
    if (found) {
        return found;
    }
    const int code = store_exec(
        tx, &queries[RUN],
        STORE_ARGS(store_u(x->key), store_i(c->user_id), store_t(x->sha256), store_at(c->now_ms)),
        NULL, e);
    if (code == DM_ECONFLICT && store_fault(tx)->kind == STORE_FAULT_UNIQUE) {
        DM_REFUSE(e, INV_IDEMPOTENCY_CONFLICT, DM_FIELDS(DM_S("key", x->key)),
                  "request %s is being answered, or broke off: look at what it left", x->key);
    }
    return code;
}

int inv_repeat_begin(const struct inv_ctx *c, const char *key, const char *sha256,
                     struct dm_arena *a, struct inv_reply *ret, struct dm_err *e)
{
    struct run x = {.c = c, .key = key, .sha256 = sha256, .a = a, .found = ret};
    DM_TRY(store_run(c->store, STORE_WRITE, begin_in, &x, e));
    return x.seen;
}

static int end_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct run *x = ctx;
    DM_TRY(store_exec(tx, &queries[DONE], STORE_ARGS(store_u(x->key), store_i(x->c->user_id)), NULL,
                      e));
    return x->reply ? inv_repeat_keep(tx, x->c, x->key, x->sha256, x->reply, e) : DM_OK;
}

int inv_repeat_end(const struct inv_ctx *c, const char *key, const char *sha256,
                   const struct inv_reply *reply, struct dm_err *e)
{
    struct run x = {.c = c, .key = key, .sha256 = sha256, .reply = reply};
    return store_run(c->store, STORE_WRITE, end_in, &x, e);
}

/* ---- forgetting ------------------------------------------------------------------------------ */

struct purge {
    int64_t before_ms, n;
};

static int purge_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct purge *p = ctx;
    DM_TRY(store_exec(tx, &queries[PURGE_RUNNING], STORE_ARGS(store_at(p->before_ms)), NULL, e));
    return store_exec(tx, &queries[PURGE], STORE_ARGS(store_at(p->before_ms)), &p->n, e);
}

int inv_repeat_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e)
{
    struct purge p = {.before_ms = c->now_ms - INT64_C(48) * 3600 * 1000};
    DM_TRY(store_run(c->store, STORE_WRITE, purge_in, &p, e));
    *ret_n = p.n;
    return DM_OK;
}

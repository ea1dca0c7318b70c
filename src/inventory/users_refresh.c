/* SPDX-License-Identifier: Apache-2.0
 *
 * Refresh tokens: random, kept as digests, exchanged at each use. A chain is what came from one
 * sign-in; whoever shows an old link of it ends all links (RFC 6819, section 5.2.2.3). */
#include <string.h>

#include "base/hash.h"
#include "inventory/users_priv.h"

enum { INSERT, BY_HASH, REPLACE, REVOKE_CHAIN, PURGE, ALIVE, OWNER };

static const struct store_query queries[] = {
    [INSERT] = {"refresh.insert",
                "INSERT INTO refresh_tokens (user_id, token_hash, expires_at) VALUES (?1, ?2, ?3)"
                " RETURNING id",
                "itT", "i", false},
    [BY_HASH] = {"refresh.by_hash",
                 "SELECT id, user_id, expires_at, revoked_at, replaced_by_id FROM refresh_tokens"
                 " WHERE token_hash = ?1 {for_update}",
                 "t", "iiTTi", false},
    [REPLACE] = {"refresh.replace",
                 "UPDATE refresh_tokens SET replaced_by_id = ?2, revoked_at = ?3, updated_at ="
                 " {now} WHERE id = ?1",
                 "iiT", "", false},
    [REVOKE_CHAIN] = {"refresh.revoke_chain",
                      "UPDATE refresh_tokens SET revoked_at = ?2, updated_at = {now}"
                      " WHERE revoked_at IS NULL AND id IN (WITH RECURSIVE chain(id) AS"
                      " (SELECT id FROM refresh_tokens WHERE id = ?1 UNION SELECT t.replaced_by_id"
                      " FROM chain c JOIN refresh_tokens t ON t.id = c.id WHERE t.replaced_by_id IS"
                      " NOT NULL) SELECT id FROM chain)",
                      "iT", "", false},
    [PURGE] = {"refresh.purge",
               "DELETE FROM refresh_tokens WHERE expires_at < ?1 AND id NOT IN (SELECT"
               " replaced_by_id FROM refresh_tokens WHERE replaced_by_id IS NOT NULL AND"
               " expires_at >= ?1)",
               "T", "", false},
    [ALIVE] = {"refresh.alive",
               "WITH RECURSIVE chain(id) AS (SELECT id FROM refresh_tokens WHERE id = ?1 AND"
               " user_id = ?2 UNION SELECT t.replaced_by_id FROM chain c JOIN refresh_tokens t ON"
               " t.id = c.id WHERE t.replaced_by_id IS NOT NULL) SELECT count(*) FROM chain c JOIN"
               " refresh_tokens t ON t.id = c.id WHERE t.revoked_at IS NULL AND t.expires_at > ?3",
               "iiT", "i", false},
    [OWNER] = {"refresh.owner",
               "SELECT count(*) FROM refresh_tokens WHERE id = ?1 AND user_id = ?2", "ii", "i",
               false},
};
STORE_QUERIES(refresh_queries, queries);

struct exchange {
    const struct inv_ctx *c;
    const char *token;
    struct refresh *next;
    int64_t user_id, id, life_ms;
    const char *refused; /* why; NULL = it went well */
};

static int issue(struct store_tx *tx, const struct exchange *x, struct dm_err *e)
{
    char hash[DM_SHA256_HEX_SIZE];
    password_secret(x->next->text);
    dm_sha256_hex(x->next->text, strlen(x->next->text), hash);
    return store_int(
        tx, &queries[INSERT],
        STORE_ARGS(store_i(x->user_id), store_t(hash),
                   store_at(x->c->now_ms + (x->life_ms ? x->life_ms : USERS_REFRESH_MS))),
        &x->next->id, e);
}

static int issue_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    return issue(tx, ctx, e);
}

int refresh_issue(const struct inv_ctx *c, int64_t user_id, int64_t life_ms, struct refresh *ret,
                  struct dm_err *e)
{
    struct exchange x = {.c = c, .next = ret, .user_id = user_id, .life_ms = life_ms};
    return store_run(c->store, STORE_WRITE, issue_in, &x, e);
}

static int end_chain(struct store_tx *tx, const struct inv_ctx *c, int64_t id, struct dm_err *e)
{
    return store_exec(tx, &queries[REVOKE_CHAIN], STORE_ARGS(store_i(id), store_at(c->now_ms)),
                      NULL, e);
}

static const char *fault_of(const struct store_value *row, int64_t now_ms)
{
    if (!row[4].null) {
        return "reused";
    }
    if (!row[3].null) {
        return "revoked";
    }
    return row[2].i <= now_ms ? "expired" : NULL;
}

/* What it finds wrong is committed too: a reused token must end its chain although the caller is
 * refused. */
static int rotate_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct exchange *x = ctx;
    const struct store_value *row;
    struct user u;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(x->token, strlen(x->token), hash);
    x->refused = NULL;
    const int found = store_maybe(tx, &queries[BY_HASH], STORE_ARGS(store_t(hash)), &a, &row, e);
    DM_TRY(found);
    if (!found) {
        x->refused = "unknown";
        return DM_OK;
    }
    const int64_t id = row[0].i;
    x->user_id = row[1].i;
    x->refused = fault_of(row, x->c->now_ms);
    if (x->refused) {
        if (!strcmp(x->refused, "reused")) {
            DM_TRY(end_chain(tx, x->c, id, e));
            DM_TRY(audit_write(tx, x->c, "token.reused", "users", x->user_id, NULL, NULL, e));
        }
        return DM_OK;
    }
    DM_TRY(user_lock(tx, x->user_id, &a, &u, NULL, e));
    if (!u.active) {
        x->refused = "inactive";
        return end_chain(tx, x->c, id, e);
    }
    DM_TRY(issue(tx, x, e));
    return store_exec(tx, &queries[REPLACE],
                      STORE_ARGS(store_i(id), store_i(x->next->id), store_at(x->c->now_ms)), NULL,
                      e);
}

int refresh_rotate(const struct inv_ctx *c, const char *token, int64_t life_ms, struct dm_arena *a,
                   struct refresh *ret, struct user *ret_user, struct dm_err *e)
{
    struct refresh next;
    struct exchange x = {.c = c, .token = token, .next = &next, .life_ms = life_ms};
    DM_TRY(store_run(c->store, STORE_WRITE, rotate_in, &x, e));
    if (x.refused) {
        DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", x.refused)),
                  "the session has ended, sign in again");
    }
    DM_TRY(user_get(c, x.user_id, a, ret_user, e));
    *ret = next;
    return DM_OK;
}

static int revoke_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct exchange *x = ctx;
    const struct store_value *row;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(x->token, strlen(x->token), hash);
    const int found = store_maybe(tx, &queries[BY_HASH], STORE_ARGS(store_t(hash)), &a, &row, e);
    if (found <= 0) {
        return found;
    }
    struct inv_ctx self = *x->c;
    self.user_id = self.user_id ? self.user_id : row[1].i;
    DM_TRY(audit_write(tx, &self, "logout", "users", row[1].i, NULL, NULL, e));
    return end_chain(tx, x->c, row[0].i, e);
}

int refresh_revoke(const struct inv_ctx *c, const char *token, struct dm_err *e)
{
    struct exchange x = {.c = c, .token = token};
    return store_run(c->store, STORE_WRITE, revoke_in, &x, e);
}

static int end_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct exchange *x = ctx;
    const struct inv_ctx *c = x->c;
    int64_t own;
    DM_TRY(
        store_int(tx, &queries[OWNER], STORE_ARGS(store_i(x->id), store_i(c->user_id)), &own, e));
    if (!own) {
        return DM_OK;
    }
    DM_TRY(audit_write(tx, c, "logout", "users", c->user_id, NULL, NULL, e));
    return end_chain(tx, c, x->id, e);
}

int refresh_end(const struct inv_ctx *c, int64_t id, struct dm_err *e)
{
    struct exchange x = {.c = c, .id = id};
    return store_run(c->store, STORE_WRITE, end_in, &x, e);
}

int refresh_alive(const struct inv_ctx *c, int64_t user_id, int64_t id, bool *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    int64_t n;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[ALIVE],
                     STORE_ARGS(store_i(id), store_i(user_id), store_at(c->now_ms)), &n, e));
    *ret = n > 0;
    return DM_OK;
}

int refresh_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(c->store, STORE_WRITE, &tx, e));
    DM_TRY(store_exec(tx, &queries[PURGE], STORE_ARGS(store_at(c->now_ms)), ret_n, e));
    return store_commit(&tx, e);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * API tokens. */
#include "inventory/tokens.h"

#include <string.h>

#include "base/hash.h"
#include "inventory/json.h"
#include "inventory/users_priv.h"

enum { INSERT, WORKING, LIST, BY_ID, REVOKE, BY_HASH, USED };

#define COLUMNS "id, user_id, name, hint, scopes, expires_at, last_used_at, revoked_at, created_at"

static const struct store_query queries[] = {
    [INSERT] = {"tokens.insert",
                "INSERT INTO api_tokens (user_id, name, hint, token_hash, scopes, expires_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
                "itttjT", "i"},
    [WORKING] = {"tokens.working",
                 "SELECT count(*) FROM api_tokens WHERE user_id = ?1 AND revoked_at IS NULL"
                 " AND (expires_at IS NULL OR expires_at > ?2)",
                 "iT", "i"},
    [LIST] = {"tokens.list",
              "SELECT " COLUMNS " FROM api_tokens WHERE user_id = ?1 ORDER BY id DESC", "i",
              "iittjTTTT"},
    [BY_ID] = {"tokens.by_id", "SELECT user_id, name FROM api_tokens WHERE id = ?1 {for_update}",
               "i", "it"},
    [REVOKE] = {"tokens.revoke",
                "UPDATE api_tokens SET revoked_at = ?2, updated_at = {now} WHERE id = ?1 AND"
                " revoked_at IS NULL",
                "iT", ""},
    [BY_HASH] = {"tokens.by_hash", "SELECT " COLUMNS " FROM api_tokens WHERE token_hash = ?1", "t",
                 "iittjTTTT"},
    [USED] = {"tokens.used", "UPDATE api_tokens SET last_used_at = ?2 WHERE id = ?1", "iT", ""},
};
STORE_QUERIES(tokens_queries, queries);

const char *const token_scope_names[] = {"read", "photos", "stock", "manage", NULL};

static unsigned scopes_of(const char *json)
{
    json_t *list = json_loads(json, 0, NULL);
    unsigned scopes = 0;
    size_t i;
    const json_t *name;
    json_array_foreach(list, i, name)
    {
        for (unsigned bit = 0; token_scope_names[bit]; bit++) {
            if (json_is_string(name) && !strcmp(json_string_value(name), token_scope_names[bit])) {
                scopes |= 1U << bit;
            }
        }
    }
    json_decref(list);
    return scopes;
}

static void token_from_row(const struct store_value *row, struct token *ret)
{
    *ret = (struct token){
        .id = row[0].i,
        .user_id = row[1].i,
        .name = row[2].t,
        .hint = row[3].t,
        .scopes = scopes_of(row[4].t),
        .expires_at = row[5].null ? 0 : row[5].i,
        .last_used_at = row[6].null ? 0 : row[6].i,
        .revoked_at = row[7].null ? 0 : row[7].i,
        .created_at = row[8].i,
    };
}

/* ---- making --------------------------------------------------------------------------------- */

struct issue {
    const struct inv_ctx *c;
    const char *name, *text;
    json_t *scopes;
    int64_t expires_at, id;
};

static int issue_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct issue *x = ctx;
    const struct inv_ctx *c = x->c;
    struct user u;
    int64_t working;
    char hash[DM_SHA256_HEX_SIZE];
    char hint[sizeof(TOKEN_PREFIX) + 4];
    const char *scopes;
    DM_TRY(user_lock(tx, c->user_id, &a, &u, NULL, e)); /* so that two do not pass the limit */
    DM_TRY(store_int(tx, &queries[WORKING], STORE_ARGS(store_i(u.id), store_at(c->now_ms)),
                     &working, e));
    if (working >= TOKENS_PER_USER) {
        DM_FAIL(e, INV_IN_USE, "there are %d tokens already, end one first", TOKENS_PER_USER);
    }
    (void)snprintf(hint, sizeof(hint), "%s", x->text);
    dm_sha256_hex(x->text, strlen(x->text), hash);
    DM_TRY(inv_json_text(x->scopes, &a, &scopes, e));
    DM_TRY(store_int(tx, &queries[INSERT],
                     STORE_ARGS(store_i(u.id), store_t(x->name), store_t(hint), store_t(hash),
                                store_j(scopes),
                                x->expires_at ? store_at(x->expires_at) : store_null()),
                     &x->id, e));
    json_t *after = json_pack("{s:s, s:O}", "name", x->name, "scopes", x->scopes);
    const int audited = audit_write(tx, c, "token.create", "api_tokens", x->id, NULL, after, e);
    json_decref(after);
    return audited;
}

int token_issue(const struct inv_ctx *c, const char *name, unsigned scopes, int64_t expires_at,
                char ret[static TOKEN_TEXT_SIZE], int64_t *ret_id, struct dm_err *e)
{
    char secret[PASSWORD_SECRET_SIZE];
    char text[TOKEN_TEXT_SIZE];
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(user_name_check(name, e));
    if (!scopes || (scopes & ~(unsigned)TOKEN_ALL)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "scopes")),
                  "a token has at least one scope");
    }
    if (expires_at && expires_at <= c->now_ms) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "expires_at")),
                  "a token ends in the future");
    }
    DM_CLEANUP(inv_json_freep) json_t *list = json_array();
    for (unsigned bit = 0; token_scope_names[bit]; bit++) {
        if ((scopes & 1U << bit) &&
            json_array_append_new(list, json_string(token_scope_names[bit]))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a token");
        }
    }
    password_secret(secret);
    (void)snprintf(text, sizeof(text), TOKEN_PREFIX "%s", secret);
    struct issue x = {.c = c, .name = name, .text = text, .scopes = list, .expires_at = expires_at};
    DM_TRY(store_run(c->store, STORE_WRITE, issue_in, &x, e));
    memcpy(ret, text, sizeof(text));
    *ret_id = x.id;
    return DM_OK;
}

/* ---- looking and ending --------------------------------------------------------------------- */

static int may_handle(const struct inv_ctx *c, int64_t user_id, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    return user_id == c->user_id ? DM_OK : inv_permit(c, INV_DO_USERS, e);
}

int token_list(const struct inv_ctx *c, int64_t user_id, struct dm_arena *a,
               const struct token **ret, size_t *ret_n, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows;
    DM_TRY(may_handle(c, user_id, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[LIST], STORE_ARGS(store_i(user_id)), a, &rows, e));
    struct token *list = dm_arena_calloc(a, rows.n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list of tokens");
    }
    for (size_t i = 0; i < rows.n; i++) {
        token_from_row(store_row(&rows, i), &list[i]);
    }
    *ret = list;
    *ret_n = rows.n;
    return DM_OK;
}

struct revoke {
    const struct inv_ctx *c;
    int64_t id;
};

static int revoke_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct revoke *x = ctx;
    const struct store_value *row;
    int64_t changed;
    const int found = store_maybe(tx, &queries[BY_ID], STORE_ARGS(store_i(x->id)), &a, &row, e);
    DM_TRY(found);
    /* somebody else's looks like none: ids tell nothing */
    if (!found || may_handle(x->c, row[0].i, NULL) < 0) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no token %lld", (long long)x->id);
    }
    DM_TRY(store_exec(tx, &queries[REVOKE], STORE_ARGS(store_i(x->id), store_at(x->c->now_ms)),
                      &changed, e));
    if (!changed) {
        return DM_OK;
    }
    return audit_write(tx, x->c, "token.revoke", "api_tokens", x->id, NULL, NULL, e);
}

int token_revoke(const struct inv_ctx *c, int64_t id, struct dm_err *e)
{
    struct revoke x = {c, id};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    return store_run(c->store, STORE_WRITE, revoke_in, &x, e);
}

/* ---- using ---------------------------------------------------------------------------------- */

static int refuse(const char *reason, struct dm_err *e)
{
    DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", reason)),
              "this API token does not sign in");
}

static int look_up(const struct inv_ctx *c, const char *text, struct dm_arena *a, struct token *ret,
                   struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(text, strlen(text), hash);
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[BY_HASH], STORE_ARGS(store_t(hash)), a, &row, e);
    DM_TRY(found);
    if (!found) {
        return refuse("bad_credentials", e);
    }
    token_from_row(row, ret);
    return DM_OK;
}

static int used_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct revoke *x = ctx;
    return store_exec(tx, &queries[USED], STORE_ARGS(store_i(x->id), store_at(x->c->now_ms)), NULL,
                      e);
}

int token_check(const struct inv_ctx *c, const char *text, struct dm_arena *a, struct token *ret,
                struct user *ret_user, struct dm_err *e)
{
    struct token t;
    DM_TRY(look_up(c, text, a, &t, e));
    if (t.revoked_at) {
        return refuse("revoked", e);
    }
    if (t.expires_at && t.expires_at <= c->now_ms) {
        return refuse("expired", e);
    }
    DM_TRY(user_get(c, t.user_id, a, ret_user, e));
    if (!ret_user->active) {
        return refuse("inactive_user", e);
    }
    if (c->now_ms - t.last_used_at > TOKEN_USED_MS) {
        struct revoke x = {c, t.id};
        DM_TRY(store_run(c->store, STORE_WRITE, used_in, &x, e));
        t.last_used_at = c->now_ms;
    }
    *ret = t;
    return DM_OK;
}

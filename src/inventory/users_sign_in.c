/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in. Failures are counted from the audit trail, which every failure is written to anyway:
 * five within fifteen minutes lock the account for fifteen (domain.md section 17). The password is
 * hashed between two transactions, so a rush of wrong passwords holds no lock. */
#include <string.h>

#include "inventory/users_priv.h"

enum { BY_EMAIL, FAILURES, COUNT_FAILURE, SIGNED_IN, BY_SUBJECT, LINK, ADD_EXTERNAL, SET_ROLE };

static const struct store_query queries[] = {
    [BY_EMAIL] = {"sign_in.by_email", "SELECT " USER_COLUMNS " FROM users WHERE email = ?1", "t",
                  USER_COLS, false},
    [FAILURES] = {"sign_in.failures",
                  "SELECT COUNT(*) FROM audit_log WHERE entity_type = 'users' AND entity_id = ?1"
                  " AND action = 'login.failed' AND created_at > ?2",
                  "tT", "i", false},
    [COUNT_FAILURE] = {"sign_in.count_failure",
                       "UPDATE users SET failed_login_count = ?2, locked_until = ?3,"
                       " updated_at = {now} WHERE id = ?1",
                       "iiT", "", false},
    [SIGNED_IN] = {"sign_in.done",
                   "UPDATE users SET failed_login_count = 0, locked_until = NULL,"
                   " last_login_at = ?2, updated_at = {now} WHERE id = ?1",
                   "iT", "", false},
    [BY_SUBJECT] = {"sign_in.by_subject",
                    "SELECT " USER_COLUMNS " FROM users WHERE identity_provider = ?1"
                    " AND identity_subject = ?2",
                    "tt", USER_COLS, false},
    [LINK] = {"sign_in.link",
              "UPDATE users SET identity_provider = ?2, identity_subject = ?3, updated_at = {now}"
              " WHERE id = ?1",
              "itt", "", false},
    [ADD_EXTERNAL] = {"sign_in.add_external",
                      "INSERT INTO users (email, first_name, last_name, role, identity_provider,"
                      " identity_subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
                      "tttttt", "i", false},
    [SET_ROLE] = {"sign_in.set_role",
                  "UPDATE users SET role = ?2, updated_at = {now} WHERE id = ?1", "it", "", false},
};
STORE_QUERIES(sign_in_queries, queries);

struct attempt {
    const struct inv_ctx *c;
    const struct user *user; /* NULL: nobody has that address */
    const char *email;
    const char *new_hash; /* of a right password whose hash was stale */
    const struct user_external *external;
    int64_t user_id;
    bool locked;
};

/* A failure that belongs to somebody is counted; one that does not is only noted. */
static int failed_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct attempt *x = ctx;
    json_t *after = json_pack("{s:s}", "email", x->email);
    const int audited =
        audit_write(tx, x->c, "login.failed", "users", x->user ? x->user->id : 0, NULL, after, e);
    json_decref(after);
    DM_TRY(audited);
    if (!x->user) {
        return DM_OK;
    }
    char id[24];
    int64_t n;
    (void)snprintf(id, sizeof(id), "%lld", (long long)x->user->id);
    const int64_t since = DM_MAX(x->c->now_ms - USERS_LOCK_MS, x->user->last_login_at);
    DM_TRY(store_int(tx, &queries[FAILURES], STORE_ARGS(store_t(id), store_at(since)), &n, e));
    x->locked = n >= USERS_LOCK_FAILURES;
    return store_exec(tx, &queries[COUNT_FAILURE],
                      STORE_ARGS(store_i(x->user->id), store_i(n),
                                 x->locked ? store_at(x->c->now_ms + USERS_LOCK_MS) : store_null()),
                      NULL, e);
}

static int succeeded_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct attempt *x = ctx;
    if (x->new_hash) {
        DM_TRY(user_store_hash(tx, x->user->id, x->new_hash, x->user->must_change_password, e));
    }
    DM_TRY(store_exec(tx, &queries[SIGNED_IN],
                      STORE_ARGS(store_i(x->user->id), store_at(x->c->now_ms)), NULL, e));
    struct inv_ctx self = *x->c;
    self.user_id = x->user->id;
    return audit_write(tx, &self, "login", "users", x->user->id, NULL, NULL, e);
}

static int refuse_locked(const struct inv_ctx *c, int64_t until_ms, struct dm_err *e)
{
    const int64_t seconds = DM_MAX((until_ms - c->now_ms + 999) / 1000, 1);
    DM_REFUSE(e, INV_RATE_LIMITED, DM_FIELDS(DM_I("retry_after_s", seconds)),
              "too many failures; the account is locked for %lld minutes",
              (long long)((seconds + 59) / 60));
}

/* The account, 0 when there is none. */
static int look_up(const struct inv_ctx *c, const char *email, struct dm_arena *a, struct user *ret,
                   const char **ret_hash, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[BY_EMAIL], STORE_ARGS(store_t(email)), a, &row, e);
    if (found > 0) {
        user_from_row(row, ret, ret_hash);
    }
    return found;
}

int user_sign_in(const struct inv_ctx *c, const char *email, const char *password,
                 struct dm_arena *a, struct user *ret, struct dm_err *e)
{
    struct user u;
    const char *hash = NULL;
    const char *clean = "";
    char new_hash[PASSWORD_HASH_SIZE];
    bool stale = false;
    int found = 0;
    if (user_email_clean(email, a, &clean, NULL) >= 0) {
        found = look_up(c, clean, a, &u, &hash, e);
        DM_TRY(found);
    }
    struct attempt x = {.c = c, .email = clean, .user = found ? &u : NULL};
    if (found && u.locked_until > c->now_ms) {
        return refuse_locked(c, u.locked_until, e);
    }
    const bool may = found && u.active && !u.is_system;
    const bool fits = password_fits(may ? hash : NULL, password, &stale);
    if (!fits) {
        DM_TRY(store_run(c->store, STORE_WRITE, failed_in, &x, e));
        if (x.locked) {
            return refuse_locked(c, c->now_ms + USERS_LOCK_MS, e);
        }
        DM_FAIL(e, INV_UNAUTHENTICATED, "e-mail address or password is wrong");
    }
    if (stale) {
        DM_TRY(password_hash(password, new_hash, e));
        x.new_hash = new_hash;
    }
    DM_TRY(store_run(c->store, STORE_WRITE, succeeded_in, &x, e));
    u.last_login_at = c->now_ms;
    *ret = u;
    return DM_OK;
}

/* ---- identity providers ------------------------------------------------------------------- */

static int link_or_add(struct store_tx *tx, struct attempt *x, struct dm_arena *a, struct dm_err *e)
{
    const struct user_external *in = x->external;
    const struct store_value *row;
    const int taken =
        store_maybe(tx, &queries[BY_EMAIL], STORE_ARGS(store_t(x->email)), a, &row, e);
    DM_TRY(taken);
    if (taken) {
        struct user u;
        user_from_row(row, &u, NULL);
        if (!in->email_verified || u.provider || u.is_system) {
            DM_FAIL(e, INV_DUPLICATE_CODE, "the e-mail address belongs to another account");
        }
        x->user_id = u.id;
        DM_TRY(store_exec(tx, &queries[LINK],
                          STORE_ARGS(store_i(u.id), store_t(in->provider), store_t(in->subject)),
                          NULL, e));
        return audit_write(tx, x->c, "identity.link", "users", u.id, NULL, NULL, e);
    }
    const enum inv_role role = in->role == INV_ROLE_MAX_ ? INV_VIEWER : in->role;
    DM_TRY(store_int(tx, &queries[ADD_EXTERNAL],
                     STORE_ARGS(store_t(x->email), store_t(in->first_name), store_t(in->last_name),
                                store_t(inv_role_names[role]), store_t(in->provider),
                                store_t(in->subject)),
                     &x->user_id, e));
    json_t *after = json_pack("{s:s, s:s, s:s}", "email", x->email, "role", inv_role_names[role],
                              "provider", in->provider);
    const int audited = audit_write(tx, x->c, "create", "users", x->user_id, NULL, after, e);
    json_decref(after);
    return audited;
}

/* The provider's claim decides the role, except that it cannot take the last admin away. */
static int follow_claim(struct store_tx *tx, struct attempt *x, const struct user *u,
                        struct dm_err *e)
{
    const enum inv_role claim = x->external->role;
    if (claim == INV_ROLE_MAX_ || claim == u->role) {
        return DM_OK;
    }
    if (u->role == INV_ADMIN) {
        DM_TRY(user_keep_admin(tx, u->id, e));
    }
    DM_TRY(store_exec(tx, &queries[SET_ROLE],
                      STORE_ARGS(store_i(u->id), store_t(inv_role_names[claim])), NULL, e));
    DM_TRY(user_end_tokens(tx, u->id, x->c->now_ms, e));
    json_t *before = json_pack("{s:s}", "role", inv_role_names[u->role]);
    json_t *after = json_pack("{s:s}", "role", inv_role_names[claim]);
    const int audited = audit_write(tx, x->c, "role", "users", u->id, before, after, e);
    json_decref(before);
    json_decref(after);
    return audited;
}

static int external_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct attempt *x = ctx;
    const struct user_external *in = x->external;
    const struct store_value *row;
    struct user u;
    const int known =
        store_maybe(tx, &queries[BY_SUBJECT],
                    STORE_ARGS(store_t(in->provider), store_t(in->subject)), &a, &row, e);
    DM_TRY(known);
    if (known) {
        x->user_id = row[0].i;
    } else {
        DM_TRY(link_or_add(tx, x, &a, e));
    }
    DM_TRY(user_lock(tx, x->user_id, &a, &u, NULL, e));
    if (!u.active) {
        DM_FAIL(e, INV_UNAUTHENTICATED, "the account is not active");
    }
    DM_TRY(follow_claim(tx, x, &u, e));
    x->user = &u;
    const int code = succeeded_in(tx, x, e);
    x->user = NULL;
    return code;
}

int user_sign_in_external(const struct inv_ctx *c, const struct user_external *in,
                          struct dm_arena *a, struct user *ret, struct dm_err *e)
{
    struct attempt x = {.c = c, .external = in};
    if (!in->provider || !in->provider[0] || !in->subject || !in->subject[0]) {
        DM_FAIL(e, INV_VALIDATION, "an identity has a provider and a subject");
    }
    DM_TRY(user_email_clean(in->email, a, &x.email, e));
    DM_TRY(user_name_check(in->first_name, e));
    DM_TRY(user_name_check(in->last_name, e));
    DM_TRY(store_run(c->store, STORE_WRITE, external_in, &x, e));
    return user_get(c, x.user_id, a, ret, e);
}

int user_find_external(const struct inv_ctx *c, const char *provider, const char *subject,
                       struct dm_arena *a, struct user *ret, struct dm_err *e)
{
    const struct store_value *row;
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
        const int found = store_maybe(tx, &queries[BY_SUBJECT],
                                      STORE_ARGS(store_t(provider), store_t(subject)), a, &row, e);
        if (found <= 0) {
            return found;
        }
    }
    DM_TRY(user_get(c, row[0].i, a, ret, e));
    return 1;
}

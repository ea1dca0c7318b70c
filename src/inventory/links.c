/* SPDX-License-Identifier: Apache-2.0
 *
 * Links and tickets that work once: using one deletes its row, in the transaction of what it is
 * used for. */
#include <string.h>

#include "base/hash.h"
#include "inventory/tokens.h"
#include "inventory/users_priv.h"

enum { INSERT, TAKE, PEEK, FORGET, PURGE, ADMINS };

static const struct store_query queries[] = {
    [INSERT] = {"links.insert",
                "INSERT INTO one_time_tokens (purpose, user_id, token_hash, path, expires_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5)",
                "tittT", ""},
    [TAKE] = {"links.take",
              "DELETE FROM one_time_tokens WHERE token_hash = ?1 AND purpose = ?2"
              " RETURNING user_id, path, expires_at",
              "tt", "itT"},
    [PEEK] = {"links.peek",
              "SELECT count(*) FROM one_time_tokens WHERE token_hash = ?1 AND purpose = ?2"
              " AND expires_at > ?3",
              "ttT", "i"},
    [FORGET] = {"links.forget",
                "DELETE FROM one_time_tokens WHERE purpose = ?1 AND user_id {same} ?2", "ti", ""},
    [PURGE] = {"links.purge", "DELETE FROM one_time_tokens WHERE expires_at <= ?1", "T", ""},
    [ADMINS] = {"links.admins", /* "!" fits no password: people of a demo nursery */
                "SELECT count(*) FROM users WHERE role = 'admin' AND active AND NOT is_system"
                " AND (password_hash IS NULL OR password_hash <> '!')",
                "", "i"},
};
STORE_QUERIES(links_queries, queries);

enum purpose { SETUP, INVITE, TICKET };
static const char *const purposes[] = {"setup", "invite", "ticket"};

struct link {
    const struct inv_ctx *c;
    enum purpose purpose;
    const char *secret, *path, *hash;
    int64_t user_id, expires_at, n;
    const struct user_new *person;
};

static int refuse(struct dm_err *e)
{
    DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", "expired")),
              "the link was used already or is too old");
}

static int make_in(struct store_tx *tx, struct link *x, struct dm_err *e)
{
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(x->secret, strlen(x->secret), hash);
    return store_exec(tx, &queries[INSERT],
                      STORE_ARGS(store_t(purposes[x->purpose]), store_ref(x->user_id),
                                 store_t(hash), store_t(x->path), store_at(x->expires_at)),
                      NULL, e);
}

/* Once only: of two who come at once the second finds no row. */
static int take_in(struct store_tx *tx, struct link *x, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(x->secret, strlen(x->secret), hash);
    const int found = store_maybe(
        tx, &queries[TAKE], STORE_ARGS(store_t(hash), store_t(purposes[x->purpose])), &a, &row, e);
    DM_TRY(found);
    if (!found || row[2].i <= x->c->now_ms ||
        (x->path && (row[1].null || strcmp(row[1].t, x->path) != 0))) {
        return refuse(e);
    }
    x->user_id = row[0].null ? 0 : row[0].i;
    return DM_OK;
}

/* ---- the first administrator ---------------------------------------------------------------- */

static int no_admin(struct store_tx *tx, struct dm_err *e)
{
    int64_t n;
    DM_TRY(store_int(tx, &queries[ADMINS], STORE_NO_ARGS, &n, e));
    if (n > 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "there is an administrator already");
    }
    return DM_OK;
}

int link_setup_needed(const struct inv_ctx *c, bool *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int code = no_admin(tx, e);
    if (code < 0 && code != INV_INVALID_TRANSITION) {
        return code;
    }
    *ret = code >= 0;
    return DM_OK;
}

static int setup_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct link *x = ctx;
    DM_TRY(no_admin(tx, e));
    DM_TRY(store_exec(tx, &queries[FORGET], STORE_ARGS(store_t("setup"), store_null()), NULL, e));
    return make_in(tx, x, e);
}

int link_setup(const struct inv_ctx *c, char ret[static PASSWORD_SECRET_SIZE], struct dm_err *e)
{
    char secret[PASSWORD_SECRET_SIZE];
    password_secret(secret);
    struct link x = {
        .c = c, .purpose = SETUP, .secret = secret, .expires_at = c->now_ms + LINK_SETUP_MS};
    DM_TRY(store_run(c->store, STORE_WRITE, setup_in, &x, e));
    memcpy(ret, secret, sizeof(secret));
    return DM_OK;
}

int link_setup_peek(const struct inv_ctx *c, const char *secret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    int64_t n;
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(secret, strlen(secret), hash);
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[PEEK],
                     STORE_ARGS(store_t(hash), store_t("setup"), store_at(c->now_ms)), &n, e));
    return n > 0 ? DM_OK : refuse(e);
}

/* The row of the link is deleted first: of two administrators who set up at once, one waits for it
 * and then finds it gone. */
static int setup_use_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct link *x = ctx;
    DM_TRY(take_in(tx, x, e));
    DM_TRY(no_admin(tx, e));
    return user_insert(tx, x->c, x->person, x->hash, &x->user_id, e);
}

int link_setup_use(const struct inv_ctx *c, const char *secret, const struct user_new *n,
                   int64_t *ret_id, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct user_new admin = *n;
    char hash[PASSWORD_HASH_SIZE];
    admin.role = INV_ADMIN;
    DM_TRY(link_setup_peek(c, secret, e)); /* before a hash is paid for */
    DM_TRY(user_new_check(&admin, &a, e));
    DM_TRY(password_check(n->password, e));
    DM_TRY(password_hash(n->password, hash, e));
    struct link x = {.c = c, .purpose = SETUP, .secret = secret, .hash = hash, .person = &admin};
    DM_TRY(store_run(c->store, STORE_WRITE, setup_use_in, &x, e));
    *ret_id = x.user_id;
    return DM_OK;
}

/* ---- invitations ---------------------------------------------------------------------------- */

static int invite_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct link *x = ctx;
    struct user u;
    DM_TRY(user_lock(tx, x->user_id, &a, &u, NULL, e));
    if (u.is_system || (u.provider && !u.has_password)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "this account signs in elsewhere and has no password");
    }
    DM_TRY(store_exec(tx, &queries[FORGET], STORE_ARGS(store_t("invite"), store_i(u.id)), NULL, e));
    DM_TRY(make_in(tx, x, e));
    return audit_write(tx, x->c, "invite", "users", u.id, NULL, NULL, e);
}

int link_invite(const struct inv_ctx *c, int64_t user_id, char ret[static PASSWORD_SECRET_SIZE],
                struct dm_err *e)
{
    char secret[PASSWORD_SECRET_SIZE];
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    password_secret(secret);
    struct link x = {.c = c,
                     .purpose = INVITE,
                     .secret = secret,
                     .user_id = user_id,
                     .expires_at = c->now_ms + LINK_INVITE_MS};
    DM_TRY(store_run(c->store, STORE_WRITE, invite_in, &x, e));
    memcpy(ret, secret, sizeof(secret));
    return DM_OK;
}

static int invite_use_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct link *x = ctx;
    struct user u;
    DM_TRY(take_in(tx, x, e));
    DM_TRY(user_lock(tx, x->user_id, &a, &u, NULL, e));
    if (!u.active) {
        return refuse(e);
    }
    DM_TRY(user_store_hash(tx, u.id, x->hash, false, e));
    DM_TRY(user_end_tokens(tx, u.id, x->c->now_ms, e));
    struct inv_ctx self = *x->c;
    self.user_id = u.id;
    return audit_write(tx, &self, "password.invite", "users", u.id, NULL, NULL, e);
}

int link_invite_use(const struct inv_ctx *c, const char *secret, const char *password,
                    int64_t *ret_user_id, struct dm_err *e)
{
    char hash[PASSWORD_HASH_SIZE];
    struct link x = {.c = c, .purpose = INVITE, .secret = secret, .hash = hash};
    DM_TRY(password_check(password, e));
    DM_TRY(password_hash(password, hash, e));
    DM_TRY(store_run(c->store, STORE_WRITE, invite_use_in, &x, e));
    *ret_user_id = x.user_id;
    return DM_OK;
}

/* ---- tickets -------------------------------------------------------------------------------- */

static int ticket_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    return make_in(tx, ctx, e);
}

int link_ticket(const struct inv_ctx *c, const char *path, char ret[static PASSWORD_SECRET_SIZE],
                struct dm_err *e)
{
    char secret[PASSWORD_SECRET_SIZE];
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    if (path[0] != '/' || strlen(path) > LINK_PATH_MAX) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "path")),
                  "a path begins with / and has at most %d bytes", LINK_PATH_MAX);
    }
    password_secret(secret);
    struct link x = {.c = c,
                     .purpose = TICKET,
                     .secret = secret,
                     .path = path,
                     .user_id = c->user_id,
                     .expires_at = c->now_ms + LINK_TICKET_MS};
    DM_TRY(store_run(c->store, STORE_WRITE, ticket_in, &x, e));
    memcpy(ret, secret, sizeof(secret));
    return DM_OK;
}

static int ticket_use_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    return take_in(tx, ctx, e);
}

int link_ticket_use(const struct inv_ctx *c, const char *secret, const char *path,
                    int64_t *ret_user_id, struct dm_err *e)
{
    struct link x = {.c = c, .purpose = TICKET, .secret = secret, .path = path};
    DM_TRY(store_run(c->store, STORE_WRITE, ticket_use_in, &x, e));
    *ret_user_id = x.user_id;
    return DM_OK;
}

static int purge_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct link *x = ctx;
    return store_exec(tx, &queries[PURGE], STORE_ARGS(store_at(x->c->now_ms)), &x->n, e);
}

int link_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e)
{
    struct link x = {.c = c};
    DM_TRY(store_run(c->store, STORE_WRITE, purge_in, &x, e));
    *ret_n = x.n;
    return DM_OK;
}

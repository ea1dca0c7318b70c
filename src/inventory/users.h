/* SPDX-License-Identifier: Apache-2.0
 *
 * People who use the program: accounts, signing in, refresh tokens (domain.md section 17). Signing
 * in costs a password hash, some 50 ms; everything else is a row or two. Access tokens are not
 * made here: they are the business of api/. */
#ifndef INVENTORY_USERS_H
#define INVENTORY_USERS_H

#include "inventory/inventory.h"
#include "inventory/password.h"
#include "store/store.h"

enum {
    USERS_LOCK_FAILURES = 5,
    USERS_LOCK_MS = 15 * 60 * 1000, /* also how far back failures count */
    USERS_PREFERENCES_BYTES = 4096,
    USERS_REFRESH_MS = 7 * 24 * 60 * 60 * 1000, /* life of a refresh token */
};

struct user {
    int64_t id;
    const char *email, *first_name, *last_name;
    enum inv_role role;
    bool active, is_system, must_change_password, has_password;
    const char *provider; /* NULL for a local account */
    int64_t terms_accepted_at, last_login_at, last_upload_at, locked_until; /* 0 = never */
    int64_t created_at, updated_at;
    const char *preferences; /* JSON object; NULL = none chosen */
};

/* ---- accounts (need USERS) ---------------------------------------------------------------- */

struct user_new {
    const char *email, *first_name, *last_name;
    enum inv_role role;
    const char *password;      /* NULL with password_hash */
    const char *password_hash; /* of another program: bcrypt or argon2id; checked, not trusted */
    bool must_change;          /* at the first sign-in */
};
/* INV_VALIDATION: e-mail, names, password rules, a hash of unknown kind; INV_DUPLICATE_CODE: the
 * e-mail is taken. */
DM_MUST_CHECK int user_add(const struct inv_ctx *c, const struct user_new *n, int64_t *ret_id,
                           struct dm_err *e);

/* Change what is given: NULL, role INV_ROLE_MAX_ and active -1 leave things as they are. A change
 * of role or a deactivation ends all refresh tokens. INV_IN_USE: it would leave no active admin;
 * INV_NOT_FOUND, INV_DUPLICATE_CODE, INV_VALIDATION. */
struct user_change {
    const char *email, *first_name, *last_name;
    enum inv_role role;
    int active;
};
DM_MUST_CHECK int user_change(const struct inv_ctx *c, int64_t user_id, const struct user_change *x,
                              struct dm_err *e);

/* Set another person's password, to be changed at the next sign-in unless keep; unlocks and ends
 * all refresh tokens. INV_INVALID_TRANSITION: an external account has none. */
DM_MUST_CHECK int user_reset(const struct inv_ctx *c, int64_t user_id, const char *password,
                             bool keep, struct dm_err *e);

/* Accounts by e-mail, without the system user. active: 1, 0, or -1 for both; role INV_ROLE_MAX_ for
 * all. USERS is needed. */
DM_MUST_CHECK int user_list(const struct inv_ctx *c, int active, enum inv_role role,
                            struct dm_arena *a, const struct user **ret, size_t *ret_n,
                            struct dm_err *e);

/* One account, by id or by e-mail in any case. INV_NOT_FOUND. No permission is asked: callers show
 * people themselves, or check. */
DM_MUST_CHECK int user_get(const struct inv_ctx *c, int64_t user_id, struct dm_arena *a,
                           struct user *ret, struct dm_err *e);
DM_MUST_CHECK int user_find(const struct inv_ctx *c, const char *email, struct dm_arena *a,
                            struct user *ret, struct dm_err *e);

/* The author of rows no person made. */
DM_MUST_CHECK int user_system(struct store_tx *tx, int64_t *ret_id, struct dm_err *e);

enum { USER_IMPORT_ERRORS_MAX = 1000 };
struct user_import_error {
    int64_t line;
    const char *issue;
};
struct user_import_result {
    int64_t made, known, failed;
    struct user_import_error *error; /* [min(failed, USER_IMPORT_ERRORS_MAX)] */
};
/* Accounts from CSV: email, first_name, last_name; role (worker), password or password_hash. Rows
 * at fault are listed, known addresses left alone, the others made. dry_run writes nothing. Codes
 * of base/csv.h; bad rows are no error. */
DM_MUST_CHECK int user_import(const struct inv_ctx *c, const char *text, size_t n, bool dry_run,
                              struct dm_arena *a, struct user_import_result *ret, struct dm_err *e);

/* ---- oneself ------------------------------------------------------------------------------ */

/* Own names and e-mail; own password, which ends all refresh tokens. INV_UNAUTHENTICATED: the
 * current password is wrong. */
DM_MUST_CHECK int user_change_self(const struct inv_ctx *c, const struct user_change *x,
                                   struct dm_err *e);
DM_MUST_CHECK int user_change_password(const struct inv_ctx *c, const char *current,
                                       const char *wanted, struct dm_err *e);
/* What the screens keep for oneself: an object of at most USERS_PREFERENCES_BYTES, merged member by
 * member (null takes one away). INV_VALIDATION: larger. */
DM_MUST_CHECK int user_preferences_set(const struct inv_ctx *c, const json_t *values,
                                       struct dm_err *e);
DM_MUST_CHECK int user_accept_terms(const struct inv_ctx *c, struct dm_err *e);

/* ---- signing in --------------------------------------------------------------------------- */

/* c->user_id is 0. INV_UNAUTHENTICATED: wrong, unknown, inactive or system, without saying which;
 * INV_RATE_LIMITED with field "retry_after_s": locked after five failures in 15 minutes. A right
 * password whose hash is stale is hashed anew. */
DM_MUST_CHECK int user_sign_in(const struct inv_ctx *c, const char *email, const char *password,
                               struct dm_arena *a, struct user *ret, struct dm_err *e);

/* Someone an identity provider vouches for; the row is made at the first sign-in, later the role
 * follows the provider's claim. An account with the same e-mail is linked only when the provider
 * has verified the address. role INV_ROLE_MAX_: no claim (viewer at first, unchanged later).
 * INV_UNAUTHENTICATED: the account is inactive; INV_DUPLICATE_CODE: the e-mail belongs to another
 * account and is not verified. */
struct user_external {
    const char *provider, *subject, *email, *first_name, *last_name;
    bool email_verified;
    enum inv_role role;
};
DM_MUST_CHECK int user_sign_in_external(const struct inv_ctx *c, const struct user_external *x,
                                        struct dm_arena *a, struct user *ret, struct dm_err *e);

/* The account of an identity: 1, or 0 when nobody has signed in with it. */
DM_MUST_CHECK int user_find_external(const struct inv_ctx *c, const char *provider,
                                     const char *subject, struct dm_arena *a, struct user *ret,
                                     struct dm_err *e);

/* ---- refresh tokens ----------------------------------------------------------------------- */

/* The text goes to the client and is not kept, only its digest. */
struct refresh {
    char text[PASSWORD_SECRET_SIZE];
    int64_t id; /* names the session in access tokens */
};

/* A new token of a user. life_ms: 0 for USERS_REFRESH_MS, here and below. */
DM_MUST_CHECK int refresh_issue(const struct inv_ctx *c, int64_t user_id, int64_t life_ms,
                                struct refresh *ret, struct dm_err *e);

/* Exchange a token for the next one. INV_UNAUTHENTICATED with field "reason": unknown, expired,
 * revoked, inactive, or reused: a token that was exchanged already ends all that came from it,
 * because somebody else has a copy. */
DM_MUST_CHECK int refresh_rotate(const struct inv_ctx *c, const char *token, int64_t life_ms,
                                 struct dm_arena *a, struct refresh *ret, struct user *ret_user,
                                 struct dm_err *e);

/* Whether one can still refresh with what came from token id, which is user_id's: false after
 * signing out, a change of role or password, a week without use. */
DM_MUST_CHECK int refresh_alive(const struct inv_ctx *c, int64_t user_id, int64_t id, bool *ret,
                                struct dm_err *e);

/* Signing out by what an access token knows: end what came from token id of the caller. */
DM_MUST_CHECK int refresh_end(const struct inv_ctx *c, int64_t id, struct dm_err *e);

/* End a token and what comes from it (signing out); unknown ones are fine. Purge:
 * forget those that expired before now, how many. */
DM_MUST_CHECK int refresh_revoke(const struct inv_ctx *c, const char *token, struct dm_err *e);
DM_MUST_CHECK int refresh_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e);

extern const struct store_query_table users_queries;
extern const struct store_query_table refresh_queries;
extern const struct store_query_table sign_in_queries;

#endif

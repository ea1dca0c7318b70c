/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets that sign somebody in without a password: API tokens for scripts, and links and tickets
 * that work once. All are 32 random bytes, shown when they are made and kept as SHA-256 digests, so
 * a stolen database opens nothing. A token is looked up at most every few seconds per client
 * (api/principal.c remembers it), a ticket once per event stream. */
#ifndef INVENTORY_TOKENS_H
#define INVENTORY_TOKENS_H

#include "inventory/users.h"

/* ---- API tokens ----------------------------------------------------------------------------- */

#define TOKEN_PREFIX "dmt_" /* so that scanners for leaked secrets know one, and so do we */

enum {
    TOKEN_TEXT_SIZE = sizeof(TOKEN_PREFIX) - 1 + PASSWORD_SECRET_SIZE,
    TOKENS_PER_USER = 50,
    TOKEN_USED_MS = 60 * 1000, /* last use is noted at most this often */
};

/* What a token may do, at most what its owner may. */
enum token_scope {
    TOKEN_READ = 1 << 0,   /* whatever reads */
    TOKEN_PHOTOS = 1 << 1, /* send photos, follow their jobs */
    TOKEN_STOCK = 1 << 2,  /* movements, counts, closings */
    TOKEN_MANAGE = 1 << 3, /* places, catalogue, prices, people, settings */
    TOKEN_ALL = (1 << 4) - 1,
};
extern const char *const token_scope_names[]; /* by bit: "read"...; NULL-ended */

struct token {
    int64_t id, user_id;
    const char *name, *hint; /* hint: the first characters, to recognise it by */
    unsigned scopes;         /* enum token_scope */
    int64_t expires_at, last_used_at, revoked_at, created_at; /* 0 = never, not */
};

/* Make a token of the caller. name 1 to 100 characters, scopes not empty, expires_at 0 or later
 * than now. INV_VALIDATION; INV_IN_USE: TOKENS_PER_USER already work. */
DM_MUST_CHECK int token_issue(const struct inv_ctx *c, const char *name, unsigned scopes,
                              int64_t expires_at, char ret[static TOKEN_TEXT_SIZE], int64_t *ret_id,
                              struct dm_err *e);

/* Tokens of a user, newest first, revoked ones too: one's own, or with USERS anybody's. */
DM_MUST_CHECK int token_list(const struct inv_ctx *c, int64_t user_id, struct dm_arena *a,
                             const struct token **ret, size_t *ret_n, struct dm_err *e);

/* End a token: one's own, or with USERS anybody's. INV_NOT_FOUND. */
DM_MUST_CHECK int token_revoke(const struct inv_ctx *c, int64_t id, struct dm_err *e);

/* Whose token the text is. INV_UNAUTHENTICATED with field "reason": bad_credentials (unknown),
 * revoked, expired, inactive_user. */
DM_MUST_CHECK int token_check(const struct inv_ctx *c, const char *text, struct dm_arena *a,
                              struct token *ret, struct user *ret_user, struct dm_err *e);

/* ---- links and tickets ---------------------------------------------------------------------- */

enum {
    LINK_SETUP_MS = 30 * 60 * 1000,
    LINK_INVITE_MS = 7 * 24 * 60 * 60 * 1000,
    LINK_TICKET_MS = 60 * 1000,
    LINK_PATH_MAX = 512,
};

/* Whether nobody can administer: no active admin besides the system's own account. */
DM_MUST_CHECK int link_setup_needed(const struct inv_ctx *c, bool *ret, struct dm_err *e);

/* Secret of the link that makes the first administrator; earlier ones stop working.
 * INV_INVALID_TRANSITION: there is an administrator. */
DM_MUST_CHECK int link_setup(const struct inv_ctx *c, char ret[static PASSWORD_SECRET_SIZE],
                             struct dm_err *e);

/* Whether the link still works, without using it. INV_UNAUTHENTICATED with reason "expired". */
DM_MUST_CHECK int link_setup_peek(const struct inv_ctx *c, const char *secret, struct dm_err *e);

/* Use it: the first administrator, whose role n need not say. INV_UNAUTHENTICATED: used, older than
 * 30 minutes or never made; INV_INVALID_TRANSITION: there is an administrator by now; codes of
 * user_add. */
DM_MUST_CHECK int link_setup_use(const struct inv_ctx *c, const char *secret,
                                 const struct user_new *n, int64_t *ret_id, struct dm_err *e);

/* Secret of a link by which an account chooses its password; needs USERS. Earlier ones stop
 * working. Codes of user_get; INV_INVALID_TRANSITION: the account signs in elsewhere. */
DM_MUST_CHECK int link_invite(const struct inv_ctx *c, int64_t user_id,
                              char ret[static PASSWORD_SECRET_SIZE], struct dm_err *e);
DM_MUST_CHECK int link_invite_use(const struct inv_ctx *c, const char *secret, const char *password,
                                  int64_t *ret_user_id, struct dm_err *e);

/* A ticket of the caller for one request of one path, for browsers that cannot send headers.
 * INV_UNAUTHENTICATED: used, older than a minute, or made for another path. */
DM_MUST_CHECK int link_ticket(const struct inv_ctx *c, const char *path,
                              char ret[static PASSWORD_SECRET_SIZE], struct dm_err *e);
DM_MUST_CHECK int link_ticket_use(const struct inv_ctx *c, const char *secret, const char *path,
                                  int64_t *ret_user_id, struct dm_err *e);

/* Forget links and tickets whose time is over; how many. */
DM_MUST_CHECK int link_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e);

#endif

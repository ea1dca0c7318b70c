/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is calling. A bearer token is one of three: an access token of our own (HS256), one of the
 * OpenID Connect issuer, or an API token of a script. Whichever it is, what comes out is a user of
 * the books with a role and scopes. Asked for each request; answers are remembered for some
 * seconds, so that a burst costs one look into the database, and a deactivation or a change of
 * role counts within PRINCIPAL_FRESH_MS everywhere (at once in the process that made it).
 *
 * Threads: many. */
#ifndef API_PRINCIPAL_H
#define API_PRINCIPAL_H

#include <jansson.h>

#include "api/oidc.h"
#include "inventory/tokens.h"

enum {
    PRINCIPAL_FRESH_MS = 15 * 1000, /* api.md 2.3 allows 60 s */
    PRINCIPAL_LEEWAY_S = 60,        /* of other machines' clocks; none for our own tokens */
};

#define PRINCIPAL_ISSUER   "demeter-local"
#define PRINCIPAL_AUDIENCE "demeter-api"

enum principal_kind {
    PRINCIPAL_NOBODY,
    PRINCIPAL_LOCAL, /* signed in with e-mail and password */
    PRINCIPAL_OIDC,  /* signed in at the issuer */
    PRINCIPAL_TOKEN, /* a script */
    PRINCIPAL_OPEN,  /* nobody asks who it is: AUTH_REQUIRED=false */
};

struct principal {
    enum principal_kind kind;
    int64_t user_id;
    enum inv_role role; /* INV_ROLE_MAX_: may only look after its own account */
    unsigned scopes;    /* enum token_scope; all but for scripts */
    bool must_change;   /* a temporary password: nothing else works until it is changed */
    int64_t session_id; /* refresh token it came from, 0 for none */
    int64_t issued_s, expires_s;
    char sub[256], email[256];
};

struct sign_in_options {
    const void
        *secret; /* of our own tokens, JWT_SECRET_MIN bytes and more; NULL: no local sign-in */
    size_t n_secret;
    const char *audience; /* of our own tokens; NULL: PRINCIPAL_AUDIENCE */
    int64_t access_s;     /* life of an access token */
    int64_t refresh_s;    /* of a refresh token */
    struct oidc *oidc;    /* borrowed; NULL: no issuer */
    bool open;            /* requests without a token may do everything (development) */
};

/* What signing in needs to know, one for a process. secret is copied. DM_EBADINPUT: a short one. */
struct sign_in;
DM_MUST_CHECK int sign_in_new(const struct sign_in_options *o, struct sign_in **ret,
                              struct dm_err *e);
void sign_in_free(struct sign_in *s); /* accepts NULL; wipes the secret */
DM_DEFINE_CLEANUP(sign_in_freep, struct sign_in *, sign_in_free)

bool sign_in_local(const struct sign_in *s);
struct oidc *sign_in_oidc(const struct sign_in *s); /* NULL without an issuer; s NULL allowed */
int64_t sign_in_access_s(const struct sign_in *s);
int64_t sign_in_refresh_s(const struct sign_in *s);

/* Whose bearer token it is. c is a caller that nobody signed in; its clock counts.
 * INV_UNAUTHENTICATED with a reason of api.md 1.6; DM_EIO: the issuer's keys cannot be had;
 * errors of the store. */
DM_MUST_CHECK int sign_in_check(struct sign_in *s, const struct inv_ctx *c, const char *token,
                                struct principal *ret, struct dm_err *e);

/* Somebody without a token: PRINCIPAL_OPEN when that is allowed, else INV_UNAUTHENTICATED with
 * reason "missing". */
DM_MUST_CHECK int sign_in_nobody(struct sign_in *s, const struct inv_ctx *c, struct principal *ret,
                                 struct dm_err *e);

/* An access token of a user whose session is refresh token session_id, in a. */
DM_MUST_CHECK int sign_in_access(const struct sign_in *s, const struct inv_ctx *c,
                                 const struct user *u, int64_t session_id, struct dm_arena *a,
                                 const char **ret, struct dm_err *e);

/* Forget what is remembered of a user, after a change; 0 forgets everybody. */
void sign_in_forget(struct sign_in *s, int64_t user_id);

/* Signature of a text that we hand out and get back (the address of a file), hexadecimal. Without a
 * secret of local sign-in one of this process counts. */
#define SIGN_IN_MAC_SIZE 65
void sign_in_mac(const struct sign_in *s, const char *text, char ret[static SIGN_IN_MAC_SIZE]);

/* The value a page must send back in X-CSRF-Token with its refresh cookie: made of the secret, so
 * that another site that can set cookies cannot choose both. In a; DM_ENOMEM. */
DM_MUST_CHECK int sign_in_csrf(const struct sign_in *s, const char *refresh, struct dm_arena *a,
                               const char **ret, struct dm_err *e);
bool sign_in_csrf_fits(const struct sign_in *s, const char *refresh, const char *given);

#endif

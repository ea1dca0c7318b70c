/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of an OpenID Connect issuer (Auth0 or any other): its keys are fetched, kept a day, and
 * fetched again when a token names one that is not among them, at most once a minute, so that
 * nobody can make us ask the issuer for each request.
 *
 * Threads: many. Checking takes a read lock; fetching happens outside of it, by one thread, while
 * tokens of known keys are checked on. */
#ifndef API_OIDC_H
#define API_OIDC_H

#include "api/jwt.h"
#include "inventory/inventory.h"

enum {
    OIDC_KEYS_MAX = 64, /* of an issuer; Auth0 has two */
    OIDC_LEEWAY_S = 60,
    OIDC_CACHE_MS = 24 * 60 * 60 * 1000,
    OIDC_REFETCH_MS = 60 * 1000,
    OIDC_FETCH_S = 10,
};

struct oidc_options {
    const char *issuer;   /* exact, as in tokens: "https://tenant.us.auth0.com/" */
    const char *jwks_uri; /* NULL: found through the issuer's discovery document */
    const char *audience;
    unsigned algs;           /* bits 1 << JWT_RS256, 1 << JWT_ES256 */
    const char *roles_claim; /* wins over "roles" */
    int64_t refetch_ms;      /* 0: OIDC_REFETCH_MS */
};

struct oidc;

/* Nothing is fetched yet. DM_EBADINPUT: no https URL (http is for loopback alone), no audience, no
 * algorithm. The strings are copied. */
DM_MUST_CHECK int oidc_new(const struct oidc_options *o, struct oidc **ret, struct dm_err *e);
void oidc_free(struct oidc *o); /* accepts NULL */
DM_DEFINE_CLEANUP(oidc_freep, struct oidc *, oidc_free)

const char *oidc_issuer(const struct oidc *o);
unsigned oidc_algs(const struct oidc *o); /* bits 1 << enum jwt_alg */

/* Where the keys are; fetches the discovery document when it is not known. In a. DM_EIO. */
DM_MUST_CHECK int oidc_jwks_uri(struct oidc *o, struct dm_arena *a, const char **ret,
                                struct dm_err *e);

/* What an accepted token says. Strings are borrowed from the token. */
struct oidc_identity {
    const char *subject, *email;
    const char *first_name, *last_name; /* NULL when it does not say */
    bool email_verified;
    bool has_roles;     /* the token has a claim of roles, maybe of none that we know */
    enum inv_role role; /* the highest of them, INV_ROLE_MAX_ for none */
    int64_t issued_ms, expires_ms;
};

/* Check signature, issuer, audience and times. INV_UNAUTHENTICATED with a reason of jwt.h, or
 * unknown_key, bad_signature; DM_EIO: the keys cannot be had and none are known. */
DM_MUST_CHECK int oidc_check(struct oidc *o, const struct jwt *t, int64_t now_ms,
                             struct oidc_identity *ret, struct dm_err *e);

/* Whether the last fetch went well, or none was needed: for /health/ready. */
bool oidc_healthy(struct oidc *o);

/* How many times the issuer was asked, for tests and metrics. */
uint64_t oidc_fetches(struct oidc *o);

#endif

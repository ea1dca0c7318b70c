/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of an issuer and tokens checked with them. */
#include "api/oidc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/fetch.h"
#include "base/alloc.h"
#include "base/clock.h"

/* Locking: key, n, fetched            - lock
 *          asked, jwks_uri, discovered - fetching (one thread fetches)
 *          healthy, fetches            - _Atomic
 *          the rest                    - set in oidc_new, then read-only */
struct oidc {
    char *issuer, *audience, *roles_claim;
    unsigned algs;
    int64_t refetch_ms;
    pthread_mutex_t fetching;
    char *jwks_uri; /* NULL until it is discovered */
    dm_usec asked;  /* when the issuer was asked last, 0 = never */
    pthread_rwlock_t lock;
    struct jwt_key *key[OIDC_KEYS_MAX];
    size_t n;
    dm_usec fetched; /* when these keys came, 0 = never */
    _Atomic bool healthy;
    _Atomic uint64_t fetches;
};

int oidc_new(const struct oidc_options *o, struct oidc **ret, struct dm_err *e)
{
    const unsigned known = 1U << JWT_RS256 | 1U << JWT_ES256;
    if (!fetch_url_ok(o->issuer) || (o->jwks_uri && !fetch_url_ok(o->jwks_uri))) {
        DM_FAIL(e, DM_EBADINPUT, "the issuer '%.120s' is not an https address", o->issuer);
    }
    if (!o->audience[0]) {
        DM_FAIL(e, DM_EBADINPUT, "an issuer needs an audience: AUTH0_API_AUDIENCE");
    }
    if (!(o->algs & known)) {
        DM_FAIL(e, DM_EBADINPUT, "tokens of an issuer are signed with RS256 or ES256");
    }
    struct oidc *x = dm_calloc(1, sizeof(*x));
    if (!x) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an issuer");
    }
    (void)pthread_mutex_init(&x->fetching, NULL);
    (void)pthread_rwlock_init(&x->lock, NULL);
    x->issuer = dm_strdup(o->issuer);
    x->audience = dm_strdup(o->audience);
    x->roles_claim = dm_strdup(o->roles_claim ? o->roles_claim : "roles");
    x->jwks_uri = o->jwks_uri ? dm_strdup(o->jwks_uri) : NULL;
    x->algs = o->algs & known;
    x->refetch_ms = o->refetch_ms ? o->refetch_ms : OIDC_REFETCH_MS;
    x->healthy = true;
    if (!x->issuer || !x->audience || !x->roles_claim || (o->jwks_uri && !x->jwks_uri)) {
        oidc_free(x);
        DM_FAIL(e, DM_ENOMEM, "no memory for an issuer");
    }
    *ret = x;
    return DM_OK;
}

static void keys_free(struct jwt_key **key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        jwt_key_free(key[i]);
    }
}

void oidc_free(struct oidc *o)
{
    if (!o) {
        return;
    }
    keys_free(o->key, o->n);
    (void)pthread_mutex_destroy(&o->fetching);
    (void)pthread_rwlock_destroy(&o->lock);
    dm_free(o->issuer);
    dm_free(o->audience);
    dm_free(o->roles_claim);
    dm_free(o->jwks_uri);
    dm_free(o);
}

const char *oidc_issuer(const struct oidc *o)
{
    return o->issuer;
}

unsigned oidc_algs(const struct oidc *o)
{
    return o->algs;
}

bool oidc_healthy(struct oidc *o)
{
    return o->healthy;
}

uint64_t oidc_fetches(struct oidc *o)
{
    return o->fetches;
}

/* ---- fetching (o->fetching is held) ---------------------------------------------------------- */

static int ask(struct oidc *o, const char *url, json_t **ret, struct dm_err *e)
{
    atomic_fetch_add(&o->fetches, 1);
    return fetch_json(url, OIDC_FETCH_S, ret, e);
}

/* OpenID Connect Discovery 1.0, section 4: the document must name the issuer it was asked of. */
static int discover(struct oidc *o, struct dm_err *e)
{
    char url[1024];
    const size_t n = strlen(o->issuer);
    json_t *doc = NULL;
    if (o->jwks_uri) {
        return DM_OK;
    }
    (void)snprintf(url, sizeof(url), "%.900s%s.well-known/openid-configuration", o->issuer,
                   o->issuer[n - 1] == '/' ? "" : "/");
    DM_TRY(ask(o, url, &doc, e));
    const char *issuer = json_string_value(json_object_get(doc, "issuer"));
    const char *keys = json_string_value(json_object_get(doc, "jwks_uri"));
    const bool good = issuer && !strcmp(issuer, o->issuer) && keys && fetch_url_ok(keys);
    o->jwks_uri = good ? dm_strdup(keys) : NULL;
    json_decref(doc);
    if (!o->jwks_uri) {
        DM_FAIL(e, DM_EIO, "the discovery document of %.120s is not its own", o->issuer);
    }
    return DM_OK;
}

/* Keys that we can use. A damaged one is left out like one of another kind: the others still work,
 * and its tokens are refused. */
static size_t keys_of(const struct oidc *o, const json_t *doc, struct jwt_key **ret)
{
    const json_t *list = json_object_get(doc, "keys");
    size_t n = 0;
    size_t i;
    const json_t *jwk;
    json_array_foreach(list, i, jwk)
    {
        struct jwt_key *k;
        if (n == OIDC_KEYS_MAX || jwt_key_new(jwk, &k, NULL) < 0) {
            continue;
        }
        if (!(o->algs & 1U << jwt_key_alg(k))) {
            jwt_key_free(k);
            continue;
        }
        ret[n++] = k;
    }
    return n;
}

static int fetch_keys(struct oidc *o, struct dm_err *e)
{
    struct jwt_key *key[OIDC_KEYS_MAX];
    struct jwt_key *old[OIDC_KEYS_MAX];
    json_t *doc = NULL;
    DM_TRY(discover(o, e));
    DM_TRY(ask(o, o->jwks_uri, &doc, e));
    const size_t n = keys_of(o, doc, key);
    json_decref(doc);
    if (!n) {
        DM_FAIL(e, DM_EIO, "%.120s has no key that can be used", o->jwks_uri);
    }
    (void)pthread_rwlock_wrlock(&o->lock);
    const size_t n_old = o->n;
    for (size_t i = 0; i < n_old; i++) {
        old[i] = o->key[i];
    }
    for (size_t i = 0; i < n; i++) {
        o->key[i] = key[i];
    }
    o->n = n;
    o->fetched = dm_now();
    (void)pthread_rwlock_unlock(&o->lock);
    keys_free(old, n_old);
    return DM_OK;
}

int oidc_jwks_uri(struct oidc *o, struct dm_arena *a, const char **ret, struct dm_err *e)
{
    (void)pthread_mutex_lock(&o->fetching);
    const int code = discover(o, e);
    const char *copy = code < 0 ? NULL : dm_arena_strdup(a, o->jwks_uri);
    (void)pthread_mutex_unlock(&o->fetching);
    DM_TRY(code);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    *ret = copy;
    return DM_OK;
}

/* ---- checking -------------------------------------------------------------------------------- */

enum fit { FITS, FORGED, UNKNOWN, STALE };

/* With a kid, the keys of that name; several may have it. A token without one is malformed, as in
 * api.md 2.2. */
static enum fit try_keys(struct oidc *o, const struct jwt *t)
{
    enum fit fit = UNKNOWN;
    (void)pthread_rwlock_rdlock(&o->lock);
    for (size_t i = 0; i < o->n && fit != FITS; i++) {
        if (!strcmp(jwt_key_id(o->key[i]), t->kid)) {
            fit = jwt_fits_key(t, o->key[i]) ? FITS : FORGED;
        }
    }
    if (!o->fetched || dm_now() - o->fetched > (dm_usec)OIDC_CACHE_MS * 1000) {
        fit = fit == FITS ? STALE : UNKNOWN;
    }
    (void)pthread_rwlock_unlock(&o->lock);
    return fit;
}

static bool has_keys(struct oidc *o)
{
    (void)pthread_rwlock_rdlock(&o->lock);
    const bool has = o->n > 0;
    (void)pthread_rwlock_unlock(&o->lock);
    return has;
}

/* Ask the issuer again, unless that was done within the last minute: by then another thread may
 * have had the answer. A failure matters only to those who have no keys at all. */
static int refresh(struct oidc *o, struct dm_err *e)
{
    struct dm_err failure = {0};
    int code = DM_OK;
    (void)pthread_mutex_lock(&o->fetching);
    const bool soon = o->asked && dm_now() - o->asked < o->refetch_ms * 1000;
    if (!soon) {
        code = fetch_keys(o, &failure);
        o->asked = dm_now();
        o->healthy = code >= 0;
    }
    (void)pthread_mutex_unlock(&o->fetching);
    if (has_keys(o)) {
        return DM_OK;
    }
    DM_FAIL(e, DM_EIO, "%s", code < 0 ? dm_err_text(&failure) : "the issuer did not answer");
}

static int check_signature(struct oidc *o, const struct jwt *t, struct dm_err *e)
{
    enum fit fit = try_keys(o, t);
    if (fit == UNKNOWN || fit == STALE) {
        DM_TRY(refresh(o, e));
        /* keys that could not be had anew are used on */
        fit = try_keys(o, t);
    }
    if (fit == FORGED) {
        return jwt_refuse("bad_signature", e);
    }
    return fit == UNKNOWN ? jwt_refuse("unknown_key", e) : DM_OK;
}

static void read_roles(const struct oidc *o, const struct jwt *t, struct oidc_identity *ret)
{
    const json_t *list = json_object_get(t->claims, o->roles_claim);
    list = list ? list : json_object_get(t->claims, "roles");
    size_t i;
    const json_t *name;
    int best = -1;
    json_array_foreach(list, i, name)
    {
        for (int role = 0; json_is_string(name) && role < INV_ROLE_MAX_; role++) {
            if (role > best && !strcmp(json_string_value(name), inv_role_names[role])) {
                best = role;
            }
        }
    }
    ret->has_roles = list != NULL;
    ret->role = best < 0 ? INV_ROLE_MAX_ : (enum inv_role)best;
}

int oidc_check(struct oidc *o, const struct jwt *t, int64_t now_ms, struct oidc_identity *ret,
               struct dm_err *e)
{
    const struct jwt_expect expect = {
        .issuer = o->issuer, .audience = o->audience, .now_ms = now_ms, .leeway_s = OIDC_LEEWAY_S};
    if (!(o->algs & 1U << t->alg)) {
        return jwt_refuse("bad_signature", e);
    }
    struct oidc_identity id = {
        .subject = jwt_text(t, "sub"),
        .email = jwt_text(t, "email"),
        .first_name = jwt_text(t, "given_name"),
        .last_name = jwt_text(t, "family_name"),
        .email_verified = json_is_true(json_object_get(t->claims, "email_verified")),
        .issued_ms = jwt_number(t, "iat") * 1000,
        .expires_ms = jwt_number(t, "exp") * 1000,
    };
    if (!t->kid[0] || !id.subject || !id.subject[0] || !id.email || !id.email[0]) {
        return jwt_refuse("malformed", e);
    }
    DM_TRY(check_signature(o, t, e));
    DM_TRY(jwt_check(t, &expect, e));
    read_roles(o, t, &id);
    *ret = id;
    return DM_OK;
}

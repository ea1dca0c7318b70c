/* SPDX-License-Identifier: Apache-2.0
 *
 * Bearer tokens to principals. */
#include "api/principal.h"

#include <pthread.h>
#include <string.h>

#include <sodium.h>

#include "base/alloc.h"
#include "store/store.h"

enum { SLOTS = 1024 }; /* a power of two; a nursery has some dozens of people */

struct slot {
    unsigned char digest[crypto_hash_sha256_BYTES]; /* of the token */
    int64_t until_ms;                               /* 0 = empty */
    struct principal p;
};

/* Locking: slot - mu; the rest is read-only after sign_in_new. */
struct sign_in {
    unsigned char *secret;
    size_t n_secret;
    unsigned char own[32]; /* signs addresses of files when there is no secret */
    char *audience;
    int64_t access_s, refresh_s;
    struct oidc *oidc;
    bool open;
    pthread_mutex_t mu;
    struct slot *slot; /* [SLOTS], by digest */
};

int sign_in_new(const struct sign_in_options *o, struct sign_in **ret, struct dm_err *e)
{
    if (o->secret && o->n_secret < JWT_SECRET_MIN) {
        DM_FAIL(e, DM_EBADINPUT, "JWT_SECRET has %zu bytes, at least %d are needed", o->n_secret,
                JWT_SECRET_MIN);
    }
    struct sign_in *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for signing in");
    }
    (void)pthread_mutex_init(&s->mu, NULL);
    randombytes_buf(s->own, sizeof(s->own));
    s->slot = dm_calloc(SLOTS, sizeof(*s->slot));
    s->audience = dm_strdup(o->audience ? o->audience : PRINCIPAL_AUDIENCE);
    s->secret = o->secret ? dm_alloc(o->n_secret) : NULL;
    s->access_s = o->access_s;
    s->refresh_s = o->refresh_s;
    s->oidc = o->oidc;
    s->open = o->open;
    if (!s->slot || !s->audience || (o->secret && !s->secret)) {
        sign_in_free(s);
        DM_FAIL(e, DM_ENOMEM, "no memory for signing in");
    }
    if (s->secret) {
        memcpy(s->secret, o->secret, o->n_secret);
        s->n_secret = o->n_secret;
    }
    *ret = s;
    return DM_OK;
}

void sign_in_free(struct sign_in *s)
{
    if (!s) {
        return;
    }
    if (s->secret) {
        sodium_memzero(s->secret, s->n_secret);
    }
    dm_free(s->secret);
    dm_free(s->audience);
    dm_free(s->slot);
    (void)pthread_mutex_destroy(&s->mu);
    dm_free(s);
}

bool sign_in_local(const struct sign_in *s)
{
    return s->secret != NULL;
}

struct oidc *sign_in_oidc(const struct sign_in *s)
{
    return s ? s->oidc : NULL;
}

int64_t sign_in_access_s(const struct sign_in *s)
{
    return s->access_s;
}

int64_t sign_in_refresh_s(const struct sign_in *s)
{
    return s->refresh_s;
}

/* ---- what is remembered ---------------------------------------------------------------------- */

static struct slot *slot_of(struct sign_in *s, const unsigned char *digest)
{
    uint32_t i;
    memcpy(&i, digest, sizeof(i));
    return &s->slot[i & (SLOTS - 1)];
}

static bool recall(struct sign_in *s, const unsigned char *digest, int64_t now_ms,
                   struct principal *ret)
{
    (void)pthread_mutex_lock(&s->mu);
    const struct slot *slot = slot_of(s, digest);
    const bool known =
        slot->until_ms > now_ms && !memcmp(slot->digest, digest, sizeof(slot->digest));
    if (known) {
        *ret = slot->p;
    }
    (void)pthread_mutex_unlock(&s->mu);
    return known;
}

static void remember(struct sign_in *s, const unsigned char *digest, int64_t now_ms,
                     const struct principal *p)
{
    (void)pthread_mutex_lock(&s->mu);
    struct slot *slot = slot_of(s, digest);
    memcpy(slot->digest, digest, sizeof(slot->digest));
    slot->p = *p;
    slot->until_ms = now_ms + PRINCIPAL_FRESH_MS;
    if (p->expires_s && slot->until_ms > p->expires_s * 1000) {
        slot->until_ms = p->expires_s * 1000;
    }
    (void)pthread_mutex_unlock(&s->mu);
}

void sign_in_forget(struct sign_in *s, int64_t user_id)
{
    (void)pthread_mutex_lock(&s->mu);
    for (size_t i = 0; i < SLOTS; i++) {
        if (!user_id || s->slot[i].p.user_id == user_id) {
            s->slot[i].until_ms = 0;
        }
    }
    (void)pthread_mutex_unlock(&s->mu);
}

/* ---- the three kinds ------------------------------------------------------------------------- */

static int fill(struct principal *p, const struct user *u, const char *sub, struct dm_err *e)
{
    if (!u->active || u->is_system) {
        return jwt_refuse("inactive_user", e);
    }
    p->user_id = u->id;
    p->role = u->role;
    p->must_change = u->must_change_password;
    (void)snprintf(p->sub, sizeof(p->sub), "%s", sub);
    (void)snprintf(p->email, sizeof(p->email), "%s", u->email);
    return DM_OK;
}

/* "local|17" */
static int64_t local_id(const char *sub)
{
    char *end = NULL;
    if (!sub || strncmp(sub, "local|", 6) != 0 || sub[6] < '1' || sub[6] > '9') {
        return 0;
    }
    const long long id = strtoll(sub + 6, &end, 10);
    return *end || id <= 0 ? 0 : id;
}

static int check_local(const struct sign_in *s, const struct inv_ctx *c, const struct jwt *t,
                       struct dm_arena *a, struct principal *p, struct dm_err *e)
{
    const struct jwt_expect expect = {
        .issuer = PRINCIPAL_ISSUER, .audience = s->audience, .now_ms = c->now_ms};
    struct user u;
    bool alive;
    if (!s->secret || !jwt_fits_secret(t, s->secret, s->n_secret)) {
        return jwt_refuse("bad_signature", e);
    }
    DM_TRY(jwt_check(t, &expect, e));
    const char *typ = jwt_text(t, "typ");
    const char *sub = jwt_text(t, "sub");
    const int64_t id = local_id(sub);
    p->session_id = jwt_number(t, "fam");
    if (!typ || strcmp(typ, "access") != 0 || !id) {
        return jwt_refuse("malformed", e);
    }
    const int code = user_get(c, id, a, &u, e);
    if (code == INV_NOT_FOUND) {
        return jwt_refuse("inactive_user", e);
    }
    DM_TRY(code);
    p->kind = PRINCIPAL_LOCAL;
    p->issued_s = jwt_number(t, "iat");
    p->expires_s = jwt_number(t, "exp");
    DM_TRY(fill(p, &u, sub, e));
    DM_TRY(refresh_alive(c, id, p->session_id, &alive, e));
    return alive ? DM_OK : jwt_refuse("revoked", e);
}

/* Names of somebody whose token tells none: the address up to the at sign. */
static int sign_in_there(const struct inv_ctx *c, const struct oidc_identity *id,
                         struct dm_arena *a, struct user *ret, struct dm_err *e)
{
    const size_t n = strcspn(id->email, "@");
    const char *local = dm_arena_strndup(a, id->email, n ? n : 1);
    if (!local) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a name");
    }
    const struct user_external x = {
        .provider = "auth0",
        .subject = id->subject,
        .email = id->email,
        .first_name = id->first_name && id->first_name[0] ? id->first_name : local,
        .last_name = id->last_name && id->last_name[0] ? id->last_name : "-",
        .email_verified = id->email_verified,
        .role = id->role,
    };
    return user_sign_in_external(c, &x, a, ret, e);
}

/* The row is written when somebody signed in anew, or came with another role: not for each
 * request. */
static int check_oidc(const struct sign_in *s, const struct inv_ctx *c, const struct jwt *t,
                      struct dm_arena *a, struct principal *p, struct dm_err *e)
{
    struct oidc_identity id;
    struct user u;
    DM_TRY(oidc_check(s->oidc, t, c->now_ms, &id, e));
    const int known = user_find_external(c, "auth0", id.subject, a, &u, e);
    DM_TRY(known);
    const bool moved = known && id.role != INV_ROLE_MAX_ && id.role != u.role;
    if (!known || moved || u.last_login_at < id.issued_ms) {
        const int code = sign_in_there(c, &id, a, &u, e);
        if (code == INV_UNAUTHENTICATED) {
            return jwt_refuse("inactive_user", e);
        }
        DM_TRY(code);
    }
    p->kind = PRINCIPAL_OIDC;
    p->issued_s = id.issued_ms / 1000;
    p->expires_s = id.expires_ms / 1000 + PRINCIPAL_LEEWAY_S;
    DM_TRY(fill(p, &u, id.subject, e));
    /* the last administrator stays one whatever the issuer says (inventory/users_sign_in.c) */
    if (id.has_roles && id.role == INV_ROLE_MAX_) {
        p->role = INV_ROLE_MAX_;
    }
    return DM_OK;
}

static int check_token(const struct inv_ctx *c, const char *text, struct dm_arena *a,
                       struct principal *p, struct dm_err *e)
{
    struct token t;
    struct user u;
    DM_TRY(token_check(c, text, a, &t, &u, e));
    p->kind = PRINCIPAL_TOKEN;
    p->issued_s = t.created_at / 1000;
    p->expires_s = t.expires_at / 1000;
    p->scopes = t.scopes;
    return fill(p, &u, t.name, e);
}

/* The unverified issuer chooses the verifier, and each verifier knows one kind of key: a token can
 * choose neither (api.md 2.1). */
static int check_jwt(const struct sign_in *s, const struct inv_ctx *c, const char *text,
                     struct dm_arena *a, struct principal *p, struct dm_err *e)
{
    DM_CLEANUP(jwt_clear) struct jwt t = {0};
    DM_TRY(jwt_parse(text, strlen(text), &t, e));
    const char *iss = jwt_text(&t, "iss");
    if (iss && !strcmp(iss, PRINCIPAL_ISSUER)) {
        return check_local(s, c, &t, a, p, e);
    }
    if (iss && s->oidc && !strcmp(iss, oidc_issuer(s->oidc))) {
        return check_oidc(s, c, &t, a, p, e);
    }
    return jwt_refuse("wrong_issuer", e);
}

int sign_in_check(struct sign_in *s, const struct inv_ctx *c, const char *token,
                  struct principal *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct principal p = {.scopes = TOKEN_ALL};
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(digest, (const unsigned char *)token, strlen(token));
    if (recall(s, digest, c->now_ms, ret)) {
        return DM_OK;
    }
    const bool script = !strncmp(token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1);
    DM_TRY(script ? check_token(c, token, &a, &p, e) : check_jwt(s, c, token, &a, &p, e));
    remember(s, digest, c->now_ms, &p);
    *ret = p;
    return DM_OK;
}

int sign_in_nobody(struct sign_in *s, const struct inv_ctx *c, struct principal *ret,
                   struct dm_err *e)
{
    struct principal p = {.kind = PRINCIPAL_OPEN, .role = INV_ADMIN, .scopes = TOKEN_ALL};
    if (!s->open) {
        return jwt_refuse("missing", e);
    }
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(user_system(tx, &p.user_id, e));
    *ret = p;
    return DM_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

int sign_in_access(const struct sign_in *s, const struct inv_ctx *c, const struct user *u,
                   int64_t session_id, struct dm_arena *a, const char **ret, struct dm_err *e)
{
    char sub[32];
    char jti[STORE_UUID_SIZE];
    const int64_t now_s = c->now_ms / 1000;
    DM_BUG_UNLESS(s->secret);
    (void)snprintf(sub, sizeof(sub), "local|%lld", (long long)u->id);
    store_uuid_new(jti);
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:I, s:I, s:s, s:s, s:I}", "iss",
                               PRINCIPAL_ISSUER, "aud", s->audience, "sub", sub, "email", u->email,
                               "roles", inv_role_names[u->role], "iat", now_s, "exp",
                               now_s + s->access_s, "jti", jti, "typ", "access", "fam", session_id);
    if (!claims) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a token");
    }
    const int code = jwt_make(claims, s->secret, s->n_secret, a, ret, e);
    json_decref(claims);
    return code;
}

/* ---- pages ----------------------------------------------------------------------------------- */

enum { CSRF_BYTES = crypto_auth_hmacsha256_BYTES, CSRF_SIZE = 44 };

static void csrf_of(const struct sign_in *s, const char *refresh, char ret[static CSRF_SIZE])
{
    static const char purpose[] = "csrf:"; /* no token of ours is signed over this */
    unsigned char mac[CSRF_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, s->secret, s->n_secret);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)purpose, sizeof(purpose) - 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)refresh, strlen(refresh));
    (void)crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    (void)sodium_bin2base64(ret, CSRF_SIZE, mac, sizeof(mac),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int sign_in_csrf(const struct sign_in *s, const char *refresh, struct dm_arena *a, const char **ret,
                 struct dm_err *e)
{
    char text[CSRF_SIZE];
    DM_BUG_UNLESS(s->secret);
    csrf_of(s, refresh, text);
    *ret = dm_arena_strdup(a, text);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a token");
    }
    return DM_OK;
}

bool sign_in_csrf_fits(const struct sign_in *s, const char *refresh, const char *given)
{
    char text[CSRF_SIZE];
    if (!s->secret || !given || strlen(given) != CSRF_SIZE - 1) {
        return false;
    }
    csrf_of(s, refresh, text);
    return sodium_memcmp(text, given, CSRF_SIZE - 1) == 0;
}

void sign_in_mac(const struct sign_in *s, const char *text, char ret[static SIGN_IN_MAC_SIZE])
{
    static const char purpose[] = "file:"; /* no token of ours is signed over this */
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, s->secret ? s->secret : s->own,
                                s->secret ? s->n_secret : sizeof(s->own));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)purpose, sizeof(purpose) - 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    (void)crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    (void)sodium_bin2hex(ret, SIGN_IN_MAC_SIZE, mac, sizeof(mac));
}

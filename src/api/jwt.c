/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens taken apart and put together. No cryptography is written here. */
#include "api/jwt.h"

#include <string.h>

#include <sodium.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "inventory/inventory.h"

const char *const jwt_alg_names[] = {"HS256", "RS256", "ES256", NULL};

int jwt_refuse(const char *reason, struct dm_err *e)
{
    DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", reason)),
              "the token is not accepted: %s", reason);
}

/* ---- taking apart --------------------------------------------------------------------------- */

/* Looked at first, because libsodium 1.0.18 takes some bytes above 127 for '-' or '_'. */
static bool is_base64url(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return true;
}

/* A part as bytes: 0 and their number, or -1. Without padding, without other characters, without
 * bits that would be ignored: one token has one spelling. */
static int part_bytes(const char *from, size_t n, unsigned char *ret, size_t room, size_t *ret_n)
{
    const char *end;
    if (!is_base64url(from, n) ||
        sodium_base642bin(ret, room, from, n, NULL, ret_n, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        end != from + n) {
        return -1;
    }
    return 0;
}

/* A part as an object. NULL when it is none. */
static json_t *part_object(const char *from, size_t n)
{
    unsigned char bytes[JWT_TEXT_MAX];
    size_t length;
    if (part_bytes(from, n, bytes, sizeof(bytes), &length)) {
        return NULL;
    }
    json_t *o = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static enum jwt_alg alg_of(const json_t *header)
{
    const char *name = json_string_value(json_object_get(header, "alg"));
    int i = 0;
    while (name && i < JWT_ALG_MAX_ && strcmp(name, jwt_alg_names[i]) != 0) {
        i++;
    }
    return name ? (enum jwt_alg)i : JWT_ALG_MAX_;
}

static bool take_apart(const char *text, size_t n, struct jwt *t)
{
    const char *end = text + n;
    const char *dot = memchr(text, '.', n);
    const char *second = dot ? memchr(dot + 1, '.', (size_t)(end - dot - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1))) {
        return false;
    }
    t->text = text;
    t->n_signed = (size_t)(second - text);
    t->header = part_object(text, (size_t)(dot - text));
    t->claims = part_object(dot + 1, (size_t)(second - dot - 1));
    if (!t->header || !t->claims ||
        part_bytes(second + 1, (size_t)(end - second - 1), t->signature, sizeof(t->signature),
                   &t->n_signature)) {
        return false;
    }
    const json_t *kid = json_object_get(t->header, "kid");
    t->alg = alg_of(t->header);
    t->kid = kid ? json_string_value(kid) : "";
    /* an extension that must be understood: we know none (RFC 7515 section 4.1.11) */
    return t->alg != JWT_ALG_MAX_ && t->kid && !json_object_get(t->header, "crit");
}

int jwt_parse(const char *text, size_t n, struct jwt *ret, struct dm_err *e)
{
    struct jwt t = {0};
    if (n > JWT_TEXT_MAX || !take_apart(text, n, &t)) {
        jwt_clear(&t);
        return jwt_refuse("malformed", e);
    }
    *ret = t;
    return DM_OK;
}

void jwt_clear(struct jwt *t)
{
    json_decref(t->header);
    json_decref(t->claims);
    *t = (struct jwt){0};
}

/* ---- our own tokens -------------------------------------------------------------------------- */

static int sign(const char *text, size_t n, const void *secret, size_t n_secret,
                unsigned char ret[static crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret, n_secret);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, n);
    const int code = crypto_auth_hmacsha256_final(&state, ret);
    sodium_memzero(&state, sizeof(state));
    return code;
}

static void put_base64(struct dm_buf *out, const void *bytes, size_t n)
{
    const size_t room = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *to = dm_buf_reserve(out, room);
    if (to) {
        (void)sodium_bin2base64(to, room, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        dm_buf_added(out, room - 1);
    }
}

int jwt_make(const json_t *claims, const void *secret, size_t n_secret, struct dm_arena *a,
             const char **ret, struct dm_err *e)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(JWT_TEXT_MAX);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char *body = json_dumps(claims, JSON_COMPACT | JSON_SORT_KEYS);
    if (!body) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a token");
    }
    put_base64(&out, header, sizeof(header) - 1);
    dm_buf_putc(&out, '.');
    put_base64(&out, body, strlen(body));
    free(body);
    DM_TRY(dm_buf_ok(&out, e));
    DM_BUG_UNLESS(sign(out.data, out.len, secret, n_secret, mac) == 0);
    dm_buf_putc(&out, '.');
    put_base64(&out, mac, sizeof(mac));
    DM_TRY(dm_buf_ok(&out, e));
    *ret = dm_arena_strdup(a, dm_buf_str(&out));
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a token");
    }
    return DM_OK;
}

bool jwt_fits_secret(const struct jwt *t, const void *secret, size_t n_secret)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    return t->alg == JWT_HS256 && t->n_signature == sizeof(mac) &&
           sign(t->text, t->n_signed, secret, n_secret, mac) == 0 &&
           sodium_memcmp(mac, t->signature, sizeof(mac)) == 0;
}

/* ---- claims ---------------------------------------------------------------------------------- */

const char *jwt_text(const struct jwt *t, const char *name)
{
    return json_string_value(json_object_get(t->claims, name));
}

int64_t jwt_number(const struct jwt *t, const char *name)
{
    const json_t *v = json_object_get(t->claims, name);
    if (json_is_real(v)) { /* NumericDate may have a fraction */
        const double x = json_real_value(v);
        return x > 0 && x < 1e15 ? (int64_t)x : 0;
    }
    return DM_CLAMP(json_integer_value(v), 0, INT64_C(1000000000000000));
}

static bool has_audience(const json_t *aud, const char *wanted)
{
    size_t i;
    const json_t *one;
    if (json_is_string(aud)) {
        return !strcmp(json_string_value(aud), wanted);
    }
    json_array_foreach(aud, i, one)
    {
        if (json_is_string(one) && !strcmp(json_string_value(one), wanted)) {
            return true;
        }
    }
    return false;
}

int jwt_check(const struct jwt *t, const struct jwt_expect *x, struct dm_err *e)
{
    const int64_t now_s = x->now_ms / 1000;
    const char *iss = jwt_text(t, "iss");
    const int64_t iat = jwt_number(t, "iat");
    const int64_t exp = jwt_number(t, "exp");
    const json_t *nbf = json_object_get(t->claims, "nbf");
    if (!iss || strcmp(iss, x->issuer) != 0) {
        return jwt_refuse("wrong_issuer", e);
    }
    if (!has_audience(json_object_get(t->claims, "aud"), x->audience)) {
        return jwt_refuse("wrong_audience", e);
    }
    if (iat <= 0 || exp <= 0 || (nbf && !json_is_number(nbf))) {
        return jwt_refuse("malformed", e);
    }
    if (exp + x->leeway_s <= now_s || iat - x->leeway_s > now_s ||
        jwt_number(t, "nbf") - x->leeway_s > now_s) {
        return jwt_refuse("expired", e);
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys of identity providers, by OpenSSL. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include "api/jwt.h"
#include "base/alloc.h"

enum {
    NUMBER_MAX = JWT_SIGNATURE_MAX, /* bytes of a modulus */
    EXPONENT_MAX = 8,               /* usually 65537; a huge one makes checking slow */
    P256_BYTES = 32,
    DER_MAX = 80, /* ECDSA signature over P-256: at most 72 */
};

struct jwt_key {
    EVP_PKEY *pkey;
    enum jwt_alg alg;
    char *id;
};

void jwt_key_free(struct jwt_key *k)
{
    if (k) {
        EVP_PKEY_free(k->pkey);
        dm_free(k->id);
        dm_free(k);
    }
}

enum jwt_alg jwt_key_alg(const struct jwt_key *k)
{
    return k->alg;
}

const char *jwt_key_id(const struct jwt_key *k)
{
    return k->id;
}

/* ---- JWK to key ------------------------------------------------------------------------------ */

static size_t member_bytes(const json_t *jwk, const char *name, unsigned char *ret, size_t room)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    const char *end;
    size_t n;
    if (!text ||
        sodium_base642bin(ret, room, text, strlen(text), NULL, &n, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        *end) {
        return 0;
    }
    return n;
}

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
    unsigned char n[NUMBER_MAX];
    unsigned char exponent[EXPONENT_MAX];
    const size_t n_n = member_bytes(jwk, "n", n, sizeof(n));
    const size_t n_e = member_bytes(jwk, "e", exponent, sizeof(exponent));
    BIGNUM *bn = n_n ? BN_bin2bn(n, (int)n_n, NULL) : NULL;
    BIGNUM *be = n_e ? BN_bin2bn(exponent, (int)n_e, NULL) : NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    if (bn && be && bld && BN_num_bits(bn) >= JWT_RSA_BITS_MIN && BN_is_odd(bn) && BN_is_odd(be) &&
        !BN_is_one(be) && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be)) {
        params = OSSL_PARAM_BLD_to_param(bld);
        key = key_of_params("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    BN_free(be);
    return key;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *ec_key(const json_t *jwk)
{
    unsigned char point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    char group[] = "P-256";
    if (member_bytes(jwk, "x", point + 1, P256_BYTES) != P256_BYTES ||
        member_bytes(jwk, "y", point + 1 + P256_BYTES, P256_BYTES) != P256_BYTES) {
        return NULL;
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    return key_of_params("EC", params);
}

static bool member_is(const json_t *jwk, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    return text && !strcmp(text, wanted);
}

/* JWT_ALG_MAX_ for a key of another kind or use. */
static enum jwt_alg alg_of(const json_t *jwk)
{
    enum jwt_alg alg = JWT_ALG_MAX_;
    if (member_is(jwk, "kty", "RSA")) {
        alg = JWT_RS256;
    } else if (member_is(jwk, "kty", "EC") && member_is(jwk, "crv", "P-256")) {
        alg = JWT_ES256;
    }
    const bool use = !json_object_get(jwk, "use") || member_is(jwk, "use", "sig");
    const bool named = alg != JWT_ALG_MAX_ &&
                       (!json_object_get(jwk, "alg") || member_is(jwk, "alg", jwt_alg_names[alg]));
    return use && named ? alg : JWT_ALG_MAX_;
}

int jwt_key_new(const json_t *jwk, struct jwt_key **ret, struct dm_err *e)
{
    const enum jwt_alg alg = alg_of(jwk);
    const char *id = json_string_value(json_object_get(jwk, "kid"));
    if (alg == JWT_ALG_MAX_) {
        DM_FAIL(e, DM_EUNSUPPORTED, "a key of another kind or use");
    }
    DM_CLEANUP(jwt_key_freep) struct jwt_key *k = dm_calloc(1, sizeof(*k));
    if (!k || !(k->id = dm_strdup(id ? id : ""))) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a key");
    }
    k->alg = alg;
    k->pkey = alg == JWT_RS256 ? rsa_key(jwk) : ec_key(jwk);
    if (!k->pkey) {
        DM_FAIL(e, DM_EBADINPUT, "the key '%.40s' is damaged or too short", k->id);
    }
    *ret = DM_STEAL(k);
    return DM_OK;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* Tokens hold r and s side by side (RFC 7518 section 3.4), OpenSSL reads them as ASN.1. Bytes
 * written to ret, 0 when it is no such signature. */
static size_t ecdsa_der(const struct jwt *t, unsigned char ret[static DER_MAX])
{
    if (t->n_signature != 2 * (size_t)P256_BYTES) {
        return 0;
    }
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(t->signature, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(t->signature + P256_BYTES, P256_BYTES, NULL);
    unsigned char *to = ret;
    int n = 0;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* owned by sig */
        n = i2d_ECDSA_SIG(sig, NULL) <= DER_MAX ? i2d_ECDSA_SIG(sig, &to) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

bool jwt_fits_key(const struct jwt *t, const struct jwt_key *k)
{
    unsigned char der[DER_MAX];
    const unsigned char *signature = t->signature;
    size_t n = t->n_signature;
    if (t->alg != k->alg) {
        return false;
    }
    if (k->alg == JWT_ES256) {
        n = ecdsa_der(t, der);
        signature = der;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool fits =
        ctx && n && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
        EVP_DigestVerify(ctx, signature, n, (const unsigned char *)t->text, t->n_signed) == 1;
    EVP_MD_CTX_free(ctx);
    return fits;
}

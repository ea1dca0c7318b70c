/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Tokens in compact form (RFC 7519, RFC 7515): taken apart here, signed and checked by
 * libsodium (HS256) and OpenSSL (RS256, ES256); why no JOSE library:
 * docs/decisions/014. One is read for each request whose token is not remembered, some
 * 30 us for RS256. The signer never chooses how it is checked: each caller says what kind of key it
 * has, and a token of another algorithm is refused before any key is touched.
 *
 * Refusals are INV_UNAUTHENTICATED with field "reason" of api.md 1.6. */
#ifndef API_JWT_H
#define API_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    JWT_TEXT_MAX = 8192,      /* with a few dozen claims 2 KiB; the header limit is 32 KiB */
    JWT_SIGNATURE_MAX = 1024, /* RSA of 8192 bits */
    JWT_SECRET_MIN = 32,      /* bytes: RFC 7518 section 3.2 */
    JWT_RSA_BITS_MIN = 2048,  /* section 3.3 */
};

enum jwt_alg { JWT_HS256, JWT_RS256, JWT_ES256, JWT_ALG_MAX_ };
extern const char *const jwt_alg_names[]; /* NULL-ended */

/* A token taken apart, not yet believed. */
struct jwt {
    enum jwt_alg alg;
    const char *kid;         /* borrowed from header; "" when it has none */
    json_t *header, *claims; /* objects */
    const char *text;        /* borrowed from the caller */
    size_t n_signed;         /* bytes of text the signature is over */
    unsigned char signature[JWT_SIGNATURE_MAX];
    size_t n_signature;
};

/* Take a token apart; text is borrowed as long as ret is used. Reason "malformed": not three parts
 * of base64url, not JSON objects, members twice, an algorithm that is none or unknown, a "crit"
 * header. Fuzzed: tests/fuzz/api/fuzz_jwt.c. */
DM_MUST_CHECK int jwt_parse(const char *text, size_t n, struct jwt *ret, struct dm_err *e);
void jwt_clear(struct jwt *t); /* accepts a zeroed one */

/* ---- signatures ------------------------------------------------------------------------------ */

/* Claims as a token of HS256, in a. DM_ENOMEM; DM_ELIMIT: longer than JWT_TEXT_MAX. */
DM_MUST_CHECK int jwt_make(const json_t *claims, const void *secret, size_t n_secret,
                           struct dm_arena *a, const char **ret, struct dm_err *e);

/* Whether a token is HS256 and signed with the secret. Constant time. */
bool jwt_fits_secret(const struct jwt *t, const void *secret, size_t n_secret);

/* A public key. */
struct jwt_key;

/* From a JSON Web Key (RFC 7517): RSA of at least 2048 bits for RS256, EC P-256 for ES256, "use"
 * absent or "sig", "alg" absent or that one. DM_EUNSUPPORTED: another kind, which a set may hold
 * for others; DM_EBADINPUT: a damaged or weak one. */
DM_MUST_CHECK int jwt_key_new(const json_t *jwk, struct jwt_key **ret, struct dm_err *e);
void jwt_key_free(struct jwt_key *k); /* accepts NULL */
DM_DEFINE_CLEANUP(jwt_key_freep, struct jwt_key *, jwt_key_free)

enum jwt_alg jwt_key_alg(const struct jwt_key *k);
const char *jwt_key_id(const struct jwt_key *k); /* "" when it has none */

/* Whether a token has the key's algorithm and is signed with it. Threads: any. */
bool jwt_fits_key(const struct jwt *t, const struct jwt_key *k);

/* ---- claims ---------------------------------------------------------------------------------- */

struct jwt_expect {
    const char *issuer, *audience; /* exact */
    int64_t now_ms;
    int leeway_s; /* for exp, nbf and iat */
};

/* iss, aud (a text or a list that has it), exp, iat and nbf. Reasons wrong_issuer, wrong_audience,
 * expired (also: not valid yet), malformed (iat or exp missing or no number). */
DM_MUST_CHECK int jwt_check(const struct jwt *t, const struct jwt_expect *x, struct dm_err *e);

/* Text claim; NULL when it is missing or no text. Number claim; 0 likewise. */
const char *jwt_text(const struct jwt *t, const char *name);
int64_t jwt_number(const struct jwt *t, const char *name);

/* INV_UNAUTHENTICATED with the reason. */
DM_MUST_CHECK int jwt_refuse(const char *reason, struct dm_err *e);

#endif

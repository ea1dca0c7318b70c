/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens and keys from strangers: first line a token, the rest a JSON Web Key. What is accepted has
 * one spelling, cannot have been signed with a secret that nobody was told, and its claims survive
 * being put into a token of ours. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/jwt.h"
#include "inventory/inventory.h"

static const char secret[] = "nobody was told this secret, so nothing fits";

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A part decoded and encoded again is what it was. */
static void one_spelling(const struct jwt *t, size_t n)
{
    static char text[2 * JWT_SIGNATURE_MAX];
    const size_t left = n - t->n_signed - 1;
    must(sodium_base64_ENCODED_LEN(t->n_signature, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
         left + 1);
    (void)sodium_bin2base64(text, sizeof(text), t->signature, t->n_signature,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    must(memcmp(text, t->text + t->n_signed + 1, left) == 0);
}

static void put_again(const struct jwt *t)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    const char *text = NULL;
    struct jwt again = {0};
    if (jwt_make(t->claims, secret, sizeof(secret) - 1, &a, &text, &e) >= 0) {
        must(jwt_parse(text, strlen(text), &again, &e) >= 0);
        must(again.alg == JWT_HS256 && json_equal(again.claims, t->claims));
        must(jwt_fits_secret(&again, secret, sizeof(secret) - 1));
        jwt_clear(&again);
    } else {
        must(e.code == DM_ELIMIT);
    }
    dm_arena_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct jwt_expect expect = {.issuer = "i", .audience = "a", .now_ms = 1, .leeway_s = 60};
    const char *text = (const char *)bytes;
    const char *end = n ? memchr(text, '\n', n) : NULL;
    const size_t n_token = end ? (size_t)(end - text) : n;
    struct jwt t = {0};
    struct jwt_key *k = NULL;
    struct dm_err e = {0};
    inv_setup();
    must(sodium_init() >= 0);
    const bool parsed = jwt_parse(text, n_token, &t, &e) >= 0;
    must(parsed || (e.code == INV_UNAUTHENTICATED && !t.header && !t.claims));
    json_t *jwk = end ? json_loadb(end + 1, n - n_token - 1, 0, NULL) : NULL;
    const bool keyed = jwk && jwt_key_new(jwk, &k, NULL) >= 0;
    if (parsed) {
        must(n_token <= JWT_TEXT_MAX && t.alg < JWT_ALG_MAX_);
        must(!jwt_fits_secret(&t, secret, sizeof(secret) - 1));
        one_spelling(&t, n_token);
        put_again(&t);
        (void)!jwt_check(&t, &expect, NULL);
    }
    if (parsed && keyed) {
        must(!jwt_fits_key(&t, k) || jwt_key_alg(k) == t.alg);
    }
    jwt_clear(&t);
    jwt_key_free(k);
    json_decref(jwk);
    return 0;
}

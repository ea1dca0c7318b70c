/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: the examples of RFC 7515 as oracle, and every way of being wrong. */
#include "support/testing.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "api/jwt.h"
#include "inventory/inventory.h"

#define PAYLOAD                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"   \
    "VlfQ"

/* Appendix A.1 to A.3 */
static const char hs256[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD
                            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char hs256_key[] =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
static const char rs256[] =
    "eyJhbGciOiJSUzI1NiJ9." PAYLOAD
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1"
    "L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYE"
    "UipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rs256_key[] =
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
    "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0L"
    "OL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh"
    "9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
    "\"e\":\"AQAB\"}";
static const char es256[] =
    "eyJhbGciOiJFUzI1NiJ9." PAYLOAD
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char es256_key[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

static struct jwt parse(const char *text)
{
    struct dm_err e = {0};
    struct jwt t;
    assert_ok(jwt_parse(text, strlen(text), &t, &e), &e);
    return t;
}

static struct jwt_key *key(const char *json)
{
    struct dm_err e = {0};
    struct jwt_key *k = NULL;
    json_t *jwk = json_loads(json, 0, NULL);
    assert_non_null(jwk);
    assert_ok(jwt_key_new(jwk, &k, &e), &e);
    json_decref(jwk);
    return k;
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    unsigned char secret[80];
    size_t n;
    assert_int_equal(sodium_base642bin(secret, sizeof(secret), hs256_key, strlen(hs256_key), NULL,
                                       &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    struct jwt h = parse(hs256);
    struct jwt r = parse(rs256);
    struct jwt s = parse(es256);
    struct jwt_key *rsa = key(rs256_key);
    struct jwt_key *ec = key(es256_key);
    assert_string_equal(jwt_text(&h, "iss"), "joe");
    assert_int_equal(jwt_number(&h, "exp"), 1300819380);
    assert_true(jwt_fits_secret(&h, secret, n));
    assert_true(jwt_fits_key(&r, rsa));
    assert_true(jwt_fits_key(&s, ec));
    /* no key fits a token of another kind */
    assert_false(jwt_fits_key(&h, rsa) || jwt_fits_key(&h, ec) || jwt_fits_key(&r, ec) ||
                 jwt_fits_key(&s, rsa) || jwt_fits_secret(&r, secret, n) ||
                 jwt_fits_secret(&s, secret, n));
    /* every bit of a signature counts */
    for (size_t i = 0; i < 64; i++) {
        struct jwt *all[] = {&h, &r, &s};
        for (size_t k = 0; k < DM_COUNT(all); k++) {
            struct jwt *t = all[k];
            t->signature[i % t->n_signature] ^= (unsigned char)(1U << i % 8);
            assert_false(jwt_fits_secret(t, secret, n) || jwt_fits_key(t, rsa) ||
                         jwt_fits_key(t, ec));
            t->signature[i % t->n_signature] ^= (unsigned char)(1U << i % 8);
        }
    }
    assert_true(jwt_fits_secret(&h, secret, n) && jwt_fits_key(&r, rsa) && jwt_fits_key(&s, ec));
    jwt_clear(&h);
    jwt_clear(&r);
    jwt_clear(&s);
    jwt_key_free(rsa);
    jwt_key_free(ec);
}

/* header.payload.signature from JSON, the signature as it is given. */
static void build(char *to, size_t room, const char *header, const char *claims, const char *sig)
{
    char a[512];
    char b[2048];
    (void)sodium_bin2base64(a, sizeof(a), (const unsigned char *)header, strlen(header),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)sodium_bin2base64(b, sizeof(b), (const unsigned char *)claims, strlen(claims),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)snprintf(to, room, "%s.%s.%s", a, b, sig);
}

static void damaged_tokens_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *claims, *signature;
    } bad[] = {
        {"{\"alg\":\"none\"}", "{}", ""},
        {"{\"alg\":\"None\"}", "{}", "AA"},
        {"{\"alg\":\"hs256\"}", "{}", "AA"},
        {"{\"alg\":\"HS512\"}", "{}", "AA"},
        {"{\"alg\":\"PS256\"}", "{}", "AA"},
        {"{\"alg\":[\"HS256\"]}", "{}", "AA"},
        {"{}", "{}", "AA"},
        {"[]", "{}", "AA"},
        {"{\"alg\":\"HS256\"}", "[]", "AA"},
        {"{\"alg\":\"HS256\"}", "7", "AA"},
        {"{\"alg\":\"HS256\"}", "{\"a\":1,\"a\":2}", "AA"},
        {"{\"alg\":\"HS256\",\"alg\":\"RS256\"}", "{}", "AA"},
        {"{\"alg\":\"HS256\",\"kid\":7}", "{}", "AA"},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{}", "AA"},
        {"{\"alg\":\"HS256\"}", "{}", "AA=="},
        {"{\"alg\":\"HS256\"}", "{}", "AB"}, /* bits that nobody reads */
        {"{\"alg\":\"HS256\"}", "{}", "A A"},
        {"{\"alg\":\"HS256\"}", "{}", "AA."},
        {"{\"alg\":\"HS256\"}", "{}", "+/"},
        {"{\"alg\":\"HS256\"}", "{}", "n\357Fd"}, /* libsodium reads n-Fd */
        {"{\"alg\":\"HS256\"}", "{\"sub\":\"\xff\"}", "AA"},
    };
    static const char *const texts[] = {"",      ".",    "..",       "a",       "a.b",
                                        "a.b.c", "....", "e30.e30.", "Bearer x"};
    char text[4096];
    struct jwt t;
    struct dm_err e;
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        e = (struct dm_err){0};
        build(text, sizeof(text), bad[i].header, bad[i].claims, bad[i].signature);
        assert_int_equal(jwt_parse(text, strlen(text), &t, &e), INV_UNAUTHENTICATED);
        assert_string_equal(e.field[0].s, "malformed");
    }
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        assert_int_equal(jwt_parse(texts[i], strlen(texts[i]), &t, NULL), INV_UNAUTHENTICATED);
    }
    build(text, sizeof(text), "{\"alg\":\"HS256\"}", "{}", "AA");
    assert_ok(jwt_parse(text, strlen(text), &t, &e), &e); /* the frame of the bad ones is good */
    jwt_clear(&t);
    static char huge[JWT_TEXT_MAX + 2];
    memset(huge, 'A', JWT_TEXT_MAX + 1);
    assert_int_equal(jwt_parse(huge, JWT_TEXT_MAX + 1, &t, NULL), INV_UNAUTHENTICATED);
}

static void weak_or_strange_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int code;
    } bad[] = {
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", DM_EUNSUPPORTED},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}", DM_EUNSUPPORTED},
        {"{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", DM_EUNSUPPORTED},
        {"{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", DM_EUNSUPPORTED},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", DM_EBADINPUT},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", DM_EBADINPUT},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}", /* not on the curve */
         DM_EBADINPUT},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}", DM_EBADINPUT},
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct jwt_key *k = NULL;
        json_t *jwk = json_loads(bad[i].json, 0, NULL);
        assert_int_equal(jwt_key_new(jwk, &k, NULL), bad[i].code);
        json_decref(jwk);
    }
}

/* The classic: the public key, which everybody has, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct jwt_key *rsa = key(rs256_key);
    json_t *claims = json_pack("{s:s}", "iss", "joe");
    const char *text;
    assert_ok(jwt_make(claims, rs256_key, strlen(rs256_key), &a, &text, &e), &e);
    struct jwt t = parse(text);
    assert_true(jwt_fits_secret(&t, rs256_key, strlen(rs256_key))); /* well made */
    assert_false(jwt_fits_key(&t, rsa));
    jwt_clear(&t);
    json_decref(claims);
    jwt_key_free(rsa);
}

static void claims_are_checked(void **state)
{
    (void)state;
    static const struct jwt_expect x = {
        .issuer = "iss", .audience = "aud", .now_ms = 1000000, .leeway_s = 60};
    static const struct {
        const char *claims, *reason;
    } cases[] = {
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":1100}", NULL},
        {"{\"iss\":\"iss\",\"aud\":[\"x\",\"aud\"],\"iat\":900,\"exp\":1100}", NULL},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900.5,\"exp\":1100.5}", NULL},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":1060,\"exp\":1100,\"nbf\":1060}", NULL},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":941}", NULL},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":940}", "expired"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":1061,\"exp\":1100}", "expired"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":1100,\"nbf\":1061}", "expired"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":1100,\"nbf\":\"x\"}", "malformed"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":1100}", "malformed"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900}", "malformed"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":\"1100\"}", "malformed"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":-1}", "malformed"},
        {"{\"iss\":\"iss/\",\"aud\":\"aud\",\"iat\":900,\"exp\":1100}", "wrong_issuer"},
        {"{\"aud\":\"aud\",\"iat\":900,\"exp\":1100}", "wrong_issuer"},
        {"{\"iss\":[\"iss\"],\"aud\":\"aud\",\"iat\":900,\"exp\":1100}", "wrong_issuer"},
        {"{\"iss\":\"iss\",\"aud\":\"audx\",\"iat\":900,\"exp\":1100}", "wrong_audience"},
        {"{\"iss\":\"iss\",\"aud\":[],\"iat\":900,\"exp\":1100}", "wrong_audience"},
        {"{\"iss\":\"iss\",\"aud\":[[\"aud\"]],\"iat\":900,\"exp\":1100}", "wrong_audience"},
        {"{\"iss\":\"iss\",\"iat\":900,\"exp\":1100}", "wrong_audience"},
        {"{\"iss\":\"iss\",\"aud\":\"aud\",\"iat\":900,\"exp\":9223372036854775807}", NULL},
    };
    char text[4096];
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        build(text, sizeof(text), "{\"alg\":\"HS256\"}", cases[i].claims, "AA");
        struct jwt t = parse(text);
        const int code = jwt_check(&t, &x, &e);
        if (cases[i].reason) {
            assert_int_equal(code, INV_UNAUTHENTICATED);
            assert_string_equal(e.field[0].s, cases[i].reason);
        } else {
            assert_ok(code, &e);
        }
        jwt_clear(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(damaged_tokens_are_refused),
        cmocka_unit_test(weak_or_strange_keys_are_refused),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(claims_are_checked),
    };
    inv_setup();
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Password rules, hashes of ours and of other programs. */
#include "support/testing.h"

#include <string.h>

#include "inventory/inventory.h"
#include "inventory/password.h"

static void rules(void **state)
{
    (void)state;
    static const struct {
        const char *password, *word; /* of the refusal; NULL when it is fine */
    } rows[] = {
        {"Abcdefgh12-x", NULL},
        {"Abcdefg12-x", "12 to 72"}, /* 11 bytes */
        {"Añcdefgh12x", "special"},  /* 12 bytes, 11 characters */
        {"Añcdefg-12x", NULL},
        {"abcdefgh12-x", "upper"},
        {"ABCDEFGH12-X", "lower"},
        {"Abcdefghij-x", "digit"},
        {"Abcdefgh12xx", "special"},
        {"Abcdefgh 12x", NULL}, /* a blank is special */
        {"Abcdefgh12-\t", "control"},
        {"Aa1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
        {"Aa1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "12 to 72"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        const int code = password_check(rows[i].password, &e);
        assert_int_equal(code, rows[i].word ? INV_VALIDATION : DM_OK);
        if (rows[i].word && !strstr(e.text, rows[i].word)) {
            fail_msg("%s: %s", rows[i].password, e.text);
        }
    }
}

static void hashes_of_ours(void **state)
{
    (void)state;
    struct dm_err e = {0};
    char one[PASSWORD_HASH_SIZE];
    char two[PASSWORD_HASH_SIZE];
    bool stale = true;
    assert_ok(password_hash("Cactus-2026-ok", one, &e), &e);
    assert_ok(password_hash("Cactus-2026-ok", two, &e), &e);
    assert_string_not_equal(one, two); /* salted */
    assert_memory_equal(one, "$argon2id$", 10);
    assert_true(password_hash_known(one));
    assert_true(password_fits(one, "Cactus-2026-ok", &stale));
    assert_false(stale);
    assert_false(password_fits(one, "Cactus-2026-oK", &stale));
    assert_false(password_fits(NULL, "Cactus-2026-ok", &stale));
    assert_false(password_fits("", "", &stale));
}

/* Test vector of OpenBSD's bcrypt, as in crypt_blowfish's wrapper.c; and our own of cost 4. */
static void hashes_of_other_programs(void **state)
{
    (void)state;
    static const char hash[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    bool stale = false;
    assert_true(password_hash_known(hash));
    assert_true(password_fits(hash, "U*U", &stale));
    assert_true(stale);
    assert_false(password_fits(hash, "U*U*", &stale));
    assert_false(stale);
    assert_false(
        password_hash_known("$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    assert_false(password_hash_known("$1$abcdefgh$E5YPO9kmyuRGyh0XouQYb4"));
    assert_false(password_hash_known("plain"));
}

static void secrets_are_random_and_obey(void **state)
{
    (void)state;
    char last[PASSWORD_SECRET_SIZE] = "";
    for (int i = 0; i < 100; i++) {
        char secret[PASSWORD_SECRET_SIZE];
        char temporary[PASSWORD_TEMPORARY_SIZE];
        struct dm_err e = {0};
        password_secret(secret);
        assert_int_equal(strlen(secret), PASSWORD_SECRET_SIZE - 1);
        assert_string_not_equal(secret, last);
        memcpy(last, secret, sizeof(last));
        password_temporary(temporary);
        assert_ok(password_check(temporary, &e), &e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(hashes_of_ours),
        cmocka_unit_test(hashes_of_other_programs),
        cmocka_unit_test(secrets_are_random_and_obey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

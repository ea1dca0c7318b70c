/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "support/db.h"

static const struct {
    const char *given, *want;
} cases[] = {
    {" { } ", "{}"},
    {"[ ]", "[]"},
    {" [1 , 2,3 ] ", "[1,2,3]"},
    {"{\"b\":1,\"a\":{\"d\":[],\"c\":null}}", "{\"a\":{\"c\":null,\"d\":[]},\"b\":1}"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
    {"{\"aa\":1,\"a\":2,\"b\":3,\"\":4}", "{\"\":4,\"a\":2,\"aa\":1,\"b\":3}"},
    {"{\"\\u0061\":1,\"a\":2}", "{\"a\":2}"},
    {"\"\\u00f1\\/\\n\\u001f\\\"\\\\\\ud83c\\udf35\"", "\"ñ/\\n\\u001f\\\"\\\\🌵\""},
    {"\"\x7f\"", "\"\x7f\""},
    {"true", "true"},
    {"0", "0"},
    {"-0", "0"},
    {"-0.0", "0.0"},
    {"1.0", "1.0"},
    {"1.50", "1.5"},
    {"100e-2", "1.0"},
    {"1e2", "100.0"},
    {"0.1", "0.1"},
    {"123456789012345678", "123456789012345678"},
    {"-123456789012345678", "-123456789012345678"},
    {"9223372036854775807", "9223372036854776000.0"},
    {"1e20", "100000000000000000000.0"},
    {"1e21", "1e+21"},
    {"1.5e300", "1.5e+300"},
    {"0.00012345", "0.00012345"},
    {"1e-7", "0.0000001"},
    {"1.25e-9", "1.25e-09"},
    {"4.9e-324", "4.94065645841247e-324"},
    {"0.30000000000000004", "0.30000000000000004"},
};

static void form(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        const char *got = NULL;
        size_t n = 0;
        assert_ok(store_json_canonical(cases[i].given, strlen(cases[i].given), &a, &got, &n, &e),
                  &e);
        if (strcmp(got, cases[i].want) || n != strlen(got)) {
            fail_msg("%s gives %s instead of %s", cases[i].given, got, cases[i].want);
        }
    }
    dm_arena_clear(&a);
}

static void refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "[1 2]",
        "tru",
        "nul",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "1e+",
        "+1",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "1 2",
        "1e999",
        "NaN",
        "\"\xff\"",
        "{\"a\":1,}",
        "]",
        "'a'",
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        const char *got;
        size_t n;
        if (store_json_canonical(bad[i], strlen(bad[i]), &a, &got, &n, NULL) != DM_EBADINPUT) {
            fail_msg("'%s' was accepted", bad[i]);
        }
    }
    char deep[200];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    const char *got;
    size_t n;
    assert_int_equal(store_json_canonical(deep, 128, &a, &got, &n, NULL), DM_OK);
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_int_equal(store_json_canonical(deep, 130, &a, &got, &n, NULL), DM_EBADINPUT);
    dm_arena_clear(&a);
}

/* A random document, as messy as JSON allows. */
static void put_random(struct test_rng *r, struct dm_buf *b, int depth)
{
    static const char *const texts[] = {"\"\"", "\"a b\"", "\"\\u00e1\"", "\"\\n\\\\\"", "\"ñ\""};
    switch (test_rng_below(r, depth ? 7 : 5)) {
    case 0:
        dm_buf_printf(b, "%d", (int)test_rng_below(r, 100000) - 50000);
        break;
    case 1:
        dm_buf_printf(b, "%.*g", (int)test_rng_below(r, 17) + 1,
                      (test_rng_unit(r) - 0.5) * pow(10, (int)test_rng_below(r, 60) - 30));
        break;
    case 2:
        dm_buf_puts(b, texts[test_rng_below(r, DM_COUNT(texts))]);
        break;
    case 3:
        dm_buf_puts(b, test_rng_below(r, 2) ? "true" : "null");
        break;
    case 4:
        dm_buf_printf(b, "%u.%u0E%d", test_rng_below(r, 9), test_rng_below(r, 999),
                      (int)test_rng_below(r, 40) - 20);
        break;
    case 5:
        dm_buf_puts(b, "[ ");
        for (uint32_t i = 0, n = test_rng_below(r, 4); i < n; i++) {
            dm_buf_puts(b, i ? " ,\n" : "");
            put_random(r, b, depth - 1);
        }
        dm_buf_puts(b, " ]");
        break;
    default:
        dm_buf_puts(b, "{");
        for (uint32_t i = 0, n = test_rng_below(r, 5); i < n; i++) {
            dm_buf_printf(b, "%s \"%c%u\" : ", i ? "," : "", "abz"[test_rng_below(r, 3)],
                          test_rng_below(r, 4));
            put_random(r, b, depth - 1);
        }
        dm_buf_puts(b, "}");
    }
}

/* What is read back is what was written in canonical form, on both engines; and the form is stable.
 */
static void survives_the_engine(void **state)
{
    struct db *db = *state;
    static const struct store_query put = {
        "test.put", "INSERT INTO app_settings (key, value) VALUES (?1, ?2) RETURNING value", "tj",
        "j"};
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct test_rng rng = {7};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    for (int i = 0; i < 500; i++) {
        struct dm_buf b = dm_buf_init(1 << 16);
        const struct store_value *v;
        const char *form;
        const char *again;
        size_t n;
        char key[16];
        put_random(&rng, &b, 4);
        const char *given = i < (int)DM_COUNT(cases) ? cases[i].given : dm_buf_str(&b);
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_ok(store_json_canonical(given, strlen(given), &a, &form, &n, &e), &e);
        assert_ok(store_json_canonical(form, n, &a, &again, &n, &e), &e);
        assert_string_equal(form, again);
        assert_ok(store_one(tx, &put, STORE_ARGS(store_t(key), store_j(given)), &a, &v, &e), &e);
        assert_string_equal(v[0].t, form);
        dm_buf_clear(&b);
    }
    store_rollback(tx);
    dm_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form),
        cmocka_unit_test(refusals),
        DB_TEST(survives_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

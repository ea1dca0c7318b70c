/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/dialect.h"
#include "support/testing.h"

static const struct store_token tokens[] = {
    {"now", "NOW()"},
    {"int", "INTEGER"},
    {"int:", "%1 INT"},
    {"pair", "<%1 & %2>"},
    {"check", "CONSTRAINT %t_%1_check CHECK (%2)"},
    {"loop", "%1"},
    {NULL, NULL},
};

static const struct {
    const char *sql, *want;
} cases[] = {
    {"SELECT ?1, ?23", "SELECT $1, $23"},
    {"SELECT '?1 {now}', \"{now}\", '', 'it''s {now}'",
     "SELECT '?1 {now}', \"{now}\", '', 'it''s {now}'"},
    {"SELECT {now}", "SELECT NOW()"},
    {"CAST(?1 AS {int})", "CAST($1 AS INTEGER)"},
    {"{int:x} NOT NULL", "x INT NOT NULL"},
    {"{pair:a|b}", "<a & b>"},
    {"{pair:a}", "<a & >"},
    {"{pair:{now}|?2}", "<NOW() & $2>"},
    {"{pair:{pair:a|b}|c}", "<<a & b> & c>"},
    {"{pair:'a|b}'|c:d}", "<'a|b}' & c:d>"},
    {"CREATE TABLE t (x {check:x|x > 0})", "CREATE TABLE t (x CONSTRAINT t_x_check CHECK (x > 0))"},
    {"ALTER TABLE long_name ADD {check:y|TRUE}",
     "ALTER TABLE long_name ADD CONSTRAINT long_name_y_check CHECK (TRUE)"},
    {"a -- {nothing} ?1\nb", "a \nb"},
    {"a\n--@one\nb\n--@two\nc {now} 'x'\n--@both\nd", "a\n\nb\n\nd"},
    {"x ? y", "x ? y"},
    {"a - -b", "a - -b"},
    {"'open", "'open"},
};

static void expands(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        struct dm_buf b = dm_buf_init(1 << 12);
        assert_ok(store_expand(tokens, "one", '$', cases[i].sql, &b, &e), &e);
        assert_string_equal(dm_buf_str(&b), cases[i].want);
        dm_buf_clear(&b);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{nothing}",
        "{now",
        "{",
        "{pair:{nothing}}",
        "{}",
        "{pair:'}",
        "{loop:{loop:{loop:{loop:{loop:{loop:{loop:{loop:{loop:{loop:x}}}}}}}}}}",
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct dm_buf b = dm_buf_init(1 << 12);
        struct dm_err e = {0};
        if (store_expand(tokens, "one", '$', bad[i], &b, &e) != DM_EINTERNAL || !e.text[0]) {
            fail_msg("'%s' was accepted as '%s'", bad[i], dm_buf_str(&b));
        }
        dm_buf_clear(&b);
    }
    struct dm_buf small = dm_buf_init(4);
    assert_int_equal(store_expand(tokens, "one", '$', "SELECT 1", &small, NULL), DM_ELIMIT);
    dm_buf_clear(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(expands), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

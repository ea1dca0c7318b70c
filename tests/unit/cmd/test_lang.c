/* SPDX-License-Identifier: Apache-2.0
 *
 * Words: both languages complete and with the same placeholders; numbers as people write them. */
#include "cmd/lang.h"

#include <string.h>

#include "cmd/cmd.h"
#include "support/testing.h"

static const char *const names[] = {
#define X(NAME, en, es) #NAME,
#include "cmd/messages.def"
#undef X
};

/* Bit n set when the text has {n}. */
static unsigned placeholders(const char *s)
{
    unsigned set = 0;
    for (; (s = strchr(s, '{')); s++) {
        if (s[1] >= '1' && s[1] <= '9' && s[2] == '}') {
            set |= 1U << (s[1] - '0');
        }
    }
    return set;
}

static void test_messages_complete(void **state)
{
    (void)state;
    for (enum msg m = 0; m < MSG_MAX_; m++) {
        const char *en = lang_text(LANG_EN, m);
        const char *es = lang_text(LANG_ES, m);
        if ((!en[0] || !es[0]) && m != MSG_EMPTY) {
            fail_msg("%s has no text", names[m]);
        }
        if (placeholders(en) != placeholders(es)) {
            fail_msg("%s: placeholders differ", names[m]);
        }
        size_t n = strlen(en);
        if (n && (en[n - 1] == '\n' || es[strlen(es) - 1] == '\n')) {
            fail_msg("%s ends its own line", names[m]);
        }
    }
}

/* The test above can fail: the helper tells texts apart. */
static void test_placeholders_differ(void **state)
{
    (void)state;
    assert_int_equal(placeholders("{1} of {2}"), placeholders("de {2}, {1}"));
    assert_int_not_equal(placeholders("{1} of {2}"), placeholders("de {2}"));
    assert_int_equal(placeholders("{x} { 1}"), 0);
}

static void check_rows(const struct dm_opt *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lang_option_help(LANG_ES, &table[i]) == table[i].help) {
            fail_msg("options_es.def has no row for %s", table[i].name);
        }
    }
}

static bool known_option(const char *name);

static void check_commands(const struct cmd *const *table)
{
    for (; table && *table; table++) {
        check_rows((*table)->flags, (*table)->n_flags);
        check_commands((*table)->sub);
    }
}

static void test_options_complete(void **state)
{
    (void)state;
    check_rows(settings_opt_table, settings_opt_count);
    check_rows(vision_opt_table, vision_opt_count);
    check_rows(cmd_general_flags, cmd_general_count);
    check_commands(commands);
    static const char *const translated[] = {
#define X(name, text) name,
#include "cmd/options_es.def"
#undef X
    };
    for (size_t i = 0; i < DM_COUNT(translated); i++) {
        if (!known_option(translated[i])) {
            fail_msg("options_es.def translates %s, which no table has", translated[i]);
        }
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(translated[i], translated[k]);
        }
    }
}

static bool in_table(const struct dm_opt *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(table[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool in_commands(const struct cmd *const *table, const char *name)
{
    for (; table && *table; table++) {
        if (in_table((*table)->flags, (*table)->n_flags, name) ||
            in_commands((*table)->sub, name)) {
            return true;
        }
    }
    return false;
}

static bool known_option(const char *name)
{
    return in_table(settings_opt_table, settings_opt_count, name) ||
           in_table(vision_opt_table, vision_opt_count, name) ||
           in_table(cmd_general_flags, cmd_general_count, name) || in_commands(commands, name);
}

static void test_locale(void **state)
{
    (void)state;
    static const struct {
        const char *all, *messages, *lang;
        enum lang want;
    } cases[] = {
        {NULL, NULL, NULL, LANG_EN},
        {NULL, NULL, "es_AR.UTF-8", LANG_ES},
        {NULL, NULL, "es", LANG_ES},
        {NULL, NULL, "est_EE", LANG_EN},
        {NULL, NULL, "C.UTF-8", LANG_EN},
        {"", "", "es_CL", LANG_ES},
        {NULL, "en_US.UTF-8", "es_AR.UTF-8", LANG_EN},
        {"es_ES@euro", "en_US.UTF-8", "en", LANG_ES},
        {"C", NULL, "es_AR", LANG_EN},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_int_equal(lang_of_locale(cases[i].all, cases[i].messages, cases[i].lang),
                         cases[i].want);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *en, *es;
    } integers[] = {
        {0, "0", "0"},
        {999, "999", "999"},
        {1284, "1,284", "1.284"},
        {-1284, "-1,284", "-1.284"},
        {1234567, "1,234,567", "1.234.567"},
        {INT64_MIN, "-9,223,372,036,854,775,808", "-9.223.372.036.854.775.808"},
    };
    static const struct {
        double x;
        int decimals;
        const char *en, *es;
    } numbers[] = {
        {12840.5, 1, "12,840.5", "12.840,5"},
        {0.794, 2, "0.79", "0,79"},
        {-0.05, 1, "-0.1", "-0,1"},
        {1e6, 0, "1,000,000", "1.000.000"},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(integers); i++) {
        assert_string_equal(lang_integer(&a, LANG_EN, integers[i].n), integers[i].en);
        assert_string_equal(lang_integer(&a, LANG_ES, integers[i].n), integers[i].es);
    }
    for (size_t i = 0; i < DM_COUNT(numbers); i++) {
        assert_string_equal(lang_number(&a, LANG_EN, numbers[i].x, numbers[i].decimals),
                            numbers[i].en);
        assert_string_equal(lang_number(&a, LANG_ES, numbers[i].x, numbers[i].decimals),
                            numbers[i].es);
    }
    dm_arena_clear(&a);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        double s;
        const char *es;
    } cases[] = {
        {0.042, "0,04 s"},        {0.42, "0,42 s"}, {1.79, "1,8 s"},
        {9.94, "9,9 s"},          {9.96, "10 s"},   {87, "87 s"},
        {725, "12 min 5 s"},      {119.4, "119 s"}, {7500, "2 h 5 min"},
        {3.6e6, "1.000 h 0 min"},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(lang_duration(&a, LANG_ES, cases[i].s), cases[i].es);
    }
    dm_arena_clear(&a);
}

static void test_fill(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    assert_string_equal(LANG_FILL(&a, LANG_EN, MSG_UNKNOWN_COMMAND_NEAR, "cuont", "count"),
                        "there is no command 'cuont'; did you mean 'count'?");
    /* what is filled in is not filled again */
    assert_string_equal(LANG_FILL(&a, LANG_EN, MSG_UNKNOWN_COMMAND, "{1}{2}%s"),
                        "there is no command '{1}{2}%s'");
    assert_string_equal(lang_plural(&a, LANG_ES, MSG_BOX_ONE, MSG_BOX_OTHER, 1), "1 cajón");
    assert_string_equal(lang_plural(&a, LANG_ES, MSG_BOX_ONE, MSG_BOX_OTHER, 0), "0 cajones");
    assert_string_equal(lang_plural(&a, LANG_EN, MSG_PHOTOS_ONE, MSG_PHOTOS_OTHER, 2041),
                        "2,041 photos");
    dm_arena_clear(&a);
}

static void test_errors(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {.code = DM_EDECODE, .text = "JPEG ends at byte 81920"};
    assert_string_equal(lang_error(&a, LANG_EN, &e), "JPEG ends at byte 81920");
    assert_string_equal(lang_error(&a, LANG_ES, &e),
                        "la imagen no se puede decodificar (JPEG ends at byte 81920)");
    e.text[0] = '\0';
    assert_string_equal(lang_error(&a, LANG_ES, &e), "la imagen no se puede decodificar");
    dm_arena_clear(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_complete),
        cmocka_unit_test(test_placeholders_differ),
        cmocka_unit_test(test_options_complete),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

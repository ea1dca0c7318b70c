/* SPDX-License-Identifier: Apache-2.0
 *
 * The command table: sorted, complete, no flag twice, and every example in the help is a valid
 * command line. */
#include <string.h>

#include "cmd/args.h"
#include "cmd/photo.h"
#include "support/testing.h"

static void check_flags(const struct cmd *c)
{
    for (size_t i = 0; i < c->n_flags; i++) {
        const struct dm_opt *o = &c->flags[i];
        char own[DM_OPT_NAME_MAX];
        char other[DM_OPT_NAME_MAX];
        dm_opt_flag(o, own);
        assert_null(strchr(o->name, '.')); /* a section would make it a setting */
        assert_true(o->offset < c->flags_size);
        assert_true(o->help && o->help[0] >= 'a' && o->help[0] <= 'z');
        if (i > 0 && strcmp(c->flags[i - 1].name, o->name) >= 0) {
            fail_msg("%s: %s must come before %s", c->name, o->name, c->flags[i - 1].name);
        }
        for (size_t k = 0; k < cmd_general_count; k++) {
            assert_string_not_equal(own, dm_opt_flag(&cmd_general_flags[k], other));
        }
        for (size_t k = 0; k < settings_opt_count; k++) {
            if (cmd_uses_setting(c, settings_opt_table[k].name)) {
                assert_string_not_equal(own, dm_opt_flag(&settings_opt_table[k], other));
            }
        }
        for (size_t k = 0; k < vision_opt_count; k++) {
            if (cmd_uses_setting(c, vision_opt_table[k].name)) {
                assert_string_not_equal(own, dm_opt_flag(&vision_opt_table[k], other));
            }
        }
    }
}

static void check_table(const struct cmd *const *table)
{
    for (size_t i = 0; table[i]; i++) {
        const struct cmd *c = table[i];
        if (i > 0 && strcmp(table[i - 1]->name, c->name) >= 0) {
            fail_msg("%s must come before %s", c->name, table[i - 1]->name);
        }
        assert_true(c->summary != MSG_EMPTY);
        assert_non_null(c->operands);
        assert_true(!c->run == !!c->sub);
        assert_true(c->sub || (c->examples && c->examples[0].line));
        assert_true(c->max_args < 0 || c->max_args >= c->min_args);
        check_flags(c);
        if (c->sub) {
            check_table(c->sub);
        }
    }
}

static void test_table(void **state)
{
    (void)state;
    check_table(commands);
}

/* Words of an example, up to a redirection; quotes are taken off. */
static int words_of(char *line, char **ret, int max)
{
    int n = 0;
    for (char *s = line; *s && n < max;) {
        s += strspn(s, " ");
        bool quoted = *s == '\'';
        s += quoted;
        if (*s == '>' || !*s) {
            break;
        }
        ret[n++] = s;
        s += strcspn(s, quoted ? "'" : " ");
        if (*s) {
            *s++ = '\0';
        }
    }
    return n;
}

static void check_example(const struct cmd *parent, const struct cmd *c, const char *text)
{
    enum { WORDS_MAX = 32 };
    char line[512];
    char *word[WORDS_MAX];
    struct dm_err e = {0};
    struct args_parsed parsed;
    struct cmd_run r = {.cmd = c};
    (void)snprintf(line, sizeof(line), "%s", text);
    int n = words_of(line, word, WORDS_MAX);
    int skip = parent ? 3 : 2;
    assert_true(n >= skip);
    assert_string_equal(word[0], "demeter");
    assert_string_equal(word[skip - 1], c->name);
    assert_ok(settings_init(&r.settings, &r.arena, &e), &e);
    int code = args_parse(&r, n - skip, word + skip, &parsed, &e);
    if (code < 0) {
        fail_msg("%s: %s", text, dm_err_text(&e));
    }
    dm_arena_clear(&r.arena);
}

static void check_examples(const struct cmd *parent, const struct cmd *const *table)
{
    for (; *table; table++) {
        for (const struct cmd_example *x = (*table)->examples; x && x->line; x++) {
            check_example(parent, *table, x->line);
        }
        if ((*table)->sub) {
            check_examples(*table, (*table)->sub);
        }
    }
}

static void test_examples(void **state)
{
    (void)state;
    check_examples(NULL, commands);
}

static void test_overlay_lists(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        unsigned want; /* bit per kind; ~0u: refused */
    } cases[] = {
        {"annotated", 1U << VISION_OVERLAY_ANNOTATED},
        {"mask,residual", 1U << VISION_OVERLAY_MASK | 1U << VISION_OVERLAY_RESIDUAL},
        {"all", (1U << VISION_OVERLAY_MAX_) - 1},
        {"none", 0},
        {"", 0},
        {"none,mask", 1U << VISION_OVERLAY_MASK},
        {"mask,", 1U << VISION_OVERLAY_MASK},
        {"msak", ~0U},
        {"mask;residual", ~0U},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct cmd_run r = {0};
        struct dm_err e = {0};
        bool on[VISION_OVERLAY_MAX_];
        int code = photo_parse_overlays(&r, cases[i].list, on, &e);
        if (cases[i].want == ~0U) {
            assert_int_equal(code, DM_EUSAGE);
        } else {
            assert_ok(code, &e);
            for (unsigned k = 0; k < VISION_OVERLAY_MAX_; k++) {
                assert_int_equal(on[k], cases[i].want >> k & 1);
            }
        }
        dm_arena_clear(&r.arena);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_overlay_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

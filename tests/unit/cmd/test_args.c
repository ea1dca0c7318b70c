/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line: flags, letters, operands, and every usage error with its words. */
#include "cmd/args.h"

#include <string.h>

#include "support/testing.h"

struct sample_flags {
    bool json, tidy;
    const char *out;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct sample_flags, json),
     .def = "false", .help = "print JSON"},
    {.name = "out", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct sample_flags, out),
     .def = "", .help = "folder"},
    {.name = "tidy", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct sample_flags, tidy),
     .def = "true", .help = "clean up"},
};
// clang-format on
static const char *const settings[] = {"count.", "model.dir", NULL};
static const struct cmd sample = {
    .name = "sample",
    .operands = "PHOTO...",
    .min_args = 1,
    .max_args = 2,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct sample_flags),
    .settings = settings,
};

struct fixture {
    struct cmd_run r;
    struct args_parsed parsed;
    struct dm_err e;
};

static int parse(struct fixture *f, const char *const *argv)
{
    int n = 0;
    *f = (struct fixture){.r = {.cmd = &sample}};
    assert_ok(settings_init(&f->r.settings, &f->r.arena, &f->e), &f->e);
    while (argv[n]) {
        n++;
    }
    return args_parse(&f->r, n, (char **)(uintptr_t)argv, &f->parsed, &f->e);
}
#define PARSE(f, ...) parse((f), (const char *const[]){__VA_ARGS__, NULL})

static void end(struct fixture *f)
{
    dm_arena_clear(&f->r.arena);
}

static void test_good(void **state)
{
    (void)state;
    struct fixture f;
    assert_ok(PARSE(&f, "a.jpg", "--json", "--out=x y", "--no-tidy", "-qv", "-j4", "--conf", "0.5",
                    "b.jpg"),
              &f.e);
    const struct sample_flags *own = f.r.flags;
    assert_true(own->json && !own->tidy);
    assert_string_equal(own->out, "x y");
    assert_true(f.r.general.quiet && f.r.general.verbose && f.r.general.progress);
    assert_int_equal(f.r.n_args, 2);
    assert_string_equal(f.r.args[1], "b.jpg");
    assert_int_equal(f.r.settings.v.jobs, 4);
    assert_true(f.r.settings.vision.conf == 0.5);
    assert_int_equal(f.parsed.n_setting, 2);
    end(&f);
}

static void test_spellings(void **state)
{
    (void)state;
    struct fixture f;
    assert_ok(PARSE(&f, "--json=false", "--tidy=no", "-j", "7", "-o", "-x", "--", "--json", "-"),
              &f.e);
    const struct sample_flags *own = f.r.flags;
    assert_true(!own->json && !own->tidy);
    assert_string_equal(own->out, "-x"); /* a value may begin with a dash */
    assert_int_equal(f.r.settings.v.jobs, 7);
    assert_string_equal(f.r.args[0], "--json");
    assert_string_equal(f.r.args[1], "-");
    end(&f);
    assert_ok(PARSE(&f, "-h"), &f.e); /* help asks for no operand */
    assert_true(f.r.general.help);
    end(&f);
    assert_ok(PARSE(&f, "a", "--lang", "es"), &f.e); /* every command has it */
    assert_int_equal(f.r.settings.v.lang, SETTINGS_LANG_ES);
    end(&f);
}

static void test_apply_wins(void **state)
{
    (void)state;
    struct fixture f;
    assert_ok(PARSE(&f, "a.jpg", "--conf", "0.5"), &f.e);
    const char file[] = "[count]\nconf = 0.9\niou = 0.6\n";
    assert_ok(dm_conf_parse(f.r.settings.sets, SETTINGS_SETS, "x.conf", file, strlen(file),
                            &f.r.arena, &f.e),
              &f.e);
    assert_true(f.r.settings.vision.conf == 0.9);
    assert_ok(args_apply(&f.r, &f.parsed, &f.e), &f.e);
    assert_true(f.r.settings.vision.conf == 0.5 && f.r.settings.vision.iou == 0.6);
    end(&f);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4];
        const char *says;
    } cases[] = {
        {{"a", "--jsno"}, "there is no option '--jsno'; did you mean '--json'?"},
        {{"a", "--no-tdiy"}, "there is no option '--no-tdiy'; did you mean '--no-tidy'?"},
        {{"a", "--zzzzzzzz"}, "there is no option '--zzzzzzzz'"},
        {{"a", "-z"}, "there is no option '-z'"},
        {{"a", "--segment-conf", "0.5"}, "there is no option '--segment-conf'"},
        {{"a", "--level", "INFO"}, "there is no option '--level'"}, /* file and environment only */
        {{"a", "--out"}, "--out needs a value"},
        {{"a", "-j"}, "-j needs a value"},
        {{"a", "--no-tidy=true"}, "--no-tidy takes no value"},
        {{"a", "--json=perhaps"}, "--json: 'perhaps' is not among true, false"},
        {{"a", "--conf", "2"}, "--conf: '2' is not among 0.001..0.999 fraction"},
        {{"a", "-jx"}, "-j: 'x' is not among 1..256 photos"},
        {{"a", "--precision=f64"}, "--precision: 'f64' is not among auto, f32, bf16, int8"},
        {{NULL}, "missing: PHOTO..."},
        {{"a", "b", "c"}, "'c' is one too many"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct fixture f;
        assert_int_equal(parse(&f, cases[i].argv), DM_EUSAGE);
        if (strncmp(f.e.text, cases[i].says, strlen(cases[i].says)) != 0) {
            fail_msg("expected \"%s\", got \"%s\"", cases[i].says, f.e.text);
        }
        end(&f);
    }
}

static void test_letters(void **state)
{
    (void)state;
    assert_int_equal(cmd_letter("jobs"), 'j');
    assert_int_equal(cmd_letter("json"), 0);
    assert_string_equal(cmd_flag_of_letter('q'), "quiet");
    assert_null(cmd_flag_of_letter('Z'));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_apply_wins),
        cmocka_unit_test(test_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

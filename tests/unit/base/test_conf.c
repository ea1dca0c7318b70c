/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration file and environment: values, precedence, origins, and what is refused. */
#include "base/conf.h"

#include <string.h>

#include "support/testing.h"

struct first {
    double overlap;
    int32_t size;
    const char *model;
};
struct second {
    const char *token;
};

// clang-format off
static const struct dm_opt first_table[] = {
    {.name = "count.model_detect", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct first, model),
     .def = "", .env = "YOLO_DETECTION_MODEL", .help = "model file"},
    {.name = "count.overlap", .type = DM_OPT_F64, .offset = DM_OPT_AT(struct first, overlap),
     .def = "0.25", .min = 0, .max = 0.5, .help = "overlap of tiles"},
    {.name = "count.size_px", .type = DM_OPT_I32, .offset = DM_OPT_AT(struct first, size),
     .def = "512", .min = 32, .max = 4096, .help = "side of a tile"},
};
static const struct dm_opt second_table[] = {
    {.name = "http.token", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct second, token),
     .def = "", .flags = DM_OPT_SECRET, .help = "secret word"},
};
// clang-format on

struct fixture {
    struct first one;
    struct second two;
    struct dm_opt_source sources[DM_COUNT(first_table) + DM_COUNT(second_table)];
    struct dm_opt_set set[2];
    struct dm_opt_set *sets[2];
    struct dm_arena a;
    struct dm_err e;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    f->set[0] = (struct dm_opt_set){first_table, DM_COUNT(first_table), &f->one, f->sources};
    f->set[1] = (struct dm_opt_set){second_table, DM_COUNT(second_table), &f->two,
                                    f->sources + DM_COUNT(first_table)};
    f->sets[0] = &f->set[0];
    f->sets[1] = &f->set[1];
    dm_opt_defaults(&f->set[0]);
    dm_opt_defaults(&f->set[1]);
}

static int parse(struct fixture *f, const char *text)
{
    return dm_conf_parse(f->sets, 2, "demeter.conf", text, strlen(text), &f->a, &f->e);
}

static void test_file(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_ok(parse(&f, "\xEF\xBB\xBF# nursery\r\n\r\n[count]\r\n overlap =\t0.1 \r\n"
                        "; more\n[http]\ntoken = \" a = b \"\n[count]\nmodel_detect = x y.onnx"),
              &f.e);
    assert_true(f.one.overlap == 0.1);
    assert_string_equal(f.one.model, "x y.onnx");
    assert_string_equal(f.two.token, " a = b ");
    assert_int_equal(f.one.size, 512);
    assert_string_equal(dm_conf_origin(&f.set[0].sources[1], &f.a), "demeter.conf line 4");
    assert_string_equal(dm_conf_origin(&f.set[0].sources[2], &f.a), "default");
    dm_arena_clear(&f.a);
}

static void test_file_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[count]\noverlpa = 1\n",
         "demeter.conf line 2: no option \"count.overlpa\"; did you mean \"count.overlap\"?"},
        {"[http]\n\ntokn = 1\n",
         "demeter.conf line 3: no option \"http.tokn\"; did you mean \"http.token\"?"},
        {"[nowhere]\nx = 1\n", "demeter.conf line 2: no option \"nowhere.x\""},
        {"[count]\noverlap = 0.7\n",
         "demeter.conf line 2: count.overlap: expected 0..0.5, got \"0.7\""},
        {"[count]\noverlap = 0.1 # no\n", "demeter.conf line 2: count.overlap: expected 0..0.5"},
        {"overlap = 0.1\n", "demeter.conf line 1: a section must come first"},
        {"[count]\noverlap\n", "demeter.conf line 2: expected key = value"},
        {"[count\n", "demeter.conf line 1: a section is written [name]"},
        {"[]\n", "demeter.conf line 1: a section is written [name]"},
        {"[count]\nsize_px = 64\nsize_px = 65\n",
         "demeter.conf line 3: count.size_px is already set in line 2"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(parse(&f, cases[i].text), DM_EBADINPUT);
        assert_int_equal(f.e.code, DM_EBADINPUT);
        if (strncmp(f.e.text, cases[i].says, strlen(cases[i].says)) != 0) {
            fail_msg("expected \"%s\", got \"%s\"", cases[i].says, f.e.text);
        }
        dm_arena_clear(&f.a);
    }
}

struct variable {
    const char *name, *value;
};

static const char *lookup(void *ctx, const char *name)
{
    for (const struct variable *v = ctx; v->name; v++) {
        if (!strcmp(v->name, name)) {
            return v->value;
        }
    }
    return NULL;
}

static void test_environment(void **state)
{
    (void)state;
    char path[] = "/tmp/demeter-test-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "s3cret\n\n", 8), 8);
    assert_int_equal(close(fd), 0);
    struct variable env[] = {
        {"DEMETER_COUNT_OVERLAP", "0.2"},      {"DEMETER_COUNT_SIZE_PX", ""},
        {"YOLO_DETECTION_MODEL", "bare.onnx"}, {"DEMETER_YOLO_DETECTION_MODEL", "ours.onnx"},
        {"DEMETER_HTTP_TOKEN_FILE", path},     {NULL, NULL},
    };
    struct fixture f;
    begin(&f);
    assert_ok(parse(&f, "[count]\noverlap = 0.1\nsize_px = 64\n"), &f.e);
    assert_ok(dm_conf_env(f.sets, 2, lookup, env, &f.a, &f.e), &f.e);
    assert_int_equal(unlink(path), 0);
    assert_true(f.one.overlap == 0.2);             /* environment over file */
    assert_int_equal(f.one.size, 64);              /* an empty variable is none */
    assert_string_equal(f.one.model, "ours.onnx"); /* DEMETER_X over X */
    assert_string_equal(f.two.token, "s3cret\n");  /* only the final newline goes */
    assert_string_equal(dm_conf_origin(&f.set[0].sources[1], &f.a), "env DEMETER_COUNT_OVERLAP");
    assert_string_equal(dm_conf_origin(&f.set[1].sources[0], &f.a),
                        "file named by DEMETER_HTTP_TOKEN_FILE");
    dm_arena_clear(&f.a);
}

static void test_environment_refused(void **state)
{
    (void)state;
    struct {
        struct variable env[3];
        int code;
        const char *says;
    } cases[] = {
        {{{"DEMETER_COUNT_OVERLAP", "2"}}, DM_EBADINPUT, "environment variable DEMETER_COUNT_OVER"},
        {{{"YOLO_DETECTION_MODEL", "a"}, {"YOLO_DETECTION_MODEL_FILE", "b"}},
         DM_EBADINPUT,
         "YOLO_DETECTION_MODEL and YOLO_DETECTION_MODEL_FILE are both set"},
        {{{"DEMETER_HTTP_TOKEN_FILE", "/nonexistent"}}, DM_ENOTFOUND, "DEMETER_HTTP_TOKEN_FILE: "},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(dm_conf_env(f.sets, 2, lookup, cases[i].env, &f.a, &f.e), cases[i].code);
        assert_non_null(strstr(f.e.text, cases[i].says));
        dm_arena_clear(&f.a);
    }
}

static void test_known_names(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_true(dm_conf_env_known(f.sets, 2, "DEMETER_COUNT_OVERLAP"));
    assert_true(dm_conf_env_known(f.sets, 2, "DEMETER_COUNT_OVERLAP_FILE"));
    assert_true(dm_conf_env_known(f.sets, 2, "YOLO_DETECTION_MODEL"));
    assert_false(dm_conf_env_known(f.sets, 2, "COUNT_OVERLAP"));
    assert_false(dm_conf_env_known(f.sets, 2, "DEMETER_COUNT_OVERLP"));
    dm_arena_clear(&f.a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),        cmocka_unit_test(test_file_refused),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_environment_refused),
        cmocka_unit_test(test_known_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

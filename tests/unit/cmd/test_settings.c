/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings: the tables, the order of precedence, profiles, unknown variables. */
#include "cmd/settings.h"

#include <string.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "support/opts.h"

static void test_tables(void **state)
{
    (void)state;
    assert_opt_table(settings_opt_table, settings_opt_count, sizeof(struct settings_values));
    assert_opt_table(vision_opt_table, vision_opt_count, sizeof(struct vision_params));
}

/* A flag means one thing: no two settings, and no setting and general flag, share it. */
static void test_flags_unique(void **state)
{
    (void)state;
    char a[DM_OPT_NAME_MAX];
    char b[DM_OPT_NAME_MAX];
    for (size_t i = 0; i < settings_opt_count; i++) {
        dm_opt_flag(&settings_opt_table[i], a);
        for (size_t k = 0; k < vision_opt_count; k++) {
            assert_string_not_equal(a, dm_opt_flag(&vision_opt_table[k], b));
            assert_string_not_equal(settings_opt_table[i].name, vision_opt_table[k].name);
        }
        for (size_t k = 0; k < cmd_general_count; k++) {
            assert_string_not_equal(a, dm_opt_flag(&cmd_general_flags[k], b));
        }
    }
}

static void test_profile(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct settings s;
    size_t set;
    size_t route;
    size_t group;
    const char file[] = "[count]\nprofile = parity\ngroup_factor = 0.3\n";
    assert_ok(settings_init(&s, &a, &e), &e);
    assert_ok(dm_conf_parse(s.sets, SETTINGS_SETS, "x.conf", file, strlen(file), &a, &e), &e);
    assert_ok(settings_apply_profile(&s, &a, &e), &e);
    struct vision_params parity;
    vision_params_init(&parity, VISION_PROFILE_PARITY);
    assert_int_equal(s.vision.profile, VISION_PROFILE_PARITY);
    assert_int_equal(s.vision.route, parity.route);
    assert_int_equal(s.vision.crop_pad_px, parity.crop_pad_px);
    assert_true(s.vision.group_factor == 0.3); /* what was set stays */
    assert_ok(settings_find(&s, "count.route", &set, &route, &e), &e);
    assert_int_equal(s.set[set].sources[route].origin, DM_ORIGIN_PROFILE);
    assert_ok(settings_find(&s, "count.group_factor", &set, &group, &e), &e);
    assert_int_equal(s.set[set].sources[group].origin, DM_ORIGIN_FILE);
    dm_arena_clear(&a);
}

/* A tile size that somebody chose is kept, whoever chose it. */
static void test_tile_size(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        bool adapt;
        enum dm_origin origin;
    } cases[] = {
        {"", true, DM_ORIGIN_DEFAULT},
        {"[count]\ntile_size = 512\n", false, DM_ORIGIN_FILE},
        {"[count]\ntile_size = 300\nadapt_tiles = true\n", true, DM_ORIGIN_FILE},
        {"[count]\nprofile = parity\n", false, DM_ORIGIN_PROFILE},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct settings s;
        size_t set;
        size_t k;
        const char *file = cases[i].file;
        assert_ok(settings_init(&s, &a, &e), &e);
        assert_ok(dm_conf_parse(s.sets, SETTINGS_SETS, "x.conf", file, strlen(file), &a, &e), &e);
        assert_ok(settings_apply_profile(&s, &a, &e), &e);
        assert_int_equal(s.vision.adapt_tiles, cases[i].adapt);
        assert_ok(settings_find(&s, "count.adapt_tiles", &set, &k, &e), &e);
        assert_int_equal(s.set[set].sources[k].origin, cases[i].origin);
        dm_arena_clear(&a);
    }
}

static void test_find(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct settings s;
    size_t set;
    size_t index;
    assert_ok(settings_init(&s, &a, &e), &e);
    assert_ok(settings_find(&s, "count.precision", &set, &index, &e), &e);
    assert_int_equal(set, SETTINGS_OWN);
    assert_int_equal(settings_find(&s, "count.tile_overlpa", &set, &index, &e), DM_ENOTFOUND);
    assert_non_null(strstr(e.text, "did you mean \"count.tile_overlap\""));
    dm_arena_clear(&a);
}

static void test_environment(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "PATH=/bin",
        "MODEL_DIR=/m",
        "VISION_PRECISION=f32",
        "A=",
        "DEMETERX=1",
        "DEMETER_COUNT_CONF=0.4",
        "DEMETER_COUNT_CNOF=0.5",
        "DEMETER_WHAT=1",
        "DEMETER_CONFIG=/none",
        NULL,
    };
    char **env = (char **)(uintptr_t)variables;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct settings s;
    const char *name[8];
    const char *near[8];
    assert_ok(settings_init(&s, &a, &e), &e);
    assert_ok(dm_conf_env(s.sets, SETTINGS_SETS, settings_getenv, env, &a, &e), &e);
    assert_string_equal(s.v.model_dir, "/m");
    assert_int_equal(s.v.precision, NN_PRECISION_F32);
    assert_true(s.vision.conf == 0.4);
    assert_int_equal(settings_unknown_env(&s, env, name, near, 8, &a), 2);
    assert_string_equal(name[0], "DEMETER_COUNT_CNOF");
    assert_string_equal(near[0], "DEMETER_COUNT_CONF");
    assert_string_equal(name[1], "DEMETER_WHAT");
    assert_string_equal(near[1], "");
    assert_null(settings_getenv(env, "MODEL"));
    dm_arena_clear(&a);
}

static void test_file_search(void **state)
{
    (void)state;
    char dir[] = "/tmp/demeter-test-settings-XXXXXX";
    char path[256];
    char xdg[256];
    char variable[] = "DEMETER_CONFIG=/chosen.conf";
    struct dm_arena a = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(xdg, sizeof(xdg), "XDG_CONFIG_HOME=%s", dir);
    (void)snprintf(path, sizeof(path), "%s/demeter", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    char *env[] = {xdg, NULL, NULL};
    assert_string_equal(settings_file("/given.conf", settings_getenv, env, &a), "/given.conf");
    assert_string_not_equal(settings_file("", settings_getenv, env, &a), path); /* not there yet */
    (void)snprintf(path, sizeof(path), "%s/demeter/demeter.conf", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(settings_file("", settings_getenv, env, &a), path);
    env[1] = variable;
    assert_string_equal(settings_file("", settings_getenv, env, &a), "/chosen.conf");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/demeter", dir);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
    dm_arena_clear(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),      cmocka_unit_test(test_flags_unique),
        cmocka_unit_test(test_profile),     cmocka_unit_test(test_find),
        cmocka_unit_test(test_tile_size),   cmocka_unit_test(test_environment),
        cmocka_unit_test(test_file_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: parsing with bounds, printing, finding, nearest names. */
#include "base/opt.h"

#include <math.h>
#include <string.h>

#include "support/opts.h"
#include "support/testing.h"

struct sample {
    bool filter;
    int32_t size, mode, wait_s;
    double overlap;
    const char *path, *token;
};

static const char *const modes[] = {"feather", "bbox", NULL};

// clang-format off
static const struct dm_opt table[] = {
    {.name = "count.crop_mode", .type = DM_OPT_ENUM, .offset = DM_OPT_AT(struct sample, mode),
     .def = "feather", .choices = modes, .help = "how crops are cut"},
    {.name = "count.filter", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct sample, filter),
     .def = "true", .help = "drop black tiles"},
    {.name = "count.model", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct sample, path),
     .def = "", .flag = "model-detect", .env = "YOLO_DETECTION_MODEL", .help = "model file"},
    {.name = "count.overlap", .type = DM_OPT_F64, .offset = DM_OPT_AT(struct sample, overlap),
     .def = "0.25", .min = 0, .max = 0.5, .unit = "fraction", .help = "overlap of tiles"},
    {.name = "count.tile_size_px", .type = DM_OPT_I32, .offset = DM_OPT_AT(struct sample, size),
     .def = "512", .min = 32, .max = 4096, .unit = "px", .help = "side of a tile"},
    {.name = "count.token", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct sample, token),
     .def = "", .flags = DM_OPT_SECRET, .help = "secret word"},
    {.name = "count.wait", .type = DM_OPT_I32, .offset = DM_OPT_AT(struct sample, wait_s),
     .def = "0", .min = 0, .max = 90, .unit = "s", .help = "time to wait"},
};
// clang-format on

struct fixture {
    struct sample v;
    struct dm_opt_source sources[DM_COUNT(table)];
    struct dm_opt_set set;
    struct dm_arena a;
    struct dm_err e;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    f->set = (struct dm_opt_set){table, DM_COUNT(table), &f->v, f->sources};
    dm_opt_defaults(&f->set);
}

static void test_defaults(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_true(f.v.filter);
    assert_int_equal(f.v.size, 512);
    assert_int_equal(f.v.mode, 0);
    assert_true(f.v.overlap == 0.25);
    assert_string_equal(f.v.path, "");
    assert_opt_table(table, DM_COUNT(table), sizeof(struct sample));
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *printed; /* printed NULL: refused */
    } cases[] = {
        {"count.filter", "no", "false"},
        {"count.filter", "on", "true"},
        {"count.filter", "maybe", NULL},
        {"count.tile_size_px", "640", "640"},
        {"count.tile_size_px", "32", "32"},
        {"count.tile_size_px", "4096", "4096"},
        {"count.tile_size_px", "31", NULL},
        {"count.tile_size_px", "4097", NULL},
        {"count.tile_size_px", "64.5", NULL},
        {"count.tile_size_px", "99999999999999999999", NULL},
        {"count.tile_size_px", "", NULL},
        {"count.tile_size_px", " 64", NULL},
        {"count.tile_size_px", "64px", NULL},
        {"count.tile_size_px", "0x40", NULL},
        {"count.overlap", "0.1", "0.1"},
        {"count.overlap", "1e-1", "0.1"},
        {"count.overlap", "0.5", "0.5"},
        {"count.overlap", "0.333333333333333314829616256247390992939472198486328125",
         "0.333333333333333"},
        {"count.overlap", "0.30000000000000004", "0.30000000000000004"},
        {"count.overlap", "-0.1", NULL},
        {"count.overlap", "0.51", NULL},
        {"count.overlap", "0,3", NULL},
        {"count.overlap", "nan", NULL},
        {"count.overlap", "inf", NULL},
        {"count.crop_mode", "bbox", "bbox"},
        {"count.crop_mode", "BBOX", NULL},
        {"count.crop_mode", "", NULL},
        {"count.model", "a b.onnx", "a b.onnx"},
        {"count.token", "hunter2", "(set)"},
        {"count.token", "", ""},
        {"count.wait", "60", "60"},
        {"count.wait", "60s", "60"},
        {"count.wait", "s", NULL},
        {"count.wait", "91s", NULL},
        {"count.wait", "60 s", NULL},
        {"count.wait", "60m", NULL},
        {"count.wait", "1.5s", NULL},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct fixture f;
        begin(&f);
        struct sample before = f.v;
        int index = dm_opt_find(&f.set, cases[i].name, &f.e);
        assert_ok(index, &f.e);
        struct dm_opt_source from = {DM_ORIGIN_ENV, 0, "TEST"};
        int code = dm_opt_set_value(&f.set, (size_t)index, cases[i].text, from, &f.a, &f.e);
        if (cases[i].printed) {
            assert_ok(code, &f.e);
            double back = 0;
            const char *printed = dm_opt_print(&f.set, (size_t)index, &f.a);
            if (index == 3) { /* numbers: exact through text, the spelling only where it is short */
                back = strtod(printed, NULL);
                assert_true(back == strtod(cases[i].text, NULL));
            }
            if (index != 3 || strlen(cases[i].printed) < 6) {
                assert_string_equal(printed, cases[i].printed);
            }
            assert_int_equal(f.sources[index].origin, DM_ORIGIN_ENV);
        } else {
            assert_int_equal(code, DM_EBADINPUT);
            assert_non_null(strstr(f.e.text, cases[i].name));
            assert_memory_equal(&before, &f.v, sizeof(before));
            assert_int_equal(f.sources[index].origin, DM_ORIGIN_DEFAULT);
        }
        dm_arena_clear(&f.a);
    }
}

static void test_text_is_copied(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    char text[] = "first.onnx";
    assert_ok(dm_opt_set_value(&f.set, 2, text, (struct dm_opt_source){DM_ORIGIN_FLAG, 0, NULL},
                               &f.a, &f.e),
              &f.e);
    text[0] = 'X';
    assert_string_equal(f.v.path, "first.onnx");
    dm_arena_clear(&f.a);
}

static void test_names(void **state)
{
    (void)state;
    char buffer[DM_OPT_NAME_MAX];
    assert_string_equal(dm_opt_flag(&table[4], buffer), "tile-size-px");
    assert_string_equal(dm_opt_env(&table[4], buffer), "DEMETER_COUNT_TILE_SIZE_PX");
    assert_string_equal(dm_opt_flag(&table[2], buffer), "model-detect");
    assert_string_equal(dm_opt_env(&table[2], buffer), "YOLO_DETECTION_MODEL");
    assert_string_equal(dm_opt_range(&table[0], buffer), "feather, bbox");
    assert_string_equal(dm_opt_range(&table[3], buffer), "0..0.5 fraction");
    assert_string_equal(dm_opt_range(&table[2], buffer), "");
}

static void test_find(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(dm_opt_find(&f.set, "count.overlap", &f.e), 3);
    assert_int_equal(dm_opt_find(&f.set, "tile-size-px", &f.e), 4);
    assert_int_equal(dm_opt_find(&f.set, "tile-sizepx", &f.e), DM_ENOTFOUND);
    assert_non_null(strstr(f.e.text, "did you mean \"tile-size-px\""));
    assert_int_equal(dm_opt_find(&f.set, "count.overlpa", &f.e), DM_ENOTFOUND);
    assert_non_null(strstr(f.e.text, "did you mean \"count.overlap\""));
    assert_int_equal(dm_opt_find(&f.set, "zzz", &f.e), DM_ENOTFOUND);
    assert_null(strstr(f.e.text, "did you mean"));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"count", "model", "config", "completion", NULL};
    static const struct {
        const char *given, *want;
    } cases[] = {
        {"cuont", "count"},
        {"coutn", "count"},
        {"modle", "model"},
        {"confg", "config"},
        {"cnt", NULL},
        {"x", NULL},
        {"", NULL},
        {"completoin", "completion"},
        {"quantize", NULL},
        {"model", "model"},
        {"configg", "config"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        const char *got = dm_nearest(cases[i].given, names);
        if (!cases[i].want) {
            assert_null(got);
        } else {
            assert_non_null(got);
            assert_string_equal(got, cases[i].want);
        }
    }
    char long_name[400];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_null(dm_nearest(long_name, names));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_text_is_copied), cmocka_unit_test(test_names),
        cmocka_unit_test(test_find),           cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What `demeter count` prints, in every format, and the words of the progress bar. */
#include "cmd/report.h"

#include <string.h>

#include <jansson.h>

#include "cmd/progress.h"
#include "support/fake_result.h"

static const struct inputs_item items[] = {
    {.path = "fotos/c01.jpg", .stem = "c01"},
    {.path = "fotos/a,\"b\".jpg", .stem = "a"},
    {.path = "fotos/c17.jpg", .stem = "c17"},
};

static void fill(struct photo_row *row, size_t i)
{
    *row = (struct photo_row){.item = &items[i],
                              .w = 4000,
                              .h = 3000,
                              .detected = 1842,
                              .estimated = 31,
                              .total = 1873,
                              .empty_containers = 12,
                              .by_type = {1800, 42, 0, 0},
                              .containers_by_type = {2, 1, 0, 0},
                              .confidence = 0.794,
                              .seconds = 1.79,
                              .has_gps = i == 0,
                              .latitude_deg = -34.5,
                              .longitude_deg = -58.25,
                              .gps_error_m = (double)NAN,
                              .captured_at = "2026-11-23T15:04:05",
                              .json = "{\"image\":{}}"};
    if (i == 2) {
        *row = (struct photo_row){.item = &items[i],
                                  .code = DM_EDECODE,
                                  .err = {.code = DM_EDECODE, .text = "JPEG ends at byte 81920"},
                                  .captured_at = ""};
    }
}

/* Report n photos, the first ones of the list above. */
static char *reported(const struct report_format *format, size_t n, enum lang lang)
{
    char *text = NULL;
    size_t size = 0;
    struct dm_err e = {0};
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    struct inputs inputs = {.item = (struct inputs_item *)(uintptr_t)items, .n = n};
    struct cmd_run r = {.out = out, .err = stderr, .lang = lang};
    struct report p = {.r = &r, .format = format, .inputs = &inputs, .seconds = 87};
    format->begin(&p);
    for (size_t i = 0; i < n; i++) {
        struct photo_row row;
        fill(&row, i);
        assert_ok(report_photo(&p, &row, &e), &e);
    }
    format->end(&p);
    assert_int_equal(p.n_failed, n > 2);
    assert_int_equal(fclose(out), 0);
    dm_arena_clear(&r.arena);
    return text;
}

static const struct report_format *named(const char *name)
{
    for (size_t i = 0; report_formats[i].name; i++) {
        if (!strcmp(report_formats[i].name, name)) {
            return &report_formats[i];
        }
    }
    fail();
    return NULL;
}

/* product.md section 4, word for word. */
static void test_one_photo(void **state)
{
    (void)state;
    char *text = reported(&report_text, 1, LANG_ES);
    assert_string_equal(text, "fotos/c01.jpg   4000x3000   2 segmentos, 1 cajón   1,8 s\n"
                              "  detectadas 1.842   estimadas 31   total 1.873   vacías 12   "
                              "confianza 0,79\n");
    free(text);
    text = reported(&report_text, 1, LANG_EN);
    assert_non_null(strstr(text, "2 segments, 1 box   1.8 s\n  detected 1,842 "));
    free(text);
}

static void test_table(void **state)
{
    (void)state;
    char *text = reported(&report_text, 3, LANG_ES);
    assert_non_null(strstr(text, "fotos/c17.jpg    sin contar, ver abajo\n"));
    assert_non_null(strstr(text, "2 fotos"));
    assert_non_null(strstr(text, "3.684"));
    /* every line but the failed one is as wide as the heading */
    size_t width = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t n = 0;
        for (const char *c = line; *c; c++) {
            n += ((unsigned char)*c & 0xC0) != 0x80;
        }
        width = width ? width : n;
        if (!strstr(line, "sin contar")) {
            assert_int_equal(n, width);
        }
    }
    free(text);
}

static void test_ndjson(void **state)
{
    (void)state;
    char *text = reported(named("json"), 3, LANG_ES);
    assert_string_equal(text,
                        "{\"image\":{}}\n{\"image\":{}}\n{\"image\":{\"path\":\"fotos/c17.jpg\"}"
                        ",\"error\":{\"code\":\"decode_failed\",\"message\":\"JPEG ends at "
                        "byte 81920\"}}\n");
    free(text);
}

static void test_csv(void **state)
{
    (void)state;
    char *text = reported(named("csv"), 3, LANG_ES);
    const char *row = strstr(text, "\r\n");
    assert_non_null(row);
    assert_string_equal(row + 2,
                        "fotos/c01.jpg,4000,3000,1842,31,1873,1800,42,0,0,12,false,0.794,1.790,"
                        "-34.5000000,-58.2500000,2026-11-23T15:04:05,,\r\n"
                        "\"fotos/a,\"\"b\"\".jpg\",4000,3000,1842,31,1873,1800,42,0,0,12,false,"
                        "0.794,1.790,,,2026-11-23T15:04:05,,\r\n"
                        "fotos/c17.jpg,,,,,,,,,,,,,,,,,decode_failed,JPEG ends at byte 81920\r\n");
    free(text);
}

static void test_geojson(void **state)
{
    (void)state;
    json_error_t error;
    char *text = reported(named("geojson"), 3, LANG_ES);
    json_t *j = json_loads(text, 0, &error);
    assert_non_null(j);
    json_t *features = json_object_get(j, "features");
    assert_int_equal(json_array_size(features), 3);
    json_t *place = json_object_get(json_array_get(features, 0), "geometry");
    json_t *coordinates = json_object_get(place, "coordinates");
    assert_true(json_real_value(json_array_get(coordinates, 0)) == -58.25); /* longitude first */
    assert_true(json_is_null(json_object_get(json_array_get(features, 1), "geometry")));
    json_t *failed = json_object_get(json_array_get(features, 2), "properties");
    assert_non_null(json_object_get(failed, "error"));
    json_decref(j);
    free(text);
    text = reported(named("geojson"), 0, LANG_ES); /* nothing done is still a collection */
    j = json_loads(text, 0, &error);
    assert_non_null(j);
    json_decref(j);
    free(text);
}

static void test_progress(void **state)
{
    (void)state;
    struct cmd_run r = {.lang = LANG_ES};
    struct progress p = {.n = 46, .done = 46, .failed = 1};
    assert_string_equal(progress_line(&p, &r, 87),
                        " 46/46 [####################] 100 %   1,9 s/foto"
                        "   87 s   1 con problema");
    p = (struct progress){.n = 46, .done = 12};
    assert_string_equal(progress_line(&p, &r, 4),
                        " 12/46 [#####...............]  26 %   3,0 fotos/s   faltan 11 s");
    p = (struct progress){.n = 46};
    assert_string_equal(progress_line(&p, &r, 1), " 0/46 [....................]   0 %");
    dm_arena_clear(&r.arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_photo), cmocka_unit_test(test_table),
        cmocka_unit_test(test_ndjson),    cmocka_unit_test(test_csv),
        cmocka_unit_test(test_geojson),   cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

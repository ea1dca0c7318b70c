/* SPDX-License-Identifier: Apache-2.0
 *
 * Writers of reports: formulas stay text, numbers stay numbers, files have their names. */
#include "support/testing.h"

#include <string.h>

#include <jansson.h>

#include "inventory/sheet.h"

static const struct sheet_column columns[] = {
    {"name", "", SHEET_TEXT, false},          {"plants", "", SHEET_INT, false},
    {"value", "", SHEET_MONEY, true},         {"share", "", SHEET_PERCENT, false},
    {"counted_at", "", SHEET_INSTANT, false}, {"geojson", "", SHEET_JSON, false},
};

static struct sheet made(struct dm_arena *a, const char *name)
{
    struct sheet s = {.name = "stock",
                      .title = "Stock",
                      .column = columns,
                      .n_columns = DM_COUNT(columns),
                      .made_at_ms = INT64_C(1769851800000), /* 2026-01-31T09:30:00Z */
                      .currency = "ARS"};
    struct sheet_cell *row = sheet_add(&s, a);
    row[0] = sheet_t(name);
    row[1] = sheet_i(-5);
    row[2] = sheet_i(123456);
    row[3] = sheet_r(12.345);
    row[4] = sheet_i(INT64_C(1769851800000));
    row[5] = sheet_t("{\"type\":\"Polygon\",\"coordinates\":[]}");
    (void)sheet_add(&s, a); /* all null */
    return s;
}

static void csv_guards_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cell;
    } rows[] = {
        {"Claro 1", "Claro 1"},    {"=1+1", "'=1+1"},
        {"+5491", "'+5491"},       {"-x", "'-x"},
        {"@SUM(A1)", "'@SUM(A1)"}, {"\tx", "'\tx"},
        {"a,b", "\"a,b\""},        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"=A,B", "\"'=A,B\""},     {"two\nlines", "\"two\nlines\""},
        {"ñandú", "ñandú"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(1 << 16);
        char want[512];
        const struct sheet s = made(&a, rows[i].text);
        sheet_csv(&s, NULL, &out);
        (void)snprintf(
            want, sizeof(want),
            "name,plants,value,share,counted_at,geojson\r\n%s,-5,1234.56,12.35,"
            "2026-01-31T09:30:00+00:00,\"{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\""
            ":[]}\"\r\n,,,,,\r\n",
            rows[i].cell);
        assert_string_equal(dm_buf_str(&out), want);
    }
}

static void csv_has_what_is_asked_for(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(1 << 16);
    struct dm_err e = {0};
    struct sheet s = made(&a, "x;y");
    const struct sheet_options o = {.separator = ';', .bom = true, .metadata = true};
    assert_ok(sheet_filter(&s, &a, &e, "nave", "NAVE01\r\nINJECTED"), &e);
    sheet_csv(&s, &o, &out);
    assert_memory_equal(dm_buf_str(&out), "\xEF\xBB\xBF# report: Stock\r\n", 20);
    assert_non_null(strstr(dm_buf_str(&out), "# nave: NAVE01  INJECTED\r\nname;plants"));
    assert_non_null(strstr(dm_buf_str(&out), "\r\n\"x;y\";-5;"));
}

static void json_and_geojson_parse(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(1 << 16);
    struct dm_err e = {0};
    struct sheet s = made(&a, "=\"quo\\te\"\x01");
    sheet_json(&s, &out);
    json_t *j = json_loads(dm_buf_str(&out), 0, NULL);
    assert_non_null(j);
    const json_t *row = json_array_get(json_object_get(j, "rows"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "name")), "=\"quo\\te\"\x01");
    assert_int_equal(json_integer_value(json_object_get(row, "value")), 123456);
    assert_string_equal(json_string_value(json_object_get(row, "counted_at")),
                        "2026-01-31T09:30:00.000Z");
    assert_true(
        json_is_null(json_object_get(json_array_get(json_object_get(j, "rows"), 1), "plants")));
    json_decref(j);
    dm_buf_clear(&out);
    assert_ok(sheet_geojson(&s, &out, &e), &e);
    j = json_loads(dm_buf_str(&out), 0, NULL);
    assert_non_null(j);
    const json_t *f = json_array_get(json_object_get(j, "features"), 0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(f, "geometry"), "type")),
                        "Polygon");
    assert_null(json_object_get(json_object_get(f, "properties"), "geojson"));
    json_decref(j);
    s.n_columns--; /* without the polygons */
    assert_int_equal(sheet_geojson(&s, &out, NULL), DM_EUSAGE);
}

static void workbooks_are_zip_files_with_three_sheets(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(1 << 20);
    struct dm_err e = {0};
    struct sheet s = made(&a, "=HYPERLINK(1)");
    assert_ok(sheet_summary(&s, &a, &e, "plants", "%d", 7), &e);
    assert_ok(sheet_xlsx(&s, &out, &e), &e);
    assert_memory_equal(out.data, "PK\x03\x04", 4);
    assert_non_null(memmem(out.data, out.len, "xl/worksheets/sheet3.xml", 24));
    assert_null(memmem(out.data, out.len, "xl/worksheets/sheet4.xml", 24));
}

/* 512 points are 46 lines; the first page begins lower. */
static void pages_of_a_pdf(void **state)
{
    (void)state;
    static const struct {
        size_t rows, pages;
    } sizes[] = {{2, 1}, {200, 5}};
    for (size_t i = 0; i < DM_COUNT(sizes); i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(1 << 22);
        struct dm_err e = {0};
        struct sheet s = made(&a, "Ñandú");
        size_t pages = 0;
        while (s.n_rows < sizes[i].rows) {
            sheet_add(&s, &a)[1] = sheet_i((int64_t)s.n_rows);
        }
        assert_ok(sheet_filter(&s, &a, &e, "warehouse", "%d", 7), &e);
        assert_ok(sheet_pdf(&s, &out, &e), &e);
        assert_memory_equal(out.data, "%PDF-1.", 7);
        for (const char *p = out.data, *end = out.data + out.len;
             (p = memmem(p, (size_t)(end - p), "/Type /Page %", 13)) != NULL; p++) {
            pages++;
        }
        assert_int_equal(pages, sizes[i].pages);
        s.n_rows = 50001;
        assert_int_equal(sheet_pdf(&s, &out, NULL), DM_ELIMIT);
    }
}

static void names_and_money(void **state)
{
    (void)state;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    char name[SHEET_NAME_MAX];
    struct sheet s = made(&a, "x");
    assert_string_equal(sheet_file_name(&s, SHEET_XLSX, name),
                        "demeter_stock_20260131_093000.xlsx");
    assert_int_equal(sheet_find(&s, "value"), 2);
    assert_ok(sheet_hide_money(&s, &a, &e), &e);
    assert_int_equal(sheet_find(&s, "value"), -1);
    assert_int_equal(s.n_columns, DM_COUNT(columns) - 1);
    assert_int_equal(s.cell[1].i, -5);
    assert_true(s.cell[s.n_columns].null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_guards_formulas),
        cmocka_unit_test(csv_has_what_is_asked_for),
        cmocka_unit_test(json_and_geojson_parse),
        cmocka_unit_test(workbooks_are_zip_files_with_three_sheets),
        cmocka_unit_test(pages_of_a_pdf),
        cmocka_unit_test(names_and_money),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

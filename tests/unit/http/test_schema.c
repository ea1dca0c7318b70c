/* SPDX-License-Identifier: Apache-2.0
 *
 * Values by their tables (api.md 1.3, 1.5): what comes in, in which form, and which fault is named;
 * and replies held against theirs. */
#include <stdlib.h>
#include <string.h>

#include "http/schema.h"
#include "support/testing.h"

/* ---- one field at a time --------------------------------------------------------------------- */

static const struct http_field inner_fields[] = {{"a", HTTP_INT, HTTP_REQ}, {NULL}};
static const struct http_schema Inner = {"Inner", inner_fields};

#define TEXT true
#define JSON false

static const struct {
    struct http_field field;
    bool text;        /* of a query, else of JSON */
    const char *in;   /* JSON; NULL: not given */
    const char *out;  /* JSON; NULL: absent */
    const char *type; /* of the one fault; NULL: none */
} rows[] = {
    {{"v", HTTP_INT}, JSON, "7", "7"},
    {{"v", HTTP_INT}, JSON, "7.0", "7"},
    {{"v", HTTP_INT}, JSON, "\"-12\"", "-12"},
    {{"v", HTTP_INT}, JSON, "7.5", NULL, "int_from_float"},
    {{"v", HTTP_INT}, JSON, "\"7x\"", NULL, "int_parsing"},
    {{"v", HTTP_INT}, JSON, "\"\"", NULL, "int_parsing"},
    {{"v", HTTP_INT}, JSON, "\" 7\"", NULL, "int_parsing"},
    {{"v", HTTP_INT}, JSON, "\"9223372036854775808\"", NULL, "int_parsing"},
    {{"v", HTTP_INT}, JSON, "true", NULL, "int_type"},
    {{"v", HTTP_INT}, JSON, "[]", NULL, "int_type"},
    {{"v", HTTP_INT, .min = 1, .max = 9}, JSON, "0", NULL, "greater_than_equal"},
    {{"v", HTTP_INT, .min = 1, .max = 9}, JSON, "10", NULL, "less_than_equal"},
    {{"v", HTTP_INT, .min = 1, .max = 9}, JSON, "9", "9"},
    {{"v", HTTP_INT, .min = 1}, JSON, "2147483648", "2147483648"},
    {{"v", HTTP_INT, HTTP_ABOVE}, JSON, "0", NULL, "greater_than"},
    {{"v", HTTP_INT, HTTP_ABOVE}, JSON, "1", "1"},
    {{"v", HTTP_INT}, TEXT, "\"\"", NULL, "int_parsing"},
    {{"v", HTTP_INT}, JSON, "null", NULL},
    {{"v", HTTP_INT, HTTP_NULL}, JSON, "null", "null"},
    {{"v", HTTP_INT, HTTP_REQ}, JSON, "null", NULL, "missing"},
    {{"v", HTTP_INT, HTTP_REQ}, JSON, NULL, NULL, "missing"},
    {{"v", HTTP_INT, .fallback = "3"}, JSON, NULL, "3"},
    {{"v", HTTP_INT, .fallback = "3"}, JSON, "null", "3"},
    {{"v", HTTP_INT, HTTP_NULL, .fallback = "3"}, JSON, "null", "null"},
    {{"v", HTTP_NUM}, JSON, "\"1.5e2\"", "150.0"},
    {{"v", HTTP_NUM}, JSON, "\"nan\"", NULL, "float_parsing"},
    {{"v", HTTP_NUM}, JSON, "\"Infinity\"", NULL, "float_parsing"},
    {{"v", HTTP_NUM}, JSON, "\"0x10\"", NULL, "float_parsing"},
    {{"v", HTTP_NUM}, JSON, "\"1e999\"", NULL, "float_parsing"},
    {{"v", HTTP_NUM}, JSON, "false", NULL, "float_type"},
    {{"v", HTTP_BOOL}, JSON, "true", "true"},
    {{"v", HTTP_BOOL}, JSON, "\"yes\"", NULL, "bool_parsing"},
    {{"v", HTTP_BOOL}, JSON, "1", NULL, "bool_type"},
    {{"v", HTTP_BOOL}, TEXT, "\"Yes\"", "true"},
    {{"v", HTTP_BOOL}, TEXT, "\"OFF\"", "false"},
    {{"v", HTTP_BOOL}, TEXT, "\"n\"", "false"},
    {{"v", HTTP_BOOL}, TEXT, "\"2\"", NULL, "bool_parsing"},
    {{"v", HTTP_STR, .min = 2, .max = 4},
     JSON,
     "\"\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\"",
     "\"\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\""},
    {{"v", HTTP_STR, .min = 2, .max = 4}, JSON, "\"\xc3\xb1\"", NULL, "string_too_short"},
    {{"v", HTTP_STR, .min = 2, .max = 4}, JSON, "\"abcde\"", NULL, "string_too_long"},
    {{"v", HTTP_STR}, JSON, "7", NULL, "string_type"},
    {{"v", HTTP_STR, HTTP_TRIM, .min = 1}, JSON, "\" a \"", "\"a\""},
    {{"v", HTTP_STR, HTTP_TRIM, .min = 1}, JSON, "\"  \"", NULL, "string_too_short"},
    {{"v", HTTP_STR, HTTP_UPPER, .pattern = "[A-Z]+"}, JSON, "\"ab\"", "\"AB\""},
    {{"v", HTTP_STR, .pattern = "[A-Z]+"}, JSON, "\"AbC\"", NULL, "string_pattern_mismatch"},
    {{"v", HTTP_STR, .pattern = "a|ab"}, JSON, "\"ab\"", "\"ab\""},
    {{"v", HTTP_STR, .one_of = "pot|tray"}, JSON, "\"tray\"", "\"tray\""},
    {{"v", HTTP_STR, .one_of = "pot|tray"}, JSON, "\"po\"", NULL, "enum"},
    {{"v", HTTP_STR, .one_of = "pot|tray"}, JSON, "\"\"", NULL, "enum"},
    {{"v", HTTP_UUID},
     JSON,
     "\"3F2A1C9E-5B1D-4E0A-9D57-0C4A7E6B8F21\"",
     "\"3f2a1c9e-5b1d-4e0a-9d57-0c4a7e6b8f21\""},
    {{"v", HTTP_UUID}, JSON, "\"3f2a1c9e5b1d4e0a9d570c4a7e6b8f21\"", NULL, "uuid_parsing"},
    {{"v", HTTP_UUID}, JSON, "\"3f2a1c9e-5b1d-4e0a-9d57-0c4a7e6b8f211\"", NULL, "uuid_parsing"},
    {{"v", HTTP_DATE}, JSON, "\"2024-02-29\"", "\"2024-02-29\""},
    {{"v", HTTP_DATE}, JSON, "\"2023-02-29\"", NULL, "date_from_datetime_parsing"},
    {{"v", HTTP_DATE}, JSON, "\"2023-2-9\"", NULL, "date_from_datetime_parsing"},
    {{"v", HTTP_INSTANT}, JSON, "\"1970-01-01T00:00:01Z\"", "1000"},
    {{"v", HTTP_INSTANT}, JSON, "\"1970-01-01T02:00:01.5+02:00\"", "1500"},
    {{"v", HTTP_INSTANT}, JSON, "\"1970-01-01T00:00:01\"", "1000"},
    {{"v", HTTP_INSTANT}, JSON, "1.25", "1250"},
    {{"v", HTTP_INSTANT}, JSON, "\"1970-13-01T00:00:01Z\"", NULL, "datetime_parsing"},
    {{"v", HTTP_INSTANT}, JSON, "\"soon\"", NULL, "datetime_parsing"},
    {{"v", HTTP_INT, HTTP_LIST}, JSON, "[1,\"2\"]", "[1,2]"},
    {{"v", HTTP_INT, HTTP_LIST}, JSON, "7", NULL, "list_type"},
    {{"v", HTTP_INT, HTTP_LIST}, JSON, "[1,\"x\"]", NULL, "int_parsing"},
    {{"v", HTTP_INT, HTTP_LIST, .items_min = 1}, JSON, "[]", NULL, "too_short"},
    {{"v", HTTP_INT, HTTP_LIST, .items_max = 2}, JSON, "[1,2,3]", NULL, "too_long"},
    {{"v", HTTP_INT, HTTP_LIST}, TEXT, "\"1,2\"", "[1,2]"},
    {{"v", HTTP_OBJ, .of = &Inner}, JSON, "{\"a\":1,\"b\":2}", "{\"a\":1}"},
    {{"v", HTTP_OBJ, .of = &Inner}, JSON, "{}", NULL, "missing"},
    {{"v", HTTP_OBJ, .of = &Inner}, JSON, "[1]", NULL, "dict_type"},
    {{"v", HTTP_OBJ}, JSON, "{\"any\":[1]}", "{\"any\":[1]}"},
    {{"v", HTTP_OBJ, HTTP_LIST, .of = &Inner}, JSON, "[{\"a\":1}]", "[{\"a\":1}]"},
    {{"v", HTTP_MAP}, JSON, "{\"x\":1,\"y\":\"2\"}", "{\"x\":1,\"y\":2}"},
    {{"v", HTTP_MAP}, JSON, "{\"x\":\"no\"}", NULL, "int_parsing"},
    {{"v", HTTP_MAP, .of = &Inner}, JSON, "{\"x\":{\"a\":1}}", "{\"x\":{\"a\":1}}"},
    {{"v", HTTP_ANY}, JSON, "[1,{\"b\":null}]", "[1,{\"b\":null}]"},
    {{"other", HTTP_INT, .alias = "v"}, JSON, "7", "7"},
};

/* The values of one row: taken, and its faults. */
static json_t *take(size_t i, json_t **ret_issues)
{
    struct dm_err e = {0};
    const struct http_field fields[] = {rows[i].field, {NULL}};
    const struct http_schema schema = {NULL, fields};
    json_t *value = rows[i].in ? json_loads(rows[i].in, JSON_DECODE_ANY, NULL) : NULL;
    json_t *out = NULL;
    *ret_issues = json_array();
    assert_true(!rows[i].in || value);
    if (rows[i].text) {
        json_t *pairs = json_pack("[[s, o]]", "v", value);
        assert_ok(http_take_pairs(fields, pairs, "query", *ret_issues, &out, &e), &e);
        json_decref(pairs);
    } else {
        json_t *in = value ? json_pack("{s:o}", "v", value) : json_object();
        assert_ok(http_take_object(&schema, in, "body", *ret_issues, &out, &e), &e);
        json_decref(in);
    }
    return out;
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        json_t *issues = NULL;
        json_t *out = take(i, &issues);
        const json_t *found = json_object_get(out, rows[i].field.name);
        json_t *wanted = rows[i].out ? json_loads(rows[i].out, JSON_DECODE_ANY, NULL) : NULL;
        const char *type = json_string_value(json_object_get(json_array_get(issues, 0), "type"));
        bool same_fault = rows[i].type ? type && !strcmp(type, rows[i].type) : !type;
        if (!same_fault || json_array_size(issues) > 1 ||
            (rows[i].out ? !json_equal(found, wanted) : found != NULL)) {
            char *text = found ? json_dumps(found, JSON_ENCODE_ANY) : NULL;
            fail_msg("row %zu (%s): gives %s, fault %s", i, rows[i].in ? rows[i].in : "absent",
                     text ? text : "nothing", type ? type : "none");
        }
        json_decref(wanted);
        json_decref(out);
        json_decref(issues);
    }
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_faults_are_complete(void **state)
{
    (void)state;
    static const struct http_field fields[] = {
        {"name", HTTP_STR, HTTP_REQ, .max = 3},
        {"list", HTTP_OBJ, HTTP_LIST, .of = &Inner},
        {"password", HTTP_STR, HTTP_SECRET, .min = 12},
        {NULL},
    };
    static const struct http_schema schema = {NULL, fields};
    struct dm_err e = {0};
    json_t *out = NULL;
    json_t *issues = json_array();
    json_t *in = json_loads("{\"name\":\"abcd\",\"list\":[{\"a\":1},{\"a\":\"x\"}],"
                            "\"password\":\"hunter2\"}",
                            0, NULL);
    json_t *wanted = json_loads(
        "[{\"type\":\"string_too_long\",\"loc\":[\"body\",\"name\"],\"msg\":\"String should have "
        "at "
        "most 3 characters\",\"input\":\"abcd\",\"ctx\":{\"max_length\":3.0}},"
        "{\"type\":\"int_parsing\",\"loc\":[\"body\",\"list\",1,\"a\"],\"msg\":\"Input should be a "
        "valid integer\",\"input\":\"x\"},"
        "{\"type\":\"string_too_short\",\"loc\":[\"body\",\"password\"],\"msg\":\"String should "
        "have "
        "at least 12 characters\",\"ctx\":{\"min_length\":12.0}}]",
        0, NULL);
    assert_ok(http_take_object(&schema, in, "body", issues, &out, &e), &e);
    if (!json_equal(issues, wanted)) {
        char *text = json_dumps(issues, 0);
        fail_msg("%s", text);
    }
    json_decref(in);
    json_decref(out);
    json_decref(issues);
    json_decref(wanted);
}

/* ---- replies --------------------------------------------------------------------------------- */

static const struct http_field base_fields[] = {{"id", HTTP_INT}, {NULL}};
static const struct http_schema Base = {"Base", base_fields};
static const struct http_field reply_fields[] = {
    {"kind", HTTP_STR, .one_of = "pot|tray"},
    {"at", HTTP_INSTANT, HTTP_NULL},
    {"more", HTTP_STR, HTTP_OPT},
    {"list", HTTP_OBJ, HTTP_LIST, .of = &Inner},
    {"counts", HTTP_MAP},
    {NULL},
};
static const struct http_schema Reply = {"Reply", reply_fields, &Base};
#define GOOD "\"id\":1,\"kind\":\"pot\",\"at\":null,\"list\":[],\"counts\":{\"a\":1}"

static void test_replies(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words; /* of the error; NULL: good */
        bool list;
    } cases[] = {
        {"{" GOOD "}", NULL},
        {"{" GOOD ",\"more\":\"x\"}", NULL},
        {"[{" GOOD "}]", NULL, true},
        {"{" GOOD "}", "not a list", true},
        {"{" GOOD ",\"extra\":1}", "unknown member extra"},
        {"{\"id\":1,\"kind\":\"pot\",\"list\":[],\"counts\":{}}", "no member at"},
        {"{\"kind\":\"pot\",\"at\":null,\"list\":[],\"counts\":{}}", "no member id"},
        {"{\"id\":1,\"kind\":\"box\",\"at\":null,\"list\":[],\"counts\":{}}", "kind: not one of"},
        {"{\"id\":1,\"kind\":null,\"at\":null,\"list\":[],\"counts\":{}}", "kind: null"},
        {"{\"id\":1.5,\"kind\":\"pot\",\"at\":null,\"list\":[],\"counts\":{}}", "id: another type"},
        {"{\"id\":1,\"kind\":\"pot\",\"at\":\"2026-11-23\",\"list\":[],\"counts\":{}}",
         "at: not an instant"},
        {"{\"id\":1,\"kind\":\"pot\",\"at\":\"2026-11-23T10:00:00\",\"list\":[],\"counts\":{}}",
         "at: not an instant"},
        {"{\"id\":1,\"kind\":\"pot\",\"at\":null,\"list\":[{\"a\":1},{\"a\":\"1\"}],\"counts\":{}}",
         "list[1].a"},
        {"{\"id\":1,\"kind\":\"pot\",\"at\":null,\"list\":{},\"counts\":{}}", "list: not a list"},
        {"{\"id\":1,\"kind\":\"pot\",\"at\":null,\"list\":[],\"counts\":{\"a\":\"b\"}}",
         "counts.a"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        json_t *v = json_loads(cases[i].json, 0, NULL);
        assert_non_null(v);
        int code = http_check_reply(&Reply, cases[i].list, v, &e);
        assert_int_equal(code, cases[i].words ? DM_EINTERNAL : DM_OK);
        if (cases[i].words && !strstr(e.text, cases[i].words)) {
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].words);
        }
        json_decref(v);
    }
}

static void test_instants(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {1500, "1970-01-01T00:00:01.500Z"},
                 {-1, "1969-12-31T23:59:59.999Z"},
                 {INT64_C(1709164800000), "2024-02-29T00:00:00Z"},
                 {INT64_C(4102444799999), "2099-12-31T23:59:59.999Z"}};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        char text[HTTP_INSTANT_SIZE];
        int64_t back = 0;
        http_instant_text(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
        assert_true(http_instant_parse(text, &back) && back == cases[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_faults_are_complete),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

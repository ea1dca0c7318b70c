/* SPDX-License-Identifier: Apache-2.0
 *
 * Python literals in the metadata of a model file. */
#include "nn/pyrepr.h"

#include <string.h>

#include "base/limits.h"
#include "support/testing.h"

// clang-format off
static const struct {
    const char *text;
    int n; /* names, or a negative code */
    const char *names[4];
} name_cases[] = {
    {"{0: 'cajon', 1: 'claro-cajon'}", 2, {"cajon", "claro-cajon"}},
    {"{1: 'b', 0: 'a'}", 2, {"a", "b"}},
    {"{0:'a',1:'b',}", 2, {"a", "b"}},
    {"  { 0 : \"it's\" }  ", 1, {"it's"}},
    {"{0: 'say \"hi\"'}", 1, {"say \"hi\""}},
    {"{0: 'it\\'s \"so\"'}", 1, {"it's \"so\""}},
    {"{0: 'back\\\\slash', 1: 'line\\nbreak\\ttab\\r'}", 2, {"back\\slash", "line\nbreak\ttab\r"}},
    {"{0: 'caf\\xe9', 1: '\\u20ac', 2: '\\U0001f331'}", 3,
     {"caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\xB1"}},
    {"{0: 'maceta \xC3\xB1'}", 1, {"maceta \xC3\xB1"}},
    {"{0: 'a, b', 1: 'c: d}'}", 2, {"a, b", "c: d}"}},
    {"{0: ''}", 1, {""}},
    {"['plug', \"pot\"]", 2, {"plug", "pot"}},
    {"{0: 'bad \xFF byte'}", 1, {"bad \xEF\xBF\xBD byte"}},
    {"", DM_EMODEL, {NULL}},
    {"{}", DM_EMODEL, {NULL}},
    {"[]", DM_EMODEL, {NULL}},
    {"None", DM_EMODEL, {NULL}},
    {"'plug'", DM_EMODEL, {NULL}},
    {"{0: 'a'", DM_EMODEL, {NULL}},
    {"{0: 'a", DM_EMODEL, {NULL}},
    {"{0: 'a\\", DM_EMODEL, {NULL}},
    {"{0: 'a'} x", DM_EMODEL, {NULL}},
    {"{0: 'a' 'b'}", DM_EMODEL, {NULL}},
    {"{0 'a'}", DM_EMODEL, {NULL}},
    {"{'a': 0}", DM_EMODEL, {NULL}},
    {"{0: 'a', 0: 'b'}", DM_EMODEL, {NULL}},
    {"{1: 'a', 2: 'b'}", DM_EMODEL, {NULL}},
    {"{-1: 'a'}", DM_EMODEL, {NULL}},
    {"{99999999999999999999: 'a'}", DM_EMODEL, {NULL}},
    {"{0: 'a\\q'}", DM_EMODEL, {NULL}},
    {"{0: '\\x4'}", DM_EMODEL, {NULL}},
    {"{0: '\\xzz'}", DM_EMODEL, {NULL}},
    {"{0: '\\x00'}", DM_EMODEL, {NULL}},
    {"{0: '\\ud800'}", DM_EMODEL, {NULL}},
    {"{0: '\\U00110000'}", DM_EMODEL, {NULL}},
    {"{0: ['a']}", DM_EMODEL, {NULL}},
};
// clang-format on

static void names_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(name_cases); i++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        const char *const *names = NULL;
        int n = nn_py_names(name_cases[i].text, &a, &names, &e);
        if (n != name_cases[i].n) {
            fail_msg("%s: %d, expected %d (%s)", name_cases[i].text, n, name_cases[i].n,
                     dm_err_text(&e));
        }
        for (int k = 0; k < n; k++) {
            assert_string_equal(names[k], name_cases[i].names[k]);
        }
        dm_arena_clear(&a);
    }
}

static void names_have_limits(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    const char *const *names = NULL;
    size_t size = 16 * (LIMIT_MODEL_CLASSES + 1);
    char *text = test_malloc(size);
    size_t at = 0;
    for (int i = 0; i <= LIMIT_MODEL_CLASSES; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%d: 'x'", i ? ", " : "{", i);
    }
    text[at++] = '}';
    text[at] = '\0';
    assert_int_equal(nn_py_names(text, &a, &names, &e), DM_ELIMIT);
    (void)snprintf(text, size, "{0: '%0*d'}", LIMIT_MODEL_NAME_BYTES, 0);
    assert_int_equal(nn_py_names(text, &a, &names, &e), 1);
    (void)snprintf(text, size, "{0: '%0*d'}", LIMIT_MODEL_NAME_BYTES + 1, 0);
    assert_int_equal(nn_py_names(text, &a, &names, &e), DM_ELIMIT);
    dm_arena_clear(&a);
    test_free(text);
}

static void numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int n;
        int64_t v[2];
    } cases[] = {
        {"[640, 480]", 2, {640, 480}},
        {"(640,480)", 2, {640, 480}},
        {" [ 640 , 480 , ] ", 2, {640, 480}},
        {"640", 1, {640}},
        {"[640]", 1, {640}},
        {"-3", 1, {-3}},
        {"[1, 2, 3]", -1, {0}},
        {"", -1, {0}},
        {"[]", -1, {0}},
        {"[640", -1, {0}},
        {"640]", -1, {0}},
        {"640 480", -1, {0}},
        {"640, 480", -1, {0}},
        {"six", -1, {0}},
        {"32.5", -1, {0}},
        {"1234567890123456789", -1, {0}},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        int64_t v[2] = {0};
        int n = nn_py_ints(cases[i].text, 2, v);
        if (n != cases[i].n) {
            fail_msg("%s: %d, expected %d", cases[i].text, n, cases[i].n);
        }
        for (int k = 0; k < n; k++) {
            assert_int_equal(v[k], cases[i].v[k]);
        }
    }
}

static void arguments_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool nms;
    } cases[] = {
        {"{'batch': 1, 'half': False, 'nms': True}", true},
        {"{'nms':True}", true},
        {"{\"nms\": 1}", true},
        {"{'nms': False}", false},
        {"{'nms': 0}", false},
        {"{'nms': None}", false},
        {"{'batch': 1, 'half': True}", false},
        {"{'a': {'nms': True}, 'b': [1, (2, 3)], 'nms': False}", false},
        {"{'a': {'x': '}'}, 'b': [1, (2, 3)], 'nms': True}", true},
        {"{'a': \"', 'nms': True\", 'nms': False}", false},
        {"{'nms", false},
        {"{'a': [, 'nms': True", false},
        {"nms", false},
        {"", false},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        if (nn_py_dict_true(cases[i].text, "nms") != cases[i].nms) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(arguments_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

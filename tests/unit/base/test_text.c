/* SPDX-License-Identifier: Apache-2.0
 *
 * Text, paths and digests. */
#include "base/text.h"

#include <string.h>

#include "base/hash.h"
#include "support/testing.h"

#define BAD "\xEF\xBF\xBD"

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        const char *in, *json, *terminal;
    } cases[] = {
        {"ñandú 🌱.jpg", "ñandú 🌱.jpg", "ñandú 🌱.jpg"},
        {"a\x1b[2Jb\n", "a\x1b[2Jb\n", "a" BAD "[2Jb" BAD},
        {"\xC2\x9B"
         "x",
         "\xC2\x9B"
         "x",
         BAD "x"},
        {"\xF1"
         "andu",
         BAD "andu", BAD "andu"},                               /* Latin-1 */
        {"\xC0\xAF", BAD BAD, BAD BAD},                         /* overlong */
        {"\xED\xA0\x80", BAD BAD BAD, BAD BAD BAD},             /* surrogate */
        {"\xF4\x90\x80\x80", BAD BAD BAD BAD, BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xE2\x82", BAD BAD, BAD BAD},                         /* cut */
        {"", "", ""},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(dm_text_clean(cases[i].in, DM_TEXT_JSON, &a), cases[i].json);
        assert_string_equal(dm_text_clean(cases[i].in, DM_TEXT_TERMINAL, &a), cases[i].terminal);
    }
    assert_ptr_equal(dm_text_clean(cases[0].in, DM_TEXT_JSON, &a), cases[0].in);
    dm_arena_clear(&a);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(dm_text_width("vacías 🌱"), 8);
    assert_int_equal(dm_text_prefix("vacías", 4), 5);
    assert_int_equal(dm_text_prefix("vacías", 3), 3);
    assert_int_equal(dm_text_prefix("vacías", 0), 0);
    assert_int_equal(dm_text_prefix("abc", 9), 3);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *base, *stem;
    } cases[] = {
        {"fotos/c01.jpg", "c01.jpg", "c01"},
        {"c01", "c01", "c01"},
        {"/a.b/c01.tar.gz", "c01.tar.gz", "c01.tar"},
        {".hidden", ".hidden", ".hidden"},
        {"dir/", "", ""},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(dm_path_base(cases[i].path), cases[i].base);
        assert_string_equal(dm_path_stem(cases[i].path, &a), cases[i].stem);
    }
    assert_string_equal(dm_path_join("out", "a.json", &a), "out/a.json");
    assert_string_equal(dm_path_join("out/", "a.json", &a), "out/a.json");
    assert_string_equal(dm_path_join("", "a.json", &a), "a.json");
    assert_string_equal(dm_path_join("out", "/a.json", &a), "/a.json");
    dm_arena_clear(&a);
}

/* FIPS 180-4 examples. */
static void test_sha256(void **state)
{
    (void)state;
    char hex[DM_SHA256_HEX_SIZE];
    dm_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    dm_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: the table of codes, messages, context, forwarding. */
#include "base/error.h"

#include <string.h>

#include "support/testing.h"

static const int codes[] = {
#define X(name, number, http, retry, exit_status, slug, text) number,
#include "base/errors.def"
#undef X
};

static void codes_and_slugs_are_unique_and_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(codes); i++) {
        const struct dm_code_info *a = dm_code_info(codes[i]);
        assert_int_equal(a->code, codes[i]);
        assert_true(a->code < 0);
        assert_in_range(a->http_status, 400, 599);
        assert_in_range(a->exit_status, 1, 5);
        assert_true(a->retry == 0 || a->retry == 1);
        assert_true(strlen(a->slug) > 1 &&
                    strspn(a->slug, "abcdefghijklmnopqrstuvwxyz_") == strlen(a->slug));
        assert_true(strlen(a->text) > 5 && !strchr(a->text, '\n'));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(codes[k], codes[i]);
            assert_string_not_equal(dm_code_info(codes[k])->slug, a->slug);
        }
    }
}

static void unknown_code_is_internal(void **state)
{
    (void)state;
    assert_int_equal(dm_code_info(-12345)->code, DM_EINTERNAL);
    assert_int_equal(dm_code_info(0)->code, DM_EINTERNAL);
    assert_int_equal(dm_code_info(7)->code, DM_EINTERNAL);
}

static int detect(int n, struct dm_err *e)
{
    DM_FAIL(e, DM_ELIMIT, "%d things, the limit is %s", n, "seven");
}

static int forward(int n, struct dm_err *e)
{
    DM_TRY(n > 7 ? detect(n, e) : n);
    return DM_OK;
}

static void detector_fills_and_forwarder_returns(void **state)
{
    (void)state;
    struct dm_err e = {0};
    assert_int_equal(forward(7, &e), DM_OK);
    assert_int_equal(e.code, DM_OK);
    assert_int_equal(forward(8, &e), DM_ELIMIT);
    assert_int_equal(e.code, DM_ELIMIT);
    assert_string_equal(e.text, "8 things, the limit is seven");
    assert_non_null(strstr(e.file, "test_error.c"));
    assert_true(e.line > 0);
    assert_int_equal(forward(8, NULL), DM_ELIMIT);
}

static void error_without_words_has_those_of_its_code(void **state)
{
    (void)state;
    struct dm_err e = {.code = DM_EDECODE};
    assert_string_equal(dm_err_text(&e), dm_code_info(DM_EDECODE)->text);
}

static void context_goes_in_front(void **state)
{
    (void)state;
    struct dm_err e = {0};
    (void)detect(9, &e);
    int line = e.line;
    assert_int_equal(dm_err_context(&e, "photo %s", "a.jpg"), DM_ELIMIT);
    assert_string_equal(e.text, "photo a.jpg: 9 things, the limit is seven");
    assert_int_equal(e.line, line);
    assert_int_equal(e.code, DM_ELIMIT);
    e = (struct dm_err){.code = DM_EIO};
    assert_int_equal(dm_err_context(&e, "disk"), DM_EIO);
    assert_string_equal(e.text, "disk: reading or writing failed");
    assert_true(dm_err_context(NULL, "nobody listens") < 0);
}

static void long_texts_are_cut_and_end(void **state)
{
    (void)state;
    char name[3 * DM_ERR_TEXT_MAX];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct dm_err e = {0};
    (void)dm_err_set(&e, DM_EIO, __FILE__, __LINE__, "%s", name);
    assert_int_equal(strlen(e.text), DM_ERR_TEXT_MAX - 1);
    (void)dm_err_context(&e, "short");
    assert_int_equal(strlen(e.text), DM_ERR_TEXT_MAX - 1);
    assert_memory_equal(e.text, "short: nnn", 10);
    (void)dm_err_context(&e, "%s", name);
    assert_int_equal(strlen(e.text), DM_ERR_TEXT_MAX - 1);
}

static int refuse(const char *batch, struct dm_err *e)
{
    DM_REFUSE(e, DM_ECONFLICT,
              DM_FIELDS(DM_I("available", 5), DM_S("batch", batch), DM_F("x", 0.5)), "only %d left",
              5);
}

static void values_travel_beside_the_message(void **state)
{
    (void)state;
    struct dm_err e = {0};
    assert_int_equal(refuse("LOC1", &e), DM_ECONFLICT);
    assert_string_equal(e.text, "only 5 left");
    assert_int_equal(e.n_fields, 3);
    assert_string_equal(e.field[0].name, "available");
    assert_int_equal(e.field[0].i, 5);
    assert_string_equal(e.field[1].s, "LOC1");
    assert_true(e.field[2].type == DM_FIELD_F64 && e.field[2].f == 0.5);
    assert_int_equal(refuse(NULL, &e), DM_ECONFLICT);
    assert_string_equal(e.field[1].s, "");
    assert_int_equal(refuse("LOC1", NULL), DM_ECONFLICT);
    assert_int_equal(detect(1, &e), DM_ELIMIT); /* values of an older error do not stay */
    assert_int_equal(e.n_fields, 0);
}

static void long_values_end_at_a_whole_character(void **state)
{
    (void)state;
    struct dm_err e = {0};
    char name[3 * DM_ERR_FIELD_MAX] = "x"; /* one odd byte, then two bytes each */
    for (size_t i = 1; i + 2 < sizeof(name); i += 2) {
        memcpy(name + i, "\xC3\xB1", 3);
    }
    (void)refuse(name, &e);
    assert_int_equal(strlen(e.field[1].s), DM_ERR_FIELD_MAX - 1);
    (void)refuse(name + 1, &e);
    assert_int_equal(strlen(e.field[1].s), DM_ERR_FIELD_MAX - 2);
}

static void rooms_add_their_codes(void **state)
{
    (void)state;
    static const struct dm_code_info rows[] = {{-9001, 418, 0, 4, "TEAPOT", "short and stout"}};
    static struct dm_code_table table = {rows, DM_COUNT(rows), NULL};
    assert_int_equal(dm_code_info(-9001)->code, DM_EINTERNAL);
    dm_codes_add(&table);
    dm_codes_add(&table);
    assert_string_equal(dm_code_info(-9001)->slug, "TEAPOT");
    assert_int_equal(dm_code_info(DM_EIO)->http_status, 503);
    assert_int_equal(dm_code_info(-9002)->code, DM_EINTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_slugs_are_unique_and_complete),
        cmocka_unit_test(unknown_code_is_internal),
        cmocka_unit_test(detector_fills_and_forwarder_returns),
        cmocka_unit_test(error_without_words_has_those_of_its_code),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(long_texts_are_cut_and_end),
        cmocka_unit_test(values_travel_beside_the_message),
        cmocka_unit_test(long_values_end_at_a_whole_character),
        cmocka_unit_test(rooms_add_their_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

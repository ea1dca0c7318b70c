/* SPDX-License-Identifier: Apache-2.0
 *
 * The log writes whole lines, valid JSON whatever the message holds, nothing below its level. */
#include "base/log.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "support/testing.h"

static int fds[2];
static char text[8192];

static const char *logged(void)
{
    ssize_t n = read(fds[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(text[n - 1], '\n');
    return text;
}

static json_t *logged_json(void)
{
    json_error_t error;
    json_t *j = json_loads(logged(), 0, &error);
    if (!j) {
        fail_msg("%s: %s", error.text, text);
    }
    return j;
}

static void test_text(void **state)
{
    (void)state;
    dm_log_setup(fds[1], DM_LOG_INFO, DM_LOG_TEXT);
    dm_log(DM_LOG_DEBUG, "not shown");
    dm_log(DM_LOG_WARNING, "photo counted", DM_S("photo", "a.jpg"), DM_I("plants", 1842),
           DM_F("seconds", 1.5));
    logged();
    assert_non_null(
        strstr(text, " WARNING photo counted  photo=a.jpg  plants=1842  seconds=1.5\n"));
    assert_null(strstr(text, "not shown"));
}

static void test_json(void **state)
{
    (void)state;
    dm_log_setup(fds[1], DM_LOG_DEBUG, DM_LOG_JSON);
    dm_log(DM_LOG_DEBUG, "a \"quoted\"\nline\x01", DM_S("path", "ñandú\\x"), DM_S("none", NULL),
           DM_I("least", INT64_MIN), DM_F("bad", (double)NAN), DM_F("worse", (double)INFINITY));
    json_t *j = logged_json();
    assert_string_equal(json_string_value(json_object_get(j, "event")), "a \"quoted\"\nline\x01");
    assert_string_equal(json_string_value(json_object_get(j, "path")), "ñandú\\x");
    assert_string_equal(json_string_value(json_object_get(j, "none")), "");
    assert_string_equal(json_string_value(json_object_get(j, "level")), "DEBUG");
    assert_true(json_integer_value(json_object_get(j, "least")) == INT64_MIN);
    assert_true(json_is_null(json_object_get(j, "bad")));
    assert_true(json_is_null(json_object_get(j, "worse")));
    assert_int_equal(strlen(json_string_value(json_object_get(j, "timestamp"))), 20);
    json_decref(j);
}

/* Whatever is too long, the line stays one valid JSON object: every length near the limit, with
 * one-byte, two-byte and escaped characters across it. */
static void test_json_cut(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "ñ", "\"", "\x02", "🌱"};
    char message[4096];
    dm_log_setup(fds[1], DM_LOG_DEBUG, DM_LOG_JSON);
    for (size_t u = 0; u < DM_COUNT(units); u++) {
        size_t unit = strlen(units[u]);
        for (size_t n = 300; n<2200; n += n> 1900 ? 1 : 97) {
            size_t len = 0;
            for (; len + unit <= n; len += unit) {
                memcpy(message + len, units[u], unit);
            }
            message[len] = '\0';
            dm_log(DM_LOG_INFO, "m", DM_S("first", message), DM_S("second", message),
                   DM_I("third", 7));
            json_decref(logged_json());
            dm_log(DM_LOG_INFO, message, DM_I("plants", INT64_MAX));
            json_decref(logged_json());
        }
    }
}

static int setup(void **state)
{
    (void)state;
    return pipe(fds);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_cut),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "store/store.h"
#include "support/testing.h"

static const struct {
    const char *text;
    int64_t ms;
    const char *back;
} times[] = {
    {"1970-01-01T00:00:00.000Z", 0, "1970-01-01T00:00:00.000Z"},
    {"2026-11-23T15:04:05Z", INT64_C(1795446245000), "2026-11-23T15:04:05.000Z"},
    {"2026-11-23 12:04:05.1-03", INT64_C(1795446245100), "2026-11-23T15:04:05.100Z"},
    {"2026-11-23T18:34:05.1239+0330", INT64_C(1795446245124), "2026-11-23T15:04:05.124Z"},
    {"2026-11-23t15:04:05.9996z", INT64_C(1795446246000), "2026-11-23T15:04:06.000Z"},
    {"0001-01-01T00:00:00Z", INT64_C(-62135596800000), "0001-01-01T00:00:00.000Z"},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
    {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
    {"2000-02-29T00:00:00+00:00", INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
};

static void times_read_and_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(times); i++) {
        struct dm_err e = {0};
        int64_t ms = 0;
        char text[STORE_TIME_SIZE];
        assert_ok(store_time_parse(times[i].text, &ms, &e), &e);
        assert_int_equal(ms, times[i].ms);
        assert_string_equal(store_time_text(ms, text), times[i].back);
    }
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23T15:04:05",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T15:60:00Z",
        "2026-11-23T15:04:60Z",
        "0000-01-01T00:00:00Z",
        "2026-11-23T15:04:05Zx",
        "2026-11-23T15:04:05+24",
        "26-11-23T15:04:05Z",
        "2026-1-23T15:04:05Z",
        "2026-11-23T15:04:05+0",
        "1900-02-29T00:00:00Z",
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        int64_t ms = 7;
        if (store_time_parse(bad[i], &ms, NULL) != DM_EBADINPUT || ms != 7) {
            fail_msg("'%s' was accepted", bad[i]);
        }
    }
}

/* Against the C library, over random moments of its range. */
static void calendar_agrees_with_libc(void **state)
{
    (void)state;
    struct test_rng rng = {42};
    for (int i = 0; i < 20000; i++) {
        int64_t s = (int64_t)(test_rng_next(&rng) % UINT64_C(315537897599)) - INT64_C(62135596800);
        time_t t = (time_t)s;
        struct tm tm;
        char want[80];
        char got[STORE_TIME_SIZE];
        assert_non_null(gmtime_r(&t, &tm));
        (void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.000Z", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(store_time_text(s * 1000, got), want);
        int64_t back = 0;
        assert_int_equal(store_time_parse(got, &back, NULL), DM_OK);
        assert_true(back == s * 1000);
    }
}

static void days_are_checked(void **state)
{
    (void)state;
    assert_true(store_date_valid("2024-02-29"));
    assert_false(store_date_valid("2023-02-29"));
    assert_false(store_date_valid("2024-02-29T"));
    assert_false(store_date_valid("2024-2-29"));
    assert_false(store_date_valid("2024-00-10"));
    assert_false(store_date_valid(""));
}

static void uuids(void **state)
{
    (void)state;
    char a[STORE_UUID_SIZE];
    char b[STORE_UUID_SIZE];
    for (int i = 0; i < 100; i++) {
        store_uuid_new(a);
        store_uuid_new(b);
        assert_true(store_uuid_valid(a));
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
        assert_string_not_equal(a, b);
    }
    assert_true(store_uuid_valid("ABCDEF00-0000-4000-8000-00000000000f"));
    assert_false(store_uuid_valid("ABCDEF00-0000-4000-8000-00000000000"));
    assert_false(store_uuid_valid("ABCDEF00-0000-4000-8000-00000000000ff"));
    assert_false(store_uuid_valid("ABCDEF00x0000-4000-8000-00000000000f"));
    assert_false(store_uuid_valid(""));
}

static void urls(void **state)
{
    (void)state;
    static const char *const good[] = {
        "sqlite:demeter.db",
        "sqlite:/var/lib/d.db",
        "sqlite:///d.db",
        "sqlite:////var/d.db",
        "sqlite+aiosqlite:///d.db",
        "sqlite+pysqlite:///d.db?synchronous=full",
        "SQLITE:x",
        "postgresql://u:p@h:5432/d",
        "postgres://h/d",
        "postgresql+asyncpg://u:p@h/d?ssl=require",
        "postgresql+psycopg2://u:p%40x@h/d?sslmode=verify-full",
        "postgresql://",
    };
    static const char *const bad[] = {
        "",
        "mysql://h/d",
        "sqlite:",
        "sqlite::memory:",
        "sqlite://host/d.db",
        "sqlite:d.db?x=1",
        "postgresql:d",
        "postgresql://u:hunter2@h:abc/d",
        "postgresql://h/d?nothing=1",
        "/var/lib/d.db",
        "postgresql://u:hunter2@[::1/d",
        "postgresql+://u:hunter2@h/%zz",
    };
    for (size_t i = 0; i < DM_COUNT(good); i++) {
        struct dm_err e = {0};
        assert_ok(store_url_check(good[i], &e), &e);
    }
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct dm_err e = {0};
        if (store_url_check(bad[i], &e) != DM_EBADINPUT || strstr(e.text, "hunter2")) {
            fail_msg("'%s': %s", bad[i], e.text);
        }
    }
}

static void passwords_are_hidden(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"postgresql://u:hunter2@h:5432/d?sslmode=prefer",
         "postgresql://u:***@h:5432/d?sslmode=prefer"},
        {"postgresql+asyncpg://u:hun@ter2@h/d", "postgresql+asyncpg://u:***@h/d"},
        {"postgresql://u@h/d", "postgresql://u@h/d"},
        {"postgresql://h/d?user=u&password=hunter2", "postgresql://h/d?***"},
        {"postgresql://u:hunter2@h/d?password=hunter3", "postgresql://u:***@h/d?***"},
        {"sqlite:///a:b@c.db", "sqlite:///a:***@c.db"},
        {"sqlite:d.db", "sqlite:d.db"},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_string_equal(store_url_redact(cases[i][0], &a), cases[i][1]);
    }
    dm_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_read_and_write),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(calendar_agrees_with_libc),
        cmocka_unit_test(days_are_checked),
        cmocka_unit_test(uuids),
        cmocka_unit_test(urls),
        cmocka_unit_test(passwords_are_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

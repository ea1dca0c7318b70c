/* SPDX-License-Identifier: Apache-2.0
 *
 * Calendars and clocks. Oracle: the C library with its TZ variable, over random instants. */
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/testing.h"

static const char *const zones[] = {
    "America/Argentina/Mendoza",
    "America/Santiago",
    "America/New_York",
    "Europe/Madrid",
    "Europe/Dublin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "UTC",
};

static bool same_clock(const struct dm_civil *c, const struct tm *t)
{
    return c->year == t->tm_year + 1900 && c->month == t->tm_mon + 1 && c->day == t->tm_mday &&
           c->hour == t->tm_hour && c->minute == t->tm_min && c->second == t->tm_sec;
}

/* Random instants of 1900..2200 at which our clock and the C library's (set to other) differ. */
static int differences(const char *name, const char *other)
{
    struct dm_err e = {0};
    DM_CLEANUP(dm_zone_freep) struct dm_zone *z = NULL;
    struct test_rng rng = {77};
    int bad = 0;
    assert_ok(dm_zone_load(name, &z, &e), &e);
    assert_int_equal(setenv("TZ", other, 1), 0);
    tzset();
    for (int i = 0; i < 20000; i++) {
        const time_t s = (time_t)(test_rng_next(&rng) % 9467280000U) - 2208988800;
        const int64_t ms = (int64_t)s * 1000 + (int64_t)test_rng_below(&rng, 1000);
        struct tm t;
        assert_non_null(localtime_r(&s, &t));
        const struct dm_civil c = dm_zone_civil(z, ms);
        bad += !same_clock(&c, &t) || dm_zone_offset_s(z, ms) != t.tm_gmtoff;
        if (strcmp(name, other) != 0) {
            continue;
        }
        /* there and back: the same instant, or the earlier one of two with this clock time */
        const int64_t back = dm_zone_instant(z, &c);
        const struct dm_civil again = dm_zone_civil(z, back);
        bad += back > ms || memcmp(&again, &c, sizeof(c)) != 0;
    }
    return bad;
}

static void clocks_agree_with_the_c_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(zones); i++) {
        if (differences(zones[i], zones[i])) {
            fail_msg("%s differs", zones[i]);
        }
    }
}

static void a_wrong_zone_is_noticed(void **state)
{
    (void)state;
    assert_true(differences("America/Argentina/Mendoza", "America/New_York") > 10000);
    assert_true(differences("Europe/Madrid", "Europe/Dublin") > 10000);
}

static void nursery_days(void **state)
{
    (void)state;
    struct dm_err e = {0};
    char day[DM_DATE_SIZE];
    DM_CLEANUP(dm_zone_freep) struct dm_zone *z = NULL;
    assert_ok(dm_zone_load("America/Argentina/Mendoza", &z, &e), &e);
    /* 2025-02-01 02:59:59.999 UTC is still the 31st of January there */
    const int64_t last = INT64_C(1738378799999);
    dm_zone_date(z, last, day);
    assert_string_equal(day, "2025-01-31");
    dm_zone_date(z, last + 1, day);
    assert_string_equal(day, "2025-02-01");
    dm_zone_date(NULL, last, day);
    assert_string_equal(day, "2025-02-01");
}

static void jumps_of_the_clock(void **state)
{
    (void)state;
    struct dm_err e = {0};
    DM_CLEANUP(dm_zone_freep) struct dm_zone *z = NULL;
    assert_ok(dm_zone_load("Europe/Madrid", &z, &e), &e);
    /* 2026-03-29: 02:00 to 03:00 does not exist; 2026-10-25: 02:00 to 03:00 comes twice */
    const struct dm_civil skipped = {.year = 2026, .month = 3, .day = 29, .hour = 2, .minute = 30};
    const struct dm_civil twice = {.year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30};
    assert_int_equal(dm_zone_instant(z, &skipped), INT64_C(1774747800000)); /* 01:30 UTC */
    assert_int_equal(dm_zone_instant(z, &twice), INT64_C(1792888200000));   /* 00:30 UTC */
}

static void fields_carry_over(void **state)
{
    (void)state;
    const struct dm_civil odd = {.year = 2025, .month = 14, .day = 0, .hour = 25};
    char day[DM_DATE_SIZE];
    dm_zone_date(NULL, dm_zone_instant(NULL, &odd), day);
    assert_string_equal(day, "2026-02-01"); /* the 0th of February, 25 o'clock */
}

static void dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"2026-11-23", true},   {"2024-02-29", true},  {"2025-02-29", false}, {"2000-02-29", true},
        {"1900-02-29", false},  {"2026-13-01", false}, {"2026-00-10", false}, {"2026-04-31", false},
        {"2026-11-23 ", false}, {"2026-1-23", false},  {"", false},           {"0000-01-01", false},
        {"9999-12-31", true},   {"2026/11/23", false}, {"202x-11-23", false},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_civil c = {0};
        char back[DM_DATE_SIZE];
        if (dm_date_parse(rows[i].text, &c) != rows[i].ok) {
            fail_msg("'%s'", rows[i].text);
        }
        if (rows[i].ok) {
            dm_zone_date(NULL, dm_zone_instant(NULL, &c), back);
            assert_string_equal(back, rows[i].text);
        }
    }
}

static void names_that_are_no_zones(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",   "Mars/Olympus", "../../../etc/passwd", "/etc/localtime",
        "..", "America",      "tzdata.zi",           "UTC\n"};
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        struct dm_zone *z = NULL;
        struct dm_err e = {0};
        assert_int_equal(dm_zone_load(names[i], &z, &e), DM_EBADINPUT);
        assert_null(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_agree_with_the_c_library),
        cmocka_unit_test(a_wrong_zone_is_noticed),
        cmocka_unit_test(nursery_days),
        cmocka_unit_test(jumps_of_the_clock),
        cmocka_unit_test(fields_carry_over),
        cmocka_unit_test(dates),
        cmocka_unit_test(names_that_are_no_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

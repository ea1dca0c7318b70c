/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules: what is next, what is none, whose clock counts. */
#include <string.h>

#include "backup/schedule.h"
#include "support/testing.h"

static int64_t instant(int y, int m, int d, int hour, int minute)
{
    const struct dm_civil c = {y, m, d, hour, minute, 0, 0};
    return dm_zone_instant(NULL, &c);
}

static void next_moments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int from[5], to[5];
    } cases[] = {
        {"0 2 * * *", {2026, 11, 24, 1, 59}, {2026, 11, 24, 2, 0}},
        {"0 2 * * *", {2026, 11, 24, 2, 0}, {2026, 11, 25, 2, 0}},
        {"0 4 * * 0", {2026, 11, 24, 0, 0}, {2026, 11, 29, 4, 0}}, /* a Sunday */
        {"0 4 * * 7", {2026, 11, 24, 0, 0}, {2026, 11, 29, 4, 0}},
        {"*/15 * * * *", {2026, 12, 31, 23, 50}, {2027, 1, 1, 0, 0}},
        {"30 6,18 1-7 * *", {2026, 11, 24, 0, 0}, {2026, 12, 1, 6, 30}},
        {"0 0 29 2 *", {2026, 11, 24, 0, 0}, {2028, 2, 29, 0, 0}},
        {"0 0 13 * 5", {2026, 11, 24, 0, 0}, {2026, 11, 27, 0, 0}}, /* a Friday or a 13th */
        {"5 0 31 12 *", {2026, 12, 31, 0, 5}, {2027, 12, 31, 0, 5}},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct backup_schedule s;
        struct dm_err e = {0};
        const int *f = cases[i].from;
        const int *t = cases[i].to;
        assert_ok(backup_schedule_parse(cases[i].text, &s, &e), &e);
        const int64_t from = instant(f[0], f[1], f[2], f[3], f[4]);
        if (backup_schedule_next(&s, NULL, from) != instant(t[0], t[1], t[2], t[3], t[4])) {
            fail_msg("%s", cases[i].text);
        }
    }
    struct backup_schedule never;
    struct dm_err e = {0};
    assert_ok(backup_schedule_parse("0 0 31 2 *", &never, &e), &e);
    assert_int_equal(backup_schedule_next(&never, NULL, instant(2026, 1, 1, 0, 0)), 0);
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "* * * *",     "60 * * * *",  "* 24 * * *",  "* * 0 * *",
        "* * * 13 *", "* * * * 8",   "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *",
        "a * * * *",  "* * * * * *", "-1 * * * *",  "1- * * * *",  "99999999999 * * * *",
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct backup_schedule s;
        if (backup_schedule_parse(bad[i], &s, NULL) != DM_EBADINPUT) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

/* The nursery's clock, with its own midnight. */
static void in_a_zone(void **state)
{
    (void)state;
    DM_CLEANUP(dm_zone_freep) struct dm_zone *z = NULL;
    struct backup_schedule s;
    struct dm_err e = {0};
    assert_ok(dm_zone_load("America/Argentina/Mendoza", &z, &e), &e); /* UTC-3 */
    assert_ok(backup_schedule_parse("0 2 * * *", &s, &e), &e);
    assert_int_equal(backup_schedule_next(&s, z, instant(2026, 11, 24, 4, 0)),
                     instant(2026, 11, 24, 5, 0));
    assert_int_equal(backup_schedule_next(&s, z, instant(2026, 11, 24, 5, 0)),
                     instant(2026, 11, 25, 5, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_moments),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(in_a_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

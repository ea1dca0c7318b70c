/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules as cron writes them. */
#include "backup/schedule.h"

#include <ctype.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
enum { YEARS_DAYS = 5 * 366 };

struct field {
    const char *name;
    int lo, hi;
};

/* A number at *s, which moves behind it; -1: none. */
static int number(const char **s)
{
    int v = isdigit((unsigned char)**s) ? 0 : -1;
    while (isdigit((unsigned char)**s) && v < 1000) {
        v = v * 10 + (*(*s)++ - '0');
    }
    return v;
}

/* "*", "3", "1-5", each with "/2". */
static bool take_item(const char **s, const struct field *f, uint64_t *ret)
{
    int lo = f->lo;
    int hi = f->hi;
    int step = 1;
    if (**s == '*') {
        ++*s;
    } else {
        lo = hi = number(s);
        if (**s == '-') {
            ++*s;
            hi = number(s);
        }
    }
    if (**s == '/') {
        ++*s;
        step = number(s);
    }
    if (lo < f->lo || hi > f->hi || lo > hi || step < 1) {
        return false;
    }
    for (int v = lo; v <= hi; v += step) {
        *ret |= UINT64_C(1) << v;
    }
    return true;
}

static int take_field(const char **s, const struct field *f, uint64_t *ret, struct dm_err *e)
{
    *s += strspn(*s, " \t");
    const char *begin = *s;
    bool good = take_item(s, f, ret);
    while (good && **s == ',') {
        ++*s;
        good = take_item(s, f, ret);
    }
    if (!good || (**s && **s != ' ' && **s != '\t')) {
        DM_FAIL(e, DM_EBADINPUT, "the %s of a schedule is %d to %d, got \"%.20s\"", f->name, f->lo,
                f->hi, begin);
    }
    return DM_OK;
}

int backup_schedule_parse(const char *text, struct backup_schedule *ret, struct dm_err *e)
{
    static const struct field fields[] = {
        {"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 7}};
    uint64_t v[DM_COUNT(fields)] = {0};
    const char *at = text;
    bool any[DM_COUNT(fields)];
    for (size_t i = 0; i < DM_COUNT(fields); i++) {
        any[i] = at[strspn(at, " \t")] == '*';
        DM_TRY(take_field(&at, &fields[i], &v[i], e));
    }
    if (at[strspn(at, " \t")]) {
        DM_FAIL(e, DM_EBADINPUT, "a schedule has five fields: \"%.60s\"", text);
    }
    v[4] |= v[4] >> 7 & 1;
    *ret = (struct backup_schedule){v[0], v[1], v[2], v[3], v[4], any[2], any[4]};
    return DM_OK;
}

static bool has(uint64_t set, int v)
{
    return set >> v & 1;
}

/* Source: 1970-01-01 was a Thursday. */
static int weekday_of(const struct dm_civil *day)
{
    const int64_t days = dm_zone_instant(NULL, day) / DAY_MS;
    return (int)((days % 7 + 7 + 4) % 7);
}

static bool day_due(const struct backup_schedule *s, const struct dm_civil *c)
{
    const struct dm_civil day = {c->year, c->month, c->day, 0, 0, 0, 0};
    const bool by_day = has(s->day, c->day);
    const bool by_weekday = has(s->weekday, weekday_of(&day));
    if (!has(s->month, c->month)) {
        return false;
    }
    return s->any_day || s->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* First due minute of a day after a moment; 0: none. A minute that the clock skips is due at the
 * one after the jump. */
static int64_t due_in(const struct backup_schedule *s, const struct dm_zone *zone,
                      struct dm_civil day, int64_t after_ms)
{
    for (int m = 0; m < 24 * 60; m++) {
        day.hour = m / 60;
        day.minute = m % 60;
        if (has(s->hour, day.hour) && has(s->minute, day.minute)) {
            const int64_t at = dm_zone_instant(zone, &day);
            if (at > after_ms) {
                return at;
            }
        }
    }
    return 0;
}

int64_t backup_schedule_next(const struct backup_schedule *s, const struct dm_zone *zone,
                             int64_t after_ms)
{
    struct dm_civil c = dm_zone_civil(zone, after_ms);
    for (int i = 0; i < YEARS_DAYS; i++) {
        const struct dm_civil wanted = {c.year, c.month, c.day + i, 12, 0, 0, 0};
        const struct dm_civil noon = dm_zone_civil(NULL, dm_zone_instant(NULL, &wanted));
        const struct dm_civil day = {noon.year, noon.month, noon.day, 0, 0, 0, 0};
        const int64_t at = day_due(s, &day) ? due_in(s, zone, day, after_ms) : 0;
        if (at) {
            return at;
        }
    }
    return 0;
}

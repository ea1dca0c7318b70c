/* SPDX-License-Identifier: Apache-2.0
 *
 * Zone files (TZif, RFC 8536): a sorted list of instants at which the offset changes, and a rule in
 * the notation of POSIX TZ for what comes after the last one. Files are 0.1 to 3 KB and read once;
 * an offset is found by bisection. Calendar arithmetic: Howard Hinnant, "chrono-compatible
 * low-level date algorithms" (days_from_civil, civil_from_days). */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

enum { HEADER = 44, DAY_S = 86400 };
static const int64_t first_ms = INT64_C(-62135596800000); /* 0001-01-01 */
static const int64_t last_ms = INT64_C(253402300799999);  /* 9999-12-31 */

/* One end of summer time: the day of a year, and the second of that day on the clock before. */
struct rule {
    char kind; /* 'M': weekday w of week n of month m; 'J': day n, 29 Feb left out; '0': day n */
    int m, n, w;
    int32_t second;
};

struct zone_change {
    int64_t at_s;
    int32_t offset_s; /* from here on */
};

struct dm_zone {
    struct zone_change *change; /* [n], ascending */
    size_t n;
    int32_t before_s; /* offset before the first change */
    bool has_rule;    /* after the last change: */
    bool has_summer;
    int32_t standard_s, summer_s;
    struct rule start, end;
};

/* ---- calendar ---------------------------------------------------------------------------- */

/* Quotient that rounds down; n > 0. */
static int64_t floor_div(int64_t a, int64_t n)
{
    return a / n - (a % n < 0);
}

/* Days since 1970-01-01; month may be out of range. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y += floor_div(m - 1, 12);
    m = (m - 1) - floor_div(m - 1, 12) * 12 + 1;
    y -= m <= 2;
    const int64_t era = floor_div(y, 400);
    const int64_t year = y - era * 400;
    const int64_t day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static void civil_of_days(int64_t days, struct dm_civil *ret)
{
    const int64_t shifted = days + 719468;
    const int64_t era = floor_div(shifted, 146097);
    const int64_t doe = shifted - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    ret->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    ret->year = (int)(yoe + era * 400 + (ret->month <= 2));
}

static bool leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

bool dm_date_parse(const char *text, struct dm_civil *ret)
{
    static const char form[] = "dddd-dd-dd";
    int v[3] = {0};
    size_t part = 0;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != '-') {
            return false;
        }
        if (digit) {
            v[part] = v[part] * 10 + text[i] - '0';
        } else {
            part++;
        }
    }
    struct dm_civil back;
    civil_of_days(days_of(v[0], v[1], v[2]), &back);
    if (text[sizeof(form) - 1] || v[0] < 1 || back.year != v[0] || back.month != v[1] ||
        back.day != v[2]) {
        return false;
    }
    *ret = (struct dm_civil){.year = v[0], .month = v[1], .day = v[2]};
    return true;
}

/* ---- the rule after the last change ------------------------------------------------------- */

/* Digits at *s, at most most; advances. */
static bool take_number(const char **s, int most, int *ret)
{
    int v = 0;
    const char *from = *s;
    for (; **s >= '0' && **s <= '9' && v <= most; (*s)++) {
        v = v * 10 + **s - '0';
    }
    *ret = v;
    return *s > from && v <= most;
}

static bool take(const char **s, char c)
{
    const bool there = **s == c;
    *s += there;
    return there;
}

/* "[+-]hh[:mm[:ss]]" as seconds. */
static bool take_clock(const char **s, int32_t *ret)
{
    int h;
    int m = 0;
    int sec = 0;
    const bool minus = take(s, '-');
    if (!minus) {
        (void)take(s, '+');
    }
    if (!take_number(s, 167, &h) || (take(s, ':') && !take_number(s, 59, &m)) ||
        (take(s, ':') && !take_number(s, 59, &sec))) {
        return false;
    }
    const int32_t v = h * 3600 + m * 60 + sec;
    *ret = minus ? -v : v;
    return true;
}

/* Abbreviation: letters, or anything in angle brackets. */
static bool take_name(const char **s)
{
    const char *from = *s;
    if (take(s, '<')) {
        *s += strcspn(*s, ">");
        return take(s, '>');
    }
    while ((**s >= 'A' && **s <= 'Z') || (**s >= 'a' && **s <= 'z')) {
        (*s)++;
    }
    return *s > from;
}

static bool take_rule(const char **s, struct rule *r)
{
    *r = (struct rule){.kind = '0', .second = 7200};
    if (take(s, 'M')) {
        r->kind = 'M';
        if (!take_number(s, 12, &r->m) || !take(s, '.') || !take_number(s, 5, &r->n) ||
            !take(s, '.') || !take_number(s, 6, &r->w) || r->m < 1 || r->n < 1) {
            return false;
        }
    } else {
        r->kind = take(s, 'J') ? 'J' : '0';
        if (!take_number(s, 365, &r->n)) {
            return false;
        }
    }
    return !take(s, '/') || take_clock(s, &r->second);
}

/* "<-03>3", "EST5EDT,M3.2.0,M11.1.0". An empty rule is none. */
static bool parse_rule(const char *s, struct dm_zone *z)
{
    int32_t west;
    if (!*s) {
        return true;
    }
    if (!take_name(&s) || !take_clock(&s, &west)) {
        return false;
    }
    z->has_rule = true;
    z->standard_s = -west;
    if (!*s) {
        return true;
    }
    z->has_summer = true;
    z->summer_s = z->standard_s + 3600;
    if (!take_name(&s)) {
        return false;
    }
    if (*s != ',') {
        if (!take_clock(&s, &west)) {
            return false;
        }
        z->summer_s = -west;
    }
    return take(&s, ',') && take_rule(&s, &z->start) && take(&s, ',') && take_rule(&s, &z->end) &&
           !*s;
}

/* Instant of a rule in a year, when the clock before it is offset_s east. */
static int64_t rule_at(const struct rule *r, int64_t year, int32_t offset_s)
{
    int64_t day;
    if (r->kind == 'M') {
        const int64_t first = days_of(year, r->m, 1);
        const int64_t next = days_of(year, r->m + 1, 1);
        const int64_t weekday = first + 4 - floor_div(first + 4, 7) * 7; /* 1970-01-01: Thursday */
        day = first + (r->w - weekday + 7) % 7 + (r->n - 1) * 7;
        day -= day >= next ? 7 : 0; /* week 5 is the last one */
    } else {
        day = days_of(year, 1, 1) + r->n;
        day -= r->kind == 'J' && !(leap(year) && r->n >= 60); /* J counts from 1 */
    }
    return day * DAY_S + r->second - offset_s;
}

static int32_t rule_offset(const struct dm_zone *z, int64_t at_s)
{
    if (!z->has_summer) {
        return z->standard_s;
    }
    struct dm_civil c;
    civil_of_days(floor_div(at_s + z->standard_s, DAY_S), &c);
    const int64_t start = rule_at(&z->start, c.year, z->standard_s);
    const int64_t end = rule_at(&z->end, c.year, z->summer_s);
    const bool summer = start < end ? at_s >= start && at_s < end : !(at_s >= end && at_s < start);
    return summer ? z->summer_s : z->standard_s;
}

/* ---- the file ----------------------------------------------------------------------------- */

static int64_t be(const unsigned char *p, size_t n)
{
    uint64_t v = (p[0] & 0x80U) ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return (int64_t)v;
}

/* Counts of a header: isutc, isstd, leap, time, type, char. */
struct counts {
    size_t isutc, isstd, leap, time, type, chars;
};

/* Header at data; *ret_block is the number of bytes behind it with times of width bytes. */
static bool read_header(const unsigned char *data, size_t n, size_t width, struct counts *c,
                        size_t *ret_block)
{
    if (n < HEADER || memcmp(data, "TZif", 4) != 0) {
        return false;
    }
    size_t *const to[] = {&c->isutc, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
    for (size_t i = 0; i < DM_COUNT(to); i++) {
        const int64_t v = be(data + 20 + 4 * i, 4);
        if (v < 0 || v > (int64_t)LIMIT_ZONE_BYTES) {
            return false;
        }
        *to[i] = (size_t)v;
    }
    *ret_block = c->time * (width + 1) + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd +
                 c->isutc;
    return c->type > 0 && *ret_block <= n - HEADER;
}

static bool read_changes(const unsigned char *p, const struct counts *c, struct dm_zone *z)
{
    const unsigned char *type = p + c->time * 8;
    const unsigned char *info = type + c->time;
    z->before_s = (int32_t)be(info, 4);
    z->change = dm_calloc(c->time + 1, sizeof(*z->change));
    if (!z->change) {
        return false;
    }
    for (size_t i = 0; i < c->time; i++) {
        const int64_t at = be(p + i * 8, 8);
        if (type[i] >= c->type || (i > 0 && at <= z->change[i - 1].at_s)) {
            return false;
        }
        z->change[i] = (struct zone_change){at, (int32_t)be(info + (size_t)type[i] * 6, 4)};
    }
    z->n = c->time;
    return true;
}

static bool parse_file(const struct dm_buf *b, struct dm_zone *z)
{
    const unsigned char *data = (const unsigned char *)b->data;
    struct counts c;
    size_t block;
    if (!read_header(data, b->len, 4, &c, &block) || data[4] < '2') {
        return false;
    }
    const size_t second = HEADER + block;
    if (!read_header(data + second, b->len - second, 8, &c, &block) ||
        !read_changes(data + second + HEADER, &c, z)) {
        return false;
    }
    const char *footer = b->data + second + HEADER + block;
    const char *end = footer[0] == '\n' ? strchr(footer + 1, '\n') : NULL;
    char rule[128];
    if (!end || (size_t)(end - footer) > sizeof(rule)) {
        return false;
    }
    memcpy(rule, footer + 1, (size_t)(end - footer - 1));
    rule[end - footer - 1] = '\0';
    return parse_rule(rule, z);
}

static bool name_ok(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    const size_t n = strlen(name);
    return n > 0 && n <= 64 && strspn(name, letters) == n && name[0] != '/' && name[n - 1] != '/';
}

int dm_zone_load(const char *name, struct dm_zone **ret_zone, struct dm_err *e)
{
    DM_CLEANUP(dm_zone_freep) struct dm_zone *z = NULL;
    DM_CLEANUP(dm_buf_clear) struct dm_buf file = dm_buf_init(LIMIT_ZONE_BYTES);
    const char *folder = getenv("TZDIR"); /* as the C library has it */
    char path[256];
    if (!name_ok(name)) {
        DM_FAIL(e, DM_EBADINPUT, "'%.64s' is not the name of a time zone", name);
    }
    const int n = snprintf(path, sizeof(path), "%s/%s",
                           folder && folder[0] ? folder : "/usr/share/zoneinfo", name);
    if (n < 0 || (size_t)n >= sizeof(path) || dm_buf_read_file(&file, path, NULL) < 0) {
        DM_FAIL(e, DM_EBADINPUT, "there is no time zone '%s' on this system", name);
    }
    z = dm_calloc(1, sizeof(*z));
    if (!z) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the time zone");
    }
    if (!parse_file(&file, z)) {
        DM_FAIL(e, DM_EBADINPUT, "the file of time zone '%s' is damaged", name);
    }
    *ret_zone = DM_STEAL(z);
    return DM_OK;
}

void dm_zone_free(struct dm_zone *z)
{
    if (z) {
        dm_free(z->change);
        dm_free(z);
    }
}

/* ---- instants and clocks ------------------------------------------------------------------ */

int32_t dm_zone_offset_s(const struct dm_zone *z, int64_t utc_ms)
{
    const int64_t at_s = floor_div(utc_ms, 1000);
    if (!z) {
        return 0;
    }
    if (z->has_rule && (z->n == 0 || at_s >= z->change[z->n - 1].at_s)) {
        return rule_offset(z, at_s);
    }
    size_t low = 0; /* changes that are past */
    for (size_t high = z->n; low < high;) {
        const size_t mid = low + (high - low) / 2;
        if (z->change[mid].at_s <= at_s) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low ? z->change[low - 1].offset_s : z->before_s;
}

struct dm_civil dm_zone_civil(const struct dm_zone *z, int64_t utc_ms)
{
    struct dm_civil c;
    utc_ms = DM_CLAMP(utc_ms, first_ms, last_ms);
    int64_t local = utc_ms + (int64_t)dm_zone_offset_s(z, utc_ms) * 1000;
    local = DM_CLAMP(local, first_ms, last_ms);
    const int64_t days = floor_div(local, INT64_C(1000) * DAY_S);
    const int ms = (int)(local - days * 1000 * DAY_S);
    civil_of_days(days, &c);
    c.hour = ms / 3600000;
    c.minute = ms / 60000 % 60;
    c.second = ms / 1000 % 60;
    c.millisecond = ms % 1000;
    return c;
}

int64_t dm_zone_instant(const struct dm_zone *z, const struct dm_civil *c)
{
    const int64_t seconds = days_of(c->year, c->month, c->day) * DAY_S + (int64_t)c->hour * 3600 +
                            (int64_t)c->minute * 60 + c->second;
    const int64_t local = seconds * 1000 + c->millisecond;
    /* Offsets of the day before and the day after: changes are further apart than that. */
    const int32_t before = dm_zone_offset_s(z, local - INT64_C(1000) * DAY_S);
    const int32_t after = dm_zone_offset_s(z, local + INT64_C(1000) * DAY_S);
    const int64_t first = local - (int64_t)before * 1000;
    const int64_t second = local - (int64_t)after * 1000;
    if (dm_zone_offset_s(z, first) != before && dm_zone_offset_s(z, second) == after) {
        return second;
    }
    return first;
}

void dm_zone_date(const struct dm_zone *z, int64_t utc_ms, char ret[static DM_DATE_SIZE])
{
    const struct dm_civil c = dm_zone_civil(z, utc_ms);
    (void)snprintf(ret, DM_DATE_SIZE, "%04u-%02u-%02u", (unsigned)c.year % 10000U,
                   (unsigned)c.month % 100U, (unsigned)c.day % 100U);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: making them, checking them before an engine sees them, so that both engines refuse and
 * store the same, and the text forms of times and identifiers. */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/driver.h"

static struct store_value text_value(char type, const char *v)
{
    return v ? (struct store_value){.type = type, .n = strlen(v), .t = v} : store_null();
}

struct store_value store_t(const char *v)
{
    return text_value('t', v);
}

struct store_value store_j(const char *v)
{
    return text_value('j', v);
}

struct store_value store_d(const char *v)
{
    return text_value('D', v);
}

struct store_value store_u(const char *v)
{
    return text_value('u', v);
}

struct store_value store_x(const void *v, size_t n)
{
    return v ? (struct store_value){.type = 'x', .n = n, .x = v} : store_null();
}

/* ---- time ------------------------------------------------------------------------------------ */

#define DAY_MS  INT64_C(86400000)
#define TIME_LO INT64_C(-62135596800000) /* 0001-01-01 */
#define TIME_HI INT64_C(253402300799999) /* 9999-12-31 */

static const _Atomic int64_t *clock_error; /* in a file that a test writes; NULL: none */

int store_clock_debug(const char *file, struct dm_err *e)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool whole = fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*clock_error);
    void *p = whole ? mmap(NULL, sizeof(*clock_error), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (p == MAP_FAILED) {
        DM_FAIL(e, DM_EIO, "%s: not the file of a wrong clock", file);
    }
    clock_error = p;
    return DM_OK;
}

int64_t store_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    int64_t now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    return clock_error ? now_ms + atomic_load(clock_error) : now_ms;
}

/* Days since 1970-01-01 of a civil date, and back. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_of(int64_t days, int *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

const char *store_time_text(int64_t ms, char ret[static STORE_TIME_SIZE])
{
    ms = DM_CLAMP(ms, TIME_LO, TIME_HI);
    int64_t days = (ms - (ms < 0 ? DAY_MS - 1 : 0)) / DAY_MS;
    int rest = (int)(ms - days * DAY_MS);
    int y, m, d;
    civil_of(days, &y, &m, &d);
    (void)snprintf(ret, STORE_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)y % 10000U, (unsigned)m % 100U, (unsigned)d % 100U,
                   (unsigned)(rest / 3600000) % 100U, (unsigned)(rest / 60000) % 60U,
                   (unsigned)(rest / 1000) % 60U, (unsigned)rest % 1000U);
    return ret;
}

/* n digits at *s, which moves behind them; -1 when they are none. */
static int digits(const char **s, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)**s)) {
            return -1;
        }
        v = v * 10 + (*(*s)++ - '0');
    }
    return v;
}

/* The character at *s is one of set, and *s moves behind it. */
static bool accept(const char **s, const char *set)
{
    if (!**s || !strchr(set, **s)) {
        return false;
    }
    ++*s;
    return true;
}

static bool parse_day(const char **s, int64_t *ret_days)
{
    int y = digits(s, 4);
    bool ok = y > 0 && accept(s, "-");
    int m = ok ? digits(s, 2) : -1;
    ok = m >= 1 && m <= 12 && accept(s, "-");
    int d = ok ? digits(s, 2) : -1;
    if (d < 1 || d > days_in_month(y, m)) {
        return false;
    }
    *ret_days = days_of(y, m, d);
    return true;
}

/* ".123456", rounded to milliseconds; 0 without a fraction. */
static int parse_fraction(const char **s)
{
    int ms = 0;
    if (!accept(s, ".,")) {
        return 0;
    }
    for (int i = 0; isdigit((unsigned char)**s); i++, ++*s) {
        int v = **s - '0';
        ms += i == 0 ? v * 100 : i == 1 ? v * 10 : i == 2 ? v : i == 3 ? v >= 5 : 0;
    }
    return ms;
}

/* "Z", "+00", "-03:00", "-0300"; a leap second is refused as on the engines. */
static bool parse_zone(const char **s, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (accept(s, "Zz")) {
        return true;
    }
    int sign = **s == '-' ? -1 : 1;
    if (!accept(s, "+-")) {
        return false;
    }
    int h = digits(s, 2);
    int m = 0;
    if (accept(s, ":") || isdigit((unsigned char)**s)) {
        m = digits(s, 2);
    }
    *ret_ms = sign * (h * 60 + m) * INT64_C(60000);
    return h >= 0 && h <= 23 && m >= 0 && m <= 59;
}

int store_time_parse(const char *text, int64_t *ret_ms, struct dm_err *e)
{
    const char *s = text;
    int64_t days = 0;
    int64_t zone = 0;
    bool ok = parse_day(&s, &days) && accept(&s, "Tt ");
    int h = ok ? digits(&s, 2) : -1;
    ok = h >= 0 && h <= 23 && accept(&s, ":");
    int m = ok ? digits(&s, 2) : -1;
    ok = m >= 0 && m <= 59 && accept(&s, ":");
    int sec = ok ? digits(&s, 2) : -1;
    ok = sec >= 0 && sec <= 59;
    int fraction = ok ? parse_fraction(&s) : 0;
    if (!ok || !parse_zone(&s, &zone) || *s) {
        DM_FAIL(e, DM_EBADINPUT, "'%.40s' is not a time like 2026-11-23T15:04:05Z", text);
    }
    *ret_ms = days * DAY_MS + ((h * 60 + m) * 60 + sec) * INT64_C(1000) + fraction - zone;
    return DM_OK;
}

bool store_date_valid(const char *text)
{
    int64_t days;
    return parse_day(&text, &days) && !*text;
}

/* ---- uuid ------------------------------------------------------------------------------------ */

void store_uuid_new(char ret[static STORE_UUID_SIZE])
{
    unsigned char b[16];
    char hex[33];
    randombytes_buf(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)sodium_bin2hex(hex, sizeof(hex), b, sizeof(b));
    (void)snprintf(ret, STORE_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

bool store_uuid_valid(const char *text)
{
    for (int i = 0; i < STORE_UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return !text[STORE_UUID_SIZE - 1];
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* Length of the character that begins at s: 0 when it is none of UTF-8 (RFC 3629) or a zero. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    if (s[0] && s[0] < 0x80) {
        return 1;
    }
    size_t len = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
                 : s[0] >= 0xe0 && s[0] <= 0xef ? 3
                 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                : 0;
    if (!len || len > n) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

bool store_utf8_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t len = utf8_length((const unsigned char *)s + i, n - i);
        if (!len) {
            return false;
        }
        i += len;
    }
    return true;
}

static int check_uuid(const char *name, struct store_value *v, struct dm_arena *a, struct dm_err *e)
{
    if (v->n != STORE_UUID_SIZE - 1 || !store_uuid_valid(v->t)) {
        DM_FAIL(e, DM_EBADINPUT, "%s: '%.40s' is not a UUID", name, v->t);
    }
    char *lower = dm_arena_strdup(a, v->t);
    if (!lower) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a UUID");
    }
    for (char *c = lower; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    v->t = lower;
    return DM_OK;
}

static int check_value(const char *name, struct store_value *v, struct dm_arena *a,
                       struct dm_err *e)
{
    switch (v->type) {
    case 'u':
        return check_uuid(name, v, a, e);
    case 'j':
        return store_json_canonical(v->t, v->n, a, &v->t, &v->n, e);
    case 't':
        if (!store_utf8_valid(v->t, v->n)) {
            DM_FAIL(e, DM_EBADINPUT, "%s: a text is not valid UTF-8", name);
        }
        return DM_OK;
    case 'D':
        if (!store_date_valid(v->t)) {
            DM_FAIL(e, DM_EBADINPUT, "%s: '%.40s' is not a day like 2026-11-23", name, v->t);
        }
        return DM_OK;
    case 'T':
        if (v->i < TIME_LO || v->i > TIME_HI) {
            DM_FAIL(e, DM_EBADINPUT, "%s: a time is beyond the calendar", name);
        }
        return DM_OK;
    case 'r':
        if (!isfinite(v->r)) {
            DM_FAIL(e, DM_EBADINPUT, "%s: a number is not finite", name);
        }
        return DM_OK;
    default:
        return DM_OK;
    }
}

int store_args_check(const char *name, const char *letters, size_t n_letters,
                     const struct store_value *v, struct store_value *ret, struct dm_arena *a,
                     struct dm_err *e)
{
    for (size_t k = 0; k < n_letters; k++) {
        ret[k] = v[k];
        if (v[k].null) {
            ret[k] = store_null();
            continue;
        }
        DM_BUG_UNLESS(v[k].type == letters[k]);
        DM_TRY(check_value(name, &ret[k], a, e));
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Points in time as texts: RFC 3339, ISO 8601 without an offset, Unix seconds. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "http/schema.h"

/* Reads n digits at *p into *ret and steps over them. */
static bool digits(const char **p, int n, int *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (!isdigit((unsigned char)**p)) {
            return false;
        }
        *ret = *ret * 10 + (**p - '0');
    }
    return true;
}

/* "Z", "+hh:mm", "+hhmm", or nothing, which counts as UTC. */
static bool offset_minutes(const char **p, int *ret)
{
    *ret = 0;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return true;
    }
    if (**p != '+' && **p != '-') {
        return true;
    }
    int sign = *(*p)++ == '-' ? -1 : 1, h = 0, m = 0;
    if (!digits(p, 2, &h)) {
        return false;
    }
    *p += **p == ':';
    if (**p != '\0' && !digits(p, 2, &m)) {
        return false;
    }
    *ret = sign * (h * 60 + m);
    return h <= 23 && m <= 59;
}

static bool clock_time(const char **p, struct dm_civil *c)
{
    if (!digits(p, 2, &c->hour) || *(*p)++ != ':' || !digits(p, 2, &c->minute)) {
        return false;
    }
    if (**p == ':') {
        (*p)++;
        if (!digits(p, 2, &c->second)) {
            return false;
        }
        if (**p == '.' || **p == ',') {
            int scale = 100;
            for ((*p)++; isdigit((unsigned char)**p); (*p)++, scale /= 10) {
                c->millisecond += (**p - '0') * scale;
            }
        }
    }
    return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

bool http_instant_parse(const char *text, int64_t *ret_ms)
{
    if (text[0] != '\0' && text[strspn(text, "0123456789.+-eE")] == '\0' &&
        (strlen(text) < 5 || text[4] != '-')) {
        char *end = NULL;
        double s = strtod(text, &end);
        const bool known = s > HTTP_SECONDS_ABOVE && s < HTTP_SECONDS_BELOW;
        *ret_ms = known ? (int64_t)llround(s * 1000) : 0;
        return *end == '\0' && known;
    }
    char day[DM_DATE_SIZE] = "";
    struct dm_civil c = {0};
    if (strlen(text) < DM_DATE_SIZE - 1) {
        return false;
    }
    memcpy(day, text, DM_DATE_SIZE - 1);
    if (!dm_date_parse(day, &c)) {
        return false;
    }
    const char *p = text + DM_DATE_SIZE - 1;
    int minutes = 0;
    if (*p != '\0') {
        if (*p != 'T' && *p != 't' && *p != ' ') {
            return false;
        }
        p++;
        if (!clock_time(&p, &c) || !offset_minutes(&p, &minutes) || *p != '\0') {
            return false;
        }
    }
    *ret_ms = dm_zone_instant(NULL, &c) - (int64_t)minutes * 60000;
    return true;
}

void http_instant_text(int64_t ms, char ret[static HTTP_INSTANT_SIZE])
{
    struct dm_civil c = dm_zone_civil(NULL, ms);
    int n = snprintf(ret, HTTP_INSTANT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month,
                     c.day, c.hour, c.minute, c.second);
    if (c.millisecond != 0) {
        n += snprintf(ret + n, HTTP_INSTANT_SIZE - (size_t)n, ".%03d", c.millisecond);
    }
    (void)snprintf(ret + n, HTTP_INSTANT_SIZE - (size_t)n, "Z");
}

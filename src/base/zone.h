/* SPDX-License-Identifier: Apache-2.0
 *
 * Calendar days and clock times of a named place, without the process-wide TZ variable, because
 * many threads ask for one nursery's time. Instants are milliseconds since 1970-01-01T00:00:00Z.
 * The rules come from the system's zone files (TZif, RFC 8536). */
#ifndef DM_BASE_ZONE_H
#define DM_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define DM_DATE_SIZE 11 /* "2026-11-23" and the NUL */

struct dm_zone;

/* Rules of an IANA name ("America/Argentina/Mendoza", "UTC"). Freed with dm_zone_free.
 * DM_EBADINPUT: no such zone, or its file is damaged. */
DM_MUST_CHECK int dm_zone_load(const char *name, struct dm_zone **ret_zone, struct dm_err *e);
void dm_zone_free(struct dm_zone *z); /* accepts NULL */
DM_DEFINE_CLEANUP(dm_zone_freep, struct dm_zone *, dm_zone_free)

/* What a calendar and a clock show. month 1..12, day 1..31. */
struct dm_civil {
    int year, month, day, hour, minute, second, millisecond;
};

/* Seconds east of UTC at an instant. z NULL is UTC, here and below. */
int32_t dm_zone_offset_s(const struct dm_zone *z, int64_t utc_ms);

/* Clock time at an instant, years 1..9999 (nearest instant otherwise). */
struct dm_civil dm_zone_civil(const struct dm_zone *z, int64_t utc_ms);

/* Instant of a clock time. One that a clock skipped counts with the offset before the jump, one it
 * showed twice is the first. Fields beyond their range carry over: day 32 is the next month. */
int64_t dm_zone_instant(const struct dm_zone *z, const struct dm_civil *c);

/* "YYYY-MM-DD" of the place at an instant. */
void dm_zone_date(const struct dm_zone *z, int64_t utc_ms, char ret[static DM_DATE_SIZE]);

/* "YYYY-MM-DD" to year, month, day (clock zero). false when text is not a day of the calendar. */
DM_MUST_CHECK bool dm_date_parse(const char *text, struct dm_civil *ret);

#endif

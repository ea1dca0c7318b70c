/* SPDX-License-Identifier: Apache-2.0
 *
 * When something is due: the five fields of cron (minute hour day month weekday), each a star,
 * numbers, ranges, lists, steps. As in cron, a day is due when day or weekday says so, if both are
 * given. Source: POSIX.1-2017 crontab; weekday 7 is Sunday, too, as everywhere. */
#ifndef BACKUP_SCHEDULE_H
#define BACKUP_SCHEDULE_H

#include <stdint.h>

#include "base/zone.h"

struct backup_schedule {
    uint64_t minute, hour, day, month, weekday; /* bit n: value n */
    bool any_day, any_weekday;
};

/* DM_EBADINPUT: not five such fields. */
DM_MUST_CHECK int backup_schedule_parse(const char *text, struct backup_schedule *ret,
                                        struct dm_err *e);

/* The first moment after after_ms at which it is due in the zone (NULL: UTC), at the full minute; 0
 * when there is none within five years (31 February). */
int64_t backup_schedule_next(const struct backup_schedule *s, const struct dm_zone *zone,
                             int64_t after_ms);

#endif

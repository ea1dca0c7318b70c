/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks of the system. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

dm_usec dm_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (dm_usec)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void dm_rfc3339_now(char ret[static DM_RFC3339_SIZE])
{
    time_t now = time(NULL);
    struct tm tm;
    (void)gmtime_r(&now, &tm);
    if (strftime(ret, DM_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        ret[0] = '\0';
    }
}

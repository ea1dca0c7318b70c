/* SPDX-License-Identifier: Apache-2.0
 *
 * Time. Durations are measured on the monotonic clock and have a type of their own. */
#ifndef DM_BASE_CLOCK_H
#define DM_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t dm_usec; /* microseconds of the monotonic clock; only differences mean something */

dm_usec dm_now(void);

static inline double dm_ms_since(dm_usec start)
{
    return (double)(dm_now() - start) / 1000.0;
}

#define DM_RFC3339_SIZE 21 /* "2026-11-23T15:04:05Z" and the NUL */

/* Now, UTC, whole seconds. */
void dm_rfc3339_now(char ret[static DM_RFC3339_SIZE]);

#endif

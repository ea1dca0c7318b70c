/* SPDX-License-Identifier: Apache-2.0
 *
 * Named places where a test may stop the process, to see that what is done twice has its effect
 * once. Without a hook a point costs one comparison. */
#ifndef DM_BASE_POINT_H
#define DM_BASE_POINT_H

/* Set by tests before other threads exist; NULL otherwise. */
extern void (*dm_point_hook)(const char *name);

static inline void dm_point(const char *name)
{
    if (__builtin_expect(dm_point_hook != 0, 0)) {
        dm_point_hook(name);
    }
}

#endif

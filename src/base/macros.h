/* SPDX-License-Identifier: Apache-2.0
 *
 * The few macros every file may use: scope clean-up, ownership transfer, contract checks. */
#ifndef DM_BASE_MACROS_H
#define DM_BASE_MACROS_H

#include <assert.h>
#include <stddef.h>

#define DM_MUST_CHECK        __attribute__((warn_unused_result))
#define DM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DM_UNUSED            __attribute__((unused))

/* Number of elements of an array; refuses a pointer at compile time. */
#define DM_COUNT(a)                                                                                \
    (sizeof(a) / sizeof((a)[0]) +                                                                  \
     0 * sizeof(char[__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])) ? -1 : 1]))

/* Scope clean-up: the destructor receives the address of the variable and accepts a zeroed one. */
#define DM_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines `static inline void name(type *p)` that frees *p with fn, for use with DM_CLEANUP. */
#define DM_DEFINE_CLEANUP(name, type, fn)                                                          \
    DM_UNUSED static inline void name(type *p)                                                     \
    {                                                                                              \
        fn(*p);                                                                                    \
    }

/* Hand a pointer over: yields its value and leaves NULL behind. */
#define DM_STEAL(p)                                                                                \
    (__extension__({                                                                               \
        __typeof__(p) *dm_steal_ = &(p);                                                           \
        __typeof__(p) dm_value_ = *dm_steal_;                                                      \
        *dm_steal_ = NULL;                                                                         \
        dm_value_;                                                                                 \
    }))

#define DM_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define DM_MIN(a, b)        ((a) < (b) ? (a) : (b))
#define DM_MAX(a, b)        ((a) > (b) ? (a) : (b))
#define DM_CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

/* A caller broke the contract: stops the process with the place. Never used for foreign input. */
#define DM_BUG_UNLESS(cond)                                                                        \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            dm_bug(__FILE__, __LINE__, #cond);                                                     \
        }                                                                                          \
    } while (0)

__attribute__((noreturn, cold)) void dm_bug(const char *file, int line, const char *what);

#endif

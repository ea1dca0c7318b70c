/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked size arithmetic. Every size that depends on foreign numbers goes through here. */
#ifndef DM_BASE_ARITH_H
#define DM_BASE_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* *ret = a * b; false (and *ret untouched) when it does not fit. */
DM_MUST_CHECK static inline bool dm_mul_size(size_t a, size_t b, size_t *ret)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) {
        return false;
    }
    *ret = r;
    return true;
}

/* *ret = a + b; false (and *ret untouched) when it does not fit. */
DM_MUST_CHECK static inline bool dm_add_size(size_t a, size_t b, size_t *ret)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) {
        return false;
    }
    *ret = r;
    return true;
}

/* n rounded up to a multiple of align (a power of two). The caller knows that it fits. */
static inline size_t dm_align_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

#endif

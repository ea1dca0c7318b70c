/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test includes: cmocka with its prerequisites, and a few shared helpers. */
#ifndef TESTS_SUPPORT_TESTING_H
#define TESTS_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"

/* Success, or the test fails with the error's own words. */
#define assert_ok(expr, e)                                                                         \
    do {                                                                                           \
        int assert_ok_ = (expr);                                                                   \
        if (assert_ok_ < 0) {                                                                      \
            fail_msg("%s: %s (%d)", #expr, dm_err_text(e), assert_ok_);                            \
        }                                                                                          \
    } while (0)

/* Deterministic numbers for test data: xorshift64*, Vigna 2016. */
struct test_rng {
    uint64_t s;
};
static inline uint64_t test_rng_next(struct test_rng *r)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return r->s * UINT64_C(2685821657736338717);
}
static inline uint32_t test_rng_below(struct test_rng *r, uint32_t n)
{
    return (uint32_t)((test_rng_next(r) >> 33) % n);
}
static inline double test_rng_unit(struct test_rng *r)
{
    return (double)(test_rng_next(r) >> 11) * 0x1p-53;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap: sizes that overflow, alignment, and the injected fault itself. */
#include "base/alloc.h"

#include <stdbool.h>
#include <string.h>

#include "base/arith.h"
#include "support/testing.h"

/* Read by the address sanitizer: sizes beyond reason are to fail here, not to end the program. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void checked_arithmetic_leaves_its_result_alone_on_overflow(void **state)
{
    (void)state;
    static const struct {
        size_t a, b;
        bool mul, add;
    } rows[] = {
        {0, 0, true, true},
        {3, 5, true, true},
        {SIZE_MAX, 1, true, false},
        {SIZE_MAX, 0, true, true},
        {SIZE_MAX / 2, 2, true, true},
        {SIZE_MAX / 2 + 1, 2, false, true},
        {(size_t)1 << 33, (size_t)1 << 33, false, true},
        {SIZE_MAX, SIZE_MAX, false, false},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        size_t r = 77;
        assert_int_equal(dm_mul_size(rows[i].a, rows[i].b, &r), rows[i].mul);
        assert_int_equal(r, rows[i].mul ? rows[i].a * rows[i].b : 77);
        r = 77;
        assert_int_equal(dm_add_size(rows[i].a, rows[i].b, &r), rows[i].add);
        assert_int_equal(r, rows[i].add ? rows[i].a + rows[i].b : 77);
    }
    assert_int_equal(dm_align_up(0, 64), 0);
    assert_int_equal(dm_align_up(1, 64), 64);
    assert_int_equal(dm_align_up(64, 64), 64);
}

static void calloc_is_zero_and_refuses_overflow(void **state)
{
    (void)state;
    unsigned char *p = dm_calloc(100, 7);
    assert_non_null(p);
    for (size_t i = 0; i < 700; i++) {
        assert_int_equal(p[i], 0);
    }
    dm_free(p);
    volatile size_t huge = SIZE_MAX / 2; /* the compiler must not see it */
    assert_null(dm_calloc(huge, 3));
    dm_free(NULL);
}

static void tensors_are_aligned_small_and_large(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 100000, (4u << 20) - 1, 4u << 20, (9u << 20) + 5};
    for (size_t i = 0; i < DM_COUNT(sizes); i++) {
        unsigned char *p = dm_alloc_aligned(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        p[0] = 1;
        p[sizes[i] - 1] = 2; /* all of it is ours */
        dm_free(p);
    }
    volatile size_t huge = SIZE_MAX - 10;
    assert_null(dm_alloc_aligned(huge));
}

static void realloc_keeps_and_strdup_copies(void **state)
{
    (void)state;
    char *s = dm_strdup("gebera");
    assert_non_null(s);
    s = dm_realloc(s, 100000);
    assert_non_null(s);
    assert_string_equal(s, "gebera");
    (void)dm_alloc_fail_at(1);
    assert_null(dm_realloc(s, 200000));
    (void)dm_alloc_fail_at(0);
    assert_string_equal(s, "gebera"); /* the old block stays */
    dm_free(s);
}

/* Every door fails exactly once, at its turn. */
static void injected_fault_strikes_at_the_nth_allocation(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 6; n++) {
        void *p[5];
        (void)dm_alloc_fail_at(n);
        p[0] = dm_alloc(8);
        p[1] = dm_calloc(2, 4);
        p[2] = dm_realloc(NULL, 8);
        p[3] = dm_alloc_aligned(8);
        p[4] = dm_strdup("x");
        assert_int_equal(dm_alloc_fail_at(0), 5);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(p[i] == NULL, i + 1 == n);
            dm_free(p[i]);
        }
    }
    void *p = dm_alloc(8);
    assert_non_null(p);
    dm_free(p);
    assert_int_equal(dm_alloc_fail_at(0), 0); /* off: not counted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checked_arithmetic_leaves_its_result_alone_on_overflow),
        cmocka_unit_test(calloc_is_zero_and_refuses_overflow),
        cmocka_unit_test(tensors_are_aligned_small_and_large),
        cmocka_unit_test(realloc_keeps_and_strdup_copies),
        cmocka_unit_test(injected_fault_strikes_at_the_nth_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

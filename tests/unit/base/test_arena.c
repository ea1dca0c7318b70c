/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena against a naive keeper of copies: random allocations keep their contents and never
 * overlap; limits and lack of memory. */
#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "support/testing.h"

/* Read by the address sanitizer: sizes beyond reason are to fail here, not to end the program. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

enum { PIECES = 2000 };

struct piece {
    unsigned char *p;
    size_t n;
    unsigned char fill;
};

static bool contents_hold(const struct piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < pieces[i].n; k++) {
            if (pieces[i].p[k] != pieces[i].fill) {
                return false;
            }
        }
    }
    return true;
}

static void random_pieces_keep_their_contents(void **state)
{
    (void)state;
    static struct piece pieces[PIECES];
    struct test_rng rng = {31};
    struct dm_arena a = {0};
    for (int round = 0; round < 2; round++) { /* and again after a clear */
        size_t total = 0;
        for (size_t i = 0; i < PIECES; i++) {
            bool large = test_rng_below(&rng, 100) == 0;
            size_t n = test_rng_below(&rng, large ? 200000 : 300);
            pieces[i] = (struct piece){dm_arena_alloc(&a, n), n, (unsigned char)i};
            assert_non_null(pieces[i].p);
            assert_int_equal((uintptr_t)pieces[i].p % 16, 0);
            memset(pieces[i].p, pieces[i].fill, n);
            total += n;
        }
        assert_true(contents_hold(pieces, PIECES));
        assert_true(a.used_bytes >= total);
        /* the check can fail: one byte into a neighbour is seen */
        size_t victim = 1000;
        while (pieces[victim].n == 0) {
            victim++;
        }
        pieces[victim].p[0] ^= 1;
        assert_false(contents_hold(pieces, PIECES));
        dm_arena_clear(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    dm_arena_clear(&a);
}

static void limit_is_exact_and_frees_again(void **state)
{
    (void)state;
    struct dm_arena a = {.max_bytes = 1024};
    assert_non_null(dm_arena_alloc(&a, 1000)); /* 1008 with padding */
    assert_null(dm_arena_alloc(&a, 17));
    assert_non_null(dm_arena_alloc(&a, 16));
    assert_null(dm_arena_alloc(&a, 1));
    assert_non_null(dm_arena_alloc(&a, 0));
    dm_arena_clear(&a);
    assert_non_null(dm_arena_alloc(&a, 1024));
    assert_null(dm_arena_alloc(&a, 1));
    dm_arena_clear(&a);
    assert_null(dm_arena_alloc(&a, 1025));
    dm_arena_clear(&a);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    volatile size_t huge = SIZE_MAX;
    assert_null(dm_arena_alloc(&a, huge));
    assert_null(dm_arena_alloc(&a, huge - 15));
    assert_null(dm_arena_alloc(&a, huge - 100));
    assert_null(dm_arena_calloc(&a, huge / 2, 3));
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(dm_arena_calloc(&a, 0, 8));
    dm_arena_clear(&a);
}

static void strings_are_copied(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    char text[] = "crassula";
    char *s = dm_arena_strdup(&a, text);
    char *part = dm_arena_strndup(&a, text, 4);
    char *longer = dm_arena_strndup(&a, text, 100);
    char *made = dm_arena_printf(&a, "%s has %d leaves", text, 12);
    text[0] = 'X';
    assert_string_equal(s, "crassula");
    assert_string_equal(part, "cras");
    assert_string_equal(longer, "crassula");
    assert_string_equal(made, "crassula has 12 leaves");
    int *zero = dm_arena_calloc(&a, 50, sizeof(int));
    assert_non_null(zero);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(zero[i], 0);
    }
    dm_arena_clear(&a);
}

static void lack_of_memory_leaves_it_usable(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    (void)dm_alloc_fail_at(1);
    assert_null(dm_arena_alloc(&a, 10));
    (void)dm_alloc_fail_at(1);
    assert_null(dm_arena_strdup(&a, "x"));
    (void)dm_alloc_fail_at(1);
    assert_null(dm_arena_printf(&a, "%d", 1));
    (void)dm_alloc_fail_at(1);
    assert_null(dm_arena_calloc(&a, 1, 1));
    (void)dm_alloc_fail_at(0);
    char *s = dm_arena_strdup(&a, "still here");
    (void)dm_alloc_fail_at(1);
    assert_null(dm_arena_alloc(&a, 100000)); /* needs a new block */
    assert_non_null(dm_arena_alloc(&a, 10)); /* the old one has room */
    (void)dm_alloc_fail_at(0);
    assert_string_equal(s, "still here");
    dm_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_pieces_keep_their_contents),
        cmocka_unit_test(limit_is_exact_and_frees_again),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(lack_of_memory_leaves_it_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

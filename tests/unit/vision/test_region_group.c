/* SPDX-License-Identifier: Apache-2.0
 *
 * Grouping against comparing every pair. */
#include "vision/region.h"

#include <math.h>

#include "support/pattern.h"

enum { MAX = 400 };

static int later(const struct vision_detection *a, const struct vision_detection *b)
{
    if (a->confidence != b->confidence) {
        return a->confidence < b->confidence;
    }
    if (a->cy != b->cy) {
        return a->cy > b->cy;
    }
    return a->cx > b->cx;
}

/* any_class is a planted fault. */
static size_t naive_group(struct vision_detection *d, size_t n, double factor, bool any_class)
{
    for (size_t i = 1; i < n; i++) { /* insertion sort: stable */
        struct vision_detection v = d[i];
        size_t k = i;
        for (; k > 0 && later(&d[k - 1], &v); k--) {
            d[k] = d[k - 1];
        }
        d[k] = v;
    }
    if (factor <= 0) {
        return n;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool duplicate = false;
        for (size_t k = 0; k < kept; k++) {
            double side = fmin(fmin(d[i].w, d[i].h), fmin(d[k].w, d[k].h));
            double dx = d[i].cx - d[k].cx, dy = d[i].cy - d[k].cy;
            duplicate |= (any_class || d[i].class_id == d[k].class_id) &&
                         dx * dx + dy * dy <= factor * side * (factor * side);
        }
        if (!duplicate) {
            d[kept++] = d[i];
        }
    }
    return kept;
}

/* Plants in clusters, so that many are near each other; a few huge boxes among them. */
static size_t random_plants(uint32_t seed, struct vision_detection *d)
{
    size_t n = (size_t)pattern_int(seed, 0, 0, MAX);
    int span = pattern_int(seed, 1, 1, 2000);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 8 * (i + 1);
        int side = pattern_int(seed, k, 0, 40) == 0 ? 4000 : 60;
        d[i] = (struct vision_detection){
            .cx = pattern_int(seed, k + 1, 0, 16 * span) / 16.0,
            .cy = pattern_int(seed, k + 2, 0, 16 * span) / 16.0,
            .w = pattern_int(seed, k + 3, 1, 4 * side) / 4.0,
            .h = pattern_int(seed, k + 4, 1, 4 * side) / 4.0,
            .confidence = (float)pattern_int(seed, k + 5, 1, 64) / 64.0F, /* ties happen */
            .class_id = pattern_int(seed, k + 6, 0, 1),
            .container = pattern_int(seed, k + 7, 0, 3),
        };
    }
    return n;
}

static bool same_list(const struct vision_detection *a, size_t n, const struct vision_detection *b,
                      size_t m)
{
    for (size_t i = 0; i < n && n == m; i++) {
        if (a[i].cx != b[i].cx || a[i].cy != b[i].cy || a[i].w != b[i].w || a[i].h != b[i].h ||
            a[i].confidence != b[i].confidence || a[i].class_id != b[i].class_id) {
            return false;
        }
    }
    return n == m;
}

static void test_oracle(void **state)
{
    (void)state;
    static const double factors[] = {0.15, 0, 0.5, 1, 0.15};
    size_t noticed = 0;
    for (uint32_t i = 0; i < 120; i++) {
        struct dm_err e = {0};
        struct dm_arena arena = {0};
        static struct vision_detection ours[MAX], naive[MAX], faulty[MAX];
        size_t n = random_plants(i, ours);
        memcpy(naive, ours, sizeof(ours));
        memcpy(faulty, ours, sizeof(ours));
        double factor = factors[i % DM_COUNT(factors)];
        size_t kept = 0;
        assert_ok(region_group(ours, n, factor, &arena, &kept, &e), &e);
        size_t expected = naive_group(naive, n, factor, false);
        assert_true(same_list(ours, kept, naive, expected));
        noticed += !same_list(ours, kept, faulty, naive_group(faulty, n, factor, true));
        dm_arena_clear(&arena);
    }
    assert_true(noticed > 50);
}

/* Exactly at the distance counts as the same plant; the box kept is unchanged. */
static void test_border(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_arena arena = {0};
    struct vision_detection d[] = {
        {.cx = 100, .cy = 100, .w = 64, .h = 80, .confidence = 0.5F, .container = 1},
        {.cx = 116, .cy = 100, .w = 90, .h = 70, .confidence = 0.9F, .container = 2},
        {.cx = 133.5, .cy = 100, .w = 90, .h = 70, .confidence = 0.4F, .container = 3},
    };
    size_t n = 0;
    assert_ok(region_group(d, 3, 0.25, &arena, &n, &e), &e);
    assert_int_equal(n, 1); /* 16 = 0.25 * 64 and 17.5 = 0.25 * 70 */
    assert_int_equal(d[0].container, 2);
    assert_true(d[0].cx == 116 && d[0].w == 90);
    d[1] = (struct vision_detection){.cx = 133.625, .cy = 100, .w = 90, .h = 70};
    assert_ok(region_group(d, 2, 0.25, &arena, &n, &e), &e);
    assert_int_equal(n, 2);
    dm_arena_clear(&arena);
}

static void test_no_memory(void **state)
{
    (void)state;
    static struct vision_detection d[MAX];
    size_t n = random_plants(5, d);
    assert_true(n > 1);
    size_t kept = 0;
    struct dm_arena arena = {0};
    assert_survives_no_memory(region_group(d, n, 0.15, &arena, &kept, &e), dm_arena_clear(&arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_border),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

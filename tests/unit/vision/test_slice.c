/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles against the table of vision.md 5.2; merging against a naive oracle, the real library's
 * results, and planted faults. */
#include "vision/slice.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "support/testing.h"

static void test_tile_counts(void **state)
{
    (void)state;
    static const struct {
        int w, h;
        size_t n;
    } cases[] = {{512, 512, 1},    {513, 513, 4},    {896, 512, 2},  {1000, 512, 3},
                 {3000, 1500, 32}, {4000, 3000, 88}, {100, 2000, 5}, {511, 300, 1}};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct image_rect *t;
        size_t n;
        assert_ok(slice_tiles(cases[i].w, cases[i].h, 512, 0.25, &a, &t, &n, &e), &e);
        assert_int_equal(n, cases[i].n);
        dm_arena_clear(&a);
    }
}

static void test_tile_starts(void **state)
{
    (void)state;
    static const int x[] = {0, 384, 488};
    static const int y[] = {0, 1};
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct image_rect *t;
    size_t n;
    assert_ok(slice_tiles(1000, 513, 512, 0.25, &a, &t, &n, &e), &e);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(t[i].x, x[i % 3]);
        assert_int_equal(t[i].y, y[i / 3]);
        assert_int_equal(t[i].w, 512);
        assert_int_equal(t[i].h, 512);
    }
    dm_arena_clear(&a);
}

/* Any size, overlap and crop: inside the crop, in row order, no duplicate, nothing left out, and
 * neighbours share at least the overlap. */
static void test_tile_properties(void **state)
{
    (void)state;
    struct test_rng rng = {1};
    for (int round = 0; round < 300; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct image_rect *t;
        size_t n;
        int size = 64 + (int)test_rng_below(&rng, 600);
        int w = 32 + (int)test_rng_below(&rng, 3000);
        int h = 32 + (int)test_rng_below(&rng, 3000);
        double overlap = test_rng_unit(&rng) * 0.75;
        assert_ok(slice_tiles(w, h, size, overlap, &a, &t, &n, &e), &e);
        for (size_t i = 0; i < n; i++) {
            assert_true(t[i].x >= 0 && t[i].x + t[i].w <= w && t[i].w == DM_MIN(w, size));
            assert_true(t[i].y >= 0 && t[i].y + t[i].h <= h && t[i].h == DM_MIN(h, size));
            if (i > 0 && t[i].y == t[i - 1].y) {
                assert_true(t[i].x > t[i - 1].x);
                assert_true(t[i - 1].x + size - t[i].x >= (int)(overlap * size));
            } else if (i > 0) {
                assert_true(t[i].x == 0 && t[i].y > t[i - 1].y && t[i - 1].x + t[i - 1].w == w);
            }
        }
        assert_int_equal(t[n - 1].y + t[n - 1].h, h);
        dm_arena_clear(&a);
    }
}

/* ---- merging: the oracle follows the words of vision.md 5.3, one class after the other ---- */

static int by_rank(const struct slice_box *a, const struct slice_box *b)
{
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    const double ka[] = {a->x1, a->y1, a->x2, a->y2};
    const double kb[] = {b->x1, b->y1, b->x2, b->y2};
    for (size_t i = 0; i < 4; i++) {
        if (ka[i] != kb[i]) {
            return ka[i] < kb[i] ? -1 : 1;
        }
    }
    return a->class_id - b->class_id;
}

static int by_rank_v(const void *a, const void *b)
{
    return by_rank(a, b);
}

static double ios_f64(struct slice_box a, struct slice_box b)
{
    double w = fmin(a.x2, b.x2) - fmax(a.x1, b.x1);
    double h = fmin(a.y2, b.y2) - fmax(a.y1, b.y1);
    double s = fmin((a.x2 - a.x1) * (a.y2 - a.y1), (b.x2 - b.x1) * (b.y2 - b.y1));
    return s > 0 && w > 0 && h > 0 ? w * h / s : 0;
}

static double ios_f32(struct slice_box a, struct slice_box b)
{
    float c[2][4] = {{(float)a.x1, (float)a.y1, (float)a.x2, (float)a.y2},
                     {(float)b.x1, (float)b.y1, (float)b.x2, (float)b.y2}};
    float area[2];
    for (int i = 0; i < 2; i++) {
        area[i] = (c[i][2] - c[i][0]) * (c[i][3] - c[i][1]);
    }
    double w = (double)fminf(c[0][2], c[1][2]) - (double)fmaxf(c[0][0], c[1][0]);
    double h = (double)fminf(c[0][3], c[1][3]) - (double)fmaxf(c[0][1], c[1][1]);
    float s = fminf(area[0], area[1]);
    return s > 0 && w > 0 && h > 0 ? w * h / (double)s : 0;
}

static size_t oracle_merge(struct slice_box *b, size_t n, double threshold, int classes)
{
    struct slice_box *out = calloc(n + 1, sizeof(*out));
    bool *gone = calloc(n + 1, sizeof(*gone));
    size_t kept = 0;
    qsort(b, n, sizeof(*b), by_rank_v);
    for (int c = 0; c < classes; c++) {
        for (size_t i = 0; i < n; i++) {
            if (gone[i] || b[i].class_id != c) {
                continue;
            }
            struct slice_box keep = b[i];
            for (size_t j = i + 1; j < n; j++) {
                if (gone[j] || b[j].class_id != c || ios_f32(b[i], b[j]) < threshold) {
                    continue;
                }
                gone[j] = true;
                if (ios_f64(keep, b[j]) > threshold) {
                    keep.x1 = fmin(keep.x1, b[j].x1);
                    keep.y1 = fmin(keep.y1, b[j].y1);
                    keep.x2 = fmax(keep.x2, b[j].x2);
                    keep.y2 = fmax(keep.y2, b[j].y2);
                }
            }
            out[kept++] = keep;
        }
    }
    memcpy(b, out, kept * sizeof(*b));
    qsort(b, kept, sizeof(*b), by_rank_v);
    free(out);
    free(gone);
    return kept;
}

/* Index of the first difference, -1 when equal. */
static long first_difference(const struct slice_box *a, size_t na, const struct slice_box *b,
                             size_t nb)
{
    for (size_t i = 0; i < DM_MAX(na, nb); i++) {
        if (i >= na || i >= nb || by_rank(&a[i], &b[i]) != 0) {
            return (long)i;
        }
    }
    return -1;
}

/* Clusters of boxes around plants, some far larger, scores on a coarse grid so that ties occur. */
static size_t random_boxes(struct test_rng *rng, struct slice_box *b, size_t max, int classes)
{
    size_t n = 0;
    double extent = 50 + test_rng_unit(rng) * 2000;
    while (n < max && test_rng_below(rng, 60) != 0) {
        double x = test_rng_unit(rng) * extent;
        double y = test_rng_unit(rng) * extent;
        double side = test_rng_below(rng, 20) == 0 ? 300 : 10 + test_rng_unit(rng) * 40;
        for (uint32_t k = test_rng_below(rng, 5); k < 5 && n < max; k++) {
            double jx = (test_rng_unit(rng) - 0.5) * side;
            double jy = (test_rng_unit(rng) - 0.5) * side;
            b[n++] = (struct slice_box){
                .x1 = x + jx,
                .y1 = y + jy,
                .x2 = x + jx + side * (0.5 + test_rng_unit(rng)),
                .y2 = y + jy + side * (0.5 + test_rng_unit(rng)),
                .score = (float)test_rng_below(rng, 64) / 64.0f,
                .class_id = (int)test_rng_below(rng, (uint32_t)classes),
            };
        }
    }
    return n;
}

enum { BOXES = 400 };

static void test_merge_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {42};
    struct slice_box ours[BOXES], theirs[BOXES];
    size_t merged = 0;
    for (int round = 0; round < 400; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        int classes = 1 + round % 3;
        size_t n = random_boxes(&rng, ours, BOXES, classes);
        size_t kept;
        memcpy(theirs, ours, n * sizeof(*ours));
        assert_ok(slice_merge(ours, n, 0.5, &a, &kept, &e), &e);
        size_t expected = oracle_merge(theirs, n, 0.5, classes);
        assert_int_equal(first_difference(ours, kept, theirs, expected), -1);
        merged += n - kept;
        dm_arena_clear(&a);
    }
    assert_true(merged > 5000); /* the data do overlap */
}

/* The comparison notices each of these faults. */
static void test_merge_planted_faults(void **state)
{
    (void)state;
    struct test_rng rng = {43};
    struct slice_box ours[BOXES], theirs[BOXES];
    struct dm_arena a = {0};
    struct dm_err e = {0};
    size_t n = 0;
    while (n < 50) {
        n = random_boxes(&rng, ours, BOXES, 1);
    }
    size_t kept;
    memcpy(theirs, ours, n * sizeof(*ours));
    assert_ok(slice_merge(ours, n, 0.5, &a, &kept, &e), &e);
    size_t expected = oracle_merge(theirs, n, 0.5, 1);
    assert_int_equal(first_difference(ours, kept, theirs, expected), -1);
    assert_int_not_equal(first_difference(ours, kept - 1, theirs, expected), -1); /* one lost */
    ours[kept / 2].x2 = nextafter(ours[kept / 2].x2, 1e9);                        /* not grown */
    assert_int_equal(first_difference(ours, kept, theirs, expected), kept / 2);
    dm_arena_clear(&a);
}

static void test_merge_rules(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    size_t kept;
    { /* IOS exactly 0.5: matched, not merged, the weaker one lost */
        struct slice_box b[] = {{5, 0, 15, 10, 0.6f, 0}, {0, 0, 10, 10, 0.9f, 0}};
        assert_ok(slice_merge(b, 2, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 1);
        assert_true(b[0].x1 == 0 && b[0].x2 == 10 && b[0].score == 0.9f);
    }
    { /* a little more: union of both, score of the stronger */
        struct slice_box b[] = {{4, 0, 14, 10, 0.6f, 0}, {0, 0, 10, 10, 0.9f, 0}};
        assert_ok(slice_merge(b, 2, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 1);
        assert_true(b[0].x1 == 0 && b[0].x2 == 14 && b[0].score == 0.9f);
    }
    { /* classes do not mix, a little less does not match, equal scores do */
        struct slice_box b[] = {{0, 0, 10, 10, 0.9f, 0},
                                {0, 0, 10, 10, 0.8f, 1},
                                {6, 0, 16, 10, 0.7f, 0},
                                {100, 0, 110, 10, 0.5f, 0},
                                {101, 0, 111, 10, 0.5f, 0}};
        assert_ok(slice_merge(b, 5, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 4);
        assert_true(b[3].x1 == 100 && b[3].x2 == 111);
    }
    { /* empty, single, and boxes without area */
        struct slice_box b[] = {{3, 3, 3, 3, 0.9f, 0}, {3, 3, 3, 3, 0.9f, 0}};
        assert_ok(slice_merge(b, 0, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 0);
        assert_ok(slice_merge(b, 1, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 1);
        assert_ok(slice_merge(b, 2, 0.5, &a, &kept, &e), &e);
        assert_int_equal(kept, 2);
    }
    assert_int_equal(slice_merge(NULL, LIMIT_DETECTIONS + 1, 0.5, &a, &kept, &e), DM_ELIMIT);
    dm_arena_clear(&a);
}

static bool read_boxes(FILE *f, struct slice_box *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fscanf(f, "%lf %lf %lf %lf %f %d", &b[i].x1, &b[i].y1, &b[i].x2, &b[i].y2, &b[i].score,
                   &b[i].class_id) != 6) {
            return false;
        }
    }
    return true;
}

/* Against sahi 0.11.36. Without ties the same boxes are kept always; how far one of them grows also
 * depends on the order of its matches, which there is that of a spatial tree (2 of 30 cases; with
 * its matches sorted by score all 30 agree). Equal scores are ranked by corner here and partly
 * absorbed twice there (2 of 6 cases). */
enum { DIFFERENT_EXTENT = 2, DIFFERENT_TIES = 2 };

static void test_merge_goldens(void **state)
{
    (void)state;
    FILE *f = fopen(SOURCE_ROOT "/tests/data/vision/merge.txt", "re");
    assert_non_null(f);
    int cases = 0;
    int different_extent = 0;
    int different_ties = 0;
    char name[16];
    size_t n, m;
    int ties;
    while (fscanf(f, " case %15s %zu %zu %d", name, &n, &m, &ties) == 4) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct slice_box ours[BOXES], theirs[BOXES];
        size_t kept;
        assert_true(n <= BOXES && m <= BOXES);
        assert_true(read_boxes(f, ours, n) && read_boxes(f, theirs, m));
        assert_ok(slice_merge(ours, n, 0.5, &a, &kept, &e), &e);
        bool equal = first_difference(ours, kept, theirs, m) == -1;
        if (ties) {
            different_ties += !equal;
        } else {
            assert_int_equal(kept, m);
            different_extent += !equal;
        }
        cases++;
        dm_arena_clear(&a);
    }
    (void)fclose(f);
    assert_int_equal(cases, 36);
    assert_int_equal(different_extent, DIFFERENT_EXTENT);
    assert_int_equal(different_ties, DIFFERENT_TIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tile_counts),          cmocka_unit_test(test_tile_starts),
        cmocka_unit_test(test_tile_properties),      cmocka_unit_test(test_merge_oracle),
        cmocka_unit_test(test_merge_planted_faults), cmocka_unit_test(test_merge_rules),
        cmocka_unit_test(test_merge_goldens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

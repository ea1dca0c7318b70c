/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of containers, joined outlines against a naive copy of the reference's array arithmetic and
 * against its own results, and the record of a planted mask. */
#include "vision/container.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/heads.h"
#include "support/testing.h"

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int type;
    } cases[] = {
        {"claro-cajon", VISION_CONTAINER_SEGMENT},
        {"Claro_Cajon", VISION_CONTAINER_SEGMENT},
        {"SEGMENTO", VISION_CONTAINER_SEGMENT},
        {"segment", VISION_CONTAINER_SEGMENT},
        {"cajon", VISION_CONTAINER_BOX},
        {"cajón", VISION_CONTAINER_BOX},
        {"Box", VISION_CONTAINER_BOX},
        {"caja", VISION_CONTAINER_BOX},
        {"plug", VISION_CONTAINER_PLUG},
        {"charola", VISION_CONTAINER_PLUG},
        {"bandeja", VISION_CONTAINER_PLUG},
        {"almacigo", VISION_CONTAINER_ALMACIGO},
        {"almácigo", VISION_CONTAINER_ALMACIGO},
        {"", -1},
        {"perro", -1},
        {"claro", -1},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_int_equal(container_type(cases[i].name), cases[i].type);
    }
    assert_string_equal(container_word(VISION_CONTAINER_BOX), "cajon");
}

/* ---- joining ---- */

enum { POINTS = 4000 };

struct list {
    struct image_point p[POINTS];
    size_t n;
};

static void append(struct list *l, const struct image_point *p, size_t n)
{
    assert_true(l->n + n <= POINTS);
    memcpy(l->p + l->n, p, n * sizeof(*p));
    l->n += n;
}

/* The reference's steps on whole arrays: reverse, roll, close, cut. */
static void oracle_join(const struct image_contours *c, struct list *out)
{
    size_t joint[64][2];
    size_t joints[64] = {0};
    struct list *seg = calloc(c->n, sizeof(*seg));
    out->n = 0;
    for (size_t i = 0; i < c->n; i++) {
        append(&seg[i], c->points + c->first[i], c->first[i + 1] - c->first[i]);
    }
    if (c->n == 1) {
        append(out, seg[0].p, seg[0].n);
    }
    for (size_t i = 1; i < c->n; i++) {
        double least = INFINITY;
        size_t a = 0, b = 0;
        for (size_t k = 0; k < seg[i - 1].n * seg[i].n; k++) {
            struct image_point p = seg[i - 1].p[k / seg[i].n];
            struct image_point q = seg[i].p[k % seg[i].n];
            double d = pow(p.x - q.x, 2) + pow(p.y - q.y, 2);
            if (d < least) {
                least = d;
                a = k / seg[i].n;
                b = k % seg[i].n;
            }
        }
        joint[i - 1][joints[i - 1]++] = a;
        joint[i][joints[i]++] = b;
    }
    for (size_t i = 0; c->n > 1 && i < c->n; i++) {
        size_t idx[2] = {joint[i][0], joint[i][1]};
        struct list old = seg[i];
        if (joints[i] == 2 && idx[0] > idx[1]) {
            size_t first = idx[1];
            idx[1] = idx[0];
            idx[0] = first;
            for (size_t k = 0; k < old.n; k++) {
                seg[i].p[k] = old.p[old.n - 1 - k];
            }
        }
        old = seg[i];
        for (size_t k = 0; k < old.n; k++) {
            seg[i].p[k] = old.p[(k + idx[0]) % old.n];
        }
        append(&seg[i], seg[i].p, 1);
        bool end = i == 0 || i == c->n - 1;
        append(out, seg[i].p, end ? seg[i].n : idx[1] - idx[0] + 1);
    }
    for (size_t i = c->n - 1; c->n > 1 && i-- > 1;) {
        size_t from =
            joint[i][1] > joint[i][0] ? joint[i][1] - joint[i][0] : joint[i][0] - joint[i][1];
        append(out, seg[i].p + from, seg[i].n - from);
    }
    free(seg);
}

static long first_difference(const struct image_point *p, size_t n, const struct list *l)
{
    for (size_t i = 0; i < DM_MAX(n, l->n); i++) {
        if (i >= n || i >= l->n || p[i].x != l->p[i].x || p[i].y != l->p[i].y) {
            return (long)i;
        }
    }
    return -1;
}

static void test_join_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {51};
    struct list *expected = malloc(sizeof(*expected));
    for (int round = 0; round < 300; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct image_point points[1000];
        size_t first[21] = {0};
        struct image_contours c = {.points = points, .first = first, .n = 1 + (size_t)round % 20};
        for (size_t i = 0; i < c.n; i++) {
            first[i + 1] = first[i] + 1 + test_rng_below(&rng, 40);
        }
        for (size_t i = 0; i < first[c.n]; i++) {
            points[i] =
                (struct image_point){(int)test_rng_below(&rng, 60), (int)test_rng_below(&rng, 60)};
        }
        struct image_point *joined;
        size_t n;
        assert_ok(container_join(&c, &a, &joined, &n, &e), &e);
        oracle_join(&c, expected);
        assert_int_equal(first_difference(joined, n, expected), -1);
        joined[n / 2].x++; /* planted: a vertex off, a vertex lost */
        assert_int_equal(first_difference(joined, n, expected), n / 2);
        joined[n / 2].x--;
        assert_int_equal(first_difference(joined, n - 1, expected), n - 1);
        dm_arena_clear(&a);
    }
    free(expected);
}

static void test_join_nothing(void **state)
{
    (void)state;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct image_contours c = {0};
    struct image_point *joined;
    size_t n = 1;
    assert_ok(container_join(&c, &a, &joined, &n, &e), &e);
    assert_int_equal(n, 0);
    dm_arena_clear(&a);
}

/* Contours and joining against masks2segments of ultralytics 8.3.220 with OpenCV. */
static void test_outline_goldens(void **state)
{
    (void)state;
    FILE *f = fopen(SOURCE_ROOT "/tests/data/vision/outlines.txt", "re");
    assert_non_null(f);
    struct list *expected = malloc(sizeof(*expected));
    char name[16], row[64];
    int w, h;
    int cases = 0;
    size_t several = 0;
    while (fscanf(f, " case %15s %d %d %zu", name, &w, &h, &expected->n) == 4) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct image mask;
        struct image_contours c = {0};
        struct image_point *joined;
        size_t n;
        assert_ok(image_init_zero(&mask, w, h, 1, &e), &e);
        for (int y = 0; y < h; y++) {
            assert_int_equal(fscanf(f, "%63s", row), 1);
            for (int x = 0; x < w; x++) {
                image_row(&mask, y)[x] = row[x] == '#' ? 255 : 0;
            }
        }
        for (size_t i = 0; i < expected->n; i++) {
            assert_int_equal(fscanf(f, "%d,%d", &expected->p[i].x, &expected->p[i].y), 2);
        }
        assert_ok(image_find_contours(&mask, &c, &e), &e);
        assert_ok(container_join(&c, &a, &joined, &n, &e), &e);
        assert_int_equal(first_difference(joined, n, expected), -1);
        several += c.n > 2;
        cases++;
        image_contours_clear(&c);
        image_clear(&mask);
        dm_arena_clear(&a);
    }
    (void)fclose(f);
    free(expected);
    assert_int_equal(cases, 32);
    assert_true(several >= 5);
}

/* ---- a record ---- */

/* A rectangle of prototypes behind a letterbox with borders: box, outline and area in the photo. */
static void test_shape(void **state)
{
    (void)state;
    struct test_heads t;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct container_shape s;
    struct yolo_letterbox lb = yolo_letterbox_plan(512, 256, 128, 128, 32, false);
    test_heads_init(&t, 128, 128, 1, 1);
    assert_true(lb.top == 32 && lb.gain == 0.25);
    int anchor = test_heads_put(&t, 16, 40, 80, 80, 0.75, 0);
    assert_true(anchor >= 0 && anchor < 256);
    test_heads_coef(&t, 0, anchor % 16, anchor / 16)[0] = 1;
    for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 32; x++) {
            bool set = x >= 5 && x < 19 && y >= 11 && y < 19;
            test_heads_proto(&t, x, y)[0] = set ? 1 : -1;
        }
    }
    struct yolo_box b = {.x1 = 16, .y1 = 40, .x2 = 80, .y2 = 80, .score = 0.75f, .anchor = anchor};
    assert_ok(container_shape(&t.h, &lb, &b, &a, &s, &e), &e);
    assert_true(s.confidence == 0.75f);
    static const double norm[] = {64 / 512.0, 32 / 256.0, 320 / 512.0, 192 / 256.0};
    assert_memory_equal(s.norm, norm, sizeof(norm));
    /* Mask 20..75 x 44..75 in network pixels, enlarging rounds its corners by one pixel: vertices
     * are pixel centres, from the topmost one down the left side. */
    static const int corners[][2] = {{21, 44}, {20, 45}, {20, 74}, {21, 75},
                                     {74, 75}, {75, 74}, {75, 45}, {74, 44}};
    assert_int_equal(s.n_points, DM_COUNT(corners));
    for (size_t i = 0; i < DM_COUNT(corners); i++) {
        assert_true(s.polygon[2 * i] == corners[i][0] * 4 / 512.0);
        assert_true(s.polygon[2 * i + 1] == (corners[i][1] - 32) * 4 / 256.0);
    }
    struct image_rect r = container_bbox(&s, 512, 256);
    assert_true(r.x == 64 && r.y == 32 && r.w == 256 && r.h == 160);
    assert_true(container_valid(&s, 512, 256));
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

static void test_valid(void **state)
{
    (void)state;
    static const struct container_shape good = {
        .confidence = 0.5f, .norm = {0.1, 0.2, 0.3, 0.4}, .n_points = 4};
    struct container_shape s = good;
    assert_true(container_valid(&s, 100, 100));
    s.n_points = 0;
    assert_false(container_valid(&s, 100, 100));
    s = good;
    s.confidence = 1.5f;
    assert_false(container_valid(&s, 100, 100));
    s = good;
    s.norm[2] = 0.105; /* less than a pixel wide */
    assert_false(container_valid(&s, 100, 100));
    s = good;
    s.norm[3] = 0.1; /* upside down */
    assert_false(container_valid(&s, 100, 100));
    s.norm[3] = 1.01;
    assert_false(container_valid(&s, 100, 100));
    s.norm[3] = NAN;
    assert_false(container_valid(&s, 100, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_join_oracle),
        cmocka_unit_test(test_join_nothing), cmocka_unit_test(test_outline_goldens),
        cmocka_unit_test(test_shape),        cmocka_unit_test(test_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * External contours: goldens of OpenCV (order and start points included), and an oracle that knows
 * nothing of border following: it labels components by flooding and compares sets of pixels. */
#include "image/ops.h"

#include "support/pattern.h"

static uint32_t contours_crc(const struct image_contours *c)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < c->n; i++) {
        int32_t n = (int32_t)(c->first[i + 1] - c->first[i]);
        crc = pattern_crc(crc, &n, sizeof(n));
        for (size_t k = c->first[i]; k < c->first[i + 1]; k++) {
            int32_t xy[2] = {c->points[k].x, c->points[k].y};
            crc = pattern_crc(crc, xy, sizeof(xy));
        }
    }
    return crc;
}

static void test_goldens(void **state)
{
    (void)state;
    static const struct {
        enum pattern kind;
        uint32_t seed;
        int w, h;
        uint32_t opened; /* test_ops_morph.c */
        size_t contours, points;
        uint32_t crc;
    } rows[] = {
#include "data/ops/mask.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image mask = pattern_image(rows[i].kind, rows[i].seed, rows[i].w, rows[i].h, 1);
        struct image_contours c;
        assert_ok(image_find_contours(&mask, &c, &e), &e);
        assert_int_equal(c.n, rows[i].contours);
        assert_int_equal(c.first[c.n], rows[i].points);
        assert_int_equal(contours_crc(&c), rows[i].crc);
        image_contours_clear(&c);
        image_clear(&mask);
    }
}

/* Small masks whose contours a person can follow. */
static void test_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *mask; /* rows of 5 */
        size_t n;
        struct image_point first[8]; /* the first contour */
    } rows[] = {
        {".....\n.....\n.....", 0, {{0}}},
        {"#####\n#####\n#####", 1, {{0, 0}, {0, 2}, {4, 2}, {4, 0}}},
        {".....\n..#..\n.....", 1, {{2, 1}}},
        {".....\n.###.\n.....", 1, {{1, 1}, {3, 1}}},
        {"#...#\n.....\n#...#", 4, {{4, 2}}},
        {"#....\n.#...\n..#..", 1, {{0, 0}, {2, 2}}},
        {"#####\n#...#\n#####", 1, {{0, 0}, {0, 2}, {4, 2}, {4, 0}}},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image mask = plain_image(0, 5, 3, 1);
        for (int k = 0; k < 15; k++) {
            mask.px[k] = rows[i].mask[k / 5 * 6 + k % 5] == '#' ? 255 : 0;
        }
        struct image_contours c;
        assert_ok(image_find_contours(&mask, &c, &e), &e);
        assert_int_equal(c.n, rows[i].n);
        for (size_t k = 0; c.n > 0 && k < c.first[1]; k++) {
            assert_int_equal(c.points[k].x, rows[i].first[k].x);
            assert_int_equal(c.points[k].y, rows[i].first[k].y);
        }
        image_contours_clear(&c);
        image_clear(&mask);
    }
}

enum { MAX_SIDE = 50 };

/* A frame of one clear pixel around the mask; label 1 = background reached from outside. */
struct plane {
    int w, h;
    int label[(MAX_SIDE + 2) * (MAX_SIDE + 2)];
};

static void flood(struct plane *p, const struct image *mask, int x, int y, int label)
{
    static int stack[8 * (MAX_SIDE + 2) * (MAX_SIDE + 2)];
    bool set = x > 0 && y > 0 && x <= mask->w && y <= mask->h && image_row(mask, y - 1)[x - 1] != 0;
    int n = 0;
    stack[n++] = y * p->w + x;
    while (n > 0) {
        int at = stack[--n];
        int ax = at % p->w, ay = at / p->w;
        bool in_mask = ax > 0 && ay > 0 && ax <= mask->w && ay <= mask->h &&
                       image_row(mask, ay - 1)[ax - 1] != 0;
        if (p->label[at] != 0 || in_mask != set) {
            continue;
        }
        p->label[at] = label;
        for (int d = 0; d < 9; d++) {
            int dx = d % 3 - 1, dy = d / 3 - 1;
            /* Components are 8-connected, the background between them 4-connected. */
            if ((dx != 0 || dy != 0) && (set || dx == 0 || dy == 0) && ax + dx >= 0 &&
                ay + dy >= 0 && ax + dx < p->w && ay + dy < p->h) {
                stack[n++] = (ay + dy) * p->w + ax + dx;
            }
        }
    }
}

static bool touches_outside(const struct plane *p, int at)
{
    return p->label[at - 1] == 1 || p->label[at + 1] == 1 || p->label[at - p->w] == 1 ||
           p->label[at + p->w] == 1;
}

/* Mark every pixel on the way from vertex to vertex in seen; false when a way is not along one of
 * the eight directions. */
static bool trace(const struct image_contours *c, size_t i, struct plane *seen)
{
    size_t n = c->first[i + 1] - c->first[i];
    for (size_t k = 0; k < n; k++) {
        struct image_point a = c->points[c->first[i] + k];
        struct image_point b = c->points[c->first[i] + (k + 1) % n];
        int dx = b.x - a.x, dy = b.y - a.y;
        int steps = DM_MAX(abs(dx), abs(dy));
        if (dx != 0 && dy != 0 && abs(dx) != abs(dy)) {
            return false;
        }
        for (int s = 0; s <= steps; s++) {
            int x = a.x + (steps ? dx / steps * s : 0);
            int y = a.y + (steps ? dy / steps * s : 0);
            seen->label[(y + 1) * seen->w + x + 1] = 1;
        }
    }
    return true;
}

/* Whether c describes the mask: the contours pass exactly the pixels of the outer borders, one
 * contour per component that lies outside, each from its first pixel, the last component first. */
static bool contours_fit(const struct image *mask, const struct image_contours *c)
{
    static struct plane p, seen;
    p = (struct plane){.w = mask->w + 2, .h = mask->h + 2};
    seen = p;
    flood(&p, mask, 0, 0, 1);
    struct image_point start[MAX_SIDE * MAX_SIDE];
    size_t components = 0;
    for (int at = 0; at < p.w * p.h; at++) {
        int x = at % p.w, y = at / p.w;
        bool set = x > 0 && y > 0 && x <= mask->w && y <= mask->h && image_row(mask, y - 1)[x - 1];
        if (set && p.label[at] == 0) {
            flood(&p, mask, x, y, 2);
            if (p.label[at - 1] == 1) { /* left of its first pixel is outside, not a hole */
                start[components++] = (struct image_point){x - 1, y - 1};
            }
        }
    }
    if (c->n != components) {
        return false;
    }
    for (size_t i = 0; i < c->n; i++) {
        struct image_point own = c->points[c->first[i]];
        struct image_point expected = start[components - 1 - i];
        if (own.x != expected.x || own.y != expected.y || !trace(c, i, &seen)) {
            return false;
        }
    }
    for (int at = 0; at < p.w * p.h; at++) {
        bool on_border = p.label[at] == 2 && touches_outside(&p, at);
        if (on_border != (seen.label[at] == 1)) {
            return false;
        }
    }
    return true;
}

static void test_oracle(void **state)
{
    (void)state;
    static const enum pattern kinds[] = {PATTERN_DISKS, PATTERN_SPARSE, PATTERN_DENSE,
                                         PATTERN_BINARY};
    size_t noticed = 0;
    size_t planted = 0;
    for (uint32_t i = 0; i < 400; i++) {
        struct dm_err e = {0};
        int w = pattern_int(i, 0, 1, MAX_SIDE);
        int h = pattern_int(i, 1, 1, MAX_SIDE);
        struct image mask = pattern_image(kinds[i % 4], i, w, h, 1);
        struct image_contours c;
        assert_ok(image_find_contours(&mask, &c, &e), &e);
        assert_true(contours_fit(&mask, &c));
        if (c.first[c.n] > 0) {
            /* One vertex moved away by one pixel. */
            size_t k = (size_t)pattern_int(i, 2, 0, (int)c.first[c.n] - 1);
            c.points[k].x += c.points[k].x > 0 ? -1 : 1;
            noticed += !contours_fit(&mask, &c);
            planted++;
        }
        image_contours_clear(&c);
        image_clear(&mask);
    }
    assert_true(planted > 350 && noticed >= planted * 9 / 10);
}

/* Only corners are kept. */
static void test_chain_compressed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct dm_err e = {0};
        struct image mask = pattern_image(PATTERN_DISKS, i, 70, 55, 1);
        struct image_contours c;
        assert_ok(image_find_contours(&mask, &c, &e), &e);
        for (size_t k = 0; k < c.n; k++) {
            size_t n = c.first[k + 1] - c.first[k];
            for (size_t j = 0; n > 2 && j < n; j++) {
                struct image_point a = c.points[c.first[k] + j];
                struct image_point b = c.points[c.first[k] + (j + 1) % n];
                struct image_point d = c.points[c.first[k] + (j + 2) % n];
                int64_t cross =
                    (int64_t)(b.x - a.x) * (d.y - b.y) - (int64_t)(b.y - a.y) * (d.x - b.x);
                int64_t dot =
                    (int64_t)(b.x - a.x) * (d.x - b.x) + (int64_t)(b.y - a.y) * (d.y - b.y);
                assert_true(cross != 0 || dot < 0); /* a turn, or straight back */
            }
        }
        image_contours_clear(&c);
        image_clear(&mask);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image mask = pattern_image(PATTERN_SPARSE, 3, 90, 80, 1); /* lists grow more than once */
    struct image_contours c;
    assert_survives_no_memory(image_find_contours(&mask, &c, &e), image_contours_clear(&c));
    image_clear(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),   cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_oracle),    cmocka_unit_test(test_chain_compressed),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

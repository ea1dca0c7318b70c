/* SPDX-License-Identifier: Apache-2.0
 *
 * The soil rule on every dark colour, and residual and suppression pixel by pixel against
 * tests/support/naive_estimate.h. */
#include "vision/estimate_floor.h"

#include "support/naive_estimate.h"

/* Colours where the rule and HSV disagree; limit 40 is right. */
static int soil_disagreements(unsigned limit)
{
    int different = 0;
    for (unsigned i = 0; i < 64 * 64 * 64; i++) {
        uint8_t p[3] = {(uint8_t)(i & 63), (uint8_t)(i >> 6 & 63), (uint8_t)(i >> 12)};
        bool ours = estimate_is_soil(p[0], p[1], p[2]) && p[0] <= limit;
        different += ours != naive_soil(p);
        assert_true(!naive_soil(p) ||
                    image_lightness_u8(p[0], p[1], p[2]) <= ESTIMATE_SOIL_LIGHTNESS_MAX);
    }
    return different;
}

static void test_soil(void **state)
{
    (void)state;
    assert_int_equal(soil_disagreements(40), 0);
    assert_true(soil_disagreements(39) > 0);
    for (uint32_t i = 0; i < 20000; i++) { /* and some bright ones */
        uint64_t v = pattern_mix(1, i);
        uint8_t p[3] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16)};
        assert_int_equal(estimate_is_soil(p[0], p[1], p[2]), naive_soil(p));
    }
}

/* A container in a frame, every picture a view of a larger one. */
struct scene {
    struct image photo, mask, soft, claimed; /* whole */
    struct image view[4];
    struct estimate_input in;
};

static void scene_init(struct scene *s, uint32_t i)
{
    int w = pattern_int(i, 0, i % 10 ? 30 : 3, 110);
    int h = pattern_int(i, 1, i % 10 ? 30 : 3, 80);
    struct image_rect r = {pattern_int(i, 2, 0, 2), pattern_int(i, 3, 0, 2), 0, 0};
    r.w = w - r.x - pattern_int(i, 4, 0, DM_MIN(w - r.x - 1, 3));
    r.h = h - r.y - pattern_int(i, 5, 0, DM_MIN(h - r.y - 1, 3));
    *s = (struct scene){
        .photo = pattern_image(PATTERN_LEAVES, i, w, h, 3),
        .mask = i % 4 ? pattern_image(i % 8 == 5 ? PATTERN_DENSE : PATTERN_DISKS, i, w, h, 1)
                      : plain_image(255, w, h, 1),
        .soft = pattern_image(i % 6 == 5 ? PATTERN_NOISE : PATTERN_SMOOTH, i, w, h, 1),
        .claimed = pattern_image(PATTERN_DISKS, i + 1000, w, h, 1),
    };
    for (int k = 0; i % 5 == 2 && k < 3 * w * h; k++) {
        s->photo.px[k] /= 3; /* dusk: soil is brighter than Otsu's threshold */
    }
    if (i % 7 == 0) {
        memset(s->soft.px, 0, (size_t)w * (size_t)h);
    }
    s->view[0] = image_view(&s->photo, r);
    s->view[1] = image_view(&s->mask, r);
    s->view[2] = image_view(&s->soft, r);
    s->view[3] = image_view(&s->claimed, r);
    s->in = (struct estimate_input){.photo = &s->view[0],
                                    .mask = &s->view[1],
                                    .detections = &s->view[2],
                                    .claimed = i % 3 ? NULL : &s->view[3],
                                    .rect = r,
                                    .photo_w = w,
                                    .photo_h = h};
}

static void scene_clear(struct scene *s)
{
    image_clear(&s->photo);
    image_clear(&s->mask);
    image_clear(&s->soft);
    image_clear(&s->claimed);
}

/* Pixels that differ from the naive suppression with a fault, plus one for a wrong count. */
static size_t differences(const struct scene *s, int scope, const struct estimate_rows *rows,
                          int64_t residual_px, int64_t processed_px, enum naive_fault fault)
{
    struct image residual = naive_residual(&s->in, rows->y0, rows->y1, fault);
    struct image processed = naive_processed(&s->in, scope, &residual, rows->y0, rows->y1, fault);
    struct image_rect band = {0, rows->y0, s->in.rect.w, rows->y1 - rows->y0};
    struct image r = image_view(&residual, band);
    struct image p = image_view(&processed, band);
    size_t n = image_differences(rows->residual, &r) + image_differences(rows->processed, &p);
    n += residual_px != naive_count(&residual) || processed_px != naive_count(&processed);
    image_clear(&residual);
    image_clear(&processed);
    return n;
}

static void test_oracle(void **state)
{
    (void)state;
    size_t noticed[NAIVE_FAULTS] = {0};
    for (uint32_t i = 0; i < 150; i++) {
        struct dm_err e = {0};
        struct scene s;
        scene_init(&s, i);
        int scope = i % 4 == 0 ? VISION_OTSU_MASKED : VISION_OTSU_FRAME;
        int y0 = pattern_int(i, 6, 0, s.in.rect.h / 2);
        int y1 = pattern_int(i, 7, y0 + 1, s.in.rect.h);
        struct image residual = plain_image(9, s.in.rect.w, y1 - y0, 1);
        struct image processed = plain_image(9, s.in.rect.w, y1 - y0, 1);
        struct estimate_rows rows = {y0, y1, &residual, &processed};
        int64_t residual_px = -1, processed_px = -1;
        assert_ok(estimate_suppress_floor(&s.in, scope, &rows, &residual_px, &processed_px, &e),
                  &e);
        for (enum naive_fault f = NAIVE_RIGHT; f < NAIVE_FAULTS; f++) {
            noticed[f] += differences(&s, scope, &rows, residual_px, processed_px, f) > 0;
        }
        image_clear(&residual);
        image_clear(&processed);
        scene_clear(&s);
    }
    assert_int_equal(noticed[NAIVE_RIGHT], 0);
    static const enum naive_fault here[] = {NAIVE_CLAIMED_IGNORED, NAIVE_SOIL_KEPT,
                                            NAIVE_OTSU_SCOPE, NAIVE_NOT_OPENED,
                                            NAIVE_OPENED_PER_BAND};
    for (size_t i = 0; i < DM_COUNT(here); i++) {
        assert_true(noticed[here[i]] > 10);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, 10);
    struct image residual = plain_image(0, s.in.rect.w, s.in.rect.h, 1);
    struct image processed = plain_image(0, s.in.rect.w, s.in.rect.h, 1);
    struct estimate_rows rows = {0, s.in.rect.h, &residual, &processed};
    int64_t a, b;
    assert_survives_no_memory(estimate_suppress_floor(&s.in, 0, &rows, &a, &b, &e), (void)0);
    image_clear(&residual);
    image_clear(&processed);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_soil),
        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

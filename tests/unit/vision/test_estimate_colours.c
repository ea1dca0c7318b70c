/* SPDX-License-Identifier: Apache-2.0
 *
 * The colours of plants learned from a photo, and what they do to the estimate of a crate of soil
 * in which some plants were missed. */
#include "vision/estimate.h"

#include <math.h>
#include <string.h>

#include "support/pattern.h"

enum { W = 600, H = 480, CELL = 40, SIDE = 20, ALL = (W / CELL) * (H / CELL) };

/* Speckled soil with a green plant in every cell, of which the first `found` in an order that mixes
 * the rows were detected. */
struct scene {
    struct image photo, mask, soft;
    struct vision_detection plant[ALL];
    struct estimate_input in;
};

static void speckle(struct image *im, struct image_rect r, const uint8_t rgb[3], uint32_t seed)
{
    for (int y = r.y; y < r.y + r.h; y++) {
        for (int x = r.x; x < r.x + r.w; x++) {
            uint64_t v = pattern_mix(seed, (uint32_t)(y * im->w + x));
            for (int c = 0; c < 3; c++) {
                image_row(im, y)[3 * x + c] = (uint8_t)(rgb[c] + (v >> (8 * c)) % 24);
            }
        }
    }
}

static void scene_init(struct scene *s, size_t found, const uint8_t ground[3],
                       const uint8_t leaf[3])
{
    struct dm_err e = {0};
    *s = (struct scene){.photo = plain_image(0, W, H, 3), .mask = plain_image(255, W, H, 1)};
    speckle(&s->photo, (struct image_rect){0, 0, W, H}, ground, 1);
    for (int i = 0; i < ALL; i++) {
        int cell = i * 7 % ALL; /* 7 and ALL have no common divisor */
        int x = cell % (W / CELL) * CELL + (CELL - SIDE) / 2;
        int y = cell / (W / CELL) * CELL + (CELL - SIDE) / 2;
        speckle(&s->photo, (struct image_rect){x, y, SIDE, SIDE}, leaf, 2);
        s->plant[i] = (struct vision_detection){
            .cx = x + SIDE / 2.0, .cy = y + SIDE / 2.0, .w = SIDE, .h = SIDE};
    }
    s->in = (struct estimate_input){.photo = &s->photo,
                                    .mask = &s->mask,
                                    .detections = &s->soft,
                                    .rect = {0, 0, W, H},
                                    .detection = s->plant,
                                    .n = found,
                                    .photo_w = W,
                                    .photo_h = H};
    assert_ok(estimate_detection_mask(s->plant, found, s->in.rect, &s->soft, &e), &e);
}

static void scene_clear(struct scene *s)
{
    image_clear(&s->photo);
    image_clear(&s->mask);
    image_clear(&s->soft);
}

static bool learn(const struct scene *s, struct estimate_colours *c)
{
    memset(c, 0, sizeof(*c));
    estimate_colours_see_plants(c, &s->photo, s->plant, s->in.n);
    estimate_colours_see_ground(c, &s->photo, &s->mask, &s->soft);
    return estimate_colours_decide(c);
}

static uint32_t estimated(struct scene *s, const struct estimate_colours *c)
{
    struct dm_err e = {0};
    struct vision_params p;
    struct vision_band band[16];
    uint32_t n = 0;
    vision_params_init(&p, VISION_PROFILE_PRODUCT);
    s->in.colours = c;
    assert_ok(estimate_bands(&s->in, &p, band, NULL, &e), &e);
    for (int i = 0; i < p.bands; i++) {
        assert_int_equal(band[i].residual_px, band[i].processed_px + band[i].suppressed_px);
        n += band[i].count;
    }
    return n;
}

static const uint8_t soil[3] = {120, 90, 60};
static const uint8_t green[3] = {70, 150, 60};
static const uint8_t red[3] = {150, 50, 70};

static void test_missed_plants_alone(void **state)
{
    (void)state;
    static const struct {
        size_t missed;
        const uint8_t *leaf;
    } cases[] = {{0, green}, {0, red}, {30, green}, {60, green}, {60, red}, {90, green}};
    struct estimate_colours *c = malloc(sizeof(*c));
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct scene s;
        scene_init(&s, ALL - cases[i].missed, soil, cases[i].leaf);
        assert_true(learn(&s, c));
        double n = estimated(&s, c);
        double with_soil = estimated(&s, NULL);
        double missed = (double)cases[i].missed;
        if (fabs(n - missed) > 4 + 0.25 * missed || with_soil < n + 60) {
            fail_msg("case %zu: %.0f, with the soil %.0f", i, n, with_soil);
        }
        scene_clear(&s);
    }
    free(c);
}

static void test_what_is_learned(void **state)
{
    (void)state;
    static const struct {
        uint8_t rgb[3];
        bool plant;
    } colours[] = {{{80, 160, 70}, true}, {{130, 100, 70}, false}, {{0, 0, 255}, false}};
    struct estimate_colours *c = malloc(sizeof(*c));
    struct scene s;
    scene_init(&s, ALL / 2, soil, green);
    assert_true(learn(&s, c));
    for (size_t i = 0; i < DM_COUNT(colours); i++) {
        assert_int_equal(c->is_plant[estimate_colour_of(colours[i].rgb)],
                         colours[i].plant ? 255 : 0);
    }
    s.in.n = 0; /* without a plant nothing can be learned, nor without ground */
    assert_false(learn(&s, c));
    s.in.n = ALL / 2;
    memset(s.mask.px, 0, s.mask.stride_bytes * (size_t)s.mask.h);
    assert_false(learn(&s, c));
    scene_clear(&s);
    free(c);
}

/* Plants at and beyond the edges of the photo, and of no size. */
static void test_edges(void **state)
{
    (void)state;
    static const struct vision_detection d[] = {
        {.cx = 0, .cy = 0, .w = 30, .h = 30},        {.cx = W, .cy = H, .w = 30, .h = 30},
        {.cx = -500, .cy = 90, .w = 30, .h = 30},    {.cx = 90, .cy = H + 500, .w = 30, .h = 30},
        {.cx = W / 2.0, .cy = 10, .w = 5e6, .h = 8}, {.cx = 50, .cy = 50, .w = 0, .h = 30},
    };
    struct estimate_colours *c = calloc(1, sizeof(*c));
    struct image photo = plain_image(10, W, H, 3);
    estimate_colours_see_plants(c, &photo, d, DM_COUNT(d));
    uint32_t seen = 0;
    for (int i = 0; i < ESTIMATE_COLOURS; i++) {
        seen += c->plants[i];
    }
    assert_int_equal(seen, c->plants[0]); /* black, and nothing from outside */
    assert_in_range(seen, W, 10 * W);
    image_clear(&photo);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missed_plants_alone),
        cmocka_unit_test(test_what_is_learned),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

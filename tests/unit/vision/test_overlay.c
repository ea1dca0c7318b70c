/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of a result: what is covered has the stated colour, what is not is the photo, and where
 * the strips meet nothing shows. */
#include "vision/overlay.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "support/fake_result.h"

enum { W = 600, H = 450 };

/* A small photo of noise with one segment, one plant and one band, and all masks. */
static struct vision_result *scene(void)
{
    struct vision_result *r = fake_result();
    struct test_rng rng = {7};
    struct dm_err e = {0};
    assert_ok(image_init(&r->image, W, H, 3, &e), &e);
    assert_ok(image_init(&r->detection_mask, W, H, 1, &e), &e);
    assert_ok(image_init(&r->residual_mask, W, H, 1, &e), &e);
    assert_ok(image_init(&r->processed_mask, W, H, 1, &e), &e);
    for (size_t i = 0; i < (size_t)W * H; i++) {
        for (size_t c = 0; c < 3; c++) {
            r->image.px[3 * i + c] = (uint8_t)test_rng_below(&rng, 256);
        }
        r->detection_mask.px[i] = (uint8_t)test_rng_below(&rng, 256);
        r->residual_mask.px[i] = test_rng_below(&rng, 2) ? 255 : 0;
        r->processed_mask.px[i] = test_rng_below(&rng, 2) ? 255 : 0;
    }
    r->info.w = W;
    r->info.h = H;
    r->n_container = 1;
    r->container[0].bbox = (struct image_rect){380, 60, 180, 340};
    r->container[0].n_polygon = 0;
    r->n_detection = 1;
    r->detection[0] = (struct vision_detection){.cx = 450, .cy = 300, .w = 60, .h = 80};
    r->n_band = 1;
    r->band[0] = (struct vision_band){.number = 1, .y_start = 60, .y_end = 145, .count = 9};
    return r;
}

static struct image drawn(const struct vision_result *r, enum vision_overlay kind, const char *lang)
{
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(vision_overlay_draw(r, kind, lang, &im, &e), &e);
    assert_int_equal(im.w, r->image.w);
    assert_int_equal(im.h, r->image.h);
    assert_int_equal(im.channels, 3);
    return im;
}

/* Pixels of a rectangle that differ between two pictures. */
static size_t changed(const struct image *a, const struct image *b, struct image_rect at)
{
    size_t n = 0;
    for (int y = at.y; y < at.y + at.h; y++) {
        for (int x = at.x; x < at.x + at.w; x++) {
            n += memcmp(image_row(a, y) + 3 * x, image_row(b, y) + 3 * x, 3) != 0;
        }
    }
    return n;
}
static const struct image_rect everything = {0, 0, W, H};

static void test_helper_notices_one_pixel(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    struct image copy = {0};
    struct dm_err e = {0};
    assert_ok(image_copy(&r->image, &copy, &e), &e);
    assert_int_equal(changed(&copy, &r->image, everything), 0);
    image_row(&copy, 17)[3 * 23 + 1] ^= 1;
    assert_int_equal(changed(&copy, &r->image, everything), 1);
    image_clear(&copy);
    vision_result_free(r);
}

/* vision.md 9.2: disc of diameter 0.85 min(w, h), opacity 0.6, colour of the container's type. */
static void test_disc(void **state)
{
    (void)state;
    static const uint8_t colors[VISION_CONTAINER_MAX_][3] = {
        {0, 200, 83}, {255, 152, 0}, {3, 169, 244}, {156, 39, 176}};
    for (enum vision_container_type t = 0; t < VISION_CONTAINER_MAX_; t++) {
        struct vision_result *r = scene();
        r->container[0].type = t;
        struct image im = drawn(r, VISION_OVERLAY_DETECTIONS, "en");
        const uint8_t *was = image_row(&r->image, 300) + 3 * 450;
        const uint8_t *is = image_row(&im, 300) + 3 * 450;
        for (int c = 0; c < 3; c++) {
            assert_true(fabs(0.4 * was[c] + 0.6 * colors[t][c] - is[c]) <= 2);
        }
        const double radius = 0.85 * 60 / 2;
        const double area = M_PI * radius * radius;
        const double n = (double)changed(&im, &r->image, everything);
        const double rim = 2 * M_PI * radius; /* half covered pixels count whole */
        assert_true(n > area - rim && n < area + rim);
        image_clear(&im);
        vision_result_free(r);
    }
}

/* Plants that overlap are one area: no darker lens between them. */
static void test_overlap(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    r->n_detection = 2;
    r->detection[1] = r->detection[0];
    r->detection[1].cx += 20;
    struct image two = drawn(r, VISION_OVERLAY_DETECTIONS, "en");
    r->n_detection = 1;
    struct image one = drawn(r, VISION_OVERLAY_DETECTIONS, "en");
    assert_int_equal(changed(&one, &two, (struct image_rect){455, 295, 10, 10}), 0);
    assert_true(changed(&one, &two, (struct image_rect){480, 295, 10, 10}) > 90);
    image_clear(&one);
    image_clear(&two);
    vision_result_free(r);
}

/* The same plant drawn where two strips meet (row 192) and in the middle of one. */
static void test_strips(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    memset(r->image.px, 90, (size_t)W * H * 3);
    for (enum vision_overlay kind = VISION_OVERLAY_ANNOTATED; kind <= VISION_OVERLAY_DETECTIONS;
         kind++) {
        r->n_band = 0;
        r->container[0].whole_photo = true; /* no outline */
        r->detection[0].cy = 192;
        struct image across = drawn(r, kind, "en");
        r->detection[0].cy = 292;
        struct image within = drawn(r, kind, "en");
        struct image a = image_view(&across, (struct image_rect){400, 150, 100, 84});
        struct image b = image_view(&within, (struct image_rect){400, 250, 100, 84});
        assert_int_equal(changed(&a, &b, (struct image_rect){0, 0, 100, 84}), 0);
        assert_true(changed(&across, &within, everything) > 1000);
        image_clear(&across);
        image_clear(&within);
    }
    vision_result_free(r);
}

/* Areas against the plain formula: rnd(photo (1 - a) + tint a). */
static void test_areas(void **state)
{
    (void)state;
    static const struct {
        enum vision_overlay kind;
        double tint[3], share;
    } cases[] = {
        {VISION_OVERLAY_MASK, {0, 255, 120}, 0.45},
        {VISION_OVERLAY_RESIDUAL, {255, 64, 64}, 0.5},
        {VISION_OVERLAY_ESTIMATION, {255, 214, 0}, 0.5},
    };
    struct vision_result *r = scene();
    r->container[0].whole_photo = true;
    r->n_band = 0;
    const struct image *masks[] = {&r->detection_mask, &r->residual_mask, &r->processed_mask};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct image im = drawn(r, cases[i].kind, "en");
        for (int y = 250; y < H; y++) { /* below the legend */
            for (int x = 0; x < W; x++) {
                const double a = cases[i].share * image_row(masks[i], y)[x] / 255;
                for (int c = 0; c < 3; c++) {
                    const double want =
                        image_row(&r->image, y)[3 * x + c] * (1 - a) + cases[i].tint[c] * a;
                    assert_true(fabs(want - image_row(&im, y)[3 * x + c]) <= 1);
                }
            }
        }
        image_clear(&im);
    }
    vision_result_free(r);
}

/* The annotated picture: outline, label, band and ring where they belong, the photo elsewhere. */
static void test_annotated(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    struct image im = drawn(r, VISION_OVERLAY_ANNOTATED, "en");
    assert_true(changed(&im, &r->image, (struct image_rect){376, 200, 8, 100}) > 100); /* outline */
    assert_true(changed(&im, &r->image, (struct image_rect){385, 62, 40, 8}) > 200);   /* label */
    assert_true(changed(&im, &r->image, (struct image_rect){520, 95, 35, 15}) > 200);  /* "+9" */
    assert_true(changed(&im, &r->image, (struct image_rect){10, 12, 60, 60}) > 3000);  /* legend */
    assert_true(changed(&im, &r->image, (struct image_rect){440, 290, 20, 20}) > 390); /* plant */
    assert_int_equal(changed(&im, &r->image, (struct image_rect){10, 250, 340, 190}), 0);
    assert_int_equal(changed(&im, &r->image, (struct image_rect){400, 160, 40, 90}), 0);
    struct image es = drawn(r, VISION_OVERLAY_ANNOTATED, "es");
    assert_true(changed(&im, &es, (struct image_rect){0, 0, 340, 240}) > 50);
    assert_int_equal(changed(&im, &es, (struct image_rect){0, 240, W, H - 240}), 0);
    image_clear(&es);
    image_clear(&im);
    vision_result_free(r);
}

static void test_refused(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    struct image im = {0};
    struct dm_err e = {0};
    image_clear(&r->residual_mask);
    assert_int_equal(vision_overlay_draw(r, VISION_OVERLAY_RESIDUAL, "en", &im, &e), DM_EBADINPUT);
    image_clear(&r->image);
    assert_int_equal(vision_overlay_draw(r, VISION_OVERLAY_ANNOTATED, "en", &im, &e), DM_EBADINPUT);
    assert_null(im.px);
    vision_result_free(r);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct vision_result *r = scene();
    struct image im = {0};
    struct dm_err e = {0};
    int code = DM_ENOMEM;
    size_t at = 1;
    for (; code == DM_ENOMEM && at < 10; at++) {
        (void)dm_alloc_fail_at(at);
        code = vision_overlay_draw(r, VISION_OVERLAY_ANNOTATED, "en", &im, &e);
        (void)dm_alloc_fail_at(0);
        assert_true(code >= 0 || !im.px);
    }
    assert_ok(code, &e);
    assert_true(at > 2); /* some allocation was made to fail before it worked */
    image_clear(&im);
    vision_result_free(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper_notices_one_pixel),
        cmocka_unit_test(test_disc),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_strips),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_annotated),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

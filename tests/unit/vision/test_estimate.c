/* SPDX-License-Identifier: Apache-2.0
 *
 * The band method: scenes recorded from the reference arithmetic (tests/reference/estimation.py),
 * the golden values of vision.md appendix B, the conservation rules, and random scenes against
 * tests/support/naive_estimate.h. */
#include "vision/estimate.h"

#include "support/naive_estimate.h"

static struct vision_params parameters(void)
{
    struct vision_params p;
    vision_params_init(&p, VISION_PROFILE_PRODUCT);
    return p;
}

/* One container that is the whole frame, with everything it needs. */
struct scene {
    struct image photo, mask, soft, claimed;
    struct vision_detection plant[256];
    struct estimate_input in;
};

static void scene_finish(struct scene *s, size_t n)
{
    struct dm_err e = {0};
    s->in = (struct estimate_input){
        .photo = &s->photo,
        .mask = &s->mask,
        .claimed = s->claimed.px ? &s->claimed : NULL,
        .rect = {0, 0, s->photo.w, s->photo.h},
        .detection = s->plant,
        .n = n,
        .photo_w = s->photo.w,
        .photo_h = s->photo.h,
    };
    assert_ok(estimate_detection_mask(s->plant, n, s->in.rect, &s->soft, &e), &e);
    s->in.detections = &s->soft;
}

static void scene_clear(struct scene *s)
{
    image_clear(&s->photo);
    image_clear(&s->mask);
    image_clear(&s->soft);
    image_clear(&s->claimed);
}

/* C1 and C2 of vision.md 8.8. */
static void assert_conserved(const struct estimate_input *in, const struct vision_band *b, int n)
{
    struct image all = naive_residual(in, 0, in->rect.h, NAIVE_RIGHT);
    int64_t sum = 0;
    int y = in->rect.y;
    for (int i = 0; i < n; i++) {
        assert_true(b[i].residual_px == b[i].processed_px + b[i].suppressed_px);
        assert_true(b[i].processed_px >= 0 && b[i].suppressed_px >= 0);
        assert_int_equal(b[i].y_start, y);
        y = b[i].y_end;
        sum += b[i].residual_px;
    }
    assert_int_equal(y, in->rect.y + in->rect.h);
    assert_int_equal(sum, naive_count(&all));
    image_clear(&all);
}

/* ---- scenes of the reference ---- */

static double sixty_fourths(uint32_t seed, uint32_t i, int lo, int hi)
{
    return pattern_int(seed + 1000, i, 64 * lo, 64 * hi) / 64.0;
}

static struct image mask_named(const char *name, uint32_t seed, int w, int h)
{
    static const struct {
        const char *name;
        enum pattern kind;
    } kinds[] = {{"DISKS", PATTERN_DISKS}, {"SPARSE", PATTERN_SPARSE}, {"DENSE", PATTERN_DENSE}};
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            return pattern_image(kinds[i].kind, seed, w, h, 1);
        }
    }
    assert_string_equal(name, "FULL");
    return plain_image(255, w, h, 1);
}

struct golden {
    uint32_t seed;
    int w, h, n;
    const char *mask, *claimed;
    int scope;
    double density_cm2, photo_cm2, overlap;
    struct {
        int y0, y1;
        int64_t residual, processed;
        double area;
        uint32_t count;
        enum vision_method method;
    } band[4];
};

static const struct golden goldens[] = {
#include "data/ops/estimate.inc"
};

static void golden_scene(const struct golden *g, struct scene *s)
{
    *s = (struct scene){
        .photo = pattern_image(PATTERN_LEAVES, g->seed, g->w, g->h, 3),
        .mask = mask_named(g->mask, g->seed, g->w, g->h),
    };
    if (strcmp(g->claimed, "NONE") != 0) {
        s->claimed = mask_named(g->claimed, g->seed + 500, g->w, g->h);
    }
    for (uint32_t i = 0; i < (uint32_t)g->n; i++) {
        s->plant[i] = (struct vision_detection){
            .cx = sixty_fourths(g->seed, 4 * i, 0, g->w),
            .cy = sixty_fourths(g->seed, 4 * i + 1, 0, g->h),
            .w = sixty_fourths(g->seed, 4 * i + 2, 4, 20),
            .h = sixty_fourths(g->seed, 4 * i + 3, 4, 20),
        };
    }
    scene_finish(s, (size_t)g->n);
}

static void test_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(goldens); i++) {
        const struct golden *g = &goldens[i];
        struct dm_err e = {0};
        struct scene s;
        golden_scene(g, &s);
        struct vision_params p = parameters();
        p.otsu_scope = g->scope;
        p.density_area_cm2 = g->density_cm2;
        p.photo_area_cm2 = g->photo_cm2;
        p.density_overlap = g->overlap;
        struct vision_band b[4] = {{.container = 7}, {.container = 7}, {.container = 7}};
        assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(b[k].number, k + 1);
            assert_int_equal(b[k].container, k < 3 ? 7 : 0); /* left alone */
            assert_int_equal(b[k].y_start, g->band[k].y0);
            assert_int_equal(b[k].y_end, g->band[k].y1);
            assert_int_equal(b[k].residual_px, g->band[k].residual);
            assert_int_equal(b[k].processed_px, g->band[k].processed);
            assert_int_equal(b[k].count, g->band[k].count);
            assert_int_equal(b[k].method, g->band[k].method);
            /* numpy adds in another order */
            assert_true(fabs(b[k].plant_area_px / g->band[k].area - 1) < 1e-12);
            assert_true(b[k].alpha == 0.9);
        }
        assert_conserved(&s.in, b, 4);
        scene_clear(&s);
    }
}

/* ---- appendix B ---- */

static void fill_rgb(struct image *im, int x0, int x1, const uint8_t rgb[3])
{
    for (int y = 0; y < im->h; y++) {
        for (int x = x0; x < x1; x++) {
            memcpy(image_row(im, y) + 3 * x, rgb, 3);
        }
    }
}

static const uint8_t green[3] = {50, 200, 50};
static const uint8_t brown[3] = {30, 40, 50};

static struct scene plain_scene(int w, int h, uint8_t mask)
{
    struct scene s = {.photo = plain_image(0, w, h, 3), .mask = plain_image(mask, w, h, 1)};
    fill_rgb(&s.photo, 0, w, green);
    return s;
}

/* Average plant area of each band for detections of the given sides. */
static void test_calibration(void **state)
{
    (void)state;
    static const struct {
        int band1[16], n1, band4[4], n4;
        double area1, area4;
    } rows[] = {
        {{40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40}, 15, {0}, 0, 1600, 2500},
        {{40, 40, 40, 40, 40}, 5, {0}, 0, 2500, 2500},
        {{40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 200}, 13, {0}, 0, 1600, 2500},
        {{30, 32, 28, 30, 30, 30, 30, 30, 30, 30}, 10, {200, 220}, 2, 900, 2500},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct scene s = plain_scene(600, 1000, 255);
        size_t n = 0;
        for (int k = 0; k < rows[i].n1; k++, n++) {
            s.plant[n] = (struct vision_detection){
                .cx = 50 + k, .cy = 100, .w = rows[i].band1[k], .h = rows[i].band1[k]};
        }
        for (int k = 0; k < rows[i].n4; k++, n++) {
            s.plant[n] = (struct vision_detection){
                .cx = 50 + k, .cy = 900, .w = rows[i].band4[k], .h = rows[i].band4[k]};
        }
        scene_finish(&s, n);
        struct vision_params p = parameters();
        struct vision_band b[4];
        assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
        assert_true(b[0].plant_area_px == rows[i].area1);
        assert_int_equal(b[0].calibrated, rows[i].n1 >= 10);
        assert_true(b[1].plant_area_px == 2500 && !b[1].calibrated);
        assert_true(b[3].plant_area_px == rows[i].area4);
        scene_clear(&s);
    }
}

static void test_band_limits(void **state)
{
    (void)state;
    static const struct {
        int h, bands, limit[6];
    } rows[] = {
        {1003, 4, {0, 250, 500, 750, 1003}},
        {3, 4, {0, 0, 0, 0, 3}},
        {100, 1, {0, 100}},
        {101, 5, {0, 20, 40, 60, 80, 101}},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct scene s = plain_scene(40, rows[i].h, 255);
        scene_finish(&s, 0);
        struct vision_params p = parameters();
        p.bands = rows[i].bands;
        struct vision_band b[5];
        assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
        for (int k = 0; k < rows[i].bands; k++) {
            assert_int_equal(b[k].y_start, rows[i].limit[k]);
            assert_int_equal(b[k].y_end, rows[i].limit[k + 1]);
        }
        assert_conserved(&s.in, b, rows[i].bands);
        scene_clear(&s);
    }
}

static void test_flat_pictures(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct vision_params p = parameters();
    struct vision_band b[4];
    struct scene s = plain_scene(1500, 1000, 255);
    scene_finish(&s, 0);
    assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
    uint32_t total = 0;
    for (int i = 0; i < 4; i++) {
        assert_true(b[i].residual_px == 375000 && b[i].processed_px == 375000);
        assert_true(b[i].plant_area_px == 2500);
        assert_int_equal(b[i].count, 167);
        total += b[i].count;
    }
    assert_int_equal(total, 668);

    fill_rgb(&s.photo, 750, 1500, brown); /* Otsu keeps the green half only */
    assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
    for (int i = 0; i < 4; i++) {
        assert_true(b[i].residual_px == 375000 && b[i].processed_px == 187500);
    }

    memset(s.mask.px, 0, 1500 * 1000);
    assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
    for (int i = 0; i < 4; i++) {
        assert_true(b[i].residual_px == 0 && b[i].processed_px == 0 && b[i].count == 0);
        assert_true(b[i].plant_area_px == 2500 && !b[i].calibrated);
    }
    scene_clear(&s);
}

/* area 10 000, average 1000: 12 with either alpha. */
static void test_alpha(void **state)
{
    (void)state;
    static const double alphas[] = {0.9, 0.85};
    for (size_t i = 0; i < DM_COUNT(alphas); i++) {
        struct dm_err e = {0};
        struct scene s = plain_scene(100, 100, 255);
        scene_finish(&s, 0);
        struct vision_params p = parameters();
        p.bands = 1;
        p.default_plant_area_px = 1000;
        p.alpha_overcount = alphas[i];
        struct vision_band b;
        assert_ok(estimate_bands(&s.in, &p, &b, NULL, &e), &e);
        assert_int_equal(b.processed_px, 10000);
        assert_int_equal(b.count, 12);
        scene_clear(&s);
    }
}

/* ---- 8.5 ---- */

static void test_density(void **state)
{
    (void)state;
    static const struct {
        int plants;
        bool fallback;
        double density_cm2, photo_cm2, overlap;
        enum vision_method method;
        double area;
        uint32_t count;
    } rows[] = {
        /* 200 x 100 px without detections: 20 000 px processed */
        {0, true, 0, 0, 0.85, VISION_METHOD_BANDS, 2500, 9},
        {0, true, 25, 0, 0.85, VISION_METHOD_DENSITY, 2500, 7},        /* 6.8 */
        {0, true, 25, 0, 0.8125, VISION_METHOD_DENSITY, 2500, 6},      /* 6.5, half to even */
        {0, true, 25, 0, 0.9375, VISION_METHOD_DENSITY, 2500, 8},      /* 7.5, half to even */
        {0, true, 25, 400, 1, VISION_METHOD_DENSITY, 1250, 16},        /* 50 px^2 per cm^2 */
        {0, false, 25, 400, 1, VISION_METHOD_BANDS, 2500, 9},          /* switched off */
        {12, true, 25, 400, 1, VISION_METHOD_BANDS, 0.25, UINT32_MAX}, /* the band knows better */
        {9, true, 25, 400, 1, VISION_METHOD_DENSITY, 1250, 16},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct scene s = plain_scene(200, 100, 255);
        for (int k = 0; k < rows[i].plants; k++) {
            s.plant[k] = (struct vision_detection){.cx = -50, .cy = 50, .w = 0.5, .h = 0.5};
        }
        scene_finish(&s, (size_t)rows[i].plants);
        struct vision_params p = parameters();
        p.bands = 1;
        p.density_fallback = rows[i].fallback;
        p.density_area_cm2 = rows[i].density_cm2;
        p.photo_area_cm2 = rows[i].photo_cm2;
        p.density_overlap = rows[i].overlap;
        struct vision_band b;
        assert_ok(estimate_bands(&s.in, &p, &b, NULL, &e), &e);
        assert_int_equal(b.processed_px, 20000);
        assert_int_equal(b.method, rows[i].method);
        assert_true(b.plant_area_px == rows[i].area);
        if (rows[i].count != UINT32_MAX) {
            assert_int_equal(b.count, rows[i].count);
        }
        scene_clear(&s);
    }
}

/* ---- random scenes ---- */

static void random_scene(struct scene *s, uint32_t i)
{
    static const enum pattern masks[] = {PATTERN_DISKS, PATTERN_DENSE, PATTERN_DISKS};
    int w = pattern_int(i, 0, 1, 90);
    int h = pattern_int(i, 1, 1, 70);
    *s = (struct scene){
        .photo = pattern_image(PATTERN_LEAVES, i, w, h, 3),
        .mask = i % 4 ? pattern_image(masks[i % 3], i, w, h, 1) : plain_image(255, w, h, 1),
    };
    if (i % 3 == 0) {
        s->claimed = pattern_image(PATTERN_DISKS, i + 1000, w, h, 1);
    }
    for (int k = 0; i % 5 == 2 && k < 3 * w * h; k++) {
        s->photo.px[k] /= 3; /* dusk: soil is brighter than Otsu's threshold */
    }
    uint32_t n = i % 2 ? (uint32_t)pattern_int(i, 2, 0, 150) : (uint32_t)pattern_int(i, 2, 0, 6);
    for (uint32_t k = 0; k < n; k++) {
        int side = k % 9 == 4 ? 40 : 12; /* quarters of a pixel; a few outliers */
        s->plant[k] = (struct vision_detection){
            .cx = pattern_int(i, 10 + 4 * k, -40, 4 * w + 40) / 4.0,
            .cy = pattern_int(i, 11 + 4 * k, -40, 4 * h + 40) / 4.0, /* often on a limit */
            .w = pattern_int(i, 12 + 4 * k, 1, side) / 4.0,
            .h = pattern_int(i, 13 + 4 * k, 1, side) / 4.0,
        };
    }
    scene_finish(s, n);
}

static void test_detection_mask(void **state)
{
    (void)state;
    size_t noticed[2] = {0};
    for (uint32_t i = 0; i < 60; i++) {
        struct dm_err e = {0};
        struct scene s;
        random_scene(&s, i);
        struct image_rect rect = {pattern_int(i, 5, -5, 20), pattern_int(i, 6, -5, 20),
                                  pattern_int(i, 7, 1, 60), pattern_int(i, 8, 1, 40)};
        struct image soft;
        assert_ok(estimate_detection_mask(s.plant, s.in.n, rect, &soft, &e), &e);
        struct image naive = naive_detection_mask(s.plant, s.in.n, rect, NAIVE_RIGHT);
        assert_int_equal(image_differences(&soft, &naive), 0);
        image_clear(&naive);
        for (int f = 0; f < 2; f++) {
            naive = naive_detection_mask(s.plant, s.in.n, rect,
                                         f ? NAIVE_CIRCLE_SMALLER : NAIVE_NO_BLUR);
            noticed[f] += image_differences(&soft, &naive) > 0;
            image_clear(&naive);
        }
        image_clear(&soft);
        scene_clear(&s);
    }
    assert_true(noticed[0] > 20 && noticed[1] > 20);
}

static void test_oracle(void **state)
{
    (void)state;
    size_t noticed[NAIVE_FAULTS] = {0};
    for (uint32_t i = 0; i < 120; i++) {
        struct dm_err e = {0};
        struct scene s;
        random_scene(&s, i);
        s.in.rect.x = pattern_int(i, 3, 0, 50); /* the frame may lie anywhere in the photo: */
        s.in.rect.y = pattern_int(i, 4, 0, 10); /* only the rows of the detections shift */
        struct vision_params p = parameters();
        p.bands = 1 + (int)(i % 5);
        p.otsu_scope = i % 7 == 0 ? VISION_OTSU_MASKED : VISION_OTSU_FRAME;
        struct vision_band ours[5], naive[5];
        assert_ok(estimate_bands(&s.in, &p, ours, NULL, &e), &e);
        assert_conserved(&s.in, ours, p.bands);
        for (enum naive_fault f = NAIVE_RIGHT; f < NAIVE_FAULTS; f++) {
            naive_bands(&s.in, &p, naive, f);
            noticed[f] += band_differences(ours, naive, p.bands) > 0;
        }
        scene_clear(&s);
    }
    assert_int_equal(noticed[NAIVE_RIGHT], 0);
    for (enum naive_fault f = NAIVE_CLAIMED_IGNORED; f < NAIVE_FAULTS; f++) {
        assert_true(noticed[f] > 5);
    }
}

/* The pictures for the overlays show exactly what was counted, whichever of them are asked for. */
static void test_keep(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct dm_err e = {0};
        struct scene s;
        random_scene(&s, i);
        struct vision_params p = parameters();
        struct vision_band without[4], with[4];
        struct image residual = plain_image(1, s.photo.w, s.photo.h, 1);
        struct image processed = plain_image(1, s.photo.w, s.photo.h, 1);
        struct estimate_masks keep = {i % 3 != 1 ? &residual : NULL,
                                      i % 3 != 2 ? &processed : NULL};
        assert_ok(estimate_bands(&s.in, &p, without, NULL, &e), &e);
        assert_ok(estimate_bands(&s.in, &p, with, &keep, &e), &e);
        assert_int_equal(band_differences(with, without, 4), 0);
        struct image all = naive_residual(&s.in, 0, s.photo.h, NAIVE_RIGHT);
        int64_t sum = 0;
        for (int k = 0; k < 4; k++) {
            sum += with[k].processed_px;
        }
        assert_true(!keep.residual || image_differences(&residual, &all) == 0);
        assert_true(!keep.processed || naive_count(&processed) == sum);
        image_clear(&all);
        image_clear(&residual);
        image_clear(&processed);
        scene_clear(&s);
    }
}

/* Bands on their own, in any order, are the rows of estimate_bands. */
static void test_single_bands(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct dm_err e = {0};
        struct scene s;
        random_scene(&s, i);
        struct vision_params p = parameters();
        struct vision_band together[4], alone[4];
        struct image a = plain_image(1, s.photo.w, s.photo.h, 1);
        struct image b = plain_image(2, s.photo.w, s.photo.h, 1);
        struct estimate_masks keep_a = {NULL, &a};
        struct estimate_masks keep_b = {NULL, &b};
        assert_ok(estimate_bands(&s.in, &p, together, &keep_a, &e), &e);
        for (int k = 4; k-- > 0;) {
            assert_ok(estimate_band(&s.in, &p, k + 1, &alone[k], &keep_b, &e), &e);
        }
        assert_int_equal(band_differences(together, alone, 4), 0);
        assert_int_equal(image_differences(&a, &b), 0);
        image_clear(&a);
        image_clear(&b);
        scene_clear(&s);
    }
}

/* C7: with what earlier containers claimed removed, every pixel of the union counts once. */
static void test_own_residual(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        struct dm_err e = {0};
        struct scene s;
        random_scene(&s, 3 * i + 1); /* nothing claimed yet */
        struct image first = pattern_image(PATTERN_DISKS, i + 2000, s.photo.w, s.photo.h, 1);
        struct image second = s.mask;
        struct vision_params p = parameters();
        struct vision_band b[4];
        int64_t sum = 0;
        s.in.mask = &first;
        s.in.claimed = NULL;
        assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
        for (int k = 0; k < 4; k++) {
            sum += b[k].residual_px;
        }
        s.in.mask = &second;
        s.in.claimed = &first;
        assert_ok(estimate_bands(&s.in, &p, b, NULL, &e), &e);
        for (int k = 0; k < 4; k++) {
            sum += b[k].residual_px;
        }
        int64_t united = 0;
        for (int k = 0; k < s.photo.w * s.photo.h; k++) {
            united += (first.px[k] || second.px[k]) && s.soft.px[k] <= 127;
        }
        assert_int_equal(sum, united);
        image_clear(&first);
        scene_clear(&s);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct scene s;
    random_scene(&s, 5);
    struct vision_params p = parameters();
    struct vision_band b[4];
    assert_survives_no_memory(estimate_bands(&s.in, &p, b, NULL, &e), (void)0);
    struct image soft;
    assert_survives_no_memory(estimate_detection_mask(s.plant, s.in.n, s.in.rect, &soft, &e),
                              image_clear(&soft));
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_band_limits),    cmocka_unit_test(test_flat_pictures),
        cmocka_unit_test(test_alpha),          cmocka_unit_test(test_density),
        cmocka_unit_test(test_detection_mask), cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_keep),           cmocka_unit_test(test_single_bands),
        cmocka_unit_test(test_own_residual),   cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

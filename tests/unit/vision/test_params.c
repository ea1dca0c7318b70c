/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table and the two profiles (vision.md 0). */
#include "vision/vision.h"

#include <string.h>

#include "support/opts.h"

static void test_table(void **state)
{
    (void)state;
    assert_opt_table(vision_opt_table, vision_opt_count, sizeof(struct vision_params));
}

static void test_product(void **state)
{
    (void)state;
    struct vision_params p;
    vision_params_init(&p, VISION_PROFILE_PRODUCT);
    assert_int_equal(p.profile, VISION_PROFILE_PRODUCT);
    assert_int_equal(p.crop_mode, VISION_CROP_FEATHER);
    assert_int_equal(p.route, VISION_ROUTE_CLASS);
    assert_int_equal(p.otsu_scope, VISION_OTSU_FRAME);
    assert_true(p.segment_conf == 0.30 && p.segment_iou == 0.50 && p.segment_size_px == 1024);
    assert_true(p.conf == 0.25 && p.iou == 0.70 && p.max_det == 300 && p.max_nms == 30000);
    assert_true(p.tile_size_px == 512 && p.tile_overlap == 0.25 && p.merge_threshold == 0.5);
    assert_true(p.adapt_tiles && p.skip_black_tiles && p.black_tile_ratio == 0.02);
    assert_true(p.crop_pad_px == 20 && p.feather_px == 10 && p.group_factor == 0.15);
    assert_true(p.own_residual && p.plant_colours && p.bands == 4 && p.alpha_overcount == 0.9);
    assert_true(p.min_calibration == 10 && p.default_plant_area_px == 2500);
    assert_true(p.density_fallback && p.density_overlap == 0.85 && !p.grid_analysis);
    assert_false(p.estimate_whole_photo);
    assert_true(!p.keep_image && !p.keep_masks);
}

static void test_parity(void **state)
{
    (void)state;
    struct vision_params p, d;
    vision_params_init(&p, VISION_PROFILE_PARITY);
    vision_params_init(&d, VISION_PROFILE_PRODUCT);
    assert_int_equal(p.profile, VISION_PROFILE_PARITY);
    assert_int_equal(p.crop_mode, VISION_CROP_BBOX);
    assert_int_equal(p.route, VISION_ROUTE_SIZE);
    assert_int_equal(p.crop_pad_px, 0);
    assert_true(p.group_factor == 0);
    assert_true(!p.skip_black_tiles && !p.own_residual && !p.density_fallback && !p.adapt_tiles);
    assert_false(p.plant_colours);
    d.profile = p.profile; /* nothing else differs */
    d.crop_mode = p.crop_mode;
    d.route = p.route;
    d.crop_pad_px = p.crop_pad_px;
    d.group_factor = p.group_factor;
    d.skip_black_tiles = d.own_residual = d.density_fallback = d.adapt_tiles = false;
    d.plant_colours = false;
    assert_memory_equal(&p, &d, sizeof(p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_parity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole pipeline on painted photos with planted networks: every plant is known, so counts are
 * exact, whatever tiles, crops and containers do to it. */
#include "support/count_rig.h"
#include "vision/estimate.h"
#include "vision/region.h"

/* ---- one region ---- */

static void test_whole_photo(void **state)
{
    (void)state;
    struct test_rng rng = {1};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, 1400, 1000);
    add_rows(s, &rng, (struct image_rect){5, 5, 1390, 990}, 40);
    rig_init(&rig, NULL, 0, false, 1);
    p.max_det = 1000;
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_all_plants(s, r);
    assert_int_equal(r->detected, s->n);
    assert_int_equal(r->n_container, 1);
    assert_true(r->container[0].whole_photo && r->container[0].tiled && !r->container[0].empty);
    assert_string_equal(r->container[0].id, "segmento_001");
    assert_int_equal(r->container[0].mask_area_px, 1400 * 1000);
    assert_int_equal(r->container[0].n_polygon, 4);
    assert_int_equal(r->tiles_total, 4 * 3);
    assert_int_equal(r->tiles_processed, 4 * 3);
    assert_int_equal(rig.detect.runs, 4 * 3);
    assert_int_equal(r->n_band, 0);
    assert_int_equal(r->total, r->detected);
    assert_int_equal(r->by_type[VISION_CONTAINER_SEGMENT], s->n);
    assert_int_equal(r->containers_by_type[VISION_CONTAINER_SEGMENT], 1);
    assert_int_equal(r->n_warning, 1);
    assert_true(has_warning(r, "no container model") && has_warning(r, "without an estimate"));
    assert_false(r->saturated);
    assert_string_equal(r->class_names[0], "item");
    assert_true(r->info.w == 1400 && r->info.h == 1000 && isnan(r->info.exif.latitude_deg));
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* A photo smaller than a tile is one pass, by all threads. */
static void test_small_photo(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, 512, 480);
    add_plant(s, 100, 100, 30, 0.8);
    add_plant(s, 0, 200, 30, 0.8); /* at the edge of the photo: 0.6 * 0.8 */
    s->score[1] *= 0.6;
    rig_init(&rig, NULL, 0, false, 3);
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_all_plants(s, r);
    assert_false(r->container[0].tiled);
    assert_int_equal(r->tiles_total, 0);
    assert_int_equal(rig.detect.runs, 1);
    assert_int_equal(rig.detect.wide_sessions, 1);
    assert_int_equal(r->confidence_high, 1);
    assert_int_equal(r->confidence_low, 1);
    assert_true(fabs(r->confidence_mean - (s->score[0] + s->score[1]) / 2) < 1e-5);
    assert_true(r->confidence_max == r->detection[0].confidence);
    assert_true(r->confidence_min == r->detection[1].confidence);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* File bytes in: the same count as from the pixels, the file's own facts, the photo when asked. */
static void test_file(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct dm_err e = {0};
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    struct dm_buf file = dm_buf_init(1 << 20);
    struct vision_result *r = NULL;
    scene_init(s, 512, 384);
    add_plant(s, 100, 100, 30, 0.8);
    rig_init(&rig, NULL, 0, false, 1);
    p.keep_image = true;
    assert_ok(image_encode_png(&s->im, 1, &file, &e), &e);
    assert_ok(vision_count(rig.engine, &p, file.data, file.len, &r, &e), &e);
    assert_all_plants(s, r);
    assert_int_equal(r->info.format, IMAGE_FORMAT_PNG);
    assert_true(r->info.w == 512 && r->info.h == 384);
    assert_memory_equal(r->image.px, s->im.px, (size_t)512 * 384 * 3);
    assert_true(r->ms.decode > 0 && r->ms.total >= r->ms.decode + r->ms.detect);
    vision_result_free(r);
    r = NULL;
    assert_int_equal(vision_count(rig.engine, &p, file.data, file.len / 2, &r, &e), DM_EDECODE);
    assert_null(r);
    dm_buf_clear(&file);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

static void test_no_plants(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, 600, 600);
    rig_init(&rig, NULL, 0, false, 2);
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_true(r->total == 0 && r->n_container == 1 && r->n_band == 0);
    vision_result_free(r);
    p.estimate_whole_photo = true;
    r = count(&rig, &p, &s->im);
    assert_false(has_warning(r, "without an estimate"));
    assert_int_equal(r->detected, 0);
    assert_true(r->confidence_mean == 0 && r->confidence_min == 0 && r->confidence_max == 0);
    assert_int_equal(r->total, r->estimated);
    assert_int_equal(r->estimated, 4 * 40); /* 600 * 150 / 2250 a band */
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* ---- containers ---- */

static void test_containers(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    layout_scene(s);
    rig_init(&rig, layout, DM_COUNT(layout), true, 3);
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_int_equal(r->detected, s->n);
    assert_int_equal(r->n_container, 4);
    static const char *const ids[] = {"segmento_001", "segmento_002", "cajon_001", "plug_001"};
    for (size_t i = 0; i < 4; i++) {
        const struct vision_container *c = &r->container[i];
        struct image_rect m = mask_rect(&layout[i]);
        assert_string_equal(c->id, ids[i]);
        assert_memory_equal(&c->bbox, &layout[i].box, sizeof(c->bbox));
        assert_int_equal(c->mask_area_px, m.w * m.h - 4);
        assert_int_equal(c->bbox_area_px, layout[i].box.w * layout[i].box.h);
        assert_int_equal(c->empty, i == 3);
        assert_false(c->failed || c->whole_photo);
        assert_true(fabs(c->confidence - layout[i].score) < 1e-5);
    }
    assert_true(r->container[0].tiled && r->container[1].tiled);
    assert_true(!r->container[2].tiled && !r->container[3].tiled);
    assert_int_equal(r->empty_containers, 1);
    assert_int_equal(r->containers_by_type[VISION_CONTAINER_SEGMENT], 2);
    assert_int_equal(r->by_type[VISION_CONTAINER_PLUG], 0);
    assert_int_equal(r->n_warning, 1);
    assert_true(has_warning(r, "perro"));
    for (size_t i = 0; i < r->n_detection; i++) { /* the first container that holds the centre */
        const struct vision_detection *d = &r->detection[i];
        int expected = 0;
        while (!in_mask(&layout[expected], (int)d->cx, (int)d->cy)) {
            expected++;
        }
        assert_int_equal(d->container, expected);
    }
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* The parity profile counts the plants of the shared strip in both segments. */
static void test_parity_counts_twice(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PARITY);
    layout_scene(s);
    rig_init(&rig, layout, 3, true, 1);
    struct vision_result *r = count(&rig, &p, &s->im);
    size_t expected = 0;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t c = 0; c < 3; c++) {
            struct image_rect b = layout[c].box;
            struct image_rect q = s->plant[i];
            expected += q.x < b.x + b.w && q.x + q.w > b.x && q.y < b.y + b.h && q.y + q.h > b.y;
        }
    }
    assert_true(expected > s->n + 20);
    assert_int_equal(r->detected, expected);
    assert_int_equal(r->container[0].detected + r->container[1].detected + r->container[2].detected,
                     expected);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

static struct image mask_of(size_t i)
{
    struct dm_err e = {0};
    struct image mask;
    assert_ok(image_init_zero(&mask, SIZE, SIZE, 1, &e), &e);
    for (int k = 0; k < SIZE * SIZE; k++) {
        mask.px[k] = in_mask(&layout[i], k % SIZE, k / SIZE) ? 255 : 0;
    }
    return mask;
}

/* Colours of the plants of four containers. */
static struct estimate_colours *colours_of(const struct image *im, const struct image *soft,
                                           const struct vision_result *r)
{
    struct estimate_colours *c = calloc(1, sizeof(*c));
    estimate_colours_see_plants(c, im, r->detection, r->n_detection);
    for (size_t i = 0; i < 4; i++) {
        struct image_rect box = layout[i].box;
        struct image mask = mask_of(i);
        struct image views[3] = {image_view(im, box), image_view(&mask, box),
                                 image_view(soft, box)};
        estimate_colours_see_ground(c, &views[0], &views[1], &views[2]);
        image_clear(&mask);
    }
    assert_true(estimate_colours_decide(c));
    return c;
}

/* Rows, masks and totals of the estimate against one put together by hand. */
static void test_estimates(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct dm_err e = {0};
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    struct image soft, mask, claimed;
    layout_scene(s);
    rig_init(&rig, layout, 4, true, 2);
    p.keep_masks = p.keep_image = true;
    struct vision_result *r = count(&rig, &p, &s->im);
    struct image_rect all = {0, 0, SIZE, SIZE};
    assert_ok(estimate_detection_mask(r->detection, r->n_detection, all, &soft, &e), &e);
    assert_memory_equal(soft.px, r->detection_mask.px, (size_t)SIZE * SIZE);
    assert_memory_equal(s->im.px, r->image.px, (size_t)SIZE * SIZE * 3);
    assert_ok(image_init_zero(&claimed, SIZE, SIZE, 1, &e), &e);
    struct estimate_colours *colours = colours_of(&s->im, &soft, r);
    assert_int_equal(r->n_band, 16);
    uint32_t estimated = 0;
    int64_t residual = 0;
    int64_t union_px = 0;
    for (size_t i = 0; i < 4; i++) {
        struct vision_band row[4];
        struct image_rect box = layout[i].box;
        mask = mask_of(i);
        struct image views[4] = {image_view(&s->im, box), image_view(&mask, box),
                                 image_view(&soft, box), image_view(&claimed, box)};
        struct estimate_input in = {.photo = &views[0],
                                    .mask = &views[1],
                                    .detections = &views[2],
                                    .claimed = &views[3],
                                    .colours = colours,
                                    .rect = box,
                                    .detection = r->detection,
                                    .n = r->n_detection,
                                    .photo_w = SIZE,
                                    .photo_h = SIZE};
        assert_ok(estimate_bands(&in, &p, row, NULL, &e), &e);
        for (size_t k = 0; k < 4; k++) {
            const struct vision_band *b = &r->band[4 * i + k];
            assert_int_equal(b->container, i);
            assert_int_equal(b->number, k + 1);
            assert_int_equal(b->y_start, row[k].y_start);
            assert_int_equal(b->residual_px, row[k].residual_px);
            assert_int_equal(b->processed_px, row[k].processed_px);
            assert_int_equal(b->count, row[k].count);
            estimated += b->count;
            residual += b->residual_px;
        }
        for (size_t k = 0; k < (size_t)SIZE * SIZE; k++) {
            claimed.px[k] |= mask.px[k];
        }
        image_clear(&mask);
    }
    for (size_t k = 0; k < (size_t)SIZE * SIZE; k++) { /* C7 by hand */
        bool in_residual = claimed.px[k] && soft.px[k] <= 127;
        union_px += in_residual;
        assert_int_equal(r->residual_mask.px[k] != 0, in_residual);
    }
    assert_int_equal(residual, union_px);
    assert_int_equal(r->estimated, estimated);
    assert_int_equal(r->total, r->detected + estimated);
    free(colours);
    image_clear(&claimed);
    image_clear(&soft);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* Without own_residual the shared strip is estimated twice and the check accepts it. */
static void test_shared_residual(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, SIZE, SIZE);
    rig_init(&rig, layout, 2, true, 1);
    p.keep_masks = true;
    int64_t residual[2] = {0};
    for (int own = 0; own < 2; own++) {
        p.own_residual = own;
        struct vision_result *r = count(&rig, &p, &s->im);
        for (size_t i = 0; i < r->n_band; i++) {
            residual[own] += r->band[i].residual_px;
        }
        vision_result_free(r);
    }
    int64_t either = 0;
    int64_t shared = 0;
    for (int k = 0; k < SIZE * SIZE; k++) {
        bool a = in_mask(&layout[0], k % SIZE, k / SIZE);
        bool b = in_mask(&layout[1], k % SIZE, k / SIZE);
        either += a || b;
        shared += a && b;
    }
    assert_true(shared > 10000);
    assert_int_equal(residual[1], either);
    assert_int_equal(residual[0], residual[1] + shared);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* A tray with a grid has one row of its own method, the segments keep their bands. */
static void test_grid(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, SIZE, SIZE);
    rig_init(&rig, layout, 4, true, 2);
    p.grid_analysis = p.keep_masks = true;
    p.grid_rows = 6;
    p.grid_columns = 4;
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_int_equal(r->n_band, 13);
    const struct vision_band *b = &r->band[12];
    assert_int_equal(b->method, VISION_METHOD_GRID);
    assert_true(b->container == 3 && b->number == 1);
    assert_true(b->y_start == layout[3].box.y && b->y_end == b->y_start + layout[3].box.h);
    assert_int_equal(b->count, 24); /* green all over and no plant found: every cell */
    assert_int_equal(r->container[3].estimated, 24);
    assert_int_equal(r->band[11].method, VISION_METHOD_BANDS);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* An L: three of four tiles and a notch without anything. Plants in the notch are another
 * container's, or nobody's. */
static void test_black_tiles(void **state)
{
    (void)state;
    static const struct fake_container corner[] = {
        {.box = {32, 32, 896, 896}, .notch = {400, 400, 600, 600}, .score = 0.9, .class_id = 0}};
    struct test_rng rng = {4};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, SIZE, SIZE);
    add_rows(s, &rng, (struct image_rect){48, 48, 860, 320}, 40);
    add_rows(s, &rng, (struct image_rect){48, 368, 320, 540}, 40);
    size_t inside = s->n;
    add_rows(s, &rng, (struct image_rect){440, 440, 480, 480}, 40); /* in the notch */
    rig_init(&rig, corner, 1, true, 1);
    struct vision_result *r = count(&rig, &p, &s->im);
    s->n = inside;
    assert_int_equal(r->tiles_total, 9);
    assert_int_equal(r->tiles_black, 3); /* of those from 396 or 436 on in both directions, the
                                          * first still shows 9 px of its container on two sides */
    assert_int_equal(r->tiles_processed, 6);
    assert_all_plants(s, r);
    vision_result_free(r);
    p.skip_black_tiles = false;
    r = count(&rig, &p, &s->im);
    assert_int_equal(r->tiles_black, 0);
    assert_int_equal(r->detected, inside);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* ---- what the network is shown ---- */

struct album {
    struct image seen[64];
    size_t n;
};

static void keep_input(void *ctx, const struct image *in)
{
    struct album *album = ctx;
    struct dm_err e = {0};
    assert_true(album->n < DM_COUNT(album->seen));
    assert_ok(image_copy(in, &album->seen[album->n++], &e), &e);
}

/* Tiles cut from a feathered crop made in one piece (vision.md 6.3) equal those the network saw. */
static void test_feathered_tiles(void **state)
{
    (void)state;
    static const struct fake_container one[] = {
        {.box = {100, 40, 760, 700}, .notch = {300, 200, 120, 600}, .score = 0.9, .class_id = 0}};
    struct test_rng rng = {5};
    struct album album = {0};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct dm_err e = {0};
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, SIZE, SIZE);
    for (size_t i = 0; i < (size_t)SIZE * SIZE * 3; i++) {
        s->im.px[i] = (uint8_t)test_rng_next(&rng);
    }
    rig_init(&rig, one, 1, true, 1);
    rig.detect.see = keep_input;
    rig.detect.see_ctx = &album;
    p.max_det = 10000;
    struct vision_result *r = count(&rig, &p, &s->im);
    struct image_rect roi = {80, 20, 800, 740};
    struct image mask, crop;
    float *alpha = malloc(sizeof(*alpha) * 800 * 740);
    assert_ok(
        region_mask(r->container[0].polygon, r->container[0].n_polygon, SIZE, SIZE, roi, &mask, &e),
        &e);
    assert_ok(region_feather(&mask, p.feather_px, alpha, &e), &e);
    assert_ok(image_init(&crop, roi.w, roi.h, 3, &e), &e);
    struct image photo = image_view(&s->im, roi);
    region_apply_alpha(&photo, alpha, &crop);
    static const int xs[] = {0, 288};
    static const int ys[] = {0, 228};
    assert_int_equal(album.n, 4);
    for (size_t i = 0; i < 4; i++) {
        for (int y = 0; y < 512; y++) {
            assert_memory_equal(image_row(&album.seen[i], y),
                                image_row(&crop, ys[i / 2] + y) + (size_t)xs[i % 2] * 3,
                                (size_t)512 * 3);
        }
        image_clear(&album.seen[i]);
    }
    image_clear(&crop);
    image_clear(&mask);
    free(alpha);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* A model that says how large plants should be sees large ones from afar, and small ones as ever.
 */
static void test_adapts_tiles(void **state)
{
    (void)state;
    static const struct {
        int cell, plant_px, own_tile;
        bool adapt;
        int runs_min, runs_max;
    } cases[] = {
        {400, 28, 0, true, 7, 7},    /* the whole photo, and half of it to confirm */
        {400, 28, 0, false, 30, 30}, /* 6 x 5 tiles */
        {400, 0, 0, true, 30, 30},   /* a model that says nothing */
        {50, 28, 0, true, 31, 37},   /* too small from afar */
        {50, 0, 256, true, 13 * 9, 13 * 9},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct test_rng rng = {4};
        struct scene *s = malloc(sizeof(*s));
        struct rig rig;
        struct vision_params p = params(VISION_PROFILE_PRODUCT);
        scene_init(s, 2400, 1700);
        int cell = cases[i].cell;
        for (int y = cell / 4; y + cell < 1700; y += cell) { /* apart even in a coarse view */
            for (int x = cell / 4; x + cell < 2400; x += cell) {
                add_plant(s, x, y, cell / 3 + (int)test_rng_below(&rng, (uint32_t)cell / 6), 0.8);
            }
        }
        rig_init(&rig, NULL, 0, false, 2);
        rig.detect.info.plant_px = cases[i].plant_px;
        rig.detect.info.tile_px = cases[i].own_tile;
        p.adapt_tiles = cases[i].adapt;
        p.max_det = 2000;
        struct vision_result *r = count(&rig, &p, &s->im);
        assert_int_equal(r->detected, s->n);
        if (rig.detect.runs < cases[i].runs_min || rig.detect.runs > cases[i].runs_max) {
            fail_msg("case %zu: %d passes", i, rig.detect.runs);
        }
        for (size_t k = 0; k < r->n_detection; k++) { /* centres to a pixel of the view */
            const struct vision_detection *d = &r->detection[k];
            bool found = false;
            for (size_t j = 0; j < s->n; j++) {
                found |= fabs(d->cx - (s->plant[j].x + s->plant[j].w / 2.0)) < 5 &&
                         fabs(d->cy - (s->plant[j].y + s->plant[j].h / 2.0)) < 5;
            }
            assert_true(found);
        }
        vision_result_free(r);
        rig_clear(&rig);
        image_clear(&s->im);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_photo),
        cmocka_unit_test(test_small_photo),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_no_plants),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_parity_counts_twice),
        cmocka_unit_test(test_estimates),
        cmocka_unit_test(test_shared_residual),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_black_tiles),
        cmocka_unit_test(test_feathered_tiles),
        cmocka_unit_test(test_adapts_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

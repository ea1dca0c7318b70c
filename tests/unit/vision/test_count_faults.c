/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline when things go wrong, and when several photos are counted at once. */
#include <pthread.h>

#include "base/alloc.h"
#include "support/count_rig.h"

static void test_no_container_found(void **state)
{
    (void)state;
    static const struct fake_container unusable[] = {
        {.box = {32, 32, 300, 300}, .score = 0.9, .class_id = 4},  /* a dog */
        {.box = {500, 32, 300, 300}, .score = 0.2, .class_id = 0}, /* unsure */
        {.box = {32, 500, 300, 300}, .notch = {0, 0, 1024, 1024}, .score = 0.9, .class_id = 1}};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, SIZE, SIZE);
    add_plant(s, 600, 600, 40, 0.8);
    rig_init(&rig, unusable, DM_COUNT(unusable), true, 1);
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_int_equal(r->detected, 1);
    assert_true(r->n_container == 1 && r->container[0].whole_photo);
    assert_true(has_warning(r, "no container found") && has_warning(r, "perro") &&
                has_warning(r, "no area"));
    vision_result_free(r);
    p = params(VISION_PROFILE_PARITY);
    r = count(&rig, &p, &s->im);
    assert_true(r->total == 0 && r->n_container == 0 && r->n_band == 0);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

static void test_failing_container(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    struct dm_err e = {0};
    layout_scene(s);
    rig_init(&rig, layout, 3, true, 2);
    struct vision_result *r = count(&rig, &p, &s->im);
    uint32_t all = r->detected;
    uint32_t in_box = r->container[2].detected;
    vision_result_free(r);
    assert_true(in_box > 5);
    fake_paint(&s->im, (struct image_rect){100, 690, 6, 6}, FAKE_MARKER[0], FAKE_MARKER[1],
               FAKE_MARKER[2]);
    rig.detect.fail_on_marker = true;
    r = count(&rig, &p, &s->im);
    assert_true(r->container[2].failed && !r->container[0].failed && !r->container[1].failed);
    assert_int_equal(r->container[2].detected, 0);
    assert_int_equal(r->detected, all - in_box);
    assert_int_equal(r->n_band, 8);
    assert_true(has_warning(r, "cajon_001 could not be counted: planted: marker seen"));
    vision_result_free(r);
    /* Every container failing is a failing photo. */
    fake_paint(&s->im, (struct image_rect){100, 100, 1, 1}, FAKE_MARKER[0], FAKE_MARKER[1],
               FAKE_MARKER[2]);
    fake_paint(&s->im, (struct image_rect){900, 100, 1, 1}, FAKE_MARKER[0], FAKE_MARKER[1],
               FAKE_MARKER[2]);
    r = NULL;
    assert_int_equal(vision_count_image(rig.engine, &p, &s->im, &r, &e), DM_EINTERNAL);
    assert_null(r);
    assert_string_equal(e.text, "planted: marker seen");
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

static void test_engine_errors(void **state)
{
    (void)state;
    struct nn_net detect, segment;
    struct vision_engine *v = NULL;
    struct dm_err e = {0};
    fake_detector(&detect);
    fake_segmenter(&segment, NULL, 0);
    struct vision_engine_options o = {.detect = &segment};
    assert_int_equal(engine_new(&fake_network, &o, &v, &e), DM_EMODEL);
    o = (struct vision_engine_options){.detect = &detect, .segment = &detect};
    assert_int_equal(engine_new(&fake_network, &o, &v, &e), DM_EMODEL);
    assert_null(v);
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    struct vision_result *r = NULL;
    scene_init(s, 64, 64);
    rig_init(&rig, NULL, 0, false, 1);
    rig.detect.fail_session = true;
    assert_int_equal(vision_count_image(rig.engine, &p, &s->im, &r, &e), DM_EMODEL);
    assert_null(r);
    static const uint8_t junk[] = "not a picture";
    assert_true(vision_count(rig.engine, &p, junk, sizeof(junk), &r, &e) < 0);
    assert_null(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

static void test_saturation(void **state)
{
    (void)state;
    struct test_rng rng = {6};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    scene_init(s, 512, 512);
    add_rows(s, &rng, (struct image_rect){0, 0, 512, 512}, 40);
    rig_init(&rig, NULL, 0, false, 1);
    p.max_det = 20;
    struct vision_result *r = count(&rig, &p, &s->im);
    assert_true(r->saturated && has_warning(r, "maximum of 20 boxes"));
    assert_int_equal(r->detected, 20);
    vision_result_free(r);
    rig_clear(&rig);
    image_clear(&s->im);
    free(s);
}

/* ---- threads and memory ---- */

static void assert_same(const struct vision_result *a, const struct vision_result *b)
{
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->n_detection, b->n_detection);
    assert_int_equal(a->n_band, b->n_band);
    assert_int_equal(a->tiles_processed, b->tiles_processed);
    for (size_t i = 0; i < a->n_detection; i++) {
        const struct vision_detection *x = &a->detection[i];
        const struct vision_detection *y = &b->detection[i];
        assert_true(x->cx == y->cx && x->cy == y->cy && x->w == y->w && x->h == y->h);
        assert_true(x->confidence == y->confidence && x->container == y->container);
    }
    for (size_t i = 0; i < a->n_band; i++) {
        assert_int_equal(a->band[i].processed_px, b->band[i].processed_px);
        assert_int_equal(a->band[i].count, b->band[i].count);
    }
}

struct caller {
    struct rig *rig;
    const struct vision_params *p;
    const struct image *im;
    struct vision_result *r[2];
};

static void *call_twice(void *ctx)
{
    struct caller *c = ctx;
    for (int i = 0; i < 2; i++) {
        if (vision_count_image(c->rig->engine, c->p, c->im, &c->r[i], NULL) < 0) {
            c->r[i] = NULL;
        }
    }
    return NULL;
}

/* Three callers at once on one engine give what one caller with one thread gives, with no more
 * sessions than threads can use. */
static void test_concurrent_calls(void **state)
{
    (void)state;
    struct scene *s = malloc(sizeof(*s));
    struct rig alone, shared;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    layout_scene(s);
    rig_init(&alone, layout, 4, true, 1);
    rig_init(&shared, layout, 4, true, 3);
    struct vision_result *expected = count(&alone, &p, &s->im);
    struct caller caller[3];
    pthread_t thread[3];
    for (int i = 0; i < 3; i++) {
        caller[i] = (struct caller){.rig = &shared, .p = &p, .im = &s->im};
        assert_int_equal(pthread_create(&thread[i], NULL, call_twice, &caller[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        for (int k = 0; k < 2; k++) {
            assert_non_null(caller[i].r[k]);
            assert_same(expected, caller[i].r[k]);
            vision_result_free(caller[i].r[k]);
        }
    }
    assert_in_range(shared.detect.sessions, 1, 9);
    assert_in_range(shared.segment.sessions, 1, 3);
    vision_result_free(expected);
    rig_clear(&alone);
    rig_clear(&shared);
    image_clear(&s->im);
    free(s);
}

/* Whichever allocation fails: out of memory, no result, nothing leaked (ASan build), and the engine
 * still counts right afterwards. */
static void sweep(size_t threads, size_t step)
{
    static const struct fake_container two[] = {
        {.box = {8, 8, 80, 72}, .score = 0.9, .class_id = 0},
        {.box = {64, 40, 60, 80}, .notch = {84, 80, 20, 20}, .score = 0.8, .class_id = 2}};
    struct scene *s = malloc(sizeof(*s));
    struct rig rig;
    struct vision_params p = params(VISION_PROFILE_PRODUCT);
    struct dm_err e = {0};
    p.size_px = p.tile_size_px = 64;
    p.segment_size_px = 128;
    p.keep_masks = p.keep_image = true;
    scene_init(s, 128, 128);
    add_plant(s, 30, 40, 12, 0.8);
    add_plant(s, 90, 60, 12, 0.8);
    rig_init(&rig, two, 2, true, threads);
    struct vision_result *expected = count(&rig, &p, &s->im);
    rig_clear(&rig);
    bool counted = false;
    for (size_t n = 1; !counted; n += step) {
        struct vision_result *r = NULL;
        rig_init(&rig, two, 2, true, threads);
        (void)dm_alloc_fail_at(n);
        int code = vision_count_image(rig.engine, &p, &s->im, &r, &e);
        size_t made = dm_alloc_fail_at(0);
        counted = made < n;
        if (counted) {
            assert_ok(code, &e);
        } else {
            assert_int_equal(code, DM_ENOMEM);
            assert_null(r);
            assert_int_equal(e.code, DM_ENOMEM);
            r = count(&rig, &p, &s->im);
        }
        assert_same(expected, r);
        vision_result_free(r);
        rig_clear(&rig);
        assert_true(n < 5000);
    }
    vision_result_free(expected);
    image_clear(&s->im);
    free(s);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    sweep(1, 1);
}

static void test_out_of_memory_threads(void **state)
{
    (void)state;
    sweep(3, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_container_found),    cmocka_unit_test(test_failing_container),
        cmocka_unit_test(test_engine_errors),         cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_concurrent_calls),      cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_memory_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

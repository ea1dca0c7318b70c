/* SPDX-License-Identifier: Apache-2.0
 *
 * The renderer: the same seed gives the same bytes, the truth is what was asked for and lies in
 * the frame, and boxes sit where the pixels of a plant are. */
#include "support/testing.h"

#include <math.h>

#include "base/alloc.h"
#include "synth/synth.h"

struct shot {
    struct image im;
    struct synth_truth truth;
};

static void shot_take(const struct synth_params *p, struct shot *ret)
{
    struct dm_err e = {0};
    assert_ok(synth_render(p, &ret->im, &ret->truth, &e), &e);
}

static void shot_clear(struct shot *s)
{
    image_clear(&s->im);
    synth_truth_clear(&s->truth);
}

static struct synth_params params(uint64_t seed, int w, int h)
{
    struct synth_params p;
    synth_params_init(&p);
    p.seed = seed;
    p.w = w;
    p.h = h;
    return p;
}

/* FNV-1a over the visible bytes. */
static uint64_t hash_image(const struct image *im)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int y = 0; y < im->h; y++) {
        const uint8_t *row = image_row(im, y);
        for (size_t i = 0; i < (size_t)im->w * 3; i++) {
            h = (h ^ row[i]) * UINT64_C(0x100000001b3);
        }
    }
    return h;
}

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct synth_params p = params(seed, 200, 160);
        struct shot a, b;
        shot_take(&p, &a);
        shot_take(&p, &b);
        uint64_t ha = hash_image(&a.im);
        assert_int_equal(ha, hash_image(&b.im));
        assert_int_not_equal(ha, last);
        assert_int_equal(a.truth.n_object, b.truth.n_object);
        struct dm_buf ta = dm_buf_init(1 << 20), tb = dm_buf_init(1 << 20);
        synth_truth_json(&a.truth, &ta);
        synth_truth_json(&b.truth, &tb);
        assert_string_equal(dm_buf_str(&ta), dm_buf_str(&tb));
        a.im.px[17] ^= 1; /* the hash would notice one bit */
        assert_int_not_equal(hash_image(&a.im), ha);
        dm_buf_clear(&ta);
        dm_buf_clear(&tb);
        shot_clear(&a);
        shot_clear(&b);
        last = ha;
    }
}

static void test_exact_count(void **state)
{
    (void)state;
    static const int wanted[] = {1, 7, 60, 240};
    for (int scene = SYNTH_SCENE_BENCH; scene < SYNTH_SCENE_MAX_; scene++) {
        for (size_t i = 0; i < DM_COUNT(wanted); i++) {
            struct synth_params p = params((uint64_t)(100 + scene), 480, 360);
            p.scene = (enum synth_scene)scene;
            p.plants = wanted[i];
            struct shot s;
            shot_take(&p, &s);
            assert_int_equal(s.truth.scene, scene);
            assert_int_equal(s.truth.count[SYNTH_ITEM], wanted[i]);
            shot_clear(&s);
        }
    }
}

static void check_inside(const struct synth_truth *t)
{
    int count[SYNTH_CLASS_MAX_] = {0};
    for (int i = 0; i < t->n_object; i++) {
        const struct synth_object *o = &t->object[i];
        assert_true(o->x1 >= 0 && o->y1 >= 0 && o->x2 <= (float)t->w && o->y2 <= (float)t->h);
        assert_true(o->x2 > o->x1 && o->y2 > o->y1);
        assert_true(o->visible > 0 && o->visible <= 1);
        assert_true(o->container >= -1 && o->container < t->n_container);
        count[o->class]++;
    }
    for (int i = 0; i < SYNTH_CLASS_MAX_; i++) {
        assert_int_equal(count[i], t->count[i]);
    }
    for (int i = 0; i < t->n_container; i++) {
        for (int j = 0; j < t->container[i].n_polygon; j++) {
            const float *q = t->container[i].polygon[j];
            assert_true(q[0] >= -0.01f && q[0] <= (float)t->w + 0.01f);
            assert_true(q[1] >= -0.01f && q[1] <= (float)t->h + 0.01f);
        }
    }
}

static void test_labels_inside(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 32; seed++) {
        struct synth_params p = params(seed, 224, 192);
        struct shot s;
        shot_take(&p, &s);
        check_inside(&s.truth);
        shot_clear(&s);
    }
}

/* Without empties and dead ones every place of a whole scene shows a plant; with only empties none
 * does. */
static void test_shares(void **state)
{
    (void)state;
    struct synth_params p = params(5, 320, 240);
    p.scene = SYNTH_SCENE_BENCH;
    p.plants = 50;
    p.empty = p.dead = 0;
    struct shot s;
    shot_take(&p, &s);
    assert_int_equal(s.truth.count[SYNTH_EMPTY_POT] + s.truth.count[SYNTH_DEAD_PLANT], 0);
    shot_clear(&s);
    p.empty = 0.3;
    p.dead = 0.1;
    shot_take(&p, &s);
    assert_int_equal(s.truth.count[SYNTH_ITEM], 50);
    assert_in_range(s.truth.count[SYNTH_EMPTY_POT], 18, 30);
    assert_in_range(s.truth.count[SYNTH_DEAD_PLANT], 6, 10);
    shot_clear(&s);
}

/* Where a box is, the picture differs from its surroundings: the same scene drawn without that
 * plant must change inside the boxes. Here: plants on against plants off. */
static void test_boxes_hold_the_plants(void **state)
{
    (void)state;
    struct synth_params p = params(77, 256, 256);
    p.scene = SYNTH_SCENE_PLUG;
    p.plant_px = 64;
    p.tilt_deg = 0;
    p.dead = 0;
    p.empty = 0;
    struct shot on, off;
    shot_take(&p, &on);
    p.empty = 0.9;
    shot_take(&p, &off);
    assert_true(on.truth.count[SYNTH_ITEM] > off.truth.count[SYNTH_ITEM] + 4);
    int changed = 0, boxes = 0;
    for (int i = 0; i < on.truth.n_object; i++) {
        const struct synth_object *o = &on.truth.object[i];
        int x = (int)((o->x1 + o->x2) * 0.5f), y = (int)((o->y1 + o->y2) * 0.5f);
        const uint8_t *a = image_row(&on.im, y) + 3 * x, *b = image_row(&off.im, y) + 3 * x;
        boxes++;
        changed += abs(a[1] - b[1]) + abs(a[0] - b[0]) > 12;
    }
    assert_true(changed * 10 > boxes * 6);
    shot_clear(&on);
    shot_clear(&off);
}

static void test_text(void **state)
{
    (void)state;
    struct synth_object objects[] = {{SYNTH_ITEM, 10, 20, 30, 60, 1, 0},
                                     {SYNTH_EMPTY_POT, 0, 0, 100, 50, 0.5f, 0}};
    static const float corner[3][2] = {{0, 0}, {100, 0}, {100, 50}};
    struct synth_container box = {SYNTH_CAJON, corner, 3};
    struct synth_truth t = {.seed = 9,
                            .w = 100,
                            .h = 100,
                            .scene = SYNTH_SCENE_CRATE,
                            .object = objects,
                            .n_object = 2,
                            .container = &box,
                            .n_container = 1,
                            .count = {1, 1, 0}};
    struct dm_buf b = dm_buf_init(4096);
    synth_truth_yolo(&t, 1u << SYNTH_ITEM, &b);
    assert_string_equal(dm_buf_str(&b), "0 0.200000 0.400000 0.200000 0.400000\n");
    dm_buf_clear(&b);
    synth_truth_yolo(&t, 1u << SYNTH_EMPTY_POT, &b);
    assert_string_equal(dm_buf_str(&b), "1 0.500000 0.250000 1.000000 0.500000\n");
    dm_buf_clear(&b);
    synth_truth_yolo_segment(&t, &b);
    assert_string_equal(dm_buf_str(&b),
                        "1 0.000000 0.000000 1.000000 0.000000 1.000000 0.500000\n");
    dm_buf_clear(&b);
    synth_truth_json(&t, &b);
    assert_non_null(strstr(dm_buf_str(&b), "\"plants\": 1,"));
    assert_non_null(strstr(dm_buf_str(&b), "\"type\": \"cajon\""));
    dm_buf_clear(&b);
}

static void test_bad_parameters(void **state)
{
    (void)state;
    struct synth_params ok = params(1, 128, 128), p;
    struct image im = {0};
    struct synth_truth t = {0};
    struct dm_err e = {0};
#define refuses(field, value)                                                                      \
    p = ok;                                                                                        \
    p.field = (value);                                                                             \
    assert_int_equal(synth_render(&p, &im, &t, &e), DM_EUSAGE)
    refuses(w, 63);
    refuses(h, 20000);
    refuses(plants, -1);
    refuses(tilt_deg, 50);
    refuses(tilt_deg, NAN);
    refuses(empty, 0.95);
    refuses(plant_px, 2);
    refuses(scene, SYNTH_SCENE_MAX_);
#undef refuses
    assert_null(im.px);
    synth_truth_clear(&t);
}

/* Every allocation of a rendering may fail: an error comes out, nothing leaks (sanitizers watch).
 */
static void test_no_memory(void **state)
{
    (void)state;
    struct synth_params p = params(3, 64, 64);
    struct shot s;
    (void)dm_alloc_fail_at(SIZE_MAX); /* counts, never fails */
    shot_take(&p, &s);
    shot_clear(&s);
    size_t n = dm_alloc_fail_at(0);
    assert_true(n > 4);
    for (size_t i = 1; i <= n; i++) {
        struct dm_err e = {0};
        struct image im = {0};
        struct synth_truth t = {0};
        (void)dm_alloc_fail_at(i);
        int r = synth_render(&p, &im, &t, &e);
        (void)dm_alloc_fail_at(0);
        assert_int_equal(r, DM_ENOMEM);
        assert_null(im.px);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),  cmocka_unit_test(test_exact_count),
        cmocka_unit_test(test_labels_inside),         cmocka_unit_test(test_shares),
        cmocka_unit_test(test_boxes_hold_the_plants), cmocka_unit_test(test_text),
        cmocka_unit_test(test_bad_parameters),        cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

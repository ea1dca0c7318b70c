/* SPDX-License-Identifier: Apache-2.0
 *
 * Conservation: a sound result passes, and each single broken rule is noticed and named. */
#include <string.h>

#include "support/testing.h"
#include "vision/vision.h"

enum { SIDE = 16 };

/* Two containers of 8 x 16 px with two bands each, three plants, masks of 24 and 17 pixels. */
struct sample {
    struct vision_result r;
    struct vision_container container[2];
    struct vision_detection detection[3];
    struct vision_band band[4];
    uint8_t residual[SIDE * SIDE], processed[SIDE * SIDE];
};

static void sample_init(struct sample *s)
{
    *s = (struct sample){0};
    s->container[0] = (struct vision_container){
        .type = VISION_CONTAINER_SEGMENT, .bbox = {0, 0, 8, 16}, .detected = 2, .estimated = 3};
    s->container[1] = (struct vision_container){
        .type = VISION_CONTAINER_PLUG, .bbox = {8, 0, 8, 16}, .detected = 1, .empty = true};
    s->detection[0] = (struct vision_detection){.confidence = 0.9f};
    s->detection[1] = (struct vision_detection){.confidence = 0.6f, .container = 1};
    s->detection[2] = (struct vision_detection){.confidence = 0.4f};
    static const int64_t residual[] = {10, 8, 6, 0};
    static const int64_t processed[] = {9, 8, 0, 0};
    static const uint32_t count[] = {2, 1, 0, 0};
    for (int i = 0; i < 4; i++) {
        s->band[i] = (struct vision_band){.container = i / 2,
                                          .number = i % 2 + 1,
                                          .y_start = i % 2 * 8,
                                          .y_end = i % 2 * 8 + 8,
                                          .residual_px = residual[i],
                                          .processed_px = processed[i],
                                          .suppressed_px = residual[i] - processed[i],
                                          .count = count[i]};
    }
    memset(s->residual, 255, 24);
    memset(s->processed, 255, 17);
    s->r = (struct vision_result){
        .container = s->container,
        .n_container = 2,
        .detection = s->detection,
        .n_detection = 3,
        .band = s->band,
        .n_band = 4,
        .detected = 3,
        .estimated = 3,
        .total = 6,
        .by_type = {[VISION_CONTAINER_SEGMENT] = 2, [VISION_CONTAINER_PLUG] = 1},
        .containers_by_type = {[VISION_CONTAINER_SEGMENT] = 1, [VISION_CONTAINER_PLUG] = 1},
        .empty_containers = 1,
        .confidence_high = 1,
        .confidence_medium = 1,
        .confidence_low = 1,
        .residual_mask = {s->residual, SIDE, SIDE, SIDE, 1},
        .processed_mask = {s->processed, SIDE, SIDE, SIDE, 1},
    };
}

static void test_sound(void **state)
{
    (void)state;
    struct sample s;
    struct dm_err e = {0};
    sample_init(&s);
    assert_ok(vision_result_check(&s.r, true, &e), &e);
    struct vision_result nothing = {0};
    assert_ok(vision_result_check(&nothing, true, &e), &e);
}

/* Break one thing. */
static void break_rule(struct sample *s, int fault)
{
    switch (fault) {
    case 0:
        s->band[0].suppressed_px++;
        break;
    case 1:
        s->band[1].processed_px = -1;
        s->band[1].suppressed_px = 9;
        break;
    case 2:
        s->band[1].number = 3;
        break;
    case 3:
        s->band[1].y_start = 9;
        break;
    case 4:
        s->band[3].y_end = 15;
        break;
    case 5:
        s->band[2].container = 2;
        break;
    case 6:
        s->container[1].failed = true;
        break;
    case 7:
        s->detection[1].container = 0;
        break;
    case 8:
        s->detection[2].container = -1;
        break;
    case 9:
        s->container[0].detected = 3;
        break;
    case 10:
        s->r.detected = s->r.total = 4;
        break;
    case 11:
        s->detection[2].confidence = 0.95f;
        break;
    case 12:
        s->r.containers_by_type[0] = 2;
        break;
    case 13:
        s->r.empty_containers = 0;
        break;
    case 14:
        s->band[0].count++;
        break;
    case 15:
        s->container[1].estimated = 1;
        break;
    case 16:
        s->r.total = 7;
        break;
    case 17:
        s->r.confidence_low = 0;
        break;
    case 18:
        s->residual[100] = 255;
        break;
    default:
        s->processed[0] = 0;
        break;
    }
}

static void test_broken_rules(void **state)
{
    (void)state;
    static const char rules[] = "C1C1C2C2C2C2C2C3C3C3C3C3C3C3C4C4C5C6C7C7";
    for (int i = 0; i < 20; i++) {
        struct sample s;
        struct dm_err e = {0};
        sample_init(&s);
        break_rule(&s, i);
        assert_int_equal(vision_result_check(&s.r, true, &e), DM_EINTERNAL);
        if (strncmp(e.text, rules + (size_t)i * 2, 2) != 0) {
            fail_msg("fault %d: %s", i, e.text);
        }
    }
}

/* Shared pixels make the rows larger than the mask: allowed only without own_residual. */
static void test_shared_pixels(void **state)
{
    (void)state;
    struct sample s;
    struct dm_err e = {0};
    sample_init(&s);
    s.residual[0] = 0;
    assert_int_equal(vision_result_check(&s.r, true, &e), DM_EINTERNAL);
    assert_ok(vision_result_check(&s.r, false, &e), &e);
    s.residual[200] = s.residual[201] = 255;
    assert_int_equal(vision_result_check(&s.r, false, &e), DM_EINTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_broken_rules),
        cmocka_unit_test(test_shared_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

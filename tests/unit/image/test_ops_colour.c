/* SPDX-License-Identifier: Apache-2.0
 *
 * HSV and lightness of one pixel: the checks of vision.md A.6 and A.7, and a checksum of OpenCV
 * over 214 696 colours. */
#include "image/ops.h"

#include <math.h>

#include "support/pattern.h"

static const struct {
    uint32_t colours, hsv, lightness;
} golden[] = {
#include "data/ops/colour.inc"
};

struct sums {
    uint32_t colours, hsv, lightness;
};

static void add_colour(struct sums *s, int r, int g, int b)
{
    uint8_t hsv[3];
    image_hsv_u8((uint8_t)r, (uint8_t)g, (uint8_t)b, hsv);
    uint8_t l = image_lightness_u8((uint8_t)r, (uint8_t)g, (uint8_t)b);
    s->hsv = pattern_crc(s->hsv, hsv, 3);
    s->lightness = pattern_crc(s->lightness, &l, 1);
    s->colours++;
}

static void test_goldens(void **state)
{
    (void)state;
    struct sums s = {0};
    for (int r = 0; r < 256; r += 5) {
        for (int g = 0; g < 256; g += 5) {
            for (int b = 0; b < 256; b += 5) {
                add_colour(&s, r, g, b);
            }
        }
    }
    for (int r = 0; r < 42; r++) {
        for (int g = 0; g < 42; g++) {
            for (int b = 0; b < 42; b++) {
                add_colour(&s, r, g, b);
            }
        }
    }
    assert_int_equal(s.colours, golden[0].colours);
    assert_int_equal(s.hsv, golden[0].hsv);
    assert_int_equal(s.lightness, golden[0].lightness);
}

static void test_checks(void **state)
{
    (void)state;
    static const struct {
        uint8_t rgb[3], hsv[3];
        int lightness; /* -1 = not stated */
    } rows[] = {
        {{50, 200, 50}, {60, 191, 200}, 181}, {{50, 40, 30}, {15, 102, 50}, -1},
        {{40, 38, 34}, {20, 38, 40}, -1},     {{0, 0, 0}, {0, 0, 0}, 0},
        {{255, 255, 255}, {0, 0, 255}, 255},  {{128, 128, 128}, {0, 0, 128}, 137},
        {{40, 40, 40}, {0, 0, 40}, 41},       {{30, 40, 50}, {105, 102, 50}, 40},
        {{255, 0, 1}, {0, 255, 255}, -1},     {{255, 0, 8}, {179, 255, 255}, -1},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        uint8_t hsv[3];
        image_hsv_u8(rows[i].rgb[0], rows[i].rgb[1], rows[i].rgb[2], hsv);
        assert_memory_equal(hsv, rows[i].hsv, 3);
        if (rows[i].lightness >= 0) {
            assert_int_equal(image_lightness_u8(rows[i].rgb[0], rows[i].rgb[1], rows[i].rgb[2]),
                             rows[i].lightness);
        }
    }
}

/* Lightness against the real CIE formula: the integers stay within 1.6 steps. fault is added to the
 * reference. Returns how many of some colours are farther off. */
static int far_from_formula(double fault)
{
    int far = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        double linear[3];
        int rgb[3];
        for (uint32_t c = 0; c < 3; c++) {
            rgb[c] = pattern_int(4, 3 * i + c, 0, 255);
            double u = rgb[c] / 255.0;
            linear[c] = u <= 0.04045 ? u / 12.92 : pow((u + 0.055) / 1.055, 2.4);
        }
        double y = 0.212671 * linear[0] + 0.715160 * linear[1] + 0.072169 * linear[2];
        double l = y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
        double ours = image_lightness_u8((uint8_t)rgb[0], (uint8_t)rgb[1], (uint8_t)rgb[2]);
        far += fabs(ours - (l * 2.55 + fault)) > 1.6;
    }
    return far;
}

static void test_formula(void **state)
{
    (void)state;
    assert_int_equal(far_from_formula(0), 0);
    assert_true(far_from_formula(3) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks from prototypes against a naive oracle in double, with planted faults. */
#include "vision/yolo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/heads.h"
#include "support/testing.h"

/* vision.md 4.4 word by word. Returns the value before the threshold of every output pixel. */
static void oracle_mask(const struct nn_heads *h, const float *coef, const struct yolo_box *b,
                        int net_w, int net_h, double *ret)
{
    int w = h->proto_w;
    int ph = h->proto_h;
    double *logit = calloc((size_t)w * (size_t)ph, sizeof(*logit));
    long x1 = lrint(fmax(0, (double)b->x1 * w / net_w)), x2 = lrint((double)b->x2 * w / net_w);
    long y1 = lrint(fmax(0, (double)b->y1 * ph / net_h)), y2 = lrint((double)b->y2 * ph / net_h);
    for (int y = 0; y < ph; y++) {
        for (int x = 0; x < w; x++) {
            double sum = 0;
            for (int k = 0; k < h->n_coefs; k++) {
                sum += (double)coef[k] * h->proto[(y * w + x) * h->n_coefs + k];
            }
            logit[y * w + x] = x >= x1 && x < x2 && y >= y1 && y < y2 ? sum : 0;
        }
    }
    for (int y = 0; y < net_h; y++) {
        for (int x = 0; x < net_w; x++) {
            double sx = fmax(0, (x + 0.5) / 4 - 0.5), sy = fmax(0, (y + 0.5) / 4 - 0.5);
            int ix = (int)sx, iy = (int)sy;
            int jx = DM_MIN(ix + 1, w - 1), jy = DM_MIN(iy + 1, ph - 1);
            double fx = sx - ix, fy = sy - iy;
            ret[y * net_w + x] =
                (1 - fy) * ((1 - fx) * logit[iy * w + ix] + fx * logit[iy * w + jx]) +
                fy * ((1 - fx) * logit[jy * w + ix] + fx * logit[jy * w + jx]);
        }
    }
    free(logit);
}

/* Pixels that differ although the value is clear of the threshold. */
static size_t differences(const struct image *mask, const double *value)
{
    size_t n = 0;
    for (int y = 0; y < mask->h; y++) {
        for (int x = 0; x < mask->w; x++) {
            double v = value[y * mask->w + x];
            uint8_t m = image_row(mask, y)[x];
            n += (m != 0 && m != 255) || (fabs(v) > 1e-4 && (m == 255) != (v > 0)) ||
                 (v == 0 && m != 0);
        }
    }
    return n;
}

static void random_heads(struct test_heads *t, struct test_rng *rng, int w, int h, int coefs)
{
    test_heads_init(t, w, h, 1, coefs);
    for (int y = 0; y < t->h.proto_h; y++) {
        for (int x = 0; x < t->h.proto_w; x++) {
            for (int k = 0; k < coefs; k++) {
                test_heads_proto(t, x, y)[k] = (float)(test_rng_unit(rng) * 2 - 0.9);
            }
        }
    }
    for (int k = 0; k < coefs; k++) {
        test_heads_coef(t, 1, 1, 1)[k] = (float)(test_rng_unit(rng) * 2 - 0.9);
    }
}

static void test_mask_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {31};
    enum { W = 160, H = 96 };
    double *value = malloc(sizeof(*value) * W * H);
    size_t set = 0;
    for (int round = 0; round < 60; round++) {
        struct test_heads t;
        struct dm_err e = {0};
        struct image mask;
        struct yolo_letterbox lb = yolo_letterbox_plan(W, H, W, H, 32, true);
        random_heads(&t, &rng, W, H, round % 2 ? 32 : 5);
        float x = (float)(test_rng_unit(&rng) * 180 - 20);
        float y = (float)(test_rng_unit(&rng) * 120 - 20);
        struct yolo_box b = {.x1 = x,
                             .y1 = y,
                             .x2 = x + (float)(test_rng_unit(&rng) * 120),
                             .y2 = y + (float)(test_rng_unit(&rng) * 80),
                             .anchor = 20 * 12 + 10 + 1};
        assert_ok(yolo_mask(&t.h, &lb, &b, &mask, &e), &e);
        oracle_mask(&t.h, test_heads_coef(&t, 1, 1, 1), &b, W, H, value);
        assert_int_equal(differences(&mask, value), 0);
        for (size_t i = 0; i < (size_t)W * H; i++) {
            set += mask.px[i] != 0;
        }
        image_clear(&mask);
        test_heads_clear(&t);
    }
    assert_true(set > 10000);
    free(value);
}

/* The comparison notices one wrong pixel, and a box one prototype pixel off. */
static void test_mask_planted_faults(void **state)
{
    (void)state;
    struct test_rng rng = {32};
    enum { W = 160, H = 96 };
    static double value[W * H];
    struct test_heads t;
    struct dm_err e = {0};
    struct image mask;
    struct yolo_letterbox lb = yolo_letterbox_plan(W, H, W, H, 32, true);
    struct yolo_box b = {.x1 = 20, .y1 = 20, .x2 = 120, .y2 = 80, .anchor = 20 * 12 + 10 + 1};
    random_heads(&t, &rng, W, H, 32);
    assert_ok(yolo_mask(&t.h, &lb, &b, &mask, &e), &e);
    oracle_mask(&t.h, test_heads_coef(&t, 1, 1, 1), &b, W, H, value);
    assert_int_equal(differences(&mask, value), 0);
    image_row(&mask, 50)[50] ^= 255;
    assert_int_equal(differences(&mask, value), 1);
    image_row(&mask, 50)[50] ^= 255;
    b.x1 += 4;
    oracle_mask(&t.h, test_heads_coef(&t, 1, 1, 1), &b, W, H, value);
    assert_int_not_equal(differences(&mask, value), 0);
    image_clear(&mask);
    test_heads_clear(&t);
}

/* A mask bleeds two network pixels over its box; a box left of the picture leaves the visible part;
 * an empty crop gives an empty mask. */
static void test_mask_edges(void **state)
{
    (void)state;
    static const struct {
        float x1, x2;
        int first, last; /* set columns; first > last: none */
    } cases[] = {{16, 32, 14, 33}, {-10, 16, 0, 17}, {16, 17, 1, 0}, {90, 200, 86, 95}};
    struct test_heads t;
    struct dm_err e = {0};
    struct yolo_letterbox lb = yolo_letterbox_plan(96, 64, 96, 64, 32, true);
    test_heads_init(&t, 96, 64, 1, 1);
    test_heads_coef(&t, 0, 0, 0)[0] = 2;
    for (int i = 0; i < 24 * 16; i++) {
        test_heads_proto(&t, i % 24, i / 24)[0] = 1;
    }
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct yolo_box b = {.x1 = cases[i].x1, .x2 = cases[i].x2, .y1 = 0, .y2 = 64};
        struct image mask;
        assert_ok(yolo_mask(&t.h, &lb, &b, &mask, &e), &e);
        for (int x = 0; x < 96; x++) {
            bool inside = x >= cases[i].first && x <= cases[i].last;
            assert_int_equal(image_row(&mask, 30)[x], inside ? 255 : 0);
        }
        image_clear(&mask);
    }
    test_heads_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask_oracle),
        cmocka_unit_test(test_mask_planted_faults),
        cmocka_unit_test(test_mask_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

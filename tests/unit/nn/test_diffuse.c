/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights after error diffusion: each is representable, none moved by more than a step of its
 * kernel's largest, and the sum of every kernel is right to a step - which plain rounding is not.
 */
#include <math.h>

#include "base/alloc.h"
#include "nn/diffuse.h"
#include "nn/quant.h"
#include "support/testing.h"

enum { CHANNELS = 24, TAPS_MAX = 9, WEIGHTS = CHANNELS * CHANNELS * TAPS_MAX };

static float weight[WEIGHTS];

static struct nn_conv_desc describe(struct test_rng *r, enum nn_dtype compute, int kernel)
{
    for (int i = 0; i < WEIGHTS; i++) {
        weight[i] = (float)(test_rng_unit(r) - 0.5);
    }
    return (struct nn_conv_desc){
        .in_h = 8,
        .in_w = 8,
        .in_c = CHANNELS,
        .out_c = CHANNELS,
        .kernel = kernel,
        .stride = 1,
        .src = compute == NN_I8 ? NN_U8 : compute,
        .src_scale = 0.25f,
        .dst = NN_F32,
        .compute = compute,
        .weight = weight,
    };
}

/* Step of the grid near w: int8 has one per output channel, bf16 eight bits after the first. */
static double step_of(const struct nn_conv_desc *d, int o, double w)
{
    int exponent;
    (void)frexp(w, &exponent);
    return d->compute == NN_I8 ? (double)nn_weight_scale(d, o) : ldexp(1.0, exponent - 8);
}

static bool on_grid(const struct nn_conv_desc *d, int o, float w)
{
    double q = (double)w / step_of(d, o, (double)w);
    return fabs(q - nearbyint(q)) < 1e-3;
}

/* Kernels whose sum is off by more than a step of their largest weight / half a step. */
static int kernels_off(const struct nn_conv_desc *before, const struct nn_conv_desc *after,
                       double steps)
{
    int n = 0, in_c = before->depthwise ? 1 : before->in_c;
    for (int o = 0; o < before->out_c; o++) {
        for (int i = 0; i < in_c; i++) {
            double error = 0, most = 0;
            for (int t = 0; t < before->kernel * before->kernel; t++) {
                double w = (double)nn_weight(before, o, i, t);
                error += w - (double)nn_weight(after, o, i, t);
                most = fmax(most, fabs(w));
            }
            n += fabs(error) > steps * step_of(before, o, most);
        }
    }
    return n;
}

static void test_grid_and_sums(void **state)
{
    (void)state;
    struct test_rng r = {11};
    static const enum nn_dtype computes[] = {NN_BF16, NN_I8};
    for (size_t c = 0; c < DM_COUNT(computes); c++) {
        for (int round = 0; round < 6; round++) {
            struct nn_conv_desc before = describe(&r, computes[c], round % 3 == 2 ? 1 : 3);
            before.depthwise = round % 3 == 1;
            struct nn_conv_desc after = before;
            DM_CLEANUP(dm_freep) float *mine = NULL;
            assert_int_equal(nn_weights_diffuse(&after, &mine, NULL), DM_OK);
            assert_ptr_equal(after.weight, mine);
            for (int o = 0; o < before.out_c; o++) {
                double scale = (double)nn_weight_scale(&before, o);
                if (computes[c] == NN_I8) { /* the back end finds the same scale again */
                    assert_true(fabs((double)nn_weight_scale(&after, o) / scale - 1) < 1e-6);
                }
                double most = 0;
                for (int t = 0; t < before.kernel * before.kernel; t++) {
                    most = fmax(most, fabs((double)nn_weight(&before, o, 0, t)));
                }
                for (int t = 0; t < before.kernel * before.kernel; t++) {
                    float w = nn_weight(&after, o, 0, t), was = nn_weight(&before, o, 0, t);
                    assert_true(on_grid(&after, o, w));
                    assert_true(fabs((double)w - (double)was) <= 1.01 * step_of(&before, o, most));
                }
            }
            /* an int8 kernel that ends with the channel's largest weight cannot pass its rest on */
            assert_true(kernels_off(&before, &after, 0.51) <=
                        (computes[c] == NN_I8 ? CHANNELS : 0));
        }
    }
}

/* Rounded one by one, many kernels are off by more than half a step: the check can fail. */
static void test_check_notices(void **state)
{
    (void)state;
    struct test_rng r = {12};
    struct nn_conv_desc before = describe(&r, NN_BF16, 3), after = before;
    static float plain[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) {
        plain[i] = nn_bf16_to_f32(nn_bf16_from_f32(weight[i]));
    }
    after.weight = plain;
    assert_true(kernels_off(&before, &after, 0.51) > CHANNELS * CHANNELS / 10);
}

/* Weights of the picture are on the grid with its scale multiplied in; F32 is left alone. */
static void test_picture_and_f32(void **state)
{
    (void)state;
    struct test_rng r = {13};
    struct nn_conv_desc d = describe(&r, NN_BF16, 3);
    d.src = NN_U8;
    d.src_scale = 1.0f / 255.0f;
    DM_CLEANUP(dm_freep) float *mine = NULL;
    assert_int_equal(nn_weights_diffuse(&d, &mine, NULL), DM_OK);
    for (int i = 0; i < CHANNELS * CHANNELS * TAPS_MAX; i++) {
        float scaled = mine[i] * d.src_scale;
        assert_true(fabsf(nn_bf16_to_f32(nn_bf16_from_f32(scaled)) - scaled) <=
                    1e-6f * fabsf(scaled));
    }
    struct nn_conv_desc f = describe(&r, NN_F32, 3);
    float *none = mine;
    assert_int_equal(nn_weights_diffuse(&f, &none, NULL), DM_OK);
    assert_null(none);
    assert_ptr_equal(f.weight, weight);
}

/* The taps of a transposed convolution go to different pixels: each is rounded for itself. */
static void test_transposed(void **state)
{
    (void)state;
    struct test_rng r = {14};
    struct nn_conv_desc d = describe(&r, NN_BF16, 2);
    d.transposed = true;
    d.stride = 2;
    DM_CLEANUP(dm_freep) float *mine = NULL;
    assert_int_equal(nn_weights_diffuse(&d, &mine, NULL), DM_OK);
    for (int i = 0; i < CHANNELS * CHANNELS * 4; i++) {
        assert_true(mine[i] == nn_bf16_to_f32(nn_bf16_from_f32(weight[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid_and_sums),
        cmocka_unit_test(test_check_notices),
        cmocka_unit_test(test_picture_and_f32),
        cmocka_unit_test(test_transposed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

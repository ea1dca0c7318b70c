/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian blur, both forms: goldens of OpenCV, and a naive reading of vision.md A.3. */
#include "image/ops.h"

#include <math.h>

#include "support/pattern.h"

static void test_goldens(void **state)
{
    (void)state;
    static const struct {
        enum pattern kind;
        uint32_t seed;
        int w, h, channels, ksize;
        uint32_t crc;
    } rows[] = {
#include "data/ops/gauss.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image in =
            pattern_image(rows[i].kind, rows[i].seed, rows[i].w, rows[i].h, rows[i].channels);
        struct image out = plain_image(77, rows[i].w, rows[i].h, rows[i].channels);
        assert_ok(image_gaussian_u8(&in, rows[i].ksize, &out, &e), &e);
        assert_int_equal(image_crc(&out), rows[i].crc);
        assert_ok(image_gaussian_u8(&in, rows[i].ksize, &in, &e), &e);
        assert_int_equal(image_crc(&in), rows[i].crc);
        image_clear(&in);
        image_clear(&out);
    }
}

static void test_goldens_f32(void **state)
{
    (void)state;
    static const struct {
        uint32_t seed;
        int w, h, ksize;
        double sigma;
        int x, y;
        float value;
    } rows[] = {
#include "data/ops/gauss_f32.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image in = pattern_image(PATTERN_DISKS, rows[i].seed, rows[i].w, rows[i].h, 1);
        float *plane = dm_calloc((size_t)in.w * (size_t)in.h, sizeof(*plane));
        assert_non_null(plane);
        for (int k = 0; k < in.w * in.h; k++) {
            plane[k] = (float)in.px[k] / 255.0F;
        }
        assert_ok(image_gaussian_f32(plane, in.w, in.h, rows[i].ksize, rows[i].sigma, plane, &e),
                  &e);
        assert_float_equal(plane[rows[i].y * in.w + rows[i].x], rows[i].value, 3e-7);
        dm_free(plane);
        image_clear(&in);
    }
}

static int naive_reflect(int i, int n)
{
    while (n > 1 && (i < 0 || i >= n)) {
        i = i < 0 ? -i : 2 * n - 2 - i;
    }
    return n > 1 ? i : 0;
}

/* The quantised kernel from its definition: error diffusion from the edge inwards. The library has
 * its own tables up to 9. */
static void naive_kernel(int n, int *k)
{
    static const int nine[] = {4, 13, 30, 51, 60, 51, 30, 13, 4};
    static const int five[] = {16, 64, 96, 64, 16};
    if (n <= 9) {
        memcpy(k, n == 9 ? nine : five, (size_t)n * sizeof(*k));
        return;
    }
    double sigma = 0.15 * n + 0.35;
    double total = 0;
    for (int i = 0; i < n; i++) {
        total += exp(-(i - n / 2) * (i - n / 2) / (2 * sigma * sigma));
    }
    double err = 0;
    int sum = 0;
    for (int i = 0; i < n / 2; i++) {
        double v = 256 * exp(-(i - n / 2) * (i - n / 2) / (2 * sigma * sigma)) / total + err;
        k[i] = k[n - 1 - i] = (int)nearbyint(v);
        err = v - k[i];
        sum += 2 * k[i];
    }
    k[n / 2] = 256 - sum;
}

/* rounding 32768 is right, anything else a planted fault. */
static void naive_gauss(const struct image *in, int n, struct image *out, long rounding)
{
    int k[21];
    naive_kernel(n, k);
    int ch = in->channels;
    for (int y = 0; y < in->h; y++) {
        for (int i = 0; i < in->w * ch; i++) {
            long sum = 0;
            for (int dy = 0; dy < n; dy++) {
                const uint8_t *row = image_row(in, naive_reflect(y + dy - n / 2, in->h));
                for (int dx = 0; dx < n; dx++) {
                    int x = naive_reflect(i / ch + dx - n / 2, in->w);
                    sum += (long)k[dy] * k[dx] * row[x * ch + i % ch];
                }
            }
            image_row(out, y)[i] = (uint8_t)((sum + rounding) >> 16);
        }
    }
}

static void test_oracle(void **state)
{
    (void)state;
    static const int ksizes[] = {5, 9, 15, 21};
    struct test_rng rng = {.s = 3};
    size_t noticed = 0;
    for (uint32_t i = 0; i < 80; i++) {
        struct dm_err e = {0};
        int w = 1 + (int)test_rng_below(&rng, 45);
        int h = 1 + (int)test_rng_below(&rng, 30);
        struct image in =
            pattern_image(i % 3 ? PATTERN_NOISE : PATTERN_BINARY, i, w, h, i % 2 ? 3 : 1);
        struct image out = plain_image(0, w, h, in.channels);
        struct image naive = plain_image(1, w, h, in.channels);
        int n = ksizes[i % 4];
        assert_ok(image_gaussian_u8(&in, n, &out, &e), &e);
        naive_gauss(&in, n, &naive, 32768);
        assert_int_equal(image_differences(&out, &naive), 0);
        naive_gauss(&in, n, &naive, 0);
        noticed += image_differences(&out, &naive) > 0;
        image_clear(&in);
        image_clear(&out);
        image_clear(&naive);
    }
    assert_true(noticed > 60);
}

/* Greatest difference between the float blur and one in double; scale 1 is right. */
static double float_error(int w, int h, int n, double sigma, uint32_t seed, double scale)
{
    struct dm_err e = {0};
    size_t count = (size_t)w * (size_t)h;
    float *in = dm_calloc(count, sizeof(*in));
    float *out = dm_calloc(count, sizeof(*out));
    assert_true(in && out);
    for (size_t i = 0; i < count; i++) {
        in[i] = (float)(pattern_mix(seed, (uint32_t)i) >> 40) * 0x1p-24F;
    }
    assert_ok(image_gaussian_f32(in, w, h, n, sigma, out, &e), &e);
    double s = sigma > 0 ? sigma : 0.15 * n + 0.35;
    double worst = 0;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            double sum = 0;
            double weights = 0;
            for (int dy = -(n / 2); dy <= n / 2; dy++) {
                for (int dx = -(n / 2); dx <= n / 2; dx++) {
                    double k = exp(-(dx * dx + dy * dy) / (2 * s * s));
                    weights += k;
                    sum += k * (double)in[naive_reflect(y + dy, h) * w + naive_reflect(x + dx, w)];
                }
            }
            worst = fmax(worst, fabs(scale * sum / weights - (double)out[y * w + x]));
        }
    }
    dm_free(in);
    dm_free(out);
    return worst;
}

static void test_oracle_f32(void **state)
{
    (void)state;
    static const struct {
        int w, h, n;
        double sigma;
    } cases[] = {
        {1, 1, 21, 3.5}, {40, 33, 21, 3.5}, {3, 50, 21, 3.5}, {50, 3, 15, 0}, {30, 30, 1, 0}};
    for (uint32_t i = 0; i < DM_COUNT(cases); i++) {
        double right = float_error(cases[i].w, cases[i].h, cases[i].n, cases[i].sigma, i, 1.0);
        double wrong =
            float_error(cases[i].w, cases[i].h, cases[i].n, cases[i].sigma, i, 1.0 + 1e-5);
        assert_true(right < 5e-7);
        assert_true(wrong > 2e-6); /* a fault of 1e-5 would be noticed */
    }
}

/* More values than one stretch of the vector loop. */
static void test_long_rows_f32(void **state)
{
    (void)state;
    struct dm_err e = {0};
    enum { W = 1300 };
    static float line[W], column[W];
    for (uint32_t i = 0; i < W; i++) {
        line[i] = column[i] = (float)(pattern_mix(9, i) >> 56);
    }
    assert_ok(image_gaussian_f32(line, W, 1, 21, 3.5, line, &e), &e);
    assert_ok(image_gaussian_f32(column, 1, W, 21, 3.5, column, &e), &e);
    for (int i = 0; i < W; i++) {
        assert_float_equal(line[i], column[i], 1e-4);
    }
}

/* The kernels sum to one: a plain picture stays as it is. */
static void test_plain(void **state)
{
    (void)state;
    static const int ksizes[] = {5, 9, 15, 21};
    for (size_t i = 0; i < DM_COUNT(ksizes); i++) {
        for (int value = 0; value <= 255; value += 51) {
            struct dm_err e = {0};
            struct image im = plain_image((uint8_t)value, 23, 12, 1);
            struct image before = plain_image((uint8_t)value, 23, 12, 1);
            assert_ok(image_gaussian_u8(&im, ksizes[i], &im, &e), &e);
            assert_int_equal(image_differences(&im, &before), 0);
            image_clear(&im);
            image_clear(&before);
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image im = pattern_image(PATTERN_NOISE, 3, 20, 20, 3);
    float plane[12] = {0};
    assert_survives_no_memory(image_gaussian_u8(&im, 15, &im, &e), (void)0);
    assert_survives_no_memory(image_gaussian_f32(plane, 4, 3, 21, 3.5, plane, &e), (void)0);
    image_clear(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),       cmocka_unit_test(test_goldens_f32),
        cmocka_unit_test(test_oracle),        cmocka_unit_test(test_oracle_f32),
        cmocka_unit_test(test_long_rows_f32), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

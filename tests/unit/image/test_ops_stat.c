/* SPDX-License-Identifier: Apache-2.0
 *
 * Otsu's threshold and percentiles: goldens of OpenCV and numpy, and naive definitions. */
#include "image/ops.h"

#include <math.h>

#include "support/pattern.h"

static void test_otsu_goldens(void **state)
{
    (void)state;
    static const struct {
        enum pattern kind;
        uint32_t seed;
        int divisor, zero_rows, threshold;
    } rows[] = {
#include "data/ops/otsu.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image im = pattern_image(rows[i].kind, rows[i].seed, 41, 33, 1);
        uint64_t histogram[256] = {0};
        for (int k = 0; k < 41 * 33; k++) {
            int v = k < 41 * rows[i].zero_rows ? 0 : im.px[k] / rows[i].divisor;
            histogram[v]++;
        }
        assert_int_equal(image_otsu(histogram), rows[i].threshold);
        image_clear(&im);
    }
}

/* Between-class variance of threshold t (values <= t are the lower class), up to a constant. */
static long double separation(const uint64_t *histogram, int t)
{
    long double n[2] = {0}, sum[2] = {0};
    for (int i = 0; i < 256; i++) {
        n[i > t] += histogram[i];
        sum[i > t] += (long double)i * histogram[i];
    }
    if (n[0] == 0 || n[1] == 0) {
        return 0;
    }
    long double d = sum[0] / n[0] - sum[1] / n[1];
    return n[0] * n[1] * d * d;
}

/* Whether no threshold separates better, and no lower one as well. */
static bool is_best(const uint64_t *histogram, int t)
{
    long double own = separation(histogram, t);
    for (int i = 0; i < 256; i++) {
        long double other = separation(histogram, i);
        if (other > own * (1 + 1e-12L) || (i < t && other >= own * (1 + 1e-12L))) {
            return false;
        }
    }
    return true;
}

static void test_otsu_oracle(void **state)
{
    (void)state;
    size_t noticed = 0;
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t histogram[256] = {0};
        int bins = pattern_int(i, 0, 1, 60);
        for (int k = 0; k < bins; k++) {
            uint64_t v = pattern_mix(i, (uint32_t)(k + 1));
            histogram[v >> 56] += v % 5000;
        }
        histogram[0] += i % 3 ? 0 : 100000;
        int t = image_otsu(histogram);
        assert_true(is_best(histogram, t));
        noticed += !is_best(histogram, (t + 50) % 256);
    }
    assert_true(noticed > 120);
}

static void test_otsu_extremes(void **state)
{
    (void)state;
    uint64_t histogram[256] = {0};
    assert_int_equal(image_otsu(histogram), 0); /* nothing at all */
    histogram[137] = 1000;
    assert_int_equal(image_otsu(histogram), 0); /* constant */
    histogram[200] = 1;
    assert_int_equal(image_otsu(histogram), 137);
    /* A share below float epsilon counts as nothing. */
    histogram[137] = UINT64_C(100000000);
    assert_int_equal(image_otsu(histogram), 0);
}

static void fill_values(uint32_t seed, size_t n, double *a)
{
    for (size_t i = 0; i < n; i++) {
        a[i] = pattern_int(seed, (uint32_t)i, 0, 1000000) / 256.0;
    }
}

static void test_percentile_goldens(void **state)
{
    (void)state;
    static const struct {
        uint32_t seed;
        size_t n;
        double q25, q75, q90;
    } rows[] = {
#include "data/ops/percentile.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        double a[100];
        fill_values(rows[i].seed, rows[i].n, a);
        assert_true(image_percentile(a, rows[i].n, 0.25) == rows[i].q25);
        assert_true(image_percentile(a, rows[i].n, 0.75) == rows[i].q75);
        assert_true(image_percentile(a, rows[i].n, 0.9) == rows[i].q90);
    }
}

/* The k-th smallest by counting; no sorting. */
static double naive_rank(const double *a, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        size_t below = 0;
        size_t equal = 0;
        for (size_t j = 0; j < n; j++) {
            below += a[j] < a[i];
            equal += a[j] <= a[i];
        }
        if (below <= k && k < equal) {
            return a[i];
        }
    }
    return NAN;
}

static void test_percentile_oracle(void **state)
{
    (void)state;
    size_t noticed = 0;
    for (uint32_t i = 0; i < 200; i++) {
        double a[50], copy[50];
        size_t n = (size_t)pattern_int(i, 1000, 1, 50);
        double q = pattern_int(i, 1001, 0, 64) / 64.0;
        fill_values(i, n, a);
        memcpy(copy, a, sizeof(a));
        double at = (double)(n - 1) * q;
        double lo = naive_rank(a, n, (size_t)floor(at));
        double hi = naive_rank(a, n, (size_t)ceil(at));
        double expected = lo + (hi - lo) * (at - floor(at));
        double got = image_percentile(copy, n, q);
        assert_true(fabs(got - expected) < 1e-9);
        noticed += fabs(image_percentile(copy, n, q / 2) - expected) > 1e-9;
    }
    assert_true(noticed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_otsu_goldens),      cmocka_unit_test(test_otsu_oracle),
        cmocka_unit_test(test_otsu_extremes),     cmocka_unit_test(test_percentile_goldens),
        cmocka_unit_test(test_percentile_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

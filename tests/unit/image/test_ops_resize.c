/* SPDX-License-Identifier: Apache-2.0
 *
 * Bilinear and nearest resize: goldens of OpenCV, and a naive reading of vision.md A.1. */
#include "image/ops.h"

#include <math.h>

#include "support/pattern.h"

static void test_goldens(void **state)
{
    (void)state;
    static const struct {
        enum pattern kind;
        uint32_t seed;
        int w, h, channels, w_out, h_out;
        uint32_t linear, nearest;
    } rows[] = {
#include "data/ops/resize.inc"
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct image in =
            pattern_image(rows[i].kind, rows[i].seed, rows[i].w, rows[i].h, rows[i].channels);
        struct image out = plain_image(77, rows[i].w_out, rows[i].h_out, rows[i].channels);
        assert_ok(image_resize_bilinear(&in, &out, &e), &e);
        assert_int_equal(image_crc(&out), rows[i].linear);
        image_resize_nearest(&in, &out);
        assert_int_equal(image_crc(&out), rows[i].nearest);
        image_clear(&in);
        image_clear(&out);
    }
}

struct axis {
    int at, next; /* neighbours */
    long w0, w1;  /* 2048ths */
};

/* columns: the weight moves to the end pixel; rows: the neighbours are clamped. */
static struct axis naive_axis(int i, int n_in, int n_out, bool columns)
{
    float f = (float)((i + 0.5) * (1.0 / ((double)n_out / n_in)) - 0.5);
    int at = (int)floor(f);
    f -= (float)at;
    if (columns && (at < 0 || at >= n_in - 1)) {
        at = at < 0 ? 0 : n_in - 1;
        f = 0;
    }
    return (struct axis){DM_CLAMP(at, 0, n_in - 1), DM_CLAMP(at + 1, 0, n_in - 1),
                         (long)nearbyint((1.0F - f) * 2048), (long)nearbyint(f * 2048)};
}

/* rounding: what is added before the last shift; 2 is right, anything else is a planted fault. */
static void naive_resize(const struct image *in, struct image *out, long rounding)
{
    int ch = in->channels;
    bool half = in->w == 2 * out->w && in->h == 2 * out->h;
    for (int y = 0; y < out->h; y++) {
        struct axis v = naive_axis(y, in->h, out->h, false);
        for (int x = 0; x < out->w * ch; x++) {
            struct axis u = naive_axis(x / ch, in->w, out->w, true);
            int c = x % ch;
            const uint8_t *a = image_row(in, v.at);
            const uint8_t *b = image_row(in, v.next);
            long upper = a[u.at * ch + c] * u.w0 + a[u.next * ch + c] * u.w1;
            long lower = b[u.at * ch + c] * u.w0 + b[u.next * ch + c] * u.w1;
            long r = ((v.w0 * (upper >> 4) >> 16) + (v.w1 * (lower >> 4) >> 16) + rounding) >> 2;
            if (half) {
                const uint8_t *p = image_row(in, 2 * y) + 2 * (x / ch) * ch + c;
                const uint8_t *q = image_row(in, 2 * y + 1) + 2 * (x / ch) * ch + c;
                r = (p[0] + p[ch] + q[0] + q[ch] + rounding) >> 2;
            }
            image_row(out, y)[x] = (uint8_t)r;
        }
    }
}

/* A random size, now and then one that takes a special path. */
static void random_sizes(struct test_rng *rng, int *w, int *h, int *w_out, int *h_out)
{
    *w = 1 + (int)test_rng_below(rng, 70);
    *h = 1 + (int)test_rng_below(rng, 50);
    *w_out = 1 + (int)test_rng_below(rng, 90);
    *h_out = 1 + (int)test_rng_below(rng, 60);
    switch (test_rng_below(rng, 8)) {
    case 0:
        *w = 2 * *w_out;
        *h = 2 * *h_out;
        break;
    case 1:
        *w = *w_out;
        *h = *h_out;
        break;
    case 2:
        *w = 2 * *w_out; /* half in one direction only */
        break;
    default:
        break;
    }
}

static void test_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {.s = 1};
    size_t noticed = 0;
    for (uint32_t i = 0; i < 300; i++) {
        struct dm_err e = {0};
        int w, h, w_out, h_out;
        random_sizes(&rng, &w, &h, &w_out, &h_out);
        int channels = i % 2 ? 3 : 1;
        struct image in = pattern_image(PATTERN_NOISE, i, w, h, channels);
        struct image out = plain_image(0, w_out, h_out, channels);
        struct image naive = plain_image(1, w_out, h_out, channels);
        assert_ok(image_resize_bilinear(&in, &out, &e), &e);
        naive_resize(&in, &naive, 2);
        assert_int_equal(image_differences(&out, &naive), 0);
        naive_resize(&in, &naive, 1);
        noticed += image_differences(&out, &naive) > 0;
        image_clear(&in);
        image_clear(&out);
        image_clear(&naive);
    }
    assert_true(noticed > 200); /* the planted fault is seen wherever something is scaled */
}

/* Three channels take a vector path, one channel does not. */
static void test_channels_alone(void **state)
{
    (void)state;
    struct test_rng rng = {.s = 2};
    for (uint32_t i = 0; i < 60; i++) {
        struct dm_err e = {0};
        int w, h, w_out, h_out;
        random_sizes(&rng, &w, &h, &w_out, &h_out);
        struct image in = pattern_image(PATTERN_NOISE, i, w, h, 3);
        struct image out = plain_image(0, w_out, h_out, 3);
        struct image one = plain_image(0, w, h, 1);
        struct image one_out = plain_image(0, w_out, h_out, 1);
        assert_ok(image_resize_bilinear(&in, &out, &e), &e);
        for (int c = 0; c < 3; c++) {
            for (int k = 0; k < w * h; k++) {
                one.px[k] = in.px[3 * k + c];
            }
            assert_ok(image_resize_bilinear(&one, &one_out, &e), &e);
            for (int k = 0; k < w_out * h_out; k++) {
                assert_int_equal(one_out.px[k], out.px[3 * k + c]);
            }
        }
        image_clear(&in);
        image_clear(&out);
        image_clear(&one);
        image_clear(&one_out);
    }
}

/* Views on both sides: nothing outside is read into the result or written. */
static void test_views(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image photo = pattern_image(PATTERN_NOISE, 3, 90, 60, 3);
    struct image net = plain_image(114, 80, 80, 3);
    struct image in = image_view(&photo, (struct image_rect){7, 5, 40, 30});
    struct image out = image_view(&net, (struct image_rect){10, 20, 53, 41});
    assert_ok(image_resize_bilinear(&in, &out, &e), &e);
    struct image in_copy, out_copy;
    assert_ok(image_copy(&in, &in_copy, &e), &e);
    assert_ok(image_init(&out_copy, 53, 41, 3, &e), &e);
    assert_ok(image_resize_bilinear(&in_copy, &out_copy, &e), &e);
    assert_int_equal(image_differences(&out, &out_copy), 0);
    for (int y = 0; y < net.h; y++) {
        for (int x = 0; x < net.w; x++) {
            bool inside = x >= 10 && x < 63 && y >= 20 && y < 61;
            assert_true(inside || image_row(&net, y)[3 * x] == 114);
        }
    }
    image_clear(&photo);
    image_clear(&net);
    image_clear(&in_copy);
    image_clear(&out_copy);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct image in = pattern_image(PATTERN_NOISE, 3, 20, 20, 3);
    struct image out = plain_image(0, 31, 17, 3);
    assert_survives_no_memory(image_resize_bilinear(&in, &out, &e), (void)0);
    image_clear(&in);
    image_clear(&out);
}

/* rounding: half of the square is right, 0 a planted fault. */
static size_t average_faults(const struct image *in, const struct image *out, int k, int rounding)
{
    size_t faults = 0;
    for (int y = 0; y < out->h; y++) {
        for (int x = 0; x < out->w * 3; x++) {
            long sum = rounding;
            for (int i = 0; i < k * k; i++) {
                sum += image_row(in, y * k + i / k)[(x / 3 * k + i % k) * 3 + x % 3];
            }
            faults += image_row(out, y)[x] != sum / (k * k);
        }
    }
    return faults;
}

static void test_average(void **state)
{
    (void)state;
    static const struct {
        int w, h, k;
    } cases[] = {{40, 30, 1}, {41, 31, 2}, {100, 64, 7}, {513, 40, 8}, {70, 70, 70}, {5, 200, 5}};
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_err e = {0};
        int k = cases[i].k;
        struct image in = pattern_image(PATTERN_NOISE, (uint32_t)i, cases[i].w, cases[i].h, 3);
        struct image out = plain_image(77, cases[i].w / k, cases[i].h / k, 3);
        assert_ok(image_average(&in, k, &out, &e), &e);
        assert_int_equal(average_faults(&in, &out, k, k * k / 2), 0);
        assert_true(k < 2 || k > 8 || average_faults(&in, &out, k, 0) > 0);
        image_clear(&in);
        image_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_channels_alone), cmocka_unit_test(test_views),
        cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_average),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

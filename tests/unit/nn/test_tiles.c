/* SPDX-License-Identifier: Apache-2.0
 *
 * Every register tile of nn/avx512/kernels.def in every precision, alone: against sums in double,
 * with sources and weights in guarded blocks of their exact size.
 */
#include <math.h>
#include <string.h>

#include "guarded.h"
#include "nn/avx512/tile.h"
#include "nn/kernels.h"

static const struct {
    int pixels, columns;
} tiles[] = {
#define X(pixels, columns) {pixels, columns},
#include "nn/avx512/kernels.def"
#undef X
};

enum precision { P_F32, P_BF16, P_I8, P_MAX };

struct operands {
    enum precision p;
    int pixels, columns, runs, units;
    size_t pixel_bytes, run_bytes, src_bytes;
    unsigned char *src, *weight;
    void *init;
    float *scale, *bias;
};

/* Random operands: small integers for I8, numbers of a few bits else, so that sums are exact. */
static struct operands make(struct test_rng *r, enum precision p, int pixels, int columns)
{
    struct operands o = {.p = p,
                         .pixels = pixels,
                         .columns = columns,
                         .runs = 1 + (int)test_rng_below(r, 3),
                         .units = 1 + (int)test_rng_below(r, 9)};
    size_t lanes = 16 * (size_t)columns, units = (size_t)(o.runs * o.units);
    o.pixel_bytes = 4 * (1 + test_rng_below(r, 20));
    o.run_bytes = 4 * (1 + test_rng_below(r, 50));
    o.src_bytes = (size_t)(pixels - 1) * o.pixel_bytes + (size_t)(o.runs - 1) * o.run_bytes +
                  4 * (size_t)o.units;
    o.src = guarded_alloc(o.src_bytes, test_rng_below(r, 2));
    o.weight = guarded_alloc(units * lanes * 4, true);
    o.init = guarded_alloc(lanes * 4, true);
    o.scale = guarded_alloc(lanes * 4, true);
    o.bias = guarded_alloc(lanes * 4, true);
    size_t each = p == P_F32 ? 4 : p == P_BF16 ? 2 : 1;
    for (int side = 0; side < 2; side++) {
        unsigned char *to = side ? o.weight : o.src;
        size_t n = (side ? units * lanes * 4 : o.src_bytes) / each;
        for (size_t i = 0; i < n; i++) {
            float f = (float)((int)test_rng_below(r, 33) - 16) / 8;
            uint16_t half = nn_bf16_from_f32(f);
            to[i * each] = (unsigned char)test_rng_next(r);
            memcpy(to + i * each,
                   p == P_F32    ? (void *)&f
                   : p == P_BF16 ? (void *)&half
                                 : to + i,
                   each);
        }
    }
    for (size_t i = 0; i < lanes; i++) {
        float f = (float)((int)test_rng_below(r, 9) - 4);
        int32_t k = (int32_t)test_rng_below(r, 2000) - 1000;
        memcpy((char *)o.init + 4 * i, p == P_I8 ? (void *)&k : (void *)&f, 4);
        o.scale[i] = 1e-5f * (float)(1 + test_rng_below(r, 5));
        o.bias[i] = f / 4;
    }
    return o;
}

static void drop(struct operands *o)
{
    size_t lanes = 16 * (size_t)o->columns;
    guarded_free(o->src, o->src_bytes);
    guarded_free(o->weight, (size_t)(o->runs * o->units) * lanes * 4);
    guarded_free(o->init, lanes * 4);
    guarded_free(o->scale, lanes * 4);
    guarded_free(o->bias, lanes * 4);
}

/* One product: element e of unit. */
static double product(const struct operands *o, const unsigned char *a, const unsigned char *w,
                      size_t e)
{
    if (o->p == P_I8) {
        return (double)a[e] * (double)(int8_t)w[e];
    }
    float x, y;
    if (o->p == P_F32) {
        memcpy(&x, a, 4);
        memcpy(&y, w, 4);
    } else {
        uint16_t hx, hy;
        memcpy(&hx, a + 2 * e, 2);
        memcpy(&hy, w + 2 * e, 2);
        x = nn_bf16_to_f32(hx);
        y = nn_bf16_to_f32(hy);
    }
    return (double)x * (double)y;
}

static double sum_at(const struct operands *o, int pixel, int lane)
{
    size_t lanes = 16 * (size_t)o->columns, per = o->p == P_F32 ? 1 : o->p == P_BF16 ? 2 : 4;
    float f;
    int32_t k;
    memcpy(&f, (char *)o->init + 4 * (size_t)lane, 4);
    memcpy(&k, (char *)o->init + 4 * (size_t)lane, 4);
    double sum = o->p == P_I8 ? (double)k : (double)f;
    for (int run = 0; run < o->runs; run++) {
        for (int u = 0; u < o->units; u++) {
            const unsigned char *a = o->src + (size_t)pixel * o->pixel_bytes +
                                     (size_t)run * o->run_bytes + 4 * (size_t)u;
            const unsigned char *w =
                o->weight + 4 * ((size_t)(run * o->units + u) * lanes + (size_t)lane);
            for (size_t e = 0; e < per; e++) {
                sum += product(o, a, w, e);
            }
        }
    }
    return sum;
}

static struct tile_args args_of(const struct operands *o)
{
    return (struct tile_args){.src = (const char *)o->src,
                              .pixel_bytes = o->pixel_bytes,
                              .run_bytes = o->run_bytes,
                              .runs = o->runs,
                              .units = o->units,
                              .weight = (const char *)o->weight,
                              .init = o->init,
                              .scale = o->scale,
                              .bias = o->bias,
                              .dst_inverse = 100,
                              .dst_zero = 40};
}

/* Number of accumulators that are not the sum. */
static int wrong_sums(const struct operands *o, tile_fn fn)
{
    int lanes = 16 * o->columns, n = 0;
    size_t bytes = (size_t)o->pixels * (size_t)lanes * 4;
    float *acc = guarded_alloc(bytes, true);
    struct tile_args t = args_of(o);
    t.acc = acc;
    fn(&t);
    for (int i = 0; i < o->pixels; i++) {
        for (int l = 0; l < lanes; l++) {
            int32_t k;
            memcpy(&k, acc + i * lanes + l, 4);
            double got = o->p == P_I8 ? (double)k : (double)acc[i * lanes + l];
            n += !(fabs(got - sum_at(o, i, l)) <= 1e-4);
        }
    }
    guarded_free(acc, bytes);
    return n;
}

/* Number of results of a finishing tile that are not silu(sum). */
static int wrong_results(const struct operands *o, tile_fn fn)
{
    int lanes = 16 * o->columns, n = 0;
    size_t each = o->p == P_F32 ? 4 : o->p == P_BF16 ? 2 : 1, row = (size_t)lanes * each + 12;
    unsigned char *dst = guarded_alloc(row * (size_t)o->pixels, true);
    memset(dst, 0xff, row * (size_t)o->pixels);
    struct tile_args t = args_of(o);
    t.dst = (char *)dst;
    t.dst_bytes = row;
    fn(&t);
    for (int i = 0; i < o->pixels; i++) {
        for (int l = 0; l < lanes; l++) {
            const unsigned char *at = dst + (size_t)i * row + (size_t)l * each;
            double x = sum_at(o, i, l), got;
            if (o->p == P_I8) {
                x = x * (double)o->scale[l] + (double)o->bias[l];
            }
            x /= 1 + exp(-x);
            if (o->p == P_I8) {
                double q = 100 * x + 40;
                n += fabs(DM_CLAMP(q, 0, 255) - *at) > 0.52;
                continue;
            }
            float f;
            uint16_t half;
            memcpy(&half, at, 2);
            memcpy(&f, at, o->p == P_F32 ? 4 : 2);
            got = o->p == P_F32 ? (double)f : (double)nn_bf16_to_f32(half);
            n += !(fabs(got - x) <= (o->p == P_F32 ? 1e-6 : 1.0 / 250) * (fabs(x) + 1e-3));
        }
        for (size_t k = (size_t)lanes * each; k < row; k++) {
            n += dst[(size_t)i * row + k] != 0xff;
        }
    }
    guarded_free(dst, row * (size_t)o->pixels);
    return n;
}

static bool here(enum precision p)
{
    return nn_backend_avx512.supports(p == P_F32    ? NN_PRECISION_F32
                                      : p == P_BF16 ? NN_PRECISION_BF16
                                                    : NN_PRECISION_INT8);
}

static void test_tiles(void **state)
{
    enum precision p = *(const enum precision *)*state;
    tile_table *const table[] = {&tile_f32, &tile_bf16, &tile_i8};
    struct test_rng r = {.s = 21};
    if (!here(p)) {
        print_message("not on this processor\n");
        skip();
    }
    for (size_t i = 0; i < DM_COUNT(tiles); i++) {
        for (int n = 0; n < 3; n++) {
            struct operands o = make(&r, p, tiles[i].pixels, tiles[i].columns);
            int c = o.columns - 1, px = o.pixels - 1;
            int sums = wrong_sums(&o, (*table[p])[0][c][px]);
            int results = wrong_results(&o, (*table[p])[1][c][px]);
            if (sums || results) {
                fail_msg("tile %dx%d: %d sums, %d results wrong", o.pixels, o.columns, sums,
                         results);
            }
            drop(&o);
        }
    }
}

/* A tile of another shape, or one wrong weight, does not pass. */
static void test_check_notices(void **state)
{
    (void)state;
    struct test_rng r = {.s = 22};
    if (!here(P_F32)) {
        print_message("not on this processor\n");
        skip();
    }
    struct operands o = make(&r, P_F32, 6, 2);
    assert_int_equal(wrong_sums(&o, tile_f32[0][1][5]), 0);
    assert_true(wrong_sums(&o, tile_f32[0][1][4]) > 0);
    assert_true(wrong_results(&o, tile_f32[1][1][4]) > 0);
    struct operands other = o;
    float f = 77;
    other.weight = guarded_alloc((size_t)(o.runs * o.units) * 128, true);
    memcpy(other.weight, o.weight, (size_t)(o.runs * o.units) * 128);
    memcpy(other.weight, &f, 4);
    struct tile_args t = args_of(&other);
    float acc[6 * 32] __attribute__((aligned(64)));
    t.acc = acc;
    tile_f32[0][1][5](&t);
    int differ = 0;
    for (int i = 0; i < 6; i++) {
        differ += fabs((double)acc[i * 32] - sum_at(&o, i, 0)) > 1e-4;
    }
    assert_true(differ > 0);
    guarded_free(other.weight, (size_t)(o.runs * o.units) * 128);
    drop(&o);
}

/* Drivers cut rows into any number of pixels up to the largest: none may be missing. */
static void test_no_gaps(void **state)
{
    (void)state;
    for (int c = 1; c <= TILE_COLUMNS_MAX; c++) {
        assert_true(tile_pixels_max[c] * c <= TILE_PIXELS_MAX);
        for (int n = 1; n <= TILE_PIXELS_MAX; n++) {
            bool listed = false;
            for (size_t i = 0; i < DM_COUNT(tiles); i++) {
                listed = listed || (tiles[i].columns == c && tiles[i].pixels == n);
            }
            assert_int_equal(listed, n <= tile_pixels_max[c]);
        }
    }
}

int main(void)
{
    static enum precision p[P_MAX] = {P_F32, P_BF16, P_I8};
    const struct CMUnitTest tests[] = {
        {"tiles f32", test_tiles, NULL, NULL, &p[0]},
        {"tiles bf16", test_tiles, NULL, NULL, &p[1]},
        {"tiles int8", test_tiles, NULL, NULL, &p[2]},
        cmocka_unit_test(test_check_notices),
        cmocka_unit_test(test_no_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Step kernels: every set (plain, AVX-512) against what each kernel means, worked out here in
 * double from the stored bits, on strided views of every type. */
#include "base/arith.h"
#include "conv_cases.h"
#include "nn/kernels_impl.h"

static const enum nn_dtype types[] = {NN_F32, NN_BF16, NN_U8};

/* The sets this processor runs, NULL-ended. */
static const struct nn_kernel_set *const *sets(void)
{
    static const struct nn_kernel_set *all[] = {&nn_kernels_plain, &nn_kernels_avx512, NULL};
    if (!nn_backend_avx512.supports(NN_PRECISION_F32)) {
        all[1] = NULL;
    }
    return all;
}

struct buffer {
    struct nn_view v;
    void *block;
    size_t bytes;
};

static struct buffer make(struct test_rng *r, int h, int w, int c, enum nn_dtype t)
{
    struct buffer b = {.v = {.dtype = t,
                             .h = h,
                             .w = w,
                             .c = c,
                             .scale = 0.01f + 0.05f * (float)test_rng_unit(r),
                             .zero = (int)test_rng_below(r, 256)}};
    b.block = case_view(r, &b.v, test_rng_below(r, 3) == 0, &b.bytes);
    case_fill(r, &b.v);
    return b;
}

/* Real number of an element, from its bits. */
static double real(const struct nn_view *v, int y, int x, int c)
{
    size_t i = ((size_t)y * (size_t)v->w + (size_t)x) * v->step + (size_t)c;
    if (v->dtype == NN_U8) {
        return (double)v->scale * (((const uint8_t *)v->data)[i] - v->zero);
    }
    float f;
    if (v->dtype == NN_F32) {
        memcpy(&f, (const char *)v->data + 4 * i, 4);
    } else {
        uint16_t half;
        memcpy(&half, (const char *)v->data + 2 * i, 2);
        uint32_t u = (uint32_t)half << 16;
        memcpy(&f, &u, 4);
    }
    return (double)f;
}

/* got holds want as well as its type can: half a step away, or clamped at the end of its range.
 * size: of the operands, whose F32 rounding remains when they cancel. */
static bool holds(const struct nn_view *v, double got, double want, double size)
{
    double slack = 1e-6 * size + 1e-12;
    if (v->dtype == NN_U8) {
        double lo = -(double)v->scale * v->zero, hi = (double)v->scale * (255 - v->zero);
        want = DM_CLAMP(want, lo, hi);
        return fabs(got - want) <= 0.5 * (double)v->scale + slack;
    }
    return fabs(got - want) <= slack + (v->dtype == NN_BF16 ? fabs(want) / 256 : 0);
}

/* ---- copy, add, upsample ---- */

enum simple { COPY, ADD, UPSAMPLE };

static void run_simple(const struct nn_kernel_set *s, enum simple what, const struct nn_view *a,
                       const struct nn_view *b, const struct nn_view *dst)
{
    if (what == COPY) {
        s->copy(a, dst);
    } else if (what == ADD) {
        s->add(a, b, dst);
    } else {
        s->upsample2(a, dst);
    }
}

/* Number of elements that are not what the kernel means. */
static int wrong(enum simple what, const struct nn_view *a, const struct nn_view *b,
                 const struct nn_view *dst)
{
    int n = 0;
    for (int y = 0; y < dst->h; y++) {
        for (int x = 0; x < dst->w; x++) {
            for (int c = 0; c < dst->c; c++) {
                double want = what == UPSAMPLE ? real(a, y / 2, x / 2, c) : real(a, y, x, c);
                double more = what == ADD ? real(b, y, x, c) : 0;
                n += !holds(dst, real(dst, y, x, c), want + more, fabs(want) + fabs(more));
            }
        }
    }
    return n;
}

static void test_simple(void **state)
{
    (void)state;
    struct test_rng r = {.s = 5};
    for (int n = 0; n < 300; n++) {
        enum simple what = (enum simple)(n % 3);
        int h = 1 + (int)test_rng_below(&r, 6), w = 1 + (int)test_rng_below(&r, 7);
        int c = 1 + (int)test_rng_below(&r, 150), f = what == UPSAMPLE ? 2 : 1;
        struct buffer a = make(&r, h, w, c, types[test_rng_below(&r, 3)]);
        struct buffer b = make(&r, h, w, c, types[test_rng_below(&r, 3)]);
        struct buffer dst = make(&r, f * h, f * w, c, types[test_rng_below(&r, 3)]);
        if (test_rng_below(&r, 2)) { /* the same format: bytes are moved */
            dst.v.scale = a.v.scale;
            dst.v.zero = a.v.zero;
        }
        for (const struct nn_kernel_set *const *s = sets(); *s; s++) {
            case_fill(&r, &dst.v);
            run_simple(*s, what, &a.v, &b.v, &dst.v);
            assert_int_equal(wrong(what, &a.v, &b.v, &dst.v), 0);
            assert_true(case_untouched(&dst.v, dst.block, dst.bytes));
        }
        if (what == ADD && a.v.dtype == dst.v.dtype) { /* in place */
            struct nn_view at = a.v;
            struct buffer old = make(&r, h, w, c, NN_F32);
            nn_kernels_plain.copy(&a.v, &old.v);
            nn_add(&a.v, &b.v, &at);
            assert_int_equal(wrong(ADD, &old.v, &b.v, &at), 0);
            guarded_free(old.block, old.bytes);
        }
        guarded_free(a.block, a.bytes);
        guarded_free(b.block, b.bytes);
        guarded_free(dst.block, dst.bytes);
    }
}

/* The check notices a shifted picture, another addend and a value one step off. */
static void test_simple_check_notices(void **state)
{
    (void)state;
    struct test_rng r = {.s = 6};
    for (int t = 0; t < 3; t++) {
        struct buffer a = make(&r, 4, 4, 20, types[t]), b = make(&r, 4, 4, 20, types[t]);
        struct buffer dst = make(&r, 4, 4, 20, types[t]);
        b.v.scale = dst.v.scale = a.v.scale = 0.04f;
        b.v.zero = dst.v.zero = a.v.zero = 128;
        case_fill(&r, &a.v);
        nn_copy(&a.v, &dst.v);
        assert_int_equal(wrong(COPY, &a.v, &b.v, &dst.v), 0);
        assert_true(wrong(ADD, &a.v, &b.v, &dst.v) > 0);
        nn_element_store(&dst.v, 3, nn_element_load(&dst.v, 3) * 1.02f + 0.04f);
        assert_int_equal(wrong(COPY, &a.v, &b.v, &dst.v), 1);
        guarded_free(a.block, a.bytes);
        guarded_free(b.block, b.bytes);
        guarded_free(dst.block, dst.bytes);
    }
}

/* ---- max pooling ---- */

static int wrong_pool(const struct nn_view *src, int k, const struct nn_view *dst)
{
    int n = 0, reach = k / 2;
    for (int y = 0; y < src->h; y++) {
        for (int x = 0; x < src->w; x++) {
            for (int c = 0; c < src->c; c++) {
                double max = -INFINITY;
                for (int i = -reach; i <= reach; i++) {
                    for (int j = -reach; j <= reach; j++) {
                        if (y + i >= 0 && y + i < src->h && x + j >= 0 && x + j < src->w) {
                            max = fmax(max, real(src, y + i, x + j, c));
                        }
                    }
                }
                n += !holds(dst, real(dst, y, x, c), max, fabs(max));
            }
        }
    }
    return n;
}

static void test_max_pool(void **state)
{
    (void)state;
    struct test_rng r = {.s = 8};
    for (int n = 0; n < 60; n++) {
        int h = 1 + (int)test_rng_below(&r, 9), w = 1 + (int)test_rng_below(&r, 9);
        int c = 1 + (int)test_rng_below(&r, 140), k = 3 + 2 * (int)test_rng_below(&r, 3);
        struct buffer src = make(&r, h, w, c, types[n % 3]);
        struct buffer dst = make(&r, h, w, c, types[n % 5 == 4 ? 0 : n % 3]);
        if (n % 4) {
            dst.v.scale = src.v.scale;
            dst.v.zero = src.v.zero;
        }
        for (const struct nn_kernel_set *const *s = sets(); *s; s++) {
            void *scratch = dm_alloc_aligned((*s)->max_pool_scratch(&src.v, k) + 64);
            assert_non_null(scratch);
            case_fill(&r, &dst.v);
            (*s)->max_pool(&src.v, k, &dst.v, scratch);
            assert_int_equal(wrong_pool(&src.v, k, &dst.v), 0);
            assert_true(case_untouched(&dst.v, dst.block, dst.bytes));
            if (h > 3 && w > 3 && src.v.dtype != NN_U8) {
                assert_true(wrong_pool(&src.v, k - 2, &dst.v) > 0); /* another window shows */
            }
            dm_free(scratch);
        }
        guarded_free(src.block, src.bytes);
        guarded_free(dst.block, dst.bytes);
    }
}

/* ---- attention ---- */

/* vision.md 2.3, head by head, in double; drop: leave this token out (a planted fault). */
static void attention_oracle(const struct nn_attention_desc *d, const struct nn_view *qkv, int drop,
                             double *want)
{
    int n = d->h * d->w, each = 2 * d->key_c + d->value_c;
    double *weight = dm_calloc((size_t)n, sizeof(double));
    assert_non_null(weight);
    for (int head = 0; head < d->heads; head++) {
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                double s = 0;
                for (int c = 0; c < d->key_c; c++) {
                    s += real(qkv, i / d->w, i % d->w, head * each + c) *
                         real(qkv, j / d->w, j % d->w, head * each + d->key_c + c);
                }
                weight[j] = j == drop ? 0 : exp(s * (double)d->scale);
                sum += weight[j];
            }
            for (int c = 0; c < d->value_c; c++) {
                double out = 0;
                for (int j = 0; j < n; j++) {
                    out +=
                        weight[j] * real(qkv, j / d->w, j % d->w, head * each + 2 * d->key_c + c);
                }
                want[(i * d->heads + head) * d->value_c + c] = out / sum;
            }
        }
    }
    dm_free(weight);
}

static double attention_nmse(const struct nn_attention_desc *d, const struct nn_view *dst,
                             const double *want)
{
    double num = 0, den = 1e-30;
    for (int i = 0; i < d->h * d->w; i++) {
        for (int c = 0; c < d->heads * d->value_c; c++) {
            double w = want[i * d->heads * d->value_c + c];
            double diff = real(dst, i / d->w, i % d->w, c) - w;
            num += isnan(diff) ? INFINITY : diff * diff;
            den += w * w;
        }
    }
    return num / den;
}

static void check_attention(struct test_rng *r, const struct nn_attention_desc *d)
{
    struct buffer qkv = make(r, d->h, d->w, d->heads * (2 * d->key_c + d->value_c), d->dtype);
    struct buffer dst = make(r, d->h, d->w, d->heads * d->value_c, d->dtype);
    size_t n = (size_t)(d->h * d->w);
    double *want = dm_calloc(n * (size_t)(d->heads * d->value_c), sizeof(double));
    assert_non_null(want);
    double bound = d->dtype == NN_F32 ? 1e-10 : 2e-5;
    for (const struct nn_kernel_set *const *s = sets(); *s; s++) {
        size_t bytes = dm_align_up((*s)->attention_scratch(d), 64);
        void *scratch = guarded_alloc(bytes, true);
        memset(scratch, 0xff, bytes);
        (*s)->attention(d, &qkv.v, &dst.v, scratch);
        attention_oracle(d, &qkv.v, -1, want);
        double nmse = attention_nmse(d, &dst.v, want);
        if (!(nmse < bound)) {
            fail_msg("%s: %dx%d, %d heads of %d, %d: nmse %g", (*s)->name, d->h, d->w, d->heads,
                     d->key_c, d->value_c, nmse);
        }
        if (n > 1 && n < 100 && d->scale <= 1) { /* a lost token shows */
            attention_oracle(d, &qkv.v, (int)n - 1, want);
            assert_true(attention_nmse(d, &dst.v, want) > bound);
        }
        assert_true(case_untouched(&dst.v, dst.block, dst.bytes));
        guarded_free(scratch, bytes);
    }
    dm_free(want);
    guarded_free(qkv.block, qkv.bytes);
    guarded_free(dst.block, dst.bytes);
}

static void test_attention(void **state)
{
    (void)state;
    struct test_rng r = {.s = 9};
    static const struct {
        int h, w, heads, key, value;
    } shapes[] = {
        {20, 10, 1, 32, 64}, {1, 1, 1, 32, 64}, {3, 5, 2, 32, 64},  {7, 9, 1, 8, 16},
        {5, 5, 3, 5, 7},     {4, 8, 1, 1, 1},   {6, 11, 2, 16, 33}, {2, 7, 1, 33, 96},
    };
    for (size_t i = 0; i < DM_COUNT(shapes); i++) {
        for (int t = 0; t < 2; t++) {
            struct nn_attention_desc d = {.h = shapes[i].h,
                                          .w = shapes[i].w,
                                          .heads = shapes[i].heads,
                                          .key_c = shapes[i].key,
                                          .value_c = shapes[i].value,
                                          .scale = 1.0f / sqrtf((float)shapes[i].key),
                                          .dtype = types[t]};
            check_attention(&r, &d);
        }
    }
}

/* Scores of hundreds, as a network that is sure of itself has: no overflow, one weight is 1. */
static void test_attention_is_stable(void **state)
{
    (void)state;
    struct test_rng r = {.s = 10};
    struct nn_attention_desc d = {
        .h = 6, .w = 6, .heads = 1, .key_c = 32, .value_c = 64, .scale = 20.0f, .dtype = NN_F32};
    check_attention(&r, &d);
}

/* The door picks a set and agrees with the plain one. */
static void test_door(void **state)
{
    (void)state;
    struct test_rng r = {.s = 11};
    struct buffer a = make(&r, 3, 3, 40, NN_BF16), b = make(&r, 3, 3, 40, NN_BF16);
    struct buffer up = make(&r, 6, 6, 40, NN_BF16);
    nn_copy(&a.v, &b.v);
    assert_int_equal(wrong(COPY, &a.v, &a.v, &b.v), 0);
    nn_upsample2(&a.v, &up.v);
    assert_int_equal(wrong(UPSAMPLE, &a.v, &a.v, &up.v), 0);
    void *scratch = dm_alloc_aligned(nn_max_pool_scratch(&a.v, 5) + 64);
    nn_max_pool(&a.v, 5, &b.v, scratch);
    assert_int_equal(wrong_pool(&a.v, 5, &b.v), 0);
    dm_free(scratch);
    struct nn_attention_desc d = {
        .h = 3, .w = 3, .heads = 1, .key_c = 10, .value_c = 20, .scale = 0.3f, .dtype = NN_BF16};
    struct buffer out = make(&r, 3, 3, 20, NN_BF16);
    double want[9 * 20];
    scratch = dm_alloc_aligned(nn_attention_scratch(&d) + 64);
    nn_attention(&d, &a.v, &out.v, scratch);
    attention_oracle(&d, &a.v, -1, want);
    assert_true(attention_nmse(&d, &out.v, want) < 2e-5);
    dm_free(scratch);
    guarded_free(a.block, a.bytes);
    guarded_free(b.block, b.bytes);
    guarded_free(up.block, up.bytes);
    guarded_free(out.block, out.bytes);
}

static void test_bf16_rounding(void **state)
{
    (void)state;
    static const struct {
        float in;
        uint16_t out;
    } row[] = {
        {1.0f, 0x3f80},
        {0x1.01p0f, 0x3f80},
        {0x1.03p0f, 0x3f82},
        {0x1.010002p0f, 0x3f81},
        {-0x1.03p0f, 0xbf82},
        {0x1.fffffep127f, 0x7f80},
        {0.0f, 0},
        {-0.0f, 0x8000},
    };
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        assert_int_equal(nn_bf16_from_f32(row[i].in), row[i].out);
    }
    assert_true(isnan(nn_bf16_to_f32(nn_bf16_from_f32(NAN))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_simple_check_notices),
        cmocka_unit_test(test_max_pool),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_attention_is_stable),
        cmocka_unit_test(test_door),
        cmocka_unit_test(test_bf16_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

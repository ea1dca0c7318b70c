/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution back ends. The reference is held against a scatter-form convolution written here and
 * against numbers worked out by hand; every other back end against the reference. */
#include "conv_cases.h"

/* ---- the oracle of the oracle ---- */

/* Adds the part of source pixel (y, x), channel i to every result it reaches: the transposition of
 * the gather loop in nn/ref/conv.c. sum [out_h * out_w * out_c]. */
static void scatter(const struct conv_case *k, int y, int x, int i, double v, double *sum)
{
    const struct nn_conv_desc *d = &k->d;
    int side = d->kernel;
    for (int tap = 0; tap < side * side; tap++) {
        int ty = tap / side, tx = tap % side;
        int oy = d->transposed ? 2 * y + ty : y + d->pad - ty;
        int ox = d->transposed ? 2 * x + tx : x + d->pad - tx;
        if (!d->transposed && (oy % d->stride != 0 || ox % d->stride != 0)) {
            continue;
        }
        oy /= d->transposed ? 1 : d->stride;
        ox /= d->transposed ? 1 : d->stride;
        if (oy < 0 || ox < 0 || oy >= k->dst.h || ox >= k->dst.w) {
            continue;
        }
        for (int o = d->depthwise ? i : 0; o < (d->depthwise ? i + 1 : d->out_c); o++) {
            double w = (double)(d->transposed  ? d->weight[((i * d->out_c + o) * 2 + ty) * 2 + tx]
                                : d->depthwise ? d->weight[o * side * side + tap]
                                               : d->weight[(o * d->in_c + i) * side * side + tap]);
            sum[(oy * k->dst.w + ox) * d->out_c + o] += v * w;
        }
    }
}

static void oracle(const struct conv_case *k, struct nn_view *want)
{
    const struct nn_conv_desc *d = &k->d;
    double *sum = dm_calloc((size_t)(k->dst.h * k->dst.w * d->out_c), sizeof(double));
    assert_non_null(sum);
    for (int p = 0; p < d->in_h * d->in_w; p++) {
        for (int i = 0; i < d->in_c; i++) {
            double v = (double)nn_element_load(&k->src, (size_t)p * k->src.step + (size_t)i);
            scatter(k, p / d->in_w, p % d->in_w, i, v, sum);
        }
    }
    for (int p = 0; p < k->dst.h * k->dst.w; p++) {
        for (int o = 0; o < d->out_c; o++) {
            double v = sum[p * d->out_c + o] + (double)d->bias[o];
            v *= d->silu ? 1.0 / (1.0 + exp(-v)) : 1.0;
            if (d->residual) {
                v +=
                    (double)nn_element_load(&k->residual, (size_t)p * k->residual.step + (size_t)o);
            }
            nn_element_store(want, (size_t)p * want->step + (size_t)o, (float)v);
        }
    }
    dm_free(sum);
}

static void run(const struct nn_backend *b, const struct conv_case *k, const struct nn_view *dst)
{
    struct dm_err e = {0};
    struct nn_conv *c = NULL;
    assert_ok(b->conv_new(&k->d, &c, &e), &e);
    size_t bytes = b->conv_scratch ? b->conv_scratch(c) : 0;
    assert_int_equal(bytes % 64, 0);
    void *scratch = guarded_alloc(bytes, true);
    memset(scratch, 0xff, bytes);
    const struct nn_view *residual = k->d.residual ? &k->residual : NULL;
    int cut = b->whole ? dst->h : dst->h / 3; /* two calls, as two threads would make */
    if (cut > 0) {
        b->conv_run(c, &k->src, residual, dst, 0, cut, scratch);
    }
    if (cut < dst->h) {
        b->conv_run(c, &k->src, residual, dst, cut, dst->h, scratch);
    }
    guarded_free(scratch, bytes);
    b->conv_free(c);
}

/* Largest NMSE allowed between two results of these types. The weights of the compute type are
 * rounded (2^-9 relative for BF16, 1/254 of the largest for I8); the oracle's are not. */
static double bound(const struct nn_conv_desc *d)
{
    double rounding = d->compute == NN_I8 ? 1e-3 : d->compute == NN_BF16 ? 2e-5 : 1e-12;
    return rounding + (d->dst == NN_BF16 ? 1e-5 : d->dst == NN_U8 ? 1e-3 : 0);
}

static const struct {
    enum nn_dtype src, compute, dst;
} types[] = {
    {NN_F32, NN_F32, NN_F32},  {NN_U8, NN_F32, NN_F32},    {NN_BF16, NN_BF16, NN_BF16},
    {NN_U8, NN_BF16, NN_BF16}, {NN_BF16, NN_BF16, NN_F32}, {NN_BF16, NN_BF16, NN_U8},
    {NN_U8, NN_I8, NN_U8},     {NN_U8, NN_I8, NN_BF16},    {NN_U8, NN_I8, NN_F32},
    {NN_F32, NN_BF16, NN_F32}, {NN_BF16, NN_F32, NN_F32},
};

static void test_ref_is_a_convolution(void **state)
{
    (void)state;
    static struct conv_case k;
    struct test_rng r = {.s = 20260101};
    for (int n = 0; n < 220; n++) {
        size_t t = (size_t)n % DM_COUNT(types);
        struct nn_conv_desc d = case_random(&r, types[t].src, types[t].compute, types[t].dst);
        d.in_c = DM_MIN(d.in_c, 33);
        d.out_c = d.depthwise ? d.in_c : DM_MIN(d.out_c, 33);
        case_make(&r, &d, &k);
        run(&nn_backend_ref, &k, &k.dst);
        oracle(&k, &k.want);
        double largest, nmse = case_nmse(&k.dst, &k.want, &largest);
        if (!(nmse <= bound(&d)) || !case_untouched(&k.dst, k.block[2], k.bytes[2])) {
            fail_msg("case %d: %dx%dx%d to %d, k%d s%d p%d: nmse %g", n, d.in_h, d.in_w, d.in_c,
                     d.out_c, d.kernel, d.stride, d.pad, nmse);
        }
        case_free(&k);
    }
}

/* 2x2 image, one channel, 3x3 kernel 1..9, pad 1, by hand: top left result is
 * 5*1 + 6*2 + 8*3 + 9*4 = 77. */
static void test_ref_by_hand(void **state)
{
    (void)state;
    float px[4] = {1, 2, 3, 4}, w[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, out[4], bias = 0.5f;
    struct nn_conv_desc d = {.in_h = 2,
                             .in_w = 2,
                             .in_c = 1,
                             .out_c = 1,
                             .kernel = 3,
                             .stride = 1,
                             .pad = 1,
                             .src = NN_F32,
                             .dst = NN_F32,
                             .compute = NN_F32,
                             .weight = w,
                             .bias = &bias};
    struct nn_view src = {px, NN_F32, 2, 2, 1, 1, 0, 0}, dst = {out, NN_F32, 2, 2, 1, 1, 0, 0};
    struct nn_conv *c = NULL;
    struct dm_err e = {0};
    assert_ok(nn_backend_ref.conv_new(&d, &c, &e), &e);
    double acc[8];
    nn_backend_ref.conv_run(c, &src, NULL, &dst, 0, 2, acc);
    nn_backend_ref.conv_free(c);
    const float want[4] = {77.5f, 67.5f, 47.5f, 37.5f};
    assert_memory_equal(out, want, sizeof(want));
}

/* int8 by hand: weights 127 and -1 of scale 1/127; source 10 and 20 around zero 5, scale 0.5:
 * sum = (5 * 127 - 15) * 0.5 / 127 = 2.4409; / 0.1 = 24.4, + 7 = 31. */
static void test_ref_int8_by_hand(void **state)
{
    (void)state;
    uint8_t px[2] = {10, 20}, out = 0;
    float w[2] = {1.0f, -1.0f / 127};
    struct nn_conv_desc d = {.in_h = 1,
                             .in_w = 1,
                             .in_c = 2,
                             .out_c = 1,
                             .kernel = 1,
                             .stride = 1,
                             .src = NN_U8,
                             .dst = NN_U8,
                             .compute = NN_I8,
                             .src_scale = 0.5f,
                             .src_zero = 5,
                             .dst_scale = 0.1f,
                             .dst_zero = 7,
                             .weight = w};
    struct nn_view src = {px, NN_U8, 1, 1, 2, 2, 0.5f, 5}, dst = {&out, NN_U8, 1, 1, 1, 1, 0.1f, 7};
    struct nn_conv *c = NULL;
    struct dm_err e = {0};
    assert_ok(nn_backend_ref.conv_new(&d, &c, &e), &e);
    double acc[8];
    nn_backend_ref.conv_run(c, &src, NULL, &dst, 0, 1, acc);
    nn_backend_ref.conv_free(c);
    assert_int_equal(out, 31);
}

/* The comparison notices one wrong weight, one shifted tap and a lost residual. */
static void test_comparison_notices_faults(void **state)
{
    (void)state;
    static struct conv_case k;
    struct test_rng r = {.s = 7};
    struct nn_conv_desc d = {.in_h = 9,
                             .in_w = 11,
                             .in_c = 16,
                             .out_c = 24,
                             .kernel = 3,
                             .stride = 1,
                             .pad = 1,
                             .silu = true,
                             .residual = true,
                             .src = NN_F32,
                             .dst = NN_F32,
                             .compute = NN_F32};
    case_make(&r, &d, &k);
    double largest;
    oracle(&k, &k.want);
    run(&nn_backend_ref, &k, &k.dst);
    assert_true(case_nmse(&k.dst, &k.want, &largest) < bound(&d));
    k.weight[100] += 0.01f;
    run(&nn_backend_ref, &k, &k.dst);
    assert_true(case_nmse(&k.dst, &k.want, &largest) > bound(&d));
    k.weight[100] -= 0.01f;
    float first = k.weight[0];
    memmove(k.weight, k.weight + 1, 8 * sizeof(float));
    run(&nn_backend_ref, &k, &k.dst);
    assert_true(case_nmse(&k.dst, &k.want, &largest) > bound(&d));
    memmove(k.weight + 1, k.weight, 8 * sizeof(float));
    k.weight[0] = first;
    k.d.residual = false;
    run(&nn_backend_ref, &k, &k.dst);
    assert_true(case_nmse(&k.dst, &k.want, &largest) > bound(&d));
    ((float *)k.block[2])[0] = k.dst.step > (size_t)k.dst.c ? 1.0f : 0.0f;
    assert_true(k.dst.step == (size_t)k.dst.c || k.dst.data == k.block[2] ||
                !case_untouched(&k.dst, k.block[2], k.bytes[2]));
    case_free(&k);
}

/* ---- other back ends against the reference ---- */

/* Only the order of sums, the SiLU polynomial and the last rounding differ. */
static void agrees(const struct nn_backend *b, const struct conv_case *k, const char *what)
{
    const struct nn_conv_desc *d = &k->d;
    run(b, k, &k->dst);
    run(&nn_backend_ref, k, &k->want);
    double largest, nmse = case_nmse(&k->dst, &k->want, &largest);
    double most = d->dst == NN_F32 && !d->silu ? 1e-12
                  : d->dst == NN_F32           ? 1e-11
                  : d->dst == NN_BF16          ? 2e-6
                                               : 1.0;
    bool steps = d->dst != NN_U8 || largest < 1.01 * (double)d->dst_scale;
    if (!(nmse <= most) || !steps || !case_untouched(&k->dst, k->block[2], k->bytes[2])) {
        fail_msg("%s: %s %dx%dx%d to %d, k%d s%d p%d%s%s%s%s, types %d %d %d: nmse %g, largest %g",
                 b->name, what, d->in_h, d->in_w, d->in_c, d->out_c, d->kernel, d->stride, d->pad,
                 d->depthwise ? " depthwise" : "", d->transposed ? " transposed" : "",
                 d->silu ? " silu" : "", d->residual ? " residual" : "", d->src, d->compute, d->dst,
                 nmse, largest);
    }
}

/* No planner asks for a depthwise convolution that rounds its source: the avx512 back end has none.
 */
static bool takes(const struct nn_backend *b, const struct nn_conv_desc *d)
{
    if (d->depthwise && d->src == NN_F32 && d->compute == NN_BF16) {
        struct nn_conv *c = NULL;
        struct dm_err e = {0};
        assert_int_equal(b->conv_new(d, &c, &e), DM_EUNSUPPORTED);
        return false;
    }
    return b->supports(d->compute == NN_F32    ? NN_PRECISION_F32
                       : d->compute == NN_BF16 ? NN_PRECISION_BF16
                                               : NN_PRECISION_INT8);
}

static void test_avx512_random(void **state)
{
    (void)state;
    static struct conv_case k;
    struct test_rng r = {.s = 20260102};
    if (!nn_backend_avx512.supports(NN_PRECISION_F32)) {
        print_message("no AVX-512 here\n");
        skip();
    }
    for (int n = 0; n < 660; n++) {
        size_t t = (size_t)n % DM_COUNT(types);
        struct nn_conv_desc d = case_random(&r, types[t].src, types[t].compute, types[t].dst);
        if (!takes(&nn_backend_avx512, &d)) {
            continue;
        }
        case_make(&r, &d, &k);
        agrees(&nn_backend_avx512, &k, "random");
        case_free(&k);
    }
}

/* Layers as they are in YOLO11, small: what random sizes seldom hit. */
static void test_avx512_layers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int h, w, in_c, out_c, kernel, stride;
        bool depthwise, transposed, silu, residual;
    } layer[] = {
        {"image", 32, 64, 3, 16, 3, 2, 0, 0, 1, 0},
        {"wide image", 6, 640, 3, 16, 3, 2, 0, 0, 1, 0},
        {"narrow", 8, 160, 16, 8, 3, 1, 0, 0, 1, 0},
        {"narrow back", 8, 160, 8, 16, 3, 1, 0, 0, 1, 1},
        {"down", 20, 20, 64, 128, 3, 2, 0, 0, 1, 0},
        {"head", 20, 20, 80, 80, 1, 1, 0, 0, 1, 0},
        {"one class", 20, 20, 64, 1, 1, 1, 0, 0, 0, 0},
        {"two classes", 40, 40, 64, 2, 1, 1, 0, 0, 0, 0},
        {"depthwise", 20, 20, 128, 128, 3, 1, 1, 0, 1, 0},
        {"position", 20, 20, 128, 128, 3, 1, 1, 0, 0, 1},
        {"prototypes", 20, 20, 64, 64, 2, 2, 0, 1, 0, 0},
        {"many weights", 4, 12, 96, 136, 3, 1, 0, 0, 1, 1},
        {"more weights than L2", 2, 30, 512, 256, 1, 1, 0, 0, 1, 1},
        {"single pixel", 1, 1, 32, 32, 3, 1, 0, 0, 1, 0},
        {"one row", 1, 40, 32, 32, 3, 1, 0, 0, 1, 0},
    };
    static struct conv_case k;
    struct test_rng r = {.s = 3};
    if (!nn_backend_avx512.supports(NN_PRECISION_F32)) {
        print_message("no AVX-512 here\n");
        skip();
    }
    for (size_t i = 0; i < DM_COUNT(layer); i++) {
        for (size_t t = 0; t < DM_COUNT(types); t++) {
            struct nn_conv_desc d = {.in_h = layer[i].h,
                                     .in_w = layer[i].w,
                                     .in_c = layer[i].in_c,
                                     .out_c = layer[i].out_c,
                                     .kernel = layer[i].kernel,
                                     .stride = layer[i].stride,
                                     .pad = layer[i].kernel == 3,
                                     .depthwise = layer[i].depthwise,
                                     .transposed = layer[i].transposed,
                                     .silu = layer[i].silu,
                                     .residual = layer[i].residual,
                                     .src = types[t].src,
                                     .compute = types[t].compute,
                                     .dst = types[t].dst};
            if (takes(&nn_backend_avx512, &d)) {
                case_make(&r, &d, &k);
                agrees(&nn_backend_avx512, &k, layer[i].name);
                case_free(&k);
            }
        }
    }
}

/* Residual and result in one buffer. */
static void test_avx512_in_place(void **state)
{
    (void)state;
    static struct conv_case k;
    struct test_rng r = {.s = 11};
    if (!nn_backend_avx512.supports(NN_PRECISION_F32)) {
        print_message("no AVX-512 here\n");
        skip();
    }
    struct nn_conv_desc d = {.in_h = 21,
                             .in_w = 37,
                             .in_c = 24,
                             .out_c = 40,
                             .kernel = 3,
                             .stride = 1,
                             .pad = 1,
                             .silu = true,
                             .residual = true,
                             .src = NN_F32,
                             .dst = NN_F32,
                             .compute = NN_F32};
    case_make(&r, &d, &k);
    run(&nn_backend_ref, &k, &k.want);
    nn_copy(&k.residual, &k.dst);
    k.residual = k.dst;
    run(&nn_backend_avx512, &k, &k.dst);
    double largest;
    assert_true(case_nmse(&k.dst, &k.want, &largest) < 1e-11);
    case_free(&k);
}

static void test_bad_descriptions_are_refused(void **state)
{
    (void)state;
    float w[64] = {0};
    const struct nn_conv_desc good = {.in_h = 4,
                                      .in_w = 4,
                                      .in_c = 2,
                                      .out_c = 2,
                                      .kernel = 3,
                                      .stride = 1,
                                      .pad = 1,
                                      .src = NN_F32,
                                      .dst = NN_F32,
                                      .compute = NN_F32,
                                      .weight = w};
    struct nn_conv_desc bad[] = {good, good, good, good, good, good, good};
    bad[0].kernel = 0;
    bad[1].stride = 0;
    bad[2].pad = 3;
    bad[3].src = NN_I64;
    bad[4].compute = NN_I8; /* of an F32 source */
    bad[5].depthwise = true, bad[5].out_c = 1;
    bad[6].in_h = 0;
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct nn_conv *c = NULL;
        struct dm_err e = {0};
        assert_int_equal(nn_backend_ref.conv_new(&bad[i], &c, &e), DM_EUNSUPPORTED);
        assert_int_equal(nn_backend_avx512.conv_new(&bad[i], &c, &e), DM_EUNSUPPORTED);
        assert_null(c);
    }
    nn_backend_ref.conv_free(NULL);
    nn_backend_avx512.conv_free(NULL);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    float w[64] = {0};
    struct nn_conv_desc d = {.in_h = 4,
                             .in_w = 4,
                             .in_c = 2,
                             .out_c = 2,
                             .kernel = 3,
                             .stride = 1,
                             .pad = 1,
                             .src = NN_F32,
                             .dst = NN_F32,
                             .compute = NN_F32,
                             .weight = w};
    const struct nn_backend *backend[] = {&nn_backend_ref, &nn_backend_avx512};
    for (size_t b = 0; b < DM_COUNT(backend); b++) {
        if (!backend[b]->supports(NN_PRECISION_F32)) {
            continue;
        }
        size_t nth = 1;
        for (int code = DM_ENOMEM; code == DM_ENOMEM; nth++) {
            struct nn_conv *c = NULL;
            struct dm_err e = {0};
            (void)dm_alloc_fail_at(nth);
            code = backend[b]->conv_new(&d, &c, &e);
            (void)dm_alloc_fail_at(0);
            assert_true(code == DM_ENOMEM ? c == NULL : code == DM_OK);
            backend[b]->conv_free(c);
        }
        assert_true(nth > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_is_a_convolution),
        cmocka_unit_test(test_ref_by_hand),
        cmocka_unit_test(test_ref_int8_by_hand),
        cmocka_unit_test(test_comparison_notices_faults),
        cmocka_unit_test(test_avx512_random),
        cmocka_unit_test(test_avx512_layers),
        cmocka_unit_test(test_avx512_in_place),
        cmocka_unit_test(test_bad_descriptions_are_refused),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

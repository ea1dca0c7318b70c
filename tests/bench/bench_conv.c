/* SPDX-License-Identifier: Apache-2.0
 *
 * Every convolution of YOLO11n, ours beside oneDNN's, one thread:
 *
 *     bench_conv f32|bf16|int8 [side 640] [detect|segment] [classes 80] [only CHANNELS_IN]
 *
 * Times are processor time of the thread, the best of several interleaved turns, because the
 * machine may be shared; both sides run from warm caches. oneDNN gets dense views in the layout it
 * prefers, ours the strided views that splits and concatenations leave. */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "nn/quant.h"

void omp_set_num_threads(int n);

/* Fraction of `side` is 1/div for the result; wide: the source is half of a wider buffer. */
struct layer {
    int count, in, out, kernel, stride, div;
    const char *flags; /* s SiLU, r residual, d depthwise, t transposed, w wide, f result F32,
                        * i image, g segment only, c classes are the channels out */
};

static const struct layer layers[] = {
    {1, 3, 16, 3, 2, 2, "si"},     {1, 16, 32, 3, 2, 4, "s"},     {1, 32, 32, 1, 1, 4, "s"},
    {1, 16, 8, 3, 1, 4, "sw"},     {1, 8, 16, 3, 1, 4, "sr"},     {1, 48, 64, 1, 1, 4, "s"},
    {1, 64, 64, 3, 2, 8, "s"},     {1, 64, 64, 1, 1, 8, "s"},     {2, 32, 16, 3, 1, 8, "sw"},
    {2, 16, 32, 3, 1, 8, "sr"},    {1, 96, 128, 1, 1, 8, "s"},    {1, 128, 128, 3, 2, 16, "sw"},
    {1, 128, 128, 1, 1, 16, "s"},  {2, 64, 32, 1, 1, 16, "sw"},   {2, 32, 32, 3, 1, 16, "s"},
    {2, 32, 32, 3, 1, 16, "sr"},   {1, 64, 64, 1, 1, 16, "s"},    {4, 192, 128, 1, 1, 16, "s"},
    {1, 128, 256, 3, 2, 32, "sw"}, {3, 256, 256, 1, 1, 32, "s"},  {4, 128, 64, 1, 1, 32, "sw"},
    {4, 64, 64, 3, 1, 32, "s"},    {4, 64, 64, 3, 1, 32, "sr"},   {2, 128, 128, 1, 1, 32, "s"},
    {3, 384, 256, 1, 1, 32, "s"},  {1, 256, 128, 1, 1, 32, "s"},  {1, 512, 256, 1, 1, 32, "s"},
    {1, 128, 256, 1, 1, 32, "w"},  {1, 128, 256, 1, 1, 32, "s"},  {1, 128, 128, 3, 1, 32, "dr"},
    {1, 128, 128, 1, 1, 32, "r"},  {1, 256, 128, 1, 1, 32, "r"},  {1, 384, 128, 1, 1, 16, "s"},
    {2, 64, 32, 3, 1, 16, "sw"},   {2, 32, 64, 3, 1, 16, "sr"},   {1, 256, 64, 1, 1, 8, "s"},
    {1, 96, 64, 1, 1, 8, "s"},     {1, 64, 64, 3, 2, 16, "s"},    {1, 64, 64, 3, 1, 8, "sd"},
    {1, 64, 80, 1, 1, 8, "s"},     {1, 80, 80, 3, 1, 8, "sd"},    {1, 80, 80, 1, 1, 8, "s"},
    {1, 80, 80, 1, 1, 8, "fc"},    {1, 128, 128, 3, 2, 32, "s"},  {1, 128, 128, 3, 1, 16, "sd"},
    {1, 128, 80, 1, 1, 16, "s"},   {1, 80, 80, 3, 1, 16, "sd"},   {1, 80, 80, 1, 1, 16, "s"},
    {1, 80, 80, 1, 1, 16, "fc"},   {1, 256, 256, 3, 1, 32, "sd"}, {1, 256, 80, 1, 1, 32, "s"},
    {1, 80, 80, 3, 1, 32, "sd"},   {1, 80, 80, 1, 1, 32, "s"},    {1, 80, 80, 1, 1, 32, "fc"},
    {2, 64, 64, 3, 1, 8, "s"},     {1, 64, 64, 1, 1, 8, "f"},     {1, 128, 64, 3, 1, 16, "s"},
    {1, 64, 64, 3, 1, 16, "s"},    {1, 64, 64, 1, 1, 16, "f"},    {1, 256, 64, 3, 1, 32, "s"},
    {1, 64, 64, 3, 1, 32, "s"},    {1, 64, 64, 1, 1, 32, "f"},    {1, 64, 64, 3, 1, 8, "sg"},
    {1, 64, 64, 2, 2, 4, "tg"},    {1, 64, 64, 3, 1, 4, "sg"},    {1, 64, 32, 1, 1, 4, "sfg"},
    {1, 64, 32, 3, 1, 8, "sg"},    {1, 32, 32, 3, 1, 8, "sg"},    {1, 32, 32, 1, 1, 8, "fg"},
    {1, 128, 32, 3, 1, 16, "sg"},  {1, 32, 32, 3, 1, 16, "sg"},   {1, 32, 32, 1, 1, 16, "fg"},
    {1, 256, 32, 3, 1, 32, "sg"},  {1, 32, 32, 3, 1, 32, "sg"},   {1, 32, 32, 1, 1, 32, "fg"},
};

#define CHECK(call)                                                                                \
    do {                                                                                           \
        int status_ = (int)(call);                                                                 \
        if (status_ != 0) {                                                                        \
            fprintf(stderr, "%s: %d\n", #call, status_);                                           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static bool has(const struct layer *l, char flag)
{
    return strchr(l->flags, flag) != NULL;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *noise(size_t n, enum nn_dtype t)
{
    unsigned char *p = dm_alloc_aligned(n + 64);
    if (!p) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    uint32_t x = 1;
    struct nn_view v = {.data = p, .dtype = t, .scale = 1, .zero = 0};
    for (size_t i = 0; i < n / nn_element_size(t); i++) {
        x = x * 1664525u + 1013904223u;
        nn_element_store(&v, i, t == NN_U8 ? (float)(x >> 24) : (float)(x >> 8) * 0x1p-23f - 1.0f);
    }
    return p;
}

/* ---- ours ---- */

struct ours {
    struct nn_conv *conv;
    struct nn_view src, dst, residual;
    void *scratch;
};

static struct nn_conv_desc describe(const struct layer *l, enum nn_dtype type, int side,
                                    int classes)
{
    enum nn_dtype act = type == NN_I8 ? NN_U8 : type;
    int out_side = side / l->div, in_side = has(l, 't') ? out_side / 2 : out_side * l->stride;
    return (struct nn_conv_desc){
        .in_h = in_side,
        .in_w = in_side,
        .in_c = l->in,
        .out_c = has(l, 'c') ? classes : l->out,
        .kernel = l->kernel,
        .stride = l->stride,
        .pad = l->kernel == 3,
        .depthwise = has(l, 'd'),
        .transposed = has(l, 't'),
        .silu = has(l, 's'),
        .residual = has(l, 'r'),
        .src = has(l, 'i') ? NN_U8 : act,
        .dst = has(l, 'f') ? NN_F32 : act,
        .compute = type,
        .src_scale = has(l, 'i') ? 1.0f / 255 : 0.02f,
        .src_zero = has(l, 'i') ? 0 : 13,
        .dst_scale = 0.02f,
        .dst_zero = 13,
        .residual_scale = 0.02f,
        .residual_zero = 13,
    };
}

static struct nn_view view(int h, int w, int c, int step, enum nn_dtype t)
{
    return (struct nn_view){.data =
                                noise((size_t)h * (size_t)w * (size_t)step * nn_element_size(t), t),
                            .dtype = t,
                            .h = h,
                            .w = w,
                            .c = c,
                            .step = (size_t)step,
                            .scale = 0.02f,
                            .zero = 13};
}

static struct ours make_ours(const struct layer *l, struct nn_conv_desc *d)
{
    struct ours o = {0};
    struct dm_err e = {0};
    float *w =
        noise((size_t)d->in_c * (size_t)d->out_c * (size_t)(d->kernel * d->kernel) * 4, NN_F32);
    float *bias = noise((size_t)d->out_c * 4, NN_F32);
    d->weight = w;
    d->bias = bias;
    if (nn_backend_avx512.conv_new(d, &o.conv, &e) < 0) {
        fprintf(stderr, "%s\n", dm_err_text(&e));
        exit(1);
    }
    int h = nn_conv_out(d, d->in_h), wd = nn_conv_out(d, d->in_w);
    o.src = view(d->in_h, d->in_w, d->in_c, has(l, 'w') ? 2 * d->in_c : d->in_c, d->src);
    o.dst = view(h, wd, d->out_c, d->out_c, d->dst);
    o.residual = view(h, wd, d->out_c, d->out_c, d->dst);
    o.scratch = dm_alloc_aligned(nn_backend_avx512.conv_scratch(o.conv) + 64);
    dm_free(w);
    dm_free(bias);
    return o;
}

static void run_ours(const struct ours *o, bool residual)
{
    nn_backend_avx512.conv_run(o->conv, &o->src, residual ? &o->residual : NULL, &o->dst, 0,
                               o->dst.h, o->scratch);
}

/* ---- oneDNN ---- */

struct theirs {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[6];
    int n_args;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static dnnl_data_type_t type_of(enum nn_dtype t)
{
    return t == NN_F32 ? dnnl_f32 : t == NN_BF16 ? dnnl_bf16 : t == NN_U8 ? dnnl_u8 : dnnl_s8;
}

static dnnl_primitive_attr_t attributes(const struct nn_conv_desc *d)
{
    dnnl_primitive_attr_t a;
    dnnl_post_ops_t po;
    CHECK(dnnl_primitive_attr_create(&a));
    CHECK(dnnl_post_ops_create(&po));
    if (d->silu) {
        CHECK(dnnl_post_ops_append_eltwise(po, 1, dnnl_eltwise_swish, 1, 0));
    }
    if (d->residual) {
        CHECK(dnnl_post_ops_append_sum(po, 1));
    }
    if (d->compute == NN_I8) {
        float scales[1024];
        for (int i = 0; i < d->out_c; i++) {
            scales[i] = 1e-4f;
        }
        CHECK(dnnl_primitive_attr_set_output_scales(a, d->out_c, 2, scales));
        if (d->dst == NN_U8) {
            CHECK(dnnl_post_ops_append_eltwise(po, 1, dnnl_eltwise_linear, 50, 13));
        }
        int zero = d->src_zero; /* the source's: no dst zero point, the linear step adds it */
        if (zero && !d->depthwise) {
            CHECK(dnnl_primitive_attr_set_zero_points(a, DNNL_ARG_SRC, 1, 0, &zero));
        }
    }
    CHECK(dnnl_primitive_attr_set_post_ops(a, po));
    return a;
}

static bool make_theirs(const struct nn_conv_desc *d, struct theirs *t)
{
    int h = nn_conv_out(d, d->in_h), w = nn_conv_out(d, d->in_w);
    enum nn_dtype src_type = d->src == NN_U8 && d->compute != NN_I8 ? d->compute : d->src;
    dnnl_dims_t src = {1, d->in_c, d->in_h, d->in_w}, dst = {1, d->out_c, h, w}, b = {d->out_c};
    dnnl_dims_t wd = {d->out_c, d->in_c, d->kernel, d->kernel};
    dnnl_dims_t wg = {d->out_c, 1, 1, d->kernel, d->kernel};
    dnnl_dims_t stride = {d->stride, d->stride}, pad = {d->pad, d->pad};
    dnnl_dims_t far = {(h - 1) * d->stride + d->kernel - d->in_h - d->pad,
                       (w - 1) * d->stride + d->kernel - d->in_w - d->pad};
    dnnl_memory_desc_t md[4];
    CHECK(dnnl_memory_desc_init_by_tag(&md[0], 4, src, type_of(src_type), dnnl_nhwc));
    CHECK(dnnl_memory_desc_init_by_tag(&md[1], d->depthwise ? 5 : 4, d->depthwise ? wg : wd,
                                       type_of(d->compute), dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&md[2], 1, b, dnnl_f32, dnnl_a));
    CHECK(dnnl_memory_desc_init_by_tag(&md[3], 4, dst, type_of(d->dst), dnnl_nhwc));
    dnnl_primitive_attr_t attr = attributes(d);
    dnnl_primitive_desc_t pd;
    if (d->transposed) {
        dnnl_deconvolution_desc_t op;
        CHECK(dnnl_deconvolution_forward_desc_init(&op, dnnl_forward_inference,
                                                   dnnl_deconvolution_direct, &md[0], &md[1],
                                                   &md[2], &md[3], stride, pad, pad));
        if (dnnl_primitive_desc_create(&pd, &op, attr, engine, NULL)) {
            return false;
        }
    } else {
        dnnl_convolution_desc_t op;
        CHECK(dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference,
                                                 dnnl_convolution_direct, &md[0], &md[1], &md[2],
                                                 &md[3], stride, pad, far));
        if (dnnl_primitive_desc_create(&pd, &op, attr, engine, NULL)) {
            return false;
        }
    }
    md[1] = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    const int arg[4] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    const enum nn_dtype types[4] = {src_type, d->compute == NN_I8 ? NN_U8 : d->compute, NN_F32,
                                    d->dst};
    CHECK(dnnl_primitive_create(&t->primitive, pd));
    for (int i = 0; i < 4; i++) {
        t->args[i].arg = arg[i];
        CHECK(dnnl_memory_create(&t->args[i].memory, &md[i], engine,
                                 noise(dnnl_memory_desc_get_size(&md[i]) + 4096, types[i])));
    }
    t->n_args = 4;
    return true;
}

static void run_theirs(const struct theirs *t)
{
    CHECK(dnnl_primitive_execute(t->primitive, stream, t->n_args, t->args));
}

/* ---- timing ---- */

struct best {
    double ours, theirs;
};

static struct best measure(const struct layer *l, enum nn_dtype type, int side, int classes,
                           double *ret_gflop)
{
    struct nn_conv_desc d = describe(l, type, side, classes);
    struct ours o = make_ours(l, &d);
    struct theirs t = {0};
    bool other = make_theirs(&d, &t);
    double macs = (double)(d.depthwise ? 1 : d.in_c) * d.out_c * d.kernel * d.kernel *
                  (d.transposed ? 0.25 : 1.0) * o.dst.h * o.dst.w;
    struct best best = {1e9, other ? 1e9 : 0};
    int repeats = 1 + (int)(1e8 / macs);
    for (int turn = 0; turn < 25; turn++) {
        double start = now_s();
        for (int i = 0; i < repeats; i++) {
            run_ours(&o, d.residual);
        }
        best.ours = DM_MIN(best.ours, (now_s() - start) / repeats);
        start = now_s();
        for (int i = 0; other && i < repeats; i++) {
            run_theirs(&t);
        }
        best.theirs = other ? DM_MIN(best.theirs, (now_s() - start) / repeats) : 0;
    }
    nn_backend_avx512.conv_free(o.conv);
    dm_free(o.scratch);
    dm_free(o.src.data);
    dm_free(o.dst.data);
    dm_free(o.residual.data);
    *ret_gflop = 2e-9 * macs;
    return best;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    enum nn_dtype type = strcmp(word, "int8") == 0   ? NN_I8
                         : strcmp(word, "bf16") == 0 ? NN_BF16
                                                     : NN_F32;
    int side = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 640;
    bool segment = argc > 3 && strcmp(argv[3], "segment") == 0;
    int classes = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 80;
    int only = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 0;
    double ours = 0, theirs = 0, gflop = 0;
    omp_set_num_threads(1);
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    printf("   n   in  out k s side flags      ours us   GF/s  oneDNN us   GF/s  ratio\n");
    for (size_t i = 0; i < DM_COUNT(layers); i++) {
        const struct layer *l = &layers[i];
        if ((has(l, 'g') && !segment) || (only && l->in != only)) {
            continue;
        }
        double gf;
        struct best b = measure(l, type, side, classes, &gf);
        printf("%4d %4d %4d %d %d %4d %-8s %9.1f %6.0f  %9.1f %6.0f  %5.2f\n", l->count, l->in,
               has(l, 'c') ? classes : l->out, l->kernel, l->stride, side / l->div, l->flags,
               b.ours * 1e6, gf / b.ours, b.theirs * 1e6, b.theirs > 0 ? gf / b.theirs : 0,
               b.theirs / b.ours);
        fflush(stdout);
        ours += l->count * b.ours;
        theirs += l->count * b.theirs;
        gflop += l->count * gf;
    }
    printf("sum: %.2f GFLOP; ours %.2f ms, %.0f GF/s; oneDNN %.2f ms, %.0f GF/s\n", gflop,
           ours * 1e3, gflop / ours, theirs * 1e3, theirs > 0 ? gflop / theirs : 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions by oneDNN 2.6 through its C API. Every dnnl_ call of the house is in this folder, so
 * that version 3 is a small port. oneDNN 2.6 runs strided NHWC views only in its reference code
 * (measured: 200 times slower), so views are packed into scratch and back here.
 *
 * One tile a thread: oneDNN is told to use one OpenMP thread in whatever thread calls it
 * (docs/decisions/003-parallelism.md). */
#include <oneapi/dnnl/dnnl.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "nn/backend.h"
#include "nn/kernels.h"
#include "nn/onednn/onednn.h"

void omp_set_num_threads(int n); /* of the OpenMP runtime that libdnnl is linked with */

struct nn_conv {
    struct nn_conv_desc desc; /* weight and bias NULL */
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t src_md, weight_md, bias_md, dst_md, pad_md;
    void *weight; /* reordered */
    float *bias;
    size_t src_bytes, dst_bytes, pad_bytes;
};

static dnnl_engine_t engine;
static dnnl_status_t engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

static void engine_open(void)
{
    engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0);
}

static bool supports(enum nn_precision p)
{
    __builtin_cpu_init();
    switch (p) {
    case NN_PRECISION_F32:
        return __builtin_cpu_supports("avx2");
    case NN_PRECISION_BF16:
        return __builtin_cpu_supports("avx512bf16");
    case NN_PRECISION_AUTO:
    case NN_PRECISION_INT8:
    case NN_PRECISION_MAX_:
        break;
    }
    return false;
}

static dnnl_data_type_t type_of(enum nn_dtype t)
{
    return t == NN_BF16 ? dnnl_bf16 : dnnl_f32;
}

#define TRY_DNNL(e, call)                                                                          \
    do {                                                                                           \
        dnnl_status_t status_ = (call);                                                            \
        if (status_ != dnnl_success) {                                                             \
            DM_FAIL((e), status_ == dnnl_out_of_memory ? DM_ENOMEM : DM_EUNSUPPORTED,              \
                    "oneDNN refuses the convolution (status %d)", (int)status_);                   \
        }                                                                                          \
    } while (0)

static int memory_descs(struct nn_conv *c, dnnl_memory_desc_t *any_weight, struct dm_err *e)
{
    const struct nn_conv_desc *d = &c->desc;
    int scale = d->transposed ? 2 : 1;
    int out_h = scale * ((d->in_h + 2 * d->pad - d->kernel) / d->stride + 1);
    int out_w = scale * ((d->in_w + 2 * d->pad - d->kernel) / d->stride + 1);
    if (d->transposed) {
        out_h = 2 * d->in_h, out_w = 2 * d->in_w;
    }
    dnnl_dims_t src = {1, d->in_c, d->in_h, d->in_w};
    dnnl_dims_t dst = {1, d->out_c, out_h, out_w};
    dnnl_dims_t bias = {d->out_c};
    dnnl_dims_t plain = {d->out_c, d->in_c, d->kernel, d->kernel};
    dnnl_dims_t grouped = {d->out_c, 1, 1, d->kernel, d->kernel};
    dnnl_data_type_t compute = type_of(d->compute);
    TRY_DNNL(e, dnnl_memory_desc_init_by_tag(&c->src_md, 4, src, compute, dnnl_nhwc));
    TRY_DNNL(e, dnnl_memory_desc_init_by_tag(&c->dst_md, 4, dst, type_of(d->dst), dnnl_nhwc));
    TRY_DNNL(e, dnnl_memory_desc_init_by_tag(&c->bias_md, 1, bias, dnnl_f32, dnnl_a));
    TRY_DNNL(
        e, d->depthwise
               ? dnnl_memory_desc_init_by_tag(any_weight, 5, grouped, compute, dnnl_format_tag_any)
               : dnnl_memory_desc_init_by_tag(any_weight, 4, plain, compute, dnnl_format_tag_any));
    c->src_bytes = dm_align_up(dnnl_memory_desc_get_size(&c->src_md), 64);
    c->dst_bytes = dm_align_up(dnnl_memory_desc_get_size(&c->dst_md), 64);
    return DM_OK;
}

static int attributes(const struct nn_conv_desc *d, dnnl_primitive_attr_t *ret, struct dm_err *e)
{
    dnnl_post_ops_t post = NULL;
    TRY_DNNL(e, dnnl_primitive_attr_create(ret));
    TRY_DNNL(e, dnnl_primitive_attr_set_scratchpad_mode(*ret, dnnl_scratchpad_mode_user));
    TRY_DNNL(e, dnnl_post_ops_create(&post));
    dnnl_status_t s = dnnl_success;
    if (d->silu) {
        s = dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_swish, 1.0f, 0.0f);
    }
    if (s == dnnl_success && d->residual) {
        s = dnnl_post_ops_append_sum(post, 1.0f);
    }
    if (s == dnnl_success) {
        s = dnnl_primitive_attr_set_post_ops(*ret, post);
    }
    (void)dnnl_post_ops_destroy(post);
    TRY_DNNL(e, s);
    return DM_OK;
}

static int primitive_desc(struct nn_conv *c, const dnnl_memory_desc_t *any_weight,
                          dnnl_primitive_desc_t *ret, struct dm_err *e)
{
    const struct nn_conv_desc *d = &c->desc;
    dnnl_dims_t stride = {d->stride, d->stride};
    dnnl_dims_t pad = {d->pad, d->pad};
    /* the far pad must reproduce the output size when the stride does not divide evenly */
    dnnl_dims_t far = {(c->dst_md.dims[2] - 1) * d->stride + d->kernel - d->in_h - d->pad,
                       (c->dst_md.dims[3] - 1) * d->stride + d->kernel - d->in_w - d->pad};
    dnnl_primitive_attr_t attr = NULL;
    int code = attributes(d, &attr, e);
    dnnl_status_t s = dnnl_invalid_arguments;
    if (code >= 0 && d->transposed) {
        dnnl_deconvolution_desc_t op;
        s = dnnl_deconvolution_forward_desc_init(&op, dnnl_forward_inference,
                                                 dnnl_deconvolution_direct, &c->src_md, any_weight,
                                                 &c->bias_md, &c->dst_md, stride, pad, pad);
        s = s == dnnl_success ? dnnl_primitive_desc_create(ret, &op, attr, engine, NULL) : s;
    } else if (code >= 0) {
        dnnl_convolution_desc_t op;
        s = dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct,
                                               &c->src_md, any_weight, &c->bias_md, &c->dst_md,
                                               stride, pad, far);
        s = s == dnnl_success ? dnnl_primitive_desc_create(ret, &op, attr, engine, NULL) : s;
    }
    if (attr) {
        (void)dnnl_primitive_attr_destroy(attr);
    }
    DM_TRY(code);
    TRY_DNNL(e, s);
    return DM_OK;
}

/* f32 weights in ONNX order -> the order the primitive wants. */
static int reorder_weights(struct nn_conv *c, const float *weight, struct dm_err *e)
{
    const struct nn_conv_desc *d = &c->desc;
    dnnl_memory_desc_t user;
    dnnl_format_tag_t tag = d->depthwise ? dnnl_goihw : d->transposed ? dnnl_iohw : dnnl_oihw;
    TRY_DNNL(e, dnnl_memory_desc_init_by_tag(&user, c->weight_md.ndims, c->weight_md.dims, dnnl_f32,
                                             tag));
    c->weight = dm_alloc_aligned(dnnl_memory_desc_get_size(&c->weight_md));
    if (!c->weight) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the weights of a convolution");
    }
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t p = NULL;
    dnnl_memory_t from = NULL, to = NULL;
    dnnl_stream_t stream = NULL;
    union { /* the library's handle is not const; it only reads */
        const float *in;
        void *out;
    } raw = {.in = weight};
    dnnl_status_t s =
        dnnl_reorder_primitive_desc_create(&pd, &user, engine, &c->weight_md, engine, NULL);
    s = s ? s : dnnl_primitive_create(&p, pd);
    s = s ? s : dnnl_memory_create(&from, &user, engine, raw.out);
    s = s ? s : dnnl_memory_create(&to, &c->weight_md, engine, c->weight);
    s = s ? s : dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    if (!s) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        s = dnnl_primitive_execute(p, stream, 2, args);
        s = s ? s : dnnl_stream_wait(stream);
    }
    (void)dnnl_stream_destroy(stream);
    (void)dnnl_memory_destroy(to);
    (void)dnnl_memory_destroy(from);
    (void)dnnl_primitive_destroy(p);
    (void)dnnl_primitive_desc_destroy(pd);
    TRY_DNNL(e, s);
    return DM_OK;
}

static void conv_free(struct nn_conv *c)
{
    if (c) {
        (void)dnnl_primitive_destroy(c->primitive);
        dm_free(c->weight);
        dm_free(c->bias);
        dm_free(c);
    }
}
DM_DEFINE_CLEANUP(conv_freep, struct nn_conv *, conv_free)

static bool wants(const struct nn_conv_desc *d)
{
    bool image = d->src == NN_U8 && d->in_c == 3 && d->src_zero == 0;
    return (d->compute == NN_F32 || d->compute == NN_BF16) && (d->src == d->compute || image) &&
           (d->dst == NN_F32 || d->dst == NN_BF16);
}

static int conv_new(const struct nn_conv_desc *d, struct nn_conv **ret, struct dm_err *e)
{
    (void)pthread_once(&engine_once, engine_open);
    if (!wants(d) || engine_status != dnnl_success) {
        DM_FAIL(e, DM_EUNSUPPORTED, "oneDNN back end: element types not supported");
    }
    omp_set_num_threads(1); /* blocking is chosen for the number of threads at creation */
    DM_CLEANUP(conv_freep) struct nn_conv *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a convolution");
    }
    c->desc = *d;
    c->desc.weight = c->desc.bias = NULL;
    dnnl_memory_desc_t any_weight;
    DM_TRY(memory_descs(c, &any_weight, e));
    dnnl_primitive_desc_t pd = NULL;
    DM_TRY(primitive_desc(c, &any_weight, &pd, e));
    dnnl_status_t s = dnnl_primitive_create(&c->primitive, pd);
    c->weight_md = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    c->pad_md = *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    c->pad_bytes = dnnl_memory_desc_get_size(&c->pad_md);
    (void)dnnl_primitive_desc_destroy(pd);
    TRY_DNNL(e, s);
    c->bias = dm_calloc((size_t)d->out_c, sizeof(float));
    if (!c->bias) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a bias");
    }
    if (d->bias) {
        memcpy(c->bias, d->bias, (size_t)d->out_c * sizeof(float));
    }
    DM_TRY(reorder_weights(c, d->weight, e));
    *ret = DM_STEAL(c);
    return DM_OK;
}

static size_t conv_scratch(const struct nn_conv *c)
{
    return c->src_bytes + c->dst_bytes + c->pad_bytes;
}

static bool dense(const struct nn_view *v)
{
    return v->step == (size_t)v->c;
}

static void execute(const struct nn_conv *c, void *src, void *dst, void *pad)
{
    const struct {
        int arg;
        const dnnl_memory_desc_t *md;
        void *data;
    } use[] = {
        {DNNL_ARG_SRC, &c->src_md, src},        {DNNL_ARG_WEIGHTS, &c->weight_md, c->weight},
        {DNNL_ARG_BIAS, &c->bias_md, c->bias},  {DNNL_ARG_DST, &c->dst_md, dst},
        {DNNL_ARG_SCRATCHPAD, &c->pad_md, pad},
    };
    dnnl_exec_arg_t args[DM_COUNT(use)] = {{0}};
    dnnl_stream_t stream = NULL;
    dnnl_status_t s = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    for (size_t i = 0; i < DM_COUNT(use); i++) {
        args[i].arg = use[i].arg;
        s = s ? s : dnnl_memory_create(&args[i].memory, use[i].md, engine, use[i].data);
    }
    s = s ? s : dnnl_primitive_execute(c->primitive, stream, (int)DM_COUNT(use), args);
    s = s ? s : dnnl_stream_wait(stream);
    for (size_t i = 0; i < DM_COUNT(use); i++) {
        (void)dnnl_memory_destroy(args[i].memory);
    }
    (void)dnnl_stream_destroy(stream);
    DM_BUG_UNLESS(s == dnnl_success);
}

static void conv_run(const struct nn_conv *c, const struct nn_view *src,
                     const struct nn_view *residual, const struct nn_view *dst, int y0, int y1,
                     void *scratch)
{
    DM_BUG_UNLESS(y0 == 0 && y1 == dst->h);
    char *at = scratch;
    struct nn_view in = *src, out = *dst;
    omp_set_num_threads(1);
    if (!dense(src) || src->dtype != c->desc.compute) {
        in.data = at;
        in.step = (size_t)in.c;
        in.dtype = c->desc.compute;
        nn_copy(src, &in);
    }
    at += c->src_bytes;
    if (!dense(dst)) {
        out.data = at;
        out.step = (size_t)out.c;
    }
    at += c->dst_bytes;
    if (residual && residual->data != out.data) {
        nn_copy(residual, &out);
    }
    execute(c, in.data, out.data, at);
    if (!dense(dst)) {
        nn_copy(&out, dst);
    }
}

const struct nn_backend nn_backend_onednn = {
    .name = "onednn",
    .supports = supports,
    .conv_new = conv_new,
    .conv_scratch = conv_scratch,
    .conv_run = conv_run,
    .whole = true,
    .conv_free = conv_free,
};

void nn_onednn_version(int ret[static 3])
{
    const dnnl_version_t *v = dnnl_version();
    ret[0] = v->major;
    ret[1] = v->minor;
    ret[2] = v->patch;
}

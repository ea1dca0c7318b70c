/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions for AVX-512: implicit GEMM on NHWC. Source rows are packed with their padding (a few
 * percent of the work, and dense, aligned and converted from then on), 1x1 convolutions read the
 * view where it is. Register tiles multiply, epilogues finish: see tile.h.
 *
 * Called for every layer of every image, by one thread per image or by several on disjoint rows;
 * a layer of YOLO11n takes 0.05 to 1.5 ms. */
#include "nn/avx512/conv.h"
#include "base/alloc.h"
#include "base/arith.h"

/* Pixels that pass under all blocks of channels before the next: they stay in L1. */
enum { PIECE_PIXELS = 28 };

static bool supports(enum nn_precision p)
{
    switch (p) {
    case NN_PRECISION_F32:
        return nn_avx512_has_base();
    case NN_PRECISION_BF16:
        return nn_avx512_has_bf16();
    case NN_PRECISION_INT8:
        return nn_avx512_has_vnni();
    case NN_PRECISION_AUTO:
    case NN_PRECISION_MAX_:
        break;
    }
    return false;
}

static void conv_free(struct nn_conv *c)
{
    if (c) {
        dm_free(c->block);
        dm_free(c->weight);
        dm_free(c->init);
        dm_free(c->scale);
        dm_free(c->bias);
        dm_free(c);
    }
}
DM_DEFINE_CLEANUP(conv_freep, struct nn_conv *, conv_free)

static int conv_new(const struct nn_conv_desc *d, struct nn_conv **ret, struct dm_err *e)
{
    DM_TRY(nn_conv_check(d, e));
    DM_CLEANUP(conv_freep) struct nn_conv *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a convolution");
    }
    DM_TRY(nn_avx512_prepare(c, d, e));
    *ret = DM_STEAL(c);
    return DM_OK;
}

/* Accumulators of a tile, then packed rows. */
static size_t conv_scratch(const struct nn_conv *c)
{
    return TILE_BYTES_MAX + (c->d.depthwise ? 0 : c->pitch * (size_t)c->pack_rows);
}

/* Pixels with the same source and destination stride. */
struct span {
    const char *src;
    size_t src_pixel, src_run; /* bytes */
    char *dst;
    const char *residual;
    size_t dst_pixel, residual_pixel; /* bytes */
    int pixels;
    int part;
};

static struct finish_args finish_template(const struct nn_conv *c)
{
    return (struct finish_args){
        .scale = c->scale,
        .bias = c->bias,
        .dst_inverse = c->dst_inverse,
        .dst_zero = (float)c->d.dst_zero,
        .residual_scale = c->d.residual_scale,
        .residual_zero = (float)c->d.residual_zero,
    };
}

/* Pixels [from, from + pixels) of a span for one block of channels. */
static void run_block(const struct nn_conv *c, const struct span *s, const struct conv_block *b,
                      int from, int pixels, void *acc)
{
    struct tile_args t = {
        .pixel_bytes = s->src_pixel,
        .run_bytes = s->src_run,
        .runs = c->runs,
        .units = c->units,
        .weight = c->weight + (size_t)s->part * c->part_bytes + b->weight,
        .init = c->init + 4 * (size_t)(s->part * c->c16 + b->channel),
        .acc = acc,
        .dst_bytes = s->dst_pixel,
        .scale = c->scale + b->channel,
        .bias = c->bias + b->channel,
        .dst_inverse = c->dst_inverse,
        .dst_zero = (float)c->d.dst_zero,
    };
    struct finish_args f = finish_template(c);
    f.acc = acc;
    f.acc_step = 16 * (size_t)b->columns;
    f.channels = b->channels;
    f.scale += b->channel;
    f.bias += b->channel;
    f.dst_bytes = s->dst_pixel;
    f.residual_bytes = s->residual_pixel;
    int max = tile_pixels_max[b->columns];
    int tiles = (pixels + max - 1) / max; /* of nearly equal size */
    for (int i = 0, left = pixels; i < tiles; i++) {
        int n = (left + tiles - i - 1) / (tiles - i);
        size_t at = (size_t)(from + pixels - left);
        t.src = s->src + at * s->src_pixel;
        t.dst = s->dst + at * s->dst_pixel + (size_t)b->channel * c->dst_bytes;
        c->tiles[b->columns - 1][n - 1](&t);
        left -= n;
        if (c->fused) {
            continue;
        }
        f.pixels = n;
        f.dst = t.dst;
        if (s->residual) {
            f.residual = s->residual + at * s->residual_pixel + (size_t)b->channel * c->dst_bytes;
        }
        c->finish(&f);
    }
}

/* Into L2, while the piece before is multiplied: the pixels of a tile are as many streams as no
 * hardware prefetcher follows. */
static void prefetch(const struct nn_conv *c, const struct span *s, int from, int n)
{
    size_t bytes = (size_t)c->units * 4;
    for (int i = 0; i < n; i++) {
        const char *pixel = s->src + (size_t)(from + i) * s->src_pixel;
        for (size_t at = 0; at < bytes; at += 64) {
            __builtin_prefetch(pixel + at, 0, 2);
        }
    }
}

static void run_span(const struct nn_conv *c, const struct span *s, int piece, void *acc)
{
    for (int from = 0; from < s->pixels; from += piece) {
        int n = DM_MIN(piece, s->pixels - from);
        if (c->direct) {
            prefetch(c, s, from + n, DM_MIN(piece, s->pixels - from - n));
        }
        for (int b = 0; b < c->n_block; b++) {
            run_block(c, s, &c->block[b], from, n, acc);
        }
    }
}

static const char *pixel_at(const struct nn_view *v, size_t pixel)
{
    return (const char *)v->data + pixel * v->step * nn_element_size(v->dtype);
}

/* The views of one run. */
struct job {
    const struct nn_conv *c;
    const struct nn_view *src, *residual, *dst;
    void *acc;
    char *packed;
};

/* Destination half of a span: results from pixel (y, x) on. */
static void aim(const struct job *j, struct span *s, int y, int x)
{
    size_t pixel = (size_t)y * (size_t)j->dst->w + (size_t)x;
    size_t each = j->c->d.transposed ? 2 : 1, size = j->c->dst_bytes;
    s->dst = (char *)j->dst->data + pixel * j->dst->step * size;
    s->dst_pixel = each * j->dst->step * size;
    if (j->residual) {
        s->residual = pixel_at(j->residual, pixel);
        s->residual_pixel = each * j->residual->step * size;
    }
}

/* Output row y from a source row (of which row `y` is the first) at src. */
static struct span row_span(const struct job *j, int y, const char *src, size_t src_pixel,
                            size_t src_run, int part)
{
    struct span s = {.src = src,
                     .src_pixel = src_pixel * (size_t)j->c->d.stride,
                     .src_run = src_run,
                     .pixels = j->c->out_w,
                     .part = part};
    if (j->c->d.transposed) {
        s.src_pixel = src_pixel;
        s.pixels = j->c->d.in_w;
    }
    aim(j, &s, y, part & 1);
    return s;
}

/* Source rows [from, from + n) with padding left, right, above and below:
 *   packed row = pad pixels | in_w pixels | pad pixels and slack up to the pitch */
static void pack_rows(const struct job *j, int from, int n)
{
    const struct nn_conv *c = j->c;
    size_t pixel = (size_t)c->d.in_c * c->mult_bytes, left = (size_t)c->d.pad * pixel;
    size_t inside = (size_t)c->d.in_w * pixel;
    int empty = c->mult == NN_I8 ? c->d.src_zero : 0;
    bool dense = j->src->step == (size_t)c->d.in_c;
    for (int i = 0; i < n; i++) {
        char *to = j->packed + (size_t)i * c->pitch;
        int y = from + i;
        if (y < 0 || y >= c->d.in_h) {
            memset(to, empty, c->pitch);
            continue;
        }
        memset(to, empty, left);
        memset(to + left + inside, empty, c->pitch - left - inside);
        c->pack(&(struct pack_args){
            .src = pixel_at(j->src, (size_t)y * (size_t)c->d.in_w),
            .src_bytes = j->src->step * c->src_bytes,
            .dst = to + left,
            .pixels = dense ? 1 : c->d.in_w,
            .channels = dense ? c->d.in_w * c->d.in_c : c->d.in_c,
            .zero = c->d.src_zero,
        });
    }
}

/* Output rows whose source rows are packed from row `first` on. */
static void run_packed_rows(const struct job *j, int y0, int y1, int first)
{
    const struct nn_conv *c = j->c;
    size_t pixel = (size_t)c->d.in_c * c->mult_bytes;
    for (int b = 0; b < (c->blocks_outside ? c->n_block : 1); b++) {
        for (int y = y0; y < y1; y++) {
            int top = c->d.transposed ? y / 2 : y * c->d.stride - c->d.pad;
            const char *src = j->packed + (size_t)(top - first) * c->pitch;
            for (int part = 0; part < (c->d.transposed ? 2 : 1); part++) {
                struct span s =
                    row_span(j, y, src, pixel, c->pitch, c->d.transposed ? 2 * (y & 1) + part : 0);
                if (c->blocks_outside) {
                    run_block(c, &s, &c->block[b], 0, s.pixels, j->acc);
                } else {
                    run_span(c, &s, PIECE_PIXELS, j->acc);
                }
            }
        }
    }
}

static void run_packed(const struct job *j, int y0, int y1)
{
    const struct nn_conv *c = j->c;
    const struct nn_conv_desc *d = &c->d;
    int most = d->transposed ? 2 * c->pack_rows : (c->pack_rows - d->kernel) / d->stride + 1;
    for (int y = y0, n; y < y1; y += n) {
        int first = d->transposed ? y / 2 : y * d->stride - d->pad;
        n = DM_MIN(d->transposed ? most - (y & 1) : most, y1 - y);
        int last =
            d->transposed ? (y + n - 1) / 2 : (y + n - 1) * d->stride - d->pad + d->kernel - 1;
        pack_rows(j, first, last - first + 1);
        run_packed_rows(j, y, y + n, first);
    }
}

/* 1x1 where the source lies. */
static void run_direct(const struct job *j, int y0, int y1)
{
    const struct nn_conv *c = j->c;
    size_t pixel = j->src->step * c->src_bytes;
    if (c->d.transposed || c->d.stride != 1) {
        for (int y = y0; y < y1; y++) {
            int top = c->d.transposed ? y / 2 : y * c->d.stride;
            for (int part = 0; part < (c->d.transposed ? 2 : 1); part++) {
                struct span s = row_span(j, y, pixel_at(j->src, (size_t)top * (size_t)c->d.in_w),
                                         pixel, 0, c->d.transposed ? 2 * (y & 1) + part : 0);
                run_span(c, &s, PIECE_PIXELS, j->acc);
            }
        }
        return;
    }
    /* the rows are one: pixels follow each other across their ends */
    struct span s = {.src = pixel_at(j->src, (size_t)y0 * (size_t)c->d.in_w),
                     .src_pixel = pixel,
                     .pixels = (y1 - y0) * c->out_w};
    aim(j, &s, y0, 0);
    int piece = c->blocks_outside ? (int)DM_MAX((size_t)PIECE_PIXELS, ((size_t)128 << 10) / pixel)
                                  : PIECE_PIXELS;
    run_span(c, &s, piece, j->acc);
}

static void run_depthwise(const struct job *j, int y0, int y1)
{
    const struct nn_conv *c = j->c;
    struct depthwise_args a = {
        .pixel_bytes = j->src->step * c->src_bytes,
        .row_bytes = (size_t)c->d.in_w * j->src->step * c->src_bytes,
        .in_w = c->d.in_w,
        .out_w = c->out_w,
        .zero = c->d.src == NN_U8 ? c->d.src_zero : 0,
        .weight = (const float *)(const void *)c->weight,
        .bias = c->bias,
        .weight_step = (size_t)c->c16,
        .dst_size = c->dst_bytes,
        .finish = finish_template(c),
        .finish_fn = c->finish,
        .fused = c->fused,
    };
    for (int y = y0; y < y1; y++) {
        struct span s = {0};
        int top = y * c->d.stride - 1;
        aim(j, &s, y, 0);
        a.src = (const char *)j->src->data + (ptrdiff_t)top * (ptrdiff_t)a.row_bytes;
        a.top = top >= 0;
        a.bottom = top + 2 < c->d.in_h;
        a.finish.acc = j->acc;
        a.finish.channels = c->d.out_c;
        a.finish.dst = s.dst;
        a.finish.dst_bytes = s.dst_pixel;
        a.finish.residual = s.residual;
        a.finish.residual_bytes = s.residual_pixel;
        c->depthwise(&a);
    }
}

/* Pixels 4 KiB apart fall into one set of an 8-way L1: a tile of 14 would evict itself. */
static bool spread(const struct nn_conv *c, const struct nn_view *src)
{
    return src->step * c->src_bytes % 2048 != 0;
}

static void conv_run(const struct nn_conv *c, const struct nn_view *src,
                     const struct nn_view *residual, const struct nn_view *dst, int y0, int y1,
                     void *scratch)
{
    struct job j = {.c = c,
                    .src = src,
                    .residual = residual,
                    .dst = dst,
                    .acc = scratch,
                    .packed = (char *)scratch + TILE_BYTES_MAX};
    if (c->d.depthwise) {
        run_depthwise(&j, y0, y1);
    } else if (c->direct && spread(c, src)) {
        run_direct(&j, y0, y1);
    } else {
        run_packed(&j, y0, y1);
    }
}

const struct nn_backend nn_backend_avx512 = {
    .name = "avx512",
    .supports = supports,
    .conv_new = conv_new,
    .conv_scratch = conv_scratch,
    .conv_run = conv_run,
    .conv_free = conv_free,
};

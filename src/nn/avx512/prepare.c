/* SPDX-License-Identifier: Apache-2.0
 *
 * Preparing a convolution: which kernels, how the channels are cut into blocks, and the weights in
 * the order the tiles read them. */
#include "base/alloc.h"
#include "base/arith.h"
#include "nn/avx512/conv.h"

/* Packed source rows: half of a 1 MiB L2 less what weights and results need there. */
#define PACK_BYTES_MAX ((size_t)256 << 10)
/* Weights up to this size stay in L2 while all of them pass over each few pixels. */
#define WEIGHTS_RESIDENT_MAX ((size_t)512 << 10)

const int tile_pixels_max[TILE_COLUMNS_MAX + 1] = {0, 28, 14, 9, 6};

bool nn_avx512_has_base(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool nn_avx512_has_bf16(void)
{
    return nn_avx512_has_base() && __builtin_cpu_supports("avx512bf16");
}

bool nn_avx512_has_vnni(void)
{
    return nn_avx512_has_base() && __builtin_cpu_supports("avx512vnni");
}

static int type_index(enum nn_dtype t)
{
    return t == NN_F32 ? 0 : t == NN_BF16 ? 1 : 2;
}

/* Without AVX512_BF16 the few BF16 layers of an int8 network are multiplied in F32. */
static int choose_kernels(struct nn_conv *c, struct dm_err *e)
{
    const struct nn_conv_desc *d = &c->d;
    c->mult = d->compute == NN_BF16 && !nn_avx512_has_bf16() ? NN_F32 : d->compute;
    if (!nn_avx512_has_base() || (c->mult == NN_I8 && !nn_avx512_has_vnni())) {
        DM_FAIL(e, DM_EUNSUPPORTED, "avx512 back end: not on this processor");
    }
    c->mult_bytes = c->mult == NN_F32 ? 4 : c->mult == NN_BF16 ? 2 : 1;
    c->src_bytes = nn_element_size(d->src);
    c->dst_bytes = nn_element_size(d->dst);
    enum nn_dtype native = c->mult == NN_I8 ? NN_U8 : c->mult;
    c->fused = d->silu && !d->residual &&
               (d->depthwise ? d->dst == d->src : d->dst == native && d->out_c % 16 == 0);
    c->tiles = (c->mult == NN_F32 ? tile_f32 : c->mult == NN_BF16 ? tile_bf16 : tile_i8)[c->fused];
    c->pack = pack_row[type_index(d->src)][type_index(c->mult)];
    bool i32 = c->mult == NN_I8 && !d->depthwise;
    c->finish = (nn_avx512_has_bf16() ? finish_bf16
                                      : finish_base)[i32][type_index(d->dst)][d->silu][d->residual];
    if (d->depthwise) {
        bool narrows = d->src == NN_F32 && d->compute == NN_BF16;
        if (d->kernel != 3 || d->pad != 1 || d->stride > 2 || narrows) {
            DM_FAIL(e, DM_EUNSUPPORTED, "avx512 back end: no such depthwise convolution");
        }
        c->depthwise = (nn_avx512_has_bf16() ? depthwise_bf16
                                             : depthwise_base)[type_index(d->src)][d->stride - 1];
    }
    return DM_OK;
}

/* Blocks of 32 channels, whose weights cross from L2 at 128 bytes in 28 multiply-adds; an odd
 * vector joins the last one. */
static void cut_channels(struct nn_conv *c, size_t column_bytes)
{
    int left = c->c16 / 16, channel = 0;
    size_t at = 0;
    while (left > 0) {
        int columns = left == 3 ? 3 : left >= 2 ? 2 : 1;
        c->block[c->n_block++] = (struct conv_block){
            .channel = channel,
            .channels = DM_MIN(16 * columns, c->d.out_c - channel),
            .columns = columns,
            .weight = at,
        };
        at += column_bytes * (size_t)columns;
        channel += 16 * columns;
        left -= columns;
    }
    c->part_bytes = at;
}

static void geometry(struct nn_conv *c)
{
    const struct nn_conv_desc *d = &c->d;
    int kernel = d->transposed ? 1 : d->kernel;
    int per_unit = 4 / (int)c->mult_bytes;
    int run = kernel * d->in_c;
    c->dst_inverse = d->dst == NN_U8 ? 1.0f / d->dst_scale : 1.0f;
    c->out_h = nn_conv_out(d, d->in_h);
    c->out_w = nn_conv_out(d, d->in_w);
    c->c16 = (int)dm_align_up((size_t)d->out_c, 16);
    c->parts = d->transposed ? 4 : 1;
    c->runs = kernel;
    c->units = (run + per_unit - 1) / per_unit;
    bool same = (d->src == NN_F32 && c->mult == NN_F32) ||
                (d->src == NN_BF16 && c->mult == NN_BF16) || (d->src == NN_U8 && c->mult == NN_I8);
    c->direct = same && kernel == 1 && d->pad == 0 && run % per_unit == 0;
    size_t row = (size_t)(d->in_w + 2 * d->pad) * (size_t)d->in_c * c->mult_bytes;
    c->pitch = dm_align_up(row + 4, 64);
    if (c->pitch % 2048 == 0) { /* the rows of a tile would share cache sets */
        c->pitch += 64;
    }
    int most = (int)DM_MIN(PACK_BYTES_MAX / c->pitch, (size_t)d->in_h + 2 * (size_t)d->pad);
    c->pack_rows = DM_MAX(most, kernel);
}

/* Weight as multiplied, as a real number. */
static float weight_value(const struct nn_conv_desc *d, int o, int i, int tap, float scale)
{
    float w = nn_weight(d, o, i, tap);
    if (d->compute == NN_I8) {
        return (float)nn_weight_quantise(w, scale);
    }
    if (d->src == NN_U8) {
        w *= d->src_scale;
    }
    return d->compute == NN_BF16 ? nn_bf16_to_f32(nn_bf16_from_f32(w)) : w;
}

static void put(enum nn_dtype t, char *at, size_t i, float v)
{
    if (t == NN_F32) {
        ((float *)(void *)at)[i] = v;
    } else if (t == NN_BF16) {
        ((uint16_t *)(void *)at)[i] = nn_bf16_from_f32(v);
    } else {
        ((int8_t *)at)[i] = (int8_t)v;
    }
}

/* Weights of output channel o as column `lane` of its block: [runs][units][lanes] units. Returns
 * their sum, which the zero point of the source multiplies. */
static float pack_channel(const struct nn_conv *c, const struct nn_conv_desc *d, int part, int o,
                          char *block, size_t lane, size_t lanes, float scale)
{
    size_t per_unit = 4 / c->mult_bytes;
    int kernel = c->runs;
    float sum = 0.0f;
    for (int run = 0; run < kernel; run++) {
        for (int p = 0; p < kernel * d->in_c; p++) {
            int tap = d->transposed ? part : run * kernel + p / d->in_c;
            float w = weight_value(d, o, p % d->in_c, tap, scale);
            size_t unit = (size_t)run * (size_t)c->units + (size_t)p / per_unit;
            put(c->mult, block, (unit * lanes + lane) * per_unit + (size_t)p % per_unit, w);
            sum += w;
        }
    }
    return sum;
}

static void pack_weights(struct nn_conv *c, const struct nn_conv_desc *d)
{
    for (int b = 0; b < c->n_block; b++) {
        const struct conv_block *k = &c->block[b];
        for (int i = 0; i < k->channels; i++) {
            int o = k->channel + i;
            float scale = d->compute == NN_I8 ? nn_weight_scale(d, o) : 1.0f;
            float bias = d->bias ? d->bias[o] : 0.0f;
            c->scale[o] = scale * d->src_scale;
            c->bias[o] = bias;
            for (int part = 0; part < c->parts; part++) {
                char *to = c->weight + (size_t)part * c->part_bytes + k->weight;
                float sum =
                    pack_channel(c, d, part, o, to, (size_t)i, 16 * (size_t)k->columns, scale);
                size_t at = (size_t)(part * c->c16 + o);
                if (c->mult == NN_I8) {
                    ((int32_t *)(void *)c->init)[at] = -d->src_zero * (int32_t)sum;
                } else {
                    ((float *)(void *)c->init)[at] = bias;
                }
            }
        }
    }
}

static void pack_depthwise(struct nn_conv *c, const struct nn_conv_desc *d)
{
    float *w = (float *)(void *)c->weight;
    for (int o = 0; o < d->out_c; o++) {
        float scale = d->compute == NN_I8 ? nn_weight_scale(d, o) : 1.0f;
        c->bias[o] = d->bias ? d->bias[o] : 0.0f;
        for (int tap = 0; tap < 9; tap++) {
            float v = weight_value(d, o, 0, tap, scale);
            w[tap * c->c16 + o] = d->compute == NN_I8 ? v * scale * d->src_scale : v;
        }
    }
}

/* Zeroed, aligned; NULL when out of memory. */
static void *zeroed(size_t n)
{
    void *p = dm_alloc_aligned(n);
    if (p) {
        memset(p, 0, n);
    }
    return p;
}

int nn_avx512_prepare(struct nn_conv *c, const struct nn_conv_desc *d, struct dm_err *e)
{
    c->d = *d;
    c->d.weight = c->d.bias = NULL;
    DM_TRY(choose_kernels(c, e));
    geometry(c);
    size_t c16 = (size_t)c->c16, weights = 9 * c16 * sizeof(float);
    c->block = dm_calloc(c16 / 16, sizeof(*c->block));
    c->init = zeroed((size_t)c->parts * c16 * 4);
    c->scale = zeroed(c16 * sizeof(float));
    c->bias = zeroed(c16 * sizeof(float));
    if (c->block && !d->depthwise) {
        cut_channels(c, (size_t)c->runs * (size_t)c->units * 64);
        weights = c->part_bytes * (size_t)c->parts;
        c->blocks_outside = c->part_bytes > WEIGHTS_RESIDENT_MAX;
    }
    c->weight = zeroed(weights);
    if (!c->block || !c->init || !c->scale || !c->bias || !c->weight) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the weights of a convolution");
    }
    if (d->depthwise) {
        pack_depthwise(c, d);
    } else {
        pack_weights(c, d);
    }
    return DM_OK;
}

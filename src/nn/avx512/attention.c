/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention of C2PSA on the register tiles of the convolutions: 400 tokens and two heads at 640 px,
 * 1024 at 1024 px, once or twice a pass. Once a head, keys and values are packed as weights are
 * (keys are the 16-wide columns of the scores, value channels those of the result). Then blocks of
 * 14 queries go through
 *     scores = queries x keys,  weights = softmax(scores),  result = weights x values
 * while their scores stay in cache: the n x n matrix never exists. BF16 views are multiplied in
 * BF16, the weights of the softmax too. */
#include <math.h>

#include "base/arith.h"
#include "nn/avx512/conv.h"
#include "nn/avx512/step.h"
#include "nn/avx512/vec.h"

enum { QUERIES = 14, COLUMNS = 2, LANES = 16 * COLUMNS };

/* Sizes in elements of the type that is multiplied, `unit` of which are 4 bytes. */
struct head {
    const struct nn_attention_desc *d;
    const struct nn_view *qkv, *dst;
    bool bf16;
    size_t unit, n, n_pad, key_pad, value_pad;
    size_t q, k, v, out; /* first channel of this head's parts */
    char *key, *value; /* [n_pad / LANES] x [key_pad] x LANES, [value_pad / LANES] x [n_pad] x .. */
    char *query, *weight, *row; /* [QUERIES][key_pad], [QUERIES][n_pad], one token */
    float *score, *acc, *zero;  /* [n_pad / LANES][QUERIES][LANES], [QUERIES][LANES], [LANES] */
};

static void *take(char *base, size_t *at, size_t bytes)
{
    void *p = base ? base + *at : NULL;
    *at += dm_align_up(bytes, 64);
    return p;
}

/* Sizes of h, and its buffers from base on (NULL: only count). Returns their bytes. */
static size_t layout(struct head *h, char *base)
{
    size_t each = 4 / h->unit, at = 0;
    h->n = (size_t)h->d->h * (size_t)h->d->w;
    h->n_pad = dm_align_up(h->n, LANES);
    h->key_pad = dm_align_up((size_t)h->d->key_c, h->unit);
    h->value_pad = dm_align_up((size_t)h->d->value_c, LANES);
    h->key = take(base, &at, h->n_pad * h->key_pad * each);
    h->value = take(base, &at, h->n_pad * h->value_pad * each);
    h->query = take(base, &at, QUERIES * h->key_pad * each);
    h->weight = take(base, &at, QUERIES * h->n_pad * each);
    h->row = take(base, &at, 2 * DM_MAX(h->key_pad, h->value_pad) * each);
    h->score = take(base, &at, QUERIES * h->n_pad * sizeof(float));
    h->acc = take(base, &at, QUERIES * LANES * sizeof(float));
    h->zero = take(base, &at, LANES * sizeof(float));
    return at;
}

size_t nn_avx512_attention_scratch(const struct nn_attention_desc *d)
{
    struct head h = {.d = d, .unit = 1}; /* F32 needs the more */
    return layout(&h, NULL);
}

/* c channels of tokens from `first` on, side by side with rows of pad elements. */
static void fetch(const struct head *h, size_t token, int tokens, size_t channel, int c, size_t pad,
                  char *to)
{
    static const pack_fn *const from_f32 = pack_row[0], *const from_bf16 = pack_row[1];
    size_t size = nn_element_size(h->qkv->dtype), each = 4 / h->unit;
    pack_fn pack = (h->qkv->dtype == NN_F32 ? from_f32 : from_bf16)[h->bf16 ? 1 : 0];
    memset(to, 0, (size_t)tokens * pad * each);
    for (int i = 0; i < tokens; i++) {
        size_t at = (token + (size_t)i) * h->qkv->step + channel;
        pack(&(struct pack_args){.src = (const char *)h->qkv->data + at * size,
                                 .dst = to + (size_t)i * pad * each,
                                 .pixels = 1,
                                 .channels = c});
    }
}

static void pack_keys(const struct head *h)
{
    size_t units = h->key_pad / h->unit;
    memset(h->key, 0, h->n_pad * units * 4);
    for (size_t j = 0; j < h->n; j++) {
        fetch(h, j, 1, h->k, h->d->key_c, h->key_pad, h->row);
        char *to = h->key + 4 * (j / LANES * units * LANES + j % LANES);
        for (size_t u = 0; u < units; u++) {
            memcpy(to + 4 * u * LANES, h->row + 4 * u, 4);
        }
    }
}

/* Tokens t, t + 1 side by side in each unit of BF16. */
static void pack_values(const struct head *h)
{
    size_t each = 4 / h->unit;
    for (size_t t = 0; t < h->n_pad; t += h->unit) {
        char *second = h->row + h->value_pad * each;
        memset(h->row, 0, 2 * h->value_pad * each);
        for (size_t i = 0; i < h->unit && t + i < h->n; i++) {
            fetch(h, t + i, 1, h->v, h->d->value_c, h->value_pad, i ? second : h->row);
        }
        for (size_t c = 0; c < h->value_pad; c += 16) {
            size_t block = c / LANES, unit = t / h->unit;
            char *to = h->value + 4 * ((block * (h->n_pad / h->unit) + unit) * LANES + c % LANES);
            if (!h->bf16) {
                _mm512_storeu_si512(to, _mm512_loadu_si512(h->row + 4 * c));
                continue;
            }
            __m256i a = _mm256_loadu_si256((const void *)(h->row + 2 * c));
            __m256i b = _mm256_loadu_si256((const void *)(second + 2 * c));
            __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16);
            _mm512_storeu_si512(to, _mm512_or_si512(_mm512_cvtepu16_epi32(a), high));
        }
    }
}

/* 16 scores of query r, and which of them belong to tokens. */
VEC_INLINE __m512 scores(const struct head *h, size_t r, size_t token, __mmask16 *ret_mask)
{
    *ret_mask = vec_tail(h->n > token ? h->n - token : 0);
    return _mm512_load_ps(h->score + (token / LANES * QUERIES + r) * LANES + token % LANES);
}

/* Weights of query r of the block: e^(scale * (score - largest)), not yet divided by their sum,
 * which is returned. */
VEC_INLINE float soften(const struct head *h, size_t r, const bool bf16)
{
    const size_t each = bf16 ? 2 : 4;
    char *to = h->weight + r * h->n_pad * each;
    __m512 max = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
    __m512 scale = _mm512_set1_ps(h->d->scale);
    __mmask16 m;
    for (size_t j = 0; j < h->n_pad; j += 16) {
        __m512 s = scores(h, r, j, &m);
        max = _mm512_mask_max_ps(max, m, max, s);
    }
    max = _mm512_mul_ps(_mm512_set1_ps(_mm512_reduce_max_ps(max)), scale);
    for (size_t j = 0; j < h->n_pad; j += 16) {
        __m512 s = scores(h, r, j, &m);
        __m512 e = vec_exp_minus(_mm512_fnmadd_ps(s, scale, max), bf16);
        e = _mm512_maskz_mov_ps(m, e);
        sum = _mm512_add_ps(sum, e);
        vec_store(to + j * each, bf16 ? NN_BF16 : NN_F32, e, true, 0xffff);
    }
    return _mm512_reduce_add_ps(sum);
}

/* acc [rows][LANES] = a [rows][units] x one block of columns. */
/* NOLINTBEGIN(readability-non-const-parameter): the tile writes acc through its arguments */
static void multiply(const struct head *h, const char *a, size_t pitch, size_t units,
                     const char *block, int rows, float *acc)
/* NOLINTEND(readability-non-const-parameter) */
{
    struct tile_args t = {.src = a,
                          .pixel_bytes = pitch,
                          .runs = 1,
                          .units = (int)units,
                          .weight = block,
                          .init = h->zero,
                          .acc = acc};
    (h->bf16 ? tile_bf16 : tile_f32)[0][COLUMNS - 1][rows - 1](&t);
}

static void put(const struct head *h, size_t token, int rows, size_t channel, const float *norm)
{
    size_t size = nn_element_size(h->dst->dtype);
    for (int r = 0; r < rows; r++) {
        size_t at = (token + (size_t)r) * h->dst->step + h->out + channel;
        for (size_t c = 0; c < LANES && channel + c < (size_t)h->d->value_c; c += 16) {
            size_t left = (size_t)h->d->value_c - channel - c;
            __m512 x = _mm512_load_ps(h->acc + (size_t)r * LANES + c);
            x = _mm512_mul_ps(x, _mm512_set1_ps(norm[r]));
            vec_store((char *)h->dst->data + (at + c) * size, h->dst->dtype, x, false,
                      vec_tail(left));
        }
    }
}

/* Queries [i, i + rows). */
static void run_block(const struct head *h, size_t i, int rows)
{
    size_t each = 4 / h->unit, units = h->key_pad / h->unit;
    float norm[QUERIES];
    fetch(h, i, rows, h->q, h->d->key_c, h->key_pad, h->query);
    for (size_t b = 0; b < h->n_pad / LANES; b++) {
        multiply(h, h->query, h->key_pad * each, units, h->key + 4 * b * units * LANES, rows,
                 h->score + b * QUERIES * LANES);
    }
    for (int r = 0; r < rows; r++) {
        norm[r] = 1.0f / (h->bf16 ? soften(h, (size_t)r, true) : soften(h, (size_t)r, false));
    }
    for (size_t c = 0; c < (size_t)h->d->value_c; c += LANES) {
        multiply(h, h->weight, h->n_pad * each, h->n_pad / h->unit,
                 h->value + 4 * (c / LANES) * (h->n_pad / h->unit) * LANES, rows, h->acc);
        put(h, i, rows, c, norm);
    }
}

void nn_avx512_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                         const struct nn_view *dst, void *scratch)
{
    struct head h = {
        .d = d, .qkv = qkv, .dst = dst, .bf16 = qkv->dtype == NN_BF16 && nn_avx512_has_bf16()};
    h.unit = h.bf16 ? 2 : 1;
    (void)layout(&h, scratch);
    memset(h.zero, 0, LANES * sizeof(float));
    for (int head = 0; head < d->heads; head++) {
        h.q = (size_t)head * (size_t)(2 * d->key_c + d->value_c);
        h.k = h.q + (size_t)d->key_c;
        h.v = h.k + (size_t)d->key_c;
        h.out = (size_t)head * (size_t)d->value_c;
        pack_keys(&h);
        pack_values(&h);
        for (size_t i = 0; i < h.n; i += QUERIES) {
            run_block(&h, i, (int)DM_MIN((size_t)QUERIES, h.n - i));
        }
    }
}

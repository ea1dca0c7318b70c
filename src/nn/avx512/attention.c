/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention of C2PSA in f32 on AVX-512: 400 tokens and two heads at 640 px, once or twice a pass.
 * Keys are packed channel-major and values row-major once a head; then blocks of six queries go
 * through scores, softmax and the weighted sum while their score rows stay in the L1 cache, so the
 * whole n x n matrix never exists. */
#include "nn/avx512/step.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "base/arith.h"

enum { ROWS = 6, VECTORS = 4, LANES = 16, COLUMNS = VECTORS * LANES };

struct packed {
    size_t n, n_pad;    /* tokens, rounded up to COLUMNS */
    size_t value_pad;   /* value channels, rounded up to COLUMNS */
    const float *key;   /* [key_c][n_pad], scale folded in, zero beyond n */
    const float *value; /* [n][value_pad], zero beyond value_c */
    float *query;       /* [ROWS][key_c] */
    float *score;       /* [ROWS][n_pad] */
};

size_t nn_avx512_attention_scratch(const struct nn_attention_desc *d)
{
    size_t n = (size_t)d->h * (size_t)d->w, key_c = (size_t)d->key_c;
    size_t n_pad = dm_align_up(n, COLUMNS), value_pad = dm_align_up((size_t)d->value_c, COLUMNS);
    size_t query = dm_align_up(ROWS * key_c, LANES);
    return (key_c * n_pad + n * value_pad + query + ROWS * n_pad) * sizeof(float);
}

/* exp(x) for x <= 0: 2^(x log2 e), the fraction by a polynomial of degree 6 on [-0.5, 0.5].
 * Relative error below 3e-7; results below 2^-126 become 0. */
NN_AVX512 static inline __m512 exp_negative(__m512 x)
{
    __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f));
    t = _mm512_max_ps(t, _mm512_set1_ps(-150.0f));
    __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 f = _mm512_sub_ps(t, whole);
    __m512 p = _mm512_set1_ps(1.535336188319500e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.339887440266574e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.618437357674640e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550332471162809e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.402264791363012e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.931472028550421e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, whole);
}

/* out [ROWS][COLUMNS of out_step] = a [ROWS][k] . b [k][COLUMNS of b_step] */
NN_AVX512 static inline void multiply(const float *a, size_t a_step, const float *b, size_t b_step,
                                      size_t k, float *out, size_t out_step)
{
    __m512 acc[ROWS][VECTORS];
    for (int r = 0; r < ROWS; r++) {
        for (int v = 0; v < VECTORS; v++) {
            acc[r][v] = _mm512_setzero_ps();
        }
    }
    for (size_t i = 0; i < k; i++) {
        __m512 row[VECTORS];
        for (int v = 0; v < VECTORS; v++) {
            row[v] = _mm512_load_ps(b + i * b_step + (size_t)v * LANES);
        }
        for (int r = 0; r < ROWS; r++) {
            __m512 x = _mm512_set1_ps(a[(size_t)r * a_step + i]);
            for (int v = 0; v < VECTORS; v++) {
                acc[r][v] = _mm512_fmadd_ps(x, row[v], acc[r][v]);
            }
        }
    }
    for (int r = 0; r < ROWS; r++) {
        for (int v = 0; v < VECTORS; v++) {
            _mm512_storeu_ps(out + (size_t)r * out_step + (size_t)v * LANES, acc[r][v]);
        }
    }
}

/* row [n] -> exp(row - max), zero up to n_pad; returns the sum. */
NN_AVX512 static float soften(float *row, size_t n, size_t n_pad)
{
    __m512 max = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
    for (size_t j = n; j < n_pad; j++) {
        row[j] = -INFINITY;
    }
    for (size_t j = 0; j < n_pad; j += LANES) {
        max = _mm512_max_ps(max, _mm512_load_ps(row + j));
    }
    max = _mm512_set1_ps(_mm512_reduce_max_ps(max));
    for (size_t j = 0; j < n_pad; j += LANES) {
        __m512 e = exp_negative(_mm512_sub_ps(_mm512_load_ps(row + j), max));
        _mm512_store_ps(row + j, e);
        sum = _mm512_add_ps(sum, e);
    }
    for (size_t j = n; j < n_pad; j++) {
        row[j] = 0.0f;
    }
    return _mm512_reduce_add_ps(sum);
}

static void pack(const struct nn_attention_desc *d, const struct nn_view *qkv, size_t first,
                 const struct packed *p, float *key, float *value)
{
    float row[COLUMNS];
    size_t k = first + (size_t)d->key_c, v = k + (size_t)d->key_c;
    memset(key, 0, (size_t)d->key_c * p->n_pad * sizeof(float));
    memset(value, 0, p->n * p->value_pad * sizeof(float));
    for (size_t j = 0; j < p->n; j++) {
        for (size_t c = 0; c < (size_t)d->key_c; c += COLUMNS) {
            size_t m = DM_MIN((size_t)COLUMNS, (size_t)d->key_c - c);
            nn_avx512_load(qkv, j * qkv->step + k + c, m, row);
            for (size_t i = 0; i < m; i++) {
                key[(c + i) * p->n_pad + j] = row[i] * d->scale;
            }
        }
        nn_avx512_load(qkv, j * qkv->step + v, (size_t)d->value_c, value + j * p->value_pad);
    }
}

/* Rows [i, i + rows) of one head; a short last block repeats its last query. */
static void block(const struct nn_attention_desc *d, const struct nn_view *qkv, size_t first,
                  const struct packed *p, size_t i, const struct nn_view *dst, size_t dst_first)
{
    size_t key_c = (size_t)d->key_c, rows = DM_MIN((size_t)ROWS, p->n - i);
    float out[ROWS][COLUMNS], scale[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        size_t token = i + DM_MIN(r, rows - 1);
        nn_avx512_load(qkv, token * qkv->step + first, key_c, p->query + r * key_c);
    }
    for (size_t j = 0; j < p->n_pad; j += COLUMNS) {
        multiply(p->query, key_c, p->key + j, p->n_pad, key_c, p->score + j, p->n_pad);
    }
    for (size_t r = 0; r < rows; r++) {
        scale[r] = 1.0f / soften(p->score + r * p->n_pad, p->n, p->n_pad);
    }
    for (size_t c = 0; c < (size_t)d->value_c; c += COLUMNS) {
        size_t m = DM_MIN((size_t)COLUMNS, (size_t)d->value_c - c);
        multiply(p->score, p->n_pad, p->value + c, p->value_pad, p->n, out[0], COLUMNS);
        for (size_t r = 0; r < rows; r++) {
            for (size_t k = 0; k < m; k++) {
                out[r][k] *= scale[r];
            }
            nn_avx512_store(dst, (i + r) * dst->step + dst_first + c, m, out[r]);
        }
    }
}

void nn_avx512_attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                         const struct nn_view *dst, void *scratch)
{
    size_t n = (size_t)d->h * (size_t)d->w, key_c = (size_t)d->key_c;
    struct packed p = {.n = n,
                       .n_pad = dm_align_up(n, COLUMNS),
                       .value_pad = dm_align_up((size_t)d->value_c, COLUMNS)};
    float *key = scratch, *value = key + key_c * p.n_pad;
    p.key = key;
    p.value = value;
    p.score = value + n * p.value_pad;
    p.query = p.score + ROWS * p.n_pad;
    for (size_t head = 0; head < (size_t)d->heads; head++) {
        size_t first = head * (size_t)(2 * d->key_c + d->value_c);
        pack(d, qkv, first, &p, key, value);
        for (size_t i = 0; i < n; i += ROWS) {
            block(d, qkv, first, &p, i, dst, head * (size_t)d->value_c);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Step kernels in plain C: through real numbers, element by element. */
#include "nn/kernels_impl.h"
#include "nn/quant.h"

static size_t pixels(const struct nn_view *v)
{
    return (size_t)v->h * (size_t)v->w;
}

/* n channels of pixel `from` of src to pixel `to` of dst. */
static void copy_pixel(const struct nn_view *src, size_t from, const struct nn_view *dst, size_t to)
{
    from *= src->step;
    to *= dst->step;
    if (nn_same_format(src, dst)) {
        size_t size = nn_element_size(src->dtype);
        memcpy((char *)dst->data + to * size, (const char *)src->data + from * size,
               (size_t)src->c * size);
        return;
    }
    for (size_t i = 0; i < (size_t)src->c; i++) {
        nn_element_store(dst, to + i, nn_element_load(src, from + i));
    }
}

static void copy(const struct nn_view *src, const struct nn_view *dst)
{
    for (size_t p = 0; p < pixels(src); p++) {
        copy_pixel(src, p, dst, p);
    }
}

static void add(const struct nn_view *a, const struct nn_view *b, const struct nn_view *dst)
{
    for (size_t p = 0; p < pixels(dst); p++) {
        for (size_t i = 0; i < (size_t)dst->c; i++) {
            nn_element_store(dst, p * dst->step + i,
                             nn_element_load(a, p * a->step + i) +
                                 nn_element_load(b, p * b->step + i));
        }
    }
}

static void upsample2(const struct nn_view *src, const struct nn_view *dst)
{
    for (int y = 0; y < dst->h; y++) {
        for (int x = 0; x < dst->w; x++) {
            copy_pixel(src, (size_t)(y / 2) * (size_t)src->w + (size_t)(x / 2), dst,
                       (size_t)y * (size_t)dst->w + (size_t)x);
        }
    }
}

static size_t max_pool_scratch(const struct nn_view *src, int k)
{
    (void)src;
    (void)k;
    return 0;
}

static void max_pool(const struct nn_view *src, int k, const struct nn_view *dst, void *scratch)
{
    (void)scratch;
    for (int y = 0; y < src->h; y++) {
        for (int x = 0; x < src->w; x++) {
            int y0 = DM_MAX(y - k / 2, 0), y1 = DM_MIN(y + k / 2, src->h - 1);
            int x0 = DM_MAX(x - k / 2, 0), x1 = DM_MIN(x + k / 2, src->w - 1);
            for (size_t i = 0; i < (size_t)src->c; i++) {
                float max = -INFINITY;
                for (int sy = y0; sy <= y1; sy++) {
                    for (int sx = x0; sx <= x1; sx++) {
                        size_t at = (size_t)sy * (size_t)src->w + (size_t)sx;
                        max = fmaxf(max, nn_element_load(src, at * src->step + i));
                    }
                }
                nn_element_store(dst, ((size_t)y * (size_t)dst->w + (size_t)x) * dst->step + i,
                                 max);
            }
        }
    }
}

/* One row of scores. */
static size_t attention_scratch(const struct nn_attention_desc *d)
{
    return (size_t)d->h * (size_t)d->w * sizeof(float);
}

/* row [n] = softmax(q_i . k_j * scale) with the largest score taken off first; returns 1 / sum. */
static float score_row(const struct nn_attention_desc *d, const struct nn_view *qkv, size_t n,
                       size_t q, size_t k, float *row)
{
    float max = -INFINITY, sum = 0.0f;
    for (size_t j = 0; j < n; j++) {
        float s = 0.0f;
        for (size_t c = 0; c < (size_t)d->key_c; c++) {
            s += nn_element_load(qkv, q + c) * nn_element_load(qkv, j * qkv->step + k + c);
        }
        row[j] = s * d->scale;
        max = fmaxf(max, row[j]);
    }
    for (size_t j = 0; j < n; j++) {
        row[j] = expf(row[j] - max);
        sum += row[j];
    }
    return 1.0f / sum;
}

static void attention(const struct nn_attention_desc *d, const struct nn_view *qkv,
                      const struct nn_view *dst, void *scratch)
{
    size_t n = (size_t)d->h * (size_t)d->w, head_c = (size_t)(2 * d->key_c + d->value_c);
    float *row = scratch;
    for (size_t head = 0; head < (size_t)d->heads; head++) {
        size_t q = head * head_c, k = q + (size_t)d->key_c, v = k + (size_t)d->key_c;
        for (size_t i = 0; i < n; i++) {
            float norm = score_row(d, qkv, n, i * qkv->step + q, k, row);
            for (size_t c = 0; c < (size_t)d->value_c; c++) {
                float sum = 0.0f;
                for (size_t j = 0; j < n; j++) {
                    sum += row[j] * nn_element_load(qkv, j * qkv->step + v + c);
                }
                nn_element_store(dst, i * dst->step + head * (size_t)d->value_c + c, sum * norm);
            }
        }
    }
}

const struct nn_kernel_set nn_kernels_plain = {
    .name = "plain",
    .copy = copy,
    .add = add,
    .upsample2 = upsample2,
    .max_pool_scratch = max_pool_scratch,
    .max_pool = max_pool,
    .attention_scratch = attention_scratch,
    .attention = attention,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * The mask of one container from prototypes and coefficients (vision.md 4.4). Runs once per
 * container on a quarter-size picture, 256 x 192 for a 12 MP photo; work is done inside the box
 * only, plus the few pixels the enlarging bleeds over its edge. */
#include "vision/yolo.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Half-open range of columns or rows. */
struct span {
    int from, to;
};

/* Box edges in prototype pixels: rounded half to even; negative ones clamp at 0, where the
 * reference wraps around and loses the mask. */
static struct span crop_span(float from, float to, int proto_side, int net_side)
{
    float ratio = (float)((double)proto_side / net_side);
    float limit = (float)proto_side;
    float a = rintf(from * ratio);
    float b = rintf(to * ratio);
    return (struct span){(int)DM_CLAMP(a, 0.0f, limit), (int)DM_CLAMP(b, 0.0f, limit)};
}

enum { LANES = 8 };

/* In eight partial sums, which vectorise. */
static float dot(const float *a, const float *b, int n)
{
    float sum[LANES] = {0};
    float total = 0;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sum[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < n; i++) {
        total += a[i] * b[i];
    }
    for (int k = 0; k < LANES; k++) {
        total += sum[k];
    }
    return total;
}

/* Coefficients of the anchor a box came from. */
static const float *find_coefs(const struct nn_heads *heads, int anchor)
{
    for (int i = 0; i < heads->n_levels; i++) {
        const struct nn_level *l = &heads->level[i];
        if (anchor < l->w * l->h) {
            return l->coef + (size_t)anchor * l->coef_step;
        }
        anchor -= l->w * l->h;
    }
    return NULL;
}

/* Where an output pixel lies between two inputs: half-pixel centres, clamped at both ends. */
struct tap {
    int i, j;     /* neighbours */
    float wi, wj; /* weights */
};

static struct tap tap_at(int dst, float scale, int n)
{
    float src = scale * ((float)dst + 0.5f) - 0.5f;
    src = src < 0 ? 0 : src;
    int i = DM_MIN((int)src, n - 1);
    float w = src - (float)i;
    return (struct tap){i, DM_MIN(i + 1, n - 1), 1.0f - w, w};
}

/* Output pixels that touch a span of inputs: one input pixel more on each side. */
static struct span touched(struct span s, int n_in, int n_out)
{
    float up = (float)n_out / (float)n_in;
    return (struct span){DM_MAX(0, (int)floorf((float)(s.from - 1) * up)),
                         DM_MIN(n_out, (int)ceilf((float)(s.to + 1) * up))};
}

/* Logits [proto_h][proto_w] inside the crop; the rest stays 0. */
static void fill_logits(const struct nn_heads *heads, const float *coef, struct span rows,
                        struct span columns, float *logit)
{
    for (int y = rows.from; y < rows.to; y++) {
        for (int x = columns.from; x < columns.to; x++) {
            size_t at = (size_t)y * (size_t)heads->proto_w + (size_t)x;
            logit[at] = dot(coef, heads->proto + at * (size_t)heads->n_coefs, heads->n_coefs);
        }
    }
}

/* Enlarge and threshold: columns first, then rows, as the reference weighs them. */
static void enlarge(const float *logit, int w, int h, struct span rows, struct span columns,
                    struct image *out)
{
    float scale_x = (float)w / (float)out->w;
    float scale_y = (float)h / (float)out->h;
    struct span xs = touched(columns, w, out->w);
    struct span ys = touched(rows, h, out->h);
    for (int y = ys.from; y < ys.to; y++) {
        struct tap ty = tap_at(y, scale_y, h);
        const float *upper = logit + (size_t)ty.i * (size_t)w;
        const float *lower = logit + (size_t)ty.j * (size_t)w;
        uint8_t *row = image_row(out, y);
        for (int x = xs.from; x < xs.to; x++) {
            struct tap tx = tap_at(x, scale_x, w);
            float u = tx.wi * upper[tx.i] + tx.wj * upper[tx.j];
            float l = tx.wi * lower[tx.i] + tx.wj * lower[tx.j];
            row[x] = ty.wi * u + ty.wj * l > 0 ? 255 : 0;
        }
    }
}

int yolo_mask(const struct nn_heads *heads, const struct yolo_letterbox *lb,
              const struct yolo_box *b, struct image *ret, struct dm_err *e)
{
    int w = heads->proto_w;
    int h = heads->proto_h;
    const float *coef = find_coefs(heads, b->anchor);
    DM_BUG_UNLESS(coef && heads->proto);
    struct span rows = crop_span(b->y1, b->y2, h, lb->net_h);
    struct span columns = crop_span(b->x1, b->x2, w, lb->net_w);
    DM_CLEANUP(dm_freep) float *logit = dm_calloc((size_t)w * (size_t)h, sizeof(*logit));
    if (!logit) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a mask of %d x %d", w, h);
    }
    DM_TRY(image_init_zero(ret, lb->net_w, lb->net_h, 1, e));
    if (rows.from < rows.to && columns.from < columns.to) {
        fill_logits(heads, coef, rows, columns, logit);
        enlarge(logit, w, h, rows, columns, ret);
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The estimate of vision.md 8 pixel by pixel, for comparison: every step is written as the text
 * says it, on whole frames, without any of the short cuts of src/vision/estimate*.c. A fault can be
 * planted in each step, to see that the comparisons notice it. */
#ifndef TESTS_SUPPORT_NAIVE_ESTIMATE_H
#define TESTS_SUPPORT_NAIVE_ESTIMATE_H

#include <math.h>

#include "image/ops.h"
#include "support/pattern.h"
#include "vision/estimate.h"

enum naive_fault {
    NAIVE_RIGHT,
    NAIVE_CIRCLE_SMALLER, /* radius one less */
    NAIVE_NO_BLUR,
    NAIVE_CLAIMED_IGNORED,
    NAIVE_SOIL_KEPT,
    NAIVE_OTSU_SCOPE, /* the other scope */
    NAIVE_NOT_OPENED,
    NAIVE_OPENED_PER_BAND, /* an opening that does not see the rows beside the band */
    NAIVE_BAND_BOUNDS,     /* detections of y0 < Y <= y1 */
    NAIVE_NO_FENCE,
    NAIVE_FAULTS
};

static inline int naive_mirror(int i, int n)
{
    while (n > 1 && (i < 0 || i >= n)) {
        i = i < 0 ? -i : 2 * n - 2 - i;
    }
    return n > 1 ? i : 0;
}

/* 8.1 steps 1 and 2 on the frame rect. */
static inline struct image naive_detection_mask(const struct vision_detection *d, size_t n,
                                                struct image_rect rect, enum naive_fault fault)
{
    static const int k[] = {1, 3, 6, 12, 20, 30, 36, 40, 36, 30, 20, 12, 6, 3, 1};
    struct image circles = plain_image(0, rect.w, rect.h, 1);
    struct image soft = plain_image(0, rect.w, rect.h, 1);
    for (size_t i = 0; i < n; i++) {
        int side = (int)trunc(fmax(trunc(d[i].w), trunc(d[i].h)) * 0.85);
        int r = fault == NAIVE_CIRCLE_SMALLER && side > 0 ? side - 1 : side;
        image_fill_circle(&circles, (int)trunc(d[i].cx) - rect.x, (int)trunc(d[i].cy) - rect.y, r,
                          255);
    }
    for (int y = 0; y < rect.h; y++) {
        for (int x = 0; x < rect.w; x++) {
            int sum = 0;
            for (int t = 0; t < 15 * 15; t++) {
                const uint8_t *row = image_row(&circles, naive_mirror(y + t / 15 - 7, rect.h));
                sum += k[t / 15] * k[t % 15] * row[naive_mirror(x + t % 15 - 7, rect.w)];
            }
            image_row(&soft, y)[x] =
                fault == NAIVE_NO_BLUR ? image_row(&circles, y)[x] : (uint8_t)((sum + 32768) >> 16);
        }
    }
    image_clear(&circles);
    return soft;
}

/* 8.1 step 3 and own_residual, of the rows y0 <= y < y1; a whole frame. */
static inline struct image naive_residual(const struct estimate_input *in, int y0, int y1,
                                          enum naive_fault fault)
{
    struct image r = plain_image(0, in->rect.w, in->rect.h, 1);
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < r.w; x++) {
            bool taken = in->claimed && image_row(in->claimed, y)[x] != 0;
            bool left = image_row(in->mask, y)[x] != 0 && image_row(in->detections, y)[x] <= 127 &&
                        (!taken || fault == NAIVE_CLAIMED_IGNORED);
            image_row(&r, y)[x] = left ? 255 : 0;
        }
    }
    return r;
}

static inline bool naive_soil(const uint8_t *p)
{
    uint8_t hsv[3];
    image_hsv_u8(p[0], p[1], p[2], hsv);
    return hsv[0] <= 30 && hsv[1] <= 40 && hsv[2] <= 40;
}

/* Least or greatest of the 3x3 neighbourhood inside rows y0 <= y < y1 of the image. */
static inline struct image naive_morph(const struct image *in, bool least, int y0, int y1)
{
    struct image out = plain_image(0, in->w, in->h, 1);
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < in->w; x++) {
            uint8_t v = image_row(in, y)[x];
            for (int t = 0; t < 9; t++) {
                int u = x + t % 3 - 1, w = y + t / 3 - 1;
                if (u >= 0 && u < in->w && w >= y0 && w < y1) {
                    uint8_t n = image_row(in, w)[u];
                    v = least ? DM_MIN(v, n) : DM_MAX(v, n);
                }
            }
            image_row(&out, y)[x] = v;
        }
    }
    return out;
}

/* 8.3: what is left of residual (rows y0 <= y < y1 of a frame) without floor. */
static inline struct image naive_processed(const struct estimate_input *in, int scope,
                                           const struct image *residual, int y0, int y1,
                                           enum naive_fault fault)
{
    uint64_t histogram[256] = {0};
    bool masked = (scope == VISION_OTSU_MASKED) != (fault == NAIVE_OTSU_SCOPE);
    struct image light = plain_image(0, residual->w, residual->h, 1);
    for (int i = 0; i < light.w * light.h; i++) {
        const uint8_t *p = image_row(in->photo, i / light.w) + 3 * (i % light.w);
        light.px[i] = residual->px[i] ? image_lightness_u8(p[0], p[1], p[2]) : 0;
        histogram[light.px[i]] += residual->px[i] || !masked;
    }
    int threshold = image_otsu(histogram);
    struct image veg = plain_image(0, light.w, light.h, 1);
    for (int i = 0; i < light.w * light.h; i++) {
        const uint8_t *p = image_row(in->photo, i / light.w) + 3 * (i % light.w);
        bool soil = fault != NAIVE_SOIL_KEPT && naive_soil(p);
        veg.px[i] = light.px[i] > threshold && !soil ? 255 : 0;
    }
    bool per_band = fault == NAIVE_OPENED_PER_BAND;
    int top = per_band ? y0 : 0;
    int bottom = per_band ? y1 : light.h;
    struct image eroded = naive_morph(&veg, true, top, bottom);
    struct image opened = naive_morph(&eroded, false, top, bottom);
    struct image out = plain_image(0, light.w, light.h, 1);
    for (int i = 0; i < light.w * light.h; i++) {
        out.px[i] = residual->px[i] & (fault == NAIVE_NOT_OPENED ? veg.px[i] : opened.px[i]);
    }
    image_clear(&light);
    image_clear(&veg);
    image_clear(&eroded);
    image_clear(&opened);
    return out;
}

static inline int64_t naive_count(const struct image *im)
{
    int64_t n = 0;
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            n += image_row(im, y)[x] != 0;
        }
    }
    return n;
}

/* Value at position q of the sorted list, by counting. */
static inline double naive_rank(const double *a, size_t n, double q)
{
    double at = (double)(n - 1) * q;
    double around[2] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t below = 0, equal = 0;
        for (size_t j = 0; j < n; j++) {
            below += a[j] < a[i];
            equal += a[j] <= a[i];
        }
        for (int k = 0; k < 2; k++) {
            double rank = fmin(floor(at) + k, (double)n - 1);
            around[k] = (double)below <= rank && rank < (double)equal ? a[i] : around[k];
        }
    }
    return around[0] + (around[1] - around[0]) * (at - floor(at));
}

/* 8.4: mean area of the detections of rows y0 <= Y < y1; 0 when fewer than ten. */
static inline double naive_area(const struct vision_detection *d, size_t n, int y0, int y1,
                                enum naive_fault fault)
{
    double a[512];
    size_t m = 0;
    for (size_t i = 0; i < n && m < DM_COUNT(a); i++) {
        bool inside = fault == NAIVE_BAND_BOUNDS ? d[i].cy > y0 && d[i].cy <= y1
                                                 : d[i].cy >= y0 && d[i].cy < y1;
        if (inside) {
            a[m++] = d[i].w * d[i].h;
        }
    }
    if (m < 10) {
        return 0;
    }
    double q1 = naive_rank(a, m, 0.25);
    double q3 = naive_rank(a, m, 0.75);
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < m; i++) {
        bool odd = a[i] < q1 - 1.5 * (q3 - q1) || a[i] > q3 + 1.5 * (q3 - q1);
        if (!odd || fault == NAIVE_NO_FENCE) {
            sum += a[i];
            kept++;
        }
    }
    return kept > 0 ? sum / (double)kept : 0;
}

/* All rows of one container, without density. */
static inline void naive_bands(const struct estimate_input *in, const struct vision_params *p,
                               struct vision_band *ret, enum naive_fault fault)
{
    for (int b = 0; b < p->bands; b++) {
        int y0 = b * (in->rect.h / p->bands);
        int y1 = b + 1 < p->bands ? (b + 1) * (in->rect.h / p->bands) : in->rect.h;
        struct image residual = naive_residual(in, y0, y1, fault);
        struct image processed = naive_processed(in, p->otsu_scope, &residual, y0, y1, fault);
        struct vision_band *r = &ret[b];
        *r = (struct vision_band){
            .container = r->container,
            .number = b + 1,
            .y_start = in->rect.y + y0,
            .y_end = in->rect.y + y1,
            .residual_px = naive_count(&residual),
            .processed_px = naive_count(&processed),
            .alpha = p->alpha_overcount,
            .plant_area_px = p->default_plant_area_px,
        };
        r->suppressed_px = r->residual_px - r->processed_px;
        if (r->processed_px > 0) {
            double area = naive_area(in->detection, in->n, r->y_start, r->y_end, fault);
            r->calibrated = area > 0;
            r->plant_area_px = area > 0 ? area : p->default_plant_area_px;
            r->count = (uint32_t)ceil((double)r->processed_px / (r->plant_area_px * r->alpha));
        }
        image_clear(&residual);
        image_clear(&processed);
    }
}

/* How many of the bands differ in anything. */
static inline int band_differences(const struct vision_band *a, const struct vision_band *b, int n)
{
    int different = 0;
    for (int i = 0; i < n; i++) {
        different += a[i].number != b[i].number || a[i].y_start != b[i].y_start ||
                     a[i].y_end != b[i].y_end || a[i].residual_px != b[i].residual_px ||
                     a[i].processed_px != b[i].processed_px ||
                     a[i].suppressed_px != b[i].suppressed_px || a[i].count != b[i].count ||
                     a[i].calibrated != b[i].calibrated || a[i].method != b[i].method ||
                     fabs(a[i].plant_area_px - b[i].plant_area_px) > 1e-9 * b[i].plant_area_px;
    }
    return different;
}

#endif

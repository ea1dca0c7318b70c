/* SPDX-License-Identifier: Apache-2.0
 *
 * Band method: the area the detector left over in each of four horizontal bands, divided by the
 * size its own detections have there, because plants farther away look smaller (vision.md 8). */
#include "vision/estimate.h"

#include <math.h>

#include "base/alloc.h"
#include "vision/estimate_floor.h"

/* Circles are wider than the plants: what the detector has seen must not be counted again. */
#define CIRCLE_FACTOR 0.85
#define SOFT_KSIZE    15

/* Scale without a known ground area: 2500 px^2 stand for a pot of 5 x 5 cm. */
#define DEFAULT_PX2_PER_CM2 100.0

/* Tukey's fence. */
#define FENCE_IQR 1.5

/* trunc(v) of a coordinate or size, kept within what an int and the drawing can hold. */
static int pixel(double v)
{
    const double far = 1 << 24;
    return v > -far && v < far ? (int)v : 0;
}

int estimate_detection_mask(const struct vision_detection *d, size_t n, struct image_rect rect,
                            struct image *ret, struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image mask = {0};
    DM_TRY(image_init_zero(&mask, rect.w, rect.h, 1, e));
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        int x = pixel(d[i].cx) - rect.x;
        int y = pixel(d[i].cy) - rect.y;
        int r = (int)(DM_MAX(DM_MAX(pixel(d[i].w), pixel(d[i].h)), 0) * CIRCLE_FACTOR);
        if (x + r >= 0 && x - r < rect.w && y + r >= 0 && y - r < rect.h) {
            image_fill_circle(&mask, x, y, r, 255);
            any = true;
        }
    }
    if (any) {
        DM_TRY(image_gaussian_u8(&mask, SOFT_KSIZE, &mask, e));
    }
    *ret = mask;
    mask = (struct image){0};
    return DM_OK;
}

/* Mean area of the detections whose centre lies in rows y0 <= Y < y1 of the photo, outliers
 * removed. area  [n] scratch 0 when there are too few to tell. */
static double calibrated_area(const struct estimate_input *in, const struct vision_params *p,
                              double y0, double y1, double *area)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++) {
        const struct vision_detection *d = &in->detection[i];
        if (d->cy >= y0 && d->cy < y1) {
            area[n++] = d->w * d->h;
        }
    }
    if (n == 0 || n < (size_t)p->min_calibration) {
        return 0;
    }
    double q1 = image_percentile(area, n, 0.25);
    double q3 = image_percentile(area, n, 0.75);
    double fence = FENCE_IQR * (q3 - q1);
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (area[i] >= q1 - fence && area[i] <= q3 + fence) {
            sum += area[i];
            kept++;
        }
    }
    return kept > 0 ? sum / (double)kept : 0;
}

/* Area of one plant from the density table, px^2; 0 when there is none. */
static double density_area(const struct estimate_input *in, const struct vision_params *p)
{
    if (!p->density_fallback || p->density_area_cm2 <= 0) {
        return 0;
    }
    double scale = DEFAULT_PX2_PER_CM2;
    if (p->photo_area_cm2 > 0) {
        scale = (double)in->photo_w * in->photo_h / p->photo_area_cm2;
    }
    return p->density_area_cm2 * scale;
}

/* Plants on a processed area: calibrated by the band, else by the density table, else by the
 * default size (8.5). */
static void count_band(const struct estimate_input *in, const struct vision_params *p,
                       double *scratch, struct vision_band *b)
{
    b->method = VISION_METHOD_BANDS;
    b->plant_area_px = p->default_plant_area_px;
    b->calibrated = false;
    b->count = 0;
    if (b->residual_px == 0 || b->processed_px == 0) {
        return;
    }
    double calibrated = calibrated_area(in, p, b->y_start, b->y_end, scratch);
    double density = density_area(in, p);
    double plants;
    if (calibrated > 0) {
        b->plant_area_px = calibrated;
        b->calibrated = true;
        plants = ceil((double)b->processed_px / (calibrated * b->alpha));
    } else if (density > 0) {
        b->plant_area_px = density;
        b->method = VISION_METHOD_DENSITY;
        plants = rint((double)b->processed_px / density * p->density_overlap);
    } else {
        plants = ceil((double)b->processed_px / (b->plant_area_px * b->alpha));
    }
    b->count = (uint32_t)fmin(plants, UINT32_MAX);
}

/* The rows of keep, or an image of their size, for one of the two pictures of a band. */
static int band_picture(struct image *keep, struct image_rect band, struct image *own,
                        struct image *ret, struct dm_err *e)
{
    if (keep) {
        *ret = image_view(keep, band);
        return DM_OK;
    }
    DM_TRY(image_init(own, band.w, DM_MAX(band.h, 1), 1, e));
    *ret = image_view(own, (struct image_rect){0, 0, band.w, band.h});
    return DM_OK;
}

int estimate_band(const struct estimate_input *in, const struct vision_params *p, int number,
                  struct vision_band *ret, const struct estimate_masks *keep, struct dm_err *e)
{
    DM_BUG_UNLESS(number >= 1 && number <= p->bands);
    int band_h = in->rect.h / p->bands;
    int y0 = (number - 1) * band_h;
    int y1 = number < p->bands ? y0 + band_h : in->rect.h;
    struct image_rect band = {0, y0, in->rect.w, y1 - y0};
    DM_CLEANUP(image_clear) struct image own_residual = {0};
    DM_CLEANUP(image_clear) struct image own_processed = {0};
    struct image residual;
    struct image processed;
    DM_TRY(band_picture(keep ? keep->residual : NULL, band, &own_residual, &residual, e));
    DM_TRY(band_picture(keep ? keep->processed : NULL, band, &own_processed, &processed, e));
    DM_CLEANUP(dm_freep) double *area = dm_calloc(DM_MAX(in->n, 1), sizeof(*area));
    if (!area) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the areas of %zu detections", in->n);
    }
    struct estimate_rows rows = {y0, y1, &residual, &processed};
    DM_TRY(estimate_suppress_floor(in, p->otsu_scope, &rows, &ret->residual_px, &ret->processed_px,
                                   e));
    ret->number = number;
    ret->y_start = in->rect.y + y0;
    ret->y_end = in->rect.y + y1;
    ret->suppressed_px = ret->residual_px - ret->processed_px;
    ret->alpha = p->alpha_overcount;
    count_band(in, p, area, ret);
    return DM_OK;
}

int estimate_bands(const struct estimate_input *in, const struct vision_params *p,
                   struct vision_band *ret, const struct estimate_masks *keep, struct dm_err *e)
{
    for (int i = 0; i < p->bands; i++) {
        DM_TRY(estimate_band(in, p, i + 1, &ret[i], keep, e));
    }
    return DM_OK;
}

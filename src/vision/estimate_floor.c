/* SPDX-License-Identifier: Apache-2.0
 *
 * Residual and floor suppression. On a 12 MP photo this touches up to 12 million pixels, so
 *   - byte work (residual, threshold, opening, joining) runs in loops over rows that the compiler
 *     vectorises, and only on the smallest rectangle that holds the residual;
 *   - lightness, which needs three table look-ups a pixel, is computed once per residual pixel,
 *     together with its histogram and the soil rule; a soil pixel is stored as lightness 0, which
 * no threshold lets pass. */
#include "vision/estimate_floor.h"

#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"

#define DETECTION_THRESHOLD 127

DM_SIMD_CLONES static void residual_row(const uint8_t *restrict mask,
                                        const uint8_t *restrict detections, size_t n,
                                        uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        bool left_over = (mask[i] != 0) & (detections[i] <= DETECTION_THRESHOLD);
        out[i] = left_over ? 255 : 0;
    }
}

DM_SIMD_CLONES static void remove_row(const uint8_t *restrict claimed, size_t n,
                                      uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = claimed[i] ? 0 : out[i];
    }
}

DM_SIMD_CLONES static uint32_t count_row(const uint8_t *row, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += row[i] & 1;
    }
    return sum;
}

DM_SIMD_CLONES static void brighter_row(uint8_t *restrict row, uint8_t threshold, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        row[i] = row[i] > threshold ? 255 : 0;
    }
}

DM_SIMD_CLONES static void and_row(const uint8_t *restrict a, const uint8_t *restrict b, size_t n,
                                   uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] & b[i];
    }
}

/* Columns x0 <= x < x1 that a row of the residual occupies; none: x0 = n, x1 = 0. */
struct span {
    size_t x0, x1;
};

static struct span row_span(const uint8_t *row, size_t n)
{
    const uint8_t *first = memchr(row, 255, n);
    if (!first) {
        return (struct span){n, 0};
    }
    const uint8_t *last = memrchr(row, 255, n);
    return (struct span){(size_t)(first - row), (size_t)(last - row) + 1};
}

/* Residual of the rows, its size, and the rectangle around it in pixels of the frame. */
static int64_t fill_residual(const struct estimate_input *in, const struct estimate_rows *rows,
                             struct image_rect *ret_box)
{
    size_t n = (size_t)in->rect.w;
    struct span wide = {n, 0};
    int top = rows->y1;
    int bottom = rows->y0;
    int64_t px = 0;
    for (int y = rows->y0; y < rows->y1; y++) {
        uint8_t *out = image_row(rows->residual, y - rows->y0);
        residual_row(image_row(in->mask, y), image_row(in->detections, y), n, out);
        if (in->claimed) {
            remove_row(image_row(in->claimed, y), n, out);
        }
        struct span s = row_span(out, n);
        if (s.x1 > 0) {
            px += count_row(out + s.x0, s.x1 - s.x0);
            wide.x0 = DM_MIN(wide.x0, s.x0);
            wide.x1 = DM_MAX(wide.x1, s.x1);
            top = DM_MIN(top, y);
            bottom = y + 1;
        }
    }
    if (px > 0) {
        *ret_box = (struct image_rect){(int)wide.x0, top, (int)(wide.x1 - wide.x0), bottom - top};
    }
    return px;
}

/* What the three channels add to the luminance, in 4096ths; rounding included in r. */
struct luminance {
    uint32_t r[256], g[256], b[256];
};

static void luminance_init(struct luminance *t)
{
    for (int i = 0; i < 256; i++) {
        uint32_t linear = image_lab_linear[i];
        t->r[i] = IMAGE_LAB_R * linear + IMAGE_LAB_ROUND;
        t->g[i] = IMAGE_LAB_G * linear;
        t->b[i] = IMAGE_LAB_B * linear;
    }
}

/* Four histograms, so that neighbours of the same lightness do not wait for each other. */
struct histogram {
    uint32_t n[4][256];
};

static inline __attribute__((always_inline)) uint8_t
lightness_of(const struct luminance *t, const uint8_t *rgb, uint8_t residual, uint32_t *bin)
{
    uint32_t y = t->r[rgb[0]] + t->g[rgb[1]] + t->b[rgb[2]];
    uint8_t l = image_lab_lightness[y >> 12] & residual;
    bin[l]++;
    return l;
}

/* Lightness of n pixels, 0 outside the residual, which is skipped eight pixels at a time. Pixels
 * outside may count as black: bin 0 is set right by otsu_threshold. */
static void lightness_row(const struct luminance *restrict t, const uint8_t *restrict rgb,
                          const uint8_t *restrict residual, size_t n, uint8_t *restrict out,
                          struct histogram *restrict hist)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, residual + i, sizeof(eight));
        if (eight == 0) {
            memset(out + i, 0, 8);
            continue;
        }
        for (size_t k = 0; k < 8; k++) {
            out[i + k] = lightness_of(t, rgb + 3 * (i + k), residual[i + k], hist->n[k % 4]);
        }
    }
    for (; i < n; i++) {
        out[i] = lightness_of(t, rgb + 3 * i, residual[i], hist->n[0]);
    }
}

/* Threshold between dark and bright, of the residual and the pixels outside the band that the
 * reference counts as black. */
static uint8_t otsu_threshold(const struct histogram *hist, uint64_t residual_px, uint64_t zeroed)
{
    uint64_t sum[256];
    uint64_t not_black = 0;
    for (int i = 1; i < 256; i++) {
        sum[i] = (uint64_t)hist->n[0][i] + hist->n[1][i] + hist->n[2][i] + hist->n[3][i];
        not_black += sum[i];
    }
    sum[0] = residual_px - not_black + zeroed;
    return (uint8_t)image_otsu(sum);
}

/* Soil among the bright pixels of a row becomes dark. */
static void remove_soil_row(const uint8_t *rgb, size_t n, uint8_t *light)
{
    for (size_t i = 0; i < n; i++) {
        if (light[i] != 0 && light[i] <= ESTIMATE_SOIL_LIGHTNESS_MAX &&
            estimate_is_soil(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2])) {
            light[i] = 0;
        }
    }
}

/* Pixels of colours that are the ground's here become dark. */
static void keep_colours_row(const struct estimate_colours *c, const uint8_t *rgb, size_t n,
                             uint8_t *bright)
{
    for (size_t i = 0; i < n; i++) {
        bright[i] &= bright[i] ? c->is_plant[estimate_colour_of(rgb + 3 * i)] : 0;
    }
}

/* The residual inside box -> bright, not soil, opened; written to processed. */
static int suppress(const struct estimate_input *in, int otsu_scope,
                    const struct estimate_rows *rows, int64_t residual_px, struct image_rect box,
                    struct dm_err *e)
{
    /* One pixel more on each side that is not an edge of the frame: there the residual is 0, and an
     * opening must see it, while it must not see anything beyond an edge of the frame. */
    struct image frame = {.w = in->rect.w, .h = in->rect.h};
    struct image_rect area =
        image_clip(&frame, (struct image_rect){box.x - 1, box.y - 1, box.w + 2, box.h + 2});
    DM_CLEANUP(image_clear) struct image bright = {0};
    DM_CLEANUP(image_clear) struct image opened = {0};
    DM_TRY(image_init(&bright, area.w, area.h, 1, e));
    DM_TRY(image_init(&opened, area.w, area.h, 1, e));

    struct luminance table;
    luminance_init(&table);
    struct histogram hist = {0};
    size_t n = (size_t)box.w;
    size_t left = (size_t)(box.x - area.x);
    for (int y = area.y; y < area.y + area.h; y++) {
        uint8_t *out = image_row(&bright, y - area.y);
        out[0] = out[area.w - 1] = 0;
        if (y >= box.y && y < box.y + box.h) {
            lightness_row(&table, image_row(in->photo, y) + 3 * (size_t)box.x,
                          image_row(rows->residual, y - rows->y0) + box.x, n, out + left, &hist);
        } else {
            memset(out, 0, (size_t)area.w);
        }
    }
    uint64_t outside = (uint64_t)in->rect.w * (uint64_t)in->rect.h - (uint64_t)residual_px;
    uint8_t threshold =
        otsu_threshold(&hist, (uint64_t)residual_px, otsu_scope == VISION_OTSU_FRAME ? outside : 0);
    for (int y = box.y; y < box.y + box.h; y++) {
        uint8_t *row = image_row(&bright, y - area.y) + left;
        if (threshold < ESTIMATE_SOIL_LIGHTNESS_MAX) { /* else no soil is bright */
            remove_soil_row(image_row(in->photo, y) + 3 * (size_t)box.x, n, row);
        }
        brighter_row(row, threshold, n);
        if (in->colours) {
            keep_colours_row(in->colours, image_row(in->photo, y) + 3 * (size_t)box.x, n, row);
        }
    }
    DM_TRY(image_open3x3(&bright, &opened, e));
    for (int y = box.y; y < box.y + box.h; y++) {
        and_row(image_row(rows->residual, y - rows->y0) + box.x,
                image_row(&opened, y - area.y) + left, n,
                image_row(rows->processed, y - rows->y0) + box.x);
    }
    return DM_OK;
}

int estimate_suppress_floor(const struct estimate_input *in, int otsu_scope,
                            const struct estimate_rows *rows, int64_t *ret_residual_px,
                            int64_t *ret_processed_px, struct dm_err *e)
{
    struct image_rect box = {0};
    int64_t residual_px = fill_residual(in, rows, &box);
    int64_t processed_px = 0;
    for (int y = 0; y < rows->y1 - rows->y0; y++) {
        memset(image_row(rows->processed, y), 0, (size_t)in->rect.w);
    }
    if (residual_px > 0) {
        DM_TRY(suppress(in, otsu_scope, rows, residual_px, box, e));
        for (int y = box.y; y < box.y + box.h; y++) {
            processed_px +=
                count_row(image_row(rows->processed, y - rows->y0) + box.x, (size_t)box.w);
        }
    }
    *ret_residual_px = residual_px;
    *ret_processed_px = processed_px;
    return DM_OK;
}

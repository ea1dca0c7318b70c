/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixel operations with exact arithmetic (vision.md appendix A): integer results equal the
 * reference libraries' bit for bit, so that counts do not depend on whose picture code runs.
 *
 * Unless said otherwise: masks are 1-channel, 0 or 255; in and out may not overlap; threads:
 * reentrant; errors only DM_ENOMEM. */
#ifndef IMAGE_OPS_H
#define IMAGE_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

struct image_point {
    int x, y;
};

/* A.1 bilinear, 8-bit, 1 or 3 channels, into all of out (which may be a view). */
DM_MUST_CHECK int image_resize_bilinear(const struct image *in, struct image *out,
                                        struct dm_err *e);

/* Mean of each square of k x k pixels, rounded, 3 channels, k <= 4096; out is in->w / k by in->h /
 * k, what is left over on the right and below is dropped. DM_ENOMEM. */
DM_MUST_CHECK int image_average(const struct image *in, int k, struct image *out, struct dm_err *e);

/* A.2 nearest. */
void image_resize_nearest(const struct image *in, struct image *out);

/* A.3 8-bit fixed point, ksize in {5, 9, 15, 21}, automatic sigma, border reflect-101. in and out
 * may be the same image. */
DM_MUST_CHECK int image_gaussian_u8(const struct image *in, int ksize, struct image *out,
                                    struct dm_err *e);

/* A.3 float form, 1 channel [h][w] dense; sigma <= 0 means automatic. in == out allowed. */
DM_MUST_CHECK int image_gaussian_f32(const float *in, int w, int h, int ksize, double sigma,
                                     float *out, struct dm_err *e);

/* A.4 filled circle, clipped; writes value into channel 0 of a 1-channel image. */
void image_fill_circle(struct image *im, int cx, int cy, int radius, uint8_t value);

/* A.5 filled polygon with its outline, even-odd; vertices may lie outside, up to +-2^20. */
DM_MUST_CHECK int image_fill_polygon(struct image *im, const struct image_point *v, size_t n,
                                     uint8_t value, struct dm_err *e);

/* The same when im is only the part at origin of a canvas of canvas_w x canvas_h pixels: the same
 * pixels as filling the whole canvas and cutting im out of it. */
DM_MUST_CHECK int image_fill_polygon_window(struct image *im, struct image_point origin,
                                            int canvas_w, int canvas_h, const struct image_point *v,
                                            size_t n, uint8_t value, struct dm_err *e);

/* A.6 RGB -> H 0..179, S, V 0..255 of one pixel. */
void image_hsv_u8(uint8_t r, uint8_t g, uint8_t b, uint8_t ret_hsv[static 3]);

/* A.7 lightness of one pixel. Its tables and weights are open to loops over many pixels: lightness
 * = image_lab_lightness[(sum of weight * image_lab_linear[channel] + ROUND) >> 12]. */
uint8_t image_lightness_u8(uint8_t r, uint8_t g, uint8_t b);
extern const uint16_t image_lab_linear[256];
extern const uint8_t image_lab_lightness[2041];
#define IMAGE_LAB_R     871U
#define IMAGE_LAB_G     2929U
#define IMAGE_LAB_B     296U
#define IMAGE_LAB_ROUND 2048U

/* A.8 threshold of a histogram; 0 for a constant image. */
int image_otsu(const uint64_t histogram[static 256]);

/* A.10 opening with a 3x3 square; neighbours outside the image are ignored. */
DM_MUST_CHECK int image_open3x3(const struct image *in, struct image *out, struct dm_err *e);

/* Background pixels not 4-connected to the border become 255. In place. */
DM_MUST_CHECK int image_fill_holes(struct image *mask, struct dm_err *e);

/* Exact Euclidean distance [h][w] in pixels of each 0 pixel to the nearest non-zero pixel centre;
 * 0 on non-zero pixels, INFINITY where it exceeds max_px (0..LIMIT_FEATHER_PX). */
DM_MUST_CHECK int image_distance(const struct image *mask, int max_px, float *ret,
                                 struct dm_err *e);

/* A.9 percentile q in [0,1], linear; sorts a[n] in place, n >= 1. */
double image_percentile(double *a, size_t n, double q);

/* External contours of the 8-connected components of mask, chain-compressed (only where the
 * direction changes), vertices at pixel centres; order and start point as OpenCV's
 * findContours(RETR_EXTERNAL, CHAIN_APPROX_SIMPLE). ret owned by the caller. */
struct image_contours {
    struct image_point *points; /* all contours, one after the other */
    size_t *first;              /* [n + 1] index of each contour's first point */
    size_t n;
};
DM_MUST_CHECK int image_find_contours(const struct image *mask, struct image_contours *ret,
                                      struct dm_err *e);
void image_contours_clear(struct image_contours *c);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions: the container polygon as a mask, the feathered crop the detector sees, and which
 * container a plant belongs to (vision.md 6, 7). */
#ifndef VISION_REGION_H
#define VISION_REGION_H

#include <stddef.h>

#include "base/arena.h"
#include "image/image.h"
#include "vision/vision.h"

/* Mask of a polygon inside rect: 1-channel image of rect.w x rect.h, holes filled (6.2). Vertices
 * are trunc(fraction * side) in image pixels. ret owned by the caller. */
DM_MUST_CHECK int region_mask(const double *polygon, size_t n_points, int image_w, int image_h,
                              struct image_rect rect, struct image *ret, struct dm_err *e);

/* Feather weights [h][w] 0..1 of a mask (6.3): 1 inside, a ramp of feather_px outside, blurred. */
DM_MUST_CHECK int region_feather(const struct image *mask, int feather_px, float *ret,
                                 struct dm_err *e);

/* out = rnd(alpha * pixel); 3 channels, same size. */
void region_apply_alpha(const struct image *in, const float *alpha, struct image *out);

/* Drop near-duplicates across crops (7, D grouping): confidence descending, ties by y then x. Keeps
 * the survivors at the front in that order; *ret_n survivors. factor <= 0 only sorts. */
DM_MUST_CHECK int region_group(struct vision_detection *d, size_t n, double factor,
                               struct dm_arena *a, size_t *ret_n, struct dm_err *e);

#endif

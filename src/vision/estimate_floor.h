/* SPDX-License-Identifier: Apache-2.0
 *
 * The pixel part of the estimate, shared by the band and the grid method: what the detector left
 * over of some rows, and that without bare floor (vision.md 8.1 step 3, 8.3). Private to
 * estimate*.c.
 */
#ifndef VISION_ESTIMATE_FLOOR_H
#define VISION_ESTIMATE_FLOOR_H

#include "vision/estimate.h"

struct estimate_rows {
    int y0, y1;              /* rows of the frame, half-open */
    struct image *residual;  /* frame width x (y1 - y0), 1 channel, written */
    struct image *processed; /* the same size, written */
};

/* Bare soil: HSV within H 0..30, S 0..40, V 0..40 (8.3 d). In that corner the rule needs no
 * division: hues up to 30 are those with r >= g >= b, and S <= 40 of 255 means chroma / value
 * < 40.5 / 255. The unit test compares all 41^3 colours, and those around them, with image_hsv_u8.
 */
static inline bool estimate_is_soil(unsigned r, unsigned g, unsigned b)
{
    return r <= 40 && g <= r && b <= g && 510 * (r - b) <= 81 * r;
}

/* The lightest colour that is soil, (40, 40, 40). */
#define ESTIMATE_SOIL_LIGHTNESS_MAX 41

/* Fill both pictures and count their pixels. Errors: DM_ENOMEM. */
DM_MUST_CHECK int estimate_suppress_floor(const struct estimate_input *in, int otsu_scope,
                                          const struct estimate_rows *rows,
                                          int64_t *ret_residual_px, int64_t *ret_processed_px,
                                          struct dm_err *e);

#endif

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

/* Fill both pictures and count their pixels. Errors: DM_ENOMEM. */
DM_MUST_CHECK int estimate_suppress_floor(const struct estimate_input *in, int otsu_scope,
                                          const struct estimate_rows *rows,
                                          int64_t *ret_residual_px, int64_t *ret_processed_px,
                                          struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Plants the detector did not see, from the area it left over (vision.md 8). */
#ifndef VISION_ESTIMATE_H
#define VISION_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "image/image.h"
#include "image/ops.h"
#include "vision/estimate_colours.h"
#include "vision/vision.h"

/* Soft detection mask of one frame (8.1 steps 1 and 2 before binarising): circles of every
 * detection that reaches into rect, Gaussian 15x15. ret 1-channel rect.w x rect.h, owned by the
 * caller; detections are in image pixels. */
DM_MUST_CHECK int estimate_detection_mask(const struct vision_detection *d, size_t n,
                                          struct image_rect rect, struct image *ret,
                                          struct dm_err *e);

/* Input of one container. All three pictures share the frame rect of the photo. */
struct estimate_input {
    const struct image *photo;      /* RGB, rect.w x rect.h */
    const struct image *mask;       /* container, 0 or 255 */
    const struct image *detections; /* soft detection mask of the same rect */
    const struct image *claimed;    /* pixels of earlier containers, or NULL (own_residual) */
    const struct estimate_colours *colours;   /* decided: what else is floor, or NULL */
    struct image_rect rect;                   /* where the frame lies in the photo */
    const struct vision_detection *detection; /* [n], all of the photo, image pixels */
    size_t n;
    int photo_w, photo_h; /* scale of the density fallback */
};

/* Pictures of the estimate for the overlays; both rect-sized, allocated by the caller, or NULL. */
struct estimate_masks {
    struct image *residual, *processed;
};

/* Band rows of one container, p->bands of them (8.2..8.5).
 *   ret [p->bands], container field left untouched
 * Errors: DM_ENOMEM. Source: vision.md 8; the reference estimator's formulas. */
DM_MUST_CHECK int estimate_bands(const struct estimate_input *in, const struct vision_params *p,
                                 struct vision_band *ret, const struct estimate_masks *keep,
                                 struct dm_err *e);

/* One of those rows, number 1..p->bands. Bands do not depend on each other, so a caller may spread
 * them over threads: of keep's pictures only the rows of the band are touched. */
DM_MUST_CHECK int estimate_band(const struct estimate_input *in, const struct vision_params *p,
                                int number, struct vision_band *ret,
                                const struct estimate_masks *keep, struct dm_err *e);

/* Grid method (8.6) for plug and almacigo: one row. polygon [n_points][2] image pixels. */
DM_MUST_CHECK int estimate_grid(const struct estimate_input *in, const struct vision_params *p,
                                const struct image_point *polygon, size_t n_points,
                                struct vision_band *ret, const struct estimate_masks *keep,
                                struct dm_err *e);

#endif

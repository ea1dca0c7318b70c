/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of a result, drawn on request with Cairo (vision.md 9.1, 9.2). */
#ifndef VISION_OVERLAY_H
#define VISION_OVERLAY_H

#include "base/library.h"
#include "image/image.h"
#include "vision/vision.h"

enum vision_overlay {
    VISION_OVERLAY_ANNOTATED, /* the default picture: plants by container, bands, legend */
    VISION_OVERLAY_DETECTIONS,
    VISION_OVERLAY_MASK,
    VISION_OVERLAY_METRICS, /* detections and the text panel */
    VISION_OVERLAY_RESIDUAL,
    VISION_OVERLAY_ESTIMATION,
    VISION_OVERLAY_MAX_
};

/* "annotated", "detections", "mask", "detections_metrics", "residual", "estimation", NULL */
extern const char *const vision_overlay_names[];

/* Draw kind over the photo. The result must have been made with keep_image, and with keep_masks for
 * mask, residual and estimation. ret RGB, size of the photo, owned by the caller.
 * lang "es" or "en" chooses the words of the legend. */
DM_MUST_CHECK int vision_overlay_draw(const struct vision_result *r, enum vision_overlay kind,
                                      const char *lang, struct image *ret, struct dm_err *e);

/* Whether a font with accented letters can be had; without one the pictures have no words. */
bool vision_overlay_has_font(void);

/* The drawing library, for reports. Fills ret; returns how many. */
size_t vision_libraries(struct dm_library ret[static DM_LIBRARIES_MAX]);

#endif

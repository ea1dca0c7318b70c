/* SPDX-License-Identifier: Apache-2.0
 *
 * Which colours are plants in this photo, learned from the plants that were found. The floor
 * suppression of vision.md 8.3 removes little but black: of a crate with bare soil or gravel it
 * leaves all, and the estimate counts it. What the detector found shows what plants look like here,
 * what lies outside their circles shows the ground, with the missed plants in it; a colour is kept
 * when it is commoner in plants than on that ground. Missed plants, if they are less than all of
 * it, are commoner in plants and stay. */
#ifndef VISION_ESTIMATE_COLOURS_H
#define VISION_ESTIMATE_COLOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"
#include "vision/vision.h"

enum { ESTIMATE_COLOURS = 16 * 16 * 16 };

struct estimate_colours {
    uint32_t plants[ESTIMATE_COLOURS], ground[ESTIMATE_COLOURS]; /* pixels seen */
    uint8_t is_plant[ESTIMATE_COLOURS];                          /* 255 or 0, when decided */
};

static inline unsigned estimate_colour_of(const uint8_t *rgb)
{
    return (unsigned)(rgb[0] >> 4) << 8 | (unsigned)(rgb[1] >> 4) << 4 | (unsigned)(rgb[2] >> 4);
}

/* Count the pixels of the inner part of every detection. detection in pixels of the photo. */
void estimate_colours_see_plants(struct estimate_colours *c, const struct image *photo,
                                 const struct vision_detection *detection, size_t n);

/* Count pixels of a container that no circle covers. All three pictures show the same rectangle:
 * photo RGB, mask 0 or 255, soft as of estimate_detection_mask. */
void estimate_colours_see_ground(struct estimate_colours *c, const struct image *photo,
                                 const struct image *mask, const struct image *soft);

/* Fill is_plant. False when too little was seen to tell. Cost O(colours). */
bool estimate_colours_decide(struct estimate_colours *c);

#endif

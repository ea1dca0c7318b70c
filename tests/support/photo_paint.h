/* SPDX-License-Identifier: Apache-2.0
 *
 * Photographs with a known number of plants, and an engine that counts them exactly and at once. */
#ifndef TESTS_SUPPORT_PHOTO_PAINT_H
#define TESTS_SUPPORT_PHOTO_PAINT_H

#include "base/buf.h"
#include "vision/vision.h"

/* One for the test program; never freed. */
struct vision_engine *photo_engine(void);
const struct vision_params *photo_params(void);

/* A PNG of 512 x 384 pixels with plants in rows, at most 96; another seed, other bytes. */
void photo_paint(unsigned seed, int plants, struct dm_buf *png);
/* Its pixels. The caller clears. */
struct image photo_pixels(unsigned seed, int plants);

#endif

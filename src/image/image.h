/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels. An image is 8-bit, interleaved, rows top to bottom, origin top-left; 1 channel is a mask
 * or grey, 3 channels are R,G,B in that order, 4 channels R,G,B,A with straight alpha.
 *
 * Memory: an image made by image_init owns its pixels (image_clear); a view made by image_view
 * borrows them and must not be cleared. A zeroed struct is a valid empty image. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct image {
    uint8_t *px;         /* first pixel of the first row */
    size_t stride_bytes; /* from a row to the next */
    int w, h;            /* pixels */
    int channels;        /* 1, 3, 4 */
};

/* Half-open pixel rectangle: x <= column < x + w. */
struct image_rect {
    int x, y, w, h;
};

/* Row y, borrowed. */
static inline uint8_t *image_row(const struct image *im, int y)
{
    return im->px + (size_t)y * im->stride_bytes;
}

/* Allocate w x h x channels, contents undefined, rows dense (stride = w * channels).
 * w, h >= 1. DM_ELIMIT beyond the image limits, DM_ENOMEM. */
DM_MUST_CHECK int image_init(struct image *im, int w, int h, int channels, struct dm_err *e);

/* As image_init, all bytes zero. */
DM_MUST_CHECK int image_init_zero(struct image *im, int w, int h, int channels, struct dm_err *e);

/* Free the pixels; empty and reusable afterwards. Accepts an empty image. */
void image_clear(struct image *im);

/* Part of an image, borrowed from it. The rectangle must lie inside. */
struct image image_view(const struct image *im, struct image_rect r);

/* Intersection of r with the image; w or h 0 when there is none. */
struct image_rect image_clip(const struct image *im, struct image_rect r);

/* Deep copy. */
DM_MUST_CHECK int image_copy(const struct image *from, struct image *ret, struct dm_err *e);

#endif

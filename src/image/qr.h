/* SPDX-License-Identifier: Apache-2.0
 *
 * QR labels inside a photograph. */
#ifndef IMAGE_QR_H
#define IMAGE_QR_H

#include "base/arena.h"
#include "image/image.h"

/* Texts of at most 8 QR codes in a 1- or 3-channel picture, in a, in the order they are found;
 * only texts of printable ASCII, at most 512 bytes. DM_ENOMEM. 12 megapixels take some 100 ms.
 * Source: ZBar 0.23 (ISO/IEC 18004); why it: docs/decisions/017-labels-in-pictures.md */
#define IMAGE_QR_MAX 8
DM_MUST_CHECK int image_find_qr(const struct image *im, struct dm_arena *a,
                                const char *ret[static IMAGE_QR_MAX], size_t *ret_n,
                                struct dm_err *e);

#endif

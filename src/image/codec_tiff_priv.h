/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the two halves of the TIFF decoder: codec_tiff.c opens and describes a file,
 * codec_tiff_pixels.c reads its first page. */
#ifndef IMAGE_CODEC_TIFF_PRIV_H
#define IMAGE_CODEC_TIFF_PRIV_H

#include <tiffio.h>

#include "image/codec_priv.h"

struct tiff_file {
    TIFF *t;
    struct codec_input in;
    uint64_t at;       /* the library's file position */
    bool damaged;      /* the library warned that pixels are lost */
    char message[160]; /* its first error */
};

/* How a pixel is stored. */
enum tiff_kind {
    TIFF_KIND_GREY,
    TIFF_KIND_PALETTE,
    TIFF_KIND_RGB, /* also JPEG-compressed YCbCr: its decoder converts */
    TIFF_KIND_CMYK,
    TIFF_KIND_OTHER /* YCbCr, L*a*b*: converted by the library a strip or tile at a time */
};

struct tiff_layout {
    enum tiff_kind kind;
    uint16_t bits;    /* of a sample: 1, 2, 4, 8, 16 */
    uint16_t samples; /* of a pixel, extra ones included */
    bool planar;      /* one plane a sample */
    bool white_is_zero;
};

/* Describe the page, or refuse it: DM_EUNSUPPORTED. */
int tiff_layout(struct tiff_file *f, struct tiff_layout *ret, struct dm_err *e);

/* Read all pixels into im, which has the page's size and 3 channels. */
int tiff_read_pixels(struct tiff_file *f, const struct tiff_layout *l, struct image *im,
                     struct dm_err *e);

/* DM_EDECODE with the library's own words. */
int tiff_fail(const struct tiff_file *f, struct dm_err *e);

#endif

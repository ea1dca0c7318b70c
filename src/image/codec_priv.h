/* SPDX-License-Identifier: Apache-2.0
 *
 * What the decoders share: the row of the table, EXIF and orientation. Only codec*.c, exif.c and
 * orient.c include this. */
#ifndef IMAGE_CODEC_PRIV_H
#define IMAGE_CODEC_PRIV_H

#include "image/codec.h"

/* The file, borrowed, never written. */
struct codec_input {
    const uint8_t *bytes;
    size_t n;
};

/* One format. Slots are called only through image_probe and image_decode, which check the limits
 * between probe and decode. All required. Threads: reentrant. */
struct codec {
    enum image_format format;
    const char *name;
    const char *mime;

    /* Do the first bytes fit? */
    bool (*sniff)(const uint8_t *p, size_t n);

    /* Fill ret->stored_w, stored_h (positive) and ret->exif; a decoder that turns the picture
     * itself also w, h, else they stay 0. ret comes with an empty exif. Must not allocate in
     * proportion to the dimensions. DM_EDECODE, DM_EUNSUPPORTED, DM_ENOMEM. */
    int (*probe)(struct codec_input in, struct image_info *ret, struct dm_err *e);

    /* The pixels into im, allocated here with 3 channels: upright (w x h) where turns is set, else
     * as stored. On failure the caller clears it. DM_EDECODE, DM_EUNSUPPORTED, DM_ELIMIT (more work
     * or memory than such a picture needs), DM_ENOMEM. */
    int (*decode)(struct codec_input in, const struct image_info *info, struct image *im,
                  struct dm_err *e);
    bool turns;
};

extern const struct codec codec_jpeg, codec_png, codec_webp, codec_tiff, codec_heif, codec_avif;

/* Nothing known. */
void exif_init(struct image_exif *x);

/* Read an EXIF block, with or without its "Exif\0\0" head, into x. Anything damaged or out of range
 * is left as it was: bad metadata never refuses a picture. Blocks beyond LIMIT_METADATA_BYTES are
 * ignored. DM_ENOMEM. */
DM_MUST_CHECK int exif_parse(const uint8_t *block, size_t n, struct image_exif *x,
                             struct dm_err *e);

/* The same conversions for metadata that a library has already taken apart (TIFF). */
double exif_degrees(const double dms[static 3], char ref); /* ref S, s, W, w negate */
void exif_set_position(struct image_exif *x, double latitude_deg, double longitude_deg);
/* date "YYYY:MM:DD HH:MM:SS", zone "+HH:MM" or anything else; either may be unterminated or NULL */
void exif_set_captured(struct image_exif *x, const char *date, size_t date_n, const char *zone,
                       size_t zone_n);
/* Printable ASCII, without spaces at the end. */
void exif_set_text(char *ret, size_t ret_size, const char *s, size_t n);

/* Turn the picture upright; orientation 1..8 as EXIF has it. In place for 1..4; for 5..8 im is
 * replaced by a new image. DM_ENOMEM (im unchanged). */
DM_MUST_CHECK int image_orient(struct image *im, int orientation, struct dm_err *e);

/* The same while a decoder delivers rows of 3 channels top to bottom. orient_init allocates out,
 * upright; w, h are the stored size. DM_ENOMEM. */
struct orient {
    struct image *out;
    int orientation, w, h;
    int y;              /* rows received */
    struct image strip; /* 5..8: the last rows received */
};
DM_MUST_CHECK int orient_init(struct orient *o, struct image *out, int w, int h, int orientation,
                              struct dm_err *e);
void orient_clear(struct orient *o);
int orient_room(const struct orient *o); /* how many rows can be written now; 0 at the end */
uint8_t *orient_row(const struct orient *o, int i); /* where row i < room of them goes */
void orient_advance(struct orient *o, int n);       /* n rows have been written */

/* Fail with a message from a library: "PNG: " and its first line without control characters. */
#define CODEC_FAIL(e, code, what, message)                                                         \
    return codec_fail((e), (code), __FILE__, __LINE__, (what), (message))
int codec_fail(struct dm_err *e, int code, const char *file, int line, const char *what,
               const char *message);

/* Big-endian numbers of chunk and box headers. */
static inline uint32_t codec_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint32_t codec_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

#endif

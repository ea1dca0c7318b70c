/* SPDX-License-Identifier: Apache-2.0
 *
 * From file bytes to pixels and back. The content decides the format, never the name. Dimensions
 * are read and checked before a pixel is allocated. One decoder is one file (codec_jpeg.c, ...) and
 * one row of the table in codec.c; CONTRIBUTING.md has the recipe.
 *
 * Every function that takes limits takes NULL for image_default_limits.
 *
 * Threads: reentrant. Memory: owner regime. */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "image/image.h"

enum image_format {
    IMAGE_FORMAT_UNKNOWN,
    IMAGE_FORMAT_JPEG,
    IMAGE_FORMAT_PNG,
    IMAGE_FORMAT_WEBP,
    IMAGE_FORMAT_TIFF,
    IMAGE_FORMAT_HEIF, /* HEVC inside */
    IMAGE_FORMAT_AVIF,
    IMAGE_FORMAT_MAX_
};

/* Where and when a photo was taken. Absent values are NAN, 0 or "". */
struct image_exif {
    int orientation;      /* 1..8; 1 when missing or invalid */
    bool has_gps;         /* latitude and longitude present and within range */
    double latitude_deg;  /* WGS84, north positive */
    double longitude_deg; /* east positive */
    double gps_error_m;   /* GPSHPositioningError, NAN when absent */
    double altitude_m;    /* NAN when absent */
    char
        captured_at[26]; /* RFC 3339 without zone when the camera gave none, else with; "" absent */
    char make[64], model[64]; /* printable ASCII, "" when absent */
};

struct image_info {
    enum image_format format;
    int stored_w, stored_h; /* before orientation */
    int w, h;               /* after orientation */
    struct image_exif exif; /* for HEIF and AVIF the container's rotation is already in w, h and
                             * orientation is 1 */
};

struct image_limits {
    size_t max_bytes;      /* of the file */
    double max_megapixels; /* w * h / 1e6 */
    int min_side, max_side;
};

/* The limits of base/limits.h. */
extern const struct image_limits image_default_limits;

/* "JPEG", "PNG", ... */
const char *image_format_name(enum image_format f);

/* MIME type, "image/jpeg", ... */
const char *image_format_mime(enum image_format f);

/* By the first bytes; IMAGE_FORMAT_UNKNOWN when none fits. */
enum image_format image_sniff(const void *bytes, size_t n);

/* Dimensions and metadata without decoding a pixel. Damaged metadata is ignored, damaged dimensions
 * are not. DM_EUNSUPPORTED: no known format (names what it looks like), or a variant we refuse.
 * DM_ELIMIT: too large or too small. DM_EDECODE: damaged. */
DM_MUST_CHECK int image_probe(const void *bytes, size_t n, const struct image_limits *limits,
                              struct image_info *ret, struct dm_err *e);

/* Decode to RGB (3 channels), orientation applied. JPEG: islow IDCT and fancy upsampling, as the
 * Python system's decoder. Alpha is dropped without blending, grey is replicated, 16 bits become 8
 * by >> 8. CMYK and YCCK JPEG are converted naively (R = C*K/255 of inverted Adobe data).
 * ret_info may be NULL. Truncated data is DM_EDECODE, never a half-grey picture. */
DM_MUST_CHECK int image_decode(const void *bytes, size_t n, const struct image_limits *limits,
                               struct image *ret, struct image_info *ret_info, struct dm_err *e);

/* Append a JPEG (baseline, quality 1..100, 4:2:0 below quality 95, 4:4:4 from there) of a 1- or
 * 3-channel image. */
DM_MUST_CHECK int image_encode_jpeg(const struct image *im, int quality, struct dm_buf *out,
                                    struct dm_err *e);

/* Append a PNG of a 1-, 3- or 4-channel image; level 0..9 trades time for size. */
DM_MUST_CHECK int image_encode_png(const struct image *im, int level, struct dm_buf *out,
                                   struct dm_err *e);

#endif

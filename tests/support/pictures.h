/* SPDX-License-Identifier: Apache-2.0
 *
 * One small picture in every variant of every format we read, made on the spot with the formats'
 * own encoders. Decoder tests walk the table; make_corpus writes it out for the fuzzers.
 *
 * Makers abort on failure: a test that cannot make its input has nothing to report. */
#ifndef TESTS_SUPPORT_PICTURES_H
#define TESTS_SUPPORT_PICTURES_H

#include <stdbool.h>
#include <stdint.h>

#include "image/codec.h"

enum { PICTURE_W = 96, PICTURE_H = 72, PICTURE_BYTES_MAX = 1 << 20 };

/* The picture: smooth, so that lossy formats keep it within a few steps, and without symmetry, so
 * that a wrong orientation shows. */
void picture_pixel(int x, int y, uint8_t ret_rgb[static 3]);
struct image picture_image(void); /* owned by the caller */

/* Largest difference of any byte; 255 when the size differs. With grey: from its lightness. */
int picture_error(const struct image *im, bool grey);

struct picture {
    const char *name; /* file name in a corpus */
    enum image_format format;
    void (*make)(const struct picture *p, struct dm_buf *out);
    int expect;    /* DM_OK or the refusal */
    int tolerance; /* of picture_error */
    bool grey;
    int orientation; /* in the EXIF block, 0 for no block; the stored picture is turned to match */
    /* What the makers read; meaning by format: */
    int kind;    /* JPEG J_COLOR_SPACE; PNG colour type; TIFF photometric */
    int bits;    /* a sample */
    int option;  /* JPEG bits below; PNG interlace; TIFF compression; WebP, HEIF lossless */
    bool planar; /* TIFF */
    bool tiled;  /* TIFF */
    bool extra;  /* alpha; JPEG: with Adobe marker */
};

enum {
    JPEG_PROGRESSIVE = 1,
    JPEG_ARITHMETIC = 2,
    JPEG_RESTARTS = 4,
    JPEG_420 = 8,
    JPEG_NO_EOI = 16,
    JPEG_STRAY_BYTES = 32, /* before the end marker: harmless */
    JPEG_SEPARATE = 64,    /* a scan for each component */
};

extern const struct picture pictures[];
extern const size_t picture_count;
const struct picture *picture_find(const char *name);
void picture_make(const struct picture *p, struct dm_buf *out);

void picture_make_jpeg(const struct picture *p, struct dm_buf *out);
void picture_make_png(const struct picture *p, struct dm_buf *out);
void picture_make_webp(const struct picture *p, struct dm_buf *out);
void picture_make_tiff(const struct picture *p, struct dm_buf *out);
void picture_make_heif(const struct picture *p, struct dm_buf *out); /* and AVIF */
void picture_make_heif_grid(const struct picture *p, struct dm_buf *out);

/* Can this libheif encode? Debian's can; elsewhere the encoders may be missing. */
bool picture_can_encode(enum image_format f);

/* A TIFF structure as EXIF uses it. Values come out as cameras write them. */
struct exif_spec {
    bool big_endian;
    int orientation; /* 0 leaves it out, other values are written as they are */
    bool gps;
    uint32_t latitude[6], longitude[6], error[2]; /* numerator, denominator */
    char latitude_ref, longitude_ref;
    const char *date, *zone, *make;
};
void exif_make(const struct exif_spec *s, struct dm_buf *out);

/* The same file with stored orientation: which stored pixel is at (x, y) of the stored picture. */
void picture_stored_pixel(int orientation, int x, int y, uint8_t ret_rgb[static 3]);
int picture_stored_w(int orientation);
int picture_stored_h(int orientation);

/* Where the n-th (1 = first) marker of that kind begins; aborts when there is none. */
size_t jpeg_marker(const struct dm_buf *b, uint8_t kind, int n);

/* Let the header of a JPEG (frame marker sof), a PNG or an ispe box claim another size. */
void jpeg_claim_size(struct dm_buf *b, uint8_t sof, int w, int h);
void png_claim_size(struct dm_buf *b, int w, int h);
void heif_claim_size(struct dm_buf *b, int w, int h);

/* Big-endian numbers, for chunks and boxes made by hand. */
void put_be(struct dm_buf *b, uint64_t v, int bytes);

/* A PNG chunk with its checksum. */
void put_chunk(struct dm_buf *b, const char *type, const void *data, size_t n);

/* A box: returns where it began; end writes its size there. */
size_t box_begin(struct dm_buf *b, const char *type);
void box_end(struct dm_buf *b, size_t begin);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of test pictures, the picture itself, and its EXIF block. */
#include "support/pictures.h"

#include <jpeglib.h>
#include <tiff.h>

#include "base/limits.h"

/* Shades of JPEG at quality 95 and of x265's or aom's lossless mode with their colour conversion.
 */
enum { EXACT = 0, CONVERTED = 3, LOSSY = 10, SUBSAMPLED = 24, FOUR_BITS = 15, TWO_BITS = 64 };

// clang-format off
const struct picture pictures[] = {
    {.name = "444.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .tolerance = LOSSY},
    {.name = "420.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_420, .tolerance = SUBSAMPLED},
    {.name = "grey.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_GRAYSCALE, .grey = true, .tolerance = LOSSY},
    {.name = "rgb.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_RGB, .tolerance = LOSSY},
    {.name = "cmyk-adobe.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_CMYK, .extra = true, .tolerance = LOSSY},
    {.name = "cmyk-plain.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_CMYK, .tolerance = LOSSY},
    {.name = "ycck-adobe.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCCK, .extra = true, .tolerance = LOSSY},
    {.name = "progressive.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_PROGRESSIVE | JPEG_420, .tolerance = SUBSAMPLED},
    {.name = "restarts.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_RESTARTS, .tolerance = LOSSY},
    {.name = "no-end.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_NO_EOI, .tolerance = LOSSY},
    {.name = "progressive-no-end.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_PROGRESSIVE | JPEG_NO_EOI, .tolerance = LOSSY},
    {.name = "stray-bytes.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_STRAY_BYTES, .tolerance = LOSSY},
    {.name = "separate.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_SEPARATE, .tolerance = LOSSY},
    {.name = "arithmetic.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .option = JPEG_ARITHMETIC, .expect = DM_EUNSUPPORTED},
    {.name = "orientation-2.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .orientation = 2, .tolerance = LOSSY},
    {.name = "orientation-3.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_CMYK, .extra = true, .orientation = 3, .tolerance = LOSSY},
    {.name = "orientation-6.jpg", .format = IMAGE_FORMAT_JPEG, .make = picture_make_jpeg, .kind = JCS_YCbCr, .orientation = 6, .tolerance = LOSSY},

    {.name = "rgb8.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 2, .bits = 8},
    {.name = "rgb16.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 2, .bits = 16},
    {.name = "rgba8.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 6, .bits = 8},
    {.name = "rgba16-interlaced.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 6, .bits = 16, .option = 1},
    {.name = "rgb8-interlaced.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 2, .bits = 8, .option = 1},
    {.name = "grey8.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 0, .bits = 8, .grey = true},
    {.name = "grey16-alpha.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 4, .bits = 16, .grey = true},
    {.name = "grey4.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 0, .bits = 4, .grey = true, .tolerance = FOUR_BITS + 1},
    {.name = "grey2-interlaced.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 0, .bits = 2, .grey = true, .option = 1, .tolerance = TWO_BITS},
    {.name = "palette8.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 3, .bits = 8, .grey = true},
    {.name = "palette4-interlaced.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 3, .bits = 4, .grey = true, .option = 1, .tolerance = FOUR_BITS + 1},
    {.name = "orientation-8.png", .format = IMAGE_FORMAT_PNG, .make = picture_make_png, .kind = 2, .bits = 8, .orientation = 8},

    {.name = "lossless.webp", .format = IMAGE_FORMAT_WEBP, .make = picture_make_webp, .option = 1},
    {.name = "alpha.webp", .format = IMAGE_FORMAT_WEBP, .make = picture_make_webp, .option = 1, .extra = true},
    {.name = "lossy.webp", .format = IMAGE_FORMAT_WEBP, .make = picture_make_webp, .tolerance = SUBSAMPLED},
    {.name = "orientation-7.webp", .format = IMAGE_FORMAT_WEBP, .make = picture_make_webp, .option = 1, .orientation = 7},

    {.name = "rgb8.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_NONE},
    {.name = "rgb8-lzw.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_LZW},
    {.name = "rgb16-deflate.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 16, .option = COMPRESSION_ADOBE_DEFLATE},
    {.name = "rgba8-packbits.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_PACKBITS, .extra = true},
    {.name = "rgb8-planar.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .planar = true},
    {.name = "rgb16-planar-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 16, .option = COMPRESSION_ADOBE_DEFLATE, .planar = true, .tiled = true},
    {.name = "rgb8-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .tiled = true},
    {.name = "rgb4-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 4, .option = COMPRESSION_ADOBE_DEFLATE, .tiled = true, .tolerance = FOUR_BITS + 1},
    {.name = "ycbcr-jpeg.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_YCBCR, .bits = 8, .option = COMPRESSION_JPEG, .tolerance = SUBSAMPLED},
    {.name = "ycbcr-jpeg-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_YCBCR, .bits = 8, .option = COMPRESSION_JPEG, .tiled = true, .tolerance = SUBSAMPLED},
    {.name = "ycbcr.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_YCBCR, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .tolerance = CONVERTED},
    {.name = "ycbcr-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_YCBCR, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .tiled = true, .tolerance = CONVERTED},
    {.name = "grey8.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_MINISBLACK, .bits = 8, .option = COMPRESSION_NONE, .grey = true},
    {.name = "grey16.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_MINISBLACK, .bits = 16, .option = COMPRESSION_ADOBE_DEFLATE, .grey = true},
    {.name = "grey4-white.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_MINISWHITE, .bits = 4, .option = COMPRESSION_NONE, .grey = true, .tolerance = FOUR_BITS + 1},
    {.name = "grey2-tiled.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_MINISBLACK, .bits = 2, .option = COMPRESSION_ADOBE_DEFLATE, .grey = true, .tiled = true, .tolerance = TWO_BITS},
    {.name = "fax4.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_MINISWHITE, .bits = 1, .option = COMPRESSION_CCITTFAX4, .grey = true, .tolerance = 128},
    {.name = "palette8.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_PALETTE, .bits = 8, .option = COMPRESSION_NONE, .grey = true},
    {.name = "palette4.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_PALETTE, .bits = 4, .option = COMPRESSION_ADOBE_DEFLATE, .grey = true, .tolerance = FOUR_BITS + 1},
    {.name = "cmyk8.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_SEPARATED, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .tolerance = EXACT},
    {.name = "cmyk8-planar.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_SEPARATED, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .planar = true, .tolerance = EXACT},
    {.name = "orientation-5.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .orientation = 5},
    {.name = "orientation-2-ycbcr.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_YCBCR, .bits = 8, .option = COMPRESSION_ADOBE_DEFLATE, .orientation = 2, .tolerance = CONVERTED},
    {.name = "pixarlog.tif", .format = IMAGE_FORMAT_TIFF, .make = picture_make_tiff, .kind = PHOTOMETRIC_RGB, .bits = 8, .option = COMPRESSION_PIXARLOG, .expect = DM_EUNSUPPORTED},

    {.name = "lossy.heic", .format = IMAGE_FORMAT_HEIF, .make = picture_make_heif, .tolerance = SUBSAMPLED},
    {.name = "exif.heic", .format = IMAGE_FORMAT_HEIF, .make = picture_make_heif, .orientation = 6, .tolerance = SUBSAMPLED},
    {.name = "alpha.heic", .format = IMAGE_FORMAT_HEIF, .make = picture_make_heif, .extra = true, .tolerance = SUBSAMPLED},
    {.name = "grid.heic", .format = IMAGE_FORMAT_HEIF, .make = picture_make_heif_grid, .tolerance = SUBSAMPLED},
    {.name = "lossy.avif", .format = IMAGE_FORMAT_AVIF, .make = picture_make_heif, .tolerance = SUBSAMPLED},
    {.name = "twelve-bits.avif", .format = IMAGE_FORMAT_AVIF, .make = picture_make_heif, .bits = 12, .tolerance = SUBSAMPLED},
    {.name = "exif.avif", .format = IMAGE_FORMAT_AVIF, .make = picture_make_heif, .orientation = 6, .tolerance = SUBSAMPLED},
    {.name = "grid.avif", .format = IMAGE_FORMAT_AVIF, .make = picture_make_heif_grid, .tolerance = SUBSAMPLED},
};
// clang-format on
const size_t picture_count = DM_COUNT(pictures);

const struct picture *picture_find(const char *name)
{
    for (size_t i = 0; i < picture_count; i++) {
        if (strcmp(pictures[i].name, name) == 0) {
            return &pictures[i];
        }
    }
    abort();
}

/* Made once a program: the HEVC and AV1 encoders take most of a test's time. */
void picture_make(const struct picture *p, struct dm_buf *out)
{
    static struct dm_buf made[DM_COUNT(pictures)];
    struct dm_buf *m = &made[p - pictures];
    if (m->len == 0) {
        *m = dm_buf_init(PICTURE_BYTES_MAX);
        p->make(p, m);
    }
    *out = dm_buf_init(PICTURE_BYTES_MAX);
    dm_buf_append(out, m->data, m->len);
    if (m->failed || out->failed || out->len == 0) {
        abort();
    }
}

void picture_pixel(int x, int y, uint8_t ret_rgb[static 3])
{
    bool mark = x >= 8 && x < 16 && y >= 4 && y < 28; /* breaks the symmetry, in lightness only */
    int shade = mark ? 50 : 0;
    ret_rgb[0] = (uint8_t)(60 + x + x / 2 - shade);
    ret_rgb[1] = (uint8_t)(70 + 2 * y - shade);
    ret_rgb[2] = (uint8_t)(220 - x - y / 2 - shade);
}

static uint8_t grey_of(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8);
}

struct image picture_image(void)
{
    struct image im;
    if (image_init(&im, PICTURE_W, PICTURE_H, 3, NULL) < 0) {
        abort();
    }
    for (int y = 0; y < im.h; y++) {
        for (int x = 0; x < im.w; x++) {
            picture_pixel(x, y, image_row(&im, y) + 3 * x);
        }
    }
    return im;
}

int picture_error(const struct image *im, bool grey)
{
    int worst = 0;
    if (im->w != PICTURE_W || im->h != PICTURE_H || im->channels != 3) {
        return 255;
    }
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            uint8_t want[3];
            picture_pixel(x, y, want);
            if (grey) {
                want[0] = want[1] = want[2] = grey_of(want);
            }
            for (int c = 0; c < 3; c++) {
                int d = abs(want[c] - image_row(im, y)[3 * x + c]);
                worst = DM_MAX(worst, d);
            }
        }
    }
    return worst;
}

int picture_stored_w(int orientation)
{
    return orientation >= 5 ? PICTURE_H : PICTURE_W;
}

int picture_stored_h(int orientation)
{
    return orientation >= 5 ? PICTURE_W : PICTURE_H;
}

void picture_stored_pixel(int orientation, int x, int y, uint8_t ret_rgb[static 3])
{
    /* EXIF 2.32: where row 0 and column 0 lie on the upright picture */
    static const bool row0_far[] = {0, 0, 0, 1, 1, 0, 1, 1, 0};
    static const bool column0_far[] = {0, 0, 1, 1, 0, 0, 0, 1, 1};
    int u = row0_far[orientation] ? picture_stored_h(orientation) - 1 - y : y;
    int v = column0_far[orientation] ? picture_stored_w(orientation) - 1 - x : x;
    picture_pixel(orientation >= 5 ? u : v, orientation >= 5 ? v : u, ret_rgb);
}

/* ---- bytes by hand ---- */

void put_be(struct dm_buf *b, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        dm_buf_putc(b, (char)(v >> 8 * i));
    }
}

size_t box_begin(struct dm_buf *b, const char *type)
{
    size_t begin = b->len;
    put_be(b, 0, 4);
    dm_buf_append(b, type, 4);
    return begin;
}

void box_end(struct dm_buf *b, size_t begin)
{
    size_t n = b->len - begin;
    for (int i = 0; i < 4; i++) {
        b->data[begin + (size_t)i] = (char)(n >> 8 * (3 - i));
    }
}

/* ---- EXIF ---- */

struct ifd_entry {
    uint16_t tag, type;
    uint32_t count;
    const void *value; /* text for ASCII, else uint32_t numbers */
};

enum { T_BYTE = 1, T_ASCII = 2, T_SHORT = 3, T_LONG = 4, T_RATIONAL = 5, IFD_MAX = 8 };

static void put_int(struct dm_buf *b, bool big, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        dm_buf_putc(b, (char)(v >> 8 * (big ? bytes - 1 - i : i)));
    }
}

static uint32_t value_bytes(const struct ifd_entry *en)
{
    static const uint32_t size[] = {0, 1, 1, 2, 4, 8};
    return size[en->type] * en->count;
}

static void put_value(struct dm_buf *b, bool big, const struct ifd_entry *en)
{
    if (en->type == T_ASCII) {
        dm_buf_append(b, en->value, en->count);
        return;
    }
    const uint32_t *v = en->value;
    uint32_t n = en->type == T_RATIONAL ? 2 * en->count : en->count;
    for (uint32_t i = 0; i < n; i++) {
        put_int(b, big, v[i], en->type == T_SHORT ? 2 : en->type == T_BYTE ? 1 : 4);
    }
}

/* One directory and, right behind it, the values that do not fit into it. */
static void put_ifd(struct dm_buf *b, bool big, const struct ifd_entry *en, size_t n, size_t base)
{
    size_t values = b->len - base + 2 + 12 * n + 4;
    put_int(b, big, (uint32_t)n, 2);
    for (size_t i = 0; i < n; i++) {
        put_int(b, big, en[i].tag, 2);
        put_int(b, big, en[i].type, 2);
        put_int(b, big, en[i].count, 4);
        uint32_t bytes = value_bytes(&en[i]);
        if (bytes <= 4) {
            put_value(b, big, &en[i]);
            put_int(b, big, 0, (int)(4 - bytes));
        } else {
            put_int(b, big, (uint32_t)values, 4);
            values += bytes;
        }
    }
    put_int(b, big, 0, 4);
    for (size_t i = 0; i < n; i++) {
        if (value_bytes(&en[i]) > 4) {
            put_value(b, big, &en[i]);
        }
    }
}

static size_t ifd_bytes(const struct ifd_entry *en, size_t n)
{
    size_t total = 2 + 12 * n + 4;
    for (size_t i = 0; i < n; i++) {
        total += value_bytes(&en[i]) > 4 ? value_bytes(&en[i]) : 0;
    }
    return total;
}

static size_t text_entry(struct ifd_entry *en, uint16_t tag, const char *s)
{
    *en = (struct ifd_entry){tag, T_ASCII, s ? (uint32_t)strlen(s) + 1 : 0, s};
    return s != NULL;
}

void exif_make(const struct exif_spec *s, struct dm_buf *out)
{
    struct ifd_entry main_ifd[IFD_MAX];
    struct ifd_entry exif_ifd[IFD_MAX];
    struct ifd_entry gps_ifd[IFD_MAX];
    char refs[2][2] = {{s->latitude_ref, '\0'}, {s->longitude_ref, '\0'}};
    uint32_t orientation = (uint32_t)s->orientation;
    uint32_t exif_at;
    uint32_t gps_at;
    size_t nm = 0;
    size_t ne = 0;
    size_t ng = 0;
    nm += text_entry(&main_ifd[nm], 0x010f, s->make);
    if (s->orientation) {
        main_ifd[nm++] = (struct ifd_entry){0x0112, T_SHORT, 1, &orientation};
    }
    main_ifd[nm++] = (struct ifd_entry){0x8769, T_LONG, 1, &exif_at};
    if (s->gps) {
        main_ifd[nm++] = (struct ifd_entry){0x8825, T_LONG, 1, &gps_at};
        ng += text_entry(&gps_ifd[ng], 1, s->latitude_ref ? refs[0] : NULL);
        gps_ifd[ng++] = (struct ifd_entry){2, T_RATIONAL, 3, s->latitude};
        ng += text_entry(&gps_ifd[ng], 3, s->longitude_ref ? refs[1] : NULL);
        gps_ifd[ng++] = (struct ifd_entry){4, T_RATIONAL, 3, s->longitude};
        gps_ifd[ng++] = (struct ifd_entry){0x1f, T_RATIONAL, 1, s->error};
    }
    ne += text_entry(&exif_ifd[ne], 0x9003, s->date);
    ne += text_entry(&exif_ifd[ne], 0x9011, s->zone);
    exif_at = (uint32_t)(8 + ifd_bytes(main_ifd, nm));
    gps_at = (uint32_t)(exif_at + ifd_bytes(exif_ifd, ne));
    size_t base = out->len;
    dm_buf_append(out, s->big_endian ? "MM" : "II", 2);
    put_int(out, s->big_endian, 42, 2);
    put_int(out, s->big_endian, 8, 4);
    put_ifd(out, s->big_endian, main_ifd, nm, base);
    put_ifd(out, s->big_endian, exif_ifd, ne, base);
    if (s->gps) {
        put_ifd(out, s->big_endian, gps_ifd, ng, base);
    }
}

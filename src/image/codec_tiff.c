/* SPDX-License-Identifier: Apache-2.0
 *
 * TIFF through libtiff: scanners and stitching tools of drones write it. Only the first page
 * counts. libtiff knows forty years of compressions; those no such tool writes, and whose decoders
 * have the worst record, are refused before they see a byte. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "image/codec_tiff_priv.h"

static const struct {
    uint16_t scheme;
    bool allowed;
    const char *name;
} compressions[] = {
    // clang-format off
    {COMPRESSION_NONE,          true,  "no"},
    {COMPRESSION_CCITTRLE,      true,  "CCITT RLE"},
    {COMPRESSION_CCITTFAX3,     true,  "CCITT fax 3"},
    {COMPRESSION_CCITTFAX4,     true,  "CCITT fax 4"},
    {COMPRESSION_LZW,           true,  "LZW"},
    {COMPRESSION_OJPEG,         false, "old-style JPEG"},
    {COMPRESSION_JPEG,          true,  "JPEG"},
    {COMPRESSION_ADOBE_DEFLATE, true,  "deflate"},
    {COMPRESSION_NEXT,          false, "NeXT"},
    {COMPRESSION_CCITTRLEW,     true,  "CCITT RLE (words)"},
    {COMPRESSION_PACKBITS,      true,  "PackBits"},
    {COMPRESSION_THUNDERSCAN,   false, "ThunderScan"},
    {COMPRESSION_PIXARLOG,      false, "Pixar log"},
    {COMPRESSION_DEFLATE,       true,  "deflate"},
    {COMPRESSION_JBIG,          false, "JBIG"},
    {COMPRESSION_SGILOG,        false, "SGI log"},
    {COMPRESSION_SGILOG24,      false, "SGI log"},
    {COMPRESSION_JP2000,        false, "JPEG 2000"},
    {COMPRESSION_LERC,          false, "LERC"},
    {COMPRESSION_LZMA,          true,  "LZMA"},
    {COMPRESSION_ZSTD,          true,  "Zstandard"},
    {COMPRESSION_WEBP,          false, "WebP"},
    // clang-format on
};

/* ---- the file in memory ---- */

static tmsize_t file_read(thandle_t h, void *buf, tmsize_t n)
{
    struct tiff_file *f = h;
    if (n <= 0 || f->at >= f->in.n) {
        return 0;
    }
    size_t part = DM_MIN((size_t)n, f->in.n - (size_t)f->at);
    memcpy(buf, f->in.bytes + f->at, part);
    f->at += part;
    return (tmsize_t)part;
}

static tmsize_t file_write(thandle_t h, void *buf, tmsize_t n)
{
    (void)h;
    (void)buf;
    (void)n;
    return -1;
}

static toff_t file_seek(thandle_t h, toff_t offset, int whence)
{
    struct tiff_file *f = h;
    uint64_t base = whence == SEEK_CUR ? f->at : whence == SEEK_END ? f->in.n : 0;
    f->at = base + offset; /* wraps for a negative offset, as the library means it */
    return f->at;
}

static int file_close(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t file_size(thandle_t h)
{
    const struct tiff_file *f = h;
    return f->in.n;
}

/* The library reads straight from the file's bytes; it opens read-only and does not write here. */
static int file_map(thandle_t h, void **base, toff_t *size)
{
    const struct tiff_file *f = h;
    union {
        const uint8_t *in;
        void *out;
    } bytes = {.in = f->in.bytes};
    *base = bytes.out;
    *size = f->in.n;
    return 1;
}

static void file_unmap(thandle_t h, void *base, toff_t size)
{
    (void)h;
    (void)base;
    (void)size;
}

__attribute__((format(printf, 4, 0))) static int on_error(TIFF *t, void *user, const char *module,
                                                          const char *fmt, va_list ap)
{
    struct tiff_file *f = user;
    (void)t;
    (void)module;
    if (f->message[0] == '\0') {
        (void)vsnprintf(f->message, sizeof(f->message), fmt, ap);
    }
    return 1; /* handled: nothing on stderr */
}

__attribute__((format(printf, 4, 0))) static int on_warning(TIFF *t, void *user, const char *module,
                                                            const char *fmt, va_list ap)
{
    struct tiff_file *f = user;
    (void)t;
    (void)fmt;
    (void)ap;
    /* libjpeg warns where it paints lost pixels grey */
    f->damaged |= module && strcmp(module, "JPEGLib") == 0;
    return 1;
}

int tiff_fail(const struct tiff_file *f, struct dm_err *e)
{
    if (f->message[0] == '\0') {
        DM_FAIL(e, DM_EDECODE, "TIFF is damaged");
    }
    CODEC_FAIL(e, DM_EDECODE, "TIFF", f->message);
}

static void options_free(TIFFOpenOptions **o)
{
    TIFFOpenOptionsFree(*o);
}

static int file_open(struct tiff_file *f, struct codec_input in, struct dm_err *e)
{
    *f = (struct tiff_file){.in = in};
    DM_CLEANUP(options_free) TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o) {
        DM_FAIL(e, DM_ENOMEM, "no memory to read a TIFF");
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, (tmsize_t)LIMIT_TIFF_CHUNK_BYTES);
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, f);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, f);
    f->t = TIFFClientOpenExt("TIFF", "r", f, file_read, file_write, file_seek, file_close,
                             file_size, file_map, file_unmap, o);
    return f->t ? DM_OK : tiff_fail(f, e);
}

static void file_clear(struct tiff_file *f)
{
    if (f->t) {
        TIFFClose(f->t);
    }
}

/* ---- metadata ---- */

static void take_text(TIFF *t, uint32_t tag, char *ret, size_t ret_size)
{
    const char *s = NULL;
    if (TIFFGetField(t, tag, &s) == 1 && s) {
        exif_set_text(ret, ret_size, s, strlen(s));
    }
}

static char first_letter(TIFF *t, uint32_t tag)
{
    const char *s = NULL;
    return TIFFGetField(t, tag, &s) == 1 && s ? s[0] : ' ';
}

static void take_gps(TIFF *t, struct image_exif *x)
{
    const double *latitude = NULL;
    const double *longitude = NULL;
    if (TIFFGetField(t, GPSTAG_LATITUDE, &latitude) == 1 && latitude &&
        TIFFGetField(t, GPSTAG_LONGITUDE, &longitude) == 1 && longitude) {
        exif_set_position(x, exif_degrees(latitude, first_letter(t, GPSTAG_LATITUDEREF)),
                          exif_degrees(longitude, first_letter(t, GPSTAG_LONGITUDEREF)));
    }
    double v;
    uint8_t below = 0;
    if (TIFFGetField(t, GPSTAG_GPSHPOSITIONINGERROR, &v) == 1 && isfinite(v)) {
        x->gps_error_m = v;
    }
    if (TIFFGetField(t, GPSTAG_ALTITUDE, &v) == 1 && isfinite(v)) {
        (void)TIFFGetField(t, GPSTAG_ALTITUDEREF, &below);
        x->altitude_m = below == 1 ? -v : v;
    }
}

/* Leaves the library in another directory: last thing done with a file. */
static void take_metadata(TIFF *t, struct image_exif *x)
{
    uint16_t orientation = 1;
    toff_t exif_at = 0;
    toff_t gps_at = 0;
    (void)TIFFGetField(t, TIFFTAG_ORIENTATION, &orientation);
    x->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    take_text(t, TIFFTAG_MAKE, x->make, sizeof(x->make));
    take_text(t, TIFFTAG_MODEL, x->model, sizeof(x->model));
    bool has_exif = TIFFGetField(t, TIFFTAG_EXIFIFD, &exif_at) == 1;
    bool has_gps = TIFFGetField(t, TIFFTAG_GPSIFD, &gps_at) == 1;
    if (has_exif && TIFFReadEXIFDirectory(t, exif_at) == 1) {
        const char *date = NULL;
        const char *zone = NULL;
        (void)TIFFGetField(t, EXIFTAG_DATETIMEORIGINAL, &date);
        (void)TIFFGetField(t, EXIFTAG_OFFSETTIMEORIGINAL, &zone);
        exif_set_captured(x, date, date ? strlen(date) : 0, zone, zone ? strlen(zone) : 0);
    }
    if (has_gps && TIFFReadGPSDirectory(t, gps_at) == 1) {
        take_gps(t, x);
    }
}

/* ---- what kind of page ---- */

static int check_compression(TIFF *t, struct dm_err *e)
{
    uint16_t scheme = COMPRESSION_NONE;
    const char *name = "an unknown";
    (void)TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &scheme);
    for (size_t i = 0; i < DM_COUNT(compressions); i++) {
        if (compressions[i].scheme == scheme) {
            name = compressions[i].name;
            if (compressions[i].allowed && TIFFIsCODECConfigured(scheme)) {
                return DM_OK;
            }
        }
    }
    DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with %s compression (%u) is not supported", name, scheme);
}

/* Camera raw files are TIFF too, and their first page is a thumbnail. */
static int check_page(TIFF *t, struct dm_err *e)
{
    uint32_t subfile = 0;
    const uint8_t *dng = NULL;
    uint16_t n = 0;
    if (TIFFGetField(t, TIFFTAG_DNGVERSION, &dng) == 1 ||
        (TIFFGetField(t, TIFFTAG_SUBFILETYPE, &subfile) == 1 &&
         (subfile & FILETYPE_REDUCEDIMAGE))) {
        DM_FAIL(e, DM_EUNSUPPORTED,
                "TIFF whose first page is a thumbnail (a camera's raw file?) is not supported");
    }
    const uint64_t *offsets = NULL;
    uint32_t w;
    if (TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &w) != 1 &&
        TIFFGetField(t, TIFFTAG_SUBIFD, &n, &offsets) == 1) {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF without a picture on its first page is not supported");
    }
    return DM_OK;
}

static int find_kind(TIFF *t, struct tiff_layout *l, struct dm_err *e)
{
    uint16_t photometric = PHOTOMETRIC_MINISBLACK;
    uint16_t compression = COMPRESSION_NONE;
    uint16_t inks = INKSET_CMYK;
    unsigned need = 3;
    (void)TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric);
    (void)TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &compression);
    (void)TIFFGetFieldDefaulted(t, TIFFTAG_INKSET, &inks);
    if (photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE) {
        l->kind = TIFF_KIND_GREY;
        l->white_is_zero = photometric == PHOTOMETRIC_MINISWHITE;
        need = 1;
    } else if (photometric == PHOTOMETRIC_PALETTE && l->bits <= 8) {
        l->kind = TIFF_KIND_PALETTE;
        need = 1;
    } else if (photometric == PHOTOMETRIC_RGB) {
        l->kind = TIFF_KIND_RGB;
    } else if (photometric == PHOTOMETRIC_SEPARATED && inks == INKSET_CMYK) {
        l->kind = TIFF_KIND_CMYK;
        need = 4;
    } else if (photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG && !l->planar) {
        (void)TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        l->kind = TIFF_KIND_RGB;
    } else if ((photometric == PHOTOMETRIC_YCBCR || photometric == PHOTOMETRIC_CIELAB) &&
               l->bits == 8) {
        l->kind = TIFF_KIND_OTHER;
    } else {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with %u-bit colours of kind %u is not supported", l->bits,
                photometric);
    }
    if (l->samples < need || l->samples > LIMIT_TIFF_SAMPLES) {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with %u samples a pixel is not supported", l->samples);
    }
    return DM_OK;
}

int tiff_layout(struct tiff_file *f, struct tiff_layout *ret, struct dm_err *e)
{
    uint16_t format = SAMPLEFORMAT_UINT;
    uint16_t planar = PLANARCONFIG_CONTIG;
    struct tiff_layout l = {0};
    DM_TRY(check_page(f->t, e));
    DM_TRY(check_compression(f->t, e));
    (void)TIFFGetFieldDefaulted(f->t, TIFFTAG_SAMPLEFORMAT, &format);
    (void)TIFFGetFieldDefaulted(f->t, TIFFTAG_BITSPERSAMPLE, &l.bits);
    (void)TIFFGetFieldDefaulted(f->t, TIFFTAG_SAMPLESPERPIXEL, &l.samples);
    (void)TIFFGetFieldDefaulted(f->t, TIFFTAG_PLANARCONFIG, &planar);
    bool whole = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    bool known = l.bits == 1 || l.bits == 2 || l.bits == 4 || l.bits == 8 || l.bits == 16;
    if (!whole || !known) {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with %u-bit %s samples is not supported", l.bits,
                format == SAMPLEFORMAT_IEEEFP ? "floating-point"
                : whole                       ? "unsigned"
                                              : "signed or complex");
    }
    l.planar = planar == PLANARCONFIG_SEPARATE && l.samples > 1;
    DM_TRY(find_kind(f->t, &l, e));
    *ret = l;
    return DM_OK;
}

/* ---- the codec ---- */

static bool tiff_sniff(const uint8_t *p, size_t n)
{
    return n >= 8 && (memcmp(p, "II*\0", 4) == 0 || memcmp(p, "MM\0*", 4) == 0 ||
                      memcmp(p, "II+\0", 4) == 0 || memcmp(p, "MM\0+", 4) == 0);
}

static int tiff_probe(struct codec_input in, struct image_info *ret, struct dm_err *e)
{
    DM_CLEANUP(file_clear) struct tiff_file f = {0};
    struct tiff_layout l;
    uint32_t w = 0;
    uint32_t h = 0;
    DM_TRY(file_open(&f, in, e));
    DM_TRY(check_page(f.t, e));
    (void)TIFFGetField(f.t, TIFFTAG_IMAGEWIDTH, &w);
    (void)TIFFGetField(f.t, TIFFTAG_IMAGELENGTH, &h);
    if (w == 0 || h == 0 || w > INT32_MAX || h > INT32_MAX) {
        DM_FAIL(e, DM_EDECODE, "TIFF without a size");
    }
    DM_TRY(tiff_layout(&f, &l, e));
    ret->stored_w = (int)w;
    ret->stored_h = (int)h;
    take_metadata(f.t, &ret->exif);
    return DM_OK;
}

static int tiff_decode(struct codec_input in, const struct image_info *info, struct image *im,
                       struct dm_err *e)
{
    DM_CLEANUP(file_clear) struct tiff_file f = {0};
    struct tiff_layout l;
    DM_TRY(file_open(&f, in, e));
    DM_TRY(tiff_layout(&f, &l, e));
    DM_TRY(image_init(im, info->stored_w, info->stored_h, 3, e));
    f.message[0] = '\0';
    f.damaged = false;
    DM_TRY(tiff_read_pixels(&f, &l, im, e));
    if (f.damaged) {
        DM_FAIL(e, DM_EDECODE, "TIFF: the JPEG data inside is cut off or damaged");
    }
    return DM_OK;
}

const struct codec codec_tiff = {
    .format = IMAGE_FORMAT_TIFF,
    .name = "TIFF",
    .mime = "image/tiff",
    .sniff = tiff_sniff,
    .probe = tiff_probe,
    .decode = tiff_decode,
};

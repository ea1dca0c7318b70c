/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats and the one way through it: sniff, probe, check limits, decode, orient.
 * Called once or twice a photo. Also names the formats we refuse, so that a person learns what they
 * sent instead of reading "unknown". */
#include <string.h>

#include "base/limits.h"
#include "image/codec_priv.h"

const struct image_limits image_default_limits = {
    .max_bytes = LIMIT_IMAGE_FILE_BYTES,
    .max_megapixels = LIMIT_IMAGE_MEGAPIXELS,
    .min_side = LIMIT_IMAGE_SIDE_MIN,
    .max_side = LIMIT_IMAGE_SIDE_MAX,
};

static const struct codec *const codecs[] = {
    &codec_jpeg, &codec_png, &codec_webp, &codec_tiff, &codec_heif, &codec_avif,
};

_Static_assert(DM_COUNT(codecs) == IMAGE_FORMAT_MAX_ - 1, "each format needs its row");

/* What the first bytes look like when no codec takes them. */
static const struct foreign {
    const char *name;
    size_t offset;
    const char *magic;
    size_t n;
} foreigners[] = {
    // clang-format off
    {"JPEG XL",            0,   "\xff\x0a", 2},
    {"JPEG XL",            4,   "JXL ", 4},
    {"JPEG 2000",          4,   "jP  ", 4},
    {"JPEG 2000",          0,   "\xff\x4f\xff\x51", 4},
    {"GIF",                0,   "GIF8", 4},
    {"PDF",                0,   "%PDF", 4},
    {"BMP",                0,   "BM", 2},
    {"Windows icon",       0,   "\0\0\1\0", 4},
    {"Windows cursor",     0,   "\0\0\2\0", 4},
    {"Photoshop",          0,   "8BPS", 4},
    {"OpenEXR",            0,   "\x76\x2f\x31\x01", 4},
    {"Radiance HDR",       0,   "#?RADIANCE", 10},
    {"Radiance HDR",       0,   "#?RGBE", 6},
    {"PNM",                0,   "P1\n", 3},
    {"PNM",                0,   "P2\n", 3},
    {"PNM",                0,   "P3\n", 3},
    {"PNM",                0,   "P4\n", 3},
    {"PNM",                0,   "P5\n", 3},
    {"PNM",                0,   "P6\n", 3},
    {"FITS",               0,   "SIMPLE  =", 9},
    {"SGI",                0,   "\x01\xda", 2},
    {"DICOM",              128, "DICM", 4},
    {"MATLAB",             0,   "MATLAB ", 7},
    {"Fujifilm raw",       0,   "FUJIFILMCCD-RAW", 15},
    {"Panasonic raw",      0,   "IIU\0", 4},
    {"Olympus raw",        0,   "IIRO", 4},
    {"Canon raw (CR3)",    4,   "ftypcrx ", 8},
    {"video (MP4 or MOV)", 4,   "ftyp", 4},
    {"video (AVI)",        8,   "AVI ", 4},
    {"video (Matroska)",   0,   "\x1a\x45\xdf\xa3", 4},
    {"zip",                0,   "PK\3\4", 4},
    {"gzip",               0,   "\x1f\x8b", 2},
    // clang-format on
};

static const struct codec *find(enum image_format f)
{
    for (size_t i = 0; i < DM_COUNT(codecs); i++) {
        if (codecs[i]->format == f) {
            return codecs[i];
        }
    }
    return NULL;
}

const char *image_format_name(enum image_format f)
{
    const struct codec *c = find(f);
    return c ? c->name : "unknown";
}

const char *image_format_mime(enum image_format f)
{
    const struct codec *c = find(f);
    return c ? c->mime : "application/octet-stream";
}

enum image_format image_sniff(const void *bytes, size_t n)
{
    for (size_t i = 0; i < DM_COUNT(codecs); i++) {
        if (codecs[i]->sniff(bytes, n)) {
            return codecs[i]->format;
        }
    }
    return IMAGE_FORMAT_UNKNOWN;
}

/* Markup has no magic bytes: white space, comments and declarations may come first. */
static const char *name_markup(const char *p, size_t n)
{
    static const struct {
        const char *tag;
        const char *name;
    } tags[] = {{"<svg", "SVG"}, {"<html", "HTML"}, {"<!DOCTYPE html", "HTML"}, {"<?xml", "XML"}};
    n = DM_MIN(n, (size_t)1024);
    for (size_t t = 0; t < DM_COUNT(tags); t++) {
        if (memmem(p, n, tags[t].tag, strlen(tags[t].tag))) {
            return tags[t].name;
        }
    }
    return NULL;
}

static int refuse_foreigner(struct codec_input in, struct dm_err *e)
{
    const char *name = NULL;
    for (size_t i = 0; i < DM_COUNT(foreigners) && !name; i++) {
        const struct foreign *f = &foreigners[i];
        if (in.n >= f->offset + f->n && memcmp(in.bytes + f->offset, f->magic, f->n) == 0) {
            name = f->name;
        }
    }
    if (!name && in.n > 0) {
        name = name_markup((const char *)in.bytes, in.n);
    }
    if (!name) {
        DM_FAIL(e, DM_EUNSUPPORTED,
                "not a picture we know; send JPEG, PNG, WebP, TIFF, HEIF or AVIF");
    }
    DM_FAIL(e, DM_EUNSUPPORTED,
            "%s files are not supported; send JPEG, PNG, WebP, TIFF, HEIF or AVIF", name);
}

static int check_limits(const char *name, int w, int h, const struct image_limits *limits,
                        struct dm_err *e)
{
    int max_side = DM_MIN(limits->max_side, LIMIT_IMAGE_SIDE_MAX);
    double max_mp = DM_MIN(limits->max_megapixels, (double)LIMIT_IMAGE_MEGAPIXELS);
    if (w > max_side || h > max_side) {
        DM_FAIL(e, DM_ELIMIT, "%s of %d x %d pixels, the longest side allowed is %d", name, w, h,
                max_side);
    }
    if (w < limits->min_side || h < limits->min_side) {
        DM_FAIL(e, DM_ELIMIT, "%s of %d x %d pixels, the shortest side allowed is %d", name, w, h,
                limits->min_side);
    }
    if ((double)w * h > max_mp * 1e6) {
        DM_FAIL(e, DM_ELIMIT, "%s of %d x %d pixels, the limit is %g megapixels", name, w, h,
                max_mp);
    }
    return DM_OK;
}

static int probe(struct codec_input in, const struct image_limits *limits, struct image_info *ret,
                 const struct codec **ret_codec, struct dm_err *e)
{
    if (in.n == 0) {
        DM_FAIL(e, DM_EUNSUPPORTED, "the file is empty");
    }
    if (in.n > limits->max_bytes) {
        DM_FAIL(e, DM_ELIMIT, "%zu bytes, the limit is %zu", in.n, limits->max_bytes);
    }
    const struct codec *c = find(image_sniff(in.bytes, in.n));
    if (!c) {
        return refuse_foreigner(in, e);
    }
    struct image_info info = {.format = c->format};
    exif_init(&info.exif);
    DM_TRY(c->probe(in, &info, e));
    if (info.w == 0) {
        bool turned = info.exif.orientation >= 5;
        info.w = turned ? info.stored_h : info.stored_w;
        info.h = turned ? info.stored_w : info.stored_h;
    }
    DM_TRY(check_limits(c->name, info.w, info.h, limits, e));
    *ret = info;
    *ret_codec = c;
    return DM_OK;
}

int image_probe(const void *bytes, size_t n, const struct image_limits *limits,
                struct image_info *ret, struct dm_err *e)
{
    const struct codec *c;
    struct codec_input in = {bytes, n};
    return probe(in, limits ? limits : &image_default_limits, ret, &c, e);
}

int image_decode(const void *bytes, size_t n, const struct image_limits *limits, struct image *ret,
                 struct image_info *ret_info, struct dm_err *e)
{
    struct codec_input in = {bytes, n};
    const struct codec *c = NULL;
    struct image_info info;
    DM_CLEANUP(image_clear) struct image im = {0};
    DM_TRY(probe(in, limits ? limits : &image_default_limits, &info, &c, e));
    DM_TRY(c->decode(in, &info, &im, e));
    if (!c->turns) {
        DM_TRY(image_orient(&im, info.exif.orientation, e));
    }
    DM_BUG_UNLESS(im.w == info.w && im.h == info.h && im.channels == 3);
    *ret = im;
    im = (struct image){0};
    if (ret_info) {
        *ret_info = info;
    }
    return DM_OK;
}

int codec_fail(struct dm_err *e, int code, const char *file, int line, const char *what,
               const char *message)
{
    char text[160];
    size_t len = 0;
    for (const char *p = message; *p && *p != '\n' && len + 1 < sizeof(text); p++) {
        char c = *p;
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            c = ' ';
        }
        text[len++] = c;
    }
    text[len] = '\0';
    return dm_err_set(e, code, file, line, "%s: %s", what, text);
}

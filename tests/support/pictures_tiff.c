/* SPDX-License-Identifier: Apache-2.0
 *
 * Test pictures as TIFF, through libtiff into memory. */
#include <tiffio.h>

#include "support/pictures.h"

enum { TILE = 32, ROWS_PER_STRIP = 16, SAMPLES_MAX = 4 };

/* ---- a file in memory ---- */

struct memory {
    struct dm_buf *out;
    size_t at;
};

static tmsize_t memory_read(thandle_t h, void *buf, tmsize_t n)
{
    struct memory *m = h;
    size_t part = m->at < m->out->len ? DM_MIN((size_t)n, m->out->len - m->at) : 0;
    if (part > 0) {
        memcpy(buf, m->out->data + m->at, part);
    }
    m->at += part;
    return (tmsize_t)part;
}

static tmsize_t memory_write(thandle_t h, void *buf, tmsize_t n)
{
    struct memory *m = h;
    while (m->out->len < m->at + (size_t)n) {
        dm_buf_putc(m->out, 0);
    }
    memcpy(m->out->data + m->at, buf, (size_t)n);
    m->at += (size_t)n;
    return n;
}

static toff_t memory_seek(thandle_t h, toff_t offset, int whence)
{
    struct memory *m = h;
    m->at = (whence == SEEK_CUR ? m->at : whence == SEEK_END ? m->out->len : 0) + (size_t)offset;
    return m->at;
}

static int memory_close(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t memory_size(thandle_t h)
{
    const struct memory *m = h;
    return m->out->len;
}

/* ---- samples ---- */

static int samples_of(const struct picture *p)
{
    int n = p->kind == PHOTOMETRIC_SEPARATED                             ? 4
            : p->kind == PHOTOMETRIC_RGB || p->kind == PHOTOMETRIC_YCBCR ? 3
                                                                         : 1;
    return n + p->extra;
}

static uint8_t clamp_u8(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

/* Sample c of a pixel as 8 bits. Outside the picture (tiles overhang) the nearest one. */
static uint8_t sample(const struct picture *p, int x, int y, int c)
{
    uint8_t rgb[3];
    x = DM_MIN(x, picture_stored_w(p->orientation) - 1);
    y = DM_MIN(y, picture_stored_h(p->orientation) - 1);
    picture_stored_pixel(p->orientation, x, y, rgb);
    uint8_t grey = (uint8_t)((rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8);
    if (c == samples_of(p) - 1 && p->extra) {
        return (uint8_t)(x * 5); /* alpha */
    }
    switch (p->kind) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
        return grey;
    case PHOTOMETRIC_MINISWHITE:
        return (uint8_t)(255 - grey);
    case PHOTOMETRIC_SEPARATED:
        return c == 3 ? 0 : (uint8_t)(255 - rgb[c]);
    case PHOTOMETRIC_YCBCR: { /* ITU-R BT.601, full range */
        if (p->option == COMPRESSION_JPEG) {
            return rgb[c]; /* libtiff's JPEG codec converts */
        }
        double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        return clamp_u8(c == 0   ? luma
                        : c == 1 ? (rgb[2] - luma) / 1.772 + 128
                                 : (rgb[0] - luma) / 1.402 + 128);
    }
    default:
        return rgb[c];
    }
}

/* n pixels of row y from x on, samples first..last, packed as stored. Returns the bytes. */
static size_t pack_row(const struct picture *p, int x, int y, int n, int first, int last,
                       uint8_t *out)
{
    size_t bytes = 0;
    unsigned bits = 0;
    int have = 0;
    for (int i = 0; i < n * (last - first + 1); i++) {
        int c = first + i % (last - first + 1);
        uint8_t v = sample(p, x + i / (last - first + 1), y, c);
        if (p->bits == 16) {
            uint16_t wide = (uint16_t)(v << 8 | 0xd0); /* host order */
            memcpy(out + bytes, &wide, 2);
            bytes += 2;
            continue;
        }
        bits = bits << p->bits | (unsigned)(v >> (8 - p->bits));
        have += p->bits;
        if (have == 8) {
            out[bytes++] = (uint8_t)bits;
            have = 0;
        }
    }
    if (have > 0) {
        out[bytes++] = (uint8_t)(bits << (8 - have));
    }
    return bytes;
}

/* ---- writing ---- */

static void set_tags(TIFF *t, const struct picture *p)
{
    uint16_t extra = EXTRASAMPLE_UNASSALPHA;
    (void)TIFFSetField(t, TIFFTAG_IMAGEWIDTH, picture_stored_w(p->orientation));
    (void)TIFFSetField(t, TIFFTAG_IMAGELENGTH, picture_stored_h(p->orientation));
    (void)TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, p->bits);
    (void)TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, samples_of(p));
    (void)TIFFSetField(t, TIFFTAG_COMPRESSION, p->option);
    (void)TIFFSetField(t, TIFFTAG_PHOTOMETRIC, p->kind);
    (void)TIFFSetField(t, TIFFTAG_PLANARCONFIG,
                       p->planar ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (p->extra) {
        (void)TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &extra);
    }
    if (p->orientation) {
        (void)TIFFSetField(t, TIFFTAG_ORIENTATION, p->orientation);
        (void)TIFFSetField(t, TIFFTAG_MAKE, "Testmaker  ");
    }
    if (p->tiled) {
        (void)TIFFSetField(t, TIFFTAG_TILEWIDTH, TILE);
        (void)TIFFSetField(t, TIFFTAG_TILELENGTH, TILE);
    } else {
        (void)TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, ROWS_PER_STRIP);
    }
    if (p->option == COMPRESSION_JPEG) {
        (void)TIFFSetField(t, TIFFTAG_JPEGQUALITY, 95);
        (void)TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    } else if (p->kind == PHOTOMETRIC_YCBCR) {
        (void)TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
        static const float black_white[6] = {0, 255, 128, 255, 128, 255};
        (void)TIFFSetField(t, TIFFTAG_REFERENCEBLACKWHITE, black_white);
    }
    if (p->option == COMPRESSION_PIXARLOG) {
        (void)TIFFSetField(t, TIFFTAG_PIXARLOGDATAFMT, PIXARLOGDATAFMT_8BIT);
    }
    if (p->kind == PHOTOMETRIC_PALETTE) {
        uint16_t map[256];
        unsigned n = 1u << p->bits;
        for (unsigned i = 0; i < n; i++) {
            map[i] = (uint16_t)(i * 255 / (n - 1) * 257);
        }
        (void)TIFFSetField(t, TIFFTAG_COLORMAP, map, map, map);
    }
}

static bool write_tile(TIFF *t, const struct picture *p, int x, int y, int first, int last)
{
    uint8_t tile[TILE * TILE * SAMPLES_MAX * 2];
    size_t bytes = 0;
    for (int r = 0; r < TILE; r++) {
        bytes += pack_row(p, x, y + r, TILE, first, last, tile + bytes);
    }
    return TIFFWriteTile(t, tile, (uint32_t)x, (uint32_t)y, 0, (uint16_t)first) > 0;
}

static bool write_plane(TIFF *t, const struct picture *p, int first, int last)
{
    int w = picture_stored_w(p->orientation);
    int h = picture_stored_h(p->orientation);
    bool ok = true;
    if (p->tiled) {
        for (int i = 0; i < ((w + TILE - 1) / TILE) * ((h + TILE - 1) / TILE); i++) {
            int per_row = (w + TILE - 1) / TILE;
            ok &= write_tile(t, p, i % per_row * TILE, i / per_row * TILE, first, last);
        }
        return ok;
    }
    for (int y = 0; y < h; y++) {
        uint8_t row[PICTURE_W * SAMPLES_MAX * 2];
        (void)pack_row(p, 0, y, w, first, last, row);
        ok &= TIFFWriteScanline(t, row, (uint32_t)y, (uint16_t)(p->planar ? first : 0)) == 1;
    }
    return ok;
}

void picture_make_tiff(const struct picture *p, struct dm_buf *out)
{
    struct memory m = {.out = out};
    TIFF *t = TIFFClientOpen("test", "w", &m, memory_read, memory_write, memory_seek, memory_close,
                             memory_size, NULL, NULL);
    if (!t) {
        abort();
    }
    set_tags(t, p);
    bool ok = true;
    for (int c = 0; p->planar && c < samples_of(p); c++) {
        ok &= write_plane(t, p, c, c);
    }
    if (!p->planar) {
        ok = write_plane(t, p, 0, samples_of(p) - 1);
    }
    TIFFClose(t);
    if (!ok) {
        abort();
    }
}

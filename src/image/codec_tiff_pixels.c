/* SPDX-License-Identifier: Apache-2.0
 *
 * The pixels of a TIFF page. libtiff's own RGBA reader rounds 16 bits and blends alpha; we want the
 * high byte and no blending, so samples are read as stored, a row of a strip or a tile at a time,
 * and converted here. Only YCbCr without JPEG and L*a*b* take the library's reader. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "image/codec_tiff_priv.h"

struct pixels {
    struct tiff_file *f;
    const struct tiff_layout *l;
    struct image *im;
    uint8_t palette[256][3];
    uint8_t *raw;       /* a row of a strip, or a tile, as stored */
    uint8_t *samples;   /* one row of it, a byte a sample */
    size_t raw_bytes;   /* of the row or tile */
    size_t row_samples; /* in a row of it */
};

static void pixels_clear(struct pixels *p)
{
    dm_free(p->raw);
    dm_free(p->samples);
}

static inline uint8_t mul_u8(unsigned a, unsigned b)
{
    return (uint8_t)((a * b + 127) / 255);
}

/* n samples of 1, 2, 4 or 16 bits as bytes; small ones are scaled to 0..255 unless they are
 * palette indices. Bits are filled from the high end, 16 bits are in host order. */
static void widen(const struct tiff_layout *l, const uint8_t *raw, size_t n, uint8_t *out)
{
    if (l->bits == 16) {
        for (size_t i = 0; i < n; i++) {
            uint16_t v;
            memcpy(&v, raw + 2 * i, 2);
            out[i] = (uint8_t)(v >> 8);
        }
        return;
    }
    unsigned per_byte = 8u / l->bits;
    unsigned max = (1u << l->bits) - 1;
    unsigned scale = l->kind == TIFF_KIND_PALETTE ? 1 : 255 / max;
    for (size_t i = 0; i < n; i++) {
        unsigned shift = 8 - l->bits * (unsigned)(i % per_byte + 1);
        out[i] = (uint8_t)((raw[i / per_byte] >> shift & max) * scale);
    }
}

static void put_grey(const struct pixels *p, const uint8_t *s, size_t step, int n, uint8_t *out)
{
    uint8_t flip = p->l->white_is_zero ? 255 : 0;
    for (int i = 0; i < n; i++, s += step, out += 3) {
        out[0] = out[1] = out[2] = *s ^ flip;
    }
}

static void put_palette(const struct pixels *p, const uint8_t *s, size_t step, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++, s += step, out += 3) {
        memcpy(out, p->palette[*s], 3);
    }
}

static void put_rgb(const uint8_t *s, size_t step, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++, s += step, out += 3) {
        memcpy(out, s, 3);
    }
}

static void put_cmyk(const uint8_t *s, size_t step, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++, s += step, out += 3) {
        for (int c = 0; c < 3; c++) {
            out[c] = mul_u8(255u - s[c], 255u - s[3]);
        }
    }
}

/* One plane of colour: planes come in order, black ink last. */
static void put_plane(const uint8_t *s, int n, int plane, uint8_t *out)
{
    for (int i = 0; i < n; i++, out += 3) {
        if (plane < 3) {
            out[plane] = s[i];
            continue;
        }
        for (int c = 0; c < 3; c++) {
            out[c] = mul_u8(255u - out[c], 255u - s[i]);
        }
    }
}

/* n pixels from raw, stored samples of row y from column x on. */
static void put_row(struct pixels *p, const uint8_t *raw, int x, int y, int n, int plane)
{
    const struct tiff_layout *l = p->l;
    size_t step = l->planar ? 1 : l->samples;
    uint8_t *out = image_row(p->im, y) + 3 * (size_t)x;
    const uint8_t *s = raw;
    if (l->bits != 8) {
        widen(l, raw, (size_t)n * step, p->samples);
        s = p->samples;
    }
    if (l->kind == TIFF_KIND_GREY) {
        put_grey(p, s, step, n, out);
    } else if (l->kind == TIFF_KIND_PALETTE) {
        put_palette(p, s, step, n, out);
    } else if (l->planar) {
        put_plane(s, n, plane, out);
    } else if (l->kind == TIFF_KIND_RGB) {
        put_rgb(s, step, n, out);
    } else {
        put_cmyk(s, step, n, out);
    }
}

static int plane_count(const struct tiff_layout *l)
{
    if (!l->planar || l->kind == TIFF_KIND_GREY || l->kind == TIFF_KIND_PALETTE) {
        return 1;
    }
    return l->kind == TIFF_KIND_CMYK ? 4 : 3;
}

/* Room for one row or tile whose rows are w pixels wide; size is what the library says it needs. */
static int buffers_init(struct pixels *p, uint64_t size, uint64_t w, struct dm_err *e)
{
    uint64_t row_samples = w * (p->l->planar ? 1 : p->l->samples);
    if (size == 0 || size > LIMIT_TIFF_CHUNK_BYTES) {
        DM_FAIL(e, DM_ELIMIT, "TIFF with strips or tiles of %llu bytes, the limit is %zu",
                (unsigned long long)size, LIMIT_TIFF_CHUNK_BYTES);
    }
    p->raw_bytes = (size_t)size;
    p->row_samples = (size_t)row_samples;
    p->raw = dm_calloc(1, p->raw_bytes);
    p->samples = dm_calloc(1, p->row_samples);
    if (!p->raw || !p->samples) {
        DM_FAIL(e, DM_ENOMEM, "no memory to decode a TIFF");
    }
    return DM_OK;
}

static int read_rows(struct pixels *p, struct dm_err *e)
{
    TIFF *t = p->f->t;
    DM_TRY(buffers_init(p, TIFFScanlineSize64(t), (uint64_t)p->im->w, e));
    if (p->raw_bytes < (p->row_samples * p->l->bits + 7) / 8) {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with subsampled rows is not supported");
    }
    for (int plane = 0; plane < plane_count(p->l); plane++) {
        for (int y = 0; y < p->im->h; y++) {
            if (TIFFReadScanline(t, p->raw, (uint32_t)y, (uint16_t)plane) != 1) {
                return tiff_fail(p->f, e);
            }
            put_row(p, p->raw, 0, y, p->im->w, plane);
        }
    }
    return DM_OK;
}

static int tile_size(TIFF *t, uint32_t *w, uint32_t *h, struct dm_err *e)
{
    *w = *h = 0;
    (void)TIFFGetField(t, TIFFTAG_TILEWIDTH, w);
    (void)TIFFGetField(t, TIFFTAG_TILELENGTH, h);
    if (*w == 0 || *h == 0 || *w > 2 * LIMIT_IMAGE_SIDE_MAX || *h > 2 * LIMIT_IMAGE_SIDE_MAX) {
        DM_FAIL(e, DM_EDECODE, "TIFF with tiles of %u x %u pixels", *w, *h);
    }
    return DM_OK;
}

/* The size of all tiles. */
struct tile {
    uint32_t w, h;
    size_t row_bytes;
};

static int read_tile(struct pixels *p, const struct tile *t, int x, int y, int plane,
                     struct dm_err *e)
{
    if (TIFFReadTile(p->f->t, p->raw, (uint32_t)x, (uint32_t)y, 0, (uint16_t)plane) < 0) {
        return tiff_fail(p->f, e);
    }
    int n = DM_MIN((int)t->w, p->im->w - x);
    int rows = DM_MIN((int)t->h, p->im->h - y);
    for (int r = 0; r < rows; r++) {
        put_row(p, p->raw + (size_t)r * t->row_bytes, x, y + r, n, plane);
    }
    return DM_OK;
}

static int read_tiles(struct pixels *p, struct dm_err *e)
{
    struct tile t;
    DM_TRY(tile_size(p->f->t, &t.w, &t.h, e));
    DM_TRY(buffers_init(p, TIFFTileSize64(p->f->t), t.w, e));
    t.row_bytes = (size_t)TIFFTileRowSize64(p->f->t);
    if (t.row_bytes < (p->row_samples * p->l->bits + 7) / 8 || t.row_bytes > p->raw_bytes / t.h) {
        DM_FAIL(e, DM_EUNSUPPORTED, "TIFF with subsampled tiles is not supported");
    }
    for (int plane = 0; plane < plane_count(p->l); plane++) {
        for (int y = 0; y < p->im->h; y += (int)t.h) {
            for (int x = 0; x < p->im->w; x += (int)t.w) {
                DM_TRY(read_tile(p, &t, x, y, plane, e));
            }
        }
    }
    return DM_OK;
}

/* A block of w x h pixels that the library converted: rows bottom to top, R in the low byte. */
static void put_raster(const struct pixels *p, const uint32_t *raster, int raster_w, int x, int y,
                       int rows)
{
    int n = DM_MIN(raster_w, p->im->w - x);
    for (int r = 0; r < rows && y + r < p->im->h; r++) {
        const uint32_t *in = raster + (size_t)(rows - 1 - r) * (size_t)raster_w;
        uint8_t *out = image_row(p->im, y + r) + 3 * (size_t)x;
        for (int i = 0; i < n; i++, out += 3) {
            out[0] = (uint8_t)TIFFGetR(in[i]);
            out[1] = (uint8_t)TIFFGetG(in[i]);
            out[2] = (uint8_t)TIFFGetB(in[i]);
        }
    }
}

static int read_block(struct pixels *p, bool tiled, int x, int y, int w, int h, struct dm_err *e)
{
    TIFF *t = p->f->t;
    uint32_t *raster = (uint32_t *)(void *)p->raw;
    int ok = tiled ? TIFFReadRGBATileExt(t, (uint32_t)x, (uint32_t)y, raster, 1)
                   : TIFFReadRGBAStripExt(t, (uint32_t)y, raster, 1);
    if (!ok) {
        return tiff_fail(p->f, e);
    }
    put_raster(p, raster, w, x, y, tiled ? h : DM_MIN(h, p->im->h - y));
    return DM_OK;
}

static int read_converted(struct pixels *p, struct dm_err *e)
{
    TIFF *t = p->f->t;
    uint32_t w = (uint32_t)p->im->w;
    uint32_t h = 0;
    bool tiled = TIFFIsTiled(t);
    (void)TIFFSetField(t, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT); /* or it turns each block */
    if (tiled) {
        DM_TRY(tile_size(t, &w, &h, e));
    } else {
        (void)TIFFGetFieldDefaulted(t, TIFFTAG_ROWSPERSTRIP, &h);
        h = DM_CLAMP(h, 1u, (uint32_t)p->im->h);
    }
    DM_TRY(buffers_init(p, (uint64_t)w * h * 4, 1, e));
    for (int y = 0; y < p->im->h; y += (int)h) {
        for (int x = 0; x < p->im->w; x += (int)w) {
            DM_TRY(read_block(p, tiled, x, y, (int)w, (int)h, e));
        }
    }
    return DM_OK;
}

/* The map has 16 bits a colour; some old writers filled only the low 8. */
static int take_palette(struct pixels *p, struct dm_err *e)
{
    uint16_t *map[3];
    if (TIFFGetField(p->f->t, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) != 1) {
        DM_FAIL(e, DM_EDECODE, "TIFF without its palette");
    }
    size_t n = (size_t)1 << p->l->bits;
    uint16_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= map[0][i] | map[1][i] | map[2][i];
    }
    unsigned shift = all > 255 ? 8 : 0;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 3; c++) {
            p->palette[i][c] = (uint8_t)(map[c][i] >> shift);
        }
    }
    return DM_OK;
}

int tiff_read_pixels(struct tiff_file *f, const struct tiff_layout *l, struct image *im,
                     struct dm_err *e)
{
    DM_CLEANUP(pixels_clear) struct pixels p = {.f = f, .l = l, .im = im};
    if (l->kind == TIFF_KIND_PALETTE) {
        DM_TRY(take_palette(&p, e));
    }
    if (l->kind == TIFF_KIND_OTHER) {
        return read_converted(&p, e);
    }
    return TIFFIsTiled(f->t) ? read_tiles(&p, e) : read_rows(&p, e);
}

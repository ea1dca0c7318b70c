/* SPDX-License-Identifier: Apache-2.0
 *
 * Test pictures as JPEG, PNG and WebP. PNG is written by hand: no encoder makes all its variants.
 */
#include <jpeglib.h>
#include <webp/encode.h>
#include <zlib.h>

#include "support/pictures.h"

static void append_exif(const struct picture *p, struct dm_buf *out)
{
    exif_make(&(struct exif_spec){.orientation = p->orientation}, out);
}

/* ---- JPEG ---- */

static uint8_t ink(uint8_t v)
{
    return (uint8_t)(255 - v);
}

/* A row in the encoder's input space: RGB, grey, or CMYK without black. */
static void jpeg_row(const struct picture *p, int y, uint8_t *row)
{
    for (int x = 0; x < picture_stored_w(p->orientation); x++) {
        uint8_t rgb[3];
        picture_stored_pixel(p->orientation, x, y, rgb);
        if (p->kind == JCS_GRAYSCALE) {
            row[x] = (uint8_t)((rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8);
        } else if (p->kind == JCS_CMYK || p->kind == JCS_YCCK) {
            for (int c = 0; c < 3; c++) {
                row[4 * x + c] = p->extra ? rgb[c] : ink(rgb[c]); /* Adobe stores it inverted */
            }
            row[4 * x + 3] = p->extra ? 255 : 0;
        } else {
            memcpy(row + 3 * x, rgb, 3);
        }
    }
}

static void jpeg_setup(const struct picture *p, struct jpeg_compress_struct *c)
{
    bool cmyk = p->kind == JCS_CMYK || p->kind == JCS_YCCK;
    c->image_width = (JDIMENSION)picture_stored_w(p->orientation);
    c->image_height = (JDIMENSION)picture_stored_h(p->orientation);
    c->input_components = p->kind == JCS_GRAYSCALE ? 1 : cmyk ? 4 : 3;
    c->in_color_space = p->kind == JCS_GRAYSCALE ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_colorspace(c, (J_COLOR_SPACE)p->kind);
    jpeg_set_quality(c, 95, TRUE);
    c->write_Adobe_marker = p->extra;
    c->arith_code = (p->option & JPEG_ARITHMETIC) != 0;
    c->restart_interval = p->option & JPEG_RESTARTS ? 3 : 0;
    int factor = p->option & JPEG_420 ? 2 : 1;
    c->comp_info[0].h_samp_factor = c->comp_info[0].v_samp_factor = factor;
    static const jpeg_scan_info separate[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    if (p->option & JPEG_SEPARATE) {
        c->scan_info = separate;
        c->num_scans = DM_COUNT(separate);
    }
    if (p->kind == JCS_YCCK) {
        c->comp_info[3].h_samp_factor = c->comp_info[3].v_samp_factor = factor;
    }
    if (p->option & JPEG_PROGRESSIVE) {
        jpeg_simple_progression(c);
    }
}

void picture_make_jpeg(const struct picture *p, struct dm_buf *out)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr err;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    uint8_t row[4 * PICTURE_W];
    c.err = jpeg_std_error(&err);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &n);
    jpeg_setup(p, &c);
    jpeg_start_compress(&c, TRUE);
    if (p->orientation) {
        struct dm_buf app1 = dm_buf_init(4096);
        dm_buf_append(&app1, "Exif\0", 6);
        append_exif(p, &app1);
        jpeg_write_marker(&c, JPEG_APP0 + 1, (const JOCTET *)app1.data, (unsigned)app1.len);
        dm_buf_clear(&app1);
    }
    for (int y = 0; y < picture_stored_h(p->orientation); y++) {
        JSAMPROW rows = row;
        jpeg_row(p, y, row);
        (void)jpeg_write_scanlines(&c, &rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    bool no_end = p->option & (JPEG_NO_EOI | JPEG_STRAY_BYTES);
    dm_buf_append(out, bytes, no_end ? n - 2 : n);
    if (p->option & JPEG_STRAY_BYTES) {
        dm_buf_append(out, "\x11\x22\x33\x44\xff\xd9", 6);
    }
    free(bytes);
}

size_t jpeg_marker(const struct dm_buf *b, uint8_t kind, int n)
{
    for (size_t i = 0; i + 1 < b->len; i++) {
        if ((uint8_t)b->data[i] == 0xff && (uint8_t)b->data[i + 1] == kind && --n == 0) {
            return i;
        }
    }
    abort();
}

static void overwrite_be(struct dm_buf *b, size_t at, int v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        b->data[at + (size_t)i] = (char)(v >> 8 * (bytes - 1 - i));
    }
}

void jpeg_claim_size(struct dm_buf *b, uint8_t sof, int w, int h)
{
    size_t at = jpeg_marker(b, sof, 1);
    overwrite_be(b, at + 5, h, 2);
    overwrite_be(b, at + 7, w, 2);
}

void heif_claim_size(struct dm_buf *b, int w, int h)
{
    for (size_t i = 0; i + 16 <= b->len; i++) {
        if (memcmp(b->data + i, "ispe", 4) == 0) {
            overwrite_be(b, i + 8, w, 4);
            overwrite_be(b, i + 12, h, 4);
        }
    }
}

/* ---- PNG ---- */

void png_claim_size(struct dm_buf *b, int w, int h)
{
    overwrite_be(b, 16, w, 4);
    overwrite_be(b, 20, h, 4);
    overwrite_be(b, 29, (int)crc32(0, (const Bytef *)b->data + 12, 17), 4);
}

void put_chunk(struct dm_buf *b, const char *type, const void *data, size_t n)
{
    put_be(b, n, 4);
    size_t at = b->len;
    dm_buf_append(b, type, 4);
    dm_buf_append(b, data, n);
    put_be(b, crc32(0, (const Bytef *)b->data + at, (uInt)(n + 4)), 4);
}

static int png_channels(int color)
{
    return color == 2 ? 3 : color == 4 ? 2 : color == 6 ? 4 : 1;
}

/* Sample c of a pixel, 16 bits wide; the low byte of 16 bits is noise that >> 8 must drop. */
static unsigned png_sample(const struct picture *p, int x, int y, int c)
{
    uint8_t rgb[3];
    picture_stored_pixel(p->orientation, x, y, rgb);
    bool alpha = (p->kind == 4 && c == 1) || c == 3;
    unsigned v = alpha ? (unsigned)(x * 5) : rgb[c];
    if (p->kind != 2 && p->kind != 6 && !alpha) {
        v = (unsigned)(rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8;
    }
    return v << 8 | 0xd0;
}

/* Whole-byte samples go through filter Sub: the picture is smooth, and the file stays small. */
static void png_put_row(const struct picture *p, struct dm_buf *raw, int y, int x0, int dx)
{
    unsigned bits = 0;
    int have = 0;
    uint8_t before[8] = {0};
    size_t pixel = (size_t)(png_channels(p->kind) * p->bits / 8);
    bool sub = p->bits >= 8;
    size_t n = 0;
    dm_buf_putc(raw, sub ? 1 : 0);
    for (int x = x0; x < picture_stored_w(p->orientation); x += dx) {
        for (int c = 0; c < png_channels(p->kind); c++) {
            bits = bits << p->bits | png_sample(p, x, y, c) >> (16 - p->bits);
            for (have += p->bits; have >= 8; have -= 8) {
                uint8_t v = (uint8_t)(bits >> (have - 8));
                dm_buf_putc(raw, (char)(sub ? v - before[n % pixel] : v));
                before[sub ? n++ % pixel : 0] = v;
            }
        }
    }
    if (have > 0) {
        dm_buf_putc(raw, (char)(bits << (8 - have)));
    }
}

static void png_put_rows(const struct picture *p, struct dm_buf *raw)
{
    /* Adam7: PNG specification, 8.2 */
    static const int pass[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                   {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    for (int i = 0; i < (p->option ? 7 : 1); i++) {
        int x0 = p->option ? pass[i][0] : 0;
        int dx = p->option ? pass[i][2] : 1;
        for (int y = p->option ? pass[i][1] : 0; y < picture_stored_h(p->orientation);
             y += p->option ? pass[i][3] : 1) {
            png_put_row(p, raw, y, x0, dx);
        }
    }
}

void picture_make_png(const struct picture *p, struct dm_buf *out)
{
    struct dm_buf raw = dm_buf_init(PICTURE_BYTES_MAX);
    struct dm_buf head = dm_buf_init(64);
    uint8_t packed[1 << 16];
    uLongf n = sizeof(packed);
    dm_buf_append(out, "\x89PNG\r\n\x1a\n", 8);
    put_be(&head, (uint64_t)picture_stored_w(p->orientation), 4);
    put_be(&head, (uint64_t)picture_stored_h(p->orientation), 4);
    dm_buf_append(&head, (char[]){(char)p->bits, (char)p->kind, 0, 0, (char)p->option}, 5);
    put_chunk(out, "IHDR", head.data, head.len);
    if (p->orientation) {
        struct dm_buf exif = dm_buf_init(4096);
        append_exif(p, &exif);
        put_chunk(out, "eXIf", exif.data, exif.len);
        dm_buf_clear(&exif);
    }
    if (p->kind == 3) {
        uint8_t palette[256][3];
        unsigned entries = 1u << p->bits;
        for (unsigned i = 0; i < entries; i++) {
            memset(palette[i], (int)(i * 255 / (entries - 1)), 3);
        }
        put_chunk(out, "PLTE", palette, (size_t)entries * 3);
        put_chunk(out, "tRNS", "\x10\x20", 2);
    }
    png_put_rows(p, &raw);
    if (compress(packed, &n, (const Bytef *)raw.data, raw.len) != Z_OK) {
        abort();
    }
    put_chunk(out, "IDAT", packed, n / 2);
    put_chunk(out, "IDAT", packed + n / 2, n - n / 2);
    put_chunk(out, "IEND", NULL, 0);
    dm_buf_clear(&raw);
    dm_buf_clear(&head);
}

/* ---- WebP ---- */

static void put_le32(struct dm_buf *b, size_t v)
{
    for (int i = 0; i < 4; i++) {
        dm_buf_putc(b, (char)(v >> 8 * i));
    }
}

/* The extended container: what the encoder wrote, and an EXIF chunk. */
static void put_extended(const struct picture *p, const uint8_t *plain, size_t n,
                         struct dm_buf *out)
{
    struct dm_buf exif = dm_buf_init(4096);
    append_exif(p, &exif);
    size_t padded = exif.len + (exif.len & 1);
    dm_buf_append(out, "RIFF", 4);
    put_le32(out, 4 + 18 + (n - 12) + 8 + padded);
    dm_buf_append(out, "WEBPVP8X", 8);
    put_le32(out, 10);
    put_le32(out, 8); /* has EXIF */
    for (int i = 0; i < 2; i++) {
        int side = i ? picture_stored_h(p->orientation) : picture_stored_w(p->orientation);
        dm_buf_append(out, (char[]){(char)(side - 1), 0, 0}, 3);
    }
    dm_buf_append(out, plain + 12, n - 12);
    dm_buf_append(out, "EXIF", 4);
    put_le32(out, exif.len);
    dm_buf_append(out, exif.data, exif.len);
    dm_buf_append(out, "", padded - exif.len);
    dm_buf_clear(&exif);
}

void picture_make_webp(const struct picture *p, struct dm_buf *out)
{
    int w = picture_stored_w(p->orientation);
    int h = picture_stored_h(p->orientation);
    uint8_t px[PICTURE_W * PICTURE_H * 4];
    int channels = p->extra ? 4 : 3;
    for (int i = 0; i < w * h; i++) {
        uint8_t rgb[3];
        picture_stored_pixel(p->orientation, i % w, i / w, rgb);
        memcpy(px + channels * i, rgb, 3);
        if (p->extra) {
            px[4 * i + 3] = (uint8_t)(1 + i % 255); /* fully transparent loses its colour */
        }
    }
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (p->option) {
        n = p->extra ? WebPEncodeLosslessRGBA(px, w, h, w * 4, &bytes)
                     : WebPEncodeLosslessRGB(px, w, h, w * 3, &bytes);
    } else {
        n = WebPEncodeRGB(px, w, h, w * 3, 95, &bytes);
    }
    if (n == 0) {
        abort();
    }
    if (p->orientation) {
        put_extended(p, bytes, n, out);
    } else {
        dm_buf_append(out, bytes, n);
    }
    WebPFree(bytes);
}

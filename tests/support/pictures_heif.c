/* SPDX-License-Identifier: Apache-2.0
 *
 * Test pictures as HEIF and AVIF. Single pictures come from libheif's own encoders; a grid, which
 * it cannot write, is put together by hand from coded tiles. */
#include <libheif/heif.h>

#include "support/pictures.h"

/* libheif makes no coded picture smaller than this. */
enum { GRID_TILE = 64, GRID_COLUMNS = 2, GRID_ROWS = 2, GRID_TILES = GRID_COLUMNS * GRID_ROWS };

/* Read by the leak checker: x265 3.5, the encoder, keeps its scaling tables. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:x265_malloc\n";
}

static enum heif_compression_format compression(enum image_format f)
{
    return f == IMAGE_FORMAT_AVIF ? heif_compression_AV1 : heif_compression_HEVC;
}

bool picture_can_encode(enum image_format f)
{
    if (f != IMAGE_FORMAT_HEIF && f != IMAGE_FORMAT_AVIF) {
        return true;
    }
    return heif_have_encoder_for_format(compression(f)) != 0;
}

static void must(struct heif_error err)
{
    if (err.code != heif_error_Ok) {
        (void)fprintf(stderr, "libheif: %s\n", err.message);
        abort();
    }
}

/* w x h pixels of the picture from (x0, y0) on; beyond its edge the nearest ones. */
static struct heif_image *pixels(const struct picture *p, int x0, int y0, int w, int h)
{
    struct heif_image *im = NULL;
    int stride;
    bool wide = p->bits > 8;
    int channels = p->extra ? 4 : 3;
    enum heif_chroma chroma = wide       ? heif_chroma_interleaved_RRGGBB_LE
                              : p->extra ? heif_chroma_interleaved_RGBA
                                         : heif_chroma_interleaved_RGB;
    must(heif_image_create(w, h, heif_colorspace_RGB, chroma, &im));
    must(heif_image_add_plane(im, heif_channel_interleaved, w, h, wide ? p->bits : 8));
    uint8_t *px = heif_image_get_plane(im, heif_channel_interleaved, &stride);
    for (int i = 0; i < w * h; i++) {
        uint8_t rgb[4] = {0, 0, 0, (uint8_t)(i % 200 + 20)};
        picture_pixel(DM_MIN(x0 + i % w, PICTURE_W - 1), DM_MIN(y0 + i / w, PICTURE_H - 1), rgb);
        uint8_t *row = px + i / w * stride;
        for (int c = 0; c < channels; c++) {
            if (wide) {
                uint16_t v = (uint16_t)(rgb[c] << (p->bits - 8));
                memcpy(row + 2 * (channels * (i % w) + c), &v, 2);
            } else {
                row[channels * (i % w) + c] = rgb[c];
            }
        }
    }
    return im;
}

static struct heif_error append(struct heif_context *ctx, const void *bytes, size_t n, void *user)
{
    (void)ctx;
    dm_buf_append(user, bytes, n);
    return (struct heif_error){heif_error_Ok, heif_suberror_Unspecified, ""};
}

static void encode(const struct picture *p, struct heif_image *im, const struct dm_buf *exif,
                   struct dm_buf *out)
{
    struct heif_context *ctx = heif_context_alloc();
    struct heif_encoder *enc = NULL;
    struct heif_image_handle *h = NULL;
    struct heif_writer writer = {.writer_api_version = 1, .write = append};
    must(heif_context_get_encoder_for_format(ctx, compression(p->format), &enc));
    must(heif_encoder_set_lossy_quality(enc, 95));
    if (p->format == IMAGE_FORMAT_AVIF) {
        (void)heif_encoder_set_parameter_integer(enc, "speed", 9);
        (void)heif_encoder_set_parameter_integer(enc, "threads", 1);
        (void)heif_encoder_set_parameter_string(enc, "chroma", "420");
    }
    must(heif_context_encode_image(ctx, im, enc, NULL, &h));
    if (exif) {
        must(heif_context_add_exif_metadata(ctx, h, exif->data, (int)exif->len));
    }
    must(heif_context_write(ctx, &writer, out));
    heif_image_handle_release(h);
    heif_encoder_release(enc);
    heif_context_free(ctx);
}

void picture_make_heif(const struct picture *p, struct dm_buf *out)
{
    struct dm_buf exif = dm_buf_init(4096);
    struct heif_image *im = pixels(p, 0, 0, PICTURE_W, PICTURE_H);
    if (p->orientation) { /* the pixels are upright: the reader must not turn them by EXIF */
        exif_make(&(struct exif_spec){.orientation = p->orientation, .make = "Testmaker"}, &exif);
    }
    encode(p, im, p->orientation ? &exif : NULL, out);
    heif_image_release(im);
    dm_buf_clear(&exif);
}

/* ---- a grid by hand ---- */

/* The whole box of that type, wherever it is nested. */
static const char *find_box(const struct dm_buf *b, const char *type, size_t *ret_n)
{
    const char *at = memmem(b->data, b->len, type, 4);
    if (!at || at - b->data < 4) {
        abort();
    }
    const uint8_t *size = (const uint8_t *)at - 4;
    *ret_n = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    return at - 4;
}

struct tile {
    struct dm_buf file;
    const char *config, *data; /* hvcC or av1C box, and the coded bytes */
    size_t config_n, data_n;
};

static void make_tile(const struct picture *p, int i, struct tile *t)
{
    struct heif_image *im =
        pixels(p, i % GRID_COLUMNS * GRID_TILE, i / GRID_COLUMNS * GRID_TILE, GRID_TILE, GRID_TILE);
    t->file = dm_buf_init(PICTURE_BYTES_MAX);
    encode(p, im, NULL, &t->file);
    heif_image_release(im);
    t->config = find_box(&t->file, p->format == IMAGE_FORMAT_AVIF ? "av1C" : "hvcC", &t->config_n);
    t->data = find_box(&t->file, "mdat", &t->data_n) + 8;
    t->data_n -= 8;
}

static size_t full_box_begin(struct dm_buf *b, const char *type, int version_flags)
{
    size_t at = box_begin(b, type);
    put_be(b, (uint64_t)version_flags, 4);
    return at;
}

static void put_infe(struct dm_buf *b, int id, const char *type)
{
    size_t at = full_box_begin(b, "infe", 2 << 24);
    put_be(b, (uint64_t)id, 2);
    put_be(b, 0, 2);
    dm_buf_append(b, type, 4);
    dm_buf_putc(b, 0);
    box_end(b, at);
}

static void put_ispe(struct dm_buf *b, int w, int h)
{
    size_t at = full_box_begin(b, "ispe", 0);
    put_be(b, (uint64_t)w, 4);
    put_be(b, (uint64_t)h, 4);
    box_end(b, at);
}

/* Items 1..4 are tiles, 5 is the grid. Properties: 1 tile size, 2 grid size, 3.. a configuration
 * for each tile. */
static void put_items(const struct picture *p, struct dm_buf *b)
{
    size_t at = full_box_begin(b, "pitm", 0);
    put_be(b, GRID_TILES + 1, 2);
    box_end(b, at);
    at = full_box_begin(b, "iinf", 0);
    put_be(b, GRID_TILES + 1, 2);
    for (int i = 1; i <= GRID_TILES; i++) {
        put_infe(b, i, p->format == IMAGE_FORMAT_AVIF ? "av01" : "hvc1");
    }
    put_infe(b, GRID_TILES + 1, "grid");
    box_end(b, at);
    at = full_box_begin(b, "iref", 0);
    size_t dimg = box_begin(b, "dimg");
    put_be(b, GRID_TILES + 1, 2);
    put_be(b, GRID_TILES, 2);
    for (int i = 1; i <= GRID_TILES; i++) {
        put_be(b, (uint64_t)i, 2);
    }
    box_end(b, dimg);
    box_end(b, at);
}

static void put_properties(const struct tile *tiles, struct dm_buf *b)
{
    size_t iprp = box_begin(b, "iprp");
    size_t ipco = box_begin(b, "ipco");
    put_ispe(b, GRID_TILE, GRID_TILE);
    put_ispe(b, PICTURE_W, PICTURE_H);
    for (int i = 0; i < GRID_TILES; i++) {
        dm_buf_append(b, tiles[i].config, tiles[i].config_n);
    }
    box_end(b, ipco);
    size_t ipma = full_box_begin(b, "ipma", 0);
    put_be(b, GRID_TILES + 1, 4);
    for (int i = 1; i <= GRID_TILES; i++) {
        put_be(b, (uint64_t)i, 2);
        put_be(b, 2, 1);
        put_be(b, 1, 1);
        put_be(b, (uint64_t)(0x80 | (2 + i)), 1);
    }
    put_be(b, GRID_TILES + 1, 2);
    put_be(b, 1, 1);
    put_be(b, 2, 1);
    box_end(b, ipma);
    box_end(b, iprp);
}

/* Absolute file positions; 0 while the size of what comes before is not known. */
static void put_locations(const struct tile *tiles, size_t data_at, struct dm_buf *b)
{
    size_t at = full_box_begin(b, "iloc", 1 << 24);
    put_be(b, 0x4400, 2);
    put_be(b, GRID_TILES + 1, 2);
    for (int i = 1; i <= GRID_TILES + 1; i++) {
        bool grid = i == GRID_TILES + 1;
        put_be(b, (uint64_t)i, 2);
        put_be(b, grid, 2); /* the grid's description lies in idat */
        put_be(b, 0, 2);
        put_be(b, 1, 2);
        put_be(b, grid ? 0 : data_at, 4);
        put_be(b, grid ? 8 : tiles[i - 1].data_n, 4);
        data_at += grid ? 0 : tiles[i - 1].data_n;
    }
    box_end(b, at);
}

static void put_meta(const struct picture *p, const struct tile *tiles, size_t data_at,
                     struct dm_buf *b)
{
    size_t meta = full_box_begin(b, "meta", 0);
    size_t at = full_box_begin(b, "hdlr", 0);
    put_be(b, 0, 4);
    dm_buf_append(b, "pict", 4);
    put_be(b, 0, 8);
    put_be(b, 0, 5);
    box_end(b, at);
    put_items(p, b);
    put_properties(tiles, b);
    put_locations(tiles, data_at, b);
    at = box_begin(b, "idat");
    put_be(b, 0, 2);
    put_be(b, GRID_ROWS - 1, 1);
    put_be(b, GRID_COLUMNS - 1, 1);
    put_be(b, PICTURE_W, 2);
    put_be(b, PICTURE_H, 2);
    box_end(b, at);
    box_end(b, meta);
}

void picture_make_heif_grid(const struct picture *p, struct dm_buf *out)
{
    struct tile tiles[GRID_TILES];
    for (int i = 0; i < GRID_TILES; i++) {
        make_tile(p, i, &tiles[i]);
    }
    size_t at = box_begin(out, "ftyp");
    dm_buf_append(out, p->format == IMAGE_FORMAT_AVIF ? "avif" : "heic", 4);
    put_be(out, 0, 4);
    dm_buf_append(out, p->format == IMAGE_FORMAT_AVIF ? "avifmif1" : "heicmif1", 8);
    box_end(out, at);
    struct dm_buf measure = dm_buf_init(PICTURE_BYTES_MAX);
    put_meta(p, tiles, 0, &measure);
    put_meta(p, tiles, out->len + measure.len + 8, out);
    dm_buf_clear(&measure);
    at = box_begin(out, "mdat");
    for (int i = 0; i < GRID_TILES; i++) {
        dm_buf_append(out, tiles[i].data, tiles[i].data_n);
        dm_buf_clear(&tiles[i].file);
    }
    box_end(out, at);
}

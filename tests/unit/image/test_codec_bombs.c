/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files that claim to be large: refused in under 50 ms and 50 MB, each in a process of its
 * own. */
#include <tiffio.h>

#include "image/codec.h"
#include "support/measure.h"
#include "support/pictures.h"
#include "support/testing.h"

enum { SOF0 = 0xc0, SOF2 = 0xc2, BOMB_MS = 50, BOMB_MB = 50 };

/* ---- TIFF directories by hand ---- */

struct tag {
    uint16_t tag, type; /* 3 short, 4 long */
    uint32_t count, value;
};

static void put_le(struct dm_buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        dm_buf_putc(b, (char)(v >> 8 * i));
    }
}

static void tiff(struct dm_buf *b, const struct tag *tags, size_t n)
{
    dm_buf_append(b, "II*\0\x08\0\0\0", 8);
    put_le(b, (uint32_t)n, 2);
    for (size_t i = 0; i < n; i++) {
        put_le(b, tags[i].tag, 2);
        put_le(b, tags[i].type, 2);
        put_le(b, tags[i].count, 4);
        put_le(b, tags[i].value, 4);
    }
    put_le(b, 0, 4);
    for (int i = 0; i < 4000; i++) {
        dm_buf_putc(b, (char)(i * 31));
    }
}

#define SIZE(w, h)                                                                                 \
    {256, 4, 1, w},                                                                                \
    {                                                                                              \
        257, 4, 1, h                                                                               \
    }
#define TIFF(...)                                                                                  \
    do {                                                                                           \
        const struct tag tags_[] = {__VA_ARGS__};                                                  \
        tiff(b, tags_, DM_COUNT(tags_));                                                           \
    } while (0)

static void tiff_too_large(struct dm_buf *b)
{
    TIFF(SIZE(60000, 60000), {258, 3, 1, 8}, {262, 3, 1, 1}, {273, 4, 1, 200}, {279, 4, 1, 3000});
}

static void tiff_without_its_rows(struct dm_buf *b)
{
    TIFF(SIZE(10900, 10900), {258, 3, 1, 8}, {259, 3, 1, COMPRESSION_LZW}, {262, 3, 1, 1},
         {273, 4, 1, 200}, {278, 4, 1, 10900}, {279, 4, 1, 3000});
}

static void tiff_of_one_giant_tile(struct dm_buf *b)
{
    TIFF(SIZE(100, 100), {258, 3, 1, 8}, {259, 3, 1, COMPRESSION_LZW}, {262, 3, 1, 1},
         {322, 4, 1, 60000}, {323, 4, 1, 60000}, {324, 4, 1, 200}, {325, 4, 1, 3000});
}

static void tiff_of_many_samples(struct dm_buf *b)
{
    TIFF(SIZE(30000, 3000), {258, 3, 1, 8}, {262, 3, 1, 1}, {273, 4, 1, 200}, {277, 3, 1, 65535},
         {279, 4, 1, 3000});
}

static void tiff_converted_in_one_strip(struct dm_buf *b)
{
    TIFF(SIZE(10900, 10900), {258, 3, 1, 8}, {259, 3, 1, COMPRESSION_LZW}, {262, 3, 1, 6},
         {273, 4, 1, 200}, {277, 3, 1, 3}, {278, 4, 1, 10900}, {279, 4, 1, 3000});
}

/* ---- others, from small pictures ---- */

static void claim(struct dm_buf *b, const char *name, uint8_t sof, int w, int h)
{
    const struct picture *p = picture_find(name);
    dm_buf_clear(b);
    picture_make(p, b);
    if (p->format == IMAGE_FORMAT_JPEG) {
        jpeg_claim_size(b, sof, w, h);
    } else if (p->format == IMAGE_FORMAT_PNG) {
        png_claim_size(b, w, h);
    } else {
        heif_claim_size(b, w, h);
    }
}

static void jpeg_baseline(struct dm_buf *b)
{
    claim(b, "420.jpg", SOF0, 10900, 10900);
}

static void jpeg_progressive(struct dm_buf *b)
{
    claim(b, "progressive.jpg", SOF2, 10900, 10900);
}

static void jpeg_largest(struct dm_buf *b)
{
    claim(b, "grey.jpg", SOF0, 65500, 65500);
}

static void png_plain(struct dm_buf *b)
{
    claim(b, "rgb8.png", 0, 10900, 10900);
}

static void png_interlaced(struct dm_buf *b)
{
    claim(b, "rgba16-interlaced.png", 0, 10900, 10900);
}

static void png_largest(struct dm_buf *b)
{
    claim(b, "grey2-interlaced.png", 0, 2147483647, 2147483647);
}

/* A chunk of metadata that claims two gigabytes, at the end of a file. */
static void png_chunk(struct dm_buf *b)
{
    dm_buf_clear(b);
    picture_make(picture_find("rgb8.png"), b);
    b->len = 8 + 25; /* signature and header */
    put_be(b, 0x7fffffff, 4);
    dm_buf_printf(b, "eXIf%03000d", 0);
}

/* libwebp: 14 bits a side, less one */
static void webp_lossless(struct dm_buf *b, int w, int h)
{
    dm_buf_clear(b);
    picture_make(picture_find("lossless.webp"), b);
    uint32_t sides = (uint32_t)(w - 1) | (uint32_t)(h - 1) << 14;
    for (int i = 0; i < 4; i++) {
        uint8_t keep = i == 3 ? (uint8_t)b->data[24] & 0xf0 : 0; /* alpha and version bits */
        b->data[21 + i] = (char)(keep | (uint8_t)(sides >> 8 * i));
    }
}

static void webp_largest(struct dm_buf *b)
{
    webp_lossless(b, 16383, 16383);
}

static void webp_within_limits(struct dm_buf *b)
{
    webp_lossless(b, 16383, 7000);
}

static void heif_claims_more_than_it_holds(struct dm_buf *b)
{
    claim(b, "lossy.heic", 0, 20000, 20000);
}

static void avif_claims_more_than_it_holds(struct dm_buf *b)
{
    claim(b, "lossy.avif", 0, 10900, 10900);
}

static void put_bits(uint8_t *to, size_t *at, uint32_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, ++*at) {
        to[*at / 8] |= (uint8_t)((v >> i & 1) << (7 - *at % 8));
    }
}

/* The container says 96 x 72, the coded frame says 30000 x 30000: only our decoder can tell.
 * AV1 5.5.1, still picture with reduced header: 10 bits of profile, flags and level, the widths of
 * both sides in 4 + 4 bits, the sides. 96 x 72 takes 7 bits a side, so what follows begins at byte
 * 4 of the header. Three bytes longer; the empty unit in front and a byte of the frame make room.
 */
static void avif_holds_more_than_it_claims(struct dm_buf *b)
{
    dm_buf_clear(b);
    picture_make(picture_find("lossy.avif"), b);
    char *mdat = memmem(b->data, b->len, "mdat", 4);
    assert_non_null(mdat);
    uint8_t *u = (uint8_t *)mdat + 4;
    size_t n = b->len - (size_t)((char *)u - b->data);
    assert_memory_equal(u, "\x12\x00\x0a\x09", 4); /* delimiter, header of 9 bytes */
    uint8_t header[12] = {0};
    size_t at = 0;
    put_bits(header, &at, (uint32_t)u[4] << 2 | u[5] >> 6, 10);
    put_bits(header, &at, 15, 4);
    put_bits(header, &at, 15, 4);
    put_bits(header, &at, 30000 - 1, 16);
    put_bits(header, &at, 30000 - 1, 16);
    for (int i = 4; i < 9; i++) {
        put_bits(header, &at, u[4 + i], 8);
    }
    uint8_t *frame = u + 13;
    assert_int_equal(frame[0], 0x32);
    assert_true((frame[1] & 0x7f) > 0);
    frame[1]--;
    memmove(u + 14, frame, n - 14);
    memcpy(u, "\x0a\x0c", 2);
    memcpy(u + 2, header, sizeof(header));
}

static const struct {
    const char *name;
    void (*make)(struct dm_buf *b);
    int code; /* 0: any refusal */
    enum image_format format;
} bombs[] = {
    {"JPEG, baseline", jpeg_baseline, DM_EDECODE, IMAGE_FORMAT_JPEG},
    {"JPEG, progressive", jpeg_progressive, DM_EDECODE, IMAGE_FORMAT_JPEG},
    {"JPEG, largest", jpeg_largest, DM_ELIMIT, IMAGE_FORMAT_JPEG},
    {"PNG", png_plain, DM_EDECODE, IMAGE_FORMAT_PNG},
    {"PNG, interlaced", png_interlaced, DM_EDECODE, IMAGE_FORMAT_PNG},
    {"PNG, largest", png_largest, DM_ELIMIT, IMAGE_FORMAT_PNG},
    {"PNG, chunk", png_chunk, DM_EDECODE, IMAGE_FORMAT_PNG},
    {"WebP, largest", webp_largest, DM_ELIMIT, IMAGE_FORMAT_WEBP},
    {"WebP, within limits", webp_within_limits, 0, IMAGE_FORMAT_WEBP},
    {"TIFF, largest", tiff_too_large, DM_ELIMIT, IMAGE_FORMAT_TIFF},
    {"TIFF, no rows", tiff_without_its_rows, DM_EDECODE, IMAGE_FORMAT_TIFF},
    {"TIFF, giant tile", tiff_of_one_giant_tile, 0, IMAGE_FORMAT_TIFF},
    {"TIFF, samples", tiff_of_many_samples, DM_EUNSUPPORTED, IMAGE_FORMAT_TIFF},
    {"TIFF, converted", tiff_converted_in_one_strip, DM_ELIMIT, IMAGE_FORMAT_TIFF},
    {"HEIF, claims", heif_claims_more_than_it_holds, DM_ELIMIT, IMAGE_FORMAT_HEIF},
    {"AVIF, claims", avif_claims_more_than_it_holds, DM_EDECODE, IMAGE_FORMAT_AVIF},
    {"AVIF, holds", avif_holds_more_than_it_claims, DM_EDECODE, IMAGE_FORMAT_AVIF},
};

static void size_bombs_are_refused_quickly_and_cheaply(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(bombs); i++) {
        if (!picture_can_encode(bombs[i].format)) {
            continue;
        }
        struct dm_buf b = dm_buf_init(PICTURE_BYTES_MAX);
        bombs[i].make(&b);
        struct measured m = measure_decode_best(b.data, b.len);
        print_message("%-20s %5.1f ms %5.1f MB: %s\n", bombs[i].name, m.cpu_ms, m.grown_mb,
                      m.e.text);
        assert_true(m.code < 0 && m.code != DM_EINTERNAL);
        assert_true(bombs[i].code == 0 || m.code == bombs[i].code);
        /* an allowed size may cost what a picture of that size costs */
        if (MEASURE_EXACT && bombs[i].make != webp_within_limits) {
            assert_true(m.cpu_ms < BOMB_MS);
            assert_true(m.grown_mb < BOMB_MB);
        }
        dm_buf_clear(&b);
    }
}

static void measure_notices_memory_and_death(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init((size_t)1 << 20);
    struct image im;
    struct dm_err e = {0};
    assert_ok(image_init_zero(&im, 4000, 3000, 3, &e), &e);
    assert_ok(image_encode_png(&im, 1, &b, &e), &e);
    struct measured m = measure_decode(b.data, b.len);
    assert_ok(m.code, &m.e);
    assert_true(m.grown_mb > 30);
    assert_true(m.cpu_ms > 1);
    m = measure_decode((const void *)8, 100); /* not a readable address */
    assert_int_equal(m.code, DM_EINTERNAL);
    image_clear(&im);
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_bombs_are_refused_quickly_and_cheaply),
        cmocka_unit_test(measure_notices_memory_and_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

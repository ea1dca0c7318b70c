/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG beyond its plain variants: chunks that are damaged, foreign, huge or missing. */
#include <zlib.h>

#include "image/codec.h"
#include "support/pictures.h"
#include "support/testing.h"

enum { SIGNATURE = 8, IHDR_WHOLE = 25 };

static void assert_refused(const struct dm_buf *b, int code, const char *says)
{
    struct image im = {0};
    struct dm_err e = {0};
    int got = image_decode(b->data, b->len, NULL, &im, NULL, &e);
    if (got != code || !strstr(e.text, says)) {
        fail_msg("%d %s", got, got < 0 ? e.text : "decoded");
    }
}

static void assert_decodes(const struct dm_buf *b)
{
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(image_decode(b->data, b->len, NULL, &im, NULL, &e), &e);
    assert_int_equal(picture_error(&im, false), 0);
    image_clear(&im);
}

/* The plain picture with a chunk put in behind its header. */
static struct dm_buf with_chunk(const char *type, const void *data, size_t n)
{
    struct dm_buf plain;
    struct dm_buf b = dm_buf_init((size_t)16 << 20);
    picture_make(picture_find("rgb8.png"), &plain);
    dm_buf_append(&b, plain.data, SIGNATURE + IHDR_WHOLE);
    put_chunk(&b, type, data, n);
    dm_buf_append(&b, plain.data + SIGNATURE + IHDR_WHOLE, plain.len - SIGNATURE - IHDR_WHOLE);
    dm_buf_clear(&plain);
    return b;
}

static void damaged_ancillary_chunks_are_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *data;
        size_t n;
    } rows[] = {
        {"gAMA", "\0\0\0\0", 4},         {"gAMA", "", 0},          {"cHRM", "short", 5},
        {"tEXt", "no end", 6},           {"zTXt", "a\0\0junk", 7}, {"iCCP", "p\0\0junk", 7},
        {"eXIf", "nothing", 7},          {"sRGB", "\x09", 1},      {"tRNS", "x", 1},
        {"bKGD", "too long!", 9},        {"tIME", "\0", 1},        {"abCd", "private", 7},
        {"acTL", "\0\0\0\2\0\0\0\0", 8},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b = with_chunk(rows[i].type, rows[i].data, rows[i].n);
        assert_decodes(&b);
        b.data[SIGNATURE + IHDR_WHOLE + 8 + rows[i].n] ^= 1; /* and with a wrong checksum */
        assert_decodes(&b);
        dm_buf_clear(&b);
    }
}

/* 64 MB of spaces in 64 KB of text: never unpacked. */
static void text_bomb_costs_nothing(void **state)
{
    (void)state;
    size_t raw_n = (size_t)64 << 20;
    uLongf n = compressBound(raw_n);
    uint8_t *raw = calloc(1, raw_n);
    uint8_t *packed = malloc(n + 3);
    assert_true(raw && packed);
    memcpy(packed, "a\0", 3);
    assert_int_equal(compress2(packed + 3, &n, raw, raw_n, 9), Z_OK);
    struct dm_buf b = with_chunk("zTXt", packed, n + 3);
    free(raw);
    free(packed);
    assert_true(b.len < (size_t)1 << 20);
    assert_decodes(&b);
    dm_buf_clear(&b);
}

static void critical_chunks_matter(void **state)
{
    (void)state;
    struct dm_buf b = with_chunk("ABCD", "unknown but critical", 20);
    assert_refused(&b, DM_EDECODE, "PNG is damaged near byte");
    dm_buf_clear(&b);
    picture_make(picture_find("rgb8.png"), &b);
    b.data[SIGNATURE + 20] ^= 1; /* in the header, which then fails its checksum */
    assert_refused(&b, DM_EDECODE, "PNG");
    dm_buf_clear(&b);
    picture_make(picture_find("palette8.png"), &b);
    b.data[SIGNATURE + IHDR_WHOLE + 4] = 'Q'; /* no palette any more, but a critical chunk */
    assert_refused(&b, DM_EDECODE, "PNG");
    dm_buf_clear(&b);
    picture_make(picture_find("rgb8.png"), &b);
    memcpy(b.data + SIGNATURE + 4, "CgBI", 4);
    assert_refused(&b, DM_EUNSUPPORTED, "Apple");
    memcpy(b.data + SIGNATURE + 4, "IDAT", 4);
    assert_refused(&b, DM_EDECODE, "does not begin with its header");
    dm_buf_clear(&b);
}

static void size_beyond_the_data_is_told_before_decoding(void **state)
{
    (void)state;
    static const struct {
        int w, h, code;
        const char *says;
    } rows[] = {
        {10900, 10900, DM_EDECODE, "cannot hold"},
        {32767, 3000, DM_EDECODE, "cannot hold"},
        {12000, 12000, DM_ELIMIT, "megapixels"},
        {2147483647, 2147483647, DM_ELIMIT, "longest side"},
        {0, 100, DM_EDECODE, "PNG of 0 x 100 pixels"},
        {-1, 100, DM_EDECODE, "PNG of 4294967295 x 100 pixels"},
        {200, 200, DM_EDECODE, "PNG is"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b;
        picture_make(picture_find("rgb8.png"), &b);
        png_claim_size(&b, rows[i].w, rows[i].h);
        assert_refused(&b, rows[i].code, rows[i].says);
        dm_buf_clear(&b);
    }
}

/* Nearly all white, the densest deflate can get: not taken for a bomb. */
static void densest_picture_is_not_refused(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init((size_t)1 << 20);
    struct image im;
    struct image back = {0};
    struct dm_err e = {0};
    assert_ok(image_init_zero(&im, 4000, 1000, 3, &e), &e);
    assert_ok(image_encode_png(&im, 9, &b, &e), &e);
    assert_true(b.len < 4000 * 1000 * 3 / 900);
    assert_ok(image_decode(b.data, b.len, NULL, &back, NULL, &e), &e);
    assert_memory_equal(back.px, im.px, 4000 * 1000 * 3);
    image_clear(&back);
    image_clear(&im);
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_ancillary_chunks_are_ignored),
        cmocka_unit_test(text_bomb_costs_nothing),
        cmocka_unit_test(critical_chunks_matter),
        cmocka_unit_test(size_beyond_the_data_is_told_before_decoding),
        cmocka_unit_test(densest_picture_is_not_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

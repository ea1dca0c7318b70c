/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG beyond its plain variants: what may be missing and what may not. */
#include "image/codec.h"
#include "support/pictures.h"
#include "support/testing.h"

enum { DHT = 0xc4, SOS = 0xda, SOF0 = 0xc0, SOF2 = 0xc2, APP1 = 0xe1 };

static void assert_refused(const struct dm_buf *b, int code, const char *says)
{
    struct image im = {0};
    struct dm_err e = {0};
    int got = image_decode(b->data, b->len, NULL, &im, NULL, &e);
    if (got != code || !strstr(e.text, says)) {
        fail_msg("%d %s", got, got < 0 ? e.text : "decoded");
    }
}

static void assert_decodes(const struct dm_buf *b, int tolerance)
{
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(image_decode(b->data, b->len, NULL, &im, NULL, &e), &e);
    assert_true(picture_error(&im, false) <= tolerance);
    image_clear(&im);
}

static void progressive_without_its_last_scans_is_cut_off(void **state)
{
    (void)state;
    struct dm_buf b;
    picture_make(picture_find("progressive.jpg"), &b);
    for (int scan = 2; scan <= 10; scan++) {
        struct dm_buf part = {.data = b.data, .len = jpeg_marker(&b, SOS, scan)};
        assert_refused(&part, DM_EDECODE, "JPEG is cut off: its");
    }
    dm_buf_clear(&b);
}

/* The end marker is there, the library is content, but a colour has no data. */
static void component_without_a_scan_is_damage(void **state)
{
    (void)state;
    struct dm_buf b;
    picture_make(picture_find("separate.jpg"), &b);
    for (int scan = 2; scan <= 3; scan++) {
        struct dm_buf part = dm_buf_init(PICTURE_BYTES_MAX);
        dm_buf_append(&part, b.data, jpeg_marker(&b, SOS, scan));
        dm_buf_append(&part, "\xff\xd9", 2);
        assert_refused(&part, DM_EDECODE, "JPEG is damaged");
        dm_buf_clear(&part);
    }
    dm_buf_clear(&b);
}

static void damage_and_loss_say_where(void **state)
{
    (void)state;
    struct dm_buf b;
    picture_make(picture_find("restarts.jpg"), &b);
    size_t at = jpeg_marker(&b, 0xd3, 1); /* a restart marker goes missing */
    b.data[at] = 0x12;
    b.data[at + 1] = 0x34;
    assert_refused(&b, DM_EDECODE, "JPEG is damaged near byte ");
    b.len = b.len / 2;
    b.data[at] = (char)0xff;
    b.data[at + 1] = (char)0xd3;
    assert_refused(&b, DM_EDECODE, " bytes end in row ");
    b.len = jpeg_marker(&b, SOF0, 1) + 4;
    assert_refused(&b, DM_EDECODE, "end before the picture");
    dm_buf_clear(&b);
}

static void size_beyond_the_data_is_told_before_decoding(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t sof;
        int w, h, code;
        const char *says;
    } rows[] = {
        {"420.jpg", SOF0, 10900, 10900, DM_EDECODE, "cannot hold 10900 x 10900 pixels"},
        {"progressive.jpg", SOF2, 10000, 11000, DM_EDECODE, "cannot hold"},
        {"420.jpg", SOF0, 12000, 12000, DM_ELIMIT, "megapixels"},
        {"420.jpg", SOF0, 65500, 32, DM_ELIMIT, "longest side"},
        {"420.jpg", SOF0, 0, 100, DM_EDECODE, "JPEG"},
        {"420.jpg", SOF0, 100, 0, DM_EDECODE, "JPEG"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b;
        picture_make(picture_find(rows[i].name), &b);
        jpeg_claim_size(&b, rows[i].sof, rows[i].w, rows[i].h);
        assert_refused(&b, rows[i].code, rows[i].says);
        dm_buf_clear(&b);
    }
}

/* Padding does not help: what it would take to hold the coefficients is counted. */
static void progressive_memory_is_bounded(void **state)
{
    (void)state;
    struct dm_buf b;
    struct dm_buf padded = dm_buf_init((size_t)4 << 20);
    picture_make(picture_find("progressive-no-end.jpg"), &b); /* 4:4:4 */
    jpeg_claim_size(&b, SOF2, 10900, 10900);
    dm_buf_append(&padded, b.data, b.len);
    while (padded.len < (size_t)3 << 20) {
        dm_buf_append(&padded, "\0\0\0\0\0\0\0\0", 8);
    }
    assert_refused(&padded, DM_ELIMIT, "needs too much memory");
    dm_buf_clear(&padded);
    dm_buf_clear(&b);
}

static void endless_scans_are_refused(void **state)
{
    (void)state;
    struct dm_buf b;
    struct dm_buf many = dm_buf_init((size_t)4 << 20);
    picture_make(picture_find("progressive.jpg"), &b);
    /* Scan 7 refines DC: a bit a block, whatever came before, so it can be repeated for ever. */
    size_t from = jpeg_marker(&b, SOS, 7);
    struct dm_buf rest = {.data = b.data + from, .len = b.len - from};
    size_t n = jpeg_marker(&rest, DHT, 1);
    dm_buf_append(&many, b.data, from);
    for (int i = 0; i < 200; i++) {
        dm_buf_append(&many, b.data + from, n);
    }
    dm_buf_append(&many, "\xff\xd9", 2);
    assert_refused(&many, DM_ELIMIT, "more than 100 scans");
    dm_buf_clear(&many);
    dm_buf_clear(&b);
}

/* Broken and foreign APP segments in front of the picture are somebody else's business. */
static void bad_segments_do_not_refuse_a_picture(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } segments[] = {
        {"\xff\xe1\x00\x02", 4}, /* empty */
        {"\xff\xe1\x00\x08"
         "Exif\0\0",
         10}, /* EXIF without content */
        {"\xff\xe1\x00\x0e"
         "Exif\0\0MM\0*\xff\xff",
         16}, /* cut off inside */
        {"\xff\xe1\x00\x12"
         "http://ns.adobe/",
         20}, /* XMP */
        {"\xff\xe2\x00\x10"
         "ICC_PROFILE\0\7\1",
         18}, /* profile with wrong numbering */
        {"\xff\xfe\x00\x04"
         "hi",
         6}, /* comment */
    };
    struct dm_buf b;
    picture_make(picture_find("orientation-6.jpg"), &b);
    struct dm_buf all = dm_buf_init(PICTURE_BYTES_MAX);
    dm_buf_append(&all, b.data, 2);
    for (size_t i = 0; i < DM_COUNT(segments); i++) {
        dm_buf_append(&all, segments[i].bytes, segments[i].n);
    }
    size_t exif = jpeg_marker(&b, APP1, 1);
    dm_buf_append(&all, b.data + 2, b.len - 2);
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(image_decode(all.data, all.len, NULL, &im, NULL, &e), &e);
    assert_int_equal(im.w, PICTURE_H); /* the first EXIF block counts, and it says nothing */
    image_clear(&im);
    dm_buf_clear(&all);
    b.data[exif + 4] = 'x'; /* no EXIF at all any more */
    assert_ok(image_decode(b.data, b.len, NULL, &im, NULL, &e), &e);
    assert_int_equal(im.w, PICTURE_H);
    image_clear(&im);
    dm_buf_clear(&b);
}

static void segment_longer_than_the_file_is_cut_off(void **state)
{
    (void)state;
    struct dm_buf b;
    picture_make(picture_find("orientation-6.jpg"), &b);
    size_t exif = jpeg_marker(&b, APP1, 1);
    b.data[exif + 2] = (char)0xff;
    assert_refused(&b, DM_EDECODE, "JPEG is cut off");
    dm_buf_clear(&b);
}

static void trailing_bytes_are_ignored(void **state)
{
    (void)state;
    struct dm_buf b;
    picture_make(picture_find("444.jpg"), &b);
    for (int i = 0; i < 3000; i++) {
        dm_buf_putc(&b, (char)(i * 7)); /* some phones append a video */
    }
    assert_decodes(&b, 10);
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progressive_without_its_last_scans_is_cut_off),
        cmocka_unit_test(component_without_a_scan_is_damage),
        cmocka_unit_test(damage_and_loss_say_where),
        cmocka_unit_test(size_beyond_the_data_is_told_before_decoding),
        cmocka_unit_test(progressive_memory_is_bounded),
        cmocka_unit_test(endless_scans_are_refused),
        cmocka_unit_test(bad_segments_do_not_refuse_a_picture),
        cmocka_unit_test(segment_longer_than_the_file_is_cut_off),
        cmocka_unit_test(trailing_bytes_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

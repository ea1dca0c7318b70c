/* SPDX-License-Identifier: Apache-2.0
 *
 * Every variant of every format: decoded right, refused in one line when cut off, damaged or out of
 * memory, never anything else. */
#include "image/codec.h"

#include "base/alloc.h"
#include "image/codec_priv.h"
#include "support/pictures.h"
#include "support/testing.h"

static void assert_one_line(const struct dm_err *e, int code)
{
    const char *text = dm_err_text(e);
    assert_int_equal(e->code, code);
    assert_true(strlen(text) >= 10);
    for (const char *p = text; *p; p++) {
        assert_true((unsigned char)*p >= 0x20);
    }
}

/* Decode; on failure the error must be one of the codes of codec.h. */
static int decode(const struct dm_buf *b, size_t n, struct image *im, struct image_info *info,
                  struct dm_err *e)
{
    *im = (struct image){0};
    *e = (struct dm_err){0};
    int code = image_decode(b->data, n, NULL, im, info, e);
    if (code < 0) {
        assert_null(im->px);
        assert_true(code == DM_EDECODE || code == DM_ELIMIT || code == DM_EUNSUPPORTED ||
                    code == DM_ENOMEM);
        assert_one_line(e, code);
    }
    return code;
}

static void every_variant_decodes_to_the_picture(void **state)
{
    (void)state;
    for (size_t i = 0; i < picture_count; i++) {
        const struct picture *p = &pictures[i];
        struct dm_buf b;
        struct dm_err e;
        struct image im;
        struct image_info info;
        struct image_info probed;
        if (!picture_can_encode(p->format)) {
            print_message("%s: this libheif has no encoder\n", p->name);
            continue;
        }
        picture_make(p, &b);
        assert_int_equal(image_sniff(b.data, b.len), p->format);
        int code = decode(&b, b.len, &im, &info, &e);
        if (code != p->expect) {
            fail_msg("%s: %d %s", p->name, code, dm_err_text(&e));
        }
        if (code == DM_OK) {
            int worst = picture_error(&im, p->grey);
            if (worst > p->tolerance) {
                fail_msg("%s: differs by %d, %d allowed", p->name, worst, p->tolerance);
            }
            assert_ok(image_probe(b.data, b.len, NULL, &probed, &e), &e);
            assert_int_equal(probed.w, im.w);
            assert_int_equal(probed.h, im.h);
            assert_int_equal(probed.format, info.format);
            bool turned_inside = p->format == IMAGE_FORMAT_HEIF || p->format == IMAGE_FORMAT_AVIF;
            int orientation = p->orientation && !turned_inside ? p->orientation : 1;
            assert_int_equal(info.exif.orientation, orientation);
            assert_int_equal(info.stored_w, picture_stored_w(orientation));
            image_clear(&im);
        }
        dm_buf_clear(&b);
    }
}

static void comparison_notices_a_wrong_pixel_and_a_wrong_turn(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im = picture_image();
    assert_int_equal(picture_error(&im, false), 0);
    image_row(&im, PICTURE_H - 1)[3 * PICTURE_W - 2] ^= 0x20;
    assert_int_equal(picture_error(&im, false), 0x20);
    image_row(&im, PICTURE_H - 1)[3 * PICTURE_W - 2] ^= 0x20;
    assert_ok(image_orient(&im, 3, &e), &e);
    assert_true(picture_error(&im, false) > 50);
    assert_ok(image_orient(&im, 3, &e), &e);
    assert_int_equal(picture_error(&im, false), 0);
    assert_ok(image_orient(&im, 5, &e), &e);
    assert_int_equal(picture_error(&im, false), 255);
    image_clear(&im);
}

/* A file that ends too early is refused or, where only a trailer is missing, complete. */
static void cut_off_files_are_never_half_a_picture(void **state)
{
    (void)state;
    for (size_t i = 0; i < picture_count; i++) {
        const struct picture *p = &pictures[i];
        struct dm_buf b;
        struct dm_err e;
        struct image im;
        if (!picture_can_encode(p->format) || p->expect < 0) {
            continue;
        }
        picture_make(p, &b);
        size_t step = b.len / 80 + 1;
        size_t refused = 0;
        for (size_t n = 0; n < b.len; n += step) {
            uint8_t *cut = malloc(n ? n : 1); /* exact, so that a sanitizer sees a byte too far */
            assert_non_null(cut);
            if (n) {
                memcpy(cut, b.data, n);
            }
            struct dm_buf part = {.data = (char *)cut, .len = n};
            int code = decode(&part, n, &im, NULL, &e);
            if (code == DM_OK) {
                if (picture_error(&im, p->grey) > p->tolerance) {
                    fail_msg("%s cut to %zu of %zu bytes gives another picture", p->name, n, b.len);
                }
                image_clear(&im);
            } else {
                refused++;
            }
            free(cut);
        }
        assert_true(refused * step > b.len / 2);
        dm_buf_clear(&b);
    }
}

/* Every byte in turn is turned over: no crash, and a refusal is one line. */
static void damaged_bytes_are_survived(void **state)
{
    (void)state;
    struct test_rng rng = {11};
    for (size_t i = 0; i < picture_count; i++) {
        const struct picture *p = &pictures[i];
        struct dm_buf b;
        struct dm_err e;
        struct image im;
        struct image_info info;
        if (!picture_can_encode(p->format)) {
            continue;
        }
        picture_make(p, &b);
        for (int k = 0; k < 60; k++) {
            size_t at = test_rng_below(&rng, (uint32_t)b.len);
            char old = b.data[at];
            b.data[at] = (char)test_rng_below(&rng, 256);
            if (decode(&b, b.len, &im, &info, &e) == DM_OK) {
                assert_int_equal(im.w, info.w);
                image_clear(&im);
            }
            b.data[at] = old;
        }
        dm_buf_clear(&b);
    }
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < picture_count; i++) {
        const struct picture *p = &pictures[i];
        struct dm_buf b;
        struct dm_err e;
        struct image im;
        if (!picture_can_encode(p->format) || p->expect < 0) {
            continue;
        }
        picture_make(p, &b);
        for (size_t n = 1;; n++) {
            (void)dm_alloc_fail_at(n);
            int code = decode(&b, b.len, &im, NULL, &e);
            size_t made = dm_alloc_fail_at(0);
            if (code == DM_OK) {
                assert_true(picture_error(&im, p->grey) <= p->tolerance);
                image_clear(&im);
            } else if (code != DM_ENOMEM) {
                fail_msg("%s, allocation %zu: %d %s", p->name, n, code, dm_err_text(&e));
            }
            if (made < n) {
                assert_int_equal(code, DM_OK);
                break;
            }
        }
        dm_buf_clear(&b);
    }
}

static void limits_of_the_caller_hold_before_decoding(void **state)
{
    (void)state;
    const struct {
        struct image_limits limits;
        const char *says; /* NULL: accepted */
    } rows[] = {
        {{100000, 1, 32, 100}, NULL},
        {{100, 1, 32, 100}, "bytes, the limit is 100"},
        {{100000, 0.001, 32, 100}, "the limit is 0.001 megapixels"},
        {{100000, 1, 73, 100}, "the shortest side allowed is 73"},
        {{100000, 1, 32, 95}, "the longest side allowed is 95"},
        {{100000, 1, 72, 96}, NULL},
    };
    struct dm_buf b;
    picture_make(picture_find("rgb8.png"), &b);
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image im = {0};
        struct image_info info;
        struct dm_err e = {0};
        int code = image_decode(b.data, b.len, &rows[i].limits, &im, NULL, &e);
        assert_int_equal(code, rows[i].says ? DM_ELIMIT : DM_OK);
        assert_int_equal(image_probe(b.data, b.len, &rows[i].limits, &info, &e), code);
        if (rows[i].says && !strstr(e.text, rows[i].says)) {
            fail_msg("%s", e.text);
        }
        image_clear(&im);
    }
    dm_buf_clear(&b);
}

static void foreign_formats_are_named(void **state)
{
    (void)state;
#define ROW(bytes, says)                                                                           \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, says                                                             \
    }
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } rows[] = {
        ROW("GIF89a........", "GIF files are not supported"),
        ROW("%PDF-1.7", "PDF"),
        ROW("BM......", "BMP"),
        ROW("\xff\x0a\x01\x02", "JPEG XL"),
        ROW("\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        ROW("\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        ROW("<?xml version=\"1.0\"?><!-- --><svg>", "SVG"),
        ROW("<!DOCTYPE html><p>", "HTML"),
        ROW("\0\0\0\x18"
            "ftypmp42\0\0\0\0mp41isom",
            "MP4"),
        ROW("\0\0\0\x18"
            "ftypcrx \0\0\0\1crx isom",
            "Canon raw"),
        ROW("hello, world", "not a picture we know"),
        ROW("\xff", "not a picture we know"),
        ROW("", "empty"),
    };
#undef ROW
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image_info info;
        struct dm_err e = {0};
        assert_int_equal(image_sniff(rows[i].bytes, rows[i].n), IMAGE_FORMAT_UNKNOWN);
        assert_int_equal(image_probe(rows[i].bytes, rows[i].n, NULL, &info, &e), DM_EUNSUPPORTED);
        assert_one_line(&e, DM_EUNSUPPORTED);
        if (!strstr(e.text, rows[i].says)) {
            fail_msg("%s", e.text);
        }
    }
}

static void formats_have_names_and_types(void **state)
{
    (void)state;
    for (int f = IMAGE_FORMAT_UNKNOWN + 1; f < IMAGE_FORMAT_MAX_; f++) {
        assert_true(strlen(image_format_name((enum image_format)f)) >= 3);
        assert_memory_equal(image_format_mime((enum image_format)f), "image/", 6);
    }
    assert_string_equal(image_format_name(IMAGE_FORMAT_UNKNOWN), "unknown");
    assert_string_equal(image_format_mime(IMAGE_FORMAT_UNKNOWN), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_decodes_to_the_picture),
        cmocka_unit_test(comparison_notices_a_wrong_pixel_and_a_wrong_turn),
        cmocka_unit_test(cut_off_files_are_never_half_a_picture),
        cmocka_unit_test(damaged_bytes_are_survived),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(limits_of_the_caller_hold_before_decoding),
        cmocka_unit_test(foreign_formats_are_named),
        cmocka_unit_test(formats_have_names_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG and PNG writers: what is written reads back, into buffers with a limit, from views. */
#include "base/alloc.h"
#include "image/codec.h"
#include "support/pictures.h"
#include "support/testing.h"

static struct image decoded(const struct dm_buf *b)
{
    struct image im = {0};
    struct dm_err e = {0};
    assert_ok(image_decode(b->data, b->len, NULL, &im, NULL, &e), &e);
    return im;
}

static void png_reads_back_exactly(void **state)
{
    (void)state;
    struct test_rng rng = {21};
    static const int channels[] = {1, 3, 4};
    for (int i = 0; i < 9; i++) {
        struct dm_err e = {0};
        struct image im;
        struct dm_buf b = dm_buf_init((size_t)1 << 20);
        assert_ok(image_init(&im, 61, 45, channels[i % 3], &e), &e);
        for (size_t k = 0; k < im.stride_bytes * 45; k++) {
            im.px[k] = (uint8_t)test_rng_below(&rng, 256);
        }
        assert_ok(image_encode_png(&im, i, &b, &e), &e);
        struct image back = decoded(&b);
        for (int k = 0; k < 61 * 45; k++) {
            for (int c = 0; c < 3; c++) {
                int from = im.channels == 1 ? 0 : c;
                assert_int_equal(back.px[3 * k + c], im.px[im.channels * k + from]);
            }
        }
        image_clear(&back);
        image_clear(&im);
        dm_buf_clear(&b);
    }
}

static void jpeg_reads_back_nearly(void **state)
{
    (void)state;
    static const struct {
        int quality, worst;
    } rows[] = {{100, 4}, {95, 10}, {90, 24}, {50, 40}};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct dm_buf b = dm_buf_init((size_t)1 << 20);
        struct image im = picture_image();
        dm_buf_puts(&b, "before"); /* appended to */
        assert_ok(image_encode_jpeg(&im, rows[i].quality, &b, &e), &e);
        struct dm_buf tail = {.data = b.data + 6, .len = b.len - 6};
        assert_memory_equal(b.data, "before", 6);
        struct image back = decoded(&tail);
        assert_true(picture_error(&back, false) <= rows[i].worst);
        /* luma sampling of the frame header: full chroma from 95 on */
        size_t sof = jpeg_marker(&tail, 0xc0, 1);
        assert_int_equal(tail.data[sof + 11], rows[i].quality >= 95 ? 0x11 : 0x22);
        image_clear(&back);
        image_clear(&im);
        dm_buf_clear(&b);
    }
}

static void one_channel_becomes_a_grey_jpeg(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init((size_t)1 << 20);
    struct image im;
    assert_ok(image_init(&im, 40, 33, 1, &e), &e);
    for (int y = 0; y < 33; y++) {
        memset(image_row(&im, y), y * 7, 40);
    }
    assert_ok(image_encode_jpeg(&im, 100, &b, &e), &e);
    struct image back = decoded(&b);
    for (int y = 0; y < 33; y++) {
        for (int i = 0; i < 120; i++) {
            assert_in_range(image_row(&back, y)[i] + 2 - y * 7, 0, 4);
        }
    }
    image_clear(&back);
    image_clear(&im);
    dm_buf_clear(&b);
}

static int encode(int kind, const struct image *im, struct dm_buf *b, struct dm_err *e)
{
    return kind == 0 ? image_encode_jpeg(im, 80, b, e) : image_encode_png(im, 6, b, e);
}

static void views_are_written_without_their_surroundings(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct dm_err e = {0};
        struct dm_buf whole = dm_buf_init((size_t)1 << 20);
        struct dm_buf part = dm_buf_init((size_t)1 << 20);
        struct image im = picture_image();
        struct image copy;
        struct image view = image_view(&im, (struct image_rect){20, 10, 50, 40});
        assert_ok(image_copy(&view, &copy, &e), &e);
        assert_ok(encode(kind, &view, &part, &e), &e);
        assert_ok(encode(kind, &copy, &whole, &e), &e);
        assert_int_equal(part.len, whole.len);
        assert_memory_equal(part.data, whole.data, part.len);
        image_clear(&copy);
        image_clear(&im);
        dm_buf_clear(&whole);
        dm_buf_clear(&part);
    }
}

static void full_buffer_and_lack_of_memory_are_reported(void **state)
{
    (void)state;
    struct test_rng rng = {22};
    struct image im;
    struct dm_err e = {0};
    assert_ok(image_init(&im, 300, 300, 3, &e), &e);
    for (size_t k = 0; k < im.stride_bytes * 300; k++) {
        im.px[k] = (uint8_t)test_rng_below(&rng, 256);
    }
    for (int kind = 0; kind < 2; kind++) {
        struct dm_buf small = dm_buf_init(20000);
        assert_int_equal(encode(kind, &im, &small, &e), DM_ELIMIT);
        dm_buf_clear(&small);
        for (size_t n = 1;; n++) {
            struct dm_buf b = dm_buf_init((size_t)1 << 20);
            (void)dm_alloc_fail_at(n);
            int code = encode(kind, &im, &b, &e);
            size_t made = dm_alloc_fail_at(0);
            assert_int_equal(code, made >= n ? DM_ENOMEM : DM_OK);
            dm_buf_clear(&b);
            if (code == DM_OK) {
                assert_true(n > 1);
                break;
            }
        }
    }
    image_clear(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_reads_back_exactly),
        cmocka_unit_test(jpeg_reads_back_nearly),
        cmocka_unit_test(one_channel_becomes_a_grey_jpeg),
        cmocka_unit_test(views_are_written_without_their_surroundings),
        cmocka_unit_test(full_buffer_and_lack_of_memory_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF blocks: values, both byte orders, damage, and blocks that try to take much memory. */
#include <math.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "image/codec_priv.h"
#include "support/pictures.h"
#include "support/testing.h"

static struct image_exif parse(const struct dm_buf *b)
{
    struct image_exif x;
    struct dm_err e = {0};
    exif_init(&x);
    assert_ok(exif_parse((const uint8_t *)b->data, b->len, &x, &e), &e);
    return x;
}

static struct image_exif make_and_parse(const struct exif_spec *s)
{
    struct dm_buf b = dm_buf_init(65536);
    exif_make(s, &b);
    struct image_exif x = parse(&b);
    dm_buf_clear(&b);
    return x;
}

/* 51° 28' 40.12" N, 0° 0' 5.31" W: Greenwich. */
static const struct exif_spec greenwich = {.orientation = 6,
                                           .gps = true,
                                           .latitude = {51, 1, 28, 1, 4012, 100},
                                           .latitude_ref = 'N',
                                           .longitude = {0, 1, 0, 1, 531, 100},
                                           .longitude_ref = 'W',
                                           .error = {325, 100},
                                           .date = "2026:11:23 15:04:05",
                                           .zone = "+01:00",
                                           .make = "Acme Cameras  "};

static void values_come_out_in_both_byte_orders(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct exif_spec s = greenwich;
        s.big_endian = big;
        struct image_exif x = make_and_parse(&s);
        assert_int_equal(x.orientation, 6);
        assert_true(x.has_gps);
        assert_true(fabs((x.latitude_deg) - (51 + 28 / 60.0 + 40.12 / 3600)) < 1e-12);
        assert_true(fabs((x.longitude_deg) - (-5.31 / 3600)) < 1e-12);
        assert_true(fabs((x.gps_error_m) - (3.25)) < 1e-12);
        assert_true(isnan(x.altitude_m));
        assert_string_equal(x.captured_at, "2026-11-23T15:04:05+01:00");
        assert_string_equal(x.make, "Acme Cameras");
        assert_string_equal(x.model, "");
    }
}

static void head_is_optional(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init(65536);
    dm_buf_append(&b, "Exif\0", 6);
    exif_make(&greenwich, &b);
    assert_int_equal(parse(&b).orientation, 6);
    dm_buf_clear(&b);
}

static void orientation_outside_1_to_8_is_1(void **state)
{
    (void)state;
    for (int o = 0; o <= 10; o++) {
        struct image_exif x = make_and_parse(&(struct exif_spec){.orientation = o});
        assert_int_equal(x.orientation, o >= 1 && o <= 8 ? o : 1);
    }
    assert_int_equal(make_and_parse(&(struct exif_spec){.orientation = 60000}).orientation, 1);
}

static void positions_follow_the_rules(void **state)
{
    (void)state;
    static const struct {
        uint32_t latitude[6], longitude[6];
        char latitude_ref, longitude_ref;
        bool ok;
        double want_latitude, want_longitude;
    } rows[] = {
        {{10, 1, 30, 1, 0, 1}, {20, 1, 15, 1, 0, 1}, 'S', 'E', true, -10.5, 20.25},
        {{10, 1, 30, 1, 0, 1}, {20, 1, 15, 1, 0, 1}, 's', 'w', true, -10.5, -20.25},
        {{10, 1, 30, 1, 0, 1}, {20, 1, 15, 1, 0, 1}, 0, 0, true, 10.5, 20.25}, /* default N, E */
        {{10, 1, 30, 0, 9, 0}, {20, 1, 0, 0, 0, 0}, 'N', 'E', true, 10, 20},   /* x / 0 is 0 */
        {{90, 1, 0, 1, 0, 1}, {180, 1, 0, 1, 0, 1}, 'N', 'E', true, 90, 180},
        {{90, 1, 0, 1, 1, 1}, {180, 1, 0, 1, 0, 1}, 'N', 'E', false, 0, 0},
        {{0, 1, 0, 1, 0, 1}, {180, 1, 1, 1, 0, 1}, 'N', 'W', false, 0, 0},
        {{UINT32_MAX, 1, 0, 1, 0, 1}, {0, 1, 0, 1, 0, 1}, 'N', 'E', false, 0, 0},
        {{4567, 100, 0, 1, 0, 1},
         {12345678, 1000000, 0, 1, 0, 1},
         'N',
         'E',
         true,
         45.67,
         12.345678},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct exif_spec s = {.gps = true,
                              .latitude_ref = rows[i].latitude_ref,
                              .longitude_ref = rows[i].longitude_ref};
        memcpy(s.latitude, rows[i].latitude, sizeof(s.latitude));
        memcpy(s.longitude, rows[i].longitude, sizeof(s.longitude));
        struct image_exif x = make_and_parse(&s);
        assert_int_equal(x.has_gps, rows[i].ok);
        assert_true(isnan(x.gps_error_m)); /* 0 / 0 */
        if (rows[i].ok) {
            assert_true(fabs((x.latitude_deg) - (rows[i].want_latitude)) < 1e-12);
            assert_true(fabs((x.longitude_deg) - (rows[i].want_longitude)) < 1e-12);
        } else {
            assert_true(isnan(x.latitude_deg) && isnan(x.longitude_deg));
        }
    }
}

static void capture_time_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *date, *zone, *want;
    } rows[] = {
        {"2026:11:23 15:04:05", "-09:30", "2026-11-23T15:04:05-09:30"},
        {"2026:11:23 15:04:05", NULL, "2026-11-23T15:04:05"},
        {"2026:11:23 15:04:05", "Z", "2026-11-23T15:04:05"},
        {"2026:11:23 15:04:05", "+25:00", "2026-11-23T15:04:05"},
        {"2026:11:23 23:59:60", "+00:00", "2026-11-23T23:59:60+00:00"},
        {"2026:13:23 15:04:05", "+00:00", ""},
        {"2026:11:00 15:04:05", "+00:00", ""},
        {"2026:11:23 24:04:05", "+00:00", ""},
        {"0000:00:00 00:00:00", NULL, ""},
        {"    :  :     :  :  ", NULL, ""},
        {"2026-11-23 15:04:05", NULL, ""},
        {"2026:11:23", NULL, ""},
        {"", NULL, ""},
        {NULL, "+01:00", ""},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct image_exif x =
            make_and_parse(&(struct exif_spec){.date = rows[i].date, .zone = rows[i].zone});
        assert_string_equal(x.captured_at, rows[i].want);
    }
}

static void text_is_printable_and_bounded(void **state)
{
    (void)state;
    char long_make[200];
    memset(long_make, 'x', sizeof(long_make) - 1);
    long_make[sizeof(long_make) - 1] = '\0';
    struct image_exif x = make_and_parse(&(struct exif_spec){.make = long_make});
    assert_int_equal(strlen(x.make), sizeof(x.make) - 1);
    x = make_and_parse(&(struct exif_spec){.make = "A\n\x1b[31mB\xc3\xa9 "});
    assert_string_equal(x.make, "A[31mB");
}

/* Whatever is cut off or turned over: no crash, and every value within its range. */
static void damage_only_loses_values(void **state)
{
    (void)state;
    struct test_rng rng = {5};
    struct dm_buf b = dm_buf_init(65536);
    exif_make(&greenwich, &b);
    for (size_t n = 0; n <= b.len; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, b.data, n);
        (void)parse(&(struct dm_buf){.data = (char *)cut, .len = n});
        free(cut);
    }
    for (int i = 0; i < 3000; i++) {
        size_t at = test_rng_below(&rng, (uint32_t)b.len);
        char old = b.data[at];
        b.data[at] = (char)test_rng_below(&rng, 256);
        struct image_exif x = parse(&b);
        assert_true(x.orientation >= 1 && x.orientation <= 8);
        assert_true(!x.has_gps || (fabs(x.latitude_deg) <= 90 && fabs(x.longitude_deg) <= 180));
        assert_true(memchr(x.make, 0, sizeof(x.make)) && memchr(x.captured_at, 0, 26));
        b.data[at] = old;
    }
    dm_buf_clear(&b);
}

static long peak_kib(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_maxrss;
}

/* Entries that all point at the same 60000 bytes; libexif keeps each tag it knows, over a hundred.
 */
static void entries_cannot_multiply_memory(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init((size_t)1 << 20);
    enum { ENTRIES = 5000, VALUE = 60000 };
    dm_buf_append(&b, "MM\0*\0\0\0\x08", 8);
    put_be(&b, ENTRIES, 2);
    for (int i = 0; i < ENTRIES; i++) {
        put_be(&b, (uint64_t)(0x00fe + i), 2);
        put_be(&b, 2, 2);
        put_be(&b, VALUE, 4);
        put_be(&b, 8, 4);
    }
    put_be(&b, 0, 4);
    long before_kib = peak_kib();
    (void)parse(&b);
    assert_true(peak_kib() - before_kib < 2 * 1024);
    dm_buf_clear(&b);
    b = dm_buf_init(2 * LIMIT_METADATA_BYTES);
    exif_make(&greenwich, &b);
    while (b.len <= LIMIT_METADATA_BYTES) {
        dm_buf_putc(&b, 0);
    }
    assert_int_equal(parse(&b).orientation, 1); /* too long: not read */
    dm_buf_clear(&b);
}

static void failed_allocation_is_not_a_missing_value(void **state)
{
    (void)state;
    struct dm_buf b = dm_buf_init(65536);
    exif_make(&greenwich, &b);
    for (size_t n = 1;; n++) {
        struct image_exif x;
        struct dm_err e = {0};
        exif_init(&x);
        (void)dm_alloc_fail_at(n);
        int code = exif_parse((const uint8_t *)b.data, b.len, &x, &e);
        size_t made = dm_alloc_fail_at(0);
        assert_int_equal(code, made >= n ? DM_ENOMEM : DM_OK);
        assert_int_equal(x.orientation, code == DM_OK ? 6 : 1);
        if (code == DM_OK) {
            break;
        }
    }
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_out_in_both_byte_orders),
        cmocka_unit_test(head_is_optional),
        cmocka_unit_test(orientation_outside_1_to_8_is_1),
        cmocka_unit_test(positions_follow_the_rules),
        cmocka_unit_test(capture_time_is_checked),
        cmocka_unit_test(text_is_printable_and_bounded),
        cmocka_unit_test(damage_only_loses_values),
        cmocka_unit_test(entries_cannot_multiply_memory),
        cmocka_unit_test(failed_allocation_is_not_a_missing_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Photographs from the sender to the books: what is refused before it is stored, what is known
 * already, where it belongs, how its count ends, and what is swept. */
#include <string.h>
#include <unistd.h>

#include "image/codec.h"
#include "support/label.h"
#include "support/photo_rig.h"

static int64_t number(struct photo_rig *p, const char *sql, int64_t v)
{
    return rig_number(&p->r, sql, v);
}

#define POSTED                                                                                     \
    "SELECT count(*) FROM photo_processing_sessions WHERE posting_status = 'posted' AND id = %lld"

static void to_the_books(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    const int64_t claro = p.r.claro[0];
    const struct photo_accepted a = photo_rig_photo(&p, 1, 20, claro);
    assert_int_equal(a.location_id, claro);
    assert_int_equal(a.warning, PLACES_SURE);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(rig_total(&p.r, claro), 20);
    assert_int_equal(number(&p, POSTED, a.session_id), 1);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM detections d JOIN stock_movements m"
                            " ON m.id = d.stock_movement_id WHERE d.session_id = %lld",
                            a.session_id),
                     20);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM image_blobs WHERE image_id = %lld"
                            " AND variant IN ('original', 'thumbnail')",
                            a.image_id),
                     2);
    assert_int_equal(
        number(&p, "SELECT count(*) FROM images WHERE status = 'ready' AND id = %lld", a.image_id),
        1);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* The second photo of a claro a month later closes the period: what is missing was sold. */
static void next_month(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    const int64_t claro = p.r.claro[0];
    const int64_t now = p.r.n.admin.now_ms;
    rig_now(&p.r, now - 30 * RIG_DAY);
    (void)photo_rig_photo(&p, 1, 40, claro);
    assert_int_equal(photo_rig_jobs(&p), 1);
    rig_now(&p.r, now);
    (void)photo_rig_photo(&p, 2, 30, claro);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(rig_total(&p.r, claro), 30);
    assert_int_equal(number(&p,
                            "SELECT -sum(quantity) FROM stock_movements"
                            " WHERE movement_type = 'ventas' AND %lld > 0",
                            1),
                     10);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

static void refused(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    static const uint8_t tiny[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    photo_paint(3, 5, &png);
    const struct {
        const void *bytes;
        size_t n;
        struct photo_new what;
        int code;
    } rows[] = {
        {"", 0, {0}, INV_UNSUPPORTED_MEDIA},
        {"GIF89a, but we take none", 24, {0}, INV_UNSUPPORTED_MEDIA},
        {"just some words", 15, {0}, INV_UNSUPPORTED_MEDIA},
        {tiny, sizeof(tiny), {0}, DM_EDECODE},
        {png.data, png.len, {.location_id = 999999}, INV_NOT_FOUND},
        {png.data, png.len, {.qr_code = "LOC999999"}, INV_NOT_FOUND},
        {png.data, png.len, {.key = "not a number"}, INV_VALIDATION},
        {png.data, png.len, {.needs_gps = true}, INV_VALIDATION},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct photo_accepted a;
        const int code =
            photo_rig_send(&p, &p.r.n.worker, rows[i].bytes, rows[i].n, &rows[i].what, &a, &e);
        if (code != rows[i].code) {
            fail_msg("row %zu: %d, %s", i, code, dm_err_text(&e));
        }
    }
    struct dm_err e = {0};
    struct photo_accepted a;
    DM_CLEANUP(photo_file_freep) struct photo_file *f = NULL;
    assert_ok(photo_file_begin(&p.runner.place, 10, &f, &e), &e);
    assert_ok(photo_file_write(f, "12345", 5, &e), &e);
    assert_int_equal(photo_file_write(f, "678901", 6, &e), INV_FILE_TOO_LARGE);
    assert_int_equal(
        photo_rig_send(&p, &p.r.n.viewer, png.data, png.len, &(struct photo_new){0}, &a, &e),
        INV_FORBIDDEN);
    assert_int_equal(number(&p, "SELECT count(*) FROM images WHERE %lld > 0", 1), 0);
    assert_int_equal(number(&p, "SELECT count(*) FROM jobs WHERE %lld > 0", 1), 0);
    assert_int_equal(photo_rig_objects(&p), 0);
    photo_rig_clear(&p);
}

/* Uploads leave room on the disk, and on their way take no more than they may. */
static void no_room(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct photo_place *place = &p.runner.place;
    struct dm_err e = {0};
    struct photo_file *first = NULL;
    struct photo_file *second = NULL;
    assert_ok(photo_file_begin(place, 0, &first, &e), &e); /* makes the folder */
    photo_file_free(first);
    place->keep_free = INT64_MAX / 2;
    assert_int_equal(photo_file_begin(place, 0, &first, &e), INV_STORAGE_FULL);
    assert_int_equal(dm_code_info(INV_STORAGE_FULL)->http_status, 503);
    assert_non_null(strstr(e.text, "must stay free"));
    place->keep_free = 1;
    assert_ok(photo_room(place, 0, &e), &e);
    assert_int_equal(photo_room(place, INT64_MAX / 2, &e), INV_STORAGE_FULL);
    place->keep_free = 0;
    assert_ok(photo_room(place, INT64_MAX / 2, &e), &e);
    place->incoming_max = 1000;
    assert_ok(photo_file_begin(place, 0, &first, &e), &e);
    assert_ok(photo_room(place, 1000, &e), &e);
    assert_int_equal(photo_room(place, 1001, &e), INV_STORAGE_FULL);
    for (int i = 0; i < 11; i++) {
        assert_ok(photo_file_write(first, &p, 100, &e), &e);
    }
    assert_int_equal(photo_file_begin(place, 0, &second, &e), INV_STORAGE_FULL);
    photo_file_free(first); /* it has arrived */
    assert_ok(photo_file_begin(place, 0, &second, &e), &e);
    photo_file_free(second);
    photo_rig_clear(&p);
}

static void known_bytes(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    struct dm_err e = {0};
    struct photo_accepted first;
    struct photo_accepted again;
    photo_paint(4, 7, &png);
    struct photo_new what = {.key = "11111111-0000-4000-8000-000000000001",
                             .location_id = p.r.claro[0]};
    assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &what, &first, &e), &e);
    assert_false(first.repeated);
    /* the same request: the same answer */
    assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &what, &again, &e), &e);
    assert_true(again.repeated);
    assert_int_equal(again.session_id, first.session_id);
    assert_string_equal(again.image_uuid, first.image_uuid);
    assert_int_equal(again.location_id, p.r.claro[0]);
    /* the same number for other bytes, or from another person */
    assert_int_equal(photo_rig_send(&p, &p.r.n.worker, "x", 1, &what, &again, &e),
                     INV_IDEMPOTENCY_CONFLICT);
    assert_int_equal(photo_rig_send(&p, &p.r.n.supervisor, png.data, png.len, &what, &again, &e),
                     INV_IDEMPOTENCY_CONFLICT);
    /* the same bytes in another request */
    what.key = NULL;
    assert_int_equal(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &what, &again, &e),
                     INV_DUPLICATE_PHOTO);
    assert_int_equal(e.n_fields, 2);
    assert_string_equal(e.field[0].s, first.image_uuid);
    assert_string_equal(e.field[1].s, first.session_uuid);
    what.force = true;
    assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &what, &again, &e), &e);
    assert_false(again.repeated);
    assert_int_not_equal(again.image_id, first.image_id);
    assert_int_equal(photo_rig_objects(&p), 2);
    assert_int_equal(photo_rig_jobs(&p), 2); /* the second is a retake of the first */
    assert_int_equal(rig_total(&p.r, p.r.claro[0]), 7);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* A photo nobody can place waits; choosing the claro posts it without counting again. */
static void placed_later(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    struct session_outcome out;
    const struct photo_accepted a = photo_rig_photo(&p, 5, 11, 0);
    assert_int_equal(a.warning, PLACES_NONE);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM photo_processing_sessions WHERE id = %lld AND"
                            " posting_status = 'held' AND warning = 'needs_location'",
                            a.session_id),
                     1);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM jobs WHERE status = 'completed_with_warning'"
                            " AND session_id = %lld",
                            a.session_id),
                     1);
    assert_ok(session_place(&p.r.n.worker, a.session_id, p.r.claro[1], &out, &e), &e);
    assert_int_equal(out.posting, SESSION_POSTED);
    assert_int_equal(rig_total(&p.r, p.r.claro[1]), 11);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* A label in the picture tells the claro of a photo without one, not of one a person named. */
static void labelled(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    nursery_exec(&p.r.n, "UPDATE storage_locations SET qr_code = 'OLD000001'"
                         " WHERE qr_code = 'LOC000001'");
    char sql[200];
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE storage_locations SET qr_code = 'LOC000001' WHERE id = %lld",
                   (long long)p.r.claro[2]);
    nursery_exec(&p.r.n, sql);
    for (unsigned said = 0; said < 2; said++) {
        DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
        struct image im = photo_pixels(20 + said, 12);
        struct photo_accepted a;
        label_paint(&im, 380, 250, 4);
        assert_ok(image_encode_png(&im, 1, &png, &e), &e);
        image_clear(&im);
        const struct photo_new what = {.location_id = said ? p.r.claro[3] : 0};
        assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &what, &a, &e), &e);
        assert_int_equal(photo_rig_jobs(&p), 1);
        assert_int_equal(number(&p, POSTED, a.session_id), 1);
        assert_int_equal(rig_total(&p.r, p.r.claro[said ? 3 : 2]), 12);
    }
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM photo_processing_sessions"
                            " WHERE location_source = 'qr' AND warning IS NULL AND %lld > 0",
                            1),
                     1);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* A picture that is cut short passes the door and fails in the decoder: its session says why, the
 * others go on. */
static void damaged(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    struct dm_err e = {0};
    struct photo_accepted bad;
    photo_paint(6, 9, &png);
    const struct photo_new what = {.location_id = p.r.claro[0]};
    assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len / 2, &what, &bad, &e), &e);
    const struct photo_accepted good = photo_rig_photo(&p, 7, 3, p.r.claro[1]);
    assert_int_equal(photo_rig_job(&p, &e), DM_EDECODE);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM photo_processing_sessions s JOIN images i"
                            " ON i.id = s.image_id WHERE s.status = 'failed' AND i.status ="
                            " 'failed' AND s.error_message IS NOT NULL AND i.error_details ="
                            " s.error_message AND s.id = %lld",
                            bad.session_id),
                     1);
    assert_int_equal(number(&p, POSTED, good.session_id), 1);
    /* driven again it fails again, as a session of its own */
    struct store_tx *tx = NULL;
    assert_ok(store_begin(p.r.n.worker.store, STORE_WRITE, &tx, &e), &e);
    assert_int_equal(queue_redrive(tx, p.r.n.worker.now_ms, bad.job_uuid, &e), 1);
    assert_ok(store_commit(&tx, &e), &e);
    assert_int_equal(photo_rig_job(&p, &e), DM_EDECODE);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM photo_processing_sessions WHERE image_id = %lld",
                            bad.image_id),
                     2);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* A job that died without a word (its worker was killed too often) takes its session along. */
static void buried(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    int64_t n = -1;
    const struct photo_accepted a = photo_rig_photo(&p, 8, 4, p.r.claro[0]);
    nursery_exec(&p.r.n, "UPDATE jobs SET status = 'failed', error_message = 'killed thrice'");
    assert_ok(photo_bury(&p.r.n.worker, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_ok(photo_bury(&p.r.n.worker, &n, &e), &e);
    assert_int_equal(n, 0);
    assert_int_equal(number(&p,
                            "SELECT count(*) FROM photo_processing_sessions WHERE status = 'failed'"
                            " AND error_message = 'killed thrice' AND id = %lld",
                            a.session_id),
                     1);
    photo_rig_clear(&p);
}

/* A day later what crashes left is gone, and nothing else. */
static void swept(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    struct photo_swept got;
    struct photo_swept all = {0};
    struct photo_file *left = NULL; /* as a process that died leaves it */
    const char *const orphans[] = {"00/a.jpg", "7f3a/original.jpg", "ff/b.png"};
    assert_ok(photo_file_begin(&p.runner.place, 0, &left, &e), &e);
    assert_ok(photo_file_write(left, "half", 4, &e), &e);
    for (size_t i = 0; i < DM_COUNT(orphans); i++) {
        assert_ok(blob_put(p.runner.place.local, orphans[i], "image/jpeg", "x", 1, NULL, &e), &e);
    }
    (void)photo_rig_photo(&p, 9, 2, p.r.claro[0]);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(photo_rig_objects(&p), 5);
    const int64_t now = p.r.n.admin.now_ms;
    for (int minute = -1; minute < 256; minute++) {
        rig_now(&p.r, minute < 0 ? now : now + 2 * RIG_DAY + minute * INT64_C(60000));
        assert_ok(photo_sweep(&p.r.n.admin, &p.runner.place, &got, &e), &e);
        assert_true(minute >= 0 || got.files + got.orphans == 0); /* all of it is young */
        all.files += got.files;
        all.orphans += got.orphans;
    }
    assert_int_equal(all.files, 1);
    assert_int_equal(all.orphans, 3);
    assert_int_equal(photo_rig_objects(&p), 2);
    /* after a year the thumbnail goes, the original stays; the job goes after a month */
    rig_now(&p.r, now + 366 * RIG_DAY);
    assert_ok(photo_sweep(&p.r.n.admin, &p.runner.place, &got, &e), &e);
    assert_int_equal(got.purged, 1);
    assert_int_equal(got.rows, 1);
    assert_int_equal(photo_rig_objects(&p), 1);
    photo_file_free(left);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

/* Small pictures: size, and that every pixel counts the same. */
static void shrunk(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct image im = {0};
    struct image small = {0};
    assert_ok(image_init(&im, 1000, 400, 3, &e), &e);
    for (int y = 0; y < im.h; y++) {
        for (int x = 0; x < 3 * im.w; x++) {
            image_row(&im, y)[x] = (x / 3 + y) % 2 ? 255 : 0;
        }
    }
    assert_ok(photo_shrink(&im, 300, &small, &e), &e);
    assert_int_equal(small.w, 300);
    assert_int_equal(small.h, 120);
    for (int y = 0; y < small.h; y++) {
        for (int x = 0; x < 3 * small.w; x++) {
            assert_in_range(image_row(&small, y)[x], 112, 143); /* cells of 3 x 3: 4 or 5 of 9 */
        }
    }
    image_clear(&small);
    assert_ok(photo_shrink(&im, 1000, &small, &e), &e);
    assert_memory_equal(small.px, im.px, (size_t)3 * 1000 * 400);
    image_clear(&small);
    image_clear(&im);
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {
        DB_TEST(to_the_books), DB_TEST(next_month),   DB_TEST(refused),         DB_TEST(no_room),
        DB_TEST(known_bytes),  DB_TEST(placed_later), DB_TEST(labelled),        DB_TEST(damaged),
        DB_TEST(buried),       DB_TEST(swept),        cmocka_unit_test(shrunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at photographs and changing them: gallery, sessions, what was seen, pictures, the report,
 * counting again, deleting. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"
#include "inventory/json.h"
#include "support/photo_rig.h"

static json_t *rows(struct photo_rig *p, const struct list *l, const char *filter,
                    struct store_value v)
{
    struct dm_err e = {0};
    json_t *out = NULL;
    int64_t total = -1;
    const struct list_value value = {filter, v};
    const struct list_ask ask = {.value = &value, .n_value = filter != NULL, .limit = 100};
    assert_ok(list_rows(&p->r.n.viewer, l, &ask, &out, &total, &e), &e);
    assert_int_equal(json_array_size(out), total);
    return out;
}

static json_t *one(struct photo_rig *p, const struct list *l, const char *session)
{
    struct dm_err e = {0};
    json_t *out = NULL;
    assert_ok(list_one(&p->r.n.viewer, l, "session_id", store_u(session), &out, &e), &e);
    return out;
}

static void expect(const json_t *j, const char *path, int64_t n)
{
    char part[64];
    const char *dot;
    for (; (dot = strchr(path, '.')); path = dot + 1) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
        j = json_object_get(j, part);
    }
    if (json_integer_value(json_object_get(j, path)) != n) {
        fail_msg("%s is %lld, not %lld", path,
                 (long long)json_integer_value(json_object_get(j, path)), (long long)n);
    }
}

static void looked_at(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    const struct photo_accepted a = photo_rig_photo(&p, 1, 20, p.r.claro[0]);
    const struct photo_accepted b = photo_rig_photo(&p, 2, 5, 0);
    assert_int_equal(photo_rig_jobs(&p), 2);
    char ids[40];
    (void)snprintf(ids, sizeof(ids), "[%lld,0]",
                   (long long)nursery_number(&p.r.n, "SELECT min(id) FROM warehouses"));
    const struct {
        const struct list *l;
        const char *filter;
        struct store_value v;
        size_t n;
    } asked[] = {
        {&list_gallery, NULL, store_null(), 2},
        {&list_gallery, "image_status", store_t("ready"), 2},
        {&list_gallery, "image_status", store_t("failed"), 0},
        {&list_gallery, "warned", store_b(true), 1},
        {&list_gallery, "warning", store_t("needs_location"), 1},
        {&list_gallery, "storage_location_id", store_i(p.r.claro[0]), 1},
        {&list_gallery, "warehouse_ids", store_j(ids), 1},
        {&list_gallery, "date_from", store_at(p.r.n.admin.now_ms + 1), 0},
        {&list_gallery, "search", store_t("CLARO"), 2},
        {&list_gallery, "search", store_t("nave"), 0},
        {&list_sessions, "posting_status", store_t("held"), 1},
        {&list_sessions, "validated", store_b(true), 0},
        {&list_detections, "session_id", store_u(a.session_uuid), 20},
        {&list_detections, "min_confidence", store_r(1), 0},
        {&list_estimations, "session_id", store_u(a.session_uuid), 0},
        {&list_session_bins, "session_id", store_u(a.session_uuid), 1},
        {&list_session_batches, "session_id", store_u(a.session_uuid), 1},
        {&list_session_batches, "session_id", store_u(b.session_uuid), 0},
        {&list_claro_photos, "storage_location_id", store_i(p.r.claro[0]), 1},
        {&list_adjustments, NULL, store_null(), 0},
    };
    for (size_t i = 0; i < DM_COUNT(asked); i++) {
        json_t *j = rows(&p, asked[i].l, asked[i].filter, asked[i].v);
        if (json_array_size(j) != asked[i].n) {
            fail_msg("row %zu: %zu of %s", i, json_array_size(j), asked[i].l->name);
        }
        json_decref(j);
    }
    json_t *j = one(&p, &list_session, a.session_uuid);
    expect(j, "detections_count", 20);
    expect(j, "category_counts.segment", 20);
    expect(j, "container_counts.segment", 1);
    expect(j, "manual_adjustments.count", 0);
    json_decref(j);
    j = one(&p, &list_statistics, a.session_uuid);
    expect(j, "detections.live_count", 20);
    expect(j, "estimations.total_estimated_plants", 0);
    json_decref(j);
    j = one(&p, &list_progress, b.session_uuid);
    expect(j, "percent", 100);
    json_decref(j);
    photo_rig_clear(&p);
}

/* The annotated picture is drawn once and kept; the thumbnail comes back after it was lost. */
static void pictures(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    const struct inv_ctx *c = &p.r.n.viewer;
    const struct photo_accepted a = photo_rig_photo(&p, 1, 20, p.r.claro[0]);
    DM_CLEANUP(dm_buf_clear) struct dm_buf first = dm_buf_init((size_t)1 << 24);
    DM_CLEANUP(dm_buf_clear) struct dm_buf second = dm_buf_init((size_t)1 << 24);
    const struct photo_place *place = &p.runner.place;
    assert_int_equal(photo_annotated(c, place, a.session_uuid, "es", &first, &e),
                     INV_INVALID_TRANSITION);
    assert_int_equal(photo_annotated(c, place, a.job_uuid, "es", &first, &e), INV_NOT_FOUND);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_ok(photo_annotated(c, place, a.session_uuid, "es", &first, &e), &e);
    assert_int_equal(photo_rig_objects(&p), 3);
    assert_ok(photo_annotated(c, place, a.session_uuid, "es", &second, &e), &e);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    /* marks are there: it is not the photo */
    struct image drawn = {0};
    struct image plain = photo_pixels(1, 20);
    assert_ok(image_decode(first.data, first.len, NULL, &drawn, NULL, &e), &e);
    assert_int_equal(drawn.w, plain.w);
    size_t other = 0;
    for (int y = 0; y < drawn.h; y++) {
        for (int x = 0; x < 3 * drawn.w; x++) {
            other += abs(image_row(&drawn, y)[x] - image_row(&plain, y)[x]) > 60;
        }
    }
    assert_true(other > 2000);
    image_clear(&drawn);
    image_clear(&plain);
    dm_buf_clear(&first);
    dm_buf_clear(&second);
    assert_ok(photo_small(c, place, a.image_uuid, PHOTO_THUMBNAIL_PX, &first, &e), &e);
    nursery_exec(&p.r.n, "DELETE FROM image_blobs WHERE variant = 'thumbnail'");
    assert_ok(photo_small(c, place, a.image_uuid, PHOTO_THUMBNAIL_PX, &second, &e), &e);
    assert_memory_equal(first.data, second.data, first.len);
    dm_buf_clear(&first);
    assert_ok(photo_small(c, place, a.image_uuid, 64, &first, &e), &e);
    assert_true(first.len < second.len);
    dm_buf_clear(&first);
    assert_ok(photo_report_pdf(c, place, a.session_uuid, "es", &first, &e), &e);
    assert_memory_equal(first.data, "%PDF-", 5);
    assert_non_null(memmem(first.data, first.len, "/DCTDecode", 10));
    photo_rig_clear(&p);
}

static void again(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    struct photo_again got;
    struct photo_again twice;
    const struct photo_accepted a = photo_rig_photo(&p, 1, 20, p.r.claro[0]);
    /* a job of it waits: that is the answer */
    assert_ok(photo_reprocess(&p.r.n.worker, a.image_uuid, 0, NULL, &got, &e), &e);
    assert_true(got.running);
    assert_string_equal(got.job_uuid, a.job_uuid);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_ok(photo_reprocess(&p.r.n.supervisor, a.image_uuid, 0, "a better model", &got, &e), &e);
    assert_false(got.running);
    assert_ok(photo_reprocess(&p.r.n.supervisor, a.image_uuid, 0, NULL, &twice, &e), &e);
    assert_string_equal(twice.job_uuid, got.job_uuid);
    assert_string_equal(twice.batch_uuid, got.batch_uuid);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_int_equal(rig_total(&p.r, p.r.claro[0]), 20);
    assert_int_equal(rig_number(&p.r,
                                "SELECT count(*) FROM photo_processing_sessions WHERE"
                                " posting_status = 'void' AND id = %lld",
                                a.session_id),
                     1);
    /* to another claro; not those of others; not without an original */
    assert_int_equal(
        photo_reprocess(&p.r.n.worker, "00000000-0000-4000-8000-000000000000", 0, NULL, &got, &e),
        INV_NOT_FOUND);
    nursery_exec(&p.r.n, "DELETE FROM image_blobs WHERE variant = 'original'");
    assert_int_equal(photo_reprocess(&p.r.n.worker, a.image_uuid, 0, NULL, &got, &e),
                     INV_ORIGINAL_MISSING);
    nursery_exec(&p.r.n, "UPDATE images SET uploaded_by_user_id = (SELECT id FROM users WHERE"
                         " role = 'supervisor')");
    assert_int_equal(photo_reprocess(&p.r.n.worker, a.image_uuid, 0, NULL, &got, &e),
                     INV_FORBIDDEN);
    photo_rig_clear(&p);
}

static void deleted(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    struct photo_accepted twin;
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    const struct photo_accepted posted = photo_rig_photo(&p, 1, 20, p.r.claro[0]);
    const struct photo_accepted held = photo_rig_photo(&p, 2, 5, 0);
    assert_int_equal(photo_rig_jobs(&p), 2);
    assert_int_equal(photo_delete(&p.r.n.supervisor, posted.image_uuid, NULL, &e), INV_IN_USE);
    assert_int_equal(photo_delete(&p.r.n.viewer, held.image_uuid, NULL, &e), INV_FORBIDDEN);
    photo_paint(2, 5, &png);
    const struct photo_new forced = {.force = true};
    assert_ok(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &forced, &twin, &e), &e);
    assert_ok(photo_delete(&p.r.n.worker, held.image_uuid, "blurred", &e), &e);
    assert_int_equal(photo_delete(&p.r.n.worker, held.image_uuid, NULL, &e), INV_NOT_FOUND);
    /* its twin is now the one that is known */
    const struct photo_new plain = {0};
    struct photo_accepted got;
    assert_int_equal(photo_rig_send(&p, &p.r.n.worker, png.data, png.len, &plain, &got, &e),
                     INV_DUPLICATE_PHOTO);
    assert_string_equal(e.field[0].s, twin.image_uuid);
    /* one that waits is not counted any more */
    assert_ok(photo_delete(&p.r.n.worker, twin.image_uuid, NULL, &e), &e);
    assert_int_equal(photo_rig_jobs(&p), 0);
    json_t *j = rows(&p, &list_gallery, NULL, store_null());
    assert_int_equal(json_array_size(j), 1);
    json_decref(j);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {DB_TEST(looked_at), DB_TEST(pictures), DB_TEST(again),
                                       DB_TEST(deleted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

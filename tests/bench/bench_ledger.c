/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a count takes: results of a photo with 800 detections saved, and its 800 plants posted
 * against those of the count before, median of 40 on a fresh database of each engine. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/ledger_rig.h"

#define ROUNDS 40
#define PLANTS 800

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void report(const char *engine, const char *what, double *ms)
{
    qsort(ms, ROUNDS, sizeof *ms, by_value);
    print_message("%-10s %-8s median %5.1f ms, fastest %5.1f ms\n", engine, what, ms[ROUNDS / 2],
                  ms[0]);
}

static int64_t begin(struct rig *r, int64_t at, int i)
{
    static const char add[] = "INSERT INTO images (uuid, content_type, file_size_bytes, width_px,"
                              " height_px, sha256, captured_at, captured_at_source,"
                              " uploaded_by_user_id) VALUES";
    char time[STORE_TIME_SIZE];
    char uuid[LEDGER_UUID_SIZE];
    char sql[600];
    (void)store_time_text(at, time);
    rig_uuid(r, uuid);
    (void)snprintf(sql, sizeof sql,
                   "%s ('%s', 'image/jpeg', 1000, 4000, 3000, '%064d', '%s', 'exif', %lld)", add,
                   uuid, i, time, (long long)r->n.worker.user_id);
    nursery_exec(&r->n, sql);
    struct dm_err e = {0};
    struct session_new s = {.image_id = nursery_number(&r->n, "SELECT max(id) FROM images"),
                            .location_id = r->claro[0],
                            .source = SESSION_EXPLICIT};
    int64_t id = 0;
    s.uuid = rig_uuid(r, uuid);
    assert_ok(session_create(&r->n.worker, &s, &id, &e), &e);
    assert_ok(session_start(&r->n.worker, id, &e), &e);
    return id;
}

static void count_of_800(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct db *db = *state;
    static struct session_detection d[PLANTS];
    for (size_t i = 0; i < PLANTS; i++) {
        d[i] = (struct session_detection){.center_x_px = (double)(i % 40) * 90 + 45,
                                          .center_y_px = (double)(i / 40) * 90 + 45,
                                          .width_px = 80,
                                          .height_px = 80,
                                          .confidence = 0.9};
    }
    struct session_segment g[4];
    double save_ms[ROUNDS];
    double post_ms[ROUNDS];
    double finish_ms[ROUNDS]; /* both in one call, as the worker does it */
    struct dm_err e = {0};
    for (int i = 0; i < ROUNDS; i++) {
        size_t n = PLANTS - (size_t)i; /* a few are sold each time */
        for (size_t k = 0; k < 4; k++) {
            g[k] = (struct session_segment){.category = LEDGER_SEGMENT,
                                            .ordinal = (int32_t)k + 1,
                                            .polygon = "[[0,0],[9,0],[9,9]]",
                                            .x2 = 9,
                                            .y2 = 9,
                                            .confidence = 0.9,
                                            .detection = d + k * (PLANTS / 4),
                                            .n_detection = k < 3 ? PLANTS / 4 : n - PLANTS / 4 * 3};
        }
        const struct session_results results = {.segment = g, .n_segment = 4};
        int64_t at = NURSERY_NOW + i * 30 * RIG_DAY;
        rig_now(&r, at + RIG_HOUR);
        int64_t id = begin(&r, at, i);
        struct session_outcome out;
        dm_usec start = dm_now();
        assert_ok(session_finish(&r.n.worker, id, &results, &out, &e), &e);
        finish_ms[i] = dm_ms_since(start);
        assert_int_equal(out.posting, SESSION_POSTED);
        at += 15 * RIG_DAY;
        rig_now(&r, at + RIG_HOUR);
        id = begin(&r, at, i + ROUNDS);
        start = dm_now();
        assert_ok(session_save(&r.n.worker, id, &results, &e), &e);
        save_ms[i] = dm_ms_since(start);
        start = dm_now();
        assert_ok(session_post(&r.n.worker, id, false, &out, &e), &e);
        post_ms[i] = dm_ms_since(start);
        assert_int_equal(out.posting, SESSION_POSTED);
    }
    report(db->engine, "save", save_ms);
    report(db->engine, "post", post_ms);
    report(db->engine, "finish", finish_ms);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DB_TEST(count_of_800)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

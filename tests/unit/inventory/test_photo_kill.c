/* SPDX-License-Identifier: Apache-2.0
 *
 * A process dies at every point between two steps, twice in a row at each. What is sent and run
 * again afterwards has its effect exactly once: one image, one session, one count in the books. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/point.h"
#include "support/photo_rig.h"

static const char *const points[] = {
    "photo.accept_checked",  "photo.accept_put",    "photo.accept_commit",
    "photo.process_started", "photo.picture_put",   "photo.process_counted",
    "photo.process_posted",  "photo.process_ready",
};

enum { DIED = 99, PLANTS = 17 };
static const char *die_at;

static void die(const char *name)
{
    if (die_at && !strcmp(name, die_at)) {
        _exit(DIED);
    }
}

static const struct photo_new what = {.key = "22222222-0000-4000-8000-000000000001",
                                      .filename = "claro.png"};

/* What a sender and a worker do; again is harmless. */
static void send_and_run(struct photo_rig *p, struct photo_accepted *ret)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    struct dm_err e = {0};
    struct photo_new n = what;
    n.location_id = p->r.claro[0];
    photo_paint(1, PLANTS, &png);
    assert_ok(photo_rig_send(p, &p->r.n.worker, png.data, png.len, &n, ret, &e), &e);
    (void)photo_rig_jobs(p);
}

/* In a process of its own, which opens the database itself. */
static int child(struct photo_rig *p, struct db *db, const char *point)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct photo_accepted a;
        struct store *s = db_reopen(db, NULL);
        p->r.n.worker.store = s;
        die_at = point;
        dm_point_hook = die;
        send_and_run(p, &a);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void once(struct photo_rig *p, const char *point)
{
    struct dm_err e = {0};
    struct photo_accepted a;
    struct queue_swept swept;
    rig_now(&p->r, p->r.n.worker.now_ms + QUEUE_LEASE_MS + 1000);
    assert_ok(queue_sweep(p->r.n.worker.store, p->r.n.worker.now_ms, &swept, &e), &e);
    send_and_run(p, &a);
    static const struct {
        const char *sql;
        int64_t n;
    } facts[] = {
        {"SELECT count(*) FROM images WHERE %lld > 0", 1},
        {"SELECT count(*) FROM photo_processing_sessions WHERE posting_status = 'posted'"
         " AND %lld > 0",
         1},
        {"SELECT count(*) FROM photo_processing_sessions WHERE %lld > 0", 1},
        {"SELECT count(*) FROM stock_movements WHERE %lld > 0", 1},
        {"SELECT sum(quantity) FROM stock_movements WHERE %lld > 0", PLANTS},
        {"SELECT count(*) FROM detections WHERE %lld > 0", PLANTS},
        {"SELECT count(*) FROM jobs WHERE status = 'completed' AND %lld > 0", 1},
        {"SELECT count(*) FROM jobs WHERE %lld > 0", 1},
        {"SELECT count(*) FROM image_blobs WHERE %lld > 0", 2},
        {"SELECT count(*) FROM images WHERE status = 'ready' AND %lld > 0", 1},
    };
    for (size_t i = 0; i < DM_COUNT(facts); i++) {
        const int64_t n = rig_number(&p->r, facts[i].sql, 1);
        if (n != facts[i].n) {
            fail_msg("killed at %s: %s: %lld, not %lld", point, facts[i].sql, (long long)n,
                     (long long)facts[i].n);
        }
    }
    photo_rig_verify(p);
}

static void killed_everywhere(void **state)
{
    const bool sqlite = !strcmp(((struct db *)*state)->engine, "sqlite");
    for (size_t i = 0; i < DM_COUNT(points); i++) {
        struct db *db = db_new(sqlite ? &db_sqlite : &db_postgresql);
        struct photo_rig p;
        photo_rig_init(&p, db);
        assert_int_equal(child(&p, db, points[i]), DIED);
        /* a second one: it goes further, or dies at the same place once more */
        rig_now(&p.r, p.r.n.worker.now_ms + QUEUE_LEASE_MS + 1000);
        struct dm_err e = {0};
        struct queue_swept swept;
        assert_ok(queue_sweep(db->store, p.r.n.worker.now_ms, &swept, &e), &e);
        const int second = child(&p, db, points[i]);
        assert_true(second == DIED || second == 0);
        once(&p, points[i]);
        /* of the files of the dead nothing remains after a day */
        int64_t n = 0;
        const int64_t later = store_now() + 2 * RIG_DAY;
        for (int minute = 0; minute < 256; minute++) {
            struct photo_swept got;
            rig_now(&p.r, later + minute * INT64_C(60000));
            assert_ok(photo_sweep(&p.r.n.admin, &p.runner.place, &got, &e), &e);
            n += got.files + got.orphans;
        }
        assert_true(i > 1 || n >= 1);
        assert_int_equal(photo_rig_objects(&p), 2);
        photo_rig_clear(&p);
        db_free(db);
    }
}

/* Two workers have the same job, because a lease ran out while its holder was only slow. */
static void two_at_once(void **state)
{
    struct photo_rig p;
    photo_rig_init(&p, *state);
    struct dm_err e = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const char *const queues[] = {"gpu_queue"};
    struct queue_job slow;
    struct photo_done done;
    struct queue_swept swept;
    (void)photo_rig_photo(&p, 1, PLANTS, p.r.claro[0]);
    assert_int_equal(queue_take_of(p.r.n.worker.store, p.r.n.worker.now_ms,
                                   queue_kinds_of(queues, 1), "slow", QUEUE_LEASE_MS, &a, &slow,
                                   &e),
                     1);
    rig_now(&p.r, p.r.n.worker.now_ms + QUEUE_LEASE_MS + 1);
    assert_ok(queue_sweep(p.r.n.worker.store, p.r.n.worker.now_ms, &swept, &e), &e);
    assert_int_equal(swept.again, 1);
    assert_int_equal(photo_rig_jobs(&p), 1);
    assert_ok(photo_process(&p.r.n.worker, &p.runner, &slow, NULL, NULL, &a, &done, &e), &e);
    assert_int_equal(rig_total(&p.r, p.r.claro[0]), PLANTS);
    assert_int_equal(rig_number(&p.r, "SELECT count(*) FROM detections WHERE %lld > 0", 1), PLANTS);
    photo_rig_verify(&p);
    photo_rig_clear(&p);
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {DB_TEST(killed_everywhere), DB_TEST(two_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

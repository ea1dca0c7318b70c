/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs as rows: states, leases, retries, dead letters, on both engines; several processes at once;
 * a worker that is killed. */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/db.h"

enum { SYSTEM_USER = 1, LEASE = 1000, WORKERS = 4, MANY = 60 };
static const int64_t T0 = INT64_C(1800000000000);
static const char *const photos[] = {"gpu_queue"};
static const char *const every[] = {"gpu_queue", "cpu_queue", "io_queue", "default"};

extern const struct store_query_table queue_queries, queue_sweep_queries;

static const struct store_query look[] = {
    {"test.look", "SELECT status, attempts, error_code, run_after FROM jobs WHERE id = ?1", "i",
     "titT"},
    {"test.count", "SELECT count(*) FROM jobs WHERE status = ?1 AND attempts = 1", "t", "i"},
};

static struct store_tx *begin(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    return tx;
}

static void commit(struct store_tx *tx)
{
    struct dm_err e = {0};
    assert_ok(store_commit(&tx, &e), &e);
}

static int64_t push(struct store *s, struct queue_new n)
{
    struct dm_err e = {0};
    int64_t id = 0;
    struct store_tx *tx = begin(s);
    n.user_id = SYSTEM_USER;
    assert_ok(queue_push(tx, T0, &n, &id, &e), &e);
    commit(tx);
    return id;
}

static int64_t push_plain(struct store *s)
{
    return push(s, (struct queue_new){.kind = QUEUE_PROCESS_PHOTO, .priority = QUEUE_ANY_PRIORITY});
}

static bool take(struct store *s, int64_t now, const char *worker, struct queue_job *ret)
{
    static struct dm_arena a; /* texts of the last job taken */
    struct dm_err e = {0};
    dm_arena_clear(&a);
    int found = queue_take_of(s, now, queue_kinds_of(photos, 1), worker, LEASE, &a, ret, &e);
    assert_ok(found, &e);
    return found;
}

/* 1, or 0 when the lease is lost or the limit over. */
static int renew(struct store *s, int64_t now, const struct queue_job *j, int percent,
                 const char *phase)
{
    struct dm_err e = {0};
    struct store_tx *tx = begin(s);
    int held = queue_renew_in(tx, now, j, LEASE, percent, phase, &e);
    assert_ok(held, &e);
    commit(tx);
    return held;
}

static void assert_state(struct store *s, int64_t id, const char *status, int attempts,
                         const char *code)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    const struct store_value *row;
    struct store_tx *tx = begin(s);
    assert_ok(store_one(tx, &look[0], STORE_ARGS(store_i(id)), &a, &row, &e), &e);
    assert_string_equal(row[0].t, status);
    assert_int_equal(row[1].i, attempts);
    assert_string_equal(row[2].null ? "" : row[2].t, code);
    dm_arena_clear(&a);
    store_rollback(tx);
}

static int finish(struct store *s, int64_t now, const struct queue_job *j)
{
    struct dm_err e = {0};
    struct store_tx *tx = begin(s);
    int code = queue_finish(tx, now, j, false, "{\"plants\":3}", &e);
    if (code < 0) {
        store_rollback(tx);
        return code;
    }
    return store_commit(&tx, &e);
}

static void every_query_runs(void **state)
{
    db_check_queries(((struct db *)*state)->store, &queue_queries);
    db_check_queries(((struct db *)*state)->store, &queue_sweep_queries);
}

static void the_urgent_one_first_then_the_oldest(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct queue_job j;
    int64_t low = push(s, (struct queue_new){.kind = QUEUE_PROCESS_PHOTO, .priority = 1});
    int64_t old = push_plain(s);
    int64_t young = push_plain(s);
    int64_t later = push(
        s,
        (struct queue_new){.kind = QUEUE_PROCESS_PHOTO, .priority = 9, .run_after_ms = T0 + 5000});
    int64_t again =
        push(s, (struct queue_new){.kind = QUEUE_REPROCESS_PHOTO, .priority = QUEUE_ANY_PRIORITY});
    (void)push(s, (struct queue_new){.kind = QUEUE_EXPORT, .priority = 9}); /* another queue */
    const int64_t wanted[] = {again, old, young, low};
    for (size_t i = 0; i < DM_COUNT(wanted); i++) {
        assert_true(take(s, T0, "w", &j));
        assert_int_equal(j.id, wanted[i]);
        assert_int_equal(j.attempt, 1);
    }
    assert_false(take(s, T0, "w", &j));
    assert_true(take(s, T0 + 5000, "w", &j));
    assert_int_equal(j.id, later);
}

static void the_same_name_is_the_same_job(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    char uuid[STORE_UUID_SIZE];
    store_uuid_new(uuid);
    struct queue_new n = {.kind = QUEUE_EXPORT, .uuid = uuid, .payload = "{\"a\":1}"};
    int64_t id = push(s, n);
    assert_int_equal(push(s, n), id);
    struct store_tx *tx = begin(s);
    n.uuid = "not a uuid";
    assert_int_equal(queue_push(tx, T0, &n, NULL, &e), DM_EBADINPUT);
    store_rollback(tx);
}

static void retries_wait_longer_and_end_as_dead_letters(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job j;
    struct queue_depth d;
    bool dead = true;
    int64_t id = push_plain(s);
    int64_t now = T0;
    static const int64_t waits[] = {2000, 4000};
    for (size_t i = 0; i < DM_COUNT(waits); i++) {
        assert_true(take(s, now, "w", &j));
        assert_ok(queue_fail(s, now, &j, true, "io_error", "S3 is away", &dead, &e), &e);
        assert_false(dead);
        assert_false(take(s, now + waits[i] - 1, "w", &j));
        now += waits[i] * 5 / 4;
    }
    assert_true(take(s, now, "w", &j));
    assert_int_equal(j.attempt, 3);
    assert_ok(queue_fail(s, now, &j, true, "io_error", "S3 is away", &dead, &e), &e);
    assert_true(dead);
    assert_state(s, id, "failed", 3, "io_error");
    assert_ok(queue_depth(s, now, "gpu_queue", &d, &e), &e);
    assert_int_equal(d.dead, 1);
    assert_int_equal(d.pending + d.processing, 0);

    char uuid[STORE_UUID_SIZE];
    memcpy(uuid, j.uuid, sizeof(uuid));
    struct store_tx *tx = begin(s);
    assert_int_equal(queue_redrive(tx, now, uuid, &e), 1);
    assert_int_equal(queue_redrive(tx, now, uuid, &e), 0);
    commit(tx);
    assert_true(take(s, now, "w", &j));
    assert_int_equal(j.attempt, 1);
    assert_ok(queue_fail(s, now, &j, false, "bad_input", "no picture", &dead, &e), &e);
    assert_true(dead); /* content faults are not tried again */
}

static void a_lost_lease_writes_nothing(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job first;
    struct queue_job second;
    struct queue_swept swept;
    int64_t id = push_plain(s);
    assert_true(take(s, T0, "a", &first));
    assert_int_equal(renew(s, T0 + 900, &first, 40, "detecting"), 1);
    assert_ok(queue_sweep(s, T0 + 1500, &swept, &e), &e);
    assert_int_equal(swept.again + swept.dead, 0);
    assert_ok(queue_sweep(s, T0 + 2000, &swept, &e), &e);
    assert_int_equal(swept.again, 1);
    assert_state(s, id, "pending", 1, "lease_expired");
    assert_true(take(s, T0 + 2000, "a", &second)); /* even the same name is another attempt */
    char uuid[STORE_UUID_SIZE];
    memcpy(uuid, second.uuid, sizeof(uuid));
    first.uuid = uuid;
    assert_int_equal(finish(s, T0 + 2001, &first), DM_ECANCELLED);
    assert_int_equal(renew(s, T0 + 2001, &first, 50, NULL), 0);
    assert_int_equal(queue_fail(s, T0 + 2001, &first, true, "x", "x", NULL, &e), DM_ECANCELLED);
    assert_int_equal(queue_release(s, T0 + 2001, &first, 0, "worker_drain", &e), DM_ECANCELLED);
    assert_int_equal(finish(s, T0 + 2002, &second), DM_OK);
    assert_int_equal(finish(s, T0 + 2002, &second), DM_ECANCELLED);
    assert_state(s, id, "completed", 2, "");
}

static void the_last_lease_that_expires_is_a_dead_letter(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job j;
    struct queue_swept swept = {0};
    int64_t id = push_plain(s);
    int64_t now = T0;
    for (int i = 0; i < QUEUE_ATTEMPTS; i++, now += 2 * LEASE) {
        assert_true(take(s, now, "w", &j));
        assert_ok(queue_sweep(s, now + LEASE + 1, &swept, &e), &e);
    }
    assert_int_equal(swept.dead, 1);
    assert_state(s, id, "failed", 3, "lease_expired");
}

static void cancel_release_and_the_limit_of_a_kind(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job j;
    int64_t id = push_plain(s);
    assert_true(take(s, T0, "w", &j));
    assert_ok(queue_release(s, T0 + 10, &j, 0, "worker_drain", &e), &e);
    assert_state(s, id, "pending", 0, "worker_drain");
    assert_true(take(s, T0 + 10, "w", &j));
    int64_t limit = (int64_t)queue_kind_info(j.kind)->limit_s * 1000;
    assert_int_equal(renew(s, T0 + limit, &j, 1, NULL), 1);
    assert_int_equal(renew(s, T0 + 10 + limit, &j, 1, NULL), 0);
    struct store_tx *tx = begin(s);
    assert_int_equal(queue_cancel(tx, T0 + 20, j.uuid, &e), 1);
    assert_int_equal(queue_cancel(tx, T0 + 20, j.uuid, &e), 0);
    assert_int_equal(queue_cancel(tx, T0 + 20, "12345678-1234-4123-8123-123456789abc", &e),
                     DM_ENOTFOUND);
    store_rollback(tx);
    tx = begin(s);
    assert_int_equal(queue_cancel(tx, T0 + 20, j.uuid, &e), 1);
    commit(tx);
    assert_int_equal(finish(s, T0 + 21, &j), DM_ECANCELLED);
    assert_state(s, id, "cancelled", 1, "worker_drain");
}

static void a_parent_begins_when_its_children_have_ended(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job j;
    int64_t parent = push(s, (struct queue_new){.kind = QUEUE_PROCESS_PHOTO, .priority = 9});
    struct queue_new child = {.kind = QUEUE_PROCESS_PHOTO,
                              .priority = 1,
                              .parent_id = parent,
                              .traceparent = "00-a-b-01"};
    int64_t first = push(s, child);
    int64_t second = push(s, child);
    assert_true(take(s, T0, "w", &j));
    assert_int_equal(j.id, first);
    assert_int_equal(j.parent_id, parent);
    assert_string_equal(j.traceparent, "00-a-b-01");
    assert_ok(finish(s, T0, &j), &e);
    assert_true(take(s, T0, "w", &j));
    assert_int_equal(j.id, second);
    assert_false(take(s, T0, "w", &(struct queue_job){0}));
    assert_ok(queue_fail(s, T0, &j, false, "bad_input", "no picture", NULL, &e), &e);
    assert_true(take(s, T0, "w", &j));
    assert_int_equal(j.id, parent); /* one bad child does not hold it back */
    assert_int_equal(j.parent_id, 0);
    assert_null(j.traceparent);
}

static void a_paused_queue_begins_nothing(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct queue_job j;
    struct queue_job other;
    (void)push_plain(s);
    int64_t second = push_plain(s);
    int64_t export = push(s, (struct queue_new){.kind = QUEUE_EXPORT});
    assert_true(take(s, T0, "w", &j));
    struct store_tx *tx = begin(s);
    assert_ok(queue_pause_queue(tx, "gpu_queue", SYSTEM_USER, &e), &e);
    assert_ok(queue_pause_queue(tx, "gpu_queue", SYSTEM_USER, &e), &e);
    assert_int_equal(queue_pause_queue(tx, "no_queue", SYSTEM_USER, &e), DM_EBADINPUT);
    commit(tx);
    assert_false(take(s, T0, "w", &other));
    struct dm_arena a = {0};
    assert_int_equal(
        queue_take_of(s, T0, queue_kinds_of(every, DM_COUNT(every)), "w", LEASE, &a, &other, &e),
        1);
    assert_int_equal(other.id, export);
    dm_arena_clear(&a);
    assert_int_equal(renew(s, T0, &j, 1, NULL), 1);
    assert_ok(finish(s, T0, &j), &e);
    tx = begin(s);
    assert_ok(queue_resume_queue(tx, "gpu_queue", &e), &e);
    commit(tx);
    assert_true(take(s, T0, "w", &j));
    assert_int_equal(j.id, second);
}

static void carriers_learn_what_waits(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_table waiting;
    const char *status;
    int64_t due = -1;
    char later[STORE_UUID_SIZE];
    const uint32_t kinds = queue_kinds_of(photos, 1);
    store_uuid_new(later);
    int64_t id = push_plain(s);
    (void)push(s, (struct queue_new){
                      .kind = QUEUE_PROCESS_PHOTO, .uuid = later, .run_after_ms = T0 + 1000});
    (void)push(s, (struct queue_new){
                      .kind = QUEUE_PROCESS_PHOTO, .parent_id = id, .run_after_ms = T0 + 2000});
    assert_ok(queue_next_due(s, T0, kinds, &due, &e), &e);
    assert_int_equal(due, T0 + 1000);
    assert_ok(queue_next_due(s, T0 + 2000, kinds, &due, &e), &e);
    assert_int_equal(due, 0);
    struct store_tx *tx = begin(s);
    assert_ok(queue_waiting(tx, T0, 0, 100, &a, &waiting, &e), &e);
    assert_int_equal(waiting.n, 0); /* the first one has a child that waits */
    assert_ok(queue_waiting(tx, T0 + 2000, 0, 100, &a, &waiting, &e), &e);
    assert_int_equal(waiting.n, 2);
    assert_ok(queue_waiting(tx, T0 + 2000, 0, 1, &a, &waiting, &e), &e);
    assert_int_equal(waiting.n, 1);
    assert_string_equal(store_row(&waiting, 0)[1].t, later);
    assert_string_equal(store_row(&waiting, 0)[2].t, "process_photo");
    assert_int_equal(queue_status(tx, later, &a, &status, &e), 1);
    assert_string_equal(status, "pending");
    assert_int_equal(queue_status(tx, "x", &a, &status, &e), 0);
    assert_ok(queue_pause_queue(tx, "gpu_queue", SYSTEM_USER, &e), &e);
    assert_ok(queue_waiting(tx, T0 + 2000, 0, 100, &a, &waiting, &e), &e);
    assert_int_equal(waiting.n, 0);
    store_rollback(tx);
    dm_arena_clear(&a);
}

static void a_worker_without_memory_gives_back(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct queue_job kept;
    struct queue_job gone;
    struct queue_job other;
    char ids[40];
    int64_t id[3];
    for (int i = 0; i < 3; i++) {
        id[i] = push_plain(s);
    }
    assert_true(take(s, T0, "w/1", &kept));
    assert_true(take(s, T0, "w/2", &gone));
    assert_true(take(s, T0, "x/1", &other));
    struct queue_job again = {.id = kept.id, .attempt = kept.attempt};
    memcpy(again.worker, kept.worker, sizeof(again.worker));
    assert_ok(queue_load(s, &again, &a, &e), &e);
    assert_string_equal(again.payload, "{}");
    assert_int_equal(again.kind, QUEUE_PROCESS_PHOTO);
    (void)snprintf(ids, sizeof(ids), "[%lld]", (long long)kept.id);
    assert_ok(queue_release_lost(s, T0, "[\"w/1\",\"w/2\"]", ids, &e), &e);
    assert_state(s, id[0], "processing", 1, "");
    assert_state(s, id[1], "pending", 0, "");
    assert_state(s, id[2], "processing", 1, "");
    again.attempt++;
    assert_int_equal(queue_load(s, &again, &a, &e), DM_ECANCELLED);
    dm_arena_clear(&a);
}

/* The clock is set back while jobs run: no end lies before its begin. */
static void a_clock_may_be_set_back(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    static const struct store_query early = {
        "test.early", "SELECT count(*) FROM jobs WHERE finished_at < started_at", "", "i"};
    struct dm_err e = {0};
    struct queue_job j;
    struct queue_swept swept;
    int64_t n = -1;
    for (int i = 0; i < 3; i++) {
        (void)push_plain(s);
    }
    assert_true(take(s, T0 + 9000, "w", &j));
    assert_ok(finish(s, T0, &j), &e);
    assert_true(take(s, T0 + 9000, "w", &j));
    assert_ok(queue_fail(s, T0, &j, false, "x", "x", NULL, &e), &e);
    assert_true(take(s, T0 + 9000, "w", &j));
    struct store_tx *tx = begin(s);
    assert_int_equal(queue_cancel(tx, T0, j.uuid, &e), 1);
    commit(tx);
    assert_ok(queue_sweep(s, T0, &swept, &e), &e);
    tx = begin(s);
    assert_ok(store_int(tx, &early, STORE_NO_ARGS, &n, &e), &e);
    store_rollback(tx);
    assert_int_equal(n, 0);
}

static void a_duty_has_one_holder(void **state)
{
    struct store *s = ((struct db *)*state)->store;
    struct dm_err e = {0};
    assert_int_equal(queue_duty(s, T0, "sweep", "a", 1000, &e), 1);
    assert_int_equal(queue_duty(s, T0 + 500, "sweep", "b", 1000, &e), 0);
    assert_int_equal(queue_duty(s, T0 + 500, "other", "b", 1000, &e), 1);
    assert_int_equal(queue_duty(s, T0 + 900, "sweep", "a", 1000, &e), 1);
    assert_int_equal(queue_duty(s, T0 + 1800, "sweep", "b", 1000, &e), 0);
    assert_int_equal(queue_duty(s, T0 + 1901, "sweep", "b", 1000, &e), 1);
    /* its clock was a day ahead */
    assert_int_equal(queue_duty(s, T0 + 86400000, "sweep", "b", 1000, &e), 1);
    assert_int_equal(queue_duty(s, T0 + 2000, "sweep", "a", 1000, &e), 1);
}

/* ---- several processes ----------------------------------------------------------------------- */

/* A file per running job: whoever finds it there runs a job that another one runs. */
static int work(const char *url, const char *folder, int worker)
{
    char name[16];
    char path[128];
    struct dm_arena a = {0};
    struct store *s = NULL;
    struct queue_job j;
    (void)snprintf(name, sizeof(name), "w%d", worker);
    if (store_open(url, NULL, &s, NULL) < 0) {
        return 2;
    }
    for (;;) {
        int found =
            queue_take_of(s, T0, queue_kinds_of(every, DM_COUNT(every)), name, 60000, &a, &j, NULL);
        if (found <= 0) {
            return found ? 3 : 0;
        }
        (void)snprintf(path, sizeof(path), "%s/%lld", folder, (long long)j.id);
        int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd < 0) {
            return 4;
        }
        (void)close(fd);
        struct store_tx *tx = NULL;
        if (store_begin(s, STORE_WRITE, &tx, NULL) < 0 ||
            queue_finish(tx, T0, &j, false, NULL, NULL) < 0 || unlink(path) < 0 ||
            store_commit(&tx, NULL) < 0) {
            return 5;
        }
        dm_arena_clear(&a);
    }
}

static void no_job_runs_twice(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    char folder[] = "/tmp/demeter-queue-XXXXXX";
    pid_t pid[WORKERS];
    int64_t done = 0;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < MANY; i++) {
        (void)push_plain(db->store);
    }
    for (int i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            _exit(work(db->url, folder, i));
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    struct store_tx *tx = begin(db->store);
    assert_ok(store_int(tx, &look[1], STORE_ARGS(store_t("completed")), &done, &e), &e);
    store_rollback(tx);
    assert_int_equal(done, MANY);
    assert_int_equal(rmdir(folder), 0);
}

static void a_killed_worker_costs_one_attempt(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct queue_swept swept;
    struct queue_job j;
    int status = 0;
    int64_t id = push_plain(db->store);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *s = NULL;
        struct store_tx *tx = NULL;
        struct dm_arena a = {0};
        if (store_open(db->url, NULL, &s, NULL) < 0 ||
            queue_take_of(s, T0, queue_kinds_of(photos, 1), "dies", LEASE, &a, &j, NULL) != 1 ||
            store_begin(s, STORE_WRITE, &tx, NULL) < 0 ||
            queue_finish(tx, T0, &j, false, NULL, NULL) < 0) {
            _exit(1);
        }
        (void)kill(getpid(), SIGKILL); /* before the commit */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_ok(queue_sweep(db->store, T0 + LEASE + 1, &swept, &e), &e);
    assert_int_equal(swept.again, 1);
    assert_state(db->store, id, "pending", 1, "lease_expired");
    assert_true(take(db->store, T0 + LEASE + 1, "lives", &j));
    assert_int_equal(j.attempt, 2);
    assert_int_equal(finish(db->store, T0 + LEASE + 2, &j), DM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(every_query_runs),
        DB_TEST(the_urgent_one_first_then_the_oldest),
        DB_TEST(the_same_name_is_the_same_job),
        DB_TEST(retries_wait_longer_and_end_as_dead_letters),
        DB_TEST(a_lost_lease_writes_nothing),
        DB_TEST(the_last_lease_that_expires_is_a_dead_letter),
        DB_TEST(cancel_release_and_the_limit_of_a_kind),
        DB_TEST(a_parent_begins_when_its_children_have_ended),
        DB_TEST(a_paused_queue_begins_nothing),
        DB_TEST(carriers_learn_what_waits),
        DB_TEST(a_worker_without_memory_gives_back),
        DB_TEST(a_clock_may_be_set_back),
        DB_TEST(a_duty_has_one_holder),
        DB_TEST(no_job_runs_twice),
        DB_TEST(a_killed_worker_costs_one_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

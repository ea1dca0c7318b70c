/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole workers on both engines, jobs found by looking or told by a real Redis server; children
 * that crash, hang, eat memory; draining; servers that vanish. */
#include "queue/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/carrier.h"
#include "support/db.h"
#include "support/redis_server.h"

enum { SYSTEM_USER = 1, PATIENCE_MS = 20000, OUTAGES = QUEUE_ATTEMPTS + 1 };

/* What the handlers below do is in the payload; what they did is in memory that all share. */
struct board {
    _Atomic int runs, prepared, begun, concurrent, most;
    _Atomic int entered[400]; /* by the number in the payload */
};

struct app {
    struct board *board;
    const char *url;
};

static struct app app;

static int prepare(void *ctx, struct dm_err *e)
{
    (void)e;
    ((struct app *)ctx)->board->prepared++;
    return DM_OK;
}

static int open_store(void *ctx, struct store **ret, struct dm_err *e)
{
    return store_open(((struct app *)ctx)->url, &(struct store_options){.pool_size = 2}, ret, e);
}

static int begin_child(void *ctx, enum queue_pool pool, struct store *s, struct dm_err *e)
{
    (void)pool;
    (void)s;
    (void)e;
    ((struct app *)ctx)->board->begun++;
    return DM_OK;
}

static bool says(const struct queue_job *j, const char *word)
{
    return strstr(j->payload, word) != NULL;
}

static int number(const struct queue_job *j)
{
    const char *n = strstr(j->payload, "\"n\":");
    return n ? (int)strtol(n + 4, NULL, 10) : 0;
}

static int eat_memory(struct dm_err *e)
{
    size_t n = (size_t)1 << 30;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a tensor");
    }
    (void)munmap(p, n);
    return DM_OK;
}

static int touch_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const struct store_query one = {"test.one", "SELECT 1", "", "i"};
    return store_int(tx, &one, STORE_NO_ARGS, ctx, e);
}

/* Uses the database until it is lost, in more runs than a job has attempts. */
static int touch(struct queue_run *r, int n, struct dm_err *e)
{
    struct board *b = ((struct app *)queue_run_app(r))->board;
    while (b->entered[n] <= OUTAGES) {
        int64_t v;
        int code = store_run(queue_run_store(r), STORE_READ, touch_in, &v, e);
        if (code < 0) {
            return queue_excused(r) ? code : DM_EINTERNAL;
        }
        queue_pause(5);
    }
    return queue_excused(r) ? DM_EINTERNAL : DM_OK;
}

static int misbehave(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    const struct board *b = ((struct app *)queue_run_app(r))->board;
    if (says(j, "crash")) {
        abort();
    } else if (says(j, "memory")) {
        return eat_memory(e);
    } else if (says(j, "passing") && j->attempt == 1) {
        DM_FAIL(e, DM_EIO, "S3 is away");
    } else if (says(j, "excused") && b->entered[number(j)] <= OUTAGES) {
        queue_excuse(r);
        DM_FAIL(e, DM_EIO, "S3 is away");
    } else if (says(j, "outage")) {
        return touch(r, number(j), e);
    } else if (says(j, "content")) {
        DM_REFUSE(e, DM_EDECODE, DM_FIELDS(DM_S("code", "BAD_PHOTO")), "half a picture");
    } else if (says(j, "hang")) {
        for (;;) {
            (void)poll(NULL, 0, 1000);
        }
    } else if (says(j, "long")) {
        for (;;) {
            DM_TRY(queue_progress(r, 30, "detecting", e));
            queue_pause(5);
        }
    }
    return DM_OK;
}

static int run(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    struct board *b = ((struct app *)queue_run_app(r))->board;
    b->runs++;
    b->entered[number(j)]++;
    int now = ++b->concurrent;
    for (int most = b->most; now > most && !atomic_compare_exchange_strong(&b->most, &most, now);) {
    }
    int code = queue_progress(r, 10, "begun", e);
    code = code < 0 ? code : misbehave(r, j, e);
    for (int i = 0; code >= 0 && says(j, "together") && b->most < 15 && i < 2000; i++) {
        queue_pause(5);
    }
    if (code >= 0 && says(j, "slow")) {
        queue_pause(30);
    }
    b->concurrent--;
    return code;
}

static const struct queue_handler handlers[] = {
    {QUEUE_PROCESS_PHOTO, QUEUE_POOL_CPU, run, .memory_bytes = 64 << 20, .limit_ms = 60000},
    {QUEUE_RE_ESTIMATE, QUEUE_POOL_CPU, run, .limit_ms = 300}, /* hangs shortly */
    {QUEUE_BLOB_PUT, QUEUE_POOL_IO, run},
    {QUEUE_PHOTO_BATCH, QUEUE_POOL_CPU, run},
};

static const struct queue_app worker_app = {.handlers = handlers,
                                            .n = DM_COUNT(handlers),
                                            .ctx = &app,
                                            .prepare = prepare,
                                            .open = open_store,
                                            .begin = begin_child};

static const struct store_query q[] = {
    {"test.state",
     "SELECT status, attempts, error_code, error_message, progress_percent, phase"
     " FROM jobs WHERE id = ?1",
     "i", "tittit"},
    {"test.count", "SELECT count(*) FROM jobs WHERE status = ?1", "t", "i"},
};

/* ---- around a worker ------------------------------------------------------------------------- */

static void setup_app(struct db *db)
{
    if (!app.board) {
        app.board = mmap(NULL, sizeof(*app.board), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(app.board != MAP_FAILED);
    }
    memset(app.board, 0, sizeof(*app.board));
    app.url = db->url;
}

static struct queue_carrier *carrier; /* of the tests with Redis; NULL in the others */
static char redis_url[128];

static struct queue_worker *start(struct queue_worker_options o)
{
    struct dm_err e = {0};
    struct queue_worker *w = NULL;
    o.poll_ms = o.poll_ms ? o.poll_ms : carrier ? 60000 : 20; /* told, it need not look */
    o.carrier = carrier ? redis_url : NULL;
    o.lease_ms = o.lease_ms ? o.lease_ms : 4000;
    o.sweep_ms = o.sweep_ms ? o.sweep_ms : 200;
    o.memory_bytes = 256 << 20;
    assert_ok(queue_worker_start(&o, &worker_app, &w, &e), &e);
    return w;
}

static int64_t push(struct store *s, enum queue_kind kind, const char *payload, int64_t parent)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t id = 0;
    char uuid[STORE_UUID_SIZE];
    store_uuid_new(uuid);
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    assert_ok(queue_push(tx, store_now(),
                         &(struct queue_new){.kind = kind,
                                             .uuid = uuid,
                                             .payload = payload,
                                             .user_id = SYSTEM_USER,
                                             .parent_id = parent,
                                             .priority = QUEUE_ANY_PRIORITY},
                         &id, &e),
              &e);
    assert_ok(store_commit(&tx, &e), &e);
    if (carrier) { /* may be away */
        (void)queue_carrier_publish(carrier, queue_kind_info(kind)->queue, uuid, NULL, NULL);
    }
    return id;
}

static void push_many(struct store *s, enum queue_kind kind, int n, const char *word)
{
    for (int i = 0; i < n; i++) {
        char payload[64];
        (void)snprintf(payload, sizeof(payload), "{\"n\":%d,\"do\":\"%s\"}", i, word);
        (void)push(s, kind, payload, 0);
    }
}

static int64_t count(struct store *s, const char *status)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t n = 0;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &q[1], STORE_ARGS(store_t(status)), &n, &e), &e);
    store_rollback(tx);
    return n;
}

static void nap(void)
{
    (void)poll(NULL, 0, 5);
}

/* Until so many jobs have that status. */
static void await_count(struct store *s, const char *status, int64_t n)
{
    dm_usec begin = dm_now();
    while (count(s, status) != n) {
        if (dm_ms_since(begin) > PATIENCE_MS) {
            fail_msg("%d jobs are %s, not %d", (int)count(s, status), status, (int)n);
        }
        nap();
    }
}

static void assert_job(struct store *s, int64_t id, const char *status, int attempts,
                       const char *code, const char *word)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = NULL;
    const struct store_value *row;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_one(tx, &q[0], STORE_ARGS(store_i(id)), &a, &row, &e), &e);
    assert_string_equal(row[0].t, status);
    assert_int_equal(row[1].i, attempts);
    assert_string_equal(row[2].null ? "" : row[2].t, code);
    if (!strstr(row[3].null ? "" : row[3].t, word)) {
        fail_msg("the reason is %s", row[3].null ? "none" : row[3].t);
    }
    store_rollback(tx);
    dm_arena_clear(&a);
}

static struct queue_worker_state state_of(const struct queue_worker *w)
{
    struct queue_worker_state st;
    queue_worker_state(w, &st);
    return st;
}

/* Retries wait for seconds; a test does not. */
static void hurry(struct store *s)
{
    static const struct store_query now = {
        "test.hurry", "UPDATE jobs SET run_after = created_at WHERE status = 'pending'", "", ""};
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_exec(tx, &now, STORE_NO_ARGS, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
}

static void await_hurried(struct queue_worker *w, struct store *s, const char *status, int64_t n)
{
    dm_usec begin = dm_now();
    while (count(s, status) != n) {
        hurry(s);
        queue_worker_poke(w);
        if (dm_ms_since(begin) > PATIENCE_MS) {
            fail_msg("%d jobs are %s, not %d", (int)count(s, status), status, (int)n);
        }
        nap();
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void both_pools_work(void **state)
{
    struct db *db = *state;
    setup_app(db);
    push_many(db->store, QUEUE_PROCESS_PHOTO, 30, "");
    push_many(db->store, QUEUE_BLOB_PUT, 40, "together");
    struct queue_worker *w =
        start((struct queue_worker_options){.cpu = 2, .io = 20, .max_jobs = 7});
    await_count(db->store, "completed", 70);
    assert_true(app.board->most >= 15); /* the fibers run side by side */
    assert_int_equal(app.board->runs, 70);
    assert_int_equal(app.board->prepared, 1);
    assert_true(state_of(w).recycled >= 3); /* 30 jobs, children of 7 */
    for (dm_usec begin = dm_now(); state_of(w).done < 70 && dm_ms_since(begin) < PATIENCE_MS;) {
        nap();
    }
    assert_int_equal(state_of(w).done, 70);
    assert_int_equal(state_of(w).crashes, 0);
    queue_worker_stop(w, false);
}

/* Each way to go wrong costs the job that does it three attempts, and the others nothing. */
static void what_goes_wrong_is_recorded(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    int64_t crash = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":1,\"do\":\"crash\"}", 0);
    int64_t memory = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":2,\"do\":\"memory\"}", 0);
    int64_t content = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":3,\"do\":\"content\"}", 0);
    int64_t passing = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":4,\"do\":\"passing\"}", 0);
    int64_t hang = push(s, QUEUE_RE_ESTIMATE, "{\"n\":5,\"do\":\"hang\"}", 0);
    int64_t io = push(s, QUEUE_BLOB_PUT, "{\"n\":6,\"do\":\"crash\"}", 0);
    int64_t excused = push(s, QUEUE_BLOB_PUT, "{\"n\":7,\"do\":\"excused\"}", 0);
    for (int i = 0; i < 50; i++) {
        (void)push(s, i % 2 ? QUEUE_PROCESS_PHOTO : QUEUE_BLOB_PUT, "{\"n\":9}", 0);
    }
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 2, .io = 8});
    await_hurried(w, s, "failed", 5);
    await_hurried(w, s, "completed", 52);
    assert_job(s, crash, "failed", 3, "worker_crash", "SIGABRT");
    assert_job(s, memory, "failed", 3, "out_of_memory", "no memory");
    assert_job(s, content, "failed", 1, "BAD_PHOTO", "half a picture");
    assert_job(s, passing, "completed", 2, "", "");
    assert_job(s, excused, "completed", 1, "", "");
    assert_job(s, hang, "failed", 3, "worker_hang", "SIGKILL");
    assert_job(s, io, "failed", 3, "worker_crash", "SIGABRT");
    assert_int_equal(app.board->entered[1], 3);
    static const struct store_query unharmed = {
        "test.unharmed", "SELECT count(*) FROM jobs WHERE status = 'completed' AND attempts = 1",
        "", "i"};
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t n = 0;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &unharmed, STORE_NO_ARGS, &n, &e), &e);
    store_rollback(tx);
    assert_int_equal(n, 51); /* nobody else paid */
    assert_int_equal(state_of(w).crashes, 6);
    queue_worker_stop(w, false);
}

static void a_cancelled_job_stops(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    struct dm_err e = {0};
    struct queue_name name;
    int64_t id = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":1,\"do\":\"long\"}", 0);
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 1, .lease_ms = 400});
    await_count(s, "processing", 1);
    assert_int_equal(queue_find(s, id, &name, &e), 1);
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    assert_int_equal(queue_cancel(tx, store_now(), name.uuid, &e), 1);
    assert_ok(store_commit(&tx, &e), &e);
    push_many(s, QUEUE_PROCESS_PHOTO, 1, "");
    await_count(s, "completed", 1); /* the place is free again */
    assert_job(s, id, "cancelled", 1, "", "");
    queue_worker_stop(w, false);
}

/* Until the long job says how far it is. */
static void await_progress(struct store *s)
{
    struct dm_err e = {0};
    static const struct store_query at = {"test.at",
                                          "SELECT count(*) FROM jobs WHERE progress_percent = 30"
                                          " AND phase = 'detecting'",
                                          "", "i"};
    int64_t n = 0;
    for (dm_usec begin = dm_now(); !n && dm_ms_since(begin) < PATIENCE_MS; nap()) {
        struct store_tx *tx = NULL;
        assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
        assert_ok(store_int(tx, &at, STORE_NO_ARGS, &n, &e), &e);
        store_rollback(tx);
    }
    assert_int_equal(n, 1);
}

static void progress_is_written(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    (void)push(s, QUEUE_PROCESS_PHOTO, "{\"n\":1,\"do\":\"long\"}", 0);
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 1, .lease_ms = 400});
    await_progress(s);
    queue_worker_stop(w, true); /* hands it back */
    assert_int_equal(count(s, "pending"), 1);
}

static void draining_lets_jobs_end_and_hands_back_the_rest(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    push_many(s, QUEUE_PROCESS_PHOTO, 8, "slow");
    int64_t endless = push(s, QUEUE_BLOB_PUT, "{\"n\":20,\"do\":\"long\"}", 0);
    struct queue_worker *w =
        start((struct queue_worker_options){.cpu = 2, .io = 2, .drain_ms = 300});
    await_progress(s);
    while (app.board->runs < 4) {
        nap();
    }
    queue_worker_stop(w, false);
    assert_job(s, endless, "pending", 0, "worker_drain", "");
    assert_int_equal(count(s, "processing"), 0);
    assert_int_equal(count(s, "failed"), 0);
    assert_int_equal(count(s, "completed"), app.board->runs - 1);
}

static void a_batch_ends_with_its_summary(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    int64_t parent = push(s, QUEUE_PHOTO_BATCH, "{\"n\":99}", 0);
    for (int i = 0; i < 6; i++) {
        (void)push(s, QUEUE_PROCESS_PHOTO, i == 3 ? "{\"do\":\"content\"}" : "{\"n\":1}", parent);
    }
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 2});
    await_count(s, "completed", 6);
    assert_job(s, parent, "completed", 1, "", "");
    assert_int_equal(app.board->runs, 7);
    queue_worker_stop(w, false);
}

/* Kill -9 of a process of the worker by name, among the keeper's children. */
static pid_t child_named(pid_t keeper, const char *name)
{
    char path[80];
    char text[4096] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    for (char *end, *at = text; *at; at = end) {
        char comm[32] = "";
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at) {
            break;
        }
        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        f = fopen(path, "re");
        n = f ? fread(comm, 1, sizeof(comm) - 1, f) : 0;
        if (f) {
            (void)fclose(f);
        }
        if (n && !strncmp(comm, name, strlen(name))) {
            return pid;
        }
    }
    return 0;
}

static void a_killed_clerk_costs_nothing(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    push_many(s, QUEUE_PROCESS_PHOTO, 60, "slow");
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 4});
    for (int kills = 0; count(s, "completed") < 60;) {
        pid_t clerk = child_named(queue_worker_pid(w), "demeter-clerk");
        if (clerk && kills < 8 && app.board->runs > kills * 5) {
            (void)kill(clerk, SIGKILL);
            kills++;
        }
        nap();
    }
    static const struct store_query once = {
        "test.once", "SELECT count(*) FROM jobs WHERE attempts <> 1", "", "i"};
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t n = -1;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &once, STORE_NO_ARGS, &n, &e), &e);
    store_rollback(tx);
    assert_int_equal(n, 0);
    queue_worker_stop(w, false);
}

static void a_killed_keeper_leaves_nobody_behind(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct store *s = db->store;
    int64_t id = push(s, QUEUE_PROCESS_PHOTO, "{\"n\":1,\"do\":\"long\"}", 0);
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 1, .lease_ms = 300});
    await_count(s, "processing", 1);
    pid_t keeper = queue_worker_pid(w);
    pid_t child = child_named(keeper, "demeter-cpu");
    assert_true(child > 0);
    assert_int_equal(kill(keeper, SIGKILL), 0);
    queue_worker_stop(w, true);
    for (dm_usec begin = dm_now(); kill(child, 0) == 0 && dm_ms_since(begin) < PATIENCE_MS;) {
        char path[40];
        char line[64] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
        FILE *f = fopen(path, "re"); /* a zombie that nobody reaps here is dead too */
        char *got = f ? fgets(line, sizeof(line), f) : NULL;
        if (f) {
            (void)fclose(f);
        }
        if (!got || strstr(line, ") Z")) {
            break;
        }
        nap();
    }
    struct queue_swept swept;
    struct dm_err e = {0};
    assert_ok(queue_sweep(s, store_now() + 300, &swept, &e), &e);
    assert_int_equal(swept.again, 1);
    assert_job(s, id, "pending", 1, "lease_expired", "");
}

/* However often: an outage costs no job an attempt, neither what was at work nor what was leased.
 */
static void an_outage_costs_no_attempt(void **state)
{
    struct db *db = *state;
    setup_app(db);
    int64_t cpu = push(db->store, QUEUE_PROCESS_PHOTO, "{\"n\":101,\"do\":\"outage\"}", 0);
    int64_t io = push(db->store, QUEUE_BLOB_PUT, "{\"n\":102,\"do\":\"outage\"}", 0);
    push_many(db->store, QUEUE_PROCESS_PHOTO, 40, "slow");
    struct queue_worker *w =
        start((struct queue_worker_options){.cpu = 2, .io = 2, .lease_ms = 400});
    for (int i = 1; i <= OUTAGES; i++) {
        for (dm_usec begin = dm_now(); app.board->entered[101] < i || app.board->entered[102] < i;
             nap()) {
            assert_true(dm_ms_since(begin) < PATIENCE_MS);
        }
        db_server_kill();
        db_server_start();
    }
    await_count(db->store, "completed", 42);
    assert_job(db->store, cpu, "completed", 1, "", "");
    assert_job(db->store, io, "completed", 1, "", "");
    assert_int_equal(app.board->entered[101], OUTAGES + 1);
    queue_worker_stop(w, false);
}

/* A take whose commit was done and whose answer was lost: the row says that a place has the job,
 * the place does not know of it. */
static void what_an_outage_made_forgotten_comes_back(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct queue_job j;
    setup_app(db);
    int64_t id = push(db->store, QUEUE_CALIBRATE, "{}", 0); /* which this worker never takes */
    struct queue_worker *w = start((struct queue_worker_options){
        .cpu = 1, .name = "forgets", .lease_ms = 60000, .sweep_ms = 60000});
    push_many(db->store, QUEUE_PROCESS_PHOTO, 1, "");
    await_count(db->store, "completed", 1); /* what it found at its start is done */
    assert_int_equal(queue_take_of(db->store, store_now(), UINT32_C(1) << QUEUE_CALIBRATE,
                                   "forgets/0", 60000, &a, &j, &e),
                     1);
    dm_arena_clear(&a);
    assert_job(db->store, id, "processing", 1, "", "");
    db_server_kill();
    db_server_start();
    await_count(db->store, "pending", 1);
    assert_job(db->store, id, "pending", 0, "", "");
    queue_worker_stop(w, false);
}

/* ---- told by Redis --------------------------------------------------------------------------- */

static void told(void **state, void (*test)(void **state))
{
    struct dm_err e = {0};
    redis_server_start();
    (void)redis_server_do((const char *[]){"FLUSHALL", NULL});
    redis_server_url(redis_url, sizeof(redis_url));
    assert_ok(queue_carrier_open(redis_url, NULL, &carrier, &e), &e);
    test(state);
    queue_carrier_close(carrier);
    carrier = NULL;
}

static void told_both_pools_work(void **state)
{
    told(state, both_pools_work);
}

static void told_what_goes_wrong_is_recorded(void **state)
{
    told(state, what_goes_wrong_is_recorded);
}

static void told_a_batch_ends_with_its_summary(void **state)
{
    told(state, a_batch_ends_with_its_summary);
}

static void told_a_killed_clerk_costs_nothing(void **state)
{
    told(state, a_killed_clerk_costs_nothing);
}

static void told_draining_hands_back(void **state)
{
    told(state, draining_lets_jobs_end_and_hands_back_the_rest);
}

/* Each entry is acknowledged in the end, also one for a job that somebody else has done. */
static void await_empty_stream(const char *name)
{
    dm_usec begin = dm_now();
    long long left = 0;
    while ((left = redis_server_do((const char *[]){"XLEN", name, NULL})) > 0) {
        if (dm_ms_since(begin) > PATIENCE_MS) {
            fail_msg("%lld entries are left in %s", left, name);
        }
        nap();
    }
}

/* An idle worker that would look once a minute begins at once, and the streams end empty. */
static void news_arrive(void **state)
{
    struct db *db = *state;
    setup_app(db);
    struct queue_worker *w = start((struct queue_worker_options){.cpu = 1, .sweep_ms = 60000});
    await_count(db->store, "completed", 0);
    for (int i = 1; i <= 5; i++) {
        dm_usec begin = dm_now();
        (void)push(db->store, QUEUE_PROCESS_PHOTO, "{}", 0);
        await_count(db->store, "completed", i);
        assert_true(dm_ms_since(begin) < 5000);
    }
    /* whoever does not know the name rings */
    struct queue_carrier *known = carrier;
    carrier = NULL;
    (void)push(db->store, QUEUE_PROCESS_PHOTO, "{}", 0);
    carrier = known;
    queue_carrier_ring(carrier, QUEUE_PROCESS_PHOTO, 2);
    await_count(db->store, "completed", 6);
    await_empty_stream("demeter:q:gpu_queue");
    queue_worker_stop(w, false);
}

static void told_news_arrive(void **state)
{
    told(state, news_arrive);
}

/* Redis forgets everything, again and again, and dies; no job is lost and none runs twice. */
static void redis_may_lose_everything(void **state)
{
    enum { N = 300 };
    struct db *db = *state;
    setup_app(db);
    struct queue_worker *w =
        start((struct queue_worker_options){.cpu = 3, .poll_ms = 200, .sweep_ms = 500});
    for (int i = 0; i < N; i++) {
        char payload[32];
        (void)snprintf(payload, sizeof(payload), "{\"n\":%d}", i);
        (void)push(db->store, QUEUE_PROCESS_PHOTO, payload, 0);
        if (i % 50 == 20) {
            (void)redis_server_do((const char *[]){"FLUSHALL", NULL});
        } else if (i % 100 == 30) {
            redis_server_kill();
        } else if (i % 100 == 60) {
            redis_server_start();
        }
    }
    redis_server_start();
    await_count(db->store, "completed", N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(app.board->entered[i], 1);
    }
    queue_worker_stop(w, false);
}

static void told_redis_may_lose_everything(void **state)
{
    told(state, redis_may_lose_everything);
}

/* What was published and never taken is found missing and published again; what is final goes. */
static void the_sweeper_mends_the_streams(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int64_t missing = -1;
    static const char *const xlen[] = {"XLEN", "demeter:q:gpu_queue", NULL};
    static const struct store_query done = {
        "test.done", "UPDATE jobs SET status = 'cancelled' WHERE id = (SELECT MIN(id) FROM jobs)",
        "", ""};
    setup_app(db);
    push_many(db->store, QUEUE_PROCESS_PHOTO, 5, "");
    assert_int_equal(redis_server_do(xlen), 5);
    int64_t later = store_now() + 20000;
    assert_ok(queue_carrier_sweep(carrier, db->store, later, &missing, &e), &e);
    assert_int_equal(missing, 0);
    (void)redis_server_do((const char *[]){"FLUSHALL", NULL});
    assert_ok(queue_carrier_sweep(carrier, db->store, store_now(), &missing, &e), &e);
    assert_int_equal(missing, 0); /* too fresh */
    assert_ok(queue_carrier_sweep(carrier, db->store, later, &missing, &e), &e);
    assert_int_equal(missing, 5);
    assert_int_equal(redis_server_do(xlen), 5);
    struct store_tx *tx = NULL;
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_exec(tx, &done, STORE_NO_ARGS, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
    assert_ok(queue_carrier_sweep(carrier, db->store, later, &missing, &e), &e);
    assert_int_equal(missing, 0);
    assert_int_equal(redis_server_do(xlen), 4);

    /* an entry that a consumer took and left comes to another one */
    static const char *const queues[] = {"gpu_queue"};
    char entry[QUEUE_ENTRY_SIZE];
    struct queue_carrier *other = NULL;
    assert_ok(queue_carrier_open(redis_url, NULL, &other, &e), &e);
    assert_ok(queue_carrier_listen(other, queues, 1, "dies", &e), &e);
    int got = 0;
    for (dm_usec begin = dm_now(); !got && dm_ms_since(begin) < PATIENCE_MS; nap()) {
        got = queue_carrier_next(other, entry, &e);
        assert_ok(got, &e);
    }
    assert_int_equal(got, 1);
    queue_carrier_close(other);
    assert_ok(queue_carrier_listen(carrier, queues, 1, "lives", &e), &e);
    assert_ok(queue_carrier_claim(carrier, 0, &e), &e);
    assert_int_equal(queue_carrier_next(carrier, entry, &e), 1);
    assert_ok(queue_carrier_ack(carrier, entry, &e), &e);
    assert_int_equal(redis_server_do(xlen), 3);
}

static void told_the_sweeper_mends_the_streams(void **state)
{
    told(state, the_sweeper_mends_the_streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(both_pools_work),
        DB_TEST(what_goes_wrong_is_recorded),
        DB_TEST(a_cancelled_job_stops),
        DB_TEST(progress_is_written),
        DB_TEST(draining_lets_jobs_end_and_hands_back_the_rest),
        DB_TEST(a_batch_ends_with_its_summary),
        DB_TEST(a_killed_clerk_costs_nothing),
        DB_TEST(a_killed_keeper_leaves_nobody_behind),
        DB_TEST_ON_(an_outage_costs_no_attempt, db_postgresql, "[postgresql]"),
        DB_TEST_ON_(what_an_outage_made_forgotten_comes_back, db_postgresql, "[postgresql]"),
        DB_TEST(told_both_pools_work),
        DB_TEST_ON_(told_what_goes_wrong_is_recorded, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(told_draining_hands_back, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(told_a_batch_ends_with_its_summary, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(told_a_killed_clerk_costs_nothing, db_sqlite, "[sqlite]"),
        DB_TEST_ON_(told_news_arrive, db_sqlite, "[sqlite]"),
        DB_TEST(told_redis_may_lose_everything),
        DB_TEST_ON_(told_the_sweeper_mends_the_streams, db_sqlite, "[sqlite]"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

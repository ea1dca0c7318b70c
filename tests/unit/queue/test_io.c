/* SPDX-License-Identifier: Apache-2.0
 *
 * The io child against a real S3 server that answers 200 ms late: how many transfers are in flight,
 * how long it takes, how much memory it needs. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "blob/blob.h"
#include "queue/worker.h"
#include "support/db.h"
#include "support/port.h"
#include "support/s3_server.h"

enum { SYSTEM_USER = 1, IN_FLIGHT = 50, JOBS = 120, LATENCY_MS = 200, PHOTO_BYTES = 300000 };

struct board {
    _Atomic int now, most, done;
    _Atomic long long waited_us, begun_us, ended_us, kib;
};

static struct {
    struct board *board;
    const char *url;
    char endpoint[64];
    struct blob *bucket;
    int fd;
    char sha256[DM_SHA256_HEX_SIZE];
} app;

static int open_store(void *ctx, struct store **ret, struct dm_err *e)
{
    (void)ctx;
    return store_open(app.url, &(struct store_options){.pool_size = 2}, ret, e);
}

static int begin_child(void *ctx, enum queue_pool pool, struct store *s, struct dm_err *e)
{
    (void)ctx;
    (void)pool;
    (void)s;
    return blob_open("s3:photos",
                     &(struct blob_options){.access_key = S3_SERVER_ACCESS,
                                            .secret_key = S3_SERVER_SECRET,
                                            .endpoint = app.endpoint,
                                            .path_style = true,
                                            .perform = queue_perform,
                                            .pause = queue_pause},
                     &app.bucket, e);
}

static void end_child(void *ctx)
{
    (void)ctx;
    blob_close(app.bucket);
}

/* Memory of this process alone and its part of what it shares, KiB. */
static long own_kib(void)
{
    char line[128];
    long sum = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "Pss:", 4)) {
            sum = strtol(line + 4, NULL, 10);
        }
    }
    if (f) {
        (void)fclose(f);
    }
    return sum;
}

static int put(struct queue_run *r, const struct queue_job *j, struct dm_err *e)
{
    struct board *b = app.board;
    long long begin = dm_now();
    long long none = 0;
    (void)r;
    (void)atomic_compare_exchange_strong(&b->begun_us, &none, begin);
    int now = ++b->now;
    for (int most = b->most; now > most && !atomic_compare_exchange_strong(&b->most, &most, now);) {
    }
    int code = blob_put_file(app.bucket, j->uuid, "image/jpeg", app.fd, app.sha256, NULL, e);
    b->now--;
    b->waited_us += dm_now() - begin;
    b->ended_us = dm_now();
    if (code >= 0 && ++b->done == JOBS / 2) {
        b->kib = own_kib();
    }
    return code;
}

static const struct queue_handler handlers[] = {{QUEUE_BLOB_PUT, QUEUE_POOL_IO, put}};
static const struct queue_app worker_app = {
    .handlers = handlers, .n = 1, .open = open_store, .begin = begin_child, .end = end_child};

/* ---- the slow way to the server -------------------------------------------------------------- */

static pid_t start_proxy(int port)
{
    int in[2];
    int out[2];
    char own[12];
    char target[12];
    char latency[12];
    char word[8] = "";
    pid_t parent = getpid();
    (void)snprintf(own, sizeof(own), "%d", port);
    (void)snprintf(target, sizeof(target), "%d", s3_server_port());
    (void)snprintf(latency, sizeof(latency), "%d", LATENCY_MS);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)close(in[1]);
        (void)unsetenv("LD_PRELOAD");
        if (getppid() == parent) {
            (void)execl("/usr/bin/python3", "python3", FAULT_PROXY_SCRIPT, own, target, latency,
                        (char *)NULL);
        }
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    struct pollfd p = {.fd = out[0], .events = POLLIN};
    for (size_t n = 0; n < 6 && poll(&p, 1, 20000) == 1 && read(out[0], word + n, 1) == 1;) {
        n++;
    }
    assert_string_equal(word, "ready\n");
    return pid;
}

static void push_all(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    for (int i = 0; i < JOBS; i++) {
        const struct queue_new n = {
            .kind = QUEUE_BLOB_PUT, .user_id = SYSTEM_USER, .priority = QUEUE_ANY_PRIORITY};
        assert_ok(queue_push(tx, store_now(), &n, NULL, &e), &e);
    }
    assert_ok(store_commit(&tx, &e), &e);
}

static void make_photo(void)
{
    static char bytes[PHOTO_BYTES];
    FILE *f = tmpfile();
    assert_non_null(f);
    app.fd = fileno(f); /* open as long as the program */
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 2654435761u >> 13);
    }
    dm_sha256_hex(bytes, sizeof(bytes), app.sha256);
    assert_int_equal(write(app.fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static int count_key(void *ctx, const char *key, const struct blob_info *info, struct dm_err *e)
{
    (void)key;
    (void)e;
    *(int *)ctx += info->size_bytes == PHOTO_BYTES;
    return DM_OK;
}

static void fifty_transfers_are_in_flight(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct queue_worker *w = NULL;
    int stored = 0;
    app.url = db->url;
    app.board =
        mmap(NULL, sizeof(*app.board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(app.board != MAP_FAILED);
    make_photo();
    s3_server_start();
    s3_server_bucket("photos");
    int port = test_free_port();
    pid_t proxy = start_proxy(port);
    (void)snprintf(app.endpoint, sizeof(app.endpoint), "http://127.0.0.1:%d", port);
    push_all(db->store);
    const struct queue_worker_options o = {.io = IN_FLIGHT, .poll_ms = 20};
    assert_ok(queue_worker_start(&o, &worker_app, &w, &e), &e);
    for (dm_usec begin = dm_now(); app.board->done < JOBS;) {
        assert_true(dm_ms_since(begin) < 60000);
        (void)poll(NULL, 0, 5);
    }
    queue_worker_stop(w, false);
    double s = (double)(app.board->ended_us - app.board->begun_us) / 1e6;
    double mean = (double)app.board->waited_us / 1e6 / s;
    print_message("%d transfers of %d KB in %.2f s: in flight at most %d, in the mean %.1f; "
                  "memory %.1f MB\n",
                  JOBS, PHOTO_BYTES / 1000, s, app.board->most, mean,
                  (double)app.board->kib / 1024);
    assert_int_equal(app.board->most, IN_FLIGHT);
    assert_true(mean > 0.5 * IN_FLIGHT);             /* begin and end included */
    assert_true(s < JOBS * LATENCY_MS / 1000.0 / 2); /* one after the other it were 24 s and more */
    if (MEASURE_MEMORY) {
        assert_true(app.board->kib > 0 && app.board->kib < 30 << 10);
    }
    assert_ok(begin_child(NULL, QUEUE_POOL_IO, NULL, &e), &e);
    assert_ok(blob_list(app.bucket, "", count_key, &stored, &e), &e);
    assert_int_equal(stored, JOBS);
    blob_close(app.bucket);
    (void)kill(proxy, SIGKILL);
    (void)waitpid(proxy, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST_ON_(fifty_transfers_are_in_flight, db_sqlite, "[sqlite]")};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * kill -9 in the middle of the work: a child logs movements and posts counts, or imports
 * catalogues, and says after each that it is stored; it is killed at a random moment (on PostgreSQL
 * sometimes the whole server with it). Then all invariants hold, everything it said is there, and
 * of what it had not said yet at most one, whole. LEDGER_KILLS sets how often (tests/soak/ledger:
 * 200). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inventory/import.h"
#include "inventory/verify.h"
#include "support/ledger_rig.h"

enum deed { PLANT, COUNT, IMPORT };

struct run {
    long long first; /* number of its first deed; numbers never come again */
    int64_t claro[4], product, worker, supervisor, image_at;
    int64_t imports; /* 1: every deed is an import */
};

/* What the child does for its n-th deed. */
static enum deed deed_of(const struct run *r, long long n)
{
    return r->imports ? IMPORT : n % 2 ? COUNT : PLANT;
}

static void uuid_of(long long n, int kind, char uuid[static LEDGER_UUID_SIZE])
{
    (void)snprintf(uuid, LEDGER_UUID_SIZE, "00000000-0000-4000-9%03d-%012llx", kind, n);
}

/* ---- the child ---- */

static int plant(const struct inv_ctx *c, const struct run *r, long long n, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char uuid[LEDGER_UUID_SIZE];
    uuid_of(n, 1, uuid);
    const struct ledger_move m = {.uuid = uuid,
                                  .type = LEDGER_PLANTAR,
                                  .quantity = 60,
                                  .location_id = r->claro[n % 4],
                                  .product_id = r->product};
    struct ledger_result got;
    return ledger_move(c, &m, &a, &got, e);
}

static int add_image(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const struct store_query add = {
        "kill.image",
        "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px, sha256,"
        " captured_at, captured_at_source, uploaded_by_user_id) VALUES (?1, 'image/jpeg', 1000,"
        " 4000, 3000, ?2, ?3, 'exif', ?4) RETURNING id",
        "utTi", "i", false};
    int64_t **in = ctx; /* number, time, user, and where the id goes */
    char uuid[LEDGER_UUID_SIZE];
    char sha[65];
    uuid_of(*in[0], 2, uuid);
    (void)snprintf(sha, sizeof sha, "%064llx", (unsigned long long)*in[0]);
    return store_int(tx, &add,
                     STORE_ARGS(store_u(uuid), store_t(sha), store_at(*in[1]), store_i(*in[2])),
                     in[3], e);
}

static int count(const struct inv_ctx *c, const struct run *r, long long n, struct dm_err *e)
{
    int64_t number = n;
    int64_t at = c->now_ms;
    int64_t user = r->worker;
    int64_t image = 0;
    int64_t *in[] = {&number, &at, &user, &image};
    DM_TRY(store_run(c->store, STORE_WRITE, add_image, in, e));
    char uuid[LEDGER_UUID_SIZE];
    uuid_of(n, 3, uuid);
    const struct session_new s = {.uuid = uuid,
                                  .image_id = image,
                                  .location_id = r->claro[n % 4],
                                  .source = SESSION_EXPLICIT};
    int64_t id;
    DM_TRY(session_create(c, &s, &id, e));
    DM_TRY(session_start(c, id, e));
    struct session_detection d[55];
    for (size_t i = 0; i < DM_COUNT(d); i++) {
        d[i] = (struct session_detection){5, 5, 9, 9, 0.9, false, false, 0};
    }
    const struct session_segment g = {.category = LEDGER_SEGMENT,
                                      .ordinal = 1,
                                      .polygon = "[]",
                                      .x2 = 9,
                                      .y2 = 9,
                                      .confidence = 0.9,
                                      .detection = d,
                                      .n_detection = DM_COUNT(d)};
    const struct session_results results = {.segment = &g, .n_segment = 1};
    DM_TRY(session_save(c, id, &results, e));
    struct session_outcome out;
    return session_post(c, id, false, &out, e);
}

static int import(const struct inv_ctx *c, long long n, struct dm_err *e)
{
    char text[2000];
    size_t used = (size_t)snprintf(text, sizeof text, "category,family,common_name,sku\n");
    for (int i = 0; i < 10; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "CACTUS,Kill%lld,Kill %lld plant %d,K%07lld-%d\n", n, n, i, n, i);
    }
    const struct import_options o = {.kind = IMPORT_PRODUCTS, .file_name = "kill.csv"};
    struct import_result got = {0};
    int r = import_run(c, &o, text, used, &got, e);
    bool all = got.created == 10;
    json_decref(got.report);
    if (r >= 0 && !all) {
        DM_FAIL(e, DM_EINTERNAL, "the import made %lld rows", (long long)got.created);
    }
    return r;
}

/* Deed after deed, one line each on standard output once it is stored. Ends by being killed. */
static int child(const char *url, const struct run *r)
{
    struct dm_err e = {0};
    struct store *s;
    inv_setup();
    struct inv_settings settings = inv_settings_default();
    if (store_open(url, NULL, &s, &e) < 0) {
        return 3;
    }
    for (long long n = r->first;; n++) {
        struct inv_ctx c = {.store = s,
                            .user_id = r->supervisor,
                            .role = INV_ADMIN,
                            .settings = &settings,
                            .now_ms = r->image_at + (n - r->first + 1) * RIG_HOUR};
        enum deed deed = deed_of(r, n);
        int done = deed == PLANT   ? plant(&c, r, n, &e)
                   : deed == COUNT ? count(&c, r, n, &e)
                                   : import(&c, n, &e);
        if (done < 0) {
            (void)dprintf(2, "deed %lld: %s\n", n, dm_err_text(&e));
            store_close(s);
            return 4; /* the server died under it */
        }
        (void)dprintf(1, "%lld\n", n);
    }
}

/* ---- the parent ---- */

static pid_t start(const struct db *db, const struct run *r, int *ret_fd)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    char arg[300];
    (void)snprintf(arg, sizeof arg, "%lld %lld %lld %lld %lld %lld %lld %lld %lld %lld", r->first,
                   (long long)r->claro[0], (long long)r->claro[1], (long long)r->claro[2],
                   (long long)r->claro[3], (long long)r->product, (long long)r->worker,
                   (long long)r->supervisor, (long long)r->image_at, (long long)r->imports);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(fd[1], 1);
        (void)close(fd[0]);
        (void)close(fd[1]);
        (void)execl("/proc/self/exe", "test_ledger_kill", "child", db->url, arg, (char *)NULL);
        _exit(9);
    }
    (void)close(fd[1]);
    *ret_fd = fd[0];
    return pid;
}

/* Let the child say something first, so that it is at work, then kill it after delay_us. Returns
 * the last deed that it said, or first - 1. */
static long long kill_later(struct db *db, pid_t pid, int fd, long long first, int64_t delay_us,
                            bool server)
{
    static char said[1 << 16];
    size_t n = 0;
    struct timespec end;
    bool going = false;
    bool killed = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    for (;;) {
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left_us = going ? (end.tv_sec - now.tv_sec) * 1000000 +
                                      (end.tv_nsec - now.tv_nsec) / 1000 + delay_us
                                : 30000000;
        if (left_us <= 0 && !killed) {
            killed = true;
            if (server) {
                db_server_kill();
            }
            assert_int_equal(kill(pid, SIGKILL), 0);
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        const struct timespec wait = {killed ? 30 : left_us / 1000000,
                                      killed ? 0 : left_us % 1000000 * 1000};
        int ready = ppoll(&p, 1, &wait, NULL);
        assert_true(ready >= 0);
        if (ready == 0) {
            assert_true(going && !killed); /* it never began, or its end of the pipe stays open */
            continue;
        }
        ssize_t got = read(fd, said + n, sizeof said - 1 - n);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        n += (size_t)got;
        if (!going) {
            going = true;
            (void)clock_gettime(CLOCK_MONOTONIC, &end);
        }
    }
    (void)close(fd);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (server) {
        db_server_start();
    }
    (void)db;
    said[n] = '\0';
    long long last = first - 1;
    char *line = said;
    for (char *stop; (stop = strchr(line, '\n')) != NULL; line = stop + 1) {
        last = strtoll(line, NULL, 10);
    }
    return last;
}

/* 1 when the deed is there, whole; 0 when it is not. */
static int64_t is_there(struct rig *r, const struct run *run, long long n)
{
    char sql[500];
    char uuid[LEDGER_UUID_SIZE];
    if (deed_of(run, n) == IMPORT) {
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) FROM products p JOIN product_families f ON"
                       " f.id = p.product_family_id WHERE f.name = 'Kill%lld'",
                       n);
        int64_t rows = nursery_number(&r->n, sql);
        assert_true(rows == 0 || rows == 10);
        return rows == 10;
    }
    uuid_of(n, n % 2 ? 3 : 1, uuid);
    (void)snprintf(sql, sizeof sql,
                   n % 2 ? "SELECT count(*) FROM photo_processing_sessions WHERE uuid = '%s' AND"
                           " posting_status IN ('posted', 'void', 'held')"
                         : "SELECT count(*) FROM stock_movements WHERE uuid = '%s'",
                   uuid);
    return nursery_number(&r->n, sql);
}

static void check_books(struct rig *r)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct verify_report report;
    assert_ok(store_begin(r->n.db->store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &report, &e), &e);
    if (report.total) {
        fail_msg("invariant %d, %s, %s %lld: %s", report.list[0].invariant, report.list[0].check,
                 report.list[0].entity, (long long)report.list[0].id, report.list[0].detail);
    }
}

static void killed(struct db *db, bool imports)
{
    struct rig r;
    rig_init(&r, db);
    struct test_rng rng = {UINT64_C(88172645463325252)};
    const char *text = getenv("LEDGER_KILLS");
    long kills = text ? strtol(text, NULL, 10) : 6;
    bool postgresql = !strcmp(db->engine, "postgresql");
    struct run run = {.first = 8,
                      .product = r.product[0],
                      .worker = r.n.worker.user_id,
                      .supervisor = r.n.supervisor.user_id,
                      .image_at = NURSERY_NOW,
                      .imports = imports};
    memcpy(run.claro, r.claro, sizeof run.claro);
    long said = 0;
    for (long k = 0; k < kills; k++) {
        int fd;
        pid_t pid = start(db, &run, &fd);
        int64_t delay_us = test_rng_below(&rng, 100000);
        long long last = kill_later(db, pid, fd, run.first, delay_us, postgresql && k % 4 == 3);
        for (long long n = run.first; n <= last; n++) {
            if (!is_there(&r, &run, n)) {
                fail_msg("kill %ld: deed %lld was said to be stored and is gone", k, n);
            }
        }
        said += (long)(last - run.first + 1);
        (void)is_there(&r, &run, last + 1); /* whole or not at all */
        for (long long n = last + 2; n < last + 4; n++) {
            assert_int_equal(is_there(&r, &run, n), 0);
        }
        if (kills <= 20 || k % 10 == 9) {
            check_books(&r);
        }
        run.image_at += (last - run.first + 3) * RIG_HOUR;
        run.first = (last + 2) / 8 * 8 + 8;
    }
    check_books(&r);
    assert_true(said >= kills);
    if (kills > 20) {
        print_message("%s: %ld kills during %s, %ld deeds said, all there\n", db->engine, kills,
                      imports ? "imports" : "posting", said);
    }
    rig_clear(&r);
}

static void killed_posting(void **state)
{
    killed(*state, false);
}

static void killed_import(void **state)
{
    killed(*state, true);
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "child")) {
        struct run r = {0};
        int64_t *const to[] = {&r.claro[0], &r.claro[1],   &r.claro[2], &r.claro[3], &r.product,
                               &r.worker,   &r.supervisor, &r.image_at, &r.imports};
        char *at = argv[3];
        r.first = strtoll(at, &at, 10);
        for (size_t i = 0; i < DM_COUNT(to); i++) {
            *to[i] = strtoll(at, &at, 10);
        }
        return child(argv[2], &r);
    }
    if (argc > 1) { /* "*import*" */
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {DB_TEST(killed_posting), DB_TEST(killed_import)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and locks: what happens when there are too few, when others hold them, and when the
 * server goes away. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "support/db.h"

enum { READ_COUNT, RAISE, COUNT_TO, LOCKED, SET };
static const struct store_query q[] = {
    [READ_COUNT] = {"test.read_count",
                    "SELECT sort_order FROM product_categories WHERE id = ?1 {for_update}", "i",
                    "i"},
    [RAISE] = {"test.raise", "UPDATE product_categories SET sort_order = ?2 WHERE id = ?1", "ii",
               ""},
    [COUNT_TO] = {"test.count_to",
                  "WITH RECURSIVE c(x) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT x + 1 FROM c "
                  "WHERE x < ?1) SELECT count(*) FROM c",
                  "i", "i"},
    [LOCKED] = {"test.locked",
                "SELECT id FROM product_categories ORDER BY id LIMIT 1 {for_update} {skip_locked}",
                "", "i"},
    [SET] = {"test.set", "UPDATE product_categories SET name = 'x' WHERE id = ?1", "i", ""},
};
STORE_QUERIES(pool_queries, q);

static bool is_sqlite(const struct db *db)
{
    return !strcmp(db->engine, "sqlite");
}

static struct store_tx *begin(struct store *s, enum store_mode mode)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, mode, &tx, &e), &e);
    return tx;
}

static void every_query_runs(void **state)
{
    struct db *db = *state;
    db_check_queries(db->store, &pool_queries);
}

static void the_pool_has_an_end(void **state)
{
    struct db *db = *state;
    struct store *s =
        db_reopen(db, &(struct store_options){.pool_size = 2, .pool_overflow = 1, .wait_ms = 60});
    struct store_tx *tx[3];
    struct store_tx *more = NULL;
    struct dm_err e = {0};
    for (int i = 0; i < 3; i++) {
        tx[i] = begin(s, STORE_READ);
    }
    assert_int_equal(store_pool_state(s).used, 3);
    dm_usec start = dm_now();
    assert_int_equal(store_begin(s, STORE_READ, &more, &e), DM_EBUSY);
    assert_true(dm_ms_since(start) >= 55);
    assert_null(more);
    store_rollback(tx[0]);
    tx[0] = begin(s, STORE_READ);
    for (int i = 0; i < 3; i++) {
        store_rollback(tx[i]);
    }
    struct store_pool_state p = store_pool_state(s);
    assert_int_equal(p.used, 0);
    assert_int_equal(p.open, is_sqlite(db) ? 3 : 2); /* with the writer */
    store_close(s);
}

struct waiter {
    struct store *s;
    atomic_int got;
};
static void *wait_for_one(void *ctx)
{
    struct waiter *w = ctx;
    struct store_tx *tx = NULL;
    atomic_store(&w->got, store_begin(w->s, STORE_READ, &tx, NULL) == DM_OK ? 1 : -1);
    store_rollback(tx);
    return NULL;
}

/* Who waits gets the connection that comes back. */
static void waiters_are_served(void **state)
{
    struct db *db = *state;
    struct store *s = db_reopen(
        db, &(struct store_options){.pool_size = 1, .pool_overflow = -1, .wait_ms = 30000});
    struct waiter w = {.s = s};
    pthread_t thread;
    struct store_tx *tx = begin(s, STORE_READ);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
    assert_int_equal(atomic_load(&w.got), 0);
    store_rollback(tx);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&w.got), 1);
    store_close(s);
}

/* Another process holds what we want to write. */
static void locks_of_others_are_busy(void **state)
{
    struct db *db = *state;
    struct store *other = db_reopen(db, &(struct store_options){.wait_ms = 60});
    struct store_tx *holder = begin(db->store, STORE_WRITE);
    struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_exec(holder, &q[SET], STORE_ARGS(store_i(1)), NULL, &e), &e);
    int code = store_begin(other, STORE_WRITE, &tx, &e);
    if (code >= 0) {
        code = store_exec(tx, &q[SET], STORE_ARGS(store_i(1)), NULL, &e);
    }
    assert_int_equal(code, DM_EBUSY);
    assert_int_equal(dm_code_info(code)->retry, 1);
    store_rollback(tx);
    store_rollback(holder);
    tx = begin(other, STORE_WRITE);
    assert_ok(store_exec(tx, &q[SET], STORE_ARGS(store_i(1)), NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
    store_close(other);
}

static void long_statements_end(void **state)
{
    struct db *db = *state;
    struct store *s = db_reopen(db, &(struct store_options){.statement_ms = 80});
    struct store_tx *tx = begin(s, STORE_READ);
    struct dm_err e = {0};
    int64_t n = 0;
    assert_ok(store_int(tx, &q[COUNT_TO], STORE_ARGS(store_i(10)), &n, &e), &e);
    assert_int_equal(n, 10);
    assert_int_equal(store_int(tx, &q[COUNT_TO], STORE_ARGS(store_i(INT64_C(1000000000))), &n, &e),
                     DM_EBUSY);
    store_rollback(tx);
    tx = begin(s, STORE_READ);
    assert_ok(store_int(tx, &q[COUNT_TO], STORE_ARGS(store_i(10)), &n, &e), &e);
    store_rollback(tx);
    store_close(s);
}

/* ---- concurrent writers ---------------------------------------------------------------------- */

enum { WRITERS = 4, ROUNDS = 50 };

static int add_one(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    (void)ctx;
    int64_t v = 0;
    DM_TRY(store_int(tx, &q[READ_COUNT], STORE_ARGS(store_i(1)), &v, e));
    return store_exec(tx, &q[RAISE], STORE_ARGS(store_i(1), store_i(v + 1)), NULL, e);
}

static void *add_many(void *ctx)
{
    struct waiter *w = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        if (store_run(w->s, STORE_WRITE, add_one, NULL, NULL) < 0) {
            atomic_fetch_add(&w->got, 1);
        }
    }
    return NULL;
}

/* Read, add one, write, by many at once: nothing is lost. */
static void no_update_is_lost(void **state)
{
    struct db *db = *state;
    struct waiter w = {.s = db_reopen(db, &(struct store_options){.wait_ms = 30000})};
    pthread_t thread[WRITERS];
    struct dm_err e = {0};
    int64_t before = 0;
    int64_t after = 0;
    struct store_tx *tx = begin(w.s, STORE_WRITE);
    assert_ok(store_int(tx, &q[READ_COUNT], STORE_ARGS(store_i(1)), &before, &e), &e);
    store_rollback(tx);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, add_many, &w), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&w.got), 0);
    tx = begin(w.s, STORE_WRITE);
    assert_ok(store_int(tx, &q[READ_COUNT], STORE_ARGS(store_i(1)), &after, &e), &e);
    store_rollback(tx);
    assert_int_equal(after - before, WRITERS * ROUNDS);
    store_close(w.s);
}

struct crossing {
    struct store *s;
    pthread_barrier_t *both;
    int64_t first, second;
    int code;
};
static void *cross(void *ctx)
{
    struct crossing *c = ctx;
    struct store_tx *tx = NULL;
    c->code = store_begin(c->s, STORE_WRITE, &tx, NULL);
    if (c->code >= 0) {
        c->code = store_exec(tx, &q[SET], STORE_ARGS(store_i(c->first)), NULL, NULL);
    }
    (void)pthread_barrier_wait(c->both);
    if (c->code >= 0) {
        c->code = store_exec(tx, &q[SET], STORE_ARGS(store_i(c->second)), NULL, NULL);
    }
    c->code = c->code < 0 ? c->code : store_commit(&tx, NULL);
    store_rollback(tx);
    return NULL;
}

/* Two that lock the same rows in opposite order: one of them may try again. (SQLite has one writer:
 * nothing can cross.) */
static void a_deadlock_is_busy(void **state)
{
    struct db *db = *state;
    pthread_barrier_t both;
    pthread_t thread[2];
    struct crossing c[2] = {{db->store, &both, 1, 2, 0}, {db->store, &both, 2, 1, 0}};
    assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, cross, &c[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    assert_int_equal(c[0].code + c[1].code, DM_EBUSY);
    (void)pthread_barrier_destroy(&both);
}

static void held_rows_are_skipped(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int64_t a = 0;
    int64_t b = 0;
    struct store_tx *one = begin(db->store, STORE_WRITE);
    struct store_tx *two = begin(db->store, STORE_WRITE);
    assert_ok(store_int(one, &q[LOCKED], STORE_NO_ARGS, &a, &e), &e);
    assert_ok(store_int(two, &q[LOCKED], STORE_NO_ARGS, &b, &e), &e);
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    store_rollback(one);
    store_rollback(two);
}

/* ---- the server goes away -------------------------------------------------------------------- */

static void a_restart_is_survived(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *cut = begin(db->store, STORE_WRITE);
    assert_ok(store_exec(cut, &q[SET], STORE_ARGS(store_i(1)), NULL, &e), &e);
    struct store_tx *idle[3];
    for (int i = 0; i < 3; i++) {
        idle[i] = begin(db->store, STORE_READ);
    }
    for (int i = 0; i < 3; i++) {
        store_rollback(idle[i]);
    }
    db_server_kill();
    assert_int_equal(store_exec(cut, &q[SET], STORE_ARGS(store_i(1)), NULL, &e), DM_EIO);
    assert_int_equal(store_commit(&cut, &e), DM_EIO);
    struct store_tx *tx = NULL;
    assert_int_equal(store_begin(db->store, STORE_READ, &tx, &e), DM_EIO);
    assert_int_equal(dm_code_info(DM_EIO)->retry, 1);
    db_server_start();
    for (int i = 0; i < 3; i++) { /* each dead connection is replaced unseen */
        idle[i] = begin(db->store, STORE_READ);
    }
    for (int i = 0; i < 3; i++) {
        store_rollback(idle[i]);
    }
    cut = begin(db->store, STORE_WRITE);
    db_server_kill();
    db_server_start();
    assert_int_equal(store_commit(&cut, &e), DM_EIO);
    assert_int_equal(store_pool_state(db->store).used, 0);
}

struct killer {
    bool early; /* before the last statement, else right before the commit */
    int calls;
};
static int kill_server(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct killer *k = ctx;
    if (k->calls++ == 0) {
        DM_TRY(store_exec(tx, &q[SET], STORE_ARGS(store_i(1)), NULL, e));
        db_server_kill();
        db_server_start();
        return k->early ? store_exec(tx, &q[SET], STORE_ARGS(store_i(1)), NULL, e) : DM_OK;
    }
    return store_exec(tx, &q[SET], STORE_ARGS(store_i(1)), NULL, e);
}

/* What was certainly not stored is done again; what may have been is not. */
static void a_doubtful_commit_is_not_repeated(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct killer k = {.early = true};
    assert_ok(store_run(db->store, STORE_WRITE, kill_server, &k, &e), &e);
    assert_int_equal(k.calls, 2);
    k = (struct killer){.early = false};
    assert_int_equal(store_run(db->store, STORE_WRITE, kill_server, &k, &e), DM_EIO);
    assert_int_equal(k.calls, 1);
}

static void what_cannot_be_opened(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store *s = NULL;
    char url[600];
    const struct store_options o = {.connect_ms = 50, .must_exist = true};
    if (is_sqlite(db)) {
        (void)snprintf(url, sizeof(url), "%s-missing", db->url);
        assert_int_equal(store_open(url, &o, &s, &e), DM_ENOTFOUND);
        assert_int_equal(store_open("sqlite:/nonexistent/folder/x.db", NULL, &s, &e), DM_ENOTFOUND);
        (void)snprintf(url, sizeof(url), "%s-text", db->url);
        const char *text = url + strlen("sqlite:");
        FILE *f = fopen(text, "w");
        assert_non_null(f);
        assert_true(fprintf(f, "%4096s", "no database") > 0 && fclose(f) == 0);
        assert_int_equal(store_open(url, NULL, &s, &e), DM_EIO); /* at once: no use in waiting */
        assert_int_equal(unlink(text), 0);
        struct stat st;
        assert_int_equal(stat(db->url + strlen("sqlite:"), &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
        return;
    }
    (void)snprintf(url, sizeof(url), "%s_missing", db->url);
    assert_int_equal(store_open(url, &o, &s, &e), DM_ENOTFOUND);
    const char *hunter = "postgresql://u:hunter2@127.0.0.1:1/d";
    dm_usec start = dm_now();
    assert_int_equal(store_open(hunter, &o, &s, &e), DM_EIO);
    assert_true(dm_ms_since(start) < 5000);
    assert_null(strstr(e.text, "hunter2"));
    assert_null(s);
}

/* Nobody else writes into this server but what looks after its tables, now and then. */
static void a_commit_is_seen_in_the_state(void **state)
{
    struct db *db = *state;
    struct store *other = db_reopen(db, NULL);
    struct dm_err e = {0};
    char before[STORE_STATE_SIZE];
    char after[STORE_STATE_SIZE];
    if (is_sqlite(db)) {
        store_state(db->store, after);
        assert_string_equal(after, "");
        store_close(other);
        return;
    }
    bool still = false;
    for (int i = 0; i < 50 && !still; i++) {
        store_state(db->store, before);
        store_state(other, after);
        assert_true(before[0]);
        still = !strcmp(before, after);
    }
    assert_true(still);
    for (int i = 0; i < 20; i++) {
        struct store_tx *tx = begin(other, STORE_WRITE);
        assert_ok(store_exec(tx, &q[RAISE], STORE_ARGS(store_i(1), store_i(i)), NULL, &e), &e);
        store_state(db->store, before);
        assert_ok(store_commit(&tx, &e), &e);
        store_state(db->store, after);
        assert_string_not_equal(before, after);
    }
    store_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(every_query_runs),
        DB_TEST(the_pool_has_an_end),
        DB_TEST(waiters_are_served),
        DB_TEST(locks_of_others_are_busy),
        DB_TEST(long_statements_end),
        DB_TEST(no_update_is_lost),
        DB_TEST_ON_(a_deadlock_is_busy, db_postgresql, "[postgresql]"),
        DB_TEST_ON_(held_rows_are_skipped, db_postgresql, "[postgresql]"),
        DB_TEST_ON_(a_restart_is_survived, db_postgresql, "[postgresql]"),
        DB_TEST_ON_(a_doubtful_commit_is_not_repeated, db_postgresql, "[postgresql]"),
        DB_TEST(a_commit_is_seen_in_the_state),
        DB_TEST(what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

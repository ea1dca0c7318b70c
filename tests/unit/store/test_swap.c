/* SPDX-License-Identifier: Apache-2.0
 *
 * Replacing an instance: in one step, never under somebody's feet, and back again; on both
 * engines. */
#include <stdlib.h>
#include <string.h>

#include "store/copy.h"
#include "store/swap.h"
#include "support/db.h"

/* Rows of a table, through a store of its own. */
static int64_t count(const char *url, const char *table)
{
    struct dm_err e = {0};
    char sql[200];
    int64_t n = 0;
    DM_CLEANUP(store_closep) struct store *s = NULL;
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    assert_ok(store_open(url, NULL, &s, &e), &e);
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &(struct store_query){"test.count", sql, "", "i", true}, STORE_NO_ARGS,
                        &n, &e),
              &e);
    return n;
}

/* Users besides the system's, one more each time; audit rows obey the append-only triggers. */
static int add_rows(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    static const struct store_query q[] = {
        {"test.pause",
         "INSERT INTO queue_pauses (queue, user_id, created_at) SELECT ?1, min(id), {now} FROM "
         "users",
         "t", "", true},
        {"test.audit",
         "INSERT INTO audit_log (user_id, action, entity_type, entity_id, created_at)"
         " SELECT min(id), 'test', 'users', '1', {now} FROM users",
         "", "", true},
    };
    DM_TRY(store_exec(tx, &q[0], STORE_ARGS(store_t(ctx)), NULL, e));
    return store_exec(tx, &q[1], STORE_NO_ARGS, NULL, e);
}

static void mark(struct store *s, const char *queue)
{
    struct dm_err e = {0};
    assert_ok(store_run(s, STORE_WRITE, add_rows, (void *)queue, &e), &e);
}

static int remove_audit(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    (void)ctx;
    return store_exec(tx,
                      &(struct store_query){"test.forget", "DELETE FROM audit_log", "", "", true},
                      STORE_NO_ARGS, NULL, e);
}

/* The triggers moved along with the tables: the trail still cannot be shortened. */
static void still_append_only(const char *url)
{
    DM_CLEANUP(store_closep) struct store *s = NULL;
    struct dm_err e = {0};
    assert_ok(store_open(url, NULL, &s, &e), &e);
    assert_true(store_run(s, STORE_WRITE, remove_audit, NULL, &e) < 0);
}

/* What a restore does between begin and commit: another instance into the stage. */
static void fill_stage(struct store_swap *w, int marks)
{
    static const char *const names[] = {"gpu_queue", "cpu_queue", "io_queue"};
    struct dm_err e = {0};
    struct store *s = NULL;
    assert_ok(store_open(store_swap_url(w), NULL, &s, &e), &e);
    assert_ok(store_migrate(s, NULL, &e), &e);
    for (int i = 0; i < marks; i++) {
        mark(s, names[i]);
    }
    store_close(s);
}

static void close_db(struct db *db)
{
    store_close(db->store);
    db->store = NULL;
}

static void replaces_and_goes_back(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    DM_CLEANUP(store_swap_freep) struct store_swap *w = NULL;
    mark(db->store, "default");
    assert_ok(store_swap_begin(db->url, NULL, &w, &e), &e);
    assert_true(store_swap_replaces(w));
    fill_stage(w, 3);
    assert_int_equal(count(db->url, "queue_pauses"), 1); /* untouched until now */

    /* somebody has it open, even if he does nothing */
    assert_int_equal(store_swap_commit(w, &e), DM_EBUSY);
    assert_int_equal(count(db->url, "queue_pauses"), 1);
    close_db(db);

    assert_ok(store_swap_commit(w, &e), &e);
    assert_int_equal(count(db->url, "queue_pauses"), 3);
    still_append_only(db->url);
    assert_true(strlen(store_swap_aside(w)) > 10);

    assert_ok(store_swap_undo(w, &e), &e);
    assert_int_equal(count(db->url, "queue_pauses"), 1);
    assert_int_equal(count(db->url, "audit_log"), 1);
    still_append_only(db->url);
    db->store = db_reopen(db, NULL);
}

static void the_old_one_is_kept_until_forgotten(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    DM_CLEANUP(store_swap_freep) struct store_swap *w = NULL;
    close_db(db);
    assert_ok(store_swap_begin(db->url, NULL, &w, &e), &e);
    fill_stage(w, 2);
    assert_ok(store_swap_commit(w, &e), &e);
    const bool file = !strcmp(db->engine, "sqlite");
    char old[600];
    char table[600];
    (void)snprintf(old, sizeof(old), file ? "sqlite:%s" : "%s",
                   file ? store_swap_aside(w) : db->url);
    (void)snprintf(table, sizeof(table), file ? "users" : "%s.users", store_swap_aside(w));
    assert_int_equal(count(old, table), 1);
    assert_ok(store_swap_forget(w, &e), &e);
    assert_int_equal(count(db->url, "queue_pauses"), 2);
    struct store *s = NULL;
    const struct store_options there = {.must_exist = true, .connect_ms = 1};
    if (file) {
        assert_int_equal(store_open(old, &there, &s, &e), DM_ENOTFOUND);
    } else {
        char left[200];
        (void)snprintf(left, sizeof(left), "pg_namespace WHERE nspname LIKE 'demeter%%'");
        assert_int_equal(count(db->url, left), 0);
    }
    db->store = db_reopen(db, NULL);
}

static void an_empty_place_is_filled(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    DM_CLEANUP(store_swap_freep) struct store_swap *w = NULL;
    close_db(db);
    assert_ok(store_swap_begin(db->url, NULL, &w, &e), &e);
    /* a file without tables is a file, and kept */
    assert_int_equal(store_swap_replaces(w), !strcmp(db->engine, "sqlite"));
    fill_stage(w, 1);
    assert_ok(store_swap_commit(w, &e), &e);
    assert_int_equal(store_swap_aside(w)[0] != '\0', store_swap_replaces(w));
    assert_int_equal(count(db->url, "queue_pauses"), 1);
    assert_ok(store_swap_undo(w, &e), &e);
    struct store *s = NULL;
    struct store_schema_state state_now = {0};
    assert_ok(store_open(db->url, NULL, &s, &e), &e);
    assert_ok(store_schema_state(s, &state_now, &e), &e);
    assert_int_equal(state_now.applied, 0);
    db->store = s;
}

/* A process that died between begin and commit leaves a stage, which is in nobody's way. */
static void an_abandoned_stage_is_taken_over(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_swap *left = NULL;
    DM_CLEANUP(store_swap_freep) struct store_swap *w = NULL;
    mark(db->store, "default");
    assert_ok(store_swap_begin(db->url, NULL, &left, &e), &e);
    fill_stage(left, 3);
    assert_ok(store_swap_begin(db->url, NULL, &w, &e), &e);
    fill_stage(w, 2);
    close_db(db);
    assert_ok(store_swap_commit(w, &e), &e);
    assert_int_equal(count(db->url, "queue_pauses"), 2);
    store_swap_free(left);
    assert_int_equal(count(db->url, "queue_pauses"), 2);
    db->store = db_reopen(db, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(replaces_and_goes_back),
        DB_TEST(the_old_one_is_kept_until_forgotten),
        DB_TEST_EMPTY(an_empty_place_is_filled),
        DB_TEST(an_abandoned_stage_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

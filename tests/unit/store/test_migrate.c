/* SPDX-License-Identifier: Apache-2.0
 *
 * Applying the schema, and what it refuses for ever. */
#include "store/migrate.h"

#include <pthread.h>
#include <string.h>

#include "support/db.h"
#include "support/db_history.h"

static const struct store_migration v1[] = {{1, "one", "CREATE TABLE a ({id}, {text:x|5})"}};
static const struct store_migration v2[] = {
    {1, "one", "CREATE TABLE a ({id}, {text:x|5})"},
    {2, "two", "CREATE TABLE b ({id}); ALTER TABLE a ADD COLUMN {bool:y}"},
};
static const struct store_migration changed[] = {
    {1, "one", "CREATE TABLE a ({id}, {text:x|6})"},
    {2, "two", "CREATE TABLE b ({id}); ALTER TABLE a ADD COLUMN {bool:y}"},
};
static const struct store_migration broken[] = {
    {1, "one", "CREATE TABLE a ({id}, {text:x|5})"},
    {2, "two", "CREATE TABLE b ({id}); CREATE TABLE b ({id})"},
};

static void steps_are_applied_once(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int n = -1;
    assert_ok(store_migrate_with(db->store, v1, 1, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_ok(store_migrate_with(db->store, v2, 2, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_ok(store_migrate_with(db->store, v2, 2, &n, &e), &e);
    assert_int_equal(n, 0);
}

static void newer_and_changed_are_refused(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    assert_ok(store_migrate_with(db->store, v2, 2, NULL, &e), &e);
    assert_int_equal(store_migrate_with(db->store, v1, 1, NULL, &e), DM_ECONFLICT);
    assert_non_null(strstr(e.text, "newer"));
    assert_int_equal(store_migrate_with(db->store, changed, 2, NULL, &e), DM_ECONFLICT);
    assert_non_null(strstr(e.text, "another form"));
}

/* A step that fails leaves nothing behind, and the one before it stays. */
static void a_broken_step_is_undone(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int n = -1;
    assert_true(store_migrate_with(db->store, broken, 2, NULL, &e) < 0);
    assert_non_null(strstr(e.text, "step 2 'two'"));
    assert_ok(store_migrate_with(db->store, v2, 2, &n, &e), &e);
    assert_int_equal(n, 1);
}

static void state_is_told(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_schema_state s = {0};
    assert_ok(store_schema_state(db->store, &s, &e), &e);
    assert_int_equal(s.applied, 0);
    assert_int_equal(s.known, store_migration_count);
    assert_ok(store_migrate(db->store, NULL, &e), &e);
    assert_ok(store_schema_state(db->store, &s, &e), &e);
    assert_int_equal(s.applied, s.known);
}

/* What is printed is what would be done: executed by hand it makes the same tables. */
static void missing_steps_are_printed(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_buf sql = dm_buf_init(1 << 20);
    assert_ok(store_migrate_print(db->store, &sql, &e), &e);
    assert_non_null(strstr(dm_buf_str(&sql), "-- step 1: users\n"));
    assert_non_null(strstr(dm_buf_str(&sql), "CREATE TABLE stock_movements ("));
    assert_null(strstr(dm_buf_str(&sql), "{text:"));
    assert_ok(store_migrate(db->store, NULL, &e), &e);
    sql.len = 0;
    assert_ok(store_migrate_print(db->store, &sql, &e), &e);
    assert_int_equal(sql.len, 0);
    dm_buf_clear(&sql);
}

struct racer {
    const struct db *db;
    int steps;
};

static void *race(void *ctx)
{
    struct racer *r = ctx;
    struct dm_err e = {0};
    struct store *s = NULL;
    int code = store_open(r->db->url, &(struct store_options){.wait_ms = 30000}, &s, &e);
    code = code < 0 ? code : store_migrate(s, &r->steps, &e);
    store_close(s);
    r->steps = code < 0 ? code : r->steps;
    return NULL;
}

/* Several programs start at once: each step is done by exactly one of them. */
static void many_migrate_at_once(void **state)
{
    struct db *db = *state;
    enum { N = 4 };
    pthread_t thread[N];
    struct racer racer[N];
    int total = 0;
    for (int i = 0; i < N; i++) {
        racer[i] = (struct racer){.db = db};
        assert_int_equal(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_true(racer[i].steps >= 0);
        total += racer[i].steps;
    }
    assert_int_equal(total, store_migration_count);
}

/* ---- append-only ----------------------------------------------------------------------------- */

static int try_sql(struct store_tx *tx, const char *sql, int64_t *ret_n, struct dm_err *e)
{
    const struct store_query built = {
        .name = "test.sql", .sql = sql, .params = "", .cols = "", .built = true};
    return store_exec(tx, &built, STORE_NO_ARGS, ret_n, e);
}

static struct store_tx *make_history(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    db_history(tx);
    return tx;
}

static const char *const refused[] = {
    "UPDATE stock_movements SET quantity = 6",
    "UPDATE stock_movements SET reason = 'other'",
    "DELETE FROM stock_movements",
    "UPDATE classifications SET name = 'x'",
    "DELETE FROM classifications",
    "UPDATE session_adjustments SET reason = 'changed'",
    "DELETE FROM session_adjustments",
    "UPDATE density_calibrations SET applied = TRUE",
    "DELETE FROM density_calibrations",
    "UPDATE price_list_revisions SET user_id = 1",
    "DELETE FROM price_list_revisions",
    "UPDATE sales_import_rows SET error = 'x'",
    "DELETE FROM sales_import_rows",
    "UPDATE audit_log SET action = 'x'",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE action = 'login'",
    "UPDATE idempotency_keys SET response_status = 1",
    "DELETE FROM idempotency_keys",
    "UPDATE schema_migrations SET checksum = 'x'",
    "DELETE FROM schema_migrations",
    "UPDATE detections SET confidence = 0.5",
    "UPDATE detections SET stock_movement_id = 1, is_alive = FALSE WHERE id = 1",
    "DELETE FROM detections",
    "DELETE FROM session_segments WHERE id = 2",
    "UPDATE estimations SET estimated_count = 9",
    "DELETE FROM estimations",
    "DELETE FROM photo_processing_sessions WHERE id = 1",
};

static void append_only_holds(void **state)
{
    struct db *db = *state;
    struct store_tx *tx = make_history(db->store);
    for (size_t i = 0; i < DM_COUNT(refused); i++) {
        struct dm_err e = {0};
        assert_ok(store_save(tx, &e), &e);
        int code = try_sql(tx, refused[i], NULL, &e);
        if (code != DM_ECONFLICT || store_fault(tx)->kind != STORE_FAULT_APPEND_ONLY) {
            fail_msg("%s: %d %s", refused[i], code, dm_err_text(&e));
        }
        assert_ok(store_restore(tx, &e), &e);
    }
    store_rollback(tx);
}

/* What detections name is there and stays, also where no foreign key of the engine says so
 * (016_detection_links.sql, 019). */
static void detections_are_linked(void **state)
{
    static const char *const dangling[] = {
        "INSERT INTO detections (session_id, session_segment_id, center_x_px, center_y_px,"
        " width_px, height_px, confidence) VALUES (1, 1, 5, 5, 10, 10, 0.9),"
        " (1, 99, 5, 5, 10, 10, 0.9)",
        "INSERT INTO detections (session_id, session_segment_id, stock_movement_id, center_x_px,"
        " center_y_px, width_px, height_px, confidence) VALUES (1, 1, 99, 5, 5, 10, 10, 0.9)",
        "INSERT INTO detections (session_id, session_segment_id, classification_id, center_x_px,"
        " center_y_px, width_px, height_px, confidence) VALUES (1, 1, 99, 5, 5, 10, 10, 0.9)",
        "UPDATE detections SET stock_movement_id = 99 WHERE id = 1",
        "UPDATE detections SET classification_id = 99 WHERE id = 1",
        "UPDATE session_segments SET id = 99 WHERE id = 1",
    };
    struct db *db = *state;
    struct store_tx *tx = make_history(db->store);
    for (size_t i = 0; i < DM_COUNT(dangling); i++) {
        struct dm_err e = {0};
        assert_ok(store_save(tx, &e), &e);
        int code = try_sql(tx, dangling[i], NULL, &e);
        if (code != DM_ECONFLICT || store_fault(tx)->kind != STORE_FAULT_FOREIGN_KEY) {
            fail_msg("%s: %d %s", dangling[i], code, dm_err_text(&e));
        }
        assert_ok(store_restore(tx, &e), &e);
    }
    store_rollback(tx);
}

/* A photo whose detections are just being written cannot be removed under them. */
static void detections_hold_their_segment(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = make_history(db->store);
    assert_ok(store_commit(&tx, &e), &e);
    DM_CLEANUP(store_closep)
    struct store *other = db_reopen(db, &(struct store_options){.wait_ms = 50});
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(try_sql(tx,
                      "INSERT INTO detections (session_id, session_segment_id, center_x_px,"
                      " center_y_px, width_px, height_px, confidence)"
                      " VALUES (2, 2, 5, 5, 10, 10, 0.9)",
                      NULL, &e),
              &e);
    DM_CLEANUP(store_rollbackp) struct store_tx *second = NULL;
    int code = store_begin(other, STORE_WRITE, &second, &e); /* SQLite: refused here already */
    code = code < 0
               ? code
               : try_sql(second, "DELETE FROM photo_processing_sessions WHERE id = 2", NULL, &e);
    assert_int_equal(code, DM_EBUSY);
    store_rollback(tx);
}

static void expect_changed(struct store_tx *tx, const char *sql, int64_t want)
{
    struct dm_err e = {0};
    int64_t n = -1;
    assert_ok(try_sql(tx, sql, &n, &e), &e);
    assert_int_equal(n, want);
}

static int64_t count_rows(struct store_tx *tx, const char *sql)
{
    struct dm_err e = {0};
    int64_t n = -1;
    const struct store_query built = {
        .name = "test.count", .sql = sql, .params = "", .cols = "i", .built = true};
    assert_ok(store_int(tx, &built, STORE_NO_ARGS, &n, &e), &e);
    return n;
}

/* The exceptions: a link set once, a session that was never posted, and what is old enough. */
static void exceptions_work(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = make_history(db->store);
    expect_changed(tx, "UPDATE detections SET stock_movement_id = 1 WHERE id = 1", 1);
    expect_changed(tx, "UPDATE detections SET classification_id = 1 WHERE id = 1", 1);
    expect_changed(tx, "UPDATE estimations SET stock_movement_id = 1 WHERE id = 1", 1);
    assert_ok(store_save(tx, &e), &e);
    assert_int_equal(
        try_sql(tx, "UPDATE detections SET stock_movement_id = NULL WHERE id = 1", NULL, &e),
        DM_ECONFLICT);
    assert_ok(store_restore(tx, &e), &e);
    expect_changed(tx, "DELETE FROM photo_processing_sessions WHERE id = 2", 1);
    assert_int_equal(count_rows(tx, "SELECT count(*) FROM detections"), 1);
    assert_int_equal(count_rows(tx, "SELECT count(*) FROM estimations"), 1);
    assert_int_equal(count_rows(tx, "SELECT count(*) FROM session_segments"), 1);
    assert_int_equal(count_rows(tx, "SELECT count(latest_session_id) FROM storage_locations"), 0);
    expect_changed(tx, "DELETE FROM audit_log WHERE action = 'old'", 1);
    expect_changed(tx, "DELETE FROM idempotency_keys WHERE created_at < '2021-01-01T00:00:00.000Z'",
                   1);
    assert_int_equal(count_rows(tx, "SELECT wholesale_box_price_cents FROM price_list_items"),
                     4200000);
    store_rollback(tx);
}

/* Ways around the triggers that an engine offers. */
static void no_way_around(void **state)
{
    struct db *db = *state;
    struct store_tx *tx = make_history(db->store);
    static const char *const sqlite[] = {
        "INSERT OR REPLACE INTO classifications (id, product_id, product_conf, model_version) "
        "VALUES (1, 1, 0.9, 'w')",
        "UPDATE OR REPLACE stock_movements SET quantity = 7",
    };
    static const char *const postgresql[] = {"TRUNCATE classifications CASCADE",
                                             "TRUNCATE idempotency_keys"};
    const char *const *ways = !strcmp(db->engine, "sqlite") ? sqlite : postgresql;
    for (int i = 0; i < 2; i++) {
        struct dm_err e = {0};
        assert_ok(store_save(tx, &e), &e);
        assert_int_equal(try_sql(tx, ways[i], NULL, &e), DM_ECONFLICT);
        assert_int_equal(store_fault(tx)->kind, STORE_FAULT_APPEND_ONLY);
        assert_ok(store_restore(tx, &e), &e);
    }
    store_rollback(tx);
}

/* ---- the schema as a whole ------------------------------------------------------------------- */

/* Every foreign key has an index that begins with it. */
static void foreign_keys_are_indexed(void **state)
{
    struct db *db = *state;
    static const char sqlite[] =
        "SELECT count(*) FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f "
        "WHERE t.type = 'table' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS l, "
        "pragma_index_info(l.name) AS i WHERE i.seqno = 0 AND i.name = f.\"from\")";
    static const char postgresql[] =
        "SELECT count(*) FROM pg_constraint c WHERE contype = 'f' AND NOT EXISTS (SELECT 1 FROM "
        "pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])";
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    const char *sql = !strcmp(db->engine, "sqlite") ? sqlite : postgresql;
    assert_int_equal(count_rows(tx, sql), 0);
    expect_changed(tx, "DROP INDEX jobs_session_id_idx", 0); /* the planted fault is found */
    assert_int_equal(count_rows(tx, sql), 1);
    store_rollback(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST_EMPTY(steps_are_applied_once),
        DB_TEST_EMPTY(newer_and_changed_are_refused),
        DB_TEST_EMPTY(a_broken_step_is_undone),
        DB_TEST_EMPTY(state_is_told),
        DB_TEST_EMPTY(missing_steps_are_printed),
        DB_TEST_EMPTY(many_migrate_at_once),
        DB_TEST(append_only_holds),
        DB_TEST(detections_are_linked),
        DB_TEST(detections_hold_their_segment),
        DB_TEST(exceptions_work),
        DB_TEST(no_way_around),
        DB_TEST(foreign_keys_are_indexed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying an instance between engines, and the catalog that it relies on. */
#include "store/copy.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "support/db.h"
#include "support/db_history.h"

static struct store_catalog catalog(struct dm_arena *a)
{
    struct dm_err e = {0};
    struct store_catalog c;
    assert_ok(store_catalog_read(store_migrations, store_migration_count, a, &c, &e), &e);
    return c;
}

static int64_t number(struct store *s, const char *sql)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    int64_t n = -1;
    const struct store_query built = {"test.number", sql, "", "i", true};
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &built, STORE_NO_ARGS, &n, &e), &e);
    store_rollback(tx);
    return n;
}

static void execute(struct store *s, const char *sql)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    const struct store_query built = {"test.execute", sql, "", "", true};
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_exec(tx, &built, STORE_NO_ARGS, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
}

static void fill(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    static const unsigned char picture[] = {0, 1, 2, 0xff, '\\', '\n', 0};
    static const struct store_query blob = {
        "test.blob",
        "INSERT INTO image_blobs (image_id, variant, store, data, content_type, size_bytes, "
        "sha256, "
        "width_px, height_px) VALUES (1, 'thumbnail', 'db', ?1, 'image/jpeg', 7, "
        "'0000000000000000000000000000000000000000000000000000000000000000', 1, 1)",
        "x", "", true};
    static const struct store_query file = {
        "test.file",
        "INSERT INTO export_files (user_id, report, format, filter, row_count, size_bytes, store, "
        "data, expires_at) VALUES (2, 'stock', 'csv', '{}', 0, 0, 'db', ?1, ?2)",
        "xT", "", true};
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    db_history(tx);
    assert_ok(store_exec(tx, &blob, STORE_ARGS(store_x(picture, sizeof(picture))), NULL, &e), &e);
    assert_ok(store_exec(tx, &file, STORE_ARGS(store_x("", 0), store_at(store_now())), NULL, &e),
              &e);
    assert_ok(store_commit(&tx, &e), &e);
}

/* ---- catalog --------------------------------------------------------------------------------- */

/* Every table and column that the engine has is in the catalog, and no other. */
static void catalog_is_the_schema(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_catalog c = catalog(&a);
    struct store_tx *tx = NULL;
    static const char sqlite[] =
        "SELECT count(*) FROM sqlite_schema t, pragma_table_xinfo(t.name) "
        "WHERE t.type = 'table' AND t.name NOT IN ('schema_migrations', 'sqlite_sequence')";
    static const char postgresql[] =
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name <> 'schema_migrations'";
    int64_t columns = 0;
    assert_ok(store_begin(db->store, STORE_READ, &tx, &e), &e);
    for (size_t i = 0; i < c.n; i++) {
        const struct store_catalog_table *t = &c.table[i];
        /* The driver checks the type of each column against its letter. */
        const char *sql =
            dm_arena_printf(&a, "SELECT %s FROM %s", store_catalog_columns(t, &a), t->name);
        const struct store_query all = {t->name, sql, "", store_catalog_letters(t, &a), true};
        assert_ok(store_exec(tx, &all, STORE_NO_ARGS, NULL, &e), &e);
        columns += (int64_t)t->n;
    }
    store_rollback(tx);
    assert_int_equal(number(db->store, !strcmp(db->engine, "sqlite") ? sqlite : postgresql),
                     columns);
    dm_arena_clear(&a);
}

/* The history reaches every table, so that the copy is tested with every column type in place. */
static void history_fills_every_table(void **state)
{
    struct db *db = *state;
    struct dm_arena a = {0};
    struct store_catalog c = catalog(&a);
    fill(db->store);
    for (size_t i = 0; i < c.n; i++) {
        char sql[100];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", c.table[i].name);
        if (number(db->store, sql) == 0) {
            fail_msg("there is nothing in %s: add a row to tests/support/db_history.c",
                     c.table[i].name);
        }
    }
    dm_arena_clear(&a);
}

/* ---- copy ------------------------------------------------------------------------------------ */

/* A number over the whole content, by a way of its own: not the digests of the copy. */
static void dump(struct store *s, struct dm_buf *out)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_catalog c = catalog(&a);
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    for (size_t i = 0; i < c.n; i++) {
        const struct store_catalog_table *t = &c.table[i];
        struct store_table rows;
        const char *sql = dm_arena_printf(&a, "SELECT %s FROM %s ORDER BY 1, 2, 3",
                                          store_catalog_columns(t, &a), t->name);
        const struct store_query all = {t->name, sql, "", store_catalog_letters(t, &a), true};
        assert_ok(store_all(tx, &all, STORE_NO_ARGS, &a, &rows, &e), &e);
        dm_buf_printf(out, "%s %zu\n", t->name, rows.n);
        for (size_t k = 0; k < rows.n * rows.cols; k++) {
            const struct store_value *v = &rows.v[k];
            if (v->null) {
                dm_buf_puts(out, "null");
            } else if (v->type == 'r') {
                dm_buf_printf(out, "%.17g", v->r);
            } else if (v->type == 'i' || v->type == 'T') {
                dm_buf_printf(out, "%lld", (long long)v->i);
            } else if (v->type == 'b') {
                dm_buf_puts(out, v->b ? "true" : "false");
            } else {
                dm_buf_append(out, v->t, v->n);
            }
            dm_buf_putc(out, '\n');
        }
    }
    store_rollback(tx);
    assert_ok(dm_buf_ok(out, &e), &e);
    dm_arena_clear(&a);
}

static void assert_same(struct store *one, struct store *other)
{
    struct dm_buf a = dm_buf_init(1 << 24);
    struct dm_buf b = dm_buf_init(1 << 24);
    dump(one, &a);
    dump(other, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_true(a.len > 5000);
    dm_buf_clear(&a);
    dm_buf_clear(&b);
}

static void count_progress(void *ctx, const char *table, int64_t rows)
{
    assert_non_null(table);
    *(int64_t *)ctx += rows;
}

/* There and back again: SQLite to PostgreSQL to SQLite. */
static void round_trip(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct db *first = db_new(&db_sqlite);
    struct db *second = db_new(&db_postgresql);
    struct db *third = db_new(&db_sqlite_empty);
    int64_t rows = 0;
    fill(first->store);
    assert_ok(store_copy(first->store, second->store, count_progress, &rows, &e), &e);
    assert_true(rows > 100);
    assert_same(first->store, second->store);
    assert_ok(store_copy(second->store, third->store, NULL, NULL, &e), &e);
    assert_same(first->store, third->store);
    /* The next id is free on each. */
    static const char add[] = "INSERT INTO warehouses (code, name, warehouse_type, geojson, "
                              "centroid_lon, centroid_lat, area_m2, bbox_min_lon, bbox_min_lat, "
                              "bbox_max_lon, bbox_max_lat) "
                              "VALUES ('N9', 'x', 'tunnel', '{}', 0, 0, 1, 0, 0, 1, 1)";
    execute(second->store, add);
    execute(third->store, add);
    assert_int_equal(number(second->store, "SELECT id FROM warehouses WHERE code = 'N9'"), 2);
    assert_int_equal(number(third->store, "SELECT id FROM warehouses WHERE code = 'N9'"), 2);
    db_free(first);
    db_free(second);
    db_free(third);
}

static const struct db_kind *other_kind(const struct db *db)
{
    return !strcmp(db->engine, "sqlite") ? &db_postgresql : &db_sqlite;
}

/* Thousands of rows, so that a table takes several batches. */
static void large_tables_arrive(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct db *target = db_new(other_kind(db));
    fill(db->store);
    execute(db->store,
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3500) "
            "INSERT INTO detections (session_id, session_segment_id, center_x_px, center_y_px, "
            "width_px, height_px, confidence) SELECT 1, 1, x * 0.1, x / 7.0, 3.25, 4.125, "
            "1.0 / x FROM c");
    execute(db->store,
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2100) "
            "INSERT INTO app_settings (key, value) SELECT 'k' || x, '[1.5]' FROM c");
    assert_ok(store_copy(db->store, target->store, NULL, NULL, &e), &e);
    assert_int_equal(number(target->store, "SELECT count(*) FROM detections"), 3502);
    assert_int_equal(number(target->store, "SELECT count(*) FROM app_settings"), 2102);
    assert_same(db->store, target->store);
    db_free(target);
}

static void a_used_target_is_refused(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct db *target = db_new(other_kind(db));
    fill(db->store);
    fill(target->store);
    assert_int_equal(store_copy(db->store, target->store, NULL, NULL, &e), DM_ECONFLICT);
    db_free(target);
    target = db_new(other_kind(db));
    execute(target->store, "INSERT INTO users (email, password_hash, first_name, last_name) "
                           "VALUES ('x@y', 'x', 'a', 'b')");
    assert_int_equal(store_copy(db->store, target->store, NULL, NULL, &e), DM_ECONFLICT);
    assert_non_null(strstr(e.text, "users"));
    db_free(target);
}

static void stop_after(void *ctx, const char *table, int64_t rows)
{
    (void)rows;
    if (!strcmp(table, "products")) {
        execute(ctx, "UPDATE products SET common_name = 'changed meanwhile'");
    }
}

/* The source is read as it was at the beginning; a failed copy leaves nothing. */
static void a_copy_is_of_one_moment(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct db *target = db_new(other_kind(db));
    fill(db->store);
    assert_ok(store_copy(db->store, target->store, stop_after, db->store, &e), &e);
    assert_int_equal(
        number(target->store, "SELECT count(*) FROM products WHERE common_name = 'Mamm'"), 1);
    db_free(target);
}

/* A row that breaks a rule of the target is found at the commit, and nothing stays. */
static void all_or_nothing(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct db *source = db_new(&db_sqlite);
    struct db *target = db_new(&db_postgresql);
    fill(source->store);
    execute(target->store, "ALTER TABLE audit_log ADD CONSTRAINT none CHECK (id < 0)");
    assert_int_equal(store_copy(source->store, target->store, NULL, NULL, &e), DM_EBADINPUT);
    assert_int_equal(number(target->store, "SELECT count(*) FROM warehouses"), 0);
    assert_int_equal(number(target->store, "SELECT count(*) FROM users"), 1);
    db_free(source);
    db_free(target);
}

/* ---- digests and self-check ------------------------------------------------------------------ */

static void digest_of(struct store *s, const char *table, struct store_digest *ret)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_catalog c = catalog(&a);
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    for (size_t i = 0; i < c.n; i++) {
        if (!strcmp(c.table[i].name, table)) {
            assert_ok(store_table_digest(tx, &c.table[i], ret, &e), &e);
        }
    }
    store_rollback(tx);
    dm_arena_clear(&a);
}

static void digests_see_every_change(void **state)
{
    struct db *db = *state;
    static const char *const changes[] = {
        "UPDATE product_states SET name = name || ' ' WHERE id = 3",
        "UPDATE product_states SET description = '' WHERE id = 3",
        "UPDATE product_states SET is_sellable = NOT is_sellable WHERE id = 3",
        "UPDATE product_states SET sort_order = 31 WHERE id = 3",
        "DELETE FROM product_states WHERE id = 11",
    };
    struct store_digest before = {0};
    digest_of(db->store, "product_states", &before);
    assert_int_equal(before.rows, 11);
    for (size_t i = 0; i < DM_COUNT(changes); i++) {
        struct store_digest after = {0};
        execute(db->store, changes[i]);
        digest_of(db->store, "product_states", &after);
        assert_string_not_equal(before.hex, after.hex);
        before = after;
    }
}

static void note(void *ctx, const char *what)
{
    assert_non_null(what);
    ++*(int *)ctx;
}

static void self_check_finds_faults(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int found = 0;
    assert_int_equal(store_self_check(db->store, note, &found, &e), 0);
    if (!strcmp(db->engine, "sqlite")) {
        sqlite3 *file = NULL; /* another program does not check foreign keys by itself */
        assert_int_equal(sqlite3_open(db->url + strlen("sqlite:"), &file), SQLITE_OK);
        assert_int_equal(sqlite3_exec(file,
                                      "INSERT INTO product_families (product_category_id, name) "
                                      "VALUES (999, 'lost')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(file), SQLITE_OK);
        assert_int_equal(store_self_check(db->store, note, &found, &e), 1);
        assert_int_equal(found, 1);
        return;
    }
    execute(db->store, "ALTER TABLE products ADD CONSTRAINT later CHECK (id > 0) NOT VALID");
    assert_int_equal(store_self_check(db->store, note, &found, &e), 1);
    assert_int_equal(found, 1);
}

/* A file is copied as it is at the moment; a server is not ours to copy. */
static void a_file_is_copied_beside(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    const char *path = NULL;
    fill(db->store);
    int code = store_snapshot_beside(db->store, 3, &a, &path, &e);
    if (strcmp(db->engine, "sqlite") != 0) {
        assert_int_equal(code, DM_EUNSUPPORTED);
        return;
    }
    assert_ok(code, &e);
    assert_non_null(strstr(path, ".schema-3-2"));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    struct store *s = NULL;
    const char *url = dm_arena_printf(&a, "sqlite:%s", path);
    assert_ok(store_open(url, NULL, &s, &e), &e);
    assert_same(db->store, s);
    store_close(s);
    assert_int_equal(unlink(path), 0);
    dm_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(catalog_is_the_schema),    DB_TEST(history_fills_every_table),
        cmocka_unit_test(round_trip),      DB_TEST(large_tables_arrive),
        DB_TEST(a_used_target_is_refused), DB_TEST(a_copy_is_of_one_moment),
        cmocka_unit_test(all_or_nothing),  DB_TEST(digests_see_every_change),
        DB_TEST(self_check_finds_faults),  DB_TEST(a_file_is_copied_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

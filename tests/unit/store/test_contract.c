/* SPDX-License-Identifier: Apache-2.0
 *
 * What both engines promise: types, nulls, transactions, savepoints, faults, bulk rows. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "support/db.h"

/* ---- queries of this test -------------------------------------------------------------------- */

enum {
    ALL_TYPES,
    MOVED,
    COUNT_USERS,
    ADD_CATEGORY,
    CATEGORY,
    CATEGORIES,
    RENAME,
    ADD_FAMILY,
    IDS,
    TEXTS,
    DAYS,
    SAME,
    LOWER,
    NOW,
    NONE,
    TWO,
    WRITE_BACK,
    SUMS,
    LIMITS
};
// clang-format off
static const struct store_query q[] = {
    [ALL_TYPES] = {"test.all_types",
        "SELECT CAST(?1 AS {int}), CAST(?2 AS {real}), ?3, ?4", "irtt", "irtt"},
    [MOVED] = {"test.moved",
        "INSERT INTO export_files (user_id, report, format, filter, row_count, size_bytes, store, "
        "data, expires_at) VALUES (1, ?1, 'csv', ?2, ?3, 0, 'db', ?4, ?5) "
        "RETURNING report, filter, row_count, data, expires_at, job_id, created_at", "tjixT",
        "tjixTiT"},
    [COUNT_USERS] = {"test.count_users", "SELECT count(*) FROM users WHERE is_system = ?1", "b", "i"},
    [ADD_CATEGORY] = {"test.add_category",
        "INSERT INTO product_categories (code, name) VALUES (?1, ?2) RETURNING id", "tt", "i"},
    [CATEGORY] = {"test.category",
        "SELECT id, code, name, active, description FROM product_categories WHERE code = ?1", "t",
        "ittbt"},
    [CATEGORIES] = {"test.categories",
        "SELECT code FROM product_categories ORDER BY sort_order, code LIMIT ?1", "i", "t"},
    [RENAME] = {"test.rename",
        "UPDATE product_categories SET name = ?1 WHERE sort_order < ?2", "ti", ""},
    [ADD_FAMILY] = {"test.add_family",
        "INSERT INTO product_families (product_category_id, name) VALUES (?1, ?2)", "it", ""},
    [IDS] = {"test.ids",
        "SELECT code FROM product_categories WHERE id IN {ids:?1} ORDER BY id", "j", "t"},
    [TEXTS] = {"test.texts",
        "SELECT count(*) FROM product_categories WHERE code IN {texts:?1}", "j", "i"},
    [DAYS] = {"test.days",
        "SELECT {day:expires_at|?1}, {month:expires_at|?1}, {ms:expires_at} FROM export_files",
        "i", "tti"},
    [SAME] = {"test.same",
        "SELECT count(*) FROM product_categories WHERE description {same} ?1", "t", "i"},
    [LOWER] = {"test.lower", "SELECT {lower:name} FROM packaging_colors WHERE code = ?1", "t", "t"},
    [NOW] = {"test.now", "SELECT created_at FROM users WHERE created_at <= {now}", "", "T"},
    [NONE] = {"test.none", "SELECT id FROM users WHERE id = 999", "", "i"},
    [TWO] = {"test.two", "SELECT id FROM product_states WHERE sort_order < 30", "", "i"},
    [WRITE_BACK] = {"test.write_back",
        "UPDATE storage_bin_types SET length_cm = ?1 WHERE code = 'POT_10CM' RETURNING length_cm",
        "r", "r"},
    [SUMS] = {"test.sums",
        "SELECT sum(rows), count(rows), avg(capacity), max(name), {greatest}(1, 2) "
        "FROM storage_bin_types", "", "iirti"},
    [LIMITS] = {"test.limits", "SELECT sum(quantity_current) FROM stock_batches", "", "i"},
};
// clang-format on
STORE_QUERIES(test_queries, q);

static struct store_tx *begin(struct store *s, enum store_mode mode)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, mode, &tx, &e), &e);
    return tx;
}

static void commit(struct store_tx *tx)
{
    struct dm_err e = {0};
    assert_ok(store_commit(&tx, &e), &e);
    assert_null(tx);
}

static int64_t add_category(struct store_tx *tx, const char *code)
{
    struct dm_err e = {0};
    int64_t id = 0;
    assert_ok(store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t(code), store_t("x")), &id, &e),
              &e);
    return id;
}

static int64_t count_of(struct store_tx *tx, const char *code)
{
    struct dm_err e = {0};
    struct dm_arena a = {0};
    const struct store_value *row;
    int n = store_maybe(tx, &q[CATEGORY], STORE_ARGS(store_t(code)), &a, &row, &e);
    assert_ok(n, &e);
    dm_arena_clear(&a);
    return n;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void every_query_runs(void **state)
{
    struct db *db = *state;
    db_check_queries(db->store, &test_queries);
}

static void values_come_back(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    const struct store_value *v;
    static const unsigned char bytes[] = {0, 1, 0x5c, 0xff, 0};
    assert_ok(store_one(tx, &q[MOVED],
                        STORE_ARGS(store_t("añ\\o '\"\t€"), store_j(" {\"b\": 1.50, \"a\":[]}"),
                                   store_i(INT64_MIN), store_x(bytes, sizeof(bytes)), store_at(-1)),
                        &a, &v, &e),
              &e);
    assert_string_equal(v[0].t, "añ\\o '\"\t€");
    assert_int_equal(v[0].n, strlen(v[0].t));
    assert_string_equal(v[1].t, "{\"a\":[],\"b\":1.5}");
    assert_true(v[2].i == INT64_MIN);
    assert_int_equal(v[3].n, sizeof(bytes));
    assert_memory_equal(v[3].x, bytes, sizeof(bytes));
    assert_int_equal(v[4].i, -1);
    assert_true(v[5].null && v[5].i == 0);
    assert_true(llabs(v[6].i - store_now()) < 60000);
    static const double reals[] = {0.1, 1e-300, 1e300, 123456789.123456789, 4.9e-324};
    for (size_t i = 0; i < DM_COUNT(reals); i++) {
        assert_ok(store_one(tx, &q[WRITE_BACK], STORE_ARGS(store_r(reals[i])), &a, &v, &e), &e);
        assert_true(v[0].r == reals[i]);
    }
    store_rollback(tx);
    dm_arena_clear(&a);
}

static void nulls_go_both_ways(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    const struct store_value *v;
    assert_ok(store_one(tx, &q[ALL_TYPES],
                        STORE_ARGS(store_ref(0), store_null(), store_t(NULL), store_t("")), &a, &v,
                        &e),
              &e);
    assert_true(v[0].null && v[1].null && v[2].null && !v[3].null);
    assert_null(v[2].t);
    assert_string_equal(v[3].t, "");
    int64_t n = -1;
    assert_ok(store_int(tx, &q[LIMITS], STORE_NO_ARGS, &n, &e), &e);
    assert_int_equal(n, 0); /* a sum over nothing is null, which counts as 0 here */
    assert_ok(store_int(tx, &q[SAME], STORE_ARGS(store_null()), &n, &e), &e);
    assert_int_equal(n, 10);
    store_rollback(tx);
    dm_arena_clear(&a);
}

static void dialect_says_the_same(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    const struct store_value *v;
    struct store_table t;
    int64_t at = 0;
    int64_t n = 0;
    assert_ok(store_time_parse("2026-01-01T01:30:00.250Z", &at, &e), &e);
    assert_ok(
        store_one(tx, &q[MOVED],
                  STORE_ARGS(store_t("x"), store_j("1"), store_i(1), store_x("", 0), store_at(at)),
                  &a, &v, &e),
        &e);
    assert_true(!v[3].null && v[3].n == 0);
    assert_ok(store_one(tx, &q[DAYS], STORE_ARGS(store_i(-180)), &a, &v, &e), &e);
    assert_string_equal(v[0].t, "2025-12-31");
    assert_string_equal(v[1].t, "2025-12");
    assert_int_equal(v[2].i, at);
    assert_ok(store_one(tx, &q[DAYS], STORE_ARGS(store_i(0)), &a, &v, &e), &e);
    assert_string_equal(v[0].t, "2026-01-01");
    assert_ok(store_all(tx, &q[IDS], STORE_ARGS(store_j("[1, 3, 99]")), &a, &t, &e), &e);
    assert_int_equal(t.n, 2);
    assert_string_equal(store_row(&t, 1)[0].t, "GRAFTED");
    assert_ok(store_int(tx, &q[TEXTS], STORE_ARGS(store_j("[\"AGAVE\",\"FERN\",\"x\"]")), &n, &e),
              &e);
    assert_int_equal(n, 2);
    assert_ok(store_one(tx, &q[LOWER], STORE_ARGS(store_t("GRIS")), &a, &v, &e), &e);
    assert_string_equal(v[0].t, "gris");
    assert_ok(store_one(tx, &q[SUMS], STORE_NO_ARGS, &a, &v, &e), &e);
    assert_int_equal(v[0].i, 18 + 8 + 6 + 5 + 7 + 14);
    assert_true(fabs(v[2].r - 1975.0 / 9) < 1e-9);
    assert_string_equal(v[3].t, "Segmento"); /* by bytes, on both */
    assert_int_equal(v[4].i, 2);
    store_rollback(tx);
    dm_arena_clear(&a);
}

static void bad_values_are_refused_alike(void **state)
{
    struct db *db = *state;
    static const char *const bad[] = {"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xc0\xaf"};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        struct dm_err e = {0};
        struct store_tx *tx = begin(db->store, STORE_WRITE);
        int64_t id;
        assert_int_equal(
            store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t(bad[i]), store_t("x")), &id, &e),
            DM_EBADINPUT);
        assert_int_equal(store_commit(&tx, &e), DM_EBADINPUT);
    }
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_int_equal(
        store_exec(tx, &q[WRITE_BACK], STORE_ARGS(store_r((double)INFINITY)), NULL, &e),
        DM_EBADINPUT);
    store_rollback(tx);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void one_row_or_none(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct store_tx *tx = begin(db->store, STORE_READ);
    const struct store_value *v = NULL;
    int64_t n;
    assert_int_equal(store_maybe(tx, &q[NONE], STORE_NO_ARGS, &a, &v, &e), 0);
    assert_null(v);
    assert_int_equal(store_one(tx, &q[NONE], STORE_NO_ARGS, &a, &v, &e), DM_ENOTFOUND);
    assert_int_equal(store_int(tx, &q[NONE], STORE_NO_ARGS, &n, &e), DM_ENOTFOUND);
    assert_int_equal(store_one(tx, &q[TWO], STORE_NO_ARGS, &a, &v, &e), DM_EINTERNAL);
    assert_int_equal(store_int(tx, &q[TWO], STORE_NO_ARGS, &n, &e), DM_EINTERNAL);
    store_rollback(tx);
    dm_arena_clear(&a);
}

/* Rows of a query are read while others run, also the same query again. */
static void cursors_nest(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    struct store_rows *outer = NULL;
    const struct store_value *v;
    int pairs = 0;
    assert_ok(store_select(tx, &q[CATEGORIES], STORE_ARGS(store_i(3)), &outer, &e), &e);
    while (store_next(outer, &v, &e) > 0) {
        struct store_rows *inner = NULL;
        assert_ok(store_select(tx, &q[CATEGORIES], STORE_ARGS(store_i(4)), &inner, &e), &e);
        while (store_next(inner, &v, &e) > 0) {
            pairs++;
            assert_int_equal(count_of(tx, "AGAVE"), 1);
        }
        store_rows_close(inner);
    }
    assert_int_equal(store_next(outer, &v, &e), 0);
    store_rows_close(outer);
    assert_int_equal(pairs, 12);
    store_rollback(tx);
}

static void changed_rows_are_counted(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    int64_t n = -1;
    assert_ok(store_exec(tx, &q[RENAME], STORE_ARGS(store_t("x"), store_i(35)), &n, &e), &e);
    assert_int_equal(n, 3);
    assert_ok(store_exec(tx, &q[RENAME], STORE_ARGS(store_t("x"), store_i(0)), &n, &e), &e);
    assert_int_equal(n, 0);
    assert_ok(store_exec(tx, &q[CATEGORIES], STORE_ARGS(store_i(3)), &n, &e), &e);
    assert_int_equal(n, 0);
    store_rollback(tx);
}

static void a_query_may_be_built(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_READ);
    for (int i = 1; i < 40; i++) {
        char sql[80];
        int64_t n = 0;
        (void)snprintf(sql, sizeof(sql), "SELECT id FROM product_states WHERE id = %d", i % 9 + 1);
        const struct store_query built = {"test.built", sql, "", "i", true};
        assert_ok(store_int(tx, &built, STORE_NO_ARGS, &n, &e), &e);
        assert_int_equal(n, i % 9 + 1);
    }
    store_rollback(tx);
}

static void wrong_queries_are_found(void **state)
{
    struct db *db = *state;
    static const struct store_query wrong[] = {
        {"test.syntax", "SELEC 1", "", "i", true},
        {"test.table", "SELECT id FROM nowhere", "", "i", true},
        {"test.cols", "SELECT id, code FROM products", "", "i", true},
        {"test.params", "SELECT id FROM products WHERE id = ?1", "", "i", true},
        {"test.two", "SELECT id FROM users; SELECT id FROM users", "", "i", true},
        {"test.token", "SELECT {nothing}", "", "i", true},
        {"test.brace", "SELECT {now", "", "T", true},
        {"test.type", "SELECT email FROM users", "", "i", true},
        {"test.bool", "SELECT email FROM users", "", "b", true},
        {"test.time", "SELECT email FROM users", "", "T", true},
    };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        struct dm_err e = {0};
        struct store_tx *tx = begin(db->store, STORE_READ);
        struct store_value one = store_i(1);
        struct store_args args = {&one, strlen(wrong[i].params)};
        int code = store_exec(tx, &wrong[i], args, NULL, &e);
        if (code >= 0) {
            fail_msg("%s was accepted", wrong[i].name);
        }
        store_rollback(tx);
    }
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void committed_stays_the_rest_goes(void **state)
{
    struct db *db = *state;
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_true(add_category(tx, "KEPT") > 0);
    commit(tx);
    tx = begin(db->store, STORE_WRITE);
    assert_true(add_category(tx, "GONE") > 0);
    store_rollback(tx);
    tx = begin(db->store, STORE_READ);
    assert_int_equal(count_of(tx, "KEPT"), 1);
    assert_int_equal(count_of(tx, "GONE"), 0);
    commit(tx);
}

/* A reader sees one moment, and does not see what is not committed. */
static void readers_see_a_snapshot(void **state)
{
    struct db *db = *state;
    struct store_tx *reader = begin(db->store, STORE_READ);
    assert_int_equal(count_of(reader, "LATE"), 0);
    struct store_tx *writer = begin(db->store, STORE_WRITE);
    assert_true(add_category(writer, "LATE") > 0);
    assert_int_equal(count_of(reader, "LATE"), 0);
    commit(writer);
    assert_int_equal(count_of(reader, "LATE"), 0);
    commit(reader);
    reader = begin(db->store, STORE_READ);
    assert_int_equal(count_of(reader, "LATE"), 1);
    store_rollback(reader);
}

static void readers_do_not_write(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_READ);
    int64_t id;
    assert_int_equal(
        store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t("NEW"), store_t("x")), &id, &e),
        DM_EINTERNAL);
    store_rollback(tx);
}

/* A failure stops the transaction on both engines alike. */
static void failed_is_failed(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    int64_t id;
    assert_true(add_category(tx, "FIRST") > 0);
    assert_int_equal(
        store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t("FIRST"), store_t("x")), &id, &e),
        DM_ECONFLICT);
    assert_int_equal(
        store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t("OTHER"), store_t("x")), &id, &e),
        DM_ECONFLICT);
    assert_int_equal(store_commit(&tx, &e), DM_ECONFLICT);
    tx = begin(db->store, STORE_READ);
    assert_int_equal(count_of(tx, "FIRST"), 0);
    store_rollback(tx);
}

static void savepoints_nest(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    int64_t id;
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_true(add_category(tx, "AAA") > 0);
    assert_ok(store_save(tx, &e), &e);
    assert_true(add_category(tx, "BBB") > 0);
    assert_ok(store_save(tx, &e), &e);
    assert_int_equal(
        store_int(tx, &q[ADD_CATEGORY], STORE_ARGS(store_t("AAA"), store_t("x")), &id, &e),
        DM_ECONFLICT);
    assert_ok(store_restore(tx, &e), &e);
    assert_int_equal(count_of(tx, "BBB"), 1);
    assert_ok(store_restore(tx, &e), &e);
    assert_int_equal(count_of(tx, "BBB"), 0);
    assert_ok(store_save(tx, &e), &e);
    assert_true(add_category(tx, "CCC") > 0);
    assert_ok(store_release(tx, &e), &e);
    commit(tx);
    tx = begin(db->store, STORE_READ);
    assert_int_equal(count_of(tx, "AAA") + count_of(tx, "CCC"), 2);
    assert_int_equal(count_of(tx, "BBB"), 0);
    store_rollback(tx);
}

struct retry_ctx {
    int base, calls, fail, code;
};
static int sometimes(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct retry_ctx *c = ctx;
    char code[16];
    (void)snprintf(code, sizeof(code), "TRY%d", c->base + ++c->calls);
    assert_true(add_category(tx, code) > 0);
    if (c->calls <= c->fail) {
        DM_FAIL(e, c->code, "not now");
    }
    return DM_OK;
}

static void run_tries_again(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct retry_ctx c = {.fail = 2, .code = DM_EBUSY};
    assert_ok(store_run(db->store, STORE_WRITE, sometimes, &c, &e), &e);
    assert_int_equal(c.calls, 3);
    struct store_tx *tx = begin(db->store, STORE_READ);
    assert_int_equal(count_of(tx, "TRY1") + count_of(tx, "TRY2"), 0);
    assert_int_equal(count_of(tx, "TRY3"), 1);
    store_rollback(tx);
    c = (struct retry_ctx){.base = 10, .fail = 9, .code = DM_ECONFLICT};
    assert_int_equal(store_run(db->store, STORE_WRITE, sometimes, &c, &e), DM_ECONFLICT);
    assert_int_equal(c.calls, 1);
    c = (struct retry_ctx){.base = 20, .fail = 99, .code = DM_EBUSY};
    assert_int_equal(store_run(db->store, STORE_WRITE, sometimes, &c, &e), DM_EBUSY);
    assert_int_equal(c.calls, 6);
}

/* ---- faults ---------------------------------------------------------------------------------- */

// clang-format off
static const struct {
    const char *sql;
    int code;
    enum store_fault_kind kind;
    const char *name;
} faults[] = {
    {"INSERT INTO product_categories (code, name) VALUES ('AGAVE', 'x')", DM_ECONFLICT,
     STORE_FAULT_UNIQUE, "product_categories_code_key"},
    {"INSERT INTO product_categories (id, code, name) VALUES (1, 'NEW', 'x')", DM_ECONFLICT,
     STORE_FAULT_UNIQUE, "product_categories_pkey"},
    {"INSERT INTO packaging_catalog (packaging_type_id, packaging_material_id, packaging_color_id, "
     "sku, name) VALUES (1, 1, 1, 'AA', 'x'), (1, 1, 1, 'BB', 'x')", DM_ECONFLICT,
     STORE_FAULT_UNIQUE, "packaging_catalog_kind_key"},
    {"INSERT INTO product_families (product_category_id, name) VALUES (1, 'Aa'), (1, 'aA')",
     DM_ECONFLICT, STORE_FAULT_UNIQUE, "product_families_product_category_id_name_key"},
    {"INSERT INTO users (email, first_name, last_name, is_system) VALUES ('b@x', 'b', 'b', TRUE)",
     DM_ECONFLICT, STORE_FAULT_UNIQUE, "users_is_system_key"},
    {"INSERT INTO product_categories (code, name) VALUES ('low er', 'x')", DM_EBADINPUT,
     STORE_FAULT_CHECK, "product_categories_code_chars_check"},
    {"INSERT INTO product_categories (code, name) VALUES ('AB', 'x')", DM_EBADINPUT,
     STORE_FAULT_CHECK, "product_categories_code_chars_check"},
    {"INSERT INTO users (email, first_name, last_name, role, is_system, identity_provider, "
     "identity_subject) VALUES ('b@x', 'b', 'b', 'king', FALSE, 'a', 'b')", DM_EBADINPUT,
     STORE_FAULT_CHECK, "users_role_check"},
    {"UPDATE users SET failed_login_count = -1", DM_EBADINPUT, STORE_FAULT_CHECK,
     "users_failed_login_count_check"},
    {"INSERT INTO product_categories (code) VALUES ('NEW')", DM_EBADINPUT, STORE_FAULT_NOT_NULL,
     "product_categories_name"},
    {"UPDATE schema_migrations SET name = 'x'", DM_ECONFLICT, STORE_FAULT_APPEND_ONLY,
     "schema_migrations"},
};
// clang-format on

static void faults_have_names(void **state)
{
    struct db *db = *state;
    for (size_t i = 0; i < DM_COUNT(faults); i++) {
        struct dm_err e = {0};
        struct store_tx *tx = begin(db->store, STORE_WRITE);
        const struct store_query built = {"test.fault", faults[i].sql, "", "", true};
        int code = store_exec(tx, &built, STORE_NO_ARGS, NULL, &e);
        if (code != faults[i].code || store_fault(tx)->kind != faults[i].kind ||
            strcmp(store_fault(tx)->name, faults[i].name)) {
            fail_msg("%s: %s: code %d, kind %d, name '%s', text %s", db->engine, faults[i].sql,
                     code, (int)store_fault(tx)->kind, store_fault(tx)->name, dm_err_text(&e));
        }
        store_rollback(tx);
    }
}

static void foreign_keys_hold(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_int_equal(
        store_exec(tx, &q[ADD_FAMILY], STORE_ARGS(store_i(99), store_t("x")), NULL, &e),
        DM_ECONFLICT);
    assert_int_equal(store_fault(tx)->kind, STORE_FAULT_FOREIGN_KEY);
    store_rollback(tx);
}

/* ---- many rows ------------------------------------------------------------------------------- */

/* One statement for many rows: numbers in order, the first failure counts, nothing of it stays. */
static void each_row_gets_its_number(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    enum { N = 150 };
    static char code[N][16];
    static struct store_value rows[N * 2];
    int64_t id[N];
    for (int i = 0; i < N; i++) {
        (void)snprintf(code[i], sizeof(code[i]), "EACH%d", i);
        rows[2 * i] = store_t(code[i]);
        rows[2 * i + 1] = store_t("x");
    }
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_ok(store_each(tx, &q[ADD_CATEGORY], rows, N, id, &e), &e);
    for (int i = 1; i < N; i++) {
        assert_int_equal(id[i], id[0] + i);
    }
    assert_int_equal(count_of(tx, "EACH149"), 1);
    assert_ok(store_each(tx, &q[ADD_CATEGORY], rows, 0, id, &e), &e);
    const struct store_value families[] = {store_i(id[0]), store_t("a"), store_i(id[1]),
                                           store_t("b")};
    assert_ok(store_each(tx, &q[ADD_FAMILY], families, 2, NULL, &e), &e);
    commit(tx);

    tx = begin(db->store, STORE_WRITE);
    assert_ok(store_save(tx, &e), &e);
    (void)snprintf(code[0], sizeof(code[0]), "FRESH");
    assert_int_equal(store_each(tx, &q[ADD_CATEGORY], rows, N, id, &e), DM_ECONFLICT);
    assert_int_equal(store_fault(tx)->kind, STORE_FAULT_UNIQUE);
    assert_string_equal(store_fault(tx)->name, "product_categories_code_key");
    assert_int_equal(store_each(tx, &q[ADD_CATEGORY], rows, 1, id, &e), DM_ECONFLICT);
    assert_ok(store_restore(tx, &e), &e);
    assert_int_equal(count_of(tx, "FRESH"), 0);
    rows[0] = store_t("no");
    assert_int_equal(store_each(tx, &q[ADD_CATEGORY], rows, 1, id, &e), DM_EBADINPUT);
    assert_int_equal(store_commit(&tx, &e), DM_EBADINPUT);

    tx = begin(db->store, STORE_READ);
    assert_int_equal(store_each(tx, &q[NONE], rows, 1, id, &e), DM_ENOTFOUND);
    assert_int_equal(count_of(tx, "EACH1"), 1); /* an answer, not a failure */
    assert_int_equal(store_each(tx, &q[TWO], rows, 1, id, &e), DM_EINTERNAL);
    store_rollback(tx);
}

static const struct store_bulk states = {
    "test.bulk", "product_states", "code, name, description, is_sellable, sort_order", "tttbi"};

static void bulk_rows_arrive(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    enum { N = 1500 };
    struct store_value *rows = calloc(N * 5, sizeof(*rows));
    char(*code)[16] = calloc(N, sizeof(*code));
    assert_non_null(rows);
    assert_non_null(code);
    for (int i = 0; i < N; i++) {
        (void)snprintf(code[i], sizeof(code[i]), "BULK_%d", i);
        struct store_value *v = &rows[(size_t)i * 5];
        v[0] = store_t(code[i]);
        v[1] = store_t(i % 2 ? "tab\tline\nback\\slash \\N" : "ñandú");
        v[2] = i % 3 ? store_t("") : store_null();
        v[3] = store_b(i % 5 == 0);
        v[4] = store_i(i);
    }
    struct store_tx *tx = begin(db->store, STORE_WRITE);
    assert_ok(store_insert(tx, &states, rows, N, &e), &e);
    assert_ok(store_insert(tx, &states, rows, 0, &e), &e);
    static const struct store_query check = {
        "test.bulk_check",
        "SELECT count(*), sum(sort_order), count(description), "
        "sum(CASE WHEN is_sellable THEN 1 ELSE 0 END), min(name), max(name) "
        "FROM product_states WHERE code LIKE 'BULK%'",
        "", "iiiitt"};
    struct dm_arena a = {0};
    const struct store_value *v;
    assert_ok(store_one(tx, &check, STORE_NO_ARGS, &a, &v, &e), &e);
    assert_int_equal(v[0].i, N);
    assert_int_equal(v[1].i, N * (N - 1) / 2);
    assert_int_equal(v[2].i, N - N / 3);
    assert_int_equal(v[3].i, N / 5);
    assert_string_equal(v[4].t, "tab\tline\nback\\slash \\N");
    assert_string_equal(v[5].t, "ñandú");
    commit(tx);
    tx = begin(db->store, STORE_WRITE);
    assert_int_equal(store_insert(tx, &states, rows, 2, &e), DM_ECONFLICT);
    assert_int_equal(store_fault(tx)->kind, STORE_FAULT_UNIQUE);
    assert_string_equal(store_fault(tx)->name, "product_states_code_key");
    store_rollback(tx);
    rows[1] = store_t("\xff");
    tx = begin(db->store, STORE_WRITE);
    assert_int_equal(store_insert(tx, &states, rows, 2, &e), DM_EBADINPUT);
    store_rollback(tx);
    dm_arena_clear(&a);
    free(rows);
    free(code);
}

/* The log names a statement and never its values. */
static void statements_are_echoed(void **state)
{
    const struct db *db = *state;
    const struct store_options o = {.echo = true};
    static const struct store_query find = {
        "test.find", "SELECT count(*) FROM users WHERE email = ?1", "t", "i", false};
    DM_CLEANUP(store_closep) struct store *s = db_reopen(db, &o);
    struct dm_err e = {0};
    char text[4096] = "";
    int fd[2];
    int64_t n;
    assert_int_equal(pipe(fd), 0);
    struct store_tx *tx = begin(s, STORE_READ);
    dm_log_setup(fd[1], DM_LOG_INFO, DM_LOG_TEXT);
    assert_ok(store_int(tx, &find, STORE_ARGS(store_t("secreto@vivero")), &n, &e), &e);
    dm_log_setup(STDERR_FILENO, DM_LOG_INFO, DM_LOG_TEXT);
    store_rollback(tx);
    assert_true(read(fd[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "query=test.find"));
    assert_non_null(strstr(text, "FROM users WHERE email"));
    assert_null(strstr(text, "secreto"));
    assert_int_equal(close(fd[0]) + close(fd[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(every_query_runs),
        DB_TEST(values_come_back),
        DB_TEST(nulls_go_both_ways),
        DB_TEST(dialect_says_the_same),
        DB_TEST(bad_values_are_refused_alike),
        DB_TEST(one_row_or_none),
        DB_TEST(cursors_nest),
        DB_TEST(changed_rows_are_counted),
        DB_TEST(a_query_may_be_built),
        DB_TEST(wrong_queries_are_found),
        DB_TEST(committed_stays_the_rest_goes),
        DB_TEST(readers_see_a_snapshot),
        DB_TEST(readers_do_not_write),
        DB_TEST(failed_is_failed),
        DB_TEST(savepoints_nest),
        DB_TEST(run_tries_again),
        DB_TEST(faults_have_names),
        DB_TEST(foreign_keys_hold),
        DB_TEST(each_row_gets_its_number),
        DB_TEST(bulk_rows_arrive),
        DB_TEST(statements_are_echoed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

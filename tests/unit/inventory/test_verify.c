/* SPDX-License-Identifier: Apache-2.0
 *
 * Every check of the verifier: sound books pass, and each planted fault is found. Faults the
 * database itself refuses are planted with that rule taken away, in a transaction that is undone.
 */
#include "support/books.h"

#include <string.h>

#include "inventory/verify.h"

struct plant {
    const char *check, *entity;
    int64_t id;
    const char *sql[4]; /* statements; how rules are taken away differs between the engines */
};

#define UUID(n) "'00000000-0000-4000-8000-0000000000" n "'"

/* Rules that stand in the way. PostgreSQL names what it drops, SQLite drops what it names. */
#define NO_CHECKS(table, constraint)                                                               \
    "\n--@sqlite\nPRAGMA ignore_check_constraints = ON"                                            \
    "\n--@postgresql\nALTER TABLE " table " DROP CONSTRAINT " constraint "\n--@both\n"
#define NO_GUARD(table)                                                                            \
    "\n--@sqlite\nDROP TRIGGER " table "_no_update"                                                \
    "\n--@postgresql\nALTER TABLE " table " DISABLE TRIGGER USER\n--@both\n"
#define NO_DELETE_GUARD(table)                                                                     \
    "\n--@sqlite\nDROP TRIGGER " table "_no_delete"                                                \
    "\n--@postgresql\nALTER TABLE " table " DISABLE TRIGGER USER\n--@both\n"

static const struct plant plants[] = {
    {"batch_sum",
     "stock_batches",
     2,
     {"UPDATE stock_batches SET quantity_current = 6 WHERE id = 2"}},
    {"batch_status",
     "stock_batches",
     2,
     {"UPDATE stock_batches SET status = 'depleted' WHERE id = 2"}},
    {"batch_first",
     "stock_batches",
     2,
     {"UPDATE stock_batches SET quantity_initial = 9 WHERE id = 2"}},
    {"batch_first",
     "stock_batches",
     9,
     {"INSERT INTO stock_batches (id, batch_code, stock_period_id, storage_bin_id, product_id,"
      " product_state_id, has_packaging, quantity_initial, quantity_current, status) SELECT 9,"
      " 'LOC1-PROD2-20260301-001', 2, 1, 2, product_state_id, FALSE, 1, 0, 'depleted' FROM"
      " stock_batches WHERE id = 2"}},
    {"claro_sum",
     "storage_locations",
     1,
     {"UPDATE stock_batches SET quantity_current = 1 WHERE id = 1"}},
    {"period_open",
     "storage_locations",
     1,
     {"DROP INDEX stock_periods_storage_location_id_key",
      "INSERT INTO stock_periods (id, storage_location_id, seq, opened_kind, opened_at,"
      " opening_count) VALUES (9, 1, 3, 'manual_init', '2026-03-01T00:00:00.000Z', 0)"}},
    {"period_seq", "storage_locations", 2, {"UPDATE stock_periods SET seq = 2 WHERE id = 3"}},
    {"period_chain",
     "stock_periods",
     2,
     {"UPDATE stock_periods SET opened_at = '2026-02-28T12:00:01.000Z' WHERE id = 2"}},
    {"period_ends",
     "stock_periods",
     1,
     {NO_CHECKS("stock_periods", "stock_periods_closed_order_check"),
      "UPDATE stock_periods SET closed_at = '2026-01-30T12:00:00.000Z' WHERE id = 1"}},
    {"opening_count",
     "stock_periods",
     1,
     {"UPDATE stock_periods SET opening_count = 11 WHERE id = 1"}},
    {"closing_count",
     "stock_periods",
     1,
     {"UPDATE stock_periods SET closing_count = 7 WHERE id = 1"}},
    {"count_balance",
     "stock_periods",
     2,
     {NO_GUARD("stock_movements"), "UPDATE stock_movements SET quantity = -7 WHERE id = 5"}},
    {"transplant_group",
     "stock_movements",
     7,
     {NO_GUARD("stock_movements"), "UPDATE stock_movements SET quantity = 2 WHERE id = 8"}},
    {"transplant_alone",
     "stock_movements",
     8,
     {NO_GUARD("stock_movements"), "UPDATE stock_movements SET group_uuid = NULL WHERE id = 8"}},
    {"movement_time",
     "stock_movements",
     3,
     {NO_GUARD("stock_movements"),
      "UPDATE stock_movements SET occurred_at = '2026-02-28T12:00:00.001Z' WHERE id = 3"}},
    {"movement_carry",
     "stock_movements",
     9,
     {"INSERT INTO stock_movements (id, uuid, stock_batch_id, movement_type, source_type, role,"
      " quantity, is_inbound, destination_bin_id, reverses_movement_id, user_id, occurred_at)"
      " VALUES (9, " UUID("29") ", 1, 'muerte', 'manual', 'carry', 1, TRUE, 1, 3, 10,"
                                " '2026-02-11T12:00:00.000Z')"}},
    {"sale_source",
     "stock_movements",
     4,
     {"UPDATE product_states SET is_sellable = FALSE WHERE code = 'ADULT'"}},
    {"sale_source",
     "stock_movements",
     4,
     {"UPDATE storage_bins SET category = 'seedling_tray' WHERE id = 1"}},
    {"reconciliation_totals",
     "reconciliations",
     1,
     {NO_CHECKS("reconciliations", "reconciliations_balance_check"),
      "UPDATE reconciliations SET loss_total = 1 WHERE id = 1"}},
    {"reconciliation_lines",
     "reconciliations",
     1,
     {"DELETE FROM reconciliation_lines WHERE id = 1"}},
    {"reconciliation_line",
     "reconciliation_lines",
     1,
     {NO_CHECKS("reconciliation_lines", "reconciliation_lines_expected_check"),
      "UPDATE reconciliation_lines SET planted = 3 WHERE id = 1"}},
    {"reconciliation_movements",
     "reconciliations",
     1,
     {"UPDATE reconciliations SET sales_total = 2, loss_total = 1 WHERE id = 1"}},
    {"reconciliation_draft", "reconciliations", 1, {"UPDATE reconciliations SET status = 'draft'"}},
    {"reversal_twice",
     "stock_movements",
     2,
     {"\n--@sqlite\nUPDATE sqlite_master SET type = type WHERE FALSE\n--@postgresql\nALTER TABLE"
      " stock_movements DROP CONSTRAINT stock_movements_reverses_movement_id_key\n--@both\n",
      "INSERT INTO stock_movements (id, uuid, stock_batch_id, movement_type, source_type,"
      " quantity, is_inbound, source_bin_id, reverses_movement_id, user_id, occurred_at) VALUES"
      " (9, " UUID(
          "29") ", 1, 'plantar', 'manual', -2, FALSE, 1, 2, 10, '2026-02-06T00:00:00.000Z'),"
                " (10, " UUID("30") ", 1, 'plantar', 'manual', -2, FALSE, 1, 2, 10, "
                                    "'2026-02-06T00:00:00.000Z')"}},
    {"reversal_pair",
     "stock_movements",
     9,
     {"INSERT INTO stock_movements (id, uuid, stock_batch_id, movement_type, source_type,"
      " quantity, is_inbound, source_bin_id, reverses_movement_id, user_id, occurred_at) VALUES"
      " (9, " UUID(
          "29") ", 1, 'plantar', 'manual', -1, FALSE, 1, 2, 10, '2026-02-06T00:00:00.000Z')"}},
    {"reversal_reversed",
     "stock_movements",
     10,
     {"INSERT INTO stock_movements (id, uuid, stock_batch_id, movement_type, source_type,"
      " quantity, is_inbound, source_bin_id, destination_bin_id, reverses_movement_id, user_id,"
      " occurred_at) VALUES"
      " (9, " UUID(
          "29") ", 1, 'plantar', 'manual', -2, FALSE, 1, NULL, 2, 10, '2026-02-06T00:00:00.000Z'),"
                " (10, " UUID("30") ", 1, 'plantar', 'manual', 2, TRUE, NULL, 1, 9, 10, "
                                    "'2026-02-06T00:00:00.000Z')"}},
    {"period_balance",
     "stock_periods",
     1,
     {NO_GUARD("stock_movements"), "UPDATE stock_movements SET quantity = 3 WHERE id = 2"}},
    {"config_active",
     "storage_locations",
     1,
     {"DELETE FROM storage_location_configs WHERE id = 99",
      "UPDATE storage_location_configs SET active = FALSE, valid_to = '2026-06-01T00:00:00.000Z'"
      " WHERE id = 2"}},
    {"config_chain",
     "storage_location_configs",
     1,
     {"UPDATE storage_location_configs SET valid_to = '2025-12-31T00:00:00.000Z' WHERE id = 1"}},
    {"posted_session",
     "photo_processing_sessions",
     2,
     {"UPDATE photo_processing_sessions SET warning = 'needs_calibration' WHERE id = 2"}},
    {"posted_count",
     "photo_processing_sessions",
     2,
     {"INSERT INTO session_adjustments (session_id, session_segment_id, kind, quantity_delta,"
      " reason, user_id) VALUES (2, 2, 'add_plants', 1, 'one more', 10)"}},
    {"session_segments",
     "photo_processing_sessions",
     1,
     {"UPDATE photo_processing_sessions SET total_detected = 4 WHERE id = 1"}},
    {"segment_detections",
     "session_segments",
     1,
     {NO_DELETE_GUARD("detections"), "DELETE FROM detections WHERE id = 1"}},
    {"segment_estimations",
     "session_segments",
     2,
     {NO_DELETE_GUARD("estimations"), "DELETE FROM estimations WHERE id = 3"}},
    {"closed_batch_line",
     "stock_batches",
     1,
     {"UPDATE stock_batches SET product_id = 2 WHERE id = 1"}},
    {"closed_batch_bin",
     "stock_batches",
     1,
     {"UPDATE stock_batches SET storage_bin_id = 3 WHERE id = 1"}},
    {"batch_claro",
     "stock_batches",
     2,
     {"UPDATE stock_batches SET storage_bin_id = 2 WHERE id = 2"}},
    {"retired_bin", "storage_bins", 1, {"UPDATE storage_bins SET status = 'retired' WHERE id = 1"}},
    {"inactive_warehouse", "warehouses", 1, {"UPDATE warehouses SET active = FALSE"}},
    {"inactive_area", "storage_areas", 1, {"UPDATE storage_areas SET active = FALSE"}},
    {"inactive_claro",
     "storage_locations",
     2,
     {"UPDATE storage_locations SET active = FALSE WHERE id = 2"}},
    {"inactive_bin_type",
     "storage_bin_types",
     9,
     {"UPDATE storage_bin_types SET active = FALSE WHERE code = 'SEGMENT_STANDARD'"}},
    {"geometry_valid",
     "storage_locations",
     2,
     {"UPDATE storage_locations SET geojson = '{}' WHERE id = 2"}},
    {"geometry_area",
     "storage_locations",
     2,
     {"UPDATE storage_locations SET area_m2 = 8 WHERE id = 2"}},
    {"geometry_centroid",
     "storage_areas",
     1,
     {"UPDATE storage_areas SET centroid_lon = centroid_lon + 0.00001"}},
    {"geometry_box",
     "warehouses",
     1,
     {"UPDATE warehouses SET bbox_max_lat = bbox_max_lat + 0.00001"}},
    {"geometry_nested",
     "storage_areas",
     1,
     {"UPDATE warehouses SET geojson = (SELECT geojson FROM storage_locations WHERE id = 1),"
      " area_m2 = (SELECT area_m2 FROM storage_locations WHERE id = 1), centroid_lon = (SELECT"
      " centroid_lon FROM storage_locations WHERE id = 1), centroid_lat = (SELECT centroid_lat FROM"
      " storage_locations WHERE id = 1), bbox_min_lon = (SELECT bbox_min_lon FROM storage_locations"
      " WHERE id = 1), bbox_min_lat = (SELECT bbox_min_lat FROM storage_locations WHERE id = 1),"
      " bbox_max_lon = (SELECT bbox_max_lon FROM storage_locations WHERE id = 1), bbox_max_lat ="
      " (SELECT bbox_max_lat FROM storage_locations WHERE id = 1)"}},
    {"batch_packaging",
     "stock_batches",
     2,
     {NO_CHECKS("stock_batches", "stock_batches_has_packaging_set_check"),
      "UPDATE stock_batches SET has_packaging = FALSE WHERE id = 2"}},
    {"movement_sign",
     "stock_movements",
     2,
     {NO_CHECKS("stock_movements", "stock_movements_is_inbound_sign_check"),
      NO_GUARD("stock_movements"), "UPDATE stock_movements SET is_inbound = FALSE WHERE id = 2"}},
    {"density",
     "density_parameters",
     1,
     {NO_CHECKS("density_parameters", "density_parameters_per_m2_check"),
      "UPDATE density_parameters SET plants_per_m2 = 401"}},
    {"original_blob", "images", 2, {"DELETE FROM image_blobs WHERE id = 2"}},
    {"original_hash",
     "image_blobs",
     2,
     {"UPDATE image_blobs SET sha256 = "
      "'0000000000000000000000000000000000000000000000000000000000000002' WHERE id = 2"}},
    {"blob_bytes",
     "image_blobs",
     1,
     {"UPDATE image_blobs SET data ="
      "\n--@sqlite\nx'616264'\n--@postgresql\n'\\x616264'\n--@both\n WHERE id = 1"}},
    {"job_lease",
     "jobs",
     1,
     {NO_CHECKS("jobs", "jobs_lease_check"),
      "UPDATE jobs SET lease_until = '2026-01-31T13:00:00.000Z'"}},
    {"job_finished", "jobs", 1, {"UPDATE jobs SET finished_at = NULL"}},
    {"admin", "users", 0, {"UPDATE users SET active = FALSE WHERE id = 10"}},
    {"blob_store",
     "image_blobs",
     2,
     {NO_CHECKS("image_blobs", "image_blobs_place_check"),
      "UPDATE image_blobs SET store = 'db' WHERE id = 2"}},
    {"export_store",
     "export_files",
     1,
     {NO_CHECKS("export_files", "export_files_place_check"),
      "INSERT INTO export_files (id, user_id, report, format, filter, row_count, size_bytes, store,"
      " storage_key, expires_at) VALUES (1, 10, 'stock', 'csv', '{}', 1, 1, 'db', 'k',"
      " '2027-01-01T00:00:00.000Z')"}},
    {"blob_columns",
     "schema",
     0,
     {"ALTER TABLE users ADD COLUMN portrait \n--@sqlite\nBLOB\n--@postgresql\nBYTEA"}},
};

/* SQLite keeps the uniqueness of a column constraint in an index nobody can drop; the box price is
 * computed by both engines. These two cannot be planted there. */
static bool impossible(const struct plant *p, const char *engine)
{
    return strcmp(p->check, "reversal_twice") == 0 && strcmp(engine, "sqlite") == 0;
}

static const struct verify_violation *find(const struct verify_report *r, const struct plant *p)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct verify_violation *v = &r->list[i];
        if (!strcmp(v->check, p->check) && !strcmp(v->entity, p->entity) && v->id == p->id) {
            return v;
        }
    }
    return NULL;
}

static void plant_one(struct db *db, const struct plant *p)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    struct verify_report r;
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    for (size_t i = 0; i < DM_COUNT(p->sql) && p->sql[i]; i++) {
        books_sql(tx, p->sql[i]);
    }
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e);
    const struct verify_violation *v = find(&r, p);
    if (!v) {
        fail_msg("%s is not found on %s (%zu others)", p->check, db->engine, r.n);
    }
    assert_true(v->detail[0] != '\0');
    assert_true(r.by_invariant[v->invariant] > 0);
    assert_true(r.held < VERIFY_INVARIANTS);
    struct verify_report alone;
    assert_ok(verify_books(tx, v->invariant, &a, &alone, &e), &e);
    assert_non_null(find(&alone, p));
    assert_int_equal(alone.total, r.by_invariant[v->invariant]);
    if (!strcmp(db->engine, "sqlite")) {
        books_sql(tx, "PRAGMA ignore_check_constraints = OFF");
    }
    store_rollback(tx);
}

static void planted_faults_are_found(void **state)
{
    struct db *db = *state;
    books_tiny(db->store);
    for (size_t i = 0; i < DM_COUNT(plants); i++) {
        if (!impossible(&plants[i], db->engine)) {
            plant_one(db, &plants[i]);
        }
    }
}

static void sound_books_pass(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    struct verify_report r;
    assert_ok(store_begin(db->store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e); /* empty */
    assert_int_equal(r.total, 0);
    store_rollback(tx);
    books_tiny(db->store);
    assert_ok(store_begin(db->store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e);
    for (size_t i = 0; i < r.n; i++) {
        print_message("%d %s %s %lld: %s\n", r.list[i].invariant, r.list[i].check, r.list[i].entity,
                      (long long)r.list[i].id, r.list[i].detail);
    }
    assert_int_equal(r.total, 0);
    assert_int_equal(r.held, VERIFY_INVARIANTS);
    store_rollback(tx);
}

/* Every check of the table is planted above, but for the box price. */
static void every_check_has_its_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < verify_queries.n; i++) {
        const char *name = verify_queries.q[i].name + strlen("verify.");
        bool planted = !strcmp(name, "box_price");
        for (size_t k = 0; k < DM_COUNT(plants); k++) {
            planted = planted || !strcmp(plants[k].check, name);
        }
        if (!planted) {
            fail_msg("nothing is planted for %s", name);
        }
    }
    for (int i = 1; i <= VERIFY_INVARIANTS; i++) {
        assert_true(strlen(verify_title(i)) > 10);
    }
}

static void many_violations_are_counted_and_cut(void **state)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct db *db = *state;
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    struct verify_report r;
    books_tiny(db->store);
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    for (int i = 0; i < VERIFY_LIST_MAX + 50; i++) {
        char sql[512];
        (void)snprintf(
            sql, sizeof(sql),
            "INSERT INTO jobs (id, uuid, kind, status, payload, user_id, run_after) VALUES"
            " (%d, '00000000-0000-4000-9000-%012d', 'export', 'failed', '{}', 10, {now})",
            1000 + i, i);
        books_sql(tx, sql);
    }
    assert_ok(verify_books(tx, 0, &a, &r, &e), &e);
    assert_int_equal(r.by_invariant[23], VERIFY_LIST_MAX + 50);
    assert_int_equal(r.n, VERIFY_LIST_MAX);
    assert_int_equal(r.held, VERIFY_INVARIANTS - 1);
    store_rollback(tx);
}

static void queries_fit_both_engines(void **state)
{
    struct db *db = *state;
    db_check_queries(db->store, &verify_queries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(sound_books_pass),
        DB_TEST(planted_faults_are_found),
        cmocka_unit_test(every_check_has_its_fault),
        DB_TEST(many_violations_are_counted_and_cut),
        DB_TEST(queries_fit_both_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "support/db_history.h"

#include "support/testing.h"

/* The smallest history that has a row in each of the tables; ids are 1 unless said. */
static const char *const history[] = {
    "INSERT INTO users (email, password_hash, first_name, last_name, role) "
    "VALUES ('a@b', 'x', 'a', 'b', 'admin')",
    "INSERT INTO warehouses (code, name, warehouse_type, geojson, centroid_lon, centroid_lat, "
    "area_m2, bbox_min_lon, bbox_min_lat, bbox_max_lon, bbox_max_lat) "
    "VALUES ('N1', 'Nave 1', 'greenhouse', '{}', 0, 0, 1, 0, 0, 1, 1)",
    "INSERT INTO storage_areas (warehouse_id, code, name, geojson, centroid_lon, centroid_lat, "
    "area_m2, bbox_min_lon, bbox_min_lat, bbox_max_lon, bbox_max_lat) "
    "VALUES (1, 'N1-N', 'Norte', '{}', 0, 0, 1, 0, 0, 1, 1)",
    "INSERT INTO storage_locations (storage_area_id, code, qr_code, name, geojson, centroid_lon, "
    "centroid_lat, area_m2, bbox_min_lon, bbox_min_lat, bbox_max_lon, bbox_max_lat) "
    "VALUES (1, 'N1-N-C1', 'LOC000001', 'Claro 1', '{}', 0, 0, 1, 0, 0, 1, 1)",
    "INSERT INTO storage_locations (storage_area_id, code, qr_code, name, geojson, centroid_lon, "
    "centroid_lat, area_m2, bbox_min_lon, bbox_min_lat, bbox_max_lon, bbox_max_lat) "
    "VALUES (1, 'N1-N-C2', 'LOC000002', 'Claro 2', '{\"coordinates\":[[[0.1,1.5],[2,3e-9]]]}', "
    "0.1, -33.123456789012345, 1.1, 0, 0, 1, 1)",
    "INSERT INTO location_relationships (parent_location_id, child_location_id, relation) "
    "VALUES (1, 2, 'adjacent_to')",
    "INSERT INTO storage_bins (storage_location_id, storage_bin_type_id, code, category, ordinal) "
    "VALUES (1, 9, 'N1-N-C1-SEG001', 'segment', 1)",
    "INSERT INTO product_families (product_category_id, name) VALUES (1, 'Mammillaria')",
    "INSERT INTO products (product_family_id, sku, common_name) VALUES (1, 'MAMM-001', 'Mamm')",
    "INSERT INTO packaging_catalog (packaging_type_id, packaging_material_id, packaging_color_id, "
    "sku, name) VALUES (1, 1, 1, 'RIG-R5-TER', 'R5')",
    "INSERT INTO price_list_items (packaging_catalog_id, product_category_id, sku, "
    "wholesale_unit_price_cents, units_per_box) VALUES (1, 1, 'C R5 T-1', 105000, 40)",
    "INSERT INTO price_list_revisions (price_list_item_id, user_id, old_values, new_values) "
    "VALUES (1, 2, '{}', '{}')",
    "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px, sha256, "
    "captured_at, captured_at_source, uploaded_by_user_id) VALUES "
    "('00000000-0000-4000-8000-000000000001', 'image/jpeg', 1, 1, 1, "
    "'0000000000000000000000000000000000000000000000000000000000000000', "
    "'2026-01-01T00:00:00.000Z', 'exif', 2)",
    "INSERT INTO photo_processing_sessions (uuid, image_id, storage_location_id, captured_at) "
    "VALUES "
    "('00000000-0000-4000-8000-000000000002', 1, 1, '2026-01-01T00:00:00.000Z'), "
    "('00000000-0000-4000-8000-000000000003', 1, 1, '2026-01-01T00:00:00.000Z')",
    "UPDATE photo_processing_sessions SET posting_status = 'posted', "
    "posted_at = '2026-01-01T00:00:00.000Z' WHERE id = 1",
    "UPDATE storage_locations SET latest_session_id = 2 WHERE id = 1",
    "INSERT INTO session_segments (session_id, category, ordinal, polygon, bbox, mask_area_px, "
    "confidence) VALUES (1, 'segment', 1, '[]', '{}', 10, 0.5), (2, 'segment', 1, '[]', '{}', 10, "
    "1)",
    "INSERT INTO classifications (product_id, product_conf, model_version) VALUES (1, 0.5, 'v')",
    "INSERT INTO storage_location_configs (storage_location_id, product_id, "
    "expected_product_state_id, area_cm2, valid_from, created_by_user_id) "
    "VALUES (1, 1, 5, 12500.5, '2026-01-01T00:00:00.001Z', 2)",
    "INSERT INTO upload_batches (uuid, user_id, total_files, rejected_files, rejections) VALUES "
    "('00000000-0000-4000-8000-000000000008', 2, 2, 1, "
    "'[{\"file\":\"ñ.jpg\",\"reason\":\"big\"}]')",
    "INSERT INTO product_sample_images (product_id, image_id, sample_type, capture_date, "
    "captured_by_user_id, is_primary) VALUES (1, 1, 'reference', '2026-02-28', 2, TRUE)",
    "INSERT INTO stock_periods (storage_location_id, seq, opened_kind, opened_at, "
    "opening_session_id, opening_count) VALUES (1, 1, 'foto', '2026-01-01T00:00:00.000Z', 1, 5)",
    "INSERT INTO stock_batches (batch_code, stock_period_id, storage_bin_id, product_id, "
    "product_state_id, has_packaging, quantity_initial, quantity_current) "
    "VALUES ('LOC1-PROD1-20260101-001', 1, 1, 1, 5, FALSE, 5, 5)",
    "INSERT INTO stock_movements (uuid, stock_batch_id, movement_type, source_type, role, "
    "quantity, "
    "is_inbound, destination_bin_id, session_id, user_id, occurred_at) VALUES "
    "('00000000-0000-4000-8000-000000000004', 1, 'foto', 'ia', 'opening', 5, TRUE, 1, 1, 2, "
    "'2026-01-01T00:00:00.000Z')",
    "INSERT INTO detections (session_id, session_segment_id, center_x_px, center_y_px, width_px, "
    "height_px, confidence) VALUES (1, 1, 1, 1, 1, 1, 1), (2, 2, 1, 1, 1, 1, 1)",
    "INSERT INTO estimations (session_id, session_segment_id, detected_area_cm2, estimated_count, "
    "calculation_method, used_density_parameters) VALUES (1, 1, 1, 1, 'grid_analysis', FALSE), "
    "(2, 2, 1, 1, 'grid_analysis', FALSE)",
    "INSERT INTO session_adjustments (session_id, kind, quantity_delta, reason, user_id) "
    "VALUES (1, 'add_plants', 1, 'forgotten', 2)",
    "INSERT INTO density_parameters (storage_bin_type_id, avg_area_per_plant_cm2, plants_per_m2, "
    "avg_diameter_cm) VALUES (9, 25, 400, 5)",
    "INSERT INTO density_calibrations (density_parameter_id, sample_size, old_values, new_values, "
    "applied) VALUES (1, 3, '{}', '{}', FALSE)",
    "INSERT INTO sales_imports (uuid, file_names, file_sha256s, row_count, bad_row_count, user_id) "
    "VALUES ('00000000-0000-4000-8000-000000000005', '[]', '[]', 1, 1, 2)",
    "INSERT INTO sales_import_rows (sales_import_id, file_no, line_no, raw, error) "
    "VALUES (1, 1, 1, '{}', 'bad')",
    "INSERT INTO audit_log (action, entity_type) VALUES ('login', 'user')",
    "INSERT INTO audit_log (action, entity_type, created_at) "
    "VALUES ('old', 'user', '2020-01-01T00:00:00.000Z')",
    "INSERT INTO idempotency_keys (key, user_id, request_sha256, response_status, response_body) "
    "VALUES ('00000000-0000-4000-8000-000000000006', 2, 'x', 200, '{}')",
    "INSERT INTO idempotency_keys (key, user_id, request_sha256, response_status, response_body, "
    "created_at) VALUES ('00000000-0000-4000-8000-000000000007', 2, 'x', 200, '{}', "
    "'2020-01-01T00:00:00.000Z')",
    "INSERT INTO stock_movements (uuid, stock_batch_id, movement_type, source_type, quantity, "
    "is_inbound, source_bin_id, destination_bin_id, unit_price_cents, total_price_cents, user_id, "
    "occurred_at, reverses_movement_id) VALUES ('00000000-0000-4000-8000-00000000000a', 1, "
    "'ventas', 'manual', -5, FALSE, 1, NULL, 105000, 525000, 2, '2026-01-02T03:04:05.678Z', NULL), "
    "('00000000-0000-4000-8000-00000000000b', 1, 'ventas', 'manual', 5, TRUE, NULL, 1, 105000, "
    "525000, 2, '2026-01-02T03:04:05.679Z', 2)",
    "INSERT INTO batch_code_counters (storage_location_id, product_id, code_date, last_seq) "
    "VALUES (1, 1, '2026-01-01', 1), (1, 1, '2025-12-31', 7)",
    "INSERT INTO reconciliations (stock_period_id, storage_location_id, counted_at, "
    "accounting_month, expected_total, observed_total, sales_total, loss_total, surplus_total, "
    "flags) "
    "VALUES (1, 1, '2026-01-31T12:00:00.000Z', '2026-01', 10, 7, 3, 0, 0, '[\"mixed_location\"]')",
    "INSERT INTO reconciliation_lines (reconciliation_id, product_id, line_group, outcome, "
    "opening, "
    "expected, observed, difference) VALUES (1, 1, 'sellable', 'sale', 10, 10, 7, 3)",
    "INSERT INTO sales_validation_lines (sales_import_id, product_id, system_logged, "
    "system_calculated, external, difference, tolerance, result) "
    "VALUES (1, 1, 1, 2, 5, -2, 5, 'match')",
    "INSERT INTO jobs (uuid, kind, payload, user_id, run_after, image_id) VALUES "
    "('00000000-0000-4000-8000-00000000000c', 'process_photo', '{\"a\":[1,2.5,null]}', 2, "
    "'2026-01-01T00:00:00.000Z', 1)",
    "INSERT INTO bulk_operations (uuid, kind, filter, parameters, affected_ids, affected_count, "
    "user_id, expires_at) VALUES ('00000000-0000-4000-8000-00000000000d', 'discount', '{}', '{}', "
    "'[1]', 1, 2, '2026-01-01T00:10:00.000Z')",
    "INSERT INTO refresh_tokens (user_id, token_hash, expires_at) "
    "VALUES (2, 'first', '2026-01-08T00:00:00.000Z'), (2, 'second', '2026-01-15T00:00:00.000Z')",
    "UPDATE refresh_tokens SET replaced_by_id = 2 WHERE id = 1", /* refers to a later row */
    "INSERT INTO app_settings (key, value) VALUES ('timezone', '\"America/Argentina/Mendoza\"'), "
    "('calibration_alpha', '0.2')",
    "INSERT INTO imports (uuid, kind, file_sha256, user_id, created_count, updated_count, "
    "skipped_count, failed_count, report) VALUES ('00000000-0000-4000-8000-00000000000e', 'map', "
    "'0000000000000000000000000000000000000000000000000000000000000000', 2, 1, 0, 0, 0, '{}')",
    "INSERT INTO import_changes (import_id, table_name, row_id, after) "
    "VALUES (1, 'warehouses', 1, '{\"name\":\"Nave 1\"}')",
    "INSERT INTO queue_pauses (queue, user_id) VALUES ('io_queue', 2)",
    "INSERT INTO queue_duties (duty, holder, held_until) "
    "VALUES ('sweep', 'w1', '2026-01-08T00:00:00.000Z')",
    "INSERT INTO api_tokens (user_id, name, hint, token_hash, scopes, expires_at) VALUES (2, "
    "'balanza', 'dmt_abcd', '0000000000000000000000000000000000000000000000000000000000000001', "
    "'[\"read\"]', '2027-01-01T00:00:00.000Z')",
    "INSERT INTO one_time_tokens (purpose, user_id, token_hash, path, expires_at) VALUES "
    "('ticket', 2, '0000000000000000000000000000000000000000000000000000000000000002', '/api', "
    "'2026-01-01T00:01:00.000Z')",
    "INSERT INTO webhooks (uuid, url, secret, events, user_id) VALUES "
    "('00000000-0000-4000-8000-000000000010', 'https://a.test/', 'x', '[\"movement.created\"]', 2)",
    "INSERT INTO webhook_deliveries (uuid, webhook_id, event, payload) VALUES "
    "('00000000-0000-4000-8000-000000000011', 1, 'movement.created', '{}')",
    "INSERT INTO stock_inbox (uuid, user_id, operation, reason) VALUES "
    "('00000000-0000-4000-8000-000000000012', 2, '{\"operation\":\"muerte\"}', 'too few')",
    "INSERT INTO idempotency_running (key, user_id, request_sha256) "
    "VALUES ('00000000-0000-4000-8000-00000000000f', 2, 'x')",
};

void db_history(struct store_tx *tx)
{
    for (size_t i = 0; i < DM_COUNT(history); i++) {
        struct dm_err e = {0};
        const struct store_query built = {"test.history", history[i], "", "", true};
        if (store_exec(tx, &built, STORE_NO_ARGS, NULL, &e) < 0) {
            fail_msg("%s: %s", history[i], dm_err_text(&e));
        }
    }
}

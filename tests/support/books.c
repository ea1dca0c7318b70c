/* SPDX-License-Identifier: Apache-2.0
 *
 * The tiny nursery. */
#include "support/books.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "geo/geo.h"

void books_sql(struct store_tx *tx, const char *sql)
{
    struct dm_err e = {0};
    const struct store_query q = {"tests.sql", sql, "", "", true};
    const int code = store_exec(tx, &q, STORE_NO_ARGS, NULL, &e);
    if (code < 0) {
        fail_msg("%s: %s", sql, dm_err_text(&e));
    }
}

int64_t books_int(struct store_tx *tx, const char *sql)
{
    struct dm_err e = {0};
    int64_t n = 0;
    const struct store_query q = {"tests.int", sql, "", "i", true};
    const int code = store_int(tx, &q, STORE_NO_ARGS, &n, &e);
    if (code < 0) {
        fail_msg("%s: %s", sql, dm_err_text(&e));
    }
    return n;
}

void books_place(struct store_tx *tx, const char *table, const char *columns, const char *values,
                 double x, double y, double w, double h)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf sql = dm_buf_init(1 << 16);
    struct dm_err e = {0};
    struct geo_polygon p;
    const double lon0 = -68.5;
    const double lat0 = -33.0;
    const double lat_m = 110900.0;
    const double lon_m = lat_m * cos(33.0 * 3.14159265358979 / 180.0);
    const double corner[5][2] = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}, {x, y}};
    struct geo_point ring[5];
    for (size_t i = 0; i < 5; i++) {
        ring[i] = (struct geo_point){lon0 + corner[i][0] / lon_m, lat0 + corner[i][1] / lat_m};
    }
    assert_ok(geo_polygon_of_ring(ring, 5, &a, &p, &e), &e);
    dm_buf_printf(&sql,
                  "INSERT INTO %s (%s, geojson, area_m2, centroid_lon, centroid_lat,"
                  " bbox_min_lon, bbox_min_lat, bbox_max_lon, bbox_max_lat) VALUES (%s, '%s',"
                  " %.17g, %.17g, %.17g, %.17g, %.17g, %.17g, %.17g)",
                  table, columns, values, geo_polygon_print(&p, &a), p.area_m2, p.centroid.lon,
                  p.centroid.lat, p.box.min_lon, p.box.min_lat, p.box.max_lon, p.box.max_lat);
    books_sql(tx, dm_buf_str(&sql));
}

static void places(struct store_tx *tx)
{
    books_place(tx, "warehouses", "id, code, name, warehouse_type",
                "1, 'NAVE01', 'Nave 1', 'greenhouse'", 0, 0, 20, 10);
    books_place(tx, "storage_areas", "id, warehouse_id, code, name, position",
                "1, 1, 'NAVE01-N', 'Cantero Norte', 'N'", 1, 1, 18, 8);
    books_place(tx, "storage_locations", "id, storage_area_id, code, qr_code, name",
                "1, 1, 'NAVE01-N-C01', 'LOC000001', 'Claro 1'", 2, 2, 4, 1.8);
    books_place(tx, "storage_locations", "id, storage_area_id, code, qr_code, name",
                "2, 1, 'NAVE01-N-C02', 'LOC000002', 'Claro 2'", 7, 2, 4, 1.8);
}

#define SEGMENT_TYPE "(SELECT id FROM storage_bin_types WHERE code = 'SEGMENT_STANDARD')"
#define PLUG_TYPE    "(SELECT id FROM storage_bin_types WHERE code = 'PLUG_TRAY_288')"
#define ADULT        "(SELECT id FROM product_states WHERE code = 'ADULT')"
#define SHA_OF_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER_SHA    "0000000000000000000000000000000000000000000000000000000000000001"
#define UUID(n)      "'00000000-0000-4000-8000-0000000000" n "'"
#define T1           "'2026-01-31T12:00:00.000Z'"
#define T2           "'2026-02-28T12:00:00.000Z'"

static const char *const statements[] = {
    "INSERT INTO users (id, email, first_name, last_name, role, password_hash) VALUES"
    " (10, 'admin@vivero.test', 'Ana', 'Rossi', 'admin', 'x')",
    "INSERT INTO product_families (id, product_category_id, name) VALUES (1, (SELECT id FROM"
    " product_categories WHERE code = 'CACTUS'), 'Mammillaria')",
    "INSERT INTO products (id, product_family_id, sku, common_name) VALUES"
    " (1, 1, 'MAMM-001', 'Mammillaria bocasana'), (2, 1, 'MAMM-002', 'Mammillaria plumosa')",
    "INSERT INTO packaging_catalog (id, packaging_type_id, packaging_material_id,"
    " packaging_color_id, sku, name, diameter_cm, height_cm) VALUES (1, (SELECT id FROM"
    " packaging_types WHERE code = 'RIGIDA'), (SELECT MIN(id) FROM packaging_materials), (SELECT"
    " id FROM packaging_colors WHERE code = 'TERRACOTA'), 'R5-TERRACOTA', 'R5 terracota', 5, 5)",
    "INSERT INTO price_list_items (id, packaging_catalog_id, product_category_id, sku,"
    " wholesale_unit_price_cents, units_per_box) VALUES (1, 1, (SELECT id FROM product_categories"
    " WHERE code = 'CACTUS'), 'C R5 T-1', 95000, 54)",
    "INSERT INTO storage_bins (id, storage_location_id, storage_bin_type_id, code, category,"
    " ordinal) VALUES (1, 1, " SEGMENT_TYPE ", 'NAVE01-N-C01-SEG001', 'segment', 1),"
    " (2, 2, " SEGMENT_TYPE ", 'NAVE01-N-C02-SEG001', 'segment', 1),"
    " (3, 1, " PLUG_TYPE ", 'NAVE01-N-C01-PLU001', 'plug', 1)",
    "INSERT INTO storage_location_configs (id, storage_location_id, product_id,"
    " packaging_catalog_id, expected_product_state_id, area_cm2, active, valid_from, valid_to,"
    " created_by_user_id) VALUES"
    " (1, 1, 2, 1, " ADULT ", 72000, FALSE, '2025-12-01T00:00:00.000Z',"
    " '2026-01-01T00:00:00.000Z', 10),"
    " (2, 1, 1, 1, " ADULT ", 72000, TRUE, '2026-01-01T00:00:00.000Z', NULL, 10)",
    "INSERT INTO density_parameters (id, storage_bin_type_id, product_id, packaging_catalog_id,"
    " avg_area_per_plant_cm2, plants_per_m2, avg_diameter_cm) VALUES"
    " (1, " SEGMENT_TYPE ", 1, 1, 25, 400, 5)",
    "INSERT INTO images (id, uuid, content_type, file_size_bytes, width_px, height_px, sha256,"
    " captured_at, captured_at_source, uploaded_by_user_id, status) VALUES"
    " (1, " UUID("01") ", 'image/jpeg', 3, 40, 30, '" SHA_OF_ABC "', " T1 ", 'exif', 10, 'ready'),"
                       " (2, " UUID("02") ", 'image/jpeg', 3, 40, 30, '" OTHER_SHA "', " T2
                                          ", 'exif', 10, 'ready')",
    "INSERT INTO image_blobs (id, image_id, variant, store, storage_key, data, content_type,"
    " size_bytes, sha256, width_px, height_px) VALUES"
    "\n--@sqlite\n (1, 1, 'original', 'db', NULL, x'616263', "
    "\n--@postgresql\n (1, 1, 'original', 'db', NULL, '\\x616263', "
    "\n--@both\n'image/jpeg', 3, '" SHA_OF_ABC "', 40, 30),"
    " (2, 2, 'original', 'dir', 'a/b.jpg', NULL, 'image/jpeg', 3, '" OTHER_SHA "', 40, 30)",
    "INSERT INTO photo_processing_sessions (id, uuid, image_id, storage_location_id,"
    " location_source, config_id, captured_at, status, total_detected, total_estimated,"
    " total_empty_containers, avg_confidence, posting_status, posted_at) VALUES"
    " (1, " UUID("11") ", 1, 1, 'explicit', 2, " T1 ", 'completed', 3, 7, 1, 0.8, 'posted', " T1
                       "), (2, " UUID("12") ", 2, 1, 'explicit', 2, " T2
                                            ", 'completed', 2, 6, 0, 0.8, 'posted', " T2 ")",
    "INSERT INTO session_segments (id, session_id, storage_bin_id, category, ordinal, polygon,"
    " bbox, mask_area_px, area_cm2, confidence, detected_count, estimated_count, empty_count)"
    " VALUES (1, 1, 1, 'segment', 1, '[]', '[]', 1000, 250, 0.9, 3, 7, 1),"
    " (2, 2, 1, 'segment', 1, '[]', '[]', 1000, 250, 0.9, 2, 6, 0)",
    "INSERT INTO stock_periods (id, storage_location_id, seq, status, opened_kind, opened_at,"
    " opening_session_id, opening_count, config_id, closed_at, closed_kind, closing_session_id,"
    " closing_count) VALUES"
    " (1, 1, 1, 'closed', 'foto', " T1 ", 1, 10, 2, " T2 ", 'foto', 2, 8),"
    " (2, 1, 2, 'open', 'foto', " T2 ", 2, 8, 2, NULL, NULL, NULL, NULL),"
    " (3, 2, 1, 'open', 'implicit', '2026-03-05T12:00:00.000Z', NULL, 0, NULL, NULL, NULL, NULL,"
    " NULL)",
    "INSERT INTO stock_batches (id, batch_code, stock_period_id, storage_bin_id, product_id,"
    " product_state_id, packaging_catalog_id, has_packaging, quantity_initial, quantity_current,"
    " quantity_empty_containers, status, parent_batch_id, previous_batch_id) VALUES"
    " (1, 'LOC1-PROD1-20260131-001', 1, 1, 1, " ADULT ", 1, TRUE, 10, 0, 1, 'closed', NULL, NULL),"
    " (2, 'LOC1-PROD1-20260228-001', 2, 1, 1, " ADULT ", 1, TRUE, 8, 5, 0, 'active', NULL, 1),"
    " (3, 'LOC2-PROD1-20260305-001', 3, 2, 1, " ADULT ", 1, TRUE, 3, 3, 0, 'active', 2, NULL)",
    "INSERT INTO reconciliations (id, stock_period_id, storage_location_id, session_id, counted_at,"
    " accounting_month, status, expected_total, observed_total, sales_total, loss_total,"
    " surplus_total) VALUES (1, 1, 1, 2, " T2 ", '2026-02', 'posted', 11, 8, 3, 0, 0)",
    "INSERT INTO reconciliation_lines (id, reconciliation_id, product_id, packaging_catalog_id,"
    " line_group, outcome, opening, planted, deaths, expected, observed, difference) VALUES"
    " (1, 1, 1, 1, 'sellable', 'sale', 10, 2, 1, 11, 8, 3)",
    "INSERT INTO stock_movements (id, uuid, stock_batch_id, movement_type, source_type, role,"
    " quantity, is_inbound, source_bin_id, destination_bin_id, group_uuid, session_id,"
    " reconciliation_id, unit_price_cents, total_price_cents, user_id, occurred_at) VALUES"
    " (1, " UUID(
        "21") ", 1, 'foto', 'ia', 'opening', 10, TRUE, NULL, 1, NULL, 1, NULL, NULL, NULL,"
              " 10, " T1 "),"
              " (2, " UUID(
                  "22") ", 1, 'plantar', 'manual', 'regular', 2, TRUE, NULL, 1, NULL, NULL, NULL,"
                        " NULL, NULL, 10, '2026-02-05T12:00:00.000Z'),"
                        " (3, " UUID(
                            "23") ", 1, 'muerte', 'manual', 'regular', -1, FALSE, 1, NULL, NULL, "
                                  "NULL, NULL,"
                                  " NULL, NULL, 10, '2026-02-10T12:00:00.000Z'),"
                                  " (4, " UUID(
                                      "24") ", 1, 'ventas', 'ia', 'regular', -3, FALSE, 1, NULL, "
                                            "NULL, 2, 1, 95000,"
                                            " 285000, 10, " T2 "),"
                                            " (5, " UUID(
                                                "25") ", 1, 'foto', 'ia', 'closing', -8, FALSE, 1, "
                                                      "NULL, NULL, 2, NULL, NULL,"
                                                      " NULL, 10, " T2 "),"
                                                      " (6, " UUID(
                                                          "26") ", 2, 'foto', 'ia', 'opening', 8, "
                                                                "TRUE, NULL, 1, NULL, 2, NULL, "
                                                                "NULL, NULL,"
                                                                " 10, " T2 "),"
                                                                " (7, " UUID(
                                                                    "27") ", 2, "
                                                                          "'transplante', "
                                                                          "'manual', "
                                                                          "'regular', -3, "
                                                                          "FALSE, 1, "
                                                                          "2, " UUID(
                                                                              "31") ", "
                                                                                    "NULL,"
                                                                                    " NULL"
                                                                                    ", "
                                                                                    "NULL,"
                                                                                    " NULL"
                                                                                    ", "
                                                                                    "10, "
                                                                                    "'2026"
                                                                                    "-03-"
                                                                                    "05T12"
                                                                                    ":00:"
                                                                                    "00."
                                                                                    "000Z'"
                                                                                    "),"
                                                                                    " (8,"
                                                                                    " " UUID(
                                                                                        "28") ", "
                                                                                              "3, "
                                                                                              "'tra"
                                                                                              "nspl"
                                                                                              "ante"
                                                                                              "', "
                                                                                              "'man"
                                                                                              "ual'"
                                                                                              ", "
                                                                                              "'reg"
                                                                                              "ular"
                                                                                              "', "
                                                                                              "3, "
                                                                                              "TRUE"
                                                                                              ", "
                                                                                              "1, "
                                                                                              "2,"
                                                                                              " " UUID(
                                                                                                  "3"
                                                                                                  "1") ", NULL, NULL, NULL, NULL, 10, '2026-03-05T12:00:00.000Z')",
    "INSERT INTO detections (id, session_id, session_segment_id, center_x_px, center_y_px,"
    " width_px, height_px, confidence, is_empty_container, is_alive) VALUES"
    " (1, 1, 1, 5, 5, 10, 10, 0.9, FALSE, TRUE), (2, 1, 1, 15, 5, 10, 10, 0.9, FALSE, TRUE),"
    " (3, 1, 1, 25, 5, 10, 10, 0.9, FALSE, TRUE), (4, 1, 1, 35, 5, 10, 10, 0.9, TRUE, TRUE),"
    " (5, 2, 2, 5, 5, 10, 10, 0.9, FALSE, TRUE), (6, 2, 2, 15, 5, 10, 10, 0.9, FALSE, TRUE),"
    " (7, 2, 2, 25, 5, 10, 10, 0.9, FALSE, FALSE)",
    "INSERT INTO estimations (id, session_id, session_segment_id, band, detected_area_cm2,"
    " estimated_count, calculation_method, used_density_parameters) VALUES"
    " (1, 1, 1, 1, 100, 4, 'band_estimation', FALSE), (2, 1, 1, 2, 80, 3, 'density_estimation',"
    " TRUE), (3, 2, 2, 1, 150, 6, 'density_estimation', TRUE)",
    "INSERT INTO jobs (id, uuid, kind, status, payload, user_id, run_after, started_at,"
    " finished_at) VALUES (1, " UUID("41") ", 'export', 'completed', '{}', 10, " T1 ", " T1 ", " T1
                                           ")",
    "UPDATE storage_locations SET latest_session_id = 2 WHERE id = 1",
};

/* Rows above bring their ids; PostgreSQL counts apart and has to be told. */
static void count_on(struct store_tx *tx)
{
    static const char *const tables[] = {"users",
                                         "warehouses",
                                         "storage_areas",
                                         "storage_locations",
                                         "product_families",
                                         "products",
                                         "packaging_catalog",
                                         "price_list_items",
                                         "storage_bins",
                                         "storage_location_configs",
                                         "density_parameters",
                                         "images",
                                         "image_blobs",
                                         "photo_processing_sessions",
                                         "session_segments",
                                         "stock_periods",
                                         "stock_batches",
                                         "reconciliations",
                                         "reconciliation_lines",
                                         "stock_movements",
                                         "detections",
                                         "estimations",
                                         "jobs"};
    for (size_t i = 0; i < DM_COUNT(tables); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT \n--@sqlite\nMAX(id)\n--@postgresql\n"
                       "setval(pg_get_serial_sequence('%s', 'id'), MAX(id))\n--@both\n FROM %s",
                       tables[i], tables[i]);
        assert_true(books_int(tx, sql) > 0);
    }
}

void books_tiny(struct store *s)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    places(tx);
    for (size_t i = 0; i < DM_COUNT(statements); i++) {
        books_sql(tx, statements[i]);
    }
    count_on(tx);
    assert_ok(store_commit(&tx, &e), &e);
}

struct inv_ctx books_ctx(struct store *s, struct inv_settings *settings)
{
    *settings = inv_settings_default();
    return (struct inv_ctx){.store = s,
                            .user_id = BOOKS_ADMIN,
                            .role = INV_ADMIN,
                            .now_ms = store_now(),
                            .settings = settings};
}

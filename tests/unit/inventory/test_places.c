/* SPDX-License-Identifier: Apache-2.0
 *
 * Places: codes, QR labels, nesting and its re-checks, siblings, containers, deactivation, and the
 * claro of a photo read from the database. */
#include "inventory/places.h"

#include <string.h>

#include "inventory/bins.h"
#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

static void names_to_codes(void **state)
{
    (void)state;
    static const struct {
        const char *(*make)(const char *, struct dm_arena *);
        const char *name, *code;
    } rows[] = {
        {places_warehouse_code, "Nave 1", "NAVE01"},
        {places_warehouse_code, "nave 28", "NAVE28"},
        {places_warehouse_code, "Sombráculo", "SOMBRACULO"},
        {places_warehouse_code, "Túnel 3", "TUNEL03"},
        {places_location_part, "Claro 7", "C07"},
        {places_location_part, "Claro 112", "C112"},
        {places_location_part, "7", "C07"},
        {places_location_part, "F2 C3", "F2C03"},
        {places_position, "Cantero Norte", "N"},
        {places_position, "sur", "S"},
        {places_position, "Oeste", "W"},
    };
    struct dm_arena a = {0};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_string_equal(rows[i].make(rows[i].name, &a), rows[i].code);
    }
    assert_null(places_position("Madres", &a));
    dm_arena_clear(&a);
}

static void inferred_category(void **state)
{
    (void)state;
    assert_int_equal(bins_category_infer(LEDGER_BOX, true, "SEED"), LEDGER_BOX);
    assert_int_equal(bins_category_infer(LEDGER_CATEGORY_UNSAID, true, "SEED"), LEDGER_SEGMENT);
    assert_int_equal(bins_category_infer(LEDGER_CATEGORY_UNSAID, false, "GERMINATING"),
                     LEDGER_PLUG);
    assert_int_equal(bins_category_infer(LEDGER_CATEGORY_UNSAID, false, "ADULT"),
                     LEDGER_SEEDLING_TRAY);
}

static const char *text_of(struct nursery *n, enum master_kind kind, int64_t id, const char *name,
                           struct master_row *row)
{
    struct dm_err e = {0};
    master_row_clear(row);
    assert_ok(master_get(&n->viewer, kind, id, row, &e), &e);
    return json_string_value(json_object_get(row->row, name));
}

static void made_codes(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    char qr[24];
    const struct nursery_places p = nursery_make_places(&n);
    assert_string_equal(text_of(&n, MASTER_WAREHOUSE, p.warehouse, "code", &row), "NAVE01");
    assert_string_equal(text_of(&n, MASTER_AREA, p.area, "code", &row), "NAVE01-N");
    assert_string_equal(text_of(&n, MASTER_AREA, p.area, "position", &row), "N");
    assert_string_equal(text_of(&n, MASTER_LOCATION, p.location, "code", &row), "NAVE01-N-C07");
    (void)snprintf(qr, sizeof(qr), "LOC%06lld", (long long)p.location);
    assert_string_equal(text_of(&n, MASTER_LOCATION, p.location, "qr_code", &row), qr);
    const double area = json_real_value(json_object_get(row.row, "area_m2"));
    assert_true(area > 7.19 && area < 7.21); /* 4 m x 1.8 m */
    master_row_clear(&row);
    assert_ok(master_find(&n.viewer, MASTER_LOCATION, "nave01-n-c07", &row, &e), &e);
    assert_int_equal(row.id, p.location);
    master_row_clear(&row);
    assert_ok(master_find(&n.viewer, MASTER_LOCATION, qr, &row, &e), &e);
    assert_int_equal(row.id, p.location);
    master_row_clear(&row);
    /* somebody already chose the label that the next claro would get */
    (void)nursery_make(
        &n, MASTER_LOCATION,
        "{'storage_area_id':%lld,'name':'Claro 8','qr_code':'LOC%06lld','geojson':%s}",
        (long long)p.area, (long long)p.location + 2, nursery_rectangle(6, 8, 4, 1.8));
    const int64_t next =
        nursery_make(&n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro 9','geojson':%s}",
                     (long long)p.area, nursery_rectangle(6, 10, 4, 1.8));
    (void)snprintf(qr, sizeof(qr), "LOC%06lld", (long long)next + 1000000);
    assert_string_equal(text_of(&n, MASTER_LOCATION, next, "qr_code", &row), qr);
    master_row_clear(&row);
}

static void refusals(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    const struct nursery_places p = nursery_make_places(&n);
    const struct {
        enum master_kind kind;
        const char *values;
        const char *geojson;
        int code;
        const char *what;
    } rows[] = {
        {MASTER_WAREHOUSE, "'name':'Nave 1','warehouse_type':'tunnel'",
         nursery_rectangle(500, 0, 9, 9), INV_DUPLICATE_CODE, "code"},
        {MASTER_WAREHOUSE, "'name':'Nave 2','warehouse_type':'palace'",
         nursery_rectangle(500, 0, 9, 9), INV_VALIDATION, "warehouse_type"},
        {MASTER_WAREHOUSE, "'name':'Nave 2','warehouse_type':'tunnel'",
         "{'type':'Polygon','coordinates':[[[0,0],[2,2],[2,0],[0,3],[0,0]]]}", INV_INVALID_GEOMETRY,
         "geojson"},
        {MASTER_WAREHOUSE, "'name':'Nave 2','warehouse_type':'tunnel'", "null", INV_VALIDATION,
         "geojson"},
        {MASTER_WAREHOUSE, "'name':'Nave 2','warehouse_type':'tunnel','area_m2':5",
         nursery_rectangle(500, 0, 9, 9), INV_VALIDATION, "area_m2"},
        {MASTER_AREA, "'warehouse_id':%lld,'name':'Cantero Sur'", nursery_rectangle(-1, 0, 20, 20),
         INV_GEOMETRY_OUT_OF_BOUNDS, "NAVE01-S"},
        {MASTER_AREA, "'warehouse_id':%lld,'name':'Sur','code':'NAVE01S'",
         nursery_rectangle(50, 5, 20, 20), INV_VALIDATION, "code"},
        {MASTER_AREA, "'warehouse_id':%lld,'name':'Sur','position':'X'",
         nursery_rectangle(50, 5, 20, 20), INV_VALIDATION, "position"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        char values[300];
        (void)snprintf(values, sizeof(values), "%s", rows[i].values);
        char *id = strstr(values, "%lld");
        if (id) {
            char rest[200];
            (void)snprintf(rest, sizeof(rest), "%s", id + 4);
            (void)snprintf(id, sizeof(values) - (size_t)(id - values), "%lld%s",
                           (long long)p.warehouse, rest);
        }
        const int code =
            nursery_refused(&n, &e, rows[i].kind, "{%s,'geojson':%s}", values, rows[i].geojson);
        if (code != rows[i].code || strcmp(e.field[0].s, rows[i].what) != 0) {
            fail_msg("row %zu: %d %s", i, code, dm_err_text(&e));
        }
    }
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_LOCATION,
                        "{'storage_area_id':%lld,'name':'Claro 8','code':'A-B','geojson':%s}",
                        (long long)p.area, nursery_rectangle(6, 8, 4, 1.8)),
        INV_VALIDATION);
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_LOCATION,
                        "{'storage_area_id':%lld,'name':'Claro 8','qr_code':'SHORT','geojson':%s}",
                        (long long)p.area, nursery_rectangle(6, 8, 4, 1.8)),
        INV_VALIDATION);
}

static int change(struct nursery *n, enum master_kind kind, int64_t id, const char *geojson,
                  size_t *ret_warnings)
{
    struct master_row row = {0};
    struct dm_err e = {0};
    DM_CLEANUP(nursery_json_freep) json_t *values = nursery_json("{'geojson':%s}", geojson);
    const int code = master_change(&n->admin, kind, id, values, &row, &e);
    if (code >= 0 && ret_warnings) {
        *ret_warnings = json_array_size(row.warnings);
    }
    master_row_clear(&row);
    return code;
}

static void parents_that_move(void **state)
{
    NURSERY(n);
    const struct nursery_places p = nursery_make_places(&n);
    size_t warnings = 9;
    /* the cantero reaches from 5 to 45 m east; half a metre is forgiven */
    assert_int_equal(
        change(&n, MASTER_WAREHOUSE, p.warehouse, nursery_rectangle(0, 0, 44, 50), NULL),
        INV_GEOMETRY_OUT_OF_BOUNDS);
    assert_int_equal(
        change(&n, MASTER_WAREHOUSE, p.warehouse, nursery_rectangle(0, 0, 44.6, 50), &warnings), 0);
    assert_int_equal(warnings, 0);
    assert_int_equal(change(&n, MASTER_AREA, p.area, nursery_rectangle(7, 5, 30, 20), NULL),
                     INV_GEOMETRY_OUT_OF_BOUNDS); /* the claro begins at 6 */
    assert_int_equal(change(&n, MASTER_AREA, p.area, nursery_rectangle(6.4, 5, 30, 20), NULL), 0);
    assert_int_equal(change(&n, MASTER_LOCATION, p.location, nursery_rectangle(60, 6, 4, 2), NULL),
                     INV_GEOMETRY_OUT_OF_BOUNDS);
    /* a second claro on a fifth of the first */
    const int64_t other =
        nursery_make(&n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro 8','geojson':%s}",
                     (long long)p.area, nursery_rectangle(12, 6, 4, 1.8));
    assert_int_equal(
        change(&n, MASTER_LOCATION, other, nursery_rectangle(9.2, 6, 4, 1.8), &warnings), 0);
    assert_int_equal(warnings, 1);
    assert_int_equal(
        change(&n, MASTER_LOCATION, other, nursery_rectangle(9.9, 6, 4, 1.8), &warnings), 0);
    assert_int_equal(warnings, 0); /* 2.5 % */
}

static void areas_in_areas(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const struct nursery_places p = nursery_make_places(&n);
    const int64_t inner = nursery_make(
        &n, MASTER_AREA, "{'warehouse_id':%lld,'parent_area_id':%lld,'name':'Mesa','geojson':%s}",
        (long long)p.warehouse, (long long)p.area, nursery_rectangle(20, 6, 10, 10));
    assert_string_equal(text_of(&n, MASTER_AREA, inner, "code", &row), "NAVE01-N-MESA");
    master_row_clear(&row);
    DM_CLEANUP(nursery_json_freep)
    json_t *cycle = nursery_json("{'parent_area_id':%lld}", (long long)inner);
    assert_int_equal(master_change(&n.admin, MASTER_AREA, p.area, cycle, &row, &e), INV_VALIDATION);
    assert_int_equal(master_change(&n.admin, MASTER_AREA, inner, cycle, &row, &e), INV_VALIDATION);
    const int64_t nave2 = nursery_make(&n, MASTER_WAREHOUSE,
                                       "{'name':'Nave 2','warehouse_type':'tunnel','geojson':%s}",
                                       nursery_rectangle(200, 0, 50, 50));
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_AREA,
                        "{'warehouse_id':%lld,'parent_area_id':%lld,'name':'Mesa','geojson':%s}",
                        (long long)nave2, (long long)p.area, nursery_rectangle(20, 6, 10, 10)),
        INV_VALIDATION);
}

static void deactivation(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    const struct nursery_places p = nursery_make_places(&n);
    const int64_t family =
        nursery_make(&n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ferocactus'}");
    const int64_t product = nursery_make(
        &n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'}", (long long)family);
    (void)nursery_plants(&n, p.location, product, 40);
    static const enum master_kind kinds[] = {MASTER_WAREHOUSE, MASTER_AREA, MASTER_LOCATION,
                                             MASTER_BIN_TYPE};
    const int64_t ids[] = {
        p.warehouse, p.area, p.location,
        nursery_number(&n, "SELECT id FROM storage_bin_types WHERE code = 'SEGMENT_STANDARD'")};
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        assert_int_equal(master_set_active(&n.admin, kinds[i], ids[i], false, &e), INV_HAS_STOCK);
        assert_int_equal(e.field[0].i, 40);
    }
    assert_int_equal(master_set_active(&n.supervisor, MASTER_WAREHOUSE, p.warehouse, false, &e),
                     INV_FORBIDDEN);
    DM_CLEANUP(nursery_json_freep) json_t *retired = nursery_json("{'status':'retired'}");
    DM_CLEANUP(nursery_json_freep) json_t *repair = nursery_json("{'status':'maintenance'}");
    struct master_row row = {0};
    const int64_t bin = nursery_number(&n, "SELECT max(id) FROM storage_bins");
    assert_int_equal(master_change(&n.supervisor, MASTER_BIN, bin, retired, &row, &e),
                     INV_HAS_STOCK);
    assert_ok(master_change(&n.supervisor, MASTER_BIN, bin, repair, &row, &e), &e);
    master_row_clear(&row);
    nursery_exec(&n, "UPDATE stock_batches SET quantity_current = 0, status = 'depleted'");
    assert_ok(master_change(&n.supervisor, MASTER_BIN, bin, retired, &row, &e), &e);
    master_row_clear(&row);
    assert_int_equal(master_change(&n.supervisor, MASTER_BIN, bin, repair, &row, &e),
                     INV_INVALID_TRANSITION);

    assert_ok(master_set_active(&n.admin, MASTER_WAREHOUSE, p.warehouse, false, &e), &e);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations WHERE active"), 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_areas WHERE active"), 0);
    assert_int_equal(master_set_active(&n.admin, MASTER_LOCATION, p.location, true, &e),
                     INV_NOT_FOUND); /* below an inactive cantero */
    assert_ok(master_set_active(&n.admin, MASTER_WAREHOUSE, p.warehouse, true, &e), &e);
    assert_ok(master_set_active(&n.admin, MASTER_AREA, p.area, true, &e), &e);
    assert_ok(master_set_active(&n.admin, MASTER_LOCATION, p.location, true, &e), &e);
    assert_ok(master_set_active(&n.admin, MASTER_AREA, p.area, false, &e), &e);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations WHERE active"), 0);
    assert_int_equal(master_remove(&n.admin, MASTER_WAREHOUSE, p.warehouse, &e), INV_VALIDATION);
}

static void containers(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const struct nursery_places p = nursery_make_places(&n);
    static const struct {
        const char *type, *code;
        int ordinal;
    } bins[] = {
        {"SEGMENT_STANDARD", "NAVE01-N-C07-SEG001", 1},
        {"SEGMENT_STANDARD", "NAVE01-N-C07-SEG002", 2},
        {"BOX_STANDARD", "NAVE01-N-C07-BOX001", 1},
        {"PLUG_TRAY_72", "NAVE01-N-C07-PLG001", 1},
        {"SEEDLING_TRAY_84", "NAVE01-N-C07-ALM001", 1},
    };
    for (size_t i = 0; i < DM_COUNT(bins); i++) {
        char sql[120];
        (void)snprintf(sql, sizeof(sql), "SELECT id FROM storage_bin_types WHERE code = '%s'",
                       bins[i].type);
        const int64_t id =
            nursery_make(&n, MASTER_BIN, "{'storage_location_id':%lld,'storage_bin_type_id':%lld}",
                         (long long)p.location, (long long)nursery_number(&n, sql));
        assert_string_equal(text_of(&n, MASTER_BIN, id, "code", &row), bins[i].code);
        assert_int_equal(json_integer_value(json_object_get(row.row, "ordinal")), bins[i].ordinal);
    }
    master_row_clear(&row);
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_BIN,
                        "{'storage_location_id':%lld,'storage_bin_type_id':1,'ordinal':1}",
                        (long long)p.location),
        INV_DUPLICATE_CODE);
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_BIN,
                        "{'storage_location_id':%lld,'storage_bin_type_id':1,'code':'A-B-C'}",
                        (long long)p.location),
        INV_VALIDATION);
}

/* ---- the claro of a photo ---------------------------------------------------------------------
 */

static struct places_answer locate(struct nursery *n, const struct places_photo *photo, int want)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct places_answer answer = {0};
    assert_ok(store_begin(n->db->store, STORE_READ, &tx, &e), &e);
    assert_int_equal(places_locate(tx, photo, &a, &answer, &e), want);
    dm_arena_clear(&a);
    return answer;
}

static void photo_to_claro(void **state)
{
    NURSERY(n);
    const struct nursery_places p = nursery_make_places(&n);
    const int64_t next =
        nursery_make(&n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro 8','geojson':%s}",
                     (long long)p.area, nursery_rectangle(6, 7.8, 4, 1.8));
    const struct {
        double east, north, error_m;
        bool gps, said;
        int64_t id;
        enum places_warning warning;
        bool suggested;
        size_t near;
    } rows[] = {
        {8, 7, -1, true, false, p.location, PLACES_SURE, false, 0},
        {8, 8.5, -1, true, false, next, PLACES_SURE, false, 0},
        {8, 8.5, 4, true, false, next, PLACES_UNCERTAIN, true, 1},
        {8, 4, -1, true, false, p.location, PLACES_UNCERTAIN, false, 1}, /* 2 m off */
        {8, -30, -1, true, false, 0, PLACES_NONE, false, 0},
        {0, 0, -1, false, false, 0, PLACES_NONE, false, 0},
        {8, 8.5, -1, true, true, p.location, PLACES_SURE, false, 0},     /* said, and near */
        {8, 70, -1, true, true, p.location, PLACES_UNCERTAIN, false, 0}, /* said, 62 m away */
        {0, 0, -1, false, true, p.location, PLACES_SURE, false, 0},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct places_photo photo = {.has_gps = rows[i].gps,
                                     .gps_error_m = rows[i].error_m,
                                     .location_id = rows[i].said ? p.location : 0};
        nursery_point(rows[i].east, rows[i].north, &photo.lon, &photo.lat);
        const struct places_answer got = locate(&n, &photo, DM_OK);
        if (got.location_id != rows[i].id || got.warning != rows[i].warning ||
            got.suggested != rows[i].suggested || got.n_suggestion != rows[i].near) {
            fail_msg("row %zu: claro %d, warning %d, near %zu", i, (int)got.location_id,
                     got.warning, got.n_suggestion);
        }
    }
    char qr[24];
    (void)snprintf(qr, sizeof(qr), "loc%06lld", (long long)next);
    struct places_photo photo = {.qr_code = qr};
    struct places_answer got = locate(&n, &photo, DM_OK);
    assert_int_equal(got.location_id, next);
    assert_string_equal(got.source, "qr");
    photo.qr_code = "LOC999999";
    (void)locate(&n, &photo, INV_NOT_FOUND);
    photo = (struct places_photo){.location_id = 99999};
    (void)locate(&n, &photo, INV_NOT_FOUND);
    nursery_exec(&n, "UPDATE storage_locations SET active = FALSE");
    photo.location_id = p.location;
    (void)locate(&n, &photo, INV_NOT_FOUND);
    photo = (struct places_photo){.has_gps = true, .gps_error_m = -1};
    nursery_point(8, 7, &photo.lon, &photo.lat);
    got = locate(&n, &photo, DM_OK);
    assert_int_equal(got.warning, PLACES_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_to_codes),
        cmocka_unit_test(inferred_category),
        DB_TEST(made_codes),
        DB_TEST(refusals),
        DB_TEST(parents_that_move),
        DB_TEST(areas_in_areas),
        DB_TEST(deactivation),
        DB_TEST(containers),
        DB_TEST(photo_to_claro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

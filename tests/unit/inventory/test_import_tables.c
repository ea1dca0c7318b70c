/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports of tables: categories, families, pots, claros, densities, stock. New rows, a second run,
 * changes, bad rows, other headers and encodings, undo; the books are whole afterwards. */
#include <string.h>

#include "inventory/import.h"
#include "inventory/verify.h"
#include "support/ledger_rig.h"

#define RIG(r)                                                                                     \
    DM_CLEANUP(rig_clear) struct rig r;                                                            \
    rig_init(&(r), *state)

/* Load and compare created, updated, skipped, failed. The number of the run. */
static const char *load(struct rig *r, const struct import_options *o, const char *text,
                        const int64_t wanted[4])
{
    static char uuid[37];
    struct import_result got = {0};
    struct dm_err e = {0};
    assert_ok(import_run(&r->n.admin, o, text, strlen(text), &got, &e), &e);
    const int64_t is[] = {got.created, got.updated, got.skipped, got.failed};
    if (memcmp(is, wanted, sizeof(is)) != 0) {
        char *report = json_dumps(got.report, JSON_INDENT(1));
        fail_msg("%lld new, %lld changed, %lld left, %lld bad: %s", (long long)is[0],
                 (long long)is[1], (long long)is[2], (long long)is[3], report);
    }
    (void)snprintf(uuid, sizeof(uuid), "%s", got.uuid);
    json_decref(got.report);
    return uuid;
}
#define NUMBERS(...) ((const int64_t[4]){__VA_ARGS__})

static void text_of(struct rig *r, const char *sql, char *ret, size_t size)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_query q = {"test.text", sql, "", "t", true};
    const struct store_value *row;
    struct dm_err e = {0};
    assert_ok(store_begin(r->n.db->store, STORE_READ, &tx, &e), &e);
    assert_ok(store_one(tx, &q, STORE_NO_ARGS, &a, &row, &e), &e);
    (void)snprintf(ret, size, "%s", row[0].t);
}

static int undo(struct rig *r, const char *uuid)
{
    int64_t rows;
    return import_undo(&r->n.admin, uuid, &rows, NULL);
}

static void whole(struct rig *r)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    struct verify_report report;
    assert_ok(store_begin(r->n.db->store, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &report, &e), &e);
    if (report.total) {
        fail_msg("invariant %d: %s", report.list[0].invariant, report.list[0].detail);
    }
}

/* Every table of master data in the same way: made, left, changed, taken back. */
static void tables_are_loaded_and_taken_back(void **state)
{
    static const struct {
        enum import_kind kind;
        const char *file, *changed, *count;
    } rows[] = {
        {IMPORT_CATEGORIES, "code,name,sort_order\nCRASAS,Crasas,50\nXX,Corto,\n,Sin codigo,1\n",
         "codigo;nombre;orden\nCRASAS;Crasas raras;51\n",
         "SELECT count(*) FROM product_categories WHERE code IN ('CRASAS', 'XX')"},
        {IMPORT_FAMILIES,
         "category,name,scientific_name\nSuculentas,Haworthia,H.\nNada,Otra,\n,Sola,\n",
         "categoria;familia;nombre_cientifico\nSUCCULENT;haworthia;Haworthia\n",
         "SELECT count(*) FROM product_families WHERE name = 'Haworthia'"},
        {IMPORT_PACKAGING,
         "type_code,material_code,color_code,diameter_cm,height_cm,unit_cost\n"
         "RIGIDA,PLASTICO,TERRACOTA,7,\"6,5\",120.5\nRIGIDA,PLASTICO,NADA,7,6,\n"
         "RIGIDA,PLASTICO,TERRACOTA,siete,6,\n",
         "tipo;material;color;diametro;altura;costo\nRIGIDA;PLASTICO;TERRACOTA;7;6,5;130\n",
         "SELECT count(*) FROM packaging_catalog WHERE diameter_cm = 7"},
    };
    RIG(r);
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct import_options o = {.kind = rows[i].kind, .file_name = "tabla.csv", .dry_run = true};
        load(&r, &o, rows[i].file, NUMBERS(1, 0, 0, 2));
        assert_int_equal(nursery_number(&r.n, rows[i].count), 0);
        o.dry_run = false;
        char first[37];
        (void)snprintf(first, sizeof(first), "%s", load(&r, &o, rows[i].file, NUMBERS(1, 0, 0, 2)));
        assert_int_equal(nursery_number(&r.n, rows[i].count), 1);
        load(&r, &o, rows[i].file, NUMBERS(0, 0, 1, 2));
        load(&r, &o, rows[i].changed, NUMBERS(0, 0, 1, 0)); /* exists, other values: left */
        o.update = true;
        char second[37];
        (void)snprintf(second, sizeof(second), "%s",
                       load(&r, &o, rows[i].changed, NUMBERS(0, 1, 0, 0)));
        assert_int_equal(undo(&r, first), INV_IN_USE);
        assert_int_equal(undo(&r, second), DM_OK);
        assert_int_equal(undo(&r, first), DM_OK);
        assert_int_equal(nursery_number(&r.n, rows[i].count), 0);
        assert_int_equal(undo(&r, first), INV_INVALID_TRANSITION);
    }
    whole(&r);
}

static void claros_need_a_polygon_once(void **state)
{
    RIG(r);
    char area[60];
    char file[1200];
    char quoted[600];
    const char *polygon = nursery_rectangle(12, 6, 4, 1.8);
    size_t n = 0;
    text_of(&r, "SELECT min(code) FROM storage_areas", area, sizeof(area));
    for (const char *p = polygon; *p; p++) { /* the rectangle is written with apostrophes */
        n += (size_t)snprintf(quoted + n, sizeof(quoted) - n, *p == '\'' ? "\"\"" : "%c", *p);
    }
    const struct import_options o = {.kind = IMPORT_LOCATIONS, .update = true};
    (void)snprintf(file, sizeof(file),
                   "area_code,name,geojson,qr_code\n%s,Claro 99,\"%s\",QRCLARO99\n%s,Claro 98,,\n",
                   area, quoted, area);
    load(&r, &o, file, NUMBERS(1, 0, 0, 1));
    (void)snprintf(file, sizeof(file), "area_code,name,description\n%s,Claro 99,al fondo\n", area);
    load(&r, &o, file, NUMBERS(0, 1, 0, 0));
    load(&r, &o, file, NUMBERS(0, 0, 1, 0));
    whole(&r);
}

static void densities_are_loaded_and_taken_back(void **state)
{
    static const char file[] =
        "bin_type_code,avg_area_per_plant_cm2,packaging_sku,overlap_adjustment_factor,locked\n"
        "SEGMENT_STANDARD,25,RIGIDA-R5-TERRA,0.9,si\nSEGMENT_STANDARD,0.1,RIGIDA-R8-TERRA,,\n"
        "NADA,25,,,\n";
    static const char changed[] =
        "bin_type_code,avg_area_per_plant_cm2,packaging_sku\nSEGMENT_STANDARD,36,RIGIDA-R5-TERRA\n";
    static const char count[] = "SELECT count(*) FROM density_parameters";
    RIG(r);
    struct import_options o = {.kind = IMPORT_DENSITY};
    char first[37];
    char second[37];
    (void)snprintf(first, sizeof(first), "%s", load(&r, &o, file, NUMBERS(1, 0, 0, 2)));
    load(&r, &o, file, NUMBERS(0, 0, 1, 2));
    load(&r, &o, changed, NUMBERS(0, 0, 1, 0));
    o.update = true;
    (void)snprintf(second, sizeof(second), "%s", load(&r, &o, changed, NUMBERS(0, 1, 0, 0)));
    assert_int_equal(
        nursery_number(&r.n, "SELECT count(*) FROM density_parameters WHERE locked AND"
                             " avg_area_per_plant_cm2 = 36 AND overlap_adjustment_factor = 0.9"),
        1);
    assert_int_equal(undo(&r, first), INV_IN_USE);
    assert_int_equal(undo(&r, second), DM_OK);
    assert_int_equal(undo(&r, first), DM_OK);
    assert_int_equal(nursery_number(&r.n, count), 0);
    whole(&r);
}

/* ---- stock ----------------------------------------------------------------------------------- */

static void code_of(struct rig *r, size_t claro, char code[static 60])
{
    char sql[100];
    (void)snprintf(sql, sizeof(sql), "SELECT code FROM storage_locations WHERE id = %lld",
                   (long long)r->claro[claro]);
    text_of(r, sql, code, 60);
}

static void stock_is_loaded_once_and_taken_back(void **state)
{
    RIG(r);
    char code[2][60];
    char file[800];
    const struct import_options o = {.kind = IMPORT_STOCK};
    code_of(&r, 0, code[0]);
    code_of(&r, 1, code[1]);
    (void)snprintf(file, sizeof(file),
                   "storage_location_code,product_sku,packaging_sku,quantity,product_size_code,"
                   "planting_date\n"
                   "%s,MAMMI-001,RIGIDA-R5-TERRA,500,S,\n%s,MAMMI-001,RIGIDA-R5-TERRA,40,M,\n"
                   "%s,MAMMI-001,RIGIDA-R5-TERRA,7,,2025-01-31\n",
                   code[0], code[0], code[1]);
    for (int round = 0; round < 2; round++) { /* what was taken back may be loaded again */
        char first[37];
        (void)snprintf(first, sizeof(first), "%s", load(&r, &o, file, NUMBERS(3, 0, 0, 0)));
        assert_int_equal(rig_total(&r, r.claro[0]), 540);
        assert_int_equal(rig_total(&r, r.claro[1]), 7);
        load(&r, &o, file, NUMBERS(0, 0, 3, 0));
        whole(&r);
        assert_int_equal(undo(&r, first), DM_OK);
        assert_int_equal(rig_total(&r, r.claro[0]), 0);
        whole(&r);
    }
}

/* Each fault of the table leaves out the whole file. */
static void a_bad_row_leaves_out_all_stock(void **state)
{
    static const char *const bad[] = {
        "NADA-N-C01,MAMMI-001,RIGIDA-R5-TERRA,5", /* no such claro */
        "%s,NADA-001,RIGIDA-R5-TERRA,5",          /* no such product */
        "%s,MAMMI-002,RIGIDA-R5-TERRA,5",         /* configured for another */
        "%s,MAMMI-001,RIGIDA-R8-TERRA,5",         /* other pot */
        "%s,MAMMI-001,RIGIDA-R5-TERRA,0",         "%s,MAMMI-001,RIGIDA-R5-TERRA,100001",
        "%s,MAMMI-001,RIGIDA-R5-TERRA,cinco",     "%s,MAMMI-001,RIGIDA-R5-TERRA,-5",
    };
    RIG(r);
    char code[60];
    const struct import_options o = {.kind = IMPORT_STOCK};
    code_of(&r, 0, code);
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        char file[600];
        size_t n = (size_t)snprintf(file, sizeof(file),
                                    "claro,producto,maceta,cantidad\n"
                                    "%s,MAMMI-001,RIGIDA-R5-TERRA,500\n",
                                    code);
        const char *hole = strstr(bad[i], "%s");
        (void)snprintf(file + n, sizeof(file) - n, "%s%s\n", hole ? code : "",
                       hole ? hole + 2 : bad[i]);
        load(&r, &o, file, NUMBERS(0, 0, 1, 1));
        assert_int_equal(rig_total(&r, r.claro[0]), 0);
    }
    whole(&r);
}

/* ---- files as they come ---------------------------------------------------------------------- */

static void headers_delimiters_and_encodings(void **state)
{
    static const char latin1[] = "Clave|Qu\351 es\nCRASAS|Crasas \361ato\n";
    RIG(r);
    json_t *mapping = json_pack("{s:s, s:s}", "Clave", "code", "Qué es", "name");
    struct import_options o = {
        .kind = IMPORT_CATEGORIES, .delimiter = '|', .encoding = IMPORT_LATIN1, .mapping = mapping};
    load(&r, &o, latin1, NUMBERS(1, 0, 0, 0));
    assert_int_equal(nursery_number(&r.n, "SELECT count(*) FROM product_categories WHERE"
                                          " name = 'Crasas \303\261ato'"),
                     1);
    struct import_result got = {0};
    o.encoding = IMPORT_UTF8;
    assert_int_equal(import_run(&r.n.admin, &o, latin1, strlen(latin1), &got, NULL),
                     INV_VALIDATION);
    o = (struct import_options){.kind = IMPORT_CATEGORIES};
    assert_int_equal(import_run(&r.n.admin, &o, latin1, strlen(latin1), &got, NULL),
                     INV_VALIDATION); /* no column code */
    assert_int_equal(import_run(&r.n.supervisor, &o, latin1, strlen(latin1), &got, NULL),
                     INV_FORBIDDEN);
    json_decref(mapping);
}

/* A template has the columns of its table: nothing is missing, and a row of it is read. */
static void templates_are_read(void **state)
{
    RIG(r);
    assert_null(import_template(IMPORT_MAP));
    for (enum import_kind kind = IMPORT_PRICE_LIST; kind < IMPORT_KIND_MAX_; kind++) {
        const struct import_options o = {.kind = kind, .dry_run = true};
        const char *text = import_template(kind);
        struct import_result got = {0};
        struct dm_err e = {0};
        assert_ok(import_run(&r.n.admin, &o, text, strlen(text), &got, &e), &e);
        assert_int_equal(got.total, 1);
        json_decref(got.report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(tables_are_loaded_and_taken_back),
        DB_TEST(claros_need_a_polygon_once),
        DB_TEST(densities_are_loaded_and_taken_back),
        DB_TEST(stock_is_loaded_once_and_taken_back),
        DB_TEST(a_bad_row_leaves_out_all_stock),
        DB_TEST(headers_delimiters_and_encodings),
        DB_TEST(templates_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports: each format, its bad rows, dry run, a second run, changing, undo. */
#include "inventory/import.h"

#include <string.h>

#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

static void amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t cents; /* -1 = refused */
    } rows[] = {
        {"950", 95000},
        {"$1.05", 105000},
        {"1.05", 105000},
        {"$ 42.75", 4275000},
        {"1.2", 120000},
        {"1.234.5", 123450000},
        {"1.050", 105000},
        {"12.000", 1200000},
        {"1.050,50", 105050},
        {"950,5", 95050},
        {"0", 0},
        {"$950 ", 95000},
        {"", -1},
        {"$", -1},
        {"abc", -1},
        {"1.0500", -1},
        {"1.2.345", -1},
        {"1.", -1},
        {"5,123", -1},
        {"-5", -1},
        {"1 050", -1},
        {"9999999999999999", -1},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        int64_t cents = -1;
        const bool ok = import_amount(rows[i].text, &cents);
        if (ok != (rows[i].cents >= 0) || (ok && cents != rows[i].cents)) {
            fail_msg("'%s': %lld", rows[i].text, (long long)cents);
        }
    }
}

static struct import_result run(struct nursery *n, const struct import_options *o, const char *text)
{
    struct import_result r = {0};
    struct dm_err e = {0};
    assert_ok(import_run(&n->admin, o, text, strlen(text), &r, &e), &e);
    assert_int_equal(r.total, r.created + r.updated + r.skipped + r.failed);
    return r;
}

static void expect(struct import_result *r, int64_t created, int64_t updated, int64_t skipped,
                   int64_t failed)
{
    if (r->created != created || r->updated != updated || r->skipped != skipped ||
        r->failed != failed) {
        char *text = json_dumps(r->report, JSON_INDENT(1));
        fail_msg("%lld %lld %lld %lld: %s", (long long)r->created, (long long)r->updated,
                 (long long)r->skipped, (long long)r->failed, text);
    }
    json_decref(r->report);
    r->report = NULL;
}

/* Line of the report, counted over the rows in their listed order. */
static const char *said(const struct import_result *r, size_t i, const char *member)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(r->report, "rows"), i), member));
}

/* ---- map ------------------------------------------------------------------------------------- */

/* Two naves with two canteros of three claros each, in no order; one of them "repeats" labels. */
static const char *make_map(void)
{
    static char text[40000];
    size_t used = 0;
    struct {
        size_t n;
        const char *sep;
    } list = {0, ""};
#define ADD(...)                                                                                   \
    do {                                                                                           \
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", list.sep);                \
        used += (size_t)snprintf(text + used, sizeof(text) - used, __VA_ARGS__);                   \
        list.sep = ",";                                                                            \
    } while (0)
    used += (size_t)snprintf(text, sizeof(text), "{'type':'FeatureCollection','features':[");
    for (int nave = 1; nave <= 2; nave++) {
        for (int side = 0; side < 2; side++) {
            for (int claro = 1; claro <= 3; claro++) {
                ADD("{'type':'Feature','properties':{'nave':'Nave %d','cantero':'Cantero %s',"
                    "'label':'Claro %d','row':1,'col':%d},'geometry':%s}",
                    nave, side ? "Sur" : "Norte", claro, claro,
                    nursery_rectangle(200 * nave + 5 * claro, 2 + 22 * side, 4, 1.8));
            }
            ADD("{'type':'Feature','properties':{'nave':'Nave %d','label':'Cantero %s'},"
                "'geometry':%s}",
                nave, side ? "Sur" : "Norte", nursery_rectangle(200 * nave, 22 * side, 60, 20));
        }
        ADD("{'type':'Feature','properties':{'nave':%d},'geometry':%s}", nave,
            nursery_rectangle(200 * nave, 0, 80, 45));
    }
    ADD("{'type':'Feature','properties':{'Name':'Cantero viejo'},'geometry':{'type':'LineString',"
        "'coordinates':[[0,0],[1,1]]}}");
    ADD("{'type':'Feature','properties':{'Name':'Sombráculo'},'geometry':{'type':'MultiPolygon',"
        "'coordinates':[[[[-68.7,-32.9],[-68.699,-32.9],[-68.699,-32.899],[-68.7,-32.9]]]]}}");
    ADD("{'type':'Feature','properties':{'Name':'Misterio'},'geometry':%s}",
        nursery_rectangle(5000, 0, 9, 9));
    ADD("{'type':'Feature','properties':{'nave':'Nave 9','cantero':'Norte','label':'Claro 1'},"
        "'geometry':%s}",
        nursery_rectangle(6000, 0, 4, 2));
    ADD("{'type':'Feature','properties':null,'geometry':null}");
    (void)snprintf(text + used, sizeof(text) - used, "]}");
    for (char *c = text; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return text;
}

static void maps(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const char *text = make_map();
    const struct import_options dry = {.kind = IMPORT_MAP, .dry_run = true};
    const struct import_options real = {.kind = IMPORT_MAP, .file_name = "mapa.geojson"};
    struct import_result r = run(&n, &dry, text);
    expect(&r, 19, 0, 0, 4);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM warehouses"), 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM imports"), 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log"), 0);

    r = run(&n, &real, text);
    assert_string_equal(said(&r, 0, "action"), "error"); /* errors come first */
    assert_int_equal(json_integer_value(
                         json_object_get(json_object_get(r.report, "counts"), "storage_locations")),
                     12);
    expect(&r, 19, 0, 0, 4);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM warehouses"), 3);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_areas"), 4);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations"), 12);
    assert_ok(master_find(&n.viewer, MASTER_LOCATION, "NAVE02-S-C03", &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "name")), "Claro 3");
    master_row_clear(&row);
    assert_ok(master_find(&n.viewer, MASTER_WAREHOUSE, "SOMBRACULO", &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "warehouse_type")),
                        "shadehouse");
    master_row_clear(&row);

    struct import_result again = run(&n, &real, text);
    expect(&again, 0, 0, 19, 4);

    int64_t rows = 0;
    assert_int_equal(import_undo(&n.supervisor, r.uuid, &rows, &e), INV_FORBIDDEN);
    assert_ok(import_undo(&n.admin, r.uuid, &rows, &e), &e);
    assert_int_equal(rows, 19);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM warehouses"), 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations"), 0);
    assert_int_equal(import_undo(&n.admin, r.uuid, &rows, &e), INV_INVALID_TRANSITION);
    assert_int_equal(import_undo(&n.admin, "no", &rows, &e), INV_NOT_FOUND);
    assert_int_equal(import_undo(&n.admin, "0b1e9f0a-0000-4000-8000-000000000001", &rows, &e),
                     INV_NOT_FOUND);
    json_t *past = NULL;
    assert_ok(import_list(&n.admin, 10, &past, &e), &e);
    assert_int_equal(json_array_size(past), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(past, 1), "file_name")),
                        "mapa.geojson");
    json_decref(past);
}

static void maps_that_are_in_use_stay(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    int64_t rows = 0;
    const struct import_options real = {.kind = IMPORT_MAP};
    struct import_result r = run(&n, &real, make_map());
    expect(&r, 19, 0, 0, 4);
    const int64_t family =
        nursery_make(&n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ferocactus'}");
    const int64_t product = nursery_make(
        &n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'}", (long long)family);
    (void)nursery_plants(&n, nursery_number(&n, "SELECT min(id) FROM storage_locations"), product,
                         5);
    assert_int_equal(import_undo(&n.admin, r.uuid, &rows, &e), INV_IN_USE);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations"), 12);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM imports WHERE undone_at IS NOT NULL"),
                     0);
}

static void labels_that_repeat_take_row_and_col(void **state)
{
    NURSERY(n);
    char text[4000];
    (void)nursery_make_places(&n);
    (void)snprintf(
        text, sizeof(text),
        "{'type':'FeatureCollection','features':["
        "{'type':'Feature','properties':{'nave':'Nave 1','cantero':'Norte','label':'Claro','row':1,"
        "'col':2},'geometry':%s},"
        "{'type':'Feature','properties':{'nave':'Nave 1','cantero':'Norte','label':'Claro','row':1,"
        "'col':3},'geometry':%s},"
        "{'type':'Feature','properties':{'ordinal':12,'row':4},'geometry':%s}]}",
        nursery_rectangle(12, 6, 4, 1.8), nursery_rectangle(17, 6, 4, 1.8),
        nursery_rectangle(22, 6, 4, 1.8));
    for (char *c = text; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    const struct import_options o = {.kind = IMPORT_MAP};
    struct import_result r = run(&n, &o, text);
    expect(&r, 3, 0, 0, 0);
    /* the third has no names: it lies in the cantero, and its row is its number */
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_locations WHERE code IN"
                                        " ('NAVE01-N-F1C02', 'NAVE01-N-F1C03', 'NAVE01-N-C04')"),
                     3);
    r = run(&n, &o, text);
    expect(&r, 0, 0, 3, 0);
}

static void files_that_are_no_maps(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct import_result r;
    const struct import_options o = {.kind = IMPORT_MAP};
    static const char *const texts[] = {"", "[]", "{\"type\":\"Feature\"}",
                                        "{\"type\":\"FeatureCollection\"}", "{"};
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        assert_int_equal(import_run(&n.admin, &o, texts[i], strlen(texts[i]), &r, &e),
                         INV_VALIDATION);
    }
    assert_int_equal(import_run(&n.supervisor, &o, "{}", 2, &r, &e), INV_FORBIDDEN);
}

/* ---- price list ------------------------------------------------------------------------------ */

static const char list_head[] =
    "VIVERO DEL VALLE,,,,,,,\n"
    "LISTA DE PRECIOS MAYORISTA ENERO,,,,,,,\n"
    "DESCRIPCION,MACETA,\"Precio\nunitario\",CODIGO,\"Unid.X\n Cajón\",\"Total $\nx cajón\","
    "OBSERVACIONES,DISPONIBILIDAD\n";

static const char *price_list(const char *rows)
{
    static char text[4000];
    (void)snprintf(text, sizeof(text), "%s%s", list_head, rows);
    return text;
}

static const char price_rows[] =
    "Cactus surtidos,R5 terracota,$950,C R5 T-1,54,$51.3,,Todo el año\n"
    ",R8 terracota,$1.05,C R8 T-1,28,$29.4,sin flor,Stock Limitado\n"
    "Suculentas,T15/17 negra,$4.2,S T15/17 N-1,6,$25.2,,Hasta agotar stock\n"
    "Injertos,,$2.5,I R5 D-1,54,$135,,OFERTA 20% DTO\n"
    "Injertos rojos,,$3.1,I R5 D-2,54,$167.4,,No disponible\n"
    ",,,,,,,\n"
    "PIEDRAS,,,,,,,\n"
    "Piedra blanca 2 kg,,$1.5,PIEDRA 2,10,$15,,Todo el año\n"
    "Agave azul,Soplada azul,$12.75,A S20 A-1,4,$60,,Cada tanto\n"
    "Cactus grande,R12 terracota,consultar,C R12 T-1,10,,,\n"
    "Cactus raro,R12,$5,C R12 X-1,10,,,\n";

static void price_lists(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    const struct import_options dry = {.kind = IMPORT_PRICE_LIST, .dry_run = true};
    const struct import_options real = {.kind = IMPORT_PRICE_LIST, .file_name = "lista.csv"};
    const struct import_options update = {.kind = IMPORT_PRICE_LIST, .update = true};
    struct import_result r = run(&n, &dry, price_list(price_rows));
    expect(&r, 6, 0, 1, 2);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items"), 0);
    r = run(&n, &real, price_list(price_rows));
    assert_string_equal(said(&r, 0, "code"), "C R12 T-1");
    assert_string_equal(said(&r, 0, "column"), "Precio unitario");
    assert_string_equal(said(&r, 1, "code"), "C R12 X-1");
    struct import_result kept = r;
    expect(&r, 6, 0, 1, 2);
    static const struct {
        const char *where;
        int64_t count;
    } facts[] = {
        {"sku = 'C R5 T-1' AND wholesale_unit_price_cents = 95000 AND units_per_box = 54"
         " AND wholesale_box_price_cents = 5130000 AND retail_unit_price_cents IS NULL"
         " AND availability = 'available' AND variant = ''",
         1},
        {"sku = 'C R8 T-1' AND wholesale_unit_price_cents = 105000 AND observations = 'sin flor'"
         " AND availability = 'limited'",
         1},
        {"sku = 'S T15/17 N-1' AND wholesale_unit_price_cents = 420000"
         " AND availability = 'until_sold_out' AND availability_label = 'Hasta agotar stock'",
         1},
        {"sku = 'I R5 D-1' AND discount_percent = 20 AND availability = 'available' AND variant = "
         "''",
         1},
        {"sku = 'I R5 D-2' AND discount_percent = 0 AND availability = 'out_of_stock'"
         " AND variant = '2 Injertos rojos'",
         1},
        {"sku = 'A S20 A-1' AND wholesale_unit_price_cents = 1275000", 1},
    };
    for (size_t i = 0; i < DM_COUNT(facts); i++) {
        char sql[500];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM price_list_items WHERE %s",
                       facts[i].where);
        if (nursery_number(&n, sql) != facts[i].count) {
            fail_msg("%s", facts[i].where);
        }
    }
    /* both grafted ones stand in the same pot */
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM packaging_catalog"), 5);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM packaging_catalog WHERE"
                                        " sku = 'RIG-R5-TER' AND diameter_cm = 5"),
                     1);
    r = run(&n, &real, price_list(price_rows));
    expect(&r, 0, 0, 7, 2);
    static const char dearer[] =
        "Cactus surtidos,R5 terracota,$1.2,C R5 T-1,54,$64.8,,Todo el año\n"
        "Agave azul,Soplada azul,$12.75,A S20 A-1,4,$51,,Todo el año\n";
    r = run(&n, &real, price_list(dearer));
    assert_string_equal(said(&r, 0, "message"), "it exists with other values");
    expect(&r, 0, 0, 2, 0);
    r = run(&n, &update, price_list(dearer));
    struct import_result changed = r;
    expect(&r, 0, 2, 0, 0);
    assert_int_equal(nursery_number(&n, "SELECT wholesale_unit_price_cents FROM price_list_items"
                                        " WHERE sku = 'C R5 T-1'"),
                     120000);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_revisions"), 2);
    int64_t rows = 0;
    /* the first run cannot be undone while a later one has changed its rows */
    assert_int_equal(import_undo(&n.admin, kept.uuid, &rows, &e), INV_IN_USE);
    assert_ok(import_undo(&n.admin, changed.uuid, &rows, &e), &e);
    assert_int_equal(rows, 2);
    assert_int_equal(nursery_number(&n, "SELECT wholesale_unit_price_cents FROM price_list_items"
                                        " WHERE sku = 'C R5 T-1'"),
                     95000);
}

/* The same list as another program writes it: tabs, Latin-1, a header of its own. */
static void price_list_options(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct import_result r;
    json_t *mapping = json_pack("{s:s}", "Valor", "precio_unitario");
    struct import_options o = {.kind = IMPORT_PRICE_LIST,
                               .delimiter = '\t',
                               .encoding = IMPORT_LATIN1,
                               .mapping = mapping};
    static const char text[] = "LISTA, ENERO\nDESCRIPCI\xD3N\tMACETA\tValor\tC\xD3"
                               "DIGO\t"
                               "OBSERVACIONES\nCactus, surtidos\tR5 terracota\t$950\tC R5 T-1\t"
                               "peque\xF1o\n";
    r = run(&n, &o, text);
    expect(&r, 1, 0, 0, 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items WHERE sku ="
                                        " 'C R5 T-1' AND wholesale_unit_price_cents = 95000 AND"
                                        " observations = 'pequeño'"),
                     1);
    o.mapping = NULL;
    assert_int_equal(import_run(&n.admin, &o, text, strlen(text), &r, &e), INV_VALIDATION);
    json_decref(mapping);
}

static void price_list_reports(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct import_result r;
    int64_t rows = 0;
    const struct import_options o = {.kind = IMPORT_PRICE_LIST};
    r = run(&n, &o,
            price_list("Agave azul,Soplada azul,$12.75,A S20 A-1,4,$60,,Cada tanto\n"
                       "Piedra,,$1.5,PIEDRA 2,10,$15,,\n"));
    /* 12,750 x 4 is 51,000, not 60,000 */
    assert_non_null(strstr(said(&r, 0, "message"), "5100000"));
    assert_string_equal(said(&r, 1, "message"), "not a plant: left out");
    assert_int_equal(json_integer_value(json_object_get(
                         json_array_get(json_object_get(r.report, "rows"), 0), "line")),
                     7); /* counted through the header's line breaks */
    expect(&r, 1, 0, 1, 0);
    assert_ok(import_undo(&n.admin, r.uuid, &rows, &e), &e);
    assert_int_equal(rows, 2); /* price and pot */
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items"), 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM packaging_catalog"), 0);
    static const char *const bad[] = {"", "DESCRIPCION,MACETA,CODIGO\nx,y,z\n", "a\n\"b\n"};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_int_equal(import_run(&n.admin, &o, bad[i], strlen(bad[i]), &r, &e), INV_VALIDATION);
    }
    assert_int_equal(import_run(&n.worker, &o, "", 0, &r, &e), INV_FORBIDDEN);
}

/* ---- catalogue ------------------------------------------------------------------------------- */

static void catalogues(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    int64_t rows = 0;
    static const char text[] = "Categoría;Familia;Nombre común;Nombre científico;Días\n"
                               "Cactus;Ferocactus;Barril dorado;Echinocactus grusonii;720\n"
                               "suculentas;Echeveria;Elegans;Echeveria elegans;\n"
                               "SUCCULENT;echeveria;Agavoides;;180\n"
                               "Palmeras;Phoenix;Datilera;;\n"
                               "Cactus;;Sin familia;;\n"
                               "Cactus;Opuntia;Tuna;;muchos\n";
    const struct import_options o = {.kind = IMPORT_PRODUCTS};
    const struct import_options update = {.kind = IMPORT_PRODUCTS, .update = true};
    struct import_result r = run(&n, &o, text);
    assert_string_equal(said(&r, 0, "column"), "category");
    assert_string_equal(said(&r, 1, "column"), "family");
    assert_string_equal(said(&r, 2, "column"), "growth_days");
    assert_string_equal(said(&r, 3, "code"), "FEROCACTUS-001");
    const struct import_result kept = r;
    expect(&r, 3, 0, 0, 3);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM product_families"), 2);
    r = run(&n, &o, text);
    expect(&r, 0, 0, 3, 3);
    r = run(&n, &update,
            "category,family,name,sku,description\ncactus,Ferocactus,Barril,"
            "ferocactus-001,\"dorado, grande\"\n");
    expect(&r, 0, 1, 0, 0);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM products WHERE common_name = 'Barril'"
                                        " AND growth_days = 720"),
                     1);
    assert_int_equal(import_undo(&n.admin, kept.uuid, &rows, &e), INV_IN_USE);
    assert_ok(import_undo(&n.admin, r.uuid, &rows, &e), &e);
    assert_ok(import_undo(&n.admin, kept.uuid, &rows, &e), &e);
    assert_int_equal(rows, 5); /* three products, two families */
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM product_families"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts),
        DB_TEST(maps),
        DB_TEST(maps_that_are_in_use_stay),
        DB_TEST(labels_that_repeat_take_row_and_col),
        DB_TEST(files_that_are_no_maps),
        DB_TEST(price_lists),
        DB_TEST(price_list_options),
        DB_TEST(price_list_reports),
        DB_TEST(catalogues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Master data in general: fields and their bounds, references, duplicates, lists, permissions,
 * audit; and that each kind can be made. */
#include "inventory/master.h"

#include <string.h>

#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

static void defaults_and_bounds(void **state)
{
    NURSERY(n);
    static const struct {
        enum master_kind kind;
        const char *values;
        int code;
        const char *field;
    } rows[] = {
        {MASTER_CATEGORY, "{'code':'cactus_2','name':' Cactus raros '}", 0, ""},
        {MASTER_CATEGORY, "{'code':'CACTUS_2','name':'X'}", INV_DUPLICATE_CODE, "code"},
        {MASTER_CATEGORY, "{'code':'AB','name':'X'}", INV_VALIDATION, "code"},
        {MASTER_CATEGORY, "{'code':'A-B','name':'X'}", INV_VALIDATION, "code"},
        {MASTER_CATEGORY, "{'code':'ABC'}", INV_VALIDATION, "name"},
        {MASTER_CATEGORY, "{'code':'ABC','name':'  '}", INV_VALIDATION, "name"},
        {MASTER_CATEGORY, "{'code':'ABC','name':'x','colour':1}", INV_VALIDATION, "colour"},
        {MASTER_CATEGORY, "{'code':'ABC','name':7}", INV_VALIDATION, "name"},
        {MASTER_CATEGORY, "{'code':'ABC','name':'x','sort_order':-1}", INV_VALIDATION,
         "sort_order"},
        {MASTER_CATEGORY, "{'code':'ABC','name':'x','sort_order':1.5}", INV_VALIDATION,
         "sort_order"},
        {MASTER_CATEGORY, "{'code':'ABC','name':'x','active':1}", INV_VALIDATION, "active"},
        {MASTER_CATEGORY, "[1]", INV_VALIDATION, ""},
        {MASTER_STATE, "{'code':'X','name':'Una letra'}", 0, ""},
        {MASTER_SIZE, "{'code':'T','name':'Talla','min_height_cm':5,'max_height_cm':4}",
         INV_VALIDATION, "max_height_cm"},
        {MASTER_FAMILY, "{'product_category_id':99999,'name':'Nada'}", INV_NOT_FOUND, ""},
        {MASTER_FAMILY, "{'name':'Nada'}", INV_VALIDATION, "product_category_id"},
        {MASTER_PACKAGING_COLOR, "{'name':'Roja','hex_code':'#ff0000'}", 0, ""},
        {MASTER_PACKAGING_COLOR, "{'name':'Otra','hex_code':'ff00000'}", INV_VALIDATION,
         "hex_code"},
        {MASTER_BIN_TYPE, "{'code':'GRID','name':'x','category':'plug','is_grid':true}",
         INV_VALIDATION, "rows"},
        {MASTER_BIN_TYPE, "{'code':'TUB','name':'x','category':'barrel'}", INV_VALIDATION,
         "category"},
        {MASTER_BIN_TYPE, "{'code':'TUB','name':'x','category':'box','capacity':0}", INV_VALIDATION,
         "capacity"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        const int code = nursery_refused(&n, &e, rows[i].kind, "%s", rows[i].values);
        if (code != rows[i].code) {
            fail_msg("row %zu: %d %s", i, code, dm_err_text(&e));
        }
        if (rows[i].field[0]) {
            assert_string_equal(e.field[0].s, rows[i].field);
        }
    }
    struct master_row row = {0};
    struct dm_err e = {0};
    assert_ok(master_find(&n.viewer, MASTER_CATEGORY, "Cactus_2", &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "name")), "Cactus raros");
    assert_int_equal(json_integer_value(json_object_get(row.row, "sort_order")), 99);
    assert_string_equal(json_string_value(json_object_get(row.row, "created_at")),
                        "2025-01-31T15:00:00.000Z");
    master_row_clear(&row);
    assert_int_equal(master_find(&n.viewer, MASTER_CATEGORY, "NADA", &row, &e), INV_NOT_FOUND);
    assert_int_equal(master_get(&n.viewer, MASTER_CATEGORY, 99999, &row, &e), INV_NOT_FOUND);
}

static void changes(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const int64_t category =
        nursery_make(&n, MASTER_CATEGORY, "{'code':'PALMS','name':'Palmeras'}");
    const int64_t family = nursery_make(
        &n, MASTER_FAMILY, "{'product_category_id':%lld,'name':'Phoenix'}", (long long)category);
    const int64_t audits = nursery_number(&n, "SELECT count(*) FROM audit_log");
    DM_CLEANUP(nursery_json_freep) json_t *same = nursery_json("{'name':'Phoenix'}");
    DM_CLEANUP(nursery_json_freep)
    json_t *other = nursery_json("{'name':'Ficus','description':'d'}");
    DM_CLEANUP(nursery_json_freep) json_t *moved = nursery_json("{'product_category_id':1}");
    DM_CLEANUP(nursery_json_freep) json_t *emptied = nursery_json("{'description':null}");
    DM_CLEANUP(nursery_json_freep) json_t *nameless = nursery_json("{'name':null}");
    assert_ok(master_change(&n.admin, MASTER_FAMILY, family, same, &row, &e), &e);
    master_row_clear(&row);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log"), audits);
    assert_ok(master_change(&n.admin, MASTER_FAMILY, family, other, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "name")), "Ficus");
    master_row_clear(&row);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log"), audits + 1);
    assert_int_equal(
        nursery_number(&n, "SELECT count(*) FROM audit_log WHERE action = 'update' AND"
                           " entity_type = 'product_families' AND before ->> 'name' = 'Phoenix'"
                           " AND after ->> 'name' = 'Ficus'"),
        1);
    assert_int_equal(master_change(&n.admin, MASTER_FAMILY, family, moved, &row, &e),
                     INV_VALIDATION);
    assert_int_equal(master_change(&n.admin, MASTER_FAMILY, 99999, other, &row, &e), INV_NOT_FOUND);
    assert_int_equal(master_change(&n.admin, MASTER_FAMILY, family, nameless, &row, &e),
                     INV_VALIDATION);
    assert_ok(master_change(&n.admin, MASTER_FAMILY, family, emptied, &row, &e), &e);
    assert_true(json_is_null(json_object_get(row.row, "description")));
    master_row_clear(&row);
    assert_int_equal(master_change(&n.supervisor, MASTER_FAMILY, family, other, &row, &e),
                     INV_FORBIDDEN);
    assert_int_equal(master_create(&n.worker, MASTER_FAMILY, other, &row, &e), INV_FORBIDDEN);
}

static void same_name_in_another_category(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    (void)nursery_make(&n, MASTER_FAMILY, "{'product_category_id':1,'name':'Echeveria'}");
    (void)nursery_make(&n, MASTER_FAMILY, "{'product_category_id':2,'name':'Echeveria'}");
    assert_int_equal(
        nursery_refused(&n, &e, MASTER_FAMILY, "{'product_category_id':2,'name':'ECHEVERIA'}"),
        INV_DUPLICATE_CODE);
    assert_string_equal(e.field[0].s, "name");
    assert_string_equal(e.field[1].s, "ECHEVERIA");
}

static void removal(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const int64_t category =
        nursery_make(&n, MASTER_CATEGORY, "{'code':'PALMS','name':'Palmeras'}");
    const int64_t family = nursery_make(
        &n, MASTER_FAMILY, "{'product_category_id':%lld,'name':'Phoenix'}", (long long)category);
    assert_int_equal(master_remove(&n.admin, MASTER_CATEGORY, category, &e), INV_IN_USE);
    assert_string_equal(e.field[0].name, "product_families");
    assert_int_equal(e.field[0].i, 1);
    assert_int_equal(master_remove(&n.supervisor, MASTER_FAMILY, family, &e), INV_FORBIDDEN);
    assert_ok(master_remove(&n.admin, MASTER_FAMILY, family, &e), &e);
    assert_int_equal(master_get(&n.admin, MASTER_FAMILY, family, &row, &e), INV_NOT_FOUND);
    assert_ok(master_set_active(&n.admin, MASTER_CATEGORY, category, false, &e), &e);
    assert_int_equal(nursery_refused(&n, &e, MASTER_FAMILY,
                                     "{'product_category_id':%lld,'name':'Phoenix'}",
                                     (long long)category),
                     INV_NOT_FOUND); /* below something inactive nothing new begins */
    assert_ok(master_set_active(&n.admin, MASTER_CATEGORY, category, true, &e), &e);
    assert_ok(master_remove(&n.admin, MASTER_CATEGORY, category, &e), &e);
    assert_int_equal(master_remove(&n.admin, MASTER_CATEGORY, category, &e), INV_NOT_FOUND);
    assert_int_equal(master_set_active(&n.admin, MASTER_STATE, 1, false, &e), INV_VALIDATION);
}

static int64_t listed(struct nursery *n, enum master_kind kind, const struct master_list *list,
                      const char *first)
{
    json_t *rows = NULL;
    int64_t total = -1;
    struct dm_err e = {0};
    assert_ok(master_all(&n->viewer, kind, list, &rows, &total, &e), &e);
    if (first) {
        assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "code")),
                            first);
    }
    json_decref(rows);
    return total;
}

static void lists(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    json_t *rows;
    DM_CLEANUP(nursery_json_freep) json_t *sellable = nursery_json("{'is_sellable':true}");
    DM_CLEANUP(nursery_json_freep) json_t *unknown = nursery_json("{'colour':true}");
    assert_int_equal(listed(&n, MASTER_STATE, &(struct master_list){0}, "SEED"), 11);
    assert_int_equal(listed(&n, MASTER_STATE, &(struct master_list){.equal = sellable}, "ADULT"),
                     4);
    assert_int_equal(
        listed(&n, MASTER_STATE, &(struct master_list){.page = 2, .per_page = 5}, "FLOWERING"), 11);
    assert_int_equal(listed(&n, MASTER_CATEGORY, &(struct master_list){0}, "CACTUS"), 4);
    assert_int_equal(
        listed(&n, MASTER_CATEGORY, &(struct master_list){.with_inactive = true}, "CACTUS"), 10);
    assert_int_equal(listed(&n, MASTER_CATEGORY, &(struct master_list){.q = "sucCUL"}, "SUCCULENT"),
                     1);
    assert_int_equal(listed(&n, MASTER_CATEGORY, &(struct master_list){.q = "%"}, NULL), 0);
    assert_int_equal(listed(&n, MASTER_SIZE, &(struct master_list){.q = "x"}, "XS"), 3);
    static const struct master_list wrong[] = {{.page = -1}, {.per_page = 1001}};
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        assert_int_equal(master_all(&n.viewer, MASTER_STATE, &wrong[i], &rows, NULL, &e),
                         INV_VALIDATION);
    }
    const struct master_list bad = {.equal = unknown};
    assert_int_equal(master_all(&n.viewer, MASTER_STATE, &bad, &rows, NULL, &e), INV_VALIDATION);
}

/* Each kind is listed: its columns and its order are SQL that both engines take. */
static void every_kind_can_be_listed(void **state)
{
    NURSERY(n);
    for (enum master_kind kind = 0; kind < MASTER_MAX_; kind++) {
        json_t *rows = NULL;
        struct dm_err e = {0};
        const struct master_list list = {.q = "e"};
        assert_ok(master_all(&n.admin, kind, &list, &rows, NULL, &e), &e);
        json_decref(rows);
        struct master_row row = {0};
        assert_int_equal(master_find(&n.admin, kind, "no such thing", &row, &e), INV_NOT_FOUND);
        assert_true(strlen(master_noun(kind)) > 2);
    }
}

static void products_and_packaging(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const int64_t family =
        nursery_make(&n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ferocactus'}");
    const int64_t nandu = nursery_make(
        &n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ñandubay del monte grande'}");
    static const struct {
        const char *extra, *sku;
    } products[] = {
        {"", "FEROCACTUS-001"},
        {"", "FEROCACTUS-002"},
        {",'sku':'fero-x1','growth_days':90,'custom_attributes':{'light':'full'}", "FERO-X1"},
        {"", "FEROCACTUS-003"},
    };
    for (size_t i = 0; i < DM_COUNT(products); i++) {
        const int64_t id =
            nursery_make(&n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'%s}",
                         (long long)family, products[i].extra);
        assert_ok(master_get(&n.worker, MASTER_PRODUCT, id, &row, &e), &e);
        assert_string_equal(json_string_value(json_object_get(row.row, "sku")), products[i].sku);
        master_row_clear(&row);
    }
    const int64_t id =
        nursery_make(&n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Algarrobillo'}",
                     (long long)nandu);
    assert_ok(master_get(&n.worker, MASTER_PRODUCT, id, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "sku")), "NANDUBAYDELMONT-001");
    master_row_clear(&row);

    /* R5 terracota of 5 x 5 cm: pi x 2.5^2 x 5 x 0.75 / 1000 = 0.0736 l */
    const int64_t pot = nursery_make(
        &n, MASTER_PACKAGING,
        "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,'diameter_cm':5,"
        "'height_cm':5,'unit_cost_cents':1200}");
    assert_ok(master_get(&n.viewer, MASTER_PACKAGING, pot, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "sku")), "RIG-R5-TER");
    assert_string_equal(json_string_value(json_object_get(row.row, "name")), "R5 Terracota");
    assert_true(json_real_value(json_object_get(row.row, "volume_liters")) == 0.07);
    assert_int_equal(json_integer_value(json_object_get(row.row, "unit_cost_cents")), 1200);
    master_row_clear(&row);
    assert_ok(master_get(&n.worker, MASTER_PACKAGING, pot, &row, &e), &e);
    assert_true(
        json_is_null(json_object_get(row.row, "unit_cost_cents"))); /* money is not for him */
    master_row_clear(&row);
    assert_int_equal(nursery_refused(&n, &e, MASTER_PACKAGING,
                                     "{'packaging_type_id':1,'packaging_material_id':1,"
                                     "'packaging_color_id':1,'diameter_cm':5,'height_cm':5}"),
                     INV_DUPLICATE_CODE);
    const int64_t tall = nursery_make(
        &n, MASTER_PACKAGING,
        "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,'diameter_cm':5,"
        "'height_cm':9}");
    assert_ok(master_get(&n.viewer, MASTER_PACKAGING, tall, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "sku")), "RIG-R5-TER-2");
    master_row_clear(&row);
    const int64_t half = nursery_make(&n, MASTER_PACKAGING,
                                      "{'packaging_type_id':2,'packaging_material_id':1,'packaging_"
                                      "color_id':6,'diameter_cm':5.5}");
    assert_ok(master_get(&n.viewer, MASTER_PACKAGING, half, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "sku")), "TER-R5-5-NEG");
    assert_true(json_is_null(json_object_get(row.row, "volume_liters")));
    master_row_clear(&row);
}

static void samples(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const int64_t family =
        nursery_make(&n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ferocactus'}");
    const int64_t product = nursery_make(
        &n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'}", (long long)family);
    char sql[400];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px,"
                   " sha256, captured_at, captured_at_source, uploaded_by_user_id) VALUES"
                   " ('0b1e9f0a-0000-4000-8000-000000000001', 'image/jpeg', 9, 4, 3,"
                   " '%064d', {now}, 'upload', %lld)",
                   7, (long long)n.admin.user_id);
    nursery_exec(&n, sql);
    const long long image = nursery_number(&n, "SELECT id FROM images");
    for (int i = 0; i < 2; i++) {
        (void)nursery_make(&n, MASTER_SAMPLE,
                           "{'product_id':%lld,'image_id':%lld,'sample_type':'reference',"
                           "'is_primary':true}",
                           (long long)product, image);
    }
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM product_sample_images"), 2);
    assert_int_equal(nursery_number(&n, "SELECT id FROM product_sample_images WHERE is_primary"),
                     nursery_number(&n, "SELECT max(id) FROM product_sample_images"));
    assert_ok(master_get(&n.viewer, MASTER_SAMPLE,
                         nursery_number(&n, "SELECT max(id) FROM product_sample_images"), &row, &e),
              &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "capture_date")), "2025-01-31");
    assert_int_equal(json_integer_value(json_object_get(row.row, "captured_by_user_id")),
                     n.admin.user_id);
    const int64_t id = row.id;
    master_row_clear(&row);
    assert_int_equal(nursery_refused(&n, &e, MASTER_SAMPLE,
                                     "{'product_id':%lld,'image_id':999,'sample_type':'reference'}",
                                     (long long)product),
                     INV_NOT_FOUND);
    assert_int_equal(master_remove(&n.admin, MASTER_PRODUCT, product, &e), INV_IN_USE);
    assert_ok(master_remove(&n.supervisor, MASTER_SAMPLE, id, &e), &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(defaults_and_bounds),
        DB_TEST(changes),
        DB_TEST(same_name_in_another_category),
        DB_TEST(removal),
        DB_TEST(lists),
        DB_TEST(every_kind_can_be_listed),
        DB_TEST(products_and_packaging),
        DB_TEST(samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

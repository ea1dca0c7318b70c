/* SPDX-License-Identifier: Apache-2.0
 *
 * Prices: entries, look-up order, net prices, history, and the bulk edit. */
#include "inventory/prices.h"

#include <string.h>

#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

static void net_prices(void **state)
{
    (void)state;
    static const struct {
        int64_t cents, percent, net;
    } rows[] = {
        {105000, 0, 105000},    {105000, 20, 84000},
        {99, 33, 66},           {1, 99, 0},
        {100, 100, 0},          {INT64_C(1000000000000), 1, INT64_C(990000000000)},
        {4275050, 15, 3633792},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_int_equal(prices_net(rows[i].cents, rows[i].percent), rows[i].net);
    }
}

struct shop {
    int64_t cactus, pot, pot8, product, other;
};

static struct shop make_shop(struct nursery *n)
{
    struct shop s = {0};
    s.cactus = nursery_number(n, "SELECT id FROM product_categories WHERE code = 'CACTUS'");
    const long long family = nursery_make(
        n, MASTER_FAMILY, "{'product_category_id':%lld,'name':'Ferocactus'}", (long long)s.cactus);
    s.product = nursery_make(n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'}",
                             family);
    s.other =
        nursery_make(n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Otro'}", family);
    s.pot = nursery_make(n, MASTER_PACKAGING,
                         "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,"
                         "'diameter_cm':5}");
    s.pot8 = nursery_make(n, MASTER_PACKAGING,
                          "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,"
                          "'diameter_cm':8}");
    return s;
}

static int64_t find(struct nursery *n, int64_t product, int64_t pot, struct prices_entry *ret)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    assert_ok(store_begin(n->db->store, STORE_READ, &tx, &e), &e);
    const int found = prices_find(tx, product, pot, &a, ret, &e);
    assert_ok(found, &e);
    dm_arena_clear(&a);
    return found ? ret->id : 0;
}

static void look_up_order(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    struct prices_entry entry;
    const struct shop s = make_shop(&n);
    const long long variant = nursery_make(
        &n, MASTER_PRICE,
        "{'packaging_catalog_id':%lld,'product_category_id':%lld,'variant':'injerto rojo',"
        "'wholesale_unit_price_cents':90000,'sku':'I R5 T-1'}",
        (long long)s.pot, (long long)s.cactus);
    assert_int_equal(find(&n, s.product, s.pot, &entry), 0); /* variants are not for all */
    const int64_t general = nursery_make(
        &n, MASTER_PRICE,
        "{'packaging_catalog_id':%lld,'product_category_id':%lld,"
        "'wholesale_unit_price_cents':105000,'units_per_box':54,'discount_percent':20}",
        (long long)s.pot, (long long)s.cactus);
    assert_int_equal(find(&n, s.product, s.pot, &entry), general);
    assert_int_equal(entry.net_wholesale_cents, 84000);
    assert_int_equal(entry.net_retail_cents, 0);
    assert_ok(master_get(&n.viewer, MASTER_PRICE, general, &row, &e), &e);
    assert_string_equal(json_string_value(json_object_get(row.row, "sku")), "CACTUS-RIG-R5-TER");
    master_row_clear(&row);
    assert_int_equal(nursery_number(&n, "SELECT wholesale_box_price_cents FROM price_list_items"
                                        " WHERE units_per_box = 54"),
                     105000 * 54);
    const int64_t own = nursery_make(
        &n, MASTER_PRICE,
        "{'packaging_catalog_id':%lld,'product_category_id':%lld,'product_id':%lld,"
        "'wholesale_unit_price_cents':120000,'retail_unit_price_cents':150000,'sku':'C R5 T-2'}",
        (long long)s.pot, (long long)s.cactus, (long long)s.product);
    assert_int_equal(find(&n, s.product, s.pot, &entry), own);
    assert_int_equal(entry.retail_cents, 150000);
    assert_int_equal(find(&n, s.other, s.pot, &entry), general);
    assert_int_equal(find(&n, s.product, s.pot8, &entry), 0);
    assert_int_equal(find(&n, s.product, 0, &entry), 0);
    assert_ok(master_remove(&n.admin, MASTER_PRICE, own, &e), &e); /* discontinued */
    assert_int_equal(find(&n, s.product, s.pot, &entry), general);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items"), 3);
    assert_int_equal(master_get(&n.worker, MASTER_PRICE, variant, &row, &e), INV_FORBIDDEN);
}

static void entries(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    const struct shop s = make_shop(&n);
    static const struct {
        const char *values;
        int code;
        const char *field;
    } rows[] = {
        {"'wholesale_unit_price_cents':1,'sku':'C R5 T-1'", 0, NULL},
        {"'wholesale_unit_price_cents':0,'sku':'X'", INV_VALIDATION, "wholesale_unit_price_cents"},
        {"'sku':'X'", INV_VALIDATION, "wholesale_unit_price_cents"},
        {"'wholesale_unit_price_cents':100,'retail_unit_price_cents':99", INV_VALIDATION,
         "retail_unit_price_cents"},
        {"'wholesale_unit_price_cents':100,'units_per_box':0", INV_VALIDATION, "units_per_box"},
        {"'wholesale_unit_price_cents':100,'discount_percent':101", INV_VALIDATION,
         "discount_percent"},
        {"'wholesale_unit_price_cents':100,'sku':'C_R5'", INV_VALIDATION, "sku"},
        {"'wholesale_unit_price_cents':100,'variant':'b','sku':'c r5 t-1'", INV_DUPLICATE_CODE,
         "sku"},
        {"'wholesale_unit_price_cents':100,'sku':'S T15/17 N-1'", INV_DUPLICATE_CODE, NULL},
        {"'wholesale_unit_price_cents':100,'variant':'b','sku':'S T15/17 N-1'", 0, NULL},
        {"'wholesale_unit_price_cents':100,'variant':'c','product_id':99999", INV_NOT_FOUND, NULL},
        {"'wholesale_unit_price_cents':100,'variant':'d','row_version':7", INV_VALIDATION,
         "row_version"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        const int code = nursery_refused(
            &n, &e, MASTER_PRICE, "{'packaging_catalog_id':%lld,'product_category_id':%lld,%s}",
            (long long)s.pot, (long long)s.cactus, rows[i].values);
        if (code != rows[i].code || (rows[i].field && strcmp(e.field[0].s, rows[i].field) != 0)) {
            fail_msg("row %zu: %d %s", i, code, dm_err_text(&e));
        }
    }
    assert_int_equal(nursery_refused(&n, &e, MASTER_PRICE,
                                     "{'packaging_catalog_id':%lld,'product_category_id':2,"
                                     "'product_id':%lld,'wholesale_unit_price_cents':5}",
                                     (long long)s.pot, (long long)s.product),
                     INV_VALIDATION); /* product of another category */
    const int64_t id = nursery_number(&n, "SELECT id FROM price_list_items WHERE sku = 'C R5 T-1'");
    DM_CLEANUP(nursery_json_freep)
    json_t *dearer = nursery_json("{'wholesale_unit_price_cents':110000}");
    assert_ok(master_change(&n.admin, MASTER_PRICE, id, dearer, &row, &e), &e);
    assert_int_equal(json_integer_value(json_object_get(row.row, "row_version")), 2);
    master_row_clear(&row);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_revisions"), 1);
    assert_int_equal(nursery_number(&n, "SELECT CAST(old_values ->> 'wholesale_unit_price_cents'"
                                        " AS {int}) FROM price_list_revisions"),
                     1);
    DM_CLEANUP(nursery_json_freep) json_t *pot = nursery_json("{'name':'R5 nueva'}");
    assert_ok(master_change(&n.admin, MASTER_PACKAGING, s.pot, pot, &row, &e), &e);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(row.warnings, 0), "count")),
                     2);
    master_row_clear(&row);
}

/* ---- bulk edit --------------------------------------------------------------------------------
 */

static void make_prices(struct nursery *n, const struct shop *s, int count)
{
    for (int i = 0; i < count; i++) {
        (void)nursery_make(
            n, MASTER_PRICE,
            "{'packaging_catalog_id':%lld,'product_category_id':%lld,'variant':'v%d',"
            "'wholesale_unit_price_cents':%d,'sku':'SKU %d'%s}",
            (long long)(i % 2 ? s->pot : s->pot8), (long long)s->cactus, i, 100050 + i * 100, i,
            i % 2 ? ",'retail_unit_price_cents':900000" : "");
    }
}

static int64_t preview(struct nursery *n, const struct prices_bulk *bulk, char *token)
{
    struct prices_preview p = {0};
    struct dm_err e = {0};
    assert_ok(prices_preview(&n->admin, bulk, &p, &e), &e);
    assert_int_equal(json_array_size(p.items), p.count);
    memcpy(token, p.token, sizeof(p.token));
    json_decref(p.items);
    return p.count;
}

static void bulk_change(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    char token[PRICES_TOKEN_SIZE];
    int64_t count;
    const struct shop s = make_shop(&n);
    make_prices(&n, &s, 6);
    const struct prices_bulk bulk = {.kind = PRICES_CHANGE,
                                     .packaging_id = s.pot,
                                     .basis_points = 1250, /* 12.5 % */
                                     .step_cents = 1000};
    assert_int_equal(preview(&n, &bulk, token), 3);
    assert_ok(prices_execute(&n.admin, &bulk, token, false, &count, &e), &e);
    assert_int_equal(count, 3);
    /* 1001.50 x 1.125 = 1126.6875, floored to 10 pesos: 1120 */
    assert_int_equal(nursery_number(&n, "SELECT wholesale_unit_price_cents FROM price_list_items"
                                        " WHERE variant = 'v1'"),
                     112000);
    assert_int_equal(nursery_number(&n, "SELECT retail_unit_price_cents FROM price_list_items"
                                        " WHERE variant = 'v1'"),
                     1012000);
    assert_int_equal(nursery_number(&n, "SELECT wholesale_unit_price_cents FROM price_list_items"
                                        " WHERE variant = 'v0'"),
                     100050);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_revisions WHERE"
                                        " bulk_operation_id IS NOT NULL"),
                     3);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log WHERE action = 'bulk'"), 1);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log WHERE action = 'update'"),
                     0);
    assert_int_equal(prices_execute(&n.admin, &bulk, token, false, &count, &e), INV_STALE_PREVIEW);
}

static void tokens(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct master_row row = {0};
    char token[PRICES_TOKEN_SIZE];
    int64_t count;
    const struct shop s = make_shop(&n);
    make_prices(&n, &s, 4);
    const struct prices_bulk bulk = {.kind = PRICES_DISCOUNT, .new_discount = 15};
    struct prices_bulk other = bulk;
    other.new_discount = 16;
    struct inv_ctx late = n.admin;
    late.now_ms += 600000;
    struct inv_ctx second = n.admin;
    second.user_id = n.supervisor.user_id;
    assert_int_equal(preview(&n, &bulk, token), 4);
    assert_int_equal(prices_execute(&late, &bulk, token, false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(prices_execute(&second, &bulk, token, false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(prices_execute(&n.admin, &other, token, false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(prices_execute(&n.admin, &bulk, "no", false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(prices_execute(&n.supervisor, &bulk, token, false, &count, &e), INV_FORBIDDEN);
    DM_CLEANUP(nursery_json_freep) json_t *dearer = nursery_json("{'discount_percent':1}");
    const int64_t id = nursery_number(&n, "SELECT max(id) FROM price_list_items");
    assert_ok(master_change(&n.admin, MASTER_PRICE, id, dearer, &row, &e), &e);
    master_row_clear(&row);
    assert_int_equal(prices_execute(&n.admin, &bulk, token, false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(preview(&n, &bulk, token), 4);
    assert_ok(master_remove(&n.admin, MASTER_PRICE, id, &e), &e); /* one fewer */
    assert_int_equal(prices_execute(&n.admin, &bulk, token, false, &count, &e), INV_STALE_PREVIEW);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items"
                                        " WHERE discount_percent = 15"),
                     0);
    assert_int_equal(preview(&n, &bulk, token), 3);
    assert_ok(prices_execute(&n.admin, &bulk, token, false, &count, &e), &e);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM price_list_items"
                                        " WHERE discount_percent = 15"),
                     3);
}

static void bulk_limits(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct prices_preview p;
    char token[PRICES_TOKEN_SIZE];
    int64_t count;
    const struct shop s = make_shop(&n);
    const struct prices_bulk nothing = {.kind = PRICES_DISCOUNT, .new_discount = 15};
    assert_int_equal(prices_preview(&n.admin, &nothing, &p, &e), INV_EMPTY_FILTER_RESULT);
    make_prices(&n, &s, 101);
    static const struct prices_bulk wrong[] = {
        {.kind = PRICES_CHANGE},
        {.kind = PRICES_CHANGE, .basis_points = -10000},
        {.kind = PRICES_CHANGE, .basis_points = 10001},
        {.kind = PRICES_CHANGE, .basis_points = 100, .step_cents = 7},
        {.kind = PRICES_CHANGE, .basis_points = -9999, .step_cents = 10000}, /* not positive */
        {.kind = PRICES_DISCOUNT, .new_discount = 101},
        {.kind = PRICES_AVAILABILITY, .new_availability = "gone"},
        {.kind = PRICES_AVAILABILITY},
        {.kind = PRICES_DISCOUNT, .availability = "gone"},
    };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        assert_int_equal(prices_preview(&n.admin, &wrong[i], &p, &e), INV_VALIDATION);
    }
    const struct prices_bulk all = {.kind = PRICES_AVAILABILITY, .new_availability = "limited"};
    assert_int_equal(preview(&n, &all, token), 101);
    assert_int_equal(prices_execute(&n.admin, &all, token, false, &count, &e), INV_VALIDATION);
    assert_string_equal(e.field[0].s, "confirm");
    assert_ok(prices_execute(&n.admin, &all, token, true, &count, &e), &e);
    const struct prices_bulk few = {
        .kind = PRICES_DISCOUNT, .max_cents = 100100, .min_cents = 1, .availability = "limited"};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(preview(&n, &few, token), 1);
        assert_ok(prices_execute(&n.admin, &few, token, false, &count, &e), &e);
    }
    assert_int_equal(preview(&n, &few, token), 1);
    assert_int_equal(prices_execute(&n.admin, &few, token, false, &count, &e), INV_RATE_LIMITED);
    n.admin.now_ms += 3600000;
    assert_int_equal(preview(&n, &few, token), 1);
    assert_ok(prices_execute(&n.admin, &few, token, false, &count, &e), &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_prices), DB_TEST(look_up_order), DB_TEST(entries),
        DB_TEST(bulk_change),         DB_TEST(tokens),        DB_TEST(bulk_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

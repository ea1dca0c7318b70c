/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists: every one runs on both engines, whole, filtered by each of its filters and by all of them;
 * what they show of the tiny nursery; pages and totals; money that is not shown. */
#include "inventory/list.h"

#include <string.h>

#include "inventory/json.h"
#include "support/books.h"

struct rig {
    struct inv_settings settings;
    struct inv_ctx c;
    struct dm_err e;
};

static void rig_begin(struct rig *g, struct db *db)
{
    *g = (struct rig){0};
    books_tiny(db->store);
    g->c = books_ctx(db->store, &g->settings);
}

/* A value of a filter's letter that lets nothing through or something, but fits. */
static struct store_value sample(char letter)
{
    switch (letter) {
    case 'i':
        return store_i(1);
    case 'r':
        return store_r(1.5);
    case 'j':
        return store_j("[1,2]");
    case 'b':
        return store_b(true);
    case 'T':
        return store_at(0);
    case 'D':
        return store_d("2026-01-31");
    case 'u':
        return store_u("00000000-0000-4000-8000-000000000011");
    default:
        return store_t("A%_\\b");
    }
}

static void every_list_runs(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    for (size_t i = 0; list_all[i]; i++) {
        const struct list *l = list_all[i];
        struct list_value all[LIST_FILTERS_MAX];
        assert_true(l->n_filter <= LIST_FILTERS_MAX && l->n_column <= LIST_COLUMNS_MAX);
        assert_true(i == 0 || strcmp(list_all[i - 1]->name, l->name) < 0);
        for (size_t k = 0; k < l->n_filter; k++) {
            all[k] = (struct list_value){l->filter[k].name, sample(l->filter[k].type)};
        }
        for (size_t k = 0; k < l->n_filter + 2; k++) {
            const struct list_ask ask = {.value = k < l->n_filter ? &all[k] : all,
                                         .n_value = k < l->n_filter    ? 1
                                                    : k == l->n_filter ? l->n_filter
                                                                       : 0,
                                         .limit = k % 2 ? 100 : 0};
            DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
            int64_t total = -1;
            assert_ok(list_rows(&g.c, l, &ask, &rows, &total, &g.e), &g.e);
            assert_int_equal(total, json_array_size(rows));
        }
    }
}

static const json_t *row_of(const json_t *rows, size_t i)
{
    const json_t *row = json_array_get(rows, i);
    assert_non_null(row);
    return row;
}

static void pages_and_totals(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        int64_t skip, limit;
        size_t n;
    } pages[] = {{0, 0, 3}, {0, 2, 2}, {2, 2, 1}, {3, 2, 0}, {0, 3, 3}, {1, 1, 1}};
    for (size_t i = 0; i < DM_COUNT(pages); i++) {
        DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
        int64_t total;
        const struct list_ask ask = {.skip = pages[i].skip, .limit = pages[i].limit};
        assert_ok(list_rows(&g.c, &list_batches, &ask, &rows, &total, &g.e), &g.e);
        assert_int_equal(json_array_size(rows), pages[i].n);
        assert_int_equal(total, 3);
    }
}

static void filters_let_through(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    const struct {
        const struct list *list;
        struct list_value v;
        size_t n;
    } rows[] = {
        {&list_batches, {"storage_location_id", store_i(1)}, 2},
        {&list_batches, {"batch_status", store_t("active")}, 2},
        {&list_batches, {"batch_status", store_t("depleted")}, 1},
        {&list_batches, {"q", store_t("prod1-202602")}, 1},
        {&list_batches, {"q", store_t("LOC_")}, 0},
        {&list_batches, {"q", {.null = true}}, 3},
        {&list_periods, {"status", store_t("closed")}, 1},
        {&list_recons, {"month", store_t("2026-02")}, 1},
        {&list_recons, {"warehouse_id", store_i(2)}, 0},
        {&list_movements, {"movement_type", store_t("transplante")}, 2},
        {&list_movements, {"movement_type", store_t("sembrar")}, 0},
        {&list_warehouses, {"q", store_t("NÁVE")}, 1},
        {&list_warehouses, {"active", store_b(false)}, 0},
        {&list_locations, {"has_config", store_b(true)}, 1},
        {&list_locations, {"has_config", store_b(false)}, 1},
        {&list_locations, {"ids", store_j("[2,3]")}, 1},
        {&list_locations, {"warehouse_id", store_i(1)}, 2},
        {&list_bins, {"storage_location_id", store_i(1)}, 2},
        {&list_products, {"state_code", store_t("ADULT")}, 1},
        {&list_products, {"q", store_t("PLUMÓSA")}, 1},
        {&list_packaging, {"min_diameter", store_r(5)}, 1},
        {&list_packaging, {"min_diameter", store_r(5.5)}, 0},
        {&list_prices, {"not_availability", store_t("available")}, 0},
        {&list_prices, {"search_sku", store_t("r5 t")}, 1},
        {&list_configs, {"storage_location_id", store_i(1)}, 2},
        {&list_config_states, {"missing", store_b(true)}, 1},
        {&list_config_states, {"missing", store_b(false)}, 1},
        {&list_density, {"no_product", store_b(true)}, 0},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(inv_json_freep) json_t *out = NULL;
        const struct list_ask ask = {.value = &rows[i].v, .n_value = 1};
        assert_ok(list_rows(&g.c, rows[i].list, &ask, &out, NULL, &g.e), &g.e);
        assert_int_equal(json_array_size(out), rows[i].n);
    }
}

/* Points, nested members, a member to sort by. */
static void rows_of_places_and_prices(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    DM_CLEANUP(inv_json_freep) json_t *claros = NULL;
    DM_CLEANUP(inv_json_freep) json_t *price = NULL;
    const struct list_ask down = {.sort = "-code"};
    assert_ok(list_rows(&g.c, &list_locations, &down, &claros, NULL, &g.e), &g.e);
    assert_string_equal(inv_json_str(row_of(claros, 0), "code"), "NAVE01-N-C02");
    const json_t *at =
        json_object_get(json_object_get(row_of(claros, 0), "centroid"), "coordinates");
    assert_int_equal(json_array_size(at), 2);
    assert_true(json_real_value(json_array_get(at, 0)) < json_real_value(json_array_get(at, 1)));
    assert_ok(list_one(&g.c, &list_prices, "id", store_i(1), &price, &g.e), &g.e);
    assert_int_equal(inv_json_int(price, "wholesale_total_price_per_box"), 95000 * 54);
    assert_int_equal(inv_json_int(price, "net_wholesale_price"), 95000);
    assert_string_equal(inv_json_str(price, "currency"), "ARS");
    assert_string_equal(inv_json_str(json_object_get(price, "category"), "code"), "CACTUS");
    json_t *none = NULL;
    assert_int_equal(
        list_rows(&g.c, &list_locations, &(struct list_ask){.sort = "cod"}, &none, NULL, NULL),
        INV_VALIDATION);
}

/* Each leg names the other; each row says what its batch held then. */
static void movements_know_their_neighbours(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    const struct list_value v = {"movement_type", store_t("transplante")};
    const struct list_ask ask = {.value = &v, .n_value = 1};
    assert_ok(list_rows(&g.c, &list_movements, &ask, &rows, NULL, &g.e), &g.e);
    const json_t *in = row_of(rows, 0);
    const json_t *out = row_of(rows, 1);
    assert_int_equal(inv_json_int(in, "quantity"), 3);
    assert_int_equal(inv_json_int(in, "batch_quantity_after"), 3);
    assert_int_equal(inv_json_int(out, "batch_quantity_after"), 5);
    assert_string_equal(inv_json_str(in, "paired_movement_id"), inv_json_str(out, "movement_id"));
    assert_string_equal(inv_json_str(out, "paired_movement_id"), inv_json_str(in, "movement_id"));
    DM_CLEANUP(inv_json_freep) json_t *one = NULL;
    assert_ok(list_one(&g.c, &list_movements, "movement_id",
                       store_u(inv_json_str(in, "movement_id")), &one, &g.e),
              &g.e);
    assert_true(json_equal(one, in));
    json_t *none = NULL;
    assert_int_equal(list_one(&g.c, &list_movements, "id", store_i(999), &none, NULL),
                     INV_NOT_FOUND);
}

static void money_is_for_some(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        enum inv_role role;
        bool shown;
    } roles[] = {{INV_ADMIN, true}, {INV_VIEWER, true}, {INV_WORKER, false}};
    for (size_t i = 0; i < DM_COUNT(roles); i++) {
        DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
        const struct list_value v = {"movement_type", store_t("ventas")};
        const struct list_ask ask = {.value = &v, .n_value = 1};
        g.c.role = roles[i].role;
        assert_ok(list_rows(&g.c, &list_movements, &ask, &rows, NULL, &g.e), &g.e);
        const json_t *price = json_object_get(row_of(rows, 0), "unit_price");
        assert_int_equal(json_is_number(price), roles[i].shown);
        assert_int_equal(json_is_null(price), !roles[i].shown);
    }
    json_t *none = NULL;
    g.c.role = INV_WORKER;
    assert_int_equal(list_rows(&g.c, &list_audit, &(struct list_ask){0}, &none, NULL, NULL),
                     INV_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(every_list_runs),     DB_TEST(pages_and_totals),
        DB_TEST(filters_let_through), DB_TEST(movements_know_their_neighbours),
        DB_TEST(money_is_for_some),   DB_TEST(rows_of_places_and_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

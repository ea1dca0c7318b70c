/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked examples of domain.md that need the books, on both engines; docs/books.md lists where the
 * others are. */
#include <string.h>

#include "inventory/density.h"
#include "inventory/sales.h"
#include "support/ledger_rig.h"

#define DEC31 INT64_C(1735653600000) /* 2024-12-31T14:00:00Z */

/* 11.4: the system sold 500; a file of 488 is within max(5, 24), one of 430 beyond 21. */
static void sales_of_a_month(void **state)
{
    static const struct {
        const char *quantity;
        int64_t matched, difference, tolerance;
    } rows[] = {{"488", 1, 12, 24}, {"430", 0, 70, 21}};
    struct rig r;
    rig_init(&r, *state);
    rig_count(&r, r.claro[0], DEC31, 9000, 1000, SESSION_POSTED);
    const struct ledger_move sold = {.type = LEDGER_VENTAS,
                                     .quantity = 500,
                                     .occurred_at = DEC31 + 20 * RIG_DAY,
                                     .location_id = r.claro[0],
                                     .product_id = r.product[0]};
    assert_int_equal(rig_move(&r, sold, NULL), DM_OK);
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        struct dm_err e = {0};
        char text[200];
        struct sales_result got;
        struct sheet *s;
        (void)snprintf(text, sizeof(text),
                       "product_sku,packaging_sku,quantity_sold\nMAMMI-001,RIGIDA-R5-TERRA,%s\n",
                       rows[i].quantity);
        const struct sales_file file = {"ventas.csv", text, strlen(text)};
        const struct sales_ask ask = {.file = &file, .n_file = 1, .month = "2025-01"};
        assert_ok(sales_import(&r.n.supervisor, &ask, &a, &got, &e), &e);
        assert_int_equal(got.matched, rows[i].matched);
        assert_int_equal(got.mismatched, !rows[i].matched);
        assert_ok(sales_lines(&r.n.supervisor, got.id, &a, &s, &e), &e);
        assert_int_equal(s->n_rows, 1);
        assert_int_equal(s->cell[sheet_find(s, "difference")].i, rows[i].difference);
        assert_int_equal(s->cell[sheet_find(s, "tolerance")].i, rows[i].tolerance);
    }
    rig_clear(&r);
}

/* 15: 25 cm2 a plant are 400 in a square metre and 5 cm across. */
static void room_of_a_plant(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    int64_t id;
    const struct density_row row = {
        .bin_type_id = nursery_number(
            &r.n, "SELECT id FROM storage_bin_types WHERE code = 'SEGMENT_STANDARD'"),
        .product_id = r.product[0],
        .packaging_id = r.pot[0],
        .area_cm2 = 25};
    assert_ok(density_set(&r.n.supervisor, &row, &id, &e), &e);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM density_parameters WHERE id = %lld AND"
                                " plants_per_m2 = 400 AND avg_diameter_cm = 5 AND"
                                " overlap_adjustment_factor = 0.85",
                                id),
                     1);
    rig_clear(&r);
}

/* 16 and 9: a sale takes the net wholesale price, 2,000 pesos less 20 %; seven of nine plants,
 * three in a pot, are two of three pots. */
static void price_of_a_sale(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    rig_configure(&r, 0, r.product[0], r.pot[1], r.adult);
    struct ledger_move m = {.type = LEDGER_PLANTAR,
                            .quantity = 9,
                            .location_id = r.claro[0],
                            .product_id = r.product[0],
                            .plants_per_container = 3};
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    m.type = LEDGER_VENTAS;
    m.quantity = 7;
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    assert_int_equal(nursery_number(&r.n, "SELECT unit_price_cents FROM stock_movements"
                                          " WHERE movement_type = 'ventas'"),
                     160000);
    assert_int_equal(nursery_number(&r.n, "SELECT total_price_cents FROM stock_movements"
                                          " WHERE movement_type = 'ventas'"),
                     2 * 160000);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DB_TEST(sales_of_a_month), DB_TEST(room_of_a_plant),
                                       DB_TEST(price_of_a_sale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

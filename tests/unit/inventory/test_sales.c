/* SPDX-License-Identifier: Apache-2.0
 *
 * Sales files: the example of domain.md section 11.4, rows at fault, repeats, stock less sales. */
#include "support/books.h"

#include <string.h>

#include "inventory/sales.h"

static void verdicts(void **state)
{
    (void)state;
    const struct inv_settings s = inv_settings_default();
    static const struct {
        int64_t system, external, tolerance;
        const char *verdict;
    } rows[] = {
        {500, 488, 24, "match"},    /* 12 <= 24 */
        {500, 430, 21, "mismatch"}, /* 70 > 21 */
        {10, 5, 5, "match"},        {10, 4, 5, "mismatch"},
        {0, 3, 5, "only_external"}, {7, 0, 5, "only_system"},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_int_equal(sales_tolerance(&s, rows[i].external), rows[i].tolerance);
        assert_string_equal(sales_verdict(rows[i].system, rows[i].external, rows[i].tolerance),
                            rows[i].verdict);
    }
    static const struct {
        int64_t stock, sold;
        const char *status;
    } left[] = {{100, 100, "CRITICAL"}, {100, 120, "CRITICAL"}, {100, 81, "LOW"},
                {100, 80, "MEDIUM"},    {100, 51, "MEDIUM"},    {100, 50, "OK"},
                {0, 0, "CRITICAL"}};
    for (size_t i = 0; i < DM_COUNT(left); i++) {
        assert_string_equal(sales_status(left[i].stock, left[i].sold), left[i].status);
    }
}

struct rig {
    struct db *db;
    struct inv_settings settings;
    struct inv_ctx c;
    struct dm_arena a;
    struct dm_err e;
};

static void rig_begin(struct rig *g, struct db *db)
{
    *g = (struct rig){.db = db};
    books_tiny(db->store);
    g->c = books_ctx(db->store, &g->settings);
}

static int load(struct rig *g, const char *text, const char *month, struct sales_result *r)
{
    const struct sales_file f = {"ventas.csv", text, strlen(text)};
    const struct sales_ask ask = {.file = &f, .n_file = 1, .month = month};
    g->e = (struct dm_err){0};
    return sales_import(&g->c, &ask, &g->a, r, &g->e);
}

/* The tiny nursery sold 3 of product 1 in pot 1 in February, found by the count. */
static void a_month_is_compared(void **state)
{
    struct rig g;
    struct sales_result r;
    struct sheet *s;
    rig_begin(&g, *state);
    assert_ok(load(&g,
                   "\xEF\xBB\xBFProduct_SKU;PACKAGING_SKU;quantity_sold;invoice_number\r\n"
                   "MAMM-001;R5-TERRACOTA;40;A-1\r\n"
                   "mamm-001;r5-terracota;40;A-1\r\n"
                   "MAMM-002;R5-TERRACOTA;2;A-2\r\n"
                   "MAMM-009;R5-TERRACOTA;2;A-3\r\n",
                   "2026-02", &r),
              &g.e);
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.bad, 1);
    assert_int_equal(r.n_error, 1);
    assert_int_equal(r.error[0].line, 5);
    assert_string_equal(r.error[0].column, "product_sku");
    assert_int_equal(r.mismatched, 1);
    assert_int_equal(r.only_external, 1);
    assert_ok(sales_lines(&g.c, r.id, &g.a, &s, &g.e), &g.e);
    assert_int_equal(s->n_rows, 2);
    assert_string_equal(s->cell[1].t, "MAMM-001");
    assert_int_equal(s->cell[5].i, 3);  /* calculated */
    assert_int_equal(s->cell[6].i, 80); /* of the file: repeats count, and are flagged */
    assert_int_equal(s->cell[7].i, 3 - 80);
    assert_ok(sales_resolve(&g.c, s->cell[0].i, "resolved", "csv_error", "sent twice", &g.e), &g.e);
    assert_int_equal(sales_resolve(&g.c, s->cell[0].i, "forgotten", NULL, NULL, NULL),
                     INV_VALIDATION);
    assert_int_equal(sales_resolve(&g.c, 999, "open", NULL, NULL, NULL), INV_NOT_FOUND);
    dm_arena_clear(&g.a);
}

static void codes_stand_for_categories(void **state)
{
    struct rig g;
    struct sales_result r;
    struct sheet *s;
    rig_begin(&g, *state);
    assert_ok(load(&g, "price_sku,quantity_sold,sale_date\nc r5 t-1,4,28/2/2026\n", "2026-02", &r),
              &g.e);
    assert_int_equal(r.matched, 1); /* 3 against 4, tolerance 5 */
    assert_int_equal(
        load(&g, "price_sku,quantity_sold,sale_date\nc r5 t-1,4,28/2/2026\n", "2026-02", &r),
        INV_DUPLICATE_CODE);
    /* the claro was counted on 28 February: that day is covered, what came later is not */
    assert_ok(load(&g,
                   "price_sku,quantity_sold,sale_date\nC R5 T-1,4,2026-02-28\n"
                   "C R5 T-1,7,2026-03-10\n",
                   NULL, &r),
              &g.e);
    assert_ok(sales_vs_stock(&g.c, r.id, &g.a, &s, &g.e), &g.e);
    assert_int_equal(s->n_rows, 1);
    assert_int_equal(s->cell[3].i, BOOKS_PLANTS);
    assert_int_equal(s->cell[5].i, 7);
    assert_int_equal(s->cell[6].i, 4);
    assert_int_equal(s->cell[7].i, BOOKS_PLANTS - 7);
    assert_string_equal(s->cell[9].t, "LOW");
    const int64_t price = s->cell[sheet_find(s, "unit_price")].i;
    assert_true(price > 0);
    assert_int_equal(s->cell[sheet_find(s, "sales_value")].i, 7 * price);
    assert_int_equal(s->cell[sheet_find(s, "estimated_value")].i,
                     s->cell[sheet_find(s, "stock_value_original")].i - 7 * price);
    assert_int_equal(sales_vs_stock(&g.c, 999, &g.a, &s, NULL), INV_NOT_FOUND);
    dm_arena_clear(&g.a);
}

/* Looked at first, then taken for its month: the same figures as at once; the content counts. */
static void kept_files_get_their_month(void **state)
{
    struct rig g;
    struct sales_result r;
    char uuid[STORE_UUID_SIZE];
    const char *text =
        "price_sku,quantity_sold,sale_date\nC R5 T-1,4,28/2/2026\nX,x,\nC R5 T-1,2,\n";
    rig_begin(&g, *state);
    assert_ok(load(&g, text, NULL, &r), &g.e);
    assert_int_equal(r.n_total, 1);
    assert_int_equal(r.total[0].quantity, 6);
    assert_string_equal(r.error[0].value, "x");
    memcpy(uuid, r.uuid, sizeof(uuid));
    assert_ok(load(&g, text, NULL, &r), &g.e); /* looking twice is no harm */
    assert_ok(sales_assign(&g.c, uuid, "2026-02", &g.a, &r, &g.e), &g.e);
    assert_int_equal(r.matched, 1);
    assert_int_equal(r.bad, 1);
    assert_int_equal(sales_assign(&g.c, uuid, "2026-02", &g.a, &r, NULL), INV_DUPLICATE_CODE);
    assert_int_equal(load(&g, text, "2026-03", &r), INV_DUPLICATE_CODE);
    assert_int_equal(sales_assign(&g.c, uuid, "2026-13", &g.a, &r, NULL), INV_VALIDATION);
    assert_int_equal(
        sales_assign(&g.c, "00000000-0000-4000-8000-0000000000ff", "2026-02", &g.a, &r, NULL),
        INV_NOT_FOUND);
    dm_arena_clear(&g.a);
}

static void bad_files_are_refused_whole(void **state)
{
    struct rig g;
    struct sales_result r;
    rig_begin(&g, *state);
    static const char *const bad[] = {
        "product_sku,packaging_sku\nMAMM-001,R5-TERRACOTA\n",
        "product_sku,quantity_sold\nMAMM-001,3\n",
        "price_sku,quantity_sold\nC R5 T-1,0\nC R5 T-1,x\nC R5 T-1,1\n",
        "price_sku,quantity_sold\n",
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_int_equal(load(&g, bad[i], NULL, &r), INV_VALIDATION);
    }
    assert_int_equal(load(&g, "price_sku,quantity_sold\nC R5 T-1,1\n", "2026-13", &r),
                     INV_VALIDATION);
    struct store_tx *tx = NULL;
    assert_ok(store_begin(g.db->store, STORE_READ, &tx, &g.e), &g.e);
    assert_int_equal(books_int(tx, "SELECT COUNT(*) FROM sales_import_rows"), 0);
    store_rollback(tx);
    g.c.role = INV_WORKER;
    assert_int_equal(load(&g, "price_sku,quantity_sold\nC R5 T-1,1\n", NULL, &r), INV_FORBIDDEN);
    dm_arena_clear(&g.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),           DB_TEST(a_month_is_compared),
        DB_TEST(codes_stand_for_categories),  DB_TEST(kept_files_get_their_month),
        DB_TEST(bad_files_are_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of logged movements (domain.md 9), one refusal after another; pots, prices, spreading,
 * reversal, and who may do what. */
#include <string.h>

#include "support/ledger_rig.h"

#define START (NURSERY_NOW - 20 * RIG_DAY)

/* Claro 0 holds 100 ADULT in a segment and 40 SEED in a plug; claro 1 is empty. */
static void fill(struct rig *r)
{
    rig_count(r, r->claro[0], START, 100, 0, SESSION_POSTED);
    const struct ledger_move sow = {.type = LEDGER_SEMBRAR,
                                    .quantity = 40,
                                    .location_id = r->claro[0],
                                    .product_id = r->product[0]};
    assert_int_equal(rig_move(r, sow, NULL), DM_OK);
}

static int64_t batch_in(struct rig *r, const char *category)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT min(b.id) FROM stock_batches b JOIN storage_bins i ON"
                   " i.id = b.storage_bin_id WHERE i.category = '%s'",
                   category);
    return nursery_number(&r->n, sql);
}

struct refusal {
    int code;
    struct ledger_move m;
};

static void rules(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    fill(&r);
    const int64_t here = r.claro[0];
    const int64_t product = r.product[0];
    const int64_t segment = batch_in(&r, "segment");
    const int64_t plug = batch_in(&r, "plug");
    const struct refusal table[] = {
        {INV_MOVEMENT_TYPE_NOT_ALLOWED,
         {.type = LEDGER_FOTO, .quantity = 1, .location_id = here, .product_id = product}},
        {INV_MOVEMENT_TYPE_NOT_ALLOWED,
         {.type = LEDGER_MANUAL_INIT, .quantity = 1, .location_id = here, .product_id = product}},
        {INV_VALIDATION, {.type = LEDGER_PLANTAR, .location_id = here, .product_id = product}},
        {INV_VALIDATION,
         {.type = LEDGER_PLANTAR, .quantity = -1, .location_id = here, .product_id = product}},
        {INV_VALIDATION,
         {.type = LEDGER_PLANTAR, .quantity = 100001, .location_id = here, .product_id = product}},
        {INV_VALIDATION,
         {.type = LEDGER_AJUSTE, .quantity = 1, .location_id = here, .product_id = product}},
        {INV_VALIDATION,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .occurred_at = NURSERY_NOW + 61000}},
        {INV_VALIDATION,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .planting_date = "2025-02-30"}},
        {INV_NOT_FOUND,
         {.type = LEDGER_PLANTAR, .quantity = 1, .location_id = 9999, .product_id = product}},
        {INV_NOT_FOUND,
         {.type = LEDGER_PLANTAR, .quantity = 1, .location_id = here, .product_id = 9999}},
        {INV_NOT_FOUND,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .bin_id = 9999}},
        {INV_NOT_FOUND, {.type = LEDGER_MUERTE, .quantity = 1, .batch_id = 9999}},
        {INV_NOT_FOUND,
         {.type = LEDGER_MUERTE, .quantity = 1, .location_id = here, .product_id = r.product[1]}},
        {INV_INSUFFICIENT_STOCK, {.type = LEDGER_MUERTE, .quantity = 101, .batch_id = segment}},
        {INV_INSUFFICIENT_STOCK,
         {.type = LEDGER_MUERTE, .quantity = 141, .location_id = here, .product_id = product}},
        {INV_PRODUCT_MISMATCH,
         {.type = LEDGER_PLANTAR, .quantity = 1, .location_id = here, .product_id = r.product[1]}},
        {INV_PACKAGING_MISMATCH,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .packaging_id = r.pot[1]}},
        {INV_PACKAGING_MISMATCH,
         {.type = LEDGER_SEMBRAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .category = LEDGER_PLUG,
          .packaging_id = r.pot[0]}},
        {INV_BIN_CATEGORY_NOT_ALLOWED,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .category = LEDGER_PLUG}},
        {INV_BIN_CATEGORY_NOT_ALLOWED,
         {.type = LEDGER_SEMBRAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .category = LEDGER_BOX}},
        {INV_STATE_NOT_SELLABLE, {.type = LEDGER_VENTAS, .quantity = 1, .batch_id = plug}},
        {INV_PERIOD_CLOSED,
         {.type = LEDGER_MUERTE, .quantity = 1, .batch_id = segment, .occurred_at = START - 1}},
        {INV_PERIOD_CLOSED,
         {.type = LEDGER_PLANTAR,
          .quantity = 1,
          .location_id = here,
          .product_id = product,
          .occurred_at = START - 1}},
        {INV_SAME_DESTINATION, {.type = LEDGER_TRANSPLANTE, .quantity = 1, .batch_id = segment}},
    };
    for (size_t i = 0; i < DM_COUNT(table); i++) {
        int code = rig_move(&r, table[i].m, NULL);
        if (code != table[i].code) {
            fail_msg("case %zu: %d, not %d", i, code, table[i].code);
        }
    }
    assert_int_equal(rig_total(&r, here), 140); /* nothing of it was written */
    nursery_exec(&r.n, "UPDATE storage_bins SET status = 'maintenance' WHERE category = 'segment'");
    struct ledger_move m = {.type = LEDGER_PLANTAR,
                            .quantity = 1,
                            .location_id = here,
                            .product_id = product,
                            .bin_id = nursery_number(&r.n, "SELECT id FROM storage_bins WHERE"
                                                           " category = 'segment'")};
    assert_int_equal(rig_move(&r, m, NULL), INV_BIN_NOT_ACTIVE);
    m = (struct ledger_move){.type = LEDGER_MUERTE, .quantity = 5, .batch_id = segment};
    assert_int_equal(rig_move(&r, m, NULL), DM_OK); /* maintenance may still give */
    rig_clear(&r);
}

/* A later outflow keeps its plants: an earlier one cannot take them. */
static void back_dated(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    fill(&r);
    struct ledger_move m = {.type = LEDGER_MUERTE,
                            .quantity = 70,
                            .batch_id = batch_in(&r, "segment"),
                            .occurred_at = NURSERY_NOW - RIG_DAY};
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    m.occurred_at = NURSERY_NOW - 5 * RIG_DAY;
    m.quantity = 31;
    assert_int_equal(rig_move(&r, m, NULL), INV_INSUFFICIENT_STOCK);
    m.quantity = 30;
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    rig_clear(&r);
}

/* Pots, prices, codes, and plants that change place. */
static void effects(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    fill(&r);
    struct ledger_result got;
    const int64_t segment = batch_in(&r, "segment");
    nursery_exec(&r.n, "UPDATE stock_batches SET plants_per_container = 3 WHERE has_packaging");
    struct ledger_move m = {.type = LEDGER_VENTAS, .quantity = 10, .batch_id = segment};
    assert_int_equal(rig_move(&r, m, &got), DM_OK);
    /* 100 plants stand in 34 pots, 90 in 30: four pots are sold */
    assert_int_equal(nursery_number(&r.n, "SELECT total_price_cents FROM stock_movements WHERE"
                                          " movement_type = 'ventas'"),
                     4 * 105000);
    m.type = LEDGER_MUERTE;
    assert_int_equal(rig_move(&r, m, &got), DM_OK);
    assert_int_equal(got.empty_containers, 3); /* 30 pots, then 27 */
    m = (struct ledger_move){.type = LEDGER_PLANTAR,
                             .quantity = 6,
                             .location_id = r.claro[0],
                             .product_id = r.product[0],
                             .reuse_empty = true,
                             .plants_per_container = 3};
    assert_int_equal(rig_move(&r, m, &got), DM_OK);
    assert_int_equal(
        nursery_number(&r.n, "SELECT sum(quantity_empty_containers) FROM stock_batches"), 1);
    m = (struct ledger_move){.type = LEDGER_TRANSPLANTE,
                             .quantity = 30,
                             .batch_id = batch_in(&r, "plug"),
                             .to_location_id = r.claro[1],
                             .to_category = LEDGER_SEGMENT,
                             .to_state_id = r.juvenile};
    assert_int_equal(rig_move(&r, m, &got), DM_OK);
    assert_int_equal(got.n_row, 2);
    assert_int_equal(got.row[0].quantity + got.row[1].quantity, 0);
    assert_int_equal(rig_total(&r, r.claro[1]), 30);
    assert_int_equal(nursery_number(&r.n, "SELECT count(*) FROM stock_batches a JOIN stock_batches"
                                          " b ON b.id = a.parent_batch_id WHERE"
                                          " a.planting_date = b.planting_date"),
                     1);
    char uuid[LEDGER_UUID_SIZE];
    char other[LEDGER_UUID_SIZE];
    struct dm_err e = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    (void)snprintf(other, sizeof other, "%s", got.row[0].uuid);
    struct ledger_reverse back = {rig_uuid(&r, uuid), other, "wrong claro"};
    assert_ok(ledger_reverse(&r.n.supervisor, &back, &a, &got, &e), &e);
    assert_int_equal(got.n_row, 2);
    assert_int_equal(rig_total(&r, r.claro[1]), 0);
    back.uuid = rig_uuid(&r, uuid);
    assert_int_equal(ledger_reverse(&r.n.supervisor, &back, &a, &got, &e), INV_INVALID_TRANSITION);
    rig_clear(&r);
}

static void people(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    fill(&r);
    struct dm_err e = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char uuid[LEDGER_UUID_SIZE];
    char back_uuid[LEDGER_UUID_SIZE];
    struct ledger_result got;
    static const struct {
        enum ledger_type type;
        bool worker;
    } may[] = {{LEDGER_PLANTAR, true}, {LEDGER_MUERTE, true}, {LEDGER_VENTAS, false}};
    for (size_t i = 0; i < DM_COUNT(may); i++) {
        struct ledger_move m = {.type = may[i].type,
                                .quantity = 2,
                                .location_id = r.claro[0],
                                .product_id = r.product[0]};
        m.uuid = rig_uuid(&r, uuid);
        assert_int_equal(ledger_move(&r.n.viewer, &m, &a, &got, &e), INV_FORBIDDEN);
        assert_int_equal(ledger_move(&r.n.worker, &m, &a, &got, &e),
                         may[i].worker ? DM_OK : INV_FORBIDDEN);
    }
    /* a worker takes back what is his own and not older than a day */
    struct ledger_move m = {.type = LEDGER_MUERTE,
                            .quantity = 2,
                            .location_id = r.claro[0],
                            .product_id = r.product[0],
                            .uuid = rig_uuid(&r, uuid)};
    struct ledger_reverse back = {back_uuid, uuid, NULL};
    assert_ok(ledger_move(&r.n.supervisor, &m, &a, &got, &e), &e);
    (void)rig_uuid(&r, back_uuid);
    assert_int_equal(ledger_reverse(&r.n.worker, &back, &a, &got, &e), INV_FORBIDDEN);
    m.uuid = rig_uuid(&r, uuid);
    assert_ok(ledger_move(&r.n.worker, &m, &a, &got, &e), &e);
    rig_now(&r, NURSERY_NOW + 25 * RIG_HOUR);
    assert_int_equal(ledger_reverse(&r.n.worker, &back, &a, &got, &e), INV_FORBIDDEN);
    rig_now(&r, NURSERY_NOW + 23 * RIG_HOUR);
    assert_ok(ledger_reverse(&r.n.worker, &back, &a, &got, &e), &e);
    rig_clear(&r);
}

/* Manual counts: the checks of domain.md 8. */
static void manual(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char uuid[LEDGER_UUID_SIZE];
    const int64_t bare = r.claro[RIG_CLAROS - 1];
    const struct {
        const struct inv_ctx *who;
        int code;
        int64_t location;
        struct ledger_manual_line line;
        bool recount;
    } table[] = {
        {&r.n.viewer, INV_FORBIDDEN, r.claro[0], {r.product[0], r.pot[0], .quantity = 5}, false},
        {&r.n.worker, INV_FORBIDDEN, r.claro[0], {r.product[0], r.pot[0], .quantity = 5}, true},
        {&r.n.worker, INV_VALIDATION, r.claro[0], {r.product[0], r.pot[0], .quantity = 0}, false},
        {&r.n.worker, INV_NOT_FOUND, 9999, {r.product[0], r.pot[0], .quantity = 5}, false},
        {&r.n.worker, INV_NOT_FOUND, r.claro[0], {9999, r.pot[0], .quantity = 5}, false},
        {&r.n.worker, INV_CONFIG_NOT_FOUND, bare, {r.product[0], r.pot[0], .quantity = 5}, false},
        {&r.n.worker,
         INV_PRODUCT_MISMATCH,
         r.claro[0],
         {r.product[1], r.pot[0], .quantity = 5},
         false},
        {&r.n.worker,
         INV_PACKAGING_MISMATCH,
         r.claro[0],
         {r.product[0], 0, .quantity = 5, .category = LEDGER_SEGMENT},
         false},
        {&r.n.worker, DM_OK, r.claro[0], {r.product[0], r.pot[0], .quantity = 5}, false},
        {&r.n.worker,
         INV_ALREADY_INITIALIZED,
         r.claro[0],
         {r.product[0], r.pot[0], .quantity = 5},
         false},
        {&r.n.worker,
         DM_OK,
         r.claro[0],
         {r.product[0], r.pot[0], .size_id = r.size_s, .quantity = 7},
         false},
        {&r.n.supervisor,
         DM_OK,
         bare,
         {r.product[0], r.pot[0], .state_id = r.adult, .quantity = 5},
         false},
        {&r.n.supervisor, DM_OK, r.claro[0], {r.product[0], r.pot[0], .quantity = 9}, true},
    };
    for (size_t i = 0; i < DM_COUNT(table); i++) {
        rig_now(&r, NURSERY_NOW + (int64_t)i * 60000);
        const struct ledger_manual m = {.uuid = rig_uuid(&r, uuid),
                                        .location_id = table[i].location,
                                        .recount = table[i].recount,
                                        .line = &table[i].line,
                                        .n_line = 1};
        struct ledger_result got;
        int code = ledger_manual(table[i].who, &m, &a, &got, &e);
        if (code != table[i].code) {
            fail_msg("case %zu: %d, not %d: %s", i, code, table[i].code, dm_err_text(&e));
        }
    }
    assert_int_equal(rig_total(&r, r.claro[0]), 9);
    assert_int_equal(rig_number(&r,
                                "SELECT sales_total FROM reconciliations WHERE"
                                " storage_location_id = %lld",
                                r.claro[0]),
                     3);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DB_TEST(rules), DB_TEST(back_dated), DB_TEST(effects),
                                       DB_TEST(people), DB_TEST(manual)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

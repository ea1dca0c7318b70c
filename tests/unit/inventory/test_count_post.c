/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts: the worked example of domain.md 11.2 with every variant, special cases of 11.1, holds,
 * retakes, edits, undo. */
#include <string.h>

#include "support/ledger_rig.h"

#define DEC31 INT64_C(1735653600000) /* 2024-12-31T14:00:00Z */
static int64_t jan(int day)
{
    return DEC31 + day * RIG_DAY;
}

#define SUM_OF                                                                                     \
    "SELECT coalesce(sum(m.quantity), 0) FROM stock_movements m JOIN stock_batches b"              \
    " ON b.id = m.stock_batch_id JOIN stock_periods p ON p.id = b.stock_period_id"                 \
    " WHERE p.storage_location_id = %lld AND "

static void move(struct rig *r, enum ledger_type type, int64_t q, int64_t at)
{
    struct ledger_move m = {.type = type,
                            .quantity = q,
                            .occurred_at = at,
                            .location_id = r->claro[0],
                            .product_id = r->product[0],
                            .reason = "a reason"};
    if (type == LEDGER_TRANSPLANTE) {
        m.to_location_id = r->claro[1];
    }
    assert_int_equal(rig_move(r, m, NULL), DM_OK);
}

/* 31 Dec to 22 Jan of the example. */
static void until_22_jan(struct rig *r)
{
    rig_count(r, r->claro[0], DEC31, 9200, 800, SESSION_POSTED);
    move(r, LEDGER_PLANTAR, 500, jan(8));
    move(r, LEDGER_MUERTE, 200, jan(15));
    move(r, LEDGER_TRANSPLANTE, 300, jan(22));
}

static void worked_example(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    until_22_jan(&r);
    assert_int_equal(rig_total(&r, r.claro[0]), 10000);
    rig_count(&r, r.claro[0], jan(31), 9000, 500, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[0]), 9500);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -500);
    assert_int_equal(rig_number(&r, SUM_OF "m.role = 'closing'", r.claro[0]), -9500);
    assert_int_equal(rig_number(&r, SUM_OF "p.seq = 1", r.claro[0]), 0);
    assert_int_equal(
        rig_number(&r,
                   "SELECT total_price_cents FROM stock_movements WHERE movement_type = 'ventas'"
                   " AND %lld > 0 ORDER BY id LIMIT 1",
                   1),
        rig_number(&r,
                   "SELECT -quantity * 105000 FROM stock_movements WHERE movement_type = 'ventas'"
                   " AND %lld > 0 ORDER BY id LIMIT 1",
                   1));
    assert_int_equal(rig_number(&r,
                                "SELECT expected_total * 100000 + sales_total FROM reconciliations"
                                " WHERE storage_location_id = %lld",
                                r.claro[0]),
                     10000 * 100000LL + 500);
    assert_int_equal(rig_number(&r,
                                "SELECT opening + planted * 3 - transfer_out * 7 - deaths * 11"
                                " FROM reconciliation_lines WHERE %lld > 0",
                                1),
                     10000 + 1500 - 2100 - 2200);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM reconciliations WHERE accounting_month ="
                                " '2025-01' AND %lld > 0",
                                1),
                     1);
    rig_clear(&r);
}

static void logged_sale(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    until_22_jan(&r);
    move(&r, LEDGER_VENTAS, 120, jan(20));
    rig_count(&r, r.claro[0], jan(31), 9500, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r,
                                "SELECT expected_total * 100000 + sales_total FROM reconciliations"
                                " WHERE storage_location_id = %lld",
                                r.claro[0]),
                     9880 * 100000LL + 380);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -500);
    rig_clear(&r);
}

static void surplus(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    until_22_jan(&r);
    rig_count(&r, r.claro[0], jan(31), 10080, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ajuste'", r.claro[0]), 80);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), 0);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM reconciliations WHERE storage_location_id ="
                                " %lld AND CAST(flags AS TEXT) LIKE '%surplus%'",
                                r.claro[0]),
                     1);
    rig_clear(&r);
}

static void shortage_is_held(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    until_22_jan(&r);
    int64_t held = rig_count(&r, r.claro[0], jan(31), 3500, 0, SESSION_HELD);
    assert_int_equal(rig_total(&r, r.claro[0]), 10000);
    assert_int_equal(rig_number(&r,
                                "SELECT sales_total FROM reconciliations WHERE status = 'draft'"
                                " AND storage_location_id = %lld",
                                r.claro[0]),
                     6500);
    struct session_outcome out;
    assert_int_equal(session_post(&r.n.worker, held, true, &out, &e), INV_FORBIDDEN);
    assert_ok(session_post(&r.n.supervisor, held, true, &out, &e), &e);
    assert_int_equal(out.posting, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[0]), 3500);
    assert_ok(session_post(&r.n.supervisor, held, true, &out, &e), &e); /* again: the same */
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -6500);
    rig_clear(&r);
}

static void almacigo_loss(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    struct session_outcome out;
    const struct rig_segment first = {LEDGER_SEEDLING_TRAY, 1, 2000, 0, 0};
    const struct rig_segment second = {LEDGER_SEEDLING_TRAY, 1, 1900, 0, 0};
    int64_t a = rig_photo(&r, r.claro[0], DEC31, &first, 1, 0.9, 0);
    assert_ok(session_post(&r.n.worker, a, false, &out, &e), &e);
    int64_t b = rig_photo(&r, r.claro[0], jan(31), &second, 1, 0.9, 0);
    assert_ok(session_post(&r.n.worker, b, false, &out, &e), &e);
    assert_int_equal(out.posting, SESSION_POSTED);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ajuste'", r.claro[0]), -100);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), 0);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM reconciliations WHERE storage_location_id ="
                                " %lld AND CAST(flags AS TEXT) LIKE '%unexplained_loss%'"
                                " AND loss_total = 100",
                                r.claro[0]),
                     1);
    rig_clear(&r);
}

static void manual_start(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    rig_now(&r, DEC31);
    const struct ledger_manual_line line = {
        .product_id = r.product[0], .packaging_id = r.pot[0], .quantity = 5000};
    struct ledger_manual m = {
        .uuid = rig_uuid(&r, uuid), .location_id = r.claro[0], .line = &line, .n_line = 1};
    struct ledger_result got;
    assert_ok(ledger_manual(&r.n.worker, &m, &a, &got, &e), &e);
    assert_int_equal(got.location_total, 5000);
    assert_true(got.warnings & LEDGER_WARN_LARGE_COUNT);
    assert_ok(ledger_manual(&r.n.worker, &m, &a, &got, &e), &e);
    assert_true(got.repeated);
    rig_now(&r, NURSERY_NOW);
    move(&r, LEDGER_PLANTAR, 200, jan(10));
    move(&r, LEDGER_MUERTE, 100, jan(12));
    rig_count(&r, r.claro[0], jan(31), 4800, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -300);
    rig_clear(&r);
}

/* A movement dated after the photo is re-booked on the new batch. */
static void later_movement(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    until_22_jan(&r);
    move(&r, LEDGER_MUERTE, 40, jan(30));
    rig_count(&r, r.claro[0], jan(29), 9500, 0, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[0]), 9460);
    assert_int_equal(rig_number(&r, SUM_OF "m.role = 'carry'", r.claro[0]), 0);
    assert_int_equal(rig_number(&r, SUM_OF "p.status = 'closed'", r.claro[0]), 0);
    rig_clear(&r);
}

/* Retake within 24 hours: the opening is corrected, and the sale before it worked out anew. */
static void retake_and_undo(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    until_22_jan(&r);
    int64_t first = rig_count(&r, r.claro[0], jan(30), 9500, 0, SESSION_POSTED);
    int64_t second = rig_count(&r, r.claro[0], jan(30) + RIG_HOUR, 9600, 0, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[0]), 9600);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -400);
    assert_int_equal(rig_number(&r, SUM_OF "p.seq = 1", r.claro[0]), 0);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM photo_processing_sessions WHERE id = %lld"
                                " AND posting_status = 'void'",
                                first),
                     1);
    assert_int_equal(rig_number(&r,
                                "SELECT closing_count FROM stock_periods WHERE seq = 1 AND"
                                " storage_location_id = %lld",
                                r.claro[0]),
                     9600);
    struct ledger_undo u = {.uuid = rig_uuid(&r, uuid),
                            .location_id = r.claro[0],
                            .session_id = second,
                            .reason = "wrong claro"};
    assert_int_equal(ledger_undo(&r.n.worker, &u, &e), INV_FORBIDDEN);
    assert_ok(ledger_undo(&r.n.supervisor, &u, &e), &e);
    assert_int_equal(rig_total(&r, r.claro[0]), 10000);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM stock_periods WHERE storage_location_id ="
                                " %lld",
                                r.claro[0]),
                     1);
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM reconciliations WHERE status <> 'void' AND"
                                " storage_location_id = %lld",
                                r.claro[0]),
                     0);
    move(&r, LEDGER_MUERTE, 10, jan(31));
    u.uuid = rig_uuid(&r, uuid);
    u.session_id = 0;
    assert_int_equal(ledger_undo(&r.n.supervisor, &u, &e), INV_LATER_MOVEMENTS);
    rig_clear(&r);
}

static void edit_after_posting(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    until_22_jan(&r);
    int64_t id = rig_count(&r, r.claro[0], jan(30), 9500, 0, SESSION_POSTED);
    int64_t segment = rig_number(&r, "SELECT id FROM session_segments WHERE session_id = %lld", id);
    const struct session_edit edit = {.kind = SESSION_ADD_PLANTS,
                                      .segment_id = segment,
                                      .quantity = 30,
                                      .reason = "hidden by the shade"};
    struct session_outcome out;
    assert_int_equal(session_adjust(&r.n.worker, id, &edit, 1, &out, &e), INV_FORBIDDEN);
    assert_ok(session_adjust(&r.n.supervisor, id, &edit, 1, &out, &e), &e);
    assert_int_equal(rig_total(&r, r.claro[0]), 9530);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -470);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ajuste'", r.claro[0]), 30);
    rig_clear(&r);
}

/* Two products in one claro: the total is compared and dealt out in proportion. */
static void mixed_claro(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    rig_count(&r, r.claro[0], DEC31, 700, 0, SESSION_POSTED);
    struct ledger_move m = {.type = LEDGER_PLANTAR,
                            .quantity = 300,
                            .occurred_at = jan(3),
                            .location_id = r.claro[0],
                            .product_id = r.product[1]};
    assert_int_equal(rig_move(&r, m, NULL), INV_PRODUCT_MISMATCH);
    m.allow_mismatch = true;
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    rig_count(&r, r.claro[0], jan(31), 905, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r,
                                "SELECT sum(observed * CASE WHEN product_id = (SELECT min(id) FROM"
                                " products) THEN 1000 ELSE 1 END) FROM reconciliation_lines"
                                " WHERE %lld > 0",
                                1),
                     634 * 1000 + 271); /* 633.5 and 271.5: the first of equal remainders */
    assert_int_equal(rig_number(&r,
                                "SELECT count(*) FROM reconciliations WHERE CAST(flags AS TEXT)"
                                " LIKE '%mixed_location%' AND %lld > 0",
                                1),
                     1);
    rig_clear(&r);
}

/* A new crop: what is left of the old one counts as sold. */
static void crop_changed(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    rig_count(&r, r.claro[0], DEC31, 100, 0, SESSION_POSTED);
    rig_now(&r, jan(2));
    rig_configure(&r, 0, r.product[1], r.pot[1], r.adult);
    rig_now(&r, NURSERY_NOW);
    struct ledger_move m = {.type = LEDGER_PLANTAR,
                            .quantity = 400,
                            .occurred_at = jan(3),
                            .location_id = r.claro[0],
                            .product_id = r.product[1]};
    assert_int_equal(rig_move(&r, m, NULL), DM_OK);
    rig_count(&r, r.claro[0], jan(31), 390, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r,
                                "SELECT sales_total FROM reconciliations WHERE CAST(flags AS TEXT)"
                                " LIKE '%crop_changed%' AND storage_location_id = %lld",
                                r.claro[0]),
                     110);
    rig_clear(&r);
}

/* The first real count of an implicit period is the baseline, however much it finds. */
static void implicit_baseline(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    move(&r, LEDGER_PLANTAR, 50, jan(3));
    rig_count(&r, r.claro[0], jan(31), 900, 0, SESSION_POSTED);
    assert_int_equal(rig_number(&r,
                                "SELECT surplus_total FROM reconciliations WHERE CAST(flags AS"
                                " TEXT) LIKE '%baseline%' AND storage_location_id = %lld",
                                r.claro[0]),
                     850);
    rig_clear(&r);
}

static void claro_empty(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    rig_count(&r, r.claro[0], DEC31, 40, 0, SESSION_POSTED);
    int64_t id = rig_photo(&r, r.claro[0], jan(31), NULL, 0, 0.9, 0);
    struct session_outcome out;
    assert_ok(session_post(&r.n.worker, id, false, &out, &e), &e);
    assert_int_equal(out.holds, SESSION_HOLD_NO_DETECTIONS);
    assert_int_equal(session_post(&r.n.supervisor, id, true, &out, &e), INV_INVALID_TRANSITION);
    const struct session_edit edit = {.kind = SESSION_CLARO_EMPTY, .reason = "all sold"};
    assert_ok(session_adjust(&r.n.supervisor, id, &edit, 1, &out, &e), &e);
    assert_int_equal(out.posting, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[0]), 0);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -40);
    rig_clear(&r);
}

static const struct {
    uint32_t hold;
    int64_t at; /* hours after the opening count */
    int detected;
    double confidence;
} holds[] = {
    {SESSION_HOLD_LOW_CONFIDENCE, 800, 1000, 0.4},
    {SESSION_HOLD_SURPLUS, 800, 1021, 0.9},
    {SESSION_HOLD_SHORTAGE, 800, 399, 0.9},
    {SESSION_HOLD_OLDER, -1, 1000, 0.9},
    {SESSION_HOLD_EARLY, 23, 1000, 0.9},
    {0, 800, 1020, 0.9},
    {0, 800, 400, 0.9},
};

static void holds_table(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    int64_t first = rig_count(&r, r.claro[0], DEC31, 1000, 0, SESSION_POSTED);
    assert_ok(session_validate(&r.n.supervisor, first, true, &e), &e);
    for (size_t i = 0; i < DM_COUNT(holds); i++) {
        const struct rig_segment segment = {LEDGER_SEGMENT, 1, holds[i].detected, 0, 0};
        int64_t id = rig_photo(&r, r.claro[0], DEC31 + holds[i].at * RIG_HOUR, &segment, 1,
                               holds[i].confidence, 0);
        struct session_outcome out;
        assert_ok(session_post(&r.n.worker, id, false, &out, &e), &e);
        assert_int_equal(out.holds, holds[i].hold);
        if (holds[i].hold == 0) {
            char uuid[LEDGER_UUID_SIZE];
            const struct ledger_undo u = {.uuid = rig_uuid(&r, uuid),
                                          .location_id = r.claro[0],
                                          .session_id = id,
                                          .reason = "next case"};
            assert_ok(ledger_undo(&r.n.supervisor, &u, &e), &e);
        }
    }
    rig_clear(&r);
}

/* needs_location, needs_config: resolved by choosing and by configuring, nothing is recomputed. */
static void warnings(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    const struct rig_segment segment = {LEDGER_SEGMENT, 1, 70, 0, 0};
    int64_t id = rig_photo(&r, 0, jan(31), &segment, 1, 0.9, 0);
    struct session_outcome out;
    assert_ok(session_post(&r.n.worker, id, false, &out, &e), &e);
    assert_int_equal(out.holds, SESSION_HOLD_NEEDS_LOCATION);
    assert_ok(session_place(&r.n.worker, id, r.claro[RIG_CLAROS - 1], &out, &e), &e);
    assert_int_equal(out.holds, SESSION_HOLD_NEEDS_CONFIG);
    rig_configure(&r, RIG_CLAROS - 1, r.product[0], r.pot[0], r.adult);
    int64_t n = 0;
    assert_ok(session_configured(&r.n.supervisor, r.claro[RIG_CLAROS - 1], &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(rig_total(&r, r.claro[RIG_CLAROS - 1]), 70);
    /* posted in the wrong claro: a supervisor puts it right */
    assert_int_equal(session_place(&r.n.worker, id, r.claro[2], &out, &e), INV_FORBIDDEN);
    assert_ok(session_place(&r.n.supervisor, id, r.claro[2], &out, &e), &e);
    assert_int_equal(out.posting, SESSION_POSTED);
    assert_int_equal(rig_total(&r, r.claro[RIG_CLAROS - 1]), 0);
    assert_int_equal(rig_total(&r, r.claro[2]), 70);
    rig_clear(&r);
}

/* A calculated sale turns out to have been deaths: paired rows on the closed batches. */
static void reclassify(void **state)
{
    struct rig r;
    rig_init(&r, *state);
    struct dm_err e = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char uuid[LEDGER_UUID_SIZE];
    until_22_jan(&r);
    rig_count(&r, r.claro[0], jan(31), 9500, 0, SESSION_POSTED);
    struct ledger_reclassify x = {.uuid = rig_uuid(&r, uuid),
                                  .reconciliation_id = rig_number(
                                      &r, "SELECT max(id) FROM reconciliations WHERE %lld > 0", 1),
                                  .product_id = r.product[0],
                                  .packaging_id = r.pot[0],
                                  .from = LEDGER_VENTAS,
                                  .to = LEDGER_MUERTE,
                                  .quantity = 120,
                                  .reason = "frost in January"};
    struct ledger_result got;
    assert_ok(ledger_reclassify(&r.n.supervisor, &x, &a, &got, &e), &e);
    assert_int_equal(rig_number(&r, SUM_OF "m.movement_type = 'ventas'", r.claro[0]), -380);
    assert_int_equal(rig_number(&r, SUM_OF "p.seq = 1", r.claro[0]), 0);
    x.uuid = rig_uuid(&r, uuid);
    x.quantity = 381;
    assert_int_equal(ledger_reclassify(&r.n.supervisor, &x, &a, &got, &e), INV_INSUFFICIENT_STOCK);
    assert_ok(ledger_review(&r.n.supervisor, x.reconciliation_id, true, NULL, "seen", &e), &e);
    x.quantity = 1;
    assert_int_equal(ledger_reclassify(&r.n.supervisor, &x, &a, &got, &e), INV_INVALID_TRANSITION);
    rig_clear(&r);
}

/* A detection cannot name a movement that is not there, whatever the engine checks it by. */
static void links_hold(void **state)
{
    static const struct store_bulk detections = {
        "test.detections", "detections",
        "session_id, session_segment_id, stock_movement_id, center_x_px, center_y_px, width_px,"
        " height_px, confidence, is_empty_container, is_alive, created_at",
        "iiirrrrrbbT"};
    struct rig r;
    rig_init(&r, *state);
    rig_count(&r, r.claro[0], DEC31, 10, 0, SESSION_POSTED);
    const int64_t session = nursery_number(&r.n, "SELECT max(id) FROM photo_processing_sessions");
    const int64_t segment = nursery_number(&r.n, "SELECT max(id) FROM session_segments");
    const int64_t movement = nursery_number(&r.n, "SELECT max(id) FROM stock_movements");
    for (int64_t wrong = 0; wrong < 2; wrong++) {
        const struct store_value row[] = {
            store_i(session), store_i(segment), store_i(movement + wrong),
            store_r(5),       store_r(5),       store_r(9),
            store_r(9),       store_r(0.9),     store_b(false),
            store_b(true),    store_at(DEC31)};
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        struct dm_err e = {0};
        assert_ok(store_begin(r.n.db->store, STORE_WRITE, &tx, &e), &e);
        int code = store_insert(tx, &detections, row, 1, &e);
        code = code < 0 ? code : store_commit(&tx, &e); /* SQLite looks at the end */
        assert_int_equal(code, wrong ? DM_ECONFLICT : DM_OK);
    }
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(worked_example),   DB_TEST(logged_sale),     DB_TEST(surplus),
        DB_TEST(shortage_is_held), DB_TEST(almacigo_loss),   DB_TEST(manual_start),
        DB_TEST(later_movement),   DB_TEST(retake_and_undo), DB_TEST(edit_after_posting),
        DB_TEST(mixed_claro),      DB_TEST(crop_changed),    DB_TEST(implicit_baseline),
        DB_TEST(claro_empty),      DB_TEST(holds_table),     DB_TEST(warnings),
        DB_TEST(reclassify),       DB_TEST(links_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

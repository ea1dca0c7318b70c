/* SPDX-License-Identifier: Apache-2.0
 *
 * Configurations: correcting and replacing them, what that does to stock, as-of, bulk, badge, and
 * the sessions that waited for one. */
#include "inventory/config.h"

#include <string.h>

#include "inventory/session.h"
#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

struct crop {
    struct nursery_places p;
    int64_t product, other, pot, pot8, adult, flowering;
};

static struct crop make_crop(struct nursery *n)
{
    struct crop c = {.p = nursery_make_places(n)};
    const long long family =
        nursery_make(n, MASTER_FAMILY, "{'product_category_id':1,'name':'Ferocactus'}");
    c.product = nursery_make(n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Barril'}",
                             family);
    c.other =
        nursery_make(n, MASTER_PRODUCT, "{'product_family_id':%lld,'common_name':'Otro'}", family);
    c.pot = nursery_make(n, MASTER_PACKAGING,
                         "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,"
                         "'diameter_cm':5}");
    c.pot8 = nursery_make(n, MASTER_PACKAGING,
                          "{'packaging_type_id':1,'packaging_material_id':1,'packaging_color_id':1,"
                          "'diameter_cm':8}");
    c.adult = nursery_number(n, "SELECT id FROM product_states WHERE code = 'ADULT'");
    c.flowering = nursery_number(n, "SELECT id FROM product_states WHERE code = 'FLOWERING'");
    return c;
}

static struct config_save save_of(const struct crop *c, enum config_mode mode)
{
    return (struct config_save){.location_id = &c->p.location,
                                .n = 1,
                                .mode = mode,
                                .product_id = c->product,
                                .packaging_id = c->pot,
                                .state_id = c->adult};
}

static struct config_saved saved(struct nursery *n, const struct config_save *s)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct config_saved *out = NULL;
    size_t count = 0;
    assert_ok(config_save(&n->supervisor, s, &a, &out, &count, &e), &e);
    const struct config_saved first = out[0];
    dm_arena_clear(&a);
    return first;
}

static int refused(const struct inv_ctx *c, const struct config_save *s, struct dm_err *e)
{
    struct dm_arena a = {0};
    struct config_saved *out = NULL;
    size_t count = 0;
    const int code = config_save(c, s, &a, &out, &count, e);
    dm_arena_clear(&a);
    return code;
}

static int at(struct nursery *n, int64_t location, int64_t when, struct config_row *ret)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    assert_ok(store_begin(n->db->store, STORE_READ, &tx, &e), &e);
    const int found = config_at(tx, location, when, &a, ret, &e);
    assert_ok(found, &e);
    dm_arena_clear(&a);
    return found;
}

static void first_and_next(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    struct config_row row;
    const struct crop c = make_crop(&n);
    struct config_save s = save_of(&c, CONFIG_UPDATE);
    assert_int_equal(at(&n, c.p.location, 0, &row), 0);
    struct config_saved got = saved(&n, &s); /* correcting nothing makes the first one */
    assert_true(got.row.area_cm2 > 71900 && got.row.area_cm2 < 72100); /* 7.2 m2 */
    assert_int_equal(got.row.plants_per_container, 1);
    assert_false(got.open_stock_exists);
    s.mode = CONFIG_CREATE;
    assert_int_equal(refused(&n.supervisor, &s, &e), INV_CONFIG_UNCHANGED);
    assert_int_equal(e.field[0].i, c.p.location);
    const int64_t day = 86400000;
    n.supervisor.now_ms += 30 * day;
    s.product_id = c.other;
    got = saved(&n, &s);
    assert_int_equal(got.row.valid_from, NURSERY_NOW + 30 * day);
    assert_int_equal(at(&n, c.p.location, 0, &row), 1);
    assert_int_equal(row.product_id, c.other);
    /* valid_from <= date < valid_to */
    const struct {
        int64_t when, product;
    } rows[] = {
        {NURSERY_NOW - 1, 0},
        {NURSERY_NOW, c.product},
        {NURSERY_NOW + 30 * day - 1, c.product},
        {NURSERY_NOW + 30 * day, c.other},
        {NURSERY_NOW + 300 * day, c.other},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        row = (struct config_row){0};
        assert_int_equal(at(&n, c.p.location, rows[i].when, &row), rows[i].product ? 1 : 0);
        assert_int_equal(row.product_id, rows[i].product);
    }
    assert_int_equal(
        nursery_number(&n,
                       "SELECT count(*) FROM storage_location_configs o JOIN"
                       " storage_location_configs c ON c.valid_from = o.valid_to AND c.id > o.id"
                       " WHERE c.active AND NOT o.active"),
        1);
}

static void refusals(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    const struct crop c = make_crop(&n);
    const int64_t nowhere = 99999;
    struct config_save s = save_of(&c, CONFIG_UPDATE);
    assert_int_equal(refused(&n.worker, &s, &e), INV_FORBIDDEN);
    struct config_save wrong = s;
    wrong.product_id = 99999;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_NOT_FOUND);
    wrong = s;
    wrong.packaging_id = 99999;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_NOT_FOUND);
    wrong = s;
    wrong.state_id = 99999;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_NOT_FOUND);
    wrong = s;
    wrong.location_id = &nowhere;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_NOT_FOUND);
    wrong = s;
    wrong.area_cm2 = -1;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_VALIDATION);
    wrong = s;
    wrong.plants_per_container = -1;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_VALIDATION);
    wrong = s;
    wrong.n = 0;
    assert_int_equal(refused(&n.supervisor, &wrong, &e), INV_VALIDATION);
    assert_ok(master_set_active(&n.admin, MASTER_PRODUCT, c.product, false, &e), &e);
    assert_int_equal(refused(&n.supervisor, &s, &e), INV_NOT_FOUND);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_location_configs"), 0);
}

/* A batch of the product in the pot, standing in the claro's open period. */
static int64_t potted(struct nursery *n, const struct crop *c)
{
    char sql[200];
    const int64_t batch = nursery_plants(n, c->p.location, c->product, 40);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE stock_batches SET packaging_catalog_id = %lld, has_packaging = TRUE"
                   " WHERE id = %lld",
                   (long long)c->pot, (long long)batch);
    nursery_exec(n, sql);
    return batch;
}

static void stock_follows_a_correction(void **state)
{
    NURSERY(n);
    const struct crop c = make_crop(&n);
    struct config_save s = save_of(&c, CONFIG_UPDATE);
    (void)saved(&n, &s);
    (void)potted(&n, &c);
    struct config_save left = s;
    left.packaging_id = c.pot8;
    left.leave_stock = true;
    assert_int_equal(saved(&n, &left).batches_changed, 0);
    assert_int_equal(nursery_number(&n, "SELECT packaging_catalog_id FROM stock_batches"), c.pot);
    (void)saved(&n, &s); /* back: nothing carries pot8 */
    s.packaging_id = c.pot8;
    s.state_id = c.flowering;
    s.product_id = c.other;
    s.plants_per_container = 3;
    assert_int_equal(saved(&n, &s).batches_changed, 1);
    assert_int_equal(nursery_number(&n, "SELECT packaging_catalog_id FROM stock_batches"), c.pot8);
    assert_int_equal(nursery_number(&n, "SELECT product_state_id FROM stock_batches"), c.flowering);
    assert_int_equal(nursery_number(&n, "SELECT product_id FROM stock_batches"), c.other);
    assert_int_equal(nursery_number(&n, "SELECT plants_per_container FROM stock_batches"), 3);
    assert_int_equal(nursery_number(&n, "SELECT quantity_current FROM stock_batches"), 40);
    s.packaging_id = 0;
    assert_int_equal(saved(&n, &s).batches_changed, 1);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM stock_batches WHERE has_packaging"),
                     0);
    /* what is closed stays as it was */
    nursery_exec(&n, "UPDATE stock_batches SET quantity_current = 0, status = 'closed'");
    s.state_id = c.adult;
    assert_int_equal(saved(&n, &s).batches_changed, 0);
    assert_int_equal(nursery_number(&n, "SELECT product_state_id FROM stock_batches"), c.flowering);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_location_configs"), 1);
}

static void a_new_crop_leaves_stock_and_warns(void **state)
{
    NURSERY(n);
    const struct crop c = make_crop(&n);
    struct config_save s = save_of(&c, CONFIG_UPDATE);
    (void)saved(&n, &s);
    (void)potted(&n, &c);
    s.mode = CONFIG_CREATE;
    s.state_id = c.flowering;
    assert_false(saved(&n, &s).open_stock_exists); /* the same crop, further on */
    s.product_id = c.other;
    const struct config_saved got = saved(&n, &s);
    assert_true(got.open_stock_exists);
    assert_int_equal(got.batches_changed, 0);
    assert_int_equal(nursery_number(&n, "SELECT product_id FROM stock_batches"), c.product);
}

static void many_claros(void **state)
{
    NURSERY(n);
    enum { MANY = CONFIG_MANY + 1 };
    struct dm_err e = {0};
    struct dm_arena a = {0};
    struct config_saved *out = NULL;
    size_t count = 0;
    int64_t ids[MANY + 1];
    const struct crop c = make_crop(&n);
    const int64_t area =
        nursery_make(&n, MASTER_AREA, "{'warehouse_id':%lld,'name':'Cantero Sur','geojson':%s}",
                     (long long)c.p.warehouse, nursery_rectangle(50, 1, 48, 48));
    for (int i = 0; i < MANY; i++) {
        ids[MANY - 1 - i] = nursery_make(
            &n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro %d','geojson':%s}",
            (long long)area, i + 1, nursery_rectangle(51 + i % 10 * 4.5, 2 + i / 10 * 4.2, 4, 4));
    }
    ids[MANY] = ids[0];
    struct config_save s = save_of(&c, CONFIG_UPDATE);
    s.location_id = ids;
    s.n = MANY + 1;
    assert_int_equal(refused(&n.supervisor, &s, &e), INV_VALIDATION);
    assert_string_equal(e.field[0].s, "confirm");
    s.confirm = true;
    assert_ok(config_save(&n.supervisor, &s, &a, &out, &count, &e), &e);
    assert_int_equal(count, MANY); /* the repeated one counts once */
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out[i].row.location_id, ids[i]); /* in the order asked for */
    }
    /* one that is as it should be already refuses all */
    s.mode = CONFIG_CREATE;
    s.n = 3;
    s.confirm = false;
    struct config_save one = s;
    one.n = 1;
    one.state_id = c.flowering;
    (void)saved(&n, &one);
    s.state_id = c.flowering;
    assert_int_equal(refused(&n.supervisor, &s, &e), INV_CONFIG_UNCHANGED);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM storage_location_configs"), MANY + 1);
    dm_arena_clear(&a);
}

static void badges(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    const struct config_row row = {.updated_at = 1000};
    assert_int_equal(config_badge(NULL, 1000), CONFIG_NONE);
    assert_int_equal(config_badge(&row, 1000 + 7 * day - 1), CONFIG_NEW);
    assert_int_equal(config_badge(&row, 1000 + 7 * day), CONFIG_OK);
    assert_int_equal(config_badge(&row, 1000 + 90 * day), CONFIG_OK);
    assert_int_equal(config_badge(&row, 1000 + 90 * day + 1), CONFIG_STALE);
    assert_string_equal(config_badge_names[CONFIG_STALE], "stale");
}

/* A photo was counted before anybody said what stands in the claro. */
static void waiting_counts_are_posted(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    char sql[400];
    int64_t session = 0;
    const struct crop c = make_crop(&n);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px,"
                   " sha256, captured_at, captured_at_source, uploaded_by_user_id) VALUES"
                   " ('0b1e9f0a-0000-4000-8000-000000000001', 'image/jpeg', 9, 400, 300, '%064d',"
                   " '2025-01-31T12:00:00.000Z', 'exif', %lld)",
                   7, (long long)n.worker.user_id);
    nursery_exec(&n, sql);
    const struct session_new new = {.uuid = "0b1e9f0a-0000-4000-8000-000000000002",
                                    .image_id = nursery_number(&n, "SELECT id FROM images"),
                                    .location_id = c.p.location,
                                    .source = SESSION_EXPLICIT};
    struct session_detection plants[5];
    for (size_t i = 0; i < DM_COUNT(plants); i++) {
        plants[i] = (struct session_detection){.center_x_px = 20.0 + 30.0 * (double)i,
                                               .center_y_px = 50,
                                               .width_px = 20,
                                               .height_px = 20,
                                               .confidence = 0.9};
    }
    const struct session_segment segment = {.category = LEDGER_SEGMENT,
                                            .ordinal = 1,
                                            .polygon = "[[0,0],[400,0],[400,300],[0,300]]",
                                            .x2 = 400,
                                            .y2 = 300,
                                            .mask_area_px = 120000,
                                            .confidence = 0.9,
                                            .detection = plants,
                                            .n_detection = DM_COUNT(plants)};
    const struct session_results results = {
        .segment = &segment, .n_segment = 1, .model_version = "test", .processing_ms = 1};
    struct session_outcome outcome;
    assert_ok(session_create(&n.worker, &new, &session, &e), &e);
    assert_ok(session_start(&n.worker, session, &e), &e);
    assert_ok(session_save(&n.worker, session, &results, &e), &e);
    /* a second worker that counted the same photo is told so, not that a segment is there */
    assert_int_equal(session_finish(&n.worker, session, &results, &outcome, &e),
                     INV_INVALID_TRANSITION);
    assert_ok(session_post(&n.worker, session, false, &outcome, &e), &e);
    assert_int_equal(outcome.posting, SESSION_HELD);
    assert_true(outcome.holds & SESSION_HOLD_NEEDS_CONFIG);
    const struct config_save s = save_of(&c, CONFIG_UPDATE);
    assert_int_equal(saved(&n, &s).sessions, 1);
    assert_int_equal(nursery_number(&n,
                                    "SELECT coalesce(sum(quantity_current), 0) FROM stock_batches"
                                    " WHERE status = 'active'"),
                     5);
    assert_int_equal(saved(&n, &s).sessions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(badges),
        DB_TEST(first_and_next),
        DB_TEST(refusals),
        DB_TEST(stock_follows_a_correction),
        DB_TEST(a_new_crop_leaves_stock_and_warns),
        DB_TEST(many_claros),
        DB_TEST(waiting_counts_are_posted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

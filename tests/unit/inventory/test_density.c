/* SPDX-License-Identifier: Apache-2.0
 *
 * Density parameters: the examples of domain.md section 15, the lookup, learning, guards. */
#include "support/books.h"

#include "inventory/density.h"
#include "inventory/session.h"

static void assert_near(double got, double want)
{
    if (!(got - want < 1e-9 && want - got < 1e-9)) {
        fail_msg("%.12g, not %.12g", got, want);
    }
}

static void examples(void **state)
{
    (void)state;
    assert_near(density_per_m2(25), 400);
    assert_near(density_diameter_cm(25), 5);
    assert_near(density_blend(25, 30, 0.2), 26); /* 0.8 x 25 + 0.2 x 30 */
    assert_true(density_guard(25, 12.5) && density_guard(25, 50));
    assert_false(density_guard(25, 12.49) || density_guard(25, 50.01));
    assert_near(density_factor(0.85, 100, 110, 0.2), 0.8 * 0.85 + 0.2 * 0.935);
    assert_near(density_factor(0.98, 100, 200, 0.2), 1.0); /* 1.176, kept below 1 */
    assert_near(density_factor(0.52, 100, 0, 0.2), 0.5);   /* 0.416, kept above 0.5 */
}

static int64_t number(struct store *s, const char *sql)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    const int64_t n = books_int(tx, sql);
    store_rollback(tx);
    return n;
}

static int64_t bin_type(struct store *s, const char *code)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT id FROM storage_bin_types WHERE code = '%s'", code);
    return number(s, sql);
}

static int find(struct store *s, int64_t type, int64_t product, int64_t pot, struct density *ret)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    const int found = density_find(tx, type, product, pot, ret, &e);
    assert_ok(found, &e);
    store_rollback(tx);
    return found;
}

/* One step of the lookup after the other is taken away. */
static void lookup_goes_from_exact_to_pot(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct inv_settings settings;
    struct density d;
    int64_t id;
    books_tiny(db->store); /* one row: segment, product 1, pot 1, 25 cm2 */
    const struct inv_ctx c = books_ctx(db->store, &settings);
    const int64_t segment = bin_type(db->store, "SEGMENT_STANDARD");
    const int64_t box = bin_type(db->store, "BOX_STANDARD");
    const int64_t plug = bin_type(db->store, "PLUG_TRAY_288");
    assert_int_equal(find(db->store, segment, 1, 1, &d), 1);
    assert_int_equal(d.source, DENSITY_EXACT);
    assert_near(d.area_cm2, 25);
    assert_near(d.overlap, 0.85);
    assert_int_equal(find(db->store, box, 1, 1, &d), 1);
    assert_int_equal(d.source, DENSITY_ANY_BIN);
    assert_int_equal(find(db->store, segment, 2, 1, &d), 1); /* another product: its pot */
    assert_int_equal(d.source, DENSITY_POT);
    assert_int_equal(d.id, 0);
    assert_near(d.area_cm2, 25); /* 5 cm */
    struct density_row row = {.bin_type_id = box, .packaging_id = 1, .area_cm2 = 30};
    assert_ok(density_set(&c, &row, &id, &e), &e);
    assert_int_equal(find(db->store, segment, 2, 1, &d), 1);
    assert_int_equal(d.source, DENSITY_PACKAGING);
    assert_near(d.area_cm2, 30);
    assert_int_equal(find(db->store, plug, 1, 0, &d), 0); /* nothing: needs calibration */
    row = (struct density_row){.bin_type_id = plug, .product_id = 2, .area_cm2 = 6.25};
    assert_ok(density_set(&c, &row, &id, &e), &e);
    assert_int_equal(find(db->store, bin_type(db->store, "PLUG_TRAY_128"), 2, 0, &d), 1);
    assert_int_equal(d.source, DENSITY_CATEGORY);
}

static void people_set_within_bounds(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct inv_settings settings;
    int64_t id;
    books_tiny(db->store);
    struct inv_ctx c = books_ctx(db->store, &settings);
    const int64_t segment = bin_type(db->store, "SEGMENT_STANDARD");
    static const struct {
        double area, overlap;
    } bad[] = {{0.4, 0}, {10001, 0}, {25, 0.49}, {25, 1.01}, {0.0 / 1.0, 0}};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        const struct density_row row = {
            .bin_type_id = segment, .area_cm2 = bad[i].area, .overlap = bad[i].overlap};
        assert_int_equal(density_set(&c, &row, &id, NULL), INV_VALIDATION);
    }
    struct density_row row = {.bin_type_id = 999, .area_cm2 = 25};
    assert_int_equal(density_set(&c, &row, &id, NULL), INV_NOT_FOUND);
    row = (struct density_row){.bin_type_id = segment, .product_id = 1, .packaging_id = 1};
    static const struct density_photo photos[] = {{10000, 480}, {10000, 512}, {9900, 495}};
    assert_int_equal(density_manual(&c, &row, photos, 2, &id, NULL), INV_VALIDATION);
    assert_ok(density_manual(&c, &row, photos, 3, &id, &e), &e);
    struct density d;
    assert_int_equal(find(db->store, segment, 1, 1, &d), 1);
    assert_near(d.area_cm2, 29900.0 / 1487.0);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM density_calibrations WHERE applied AND"
                                       " session_id IS NULL AND sample_size = 3"),
                     1);
    c.role = INV_WORKER;
    row.area_cm2 = 20;
    assert_int_equal(density_set(&c, &row, &id, NULL), INV_FORBIDDEN);
}

/* A session of the tiny nursery with so many sure detections of this side, in a scale of
 * 0.5 x 0.5 cm a pixel (mask 1000 px, 250 cm2). */
static void give_detections(struct store *s, int n, double side_px)
{
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    for (int i = 0; i < n; i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO detections (id, session_id, session_segment_id, center_x_px,"
                       " center_y_px, width_px, height_px, confidence) VALUES (%d, 2, 2, 5, 5, %g,"
                       " %g, 0.6)",
                       1000 + i, side_px, side_px);
        books_sql(tx, sql);
    }
    assert_ok(store_commit(&tx, &e), &e);
}

static void posted_counts_teach(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct inv_settings settings;
    struct density d;
    int applied;
    int refused;
    books_tiny(db->store);
    const struct inv_ctx c = books_ctx(db->store, &settings);
    const int64_t segment = bin_type(db->store, "SEGMENT_STANDARD");
    assert_ok(density_learn(&c, 2, &applied, &refused, &e), &e);
    assert_int_equal(applied + refused, 0); /* two detections are no sample */
    give_detections(db->store, 40, 11);     /* with the 2 of 10 px: mean 120 px2 x 0.25 = 30 cm2 */
    assert_ok(density_learn(&c, 2, &applied, &refused, &e), &e);
    assert_int_equal(applied, 1);
    assert_int_equal(find(db->store, segment, 1, 1, &d), 1);
    assert_near(d.area_cm2, 0.8 * 25 + 0.2 * ((40 * 121.0 + 2 * 100.0) / 42 * 0.25));
    assert_int_equal(d.sample_count, 1);
    assert_ok(density_learn(&c, 2, &applied, &refused, &e), &e);
    assert_int_equal(applied + refused, 0); /* once is enough */
    assert_int_equal(density_learn(&c, 99, &applied, &refused, NULL), INV_NOT_FOUND);
}

static void guards_and_locks_refuse(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct inv_settings settings;
    struct density d;
    int applied;
    int refused;
    books_tiny(db->store);
    const struct inv_ctx c = books_ctx(db->store, &settings);
    give_detections(db->store, 40, 20); /* about 100 cm2: four times the old value */
    assert_ok(density_learn(&c, 2, &applied, &refused, &e), &e);
    assert_int_equal(applied, 0);
    assert_int_equal(refused, 1);
    assert_int_equal(find(db->store, bin_type(db->store, "SEGMENT_STANDARD"), 1, 1, &d), 1);
    assert_near(d.area_cm2, 25);
    assert_int_equal(number(db->store, "SELECT COUNT(*) FROM density_calibrations WHERE NOT applied"
                                       " AND old_values = new_values"),
                     1);
}

static void validated_photos_move_the_factor(void **state)
{
    struct db *db = *state;
    struct dm_err e = {0};
    struct inv_settings settings;
    struct density d;
    struct store_tx *tx = NULL;
    int applied;
    books_tiny(db->store);
    const struct inv_ctx c = books_ctx(db->store, &settings);
    assert_int_equal(density_correct(&c, 2, &applied, NULL), INV_INVALID_TRANSITION);
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, "INSERT INTO session_adjustments (session_id, session_segment_id, kind,"
                  " quantity_delta, reason, user_id) VALUES (2, 2, 'remove_plants', -3,"
                  " 'counted by hand', 10)");
    assert_ok(store_commit(&tx, &e), &e);
    assert_ok(session_validate(&c, 2, true, &e), &e); /* 6 were estimated, 3 are right */
    assert_int_equal(find(db->store, bin_type(db->store, "SEGMENT_STANDARD"), 1, 1, &d), 1);
    assert_near(d.overlap, 0.8 * 0.85 + 0.2 * 0.85 * 3 / 6);
    assert_near(d.area_cm2, 25);
    assert_ok(session_validate(&c, 2, false, &e), &e); /* and no second time */
    assert_ok(session_validate(&c, 2, true, &e), &e);
    assert_int_equal(find(db->store, bin_type(db->store, "SEGMENT_STANDARD"), 1, 1, &d), 1);
    assert_near(d.overlap, 0.8 * 0.85 + 0.2 * 0.85 * 3 / 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),        DB_TEST(lookup_goes_from_exact_to_pot),
        DB_TEST(people_set_within_bounds), DB_TEST(posted_counts_teach),
        DB_TEST(guards_and_locks_refuse),  DB_TEST(validated_photos_move_the_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Stock of a place, stages, and edits of batches, in the tiny nursery. */
#include "inventory/batches.h"

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

static void stock_of_places(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        int64_t location, bin, plants, batches;
    } rows[] = {{1, 0, 5, 1}, {2, 0, 3, 1}, {0, 1, 5, 1}, {0, 3, 0, 0}};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(inv_json_freep) json_t *s = NULL;
        assert_ok(batches_stock(&g.c, rows[i].location, rows[i].bin, &s, &g.e), &g.e);
        assert_int_equal(inv_json_int(s, "total_plants"), rows[i].plants);
        assert_int_equal(inv_json_int(s, "total_batches"), rows[i].batches);
        assert_int_equal(json_array_size(json_object_get(s, "by_product")), rows[i].batches);
        assert_int_equal(json_is_null(json_object_get(s, "last_movement_at")), !rows[i].batches);
    }
    json_t *none = NULL;
    assert_int_equal(batches_stock(&g.c, 99, 0, &none, NULL), INV_NOT_FOUND);
    assert_int_equal(batches_stock(&g.c, 0, 99, &none, NULL), INV_NOT_FOUND);
}

/* The id of a state by its code. */
static int64_t state_id(const struct rig *g, const char *code)
{
    char sql[96];
    struct store_tx *tx = NULL;
    assert_ok(store_begin(g->c.store, STORE_READ, &tx, NULL), NULL);
    (void)snprintf(sql, sizeof(sql), "SELECT id FROM product_states WHERE code = '%s'", code);
    const int64_t id = books_int(tx, sql);
    store_rollback(tx);
    return id;
}

static void stages_and_health(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        const char *code, *ready;
        double quality;
        const char *stage, *health;
    } rows[] = {
        {"SEEDLING", NULL, 4, "seedling", "good"},  {"JUVENILE", NULL, 2.5, "growing", "warning"},
        {"ADULT", NULL, 1.9, "ready", "critical"},  {"ADULT", "2999-01-01", 3, "mature", "good"},
        {"DYING", NULL, 5, "mature", "warning"},    {"DEAD", NULL, 5, "mature", "critical"},
        {"ADULT", "2020-01-01", 3, "ready", "good"}};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(inv_json_freep) json_t *s = NULL;
        DM_CLEANUP(inv_json_freep)
        json_t *change =
            json_pack("{s:I, s:s?, s:f, s:s}", "product_state_id",
                      (json_int_t)state_id(&g, rows[i].code), "expected_ready_date", rows[i].ready,
                      "quality_score", rows[i].quality, "planting_date", "2026-01-01");
        assert_ok(batches_edit(&g.c, 2, change, &g.e), &g.e);
        assert_ok(batches_lifecycle(&g.c, 2, &s, &g.e), &g.e);
        assert_string_equal(inv_json_str(s, "stage"), rows[i].stage);
        assert_string_equal(inv_json_str(s, "health"), rows[i].health);
        assert_true(inv_json_int(s, "age_days") > 0);
    }
    DM_CLEANUP(inv_json_freep) json_t *stages = NULL;
    assert_ok(batches_stages(&g.c, NULL, NULL, &stages, &g.e), &g.e);
    assert_int_equal(json_array_size(stages), 1);
    assert_int_equal(inv_json_int(json_array_get(stages, 0), "plants"), BOOKS_PLANTS);
    json_t *none = NULL;
    assert_int_equal(batches_lifecycle(&g.c, 99, &none, NULL), INV_NOT_FOUND);
    assert_int_equal(batches_stages(&g.c, "2026-02-30", NULL, &none, NULL), INV_VALIDATION);
}

static void edits_are_checked(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        int64_t batch;
        const char *change;
        int code;
    } rows[] = {
        {2, "{\"notes\": \"a\", \"custom_attributes\": {\"k\": 1}}", DM_OK},
        {2, "{\"notes\": null, \"quality_score\": null}", DM_OK},
        {2, "{\"product_state_id\": null}", INV_VALIDATION},
        {2, "{\"product_state_id\": 9999}", INV_NOT_FOUND},
        {2, "{\"product_size_id\": 9999}", INV_NOT_FOUND},
        {2, "{\"quality_score\": 5.5}", INV_VALIDATION},
        {2, "{\"planting_date\": \"2026-02-30\"}", INV_VALIDATION},
        {2, "{\"planting_date\": \"2026-02-01\", \"transplant_date\": \"2026-01-01\"}",
         INV_VALIDATION},
        {2, "{\"custom_attributes\": []}", INV_VALIDATION},
        {1, "{\"notes\": \"a\"}", INV_PERIOD_CLOSED},
        {99, "{\"notes\": \"a\"}", INV_NOT_FOUND},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(inv_json_freep) json_t *change = json_loads(rows[i].change, 0, NULL);
        assert_int_equal(batches_edit(&g.c, rows[i].batch, change, &g.e), rows[i].code);
    }
    struct store_tx *tx = NULL;
    assert_ok(store_begin(g.c.store, STORE_READ, &tx, &g.e), &g.e);
    /* clearing what is empty already changes nothing but the notes */
    assert_int_equal(
        books_int(tx, "SELECT count(*) FROM audit_log WHERE entity_type = 'stock_batches'"), 2);
    store_rollback(tx);
    g.c.role = INV_WORKER;
    DM_CLEANUP(inv_json_freep) json_t *empty = json_object();
    assert_int_equal(batches_edit(&g.c, 2, empty, NULL), INV_FORBIDDEN);
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {
        DB_TEST(stock_of_places),
        DB_TEST(stages_and_health),
        DB_TEST(edits_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports in the shape of the API, in the tiny nursery: 8 plants of product 1; 10 counted on 31
 * January, 2 planted, 1 died and 3 sold in February, 3 moved in March. */
#include "inventory/answers.h"

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

/* "a.b" or "0.a": the member of objects and arrays. */
static const json_t *at(const json_t *j, const char *path)
{
    char part[64];
    while (j && *path) {
        const size_t n = strcspn(path, ".");
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        j = json_is_array(j) ? json_array_get(j, (size_t)(part[0] - '0'))
                             : json_object_get(j, part);
        path += n + (path[n] == '.');
    }
    return j;
}

static void check(const json_t *j, const char *path, const char *expect)
{
    char *got = json_dumps(at(j, path), JSON_ENCODE_ANY | JSON_COMPACT);
    if (!got || strcmp(got, expect) != 0) {
        fail_msg("%s is %s, not %s", path, got ? got : "absent", expect);
    }
    free(got);
}

static void manual_queries(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        const char *body;
        int code;
        const char *path, *expect;
    } rows[] = {
        {"{}", 0, "data.0.total_quantity", "8"},
        {"{}", 0, "data.0.product_sku", "\"MAMM-001\""},
        {"{}", 0, "data.0.batch_count", "2"},
        {"{}", 0, "metadata.totals.total_quantity", "8"},
        {"{'group_by': ['location']}", 0, "data.0.location_id", "1"},
        {"{'group_by': ['location'], 'sort_by': 'total_quantity', 'sort_dir': 'asc'}", 0,
         "data.0.total_quantity", "3"},
        {"{'group_by': ['location'], 'limit': 1}", 0, "metadata.truncated", "true"},
        {"{'storage_location_ids': [2]}", 0, "data.0.total_quantity", "3"},
        {"{'storage_location_ids': []}", 0, "metadata.row_count", "0"},
        {"{'analysis_type': 'stock_movements', 'date_from': '2026-02-01', 'date_to': '2026-02-28'}",
         0, "data.0.by_type.muerte", "-1"},
        {"{'analysis_type': 'mortality', 'date_from': '2026-02-01', 'date_to': '2026-02-28'}", 0,
         "data.0.base_count", "12"},
        {"{'analysis_type': 'occupancy'}", 0, "metadata.group_by.0", "\"location\""},
        {"{'analysis_type': 'value'}", 0, "data.0.wholesale_value", "760000"},
        {"{'analysis_type': 'weather'}", INV_VALIDATION, NULL, NULL},
        {"{'group_by': ['colours']}", INV_VALIDATION, NULL, NULL},
        {"{'sort_by': 'price'}", INV_VALIDATION, NULL, NULL},
        {"{'analysis_type': 'mortality', 'date_from': '2026-03-01', 'date_to': '2026-02-28'}",
         INV_VALIDATION, NULL, NULL},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(inv_json_freep) json_t *out = NULL;
        char body[256];
        (void)snprintf(body, sizeof(body), "%s", rows[i].body);
        for (char *p = body; *p; p++) {
            *p = (char)(*p == '\'' ? '"' : *p);
        }
        DM_CLEANUP(inv_json_freep) json_t *ask = json_loads(body, 0, NULL);
        assert_non_null(ask);
        const int code = answers_manual(&g.c, ask, &out, &g.e);
        if (code != rows[i].code) {
            fail_msg("%s: %d %s", body, code, dm_err_text(&g.e));
        }
        if (rows[i].path) {
            check(out, rows[i].path, rows[i].expect);
        }
    }
}

static const struct answers_days february = {"2026-02-01", "2026-02-28"};
static const struct answers_where anywhere;

static void fixed_questions(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    json_t *out = NULL;
#define ASK(call, path, expect)                                                                    \
    do {                                                                                           \
        assert_ok(call, &g.e);                                                                     \
        check(out, path, expect);                                                                  \
        json_decref(out);                                                                          \
        out = NULL;                                                                                \
    } while (0)
    ASK(answers_daily(&g.c, &anywhere, &february, &out, &g.e), "0.date", "\"2026-02-01\"");
    ASK(answers_daily(&g.c, &anywhere, &february, &out, &g.e), "9.net_change", "-1");
    ASK(answers_trends(&g.c, &anywhere, &february, "monthly", &out, &g.e), "0.period_end",
        "\"2026-02-28\"");
    ASK(answers_trends(&g.c, &anywhere, &february, "weekly", &out, &g.e), "1.period_start",
        "\"2026-02-02\"");
    ASK(answers_inventory(&g.c, &anywhere, &out, &g.e), "total_plants", "8");
    ASK(answers_options(&g.c, &out, &g.e), "storage_areas.0.position", "\"N\"");
    ASK(answers_options(&g.c, &out, &g.e), "warehouses.0.name", "\"Nave 1\"");
    ASK(answers_sentence(&g.c, &out, &g.e), "data.0.total_quantity", "8");
    ASK(answers_dashboard(&g.c, &out, &g.e), "total_plants", "8");
    ASK(answers_moved(&g.c, &anywhere, &february, false, &out, &g.e), "total_in", "2");
    ASK(answers_moved(&g.c, &anywhere, &february, true, &out, &g.e), "0.movement_type",
        "\"plantar\"");
    ASK(answers_products(&g.c, &anywhere, &february, &out, &g.e), "0.deaths", "1");
    ASK(answers_products(&g.c, &anywhere, &february, &out, &g.e), "0.current_stock", "8");
    ASK(answers_accuracy(&g.c, &(struct answers_days){0}, &out, &g.e), "sessions", "2");
    ASK(answers_places(&g.c, "storage_location", 1, 2, &out, &g.e), "difference.total_plants",
        "-2");
    DM_CLEANUP(inv_json_freep)
    json_t *body = json_pack("{s:s, s:s}", "date_from", "2026-02-01", "date_to", "2026-02-28");
    ASK(answers_sales(&g.c, body, &out, &g.e), "summary.net", "5");
    ASK(answers_sales(&g.c, body, &out, &g.e), "items.2.total_sales", "3");
    DM_CLEANUP(inv_json_freep)
    json_t *two = json_pack("{s:s, s:s, s:s, s:s, s:s}", "period1_start", "2026-01-01",
                            "period1_end", "2026-01-31", "period2_start", "2026-02-01",
                            "period2_end", "2026-02-28", "group_by", "location");
    ASK(answers_compare(&g.c, two, &out, &g.e), "absolute_change", "-2");
    ASK(answers_compare(&g.c, two, &out, &g.e), "groups.0.value_b", "8.0");
    assert_int_equal(answers_places(&g.c, "storage_location", 1, 99, &out, NULL), INV_NOT_FOUND);
    assert_int_equal(answers_places(&g.c, "planet", 1, 2, &out, NULL), INV_VALIDATION);
    const struct answers_days reversed = {february.to, february.from};
    assert_int_equal(answers_daily(&g.c, &anywhere, &reversed, &out, NULL), INV_VALIDATION);
}

static void workers_see_no_money(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    DM_CLEANUP(inv_json_freep) json_t *value = NULL;
    DM_CLEANUP(inv_json_freep) json_t *ask = json_pack("{s:s}", "analysis_type", "value");
    g.c.role = INV_WORKER;
    assert_ok(answers_dashboard(&g.c, &out, &g.e), &g.e);
    check(out, "stock_value", "null");
    assert_ok(answers_manual(&g.c, ask, &value, &g.e), &g.e);
    assert_null(at(value, "data.0.wholesale_value"));
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {
        DB_TEST(manual_queries),
        DB_TEST(fixed_questions),
        DB_TEST(workers_see_no_money),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

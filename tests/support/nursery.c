/* SPDX-License-Identifier: Apache-2.0
 *
 * A small nursery for tests of inventory/. */
#include "support/nursery.h"

#include <math.h>
#include <string.h>

static int64_t person(struct nursery *n, const char *email, const char *role)
{
    static const struct store_query add = {
        "test.person",
        "INSERT INTO users (email, password_hash, first_name, last_name, role)"
        " VALUES (?1, 'x', 'Ana', 'Test', ?2) RETURNING id",
        "tt", "i", false};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    int64_t id = 0;
    assert_ok(store_begin(n->db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_int(tx, &add, STORE_ARGS(store_t(email), store_t(role)), &id, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
    return id;
}

void nursery_init(struct nursery *n, struct db *db)
{
    struct dm_err e = {0};
    *n = (struct nursery){.db = db, .settings = inv_settings_default()};
    inv_setup();
    assert_ok(dm_zone_load(n->settings.timezone, &n->zone, &e), &e);
    struct inv_ctx *const people[] = {&n->viewer, &n->worker, &n->supervisor, &n->admin};
    for (enum inv_role role = 0; role < INV_ROLE_MAX_; role++) {
        char email[40];
        (void)snprintf(email, sizeof(email), "%s@vivero.test", inv_role_names[role]);
        *people[role] = (struct inv_ctx){
            .store = db->store,
            .user_id = person(n, email, inv_role_names[role]),
            .role = role,
            .now_ms = NURSERY_NOW,
            .zone = n->zone,
            .settings = &n->settings,
        };
    }
}

void nursery_clear(struct nursery *n)
{
    dm_zone_free(n->zone);
}

json_t *nursery_vjson(const char *fmt, va_list ap)
{
    static char text[60000];
    json_error_t why;
    const int n = vsnprintf(text, sizeof(text), fmt, ap);
    assert_in_range(n, 1, sizeof(text) - 1);
    for (char *c = text; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *value = json_loads(text, JSON_DECODE_ANY, &why);
    if (!value) {
        fail_msg("%s in %s", why.text, text);
    }
    return value;
}

json_t *nursery_json(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    json_t *value = nursery_vjson(fmt, ap);
    va_end(ap);
    return value;
}

int64_t nursery_make(struct nursery *n, enum master_kind kind, const char *fmt, ...)
{
    struct master_row row = {0};
    struct dm_err e = {0};
    va_list ap;
    va_start(ap, fmt);
    json_t *values = nursery_vjson(fmt, ap);
    va_end(ap);
    assert_ok(master_create(&n->admin, kind, values, &row, &e), &e);
    const int64_t id = row.id;
    master_row_clear(&row);
    json_decref(values);
    return id;
}

int nursery_refused(struct nursery *n, struct dm_err *e, enum master_kind kind, const char *fmt,
                    ...)
{
    struct master_row row = {0};
    va_list ap;
    va_start(ap, fmt);
    json_t *values = nursery_vjson(fmt, ap);
    va_end(ap);
    const int code = master_create(&n->admin, kind, values, &row, e);
    assert_null(row.row == NULL && code >= 0 ? values : NULL);
    master_row_clear(&row);
    json_decref(values);
    return code;
}

void nursery_point(double east, double north, double *ret_lon, double *ret_lat)
{
    *ret_lon = -68.8 + east / 93569.5; /* metres per degree at 32.9 south */
    *ret_lat = -32.9 + north / 110907.6;
}

const char *nursery_rectangle(double east, double north, double w, double h)
{
    static char texts[8][400];
    static int next;
    double x0;
    double y0;
    double x1;
    double y1;
    char *text = texts[next++ % 8];
    nursery_point(east, north, &x0, &y0);
    nursery_point(east + w, north + h, &x1, &y1);
    (void)snprintf(text, sizeof(texts[0]),
                   "{'type':'Polygon','coordinates':[[[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],"
                   "[%.9f,%.9f],[%.9f,%.9f]]]}",
                   x0, y0, x1, y0, x1, y1, x0, y1, x0, y0);
    return text;
}

int64_t nursery_number(struct nursery *n, const char *sql)
{
    const struct store_query q = {"test.number", sql, "", "i", true};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    int64_t number = -1;
    assert_ok(store_begin(n->db->store, STORE_READ, &tx, &e), &e);
    assert_ok(store_int(tx, &q, STORE_NO_ARGS, &number, &e), &e);
    return number;
}

void nursery_exec(struct nursery *n, const char *sql)
{
    const struct store_query q = {"test.exec", sql, "", "", true};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_begin(n->db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(store_exec(tx, &q, STORE_NO_ARGS, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
}

struct nursery_places nursery_make_places(struct nursery *n)
{
    struct nursery_places p = {0};
    p.warehouse = nursery_make(n, MASTER_WAREHOUSE,
                               "{'name':'Nave 1','warehouse_type':'greenhouse','geojson':%s}",
                               nursery_rectangle(0, 0, 100, 50));
    p.area =
        nursery_make(n, MASTER_AREA, "{'warehouse_id':%lld,'name':'Cantero Norte','geojson':%s}",
                     (long long)p.warehouse, nursery_rectangle(5, 5, 40, 20));
    p.location =
        nursery_make(n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro 7','geojson':%s}",
                     (long long)p.area, nursery_rectangle(6, 6, 4, 1.8));
    return p;
}

int64_t nursery_plants(struct nursery *n, int64_t location, int64_t product, int64_t quantity)
{
    char sql[600];
    const int64_t bin =
        nursery_make(n, MASTER_BIN, "{'storage_location_id':%lld,'storage_bin_type_id':%lld}",
                     (long long)location,
                     (long long)nursery_number(
                         n, "SELECT id FROM storage_bin_types WHERE code = 'SEGMENT_STANDARD'"));
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO stock_periods (storage_location_id, seq, status, opened_kind,"
                   " opened_at, opening_count) VALUES (%lld, 1, 'open', 'implicit', {now}, 0)",
                   (long long)location);
    nursery_exec(n, sql);
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO stock_batches (batch_code, stock_period_id, storage_bin_id,"
        " product_id, product_state_id, has_packaging, quantity_initial,"
        " quantity_current, status) VALUES ('LOC%lld-PROD%lld-20250131-001',"
        " (SELECT max(id) FROM stock_periods), %lld, %lld, (SELECT id FROM product_states"
        " WHERE code = 'ADULT'), FALSE, %lld, %lld, 'active')",
        (long long)location, (long long)product, (long long)bin, (long long)product,
        (long long)quantity, (long long)quantity);
    nursery_exec(n, sql);
    return nursery_number(n, "SELECT max(id) FROM stock_batches");
}

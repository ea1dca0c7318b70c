/* SPDX-License-Identifier: Apache-2.0
 *
 * A nursery for tests of the ledger. */
#include "support/ledger_rig.h"

#include <string.h>

static int64_t id_of(struct rig *r, const char *table, const char *column, const char *code)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE %s = '%s'", table, column, code);
    return nursery_number(&r->n, sql);
}

int64_t rig_number(struct rig *r, const char *sql, int64_t value)
{
    char text[1200] = "";
    size_t n = 0;
    for (const char *hole; (hole = strstr(sql, "%lld")) != NULL; sql = hole + 4) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s%lld", (int)(hole - sql), sql,
                              (long long)value);
    }
    (void)snprintf(text + n, sizeof text - n, "%s", sql);
    return nursery_number(&r->n, text);
}

void rig_now(struct rig *r, int64_t now)
{
    r->n.admin.now_ms = now;
    r->n.supervisor.now_ms = now;
    r->n.worker.now_ms = now;
    r->n.viewer.now_ms = now;
}

const char *rig_uuid(struct rig *r, char uuid[static LEDGER_UUID_SIZE])
{
    (void)snprintf(uuid, LEDGER_UUID_SIZE, "00000000-0000-4000-8000-%012llx", ++r->serial);
    return uuid;
}

static void make_catalogue(struct rig *r)
{
    static const char *const rows[] = {
        "INSERT INTO product_families (product_category_id, name) SELECT id, 'Mammillaria'"
        " FROM product_categories WHERE code = 'CACTUS'",
        "INSERT INTO products (product_family_id, sku, common_name) SELECT id, 'MAMMI-001',"
        " 'Mammillaria uno' FROM product_families",
        "INSERT INTO products (product_family_id, sku, common_name) SELECT id, 'MAMMI-002',"
        " 'Mammillaria dos' FROM product_families",
        "INSERT INTO products (product_family_id, sku, common_name) SELECT id, 'MAMMI-003',"
        " 'Mammillaria tres' FROM product_families",
        "INSERT INTO packaging_catalog (packaging_type_id, packaging_material_id,"
        " packaging_color_id, sku, name, diameter_cm) SELECT t.id, m.id, c.id, 'RIGIDA-R5-TERRA',"
        " 'R5 terracota', 5 FROM packaging_types t, packaging_materials m, packaging_colors c"
        " WHERE t.code = 'RIGIDA' AND m.code = 'PLASTICO' AND c.code = 'TERRACOTA'",
        "INSERT INTO packaging_catalog (packaging_type_id, packaging_material_id,"
        " packaging_color_id, sku, name, diameter_cm) SELECT t.id, m.id, c.id, 'RIGIDA-R8-TERRA',"
        " 'R8 terracota', 8 FROM packaging_types t, packaging_materials m, packaging_colors c"
        " WHERE t.code = 'RIGIDA' AND m.code = 'PLASTICO' AND c.code = 'TERRACOTA'",
        "INSERT INTO price_list_items (packaging_catalog_id, product_category_id, sku,"
        " wholesale_unit_price_cents) SELECT p.id, c.id, 'C R5 T-1', 105000 FROM packaging_catalog"
        " p, product_categories c WHERE p.sku = 'RIGIDA-R5-TERRA' AND c.code = 'CACTUS'",
        "INSERT INTO price_list_items (packaging_catalog_id, product_category_id, sku,"
        " wholesale_unit_price_cents, discount_percent) SELECT p.id, c.id, 'C R8 T-1', 200000, 20"
        " FROM packaging_catalog p, product_categories c WHERE p.sku = 'RIGIDA-R8-TERRA'"
        " AND c.code = 'CACTUS'",
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        nursery_exec(&r->n, rows[i]);
    }
    r->product[0] = id_of(r, "products", "sku", "MAMMI-001");
    r->product[1] = id_of(r, "products", "sku", "MAMMI-002");
    r->product[2] = id_of(r, "products", "sku", "MAMMI-003");
    r->pot[0] = id_of(r, "packaging_catalog", "sku", "RIGIDA-R5-TERRA");
    r->pot[1] = id_of(r, "packaging_catalog", "sku", "RIGIDA-R8-TERRA");
    r->seed = id_of(r, "product_states", "code", "SEED");
    r->germinating = id_of(r, "product_states", "code", "GERMINATING");
    r->seedling = id_of(r, "product_states", "code", "SEEDLING");
    r->juvenile = id_of(r, "product_states", "code", "JUVENILE");
    r->adult = id_of(r, "product_states", "code", "ADULT");
    r->flowering = id_of(r, "product_states", "code", "FLOWERING");
    r->size_s = id_of(r, "product_sizes", "code", "S");
    r->size_m = id_of(r, "product_sizes", "code", "M");
}

void rig_configure(struct rig *r, size_t claro, int64_t product, int64_t pot, int64_t state)
{
    char at[STORE_TIME_SIZE];
    char sql[600];
    (void)store_time_text(r->n.admin.now_ms, at);
    (void)snprintf(sql, sizeof sql,
                   "UPDATE storage_location_configs SET active = FALSE, valid_to = '%s'"
                   " WHERE storage_location_id = %lld AND active",
                   at, (long long)r->claro[claro]);
    nursery_exec(&r->n, sql);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO storage_location_configs (storage_location_id, product_id,"
                   " packaging_catalog_id, expected_product_state_id, area_cm2, valid_from,"
                   " created_by_user_id) VALUES (%lld, %lld, nullif(%lld, 0), %lld, 72000, '%s',"
                   " %lld)",
                   (long long)r->claro[claro], (long long)product, (long long)pot, (long long)state,
                   at, (long long)r->n.admin.user_id);
    nursery_exec(&r->n, sql);
    (void)snprintf(sql, sizeof sql,
                   "SELECT id FROM storage_location_configs WHERE storage_location_id = %lld"
                   " AND active",
                   (long long)r->claro[claro]);
    r->config[claro] = nursery_number(&r->n, sql);
}

void rig_init(struct rig *r, struct db *db)
{
    *r = (struct rig){0};
    nursery_init(&r->n, db);
    make_catalogue(r);
    struct nursery_places p = nursery_make_places(&r->n);
    r->claro[0] = p.location;
    for (size_t i = 1; i < RIG_CLAROS; i++) {
        r->claro[i] = nursery_make(
            &r->n, MASTER_LOCATION, "{'storage_area_id':%lld,'name':'Claro 1%zu','geojson':%s}",
            (long long)p.area, i, nursery_rectangle(6, 6 + 2.0 * (double)i, 4, 1.8));
    }
    rig_now(r, NURSERY_NOW - 60 * RIG_DAY);
    for (size_t i = 0; i + 1 < RIG_CLAROS; i++) {
        rig_configure(r, i, r->product[0], r->pot[0], r->adult);
    }
    rig_now(r, NURSERY_NOW);
}

void rig_clear(struct rig *r)
{
    nursery_clear(&r->n);
}

static int64_t add_image(struct rig *r, int64_t at)
{
    char uuid[LEDGER_UUID_SIZE];
    char time[STORE_TIME_SIZE];
    char sql[600];
    (void)store_time_text(at, time);
    rig_uuid(r, uuid);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO images (uuid, content_type, file_size_bytes, width_px, height_px,"
                   " sha256, captured_at, captured_at_source, uploaded_by_user_id)"
                   " VALUES ('%s', 'image/jpeg', 1000, 4000, 3000, '%064llx', '%s', 'exif', %lld)",
                   uuid, r->serial, time, (long long)r->n.worker.user_id);
    nursery_exec(&r->n, sql);
    (void)snprintf(sql, sizeof sql, "SELECT id FROM images WHERE uuid = '%s'", uuid);
    return nursery_number(&r->n, sql);
}

int64_t rig_photo(struct rig *r, int64_t location, int64_t at, const struct rig_segment *segment,
                  size_t n, double confidence, int64_t supersedes)
{
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    struct session_new s = {.image_id = add_image(r, at),
                            .location_id = location,
                            .source = location ? SESSION_EXPLICIT : SESSION_SOURCE_NONE,
                            .supersedes_session_id = supersedes};
    s.uuid = rig_uuid(r, uuid);
    int64_t id = 0;
    assert_ok(session_create(&r->n.worker, &s, &id, &e), &e);
    assert_ok(session_start(&r->n.worker, id, &e), &e);
    struct session_segment segments[32];
    struct session_estimation estimation[32];
    assert_true(n <= 32);
    static struct session_detection detection[20000];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        segments[i] = (struct session_segment){
            .category = segment[i].category,
            .ordinal = segment[i].ordinal,
            .polygon = "[[0,0],[10,0],[10,10]]",
            .x2 = 10,
            .y2 = 10,
            .mask_area_px = 100,
            .confidence = 0.9,
            .detection = detection + used,
            .n_detection = (size_t)(segment[i].detected + segment[i].empties),
            .estimation = &estimation[i],
            .n_estimation = segment[i].estimated > 0};
        assert_true(used + segments[i].n_detection <= DM_COUNT(detection));
        for (size_t k = 0; k < segments[i].n_detection; k++) {
            detection[used++] =
                (struct session_detection){.center_x_px = (double)(k % 100) * 10 + 5,
                                           .center_y_px = (double)(k / 100) * 10 + 5,
                                           .width_px = 9,
                                           .height_px = 9,
                                           .confidence = confidence,
                                           .is_empty_container = (int)k >= segment[i].detected};
        }
        estimation[i] = (struct session_estimation){
            .band = 1, .count = segment[i].estimated, .confidence = 0.7};
    }
    const struct session_results results = {
        .segment = segments, .n_segment = n, .model_version = "test", .processing_ms = 5};
    if (r->finish) {
        r->answer = session_finish(&r->n.worker, id, &results, &r->outcome, &e);
    } else {
        assert_ok(session_save(&r->n.worker, id, &results, &e), &e);
    }
    return id;
}

int64_t rig_count(struct rig *r, int64_t location, int64_t at, int detected, int estimated,
                  enum session_posting wanted)
{
    struct dm_err e = {0};
    const struct rig_segment segment = {LEDGER_SEGMENT, 1, detected, estimated, 0};
    int64_t id = rig_photo(r, location, at, &segment, 1, 0.9, 0);
    struct session_outcome out;
    assert_ok(session_post(&r->n.worker, id, false, &out, &e), &e);
    assert_int_equal(out.posting, wanted);
    return id;
}

int rig_move(struct rig *r, struct ledger_move m, struct ledger_result *ret)
{
    static struct dm_arena a; /* results live until the next call */
    struct dm_err e = {0};
    struct ledger_result own;
    char uuid[LEDGER_UUID_SIZE];
    if (!m.uuid) {
        m.uuid = rig_uuid(r, uuid);
    }
    dm_arena_clear(&a);
    return ledger_move(&r->n.supervisor, &m, &a, ret ? ret : &own, &e);
}

int64_t rig_total(struct rig *r, int64_t location)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce(sum(b.quantity_current), 0) FROM stock_batches b JOIN"
                   " stock_periods p ON p.id = b.stock_period_id WHERE p.status = 'open'"
                   " AND p.storage_location_id = %lld",
                   (long long)location);
    return nursery_number(&r->n, sql);
}

static const struct store_query PERIOD = {
    "rig.period",
    "SELECT seq, opened_kind, opened_at, opening_count, id FROM stock_periods"
    " WHERE storage_location_id = ?1 AND status = 'open'",
    "i", "itTii", false};
static const struct store_query BATCHES = {
    "rig.batches",
    "SELECT b.batch_code, i.category, i.ordinal, b.product_id, b.product_state_id,"
    " b.product_size_id, b.packaging_catalog_id, b.quantity_current, b.quantity_empty_containers,"
    " b.planting_date FROM stock_batches b JOIN storage_bins i ON i.id = b.storage_bin_id"
    " WHERE b.stock_period_id = ?1 ORDER BY b.batch_code",
    "i", "ttiiiiiiiD", false};
static const struct store_query ORDER = {
    "rig.order",
    "SELECT batch_code FROM stock_batches WHERE stock_period_id = ?1 AND quantity_current > 0"
    " ORDER BY id",
    "i", "t", false};
static const struct store_query CLOSED = {
    "rig.closed",
    "SELECT r.expected_total, r.observed_total, r.sales_total, r.loss_total, r.surplus_total"
    " FROM stock_periods p JOIN reconciliations r ON r.stock_period_id = p.id AND"
    " r.status <> 'void' WHERE p.storage_location_id = ?1 AND p.seq = ?2",
    "ii", "iiiii", false};

void rig_print(struct store *s, int64_t location, struct dm_buf *out)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    const struct store_value *v;
    struct store_table t;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    int found = store_maybe(tx, &PERIOD, STORE_ARGS(store_i(location)), &a, &v, &e);
    assert_ok(found, &e);
    if (!found) {
        dm_buf_puts(out, "no period\n");
        return;
    }
    dm_buf_printf(out, "period %lld %s %lld opening %lld\n", (long long)v[0].i, v[1].t,
                  (long long)v[2].i, (long long)v[3].i);
    int64_t seq = v[0].i;
    const struct store_value period = v[4];
    assert_ok(store_all(tx, &BATCHES, STORE_ARGS(period), &a, &t, &e), &e);
    for (size_t i = 0; i < t.n; i++) {
        v = store_row(&t, i);
        dm_buf_printf(out, "%s %s %lld p%lld s%lld z%lld k%lld n%lld e%lld %s\n", v[0].t, v[1].t,
                      (long long)v[2].i, (long long)v[3].i, (long long)v[4].i,
                      v[5].null ? 0LL : (long long)v[5].i, v[6].null ? 0LL : (long long)v[6].i,
                      (long long)v[7].i, (long long)v[8].i, v[9].null ? "-" : v[9].t);
    }
    assert_ok(store_all(tx, &ORDER, STORE_ARGS(period), &a, &t, &e), &e);
    dm_buf_puts(out, "order");
    for (size_t i = 0; i < t.n; i++) {
        dm_buf_printf(out, " %s", store_row(&t, i)[0].t);
    }
    dm_buf_puts(out, "\n");
    found = store_maybe(tx, &CLOSED, STORE_ARGS(store_i(location), store_i(seq - 1)), &a, &v, &e);
    assert_ok(found, &e);
    if (found) {
        dm_buf_printf(out, "closed expected %lld observed %lld sales %lld loss %lld surplus %lld\n",
                      (long long)v[0].i, (long long)v[1].i, (long long)v[2].i, (long long)v[3].i,
                      (long long)v[4].i);
    }
}

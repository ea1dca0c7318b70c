/* SPDX-License-Identifier: Apache-2.0
 *
 * One claro with everything a person wants to see of it (api.md 5.9, R50). Reads only what belongs
 * to the claro, by index: the page is opened all day. */
#include <string.h>

#include "inventory/analytics_priv.h"
#include "inventory/json.h"
#include "inventory/list.h"
#include "inventory/map.h"
#include "inventory/prices.h"

enum { HEAD, SESSION, MARKS, STOCK };
#define MARKS_MAX "2000" /* in words: see statement() of list.c */

static const struct store_query queries[] = {
    [HEAD] = {"detail.head",
              "SELECT l.id, l.code, l.name, l.description, l.active, a.id, a.code, a.name,"
              " a.position, w.id, w.code, w.name, l.latest_session_id FROM storage_locations l"
              " JOIN storage_areas a ON a.id = l.storage_area_id"
              " JOIN warehouses w ON w.id = a.warehouse_id WHERE l.id = ?1",
              "i", "itttbitttitti", false},
    [SESSION] = {"detail.session",
                 "SELECT s.uuid, s.status, s.total_detected, s.total_estimated,"
                 " s.total_empty_containers, s.avg_confidence, coalesce(s.category_counts -> "
                 "'by_category', '{}'), s.created_at,"
                 " i.uuid, s.validated, u.email, s.validated_at FROM photo_processing_sessions s"
                 " LEFT JOIN images i ON i.id = s.image_id AND i.deleted_at IS NULL"
                 " LEFT JOIN users u ON u.id = s.validated_by_user_id WHERE s.id = ?1",
                 "i", "utiiirjTubtT", false},
    [MARKS] = {"detail.marks",
               "SELECT d.id, g.category, d.center_x_px - d.width_px / 2, d.center_y_px -"
               " d.height_px / 2, d.width_px, d.height_px, d.confidence, b.product_id,"
               " r.common_name FROM detections d JOIN session_segments g ON g.id ="
               " d.session_segment_id LEFT JOIN stock_movements m ON m.id = d.stock_movement_id"
               " LEFT JOIN stock_batches b ON b.id = m.stock_batch_id"
               " LEFT JOIN products r ON r.id = b.product_id"
               " WHERE d.session_id = ?1 ORDER BY d.id LIMIT " MARKS_MAX,
               "i", "itrrrrrit", false},
    [STOCK] = {"detail.stock",
               "SELECT b.product_id, b.packaging_catalog_id, q.name, q.unit_cost_cents,"
               " CAST(SUM(b.quantity_current) AS {int}), CAST(SUM(" ANALYTICS_POTS ") AS {int}),"
               " CAST(SUM(CASE WHEN s.is_sellable AND k.category IN ('box', 'segment', 'pot')"
               " THEN " ANALYTICS_POTS " ELSE 0 END) AS {int}),"
               " CAST(SUM(b.quality_score * b.quantity_current) AS {real}),"
               " CAST(SUM(CASE WHEN b.quality_score IS NULL THEN 0 ELSE b.quantity_current END)"
               " AS {int}) FROM stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id"
               " JOIN product_states s ON s.id = b.product_state_id"
               " LEFT JOIN packaging_catalog q ON q.id = b.packaging_catalog_id"
               " WHERE k.storage_location_id = ?1 AND b.status = 'active'"
               " GROUP BY b.product_id, b.packaging_catalog_id, q.name, q.unit_cost_cents"
               " ORDER BY 5 DESC, b.product_id",
               "i", "iitiiiiri", false},
};
STORE_QUERIES(map_detail_queries, queries);

static int full(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a claro");
}

static json_t *picture(const struct store_value *uuid, const char *variant)
{
    return uuid->null ? json_null()
                      : json_sprintf("/api/v1/photos/%s/file?variant=%s", uuid->t, variant);
}

static int add_session(struct store_tx *tx, int64_t session_id, struct dm_arena *a, json_t *out,
                       struct dm_err *e)
{
    static const char *const names[] = {"session_id",
                                        "status",
                                        "total_detected",
                                        "total_estimated",
                                        "total_empty_containers",
                                        "avg_confidence",
                                        "category_counts",
                                        "created_at"};
    const struct store_value *v;
    DM_CLEANUP(inv_json_freep) json_t *s = json_object();
    if (!session_id) {
        return inv_json_set(out, "latest_session", json_null(), e);
    }
    DM_TRY(store_one(tx, &queries[SESSION], STORE_ARGS(store_i(session_id)), a, &v, e));
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        DM_TRY(inv_json_set(s, names[i], inv_json_of_value(&v[i]), e));
    }
    DM_TRY(inv_json_set(s, "processed_image_url", picture(&v[8], "annotated"), e));
    DM_TRY(inv_json_set(s, "original_image_url", picture(&v[8], "original"), e));
    DM_TRY(inv_json_set(s, "validated", inv_json_of_value(&v[9]), e));
    DM_TRY(inv_json_set(s, "validated_by", inv_json_of_value(&v[10]), e));
    DM_TRY(inv_json_set(s, "validation_date", inv_json_of_value(&v[11]), e));
    return inv_json_set(out, "latest_session", json_incref(s), e);
}

static int add_marks(struct store_tx *tx, int64_t session_id, json_t *out, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    json_t *marks = json_array();
    const struct store_value *v;
    int more;
    DM_TRY(inv_json_set(out, "detections", marks, e));
    if (!session_id) {
        return DM_OK;
    }
    DM_TRY(store_select(tx, &queries[MARKS], STORE_ARGS(store_i(session_id)), &rows, e));
    while ((more = store_next(rows, &v, e)) > 0) {
        json_t *mark =
            json_pack("{s:I, s:s, s:{s:f, s:f, s:f, s:f}, s:f, s:o, s:o}", "id", (json_int_t)v[0].i,
                      "category", v[1].t, "bbox", "x", v[2].r, "y", v[3].r, "width", v[4].r,
                      "height", v[5].r, "confidence", v[6].r, "product_id",
                      inv_json_of_value(&v[7]), "product_name", inv_json_of_value(&v[8]));
        if (json_array_append_new(marks, mark)) {
            return full(e);
        }
    }
    return more;
}

/* Sums over what stands in the claro. */
struct sums {
    int64_t plants, pots, value, potential, cost, price;
    double quality;
    int64_t graded, costed;
};

static int read_stock(const struct inv_ctx *c, struct store_tx *tx, int64_t location_id,
                      struct dm_arena *a, struct sums *s, json_t *macetas, struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[STOCK], STORE_ARGS(store_i(location_id)), a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct prices_entry price = {0};
        if (!v[1].null) {
            const int found = prices_find(tx, v[0].i, v[1].i, a, &price, e);
            DM_TRY(found);
            const int64_t before = inv_json_int(macetas, v[2].t);
            DM_TRY(inv_json_set(macetas, v[2].t, json_integer(before + v[4].i), e));
        }
        s->plants += v[4].i;
        s->pots += v[5].i;
        s->value += v[6].i * price.net_wholesale_cents;
        s->potential += (int64_t)((double)(v[5].i * price.net_wholesale_cents) *
                                  (1 + c->settings->growth_uplift_percent / 100.0));
        s->price = s->price ? s->price : price.net_wholesale_cents;
        s->cost += v[3].null ? 0 : v[3].i * v[5].i;
        s->costed += v[3].null ? 0 : v[5].i;
        s->quality += v[7].null ? 0 : v[7].r;
        s->graded += v[8].i;
    }
    return DM_OK;
}

static json_t *ratio(double part, double whole)
{
    return whole > 0 ? json_real(part / whole) : json_null();
}

static int add_stock(const struct inv_ctx *c, struct store_tx *tx, int64_t location_id,
                     struct dm_arena *a, struct sums *s, json_t *out, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *macetas = json_object();
    const bool money = inv_grant_of(c->role, INV_DO_SEE_PRICES) != INV_GRANT_NO;
    DM_TRY(read_stock(c, tx, location_id, a, s, macetas, e));
    json_t *stock = json_null();
    json_t *financial = json_null();
    if (s->plants) {
        stock = json_pack("{s:I, s:o, s:o, s:o, s:O, s:o}", "total_quantity", (json_int_t)s->plants,
                          "total_value", money ? json_integer(s->value) : json_null(),
                          "potential_value", money ? json_integer(s->potential) : json_null(),
                          "avg_quality_score", ratio(s->quality, (double)s->graded),
                          "maceta_distribution", macetas, "cost_per_unit_avg",
                          money ? ratio((double)s->cost, (double)s->costed) : json_null());
    }
    if (money && s->price) {
        financial = json_pack(
            "{s:I, s:o, s:I, s:o}", "current_price_per_unit", (json_int_t)s->price, "total_cost",
            s->costed ? json_integer(s->cost) : json_null(), "potential_revenue",
            (json_int_t)s->potential, "roi_percent",
            s->cost ? json_real(100.0 * (double)(s->potential - s->cost) / (double)s->cost)
                    : json_null());
    }
    DM_TRY(inv_json_set(out, "stock_summary", stock, e));
    return inv_json_set(out, "financial", financial, e);
}

/* Of the newest period: what died of what was there and came; how the count has grown. */
static int add_quality(struct store_tx *tx, int64_t location_id, const struct sums *sums,
                       json_t *out, struct dm_err *e)
{
    struct map_period p = {0};
    const int found = map_last_period(tx, location_id, &p, e);
    DM_TRY(found);
    if (!found) {
        return inv_json_set(out, "quality_metrics", json_null(), e);
    }
    const double base = (double)(p.opening + p.planted + p.transfer_in);
    const double mortality = base > 0 ? 100.0 * (double)p.deaths / base : 0;
    const double overall =
        sums->graded ? 20.0 * sums->quality / (double)sums->graded : 100.0 - mortality;
    return inv_json_set(
        out, "quality_metrics",
        json_pack("{s:f, s:f, s:o, s:o}", "overall_score", overall, "health_score",
                  100.0 - mortality, "growth_rate_percent",
                  p.opening > 0
                      ? json_real(100.0 * (double)(p.closing - p.opening) / (double)p.opening)
                      : json_null(),
                  "mortality_rate_percent", base > 0 ? json_real(mortality) : json_null()),
        e);
}

static json_t *head_of(const struct store_value *v, json_t *config)
{
    return json_pack(
        "{s:I, s:s, s:s, s:I, s:o, s:b, s:{s:I, s:s, s:s, s:o}, s:{s:I, s:s, s:s}, s:o}",
        "location_id", (json_int_t)v[0].i, "code", v[1].t, "name", v[2].t, "id", (json_int_t)v[0].i,
        "description", inv_json_of_value(&v[3]), "active", v[4].b, "storage_area", "id",
        (json_int_t)v[5].i, "code", v[6].t, "name", v[7].t, "position", inv_json_of_value(&v[8]),
        "warehouse", "id", (json_int_t)v[9].i, "code", v[10].t, "name", v[11].t, "config", config);
}

/* The active configuration without the names that other routes add; null when there is none. */
static int config_of(const struct inv_ctx *c, struct store_tx *tx, int64_t location_id,
                     json_t **ret, struct dm_err *e)
{
    static const char *const names[] = {"product_name", "packaging_name", "state_name"};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    const struct list_value of[] = {{"storage_location_id", store_i(location_id)},
                                    {"active", store_b(true)}};
    const struct list_ask ask = {.value = of, .n_value = DM_COUNT(of), .limit = 1};
    DM_TRY(list_rows_in(tx, c, &list_configs, &ask, &rows, NULL, e));
    json_t *config = json_array_get(rows, 0);
    for (size_t i = 0; config && i < DM_COUNT(names); i++) {
        (void)json_object_del(config, names[i]);
    }
    *ret = config ? json_incref(config) : json_null();
    return DM_OK;
}

int map_detail(const struct inv_ctx *c, int64_t location_id, bool marks, json_t **ret,
               struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    struct sums sums = {0};
    const struct store_value *v;
    json_t *config;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[HEAD], STORE_ARGS(store_i(location_id)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "location"), DM_I("identifier", location_id)),
                  "there is no claro %lld", (long long)location_id);
    }
    const int64_t session_id = v[12].null ? 0 : v[12].i;
    DM_TRY(config_of(c, tx, location_id, &config, e));
    DM_TRY(inv_json_set(out, "storage_location", head_of(v, config), e));
    DM_TRY(add_session(tx, session_id, &a, out, e));
    DM_TRY(add_marks(tx, marks ? session_id : 0, out, e));
    DM_TRY(add_stock(c, tx, location_id, &a, &sums, out, e));
    DM_TRY(add_quality(tx, location_id, &sums, out, e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

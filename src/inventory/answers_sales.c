/* SPDX-License-Identifier: Apache-2.0
 *
 * Sales beside the stock, and what became of each product in a range. */
#include <string.h>

#include "inventory/answers_priv.h"
#include "inventory/json.h"

enum { SALES, PRODUCTS };

#define IN_PLACE                                                                                   \
    " JOIN storage_bins k ON k.id = b.storage_bin_id JOIN storage_locations l ON l.id ="           \
    " k.storage_location_id JOIN storage_areas a ON a.id = l.storage_area_id"
#define IN_RANGE "(?2 IS NULL OR m.occurred_at >= ?2) AND (?3 IS NULL OR m.occurred_at < ?3)"
#define PLANTS_OF(types)                                                                           \
    "CAST(COALESCE(SUM(CASE WHEN x.movement_type IN (" types                                       \
    ") THEN x.quantity ELSE 0 END), 0) AS {int})"

static const struct store_query queries[] = {
    [SALES] = {"answers.sales",
               "SELECT r.sku, r.common_name, q.sku, q.name, CAST(SUM(x.stock) AS {int}),"
               " CAST(SUM(x.sales) AS {int}) FROM (SELECT b.product_id, b.packaging_catalog_id,"
               " b.quantity_current AS stock, 0 AS sales FROM stock_batches b" IN_PLACE
               " WHERE b.status = 'active' AND (?1 IS NULL OR a.warehouse_id IN {ids:?1})"
               " UNION ALL SELECT b.product_id, b.packaging_catalog_id, 0, -m.quantity FROM"
               " stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id" IN_PLACE
               " WHERE m.movement_type = 'ventas' AND " IN_RANGE
               " AND (?1 IS NULL OR a.warehouse_id IN {ids:?1})) x"
               " JOIN products r ON r.id = x.product_id"
               " LEFT JOIN packaging_catalog q ON q.id = x.packaging_catalog_id"
               " GROUP BY r.sku, r.common_name, q.sku, q.name ORDER BY r.sku, q.sku NULLS FIRST",
               "jTT", "ttttii", false},
    /* the stock at the start is what the movements before it sum to, as in mortality */
    [PRODUCTS] =
        {"answers.products",
         "SELECT r.id, r.common_name, " PLANTS_OF("'plantar', 'sembrar'") ", -" PLANTS_OF(
             "'muerte'") ", -" PLANTS_OF("'ventas'") ","
                                                     " CAST(COALESCE(SUM(CASE WHEN x.quantity > 0 "
                                                     "AND x.movement_type NOT IN"
                                                     " ('muerte', 'ventas') THEN x.quantity ELSE 0 "
                                                     "END), 0) AS {int}),"
                                                     " CAST(COALESCE(SUM(CASE WHEN x.movement_type "
                                                     "= '' THEN x.quantity ELSE 0 END),"
                                                     " 0) AS {int}), CAST(COALESCE(SUM(CASE WHEN "
                                                     "x.movement_type = '=' THEN x.quantity"
                                                     " ELSE 0 END), 0) AS {int}) FROM (SELECT "
                                                     "b.product_id, m.movement_type,"
                                                     " m.quantity FROM stock_movements m JOIN "
                                                     "stock_batches b ON b.id ="
                                                     " m.stock_batch_id" IN_PLACE " WHERE " IN_RANGE
                                                     " AND m.role NOT IN ('opening', 'closing')"
                                                     " AND (?1 IS NULL OR a.warehouse_id = ?1)"
                                                     " UNION ALL SELECT b.product_id, '', "
                                                     "m.quantity FROM stock_movements m"
                                                     " JOIN stock_batches b ON b.id = "
                                                     "m.stock_batch_id" IN_PLACE
                                                     " WHERE m.occurred_at < ?2 AND (?1 IS NULL OR "
                                                     "a.warehouse_id = ?1)"
                                                     " UNION ALL SELECT b.product_id, '=', "
                                                     "b.quantity_current FROM stock_batches"
                                                     " b" IN_PLACE " WHERE b.status = 'active'"
                                                     " AND (?1 IS NULL OR a.warehouse_id = ?1)) x"
                                                     " JOIN products r ON r.id = x.product_id "
                                                     "WHERE (?4 IS NULL OR r.id = ?4)"
                                                     " GROUP BY r.id, r.common_name ORDER BY "
                                                     "r.common_name, r.id",
         "iTTi", "itiiiiii", false},
};
STORE_QUERIES(answers_sales_queries, queries);

static int full(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a report");
}

static json_t *sales_row(const struct store_value *v)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I}", "product_sku", v[0].t, "product_name",
                     v[1].t, "packaging_sku", inv_json_of_value(&v[2]), "packaging_name",
                     inv_json_of_value(&v[3]), "current_stock", (json_int_t)v[4].i, "total_sales",
                     (json_int_t)v[5].i);
}

/* Bounds of a range of which either end may be open. */
static int bounds(const struct inv_ctx *c, const struct answers_days *d, struct store_value *ret,
                  struct dm_err *e)
{
    const struct answers_days days = {d->from ? d->from : "1970-01-01",
                                      d->to ? d->to : "9999-12-30"};
    struct analytics_ask range = {0};
    DM_TRY(answers_range(c, &days, &range, e));
    ret[0] = d->from ? store_at(range.from_ms) : store_null();
    ret[1] = d->to ? store_at(range.to_ms) : store_null();
    return DM_OK;
}

int answers_sales(const struct inv_ctx *c, const json_t *body, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *items = json_array();
    const struct answers_days d = {inv_json_str(body, "date_from"), inv_json_str(body, "date_to")};
    const json_t *ids = json_object_get(body, "warehouse_ids");
    const char *list = NULL;
    struct store_value range[2];
    struct store_table rows;
    int64_t stock = 0;
    int64_t sales = 0;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(bounds(c, &d, range, e));
    DM_TRY(json_is_array(ids) ? inv_json_text(ids, &a, &list, e) : DM_OK);
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[SALES],
                     STORE_ARGS(list ? store_j(list) : store_null(), range[0], range[1]), &a, &rows,
                     e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        stock += v[4].i;
        sales += v[5].i;
        if (json_array_append_new(items, sales_row(v))) {
            return full(e);
        }
    }
    if (json_array_insert_new(items, 0,
                              json_pack("{s:s, s:I}", "metric", "sales", "value", sales)) ||
        json_array_insert_new(items, 1,
                              json_pack("{s:s, s:I}", "metric", "stock", "value", stock))) {
        return full(e);
    }
    *ret = json_pack("{s:O, s:{s:I, s:I, s:I, s:s?, s:s?}}", "items", items, "summary", "net",
                     (json_int_t)(stock - sales), "sales", (json_int_t)sales, "stock",
                     (json_int_t)stock, "date_from", d.from, "date_to", d.to);
    return *ret ? DM_OK : full(e);
}

int answers_products(const struct inv_ctx *c, const struct answers_where *w,
                     const struct answers_days *d, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    struct analytics_ask range = {0};
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(answers_range(c, d, &range, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[PRODUCTS],
                     STORE_ARGS(store_ref(w->warehouse_id), store_at(range.from_ms),
                                store_at(range.to_ms), store_ref(w->product_id)),
                     &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        const int64_t base = v[5].i + v[6].i;
        json_t *row =
            json_pack("{s:I, s:s, s:I, s:I, s:I, s:o, s:I}", "product_id", (json_int_t)v[0].i,
                      "name", v[1].t, "planted", (json_int_t)v[2].i, "deaths", (json_int_t)v[3].i,
                      "sales", (json_int_t)v[4].i, "mortality_rate_pct",
                      base > 0 ? json_real(100.0 * (double)v[3].i / (double)base) : json_null(),
                      "current_stock", (json_int_t)v[7].i);
        if (json_array_append_new(out, row)) {
            return full(e);
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

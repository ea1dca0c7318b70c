/* SPDX-License-Identifier: Apache-2.0
 *
 * What sales files say beside the books: lines of a month, their review, stock less sales. */
#include "inventory/analytics_priv.h"
#include "inventory/sales.h"

enum { KNOWN, LINES, RESOLVE, STOCK };

/* Net wholesale price of a line's pot: the product's own, else its category's (domain.md 16). */
#define PRICE_OF_LINE                                                                              \
    "(SELECT i.wholesale_unit_price_cents * (100 - i.discount_percent) / 100"                      \
    " FROM price_list_items i WHERE i.packaging_catalog_id = n.packaging_catalog_id"               \
    " AND i.availability <> 'discontinued' AND (i.product_id = n.product_id OR (i.product_id IS"   \
    " NULL AND i.variant = '' AND i.product_category_id = COALESCE(n.product_category_id,"         \
    " (SELECT f.product_category_id FROM products t JOIN product_families f"                       \
    " ON f.id = t.product_family_id WHERE t.id = n.product_id))))"                                 \
    " ORDER BY CASE WHEN i.product_id IS NULL THEN 1 ELSE 0 END, i.id LIMIT 1)"

static const struct store_query queries[] = {
    [KNOWN] = {"sales.known", "SELECT id FROM sales_imports WHERE id = ?1", "i", "i", false},
    [LINES] = {"sales.lines",
               "SELECT v.id, r.sku, g.code, q.sku, v.system_logged, v.system_calculated,"
               " v.external, v.difference, v.tolerance, v.result, v.resolution, v.cause, v.note"
               " FROM sales_validation_lines v LEFT JOIN products r ON r.id = v.product_id"
               " LEFT JOIN product_categories g ON g.id = v.product_category_id"
               " LEFT JOIN packaging_catalog q ON q.id = v.packaging_catalog_id"
               " WHERE v.sales_import_id = ?1 ORDER BY v.id",
               "i", "itttiiiiitttt", false},
    [RESOLVE] =
        {"sales.resolve",
         "UPDATE sales_validation_lines SET resolution = ?2, cause = ?3, note = COALESCE(?4,"
         " note), resolved_by_user_id = CASE WHEN ?2 IN ('resolved', 'accepted') THEN ?5"
         " ELSE NULL END, resolved_at = CASE WHEN ?2 IN ('resolved', 'accepted') THEN {now}"
         " ELSE NULL END, updated_at = {now} WHERE id = ?1",
         "ittti", "", false},
    /* Rows of a day on or before the last count were seen by that count. */
    [STOCK] =
        {"sales.stock",
         "WITH sold AS (SELECT product_id, product_category_id, packaging_catalog_id, sale_date,"
         " CAST(SUM(quantity_sold) AS {int}) AS n FROM sales_import_rows WHERE sales_import_id = ?1"
         " AND error IS NULL GROUP BY product_id, product_category_id, packaging_catalog_id,"
         " sale_date),"
         " line AS (SELECT DISTINCT product_id, product_category_id, packaging_catalog_id FROM"
         " sold),"
         " held AS (SELECT b.product_id, f.product_category_id, b.packaging_catalog_id,"
         " CAST(SUM(b.quantity_current) AS {int}) AS plants, SUM(" ANALYTICS_POTS ") AS pots,"
         " MAX(CASE WHEN p.opened_kind = 'implicit' THEN NULL ELSE p.opened_at END) AS counted_at"
         " FROM stock_batches b JOIN stock_periods p ON p.id = b.stock_period_id"
         " JOIN products r ON r.id = b.product_id JOIN product_families f ON f.id ="
         " r.product_family_id WHERE b.status = 'active'"
         " GROUP BY b.product_id, f.product_category_id, b.packaging_catalog_id),"
         " stock AS (SELECT n.product_id, n.product_category_id, n.packaging_catalog_id,"
         " CAST(COALESCE(SUM(h.plants), 0) AS {int}) AS plants, MAX(h.counted_at) AS counted_at,"
         " CAST(COALESCE(SUM(h.pots), 0) AS {int}) AS pots, " PRICE_OF_LINE " AS price"
         " FROM line n LEFT JOIN held h ON h.packaging_catalog_id {same} n.packaging_catalog_id AND"
         " (h.product_id = n.product_id OR (n.product_id IS NULL AND h.product_category_id ="
         " n.product_category_id)) GROUP BY n.product_id, n.product_category_id,"
         " n.packaging_catalog_id)"
         " SELECT r.sku, g.code, q.sku, k.plants, k.counted_at,"
         " CAST(SUM(CASE WHEN k.counted_at IS NULL OR CAST(s.sale_date AS TEXT) >"
         " {day:k.counted_at|?2} THEN s.n ELSE 0 END) AS {int}), CAST(SUM(s.n) AS {int}),"
         " r.common_name, q.name, k.pots, k.price"
         " FROM stock k JOIN sold s ON s.product_id {same} k.product_id AND s.product_category_id"
         " {same} k.product_category_id AND s.packaging_catalog_id {same} k.packaging_catalog_id"
         " LEFT JOIN products r ON r.id = k.product_id LEFT JOIN product_categories g ON g.id ="
         " k.product_category_id LEFT JOIN packaging_catalog q ON q.id = k.packaging_catalog_id"
         " GROUP BY r.sku, g.code, q.sku, k.plants, k.counted_at, r.common_name, q.name, k.pots,"
         " k.price"
         " ORDER BY r.sku NULLS FIRST, g.code NULLS FIRST, q.sku NULLS FIRST",
         "ii", "tttiTiittii", false},
};
STORE_QUERIES(sales_report_queries, queries);

static const struct sheet_column line_columns[] = {
    {"line_id", "", SHEET_INT, false},       {"product_sku", "", SHEET_TEXT, false},
    {"category", "", SHEET_TEXT, false},     {"packaging_sku", "", SHEET_TEXT, false},
    {"system_logged", "", SHEET_INT, false}, {"system_calculated", "", SHEET_INT, false},
    {"external", "", SHEET_INT, false},      {"difference", "", SHEET_INT, false},
    {"tolerance", "", SHEET_INT, false},     {"result", "", SHEET_TEXT, false},
    {"resolution", "", SHEET_TEXT, false},   {"cause", "", SHEET_TEXT, false},
    {"note", "", SHEET_TEXT, false},
};
static const struct sheet_column stock_columns[] = {
    {"product_sku", "", SHEET_TEXT, false},        {"category", "", SHEET_TEXT, false},
    {"packaging_sku", "", SHEET_TEXT, false},      {"current_stock", "", SHEET_INT, false},
    {"last_counted_at", "", SHEET_INSTANT, false}, {"sold_since", "", SHEET_INT, false},
    {"covered_by_count", "", SHEET_INT, false},    {"estimated_stock", "", SHEET_INT, false},
    {"depletion_pct", "", SHEET_PERCENT, false},   {"stock_status", "", SHEET_TEXT, false},
    {"product_name", "", SHEET_TEXT, false},       {"packaging_name", "", SHEET_TEXT, false},
    {"unit_price", "", SHEET_MONEY, true},         {"stock_value_original", "", SHEET_MONEY, true},
    {"sales_value", "", SHEET_MONEY, true},        {"estimated_value", "", SHEET_MONEY, true},
};

static int begin(const struct inv_ctx *c, int64_t import_id, struct dm_arena *a,
                 struct store_tx **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    DM_TRY(inv_permit(c, INV_DO_SALES_IMPORT, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int known = store_maybe(tx, &queries[KNOWN], STORE_ARGS(store_i(import_id)), a, &row, e);
    DM_TRY(known);
    if (!known) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no sales file %lld", (long long)import_id);
    }
    *ret = DM_STEAL(tx);
    return DM_OK;
}

int sales_lines(const struct inv_ctx *c, int64_t import_id, struct dm_arena *a, struct sheet **ret,
                struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows = {0};
    DM_TRY(begin(c, import_id, a, &tx, e));
    DM_TRY(store_all(tx, &queries[LINES], STORE_ARGS(store_i(import_id)), a, &rows, e));
    struct sheet *s =
        sheet_begin(c, "sales", "Sales compared", line_columns, DM_COUNT(line_columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    DM_TRY(sheet_take(s, &rows, a, e));
    *ret = s;
    return DM_OK;
}

struct review {
    const struct inv_ctx *c;
    int64_t line_id;
    const char *resolution, *cause, *note;
};

static int resolve_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct review *x = ctx;
    int64_t changed = 0;
    const int code =
        store_exec(tx, &queries[RESOLVE],
                   STORE_ARGS(store_i(x->line_id), store_t(x->resolution), store_t(x->cause),
                              store_t(x->note), store_i(x->c->user_id)),
                   &changed, e);
    if (code == DM_EBADINPUT) {
        DM_FAIL(e, INV_VALIDATION, "there is no such resolution or cause");
    }
    DM_TRY(code);
    if (!changed) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no line %lld", (long long)x->line_id);
    }
    json_t *after = json_pack("{s:s, s:s?}", "resolution", x->resolution, "cause", x->cause);
    const int audited = audit_write(tx, x->c, "sales.resolve", "sales_validation_lines", x->line_id,
                                    NULL, after, e);
    json_decref(after);
    return audited;
}

int sales_resolve(const struct inv_ctx *c, int64_t line_id, const char *resolution,
                  const char *cause, const char *note, struct dm_err *e)
{
    struct review x = {c, line_id, resolution, cause, note};
    DM_TRY(inv_permit(c, INV_DO_SALES_IMPORT, e));
    return store_run(c->store, STORE_WRITE, resolve_in, &x, e);
}

static struct sheet_cell text_of(const struct store_value *v)
{
    return sheet_t(v->null ? NULL : v->t);
}

/* A row of the report from one of the query. Pots are worth what the list says; without a price
 * nothing is said. */
static void stock_row(const struct store_value *v, struct sheet_cell *row)
{
    const int64_t plants = v[3].i;
    const int64_t sold = v[5].i;
    for (int k = 0; k < 3; k++) {
        row[k] = text_of(&v[k]);
    }
    row[3] = sheet_i(plants);
    row[4] = v[4].null ? sheet_null() : sheet_i(v[4].i);
    row[5] = sheet_i(sold);
    row[6] = sheet_i(v[6].i - sold);
    row[7] = sheet_i(plants - sold);
    row[8] = plants ? sheet_r(100.0 * (double)sold / (double)plants) : sheet_null();
    row[9] = sheet_t(sales_status(plants, sold));
    row[10] = text_of(&v[7]);
    row[11] = text_of(&v[8]);
    const int64_t value[] = {v[10].i, v[9].i * v[10].i, sold * v[10].i, (v[9].i - sold) * v[10].i};
    for (size_t k = 0; k < DM_COUNT(value); k++) {
        row[12 + k] = v[10].null ? sheet_null() : sheet_i(value[k]);
    }
}

int sales_vs_stock(const struct inv_ctx *c, int64_t import_id, struct dm_arena *a,
                   struct sheet **ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows = {0};
    int64_t critical = 0;
    int64_t low = 0;
    DM_TRY(begin(c, import_id, a, &tx, e));
    const int64_t minutes = dm_zone_offset_s(c->zone, c->now_ms) / 60;
    DM_TRY(store_all(tx, &queries[STOCK], STORE_ARGS(store_i(import_id), store_i(minutes)), a,
                     &rows, e));
    struct sheet *s = sheet_begin(c, "sales_vs_stock", "Stock less sales", stock_columns,
                                  DM_COUNT(stock_columns), a);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        struct sheet_cell *row = sheet_add(s, a);
        if (!row) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a report");
        }
        stock_row(v, row);
        const char *status = row[9].t;
        critical += status[0] == 'C';
        low += status[0] == 'L';
    }
    DM_TRY(sheet_summary(s, a, e, "lines", "%zu", s->n_rows));
    DM_TRY(sheet_summary(s, a, e, "critical", "%lld", (long long)critical));
    DM_TRY(sheet_summary(s, a, e, "low", "%lld", (long long)low));
    if (inv_grant_of(c->role, INV_DO_SEE_PRICES) == INV_GRANT_NO) {
        DM_TRY(sheet_hide_money(s, a, e));
    }
    *ret = s;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports in the shape of the API (api.md 5.7, 23): the question comes as the JSON of the request,
 * the answer goes out as JSON, which the caller frees. Figures come from analytics.h, map.h and
 * month.h; here are only names and small sums. All need ANALYTICS; money is missing or null for
 * those who may not see prices. INV_VALIDATION: a day that is none, a range that ends before it
 * begins. */
#ifndef INVENTORY_ANSWERS_H
#define INVENTORY_ANSWERS_H

#include <jansson.h>

#include "inventory/analytics.h"
#include "inventory/inventory.h"
#include "store/store.h"

enum { ANSWERS_ROWS_MAX = 10000 };

/* What everything can be narrowed by; 0: all. */
struct answers_where {
    int64_t warehouse_id, location_id, product_id;
};
/* Two days, both inside; NULL: no bound where that is possible. */
struct answers_days {
    const char *from, *to;
};

/* {data, metadata} of a manual query; body holds its parameters. DM_ELIMIT: more than
 * ANSWERS_ROWS_MAX rows and no limit given. */
DM_MUST_CHECK int answers_manual(const struct inv_ctx *c, const json_t *body, json_t **ret,
                                 struct dm_err *e);
/* The same as a sheet, for its export. */
DM_MUST_CHECK int answers_manual_sheet(const struct inv_ctx *c, const json_t *body,
                                       struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* date, total_plants, movements_in, movements_out, net_change for each day. */
DM_MUST_CHECK int answers_daily(const struct inv_ctx *c, const struct answers_where *w,
                                const struct answers_days *d, json_t **ret, struct dm_err *e);

/* The same by day, week (Monday to Sunday) or month, with period_start and period_end. */
DM_MUST_CHECK int answers_trends(const struct inv_ctx *c, const struct answers_where *w,
                                 const struct answers_days *d, const char *granularity,
                                 json_t **ret, struct dm_err *e);

/* total_batches, total_plants, warehouse_id, product_id, generated_at. */
DM_MUST_CHECK int answers_inventory(const struct inv_ctx *c, const struct answers_where *w,
                                    json_t **ret, struct dm_err *e);

/* Arrays of {id, name} to choose filters from. */
DM_MUST_CHECK int answers_options(const struct inv_ctx *c, json_t **ret, struct dm_err *e);

/* A sentence with the plants there are, by category, and the rows. */
DM_MUST_CHECK int answers_sentence(const struct inv_ctx *c, json_t **ret, struct dm_err *e);

/* Sales of a range beside the stock: items and summary. body: warehouse_ids, date_from, date_to. */
DM_MUST_CHECK int answers_sales(const struct inv_ctx *c, const json_t *body, json_t **ret,
                                struct dm_err *e);

DM_MUST_CHECK int answers_dashboard(const struct inv_ctx *c, json_t **ret, struct dm_err *e);

/* total_in, total_out, net, count of a range; and movement_type, count, quantity. */
DM_MUST_CHECK int answers_moved(const struct inv_ctx *c, const struct answers_where *w,
                                const struct answers_days *d, bool by_type, json_t **ret,
                                struct dm_err *e);

/* Two ranges: body as of api.md 23. */
DM_MUST_CHECK int answers_compare(const struct inv_ctx *c, const json_t *body, json_t **ret,
                                  struct dm_err *e);

/* Products of a range: planted, deaths, sales, mortality_rate_pct, current_stock. */
DM_MUST_CHECK int answers_products(const struct inv_ctx *c, const struct answers_where *w,
                                   const struct answers_days *d, json_t **ret, struct dm_err *e);

/* How near the counts came to what people corrected them to. */
DM_MUST_CHECK int answers_accuracy(const struct inv_ctx *c, const struct answers_days *d,
                                   json_t **ret, struct dm_err *e);

/* Two places of one level side by side: type storage_location, storage_area, warehouse.
 * INV_NOT_FOUND. */
DM_MUST_CHECK int answers_places(const struct inv_ctx *c, const char *type, int64_t one,
                                 int64_t two, json_t **ret, struct dm_err *e);

extern const struct store_query_table answers_queries;
extern const struct store_query_table answers_more_queries;
extern const struct store_query_table answers_sales_queries;

#endif

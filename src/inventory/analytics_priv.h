/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the planner of reports, its runner and the special reports. */
#ifndef INVENTORY_ANALYTICS_PRIV_H
#define INVENTORY_ANALYTICS_PRIV_H

#include "base/buf.h"
#include "inventory/analytics.h"

enum {
    PLAN_SQL_MAX = 64 << 10,
    PLAN_ARGS_MAX = 64,
    PLAN_COLS_MAX = 40,
};

/* Pots that the plants of batch b stand in; SQL. */
#define ANALYTICS_POTS                                                                             \
    "(CASE WHEN b.has_packaging THEN (b.quantity_current + b.plants_per_container - 1) /"          \
    " b.plants_per_container ELSE 0 END)"

/* One column a plan reads besides its groups. */
struct plan_measure {
    const char *name;
    const char *sql; /* an aggregate */
    enum sheet_type type;
    bool money;
    unsigned joins; /* PLAN_NEED_* */
};

/* What a measure may ask for: the same bits as the joins of analytics_plan.c, which checks it. */
enum {
    PLAN_NEED_BIN = 1 << 1,
    PLAN_NEED_STATE = 1 << 8,
    PLAN_NEED_PRICE = 1 << 14,
    PLAN_NEED_ROOM = 1 << 15,
};

/* A statement under construction, and the statement. Texts in the arena. */
struct plan {
    struct dm_arena *a;
    const struct analytics_ask *ask;
    struct dm_buf sql;
    struct store_value arg[PLAN_ARGS_MAX];
    char params[PLAN_ARGS_MAX + 1];
    size_t n_args;
    char cols[PLAN_COLS_MAX + 1];
    size_t n_cols;
};

/* Which rows a plan reads. */
enum plan_base {
    PLAN_ACTIVE, /* batches with plants */
    PLAN_OPEN,   /* batches of open periods */
    PLAN_AT,     /* batches of the periods open at ask.at_ms, which is ?1: sum with PLAN_SUM_AT */
    PLAN_RANGE,  /* movements of [ask.from_ms, ask.to_ms) */
    PLAN_CLAROS, /* active claros; only filters and groups of places */
};

/* Plants of batch b at ?1. A sub-query, so that both engines read the movements of these batches by
 * index and not all that happened before. */
#define PLAN_SUM_AT                                                                                \
    "COALESCE(SUM((SELECT SUM(m.quantity) FROM stock_movements m WHERE m.stock_batch_id = b.id"    \
    " AND m.occurred_at <= ?1)), 0)"

/* Build the statement that groups base by the ask's groups and gives the measures. zone for days.
 * Columns: for each group its id and, where it has one, its label; then the measures. */
DM_MUST_CHECK int plan_build(struct plan *p, const struct analytics_ask *ask, enum plan_base base,
                             const struct plan_measure *measure, size_t n_measure,
                             const struct dm_zone *zone, struct dm_arena *a, struct dm_err *e);

/* Run it. */
DM_MUST_CHECK int plan_run(struct plan *p, struct store_tx *tx, struct store_table *ret,
                           struct dm_err *e);

/* Columns of the groups: id and label of each. Returns how many. */
size_t plan_group_columns(const struct analytics_ask *ask, struct sheet_column *ret,
                          struct dm_arena *a);

/* Whether a dimension has a label beside its id; and whether it exists for movements only. */
bool plan_has_label(enum analytics_dim d);
bool plan_needs_rows(enum analytics_dim d);

/* Sort by column (the row number decides ties), cut to limit. */
DM_MUST_CHECK int sheet_sort(struct sheet *s, size_t column, bool ascending, struct dm_arena *a,
                             struct dm_err *e);

/* A sheet with its heading filled in. */
struct sheet *sheet_begin(const struct inv_ctx *c, const char *name, const char *title,
                          const struct sheet_column *column, size_t n, struct dm_arena *a);

/* Rows of a query as rows of a sheet, column by column. */
DM_MUST_CHECK int sheet_take(struct sheet *s, const struct store_table *rows, struct dm_arena *a,
                             struct dm_err *e);

/* A price entry's net prices, for joining as `price` on (product_id, packaging_catalog_id): what
 * every report that shows money uses. */
extern const char plan_price_sql[];

#endif

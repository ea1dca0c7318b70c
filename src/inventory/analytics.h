/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports over stock and movements: filters, up to three groupings, measures, totals over the whole
 * filter (domain.md section 14.3). A question is data; the planner turns it into one or two SQL
 * statements that join only what the question names. Everything is read in one snapshot.
 *
 * Cost: current stock is read from quantity_current through the index of active batches; stock at a
 * date sums only the movements of the periods that were open on that date (all earlier rows cancel
 * out, data-model.md section 11: 2, 9, 13); movements are read through their time. */
#ifndef INVENTORY_ANALYTICS_H
#define INVENTORY_ANALYTICS_H

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

enum analytics_dim {
#define X(NAME, name, letter, id, label, joins, needs) ANALYTICS_##NAME,
#include "inventory/analytics.def"
#undef X
    ANALYTICS_DIM_MAX_
};

enum analytics_kind {
    ANALYTICS_STOCK,     /* plants, pots, batches now */
    ANALYTICS_STOCK_AT,  /* plants at an instant */
    ANALYTICS_MOVEMENTS, /* in, out, net and each type in a range */
    ANALYTICS_MORTALITY, /* deaths / (stock at start + inflow) */
    ANALYTICS_OCCUPANCY, /* plants / room; places only */
    ANALYTICS_DENSITY,   /* plants / m2 of claros; places only */
    ANALYTICS_VALUE,     /* of sellable pots, and potential of all */
    ANALYTICS_EMPTIES,   /* pots without a plant */
    ANALYTICS_KIND_MAX_
};
extern const char *const analytics_kind_names[]; /* "stock"...; NULL-ended */

enum {
    ANALYTICS_GROUPS_MAX = 3,
    ANALYTICS_FILTERS_MAX = 20,
    ANALYTICS_ROWS_MAX = 1000000, /* rows one report may have before it is cut to its limit */
};

/* Only these values of a dimension: ids, or texts for dimensions of letter t. */
struct analytics_filter {
    enum analytics_dim dim;
    const int64_t *id;
    const char *const *text;
    size_t n; /* of the one that is used; 0 lets nothing through */
};

struct analytics_ask {
    enum analytics_kind kind;
    enum analytics_dim group[ANALYTICS_GROUPS_MAX];
    size_t n_group; /* 0 = one row, the total */
    struct analytics_filter filter[ANALYTICS_FILTERS_MAX];
    size_t n_filter;
    int64_t from_ms, to_ms; /* [from, to) for MOVEMENTS and MORTALITY */
    int64_t at_ms;          /* STOCK_AT: everything that happened up to it, itself included */
    double min_ratio;       /* EMPTIES: rows from this ratio on */
    const char *sort;       /* column, NULL = the first measure */
    bool ascending;
    size_t limit; /* rows returned, 0 = all; totals are over all */
};

/* Name of a dimension and back; ANALYTICS_DIM_MAX_ when there is none. "location" is a claro. */
const char *analytics_dim_name(enum analytics_dim d);
enum analytics_dim analytics_dim_parse(const char *name);

/* Run a report. Needs ANALYTICS; money columns are missing for those who may not see prices.
 * INV_VALIDATION: a grouping this report does not have, an unknown sort column, a range that ends
 * before it begins. Everything in a, *ret too. */
DM_MUST_CHECK int analytics_run(const struct inv_ctx *c, const struct analytics_ask *ask,
                                struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* The same inside a transaction and without looking at permissions. */
DM_MUST_CHECK int analytics_run_in(struct store_tx *tx, const struct inv_ctx *c,
                                   const struct analytics_ask *ask, struct dm_arena *a,
                                   struct sheet **ret, struct dm_err *e);

/* Two answers side by side: rows of either, matched by their groups; value a, value b, difference
 * and growth in % of the first measure. Both of the same kind and grouping. */
DM_MUST_CHECK int analytics_compare(const struct inv_ctx *c, const struct analytics_ask *one,
                                    const struct analytics_ask *two, struct dm_arena *a,
                                    struct sheet **ret, struct dm_err *e);

/* One row for each day from..to (nursery days, both inclusive, at most 3,660): plants at its end,
 * in, out, net. in and out are sums of positive and of negative rows; rows by which counts open
 * and close periods are neither. Filters as above, without movement-only ones. */
DM_MUST_CHECK int analytics_daily(const struct inv_ctx *c, const struct analytics_ask *ask,
                                  const char *from, const char *to, struct dm_arena *a,
                                  struct sheet **ret, struct dm_err *e);

#endif

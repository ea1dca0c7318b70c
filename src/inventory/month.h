/* SPDX-License-Identifier: Apache-2.0
 *
 * The month report and the list of reconciliations (domain.md section 11.3).
 *
 * A movement belongs to the month of its day; what a count found (sales, losses, surplus) to the
 * accounting month of its reconciliation, so that a count on the first days of a month completes
 * the month before. Opening, in, out and closing of a month are sums over the movements that belong
 * to the months up to it: opening + in - out = closing for each line and in total, and the closing
 * of a month is the opening of the next. */
#ifndef INVENTORY_MONTH_H
#define INVENTORY_MONTH_H

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

struct month_ask {
    int year, month;                   /* 2020..2100, 1..12 */
    int64_t warehouse_id, location_id; /* 0 = all */
};

/* Figures of a line or of the whole. All positive, except counted and adjustments. */
struct month_sums {
    int64_t opening;
    int64_t
        counted; /* first counts of claros, and what counts and their edits moved between lines */
    int64_t planted, transfer_in, transfer_out, deaths, sales_logged, sales_calculated;
    int64_t losses, surplus, adjustments;
    int64_t closing;
};

struct month_line {
    int64_t product_id, packaging_id;                       /* packaging 0 = none */
    const char *product_sku, *product_name, *packaging_sku; /* packaging NULL = none */
    struct month_sums s;
};

struct month_flag {
    const char *name;
    int64_t n; /* reconciliations that carry it */
};

struct month_uncounted {
    int64_t id;
    const char *code;
    int64_t last_counted_at; /* 0 = never */
};

struct month_report {
    struct month_ask ask;
    int64_t start_ms, end_ms;
    const struct month_line *line; /* [n_line] by product and packaging SKU */
    size_t n_line;
    struct month_sums total;
    const struct month_flag *flag; /* [n_flag] by name */
    size_t n_flag;
    const struct month_uncounted *uncounted; /* claros in use without a count in the month */
    size_t n_uncounted;
    int64_t by_status[5]; /* reconciliations: draft, posted, accepted, disputed, void */
};

/* Needs ANALYTICS (the API asks for more). INV_VALIDATION: no such month; INV_NOT_FOUND. */
DM_MUST_CHECK int month_report(const struct inv_ctx *c, const struct month_ask *ask,
                               struct dm_arena *a, struct month_report *ret, struct dm_err *e);

/* Its lines as a table, flags and totals in the summary. */
DM_MUST_CHECK int month_sheet(const struct inv_ctx *c, const struct month_report *r,
                              struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* Net of a line: opening + in - out. Equal to closing always; the report checks it. */
int64_t month_balance(const struct month_sums *s);

/* Reconciliations, newest first. Zero, NULL: not filtered. */
struct recon_ask {
    const char *month;  /* "2026-01" */
    const char *status; /* "posted" */
    const char *flag;   /* "surplus" */
    int64_t location_id, warehouse_id;
    size_t page, per_page; /* page from 1; per_page 0 = 50 */
};
DM_MUST_CHECK int recon_list(const struct inv_ctx *c, const struct recon_ask *ask,
                             struct dm_arena *a, struct sheet **ret, int64_t *ret_total,
                             struct dm_err *e);

extern const struct store_query_table month_queries;
extern const struct store_query_table recon_queries;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Sales files of the client (domain.md section 11.4): what was sold by pot and kind, without
 * places. They are compared with what the books say, month by month or with the stock of today, and
 * never change stock: a sale that is missing is logged by a person. */
#ifndef INVENTORY_SALES_H
#define INVENTORY_SALES_H

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

enum {
    SALES_FILES_MAX = 10,
    SALES_ROWS_MAX = 100000,
    SALES_ERRORS_MAX = 1000,
    SALES_TOTALS_MAX = 1000,
};

struct sales_file {
    const char *name, *text;
    size_t n;
};

struct sales_ask {
    const struct sales_file *file;
    size_t n_file;     /* 1..10 */
    const char *month; /* "2026-01", compared with the books; NULL = kept for comparison only */
    bool dry_run;      /* read and report, write nothing */
};

struct sales_error {
    int file; /* from 1 */
    int64_t line;
    const char *column, *issue, *value; /* value: the cell as it came */
};

/* What the good rows of one product and pot, or of one sales code, add up to. */
struct sales_total {
    const char *product_sku, *packaging_sku; /* as written; of a sales code: the code and "" */
    int64_t quantity;
};

struct sales_result {
    char uuid[STORE_UUID_SIZE];
    int64_t id; /* 0 for a dry run */
    int64_t rows, bad, repeats;
    int64_t matched, mismatched, only_external, only_system;
    const struct sales_error *error; /* [n_error], at most SALES_ERRORS_MAX */
    size_t n_error;
    const struct sales_total *total; /* [n_total] in order of appearance, the first ones only */
    size_t n_total;
};

/* Columns: quantity_sold, and product_sku with packaging_sku or price_sku; sale_date, notes,
 * customer_name, invoice_number. Rows at fault are reported and kept as such, the others count.
 * INV_VALIDATION: a column is missing, more than half of a file's rows are at fault, no such month;
 * INV_DUPLICATE_CODE: a file with the same content was taken for a month before. Needs
 * SALES_IMPORT. */
DM_MUST_CHECK int sales_import(const struct inv_ctx *c, const struct sales_ask *ask,
                               struct dm_arena *a, struct sales_result *ret, struct dm_err *e);

/* A file that was kept without a month gets one and is compared. INV_NOT_FOUND;
 * INV_DUPLICATE_CODE: it has one, or its content has. */
DM_MUST_CHECK int sales_assign(const struct inv_ctx *c, const char *uuid, const char *month,
                               struct dm_arena *a, struct sales_result *ret, struct dm_err *e);

/* The import of a uuid: id, uuid, rows, bad. INV_NOT_FOUND. Needs ANALYTICS. */
DM_MUST_CHECK int sales_find(const struct inv_ctx *c, const char *uuid, struct sales_result *ret,
                             struct dm_err *e);

/* Lines of a month's comparison. INV_NOT_FOUND. */
DM_MUST_CHECK int sales_lines(const struct inv_ctx *c, int64_t import_id, struct dm_arena *a,
                              struct sheet **ret, struct dm_err *e);

/* What became of a difference: resolution open, investigating, resolved, accepted; cause one of
 * discrepancy_cause or NULL; note or NULL. */
DM_MUST_CHECK int sales_resolve(const struct inv_ctx *c, int64_t line_id, const char *resolution,
                                const char *cause, const char *note, struct dm_err *e);

/* Stock of today less what the file sold since the last count (domain.md 14.3): one row for each
 * line of the file, with status CRITICAL, LOW, MEDIUM or OK. */
DM_MUST_CHECK int sales_vs_stock(const struct inv_ctx *c, int64_t import_id, struct dm_arena *a,
                                 struct sheet **ret, struct dm_err *e);

/* max(plants, percent of the file's quantity), rounded down. */
int64_t sales_tolerance(const struct inv_settings *s, int64_t external);

/* match, mismatch, only_external, only_system. */
const char *sales_verdict(int64_t system, int64_t external, int64_t tolerance);

/* CRITICAL, LOW, MEDIUM, OK. */
const char *sales_status(int64_t stock, int64_t sold);

extern const struct store_query_table sales_queries;
extern const struct store_query_table sales_report_queries;

#endif

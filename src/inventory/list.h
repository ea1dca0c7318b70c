/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists and single rows as the API shows them: which members, from which tables, what they can be
 * filtered by - data, from which one builder makes the SQL. Only filters that are given become part
 * of the statement, so that each engine plans the question that was asked. Rows come out as JSON
 * objects with their members in the order of the columns. */
#ifndef INVENTORY_LIST_H
#define INVENTORY_LIST_H

#include <jansson.h>
#include <stddef.h>

#include "inventory/inventory.h"
#include "inventory/sheet.h"
#include "store/store.h"

enum list_show {
    LIST_AS_IS,
    LIST_MONEY,  /* i, centavos: a decimal number; null for those who may not see prices */
    LIST_CENTS,  /* i, centavos as they are; null for those who may not see prices */
    LIST_ROUND2, /* r, two decimals */
    LIST_ROUND4, /* r, four decimals: confidences */
    LIST_LON,    /* r, a GeoJSON Point of this name begins; null makes the member null */
    LIST_LAT,    /* r, right after LIST_LON: its second number */
};

struct list_column {
    const char *name; /* of the member; "changes.old" goes into an object "changes" */
    const char *sql;
    char type; /* letter of the store */
    enum list_show show;
};

/* A condition on one value, written "?" in sql as often as needed. Letter 'q' is a part of a text:
 * sql compares {lower:column} or LIST_FOLD(column) with LIKE ?, the value loses its upper case and
 * its accents and gets its "%". */
struct list_filter {
    const char *name; /* as callers say it */
    const char *sql;
    char type;
};

/* A text column in lower case, without the accents of Spanish. */
#define LIST_PLAIN_(x, from, to) "replace(" x ", '" from "', '" to "')"
#define LIST_SMALL_(x)                                                                             \
    LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(x, "á", "a"), "é", "e"), "í", "i"), "ó", "o")
#define LIST_LARGE_(x)                                                                             \
    LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(x, "Á", "a"), "É", "e"), "Í", "i"), "Ó", "o")
#define LIST_OTHER_(x)                                                                             \
    LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(LIST_PLAIN_(x, "ú", "u"), "ñ", "n"), "Ú", "u"), "Ñ", "n")
#define LIST_FOLD(column) LIST_OTHER_(LIST_LARGE_(LIST_SMALL_("{lower:" column "}")))

enum { LIST_FILTERS_MAX = 16, LIST_COLUMNS_MAX = 48, LIST_SQL_MAX = 32 << 10 };

struct list {
    const char *name;  /* "batches": in the names of its queries */
    const char *from;  /* tables, and what always holds: "stock_batches b JOIN ... WHERE b.x = 1" */
    const char *order; /* "b.id": total, so that pages do not overlap */
    enum inv_action action;
    const struct list_column *column; /* [n_column] */
    size_t n_column;
    const struct list_filter *filter; /* [n_filter] */
    size_t n_filter;
    bool has_where; /* from has a WHERE already */
};

/* Every list of this folder, for tests; NULL-ended. */
extern const struct list *const list_all[];

/* A filter that is set. */
struct list_value {
    const char *name;
    struct store_value v; /* of the filter's letter; t for q. Null: not given */
};

struct list_ask {
    const struct list_value *value; /* [n_value] */
    size_t n_value;
    int64_t skip, limit; /* limit 0: all */
    const char *sort; /* name of a column, "-" before it for descending; NULL: as the list has it.
                         INV_VALIDATION when there is no such column */
};

/* Rows and how many there are without skip and limit (ret_total NULL: not counted). An array, which
 * the caller frees. Needs the list's action. A value without a filter of its name is a bug. */
DM_MUST_CHECK int list_rows(const struct inv_ctx *c, const struct list *l,
                            const struct list_ask *ask, json_t **ret, int64_t *ret_total,
                            struct dm_err *e);
DM_MUST_CHECK int list_rows_in(struct store_tx *tx, const struct inv_ctx *c, const struct list *l,
                               const struct list_ask *ask, json_t **ret, int64_t *ret_total,
                               struct dm_err *e);

/* The one row whose filter `name` has the value. INV_NOT_FOUND. */
DM_MUST_CHECK int list_one(const struct inv_ctx *c, const struct list *l, const char *name,
                           struct store_value v, json_t **ret, struct dm_err *e);
DM_MUST_CHECK int list_one_in(struct store_tx *tx, const struct inv_ctx *c, const struct list *l,
                              const char *name, struct store_value v, json_t **ret,
                              struct dm_err *e);

enum {
    LIST_SHEET_MAX = 100000,      /* rows of a file that is made at once (api.md 20.1) */
    LIST_SHEET_BYTES = 128 << 20, /* of the file; a row of a batch has some 200 bytes */
};

/* The rows as a table for files: name "stock", title for people. Members as columns; money ones are
 * missing for those who may not see prices. Needs the list's action and EXPORT. DM_ELIMIT: more
 * rows than ask->limit, or LIST_SHEET_MAX when that is 0. */
DM_MUST_CHECK int list_sheet(const struct inv_ctx *c, const struct list *l,
                             const struct list_ask *ask, const char *name, const char *title,
                             struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* ---- the lists --------------------------------------------------------------------------- */

extern const struct list list_areas;   /* StorageArea */
extern const struct list list_audit;   /* audit trail */
extern const struct list list_batches; /* StockBatch */
extern const struct list list_empties; /* claros by their share of empty pots */
extern const struct list list_export_batches;
extern const struct list list_export_inventory;
extern const struct list list_export_movements;
extern const struct list list_movements;     /* StockMovement, newest first */
extern const struct list list_periods;       /* periods of claros, newest first */
extern const struct list list_recon_lines;   /* ReconLine */
extern const struct list list_recons;        /* Recon, newest first */
extern const struct list list_review;        /* counts that wait for a supervisor */
extern const struct list list_sales_errors;  /* rows at fault of sales files */
extern const struct list list_sales_imports; /* SalesImport, newest first */
extern const struct list list_sales_lines;   /* their comparison lines */
extern const struct list list_utilization;   /* how full naves are */

/* master data and what belongs to it */
extern const struct list list_bin_types;       /* BinType */
extern const struct list list_bins;            /* StorageBin */
extern const struct list list_calibrations;    /* of a density parameter, newest first */
extern const struct list list_categories;      /* ProductCategory */
extern const struct list list_category_counts; /* the same with family_count, product_count */
extern const struct list list_colors;          /* of packaging */
extern const struct list list_config_names;    /* LocationConfig with names */
extern const struct list list_config_states;   /* every claro with its configuration or nulls */
extern const struct list list_configs;         /* LocationConfig, newest first */
extern const struct list list_density;         /* DensityParameter */
extern const struct list list_families;        /* ProductFamily */
extern const struct list list_import_reports;  /* the same with the whole report */
extern const struct list list_imports;         /* files that were loaded, newest first */
extern const struct list list_locations;       /* StorageLocation */
extern const struct list list_materials;       /* of packaging */
extern const struct list list_packaging;       /* Packaging, not the hidden ones */
extern const struct list list_packaging_types;
extern const struct list list_price_changes; /* revisions of a price, newest first */
extern const struct list list_prices;        /* Price */
extern const struct list list_products;      /* Product */
extern const struct list list_samples;       /* Sample */
extern const struct list list_sizes;         /* Size */
extern const struct list list_states;        /* State */
extern const struct list list_warehouses;    /* Warehouse */

#endif

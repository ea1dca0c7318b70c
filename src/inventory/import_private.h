/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports within inventory/: one run, and what a format does for it. */
#ifndef INVENTORY_IMPORT_PRIVATE_H
#define INVENTORY_IMPORT_PRIVATE_H

#include "base/csv.h"
#include "inventory/import.h"
#include "inventory/master_private.h"

enum import_action { IMPORT_SKIP, IMPORT_CREATE, IMPORT_UPDATE };

struct import_run {
    const struct inv_ctx *c;
    const struct import_options *o;
    const char *text;
    size_t n;
    struct store_tx *tx;
    struct dm_arena *a; /* of the attempt */
    struct import_result *result;
    json_t *good, *bad; /* arrays of report rows */
    json_t *counts;     /* table -> rows written */
    json_t *changes;    /* array of {table, id, before, after}, in order */

    json_t *seen; /* stock: row -> how often it came */

    /* the row at work */
    enum import_action action;
    const char *code;    /* what the row is called by now, NULL unknown */
    const char *message; /* said although the row is good, NULL for nothing */
};

/* Read the whole text, calling import_row for each row. */
typedef int (*import_format)(struct import_run *r, struct dm_err *e);
int import_map(struct import_run *r, struct dm_err *e);
int import_price_list(struct import_run *r, struct dm_err *e);
int import_products(struct import_run *r, struct dm_err *e);
int import_table(struct import_run *r, struct dm_err *e); /* categories to claros */
int import_density(struct import_run *r, struct dm_err *e);
int import_stock(struct import_run *r, struct dm_err *e);

/* ---- tables: a header row, then a row a line ---- */

enum { IMPORT_COLUMNS_MAX = 16 };

struct import_line {
    const struct dm_csv_row *row;
    const int *at;
};
const char *import_cell(const struct import_line *l, size_t column); /* "" when it is empty */

/* Read the file by the run's delimiter, encoding and mapping: fn gets each row as a struct
 * import_line; key is the column that names a row in the report. */
struct import_sheet {
    const struct dm_csv_column *column;
    size_t n; /* at most IMPORT_COLUMNS_MAX */
    size_t key;
};
/* Do one row within a step that is undone when fn refuses it; then the row is listed and the run
 * goes on. Faults that are not the row's (memory, database) end the run. */
typedef int (*import_row_fn)(struct import_run *r, void *row, struct dm_err *e);
DM_MUST_CHECK int import_row(struct import_run *r, int64_t line, const char *key, import_row_fn fn,
                             void *row, struct dm_err *e);

DM_MUST_CHECK int import_sheet_read(struct import_run *r, const struct import_sheet *sheet,
                                    import_row_fn fn, struct dm_err *e);

/* The same in parts, for files that are not just a table: the text by the run's delimiter and
 * encoding (INV_VALIDATION: it cannot be read so), and a row of headers as the mapping calls them;
 * keys of the mapping are compared as headers are. Everything is in the run's arena. */
DM_MUST_CHECK int import_open(struct import_run *r, struct dm_csv *ret, struct dm_err *e);
DM_MUST_CHECK int import_headers(struct import_run *r, struct dm_csv_row *row, struct dm_err *e);

/* Number in a cell, comma or point before decimals. INV_VALIDATION {column}. */
DM_MUST_CHECK int import_number(const char *text, const char *column, double *ret,
                                struct dm_err *e);
DM_MUST_CHECK int import_integer(const char *text, const char *column, int64_t *ret,
                                 struct dm_err *e);

/* Row of master data by its code. INV_NOT_FOUND {field}. */
DM_MUST_CHECK int import_reference(struct import_run *r, enum master_kind kind, const char *text,
                                   const char *column, int64_t *ret, struct dm_err *e);

/* Category by code or name; family of it by name: 1, or 0 when there is none. */
DM_MUST_CHECK int import_category(struct import_run *r, const char *text, int64_t *ret,
                                  struct dm_err *e);
DM_MUST_CHECK int import_family(struct import_run *r, int64_t category, const char *name,
                                int64_t *ret, struct dm_err *e);

/* Keep a change for undo: old NULL when the row is new. Values are borrowed. */
DM_MUST_CHECK int import_keep(struct import_run *r, const char *table, int64_t id,
                              const json_t *old, const json_t *now, struct dm_err *e);

/* Undo of tables that are no master data. */
DM_MUST_CHECK int import_undo_density(struct store_tx *tx, const struct inv_ctx *c, int64_t id,
                                      const json_t *before, const json_t *after, struct dm_err *e);
DM_MUST_CHECK int import_undo_stock(struct store_tx *tx, const struct inv_ctx *c,
                                    const json_t *after, struct dm_err *e);

/* Remark on the row at work, which is good nevertheless. message lives as long as the run. */
void import_say(struct import_run *r, const char *message);

/* List a row that is left out and why. */
DM_MUST_CHECK int import_skip(struct import_run *r, int64_t line, const char *key,
                              const char *message, struct dm_err *e);

/* Write a row of master data: made when existing is NULL, changed when it differs from values and
 * the run updates. main: it is what the row of the file is about, and sets its action and code. */
DM_MUST_CHECK int import_put(struct import_run *r, enum master_kind kind, const json_t *existing,
                             const json_t *values, bool main, int64_t *ret_id, struct dm_err *e);

/* INV_VALIDATION {column, line...} for a file that cannot be read. */
int import_unreadable(const struct dm_err *why, struct dm_err *e);

#endif

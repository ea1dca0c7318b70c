/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports within inventory/: one run, and what a format does for it. */
#ifndef INVENTORY_IMPORT_PRIVATE_H
#define INVENTORY_IMPORT_PRIVATE_H

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

/* Do one row within a step that is undone when fn refuses it; then the row is listed and the run
 * goes on. Faults that are not the row's (memory, database) end the run. */
typedef int (*import_row_fn)(struct import_run *r, void *row, struct dm_err *e);
DM_MUST_CHECK int import_row(struct import_run *r, int64_t line, const char *key, import_row_fn fn,
                             void *row, struct dm_err *e);

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

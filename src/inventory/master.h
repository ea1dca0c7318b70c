/* SPDX-License-Identifier: Apache-2.0
 *
 * Master data: the rows that people keep by hand - naves, canteros, claros, containers, catalogue,
 * packaging, prices. All are kept the same way, so a kind is a table of its fields
 * (master_tables.c) and a few functions for what is particular to it; reading, checking, writing,
 * audit and the SQL of all kinds exist once (master.c).
 *
 * A row is a JSON object whose members are the columns of data-model.md sections 3 and 4, "id"
 * and the two times. Callers own the objects they get. Rules of each kind: domain.md sections 5
 * and 16. */
#ifndef INVENTORY_MASTER_H
#define INVENTORY_MASTER_H

#include "inventory/inventory.h"

enum master_kind {
    MASTER_WAREHOUSE,
    MASTER_AREA,
    MASTER_LOCATION,
    MASTER_BIN_TYPE,
    MASTER_BIN,
    MASTER_CATEGORY,
    MASTER_FAMILY,
    MASTER_PRODUCT,
    MASTER_STATE,
    MASTER_SIZE,
    MASTER_PACKAGING_TYPE,
    MASTER_PACKAGING_MATERIAL,
    MASTER_PACKAGING_COLOR,
    MASTER_PACKAGING,
    MASTER_PRICE,
    MASTER_SAMPLE,
    MASTER_MAX_
};

/* A row that was written or read. */
struct master_row {
    int64_t id;
    json_t *row;      /* as it is stored now */
    json_t *warnings; /* array of {"code", ...}; empty for none: sibling_overlap {"sibling",
                         "share"}, prices_affected {"count"} */
};
void master_row_clear(struct master_row *r); /* accepts a zeroed one */

/* Table of a kind ("warehouses") and its singular for messages ("warehouse"). */
const char *master_table(enum master_kind kind);
const char *master_noun(enum master_kind kind);

/* Create a row. Members that are absent or null take their default (code, SKU, name, volume, QR
 * as domain.md makes them); what is derived must not be given.
 * INV_VALIDATION {field}, INV_NOT_FOUND {resource, identifier} for a reference that does not exist
 * or is inactive, INV_DUPLICATE_CODE {field, value}, INV_INVALID_GEOMETRY {reason},
 * INV_GEOMETRY_OUT_OF_BOUNDS {child, parent}, INV_FORBIDDEN. */
DM_MUST_CHECK int master_create(const struct inv_ctx *c, enum master_kind kind,
                                const json_t *values, struct master_row *ret, struct dm_err *e);

/* Change the members that are given. Codes as master_create; INV_NOT_FOUND for the row itself;
 * INV_VALIDATION for a member that is fixed. A price keeps its old values as a revision. "active"
 * is changed by master_set_active, the status of a container here (INV_INVALID_TRANSITION,
 * INV_HAS_STOCK). */
DM_MUST_CHECK int master_change(const struct inv_ctx *c, enum master_kind kind, int64_t id,
                                const json_t *values, struct master_row *ret, struct dm_err *e);

/* Activate or deactivate. Naves, canteros and claros take what is below them along when they are
 * deactivated, and are activated alone, below an active parent only. INV_HAS_STOCK {plants} while
 * plants are in or below it; INV_VALIDATION for a kind without "active". */
DM_MUST_CHECK int master_set_active(const struct inv_ctx *c, enum master_kind kind, int64_t id,
                                    bool active, struct dm_err *e);

/* Remove a row that nothing refers to. INV_IN_USE {table: count...} otherwise: deactivate it. A
 * price is not removed but discontinued; places, containers: INV_VALIDATION, they are deactivated
 * or retired. */
DM_MUST_CHECK int master_remove(const struct inv_ctx *c, enum master_kind kind, int64_t id,
                                struct dm_err *e);

/* One row, active or not. INV_NOT_FOUND. Prices need SEE_PRICES, here and below. */
DM_MUST_CHECK int master_get(const struct inv_ctx *c, enum master_kind kind, int64_t id,
                             struct master_row *ret, struct dm_err *e);

/* The row whose code (SKU, name of a family within "product_category_id"...) is text, ignoring
 * case; claros also by QR code. INV_NOT_FOUND. */
DM_MUST_CHECK int master_find(const struct inv_ctx *c, enum master_kind kind, const char *text,
                              struct master_row *ret, struct dm_err *e);

struct master_list {
    const json_t *equal; /* object of column -> value that must be equal; NULL for none */
    const char *q;       /* part of a code or name, ignoring case; NULL for none */
    bool with_inactive;
    int64_t page, per_page; /* page from 1; 0 = 1 and 50; per_page at most 1,000 */
};

/* Rows in their natural order (as printed lists have it). *ret is an array, *ret_total (NULL
 * allowed) the number of rows on all pages. INV_VALIDATION: unknown column. */
DM_MUST_CHECK int master_all(const struct inv_ctx *c, enum master_kind kind,
                             const struct master_list *list, json_t **ret, int64_t *ret_total,
                             struct dm_err *e);

#endif

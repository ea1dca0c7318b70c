/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the density parameters. */
#ifndef INVENTORY_DENSITY_PRIV_H
#define INVENTORY_DENSITY_PRIV_H

#include "inventory/density.h"
#include "inventory/inventory.h"

/* The row of a key, locked; made with area_cm2 when it is missing. */
DM_MUST_CHECK int density_lock(struct store_tx *tx, const struct density_row *key, double area_cm2,
                               struct density *ret, bool *ret_created, struct dm_err *e);

/* One line of the history, and the row itself when applied. */
struct density_change {
    const struct density *before, *after; /* after only when applied */
    bool created, applied;
    int64_t session_id, user_id; /* 0 = none, automatic */
    int64_t sample_size;
    double sample_area_cm2; /* 0 = none */
    const char *reason;
    const char *notes; /* NULL = keep */
    bool unnoted;      /* no line of history: an import, which keeps what it changed */
};
DM_MUST_CHECK int density_write(struct store_tx *tx, const struct density_change *x,
                                struct dm_err *e);

/* Refuse what is out of range. INV_VALIDATION. */
DM_MUST_CHECK int density_check(const struct density_row *row, struct dm_err *e);

/* Remove a row that taught nothing and learned nothing yet. INV_IN_USE otherwise. */
DM_MUST_CHECK int density_take_back(struct store_tx *tx, int64_t id, struct dm_err *e);

extern const struct store_query_table density_learn_queries;

#endif

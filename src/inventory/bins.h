/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers: which kind is meant when nobody says, and one that the program makes (domain.md 5.3).
 * Rows are master data (inventory/master.h). */
#ifndef INVENTORY_BINS_H
#define INVENTORY_BINS_H

#include <stdbool.h>

#include "inventory/ledger.h"
#include "store/store.h"

/* What was said, else segment with a pot, plug for seed and germinating plants, seedling tray. */
enum ledger_category bins_category_infer(enum ledger_category said, bool has_packaging,
                                         const char *state_code);

/* A container that a photo or a movement needs, with the audit row of master_create: the usual
 * active type of its category, code after its claro's (with -2, -3 after those of retired ones).
 * The ordinal is free; the caller holds the claro's lock. INV_CONFIG_NOT_FOUND: no active type. */
DM_MUST_CHECK int bins_make(struct store_tx *tx, const struct inv_ctx *c, int64_t location_id,
                            enum ledger_category category, int32_t ordinal, int64_t *ret_id,
                            struct dm_err *e);

#endif

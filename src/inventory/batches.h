/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked about batches besides moving plants: the stock of a place, the stage of a batch,
 * its dates and quality (api.md section 17). Objects go out as JSON, which the caller frees. */
#ifndef INVENTORY_BATCHES_H
#define INVENTORY_BATCHES_H

#include <jansson.h>

#include "inventory/inventory.h"
#include "store/store.h"

/* Stock of a claro (bin_id 0) or of a bin (location_id 0): total_plants, total_batches,
 * total_empty_containers, batches, by_product, last_movement_at. Batches with plants only; empties
 * of all batches of the open period. INV_NOT_FOUND. */
DM_MUST_CHECK int batches_stock(const struct inv_ctx *c, int64_t location_id, int64_t bin_id,
                                json_t **ret, struct dm_err *e);

/* stage, health, age_days, quality_score of a batch:
 *   stage   ready: sellable state and expected_ready_date not ahead; mature: sellable before that,
 *           or past growing; seedling: SEED, GERMINATING, SEEDLING; growing: JUVENILE, PROPAGATING
 *   health  critical: DEAD or quality below 2; warning: DYING or quality below 3; else good
 *   age     since planting_date, else since the row was made
 * INV_NOT_FOUND. */
DM_MUST_CHECK int batches_lifecycle(const struct inv_ctx *c, int64_t batch_id, json_t **ret,
                                    struct dm_err *e);

/* stage, batches, plants: batches with plants made on days from..to (NULL: no bound). */
DM_MUST_CHECK int batches_stages(const struct inv_ctx *c, const char *from, const char *to,
                                 json_t **ret, struct dm_err *e);

/* Change product_state_id, product_size_id, quality_score, planting_date, germination_date,
 * transplant_date, expected_ready_date, notes, custom_attributes of a batch: members of change,
 * null clears where that is possible. One audit row. Needs CONFIGURE. INV_NOT_FOUND: batch, state
 * or size; INV_PERIOD_CLOSED: a batch of a closed period stays as it was (data-model.md 11: 17);
 * INV_VALIDATION: dates out of order, quality out of range, a null that cannot be. */
DM_MUST_CHECK int batches_edit(const struct inv_ctx *c, int64_t batch_id, const json_t *change,
                               struct dm_err *e);

/* What makes a batch: 0 for no size, no packaging. */
struct batches_key {
    int64_t location_id, bin_id, product_id, state_id, size_id, packaging_id;
};
/* Of a batch; session_id (0: none) must exist, too. INV_NOT_FOUND. */
DM_MUST_CHECK int batches_find(const struct inv_ctx *c, int64_t batch_id, int64_t session_id,
                               struct batches_key *ret, struct dm_err *e);
/* The claro of a bin. INV_NOT_FOUND. */
DM_MUST_CHECK int batches_bin(const struct inv_ctx *c, int64_t bin_id, int64_t *ret_location_id,
                              struct dm_err *e);

extern const struct store_query_table batches_queries;

#endif

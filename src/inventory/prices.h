/* SPDX-License-Identifier: Apache-2.0
 *
 * Prices (domain.md 16): whole centavos, net of VAT. Entries are master data (MASTER_PRICE); here
 * are the look-up and the bulk edit. */
#ifndef INVENTORY_PRICES_H
#define INVENTORY_PRICES_H

#include "inventory/inventory.h"

/* floor(cents x (100 - percent) / 100). */
int64_t prices_net(int64_t cents, int64_t discount_percent);

struct prices_entry {
    int64_t id;
    int64_t wholesale_cents, retail_cents; /* per pot, before discount; retail 0 = none */
    int64_t discount_percent;
    int64_t net_wholesale_cents, net_retail_cents; /* retail 0 = none */
};

/* The price of a product in a pot: its own entry, else its category's with an empty variant. An
 * entry that is discontinued does not count. packaging_id 0 = no pot: no price. 1 and *ret, or 0.
 */
DM_MUST_CHECK int prices_find(struct store_tx *tx, int64_t product_id, int64_t packaging_id,
                              struct dm_arena *a, struct prices_entry *ret, struct dm_err *e);

/* ---- bulk edit ------------------------------------------------------------------------------ */

enum prices_bulk_kind { PRICES_CHANGE, PRICES_AVAILABILITY, PRICES_DISCOUNT };

struct prices_bulk {
    enum prices_bulk_kind kind;
    /* filter; 0 and NULL: any. Discontinued entries are left out unless availability names them. */
    int64_t category_id, packaging_id, packaging_type_id;
    const char *availability;
    int64_t min_cents, max_cents; /* wholesale */
    /* what happens */
    int64_t basis_points;         /* CHANGE: -9,999..10,000, not 0 */
    int64_t step_cents;           /* CHANGE: 0 and 1 a centavo, 100, 1000, 5000, 10000 */
    const char *new_availability; /* AVAILABILITY */
    int64_t new_discount;         /* DISCOUNT: 0..100 */
};

#define PRICES_TOKEN_SIZE 37
struct prices_preview {
    char token[PRICES_TOKEN_SIZE]; /* for ten minutes, this person, filter and these row versions */
    int64_t count;
    double mean_change_cents; /* of the wholesale prices */
    json_t *items;            /* array: id, sku, before and after of what changes; caller frees */
};

/* What the operation would do. INV_EMPTY_FILTER_RESULT; INV_VALIDATION {field}: parameters, more
 * than 1,000 rows, a price that would not stay positive. Needs CATALOGUE_WRITE, as below. */
DM_MUST_CHECK int prices_preview(const struct inv_ctx *c, const struct prices_bulk *bulk,
                                 struct prices_preview *ret, struct dm_err *e);

/* Do what was previewed: one transaction, one audit row, a revision of each entry. confirm is
 * needed above 100 rows (INV_VALIDATION {confirm}). INV_STALE_PREVIEW: the token is of somebody
 * else or something else, too old, used, or a row has changed since. INV_RATE_LIMITED: ten in an
 * hour by this person. */
DM_MUST_CHECK int prices_execute(const struct inv_ctx *c, const struct prices_bulk *bulk,
                                 const char *token, bool confirm, int64_t *ret_count,
                                 struct dm_err *e);

#endif

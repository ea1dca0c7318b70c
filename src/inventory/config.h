/* SPDX-License-Identifier: Apache-2.0
 *
 * What is meant to stand in a claro (domain.md 6): one active configuration, and the ones before it
 * by date. */
#ifndef INVENTORY_CONFIG_H
#define INVENTORY_CONFIG_H

#include "inventory/inventory.h"

enum { CONFIG_MANY = 100, CONFIG_MOST = 2000 }; /* claros that need confirm; and are possible */

struct config_row {
    int64_t id, location_id;
    int64_t product_id, packaging_id, state_id; /* packaging 0: no pot */
    int32_t plants_per_container;
    double area_cm2;
    bool active;
    int64_t valid_from, valid_to; /* valid_to 0 while active */
    int64_t created_by_user_id;
    int64_t updated_at;
    const char *notes; /* NULL for none */
};

enum config_mode {
    CONFIG_UPDATE, /* correct the active row, or make the first one */
    CONFIG_CREATE, /* a new crop: close the active row, begin another */
};

struct config_save {
    const int64_t *location_id; /* [n], repeats count once */
    size_t n;
    enum config_mode mode;
    int64_t product_id, packaging_id, state_id; /* packaging 0: no pot */
    int32_t plants_per_container;               /* 0: 1 */
    double area_cm2;                            /* 0: that of the claro */
    const char *notes;                          /* NULL for none */
    bool leave_stock;                           /* CONFIG_UPDATE: do not touch active batches */
    bool confirm;                               /* needed above CONFIG_MANY */
};

struct config_saved {
    struct config_row row;
    bool open_stock_exists;  /* CONFIG_CREATE: plants of another crop remain */
    int64_t batches_changed; /* CONFIG_UPDATE */
    int64_t sessions;        /* that waited for a configuration and were looked at */
};

/* Save for all claros or none; ret[n] in the order asked for, one for each different claro,
 * *ret_n their number. Needs CONFIGURE. INV_NOT_FOUND: claro, product, packaging or state does not
 * exist or is inactive; INV_CONFIG_UNCHANGED {location_id}: CONFIG_CREATE with what is there;
 * INV_VALIDATION {field}. Counts that waited are posted afterwards, each on its own: when that
 * fails the configuration is saved all the same, and saving it again goes on. */
DM_MUST_CHECK int config_save(const struct inv_ctx *c, const struct config_save *save,
                              struct dm_arena *a, struct config_saved **ret, size_t *ret_n,
                              struct dm_err *e);

/* End the active configuration: nothing is meant to stand in the claro any more. *ret_id is its
 * row. Needs CONFIGURE. INV_CONFIG_NOT_FOUND. */
DM_MUST_CHECK int config_end(const struct inv_ctx *c, int64_t location_id, int64_t *ret_id,
                             struct dm_err *e);

/* Configuration of a claro that is valid at an instant (valid_from <= at < valid_to); at 0: the
 * active one. 1 and *ret in a, or 0. */
DM_MUST_CHECK int config_at(struct store_tx *tx, int64_t location_id, int64_t at,
                            struct dm_arena *a, struct config_row *ret, struct dm_err *e);

enum config_badge { CONFIG_NONE, CONFIG_STALE, CONFIG_NEW, CONFIG_OK };
extern const char *const config_badge_names[]; /* "none", "stale", "new", "ok", NULL */

/* Colour of the claro: red without, yellow unchanged for more than 90 days, blue changed less than
 * 7 days ago, green. row NULL: without. */
enum config_badge config_badge(const struct config_row *row, int64_t now_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A demo nursery: a believable year of a cactus nursery in an empty database, the same for the same
 * parameters. For trying the program, screenshots, tests and benchmarks. Rows are made in memory
 * and written in bulk, and pass all 25 invariants.
 *
 * What is simplified: photographs are pictures of 4 x 3 pixels; plants in them are estimates,
 * except in the last photo of one claro in twenty (or of all, see detections). Nobody can sign in:
 * the people have no password until `demeter user passwd` gives them one. */
#ifndef INVENTORY_SEED_H
#define INVENTORY_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/zone.h"
#include "store/store.h"

struct seed_params {
    int64_t plants;   /* in stock at the end, exactly; at least 10 a claro */
    uint64_t seed;    /* everything follows from it */
    int32_t claros;   /* 0 = 1,290, as in the real nursery; its naves and canteros follow */
    int32_t months;   /* of history, 0 = 12 */
    int64_t until_ms; /* the present of the demo */
    bool detections;  /* every plant of the last photos as a row, 600,000 of them */
    const struct dm_zone *zone;
};

struct seed_result {
    int64_t claros, plants, periods, batches, movements, sessions, detections;
};

/* DM_ECONFLICT: there is a nursery already; DM_EBADINPUT: parameters. One transaction. */
DM_MUST_CHECK int seed_demo(struct store *s, const struct seed_params *p, struct seed_result *ret,
                            struct dm_err *e);

extern const struct store_query_table seed_queries;

#endif

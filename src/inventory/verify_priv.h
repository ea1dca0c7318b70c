/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the verifier. */
#ifndef INVENTORY_VERIFY_PRIV_H
#define INVENTORY_VERIFY_PRIV_H

#include "inventory/verify.h"

struct verify_run {
    struct store_tx *tx;
    struct dm_arena *a;
    struct verify_report *report;
    size_t capacity; /* of report->list */
    int64_t listed;  /* violations of the check at hand */
};

/* Note one violation; its detail is copied. */
DM_MUST_CHECK int verify_found(struct verify_run *r, const struct verify_violation *v,
                               struct dm_err *e);

/* Note every row (id, detail) of a query. */
DM_MUST_CHECK int verify_query(struct verify_run *r, int invariant, const char *check,
                               const char *entity, const struct store_query *q, struct dm_err *e);

/* Geometry, hashes of files in the database, columns of the schema. */
DM_MUST_CHECK int verify_deep(struct verify_run *r, int only, struct dm_err *e);

extern const struct store_query_table verify_deep_queries;

#endif

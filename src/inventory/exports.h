/* SPDX-License-Identifier: Apache-2.0
 *
 * Large files (api.md R38, 20.2): a job writes the report into the place for objects, where it
 * lies for retention_exports_hours. */
#ifndef INVENTORY_EXPORTS_H
#define INVENTORY_EXPORTS_H

#include "blob/blob.h"
#include "inventory/list.h"
#include "queue/queue.h"

enum { EXPORTS_ROWS_MAX = 1000000, EXPORTS_BYTES_MAX = 512 << 20 };

struct export_ask {
    const char *report;               /* inventory, movements, batches */
    const char *format;               /* csv, json, xlsx */
    int64_t warehouse_id, product_id; /* 0: all */
    const char *from, *to;            /* days, both included; NULL: no bound */
};

/* Rows of a report as a table, at most max of them. Needs EXPORT. INV_VALIDATION: no such report or
 * day; DM_ELIMIT. */
DM_MUST_CHECK int exports_sheet(const struct inv_ctx *c, const struct export_ask *ask, int64_t max,
                                struct dm_arena *a, struct sheet **ret, struct dm_err *e);

/* Add the job; its uuid. Needs EXPORT. INV_VALIDATION. */
DM_MUST_CHECK int exports_start(const struct inv_ctx *c, const struct export_ask *ask,
                                char ret[static STORE_UUID_SIZE], struct dm_err *e);

/* What the job does: the file is made and stored; then exports_note in the transaction that ends
 * the job. */
struct export_made {
    char key[64];
    const char *report, *format, *filter; /* of the payload, in the arena */
    int64_t rows, bytes;
};
DM_MUST_CHECK int exports_make(const struct inv_ctx *c, struct blob *place,
                               const struct queue_job *j, struct dm_arena *a,
                               struct export_made *ret, struct dm_err *e);
DM_MUST_CHECK int exports_note(struct store_tx *tx, const struct inv_ctx *c,
                               const struct queue_job *j, const struct blob *place,
                               const struct export_made *m, struct dm_err *e);

/* Rows as DataExport, newest first: own ones, all for an administrator. Filters: job_id, user_id.
 */
extern const struct list list_exports;

/* One export, and where its file lies. INV_NOT_FOUND: unknown, of somebody else, or over;
 * INV_INVALID_TRANSITION: not there yet. In a. */
struct export_file {
    const char *key, *report, *format;
};
DM_MUST_CHECK int exports_file(const struct inv_ctx *c, const char *uuid, struct dm_arena *a,
                               struct export_file *ret, struct dm_err *e);

extern const struct store_query_table exports_queries;

#endif

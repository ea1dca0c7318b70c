/* SPDX-License-Identifier: Apache-2.0
 *
 * How a call of the ledger runs: one transaction, repeated requests answered from what is kept,
 * passing conflicts tried again. Private to the ledger. */
#ifndef INVENTORY_LEDGER_RUN_H
#define INVENTORY_LEDGER_RUN_H

#include "base/buf.h"
#include "inventory/book.h"

/* Texts that tell requests apart: all lines of a manual count of 2,000 batches. */
#define LEDGER_CONTENT_BYTES ((size_t)1 << 20)

/* What a workflow reports; rows are those it added, the asked one first. */
struct ledger_report {
    struct book *book; /* location_total is of this one */
    struct book_row **row;
    size_t n_row;
    struct book_batch *batch;   /* batch_id, bin_id, batch_code */
    struct book_batch *empties; /* NULL = batch */
    uint32_t warnings;
};

/* The work of one attempt: change the books and fill the report; the runner writes them. */
typedef int (*ledger_work_fn)(struct work *w, const void *in, struct ledger_report *report,
                              struct dm_err *e);

/* content: text that tells one request from another. ret and a may be NULL for calls without rows.
 */
DM_MUST_CHECK int ledger_run(const struct inv_ctx *c, const char *uuid,
                             const struct dm_buf *content, ledger_work_fn fn, const void *in,
                             struct dm_arena *a, struct ledger_result *ret, struct dm_err *e);

/* The same within the caller's transaction, without trying again (imports). */
DM_MUST_CHECK int ledger_run_in(struct store_tx *tx, const struct inv_ctx *c, const char *uuid,
                                const struct dm_buf *content, ledger_work_fn fn, const void *in,
                                struct dm_arena *a, struct ledger_result *ret, struct dm_err *e);
DM_MUST_CHECK int ledger_manual_in(struct store_tx *tx, const struct inv_ctx *c,
                                   const struct ledger_manual *m, struct dm_arena *a,
                                   struct ledger_result *ret, struct dm_err *e);
DM_MUST_CHECK int ledger_reverse_in(struct store_tx *tx, const struct inv_ctx *c,
                                    const struct ledger_reverse *r, struct dm_arena *a,
                                    struct ledger_result *ret, struct dm_err *e);

/* Add a row to the report. */
DM_MUST_CHECK int ledger_report_row(struct work *w, struct ledger_report *r, struct book_row *row,
                                    struct dm_err *e);

/* ---- checks of what callers pass ---- */

DM_MUST_CHECK int ledger_check_uuid(const char *uuid, struct dm_err *e);
/* At least five characters; NULL fails. */
DM_MUST_CHECK int ledger_check_reason(const char *reason, struct dm_err *e);
/* NULL, or a day not after today. */
DM_MUST_CHECK int ledger_check_day(const struct inv_ctx *c, const char *day, struct dm_err *e);
/* Not in the future (60 s of skew). */
DM_MUST_CHECK int ledger_check_time(const struct inv_ctx *c, int64_t at, struct dm_err *e);
/* These rows of the catalogue exist (<= 0: not asked). INV_NOT_FOUND. */
DM_MUST_CHECK int ledger_check_catalogue(struct work *w, int64_t product_id, int64_t packaging_id,
                                         int64_t size_id, int64_t state_id, struct dm_err *e);

/* Container for plants without one (domain.md 5.3). */
enum ledger_category ledger_infer_category(const struct work *w, int64_t packaging_id,
                                           int64_t state_id);

/* Whether the configuration of the claro takes the key. */
struct ledger_fit {
    bool product, packaging; /* what is compared */
    bool allowed;            /* a supervisor lets it differ: only a warning */
};
DM_MUST_CHECK int ledger_check_fit(struct work *w, const struct book *b, const struct book_key *k,
                                   const struct ledger_fit *f, uint32_t *warnings,
                                   struct dm_err *e);

#endif

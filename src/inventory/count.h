/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts on the books in memory: what a photo can tell, comparison with what was expected, posting
 * (domain.md 11.1), recount (12.2) and undo (12.3). Private to the ledger. */
#ifndef INVENTORY_COUNT_H
#define INVENTORY_COUNT_H

#include "inventory/book.h"

/* What was seen in one container: of one size, or without. */
struct count_seen {
    struct book_bin *bin;
    int64_t size_id;
    int64_t quantity, empties;
    double quality; /* 0-5, negative = none */
    int64_t segment_id;
};

/* Plants of one key. */
struct count_entry {
    struct book_key key;
    int32_t plants_per_container;
    int64_t quantity, empties;
    double quality;
    const char *planting;     /* "" = taken over from the batch before */
    int64_t segment_id;       /* of photos: whose detections its opening row stands for */
    struct book_batch *batch; /* set by posting: the batch that stands for it */
    struct book_row *row;     /* and its row */
};

struct count {
    int64_t at;
    bool photo;
    int64_t session_id, user_id;
    const char *reason; /* of opening rows, NULL = none */
    struct book_config config;
    struct count_entry *entry;
    size_t n_entry;
    uint32_t flags; /* BOOK_MIXED */
};

/* Entries of a photo (domain.md 7.3): product, pot and state from the configuration; a claro of
 * several kinds deals what was seen to them in proportion to `reference` ([n_batch] of the open
 * period, NULL without one). */
DM_MUST_CHECK int count_of_photo(struct work *w, struct book *b, const int64_t *reference,
                                 const struct count_seen *seen, size_t n, struct count *c,
                                 struct dm_err *e);

/* Add an entry, or to the one with its key. */
DM_MUST_CHECK int count_put(struct work *w, struct count *c, const struct count_entry *x,
                            struct dm_err *e);

/* Balances of the open period's batches at an instant, in the arena; NULL without a period. */
DM_MUST_CHECK int count_balances(struct work *w, const struct book *b, int64_t at, int64_t **ret,
                                 struct dm_err *e);

/* Whether the open period has no movement that counts: what an undone first count leaves. */
bool count_blank(const struct book *b);

/* Lines of the comparison, sorted. Changes nothing. */
DM_MUST_CHECK int count_compare(struct work *w, struct book *b, const struct count *c,
                                struct book_recon *ret, struct dm_err *e);
int count_line_order(const struct book_line *a, const struct book_line *b);
/* Sales, loss and surplus of a line from expected and observed. */
void count_settle(struct book_line *l);

/* Close the open period with the count and open the next (or open the first). ret: the
 * reconciliation, id 0 for a first baseline. INV_NEGATIVE_STOCK when later movements do not fit. */
DM_MUST_CHECK int count_post(struct work *w, struct book *b, struct count *c,
                             struct book_recon *ret, struct dm_err *e);

/* Correct the opening count of the open period. reference: what the count is held against (balances
 * at its time, or the opening for edits and reprocessing). type: FOTO or AJUSTE. */
DM_MUST_CHECK int count_recount(struct work *w, struct book *b, struct count *c,
                                const int64_t *reference, enum ledger_type type,
                                int64_t *ret_reconciliation, struct dm_err *e);
/* Opening of each batch of the open period. */
DM_MUST_CHECK int count_openings(struct work *w, const struct book *b, int64_t **ret,
                                 struct dm_err *e);
/* Whether the row belongs to the opening of its period. */
bool count_is_opening(const struct book_row *r);

/* Take the opening count of the open period back. INV_LATER_MOVEMENTS, INV_INVALID_TRANSITION. */
DM_MUST_CHECK int count_undo(struct work *w, struct book *b, const char *reason, struct dm_err *e);

/* Line of (product, packaging, sellable) in the list, added when missing. */
DM_MUST_CHECK int count_line(struct work *w, struct book_recon *r, int64_t product_id,
                             int64_t packaging_id, bool sellable, struct book_line **ret,
                             struct dm_err *e);
/* Rows that bring a period's batches of a line to what the count found: from what batches hold. */
bool count_on_line(const struct work *w, const struct book_line *l, const struct book_key *k);

#endif

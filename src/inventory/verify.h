/* SPDX-License-Identifier: Apache-2.0
 *
 * The 25 invariants of the books (data-model.md section 11), each looked at from one or several
 * sides (verify.def). Reads only, never repairs. Runs on demand, nightly and in every random test;
 * with 600,000 plants and a year of history it looks at some 100,000 rows. */
#ifndef INVENTORY_VERIFY_H
#define INVENTORY_VERIFY_H

#include "base/arena.h"
#include "base/error.h"
#include "store/store.h"

enum {
    VERIFY_INVARIANTS = 25,
    VERIFY_LIST_MAX = 200, /* violations listed for one check; the others are only counted */
};

/* One row at fault. Texts are in the arena of verify_books. */
struct verify_violation {
    int invariant;      /* 1..25 */
    const char *check;  /* which side of it: "batch_sum" */
    const char *entity; /* table of the row at fault */
    int64_t id;         /* its id, 0 when no single row is to blame */
    const char *detail; /* what was found, one line */
};

struct verify_report {
    struct verify_violation *list; /* [n], by invariant and check */
    size_t n;
    int64_t total;                               /* with those beyond VERIFY_LIST_MAX */
    int64_t by_invariant[VERIFY_INVARIANTS + 1]; /* [0] is unused */
    int held;                                    /* invariants without a violation, of 25 */
};

/* Look at the books as the transaction sees them. only = 0 looks at all invariants, else at that
 * one. A violation is not an error. Codes of the store; DM_ENOMEM. */
DM_MUST_CHECK int verify_books(struct store_tx *tx, int only, struct dm_arena *a,
                               struct verify_report *ret, struct dm_err *e);

/* What an invariant says, one line, as data-model.md has it; number 1..25. */
const char *verify_title(int number);

extern const struct store_query_table verify_queries;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A naive second set of books, written from domain.md 8-12 alone: plain arrays, no SQL, every
 * figure summed up anew from the rows each time it is asked for; undo puts back a copy taken before
 * the count. What it answers must be what the ledger answers. */
#ifndef TESTS_SUPPORT_LEDGER_ORACLE_H
#define TESTS_SUPPORT_LEDGER_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "inventory/ledger.h"

#define ORACLE_STATES 64

/* What the oracle must know of the catalogue and the settings. */
struct oracle_facts {
    bool sellable[ORACLE_STATES]; /* by product_states.id */
    int64_t seed, germinating, seedling;
    int64_t zone_ms; /* east of Greenwich, fixed */
    int64_t retake_ms;
    int64_t surplus_plants, shortage_plants;
    double surplus_fraction, shortage_fraction;
    int grace_days;
};

struct oracle;

struct oracle *oracle_new(const struct oracle_facts *f);
void oracle_free(struct oracle *o);

/* A claro and its configuration (id 0: none; an id known already changes in place). */
struct oracle_config {
    int64_t id, product, pack, state;
    int ppc;
};
void oracle_add_claro(struct oracle *o, int64_t location);
void oracle_configure(struct oracle *o, int64_t location, const struct oracle_config *cfg);
/* The codes that the ledger must answer for the same call; 0 when it must succeed. Batches are
 * named by their code here ("" = by key). */
int oracle_move(struct oracle *o, const struct ledger_move *m, const char *batch_code,
                bool supervisor, int64_t now);
int oracle_reverse(struct oracle *o, const char *uuid, const char *movement_uuid);

struct oracle_entry {
    int category, ordinal;
    int64_t product, state, size, pack; /* manual counts only, but for size */
    int ppc;
    int64_t quantity;
};

/* A processed photo shows a container, whether its count is posted or not. */
void oracle_see_bin(struct oracle *o, int64_t location, int category, int ordinal);

struct oracle_count {
    int64_t location, at;
    bool photo;
    int64_t session; /* photo */
    bool reprocess;  /* of the count that opened the period */
    bool edit;       /* the same session with other numbers */
    bool release;
    const struct oracle_entry *entry;
    size_t n;
};
/* 0 posted, 1 held, or the code. */
int oracle_count(struct oracle *o, const struct oracle_count *c);
int oracle_manual_initial(struct oracle *o, int64_t location, int64_t at,
                          const struct oracle_entry *line);
int oracle_undo(struct oracle *o, int64_t location);
void oracle_validate(struct oracle *o, int64_t location, bool validated);
int oracle_reclassify(struct oracle *o, int64_t location, int64_t product, int64_t pack,
                      bool nursery, enum ledger_type from, enum ledger_type to, int64_t q);

/* ---- looking inside ---- */

/* Open period, its batches and the reconciliation that began it, as text in a fixed order. */
void oracle_print(const struct oracle *o, int64_t location, struct dm_buf *out);
int64_t oracle_total(const struct oracle *o, int64_t location);
/* The i-th batch of the open period, wrapping around; false when there is none. */
bool oracle_batch_at(const struct oracle *o, int64_t location, size_t i,
                     char ret_code[LEDGER_CODE_SIZE], int64_t *ret_quantity);
/* Plants per bin at an instant in the open period, for who invents a believable count. */
int64_t oracle_bin_at(const struct oracle *o, int64_t location, int category, int ordinal,
                      int64_t at);
/* The container that a movement naming only a category would use. */
int oracle_newest_ordinal(const struct oracle *o, int64_t location, int category);
/* Kind, opening and session of the open period; seq 0 when there is none. */
struct oracle_period_view {
    int seq, kind; /* enum ledger_type FOTO, MANUAL_INIT; 0 = implicit */
    int64_t opened_at, session;
    bool validated;
};
struct oracle_period_view oracle_period(const struct oracle *o, int64_t location);

/* Deep copies of a few claros, to try what would have happened in another order. */
struct oracle_copy;
struct oracle_copy *oracle_save(const struct oracle *o, const int64_t *location, size_t n);
void oracle_restore(struct oracle *o, const struct oracle_copy *copy);
void oracle_copy_free(struct oracle_copy *copy);

/* Plants a fault: from now on a calculated sale forgets one plant. Proves that tests can fail. */
void oracle_plant_fault(struct oracle *o);

#endif

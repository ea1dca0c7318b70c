/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of one claro in memory: read under its lock, changed by plain C, written back at the
 * end of the transaction. The open period is small (tens of batches, hundreds of rows between two
 * counts), so every rule sees all of it and no rule needs SQL. Private to the ledger.
 *
 * Memory: everything lives in the arena of struct work, one attempt of one transaction. */
#ifndef INVENTORY_BOOK_H
#define INVENTORY_BOOK_H

#include "inventory/inventory.h"
#include "inventory/ledger.h"
#include "store/store.h"

enum book_role { BOOK_REGULAR, BOOK_OPENING, BOOK_CLOSING, BOOK_CARRY, BOOK_CORRECTION };

struct book_state { /* a row of product_states */
    int64_t id;
    const char *code;
    bool sellable;
};

struct book_bin {
    int64_t id; /* 0 until written */
    enum ledger_category category;
    int32_t ordinal;
    int64_t capacity; /* 0 = unknown */
    bool active, retired;
};

struct book_key {
    struct book_bin *bin;
    int64_t product_id, state_id, size_id, packaging_id; /* 0 = none */
};

struct book_batch {
    int64_t id; /* 0 until written */
    struct book_period *period;
    char code[LEDGER_CODE_SIZE]; /* "" until written */
    int64_t location_id;         /* of its code, of fresh batches; likewise the day */
    char code_day[LEDGER_DATE_SIZE];
    struct book_key key;
    int32_t plants_per_container;
    int64_t initial, current, empties;
    double quality;                                                 /* 0-5, negative = none */
    char planting[LEDGER_DATE_SIZE], germination[LEDGER_DATE_SIZE]; /* "" = unknown */
    char transplant[LEDGER_DATE_SIZE], ready[LEDGER_DATE_SIZE];
    struct book_batch *parent, *previous; /* of fresh batches */
    bool changed;
};

struct book_recon;

struct book_row {
    int64_t id;                                           /* 0 until written */
    char uuid[LEDGER_UUID_SIZE], group[LEDGER_UUID_SIZE]; /* group "" = none */
    struct book_batch *batch;
    enum ledger_type type;
    enum book_role role;
    bool automatic; /* source_type ia */
    int64_t quantity;
    int64_t source_bin_id, destination_bin_id; /* of stored rows, and of transplante */
    struct book_bin *source_bin, *destination_bin;
    int64_t reverses_id;
    bool reversed;
    int64_t session_id;
    int64_t reconciliation_id;                   /* of stored rows */
    struct book_recon *reconciliation;           /* of fresh rows */
    int64_t unit_price_cents, total_price_cents; /* negative = none */
    int64_t user_id;
    const char *reason;
    int64_t at, created_at;
};

struct book_period {
    int64_t id; /* 0 until written */
    int32_t seq;
    bool open;
    enum ledger_type kind; /* FOTO, MANUAL_INIT; LEDGER_TYPE_MAX_ = implicit */
    int64_t opened_at, opening_session_id, opening_count, config_id;
    bool validated; /* its opening session is */
    int64_t closed_at, closing_session_id, closing_count;
    enum ledger_type closed_kind;
    struct book_batch **batch;
    size_t n_batch;
    struct book_row **row; /* by id; fresh ones at the end */
    size_t n_row, n_stored;
    bool changed;
};

struct book_line {
    int64_t product_id, packaging_id;
    bool sellable;
    int64_t opening, planted, in, out, deaths, logged, adjustments; /* signed: adjustments only */
    int64_t expected, observed, sales, loss, surplus;
    int64_t price_cents; /* negative = none */
};

enum book_flag {
    BOOK_MIXED = 1 << 0,
    BOOK_SURPLUS = 1 << 1,
    BOOK_LOSS = 1 << 2,
    BOOK_CROP = 1 << 3,
    BOOK_BASELINE = 1 << 4,
};

enum book_recon_status { BOOK_DRAFT, BOOK_POSTED };

struct book_recon {
    int64_t id; /* 0 until written */
    int64_t replaces_id;
    struct book_period *period; /* being closed */
    int64_t session_id, counted_at;
    enum book_recon_status status;
    uint32_t flags;
    struct book_line *line;
    size_t n_line;
};

struct book_config {
    int64_t id; /* 0 = none */
    int64_t product_id, packaging_id, state_id;
    int32_t plants_per_container;
};

struct book {
    int64_t location_id;
    const char *code;
    bool active;
    int64_t latest_session_id;
    bool latest_changed;
    double area_m2;
    struct book_config config;
    int32_t last_seq;
    struct book_bin **bin; /* by id; fresh ones at the end */
    size_t n_bin;
    struct book_period *open;     /* NULL = none */
    struct book_period *previous; /* loaded by book_load_previous, or what a count has closed */
    struct book_period *dropped;  /* an undone period, deleted on writing */
};

/* What a product and its pot were asked for already. */
struct book_known {
    int64_t product_id, packaging_id;
    int64_t value; /* cents, negative = none; days to grow, 0 = unknown */
};

struct session_results;

/* One attempt of one transaction. */
struct work {
    const struct inv_ctx *c;
    struct store_tx *tx;
    struct dm_arena arena;
    struct book_state *state;
    size_t n_state;
    struct book **book; /* locked claros, by id */
    size_t n_book;
    struct book_known price, growth; /* the last one asked for: a claro mostly holds one product */
    /* A session whose detections are written after its count, with their links: */
    const struct session_results *results; /* NULL = they are in the database already */
    const int64_t *segment_id;             /* [results->n_segment] */
    int64_t *segment_movement_id;          /* likewise; 0 = not posted */
};

/* ---- reading and writing ---- */

/* Lock the claros (0 and repeats allowed) in id order and read them. INV_NOT_FOUND: no such claro,
 * or inactive. */
DM_MUST_CHECK int book_lock(struct work *w, const int64_t *location_id, size_t n, struct dm_err *e);
struct book *book_of(const struct work *w, int64_t location_id);

/* The period before the open one, with its rows. */
DM_MUST_CHECK int book_load_previous(struct work *w, struct book *b, struct dm_err *e);
/* A closed period by id into b->previous. */
DM_MUST_CHECK int book_load_period(struct work *w, struct book *b, int64_t period_id,
                                   struct dm_err *e);

/* Write everything that is fresh or changed. */
DM_MUST_CHECK int book_write(struct work *w, struct dm_err *e);
/* A reconciliation with its lines; what its rows point to is written, too. Voids the period's
 * earlier one. */
DM_MUST_CHECK int book_write_recon(struct work *w, struct book *b, struct book_recon *r,
                                   struct dm_err *e);
DM_MUST_CHECK int book_void_recon(struct work *w, const struct book_period *p, struct dm_err *e);

/* ---- figures ---- */

bool book_tray(enum ledger_category c);
const struct book_state *book_state(const struct work *w, int64_t id);
const struct book_state *book_state_named(const struct work *w, const char *code);
bool book_sellable(const struct work *w, const struct book_key *k);
bool book_key_same(const struct book_key *a, const struct book_key *b);
bool book_live(const struct book_row *r);

/* Plants of the batch at an instant, rows at that instant included. */
int64_t book_balance(const struct book_batch *b, int64_t at);
/* What can leave the batch at an instant so that no later balance goes below zero. */
DM_MUST_CHECK int book_available(struct work *w, const struct book_batch *b, int64_t at,
                                 int64_t *ret, struct dm_err *e);
int64_t book_total(const struct book *b);
/* Pots that q plants stand in. */
int64_t book_pots(const struct book_batch *b, int64_t plants);

/* ---- changing ---- */

DM_MUST_CHECK int book_add_row(struct work *w, struct book_batch *b, enum ledger_type type,
                               enum book_role role, int64_t quantity, int64_t at,
                               struct book_row **ret, struct dm_err *e);
DM_MUST_CHECK int book_add_batch(struct work *w, struct book *book, struct book_period *p,
                                 const struct book_key *key, int32_t plants_per_container,
                                 int64_t at, struct book_batch **ret, struct dm_err *e);
DM_MUST_CHECK int book_open_period(struct work *w, struct book *b, enum ledger_type kind,
                                   int64_t at, struct dm_err *e);
/* The bin of an ordinal, or (0) the newest active one; made when there is none. */
DM_MUST_CHECK int book_bin(struct work *w, struct book *b, enum ledger_category category,
                           int32_t ordinal, struct book_bin **ret, struct dm_err *e);
struct book_bin *book_find_bin(const struct book *b, int64_t bin_id);
/* The bin of an ordinal, active or under maintenance; NULL when there is none. */
struct book_bin *book_kept_bin(const struct book *b, enum ledger_category category,
                               int32_t ordinal);
/* Newest active bin of the category, NULL when there is none. */
struct book_bin *book_newest_bin(const struct book *b, enum ledger_category category);
/* The newest batch of the key with plants, planted in the same month, else a new one. */
DM_MUST_CHECK int book_join(struct work *w, struct book *book, const struct book_key *key,
                            int32_t plants_per_container, const char *planting, int64_t at,
                            struct book_batch **ret, struct dm_err *e);
/* A row that takes r back: same type and time, opposite quantity. */
DM_MUST_CHECK int book_reverse(struct work *w, struct book_row *r, enum book_role role,
                               struct book_row **ret, struct dm_err *e);

/* Day of the nursery. */
void book_day(const struct work *w, int64_t at, char ret[static LEDGER_DATE_SIZE]);
/* Set planting and what follows from it (expected_ready). */
DM_MUST_CHECK int book_set_planting(struct work *w, struct book_batch *b, const char *planting,
                                    struct dm_err *e);

/* Net wholesale price of a plant in cents, negative when the list has none. */
DM_MUST_CHECK int book_price(struct work *w, int64_t product_id, int64_t packaging_id,
                             int64_t *ret_cents, struct dm_err *e);

/* Put p into *array (grown in the arena), for arrays of pointers. */
DM_MUST_CHECK int book_push(struct work *w, void ***array, size_t *n, void *p, struct dm_err *e);

/* Memory of the attempt; DM_ENOMEM. */
DM_MUST_CHECK int book_alloc(struct work *w, size_t n, size_t size, void **ret, struct dm_err *e);

#endif

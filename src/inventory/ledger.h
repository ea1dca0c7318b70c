/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of the nursery: movements, batches, periods, counts and their corrections (domain.md
 * sections 7.2-7.4 and 8-12). Photo sessions: inventory/session.h.
 *
 * Each call is one transaction, tried again when it meets another one (SQLite: one writer;
 * PostgreSQL: claros locked in id order). A call that fails has changed nothing. Calls with a uuid
 * are idempotent: the same uuid and content again gives the first result with `repeated` set, other
 * content INV_IDEMPOTENCY_CONFLICT. Every call may also return the store's errors.
 *
 * Ids: 0 means "not said" in what callers pass, LEDGER_NONE means "none" (no pot, no size); results
 * use 0 for none. Times are UTC milliseconds, days are "YYYY-MM-DD" of the nursery.
 *
 * How rows are to be read, for reports and checks:
 *   live          neither reversed nor reversing; dead pairs have the same batch and time
 *   role opening, closing    the two sides of a count, types foto and manual_init
 *   role regular  what people logged, and (with reconciliation_id) what a count found: ventas =
 *                 calculated sale, ajuste < 0 = loss, ajuste > 0 = surplus
 *   role carry    a movement dated after the count, reversed on the old batch (reverses_movement_id
 *                 set) and repeated on the new one; both keep its time and group
 *   role correction   with reconciliation_id: recomputed sales, losses, surplus, and
 *                 reclassification; without: correction of an opening (occurred_at = opened_at of
 *                 the period) or of a closing (= closed_at); reverses_movement_id set: undo
 * opening_count = opening rows + corrections at opened_at without reconciliation_id. Totals of a
 * reconciliation = sums of the rows that carry its id or that of one it replaces (replaces_id):
 * sales = -ventas, loss - surplus = -(muerte + ajuste). */
#ifndef INVENTORY_LEDGER_H
#define INVENTORY_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct inv_ctx;

#define LEDGER_NONE      (-1)
#define LEDGER_UUID_SIZE 37
#define LEDGER_CODE_SIZE 51
#define LEDGER_DATE_SIZE 11

enum ledger_type {
    LEDGER_PLANTAR,
    LEDGER_SEMBRAR,
    LEDGER_TRANSPLANTE,
    LEDGER_MUERTE,
    LEDGER_VENTAS,
    LEDGER_FOTO,
    LEDGER_AJUSTE,
    LEDGER_MANUAL_INIT,
    LEDGER_TYPE_MAX_
};
extern const char *const ledger_type_names[]; /* as stored, NULL-ended */

/* Stored spelling or plantado, sembrado, trasplante, venta, any case. false when it is none. */
DM_MUST_CHECK bool ledger_type_parse(const char *text, enum ledger_type *ret);

enum ledger_category {
    LEDGER_CATEGORY_UNSAID,
    LEDGER_PLUG,
    LEDGER_SEEDLING_TRAY,
    LEDGER_BOX,
    LEDGER_SEGMENT,
    LEDGER_POT,
    LEDGER_CATEGORY_MAX_
};
extern const char *const ledger_category_names[]; /* as stored, "" for UNSAID, NULL-ended */
DM_MUST_CHECK bool ledger_category_parse(const char *text, enum ledger_category *ret);

/* Bits of ledger_result.warnings; names in ledger_warning_names, in the order of the bits. */
enum ledger_warning {
    LEDGER_WARN_CAPACITY = 1 << 0,        /* capacity_exceeded: more plants than the bin holds */
    LEDGER_WARN_MISMATCH = 1 << 1,        /* config_mismatch: allowed by allow_mismatch */
    LEDGER_WARN_IMPLICIT_PERIOD = 1 << 2, /* implicit_period: first plants of a claro */
    LEDGER_WARN_NO_PRICE = 1 << 3,        /* no_price: sold without a price in the list */
    LEDGER_WARN_STATE_DIFFERS = 1 << 4,   /* state_differs_from_config */
    LEDGER_WARN_LARGE_COUNT = 1 << 5,     /* large_manual_count: a photo is advised */
    LEDGER_WARN_CONFIG_CREATED = 1 << 6,  /* config_created */
};
#define LEDGER_WARNINGS 7
extern const char *const ledger_warning_names[LEDGER_WARNINGS];

/* One written row. */
struct ledger_row {
    char uuid[LEDGER_UUID_SIZE];
    int64_t batch_id, location_id;
    enum ledger_type type;
    int64_t quantity;    /* signed */
    int64_t batch_after; /* quantity of the batch once all rows were written */
};

struct ledger_result {
    bool repeated;          /* the same call had been made before */
    struct ledger_row *row; /* [n_row] in the arena of the call; the first carries the uuid */
    size_t n_row;
    int64_t batch_id, bin_id; /* of the first row; for transplante the receiving side */
    char batch_code[LEDGER_CODE_SIZE];
    int64_t location_total;   /* plants of the claro now; of the giving one for transplante */
    int64_t empty_containers; /* of batch_id now; for transplante of the giving batch */
    uint32_t warnings;
};

/* ---- movements ---- */

struct ledger_move {
    const char *uuid; /* required */
    enum ledger_type type;
    int64_t quantity;    /* > 0; ajuste: signed, not 0 */
    int64_t occurred_at; /* 0 = now */
    const char *reason;  /* ajuste: required, at least 5 characters; otherwise notes or NULL */

    /* What moves. Outbound, ajuste down: batch_id, or location and product and optionally bin,
     * state, size, packaging: spread over matching batches, oldest first. Inbound: location,
     * product; bin or category, else inferred (domain.md 5.3); state: SEED for sembrar, else the
     * configured one; packaging: the configured one where the bin takes one. ajuste up also on
     * batch_id. */
    int64_t batch_id;
    int64_t location_id, product_id, bin_id, state_id, size_id, packaging_id;
    enum ledger_category category;
    const char *planting_date;    /* inbound; NULL = day of occurred_at */
    int32_t plants_per_container; /* inbound, new batch; 0 = as configured, else 1 */

    /* transplante: where to. 0 = as the source. */
    int64_t to_location_id, to_bin_id, to_state_id, to_size_id, to_packaging_id;
    enum ledger_category to_category;

    bool allow_mismatch;      /* supervisors: inbound may differ from the configuration */
    bool reuse_empty;         /* plantar: fill empty pots of the batch (replante) */
    int64_t unit_price_cents; /* ventas: 0 = net wholesale price now */
};

/* Log one movement (domain.md 9). INV_* codes of that section, INV_VALIDATION, INV_NOT_FOUND,
 * INV_FORBIDDEN. */
DM_MUST_CHECK int ledger_move(const struct inv_ctx *c, const struct ledger_move *m,
                              struct dm_arena *a, struct ledger_result *ret, struct dm_err *e);

/* Reverse a logged movement (both legs of a transplante). uuid: of the new row. Workers: their own,
 * within 24 h. INV_NOT_FOUND; INV_INVALID_TRANSITION: already reversed, itself a reversal, or
 * written by a count; INV_PERIOD_CLOSED; INV_NEGATIVE_STOCK. The opening rows of a claro's first
 * manual count can be reversed, too. */
struct ledger_reverse {
    const char *uuid, *movement_uuid, *reason;
};
DM_MUST_CHECK int ledger_reverse(const struct inv_ctx *c, const struct ledger_reverse *r,
                                 struct dm_arena *a, struct ledger_result *ret, struct dm_err *e);

/* ---- manual counts ---- */

struct ledger_manual_line {
    int64_t product_id;        /* required */
    int64_t packaging_id;      /* 0 and LEDGER_NONE: no pot */
    int64_t size_id, state_id; /* state 0 = configured */
    int64_t bin_id;            /* or category, else inferred */
    enum ledger_category category;
    int64_t quantity;             /* 1..100,000 */
    int32_t plants_per_container; /* 0 = as configured, else 1 */
    const char *planting_date;    /* NULL = unknown */
};

struct ledger_manual {
    const char *uuid;
    int64_t location_id;
    bool recount;        /* close the open period with this complete list (domain.md 11) */
    int64_t occurred_at; /* recount: 0 = now; initial: now */
    const char *notes;   /* at most 500 characters, or NULL */
    const struct ledger_manual_line *line;
    size_t n_line; /* initial: exactly 1 */
};

/* Manual initialisation (domain.md 8). Codes of its table of checks. */
DM_MUST_CHECK int ledger_manual(const struct inv_ctx *c, const struct ledger_manual *m,
                                struct dm_arena *a, struct ledger_result *ret, struct dm_err *e);

/* ---- counts that are in the books ---- */

/* Take back the count that opened the claro's open period, photo or manual (domain.md 12.3).
 * INV_LATER_MOVEMENTS; INV_INVALID_TRANSITION when that period was not opened by a count. */
struct ledger_undo {
    const char *uuid;
    int64_t location_id;
    int64_t session_id; /* the count that must be the one; 0 = whichever */
    const char *reason; /* at least 5 characters */
};
DM_MUST_CHECK int ledger_undo(const struct inv_ctx *c, const struct ledger_undo *u,
                              struct dm_err *e);

/* Turn part of a calculated sale or loss into another (domain.md 11.3). from and to: ventas, muerte
 * or ajuste. INV_INVALID_TRANSITION unless posted or disputed; INV_INSUFFICIENT_STOCK when the line
 * has fewer of `from`; INV_STATE_NOT_SELLABLE for sales of a nursery line. */
struct ledger_reclassify {
    const char *uuid;
    int64_t reconciliation_id, product_id, packaging_id;
    bool nursery; /* the nursery line of the key, not the sellable one */
    enum ledger_type from, to;
    int64_t quantity; /* > 0 */
    const char *reason;
};
DM_MUST_CHECK int ledger_reclassify(const struct inv_ctx *c, const struct ledger_reclassify *r,
                                    struct dm_arena *a, struct ledger_result *ret,
                                    struct dm_err *e);

/* Accept or dispute a posted reconciliation. cause: one of discrepancy_cause or NULL (required to
 * dispute); note NULL allowed. INV_INVALID_TRANSITION from draft and void. */
DM_MUST_CHECK int ledger_review(const struct inv_ctx *c, int64_t reconciliation_id, bool accept,
                                const char *cause, const char *note, struct dm_err *e);

#endif

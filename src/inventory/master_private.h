/* SPDX-License-Identifier: Apache-2.0
 *
 * Master data within inventory/: fields and kinds as data, and the steps of one write inside a
 * transaction that the caller has open (imports write thousands of rows in one). */
#ifndef INVENTORY_MASTER_PRIVATE_H
#define INVENTORY_MASTER_PRIVATE_H

#include "inventory/json.h"
#include "inventory/master.h"
#include "store/store.h"

enum {
    MASTER_REQUIRED = 1, /* not null */
    MASTER_FIXED = 2,    /* given once, at creation */
    MASTER_DERIVED = 4,  /* computed, never given */
    MASTER_UPPER = 8,    /* turned to upper case */
    MASTER_MONEY = 16,   /* not for workers */
};

struct master_field {
    const char *name; /* column and member */
    char letter;      /* of the store: i r b t j D */
    unsigned flags;
    int min, max;             /* characters of t */
    const char *charset;      /* of t; NULL any but control characters */
    const char *const *words; /* of t: one of these, NULL-ended */
    double low, high;         /* of i and r, both 0 for no bounds */
    int ref;                  /* i: id of this kind + 1, which must be active; 0 for none */
    const char *def;          /* JSON of the default; NULL null */
};

/* A table that may refer to a row. */
struct master_reference {
    const char *table, *column;
};

struct master_op;

struct master_entity {
    const char *table, *noun;
    const struct master_field *field;
    size_t n_field;
    enum inv_action write;
    bool has_active;
    const char *code;          /* column that master_find looks at */
    const char *order;         /* ORDER BY of lists */
    const char *const *search; /* columns of q, NULL-ended */
    const struct master_reference
        *references; /* ended by table NULL; NULL: rows are never removed */

    /* Before the write: fill defaults and derived members of op->row, check what fields cannot
     * say. After it: what needs the id. NULL for nothing. */
    int (*prepare)(struct master_op *op, struct dm_err *e);
    int (*after)(struct master_op *op, struct dm_err *e);
};
extern const struct master_entity master_entities[MASTER_MAX_];

/* One write. The objects are owned by the op. */
struct master_op {
    const struct inv_ctx *c;
    struct store_tx *tx;
    struct dm_arena *a; /* lives as long as the op */
    enum master_kind kind;
    const struct master_entity *entity;
    int64_t id;       /* 0 until created */
    json_t *before;   /* NULL on creation */
    json_t *row;      /* being written */
    json_t *warnings; /* array */
    int64_t bulk_id;  /* bulk operation a price changes by, 0 for none */
};
void master_op_clear(struct master_op *op);

/* The two writes within op->tx, with audit. op->{c, tx, a, kind} are set by the caller; afterwards
 * id, before and row say what happened. master_op_change leaves everything as it is when nothing
 * differs. */
DM_MUST_CHECK int master_op_create(struct master_op *op, const json_t *values, struct dm_err *e);
DM_MUST_CHECK int master_op_change(struct master_op *op, int64_t id, const json_t *values,
                                   struct dm_err *e);

/* Row by id or code within a transaction; new reference. lock: FOR UPDATE. INV_NOT_FOUND. */
DM_MUST_CHECK int master_read(struct store_tx *tx, enum master_kind kind, int64_t id, bool lock,
                              struct dm_arena *a, json_t **ret, struct dm_err *e);
/* 1 and the row, 0 when there is none. */
DM_MUST_CHECK int master_lookup(struct store_tx *tx, enum master_kind kind, const char *text,
                                struct dm_arena *a, json_t **ret, struct dm_err *e);

/* Delete a row; INV_IN_USE {table: count} when others refer to it. Writes the audit row. */
DM_MUST_CHECK int master_delete(struct store_tx *tx, const struct inv_ctx *c, enum master_kind kind,
                                int64_t id, struct dm_arena *a, struct dm_err *e);

/* Refuse: INV_VALIDATION with field. */
int master_invalid(const char *field, const char *why, struct dm_err *e);

/* fields.c: check given values (all of them known, none derived, none fixed when changing) and
 * merge them into op->row in their stored form; then, after prepare, that nothing is missing and
 * references are there. */
DM_MUST_CHECK int master_merge(struct master_op *op, const json_t *values, struct dm_err *e);
DM_MUST_CHECK int master_complete(struct master_op *op, struct dm_err *e);
/* Value of a member for the store; pointers into the row or a. */
DM_MUST_CHECK int master_value(const struct master_field *f, const json_t *value,
                               struct dm_arena *a, struct store_value *ret, struct dm_err *e);

/* Text of a member for codes: upper case, accents off, all but letters and digits cut; "" when
 * empty. At most max characters. NULL when out of memory. */
const char *master_code_of(const char *text, size_t max, struct dm_arena *a);

/* First code stem, stem-2, stem-3... that column of the table does not have. */
DM_MUST_CHECK int master_free_code(struct store_tx *tx, const char *table, const char *column,
                                   const char *stem, struct dm_arena *a, const char **ret,
                                   struct dm_err *e);

/* Sum of plants in and below a row of a place kind, and in containers of a type. */
DM_MUST_CHECK int places_plants(struct store_tx *tx, enum master_kind kind, int64_t id,
                                int64_t *ret, struct dm_err *e);

/* Particulars of the kinds. */
int places_prepare_warehouse(struct master_op *op, struct dm_err *e);
int places_prepare_area(struct master_op *op, struct dm_err *e);
int places_prepare_location(struct master_op *op, struct dm_err *e);
int places_after(struct master_op *op, struct dm_err *e); /* siblings, children, QR code */
int places_set_active(struct master_op *op, bool active, struct dm_err *e);
int bins_prepare_type(struct master_op *op, struct dm_err *e);
int bins_prepare(struct master_op *op, struct dm_err *e);
int catalogue_prepare_product(struct master_op *op, struct dm_err *e);
int catalogue_prepare_size(struct master_op *op, struct dm_err *e);
int catalogue_prepare_color(struct master_op *op, struct dm_err *e);
int catalogue_prepare_packaging(struct master_op *op, struct dm_err *e);
int catalogue_after_packaging(struct master_op *op, struct dm_err *e);
int catalogue_prepare_sample(struct master_op *op, struct dm_err *e);
int prices_prepare(struct master_op *op, struct dm_err *e);
int prices_after(struct master_op *op, struct dm_err *e);

#endif

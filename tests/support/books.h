/* SPDX-License-Identifier: Apache-2.0
 *
 * A tiny nursery written row by row, for tests that look at books rather than make them: one nave,
 * two claros, one photo count that closed a period and opened the next, a transplant. All 25
 * invariants hold. */
#ifndef TESTS_SUPPORT_BOOKS_H
#define TESTS_SUPPORT_BOOKS_H

#include "inventory/inventory.h"
#include "support/db.h"

enum {
    BOOKS_ADMIN = 10,
    BOOKS_PRODUCT = 1,
    BOOKS_PACKAGING = 1,
    BOOKS_CLARO = 1,   /* counted 10, then 8; moved 3 away: holds 5 */
    BOOKS_CLARO_2 = 2, /* opened by the transplant: holds 3 */
    BOOKS_PLANTS = 8,
};

/* Write it, in one transaction. Fails the test when it cannot. */
void books_tiny(struct store *s);

/* Run statements ("a; b" is two calls) with tokens inside a transaction. */
void books_sql(struct store_tx *tx, const char *sql);

/* Number a query gives. */
int64_t books_int(struct store_tx *tx, const char *sql);

/* A rectangle of w x h metres whose south-west corner lies x, y metres from the nursery's corner,
 * as one row of a table of places: fails the test when it cannot. columns and values go before the
 * geometry ("id, code", "1, 'NAVE01'"). */
void books_place(struct store_tx *tx, const char *table, const char *columns, const char *values,
                 double x, double y, double w, double h);

/* A context of an admin, now. settings stay where they are given. */
struct inv_ctx books_ctx(struct store *s, struct inv_settings *settings);

#endif

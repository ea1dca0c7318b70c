/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading CSV as people keep it (RFC 4180 and what spreadsheets make of it): comma, semicolon or
 * tab; UTF-8 with or without a mark, else Windows-1252; cells in quotes with line breaks and
 * doubled quotes inside; any line ends. Called once a file of at most LIMIT_CSV_BYTES; rows come
 * one by one, so memory is a copy of the file at most.
 *
 *   struct dm_csv csv;
 *   DM_TRY(dm_csv_open(&csv, text, n, 0, a, e));
 *   while ((more = dm_csv_next(&csv, a, &row, e)) > 0) { ... row.line, row.cell[i] ... } */
#ifndef DM_BASE_CSV_H
#define DM_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct dm_csv {
    const char *at, *end; /* what is left */
    size_t line;          /* of at, from 1 */
    char separator;
};

struct dm_csv_row {
    size_t line;             /* at which the row begins, from 1 */
    size_t n;                /* cells, at least 1 */
    const char *const *cell; /* [n], UTF-8, blanks and line breaks around them cut off */
};

/* Begin with text[n], borrowed until the last row was read unless it had to be converted (then a
 * copy is in a). separator 0: the one that occurs most in the first lines. DM_EBADINPUT: zero
 * bytes, which no such file has; DM_ELIMIT: more than LIMIT_CSV_BYTES. */
DM_MUST_CHECK int dm_csv_open(struct dm_csv *c, const char *text, size_t n, char separator,
                              struct dm_arena *a, struct dm_err *e);

/* Next row that is not blank: 1 with *ret in a, 0 at the end. DM_EBADINPUT with field "line":
 * quotes that are not closed; DM_ELIMIT: more than LIMIT_CSV_COLUMNS or LIMIT_CSV_CELL_BYTES. */
DM_MUST_CHECK int dm_csv_next(struct dm_csv *c, struct dm_arena *a, struct dm_csv_row *ret,
                              struct dm_err *e);

/* A column of a table and the headers it goes by. */
struct dm_csv_column {
    const char *name;           /* in messages */
    const char *const *headers; /* NULL-ended, as dm_text_key writes them: "precio_unitario" */
    bool required;
};

/* Where the columns are in a header row: ret[i] is the cell of column i, or -1. The first cell with
 * a header of the column counts. DM_EBADINPUT with field "column": a required one is missing. */
DM_MUST_CHECK int dm_csv_columns(const struct dm_csv_row *header,
                                 const struct dm_csv_column *columns, size_t n, int *ret,
                                 struct dm_arena *a, struct dm_err *e);

/* Cell of a column in a row; "" when the column is missing or the row ends before it. */
const char *dm_csv_cell(const struct dm_csv_row *row, int column);

#endif

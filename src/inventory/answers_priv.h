/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of answers share. Private. */
#ifndef INVENTORY_ANSWERS_PRIV_H
#define INVENTORY_ANSWERS_PRIV_H

#include "inventory/answers.h"

/* A cell as JSON: money in centavos, reals with two decimals. */
json_t *answers_cell(const struct sheet *s, size_t row, size_t column);

/* Column of a report and the member it becomes: "by_type.muerte" goes into an object. */
struct answers_name {
    const char *column, *member;
};

/* A row of the sheet, or its totals (row = SIZE_MAX), as an object of the named columns that the
 * sheet has. New reference. */
DM_MUST_CHECK int answers_row(const struct sheet *s, size_t row, const struct answers_name *name,
                              size_t n, json_t **ret, struct dm_err *e);
/* All of them. */
DM_MUST_CHECK int answers_rows(const struct sheet *s, const struct answers_name *name, size_t n,
                               json_t **ret, struct dm_err *e);

/* Filters of an ask from the places and products of a request. ids live as long as w. */
void answers_filter(struct analytics_ask *ask, const struct answers_where *w);

/* Instants of a range of days. Both required. */
DM_MUST_CHECK int answers_range(const struct inv_ctx *c, const struct answers_days *d,
                                struct analytics_ask *ask, struct dm_err *e);

#endif

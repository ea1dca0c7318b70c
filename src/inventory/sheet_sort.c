/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting of reports, and their heading. */
#include <string.h>

#include "inventory/analytics_priv.h"

struct sort_key {
    const struct sheet *s;
    size_t column;
    bool ascending;
};

static int compare_cells(enum sheet_type type, const struct sheet_cell *x,
                         const struct sheet_cell *y)
{
    if (x->null || y->null) {
        return (int)y->null - (int)x->null; /* unknown is below everything */
    }
    if (type == SHEET_REAL || type == SHEET_PERCENT) {
        return (x->r > y->r) - (x->r < y->r);
    }
    if (type == SHEET_TEXT || type == SHEET_DATE || type == SHEET_JSON) {
        return strcmp(x->t, y->t);
    }
    if (type == SHEET_BOOL) {
        return (int)x->b - (int)y->b;
    }
    return (x->i > y->i) - (x->i < y->i);
}

static int compare_rows(const void *x, const void *y, void *ctx)
{
    const struct sort_key *k = ctx;
    const size_t p = *(const size_t *)x;
    const size_t q = *(const size_t *)y;
    const size_t width = k->s->n_columns;
    const int order =
        compare_cells(k->s->column[k->column].type, &k->s->cell[p * width + k->column],
                      &k->s->cell[q * width + k->column]);
    if (order) {
        return k->ascending ? order : -order;
    }
    return (p > q) - (p < q);
}

int sheet_sort(struct sheet *s, size_t column, bool ascending, struct dm_arena *a, struct dm_err *e)
{
    struct sort_key key = {.s = s, .column = column, .ascending = ascending};
    if (s->n_rows < 2) {
        return DM_OK;
    }
    size_t *order = dm_arena_calloc(a, s->n_rows, sizeof(*order));
    struct sheet_cell *cell = dm_arena_calloc(a, s->n_rows, s->n_columns * sizeof(*cell));
    if (!order || !cell) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        order[i] = i;
    }
    qsort_r(order, s->n_rows, sizeof(*order), compare_rows, &key);
    for (size_t i = 0; i < s->n_rows; i++) {
        memcpy(cell + i * s->n_columns, s->cell + order[i] * s->n_columns,
               s->n_columns * sizeof(*cell));
    }
    s->cell = cell;
    s->capacity = s->n_rows;
    return DM_OK;
}

struct sheet *sheet_begin(const struct inv_ctx *c, const char *name, const char *title,
                          const struct sheet_column *column, size_t n, struct dm_arena *a)
{
    struct sheet *s = dm_arena_calloc(a, 1, sizeof(*s));
    if (s) {
        *s = (struct sheet){.name = name,
                            .title = title,
                            .column = column,
                            .n_columns = n,
                            .made_at_ms = c->now_ms,
                            .made_by = "",
                            .currency = c->settings ? c->settings->currency : "",
                            .zone = c->zone};
    }
    return s;
}

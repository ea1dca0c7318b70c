/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the table of verify.def and the checks that need more than SQL (verify_deep.c). */
#include "inventory/verify.h"

#include "inventory/verify_priv.h"

struct check {
    int invariant;
    const char *name, *entity;
};

static const struct check checks[] = {
#define X(invariant, check, entity, sql) {invariant, #check, entity},
#include "inventory/verify.def"
#undef X
};
static const struct store_query queries[] = {
#define X(invariant, check, entity, sql) {"verify." #check, sql, "", "it", false},
#include "inventory/verify.def"
#undef X
};
STORE_QUERIES(verify_queries, queries);

static const char *const titles[VERIFY_INVARIANTS + 1] = {
    "",
    "a batch holds the sum of its movements",
    "the status of a batch follows from its plants and its period",
    "a batch begins with its initial quantity",
    "the plants of a claro are those of its open period",
    "one open period a claro, periods without gaps",
    "opening and closing counts agree with their rows and their neighbours",
    "what a count closes it opens again",
    "transplants neither make nor lose plants",
    "movements lie within the period of their batch",
    "sales come from sellable plants in box, segment or pot",
    "reconciliations agree with their lines and movements",
    "a movement is reversed once, a reversal never",
    "opening + in - out = closing",
    "one valid configuration a claro at any instant",
    "posted counts are complete and are what was opened",
    "totals of a session agree with its segments and detections",
    "batches of closed periods are as they were counted",
    "a batch stands in the claro of its period, never in a retired bin",
    "what is inactive holds no stock",
    "polygons lie in their parents, derived geometry agrees",
    "derived columns agree",
    "every photo has one original and it is unharmed",
    "jobs hold a lease exactly while they run",
    "somebody can administer",
    "files are kept only where files belong",
};

const char *verify_title(int number)
{
    DM_BUG_UNLESS(number >= 1 && number <= VERIFY_INVARIANTS);
    return titles[number];
}

int verify_found(struct verify_run *r, const struct verify_violation *v, struct dm_err *e)
{
    r->report->total++;
    r->report->by_invariant[v->invariant]++;
    if (++r->listed > VERIFY_LIST_MAX) {
        return DM_OK;
    }
    if (r->report->n == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 64;
        struct verify_violation *list = dm_arena_calloc(r->a, capacity, sizeof(*list));
        if (!list) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the list of violations");
        }
        if (r->report->n) {
            memcpy(list, r->report->list, r->report->n * sizeof(*list));
        }
        r->report->list = list;
        r->capacity = capacity;
    }
    struct verify_violation *slot = &r->report->list[r->report->n];
    *slot = *v;
    slot->detail = dm_arena_strdup(r->a, v->detail);
    if (!slot->detail) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list of violations");
    }
    r->report->n++;
    return DM_OK;
}

int verify_query(struct verify_run *r, int invariant, const char *check, const char *entity,
                 const struct store_query *q, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    r->listed = 0;
    DM_TRY(store_select(r->tx, q, STORE_NO_ARGS, &rows, e));
    for (;;) {
        const int more = store_next(rows, &row, e);
        if (more <= 0) {
            return more;
        }
        const struct verify_violation v = {.invariant = invariant,
                                           .check = check,
                                           .entity = entity,
                                           .id = row[0].null ? 0 : row[0].i,
                                           .detail = row[1].null ? "" : row[1].t};
        DM_TRY(verify_found(r, &v, e));
    }
}

/* By invariant, as the table is; the checks in C are appended and sorted in. Insertion: the list is
 * nearly sorted and short. */
static void sort_list(struct verify_report *report)
{
    for (size_t i = 1; i < report->n; i++) {
        const struct verify_violation v = report->list[i];
        size_t at = i;
        for (; at > 0 && report->list[at - 1].invariant > v.invariant; at--) {
            report->list[at] = report->list[at - 1];
        }
        report->list[at] = v;
    }
}

int verify_books(struct store_tx *tx, int only, struct dm_arena *a, struct verify_report *ret,
                 struct dm_err *e)
{
    struct verify_report report = {0};
    struct verify_run r = {.tx = tx, .a = a, .report = &report};
    for (size_t i = 0; i < DM_COUNT(checks); i++) {
        if (!only || only == checks[i].invariant) {
            DM_TRY(verify_query(&r, checks[i].invariant, checks[i].name, checks[i].entity,
                                &queries[i], e));
        }
    }
    DM_TRY(verify_deep(&r, only, e));
    sort_list(&report);
    for (int i = 1; i <= VERIFY_INVARIANTS; i++) {
        report.held += report.by_invariant[i] == 0;
    }
    *ret = report;
    return DM_OK;
}

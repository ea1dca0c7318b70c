/* SPDX-License-Identifier: Apache-2.0
 *
 * Which claros are due for a count (product.md 2.3, /coverage): those whose last posted count is
 * older than so many days, and those that were never counted; by nave, longest wait first. */
#include "inventory/map.h"

#include <stdlib.h>

#include "inventory/json.h"

enum { DAY_MS = 86400000 };

enum { NAVES };
static const struct store_query queries[] = {
    [NAVES] = {"coverage.naves",
               "SELECT id, code, name FROM warehouses WHERE active AND (?1 IS NULL OR id = ?1)"
               " ORDER BY code",
               "i", "itt", false},
};
STORE_QUERIES(map_coverage_queries, queries);

/* Never counted first, then the oldest count; equals by code, as they came. */
static int by_wait(const void *a, const void *b)
{
    const struct map_claro *const *one = a;
    const struct map_claro *const *two = b;
    const int64_t x = (*one)->counted_at;
    const int64_t y = (*two)->counted_at;
    return x != y ? (x > y) - (x < y) : (*one > *two) - (*one < *two);
}

static json_t *claro_json(const struct inv_ctx *c, const struct map_claro *k)
{
    const struct store_value at = {.type = 'T', .null = !k->counted_at, .i = k->counted_at};
    json_t *days = k->counted_at ? json_integer((c->now_ms - k->counted_at) / DAY_MS) : json_null();
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:I}", "storage_location_id", (json_int_t)k->id,
                     "code", k->code, "name", k->name, "last_counted_at", inv_json_of_value(&at),
                     "days_since", days, "plants", (json_int_t)k->plants);
}

struct tally {
    int64_t locations, covered, due, never;
};

static json_t *tally_json(const struct tally *t)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "locations", (json_int_t)t->locations, "covered",
                     (json_int_t)t->covered, "due", (json_int_t)t->due, "never_counted",
                     (json_int_t)t->never);
}

struct look {
    const struct inv_ctx *c;
    const struct map_claro *claro;
    size_t n;
    int64_t before_ms;            /* a count before this is too old */
    const struct map_claro **due; /* [n] */
};

/* One nave with its due claros; what it counts is added to all. */
static int nave_json(const struct look *x, const struct store_value *nave, struct tally *all,
                     json_t **ret, struct dm_err *e)
{
    struct tally t = {0};
    for (size_t i = 0; i < x->n; i++) {
        const struct map_claro *k = &x->claro[i];
        if (k->warehouse_id == nave[0].i) {
            t.locations++;
            t.never += !k->counted_at;
            if (k->counted_at < x->before_ms) {
                x->due[t.due++] = k;
            }
        }
    }
    t.covered = t.locations - t.due;
    qsort(x->due, (size_t)t.due, sizeof(const void *), by_wait);
    DM_CLEANUP(inv_json_freep) json_t *out = tally_json(&t);
    DM_CLEANUP(inv_json_freep) json_t *list = json_array();
    for (int64_t i = 0; i < t.due; i++) {
        if (json_array_append_new(list, claro_json(x->c, x->due[i])) < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the coverage");
        }
    }
    DM_TRY(inv_json_set(out, "warehouse_id", json_integer(nave[0].i), e));
    DM_TRY(inv_json_set(out, "code", json_string(nave[1].t), e));
    DM_TRY(inv_json_set(out, "name", json_string(nave[2].t), e));
    DM_TRY(inv_json_set(out, "due_locations", DM_STEAL(list), e));
    all->locations += t.locations;
    all->covered += t.covered;
    all->due += t.due;
    all->never += t.never;
    *ret = DM_STEAL(out);
    return DM_OK;
}

int map_coverage(const struct inv_ctx *c, int64_t warehouse_id, int64_t days, json_t **ret,
                 struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *naves = json_array();
    struct look x = {.c = c, .before_ms = c->now_ms - days * DAY_MS};
    struct tally all = {0};
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(map_claros_in(tx, c, warehouse_id, false, &a, &x.claro, &x.n, e));
    DM_TRY(store_all(tx, &queries[NAVES], STORE_ARGS(store_ref(warehouse_id)), &a, &rows, e));
    x.due = dm_arena_calloc(&a, x.n + 1, sizeof(const struct map_claro *));
    if (!x.due) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the coverage");
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_t *nave = NULL;
        DM_TRY(nave_json(&x, store_row(&rows, i), &all, &nave, e));
        if (json_array_append_new(naves, nave) < 0) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the coverage");
        }
    }
    const struct store_value now = store_at(c->now_ms);
    DM_CLEANUP(inv_json_freep) json_t *out = tally_json(&all);
    DM_TRY(inv_json_set(out, "days", json_integer(days), e));
    DM_TRY(inv_json_set(out, "generated_at", inv_json_of_value(&now), e));
    DM_TRY(inv_json_set(out, "warehouses", DM_STEAL(naves), e));
    *ret = DM_STEAL(out);
    return DM_OK;
}

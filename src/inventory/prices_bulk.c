/* SPDX-License-Identifier: Apache-2.0
 *
 * Editing many prices at once: a preview that remembers which rows in which versions it showed, and
 * its execution. */
#include <math.h>
#include <string.h>

#include "inventory/master_private.h"
#include "inventory/prices.h"

enum { MOST = 1000, CONFIRM_ABOVE = 100, PER_HOUR = 10, SHORTEST_STEP = 1 };
static const int64_t token_ms = 600000; /* a preview holds ten minutes */

enum { SELECT, REMEMBER, RECALL, DONE, RECENT, LOCK };

static const struct store_query queries[] = {
    [SELECT] = {"prices.bulk_select",
                "SELECT i.id FROM price_list_items i JOIN packaging_catalog p"
                " ON p.id = i.packaging_catalog_id WHERE (?1 = 0 OR i.product_category_id = ?1)"
                " AND (?2 = 0 OR i.packaging_catalog_id = ?2)"
                " AND (?3 = 0 OR p.packaging_type_id = ?3)"
                " AND (CASE WHEN ?4 = '' THEN i.availability <> 'discontinued'"
                " ELSE i.availability = ?4 END)"
                " AND i.wholesale_unit_price_cents >= ?5"
                " AND (?6 = 0 OR i.wholesale_unit_price_cents <= ?6) ORDER BY i.id LIMIT ?7",
                "iiitiii", "i"},
    [REMEMBER] = {"prices.bulk_remember",
                  "INSERT INTO bulk_operations (uuid, kind, filter, parameters, affected_ids,"
                  " affected_count, user_id, expires_at, created_at, updated_at)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                  "utjjjiiTT", ""},
    [RECALL] = {"prices.bulk_recall",
                "SELECT id, kind, filter, parameters, affected_ids, user_id, expires_at,"
                " executed_at FROM bulk_operations WHERE uuid = ?1 {for_update}",
                "u", "itjjjiTT"},
    [DONE] = {"prices.bulk_done",
              "UPDATE bulk_operations SET executed_at = ?2, updated_at = ?2 WHERE id = ?1", "iT",
              ""},
    [RECENT] = {"prices.bulk_recent",
                "SELECT count(*) FROM bulk_operations WHERE user_id = ?1 AND executed_at > ?2",
                "iT", "i"},
    /* one person's executions one after the other, so that the cap counts them all */
    [LOCK] = {"prices.bulk_lock", "SELECT id FROM users WHERE id = ?1 {for_update}", "i", "i"},
};
STORE_QUERIES(prices_bulk_queries, queries);

static const char *const kinds[] = {"price_change", "availability", "discount"};

/* One call, preview or execution. */
struct bulk {
    const struct inv_ctx *c;
    const struct prices_bulk *in;
    const char *token; /* of an execution */
    bool confirm;
    struct prices_preview *preview;
    int64_t count;
};

/* ---- parameters ------------------------------------------------------------------------------ */

static bool step_ok(int64_t step)
{
    static const int64_t steps[] = {0, 1, 100, 1000, 5000, 10000};
    for (size_t i = 0; i < DM_COUNT(steps); i++) {
        if (steps[i] == step) {
            return true;
        }
    }
    return false;
}

static bool availability_ok(const char *word)
{
    static const char *const words[] = {"available", "limited", "until_sold_out", "out_of_stock",
                                        "discontinued"};
    for (size_t i = 0; word && i < DM_COUNT(words); i++) {
        if (!strcmp(words[i], word)) {
            return true;
        }
    }
    return false;
}

static int check(const struct prices_bulk *in, struct dm_err *e)
{
    if (in->availability && !availability_ok(in->availability)) {
        return master_invalid("availability", "it is not one of its values", e);
    }
    if (in->min_cents < 0 || in->max_cents < 0) {
        return master_invalid("min_cents", "prices are positive", e);
    }
    switch (in->kind) {
    case PRICES_CHANGE:
        if (in->basis_points == 0 || in->basis_points < -9999 || in->basis_points > 10000) {
            return master_invalid("basis_points", "-99.99 % to 100 %, not 0", e);
        }
        return step_ok(in->step_cents) ? DM_OK
                                       : master_invalid("step_cents", "1, 10, 50 or 100 pesos", e);
    case PRICES_AVAILABILITY:
        return availability_ok(in->new_availability)
                   ? DM_OK
                   : master_invalid("new_availability", "it is not one of its values", e);
    case PRICES_DISCOUNT:
        return in->new_discount >= 0 && in->new_discount <= 100
                   ? DM_OK
                   : master_invalid("new_discount", "0 to 100 %", e);
    }
    return DM_OK;
}

static json_t *filter_json(const struct prices_bulk *in)
{
    return json_pack("{s:I, s:I, s:I, s:s?, s:I, s:I}", "category_id", (json_int_t)in->category_id,
                     "packaging_id", (json_int_t)in->packaging_id, "packaging_type_id",
                     (json_int_t)in->packaging_type_id, "availability", in->availability,
                     "min_cents", (json_int_t)in->min_cents, "max_cents",
                     (json_int_t)in->max_cents);
}

static json_t *parameters_json(const struct prices_bulk *in)
{
    return json_pack("{s:I, s:I, s:s?, s:I}", "basis_points", (json_int_t)in->basis_points,
                     "step_cents", (json_int_t)in->step_cents, "new_availability",
                     in->new_availability, "new_discount", (json_int_t)in->new_discount);
}

/* ---- what happens to a row ------------------------------------------------------------------- */

/* Changed by basis points, floored to the step. A row that would not stay positive refuses all. */
static int change_price(const struct prices_bulk *in, int64_t cents, int64_t *ret, struct dm_err *e)
{
    const int64_t step = DM_MAX(in->step_cents, SHORTEST_STEP);
    /* 10^12 cents x 20,000 stays far below 2^63 */
    const int64_t changed = cents * (10000 + in->basis_points) / 10000;
    *ret = changed / step * step;
    if (*ret <= 0) {
        DM_REFUSE(
            e, INV_VALIDATION,
            DM_FIELDS(DM_S("field", "basis_points"), DM_I("wholesale_unit_price_cents", cents)),
            "a price of %lld centavos would not stay positive", (long long)cents);
    }
    return DM_OK;
}

/* The members of the row that change. */
static int patch(const struct prices_bulk *in, const json_t *row, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *p = json_object();
    const int64_t retail = inv_json_int(row, "retail_unit_price_cents");
    int64_t cents = 0;
    if (in->kind == PRICES_AVAILABILITY) {
        DM_TRY(inv_json_set(p, "availability", json_string(in->new_availability), e));
    } else if (in->kind == PRICES_DISCOUNT) {
        DM_TRY(inv_json_set(p, "discount_percent", json_integer(in->new_discount), e));
    } else {
        DM_TRY(change_price(in, inv_json_int(row, "wholesale_unit_price_cents"), &cents, e));
        DM_TRY(inv_json_set(p, "wholesale_unit_price_cents", json_integer(cents), e));
        if (retail) {
            DM_TRY(change_price(in, retail, &cents, e));
            DM_TRY(inv_json_set(p, "retail_unit_price_cents", json_integer(cents), e));
        }
    }
    *ret = DM_STEAL(p);
    return DM_OK;
}

/* Rows that the filter finds now, as ids. */
static int select_rows(struct store_tx *tx, const struct prices_bulk *in, struct dm_arena *a,
                       struct store_table *ret, struct dm_err *e)
{
    DM_TRY(store_all(tx, &queries[SELECT],
                     STORE_ARGS(store_i(in->category_id), store_i(in->packaging_id),
                                store_i(in->packaging_type_id),
                                store_t(in->availability ? in->availability : ""),
                                store_i(in->min_cents), store_i(in->max_cents), store_i(MOST + 1)),
                     a, ret, e));
    if (ret->n == 0) {
        DM_FAIL(e, INV_EMPTY_FILTER_RESULT, "no price matches the filter");
    }
    if (ret->n > MOST) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "filter"), DM_I("max", MOST)),
                  "more than %d prices match: narrow the filter", MOST);
    }
    return DM_OK;
}

/* [[id, row_version], ...] */
static int remember_version(json_t *versions, const json_t *row, struct dm_err *e)
{
    json_t *pair = json_pack("[I, I]", (json_int_t)inv_json_int(row, "id"),
                             (json_int_t)inv_json_int(row, "row_version"));
    if (!pair || json_array_append_new(versions, pair)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the preview");
    }
    return DM_OK;
}

/* ---- preview --------------------------------------------------------------------------------- */

static int preview_item(const json_t *row, const json_t *change, json_t *items, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *before = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)change, name, value)
    {
        DM_TRY(inv_json_set(before, name, json_incref(json_object_get(row, name)), e));
    }
    json_t *item = json_pack("{s:I, s:s, s:O, s:O}", "id", (json_int_t)inv_json_int(row, "id"),
                             "sku", inv_json_str(row, "sku"), "before", before, "after", change);
    if (!item || json_array_append_new(items, item)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the preview");
    }
    return DM_OK;
}

static int store_preview(struct store_tx *tx, const struct bulk *b, const json_t *versions,
                         struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *filter = filter_json(b->in);
    DM_CLEANUP(inv_json_freep) json_t *parameters = parameters_json(b->in);
    const char *text[3];
    DM_TRY(inv_json_text(filter, a, &text[0], e));
    DM_TRY(inv_json_text(parameters, a, &text[1], e));
    DM_TRY(inv_json_text(versions, a, &text[2], e));
    store_uuid_new(b->preview->token);
    return store_exec(tx, &queries[REMEMBER],
                      STORE_ARGS(store_u(b->preview->token), store_t(kinds[b->in->kind]),
                                 store_j(text[0]), store_j(text[1]), store_j(text[2]),
                                 store_i(b->preview->count), store_i(b->c->user_id),
                                 store_at(b->c->now_ms + token_ms), store_at(b->c->now_ms)),
                      NULL, e);
}

static int preview_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct bulk *b = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *versions = json_array();
    DM_CLEANUP(inv_json_freep) json_t *items = json_array();
    struct store_table rows;
    int64_t sum = 0;
    DM_TRY(select_rows(tx, b->in, &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        DM_CLEANUP(inv_json_freep) json_t *row = NULL;
        DM_CLEANUP(inv_json_freep) json_t *change = NULL;
        DM_TRY(master_read(tx, MASTER_PRICE, store_row(&rows, i)[0].i, false, &a, &row, e));
        DM_TRY(patch(b->in, row, &change, e));
        DM_TRY(preview_item(row, change, items, e));
        DM_TRY(remember_version(versions, row, e));
        if (b->in->kind == PRICES_CHANGE) {
            sum += inv_json_int(change, "wholesale_unit_price_cents") -
                   inv_json_int(row, "wholesale_unit_price_cents");
        }
    }
    b->preview->count = (int64_t)rows.n;
    b->preview->mean_change_cents = (double)sum / (double)rows.n;
    DM_TRY(store_preview(tx, b, versions, &a, e));
    json_decref(b->preview->items);
    b->preview->items = DM_STEAL(items);
    return DM_OK;
}

int prices_preview(const struct inv_ctx *c, const struct prices_bulk *bulk,
                   struct prices_preview *ret, struct dm_err *e)
{
    struct prices_preview preview = {0};
    struct bulk b = {.c = c, .in = bulk, .preview = &preview};
    DM_TRY(inv_permit(c, INV_DO_CATALOGUE_WRITE, e));
    DM_TRY(check(bulk, e));
    const int code = store_run(c->store, STORE_WRITE, preview_in, &b, e);
    if (code < 0) {
        json_decref(preview.items);
        return code;
    }
    *ret = preview;
    return DM_OK;
}

/* ---- execution ------------------------------------------------------------------------------- */

static int stale(const char *why, struct dm_err *e)
{
    DM_REFUSE(e, INV_STALE_PREVIEW, DM_FIELDS(DM_S("reason", why)), "preview again: %s", why);
}

static bool same_json(const char *text, json_t *value)
{
    DM_CLEANUP(inv_json_freep) json_t *mine = value;
    DM_CLEANUP(inv_json_freep) json_t *stored = json_loads(text, 0, NULL);
    return mine && stored && json_equal(mine, stored);
}

static int check_token(const struct bulk *b, const struct store_value *row, struct dm_err *e)
{
    if (row[5].i != b->c->user_id) {
        return stale("it was made by somebody else", e);
    }
    if (!row[7].null) {
        return stale("it was executed already", e);
    }
    if (b->c->now_ms >= row[6].i) {
        return stale("it is older than ten minutes", e);
    }
    if (strcmp(row[1].t, kinds[b->in->kind]) != 0 || !same_json(row[2].t, filter_json(b->in)) ||
        !same_json(row[3].t, parameters_json(b->in))) {
        return stale("it was for something else", e);
    }
    return DM_OK;
}

static int check_rate(struct store_tx *tx, const struct bulk *b, struct dm_err *e)
{
    int64_t n;
    DM_TRY(store_int(tx, &queries[LOCK], STORE_ARGS(store_i(b->c->user_id)), &n, e));
    DM_TRY(store_int(tx, &queries[RECENT],
                     STORE_ARGS(store_i(b->c->user_id), store_at(b->c->now_ms - 3600000)), &n, e));
    if (n >= PER_HOUR) {
        DM_REFUSE(e, INV_RATE_LIMITED, DM_FIELDS(DM_I("limit", PER_HOUR), DM_I("window_s", 3600)),
                  "at most %d bulk edits an hour", PER_HOUR);
    }
    return DM_OK;
}

/* The filter still finds the rows that were shown, in the versions that were shown. */
static int check_rows(struct store_tx *tx, const struct bulk *b, const json_t *seen,
                      struct dm_arena *a, struct store_table *ret, struct dm_err *e)
{
    DM_TRY(select_rows(tx, b->in, a, ret, e));
    if (ret->n != json_array_size(seen)) {
        return stale("other prices match the filter now", e);
    }
    for (size_t i = 0; i < ret->n; i++) {
        DM_CLEANUP(inv_json_freep) json_t *row = NULL;
        const json_t *pair = json_array_get(seen, i);
        const int64_t id = store_row(ret, i)[0].i;
        DM_TRY(master_read(tx, MASTER_PRICE, id, true, a, &row, e));
        if (json_integer_value(json_array_get(pair, 0)) != id ||
            json_integer_value(json_array_get(pair, 1)) != inv_json_int(row, "row_version")) {
            return stale("a price has changed since", e);
        }
    }
    return DM_OK;
}

/* A price within a bulk edit: its revision names the operation; the audit trail has one row for
 * all of them. */
static int change_rows(struct store_tx *tx, const struct bulk *b, const struct store_table *rows,
                       int64_t operation, json_t *items, struct dm_err *e)
{
    for (size_t i = 0; i < rows->n; i++) {
        DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
        DM_CLEANUP(master_op_clear)
        struct master_op op = {
            .c = b->c, .tx = tx, .a = &a, .kind = MASTER_PRICE, .bulk_id = operation};
        DM_CLEANUP(inv_json_freep) json_t *row = NULL;
        DM_CLEANUP(inv_json_freep) json_t *change = NULL;
        const int64_t id = store_row(rows, i)[0].i;
        DM_TRY(master_read(tx, MASTER_PRICE, id, true, &a, &row, e));
        DM_TRY(patch(b->in, row, &change, e));
        DM_TRY(master_op_change(&op, id, change, e));
        DM_TRY(preview_item(row, change, items, e));
    }
    return DM_OK;
}

static int audit_bulk(struct store_tx *tx, const struct bulk *b, json_t *items, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep)
    json_t *after = json_pack("{s:s, s:o, s:o, s:i, s:O}", "kind", kinds[b->in->kind], "filter",
                              filter_json(b->in), "parameters", parameters_json(b->in), "count",
                              (int)json_array_size(items), "items", items);
    if (!after) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the audit trail");
    }
    return audit_write_named(tx, b->c, "bulk", "price_list_items", b->token, NULL, after, e);
}

static int execute_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct bulk *b = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *seen = NULL;
    DM_CLEANUP(inv_json_freep) json_t *items = json_array();
    const struct store_value *row;
    struct store_table rows = {0};
    const int found = store_maybe(tx, &queries[RECALL], STORE_ARGS(store_u(b->token)), &a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        return stale("there is no such preview", e);
    }
    DM_TRY(check_token(b, row, e));
    DM_TRY(check_rate(tx, b, e));
    seen = json_loads(row[4].t, 0, NULL);
    if (!seen || !items) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the prices");
    }
    if (json_array_size(seen) > CONFIRM_ABOVE && !b->confirm) {
        DM_REFUSE(
            e, INV_VALIDATION,
            DM_FIELDS(DM_S("field", "confirm"), DM_I("count", (int64_t)json_array_size(seen))),
            "%zu prices at once have to be confirmed", json_array_size(seen));
    }
    DM_TRY(check_rows(tx, b, seen, &a, &rows, e));
    DM_TRY(change_rows(tx, b, &rows, row[0].i, items, e));
    DM_TRY(store_exec(tx, &queries[DONE], STORE_ARGS(store_i(row[0].i), store_at(b->c->now_ms)),
                      NULL, e));
    b->count = (int64_t)rows.n;
    return audit_bulk(tx, b, items, e);
}

int prices_execute(const struct inv_ctx *c, const struct prices_bulk *bulk, const char *token,
                   bool confirm, int64_t *ret_count, struct dm_err *e)
{
    struct bulk b = {.c = c, .in = bulk, .token = token, .confirm = confirm};
    DM_TRY(inv_permit(c, INV_DO_CATALOGUE_WRITE, e));
    DM_TRY(check(bulk, e));
    if (!token || !store_uuid_valid(token)) {
        return stale("there is no such preview", e);
    }
    DM_TRY(store_run(c->store, STORE_WRITE, execute_in, &b, e));
    *ret_count = b.count;
    return DM_OK;
}

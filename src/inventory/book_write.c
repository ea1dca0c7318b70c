/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing what changed in the books of the locked claros: one call of the store for all rows of a
 * kind, so that posting a count takes few round trips to a server. */
#include <inttypes.h>

#include <jansson.h>

#include "base/zone.h"
#include "inventory/bins.h"
#include "inventory/book.h"
#include "inventory/book_names.h"

enum {
    PERIOD_ADD,
    PERIOD_SET,
    PERIOD_DROP,
    CODE_NEXT,
    BATCH_ADD,
    BATCH_SET,
    BATCH_PERIOD,
    LATEST,
    GROWTH,
    RECON_ADD,
    RECON_VOID,
    RECON_PERIOD,
    LINE_ADD,
    MOVEMENT_ADD,
};

static const struct store_query queries[] = {
    [PERIOD_ADD] = {"ledger.period_add",
                    "INSERT INTO stock_periods (storage_location_id, seq, status, opened_kind,"
                    " opened_at, opening_session_id, opening_count, config_id, created_at,"
                    " updated_at) VALUES (?1, ?2, 'open', ?3, ?4, ?5, ?6, ?7, ?8, ?8) RETURNING id",
                    "iitTiiiT", "i"},
    [PERIOD_SET] = {"ledger.period_set",
                    "UPDATE stock_periods SET status = ?2, opened_kind = ?3, opened_at = ?4,"
                    " opening_session_id = ?5, opening_count = ?6, config_id = ?7,"
                    " closed_at = ?8, closed_kind = ?9, closing_session_id = ?10,"
                    " closing_count = ?11, updated_at = ?12 WHERE id = ?1",
                    "ittTiiiTtiiT", ""},
    [PERIOD_DROP] = {"ledger.period_drop", "DELETE FROM stock_periods WHERE id = ?1", "i", ""},
    [CODE_NEXT] = {"ledger.code_next",
                   "INSERT INTO batch_code_counters (storage_location_id, product_id, code_date,"
                   " last_seq) VALUES (?1, ?2, ?3, 1)"
                   " ON CONFLICT (storage_location_id, product_id, code_date)"
                   " DO UPDATE SET last_seq = batch_code_counters.last_seq + 1 RETURNING last_seq",
                   "iiD", "i"},
    [BATCH_ADD] = {"ledger.batch_add",
                   "INSERT INTO stock_batches (batch_code, stock_period_id, storage_bin_id,"
                   " product_id, product_state_id, product_size_id, packaging_catalog_id,"
                   " has_packaging, plants_per_container, quantity_initial, quantity_current,"
                   " quantity_empty_containers, status, quality_score, planting_date,"
                   " germination_date, transplant_date, expected_ready_date, parent_batch_id,"
                   " previous_batch_id, created_at, updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                   " ?16, ?17, ?18, ?19, ?20, ?21, ?21) RETURNING id",
                   "tiiiiiibiiiitrDDDDiiT", "i"},
    [BATCH_SET] = {"ledger.batch_set",
                   "UPDATE stock_batches SET quantity_current = ?2,"
                   " quantity_empty_containers = ?3, status = ?4, transplant_date = ?5,"
                   " updated_at = ?6 WHERE id = ?1",
                   "iiitDT", ""},
    [BATCH_PERIOD] = {"ledger.batch_period",
                      "UPDATE stock_batches SET stock_period_id = ?2 WHERE stock_period_id = ?1",
                      "ii", ""},
    [LATEST] = {"ledger.claro_latest",
                "UPDATE storage_locations SET latest_session_id = ?2, updated_at = ?3"
                " WHERE id = ?1",
                "iiT", ""},
    [GROWTH] = {"ledger.product_growth", "SELECT growth_days FROM products WHERE id = ?1", "i",
                "i"},
    [RECON_ADD] = {"ledger.reconciliation_add",
                   "INSERT INTO reconciliations (stock_period_id, storage_location_id, session_id,"
                   " replaces_id, counted_at, accounting_month, status, expected_total,"
                   " observed_total, sales_total, loss_total, surplus_total, flags, created_at,"
                   " updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)"
                   " RETURNING id",
                   "iiiiTttiiiiijT", "i"},
    [RECON_VOID] = {"ledger.reconciliation_void",
                    "UPDATE reconciliations SET status = 'void', updated_at = ?2"
                    " WHERE stock_period_id = ?1 AND status <> 'void'",
                    "iT", ""},
    [RECON_PERIOD] = {"ledger.reconciliation_period",
                      "UPDATE reconciliations SET stock_period_id = ?2, status = 'void',"
                      " updated_at = ?3 WHERE stock_period_id = ?1",
                      "iiT", ""},
    [LINE_ADD] = {"ledger.reconciliation_line_add",
                  "INSERT INTO reconciliation_lines (reconciliation_id, product_id,"
                  " packaging_catalog_id, line_group, outcome, opening, planted, transfer_in,"
                  " transfer_out, deaths, logged_sales, adjustments, expected, observed,"
                  " difference, unit_price_cents)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                  " ?16)",
                  "iiittiiiiiiiiiii", ""},
    [MOVEMENT_ADD] = {"ledger.movement_add",
                      "INSERT INTO stock_movements (uuid, stock_batch_id, movement_type,"
                      " source_type, role, quantity, is_inbound, source_bin_id,"
                      " destination_bin_id, group_uuid, reverses_movement_id, session_id,"
                      " reconciliation_id, unit_price_cents, total_price_cents, user_id, reason,"
                      " occurred_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                      " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) RETURNING id",
                      "uitttibiiuiiiiiitTT", "i"},
};
STORE_QUERIES(ledger_write_queries, queries);
enum {
    CODE_WIDTH = 3,
    BATCH_WIDTH = 21,
    BATCH_SET_WIDTH = 6,
    LINE_WIDTH = 16,
    MOVEMENT_WIDTH = 19
};

static struct store_value date_value(const char *date)
{
    return date[0] ? store_d(date) : store_null();
}

static struct store_value cents_value(int64_t cents)
{
    return cents >= 0 ? store_i(cents) : store_null();
}

static const char *kind_name(enum ledger_type kind)
{
    return kind == LEDGER_TYPE_MAX_ ? "implicit" : ledger_type_names[kind];
}

static int write_bins(struct work *w, const struct book *b, struct dm_err *e)
{
    for (size_t i = 0; i < b->n_bin; i++) {
        struct book_bin *bin = b->bin[i];
        if (!bin->id) {
            DM_TRY(
                bins_make(w->tx, w->c, b->location_id, bin->category, bin->ordinal, &bin->id, e));
        }
    }
    return DM_OK;
}

static int write_period(struct work *w, struct book *b, struct book_period *p, struct dm_err *e)
{
    if (!p || !p->changed) {
        return DM_OK;
    }
    p->changed = false;
    if (!p->id) {
        return store_int(w->tx, &queries[PERIOD_ADD],
                         STORE_ARGS(store_i(b->location_id), store_i(p->seq),
                                    store_t(kind_name(p->kind)), store_at(p->opened_at),
                                    store_ref(p->opening_session_id), store_i(p->opening_count),
                                    store_ref(p->config_id), store_at(w->c->now_ms)),
                         &p->id, e);
    }
    return store_exec(
        w->tx, &queries[PERIOD_SET],
        STORE_ARGS(store_i(p->id), store_t(p->open ? "open" : "closed"),
                   store_t(kind_name(p->kind)), store_at(p->opened_at),
                   store_ref(p->opening_session_id), store_i(p->opening_count),
                   store_ref(p->config_id), p->open ? store_null() : store_at(p->closed_at),
                   p->open ? store_null() : store_t(kind_name(p->closed_kind)),
                   p->open ? store_null() : store_ref(p->closing_session_id),
                   p->open ? store_null() : store_i(p->closing_count), store_at(w->c->now_ms)),
        NULL, e);
}

static const char *status_of(const struct book_batch *b)
{
    return !b->period->open ? "closed" : b->current > 0 ? "active" : "depleted";
}

/* ---- batches ---- */

/* Changed batches of all claros, closed periods first: those that are not stored yet, or those that
 * are. */
static int changed_batches(struct work *w, bool fresh, struct book_batch ***ret, size_t *ret_n,
                           struct dm_err *e)
{
    void **found = NULL;
    size_t n = 0;
    for (size_t i = 0; i < w->n_book; i++) {
        const struct book_period *p[2] = {w->book[i]->previous, w->book[i]->open};
        for (size_t k = 0; k < 2; k++) {
            for (size_t x = 0; p[k] && x < p[k]->n_batch; x++) {
                struct book_batch *b = p[k]->batch[x];
                if (b->changed && fresh == !b->id) {
                    DM_TRY(book_push(w, &found, &n, b, e));
                    b->changed = false;
                }
            }
        }
    }
    *ret = (struct book_batch **)found;
    *ret_n = n;
    return DM_OK;
}

static int rows_of(struct work *w, size_t n, size_t width, struct store_value **ret,
                   struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, n * width, sizeof(struct store_value), &memory, e));
    *ret = memory;
    return DM_OK;
}

/* LOC12-PROD3-20260305-001: the number counts per claro, product and day. */
static int give_codes(struct work *w, struct book_batch **batch, size_t n, struct dm_err *e)
{
    struct store_value *v;
    void *memory;
    DM_TRY(rows_of(w, n, CODE_WIDTH, &v, e));
    DM_TRY(book_alloc(w, n, sizeof(int64_t), &memory, e));
    int64_t *seq = memory;
    for (size_t i = 0; i < n; i++) {
        const struct store_value values[CODE_WIDTH] = {store_i(batch[i]->location_id),
                                                       store_i(batch[i]->key.product_id),
                                                       store_d(batch[i]->code_day)};
        memcpy(v + i * CODE_WIDTH, values, sizeof values);
    }
    DM_TRY(store_each(w->tx, &queries[CODE_NEXT], v, n, seq, e));
    for (size_t i = 0; i < n; i++) {
        const struct book_batch *b = batch[i];
        const char *day = b->code_day;
        (void)snprintf(batch[i]->code, sizeof b->code,
                       "LOC%" PRId64 "-PROD%" PRId64 "-%.4s%.2s%.2s-%03" PRId64, b->location_id,
                       b->key.product_id, day, day + 5, day + 8, seq[i]);
    }
    return DM_OK;
}

static void batch_values(const struct work *w, const struct book_batch *b, struct store_value *v)
{
    const struct book_key *k = &b->key;
    const struct store_value values[BATCH_WIDTH] = {
        store_t(b->code),
        store_i(b->period->id),
        store_i(k->bin->id),
        store_i(k->product_id),
        store_i(k->state_id),
        store_ref(k->size_id),
        store_ref(k->packaging_id),
        store_b(k->packaging_id != 0),
        store_i(b->plants_per_container),
        store_i(b->initial),
        store_i(b->current),
        store_i(b->empties),
        store_t(status_of(b)),
        b->quality < 0 ? store_null() : store_r(b->quality),
        date_value(b->planting),
        date_value(b->germination),
        date_value(b->transplant),
        date_value(b->ready),
        store_ref(b->parent ? b->parent->id : 0),
        store_ref(b->previous ? b->previous->id : 0),
        store_at(w->c->now_ms),
    };
    memcpy(v, values, sizeof values);
}

static bool waits_for_another(const struct book_batch *b)
{
    return (b->parent && !b->parent->id) || (b->previous && !b->previous->id);
}

static int add_batches(struct work *w, struct dm_err *e)
{
    struct book_batch **batch;
    struct store_value *v;
    void *memory;
    size_t n;
    DM_TRY(changed_batches(w, true, &batch, &n, e));
    DM_TRY(give_codes(w, batch, n, e));
    DM_TRY(rows_of(w, n, BATCH_WIDTH, &v, e));
    DM_TRY(book_alloc(w, n, sizeof(int64_t), &memory, e));
    int64_t *id = memory;
    for (size_t from = 0, to; from < n; from = to) {
        to = from;
        do { /* one that comes from another waits for its number */
            batch_values(w, batch[to], v + to * BATCH_WIDTH);
            to++;
        } while (to < n && !waits_for_another(batch[to]));
        DM_TRY(store_each(w->tx, &queries[BATCH_ADD], v + from * BATCH_WIDTH, to - from, id, e));
        for (size_t i = from; i < to; i++) {
            batch[i]->id = id[i - from];
        }
    }
    return DM_OK;
}

static int set_batches(struct work *w, struct dm_err *e)
{
    struct book_batch **batch;
    struct store_value *v;
    size_t n;
    DM_TRY(changed_batches(w, false, &batch, &n, e));
    DM_TRY(rows_of(w, n, BATCH_SET_WIDTH, &v, e));
    for (size_t i = 0; i < n; i++) {
        const struct book_batch *b = batch[i];
        const struct store_value values[BATCH_SET_WIDTH] = {
            store_i(b->id),        store_i(b->current),       store_i(b->empties),
            store_t(status_of(b)), date_value(b->transplant), store_at(w->c->now_ms),
        };
        memcpy(v + i * BATCH_SET_WIDTH, values, sizeof values);
    }
    return store_each(w->tx, &queries[BATCH_SET], v, n, NULL, e);
}

/* ---- rows ---- */

static void row_values(const struct book_row *r, struct store_value *v)
{
    int64_t source = r->source_bin ? r->source_bin->id : r->source_bin_id;
    int64_t destination = r->destination_bin ? r->destination_bin->id : r->destination_bin_id;
    int64_t reconciliation = r->reconciliation ? r->reconciliation->id : r->reconciliation_id;
    const struct store_value values[MOVEMENT_WIDTH] = {
        store_u(r->uuid),
        store_i(r->batch->id),
        store_t(ledger_type_names[r->type]),
        store_t(r->automatic ? "ia" : "manual"),
        store_t(book_role_names[r->role]),
        store_i(r->quantity),
        store_b(r->quantity > 0),
        store_ref(source),
        store_ref(destination),
        r->group[0] ? store_u(r->group) : store_null(),
        store_ref(r->reverses_id),
        store_ref(r->session_id),
        store_ref(reconciliation),
        cents_value(r->unit_price_cents),
        cents_value(r->total_price_cents),
        store_i(r->user_id),
        r->reason ? store_t(r->reason) : store_null(),
        store_at(r->at),
        store_at(r->created_at),
    };
    memcpy(v, values, sizeof values);
}

/* Rows of all claros, closed periods first. */
static int write_rows(struct work *w, struct dm_err *e)
{
    void **fresh = NULL;
    size_t n = 0;
    for (size_t i = 0; i < w->n_book; i++) {
        struct book_period *p[2] = {w->book[i]->previous, w->book[i]->open};
        for (size_t k = 0; k < 2; k++) {
            for (; p[k] && p[k]->n_stored < p[k]->n_row; p[k]->n_stored++) {
                DM_TRY(book_push(w, &fresh, &n, p[k]->row[p[k]->n_stored], e));
            }
        }
    }
    struct store_value *v;
    void *memory;
    DM_TRY(rows_of(w, n, MOVEMENT_WIDTH, &v, e));
    DM_TRY(book_alloc(w, n, sizeof(int64_t), &memory, e));
    int64_t *id = memory;
    for (size_t i = 0; i < n; i++) {
        row_values(fresh[i], v + i * MOVEMENT_WIDTH);
    }
    DM_TRY(store_each(w->tx, &queries[MOVEMENT_ADD], v, n, id, e));
    for (size_t i = 0; i < n; i++) {
        ((struct book_row *)fresh[i])->id = id[i];
    }
    return DM_OK;
}

/* An undone period: its batches now belong to the one before it. */
static int write_dropped(struct work *w, struct book *b, struct dm_err *e)
{
    if (!b->dropped) {
        return DM_OK;
    }
    DM_TRY(store_exec(w->tx, &queries[BATCH_PERIOD],
                      STORE_ARGS(store_i(b->dropped->id), store_i(b->open->id)), NULL, e));
    DM_TRY(store_exec(
        w->tx, &queries[RECON_PERIOD],
        STORE_ARGS(store_i(b->dropped->id), store_i(b->open->id), store_at(w->c->now_ms)), NULL,
        e));
    DM_TRY(store_exec(w->tx, &queries[PERIOD_DROP], STORE_ARGS(store_i(b->dropped->id)), NULL, e));
    b->dropped = NULL;
    return DM_OK;
}

/* What rows point to. Does nothing when called again. */
static int write_heads(struct work *w, struct dm_err *e)
{
    for (size_t i = 0; i < w->n_book; i++) {
        struct book *b = w->book[i];
        DM_TRY(write_bins(w, b, e));
        DM_TRY(write_dropped(w, b, e));
        DM_TRY(write_period(w, b, b->previous, e));
        DM_TRY(write_period(w, b, b->open, e));
        if (b->latest_changed) {
            DM_TRY(store_exec(w->tx, &queries[LATEST],
                              STORE_ARGS(store_i(b->location_id), store_ref(b->latest_session_id),
                                         store_at(w->c->now_ms)),
                              NULL, e));
            b->latest_changed = false;
        }
    }
    return add_batches(w, e);
}

int book_write(struct work *w, struct dm_err *e)
{
    DM_TRY(write_heads(w, e));
    DM_TRY(write_rows(w, e));
    return set_batches(w, e);
}

/* ---- reconciliations ---- */

static void accounting_month(const struct work *w, int64_t at, char ret[static 8])
{
    struct dm_civil day = dm_zone_civil(w->c->zone, at);
    int grace = w->c->settings ? w->c->settings->month_close_grace_days : 5;
    int months = day.year * 12 + day.month - 1 - (day.day <= grace ? 1 : 0);
    (void)snprintf(ret, 8, "%04u-%02u", (unsigned)months / 12 % 10000u, (unsigned)months % 12 + 1);
}

static const char *outcome_of(const struct book_line *l, bool baseline)
{
    return l->surplus ? (baseline ? "baseline" : "surplus")
           : l->sales ? "sale"
           : l->loss  ? "loss"
                      : "match";
}

static int flags_text(struct work *w, uint32_t flags, const char **ret, struct dm_err *e)
{
    char text[160] = "[";
    for (size_t i = 0; book_flag_names[i]; i++) {
        if (flags & (1u << i)) {
            size_t n = strlen(text);
            (void)snprintf(text + n, sizeof text - n, "%s\"%s\"", n > 1 ? "," : "",
                           book_flag_names[i]);
        }
    }
    size_t n = strlen(text);
    (void)snprintf(text + n, sizeof text - n, "]");
    char *copy = dm_arena_strdup(&w->arena, text);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the books");
    }
    *ret = copy;
    return DM_OK;
}

int book_void_recon(struct work *w, const struct book_period *p, struct dm_err *e)
{
    return store_exec(w->tx, &queries[RECON_VOID],
                      STORE_ARGS(store_i(p->id), store_at(w->c->now_ms)), NULL, e);
}

static int write_lines(struct work *w, const struct book_recon *r, struct dm_err *e)
{
    struct store_value *v;
    DM_TRY(rows_of(w, r->n_line, LINE_WIDTH, &v, e));
    for (size_t i = 0; i < r->n_line; i++) {
        const struct book_line *l = &r->line[i];
        const struct store_value values[LINE_WIDTH] = {
            store_i(r->id),
            store_i(l->product_id),
            store_ref(l->packaging_id),
            store_t(l->sellable ? "sellable" : "nursery"),
            store_t(outcome_of(l, (r->flags & BOOK_BASELINE) != 0)),
            store_i(l->opening),
            store_i(l->planted),
            store_i(l->in),
            store_i(l->out),
            store_i(l->deaths),
            store_i(l->logged),
            store_i(l->adjustments),
            store_i(l->expected),
            store_i(l->observed),
            store_i(l->expected - l->observed),
            cents_value(l->price_cents),
        };
        memcpy(v + i * LINE_WIDTH, values, sizeof values);
    }
    return store_each(w->tx, &queries[LINE_ADD], v, r->n_line, NULL, e);
}

int book_write_recon(struct work *w, struct book *b, struct book_recon *r, struct dm_err *e)
{
    int64_t expected = 0;
    int64_t observed = 0;
    int64_t sales = 0;
    int64_t loss = 0;
    int64_t surplus = 0;
    for (size_t i = 0; i < r->n_line; i++) {
        expected += r->line[i].expected;
        observed += r->line[i].observed;
        sales += r->line[i].sales;
        loss += r->line[i].loss;
        surplus += r->line[i].surplus;
    }
    char month[8];
    accounting_month(w, r->counted_at, month);
    const char *flags = NULL;
    DM_TRY(flags_text(w, r->flags, &flags, e));
    DM_TRY(write_heads(w, e));
    DM_TRY(book_void_recon(w, r->period, e));
    DM_TRY(store_int(w->tx, &queries[RECON_ADD],
                     STORE_ARGS(store_i(r->period->id), store_i(b->location_id),
                                store_ref(r->session_id), store_ref(r->replaces_id),
                                store_at(r->counted_at), store_t(month),
                                store_t(book_recon_names[r->status]), store_i(expected),
                                store_i(observed), store_i(sales), store_i(loss), store_i(surplus),
                                store_j(flags), store_at(w->c->now_ms)),
                     &r->id, e));
    return write_lines(w, r, e);
}

/* ---- dates ---- */

int book_set_planting(struct work *w, struct book_batch *b, const char *planting, struct dm_err *e)
{
    memset(b->planting, 0, sizeof b->planting);
    (void)snprintf(b->planting, sizeof b->planting, "%s", planting);
    b->ready[0] = '\0';
    struct dm_civil day;
    if (!planting[0] || !dm_date_parse(planting, &day)) {
        return DM_OK;
    }
    if (w->growth.product_id != b->key.product_id) {
        const struct store_value *v;
        DM_TRY(store_one(w->tx, &queries[GROWTH], STORE_ARGS(store_i(b->key.product_id)), &w->arena,
                         &v, e));
        w->growth = (struct book_known){b->key.product_id, 0, v[0].null ? 0 : v[0].i};
    }
    if (w->growth.value) {
        day.day += (int)w->growth.value;
        dm_zone_date(NULL, dm_zone_instant(NULL, &day), b->ready);
    }
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reversal of a logged movement: a new row with the opposite quantity at the same time, so that the
 * mistake never was, whichever side of a later count it lies on. */
#include "inventory/ledger_run.h"

#define LIMIT_OWN_MS ((int64_t)24 * 3600 * 1000)

enum { PLACES, TOTAL };
static const struct store_query queries[] = {
    [PLACES] = {"ledger.movement_places",
                "SELECT DISTINCT p.storage_location_id, p.status, b.stock_period_id"
                " FROM stock_movements a JOIN stock_movements m ON m.id = a.id OR"
                " (a.movement_type = 'transplante' AND m.group_uuid = a.group_uuid)"
                " JOIN stock_batches b ON b.id = m.stock_batch_id"
                " JOIN stock_periods p ON p.id = b.stock_period_id WHERE a.uuid = ?1"
                " AND (m.id = a.id OR (m.reverses_movement_id IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM stock_movements x WHERE x.reverses_movement_id = m.id)))",
                "u", "iti"},
    [TOTAL] = {"ledger.movement_live",
               "SELECT m.role, m.reverses_movement_id, m.reconciliation_id,"
               " (SELECT count(*) FROM stock_movements x WHERE x.reverses_movement_id = m.id)"
               " FROM stock_movements m WHERE m.uuid = ?1",
               "u", "tiii"},
};
STORE_QUERIES(ledger_reverse_queries, queries);

static struct book_row *row_named(const struct book_period *p, const char *uuid)
{
    for (size_t i = 0; p && i < p->n_row; i++) {
        if (!strcmp(p->row[i]->uuid, uuid)) {
            return p->row[i];
        }
    }
    return NULL;
}

/* The opening row of a claro's first count, made by hand: nothing was closed by it. */
static bool first_manual(const struct book_row *r)
{
    const struct book_period *p = r->batch->period;
    return r->role == BOOK_OPENING && r->type == LEDGER_MANUAL_INIT && p->seq == 1 &&
           p->kind == LEDGER_MANUAL_INIT;
}

static int check_row(const struct inv_ctx *c, const struct book_row *r, struct dm_err *e)
{
    if (!book_live(r)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the movement is reversed already, or a reversal");
    }
    bool logged = (r->role == BOOK_REGULAR || r->role == BOOK_CARRY) && !r->reconciliation_id;
    if (!logged && !first_manual(r)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "a count wrote this row: correct or undo the count");
    }
    int grant = inv_permit(c, INV_DO_REVERSE, e);
    DM_TRY(grant);
    if (grant == INV_GRANT_OWN &&
        (r->user_id != c->user_id || c->now_ms - r->created_at > LIMIT_OWN_MS)) {
        DM_FAIL(e, INV_FORBIDDEN, "only your own movements of the last 24 hours");
    }
    return DM_OK;
}

/* Undo what the movement did to the empty pots. */
static void restore_empties(struct book_row *r, int64_t before)
{
    struct book_batch *b = r->batch;
    if (r->type == LEDGER_MUERTE && b->key.packaging_id) {
        int64_t filled = book_pots(b, b->current) - book_pots(b, before);
        b->empties -= DM_MIN(filled, b->empties);
    }
}

static int reverse_one(struct work *w, struct book_row *r, const char *reason,
                       struct ledger_report *report, struct dm_err *e)
{
    int64_t before = r->batch->current;
    struct book_bin *bin = r->batch->key.bin;
    if (r->quantity < 0 && bin->retired) {
        DM_FAIL(e, INV_BIN_NOT_ACTIVE, "the container of batch %s is retired", r->batch->code);
    }
    struct book_row *back;
    DM_TRY(book_reverse(w, r, r->role == BOOK_OPENING ? BOOK_CORRECTION : r->role, &back, e));
    back->reason = reason ? reason : r->reason;
    back->session_id = r->session_id;
    if (r->role == BOOK_OPENING) {
        r->batch->period->opening_count -= r->quantity;
        r->batch->period->changed = true;
    }
    restore_empties(r, before);
    return ledger_report_row(w, report, back, e);
}

/* No balance of a touched batch may be negative at any time. */
static int check_balances(struct work *w, const struct ledger_report *report, struct dm_err *e)
{
    for (size_t i = 0; i < report->n_row; i++) {
        int64_t least;
        DM_TRY(book_available(w, report->row[i]->batch, report->row[i]->at, &least, e));
        if (least < 0) {
            DM_FAIL(e, INV_NEGATIVE_STOCK, "batch %s no longer has these plants",
                    report->row[i]->batch->code);
        }
    }
    return DM_OK;
}

static int plan_reverse(struct work *w, const void *in, struct ledger_report *report,
                        struct dm_err *e)
{
    const struct ledger_reverse *r = in;
    const struct store_value *v;
    struct store_args uuid = STORE_ARGS(store_u(r->movement_uuid));
    int found = store_maybe(w->tx, &queries[TOTAL], uuid, &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no movement %s", r->movement_uuid);
    }
    if (!v[1].null || v[3].i > 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the movement is reversed already, or a reversal");
    }
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[PLACES], uuid, &w->arena, &t, e));
    void *memory;
    DM_TRY(book_alloc(w, t.n, sizeof(int64_t), &memory, e));
    int64_t *place = memory;
    for (size_t i = 0; i < t.n; i++) {
        place[i] = store_row(&t, i)[0].i;
    }
    DM_TRY(book_lock(w, place, t.n, e));
    struct book_row *asked = NULL;
    for (size_t i = 0; i < w->n_book; i++) {
        struct book_row *x = row_named(w->book[i]->open, r->movement_uuid);
        report->book = x ? w->book[i] : report->book;
        asked = x ? x : asked;
    }
    bool counted = !strcmp(v[0].t, "opening") || !strcmp(v[0].t, "closing") ||
                   !strcmp(v[0].t, "correction") || !v[2].null;
    if (!asked) {
        DM_FAIL(e, counted ? INV_INVALID_TRANSITION : INV_PERIOD_CLOSED,
                "the period of the movement is closed");
    }
    DM_TRY(check_row(w->c, asked, e));
    DM_TRY(reverse_one(w, asked, r->reason, report, e));
    memcpy(report->row[0]->uuid, r->uuid, LEDGER_UUID_SIZE);
    for (size_t i = 0; i < t.n; i++) { /* after the lock: still all in open periods? */
        const struct book *b = book_of(w, store_row(&t, i)[0].i);
        if (!b->open || b->open->id != store_row(&t, i)[2].i) {
            DM_FAIL(e, INV_PERIOD_CLOSED, "claro %s was counted since", b->code);
        }
    }
    bool legs = asked->type == LEDGER_TRANSPLANTE && asked->group[0];
    for (size_t i = 0; i < w->n_book && legs; i++) {
        struct book_period *p = w->book[i]->open;
        for (size_t k = 0; p && k < p->n_stored; k++) {
            struct book_row *x = p->row[k];
            if (book_live(x) && !strcmp(x->group, asked->group)) {
                DM_TRY(reverse_one(w, x, r->reason, report, e));
            }
        }
    }
    report->batch = asked->batch;
    return check_balances(w, report, e);
}

static int check_call(const struct inv_ctx *c, const struct ledger_reverse *r,
                      struct dm_buf *content, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_REVERSE, e));
    DM_TRY(ledger_check_uuid(r->movement_uuid, e));
    dm_buf_printf(content, "reverse %s %s", r->movement_uuid, r->reason ? r->reason : "");
    return DM_OK;
}

int ledger_reverse(const struct inv_ctx *c, const struct ledger_reverse *r, struct dm_arena *a,
                   struct ledger_result *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf content = dm_buf_init(LEDGER_CONTENT_BYTES);
    DM_TRY(check_call(c, r, &content, e));
    return ledger_run(c, r->uuid, &content, plan_reverse, r, a, ret, e);
}

int ledger_reverse_in(struct store_tx *tx, const struct inv_ctx *c, const struct ledger_reverse *r,
                      struct dm_arena *a, struct ledger_result *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf content = dm_buf_init(LEDGER_CONTENT_BYTES);
    DM_TRY(check_call(c, r, &content, e));
    return ledger_run_in(tx, c, r->uuid, &content, plan_reverse, r, a, ret, e);
}

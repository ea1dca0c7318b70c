/* SPDX-License-Identifier: Apache-2.0
 *
 * Review of reconciliations (domain.md 11.3): accept, dispute, and turning part of a calculated
 * sale into deaths or losses, or back. */
#include "inventory/count.h"
#include "inventory/ledger_run.h"

enum { FIND, TOTALS, REVIEW, STATUS };
static const struct store_query queries[] = {
    [FIND] = {"ledger.reconciliation",
              "SELECT storage_location_id, stock_period_id, status, counted_at, session_id"
              " FROM reconciliations WHERE id = ?1",
              "i", "iitTi"},
    [TOTALS] = {"ledger.reconciliation_shift",
                "UPDATE reconciliations SET sales_total = sales_total - ?2,"
                " loss_total = loss_total + ?2, updated_at = ?3 WHERE id = ?1",
                "iiT", ""},
    [REVIEW] = {"ledger.reconciliation_review",
                "UPDATE reconciliations SET status = ?2, cause = ?3, note = ?4,"
                " reviewed_by_user_id = ?5, reviewed_at = ?6, updated_at = ?6 WHERE id = ?1",
                "itttiT", ""},
    [STATUS] = {"ledger.reconciliation_lock",
                "SELECT status FROM reconciliations WHERE id = ?1 {for_update}", "i", "t"},
};
STORE_QUERIES(ledger_reclassify_queries, queries);

static bool open_to_review(const char *status)
{
    return !strcmp(status, "posted") || !strcmp(status, "disputed");
}

/* What the count and later corrections booked on a batch with a type: negative for outflow. */
static int64_t booked(const struct book_batch *b, enum ledger_type type)
{
    int64_t sum = 0;
    for (size_t i = 0; i < b->period->n_stored; i++) {
        const struct book_row *r = b->period->row[i];
        sum += r->batch == b && r->type == type && r->reconciliation_id && book_live(r)
                   ? r->quantity
                   : 0;
    }
    return sum;
}

static int add_pair(struct work *w, struct book_batch *b, const struct ledger_reclassify *in,
                    int64_t at, int64_t session, int64_t q, struct ledger_report *report,
                    struct dm_err *e)
{
    char group[LEDGER_UUID_SIZE];
    store_uuid_new(group);
    int64_t price;
    DM_TRY(book_price(w, b->key.product_id, b->key.packaging_id, &price, e));
    for (int i = 0; i < 2; i++) {
        enum ledger_type type = i ? in->to : in->from;
        struct book_row *r;
        DM_TRY(book_add_row(w, b, type, BOOK_CORRECTION, i ? -q : q, at, &r, e));
        memcpy(r->group, group, sizeof r->group);
        r->reconciliation_id = in->reconciliation_id;
        r->session_id = session;
        r->reason = in->reason;
        if (type == LEDGER_VENTAS && price >= 0) {
            r->unit_price_cents = price;
            r->total_price_cents = price * book_pots(b, q);
        }
        DM_TRY(ledger_report_row(w, report, r, e));
    }
    return DM_OK;
}

static int plan(struct work *w, const void *context, struct ledger_report *report, struct dm_err *e)
{
    const struct ledger_reclassify *in = context;
    const struct store_value *v;
    int found = store_maybe(w->tx, &queries[FIND], STORE_ARGS(store_i(in->reconciliation_id)),
                            &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no reconciliation %lld",
                (long long)in->reconciliation_id);
    }
    int64_t location = v[0].i;
    DM_TRY(book_lock(w, &location, 1, e)); /* its status may have changed until now */
    DM_TRY(store_one(w->tx, &queries[FIND], STORE_ARGS(store_i(in->reconciliation_id)), &w->arena,
                     &v, e));
    if (!open_to_review(v[2].t)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the reconciliation is %s", v[2].t);
    }
    struct book *b = book_of(w, location);
    DM_TRY(book_load_period(w, b, v[1].i, e));
    const struct book_line line = {.product_id = in->product_id,
                                   .packaging_id = DM_MAX(in->packaging_id, 0),
                                   .sellable = !in->nursery};
    int64_t left = in->quantity;
    for (size_t i = 0; i < b->previous->n_batch && left > 0; i++) {
        struct book_batch *x = b->previous->batch[i];
        int64_t q = DM_MIN(-booked(x, in->from), left);
        if (q > 0 && count_on_line(w, &line, &x->key)) {
            DM_TRY(add_pair(w, x, in, v[3].i, v[4].null ? 0 : v[4].i, q, report, e));
            left -= q;
        }
    }
    if (left > 0) {
        DM_FAIL(e, INV_INSUFFICIENT_STOCK, "the line has only %lld of them",
                (long long)(in->quantity - left));
    }
    int64_t shift = in->from == LEDGER_VENTAS ? in->quantity
                    : in->to == LEDGER_VENTAS ? -in->quantity
                                              : 0;
    if (shift != 0) {
        DM_TRY(store_exec(
            w->tx, &queries[TOTALS],
            STORE_ARGS(store_i(in->reconciliation_id), store_i(shift), store_at(w->c->now_ms)),
            NULL, e));
    }
    memcpy(report->row[0]->uuid, in->uuid, LEDGER_UUID_SIZE);
    report->book = b;
    report->batch = report->row[0]->batch;
    return DM_OK;
}

static bool reclassifiable(enum ledger_type t)
{
    return t == LEDGER_VENTAS || t == LEDGER_MUERTE || t == LEDGER_AJUSTE;
}

int ledger_reclassify(const struct inv_ctx *c, const struct ledger_reclassify *r,
                      struct dm_arena *a, struct ledger_result *ret, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_RECONCILE, e));
    DM_TRY(ledger_check_reason(r->reason, e));
    if (!reclassifiable(r->from) || !reclassifiable(r->to) || r->from == r->to ||
        r->quantity <= 0) {
        DM_FAIL(e, INV_VALIDATION, "some plants from one of ventas, muerte, ajuste to another");
    }
    if (r->to == LEDGER_VENTAS && r->nursery) {
        DM_FAIL(e, INV_STATE_NOT_SELLABLE, "nursery plants are not sold");
    }
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LEDGER_CONTENT_BYTES);
    dm_buf_printf(&text, "reclassify %lld %lld %lld %d %d %d %lld %s",
                  (long long)r->reconciliation_id, (long long)r->product_id,
                  (long long)r->packaging_id, r->nursery, (int)r->from, (int)r->to,
                  (long long)r->quantity, r->reason);
    return ledger_run(c, r->uuid, &text, plan, r, a, ret, e);
}

/* ---- accept, dispute ---- */

static const char *const causes[] = {
    "theft",     "unrecorded_death", "unrecorded_sale", "count_error",
    "csv_error", "timing",           "other",           NULL};

struct review {
    const struct inv_ctx *c;
    int64_t id;
    bool accept;
    const char *cause, *note;
};

static int review(struct store_tx *tx, void *context, struct dm_err *e)
{
    const struct review *r = context;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    int found = store_maybe(tx, &queries[STATUS], STORE_ARGS(store_i(r->id)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no reconciliation %lld", (long long)r->id);
    }
    const char *to = r->accept ? "accepted" : "disputed";
    if (!open_to_review(v[0].t) && strcmp(v[0].t, "accepted") != 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the reconciliation is %s", v[0].t);
    }
    DM_TRY(store_exec(tx, &queries[REVIEW],
                      STORE_ARGS(store_i(r->id), store_t(to),
                                 r->cause ? store_t(r->cause) : store_null(),
                                 r->note ? store_t(r->note) : store_null(), store_i(r->c->user_id),
                                 store_at(r->c->now_ms)),
                      NULL, e));
    json_t *before = json_pack("{s:s}", "status", v[0].t);
    json_t *after =
        json_pack("{s:s, s:s?, s:s?}", "status", to, "cause", r->cause, "note", r->note);
    int done = audit_write(tx, r->c, "review", "reconciliations", r->id, before, after, e);
    json_decref(before);
    json_decref(after);
    return done;
}

int ledger_review(const struct inv_ctx *c, int64_t reconciliation_id, bool accept,
                  const char *cause, const char *note, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_RECONCILE, e));
    size_t i = 0;
    while (cause && causes[i] && strcmp(causes[i], cause) != 0) {
        i++;
    }
    if (cause ? !causes[i] : !accept) {
        DM_FAIL(e, INV_VALIDATION, "a cause out of the list is needed");
    }
    struct review r = {c, reconciliation_id, accept, cause, note};
    return store_run(c->store, STORE_WRITE, review, &r, e);
}

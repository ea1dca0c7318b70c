/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking the opening count of a period back (domain.md 12.3): all its rows are reversed, its empty
 * batches pass to the period before, which is open again; without one the claro keeps an implicit
 * period. */
#include "inventory/count.h"

static int by_batch_id(const void *a, const void *b)
{
    const struct book_batch *const *x = a;
    const struct book_batch *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static int by_row_id(const void *a, const void *b)
{
    const struct book_row *const *x = a;
    const struct book_row *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static int take_back(struct work *w, struct book_row *r, const char *reason, struct dm_err *e)
{
    struct book_row *back;
    DM_TRY(book_reverse(w, r, r->role == BOOK_CARRY ? BOOK_CARRY : BOOK_CORRECTION, &back, e));
    back->reason = reason;
    return DM_OK;
}

/* The first count of a claro: nothing was there before it. */
static int undo_first(struct work *w, struct book *b, const char *reason, struct dm_err *e)
{
    struct book_period *p = b->open;
    for (size_t i = 0; i < p->n_stored; i++) {
        if (book_live(p->row[i])) {
            DM_TRY(take_back(w, p->row[i], reason, e));
        }
    }
    p->kind = LEDGER_TYPE_MAX_;
    p->opening_session_id = 0;
    p->opening_count = 0;
    p->changed = true;
    return DM_OK;
}

/* A movement that the count had carried over: the row that took it back, and how many of its plants
 * come home. */
struct carried {
    const struct book_row *back;
    int64_t home;
};

static bool repeats(const struct book_row *r, const struct book_row *back)
{
    return r->role == BOOK_CARRY && book_live(r) && !strcmp(r->group, back->group) &&
           (r->quantity > 0) == (back->quantity < 0);
}

/* What is still there of the carried movements: their repeats, less what was reversed since. Legs
 * of a transplante share a group for good, so that what an earlier, undone count had carried looks
 * the same: the latest come first. */
static void still_carried(const struct book_period *undone, struct carried *c, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        int64_t sum = 0;
        for (size_t k = 0; k < undone->n_stored; k++) {
            sum += repeats(undone->row[k], c[i].back) ? undone->row[k]->quantity : 0;
        }
        for (size_t k = i + 1; k < n; k++) {
            bool same = !strcmp(c[k].back->group, c[i].back->group) &&
                        (c[k].back->quantity > 0) == (c[i].back->quantity > 0);
            sum -= same ? c[k].home : 0;
        }
        c[i].home = llabs(sum) < llabs(c[i].back->quantity) ? sum : -c[i].back->quantity;
    }
}

/* A carried movement comes back to the batch it was made on, as what it was: logged by a person, or
 * carried there by the count before. */
static int bring_home(struct work *w, const struct book_period *old, const struct carried *c,
                      struct dm_err *e)
{
    const struct book_row *m = NULL;
    for (size_t i = 0; i < old->n_stored && !m; i++) {
        m = old->row[i]->id == c->back->reverses_id ? old->row[i] : NULL;
    }
    if (!m || c->home == 0) {
        return DM_OK;
    }
    struct book_row *row;
    DM_TRY(book_add_row(w, m->batch, m->type, m->role, c->home, m->at, &row, e));
    memcpy(row->group, m->group, sizeof row->group); /* the count before may look for it, too */
    row->automatic = m->automatic;
    row->session_id = m->session_id;
    row->user_id = m->user_id;
    row->reason = m->reason;
    row->unit_price_cents = m->unit_price_cents;
    row->total_price_cents = m->total_price_cents;
    if (m->type == LEDGER_TRANSPLANTE) {
        row->source_bin = NULL;
        row->destination_bin = NULL;
        row->source_bin_id = m->source_bin_id;
        row->destination_bin_id = m->destination_bin_id;
    }
    return DM_OK;
}

/* The reopened period takes over batches and rows of the undone one. */
static int merge(struct work *w, struct book *b, struct dm_err *e)
{
    struct book_period *old = b->previous;
    struct book_period *undone = b->open;
    void **batches = (void **)old->batch;
    void **rows = (void **)old->row;
    for (size_t i = 0; i < undone->n_batch; i++) {
        DM_TRY(book_push(w, &batches, &old->n_batch, undone->batch[i], e));
        undone->batch[i]->period = old;
    }
    for (size_t i = 0; i < undone->n_stored; i++) {
        DM_TRY(book_push(w, &rows, &old->n_row, undone->row[i], e));
    }
    old->batch = (struct book_batch **)batches;
    old->row = (struct book_row **)rows;
    if (old->n_batch) {
        qsort(old->batch, old->n_batch, sizeof(struct book_batch *), by_batch_id);
    }
    if (old->n_row) {
        qsort(old->row, old->n_row, sizeof(struct book_row *), by_row_id);
    }
    old->n_stored = old->n_row;
    for (size_t i = 0; i < old->n_batch; i++) {
        old->batch[i]->changed = true; /* its status is */
    }
    return DM_OK;
}

static int check_bins(const struct book_period *p, struct dm_err *e)
{
    for (size_t i = 0; i < p->n_batch; i++) {
        if (p->batch[i]->current > 0 && p->batch[i]->key.bin->retired) {
            DM_FAIL(e, INV_BIN_NOT_ACTIVE, "the container of batch %s is retired",
                    p->batch[i]->code);
        }
    }
    return DM_OK;
}

/* Written by the count when it closed the period before, or opened this one. */
static bool of_count(const struct book_row *r, const struct book_period *undone,
                     const struct book_period *old)
{
    if (!book_live(r)) {
        return false;
    }
    if (r->batch->period == undone) {
        return true;
    }
    return r->role == BOOK_CLOSING || r->reconciliation_id ||
           (r->role == BOOK_CORRECTION && r->at == old->closed_at);
}

static int undo_later(struct work *w, struct book *b, const char *reason, struct dm_err *e)
{
    DM_TRY(book_load_previous(w, b, e));
    struct book_period *old = b->previous;
    struct book_period *undone = b->open;
    void *memory;
    size_t n = 0;
    DM_TRY(book_alloc(w, old->n_stored + undone->n_stored, sizeof(struct book_row *), &memory, e));
    struct book_row **rows = memory;
    for (size_t i = 0; i < old->n_stored + undone->n_stored; i++) {
        struct book_row *r = i < old->n_stored ? old->row[i] : undone->row[i - old->n_stored];
        if (of_count(r, undone, old)) {
            rows[n++] = r;
        }
    }
    size_t n_old = old->n_stored;
    DM_TRY(book_alloc(w, n_old, sizeof(struct carried), &memory, e));
    struct carried *back = memory;
    size_t n_back = 0;
    for (size_t i = 0; i < n_old; i++) {
        const struct book_row *r = old->row[i];
        if (r->role == BOOK_CARRY && r->reverses_id && r->at > old->closed_at) {
            back[n_back++].back = r;
        }
    }
    struct book_period as_was = *undone; /* its rows as they are now */
    DM_TRY(merge(w, b, e));
    still_carried(&as_was, back, n_back);
    for (size_t i = 0; i < n_back; i++) {
        DM_TRY(bring_home(w, old, &back[i], e));
    }
    for (size_t i = 0; i < n; i++) {
        DM_TRY(take_back(w, rows[i], reason, e));
    }
    old->open = true;
    old->changed = true;
    old->closed_kind = LEDGER_TYPE_MAX_;
    DM_TRY(book_void_recon(w, old, e));
    b->dropped = undone;
    b->open = old;
    b->previous = NULL;
    b->last_seq--;
    return check_bins(old, e);
}

int count_undo(struct work *w, struct book *b, const char *reason, struct dm_err *e)
{
    struct book_period *p = b->open;
    if (!p || p->kind == LEDGER_TYPE_MAX_) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "claro %s has no count that could be undone", b->code);
    }
    for (size_t i = 0; i < p->n_row; i++) {
        if (book_live(p->row[i]) && p->row[i]->role == BOOK_REGULAR) {
            DM_FAIL(e, INV_LATER_MOVEMENTS, "claro %s has movements since the count", b->code);
        }
    }
    DM_TRY(p->seq == 1 ? undo_first(w, b, reason, e) : undo_later(w, b, reason, e));
    b->latest_session_id = b->open->opening_session_id;
    b->latest_changed = true;
    return DM_OK;
}

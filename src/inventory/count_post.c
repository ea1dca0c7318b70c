/* SPDX-License-Identifier: Apache-2.0
 *
 * Posting a count (domain.md 11.1): compare, book what is missing as sold or lost, close the
 * period, open the next one with what was counted. */
#include "inventory/count.h"

bool count_is_opening(const struct book_row *r)
{
    return r->role == BOOK_OPENING || (r->role == BOOK_CORRECTION && !r->reconciliation_id &&
                                       !r->reconciliation && r->at == r->batch->period->opened_at);
}

bool count_blank(const struct book *b)
{
    const struct book_period *p = b->open;
    for (size_t i = 0; p && i < p->n_row; i++) {
        if (book_live(p->row[i])) {
            return false;
        }
    }
    return p && p->seq == 1 && p->kind == LEDGER_TYPE_MAX_;
}

/* ---- comparison ---- */

/* Where a row belongs in the columns of its line. */
static void add_to_line(struct book_line *l, const struct book_row *r)
{
    int64_t q = r->quantity;
    if (!book_live(r)) {
        return; /* pairs cancel out */
    }
    if (count_is_opening(r)) {
        l->opening += q;
        return;
    }
    switch (r->type) {
    case LEDGER_PLANTAR:
    case LEDGER_SEMBRAR:
        l->planted += q;
        break;
    case LEDGER_TRANSPLANTE:
        *(q > 0 ? &l->in : &l->out) += llabs(q);
        break;
    case LEDGER_MUERTE:
        l->deaths -= q;
        break;
    case LEDGER_VENTAS:
        l->logged -= q;
        break;
    case LEDGER_AJUSTE:
    case LEDGER_FOTO:
    case LEDGER_MANUAL_INIT:
    case LEDGER_TYPE_MAX_:
        l->adjustments += q;
        break;
    }
}

void count_settle(struct book_line *l)
{
    int64_t missing = l->expected - l->observed;
    l->sales = l->sellable ? DM_MAX(missing, 0) : 0;
    l->loss = l->sellable ? 0 : DM_MAX(missing, 0);
    l->surplus = DM_MAX(-missing, 0);
}

/* Flags that follow from the lines. */
static void set_flags(const struct count *c, struct book_recon *r)
{
    bool implicit = r->period->kind == LEDGER_TYPE_MAX_;
    bool changed = c->photo && r->period->config_id != c->config.id;
    r->flags = c->flags;
    for (size_t i = 0; i < r->n_line; i++) {
        const struct book_line *l = &r->line[i];
        r->flags |= l->surplus ? (implicit ? BOOK_BASELINE : BOOK_SURPLUS) : 0;
        if (changed && l->expected > 0 && l->product_id != c->config.product_id) {
            r->flags |= BOOK_CROP;
        }
    }
}

int count_compare(struct work *w, struct book *b, const struct count *c, struct book_recon *ret,
                  struct dm_err *e)
{
    struct book_recon r = {
        .period = b->open, .session_id = c->session_id, .counted_at = c->at, .status = BOOK_POSTED};
    for (size_t i = 0; i < b->open->n_row; i++) {
        const struct book_row *row = b->open->row[i];
        const struct book_key *k = &row->batch->key;
        if (row->at <= c->at) {
            struct book_line *l;
            DM_TRY(count_line(w, &r, k->product_id, k->packaging_id, book_sellable(w, k), &l, e));
            l->expected += row->quantity;
            add_to_line(l, row);
        }
    }
    for (size_t i = 0; i < c->n_entry; i++) {
        const struct book_key *k = &c->entry[i].key;
        struct book_line *l;
        DM_TRY(count_line(w, &r, k->product_id, k->packaging_id, book_sellable(w, k), &l, e));
        l->observed += c->entry[i].quantity;
    }
    size_t kept = 0;
    for (size_t i = 0; i < r.n_line; i++) { /* dead rows alone make no line */
        const struct book_line *l = &r.line[i];
        if (l->opening || l->planted || l->in || l->out || l->deaths || l->logged ||
            l->adjustments || l->observed) {
            r.line[kept++] = *l;
        }
    }
    r.n_line = kept;
    for (size_t i = 0; i < r.n_line; i++) {
        count_settle(&r.line[i]);
        DM_TRY(
            book_price(w, r.line[i].product_id, r.line[i].packaging_id, &r.line[i].price_cents, e));
    }
    set_flags(c, &r);
    *ret = r;
    return DM_OK;
}

/* ---- what the count found ---- */

/* Posting while it runs. left[i]: plants of the i-th batch at the time of the count. */
struct posting {
    struct work *w;
    struct book *b;
    struct count *c;
    struct book_recon *r;
    struct book_period *old;
    int64_t *left;
    size_t n_left;
};

static int found_row(struct posting *p, struct book_batch *b, const struct book_line *l,
                     int64_t quantity, int64_t left, struct dm_err *e)
{
    bool sale = l->sellable && quantity < 0;
    struct book_row *row;
    DM_TRY(book_add_row(p->w, b, sale ? LEDGER_VENTAS : LEDGER_AJUSTE, BOOK_REGULAR, quantity,
                        p->c->at, &row, e));
    row->automatic = true;
    row->session_id = p->c->session_id;
    row->user_id = p->c->user_id;
    row->reconciliation = p->r;
    row->reason = sale           ? "calculated sale"
                  : quantity < 0 ? "missing at the count"
                                 : "more than expected at the count";
    if (sale && l->price_cents >= 0) {
        int64_t pots = book_pots(b, left) - book_pots(b, left + quantity);
        row->unit_price_cents = l->price_cents;
        row->total_price_cents = l->price_cents * pots;
    }
    return DM_OK;
}

/* Missing plants leave the oldest batches first. */
static int take_missing(struct posting *p, struct book_line *l, struct dm_err *e)
{
    int64_t missing = l->sales + l->loss;
    for (size_t i = 0; i < p->n_left && missing > 0; i++) {
        struct book_batch *b = p->old->batch[i];
        int64_t q = DM_MIN(p->left[i], missing);
        if (q <= 0 || !count_on_line(p->w, l, &b->key)) {
            continue;
        }
        DM_TRY(found_row(p, b, l, -q, p->left[i], e));
        const struct book_state *s = book_state(p->w, b->key.state_id);
        if (!l->sellable && s && strcmp(s->code, "SEED") != 0) {
            p->r->flags |= BOOK_LOSS; /* seed that did not come up is normal */
        }
        p->left[i] -= q;
        missing -= q;
    }
    return DM_OK;
}

/* Surplus goes to the newest batch of the line; one is made where there is none. */
static int add_surplus(struct posting *p, const struct book_line *l, struct dm_err *e)
{
    size_t to = p->n_left;
    for (size_t i = p->n_left; i-- > 0;) {
        if (count_on_line(p->w, l, &p->old->batch[i]->key) &&
            (to == p->n_left || (p->left[to] <= 0 && p->left[i] > 0))) {
            to = i;
        }
    }
    for (size_t i = 0; i < p->c->n_entry && to == p->n_left; i++) {
        const struct count_entry *x = &p->c->entry[i];
        struct book_batch *made;
        if (count_on_line(p->w, l, &x->key)) {
            DM_TRY(book_add_batch(p->w, p->b, p->old, &x->key, x->plants_per_container, p->c->at,
                                  &made, e));
            p->n_left++;
            break;
        }
    }
    DM_TRY(found_row(p, p->old->batch[to], l, l->surplus, p->left[to], e));
    p->left[to] += l->surplus;
    return DM_OK;
}

/* ---- from the old period to the new one ---- */

static enum ledger_type kind_of(const struct count *c)
{
    return c->photo ? LEDGER_FOTO : LEDGER_MANUAL_INIT;
}

static int close_old(struct posting *p, struct dm_err *e)
{
    for (size_t i = 0; i < p->n_left; i++) {
        if (p->left[i] > 0) {
            struct book_row *row;
            DM_TRY(book_add_row(p->w, p->old->batch[i], kind_of(p->c), BOOK_CLOSING, -p->left[i],
                                p->c->at, &row, e));
            row->automatic = p->c->photo;
            row->session_id = p->c->session_id;
            row->user_id = p->c->user_id;
        }
        p->old->batch[i]->changed = true; /* its status is */
    }
    p->old->open = false;
    p->old->changed = true;
    p->old->closed_at = p->c->at;
    p->old->closed_kind = kind_of(p->c);
    p->old->closing_session_id = p->c->session_id;
    p->old->closing_count = 0;
    for (size_t i = 0; i < p->c->n_entry; i++) {
        p->old->closing_count += p->c->entry[i].quantity;
    }
    return DM_OK;
}

/* The batch before: same key, else same product and pot; the one with most plants, then the oldest.
 */
static struct book_batch *before(const struct posting *p, const struct book_key *k)
{
    struct book_batch *best = NULL;
    bool best_exact = false;
    int64_t best_left = 0;
    for (size_t i = 0; p->old && i < p->n_left; i++) {
        const struct book_key *was = &p->old->batch[i]->key;
        bool exact = book_key_same(was, k);
        bool like = was->product_id == k->product_id && was->packaging_id == k->packaging_id;
        if (p->left[i] > 0 && like &&
            (!best || exact > best_exact || (exact == best_exact && p->left[i] > best_left))) {
            best = p->old->batch[i];
            best_exact = exact;
            best_left = p->left[i];
        }
    }
    return best;
}

static int open_entry(struct posting *p, struct count_entry *x, int64_t at, struct dm_err *e)
{
    struct book_batch *b;
    DM_TRY(book_add_batch(p->w, p->b, p->b->open, &x->key, x->plants_per_container, at, &b, e));
    b->previous = before(p, &x->key);
    const char *planting = x->planting && x->planting[0] ? x->planting
                           : b->previous                 ? b->previous->planting
                                                         : "";
    DM_TRY(book_set_planting(p->w, b, planting, e));
    if (b->previous && strcmp(b->previous->germination, b->planting) >= 0) {
        memcpy(b->germination, b->previous->germination, sizeof b->germination);
    }
    b->empties = x->empties;
    b->quality = x->quality;
    struct book_row *row;
    DM_TRY(book_add_row(p->w, b, kind_of(p->c), BOOK_OPENING, x->quantity, at, &row, e));
    row->automatic = p->c->photo;
    row->session_id = p->c->session_id;
    row->user_id = p->c->user_id;
    row->reason = p->c->reason;
    p->b->open->opening_count += x->quantity;
    x->batch = b;
    x->row = row;
    return DM_OK;
}

static int open_entries(struct posting *p, int64_t at, struct dm_err *e)
{
    p->b->open->opening_session_id = p->c->session_id;
    p->b->open->validated = false;
    for (size_t i = 0; i < p->c->n_entry; i++) {
        DM_TRY(open_entry(p, &p->c->entry[i], at, e));
    }
    return DM_OK;
}

/* ---- movements after the count ---- */

static int by_time(const void *a, const void *b)
{
    const struct book_row *const *x = a;
    const struct book_row *const *y = b;
    return (*x)->at != (*y)->at ? ((*x)->at < (*y)->at ? -1 : 1)
                                : ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static int repeat_row(struct posting *p, const struct book_row *m, struct book_batch *b, int64_t q,
                      const char *group, struct dm_err *e)
{
    struct book_row *row;
    DM_TRY(book_add_row(p->w, b, m->type, BOOK_CARRY, q, m->at, &row, e));
    memcpy(row->group, group, sizeof row->group);
    row->automatic = m->automatic;
    row->session_id = m->session_id;
    row->user_id = m->user_id;
    row->reason = m->reason;
    row->unit_price_cents = m->unit_price_cents;
    if (m->unit_price_cents >= 0) {
        row->total_price_cents =
            m->unit_price_cents * llabs(book_pots(b, b->current) - book_pots(b, b->current - q));
    }
    if (m->type == LEDGER_TRANSPLANTE) {
        row->source_bin_id = m->source_bin_id;
        row->destination_bin_id = m->destination_bin_id;
        if (q > 0) {
            row->destination_bin = b->key.bin;
        } else {
            row->source_bin = b->key.bin;
        }
    }
    if (m->type == LEDGER_MUERTE && b->key.packaging_id) {
        b->empties += book_pots(b, b->current - q) - book_pots(b, b->current);
    }
    return DM_OK;
}

static int repeat_in(struct posting *p, const struct book_row *m, const char *group,
                     struct dm_err *e)
{
    struct book_batch *b = NULL;
    for (size_t i = 0; i < p->b->open->n_batch && !b; i++) {
        b = book_key_same(&p->b->open->batch[i]->key, &m->batch->key) ? p->b->open->batch[i] : NULL;
    }
    if (!b) {
        DM_TRY(book_add_batch(p->w, p->b, p->b->open, &m->batch->key,
                              m->batch->plants_per_container, m->at, &b, e));
        DM_TRY(book_set_planting(p->w, b, m->batch->planting, e));
        memcpy(b->germination, m->batch->germination, sizeof b->germination);
        memcpy(b->transplant, m->batch->transplant, sizeof b->transplant);
        b->previous = m->batch;
    }
    return repeat_row(p, m, b, m->quantity, group, e);
}

/* Out of the batch of the same key, then of others of the product and pot, oldest first. */
static int repeat_out(struct posting *p, const struct book_row *m, const char *group,
                      struct dm_err *e)
{
    int64_t left = -m->quantity;
    const struct book_key *k = &m->batch->key;
    for (int exact = 1; exact >= 0; exact--) {
        for (size_t i = 0; i < p->b->open->n_batch && left > 0; i++) {
            struct book_batch *b = p->b->open->batch[i];
            bool same = book_key_same(&b->key, k);
            bool like =
                b->key.product_id == k->product_id && b->key.packaging_id == k->packaging_id;
            like = like && (m->type != LEDGER_VENTAS || book_sellable(p->w, &b->key));
            if (exact ? !same : same || !like) {
                continue;
            }
            int64_t q;
            DM_TRY(book_available(p->w, b, m->at, &q, e));
            q = DM_MIN(q, left);
            if (q > 0) {
                DM_TRY(repeat_row(p, m, b, -q, group, e));
                left -= q;
            }
        }
    }
    if (left > 0) {
        DM_FAIL(e, INV_NEGATIVE_STOCK,
                "movements after the count take %lld plants that it did not find", (long long)left);
    }
    return DM_OK;
}

/* Movements dated after the count: taken back in the old period, repeated in the new one. What is
 * taken back and its repeats share a group, by which an undo finds them; the legs of a transplante
 * keep theirs. */
static int carry(struct posting *p, struct book_row **late, size_t n, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct book_row *back;
        DM_TRY(book_reverse(p->w, late[i], BOOK_CARRY, &back, e));
        back->user_id = late[i]->user_id;
        if (late[i]->type != LEDGER_TRANSPLANTE) {
            store_uuid_new(back->group);
        }
        DM_TRY(late[i]->quantity > 0 ? repeat_in(p, late[i], back->group, e)
                                     : repeat_out(p, late[i], back->group, e));
    }
    return DM_OK;
}

static int find_late(struct posting *p, struct book_row ***ret, size_t *ret_n, struct dm_err *e)
{
    void **late = NULL;
    size_t n = 0;
    for (size_t i = 0; i < p->old->n_stored; i++) {
        struct book_row *m = p->old->row[i];
        if (m->at > p->c->at && book_live(m)) {
            DM_TRY(book_push(p->w, &late, &n, m, e));
        }
    }
    if (n) {
        qsort(late, n, sizeof(*late), by_time);
    }
    *ret = (struct book_row **)late;
    *ret_n = n;
    return DM_OK;
}

/* ---- the door ---- */

/* First baseline: no sales. What an undone first count left is opened anew in its place. */
static int first_count(struct posting *p, struct dm_err *e)
{
    struct book *b = p->b;
    if (!b->open) {
        DM_TRY(book_open_period(p->w, b, kind_of(p->c), p->c->at, e));
    }
    b->open->kind = kind_of(p->c);
    b->open->opened_at = p->c->at;
    b->open->config_id = b->config.id;
    b->open->changed = true;
    return open_entries(p, p->c->at, e);
}

static void set_latest(struct book *b, const struct count *c)
{
    if (c->photo) {
        b->latest_session_id = c->session_id;
        b->latest_changed = true;
    }
}

int count_post(struct work *w, struct book *b, struct count *c, struct book_recon *ret,
               struct dm_err *e)
{
    struct posting p = {.w = w, .b = b, .c = c, .r = ret};
    *ret = (struct book_recon){0};
    set_latest(b, c);
    if (!b->open || count_blank(b)) {
        return first_count(&p, e);
    }
    DM_TRY(count_compare(w, b, c, ret, e));
    p.old = b->open;
    p.n_left = p.old->n_batch;
    void *memory;
    DM_TRY(book_alloc(w, p.n_left + c->n_entry, sizeof(int64_t), &memory, e));
    p.left = memory;
    for (size_t i = 0; i < p.n_left; i++) {
        p.left[i] = book_balance(p.old->batch[i], c->at);
    }
    struct book_row **late;
    size_t n_late;
    DM_TRY(find_late(&p, &late, &n_late, e));
    for (size_t i = 0; i < ret->n_line; i++) {
        DM_TRY(take_missing(&p, &ret->line[i], e));
        if (ret->line[i].surplus) {
            DM_TRY(add_surplus(&p, &ret->line[i], e));
        }
    }
    DM_TRY(close_old(&p, e));
    b->previous = p.old;
    DM_TRY(book_open_period(w, b, kind_of(c), c->at, e));
    DM_TRY(open_entries(&p, c->at, e));
    DM_TRY(carry(&p, late, n_late, e));
    return book_write_recon(w, b, ret, e);
}

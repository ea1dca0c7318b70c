/* SPDX-License-Identifier: Apache-2.0
 *
 * A count that corrects the one that opened the period (domain.md 12.2): the opening changes, and
 * what the count before it had found missing is worked out anew. Per batch of the closed period the
 * corrections sum to 0, and leave it as if the right number had been posted at once. */
#include "inventory/count.h"
#include "inventory/book_names.h"

enum { RECON, LINES };
static const struct store_query queries[] = {
    [RECON] = {"ledger.reconciliation_of_period",
               "SELECT id, flags FROM reconciliations WHERE stock_period_id = ?1"
               " AND status NOT IN ('void', 'draft')",
               "i", "ij"},
    [LINES] = {"ledger.reconciliation_lines",
               "SELECT product_id, packaging_catalog_id, line_group, opening, planted,"
               " transfer_in, transfer_out, deaths, logged_sales, adjustments, expected, observed,"
               " unit_price_cents FROM reconciliation_lines WHERE reconciliation_id = ?1"
               " ORDER BY id",
               "i", "iitiiiiiiiiii"},
};
STORE_QUERIES(ledger_recount_queries, queries);

/* A key whose opening changes. */
struct change {
    struct book_key key;
    int32_t plants_per_container;
    int64_t delta;
};

struct recount {
    struct work *w;
    struct book *b;
    const struct count *c;
    const int64_t *reference;
    enum ledger_type type;
    struct change *change;
    size_t n_change;
    struct book_recon *r; /* of the predecessor, recomputed */
};

int count_openings(struct work *w, const struct book *b, int64_t **ret, struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, b->open->n_batch, sizeof(int64_t), &memory, e));
    *ret = memory;
    for (size_t i = 0; i < b->open->n_batch; i++) {
        for (size_t k = 0; k < b->open->n_row; k++) {
            const struct book_row *r = b->open->row[k];
            (*ret)[i] += r->batch == b->open->batch[i] && book_live(r) && count_is_opening(r)
                             ? r->quantity
                             : 0;
        }
    }
    return DM_OK;
}

static bool opened_by_count(const struct book_batch *b)
{
    for (size_t k = 0; k < b->period->n_row; k++) {
        const struct book_row *r = b->period->row[k];
        if (r->batch == b && book_live(r) && count_is_opening(r)) {
            return true;
        }
    }
    return false;
}

static int64_t opening_of(const struct book_batch *b)
{
    int64_t sum = 0;
    for (size_t k = 0; k < b->period->n_row; k++) {
        const struct book_row *r = b->period->row[k];
        sum += r->batch == b && book_live(r) && count_is_opening(r) ? r->quantity : 0;
    }
    return sum;
}

static bool key_opened(const struct book_period *p, const struct book_key *k)
{
    for (size_t i = 0; i < p->n_batch; i++) {
        if (book_key_same(&p->batch[i]->key, k) && opened_by_count(p->batch[i])) {
            return true;
        }
    }
    return false;
}

/* ---- which openings change ---- */

static struct change *change_of(struct recount *x, const struct book_key *k)
{
    for (size_t i = 0; i < x->n_change; i++) {
        if (book_key_same(&x->change[i].key, k)) {
            return &x->change[i];
        }
    }
    return NULL;
}

static int find_changes(struct recount *x, struct dm_err *e)
{
    const struct book_period *p = x->b->open;
    void *memory;
    DM_TRY(book_alloc(x->w, x->c->n_entry + p->n_batch, sizeof(struct change), &memory, e));
    x->change = memory;
    for (size_t i = 0; i < x->c->n_entry; i++) {
        const struct count_entry *n = &x->c->entry[i];
        x->change[x->n_change++] = (struct change){n->key, n->plants_per_container, n->quantity};
    }
    for (size_t i = 0; i < p->n_batch; i++) {
        const struct book_batch *b = p->batch[i];
        struct change *c = change_of(x, &b->key);
        if (!c && key_opened(p, &b->key)) {
            c = &x->change[x->n_change++];
            *c = (struct change){b->key, b->plants_per_container, 0};
        }
        if (c) {
            c->delta -= x->reference[i];
        }
    }
    for (size_t i = 0; i < x->n_change; i++) { /* plants that came later are not the count's */
        if (x->change[i].delta < 0 && !key_opened(p, &x->change[i].key)) {
            x->change[i].delta = 0;
        }
    }
    return DM_OK;
}

/* ---- the open period ---- */

static int correct(struct recount *x, struct book_batch *b, int64_t q, struct dm_err *e)
{
    struct book_row *row;
    DM_TRY(book_add_row(x->w, b, x->type, BOOK_CORRECTION, q, x->b->open->opened_at, &row, e));
    row->automatic = x->type == LEDGER_FOTO;
    row->session_id = x->c->session_id;
    row->user_id = x->c->user_id;
    row->reason = x->c->reason ? x->c->reason : "corrected count";
    return DM_OK;
}

static int change_opening(struct recount *x, const struct change *c, struct dm_err *e)
{
    struct book_period *p = x->b->open;
    struct book_batch *any = NULL;
    int64_t left = c->delta;
    for (size_t i = 0; i < p->n_batch && left != 0; i++) {
        struct book_batch *b = p->batch[i];
        if (!book_key_same(&b->key, &c->key)) {
            continue;
        }
        any = b;
        if (!opened_by_count(b)) {
            continue;
        }
        int64_t can;
        DM_TRY(book_available(x->w, b, p->opened_at, &can, e));
        can = DM_MIN(can, opening_of(b));
        int64_t q = left > 0 ? left : -DM_MIN(can, -left);
        if (q != 0) {
            DM_TRY(correct(x, b, q, e));
        }
        left -= q;
    }
    if (left < 0) {
        DM_FAIL(e, INV_NEGATIVE_STOCK, "%lld plants that the new count does not have were moved",
                (long long)-left);
    }
    if (left > 0) {
        if (!any) {
            DM_TRY(book_add_batch(x->w, x->b, p, &c->key, c->plants_per_container, p->opened_at,
                                  &any, e));
        }
        DM_TRY(correct(x, any, left, e));
    }
    p->opening_count += c->delta;
    p->changed = true;
    return DM_OK;
}

/* ---- the period before ---- */

static int load_recon(struct recount *x, int64_t *ret_id, struct dm_err *e)
{
    const struct store_value *v;
    struct book_period *old = x->b->previous;
    DM_TRY(store_one(x->w->tx, &queries[RECON], STORE_ARGS(store_i(old->id)), &x->w->arena, &v, e));
    *ret_id = v[0].i;
    x->r->replaces_id = v[0].i;
    x->r->period = old;
    x->r->session_id = x->c->session_id;
    x->r->counted_at = old->closed_at;
    x->r->status = BOOK_POSTED;
    for (size_t i = 0; book_flag_names[i]; i++) {
        uint32_t flag = 1u << i;
        bool kept = flag == BOOK_MIXED || flag == BOOK_CROP;
        x->r->flags |= kept && strstr(v[1].t, book_flag_names[i]) ? flag : 0;
    }
    struct store_table t;
    DM_TRY(store_all(x->w->tx, &queries[LINES], STORE_ARGS(v[0]), &x->w->arena, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        v = store_row(&t, i);
        struct book_line *l;
        DM_TRY(count_line(x->w, x->r, v[0].i, v[1].null ? 0 : v[1].i, !strcmp(v[2].t, "sellable"),
                          &l, e));
        l->opening = v[3].i;
        l->planted = v[4].i;
        l->in = v[5].i;
        l->out = v[6].i;
        l->deaths = v[7].i;
        l->logged = v[8].i;
        l->adjustments = v[9].i;
        l->expected = v[10].i;
        l->observed = v[11].i;
        l->price_cents = v[12].null ? -1 : v[12].i;
    }
    return DM_OK;
}

/* Written by the count that closed the period. */
static bool by_closing(const struct book_row *r)
{
    return book_live(r) && (r->role == BOOK_CLOSING || r->reconciliation_id ||
                            (r->role == BOOK_CORRECTION && !count_is_opening(r)));
}

/* A batch of the closed period: what it held at the count, and what the count should have booked.
 */
struct target {
    int64_t held, found; /* found < 0: sold or lost; > 0: surplus */
    bool sellable;
};

static int find_targets(struct recount *x, struct target **ret, struct dm_err *e)
{
    struct book_period *old = x->b->previous;
    void *memory;
    DM_TRY(book_alloc(x->w, old->n_batch + x->n_change, sizeof(struct target), &memory, e));
    struct target *t = memory;
    for (size_t i = 0; i < old->n_batch; i++) {
        for (size_t k = 0; k < old->n_row; k++) {
            const struct book_row *r = old->row[k];
            bool mine = r->batch == old->batch[i] && book_live(r) && !by_closing(r);
            t[i].held += mine && r->at <= old->closed_at ? r->quantity : 0;
        }
        t[i].sellable = book_sellable(x->w, &old->batch[i]->key);
    }
    *ret = t;
    return DM_OK;
}

static int target_surplus(struct recount *x, const struct book_line *l, struct target *t,
                          struct dm_err *e)
{
    struct book_period *old = x->b->previous;
    size_t to = old->n_batch;
    for (size_t i = old->n_batch; i-- > 0;) {
        if (count_on_line(x->w, l, &old->batch[i]->key) &&
            (to == old->n_batch || (t[to].held <= 0 && t[i].held > 0))) {
            to = i;
        }
    }
    for (size_t i = 0; i < x->n_change && to == old->n_batch; i++) {
        const struct change *c = &x->change[i];
        struct book_batch *made;
        if (c->delta > 0 && count_on_line(x->w, l, &c->key)) {
            DM_TRY(book_add_batch(x->w, x->b, old, &c->key, c->plants_per_container, old->closed_at,
                                  &made, e));
            t[to].sellable = l->sellable;
            break;
        }
    }
    if (to == old->n_batch) {
        DM_FAIL(e, DM_EINTERNAL, "no batch for a surplus of %lld plants", (long long)l->surplus);
    }
    t[to].found += l->surplus;
    return DM_OK;
}

static int set_targets(struct recount *x, struct target *t, struct dm_err *e)
{
    struct book_period *old = x->b->previous;
    bool implicit = old->kind == LEDGER_TYPE_MAX_;
    for (size_t i = 0; i < x->r->n_line; i++) {
        struct book_line *l = &x->r->line[i];
        count_settle(l);
        int64_t missing = l->sales + l->loss;
        for (size_t b = 0; b < old->n_batch && missing > 0; b++) {
            int64_t q = DM_MIN(t[b].held, missing);
            if (q > 0 && count_on_line(x->w, l, &old->batch[b]->key)) {
                t[b].found -= q;
                missing -= q;
                const struct book_state *s = book_state(x->w, old->batch[b]->key.state_id);
                bool seed = s && !strcmp(s->code, "SEED");
                x->r->flags |= l->loss && !seed ? BOOK_LOSS : 0;
            }
        }
        if (l->surplus) {
            x->r->flags |= implicit ? BOOK_BASELINE : BOOK_SURPLUS;
            DM_TRY(target_surplus(x, l, t, e));
        }
    }
    return DM_OK;
}

static int64_t booked(const struct book_batch *b, enum ledger_type type)
{
    int64_t sum = 0;
    for (size_t k = 0; k < b->period->n_stored; k++) {
        const struct book_row *r = b->period->row[k];
        sum += r->batch == b && r->type == type && by_closing(r) ? r->quantity : 0;
    }
    return sum;
}

static int adjust_batch(struct recount *x, struct book_batch *b, const struct target *t,
                        struct dm_err *e)
{
    struct book_period *old = b->period;
    bool sold = t->sellable && t->found < 0;
    enum ledger_type count_type = old->closed_kind;
    const struct {
        enum ledger_type type;
        int64_t quantity;
    } wanted[] = {
        {LEDGER_VENTAS, sold ? t->found : 0},
        {LEDGER_AJUSTE, sold ? 0 : t->found},
        {LEDGER_MUERTE, 0},
        {count_type, -(t->held + t->found)},
    };
    for (size_t i = 0; i < DM_COUNT(wanted); i++) {
        int64_t q = wanted[i].quantity - booked(b, wanted[i].type);
        if (q == 0) {
            continue;
        }
        struct book_row *row;
        DM_TRY(book_add_row(x->w, b, wanted[i].type, BOOK_CORRECTION, q, old->closed_at, &row, e));
        row->automatic = true;
        row->session_id = count_type == LEDGER_MANUAL_INIT ? 0 : x->c->session_id;
        row->user_id = x->c->user_id;
        row->reason = "corrected count";
        row->reconciliation = wanted[i].type == count_type ? NULL : x->r;
        for (size_t l = 0; l < x->r->n_line && wanted[i].type == LEDGER_VENTAS; l++) {
            const struct book_line *line = &x->r->line[l];
            if (count_on_line(x->w, line, &b->key) && line->price_cents >= 0) {
                row->unit_price_cents = line->price_cents;
                row->total_price_cents = line->price_cents * book_pots(b, llabs(q));
            }
        }
    }
    b->changed = true;
    return DM_OK;
}

static int recompute(struct recount *x, struct dm_err *e)
{
    int64_t replaced;
    DM_TRY(load_recon(x, &replaced, e));
    for (size_t i = 0; i < x->n_change; i++) {
        const struct change *c = &x->change[i];
        struct book_line *l;
        if (c->delta != 0) {
            DM_TRY(count_line(x->w, x->r, c->key.product_id, c->key.packaging_id,
                              book_sellable(x->w, &c->key), &l, e));
            l->observed += c->delta;
        }
    }
    struct target *t;
    DM_TRY(find_targets(x, &t, e));
    DM_TRY(set_targets(x, t, e));
    struct book_period *old = x->b->previous;
    for (size_t i = 0; i < old->n_batch; i++) {
        DM_TRY(adjust_batch(x, old->batch[i], &t[i], e));
    }
    old->closing_count = x->b->open->opening_count;
    old->closing_session_id = old->closed_kind == LEDGER_FOTO ? x->c->session_id : 0;
    old->changed = true;
    return book_write_recon(x->w, x->b, x->r, e);
}

int count_recount(struct work *w, struct book *b, struct count *c, const int64_t *reference,
                  enum ledger_type type, int64_t *ret_reconciliation, struct dm_err *e)
{
    struct recount x = {.w = w, .b = b, .c = c, .reference = reference, .type = type};
    *ret_reconciliation = 0;
    DM_TRY(find_changes(&x, e));
    for (size_t i = 0; i < x.n_change; i++) {
        if (x.change[i].delta != 0) {
            DM_TRY(change_opening(&x, &x.change[i], e));
        }
    }
    b->open->opening_session_id = c->photo ? c->session_id : 0;
    b->open->changed = true;
    if (c->photo) {
        b->latest_session_id = c->session_id;
        b->latest_changed = true;
    }
    if (b->open->seq == 1) {
        return DM_OK;
    }
    DM_TRY(book_load_previous(w, b, e));
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_recon), &memory, e));
    x.r = memory;
    DM_TRY(recompute(&x, e));
    *ret_reconciliation = x.r->id;
    return DM_OK;
}

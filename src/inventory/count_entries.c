/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was seen in containers to plants of a product, a state and a pot (domain.md 7.3), and
 * the one thing a photo cannot tell: which product is which in a claro of several. */
#include "inventory/count.h"

bool count_on_line(const struct work *w, const struct book_line *l, const struct book_key *k)
{
    return l->product_id == k->product_id && l->packaging_id == k->packaging_id &&
           l->sellable == book_sellable(w, k);
}

int count_line_order(const struct book_line *a, const struct book_line *b)
{
    int64_t d = a->product_id != b->product_id       ? a->product_id - b->product_id
                : a->packaging_id != b->packaging_id ? a->packaging_id - b->packaging_id
                                                     : (int64_t)b->sellable - (int64_t)a->sellable;
    return d < 0 ? -1 : d > 0;
}

int count_line(struct work *w, struct book_recon *r, int64_t product_id, int64_t packaging_id,
               bool sellable, struct book_line **ret, struct dm_err *e)
{
    const struct book_line wanted = {
        .product_id = product_id, .packaging_id = packaging_id, .sellable = sellable};
    size_t at = 0;
    while (at < r->n_line && count_line_order(&r->line[at], &wanted) < 0) {
        at++;
    }
    if (at < r->n_line && count_line_order(&r->line[at], &wanted) == 0) {
        *ret = &r->line[at];
        return DM_OK;
    }
    if ((r->n_line & (r->n_line - 1)) == 0) { /* full at powers of two */
        void *grown;
        DM_TRY(book_alloc(w, r->n_line ? 2 * r->n_line : 1, sizeof wanted, &grown, e));
        if (r->n_line) {
            memcpy(grown, r->line, r->n_line * sizeof wanted);
        }
        r->line = grown;
    }
    memmove(&r->line[at + 1], &r->line[at], (r->n_line - at) * sizeof wanted);
    r->line[at] = wanted;
    r->line[at].price_cents = -1;
    r->n_line++;
    *ret = &r->line[at];
    return DM_OK;
}

int count_put(struct work *w, struct count *c, const struct count_entry *x, struct dm_err *e)
{
    if (x->quantity == 0) {
        return DM_OK;
    }
    for (size_t i = 0; i < c->n_entry; i++) {
        if (book_key_same(&c->entry[i].key, &x->key)) {
            c->entry[i].quantity += x->quantity;
            c->entry[i].empties += x->empties;
            return DM_OK;
        }
    }
    if ((c->n_entry & (c->n_entry - 1)) == 0) {
        void *grown;
        DM_TRY(book_alloc(w, c->n_entry ? 2 * c->n_entry : 1, sizeof *x, &grown, e));
        if (c->n_entry) {
            memcpy(grown, c->entry, c->n_entry * sizeof *x);
        }
        c->entry = grown;
    }
    c->entry[c->n_entry++] = *x;
    return DM_OK;
}

int count_balances(struct work *w, const struct book *b, int64_t at, int64_t **ret,
                   struct dm_err *e)
{
    *ret = NULL;
    if (!b->open) {
        return DM_OK;
    }
    void *memory;
    DM_TRY(book_alloc(w, b->open->n_batch, sizeof(int64_t), &memory, e));
    *ret = memory;
    for (size_t i = 0; i < b->open->n_batch; i++) {
        (*ret)[i] = book_balance(b->open->batch[i], at);
    }
    return DM_OK;
}

/* What the configuration says about plants seen in such a container. */
static struct count_entry configured(const struct work *w, const struct count *c,
                                     const struct count_seen *s)
{
    const struct book_config *cfg = &c->config;
    struct count_entry x = {
        .key = {s->bin, cfg->product_id, cfg->state_id, s->size_id, cfg->packaging_id},
        .plants_per_container = cfg->plants_per_container,
        .quantity = s->quantity,
        .empties = s->empties,
        .quality = s->quality,
        .planting = "",
        .segment_id = s->segment_id,
    };
    const struct book_state *state = book_state(w, cfg->state_id);
    if (book_tray(s->bin->category)) {
        x.key.packaging_id = 0;
        const struct book_state *young =
            book_state_named(w, s->bin->category == LEDGER_PLUG ? "GERMINATING" : "SEEDLING");
        x.key.state_id = state && state->sellable && young ? young->id : cfg->state_id;
    }
    return x;
}

/* One class of containers of a claro of several kinds: trays, or pots. */
struct deal {
    struct work *w;
    const struct book_period *period;
    const int64_t *reference;
    bool tray;
    struct book_recon lines; /* expected = reference, observed = share still to be dealt */
};

/* Largest remainder: shares of `total` in proportion to what was expected. */
static int share(struct deal *d, int64_t total, struct dm_err *e)
{
    int64_t expected = 0;
    for (size_t i = 0; i < d->lines.n_line; i++) {
        expected += d->lines.line[i].expected;
    }
    void *memory;
    DM_TRY(book_alloc(d->w, d->lines.n_line, sizeof(int64_t), &memory, e));
    int64_t *remainder = memory;
    int64_t left = total;
    for (size_t i = 0; i < d->lines.n_line; i++) {
        struct book_line *l = &d->lines.line[i];
        int64_t product = total * l->expected; /* of one claro: far below 2^63 */
        l->observed = product / expected;
        remainder[i] = product % expected;
        left -= l->observed;
    }
    for (; left > 0; left--) {
        size_t best = 0;
        for (size_t i = 1; i < d->lines.n_line; i++) {
            best = remainder[i] > remainder[best] ? i : best;
        }
        remainder[best] = -1;
        d->lines.line[best].observed++;
    }
    return DM_OK;
}

/* Attributes of plants of a line that is not the configured one: as its newest batch has them. */
static void as_before(const struct deal *d, const struct book_line *l, struct count_entry *x)
{
    for (size_t i = d->period->n_batch; i-- > 0;) {
        const struct book_batch *b = d->period->batch[i];
        if (book_tray(b->key.bin->category) == d->tray && d->reference[i] > 0 &&
            count_on_line(d->w, l, &b->key)) {
            struct book_bin *bin = x->key.bin;
            x->key = b->key;
            x->key.bin = bin;
            x->plants_per_container = b->plants_per_container;
            return;
        }
    }
}

static int deal_out(struct deal *d, struct count *c, const struct count_seen *seen, size_t n,
                    struct dm_err *e)
{
    size_t l = 0;
    for (size_t i = 0; i < n; i++) {
        if (book_tray(seen[i].bin->category) != d->tray) {
            continue;
        }
        struct count_seen rest = seen[i];
        while (rest.quantity > 0) {
            while (d->lines.line[l].observed == 0) {
                l++;
            }
            struct book_line *line = &d->lines.line[l];
            struct count_entry x = configured(d->w, c, &rest);
            if (!count_on_line(d->w, line, &x.key)) {
                as_before(d, line, &x);
            }
            x.quantity = DM_MIN(rest.quantity, line->observed);
            DM_TRY(count_put(d->w, c, &x, e));
            line->observed -= x.quantity;
            rest.quantity -= x.quantity;
            rest.empties = 0;
        }
    }
    return DM_OK;
}

/* 1 when the class holds products or pots besides the configured ones. */
static int find_lines(struct deal *d, const struct count *c, struct dm_err *e)
{
    int mixed = 0;
    for (size_t i = 0; i < d->period->n_batch; i++) {
        const struct book_key *k = &d->period->batch[i]->key;
        if (book_tray(k->bin->category) != d->tray || d->reference[i] <= 0) {
            continue;
        }
        struct book_line *l;
        DM_TRY(count_line(d->w, &d->lines, k->product_id, k->packaging_id, book_sellable(d->w, k),
                          &l, e));
        l->expected += d->reference[i];
        if (k->product_id != c->config.product_id ||
            k->packaging_id != (d->tray ? 0 : c->config.packaging_id)) {
            mixed = 1;
        }
    }
    return mixed;
}

int count_of_photo(struct work *w, struct book *b, const int64_t *reference,
                   const struct count_seen *seen, size_t n, struct count *c, struct dm_err *e)
{
    bool same = b->open && reference && b->open->config_id == c->config.id;
    for (int tray = 0; tray < 2; tray++) { /* pots first: the order of batch codes */
        struct deal d = {.w = w, .period = b->open, .reference = reference, .tray = tray != 0};
        int mixed = same ? find_lines(&d, c, e) : 0;
        DM_TRY(mixed);
        int64_t total = 0;
        for (size_t i = 0; i < n; i++) {
            bool mine = book_tray(seen[i].bin->category) == d.tray;
            total += mine ? seen[i].quantity : 0;
            if (mine && !mixed) {
                struct count_entry x = configured(w, c, &seen[i]);
                DM_TRY(count_put(w, c, &x, e));
            }
        }
        if (mixed) {
            c->flags |= BOOK_MIXED;
            DM_TRY(share(&d, total, e));
            DM_TRY(deal_out(&d, c, seen, n, e));
        }
    }
    return DM_OK;
}

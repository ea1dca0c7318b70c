/* SPDX-License-Identifier: Apache-2.0
 *
 * The naive books: counts, retakes, edits, undo, reclassification. */
#include "support/ledger_oracle_priv.h"

/* ---- lines ---- */

static struct o_line *line_of(struct o_period *p, int64_t product, int64_t pack, bool sellable)
{
    for (size_t i = 0; i < p->n_line; i++) {
        struct o_line *l = &p->line[i];
        if (l->product == product && l->pack == pack && l->sellable == sellable) {
            return l;
        }
    }
    p->line = realloc(p->line, (p->n_line + 1) * sizeof *p->line);
    if (!p->line) {
        abort();
    }
    p->line[p->n_line] = (struct o_line){.product = product, .pack = pack, .sellable = sellable};
    return &p->line[p->n_line++];
}

static bool line_has(const struct oracle *o, const struct o_line *l, const struct o_key *k)
{
    return l->product == k->product && l->pack == k->pack && l->sellable == o_sellable(o, k);
}

static int line_order(const void *a, const void *b)
{
    const struct o_line *x = a;
    const struct o_line *y = b;
    int64_t d = x->product != y->product ? x->product - y->product
                : x->pack != y->pack     ? x->pack - y->pack
                                         : (int64_t)y->sellable - (int64_t)x->sellable;
    return d < 0 ? -1 : d > 0;
}

static void settle(const struct oracle *o, struct o_line *l)
{
    int64_t d = l->expected - l->observed;
    l->sales = d > 0 && l->sellable ? d : 0;
    l->loss = d > 0 && !l->sellable ? d : 0;
    l->surplus = d < 0 ? -d : 0;
    if (o->faulty && l->sales > 0) {
        l->sales--;
    }
}

/* ---- what a photo can tell ---- */

struct list {
    struct oracle_entry *e;
    size_t n;
};

static struct o_key key_of(const struct oracle_entry *e)
{
    return (struct o_key){e->category, e->ordinal, e->product, e->state, e->size, e->pack};
}

static void put(struct list *l, const struct o_key *k, int ppc, int64_t q)
{
    if (q == 0) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        struct o_key have = key_of(&l->e[i]);
        if (o_key_same(&have, k)) {
            l->e[i].quantity += q;
            return;
        }
    }
    l->e = realloc(l->e, (l->n + 1) * sizeof *l->e);
    if (!l->e) {
        abort();
    }
    l->e[l->n++] = (struct oracle_entry){k->category, k->ordinal, k->product, k->state,
                                         k->size,     k->pack,    ppc,        q};
}

/* What the configuration says about plants in such a bin. */
static struct o_key configured(const struct oracle *o, const struct o_claro *c, int category,
                               int ordinal, int64_t size)
{
    struct o_key k = {category, ordinal, c->cfg.product, c->cfg.state, size, c->cfg.pack};
    if (o_tray(category)) {
        k.pack = 0;
        if (o->f.sellable[k.state]) {
            k.state = category == LEDGER_PLUG ? o->f.germinating : o->f.seedling;
        }
    }
    return k;
}

/* Deal the plants of one class of bins to the lines that were expected there, in proportion. */
static void deal(const struct oracle *o, const struct o_claro *c, struct o_period *p,
                 const int64_t *ref, const struct oracle_count *in, bool tray, struct o_line *line,
                 size_t n_line, struct list *out)
{
    int64_t total = 0;
    int64_t expected = 0;
    for (size_t i = 0; i < in->n; i++) {
        total += o_tray(in->entry[i].category) == tray ? in->entry[i].quantity : 0;
    }
    for (size_t i = 0; i < n_line; i++) {
        expected += line[i].expected;
    }
    int64_t given = 0;
    for (size_t i = 0; i < n_line; i++) {
        line[i].observed = total * line[i].expected / expected;
        line[i].sales = total * line[i].expected % expected; /* remainder, borrowed field */
        given += line[i].observed;
    }
    while (given < total) {
        size_t best = 0;
        for (size_t i = 1; i < n_line; i++) {
            best = line[i].sales > line[best].sales ? i : best;
        }
        line[best].observed++;
        line[best].sales = -1;
        given++;
    }
    size_t l = 0;
    for (size_t i = 0; i < in->n; i++) {
        const struct oracle_entry *e = &in->entry[i];
        int64_t left = o_tray(e->category) == tray ? e->quantity : 0;
        while (left > 0) {
            while (line[l].observed == 0) {
                l++;
            }
            struct o_key k = configured(o, c, e->category, e->ordinal, e->size);
            int ppc = c->cfg.ppc;
            if (!line_has(o, &line[l], &k)) {
                for (size_t b = 0; b < p->n_batch; b++) { /* the newest stays */
                    const struct o_key *was = &p->batch[b].key;
                    if (o_tray(was->category) == tray && line_has(o, &line[l], was) && ref[b] > 0) {
                        k.product = was->product;
                        k.pack = was->pack;
                        k.state = was->state;
                        k.size = was->size;
                        ppc = p->batch[b].ppc;
                    }
                }
            }
            int64_t q = left < line[l].observed ? left : line[l].observed;
            put(out, &k, ppc, q);
            line[l].observed -= q;
            left -= q;
        }
    }
}

static struct list entries_of(const struct oracle *o, const struct o_claro *c, struct o_period *p,
                              const int64_t *ref, const struct oracle_count *in)
{
    struct list out = {0};
    for (size_t i = 0; i < in->n && !in->photo; i++) {
        struct o_key k = key_of(&in->entry[i]);
        put(&out, &k, in->entry[i].ppc, in->entry[i].quantity);
    }
    for (int tray = 0; tray < 2 && in->photo; tray++) {
        struct o_period lines = {0};
        bool mixed = false;
        for (size_t b = 0; p && p->config == c->cfg.id && b < p->n_batch; b++) {
            const struct o_key *k = &p->batch[b].key;
            if (o_tray(k->category) == tray && ref[b] > 0) {
                line_of(&lines, k->product, k->pack, o_sellable(o, k))->expected += ref[b];
                mixed =
                    mixed || k->product != c->cfg.product || k->pack != (tray ? 0 : c->cfg.pack);
            }
        }
        if (mixed) {
            qsort(lines.line, lines.n_line, sizeof *lines.line, line_order);
            deal(o, c, p, ref, in, tray, lines.line, lines.n_line, &out);
        }
        for (size_t i = 0; !mixed && i < in->n; i++) {
            const struct oracle_entry *e = &in->entry[i];
            if (o_tray(e->category) == tray) {
                struct o_key k = configured(o, c, e->category, e->ordinal, e->size);
                put(&out, &k, c->cfg.ppc, e->quantity);
            }
        }
        free(lines.line);
    }
    return out;
}

/* ---- posting ---- */

/* The batch whose dates a new one takes over: same key, else same product and pot; most plants. */
static int parent_of(const struct o_period *p, const int64_t *left, const struct o_key *k)
{
    int best = -1;
    bool best_exact = false;
    for (int b = 0; b < (int)p->n_batch; b++) {
        const struct o_key *was = &p->batch[b].key;
        bool exact = o_key_same(was, k);
        if (left[b] > 0 && was->product == k->product && was->pack == k->pack &&
            (best < 0 || (exact && !best_exact) || (exact == best_exact && left[b] > left[best]))) {
            best = b;
            best_exact = exact;
        }
    }
    return best;
}

/* Movements after the photo, once more on the new batches. */
static int repeat_late(struct oracle *o, struct o_claro *c, const struct o_period *old,
                       struct o_period *p, int64_t at)
{
    bool *done = calloc(old->n_mov + 1, sizeof *done);
    for (;;) {
        size_t next = old->n_mov;
        for (size_t i = 0; i < old->n_mov; i++) {
            const struct o_mov *m = &old->mov[i];
            if (m->at > at && !m->dead && !done[i] &&
                (next == old->n_mov || m->at < old->mov[next].at)) {
                next = i;
            }
        }
        if (next == old->n_mov) {
            free(done);
            return 0;
        }
        done[next] = true;
        struct o_mov m = old->mov[next];
        struct o_batch b = old->batch[m.batch];
        int64_t left = m.q;
        for (int exact = 1; exact >= 0 && left != 0; exact--) {
            for (int i = 0; i < (int)p->n_batch && left != 0; i++) {
                bool same = o_key_same(&p->batch[i].key, &b.key);
                bool like =
                    p->batch[i].key.product == b.key.product && p->batch[i].key.pack == b.key.pack;
                like = like && (m.type != LEDGER_VENTAS || o_sellable(o, &p->batch[i].key));
                if (exact ? !same : (same || !like || left > 0)) {
                    continue;
                }
                int64_t can = left > 0 ? left : -o_available(p, i, m.at);
                int64_t q = left > 0 ? left : (can < left ? left : can);
                if (q != 0) {
                    int64_t before = o_balance(p, i, INT64_MAX);
                    struct o_mov *r = o_add_mov(o, p, i, m.type, O_REPEAT, q, m.at);
                    r->group = m.group;
                    r->tag = m.tag;
                    left -= q;
                    if (m.type == LEDGER_MUERTE && b.key.pack) {
                        int ppc = p->batch[i].ppc;
                        p->batch[i].empties += o_pots(before, ppc) - o_pots(before + q, ppc);
                    }
                }
            }
        }
        if (left > 0) {
            int i = o_add_batch(o, c, p, &b.key, b.ppc, b.planting, m.at);
            struct o_mov *r = o_add_mov(o, p, i, m.type, O_REPEAT, left, m.at);
            r->group = m.group;
            r->tag = m.tag;
        } else if (left < 0) {
            free(done);
            return INV_NEGATIVE_STOCK;
        }
    }
}

static void open_batches(struct oracle *o, struct o_claro *c, struct o_period *p, int kind,
                         int64_t at, const struct list *in, const struct o_period *old,
                         const int64_t *left)
{
    for (size_t i = 0; i < in->n; i++) {
        struct o_key k = key_of(&in->e[i]);
        int parent = old ? parent_of(old, left, &k) : -1;
        int b = o_add_batch(o, c, p, &k, in->e[i].ppc,
                            parent < 0 ? O_NO_DAY : old->batch[parent].planting, at);
        o_add_mov(o, p, b, (enum ledger_type)kind, O_OPEN, in->e[i].quantity, at);
        o_add_bin(c, k.category, k.ordinal);
    }
}

/* Compare, take what is missing from the oldest batches; returns plants left per batch at `at`. */
static int64_t *compare(struct oracle *o, struct o_claro *c, struct o_period *p, int64_t at,
                        const struct list *in)
{
    for (size_t b = 0; b < p->n_batch; b++) {
        int64_t n = o_balance(p, (int)b, at);
        const struct o_key *k = &p->batch[b].key;
        if (n > 0) {
            line_of(p, k->product, k->pack, o_sellable(o, k))->expected += n;
        }
    }
    for (size_t i = 0; i < in->n; i++) {
        struct o_key k = key_of(&in->e[i]);
        line_of(p, k.product, k.pack, o_sellable(o, &k))->observed += in->e[i].quantity;
    }
    qsort(p->line, p->n_line, sizeof *p->line, line_order);
    int64_t *left = calloc(p->n_batch + in->n + 1, sizeof *left);
    for (size_t b = 0; b < p->n_batch; b++) {
        left[b] = o_balance(p, (int)b, at);
    }
    for (size_t l = 0; l < p->n_line; l++) {
        struct o_line *line = &p->line[l];
        settle(o, line);
        int64_t missing = line->sales + line->loss;
        int newest = -1;
        for (size_t b = 0; b < p->n_batch; b++) {
            if (line_has(o, line, &p->batch[b].key)) {
                int64_t take = left[b] < missing ? left[b] : missing;
                left[b] -= take;
                missing -= take;
                newest = newest < 0 || left[b] > 0 || left[newest] == 0 ? (int)b : newest;
            }
        }
        if (line->surplus && newest < 0) {
            for (size_t i = in->n; i-- > 0;) { /* the first entry of the line stays */
                struct o_key k = key_of(&in->e[i]);
                newest = line_has(o, line, &k) ? (int)i : newest;
            }
            struct o_key k = key_of(&in->e[newest]);
            newest = o_add_batch(o, c, p, &k, in->e[newest].ppc, O_NO_DAY, at);
        }
        if (line->surplus) {
            left[newest] += line->surplus;
        }
    }
    return left;
}

static int post(struct oracle *o, struct o_claro *c, const struct oracle_count *in,
                const struct list *entries)
{
    int kind = in->photo ? LEDGER_FOTO : LEDGER_MANUAL_INIT;
    struct o_period *p = o_open(c);
    bool live = false;
    for (size_t i = 0; p && i < p->n_mov; i++) {
        live = live || !p->mov[i].dead;
    }
    if (!p || (p->seq == 1 && !p->kind && !live)) {
        if (!p) {
            p = o_add_period(c, kind, in->at);
        }
        p->kind = kind;
        p->opened_at = in->at;
        p->config = c->cfg.id;
        p->session = in->session;
        p->validated = false;
        open_batches(o, c, p, kind, in->at, entries, NULL, NULL);
        return 0;
    }
    struct o_period before;
    o_period_copy(&before, p);
    for (size_t i = 0; i < before.n_mov; i++) { /* repeats have other numbers */
        before.mov[i].uuid[0] = before.mov[i].at > in->at ? '\0' : before.mov[i].uuid[0];
    }
    if (c->n_period > 16) { /* nothing reaches further back */
        for (size_t i = 0; i < 8; i++) {
            o_period_clear(&c->period[i]);
        }
        struct o_period *rest = calloc(16, sizeof *rest);
        if (!rest) {
            abort();
        }
        memcpy(rest, c->period + 8, (c->n_period - 8) * sizeof *rest);
        free(c->period);
        c->period = rest;
        c->n_period -= 8;
        p = o_open(c);
    }
    int64_t *left = compare(o, c, p, in->at, entries);
    struct o_period *next = o_add_period(c, kind, in->at);
    p = next - 1;
    next->session = in->session;
    next->before = malloc(sizeof *next->before);
    *next->before = before;
    open_batches(o, c, next, kind, in->at, entries, p, left);
    int refused = repeat_late(o, c, p, next, in->at);
    for (size_t i = 0; i < p->n_mov; i++) {
        if (p->mov[i].at > in->at) {
            p->mov[i].dead = true;
        }
    }
    free(left);
    return refused;
}

/* Whether a person has to look at the difference first. */
static int too_different(const struct oracle *o, const struct o_claro *c, int64_t at,
                         const struct list *in)
{
    struct o_period p;
    o_period_copy(&p, o_open(c));
    struct oracle scratch = *o;
    struct o_claro other = {0};
    free(compare(&scratch, &other, &p, at, in));
    int64_t expected = 0;
    int64_t missing = 0;
    int64_t surplus = 0;
    for (size_t i = 0; i < p.n_line; i++) {
        expected += p.line[i].expected;
        missing += p.line[i].sales + p.line[i].loss;
        surplus += p.line[i].surplus;
    }
    int kind = p.kind;
    o_period_clear(&p);
    free(other.code);
    return (kind && surplus > o->f.surplus_plants &&
            (double)surplus > o->f.surplus_fraction * (double)expected) ||
           (missing > o->f.shortage_plants &&
            (double)missing > o->f.shortage_fraction * (double)expected);
}

/* ---- recount ---- */

static int64_t opening_of(const struct o_period *p, int batch)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->n_mov; i++) {
        const struct o_mov *m = &p->mov[i];
        sum += m->batch == batch && (m->role == O_OPEN || m->role == O_FIX) ? m->q : 0;
    }
    return sum;
}

static bool opened_by_count(const struct o_period *p, int batch)
{
    for (size_t i = 0; i < p->n_mov; i++) {
        const struct o_mov *m = &p->mov[i];
        if (m->batch == batch && !m->dead && (m->role == O_OPEN || m->role == O_FIX)) {
            return true;
        }
    }
    return false;
}

/* Change the opening of one key by delta; 0 or INV_NEGATIVE_STOCK. */
static int fix(struct oracle *o, struct o_claro *c, struct o_period *p, const struct o_key *k,
               int ppc, int64_t delta, enum ledger_type type)
{
    int any = -1;
    int64_t at = p->opened_at;
    for (int b = 0; b < (int)p->n_batch && delta != 0; b++) {
        if (!o_key_same(&p->batch[b].key, k)) {
            continue;
        }
        any = b;
        if (opened_by_count(p, b)) {
            int64_t can = o_available(p, b, at);
            can = can < opening_of(p, b) ? can : opening_of(p, b);
            int64_t q = delta > 0 || can >= -delta ? delta : -can;
            if (q != 0) {
                o_add_mov(o, p, b, type, O_FIX, q, at);
            }
            delta -= q;
        }
    }
    if (delta < 0) {
        return INV_NEGATIVE_STOCK;
    }
    if (delta > 0) {
        int b = any >= 0 ? any : o_add_batch(o, c, p, k, ppc, O_NO_DAY, at);
        o_add_mov(o, p, b, type, O_FIX, delta, at);
        o_add_bin(c, k->category, k->ordinal);
    }
    return 0;
}

struct change {
    struct o_key key;
    int ppc;
    int64_t delta;
};

static int recount(struct oracle *o, struct o_claro *c, const struct oracle_count *in)
{
    struct o_period *p = o_open(c);
    bool plain = in->edit || in->reprocess;
    int64_t *ref = calloc(p->n_batch + 1, sizeof *ref);
    for (int b = 0; b < (int)p->n_batch; b++) {
        ref[b] = plain ? opening_of(p, b) : o_balance(p, b, in->at);
    }
    struct list l = entries_of(o, c, p, ref, in);
    struct change *change = calloc(l.n + p->n_batch + 1, sizeof *change);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++) {
        change[n++] = (struct change){key_of(&l.e[i]), l.e[i].ppc, l.e[i].quantity};
    }
    for (int b = 0; b < (int)p->n_batch; b++) {
        size_t i = 0;
        while (i < n && !o_key_same(&change[i].key, &p->batch[b].key)) {
            i++;
        }
        if (i == n) {
            bool opened = false;
            for (int x = b; x < (int)p->n_batch; x++) {
                opened = opened ||
                         (o_key_same(&p->batch[x].key, &p->batch[b].key) && opened_by_count(p, x));
            }
            if (!opened) {
                continue;
            }
            change[n++] = (struct change){p->batch[b].key, p->batch[b].ppc, 0};
        }
        change[i].delta -= ref[b];
    }
    int refused = 0;
    enum ledger_type type = in->edit ? LEDGER_AJUSTE : LEDGER_FOTO;
    for (size_t i = 0; i < n && !refused; i++) {
        bool opened = change[i].delta > 0;
        for (int b = 0; b < (int)p->n_batch && !opened; b++) {
            opened = o_key_same(&p->batch[b].key, &change[i].key) && opened_by_count(p, b);
        }
        if (opened && change[i].delta != 0) {
            refused = fix(o, c, p, &change[i].key, change[i].ppc, change[i].delta, type);
        } else {
            change[i].delta = 0;
        }
    }
    struct o_period *old = p->seq > 1 ? p - 1 : NULL;
    for (size_t i = 0; i < n && old && !refused; i++) {
        const struct o_key *k = &change[i].key;
        if (change[i].delta != 0) {
            line_of(old, k->product, k->pack, o_sellable(o, k))->observed += change[i].delta;
        }
    }
    if (old && !refused) {
        qsort(old->line, old->n_line, sizeof *old->line, line_order);
    }
    for (size_t i = 0; old && !refused && i < old->n_line; i++) {
        struct o_line *line = &old->line[i];
        settle(o, line);
        bool has = false;
        for (size_t b = 0; b < old->n_batch; b++) {
            has = has || line_has(o, line, &old->batch[b].key);
        }
        for (size_t x = 0; x < n && line->surplus && !has; x++) {
            if (line_has(o, line, &change[x].key) && change[x].delta > 0) {
                (void)o_add_batch(o, c, old, &change[x].key, change[x].ppc, O_NO_DAY, p->opened_at);
                has = true;
            }
        }
    }
    if (!refused) {
        p->session = in->session;
        p->validated = in->edit && p->validated;
    }
    free(change);
    free(l.e);
    free(ref);
    return refused;
}

/* ---- the doors ---- */

/* Try on a copy, so that what is refused changes nothing. */
static int attempt(struct oracle *o, struct o_claro *c,
                   int (*fn)(struct oracle *, struct o_claro *, const struct oracle_count *),
                   const struct oracle_count *in)
{
    struct oracle_copy *copy = oracle_save(o, &c->location, 1);
    int r = fn(o, c, in);
    if (r) {
        oracle_restore(o, copy);
    }
    oracle_copy_free(copy);
    return r;
}

/* What an undone first count leaves: nothing that counts. */
static bool unused(const struct o_period *p)
{
    bool live = false;
    for (size_t i = 0; i < p->n_mov; i++) {
        live = live || !p->mov[i].dead;
    }
    return p->seq == 1 && !p->kind && !live;
}

static int post_photo(struct oracle *o, struct o_claro *c, const struct oracle_count *in)
{
    struct o_period *p = o_open(c);
    int64_t *ref = calloc(p ? p->n_batch + 1 : 1, sizeof *ref);
    for (int b = 0; p && b < (int)p->n_batch; b++) {
        ref[b] = o_balance(p, b, in->at);
    }
    struct list l = entries_of(o, c, p, ref, in);
    bool differs =
        p && in->photo && !in->release && in->at > p->opened_at && too_different(o, c, in->at, &l);
    int r = differs ? 1 : post(o, c, in, &l);
    free(l.e);
    free(ref);
    return r;
}

int oracle_count(struct oracle *o, const struct oracle_count *in)
{
    struct o_claro *c = o_claro(o, in->location);
    struct o_period *p = o_open(c);
    int64_t total = 0;
    for (size_t i = 0; i < in->n; i++) {
        total += in->entry[i].quantity;
    }
    if (in->edit) {
        return attempt(o, c, recount, in);
    }
    if (!in->photo) {
        bool dead = p && unused(p);
        return p && in->at <= p->opened_at && !dead ? INV_PERIOD_CLOSED
                                                    : attempt(o, c, post_photo, in);
    }
    if (total == 0) {
        return in->release ? INV_INVALID_TRANSITION : 1;
    }
    if (!c->cfg.id) {
        return in->release ? INV_CONFIG_NOT_FOUND : 1;
    }
    bool dead = p && unused(p);
    int r;
    if (in->reprocess) {
        r = attempt(o, c, recount, in);
    } else if (p && !dead && in->at < p->opened_at) {
        return in->release ? INV_PERIOD_CLOSED : 1;
    } else if (p && p->kind && in->at - p->opened_at < o->f.retake_ms) {
        if (p->kind == LEDGER_FOTO && !p->validated) {
            r = attempt(o, c, recount, in);
        } else if (!in->release) {
            return 1;
        } else if (in->at == p->opened_at) {
            return INV_PERIOD_CLOSED;
        } else {
            r = attempt(o, c, post_photo, in);
        }
    } else if (p && !dead && in->at == p->opened_at) {
        return in->release ? INV_PERIOD_CLOSED : 1;
    } else {
        r = attempt(o, c, post_photo, in);
    }
    return r < 0 && !in->release ? 1 : r;
}

int oracle_manual_initial(struct oracle *o, int64_t location, int64_t at,
                          const struct oracle_entry *line)
{
    struct o_claro *c = o_claro(o, location);
    if (!c->cfg.id) {
        return INV_CONFIG_NOT_FOUND;
    }
    if (line->product != c->cfg.product) {
        return INV_PRODUCT_MISMATCH;
    }
    if (line->pack != (o_tray(line->category) ? 0 : c->cfg.pack)) {
        return INV_PACKAGING_MISMATCH;
    }
    struct o_period *p = o_open(c);
    bool dead = p && unused(p);
    bool same_day =
        p && p->seq == 1 && p->kind == LEDGER_MANUAL_INIT && o_day(o, p->opened_at) == o_day(o, at);
    for (size_t i = 0; p && i < p->n_mov; i++) {
        same_day = same_day && (p->mov[i].dead || p->mov[i].role == O_OPEN);
    }
    if (p && !dead && !same_day) {
        return INV_ALREADY_INITIALIZED;
    }
    struct oracle_entry e = *line;
    if (p && same_day) {
        for (size_t i = 0; i < p->n_batch; i++) {
            const struct o_key *k = &p->batch[i].key;
            if (o_balance(p, (int)i, INT64_MAX) > 0 && k->category == e.category &&
                k->product == e.product && k->state == e.state && k->size == e.size &&
                k->pack == e.pack) {
                return INV_ALREADY_INITIALIZED;
            }
        }
    }
    e.ordinal = o_implicit_bin(c, e.category);
    if (p && same_day) {
        struct list l = {&e, 1};
        open_batches(o, c, p, LEDGER_MANUAL_INIT, p->opened_at, &l, NULL, NULL);
        return 0;
    }
    struct oracle_count in = {.location = location, .at = at, .entry = &e, .n = 1};
    return attempt(o, c, post_photo, &in);
}

int oracle_undo(struct oracle *o, int64_t location)
{
    struct o_claro *c = o_claro(o, location);
    struct o_period *u = o_open(c);
    if (!u || !u->kind) {
        return INV_INVALID_TRANSITION;
    }
    for (size_t i = 0; i < u->n_mov; i++) {
        if (!u->mov[i].dead && u->mov[i].role == O_REGULAR) {
            return INV_LATER_MOVEMENTS;
        }
    }
    if (!u->before) {
        for (size_t i = 0; i < u->n_mov; i++) {
            u->mov[i].dead = true;
            u->mov[i].q = 0;
        }
        u->kind = 0;
        u->session = 0;
        u->validated = false;
        return 0;
    }
    struct o_period *p = u - 1;
    struct o_period *before = u->before;
    for (size_t i = 0; i < before->n_mov; i++) {
        struct o_mov *m = &before->mov[i];
        if (m->dead || m->at <= u->opened_at) {
            continue;
        }
        bool alive = false;
        for (size_t r = 0; r < u->n_mov; r++) {
            alive = alive || (u->mov[r].tag == m->tag && !u->mov[r].dead);
        }
        if (!alive) {
            m->dead = true;
            m->q = 0;
        }
    }
    free(p->mov);
    p->mov = before->mov;
    p->n_mov = before->n_mov;
    free(p->line);
    p->line = NULL;
    p->n_line = 0;
    size_t room = 1;
    while (room < p->n_batch + u->n_batch + 1) {
        room *= 2;
    }
    struct o_batch *all = calloc(room, sizeof *all);
    if (!all) {
        abort();
    }
    memcpy(all, p->batch, p->n_batch * sizeof *all);
    memcpy(all + p->n_batch, u->batch, u->n_batch * sizeof *all);
    free(p->batch);
    p->batch = all;
    p->n_batch += u->n_batch;
    free(before->batch);
    free(before->line);
    free(before);
    free(u->batch);
    free(u->mov);
    free(u->line);
    c->n_period--;
    return 0;
}

void oracle_validate(struct oracle *o, int64_t location, bool validated)
{
    struct o_period *p = o_open(o_claro(o, location));
    if (p) {
        p->validated = validated;
    }
}

int oracle_reclassify(struct oracle *o, int64_t location, int64_t product, int64_t pack,
                      bool nursery, enum ledger_type from, enum ledger_type to, int64_t q)
{
    struct o_claro *c = o_claro(o, location);
    if (c->n_period < 2) {
        return INV_NOT_FOUND;
    }
    struct o_line *l = line_of(&c->period[c->n_period - 2], product, pack, !nursery);
    if (to == LEDGER_VENTAS && nursery) {
        return INV_STATE_NOT_SELLABLE;
    }
    int64_t *have = from == LEDGER_VENTAS ? &l->sales : &l->loss;
    if (*have < q) {
        return INV_INSUFFICIENT_STOCK;
    }
    *have -= q;
    *(to == LEDGER_VENTAS ? &l->sales : &l->loss) += q;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The naive books: movements, reversal, copies. Counts: ledger_oracle_count.c. */
#include "support/ledger_oracle.h"

#include "support/ledger_oracle_priv.h"

/* ---- arrays ---- */

static void *grown(void *p, size_t n, size_t size)
{
    if (n & (n - 1)) { /* full only at powers of two */
        return p;
    }
    void *q = realloc(p, (n ? 2 * n : 1) * size);
    if (!q) {
        abort();
    }
    return q;
}

struct o_mov *o_add_mov(struct oracle *o, struct o_period *p, int batch, enum ledger_type type,
                        enum o_role role, int64_t q, int64_t at)
{
    p->mov = grown(p->mov, p->n_mov, sizeof *p->mov);
    struct o_mov *m = &p->mov[p->n_mov++];
    *m = (struct o_mov){
        .batch = batch, .type = type, .role = role, .q = q, .at = at, .tag = ++o->last_tag};
    return m;
}

int o_day(const struct oracle *o, int64_t at)
{
    int64_t local = at + o->f.zone_ms;
    return (int)((local - (local % 86400000 + 86400000) % 86400000) / 86400000);
}

/* Howard Hinnant's civil_from_days, for codes and months. */
void o_civil(int day, int *y, int *m, int *d)
{
    int64_t z = (int64_t)day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

int o_add_batch(struct oracle *o, struct o_claro *c, struct o_period *p, const struct o_key *k,
                int ppc, int planting, int64_t at)
{
    int day = o_day(o, at);
    size_t i = 0;
    while (i < c->n_code && (c->code[i].product != k->product || c->code[i].day != day)) {
        i++;
    }
    if (i == c->n_code) {
        c->code = grown(c->code, c->n_code, sizeof *c->code);
        c->code[c->n_code++] = (struct o_code){.product = k->product, .day = day};
    }
    p->batch = grown(p->batch, p->n_batch, sizeof *p->batch);
    struct o_batch *b = &p->batch[p->n_batch];
    *b = (struct o_batch){.key = *k, .ppc = ppc, .planting = planting};
    int y;
    int m;
    int d;
    o_civil(day, &y, &m, &d);
    (void)snprintf(b->code, sizeof b->code, "LOC%lld-PROD%lld-%04d%02d%02d-%03d",
                   (long long)c->location, (long long)k->product, y, m, d, ++c->code[i].last);
    return (int)p->n_batch++;
}

struct o_claro *o_claro(const struct oracle *o, int64_t location)
{
    for (size_t i = 0; i < o->n_claro; i++) {
        if (o->claro[i].location == location) {
            return &o->claro[i];
        }
    }
    return NULL;
}

struct o_period *o_open(const struct o_claro *c)
{
    return c->n_period ? &c->period[c->n_period - 1] : NULL;
}

struct o_period *o_add_period(struct o_claro *c, int kind, int64_t at)
{
    int seq = c->n_period ? c->period[c->n_period - 1].seq + 1 : 1;
    c->period = grown(c->period, c->n_period, sizeof *c->period);
    struct o_period *p = &c->period[c->n_period++];
    *p = (struct o_period){.seq = seq, .kind = kind, .opened_at = at, .config = c->cfg.id};
    return p;
}

void o_add_bin(struct o_claro *c, int category, int ordinal)
{
    for (size_t i = 0; i < c->n_bin; i++) {
        if (c->bin[i].category == category && c->bin[i].ordinal == ordinal) {
            return;
        }
    }
    c->bin = grown(c->bin, c->n_bin, sizeof *c->bin);
    c->bin[c->n_bin++] = (struct o_bin){category, ordinal};
}

/* Newest bin of the category; made when there is none. */
int o_implicit_bin(struct o_claro *c, int category)
{
    for (size_t i = c->n_bin; i-- > 0;) {
        if (c->bin[i].category == category) {
            return c->bin[i].ordinal;
        }
    }
    o_add_bin(c, category, 1);
    return 1;
}

/* ---- figures, summed up anew ---- */

int64_t o_balance(const struct o_period *p, int batch, int64_t at)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->n_mov; i++) {
        if (p->mov[i].batch == batch && p->mov[i].at <= at) {
            sum += p->mov[i].q;
        }
    }
    return sum;
}

/* What can leave a batch at an instant without any later balance going below zero. */
int64_t o_available(const struct o_period *p, int batch, int64_t at)
{
    int64_t least = o_balance(p, batch, at);
    for (size_t i = 0; i < p->n_mov; i++) {
        if (p->mov[i].batch == batch && p->mov[i].at > at) {
            int64_t then = o_balance(p, batch, p->mov[i].at);
            least = then < least ? then : least;
        }
    }
    return least;
}

bool o_key_same(const struct o_key *a, const struct o_key *b)
{
    return a->category == b->category && a->ordinal == b->ordinal && a->product == b->product &&
           a->state == b->state && a->size == b->size && a->pack == b->pack;
}

bool o_tray(int category)
{
    return category == LEDGER_PLUG || category == LEDGER_SEEDLING_TRAY;
}

bool o_sellable(const struct oracle *o, const struct o_key *k)
{
    return !o_tray(k->category) && o->f.sellable[k->state];
}

int64_t o_pots(int64_t plants, int ppc)
{
    return (plants + ppc - 1) / ppc;
}

/* ---- movements ---- */

static int month_of(int day)
{
    if (day == O_NO_DAY) {
        return -1;
    }
    int y;
    int m;
    int d;
    o_civil(day, &y, &m, &d);
    return y * 12 + m;
}

/* The newest batch of the key that has plants and was planted in the same month, else a new one. */
static int join(struct oracle *o, struct o_claro *c, struct o_period *p, const struct o_key *k,
                int ppc, int planting, int64_t at)
{
    for (int i = (int)p->n_batch; i-- > 0;) {
        if (o_key_same(&p->batch[i].key, k) && o_balance(p, i, INT64_MAX) > 0 &&
            month_of(p->batch[i].planting) == month_of(planting)) {
            return i;
        }
    }
    return o_add_batch(o, c, p, k, ppc, planting, at);
}

static int infer(const struct oracle *o, int64_t pack, int64_t state)
{
    return pack                                              ? LEDGER_SEGMENT
           : state == o->f.seed || state == o->f.germinating ? LEDGER_PLUG
                                                             : LEDGER_SEEDLING_TRAY;
}

/* Whether plants of the key may come in (product only when they come from elsewhere). */
static int fits(const struct o_claro *c, const struct o_key *k, bool check_product, bool check_pack,
                bool allowed)
{
    if (!c->cfg.id || allowed) {
        return 0;
    }
    if (check_product && c->cfg.product != k->product) {
        return INV_PRODUCT_MISMATCH;
    }
    if (check_pack && !o_tray(k->category) && c->cfg.pack != k->pack) {
        return INV_PACKAGING_MISMATCH;
    }
    return 0;
}

static int inbound(struct oracle *o, const struct ledger_move *m, int64_t at, bool supervisor)
{
    struct o_claro *c = o_claro(o, m->location_id);
    struct o_key k = {.product = m->product_id};
    bool sembrar = m->type == LEDGER_SEMBRAR;
    k.state = m->state_id ? m->state_id : sembrar ? o->f.seed : c->cfg.state;
    if (!k.state) {
        return INV_VALIDATION;
    }
    k.size = m->size_id > 0 ? m->size_id : 0;
    int64_t pack = m->packaging_id > 0                ? m->packaging_id
                   : m->packaging_id == 0 && !sembrar ? c->cfg.pack
                                                      : 0;
    k.category = m->category                 ? (int)m->category
                 : m->type == LEDGER_PLANTAR ? LEDGER_SEGMENT
                                             : infer(o, pack, k.state);
    if ((m->type == LEDGER_PLANTAR && o_tray(k.category)) || (sembrar && !o_tray(k.category))) {
        return INV_BIN_CATEGORY_NOT_ALLOWED;
    }
    if (o_tray(k.category) && m->packaging_id > 0) {
        return INV_PACKAGING_MISMATCH;
    }
    k.pack = o_tray(k.category) ? 0 : pack;
    int refused = fits(c, &k, true, true, supervisor && m->allow_mismatch);
    if (refused) {
        return refused;
    }
    struct o_period *p = o_open(c);
    if (p && at < p->opened_at) {
        return INV_PERIOD_CLOSED;
    }
    if (!p) {
        p = o_add_period(c, 0, at);
    }
    k.ordinal = o_implicit_bin(c, k.category);
    int ppc = m->plants_per_container ? m->plants_per_container : c->cfg.id ? c->cfg.ppc : 1;
    int b = join(o, c, p, &k, ppc, o_day(o, at), at);
    int64_t before = o_balance(p, b, INT64_MAX);
    struct o_mov *row = o_add_mov(o, p, b, m->type, O_REGULAR, m->quantity, at);
    (void)snprintf(row->uuid, sizeof row->uuid, "%s", m->uuid);
    if (m->type == LEDGER_PLANTAR && m->reuse_empty) {
        int64_t need =
            o_pots(before + m->quantity, p->batch[b].ppc) - o_pots(before, p->batch[b].ppc);
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < (int)p->n_batch; i++) {
                struct o_batch *x = &p->batch[i];
                if ((pass == 0) == (i == b) && x->key.category == k.category &&
                    x->key.ordinal == k.ordinal && x->key.pack == k.pack) {
                    int64_t use = x->empties < need ? x->empties : need;
                    x->empties -= use;
                    need -= use;
                }
            }
        }
    }
    return 0;
}

struct piece {
    int batch;
    int64_t q;
};

static bool matches(const struct o_batch *b, const struct ledger_move *m)
{
    return b->key.product == m->product_id && (!m->state_id || b->key.state == m->state_id) &&
           (!m->size_id || b->key.size == (m->size_id > 0 ? m->size_id : 0)) &&
           (!m->packaging_id || b->key.pack == (m->packaging_id > 0 ? m->packaging_id : 0)) &&
           (!m->category || b->key.category == (int)m->category);
}

static int not_for_sale(const struct oracle *o, const struct o_key *k)
{
    return !o->f.sellable[k->state] ? INV_STATE_NOT_SELLABLE
           : o_tray(k->category)    ? INV_BIN_CATEGORY_NOT_ALLOWED
                                    : 0;
}

/* Which batches give how many. */
static int choose(const struct oracle *o, const struct o_period *p, const struct ledger_move *m,
                  const char *code, int64_t at, int64_t q, struct piece **ret, size_t *ret_n)
{
    *ret = calloc(p ? p->n_batch + 1 : 1, sizeof **ret);
    *ret_n = 0;
    if (!p) {
        return INV_NOT_FOUND;
    }
    if (at < p->opened_at) {
        return INV_PERIOD_CLOSED;
    }
    int why = INV_NOT_FOUND;
    bool any = false;
    int64_t left = q;
    for (int i = 0; i < (int)p->n_batch; i++) {
        const struct o_batch *b = &p->batch[i];
        if (code[0] ? strcmp(code, b->code) != 0
                    : !matches(b, m) || o_balance(p, i, INT64_MAX) == 0) {
            continue;
        }
        int refused = m->type == LEDGER_VENTAS ? not_for_sale(o, &b->key) : 0;
        if (refused) {
            why = why == INV_NOT_FOUND ? refused : why;
            continue;
        }
        any = true;
        int64_t can = o_available(p, i, at);
        int64_t take = can < left ? can : left;
        if (take > 0) {
            (*ret)[(*ret_n)++] = (struct piece){i, take};
            left -= take;
        }
    }
    return !any ? why : left > 0 ? INV_INSUFFICIENT_STOCK : 0;
}

static int outbound(struct oracle *o, const struct ledger_move *m, const char *code, int64_t at)
{
    struct o_claro *c = o_claro(o, m->location_id);
    struct o_period *p = o_open(c);
    int64_t q = m->quantity < 0 ? -m->quantity : m->quantity;
    struct piece *piece;
    size_t n;
    int refused = choose(o, p, m, code, at, q, &piece, &n);
    if (!refused) {
        int64_t group = ++o->last_group;
        for (size_t i = 0; i < n; i++) {
            struct o_batch *b = &p->batch[piece[i].batch];
            int64_t before = o_balance(p, piece[i].batch, INT64_MAX);
            struct o_mov *row =
                o_add_mov(o, p, piece[i].batch, m->type, O_REGULAR, -piece[i].q, at);
            row->group = m->type == LEDGER_TRANSPLANTE ? group : 0;
            if (i == 0) {
                (void)snprintf(row->uuid, sizeof row->uuid, "%s", m->uuid);
            }
            if (m->type == LEDGER_MUERTE && b->key.pack) {
                b->empties += o_pots(before, b->ppc) - o_pots(before - piece[i].q, b->ppc);
            }
        }
    }
    free(piece);
    return refused;
}

static int transplant(struct oracle *o, const struct ledger_move *m, const char *code, int64_t at,
                      bool supervisor)
{
    struct o_claro *from = o_claro(o, m->location_id);
    struct o_claro *to = m->to_location_id ? o_claro(o, m->to_location_id) : from;
    struct piece *piece;
    size_t n;
    int refused = choose(o, o_open(from), m, code, at, m->quantity, &piece, &n);
    struct o_key *k = calloc(n + 1, sizeof *k);
    for (size_t i = 0; !refused && i < n; i++) {
        const struct o_key *s = &o_open(from)->batch[piece[i].batch].key;
        k[i] = *s;
        k[i].state = m->to_state_id ? m->to_state_id : s->state;
        k[i].size = m->to_size_id > 0 ? m->to_size_id : m->to_size_id < 0 ? 0 : s->size;
        int64_t pack = m->to_packaging_id > 0   ? m->to_packaging_id
                       : m->to_packaging_id < 0 ? 0
                                                : s->pack;
        bool stay = to == from && !m->to_category;
        if (!stay) {
            k[i].category = m->to_category ? (int)m->to_category : infer(o, pack, k[i].state);
            k[i].ordinal = 0; /* not known yet */
        }
        if (o_tray(k[i].category) && m->to_packaging_id > 0) {
            refused = INV_PACKAGING_MISMATCH;
            break;
        }
        if (!m->to_packaging_id && !o_tray(k[i].category) && !s->pack) {
            pack = to->cfg.pack;
        }
        k[i].pack = o_tray(k[i].category) ? 0 : pack;
        refused = fits(to, &k[i], to != from, to != from || k[i].pack != s->pack,
                       supervisor && m->allow_mismatch);
        if (!refused && to != from && o_open(to) && at < o_open(to)->opened_at) {
            refused = INV_PERIOD_CLOSED;
        }
        if (!refused && to == from) {
            struct o_key t = k[i];
            for (size_t b = to->n_bin; b-- > 0 && !t.ordinal;) {
                t.ordinal = to->bin[b].category == t.category ? to->bin[b].ordinal : 0;
            }
            refused = o_key_same(&t, s) ? INV_SAME_DESTINATION : 0;
        }
    }
    if (!refused) {
        refused = outbound(o, m, code, at);
        int64_t group = o->last_group;
        for (size_t i = 0; i < n; i++) {
            if (!o_open(to)) {
                (void)o_add_period(to, 0, at);
            }
            struct o_period *p = o_open(to);
            struct o_batch *s = &o_open(from)->batch[piece[i].batch];
            if (k[i].pack != s->key.pack && s->key.pack) {
                int64_t after = o_balance(o_open(from), piece[i].batch, INT64_MAX);
                s->empties += o_pots(after + piece[i].q, s->ppc) - o_pots(after, s->ppc);
            }
            int planting = s->planting;
            if (!k[i].ordinal) {
                k[i].ordinal = o_implicit_bin(to, k[i].category);
            }
            int b = join(o, to, p, &k[i], to->cfg.id ? to->cfg.ppc : 1, planting, at);
            o_add_mov(o, p, b, LEDGER_TRANSPLANTE, O_REGULAR, piece[i].q, at)->group = group;
        }
    }
    free(k);
    free(piece);
    return refused;
}

int oracle_move(struct oracle *o, const struct ledger_move *m, const char *batch_code,
                bool supervisor, int64_t now)
{
    int64_t at = m->occurred_at ? m->occurred_at : now;
    if (at > now + 60000) {
        return INV_VALIDATION;
    }
    switch (m->type) {
    case LEDGER_PLANTAR:
    case LEDGER_SEMBRAR:
        return inbound(o, m, at, supervisor);
    case LEDGER_TRANSPLANTE:
        return transplant(o, m, batch_code, at, supervisor);
    case LEDGER_AJUSTE:
        return m->quantity > 0 ? inbound(o, m, at, supervisor) : outbound(o, m, batch_code, at);
    case LEDGER_MUERTE:
    case LEDGER_VENTAS:
        return outbound(o, m, batch_code, at);
    case LEDGER_FOTO:
    case LEDGER_MANUAL_INIT:
    case LEDGER_TYPE_MAX_:
        break;
    }
    return INV_MOVEMENT_TYPE_NOT_ALLOWED;
}

/* ---- reversal ---- */

static void reverse_row(struct oracle *o, struct o_period *p, size_t i)
{
    struct o_mov m = p->mov[i];
    struct o_batch *b = &p->batch[m.batch];
    int64_t before = o_balance(p, m.batch, INT64_MAX);
    p->mov[i].dead = true;
    o_add_mov(o, p, m.batch, m.type, m.role, -m.q, m.at)->dead = true;
    if (m.type == LEDGER_MUERTE && b->key.pack) {
        int64_t freed = o_pots(before - m.q, b->ppc) - o_pots(before, b->ppc);
        b->empties -= freed < b->empties ? freed : b->empties;
    }
}

static bool row_of(const struct o_mov *m, const struct o_mov *asked)
{
    return !m->dead && (m->tag == asked->tag || (asked->group && m->group == asked->group));
}

static bool has_row(const struct o_period *p, const struct o_mov *asked)
{
    for (size_t i = 0; i < p->n_mov; i++) {
        if (row_of(&p->mov[i], asked)) {
            return true;
        }
    }
    return false;
}

int oracle_reverse(struct oracle *o, const char *uuid, const char *movement_uuid)
{
    (void)uuid;
    struct o_mov *asked = NULL;
    bool closed = false;
    for (size_t c = 0; c < o->n_claro; c++) {
        for (size_t p = 0; p < o->claro[c].n_period; p++) {
            for (size_t i = 0; i < o->claro[c].period[p].n_mov; i++) {
                struct o_mov *m = &o->claro[c].period[p].mov[i];
                if (strcmp(m->uuid, movement_uuid) == 0) {
                    asked = m;
                    closed = p + 1 < o->claro[c].n_period;
                }
            }
        }
    }
    if (!asked || asked->dead) {
        return INV_INVALID_TRANSITION; /* the caller names only rows that existed once */
    }
    if (asked->role != O_REGULAR) {
        return INV_INVALID_TRANSITION;
    }
    if (closed) {
        return INV_PERIOD_CLOSED;
    }
    struct o_mov key = *asked;
    int64_t touched[16] = {0};
    size_t n = 0;
    for (size_t c = 0; c < o->n_claro; c++) {
        for (size_t p = 0; p < o->claro[c].n_period; p++) {
            if (!has_row(&o->claro[c].period[p], &key)) {
                continue;
            }
            if (p + 1 < o->claro[c].n_period) {
                return INV_PERIOD_CLOSED;
            }
            touched[n++] = o->claro[c].location;
        }
    }
    struct oracle_copy *copy = oracle_save(o, touched, n);
    bool negative = false;
    for (size_t t = 0; t < n; t++) {
        struct o_period *p = o_open(o_claro(o, touched[t]));
        size_t rows = p->n_mov; /* those that writing adds are not looked at */
        for (size_t i = 0; i < rows; i++) {
            if (row_of(&p->mov[i], &key)) {
                reverse_row(o, p, i);
            }
        }
        for (size_t i = 0; i < p->n_mov; i++) {
            negative = negative || o_balance(p, p->mov[i].batch, p->mov[i].at) < 0;
        }
    }
    if (negative) {
        oracle_restore(o, copy);
    }
    oracle_copy_free(copy);
    return negative ? INV_NEGATIVE_STOCK : 0;
}

/* ---- claros, copies ---- */

struct oracle *oracle_new(const struct oracle_facts *f)
{
    struct oracle *o = calloc(1, sizeof *o);
    if (!o) {
        abort();
    }
    o->f = *f;
    return o;
}

void o_period_clear(struct o_period *p)
{
    free(p->batch);
    free(p->mov);
    free(p->line);
    if (p->before) {
        o_period_clear(p->before);
        free(p->before);
    }
}

static void claro_clear(struct o_claro *c)
{
    for (size_t i = 0; i < c->n_period; i++) {
        o_period_clear(&c->period[i]);
    }
    free(c->period);
    free(c->bin);
    free(c->code);
}

void oracle_free(struct oracle *o)
{
    for (size_t i = 0; i < o->n_claro; i++) {
        claro_clear(&o->claro[i]);
    }
    free(o->claro);
    free(o);
}

static void *copied(const void *from, size_t n, size_t size)
{
    size_t room = 1; /* as grown() would have made it */
    while (room < n + 1) {
        room *= 2;
    }
    void *p = malloc(room * size);
    if (!p) {
        abort();
    }
    if (n) {
        memcpy(p, from, n * size);
    }
    return p;
}

void o_period_copy(struct o_period *to, const struct o_period *from)
{
    *to = *from;
    to->batch = copied(from->batch, from->n_batch, sizeof *from->batch);
    to->mov = copied(from->mov, from->n_mov, sizeof *from->mov);
    to->line = copied(from->line, from->n_line, sizeof *from->line);
    to->before = NULL;
}

static void claro_copy(struct o_claro *to, const struct o_claro *from)
{
    *to = *from;
    to->period = copied(from->period, from->n_period, sizeof *from->period);
    for (size_t i = 0; i < from->n_period; i++) {
        o_period_copy(&to->period[i], &from->period[i]);
        if (from->period[i].before) {
            to->period[i].before = copied(NULL, 0, sizeof *from->period);
            o_period_copy(to->period[i].before, from->period[i].before);
        }
    }
    to->bin = copied(from->bin, from->n_bin, sizeof *from->bin);
    to->code = copied(from->code, from->n_code, sizeof *from->code);
}

struct oracle_copy {
    struct o_claro *claro;
    size_t n;
};

struct oracle_copy *oracle_save(const struct oracle *o, const int64_t *location, size_t n)
{
    struct oracle_copy *s = calloc(1, sizeof *s);
    if (!s) {
        abort();
    }
    s->claro = calloc(n + 1, sizeof *s->claro);
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        claro_copy(&s->claro[i], o_claro(o, location[i]));
    }
    return s;
}

void oracle_restore(struct oracle *o, const struct oracle_copy *copy)
{
    for (size_t i = 0; i < copy->n; i++) {
        struct o_claro *c = o_claro(o, copy->claro[i].location);
        claro_clear(c);
        claro_copy(c, &copy->claro[i]);
    }
}

void oracle_copy_free(struct oracle_copy *copy)
{
    for (size_t i = 0; copy && i < copy->n; i++) {
        claro_clear(&copy->claro[i]);
    }
    if (copy) {
        free(copy->claro);
    }
    free(copy);
}

void oracle_add_claro(struct oracle *o, int64_t location)
{
    o->claro = grown(o->claro, o->n_claro, sizeof *o->claro);
    o->claro[o->n_claro++] = (struct o_claro){.location = location};
}

void oracle_configure(struct oracle *o, int64_t location, const struct oracle_config *cfg)
{
    o_claro(o, location)->cfg = *cfg;
}

void oracle_plant_fault(struct oracle *o)
{
    o->faulty = true;
}

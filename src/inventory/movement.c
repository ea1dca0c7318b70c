/* SPDX-License-Identifier: Apache-2.0
 *
 * Movements that people log (domain.md section 9): each is planned on the books in memory; what
 * passes every rule is written. */
#include "inventory/ledger_run.h"

#define LIMIT_MOVE_PLANTS 100000

enum { BATCH_PLACE };
static const struct store_query queries[] = {
    [BATCH_PLACE] = {"ledger.batch_place",
                     "SELECT p.storage_location_id, p.status FROM stock_batches b"
                     " JOIN stock_periods p ON p.id = b.stock_period_id WHERE b.id = ?1",
                     "i", "it"},
};
STORE_QUERIES(ledger_movement_queries, queries);

/* One movement while it is planned. */
struct plan {
    struct work *w;
    const struct ledger_move *m;
    int64_t at;
    struct book *from, *to; /* to: transplante and inbound */
    struct ledger_report *report;
};

static int64_t said(int64_t id, int64_t otherwise)
{
    return id > 0 ? id : id == LEDGER_NONE ? 0 : otherwise;
}

/* ---- what goes out ---- */

struct piece {
    struct book_batch *batch;
    int64_t q;
};

static bool matches(const struct book_batch *b, const struct ledger_move *m)
{
    const struct book_key *k = &b->key;
    return b->current > 0 && k->product_id == m->product_id &&
           (!m->state_id || k->state_id == m->state_id) &&
           (!m->size_id || k->size_id == said(m->size_id, 0)) &&
           (!m->packaging_id || k->packaging_id == said(m->packaging_id, 0)) &&
           (!m->bin_id || k->bin->id == m->bin_id) &&
           (!m->category || k->bin->category == m->category);
}

/* INV_STATE_NOT_SELLABLE, INV_BIN_CATEGORY_NOT_ALLOWED, or 0. */
static int not_for_sale(const struct work *w, const struct book_key *k)
{
    const struct book_state *s = book_state(w, k->state_id);
    return !s || !s->sellable            ? INV_STATE_NOT_SELLABLE
           : book_tray(k->bin->category) ? INV_BIN_CATEGORY_NOT_ALLOWED
                                         : DM_OK;
}

/* Which batches give how many: the one asked for, or all that match, oldest first. */
static int choose(struct plan *p, int64_t q, struct piece **ret, size_t *ret_n, struct dm_err *e)
{
    const struct book_period *open = p->from->open;
    void *memory;
    DM_TRY(book_alloc(p->w, open ? open->n_batch : 0, sizeof **ret, &memory, e));
    struct piece *piece = memory;
    size_t n = 0;
    int refused = INV_NOT_FOUND;
    bool any = false;
    int64_t left = q;
    if (open && p->at < open->opened_at) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "claro %s was counted after that time", p->from->code);
    }
    for (size_t i = 0; open && i < open->n_batch; i++) {
        struct book_batch *b = open->batch[i];
        if (p->m->batch_id ? b->id != p->m->batch_id : !matches(b, p->m)) {
            continue;
        }
        int why = p->m->type == LEDGER_VENTAS ? not_for_sale(p->w, &b->key) : DM_OK;
        if (why) {
            refused = refused == INV_NOT_FOUND ? why : refused;
            continue;
        }
        any = true;
        int64_t can;
        DM_TRY(book_available(p->w, b, p->at, &can, e));
        can = DM_MIN(can, left);
        if (can > 0) {
            piece[n++] = (struct piece){b, can};
            left -= can;
        }
    }
    if (!any) {
        DM_FAIL(e, refused,
                refused == INV_NOT_FOUND ? "claro %s has no such plants"
                                         : "these plants of claro %s are not for sale",
                p->from->code);
    }
    if (left > 0) {
        DM_REFUSE(e, INV_INSUFFICIENT_STOCK,
                  DM_FIELDS(DM_I("available", q - left), DM_I("requested", q)),
                  "claro %s has %lld of the %lld plants asked for", p->from->code,
                  (long long)(q - left), (long long)q);
    }
    *ret = piece;
    *ret_n = n;
    return DM_OK;
}

static int set_price(struct plan *p, struct book_row *r, int64_t pots, struct dm_err *e)
{
    int64_t unit = p->m->unit_price_cents;
    if (unit == 0) {
        DM_TRY(book_price(p->w, r->batch->key.product_id, r->batch->key.packaging_id, &unit, e));
    }
    r->unit_price_cents = unit;
    if (unit < 0) {
        p->report->warnings |= LEDGER_WARN_NO_PRICE;
    } else if (__builtin_mul_overflow(unit, pots, &r->total_price_cents)) {
        DM_FAIL(e, INV_VALIDATION, "the price is too high");
    }
    return DM_OK;
}

/* Take the pieces out of their batches; rows of one movement share a group. */
static int take(struct plan *p, const struct piece *piece, size_t n, const char *group,
                struct book_row **ret_rows, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct book_batch *b = piece[i].batch;
        int64_t before = b->current;
        struct book_row *r;
        DM_TRY(book_add_row(p->w, b, p->m->type, BOOK_REGULAR, -piece[i].q, p->at, &r, e));
        int64_t pots = book_pots(b, before) - book_pots(b, b->current);
        r->reason = p->m->reason;
        (void)snprintf(r->group, sizeof r->group, "%s", group);
        if (p->m->type == LEDGER_MUERTE && b->key.packaging_id) {
            b->empties += pots;
        } else if (p->m->type == LEDGER_VENTAS) {
            DM_TRY(set_price(p, r, pots, e));
        }
        DM_TRY(ledger_report_row(p->w, p->report, r, e));
        if (ret_rows) {
            ret_rows[i] = r;
        }
    }
    return DM_OK;
}

static int outbound(struct plan *p, struct dm_err *e)
{
    struct piece *piece;
    size_t n;
    DM_TRY(choose(p, llabs(p->m->quantity), &piece, &n, e));
    char group[LEDGER_UUID_SIZE] = "";
    if (n > 1) {
        store_uuid_new(group);
    }
    DM_TRY(take(p, piece, n, group, NULL, e));
    p->report->batch = piece[0].batch;
    p->report->book = p->from;
    return DM_OK;
}

/* ---- what comes in ---- */

/* A container named by its id, fit to receive. */
static int named_bin(const struct book *b, int64_t bin_id, struct book_bin **ret, struct dm_err *e)
{
    struct book_bin *bin = book_find_bin(b, bin_id);
    if (!bin) {
        DM_FAIL(e, INV_NOT_FOUND, "claro %s has no container %lld", b->code, (long long)bin_id);
    }
    if (!bin->active) {
        DM_FAIL(e, INV_BIN_NOT_ACTIVE, "container %lld of claro %s does not receive plants",
                (long long)bin_id, b->code);
    }
    *ret = bin;
    return DM_OK;
}

static int check_category(const struct ledger_move *m, enum ledger_category category,
                          int64_t packaging_asked, struct dm_err *e)
{
    bool tray = book_tray(category);
    if ((m->type == LEDGER_PLANTAR && tray) || (m->type == LEDGER_SEMBRAR && !tray)) {
        DM_FAIL(e, INV_BIN_CATEGORY_NOT_ALLOWED, "%s is not done in a %s",
                ledger_type_names[m->type], ledger_category_names[category]);
    }
    if (tray && packaging_asked > 0) {
        DM_FAIL(e, INV_PACKAGING_MISMATCH, "a %s takes no pots", ledger_category_names[category]);
    }
    return DM_OK;
}

/* Product, state, size, pot and kind of container of plants that come in. *ret_bin is the named
 * container or NULL. */
static int inbound_key(struct plan *p, struct book_key *k, enum ledger_category *ret_category,
                       struct dm_err *e)
{
    const struct ledger_move *m = p->m;
    const struct book_config *c = &p->to->config;
    bool sembrar = m->type == LEDGER_SEMBRAR;
    const struct book_state *seed = book_state_named(p->w, "SEED");
    *k = (struct book_key){.product_id = m->product_id, .size_id = said(m->size_id, 0)};
    k->state_id = m->state_id ? m->state_id : sembrar && seed ? seed->id : c->state_id;
    if (!k->state_id) {
        DM_FAIL(e, INV_VALIDATION, "claro %s has no configuration: say the state", p->to->code);
    }
    int64_t pot = said(m->packaging_id, sembrar ? 0 : c->packaging_id);
    enum ledger_category category = m->category;
    if (m->bin_id) {
        DM_TRY(named_bin(p->to, m->bin_id, &k->bin, e));
        category = k->bin->category;
    } else if (!category) {
        category = m->type == LEDGER_PLANTAR ? LEDGER_SEGMENT
                                             : ledger_infer_category(p->w, pot, k->state_id);
    }
    DM_TRY(check_category(m, category, m->packaging_id, e));
    k->packaging_id = book_tray(category) ? 0 : pot;
    *ret_category = category;
    return DM_OK;
}

/* Open an implicit period when the claro has none; the time must lie in the open one. */
static int need_period(struct plan *p, struct dm_err *e)
{
    if (!p->to->open) {
        DM_TRY(book_open_period(p->w, p->to, LEDGER_TYPE_MAX_, p->at, e));
        p->report->warnings |= LEDGER_WARN_IMPLICIT_PERIOD;
    } else if (p->at < p->to->open->opened_at) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "claro %s was counted after that time", p->to->code);
    }
    return DM_OK;
}

static void warn_capacity(struct plan *p, const struct book_bin *bin)
{
    int64_t plants = 0;
    for (size_t i = 0; i < p->to->open->n_batch; i++) {
        const struct book_batch *b = p->to->open->batch[i];
        plants += b->key.bin == bin ? b->current : 0;
    }
    if (bin->capacity && plants > bin->capacity) {
        p->report->warnings |= LEDGER_WARN_CAPACITY;
    }
}

/* Plants that go into pots which stand empty (replante): the batch's own first, then others of the
 * same container and pot. */
static void reuse_empties(struct book *book, struct book_batch *into, int64_t pots)
{
    for (int others = 0; others < 2; others++) {
        for (size_t i = 0; i < book->open->n_batch; i++) {
            struct book_batch *b = book->open->batch[i];
            if ((b != into) == others && b->key.bin == into->key.bin &&
                b->key.packaging_id == into->key.packaging_id && b->empties > 0 && pots > 0) {
                int64_t used = DM_MIN(b->empties, pots);
                b->empties -= used;
                pots -= used;
                b->changed = true;
            }
        }
    }
}

static int32_t pots_rule(const struct plan *p)
{
    return p->m->plants_per_container ? p->m->plants_per_container
           : p->to->config.id         ? p->to->config.plants_per_container
                                      : 1;
}

static int put_in(struct plan *p, struct book_batch *b, struct dm_err *e)
{
    int64_t before = b->current;
    struct book_row *r;
    DM_TRY(book_add_row(p->w, b, p->m->type, BOOK_REGULAR, p->m->quantity, p->at, &r, e));
    r->reason = p->m->reason;
    DM_TRY(ledger_report_row(p->w, p->report, r, e));
    if (p->m->type == LEDGER_PLANTAR && p->m->reuse_empty) {
        reuse_empties(p->to, b, book_pots(b, b->current) - book_pots(b, before));
    }
    warn_capacity(p, b->key.bin);
    p->report->batch = b;
    p->report->book = p->to;
    return DM_OK;
}

static int inbound(struct plan *p, struct dm_err *e)
{
    struct book_key k;
    enum ledger_category category = LEDGER_CATEGORY_UNSAID;
    DM_TRY(inbound_key(p, &k, &category, e));
    struct book_bin asked = {.category = category};
    struct book_key check = k;
    check.bin = &asked;
    const struct ledger_fit fit = {true, true, p->m->allow_mismatch};
    DM_TRY(ledger_check_fit(p->w, p->to, &check, &fit, &p->report->warnings, e));
    DM_TRY(need_period(p, e));
    if (!k.bin) {
        DM_TRY(book_bin(p->w, p->to, category, 0, &k.bin, e));
    }
    char day[LEDGER_DATE_SIZE];
    book_day(p->w, p->at, day);
    struct book_batch *b;
    DM_TRY(book_join(p->w, p->to, &k, pots_rule(p), p->m->planting_date ? p->m->planting_date : day,
                     p->at, &b, e));
    return put_in(p, b, e);
}

/* ajuste up on a batch that is named. */
static int inbound_batch(struct plan *p, struct dm_err *e)
{
    struct book_batch *b = NULL;
    for (size_t i = 0; p->to->open && i < p->to->open->n_batch; i++) {
        if (p->to->open->batch[i]->id == p->m->batch_id) {
            b = p->to->open->batch[i];
        }
    }
    if (!b) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "the period of the batch is closed");
    }
    if (!b->key.bin->active) {
        DM_FAIL(e, INV_BIN_NOT_ACTIVE, "the container of batch %s does not receive plants",
                b->code);
    }
    DM_TRY(need_period(p, e));
    return put_in(p, b, e);
}

/* ---- from one place to another ---- */

/* Where plants of a batch go: the key, with a container only when it is known already. */
static int target_key(struct plan *p, const struct book_batch *source, struct book_key *k,
                      enum ledger_category *ret_category, struct dm_err *e)
{
    const struct ledger_move *m = p->m;
    *k = source->key;
    k->state_id = m->to_state_id ? m->to_state_id : source->key.state_id;
    k->size_id = said(m->to_size_id, source->key.size_id);
    int64_t pot = said(m->to_packaging_id, source->key.packaging_id);
    enum ledger_category category = source->key.bin->category;
    if (m->to_bin_id) {
        DM_TRY(named_bin(p->to, m->to_bin_id, &k->bin, e));
        category = k->bin->category;
    } else if (p->to != p->from || m->to_category) {
        category = m->to_category ? m->to_category : ledger_infer_category(p->w, pot, k->state_id);
        k->bin = book_newest_bin(p->to, category);
    }
    DM_TRY(check_category(m, category, m->to_packaging_id, e));
    if (!m->to_packaging_id && !book_tray(category) && !source->key.packaging_id) {
        pot = p->to->config.packaging_id; /* out of a tray into pots */
    }
    k->packaging_id = book_tray(category) ? 0 : pot;
    *ret_category = category;
    return DM_OK;
}

static int check_target(struct plan *p, const struct book_batch *source, const struct book_key *k,
                        enum ledger_category category, struct dm_err *e)
{
    struct book_bin asked = {.category = category};
    struct book_key check = *k;
    check.bin = &asked;
    bool away = p->to != p->from;
    const struct ledger_fit fit = {away, away || k->packaging_id != source->key.packaging_id,
                                   p->m->allow_mismatch};
    DM_TRY(ledger_check_fit(p->w, p->to, &check, &fit, &p->report->warnings, e));
    if (away && p->to->open && p->at < p->to->open->opened_at) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "claro %s was counted after that time", p->to->code);
    }
    if (!away && book_key_same(k, &source->key)) {
        DM_FAIL(e, INV_SAME_DESTINATION, "batch %s is there already", source->code);
    }
    if (k->bin && k->bin == source->key.bin && !k->bin->active) {
        DM_FAIL(e, INV_BIN_NOT_ACTIVE, "the container of batch %s does not receive plants",
                source->code);
    }
    return DM_OK;
}

static void later_date(char date[static LEDGER_DATE_SIZE], const struct book_batch *b,
                       const char *day)
{
    if (strcmp(day, b->planting) >= 0 && strcmp(day, b->germination) >= 0) {
        memcpy(date, day, LEDGER_DATE_SIZE);
    }
}

/* Put what left `source` into its target. */
static int arrive(struct plan *p, struct book_row *out, struct book_key *k,
                  enum ledger_category category, struct dm_err *e)
{
    struct book_batch *source = out->batch;
    if (!k->bin) {
        DM_TRY(book_bin(p->w, p->to, category, 0, &k->bin, e));
    }
    size_t batches = p->to->open->n_batch;
    int32_t rule = p->to->config.id ? p->to->config.plants_per_container : 1;
    struct book_batch *b;
    DM_TRY(book_join(p->w, p->to, k, rule, source->planting, p->at, &b, e));
    if (p->to->open->n_batch > batches) {
        memcpy(b->germination, source->germination, sizeof b->germination);
        b->parent = source;
    }
    char day[LEDGER_DATE_SIZE];
    book_day(p->w, p->at, day);
    later_date(b->transplant, b, day);
    struct book_row *in;
    DM_TRY(book_add_row(p->w, b, LEDGER_TRANSPLANTE, BOOK_REGULAR, -out->quantity, p->at, &in, e));
    memcpy(in->group, out->group, sizeof in->group);
    in->reason = p->m->reason;
    in->source_bin = source->key.bin;
    out->destination_bin = k->bin;
    if (k->packaging_id != source->key.packaging_id && source->key.packaging_id) {
        source->empties +=
            book_pots(source, source->current - out->quantity) - book_pots(source, source->current);
    }
    DM_TRY(ledger_report_row(p->w, p->report, in, e));
    warn_capacity(p, k->bin);
    p->report->batch = b;
    return DM_OK;
}

static int transplant(struct plan *p, struct dm_err *e)
{
    struct piece *piece;
    size_t n;
    DM_TRY(choose(p, p->m->quantity, &piece, &n, e));
    void *memory;
    DM_TRY(book_alloc(p->w, n, sizeof(struct book_key), &memory, e));
    struct book_key *key = memory;
    DM_TRY(book_alloc(p->w, n, sizeof(enum ledger_category), &memory, e));
    enum ledger_category *category = memory;
    DM_TRY(book_alloc(p->w, n, sizeof(struct book_row *), &memory, e));
    struct book_row **out = memory;
    for (size_t i = 0; i < n; i++) {
        DM_TRY(target_key(p, piece[i].batch, &key[i], &category[i], e));
        DM_TRY(check_target(p, piece[i].batch, &key[i], category[i], e));
    }
    char group[LEDGER_UUID_SIZE];
    store_uuid_new(group);
    DM_TRY(take(p, piece, n, group, out, e));
    DM_TRY(need_period(p, e));
    for (size_t i = 0; i < n; i++) {
        DM_TRY(arrive(p, out[i], &key[i], category[i], e));
    }
    p->report->empties = piece[0].batch;
    p->report->book = p->from;
    return DM_OK;
}

/* ---- the door ---- */

static bool comes_in(const struct ledger_move *m)
{
    return m->type == LEDGER_PLANTAR || m->type == LEDGER_SEMBRAR ||
           (m->type == LEDGER_AJUSTE && m->quantity > 0);
}

static int plan_move(struct work *w, const void *in, struct ledger_report *report, struct dm_err *e)
{
    const struct ledger_move *m = in;
    int64_t from = m->location_id;
    if (m->batch_id) {
        const struct store_value *v;
        int found = store_maybe(w->tx, &queries[BATCH_PLACE], STORE_ARGS(store_i(m->batch_id)),
                                &w->arena, &v, e);
        DM_TRY(found);
        if (!found || (from && from != v[0].i)) {
            DM_FAIL(e, INV_NOT_FOUND, "there is no batch %lld here", (long long)m->batch_id);
        }
        if (strcmp(v[1].t, "open") != 0) {
            DM_FAIL(e, INV_PERIOD_CLOSED, "the period of the batch is closed");
        }
        from = v[0].i;
    }
    const int64_t places[] = {from, m->to_location_id};
    DM_TRY(book_lock(w, places, DM_COUNT(places), e));
    struct plan p = {.w = w, .m = m, .report = report, .from = book_of(w, from)};
    p.to = m->to_location_id ? book_of(w, m->to_location_id) : p.from;
    p.at = m->occurred_at ? m->occurred_at : w->c->now_ms;
    DM_TRY(ledger_check_catalogue(w, m->product_id, m->packaging_id, m->size_id, m->state_id, e));
    if (m->type == LEDGER_TRANSPLANTE) {
        DM_TRY(ledger_check_catalogue(w, 0, m->to_packaging_id, m->to_size_id, m->to_state_id, e));
        DM_TRY(transplant(&p, e));
    } else if (comes_in(m)) {
        DM_TRY(m->batch_id ? inbound_batch(&p, e) : inbound(&p, e));
    } else {
        DM_TRY(outbound(&p, e));
    }
    memcpy(report->row[0]->uuid, m->uuid, LEDGER_UUID_SIZE);
    return DM_OK;
}

static int check(const struct inv_ctx *c, const struct ledger_move *m, struct dm_err *e)
{
    if (m->type == LEDGER_FOTO || m->type == LEDGER_MANUAL_INIT || m->type >= LEDGER_TYPE_MAX_) {
        DM_FAIL(e, INV_MOVEMENT_TYPE_NOT_ALLOWED, "counts are not logged as movements");
    }
    bool office = m->type == LEDGER_VENTAS || m->type == LEDGER_AJUSTE || m->allow_mismatch;
    DM_TRY(inv_permit(c, office ? INV_DO_MOVE_OFFICE : INV_DO_MOVE, e));
    bool signed_type = m->type == LEDGER_AJUSTE;
    if (m->quantity == 0 || (m->quantity < 0 && !signed_type) ||
        llabs(m->quantity) > LIMIT_MOVE_PLANTS) {
        DM_FAIL(e, INV_VALIDATION, "the quantity must be 1 to %d plants", LIMIT_MOVE_PLANTS);
    }
    if (signed_type) {
        DM_TRY(ledger_check_reason(m->reason, e));
    }
    bool on_batch = m->batch_id > 0 && (!comes_in(m) || signed_type);
    if (!on_batch && (m->location_id <= 0 || m->product_id <= 0)) {
        DM_FAIL(e, INV_VALIDATION, "a claro and a product, or a batch, are needed");
    }
    if (m->batch_id && !on_batch) {
        DM_FAIL(e, INV_VALIDATION, "%s names a claro and a product, not a batch",
                ledger_type_names[m->type]);
    }
    if (m->unit_price_cents < 0 || m->plants_per_container < 0) {
        DM_FAIL(e, INV_VALIDATION, "prices and plants per pot are not negative");
    }
    DM_TRY(ledger_check_day(c, m->planting_date, e));
    return ledger_check_time(c, m->occurred_at, e);
}

static void describe(const struct ledger_move *m, struct dm_buf *b)
{
    dm_buf_printf(b, "move %d %lld %lld %s", (int)m->type, (long long)m->quantity,
                  (long long)m->occurred_at, m->reason ? m->reason : "");
    const int64_t ids[] = {m->batch_id,       m->location_id,     m->product_id,
                           m->bin_id,         m->state_id,        m->size_id,
                           m->packaging_id,   m->category,        m->plants_per_container,
                           m->to_location_id, m->to_bin_id,       m->to_state_id,
                           m->to_size_id,     m->to_packaging_id, m->to_category,
                           m->allow_mismatch, m->reuse_empty,     m->unit_price_cents};
    for (size_t i = 0; i < DM_COUNT(ids); i++) {
        dm_buf_printf(b, "|%lld", (long long)ids[i]);
    }
    dm_buf_printf(b, "|%s", m->planting_date ? m->planting_date : "");
}

int ledger_move(const struct inv_ctx *c, const struct ledger_move *m, struct dm_arena *a,
                struct ledger_result *ret, struct dm_err *e)
{
    DM_TRY(check(c, m, e));
    DM_CLEANUP(dm_buf_clear) struct dm_buf content = dm_buf_init(LEDGER_CONTENT_BYTES);
    describe(m, &content);
    return ledger_run(c, m->uuid, &content, plan_move, m, a, ret, e);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of one claro in memory: figures and changes. Reading and writing: book_load.c,
 * book_write.c. */
#include "inventory/book.h"

#include "base/zone.h"

int book_alloc(struct work *w, size_t n, size_t size, void **ret, struct dm_err *e)
{
    *ret = dm_arena_calloc(&w->arena, n, size);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the books");
    }
    return DM_OK;
}

int book_push(struct work *w, void ***array, size_t *n, void *p, struct dm_err *e)
{
    if ((*n & (*n - 1)) == 0) { /* full at powers of two */
        void *grown;
        DM_TRY(book_alloc(w, *n ? 2 * *n : 1, sizeof p, &grown, e));
        if (*n) {
            memcpy(grown, *array, *n * sizeof p);
        }
        *array = grown;
    }
    (*array)[(*n)++] = p;
    return DM_OK;
}

/* ---- figures ---- */

bool book_tray(enum ledger_category c)
{
    return c == LEDGER_PLUG || c == LEDGER_SEEDLING_TRAY;
}

const struct book_state *book_state(const struct work *w, int64_t id)
{
    for (size_t i = 0; i < w->n_state; i++) {
        if (w->state[i].id == id) {
            return &w->state[i];
        }
    }
    return NULL;
}

const struct book_state *book_state_named(const struct work *w, const char *code)
{
    for (size_t i = 0; i < w->n_state; i++) {
        if (!strcmp(w->state[i].code, code)) {
            return &w->state[i];
        }
    }
    return NULL;
}

bool book_sellable(const struct work *w, const struct book_key *k)
{
    const struct book_state *s = book_state(w, k->state_id);
    return s && s->sellable && !book_tray(k->bin->category);
}

bool book_key_same(const struct book_key *a, const struct book_key *b)
{
    return a->bin == b->bin && a->product_id == b->product_id && a->state_id == b->state_id &&
           a->size_id == b->size_id && a->packaging_id == b->packaging_id;
}

bool book_live(const struct book_row *r)
{
    return !r->reversed && !r->reverses_id;
}

int64_t book_balance(const struct book_batch *b, int64_t at)
{
    int64_t sum = 0;
    for (size_t i = 0; i < b->period->n_row; i++) {
        const struct book_row *r = b->period->row[i];
        if (r->batch == b && r->at <= at) {
            sum += r->quantity;
        }
    }
    return sum;
}

static int by_time(const void *a, const void *b)
{
    const struct book_row *const *x = a;
    const struct book_row *const *y = b;
    return (*x)->at < (*y)->at ? -1 : (*x)->at > (*y)->at;
}

int book_available(struct work *w, const struct book_batch *b, int64_t at, int64_t *ret,
                   struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, b->period->n_row, sizeof(struct book_row *), &memory, e));
    const struct book_row **later = memory;
    size_t n = 0;
    for (size_t i = 0; i < b->period->n_row; i++) {
        const struct book_row *r = b->period->row[i];
        if (r->batch == b && r->at > at) {
            later[n++] = r;
        }
    }
    qsort(later, n, sizeof(struct book_row *), by_time);
    int64_t balance = book_balance(b, at);
    int64_t least = balance;
    for (size_t i = 0; i < n; i++) {
        balance += later[i]->quantity;
        if (i + 1 == n || later[i + 1]->at != later[i]->at) {
            least = DM_MIN(least, balance);
        }
    }
    *ret = least;
    return DM_OK;
}

int64_t book_total(const struct book *b)
{
    int64_t sum = 0;
    for (size_t i = 0; b->open && i < b->open->n_batch; i++) {
        sum += b->open->batch[i]->current;
    }
    return sum;
}

int64_t book_pots(const struct book_batch *b, int64_t plants)
{
    return (plants + b->plants_per_container - 1) / b->plants_per_container;
}

void book_day(const struct work *w, int64_t at, char ret[static LEDGER_DATE_SIZE])
{
    dm_zone_date(w->c->zone, at, ret);
}

/* ---- changing ---- */

int book_add_row(struct work *w, struct book_batch *b, enum ledger_type type, enum book_role role,
                 int64_t quantity, int64_t at, struct book_row **ret, struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_row), &memory, e));
    struct book_row *r = memory;
    store_uuid_new(r->uuid);
    r->batch = b;
    r->type = type;
    r->role = role;
    r->quantity = quantity;
    r->at = at;
    r->created_at = w->c->now_ms;
    r->user_id = w->c->user_id;
    r->unit_price_cents = -1;
    r->total_price_cents = -1;
    if (quantity > 0) {
        r->destination_bin = b->key.bin;
    } else {
        r->source_bin = b->key.bin;
    }
    void **rows = (void **)b->period->row;
    DM_TRY(book_push(w, &rows, &b->period->n_row, r, e));
    b->period->row = (struct book_row **)rows;
    if (b->initial == 0) {
        b->initial = quantity;
    }
    b->current += quantity;
    b->changed = true;
    if (ret) {
        *ret = r;
    }
    return DM_OK;
}

int book_add_batch(struct work *w, struct book *book, struct book_period *p,
                   const struct book_key *key, int32_t plants_per_container, int64_t at,
                   struct book_batch **ret, struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_batch), &memory, e));
    struct book_batch *b = memory;
    book_day(w, at, b->code_day);
    b->location_id = book->location_id;
    b->period = p;
    b->key = *key;
    b->plants_per_container = plants_per_container > 0 ? plants_per_container : 1;
    b->quality = -1;
    b->changed = true;
    void **batches = (void **)p->batch;
    DM_TRY(book_push(w, &batches, &p->n_batch, b, e));
    p->batch = (struct book_batch **)batches;
    *ret = b;
    return DM_OK;
}

int book_open_period(struct work *w, struct book *b, enum ledger_type kind, int64_t at,
                     struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_period), &memory, e));
    struct book_period *p = memory;
    p->seq = ++b->last_seq;
    p->open = true;
    p->kind = kind;
    p->opened_at = at;
    p->config_id = b->config.id;
    p->closed_kind = LEDGER_TYPE_MAX_;
    p->changed = true;
    b->open = p;
    return DM_OK;
}

struct book_bin *book_find_bin(const struct book *b, int64_t bin_id)
{
    for (size_t i = 0; i < b->n_bin; i++) {
        if (b->bin[i]->id == bin_id) {
            return b->bin[i];
        }
    }
    return NULL;
}

struct book_bin *book_newest_bin(const struct book *b, enum ledger_category category)
{
    for (size_t i = b->n_bin; i-- > 0;) {
        if (b->bin[i]->category == category && b->bin[i]->active) {
            return b->bin[i];
        }
    }
    return NULL;
}

struct book_bin *book_kept_bin(const struct book *b, enum ledger_category category, int32_t ordinal)
{
    for (size_t i = 0; i < b->n_bin; i++) {
        struct book_bin *bin = b->bin[i];
        if (bin->category == category && bin->ordinal == ordinal && !bin->retired) {
            return bin;
        }
    }
    return NULL;
}

int book_bin(struct work *w, struct book *b, enum ledger_category category, int32_t ordinal,
             struct book_bin **ret, struct dm_err *e)
{
    struct book_bin *kept = ordinal ? book_kept_bin(b, category, ordinal) : NULL;
    if (kept && !kept->active) {
        DM_FAIL(e, INV_BIN_NOT_ACTIVE, "container %s %d is under maintenance",
                ledger_category_names[category], ordinal);
    }
    kept = ordinal ? kept : book_newest_bin(b, category);
    if (kept) {
        *ret = kept;
        return DM_OK;
    }
    int32_t free_ordinal = 1;
    for (size_t i = 0; i < b->n_bin; i++) {
        if (b->bin[i]->category == category) {
            free_ordinal = DM_MAX(free_ordinal, b->bin[i]->ordinal + 1);
        }
    }
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_bin), &memory, e));
    struct book_bin *bin = memory;
    bin->category = category;
    bin->ordinal = ordinal ? ordinal : free_ordinal;
    bin->active = true;
    void **bins = (void **)b->bin;
    DM_TRY(book_push(w, &bins, &b->n_bin, bin, e));
    b->bin = (struct book_bin **)bins;
    *ret = bin;
    return DM_OK;
}

int book_join(struct work *w, struct book *book, const struct book_key *key,
              int32_t plants_per_container, const char *planting, int64_t at,
              struct book_batch **ret, struct dm_err *e)
{
    for (size_t i = book->open->n_batch; i-- > 0;) {
        struct book_batch *b = book->open->batch[i];
        if (b->current > 0 && book_key_same(&b->key, key) &&
            !strncmp(b->planting, planting, sizeof "2026-11" - 1)) {
            *ret = b;
            return DM_OK;
        }
    }
    DM_TRY(book_add_batch(w, book, book->open, key, plants_per_container, at, ret, e));
    return book_set_planting(w, *ret, planting, e);
}

int book_reverse(struct work *w, struct book_row *r, enum book_role role, struct book_row **ret,
                 struct dm_err *e)
{
    struct book_row *back;
    DM_TRY(book_add_row(w, r->batch, r->type, role, -r->quantity, r->at, &back, e));
    if (r->type == LEDGER_TRANSPLANTE) {
        back->source_bin = r->source_bin;
        back->destination_bin = r->destination_bin;
        back->source_bin_id = r->source_bin_id;
        back->destination_bin_id = r->destination_bin_id;
    }
    memcpy(back->group, r->group, sizeof back->group);
    back->automatic = r->automatic;
    back->session_id = r->session_id;
    back->reconciliation_id = r->reconciliation_id;
    back->reverses_id = r->id;
    back->unit_price_cents = r->unit_price_cents;
    back->total_price_cents = r->total_price_cents;
    back->reason = r->reason;
    r->reversed = true;
    if (ret) {
        *ret = back;
    }
    return DM_OK;
}

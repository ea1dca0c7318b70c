/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the books of a claro: its row is locked first, so what is read afterwards stays true
 * until the transaction ends (SQLite: the transaction is the only writer). */
#include "inventory/book.h"
#include "inventory/book_names.h"
#include "inventory/prices.h"

enum { STATES, LOCK, HEAD, BINS, PERIOD_BEFORE, PERIOD, BATCHES, ROWS };

#define PERIOD_COLUMNS                                                                             \
    "p.id, p.seq, p.opened_kind, p.opened_at, p.opening_session_id, p.opening_count,"              \
    " p.config_id, s.validated, p.closed_kind, p.closed_at, p.closing_session_id,"                 \
    " p.closing_count, p.status"
#define PERIOD_LETTERS "iitTiiibtTiit"
enum { PERIOD_WIDTH = sizeof PERIOD_LETTERS - 1 };

static const struct store_query queries[] = {
    [STATES] = {"ledger.states", "SELECT id, code, is_sellable FROM product_states ORDER BY id", "",
                "itb"},
    [LOCK] = {"ledger.claro_lock", "SELECT id FROM storage_locations WHERE id = ?1 {for_update}",
              "i", "i"},
    [HEAD] = {"ledger.claro",
              "SELECT l.code, l.active, l.area_m2, l.latest_session_id,"
              " (SELECT max(x.seq) FROM stock_periods x WHERE x.storage_location_id = l.id),"
              " c.id, c.product_id, c.packaging_catalog_id, c.expected_product_state_id,"
              " c.plants_per_container, " PERIOD_COLUMNS " FROM storage_locations l"
              " LEFT JOIN storage_location_configs c ON c.storage_location_id = l.id AND c.active"
              " LEFT JOIN stock_periods p ON p.storage_location_id = l.id AND p.status = 'open'"
              " LEFT JOIN photo_processing_sessions s ON s.id = p.opening_session_id"
              " WHERE l.id = ?1",
              "i", "tbriiiiiii" PERIOD_LETTERS},
    [BINS] = {"ledger.claro_bins",
              "SELECT b.id, b.category, b.ordinal, b.status, t.capacity FROM storage_bins b"
              " JOIN storage_bin_types t ON t.id = b.storage_bin_type_id"
              " WHERE b.storage_location_id = ?1 ORDER BY b.id",
              "i", "ititi"},
    [PERIOD_BEFORE] = {"ledger.period_before",
                       "SELECT " PERIOD_COLUMNS " FROM stock_periods p"
                       " LEFT JOIN photo_processing_sessions s ON s.id = p.opening_session_id"
                       " WHERE p.storage_location_id = ?1 AND p.seq = ?2",
                       "ii", PERIOD_LETTERS},
    [PERIOD] = {"ledger.period",
                "SELECT " PERIOD_COLUMNS " FROM stock_periods p"
                " LEFT JOIN photo_processing_sessions s ON s.id = p.opening_session_id"
                " WHERE p.storage_location_id = ?1 AND p.id = ?2",
                "ii", PERIOD_LETTERS},
    [BATCHES] = {"ledger.period_batches",
                 "SELECT id, batch_code, storage_bin_id, product_id, product_state_id,"
                 " product_size_id, packaging_catalog_id, plants_per_container, quantity_initial,"
                 " quantity_current, quantity_empty_containers, quality_score, planting_date,"
                 " germination_date, transplant_date, expected_ready_date"
                 " FROM stock_batches WHERE stock_period_id = ?1 ORDER BY id",
                 "i", "itiiiiiiiiirDDDD"},
    [ROWS] = {"ledger.period_rows",
              "SELECT m.id, m.uuid, m.group_uuid, m.stock_batch_id, m.movement_type, m.role,"
              " m.source_type, m.quantity, m.source_bin_id, m.destination_bin_id,"
              " m.reverses_movement_id, m.session_id, m.reconciliation_id, m.unit_price_cents,"
              " m.total_price_cents, m.user_id, m.reason, m.occurred_at, m.created_at"
              " FROM stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id"
              " WHERE b.stock_period_id = ?1 ORDER BY m.id",
              "i", "iuuitttiiiiiiiiitTT"},
};
STORE_QUERIES(ledger_load_queries, queries);

static int64_t id_of(const struct store_value *v)
{
    return v->null ? 0 : v->i;
}

static const char *text_of(const struct store_value *v)
{
    return v->null ? "" : v->t;
}

static void date_of(const struct store_value *v, char ret[static LEDGER_DATE_SIZE])
{
    (void)snprintf(ret, LEDGER_DATE_SIZE, "%s", text_of(v));
}

static int load_states(struct work *w, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[STATES], STORE_NO_ARGS, &w->arena, &t, e));
    void *memory;
    DM_TRY(book_alloc(w, t.n, sizeof(struct book_state), &memory, e));
    w->state = memory;
    w->n_state = t.n;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        w->state[i] = (struct book_state){v[0].i, v[1].t, v[2].b};
    }
    return DM_OK;
}

static int load_bins(struct work *w, struct book *b, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[BINS], STORE_ARGS(store_i(b->location_id)), &w->arena, &t, e));
    void **bins = NULL;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        void *memory;
        DM_TRY(book_alloc(w, 1, sizeof(struct book_bin), &memory, e));
        struct book_bin *bin = memory;
        bin->id = v[0].i;
        bin->category = (enum ledger_category)book_name_index(ledger_category_names, v[1].t);
        bin->ordinal = (int32_t)v[2].i;
        bin->active = !strcmp(v[3].t, "active");
        bin->retired = !strcmp(v[3].t, "retired");
        bin->capacity = id_of(&v[4]);
        DM_TRY(book_push(w, &bins, &b->n_bin, bin, e));
    }
    b->bin = (struct book_bin **)bins;
    return DM_OK;
}

static enum ledger_type kind_of(const struct store_value *v)
{
    if (v->null || !strcmp(v->t, "implicit")) {
        return LEDGER_TYPE_MAX_;
    }
    return (enum ledger_type)book_name_index(ledger_type_names, v->t);
}

static int load_batches(struct work *w, struct book *b, struct book_period *p, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[BATCHES], STORE_ARGS(store_i(p->id)), &w->arena, &t, e));
    void **batches = NULL;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        void *memory;
        DM_TRY(book_alloc(w, 1, sizeof(struct book_batch), &memory, e));
        struct book_batch *x = memory;
        x->id = v[0].i;
        x->period = p;
        (void)snprintf(x->code, sizeof x->code, "%s", v[1].t);
        x->key =
            (struct book_key){book_find_bin(b, v[2].i), v[3].i, v[4].i, id_of(&v[5]), id_of(&v[6])};
        if (!x->key.bin) {
            DM_FAIL(e, DM_EINTERNAL, "batch %s is in a container of another claro", x->code);
        }
        x->plants_per_container = (int32_t)v[7].i;
        x->initial = v[8].i;
        x->current = v[9].i;
        x->empties = v[10].i;
        x->quality = v[11].null ? -1 : v[11].r;
        date_of(&v[12], x->planting);
        date_of(&v[13], x->germination);
        date_of(&v[14], x->transplant);
        date_of(&v[15], x->ready);
        DM_TRY(book_push(w, &batches, &p->n_batch, x, e));
    }
    p->batch = (struct book_batch **)batches;
    return DM_OK;
}

/* Batches and rows are sorted by id. */
static struct book_batch *batch_by_id(const struct book_period *p, int64_t id)
{
    size_t lo = 0;
    size_t hi = p->n_batch;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->batch[mid]->id < id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < p->n_batch && p->batch[lo]->id == id ? p->batch[lo] : NULL;
}

static struct book_row *row_by_id(const struct book_period *p, int64_t id)
{
    size_t lo = 0;
    size_t hi = p->n_stored;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->row[mid]->id < id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < p->n_stored && p->row[lo]->id == id ? p->row[lo] : NULL;
}

static int load_rows(struct work *w, struct book_period *p, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(w->tx, &queries[ROWS], STORE_ARGS(store_i(p->id)), &w->arena, &t, e));
    void **rows = NULL;
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *v = store_row(&t, i);
        void *memory;
        DM_TRY(book_alloc(w, 1, sizeof(struct book_row), &memory, e));
        struct book_row *r = memory;
        r->id = v[0].i;
        (void)snprintf(r->uuid, sizeof r->uuid, "%s", v[1].t);
        (void)snprintf(r->group, sizeof r->group, "%s", text_of(&v[2]));
        r->batch = batch_by_id(p, v[3].i);
        r->type = (enum ledger_type)book_name_index(ledger_type_names, v[4].t);
        r->role = (enum book_role)book_name_index(book_role_names, v[5].t);
        r->automatic = !strcmp(v[6].t, "ia");
        r->quantity = v[7].i;
        r->source_bin_id = id_of(&v[8]);
        r->destination_bin_id = id_of(&v[9]);
        r->reverses_id = id_of(&v[10]);
        r->session_id = id_of(&v[11]);
        r->reconciliation_id = id_of(&v[12]);
        r->unit_price_cents = v[13].null ? -1 : v[13].i;
        r->total_price_cents = v[14].null ? -1 : v[14].i;
        r->user_id = v[15].i;
        r->reason = v[16].null ? NULL : v[16].t;
        r->at = v[17].i;
        r->created_at = v[18].i;
        DM_TRY(book_push(w, &rows, &p->n_row, r, e));
    }
    p->row = (struct book_row **)rows;
    p->n_stored = p->n_row;
    for (size_t i = 0; i < p->n_row; i++) {
        struct book_row *back =
            p->row[i]->reverses_id ? row_by_id(p, p->row[i]->reverses_id) : NULL;
        if (back) {
            back->reversed = true;
        }
    }
    return DM_OK;
}

static int load_period(struct work *w, struct book *b, const struct store_value *v,
                       struct book_period **ret, struct dm_err *e)
{
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book_period), &memory, e));
    struct book_period *p = memory;
    p->id = v[0].i;
    p->seq = (int32_t)v[1].i;
    p->kind = kind_of(&v[2]);
    p->opened_at = v[3].i;
    p->opening_session_id = id_of(&v[4]);
    p->opening_count = v[5].i;
    p->config_id = id_of(&v[6]);
    p->validated = !v[7].null && v[7].b;
    p->closed_kind = kind_of(&v[8]);
    p->closed_at = id_of(&v[9]);
    p->closing_session_id = id_of(&v[10]);
    p->closing_count = id_of(&v[11]);
    p->open = !strcmp(v[12].t, "open");
    DM_TRY(load_batches(w, b, p, e));
    DM_TRY(load_rows(w, p, e));
    *ret = p;
    return DM_OK;
}

static int load_book(struct work *w, int64_t location_id, struct book **ret, struct dm_err *e)
{
    const struct store_value *v;
    struct store_args id = STORE_ARGS(store_i(location_id));
    int found = store_maybe(w->tx, &queries[LOCK], id, &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no claro %lld", (long long)location_id);
    }
    DM_TRY(store_one(w->tx, &queries[HEAD], id, &w->arena, &v, e));
    void *memory;
    DM_TRY(book_alloc(w, 1, sizeof(struct book), &memory, e));
    struct book *b = memory;
    b->location_id = location_id;
    b->code = v[0].t;
    b->active = v[1].b;
    b->area_m2 = v[2].r;
    b->latest_session_id = id_of(&v[3]);
    b->last_seq = (int32_t)id_of(&v[4]);
    b->config = (struct book_config){id_of(&v[5]), id_of(&v[6]), id_of(&v[7]), id_of(&v[8]),
                                     (int32_t)id_of(&v[9])};
    if (!b->active) {
        DM_FAIL(e, INV_NOT_FOUND, "claro %s is not in use", b->code);
    }
    DM_TRY(load_bins(w, b, e));
    if (!v[10].null) {
        DM_TRY(load_period(w, b, v + 10, &b->open, e));
    }
    *ret = b;
    return DM_OK;
}

static int by_id(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

int book_lock(struct work *w, const int64_t *location_id, size_t n, struct dm_err *e)
{
    if (!w->state) {
        DM_TRY(load_states(w, e));
    }
    void *memory;
    DM_TRY(book_alloc(w, n, sizeof(int64_t), &memory, e));
    int64_t *sorted = memory;
    memcpy(sorted, location_id, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_id);
    void **books = (void **)w->book;
    for (size_t i = 0; i < n; i++) {
        if (sorted[i] == 0 || book_of(w, sorted[i])) {
            continue;
        }
        struct book *b = NULL;
        DM_TRY(load_book(w, sorted[i], &b, e));
        DM_TRY(book_push(w, &books, &w->n_book, b, e));
        w->book = (struct book **)books;
    }
    return DM_OK;
}

struct book *book_of(const struct work *w, int64_t location_id)
{
    for (size_t i = 0; i < w->n_book; i++) {
        if (w->book[i]->location_id == location_id) {
            return w->book[i];
        }
    }
    return NULL;
}

int book_load_previous(struct work *w, struct book *b, struct dm_err *e)
{
    const struct store_value *v;
    DM_TRY(store_one(w->tx, &queries[PERIOD_BEFORE],
                     STORE_ARGS(store_i(b->location_id), store_i(b->open->seq - 1)), &w->arena, &v,
                     e));
    return load_period(w, b, v, &b->previous, e);
}

int book_load_period(struct work *w, struct book *b, int64_t period_id, struct dm_err *e)
{
    const struct store_value *v;
    DM_TRY(store_one(w->tx, &queries[PERIOD],
                     STORE_ARGS(store_i(b->location_id), store_i(period_id)), &w->arena, &v, e));
    return load_period(w, b, v, &b->previous, e);
}

int book_price(struct work *w, int64_t product_id, int64_t packaging_id, int64_t *ret_cents,
               struct dm_err *e)
{
    if (w->price.product_id != product_id || w->price.packaging_id != packaging_id) {
        struct prices_entry entry;
        int found = prices_find(w->tx, product_id, packaging_id, &w->arena, &entry, e);
        DM_TRY(found);
        w->price =
            (struct book_known){product_id, packaging_id, found ? entry.net_wholesale_cents : -1};
    }
    *ret_cents = w->price.value;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts made by hand (domain.md section 8): the first of a claro, line by line, or a complete
 * recount that closes the open period as a photo does. And taking counts back. */
#include "base/text.h"
#include "inventory/count.h"
#include "inventory/ledger_run.h"

#define LIMIT_MANUAL_PLANTS 100000
#define LIMIT_MANUAL_LINES  2000 /* batches of one claro; the largest has some tens */
#define LARGE_COUNT         1000 /* a photo is advised from here */
#define LIMIT_NOTES         500

enum { CONFIG_ADD, USER_NAME, SESSION_VOID };
static const struct store_query queries[] = {
    [CONFIG_ADD] =
        {"ledger.config_add",
         "INSERT INTO storage_location_configs (storage_location_id, product_id,"
         " packaging_catalog_id, expected_product_state_id, plants_per_container, area_cm2,"
         " active, valid_from, created_by_user_id, created_at, updated_at)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, TRUE, ?7, ?8, ?7, ?7) RETURNING id",
         "iiiiirTi", "i"},
    [USER_NAME] = {"ledger.user_name", "SELECT first_name, last_name FROM users WHERE id = ?1", "i",
                   "tt"},
    [SESSION_VOID] = {"ledger.session_void",
                      "UPDATE photo_processing_sessions SET posting_status = 'void',"
                      " updated_at = ?2 WHERE id = ?1",
                      "iT", ""},
};
STORE_QUERIES(ledger_manual_queries, queries);

struct manual {
    struct work *w;
    const struct ledger_manual *m;
    struct book *b;
    struct ledger_report *report;
    struct count c;
};

static int64_t said(int64_t id)
{
    return id > 0 ? id : 0;
}

/* Without a configuration, who may configure does so by counting. */
static int need_config(struct manual *x, const struct ledger_manual_line *l, struct dm_err *e)
{
    if (x->b->config.id) {
        return DM_OK;
    }
    int grant = inv_permit(x->w->c, INV_DO_COUNT_MANUAL, e);
    DM_TRY(grant);
    if (grant != INV_GRANT_ALL) {
        DM_FAIL(e, INV_CONFIG_NOT_FOUND, "claro %s has no configuration", x->b->code);
    }
    if (!l->state_id) {
        DM_FAIL(e, INV_VALIDATION, "claro %s has no configuration: say the state", x->b->code);
    }
    struct book_config *c = &x->b->config;
    *c = (struct book_config){0, l->product_id, said(l->packaging_id), l->state_id,
                              DM_MAX(l->plants_per_container, 1)};
    DM_TRY(store_int(x->w->tx, &queries[CONFIG_ADD],
                     STORE_ARGS(store_i(x->b->location_id), store_i(c->product_id),
                                store_ref(c->packaging_id), store_i(c->state_id),
                                store_i(c->plants_per_container), store_r(x->b->area_m2 * 1e4),
                                store_at(x->w->c->now_ms), store_i(x->w->c->user_id)),
                     &c->id, e));
    x->report->warnings |= LEDGER_WARN_CONFIG_CREATED;
    return DM_OK;
}

/* A recount of a mixed claro lists what stands there besides the configured plants. */
static bool stands_there(const struct book *b, const struct book_key *k)
{
    for (size_t i = 0; b->open && i < b->open->n_batch; i++) {
        const struct book_batch *x = b->open->batch[i];
        if (x->current > 0 && x->key.product_id == k->product_id &&
            x->key.packaging_id == k->packaging_id) {
            return true;
        }
    }
    return false;
}

static int find_bin(struct manual *x, const struct ledger_manual_line *l, struct book_key *k,
                    struct dm_err *e)
{
    if (l->bin_id) {
        k->bin = book_find_bin(x->b, l->bin_id);
        if (!k->bin) {
            DM_FAIL(e, INV_NOT_FOUND, "claro %s has no container %lld", x->b->code,
                    (long long)l->bin_id);
        }
        if (!k->bin->active) {
            DM_FAIL(e, INV_BIN_NOT_ACTIVE, "container %lld of claro %s does not receive plants",
                    (long long)l->bin_id, x->b->code);
        }
        return DM_OK;
    }
    enum ledger_category category =
        l->category ? l->category : ledger_infer_category(x->w, said(l->packaging_id), k->state_id);
    return book_bin(x->w, x->b, category, 0, &k->bin, e);
}

static int add_line(struct manual *x, const struct ledger_manual_line *l, struct dm_err *e)
{
    DM_TRY(
        ledger_check_catalogue(x->w, l->product_id, l->packaging_id, l->size_id, l->state_id, e));
    DM_TRY(need_config(x, l, e));
    const struct book_config *cfg = &x->b->config;
    struct count_entry n = {
        .key = {NULL, l->product_id, l->state_id ? l->state_id : cfg->state_id, said(l->size_id),
                said(l->packaging_id)},
        .plants_per_container =
            l->plants_per_container ? l->plants_per_container : cfg->plants_per_container,
        .quantity = l->quantity,
        .quality = -1,
        .planting = l->planting_date ? l->planting_date : "",
    };
    DM_TRY(find_bin(x, l, &n.key, e));
    if (!x->m->recount || !stands_there(x->b, &n.key)) {
        const struct ledger_fit fit = {true, true, false};
        DM_TRY(ledger_check_fit(x->w, x->b, &n.key, &fit, &x->report->warnings, e));
    }
    if (book_tray(n.key.bin->category) && n.key.packaging_id) {
        DM_FAIL(e, INV_PACKAGING_MISMATCH, "a %s takes no pots",
                ledger_category_names[n.key.bin->category]);
    }
    if (n.key.state_id != cfg->state_id) {
        x->report->warnings |= LEDGER_WARN_STATE_DIFFERS;
    }
    if (l->quantity >= LARGE_COUNT) {
        x->report->warnings |= LEDGER_WARN_LARGE_COUNT;
    }
    return count_put(x->w, &x->c, &n, e);
}

/* ---- initial ---- */

static int refuse_initialized(const struct book *b, struct dm_err *e)
{
    DM_FAIL(e, INV_ALREADY_INITIALIZED, "claro %s has been counted already", b->code);
}

/* The same day's manual count goes on, batch by batch (domain.md 8, check 7). */
static int extend(struct manual *x, struct dm_err *e)
{
    struct book_period *p = x->b->open;
    char opened[LEDGER_DATE_SIZE];
    char today[LEDGER_DATE_SIZE];
    book_day(x->w, p->opened_at, opened);
    book_day(x->w, x->w->c->now_ms, today);
    if (p->kind != LEDGER_MANUAL_INIT || p->seq > 1 || strcmp(opened, today) != 0) {
        return refuse_initialized(x->b, e);
    }
    for (size_t i = 0; i < p->n_row; i++) {
        if (book_live(p->row[i]) && !count_is_opening(p->row[i])) {
            return refuse_initialized(x->b, e);
        }
    }
    struct count_entry *n = &x->c.entry[0];
    for (size_t i = 0; i < p->n_batch; i++) {
        struct book_key k = p->batch[i]->key;
        bool category = k.bin->category == n->key.bin->category;
        k.bin = n->key.bin;
        if (p->batch[i]->current > 0 && category && book_key_same(&k, &n->key)) {
            return refuse_initialized(x->b, e);
        }
    }
    struct book_batch *b;
    DM_TRY(book_add_batch(x->w, x->b, p, &n->key, n->plants_per_container, p->opened_at, &b, e));
    DM_TRY(book_set_planting(x->w, b, n->planting, e));
    DM_TRY(book_add_row(x->w, b, LEDGER_MANUAL_INIT, BOOK_OPENING, n->quantity, p->opened_at,
                        &n->row, e));
    n->row->reason = x->c.reason;
    n->batch = b;
    p->opening_count += n->quantity;
    p->changed = true;
    return DM_OK;
}

static int set_reason(struct manual *x, struct dm_err *e)
{
    const struct store_value *v;
    DM_TRY(store_one(x->w->tx, &queries[USER_NAME], STORE_ARGS(store_i(x->w->c->user_id)),
                     &x->w->arena, &v, e));
    x->c.reason = dm_arena_printf(&x->w->arena, "initial manual count by %s %s%s%s", v[0].t, v[1].t,
                                  x->m->notes ? ": " : "", x->m->notes ? x->m->notes : "");
    if (!x->c.reason) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the books");
    }
    return DM_OK;
}

static int plan_manual(struct work *w, const void *in, struct ledger_report *report,
                       struct dm_err *e)
{
    const struct ledger_manual *m = in;
    DM_TRY(book_lock(w, &m->location_id, 1, e));
    struct manual x = {.w = w, .m = m, .b = book_of(w, m->location_id), .report = report};
    x.c = (struct count){.at = m->recount && m->occurred_at ? m->occurred_at : w->c->now_ms,
                         .user_id = w->c->user_id};
    DM_TRY(set_reason(&x, e));
    for (size_t i = 0; i < m->n_line; i++) {
        DM_TRY(add_line(&x, &m->line[i], e));
    }
    x.c.config = x.b->config;
    report->book = x.b;
    if (m->recount) {
        if (x.b->open && x.c.at <= x.b->open->opened_at && !count_blank(x.b)) {
            DM_FAIL(e, INV_PERIOD_CLOSED, "claro %s was counted after that time", x.b->code);
        }
    } else if (x.b->open && !count_blank(x.b)) {
        DM_TRY(extend(&x, e));
    }
    if (m->recount || !x.b->open || count_blank(x.b)) {
        void *memory;
        DM_TRY(book_alloc(w, 1, sizeof(struct book_recon), &memory, e));
        DM_TRY(count_post(w, x.b, &x.c, memory, e));
    }
    for (size_t i = 0; i < x.c.n_entry; i++) {
        DM_TRY(ledger_report_row(w, report, x.c.entry[i].row, e));
    }
    if (x.c.n_entry) {
        memcpy(x.c.entry[0].row->uuid, m->uuid, LEDGER_UUID_SIZE);
        report->batch = x.c.entry[0].batch;
    }
    return DM_OK;
}

static int check(const struct inv_ctx *c, const struct ledger_manual *m, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_COUNT_MANUAL, e));
    if (m->recount) {
        DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    }
    if (m->recount ? m->n_line > LIMIT_MANUAL_LINES : m->n_line != 1) {
        DM_FAIL(e, INV_VALIDATION, "a first count has one line, a recount at most %d",
                LIMIT_MANUAL_LINES);
    }
    if (m->notes && dm_text_width(m->notes) > LIMIT_NOTES) {
        DM_FAIL(e, INV_VALIDATION, "notes have at most %d characters", LIMIT_NOTES);
    }
    for (size_t i = 0; i < m->n_line; i++) {
        const struct ledger_manual_line *l = &m->line[i];
        if (l->quantity < 1 || l->quantity > LIMIT_MANUAL_PLANTS || l->product_id <= 0 ||
            l->plants_per_container < 0) {
            DM_FAIL(e, INV_VALIDATION, "line %zu: a product and 1 to %d plants are needed", i + 1,
                    LIMIT_MANUAL_PLANTS);
        }
        DM_TRY(ledger_check_day(c, l->planting_date, e));
    }
    return ledger_check_time(c, m->occurred_at, e);
}

static void put_content(const struct ledger_manual *m, struct dm_buf *text)
{
    dm_buf_printf(text, "manual %lld %d %lld %s", (long long)m->location_id, m->recount,
                  (long long)m->occurred_at, m->notes ? m->notes : "");
    for (size_t i = 0; i < m->n_line; i++) {
        const struct ledger_manual_line *l = &m->line[i];
        dm_buf_printf(text, "|%lld %lld %lld %lld %lld %d %lld %d %s", (long long)l->product_id,
                      (long long)l->packaging_id, (long long)l->size_id, (long long)l->state_id,
                      (long long)l->bin_id, (int)l->category, (long long)l->quantity,
                      l->plants_per_container, l->planting_date ? l->planting_date : "");
    }
}

int ledger_manual(const struct inv_ctx *c, const struct ledger_manual *m, struct dm_arena *a,
                  struct ledger_result *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LEDGER_CONTENT_BYTES);
    DM_TRY(check(c, m, e));
    put_content(m, &text);
    return ledger_run(c, m->uuid, &text, plan_manual, m, a, ret, e);
}

int ledger_manual_in(struct store_tx *tx, const struct inv_ctx *c, const struct ledger_manual *m,
                     struct dm_arena *a, struct ledger_result *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LEDGER_CONTENT_BYTES);
    DM_TRY(check(c, m, e));
    put_content(m, &text);
    return ledger_run_in(tx, c, m->uuid, &text, plan_manual, m, a, ret, e);
}

/* ---- undo ---- */

static int plan_undo(struct work *w, const void *in, struct ledger_report *report, struct dm_err *e)
{
    const struct ledger_undo *u = in;
    DM_TRY(book_lock(w, &u->location_id, 1, e));
    struct book *b = book_of(w, u->location_id);
    int64_t session = b->open ? b->open->opening_session_id : 0;
    if (u->session_id && session != u->session_id) {
        DM_FAIL(e, INV_LATER_MOVEMENTS, "claro %s was counted again since", b->code);
    }
    DM_TRY(count_undo(w, b, u->reason, e));
    if (session) {
        DM_TRY(store_exec(w->tx, &queries[SESSION_VOID],
                          STORE_ARGS(store_i(session), store_at(w->c->now_ms)), NULL, e));
    }
    report->book = b;
    return DM_OK;
}

int ledger_undo(const struct inv_ctx *c, const struct ledger_undo *u, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    DM_TRY(ledger_check_reason(u->reason, e));
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LEDGER_CONTENT_BYTES);
    dm_buf_printf(&text, "undo %lld %lld %s", (long long)u->location_id, (long long)u->session_id,
                  u->reason);
    return ledger_run(c, u->uuid, &text, plan_undo, u, NULL, NULL, e);
}

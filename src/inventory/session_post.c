/* SPDX-License-Identifier: Apache-2.0
 *
 * Posting the count of a photo, or holding it for a supervisor (domain.md 7.4, 11.1, 12.2). */
#include "inventory/ledger_run.h"
#include "inventory/session_priv.h"

enum { WAITING };
static const struct store_query queries[] = {
    [WAITING] = {"session.waiting_config",
                 "SELECT id FROM photo_processing_sessions WHERE storage_location_id = ?1"
                 " AND posting_status = 'held' AND warning = 'needs_config'"
                 " ORDER BY captured_at, id",
                 "i", "i"},
};
STORE_QUERIES(session_post_queries, queries);

/* What becomes of a count. */
enum way { CLOSES, CORRECTS_RETAKE, CORRECTS_REPROCESS };

struct decision {
    struct work *w;
    struct session *s;
    struct book *b;
    struct count c;
    struct count_seen *seen;
    size_t n_seen;
    bool claro_empty, release;
    enum way way;
    uint32_t holds;
    struct book_recon compared; /* period NULL = nothing to compare with */
};

static struct inv_settings settings_of(const struct work *w)
{
    return w->c->settings ? *w->c->settings : inv_settings_default();
}

/* ---- decisions ---- */

static int choose_way(struct decision *d, struct dm_err *e)
{
    const struct book_period *p = d->b->open;
    bool blank = count_blank(d->b);
    int64_t at = d->s->captured_at;
    int64_t window = (int64_t)settings_of(d->w).retake_window_hours * 3600 * 1000;
    d->way = CLOSES;
    if (d->s->supersedes_id && p && p->opening_session_id == d->s->supersedes_id) {
        d->way = CORRECTS_REPROCESS;
        return DM_OK;
    }
    if (d->s->supersedes_id) {
        struct session before;
        DM_TRY(session_read(d->w, d->s->supersedes_id, &before, e));
        if (before.posting == SESSION_POSTED) {
            d->holds |= SESSION_HOLD_SUPERSEDED;
        }
    }
    if (!p || blank) {
        return DM_OK;
    }
    if (at < p->opened_at || (at == p->opened_at && p->kind == LEDGER_TYPE_MAX_)) {
        d->holds |= SESSION_HOLD_OLDER;
    } else if (p->kind != LEDGER_TYPE_MAX_ && at - p->opened_at < window) {
        if (p->kind == LEDGER_FOTO && !p->validated) {
            d->way = CORRECTS_RETAKE;
        } else {
            d->holds |= SESSION_HOLD_EARLY;
        }
    }
    return DM_OK;
}

/* How far the count is from what was expected. */
static int compare(struct decision *d, struct dm_err *e)
{
    const struct inv_settings set = settings_of(d->w);
    const struct book_period *p = d->b->open;
    if (!p || count_blank(d->b)) {
        return DM_OK;
    }
    DM_TRY(count_compare(d->w, d->b, &d->c, &d->compared, e));
    int64_t expected = 0;
    int64_t missing = 0;
    int64_t surplus = 0;
    for (size_t i = 0; i < d->compared.n_line; i++) {
        expected += d->compared.line[i].expected;
        missing += d->compared.line[i].sales + d->compared.line[i].loss;
        surplus += d->compared.line[i].surplus;
    }
    if (p->kind != LEDGER_TYPE_MAX_ && surplus > set.hold_surplus_plants &&
        (double)surplus * 100 > set.hold_surplus_percent * (double)expected) {
        d->holds |= SESSION_HOLD_SURPLUS;
    }
    if (missing > set.hold_shortage_plants &&
        (double)missing * 100 > set.hold_shortage_percent * (double)expected) {
        d->holds |= SESSION_HOLD_SHORTAGE;
    }
    return DM_OK;
}

/* Why a release cannot be. */
static int check_release(const struct decision *d, struct dm_err *e)
{
    static const struct {
        uint32_t hold;
        int code;
        const char *text;
    } refused[] = {
        {SESSION_HOLD_NEEDS_LOCATION, INV_INVALID_TRANSITION, "the claro is not known"},
        {SESSION_HOLD_NO_DETECTIONS, INV_INVALID_TRANSITION,
         "nothing was counted: retake, or confirm that the claro is empty"},
        {SESSION_HOLD_NEEDS_CONFIG, INV_CONFIG_NOT_FOUND, "the claro has no configuration"},
        {SESSION_HOLD_OLDER, INV_PERIOD_CLOSED, "the claro was counted after this photo"},
        {SESSION_HOLD_SUPERSEDED, INV_PERIOD_CLOSED, "the count of this photo is closed"},
    };
    for (size_t i = 0; i < DM_COUNT(refused); i++) {
        if (d->holds & refused[i].hold) {
            DM_FAIL(e, refused[i].code, "%s", refused[i].text);
        }
    }
    if ((d->holds & SESSION_HOLD_EARLY) && d->s->captured_at == d->b->open->opened_at) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "the claro was counted at the same instant");
    }
    return DM_OK;
}

/* Holds that say that there is nothing to post yet. */
#define CANNOT                                                                                     \
    (SESSION_HOLD_NEEDS_LOCATION | SESSION_HOLD_NEEDS_CONFIG | SESSION_HOLD_NO_DETECTIONS |        \
     SESSION_HOLD_OLDER | SESSION_HOLD_SUPERSEDED)

static int decide(struct decision *d, struct dm_err *e)
{
    const struct inv_settings set = settings_of(d->w);
    struct session *s = d->s;
    d->holds = s->holds & (SESSION_HOLD_LOCATION_UNCERTAIN | SESSION_HOLD_NEEDS_CALIBRATION);
    d->b = s->location_id ? book_of(d->w, s->location_id) : NULL;
    if (!d->b) {
        d->holds |= SESSION_HOLD_NEEDS_LOCATION;
        d->holds |= s->detected + s->estimated ? 0 : SESSION_HOLD_NO_DETECTIONS;
        return DM_OK;
    }
    int r = session_seen(d->w, d->b, s, &d->seen, &d->n_seen, &d->claro_empty, e);
    if (r == INV_BIN_NOT_ACTIVE && !d->release) {
        d->holds |= SESSION_HOLD_CONFLICT;
        return DM_OK;
    }
    DM_TRY(r);
    d->holds |= d->n_seen || d->claro_empty ? 0 : SESSION_HOLD_NO_DETECTIONS;
    d->holds |= d->b->config.id ? 0 : SESSION_HOLD_NEEDS_CONFIG;
    d->holds |= s->confidence >= 0 && s->confidence < set.hold_min_confidence
                    ? SESSION_HOLD_LOW_CONFIDENCE
                    : 0;
    d->holds |= set.auto_post_counts ? 0 : SESSION_HOLD_NOT_AUTOMATIC;
    DM_TRY(choose_way(d, e));
    if (d->holds & CANNOT) {
        return DM_OK;
    }
    d->c = (struct count){
        .at = s->captured_at,
        .photo = true,
        .session_id = s->id,
        .user_id = d->w->c->user_id ? d->w->c->user_id : s->uploader_id,
        .config = d->b->config,
    };
    int64_t *reference = NULL;
    DM_TRY(d->way == CORRECTS_REPROCESS ? count_openings(d->w, d->b, &reference, e)
                                        : count_balances(d->w, d->b, d->c.at, &reference, e));
    DM_TRY(count_of_photo(d->w, d->b, reference, d->seen, d->n_seen, &d->c, e));
    return d->way == CLOSES ? compare(d, e) : DM_OK;
}

/* ---- deeds ---- */

static int hold(struct decision *d, struct session_outcome *ret, struct dm_err *e)
{
    d->s->posting = SESSION_HELD;
    d->s->holds = d->holds;
    d->s->warning = session_warning_of(d->holds);
    *ret = (struct session_outcome){.posting = SESSION_HELD, .holds = d->holds};
    if (d->compared.period) {
        d->compared.status = BOOK_DRAFT;
        DM_TRY(book_write_recon(d->w, d->b, &d->compared, e));
        ret->reconciliation_id = d->compared.id;
    }
    for (size_t i = 0; i < d->c.n_entry; i++) {
        ret->counted += d->c.entry[i].quantity;
    }
    return session_set(d->w, d->s, false, e);
}

static int correct(struct decision *d, struct session_outcome *ret, struct dm_err *e)
{
    int64_t *reference;
    int64_t before = d->b->open->opening_session_id;
    DM_TRY(d->way == CORRECTS_REPROCESS ? count_openings(d->w, d->b, &reference, e)
                                        : count_balances(d->w, d->b, d->c.at, &reference, e));
    DM_TRY(count_recount(d->w, d->b, &d->c, reference, LEDGER_FOTO, &ret->reconciliation_id, e));
    DM_TRY(session_void(d->w, before, e));
    d->s->supersedes_id = before;
    ret->retake = true;
    return DM_OK;
}

static int enter(struct decision *d, struct session_outcome *ret, struct dm_err *e)
{
    *ret = (struct session_outcome){.posting = SESSION_POSTED};
    if (d->way == CLOSES) {
        void *memory;
        DM_TRY(book_alloc(d->w, 1, sizeof(struct book_recon), &memory, e));
        struct book_recon *r = memory;
        DM_TRY(count_post(d->w, d->b, &d->c, r, e));
        ret->reconciliation_id = r->id;
    } else {
        DM_TRY(correct(d, ret, e));
    }
    DM_TRY(book_write(d->w, e));
    DM_TRY(session_link_rows(d->w, &d->c, e));
    d->s->posting = SESSION_POSTED;
    d->s->holds = 0;
    d->s->warning = "";
    d->s->config_id = d->b->config.id;
    ret->period_id = d->b->open->id;
    for (size_t i = 0; i < d->c.n_entry; i++) {
        ret->counted += d->c.entry[i].quantity;
    }
    return session_set(d->w, d->s, true, e);
}

/* Later movements that do not fit hold an automatic count; the books are read anew. */
static int enter_or_hold(struct decision *d, struct session_outcome *ret, struct dm_err *e)
{
    DM_TRY(store_save(d->w->tx, e));
    struct session was = *d->s;
    int r = enter(d, ret, e);
    if (r != INV_NEGATIVE_STOCK && r != INV_BIN_NOT_ACTIVE) {
        DM_TRY(r);
        return store_release(d->w->tx, e);
    }
    DM_TRY(store_restore(d->w->tx, e));
    void *memory;
    DM_TRY(book_alloc(d->w, d->w->n_book, sizeof(int64_t), &memory, e));
    int64_t *place = memory;
    size_t n = d->w->n_book;
    for (size_t i = 0; i < n; i++) {
        place[i] = d->w->book[i]->location_id;
    }
    d->w->book = NULL;
    d->w->n_book = 0;
    DM_TRY(book_lock(d->w, place, n, e));
    *d->s = was;
    struct decision again = {.w = d->w, .s = d->s, .b = book_of(d->w, was.location_id)};
    again.holds = d->holds | SESSION_HOLD_CONFLICT;
    return hold(&again, ret, e);
}

int session_post_locked(struct work *w, struct session *s, bool release,
                        struct session_outcome *ret, struct dm_err *e)
{
    if (strcmp(s->status, "completed") != 0 || s->posting == SESSION_VOID) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s",
                s->posting == SESSION_VOID ? "void" : s->status);
    }
    if (s->posting == SESSION_POSTED) {
        const struct book *b = book_of(w, s->location_id);
        *ret = (struct session_outcome){.posting = SESSION_POSTED};
        ret->period_id = b && b->open && b->open->opening_session_id == s->id ? b->open->id : 0;
        ret->counted = ret->period_id ? b->open->opening_count : 0;
        return DM_OK;
    }
    if (release && s->posting != SESSION_HELD) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is not held");
    }
    struct decision d = {.w = w, .s = s, .release = release};
    DM_TRY(decide(&d, e));
    if (release) {
        DM_TRY(check_release(&d, e));
        return enter(&d, ret, e);
    }
    return d.holds ? hold(&d, ret, e) : enter_or_hold(&d, ret, e);
}

/* ---- the doors ---- */

struct posting {
    int64_t id;
    bool release;
    struct session_outcome outcome;
};

static int post(struct work *w, void *in, struct dm_err *e)
{
    struct posting *x = in;
    struct session s;
    DM_TRY(session_lock(w, x->id, 0, &s, e));
    return session_post_locked(w, &s, x->release, &x->outcome, e);
}

int session_post(const struct inv_ctx *c, int64_t session_id, bool release,
                 struct session_outcome *ret, struct dm_err *e)
{
    DM_TRY(inv_permit(c, release ? INV_DO_COUNT_REVIEW : INV_DO_PHOTO_UPLOAD, e));
    struct posting x = {.id = session_id, .release = release};
    DM_TRY(session_run(c, post, &x, e));
    *ret = x.outcome;
    return DM_OK;
}

struct placing {
    int64_t id, location_id;
    enum inv_grant grant;
    struct session_outcome outcome;
};

/* A count that was posted to the wrong claro leaves it first. */
static int leave(struct work *w, struct session *s, struct dm_err *e)
{
    struct book *b = book_of(w, s->location_id);
    if (!b->open || b->open->opening_session_id != s->id) {
        DM_FAIL(e, INV_LATER_MOVEMENTS, "claro %s was counted again since", b->code);
    }
    DM_TRY(count_undo(w, b, "the photo shows another claro", e));
    DM_TRY(book_write(w, e));
    s->posting = SESSION_UNPOSTED;
    return DM_OK;
}

static int place(struct work *w, void *in, struct dm_err *e)
{
    struct placing *x = in;
    struct session s;
    DM_TRY(session_lock(w, x->id, x->location_id, &s, e));
    bool own = s.uploader_id == w->c->user_id && s.posting != SESSION_POSTED;
    if (x->grant == INV_GRANT_OWN && !own) {
        DM_FAIL(e, INV_FORBIDDEN, "only your own photos, while they are not posted");
    }
    if (s.posting == SESSION_VOID) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is void");
    }
    if (s.posting == SESSION_POSTED && s.location_id != x->location_id) {
        DM_TRY(leave(w, &s, e));
    }
    s.location_id = x->location_id;
    s.source = "manual";
    s.holds &= ~(uint32_t)(SESSION_HOLD_LOCATION_UNCERTAIN | SESSION_HOLD_NEEDS_LOCATION);
    s.warning = session_warning_of(s.holds);
    if (s.posting == SESSION_POSTED || strcmp(s.status, "completed") != 0) {
        x->outcome = (struct session_outcome){.posting = s.posting, .holds = s.holds};
        return session_set(w, &s, false, e);
    }
    DM_TRY(session_link_bins(w, book_of(w, x->location_id), s.id, e));
    return session_post_locked(w, &s, false, &x->outcome, e);
}

int session_place(const struct inv_ctx *c, int64_t session_id, int64_t location_id,
                  struct session_outcome *ret, struct dm_err *e)
{
    int grant = inv_permit(c, INV_DO_PHOTO_PLACE, e);
    DM_TRY(grant);
    if (location_id <= 0) {
        DM_FAIL(e, INV_VALIDATION, "a claro is needed");
    }
    struct placing x = {session_id, location_id, (enum inv_grant)grant, {0}};
    DM_TRY(session_run(c, place, &x, e));
    *ret = x.outcome;
    return DM_OK;
}

static int find_waiting(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct {
        struct dm_arena *a;
        int64_t location_id;
        struct store_table t;
    } *x = ctx;
    return store_all(tx, &queries[WAITING], STORE_ARGS(store_i(x->location_id)), x->a, &x->t, e);
}

int session_configured(const struct inv_ctx *c, int64_t location_id, int64_t *ret_n,
                       struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct {
        struct dm_arena *a;
        int64_t location_id;
        struct store_table t;
    } x = {&a, location_id, {0}};
    DM_TRY(store_run(c->store, STORE_READ, find_waiting, &x, e));
    for (size_t i = 0; i < x.t.n; i++) {
        struct posting p = {.id = store_row(&x.t, i)[0].i};
        DM_TRY(session_run(c, post, &p, e));
    }
    *ret_n = (int64_t)x.t.n;
    return DM_OK;
}

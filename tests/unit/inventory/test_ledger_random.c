/* SPDX-License-Identifier: Apache-2.0
 *
 * Random operations on the ledger, held against the naive books of tests/support/ledger_oracle.h:
 * movements, counts by photo and by hand, retakes, reprocessing, edits, undo, reversal,
 * reclassification, new configurations, repeated requests, clients at the same time. After each
 * step the answer and the claro are the same in both books and the invariants of the claro hold;
 * now and then all 25 are looked at. LEDGER_OPS sets how many steps; with LEDGER_WORLD the books
 * begin anew after so many, from another seed, and all 25 are looked at after every step that
 * stored something (tests/soak/ledger). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/config.h"
#include "inventory/verify.h"
#include "support/ledger_oracle.h"
#include "support/ledger_rig.h"

#define CLAROS   6 /* of the rig's, all configured */
#define ENTRIES  5
#define SESSIONS 24
#define UUIDS    128
#define CLIENTS  3

/* What a session counted, to edit and to reprocess it. */
struct counted {
    int64_t session, config;
    struct oracle_entry e[ENTRIES];
    size_t n;
};

struct logged {
    char uuid[LEDGER_UUID_SIZE];
    int64_t claro[2];
};

struct world {
    struct rig r;
    struct oracle *o;
    struct test_rng rng;
    int64_t now;
    struct oracle_config cfg[CLAROS];
    struct counted counted[CLAROS][SESSIONS];
    size_t n_counted[CLAROS];
    struct logged log[UUIDS];
    size_t n_log;
    long step;
    long done[12], refused[12]; /* by kind of operation */
    const char *last;           /* what the step did, for messages */
};

static uint32_t below(struct world *w, uint32_t n)
{
    return test_rng_below(&w->rng, n);
}

/* ---- sameness ---- */

static bool same_claro(struct world *w, int64_t location, bool loud)
{
    struct dm_buf ours = dm_buf_init(1 << 20);
    struct dm_buf naive = dm_buf_init(1 << 20);
    rig_print(w->r.n.db->store, location, &ours);
    oracle_print(w->o, location, &naive);
    bool same = !strcmp(dm_buf_str(&ours), dm_buf_str(&naive));
    if (!same && loud) {
        /* cmocka's own printing cuts long messages */
        (void)fprintf(stderr, "step %ld, %s, claro %lld\nledger:\n%s\noracle:\n%s\n", w->step,
                      w->last, (long long)location, dm_buf_str(&ours), dm_buf_str(&naive));
    }
    dm_buf_clear(&ours);
    dm_buf_clear(&naive);
    return same;
}

static void check_claro(struct world *w, int64_t location)
{
    const char *broken = NULL;
    const int64_t bad = rig_broken(w->r.n.db->store, location, &broken);
    if (bad) {
        fail_msg("step %ld, %s, claro %lld: %lld rows break %s", w->step, w->last,
                 (long long)location, (long long)bad, broken);
    }
}

static void check_books(struct world *w, struct store *s)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    struct verify_report report;
    assert_ok(store_begin(s, STORE_READ, &tx, &e), &e);
    assert_ok(verify_books(tx, 0, &a, &report, &e), &e);
    for (size_t i = 0; i < report.n && i < 10; i++) {
        const struct verify_violation *v = &report.list[i];
        print_error("step %ld: invariant %d, %s, %s %lld: %s\n", w->step, v->invariant, v->check,
                    v->entity, (long long)v->id, v->detail);
    }
    assert_int_equal(report.total, 0);
}

static void check_all(struct world *w)
{
    const struct store_options patient = {.statement_ms = -1}; /* years of history, on few cores */
    DM_CLEANUP(store_closep) struct store *s = db_reopen(w->r.n.db, &patient);
    check_books(w, s);
}

static void agree(struct world *w, int kind, int ours, int naive, const int64_t *claro, size_t n)
{
    if (ours != naive) {
        fail_msg("step %ld, %s: the ledger answers %d, the oracle %d", w->step, w->last, ours,
                 naive);
    }
    (*(ours ? &w->refused[kind] : &w->done[kind]))++;
    for (size_t i = 0; i < n; i++) {
        if (claro[i]) {
            assert_true(same_claro(w, claro[i], true));
            if (!ours) {
                check_claro(w, claro[i]);
            }
        }
    }
}

/* ---- movements ---- */

static int64_t claro_of(struct world *w)
{
    return w->r.claro[below(w, CLAROS)];
}

static size_t index_of(const struct world *w, int64_t location)
{
    size_t i = 0;
    while (w->r.claro[i] != location) {
        i++;
    }
    return i;
}

static int64_t some_state(struct world *w)
{
    const int64_t s[] = {0, 0, w->r.adult, w->r.flowering, w->r.juvenile, w->r.seedling, w->r.seed};
    return s[below(w, DM_COUNT(s))];
}

static int64_t some_time(struct world *w)
{
    return below(w, 4) ? 0 : w->now - (int64_t)below(w, 72) * RIG_HOUR;
}

/* A random movement and, for the oracle, the code of its batch. */
static void invent_move(struct world *w, struct ledger_move *m, char code[LEDGER_CODE_SIZE])
{
    static const enum ledger_type types[] = {LEDGER_PLANTAR,     LEDGER_PLANTAR,     LEDGER_PLANTAR,
                                             LEDGER_SEMBRAR,     LEDGER_MUERTE,      LEDGER_VENTAS,
                                             LEDGER_VENTAS,      LEDGER_AJUSTE,      LEDGER_AJUSTE,
                                             LEDGER_TRANSPLANTE, LEDGER_TRANSPLANTE, LEDGER_FOTO};
    uint32_t pick = below(w, 40);
    *m = (struct ledger_move){.type = types[pick < 36 ? pick % 11 : 11],
                              .location_id = claro_of(w),
                              .occurred_at = some_time(w),
                              .quantity = 1 + (int64_t)below(w, 60),
                              .reason = "random step",
                              .allow_mismatch = below(w, 4) == 0};
    code[0] = '\0';
    const struct oracle_config *cfg = &w->cfg[index_of(w, m->location_id)];
    m->product_id = below(w, 5) ? cfg->product : w->r.product[below(w, RIG_PRODUCTS)];
    bool out = m->type != LEDGER_PLANTAR && m->type != LEDGER_SEMBRAR;
    if (m->type == LEDGER_AJUSTE && below(w, 2)) {
        m->quantity = -m->quantity;
    }
    out = out && !(m->type == LEDGER_AJUSTE && m->quantity > 0);
    if (out) {
        int64_t q;
        m->quantity = below(w, 3) ? m->quantity : m->quantity * 4;
        if (below(w, 2) && oracle_batch_at(w->o, m->location_id, below(w, 64), code, &q)) {
            m->batch_id = 1; /* looked up by whoever runs it */
        } else {
            m->state_id = below(w, 3) ? 0 : some_state(w);
        }
    } else {
        static const enum ledger_category any[] = {LEDGER_CATEGORY_UNSAID, LEDGER_CATEGORY_UNSAID,
                                                   LEDGER_SEGMENT,         LEDGER_BOX,
                                                   LEDGER_SEEDLING_TRAY,   LEDGER_PLUG};
        m->category = any[below(w, DM_COUNT(any))];
        m->state_id = some_state(w);
        m->size_id = below(w, 3) ? 0 : w->r.size_s;
        m->packaging_id = below(w, 4) ? 0 : below(w, 2) ? w->r.pot[below(w, 2)] : LEDGER_NONE;
        m->reuse_empty = below(w, 3) == 0;
    }
    if (m->type == LEDGER_TRANSPLANTE) {
        static const enum ledger_category any[] = {LEDGER_CATEGORY_UNSAID, LEDGER_SEGMENT,
                                                   LEDGER_BOX, LEDGER_SEEDLING_TRAY};
        m->to_location_id = below(w, 3) ? claro_of(w) : 0;
        m->to_category = any[below(w, DM_COUNT(any))];
        m->to_state_id = below(w, 2) ? 0 : some_state(w);
        m->to_size_id = below(w, 3) ? 0 : w->r.size_m;
        m->to_packaging_id = below(w, 5) ? 0 : w->r.pot[below(w, 2)];
    }
}

static void name_batch(struct world *w, struct ledger_move *m, const char *code)
{
    if (m->batch_id) {
        char sql[160];
        (void)snprintf(sql, sizeof sql, "SELECT id FROM stock_batches WHERE batch_code = '%s'",
                       code);
        m->batch_id = nursery_number(&w->r.n, sql);
    }
}

static void remember(struct world *w, const struct ledger_move *m)
{
    struct logged *l = &w->log[w->n_log++ % UUIDS];
    (void)snprintf(l->uuid, sizeof l->uuid, "%s", m->uuid);
    l->claro[0] = m->location_id;
    l->claro[1] = m->to_location_id != m->location_id ? m->to_location_id : 0;
}

static void do_move(struct world *w)
{
    struct ledger_move m;
    char code[LEDGER_CODE_SIZE];
    char uuid[LEDGER_UUID_SIZE];
    invent_move(w, &m, code);
    name_batch(w, &m, code);
    m.uuid = rig_uuid(&w->r, uuid);
    w->last = ledger_type_names[m.type];
    struct ledger_result got;
    int ours = rig_move(&w->r, m, &got);
    const int64_t claro[] = {m.location_id,
                             m.to_location_id != m.location_id ? m.to_location_id : 0};
    agree(w, 0, ours, oracle_move(w->o, &m, code, true, w->now), claro, 2);
    if (ours == DM_OK) {
        assert_int_equal(got.location_total, oracle_total(w->o, m.location_id));
        remember(w, &m);
        if (below(w, 20) == 0) { /* the same request again, and another with its number */
            assert_int_equal(rig_move(&w->r, m, &got), DM_OK);
            assert_true(got.repeated);
            m.reason = "another reason";
            assert_int_equal(rig_move(&w->r, m, &got), INV_IDEMPOTENCY_CONFLICT);
            assert_true(same_claro(w, m.location_id, true));
        }
    }
}

static void do_reverse(struct world *w)
{
    if (w->n_log == 0) {
        return;
    }
    size_t recent = w->n_log < 12 ? w->n_log : 12;
    const struct logged *l = &w->log[(w->n_log - 1 - below(w, (uint32_t)recent)) % UUIDS];
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    const struct ledger_reverse r = {rig_uuid(&w->r, uuid), l->uuid, "random step"};
    struct ledger_result got;
    w->last = "reverse";
    int ours = ledger_reverse(&w->r.n.supervisor, &r, &a, &got, &e);
    agree(w, 1, ours, oracle_reverse(w->o, uuid, l->uuid), l->claro, 2);
}

/* ---- counts ---- */

static const struct {
    enum ledger_category category;
    int ordinal;
} places[ENTRIES] = {{LEDGER_PLUG, 1},
                     {LEDGER_SEEDLING_TRAY, 1},
                     {LEDGER_BOX, 1},
                     {LEDGER_SEGMENT, 1},
                     {LEDGER_SEGMENT, 2}};

/* What a camera may see: about what is there, sometimes something else altogether. */
static void invent_count(struct world *w, int64_t location, int64_t at, struct counted *c)
{
    c->n = 0;
    bool wild = below(w, 8) == 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        int64_t there = oracle_bin_at(w->o, location, places[i].category, places[i].ordinal, at);
        int64_t q = there - (int64_t)below(w, (uint32_t)(there / 6 + 2));
        if (below(w, 6) == 0) {
            q += below(w, 8);
        }
        if (wild || (there == 0 && below(w, 12) == 0)) {
            q = below(w, 200);
        }
        if (q > 0) {
            c->e[c->n++] = (struct oracle_entry){
                .category = places[i].category, .ordinal = places[i].ordinal, .quantity = q};
        }
    }
}

static int64_t upload(struct world *w, int64_t location, int64_t at, const struct counted *c,
                      int64_t supersedes)
{
    struct rig_segment segment[ENTRIES];
    for (size_t i = 0; i < c->n; i++) {
        int q = (int)c->e[i].quantity;
        int seen = q < 3 ? q : 3;
        segment[i] = (struct rig_segment){(enum ledger_category)c->e[i].category, c->e[i].ordinal,
                                          seen, q - seen, 0};
        oracle_see_bin(w->o, location, c->e[i].category, c->e[i].ordinal);
    }
    return rig_photo(&w->r, location, at, segment, c->n, 0.9, supersedes);
}

static void remember_count(struct world *w, int64_t location, const struct counted *c)
{
    size_t i = index_of(w, location);
    w->counted[i][w->n_counted[i]++ % SESSIONS] = *c;
}

static int answer_of(int code, const struct session_outcome *out)
{
    return code < 0 ? code : out->posting == SESSION_POSTED ? 0 : 1;
}

static void do_photo(struct world *w, bool reprocess)
{
    int64_t location = claro_of(w);
    struct oracle_period_view p = oracle_period(w->o, location);
    int64_t at = w->now - (int64_t)below(w, 60) * RIG_HOUR;
    if (reprocess && !p.session) {
        return;
    }
    at = reprocess ? p.opened_at : at;
    struct counted c;
    invent_count(w, location, at, &c);
    struct dm_err e = {0};
    struct session_outcome out = {0};
    w->r.finish = below(w, 2);
    c.session = upload(w, location, at, &c, reprocess ? p.session : 0);
    c.config = w->cfg[index_of(w, location)].id;
    struct oracle_count in = {.location = location,
                              .at = at,
                              .photo = true,
                              .session = c.session,
                              .reprocess = reprocess,
                              .entry = c.e,
                              .n = c.n};
    w->last = reprocess ? "reprocess" : "photo";
    int ours = w->r.answer;
    out = w->r.outcome;
    if (!w->r.finish) {
        ours = session_post(&w->r.n.worker, c.session, false, &out, &e);
    }
    w->r.finish = false;
    int naive = oracle_count(w->o, &in);
    agree(w, reprocess ? 3 : 2, answer_of(ours, &out), naive, &location, 1);
    if (naive == 1 && below(w, 2)) {
        w->last = "release";
        in.release = true;
        ours = session_post(&w->r.n.supervisor, c.session, true, &out, &e);
        naive = oracle_count(w->o, &in);
        agree(w, 4, answer_of(ours, &out), naive, &location, 1);
    }
    if (naive == 0) {
        remember_count(w, location, &c);
    }
}

static void do_edit(struct world *w)
{
    int64_t location = claro_of(w);
    size_t l = index_of(w, location);
    struct oracle_period_view p = oracle_period(w->o, location);
    struct counted *c = NULL;
    for (size_t i = 0; i < SESSIONS; i++) {
        struct counted *x = &w->counted[l][i];
        c = p.session && x->session == p.session && x->config == w->cfg[l].id ? x : c;
    }
    if (!c || c->n == 0) {
        return;
    }
    struct oracle_entry *x = &c->e[below(w, (uint32_t)c->n)];
    bool add = below(w, 2) || x->quantity == 0;
    int32_t q = 1 + (int32_t)below(w, add ? 20 : (uint32_t)x->quantity);
    char sql[240];
    (void)snprintf(sql, sizeof sql,
                   "SELECT id FROM session_segments WHERE session_id = %lld AND category = '%s'"
                   " AND ordinal = %d",
                   (long long)p.session, ledger_category_names[x->category], x->ordinal);
    const struct session_edit edit = {.kind = add ? SESSION_ADD_PLANTS : SESSION_REMOVE_PLANTS,
                                      .segment_id = nursery_number(&w->r.n, sql),
                                      .quantity = q,
                                      .reason = "random step"};
    struct dm_err e = {0};
    struct session_outcome out = {0};
    x->quantity += add ? q : -q;
    w->last = "edit";
    int ours = session_adjust(&w->r.n.supervisor, p.session, &edit, 1, &out, &e);
    const struct oracle_count in = {.location = location,
                                    .at = p.opened_at,
                                    .photo = true,
                                    .session = p.session,
                                    .edit = true,
                                    .entry = c->e,
                                    .n = c->n};
    agree(w, 5, answer_of(ours, &out), oracle_count(w->o, &in), &location, 1);
    if (ours < 0) {
        x->quantity -= add ? q : -q;
    }
}

static void do_undo(struct world *w)
{
    int64_t location = claro_of(w);
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    const struct ledger_undo u = {
        .uuid = rig_uuid(&w->r, uuid), .location_id = location, .reason = "random step"};
    w->last = "undo";
    int ours = ledger_undo(&w->r.n.supervisor, &u, &e);
    agree(w, 6, ours, oracle_undo(w->o, location), &location, 1);
}

static void do_manual(struct world *w, bool recount)
{
    int64_t location = claro_of(w);
    const struct oracle_config *cfg = &w->cfg[index_of(w, location)];
    static const enum ledger_category any[] = {LEDGER_SEGMENT, LEDGER_BOX, LEDGER_SEEDLING_TRAY};
    struct ledger_manual_line line[2];
    struct oracle_entry entry[2];
    size_t n = recount ? below(w, 3) : 1;
    for (size_t i = 0; i < n; i++) {
        enum ledger_category category = any[below(w, 3)];
        bool tray = category == LEDGER_SEEDLING_TRAY;
        line[i] = (struct ledger_manual_line){
            .product_id = recount || below(w, 6) ? cfg->product : w->r.product[below(w, 3)],
            .packaging_id = tray                     ? LEDGER_NONE
                            : recount || below(w, 6) ? cfg->pack
                                                     : w->r.pot[1],
            .size_id = below(w, 3) ? 0 : w->r.size_s,
            .category = category,
            .quantity = 1 + (int64_t)below(w, 300)};
        entry[i] = (struct oracle_entry){
            category,           oracle_newest_ordinal(w->o, location, category),
            line[i].product_id, cfg->state,
            line[i].size_id,    tray ? 0 : line[i].packaging_id,
            cfg->ppc,           line[i].quantity};
    }
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    struct ledger_manual m = {.uuid = rig_uuid(&w->r, uuid),
                              .location_id = location,
                              .recount = recount,
                              .occurred_at = recount ? some_time(w) : 0,
                              .line = line,
                              .n_line = n};
    struct ledger_result got;
    w->last = recount ? "manual recount" : "manual initial";
    int ours = ledger_manual(&w->r.n.supervisor, &m, &a, &got, &e);
    int64_t at = m.occurred_at ? m.occurred_at : w->now;
    const struct oracle_count in = {.location = location, .at = at, .entry = entry, .n = n};
    int naive =
        recount ? oracle_count(w->o, &in) : oracle_manual_initial(w->o, location, at, &entry[0]);
    agree(w, 7, ours, naive, &location, 1);
}

/* ---- the rest ---- */

static void do_validate(struct world *w)
{
    int64_t location = claro_of(w);
    struct oracle_period_view p = oracle_period(w->o, location);
    struct dm_err e = {0};
    if (p.session) {
        bool validated = below(w, 2);
        w->last = "validate";
        assert_ok(session_validate(&w->r.n.supervisor, p.session, validated, &e), &e);
        oracle_validate(w->o, location, validated);
        w->done[8]++;
    }
}

static void do_configure(struct world *w, size_t i)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct config_saved *saved;
    size_t n;
    const struct config_save save = {.location_id = &w->r.claro[i],
                                     .n = 1,
                                     .mode = CONFIG_CREATE,
                                     .product_id = w->r.product[below(w, RIG_PRODUCTS)],
                                     .packaging_id = w->r.pot[below(w, 2)],
                                     .state_id = below(w, 3) ? w->r.adult : w->r.juvenile,
                                     .plants_per_container = below(w, 2) ? 1 : 3};
    w->last = "configure";
    int r = config_save(&w->r.n.supervisor, &save, &a, &saved, &n, &e);
    const struct oracle_config wanted = {w->cfg[i].id, save.product_id, save.packaging_id,
                                         save.state_id, save.plants_per_container};
    if (r == INV_CONFIG_UNCHANGED) {
        const struct oracle_config *now = &w->cfg[i];
        assert_true(wanted.product == now->product && wanted.pack == now->pack &&
                    wanted.state == now->state && wanted.ppc == now->ppc);
        w->refused[9]++;
        return;
    }
    assert_ok(r, &e);
    assert_int_equal(n, 1);
    w->cfg[i] = wanted;
    w->cfg[i].id = saved[0].row.id;
    oracle_configure(w->o, w->r.claro[i], &w->cfg[i]);
    w->done[9]++;
}

static void do_reclassify(struct world *w)
{
    int64_t location = claro_of(w);
    const struct oracle_config *cfg = &w->cfg[index_of(w, location)];
    int seq = oracle_period(w->o, location).seq;
    if (seq < 2) {
        return;
    }
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT r.id FROM reconciliations r JOIN stock_periods p ON p.id ="
                   " r.stock_period_id WHERE p.storage_location_id = %lld AND p.seq = %d"
                   " AND r.status = 'posted'",
                   (long long)location, seq - 1);
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    char uuid[LEDGER_UUID_SIZE];
    const struct ledger_reclassify x = {.uuid = rig_uuid(&w->r, uuid),
                                        .reconciliation_id = nursery_number(&w->r.n, sql),
                                        .product_id = cfg->product,
                                        .packaging_id = cfg->pack,
                                        .from = LEDGER_VENTAS,
                                        .to = below(w, 2) ? LEDGER_MUERTE : LEDGER_AJUSTE,
                                        .quantity = 1 + (int64_t)below(w, 12),
                                        .reason = "random step"};
    struct ledger_result got;
    w->last = "reclassify";
    int ours = ledger_reclassify(&w->r.n.supervisor, &x, &a, &got, &e);
    int naive = oracle_reclassify(w->o, location, x.product_id, x.packaging_id, false, x.from, x.to,
                                  x.quantity);
    agree(w, 10, ours, naive, &location, 1);
}

/* ---- clients at the same time ---- */

struct client {
    struct world *w;
    pthread_t thread;
    struct ledger_move m;
    char code[LEDGER_CODE_SIZE], uuid[LEDGER_UUID_SIZE];
    int answer;
};

static void *run_client(void *arg)
{
    struct client *c = arg;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct dm_err e = {0};
    struct ledger_result got;
    c->answer = ledger_move(&c->w->r.n.supervisor, &c->m, &a, &got, &e);
    return NULL;
}

/* Whether the answers and the books are those of some order of the calls. */
static bool explained(struct world *w, const struct client *c, const int *order,
                      const int64_t *claro, size_t n)
{
    for (int i = 0; i < CLIENTS; i++) {
        const struct client *x = &c[order[i]];
        if (oracle_move(w->o, &x->m, x->code, true, w->now) != x->answer) {
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!same_claro(w, claro[i], false)) {
            return false;
        }
    }
    return true;
}

static void do_together(struct world *w)
{
    static const int orders[6][CLIENTS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                           {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct client c[CLIENTS];
    int64_t claro[CLAROS];
    for (size_t i = 0; i < CLAROS; i++) {
        claro[i] = w->r.claro[i];
    }
    int64_t busy = claro_of(w); /* they meet here */
    for (int i = 0; i < CLIENTS; i++) {
        c[i].w = w;
        do {
            invent_move(w, &c[i].m, c[i].code);
        } while (c[i].m.location_id != busy);
        name_batch(w, &c[i].m, c[i].code);
        /* no two at the same instant, whose order nobody could tell from outside */
        c[i].m.occurred_at = (c[i].m.occurred_at ? c[i].m.occurred_at : w->now) - i;
        c[i].m.uuid = rig_uuid(&w->r, c[i].uuid);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&c[i].thread, NULL, run_client, &c[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(c[i].thread, NULL), 0);
        c[i].m.uuid = c[i].uuid;
    }
    w->last = "together";
    struct oracle_copy *copy = oracle_save(w->o, claro, CLAROS);
    bool found = false;
    for (size_t i = 0; i < DM_COUNT(orders) && !found; i++) {
        found = explained(w, c, orders[i], claro, CLAROS);
        if (!found) {
            oracle_restore(w->o, copy);
        }
    }
    oracle_copy_free(copy);
    if (!found) {
        fail_msg("step %ld: no order of %s %d, %s %d, %s %d explains the books", w->step,
                 ledger_type_names[c[0].m.type], c[0].answer, ledger_type_names[c[1].m.type],
                 c[1].answer, ledger_type_names[c[2].m.type], c[2].answer);
    }
    for (size_t i = 0; i < CLAROS; i++) {
        check_claro(w, claro[i]);
    }
    w->done[11]++;
}

/* ---- the test ---- */

static void step(struct world *w)
{
    w->now += (int64_t)below(w, 6 * 3600) * 1000;
    rig_now(&w->r, w->now);
    uint32_t pick = below(w, 100);
    if (pick < 50) {
        do_move(w);
    } else if (pick < 58) {
        do_reverse(w);
    } else if (pick < 70) {
        do_photo(w, false);
    } else if (pick < 74) {
        do_photo(w, true);
    } else if (pick < 79) {
        do_edit(w);
    } else if (pick < 84) {
        do_undo(w);
    } else if (pick < 87) {
        do_manual(w, false);
    } else if (pick < 89) {
        do_manual(w, true);
    } else if (pick < 92) {
        do_validate(w);
    } else if (pick < 94) {
        do_configure(w, below(w, CLAROS));
    } else if (pick < 97) {
        do_reclassify(w);
    } else {
        do_together(w);
    }
}

static long wanted(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : otherwise;
}

static struct world *world_new(struct db *db, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    rig_init(&w->r, db);
    w->rng.s = seed;
    w->now = NURSERY_NOW;
    struct oracle_facts f = {.seed = w->r.seed,
                             .germinating = w->r.germinating,
                             .seedling = w->r.seedling,
                             .zone_ms = -3 * RIG_HOUR,
                             .retake_ms = 24 * RIG_HOUR,
                             .surplus_plants = 10,
                             .surplus_fraction = 0.02,
                             .shortage_plants = 50,
                             .shortage_fraction = 0.6,
                             .grace_days = 5};
    f.sellable[w->r.adult] = true;
    f.sellable[w->r.flowering] = true;
    w->o = oracle_new(&f);
    for (size_t i = 0; i < CLAROS; i++) {
        oracle_add_claro(w->o, w->r.claro[i]);
        w->cfg[i] =
            (struct oracle_config){w->r.config[i], w->r.product[0], w->r.pot[0], w->r.adult, 1};
        oracle_configure(w->o, w->r.claro[i], &w->cfg[i]);
    }
    return w;
}

static void world_free(struct world *w)
{
    oracle_free(w->o);
    rig_clear(&w->r);
    free(w);
}

static long stored(const struct world *w)
{
    long n = 0;
    for (size_t i = 0; i < DM_COUNT(w->done); i++) {
        n += w->done[i];
    }
    return n;
}

/* One history, from step `first` of the random numbers; its tally is added to `total`. */
static void one_world(struct db *db, long first, long steps, bool thorough, struct world *total)
{
    struct world *w = world_new(db, UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)first);
    const long often = steps > 5000 ? 10000 : 200;
    for (w->step = first; w->step < first + steps; w->step++) {
        const long before = stored(w);
        step(w);
        if (thorough && stored(w) > before) {
            check_books(w, db->store);
        } else if (w->step % often == often - 1) {
            check_all(w);
        }
    }
    check_all(w);
    assert_true(w->done[0] > 0 && w->done[2] > 0);
    for (size_t i = 0; i < DM_COUNT(w->done); i++) {
        total->done[i] += w->done[i];
        total->refused[i] += w->refused[i];
    }
    world_free(w);
}

static void random_operations(void **state)
{
    static const char *const kinds[] = {"movement", "reversal", "photo",    "reprocess",
                                        "release",  "edit",     "undo",     "manual",
                                        "validate", "config",   "reclass.", "together"};
    struct db *db = *state;
    const long steps = wanted("LEDGER_OPS", 400);
    const long world = wanted("LEDGER_WORLD", 0);
    const long first = wanted("LEDGER_FIRST", 0);
    static struct world total;
    memset(&total, 0, sizeof total);
    if (!world) {
        one_world(db, first, steps, false, &total);
    }
    for (long done = 0; world && done < steps; done += world) {
        struct db *own = db_new(!strcmp(db->engine, "sqlite") ? &db_sqlite : &db_postgresql);
        one_world(own, first + done, DM_MIN(world, steps - done), true, &total);
        db_free(own);
        if ((done + world) % 10000 < world) { /* hours long: say that it lives */
            (void)fprintf(stderr, "%s: %ld steps\n", db->engine, done + world);
        }
    }
    for (size_t i = 0; i < DM_COUNT(kinds) && steps > 5000; i++) {
        print_message("%s %-10s %7ld done %7ld refused\n", db->engine, kinds[i], total.done[i],
                      total.refused[i]);
    }
}

/* The comparison must see an oracle that forgets one sold plant. */
static void planted_fault(void **state)
{
    struct world *w = world_new(*state, 7);
    int64_t location = w->r.claro[0];
    struct counted c = {.n = 1, .e = {{.category = LEDGER_SEGMENT, .ordinal = 1, .quantity = 100}}};
    struct session_outcome out;
    struct dm_err e = {0};
    oracle_plant_fault(w->o);
    for (int i = 0; i < 2; i++) {
        struct oracle_count in = {.location = location,
                                  .at = w->now + i * 3 * RIG_DAY,
                                  .photo = true,
                                  .entry = c.e,
                                  .n = 1};
        in.session = upload(w, location, in.at, &c, 0);
        assert_ok(session_post(&w->r.n.worker, in.session, false, &out, &e), &e);
        assert_int_equal(oracle_count(w->o, &in), 0);
        assert_int_equal(same_claro(w, location, false), i == 0);
        c.e[0].quantity = 90;
    }
    world_free(w);
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* "*sqlite*" */
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {DB_TEST(random_operations), DB_TEST(planted_fault)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

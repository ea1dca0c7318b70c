/* SPDX-License-Identifier: Apache-2.0
 *
 * Photo sessions: creation, states, results (domain.md 7.2, 7.4). Detections of a photo go in as
 * one bulk statement. */
#include <jansson.h>

#include "inventory/book_names.h"
#include "inventory/session_priv.h"

enum {
    ADD,
    FIND_UUID,
    READ,
    READ_LOCKED,
    SET,
    VOID,
    START,
    FAIL,
    COMPLETE,
    SEGMENT_ADD,
};

#define READ_COLUMNS                                                                               \
    "SELECT s.id, s.image_id, s.storage_location_id, s.config_id, s.supersedes_session_id,"        \
    " s.captured_at, (SELECT i.uploaded_by_user_id FROM images i WHERE i.id = s.image_id),"        \
    " s.status, s.warning, s.location_source, s.posting_status, s.hold_reasons, s.validated,"      \
    " s.avg_confidence, s.total_detected, s.total_estimated FROM photo_processing_sessions s"      \
    " WHERE s.id = ?1"
#define READ_LETTERS                                                                               \
    "iiiiiTitttt"                                                                                  \
    "jbrii"

static const struct store_query queries[] = {
    [ADD] = {"session.add",
             "INSERT INTO photo_processing_sessions (uuid, image_id, upload_batch_id,"
             " storage_location_id, location_source, supersedes_session_id, captured_at, warning,"
             " hold_reasons, created_at, updated_at)"
             " SELECT ?1, i.id, ?3, ?4, ?5, ?6, i.captured_at, ?7, ?8, ?9, ?9"
             " FROM images i WHERE i.id = ?2 RETURNING id",
             "uiiititjT", "i"},
    [FIND_UUID] = {"session.find",
                   "SELECT id, image_id FROM photo_processing_sessions"
                   " WHERE uuid = ?1",
                   "u", "ii"},
    [READ] = {"session.read", READ_COLUMNS, "i", READ_LETTERS},
    [READ_LOCKED] = {"session.lock", READ_COLUMNS " {for_update}", "i", READ_LETTERS},
    [SET] = {"session.set",
             "UPDATE photo_processing_sessions SET posting_status = ?2, hold_reasons = ?3,"
             " warning = ?4, storage_location_id = ?5, location_source = ?6, config_id = ?7,"
             " supersedes_session_id = ?10,"
             " posted_at = CASE WHEN ?8 THEN ?9 WHEN ?2 IN ('posted', 'void') THEN posted_at END,"
             " updated_at = ?9"
             " WHERE id = ?1",
             "itjtitibTi", ""},
    [VOID] = {"session.void",
              "UPDATE photo_processing_sessions SET posting_status = 'void', updated_at = ?2"
              " WHERE id = ?1",
              "iT", ""},
    [START] = {"session.start",
               "UPDATE photo_processing_sessions SET status = 'processing', updated_at = ?2"
               " WHERE id = ?1 AND status = 'pending'",
               "iT", ""},
    [FAIL] = {"session.fail",
              "UPDATE photo_processing_sessions SET status = 'failed', error_message = ?2,"
              " updated_at = ?3 WHERE id = ?1 AND status IN ('pending', 'processing')",
              "itT", ""},
    [COMPLETE] = {"session.complete",
                  "UPDATE photo_processing_sessions SET status = 'completed',"
                  " total_detected = ?2, total_estimated = ?3, total_empty_containers = ?4,"
                  " avg_confidence = ?5, category_counts = ?6, model_version = ?7,"
                  " processing_ms = ?8, warning = ?9, hold_reasons = ?10, updated_at = ?11"
                  " WHERE id = ?1 AND status = 'processing'",
                  "iiiirjtitjT", ""},
    [SEGMENT_ADD] = {"session.segment_add",
                     "INSERT INTO session_segments (session_id, storage_bin_id, category, ordinal,"
                     " polygon, bbox, mask_area_px, area_cm2, confidence, detected_count,"
                     " estimated_count, empty_count, created_at, updated_at)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)"
                     " RETURNING id",
                     "iitijjirriiiT", "i"},
};
enum { SEGMENT_WIDTH = 13 };
STORE_QUERIES(session_queries, queries);

static const struct store_bulk detections = {
    .name = "session.detections_add",
    .table = "detections",
    .columns = "session_id, session_segment_id, stock_movement_id, classification_id,"
               " center_x_px, center_y_px, width_px, height_px, confidence, is_empty_container,"
               " is_alive, created_at",
    .types = "iiiirrrrrbbT",
};
enum { DETECTION_WIDTH = 12 };

static const struct store_bulk estimations = {
    .name = "session.estimations_add",
    .table = "estimations",
    .columns = "session_id, session_segment_id, stock_movement_id, classification_id, band,"
               " vegetation_polygon, detected_area_cm2, estimated_count, calculation_method,"
               " confidence, used_density_parameters, created_at",
    .types = "iiiiijritrbT",
};
enum { ESTIMATION_WIDTH = 12 };

static const char *const source_names[] = {"", "explicit", "qr", "gps", "manual", NULL};
static const char *const posting_names[] = {"unposted", "held", "posted", "void", NULL};
static const char *const method_names[] = {"band_estimation", "density_estimation",
                                           "grid_analysis"};

/* Warnings are the holds with these bits; the first is the one shown. */
#define WARNINGS 5

const char *session_warning_of(uint32_t holds)
{
    for (size_t i = 0; i < WARNINGS; i++) {
        if (holds & (1u << i)) {
            return session_hold_names[i];
        }
    }
    return "";
}

static struct store_value text_or_null(const char *text)
{
    return text && text[0] ? store_t(text) : store_null();
}

/* JSON list of the names of the bits. */
static void holds_text(uint32_t holds, char *ret, size_t size)
{
    size_t n = (size_t)snprintf(ret, size, "[");
    for (size_t i = 0; i < SESSION_HOLDS; i++) {
        if (holds & (1u << i)) {
            n += (size_t)snprintf(ret + n, size - n, "%s\"%s\"", n > 1 ? "," : "",
                                  session_hold_names[i]);
        }
    }
    (void)snprintf(ret + n, size - n, "]");
}

static uint32_t holds_parse(const char *text)
{
    uint32_t holds = 0;
    json_t *list = json_loads(text, 0, NULL);
    size_t i;
    const json_t *name;
    json_array_foreach(list, i, name)
    {
        for (size_t k = 0; k < SESSION_HOLDS; k++) {
            holds |= json_is_string(name) && !strcmp(json_string_value(name), session_hold_names[k])
                         ? 1u << k
                         : 0;
        }
    }
    json_decref(list);
    return holds;
}
#define HOLDS_TEXT 320

/* ---- the frame ---- */

struct frame {
    const struct inv_ctx *c;
    session_fn fn;
    void *in;
};

static void work_clear(struct work *w)
{
    dm_arena_clear(&w->arena);
}

static int attempt(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct frame *f = ctx;
    DM_CLEANUP(work_clear) struct work w = {.c = f->c, .tx = tx};
    return f->fn(&w, f->in, e);
}

int session_run(const struct inv_ctx *c, session_fn fn, void *in, struct dm_err *e)
{
    struct frame f = {c, fn, in};
    return store_run(c->store, STORE_WRITE, attempt, &f, e);
}

/* ---- reading, setting ---- */

static int read_by(struct work *w, const struct store_query *q, int64_t id, struct session *ret,
                   struct dm_err *e)
{
    const struct store_value *v;
    int found = store_maybe(w->tx, q, STORE_ARGS(store_i(id)), &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no session %lld", (long long)id);
    }
    *ret = (struct session){
        .id = v[0].i,
        .image_id = v[1].i,
        .location_id = v[2].null ? 0 : v[2].i,
        .config_id = v[3].null ? 0 : v[3].i,
        .supersedes_id = v[4].null ? 0 : v[4].i,
        .captured_at = v[5].i,
        .uploader_id = v[6].i,
        .status = v[7].t,
        .warning = v[8].null ? "" : v[8].t,
        .source = v[9].null ? "" : v[9].t,
        .posting = (enum session_posting)book_name_index(posting_names, v[10].t),
        .holds = holds_parse(v[11].t),
        .validated = v[12].b,
        .confidence = v[13].null ? -1 : v[13].r,
        .detected = v[14].i,
        .estimated = v[15].i,
    };
    return DM_OK;
}

int session_read(struct work *w, int64_t id, struct session *ret, struct dm_err *e)
{
    return read_by(w, &queries[READ], id, ret, e);
}

int session_lock(struct work *w, int64_t id, int64_t also_location_id, struct session *ret,
                 struct dm_err *e)
{
    *ret = (struct session){0};
    DM_TRY(session_read(w, id, ret, e));
    const int64_t places[] = {ret->location_id, also_location_id};
    DM_TRY(book_lock(w, places, DM_COUNT(places), e));
    const int64_t seen = ret->location_id;
    DM_TRY(read_by(w, &queries[READ_LOCKED], id, ret, e));
    if (ret->location_id != seen) {
        DM_FAIL(e, DM_EAGAIN, "the session was moved to another claro");
    }
    return DM_OK;
}

int session_set(struct work *w, const struct session *s, bool posted, struct dm_err *e)
{
    char holds[HOLDS_TEXT];
    holds_text(s->holds, holds, sizeof holds);
    return store_exec(w->tx, &queries[SET],
                      STORE_ARGS(store_i(s->id), store_t(posting_names[s->posting]), store_j(holds),
                                 text_or_null(s->warning), store_ref(s->location_id),
                                 text_or_null(s->source), store_ref(s->config_id), store_b(posted),
                                 store_at(w->c->now_ms), store_ref(s->supersedes_id)),
                      NULL, e);
}

int session_void(struct work *w, int64_t id, struct dm_err *e)
{
    return store_exec(w->tx, &queries[VOID], STORE_ARGS(store_i(id), store_at(w->c->now_ms)), NULL,
                      e);
}

/* ---- creation and states ---- */

int session_add(struct work *w, const struct session_new *n, int64_t *ret_id, struct dm_err *e)
{
    const struct store_value *v;
    int found =
        store_maybe(w->tx, &queries[FIND_UUID], STORE_ARGS(store_u(n->uuid)), &w->arena, &v, e);
    DM_TRY(found);
    if (found) {
        if (v[1].i != n->image_id) {
            DM_FAIL(e, INV_IDEMPOTENCY_CONFLICT, "the number %s was used before", n->uuid);
        }
        *ret_id = v[0].i;
        return DM_OK;
    }
    uint32_t holds = n->location_uncertain ? SESSION_HOLD_LOCATION_UNCERTAIN : 0;
    char text[HOLDS_TEXT];
    holds_text(holds, text, sizeof text);
    int r = store_int(
        w->tx, &queries[ADD],
        STORE_ARGS(store_u(n->uuid), store_i(n->image_id), store_ref(n->upload_batch_id),
                   store_ref(n->location_id), text_or_null(source_names[n->source]),
                   store_ref(n->supersedes_session_id), text_or_null(session_warning_of(holds)),
                   store_j(text), store_at(w->c->now_ms)),
        ret_id, e);
    if (r == DM_ENOTFOUND) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no photo %lld", (long long)n->image_id);
    }
    return r;
}

struct creation {
    const struct session_new *n;
    int64_t id;
};

static int create(struct work *w, void *in, struct dm_err *e)
{
    struct creation *x = in;
    return session_add(w, x->n, &x->id, e);
}

int session_create(const struct inv_ctx *c, const struct session_new *n, int64_t *ret_id,
                   struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    if (!n->uuid || !store_uuid_valid(n->uuid)) {
        DM_FAIL(e, INV_VALIDATION, "a UUID is needed");
    }
    struct creation x = {.n = n};
    DM_TRY(session_run(c, create, &x, e));
    *ret_id = x.id;
    return DM_OK;
}

struct change {
    int64_t id;
    const char *message; /* NULL = start */
};

static int change_state(struct work *w, void *in, struct dm_err *e)
{
    const struct change *x = in;
    int64_t changed = 0;
    if (x->message) {
        DM_TRY(store_exec(w->tx, &queries[FAIL],
                          STORE_ARGS(store_i(x->id), store_t(x->message), store_at(w->c->now_ms)),
                          &changed, e));
    } else {
        DM_TRY(store_exec(w->tx, &queries[START],
                          STORE_ARGS(store_i(x->id), store_at(w->c->now_ms)), &changed, e));
    }
    if (changed == 0) {
        struct session s;
        DM_TRY(session_read(w, x->id, &s, e));
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s", s.status);
    }
    return DM_OK;
}

int session_start(const struct inv_ctx *c, int64_t session_id, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    struct change x = {session_id, NULL};
    return session_run(c, change_state, &x, e);
}

int session_fail(const struct inv_ctx *c, int64_t session_id, const char *message, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    struct change x = {session_id, message};
    return session_run(c, change_state, &x, e);
}

/* ---- results ---- */

/* Of the whole photo. */
struct totals {
    struct session_totals sum;
    int64_t by_container[LEDGER_CATEGORY_MAX_], containers[LEDGER_CATEGORY_MAX_];
};

struct saving {
    int64_t id;
    const struct session_results *r;
    struct totals t;
    struct session_outcome outcome;
};

struct session_totals session_totals_of(const struct session_segment *s)
{
    struct session_totals t = {0};
    for (size_t i = 0; i < s->n_detection; i++) {
        const struct session_detection *d = &s->detection[i];
        if (d->is_empty_container) {
            t.empty++;
        } else if (!d->is_dead) {
            t.detected++;
            t.confidence += d->confidence;
        }
    }
    for (size_t i = 0; i < s->n_estimation; i++) {
        t.estimated += s->estimation[i].count;
    }
    return t;
}

static void add_totals(struct totals *t, const struct session_segment *s,
                       const struct session_totals *of)
{
    t->sum.detected += of->detected;
    t->sum.estimated += of->estimated;
    t->sum.empty += of->empty;
    t->sum.confidence += of->confidence;
    t->by_container[s->category] += of->detected + of->estimated;
    t->containers[s->category]++;
}

/* {"x1":..}, in the arena. */
static int box_text(struct work *w, const struct session_segment *s, const char **ret,
                    struct dm_err *e)
{
    *ret = dm_arena_printf(&w->arena, "{\"x1\":%.17g,\"y1\":%.17g,\"x2\":%.17g,\"y2\":%.17g}",
                           s->x1, s->y1, s->x2, s->y2);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a segment");
    }
    return DM_OK;
}

/* Segments with their totals and (b not NULL) their containers; *ret_id is in the arena. */
static int add_segments(struct work *w, struct saving *x, struct book *b, int64_t *ret_id,
                        struct dm_err *e)
{
    const size_t n = x->r->n_segment;
    int64_t *bin;
    void *memory;
    DM_TRY(session_bins(w, b, x->r, &bin, e));
    DM_TRY(book_alloc(w, n * SEGMENT_WIDTH, sizeof(struct store_value), &memory, e));
    struct store_value *v = memory;
    for (size_t i = 0; i < n; i++) {
        const struct session_segment *s = &x->r->segment[i];
        const struct session_totals t = session_totals_of(s);
        const char *box;
        DM_TRY(box_text(w, s, &box, e));
        const struct store_value values[SEGMENT_WIDTH] = {
            store_i(x->id),
            store_ref(bin[i]),
            store_t(ledger_category_names[s->category]),
            store_i(s->ordinal),
            store_j(s->polygon),
            store_j(box),
            store_i(s->mask_area_px),
            s->area_cm2 > 0 ? store_r(s->area_cm2) : store_null(),
            store_r(s->confidence),
            store_i(t.detected),
            store_i(t.estimated),
            store_i(t.empty),
            store_at(w->c->now_ms),
        };
        memcpy(v + i * SEGMENT_WIDTH, values, sizeof values);
        add_totals(&x->t, s, &t);
    }
    return store_each(w->tx, &queries[SEGMENT_ADD], v, n, ret_id, e);
}

static int add_detections(struct work *w, const struct saving *x, struct dm_err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < x->r->n_segment; i++) {
        n += x->r->segment[i].n_detection;
    }
    void *memory;
    DM_TRY(book_alloc(w, n * DETECTION_WIDTH, sizeof(struct store_value), &memory, e));
    struct store_value *v = memory;
    for (size_t i = 0; i < x->r->n_segment; i++) {
        const struct session_segment *s = &x->r->segment[i];
        for (size_t k = 0; k < s->n_detection; k++, v += DETECTION_WIDTH) {
            const struct session_detection *d = &s->detection[k];
            bool counts = !d->is_empty_container && !d->is_dead;
            const struct store_value row[DETECTION_WIDTH] = {
                store_i(x->id),
                store_i(w->segment_id[i]),
                store_ref(counts ? w->segment_movement_id[i] : 0),
                store_ref(d->classification_id),
                store_r(d->center_x_px),
                store_r(d->center_y_px),
                store_r(d->width_px),
                store_r(d->height_px),
                store_r(d->confidence),
                store_b(d->is_empty_container),
                store_b(!d->is_dead),
                store_at(w->c->now_ms),
            };
            memcpy(v, row, sizeof row);
        }
    }
    return n ? store_insert(w->tx, &detections, memory, n, e) : DM_OK;
}

static int add_estimations(struct work *w, const struct saving *x, struct dm_err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < x->r->n_segment; i++) {
        n += x->r->segment[i].n_estimation;
    }
    void *memory;
    DM_TRY(book_alloc(w, n * ESTIMATION_WIDTH, sizeof(struct store_value), &memory, e));
    struct store_value *v = memory;
    for (size_t i = 0; i < x->r->n_segment; i++) {
        const struct session_segment *s = &x->r->segment[i];
        for (size_t k = 0; k < s->n_estimation; k++, v += ESTIMATION_WIDTH) {
            const struct session_estimation *m = &s->estimation[k];
            const struct store_value row[ESTIMATION_WIDTH] = {
                store_i(x->id),
                store_i(w->segment_id[i]),
                store_ref(w->segment_movement_id[i]),
                store_ref(m->classification_id),
                store_ref(m->band),
                m->vegetation_polygon ? store_j(m->vegetation_polygon) : store_null(),
                store_r(m->detected_area_cm2),
                store_i(m->count),
                store_t(method_names[m->method]),
                store_r(m->confidence),
                store_b(m->used_density_parameters),
                store_at(w->c->now_ms),
            };
            memcpy(v, row, sizeof row);
        }
    }
    return n ? store_insert(w->tx, &estimations, memory, n, e) : DM_OK;
}

/* {"by_category": plants of each kind of container, "by_container": containers of each kind} */
static int counts_text(struct work *w, const struct totals *t, const char **ret, struct dm_err *e)
{
    json_t *plants = json_object();
    json_t *containers = json_object();
    for (size_t i = LEDGER_PLUG; i < LEDGER_CATEGORY_MAX_; i++) {
        if (t->containers[i]) {
            (void)json_object_set_new(plants, ledger_category_names[i],
                                      json_integer(t->by_container[i]));
            (void)json_object_set_new(containers, ledger_category_names[i],
                                      json_integer(t->containers[i]));
        }
    }
    json_t *j = json_pack("{s:o, s:o}", "by_category", plants, "by_container", containers);
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    *ret = text ? dm_arena_strdup(&w->arena, text) : NULL;
    free(text);
    json_decref(j);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the totals");
    }
    return DM_OK;
}

static bool is_over(const struct session *s)
{
    return s->status && (!strcmp(s->status, "completed") || !strcmp(s->status, "failed"));
}

/* Segments, totals, state; not yet what was seen one by one. */
static int save_heads(struct work *w, struct saving *x, struct session *s, struct dm_err *e)
{
    x->t = (struct totals){0};
    DM_TRY(session_lock(w, x->id, 0, s, e));
    if (is_over(s)) { /* by a quicker one */
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s", s->status);
    }
    void *memory;
    DM_TRY(book_alloc(w, 2 * x->r->n_segment, sizeof(int64_t), &memory, e));
    int64_t *segment = memory;
    struct book *b = s->location_id ? book_of(w, s->location_id) : NULL;
    DM_TRY(add_segments(w, x, b, segment, e));
    w->segment_id = segment;
    w->segment_movement_id = segment + x->r->n_segment;
    s->holds &= SESSION_HOLD_LOCATION_UNCERTAIN;
    s->holds |= s->location_id ? 0 : SESSION_HOLD_NEEDS_LOCATION;
    s->holds |= x->r->needs_calibration ? SESSION_HOLD_NEEDS_CALIBRATION : 0;
    const struct session_totals *t = &x->t.sum;
    s->holds |= t->detected + t->estimated == 0 ? SESSION_HOLD_NO_DETECTIONS : 0;
    s->holds |= b && !b->config.id ? SESSION_HOLD_NEEDS_CONFIG : 0;
    const char *counts = NULL;
    DM_TRY(counts_text(w, &x->t, &counts, e));
    char holds[HOLDS_TEXT];
    holds_text(s->holds, holds, sizeof holds);
    s->confidence = t->detected ? t->confidence / (double)t->detected : -1;
    s->detected = t->detected;
    s->estimated = t->estimated;
    int64_t changed;
    DM_TRY(store_exec(
        w->tx, &queries[COMPLETE],
        STORE_ARGS(store_i(x->id), store_i(t->detected), store_i(t->estimated), store_i(t->empty),
                   t->detected ? store_r(s->confidence) : store_null(), store_j(counts),
                   text_or_null(x->r->model_version), store_i(x->r->processing_ms),
                   text_or_null(session_warning_of(s->holds)), store_j(holds),
                   store_at(w->c->now_ms)),
        &changed, e));
    if (changed == 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s", s->status);
    }
    s->status = "completed";
    return DM_OK;
}

static int save(struct work *w, void *in, struct dm_err *e)
{
    struct saving *x = in;
    struct session s;
    DM_TRY(save_heads(w, x, &s, e));
    DM_TRY(add_detections(w, x, e));
    return add_estimations(w, x, e);
}

/* The same and the posting; detections last, so that their links need no second writing. */
static int save_and_post(struct work *w, void *in, struct dm_err *e)
{
    struct saving *x = in;
    struct session s;
    DM_TRY(save_heads(w, x, &s, e));
    w->results = x->r;
    x->outcome = (struct session_outcome){0};
    DM_TRY(session_post_locked(w, &s, false, &x->outcome, e));
    DM_TRY(add_detections(w, x, e));
    return add_estimations(w, x, e);
}

static int check_results(const struct session_results *r, struct dm_err *e)
{
    for (size_t i = 0; i < r->n_segment; i++) {
        const struct session_segment *s = &r->segment[i];
        bool named = s->category > LEDGER_CATEGORY_UNSAID && s->category < LEDGER_CATEGORY_MAX_ &&
                     s->ordinal >= 1;
        if (!named || !s->polygon || !(s->x1 < s->x2) || !(s->y1 < s->y2)) {
            DM_FAIL(e, INV_VALIDATION, "segment %zu: a category, an ordinal and a box are needed",
                    i + 1);
        }
    }
    return DM_OK;
}

int session_save(const struct inv_ctx *c, int64_t session_id, const struct session_results *r,
                 struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    DM_TRY(check_results(r, e));
    struct saving x = {.id = session_id, .r = r};
    return session_run(c, save, &x, e);
}

static bool classified(const struct session_results *r)
{
    for (size_t i = 0; i < r->n_segment; i++) {
        for (size_t k = 0; k < r->segment[i].n_detection; k++) {
            if (r->segment[i].detection[k].classification_id) {
                return true;
            }
        }
    }
    return false;
}

int session_finish(const struct inv_ctx *c, int64_t session_id, const struct session_results *r,
                   struct session_outcome *ret, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_PHOTO_UPLOAD, e));
    DM_TRY(check_results(r, e));
    struct saving x = {.id = session_id, .r = r};
    /* sizes of plants are worked out from stored detections */
    if (!classified(r) && session_run(c, save_and_post, &x, NULL) >= 0) {
        *ret = x.outcome;
        return DM_OK;
    }
    DM_TRY(session_run(c, save, &x, e));
    return session_post(c, session_id, false, ret, e);
}

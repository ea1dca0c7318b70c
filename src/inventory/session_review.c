/* SPDX-License-Identifier: Apache-2.0
 *
 * Supervisors look at what a photo counted: validation and edits (domain.md 12.1). */
#include "inventory/density.h"
#include "inventory/ledger_run.h"
#include "inventory/session_priv.h"

enum { VALIDATE, UNVALIDATE, EDIT_ADD, EDIT, DETECTION, SEGMENT, TOTAL, CONFIG };
static const struct store_query queries[] = {
    [VALIDATE] = {"session.validate",
                  "UPDATE photo_processing_sessions SET validated = TRUE,"
                  " validated_by_user_id = ?2, validated_at = ?3, updated_at = ?3 WHERE id = ?1",
                  "iiT", ""},
    [UNVALIDATE] = {"session.unvalidate",
                    "UPDATE photo_processing_sessions SET validated = FALSE,"
                    " validated_by_user_id = NULL, validated_at = NULL, updated_at = ?2"
                    " WHERE id = ?1",
                    "iT", ""},
    [EDIT_ADD] = {"session.edit_add",
                  "INSERT INTO session_adjustments (session_id, session_segment_id, detection_id,"
                  " kind, quantity_delta, product_size_id, box, reverts_id, reason, user_id,"
                  " created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                  "iiitiijitiT", ""},
    [EDIT] = {"session.edit",
              "SELECT a.session_segment_id, a.detection_id, a.quantity_delta, a.product_size_id,"
              " a.reverts_id IS NOT NULL OR EXISTS (SELECT 1 FROM session_adjustments r"
              " WHERE r.reverts_id = a.id) FROM session_adjustments a"
              " WHERE a.id = ?1 AND a.session_id = ?2",
              "ii", "iiiib"},
    /* marks: how often it was taken out of the count and not put back */
    [DETECTION] = {"session.detection",
                   "SELECT d.is_alive, d.is_empty_container,"
                   " (SELECT coalesce(sum(a.quantity_delta), 0) FROM session_adjustments a"
                   " WHERE a.detection_id = d.id) FROM detections d"
                   " WHERE d.id = ?1 AND d.session_id = ?2",
                   "ii", "bbi"},
    [SEGMENT] = {"session.segment",
                 "SELECT g.detected_count + g.estimated_count + (SELECT"
                 " coalesce(sum(a.quantity_delta), 0) FROM session_adjustments a LEFT JOIN"
                 " detections d ON d.id = a.detection_id WHERE a.session_segment_id = g.id"
                 " OR d.session_segment_id = g.id)"
                 " FROM session_segments g WHERE g.id = ?1 AND g.session_id = ?2",
                 "ii", "i"},
    [TOTAL] = {"session.total",
               "SELECT s.total_detected + s.total_estimated + (SELECT"
               " coalesce(sum(a.quantity_delta), 0) FROM session_adjustments a"
               " WHERE a.session_id = s.id) FROM photo_processing_sessions s WHERE s.id = ?1",
               "i", "i"},
    [CONFIG] = {"session.config",
                "SELECT id, product_id, packaging_catalog_id, expected_product_state_id,"
                " plants_per_container FROM storage_location_configs WHERE id = ?1",
                "i", "iiiii"},
};
STORE_QUERIES(session_review_queries, queries);

static const char *const kinds[] = {"add_plants", "remove_plants", "mark_dead",   "mark_empty",
                                    "unmark",     "set_size",      "claro_empty", "add_box",
                                    "move_box",   "threshold"};

/* A posted count may be looked at again only while its period is open. */
static int check_open(const struct work *w, const struct session *s, struct dm_err *e)
{
    if (strcmp(s->status, "completed") != 0 || s->posting == SESSION_VOID) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s",
                s->posting == SESSION_VOID ? "void" : s->status);
    }
    const struct book *b = s->location_id ? book_of(w, s->location_id) : NULL;
    if (s->posting == SESSION_POSTED && (!b->open || b->open->opening_session_id != s->id)) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "the period of this count is closed");
    }
    return DM_OK;
}

struct validation {
    int64_t id;
    bool validated;
};

static int validate(struct work *w, void *in, struct dm_err *e)
{
    const struct validation *x = in;
    struct session s;
    DM_TRY(session_lock(w, x->id, 0, &s, e));
    DM_TRY(check_open(w, &s, e));
    DM_TRY(x->validated ? store_exec(w->tx, &queries[VALIDATE],
                                     STORE_ARGS(store_i(x->id), store_i(w->c->user_id),
                                                store_at(w->c->now_ms)),
                                     NULL, e)
                        : store_exec(w->tx, &queries[UNVALIDATE],
                                     STORE_ARGS(store_i(x->id), store_at(w->c->now_ms)), NULL, e));
    json_t *before = json_pack("{s:b}", "validated", s.validated);
    json_t *after = json_pack("{s:b}", "validated", x->validated);
    int r =
        audit_write(w->tx, w->c, "validate", "photo_processing_sessions", x->id, before, after, e);
    json_decref(before);
    json_decref(after);
    return r;
}

int session_validate(const struct inv_ctx *c, int64_t session_id, bool validated, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    struct validation x = {session_id, validated};
    int applied;
    DM_TRY(session_run(c, validate, &x, e));
    if (validated && c->settings) { /* it stays validated whatever the densities learn from it */
        DM_UNUSED const int learned = density_correct(c, session_id, &applied, NULL);
    }
    return DM_OK;
}

/* ---- edits ---- */

struct editing {
    int64_t id;
    const struct session_edit *edit;
    size_t n;
    struct session_outcome outcome;
};

/* What an edit of one detection adds to the count. */
static int detection_delta(struct work *w, int64_t session_id, const struct session_edit *x,
                           int64_t *ret, struct dm_err *e)
{
    const struct store_value *v;
    int found =
        store_maybe(w->tx, &queries[DETECTION],
                    STORE_ARGS(store_i(x->detection_id), store_i(session_id)), &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "the photo has no detection %lld", (long long)x->detection_id);
    }
    bool counts = v[0].b && !v[1].b;
    bool out = v[2].i < 0;
    bool puts_back = x->kind == SESSION_UNMARK;
    bool keeps = x->kind == SESSION_SET_SIZE || x->kind == SESSION_MOVE_BOX;
    if (!counts || (keeps ? out : out != puts_back)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "detection %lld is not counted, or is counted already",
                (long long)x->detection_id);
    }
    *ret = keeps ? 0 : puts_back ? 1 : -1;
    return DM_OK;
}

static int segment_delta(struct work *w, int64_t session_id, const struct session_edit *x,
                         int64_t *ret, struct dm_err *e)
{
    int64_t plants;
    int r = store_int(w->tx, &queries[SEGMENT],
                      STORE_ARGS(store_i(x->segment_id), store_i(session_id)), &plants, e);
    if (r == DM_ENOTFOUND) {
        DM_FAIL(e, INV_NOT_FOUND, "the photo has no container %lld", (long long)x->segment_id);
    }
    DM_TRY(r);
    *ret = x->kind == SESSION_ADD_BOX         ? 1
           : x->kind == SESSION_ADD_PLANTS    ? x->quantity
           : x->kind == SESSION_REMOVE_PLANTS ? -(int64_t)x->quantity
                                              : 0;
    if (plants + *ret < 0) {
        DM_FAIL(e, INV_NEGATIVE_STOCK, "the container shows only %lld plants", (long long)plants);
    }
    return DM_OK;
}

/* A row of the edits; what it says nothing about is 0 or NULL. */
struct row {
    int64_t segment_id, detection_id, delta, size_id, reverts_id;
    const char *kind, *box, *reason;
};

static int add_row(struct work *w, const struct session *s, const struct row *x, struct dm_err *e)
{
    return store_exec(w->tx, &queries[EDIT_ADD],
                      STORE_ARGS(store_i(s->id), store_ref(x->segment_id),
                                 store_ref(x->detection_id), store_t(x->kind), store_i(x->delta),
                                 store_ref(x->size_id), x->box ? store_j(x->box) : store_null(),
                                 store_ref(x->reverts_id), store_t(x->reason),
                                 store_i(w->c->user_id), store_at(w->c->now_ms)),
                      NULL, e);
}

static int add_edit(struct work *w, const struct session *s, const struct session_edit *asked,
                    struct dm_err *e)
{
    const bool boxed = asked->kind == SESSION_ADD_BOX || asked->kind == SESSION_MOVE_BOX;
    struct session_edit placed = *asked;
    const struct session_edit *x = &placed;
    int64_t delta = 0;
    if (x->kind == SESSION_THRESHOLD) {
        return session_threshold(w, s->id, x->threshold, x->reason, e);
    }
    if (x->kind == SESSION_ADD_BOX && !x->segment_id) {
        DM_TRY(
            session_segment_at(w, s->id, x->box.center_x, x->box.center_y, &placed.segment_id, e));
    }
    if (x->kind == SESSION_CLARO_EMPTY) {
        DM_TRY(store_int(w->tx, &queries[TOTAL], STORE_ARGS(store_i(s->id)), &delta, e));
        delta = -delta; /* what was taken for plants was none */
    } else {
        DM_TRY(x->detection_id ? detection_delta(w, s->id, x, &delta, e)
                               : segment_delta(w, s->id, x, &delta, e));
    }
    int64_t size = DM_MAX(x->size_id, 0);
    DM_TRY(ledger_check_catalogue(w, 0, 0, size, 0, e));
    const struct row row = {.segment_id = x->detection_id ? 0 : x->segment_id,
                            .detection_id = x->detection_id,
                            .kind = kinds[x->kind],
                            .delta = delta,
                            .size_id = size,
                            .box = boxed ? session_box_text(&x->box, &w->arena) : NULL,
                            .reason = x->reason};
    return add_row(w, s, &row, e);
}

/* The edited numbers take the place of the posted ones (domain.md 12.2). */
static int correct_posted(struct work *w, const struct session *s, const char *reason,
                          struct session_outcome *ret, struct dm_err *e)
{
    struct book *b = book_of(w, s->location_id);
    const struct store_value *v;
    DM_TRY(store_one(w->tx, &queries[CONFIG], STORE_ARGS(store_i(s->config_id)), &w->arena, &v, e));
    struct count c = {
        .at = b->open->opened_at,
        .photo = true,
        .session_id = s->id,
        .user_id = w->c->user_id,
        .reason = reason,
        .config = {v[0].i, v[1].i, v[2].null ? 0 : v[2].i, v[3].i, (int32_t)v[4].i},
    };
    struct count_seen *seen;
    size_t n;
    bool empty;
    int64_t *reference;
    DM_TRY(session_seen(w, b, s, &seen, &n, &empty, e));
    DM_TRY(count_openings(w, b, &reference, e));
    DM_TRY(count_of_photo(w, b, reference, seen, n, &c, e));
    *ret = (struct session_outcome){.posting = SESSION_POSTED, .retake = true};
    DM_TRY(count_recount(w, b, &c, reference, LEDGER_AJUSTE, &ret->reconciliation_id, e));
    ret->period_id = b->open->id;
    ret->counted = b->open->opening_count;
    return book_write(w, e);
}

/* The books follow what the photo shows now. */
static int post_edited(struct work *w, struct session *s, const char *reason,
                       struct session_outcome *ret, struct dm_err *e)
{
    return s->posting == SESSION_POSTED ? correct_posted(w, s, reason, ret, e)
                                        : session_post_locked(w, s, false, ret, e);
}

static int adjust(struct work *w, void *in, struct dm_err *e)
{
    struct editing *x = in;
    struct session s;
    DM_TRY(session_lock(w, x->id, 0, &s, e));
    DM_TRY(check_open(w, &s, e));
    for (size_t i = 0; i < x->n; i++) {
        DM_TRY(add_edit(w, &s, &x->edit[i], e));
    }
    return post_edited(w, &s, x->edit[0].reason, &x->outcome, e);
}

static int check_edit(const struct session_edit *x, struct dm_err *e)
{
    DM_TRY(ledger_check_reason(x->reason, e));
    bool amount =
        x->kind == SESSION_ADD_PLANTS || (x->kind == SESSION_REMOVE_PLANTS && !x->detection_id);
    bool mark =
        x->kind == SESSION_MARK_DEAD || x->kind == SESSION_MARK_EMPTY || x->kind == SESSION_UNMARK;
    bool boxed = x->kind == SESSION_ADD_BOX || x->kind == SESSION_MOVE_BOX;
    bool placed = x->kind == SESSION_CLARO_EMPTY || x->kind == SESSION_ADD_BOX ||
                  x->kind == SESSION_THRESHOLD || x->segment_id > 0 || x->detection_id > 0;
    if ((amount && (x->quantity <= 0 || x->segment_id <= 0)) || (mark && x->detection_id <= 0) ||
        (x->kind == SESSION_SET_SIZE && !x->size_id) || !placed ||
        (boxed && !(x->box.width > 0 && x->box.height > 0)) ||
        (x->kind == SESSION_MOVE_BOX && x->detection_id <= 0) ||
        (x->kind == SESSION_ADD_BOX && x->detection_id) ||
        (x->kind == SESSION_THRESHOLD &&
         !(x->threshold >= 0 && x->threshold <= SESSION_THRESHOLD_MAX))) {
        DM_FAIL(e, INV_VALIDATION, "the edit does not say what it changes");
    }
    return DM_OK;
}

int session_adjust(const struct inv_ctx *c, int64_t session_id, const struct session_edit *edit,
                   size_t n, struct session_outcome *ret, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    if (n < 1 || n > SESSION_EDITS_MAX) {
        DM_FAIL(e, INV_VALIDATION, "1 to %d edits at once", SESSION_EDITS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        DM_TRY(check_edit(&edit[i], e));
    }
    struct editing x = {session_id, edit, n, {0}};
    DM_TRY(session_run(c, adjust, &x, e));
    *ret = x.outcome;
    return DM_OK;
}

/* ---- taking one back ---- */

struct reverting {
    int64_t id, adjustment_id;
    const char *reason;
    struct session_outcome outcome;
};

/* What is left of the plant or its container without the edit must be possible. */
static int check_without(struct work *w, const struct session *s, const struct row *x,
                         struct dm_err *e)
{
    const struct store_value *v;
    if (x->detection_id) {
        DM_TRY(store_one(w->tx, &queries[DETECTION],
                         STORE_ARGS(store_i(x->detection_id), store_i(s->id)), &w->arena, &v, e));
        const int64_t net = v[2].i + x->delta;
        if (net < -1 || net > 0) {
            DM_FAIL(e, INV_INVALID_TRANSITION, "a later edit of the same plant stands on this one");
        }
        return DM_OK;
    }
    int64_t plants;
    DM_TRY(x->segment_id
               ? store_int(w->tx, &queries[SEGMENT],
                           STORE_ARGS(store_i(x->segment_id), store_i(s->id)), &plants, e)
               : store_int(w->tx, &queries[TOTAL], STORE_ARGS(store_i(s->id)), &plants, e));
    if (plants + x->delta < 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "later edits stand on this one");
    }
    return DM_OK;
}

static int revert(struct work *w, void *in, struct dm_err *e)
{
    struct reverting *x = in;
    struct session s;
    const struct store_value *v;
    DM_TRY(session_lock(w, x->id, 0, &s, e));
    DM_TRY(check_open(w, &s, e));
    const int found =
        store_maybe(w->tx, &queries[EDIT], STORE_ARGS(store_i(x->adjustment_id), store_i(x->id)),
                    &w->arena, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "the session has no edit %lld", (long long)x->adjustment_id);
    }
    if (v[4].b) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the edit was taken back, or takes one back");
    }
    const struct row row = {.segment_id = v[0].null ? 0 : v[0].i,
                            .detection_id = v[1].null ? 0 : v[1].i,
                            .delta = -v[2].i,
                            .size_id = v[3].null ? 0 : v[3].i,
                            .kind = "revert",
                            .reverts_id = x->adjustment_id,
                            .reason = x->reason};
    DM_TRY(check_without(w, &s, &row, e));
    DM_TRY(add_row(w, &s, &row, e));
    return post_edited(w, &s, x->reason, &x->outcome, e);
}

int session_revert(const struct inv_ctx *c, int64_t session_id, int64_t adjustment_id,
                   const char *reason, struct session_outcome *ret, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    DM_TRY(ledger_check_reason(reason, e));
    struct reverting x = {session_id, adjustment_id, reason, {0}};
    DM_TRY(session_run(c, revert, &x, e));
    *ret = x.outcome;
    return DM_OK;
}

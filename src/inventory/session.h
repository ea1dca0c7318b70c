/* SPDX-License-Identifier: Apache-2.0
 *
 * Photo sessions: one run over one photo, its results, and their way into the books (domain.md
 * sections 7.2-7.4, 11, 12). Results are never changed; edits are separate rows.
 *
 *   session_create -> session_start -> session_save -> session_post   (both: session_finish)
 *                               or -> session_fail
 *
 * session_save commits on its own, so that the results survive a posting that fails. */
#ifndef INVENTORY_SESSION_H
#define INVENTORY_SESSION_H

#include "inventory/ledger.h"

/* ---- a run ---- */

enum session_source {
    SESSION_SOURCE_NONE,
    SESSION_EXPLICIT,
    SESSION_QR,
    SESSION_GPS,
    SESSION_MANUAL
};

struct session_new {
    const char *uuid;           /* the public name; the same uuid again gives the same session */
    int64_t image_id;           /* its captured_at becomes the time of the count */
    int64_t upload_batch_id;    /* 0 = none */
    int64_t location_id;        /* 0 = not known yet */
    enum session_source source; /* of the location */
    bool location_uncertain;
    int64_t supersedes_session_id; /* earlier run of the same photo; 0 = none */
};
DM_MUST_CHECK int session_create(const struct inv_ctx *c, const struct session_new *n,
                                 int64_t *ret_id, struct dm_err *e);

/* pending -> processing. INV_INVALID_TRANSITION otherwise. */
DM_MUST_CHECK int session_start(const struct inv_ctx *c, int64_t session_id, struct dm_err *e);

/* pending or processing -> failed, with a plain message. */
DM_MUST_CHECK int session_fail(const struct inv_ctx *c, int64_t session_id, const char *message,
                               struct dm_err *e);

struct session_detection {
    double center_x_px, center_y_px, width_px, height_px;
    double confidence;
    bool is_empty_container, is_dead;
    int64_t classification_id; /* 0 = none */
};

enum session_method { SESSION_BANDS, SESSION_DENSITY, SESSION_GRID };

struct session_estimation {
    int32_t band;                   /* 1.., 0 = none */
    const char *vegetation_polygon; /* JSON or NULL */
    double detected_area_cm2;
    int32_t count;
    enum session_method method;
    double confidence;
    bool used_density_parameters;
    int64_t classification_id;
};

struct session_segment {
    enum ledger_category category;
    int32_t ordinal;     /* 1.. in reading order within the category */
    const char *polygon; /* JSON, pixels */
    double x1, y1, x2, y2;
    int64_t mask_area_px;
    double area_cm2; /* <= 0: unknown */
    double confidence;
    const struct session_detection *detection;
    size_t n_detection;
    const struct session_estimation *estimation;
    size_t n_estimation;
};

struct session_results {
    const struct session_segment *segment;
    size_t n_segment;
    bool needs_calibration;
    const char *model_version;
    int64_t processing_ms;
};

/* processing -> completed: segments, detections, estimations, totals, warning, in one transaction.
 * INV_INVALID_TRANSITION; INV_VALIDATION. */
DM_MUST_CHECK int session_save(const struct inv_ctx *c, int64_t session_id,
                               const struct session_results *r, struct dm_err *e);

/* ---- into the books ---- */

enum session_posting { SESSION_UNPOSTED, SESSION_HELD, SESSION_POSTED, SESSION_VOID };

/* Why a count waits; names in session_hold_names, in the order of the bits. */
enum session_hold {
    SESSION_HOLD_NEEDS_LOCATION = 1 << 0,
    SESSION_HOLD_LOCATION_UNCERTAIN = 1 << 1,
    SESSION_HOLD_NEEDS_CONFIG = 1 << 2,
    SESSION_HOLD_NEEDS_CALIBRATION = 1 << 3,
    SESSION_HOLD_NO_DETECTIONS = 1 << 4,
    SESSION_HOLD_LOW_CONFIDENCE = 1 << 5,
    SESSION_HOLD_SURPLUS = 1 << 6,
    SESSION_HOLD_SHORTAGE = 1 << 7,
    SESSION_HOLD_OLDER = 1 << 8,          /* than the open period: stays a historical picture */
    SESSION_HOLD_EARLY = 1 << 9,          /* soon after a validated or manual count */
    SESSION_HOLD_SUPERSEDED = 1 << 10,    /* new run of a count that no longer opens the period */
    SESSION_HOLD_CONFLICT = 1 << 11,      /* movements after the photo do not fit what it counted */
    SESSION_HOLD_NOT_AUTOMATIC = 1 << 12, /* setting auto_post_counts */
};
#define SESSION_HOLDS 13
extern const char *const session_hold_names[SESSION_HOLDS];

struct session_outcome {
    enum session_posting posting;
    uint32_t holds;            /* enum session_hold */
    bool retake;               /* it corrected the opening count instead of closing the period */
    int64_t reconciliation_id; /* draft when held; 0 = none */
    int64_t period_id;         /* opened or corrected */
    int64_t counted;
};

/* Post the count of a completed session, or hold it. release: a supervisor posts in spite of holds
 * that may be overruled (confidence, surplus, shortage, early, uncertain location, calibration).
 * A session that is posted already answers the same again. INV_INVALID_TRANSITION: not completed,
 * void, or (release) not held; INV_CONFIG_NOT_FOUND, INV_PERIOD_CLOSED, INV_NEGATIVE_STOCK: a
 * release that cannot be. */
DM_MUST_CHECK int session_post(const struct inv_ctx *c, int64_t session_id, bool release,
                               struct session_outcome *ret, struct dm_err *e);

/* session_save and session_post (not a release) in one transaction, which is faster: detections are
 * written once, with their links. What fails is tried as the two, so that results are kept when the
 * posting fails. */
DM_MUST_CHECK int session_finish(const struct inv_ctx *c, int64_t session_id,
                                 const struct session_results *r, struct session_outcome *ret,
                                 struct dm_err *e);

/* Choose or confirm the claro, then post as session_post does. A posted count is undone and posted
 * in the right place in the same transaction (INV_LATER_MOVEMENTS). Workers: own, not posted. */
DM_MUST_CHECK int session_place(const struct inv_ctx *c, int64_t session_id, int64_t location_id,
                                struct session_outcome *ret, struct dm_err *e);

/* Post what waited for the claro's configuration; for whoever saved one. ret_n: how many sessions
 * were looked at. */
DM_MUST_CHECK int session_configured(const struct inv_ctx *c, int64_t location_id, int64_t *ret_n,
                                     struct dm_err *e);

/* ---- review ---- */

DM_MUST_CHECK int session_validate(const struct inv_ctx *c, int64_t session_id, bool validated,
                                   struct dm_err *e);

enum session_edit_kind {
    SESSION_ADD_PLANTS,
    SESSION_REMOVE_PLANTS,
    SESSION_MARK_DEAD,
    SESSION_MARK_EMPTY,
    SESSION_UNMARK,
    SESSION_SET_SIZE,
    SESSION_CLARO_EMPTY,
    SESSION_ADD_BOX,   /* a plant that was missed, where it stands */
    SESSION_MOVE_BOX,  /* where a plant really stands, and how large it is */
    SESSION_THRESHOLD, /* plants below a confidence leave; those it took out before come back */
};

/* In pixels of the photo. */
struct session_box {
    double center_x, center_y, width, height;
};

struct session_edit {
    enum session_edit_kind kind;
    int64_t segment_id;   /* add, remove (without detection), set_size of a whole segment; add_box:
                             0 = the one it lies in */
    int64_t detection_id; /* remove, mark, unmark, set_size, move of one plant */
    struct session_box box; /* add_box, move_box */
    double threshold;       /* 0..0.95 */
    int32_t quantity;       /* add, remove without detection: > 0 */
    int64_t size_id;        /* set_size; LEDGER_NONE = none */
    const char *reason;     /* at least 5 characters */
};

#define SESSION_EDITS_MAX     5000 /* of one call */
#define SESSION_THRESHOLD_MAX 0.95

/* Edit what was counted (domain.md 12.1), all or nothing: before posting the edited numbers are
 * posted; in the open period they correct the opening count; later INV_PERIOD_CLOSED. */
DM_MUST_CHECK int session_adjust(const struct inv_ctx *c, int64_t session_id,
                                 const struct session_edit *edit, size_t n,
                                 struct session_outcome *ret, struct dm_err *e);

/* Take one edit back by a row of its own; the same effect on the books as an edit. INV_NOT_FOUND;
 * INV_INVALID_TRANSITION: it was taken back before, is such a row itself, or later edits of the
 * same plant stand on it. */
DM_MUST_CHECK int session_revert(const struct inv_ctx *c, int64_t session_id, int64_t adjustment_id,
                                 const char *reason, struct session_outcome *ret, struct dm_err *e);

#endif

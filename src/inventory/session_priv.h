/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of photo sessions share. Private. */
#ifndef INVENTORY_SESSION_PRIV_H
#define INVENTORY_SESSION_PRIV_H

#include "inventory/count.h"
#include "inventory/session.h"

/* A row of photo_processing_sessions, and who uploaded its photo. */
struct session {
    int64_t id, image_id, location_id, config_id, supersedes_id, captured_at, uploader_id;
    const char *status, *warning; /* warning "" = none */
    const char *source;           /* location_source, "" = none */
    enum session_posting posting;
    uint32_t holds;
    bool validated;
    double confidence; /* mean of living detections, negative = none */
    int64_t detected, estimated;
};

/* session_create within the caller's transaction. */
DM_MUST_CHECK int session_add(struct work *w, const struct session_new *n, int64_t *ret_id,
                              struct dm_err *e);

/* Read one. INV_NOT_FOUND. Not locked: lock its claro first and read again. */
DM_MUST_CHECK int session_read(struct work *w, int64_t id, struct session *ret, struct dm_err *e);

/* Lock the claros of the session (and another, 0 = none), then read it. */
DM_MUST_CHECK int session_lock(struct work *w, int64_t id, int64_t also_location_id,
                               struct session *ret, struct dm_err *e);

/* Store posting state, holds, warning, claro, configuration. posted: set posted_at. */
DM_MUST_CHECK int session_set(struct work *w, const struct session *s, bool posted,
                              struct dm_err *e);
DM_MUST_CHECK int session_void(struct work *w, int64_t id, struct dm_err *e);

/* Highest unresolved warning among the holds, "" for none. */
const char *session_warning_of(uint32_t holds);

/* What the photo shows after edits, container by container; the claro must be known. */
DM_MUST_CHECK int session_seen(struct work *w, struct book *b, const struct session *s,
                               struct count_seen **ret, size_t *ret_n, bool *ret_claro_empty,
                               struct dm_err *e);

/* What a segment shows, before people have edited it. */
struct session_totals {
    int64_t detected, estimated, empty;
    double confidence; /* sum over living detections */
};
struct session_totals session_totals_of(const struct session_segment *s);

/* The container of each segment, [r->n_segment] in the arena, made where the claro lacks it; all 0
 * when the claro is not known (b NULL). */
DM_MUST_CHECK int session_bins(struct work *w, struct book *b, const struct session_results *r,
                               int64_t **ret_id, struct dm_err *e);

/* The same for the stored segments of a session, stored with them. */
DM_MUST_CHECK int session_link_bins(struct work *w, struct book *b, int64_t session_id,
                                    struct dm_err *e);

/* Link detections and estimations to the movements their segments became. */
DM_MUST_CHECK int session_link_rows(struct work *w, const struct count *c, struct dm_err *e);

/* The posting itself, on locked books; writes them. */
DM_MUST_CHECK int session_post_locked(struct work *w, struct session *s, bool release,
                                      struct session_outcome *ret, struct dm_err *e);

/* Run fn in one transaction with a fresh struct work. */
typedef int (*session_fn)(struct work *w, void *in, struct dm_err *e);
DM_MUST_CHECK int session_run(const struct inv_ctx *c, session_fn fn, void *in, struct dm_err *e);

/* ---- edits with a place in the picture (session_boxes.c) ---- */

/* A box as it is stored, in the arena; NULL: out of memory. */
const char *session_box_text(const struct session_box *b, struct dm_arena *a);
/* The segment that a point lies in, the smallest of several. INV_VALIDATION: in none. */
DM_MUST_CHECK int session_segment_at(struct work *w, int64_t session_id, double x, double y,
                                     int64_t *ret, struct dm_err *e);
/* The rows of a threshold. */
DM_MUST_CHECK int session_threshold(struct work *w, int64_t session_id, double threshold,
                                    const char *reason, struct dm_err *e);

#endif

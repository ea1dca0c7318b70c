/* SPDX-License-Identifier: Apache-2.0
 *
 * What counted photos teach the density parameters. The history rows say which session has taught
 * already, so that a repeated job teaches nothing twice. */
#include "inventory/density_priv.h"

enum { STATE, TAUGHT, SAMPLES, ESTIMATES };

static const struct store_query queries[] = {
    [STATE] = {"density.session",
               "SELECT s.posting_status, s.validated, c.product_id, c.packaging_catalog_id"
               " FROM photo_processing_sessions s"
               " LEFT JOIN storage_location_configs c ON c.id = s.config_id WHERE s.id = ?1",
               "i", "tbii", false},
    [TAUGHT] = {"density.taught",
                "SELECT COUNT(*) FROM density_calibrations WHERE session_id = ?1"
                " AND (sample_area_cm2 IS NOT NULL) = ?2",
                "ib", "i", false},
    /* A plant's area is that of its box, in the scale of its container. */
    [SAMPLES] = {"density.samples",
                 "SELECT k.storage_bin_type_id, g.category, CAST(COUNT(*) AS {int}) AS n,"
                 " AVG(d.width_px * d.height_px) * g.area_cm2 / g.mask_area_px"
                 " FROM session_segments g JOIN storage_bins k ON k.id = g.storage_bin_id"
                 " JOIN detections d ON d.session_segment_id = g.id"
                 " WHERE g.session_id = ?1 AND g.area_cm2 > 0 AND g.mask_area_px > 0"
                 " AND d.confidence >= ?2 AND d.is_alive AND NOT d.is_empty_container"
                 " GROUP BY g.id, k.storage_bin_type_id, g.category, g.area_cm2, g.mask_area_px"
                 " HAVING COUNT(*) >= ?3 ORDER BY g.id",
                 "iri", "itir", false},
    [ESTIMATES] = {"density.estimates",
                   "SELECT k.storage_bin_type_id, g.category, x.estimated,"
                   " x.estimated + COALESCE(a.delta, 0) FROM session_segments g"
                   " JOIN storage_bins k ON k.id = g.storage_bin_id"
                   " JOIN (SELECT session_segment_id, CAST(SUM(estimated_count) AS {int}) AS"
                   " estimated FROM estimations WHERE session_id = ?1 AND used_density_parameters"
                   " GROUP BY session_segment_id) x ON x.session_segment_id = g.id"
                   " LEFT JOIN (SELECT session_segment_id, CAST(SUM(quantity_delta) AS {int}) AS"
                   " delta FROM session_adjustments WHERE session_id = ?1 AND detection_id IS NULL"
                   " GROUP BY session_segment_id) a ON a.session_segment_id = g.id"
                   " WHERE x.estimated > 0 ORDER BY g.id",
                   "i", "itii", false},
};
STORE_QUERIES(density_learn_queries, queries);

struct lesson {
    const struct inv_ctx *c;
    int64_t session_id;
    double alpha;
    int applied, refused;
};

/* Product and pot of the session; INV_INVALID_TRANSITION unless it is where it must be. 1 = go on,
 * 0 = it has taught already or has no configuration. */
static int session_key(struct store_tx *tx, const struct lesson *l, bool of_samples,
                       struct dm_arena *a, struct density_row *ret, struct dm_err *e)
{
    const struct store_value *row;
    int64_t taught = 0;
    const int code = store_one(tx, &queries[STATE], STORE_ARGS(store_i(l->session_id)), a, &row, e);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no session %lld", (long long)l->session_id);
    }
    DM_TRY(code);
    if (strcmp(row[0].t, "posted") != 0 || (!of_samples && !row[1].b)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the count is not %s",
                of_samples ? "posted" : "posted and validated");
    }
    DM_TRY(store_int(tx, &queries[TAUGHT], STORE_ARGS(store_i(l->session_id), store_b(of_samples)),
                     &taught, e));
    if (taught > 0 || row[2].null) {
        return 0;
    }
    *ret = (struct density_row){.product_id = row[2].i, .packaging_id = row[3].null ? 0 : row[3].i};
    return 1;
}

static bool takes_pots(const char *category)
{
    return strcmp(category, "plug") != 0 && strcmp(category, "seedling_tray") != 0;
}

static int sample(struct store_tx *tx, struct lesson *l, const struct density_row *key, int64_t n,
                  double area_cm2, struct dm_err *e)
{
    struct density before = {0};
    bool created = false;
    const bool sane = area_cm2 >= DENSITY_AREA_MIN_CM2 && area_cm2 <= DENSITY_AREA_MAX_CM2;
    if (!sane) {
        l->refused++; /* no row could hold it, so there may be none to note it on */
        return DM_OK;
    }
    DM_TRY(density_lock(tx, key, area_cm2, &before, &created, e));
    const bool guarded = !density_guard(before.area_cm2, area_cm2);
    const bool applied = created || (!before.locked && !guarded);
    struct density after = before;
    after.area_cm2 = created ? area_cm2 : density_blend(before.area_cm2, area_cm2, l->alpha);
    after.sample_count++;
    const struct density_change change = {
        .before = &before,
        .after = &after,
        .created = created,
        .applied = applied,
        .session_id = l->session_id,
        .sample_size = n,
        .sample_area_cm2 = area_cm2,
        .reason = applied         ? "self-calibration"
                  : before.locked ? "refused: the row is locked"
                                  : "refused: outside half to double of the old value",
    };
    *(applied ? &l->applied : &l->refused) += 1;
    return density_write(tx, &change, e);
}

static int learn_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct lesson *l = ctx;
    struct density_row key = {0};
    struct store_table rows = {0};
    l->applied = l->refused = 0; /* the call may be tried again */
    const int go = session_key(tx, l, /* of_samples= */ true, &a, &key, e);
    if (go <= 0) {
        return go;
    }
    DM_TRY(store_all(tx, &queries[SAMPLES],
                     STORE_ARGS(store_i(l->session_id), store_r(DENSITY_CONFIDENCE_MIN),
                                store_i(DENSITY_SAMPLE_MIN)),
                     &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        struct density_row own = key;
        own.bin_type_id = row[0].i;
        own.packaging_id = takes_pots(row[1].t) ? key.packaging_id : 0;
        DM_TRY(sample(tx, l, &own, row[2].i, row[3].r, e));
    }
    return DM_OK;
}

int density_learn(const struct inv_ctx *c, int64_t session_id, int *ret_applied, int *ret_refused,
                  struct dm_err *e)
{
    struct lesson l = {.c = c, .session_id = session_id, .alpha = c->settings->calibration_alpha};
    DM_TRY(store_run(c->store, STORE_WRITE, learn_in, &l, e));
    *ret_applied = l.applied;
    *ret_refused = l.refused;
    return DM_OK;
}

static int correct_one(struct store_tx *tx, struct lesson *l, const struct density *found,
                       int64_t estimated, int64_t corrected, struct dm_err *e)
{
    struct density after = *found;
    after.overlap =
        density_factor(found->overlap, (double)estimated, (double)DM_MAX(corrected, 0), l->alpha);
    const struct density_change change = {
        .before = found,
        .after = &after,
        .applied = !found->locked,
        .session_id = l->session_id,
        .user_id = l->c->user_id,
        .sample_size = estimated,
        .reason = found->locked ? "refused: the row is locked" : "validated photo",
    };
    l->applied += !found->locked;
    return density_write(tx, &change, e);
}

static int correct_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct lesson *l = ctx;
    struct density_row key = {0};
    struct store_table rows = {0};
    l->applied = 0;
    const int go = session_key(tx, l, /* of_samples= */ false, &a, &key, e);
    if (go <= 0) {
        return go;
    }
    DM_TRY(store_all(tx, &queries[ESTIMATES], STORE_ARGS(store_i(l->session_id)), &a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        struct density found = {0};
        const int any = density_find(tx, row[0].i, key.product_id,
                                     takes_pots(row[1].t) ? key.packaging_id : 0, &found, e);
        DM_TRY(any);
        if (any && found.id) {
            DM_TRY(correct_one(tx, l, &found, row[2].i, row[3].i, e));
        }
    }
    return DM_OK;
}

int density_correct(const struct inv_ctx *c, int64_t session_id, int *ret_applied, struct dm_err *e)
{
    struct lesson l = {.c = c, .session_id = session_id, .alpha = c->settings->calibration_alpha};
    DM_TRY(inv_permit(c, INV_DO_COUNT_REVIEW, e));
    DM_TRY(store_run(c->store, STORE_WRITE, correct_in, &l, e));
    *ret_applied = l.applied;
    return DM_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Densities as the office handles them: what reference photos would give, and removing a row. */
#include <string.h>

#include "inventory/density_priv.h"
#include "inventory/json.h"

enum { GROUND, HISTORY, REMOVE };

static const struct store_query queries[] = {
    [GROUND] = {"density.ground",
                "SELECT s.status, (SELECT SUM(g.area_cm2) FROM session_segments g"
                " WHERE g.session_id = s.id) FROM photo_processing_sessions s WHERE s.uuid = ?1",
                "u", "tr"},
    [HISTORY] = {"density.history_count",
                 "SELECT count(*) FROM density_calibrations WHERE density_parameter_id = ?1", "i",
                 "i"},
    [REMOVE] = {"density.remove",
                "DELETE FROM density_parameters WHERE id = ?1 RETURNING avg_area_per_plant_cm2",
                "i", "r"},
};
STORE_QUERIES(density_office_queries, queries);

static int ground_of(struct store_tx *tx, const struct density_reference *ref, struct dm_arena *a,
                     double *ret_cm2, struct dm_err *e)
{
    const struct store_value *row;
    const int found =
        store_maybe(tx, &queries[GROUND], STORE_ARGS(store_u(ref->session_uuid)), a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "session"), DM_S("identifier", ref->session_uuid)),
                  "there is no session %s", ref->session_uuid);
    }
    if (strcmp(row[0].t, "completed") != 0) {
        DM_REFUSE(e, INV_INVALID_TRANSITION,
                  DM_FIELDS(DM_S("current", row[0].t), DM_S("target", "calibrated")),
                  "session %s is not completed", ref->session_uuid);
    }
    if (row[1].null || !(row[1].r > 0)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "references")),
                  "the containers of session %s have no ground", ref->session_uuid);
    }
    *ret_cm2 = row[1].r;
    return DM_OK;
}

int density_propose(const struct inv_ctx *c, const struct density_reference *ref, size_t n,
                    struct density_photo *ret_photo, double *ret_area_cm2, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    double ground = 0;
    double plants = 0;
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    for (size_t i = 0; i < n; i++) {
        DM_TRY(ground_of(tx, &ref[i], &a, &ret_photo[i].area_cm2, e));
        ret_photo[i].plants = ref[i].plants;
        ground += ret_photo[i].area_cm2;
        plants += (double)ref[i].plants;
    }
    *ret_area_cm2 = ground / plants;
    return DM_OK;
}

struct call {
    const struct inv_ctx *c;
    int64_t id;
};

static int remove_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *call = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    int64_t n;
    DM_TRY(store_int(tx, &queries[HISTORY], STORE_ARGS(store_i(call->id)), &n, e));
    if (n) {
        DM_REFUSE(e, INV_IN_USE, DM_FIELDS(DM_I("density_calibrations", n)),
                  "its history is kept: change it instead");
    }
    const int found = store_maybe(tx, &queries[REMOVE], STORE_ARGS(store_i(call->id)), &a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "density parameter"), DM_I("identifier", call->id)),
                  "there is no density parameter %lld", (long long)call->id);
    }
    DM_CLEANUP(inv_json_freep) json_t *was = json_pack("{s:f}", "avg_area_per_plant_cm2", row[0].r);
    return audit_write(tx, call->c, "delete", "density_parameters", call->id, was, NULL, e);
}

int density_remove(const struct inv_ctx *c, int64_t id, struct dm_err *e)
{
    struct call call = {c, id};
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    return store_run(c->store, STORE_WRITE, remove_in, &call, e);
}

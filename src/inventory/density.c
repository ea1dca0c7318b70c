/* SPDX-License-Identifier: Apache-2.0
 *
 * Density parameters: formulas, lookup, changes by people. Learning is in density_learn.c. */
#include "inventory/density.h"

#include <math.h>

#include "inventory/density_priv.h"

double density_per_m2(double area_cm2)
{
    return 10000.0 / area_cm2;
}

double density_diameter_cm(double area_cm2)
{
    return sqrt(area_cm2);
}

double density_blend(double old_value, double sample, double alpha)
{
    return (1 - alpha) * old_value + alpha * sample;
}

bool density_guard(double old_area_cm2, double sample_cm2)
{
    return sample_cm2 >= DENSITY_GUARD_LOW * old_area_cm2 &&
           sample_cm2 <= DENSITY_GUARD_HIGH * old_area_cm2;
}

double density_factor(double old_factor, double estimated, double corrected, double alpha)
{
    const double moved = density_blend(old_factor, old_factor * corrected / estimated, alpha);
    return DM_CLAMP(moved, DENSITY_OVERLAP_MIN, DENSITY_OVERLAP_MAX);
}

enum { FIND, POT, BY_KEY, INSERT, UPDATE, HISTORY, REMOVE };

/* Without a pot the fourth step stays within the category: plugs, trays and pots of the same
 * product are of different sizes altogether. */
static const struct store_query queries[] = {
    [FIND] = {"density.find",
              "SELECT d.id, d.avg_area_per_plant_cm2, d.overlap_adjustment_factor, d.sample_count,"
              " d.locked, CASE WHEN d.product_id IS NULL THEN"
              " CASE WHEN d.storage_bin_type_id = ?1 AND ?2 IS NULL THEN 1 ELSE 4 END"
              " WHEN d.storage_bin_type_id = ?1 THEN 1 WHEN t.category = u.category THEN 2 ELSE 3"
              " END AS step"
              " FROM density_parameters d JOIN storage_bin_types t ON t.id = d.storage_bin_type_id"
              " JOIN storage_bin_types u ON u.id = ?1"
              " WHERE d.packaging_catalog_id {same} ?3 AND (d.product_id = ?2 OR (d.product_id IS"
              " NULL AND (?3 IS NOT NULL OR t.category = u.category)))"
              " ORDER BY step, CASE WHEN d.storage_bin_type_id = ?1 THEN 0"
              " WHEN t.category = u.category THEN 1 ELSE 2 END, d.sample_count DESC, d.id LIMIT 1",
              "iii", "irribi", false},
    [POT] = {"density.pot",
             "SELECT diameter_cm FROM packaging_catalog WHERE id = ?1 AND diameter_cm IS NOT NULL",
             "i", "r", false},
    [BY_KEY] = {"density.by_key",
                "SELECT id, avg_area_per_plant_cm2, overlap_adjustment_factor, sample_count, locked"
                " FROM density_parameters WHERE storage_bin_type_id = ?1 AND product_id {same} ?2"
                " AND packaging_catalog_id {same} ?3 {for_update}",
                "iii", "irrib", false},
    [INSERT] = {"density.insert",
                "INSERT INTO density_parameters (storage_bin_type_id, product_id,"
                " packaging_catalog_id, avg_area_per_plant_cm2, plants_per_m2, avg_diameter_cm,"
                " overlap_adjustment_factor, sample_count, locked, created_at, updated_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, {now}, {now}) ON CONFLICT"
                " (storage_bin_type_id, coalesce(product_id, 0), coalesce(packaging_catalog_id, 0))"
                " DO NOTHING",
                "iiirrrrb", "", false},
    [UPDATE] = {"density.update",
                "UPDATE density_parameters SET avg_area_per_plant_cm2 = ?2, plants_per_m2 = ?3,"
                " avg_diameter_cm = ?4, overlap_adjustment_factor = ?5, sample_count = ?6,"
                " locked = ?7, notes = COALESCE(?8, notes), updated_at = {now} WHERE id = ?1",
                "irrrribt", "", false},
    [HISTORY] = {"density.history",
                 "INSERT INTO density_calibrations (density_parameter_id, session_id, user_id,"
                 " sample_size, sample_area_cm2, old_values, new_values, applied, reason,"
                 " created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, {now})",
                 "iiiirjjbt", "", false},
    [REMOVE] = {"density.take_back",
                "DELETE FROM density_parameters WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM"
                " density_calibrations c WHERE c.density_parameter_id = ?1)",
                "i", "", false},
};
STORE_QUERIES(density_queries, queries);

int density_find(struct store_tx *tx, int64_t bin_type_id, int64_t product_id, int64_t packaging_id,
                 struct density *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    const int found = store_maybe(
        tx, &queries[FIND],
        STORE_ARGS(store_i(bin_type_id), store_ref(product_id), store_ref(packaging_id)), &a, &row,
        e);
    DM_TRY(found);
    if (found) {
        *ret = (struct density){.id = row[0].i,
                                .area_cm2 = row[1].r,
                                .overlap = row[2].r,
                                .sample_count = row[3].i,
                                .locked = row[4].b,
                                .source = (enum density_source)row[5].i};
        return 1;
    }
    const int pot = store_maybe(tx, &queries[POT], STORE_ARGS(store_i(packaging_id)), &a, &row, e);
    if (pot <= 0) {
        return pot;
    }
    *ret = (struct density){
        .source = DENSITY_POT,
        .area_cm2 = DM_CLAMP(row[0].r * row[0].r, DENSITY_AREA_MIN_CM2, DENSITY_AREA_MAX_CM2),
        .overlap = DENSITY_OVERLAP_DEFAULT};
    return 1;
}

int density_lock(struct store_tx *tx, const struct density_row *key, double area_cm2,
                 struct density *ret, bool *ret_created, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *row;
    int64_t inserted = 0;
    const struct store_value bin = store_i(key->bin_type_id);
    const struct store_value product = store_ref(key->product_id);
    const struct store_value packaging = store_ref(key->packaging_id);
    int found = store_maybe(tx, &queries[BY_KEY], STORE_ARGS(bin, product, packaging), &a, &row, e);
    DM_TRY(found);
    if (!found) {
        const int code = store_exec(tx, &queries[INSERT],
                                    STORE_ARGS(bin, product, packaging, store_r(area_cm2),
                                               store_r(density_per_m2(area_cm2)),
                                               store_r(density_diameter_cm(area_cm2)),
                                               store_r(DENSITY_OVERLAP_DEFAULT), store_b(false)),
                                    &inserted, e);
        if (code == DM_ECONFLICT) {
            DM_FAIL(e, INV_NOT_FOUND, "there is no such bin type, product or packaging");
        }
        DM_TRY(code);
        DM_TRY(store_one(tx, &queries[BY_KEY], STORE_ARGS(bin, product, packaging), &a, &row, e));
    }
    *ret_created = inserted > 0;
    *ret = (struct density){.id = row[0].i,
                            .source = DENSITY_EXACT,
                            .area_cm2 = row[1].r,
                            .overlap = row[2].r,
                            .sample_count = row[3].i,
                            .locked = row[4].b};
    return DM_OK;
}

static const char *values_json(const struct density *d, struct dm_arena *a)
{
    return dm_arena_printf(a,
                           "{\"avg_area_per_plant_cm2\":%.17g,\"locked\":%s,"
                           "\"overlap_adjustment_factor\":%.17g,\"sample_count\":%lld}",
                           d->area_cm2, d->locked ? "true" : "false", d->overlap,
                           (long long)d->sample_count);
}

int density_write(struct store_tx *tx, const struct density_change *x, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct density *kept = x->applied ? x->after : x->before;
    const char *old_values = x->created ? "{}" : values_json(x->before, &a);
    const char *new_values = x->created && !x->applied ? "{}" : values_json(kept, &a);
    if (!old_values || !new_values) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a calibration");
    }
    if (x->applied) {
        DM_TRY(store_exec(tx, &queries[UPDATE],
                          STORE_ARGS(store_i(kept->id), store_r(kept->area_cm2),
                                     store_r(density_per_m2(kept->area_cm2)),
                                     store_r(density_diameter_cm(kept->area_cm2)),
                                     store_r(kept->overlap), store_i(kept->sample_count),
                                     store_b(kept->locked), store_t(x->notes)),
                          NULL, e));
    }
    if (x->unnoted) {
        return DM_OK;
    }
    return store_exec(
        tx, &queries[HISTORY],
        STORE_ARGS(store_i(x->before->id), store_ref(x->session_id), store_ref(x->user_id),
                   store_i(x->sample_size),
                   x->sample_area_cm2 > 0 ? store_r(x->sample_area_cm2) : store_null(),
                   store_j(old_values), store_j(new_values), store_b(x->applied),
                   store_t(x->reason)),
        NULL, e);
}

struct set_call {
    const struct inv_ctx *c;
    const struct density_row *row;
    int64_t sample_size; /* photos of a manual calibration, 0 = set by hand */
    int64_t id;
};

static int set_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct set_call *call = ctx;
    const struct density_row *row = call->row;
    struct density before = {0};
    bool created = false;
    DM_TRY(density_lock(tx, row, row->area_cm2, &before, &created, e));
    struct density after = before;
    after.area_cm2 = row->area_cm2;
    after.overlap = row->overlap > 0 ? row->overlap : before.overlap;
    if (!call->sample_size) {
        after.locked = row->locked;
    }
    const struct density_change change = {
        .before = &before,
        .after = &after,
        .created = created,
        .applied = true,
        .user_id = call->c->user_id,
        .sample_size = call->sample_size,
        .sample_area_cm2 = call->sample_size ? row->area_cm2 : 0,
        .reason = call->sample_size ? "manual calibration" : "set by hand",
        .notes = row->notes,
    };
    DM_TRY(density_write(tx, &change, e));
    json_t *was =
        created ? NULL
                : json_pack("{s:f, s:f, s:b}", "avg_area_per_plant_cm2", before.area_cm2,
                            "overlap_adjustment_factor", before.overlap, "locked", before.locked);
    json_t *is = json_pack("{s:f, s:f, s:b}", "avg_area_per_plant_cm2", after.area_cm2,
                           "overlap_adjustment_factor", after.overlap, "locked", after.locked);
    const int code = audit_write(tx, call->c, created ? "create" : "update", "density_parameters",
                                 before.id, was, is, e);
    json_decref(was);
    json_decref(is);
    call->id = before.id;
    return code;
}

int density_take_back(struct store_tx *tx, int64_t id, struct dm_err *e)
{
    int64_t removed;
    DM_TRY(store_exec(tx, &queries[REMOVE], STORE_ARGS(store_i(id)), &removed, e));
    if (!removed) {
        DM_REFUSE(e, INV_IN_USE, DM_FIELDS(DM_S("table", "density_parameters"), DM_I("id", id)),
                  "row %lld of density_parameters has a history", (long long)id);
    }
    return DM_OK;
}

int density_check(const struct density_row *row, struct dm_err *e)
{
    if (!(row->area_cm2 >= DENSITY_AREA_MIN_CM2 && row->area_cm2 <= DENSITY_AREA_MAX_CM2)) {
        DM_FAIL(e, INV_VALIDATION, "the area of a plant is %.1f to %.0f cm2", DENSITY_AREA_MIN_CM2,
                DENSITY_AREA_MAX_CM2);
    }
    if (row->overlap != 0 &&
        !(row->overlap >= DENSITY_OVERLAP_MIN && row->overlap <= DENSITY_OVERLAP_MAX)) {
        DM_FAIL(e, INV_VALIDATION, "the overlap factor is %.2f to %.2f", DENSITY_OVERLAP_MIN,
                DENSITY_OVERLAP_MAX);
    }
    return DM_OK;
}

static int set_checked(const struct inv_ctx *c, const struct density_row *row, int64_t sample_size,
                       int64_t *ret_id, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    DM_TRY(density_check(row, e));
    struct set_call call = {.c = c, .row = row, .sample_size = sample_size};
    DM_TRY(store_run(c->store, STORE_WRITE, set_in, &call, e));
    *ret_id = call.id;
    return DM_OK;
}

int density_set(const struct inv_ctx *c, const struct density_row *row, int64_t *ret_id,
                struct dm_err *e)
{
    return set_checked(c, row, 0, ret_id, e);
}

int density_manual(const struct inv_ctx *c, const struct density_row *key,
                   const struct density_photo *photo, size_t n, int64_t *ret_id, struct dm_err *e)
{
    double area = 0;
    double plants = 0;
    if (n < DENSITY_PHOTOS_MIN || n > DENSITY_PHOTOS_MAX) {
        DM_FAIL(e, INV_VALIDATION, "a calibration takes %d to %d photos", DENSITY_PHOTOS_MIN,
                DENSITY_PHOTOS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(photo[i].area_cm2 > 0) || photo[i].plants <= 0) {
            DM_FAIL(e, INV_VALIDATION, "photo %zu has no ground or no plants", i + 1);
        }
        area += photo[i].area_cm2;
        plants += (double)photo[i].plants;
    }
    struct density_row row = *key;
    row.area_cm2 = area / plants;
    return set_checked(c, &row, (int64_t)n, ret_id, e);
}

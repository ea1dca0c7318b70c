/* SPDX-License-Identifier: Apache-2.0
 *
 * Configurations of claros. The claros are locked in id order before anything is read, as the
 * ledger does, so that a count and a new configuration do not cross. */
#include "inventory/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/json.h"
#include "inventory/master_private.h"
#include "inventory/session.h"

#define COLUMNS                                                                                    \
    "SELECT id, storage_location_id, product_id, packaging_catalog_id,"                            \
    " expected_product_state_id, plants_per_container, area_cm2, active, valid_from, valid_to,"    \
    " created_by_user_id, updated_at, notes FROM storage_location_configs "
#define COLUMN_LETTERS "iiiiiirbTTiTt"

/* Batches of the claro's open period with plants that carry the old product and pot. */
#define OLD_BATCHES                                                                                \
    " WHERE status = 'active' AND product_id = ?2 AND packaging_catalog_id {same} ?3"              \
    " AND stock_period_id IN (SELECT id FROM stock_periods WHERE storage_location_id = ?1"         \
    " AND status = 'open')"
/* Plugs and trays take no pot. */
#define POTTED                                                                                     \
    " AND storage_bin_id IN (SELECT id FROM storage_bins WHERE storage_location_id = ?1"           \
    " AND category IN ('box', 'segment', 'pot'))"

enum {
    LOCK,
    ACTIVE,
    AT,
    INSERT,
    CLOSE,
    UPDATE,
    BATCH_STATE,
    BATCH_POTS,
    BATCH_PACKAGING,
    BATCH_PRODUCT,
    OTHER_CROP,
};

static const struct store_query queries[] = {
    [LOCK] = {"config.lock",
              "SELECT id, area_m2 FROM storage_locations WHERE id IN {ids:?1} AND active"
              " ORDER BY id {for_update}",
              "j", "ir"},
    [ACTIVE] = {"config.active", COLUMNS "WHERE storage_location_id = ?1 AND active", "i",
                COLUMN_LETTERS},
    [AT] = {"config.at",
            COLUMNS "WHERE storage_location_id = ?1 AND valid_from <= ?2"
                    " AND (valid_to IS NULL OR valid_to > ?2) ORDER BY id DESC LIMIT 1",
            "iT", COLUMN_LETTERS},
    [INSERT] = {"config.insert",
                "INSERT INTO storage_location_configs (storage_location_id, product_id,"
                " packaging_catalog_id, expected_product_state_id, plants_per_container, area_cm2,"
                " active, valid_from, created_by_user_id, notes, created_at, updated_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?8, ?8) RETURNING id",
                "iiiiirbTit", "i"},
    [CLOSE] = {"config.close",
               "UPDATE storage_location_configs SET active = ?2, valid_to = ?3, updated_at = ?3"
               " WHERE id = ?1",
               "ibT", ""},
    [UPDATE] = {"config.update",
                "UPDATE storage_location_configs SET product_id = ?2, packaging_catalog_id = ?3,"
                " expected_product_state_id = ?4, plants_per_container = ?5, area_cm2 = ?6,"
                " notes = ?7, updated_at = ?8 WHERE id = ?1",
                "iiiiirtT", ""},
    [BATCH_STATE] = {"config.batch_state",
                     "UPDATE stock_batches SET product_state_id = ?5, updated_at = ?6" OLD_BATCHES
                     " AND product_state_id = ?4",
                     "iiiiiT", ""},
    [BATCH_POTS] =
        {"config.batch_pots",
         "UPDATE stock_batches SET plants_per_container = ?5, updated_at = ?6" OLD_BATCHES
         " AND plants_per_container = ?4",
         "iiiiiT", ""},
    [BATCH_PACKAGING] = {"config.batch_packaging",
                         "UPDATE stock_batches SET packaging_catalog_id = ?4, has_packaging = ?5,"
                         " updated_at = ?6" OLD_BATCHES POTTED,
                         "iiiibT", ""},
    [BATCH_PRODUCT] = {"config.batch_product",
                       "UPDATE stock_batches SET product_id = ?4, updated_at = ?5" OLD_BATCHES,
                       "iiiiT", ""},
    [OTHER_CROP] = {"config.other_crop",
                    "SELECT count(*) FROM stock_batches WHERE status = 'active' AND NOT"
                    " (product_id = ?2 AND packaging_catalog_id {same} ?3) AND stock_period_id IN"
                    " (SELECT id FROM stock_periods WHERE storage_location_id = ?1"
                    " AND status = 'open')",
                    "iii", "i"},
};
STORE_QUERIES(config_queries, queries);

const char *const config_badge_names[] = {"none", "stale", "new", "ok", NULL};

enum config_badge config_badge(const struct config_row *row, int64_t now_ms)
{
    const int64_t day_ms = INT64_C(86400000);
    if (!row) {
        return CONFIG_NONE;
    }
    const int64_t age_ms = now_ms - row->updated_at;
    return age_ms > 90 * day_ms ? CONFIG_STALE : age_ms < 7 * day_ms ? CONFIG_NEW : CONFIG_OK;
}

static struct config_row row_of(const struct store_value *v)
{
    return (struct config_row){
        .id = v[0].i,
        .location_id = v[1].i,
        .product_id = v[2].i,
        .packaging_id = v[3].null ? 0 : v[3].i,
        .state_id = v[4].i,
        .plants_per_container = (int32_t)v[5].i,
        .area_cm2 = v[6].r,
        .active = v[7].b,
        .valid_from = v[8].i,
        .valid_to = v[9].null ? 0 : v[9].i,
        .created_by_user_id = v[10].i,
        .updated_at = v[11].i,
        .notes = v[12].t,
    };
}

int config_at(struct store_tx *tx, int64_t location_id, int64_t at, struct dm_arena *a,
              struct config_row *ret, struct dm_err *e)
{
    const struct store_value *v;
    const int found =
        at ? store_maybe(tx, &queries[AT], STORE_ARGS(store_i(location_id), store_at(at)), a, &v, e)
           : store_maybe(tx, &queries[ACTIVE], STORE_ARGS(store_i(location_id)), a, &v, e);
    if (found > 0) {
        *ret = row_of(v);
    }
    return found;
}

/* ---- saving ---------------------------------------------------------------------------------- */

/* One transaction of config_save. */
struct saving {
    const struct inv_ctx *c;
    const struct config_save *save;
    struct dm_arena *a;
    const int64_t *order; /* [n] different claros as asked for */
    size_t n;
    struct config_saved *out; /* [n] */
    struct store_tx *tx;
};

static int check_one(const struct saving *s, enum master_kind kind, int64_t id, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(master_read(s->tx, kind, id, false, s->a, &row, e));
    if (json_is_false(json_object_get(row, "active"))) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", master_noun(kind)), DM_I("identifier", id)),
                  "this %s is inactive", master_noun(kind));
    }
    return DM_OK;
}

/* The claros locked in id order; areas into *ret_table. */
static int lock(const struct saving *s, struct store_table *ret_table, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *ids = json_array();
    const char *text;
    for (size_t i = 0; i < s->n; i++) {
        if (json_array_append_new(ids, json_integer(s->order[i]))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
        }
    }
    DM_TRY(inv_json_text(ids, s->a, &text, e));
    DM_TRY(store_all(s->tx, &queries[LOCK], STORE_ARGS(store_j(text)), s->a, ret_table, e));
    return DM_OK;
}

static const struct store_value *locked(const struct store_table *t, int64_t id)
{
    for (size_t i = 0; i < t->n; i++) {
        if (store_row(t, i)[0].i == id) {
            return store_row(t, i);
        }
    }
    return NULL;
}

/* What the row shall be. */
static struct config_row wanted(const struct saving *s, int64_t location_id, double area_m2)
{
    const struct config_save *v = s->save;
    return (struct config_row){
        .location_id = location_id,
        .product_id = v->product_id,
        .packaging_id = v->packaging_id,
        .state_id = v->state_id,
        .plants_per_container = v->plants_per_container ? v->plants_per_container : 1,
        .area_cm2 = v->area_cm2 > 0 ? v->area_cm2 : area_m2 * 10000,
        .active = true,
        .notes = v->notes,
    };
}

static bool same_crop(const struct config_row *a, const struct config_row *b)
{
    return a->product_id == b->product_id && a->packaging_id == b->packaging_id &&
           a->state_id == b->state_id && a->plants_per_container == b->plants_per_container &&
           a->area_cm2 == b->area_cm2;
}

static bool same_notes(const struct config_row *a, const struct config_row *b)
{
    return !strcmp(a->notes ? a->notes : "", b->notes ? b->notes : "");
}

static int audit(const struct saving *s, const char *action, const struct config_row *old,
                 const struct config_row *new, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *before = NULL;
    DM_CLEANUP(inv_json_freep) json_t *after = NULL;
    const struct config_row *const rows[] = {old, new};
    json_t **const to[] = {&before, &after};
    for (int i = 0; i < 2; i++) {
        if (rows[i]) {
            *to[i] = json_pack("{s:I, s:I, s:I, s:I, s:i, s:f, s:s?}", "storage_location_id",
                               (json_int_t)rows[i]->location_id, "product_id",
                               (json_int_t)rows[i]->product_id, "packaging_catalog_id",
                               (json_int_t)rows[i]->packaging_id, "expected_product_state_id",
                               (json_int_t)rows[i]->state_id, "plants_per_container",
                               (int)rows[i]->plants_per_container, "area_cm2", rows[i]->area_cm2,
                               "notes", rows[i]->notes);
        }
    }
    if ((old && !before) || (new && !after)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the audit trail");
    }
    return audit_write(s->tx, s->c, action, "storage_location_configs", new->id, before, after, e);
}

static int insert(const struct saving *s, struct config_row *row, struct dm_err *e)
{
    row->valid_from = row->updated_at = s->c->now_ms;
    row->created_by_user_id = s->c->user_id;
    return store_int(s->tx, &queries[INSERT],
                     STORE_ARGS(store_i(row->location_id), store_i(row->product_id),
                                store_ref(row->packaging_id), store_i(row->state_id),
                                store_i(row->plants_per_container), store_r(row->area_cm2),
                                store_b(true), store_at(row->valid_from),
                                store_i(row->created_by_user_id), store_t(row->notes)),
                     &row->id, e);
}

/* Active batches that carried the old values take the new ones, one column after the other; the
 * product last, because the others find their batches by it. */
static int apply_to_stock(const struct saving *s, const struct config_row *old,
                          const struct config_row *new, int64_t *ret_n, struct dm_err *e)
{
    const struct store_value claro = store_i(old->location_id);
    const struct store_value product = store_i(old->product_id);
    const struct store_value packaging = store_ref(old->packaging_id);
    const struct store_value now = store_at(s->c->now_ms);
    int64_t n[4] = {0};
    if (old->state_id != new->state_id) {
        DM_TRY(store_exec(s->tx, &queries[BATCH_STATE],
                          STORE_ARGS(claro, product, packaging, store_i(old->state_id),
                                     store_i(new->state_id), now),
                          &n[0], e));
    }
    if (old->plants_per_container != new->plants_per_container) {
        DM_TRY(store_exec(s->tx, &queries[BATCH_POTS],
                          STORE_ARGS(claro, product, packaging, store_i(old->plants_per_container),
                                     store_i(new->plants_per_container), now),
                          &n[1], e));
    }
    if (old->product_id != new->product_id) {
        DM_TRY(store_exec(s->tx, &queries[BATCH_PRODUCT],
                          STORE_ARGS(claro, product, packaging, store_i(new->product_id), now),
                          &n[2], e));
    }
    if (old->packaging_id != new->packaging_id) {
        DM_TRY(store_exec(s->tx, &queries[BATCH_PACKAGING],
                          STORE_ARGS(claro, store_i(new->product_id), packaging,
                                     store_ref(new->packaging_id), store_b(new->packaging_id != 0),
                                     now),
                          &n[3], e));
    }
    *ret_n = DM_MAX(DM_MAX(n[0], n[1]), DM_MAX(n[2], n[3]));
    return DM_OK;
}

static int update(const struct saving *s, const struct config_row *old, struct config_saved *out,
                  struct dm_err *e)
{
    struct config_row *row = &out->row;
    row->id = old->id;
    row->valid_from = old->valid_from;
    row->created_by_user_id = old->created_by_user_id;
    row->updated_at = old->updated_at;
    if (same_crop(old, row) && same_notes(old, row)) {
        return DM_OK;
    }
    row->updated_at = s->c->now_ms;
    DM_TRY(store_exec(s->tx, &queries[UPDATE],
                      STORE_ARGS(store_i(row->id), store_i(row->product_id),
                                 store_ref(row->packaging_id), store_i(row->state_id),
                                 store_i(row->plants_per_container), store_r(row->area_cm2),
                                 store_t(row->notes), store_at(row->updated_at)),
                      NULL, e));
    if (!s->save->leave_stock) {
        DM_TRY(apply_to_stock(s, old, row, &out->batches_changed, e));
    }
    return audit(s, "update", old, row, e);
}

static int create(const struct saving *s, const struct config_row *old, struct config_saved *out,
                  struct dm_err *e)
{
    int64_t others;
    if (old && same_crop(old, &out->row)) {
        DM_REFUSE(e, INV_CONFIG_UNCHANGED, DM_FIELDS(DM_I("location_id", old->location_id)),
                  "claro %lld already has this configuration", (long long)old->location_id);
    }
    if (old) {
        DM_TRY(store_exec(s->tx, &queries[CLOSE],
                          STORE_ARGS(store_i(old->id), store_b(false), store_at(s->c->now_ms)),
                          NULL, e));
    }
    DM_TRY(insert(s, &out->row, e));
    DM_TRY(store_int(s->tx, &queries[OTHER_CROP],
                     STORE_ARGS(store_i(out->row.location_id), store_i(out->row.product_id),
                                store_ref(out->row.packaging_id)),
                     &others, e));
    out->open_stock_exists = others > 0;
    return audit(s, "create", NULL, &out->row, e);
}

static int save_one(const struct saving *s, const struct store_table *claros, size_t i,
                    struct dm_err *e)
{
    const struct store_value *claro = locked(claros, s->order[i]);
    struct config_row old;
    if (!claro) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "location"), DM_I("identifier", s->order[i])),
                  "there is no active claro %lld", (long long)s->order[i]);
    }
    const int has_old = config_at(s->tx, s->order[i], 0, s->a, &old, e);
    if (has_old < 0) {
        return has_old;
    }
    s->out[i] = (struct config_saved){.row = wanted(s, s->order[i], claro[1].r)};
    return has_old && s->save->mode == CONFIG_UPDATE
               ? update(s, &old, &s->out[i], e)
               : create(s, has_old ? &old : NULL, &s->out[i], e);
}

static int save_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct saving *s = ctx;
    struct store_table claros;
    s->tx = tx;
    DM_TRY(check_one(s, MASTER_PRODUCT, s->save->product_id, e));
    DM_TRY(check_one(s, MASTER_STATE, s->save->state_id, e));
    if (s->save->packaging_id) {
        DM_TRY(check_one(s, MASTER_PACKAGING, s->save->packaging_id, e));
    }
    DM_TRY(lock(s, &claros, e));
    for (size_t i = 0; i < s->n; i++) {
        DM_TRY(save_one(s, &claros, i, e));
    }
    return DM_OK;
}

static int check(const struct config_save *save, struct dm_err *e)
{
    if (save->n < 1 || save->n > CONFIG_MOST) {
        return master_invalid("location_ids", "1 to 2000 claros are possible", e);
    }
    if (save->plants_per_container < 0 || save->plants_per_container > 10000) {
        return master_invalid("plants_per_container", "1 to 10000 is possible", e);
    }
    if (!(save->area_cm2 >= 0 && save->area_cm2 < 1e12)) {
        return master_invalid("area_cm2", "it must be positive", e);
    }
    if (save->notes && strlen(save->notes) > 10000) {
        return master_invalid("notes", "they are too long", e);
    }
    return DM_OK;
}

/* The claros that differ, in the order given. */
static int distinct(const struct config_save *save, struct dm_arena *a, int64_t **ret,
                    size_t *ret_n, struct dm_err *e)
{
    int64_t *list = dm_arena_calloc(a, save->n, sizeof(*list));
    size_t n = 0;
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
    }
    for (size_t i = 0; i < save->n; i++) {
        bool known = false;
        for (size_t k = 0; k < n && !known; k++) {
            known = list[k] == save->location_id[i];
        }
        if (!known) {
            list[n++] = save->location_id[i];
        }
    }
    *ret = list;
    *ret_n = n;
    return DM_OK;
}

int config_save(const struct inv_ctx *c, const struct config_save *save, struct dm_arena *a,
                struct config_saved **ret, size_t *ret_n, struct dm_err *e)
{
    struct saving s = {.c = c, .save = save, .a = a};
    int64_t *order = NULL;
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    DM_TRY(check(save, e));
    DM_TRY(distinct(save, a, &order, &s.n, e));
    s.order = order;
    if (s.n > CONFIG_MANY && !save->confirm) {
        DM_REFUSE(e, INV_VALIDATION,
                  DM_FIELDS(DM_S("field", "confirm"), DM_I("count", (int64_t)s.n)),
                  "%zu claros at once have to be confirmed", s.n);
    }
    s.out = dm_arena_calloc(a, s.n, sizeof(*s.out));
    if (!s.out) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the claros");
    }
    DM_TRY(store_run(c->store, STORE_WRITE, save_in, &s, e));
    for (size_t i = 0; i < s.n; i++) {
        DM_TRY(session_configured(c, s.order[i], &s.out[i].sessions, e));
    }
    *ret = s.out;
    *ret_n = s.n;
    return DM_OK;
}

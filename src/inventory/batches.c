/* SPDX-License-Identifier: Apache-2.0
 *
 * Stock of a place, stages and edits of batches. */
#include "inventory/batches.h"

#include <string.h>

#include "inventory/json.h"
#include "inventory/list.h"

enum { PLACE, SUMS, BY_PRODUCT, STAGE, STAGES, READ, WRITE, SIZE, STATE, KEY, SESSION, BIN };

/* ?n: the nursery's day, as text; states by their code, so that what people add is judged by
 * whether it sells. */
#define STAGE_AT(day)                                                                              \
    "CASE WHEN s.is_sellable AND (b.expected_ready_date IS NULL OR b.expected_ready_date <= " day  \
    ") THEN 'ready' WHEN s.is_sellable THEN 'mature' WHEN s.code IN ('SEED', 'GERMINATING',"       \
    " 'SEEDLING') THEN 'seedling' WHEN s.code IN ('JUVENILE', 'PROPAGATING') THEN 'growing'"       \
    " ELSE 'mature' END"
#define IN_PLACE                                                                                   \
    " FROM stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id WHERE"                   \
    " (?1 IS NULL OR k.storage_location_id = ?1) AND (?2 IS NULL OR k.id = ?2)"

static const struct store_query queries[] = {
    [PLACE] = {"batches.place",
               "SELECT (SELECT count(*) FROM storage_locations WHERE id = ?1)"
               " + (SELECT count(*) FROM storage_bins WHERE id = ?2)",
               "ii", "i", false},
    [SUMS] = {"batches.sums",
              "SELECT CAST(COALESCE(SUM(b.quantity_current), 0) AS {int}),"
              " CAST(COALESCE(SUM(CASE WHEN b.status <> 'closed' THEN b.quantity_empty_containers"
              " ELSE 0 END), 0) AS {int}), (SELECT MAX(m.occurred_at) FROM stock_movements m"
              " JOIN stock_batches b ON b.id = m.stock_batch_id"
              " JOIN storage_bins k ON k.id = b.storage_bin_id WHERE"
              " (?1 IS NULL OR k.storage_location_id = ?1) AND (?2 IS NULL OR k.id = ?2))" IN_PLACE,
              "ii", "iiT", false},
    [BY_PRODUCT] = {"batches.by_product",
                    "SELECT x.product_id, r.common_name, x.n FROM (SELECT b.product_id,"
                    " CAST(SUM(b.quantity_current) AS {int}) AS n" IN_PLACE
                    " AND b.status = 'active' GROUP BY b.product_id) x"
                    " JOIN products r ON r.id = x.product_id ORDER BY x.n DESC, x.product_id",
                    "ii", "iti", false},
    [STAGE] = {"batches.stage",
               "SELECT " STAGE_AT(
                   "?2") ", s.code, b.quality_score,"
                         " b.planting_date, b.created_at FROM stock_batches b"
                         " JOIN product_states s ON s.id = b.product_state_id WHERE b.id = ?1",
               "iD", "ttrDT", false},
    [STAGES] =
        {"batches.stages",
         "SELECT x.stage, count(*), CAST(SUM(x.quantity_current) AS {int}) FROM (SELECT"
         " " STAGE_AT(
             "?1") " AS stage, b.quantity_current FROM stock_batches b"
                   " JOIN product_states s ON s.id = b.product_state_id WHERE b.status = 'active'"
                   " AND (?2 IS NULL OR b.created_at >= ?2) AND (?3 IS NULL OR b.created_at < ?3)) "
                   "x"
                   " GROUP BY x.stage ORDER BY x.stage",
         "DTT", "tii", false},
    [READ] = {"batches.read",
              "SELECT product_state_id, product_size_id, quality_score, planting_date,"
              " germination_date, transplant_date, expected_ready_date, notes, custom_attributes,"
              " status FROM stock_batches WHERE id = ?1 {for_update}",
              "i", "iirDDDDtjt", false},
    [WRITE] = {"batches.write",
               "UPDATE stock_batches SET product_state_id = ?2, product_size_id = ?3,"
               " quality_score = ?4, planting_date = ?5, germination_date = ?6, transplant_date ="
               " ?7, expected_ready_date = ?8, notes = ?9, custom_attributes = ?10, updated_at ="
               " ?11 WHERE id = ?1",
               "iiirDDDDtjT", "", false},
    [SIZE] = {"batches.size", "SELECT count(*) FROM product_sizes WHERE id = ?1", "i", "i", false},
    [KEY] = {"batches.key",
             "SELECT k.storage_location_id, k.id, b.product_id, b.product_state_id,"
             " COALESCE(b.product_size_id, 0), COALESCE(b.packaging_catalog_id, 0) FROM"
             " stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id WHERE b.id = ?1",
             "i", "iiiiii", false},
    [SESSION] = {"batches.session", "SELECT count(*) FROM photo_processing_sessions WHERE id = ?1",
                 "i", "i", false},
    [BIN] = {"batches.bin", "SELECT storage_location_id FROM storage_bins WHERE id = ?1", "i", "i",
             false},
    [STATE] = {"batches.state", "SELECT count(*) FROM product_states WHERE id = ?1", "i", "i",
               false},
};
STORE_QUERIES(batches_queries, queries);

static int no_batch(int64_t id, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "batch"), DM_I("identifier", id)),
              "there is no batch %lld", (long long)id);
}

/* ---- stock of a place --------------------------------------------------------------------- */

static int by_product(struct store_tx *tx, struct store_args place, struct dm_arena *a, json_t *ret,
                      struct dm_err *e)
{
    struct store_table rows;
    DM_TRY(store_all(tx, &queries[BY_PRODUCT], place, a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *row = json_pack("{s:I, s:s, s:I}", "product_id", (json_int_t)v[0].i, "product_name",
                                v[1].t, "quantity", (json_int_t)v[2].i);
        if (json_array_append_new(ret, row)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the stock");
        }
    }
    return DM_OK;
}

int batches_stock(const struct inv_ctx *c, int64_t location_id, int64_t bin_id, json_t **ret,
                  struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *products = json_array();
    const struct store_args place = STORE_ARGS(store_ref(location_id), store_ref(bin_id));
    const struct list_value filter[] = {{"storage_location_id", place.v[0]},
                                        {"storage_bin_id", place.v[1]},
                                        {"batch_status", store_t("active")}};
    const struct list_ask ask = {.value = filter, .n_value = DM_COUNT(filter)};
    const struct store_value *v;
    int64_t known;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_int(tx, &queries[PLACE], place, &known, e));
    if (!known) {
        const int64_t id = location_id ? location_id : bin_id;
        const char *what = location_id ? "location" : "bin";
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", what), DM_I("identifier", id)),
                  "there is no %s %lld", what, (long long)id);
    }
    DM_TRY(store_one(tx, &queries[SUMS], place, &a, &v, e));
    DM_TRY(list_rows_in(tx, c, &list_batches, &ask, &rows, NULL, e));
    DM_TRY(by_product(tx, place, &a, products, e));
    *ret = json_pack("{s:I, s:I, s:I, s:O, s:O, s:o}", "total_plants", (json_int_t)v[0].i,
                     "total_batches", (json_int_t)json_array_size(rows), "total_empty_containers",
                     (json_int_t)v[1].i, "batches", rows, "by_product", products,
                     "last_movement_at", inv_json_of_value(&v[2]));
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the stock");
    }
    return DM_OK;
}

/* ---- stages ------------------------------------------------------------------------------- */

static const char *health(const char *state, const struct store_value *quality)
{
    if (strcmp(state, "DEAD") == 0 || (!quality->null && quality->r < 2)) {
        return "critical";
    }
    return strcmp(state, "DYING") == 0 || (!quality->null && quality->r < 3) ? "warning" : "good";
}

int batches_lifecycle(const struct inv_ctx *c, int64_t batch_id, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *v;
    struct dm_civil planted;
    char today[DM_DATE_SIZE];
    dm_zone_date(c->zone, c->now_ms, today);
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found =
        store_maybe(tx, &queries[STAGE], STORE_ARGS(store_i(batch_id), store_d(today)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        return no_batch(batch_id, e);
    }
    const int64_t from =
        !v[3].null && dm_date_parse(v[3].t, &planted) ? dm_zone_instant(c->zone, &planted) : v[4].i;
    *ret = json_pack("{s:s, s:s, s:I, s:o}", "stage", v[0].t, "health", health(v[1].t, &v[2]),
                     "age_days", (json_int_t)(DM_MAX(c->now_ms - from, 0) / 86400000),
                     "quality_score", inv_json_of_value(&v[2]));
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a batch");
    }
    return DM_OK;
}

/* First instant of a day, or of the day after. NULL: no bound. */
static int bound(const struct inv_ctx *c, const char *day, int after, struct store_value *ret,
                 struct dm_err *e)
{
    struct dm_civil at;
    *ret = store_null();
    if (day) {
        if (!dm_date_parse(day, &at)) {
            DM_FAIL(e, INV_VALIDATION, "%.20s is not a day such as 2026-01-31", day);
        }
        at.day += after;
        *ret = store_at(dm_zone_instant(c->zone, &at));
    }
    return DM_OK;
}

int batches_stages(const struct inv_ctx *c, const char *from, const char *to, json_t **ret,
                   struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_array();
    struct store_table rows;
    struct store_value bounds[2];
    char today[DM_DATE_SIZE];
    dm_zone_date(c->zone, c->now_ms, today);
    DM_TRY(inv_permit(c, INV_DO_ANALYTICS, e));
    DM_TRY(bound(c, from, 0, &bounds[0], e));
    DM_TRY(bound(c, to, 1, &bounds[1], e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[STAGES], STORE_ARGS(store_d(today), bounds[0], bounds[1]), &a,
                     &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *v = store_row(&rows, i);
        json_t *row = json_pack("{s:s, s:I, s:I}", "stage", v[0].t, "batches", (json_int_t)v[1].i,
                                "plants", (json_int_t)v[2].i);
        if (json_array_append_new(out, row)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for stages");
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- edit --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    char type;
    bool required;
} fields[] = {
    {"product_state_id", 'i', true},     {"product_size_id", 'i', false},
    {"quality_score", 'r', false},       {"planting_date", 'D', false},
    {"germination_date", 'D', false},    {"transplant_date", 'D', false},
    {"expected_ready_date", 'D', false}, {"notes", 't', false},
    {"custom_attributes", 'j', true},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]), STATUS = FIELDS };

struct edit {
    const struct inv_ctx *c;
    int64_t batch_id;
    const json_t *change;
};

/* A member as a value of the column; INV_VALIDATION names it. */
static int value_of(size_t i, const json_t *v, struct dm_arena *a, struct store_value *ret,
                    struct dm_err *e)
{
    const char *text = json_string_value(v);
    bool ok = true;
    switch (json_is_null(v) ? 0 : fields[i].type) {
    case 0:
        *ret = store_null();
        ok = !fields[i].required;
        break;
    case 'i':
        *ret = store_i(json_integer_value(v));
        ok = json_is_integer(v);
        break;
    case 'r':
        *ret = store_r(json_number_value(v));
        ok = json_is_number(v) && ret->r >= 0 && ret->r <= 5;
        break;
    case 'D':
        *ret = store_d(text);
        ok = text && store_date_valid(text);
        break;
    case 't':
        *ret = store_t(text);
        ok = text != NULL;
        break;
    default:
        ok = json_is_object(v);
        DM_TRY(ok ? inv_json_text(v, a, &text, e) : DM_OK);
        *ret = store_j(text);
    }
    if (!ok) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", fields[i].name)),
                  "%s is not possible so", fields[i].name);
    }
    return DM_OK;
}

static int exists(struct store_tx *tx, int query, const char *what, const struct store_value *id,
                  struct dm_err *e)
{
    int64_t n = 1;
    DM_TRY(id->null ? DM_OK : store_int(tx, &queries[query], STORE_ARGS(*id), &n, e));
    if (!n) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", what), DM_I("identifier", id->i)),
                  "there is no %s %lld", what, (long long)id->i);
    }
    return DM_OK;
}

static int write_edit(struct store_tx *tx, const struct edit *x, const struct store_value *now,
                      struct dm_err *e)
{
    struct store_value arg[FIELDS + 2];
    arg[0] = store_i(x->batch_id);
    for (size_t i = 0; i < FIELDS; i++) {
        arg[i + 1] = now[i];
    }
    arg[FIELDS + 1] = store_at(x->c->now_ms);
    const int code = store_exec(tx, &queries[WRITE], (struct store_args){arg, FIELDS + 2}, NULL, e);
    if (code == DM_EBADINPUT) {
        DM_FAIL(e, INV_VALIDATION, "planting, germination and transplant come in this order");
    }
    return code;
}

static int edit_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct edit *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *before = json_object();
    DM_CLEANUP(inv_json_freep) json_t *after = json_object();
    struct store_value now[FIELDS];
    const struct store_value *row;
    const int found =
        store_maybe(tx, &queries[READ], STORE_ARGS(store_i(x->batch_id)), &a, &row, e);
    DM_TRY(found);
    if (!found) {
        return no_batch(x->batch_id, e);
    }
    if (strcmp(row[STATUS].t, "closed") == 0) {
        DM_FAIL(e, INV_PERIOD_CLOSED, "a batch of a closed period stays as it was");
    }
    for (size_t i = 0; i < FIELDS; i++) {
        const json_t *v = json_object_get(x->change, fields[i].name);
        now[i] = row[i];
        DM_TRY(v ? value_of(i, v, &a, &now[i], e) : DM_OK);
        DM_TRY(inv_json_set(before, fields[i].name, inv_json_of_value(&row[i]), e));
        DM_TRY(inv_json_set(after, fields[i].name,
                            v ? json_deep_copy(v) : inv_json_of_value(&row[i]), e));
    }
    DM_TRY(exists(tx, STATE, "state", &now[0], e));
    DM_TRY(exists(tx, SIZE, "size", &now[1], e));
    DM_TRY(write_edit(tx, x, now, e));
    return audit_write(tx, x->c, "update", "stock_batches", x->batch_id, before, after, e);
}

int batches_edit(const struct inv_ctx *c, int64_t batch_id, const json_t *change, struct dm_err *e)
{
    struct edit x = {c, batch_id, change};
    DM_TRY(inv_permit(c, INV_DO_CONFIGURE, e));
    return store_run(c->store, STORE_WRITE, edit_in, &x, e);
}

/* ---- for movements ------------------------------------------------------------------------ */

int batches_find(const struct inv_ctx *c, int64_t batch_id, int64_t session_id,
                 struct batches_key *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value session = store_ref(session_id);
    const struct store_value *v;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[KEY], STORE_ARGS(store_i(batch_id)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        return no_batch(batch_id, e);
    }
    DM_TRY(exists(tx, SESSION, "session", &session, e));
    *ret = (struct batches_key){v[0].i, v[1].i, v[2].i, v[3].i, v[4].i, v[5].i};
    return DM_OK;
}

int batches_bin(const struct inv_ctx *c, int64_t bin_id, int64_t *ret_location_id, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int code = store_int(tx, &queries[BIN], STORE_ARGS(store_i(bin_id)), ret_location_id, e);
    if (code == DM_ENOTFOUND) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "bin"), DM_I("identifier", bin_id)),
                  "there is no bin %lld", (long long)bin_id);
    }
    return code;
}

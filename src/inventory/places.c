/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to places (domain.md 5.1): polygons with their derived columns, nesting in
 * the parent and of the children, overlaps of siblings, codes, QR codes, deactivation. */
#include "inventory/places.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "geo/geo.h"
#include "inventory/master_private.h"

enum {
    PLANTS_WAREHOUSE,
    PLANTS_AREA,
    PLANTS_LOCATION,
    PLANTS_TYPE,
    SIBLING_WAREHOUSES,
    SIBLING_AREAS,
    SIBLING_LOCATIONS,
    AREAS_OF_WAREHOUSE,
    AREAS_OF_AREA,
    LOCATIONS_OF_AREA,
    AREAS_OFF_WAREHOUSE,
    AREAS_OFF_AREA,
    LOCATIONS_OFF_AREA,
    LOCATIONS_OFF_WAREHOUSE,
    PARENT_OF_AREA,
    QR_SET,
    QR_TAKEN,
};

#define PLANTS                                                                                     \
    "SELECT coalesce(sum(b.quantity_current), 0) FROM stock_batches b"                             \
    " JOIN storage_bins n ON n.id = b.storage_bin_id"

/* The area and all areas below it. */
#define BELOW_AREA                                                                                 \
    "WITH RECURSIVE below (id) AS (SELECT id FROM storage_areas WHERE id = ?1 UNION"               \
    " SELECT s.id FROM storage_areas s JOIN below w ON s.parent_area_id = w.id) "

#define SIBLINGS(table)                                                                            \
    "SELECT id, code, geojson FROM " table " WHERE active AND id <> ?1"                            \
    " AND bbox_min_lon < ?4 AND bbox_max_lon > ?2 AND bbox_min_lat < ?5 AND bbox_max_lat > ?3"

static const struct store_query queries[] = {
    [PLANTS_WAREHOUSE] = {"places.plants_warehouse",
                          PLANTS " JOIN storage_locations l ON l.id = n.storage_location_id"
                                 " JOIN storage_areas a ON a.id = l.storage_area_id"
                                 " WHERE a.warehouse_id = ?1",
                          "i", "i"},
    [PLANTS_AREA] = {"places.plants_area",
                     BELOW_AREA PLANTS " JOIN storage_locations l ON l.id = n.storage_location_id"
                                       " WHERE l.storage_area_id IN (SELECT id FROM below)",
                     "i", "i"},
    [PLANTS_LOCATION] = {"places.plants_location", PLANTS " WHERE n.storage_location_id = ?1", "i",
                         "i"},
    [PLANTS_TYPE] = {"places.plants_type", PLANTS " WHERE n.storage_bin_type_id = ?1", "i", "i"},
    [SIBLING_WAREHOUSES] = {"places.sibling_warehouses", SIBLINGS("warehouses"), "irrrr", "itj"},
    [SIBLING_AREAS] = {"places.sibling_areas",
                       SIBLINGS("storage_areas") " AND warehouse_id = ?6"
                                                 " AND parent_area_id {same} ?7",
                       "irrrrii", "itj"},
    [SIBLING_LOCATIONS] = {"places.sibling_locations",
                           SIBLINGS("storage_locations") " AND storage_area_id = ?6", "irrrri",
                           "itj"},
    [AREAS_OF_WAREHOUSE] = {"places.areas_of_warehouse",
                            "SELECT id, code, geojson FROM storage_areas WHERE warehouse_id = ?1"
                            " AND parent_area_id IS NULL AND active",
                            "i", "itj"},
    [AREAS_OF_AREA] = {"places.areas_of_area",
                       "SELECT id, code, geojson FROM storage_areas WHERE parent_area_id = ?1"
                       " AND active",
                       "i", "itj"},
    [LOCATIONS_OF_AREA] = {"places.locations_of_area",
                           "SELECT id, code, geojson FROM storage_locations"
                           " WHERE storage_area_id = ?1 AND active",
                           "i", "itj"},
    [AREAS_OFF_WAREHOUSE] = {"places.areas_off_warehouse",
                             "UPDATE storage_areas SET active = ?2, updated_at = ?3"
                             " WHERE warehouse_id = ?1 AND active",
                             "ibT", ""},
    [AREAS_OFF_AREA] = {"places.areas_off_area",
                        BELOW_AREA "UPDATE storage_areas SET active = ?2, updated_at = ?3"
                                   " WHERE id IN (SELECT id FROM below) AND active",
                        "ibT", ""},
    [LOCATIONS_OFF_AREA] = {"places.locations_off_area",
                            BELOW_AREA
                            "UPDATE storage_locations SET active = ?2, updated_at = ?3"
                            " WHERE storage_area_id IN (SELECT id FROM below) AND active",
                            "ibT", ""},
    [LOCATIONS_OFF_WAREHOUSE] = {"places.locations_off_warehouse",
                                 "UPDATE storage_locations SET active = ?2, updated_at = ?3"
                                 " WHERE active AND storage_area_id IN"
                                 " (SELECT id FROM storage_areas WHERE warehouse_id = ?1)",
                                 "ibT", ""},
    [PARENT_OF_AREA] = {"places.parent_of_area",
                        "SELECT parent_area_id FROM storage_areas WHERE id = ?1", "i", "i"},
    [QR_SET] = {"places.qr_set", "UPDATE storage_locations SET qr_code = ?2 WHERE id = ?1", "it",
                ""},
    [QR_TAKEN] = {"places.qr_taken", "SELECT count(*) FROM storage_locations WHERE qr_code = ?1",
                  "t", "i"},
};
STORE_QUERIES(places_queries, queries);

/* ---- geometry ------------------------------------------------------------------------------- */

/* geo/ knows no rules: its refusal becomes ours, with the same fields. */
static int invalid_geometry(const struct dm_err *why, struct dm_err *e)
{
    const char *reason = why->n_fields ? why->field[0].s : "";
    DM_REFUSE(e, INV_INVALID_GEOMETRY, DM_FIELDS(DM_S("field", "geojson"), DM_S("reason", reason)),
              "%s", dm_err_text(why));
}

static int polygon_of(const json_t *geojson, struct dm_arena *a, struct geo_polygon *ret,
                      struct dm_err *e)
{
    struct dm_err why = {0};
    const int code = geo_polygon_of_json(geojson, a, ret, &why);
    return code == DM_EBADINPUT ? invalid_geometry(&why, e) : code;
}

static int polygon_of_text(const struct store_value *v, struct dm_arena *a, struct geo_polygon *ret,
                           struct dm_err *e)
{
    return geo_polygon_parse(v->t, v->n, a, ret, e);
}

/* The polygon of the row with what follows from it; the ring is stored as it was understood. */
static int derive(struct master_op *op, struct geo_polygon *ret, struct dm_err *e)
{
    const json_t *geojson = json_object_get(op->row, "geojson");
    if (!geojson || json_is_null(geojson)) {
        return master_invalid("geojson", "it is needed", e);
    }
    DM_TRY(polygon_of(geojson, op->a, ret, e));
    const struct {
        const char *name;
        double value;
    } derived[] = {
        {"centroid_lon", ret->centroid.lon}, {"centroid_lat", ret->centroid.lat},
        {"area_m2", ret->area_m2},           {"bbox_min_lon", ret->box.min_lon},
        {"bbox_min_lat", ret->box.min_lat},  {"bbox_max_lon", ret->box.max_lon},
        {"bbox_max_lat", ret->box.max_lat},
    };
    for (size_t i = 0; i < DM_COUNT(derived); i++) {
        DM_TRY(inv_json_set(op->row, derived[i].name, json_real(derived[i].value), e));
    }
    const char *text = geo_polygon_print(ret, op->a);
    return inv_json_set(op->row, "geojson", text ? json_loads(text, 0, NULL) : NULL, e);
}

static bool moved(const struct master_op *op)
{
    return !op->before ||
           !json_equal(json_object_get(op->before, "geojson"), json_object_get(op->row, "geojson"));
}

static int check_inside(const struct geo_polygon *parent, const char *parent_code,
                        const struct geo_polygon *child, const char *child_code, struct dm_err *e)
{
    double off_m;
    if (geo_outside(parent, child, GEO_NESTING_TOLERANCE_M, &off_m) < 0) {
        return DM_OK;
    }
    DM_REFUSE(
        e, INV_GEOMETRY_OUT_OF_BOUNDS,
        DM_FIELDS(DM_S("child", child_code), DM_S("parent", parent_code), DM_F("off_m", off_m)),
        "%.60s would lie %.1f m outside %.60s", child_code, off_m, parent_code);
}

/* The row lies inside the parent row. */
static int nest(const struct master_op *op, const struct geo_polygon *polygon, const json_t *parent,
                struct dm_err *e)
{
    struct geo_polygon outer;
    DM_TRY(polygon_of(json_object_get(parent, "geojson"), op->a, &outer, e));
    return check_inside(&outer, inv_json_str(parent, "code"), polygon,
                        inv_json_str(op->row, "code"), e);
}

/* All rows of a query (id, code, geojson) lie inside the polygon. */
static int check_children(const struct master_op *op, const struct geo_polygon *polygon,
                          const struct store_query *q, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(store_all(op->tx, q, STORE_ARGS(store_i(op->id)), op->a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        struct geo_polygon child;
        DM_TRY(polygon_of_text(&row[2], op->a, &child, e));
        DM_TRY(check_inside(polygon, inv_json_str(op->row, "code"), &child, row[1].t, e));
    }
    return DM_OK;
}

/* ---- codes ---------------------------------------------------------------------------------- */

static bool has_code(const struct master_op *op)
{
    return inv_json_str(op->row, "code") != NULL;
}

static int set_text(struct master_op *op, const char *name, const char *text, struct dm_err *e)
{
    return inv_json_set(op->row, name, text ? json_string(text) : NULL, e);
}

static const char *name_of(const struct master_op *op)
{
    const char *name = inv_json_str(op->row, "name");
    return name ? name : "";
}

const char *places_warehouse_code(const char *name, struct dm_arena *a)
{
    const char *code = master_code_of(name, 18, a);
    if (!code) {
        return NULL;
    }
    /* letters and a number: the number gets two digits, so that codes sort as people count */
    const size_t letters = strcspn(code, "0123456789");
    const size_t digits = strspn(code + letters, "0123456789");
    if (letters > 0 && digits == 1 && !code[letters + 1]) {
        return dm_arena_printf(a, "%.*s0%s", (int)letters, code, code + letters);
    }
    return code;
}

const char *places_position(const char *name, struct dm_arena *a)
{
    static const char *const words[][2] = {
        {"NORTE", "N"},  {"SUR", "S"},    {"ESTE", "E"},  {"OESTE", "W"},
        {"CENTRO", "C"}, {"NORTH", "N"},  {"SOUTH", "S"}, {"EAST", "E"},
        {"WEST", "W"},   {"CENTER", "C"}, {"N", "N"},     {"S", "S"},
        {"E", "E"},      {"W", "W"},      {"C", "C"},     {"O", "W"},
    };
    const char *last = strrchr(name, ' ');
    const char *word = master_code_of(last ? last + 1 : name, 20, a);
    for (size_t i = 0; word && i < DM_COUNT(words); i++) {
        if (!strcmp(words[i][0], word)) {
            return words[i][1];
        }
    }
    return NULL;
}

const char *places_location_part(const char *name, struct dm_arena *a)
{
    const char *code = master_code_of(name, 20, a);
    if (!code) {
        return NULL;
    }
    const size_t n = strlen(code);
    size_t digits = 0;
    while (digits < n && isdigit((unsigned char)code[n - digits - 1])) {
        digits++;
    }
    if (digits == 0 || digits == n) { /* "7" or "Claro norte" */
        return digits ? dm_arena_printf(a, "C%s%s", digits < 2 ? "0" : "", code) : code;
    }
    const bool claro = !strncmp(code, "CLARO", 5) && n - digits == 5;
    return dm_arena_printf(a, "%.*s%s%s", claro ? 1 : (int)(n - digits), code,
                           digits < 2 ? "0" : "", code + n - digits);
}

/* ---- the three kinds ------------------------------------------------------------------------- */

int places_prepare_warehouse(struct master_op *op, struct dm_err *e)
{
    struct geo_polygon polygon;
    if (!has_code(op)) {
        DM_TRY(set_text(op, "code", places_warehouse_code(name_of(op), op->a), e));
    }
    return moved(op) ? derive(op, &polygon, e) : DM_OK;
}

/* No area is above itself, and the parent is in the same nave. */
static int check_parent_area(struct master_op *op, const json_t *parent, struct dm_err *e)
{
    int64_t at = inv_json_int(parent, "id");
    if (inv_json_int(parent, "warehouse_id") != inv_json_int(op->row, "warehouse_id")) {
        return master_invalid("parent_area_id", "the parent is in another warehouse", e);
    }
    for (int depth = 0; at && op->id; depth++) {
        if (at == op->id || depth > 50) {
            return master_invalid("parent_area_id", "an area cannot lie inside itself", e);
        }
        DM_TRY(store_int(op->tx, &queries[PARENT_OF_AREA], STORE_ARGS(store_i(at)), &at, e));
    }
    return DM_OK;
}

int places_prepare_area(struct master_op *op, struct dm_err *e)
{
    struct geo_polygon polygon;
    DM_CLEANUP(inv_json_freep) json_t *warehouse = NULL;
    DM_CLEANUP(inv_json_freep) json_t *parent = NULL;
    const int64_t parent_id = inv_json_int(op->row, "parent_area_id");
    DM_TRY(master_read(op->tx, MASTER_WAREHOUSE, inv_json_int(op->row, "warehouse_id"), true, op->a,
                       &warehouse, e));
    if (parent_id) {
        DM_TRY(master_read(op->tx, MASTER_AREA, parent_id, true, op->a, &parent, e));
        DM_TRY(check_parent_area(op, parent, e));
    }
    const char *position = inv_json_str(op->row, "position");
    if (!position && !op->before) {
        position = places_position(name_of(op), op->a);
        DM_TRY(
            inv_json_set(op->row, "position", position ? json_string(position) : json_null(), e));
    }
    if (!has_code(op)) {
        const char *part = position ? position : master_code_of(name_of(op), 20, op->a);
        DM_TRY(set_text(op, "code",
                        dm_arena_printf(op->a, "%s-%s",
                                        inv_json_str(parent ? parent : warehouse, "code"),
                                        part ? part : ""),
                        e));
    }
    if (!strchr(inv_json_str(op->row, "code"), '-')) {
        return master_invalid("code", "a code like NAVE01-N is needed", e);
    }
    DM_TRY(derive(op, &polygon, e));
    return nest(op, &polygon, parent ? parent : warehouse, e);
}

int places_prepare_location(struct master_op *op, struct dm_err *e)
{
    struct geo_polygon polygon;
    DM_CLEANUP(inv_json_freep) json_t *area = NULL;
    DM_TRY(master_read(op->tx, MASTER_AREA, inv_json_int(op->row, "storage_area_id"), true, op->a,
                       &area, e));
    if (!has_code(op)) {
        const char *part = places_location_part(name_of(op), op->a);
        DM_TRY(set_text(
            op, "code",
            dm_arena_printf(op->a, "%s-%s", inv_json_str(area, "code"), part ? part : ""), e));
    }
    const char *hyphen = strchr(inv_json_str(op->row, "code"), '-');
    if (!hyphen || !strchr(hyphen + 1, '-')) {
        return master_invalid("code", "a code like NAVE01-N-C07 is needed", e);
    }
    if (!inv_json_str(op->row, "qr_code")) { /* made of the id, which is not known yet */
        char uuid[STORE_UUID_SIZE];
        store_uuid_new(uuid);
        for (char *c = uuid; *c; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        uuid[18] = '\0';
        DM_TRY(set_text(op, "qr_code", dm_arena_printf(op->a, "-%s", uuid), e));
    }
    if (!moved(op)) {
        return DM_OK;
    }
    DM_TRY(derive(op, &polygon, e));
    return nest(op, &polygon, area, e);
}

/* LOC000001 of the id; when somebody chose that label for another claro, the next free one. */
static int make_qr(struct master_op *op, struct dm_err *e)
{
    char qr[21];
    int64_t taken = 1;
    for (int64_t number = op->id; taken; number += 1000000) {
        (void)snprintf(qr, sizeof(qr), "LOC%06" PRId64, number);
        DM_TRY(store_int(op->tx, &queries[QR_TAKEN], STORE_ARGS(store_t(qr)), &taken, e));
    }
    return store_exec(op->tx, &queries[QR_SET], STORE_ARGS(store_i(op->id), store_t(qr)), NULL, e);
}

static int warn_sibling(struct master_op *op, const char *sibling, double share, struct dm_err *e)
{
    json_t *warning =
        json_pack("{s:s, s:s, s:f}", "code", "sibling_overlap", "sibling", sibling, "share", share);
    if (!warning || json_array_append_new(op->warnings, warning)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a warning");
    }
    return DM_OK;
}

static int siblings(const struct master_op *op, const struct geo_polygon *p,
                    struct store_table *ret, struct dm_err *e)
{
    const struct store_value box[] = {
        store_i(op->id),
        store_r(p->box.min_lon),
        store_r(p->box.min_lat),
        store_r(p->box.max_lon),
        store_r(p->box.max_lat),
        store_i(
            inv_json_int(op->row, op->kind == MASTER_AREA ? "warehouse_id" : "storage_area_id")),
        store_ref(inv_json_int(op->row, "parent_area_id")),
    };
    static const struct {
        int query;
        size_t n;
    } of_kind[] = {
        [MASTER_WAREHOUSE] = {SIBLING_WAREHOUSES, 5},
        [MASTER_AREA] = {SIBLING_AREAS, 7},
        [MASTER_LOCATION] = {SIBLING_LOCATIONS, 6},
    };
    const struct store_args args = {box, of_kind[op->kind].n};
    return store_all(op->tx, &queries[of_kind[op->kind].query], args, op->a, ret, e);
}

static int warn_overlaps(struct master_op *op, const struct geo_polygon *polygon, struct dm_err *e)
{
    struct store_table t;
    DM_TRY(siblings(op, polygon, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        struct geo_polygon other;
        double share;
        DM_TRY(polygon_of_text(&row[2], op->a, &other, e));
        DM_TRY(geo_overlap_share(polygon, &other, &share, e));
        if (share > GEO_SIBLING_OVERLAP) {
            DM_TRY(warn_sibling(op, row[1].t, share, e));
        }
    }
    return DM_OK;
}

int places_after(struct master_op *op, struct dm_err *e)
{
    struct geo_polygon polygon;
    if (op->kind == MASTER_LOCATION && inv_json_str(op->row, "qr_code")[0] == '-') {
        DM_TRY(make_qr(op, e));
    }
    if (!moved(op)) {
        return DM_OK;
    }
    DM_TRY(polygon_of(json_object_get(op->row, "geojson"), op->a, &polygon, e));
    if (op->before && op->kind == MASTER_WAREHOUSE) {
        DM_TRY(check_children(op, &polygon, &queries[AREAS_OF_WAREHOUSE], e));
    }
    if (op->before && op->kind == MASTER_AREA) {
        DM_TRY(check_children(op, &polygon, &queries[AREAS_OF_AREA], e));
        DM_TRY(check_children(op, &polygon, &queries[LOCATIONS_OF_AREA], e));
    }
    return warn_overlaps(op, &polygon, e);
}

/* ---- active ---------------------------------------------------------------------------------- */

int places_plants(struct store_tx *tx, enum master_kind kind, int64_t id, int64_t *ret,
                  struct dm_err *e)
{
    static const int of_kind[] = {
        [MASTER_WAREHOUSE] = PLANTS_WAREHOUSE,
        [MASTER_AREA] = PLANTS_AREA,
        [MASTER_LOCATION] = PLANTS_LOCATION,
        [MASTER_BIN_TYPE] = PLANTS_TYPE,
    };
    return store_int(tx, &queries[of_kind[kind]], STORE_ARGS(store_i(id)), ret, e);
}

static int check_active(struct master_op *op, enum master_kind kind, const char *column,
                        struct dm_err *e)
{
    const int64_t id = inv_json_int(op->row, column);
    DM_CLEANUP(inv_json_freep) json_t *parent = NULL;
    if (!id) {
        return DM_OK;
    }
    DM_TRY(master_read(op->tx, kind, id, true, op->a, &parent, e));
    if (!json_is_true(json_object_get(parent, "active"))) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", master_noun(kind)), DM_I("identifier", id)),
                  "the %s above is inactive", master_noun(kind));
    }
    return DM_OK;
}

static int activate(struct master_op *op, struct dm_err *e)
{
    if (op->kind == MASTER_AREA) {
        DM_TRY(check_active(op, MASTER_WAREHOUSE, "warehouse_id", e));
        return check_active(op, MASTER_AREA, "parent_area_id", e);
    }
    return op->kind == MASTER_LOCATION ? check_active(op, MASTER_AREA, "storage_area_id", e)
                                       : DM_OK;
}

int places_set_active(struct master_op *op, bool active, struct dm_err *e)
{
    int64_t plants;
    if (active) {
        return activate(op, e);
    }
    DM_TRY(places_plants(op->tx, op->kind, op->id, &plants, e));
    if (plants > 0) {
        DM_REFUSE(e, INV_HAS_STOCK, DM_FIELDS(DM_I("plants", plants)),
                  "there are %" PRId64 " plants in this %s", plants, op->entity->noun);
    }
    const struct store_args off =
        STORE_ARGS(store_i(op->id), store_b(false), store_at(op->c->now_ms));
    if (op->kind == MASTER_WAREHOUSE) {
        DM_TRY(store_exec(op->tx, &queries[LOCATIONS_OFF_WAREHOUSE], off, NULL, e));
        DM_TRY(store_exec(op->tx, &queries[AREAS_OFF_WAREHOUSE], off, NULL, e));
    } else if (op->kind == MASTER_AREA) {
        DM_TRY(store_exec(op->tx, &queries[LOCATIONS_OFF_AREA], off, NULL, e));
        DM_TRY(store_exec(op->tx, &queries[AREAS_OFF_AREA], off, NULL, e));
    }
    return DM_OK;
}

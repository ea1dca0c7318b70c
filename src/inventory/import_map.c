/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps: GeoJSON layers of naves, canteros and claros (api.md 19). What a feature is follows from
 * its properties, where it belongs from the names in them, else from the place that it mostly
 * covers; never from a guess. Naves are written first, then canteros, then claros, whatever their
 * order in the file. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "geo/geo.h"
#include "inventory/import_private.h"
#include "inventory/places.h"

enum { WAREHOUSES, AREAS };

static const struct store_query queries[] = {
    [WAREHOUSES] =
        {"import.warehouses",
         "SELECT id, geojson FROM warehouses WHERE active AND bbox_min_lon < ?3"
         " AND bbox_max_lon > ?1 AND bbox_min_lat < ?4 AND bbox_max_lat > ?2 ORDER BY id",
         "rrrr", "ij"},
    [AREAS] = {"import.areas",
               "SELECT id, geojson FROM storage_areas WHERE active AND bbox_min_lon < ?3"
               " AND bbox_max_lon > ?1 AND bbox_min_lat < ?4 AND bbox_max_lat > ?2 ORDER BY id",
               "rrrr", "ij"},
};
STORE_QUERIES(import_map_queries, queries);

/* A feature that belongs to a place does so with more than half of itself. */
static const double belongs_share = 0.5;

struct feature {
    int64_t line;
    const json_t *properties;
    const json_t *geometry; /* Polygon */
    enum import_level level;
    const char *label;          /* what it is called: "Claro 7" */
    const char *nave, *cantero; /* names of what it belongs to, NULL for none */
    bool repeated;              /* its label occurs several times in its cantero */
};

/* ---- properties ------------------------------------------------------------------------------ */

/* A property as text, numbers too; NULL when there is none. */
static const char *text_of(const json_t *properties, const char *name, struct dm_arena *a)
{
    const json_t *value = json_object_get(properties, name);
    if (json_is_integer(value)) {
        return dm_arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    }
    if (json_is_real(value)) {
        return dm_arena_printf(a, "%.10g", json_real_value(value));
    }
    const char *text = json_string_value(value);
    return text && text[strspn(text, " \t\r\n")] ? text : NULL;
}

static const char *first_of(const json_t *properties, const char *const *names, struct dm_arena *a)
{
    const char *text = NULL;
    for (; *names && !text; names++) {
        text = text_of(properties, *names, a);
    }
    return text;
}

static bool begins(const char *key, const char *word)
{
    return !strncmp(key, word, strlen(word));
}

static bool all_digits(const char *s)
{
    return s[0] && strspn(s, "0123456789") == strlen(s);
}

/* What the name alone says. "Nave 3 norte" is a cantero. */
static enum import_level level_of_name(const char *label, struct dm_arena *a)
{
    const char *key = dm_text_key(label, a);
    if (!key || begins(key, "claro")) {
        return IMPORT_LOCATION;
    }
    if (begins(key, "cantero") || begins(key, "madres")) {
        return IMPORT_AREA;
    }
    if (begins(key, "nave")) {
        const bool part = strrchr(label, ' ') && places_position(label, a) &&
                          strchr(label, ' ') != strrchr(label, ' ');
        return part ? IMPORT_AREA : IMPORT_WAREHOUSE;
    }
    return begins(key, "tun") || begins(key, "somb") ? IMPORT_WAREHOUSE : IMPORT_AUTO;
}

static enum import_level level_of(const struct feature *f, struct dm_arena *a)
{
    static const char *const grid[] = {"row", "col", "ordinal", "rowLabels", NULL};
    const enum import_level by_name = f->label ? level_of_name(f->label, a) : IMPORT_AUTO;
    if (by_name != IMPORT_AUTO) {
        return by_name;
    }
    for (const char *const *g = grid; *g; g++) {
        if (json_object_get(f->properties, *g)) {
            return IMPORT_LOCATION;
        }
    }
    if (f->cantero) {
        return f->label ? IMPORT_LOCATION : IMPORT_AREA;
    }
    if (f->label && f->nave) {
        return places_position(f->label, a) ? IMPORT_AREA : IMPORT_LOCATION;
    }
    return f->nave ? IMPORT_WAREHOUSE : IMPORT_AUTO;
}

/* "3" and 3 are "Nave 3". */
static const char *nave_name(const char *text, struct dm_arena *a)
{
    return text && all_digits(text) ? dm_arena_printf(a, "Nave %s", text) : text;
}

static void read_feature(struct import_run *r, struct feature *f)
{
    static const char *const labels[] = {"label", "name", "Name", NULL};
    f->label = first_of(f->properties, labels, r->a);
    f->nave = nave_name(text_of(f->properties, "nave", r->a), r->a);
    f->cantero = text_of(f->properties, "cantero", r->a);
    f->level = r->o->level == IMPORT_AUTO ? level_of(f, r->a) : r->o->level;
    if (!f->label && f->level == IMPORT_WAREHOUSE) {
        f->label = f->nave;
    }
    if (!f->label && f->level == IMPORT_AREA) {
        f->label = f->cantero;
    }
}

/* ---- places the feature belongs to ----------------------------------------------------------- */

static int unknown(const char *what, const char *name, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("field", what), DM_S("identifier", name)),
              "there is no %s '%.60s' to put it into", what, name);
}

/* The place that holds most of the polygon, more than half of it. 0 when there is none. */
static int by_overlap(struct import_run *r, const struct feature *f, int query, int64_t *ret,
                      struct dm_err *e)
{
    struct geo_polygon p;
    struct store_table t;
    double best = belongs_share;
    struct dm_err why = {0};
    *ret = 0;
    if (geo_polygon_of_json(f->geometry, r->a, &p, &why) < 0) {
        DM_REFUSE(e, INV_INVALID_GEOMETRY, DM_FIELDS(DM_S("field", "geojson")), "%s",
                  dm_err_text(&why));
    }
    DM_TRY(store_all(r->tx, &queries[query],
                     STORE_ARGS(store_r(p.box.min_lon), store_r(p.box.min_lat),
                                store_r(p.box.max_lon), store_r(p.box.max_lat)),
                     r->a, &t, e));
    for (size_t i = 0; i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        struct geo_polygon other;
        double share;
        DM_TRY(geo_polygon_parse(row[1].t, row[1].n, r->a, &other, e));
        DM_TRY(geo_overlap_share(&p, &other, &share, e));
        if (share > best && other.area_m2 > p.area_m2 * belongs_share) {
            best = share;
            *ret = row[0].i;
        }
    }
    return DM_OK;
}

static int by_code(struct import_run *r, enum master_kind kind, const char *code, json_t **ret,
                   struct dm_err *e)
{
    const int found = code ? master_lookup(r->tx, kind, code, r->a, ret, e) : 0;
    if (found < 0) {
        return found;
    }
    return found ? DM_OK : unknown(master_noun(kind), code ? code : "", e);
}

static int warehouse_of(struct import_run *r, const struct feature *f, json_t **ret,
                        struct dm_err *e)
{
    const char *code = text_of(f->properties, "warehouse_code", r->a);
    int64_t id = 0;
    if (!code && f->nave) {
        code = places_warehouse_code(f->nave, r->a);
    }
    if (!code && f->level == IMPORT_AREA && f->label &&
        begins(dm_text_key(f->label, r->a), "nave")) {
        const char *last = strrchr(f->label, ' '); /* "Nave 3 norte" */
        const char *name = dm_arena_strndup(r->a, f->label, (size_t)(last - f->label));
        code = name ? places_warehouse_code(name, r->a) : NULL;
    }
    if (code) {
        return by_code(r, MASTER_WAREHOUSE, code, ret, e);
    }
    DM_TRY(by_overlap(r, f, WAREHOUSES, &id, e));
    return id ? master_read(r->tx, MASTER_WAREHOUSE, id, false, r->a, ret, e)
              : unknown("warehouse", f->label ? f->label : "", e);
}

/* NAVE01-N of a cantero's name. */
static const char *area_code(const json_t *warehouse, const char *cantero, struct dm_arena *a)
{
    const char *position = places_position(cantero, a);
    const char *key = dm_text_key(cantero, a);
    const char *rest = key && begins(key, "cantero_") ? key + 8 : cantero;
    const char *part = position ? position : master_code_of(rest, 20, a);
    return part ? dm_arena_printf(a, "%s-%s", inv_json_str(warehouse, "code"), part) : NULL;
}

static int area_of(struct import_run *r, const struct feature *f, json_t **ret, struct dm_err *e)
{
    const char *code = text_of(f->properties, "area_code", r->a);
    DM_CLEANUP(inv_json_freep) json_t *warehouse = NULL;
    int64_t id = 0;
    if (!code && f->cantero) {
        DM_TRY(warehouse_of(r, f, &warehouse, e));
        code = area_code(warehouse, f->cantero, r->a);
    }
    if (code) {
        return by_code(r, MASTER_AREA, code, ret, e);
    }
    DM_TRY(by_overlap(r, f, AREAS, &id, e));
    return id ? master_read(r->tx, MASTER_AREA, id, false, r->a, ret, e)
              : unknown("area", f->label ? f->label : "", e);
}

/* ---- one feature ----------------------------------------------------------------------------- */

static int set_text(json_t *values, const char *name, const char *text, struct dm_err *e)
{
    return text ? inv_json_set(values, name, json_string(text), e) : DM_OK;
}

/* The polygon as the store will have it, so that a second run finds it equal. */
static int set_geometry(struct import_run *r, const struct feature *f, json_t *values,
                        struct dm_err *e)
{
    struct geo_polygon p;
    struct dm_err why = {0};
    const int code = geo_polygon_of_json(f->geometry, r->a, &p, &why);
    if (code == DM_EBADINPUT) {
        DM_REFUSE(e, INV_INVALID_GEOMETRY,
                  DM_FIELDS(DM_S("field", "geojson"), DM_S("reason", why.field[0].s)), "%s",
                  dm_err_text(&why));
    }
    DM_TRY(code);
    const char *text = geo_polygon_print(&p, r->a);
    return inv_json_set(values, "geojson", text ? json_loads(text, 0, NULL) : NULL, e);
}

static int put(struct import_run *r, enum master_kind kind, const char *code, json_t *values,
               struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *existing = NULL;
    r->code = code;
    if (!code) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a code");
    }
    const int found = master_lookup(r->tx, kind, code, r->a, &existing, e);
    if (found < 0) {
        return found;
    }
    DM_TRY(set_text(values, "code", code, e));
    return import_put(r, kind, existing, values, true, NULL, e);
}

static int put_warehouse(struct import_run *r, const struct feature *f, json_t *values,
                         struct dm_err *e)
{
    const char *key = dm_text_key(f->label, r->a);
    const char *type = text_of(f->properties, "warehouse_type", r->a);
    const char *code = text_of(f->properties, "code", r->a);
    if (!type && key) {
        type = begins(key, "tun")     ? "tunnel"
               : begins(key, "somb")  ? "shadehouse"
               : r->o->warehouse_type ? r->o->warehouse_type
                                      : "greenhouse";
    }
    DM_TRY(set_text(values, "warehouse_type", type, e));
    return put(r, MASTER_WAREHOUSE, code ? code : places_warehouse_code(f->label, r->a), values, e);
}

static int put_area(struct import_run *r, const struct feature *f, json_t *values, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *warehouse = NULL;
    const char *code = text_of(f->properties, "code", r->a);
    const char *position = text_of(f->properties, "position", r->a);
    DM_TRY(warehouse_of(r, f, &warehouse, e));
    DM_TRY(inv_json_set(values, "warehouse_id", json_integer(inv_json_int(warehouse, "id")), e));
    DM_TRY(set_text(values, "position", places_position(position ? position : f->label, r->a), e));
    return put(r, MASTER_AREA, code ? code : area_code(warehouse, f->label, r->a), values, e);
}

/* The claro's part of the code: its label, or its place in the grid where that says more. */
static const char *claro_part(const struct feature *f, struct dm_arena *a)
{
    const char *row = text_of(f->properties, "row", a);
    const char *col = text_of(f->properties, "col", a);
    if (f->label && !f->repeated) {
        return places_location_part(f->label, a);
    }
    if (row && col) {
        return dm_arena_printf(a, "F%sC%s%s", master_code_of(row, 10, a),
                               strlen(col) < 2 && all_digits(col) ? "0" : "",
                               master_code_of(col, 10, a));
    }
    const char *only = col ? col : row;
    return only ? places_location_part(only, a) : NULL;
}

static int put_location(struct import_run *r, const struct feature *f, json_t *values,
                        struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *area = NULL;
    json_t *grid = json_object();
    static const char *const kept[] = {"row", "col", "ordinal", NULL};
    const char *code = text_of(f->properties, "code", r->a);
    const char *part = claro_part(f, r->a);
    for (const char *const *k = kept; *k; k++) {
        json_t *value = json_object_get(f->properties, *k);
        if (value && json_object_set(grid, *k, value)) {
            json_decref(grid);
            DM_FAIL(e, DM_ENOMEM, "no memory for a claro");
        }
    }
    DM_TRY(inv_json_set(values, "position_metadata", grid, e));
    DM_TRY(area_of(r, f, &area, e));
    DM_TRY(inv_json_set(values, "storage_area_id", json_integer(inv_json_int(area, "id")), e));
    DM_TRY(set_text(values, "qr_code", text_of(f->properties, "qr_code", r->a), e));
    if (!code && !part) {
        return master_invalid("label", "the claro has neither label nor row and col", e);
    }
    if (!f->label) {
        DM_TRY(set_text(values, "name", dm_arena_printf(r->a, "Claro %s", part), e));
    }
    return put(r, MASTER_LOCATION,
               code ? code : dm_arena_printf(r->a, "%s-%s", inv_json_str(area, "code"), part),
               values, e);
}

static int feature_row(struct import_run *r, void *row, struct dm_err *e)
{
    const struct feature *f = row;
    DM_CLEANUP(inv_json_freep) json_t *values = json_object();
    if (!f->label && f->level != IMPORT_LOCATION) {
        return master_invalid("label", "the feature has no name", e);
    }
    DM_TRY(set_text(values, "name", f->label, e));
    DM_TRY(set_geometry(r, f, values, e));
    switch (f->level) {
    case IMPORT_WAREHOUSE:
        return put_warehouse(r, f, values, e);
    case IMPORT_AREA:
        return put_area(r, f, values, e);
    case IMPORT_LOCATION:
        return put_location(r, f, values, e);
    case IMPORT_AUTO:
        break;
    }
    return master_invalid("label", "its name does not say whether it is a nave, cantero or claro",
                          e);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int bad_shape(struct import_run *r, void *row, struct dm_err *e)
{
    const struct feature *f = row;
    const char *type = json_string_value(json_object_get(f->geometry, "type"));
    (void)r;
    DM_REFUSE(e, INV_INVALID_GEOMETRY, DM_FIELDS(DM_S("field", "geometry"), DM_S("reason", "type")),
              "a Polygon is needed, this is a %.40s", type ? type : "feature without geometry");
}

/* Polygon, or the one part of a MultiPolygon (new reference); NULL for anything else. */
static json_t *polygon_of(const json_t *geometry)
{
    const char *type = json_string_value(json_object_get(geometry, "type"));
    json_t *parts = json_object_get(geometry, "coordinates");
    if (type && !strcmp(type, "Polygon")) {
        return json_incref((json_t *)geometry);
    }
    if (type && !strcmp(type, "MultiPolygon") && json_array_size(parts) == 1) {
        return json_pack("{s:s, s:O}", "type", "Polygon", "coordinates", json_array_get(parts, 0));
    }
    return NULL;
}

static const char *label_key(const struct feature *f, struct dm_arena *a)
{
    return dm_arena_printf(a, "%s/%s/%s", f->nave ? f->nave : "", f->cantero ? f->cantero : "",
                           f->label ? f->label : "");
}

/* Labels that several claros of a cantero have: these are told apart by row and col, in every run
 * alike. */
static int mark_repeated(struct import_run *r, struct feature *f, size_t n, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *seen = json_object();
    for (size_t i = 0; i < n; i++) {
        const char *key = label_key(&f[i], r->a);
        if (!key) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the map");
        }
        if (f[i].level == IMPORT_LOCATION) {
            DM_TRY(inv_json_set(seen, key, json_integer(inv_json_int(seen, key) + 1), e));
        }
    }
    for (size_t i = 0; i < n; i++) {
        const char *key = label_key(&f[i], r->a);
        f[i].repeated = key && inv_json_int(seen, key) > 1 &&
                        json_object_get(f[i].properties, "row") &&
                        json_object_get(f[i].properties, "col");
    }
    return DM_OK;
}

static const char *key_of(const struct feature *f, struct dm_arena *a)
{
    const char *key = dm_arena_printf(a, "%s%s%s%s%s", f->nave ? f->nave : "", f->nave ? " / " : "",
                                      f->cantero ? f->cantero : "", f->cantero ? " / " : "",
                                      f->label ? f->label : "");
    return key ? key : "";
}

static int write_features(struct import_run *r, struct feature *f, size_t n, struct dm_err *e)
{
    static const enum import_level order[] = {IMPORT_WAREHOUSE, IMPORT_AREA, IMPORT_LOCATION,
                                              IMPORT_AUTO};
    for (size_t o = 0; o < DM_COUNT(order); o++) {
        for (size_t i = 0; i < n; i++) {
            if (f[i].level != order[o]) {
                continue;
            }
            DM_CLEANUP(inv_json_freep) json_t *polygon = polygon_of(f[i].geometry);
            struct feature whole = f[i];
            whole.geometry = polygon ? polygon : f[i].geometry;
            DM_TRY(import_row(r, f[i].line, key_of(&f[i], r->a), polygon ? feature_row : bad_shape,
                              &whole, e));
        }
    }
    return DM_OK;
}

static int not_a_map(const char *what, struct dm_err *e)
{
    DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "file"), DM_S("issue", what)),
              "this is not a GeoJSON FeatureCollection: %.120s", what);
}

int import_map(struct import_run *r, struct dm_err *e)
{
    json_error_t why;
    const bool marked = r->n >= 3 && !memcmp(r->text, "\xEF\xBB\xBF", 3);
    const size_t skip = marked ? 3 : 0;
    DM_CLEANUP(inv_json_freep) json_t *file = json_loadb(r->text + skip, r->n - skip, 0, &why);
    if (!file) {
        return not_a_map(why.text, e);
    }
    const char *type = inv_json_str(file, "type");
    const json_t *features = json_object_get(file, "features");
    if (!type || strcmp(type, "FeatureCollection") != 0 || !json_is_array(features)) {
        return not_a_map("it has no list of features", e);
    }
    const size_t n = json_array_size(features);
    struct feature *f = dm_arena_calloc(r->a, n, sizeof(*f));
    if (!f) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the map");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *feature = json_array_get(features, i);
        f[i].line = (int64_t)i + 1;
        f[i].properties = json_object_get(feature, "properties");
        f[i].geometry = json_object_get(feature, "geometry");
        read_feature(r, &f[i]);
    }
    DM_TRY(mark_repeated(r, f, n, e));
    return write_features(r, f, n, e);
}

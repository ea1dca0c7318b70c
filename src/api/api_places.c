/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding places and showing how they belong together: search by point, check of ids, the tree, the
 * hierarchy for administrators, GeoJSON (api.md 5.3, 5.6, 10). */
#include <math.h>
#include <string.h>

#include "api/api_locations.h"
#include "api/rows.h"
#include "inventory/json.h"
#include "inventory/map.h"
#include "inventory/places_find.h"

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field chain_fields[] = {
    {"warehouse", HTTP_OBJ, HTTP_NULL, .of = &Warehouse},
    {"area", HTTP_OBJ, HTTP_NULL, .of = &StorageArea},
    {"location", HTTP_OBJ, .of = &StorageLocation},
    {"bins", HTTP_OBJ, HTTP_LIST, .of = &StorageBin},
    {"match", HTTP_STR, .one_of = "contains|nearest"},
    {"distance_m", HTTP_NUM},
    {NULL},
};
static const struct http_schema GpsChain = {"GpsChain", chain_fields};

#define FOUR(null)                                                                                 \
    {"warehouse_id", HTTP_INT, (null), .min = 1, .max = INT32_MAX},                                \
        {"area_id", HTTP_INT, (null), .min = 1, .max = INT32_MAX},                                 \
        {"location_id", HTTP_INT, (null), .min = 1, .max = INT32_MAX},                             \
    {                                                                                              \
        "bin_id", HTTP_INT, (null), .min = 1, .max = INT32_MAX                                     \
    }
static const struct http_field four_fields[] = {FOUR(HTTP_NULL), {NULL}};
static const struct http_schema FourIds = {"HierarchyIds", four_fields};
static const struct http_field four_query[] = {FOUR(0), {NULL}};

static const struct http_field check_fields[] = {
    {"valid", HTTP_BOOL},
    {"errors", HTTP_STR, HTTP_LIST},
    {"message", HTTP_STR},
    {"hierarchy", HTTP_OBJ, .of = &FourIds},
    {NULL},
};
static const struct http_schema HierarchyCheck = {"HierarchyCheck", check_fields};

static const struct http_field used_fields[] = {
    {"storage_area_id", HTTP_INT},
    {"used_area_m2", HTTP_NUM},
    {"area_m2", HTTP_NUM},
    {"utilization_pct", HTTP_NUM},
    {NULL},
};
static const struct http_schema AreaUse = {"AreaUtilization", used_fields};

static const struct http_field tree_fields[] = {{"warehouses", HTTP_OBJ, HTTP_LIST}, {NULL}};
static const struct http_schema PlaceTree = {"PlaceTree", tree_fields};
static const struct http_schema Hierarchy = {"Hierarchy", tree_fields};

static const struct http_field point_query[] = {
    {"longitude", HTTP_NUM, HTTP_REQ, .min = -180, .max = 180, .example = "-68.4995"},
    {"latitude", HTTP_NUM, HTTP_REQ, .min = -90, .max = 90, .example = "-32.9995"},
    {NULL},
};
static const struct http_field tree_query[] = {
    RESOURCE_ID("warehouse_id"),
    {"depth", HTTP_INT, .min = 1, .max = 4, .fallback = "3",
     .about = "1: naves, 2: canteros, 3: claros, 4: containers"},
    {NULL},
};
static const struct http_field geojson_query[] = {
    {"level", HTTP_STR, HTTP_REQ, .one_of = "warehouse|area|location"},
    RESOURCE_ID("warehouse_id"),
    {NULL},
};

/* ---- search and check ------------------------------------------------------------------------ */

static int bins_of(const struct http_request *r, int64_t location_id, json_t **ret,
                   struct dm_err *e)
{
    const struct list_value value = {"storage_location_id", store_i(location_id)};
    const struct list_ask ask = {&value, 1, 0, 0, NULL};
    return list_rows(api_ctx(r), &list_bins, &ask, ret, NULL, e);
}

static int search_point(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *warehouse = NULL;
    DM_CLEANUP(inv_json_freep) json_t *area = NULL;
    DM_CLEANUP(inv_json_freep) json_t *location = NULL;
    DM_CLEANUP(inv_json_freep) json_t *bins = NULL;
    struct places_hit hit;
    json_t *o;
    DM_TRY(resource_missing(places_at(api_ctx(r), http_num(r->query, "longitude", 0),
                                      http_num(r->query, "latitude", 0), &hit, e),
                            e));
    DM_TRY(resource_read(r, &resource_warehouse, hit.warehouse_id, &warehouse, e));
    DM_TRY(resource_read(r, &resource_area, hit.area_id, &area, e));
    DM_TRY(resource_read(r, &resource_location, hit.location_id, &location, e));
    DM_TRY(bins_of(r, hit.location_id, &bins, e));
    DM_TRY(api_json(json_pack("{s:O, s:O, s:O, s:O, s:s, s:f}", "warehouse", warehouse, "area",
                              area, "location", location, "bins", bins, "match",
                              hit.contains ? "contains" : "nearest", "distance_m",
                              round(hit.distance_m * 100) / 100),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int check_places(struct http_request *r, struct dm_err *e)
{
    static const char *const name[PLACES_LEVEL_MAX_] = {"warehouse_id", "area_id", "location_id",
                                                        "bin_id"};
    int64_t id[PLACES_LEVEL_MAX_];
    json_t *errors;
    json_t *o;
    DM_CLEANUP(inv_json_freep) json_t *ids = json_object();
    for (int i = 0; i < PLACES_LEVEL_MAX_; i++) {
        id[i] = http_int(r->query, name[i], http_int(r->body, name[i], 0));
        DM_TRY(inv_json_set(ids, name[i], api_ref(id[i]), e));
    }
    DM_TRY(places_check(api_ctx(r), id, &errors, e));
    const bool valid = !json_array_size(errors);
    DM_TRY(api_json(
        json_pack("{s:b, s:o, s:s, s:O}", "valid", valid, "errors", errors, "message",
                  valid ? "these places belong together" : "these places do not belong together",
                  "hierarchy", ids),
        &o, e));
    return http_reply_json(r, 200, o, e);
}

static int area_use(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "id", 0);
    double area;
    double used;
    json_t *o;
    DM_TRY(resource_missing(places_used(api_ctx(r), id, &area, &used, e), e));
    DM_TRY(api_json(json_pack("{s:I, s:f, s:f, s:f}", "storage_area_id", (json_int_t)id,
                              "used_area_m2", round(used * 100) / 100, "area_m2",
                              round(area * 100) / 100, "utilization_pct",
                              round(used / area * 10000) / 100),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* One level of a tree: rows of a list below the nodes of the level above. */
struct level {
    const struct list *list;
    const char *id, *up; /* members: own id, id of the parent */
    const char *own,
        *here;   /* NULL own: the row is the node; else its member. Member of the parent */
    bool active; /* only active ones */
};

/* id as text -> node. */
static int note(json_t *index, int64_t id, json_t *node, struct dm_err *e)
{
    char key[24];
    (void)snprintf(key, sizeof(key), "%lld", (long long)id);
    if (json_object_set(index, key, node)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the tree");
    }
    return DM_OK;
}

static json_t *noted(const json_t *index, int64_t id)
{
    char key[24];
    (void)snprintf(key, sizeof(key), "%lld", (long long)id);
    return json_object_get(index, key);
}

/* Hang the rows of a level under their parents; *index comes and goes as that of a level. Rows
 * whose parent is not there (inactive, another nave) stay out. */
static int hang(const struct http_request *r, const struct level *l, const char *below,
                json_t **index, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *nodes = json_object();
    const struct list_value active = {"active", store_b(true)};
    const struct list_ask ask = {&active, l->active, 0, 0, NULL};
    json_t *row;
    size_t i;
    DM_TRY(list_rows(api_ctx(r), l->list, &ask, &rows, NULL, e));
    json_array_foreach(rows, i, row)
    {
        json_t *parent = noted(*index, l->up ? inv_json_int(row, l->up) : 0);
        if (!parent) {
            continue;
        }
        DM_CLEANUP(inv_json_freep)
        json_t *node = l->own ? json_pack("{s:O}", l->own, row) : json_incref(row);
        if (below) {
            DM_TRY(inv_json_set(node, below, json_array(), e));
        }
        DM_TRY(note(nodes, inv_json_int(row, l->id), node, e));
        if (json_array_append(json_object_get(parent, l->here), node)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the tree");
        }
    }
    json_decref(*index);
    *index = DM_STEAL(nodes);
    return DM_OK;
}

/* Levels until depth; *leaves: the claros' index when they are there. */
static int grow(const struct http_request *r, const struct level *l, int depth, json_t **ret,
                json_t **ret_claros, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *root = json_pack("{s:[]}", l[0].here);
    DM_CLEANUP(inv_json_freep) json_t *index = json_object();
    DM_TRY(note(index, 0, root, e));
    for (int i = 0; i < depth; i++) {
        DM_TRY(hang(r, &l[i], i + 1 < depth ? l[i + 1].here : NULL, &index, e));
        if (i == 2 && ret_claros) {
            *ret_claros = json_incref(index);
        }
    }
    *ret = DM_STEAL(root);
    return DM_OK;
}

static int get_tree(struct http_request *r, struct dm_err *e)
{
    static const struct level levels[] = {
        {&list_warehouses, "warehouse_id", NULL, NULL, "warehouses", true},
        {&list_areas, "storage_area_id", "warehouse_id", NULL, "storage_areas", true},
        {&list_locations, "storage_location_id", "storage_area_id", NULL, "locations", true},
        {&list_bins, "bin_id", "storage_location_id", NULL, "bins", false},
    };
    const int64_t only = http_int(r->query, "warehouse_id", 0);
    json_t *tree = NULL;
    if (only) {
        DM_TRY(resource_need(r, &resource_warehouse, only, e));
    }
    DM_TRY(grow(r, levels, (int)http_int(r->query, "depth", 3), &tree, NULL, e));
    json_t *naves = json_object_get(tree, "warehouses");
    for (size_t i = json_array_size(naves); only && i-- > 0;) {
        if (inv_json_int(json_array_get(naves, i), "warehouse_id") != only) {
            json_array_remove(naves, i);
        }
    }
    return http_reply_json(r, 200, tree, e);
}

/* Each claro's configuration, and whether something is wrong there: none, or a photo that failed or
 * waits. */
static int add_state(const struct http_request *r, const json_t *claros, struct dm_err *e)
{
    static const struct list_value active = {"active", {.type = 'b', .b = true}};
    static const struct list_ask ask = {&active, 1, 0, 0, NULL};
    DM_CLEANUP(inv_json_freep) json_t *configs = NULL;
    const struct map_claro *claro;
    size_t n;
    json_t *config;
    size_t i;
    DM_TRY(list_rows(api_ctx(r), &list_configs, &ask, &configs, NULL, e));
    DM_TRY(map_claros(api_ctx(r), 0, false, r->arena, &claro, &n, e));
    for (size_t k = 0; k < n; k++) {
        json_t *node = noted(claros, claro[k].id);
        if (node) {
            const bool warn = !claro[k].config_product_id || claro[k].open_photos > 0;
            DM_TRY(inv_json_set(node, "current_config", json_null(), e));
            DM_TRY(inv_json_set(node, "has_warning", json_boolean(warn), e));
        }
    }
    json_array_foreach(configs, i, config)
    {
        json_t *node = noted(claros, inv_json_int(config, "storage_location_id"));
        if (node) {
            DM_TRY(inv_json_set(node, "current_config", json_incref(config), e));
        }
    }
    return DM_OK;
}

static int get_hierarchy(struct http_request *r, struct dm_err *e)
{
    static const struct level levels[] = {
        {&list_warehouses, "warehouse_id", NULL, "warehouse", "warehouses", true},
        {&list_areas, "storage_area_id", "warehouse_id", "area", "areas", true},
        {&list_locations, "storage_location_id", "storage_area_id", "location", "locations", true},
        {&list_bins, "bin_id", "storage_location_id", NULL, "bins", false},
    };
    DM_CLEANUP(inv_json_freep) json_t *tree = NULL;
    DM_CLEANUP(inv_json_freep) json_t *claros = NULL;
    DM_TRY(grow(r, levels, DM_COUNT(levels), &tree, &claros, e));
    DM_TRY(add_state(r, claros, e));
    return http_reply_json(r, 200, DM_STEAL(tree), e);
}

/* ---- GeoJSON --------------------------------------------------------------------------------- */

/* Per kind of place: its list, and what a feature says of it. */
static const struct feature_level {
    const char *name;
    const struct list *list, *parent;
    const char *id, *up, *up_id;
} feature_levels[] = {
    {"warehouse", &list_warehouses, NULL, "warehouse_id", NULL, NULL},
    {"area", &list_areas, &list_warehouses, "storage_area_id", "warehouse_id", "warehouse_id"},
    {"location", &list_locations, &list_areas, "storage_location_id", "storage_area_id",
     "storage_area_id"},
};

static int index_codes(const struct http_request *r, const struct feature_level *l, json_t *index,
                       struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    json_t *row;
    size_t i;
    if (!l->parent) {
        return DM_OK;
    }
    DM_TRY(list_rows(api_ctx(r), l->parent, &(struct list_ask){0}, &rows, NULL, e));
    json_array_foreach(rows, i, row)
    {
        DM_TRY(note(index, inv_json_int(row, l->up_id), json_object_get(row, "code"), e));
    }
    return DM_OK;
}

static int index_counts(const struct http_request *r, const struct feature_level *l, json_t *index,
                        struct dm_err *e)
{
    const struct map_claro *claro;
    size_t n;
    if (l->list != &list_locations) {
        return DM_OK;
    }
    DM_TRY(map_claros(api_ctx(r), 0, false, r->arena, &claro, &n, e));
    for (size_t i = 0; i < n; i++) {
        DM_CLEANUP(inv_json_freep)
        json_t *counts =
            json_pack("{s:I, s:I, s:I}", "total_plants", (json_int_t)claro[i].plants, "total_pots",
                      (json_int_t)claro[i].pots, "batches", (json_int_t)claro[i].batches);
        DM_TRY(note(index, claro[i].id, counts, e));
    }
    return DM_OK;
}

static json_t *feature_of(const struct feature_level *l, const json_t *row, const json_t *codes,
                          const json_t *counts)
{
    const int64_t id = inv_json_int(row, l->id);
    json_t *properties =
        json_pack("{s:I, s:O, s:O, s:O?}", "id", (json_int_t)id, "code",
                  json_object_get(row, "code"), "name", json_object_get(row, "name"), "parent_code",
                  l->up ? noted(codes, inv_json_int(row, l->up)) : NULL);
    json_t *more = noted(counts, id);
    if (!properties || (more && json_object_update(properties, more))) {
        json_decref(properties);
        return NULL;
    }
    return json_pack("{s:s, s:O, s:o}", "type", "Feature", "geometry",
                     json_object_get(row, "geojson_coordinates"), "properties", properties);
}

static int export_geojson(struct http_request *r, struct dm_err *e)
{
    const struct feature_level *l = feature_levels;
    const int64_t warehouse = http_int(r->query, "warehouse_id", 0);
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(inv_json_freep) json_t *codes = json_object();
    DM_CLEANUP(inv_json_freep) json_t *counts = json_object();
    DM_CLEANUP(inv_json_freep)
    json_t *out = json_pack("{s:s, s:[]}", "type", "FeatureCollection", "features");
    const char *text;
    json_t *row;
    size_t i;
    while (strcmp(l->name, http_str(r->query, "level")) != 0) {
        l++;
    }
    const struct list_value value[] = {
        {"active", store_b(true)},
        {l->list == &list_warehouses ? "id" : "warehouse_id", store_ref(warehouse)},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, 0, NULL};
    DM_TRY(list_rows(api_ctx(r), l->list, &ask, &rows, NULL, e));
    DM_TRY(index_codes(r, l, codes, e));
    DM_TRY(index_counts(r, l, counts, e));
    json_array_foreach(rows, i, row)
    {
        if (json_array_append_new(json_object_get(out, "features"),
                                  feature_of(l, row, codes, counts))) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the map");
        }
    }
    DM_TRY(inv_json_text(out, r->arena, &text, e));
    return http_reply_bytes(r, 200, "application/geo+json", "demeter_map.geojson", text,
                            strlen(text), e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

// clang-format off
#define HIERARCHY(prefix, word, hidden)                                                                              \
    {HTTP_GET, prefix "/warehouses/hierarchy", "get_hierarchy" word, "admin", "All places with their configuration", \
     .role = API_SUPERVISOR, .flags = HTTP_ETAG | (hidden), .answer = {{200, &Hierarchy}}, .handle = get_hierarchy}

const struct http_route place_routes[] = {
    {HTTP_GET, "/api/v1/locations/search", "search_location", "locations", "The claro at a point", .role = API_VIEWER,
     .query = point_query, .answer = {{200, &GpsChain}}, .errors = "404", .handle = search_point},
    {HTTP_POST, "/api/v1/locations/validate", "validate_hierarchy", "locations", "Whether places belong together",
     .role = API_VIEWER, .flags = HTTP_BODY_OPTIONAL, .query = four_query, .body = &FourIds,
     .answer = {{200, &HierarchyCheck}}, .handle = check_places},
    {HTTP_GET, "/api/v1/locations/tree", "get_place_tree", "locations", "Places as a tree", .role = API_VIEWER,
     .flags = HTTP_ETAG, .query = tree_query, .answer = {{200, &PlaceTree}}, .errors = "404", .handle = get_tree},
    {HTTP_GET, "/api/v1/locations/areas/{id}/utilization", "get_area_utilization", "locations",
     "How much of a cantero is taken", .role = API_VIEWER, .answer = {{200, &AreaUse}}, .errors = "404",
     .handle = area_use},
    {HTTP_GET, "/api/v1/map/export.geojson", "export_map", "map", "Places for a map program", .role = API_VIEWER,
     .flags = HTTP_OPEN_REPLY, .query = geojson_query, .answer = {{200, .type = "application/geo+json"}},
     .handle = export_geojson},
    HIERARCHY("/api/admin", "", 0),
    {0},
};
// clang-format on

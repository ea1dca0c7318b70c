/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/locations: naves, canteros, claros, containers and their kinds (api.md 5.3, 10). Finding
 * and showing places is in api_places.c. */
#include "api/api_locations.h"

#include "api/rows.h"

/* ---- resources ------------------------------------------------------------------------------ */

static const struct resource_name geometry_name[] = {{"geojson_coordinates", "geojson"},
                                                     {NULL, NULL}};

const struct resource resource_warehouse = {
    .noun = "warehouse",
    .path = "/api/v1/locations/warehouses",
    .list = &list_warehouses,
    .kind = MASTER_WAREHOUSE,
    .removal = RESOURCE_INACTIVE,
    .active_only = true,
    .name = geometry_name,
    .written = resource_add_warnings,
};

static const struct resource_link in_warehouse[] = {
    {"warehouse_id", &resource_warehouse, NULL},
    {NULL, NULL, NULL},
};
const struct resource resource_area = {
    .noun = "area",
    .path = "/api/v1/locations/areas",
    .list = &list_areas,
    .kind = MASTER_AREA,
    .removal = RESOURCE_INACTIVE,
    .active_only = true,
    .name = geometry_name,
    .link = in_warehouse,
    .written = resource_add_warnings,
};

static const struct resource_link in_area[] = {
    {"warehouse_id", &resource_warehouse, NULL},
    {"area_id", &resource_area, "storage_area_id"},
    {"storage_area_id", &resource_area, NULL},
    {NULL, NULL, NULL},
};
const struct resource resource_location = {
    .noun = "location",
    .path = "/api/v1/locations/locations",
    .list = &list_locations,
    .kind = MASTER_LOCATION,
    .removal = RESOURCE_INACTIVE,
    .active_only = true,
    .name = geometry_name,
    .link = in_area,
    .written = resource_add_warnings,
};

static const struct resource_link in_location[] = {
    {"location_id", &resource_location, "storage_location_id"},
    {"storage_location_id", &resource_location, NULL},
    {NULL, NULL, NULL},
};
static const struct resource bins = {
    .noun = "bin",
    .path = "/api/v1/locations/bins",
    .list = &list_bins,
    .kind = MASTER_BIN,
    .removal = RESOURCE_RETIRED,
    .active_only = true, /* the query's fallback is false */
    .link = in_location,
};

static const struct resource bin_types = {
    .noun = "bin type",
    .path = "/api/v1/locations/bin-types",
    .list = &list_bin_types,
    .kind = MASTER_BIN_TYPE,
    .removal = RESOURCE_INACTIVE,
    .active_only = true,
};

/* ---- bodies: `need` is HTTP_REQ for new rows ------------------------------------------------- */

#define CODE(most, allowed)                                                                        \
    {                                                                                              \
        "code", HTTP_STR, .min = 2, .max = (most), .pattern = (allowed),                           \
                          .about = "absent: made from the name"                                    \
    }
#define NAME(need)                                                                                 \
    {                                                                                              \
        "name", HTTP_STR, (need) | HTTP_TRIM, .min = 1, .max = 200                                 \
    }
#define POLYGON(need)                                                                              \
    {                                                                                              \
        "geojson_coordinates", HTTP_OBJ, (need),                                                   \
            .about = "GeoJSON Polygon: one closed ring, 4 to 1000 positions",                      \
            .example =                                                                             \
                "{\"type\": \"Polygon\", \"coordinates\": [[[-68.5, -33.0], [-68.499, -33.0],"     \
                " [-68.499, -32.999], [-68.5, -32.999], [-68.5, -33.0]]]}"                         \
    }
#define ACTIVE                                                                                     \
    {                                                                                              \
        "active", HTTP_BOOL                                                                        \
    }
#define PLUS(field, type)                                                                          \
    {                                                                                              \
        (field), (type), HTTP_NULL | HTTP_ABOVE, .min = 0, .max = 1e6                              \
    }
#define PARENT(field)                                                                              \
    {                                                                                              \
        (field), HTTP_INT, HTTP_REQ, .min = 1, .max = INT32_MAX                                    \
    }

#define WAREHOUSE_FIELDS(need)                                                                     \
    CODE(20, "[A-Z0-9_-]+"), NAME(need),                                                           \
        {"warehouse_type", HTTP_STR, (need), .one_of = API_WAREHOUSE_TYPES}, POLYGON(need), ACTIVE
#define AREA_FIELDS(need)                                                                          \
    {"parent_area_id", HTTP_INT, HTTP_NULL, .min = 1, .max = INT32_MAX},                           \
        CODE(50, "[A-Z0-9_]+-[A-Z0-9_-]+"), NAME(need),                                            \
        {"position", HTTP_STR, HTTP_NULL, .one_of = API_POSITIONS}, POLYGON(need), ACTIVE
#define LOCATION_FIELDS(need)                                                                      \
    CODE(50, "[A-Z0-9_]+-[A-Z0-9_]+-[A-Z0-9_-]+"), NAME(need),                                     \
        {"qr_code",                                                                                \
         HTTP_STR,                                                                                 \
         .min = 8,                                                                                 \
         .max = 20,                                                                                \
         .pattern = "[A-Z0-9_-]+",                                                                 \
         .about = "absent: LOC and six digits"},                                                   \
        POLYGON(need), {"position_metadata", HTTP_OBJ},                                            \
        {"description", HTTP_STR, HTTP_NULL, .max = 10000}, ACTIVE
#define BIN_FIELDS(need)                                                                           \
    {"storage_bin_type_id", HTTP_INT, (need), .min = 1, .max = INT32_MAX},                         \
        CODE(100, "[A-Z0-9_]+-[A-Z0-9_]+-[A-Z0-9_]+-[A-Z0-9_-]+"),                                 \
        {"label", HTTP_STR, (need) | HTTP_TRIM, .min = 1, .max = 100},                             \
        {"position_metadata", HTTP_OBJ, HTTP_NULL},                                                \
        {"description", HTTP_STR, HTTP_NULL, .max = 10000},                                        \
    {                                                                                              \
        "status", HTTP_STR, .one_of = API_BIN_STATUS                                               \
    }
#define BIN_TYPE_FIELDS(need)                                                                      \
    NAME(need), {"description", HTTP_STR, HTTP_NULL, .max = 10000}, PLUS("rows", HTTP_INT),        \
        PLUS("columns", HTTP_INT), PLUS("capacity", HTTP_INT), PLUS("length_cm", HTTP_NUM),        \
        PLUS("width_cm", HTTP_NUM), PLUS("height_cm", HTTP_NUM),                                   \
    {                                                                                              \
        "is_grid", HTTP_BOOL                                                                       \
    }

// clang-format off
static const struct http_field warehouse_new[] = {WAREHOUSE_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field warehouse_edit[] = {WAREHOUSE_FIELDS(0), {NULL}};
static const struct http_field area_new[] = {PARENT("warehouse_id"), AREA_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field area_edit[] = {AREA_FIELDS(0), {NULL}};
static const struct http_field location_new[] = {PARENT("storage_area_id"), LOCATION_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field location_edit[] = {LOCATION_FIELDS(0), {NULL}};
static const struct http_field bin_new[] = {PARENT("storage_location_id"), BIN_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field bin_edit[] = {BIN_FIELDS(0), {NULL}};
static const struct http_field bin_type_new[] = {
    {"code", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = 3, .max = 50, .pattern = "[A-Z0-9_]+"},
    {"category", HTTP_STR, HTTP_REQ, .one_of = API_BIN_CATEGORIES}, BIN_TYPE_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field bin_type_edit[] = {BIN_TYPE_FIELDS(0), ACTIVE, {NULL}};
// clang-format on

static const struct http_schema WarehouseNew = {"WarehouseNew", warehouse_new};
static const struct http_schema WarehouseEdit = {"WarehouseEdit", warehouse_edit};
static const struct http_schema AreaNew = {"StorageAreaNew", area_new};
static const struct http_schema AreaEdit = {"StorageAreaEdit", area_edit};
static const struct http_schema LocationNew = {"StorageLocationNew", location_new};
static const struct http_schema LocationEdit = {"StorageLocationEdit", location_edit};
static const struct http_schema BinNew = {"StorageBinNew", bin_new};
static const struct http_schema BinEdit = {"StorageBinEdit", bin_edit};
static const struct http_schema BinTypeNew = {"BinTypeNew", bin_type_new};
static const struct http_schema BinTypeEdit = {"BinTypeEdit", bin_type_edit};

/* ---- parameters ------------------------------------------------------------------------------ */

static const struct http_field warehouse_query[] = {
    {"warehouse_type", HTTP_STR, .one_of = API_WAREHOUSE_TYPES},
    RESOURCE_Q,
    RESOURCE_ACTIVE_ONLY,
    {NULL},
};
static const struct http_field area_query[] = {
    RESOURCE_ID("warehouse_id"),
    {"position", HTTP_STR, .one_of = API_POSITIONS},
    RESOURCE_Q,
    RESOURCE_ACTIVE_ONLY,
    {NULL},
};
static const struct http_field location_query[] = {
    RESOURCE_ID("warehouse_id"), RESOURCE_ID("storage_area_id"),
    {"has_config", HTTP_BOOL},   RESOURCE_Q,
    RESOURCE_ACTIVE_ONLY,        {NULL},
};
#define ACTIVE_BINS                                                                                \
    {                                                                                              \
        "active_only", HTTP_BOOL, .fallback = "false", .about = "true: active containers only"     \
    }
static const struct http_field bin_query[] = {
    RESOURCE_ID("storage_location_id"),
    RESOURCE_ID("storage_bin_type_id"),
    {"status", HTTP_STR, .one_of = API_BIN_STATUS},
    ACTIVE_BINS,
    {NULL},
};
static const struct http_field bin_type_query[] = {
    {"category", HTTP_STR, .one_of = API_BIN_CATEGORIES},
    RESOURCE_ACTIVE_ONLY,
    {NULL},
};
static const struct http_field active_query[] = {RESOURCE_ACTIVE_ONLY, {NULL}};
static const struct http_field active_bins_query[] = {ACTIVE_BINS, {NULL}};

/* ---- routes ---------------------------------------------------------------------------------- */

// clang-format off
const struct http_route location_routes[] = {
    RESOURCE_ROUTES("/api/v1/locations/warehouses", "warehouse", "warehouses", "locations",
                    API_ADMIN, resource_warehouse, Warehouse, WarehouseNew, WarehouseEdit, warehouse_query,
                    NULL, "400 409", "400 404 409 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/locations/areas", "area", "areas", "locations",
                    API_ADMIN, resource_area, StorageArea, AreaNew, AreaEdit, area_query,
                    "404", "400 404 409", "400 404 409 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/locations/locations", "location", "locations", "locations",
                    API_ADMIN, resource_location, StorageLocation, LocationNew, LocationEdit, location_query,
                    "404", "400 404 409", "400 404 409 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/locations/bins", "bin", "bins", "locations",
                    API_SUPERVISOR, bins, StorageBin, BinNew, BinEdit, bin_query,
                    "404", "400 404 409", "400 404 409 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/locations/bin-types", "bin_type", "bin_types", "locations",
                    API_ADMIN, bin_types, BinType, BinTypeNew, BinTypeEdit, bin_type_query,
                    NULL, "400 409", "400 404 412", "404 409"),

    {HTTP_GET, "/api/v1/locations/warehouses/{warehouse_id}/areas", "list_warehouse_areas", "locations",
     "Canteros of a nave", .role = API_VIEWER, .flags = HTTP_OFFSET, .query = active_query,
     .answer = {{200, &StorageArea, true}}, .errors = "404", .handle = resource_list, .own = &resource_area},
    {HTTP_GET, "/api/v1/locations/areas/{area_id}/locations", "list_area_locations", "locations",
     "Claros of a cantero", .role = API_VIEWER, .flags = HTTP_OFFSET, .query = active_query,
     .answer = {{200, &StorageLocation, true}}, .errors = "404", .handle = resource_list, .own = &resource_location},
    {HTTP_GET, "/api/v1/locations/locations/{location_id}/bins", "list_location_bins", "locations",
     "Containers of a claro", .role = API_VIEWER, .flags = HTTP_OFFSET, .query = active_bins_query,
     .answer = {{200, &StorageBin, true}}, .errors = "404", .handle = resource_list, .own = &bins},
    {0},
};
// clang-format on

/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of places and of what is meant to stand in them (api.md section 4). */
#include "api/schemas_places.h"

#define SQUARE                                                                                     \
    "{\"type\": \"Polygon\", \"coordinates\": [[[-68.5, -33.0], [-68.499, -33.0],"                 \
    " [-68.499, -32.999], [-68.5, -32.999], [-68.5, -33.0]]]}"

static const struct http_field point_fields[] = {
    {"type", HTTP_STR, .one_of = "Point", .example = "\"Point\""},
    {"coordinates", HTTP_NUM, HTTP_LIST, .items_min = 2, .items_max = 2,
     .about = "longitude, latitude", .example = "[-68.4995, -32.9995]"},
    {NULL},
};
const struct http_schema GeoPoint = {"Point", point_fields};

static const struct http_field polygon_fields[] = {
    {"type", HTTP_STR, .one_of = "Polygon", .example = "\"Polygon\""},
    {"coordinates", HTTP_ANY, .about = "one closed ring of positions longitude, latitude"},
    {NULL},
};
const struct http_schema GeoPolygon = {"Polygon", polygon_fields};

#define SHAPE                                                                                      \
    {"geojson_coordinates", HTTP_OBJ, .of = &GeoPolygon, .example = SQUARE},                       \
        {"centroid", HTTP_OBJ, HTTP_NULL, .of = &GeoPoint},                                        \
    {                                                                                              \
        "area_m2", HTTP_NUM, HTTP_NULL, .example = "10364.55"                                      \
    }
#define TIMES                                                                                      \
    {"created_at", HTTP_INSTANT},                                                                  \
    {                                                                                              \
        "updated_at", HTTP_INSTANT, HTTP_NULL                                                      \
    }
/* of rows that were just written */
#define WARNINGS                                                                                   \
    {                                                                                              \
        "warnings", HTTP_STR, HTTP_LIST | HTTP_OPT                                                 \
    }

static const struct http_field warehouse_fields[] = {
    {"warehouse_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"NAVE01\""},
    {"name", HTTP_STR, .example = "\"Nave 1\""},
    {"warehouse_type", HTTP_STR, .one_of = API_WAREHOUSE_TYPES, .example = "\"greenhouse\""},
    SHAPE,
    {"active", HTTP_BOOL},
    TIMES,
    WARNINGS,
    {NULL},
};
const struct http_schema Warehouse = {"Warehouse", warehouse_fields};

static const struct http_field area_fields[] = {
    {"storage_area_id", HTTP_INT, .example = "1"},
    {"warehouse_id", HTTP_INT, .example = "1"},
    {"parent_area_id", HTTP_INT, HTTP_NULL},
    {"code", HTTP_STR, .example = "\"NAVE01-N\""},
    {"name", HTTP_STR, .example = "\"Cantero Norte\""},
    {"position", HTTP_STR, HTTP_NULL, .one_of = API_POSITIONS, .example = "\"N\""},
    SHAPE,
    {"active", HTTP_BOOL},
    TIMES,
    WARNINGS,
    {NULL},
};
const struct http_schema StorageArea = {"StorageArea", area_fields};

static const struct http_field location_fields[] = {
    {"storage_location_id", HTTP_INT, .example = "1"},
    {"storage_area_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"NAVE01-N-C07\""},
    {"name", HTTP_STR, .example = "\"Claro 7\""},
    {"qr_code", HTTP_STR, HTTP_NULL, .example = "\"LOC000007\""},
    {"coordinates", HTTP_OBJ, .of = &GeoPoint},
    {"centroid", HTTP_OBJ, HTTP_NULL, .of = &GeoPoint},
    {"area_m2", HTTP_NUM, HTTP_NULL, .example = "7.2"},
    {"position_metadata", HTTP_OBJ, HTTP_NULL},
    {"active", HTTP_BOOL},
    TIMES,
    {"geojson_coordinates", HTTP_OBJ, .of = &GeoPolygon, .example = SQUARE},
    {"description", HTTP_STR, HTTP_NULL},
    WARNINGS,
    {NULL},
};
const struct http_schema StorageLocation = {"StorageLocation", location_fields};

static const struct http_field bin_fields[] = {
    {"bin_id", HTTP_INT, .example = "1"},
    {"storage_location_id", HTTP_INT, .example = "1"},
    {"storage_bin_type_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"NAVE01-N-C07-SEG001\""},
    {"label", HTTP_STR, .example = "\"Segmento 1\""},
    {"position_metadata", HTTP_OBJ, HTTP_NULL},
    {"status", HTTP_STR, .one_of = API_BIN_STATUS, .example = "\"active\""},
    TIMES,
    {"description", HTTP_STR, HTTP_NULL},
    {NULL},
};
const struct http_schema StorageBin = {"StorageBin", bin_fields};

static const struct http_field bin_type_fields[] = {
    {"storage_bin_type_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"PLUG_TRAY_288\""},
    {"name", HTTP_STR, .example = "\"Plug tray 288\""},
    {"description", HTTP_STR, HTTP_NULL},
    {"category", HTTP_STR, .one_of = API_BIN_CATEGORIES, .example = "\"plug\""},
    {"rows", HTTP_INT, HTTP_NULL, .example = "18"},
    {"columns", HTTP_INT, HTTP_NULL, .example = "16"},
    {"capacity", HTTP_INT, HTTP_NULL, .example = "288"},
    {"length_cm", HTTP_NUM, HTTP_NULL, .example = "54"},
    {"width_cm", HTTP_NUM, HTTP_NULL, .example = "28"},
    {"height_cm", HTTP_NUM, HTTP_NULL, .example = "5.5"},
    {"is_grid", HTTP_BOOL},
    TIMES,
    {NULL},
};
const struct http_schema BinType = {"BinType", bin_type_fields};

static const struct http_field config_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"storage_location_id", HTTP_INT, .example = "1"},
    {"product_id", HTTP_INT, .example = "1"},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, .example = "1"},
    {"expected_product_state_id", HTTP_INT, .example = "3"},
    {"area_cm2", HTTP_NUM, .example = "72000"},
    {"active", HTTP_BOOL},
    {"notes", HTTP_STR, HTTP_NULL},
    TIMES,
    {"plants_per_container", HTTP_INT, .example = "1"},
    {"valid_from", HTTP_INSTANT},
    {"valid_to", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
const struct http_schema LocationConfig = {"LocationConfig", config_fields};

/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/packaging: types, materials, colours, the catalogue of pots (api.md section 14). */
#include "api/resource.h"
#include "inventory/json.h"

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field word_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"RIGIDA\""},
    {"name", HTTP_STR, .example = "\"Rigid\""},
    {"description", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema PackagingType = {"PackagingType", word_fields};
static const struct http_schema PackagingMaterial = {"PackagingMaterial", word_fields};

static const struct http_field color_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"name", HTTP_STR, .example = "\"Terracota\""},
    {"hex_code", HTTP_STR, .example = "\"#C66B3D\""},
    {NULL},
};
static const struct http_schema PackagingColor = {"PackagingColor", color_fields};

static const struct http_field packaging_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"packaging_type_id", HTTP_INT, .example = "1"},
    {"packaging_material_id", HTTP_INT, .example = "1"},
    {"packaging_color_id", HTTP_INT, .example = "1"},
    {"sku", HTTP_STR, .example = "\"RIG-R5-TER\""},
    {"name", HTTP_STR, .example = "\"R5 terracota\""},
    {"volume_liters", HTTP_NUM, HTTP_NULL, .example = "0.07"},
    {"diameter_cm", HTTP_NUM, HTTP_NULL, .example = "5"},
    {"height_cm", HTTP_NUM, HTTP_NULL, .example = "5"},
    {"type_name", HTTP_STR},
    {"material_name", HTTP_STR},
    {"color_name", HTTP_STR},
    {"hex_color", HTTP_STR},
    {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
static const struct http_schema Packaging = {"Packaging", packaging_fields};
static const struct http_field changed_fields[] = {
    {"affected_price_list_entries", HTTP_INT, .example = "0"},
    {"warning", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema PackagingChanged = {"PackagingChanged", changed_fields, &Packaging,
                                                    0};

/* ---- bodies ---------------------------------------------------------------------------------- */

#define NAME(need, least, most)                                                                    \
    {                                                                                              \
        "name", HTTP_STR, (need) | HTTP_TRIM, .min = (least), .max = (most)                        \
    }
#define LONG                                                                                       \
    {                                                                                              \
        "description", HTTP_STR, HTTP_NULL, .max = 10000                                           \
    }
#define PART(field, need, other)                                                                   \
    {                                                                                              \
        (field), HTTP_INT, (need), .min = 1, .max = INT32_MAX, .alias = (other)                    \
    }
#define SIZE(field)                                                                                \
    {                                                                                              \
        (field), HTTP_NUM, HTTP_NULL, .min = 1e-3, .max = 1e5                                      \
    }
#define PACKAGING_FIELDS(need)                                                                     \
    PART("packaging_type_id", need, "type_id"), PART("packaging_material_id", need, NULL),         \
        PART("packaging_color_id", need, "color_id"), NAME(0, 1, 200), SIZE("volume_liters"),      \
        SIZE("diameter_cm"), SIZE("height_cm")

// clang-format off
static const struct http_field word_new[] = {
    {"code", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = 3, .max = 50, .pattern = "[A-Z0-9_-]+"},
    NAME(HTTP_REQ, 1, 100), LONG, {NULL}};
static const struct http_field word_edit[] = {NAME(0, 1, 100), LONG, {NULL}};
static const struct http_field color_new[] = {
    NAME(HTTP_REQ, 3, 50), {"hex_code", HTTP_STR, HTTP_REQ, .pattern = "#[0-9A-Fa-f]{6}"}, {NULL}};
static const struct http_field color_edit[] = {
    NAME(0, 3, 50), {"hex_code", HTTP_STR, .pattern = "#[0-9A-Fa-f]{6}"}, {NULL}};
static const struct http_field packaging_new[] = {
    PACKAGING_FIELDS(HTTP_REQ),
    {"sku", HTTP_STR, HTTP_UPPER, .min = 6, .max = 50, .pattern = "[A-Z0-9-]+"}, {NULL}};
static const struct http_field packaging_edit[] = {PACKAGING_FIELDS(0), {NULL}};
// clang-format on
static const struct http_schema WordNew = {"PackagingWordNew", word_new};
static const struct http_schema WordEdit = {"PackagingWordEdit", word_edit};
static const struct http_schema ColorNew = {"PackagingColorNew", color_new};
static const struct http_schema ColorEdit = {"PackagingColorEdit", color_edit};
static const struct http_schema PackagingNew = {"PackagingNew", packaging_new};
static const struct http_schema PackagingEdit = {"PackagingEdit", packaging_edit};

/* ---- resources ------------------------------------------------------------------------------- */

static const struct resource types = {
    .noun = "packaging type",
    .path = "/api/v1/packaging/types",
    .list = &list_packaging_types,
    .kind = MASTER_PACKAGING_TYPE,
};
static const struct resource materials = {
    .noun = "packaging material",
    .path = "/api/v1/packaging/materials",
    .list = &list_materials,
    .kind = MASTER_PACKAGING_MATERIAL,
};
static const struct resource colors = {
    .noun = "packaging color",
    .path = "/api/v1/packaging/colors",
    .list = &list_colors,
    .kind = MASTER_PACKAGING_COLOR,
};

/* Who changes a pot learns how many prices hang on it. */
static int add_affected(struct http_request *r, const json_t *warnings, json_t *row,
                        struct dm_err *e)
{
    int64_t n = 0;
    const json_t *warning;
    size_t i;
    if (r->method == HTTP_POST) {
        return DM_OK;
    }
    json_array_foreach(warnings, i, warning)
    {
        n += inv_json_int(warning, "count");
    }
    DM_TRY(inv_json_set(row, "affected_price_list_entries", json_integer(n), e));
    return inv_json_set(
        row, "warning",
        n ? json_sprintf("%lld prices are for this pot", (long long)n) : json_null(), e);
}
static const struct resource catalog = {
    .noun = "packaging",
    .path = "/api/v1/packaging/catalog",
    .list = &list_packaging,
    .kind = MASTER_PACKAGING,
    .removal = RESOURCE_HIDDEN,
    .written = add_affected,
};

/* ---- routes ---------------------------------------------------------------------------------- */

static const struct http_field catalog_query[] = {
    {"packaging_type_id", HTTP_INT, .min = 1, .max = INT32_MAX, .alias = "type_id"},
    RESOURCE_ID("packaging_material_id"),
    {"packaging_color_id", HTTP_INT, .min = 1, .max = INT32_MAX, .alias = "color_id"},
    {"min_diameter", HTTP_NUM, .min = 0, .max = 1e5},
    {"max_diameter", HTTP_NUM, .min = 0, .max = 1e5},
    {"sort", HTTP_STR, .min = 1, .max = 60, .about = "a member, \"-\" before it: descending"},
    RESOURCE_Q,
    {NULL},
};
static const struct http_field delete_query[] = {
    {"force_soft_delete", HTTP_BOOL, .fallback = "false",
     .about = "hide it although others refer to it"},
    {NULL},
};

// clang-format off
const struct http_route packaging_routes[] = {
    RESOURCE_ROUTES("/api/v1/packaging/types", "packaging_type", "packaging_types", "packaging", API_ADMIN, types,
                    PackagingType, WordNew, WordEdit, NULL, NULL, "400 409", "400 404 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/packaging/materials", "packaging_material", "packaging_materials", "packaging",
                    API_ADMIN, materials, PackagingMaterial, WordNew, WordEdit, NULL, NULL, "400 409", "400 404 412",
                    "404 409"),
    RESOURCE_ROUTES("/api/v1/packaging/colors", "packaging_color", "packaging_colors", "packaging", API_ADMIN, colors,
                    PackagingColor, ColorNew, ColorEdit, NULL, NULL, "400 409", "400 404 409 412", "404 409"),
    {HTTP_GET, "/api/v1/packaging/catalog", "list_packaging", "packaging", "List pots", .role = API_VIEWER,
     .flags = HTTP_PAGED, .query = catalog_query, .answer = {{200, &Packaging, true}}, .handle = resource_list,
     .own = &catalog},
    {HTTP_POST, "/api/v1/packaging/catalog", "create_packaging", "packaging", "Create a pot", .role = API_ADMIN,
     .flags = HTTP_IDEMPOTENT, .body = &PackagingNew, .answer = {{201, &Packaging}}, .errors = "400 404 409",
     .handle = resource_create, .own = &catalog},
    {HTTP_GET, "/api/v1/packaging/catalog/{id}", "get_packaging", "packaging", "One pot", .role = API_VIEWER,
     .flags = HTTP_ETAG, .answer = {{200, &Packaging}}, .errors = "404", .handle = resource_get, .own = &catalog},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/packaging/catalog/{id}", "update_packaging", "packaging", "Change a pot",
     .role = API_ADMIN, .flags = HTTP_IF_MATCH, .body = &PackagingEdit, .answer = {{200, &PackagingChanged}},
     .errors = "400 404 409 412", .handle = resource_change, .own = &catalog},
    {HTTP_DELETE, "/api/v1/packaging/catalog/{id}", "delete_packaging", "packaging", "Remove or hide a pot",
     .role = API_ADMIN, .flags = HTTP_IF_MATCH, .query = delete_query, .answer = {{200, &DeleteResult}},
     .errors = "404 409", .handle = resource_delete, .own = &catalog},
    {0},
};
// clang-format on

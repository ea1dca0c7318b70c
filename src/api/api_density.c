/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/config/density-params: how much room a plant takes (api.md 5.5, 16). */
#include "inventory/density.h"

#include <math.h>

#include "api/resource.h"
#include "api/rows.h"
#include "inventory/json.h"

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field density_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"storage_bin_type_id", HTTP_INT, .example = "1"},
    {"product_id", HTTP_INT, HTTP_NULL, .about = "null: any"},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, .about = "null: none"},
    {"avg_area_per_plant_cm2", HTTP_NUM, .example = "25"},
    {"plants_per_m2", HTTP_NUM, .example = "400"},
    {"overlap_adjustment_factor", HTTP_NUM, .example = "0.85"},
    {"avg_diameter_cm", HTTP_NUM, .example = "5"},
    {"notes", HTTP_STR, HTTP_NULL},
    {"locked", HTTP_BOOL},
    {"sample_count", HTTP_INT, .example = "12"},
    {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
static const struct http_schema DensityParameter = {"DensityParameter", density_fields};

static const struct http_field calibration_fields[] = {
    {"created_at", HTTP_INSTANT},
    {"session_id", HTTP_UUID, HTTP_NULL},
    {"user_id", HTTP_INT, HTTP_NULL},
    {"sample_size", HTTP_INT},
    {"sample_area_cm2", HTTP_NUM, HTTP_NULL},
    {"old", HTTP_OBJ},
    {"new", HTTP_OBJ},
    {"applied", HTTP_BOOL},
    {"reason", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema Calibration = {"DensityCalibration", calibration_fields};

static const struct http_field proposal_fields[] = {
    {"avg_area_per_plant_cm2", HTTP_NUM},
    {"plants_per_m2", HTTP_NUM},
    {"avg_diameter_cm", HTTP_NUM},
    {"sample_size", HTTP_INT},
    {NULL},
};
static const struct http_schema Proposal = {NULL, proposal_fields};
static const struct http_field calibrated_fields[] = {
    {"proposed", HTTP_OBJ, .of = &Proposal},
    {"current", HTTP_OBJ, HTTP_NULL, .of = &DensityParameter},
    {"error_pct", HTTP_NUM, HTTP_NULL, .about = "of the current area against the photos"},
    {"applied", HTTP_BOOL},
    {NULL},
};
static const struct http_schema Calibrated = {"DensityCalibrated", calibrated_fields};

#define KEY                                                                                        \
    {"storage_bin_type_id", HTTP_INT, HTTP_REQ, .min = 1, .max = INT32_MAX, .example = "1"},       \
        {"product_id", HTTP_INT, HTTP_NULL, .min = 1, .max = INT32_MAX},                           \
    {                                                                                              \
        "packaging_catalog_id", HTTP_INT, HTTP_NULL, .min = 1, .max = INT32_MAX                    \
    }
#define VALUES                                                                                     \
    {"avg_area_per_plant_cm2", HTTP_NUM, .min = DENSITY_AREA_MIN_CM2, .max = DENSITY_AREA_MAX_CM2, \
     .example = "25"},                                                                             \
        {"plants_per_m2", HTTP_NUM,     HTTP_ABOVE,                                                \
         .min = 0,        .max = 20000, .about = "instead of the area"},                           \
        {"overlap_adjustment_factor", HTTP_NUM, .min = DENSITY_OVERLAP_MIN,                        \
         .max = DENSITY_OVERLAP_MAX},                                                              \
        {"locked", HTTP_BOOL},                                                                     \
    {                                                                                              \
        "notes", HTTP_STR, .max = 10000                                                            \
    }

static const struct http_field density_new[] = {KEY, VALUES, {NULL}};
static const struct http_field density_edit[] = {VALUES, {NULL}};
static const struct http_schema DensityNew = {"DensityNew", density_new};
static const struct http_schema DensityEdit = {"DensityEdit", density_edit};

static const struct http_field reference_fields[] = {
    {"session_id", HTTP_UUID, HTTP_REQ},
    {"known_count", HTTP_INT, HTTP_REQ, .min = 1, .max = 1e9},
    {NULL},
};
static const struct http_schema Reference = {NULL, reference_fields};
static const struct http_field calibrate_fields[] = {
    KEY,
    {"references", HTTP_OBJ, HTTP_REQ | HTTP_LIST, .items_min = DENSITY_PHOTOS_MIN,
     .items_max = DENSITY_PHOTOS_MAX, .of = &Reference},
    {"apply", HTTP_BOOL},
    {NULL},
};
static const struct http_schema Calibrate = {"DensityCalibrate", calibrate_fields};

static const struct http_field density_query[] = {RESOURCE_ID("product_id"),
                                                  RESOURCE_ID("packaging_catalog_id"),
                                                  RESOURCE_ID("storage_bin_type_id"),
                                                  {NULL}};

static const struct resource densities = {
    .noun = "density parameter",
    .path = "/api/v1/config/density-params",
    .list = &list_density,
};

/* ---- handlers -------------------------------------------------------------------------------- */

static struct density_row key_of(const json_t *o)
{
    return (struct density_row){
        .bin_type_id = http_int(o, "storage_bin_type_id", 0),
        .product_id = http_int(o, "product_id", 0),
        .packaging_id = http_int(o, "packaging_catalog_id", 0),
    };
}

/* The row of a key. 1, or 0 and nothing. */
static int find_row(const struct http_request *r, const struct density_row *key, json_t **ret,
                    struct dm_err *e)
{
    const struct list_value value[] = {
        {"storage_bin_type_id", store_i(key->bin_type_id)},
        {"product_id", store_ref(key->product_id)},
        {"packaging_catalog_id", store_ref(key->packaging_id)},
        {"no_product", key->product_id ? store_null() : store_b(true)},
        {"no_packaging", key->packaging_id ? store_null() : store_b(true)},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, 1, NULL};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_TRY(list_rows(api_ctx(r), &list_density, &ask, &rows, NULL, e));
    if (!json_array_size(rows)) {
        return 0;
    }
    *ret = json_incref(json_array_get(rows, 0));
    return 1;
}

/* The area that a body gives, either way; else what it was. */
static double area_of(const json_t *body, double otherwise)
{
    const double per_m2 = http_num(body, "plants_per_m2", 0);
    return http_num(body, "avg_area_per_plant_cm2", per_m2 > 0 ? 10000 / per_m2 : otherwise);
}

static int set_row(struct http_request *r, struct density_row *row, int status, struct dm_err *e)
{
    int64_t id;
    json_t *shown;
    row->overlap = http_num(r->body, "overlap_adjustment_factor", row->overlap);
    row->locked = http_bool(r->body, "locked", row->locked);
    row->notes = http_str(r->body, "notes");
    DM_TRY(resource_refused(density_set(api_ctx(r), row, &id, e), e));
    DM_TRY(resource_read(r, &densities, id, &shown, e));
    const int code = status == 201 ? api_location(r, densities.path, id, e) : DM_OK;
    if (code) {
        json_decref(shown);
        return code;
    }
    return http_reply_json(r, status, shown, e);
}

static int create_density(struct http_request *r, struct dm_err *e)
{
    struct density_row row = key_of(r->body);
    DM_CLEANUP(inv_json_freep) json_t *there = NULL;
    const int found = find_row(r, &row, &there, e);
    DM_TRY(found);
    if (found) {
        DM_REFUSE(e, INV_DUPLICATE_CODE,
                  DM_FIELDS(DM_S("field", "storage_bin_type_id"),
                            DM_I("value", inv_json_int(there, "id"))),
                  "these have a density already: change it");
    }
    row.area_cm2 = area_of(r->body, 0);
    if (row.area_cm2 <= 0) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "avg_area_per_plant_cm2")),
                  "avg_area_per_plant_cm2: it is needed, or plants_per_m2");
    }
    return set_row(r, &row, 201, e);
}

static int change_density(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *now = NULL;
    DM_TRY(resource_read(r, &densities, http_int(r->path, "id", 0), &now, e));
    struct density_row row = key_of(now);
    row.area_cm2 =
        area_of(r->body, json_number_value(json_object_get(now, "avg_area_per_plant_cm2")));
    row.locked = json_is_true(json_object_get(now, "locked"));
    return set_row(r, &row, 200, e);
}

static int delete_density(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "id", 0);
    DM_TRY(density_remove(api_ctx(r), id, e));
    return resource_reply_deleted(r, id, "hard", "removed", e);
}

static int list_history(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const int64_t id = http_int(r->path, "id", 0);
    const struct list_value value = {"density_parameter_id", store_i(id)};
    const struct list_ask ask = {&value, 1, slice.skip, slice.limit, NULL};
    json_t *rows;
    int64_t total;
    DM_TRY(resource_need(r, &densities, id, e));
    DM_TRY(list_rows(api_ctx(r), &list_calibrations, &ask, &rows, &total, e));
    return http_reply_list(r, rows, total, e);
}

static double round2(double x)
{
    return round(x * 100) / 100;
}

static int calibrate(struct http_request *r, struct dm_err *e)
{
    const json_t *references = json_object_get(r->body, "references");
    const size_t n = json_array_size(references);
    struct density_reference ref[DENSITY_PHOTOS_MAX];
    struct density_photo photo[DENSITY_PHOTOS_MAX];
    const struct density_row key = key_of(r->body);
    const bool apply = http_bool(r->body, "apply", false);
    DM_CLEANUP(inv_json_freep) json_t *current = NULL;
    double area;
    int64_t id;
    json_t *o;
    for (size_t i = 0; i < n && i < DENSITY_PHOTOS_MAX; i++) {
        const json_t *one = json_array_get(references, i);
        ref[i] = (struct density_reference){http_str(one, "session_id"),
                                            http_int(one, "known_count", 0)};
    }
    DM_TRY(resource_refused(density_propose(api_ctx(r), ref, n, photo, &area, e), e));
    DM_TRY(find_row(r, &key, &current, e));
    if (apply) {
        DM_TRY(resource_refused(density_manual(api_ctx(r), &key, photo, n, &id, e), e));
    }
    const double was = json_number_value(json_object_get(current, "avg_area_per_plant_cm2"));
    DM_TRY(api_json(
        json_pack("{s:{s:f, s:f, s:f, s:I}, s:O?, s:o, s:b}", "proposed", "avg_area_per_plant_cm2",
                  round2(area), "plants_per_m2", round2(density_per_m2(area)), "avg_diameter_cm",
                  round2(density_diameter_cm(area)), "sample_size", (json_int_t)n, "current",
                  current, "error_pct",
                  was > 0 ? json_real(round2(fabs(was - area) / area * 100)) : json_null(),
                  "applied", apply),
        &o, e));
    return http_reply_json(r, 200, o, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

// clang-format off
const struct http_route density_routes[] = {
    {HTTP_GET, "/api/v1/config/density-params", "list_density_params", "configuration", "List densities",
     .role = API_VIEWER, .flags = HTTP_OFFSET, .query = density_query, .answer = {{200, &DensityParameter, true}},
     .handle = resource_list, .own = &densities},
    {HTTP_GET, "/api/v1/config/density-params/product/{product_id}", "list_product_density", "configuration",
     "Densities of a product", .role = API_VIEWER, .flags = HTTP_OFFSET | HTTP_HIDDEN,
     .answer = {{200, &DensityParameter, true}}, .handle = resource_list, .own = &densities},
    {HTTP_POST, "/api/v1/config/density-params", "create_density_param", "configuration", "Create a density",
     .role = API_SUPERVISOR, .flags = HTTP_IDEMPOTENT, .body = &DensityNew, .answer = {{201, &DensityParameter}},
     .errors = "400 404 409", .handle = create_density},
    {HTTP_GET, "/api/v1/config/density-params/{id}", "get_density_param", "configuration", "One density",
     .role = API_VIEWER, .flags = HTTP_ETAG, .answer = {{200, &DensityParameter}}, .errors = "404",
     .handle = resource_get, .own = &densities},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/config/density-params/{id}", "update_density_param", "configuration",
     "Change a density", .role = API_SUPERVISOR, .flags = HTTP_IF_MATCH, .body = &DensityEdit,
     .answer = {{200, &DensityParameter}}, .errors = "400 404 412", .handle = change_density},
    {HTTP_DELETE, "/api/v1/config/density-params/{id}", "delete_density_param", "configuration",
     "Remove a density that was never calibrated", .role = API_SUPERVISOR, .flags = HTTP_IF_MATCH,
     .answer = {{200, &DeleteResult}}, .errors = "404 409", .handle = delete_density},
    {HTTP_GET, "/api/v1/config/density-params/{id}/calibrations", "list_density_calibrations", "configuration",
     "How a density has learned, newest first", .role = API_VIEWER, .flags = HTTP_OFFSET,
     .answer = {{200, &Calibration, true}}, .errors = "404", .handle = list_history},
    {HTTP_POST, "/api/v1/config/density-params/calibrate", "calibrate_density", "configuration",
     "A density from counted photos", .role = API_SUPERVISOR, .body = &Calibrate, .answer = {{200, &Calibrated}},
     .errors = "400 404 409", .handle = calibrate},
    {0},
};
// clang-format on

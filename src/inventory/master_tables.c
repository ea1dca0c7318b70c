/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of master data as tables: columns, bounds, defaults, who may write, what may refer to a
 * row. Bounds are those of data-model.md sections 3 and 4. */
#include "inventory/master_private.h"

#define REQ        MASTER_REQUIRED
#define FIXED      MASTER_FIXED
#define UPPER      MASTER_UPPER
#define MONEY      MASTER_MONEY
#define REF(kind)  ((MASTER_##kind) + 1)
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define CODE_CHARS "A-Z0-9_-"
#define WORD_CHARS "A-Z0-9_"
#define SKU_CHARS  "A-Z0-9-"

/* No such number of cents, plants or centimetres is meant. */
#define MOST 1e12

// clang-format off
#define NAME_(field, most)  {.name = (field), .letter = 't', .flags = REQ, .min = 1, .max = (most)}
#define TEXT_(field, most)  {.name = (field), .letter = 't', .min = 1, .max = (most)}
#define LONG_(field)        {.name = (field), .letter = 't', .min = 1, .max = 10000}
#define ACTIVE_             {.name = "active", .letter = 'b', .flags = REQ, .def = "true"}
#define PLUS_(field, type)  {.name = (field), .letter = (type), .low = 1e-9, .high = MOST}
#define SORT_               {.name = "sort_order", .letter = 'i', .flags = REQ, .low = 0, .high = 1e6, .def = "99"}
#define DERIVED_(field)     {.name = (field), .letter = 'r', .flags = REQ | MASTER_DERIVED}
#define GEOMETRY_                                                                                 \
    {.name = "geojson", .letter = 'j', .flags = REQ},                                             \
    DERIVED_("centroid_lon"), DERIVED_("centroid_lat"), DERIVED_("area_m2"),                      \
    DERIVED_("bbox_min_lon"), DERIVED_("bbox_min_lat"), DERIVED_("bbox_max_lon"),                 \
    DERIVED_("bbox_max_lat")
#define CATEGORY_WORDS WORDS("plug", "seedling_tray", "box", "segment", "pot")

static const struct master_field warehouse_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 2, .max = 20, .charset = CODE_CHARS},
    NAME_("name", 200),
    {.name = "warehouse_type", .letter = 't', .flags = REQ, .min = 1, .max = 20,
     .words = WORDS("greenhouse", "shadehouse", "open_field", "tunnel")},
    GEOMETRY_, ACTIVE_,
};
static const struct master_field area_fields[] = {
    {.name = "warehouse_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(WAREHOUSE)},
    {.name = "parent_area_id", .letter = 'i', .ref = REF(AREA)},
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 2, .max = 50, .charset = CODE_CHARS},
    NAME_("name", 200),
    {.name = "position", .letter = 't', .flags = UPPER, .min = 1, .max = 1,
     .words = WORDS("N", "S", "E", "W", "C")},
    GEOMETRY_, ACTIVE_,
};
static const struct master_field location_fields[] = {
    {.name = "storage_area_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(AREA)},
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 2, .max = 50, .charset = CODE_CHARS},
    {.name = "qr_code", .letter = 't', .flags = REQ | UPPER, .min = 8, .max = 20, .charset = CODE_CHARS},
    NAME_("name", 200), LONG_("description"),
    GEOMETRY_, ACTIVE_,
    {.name = "position_metadata", .letter = 'j', .flags = REQ, .def = "{}"},
};
static const struct master_field bin_type_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 3, .max = 50, .charset = WORD_CHARS},
    NAME_("name", 200),
    {.name = "category", .letter = 't', .flags = REQ | FIXED, .min = 1, .max = 20, .words = CATEGORY_WORDS},
    {.name = "is_grid", .letter = 'b', .flags = REQ, .def = "false"},
    PLUS_("rows", 'i'), PLUS_("columns", 'i'), PLUS_("capacity", 'i'),
    PLUS_("length_cm", 'r'), PLUS_("width_cm", 'r'), PLUS_("height_cm", 'r'),
    LONG_("description"), ACTIVE_,
};
static const struct master_field bin_fields[] = {
    {.name = "storage_location_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(LOCATION)},
    {.name = "storage_bin_type_id", .letter = 'i', .flags = REQ, .ref = REF(BIN_TYPE)},
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 2, .max = 100, .charset = CODE_CHARS},
    {.name = "category", .letter = 't', .flags = REQ | MASTER_DERIVED, .min = 1, .max = 20, .words = CATEGORY_WORDS},
    {.name = "ordinal", .letter = 'i', .flags = REQ | FIXED, .low = 1, .high = 1e6},
    TEXT_("label", 100), LONG_("description"),
    {.name = "position_metadata", .letter = 'j'},
    {.name = "status", .letter = 't', .flags = REQ, .min = 1, .max = 20,
     .words = WORDS("active", "maintenance", "retired"), .def = "\"active\""},
};
static const struct master_field category_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 3, .max = 50, .charset = WORD_CHARS},
    NAME_("name", 200), LONG_("description"), SORT_, ACTIVE_,
};
static const struct master_field family_fields[] = {
    {.name = "product_category_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(CATEGORY)},
    NAME_("name", 200), TEXT_("scientific_name", 200), LONG_("description"),
};
static const struct master_field product_fields[] = {
    {.name = "product_family_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(FAMILY)},
    {.name = "sku", .letter = 't', .flags = REQ | UPPER | FIXED, .min = 6, .max = 20, .charset = SKU_CHARS},
    NAME_("common_name", 200), TEXT_("scientific_name", 200), LONG_("description"),
    {.name = "growth_days", .letter = 'i', .low = 1, .high = 36500},
    {.name = "custom_attributes", .letter = 'j', .flags = REQ, .def = "{}"},
    ACTIVE_,
};
static const struct master_field state_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER | FIXED, .min = 1, .max = 50, .charset = WORD_CHARS},
    NAME_("name", 200), LONG_("description"),
    {.name = "is_sellable", .letter = 'b', .flags = REQ, .def = "false"},
    SORT_,
};
static const struct master_field size_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER | FIXED, .min = 1, .max = 50, .charset = WORD_CHARS},
    NAME_("name", 200), LONG_("description"),
    {.name = "min_height_cm", .letter = 'r', .low = 0, .high = 1e5},
    {.name = "max_height_cm", .letter = 'r', .low = 0, .high = 1e5},
    SORT_,
};
static const struct master_field packaging_word_fields[] = { /* types and materials */
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 1, .max = 50, .charset = CODE_CHARS},
    NAME_("name", 100), LONG_("description"),
};
static const struct master_field packaging_color_fields[] = {
    {.name = "code", .letter = 't', .flags = REQ | UPPER, .min = 1, .max = 10, .charset = CODE_CHARS},
    NAME_("name", 50),
    {.name = "hex_code", .letter = 't', .flags = REQ | UPPER, .min = 7, .max = 7, .charset = "#0-9A-F"},
};
static const struct master_field packaging_fields[] = {
    {.name = "packaging_type_id", .letter = 'i', .flags = REQ, .ref = REF(PACKAGING_TYPE)},
    {.name = "packaging_material_id", .letter = 'i', .flags = REQ, .ref = REF(PACKAGING_MATERIAL)},
    {.name = "packaging_color_id", .letter = 'i', .flags = REQ, .ref = REF(PACKAGING_COLOR)},
    {.name = "sku", .letter = 't', .flags = REQ | UPPER | FIXED, .min = 2, .max = 50, .charset = SKU_CHARS},
    NAME_("name", 200),
    PLUS_("diameter_cm", 'r'), PLUS_("height_cm", 'r'), PLUS_("volume_liters", 'r'),
    {.name = "unit_cost_cents", .letter = 'i', .flags = MONEY, .low = 0, .high = MOST},
    ACTIVE_,
};
static const struct master_field price_fields[] = {
    {.name = "packaging_catalog_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(PACKAGING)},
    {.name = "product_category_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(CATEGORY)},
    {.name = "product_id", .letter = 'i', .ref = REF(PRODUCT)},
    {.name = "variant", .letter = 't', .flags = REQ, .max = 100, .def = "\"\""},
    {.name = "sku", .letter = 't', .flags = REQ, .min = 1, .max = 50, .charset = "A-Za-z0-9 ./-"},
    {.name = "wholesale_unit_price_cents", .letter = 'i', .flags = REQ | MONEY, .low = 1, .high = MOST},
    {.name = "retail_unit_price_cents", .letter = 'i', .flags = MONEY, .low = 1, .high = MOST},
    {.name = "units_per_box", .letter = 'i', .low = 1, .high = 1e5},
    {.name = "availability", .letter = 't', .flags = REQ, .min = 1, .max = 20,
     .words = WORDS("available", "limited", "until_sold_out", "out_of_stock", "discontinued"),
     .def = "\"available\""},
    {.name = "availability_label", .letter = 't', .min = 1, .max = 50},
    {.name = "discount_percent", .letter = 'i', .flags = REQ, .low = 0, .high = 100, .def = "0"},
    {.name = "observations", .letter = 't', .min = 1, .max = 255},
    {.name = "row_version", .letter = 'i', .flags = REQ | MASTER_DERIVED, .def = "1"},
};
static const struct master_field sample_fields[] = {
    {.name = "product_id", .letter = 'i', .flags = REQ | FIXED, .ref = REF(PRODUCT)},
    {.name = "image_id", .letter = 'i', .flags = REQ | FIXED},
    {.name = "product_state_id", .letter = 'i', .ref = REF(STATE)},
    {.name = "product_size_id", .letter = 'i', .ref = REF(SIZE)},
    {.name = "storage_location_id", .letter = 'i', .ref = REF(LOCATION)},
    {.name = "sample_type", .letter = 't', .flags = REQ, .min = 1, .max = 20,
     .words = WORDS("reference", "growth_stage", "quality_check", "monthly_sample")},
    {.name = "capture_date", .letter = 'D', .flags = REQ},
    {.name = "captured_by_user_id", .letter = 'i', .flags = REQ | MASTER_DERIVED},
    {.name = "display_order", .letter = 'i', .flags = REQ, .low = 0, .high = 1e6, .def = "0"},
    {.name = "is_primary", .letter = 'b', .flags = REQ, .def = "false"},
    LONG_("notes"),
};

#define REFERENCES(...) ((const struct master_reference[]){__VA_ARGS__, {NULL, NULL}})
#define FIELDS(list)    .field = (list), .n_field = DM_COUNT(list)

const struct master_entity master_entities[MASTER_MAX_] = {
    [MASTER_WAREHOUSE] = {"warehouses", "warehouse", FIELDS(warehouse_fields),
        .write = INV_DO_PLACES_WRITE, .has_active = true, .code = "code", .order = "t.code",
        .search = WORDS("code", "name"), .prepare = places_prepare_warehouse, .after = places_after},
    [MASTER_AREA] = {"storage_areas", "area", FIELDS(area_fields),
        .write = INV_DO_PLACES_WRITE, .has_active = true, .code = "code", .order = "t.code",
        .search = WORDS("code", "name"), .prepare = places_prepare_area, .after = places_after},
    [MASTER_LOCATION] = {"storage_locations", "location", FIELDS(location_fields),
        .write = INV_DO_PLACES_WRITE, .has_active = true, .code = "code", .order = "t.code",
        .search = WORDS("code", "name", "qr_code"), .prepare = places_prepare_location,
        .after = places_after},
    [MASTER_BIN_TYPE] = {"storage_bin_types", "bin type", FIELDS(bin_type_fields),
        .write = INV_DO_PLACES_WRITE, .has_active = true, .code = "code", .order = "t.code",
        .search = WORDS("code", "name"), .prepare = bins_prepare_type,
        .references = REFERENCES({"storage_bins", "storage_bin_type_id"},
                                 {"density_parameters", "storage_bin_type_id"})},
    [MASTER_BIN] = {"storage_bins", "bin", FIELDS(bin_fields),
        .write = INV_DO_CONFIGURE, .code = "code", .order = "t.code",
        .search = WORDS("code", "label"), .prepare = bins_prepare},
    [MASTER_CATEGORY] = {"product_categories", "category", FIELDS(category_fields),
        .write = INV_DO_CATALOGUE_WRITE, .has_active = true, .code = "code",
        .order = "t.sort_order, t.code", .search = WORDS("code", "name"),
        .references = REFERENCES({"product_families", "product_category_id"},
                                 {"price_list_items", "product_category_id"},
                                 {"sales_import_rows", "product_category_id"})},
    [MASTER_FAMILY] = {"product_families", "family", FIELDS(family_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "name", .order = "t.product_category_id, t.name",
        .search = WORDS("name", "scientific_name"),
        .references = REFERENCES({"products", "product_family_id"})},
    [MASTER_PRODUCT] = {"products", "product", FIELDS(product_fields),
        .write = INV_DO_CATALOGUE_WRITE, .has_active = true, .code = "sku", .order = "t.sku",
        .search = WORDS("sku", "common_name", "scientific_name"), .prepare = catalogue_prepare_product,
        .references = REFERENCES({"storage_location_configs", "product_id"},
                                 {"stock_batches", "product_id"},
                                 {"density_parameters", "product_id"},
                                 {"classifications", "product_id"},
                                 {"price_list_items", "product_id"},
                                 {"product_sample_images", "product_id"},
                                 {"sales_import_rows", "product_id"})},
    [MASTER_STATE] = {"product_states", "state", FIELDS(state_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "code", .order = "t.sort_order, t.code",
        .search = WORDS("code", "name"),
        .references = REFERENCES({"storage_location_configs", "expected_product_state_id"},
                                 {"stock_batches", "product_state_id"},
                                 {"product_sample_images", "product_state_id"})},
    [MASTER_SIZE] = {"product_sizes", "size", FIELDS(size_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "code", .order = "t.sort_order, t.code",
        .search = WORDS("code", "name"), .prepare = catalogue_prepare_size,
        .references = REFERENCES({"stock_batches", "product_size_id"},
                                 {"classifications", "product_size_id"},
                                 {"session_adjustments", "product_size_id"},
                                 {"product_sample_images", "product_size_id"})},
    [MASTER_PACKAGING_TYPE] = {"packaging_types", "packaging type", FIELDS(packaging_word_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "code", .order = "t.code",
        .search = WORDS("code", "name"),
        .references = REFERENCES({"packaging_catalog", "packaging_type_id"})},
    [MASTER_PACKAGING_MATERIAL] = {"packaging_materials", "packaging material",
        FIELDS(packaging_word_fields), .write = INV_DO_CATALOGUE_WRITE, .code = "code",
        .order = "t.code", .search = WORDS("code", "name"),
        .references = REFERENCES({"packaging_catalog", "packaging_material_id"})},
    [MASTER_PACKAGING_COLOR] = {"packaging_colors", "packaging color", FIELDS(packaging_color_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "code", .order = "t.code",
        .search = WORDS("code", "name"), .prepare = catalogue_prepare_color,
        .references = REFERENCES({"packaging_catalog", "packaging_color_id"})},
    [MASTER_PACKAGING] = {"packaging_catalog", "packaging", FIELDS(packaging_fields),
        .write = INV_DO_CATALOGUE_WRITE, .has_active = true, .code = "sku",
        .order = "t.packaging_type_id, coalesce(t.diameter_cm, 0), t.packaging_color_id",
        .search = WORDS("sku", "name"), .prepare = catalogue_prepare_packaging,
        .after = catalogue_after_packaging,
        .references = REFERENCES({"price_list_items", "packaging_catalog_id"},
                                 {"storage_location_configs", "packaging_catalog_id"},
                                 {"stock_batches", "packaging_catalog_id"},
                                 {"density_parameters", "packaging_catalog_id"},
                                 {"classifications", "packaging_catalog_id"},
                                 {"sales_import_rows", "packaging_catalog_id"})},
    [MASTER_PRICE] = {"price_list_items", "price", FIELDS(price_fields),
        .write = INV_DO_CATALOGUE_WRITE, .code = "sku",
        /* category code, diameter, colour: as the nursery prints its list */
        .order = "(SELECT c.code FROM product_categories c WHERE c.id = t.product_category_id),"
                 " (SELECT coalesce(p.diameter_cm, 0) FROM packaging_catalog p"
                 " WHERE p.id = t.packaging_catalog_id),"
                 " (SELECT k.code FROM packaging_catalog p JOIN packaging_colors k"
                 " ON k.id = p.packaging_color_id WHERE p.id = t.packaging_catalog_id), t.sku",
        .search = WORDS("sku", "variant"), .prepare = prices_prepare, .after = prices_after},
    [MASTER_SAMPLE] = {"product_sample_images", "sample image", FIELDS(sample_fields),
        .write = INV_DO_SAMPLE_IMAGES, .code = "sample_type",
        .order = "t.product_id, t.display_order", .search = WORDS("notes"),
        .prepare = catalogue_prepare_sample,
        .references = REFERENCES({NULL, NULL})},
};
// clang-format on

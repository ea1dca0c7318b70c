/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of packaging and prices. */
#include "inventory/list.h"

static const struct list_column word_columns[] = {
    {"id", "y.id", 'i', LIST_AS_IS},
    {"code", "y.code", 't', LIST_AS_IS},
    {"name", "y.name", 't', LIST_AS_IS},
    {"description", "y.description", 't', LIST_AS_IS},
};
static const struct list_filter word_filters[] = {
    {"id", "y.id = ?", 'i'},
};
const struct list list_materials = {
    .name = "list.materials",
    .from = "packaging_materials y",
    .order = "y.id",
    .action = INV_DO_READ,
    .column = word_columns,
    .n_column = DM_COUNT(word_columns),
    .filter = word_filters,
    .n_filter = DM_COUNT(word_filters),
};
const struct list list_packaging_types = {
    .name = "list.packaging_types",
    .from = "packaging_types y",
    .order = "y.id",
    .action = INV_DO_READ,
    .column = word_columns,
    .n_column = DM_COUNT(word_columns),
    .filter = word_filters,
    .n_filter = DM_COUNT(word_filters),
};

static const struct list_column color_columns[] = {
    {"id", "y.id", 'i', LIST_AS_IS},
    {"name", "y.name", 't', LIST_AS_IS},
    {"hex_code", "y.hex_code", 't', LIST_AS_IS},
};
const struct list list_colors = {
    .name = "list.colors",
    .from = "packaging_colors y",
    .order = "y.id",
    .action = INV_DO_READ,
    .column = color_columns,
    .n_column = DM_COUNT(color_columns),
    .filter = word_filters,
    .n_filter = DM_COUNT(word_filters),
};

static const struct list_column packaging_columns[] = {
    {"id", "p.id", 'i', LIST_AS_IS},
    {"packaging_type_id", "p.packaging_type_id", 'i', LIST_AS_IS},
    {"packaging_material_id", "p.packaging_material_id", 'i', LIST_AS_IS},
    {"packaging_color_id", "p.packaging_color_id", 'i', LIST_AS_IS},
    {"sku", "p.sku", 't', LIST_AS_IS},
    {"name", "p.name", 't', LIST_AS_IS},
    {"volume_liters", "p.volume_liters", 'r', LIST_ROUND2},
    {"diameter_cm", "p.diameter_cm", 'r', LIST_ROUND2},
    {"height_cm", "p.height_cm", 'r', LIST_ROUND2},
    {"type_name", "y.name", 't', LIST_AS_IS},
    {"material_name", "m.name", 't', LIST_AS_IS},
    {"color_name", "k.name", 't', LIST_AS_IS},
    {"hex_color", "k.hex_code", 't', LIST_AS_IS},
    {"created_at", "p.created_at", 'T', LIST_AS_IS},
    {"updated_at", "p.updated_at", 'T', LIST_AS_IS},
};
static const struct list_filter packaging_filters[] = {
    {"id", "p.id = ?", 'i'},
    {"packaging_type_id", "p.packaging_type_id = ?", 'i'},
    {"packaging_material_id", "p.packaging_material_id = ?", 'i'},
    {"packaging_color_id", "p.packaging_color_id = ?", 'i'},
    {"min_diameter", "p.diameter_cm >= ?", 'r'},
    {"max_diameter", "p.diameter_cm <= ?", 'r'},
    {"q",
     LIST_FOLD("coalesce(p.sku, '')") " || ' ' || " LIST_FOLD("coalesce(p.name, '')") " LIKE ?",
     'q'},
};
const struct list list_packaging = {
    .name = "list.packaging",
    .from = "packaging_catalog p JOIN packaging_types y ON y.id = p.packaging_type_id"
            " JOIN packaging_materials m ON m.id = p.packaging_material_id"
            " JOIN packaging_colors k ON k.id = p.packaging_color_id WHERE p.active",
    .order = "y.code, p.diameter_cm NULLS FIRST, k.name, p.id",
    .action = INV_DO_READ,
    .column = packaging_columns,
    .n_column = DM_COUNT(packaging_columns),
    .filter = packaging_filters,
    .n_filter = DM_COUNT(packaging_filters),
    .has_where = true,
};

/* Whole centavos, as domain.md 16 rounds: down. */
#define NET "(i.wholesale_unit_price_cents * (100 - i.discount_percent)) / 100"

static const struct list_column price_columns[] = {
    {"id", "i.id", 'i', LIST_AS_IS},
    {"packaging_catalog_id", "i.packaging_catalog_id", 'i', LIST_AS_IS},
    {"product_categories_id", "i.product_category_id", 'i', LIST_AS_IS},
    {"wholesale_unit_price", "i.wholesale_unit_price_cents", 'i', LIST_CENTS},
    {"retail_unit_price", "i.retail_unit_price_cents", 'i', LIST_CENTS},
    {"SKU", "i.sku", 't', LIST_AS_IS},
    {"unit_per_storage_box", "i.units_per_box", 'i', LIST_AS_IS},
    {"wholesale_total_price_per_box", "i.wholesale_box_price_cents", 'i', LIST_CENTS},
    {"observations", "i.observations", 't', LIST_AS_IS},
    {"availability", "i.availability", 't', LIST_AS_IS},
    {"discount_factor", "i.discount_percent", 'i', LIST_AS_IS},
    {"updated_at", "i.updated_at", 'T', LIST_AS_IS},
    {"product_id", "i.product_id", 'i', LIST_AS_IS},
    {"variant", "i.variant", 't', LIST_AS_IS},
    {"net_wholesale_price", NET, 'i', LIST_CENTS},
    {"availability_label", "i.availability_label", 't', LIST_AS_IS},
    {"currency",
     "coalesce((SELECT v.value FROM app_settings v WHERE v.key = 'currency'), '\"ARS\"')", 'j',
     LIST_AS_IS},
    {"created_at", "i.created_at", 'T', LIST_AS_IS},
    {"packaging.id", "p.id", 'i', LIST_AS_IS},
    {"packaging.sku", "p.sku", 't', LIST_AS_IS},
    {"packaging.name", "p.name", 't', LIST_AS_IS},
    {"packaging.type_name", "y.name", 't', LIST_AS_IS},
    {"packaging.color_name", "k.name", 't', LIST_AS_IS},
    {"packaging.diameter_cm", "p.diameter_cm", 'r', LIST_ROUND2},
    {"category.id", "c.id", 'i', LIST_AS_IS},
    {"category.code", "c.code", 't', LIST_AS_IS},
    {"category.name", "c.name", 't', LIST_AS_IS},
};
static const struct list_filter
    price_filters
        [] =
            {
                {"id", "i.id = ?", 'i'},
                {"category_id", "i.product_category_id = ?", 'i'},
                {"packaging_id", "i.packaging_catalog_id = ?", 'i'},
                {"product_id", "i.product_id = ?", 'i'},
                {"availability", "i.availability = ?", 't'},
                {"not_availability", "i.availability <> ?", 't'},
                {"search_sku", "{lower:i.sku} LIKE ?", 'q'},
                {"min_wholesale_price", "i.wholesale_unit_price_cents >= ?", 'i'},
                {"max_wholesale_price", "i.wholesale_unit_price_cents <= ?", 'i'},
                {"q",
                 LIST_FOLD("coalesce(i.sku, '')") " || ' ' || " LIST_FOLD("coalesce(i.variant, '')") " || ' ' || " LIST_FOLD(
                     "coalesce(c.name, '')") " || ' ' || " LIST_FOLD("coalesce(p.name, '')") " LIKE"
                                                                                             " ?",
                 'q'},
};
const struct list list_prices = {
    .name = "list.prices",
    .from = "price_list_items i JOIN product_categories c ON c.id = i.product_category_id"
            " JOIN packaging_catalog p ON p.id = i.packaging_catalog_id"
            " JOIN packaging_types y ON y.id = p.packaging_type_id"
            " JOIN packaging_colors k ON k.id = p.packaging_color_id",
    .order = "c.code, p.diameter_cm NULLS FIRST, k.name, i.id",
    .action = INV_DO_SEE_PRICES,
    .column = price_columns,
    .n_column = DM_COUNT(price_columns),
    .filter = price_filters,
    .n_filter = DM_COUNT(price_filters),
};

static const struct list_column price_change_columns[] = {
    {"changed_at", "v.created_at", 'T', LIST_AS_IS},
    {"user_id", "v.user_id", 'i', LIST_AS_IS},
    {"old", "v.old_values", 'j', LIST_AS_IS},
    {"new", "v.new_values", 'j', LIST_AS_IS},
};
static const struct list_filter price_change_filters[] = {
    {"price_id", "v.price_list_item_id = ?", 'i'},
};
const struct list list_price_changes = {
    .name = "list.price_changes",
    .from = "price_list_revisions v",
    .order = "v.id DESC",
    .action = INV_DO_SEE_PRICES,
    .column = price_change_columns,
    .n_column = DM_COUNT(price_change_columns),
    .filter = price_change_filters,
    .n_filter = DM_COUNT(price_change_filters),
};

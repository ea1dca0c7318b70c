-- SPDX-License-Identifier: Apache-2.0
-- What grows, in which pots, at which prices.
CREATE TABLE product_categories (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {long:description},
    {int:sort_order} NOT NULL DEFAULT 99,
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:code|A-Z0-9_|3}
);

CREATE TABLE product_families (
    {id},
    {fk:product_category_id|product_categories} NOT NULL,
    {text:name|200} NOT NULL,
    {text:scientific_name|200},
    {long:description},
    {times},
    {check:name_given|trim(name) <> ''}
);
{index:product_families|product_category_id};
CREATE UNIQUE INDEX product_families_product_category_id_name_key
    ON product_families (product_category_id, lower(name));

CREATE TABLE products (
    {id},
    {fk:product_family_id|product_families} NOT NULL,
    {text:sku|20} NOT NULL UNIQUE,
    {text:common_name|200} NOT NULL,
    {text:scientific_name|200},
    {long:description},
    {int:growth_days},
    {json:custom_attributes} NOT NULL DEFAULT '{}',
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:sku|A-Z0-9-|6},
    {check:growth_days|growth_days > 0},
    {check:name_given|trim(common_name) <> ''}
);
{index:products|product_family_id};

CREATE TABLE product_states (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {long:description},
    {bool:is_sellable} NOT NULL DEFAULT {false},
    {int:sort_order} NOT NULL DEFAULT 99,
    {times},
    {chars:code|A-Z0-9_|1},
    {check:sort_order|sort_order >= 0}
);

CREATE TABLE product_sizes (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {long:description},
    {real:min_height_cm},
    {real:max_height_cm},
    {int:sort_order} NOT NULL DEFAULT 99,
    {times},
    {chars:code|A-Z0-9_|1},
    {check:height|min_height_cm >= 0 AND max_height_cm >= 0 AND max_height_cm >= min_height_cm},
    {check:sort_order|sort_order >= 0}
);

CREATE TABLE packaging_types (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|100} NOT NULL,
    {long:description},
    {times},
    {chars:code|A-Z0-9_-|1}
);

CREATE TABLE packaging_materials (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|100} NOT NULL,
    {long:description},
    {times},
    {chars:code|A-Z0-9_-|1}
);

CREATE TABLE packaging_colors (
    {id},
    {text:code|10} NOT NULL UNIQUE,
    {text:name|50} NOT NULL UNIQUE,
    {text:hex_code|7} NOT NULL,
    {times},
    {chars:hex_code|#0-9A-Fa-f|7},
    {check:hex_code_form|hex_code LIKE '#%'}
);

CREATE TABLE packaging_catalog (
    {id},
    {fk:packaging_type_id|packaging_types} NOT NULL,
    {fk:packaging_material_id|packaging_materials} NOT NULL,
    {fk:packaging_color_id|packaging_colors} NOT NULL,
    {text:sku|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {real:diameter_cm},
    {real:height_cm},
    {real:volume_liters},
    {int64:unit_cost_cents},
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:sku|A-Z0-9-|2},
    {check:positive|diameter_cm > 0 AND height_cm > 0 AND volume_liters > 0},
    {check:unit_cost_cents|unit_cost_cents >= 0}
);
{index:packaging_catalog|packaging_material_id};
{index:packaging_catalog|packaging_color_id};
CREATE UNIQUE INDEX packaging_catalog_kind_key ON packaging_catalog (packaging_type_id,
    packaging_material_id, packaging_color_id, coalesce(diameter_cm, 0), coalesce(height_cm, 0));

CREATE TABLE price_list_items (
    {id},
    {fk:packaging_catalog_id|packaging_catalog} NOT NULL,
    {fk:product_category_id|product_categories} NOT NULL,
    {fk:product_id|products},
    {text:variant|100} NOT NULL DEFAULT '',
    {text:sku|50} NOT NULL,
    {int64:wholesale_unit_price_cents} NOT NULL,
    {int64:retail_unit_price_cents},
    {int:units_per_box},
    {generated:wholesale_box_price_cents|wholesale_unit_price_cents * units_per_box},
    {enum:availability|'available', 'limited', 'until_sold_out', 'out_of_stock', 'discontinued'}
        NOT NULL DEFAULT 'available',
    {int:discount_percent} NOT NULL DEFAULT 0,
    {long:observations},
    {int:row_version} NOT NULL DEFAULT 1,
    {times},
    {check:wholesale|wholesale_unit_price_cents > 0},
    {check:retail|retail_unit_price_cents >= wholesale_unit_price_cents},
    {check:units_per_box|units_per_box > 0},
    {check:discount_percent|discount_percent >= 0 AND discount_percent <= 100}
);
{index:price_list_items|product_id};
{index:price_list_items|packaging_catalog_id};
-- valuation of stock
CREATE INDEX price_list_items_product_category_id_idx
    ON price_list_items (product_category_id, packaging_catalog_id);
CREATE UNIQUE INDEX price_list_items_sku_key ON price_list_items (lower(sku));
CREATE UNIQUE INDEX price_list_items_entry_key ON price_list_items (packaging_catalog_id,
    product_category_id, coalesce(product_id, 0), variant);

CREATE TABLE bulk_operations (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {enum:kind|'price_change', 'availability', 'discount'} NOT NULL,
    {json:filter} NOT NULL,
    {json:parameters} NOT NULL,
    {json:affected_ids} NOT NULL,
    {int:affected_count} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {ts:expires_at} NOT NULL,
    {ts:executed_at},
    {times},
    {check:affected_count|affected_count >= 0 AND affected_count <= 1000}
);
{index:bulk_operations|user_id};

CREATE TABLE price_list_revisions (
    {id},
    {fk:price_list_item_id|price_list_items} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {fk:bulk_operation_id|bulk_operations},
    {json:old_values} NOT NULL,
    {json:new_values} NOT NULL,
    {created}
);
{index:price_list_revisions|price_list_item_id};
{index:price_list_revisions|user_id};
{index:price_list_revisions|bulk_operation_id};

-- What stands in a claro, over time.
CREATE TABLE storage_location_configs (
    {id},
    {fk:storage_location_id|storage_locations} NOT NULL,
    {fk:product_id|products} NOT NULL,
    {fk:packaging_catalog_id|packaging_catalog},
    {fk:expected_product_state_id|product_states} NOT NULL,
    {int:plants_per_container} NOT NULL DEFAULT 1,
    {real:area_cm2} NOT NULL,
    {bool:active} NOT NULL DEFAULT {true},
    {ts:valid_from} NOT NULL,
    {ts:valid_to},
    {fk:created_by_user_id|users} NOT NULL,
    {long:notes},
    {times},
    {check:plants_per_container|plants_per_container >= 1},
    {check:area_cm2|area_cm2 > 0},
    {check:valid_to_active|(valid_to IS NULL) = active},
    {check:valid_order|valid_to >= valid_from}
);
CREATE UNIQUE INDEX storage_location_configs_storage_location_id_key
    ON storage_location_configs (storage_location_id) WHERE active;
-- the configuration of a day
CREATE INDEX storage_location_configs_storage_location_id_idx
    ON storage_location_configs (storage_location_id, valid_from);
{index:storage_location_configs|product_id};
{index:storage_location_configs|packaging_catalog_id};
{index:storage_location_configs|expected_product_state_id};
{index:storage_location_configs|created_by_user_id};

CREATE TABLE density_parameters (
    {id},
    {fk:storage_bin_type_id|storage_bin_types} NOT NULL,
    {fk:product_id|products},
    {fk:packaging_catalog_id|packaging_catalog},
    {real:avg_area_per_plant_cm2} NOT NULL,
    {real:plants_per_m2} NOT NULL,
    {real:avg_diameter_cm} NOT NULL,
    {real:overlap_adjustment_factor} NOT NULL DEFAULT 0.85,
    {int64:sample_count} NOT NULL DEFAULT 0,
    {bool:locked} NOT NULL DEFAULT {false},
    {long:notes},
    {times},
    {check:area|avg_area_per_plant_cm2 >= 0.5 AND avg_area_per_plant_cm2 <= 10000},
    {check:overlap|overlap_adjustment_factor >= 0.5 AND overlap_adjustment_factor <= 1},
    -- derived, to the rounding of a double
    {check:per_m2|abs(plants_per_m2 * avg_area_per_plant_cm2 - 10000) < 0.000001},
    {check:diameter|abs(avg_diameter_cm * avg_diameter_cm - avg_area_per_plant_cm2) < 0.000001},
    {check:sample_count|sample_count >= 0}
);
CREATE UNIQUE INDEX density_parameters_entry_key ON density_parameters (storage_bin_type_id,
    coalesce(product_id, 0), coalesce(packaging_catalog_id, 0));
{index:density_parameters|product_id};
{index:density_parameters|packaging_catalog_id};

-- SPDX-License-Identifier: Apache-2.0
-- Where plants stand: naves, canteros, claros, and the containers inside a claro.
CREATE TABLE warehouses (
    {id},
    {text:code|20} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {enum:warehouse_type|'greenhouse', 'shadehouse', 'open_field', 'tunnel'} NOT NULL,
    {json:geojson} NOT NULL,
    {real:centroid_lon} NOT NULL,
    {real:centroid_lat} NOT NULL,
    {real:area_m2} NOT NULL,
    {real:bbox_min_lon} NOT NULL,
    {real:bbox_min_lat} NOT NULL,
    {real:bbox_max_lon} NOT NULL,
    {real:bbox_max_lat} NOT NULL,
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:code|A-Z0-9_-|2},
    {check:area_m2|area_m2 > 0},
    {check:bbox|bbox_min_lon <= bbox_max_lon AND bbox_min_lat <= bbox_max_lat
        AND bbox_min_lon >= -180 AND bbox_max_lon <= 180
        AND bbox_min_lat >= -90 AND bbox_max_lat <= 90},
    {check:name_given|trim(name) <> ''}
);

CREATE TABLE storage_areas (
    {id},
    {fk:warehouse_id|warehouses} NOT NULL,
    {fk:parent_area_id|storage_areas},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {enum:position|'N', 'S', 'E', 'W', 'C'},
    {json:geojson} NOT NULL,
    {real:centroid_lon} NOT NULL,
    {real:centroid_lat} NOT NULL,
    {real:area_m2} NOT NULL,
    {real:bbox_min_lon} NOT NULL,
    {real:bbox_min_lat} NOT NULL,
    {real:bbox_max_lon} NOT NULL,
    {real:bbox_max_lat} NOT NULL,
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:code|A-Z0-9_-|2},
    {check:code_parts|code LIKE '%-%'},
    {check:parent_area_id|parent_area_id <> id},
    {check:area_m2|area_m2 > 0},
    {check:bbox|bbox_min_lon <= bbox_max_lon AND bbox_min_lat <= bbox_max_lat
        AND bbox_min_lon >= -180 AND bbox_max_lon <= 180
        AND bbox_min_lat >= -90 AND bbox_max_lat <= 90},
    {check:name_given|trim(name) <> ''}
);
{index:storage_areas|warehouse_id};
{index:storage_areas|parent_area_id};

CREATE TABLE storage_locations (
    {id},
    {fk:storage_area_id|storage_areas} NOT NULL,
    {text:code|50} NOT NULL UNIQUE,
    {text:qr_code|20} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {long:description},
    {json:geojson} NOT NULL,
    {real:centroid_lon} NOT NULL,
    {real:centroid_lat} NOT NULL,
    {real:area_m2} NOT NULL,
    {real:bbox_min_lon} NOT NULL,
    {real:bbox_min_lat} NOT NULL,
    {real:bbox_max_lon} NOT NULL,
    {real:bbox_max_lat} NOT NULL,
    {bool:active} NOT NULL DEFAULT {true},
    {fk_later:latest_session_id|photo_processing_sessions|ON DELETE SET NULL},
    {json:position_metadata} NOT NULL DEFAULT '{}',
    {times},
    {chars:code|A-Z0-9_-|2},
    {check:code_parts|code LIKE '%-%-%'},
    {chars:qr_code|A-Z0-9_-|8},
    {check:area_m2|area_m2 > 0},
    {check:bbox|bbox_min_lon <= bbox_max_lon AND bbox_min_lat <= bbox_max_lat
        AND bbox_min_lon >= -180 AND bbox_max_lon <= 180
        AND bbox_min_lat >= -90 AND bbox_max_lat <= 90},
    {check:name_given|trim(name) <> ''}
);
{index:storage_locations|storage_area_id};
{index:storage_locations|latest_session_id};
-- GPS lookup
CREATE INDEX storage_locations_bbox_idx ON storage_locations (active, bbox_min_lon, bbox_max_lon);

CREATE TABLE location_relationships (
    {id},
    {fk:parent_location_id|storage_locations} NOT NULL,
    {fk:child_location_id|storage_locations} NOT NULL,
    {enum:relation|'contains', 'adjacent_to'} NOT NULL,
    {times},
    {check:differ|parent_location_id <> child_location_id},
    {check:order|relation <> 'adjacent_to' OR parent_location_id < child_location_id},
    UNIQUE (parent_location_id, child_location_id)
);
{index:location_relationships|child_location_id};

CREATE TABLE storage_bin_types (
    {id},
    {text:code|50} NOT NULL UNIQUE,
    {text:name|200} NOT NULL,
    {enum:category|'plug', 'seedling_tray', 'box', 'segment', 'pot'} NOT NULL,
    {bool:is_grid} NOT NULL DEFAULT {false},
    {int:rows},
    {int:columns},
    {int:capacity},
    {real:length_cm},
    {real:width_cm},
    {real:height_cm},
    {long:description},
    {bool:active} NOT NULL DEFAULT {true},
    {times},
    {chars:code|A-Z0-9_|3},
    {check:grid|NOT is_grid OR (rows IS NOT NULL AND columns IS NOT NULL)},
    {check:positive|rows > 0 AND columns > 0 AND capacity > 0 AND length_cm > 0
        AND width_cm > 0 AND height_cm > 0}
);

CREATE TABLE storage_bins (
    {id},
    {fk:storage_location_id|storage_locations} NOT NULL,
    {fk:storage_bin_type_id|storage_bin_types} NOT NULL,
    {text:code|100} NOT NULL UNIQUE,
    {enum:category|'plug', 'seedling_tray', 'box', 'segment', 'pot'} NOT NULL,
    {int:ordinal} NOT NULL,
    {text:label|100},
    {long:description},
    {json:position_metadata},
    {enum:status|'active', 'maintenance', 'retired'} NOT NULL DEFAULT 'active',
    {times},
    {check:code_parts|code LIKE '%-%-%-%'},
    {check:ordinal|ordinal >= 1}
);
{index:storage_bins|storage_location_id};
{index:storage_bins|storage_bin_type_id};
CREATE UNIQUE INDEX storage_bins_storage_location_id_category_ordinal_key
    ON storage_bins (storage_location_id, category, ordinal) WHERE status <> 'retired';

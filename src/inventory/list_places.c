/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of places: naves, canteros, claros, kinds of containers, containers. */
#include "inventory/list.h"

static const struct list_column warehouse_columns[] = {
    {"warehouse_id", "w.id", 'i', LIST_AS_IS},
    {"code", "w.code", 't', LIST_AS_IS},
    {"name", "w.name", 't', LIST_AS_IS},
    {"warehouse_type", "w.warehouse_type", 't', LIST_AS_IS},
    {"geojson_coordinates", "w.geojson", 'j', LIST_AS_IS},
    {"centroid", "w.centroid_lon", 'r', LIST_LON},
    {"centroid", "w.centroid_lat", 'r', LIST_LAT},
    {"area_m2", "w.area_m2", 'r', LIST_ROUND2},
    {"active", "w.active", 'b', LIST_AS_IS},
    {"created_at", "w.created_at", 'T', LIST_AS_IS},
    {"updated_at", "w.updated_at", 'T', LIST_AS_IS},
};
static const struct list_filter warehouse_filters[] = {
    {"id", "w.id = ?", 'i'},
    {"active", "w.active = ?", 'b'},
    {"code", "w.code = ?", 't'},
    {"warehouse_type", "w.warehouse_type = ?", 't'},
    {"q",
     LIST_FOLD("coalesce(w.code, '')") " || ' ' || " LIST_FOLD("coalesce(w.name, '')") " LIKE ?",
     'q'},
};
const struct list list_warehouses = {
    .name = "list.warehouses",
    .from = "warehouses w",
    .order = "w.id",
    .action = INV_DO_READ,
    .column = warehouse_columns,
    .n_column = DM_COUNT(warehouse_columns),
    .filter = warehouse_filters,
    .n_filter = DM_COUNT(warehouse_filters),
};

static const struct list_column area_columns[] = {
    {"storage_area_id", "a.id", 'i', LIST_AS_IS},
    {"warehouse_id", "a.warehouse_id", 'i', LIST_AS_IS},
    {"parent_area_id", "a.parent_area_id", 'i', LIST_AS_IS},
    {"code", "a.code", 't', LIST_AS_IS},
    {"name", "a.name", 't', LIST_AS_IS},
    {"position", "a.position", 't', LIST_AS_IS},
    {"geojson_coordinates", "a.geojson", 'j', LIST_AS_IS},
    {"centroid", "a.centroid_lon", 'r', LIST_LON},
    {"centroid", "a.centroid_lat", 'r', LIST_LAT},
    {"area_m2", "a.area_m2", 'r', LIST_ROUND2},
    {"active", "a.active", 'b', LIST_AS_IS},
    {"created_at", "a.created_at", 'T', LIST_AS_IS},
    {"updated_at", "a.updated_at", 'T', LIST_AS_IS},
};
static const struct list_filter area_filters[] = {
    {"id", "a.id = ?", 'i'},
    {"active", "a.active = ?", 'b'},
    {"warehouse_id", "a.warehouse_id = ?", 'i'},
    {"code", "a.code = ?", 't'},
    {"position", "a.position = ?", 't'},
    {"q",
     LIST_FOLD("coalesce(a.code, '')") " || ' ' || " LIST_FOLD("coalesce(a.name, '')") " LIKE ?",
     'q'},
};
const struct list list_areas = {
    .name = "list.areas",
    .from = "storage_areas a",
    .order = "a.id",
    .action = INV_DO_READ,
    .column = area_columns,
    .n_column = DM_COUNT(area_columns),
    .filter = area_filters,
    .n_filter = DM_COUNT(area_filters),
};

static const struct list_column location_columns[] = {
    {"storage_location_id", "l.id", 'i', LIST_AS_IS},
    {"storage_area_id", "l.storage_area_id", 'i', LIST_AS_IS},
    {"code", "l.code", 't', LIST_AS_IS},
    {"name", "l.name", 't', LIST_AS_IS},
    {"qr_code", "l.qr_code", 't', LIST_AS_IS},
    {"coordinates", "l.centroid_lon", 'r', LIST_LON},
    {"coordinates", "l.centroid_lat", 'r', LIST_LAT},
    {"centroid", "l.centroid_lon", 'r', LIST_LON},
    {"centroid", "l.centroid_lat", 'r', LIST_LAT},
    {"area_m2", "l.area_m2", 'r', LIST_ROUND2},
    {"position_metadata", "l.position_metadata", 'j', LIST_AS_IS},
    {"active", "l.active", 'b', LIST_AS_IS},
    {"created_at", "l.created_at", 'T', LIST_AS_IS},
    {"updated_at", "l.updated_at", 'T', LIST_AS_IS},
    {"geojson_coordinates", "l.geojson", 'j', LIST_AS_IS},
    {"description", "l.description", 't', LIST_AS_IS},
};
static const struct list_filter location_filters[] = {
    {"id", "l.id = ?", 'i'},
    {"active", "l.active = ?", 'b'},
    {"warehouse_id", "a.warehouse_id = ?", 'i'},
    {"storage_area_id", "l.storage_area_id = ?", 'i'},
    {"has_config",
     "EXISTS (SELECT 1 FROM storage_location_configs g WHERE g.storage_location_id = l.id AND"
     " g.active) = ?",
     'b'},
    {"code", "l.code = ?", 't'},
    {"qr_code", "l.qr_code = ?", 't'},
    {"ids", "l.id IN {ids:?}", 'j'},
    {"q",
     LIST_FOLD("coalesce(l.code, '')") " || ' ' || " LIST_FOLD(
         "coalesce(l.name, '')") " || ' ' || " LIST_FOLD("coalesce(l.qr_code, '')") " LIKE ?",
     'q'},
};
const struct list list_locations = {
    .name = "list.locations",
    .from = "storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id",
    .order = "l.id",
    .action = INV_DO_READ,
    .column = location_columns,
    .n_column = DM_COUNT(location_columns),
    .filter = location_filters,
    .n_filter = DM_COUNT(location_filters),
};

static const struct list_column bin_type_columns[] = {
    {"storage_bin_type_id", "t.id", 'i', LIST_AS_IS},
    {"code", "t.code", 't', LIST_AS_IS},
    {"name", "t.name", 't', LIST_AS_IS},
    {"description", "t.description", 't', LIST_AS_IS},
    {"category", "t.category", 't', LIST_AS_IS},
    {"rows", "t.rows", 'i', LIST_AS_IS},
    {"columns", "t.columns", 'i', LIST_AS_IS},
    {"capacity", "t.capacity", 'i', LIST_AS_IS},
    {"length_cm", "t.length_cm", 'r', LIST_ROUND2},
    {"width_cm", "t.width_cm", 'r', LIST_ROUND2},
    {"height_cm", "t.height_cm", 'r', LIST_ROUND2},
    {"is_grid", "t.is_grid", 'b', LIST_AS_IS},
    {"created_at", "t.created_at", 'T', LIST_AS_IS},
    {"updated_at", "t.updated_at", 'T', LIST_AS_IS},
};
static const struct list_filter bin_type_filters[] = {
    {"id", "t.id = ?", 'i'},
    {"active", "t.active = ?", 'b'},
    {"category", "t.category = ?", 't'},
};
const struct list list_bin_types = {
    .name = "list.bin_types",
    .from = "storage_bin_types t",
    .order = "t.id",
    .action = INV_DO_READ,
    .column = bin_type_columns,
    .n_column = DM_COUNT(bin_type_columns),
    .filter = bin_type_filters,
    .n_filter = DM_COUNT(bin_type_filters),
};

static const struct list_column bin_columns[] = {
    {"bin_id", "k.id", 'i', LIST_AS_IS},
    {"storage_location_id", "k.storage_location_id", 'i', LIST_AS_IS},
    {"storage_bin_type_id", "k.storage_bin_type_id", 'i', LIST_AS_IS},
    {"code", "k.code", 't', LIST_AS_IS},
    {"label", "coalesce(k.label, k.code)", 't', LIST_AS_IS},
    {"position_metadata", "k.position_metadata", 'j', LIST_AS_IS},
    {"status", "k.status", 't', LIST_AS_IS},
    {"created_at", "k.created_at", 'T', LIST_AS_IS},
    {"updated_at", "k.updated_at", 'T', LIST_AS_IS},
    {"description", "k.description", 't', LIST_AS_IS},
};
static const struct list_filter bin_filters[] = {
    {"id", "k.id = ?", 'i'},
    {"active", "(k.status = 'active') = ?", 'b'},
    {"storage_location_id", "k.storage_location_id = ?", 'i'},
    {"storage_bin_type_id", "k.storage_bin_type_id = ?", 'i'},
    {"status", "k.status = ?", 't'},
};
const struct list list_bins = {
    .name = "list.bins",
    .from = "storage_bins k",
    .order = "k.id",
    .action = INV_DO_READ,
    .column = bin_columns,
    .n_column = DM_COUNT(bin_columns),
    .filter = bin_filters,
    .n_filter = DM_COUNT(bin_filters),
};

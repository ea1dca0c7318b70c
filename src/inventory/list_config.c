/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of what is meant to stand in claros, of densities, and of files that were loaded. */
#include "inventory/list.h"

static const struct list_column config_columns[] = {
    {"id", "c.id", 'i', LIST_AS_IS},
    {"storage_location_id", "c.storage_location_id", 'i', LIST_AS_IS},
    {"product_id", "c.product_id", 'i', LIST_AS_IS},
    {"packaging_catalog_id", "c.packaging_catalog_id", 'i', LIST_AS_IS},
    {"expected_product_state_id", "c.expected_product_state_id", 'i', LIST_AS_IS},
    {"area_cm2", "c.area_cm2", 'r', LIST_ROUND2},
    {"active", "c.active", 'b', LIST_AS_IS},
    {"notes", "c.notes", 't', LIST_AS_IS},
    {"created_at", "c.created_at", 'T', LIST_AS_IS},
    {"updated_at", "c.updated_at", 'T', LIST_AS_IS},
    {"plants_per_container", "c.plants_per_container", 'i', LIST_AS_IS},
    {"valid_from", "c.valid_from", 'T', LIST_AS_IS},
    {"valid_to", "c.valid_to", 'T', LIST_AS_IS},
    {"product_name", "r.common_name", 't', LIST_AS_IS},
    {"packaging_name", "p.name", 't', LIST_AS_IS},
    {"state_name", "s.name", 't', LIST_AS_IS},
};
static const struct list_filter config_filters[] = {
    {"id", "c.id = ?", 'i'},
    {"ids", "c.id IN {ids:?}", 'j'},
    {"storage_location_id", "c.storage_location_id = ?", 'i'},
    {"active", "c.active = ?", 'b'},
    {"from", "c.valid_from <= ?", 'T'},
    {"until", "(c.valid_to IS NULL OR c.valid_to > ?)", 'T'},
};
const struct list list_configs = {
    .name = "list.configs",
    .from = "storage_location_configs c JOIN products r ON r.id = c.product_id"
            " JOIN product_states s ON s.id = c.expected_product_state_id"
            " LEFT JOIN packaging_catalog p ON p.id = c.packaging_catalog_id",
    .order = "c.valid_from DESC, c.id DESC",
    .action = INV_DO_READ,
    .column = config_columns,
    .n_column = DM_COUNT(config_columns) - 3,
    .filter = config_filters,
    .n_filter = DM_COUNT(config_filters),
};
const struct list list_config_names = {
    .name = "list.config_names",
    .from = "storage_location_configs c JOIN products r ON r.id = c.product_id"
            " JOIN product_states s ON s.id = c.expected_product_state_id"
            " LEFT JOIN packaging_catalog p ON p.id = c.packaging_catalog_id",
    .order = "c.valid_from DESC, c.id DESC",
    .action = INV_DO_READ,
    .column = config_columns,
    .n_column = DM_COUNT(config_columns),
    .filter = config_filters,
    .n_filter = DM_COUNT(config_filters),
};

static const struct list_column config_state_columns[] = {
    {"id", "c.id", 'i', LIST_AS_IS},
    {"storage_location_id", "l.id", 'i', LIST_AS_IS},
    {"product_id", "c.product_id", 'i', LIST_AS_IS},
    {"packaging_catalog_id", "c.packaging_catalog_id", 'i', LIST_AS_IS},
    {"expected_product_state_id", "c.expected_product_state_id", 'i', LIST_AS_IS},
    {"area_cm2", "c.area_cm2", 'r', LIST_ROUND2},
    {"active", "c.active", 'b', LIST_AS_IS},
    {"notes", "c.notes", 't', LIST_AS_IS},
    {"created_at", "c.created_at", 'T', LIST_AS_IS},
    {"updated_at", "c.updated_at", 'T', LIST_AS_IS},
    {"plants_per_container", "c.plants_per_container", 'i', LIST_AS_IS},
    {"valid_from", "c.valid_from", 'T', LIST_AS_IS},
    {"valid_to", "c.valid_to", 'T', LIST_AS_IS},
    {"storage_location_code", "l.code", 't', LIST_AS_IS},
};
static const struct list_filter config_state_filters[] = {
    {"warehouse_id", "a.warehouse_id = ?", 'i'}, {"storage_area_id", "l.storage_area_id = ?", 'i'},
    {"product_id", "c.product_id = ?", 'i'},     {"changed_before", "c.updated_at < ?", 'T'},
    {"missing", "(c.id IS NULL) = ?", 'b'},
};
const struct list list_config_states = {
    .name = "list.config_states",
    .from = "storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id"
            " LEFT JOIN storage_location_configs c ON c.storage_location_id = l.id AND c.active"
            " WHERE l.active",
    .order = "l.id",
    .action = INV_DO_READ,
    .column = config_state_columns,
    .n_column = DM_COUNT(config_state_columns),
    .filter = config_state_filters,
    .n_filter = DM_COUNT(config_state_filters),
    .has_where = true,
};

static const struct list_column density_columns[] = {
    {"id", "d.id", 'i', LIST_AS_IS},
    {"storage_bin_type_id", "d.storage_bin_type_id", 'i', LIST_AS_IS},
    {"product_id", "d.product_id", 'i', LIST_AS_IS},
    {"packaging_catalog_id", "d.packaging_catalog_id", 'i', LIST_AS_IS},
    {"avg_area_per_plant_cm2", "d.avg_area_per_plant_cm2", 'r', LIST_ROUND2},
    {"plants_per_m2", "d.plants_per_m2", 'r', LIST_ROUND2},
    {"overlap_adjustment_factor", "d.overlap_adjustment_factor", 'r', LIST_ROUND2},
    {"avg_diameter_cm", "d.avg_diameter_cm", 'r', LIST_ROUND2},
    {"notes", "d.notes", 't', LIST_AS_IS},
    {"locked", "d.locked", 'b', LIST_AS_IS},
    {"sample_count", "d.sample_count", 'i', LIST_AS_IS},
    {"created_at", "d.created_at", 'T', LIST_AS_IS},
    {"updated_at", "d.updated_at", 'T', LIST_AS_IS},
};
static const struct list_filter density_filters[] = {
    {"id", "d.id = ?", 'i'},
    {"storage_bin_type_id", "d.storage_bin_type_id = ?", 'i'},
    {"product_id", "d.product_id = ?", 'i'},
    {"packaging_catalog_id", "d.packaging_catalog_id = ?", 'i'},
    {"no_product", "(d.product_id IS NULL) = ?", 'b'},
    {"no_packaging", "(d.packaging_catalog_id IS NULL) = ?", 'b'},
};
const struct list list_density = {
    .name = "list.density",
    .from = "density_parameters d",
    .order = "d.id",
    .action = INV_DO_READ,
    .column = density_columns,
    .n_column = DM_COUNT(density_columns),
    .filter = density_filters,
    .n_filter = DM_COUNT(density_filters),
};

static const struct list_column calibration_columns[] = {
    {"created_at", "x.created_at", 'T', LIST_AS_IS},
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"user_id", "x.user_id", 'i', LIST_AS_IS},
    {"sample_size", "x.sample_size", 'i', LIST_AS_IS},
    {"sample_area_cm2", "x.sample_area_cm2", 'r', LIST_ROUND2},
    {"old", "x.old_values", 'j', LIST_AS_IS},
    {"new", "x.new_values", 'j', LIST_AS_IS},
    {"applied", "x.applied", 'b', LIST_AS_IS},
    {"reason", "x.reason", 't', LIST_AS_IS},
};
static const struct list_filter calibration_filters[] = {
    {"density_parameter_id", "x.density_parameter_id = ?", 'i'},
};
const struct list list_calibrations = {
    .name = "list.calibrations",
    .from = "density_calibrations x LEFT JOIN photo_processing_sessions s ON s.id = x.session_id",
    .order = "x.id DESC",
    .action = INV_DO_READ,
    .column = calibration_columns,
    .n_column = DM_COUNT(calibration_columns),
    .filter = calibration_filters,
    .n_filter = DM_COUNT(calibration_filters),
};

static const struct list_column import_columns[] = {
    {"import_id", "i.uuid", 'u', LIST_AS_IS},
    {"kind", "i.kind", 't', LIST_AS_IS},
    {"file_name", "i.file_name", 't', LIST_AS_IS},
    {"created", "i.created_count", 'i', LIST_AS_IS},
    {"updated", "i.updated_count", 'i', LIST_AS_IS},
    {"skipped", "i.skipped_count", 'i', LIST_AS_IS},
    {"failed", "i.failed_count", 'i', LIST_AS_IS},
    {"user_id", "i.user_id", 'i', LIST_AS_IS},
    {"undone_at", "i.undone_at", 'T', LIST_AS_IS},
    {"created_at", "i.created_at", 'T', LIST_AS_IS},
    {"report", "i.report", 'j', LIST_AS_IS},
};
static const struct list_filter import_filters[] = {
    {"import_id", "i.uuid = ?", 'u'},
    {"kind", "i.kind = ?", 't'},
};
const struct list list_imports = {
    .name = "list.imports",
    .from = "imports i",
    .order = "i.id DESC",
    .action = INV_DO_CATALOGUE_WRITE,
    .column = import_columns,
    .n_column = DM_COUNT(import_columns) - 1,
    .filter = import_filters,
    .n_filter = DM_COUNT(import_filters),
};
const struct list list_import_reports = {
    .name = "list.import_reports",
    .from = "imports i",
    .order = "i.id DESC",
    .action = INV_DO_CATALOGUE_WRITE,
    .column = import_columns,
    .n_column = DM_COUNT(import_columns),
    .filter = import_filters,
    .n_filter = DM_COUNT(import_filters),
};

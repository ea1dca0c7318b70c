/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists that are reports: how full naves are, where pots stand empty, and the three tables that
 * the older contract exports (api.md 5.7, R37). */
#include "inventory/analytics_priv.h"
#include "inventory/list.h"

/* ---- utilization -------------------------------------------------------------------------- */

/* A claro is used while plants stand on it. */
#define IN_WAREHOUSE                                                                               \
    " FROM storage_locations l JOIN storage_areas a ON a.id = l.storage_area_id WHERE"             \
    " a.warehouse_id = w.id AND l.active AND EXISTS (SELECT 1 FROM stock_batches b JOIN"           \
    " storage_bins k ON k.id = b.storage_bin_id WHERE k.storage_location_id = l.id AND b.status"   \
    " = 'active')"
#define USED "COALESCE((SELECT SUM(l.area_m2)" IN_WAREHOUSE "), 0)"
#define PLANTS                                                                                     \
    "(SELECT CAST(COALESCE(SUM(b.quantity_current), 0) AS {int}) FROM stock_batches b JOIN"        \
    " storage_bins k ON k.id = b.storage_bin_id JOIN storage_locations l ON l.id ="                \
    " k.storage_location_id JOIN storage_areas a ON a.id = l.storage_area_id WHERE b.status ="     \
    " 'active' AND a.warehouse_id = w.id)"

static const struct list_column utilization_columns[] = {
    {"warehouse_id", "w.id", 'i', LIST_AS_IS},
    {"name", "w.name", 't', LIST_AS_IS},
    {"area_m2", "w.area_m2", 'r', LIST_ROUND2},
    {"used_area_m2", USED, 'r', LIST_ROUND2},
    {"utilization_pct", "100.0 * " USED " / w.area_m2", 'r', LIST_ROUND2},
    {"total_plants", PLANTS, 'i', LIST_AS_IS},
};
static const struct list_filter utilization_filters[] = {{"warehouse_id", "w.id = ?", 'i'}};
const struct list list_utilization = {
    .name = "list.utilization",
    .from = "warehouses w WHERE w.active",
    .order = "w.code",
    .action = INV_DO_ANALYTICS,
    .column = utilization_columns,
    .n_column = DM_COUNT(utilization_columns),
    .filter = utilization_filters,
    .n_filter = DM_COUNT(utilization_filters),
    .has_where = true,
};

/* ---- empty pots --------------------------------------------------------------------------- */

static const struct list_column empties_columns[] = {
    {"storage_location_id", "x.id", 'i', LIST_AS_IS},
    {"code", "x.code", 't', LIST_AS_IS},
    {"empty", "x.empty", 'i', LIST_AS_IS},
    {"total", "x.total", 'i', LIST_AS_IS},
    {"ratio", "x.empty * 1.0 / x.total", 'r', LIST_ROUND4},
};
static const struct list_filter empties_filters[] = {
    {"min_ratio", "x.empty >= ? * x.total", 'r'},
    {"warehouse_id", "x.warehouse_id = ?", 'i'},
    {"product_id",
     "EXISTS (SELECT 1 FROM stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id WHERE"
     " k.storage_location_id = x.id AND b.status <> 'closed' AND b.product_id = ?)",
     'i'},
};
const struct list list_empties = {
    .name = "list.empties",
    .from = "(SELECT l.id, l.code, a.warehouse_id, CAST(SUM(b.quantity_empty_containers) AS {int})"
            " AS empty, CAST(SUM(b.quantity_empty_containers + " ANALYTICS_POTS
            ") AS {int}) AS total FROM"
            " stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id JOIN"
            " storage_locations l ON l.id = k.storage_location_id JOIN storage_areas a ON a.id ="
            " l.storage_area_id WHERE b.status <> 'closed' GROUP BY l.id, l.code, a.warehouse_id) x"
            " WHERE x.empty > 0",
    .order = "x.empty * 1.0 / x.total DESC, x.code",
    .action = INV_DO_ANALYTICS,
    .column = empties_columns,
    .n_column = DM_COUNT(empties_columns),
    .filter = empties_filters,
    .n_filter = DM_COUNT(empties_filters),
    .has_where = true,
};

/* ---- tables to export --------------------------------------------------------------------- */

#define OF_BATCH                                                                                   \
    " JOIN storage_bins k ON k.id = b.storage_bin_id"                                              \
    " JOIN storage_locations l ON l.id = k.storage_location_id"                                    \
    " JOIN storage_areas a ON a.id = l.storage_area_id JOIN products r ON r.id = b.product_id"

static const struct list_column inventory_columns[] = {
    {"id", "b.id", 'i', LIST_AS_IS},
    {"batch_code", "b.batch_code", 't', LIST_AS_IS},
    {"warehouse_id", "a.warehouse_id", 'i', LIST_AS_IS},
    {"product_id", "b.product_id", 'i', LIST_AS_IS},
    {"quantity", "b.quantity_current", 'i', LIST_AS_IS},
    {"created_at", "b.created_at", 'T', LIST_AS_IS},
    {"product_sku", "r.sku", 't', LIST_AS_IS},
    {"product_name", "r.common_name", 't', LIST_AS_IS},
    {"storage_location_code", "l.code", 't', LIST_AS_IS},
    {"storage_bin_code", "k.code", 't', LIST_AS_IS},
    {"packaging_sku", "q.sku", 't', LIST_AS_IS},
    {"product_state", "s.code", 't', LIST_AS_IS},
    {"product_size", "z.code", 't', LIST_AS_IS},
    {"quality_score", "b.quality_score", 'r', LIST_ROUND2},
};
static const struct list_filter batch_filters[] = {
    {"warehouse_id", "a.warehouse_id = ?", 'i'},
    {"product_id", "b.product_id = ?", 'i'},
    {"from", "b.created_at >= ?", 'T'},
    {"before", "b.created_at < ?", 'T'},
};
const struct list list_export_inventory = {
    .name = "list.export_inventory",
    .from = "stock_batches b" OF_BATCH " JOIN product_states s ON s.id = b.product_state_id"
            " LEFT JOIN product_sizes z ON z.id = b.product_size_id"
            " LEFT JOIN packaging_catalog q ON q.id = b.packaging_catalog_id"
            " WHERE b.status = 'active'",
    .order = "b.id",
    .action = INV_DO_EXPORT,
    .column = inventory_columns,
    .n_column = DM_COUNT(inventory_columns),
    .filter = batch_filters,
    .n_filter = DM_COUNT(batch_filters),
    .has_where = true,
};

static const struct list_column batches_columns[] = {
    {"id", "b.id", 'i', LIST_AS_IS},
    {"batch_code", "b.batch_code", 't', LIST_AS_IS},
    {"warehouse_id", "a.warehouse_id", 'i', LIST_AS_IS},
    {"product_id", "b.product_id", 'i', LIST_AS_IS},
    {"quantity_initial", "b.quantity_initial", 'i', LIST_AS_IS},
    {"quantity_current", "b.quantity_current", 'i', LIST_AS_IS},
    {"quantity_empty_containers", "b.quantity_empty_containers", 'i', LIST_AS_IS},
    {"planting_date", "b.planting_date", 'D', LIST_AS_IS},
    {"expected_ready_date", "b.expected_ready_date", 'D', LIST_AS_IS},
    {"created_at", "b.created_at", 'T', LIST_AS_IS},
    {"updated_at", "b.updated_at", 'T', LIST_AS_IS},
};
const struct list list_export_batches = {
    .name = "list.export_batches",
    .from = "stock_batches b" OF_BATCH,
    .order = "b.id",
    .action = INV_DO_EXPORT,
    .column = batches_columns,
    .n_column = DM_COUNT(batches_columns),
    .filter = batch_filters,
    .n_filter = DM_COUNT(batch_filters),
};

static const struct list_column movement_columns[] = {
    {"id", "m.id", 'i', LIST_AS_IS},
    {"movement_id", "m.uuid", 'u', LIST_AS_IS},
    {"created_at", "m.created_at", 'T', LIST_AS_IS},
    {"movement_type", "m.movement_type", 't', LIST_AS_IS},
    {"quantity", "m.quantity", 'i', LIST_AS_IS},
    {"is_inbound", "m.is_inbound", 'b', LIST_AS_IS},
    {"source_type", "m.source_type", 't', LIST_AS_IS},
    {"batch_id", "m.stock_batch_id", 'i', LIST_AS_IS},
    {"batch_code", "b.batch_code", 't', LIST_AS_IS},
    {"product_sku", "r.sku", 't', LIST_AS_IS},
    {"source_bin_code", "f.code", 't', LIST_AS_IS},
    {"destination_bin_code", "t.code", 't', LIST_AS_IS},
    {"user_email", "u.email", 't', LIST_AS_IS},
    {"unit_price", "m.unit_price_cents", 'i', LIST_MONEY},
    {"total_price", "m.total_price_cents", 'i', LIST_MONEY},
    {"reason_description", "m.reason", 't', LIST_AS_IS},
};
static const struct list_filter movement_filters[] = {
    {"warehouse_id", "a.warehouse_id = ?", 'i'},
    {"product_id", "b.product_id = ?", 'i'},
    {"from", "m.occurred_at >= ?", 'T'},
    {"before", "m.occurred_at < ?", 'T'},
};
const struct list list_export_movements = {
    .name = "list.export_movements",
    .from = "stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id" OF_BATCH
            " JOIN users u ON u.id = m.user_id LEFT JOIN storage_bins f ON f.id = m.source_bin_id"
            " LEFT JOIN storage_bins t ON t.id = m.destination_bin_id",
    .order = "m.occurred_at, m.id",
    .action = INV_DO_EXPORT,
    .column = movement_columns,
    .n_column = DM_COUNT(movement_columns),
    .filter = movement_filters,
    .n_filter = DM_COUNT(movement_filters),
};

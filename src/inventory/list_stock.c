/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of the ledger: batches, movements, periods. */
#include "inventory/list.h"

/* ---- batches ------------------------------------------------------------------------------ */

static const struct list_column batch_columns[] = {
    {"batch_id", "b.id", 'i', LIST_AS_IS},
    {"batch_code", "b.batch_code", 't', LIST_AS_IS},
    {"current_storage_bin_id", "b.storage_bin_id", 'i', LIST_AS_IS},
    {"product_id", "b.product_id", 'i', LIST_AS_IS},
    {"quantity_initial", "b.quantity_initial", 'i', LIST_AS_IS},
    {"quantity_current", "b.quantity_current", 'i', LIST_AS_IS},
    {"created_at", "b.created_at", 'T', LIST_AS_IS},
    {"updated_at", "b.updated_at", 'T', LIST_AS_IS},
    {"product_state_id", "b.product_state_id", 'i', LIST_AS_IS},
    {"product_size_id", "b.product_size_id", 'i', LIST_AS_IS},
    {"has_packaging", "b.has_packaging", 'b', LIST_AS_IS},
    {"packaging_catalog_id", "b.packaging_catalog_id", 'i', LIST_AS_IS},
    {"quantity_empty_containers", "b.quantity_empty_containers", 'i', LIST_AS_IS},
    {"quality_score", "b.quality_score", 'r', LIST_ROUND2},
    {"planting_date", "b.planting_date", 'D', LIST_AS_IS},
    {"transplant_date", "b.transplant_date", 'D', LIST_AS_IS},
    {"expected_ready_date", "b.expected_ready_date", 'D', LIST_AS_IS},
    {"notes", "b.notes", 't', LIST_AS_IS},
    {"custom_attributes", "b.custom_attributes", 'j', LIST_AS_IS},
};
static const struct list_filter batch_filters[] = {
    {"batch_id", "b.id = ?", 'i'},
    {"storage_location_id", "k.storage_location_id = ?", 'i'},
    {"storage_bin_id", "b.storage_bin_id = ?", 'i'},
    {"product_id", "b.product_id = ?", 'i'},
    {"packaging_catalog_id", "b.packaging_catalog_id = ?", 'i'},
    {"product_state_id", "b.product_state_id = ?", 'i'},
    {"batch_status", "CASE WHEN b.status = 'active' THEN 'active' ELSE 'depleted' END = ?", 't'},
    {"q", "{lower:b.batch_code} LIKE ?", 'q'},
};
const struct list list_batches = {
    .name = "list.batches",
    .from = "stock_batches b JOIN storage_bins k ON k.id = b.storage_bin_id",
    .order = "b.id",
    .action = INV_DO_READ,
    .column = batch_columns,
    .n_column = DM_COUNT(batch_columns),
    .filter = batch_filters,
    .n_filter = DM_COUNT(batch_filters),
};

/* ---- movements ---------------------------------------------------------------------------- */

/* The other leg of a transplante; what the batch held once the row was written. */
#define PAIRED                                                                                     \
    "CASE WHEN m.movement_type = 'transplante' THEN (SELECT x.uuid FROM stock_movements x WHERE"   \
    " x.group_uuid = m.group_uuid AND x.quantity = -m.quantity AND x.movement_type ="              \
    " 'transplante' ORDER BY x.id LIMIT 1) END"
#define AFTER                                                                                      \
    "(SELECT CAST(SUM(x.quantity) AS {int}) FROM stock_movements x WHERE x.stock_batch_id ="       \
    " m.stock_batch_id AND x.id <= m.id)"

static const struct list_column movement_columns[] = {
    {"id", "m.id", 'i', LIST_AS_IS},
    {"movement_id", "m.uuid", 'u', LIST_AS_IS},
    {"batch_id", "m.stock_batch_id", 'i', LIST_AS_IS},
    {"movement_type", "m.movement_type", 't', LIST_AS_IS},
    {"quantity", "m.quantity", 'i', LIST_AS_IS},
    {"user_id", "m.user_id", 'i', LIST_AS_IS},
    {"source_type", "m.source_type", 't', LIST_AS_IS},
    {"is_inbound", "m.is_inbound", 'b', LIST_AS_IS},
    {"created_at", "m.created_at", 'T', LIST_AS_IS},
    {"source_bin_id", "m.source_bin_id", 'i', LIST_AS_IS},
    {"destination_bin_id", "m.destination_bin_id", 'i', LIST_AS_IS},
    {"unit_price", "m.unit_price_cents", 'i', LIST_MONEY},
    {"total_price", "m.total_price_cents", 'i', LIST_MONEY},
    {"reason_description", "m.reason", 't', LIST_AS_IS},
    {"processing_session_id", "m.session_id", 'i', LIST_AS_IS},
    {"batch_quantity_after", AFTER, 'i', LIST_AS_IS},
    {"paired_movement_id", PAIRED, 'u', LIST_AS_IS},
    {"occurred_at", "m.occurred_at", 'T', LIST_AS_IS},
    {"reverses_movement_id", "o.uuid", 'u', LIST_AS_IS},
};
static const struct list_filter movement_filters[] = {
    {"id", "m.id = ?", 'i'},
    {"movement_id", "m.uuid = ?", 'u'},
    {"batch_id", "m.stock_batch_id = ?", 'i'},
    {"movement_type", "m.movement_type = ?", 't'},
    {"source_type", "m.source_type = ?", 't'},
    {"storage_location_id", "k.storage_location_id = ?", 'i'},
    {"user_id", "m.user_id = ?", 'i'},
    {"date_from", "m.occurred_at >= ?", 'T'},
    {"date_to", "m.occurred_at <= ?", 'T'},
};
const struct list list_movements = {
    .name = "list.movements",
    .from = "stock_movements m JOIN stock_batches b ON b.id = m.stock_batch_id"
            " JOIN storage_bins k ON k.id = b.storage_bin_id"
            " LEFT JOIN stock_movements o ON o.id = m.reverses_movement_id",
    .order = "m.occurred_at DESC, m.id DESC",
    .action = INV_DO_READ,
    .column = movement_columns,
    .n_column = DM_COUNT(movement_columns),
    .filter = movement_filters,
    .n_filter = DM_COUNT(movement_filters),
};

/* ---- periods ------------------------------------------------------------------------------ */

static const struct list_column period_columns[] = {
    {"id", "p.id", 'i', LIST_AS_IS},
    {"storage_location_id", "p.storage_location_id", 'i', LIST_AS_IS},
    {"kind", "p.opened_kind", 't', LIST_AS_IS},
    {"status", "p.status", 't', LIST_AS_IS},
    {"opened_at", "p.opened_at", 'T', LIST_AS_IS},
    {"closed_at", "p.closed_at", 'T', LIST_AS_IS},
    {"opening_session_id", "s.uuid", 'u', LIST_AS_IS},
    {"opening_count", "p.opening_count", 'i', LIST_AS_IS},
};
static const struct list_filter period_filters[] = {
    {"storage_location_id", "p.storage_location_id = ?", 'i'},
    {"status", "p.status = ?", 't'},
};
const struct list list_periods = {
    .name = "list.periods",
    .from = "stock_periods p LEFT JOIN photo_processing_sessions s ON s.id = p.opening_session_id",
    .order = "p.opened_at DESC, p.id DESC",
    .action = INV_DO_READ,
    .column = period_columns,
    .n_column = DM_COUNT(period_columns),
    .filter = period_filters,
    .n_filter = DM_COUNT(period_filters),
};

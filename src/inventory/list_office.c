/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of the office: reconciliations, sales files, the audit trail. */
#include "inventory/list.h"

/* ---- reconciliations ---------------------------------------------------------------------- */

static const struct list_column recon_columns[] = {
    {"id", "r.id", 'i', LIST_AS_IS},
    {"storage_location_id", "l.id", 'i', LIST_AS_IS},
    {"storage_location_code", "l.code", 't', LIST_AS_IS},
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"counted_at", "r.counted_at", 'T', LIST_AS_IS},
    {"accounting_month", "r.accounting_month", 't', LIST_AS_IS},
    {"status", "r.status", 't', LIST_AS_IS},
    {"expected_total", "r.expected_total", 'i', LIST_AS_IS},
    {"observed_total", "r.observed_total", 'i', LIST_AS_IS},
    {"sales_total", "r.sales_total", 'i', LIST_AS_IS},
    {"loss_total", "r.loss_total", 'i', LIST_AS_IS},
    {"surplus_total", "r.surplus_total", 'i', LIST_AS_IS},
    {"flags", "r.flags", 'j', LIST_AS_IS},
    {"cause", "r.cause", 't', LIST_AS_IS},
    {"note", "r.note", 't', LIST_AS_IS},
    {"reviewed_by", "r.reviewed_by_user_id", 'i', LIST_AS_IS},
    {"reviewed_at", "r.reviewed_at", 'T', LIST_AS_IS},
};
static const struct list_filter recon_filters[] = {
    {"id", "r.id = ?", 'i'},
    {"month", "r.accounting_month = ?", 't'},
    {"status", "r.status = ?", 't'},
    {"storage_location_id", "r.storage_location_id = ?", 'i'},
    {"warehouse_id", "a.warehouse_id = ?", 'i'},
    {"flag", "CAST(r.flags AS TEXT) LIKE '%\"' || ? || '\"%'", 't'},
};
const struct list list_recons = {
    .name = "list.reconciliations",
    .from = "reconciliations r JOIN storage_locations l ON l.id = r.storage_location_id"
            " JOIN storage_areas a ON a.id = l.storage_area_id"
            " LEFT JOIN photo_processing_sessions s ON s.id = r.session_id",
    .order = "r.counted_at DESC, r.id DESC",
    .action = INV_DO_RECONCILE,
    .column = recon_columns,
    .n_column = DM_COUNT(recon_columns),
    .filter = recon_filters,
    .n_filter = DM_COUNT(recon_filters),
};

static const struct list_column recon_line_columns[] = {
    {"product_id", "n.product_id", 'i', LIST_AS_IS},
    {"packaging_catalog_id", "n.packaging_catalog_id", 'i', LIST_AS_IS},
    {"line_group", "n.line_group", 't', LIST_AS_IS},
    {"outcome", "n.outcome", 't', LIST_AS_IS},
    {"opening", "n.opening", 'i', LIST_AS_IS},
    {"planted", "n.planted", 'i', LIST_AS_IS},
    {"transfer_in", "n.transfer_in", 'i', LIST_AS_IS},
    {"transfer_out", "n.transfer_out", 'i', LIST_AS_IS},
    {"deaths", "n.deaths", 'i', LIST_AS_IS},
    {"logged_sales", "n.logged_sales", 'i', LIST_AS_IS},
    {"adjustments", "n.adjustments", 'i', LIST_AS_IS},
    {"expected", "n.expected", 'i', LIST_AS_IS},
    {"observed", "n.observed", 'i', LIST_AS_IS},
    {"difference", "n.difference", 'i', LIST_AS_IS},
    {"unit_price", "n.unit_price_cents", 'i', LIST_CENTS},
};
static const struct list_filter recon_line_filters[] = {
    {"reconciliation_id", "n.reconciliation_id = ?", 'i'},
};
const struct list list_recon_lines = {
    .name = "list.reconciliation_lines",
    .from = "reconciliation_lines n JOIN products r ON r.id = n.product_id"
            " LEFT JOIN packaging_catalog q ON q.id = n.packaging_catalog_id",
    .order = "r.sku, q.sku NULLS FIRST, n.line_group, n.id",
    .action = INV_DO_RECONCILE,
    .column = recon_line_columns,
    .n_column = DM_COUNT(recon_line_columns),
    .filter = recon_line_filters,
    .n_filter = DM_COUNT(recon_line_filters),
};

/* ---- sales files -------------------------------------------------------------------------- */

#define LINES_WITH(verdict)                                                                        \
    "(SELECT count(*) FROM sales_validation_lines n WHERE n.sales_import_id = i.id AND n.result "  \
    "= '" verdict "')"

static const struct list_column import_columns[] = {
    {"id", "i.uuid", 'u', LIST_AS_IS},
    {"month", "i.accounting_month", 't', LIST_AS_IS},
    {"file_names", "i.file_names", 'j', LIST_AS_IS},
    {"row_count", "i.row_count", 'i', LIST_AS_IS},
    {"bad_row_count", "i.bad_row_count", 'i', LIST_AS_IS},
    {"matched", LINES_WITH("match"), 'i', LIST_AS_IS},
    {"mismatched", LINES_WITH("mismatch"), 'i', LIST_AS_IS},
    {"only_external", LINES_WITH("only_external"), 'i', LIST_AS_IS},
    {"only_system", LINES_WITH("only_system"), 'i', LIST_AS_IS},
    {"created_at", "i.created_at", 'T', LIST_AS_IS},
};
static const struct list_filter import_filters[] = {
    {"id", "i.uuid = ?", 'u'},
    {"month", "i.accounting_month = ?", 't'},
};
const struct list list_sales_imports = {
    .name = "list.sales_imports",
    .from = "sales_imports i",
    .order = "i.id DESC",
    .action = INV_DO_SALES_IMPORT,
    .column = import_columns,
    .n_column = DM_COUNT(import_columns),
    .filter = import_filters,
    .n_filter = DM_COUNT(import_filters),
};

static const struct list_column import_line_columns[] = {
    {"line_id", "n.id", 'i', LIST_AS_IS},
    {"product_sku", "COALESCE(r.sku, g.code)", 't', LIST_AS_IS},
    {"packaging_sku", "q.sku", 't', LIST_AS_IS},
    {"system_logged", "n.system_logged", 'i', LIST_AS_IS},
    {"system_calculated", "n.system_calculated", 'i', LIST_AS_IS},
    {"external", "n.external", 'i', LIST_AS_IS},
    {"difference", "n.difference", 'i', LIST_AS_IS},
    {"tolerance", "n.tolerance", 'i', LIST_AS_IS},
    {"result", "n.result", 't', LIST_AS_IS},
    {"resolution", "n.resolution", 't', LIST_AS_IS},
    {"cause", "n.cause", 't', LIST_AS_IS},
    {"note", "n.note", 't', LIST_AS_IS},
};
static const struct list_filter import_line_filters[] = {
    {"import_id", "i.uuid = ?", 'u'},
    {"line_id", "n.id = ?", 'i'},
};
const struct list list_sales_lines = {
    .name = "list.sales_lines",
    .from = "sales_validation_lines n JOIN sales_imports i ON i.id = n.sales_import_id"
            " LEFT JOIN products r ON r.id = n.product_id"
            " LEFT JOIN product_categories g ON g.id = n.product_category_id"
            " LEFT JOIN packaging_catalog q ON q.id = n.packaging_catalog_id",
    .order = "n.id",
    .action = INV_DO_SALES_IMPORT,
    .column = import_line_columns,
    .n_column = DM_COUNT(import_line_columns),
    .filter = import_line_filters,
    .n_filter = DM_COUNT(import_line_filters),
};

static const struct list_column import_error_columns[] = {
    {"file", "n.file_no", 'i', LIST_AS_IS},
    {"line", "n.line_no", 'i', LIST_AS_IS},
    {"issue", "n.error", 't', LIST_AS_IS},
    {"value", "n.raw", 'j', LIST_AS_IS},
};
static const struct list_filter import_error_filters[] = {
    {"import_id", "i.uuid = ?", 'u'},
};
const struct list list_sales_errors = {
    .name = "list.sales_errors",
    .from = "sales_import_rows n JOIN sales_imports i ON i.id = n.sales_import_id"
            " WHERE n.error IS NOT NULL",
    .order = "n.file_no, n.line_no",
    .action = INV_DO_SALES_IMPORT,
    .column = import_error_columns,
    .n_column = DM_COUNT(import_error_columns),
    .filter = import_error_filters,
    .n_filter = DM_COUNT(import_error_filters),
    .has_where = true,
};

/* ---- audit trail -------------------------------------------------------------------------- */

static const struct list_column audit_columns[] = {
    {"id", "x.id", 'i', LIST_AS_IS},
    {"timestamp", "x.created_at", 'T', LIST_AS_IS},
    {"user_id", "x.user_id", 'i', LIST_AS_IS},
    {"user_email", "u.email", 't', LIST_AS_IS},
    {"action", "x.action", 't', LIST_AS_IS},
    {"entity_type", "x.entity_type", 't', LIST_AS_IS},
    {"entity_id", "x.entity_id", 't', LIST_AS_IS},
    {"changes.old", "x.before", 'j', LIST_AS_IS},
    {"changes.new", "x.after", 'j', LIST_AS_IS},
    {"correlation_id", "x.request_id", 't', LIST_AS_IS},
    {"remote_address", "x.remote_address", 't', LIST_AS_IS},
};
static const struct list_filter audit_filters[] = {
    {"user_id", "x.user_id = ?", 'i'},         {"action", "x.action = ?", 't'},
    {"entity_type", "x.entity_type = ?", 't'}, {"entity_id", "x.entity_id = ?", 't'},
    {"date_from", "x.created_at >= ?", 'T'},   {"date_to", "x.created_at <= ?", 'T'},
};
const struct list list_audit = {
    .name = "list.audit",
    .from = "audit_log x LEFT JOIN users u ON u.id = x.user_id",
    .order = "x.created_at DESC, x.id DESC",
    .action = INV_DO_AUDIT_READ,
    .column = audit_columns,
    .n_column = DM_COUNT(audit_columns),
    .filter = audit_filters,
    .n_filter = DM_COUNT(audit_filters),
};

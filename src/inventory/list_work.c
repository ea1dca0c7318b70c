/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits for a supervisor (product.md 2.3, /review): counts that were held, that carry a
 * warning or that failed, the most urgent first. A run that was counted again is not among them. */
#include "inventory/list.h"

/* Why, in one word, and how much it presses: a photo that nobody can place or count first, then
 * what hinders posting, then figures that look wrong; what waits longer comes first among equals.
 */
#define REASON                                                                                     \
    "CASE WHEN s.status = 'failed' THEN 'failed' WHEN s.warning IS NOT NULL THEN s.warning"        \
    " ELSE coalesce(s.hold_reasons ->> 0, 'held') END"
#define SCORE                                                                                      \
    "CASE WHEN s.status = 'failed' THEN 90 WHEN s.warning = 'needs_location' THEN 80"              \
    " WHEN s.warning = 'needs_config' THEN 70 WHEN s.warning = 'location_uncertain' THEN 60"       \
    " WHEN s.posting_status = 'held' THEN 50 ELSE 40 END"

static const struct list_column columns[] = {
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"reason", REASON, 't', LIST_AS_IS},
    {"reasons", "s.hold_reasons", 'j', LIST_AS_IS},
    {"score", SCORE, 'i', LIST_AS_IS},
    {"status", "s.status", 't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
    {"posting_status", "s.posting_status", 't', LIST_AS_IS},
    {"error_message", "s.error_message", 't', LIST_AS_IS},
    {"captured_at", "s.captured_at", 'T', LIST_AS_IS},
    {"uploaded_by_user_id", "i.uploaded_by_user_id", 'i', LIST_AS_IS},
    {"storage_location_id", "l.id", 'i', LIST_AS_IS},
    {"storage_location_code", "l.code", 't', LIST_AS_IS},
    {"warehouse_id", "w.id", 'i', LIST_AS_IS},
    {"warehouse_name", "w.name", 't', LIST_AS_IS},
    {"counted", "s.total_detected + s.total_estimated", 'i', LIST_AS_IS},
    {"expected", "r.expected_total", 'i', LIST_AS_IS},
    {"avg_confidence", "s.avg_confidence", 'r', LIST_ROUND4},
    {"adjustments", "(SELECT count(*) FROM session_adjustments j WHERE j.session_id = s.id)", 'i',
     LIST_AS_IS},
    {"thumbnail_url", "'/api/v1/photos/' || CAST(i.uuid AS TEXT) || '/thumbnail'", 't', LIST_AS_IS},
};
static const struct list_filter filters[] = {
    {"warehouse_id", "w.id = ?", 'i'},
    {"storage_location_id", "l.id = ?", 'i'},
    {"reason", REASON " = ?", 't'},
};
const struct list list_review = {
    .name = "list.review",
    .from = "photo_processing_sessions s JOIN images i ON i.id = s.image_id"
            " LEFT JOIN storage_locations l ON l.id = s.storage_location_id"
            " LEFT JOIN storage_areas a ON a.id = l.storage_area_id"
            " LEFT JOIN warehouses w ON w.id = a.warehouse_id"
            " LEFT JOIN reconciliations r ON r.session_id = s.id AND r.status = 'draft'"
            " WHERE i.deleted_at IS NULL AND (s.status = 'failed' OR s.posting_status = 'held' OR"
            " (s.warning IS NOT NULL AND NOT s.validated AND s.posting_status <> 'void'))"
            " AND NOT EXISTS (SELECT 1 FROM photo_processing_sessions n WHERE"
            " n.supersedes_session_id = s.id)",
    .order = SCORE " DESC, s.captured_at, s.id",
    .action = INV_DO_COUNT_REVIEW,
    .column = columns,
    .n_column = DM_COUNT(columns),
    .filter = filters,
    .n_filter = DM_COUNT(filters),
    .has_where = true,
};

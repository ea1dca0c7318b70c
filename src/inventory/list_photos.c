/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of photographs: gallery, sessions and what was seen in them. Members that name an object
 * ("original_url" and their like) are "STORE:KEY" here; who hands out addresses makes them. */
#include "inventory/list.h"

#define OBJECT_OF(alias) alias ".store || ':' || " alias ".storage_key"
#define LAST_SESSION                                                                               \
    " LEFT JOIN photo_processing_sessions s ON s.id = (SELECT max(x.id)"                           \
    " FROM photo_processing_sessions x WHERE x.image_id = i.id)"
#define PLACE                                                                                      \
    " LEFT JOIN storage_locations l ON l.id = s.storage_location_id"                               \
    " LEFT JOIN storage_areas a ON a.id = l.storage_area_id"                                       \
    " LEFT JOIN warehouses w ON w.id = a.warehouse_id"
#define PICTURES                                                                                   \
    " LEFT JOIN image_blobs o ON o.image_id = i.id AND o.variant = 'original'"                     \
    " LEFT JOIN image_blobs t ON t.image_id = i.id AND t.variant = 'thumbnail'"                    \
    " LEFT JOIN image_blobs m ON m.session_id = s.id AND m.variant = 'annotated'"
#define COUNTS(kind) "coalesce(s.category_counts -> '" kind "', '{}')"

/* ---- gallery ------------------------------------------------------------------------------ */

static const struct list_column gallery_columns[] = {
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"thumbnail_url", OBJECT_OF("t"), 't', LIST_AS_IS},
    {"original_url", OBJECT_OF("o"), 't', LIST_AS_IS},
    {"status", "i.status", 't', LIST_AS_IS},
    {"error_details", "i.error_details", 't', LIST_AS_IS},
    {"uploaded_at", "i.created_at", 'T', LIST_AS_IS},
    {"warehouse_name", "w.name", 't', LIST_AS_IS},
    {"filename", "i.original_filename", 't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
    {"processing_session.session_id", "s.uuid", 'u', LIST_AS_IS},
    {"processing_session.total_detected", "s.total_detected", 'i', LIST_AS_IS},
    {"processing_session.total_estimated", "s.total_estimated", 'i', LIST_AS_IS},
    {"processing_session.storage_location_id", "s.storage_location_id", 'i', LIST_AS_IS},
    {"processing_session.storage_location_name", "l.name", 't', LIST_AS_IS},
    {"processing_session.status", "s.status", 't', LIST_AS_IS},
};
static const struct list_filter gallery_filters[] = {
    {"image_id", "i.uuid = ?", 'u'},
    {"image_status", "i.status = ?", 't'},
    {"warned", "(s.warning IS NOT NULL) = ?", 'b'},
    {"warning", "s.warning = ?", 't'},
    {"warehouse_id", "w.id = ?", 'i'},
    {"warehouse_ids", "w.id IN {ids:?}", 'j'},
    {"storage_location_id", "s.storage_location_id = ?", 'i'},
    {"date_from", "i.created_at >= ?", 'T'},
    {"date_to", "i.created_at <= ?", 'T'},
    {"search", "{lower:i.original_filename} LIKE ?", 'q'},
};
const struct list list_gallery = {
    .name = "list.gallery",
    .from =
        "images i" LAST_SESSION PLACE PICTURES " WHERE i.deleted_at IS NULL AND s.id IS NOT NULL",
    .order = "i.created_at DESC, i.id DESC",
    .action = INV_DO_READ,
    .column = gallery_columns,
    .n_column = DM_COUNT(gallery_columns),
    .filter = gallery_filters,
    .n_filter = DM_COUNT(gallery_filters),
    .has_where = true,
};

static const struct list_column photo_columns[] = {
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"original_url", OBJECT_OF("o"), 't', LIST_AS_IS},
    {"thumbnail_url", OBJECT_OF("t"), 't', LIST_AS_IS},
    {"annotated_url", OBJECT_OF("m"), 't', LIST_AS_IS},
    {"status", "i.status", 't', LIST_AS_IS},
    {"uploaded_at", "i.created_at", 'T', LIST_AS_IS},
    {"error_details", "i.error_details", 't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
    {"gps.longitude", "i.gps_lon", 'r', LIST_AS_IS},
    {"gps.latitude", "i.gps_lat", 'r', LIST_AS_IS},
    {"metadata.file_size_bytes", "i.file_size_bytes", 'i', LIST_AS_IS},
    {"metadata.width_px", "i.width_px", 'i', LIST_AS_IS},
    {"metadata.height_px", "i.height_px", 'i', LIST_AS_IS},
    {"metadata.content_type", "i.content_type", 't', LIST_AS_IS},
    {"metadata.exif", "i.exif", 'j', LIST_AS_IS},
    {"processing_session.session_id", "s.uuid", 'u', LIST_AS_IS},
    {"processing_session.status", "s.status", 't', LIST_AS_IS},
    {"processing_session.storage_location_id", "s.storage_location_id", 'i', LIST_AS_IS},
    {"processing_session.storage_location_name", "l.name", 't', LIST_AS_IS},
    {"processing_session.total_detected", "s.total_detected", 'i', LIST_AS_IS},
    {"processing_session.total_estimated", "s.total_estimated", 'i', LIST_AS_IS},
    {"processing_session.total_empty_containers", "s.total_empty_containers", 'i', LIST_AS_IS},
    {"processing_session.avg_confidence", "s.avg_confidence", 'r', LIST_ROUND4},
    {"processing_session.category_counts", COUNTS("by_category"), 'j', LIST_AS_IS},
    {"processing_session.validated", "s.validated", 'b', LIST_AS_IS},
    {"processing_session.validated_by", "CAST(s.validated_by_user_id AS TEXT)", 't', LIST_AS_IS},
    {"processing_session.validation_date", "s.validated_at", 'T', LIST_AS_IS},
    {"processing_session.validated_by_email", "v.email", 't', LIST_AS_IS},
};
static const struct list_filter photo_filters[] = {{"image_id", "i.uuid = ?", 'u'}};
const struct list list_photo = {
    .name = "list.photo",
    .from = "images i" LAST_SESSION PLACE PICTURES
            " LEFT JOIN users v ON v.id = s.validated_by_user_id WHERE i.deleted_at IS NULL",
    .order = "i.id",
    .action = INV_DO_READ,
    .column = photo_columns,
    .n_column = DM_COUNT(photo_columns),
    .filter = photo_filters,
    .n_filter = DM_COUNT(photo_filters),
    .has_where = true,
};

/* By the index images_sha256_key. */
static const struct list_column known_columns[] = {
    {"sha256", "i.sha256", 't', LIST_AS_IS},
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"file_size_bytes", "i.file_size_bytes", 'i', LIST_AS_IS},
    {"status", "i.status", 't', LIST_AS_IS},
    {"uploaded_at", "i.created_at", 'T', LIST_AS_IS},
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"storage_location_id", "s.storage_location_id", 'i', LIST_AS_IS},
    {"storage_location_code", "l.code", 't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
};
static const struct list_filter known_filters[] = {{"sha256", "i.sha256 = ?", 't'}};
const struct list list_known = {
    .name = "list.known",
    .from = "images i" LAST_SESSION " LEFT JOIN storage_locations l ON l.id = s.storage_location_id"
            " WHERE i.deleted_at IS NULL AND NOT i.duplicate_forced",
    .order = "i.id",
    .action = INV_DO_READ,
    .column = known_columns,
    .n_column = DM_COUNT(known_columns),
    .filter = known_filters,
    .n_filter = DM_COUNT(known_filters),
    .has_where = true,
};

static const struct list_column history_columns[] = {
    {"timestamp", "h.captured_at", 'T', LIST_AS_IS},
    {"event", "'photo_processed'", 't', LIST_AS_IS},
    {"total_plants", "h.total_detected + h.total_estimated", 'i', LIST_AS_IS},
    {"session_id", "h.uuid", 'u', LIST_AS_IS},
    {"validated", "h.validated", 'b', LIST_AS_IS},
};
static const struct list_filter history_filters[] = {
    {"storage_location_id", "h.storage_location_id = ?", 'i'}};
const struct list list_claro_photos = {
    .name = "list.claro_photos",
    .from = "photo_processing_sessions h WHERE h.status = 'completed'",
    .order = "h.captured_at DESC, h.id DESC",
    .action = INV_DO_READ,
    .column = history_columns,
    .n_column = DM_COUNT(history_columns),
    .filter = history_filters,
    .n_filter = DM_COUNT(history_filters),
    .has_where = true,
};

static const struct list_column image_columns[] = {
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"s3_bucket", "CASE o.store WHEN 's3' THEN 'originals' ELSE 'local' END", 't', LIST_AS_IS},
    {"s3_key_original", "o.storage_key", 't', LIST_AS_IS},
    {"s3_key_thumbnail", "t.storage_key", 't', LIST_AS_IS},
    {"content_type", "i.content_type", 't', LIST_AS_IS},
    {"file_size_bytes", "i.file_size_bytes", 'i', LIST_AS_IS},
    {"width_px", "i.width_px", 'i', LIST_AS_IS},
    {"height_px", "i.height_px", 'i', LIST_AS_IS},
    {"status", "i.status", 't', LIST_AS_IS},
    {"upload_source", "i.upload_source", 't', LIST_AS_IS},
    {"uploaded_by_user_id", "i.uploaded_by_user_id", 'i', LIST_AS_IS},
    {"presigned_url", OBJECT_OF("o"), 't', LIST_AS_IS},
    {"created_at", "i.created_at", 'T', LIST_AS_IS},
    {"updated_at", "i.updated_at", 'T', LIST_AS_IS},
};
const struct list list_image = {
    .name = "list.image",
    .from = "images i" LAST_SESSION PICTURES " WHERE i.deleted_at IS NULL",
    .order = "i.id",
    .action = INV_DO_READ,
    .column = image_columns,
    .n_column = DM_COUNT(image_columns),
    .filter = photo_filters,
    .n_filter = DM_COUNT(photo_filters),
    .has_where = true,
};

/* ---- sessions ----------------------------------------------------------------------------- */

#define EDITS "(SELECT count(*) FROM session_adjustments j WHERE j.session_id = s.id)"
#define EDITED                                                                                     \
    "(SELECT CAST(coalesce(sum(j.quantity_delta), 0) AS {int}) FROM session_adjustments j"         \
    " WHERE j.session_id = s.id)"

#define SESSION_COLUMNS                                                                            \
    {"id", "s.id", 'i', LIST_AS_IS}, {"session_id", "s.uuid", 'u', LIST_AS_IS},                    \
        {"storage_location_id", "s.storage_location_id", 'i', LIST_AS_IS},                         \
        {"original_image_id", "i.uuid", 'u', LIST_AS_IS},                                          \
        {"processed_image_id", "CASE WHEN m.id IS NOT NULL THEN i.uuid END", 'u', LIST_AS_IS},     \
        {"total_detected", "s.total_detected", 'i', LIST_AS_IS},                                   \
        {"total_estimated", "s.total_estimated", 'i', LIST_AS_IS},                                 \
        {"total_empty_containers", "s.total_empty_containers", 'i', LIST_AS_IS},                   \
        {"avg_confidence", "s.avg_confidence", 'r', LIST_ROUND4},                                  \
        {"category_counts", COUNTS("by_category"), 'j', LIST_AS_IS},                               \
        {"container_counts", COUNTS("by_container"), 'j', LIST_AS_IS},                             \
        {"status", "s.status", 't', LIST_AS_IS},                                                   \
        {"error_message", "s.error_message", 't', LIST_AS_IS},                                     \
        {"validated", "s.validated", 'b', LIST_AS_IS},                                             \
        {"validated_by_user_id", "s.validated_by_user_id", 'i', LIST_AS_IS},                       \
        {"validation_date", "s.validated_at", 'T', LIST_AS_IS},                                    \
        {"manual_adjustments.count", EDITS, 'i', LIST_AS_IS},                                      \
        {"manual_adjustments.quantity_delta", EDITED, 'i', LIST_AS_IS},                            \
        {"created_at", "s.created_at", 'T', LIST_AS_IS},                                           \
        {"updated_at", "s.updated_at", 'T', LIST_AS_IS},                                           \
        {"warning", "s.warning", 't', LIST_AS_IS},                                                 \
        {"posting_status", "s.posting_status", 't', LIST_AS_IS},                                   \
        {"hold_reasons", "s.hold_reasons", 'j', LIST_AS_IS},                                       \
    {                                                                                              \
        "captured_at", "s.captured_at", 'T', LIST_AS_IS                                            \
    }

static const struct list_column session_columns[] = {SESSION_COLUMNS};
static const struct list_filter session_filters[] = {
    {"id", "s.id = ?", 'i'},
    {"session_id", "s.uuid = ?", 'u'},
    {"status", "s.status = ?", 't'},
    {"warning", "s.warning = ?", 't'},
    {"posting_status", "s.posting_status = ?", 't'},
    {"warehouse_id", "w.id = ?", 'i'},
    {"storage_location_id", "s.storage_location_id = ?", 'i'},
    {"validated", "s.validated = ?", 'b'},
    {"date_from", "s.captured_at >= ?", 'T'},
    {"date_to", "s.captured_at <= ?", 'T'},
};
#define SESSION_FROM                                                                               \
    "photo_processing_sessions s JOIN images i ON i.id = s.image_id" PLACE                         \
    " LEFT JOIN image_blobs m ON m.session_id = s.id AND m.variant = 'annotated'"
const struct list list_sessions = {
    .name = "list.sessions",
    .from = SESSION_FROM,
    .order = "s.captured_at DESC, s.id DESC",
    .action = INV_DO_READ,
    .column = session_columns,
    .n_column = DM_COUNT(session_columns),
    .filter = session_filters,
    .n_filter = DM_COUNT(session_filters),
};

#define COUNT_OF(table) "(SELECT count(*) FROM " table " d WHERE d.session_id = s.id)"
static const struct list_column session_detail_columns[] = {
    SESSION_COLUMNS,
    {"detections_count", COUNT_OF("detections"), 'i', LIST_AS_IS},
    {"estimations_count", COUNT_OF("estimations"), 'i', LIST_AS_IS},
    {"image_urls.original", OBJECT_OF("o"), 't', LIST_AS_IS},
    {"image_urls.annotated", OBJECT_OF("m"), 't', LIST_AS_IS},
    {"image_urls.thumbnail", OBJECT_OF("t"), 't', LIST_AS_IS},
};
const struct list list_session = {
    .name = "list.session",
    .from = "photo_processing_sessions s JOIN images i ON i.id = s.image_id" PLACE PICTURES,
    .order = "s.id",
    .action = INV_DO_READ,
    .column = session_detail_columns,
    .n_column = DM_COUNT(session_detail_columns),
    .filter = session_filters,
    .n_filter = DM_COUNT(session_filters),
};

static const struct list_column session_batch_columns[] = {{"batch_id", "b.id", 'i', LIST_AS_IS}};
static const struct list_filter session_batch_filters[] = {{"session_id", "s.uuid = ?", 'u'}};
const struct list list_session_batches = {
    .name = "list.session_batches",
    .from = "stock_batches b JOIN photo_processing_sessions s ON b.id IN (SELECT x.stock_batch_id"
            " FROM stock_movements x WHERE x.session_id = s.id AND x.role = 'opening')",
    .order = "b.id",
    .action = INV_DO_READ,
    .column = session_batch_columns,
    .n_column = DM_COUNT(session_batch_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

/* How a run stands, and what its summary is made of; job: the last one of the session. */
static const struct list_column progress_columns[] = {
    {"id", "s.id", 'i', LIST_AS_IS},
    {"session_id", "s.uuid", 'u', LIST_AS_IS},
    {"status", "s.status", 't', LIST_AS_IS},
    {"updated_at", "s.updated_at", 'T', LIST_AS_IS},
    {"error_message", "s.error_message", 't', LIST_AS_IS},
    {"percent", "j.progress_percent", 'i', LIST_AS_IS},
    {"step", "j.phase", 't', LIST_AS_IS},
    {"total_detected", "s.total_detected", 'i', LIST_AS_IS},
    {"total_estimated", "s.total_estimated", 'i', LIST_AS_IS},
    {"total_empty_containers", "s.total_empty_containers", 'i', LIST_AS_IS},
    {"category_counts", COUNTS("by_category"), 'j', LIST_AS_IS},
    {"avg_confidence", "s.avg_confidence", 'r', LIST_ROUND4},
    {"area_m2", "c.area_cm2 / 10000", 'r', LIST_AS_IS},
    {"claro", "l.code", 't', LIST_AS_IS},
    {"claro_name", "l.name", 't', LIST_AS_IS},
    {"claro_geojson", "l.geojson", 'j', LIST_AS_IS},
    {"captured_at", "s.captured_at", 'T', LIST_AS_IS},
    {"posting_status", "s.posting_status", 't', LIST_AS_IS},
    {"warning", "s.warning", 't', LIST_AS_IS},
    {"model_version", "s.model_version", 't', LIST_AS_IS},
    {"filename", "i.original_filename", 't', LIST_AS_IS},
    {"image_id", "i.uuid", 'u', LIST_AS_IS},
    {"width_px", "i.width_px", 'i', LIST_AS_IS},
    {"height_px", "i.height_px", 'i', LIST_AS_IS},
    {"uploader", "u.email", 't', LIST_AS_IS},
};
const struct list list_progress = {
    .name = "list.progress",
    .from = "photo_processing_sessions s JOIN images i ON i.id = s.image_id"
            " JOIN users u ON u.id = i.uploaded_by_user_id"
            " LEFT JOIN jobs j ON j.id = (SELECT max(x.id) FROM jobs x WHERE x.session_id = s.id)"
            " LEFT JOIN storage_locations l ON l.id = s.storage_location_id"
            " LEFT JOIN storage_location_configs c ON c.id = s.config_id",
    .order = "s.id",
    .action = INV_DO_READ,
    .column = progress_columns,
    .n_column = DM_COUNT(progress_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

/* ---- what was seen ------------------------------------------------------------------------ */

static const struct list_column detection_columns[] = {
    {"id", "d.id", 'i', LIST_AS_IS},
    {"session_id", "d.session_id", 'i', LIST_AS_IS},
    {"stock_movement_id", "d.stock_movement_id", 'i', LIST_AS_IS},
    {"classification_id", "d.classification_id", 'i', LIST_AS_IS},
    {"center_x_px", "d.center_x_px", 'r', LIST_ROUND2},
    {"center_y_px", "d.center_y_px", 'r', LIST_ROUND2},
    {"width_px", "CAST(d.width_px AS {int})", 'i', LIST_AS_IS},
    {"height_px", "CAST(d.height_px AS {int})", 'i', LIST_AS_IS},
    {"area_px", "d.width_px * d.height_px", 'r', LIST_ROUND2},
    {"bbox_coordinates.x1", "d.center_x_px - d.width_px / 2", 'r', LIST_ROUND2},
    {"bbox_coordinates.y1", "d.center_y_px - d.height_px / 2", 'r', LIST_ROUND2},
    {"bbox_coordinates.x2", "d.center_x_px + d.width_px / 2", 'r', LIST_ROUND2},
    {"bbox_coordinates.y2", "d.center_y_px + d.height_px / 2", 'r', LIST_ROUND2},
    {"detection_confidence", "d.confidence", 'r', LIST_ROUND4},
    {"is_empty_container", "d.is_empty_container", 'b', LIST_AS_IS},
    {"is_alive", "d.is_alive", 'b', LIST_AS_IS},
    {"created_at", "d.created_at", 'T', LIST_AS_IS},
    {"bin_id", "g.storage_bin_id", 'i', LIST_AS_IS},
    {"category", "g.category", 't', LIST_AS_IS},
};
static const struct list_filter detection_filters[] = {
    {"session_id", "s.uuid = ?", 'u'},
    {"min_confidence", "d.confidence >= ?", 'r'},
    {"is_alive", "d.is_alive = ?", 'b'},
    {"is_empty_container", "d.is_empty_container = ?", 'b'},
};
const struct list list_detections = {
    .name = "list.detections",
    .from = "detections d JOIN session_segments g ON g.id = d.session_segment_id"
            " JOIN photo_processing_sessions s ON s.id = d.session_id",
    .order = "d.id",
    .action = INV_DO_READ,
    .column = detection_columns,
    .n_column = DM_COUNT(detection_columns),
    .filter = detection_filters,
    .n_filter = DM_COUNT(detection_filters),
};

static const struct list_column estimation_columns[] = {
    {"id", "d.id", 'i', LIST_AS_IS},
    {"session_id", "d.session_id", 'i', LIST_AS_IS},
    {"stock_movement_id", "d.stock_movement_id", 'i', LIST_AS_IS},
    {"classification_id", "d.classification_id", 'i', LIST_AS_IS},
    {"vegetation_polygon", "d.vegetation_polygon", 'j', LIST_AS_IS},
    {"detected_area_cm2", "d.detected_area_cm2", 'r', LIST_ROUND2},
    {"estimated_count", "d.estimated_count", 'i', LIST_AS_IS},
    {"calculation_method", "d.calculation_method", 't', LIST_AS_IS},
    {"estimation_confidence", "d.confidence", 'r', LIST_ROUND4},
    {"used_density_parameters", "d.used_density_parameters", 'b', LIST_AS_IS},
    {"created_at", "d.created_at", 'T', LIST_AS_IS},
};
const struct list list_estimations = {
    .name = "list.estimations",
    .from = "estimations d JOIN photo_processing_sessions s ON s.id = d.session_id",
    .order = "d.id",
    .action = INV_DO_READ,
    .column = estimation_columns,
    .n_column = DM_COUNT(estimation_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

static const struct list_column bin_columns[] = {
    {"bin_id", "g.storage_bin_id", 'i', LIST_AS_IS},
    {"segment_id", "g.id", 'i', LIST_AS_IS},
    {"category", "g.category", 't', LIST_AS_IS},
    {"polygon", "g.polygon", 'j', LIST_AS_IS},
    {"detected", "g.detected_count", 'i', LIST_AS_IS},
    {"estimated", "g.estimated_count", 'i', LIST_AS_IS},
    {"empty", "g.empty_count", 'i', LIST_AS_IS},
    {"ordinal", "g.ordinal", 'i', LIST_AS_IS},
    {"plants",
     "CAST(g.detected_count + g.estimated_count + (SELECT"
     " coalesce(sum(a.quantity_delta), 0) FROM session_adjustments a LEFT JOIN detections d"
     " ON d.id = a.detection_id WHERE a.session_segment_id = g.id OR d.session_segment_id = g.id)"
     " AS {int})",
     'i', LIST_AS_IS},
    {"avg_confidence",
     "(SELECT avg(d.confidence) FROM detections d WHERE d.session_segment_id = g.id"
     " AND d.is_alive AND NOT d.is_empty_container)",
     'r', LIST_ROUND4},
};
const struct list list_session_bins = {
    .name = "list.session_bins",
    .from = "session_segments g JOIN photo_processing_sessions s ON s.id = g.session_id",
    .order = "g.id",
    .action = INV_DO_READ,
    .column = bin_columns,
    .n_column = DM_COUNT(bin_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

static const struct list_column adjustment_columns[] = {
    {"id", "j.id", 'i', LIST_AS_IS},
    {"kind", "j.kind", 't', LIST_AS_IS},
    {"bin_id", "g.storage_bin_id", 'i', LIST_AS_IS},
    {"detection_id", "j.detection_id", 'i', LIST_AS_IS},
    {"quantity_delta", "j.quantity_delta", 'i', LIST_AS_IS},
    {"product_size_id", "j.product_size_id", 'i', LIST_AS_IS},
    {"box", "j.box", 'j', LIST_AS_IS},
    {"threshold", "j.threshold", 'r', LIST_ROUND4},
    {"reverts_id", "j.reverts_id", 'i', LIST_AS_IS},
    {"reverted", "EXISTS (SELECT 1 FROM session_adjustments r WHERE r.reverts_id = j.id)", 'b',
     LIST_AS_IS},
    {"reason", "j.reason", 't', LIST_AS_IS},
    {"user_id", "j.user_id", 'i', LIST_AS_IS},
    {"created_at", "j.created_at", 'T', LIST_AS_IS},
};
const struct list list_adjustments = {
    .name = "list.adjustments",
    .from = "session_adjustments j JOIN photo_processing_sessions s ON s.id = j.session_id"
            " LEFT JOIN session_segments g ON g.id = j.session_segment_id",
    .order = "j.id",
    .action = INV_DO_READ,
    .column = adjustment_columns,
    .n_column = DM_COUNT(adjustment_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

/* Detections as the box editor draws them: after edits that were not taken back. */
#define STANDS                                                                                     \
    " AND a.reverts_id IS NULL AND NOT EXISTS (SELECT 1 FROM session_adjustments r"                \
    " WHERE r.reverts_id = a.id)"
#define LAST_EDIT(what, where)                                                                     \
    "(SELECT a." what " FROM session_adjustments a WHERE a.detection_id = d.id AND " where STANDS  \
    " ORDER BY a.id DESC LIMIT 1)"
static const struct list_column box_columns[] = {
    {"id", "d.id", 'i', LIST_AS_IS},
    {"x", "d.center_x_px", 'r', LIST_ROUND2},
    {"y", "d.center_y_px", 'r', LIST_ROUND2},
    {"w", "d.width_px", 'r', LIST_ROUND2},
    {"h", "d.height_px", 'r', LIST_ROUND2},
    {"confidence", "d.confidence", 'r', LIST_ROUND4},
    {"kind",
     "CASE WHEN d.is_empty_container THEN 'empty' WHEN d.is_alive THEN 'plant' ELSE 'dead' END",
     't', LIST_AS_IS},
    {"edit",
     "CASE WHEN (SELECT sum(x.quantity_delta) FROM session_adjustments x"
     " WHERE x.detection_id = d.id) < 0 THEN " LAST_EDIT("kind", "a.quantity_delta < 0") " END",
     't', LIST_AS_IS},
    {"moved", LAST_EDIT("box", "a.kind = 'move_box'"), 'j', LIST_AS_IS},
    {"segment_id", "d.session_segment_id", 'i', LIST_AS_IS},
    {"bin_id", "g.storage_bin_id", 'i', LIST_AS_IS},
};
const struct list list_boxes = {
    .name = "list.boxes",
    .from = "detections d JOIN session_segments g ON g.id = d.session_segment_id"
            " JOIN photo_processing_sessions s ON s.id = d.session_id",
    .order = "d.id",
    .action = INV_DO_READ,
    .column = box_columns,
    .n_column = DM_COUNT(box_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

/* Plants that people drew. */
static const struct list_column drawn_columns[] = {
    {"adjustment_id", "a.id", 'i', LIST_AS_IS},
    {"box", "a.box", 'j', LIST_AS_IS},
    {"segment_id", "a.session_segment_id", 'i', LIST_AS_IS},
    {"bin_id", "g.storage_bin_id", 'i', LIST_AS_IS},
};
const struct list list_drawn = {
    .name = "list.drawn",
    .from = "session_adjustments a JOIN photo_processing_sessions s ON s.id = a.session_id"
            " LEFT JOIN session_segments g ON g.id = a.session_segment_id"
            " WHERE a.kind = 'add_box'" STANDS,
    .order = "a.id",
    .action = INV_DO_READ,
    .column = drawn_columns,
    .n_column = DM_COUNT(drawn_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
    .has_where = true,
};

/* Figures over one session; a row of scalar questions. */
#define SEEN(what, where) "(SELECT " what " FROM detections d WHERE d.session_id = s.id" where ")"
#define GUESSED(what, where)                                                                       \
    "(SELECT " what " FROM estimations d WHERE d.session_id = s.id" where ")"
#define BY_METHOD(name) GUESSED("count(*)", " AND d.calculation_method = '" name "'")
static const struct list_column statistics_columns[] = {
    {"detections.total_count", SEEN("count(*)", ""), 'i', LIST_AS_IS},
    {"detections.live_count", SEEN("count(*)", " AND d.is_alive AND NOT d.is_empty_container"), 'i',
     LIST_AS_IS},
    {"detections.empty_container_count", SEEN("count(*)", " AND d.is_empty_container"), 'i',
     LIST_AS_IS},
    {"detections.dead_count", SEEN("count(*)", " AND NOT d.is_alive"), 'i', LIST_AS_IS},
    {"detections.avg_confidence", SEEN("avg(d.confidence)", ""), 'r', LIST_ROUND4},
    {"detections.min_confidence", SEEN("min(d.confidence)", ""), 'r', LIST_ROUND4},
    {"detections.max_confidence", SEEN("max(d.confidence)", ""), 'r', LIST_ROUND4},
    {"estimations.total_count", GUESSED("count(*)", ""), 'i', LIST_AS_IS},
    {"estimations.total_estimated_plants",
     "CAST(coalesce(" GUESSED("sum(d.estimated_count)", "") ", 0) AS {int})", 'i', LIST_AS_IS},
    {"estimations.avg_confidence", GUESSED("avg(d.confidence)", ""), 'r', LIST_ROUND4},
    {"estimations.min_confidence", GUESSED("min(d.confidence)", ""), 'r', LIST_ROUND4},
    {"estimations.max_confidence", GUESSED("max(d.confidence)", ""), 'r', LIST_ROUND4},
    {"estimations.band_estimation_count", BY_METHOD("band_estimation"), 'i', LIST_AS_IS},
    {"estimations.density_estimation_count", BY_METHOD("density_estimation"), 'i', LIST_AS_IS},
    {"estimations.grid_analysis_count", BY_METHOD("grid_analysis"), 'i', LIST_AS_IS},
};
const struct list list_statistics = {
    .name = "list.statistics",
    .from = "photo_processing_sessions s",
    .order = "s.id",
    .action = INV_DO_READ,
    .column = statistics_columns,
    .n_column = DM_COUNT(statistics_columns),
    .filter = session_batch_filters,
    .n_filter = DM_COUNT(session_batch_filters),
};

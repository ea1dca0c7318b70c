/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of photographs and sessions (api.md section 4). */
#include "api/photos.h"

#define JOB_STATES "pending|processing|completed|failed|cancelled"
#define RUN_STATES "pending|processing|completed|failed"
#define WARNINGS   "needs_location|location_uncertain|needs_config|needs_calibration|no_detections"
#define IMAGES     "uploaded|processing|ready|failed"
#define POSTINGS   "unposted|held|posted|void"

const struct http_field photos_session_path[] = {{"session_id", HTTP_UUID, HTTP_REQ}, {NULL}};
const struct http_field photos_image_path[] = {{"image_id", HTTP_UUID, HTTP_REQ}, {NULL}};

const struct http_field photos_signed_query[] = {
    {"exp", HTTP_INT, HTTP_REQ, .min = 1, .max = 1e12},
    {"sig", HTTP_STR, HTTP_REQ, .min = 1, .max = 128},
    {NULL},
};

/* ---- uploads ---- */

static const struct http_field upload_job[] = {
    {"job_id", HTTP_UUID},
    {"image_id", HTTP_UUID},
    {"filename", HTTP_STR, HTTP_NULL},
    {"status", HTTP_STR, .one_of = JOB_STATES},
    {"progress_percent", HTTP_NUM},
    {"created_at", HTTP_INSTANT},
    {"sha256", HTTP_STR, .about = "of the bytes as they were stored"},
    {NULL},
};
const struct http_schema PhotoUploadJob = {"PhotoUploadJob", upload_job};

static const struct http_field upload_out[] = {
    {"upload_session_id", HTTP_UUID},
    {"task_id", HTTP_UUID},
    {"session_id", HTTP_INT, .about = "row id"},
    {"session_uuid", HTTP_UUID},
    {"status", HTTP_STR},
    {"message", HTTP_STR},
    {"poll_url", HTTP_STR},
    {"stream_url", HTTP_STR},
    {"total_photos", HTTP_INT},
    {"estimated_time_seconds", HTTP_INT, HTTP_NULL},
    {"jobs", HTTP_OBJ, HTTP_LIST, .of = &PhotoUploadJob},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
const struct http_schema PhotoUpload = {"PhotoUpload", upload_out};

static const struct http_field job_error[] = {
    {"code", HTTP_STR}, {"message", HTTP_STR}, {"retryable", HTTP_BOOL}, {NULL}};
static const struct http_schema JobError = {"JobError", job_error};

static const struct http_field job_item[] = {
    {"job_id", HTTP_UUID},
    {"image_id", HTTP_UUID, HTTP_NULL},
    {"filename", HTTP_STR, HTTP_NULL},
    {"status", HTTP_STR, .one_of = JOB_STATES},
    {"progress_percent", HTTP_NUM},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {"result", HTTP_OBJ, HTTP_NULL},
    {"step", HTTP_STR, HTTP_NULL},
    {"warning", HTTP_STR, HTTP_NULL, .one_of = WARNINGS},
    {"error", HTTP_OBJ, HTTP_NULL, .of = &JobError},
    {NULL},
};
const struct http_schema JobItem = {"JobItem", job_item};

static const struct http_field job_summary[] = {
    {"total_jobs", HTTP_INT},
    {"completed", HTTP_INT},
    {"processing", HTTP_INT},
    {"pending", HTTP_INT},
    {"failed", HTTP_INT},
    {"cancelled", HTTP_INT},
    {"overall_progress_percent", HTTP_NUM},
    {NULL},
};
const struct http_schema JobSummary = {"JobSummary", job_summary};

/* ---- gallery ---- */

static const struct http_field gallery_session[] = {
    {"session_id", HTTP_UUID, HTTP_NULL},
    {"total_detected", HTTP_INT, HTTP_NULL},
    {"total_estimated", HTTP_INT, HTTP_NULL},
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"storage_location_name", HTTP_STR, HTTP_NULL},
    {"status", HTTP_STR, HTTP_NULL, .one_of = RUN_STATES},
    {NULL},
};
static const struct http_schema GallerySession = {"GallerySession", gallery_session};

static const struct http_field gallery_item[] = {
    {"image_id", HTTP_UUID},
    {"thumbnail_url", HTTP_STR, HTTP_NULL},
    {"original_url", HTTP_STR, HTTP_NULL},
    {"status", HTTP_STR, .one_of = IMAGES},
    {"error_details", HTTP_STR, HTTP_NULL},
    {"uploaded_at", HTTP_INSTANT},
    {"warehouse_name", HTTP_STR, HTTP_NULL},
    {"processing_session", HTTP_OBJ, HTTP_NULL, .of = &GallerySession},
    {"filename", HTTP_STR, HTTP_NULL},
    {"warning", HTTP_STR, HTTP_NULL, .one_of = WARNINGS},
    {NULL},
};
const struct http_schema GalleryItem = {"GalleryItem", gallery_item};

static const struct http_field session_detail[] = {
    {"session_id", HTTP_UUID, HTTP_NULL},
    {"status", HTTP_STR, HTTP_NULL, .one_of = RUN_STATES},
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"storage_location_name", HTTP_STR, HTTP_NULL},
    {"total_detected", HTTP_INT, HTTP_NULL},
    {"total_estimated", HTTP_INT, HTTP_NULL},
    {"total_empty_containers", HTTP_INT, HTTP_NULL},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"category_counts", HTTP_MAP, HTTP_NULL},
    {"validated", HTTP_BOOL, HTTP_NULL},
    {"validated_by", HTTP_STR, HTTP_NULL},
    {"validation_date", HTTP_INSTANT, HTTP_NULL},
    {"validated_by_email", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema SessionDetail = {"SessionDetail", session_detail};

static const struct http_field history_event[] = {
    {"timestamp", HTTP_INSTANT},           {"event", HTTP_STR},
    {"total_plants", HTTP_INT, HTTP_NULL}, {"session_id", HTTP_UUID, HTTP_NULL},
    {"validated", HTTP_BOOL, HTTP_NULL},   {NULL},
};
static const struct http_schema HistoryEvent = {"HistoryEvent", history_event};

static const struct http_field photo_metadata[] = {
    {"file_size_bytes", HTTP_INT}, {"width_px", HTTP_INT},        {"height_px", HTTP_INT},
    {"content_type", HTTP_STR},    {"exif", HTTP_OBJ, HTTP_NULL}, {NULL},
};
static const struct http_schema PhotoMetadata = {"PhotoMetadata", photo_metadata};

static const struct http_field gps[] = {{"longitude", HTTP_NUM}, {"latitude", HTTP_NUM}, {NULL}};
static const struct http_schema Gps = {"PhotoGps", gps};

static const struct http_field photo_detail[] = {
    {"image_id", HTTP_UUID},
    {"original_url", HTTP_STR, HTTP_NULL},
    {"thumbnail_url", HTTP_STR, HTTP_NULL},
    {"annotated_url", HTTP_STR, HTTP_NULL},
    {"status", HTTP_STR, .one_of = IMAGES},
    {"uploaded_at", HTTP_INSTANT},
    {"error_details", HTTP_STR, HTTP_NULL},
    {"warning", HTTP_STR, HTTP_NULL, .one_of = WARNINGS},
    {"gps", HTTP_OBJ, HTTP_NULL, .of = &Gps},
    {"metadata", HTTP_OBJ, .of = &PhotoMetadata},
    {"processing_session", HTTP_OBJ, HTTP_NULL, .of = &SessionDetail},
    {"storage_location_history", HTTP_OBJ, HTTP_LIST, .of = &HistoryEvent},
    {NULL},
};
const struct http_schema PhotoDetail = {"PhotoDetail", photo_detail};

static const struct http_field image_one[] = {
    {"image_id", HTTP_UUID},
    {"s3_bucket", HTTP_STR, HTTP_NULL},
    {"s3_key_original", HTTP_STR, HTTP_NULL},
    {"s3_key_thumbnail", HTTP_STR, HTTP_NULL},
    {"content_type", HTTP_STR},
    {"file_size_bytes", HTTP_INT},
    {"width_px", HTTP_INT},
    {"height_px", HTTP_INT},
    {"status", HTTP_STR, .one_of = IMAGES},
    {"upload_source", HTTP_STR, .one_of = "web|mobile|api"},
    {"uploaded_by_user_id", HTTP_INT, HTTP_NULL},
    {"presigned_url", HTTP_STR, HTTP_NULL},
    {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
const struct http_schema ImageOne = {"Image", image_one};

static const struct http_field photo_url[] = {
    {"image_id", HTTP_UUID},
    {"variant", HTTP_STR},
    {"s3_key", HTTP_STR},
    {"presigned_url", HTTP_STR},
    {"expires_in_hours", HTTP_INT},
    {"expires_at", HTTP_INSTANT},
    {NULL},
};
const struct http_schema PhotoUrl = {"PhotoUrl", photo_url};

/* ---- sessions ---- */

static const struct http_field edited[] = {
    {"count", HTTP_INT}, {"quantity_delta", HTTP_INT}, {NULL}};
static const struct http_schema Edited = {"SessionEdits", edited};

static const struct http_field session[] = {
    {"id", HTTP_INT},
    {"session_id", HTTP_UUID},
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"original_image_id", HTTP_UUID, HTTP_NULL},
    {"processed_image_id", HTTP_UUID, HTTP_NULL},
    {"total_detected", HTTP_INT},
    {"total_estimated", HTTP_INT},
    {"total_empty_containers", HTTP_INT},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"category_counts", HTTP_MAP},
    {"container_counts", HTTP_MAP},
    {"status", HTTP_STR, .one_of = RUN_STATES},
    {"error_message", HTTP_STR, HTTP_NULL},
    {"validated", HTTP_BOOL},
    {"validated_by_user_id", HTTP_INT, HTTP_NULL},
    {"validation_date", HTTP_INSTANT, HTTP_NULL},
    {"manual_adjustments", HTTP_OBJ, .of = &Edited},
    {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL},
    {"warning", HTTP_STR, HTTP_NULL, .one_of = WARNINGS},
    {"posting_status", HTTP_STR, .one_of = POSTINGS},
    {"hold_reasons", HTTP_STR, HTTP_LIST},
    {"captured_at", HTTP_INSTANT},
    {NULL},
};
const struct http_schema Session = {"Session", session};

static const struct http_field session_pictures[] = {
    {"original", HTTP_STR, HTTP_NULL},
    {"annotated", HTTP_STR, HTTP_NULL},
    {"thumbnail", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema SessionPictures = {"SessionPictures", session_pictures};

static const struct http_field session_one[] = {
    {"detections_count", HTTP_INT},
    {"estimations_count", HTTP_INT},
    {"batch_ids", HTTP_INT, HTTP_LIST},
    {"image_urls", HTTP_OBJ, .of = &SessionPictures},
    {NULL},
};
const struct http_schema SessionOne = {"SessionWithDetails", session_one, &Session};

static const struct http_field progress[] = {
    {"status", HTTP_STR, .one_of = RUN_STATES},
    {"progress_percent", HTTP_NUM},
    {"images_completed", HTTP_INT},
    {"images_total", HTTP_INT},
    {"images_failed", HTTP_INT},
    {"avg_time_per_image_s", HTTP_NUM, HTTP_NULL},
    {"estimated_remaining_s", HTTP_NUM, HTTP_NULL},
    {"step", HTTP_STR, HTTP_NULL},
    {"error_message", HTTP_STR, HTTP_NULL},
    {NULL},
};
const struct http_schema SessionProgress = {"SessionProgress", progress};

static const struct http_field plant_detection[] = {
    {"total_detected", HTTP_INT},         {"total_estimated", HTTP_INT},
    {"total_empty_containers", HTTP_INT}, {"images_processed", HTTP_INT},
    {"category_counts", HTTP_MAP},        {NULL},
};
static const struct http_schema PlantDetection = {"PlantDetection", plant_detection};
static const struct http_field field_metrics[] = {{"area_m2", HTTP_NUM},
                                                  {"plants_per_m2", HTTP_NUM},
                                                  {"coverage_percent", HTTP_NUM, HTTP_NULL},
                                                  {NULL}};
static const struct http_schema FieldMetrics = {"FieldMetrics", field_metrics};
static const struct http_field quality[] = {
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"overall_score", HTTP_NUM},
    {"quality_band", HTTP_STR, .one_of = "EXCELLENT|GOOD|FAIR|POOR"},
    {NULL},
};
static const struct http_schema Quality = {"SessionQuality", quality};
static const struct http_field download_links[] = {
    {"pdf_report", HTTP_STR}, {"csv_export", HTTP_STR}, {"detections_geojson", HTTP_STR}, {NULL}};
static const struct http_schema DownloadLinks = {"DownloadLinks", download_links};

static const struct http_field summary[] = {
    {"status", HTTP_STR, .one_of = "completed"},
    {"session_id", HTTP_UUID},
    {"completed_at", HTTP_INSTANT, HTTP_NULL},
    {"plant_detection", HTTP_OBJ, HTTP_NULL, .of = &PlantDetection},
    {"field_metrics", HTTP_OBJ, HTTP_NULL, .of = &FieldMetrics},
    {"quality", HTTP_OBJ, HTTP_NULL, .of = &Quality},
    {"download_links", HTTP_OBJ, HTTP_NULL, .of = &DownloadLinks},
    {NULL},
};
const struct http_schema SessionSummary = {"SessionSummary", summary};

/* ---- what was seen ---- */

static const struct http_field box[] = {
    {"x1", HTTP_NUM}, {"y1", HTTP_NUM}, {"x2", HTTP_NUM}, {"y2", HTTP_NUM}, {NULL}};
static const struct http_schema Box = {"BoundingBox", box};

static const struct http_field detection[] = {
    {"id", HTTP_INT},
    {"session_id", HTTP_INT},
    {"stock_movement_id", HTTP_INT, HTTP_NULL},
    {"classification_id", HTTP_INT, HTTP_NULL},
    {"center_x_px", HTTP_NUM},
    {"center_y_px", HTTP_NUM},
    {"width_px", HTTP_INT},
    {"height_px", HTTP_INT},
    {"area_px", HTTP_NUM, HTTP_NULL},
    {"bbox_coordinates", HTTP_OBJ, .of = &Box},
    {"detection_confidence", HTTP_NUM},
    {"is_empty_container", HTTP_BOOL},
    {"is_alive", HTTP_BOOL},
    {"created_at", HTTP_INSTANT},
    {"bin_id", HTTP_INT, HTTP_NULL},
    {"category", HTTP_STR},
    {NULL},
};
const struct http_schema Detection = {"Detection", detection};

static const struct http_field estimation[] = {
    {"id", HTTP_INT},
    {"session_id", HTTP_INT},
    {"stock_movement_id", HTTP_INT, HTTP_NULL},
    {"classification_id", HTTP_INT, HTTP_NULL},
    {"vegetation_polygon", HTTP_ANY, HTTP_NULL},
    {"detected_area_cm2", HTTP_NUM},
    {"estimated_count", HTTP_INT},
    {"calculation_method", HTTP_STR, .one_of = "band_estimation|density_estimation|grid_analysis"},
    {"estimation_confidence", HTTP_NUM},
    {"used_density_parameters", HTTP_BOOL},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
const struct http_schema Estimation = {"Estimation", estimation};

static const struct http_field session_bin[] = {
    {"bin_id", HTTP_INT, HTTP_NULL},
    {"segment_id", HTTP_INT},
    {"category", HTTP_STR},
    {"polygon", HTTP_ANY},
    {"detected", HTTP_INT},
    {"estimated", HTTP_INT},
    {"empty", HTTP_INT},
    {"ordinal", HTTP_INT},
    {"plants", HTTP_INT, .about = "detected, estimated and corrected"},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {NULL},
};
const struct http_schema SessionBin = {"SessionBin", session_bin};

static const struct http_field adjustment[] = {
    {"id", HTTP_INT},
    {"kind", HTTP_STR},
    {"bin_id", HTTP_INT, HTTP_NULL},
    {"detection_id", HTTP_INT, HTTP_NULL},
    {"quantity_delta", HTTP_INT},
    {"product_size_id", HTTP_INT, HTTP_NULL},
    {"box", HTTP_NUM, HTTP_LIST | HTTP_NULL, .about = "centre x and y, width, height in pixels"},
    {"threshold", HTTP_NUM, HTTP_NULL},
    {"reverts_id", HTTP_INT, HTTP_NULL, .about = "the adjustment that this one takes back"},
    {"reverted", HTTP_BOOL},
    {"reason", HTTP_STR},
    {"user_id", HTTP_INT},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
const struct http_schema Adjustment = {"Adjustment", adjustment};

static const struct http_field seen[] = {
    {"total_count", HTTP_INT},
    {"live_count", HTTP_INT},
    {"empty_container_count", HTTP_INT},
    {"dead_count", HTTP_INT},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"min_confidence", HTTP_NUM, HTTP_NULL},
    {"max_confidence", HTTP_NUM, HTTP_NULL},
    {NULL},
};
static const struct http_schema Seen = {"DetectionStatistics", seen};
static const struct http_field guessed[] = {
    {"total_count", HTTP_INT},
    {"total_estimated_plants", HTTP_INT},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"min_confidence", HTTP_NUM, HTTP_NULL},
    {"max_confidence", HTTP_NUM, HTTP_NULL},
    {"band_estimation_count", HTTP_INT},
    {"density_estimation_count", HTTP_INT},
    {"grid_analysis_count", HTTP_INT},
    {NULL},
};
static const struct http_schema Guessed = {"EstimationStatistics", guessed};
static const struct http_field statistics[] = {
    {"detections", HTTP_OBJ, .of = &Seen}, {"estimations", HTTP_OBJ, .of = &Guessed}, {NULL}};
const struct http_schema Statistics = {"SessionStatistics", statistics};

static const struct http_field reprocess[] = {
    {"upload_session_id", HTTP_UUID, HTTP_NULL},
    {"image_id", HTTP_UUID},
    {"new_job_id", HTTP_UUID},
    {"message", HTTP_STR},
    {"poll_url", HTTP_STR},
    {NULL},
};
const struct http_schema Reprocess = {"Reprocess", reprocess};

/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/photos/sessions: what was counted in a photo, its review, its way into the books (api.md
 * 5.8, 18). */
#include "api/photos.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/rows.h"
#include "api/zip.h"
#include "base/limits.h"
#include "inventory/ledger.h"

#define BASE "/api/v1/photos/sessions"
#define ONE  BASE "/{session_id}"
#define ID   .min = 1, .max = INT32_MAX

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field sessions_query[] = {
    {"status", HTTP_STR, .one_of = "pending|processing|completed|failed"},
    {"warning", HTTP_STR,
     .one_of = "needs_location|location_uncertain|needs_config|needs_calibration|no_detections"},
    {"posting_status", HTTP_STR, .one_of = "unposted|held|posted|void"},
    {"warehouse_id", HTTP_INT, 0, ID},
    {"storage_location_id", HTTP_INT, 0, ID},
    {"validated", HTTP_BOOL},
    {"date_from", HTTP_INSTANT},
    {"date_to", HTTP_INSTANT},
    {NULL},
};
static const struct http_field detections_query[] = {
    {"min_confidence", HTTP_NUM, .min = 0, .max = 1},
    {"is_alive", HTTP_BOOL},
    {"is_empty_container", HTTP_BOOL},
    {NULL},
};
static const struct http_field csv_query[] = {
    {"detail", HTTP_STR, .one_of = "session|detections", .fallback = "\"session\""}, {NULL}};
static const struct http_field validate_in[] = {
    {"validated", HTTP_BOOL, .fallback = "true"},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {NULL},
};
static const struct http_schema ValidateIn = {"SessionValidation", validate_in};
static const struct http_field patch_in[] = {
    {"storage_location_id", HTTP_INT, HTTP_NULL, ID},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {"error_description", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {NULL},
};
static const struct http_schema PatchIn = {"SessionChange", patch_in};
static const struct http_field post_in[] = {{"note", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
                                            {NULL}};
static const struct http_schema PostIn = {"SessionRelease", post_in};
static const struct http_field undo_in[] = {
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 5, .max = 500}, {NULL}};
static const struct http_schema UndoIn = {"SessionUndo", undo_in};
/* ---- pieces ------------------------------------------------------------------------------- */

static int read_row(struct http_request *r, const struct list *l, json_t **ret, struct dm_err *e)
{
    return list_one(api_ctx(r), l, "session_id", store_u(http_str(r->path, "session_id")), ret, e);
}

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* ---- reading ------------------------------------------------------------------------------ */

static int get_sessions(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_sessions, e);
}

static int add_batches(struct http_request *r, json_t *row, struct dm_err *e)
{
    json_t *rows = NULL;
    json_t *ids = json_array();
    int code = photos_rows(r, &list_session_batches, "session_id", &rows, e);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        (void)json_array_append(ids, json_object_get(json_array_get(rows, i), "batch_id"));
    }
    json_decref(rows);
    (void)json_object_set_new(row, "batch_ids", ids);
    return code;
}

static int get_session(struct http_request *r, struct dm_err *e)
{
    static const char *const urls[] = {"image_urls.original", "image_urls.annotated",
                                       "image_urls.thumbnail", NULL};
    json_t *row = NULL;
    DM_TRY(read_row(r, &list_session, &row, e));
    int code = photos_urls(r, row, urls, e);
    code = code < 0 ? code : add_batches(r, row, e);
    if (code < 0) {
        json_decref(row);
        return code;
    }
    return http_reply_json(r, 200, row, e);
}

/* Rows of a list of the session; 404 when there is no session. */
static int get_list(struct http_request *r, struct dm_err *e)
{
    DM_TRY(rows_need(r, &list_progress, "session_id", e));
    return rows_reply(r, r->route->own, e);
}

static int get_statistics(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_statistics, "session_id", e);
}

/* ---- progress and summary ----------------------------------------------------------------- */

static const char *band_of(double score)
{
    return score >= 0.85 ? "EXCELLENT" : score >= 0.70 ? "GOOD" : score >= 0.50 ? "FAIR" : "POOR";
}

static json_t *metrics_of(const json_t *row)
{
    const double area = json_number_value(json_object_get(row, "area_m2"));
    const double plants = (double)(number(row, "total_detected") + number(row, "total_estimated"));
    return area > 0 ? json_pack("{s:f, s:f, s:n}", "area_m2", area, "plants_per_m2", plants / area,
                                "coverage_percent")
                    : json_null();
}

static int reply_summary(struct http_request *r, const json_t *row, struct dm_err *e)
{
    const char *uuid = text(row, "session_id");
    const json_t *confidence = json_object_get(row, "avg_confidence");
    const double score = json_number_value(confidence);
    const char *pdf = dm_arena_printf(r->arena, BASE "/%s/report.pdf", uuid);
    const char *csv = dm_arena_printf(r->arena, BASE "/%s/export.csv", uuid);
    const char *geo = dm_arena_printf(r->arena, BASE "/%s/detections.geojson", uuid);
    if (!pdf || !csv || !geo) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the summary");
    }
    return http_reply_json(
        r, 200,
        json_pack("{s:s, s:s, s:O, s:{s:I, s:I, s:I, s:i, s:O}, s:o, s:{s:O, s:f, s:s},"
                  " s:{s:s, s:s, s:s}}",
                  "status", "completed", "session_id", uuid, "completed_at",
                  json_object_get(row, "updated_at"), "plant_detection", "total_detected",
                  (json_int_t)number(row, "total_detected"), "total_estimated",
                  (json_int_t)number(row, "total_estimated"), "total_empty_containers",
                  (json_int_t)number(row, "total_empty_containers"), "images_processed", 1,
                  "category_counts", json_object_get(row, "category_counts"), "field_metrics",
                  metrics_of(row), "quality", "avg_confidence", confidence, "overall_score", score,
                  "quality_band", band_of(score), "download_links", "pdf_report", pdf, "csv_export",
                  csv, "detections_geojson", geo),
        e);
}

static int reply_progress(struct http_request *r, const json_t *row, struct dm_err *e)
{
    const bool failed = !strcmp(text(row, "status"), "failed");
    const double percent = failed ? 100 : (double)number(row, "percent");
    double each = 0;
    DM_TRY(photo_mean_time(api_ctx(r), &each, e));
    return http_reply_json(r, 202,
                           json_pack("{s:s, s:f, s:i, s:i, s:i, s:f, s:f, s:O, s:O}", "status",
                                     text(row, "status"), "progress_percent", percent,
                                     "images_completed", 0, "images_total", 1, "images_failed",
                                     failed ? 1 : 0, "avg_time_per_image_s", each,
                                     "estimated_remaining_s", each * (100 - percent) / 100, "step",
                                     json_object_get(row, "step"), "error_message",
                                     json_object_get(row, "error_message")),
                           e);
}

static int get_progress(struct http_request *r, struct dm_err *e)
{
    json_t *row = NULL;
    DM_TRY(read_row(r, &list_progress, &row, e));
    const int code = !strcmp(text(row, "status"), "completed") ? reply_summary(r, row, e)
                                                               : reply_progress(r, row, e);
    json_decref(row);
    return code;
}

static int get_summary(struct http_request *r, struct dm_err *e)
{
    json_t *row = NULL;
    int code;
    DM_TRY(read_row(r, &list_progress, &row, e));
    if (!strcmp(text(row, "status"), "completed")) {
        code = reply_summary(r, row, e);
    } else {
        code = dm_err_set(e, INV_INVALID_TRANSITION, __FILE__, __LINE__, "the session is %s",
                          text(row, "status"));
    }
    json_decref(row);
    return code;
}

/* ---- files -------------------------------------------------------------------------------- */

static int reply_file(struct http_request *r, const char *type, const char *ending,
                      const struct dm_buf *b, struct dm_err *e)
{
    const char *name =
        dm_arena_printf(r->arena, "session_%s.%s", http_str(r->path, "session_id"), ending);
    DM_TRY(dm_buf_ok(b, e));
    if (!name) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a file name");
    }
    return http_reply_bytes(r, 200, type, name, dm_buf_str(b), b->len, e);
}

static int get_report(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf pdf = dm_buf_init(LIMIT_METRICS_BYTES);
    const struct photo_place *p;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(
        photo_report_pdf(api_ctx(r), p, http_str(r->path, "session_id"), photos_lang(r), &pdf, e));
    return reply_file(r, "application/pdf", "pdf", &pdf, e);
}

static void csv_number(struct dm_buf *b, const json_t *row, const char *name, const char *end)
{
    const json_t *v = json_object_get(row, name);
    if (json_is_number(v)) {
        dm_buf_printf(b, "%.10g", json_number_value(v));
    } else if (json_is_boolean(v)) {
        dm_buf_puts(b, json_is_true(v) ? "true" : "false");
    } else if (json_is_string(v)) {
        dm_buf_puts(b, json_string_value(v)); /* a category or a UUID */
    }
    dm_buf_puts(b, end);
}

static int csv_detections(struct http_request *r, struct dm_buf *b, struct dm_err *e)
{
    static const char *const names[] = {"id",
                                        "category",
                                        "center_x_px",
                                        "center_y_px",
                                        "width_px",
                                        "height_px",
                                        "detection_confidence",
                                        "is_alive",
                                        "is_empty_container"};
    json_t *rows = NULL;
    DM_TRY(photos_rows(r, &list_detections, "session_id", &rows, e));
    dm_buf_puts(b, "detection_id,category,center_x_px,center_y_px,width_px,height_px,confidence,"
                   "is_alive,is_empty_container\r\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (size_t k = 0; k < DM_COUNT(names); k++) {
            csv_number(b, json_array_get(rows, i), names[k],
                       k + 1 < DM_COUNT(names) ? "," : "\r\n");
        }
    }
    json_decref(rows);
    return DM_OK;
}

static int get_csv(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(LIMIT_METRICS_BYTES);
    json_t *row = NULL;
    int code = DM_OK;
    DM_TRY(read_row(r, &list_progress, &row, e));
    if (!strcmp(http_str(r->query, "detail"), "detections")) {
        code = csv_detections(r, &b, e);
    } else {
        dm_buf_puts(&b, "session_id,total_detected,total_estimated,avg_confidence\r\n");
        csv_number(&b, row, "session_id", ",");
        csv_number(&b, row, "total_detected", ",");
        csv_number(&b, row, "total_estimated", ",");
        csv_number(&b, row, "avg_confidence", "\r\n");
    }
    json_decref(row);
    DM_TRY(code);
    return reply_file(r, "text/csv; charset=utf-8", "csv", &b, e);
}

static int get_xlsx(struct http_request *r, struct dm_err *e)
{
    DM_TRY(rows_need(r, &list_progress, "session_id", e));
    const char *name =
        dm_arena_printf(r->arena, "session_%s.xlsx", http_str(r->path, "session_id"));
    return rows_reply_export(r, &list_detections, "detections", name, e);
}

/* Pixels are in the properties: a photo is not rectified to the ground. */
static json_t *plant_feature(const json_t *d)
{
    return json_pack(
        "{s:s, s:n, s:{s:O, s:O, s:O, s:O, s:O, s:O, s:O}}", "type", "Feature", "geometry",
        "properties", "detection_id", json_object_get(d, "id"), "x_px",
        json_object_get(d, "center_x_px"), "y_px", json_object_get(d, "center_y_px"), "width_px",
        json_object_get(d, "width_px"), "height_px", json_object_get(d, "height_px"), "confidence",
        json_object_get(d, "detection_confidence"), "category", json_object_get(d, "category"));
}

static int get_geojson(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(LIMIT_METRICS_BYTES);
    json_t *row = NULL;
    json_t *plants = NULL;
    DM_TRY(read_row(r, &list_progress, &row, e));
    const int code = photos_rows(r, &list_detections, "session_id", &plants, e);
    if (code < 0) {
        json_decref(row);
        return code;
    }
    json_t *features = json_array();
    (void)json_array_append_new(
        features, json_pack("{s:s, s:O, s:{s:O, s:O, s:O, s:O, s:O}}", "type", "Feature",
                            "geometry", json_object_get(row, "claro_geojson"), "properties",
                            "session_id", json_object_get(row, "session_id"), "total_detected",
                            json_object_get(row, "total_detected"), "total_estimated",
                            json_object_get(row, "total_estimated"), "avg_confidence",
                            json_object_get(row, "avg_confidence"), "location",
                            json_object_get(row, "claro")));
    for (size_t i = 0; i < json_array_size(plants); i++) {
        (void)json_array_append_new(features, plant_feature(json_array_get(plants, i)));
    }
    json_t *all = json_pack("{s:s, s:o}", "type", "FeatureCollection", "features", features);
    char *written = all ? json_dumps(all, JSON_COMPACT) : NULL;
    dm_buf_puts(&b, written ? written : "");
    free(written);
    json_decref(all);
    json_decref(plants);
    json_decref(row);
    return reply_file(r, "application/geo+json", "geojson", &b, e);
}

/* Everything that the annotated picture is made of, as JSON. */
static int session_json(struct http_request *r, struct dm_buf *ret, struct dm_err *e)
{
    static const struct {
        const char *member;
        const struct list *list;
    } parts[] = {{"containers", &list_session_bins},
                 {"detections", &list_detections},
                 {"estimations", &list_estimations},
                 {"adjustments", &list_adjustments}};
    json_t *row = NULL;
    int code = read_row(r, &list_sessions, &row, e);
    json_t *whole = code < 0 ? NULL : json_pack("{s:o}", "session", row);
    for (size_t i = 0; code >= 0 && i < DM_COUNT(parts); i++) {
        json_t *rows = NULL;
        code = photos_rows(r, parts[i].list, "session_id", &rows, e);
        (void)json_object_set_new(whole, parts[i].member, rows);
    }
    char *text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
    dm_buf_puts(ret, text ? text : "");
    free(text);
    json_decref(whole);
    DM_TRY(code);
    return dm_buf_ok(ret, e);
}

static int write_raw(struct http_request *r, int fd, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const char *uuid = http_str(r->path, "session_id");
    DM_CLEANUP(dm_buf_clear) struct dm_buf original = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(dm_buf_clear) struct dm_buf annotated = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(dm_buf_clear) struct dm_buf json = dm_buf_init(LIMIT_METRICS_BYTES);
    const struct photo_place *p;
    struct photo_object o;
    struct photo_ids ids;
    json_t *row = NULL;
    DM_TRY(photos_place(r, &p, e));
    DM_TRY(read_row(r, &list_progress, &row, e));
    const char *image = dm_arena_strdup(r->arena, text(row, "image_id"));
    json_decref(row);
    DM_TRY(photo_image_ids(c, image ? image : "", &ids, e));
    DM_TRY(photo_object_of(c, ids.image_id, 0, PHOTO_ORIGINAL, r->arena, &o, e));
    DM_TRY(photo_object_read(p, &o, &original, e));
    DM_TRY(photo_annotated(c, p, uuid, photos_lang(r), &annotated, e));
    DM_TRY(session_json(r, &json, e));
    const char *name = dm_arena_printf(r->arena, "original.%s", photo_ending(o.content_type));
    const struct zip_entry entry[] = {
        {name ? name : "original", dm_buf_str(&original), original.len},
        {"annotated.jpg", dm_buf_str(&annotated), annotated.len},
        {"session.json", dm_buf_str(&json), json.len}};
    return zip_write(fd, entry, DM_COUNT(entry), c->now_ms, e);
}

static int get_raw(struct http_request *r, struct dm_err *e)
{
    const char *name = dm_arena_printf(r->arena, "session_%s.zip", http_str(r->path, "session_id"));
    const int fd = memfd_create("raw", MFD_CLOEXEC);
    if (fd < 0 || !name) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an archive");
    }
    const int code = write_raw(r, fd, e);
    if (code < 0) {
        (void)close(fd);
        return code;
    }
    return http_reply_file(r, 200, "application/zip", name, fd, e);
}

/* ---- review ------------------------------------------------------------------------------- */

static int remark(struct http_request *r, int64_t id, const char *member, struct dm_err *e)
{
    const char *words = http_str(r->body, member);
    return words && *words ? photo_remark(api_ctx(r), id, member, words, e) : DM_OK;
}

static int post_validate(struct http_request *r, struct dm_err *e)
{
    const char *uuid;
    int64_t id;
    DM_TRY(photos_session(r, &uuid, &id, e));
    DM_TRY(photos_conflict(
        session_validate(api_ctx(r), id, http_bool(r->body, "validated", true), e), e));
    DM_TRY(remark(r, id, "notes", e));
    return photos_reply_session(r, 200, uuid, e);
}

static int patch_session(struct http_request *r, struct dm_err *e)
{
    const char *uuid;
    int64_t id;
    struct session_outcome out;
    const int64_t claro = http_int(r->body, "storage_location_id", 0);
    DM_TRY(photos_session(r, &uuid, &id, e));
    if (claro) {
        DM_TRY(photos_conflict(session_place(api_ctx(r), id, claro, &out, e), e));
    }
    DM_TRY(remark(r, id, "notes", e));
    DM_TRY(remark(r, id, "error_description", e));
    return photos_reply_session(r, 200, uuid, e);
}

static int post_release(struct http_request *r, struct dm_err *e)
{
    const char *uuid;
    int64_t id;
    struct session_outcome out;
    DM_TRY(photos_session(r, &uuid, &id, e));
    DM_TRY(photos_conflict(session_post(api_ctx(r), id, true, &out, e), e));
    DM_TRY(remark(r, id, "note", e));
    return photos_reply_session(r, 200, uuid, e);
}

static int post_undo(struct http_request *r, struct dm_err *e)
{
    json_t *row = NULL;
    char uuid[STORE_UUID_SIZE];
    DM_TRY(read_row(r, &list_sessions, &row, e));
    store_uuid_new(uuid);
    const struct ledger_undo u = {.uuid = uuid,
                                  .location_id = number(row, "storage_location_id"),
                                  .session_id = number(row, "id"),
                                  .reason = http_str(r->body, "reason")};
    const bool posted = !strcmp(text(row, "posting_status"), "posted");
    json_decref(row);
    if (!posted) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the count is not posted");
    }
    DM_TRY(ledger_undo(api_ctx(r), &u, e));
    return photos_reply_session(r, 200, http_str(r->path, "session_id"), e);
}

/* ---- table -------------------------------------------------------------------------------- */

// clang-format off
#define SHARED(prefix, hidden, mark)                                                               \
    {HTTP_GET, prefix "/progress", "session_progress" mark, "sessions", "How a run stands",       \
     .role = API_VIEWER, .flags = (hidden), .params = photos_session_path,                        \
     .answer = {{200, &SessionSummary}, {202, &SessionProgress}}, .errors = "404",                \
     .handle = get_progress},                                                                     \
    {HTTP_GET, prefix "/summary", "session_summary" mark, "sessions", "Summary of a run",         \
     .role = API_VIEWER, .flags = (hidden), .params = photos_session_path,                        \
     .answer = {{200, &SessionSummary}}, .errors = "404 409", .handle = get_summary},             \
    {HTTP_POST, prefix "/validate", "validate_session" mark, "sessions", "Somebody has looked",   \
     .role = API_SUPERVISOR, .flags = HTTP_BODY_OPTIONAL | (hidden),                              \
     .params = photos_session_path, .body = &ValidateIn, .answer = {{200, &Session}},             \
     .errors = "404 409", .handle = post_validate},                                               \
    {HTTP_GET, prefix "/report.pdf", "session_report" mark, "sessions", "One page, PDF",          \
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY | (hidden), .params = photos_session_path,      \
     .answer = {{200, NULL, .type = "application/pdf"}}, .errors = "404 409",                     \
     .handle = get_report},                                                                       \
    {HTTP_GET, prefix "/export.csv", "session_csv" mark, "sessions", "Totals or plants, CSV",     \
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY | (hidden), .params = photos_session_path,      \
     .query = csv_query, .answer = {{200, NULL, .type = "text/csv"}}, .errors = "404",            \
     .handle = get_csv},                                                                          \
    {HTTP_GET, prefix "/detections.geojson", "session_geojson" mark, "sessions",                  \
     "Plants as GeoJSON", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY | (hidden),                \
     .params = photos_session_path, .answer = {{200, NULL, .type = "application/geo+json"}},      \
     .errors = "404", .handle = get_geojson}

const struct http_route session_routes[] = {
    {HTTP_GET, BASE, "list_sessions", "sessions", "Counts, newest first", .role = API_VIEWER,
     .flags = HTTP_PAGED, .query = sessions_query, .answer = {{200, &Session, true}},
     .handle = get_sessions},
    {HTTP_GET, ONE, "get_session", "sessions", "One count", .role = API_VIEWER,
     .params = photos_session_path, .answer = {{200, &SessionOne}}, .errors = "404",
     .handle = get_session},
    {HTTP_PATCH, ONE, "update_session", "sessions", "Another claro, a remark", .role = API_WORKER,
     .params = photos_session_path, .body = &PatchIn, .answer = {{200, &Session}},
     .errors = "404 409", .handle = patch_session},
    SHARED(ONE, 0, ""),
    {HTTP_GET, ONE "/detections", "session_detections", "sessions", "Plants that were seen",
     .role = API_VIEWER, .flags = HTTP_PAGED, .params = photos_session_path,
     .query = detections_query, .answer = {{200, &Detection, true}}, .errors = "404",
     .handle = get_list, .own = &list_detections},
    {HTTP_GET, ONE "/estimations", "session_estimations", "sessions", "Plants that were estimated",
     .role = API_VIEWER, .flags = HTTP_PAGED, .params = photos_session_path,
     .answer = {{200, &Estimation, true}}, .errors = "404", .handle = get_list,
     .own = &list_estimations},
    {HTTP_GET, ONE "/statistics", "session_statistics", "sessions", "Figures of a count",
     .role = API_VIEWER, .params = photos_session_path, .answer = {{200, &Statistics}},
     .errors = "404", .handle = get_statistics},
    {HTTP_GET, ONE "/bins", "session_bins", "sessions", "Containers in the photo",
     .role = API_VIEWER, .params = photos_session_path, .answer = {{200, &SessionBin, true}},
     .errors = "404", .handle = photos_get_array, .own = &list_session_bins},
    {HTTP_GET, ONE "/export.xlsx", "session_xlsx", "exports", "Plants of a session, XLSX", .role = API_VIEWER,
     .flags = HTTP_OPEN_REPLY, .params = photos_session_path,
     .answer = {{200, NULL, .type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}},
     .errors = "404", .handle = get_xlsx},
    {HTTP_GET, ONE "/raw.zip", "session_raw", "sessions", "Original, picture and figures", .role = API_SUPERVISOR,
     .flags = HTTP_OPEN_REPLY, .params = photos_session_path,
     .answer = {{200, NULL, .type = "application/zip"}, {206, NULL, .type = "application/zip"}},
     .errors = "404 409", .handle = get_raw},
    {HTTP_POST, ONE "/post", "post_session", "sessions", "Release a held count",
     .role = API_SUPERVISOR, .flags = HTTP_BODY_OPTIONAL, .params = photos_session_path,
     .body = &PostIn, .answer = {{200, &Session}}, .errors = "404 409", .handle = post_release},
    {HTTP_POST, ONE "/undo", "undo_session", "sessions", "Take a posted count back",
     .role = API_SUPERVISOR, .params = photos_session_path, .body = &UndoIn,
     .answer = {{200, &Session}}, .errors = "404 409", .handle = post_undo},
    SHARED("/api/v1/sessions/{session_id}", HTTP_HIDDEN, "_alias"),
    {0},
};
// clang-format on

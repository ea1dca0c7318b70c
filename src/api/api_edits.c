/* SPDX-License-Identifier: Apache-2.0
 *
 * What people make of a count (api.md 18, product.md 2.3, 2.4): plants and boxes as the editor
 * draws them, corrections in one request, taking one back, two visits side by side. */
#include "api/photos.h"

#include <stdlib.h>
#include <string.h>

#include "api/rows.h"
#include "inventory/ledger.h"

#define ONE   "/api/v1/photos/sessions/{session_id}"
#define ID    .min = 1, .max = INT32_MAX
#define PIXEL .min = -1e5, .max = 1e5
#define KINDS                                                                                      \
    "add_plants|remove_plants|mark_dead|mark_empty|unmark|set_size|claro_empty|add_boxes|"         \
    "move_box|threshold"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field box_in[] = {
    {"x", HTTP_NUM, HTTP_REQ, PIXEL, .about = "of the centre, in pixels of the photo"},
    {"y", HTTP_NUM, HTTP_REQ, PIXEL},
    {"w", HTTP_NUM, HTTP_REQ, .min = 1, .max = 1e5},
    {"h", HTTP_NUM, HTTP_REQ, .min = 1, .max = 1e5},
    {NULL},
};
static const struct http_schema BoxIn = {"BoxIn", box_in};
static const struct http_field edit_in[] = {
    {"kind", HTTP_STR, HTTP_REQ, .one_of = KINDS},
    {"bin_id", HTTP_INT, HTTP_NULL, ID, .about = "the container; boxes find theirs without"},
    {"detection_id", HTTP_INT, HTTP_NULL, .min = 1, .max = 9e15},
    {"detection_ids", HTTP_INT, HTTP_LIST, .min = 1, .max = 9e15, .items_max = SESSION_EDITS_MAX,
     .about = "many at once: the same for each"},
    {"quantity", HTTP_INT, HTTP_NULL, .min = 1, .max = 100000},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"box", HTTP_OBJ, .of = &BoxIn, .about = "of move_box"},
    {"boxes", HTTP_OBJ, HTTP_LIST, .of = &BoxIn, .items_max = SESSION_EDITS_MAX,
     .about = "of add_boxes"},
    {"threshold", HTTP_NUM, HTTP_NULL, .min = 0, .max = SESSION_THRESHOLD_MAX},
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 5, .max = 500},
    {NULL},
};
static const struct http_schema EditIn = {"AdjustmentIn", edit_in};
static const struct http_field edits_in[] = {
    {"adjustments", HTTP_OBJ, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = SESSION_EDITS_MAX,
     .of = &EditIn},
    {NULL},
};
static const struct http_schema EditsIn = {"AdjustmentsIn", edits_in};
static const struct http_field revert_path[] = {
    {"session_id", HTTP_UUID, HTTP_REQ},
    {"adjustment_id", HTTP_INT, HTTP_REQ, .min = 1, .max = 9e15},
    {NULL}};
static const struct http_field revert_in[] = {
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 5, .max = 500}, {NULL}};
static const struct http_schema RevertIn = {"AdjustmentRevert", revert_in};

static const struct http_field columns_out[] = {
    {"id", HTTP_INT, HTTP_LIST},
    {"x", HTTP_NUM, HTTP_LIST, .about = "of the centre; where people moved it, if they did"},
    {"y", HTTP_NUM, HTTP_LIST},
    {"w", HTTP_NUM, HTTP_LIST},
    {"h", HTTP_NUM, HTTP_LIST},
    {"confidence", HTTP_NUM, HTTP_LIST},
    {"kind", HTTP_STR, HTTP_LIST, .one_of = "plant|dead|empty|removed"},
    {"segment_id", HTTP_INT, HTTP_LIST},
    {"bin_id", HTTP_ANY, HTTP_LIST, .about = "null where the container is not in the books"},
    {NULL},
};
static const struct http_schema BoxColumns = {"BoxColumns", columns_out};
static const struct http_field drawn_out[] = {{"adjustment_id", HTTP_INT},
                                              {"box", HTTP_NUM, HTTP_LIST},
                                              {"segment_id", HTTP_INT, HTTP_NULL},
                                              {"bin_id", HTTP_INT, HTTP_NULL},
                                              {NULL}};
static const struct http_schema DrawnBox = {"DrawnBox", drawn_out};
static const struct http_field boxes_out[] = {
    {"session_id", HTTP_UUID},
    {"width_px", HTTP_INT},
    {"height_px", HTTP_INT},
    {"count", HTTP_INT},
    {"columns", HTTP_OBJ, .of = &BoxColumns, .about = "arrays of `count` values each"},
    {"drawn", HTTP_OBJ, HTTP_LIST, .of = &DrawnBox, .about = "plants that people added"},
    {NULL},
};
static const struct http_schema Boxes = {"DetectionColumns", boxes_out};

static const struct http_field visit_out[] = {
    {"session_id", HTTP_UUID},
    {"image_id", HTTP_UUID},
    {"captured_at", HTTP_INSTANT},
    {"plants", HTTP_INT, .about = "seen, estimated and corrected"},
    {"total_detected", HTTP_INT},
    {"total_estimated", HTTP_INT},
    {"total_empty_containers", HTTP_INT},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"posting_status", HTTP_STR},
    {NULL},
};
static const struct http_schema Visit = {"Visit", visit_out};
static const struct http_field change_out[] = {{"days", HTTP_NUM},
                                               {"plants", HTTP_INT},
                                               {"plants_per_day", HTTP_NUM, HTTP_NULL},
                                               {"growth_pct", HTTP_NUM, HTTP_NULL},
                                               {"total_empty_containers", HTTP_INT},
                                               {NULL}};
static const struct http_schema Change = {"VisitChange", change_out};
static const struct http_field container_out[] = {
    {"category", HTTP_STR},
    {"ordinal", HTTP_INT},
    {"bin_id", HTTP_INT, HTTP_NULL},
    {"a", HTTP_INT, HTTP_NULL, .about = "plants; null when that photo does not show it"},
    {"b", HTTP_INT, HTTP_NULL},
    {"difference", HTTP_INT},
    {NULL},
};
static const struct http_schema ContainerChange = {"ContainerChange", container_out};
static const struct http_field compare_out[] = {
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"a", HTTP_OBJ, .of = &Visit},
    {"b", HTTP_OBJ, .of = &Visit},
    {"difference", HTTP_OBJ, .of = &Change, .about = "b less a"},
    {"containers", HTTP_OBJ, HTTP_LIST, .of = &ContainerChange},
    {NULL},
};
static const struct http_schema Comparison = {"VisitComparison", compare_out};
static const struct http_field compare_query[] = {
    {"with", HTTP_UUID, HTTP_REQ, .about = "the other session, of the same claro"}, {NULL}};

/* ---- boxes as they are drawn --------------------------------------------------------------- */

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

/* A mark of a person says what it is; whatever else took it out of the count removed it. */
static const char *shown_kind(const json_t *row)
{
    const char *kind = http_str(row, "kind");
    const char *edit = http_str(row, "edit");
    return !edit                         ? kind
           : !strcmp(edit, "mark_dead")  ? "dead"
           : !strcmp(edit, "mark_empty") ? "empty"
                                         : "removed";
}

/* Rows of list_boxes become columns. */
static int transpose(const json_t *rows, json_t **ret, struct dm_err *e)
{
    static const char *const plain[] = {"id", "confidence", "segment_id", "bin_id"};
    static const char *const place[] = {"x", "y", "w", "h"};
    json_t *columns = json_object();
    bool whole = columns != NULL;
    for (const struct http_field *f = columns_out; f->name; f++) {
        whole = whole && json_object_set_new(columns, f->name, json_array()) == 0;
    }
    for (size_t i = 0; whole && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *moved = json_object_get(row, "moved");
        for (size_t k = 0; k < DM_COUNT(plain); k++) {
            whole = whole && json_array_append(json_object_get(columns, plain[k]),
                                               json_object_get(row, plain[k])) == 0;
        }
        for (size_t k = 0; k < DM_COUNT(place); k++) {
            json_t *v =
                json_is_array(moved) ? json_array_get(moved, k) : json_object_get(row, place[k]);
            whole = whole && json_array_append(json_object_get(columns, place[k]), v) == 0;
        }
        whole = whole && json_array_append_new(json_object_get(columns, "kind"),
                                               json_string(shown_kind(row))) == 0;
    }
    if (!whole) {
        json_decref(columns);
        DM_FAIL(e, DM_ENOMEM, "no memory for boxes");
    }
    *ret = columns;
    return DM_OK;
}

static int get_boxes(struct http_request *r, struct dm_err *e)
{
    const char *uuid = http_str(r->path, "session_id");
    json_t *session = NULL;
    json_t *rows = NULL;
    json_t *drawn = NULL;
    json_t *columns = NULL;
    DM_TRY(list_one(api_ctx(r), &list_progress, "session_id", store_u(uuid), &session, e));
    int code = photos_rows(r, &list_boxes, "session_id", &rows, e);
    code = code < 0 ? code : photos_rows(r, &list_drawn, "session_id", &drawn, e);
    code = code < 0 ? code : transpose(rows, &columns, e);
    if (code >= 0) {
        code = http_reply_json(r, 200,
                               json_pack("{s:s, s:O, s:O, s:I, s:O, s:O}", "session_id", uuid,
                                         "width_px", json_object_get(session, "width_px"),
                                         "height_px", json_object_get(session, "height_px"),
                                         "count", (json_int_t)json_array_size(rows), "columns",
                                         columns, "drawn", drawn),
                               e);
    }
    json_decref(session);
    json_decref(rows);
    json_decref(drawn);
    json_decref(columns);
    return code;
}

/* ---- corrections --------------------------------------------------------------------------- */

/* The segment of a container in this session, 0 when it shows none. */
static int64_t segment_of(const json_t *bins, int64_t bin_id)
{
    for (size_t i = 0; bin_id && i < json_array_size(bins); i++) {
        const json_t *bin = json_array_get(bins, i);
        if (number(bin, "bin_id") == bin_id) {
            return number(bin, "segment_id");
        }
    }
    return 0;
}

static enum session_edit_kind kind_named(const char *name)
{
    size_t i = 0;
    for (const char *at = KINDS;
         *at && (strcspn(at, "|") != strlen(name) || strncmp(at, name, strlen(name)) != 0);
         at += strcspn(at, "|") + 1) {
        i++;
    }
    return (enum session_edit_kind)i;
}

static struct session_box box_of(const json_t *o)
{
    return (struct session_box){http_num(o, "x", 0), http_num(o, "y", 0), http_num(o, "w", 0),
                                http_num(o, "h", 0)};
}

/* Edits that one element asks for: one, or one for each of its plants or boxes. */
static size_t edits_of(const json_t *x)
{
    const json_t *many = http_has(x, "detection_ids") ? json_object_get(x, "detection_ids")
                                                      : json_object_get(x, "boxes");
    return json_is_array(many) ? json_array_size(many) : 1;
}

static struct session_edit *expand(const json_t *x, const json_t *bins, struct session_edit *to)
{
    const json_t *plants = json_object_get(x, "detection_ids");
    const json_t *boxes = json_object_get(x, "boxes");
    const size_t n = edits_of(x);
    for (size_t i = 0; i < n; i++) {
        const json_t *plant = json_array_get(plants, i);
        const json_t *box = boxes ? json_array_get(boxes, i) : json_object_get(x, "box");
        *to++ = (struct session_edit){
            .kind = kind_named(http_str(x, "kind")),
            .segment_id = segment_of(bins, http_int(x, "bin_id", 0)),
            .detection_id = plant ? json_integer_value(plant) : http_int(x, "detection_id", 0),
            .quantity = (int32_t)http_int(x, "quantity", 0),
            .size_id = http_is_null(x, "product_size_id") ? LEDGER_NONE
                                                          : http_int(x, "product_size_id", 0),
            .box = box_of(box),
            .threshold = http_num(x, "threshold", -1),
            .reason = http_str(x, "reason")};
    }
    return to;
}

static int post_adjustments(struct http_request *r, struct dm_err *e)
{
    const json_t *list = json_object_get(r->body, "adjustments");
    const char *uuid;
    int64_t id;
    size_t n = 0;
    json_t *bins = NULL;
    struct session_outcome out;
    DM_TRY(photos_session(r, &uuid, &id, e));
    for (size_t i = 0; i < json_array_size(list); i++) {
        n += edits_of(json_array_get(list, i));
    }
    if (n > SESSION_EDITS_MAX) {
        DM_FAIL(e, INV_VALIDATION, "at most %d corrections at once", SESSION_EDITS_MAX);
    }
    struct session_edit *edit = dm_arena_calloc(r->arena, n + 1, sizeof(*edit));
    if (!edit) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the adjustments");
    }
    DM_TRY(photos_rows(r, &list_session_bins, "session_id", &bins, e));
    struct session_edit *at = edit;
    for (size_t i = 0; i < json_array_size(list); i++) {
        at = expand(json_array_get(list, i), bins, at);
    }
    json_decref(bins);
    DM_TRY(photos_conflict(session_adjust(api_ctx(r), id, edit, n, &out, e), e));
    return photos_reply_session(r, 201, uuid, e);
}

static int post_revert(struct http_request *r, struct dm_err *e)
{
    const char *uuid;
    int64_t id;
    struct session_outcome out;
    DM_TRY(photos_session(r, &uuid, &id, e));
    DM_TRY(photos_conflict(session_revert(api_ctx(r), id, http_int(r->path, "adjustment_id", 0),
                                          http_str(r->body, "reason"), &out, e),
                           e));
    return photos_reply_session(r, 201, uuid, e);
}

/* ---- two visits ---------------------------------------------------------------------------- */

static int64_t plants_of(const json_t *session)
{
    return number(session, "total_detected") + number(session, "total_estimated") +
           number(json_object_get(session, "manual_adjustments"), "quantity_delta");
}

static json_t *visit_of(const json_t *s)
{
    return json_pack("{s:O, s:O, s:O, s:I, s:O, s:O, s:O, s:O, s:O}", "session_id",
                     json_object_get(s, "session_id"), "image_id",
                     json_object_get(s, "original_image_id"), "captured_at",
                     json_object_get(s, "captured_at"), "plants", (json_int_t)plants_of(s),
                     "total_detected", json_object_get(s, "total_detected"), "total_estimated",
                     json_object_get(s, "total_estimated"), "total_empty_containers",
                     json_object_get(s, "total_empty_containers"), "avg_confidence",
                     json_object_get(s, "avg_confidence"), "posting_status",
                     json_object_get(s, "posting_status"));
}

static double days_between(const json_t *a, const json_t *b)
{
    int64_t from = 0;
    int64_t to = 0;
    (void)http_instant_parse(http_str(a, "captured_at"), &from);
    (void)http_instant_parse(http_str(b, "captured_at"), &to);
    return (double)(to - from) / 86400000;
}

static json_t *change_of(const json_t *a, const json_t *b)
{
    const double days = days_between(a, b);
    const int64_t more = plants_of(b) - plants_of(a);
    return json_pack(
        "{s:f, s:I, s:o, s:o, s:I}", "days", days, "plants", (json_int_t)more, "plants_per_day",
        days != 0 ? json_real((double)more / days) : json_null(), "growth_pct",
        plants_of(a) > 0 ? json_real(100.0 * (double)more / (double)plants_of(a)) : json_null(),
        "total_empty_containers",
        (json_int_t)(number(b, "total_empty_containers") - number(a, "total_empty_containers")));
}

static bool same_container(const json_t *x, const json_t *y)
{
    return !strcmp(http_str(x, "category"), http_str(y, "category")) &&
           number(x, "ordinal") == number(y, "ordinal");
}

static const json_t *container_in(const json_t *list, const json_t *x)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (same_container(json_array_get(list, i), x)) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

static json_t *container_of(const json_t *a, const json_t *b)
{
    const json_t *any = a ? a : b;
    const int64_t was = number(a, "plants");
    const int64_t is = number(b, "plants");
    return json_pack("{s:O, s:O, s:O, s:o, s:o, s:I}", "category", json_object_get(any, "category"),
                     "ordinal", json_object_get(any, "ordinal"), "bin_id",
                     json_object_get(any, "bin_id"), "a", a ? json_integer(was) : json_null(), "b",
                     b ? json_integer(is) : json_null(), "difference", (json_int_t)(is - was));
}

/* Containers of either photo, by kind and number, those of the first in their order. */
static json_t *containers_of(const json_t *a, const json_t *b)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *x = json_array_get(a, i);
        (void)json_array_append_new(out, container_of(x, container_in(b, x)));
    }
    for (size_t i = 0; i < json_array_size(b); i++) {
        const json_t *x = json_array_get(b, i);
        if (!container_in(a, x)) {
            (void)json_array_append_new(out, container_of(NULL, x));
        }
    }
    return out;
}

static int read_visit(struct http_request *r, const char *uuid, json_t **ret, json_t **ret_bins,
                      struct dm_err *e)
{
    const struct list_value value = {"session_id", store_u(uuid)};
    const struct list_ask ask = {.value = &value, .n_value = 1};
    DM_TRY(list_one(api_ctx(r), &list_sessions, "session_id", store_u(uuid), ret, e));
    DM_TRY(list_rows(api_ctx(r), &list_session_bins, &ask, ret_bins, NULL, e));
    if (strcmp(http_str(*ret, "status"), "completed") != 0) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the session is %s", http_str(*ret, "status"));
    }
    return DM_OK;
}

static int compare(struct http_request *r, json_t *s[2], json_t *bins[2], struct dm_err *e)
{
    DM_TRY(read_visit(r, http_str(r->path, "session_id"), &s[0], &bins[0], e));
    DM_TRY(read_visit(r, http_str(r->query, "with"), &s[1], &bins[1], e));
    if (number(s[0], "storage_location_id") != number(s[1], "storage_location_id")) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "the two photos show different claros");
    }
    return http_reply_json(r, 200,
                           json_pack("{s:O, s:o, s:o, s:o, s:o}", "storage_location_id",
                                     json_object_get(s[0], "storage_location_id"), "a",
                                     visit_of(s[0]), "b", visit_of(s[1]), "difference",
                                     change_of(s[0], s[1]), "containers",
                                     containers_of(bins[0], bins[1])),
                           e);
}

static int get_compare(struct http_request *r, struct dm_err *e)
{
    json_t *session[2] = {NULL};
    json_t *bins[2] = {NULL};
    const int code = compare(r, session, bins, e);
    for (size_t i = 0; i < 2; i++) {
        json_decref(session[i]);
        json_decref(bins[i]);
    }
    return code;
}

/* ---- table --------------------------------------------------------------------------------- */

// clang-format off
const struct http_route edit_routes[] = {
    {HTTP_GET, ONE "/detections.json", "session_boxes", "sessions", "All plants in columns, as people left them",
     .role = API_VIEWER, .flags = HTTP_ETAG, .params = photos_session_path, .answer = {{200, &Boxes}},
     .errors = "404", .handle = get_boxes},
    {HTTP_GET, ONE "/compare", "compare_sessions", "sessions", "Two visits of a claro", .role = API_VIEWER,
     .params = photos_session_path, .query = compare_query, .answer = {{200, &Comparison}},
     .errors = "404 409", .handle = get_compare},
    {HTTP_GET, ONE "/adjustments", "session_adjustments", "sessions", "What people corrected",
     .role = API_VIEWER, .flags = HTTP_ETAG, .params = photos_session_path, .answer = {{200, &Adjustment, true}},
     .errors = "404", .handle = photos_get_array, .own = &list_adjustments},
    {HTTP_POST, ONE "/adjustments", "adjust_session", "sessions", "Correct what was counted",
     .role = API_SUPERVISOR, .flags = HTTP_BULK | HTTP_IF_MATCH | HTTP_IDEMPOTENT, .params = photos_session_path,
     .body = &EditsIn, .answer = {{201, &Session}}, .errors = "404 409 412", .handle = post_adjustments,
     .about = "All or nothing, at most 5,000 corrections. If-Match with the ETag of the list of corrections "
              "refuses to overwrite somebody else's."},
    {HTTP_POST, ONE "/adjustments/{adjustment_id}/revert", "revert_adjustment", "sessions",
     "Take a correction back", .role = API_SUPERVISOR, .params = revert_path, .body = &RevertIn,
     .answer = {{201, &Session}}, .errors = "404 409", .handle = post_revert},
    {0},
};
// clang-format on

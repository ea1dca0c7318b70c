/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be done (product.md 2.3): counts that wait for a supervisor, claros that are due,
 * notes of the field that the books refused. */
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "api/stock.h"
#include "inventory/inbox.h"
#include "inventory/json.h"
#include "inventory/map.h"

#define ID .min = 1, .max = INT32_MAX
#define REASONS                                                                                    \
    "failed|held|needs_location|location_uncertain|needs_config|needs_calibration|no_detections|"  \
    "low_confidence|surplus|shortage|older_than_open_period|early|superseded|later_movements|"     \
    "not_automatic"

/* ---- review ------------------------------------------------------------------------------- */

static const struct http_field review[] = {
    {"session_id", HTTP_UUID},
    {"image_id", HTTP_UUID},
    {"reason", HTTP_STR, .one_of = REASONS},
    {"reasons", HTTP_STR, HTTP_LIST, .about = "all that hold the count"},
    {"score", HTTP_INT, .about = "the higher, the more it presses"},
    {"status", HTTP_STR, .one_of = "pending|processing|completed|failed"},
    {"warning", HTTP_STR, HTTP_NULL},
    {"posting_status", HTTP_STR, .one_of = "unposted|held|posted|void"},
    {"error_message", HTTP_STR, HTTP_NULL},
    {"captured_at", HTTP_INSTANT},
    {"uploaded_by_user_id", HTTP_INT},
    {"storage_location_id", HTTP_INT, HTTP_NULL},
    {"storage_location_code", HTTP_STR, HTTP_NULL},
    {"warehouse_id", HTTP_INT, HTTP_NULL},
    {"warehouse_name", HTTP_STR, HTTP_NULL},
    {"counted", HTTP_INT},
    {"expected", HTTP_INT, HTTP_NULL},
    {"avg_confidence", HTTP_NUM, HTTP_NULL},
    {"adjustments", HTTP_INT},
    {"thumbnail_url", HTTP_STR},
    {NULL},
};
static const struct http_schema Review = {"ReviewItem", review};
static const struct http_field review_query[] = {{"warehouse_id", HTTP_INT, ID},
                                                 {"storage_location_id", HTTP_INT, ID},
                                                 {"reason", HTTP_STR, .one_of = REASONS},
                                                 {NULL}};

static int get_review(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_review, e);
}

/* ---- coverage ----------------------------------------------------------------------------- */

static const struct http_field due[] = {{"storage_location_id", HTTP_INT},
                                        {"code", HTTP_STR},
                                        {"name", HTTP_STR},
                                        {"last_counted_at", HTTP_INSTANT, HTTP_NULL},
                                        {"days_since", HTTP_INT, HTTP_NULL},
                                        {"plants", HTTP_INT},
                                        {NULL}};
static const struct http_schema Due = {NULL, due};
static const struct http_field tally[] = {{"locations", HTTP_INT},
                                          {"covered", HTTP_INT},
                                          {"due", HTTP_INT, .about = "never_counted among them"},
                                          {"never_counted", HTTP_INT},
                                          {NULL}};
static const struct http_schema Tally = {NULL, tally};
static const struct http_field nave[] = {{"warehouse_id", HTTP_INT},
                                         {"code", HTTP_STR},
                                         {"name", HTTP_STR},
                                         {"due_locations", HTTP_OBJ, HTTP_LIST, .of = &Due},
                                         {NULL}};
static const struct http_schema Nave = {NULL, nave, &Tally};
static const struct http_field coverage[] = {{"days", HTTP_INT},
                                             {"generated_at", HTTP_INSTANT},
                                             {"warehouses", HTTP_OBJ, HTTP_LIST, .of = &Nave},
                                             {NULL}};
static const struct http_schema Coverage = {"Coverage", coverage, &Tally};
static const struct http_field coverage_query[] = {
    {"days", HTTP_INT, .min = 1, .max = 3660, .fallback = "35",
     .about = "a claro is due when its last count is older"},
    {"warehouse_id", HTTP_INT, ID},
    {NULL}};

static int get_coverage(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(map_coverage(api_ctx(r), http_int(r->query, "warehouse_id", 0),
                        http_int(r->query, "days", 0), &out, e));
    return http_reply_json(r, 200, out, e);
}

/* ---- inbox -------------------------------------------------------------------------------- */

static const struct http_field note[] = {
    {"note_id", HTTP_UUID},
    {"user_id", HTTP_INT},
    {"user_email", HTTP_STR},
    {"operation", HTTP_OBJ, .about = "as it was sent"},
    {"code", HTTP_STR, HTTP_NULL},
    {"reason", HTTP_STR},
    {"status", HTTP_STR, .one_of = "open|booked|discarded"},
    {"movement_ids", HTTP_UUID, HTTP_LIST},
    {"note", HTTP_STR, HTTP_NULL},
    {"resolved_by_user_id", HTTP_INT, HTTP_NULL},
    {"resolved_at", HTTP_INSTANT, HTTP_NULL},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
static const struct http_schema Note = {"InboxNote", note};
static const struct http_field booked[] = {{"result", HTTP_OBJ, .of = &OperationOut}, {NULL}};
static const struct http_schema Booked = {"InboxBooked", booked, &Note};

static const struct http_field note_query[] = {
    {"status", HTTP_STR, .one_of = "open|booked|discarded"}, {"user_id", HTTP_INT, ID}, {NULL}};
static const struct http_field note_path[] = {{"note_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field note_in[] = {
    {"note_id", HTTP_UUID, .about = "of the telephone: the same again keeps one note"},
    {"operation", HTTP_OBJ, HTTP_REQ, .about = "the body that /stock/operations refused",
     .example = "{\"operation\": \"muerte\", \"storage_location_id\": 1, \"product_id\": 1, "
                "\"product_state_id\": 1, \"quantity\": 3}"},
    {"code", HTTP_STR, HTTP_TRIM, .min = 1, .max = 100, .about = "of the refusal"},
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 2000},
    {NULL},
};
static const struct http_schema NoteIn = {"InboxNoteNew", note_in};
static const struct http_field book_in[] = {
    {"operation", HTTP_OBJ, .of = &OperationIn,
     .about = "what is booked instead; absent: as noted"},
    {"note", HTTP_STR, .min = 0, .max = 2000},
    {NULL},
};
static const struct http_schema BookIn = {"InboxBook", book_in};
static const struct http_field discard_in[] = {
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 2000}, {NULL}};
static const struct http_schema DiscardIn = {"InboxDiscard", discard_in};

/* A worker sees his own notes. */
static struct list_ask note_ask(const struct http_request *r, struct list_value value[static 2],
                                const char *uuid)
{
    const struct inv_ctx *c = api_ctx(r);
    const bool all = inv_grant_of(c->role, INV_DO_COUNT_REVIEW) != INV_GRANT_NO;
    const int64_t user_id = all ? http_int(r->query, "user_id", 0) : c->user_id;
    value[0] = (struct list_value){"user_id", store_ref(user_id)};
    value[1] = uuid ? (struct list_value){"note_id", store_u(uuid)}
                    : (struct list_value){"status", store_t(http_str(r->query, "status"))};
    return (struct list_ask){.value = value, .n_value = 2};
}

static int read_note(const struct http_request *r, const char *uuid, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    struct list_value value[2];
    const struct list_ask ask = note_ask(r, value, uuid);
    DM_TRY(list_rows(api_ctx(r), &list_inbox, &ask, &rows, NULL, e));
    if (!json_array_size(rows)) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "note"), DM_S("identifier", uuid)),
                  "there is no such note");
    }
    *ret = json_incref(json_array_get(rows, 0));
    return DM_OK;
}

static int get_notes(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    struct list_value value[2];
    struct list_ask ask = note_ask(r, value, NULL);
    json_t *rows;
    int64_t total;
    ask.skip = slice.skip;
    ask.limit = slice.limit;
    DM_TRY(list_rows(api_ctx(r), &list_inbox, &ask, &rows, &total, e));
    return rows_send(r, rows, total, e);
}

static int get_note(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(read_note(r, http_str(r->path, "note_id"), &out, e));
    return http_reply_json(r, 200, out, e);
}

static int post_note(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    json_t *out;
    const struct inbox_note n = {.uuid = http_str(r->body, "note_id"),
                                 .operation = json_object_get(r->body, "operation"),
                                 .code = http_str(r->body, "code"),
                                 .reason = http_str(r->body, "reason")};
    DM_TRY(inbox_add(api_ctx(r), &n, uuid, e));
    const char *at = dm_arena_printf(r->arena, "/api/v1/stock/inbox/%s", uuid);
    DM_TRY(at ? http_reply_header(r, "Location", at, e) : DM_OK);
    DM_TRY(read_note(r, uuid, &out, e));
    return http_reply_json(r, 201, out, e);
}

/* What was noted, as /stock/operations would take it. API_ERULE: it cannot be read. */
static int noted_operation(const json_t *noted, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *issues = json_array();
    DM_CLEANUP(inv_json_freep) json_t *taken = NULL;
    DM_TRY(http_take_object(&OperationIn, noted, "body", issues, &taken, e));
    if (json_array_size(issues)) {
        DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", "operation")),
                  "the note is not a whole operation: give one to book instead");
    }
    *ret = DM_STEAL(taken);
    return DM_OK;
}

static int post_book(struct http_request *r, struct dm_err *e)
{
    const char *uuid = http_str(r->path, "note_id");
    DM_CLEANUP(inv_json_freep) json_t *noted = NULL;
    DM_CLEANUP(inv_json_freep) json_t *taken = NULL;
    DM_CLEANUP(inv_json_freep) json_t *result = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    const json_t *other = json_object_get(r->body, "operation");
    DM_TRY(inbox_open(api_ctx(r), uuid, &noted, e));
    if (!json_is_object(other)) {
        DM_TRY(noted_operation(noted, &taken, e));
        other = taken;
    }
    DM_TRY(stock_operate(r, other, uuid, &result, e));
    DM_TRY(inbox_resolve(api_ctx(r), uuid, json_object_get(result, "movement_ids"),
                         http_str(r->body, "note"), e));
    DM_TRY(read_note(r, uuid, &out, e));
    DM_TRY(inv_json_set(out, "result", DM_STEAL(result), e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

static int post_discard(struct http_request *r, struct dm_err *e)
{
    const char *uuid = http_str(r->path, "note_id");
    json_t *out;
    DM_TRY(inbox_resolve(api_ctx(r), uuid, NULL, http_str(r->body, "reason"), e));
    DM_TRY(read_note(r, uuid, &out, e));
    return http_reply_json(r, 200, out, e);
}

#define INBOX "/api/v1/stock/inbox"
const struct http_route work_routes[] = {
    {HTTP_GET, "/api/v1/review", "list_review", "photos", "Counts that wait for a person",
     .role = API_SUPERVISOR, .flags = HTTP_PAGED | HTTP_NO_STORE, .query = review_query,
     .answer = {{200, &Review, true}}, .handle = get_review,
     .about = "The most urgent first; among equals the one that waits longest."},
    {HTTP_GET, "/api/v1/coverage", "coverage", "map", "Claros that are due for a count",
     .role = API_VIEWER, .query = coverage_query, .answer = {{200, &Coverage}},
     .handle = get_coverage},
    {HTTP_GET, INBOX, "list_inbox", "stock", "Notes that the books refused", .role = API_WORKER,
     .flags = HTTP_PAGED | HTTP_NO_STORE, .query = note_query, .answer = {{200, &Note, true}},
     .handle = get_notes},
    {HTTP_POST, INBOX, "add_inbox_note", "stock", "Hand a refused note to the supervisor",
     .role = API_WORKER, .flags = HTTP_IDEMPOTENT, .body = &NoteIn, .answer = {{201, &Note}},
     .errors = "409", .handle = post_note},
    {HTTP_GET, INBOX "/{note_id}", "get_inbox_note", "stock", "One note", .role = API_WORKER,
     .flags = HTTP_NO_STORE, .params = note_path, .answer = {{200, &Note}}, .errors = "404",
     .handle = get_note},
    {HTTP_POST, INBOX "/{note_id}/book", "book_inbox_note", "stock",
     "Book a note, as it stands or changed", .role = API_SUPERVISOR, .flags = HTTP_BODY_OPTIONAL,
     .params = note_path, .body = &BookIn, .answer = {{200, &Booked}}, .errors = "400 404 409",
     .handle = post_book},
    {HTTP_POST, INBOX "/{note_id}/discard", "discard_inbox_note", "stock", "Put a note aside",
     .role = API_SUPERVISOR, .params = note_path, .body = &DiscardIn, .answer = {{200, &Note}},
     .errors = "404 409", .handle = post_discard},
    {0},
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/webhooks: who is told what happens, the log of it, once more (product.md 2.3). */
#include "api/api.h"
#include "api/resource.h"
#include "api/rows.h"
#include "inventory/json.h"
#include "inventory/webhooks.h"

#define EVENTS "count.manual|movement.created|reconciliation.reviewed|session.completed"

static const struct http_field hook[] = {{"id", HTTP_UUID},
                                         {"url", HTTP_STR},
                                         {"events", HTTP_STR, HTTP_LIST, .one_of = EVENTS},
                                         {"active", HTTP_BOOL},
                                         {"user_id", HTTP_INT},
                                         {"created_at", HTTP_INSTANT},
                                         {"updated_at", HTTP_INSTANT, HTTP_NULL},
                                         {"failed_deliveries", HTTP_INT},
                                         {NULL}};
static const struct http_schema Webhook = {"Webhook", hook};
static const struct http_field created[] = {
    {"secret", HTTP_STR, .about = "shown this once; the signature is made with it"}, {NULL}};
static const struct http_schema WebhookCreated = {"WebhookCreated", created, &Webhook};
static const struct http_field delivery[] = {
    {"id", HTTP_UUID},
    {"webhook_id", HTTP_UUID},
    {"event", HTTP_STR},
    {"status", HTTP_STR, .one_of = "pending|delivered|failed"},
    {"attempts", HTTP_INT},
    {"response_status", HTTP_INT, HTTP_NULL},
    {"error", HTTP_STR, HTTP_NULL},
    {"payload", HTTP_ANY},
    {"created_at", HTTP_INSTANT},
    {"delivered_at", HTTP_INSTANT, HTTP_NULL},
    {NULL}};
static const struct http_schema Delivery = {"WebhookDelivery", delivery};

#define URL_RULE .min = 8, .max = 2000, .pattern = "https?://.+"
static const struct http_field new_hook[] = {
    {"url", HTTP_STR, HTTP_REQ, URL_RULE},
    {"events", HTTP_STR, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 10, .one_of = EVENTS},
    {NULL}};
static const struct http_schema NewHook = {"WebhookNew", new_hook};
static const struct http_field change[] = {
    {"url", HTTP_STR, 0, URL_RULE},
    {"events", HTTP_STR, HTTP_LIST, .items_min = 1, .items_max = 10, .one_of = EVENTS},
    {"active", HTTP_BOOL},
    {NULL}};
static const struct http_schema Change = {"WebhookChange", change};
static const struct http_field hook_path[] = {{"id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field delivery_path[] = {
    {"webhook_id", HTTP_UUID, HTTP_REQ}, {"id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field log_path[] = {{"webhook_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field log_query[] = {
    {"status", HTTP_STR, .one_of = "pending|delivered|failed"}, {NULL}};

static int list_hooks(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_webhooks, e);
}

static int get_hook(struct http_request *r, struct dm_err *e)
{
    return rows_reply_one(r, &list_webhooks, "id", e);
}

static int post_hook(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    char secret[WEBHOOKS_SECRET_SIZE];
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    DM_TRY(webhooks_add(api_ctx(r), http_str(r->body, "url"), json_object_get(r->body, "events"),
                        uuid, secret, e));
    DM_TRY(list_one(api_ctx(r), &list_webhooks, "id", store_u(uuid), &row, e));
    DM_TRY(inv_json_set(row, "secret", json_string(secret), e));
    const char *at = dm_arena_printf(r->arena, "/api/v1/webhooks/%s", uuid);
    DM_TRY(at ? http_reply_header(r, "Location", at, e) : DM_OK);
    return http_reply_json(r, 201, DM_STEAL(row), e);
}

static int patch_hook(struct http_request *r, struct dm_err *e)
{
    DM_TRY(webhooks_change(api_ctx(r), http_str(r->path, "id"), r->body, e));
    return get_hook(r, e);
}

static int delete_hook(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    const char *uuid = http_str(r->path, "id");
    DM_TRY(webhooks_delete(api_ctx(r), uuid, e));
    DM_TRY(api_json(json_pack("{s:b, s:s, s:s, s:s}", "success", 1, "deleted_id", uuid, "mode",
                              "hard", "message", "deleted"),
                    &out, e));
    return http_reply_json(r, 200, out, e);
}

static int hook_exists(const struct http_request *r, struct dm_err *e)
{
    json_t *row;
    DM_TRY(list_one(api_ctx(r), &list_webhooks, "id", store_u(http_str(r->path, "webhook_id")),
                    &row, e));
    json_decref(row);
    return DM_OK;
}

static int list_log(struct http_request *r, struct dm_err *e)
{
    DM_TRY(hook_exists(r, e));
    return rows_reply(r, &list_deliveries, e);
}

static int post_replay(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    json_t *row;
    DM_TRY(webhooks_replay(api_ctx(r), http_str(r->path, "webhook_id"), http_str(r->path, "id"),
                           uuid, e));
    DM_TRY(list_one(api_ctx(r), &list_deliveries, "id", store_u(uuid), &row, e));
    return http_reply_json(r, 202, row, e);
}

#define BASE "/api/v1/webhooks"
const struct http_route webhook_routes[] = {
    {HTTP_GET, BASE, "list_webhooks", "webhooks", "Who is told", .role = API_ADMIN,
     .flags = HTTP_PAGED, .answer = {{200, &Webhook, true}}, .handle = list_hooks},
    {HTTP_POST, BASE, "create_webhook", "webhooks", "Tell somebody", .role = API_ADMIN,
     .body = &NewHook, .answer = {{201, &WebhookCreated}}, .handle = post_hook},
    {HTTP_GET, BASE "/{id}", "get_webhook", "webhooks", "One webhook", .role = API_ADMIN,
     .params = hook_path, .answer = {{200, &Webhook}}, .errors = "404", .handle = get_hook},
    {HTTP_PATCH, BASE "/{id}", "update_webhook", "webhooks", "Change a webhook", .role = API_ADMIN,
     .params = hook_path, .body = &Change, .answer = {{200, &Webhook}}, .errors = "404",
     .handle = patch_hook},
    {HTTP_DELETE, BASE "/{id}", "delete_webhook", "webhooks", "Tell no more", .role = API_ADMIN,
     .params = hook_path, .answer = {{200, &DeleteResult}}, .errors = "404", .handle = delete_hook},
    {HTTP_GET, BASE "/{webhook_id}/deliveries", "list_deliveries", "webhooks", "What was told",
     .role = API_ADMIN, .flags = HTTP_PAGED, .params = log_path, .query = log_query,
     .answer = {{200, &Delivery, true}}, .errors = "404", .handle = list_log},
    {HTTP_POST, BASE "/{webhook_id}/deliveries/{id}/replay", "replay_delivery", "webhooks",
     "Tell it once more", .role = API_ADMIN, .flags = HTTP_BODY_OPTIONAL, .params = delivery_path,
     .answer = {{202, &Delivery}}, .errors = "404", .handle = post_replay},
    {0},
};

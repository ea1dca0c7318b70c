/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings, the audit trail, the terms of use, the state of the system (api.md 24). The paths of
 * the administration are served under /api/v1/admin and, as in the older contract, /api/admin. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/jobs.h"
#include "inventory/json.h"
#include "inventory/users.h"

#define ID .min = 1, .max = INT32_MAX

/* ---- audit -------------------------------------------------------------------------------- */

static const struct http_field changes[] = {
    {"old", HTTP_ANY, HTTP_NULL}, {"new", HTTP_ANY, HTTP_NULL}, {NULL}};
static const struct http_schema Changes = {NULL, changes};
static const struct http_field audit[] = {{"id", HTTP_INT},
                                          {"timestamp", HTTP_INSTANT},
                                          {"user_id", HTTP_INT, HTTP_NULL},
                                          {"user_email", HTTP_STR, HTTP_NULL},
                                          {"action", HTTP_STR},
                                          {"entity_type", HTTP_STR, HTTP_NULL},
                                          {"entity_id", HTTP_STR, HTTP_NULL},
                                          {"changes", HTTP_OBJ, .of = &Changes},
                                          {"correlation_id", HTTP_STR, HTTP_NULL},
                                          {"remote_address", HTTP_STR, HTTP_NULL},
                                          {NULL}};
static const struct http_schema Audit = {"AuditEntry", audit};
static const struct http_field audit_query[] = {
    {"user_id", HTTP_INT, ID},
    {"action", HTTP_STR, .min = 1, .max = 50},
    {"entity_type", HTTP_STR, .min = 1, .max = 50, .about = "table"},
    {"entity_id", HTTP_STR, .min = 1, .max = 36},
    {"date_from", HTTP_INSTANT},
    {"date_to", HTTP_INSTANT},
    {NULL}};

static int list_audit_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_audit, e);
}

/* ---- settings ----------------------------------------------------------------------------- */

#define SCHEMA_BOOL HTTP_BOOL
#define SCHEMA_I32  HTTP_INT
#define SCHEMA_F64  HTTP_NUM
#define SCHEMA_STR  HTTP_STR
static const struct http_field settings[] = {
#define X(field, type, def, low, high, of, text) {#field, SCHEMA_##type, .about = (text)},
#include "inventory/settings.def"
#undef X
    {NULL}};
static const struct http_schema Settings = {"Settings", settings};

static json_t *setting_of(const struct inv_settings *s, const struct dm_opt *o)
{
    const char *at = (const char *)s + o->offset;
    bool flag;
    int32_t i;
    double f;
    const char *t;
    switch (o->type) {
    case DM_OPT_BOOL:
        memcpy(&flag, at, sizeof(flag));
        return json_boolean(flag);
    case DM_OPT_I32:
        memcpy(&i, at, sizeof(i));
        return json_integer(i);
    case DM_OPT_F64:
        memcpy(&f, at, sizeof(f));
        return json_real(f);
    case DM_OPT_STR:
    case DM_OPT_ENUM:
    case DM_OPT_TYPE_MAX_:
    default:
        memcpy(&t, at, sizeof(t));
        return json_string(t);
    }
}

static int send_settings(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    struct inv_settings s;
    DM_TRY(store_begin(api_ctx(r)->store, STORE_READ, &tx, e));
    DM_TRY(inv_settings_load(tx, r->arena, &s, e));
    for (size_t i = 0; i < inv_setting_count; i++) {
        DM_TRY(
            inv_json_set(out, inv_setting_table[i].name, setting_of(&s, &inv_setting_table[i]), e));
    }
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

static int patch_settings(struct http_request *r, struct dm_err *e)
{
    const int code = inv_settings_change(api_ctx(r), r->body, e);
    if (code == INV_VALIDATION) { /* it fits the schema and breaks a bound */
        e->code = API_ERULE;
        return API_ERULE;
    }
    DM_TRY(code);
    api_settings_changed(api_of(r));
    return send_settings(r, e);
}

/* ---- terms -------------------------------------------------------------------------------- */

#define TERMS_VERSION "2026-11-01"
static const char terms_text[] =
    "Demeter guarda las fotografías, los conteos y los movimientos del vivero, quién los hizo y "
    "cuándo. Cada persona usa su propia cuenta y no comparte su contraseña. Las correcciones "
    "quedan "
    "a la vista. Los datos son del vivero.";

static const struct http_field terms[] = {
    {"version", HTTP_STR}, {"text", HTTP_STR}, {"updated_at", HTTP_INSTANT}, {NULL}};
static const struct http_schema Terms = {"Terms", terms};
static const struct http_field accept_in[] = {{"version", HTTP_STR, HTTP_REQ, .min = 1, .max = 20},
                                              {NULL}};
static const struct http_schema AcceptIn = {"TermsAccept", accept_in};
static const struct http_field message[] = {{"message", HTTP_STR}, {NULL}};
static const struct http_schema Accepted = {"TermsAccepted", message};

static int get_terms(struct http_request *r, struct dm_err *e)
{
    json_t *out;
    DM_TRY(api_json(json_pack("{s:s, s:s, s:s}", "version", TERMS_VERSION, "text", terms_text,
                              "updated_at", TERMS_VERSION "T00:00:00Z"),
                    &out, e));
    return http_reply_json(r, 200, out, e);
}

static int post_terms(struct http_request *r, struct dm_err *e)
{
    if (strcmp(http_str(r->body, "version"), TERMS_VERSION) != 0) {
        DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", "version")),
                  "the terms of today have version " TERMS_VERSION);
    }
    DM_TRY(user_accept_terms(api_ctx(r), e));
    return api_reply_message(r, "accepted", e);
}

/* ---- system ------------------------------------------------------------------------------- */

static const struct http_field database[] = {
    {"version", HTTP_STR}, {"pool_size", HTTP_INT}, {"pool_used", HTTP_INT}, {NULL}};
static const struct http_schema Database = {NULL, database};
static const struct http_field system_out[] = {
    {"version", HTTP_STR},
    {"build", HTTP_STR, HTTP_NULL},
    {"database", HTTP_OBJ, .of = &Database},
    {"storage", HTTP_STR, .one_of = "connected|down|disabled"},
    {"models", HTTP_OBJ, HTTP_LIST},
    {"breakers", HTTP_OBJ, HTTP_LIST},
    {"queues", HTTP_OBJ, HTTP_LIST},
    {NULL}};
static const struct http_schema System = {"System", system_out};

static int get_system(struct http_request *r, struct dm_err *e)
{
    const struct api_options *o = api_options(api_of(r));
    const struct store_pool_state pool = store_pool_state(o->store);
    json_t *queues;
    json_t *out;
    DM_TRY(jobs_queues(api_ctx(r), NULL, &queues, e));
    DM_TRY(
        api_json(json_pack("{s:s, s:o, s:{s:s, s:i, s:i}, s:s, s:[], s:[], s:o}", "version",
                           o->version ? o->version : "", "build", api_text(o->revision), "database",
                           "version", store_engine(o->store), "pool_size", pool.max, "pool_used",
                           pool.used, "storage", o->photos ? "connected" : "disabled", "models",
                           "breakers", "queues", queues),
                 &out, e));
    return http_reply_json(r, 200, out, e);
}

const struct http_route admin_routes[] = {
    {HTTP_GET, "/api/v1/admin/audit-log", "audit_log", "audit", "Who changed what",
     .role = API_ADMIN, .flags = HTTP_PAGED, .query = audit_query, .answer = {{200, &Audit, true}},
     .handle = list_audit_rows},
    {HTTP_GET, "/api/admin/audit-log", "audit_log_old", "audit", "Who changed what",
     .role = API_ADMIN, .flags = HTTP_PAGED | HTTP_HIDDEN, .query = audit_query,
     .answer = {{200, &Audit, true}}, .handle = list_audit_rows},
    {HTTP_GET, "/api/v1/admin/settings", "get_settings", "admin", "Settings of the nursery",
     .role = API_ADMIN, .answer = {{200, &Settings}}, .handle = send_settings},
    {HTTP_GET, "/api/admin/settings", "get_settings_old", "admin", "Settings of the nursery",
     .role = API_ADMIN, .flags = HTTP_HIDDEN, .answer = {{200, &Settings}},
     .handle = send_settings},
    {HTTP_PATCH, "/api/v1/admin/settings", "change_settings", "admin", "Change settings",
     .role = API_ADMIN, .body = &Settings, .answer = {{200, &Settings}}, .errors = "400",
     .handle = patch_settings},
    {HTTP_PATCH, "/api/admin/settings", "change_settings_old", "admin", "Change settings",
     .role = API_ADMIN, .flags = HTTP_HIDDEN, .body = &Settings, .answer = {{200, &Settings}},
     .errors = "400", .handle = patch_settings},
    {HTTP_GET, "/api/v1/admin/system", "system_state", "admin", "What runs here", .role = API_ADMIN,
     .answer = {{200, &System}}, .handle = get_system},
    {HTTP_GET, "/api/admin/system", "system_state_old", "admin", "What runs here",
     .role = API_ADMIN, .flags = HTTP_HIDDEN, .answer = {{200, &System}}, .handle = get_system},
    {HTTP_GET, "/api/v1/terms", "get_terms", "users", "Terms of use", .role = API_OPEN,
     .answer = {{200, &Terms}}, .handle = get_terms},
    {HTTP_POST, "/api/v1/terms/accept", "accept_terms", "users", "Accept the terms",
     .role = API_ANY, .body = &AcceptIn, .answer = {{200, &Accepted}}, .errors = "400",
     .handle = post_terms},
    {0},
};

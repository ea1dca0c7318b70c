/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports as files (api.md R37, 20.2): made at once, up to LIST_SHEET_MAX rows. */
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/answers.h"
#include "inventory/json.h"

#define ID .min = 1, .max = INT32_MAX

static const struct http_field format_path[] = {
    {"export_format", HTTP_STR, HTTP_REQ, .min = 1, .max = 10}, {NULL}};
static const struct http_field export_query[] = {
    {"report_type", HTTP_STR, HTTP_REQ, .min = 1, .max = 20,
     .about = "inventory, movements or batches"},
    {"start_date", HTTP_DATE},
    {"end_date", HTTP_DATE},
    {"warehouse_id", HTTP_INT, ID},
    {"product_id", HTTP_INT, ID},
    {"bom", HTTP_BOOL, .about = "byte order mark"},
    {"metadata", HTTP_BOOL, .about = "lines that say what was asked"},
    {NULL}};
static const struct http_field export_in[] = {
    {"format", HTTP_STR, HTTP_REQ, .one_of = "csv|xlsx"},
    {"query", HTTP_OBJ, HTTP_REQ, .about = "as the body of /analytics/manual-query"},
    {NULL}};
static const struct http_schema ExportIn = {"AnalyticsExport", export_in};

static const struct {
    const char *name;
    const struct list *list;
} reports[] = {{"inventory", &list_export_inventory},
               {"movements", &list_export_movements},
               {"batches", &list_export_batches}};

static int refuse(const char *field, const char *value, struct dm_err *e)
{
    DM_REFUSE(e, API_ERULE, DM_FIELDS(DM_S("field", field), DM_S("value", value)),
              "there is no %s %.20s", field, value);
}

/* The first instant of a day of the nursery, or of the day after. */
static int instant_of(const struct http_request *r, const char *name, int after,
                      struct list_value *ret, struct dm_err *e)
{
    struct dm_civil day;
    const char *text = http_str(r->query, name);
    ret->v = store_null();
    if (text) {
        if (!dm_date_parse(text, &day)) {
            DM_FAIL(e, INV_VALIDATION, "%s is not a day", name);
        }
        day.day += after;
        ret->v = store_at(dm_zone_instant(api_ctx(r)->zone, &day));
    }
    return DM_OK;
}

static int get_export(struct http_request *r, struct dm_err *e)
{
    const char *format = http_str(r->path, "export_format");
    const char *type = http_str(r->query, "report_type");
    const struct list *list = NULL;
    struct list_value value[] = {{"warehouse_id", store_ref(http_int(r->query, "warehouse_id", 0))},
                                 {"product_id", store_ref(http_int(r->query, "product_id", 0))},
                                 {"from", store_null()},
                                 {"before", store_null()}};
    const struct list_ask ask = {.value = value, .n_value = DM_COUNT(value)};
    struct sheet *s;
    char name[40];
    for (size_t i = 0; i < DM_COUNT(reports); i++) {
        list = strcmp(reports[i].name, type) == 0 ? reports[i].list : list;
    }
    if (!list) {
        return refuse("report_type", type, e);
    }
    if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0 && strcmp(format, "xlsx") != 0) {
        return refuse("export_format", format, e);
    }
    DM_TRY(instant_of(r, "start_date", 0, &value[2], e));
    DM_TRY(instant_of(r, "end_date", 1, &value[3], e));
    DM_TRY(list_sheet(api_ctx(r), list, &ask, type, type, r->arena, &s, e));
    (void)snprintf(name, sizeof(name), "%s_export.%s", type, format);
    return rows_reply_sheet(r, s, name, e);
}

static int post_export(struct http_request *r, struct dm_err *e)
{
    struct sheet *s;
    DM_TRY(inv_permit(api_ctx(r), INV_DO_EXPORT, e));
    DM_TRY(answers_manual_sheet(api_ctx(r), json_object_get(r->body, "query"), r->arena, &s, e));
    if (!s->n_rows) {
        DM_FAIL(e, INV_EMPTY_FILTER_RESULT, "there is nothing to export");
    }
    DM_TRY(inv_json_set(r->path, "export_format", json_string(http_str(r->body, "format")), e));
    return rows_reply_sheet(r, s, NULL, e);
}

const struct http_route export_routes[] = {
    {HTTP_GET, "/api/v1/analytics/exports/{export_format}", "export_report", "exports",
     "Batches, stock or movements as a file", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY,
     .params = format_path, .query = export_query, .answer = {{200}}, .errors = "400",
     .handle = get_export},
    {HTTP_POST, "/api/v1/analytics/export", "export_query", "exports", "Any report as a file",
     .role = API_VIEWER, .flags = HTTP_OPEN_REPLY, .body = &ExportIn, .answer = {{200}},
     .errors = "400", .handle = post_export},
    {0},
};

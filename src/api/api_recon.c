/* SPDX-License-Identifier: Apache-2.0
 *
 * The month and its reconciliations under /api/v1/stock (api.md 21.3). */
#include <string.h>

#include "api/api.h"
#include "api/rows.h"
#include "inventory/json.h"
#include "inventory/ledger.h"
#include "inventory/month.h"
#include "inventory/webhooks.h"

#define ID     .min = 1, .max = INT32_MAX
#define XLSX   "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#define CAUSES "theft|unrecorded_death|unrecorded_sale|count_error|csv_error|timing|other"
#define FLAGS  "mixed_location|surplus|unexplained_loss|crop_changed|baseline"
#define STATES "draft|posted|accepted|disputed|void"

/* ---- shapes ------------------------------------------------------------------------------- */

static const struct http_field month_sums[] = {{"plantado", HTTP_INT},
                                               {"trasplante_in", HTTP_INT},
                                               {"trasplante_out", HTTP_INT},
                                               {"muerte", HTTP_INT},
                                               {"ajuste", HTTP_INT},
                                               {"ventas_logged", HTTP_INT},
                                               {"ventas_calculated", HTTP_INT},
                                               {"losses", HTTP_INT},
                                               {"surplus", HTTP_INT},
                                               {NULL}};
static const struct http_schema MonthSums = {NULL, month_sums};
static const struct http_field uncounted[] = {
    {"id", HTTP_INT}, {"code", HTTP_STR}, {"last_counted_at", HTTP_INSTANT, HTTP_NULL}, {NULL}};
static const struct http_schema Uncounted = {NULL, uncounted};
static const struct http_field month_line[] = {{"product_id", HTTP_INT},
                                               {"product_sku", HTTP_STR},
                                               {"product_name", HTTP_STR},
                                               {"packaging_catalog_id", HTTP_INT, HTTP_NULL},
                                               {"packaging_sku", HTTP_STR, HTTP_NULL},
                                               {"opening_count", HTTP_INT},
                                               {"counted", HTTP_INT},
                                               {"movements_summary", HTTP_OBJ, .of = &MonthSums},
                                               {"closing_count", HTTP_INT},
                                               {NULL}};
static const struct http_schema MonthLine = {NULL, month_line};
static const struct http_field month_out[] = {
    {"year", HTTP_INT},
    {"month", HTTP_INT},
    {"period_start", HTTP_INSTANT},
    {"period_end", HTTP_INSTANT},
    {"opening_count", HTTP_INT, HTTP_NULL},
    {"movements_summary", HTTP_OBJ, .of = &MonthSums},
    {"closing_count", HTTP_INT, HTTP_NULL},
    {"calculated_sales", HTTP_INT},
    {"flags", HTTP_MAP},
    {"uncounted_locations", HTTP_OBJ, HTTP_LIST, .of = &Uncounted},
    {"lines", HTTP_OBJ, HTTP_LIST, .of = &MonthLine},
    {"generated_at", HTTP_INSTANT},
    {NULL}};
static const struct http_schema MonthReport = {"MonthReport", month_out};

static const struct http_field recon[] = {{"id", HTTP_INT},
                                          {"storage_location_id", HTTP_INT},
                                          {"storage_location_code", HTTP_STR},
                                          {"session_id", HTTP_UUID, HTTP_NULL},
                                          {"counted_at", HTTP_INSTANT},
                                          {"accounting_month", HTTP_STR},
                                          {"status", HTTP_STR, .one_of = STATES},
                                          {"expected_total", HTTP_INT},
                                          {"observed_total", HTTP_INT},
                                          {"sales_total", HTTP_INT},
                                          {"loss_total", HTTP_INT},
                                          {"surplus_total", HTTP_INT},
                                          {"flags", HTTP_STR, HTTP_LIST, .one_of = FLAGS},
                                          {"cause", HTTP_STR, HTTP_NULL, .one_of = CAUSES},
                                          {"note", HTTP_STR, HTTP_NULL},
                                          {"reviewed_by", HTTP_INT, HTTP_NULL},
                                          {"reviewed_at", HTTP_INSTANT, HTTP_NULL},
                                          {NULL}};
static const struct http_schema Recon = {"Recon", recon};
static const struct http_field recon_line[] = {
    {"product_id", HTTP_INT},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL},
    {"line_group", HTTP_STR, .one_of = "sellable|nursery"},
    {"outcome", HTTP_STR, .one_of = "match|sale|loss|surplus|baseline"},
    {"opening", HTTP_INT},
    {"planted", HTTP_INT},
    {"transfer_in", HTTP_INT},
    {"transfer_out", HTTP_INT},
    {"deaths", HTTP_INT},
    {"logged_sales", HTTP_INT},
    {"adjustments", HTTP_INT},
    {"expected", HTTP_INT},
    {"observed", HTTP_INT},
    {"difference", HTTP_INT},
    {"unit_price", HTTP_INT, HTTP_NULL},
    {NULL}};
static const struct http_schema ReconLine = {"ReconLine", recon_line};
static const struct http_field recon_detail[] = {{"lines", HTTP_OBJ, HTTP_LIST, .of = &ReconLine},
                                                 {NULL}};
static const struct http_schema ReconDetail = {"ReconDetail", recon_detail, &Recon};
static const struct http_field recon_moved[] = {{"movement_ids", HTTP_UUID, HTTP_LIST}, {NULL}};
static const struct http_schema ReconMoved = {"ReconReclassified", recon_moved, &Recon};

static const struct http_field accept_in[] = {{"note", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
                                              {NULL}};
static const struct http_schema AcceptIn = {"ReconAccept", accept_in};
static const struct http_field dispute_in[] = {{"cause", HTTP_STR, HTTP_REQ, .one_of = CAUSES},
                                               {"note", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
                                               {NULL}};
static const struct http_schema DisputeIn = {"ReconDispute", dispute_in};
static const struct http_field reclassify_in[] = {
    {"product_id", HTTP_INT, HTTP_REQ, ID},
    {"packaging_catalog_id", HTTP_INT, HTTP_NULL, ID},
    {"line_group", HTTP_STR, .one_of = "sellable|nursery", .fallback = "\"sellable\""},
    {"quantity", HTTP_INT, HTTP_REQ, .min = 1, .max = 1000000},
    {"from", HTTP_STR, HTTP_REQ, .one_of = "ventas|muerte|ajuste"},
    {"to", HTTP_STR, HTTP_REQ, .one_of = "ventas|muerte|ajuste"},
    {"reason", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 5, .max = 2000},
    {NULL}};
static const struct http_schema ReclassifyIn = {"ReconReclassify", reclassify_in};

static const struct http_field month_query[] = {
    {"year", HTTP_INT, HTTP_REQ, .min = 2020, .max = 2100},
    {"month", HTTP_INT, HTTP_REQ, .min = 1, .max = 12},
    {"warehouse_id", HTTP_INT, ID},
    {"storage_location_id", HTTP_INT, ID},
    {"bom", HTTP_BOOL, .about = "files only: byte order mark"},
    {"metadata", HTTP_BOOL, .about = "files only: lines that say what was asked"},
    {NULL}};
static const struct http_field recon_query[] = {
    {"month", HTTP_STR, .pattern = "20[0-9]{2}-(0[1-9]|1[0-2])"},
    {"status", HTTP_STR, .one_of = STATES},
    {"storage_location_id", HTTP_INT, ID},
    {"warehouse_id", HTTP_INT, ID},
    {"flag", HTTP_STR, .one_of = FLAGS},
    {NULL}};

/* ---- the month ---------------------------------------------------------------------------- */

static int report(struct http_request *r, struct month_report *ret, struct dm_err *e)
{
    const struct month_ask ask = {.year = (int)http_int(r->query, "year", 0),
                                  .month = (int)http_int(r->query, "month", 0),
                                  .warehouse_id = http_int(r->query, "warehouse_id", 0),
                                  .location_id = http_int(r->query, "storage_location_id", 0)};
    return month_report(api_ctx(r), &ask, r->arena, ret, e);
}

static json_t *sums(const struct month_sums *s)
{
    const struct {
        const char *name;
        int64_t n;
    } figures[] = {{"plantado", s->planted},
                   {"trasplante_in", s->transfer_in},
                   {"trasplante_out", s->transfer_out},
                   {"muerte", s->deaths},
                   {"ajuste", s->adjustments},
                   {"ventas_logged", s->sales_logged},
                   {"ventas_calculated", s->sales_calculated},
                   {"losses", s->losses},
                   {"surplus", s->surplus}};
    json_t *out = json_object();
    for (size_t i = 0; i < DM_COUNT(figures); i++) {
        (void)json_object_set_new(out, figures[i].name, json_integer(figures[i].n));
    }
    return out;
}

static json_t *line_of(const struct month_line *l)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:I}", "product_id",
                     (json_int_t)l->product_id, "product_sku", l->product_sku, "product_name",
                     l->product_name, "packaging_catalog_id", api_ref(l->packaging_id),
                     "packaging_sku", api_text(l->packaging_sku), "opening_count",
                     (json_int_t)l->s.opening, "counted", (json_int_t)l->s.counted,
                     "movements_summary", sums(&l->s), "closing_count", (json_int_t)l->s.closing);
}

static int get_month(struct http_request *r, struct dm_err *e)
{
    struct month_report m;
    DM_TRY(report(r, &m, e));
    json_t *flags = json_object();
    json_t *places = json_array();
    json_t *lines = json_array();
    json_t *out;
    for (size_t i = 0; i < m.n_flag; i++) {
        (void)json_object_set_new(flags, m.flag[i].name, json_integer(m.flag[i].n));
    }
    for (size_t i = 0; i < m.n_uncounted; i++) {
        (void)json_array_append_new(places, json_pack("{s:I, s:s, s:o}", "id",
                                                      (json_int_t)m.uncounted[i].id, "code",
                                                      m.uncounted[i].code, "last_counted_at",
                                                      api_instant(m.uncounted[i].last_counted_at)));
    }
    for (size_t i = 0; i < m.n_line; i++) {
        (void)json_array_append_new(lines, line_of(&m.line[i]));
    }
    DM_TRY(api_json(json_pack("{s:i, s:i, s:o, s:o, s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
                              "year", m.ask.year, "month", m.ask.month, "period_start",
                              api_instant(m.start_ms), "period_end", api_instant(m.end_ms),
                              "opening_count", (json_int_t)m.total.opening, "movements_summary",
                              sums(&m.total), "closing_count", (json_int_t)m.total.closing,
                              "calculated_sales", (json_int_t)m.total.sales_calculated, "flags",
                              flags, "uncounted_locations", places, "lines", lines, "generated_at",
                              api_instant(api_ctx(r)->now_ms)),
                    &out, e));
    return http_reply_json(r, 200, out, e);
}

static int export_month(struct http_request *r, struct dm_err *e)
{
    struct month_report m;
    struct sheet *s;
    DM_TRY(inv_permit(api_ctx(r), INV_DO_EXPORT, e));
    DM_TRY(report(r, &m, e));
    DM_TRY(month_sheet(api_ctx(r), &m, r->arena, &s, e));
    return rows_reply_sheet(r, s, NULL, e);
}

/* ---- reconciliations ---------------------------------------------------------------------- */

static int list_recon_rows(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_recons, e);
}

static int recon_id(const struct http_request *r)
{
    return (int)http_int(r->path, "id", 0);
}

static int get_recon(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    json_t *lines;
    const struct list_value of = {"reconciliation_id", store_i(recon_id(r))};
    const struct list_ask ask = {.value = &of, .n_value = 1};
    DM_TRY(list_one(api_ctx(r), &list_recons, "id", of.v, &out, e));
    DM_TRY(list_rows(api_ctx(r), &list_recon_lines, &ask, &lines, NULL, e));
    DM_TRY(inv_json_set(out, "lines", lines, e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

static int review(struct http_request *r, bool accept, struct dm_err *e)
{
    DM_TRY(ledger_review(api_ctx(r), recon_id(r), accept, http_str(r->body, "cause"),
                         http_str(r->body, "note"), e));
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    DM_TRY(list_one(api_ctx(r), &list_recons, "id", store_i(recon_id(r)), &out, e));
    DM_TRY(webhooks_tell(api_ctx(r), "reconciliation.reviewed", out, e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

static int post_accept(struct http_request *r, struct dm_err *e)
{
    return review(r, true, e);
}

static int post_dispute(struct http_request *r, struct dm_err *e)
{
    return review(r, false, e);
}

static int post_reclassify(struct http_request *r, struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    struct ledger_result x;
    DM_CLEANUP(inv_json_freep) json_t *out = NULL;
    struct ledger_reclassify m = {.uuid = uuid,
                                  .reconciliation_id = recon_id(r),
                                  .product_id = http_int(r->body, "product_id", 0),
                                  .packaging_id = http_int(r->body, "packaging_catalog_id", 0),
                                  .nursery =
                                      strcmp(http_str(r->body, "line_group"), "nursery") == 0,
                                  .quantity = http_int(r->body, "quantity", 0),
                                  .reason = http_str(r->body, "reason")};
    if (!ledger_type_parse(http_str(r->body, "from"), &m.from) ||
        !ledger_type_parse(http_str(r->body, "to"), &m.to)) {
        DM_FAIL(e, INV_VALIDATION, "no such movement");
    }
    store_uuid_new(uuid);
    DM_TRY(ledger_reclassify(api_ctx(r), &m, r->arena, &x, e));
    DM_TRY(list_one(api_ctx(r), &list_recons, "id", store_i(recon_id(r)), &out, e));
    json_t *ids = json_array();
    for (size_t i = 0; i < x.n_row; i++) {
        (void)json_array_append_new(ids, json_string(x.row[i].uuid));
    }
    DM_TRY(inv_json_set(out, "movement_ids", ids, e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

#define BASE "/api/v1/stock"
#define EXPORT(ending, media)                                                                      \
    {                                                                                              \
        HTTP_GET, BASE "/reconciliation/export." ending, "export_month_" ending, "reconciliation", \
            "The month as a file", .role = API_VIEWER, .flags = HTTP_OPEN_REPLY,                   \
                                   .query = month_query, .answer = {{200, .type = media}},         \
                                   .handle = export_month                                          \
    }
#define REVIEW(verb, name, text, more, in, out, failures, handler)                                 \
    {                                                                                              \
        HTTP_POST, BASE "/reconciliations/{id}/" verb, name, "reconciliation", text,               \
            .role = API_SUPERVISOR, .flags = (more), .body = &(in), .answer = {{200, &(out)}},     \
            .errors = (failures), .handle = (handler)                                              \
    }

const struct http_route recon_routes[] = {
    {HTTP_GET, BASE "/reconciliation", "month_report", "reconciliation", "The month in figures",
     .role = API_VIEWER, .query = month_query, .answer = {{200, &MonthReport}},
     .handle = get_month},
    EXPORT("csv", "text/csv"),
    EXPORT("xlsx", XLSX),
    EXPORT("pdf", "application/pdf"),
    {HTTP_GET, BASE "/reconciliations", "list_reconciliations", "reconciliation",
     "Counts that closed a period", .role = API_SUPERVISOR, .flags = HTTP_PAGED,
     .query = recon_query, .answer = {{200, &Recon, true}}, .handle = list_recon_rows},
    {HTTP_GET, BASE "/reconciliations/{id}", "get_reconciliation", "reconciliation",
     "One reconciliation with its lines", .role = API_SUPERVISOR, .answer = {{200, &ReconDetail}},
     .errors = "404", .handle = get_recon},
    REVIEW("accept", "accept_reconciliation", "Accept", HTTP_BODY_OPTIONAL, AcceptIn, Recon,
           "404 409", post_accept),
    REVIEW("dispute", "dispute_reconciliation", "Dispute", 0, DisputeIn, Recon, "404 409",
           post_dispute),
    REVIEW("reclassify", "reclassify_reconciliation", "Turn a sale or loss into another", 0,
           ReclassifyIn, ReconMoved, "400 404 409", post_reclassify),
    {0},
};

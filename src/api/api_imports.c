/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/imports: loading maps and tables (api.md section 19). Every file is read within its
 * request: one transaction of a few seconds for the largest that is allowed, so that there is no
 * half-loaded state to poll for. */
#include "inventory/import.h"

#include <string.h>
#include <unistd.h>

#include "api/resource.h"
#include "api/rows.h"
#include "inventory/json.h"

enum { BODY_MAX = 51 << 20 }; /* the file's 50 MiB and the fields beside it */

/* ---- shapes ---------------------------------------------------------------------------------- */

static const struct http_field row_fields[] = {
    {"line", HTTP_INT},
    {"action", HTTP_STR, .one_of = "create|update|skip|error"},
    {"key", HTTP_STR, HTTP_NULL},
    {"code", HTTP_STR, HTTP_NULL},
    {"column", HTTP_STR, HTTP_NULL},
    {"message", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema ImportRow = {NULL, row_fields};
static const struct http_field report_fields[] = {
    {"import_id", HTTP_UUID},
    {"kind", HTTP_STR, .example = "\"price_list\""},
    {"dry_run", HTTP_BOOL},
    {"total", HTTP_INT},
    {"created", HTTP_INT},
    {"updated", HTTP_INT},
    {"skipped", HTTP_INT},
    {"failed", HTTP_INT},
    {"rows", HTTP_OBJ, HTTP_LIST, .of = &ImportRow},
    {"counts", HTTP_MAP},
    {"duration_ms", HTTP_INT},
    {NULL},
};
static const struct http_schema ImportReport = {"ImportReport", report_fields};

static const struct http_field past_fields[] = {
    {"import_id", HTTP_UUID},
    {"kind", HTTP_STR},
    {"file_name", HTTP_STR, HTTP_NULL},
    {"created", HTTP_INT},
    {"updated", HTTP_INT},
    {"skipped", HTTP_INT},
    {"failed", HTTP_INT},
    {"user_id", HTTP_INT},
    {"undone_at", HTTP_INSTANT, HTTP_NULL},
    {"created_at", HTTP_INSTANT},
    {NULL},
};
static const struct http_schema PastImport = {"PastImport", past_fields};

static const struct http_field undone_fields[] = {
    {"import_id", HTTP_UUID}, {"undone_rows", HTTP_INT}, {NULL}};
static const struct http_schema Undone = {"ImportUndone", undone_fields};

/* ---- parameters ------------------------------------------------------------------------------ */

#define KINDS                                                                                      \
    "price_list|product_categories|product_families|products|packaging|density_params|stock|"      \
    "locations"
#define FILE_FIELDS                                                                                \
    {"file", HTTP_FILE, HTTP_REQ, .about = "at most 50 MiB"},                                      \
        {"dry_run", HTTP_BOOL, .fallback = "false", .about = "true: report, write nothing"},       \
    {                                                                                              \
        "mode", HTTP_STR, .one_of = "skip|upsert", .fallback = "\"skip\"",                         \
                          .about = "upsert: rows that exist and differ are changed"                \
    }

static const struct http_field map_form[] = {
    FILE_FIELDS,
    {"level", HTTP_STR, HTTP_REQ, .one_of = "warehouse|area|location|auto"},
    {"default_warehouse_type", HTTP_STR, .one_of = "greenhouse|shadehouse|open_field|tunnel",
     .fallback = "\"greenhouse\""},
    {NULL},
};
static const struct http_field csv_form[] = {
    FILE_FIELDS,
    {"kind", HTTP_STR, HTTP_REQ, .one_of = KINDS},
    {"delimiter", HTTP_STR, .one_of = ",|;|auto", .fallback = "\"auto\""},
    {"encoding", HTTP_STR, .one_of = "utf-8|latin-1|auto", .fallback = "\"auto\""},
    {"mapping", HTTP_STR, .max = 10000, .about = "JSON object: header in the file to column",
     .example = "\"{\\\"Especie\\\": \\\"common_name\\\"}\""},
    {NULL},
};

static const struct http_field id_path[] = {{"import_id", HTTP_UUID, HTTP_REQ}, {NULL}};
static const struct http_field template_path[] = {
    {"file", HTTP_STR, HTTP_REQ,
     .one_of = "price_list.csv|product_categories.csv|product_families.csv|products.csv|"
               "packaging.csv|density_params.csv|stock.csv|locations.csv",
     .example = "\"price_list.csv\""},
    {NULL},
};
static const struct http_field past_query[] = {{"kind", HTTP_STR, .one_of = "map|" KINDS}, {NULL}};

/* ---- handlers -------------------------------------------------------------------------------- */

static int read_text(struct http_request *r, const struct http_file *f, char **ret,
                     struct dm_err *e)
{
    char *text = dm_arena_alloc(r->arena, (size_t)f->bytes + 1);
    size_t n = 0;
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a file");
    }
    while (n < (size_t)f->bytes) {
        const ssize_t got = pread(f->fd, text + n, (size_t)f->bytes - n, (off_t)n);
        if (got <= 0) {
            DM_FAIL(e, DM_EIO, "a file that came cannot be read");
        }
        n += (size_t)got;
    }
    *ret = text;
    return DM_OK;
}

static int run(struct http_request *r, struct import_options *o, struct dm_err *e)
{
    const struct http_file *f = &r->file[0];
    struct import_result result = {0};
    char *text = NULL;
    if (f->refused.code) {
        *e = f->refused;
        return e->code;
    }
    DM_TRY(read_text(r, f, &text, e));
    o->file_name = f->filename;
    o->dry_run = http_bool(r->form, "dry_run", false);
    o->update = !strcmp(http_str(r->form, "mode"), "upsert");
    const int code = import_run(api_ctx(r), o, text, (size_t)f->bytes, &result, e);
    if (code == DM_EBADINPUT) {
        e->code = API_ERULE;
        return API_ERULE;
    }
    DM_TRY(resource_refused(code, e));
    return http_reply_json(r, 200, result.report, e);
}

static int word_index(const char *const *words, const char *word)
{
    int i = 0;
    while (words[i] && strcmp(words[i], word) != 0) {
        i++;
    }
    return i;
}

static int import_geojson(struct http_request *r, struct dm_err *e)
{
    struct import_options o = {
        .kind = IMPORT_MAP,
        .level = (enum import_level)word_index(import_level_names, http_str(r->form, "level")),
        .warehouse_type = http_str(r->form, "default_warehouse_type"),
    };
    return run(r, &o, e);
}

/* Column names of a mapping. INV_VALIDATION: it is not an object of texts. */
static int read_mapping(const struct http_request *r, json_t **ret, struct dm_err *e)
{
    const char *text = http_str(r->form, "mapping");
    const char *name;
    json_t *value;
    *ret = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool good = !text || json_is_object(*ret);
    json_object_foreach(*ret, name, value)
    {
        good = good && json_is_string(value);
    }
    if (!good) {
        json_decref(*ret);
        *ret = NULL;
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "mapping")),
                  "mapping: a JSON object of texts is needed");
    }
    return DM_OK;
}

static int import_csv(struct http_request *r, struct dm_err *e)
{
    const char *delimiter = http_str(r->form, "delimiter");
    const char *encoding = http_str(r->form, "encoding");
    DM_CLEANUP(inv_json_freep) json_t *mapping = NULL;
    DM_TRY(read_mapping(r, &mapping, e));
    struct import_options o = {
        .kind = (enum import_kind)word_index(import_kind_names, http_str(r->form, "kind")),
        .delimiter = strcmp(delimiter, "auto") != 0 ? *delimiter : '\0',
        .encoding = (enum import_encoding)word_index(import_encoding_names, encoding),
        .mapping = mapping,
    };
    return run(r, &o, e);
}

static int get_template(struct http_request *r, struct dm_err *e)
{
    const char *file = http_str(r->path, "file");
    char kind[40];
    (void)snprintf(kind, sizeof(kind), "%.*s", (int)(strlen(file) - strlen(".csv")), file);
    const char *text = import_template((enum import_kind)word_index(import_kind_names, kind));
    return http_reply_bytes(r, 200, "text/csv; charset=utf-8", file, text, strlen(text), e);
}

static int list_past(struct http_request *r, struct dm_err *e)
{
    return rows_reply(r, &list_imports, e);
}

static int get_past(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    const char *id = http_str(r->path, "import_id");
    DM_TRY(list_one(api_ctx(r), &list_import_reports, "import_id", store_u(id), &row, e));
    json_t *report = json_incref(json_object_get(row, "report"));
    return http_reply_json(r, 200, report, e);
}

static int undo_past(struct http_request *r, struct dm_err *e)
{
    const char *id = http_str(r->path, "import_id");
    int64_t n;
    json_t *o;
    DM_TRY(import_undo(api_ctx(r), id, &n, e));
    DM_TRY(api_json(json_pack("{s:s, s:I}", "import_id", id, "undone_rows", (json_int_t)n), &o, e));
    return http_reply_json(r, 200, o, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

// clang-format off
const struct http_route import_routes[] = {
    {HTTP_POST, "/api/v1/imports/geojson", "import_geojson", "imports", "Load a map", .role = API_ADMIN,
     .form = map_form, .body_max = BODY_MAX, .answer = {{200, &ImportReport}}, .errors = "400 413",
     .handle = import_geojson},
    {HTTP_POST, "/api/v1/imports/csv", "import_csv", "imports", "Load a table", .role = API_ADMIN,
     .form = csv_form, .body_max = BODY_MAX, .answer = {{200, &ImportReport}}, .errors = "400 413",
     .handle = import_csv},
    {HTTP_GET, "/api/v1/imports/templates/{file}", "get_import_template", "imports", "A table to begin with",
     .role = API_ADMIN, .flags = HTTP_OPEN_REPLY, .params = template_path, .answer = {{200, .type = "text/csv"}},
     .handle = get_template},
    {HTTP_GET, "/api/v1/imports", "list_imports", "imports", "Files that were loaded, newest first",
     .role = API_ADMIN, .flags = HTTP_PAGED, .query = past_query, .answer = {{200, &PastImport, true}},
     .handle = list_past},
    {HTTP_GET, "/api/v1/imports/{import_id}", "get_import", "imports", "The report of a file", .role = API_ADMIN,
     .params = id_path, .answer = {{200, &ImportReport}}, .errors = "404", .handle = get_past},
    {HTTP_POST, "/api/v1/imports/{import_id}/undo", "undo_import", "imports", "Take back what a file wrote",
     .role = API_ADMIN, .flags = HTTP_BODY_OPTIONAL, .params = id_path, .answer = {{200, &Undone}},
     .errors = "404 409", .handle = undo_past},
    {0},
};
// clang-format on

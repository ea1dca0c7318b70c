/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter import: the map, the price list, tables of the catalogue, the stock; what was loaded;
 * taking it back. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/import.h"

struct import_flags {
    bool dry_run, json, update;
    int32_t level, warehouse_type, delimiter, encoding;
    const char *headers;
};

#define AT(field) DM_OPT_AT(struct import_flags, field)

static const char *const delimiter_names[] = {"auto", "comma", "semicolon", "tab", NULL};
static const char delimiters[] = {'\0', ',', ';', '\t'};
static const char *const warehouse_types[] = {"greenhouse", "shadehouse", "open_field", "tunnel",
                                              NULL};

// clang-format off
#define DRY_RUN {.name = "dry_run", .type = DM_OPT_BOOL, .offset = AT(dry_run), .def = "false", \
     .help = "only show what would be written"}
#define JSON {.name = "json", .type = DM_OPT_BOOL, .offset = AT(json), .def = "false", \
     .help = "print NDJSON, one object a line"}
#define UPDATE {.name = "update", .type = DM_OPT_BOOL, .offset = AT(update), .def = "false", \
     .help = "change rows that exist with other values, instead of leaving them"}

static const struct dm_opt price_flags[] = {DRY_RUN, JSON, UPDATE};
static const struct dm_opt table_flags[] = {
    {.name = "delimiter", .type = DM_OPT_ENUM, .offset = AT(delimiter), .def = "auto",
     .choices = delimiter_names, .help = "what stands between cells"},
    DRY_RUN,
    {.name = "encoding", .type = DM_OPT_ENUM, .offset = AT(encoding), .def = "auto",
     .choices = import_encoding_names, .help = "letters of the file"},
    {.name = "headers", .type = DM_OPT_STR, .offset = AT(headers), .def = "",
     .unit = "HEADER=COLUMN,...", .help = "headers of the file that go by other names"},
    JSON, UPDATE,
};
static const struct dm_opt map_flags[] = {
    DRY_RUN, JSON,
    {.name = "level", .type = DM_OPT_ENUM, .offset = AT(level), .def = "auto",
     .choices = import_level_names, .help = "what the features are; auto goes by their properties"},
    UPDATE,
    {.name = "warehouse_type", .type = DM_OPT_ENUM, .offset = AT(warehouse_type),
     .def = "greenhouse", .choices = warehouse_types,
     .help = "type of new warehouses whose name does not say it"},
};
static const struct dm_opt list_flags[] = {JSON};

static const struct cmd_example map_examples[] = {
    {"demeter import map naves.geojson canteros.geojson claros.geojson", MSG_IMPORT_MAP_EXAMPLE},
    {0},
};
static const struct cmd_example price_examples[] = {
    {"demeter import price_list lista.csv --dry-run", MSG_IMPORT_PRICE_EXAMPLE_DRY},
    {"demeter import price_list lista.csv --update", MSG_IMPORT_PRICE_EXAMPLE_UPDATE},
    {0},
};
static const struct cmd_example product_examples[] = {
    {"demeter import products catalogo.csv", MSG_IMPORT_PRODUCTS_EXAMPLE},
    {0},
};
static const struct cmd_example template_examples[] = {
    {"demeter import template stock", MSG_IMPORT_TEMPLATE_EXAMPLE},
    {0},
};
static const struct cmd_example list_examples[] = {
    {"demeter import list", MSG_IMPORT_LIST_EXAMPLE},
    {0},
};
static const struct cmd_example undo_examples[] = {
    {"demeter import undo 4f6d0c52-6f0e-4b3e-9d4b-0a4f3c1f8a11", MSG_IMPORT_UNDO_EXAMPLE},
    {0},
};
// clang-format on

static int print_json(struct cmd_run *r, const json_t *value, struct dm_err *e)
{
    if (json_dumpf(value, r->out, JSON_COMPACT) < 0) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    (void)fputc('\n', r->out);
    return DM_OK;
}

static const char *integer(struct cmd_run *r, int64_t n)
{
    return lang_integer(&r->arena, r->lang, n);
}

static const char *text_of(struct cmd_run *r, const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    text = text ? dm_text_clean(text, DM_TEXT_TERMINAL, &r->arena) : NULL;
    return text ? text : "";
}

/* ---- loading --------------------------------------------------------------------------------- */

static const char *action_word(struct cmd_run *r, const char *action)
{
    if (!strcmp(action, "create")) {
        return T(r, IMPORT_CREATE);
    }
    if (!strcmp(action, "update")) {
        return T(r, IMPORT_UPDATE);
    }
    return strcmp(action, "error") ? T(r, IMPORT_SKIP) : T(r, IMPORT_ERROR);
}

/* Rows that need somebody's eye; all of them when nothing is written or --verbose. */
static void print_rows(struct cmd_run *r, const json_t *report)
{
    const struct import_flags *f = r->flags;
    const json_t *rows = json_object_get(report, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *action = text_of(r, row, "action");
        const char *message = text_of(r, row, "message");
        if (!strcmp(action, "error") || *message || f->dry_run || r->general.verbose) {
            (void)fprintf(
                r->out, "%6" PRId64 "  %-10s %-24s %s%s%s\n",
                (int64_t)json_integer_value(json_object_get(row, "line")), action_word(r, action),
                *text_of(r, row, "code") ? text_of(r, row, "code") : text_of(r, row, "key"),
                text_of(r, row, "column"), *text_of(r, row, "column") ? ": " : "", message);
        }
    }
}

static int print_report(struct cmd_run *r, const char *path, const struct import_result *result,
                        struct dm_err *e)
{
    const struct import_flags *f = r->flags;
    if (f->json) {
        json_t *rows = json_object_get(result->report, "rows");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            DM_TRY(print_json(r, json_array_get(rows, i), e));
        }
        (void)json_object_del(result->report, "rows");
        return print_json(r, result->report, e);
    }
    print_rows(r, result->report);
    (void)fprintf(r->out, "%s\n",
                  TF(r, IMPORT_COUNTS, dm_text_clean(path, DM_TEXT_TERMINAL, &r->arena),
                     integer(r, result->created), integer(r, result->updated),
                     integer(r, result->skipped), integer(r, result->failed)));
    if (f->dry_run) {
        (void)fprintf(r->out, "%s\n", T(r, IMPORT_NOTHING_WRITTEN));
    } else if (result->created + result->updated > 0) {
        (void)fprintf(r->out, "%s\n", TF(r, IMPORT_UNDO_HINT, result->uuid));
    }
    return DM_OK;
}

static int load_file(struct cmd_run *r, struct books *b, struct import_options *o, const char *path,
                     int64_t *failed, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_CSV_BYTES);
    struct import_result result = {0};
    DM_TRY(dm_buf_read_file(&text, path, e));
    o->file_name = dm_path_base(path);
    const int code = import_run(&b->ctx, o, dm_buf_str(&text), text.len, &result, e);
    if (code < 0) {
        (void)dm_err_context(e, "%s", path);
        return code;
    }
    *failed += result.failed;
    const int printed = print_report(r, path, &result, e);
    json_decref(result.report);
    return printed;
}

DM_UNUSED static inline void json_freep(json_t **p)
{
    json_decref(*p);
}

/* "Clase=type_code,Alto=height_cm" as an object; NULL when nothing is said. */
static int read_headers(const struct import_flags *f, json_t **ret, struct dm_err *e)
{
    char text[1000];
    char *rest = text;
    if (!f->headers || !*f->headers) {
        return DM_OK;
    }
    json_t *mapping = json_object();
    (void)snprintf(text, sizeof(text), "%s", f->headers);
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        char *equals = strchr(word, '=');
        if (!equals || strlen(f->headers) >= sizeof(text)) {
            json_decref(mapping);
            DM_FAIL(e, DM_EUSAGE, "--headers: '%.60s' is not HEADER=COLUMN", word);
        }
        *equals = '\0';
        if (json_object_set_new(mapping, word, json_string(equals + 1))) {
            json_decref(mapping);
            DM_FAIL(e, DM_ENOMEM, "no memory for the headers");
        }
    }
    *ret = mapping;
    return DM_OK;
}

static int load(struct cmd_run *r, enum import_kind kind, struct dm_err *e)
{
    const struct import_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    DM_CLEANUP(json_freep) json_t *mapping = NULL;
    DM_TRY(read_headers(f, &mapping, e));
    struct import_options o = {.kind = kind,
                               .dry_run = f->dry_run,
                               .update = f->update,
                               .delimiter = delimiters[f->delimiter],
                               .encoding = (enum import_encoding)f->encoding,
                               .mapping = mapping,
                               .level = (enum import_level)f->level,
                               .warehouse_type = warehouse_types[f->warehouse_type]};
    int64_t failed = 0;
    DM_TRY(books_open(r, &b, e));
    for (size_t i = 0; i < r->n_args; i++) {
        DM_TRY(load_file(r, &b, &o, r->args[i], &failed, e));
    }
    return failed > 0 ? 6 : 0;
}

static int map_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_MAP, e);
}

static int price_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_PRICE_LIST, e);
}

static int products_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_PRODUCTS, e);
}

static int categories_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_CATEGORIES, e);
}

static int families_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_FAMILIES, e);
}

static int packaging_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_PACKAGING, e);
}

static int locations_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_LOCATIONS, e);
}

static int density_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_DENSITY, e);
}

static int stock_run(struct cmd_run *r, struct dm_err *e)
{
    return load(r, IMPORT_STOCK, e);
}

static int template_run(struct cmd_run *r, struct dm_err *e)
{
    for (enum import_kind kind = 0; kind < IMPORT_KIND_MAX_; kind++) {
        if (import_template(kind) && !strcmp(r->args[0], import_kind_names[kind])) {
            (void)fputs(import_template(kind), r->out);
            return 0;
        }
    }
    DM_FAIL(e, DM_EUSAGE, "there is no table '%.40s'", r->args[0]);
}

/* ---- what was loaded ------------------------------------------------------------------------- */

static int list_run(struct cmd_run *r, struct dm_err *e)
{
    enum { SHOWN = 100 };
    const struct import_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    json_t *rows = NULL;
    int code = books_open(r, &b, e);
    code = code < 0 ? code : import_list(&b.ctx, SHOWN, &rows, e);
    for (size_t i = 0; code >= 0 && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (f->json) {
            code = print_json(r, row, e);
            continue;
        }
        (void)fprintf(r->out, "%s  %.16s  %-12s %s%s%s\n", text_of(r, row, "import_id"),
                      text_of(r, row, "created_at"), text_of(r, row, "kind"),
                      text_of(r, row, "file_name"), *text_of(r, row, "undone_at") ? "  " : "",
                      *text_of(r, row, "undone_at") ? T(r, IMPORT_UNDONE_MARK) : "");
    }
    json_decref(rows);
    return code < 0 ? code : 0;
}

static int undo_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(books_close) struct books b = {0};
    int64_t rows = 0;
    DM_TRY(books_open(r, &b, e));
    DM_TRY(import_undo(&b.ctx, r->args[0], &rows, e));
    (void)fprintf(r->out, "%s\n", TN(r, IMPORT_UNDONE, rows));
    return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define FLAGS(table)                                                                               \
    .flags = (table), .n_flags = DM_COUNT(table), .flags_size = sizeof(struct import_flags)

static const struct cmd import_list_cmd = {
    .name = "list",
    .operands = "",
    .summary = MSG_IMPORT_LIST_SUMMARY,
    .about = MSG_EMPTY,
    FLAGS(list_flags),
    .examples = list_examples,
    .run = list_run,
};
static const struct cmd import_map_cmd = {
    .name = "map",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_IMPORT_MAP_SUMMARY,
    .about = MSG_IMPORT_MAP_ABOUT,
    FLAGS(map_flags),
    .examples = map_examples,
    .run = map_run,
};
static const struct cmd import_price_cmd = {
    .name = "price_list",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_IMPORT_PRICE_SUMMARY,
    .about = MSG_IMPORT_PRICE_ABOUT,
    FLAGS(price_flags),
    .examples = price_examples,
    .run = price_run,
};
static const struct cmd import_products_cmd = {
    .name = "products",
    .operands = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_IMPORT_PRODUCTS_SUMMARY,
    .about = MSG_IMPORT_PRODUCTS_ABOUT,
    FLAGS(table_flags),
    .examples = product_examples,
    .run = products_run,
};
static const struct cmd import_undo_cmd = {
    .name = "undo",
    .operands = "ID",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_IMPORT_UNDO_SUMMARY,
    .about = MSG_IMPORT_UNDO_ABOUT,
    .examples = undo_examples,
    .run = undo_run,
};
#define TABLE_EXAMPLES(kind)                                                                       \
    ((const struct cmd_example[]){                                                                 \
        {"demeter import " kind " tabla.csv --dry-run", MSG_IMPORT_TABLE_EXAMPLE},                 \
        {"demeter import " kind " tabla.csv --headers Notas=notes", MSG_IMPORT_TABLE_EXAMPLE_MAP}, \
        {0},                                                                                       \
    })
#define TABLE(kind, summary_, about_, run_)                                                        \
    {                                                                                              \
        .name = kind, .operands = "FILE...", .min_args = 1, .max_args = -1, .summary = (summary_), \
        .about = (about_), FLAGS(table_flags), .examples = TABLE_EXAMPLES(kind), .run = (run_)     \
    }
// clang-format off
static const struct cmd import_table_cmds[] = {
    TABLE("density_params", MSG_IMPORT_DENSITY_SUMMARY, MSG_IMPORT_TABLE_ABOUT, density_run),
    TABLE("locations", MSG_IMPORT_LOCATIONS_SUMMARY, MSG_IMPORT_TABLE_ABOUT, locations_run),
    TABLE("packaging", MSG_IMPORT_PACKAGING_SUMMARY, MSG_IMPORT_TABLE_ABOUT, packaging_run),
    TABLE("product_categories", MSG_IMPORT_CATEGORIES_SUMMARY, MSG_IMPORT_TABLE_ABOUT, categories_run),
    TABLE("product_families", MSG_IMPORT_FAMILIES_SUMMARY, MSG_IMPORT_TABLE_ABOUT, families_run),
    TABLE("stock", MSG_IMPORT_STOCK_SUMMARY, MSG_IMPORT_STOCK_ABOUT, stock_run),
};
static const struct cmd import_template_cmd = {
    .name = "template",
    .operands = "KIND",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_IMPORT_TEMPLATE_SUMMARY,
    .about = MSG_EMPTY,
    .examples = template_examples,
    .run = template_run,
};
static const struct cmd *const inside_import[] = {
    &import_table_cmds[0], &import_list_cmd, &import_table_cmds[1], &import_map_cmd,
    &import_table_cmds[2], &import_price_cmd, &import_table_cmds[3], &import_table_cmds[4],
    &import_products_cmd, &import_table_cmds[5], &import_template_cmd, &import_undo_cmd, NULL,
};
// clang-format on

const struct cmd cmd_import = {
    .name = "import",
    .operands = "",
    .summary = MSG_IMPORT_SUMMARY,
    .about = MSG_IMPORT_ABOUT,
    .sub = inside_import,
};

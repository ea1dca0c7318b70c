/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter export: any report as CSV, Excel, JSON or GeoJSON. */
#include <string.h>

#include "base/buf.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/reports.h"

enum { EXPORT_BYTES_MAX = 1 << 30 };

struct export_flags {
    bool bom, metadata, semicolon;
    int32_t format;
    const char *at, *file, *group, *month, *nave, *since, *until;
};

#define AT(field) .offset = DM_OPT_AT(struct export_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "at", .type = DM_OPT_STR, AT(at), .def = "", .unit = "YYYY-MM-DD",
     .help = "day at whose end the stock is wanted (stock_at)"},
    {.name = "bom", .type = DM_OPT_BOOL, AT(bom), .def = "false",
     .help = "begin CSV with a byte order mark, for spreadsheets that need one"},
    {.name = "file", .type = DM_OPT_STR, AT(file), .def = "", .unit = "FILE|FOLDER/",
     .help = "where to; in a folder the file gets its usual name; - is the standard output"},
    {.name = "format", .type = DM_OPT_ENUM, AT(format), .def = "csv", .choices = sheet_format_names,
     .help = "kind of file"},
    {.name = "group", .type = DM_OPT_STR, AT(group), .def = "",
     .help = "up to three of warehouse, area, claro, product, packaging, state, day, month... with commas"},
    {.name = "metadata", .type = DM_OPT_BOOL, AT(metadata), .def = "false",
     .help = "begin CSV with # lines that say what was asked"},
    {.name = "month", .type = DM_OPT_STR, AT(month), .def = "", .unit = "YYYY-MM",
     .help = "month of month and reconciliations; this one when nothing is said"},
    {.name = "nave", .type = DM_OPT_STR, AT(nave), .def = "", .help = "only this nave, by its code"},
    {.name = "semicolon", .type = DM_OPT_BOOL, AT(semicolon), .def = "false",
     .help = "separate CSV by semicolons"},
    {.name = "since", .type = DM_OPT_STR, AT(since), .def = "", .unit = "YYYY-MM-DD",
     .help = "first day; the last 30 days when nothing is said"},
    {.name = "until", .type = DM_OPT_STR, AT(until), .def = "", .unit = "YYYY-MM-DD",
     .help = "last day; today when nothing is said"},
};
static const struct cmd_example examples[] = {
    {"demeter export stock --format xlsx --nave NAVE03", MSG_EXPORT_EXAMPLE_STOCK},
    {"demeter export month --month 2026-01 --file -", MSG_EXPORT_EXAMPLE_MONTH},
    {"demeter export claros --format geojson --file mapas/", MSG_EXPORT_EXAMPLE_MAP},
    {0},
};
static const struct dm_opt document_flags[] = {
    {.name = "file", .type = DM_OPT_STR, AT(file), .def = "", .unit = "FILE|FOLDER/",
     .help = "where to; in a folder the file gets its usual name; - is the standard output"},
    {.name = "format", .type = DM_OPT_ENUM, AT(format), .def = "pdf", .choices = sheet_format_names,
     .help = "kind of file"},
    {.name = "nave", .type = DM_OPT_STR, AT(nave), .def = "", .help = "only this nave, by its code"},
};
static const struct cmd_example document_examples[] = {
    {"demeter report month 2026-01 --format pdf", MSG_REPORT_EXAMPLE},
    {0},
};
// clang-format on

/* FILE as it is; a folder gets the usual name; nothing is the usual name here. */
static const char *path_of(struct cmd_run *r, const struct sheet *s)
{
    const struct export_flags *f = r->flags;
    char name[SHEET_NAME_MAX];
    (void)sheet_file_name(s, (enum sheet_format)f->format, name);
    const size_t n = strlen(f->file);
    if (n == 0) {
        return dm_arena_strdup(&r->arena, name);
    }
    return f->file[n - 1] == '/' ? dm_arena_printf(&r->arena, "%s%s", f->file, name) : f->file;
}

static int write_report(struct cmd_run *r, const char *month, struct dm_err *e)
{
    const struct export_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(EXPORT_BYTES_MAX);
    struct sheet *s = NULL;
    const struct report_ask ask = {.name = r->args[0],
                                   .group = f->group,
                                   .warehouse = f->nave,
                                   .from = f->since,
                                   .to = f->until,
                                   .at = f->at,
                                   .month = month,
                                   .polygons = f->format == SHEET_GEOJSON};
    const struct sheet_options o = {
        .separator = f->semicolon ? ';' : ',', .bom = f->bom, .metadata = f->metadata};
    DM_TRY(books_open(r, &b, e));
    DM_TRY(report_run(&b.ctx, &ask, &r->arena, &s, e));
    DM_TRY(sheet_write(s, (enum sheet_format)f->format, &o, &out, e));
    if (!strcmp(f->file, "-")) {
        (void)fwrite(dm_buf_str(&out), 1, out.len, r->out);
        return 0;
    }
    const char *path = path_of(r, s);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the name of the file");
    }
    DM_TRY(dm_file_write_atomic(path, dm_buf_str(&out), out.len, e));
    if (!r->general.quiet) {
        (void)fprintf(
            r->err, "%s\n",
            TF(r, EXPORT_DONE, path, lang_integer(&r->arena, r->lang, (int64_t)s->n_rows)));
    }
    return 0;
}

static int export_run(struct cmd_run *r, struct dm_err *e)
{
    const struct export_flags *f = r->flags;
    return write_report(r, f->month, e);
}

static int document_run(struct cmd_run *r, struct dm_err *e)
{
    return write_report(r, r->n_args > 1 ? r->args[1] : "", e);
}

const struct cmd cmd_export = {
    .name = "export",
    .operands = "REPORT",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_EXPORT_SUMMARY,
    .about = MSG_EXPORT_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct export_flags),
    .examples = examples,
    .run = export_run,
};

const struct cmd cmd_report = {
    .name = "report",
    .operands = "REPORT [YYYY-MM]",
    .min_args = 1,
    .max_args = 2,
    .summary = MSG_REPORT_SUMMARY,
    .about = MSG_REPORT_ABOUT,
    .flags = document_flags,
    .n_flags = DM_COUNT(document_flags),
    .flags_size = sizeof(struct export_flags),
    .examples = document_examples,
    .run = document_run,
};

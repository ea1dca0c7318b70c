/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter label: a sheet of labels to print, one for each claro of a place. */
#include <string.h>

#include <jansson.h>

#include "api/labels.h"
#include "base/buf.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/json.h"
#include "inventory/list.h"

enum {
    SHEET_BYTES_MAX = 64 << 20,
    LABELS_MAX = 5000, /* of one file; a nave has some fifty */
};

struct label_flags {
    bool link;
    int32_t layout;
    const char *cantero, *claro, *file, *nave;
};

#define AT(field) .offset = DM_OPT_AT(struct label_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "cantero", .type = DM_OPT_STR, AT(cantero), .def = "", .help = "all claros of this cantero, by its code"},
    {.name = "claro", .type = DM_OPT_STR, AT(claro), .def = "", .help = "this claro alone, by its code"},
    {.name = "file", .type = DM_OPT_STR, AT(file), .def = "-", .unit = "FILE",
     .help = "where to; - is the standard output"},
    {.name = "layout", .type = DM_OPT_ENUM, AT(layout), .def = "a4-24", .choices = labels_layout_names,
     .help = "labels of a sheet, or one page for each"},
    {.name = "link", .type = DM_OPT_BOOL, AT(link), .def = "false",
     .help = "labels say the address of server.public_url that opens the claro, not its bare code"},
    {.name = "nave", .type = DM_OPT_STR, AT(nave), .def = "", .help = "all claros of this nave, by its code"},
};
static const struct cmd_example examples[] = {
    {"demeter label --cantero NAVE03-N --file etiquetas.pdf", MSG_LABEL_EXAMPLE},
    {"demeter label --claro NAVE03-N-C07 --layout single --link --file c07.pdf", MSG_LABEL_EXAMPLE_ONE},
    {0},
};
// clang-format on

/* Id of the place with that code; 0 when none was said. */
static int place_of(const struct inv_ctx *c, const struct list *l, const char *id_member,
                    const char *code, int64_t *ret, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    *ret = 0;
    if (!*code) {
        return DM_OK;
    }
    DM_TRY(list_one(c, l, "code", store_t(code), &row, e));
    *ret = inv_json_int(row, id_member);
    return DM_OK;
}

static int claros_of(struct cmd_run *r, const struct inv_ctx *c, json_t **ret, struct dm_err *e)
{
    const struct label_flags *f = r->flags;
    int64_t area;
    int64_t warehouse;
    if (!*f->nave + !*f->cantero + !*f->claro != 2) {
        DM_FAIL(e, DM_EUSAGE, "labels of what? give one of --nave, --cantero and --claro");
    }
    DM_TRY(place_of(c, &list_warehouses, "warehouse_id", f->nave, &warehouse, e));
    DM_TRY(place_of(c, &list_areas, "storage_area_id", f->cantero, &area, e));
    const struct list_value value[] = {
        {"active", store_b(true)},
        {"storage_area_id", store_ref(area)},
        {"warehouse_id", store_ref(warehouse)},
        {"code", *f->claro ? store_t(f->claro) : store_null()},
    };
    const struct list_ask ask = {value, DM_COUNT(value), 0, LABELS_MAX, "code"};
    DM_TRY(list_rows(c, &list_locations, &ask, ret, NULL, e));
    if (!json_array_size(*ret)) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no claro in use there");
    }
    return DM_OK;
}

/* What the symbol says; NULL without memory. address NULL: the code alone. */
static const char *content_of(struct cmd_run *r, const char *address, const char *code)
{
    return address ? dm_arena_printf(&r->arena, "%s/l/%s", address, code) : code;
}

static int label_run(struct cmd_run *r, struct dm_err *e)
{
    const struct label_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    DM_CLEANUP(inv_json_freep) json_t *rows = NULL;
    DM_CLEANUP(dm_buf_clear) struct dm_buf out = dm_buf_init(SHEET_BYTES_MAX);
    if (f->link && !*r->settings.v.server_public_url) {
        DM_FAIL(e, DM_EUSAGE, "--link needs server.public_url, the address people open");
    }
    const char *address = f->link ? books_address(r) : NULL;
    if (f->link && !address) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    DM_TRY(books_open(r, &b, e));
    DM_TRY(claros_of(r, &b.ctx, &rows, e));
    const size_t n = json_array_size(rows);
    struct label *label = dm_arena_calloc(&r->arena, n, sizeof(*label));
    for (size_t i = 0; label && i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        label[i] = (struct label){content_of(r, address, inv_json_str(row, "qr_code")),
                                  inv_json_str(row, "code"), inv_json_str(row, "name")};
        if (!label[i].qr) {
            label = NULL;
        }
    }
    if (!label) {
        DM_FAIL(e, DM_ENOMEM, "no memory for labels");
    }
    DM_TRY(labels_pdf(label, n, (enum labels_layout)f->layout, &out, e));
    if (!strcmp(f->file, "-")) {
        (void)fwrite(dm_buf_str(&out), 1, out.len, r->out);
        return 0;
    }
    DM_TRY(dm_file_write_atomic(f->file, dm_buf_str(&out), out.len, e));
    if (!r->general.quiet) {
        (void)fprintf(r->err, "%s\n",
                      TF(r, LABEL_DONE, f->file, lang_integer(&r->arena, r->lang, (int64_t)n)));
    }
    return 0;
}

const struct cmd cmd_label = {
    .name = "label",
    .operands = "",
    .summary = MSG_LABEL_SUMMARY,
    .about = MSG_LABEL_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct label_flags),
    .examples = examples,
    .run = label_run,
};

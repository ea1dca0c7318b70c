/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration file: any bytes give either values within their bounds, which print and read back
 * the same, or an error that names file and line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

struct sample {
    bool filter;
    int32_t size, mode;
    double overlap;
    const char *path;
};

static const char *const modes[] = {"feather", "bbox", NULL};

// clang-format off
static const struct dm_opt table[] = {
    {.name = "count.crop_mode", .type = DM_OPT_ENUM, .offset = DM_OPT_AT(struct sample, mode),
     .def = "feather", .choices = modes, .help = "how crops are cut"},
    {.name = "count.filter", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct sample, filter),
     .def = "true", .help = "drop black tiles"},
    {.name = "count.model", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct sample, path),
     .def = "", .help = "model file"},
    {.name = "count.overlap", .type = DM_OPT_F64, .offset = DM_OPT_AT(struct sample, overlap),
     .def = "0.25", .min = 0, .max = 0.5, .help = "overlap of tiles"},
    {.name = "count.tile_size_px", .type = DM_OPT_I32, .offset = DM_OPT_AT(struct sample, size),
     .def = "512", .min = 32, .max = 4096, .help = "side of a tile"},
};
// clang-format on

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int parse(struct sample *v, const char *text, size_t n, struct dm_arena *a, struct dm_err *e)
{
    struct dm_opt_source sources[DM_COUNT(table)];
    struct dm_opt_set set = {table, DM_COUNT(table), v, sources};
    struct dm_opt_set *const sets[] = {&set};
    dm_opt_defaults(&set);
    DM_TRY(dm_conf_parse(sets, 1, "fuzz.conf", text, n, a, e));
    for (size_t i = 0; i < DM_COUNT(table); i++) {
        struct dm_opt_source source = {DM_ORIGIN_FILE, 1, "again"};
        const char *printed = dm_opt_print(&set, i, a);
        must(printed && dm_opt_set_value(&set, i, printed, source, a, NULL) == DM_OK);
        must(!strcmp(dm_opt_print(&set, i, a), printed));
    }
    return DM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct sample v = {0};
    struct dm_arena a = {0};
    struct dm_err e = {0};
    int code = parse(&v, (const char *)bytes, n, &a, &e);
    if (code < 0) {
        must(code == DM_EBADINPUT && e.code == code && !strncmp(e.text, "fuzz.conf line ", 15));
    }
    must(v.size >= 32 && v.size <= 4096 && v.overlap >= 0 && v.overlap <= 0.5);
    must(v.mode == 0 || v.mode == 1);
    dm_arena_clear(&a);
    return 0;
}

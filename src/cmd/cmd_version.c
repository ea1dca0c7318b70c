/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter version. */
#include <jansson.h>

#include "cmd/commands.h"
#include "cmd/version.h"

struct version_flags {
    bool json;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct version_flags, json),
     .def = "false", .help = "print NDJSON, one object a line"},
};
static const struct cmd_example examples[] = {
    {"demeter version", MSG_VERSION_EXAMPLE},
    {0},
};
// clang-format on

static int print_json(struct cmd_run *r, const struct dm_library *lib, size_t n, struct dm_err *e)
{
    json_t *libraries = json_object();
    for (size_t i = 0; i < n; i++) {
        (void)json_object_set_new(libraries, lib[i].name, json_string(lib[i].version));
    }
    json_t *j = json_pack("{s:s, s:s, s:{s:s, s:s}, s:o}", "version", version_number(), "commit",
                          version_commit(), "cpu", "name", version_cpu_name(r), "features",
                          version_cpu_features(r), "libraries", libraries);
    if (!j || json_dumpf(j, r->out, JSON_COMPACT) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return 0;
}

static int version_run(struct cmd_run *r, struct dm_err *e)
{
    const struct version_flags *f = r->flags;
    struct dm_library lib[VERSION_LIBRARIES_MAX];
    const size_t n = version_libraries(lib);
    if (f->json) {
        return print_json(r, lib, n, e);
    }
    (void)fprintf(r->out, "demeter %s (%s)\n", version_number(), version_commit());
    if (r->general.quiet) {
        return 0;
    }
    (void)fprintf(r->out, "%-10s %s\n%-10s %s\n", T(r, VERSION_CPU), version_cpu_name(r), "",
                  version_cpu_features(r));
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(r->out, "%-10s %s %s\n", i ? "" : T(r, VERSION_LIBRARIES), lib[i].name,
                      lib[i].version);
    }
    return 0;
}

const struct cmd cmd_version = {
    .name = "version",
    .operands = "",
    .summary = MSG_VERSION_SUMMARY,
    .about = MSG_EMPTY,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct version_flags),
    .examples = examples,
    .lenient = true,
    .run = version_run,
};

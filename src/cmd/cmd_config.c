/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter config: what is set, and where it came from. */
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/guard.h"

struct show_flags {
    bool json, origin;
};

// clang-format off
static const struct dm_opt show_options[] = {
    {.name = "json", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct show_flags, json),
     .def = "false", .help = "print NDJSON, one object a line"},
    {.name = "origin", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct show_flags, origin),
     .def = "false", .help = "also say where each value came from"},
};
static const struct cmd_example show_examples[] = {
    {"demeter config show --origin", MSG_CONFIG_SHOW_EXAMPLE},
    {0},
};
static const struct cmd_example get_examples[] = {
    {"demeter config get count.conf", MSG_CONFIG_GET_EXAMPLE},
    {0},
};
static const struct cmd_example check_examples[] = {
    {"demeter config check --config demeter.conf", MSG_CONFIG_CHECK_EXAMPLE},
    {0},
};
// clang-format on

/* Words for an origin; those of dm_conf_origin are for machines and logs. */
static const char *origin_words(struct cmd_run *r, const struct dm_opt_source *s)
{
    const char *name = s->detail ? s->detail : "";
    const char *line = lang_integer(&r->arena, r->lang, s->line);
    size_t n = strlen(name);
    switch (s->origin) {
    case DM_ORIGIN_DEFAULT:
        return T(r, ORIGIN_DEFAULT);
    case DM_ORIGIN_PROFILE:
        return TF(r, ORIGIN_PROFILE, name);
    case DM_ORIGIN_FILE:
        return TF(r, ORIGIN_FILE, name, line);
    case DM_ORIGIN_ENV:
        return n > 5 && !strcmp(name + n - 5, "_FILE") ? TF(r, ORIGIN_TWIN, name)
                                                       : TF(r, ORIGIN_ENV, name);
    case DM_ORIGIN_FLAG:
        return TF(r, ORIGIN_FLAG, name);
    }
    return "";
}

static int print_json(struct cmd_run *r, const struct dm_opt_set *set, size_t i, struct dm_err *e)
{
    const char *value = dm_text_clean(dm_opt_print(set, i, &r->arena), DM_TEXT_JSON, &r->arena);
    json_t *j = json_pack("{s:s, s:s?, s:s?}", "name", set->table[i].name, "value", value, "origin",
                          dm_conf_origin(&set->sources[i], &r->arena));
    if (!j || json_dumpf(j, r->out, JSON_COMPACT) < 0) {
        json_decref(j);
        DM_FAIL(e, DM_ENOMEM, "no memory for the list");
    }
    (void)fputc('\n', r->out);
    json_decref(j);
    return DM_OK;
}

static int show_run(struct cmd_run *r, struct dm_err *e)
{
    const struct show_flags *f = r->flags;
    for (size_t s = 0; s < SETTINGS_SETS; s++) {
        const struct dm_opt_set *set = &r->settings.set[s];
        for (size_t i = 0; i < set->n; i++) {
            const char *value = dm_opt_print(set, i, &r->arena);
            const char *clean = value ? dm_text_clean(value, DM_TEXT_TERMINAL, &r->arena) : NULL;
            if (f->json) {
                DM_TRY(print_json(r, set, i, e));
            } else if (f->origin) {
                (void)fprintf(r->out, "%-28s %-20s %s\n", set->table[i].name, clean ? clean : "",
                              origin_words(r, &set->sources[i]));
            } else {
                (void)fprintf(r->out, "%s = %s\n", set->table[i].name, clean ? clean : "");
            }
        }
    }
    return 0;
}

static int get_run(struct cmd_run *r, struct dm_err *e)
{
    for (size_t i = 0; i < r->n_args; i++) {
        size_t set;
        size_t index;
        DM_TRY(settings_find(&r->settings, r->args[i], &set, &index, e));
        const char *value = dm_opt_print(&r->settings.set[set], index, &r->arena);
        (void)fprintf(r->out, "%s\n", value ? value : "");
    }
    return 0;
}

/* The file and the variables were read before we came here: only what is unknown is left. */
static int check_run(struct cmd_run *r, struct dm_err *e)
{
    enum { UNKNOWN_MAX = 100 };
    const char *name[UNKNOWN_MAX];
    const char *near[UNKNOWN_MAX];
    (void)e;
    DM_CLEANUP(dm_buf_clear) struct dm_buf faults = dm_buf_init(LIMIT_CONFIG_BYTES);
    const size_t unsafe = guard_check(r, &faults);
    (void)fputs(dm_buf_str(&faults), r->err);
    const size_t n =
        settings_unknown_env(&r->settings, r->environ, name, near, UNKNOWN_MAX, &r->arena);
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(r->err, "%s\n",
                      near[i][0] ? TF(r, UNKNOWN_VARIABLE_NEAR, name[i], near[i])
                                 : TF(r, UNKNOWN_VARIABLE, name[i]));
    }
    (void)fprintf(r->out, "%s\n",
                  r->config_file[0] ? TF(r, CONFIG_GOOD, r->config_file) : T(r, CONFIG_NO_FILE));
    return unsafe > 0 ? dm_code_info(DM_EBADINPUT)->exit_status : n > 0 ? 6 : 0;
}

static const struct cmd show = {
    .name = "show",
    .operands = "",
    .summary = MSG_CONFIG_SHOW_SUMMARY,
    .about = MSG_EMPTY,
    .flags = show_options,
    .n_flags = DM_COUNT(show_options),
    .flags_size = sizeof(struct show_flags),
    .examples = show_examples,
    .run = show_run,
};
static const struct cmd get = {
    .name = "get",
    .operands = "NAME...",
    .min_args = 1,
    .max_args = -1,
    .summary = MSG_CONFIG_GET_SUMMARY,
    .about = MSG_EMPTY,
    .examples = get_examples,
    .run = get_run,
};
static const struct cmd check = {
    .name = "check",
    .operands = "",
    .summary = MSG_CONFIG_CHECK_SUMMARY,
    .about = MSG_CONFIG_CHECK_ABOUT,
    .examples = check_examples,
    .run = check_run,
};
static const struct cmd *const inner[] = {&check, &get, &show, NULL};

const struct cmd cmd_config = {
    .name = "config",
    .operands = "",
    .summary = MSG_CONFIG_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inner,
};

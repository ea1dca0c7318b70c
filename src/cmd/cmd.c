/* SPDX-License-Identifier: Apache-2.0
 *
 * From argv to a running command and an exit status. */
#include "cmd/cmd.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/args.h"
#include "cmd/help.h"
#include "inventory/inventory.h"

const struct cmd *cmd_find(const struct cmd *const *table, const char *name)
{
    for (; *table; table++) {
        if (!strcmp((*table)->name, name)) {
            return *table;
        }
    }
    return NULL;
}

int cmd_fail(struct cmd_run *r, struct dm_err *e, int code, const char *text)
{
    r->own_words = true;
    return dm_err_set(e, code, __FILE__, __LINE__, "%s", text);
}

const char *cmd_error_text(struct cmd_run *r, const struct dm_err *e)
{
    return r->own_words ? dm_err_text(e) : lang_error(&r->arena, r->lang, e);
}

const char *cmd_full_name(struct cmd_run *r)
{
    const char *name = dm_arena_printf(&r->arena, "demeter%s%s%s%s", r->parent ? " " : "",
                                       r->parent ? r->parent->name : "", r->cmd ? " " : "",
                                       r->cmd ? r->cmd->name : "");
    return name ? name : "demeter";
}

static int unknown_command(struct cmd_run *r, const struct cmd *const *table, const char *given,
                           struct dm_err *e)
{
    size_t n = 0;
    while (table[n]) {
        n++;
    }
    const char **names = dm_arena_calloc(&r->arena, n + 1, sizeof(*names));
    for (size_t i = 0; names && i < n; i++) {
        names[i] = table[i]->name;
    }
    const char *near = names ? dm_nearest(given, names) : NULL;
    if (near) {
        return cmd_fail(r, e, DM_EUSAGE, TF(r, UNKNOWN_COMMAND_NEAR, given, near));
    }
    return cmd_fail(r, e, DM_EUSAGE, TF(r, UNKNOWN_COMMAND, given));
}

/* Index of the next argument that is a word, n when there is none. The values of general flags are
 * no words. */
static int next_word(int i, int n, char **argv)
{
    for (; i < n && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        i += !strcmp(argv[i], "--config") || !strcmp(argv[i], "--lang");
    }
    return i < n && strcmp(argv[i], "--") ? i : n;
}

static bool has_flag(int n, char **argv, const char *flag, char letter)
{
    for (int i = 1; i < n; i++) {
        if (!strcmp(argv[i], flag) || (argv[i][0] == '-' && argv[i][1] == letter && !argv[i][2])) {
            return true;
        }
    }
    return false;
}

/* Remove argv[at], keeping the order of the rest. */
static void drop(int *n, char **argv, int at)
{
    for (int i = at; i + 1 < *n; i++) {
        argv[i] = argv[i + 1];
    }
    --*n;
}

/* Set r->cmd and r->parent, and take their words out of argv. */
static int find_command(struct cmd_run *r, int *n, char **argv, struct dm_err *e)
{
    int at = next_word(1, *n, argv);
    if (at == *n) {
        bool version = has_flag(*n, argv, "--version", 'V');
        for (int i = 1; version && i < *n; i++) {
            if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V")) {
                drop(n, argv, i--);
            }
        }
        r->cmd = version ? cmd_find(r->commands, "version") : NULL;
        return DM_OK;
    }
    r->cmd = cmd_find(r->commands, argv[at]);
    if (!r->cmd) {
        return unknown_command(r, r->commands, argv[at], e);
    }
    drop(n, argv, at);
    if (!r->cmd->sub) {
        return DM_OK;
    }
    at = next_word(1, *n, argv);
    if (at == *n) {
        return DM_OK;
    }
    const struct cmd *inner = cmd_find(r->cmd->sub, argv[at]);
    if (!inner) {
        return unknown_command(r, r->cmd->sub, argv[at], e);
    }
    drop(n, argv, at);
    r->parent = r->cmd;
    r->cmd = inner;
    return DM_OK;
}

/* Language before anything is parsed: --lang wherever it stands, else the environment. */
static enum lang early_language(int n, char **argv, char **environment)
{
    for (int i = 1; i < n; i++) {
        const char *value = !strncmp(argv[i], "--lang=", 7)           ? argv[i] + 7
                            : !strcmp(argv[i], "--lang") && i + 1 < n ? argv[i + 1]
                                                                      : "";
        if (!strcmp(value, "es") || !strcmp(value, "en")) {
            return value[1] == 's' ? LANG_ES : LANG_EN;
        }
    }
    return lang_of_locale(settings_getenv(environment, "LC_ALL"),
                          settings_getenv(environment, "LC_MESSAGES"),
                          settings_getenv(environment, "LANG"));
}

static int load_settings(struct cmd_run *r, const struct args_parsed *flags, struct dm_err *e)
{
    const char *path = settings_file(r->general.config, settings_getenv, r->environ, &r->arena);
    if (path[0]) {
        DM_TRY(dm_conf_read(r->settings.sets, SETTINGS_SETS, path, &r->arena, e));
        r->config_file = path;
    }
    DM_TRY(dm_conf_env(r->settings.sets, SETTINGS_SETS, settings_getenv, r->environ, &r->arena, e));
    DM_TRY(args_apply(r, flags, e));
    return settings_apply_profile(&r->settings, &r->arena, e);
}

static void use_settings(struct cmd_run *r)
{
    int32_t lang = r->settings.v.lang;
    if (lang != SETTINGS_LANG_AUTO) {
        r->lang = lang == SETTINGS_LANG_ES ? LANG_ES : LANG_EN;
    }
    enum dm_log_level lowest = (enum dm_log_level)r->settings.v.log_level;
    dm_log_setup(STDERR_FILENO, r->general.verbose ? DM_LOG_DEBUG : lowest,
                 (enum dm_log_format)r->settings.v.log_format);
    const char *no_color = settings_getenv(r->environ, "NO_COLOR");
    r->general.progress = r->general.progress && !(no_color && *no_color);
}

static int run_command(struct cmd_run *r, int n, char **argv, struct dm_err *e)
{
    struct args_parsed flags;
    DM_TRY(settings_init(&r->settings, &r->arena, e));
    DM_TRY(args_parse(r, n - 1, argv + 1, &flags, e));
    int loaded = load_settings(r, &flags, r->general.help ? NULL : &r->settings_error);
    if (loaded < 0 && !r->cmd->lenient && !r->general.help) {
        *e = r->settings_error;
        return loaded;
    }
    use_settings(r);
    if (r->general.help) {
        return help_command(r, e);
    }
    if (r->cmd->sub) {
        return cmd_fail(r, e, DM_EUSAGE, TF(r, COMMAND_MISSING, r->cmd->name));
    }
    return r->cmd->run(r, e);
}

static int dispatch(struct cmd_run *r, int n, char **argv, struct dm_err *e)
{
    DM_TRY(find_command(r, &n, argv, e));
    if (r->cmd) {
        return run_command(r, n, argv, e);
    }
    if (has_flag(n, argv, "--help", 'h')) {
        return help_overview(r, r->out, e);
    }
    if (n > 1) {
        return cmd_fail(r, e, DM_EUSAGE, TF(r, UNKNOWN_FLAG, argv[1]));
    }
    int code = help_overview(r, r->err, e);
    return code < 0 ? code : dm_code_info(DM_EUSAGE)->exit_status;
}

int cmd_main(const struct cmd *const *table, int argc, char **argv, char **environment, FILE *out,
             FILE *err)
{
    struct cmd_run r = {.commands = table,
                        .out = out,
                        .err = err,
                        .environ = environment,
                        .config_file = "",
                        .lang = early_language(argc, argv, environment)};
    struct dm_err e = {0};
    inv_setup();
    int code = dispatch(&r, argc, argv, &e);
    int status = code;
    if (code < 0) {
        status = dm_code_info(code)->exit_status;
        e.code = e.code ? e.code : code;
        (void)fprintf(err, "demeter: %s\n", cmd_error_text(&r, &e));
        if (code == DM_EUSAGE) {
            (void)fprintf(err, "%s\n", TF(&r, TRY_HELP, cmd_full_name(&r)));
        }
    }
    if (fflush(out) || ferror(out)) {
        (void)fprintf(err, "demeter: %s\n", T(&r, OUTPUT_LOST));
        status = status ? status : 1;
    }
    dm_arena_clear(&r.arena);
    return status;
}

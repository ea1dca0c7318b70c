/* SPDX-License-Identifier: Apache-2.0
 *
 * Man pages and docs/CONFIG.md, made from the same tables as --help. */
#include "cmd/help.h"

#include <string.h>

#include "cmd/version.h"

/* Roff text: no line may start a request, hyphens stay hyphens (people copy them). */
static void roff(struct dm_buf *out, const char *s)
{
    bool starts = true;
    for (; *s; s++) {
        if (starts && (*s == '.' || *s == '\'')) {
            dm_buf_puts(out, "\\&");
        }
        starts = *s == '\n';
        if (*s == '-') {
            dm_buf_puts(out, "\\-");
        } else if (*s == '\\') {
            dm_buf_puts(out, "\\e");
        } else {
            dm_buf_putc(out, *s);
        }
    }
}

static void roff_line(struct dm_buf *out, const char *request, const char *text)
{
    dm_buf_puts(out, request);
    roff(out, text);
    dm_buf_putc(out, '\n');
}

static void heading(const struct cmd_run *r, struct dm_buf *out, enum msg m)
{
    dm_buf_printf(out, ".SH %s\n", lang_text(r->lang, m));
}

static void title(struct cmd_run *r, struct dm_buf *out, const char *page, int section)
{
    dm_buf_printf(out,
                  ".\\\" made by demeter help --man\n.TH \"%s\" %d \"\" \"Demeter %s\" \"%s\"\n",
                  page, section, version_number(), T(r, MAN_TITLE));
}

/* One flag with its words, range, default, variable. */
static void flag_entry(struct cmd_run *r, struct dm_buf *out, const struct dm_opt *o)
{
    char name[DM_OPT_NAME_MAX];
    char range[DM_OPT_NAME_MAX];
    char letter = cmd_letter(dm_opt_flag(o, name));
    dm_buf_puts(out, ".TP\n.B ");
    if (letter) {
        dm_buf_printf(out, "\\-%c, ", letter);
    }
    roff_line(out, "", help_flag(r, o));
    roff(out, lang_option_help(r->lang, o));
    dm_buf_putc(out, '.');
    if (o->type == DM_OPT_I32 || o->type == DM_OPT_F64) {
        roff(out, TF(r, MAN_RANGE, lang_words(&r->arena, r->lang, dm_opt_range(o, range))));
    }
    if (o->type != DM_OPT_BOOL && o->def[0]) {
        roff(out, TF(r, MAN_DEFAULT, o->def));
    }
    if (strchr(o->name, '.')) {
        roff(out, TF(r, MAN_ALSO, o->name, dm_opt_env(o, name)));
    }
    dm_buf_putc(out, '\n');
}

static void flag_entries(struct cmd_run *r, struct dm_buf *out, const struct cmd *c)
{
    const struct {
        const struct dm_opt *table;
        size_t n;
    } tables[] = {{c->flags, c->n_flags},
                  {settings_opt_table, settings_opt_count},
                  {vision_opt_table, vision_opt_count},
                  {cmd_general_flags, cmd_general_count}};
    for (size_t t = 0; t < DM_COUNT(tables); t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            if (help_shows(c, &tables[t].table[i], true)) {
                flag_entry(r, out, &tables[t].table[i]);
            }
        }
    }
    for (size_t i = 0; i < settings_opt_count; i++) {
        if (!strcmp(settings_opt_table[i].name, "ui.lang")) {
            flag_entry(r, out, &settings_opt_table[i]);
        }
    }
}

static void example_entries(const struct cmd_run *r, struct dm_buf *out, const struct cmd *c)
{
    for (const struct cmd_example *x = c->examples; x && x->line; x++) {
        dm_buf_puts(out, ".TP\n.B ");
        roff_line(out, "", x->line);
        roff_line(out, "", lang_text(r->lang, x->text));
    }
}

static void closing(struct cmd_run *r, struct dm_buf *out, const char *page)
{
    heading(r, out, MSG_MAN_EXIT);
    for (size_t i = 0; i < help_exits_count; i++) {
        dm_buf_printf(out, ".TP\n.B %d\n", help_exits[i].status);
        roff_line(out, "", lang_text(r->lang, help_exits[i].text));
    }
    heading(r, out, MSG_MAN_SEE);
    const char *sep = "";
    if (strcmp(page, "demeter") != 0) {
        dm_buf_puts(out, ".BR demeter (1)");
        sep = ",\n";
    }
    for (size_t i = 0; r->commands[i]; i++) {
        const char *own = strncmp(page, "demeter-", 8) ? "" : page + 8;
        if (strcmp(own, r->commands[i]->name) != 0) {
            dm_buf_printf(out, "%s.BR demeter\\-%s (1)", sep, r->commands[i]->name);
            sep = ",\n";
        }
    }
    dm_buf_printf(out, "%s.BR demeter.conf (5)\n", sep);
}

static void command_page(struct cmd_run *r, struct dm_buf *out, const char *page,
                         const struct cmd *c)
{
    title(r, out, page, 1);
    heading(r, out, MSG_MAN_NAME);
    roff(out, page);
    dm_buf_puts(out, " \\- ");
    roff_line(out, "", lang_text(r->lang, c->summary));
    heading(r, out, MSG_MAN_SYNOPSIS);
    const struct cmd *const alone[] = {c, NULL};
    for (const struct cmd *const *p = c->sub ? c->sub : alone; *p; p++) {
        const struct cmd *one = *p;
        dm_buf_printf(out, ".B demeter %s%s%s\n%s ", c->name, c->sub ? " " : "",
                      c->sub ? one->name : "", T(r, HELP_OPERAND_OPTIONS));
        roff_line(out, "", lang_words(&r->arena, r->lang, one->operands));
        dm_buf_puts(out, ".br\n");
    }
    heading(r, out, MSG_MAN_DESCRIPTION);
    roff_line(out, "", lang_text(r->lang, c->about != MSG_EMPTY ? c->about : c->summary));
    for (const struct cmd *const *p = c->sub; p && *p; p++) {
        dm_buf_printf(out, ".SS demeter %s %s\n", c->name, (*p)->name);
        roff_line(out, "", lang_text(r->lang, (*p)->summary));
        if ((*p)->about != MSG_EMPTY) {
            roff_line(out, ".PP\n", lang_text(r->lang, (*p)->about));
        }
        flag_entries(r, out, *p);
        example_entries(r, out, *p);
    }
    if (!c->sub) {
        heading(r, out, MSG_MAN_OPTIONS);
        flag_entries(r, out, c);
        heading(r, out, MSG_MAN_EXAMPLES);
        example_entries(r, out, c);
    }
    closing(r, out, page);
}

static void overview_page(struct cmd_run *r, struct dm_buf *out)
{
    title(r, out, "demeter", 1);
    heading(r, out, MSG_MAN_NAME);
    roff_line(out, "demeter \\- ", T(r, DEMETER_TAGLINE));
    heading(r, out, MSG_MAN_SYNOPSIS);
    roff_line(out, ".B demeter\n", T(r, HELP_OVERVIEW_OPERANDS));
    heading(r, out, MSG_MAN_DESCRIPTION);
    roff_line(out, "", T(r, DEMETER_ABOUT));
    heading(r, out, MSG_MAN_COMMANDS);
    for (size_t i = 0; r->commands[i]; i++) {
        dm_buf_printf(out, ".TP\n.BR demeter\\-%s (1)\n", r->commands[i]->name);
        roff_line(out, "", lang_text(r->lang, r->commands[i]->summary));
    }
    heading(r, out, MSG_MAN_FILES);
    roff_line(out, "", T(r, MAN_FILES_TEXT));
    closing(r, out, "demeter");
}

static void setting_entry(struct cmd_run *r, struct dm_buf *out, const struct dm_opt *o)
{
    char text[DM_OPT_NAME_MAX];
    roff_line(out, ".TP\n.B ", strchr(o->name, '.') + 1);
    roff(out, lang_option_help(r->lang, o));
    dm_buf_putc(out, '.');
    if (o->type != DM_OPT_STR) {
        roff(out, TF(r, MAN_RANGE, lang_words(&r->arena, r->lang, dm_opt_range(o, text))));
    }
    if (o->def[0]) {
        roff(out, TF(r, MAN_DEFAULT, o->def));
    }
    roff(out, TF(r, MAN_VARIABLE, dm_opt_env(o, text)));
    dm_buf_putc(out, '\n');
}

/* The alphabetically first section after the given one, copied to ret; false when there is none. */
static bool next_section(const struct cmd_run *r, const char *after,
                         char ret[static DM_OPT_NAME_MAX])
{
    bool found = false;
    char last[DM_OPT_NAME_MAX]; /* after may be ret itself */
    (void)snprintf(last, sizeof(last), "%s", after);
    for (size_t s = 0; s < SETTINGS_SETS; s++) {
        for (size_t i = 0; i < r->settings.set[s].n; i++) {
            const char *name = r->settings.set[s].table[i].name;
            char section[DM_OPT_NAME_MAX];
            (void)snprintf(section, sizeof(section), "%.*s", (int)strcspn(name, "."), name);
            if (strcmp(section, last) > 0 && (!found || strcmp(section, ret) < 0)) {
                (void)snprintf(ret, DM_OPT_NAME_MAX, "%s", section);
                found = true;
            }
        }
    }
    return found;
}

/* Call begin for every section in alphabetical order, and entry for each of its settings. */
static void each_setting(struct cmd_run *r, struct dm_buf *out,
                         void (*begin)(struct dm_buf *out, const char *section),
                         void (*entry)(struct cmd_run *r, struct dm_buf *out,
                                       const struct dm_opt *o))
{
    char section[DM_OPT_NAME_MAX];
    for (const char *after = ""; next_section(r, after, section); after = section) {
        const size_t n = strlen(section);
        begin(out, section);
        for (size_t s = 0; s < SETTINGS_SETS; s++) {
            for (size_t i = 0; i < r->settings.set[s].n; i++) {
                const struct dm_opt *o = &r->settings.set[s].table[i];
                if (!strncmp(o->name, section, n) && o->name[n] == '.') {
                    entry(r, out, o);
                }
            }
        }
    }
}

static void begin_roff(struct dm_buf *out, const char *section)
{
    dm_buf_printf(out, ".SS [%s]\n", section);
}

static void conf_page(struct cmd_run *r, struct dm_buf *out)
{
    title(r, out, "demeter.conf", 5);
    heading(r, out, MSG_MAN_NAME);
    roff_line(out, "demeter.conf \\- ", T(r, MAN_CONF_SUMMARY));
    heading(r, out, MSG_MAN_DESCRIPTION);
    roff_line(out, "", T(r, MAN_CONF_TEXT));
    dm_buf_puts(out, ".PP\n.nf\n[count]\ntile_overlap = 0.25\nmodel_detect = "
                     "/srv/models/plants\\-detect.onnx\n.fi\n.PP\n");
    roff_line(out, "", T(r, MAN_CONF_ORDER));
    heading(r, out, MSG_MAN_SETTINGS);
    each_setting(r, out, begin_roff, setting_entry);
    heading(r, out, MSG_MAN_FILES);
    roff_line(out, "", T(r, MAN_FILES_TEXT));
    closing(r, out, "demeter.conf");
}

int help_man(struct cmd_run *r, const char *page, struct dm_buf *out, struct dm_err *e)
{
    const struct cmd *c = NULL;
    if (!strcmp(page, "demeter")) {
        overview_page(r, out);
    } else if (!strcmp(page, "demeter.conf")) {
        conf_page(r, out);
    } else {
        c = strncmp(page, "demeter-", 8) ? NULL : cmd_find(r->commands, page + 8);
        if (!c) {
            DM_FAIL(e, DM_ENOTFOUND, "no man page \"%.60s\"", page);
        }
        command_page(r, out, page, c);
    }
    return dm_buf_ok(out, e);
}

/* ---- docs/CONFIG.md ---- */

static void begin_markdown(struct dm_buf *out, const char *section)
{
    dm_buf_printf(out,
                  "\n## [%s]\n\n"
                  "| key | values | default | environment | meaning |\n|---|---|---|---|---|\n",
                  section);
}

static void markdown_entry(struct cmd_run *r, struct dm_buf *out, const struct dm_opt *o)
{
    char range[DM_OPT_NAME_MAX];
    char variable[DM_OPT_NAME_MAX];
    dm_opt_range(o, range);
    dm_buf_printf(out, "| `%s` | %s | %s%s%s | `%s` | %s |\n", strchr(o->name, '.') + 1,
                  range[0]  ? range
                  : o->unit ? o->unit
                            : "text",
                  o->def[0] ? "`" : "", o->def, o->def[0] ? "`" : "", dm_opt_env(o, variable),
                  lang_option_help(r->lang, o));
}

int help_config_markdown(struct cmd_run *r, struct dm_buf *out, struct dm_err *e)
{
    dm_buf_printf(out,
                  "# Settings\n\n"
                  "Made from the option tables by `demeter help --markdown`; a test keeps it "
                  "in step. Do not edit.\n\n%s\n\n%s\n",
                  T(r, MAN_CONF_TEXT), T(r, MAN_CONF_ORDER));
    each_setting(r, out, begin_markdown, markdown_entry);
    return dm_buf_ok(out, e);
}

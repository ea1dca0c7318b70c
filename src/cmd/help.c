/* SPDX-License-Identifier: Apache-2.0
 *
 * --help on a terminal: lines of at most 80 columns. */
#include "cmd/help.h"

#include <string.h>

#include "base/text.h"

enum { COLUMNS = 80, HELP_COLUMN = 30 };

// clang-format off
const struct help_exit help_exits[] = {
    {0, MSG_EXIT_0}, {1, MSG_EXIT_1}, {2, MSG_EXIT_2}, {3, MSG_EXIT_3}, {4, MSG_EXIT_4},
    {5, MSG_EXIT_5}, {6, MSG_EXIT_6}, {130, MSG_EXIT_130}, {143, MSG_EXIT_143},
};
// clang-format on
const size_t help_exits_count = DM_COUNT(help_exits);

bool help_shows(const struct cmd *c, const struct dm_opt *o, bool with_hidden)
{
    bool is_setting = strchr(o->name, '.') != NULL;
    if (is_setting && ((o->flags & DM_OPT_NO_FLAG) || !cmd_uses_setting(c, o->name) ||
                       !strcmp(o->name, "ui.lang"))) {
        return false; /* the language is listed with the general flags */
    }
    return with_hidden || !(o->flags & DM_OPT_HIDDEN);
}

/* "jpeg|png", "N", "X", "FILE" */
static const char *value_word(struct cmd_run *r, const struct dm_opt *o)
{
    const char *list = "";
    switch (o->type) {
    case DM_OPT_BOOL:
        return "";
    case DM_OPT_I32:
        return "N";
    case DM_OPT_F64:
        return "X";
    case DM_OPT_ENUM:
        for (size_t i = 0; o->choices[i]; i++) {
            const char *longer =
                dm_arena_printf(&r->arena, "%s%s%s", list, i ? "|" : "", o->choices[i]);
            list = longer ? longer : list;
        }
        return list;
    case DM_OPT_STR:
    case DM_OPT_TYPE_MAX_:
        break;
    }
    return lang_words(&r->arena, r->lang, o->unit ? o->unit : "TEXT");
}

const char *help_flag(struct cmd_run *r, const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    const char *value = value_word(r, o);
    bool on = o->type == DM_OPT_BOOL && !strcmp(o->def, "true");
    const char *s = dm_arena_printf(&r->arena, "--%s%s%s%s", on ? "[no-]" : "",
                                    dm_opt_flag(o, flag), *value ? " " : "", value);
    return s ? s : "";
}

/* text in lines of at most COLUMNS, continued at column indent; the first line goes on where at
 * characters already stand. */
static void wrap(FILE *to, const char *text, size_t indent, size_t at)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " ");
        char word[512];
        (void)snprintf(word, sizeof(word), "%.*s", (int)DM_MIN(n, sizeof(word) - 1), text);
        size_t width = dm_text_width(word);
        if (!first && at + 1 + width > COLUMNS) {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        (void)fprintf(to, "%s%s", first ? "" : " ", word);
        at += width + !first;
        first = false;
        text += n + (text[n] == ' ');
    }
    (void)fputc('\n', to);
}

/* What --help adds to the words of a row: "[512 px]", the default. Bounds stand in the man page. */
static const char *facts(struct cmd_run *r, const struct dm_opt *o)
{
    bool numeric = o->type == DM_OPT_I32 || o->type == DM_OPT_F64;
    bool unit = numeric && o->unit && strcmp(o->unit, "fraction") && strcmp(o->unit, "factor");
    if (o->type == DM_OPT_BOOL || !o->def[0]) {
        return "";
    }
    const char *s = dm_arena_printf(&r->arena, "[%s%s%s]", o->def, unit && o->unit ? " " : "",
                                    unit && o->unit ? o->unit : "");
    return s ? lang_words(&r->arena, r->lang, s) : "";
}

static void print_flag(struct cmd_run *r, const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    char left[160];
    char letter = cmd_letter(dm_opt_flag(o, flag));
    char with_letter[8] = "    ";
    if (letter) {
        (void)snprintf(with_letter, sizeof(with_letter), "-%c, ", letter);
    }
    (void)snprintf(left, sizeof(left), "  %s%s", with_letter, help_flag(r, o));
    size_t at = dm_text_width(left);
    (void)fprintf(r->out, "%s", left);
    if (at + 2 > HELP_COLUMN) {
        (void)fprintf(r->out, "\n");
        at = 0;
    }
    (void)fprintf(r->out, "%*s", (int)(HELP_COLUMN - at), "");
    const char *extra = facts(r, o);
    const char *text = dm_arena_printf(&r->arena, "%s%s%s", lang_option_help(r->lang, o),
                                       *extra ? " " : "", extra);
    wrap(r->out, text ? text : "", HELP_COLUMN, HELP_COLUMN);
}

/* Print the visible rows of a table under a heading; returns whether there were any. */
static bool print_rows(struct cmd_run *r, const struct dm_opt *table, size_t n, enum msg heading,
                       bool headed)
{
    for (size_t i = 0; i < n; i++) {
        if (!help_shows(r->cmd, &table[i], false)) {
            continue;
        }
        if (!headed) {
            (void)fprintf(r->out, "\n%s\n", lang_text(r->lang, heading));
            headed = true;
        }
        print_flag(r, &table[i]);
    }
    return headed;
}

static void print_general(struct cmd_run *r)
{
    (void)print_rows(r, cmd_general_flags, cmd_general_count, MSG_HELP_GENERAL, false);
    for (size_t i = 0; i < settings_opt_count; i++) {
        if (!strcmp(settings_opt_table[i].name, "ui.lang")) {
            print_flag(r, &settings_opt_table[i]);
        }
    }
}

static void print_commands(const struct cmd_run *r, FILE *to, const struct cmd *const *table)
{
    for (; *table; table++) {
        (void)fprintf(to, "  %-12s ", (*table)->name);
        wrap(to, lang_text(r->lang, (*table)->summary), 15, 15);
    }
}

int help_overview(struct cmd_run *r, FILE *to, struct dm_err *e)
{
    (void)e;
    (void)fprintf(to, "%s\n\n%s demeter %s\n\n%s\n", T(r, DEMETER_SUMMARY), T(r, HELP_USAGE),
                  T(r, HELP_OVERVIEW_OPERANDS), T(r, HELP_COMMANDS));
    print_commands(r, to, r->commands);
    (void)fprintf(to, "\n%s\n", T(r, HELP_OVERVIEW_MORE));
    return 0;
}

static void print_examples(struct cmd_run *r)
{
    if (!r->cmd->examples) {
        return;
    }
    (void)fprintf(r->out, "\n%s\n", T(r, HELP_EXAMPLES));
    for (const struct cmd_example *x = r->cmd->examples; x->line; x++) {
        (void)fprintf(r->out, "  %s\n      ", x->line);
        wrap(r->out, lang_text(r->lang, x->text), 6, 6);
    }
}

int help_command(struct cmd_run *r, struct dm_err *e)
{
    const struct cmd *c = r->cmd;
    (void)e;
    (void)fprintf(r->out, "%s: ", cmd_full_name(r));
    wrap(r->out, lang_text(r->lang, c->summary), 2, dm_text_width(cmd_full_name(r)) + 2);
    (void)fprintf(r->out, "\n%s %s %s%s%s\n", T(r, HELP_USAGE), cmd_full_name(r),
                  c->sub ? T(r, HELP_OPERAND_COMMAND) : T(r, HELP_OPERAND_OPTIONS),
                  c->operands[0] ? " " : "", lang_words(&r->arena, r->lang, c->operands));
    if (c->about != MSG_EMPTY) {
        (void)fprintf(r->out, "\n");
        wrap(r->out, lang_text(r->lang, c->about), 0, 0);
    }
    if (c->sub) {
        (void)fprintf(r->out, "\n%s\n", T(r, HELP_COMMANDS));
        print_commands(r, r->out, c->sub);
    }
    (void)print_rows(r, c->flags, c->n_flags, MSG_HELP_OPTIONS, false);
    bool headed = print_rows(r, settings_opt_table, settings_opt_count, MSG_HELP_SETTINGS, false);
    (void)print_rows(r, vision_opt_table, vision_opt_count, MSG_HELP_SETTINGS, headed);
    print_general(r);
    print_examples(r);
    return 0;
}

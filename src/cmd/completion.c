/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts. Every shell gets the same facts: which command stands on the line, its flags,
 * and what a flag's value may be. */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/help.h"

/* Calls fn for every visible flag of a command. */
static void each_flag(struct cmd_run *r, const struct cmd *c, struct dm_buf *out,
                      void (*fn)(struct cmd_run *r, struct dm_buf *out, const struct cmd *c,
                                 const struct dm_opt *o))
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
            const struct dm_opt *o = &tables[t].table[i];
            if (help_shows(c, o, false) || !strcmp(o->name, "ui.lang")) {
                fn(r, out, c, o);
            }
        }
    }
}

/* Calls fn for every command that can run: name "count", or "model info" with its parent. */
static void each_command(struct cmd_run *r, struct dm_buf *out,
                         void (*fn)(struct cmd_run *r, struct dm_buf *out, const struct cmd *parent,
                                    const struct cmd *c))
{
    for (const struct cmd *const *p = r->commands; *p; p++) {
        if (!(*p)->sub) {
            fn(r, out, NULL, *p);
        }
        for (const struct cmd *const *s = (*p)->sub; s && *s; s++) {
            fn(r, out, *p, *s);
        }
    }
}

static bool takes_files(const struct dm_opt *o)
{
    return o->unit && !strcmp(o->unit, "FILE");
}

static bool takes_folders(const struct dm_opt *o)
{
    return o->unit && !strcmp(o->unit, "FOLDER");
}

/* Words that may stand as operand: "bash zsh fish", or "" for files. */
static const char *operand_words(struct cmd_run *r, const struct cmd *c)
{
    if (c->operands[0] < 'a' || c->operands[0] > 'z') {
        return "";
    }
    char *words = dm_arena_strdup(&r->arena, c->operands);
    for (char *s = words; s && *s; s++) {
        *s = *s == '|' ? ' ' : *s;
    }
    return words ? words : "";
}

static bool operand_is_file(const struct cmd *c)
{
    return strstr(c->operands, "FILE") || strstr(c->operands, "PHOTO");
}

/* ---- bash ---- */

static void bash_flag(struct cmd_run *r, struct dm_buf *out, const struct cmd *c,
                      const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    (void)r;
    (void)c;
    dm_opt_flag(o, flag);
    bool on = o->type == DM_OPT_BOOL && !strcmp(o->def, "true");
    dm_buf_printf(out, " --%s%s", on ? "no-" : "", flag);
}

static void bash_value(struct cmd_run *r, struct dm_buf *out, const struct cmd *c,
                       const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    (void)c;
    dm_opt_flag(o, flag);
    if (o->type == DM_OPT_ENUM) {
        dm_buf_printf(out, "    --%s) COMPREPLY=($(compgen -W '", flag);
        for (size_t i = 0; o->choices[i]; i++) {
            dm_buf_printf(out, "%s%s", i ? " " : "", o->choices[i]);
        }
        dm_buf_puts(out, "' -- \"$cur\")); return ;;\n");
    } else if (takes_files(o) || takes_folders(o)) {
        dm_buf_printf(out,
                      "    --%s) compopt -o filenames; COMPREPLY=($(compgen -%c -- \"$cur\")); "
                      "return ;;\n",
                      flag, takes_files(o) ? 'f' : 'd');
    } else if (o->type != DM_OPT_BOOL) {
        dm_buf_printf(out, "    --%s) return ;;\n", flag);
    }
    (void)r;
}

static void bash_command(struct cmd_run *r, struct dm_buf *out, const struct cmd *parent,
                         const struct cmd *c)
{
    dm_buf_printf(out, "  '%s%s%s')\n    flags='", parent ? parent->name : "", parent ? " " : "",
                  c->name);
    each_flag(r, c, out, bash_flag);
    dm_buf_printf(out, "'; words='%s'; files=%s\n    case \"$prev\" in\n", operand_words(r, c),
                  operand_is_file(c) ? "y" : "");
    each_flag(r, c, out, bash_value);
    dm_buf_puts(out, "    esac ;;\n");
}

static void bash_write(struct cmd_run *r, struct dm_buf *out)
{
    dm_buf_puts(out, "# bash completion for demeter, made by: demeter completion bash\n"
                     "_demeter() {\n"
                     "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "  local cmd=${COMP_WORDS[1]} flags= words= files=\n"
                     "  COMPREPLY=()\n"
                     "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
    for (const struct cmd *const *p = r->commands; *p; p++) {
        dm_buf_printf(out, "%s ", (*p)->name);
    }
    dm_buf_puts(out, "--help --version' -- \"$cur\")); return\n  fi\n  case \"$cmd\" in\n");
    for (const struct cmd *const *p = r->commands; *p; p++) {
        if (!(*p)->sub) {
            continue;
        }
        dm_buf_printf(out,
                      "  %s)\n    if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
                      "      COMPREPLY=($(compgen -W '",
                      (*p)->name);
        for (const struct cmd *const *s = (*p)->sub; *s; s++) {
            dm_buf_printf(out, "%s ", (*s)->name);
        }
        dm_buf_puts(out, "--help' -- \"$cur\")); return\n    fi\n"
                         "    cmd=\"$cmd ${COMP_WORDS[2]}\" ;;\n");
    }
    dm_buf_puts(out, "  esac\n  case \"$cmd\" in\n");
    each_command(r, out, bash_command);
    dm_buf_puts(out, "  esac\n"
                     "  case \"$cur\" in\n"
                     "  -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")); return ;;\n"
                     "  esac\n"
                     "  if [ -n \"$words\" ]; then\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "  elif [ -n \"$files\" ]; then\n"
                     "    compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                     "  fi\n}\ncomplete -F _demeter demeter\n");
}

/* ---- zsh ---- */

/* Text inside '...[...]': quotes, brackets and colons have a meaning there. */
static void zsh_text(struct dm_buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'') {
            dm_buf_puts(out, "'\\''");
        } else {
            dm_buf_puts(out, strchr("[]:\\", *s) ? "\\" : "");
            dm_buf_putc(out, *s);
        }
    }
}

static void zsh_flag(struct cmd_run *r, struct dm_buf *out, const struct cmd *c,
                     const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    (void)c;
    dm_opt_flag(o, flag);
    bool on = o->type == DM_OPT_BOOL && !strcmp(o->def, "true");
    dm_buf_printf(out, " \\\n        '--%s%s[", on ? "no-" : "", flag);
    zsh_text(out, lang_option_help(r->lang, o));
    dm_buf_putc(out, ']');
    if (o->type == DM_OPT_ENUM) {
        dm_buf_puts(out, ":value:(");
        for (size_t i = 0; o->choices[i]; i++) {
            dm_buf_printf(out, "%s%s", i ? " " : "", o->choices[i]);
        }
        dm_buf_putc(out, ')');
    } else if (takes_files(o) || takes_folders(o)) {
        dm_buf_puts(out, takes_files(o) ? ":file:_files" : ":folder:_files -/");
    } else if (o->type != DM_OPT_BOOL) {
        dm_buf_puts(out, ":value:");
    }
    dm_buf_putc(out, '\'');
}

static void zsh_arguments(struct cmd_run *r, struct dm_buf *out, const struct cmd *c)
{
    const char *words = operand_words(r, c);
    dm_buf_puts(out, "      _arguments");
    each_flag(r, c, out, zsh_flag);
    if (words[0]) {
        dm_buf_printf(out, " \\\n        '1:value:(%s)'", words);
    } else if (operand_is_file(c)) {
        dm_buf_puts(out, " \\\n        '*:file:_files'");
    }
    dm_buf_puts(out, " ;;\n");
}

static void zsh_list(struct cmd_run *r, struct dm_buf *out, const struct cmd *const *table)
{
    dm_buf_puts(out, "    local -a list=(");
    for (; *table; table++) {
        dm_buf_printf(out, "\n      '%s:", (*table)->name);
        zsh_text(out, lang_text(r->lang, (*table)->summary));
        dm_buf_putc(out, '\'');
    }
    dm_buf_puts(out, ")\n    _describe command list; return\n");
}

static void zsh_write(struct cmd_run *r, struct dm_buf *out)
{
    dm_buf_puts(out, "#compdef demeter\n# zsh completion, made by: demeter completion zsh\n"
                     "_demeter() {\n  if (( CURRENT == 2 )); then\n");
    zsh_list(r, out, r->commands);
    dm_buf_puts(out, "  fi\n  local cmd=$words[2]\n  shift words; (( CURRENT-- ))\n"
                     "  case $cmd in\n");
    for (const struct cmd *const *p = r->commands; *p; p++) {
        dm_buf_printf(out, "    %s)\n", (*p)->name);
        if (!(*p)->sub) {
            zsh_arguments(r, out, *p);
            continue;
        }
        dm_buf_puts(out, "    if (( CURRENT == 2 )); then\n");
        zsh_list(r, out, (*p)->sub);
        dm_buf_puts(out, "    fi\n    cmd=$words[2]; shift words; (( CURRENT-- ))\n"
                         "    case $cmd in\n");
        for (const struct cmd *const *s = (*p)->sub; *s; s++) {
            dm_buf_printf(out, "    %s)\n", (*s)->name);
            zsh_arguments(r, out, *s);
        }
        dm_buf_puts(out, "    esac ;;\n");
    }
    dm_buf_puts(out, "  esac\n}\n_demeter \"$@\"\n");
}

/* ---- fish ---- */

/* Inside '...': backslash and quote are escaped. */
static void fish_text(struct dm_buf *out, const char *s)
{
    for (; *s; s++) {
        dm_buf_puts(out, *s == '\'' || *s == '\\' ? "\\" : "");
        dm_buf_putc(out, *s);
    }
}

/* Condition under which an entry of the command applies. */
static void fish_when(struct dm_buf *out, const struct cmd *parent, const struct cmd *c)
{
    dm_buf_printf(out, "complete -c demeter -n '__fish_seen_subcommand_from %s",
                  parent ? parent->name : c->name);
    if (parent) {
        dm_buf_printf(out, "; and __fish_seen_subcommand_from %s", c->name);
    }
    dm_buf_putc(out, '\'');
}

static void fish_flag(struct dm_buf *out, const struct cmd_run *r, const struct cmd *parent,
                      const struct cmd *c, const struct dm_opt *o)
{
    char flag[DM_OPT_NAME_MAX];
    char letter = cmd_letter(dm_opt_flag(o, flag));
    bool on = o->type == DM_OPT_BOOL && !strcmp(o->def, "true");
    fish_when(out, parent, c);
    dm_buf_printf(out, " -l %s%s", on ? "no-" : "", flag);
    if (letter) {
        dm_buf_printf(out, " -s %c", letter);
    }
    if (o->type == DM_OPT_ENUM) {
        dm_buf_puts(out, " -x -a '");
        for (size_t i = 0; o->choices[i]; i++) {
            dm_buf_printf(out, "%s%s", i ? " " : "", o->choices[i]);
        }
        dm_buf_putc(out, '\'');
    } else if (takes_files(o)) {
        dm_buf_puts(out, " -r -F");
    } else if (takes_folders(o)) {
        dm_buf_puts(out, " -x -a '(__fish_complete_directories)'");
    } else if (o->type != DM_OPT_BOOL) {
        dm_buf_puts(out, " -x");
    }
    dm_buf_puts(out, " -d '");
    fish_text(out, lang_option_help(r->lang, o));
    dm_buf_puts(out, "'\n");
}

static void fish_flags(struct cmd_run *r, struct dm_buf *out, const struct cmd *c,
                       const struct dm_opt *o)
{
    fish_flag(out, r, r->parent, c, o);
}

static void fish_command(struct cmd_run *r, struct dm_buf *out, const struct cmd *parent,
                         const struct cmd *c)
{
    const struct cmd *own = r->parent;
    r->parent = parent;
    each_flag(r, c, out, fish_flags);
    r->parent = own;
    const char *words = operand_words(r, c);
    if (words[0]) {
        fish_when(out, parent, c);
        dm_buf_printf(out, " -x -a '%s'\n", words);
    } else if (operand_is_file(c)) {
        fish_when(out, parent, c);
        dm_buf_puts(out, " -F\n");
    }
}

static void fish_write(struct cmd_run *r, struct dm_buf *out)
{
    dm_buf_puts(out, "# fish completion for demeter, made by: demeter completion fish\n"
                     "complete -c demeter -f\n");
    for (const struct cmd *const *p = r->commands; *p; p++) {
        dm_buf_printf(out, "complete -c demeter -n __fish_use_subcommand -a %s -d '", (*p)->name);
        fish_text(out, lang_text(r->lang, (*p)->summary));
        dm_buf_puts(out, "'\n");
        for (const struct cmd *const *s = (*p)->sub; s && *s; s++) {
            dm_buf_printf(out, "complete -c demeter -n '__fish_seen_subcommand_from %s' -a %s -d '",
                          (*p)->name, (*s)->name);
            fish_text(out, lang_text(r->lang, (*s)->summary));
            dm_buf_puts(out, "'\n");
        }
    }
    each_command(r, out, fish_command);
}

const struct completion_shell completion_shells[] = {
    {"bash", bash_write}, {"zsh", zsh_write}, {"fish", fish_write}, {0}};

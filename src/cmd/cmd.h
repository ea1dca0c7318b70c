/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands as data. One row of the table in cmd/commands.c is one command: its words, flags,
 * settings, examples and the function that runs it. Parsing, --help, man pages, shell completion
 * and docs/CONFIG.md are made from the rows. CONTRIBUTING.md has the recipe for a new one. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/opt.h"
#include "cmd/lang.h"
#include "cmd/settings.h"

struct cmd_run;

struct cmd_example {
    const char *line; /* as typed */
    enum msg text;    /* what it does */
};

struct cmd {
    const char *name;       /* one word; a command inside another has the inner word only */
    const char *operands;   /* "PHOTO|FOLDER|GLOB...", "" */
    int min_args, max_args; /* operands; max -1 = any number */
    enum msg summary;       /* one line */
    enum msg about;         /* paragraph, MSG_EMPTY for none */

    /* Flags of this command alone: rows whose names have no section, so they exist neither in the
     * environment nor in the file. Values go into a zeroed struct of flags_size bytes. */
    const struct dm_opt *flags;
    size_t n_flags, flags_size;

    /* Settings that are flags of this command: names, or sections with the final point. NULL-ended,
     * NULL for none. */
    const char *const *settings;

    const struct cmd_example *examples; /* ended by line NULL; NULL for none */
    const struct cmd *const *sub;       /* commands inside, NULL-ended; then run is NULL */
    bool lenient; /* runs with a broken configuration too; settings_error then says what is wrong */

    /* Exit status >= 0, or a code that cmd_main prints and turns into its exit status. */
    int (*run)(struct cmd_run *r, struct dm_err *e);
};

/* Flags that every command has. */
struct cmd_general {
    bool help, quiet, verbose, progress;
    const char *config;
};
extern const struct dm_opt cmd_general_flags[];
extern const size_t cmd_general_count;

/* What a running command knows. */
struct cmd_run {
    const struct cmd *const *commands; /* the whole table, NULL-ended */
    const struct cmd *parent;          /* of a command inside another, else NULL */
    const struct cmd *cmd;
    struct dm_arena arena; /* lives as long as the command */
    FILE *out, *err;
    enum lang lang;
    struct cmd_general general;
    void *flags; /* cmd->flags_size bytes */
    const char **args;
    size_t n_args;
    struct settings settings;
    const char *config_file;      /* that was read, "" for none */
    struct dm_err settings_error; /* of a lenient command; code DM_OK when all is well */
    char **environ;
    bool own_words; /* the error at hand is already in the user's language */
};

/* All commands, NULL-ended, sorted by name: asserted by a test. */
extern const struct cmd *const commands[];

/* The process: find the command, parse, load settings, run, report. Returns the exit status of
 * product.md section 4. */
int cmd_main(const struct cmd *const *table, int argc, char **argv, char **environment, FILE *out,
             FILE *err);

/* Row of that name; NULL when there is none. */
const struct cmd *cmd_find(const struct cmd *const *table, const char *name);

/* "demeter model info". In the run's arena. */
const char *cmd_full_name(struct cmd_run *r);

/* Short letter of a flag, 0 for none; and the flag of a letter, NULL for none. */
char cmd_letter(const char *flag);
const char *cmd_flag_of_letter(char letter);

/* Whether the setting named name is a flag of the command. */
bool cmd_uses_setting(const struct cmd *c, const char *name);

/* Fail with a text in the user's language (made with T, TF). Returns code. */
int cmd_fail(struct cmd_run *r, struct dm_err *e, int code, const char *text);

/* An error in the user's language: as it is when cmd_fail made it, else by lang_error. */
const char *cmd_error_text(struct cmd_run *r, const struct dm_err *e);

/* Terse access to words in the run's language. */
#define T(r, m)       lang_text((r)->lang, MSG_##m)
#define TF(r, m, ...) LANG_FILL(&(r)->arena, (r)->lang, MSG_##m, __VA_ARGS__)
#define TN(r, m, n)   lang_plural(&(r)->arena, (r)->lang, MSG_##m##_ONE, MSG_##m##_OTHER, (n))

#endif

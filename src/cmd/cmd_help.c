/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter help: the same words as --help, and with two flags that only the build uses, man pages
 * and docs/CONFIG.md. */
#include "cmd/commands.h"
#include "cmd/help.h"

enum { PAGE_MAX_BYTES = 1 << 20 };

struct help_flags {
    const char *man;
    bool markdown;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "man", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct help_flags, man), .def = "",
     .unit = "PAGE", .flags = DM_OPT_HIDDEN, .help = "print a man page in roff"},
    {.name = "markdown", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct help_flags, markdown),
     .def = "false", .flags = DM_OPT_HIDDEN, .help = "print docs/CONFIG.md"},
};
static const struct cmd_example examples[] = {
    {"demeter help count", MSG_HELP_EXAMPLE},
    {0},
};
// clang-format on

static int print_page(struct cmd_run *r, const struct help_flags *f, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf page = dm_buf_init(PAGE_MAX_BYTES);
    DM_TRY(f->markdown ? help_config_markdown(r, &page, e) : help_man(r, f->man, &page, e));
    (void)fputs(dm_buf_str(&page), r->out);
    return 0;
}

static int help_run(struct cmd_run *r, struct dm_err *e)
{
    const struct help_flags *f = r->flags;
    if (f->man[0] || f->markdown) {
        return print_page(r, f, e);
    }
    if (r->n_args == 0) {
        return help_overview(r, r->out, e);
    }
    const struct cmd *c = cmd_find(r->commands, r->args[0]);
    r->parent = NULL;
    if (c && c->sub && r->n_args > 1) {
        r->parent = c;
        c = cmd_find(c->sub, r->args[1]);
    }
    if (!c) {
        return cmd_fail(r, e, DM_ENOTFOUND, TF(r, UNKNOWN_COMMAND, r->args[r->parent ? 1 : 0]));
    }
    r->cmd = c;
    return help_command(r, e);
}

const struct cmd cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .max_args = 2,
    .summary = MSG_HELP_SUMMARY,
    .about = MSG_EMPTY,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct help_flags),
    .examples = examples,
    .lenient = true,
    .run = help_run,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter completion: scripts for the shells, made from the tables. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/completion.h"

enum { SCRIPT_MAX_BYTES = 1 << 20 };

// clang-format off
static const struct cmd_example examples[] = {
    {"demeter completion bash > ~/.local/share/bash-completion/completions/demeter",
     MSG_COMPLETION_EXAMPLE_BASH},
    {"demeter completion zsh > ~/.zfunc/_demeter", MSG_COMPLETION_EXAMPLE_ZSH},
    {"demeter completion fish > ~/.config/fish/completions/demeter.fish",
     MSG_COMPLETION_EXAMPLE_FISH},
    {0},
};
// clang-format on

static int completion_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf script = dm_buf_init(SCRIPT_MAX_BYTES);
    for (size_t i = 0; completion_shells[i].name; i++) {
        if (!strcmp(completion_shells[i].name, r->args[0])) {
            completion_shells[i].write(r, &script);
            DM_TRY(dm_buf_ok(&script, e));
            (void)fputs(dm_buf_str(&script), r->out);
            return 0;
        }
    }
    return cmd_fail(r, e, DM_EUSAGE, TF(r, UNKNOWN_SHELL, r->args[0]));
}

const struct cmd cmd_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_COMPLETION_SUMMARY,
    .about = MSG_EMPTY,
    .examples = examples,
    .lenient = true,
    .run = completion_run,
};

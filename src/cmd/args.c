/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line to flags and operands. */
#include "cmd/args.h"

#include <string.h>

enum { SET_GENERAL, SET_OWN, SET_SETTINGS, SET_MAX_ = SET_SETTINGS + SETTINGS_SETS };

// clang-format off
const struct dm_opt cmd_general_flags[] = {
    {.name = "config", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct cmd_general, config),
     .def = "", .unit = "FILE", .help = "configuration file to read instead of the usual ones"},
    {.name = "help", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct cmd_general, help),
     .def = "false", .help = "show this help"},
    {.name = "progress", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct cmd_general, progress),
     .def = "true", .help = "progress bar on a terminal; --no-progress or NO_COLOR turn it off"},
    {.name = "quiet", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct cmd_general, quiet),
     .def = "false", .help = "results and errors only"},
    {.name = "verbose", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct cmd_general, verbose),
     .def = "false", .help = "say what is being done, on standard error"},
};
// clang-format on
const size_t cmd_general_count = DM_COUNT(cmd_general_flags);

static const struct {
    char letter;
    const char *flag;
} letters[] = {{'h', "help"},      {'j', "jobs"},    {'o', "out"},    {'q', "quiet"},
               {'r', "recursive"}, {'v', "verbose"}, {'V', "version"}};

char cmd_letter(const char *flag)
{
    for (size_t i = 0; i < DM_COUNT(letters); i++) {
        if (!strcmp(letters[i].flag, flag)) {
            return letters[i].letter;
        }
    }
    return 0;
}

const char *cmd_flag_of_letter(char letter)
{
    for (size_t i = 0; i < DM_COUNT(letters); i++) {
        if (letters[i].letter == letter) {
            return letters[i].flag;
        }
    }
    return NULL;
}

bool cmd_uses_setting(const struct cmd *c, const char *name)
{
    if (!strcmp(name, "ui.lang")) {
        return true;
    }
    for (const char *const *p = c->settings; p && *p; p++) {
        size_t n = strlen(*p);
        bool section = n > 0 && (*p)[n - 1] == '.';
        if (section ? !strncmp(name, *p, n) : !strcmp(name, *p)) {
            return true;
        }
    }
    return false;
}

struct parser {
    struct cmd_run *r;
    struct dm_opt_set set[SET_MAX_];
    struct args_parsed *out;
    size_t max_setting;
    int n, i; /* argv, next */
    char **argv;
};

/* A flag found in the tables. */
struct found {
    size_t set;
    size_t index;
    const struct dm_opt *opt;
    bool negated;
};

static bool is_visible(const struct parser *p, size_t set, const struct dm_opt *o)
{
    return set < SET_SETTINGS ||
           (!(o->flags & DM_OPT_NO_FLAG) && cmd_uses_setting(p->r->cmd, o->name));
}

static bool find_flag(const struct parser *p, const char *name, struct found *ret)
{
    for (size_t s = 0; s < SET_MAX_; s++) {
        for (size_t i = 0; i < p->set[s].n; i++) {
            const struct dm_opt *o = &p->set[s].table[i];
            char flag[DM_OPT_NAME_MAX];
            if (!is_visible(p, s, o)) {
                continue;
            }
            dm_opt_flag(o, flag);
            bool same = !strcmp(name, flag);
            bool negated = !same && o->type == DM_OPT_BOOL && !strncmp(name, "no-", 3) &&
                           !strcmp(name + 3, flag);
            if (same || negated) {
                *ret = (struct found){s, i, o, negated};
                return true;
            }
        }
    }
    return false;
}

/* All flags of the command as "--name" strings, for the nearest one. */
static const char *const *visible_flags(const struct parser *p)
{
    size_t max = 1;
    for (size_t s = 0; s < SET_MAX_; s++) {
        max += 2 * p->set[s].n;
    }
    const char **names = dm_arena_calloc(&p->r->arena, max, sizeof(*names));
    size_t n = 0;
    for (size_t s = 0; names && s < SET_MAX_; s++) {
        for (size_t i = 0; i < p->set[s].n; i++) {
            const struct dm_opt *o = &p->set[s].table[i];
            char flag[DM_OPT_NAME_MAX];
            dm_opt_flag(o, flag);
            if (!is_visible(p, s, o)) {
                continue;
            }
            for (int no = 0; no < (o->type == DM_OPT_BOOL ? 2 : 1); no++) {
                char *name = dm_arena_printf(&p->r->arena, "--%s%s", no ? "no-" : "", flag);
                if (name) {
                    names[n++] = name;
                }
            }
        }
    }
    return names;
}

static int unknown_flag(const struct parser *p, const char *given, struct dm_err *e)
{
    const char *const *names = visible_flags(p);
    const char *near = names ? dm_nearest(given, names) : NULL;
    if (near) {
        return cmd_fail(p->r, e, DM_EUSAGE, TF(p->r, UNKNOWN_FLAG_NEAR, given, near));
    }
    return cmd_fail(p->r, e, DM_EUSAGE, TF(p->r, UNKNOWN_FLAG, given));
}

/* Give a found flag its text. spelled is how the user wrote it. */
static int assign(struct parser *p, const struct found *f, const char *text, const char *spelled,
                  struct dm_err *e)
{
    struct dm_err why = {0};
    char flag[DM_OPT_NAME_MAX];
    struct dm_opt_source source = {DM_ORIGIN_FLAG, 0,
                                   dm_arena_strdup(&p->r->arena, dm_opt_flag(f->opt, flag))};
    /* settings are tried at once, so that a mistake is reported as the flag it is, and applied
     * again after file and environment */
    int code = dm_opt_set_value(&p->set[f->set], f->index, text, source, &p->r->arena, &why);
    if (code < 0) {
        char range[DM_OPT_NAME_MAX];
        const char *allowed = lang_words(&p->r->arena, p->r->lang, dm_opt_range(f->opt, range));
        const char *words = allowed[0] ? TF(p->r, BAD_FLAG_VALUE, spelled, text, allowed)
                                       : TF(p->r, BAD_FLAG_TEXT, spelled, text);
        return cmd_fail(p->r, e, code == DM_ENOMEM ? code : DM_EUSAGE, words);
    }
    if (f->set >= SET_SETTINGS) {
        DM_BUG_UNLESS(p->out->n_setting < p->max_setting);
        p->out->setting[p->out->n_setting++] =
            (struct args_setting){f->set - SET_SETTINGS, f->index, text, source.detail};
    }
    return DM_OK;
}

static int take_long(struct parser *p, const char *arg, struct dm_err *e)
{
    const char *sign = strchr(arg, '=');
    char *name = dm_arena_strndup(&p->r->arena, arg, sign ? (size_t)(sign - arg) : strlen(arg));
    struct found f;
    if (!name) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the command line");
    }
    if (!find_flag(p, name + 2, &f)) {
        return unknown_flag(p, name, e);
    }
    if (f.opt->type == DM_OPT_BOOL) {
        if (f.negated && sign) {
            return cmd_fail(p->r, e, DM_EUSAGE, TF(p->r, FLAG_TAKES_NO_VALUE, name));
        }
        return assign(p, &f, sign ? sign + 1 : f.negated ? "false" : "true", name, e);
    }
    if (!sign && p->i >= p->n) {
        return cmd_fail(p->r, e, DM_EUSAGE, TF(p->r, FLAG_NEEDS_VALUE, name));
    }
    return assign(p, &f, sign ? sign + 1 : p->argv[p->i++], name, e);
}

/* "-qv", "-j4", "-j 4" */
static int take_short(struct parser *p, const char *arg, struct dm_err *e)
{
    for (const char *c = arg + 1; *c; c++) {
        const char *flag = cmd_flag_of_letter(*c);
        const char *spelled = dm_arena_printf(&p->r->arena, "-%c", *c);
        struct found f;
        if (!spelled || !flag || !find_flag(p, flag, &f)) {
            return unknown_flag(p, spelled ? spelled : arg, e);
        }
        if (f.opt->type == DM_OPT_BOOL) {
            DM_TRY(assign(p, &f, "true", spelled, e));
            continue;
        }
        if (!c[1] && p->i >= p->n) {
            return cmd_fail(p->r, e, DM_EUSAGE, TF(p->r, FLAG_NEEDS_VALUE, spelled));
        }
        return assign(p, &f, c[1] ? c + 1 : p->argv[p->i++], spelled, e);
    }
    return DM_OK;
}

static int check_operands(struct cmd_run *r, struct dm_err *e)
{
    if (r->general.help || r->cmd->sub) {
        return DM_OK;
    }
    if (r->n_args < (size_t)r->cmd->min_args) {
        return cmd_fail(r, e, DM_EUSAGE,
                        TF(r, OPERAND_MISSING, lang_words(&r->arena, r->lang, r->cmd->operands)));
    }
    if (r->cmd->max_args >= 0 && r->n_args > (size_t)r->cmd->max_args) {
        return cmd_fail(r, e, DM_EUSAGE, TF(r, OPERAND_TOO_MANY, r->args[r->cmd->max_args]));
    }
    return DM_OK;
}

static int bind_flags(struct parser *p, size_t which, const struct dm_opt *table, size_t n,
                      void *values, struct dm_err *e)
{
    struct dm_opt_source *sources = dm_arena_calloc(&p->r->arena, n, sizeof(*sources));
    if (!sources) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the command line");
    }
    p->set[which] = (struct dm_opt_set){table, n, values, sources};
    dm_opt_defaults(&p->set[which]);
    return DM_OK;
}

int args_parse(struct cmd_run *r, int n, char **argv, struct args_parsed *ret, struct dm_err *e)
{
    struct parser p = {.r = r, .out = ret, .max_setting = (size_t)n, .n = n, .argv = argv};
    const size_t flags_size = DM_MAX(r->cmd->flags_size, (size_t)1);
    *ret = (struct args_parsed){.setting =
                                    dm_arena_calloc(&r->arena, (size_t)n, sizeof(*ret->setting))};
    r->flags = dm_arena_calloc(&r->arena, flags_size, 1);
    r->args = dm_arena_calloc(&r->arena, (size_t)n + 1, sizeof(*r->args));
    if (!ret->setting || !r->flags || !r->args) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the command line");
    }
    DM_TRY(bind_flags(&p, SET_GENERAL, cmd_general_flags, cmd_general_count, &r->general, e));
    DM_TRY(bind_flags(&p, SET_OWN, r->cmd->flags, r->cmd->n_flags, r->flags, e));
    for (size_t s = 0; s < SETTINGS_SETS; s++) {
        p.set[SET_SETTINGS + s] = r->settings.set[s];
    }
    for (bool flags = true; p.i < p.n;) {
        char *arg = p.argv[p.i++];
        if (!flags || arg[0] != '-' || !arg[1]) {
            r->args[r->n_args++] = arg;
        } else if (!strcmp(arg, "--")) {
            flags = false;
        } else {
            DM_TRY(arg[1] == '-' ? take_long(&p, arg, e) : take_short(&p, arg, e));
        }
    }
    return check_operands(r, e);
}

int args_apply(struct cmd_run *r, const struct args_parsed *p, struct dm_err *e)
{
    for (size_t i = 0; i < p->n_setting; i++) {
        const struct args_setting *s = &p->setting[i];
        struct dm_opt_source source = {DM_ORIGIN_FLAG, 0, s->flag};
        DM_TRY(dm_opt_set_value(r->settings.sets[s->set], s->index, s->text, source, &r->arena, e));
    }
    return DM_OK;
}

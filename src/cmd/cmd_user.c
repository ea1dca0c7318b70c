/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter user: people and their passwords. A password is read from the terminal without showing
 * it, or from standard input; never from the command line, which others can see. */
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/tokens.h"

struct user_flags {
    bool dry_run, json, temporary;
    int32_t role;
    const char *first_name, *last_name;
};

#define AT(field) .offset = DM_OPT_AT(struct user_flags, field)

static const char *const roles[] = {"viewer", "worker", "supervisor", "admin", NULL};

// clang-format off
#define TEMPORARY {.name = "temporary", .type = DM_OPT_BOOL, AT(temporary), .def = "false", \
     .help = "make up a password, print it, and have it changed at the next sign-in"}
static const struct dm_opt add_flags[] = {
    {.name = "first_name", .type = DM_OPT_STR, AT(first_name), .def = "", .help = "first name"},
    {.name = "last_name", .type = DM_OPT_STR, AT(last_name), .def = "", .help = "last name"},
    {.name = "role", .type = DM_OPT_ENUM, AT(role), .def = "worker", .choices = roles,
     .help = "what the person may do"},
    TEMPORARY,
};
static const struct dm_opt import_flags[] = {
    {.name = "dry_run", .type = DM_OPT_BOOL, AT(dry_run), .def = "false",
     .help = "only show what would be written"},
};
static const struct dm_opt list_flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, AT(json), .def = "false",
     .help = "print NDJSON, one object a line"},
};
static const struct dm_opt passwd_flags[] = {TEMPORARY};
static const struct cmd_example add_examples[] = {
    {"demeter user add ana@vivero.example --role admin --first-name Ana --last-name Rossi", MSG_USER_ADD_EXAMPLE},
    {0},
};
static const struct cmd_example deactivate_examples[] = {
    {"demeter user deactivate oscar@vivero.example", MSG_USER_DEACTIVATE_EXAMPLE},
    {0},
};
static const struct cmd_example import_examples[] = {
    {"demeter user import personas.csv --dry-run", MSG_USER_IMPORT_EXAMPLE},
    {0},
};
static const struct cmd_example list_examples[] = {
    {"demeter user list --json", MSG_USER_LIST_EXAMPLE},
    {0},
};
static const struct cmd_example role_examples[] = {
    {"demeter user role oscar@vivero.example supervisor", MSG_USER_ROLE_EXAMPLE},
    {0},
};
static const struct cmd_example setup_examples[] = {
    {"demeter user setup-link", MSG_USER_SETUP_EXAMPLE},
    {0},
};
static const struct cmd_example passwd_examples[] = {
    {"demeter user passwd ana@vivero.example --temporary", MSG_USER_PASSWD_EXAMPLE},
    {0},
};
// clang-format on

/* One line without its end. */
static bool read_line(char *ret, size_t size)
{
    if (!fgets(ret, (int)size, stdin)) {
        return false;
    }
    ret[strcspn(ret, "\r\n")] = '\0';
    return true;
}

static int ask_password(struct cmd_run *r, char *ret, size_t size, struct dm_err *e)
{
    struct termios before;
    const bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        (void)fprintf(r->err, "%s ", T(r, USER_PASSWORD_PROMPT));
        (void)fflush(r->err);
    }
    const bool got = read_line(ret, size);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', r->err);
    }
    if (!got) {
        DM_FAIL(e, DM_EUSAGE, "no password was given");
    }
    return DM_OK;
}

enum { TYPED_MAX = 256 }; /* the rule of 72 bytes is told by the rule, not by cutting */

/* The password of a person: made up or asked for. */
static int password_for(struct cmd_run *r, char ret[static TYPED_MAX], struct dm_err *e)
{
    const struct user_flags *f = r->flags;
    if (f->temporary) {
        password_temporary(ret);
        (void)fprintf(r->out, "%s\n", ret);
        return DM_OK;
    }
    return ask_password(r, ret, TYPED_MAX, e);
}

static int add_run(struct cmd_run *r, struct dm_err *e)
{
    const struct user_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    char password[TYPED_MAX] = "";
    int64_t id;
    DM_TRY(books_open(r, &b, e));
    DM_TRY(password_for(r, password, e));
    const char *at = strchr(r->args[0], '@');
    const char *name = dm_arena_strndup(&r->arena, r->args[0], at ? (size_t)(at - r->args[0]) : 1);
    const struct user_new n = {.email = r->args[0],
                               .first_name = f->first_name[0] ? f->first_name : name,
                               .last_name = f->last_name[0] ? f->last_name : "-",
                               .role = (enum inv_role)f->role,
                               .password = password,
                               .must_change = f->temporary};
    const int code = user_add(&b.ctx, &n, &id, e);
    explicit_bzero(password, sizeof(password));
    DM_TRY(code);
    if (!r->general.quiet) {
        (void)fprintf(r->err, "%s\n", TF(r, USER_ADDED, r->args[0], roles[f->role]));
    }
    return 0;
}

static int import_run_users(struct cmd_run *r, struct dm_err *e)
{
    const struct user_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_CSV_BYTES);
    struct user_import_result made = {0};
    DM_TRY(dm_buf_read_file(&text, r->args[0], e));
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_import(&b.ctx, dm_buf_str(&text), text.len, f->dry_run, &r->arena, &made, e));
    for (int64_t i = 0; i < DM_MIN(made.failed, (int64_t)USER_IMPORT_ERRORS_MAX); i++) {
        (void)fprintf(r->out, "%6lld  %s\n", (long long)made.error[i].line, made.error[i].issue);
    }
    (void)fprintf(r->out, "%s\n",
                  TF(r, USER_IMPORTED, lang_integer(&r->arena, r->lang, made.made),
                     lang_integer(&r->arena, r->lang, made.known),
                     lang_integer(&r->arena, r->lang, made.failed)));
    return made.failed > 0 ? 6 : 0;
}

static int print_user(struct cmd_run *r, const struct user *u, struct dm_err *e)
{
    const struct user_flags *f = r->flags;
    if (!f->json) {
        (void)fprintf(r->out, "%-36s %-11s %s %s%s%s\n", u->email, inv_role_names[u->role],
                      u->first_name, u->last_name, u->active ? "" : "  ",
                      u->active ? "" : T(r, USER_INACTIVE));
        return DM_OK;
    }
    json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:s}", "id", u->id, "email", u->email,
                          "first_name", u->first_name, "last_name", u->last_name, "role",
                          inv_role_names[u->role], "active", u->active, "provider",
                          u->provider ? u->provider : "local");
    const bool written = o && json_dumpf(o, r->out, JSON_COMPACT) == 0;
    json_decref(o);
    if (!written) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list");
    }
    (void)fputc('\n', r->out);
    return DM_OK;
}

static int list_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(books_close) struct books b = {0};
    const struct user *list;
    size_t n;
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_list(&b.ctx, -1, INV_ROLE_MAX_, &r->arena, &list, &n, e));
    for (size_t i = 0; i < n; i++) {
        DM_TRY(print_user(r, &list[i], e));
    }
    return 0;
}

static int passwd_run(struct cmd_run *r, struct dm_err *e)
{
    const struct user_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    struct user u;
    char password[TYPED_MAX] = "";
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_find(&b.ctx, r->args[0], &r->arena, &u, e));
    DM_TRY(password_for(r, password, e));
    const int code = user_reset(&b.ctx, u.id, password, !f->temporary, e);
    explicit_bzero(password, sizeof(password));
    return code < 0 ? code : 0;
}

static int change(struct cmd_run *r, struct user_change x, struct dm_err *e)
{
    DM_CLEANUP(books_close) struct books b = {0};
    struct user u;
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_find(&b.ctx, r->args[0], &r->arena, &u, e));
    DM_TRY(user_change(&b.ctx, u.id, &x, e));
    return 0;
}

static int role_run(struct cmd_run *r, struct dm_err *e)
{
    for (int i = 0; roles[i]; i++) {
        if (!strcmp(r->args[1], roles[i])) {
            return change(r, (struct user_change){.role = (enum inv_role)i, .active = -1}, e);
        }
    }
    DM_FAIL(e, DM_EUSAGE, "a role is viewer, worker, supervisor or admin");
}

static int deactivate_run(struct cmd_run *r, struct dm_err *e)
{
    return change(r, (struct user_change){.role = INV_ROLE_MAX_, .active = 0}, e);
}

static int setup_link_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(books_close) struct books b = {0};
    char secret[PASSWORD_SECRET_SIZE];
    const char *address = books_address(r);
    if (!address) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    DM_TRY(books_open(r, &b, e));
    DM_TRY(link_setup(&b.ctx, secret, e));
    (void)fprintf(r->out, "%s/setup#%s\n", address, secret);
    return 0;
}

#define FLAGS(table)                                                                               \
    .flags = (table), .n_flags = DM_COUNT(table), .flags_size = sizeof(struct user_flags)

static const struct cmd user_add_cmd = {
    .name = "add",
    .operands = "EMAIL",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_USER_ADD_SUMMARY,
    .about = MSG_USER_ADD_ABOUT,
    FLAGS(add_flags),
    .examples = add_examples,
    .run = add_run,
};
static const struct cmd user_deactivate_cmd = {
    .name = "deactivate",
    .operands = "EMAIL",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_USER_DEACTIVATE_SUMMARY,
    .about = MSG_EMPTY,
    .examples = deactivate_examples,
    .run = deactivate_run,
};
static const struct cmd user_import_cmd = {
    .name = "import",
    .operands = "FILE",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_USER_IMPORT_SUMMARY,
    .about = MSG_USER_IMPORT_ABOUT,
    FLAGS(import_flags),
    .examples = import_examples,
    .run = import_run_users,
};
static const struct cmd user_list_cmd = {
    .name = "list",
    .operands = "",
    .summary = MSG_USER_LIST_SUMMARY,
    .about = MSG_EMPTY,
    FLAGS(list_flags),
    .examples = list_examples,
    .run = list_run,
};
static const struct cmd user_passwd_cmd = {
    .name = "passwd",
    .operands = "EMAIL",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_USER_PASSWD_SUMMARY,
    .about = MSG_EMPTY,
    FLAGS(passwd_flags),
    .examples = passwd_examples,
    .run = passwd_run,
};
static const struct cmd user_role_cmd = {
    .name = "role",
    .operands = "EMAIL ROLE",
    .min_args = 2,
    .max_args = 2,
    .summary = MSG_USER_ROLE_SUMMARY,
    .about = MSG_EMPTY,
    .examples = role_examples,
    .run = role_run,
};
static const struct cmd user_setup_cmd = {
    .name = "setup-link",
    .operands = "",
    .summary = MSG_USER_SETUP_SUMMARY,
    .about = MSG_EMPTY,
    .examples = setup_examples,
    .run = setup_link_run,
};
static const struct cmd *const inside_user[] = {
    &user_add_cmd,    &user_deactivate_cmd, &user_import_cmd, &user_list_cmd,
    &user_passwd_cmd, &user_role_cmd,       &user_setup_cmd,  NULL};

const struct cmd cmd_user = {
    .name = "user",
    .operands = "",
    .summary = MSG_USER_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inside_user,
};

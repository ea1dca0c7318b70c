/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter token: keys by which scripts sign in. The secret is shown once, when it is made. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "inventory/tokens.h"

struct token_flags {
    bool json;
    int32_t days;
    const char *scopes;
};

#define AT(field) .offset = DM_OPT_AT(struct token_flags, field)

enum { DAY_MS = 24 * 60 * 60 * 1000 };

// clang-format off
static const struct dm_opt add_flags[] = {
    {.name = "days", .type = DM_OPT_I32, AT(days), .def = "365", .min = 0, .max = 3650, .unit = "d",
     .help = "how long it works; 0 is until it is revoked"},
    {.name = "scopes", .type = DM_OPT_STR, AT(scopes), .def = "read", .unit = "LIST",
     .help = "what it may do, at most what the person may: read, photos, stock, manage, with commas"},
};
static const struct dm_opt list_flags[] = {
    {.name = "json", .type = DM_OPT_BOOL, AT(json), .def = "false", .help = "print NDJSON, one object a line"},
};
static const struct cmd_example add_examples[] = {
    {"demeter token add ana@vivero.example contable --scopes read,stock --days 90", MSG_TOKEN_ADD_EXAMPLE},
    {0},
};
static const struct cmd_example list_examples[] = {
    {"demeter token list ana@vivero.example", MSG_TOKEN_LIST_EXAMPLE},
    {0},
};
static const struct cmd_example revoke_examples[] = {
    {"demeter token revoke 7", MSG_TOKEN_REVOKE_EXAMPLE},
    {0},
};
// clang-format on

static unsigned scope_bit(const char *name, size_t len)
{
    for (unsigned bit = 0; token_scope_names[bit]; bit++) {
        if (strlen(token_scope_names[bit]) == len && !memcmp(token_scope_names[bit], name, len)) {
            return 1U << bit;
        }
    }
    return 0;
}

static int scopes_of(const char *list, unsigned *ret, struct dm_err *e)
{
    *ret = 0;
    while (*list) {
        const size_t len = strcspn(list, ",");
        const unsigned bit = scope_bit(list, len);
        if (!bit) {
            DM_FAIL(e, DM_EUSAGE, "scopes are read, photos, stock and manage");
        }
        *ret |= bit;
        list += len + (list[len] == ',');
    }
    return DM_OK;
}

/* What the person may do bounds the token, so it is made in the person's name. */
static int add_run(struct cmd_run *r, struct dm_err *e)
{
    const struct token_flags *f = r->flags;
    DM_CLEANUP(books_close) struct books b = {0};
    struct user u;
    unsigned scopes;
    char secret[TOKEN_TEXT_SIZE];
    int64_t id;
    DM_TRY(scopes_of(f->scopes, &scopes, e));
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_find(&b.ctx, r->args[0], &r->arena, &u, e));
    struct inv_ctx owner = b.ctx;
    owner.user_id = u.id;
    owner.role = u.role;
    DM_TRY(token_issue(&owner, r->args[1], scopes,
                       f->days ? owner.now_ms + (int64_t)f->days * DAY_MS : 0, secret, &id, e));
    (void)fprintf(r->out, "%s\n", secret);
    explicit_bzero(secret, sizeof(secret));
    if (!r->general.quiet) {
        (void)fprintf(r->err, "%s\n",
                      TF(r, TOKEN_ADDED, lang_integer(&r->arena, r->lang, id), u.email));
    }
    return 0;
}

/* "read,stock" of a set of scopes, in the arena; NULL without memory. */
static const char *scope_list(struct dm_arena *a, unsigned scopes)
{
    const char *s = "";
    for (unsigned bit = 0; s && token_scope_names[bit]; bit++) {
        if (scopes & (1U << bit)) {
            s = dm_arena_printf(a, "%s%s%s", s, *s ? "," : "", token_scope_names[bit]);
        }
    }
    return s;
}

static const char *state_of(const struct cmd_run *r, const struct token *t, int64_t now_ms)
{
    if (t->revoked_at) {
        return T(r, TOKEN_REVOKED);
    }
    return t->expires_at && t->expires_at <= now_ms ? T(r, TOKEN_EXPIRED) : T(r, TOKEN_WORKS);
}

static int print_token(struct cmd_run *r, const struct token *t, int64_t now_ms, struct dm_err *e)
{
    const struct token_flags *f = r->flags;
    const char *scopes = scope_list(&r->arena, t->scopes);
    if (!scopes) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list");
    }
    if (!f->json) {
        (void)fprintf(r->out, "%6lld  %-12s %-24s %-26s %s\n", (long long)t->id, t->hint, t->name,
                      scopes, state_of(r, t, now_ms));
        return DM_OK;
    }
    json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)t->id,
                          "name", t->name, "hint", t->hint, "scopes", scopes, "created_at",
                          (json_int_t)t->created_at, "expires_at", (json_int_t)t->expires_at,
                          "last_used_at", (json_int_t)t->last_used_at, "revoked_at",
                          (json_int_t)t->revoked_at);
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
    struct user u;
    const struct token *list;
    size_t n;
    DM_TRY(books_open(r, &b, e));
    DM_TRY(user_find(&b.ctx, r->args[0], &r->arena, &u, e));
    DM_TRY(token_list(&b.ctx, u.id, &r->arena, &list, &n, e));
    for (size_t i = 0; i < n; i++) {
        DM_TRY(print_token(r, &list[i], b.ctx.now_ms, e));
    }
    return 0;
}

static int revoke_run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(books_close) struct books b = {0};
    char *end;
    const long long id = strtoll(r->args[0], &end, 10);
    if (*end || id <= 0) {
        DM_FAIL(e, DM_EUSAGE, "a token is named by its number: demeter token list EMAIL");
    }
    DM_TRY(books_open(r, &b, e));
    DM_TRY(token_revoke(&b.ctx, id, e));
    return 0;
}

#define FLAGS(table)                                                                               \
    .flags = (table), .n_flags = DM_COUNT(table), .flags_size = sizeof(struct token_flags)

static const struct cmd token_add_cmd = {
    .name = "add",
    .operands = "EMAIL NAME",
    .min_args = 2,
    .max_args = 2,
    .summary = MSG_TOKEN_ADD_SUMMARY,
    .about = MSG_TOKEN_ADD_ABOUT,
    FLAGS(add_flags),
    .examples = add_examples,
    .run = add_run,
};
static const struct cmd token_list_cmd = {
    .name = "list",
    .operands = "EMAIL",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_TOKEN_LIST_SUMMARY,
    .about = MSG_EMPTY,
    FLAGS(list_flags),
    .examples = list_examples,
    .run = list_run,
};
static const struct cmd token_revoke_cmd = {
    .name = "revoke",
    .operands = "ID",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_TOKEN_REVOKE_SUMMARY,
    .about = MSG_EMPTY,
    .examples = revoke_examples,
    .run = revoke_run,
};
static const struct cmd *const inside_token[] = {&token_add_cmd, &token_list_cmd, &token_revoke_cmd,
                                                 NULL};

const struct cmd cmd_token = {
    .name = "token",
    .operands = "",
    .summary = MSG_TOKEN_SUMMARY,
    .about = MSG_EMPTY,
    .sub = inside_token,
};

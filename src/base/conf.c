/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration file and environment. Read once at start; files of some dozen lines. */
#include "base/conf.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

enum { LINE_MAX_BYTES = 4096, TWIN_MAX_BYTES = 65536 };

/* Where the parser stands. */
struct parser {
    struct dm_opt_set *const *sets;
    size_t n_sets;
    const char *name; /* of the file, in a */
    int line;
    char section[DM_OPT_NAME_MAX / 2];
    struct dm_arena *a;
};

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r')) {
        s[--n] = '\0';
    }
    return s;
}

/* Prefix file and line to what is in e. */
static int here(const struct parser *p, int code, struct dm_err *e)
{
    (void)dm_err_context(e, "%s line %d", p->name, p->line);
    return code;
}

static int bad_line(const struct parser *p, const char *why, struct dm_err *e)
{
    DM_FAIL(e, DM_EBADINPUT, "%s line %d: %s", p->name, p->line, why);
}

static int parse_section(struct parser *p, char *line, struct dm_err *e)
{
    size_t n = strlen(line);
    if (n < 3 || line[n - 1] != ']' || n - 2 >= sizeof(p->section)) {
        return bad_line(p, "a section is written [name]", e);
    }
    (void)snprintf(p->section, sizeof(p->section), "%.*s", (int)(n - 2), line + 1);
    return DM_OK;
}

/* Index of a full name in one of the sets; DM_ENOTFOUND keeps the best suggestion of all sets. */
static int find(struct dm_opt_set *const *sets, size_t n_sets, const char *name,
                struct dm_opt_set **ret_set, struct dm_err *e)
{
    struct dm_err first = {0};
    for (size_t s = 0; s < n_sets; s++) {
        struct dm_err now = {0};
        int index = dm_opt_find(sets[s], name, &now);
        if (index >= 0) {
            *ret_set = sets[s];
            return index;
        }
        if (s == 0 || strstr(now.text, "did you mean")) {
            first = now;
        }
    }
    if (n_sets == 0) {
        DM_FAIL(e, DM_ENOTFOUND, "no option \"%.60s\"", name);
    }
    if (e) {
        *e = first;
    }
    return DM_ENOTFOUND;
}

static int parse_assignment(struct parser *p, char *line, struct dm_err *e)
{
    char *sign = strchr(line, '=');
    char name[DM_OPT_NAME_MAX];
    if (!sign || !p->section[0]) {
        return bad_line(p, sign ? "a section must come first" : "expected key = value", e);
    }
    *sign = '\0';
    char *key = trim(line);
    char *value = trim(sign + 1);
    size_t n = strlen(value);
    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value[n - 1] = '\0';
        value++;
    }
    int len = snprintf(name, sizeof(name), "%s.%s", p->section, key);
    if (len < 0 || (size_t)len >= sizeof(name)) {
        return bad_line(p, "name too long", e);
    }
    struct dm_opt_set *set = NULL;
    int index = find(p->sets, p->n_sets, name, &set, e);
    if (index < 0) {
        if (e) {
            e->code =
                DM_EBADINPUT; /* a name in a file that we do not know is a fault of the file */
        }
        return here(p, DM_EBADINPUT, e);
    }
    const struct dm_opt_source *old = &set->sources[index];
    if (old->origin == DM_ORIGIN_FILE && old->detail == p->name) {
        DM_FAIL(e, DM_EBADINPUT, "%s line %d: %s is already set in line %d", p->name, p->line, name,
                old->line);
    }
    struct dm_opt_source source = {DM_ORIGIN_FILE, p->line, p->name};
    int code = dm_opt_set_value(set, (size_t)index, value, source, p->a, e);
    return code < 0 ? here(p, code, e) : DM_OK;
}

static int parse_line(struct parser *p, const char *text, size_t n, struct dm_err *e)
{
    char copy[LINE_MAX_BYTES];
    p->line++;
    if (n >= sizeof(copy) || memchr(text, '\0', n)) {
        return bad_line(p, n >= sizeof(copy) ? "line too long" : "not a text file", e);
    }
    if (n > 0) {
        memcpy(copy, text, n);
    }
    copy[n] = '\0';
    char *line = trim(copy);
    switch (line[0]) {
    case '\0':
    case '#':
    case ';':
        return DM_OK;
    case '[':
        return parse_section(p, line, e);
    default:
        return parse_assignment(p, line, e);
    }
}

int dm_conf_parse(struct dm_opt_set *const *sets, size_t n_sets, const char *name, const char *text,
                  size_t n, struct dm_arena *a, struct dm_err *e)
{
    struct parser p = {.sets = sets, .n_sets = n_sets, .name = dm_arena_strdup(a, name), .a = a};
    if (!p.name) {
        DM_FAIL(e, DM_ENOMEM, "%s: no memory", name);
    }
    if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) { /* what some editors put first */
        text += 3;
        n -= 3;
    }
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t len = end ? (size_t)(end - text) : n;
        DM_TRY(parse_line(&p, text, len, e));
        len += end != NULL;
        text += len;
        n -= len;
    }
    return DM_OK;
}

int dm_conf_read(struct dm_opt_set *const *sets, size_t n_sets, const char *path,
                 struct dm_arena *a, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_CONFIG_BYTES);
    DM_TRY(dm_buf_read_file(&text, path, e));
    return dm_conf_parse(sets, n_sets, path, dm_buf_str(&text), text.len, a, e);
}

/* ---- environment ---- */

/* The names an option answers to, in order: DEMETER_X before X. */
static size_t variable_names(const struct dm_opt *o, char ret[static 2][DM_OPT_NAME_MAX])
{
    char bare[DM_OPT_NAME_MAX];
    dm_opt_env(o, bare);
    if (!strncmp(bare, "DEMETER_", 8)) {
        (void)snprintf(ret[0], DM_OPT_NAME_MAX, "%s", bare);
        return 1;
    }
    (void)snprintf(ret[0], DM_OPT_NAME_MAX, "DEMETER_%.*s", DM_OPT_NAME_MAX - 9, bare);
    (void)snprintf(ret[1], DM_OPT_NAME_MAX, "%s", bare);
    return 2;
}

static void twin_name(const char *name, char ret[static DM_OPT_NAME_MAX])
{
    (void)snprintf(ret, DM_OPT_NAME_MAX, "%.*s_FILE", DM_OPT_NAME_MAX - 6, name);
}

static const char *set_value(dm_conf_lookup lookup, void *ctx, const char *name)
{
    const char *v = lookup(ctx, name);
    return v && *v ? v : NULL;
}

/* Content of the file that a twin names, without its final newline. */
static int read_twin(const char *twin, const char *path, struct dm_buf *ret, struct dm_err *e)
{
    int code = dm_buf_read_file(ret, path, e);
    if (code < 0) {
        (void)dm_err_context(e, "%s", twin);
        return code;
    }
    if (strlen(dm_buf_str(ret)) != ret->len) {
        DM_FAIL(e, DM_EBADINPUT, "%s: %s holds a zero byte", twin, path);
    }
    if (ret->len > 0 && ret->data[ret->len - 1] == '\n') {
        ret->data[--ret->len] = '\0';
    }
    return DM_OK;
}

static int assign(struct dm_opt_set *set, size_t index, const char *value, const char *variable,
                  struct dm_arena *a, struct dm_err *e)
{
    struct dm_opt_source source = {DM_ORIGIN_ENV, 0, dm_arena_strdup(a, variable)};
    if (!source.detail) {
        DM_FAIL(e, DM_ENOMEM, "%s: no memory", variable);
    }
    int code = dm_opt_set_value(set, index, value, source, a, e);
    if (code < 0) {
        (void)dm_err_context(e, "environment variable %s", variable);
    }
    return code;
}

static int read_variable(struct dm_opt_set *set, size_t index, dm_conf_lookup lookup, void *ctx,
                         struct dm_arena *a, struct dm_err *e)
{
    char names[2][DM_OPT_NAME_MAX];
    char twin[DM_OPT_NAME_MAX];
    size_t n = variable_names(&set->table[index], names);
    for (size_t i = 0; i < n; i++) {
        twin_name(names[i], twin);
        const char *value = set_value(lookup, ctx, names[i]);
        const char *path = set_value(lookup, ctx, twin);
        if (value && path) {
            DM_FAIL(e, DM_EBADINPUT, "%s and %s are both set; remove one", names[i], twin);
        }
        if (value) {
            return assign(set, index, value, names[i], a, e);
        }
        if (path) {
            DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(TWIN_MAX_BYTES);
            DM_TRY(read_twin(twin, path, &text, e));
            return assign(set, index, dm_buf_str(&text), twin, a, e);
        }
    }
    return DM_OK;
}

int dm_conf_env(struct dm_opt_set *const *sets, size_t n_sets, dm_conf_lookup lookup, void *ctx,
                struct dm_arena *a, struct dm_err *e)
{
    for (size_t s = 0; s < n_sets; s++) {
        for (size_t i = 0; i < sets[s]->n; i++) {
            DM_TRY(read_variable(sets[s], i, lookup, ctx, a, e));
        }
    }
    return DM_OK;
}

bool dm_conf_env_known(struct dm_opt_set *const *sets, size_t n_sets, const char *name)
{
    for (size_t s = 0; s < n_sets; s++) {
        for (size_t i = 0; i < sets[s]->n; i++) {
            char names[2][DM_OPT_NAME_MAX];
            size_t n = variable_names(&sets[s]->table[i], names);
            for (size_t k = 0; k < n; k++) {
                char twin[DM_OPT_NAME_MAX];
                twin_name(names[k], twin);
                if (!strcmp(name, names[k]) || !strcmp(name, twin)) {
                    return true;
                }
            }
        }
    }
    return false;
}

const char *dm_conf_origin(const struct dm_opt_source *s, struct dm_arena *a)
{
    const char *detail = s->detail ? s->detail : "";
    size_t n = strlen(detail);
    switch (s->origin) {
    case DM_ORIGIN_DEFAULT:
        return "default";
    case DM_ORIGIN_PROFILE:
        return dm_arena_printf(a, "profile %s", detail);
    case DM_ORIGIN_FILE:
        return dm_arena_printf(a, "%s line %d", detail, s->line);
    case DM_ORIGIN_ENV:
        if (n > 5 && !strcmp(detail + n - 5, "_FILE")) {
            return dm_arena_printf(a, "file named by %s", detail);
        }
        return dm_arena_printf(a, "env %s", detail);
    case DM_ORIGIN_FLAG:
        return dm_arena_printf(a, "flag --%s", detail);
    }
    return "";
}

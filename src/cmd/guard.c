/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of the start. */
#include "cmd/guard.h"

#include <string.h>
#include <strings.h>

#include "api/jwt.h"

enum { PASSWORD_MIN = 12, PASSWORD_TEXT_MAX = 256 };

static bool strict(const struct cmd_run *r)
{
    return r->settings.v.app_env >= SETTINGS_STAGING;
}

const char *guard_secret(const struct cmd_run *r)
{
    const struct settings_values *v = &r->settings.v;
    return v->auth_secret[0] ? v->auth_secret : v->auth_secret_key;
}

bool guard_local(const struct cmd_run *r)
{
    switch (r->settings.v.auth_local) {
    case SETTINGS_LOCAL_TRUE:
        return true;
    case SETTINGS_LOCAL_FALSE:
        return false;
    default:
        return !strict(r) || guard_secret(r)[0];
    }
}

bool guard_placeholder(const char *value)
{
    static const char *const known[] = {
        "password",   "secret",   "admin", "demeter_dev_password", "demeter_test_password",
        "minioadmin", "postgres",
    };
    static const char *const begins[] = {"changeme", "your-", "your_", "AKIA...", "<"};
    for (size_t i = 0; i < DM_COUNT(known); i++) {
        if (!strcasecmp(value, known[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < DM_COUNT(begins); i++) {
        if (!strncasecmp(value, begins[i], strlen(begins[i]))) {
            return true;
        }
    }
    return strstr(value, "CHANGE") || strcasestr(value, "change-me") ||
           strcasestr(value, "change_me");
}

/* The password inside "scheme://user:password@host", "" for none. */
static const char *url_password(const char *url, char ret[static PASSWORD_TEXT_MAX])
{
    const char *user = strstr(url, "://");
    const char *end = user ? strrchr(user, '@') : NULL;
    const char *colon = end ? memchr(user + 3, ':', (size_t)(end - user - 3)) : NULL;
    ret[0] = '\0';
    if (colon) {
        (void)snprintf(ret, PASSWORD_TEXT_MAX, "%.*s", (int)(end - colon - 1), colon + 1);
    }
    return ret;
}

struct guard {
    struct cmd_run *r;
    struct dm_buf *out;
    size_t n;
};

static void fault(struct guard *g, const char *text)
{
    dm_buf_puts(g->out, text);
    dm_buf_putc(g->out, '\n');
    g->n++;
}

/* Passwords of other programs, which somebody may guess; ours are keys. */
static bool is_password(const char *name)
{
    const size_t n = strlen(name);
    return n > 9 && !strcmp(name + n - 9, ".password");
}

static void check_secret(struct guard *g, const struct dm_opt *o, const char *value)
{
    char inside[PASSWORD_TEXT_MAX];
    char variable[DM_OPT_NAME_MAX];
    const bool url = strstr(value, "://") != NULL;
    const char *secret = url ? url_password(value, inside) : value;
    if (!secret[0]) {
        return;
    }
    (void)dm_opt_env(o, variable);
    if (guard_placeholder(secret)) {
        fault(g, TF(g->r, GUARD_PLACEHOLDER, variable));
    } else if ((url || is_password(o->name)) && strlen(secret) < PASSWORD_MIN) {
        fault(g, TF(g->r, GUARD_SHORT, variable));
    }
}

static void check_secrets(struct guard *g)
{
    const struct dm_opt_set *set = &g->r->settings.set[SETTINGS_OWN];
    for (size_t i = 0; i < set->n; i++) {
        const struct dm_opt *o = &set->table[i];
        if ((o->flags & DM_OPT_SECRET) && o->type == DM_OPT_STR) {
            check_secret(
                g, o, *(const char *const *)(const void *)((const char *)set->values + o->offset));
        }
    }
}

static void check_strict(struct guard *g)
{
    const struct settings_values *v = &g->r->settings.v;
    static const char *const tests_only[] = {"TESTING", "MOCK_EXTERNAL_APIS"};
    check_secrets(g);
    if (guard_local(g->r) && !guard_secret(g->r)[0]) {
        fault(g, T(g->r, GUARD_NO_SECRET));
    }
    if (!guard_local(g->r) && !v->auth_domain[0] && !v->auth_issuer[0]) {
        fault(g, T(g->r, GUARD_NO_SIGN_IN));
    }
    if (v->app_debug) {
        fault(g, TF(g->r, GUARD_SWITCH, "DEBUG=true"));
    }
    if (!v->auth_required) {
        fault(g, TF(g->r, GUARD_SWITCH, "AUTH_REQUIRED=false"));
    }
    for (size_t i = 0; i < DM_COUNT(tests_only); i++) {
        const char *value = settings_getenv(g->r->environ, tests_only[i]);
        if (value && (!strcasecmp(value, "true") || !strcmp(value, "1"))) {
            fault(g, TF(g->r, GUARD_SWITCH, tests_only[i]));
        }
    }
}

size_t guard_check(struct cmd_run *r, struct dm_buf *out)
{
    const struct settings_values *v = &r->settings.v;
    const bool issuer = v->auth_domain[0] || v->auth_issuer[0];
    struct guard g = {r, out, 0};
    if (issuer != (v->auth_audience[0] != '\0')) {
        fault(&g, T(r, GUARD_AUDIENCE));
    }
    if (guard_secret(r)[0] && strlen(guard_secret(r)) < JWT_SECRET_MIN) {
        fault(&g, T(r, GUARD_SECRET_SHORT));
    }
    if (strict(r)) {
        check_strict(&g);
    }
    return g.n;
}

size_t guard_check_secrets(struct cmd_run *r, struct dm_buf *out)
{
    struct guard g = {r, out, 0};
    if (strict(r)) {
        check_secrets(&g);
    }
    return g.n;
}

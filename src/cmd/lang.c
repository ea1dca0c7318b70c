/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and numbers for people. */
#include "cmd/lang.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "inventory/inventory.h"

const char *const lang_names[] = {"en", "es", NULL};

static const char *const texts[MSG_MAX_][LANG_MAX_] = {
#define X(NAME, en, es) [MSG_##NAME] = {[LANG_EN] = (en), [LANG_ES] = (es)},
#include "cmd/messages.def"
#undef X
};

static const struct {
    int code;
    const char *text;
} errors_es[] = {
#define X(NAME, text) {DM_##NAME, text},
#include "cmd/errors_es.def"
#undef X
#define X(NAME, text) {INV_##NAME, text},
#include "cmd/rules_es.def"
#undef X
};

enum {
    N_CODES = 0
#define X(name, number, http, retry, exit_status, slug, text) +1
#include "base/errors.def"
#undef X
#define X(name, number, http, retry, exit_status, class, text) +1
#include "inventory/rules.def"
#undef X
};
_Static_assert(DM_COUNT(errors_es) == N_CODES, "every error code has its Spanish text");

static const struct {
    const char *option, *text;
} options_es[] = {
#define X(name, text) {name, text},
#include "cmd/options_es.def"
#undef X
};

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

enum lang lang_of_locale(const char *lc_all, const char *lc_messages, const char *lang)
{
    const char *const names[] = {lc_all, lc_messages, lang};
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        if (names[i] && names[i][0]) {
            bool spanish = !strncmp(names[i], "es", 2) && strchr("_.@", names[i][2]);
            return spanish ? LANG_ES : LANG_EN; /* strchr finds the NUL of a bare "es" too */
        }
    }
    return LANG_EN;
}

const char *lang_text(enum lang l, enum msg m)
{
    return texts[m][l];
}

/* Argument that "{n}" at s names, or NULL when there is none. */
static const char *placeholder(const char *s, const char *const *args)
{
    if (s[0] != '{' || s[1] < '1' || s[1] > '9' || s[2] != '}') {
        return NULL;
    }
    for (int i = '1'; *args; args++, i++) {
        if (i == s[1]) {
            return *args;
        }
    }
    return NULL;
}

const char *lang_fill(struct dm_arena *a, enum lang l, enum msg m, const char *const *args)
{
    const char *text = texts[m][l];
    size_t n = 1;
    for (const char *s = text; *s; s++) {
        const char *value = placeholder(s, args);
        n += value ? strlen(value) : 1;
        s += value ? 2 : 0;
    }
    char *filled = dm_arena_alloc(a, n);
    char *to = filled;
    for (const char *s = text; filled && *s; s++) {
        const char *value = placeholder(s, args);
        size_t len = value ? strlen(value) : 1;
        memcpy(to, value ? value : s, len);
        to += len;
        s += value ? 2 : 0;
    }
    if (to) {
        *to = '\0';
    }
    return or_empty(filled);
}

const char *lang_plural(struct dm_arena *a, enum lang l, enum msg one, enum msg other, int64_t n)
{
    return LANG_FILL(a, l, n == 1 ? one : other, lang_integer(a, l, n));
}

/* Group the digits of text ("-1234.56") into the language's notation. */
static const char *group(struct dm_arena *a, enum lang l, const char *text)
{
    const char mark = l == LANG_ES ? '.' : ',';
    const char sign = l == LANG_ES ? ',' : '.';
    size_t digits = strcspn(text + (text[0] == '-'), ".");
    char *grouped = dm_arena_alloc(a, strlen(text) + digits / 3 + 1);
    char *to = grouped;
    if (!grouped) {
        return "";
    }
    if (*text == '-') {
        *to++ = *text++;
    }
    for (; digits > 0; digits--) {
        *to++ = *text++;
        if (digits > 1 && digits % 3 == 1) {
            *to++ = mark;
        }
    }
    for (; *text; text++) {
        *to++ = *text == '.' ? sign : *text;
    }
    *to = '\0';
    return grouped;
}

const char *lang_integer(struct dm_arena *a, enum lang l, int64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, n);
    return group(a, l, text);
}

const char *lang_number(struct dm_arena *a, enum lang l, double x, int decimals)
{
    char text[340]; /* the largest double has 309 digits */
    (void)snprintf(text, sizeof(text), "%.*f", DM_CLAMP(decimals, 0, 9), x);
    return isfinite(x) ? group(a, l, text) : or_empty(dm_arena_strdup(a, text));
}

const char *lang_duration(struct dm_arena *a, enum lang l, double seconds)
{
    if (seconds < 59.5) {
        int decimals = seconds < 0.995 ? 2 : seconds < 9.95 ? 1 : 0;
        return or_empty(dm_arena_printf(a, "%s s", lang_number(a, l, seconds, decimals)));
    }
    int64_t whole = seconds < 1e15 ? (int64_t)(seconds + 0.5) : (int64_t)1e15;
    if (whole < 120) {
        return or_empty(dm_arena_printf(a, "%" PRId64 " s", whole));
    }
    if (whole < 7200) {
        return or_empty(
            dm_arena_printf(a, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60));
    }
    return or_empty(dm_arena_printf(a, "%s h %" PRId64 " min", lang_integer(a, l, whole / 3600),
                                    whole / 60 % 60));
}

const char *lang_option_help(enum lang l, const struct dm_opt *o)
{
    for (size_t i = 0; l == LANG_ES && i < DM_COUNT(options_es); i++) {
        if (!strcmp(options_es[i].option, o->name)) {
            return options_es[i].text;
        }
    }
    return o->help;
}

const char *lang_words(struct dm_arena *a, enum lang l, const char *text)
{
    static const char *const words[][2] = {
        {"COMMAND", "COMANDO"}, {"FILE", "ARCHIVO"},    {"FOLDER", "CARPETA"},
        {"GLOB", "PATRÓN"},     {"LIST", "LISTA"},      {"NAME", "NOMBRE"},
        {"PAGE", "PÁGINA"},     {"PHOTO", "FOTO"},      {"TEXT", "TEXTO"},
        {"bands", "franjas"},   {"boxes", "recuadros"}, {"cells", "celdas"},
        {"photos", "fotos"},    {"plants", "plantas"},  {"threads", "hilos"},
        {"fraction", "parte"},
    };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *done = "";
    for (size_t n; l == LANG_ES && *text; text += n) {
        n = strspn(text, letters);
        const char *word = NULL;
        for (size_t i = 0; n > 0 && i < DM_COUNT(words) && !word; i++) {
            bool same = strlen(words[i][0]) == n && !memcmp(words[i][0], text, n);
            word = same ? words[i][1] : NULL;
        }
        n = n ? n : strcspn(text, letters);
        done = or_empty(word ? dm_arena_printf(a, "%s%s", done, word)
                             : dm_arena_printf(a, "%s%.*s", done, (int)n, text));
    }
    return l == LANG_ES ? done : text;
}

const char *lang_error(struct dm_arena *a, enum lang l, const struct dm_err *e)
{
    const char *detail = dm_err_text(e);
    for (size_t i = 0; l == LANG_ES && i < DM_COUNT(errors_es); i++) {
        if (errors_es[i].code == e->code) {
            return e->text[0] ? or_empty(dm_arena_printf(a, "%s (%s)", errors_es[i].text, detail))
                              : errors_es[i].text;
        }
    }
    return detail;
}

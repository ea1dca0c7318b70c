/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and numbers for people, in Spanish and English. Every sentence the command line says is a
 * row of cmd/messages.def; help of options in Spanish is cmd/options_es.def, of error codes
 * cmd/errors_es.def. What machines read (JSON, CSV, files) never passes through here.
 *
 * Strings are made in the given arena and live as long as it; when memory runs out the functions
 * give "" instead, so that a message can still be printed. */
#ifndef CMD_LANG_H
#define CMD_LANG_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/opt.h"

enum lang { LANG_EN, LANG_ES, LANG_MAX_ };

extern const char *const lang_names[]; /* "en", "es", NULL */

enum msg {
#define X(NAME, en, es) MSG_##NAME,
#include "cmd/messages.def"
#undef X
    MSG_MAX_
};

/* Language of a locale as LC_ALL, LC_MESSAGES and LANG name it (the first that is not empty wins):
 * Spanish for "es..." , else English. */
enum lang lang_of_locale(const char *lc_all, const char *lc_messages, const char *lang);

/* The row as it stands. Static. */
const char *lang_text(enum lang l, enum msg m);

/* The row with {1}, {2}... replaced by the arguments. args is NULL-ended. */
const char *lang_fill(struct dm_arena *a, enum lang l, enum msg m, const char *const *args);
#define LANG_FILL(a, l, m, ...) lang_fill((a), (l), (m), (const char *const[]){__VA_ARGS__, NULL})

/* "1 photo", "2.041 fotos": row one or row other, {1} the number. */
const char *lang_plural(struct dm_arena *a, enum lang l, enum msg one, enum msg other, int64_t n);

/* 1842 -> "1,842" or "1.842" (es-AR: four digits are grouped too, product.md 3.6). */
const char *lang_integer(struct dm_arena *a, enum lang l, int64_t n);

/* Fixed decimals, grouped: 12840.5 -> "12,840.5" or "12.840,5". */
const char *lang_number(struct dm_arena *a, enum lang l, double x, int decimals);

/* "0,42 s", "1,8 s", "87 s", "12 min 5 s", "2 h 5 min". */
const char *lang_duration(struct dm_arena *a, enum lang l, double seconds);

/* Help of an option in the language; the row's own words where no translation exists. */
const char *lang_option_help(enum lang l, const struct dm_opt *o);

/* Placeholders and units of the tables ("PHOTO|FOLDER", "1..256 photos") in the language, word by
 * word. */
const char *lang_words(struct dm_arena *a, enum lang l, const char *text);

/* An error for a person: in English its message; in Spanish what the code means, then the message
 * in brackets because details are written where they are found, in English. */
const char *lang_error(struct dm_arena *a, enum lang l, const struct dm_err *e);

#endif

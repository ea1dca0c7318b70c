/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of SQL: {name} and {name:a|b} become the engine's words. In quotes nothing is expanded.
 * Queries know the tokens of store/store.h; migrations these too (c is a column):
 *
 *   {id}                    the primary key of a table
 *   {fk:c|table}            reference; {fk_later:c|table} to a table that is made later, completed
 *                           by {fk_now:this|c|table}; ON DELETE ... may follow as the last argument
 *   {int:c} {int64:c} {real:c} {bool:c} {json:c} {ts:c} {date:c} {uuid:c} {blob:c}
 *   {text:c|n} {long:c}     with at most n characters; without a limit
 *   {times} {created}       created_at and updated_at; the first alone
 *   {enum:c|'a','b'}        one of these
 *   {check:name|expr}       constraint TABLE_name_check
 *   {chars:c|A-Z0-9_-|n}    only these characters, at least n of them
 *   {index:table|c}         index of one column
 *   {generated:c|expr}      int64 computed from other columns
 *   {true} {false}          in indexes and defaults
 *   {no_update:table|unless}, {no_delete:table|unless}
 *                           triggers of append-only tables: refused unless the expression over
 *                           OLD and NEW, without subqueries, is true
 * A line "--@sqlite", "--@postgresql" or "--@both" limits what follows to an engine. */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include "base/buf.h"
#include "base/error.h"

#define STORE_PARAMS_MAX 99
#define STORE_COLS_MAX   64

/* %1..%9 in text are the arguments, %t the table being made. An argument that is absent is "". */
struct store_token {
    const char *name;
    const char *text;
};

/* Expand sql into out. placeholder is what stands before the number of a parameter: '?' or '$'.
 * DM_EINTERNAL: unknown token, brace left open. */
DM_MUST_CHECK int store_expand(const struct store_token *tokens, const char *engine,
                               char placeholder, const char *sql, struct dm_buf *out,
                               struct dm_err *e);

/* A token as it stands in SQL: name and arguments, borrowed from the text. */
struct store_token_use {
    const char *name;
    size_t name_n;
    const char *arg[9];
    size_t arg_n[9];
    size_t n_args;
    const char *end; /* after the closing brace */
};

/* Parse the token that begins at text ('{'). DM_EINTERNAL when it does not end. */
DM_MUST_CHECK int store_token_parse(const char *text, const char *end, struct store_token_use *ret,
                                    struct dm_err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of the naive books share. */
#ifndef TESTS_SUPPORT_LEDGER_ORACLE_PRIV_H
#define TESTS_SUPPORT_LEDGER_ORACLE_PRIV_H

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/inventory.h"
#include "support/ledger_oracle.h"

#define O_NO_DAY INT_MIN

struct o_key {
    int category, ordinal;
    int64_t product, state, size, pack;
};

enum o_role {
    O_REGULAR, /* what people logged */
    O_FOUND,   /* what a count found: sale, loss, surplus */
    O_OPEN,
    O_CLOSE,
    O_FIX,    /* correction of an opening */
    O_REPEAT, /* re-booked on the new batch */
};

struct o_mov {
    int batch; /* index in the period */
    enum ledger_type type;
    enum o_role role;
    int64_t q, at;
    bool dead; /* one of a pair that cancels out */
    char uuid[LEDGER_UUID_SIZE];
    int64_t group, tag; /* repeats keep both */
};

struct o_batch {
    char code[LEDGER_CODE_SIZE];
    struct o_key key;
    int ppc, planting; /* day since 1970, O_NO_DAY */
    int64_t empties;
};

struct o_line {
    int64_t product, pack;
    bool sellable;
    int64_t expected, observed, sales, loss, surplus;
};

struct o_period {
    int seq, kind;
    int64_t opened_at, session, config;
    bool validated;
    struct o_batch *batch;
    size_t n_batch;
    struct o_mov *mov;
    size_t n_mov;
    struct o_line *line; /* of the count that closed it */
    size_t n_line;
    struct o_period *before; /* the period before this one, as it was before this one's count */
};

struct o_bin {
    int category, ordinal;
};

struct o_code {
    int64_t product;
    int day, last;
};

struct o_claro {
    int64_t location;
    struct oracle_config cfg;
    struct o_period *period; /* the last one is open */
    size_t n_period;
    struct o_bin *bin;
    size_t n_bin;
    struct o_code *code;
    size_t n_code;
};

struct oracle {
    struct oracle_facts f;
    struct o_claro *claro;
    size_t n_claro;
    int64_t last_tag, last_group;
    bool faulty;
};

struct o_claro *o_claro(const struct oracle *o, int64_t location);
struct o_period *o_open(const struct o_claro *c);
struct o_period *o_add_period(struct o_claro *c, int kind, int64_t at);
struct o_mov *o_add_mov(struct oracle *o, struct o_period *p, int batch, enum ledger_type type,
                        enum o_role role, int64_t q, int64_t at);
int o_add_batch(struct oracle *o, struct o_claro *c, struct o_period *p, const struct o_key *k,
                int ppc, int planting, int64_t at);
void o_add_bin(struct o_claro *c, int category, int ordinal);
int o_implicit_bin(struct o_claro *c, int category);
int64_t o_balance(const struct o_period *p, int batch, int64_t at);
int64_t o_available(const struct o_period *p, int batch, int64_t at);
bool o_key_same(const struct o_key *a, const struct o_key *b);
bool o_tray(int category);
int64_t o_pots(int64_t plants, int ppc);
bool o_sellable(const struct oracle *o, const struct o_key *k);
void o_civil(int day, int *y, int *m, int *d);
int o_day(const struct oracle *o, int64_t at);
void o_period_copy(struct o_period *to, const struct o_period *from); /* without `before` */
void o_period_clear(struct o_period *p);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A nursery with claros, products, pots and prices, and short ways to count and move plants. */
#ifndef TESTS_SUPPORT_LEDGER_RIG_H
#define TESTS_SUPPORT_LEDGER_RIG_H

#include "base/buf.h"
#include "inventory/session.h"
#include "support/nursery.h"

#define RIG_CLAROS   8
#define RIG_PRODUCTS 3
#define RIG_DAY      INT64_C(86400000)
#define RIG_HOUR     INT64_C(3600000)

struct rig {
    struct nursery n;
    int64_t claro[RIG_CLAROS];
    int64_t product[RIG_PRODUCTS];
    int64_t pot[2]; /* R5 at 105000 cents, R8 at 200000 less 20 % */
    int64_t seed, germinating, seedling, juvenile, adult, flowering, size_s, size_m;
    int64_t config[RIG_CLAROS]; /* active configuration, 0 = none */
    unsigned long long serial;  /* of uuids */
    bool finish;                /* rig_photo posts, too, in one call; its answer: */
    struct session_outcome outcome;
    int answer;
};

/* Claros are configured for product[0] in pot[0], ADULT, one per pot; the last claro is not
 * configured. now of all people is `now`. */
void rig_init(struct rig *r, struct db *db);
void rig_clear(struct rig *r);
void rig_now(struct rig *r, int64_t now);

/* A fresh uuid, the same in each run. */
const char *rig_uuid(struct rig *r, char uuid[static LEDGER_UUID_SIZE]);

struct rig_segment {
    enum ledger_category category;
    int ordinal;
    int detected, estimated, empties;
};

/* Upload a photo taken at an instant; its session, processed, not posted. location 0: unknown. */
int64_t rig_photo(struct rig *r, int64_t location, int64_t at, const struct rig_segment *segment,
                  size_t n, double confidence, int64_t supersedes);
/* The same, posted automatically; fails the test unless it ends as wanted. The session. */
int64_t rig_count(struct rig *r, int64_t location, int64_t at, int detected, int estimated,
                  enum session_posting wanted);

/* Log a movement as the supervisor; the code. */
int rig_move(struct rig *r, struct ledger_move m, struct ledger_result *ret);

/* A new configuration of a claro, in mode create. */
void rig_configure(struct rig *r, size_t claro, int64_t product, int64_t pot, int64_t state);

/* A number out of SQL text with one %lld, more of which get the same value. */
int64_t rig_number(struct rig *r, const char *sql, int64_t value);

/* Plants of the claro by the books. */
int64_t rig_total(struct rig *r, int64_t location);

/* Rows of the claro's last two periods that break an invariant, and which; 0 = none. */
int64_t rig_broken(struct store *s, int64_t location, const char **ret_name);

/* The text that oracle_print makes, read from the database. */
void rig_print(struct store *s, int64_t location, struct dm_buf *out);

#endif

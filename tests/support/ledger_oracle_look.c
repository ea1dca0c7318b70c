/* SPDX-License-Identifier: Apache-2.0
 *
 * The naive books: looking inside. */
#include "support/ledger_oracle_priv.h"

static int by_code(const void *a, const void *b)
{
    const struct o_batch *const *x = a;
    const struct o_batch *const *y = b;
    return strcmp((*x)->code, (*y)->code);
}

void oracle_print(const struct oracle *o, int64_t location, struct dm_buf *out)
{
    const struct o_claro *c = o_claro(o, location);
    const struct o_period *p = o_open(c);
    if (!p) {
        dm_buf_puts(out, "no period\n");
        return;
    }
    int64_t opening = 0;
    for (size_t i = 0; i < p->n_mov; i++) {
        const struct o_mov *m = &p->mov[i];
        opening += m->role == O_OPEN || m->role == O_FIX ? m->q : 0;
    }
    dm_buf_printf(out, "period %d %s %lld opening %lld\n", p->seq,
                  p->kind ? ledger_type_names[p->kind] : "implicit", (long long)p->opened_at,
                  (long long)opening);
    const struct o_batch **sorted = calloc(p->n_batch + 1, sizeof *sorted);
    for (size_t i = 0; i < p->n_batch; i++) {
        sorted[i] = &p->batch[i];
    }
    qsort(sorted, p->n_batch, sizeof(*sorted), by_code);
    for (size_t i = 0; i < p->n_batch; i++) {
        const struct o_batch *b = sorted[i];
        char planting[16] = "-";
        if (b->planting != O_NO_DAY) {
            int y;
            int m;
            int d;
            o_civil(b->planting, &y, &m, &d);
            (void)snprintf(planting, sizeof planting, "%04d-%02d-%02d", y % 10000, m % 100,
                           d % 100);
        }
        dm_buf_printf(out, "%s %s %d p%lld s%lld z%lld k%lld n%lld e%lld %s\n", b->code,
                      ledger_category_names[b->key.category], b->key.ordinal,
                      (long long)b->key.product, (long long)b->key.state, (long long)b->key.size,
                      (long long)b->key.pack,
                      (long long)o_balance(p, (int)(b - p->batch), INT64_MAX),
                      (long long)b->empties, planting);
    }
    free(sorted);
    dm_buf_puts(out, "order");
    for (size_t i = 0; i < p->n_batch; i++) {
        if (o_balance(p, (int)i, INT64_MAX) > 0) {
            dm_buf_printf(out, " %s", p->batch[i].code);
        }
    }
    dm_buf_puts(out, "\n");
    if (c->n_period > 1) {
        const struct o_period *q = p - 1;
        int64_t t[5] = {0};
        for (size_t i = 0; i < q->n_line; i++) {
            t[0] += q->line[i].expected;
            t[1] += q->line[i].observed;
            t[2] += q->line[i].sales;
            t[3] += q->line[i].loss;
            t[4] += q->line[i].surplus;
        }
        dm_buf_printf(out, "closed expected %lld observed %lld sales %lld loss %lld surplus %lld\n",
                      (long long)t[0], (long long)t[1], (long long)t[2], (long long)t[3],
                      (long long)t[4]);
    }
}

int64_t oracle_total(const struct oracle *o, int64_t location)
{
    const struct o_period *p = o_open(o_claro(o, location));
    int64_t sum = 0;
    for (size_t i = 0; p && i < p->n_mov; i++) {
        sum += p->mov[i].q;
    }
    return sum;
}

bool oracle_batch_at(const struct oracle *o, int64_t location, size_t i,
                     char ret_code[LEDGER_CODE_SIZE], int64_t *ret_quantity)
{
    const struct o_period *p = o_open(o_claro(o, location));
    if (!p || !p->n_batch) {
        return false;
    }
    (void)snprintf(ret_code, LEDGER_CODE_SIZE, "%s", p->batch[i % p->n_batch].code);
    *ret_quantity = o_balance(p, (int)(i % p->n_batch), INT64_MAX);
    return true;
}

int64_t oracle_bin_at(const struct oracle *o, int64_t location, int category, int ordinal,
                      int64_t at)
{
    const struct o_period *p = o_open(o_claro(o, location));
    int64_t sum = 0;
    for (size_t i = 0; p && i < p->n_batch; i++) {
        if (p->batch[i].key.category == category && p->batch[i].key.ordinal == ordinal) {
            sum += o_balance(p, (int)i, at);
        }
    }
    return sum;
}

struct oracle_period_view oracle_period(const struct oracle *o, int64_t location)
{
    const struct o_period *p = o_open(o_claro(o, location));
    return p ? (struct oracle_period_view){p->seq, p->kind, p->opened_at, p->session, p->validated}
             : (struct oracle_period_view){0};
}

int oracle_newest_ordinal(const struct oracle *o, int64_t location, int category)
{
    const struct o_claro *c = o_claro(o, location);
    for (size_t i = c->n_bin; i-- > 0;) {
        if (c->bin[i].category == category) {
            return c->bin[i].ordinal;
        }
    }
    return 1;
}

void oracle_see_bin(struct oracle *o, int64_t location, int category, int ordinal)
{
    o_add_bin(o_claro(o, location), category, ordinal);
}

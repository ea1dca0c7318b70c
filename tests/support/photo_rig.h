/* SPDX-License-Identifier: Apache-2.0
 *
 * A nursery that takes photographs: a folder for them, an engine, and short ways to send one and to
 * run the jobs. */
#ifndef TESTS_SUPPORT_PHOTO_RIG_H
#define TESTS_SUPPORT_PHOTO_RIG_H

#include "inventory/photo.h"
#include "support/ledger_rig.h"
#include "support/photo_paint.h"

struct photo_rig {
    struct rig r;
    char folder[64], incoming[80], url[80];
    struct photo_runner runner;
};

void photo_rig_init(struct photo_rig *p, struct db *db);
void photo_rig_clear(struct photo_rig *p);

/* Send bytes as somebody; the code. */
int photo_rig_send(struct photo_rig *p, const struct inv_ctx *c, const void *bytes, size_t n,
                   const struct photo_new *what, struct photo_accepted *ret, struct dm_err *e);
/* A painted photo to a claro (0: not said), as the worker; fails the test when it is refused. */
struct photo_accepted photo_rig_photo(struct photo_rig *p, unsigned seed, int plants,
                                      int64_t location);

/* Run the most urgent due job: 1, 0 when there is none, or what went wrong, which is then noted
 * with the job. */
int photo_rig_job(struct photo_rig *p, struct dm_err *e);
/* All of them; fails the test when one goes wrong. How many. */
int photo_rig_jobs(struct photo_rig *p);

/* All 25 invariants hold, or the test fails. */
void photo_rig_verify(struct photo_rig *p);

/* Objects in the folder. */
int64_t photo_rig_objects(struct photo_rig *p);

#endif

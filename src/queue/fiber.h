/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that take turns on one thread, each with a small stack of its own. Inside queue/. */
#ifndef QUEUE_FIBER_H
#define QUEUE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct fiber;

/* A sleeping fiber; its stack is touched when it runs first. Below the stack lies a page that
 * nobody may touch. DM_ENOMEM. */
DM_MUST_CHECK int fiber_new(struct fiber **ret, struct dm_err *e);
void fiber_free(struct fiber *f); /* not while it is inside a function; accepts NULL */

/* Call fn(ctx) on the fiber; returns when it ends or switches back for the first time. */
void fiber_start(struct fiber *f, void (*fn)(void *ctx), void *ctx);
/* Go on where it switched back. */
void fiber_resume(struct fiber *f);
bool fiber_busy(const struct fiber *f); /* inside its function */

/* On a fiber: back to who started or resumed it. */
void fiber_switch_back(struct fiber *f);

#endif

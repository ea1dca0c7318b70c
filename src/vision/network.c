/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine on the real networks of nn/. A file of its own, so that a test with a planted network
 * needs no neural-network runtime. */
#include "vision/engine.h"

const struct vision_network vision_network_nn = {
    .info = nn_net_info,
    .session_new = nn_session_new,
    .session_free = nn_session_free,
    .session_run = nn_session_run,
};

int vision_engine_new(const struct vision_engine_options *o, struct vision_engine **ret,
                      struct dm_err *e)
{
    return engine_new(&vision_network_nn, o, ret, e);
}

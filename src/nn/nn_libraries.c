/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the libraries behind the networks. */
#include "nn/nn_libraries.h"

#include <stdio.h>

#include <protobuf-c/protobuf-c.h>

#include "nn/onednn/onednn.h"

size_t nn_libraries(struct dm_library ret[static DM_LIBRARIES_MAX])
{
    int v[3];
    nn_onednn_version(v);
    ret[0] = (struct dm_library){.name = "oneDNN"};
    (void)snprintf(ret[0].version, sizeof(ret[0].version), "%d.%d.%d", v[0], v[1], v[2]);
    ret[1] = (struct dm_library){.name = "protobuf-c"};
    (void)snprintf(ret[1].version, sizeof(ret[1].version), "%s", protobuf_c_version());
    return 2;
}

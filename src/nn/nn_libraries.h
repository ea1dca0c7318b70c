/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the libraries behind the networks, for reports. */
#ifndef NN_NN_LIBRARIES_H
#define NN_NN_LIBRARIES_H

#include <stddef.h>

#include "base/library.h"

/* Fills ret; returns how many. */
size_t nn_libraries(struct dm_library ret[static DM_LIBRARIES_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the libraries behind the decoders, for reports. */
#ifndef IMAGE_IMAGE_LIBRARIES_H
#define IMAGE_IMAGE_LIBRARIES_H

#include <stddef.h>

#include "base/library.h"

/* Fills ret; returns how many. */
size_t image_libraries(struct dm_library ret[static DM_LIBRARIES_MAX]);

#endif

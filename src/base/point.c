/* SPDX-License-Identifier: Apache-2.0
 *
 * The hook of named places. */
#include "base/point.h"

void (*dm_point_hook)(const char *name);

/* SPDX-License-Identifier: Apache-2.0
 *
 * Places as resources, for other tables that name them. */
#ifndef API_API_LOCATIONS_H
#define API_API_LOCATIONS_H

#include "api/resource.h"
#include "api/schemas_places.h"

extern const struct resource resource_warehouse;
extern const struct resource resource_area;
extern const struct resource resource_location;

#endif

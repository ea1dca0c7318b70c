/* SPDX-License-Identifier: Apache-2.0
 *
 * A library that is loaded beside us, as `demeter version` and `demeter doctor` list it. */
#ifndef DM_BASE_LIBRARY_H
#define DM_BASE_LIBRARY_H

struct dm_library {
    const char *name;
    char version[32]; /* as the library itself says where it has a call for that */
};

#define DM_LIBRARIES_MAX 16 /* room one folder of the source may ask for */

#endif

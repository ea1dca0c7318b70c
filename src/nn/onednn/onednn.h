/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rest of the house may know of oneDNN: its version. */
#ifndef NN_ONEDNN_ONEDNN_H
#define NN_ONEDNN_ONEDNN_H

/* Major, minor, patch of the library loaded. */
void nn_onednn_version(int ret[static 3]);

#endif

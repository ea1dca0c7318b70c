/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions, BF16 rounded by integer arithmetic. */
#define DEPTHWISE_TABLE depthwise_base
#include "nn/avx512/depthwise.inc.h"

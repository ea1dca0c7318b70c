/* SPDX-License-Identifier: Apache-2.0
 *
 * Epilogues, BF16 rounded by integer arithmetic. */
#define FINISH_TABLE finish_base
#include "nn/avx512/finish.inc.h"

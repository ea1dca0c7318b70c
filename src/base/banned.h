/* SPDX-License-Identifier: Apache-2.0
 *
 * Force-included into every file: functions with a safer sibling do not compile. The system headers
 * come first so that only our own uses are refused. */
#ifndef DM_BASE_BANNED_H
#define DM_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// clang-format off
#undef strcpy
#define strcpy banned_function_strcpy
#undef strcat
#define strcat banned_function_strcat
#undef strncpy
#define strncpy banned_function_strncpy
#undef strncat
#define strncat banned_function_strncat
#undef sprintf
#define sprintf banned_function_sprintf
#undef vsprintf
#define vsprintf banned_function_vsprintf
#undef strtok
#define strtok banned_function_strtok
#undef gmtime
#define gmtime banned_function_gmtime
#undef localtime
#define localtime banned_function_localtime
#undef ctime
#define ctime banned_function_ctime
#undef asctime
#define asctime banned_function_asctime
#undef atoi
#define atoi banned_function_atoi
#undef atol
#define atol banned_function_atol
#undef atof
#define atof banned_function_atof
#undef usleep
#define usleep banned_function_usleep
// clang-format on

#endif

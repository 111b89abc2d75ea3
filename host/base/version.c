/* SPDX-License-Identifier: MIT
 *
 * The version, as CMakeLists.txt states it.
 */
#include "impasto.h"

const char *imp_version(void) {
    return IMP_VERSION;
}

/* SPDX-License-Identifier: MIT
 *
 * The version, from CMakeLists.txt, and the revision of the public header.
 */
#include "impasto.h"

const char *imp_version(void) {
    return IMP_VERSION;
}

int imp_api_version(void) {
    return IMP_API_VERSION;
}

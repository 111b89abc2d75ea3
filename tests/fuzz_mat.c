/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as a MATLAB 5 file.
 */
#include "fuzz_foreign.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    return fuzz_foreign(bytes, size, imp_foreign_mat);
}

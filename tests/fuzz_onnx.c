/* SPDX-License-Identifier: MIT
 *
 * Arbitrary bytes as an ONNX model.
 */
#include "fuzz_foreign.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    return fuzz_foreign(bytes, size, imp_foreign_onnx);
}

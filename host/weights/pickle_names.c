/* SPDX-License-Identifier: MIT
 *
 * The names that a pickle of tensors may call.
 */
#include "weights/pickle_names.h"

#include <string.h>

#include "weights/pickle.h"

static const struct known {
    const char *module, *name;
    size_t bytes; /* of one number of a storage */
    imp_dtype dtype;
} names[] = {
    [IMP_PICKLE_ORDERED_DICT] = {"collections", "OrderedDict", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_TENSOR] = {"torch._utils", "_rebuild_tensor", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_TENSOR_V2] = {"torch._utils", "_rebuild_tensor_v2", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_PARAMETER] = {"torch._utils", "_rebuild_parameter", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_PARAMETER_STATE] = {"torch._utils", "_rebuild_parameter_with_state", 0,
                                    IMP_DTYPE_OTHER},
    [IMP_PICKLE_NEW_PARAMETER] = {"torch.nn.parameter", "Parameter", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_TYPED] = {"torch._tensor", "_rebuild_from_type_v2", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_RECONSTRUCTOR] = {"copy_reg", "_reconstructor", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_INERT] = {"__builtin__", "set", 0, IMP_DTYPE_OTHER},
    {"builtins", "set", 0, IMP_DTYPE_OTHER},
    {"torch", "Size", 0, IMP_DTYPE_OTHER},
    {"torch", "device", 0, IMP_DTYPE_OTHER},
    {"collections", "defaultdict", 0, IMP_DTYPE_OTHER},
    {"_codecs", "encode", 0, IMP_DTYPE_OTHER},
    {"torch.serialization", "_get_layout", 0, IMP_DTYPE_OTHER},
    [IMP_PICKLE_STORAGES] = {"torch", "FloatStorage", 4, IMP_DTYPE_F32},
    {"torch", "HalfStorage", 2, IMP_DTYPE_F16},
    {"torch", "BFloat16Storage", 2, IMP_DTYPE_BF16},
    {"torch", "DoubleStorage", 8, IMP_DTYPE_F64},
    {"torch", "LongStorage", 8, IMP_DTYPE_OTHER},
    {"torch", "IntStorage", 4, IMP_DTYPE_OTHER},
    {"torch", "ShortStorage", 2, IMP_DTYPE_OTHER},
    {"torch", "CharStorage", 1, IMP_DTYPE_OTHER},
    {"torch", "ByteStorage", 1, IMP_DTYPE_OTHER},
    {"torch", "BoolStorage", 1, IMP_DTYPE_OTHER},
};

static bool is(const char *text, const unsigned char *bytes, size_t length) {
    return strlen(text) == length && memcmp(text, bytes, length) == 0;
}

int imp_pickle_name(const unsigned char *module, size_t module_length, const unsigned char *name,
                    size_t name_length) {
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (is(names[i].module, module, module_length) && is(names[i].name, name, name_length))
            return i;
    return IMP_PICKLE_OTHER;
}

size_t imp_value_storage(const imp_value *name, imp_dtype *dtype) {
    if (name->kind != IMP_VALUE_NAME || name->number < IMP_PICKLE_STORAGES)
        return 0; /* also of another name */
    *dtype = names[name->number].dtype;
    return names[name->number].bytes;
}

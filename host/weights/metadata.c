/* SPDX-License-Identifier: MIT
 *
 * Reading the metadata of a network's file: see metadata.h.
 */
#include "weights/metadata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"

static imp_status need(const char **value, const imp_safetensors *file, const char *key,
                       imp_error *err) {
    *value = imp_safetensors_metadata(file, key);
    if (*value)
        return IMP_OK;
    return imp_fail(err, IMP_ERR_FORMAT,
                    "network '%s': metadata key '%s' is missing: add it with "
                    "tools/annotate-network",
                    file->source, key);
}

static imp_status bad_value(const imp_safetensors *file, const char *key, const char *value,
                            const char *wanted, imp_error *err) {
    return imp_fail(err, IMP_ERR_FORMAT,
                    "network '%s': metadata key '%s' is '%s': make it %s with "
                    "tools/annotate-network",
                    file->source, key, value, wanted);
}

/* Reads one of `count` choices; wanted: the choices as messages name them. */
static imp_status read_indices(size_t *out, const imp_safetensors *file, const char *key,
                               const char *const *choices, size_t count, const char *wanted,
                               imp_error *err) {
    const char *value;
    TRY(need(&value, file, key, err));
    for (*out = 0; *out < count; (*out)++)
        if (strcmp(value, choices[*out]) == 0)
            return IMP_OK;
    return bad_value(file, key, value, wanted, err);
}

/* Reads "a,b,c" as JSON between brackets, which does not depend on the locale. */
static bool parse_triple(float out[3], const char *value) {
    char text[256];
    if (snprintf(text, sizeof text, "[%s]", value) >= (int)sizeof text)
        return false;
    json_t *list = json_loads(text, 0, NULL);
    bool good = json_array_size(list) == 3;
    for (size_t i = 0; i < 3 && good; i++) {
        out[i] = (float)json_number_value(json_array_get(list, i));
        good = json_is_number(json_array_get(list, i)) && isfinite(out[i]);
    }
    json_decref(list);
    return good;
}

static imp_status read_triple(float out[3], const imp_safetensors *file, const char *key,
                              bool divisor, imp_error *err) {
    const char *value;
    TRY(need(&value, file, key, err));
    bool good = parse_triple(out, value);
    for (size_t i = 0; i < 3 && good && divisor; i++)
        good = isnormal(out[i]) && out[i] > 0;
    if (good)
        return IMP_OK;
    return bad_value(file, key, value,
                     divisor ? "three positive numbers a,b,c" : "three numbers a,b,c", err);
}

static const char *or_else(const char *text, const char *instead) {
    return text && *text ? text : instead;
}

/* Copies all strings of info to one block. */
static imp_status copy_texts(imp_network *n, const imp_safetensors *file, imp_error *err) {
    const char *slash = strrchr(file->source, '/');
    const char *const from[] = {
        or_else(imp_safetensors_metadata(file, "name"), slash ? slash + 1 : file->source),
        file->source, or_else(imp_safetensors_metadata(file, "licence"), "unknown"),
        or_else(imp_safetensors_metadata(file, "provenance"), "unknown")};
    const char **const to[] = {&n->info.name, &n->info.source, &n->info.licence,
                               &n->info.provenance};
    size_t room = 0;
    for (size_t i = 0; i < 4; i++)
        room += strlen(from[i]) + 1;
    char *at = n->texts = malloc(room);
    if (!at)
        return imp_fail(err, IMP_ERR_MEMORY, "network '%s': out of memory: close other programs",
                        file->source);
    for (size_t i = 0; i < 4; i++) {
        const size_t size = strlen(from[i]) + 1;
        *to[i] = memcpy(at, from[i], size);
        at += size;
    }
    return IMP_OK;
}

imp_status imp_metadata_read(imp_network *network, const imp_safetensors *file, imp_error *err) {
    static const char *const formats[] = {"impasto-network-1"}, *const orders[] = {"RGB", "BGR"},
                             *const ranges[] = {"1", "255"},
                             *const paddings[] = {"zero", "reflect", "replicate"};
    imp_network_info *info = &network->info;
    size_t format, order, range, padding;
    TRY(read_indices(&format, file, "format", formats, 1, "impasto-network-1", err));
    TRY(read_indices(&order, file, "input", orders, 2, "RGB or BGR", err));
    TRY(read_indices(&range, file, "range", ranges, 2, "1 or 255", err));
    TRY(read_indices(&padding, file, "padding", paddings, 3, "zero, reflect or replicate", err));
    TRY(read_triple(info->mean, file, "mean", false, err));
    TRY(read_triple(info->deviation, file, "std", true, err));
    info->bgr = order == 1;
    info->range = range == 1 ? 255 : 1;
    info->padding = paddings[padding];
    network->padding = (imp_padding)padding;
    return copy_texts(network, file, err);
}

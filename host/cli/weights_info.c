/* SPDX-License-Identifier: MIT
 *
 * impasto weights info: describes a network.
 */
#include "cli/weights.h"

#include "cli/json.h"
#include "cli/words.h"

static json_t *triple(const float *values) {
    json_t *array = json_array();
    for (size_t i = 0; i < 3; i++)
        json_array_append_new(array, cli_json_real((double)values[i]));
    return array;
}

static json_t *optional(const char *text) {
    return text && *text ? cli_json_text(text) : json_null();
}

static void say(const imp_network *network, const imp_network_info *info) {
    json_t *object = cli_json_event("network");
    json_object_set_new(object, "name", optional(info->name));
    json_object_set_new(object, "source", optional(info->source));
    json_object_set_new(object, "licence", optional(info->licence));
    json_object_set_new(object, "provenance", optional(info->provenance));
    json_object_set_new(object, "sha256", json_string(info->sha256));
    json_object_set_new(object, "layers", json_integer((json_int_t)info->layers));
    json_object_set_new(object, "parameters", json_integer((json_int_t)info->parameters));
    json_object_set_new(object, "order", json_string(info->bgr ? "BGR" : "RGB"));
    json_object_set_new(object, "range", cli_json_real((double)info->range));
    json_object_set_new(object, "mean", triple(info->mean));
    json_object_set_new(object, "deviation", triple(info->deviation));
    json_object_set_new(object, "padding", json_string(info->padding));
    cli_json_line(object);
    for (size_t i = 0, total = 0; i < info->layers; i++) {
        const imp_network_layer layer = imp_network_layer_at(network, i);
        total += layer.parameters;
        object = cli_json_event("layer");
        json_object_set_new(object, "name", json_string(layer.name));
        json_object_set_new(object, "in", json_integer((json_int_t)layer.in));
        json_object_set_new(object, "out", json_integer((json_int_t)layer.out));
        json_object_set_new(object, "kernel", json_integer((json_int_t)layer.kernel));
        json_object_set_new(object, "parameters", json_integer((json_int_t)layer.parameters));
        json_object_set_new(object, "total", json_integer((json_int_t)total));
        json_object_set_new(object, "low", cli_json_real((double)layer.low));
        json_object_set_new(object, "high", cli_json_real((double)layer.high));
        cli_json_line(object);
    }
}

static void tell_text(const char *label, const char *text) {
    if (text && *text)
        cli_print("%-12s %s\n", label, text);
}

static void tell_triple(const char *label, const float *values) {
    char a[32], b[32], c[32];
    cli_real_text(a, sizeof a, values[0]);
    cli_real_text(b, sizeof b, values[1]);
    cli_real_text(c, sizeof c, values[2]);
    cli_print("%-12s %s, %s, %s\n", label, a, b, c);
}

static void tell(const imp_network *network, const imp_network_info *info) {
    tell_text("name", info->name);
    tell_text("source", info->source);
    tell_text("licence", info->licence);
    tell_text("provenance", info->provenance);
    tell_text("sha256", info->sha256);
    cli_print("%-12s %s, colours 0..%g\n", "input", info->bgr ? "BGR" : "RGB", (double)info->range);
    tell_triple("mean", info->mean);
    tell_triple("deviation", info->deviation);
    tell_text("padding", info->padding);
    cli_print("%-12s %zu\n", "parameters", info->parameters);
    cli_print("\n%-14s %5s %5s %7s %11s %12s  %s\n", "layer", "in", "out", "kernel", "parameters",
              "so far", "filters");
    for (size_t i = 0, total = 0; i < info->layers; i++) {
        const imp_network_layer l = imp_network_layer_at(network, i);
        char kernel[48];
        total += l.parameters;
        snprintf(kernel, sizeof kernel, "%zu x %zu", l.kernel, l.kernel);
        cli_print("%-14s %5zu %5zu %7s %11zu %12zu  %.3g to %.3g\n", l.name, l.in, l.out, kernel,
                  l.parameters, total, (double)l.low, (double)l.high);
    }
}

int cli_weights_info(cli_request *request, char **operands, int count) {
    imp_network *network = NULL;
    imp_network_info info;
    (void)count;
    const int status = cli_weights_open(&network, &request->values, operands[0], NULL);
    if (status)
        return status;
    imp_network_describe(network, &info);
    if (request->values.json)
        say(network, &info);
    else
        tell(network, &info);
    imp_network_close(network);
    return CLI_DONE;
}

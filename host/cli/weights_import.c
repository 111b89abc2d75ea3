/* SPDX-License-Identifier: MIT
 *
 * impasto weights import: converts another program's file.
 */
#include "cli/weights.h"

#include "cli/json.h"
#include "cli/outputs.h"
#include "cli/words.h"

#include <string.h>
#include <unistd.h>

static void say_installed(const char *name, const char *path, const imp_import_report *report) {
    json_t *object = cli_json_event("installed");
    json_object_set_new(object, "name", *name ? json_string(name) : json_null());
    json_object_set_new(object, "path", cli_json_text(path));
    json_object_set_new(object, "format", cli_json_text(report->format));
    json_object_set_new(object, "sha256", json_string(report->sha256));
    json_object_set_new(object, "layers", json_integer((json_int_t)report->layers));
    json_object_set_new(object, "parameters", json_integer((json_int_t)report->parameters));
    json_object_set_new(object, "skipped", json_integer((json_int_t)report->skipped));
    json_object_set_new(object, "folded", json_boolean(report->folded));
    json_object_set_new(object, "guessed", json_boolean(report->guessed));
    cli_json_line(object);
}

void cli_weights_installed(const cli_values *values, const char *name, const char *path,
                           const imp_import_report *report) {
    if (report->guessed)
        cli_note("%s: guessed %s input from the names of its tensors; if that is wrong, import it "
                 "with --input %s",
                 *name ? name : path,
                 report->input == IMP_INPUT_CAFFE ? "Caffe's" : "torchvision's",
                 report->input == IMP_INPUT_CAFFE ? "torchvision" : "caffe");
    if (values->json) {
        say_installed(name, path, report);
        return;
    }
    cli_print("%s%s%s from %s: %zu layers to %s, %zu parameters", name, *name ? ": " : "",
              report->name, report->format, report->layers, report->deepest, report->parameters);
    if (report->skipped)
        cli_print(", %zu tensors skipped", report->skipped);
    cli_print("%s, in %s\n", report->folded ? ", batch normalisation folded in" : "", path);
}

/* The file's base name up to its first dot. */
static void name_after(char name[IMP_NAME_MAX], const char *path) {
    snprintf(name, IMP_NAME_MAX, "%s", cli_base_name(path));
    char *const dot = strchr(name + (*name == '.'), '.');
    if (dot)
        *dot = '\0';
}

static int check_output(const char *to, const char *from) {
    cli_outputs o = {0};
    cli_outputs_read(&o, "the file to import", from);
    const int status = cli_outputs_write(&o, "output", to, CLI_OUTPUT_RESULT);
    cli_outputs_finish(&o);
    return status;
}

int cli_weights_import(cli_request *request, char **operands, int count) {
    const cli_values *const values = &request->values;
    const imp_import_options options = {.half = values->half, .input = values->input};
    char own[IMP_NAME_MAX], path[IMP_PATH_MAX];
    const char *name = values->name ? values->name : own;
    imp_import_report report;
    imp_error err = {0};
    imp_status status = IMP_OK;
    (void)count;
    if (values->out && values->name)
        return cli_complain(
            CLI_MISUSE,
            "weights import: --output and --name: cannot be combined; give one of them");
    if (values->out) {
        name = "";
        snprintf(path, sizeof path, "%s", values->out);
        if (check_output(path, operands[0]))
            return CLI_MISUSE;
        status = imp_network_import(operands[0], path, &options, &report, &err);
    } else {
        name_after(own, operands[0]);
        status = imp_weights_path(path, sizeof path, name, &err);
        if (status == IMP_OK && !values->force && access(path, F_OK) == 0)
            return cli_complain(CLI_FAILED,
                                "network '%s': is installed already; choose another --name, or "
                                "replace it with --force",
                                name);
        if (status == IMP_OK)
            status = imp_weights_install(name, operands[0], &options, &report, &err);
    }
    if (status != IMP_OK)
        return cli_complain_error(&err);
    cli_weights_installed(values, name, path, &report);
    return CLI_DONE;
}

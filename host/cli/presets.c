/* SPDX-License-Identifier: MIT
 *
 * impasto presets and impasto version.
 */
#include "cli/record.h"
#include "cli/words.h"

static void say(const char *name, const cli_values *values) {
    const imp_settings *settings = &values->settings;
    json_t *object = cli_json_event("preset");
    json_object_set_new(object, "name", cli_json_text(name));
    json_object_set_new(object, "network", cli_json_text(settings->network));
    json_object_set_new(object, "about", cli_json_text(imp_preset_find(settings->preset)->about));
    json_object_set_new(object, "options", cli_record_options(values));
    cli_json_line(object);
}

static void show(const cli_values *values) {
    const imp_settings *settings = &values->settings;
    const char *name;
    char text[CLI_TEXT_MAX];
    cli_print("%s\nnetwork: %s\n\n", imp_preset_find(settings->preset)->about, settings->network);
    for (size_t i = 0; (name = cli_recorded_name(i)); i++) {
        cli_recorded_text(name, values, text, sizeof text);
        if (*text)
            cli_print("%-20s %s\n", name, text);
    }
}

static void list(bool json) {
    const imp_preset *preset;
    cli_values values = {0};
    for (size_t i = 0; (preset = imp_preset_at(i)); i++) {
        if (!json)
            cli_print("%-10s %s\n%-10s network: %s\n", preset->name, preset->about, "",
                      preset->network);
        else if (!cli_values_default(&values, preset->name))
            say(preset->name, &values);
    }
}

int cli_presets(cli_request *request) {
    const char *name = request->operand_count ? request->operands[0] : NULL;
    cli_values values = {0};
    int status = cli_resolve(request);
    if (!status && name)
        status = cli_values_default(&values, name);
    if (status)
        return status;
    if (!name)
        list(request->values.json);
    else if (request->values.json)
        say(name, &values);
    else
        show(&values);
    return CLI_DONE;
}

int cli_version(cli_request *request) {
    const int status = cli_resolve(request);
    if (status)
        return status;
    if (!request->values.json) {
        cli_print("impasto %s\n", imp_version());
        return CLI_DONE;
    }
    json_t *object = cli_json_event("version");
    json_object_set_new(object, "version", json_string(imp_version()));
    cli_json_line(object);
    return CLI_DONE;
}

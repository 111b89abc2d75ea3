/* SPDX-License-Identifier: MIT
 *
 * impasto presets and impasto version: short lists.
 */
#include "cli/record.h"
#include "cli/words.h"

static void say(const imp_settings *preset) {
    cli_values values;
    if (cli_values_default(&values, preset->preset))
        return;
    json_t *object = cli_json_event("preset");
    json_object_set_new(object, "name", json_string(preset->preset));
    json_object_set_new(object, "network", json_string(preset->network));
    json_object_set_new(object, "about", cli_json_text(preset->about));
    json_object_set_new(object, "options", cli_record_options(&values));
    cli_json_line(object);
}

int cli_presets(cli_request *request) {
    const imp_settings *preset;
    const int status = cli_settle(request);
    if (status)
        return status;
    for (size_t i = 0; (preset = imp_preset_at(i)); i++) {
        if (request->values.json)
            say(preset);
        else
            printf("%-10s %s\n%-10s network: %s\n", preset->preset, preset->about, "",
                   preset->network);
    }
    return CLI_DONE;
}

int cli_version(cli_request *request) {
    const int status = cli_settle(request);
    if (status)
        return status;
    if (!request->values.json) {
        printf("impasto %s\n", imp_version());
        return CLI_DONE;
    }
    json_t *object = cli_json_event("version");
    json_object_set_new(object, "version", json_string(imp_version()));
    cli_json_line(object);
    return CLI_DONE;
}

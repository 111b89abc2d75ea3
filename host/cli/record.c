/* SPDX-License-Identifier: MIT
 *
 * Writes and reads the record in a picture: see record.h. A record is untrusted input: its texts
 * pass the checks of the command line, and its names must not be paths.
 */
#include "cli/record.h"

#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

cli_source cli_source_of(const imp_picture *picture, const char *path) {
    cli_source source;
    cli_source_name(source.name, sizeof source.name, path);
    memcpy(source.sha256, picture->sha256, sizeof source.sha256);
    return source;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static json_t *source_object(const cli_source *source) {
    json_t *object = json_object();
    json_object_set_new(object, "name", cli_json_text(source->name));
    json_object_set_new(object, "sha256", json_string(source->sha256));
    return object;
}

static json_t *styles_array(const cli_record *record) {
    json_t *array = json_array();
    for (size_t i = 0; i < record->style_count; i++) {
        json_t *object = source_object(&record->styles[i].picture);
        json_object_set_new(object, "weight", cli_json_real((double)record->styles[i].weight));
        if (*record->styles[i].mask.name)
            json_object_set_new(object, "mask", source_object(&record->styles[i].mask));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *protect_object(const cli_record *record) {
    json_t *object = source_object(&record->protect);
    json_object_set_new(object, "strength", cli_json_real((double)record->protect_strength));
    return object;
}

/* The option for the setting of that name, or else the program's own option; NULL: none. */
static const cli_option *option_named(const char *name) {
    const bool setting = imp_setting_find(name) != NULL;
    for (size_t i = 0; i < cli_option_count; i++)
        if (!strcmp(cli_options[i].name, name) &&
            setting == (cli_option_setting(&cli_options[i]) != NULL))
            return &cli_options[i];
    return NULL;
}

/* Whether a picture records the setting. The network is recorded as a source instead. */
static bool records_setting(const imp_setting *setting) {
    const cli_option *o = option_named(setting->name);
    return o ? o->recorded : !cli_has_option(setting->name);
}

const char *cli_recorded_name(size_t i) {
    const imp_setting *setting;
    for (size_t k = 0; (setting = imp_setting_at(k)); k++)
        if (records_setting(setting) && i-- == 0)
            return setting->name;
    for (size_t k = 0; k < cli_option_count; k++)
        if (cli_options[k].recorded && !cli_option_setting(&cli_options[k]) && i-- == 0)
            return cli_options[k].name;
    return NULL;
}

void cli_recorded_text(const char *name, const cli_values *values, char *text, size_t size) {
    const cli_option *o = option_named(name);
    if (o)
        cli_value_text(o, values, text, size);
    else
        imp_settings_get(&values->settings, name, text, size, NULL);
}

json_t *cli_record_options(const cli_values *values) {
    json_t *object = json_object();
    const char *name;
    char text[CLI_TEXT_MAX];
    for (size_t i = 0; (name = cli_recorded_name(i)); i++) {
        if (!strcmp(name, "init") && values->settings.init == IMP_INIT_PICTURE)
            continue;
        cli_recorded_text(name, values, text, sizeof text);
        if (*text)
            json_object_set_new(object, name, cli_json_text(text));
    }
    return object;
}

char *cli_record_text(const cli_record *record, const cli_values *values, unsigned iterations,
                      const char *device) {
    json_t *object = json_object();
    json_object_set_new(object, "impasto", json_string(imp_version()));
    json_object_set_new(object, "options", cli_record_options(values));
    json_object_set_new(object, "content", source_object(&record->content));
    json_object_set_new(object, "styles", styles_array(record));
    if (*record->mask.name)
        json_object_set_new(object, "mask", source_object(&record->mask));
    if (*record->init.name)
        json_object_set_new(object, "init", source_object(&record->init));
    if (*record->protect.name)
        json_object_set_new(object, "protect", protect_object(record));
    json_object_set_new(object, "network", source_object(&record->network));
    json_object_set_new(object, "iterations", json_integer(iterations));
    json_object_set_new(object, "device", cli_json_text(device));
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
    return text;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void read_source(cli_source *source, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *sha256 = json_string_value(json_object_get(object, "sha256"));
    *source = (cli_source){0};
    if (name && sha256 && !strchr(name, '/') && strlen(name) < sizeof source->name &&
        strlen(sha256) < sizeof source->sha256) {
        snprintf(source->name, sizeof source->name, "%s", name);
        snprintf(source->sha256, sizeof source->sha256, "%s", sha256);
    }
}

static void read_protect(cli_record *record, const json_t *object) {
    const double strength = json_number_value(json_object_get(object, "strength"));
    read_source(&record->protect, object);
    record->protect_strength = strength >= 0 && strength <= 1 ? (float)strength : 0;
}

/* Older records with a single style have it as "style". */
static void read_styles(cli_record *record, const json_t *root) {
    const json_t *array = json_object_get(root, "styles"), *one = json_object_get(root, "style");
    const size_t count = one ? 1 : json_array_size(array);
    record->style_count = 0;
    for (size_t i = 0; i < count && i < IMP_STYLES_MAX; i++) {
        const json_t *style = one ? one : json_array_get(array, i);
        const json_t *weight = json_object_get(style, "weight");
        const double value = json_number_value(weight);
        read_source(&record->styles[i].picture, style);
        read_source(&record->styles[i].mask, json_object_get(style, "mask"));
        record->styles[i].weight = !weight ? 1 : value >= 0 && value < 1e30 ? (float)value : 0;
        record->style_count++;
    }
}

/* The present name of a value in a record, which may use an older name; NULL: unknown. */
static const char *recorded_name(const char *name) {
    const imp_setting *setting = imp_setting_find(name);
    const cli_option *o = setting ? NULL : option_named(name);
    if (setting)
        return records_setting(setting) ? setting->name : NULL;
    return o && o->recorded ? o->name : NULL;
}

void cli_record_changes(const json_t *options, char *text, size_t size) {
    static const char *const others[] = {"preset", "size", "iterations", "quality", "depth"};
    const char *preset = json_string_value(json_object_get(options, "preset")), *name;
    cli_values values;
    json_t *value;
    size_t used = 0;
    *text = 0;
    if (!preset || !imp_preset_find(preset) || cli_values_default(&values, preset))
        return;
    json_object_foreach((json_t *)(uintptr_t)options, name, value) {
        const char *recorded = recorded_name(name);
        char usual[CLI_TEXT_MAX];
        bool said = !recorded || !json_is_string(value);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            said |= !strcmp(name, others[i]);
        if (said)
            continue;
        cli_recorded_text(recorded, &values, usual, sizeof usual);
        if (strcmp(usual, json_string_value(value)) != 0 && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? ", " : "",
                                     recorded, json_string_value(value));
    }
}

void cli_record_summary(const char *path, char *text, size_t size) {
    char *record = NULL, changes[CLI_TEXT_MAX];
    *text = 0;
    if (imp_picture_text(&record, path, NULL) != IMP_OK || !record)
        return;
    json_t *root = json_loads(record, JSON_REJECT_DUPLICATES, NULL);
    const json_t *options = json_object_get(root, "options");
    const json_t *iterations = json_object_get(root, "iterations");
    const char *preset = json_string_value(json_object_get(options, "preset"));
    const char *device = json_string_value(json_object_get(root, "device"));
    cli_record_changes(options, changes, sizeof changes);
    if (json_object_get(root, "impasto") && preset && json_is_integer(iterations) && device)
        snprintf(text, size, "preset %s, %" JSON_INTEGER_FORMAT " iterations on %s%s%s", preset,
                 json_integer_value(iterations), device, *changes ? ", " : "", changes);
    json_decref(root);
    free(record);
}

static bool read_value(const char *name, const char *text, cli_values *values, imp_error *err) {
    const cli_option *o = option_named(name);
    return o && o->kind != CLI_INIT ? cli_value_read(o, text, values, err)
                                    : cli_setting_read(name, text, &values->settings, err);
}

/* The recorded options over the defaults of the recorded preset. An option that this version does
 * not know is reported, and left out. */
static int read_options(cli_values *values, const json_t *options, const char *path) {
    const char *name;
    json_t *value;
    const char *preset = json_string_value(json_object_get(options, "preset"));
    if (preset && !imp_preset_find(preset)) /* never the path of a file */
        return cli_complain(CLI_FAILED, "'%s': its preset '%s' is unknown; give --preset instead",
                            path, preset);
    const int status = cli_values_default(values, preset);
    if (status)
        return status;
    json_object_foreach((json_t *)(uintptr_t)options, name, value) {
        const char *recorded = recorded_name(name), *text = json_string_value(value);
        imp_error err = {0};
        if (!recorded)
            cli_note("'%s': left out '%s', which this version does not know", path, name);
        else if (!text)
            return cli_complain(CLI_FAILED, "'%s': damaged: '%s' is not a text", path, name);
        else if (!read_value(recorded, text, values, &err))
            return cli_complain(CLI_FAILED, "'%s': damaged: %s", path, err.text);
    }
    /* Files to start from are recorded as sources, not here. */
    if (values->settings.init == IMP_INIT_PICTURE)
        return cli_complain(CLI_FAILED, "'%s': damaged: 'init' names no picture", path);
    return CLI_DONE;
}

int cli_record_take(cli_record *record, cli_values *values, const json_t *root, const char *path) {
    const json_t *options = json_object_get(root, "options");
    const char *version = json_string_value(json_object_get(root, "impasto"));
    if (!version || !json_is_object(options))
        return cli_complain(CLI_FAILED,
                            "'%s': its text is not a record of parameters; "
                            "give the options instead",
                            path);
    const int status = read_options(values, options, path);
    if (status)
        return status;
    if (strcmp(version, imp_version()) != 0)
        cli_note("'%s': made by version %s, this is %s: the picture may differ", path, version,
                 imp_version());
    read_source(&record->content, json_object_get(root, "content"));
    read_source(&record->mask, json_object_get(root, "mask"));
    read_source(&record->init, json_object_get(root, "init"));
    read_protect(record, json_object_get(root, "protect"));
    read_source(&record->network, json_object_get(root, "network"));
    read_styles(record, root);
    return CLI_DONE;
}

static int read_preset(cli_values *values, const json_t *root, const char *path) {
    const json_t *options = json_object_get(root, "options");
    const char *base = json_string_value(json_object_get(options, "preset"));
    const char *network = json_string_value(json_object_get(root, "network"));
    if (!json_is_object(options) || (base && !imp_preset_find(base)))
        return cli_complain(
            CLI_FAILED,
            "'%s': not a preset: \"options\" is missing, or its \"preset\" is unknown; "
            "'impasto presets default --json' shows an example",
            path);
    const int status = read_options(values, options, path);
    if (status || !network)
        return status;
    if (strlen(network) >= sizeof values->settings.network)
        return cli_complain(CLI_FAILED, "'%s': \"network\" is too long; give --network instead",
                            path);
    snprintf(values->settings.network, sizeof values->settings.network, "%s", network);
    return CLI_DONE;
}

int cli_record_preset(cli_values *values, const char *path) {
    json_error_t err;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
    if (!root)
        return cli_complain(CLI_FAILED, "preset '%s': %s (line %d)", path, err.text, err.line);
    const int status = read_preset(values, root, path);
    json_decref(root);
    return status;
}

int cli_record_read(cli_record *record, cli_values *values, const char *path) {
    imp_error err = {0};
    char *text = NULL;
    *record = (cli_record){0};
    snprintf(record->folder, sizeof record->folder, "%.*s", (int)(cli_base_name(path) - path),
             path);
    if (imp_picture_text(&text, path, &err) != IMP_OK)
        return cli_complain_error(&err);
    if (!text)
        return cli_complain(CLI_FAILED, "'%s': records no parameters; give the options instead",
                            path);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const int status = cli_record_take(record, values, root, path);
    json_decref(root);
    free(text);
    return status;
}

bool cli_record_find(const cli_record *record, const cli_source *source, char *path) {
    const char *const folders[] = {"", record->folder};
    float rgb[3];
    if (!*source->sha256 && cli_colour_read(source->name, rgb)) {
        snprintf(path, IMP_PATH_MAX, "%s", source->name);
        return true;
    }
    for (size_t i = 0; i < 2 && *source->name; i++) {
        char sha256[65] = "";
        const int length = snprintf(path, IMP_PATH_MAX, "%s%s", folders[i], source->name);
        if (length < IMP_PATH_MAX && imp_file_sha256(sha256, path, NULL) == IMP_OK &&
            !strcmp(sha256, source->sha256))
            return true;
    }
    return false;
}

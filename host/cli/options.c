/* SPDX-License-Identifier: MIT
 *
 * Parses the command line by the tables, and reads the values of options.
 */
#include "cli/guard.h"
#include "cli/record.h"

#include "cli/words.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long returns LONG_FIRST + i for option i of the table. */
enum { LONG_FIRST = 256 };

const cli_command *cli_command_find(const char *name) {
    cli_nearest nearest = {.word = name};
    for (size_t i = 0; i < cli_command_count; i++) {
        if (!strcmp(cli_commands[i].name, name))
            return &cli_commands[i];
        cli_nearest_offer(&nearest, cli_commands[i].name);
    }
    if (*nearest.best)
        cli_complain(0, "command '%s': unknown; the nearest is '%s'", name, nearest.best);
    else
        cli_complain(0, "command '%s': unknown; 'impasto help' lists them", name);
    return NULL;
}

/* ---- Options and settings -------------------------------------------------------------------- */

bool cli_has_option(const char *name) {
    for (size_t i = 0; i < cli_option_count; i++)
        if (!strcmp(cli_options[i].name, name))
            return true;
    return false;
}

const imp_setting *cli_option_setting(const cli_option *o) {
    const bool sets = o->kind == CLI_SETTING || o->kind == CLI_INIT || o->kind == CLI_PRESET;
    return sets ? imp_setting_find(o->name) : NULL;
}

const char *cli_option_argument(const cli_option *o) {
    const imp_setting *setting = cli_option_setting(o);
    if (o->argument || !setting)
        return o->argument;
    return setting->words ? setting->words : setting->syntax;
}

void cli_option_help(const cli_option *o, char text[CLI_HELP_MAX]) {
    const imp_setting *setting = cli_option_setting(o);
    char all[CLI_HELP_MAX];
    snprintf(all, sizeof all, "%s%s", setting ? setting->meaning : "", o->help ? o->help : "");
    cli_name_options(text, CLI_HELP_MAX, all);
}

/* The older name of an option, or NULL. */
static const char *older_name(const cli_option *o) {
    const imp_setting *setting = cli_option_setting(o);
    return setting ? setting->older : NULL;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* getopt's own tables for the options of one command. */
typedef struct getopt_tables {
    struct option longs[2 * CLI_OPTIONS_MAX + 1]; /* with older names */
    char letters[2 * CLI_OPTIONS_MAX + 2];
} getopt_tables;

static void make_tables(getopt_tables *tables, const cli_command *command) {
    memset(tables, 0, sizeof *tables);
    struct option *next = tables->longs;
    char *letter = tables->letters;
    *letter++ = ':'; /* getopt then reports a missing value as ":", an unknown option as "?" */
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *o = &cli_options[i];
        if (!(o->commands & command->bit))
            continue;
        const bool takes_text = cli_option_argument(o) != NULL;
        const struct option entry = {.name = o->name,
                                     .has_arg = takes_text ? required_argument : no_argument,
                                     .val = LONG_FIRST + (int)i};
        *next++ = entry;
        if (older_name(o)) {
            *next = entry;
            (next++)->name = older_name(o);
        }
        if (o->letter)
            *letter++ = o->letter;
        if (o->letter && takes_text)
            *letter++ = ':';
    }
}

static size_t option_index(const cli_command *command, int code) {
    size_t i = 0;
    if (code >= LONG_FIRST)
        return (size_t)(code - LONG_FIRST);
    while (i < cli_option_count &&
           !(cli_options[i].letter == code && cli_options[i].commands & command->bit))
        i++;
    return i;
}

/* Complains about a prefix of several options, and lists them. */
static int complain_ambiguous(const cli_command *command, const char *word) {
    char names[512];
    size_t used = 0;
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_options[i].commands & command->bit &&
            !strncmp(cli_options[i].name, word, strlen(word)))
            used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s", used ? ", " : "",
                                     cli_options[i].name);
    return cli_complain(CLI_MISUSE, "option '--%s': ambiguous; it may mean %s", word, names);
}

/* Complains about a long option that getopt rejected ("--name" or "--name=value"). */
static int complain_long(const cli_command *command, const char *text) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    cli_nearest nearest = {.word = word};
    const cli_option *elsewhere = NULL;
    size_t begins = 0;
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->commands & command->bit) {
            cli_nearest_offer(&nearest, o->name);
            begins += !strncmp(o->name, word, strlen(word));
        } else if (o->commands && !strcmp(o->name, word)) {
            elsewhere = o;
        }
    }
    if (begins > 1 && *word)
        return complain_ambiguous(command, word);
    for (size_t i = 0; elsewhere && i < cli_command_count; i++)
        if (elsewhere->commands & cli_commands[i].bit)
            return cli_complain(CLI_MISUSE, "option '--%s': belongs to 'impasto %s', not to '%s'",
                                word, cli_commands[i].name, command->name);
    if (*nearest.best)
        return cli_complain(CLI_MISUSE, "option '--%s': unknown; the nearest is '--%s'", word,
                            nearest.best);
    return cli_complain(CLI_MISUSE, "option '--%s': unknown; see 'impasto help %s'", word,
                        command->name);
}

static int complain_option(const cli_command *command, int code, const char *text) {
    const size_t i = optopt ? option_index(command, optopt) : cli_option_count;
    if (i < cli_option_count && code == ':')
        return cli_complain(CLI_MISUSE, "option '--%s': needs a value: --%s %s",
                            cli_options[i].name, cli_options[i].name,
                            cli_option_argument(&cli_options[i]));
    if (i < cli_option_count)
        return cli_complain(CLI_MISUSE, "option '--%s': takes no value", cli_options[i].name);
    if (optopt)
        return cli_complain(CLI_MISUSE, "option '-%c': unknown; see 'impasto help %s'", optopt,
                            command->name);
    return complain_long(command, text);
}

/* Stores an option's text; for a list given again, appends it. */
static int keep_text(cli_request *request, size_t i, const char *text) {
    const char *before = request->given[i];
    request->given[i] = text;
    if (cli_options[i].kind == CLI_FILES) {
        if (request->file_count == CLI_OPTIONS_MAX)
            return cli_complain(CLI_MISUSE, "option '--%s': given too often", cli_options[i].name);
        request->files[request->file_count].option = i;
        request->files[request->file_count++].text = text;
    }
    if (cli_options[i].kind != CLI_LIST || !before)
        return CLI_DONE;
    const size_t left = sizeof request->lists - request->lists_used;
    char *const list = request->lists + request->lists_used;
    const int length = snprintf(list, left, "%s,%s", before, text);
    if (length < 0 || (size_t)length >= left)
        return cli_complain(CLI_MISUSE, "option '--%s': given too often", cli_options[i].name);
    request->lists_used += (size_t)length + 1;
    request->given[i] = list;
    return CLI_DONE;
}

int cli_parse(cli_request *request, int argc, char **argv) {
    const cli_command *command = request->command;
    getopt_tables tables;
    make_tables(&tables, command);
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1;) {
        if (code == '?' || code == ':')
            return complain_option(command, code, argv[optind - 1]);
        const int status = keep_text(request, option_index(command, code), optarg ? optarg : "on");
        if (status)
            return status;
    }
    request->operands = argv + optind;
    request->operand_count = argc - optind;
    if (cli_given(request, "help"))
        return CLI_DONE;
    if (request->operand_count > command->most)
        return cli_complain(CLI_MISUSE, "'%s': unexpected argument; usage: impasto %s %s",
                            request->operands[command->most], command->name, command->operands);
    if (request->operand_count < command->least)
        return cli_complain(CLI_MISUSE, "missing argument; usage: impasto %s %s", command->name,
                            command->operands);
    return CLI_DONE;
}

/* ---- Values ---------------------------------------------------------------------------------- */

const char *cli_given(const cli_request *request, const char *name) {
    for (size_t i = 0; i < cli_option_count; i++)
        if (request->given[i] && !strcmp(cli_options[i].name, name))
            return request->given[i];
    return NULL;
}

static int complain_preset(const char *name) {
    char names[512] = "";
    size_t used = 0;
    cli_nearest nearest = {.word = name};
    const imp_preset *preset;
    for (size_t i = 0; (preset = imp_preset_at(i)) && used < sizeof names; i++) {
        cli_nearest_offer(&nearest, preset->name);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 preset->name);
    }
    if (*nearest.best)
        return cli_complain(CLI_MISUSE, "preset '%s': unknown; the nearest is '%s'", name,
                            nearest.best);
    return cli_complain(CLI_MISUSE, "preset '%s': unknown; expected one of %s", name, names);
}

int cli_values_default(cli_values *values, const char *preset) {
    if (preset && strpbrk(preset, "./"))
        return cli_record_preset(values, preset);
    const char *device = getenv("IMPASTO_DEVICE");
    if (preset && !imp_preset_find(preset))
        return complain_preset(preset);
    *values = (cli_values){.device = device && *device ? device : "auto",
                           .quality = 95,
                           .film_seconds = 10,
                           .checkpoint_every = 60,
                           .stall = 30,
                           .background = {.rgb = {1, 1, 1}},
                           .max_pixels = (size_t)1 << 28};
    imp_settings_init(&values->settings, sizeof values->settings);
    if (preset)
        imp_settings_set(&values->settings, "preset", preset, NULL);
    return CLI_DONE;
}

FILE *cli_talk(const cli_values *values) {
    return values->out && !strcmp(values->out, "-") ? cli_errors() : stdout;
}

/* The published learning rates for colours in 0..255 and in 0..1, for an optimizer that is not the
 * preset's. */
static float usual_rate(const imp_settings *settings) {
    return settings->optimizer == IMP_LBFGS || settings->range > 1 ? 1.0F : 0.02F;
}

static int apply_one(cli_request *request, const cli_option *o, const char *text) {
    imp_error err = {0};
    return cli_value_read(o, text, &request->values, &err) ? CLI_DONE : cli_complain_error(&err);
}

/* Strength replaces the weights of content and style; both at once contradict each other. */
static int resolve_strength(cli_request *request) {
    const bool weights = cli_given(request, "content-weight") || cli_given(request, "style-weight");
    const bool given = cli_given(request, "strength");
    if (given && weights)
        return cli_complain(CLI_MISUSE,
                            "--strength sets the balance of --content-weight and --style-weight; "
                            "give one or the other");
    if (given && request->values.texture)
        return cli_complain(CLI_MISUSE,
                            "--strength: has no effect with --texture, which is all style");
    if (cli_given(request, "protect") && request->values.texture)
        return cli_complain(CLI_MISUSE,
                            "--protect: has no effect with --texture, which has no content");
    if (weights)
        request->values.settings.strength = -1;
    return CLI_DONE;
}

int cli_apply(cli_request *request) {
    imp_settings *const settings = &request->values.settings;
    const imp_optimizer before = settings->optimizer;
    int status = CLI_DONE;
    for (size_t i = 0; i < cli_option_count && !status; i++)
        if (request->given[i] && cli_options[i].kind != CLI_FILES)
            status = apply_one(request, &cli_options[i], request->given[i]);
    for (size_t i = 0; i < request->file_count && !status; i++)
        status = apply_one(request, &cli_options[request->files[i].option], request->files[i].text);
    if (status)
        return status;
    if (cli_given(request, "scales") && !cli_given(request, "size") && settings->size_count)
        settings->size = settings->sizes[settings->size_count - 1];
    if (settings->optimizer != before && !cli_given(request, "learning-rate"))
        settings->learning_rate = usual_rate(settings);
    return resolve_strength(request);
}

/* The preset for the built-in network with the same kind of loss. */
static const char *preset_for_builtin(const imp_settings *settings) {
    return settings->style_form == IMP_LOSS_WASSERSTEIN ? "brush" : "default";
}

/* Takes the loss from there, but for the layers. The built-in network's features are of another
 * size than VGG-19's: the weights that a preset has for VGG-19 make no sense with it. */
static int take_loss_for_builtin(imp_settings *settings) {
    static const char *const names[] = {"content-form",   "style-form",   "gram-norm", "metric",
                                        "tv-form",        "tv-mean",      "tv-weight", "range",
                                        "content-weight", "style-weight", "strength"};
    imp_settings from;
    char value[IMP_SETTING_TEXT_MAX];
    imp_error err = {0};
    imp_settings_init(&from, sizeof from);
    imp_settings_set(&from, "preset", preset_for_builtin(settings), NULL);
    from.strength = 0.5F; /* the layers differ */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (imp_settings_get(&from, names[i], value, sizeof value, &err) != IMP_OK ||
            imp_settings_set(settings, names[i], value, &err) != IMP_OK)
            return cli_complain_error(&err);
    return CLI_DONE;
}

int cli_resolve(cli_request *request) {
    const char *preset = cli_given(request, "preset"), *network = cli_given(request, "network");
    imp_settings *const settings = &request->values.settings;
    int status = cli_values_default(&request->values, preset);
    const imp_preset *named = status || !preset ? NULL : imp_preset_find(preset);
    if (named && network && !strcmp(network, "builtin") && strcmp(named->network, "builtin") != 0) {
        status = take_loss_for_builtin(settings);
        if (!cli_given(request, "quiet"))
            cli_note("preset '%s' is for network '%s': with 'builtin' it takes the loss of '%s'",
                     preset, named->network, preset_for_builtin(settings));
    }
    return status ? status : cli_apply(request);
}

/* SPDX-License-Identifier: MIT
 *
 * impasto help: the table of commands and options for people.
 */
#include "cli/help.h"

#include "cli/json.h"
#include "cli/words.h"

#include <string.h>

enum { WIDTH = 80, INDENT = 28 };

const cli_meaning cli_exit_statuses[] = {
    {"0", "done"},
    {"1", "failed"},
    {"2", "invalid command line"},
    {"130", "ended by Ctrl-C; paint has saved the picture, its film and its state"},
    {"129, 141, 143, 153", "the same after HUP, PIPE, TERM, XFSZ"},
    {NULL, NULL}};

/* Prints text in lines of WIDTH columns, each after `indent` blanks; `column` says how much of the
 * first is taken. */
static void wrap(const char *text, size_t indent, size_t column) {
    printf("%*s", (int)(indent > column ? indent - column : 0), "");
    for (column = indent; *text;) {
        const size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word >= WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += word;
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

void cli_default_text(const cli_option *o, const cli_values *values, char *text, size_t size) {
    const imp_setting *setting = cli_option_setting(o);
    *text = 0;
    if ((o->help && strstr(o->help, "(default:")) || /* the help states it */
        (setting && setting->type == IMP_SETTING_FLAG))
        return;
    switch (o->kind) {
    case CLI_FLAG:
    case CLI_TEXT:
    case CLI_LIST:
    case CLI_FILE:
    case CLI_FILES:
    case CLI_FOLDER:
        return;
    case CLI_CHOICE:
        if (o->commands == CLI_HELP)
            return;
        break;
    default:
        break;
    }
    cli_value_text(o, values, text, size);
}

static void print_option(const cli_option *o, const cli_values *values) {
    char left[80], help[CLI_HELP_MAX], value[CLI_TEXT_MAX], text[CLI_TEXT_MAX + CLI_HELP_MAX + 16];
    const char letter[] = {'-', o->letter, ',', 0};
    const char *argument = cli_option_argument(o);
    const int length = snprintf(left, sizeof left, "  %3s --%s%s%s", o->letter ? letter : "",
                                o->name, argument ? " " : "", argument ? argument : "");
    cli_option_help(o, help);
    cli_default_text(o, values, value, sizeof value);
    snprintf(text, sizeof text, *value ? "%s (default: %s)" : "%s", help, value);
    fputs(left, stdout);
    if (length + 2 > INDENT)
        putchar('\n');
    wrap(text, INDENT, length + 2 > INDENT ? 0 : (size_t)length);
}

void cli_help_command(const cli_command *command, const cli_values *values) {
    printf("usage: impasto %s%s%s [OPTION...]\n\n", command->name, *command->operands ? " " : "",
           command->operands);
    wrap(command->text, 0, 0);
    for (int group = 0; group < CLI_GROUPS; group++) {
        bool titled = false;
        for (size_t i = 0; i < cli_option_count; i++) {
            const cli_option *o = &cli_options[i];
            if ((int)o->group != group || !(o->commands & command->bit))
                continue;
            if (!titled)
                printf("\n%s\n", cli_group_titles[group]);
            titled = true;
            print_option(o, values);
        }
    }
    printf("\nExamples\n");
    for (const cli_example *e = command->examples; e->line; e++) {
        printf("  %s\n", e->line);
        if (e->meaning)
            printf("      %s\n", e->meaning);
    }
}

void cli_help_program(void) {
    wrap("impasto paints a photograph in the style of a picture, on any OpenCL device or on the "
         "processor alone.",
         0, 0);
    printf("\nusage: impasto COMMAND [OPTION...]\n\nCommands\n");

    for (size_t i = 0; i < cli_command_count; i++)
        printf("  %-10s %s\n", cli_commands[i].name, cli_commands[i].brief);
    printf("\nBegin with\n  %s\n", cli_commands[0].examples[0].line);
    printf("\n'impasto help COMMAND' explains a command and all its options.\n\nExit status\n");
    for (const cli_meaning *e = cli_exit_statuses; e->name; e++)
        printf("  %-10s %s\n", e->name, e->meaning);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static json_t *optional(const char *text) {
    return text && *text ? cli_json_text(text) : json_null();
}

static void say_option(const cli_command *command, const cli_option *o, const cli_values *values) {
    const char letter[] = {o->letter, 0};
    const imp_setting *setting = cli_option_setting(o);
    char value[CLI_TEXT_MAX], help[CLI_HELP_MAX];
    json_t *object = cli_json_event("option");
    cli_option_help(o, help);
    cli_default_text(o, values, value, sizeof value);
    json_object_set_new(object, "command", json_string(command->name));
    json_object_set_new(object, "name", json_string(o->name));
    json_object_set_new(object, "letter", optional(letter));
    json_object_set_new(object, "argument", optional(cli_option_argument(o)));
    json_object_set_new(object, "default", optional(value));
    json_object_set_new(object, "unit", optional(setting ? setting->unit : NULL));
    json_object_set_new(object, "older", optional(setting ? setting->older : NULL));
    json_object_set_new(object, "group", json_string(cli_group_titles[o->group]));
    json_object_set_new(object, "help", cli_json_text(help));
    cli_json_line(object);
}

static void say(const cli_command *only, const cli_values *values) {
    for (size_t i = 0; i < cli_command_count; i++)
        for (size_t k = 0; k < cli_option_count; k++)
            if ((!only || only == &cli_commands[i]) &&
                cli_options[k].commands & cli_commands[i].bit)
                say_option(&cli_commands[i], &cli_options[k], values);
}

int cli_help(cli_request *request) {
    const cli_values *values = &request->values;
    const cli_command *about = NULL;
    const int status = cli_resolve(request);
    if (status)
        return status;
    if (request->operand_count && !(about = cli_command_find(request->operands[0])))
        return CLI_MISUSE;
    if (values->man)
        cli_man_page(values);
    else if (cli_given(request, "completion"))
        cli_completions(values->completion);
    else if (values->json)
        say(about, values);
    else if (about)
        cli_help_command(about, values);
    else
        cli_help_program();
    return CLI_DONE;
}

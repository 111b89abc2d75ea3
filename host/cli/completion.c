/* SPDX-License-Identifier: MIT
 *
 * Completions for bash, zsh and fish, from the tables of commands, options and settings.
 */
#include "cli/help.h"

#include <string.h>

enum { WORDS_MAX = 512 };

/* ---- Possible values ------------------------------------------------------------------------- */

static void append(char *words, const char *word) {
    const size_t used = strlen(words);
    snprintf(words + used, WORDS_MAX - used, "%s%s", used ? " " : "", word);
}

/* The words of "a|b|FILE", except FILE. */
static void append_choice(char *words, const char *choice) {
    char word[64];
    for (size_t i = 0; cli_choice_word(choice, i, word, sizeof word); i++)
        if (strcmp(word, "FILE") != 0)
            append(words, word);
}

/* The words that an option takes, separated by blanks; words holds WORDS_MAX. */
static void words_of(const cli_option *o, char *words) {
    const imp_setting *setting = cli_option_setting(o);
    const imp_preset *preset;
    *words = 0;
    if (o->kind == CLI_CHOICE || (setting && setting->words))
        append_choice(words, cli_option_argument(o));
    if (setting && setting->off)
        append(words, setting->off);
    if (o->kind == CLI_BACKGROUND)
        append(words, "keep white black");
    if (o->kind == CLI_PRESET)
        for (size_t i = 0; (preset = imp_preset_at(i)); i++)
            append(words, preset->name);
    if (!strcmp(o->name, "device"))
        append(words, "auto cpu oracle");
    if (!strcmp(o->name, "network"))
        append(words, "builtin");
}

static bool takes_file(const cli_option *o) {
    return o->kind == CLI_FILE || o->kind == CLI_FILES || o->kind == CLI_INIT;
}

/* Words that a command takes as operands. */
static void operand_words(const cli_command *command, char *words) {
    *words = 0;
    if (command->bit == CLI_WEIGHTS)
        append(words, "info builtin");
    for (size_t i = 0; command->bit == CLI_HELP && i < cli_command_count; i++)
        append(words, cli_commands[i].name);
}

static bool operand_files(const cli_command *command) {
    return command->bit & (CLI_PAINT | CLI_SCORE | CLI_WEIGHTS);
}

/* The first clause of the help, without special characters of the shell. */
static void gist(const char *help, char *text, size_t size) {
    snprintf(text, size, "%.*s", (int)strcspn(help, ";(:,."), help);
    for (char *c = text; *c; c++)
        if (strchr("'\"[]\\$`", *c))
            *c = ' ';
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_option(const cli_command *command, const cli_option *o) {
    char words[WORDS_MAX];
    words_of(o, words);
    if (!cli_option_argument(o))
        return;
    printf("    '%s --%s'", command->name, o->name);
    if (o->letter)
        printf("|'%s -%c'", command->name, o->letter);
    printf(") words='%s'; kind=%s;;\n", words,
           takes_file(o)           ? "file"
           : o->kind == CLI_FOLDER ? "directory"
                                   : "");
}

static void bash_command(const cli_command *command) {
    char words[WORDS_MAX];
    operand_words(command, words);
    printf("    %s) words='%s", command->name, words);
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_options[i].commands & command->bit)
            printf(" --%s", cli_options[i].name);
    printf("'; kind=%s;;\n", operand_files(command) ? "file" : "");
}

static void bash(void) {
    printf("# bash completion for impasto\n"
           "_impasto() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local words='' kind='none'\n"
           "    case \"${COMP_WORDS[1]} $before\" in\n");
    for (size_t i = 0; i < cli_command_count; i++)
        for (size_t k = 0; k < cli_option_count; k++)
            if (cli_options[k].commands & cli_commands[i].bit)
                bash_option(&cli_commands[i], &cli_options[k]);
    printf("    esac\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        kind=''; words='");
    for (size_t i = 0; i < cli_command_count; i++)
        printf("%s%s", i ? " " : "", cli_commands[i].name);
    printf("'\n"
           "    elif [ \"$kind\" = none ]; then case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; i < cli_command_count; i++)
        bash_command(&cli_commands[i]);
    printf("    esac; fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "    local IFS=$'\\n'\n"
           "    case $kind in\n"
           "    file|directory) COMPREPLY+=($(compgen -A \"$kind\" -- \"$word\"));;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _impasto impasto\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

static void zsh_option(const cli_option *o) {
    char help[CLI_HELP_MAX], text[256], words[WORDS_MAX];
    cli_option_help(o, help);
    gist(help, text, sizeof text);
    words_of(o, words);
    const bool again = o->kind == CLI_FILES;
    if (o->letter && again)
        printf(" \\\n            '*'{-%c,--%s}'[%s]", o->letter, o->name, text);
    else if (o->letter)
        printf(" \\\n            '(-%c --%s)'{-%c,--%s}'[%s]", o->letter, o->name, o->letter,
               o->name, text);
    else
        printf(" \\\n            '%s--%s[%s]", again ? "*" : "", o->name, text);
    if (cli_option_argument(o))
        printf(":%s:", o->name);
    if (takes_file(o) && *words)
        printf("_alternative \"words:word:(%s)\" \"files:file:_files\"", words);
    else if (takes_file(o))
        printf("_files");
    else if (o->kind == CLI_FOLDER)
        printf("_files -/");
    else if (*words)
        printf("(%s)", words);
    putchar('\'');
}

static void zsh_command(const cli_command *command) {
    char words[WORDS_MAX];
    operand_words(command, words);
    printf("    %s)\n        _arguments -s", command->name);
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_options[i].commands & command->bit)
            zsh_option(&cli_options[i]);
    if (operand_files(command) && *words)
        printf(" \\\n            '*: :_alternative \"words:word:(%s)\" \"files:file:_files\"'",
               words);
    else if (operand_files(command))
        printf(" \\\n            '*:file:_files'");
    else if (*words)
        printf(" \\\n            '*:word:(%s)'", words);
    printf("\n        ;;\n");
}

static void zsh(void) {
    printf("#compdef impasto\n"
           "_impasto() {\n"
           "    local -a commands\n"
           "    commands=(");
    for (size_t i = 0; i < cli_command_count; i++)
        printf("\n        '%s:%s'", cli_commands[i].name, cli_commands[i].brief);
    printf(")\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    case $words[1] in\n");
    for (size_t i = 0; i < cli_command_count; i++)
        zsh_command(&cli_commands[i]);
    printf("    esac\n"
           "}\n"
           "_impasto \"$@\"\n");
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void fish_option(const cli_command *command, const cli_option *o) {
    char help[CLI_HELP_MAX], text[256], words[WORDS_MAX];
    cli_option_help(o, help);
    gist(help, text, sizeof text);
    words_of(o, words);
    printf("complete -c impasto -n '__fish_seen_subcommand_from %s' -l %s", command->name, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (cli_option_argument(o))
        printf(takes_file(o) || o->kind == CLI_FOLDER ? " -r -F" : " -x");
    if (*words)
        printf(" -a '%s'", words);
    printf(" -d '%s'\n", text);
}

static void fish(void) {
    char words[WORDS_MAX];
    printf("# fish completion for impasto\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        const cli_command *command = &cli_commands[i];
        operand_words(command, words);
        printf("complete -c impasto -f -n __fish_use_subcommand -a %s -d '%s'\n", command->name,
               command->brief);
        if (*words)
            printf("complete -c impasto -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                   command->name, words);
        if (!operand_files(command))
            printf("complete -c impasto -f -n '__fish_seen_subcommand_from %s'\n", command->name);
        for (size_t k = 0; k < cli_option_count; k++)
            if (cli_options[k].commands & command->bit)
                fish_option(command, &cli_options[k]);
    }
}

void cli_completions(unsigned shell) {
    static void (*const shells[])(void) = {bash, zsh, fish};
    shells[shell]();
}

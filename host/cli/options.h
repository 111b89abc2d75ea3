/* SPDX-License-Identifier: MIT
 *
 * The tables of commands and options, and the parser of arguments. The help, the man page, the
 * completions, the parser and the record in a picture all read these tables and, for what is a
 * setting of the library, its table of settings.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <impasto.h>

enum { CLI_OPTIONS_MAX = 160, CLI_TEXT_MAX = IMP_SETTING_TEXT_MAX, CLI_HELP_MAX = 1024 };

/* The background of transparent parts, unless they are kept. */
typedef struct cli_background {
    float rgb[3]; /* in [0,1] */
    bool keep;
} cli_background;

/* The files of an option that may be given several times. Borrowed. */
typedef struct cli_files {
    const char *paths[IMP_STYLES_MAX];
    size_t count;
} cli_files;

/* Whether to use the fastest algorithms; in the order of the option's words. */
typedef enum cli_tune { CLI_TUNE_AUTO, CLI_TUNE_OFF } cli_tune;

/* The values of options: the settings of the library and the program's own. Texts are borrowed from
 * the arguments, the environment or the presets. */
typedef struct cli_values {
    imp_settings settings;
    const char *network; /* NULL: settings.network */
    const char *init;    /* the picture to start from, with IMP_INIT_PICTURE */
    const char *out, *like, *content, *style, *dump, *device, *film, *checkpoint;
    const char *sheet, *labels, *preview_file;
    size_t columns, panel; /* of a sheet; 0: as in cli_sheet */
    cli_files styles, style_masks;
    const char *mask, *protect;
    unsigned threads, quality, completion;
    unsigned depth; /* 0: 8 bits a colour, 1: 16 */
    size_t max_pixels;
    cli_background background;
    double time_limit; /* seconds; 0: none */
    double film_seconds, checkpoint_every;
    size_t film_size;    /* 0: as in imp_film_options */
    unsigned save_every; /* iterations; 0: never */
    const char *from;    /* an address or file to fetch from; NULL: the published address */
    double stall;        /* seconds */
    const char *name;    /* of an imported network; NULL: the file's name */
    imp_input input;     /* of a network file that does not state it */
    bool half;
    imp_gemm gemm;
    imp_precision precision;
    cli_tune tune;
    bool preview, dry_run, texture, zip, force, strip, profile, quiet, verbose, json, help, man,
        quick, again;
    const char *only, *sizes, *json_file, *plot; /* of bench */
    unsigned bench_optimizer;
    bool markdown;
} cli_values;

/* How an option's text is read and stored. */
typedef enum cli_kind {
    CLI_FLAG,       /* bool; no text on the command line, "on" or "off" in a record */
    CLI_WHOLE,      /* unsigned */
    CLI_COUNT,      /* size_t */
    CLI_TIME,       /* double, seconds; text may end in s, m or h */
    CLI_CHOICE,     /* an enum 0, 1, ... in the order of the words of `argument` */
    CLI_SETTING,    /* the setting of that name, read by the library */
    CLI_INIT,       /* the setting init, or a file, kept in `init` */
    CLI_BACKGROUND, /* cli_background: a colour, or "keep" */
    CLI_PRESET,     /* the setting preset, or a file of one; read before the others */
    CLI_TEXT,       /* const char * */
    CLI_LIST,       /* const char *: words separated by commas; given again, they are appended */
    CLI_FILE,       /* const char *; completed with files */
    CLI_FILES,      /* cli_files; given again, they are appended */
    CLI_FOLDER      /* const char *; completed with folders */
} cli_kind;

typedef enum cli_group {
    CLI_GROUP_PICTURE,
    CLI_GROUP_AIM,
    CLI_GROUP_WAY,
    CLI_GROUP_DEVICE,
    CLI_GROUP_MEASURE,
    CLI_GROUP_TALK,
    CLI_GROUPS
} cli_group;

/* The commands as bits, for cli_option.commands. */
enum {
    CLI_PAINT = 1,
    CLI_SCORE = 2,
    CLI_DEVICES = 4,
    CLI_WEIGHTS = 8,
    CLI_PRESETS = 16,
    CLI_VERSION = 32,
    CLI_HELP = 64,
    CLI_FILM = 128,
    CLI_BENCH = 256,
    CLI_BATCH = 512,
    CLI_RESUME = 1024,
    CLI_COMPARE = 2048,
    CLI_GRID = 4096,
    CLI_TUNE = 8192,
    CLI_ALL = 0xffff
};

typedef struct cli_option {
    const char *name;
    char letter; /* 0: none */
    cli_kind kind;
    cli_group group;
    unsigned commands;
    bool recorded;        /* part of the parameters that a picture remembers */
    size_t offset;        /* of its value in cli_values */
    const char *argument; /* how help calls the text; the words of a choice; NULL for a flag, or for
                             what the setting says */
    double low, high;     /* of a number that is no setting */
    const char *help;     /* what it does; of a setting, what follows its meaning, or NULL */
} cli_option;

typedef struct cli_request cli_request;

typedef struct cli_example {
    const char *line, *meaning;
} cli_example;

typedef struct cli_command {
    const char *name;
    unsigned bit;
    int (*run)(cli_request *request);
    const char *operands; /* after the name in the synopsis */
    int least, most;      /* how many operands */
    const char *brief;
    const char *text;
    cli_example examples[16]; /* one more than there are */
} cli_command;

/* A line of arguments, sorted. */
struct cli_request {
    const cli_command *command;
    const char *given[CLI_OPTIONS_MAX]; /* text of each option by its place in the table, or NULL */
    char **operands;
    int operand_count;
    char lists[CLI_TEXT_MAX]; /* texts of lists that were given more than once */
    size_t lists_used;
    struct {
        size_t option;
        const char *text;
    } files[CLI_OPTIONS_MAX]; /* each text of options of kind CLI_FILES, in order */
    size_t file_count;
    cli_values values;
};

/* The setting that an option sets, NULL for an option of the program alone; how help calls its
 * text, NULL for a flag; and what it does. */
bool cli_has_option(const char *name); /* whether any command has an option of that name */
const imp_setting *cli_option_setting(const cli_option *option);
const char *cli_option_argument(const cli_option *option);
void cli_option_help(const cli_option *option, char text[CLI_HELP_MAX]);

extern const cli_option cli_options[];
extern const size_t cli_option_count;
extern const cli_command cli_commands[];
extern const size_t cli_command_count;
extern const char *const cli_group_titles[CLI_GROUPS];

/* The command of that name, NULL after a complaint that names the nearest. */
const cli_command *cli_command_find(const char *name);

/* Sorts the arguments after the command's name (argv[0]) into given and operands. Gives CLI_DONE,
 * or CLI_MISUSE after a complaint. Nothing is read from the texts yet. */
int cli_parse(cli_request *request, int argc, char **argv);

/* The text given for an option, NULL where it was not given. */
const char *cli_given(const cli_request *request, const char *name);

/* Makes values the defaults, with the settings of the preset of that name (NULL: "default"), or of
 * the file of one, which has a '.' or '/' in its name.
 * Complains like cli_parse. */
int cli_values_default(cli_values *values, const char *preset);

/* Reads the given options over request->values; complains like cli_parse. */
int cli_apply(cli_request *request);

/* Both: the defaults with the preset that is given, then the given options. */
int cli_resolve(cli_request *request);

/* Reads an option's text into values. On failure err says: setting 'NAME': invalid value 'TEXT';
 * expected ... */
bool cli_value_read(const cli_option *option, const char *text, cli_values *values, imp_error *err);

/* The same for a setting of the library. */
bool cli_setting_read(const char *name, const char *text, imp_settings *settings, imp_error *err);

/* An option's value as the text that reads back as the same; "" where there is none. */
void cli_value_text(const cli_option *option, const cli_values *values, char *text, size_t size);

/* Where lines for people go: standard output, unless the picture goes there. */
FILE *cli_talk(const cli_values *values);

/* A colour by its name, as #rgb or as #rrggbb. */
bool cli_colour_read(const char *text, float rgb[3]);

/* Word i of a choice ("a|b|c"), false beyond the last. */
bool cli_choice_word(const char *choices, size_t i, char *word, size_t size);

/* The commands. */
int cli_paint(cli_request *request);
int cli_score(cli_request *request);
int cli_devices(cli_request *request);
int cli_weights(cli_request *request);
int cli_presets(cli_request *request);
int cli_version(cli_request *request);
int cli_help(cli_request *request);
int cli_film(cli_request *request);
int cli_bench_command(cli_request *request);
int cli_batch_command(cli_request *request);
int cli_resume(cli_request *request);
int cli_compare(cli_request *request);
int cli_grid_command(cli_request *request);
int cli_tune_command(cli_request *request);

#endif

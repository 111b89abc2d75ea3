/* SPDX-License-Identifier: MIT
 *
 * The table of options. Those of settings name a setting of the library, which has its range, its
 * words and its meaning. Defaults come from the preset and from cli_values_default.
 */
#include "cli/options.h"

#define AT(field) offsetof(cli_values, field)

enum {
    PAIR = CLI_PAINT | CLI_GRID, /* of pictures that are named one by one */
    PAINTS = PAIR | CLI_BATCH,
    BOTH = PAINTS | CLI_SCORE,
    WORK = BOTH | CLI_DEVICES | CLI_BENCH,
    NETWORK = BOTH | CLI_WEIGHTS,
    FILMS = CLI_PAINT | CLI_FILM
};

/* An option for the setting of that name; `more` goes on after the setting's meaning. */
#define OPTION_OF(name, letter, kind, group, commands, argument, more)                             \
    { name, letter, kind, group, commands, true, 0, argument, 0, 0, more }
#define SETTING_AND(name, letter, group, commands, more)                                           \
    OPTION_OF(name, letter, CLI_SETTING, group, commands, NULL, more)
#define SETTING(name, letter, group, commands) SETTING_AND(name, letter, group, commands, NULL)

const char *const cli_group_titles[CLI_GROUPS] = {
    [CLI_GROUP_PICTURE] = "Picture",     [CLI_GROUP_AIM] = "Objective",
    [CLI_GROUP_WAY] = "Optimization",    [CLI_GROUP_DEVICE] = "Device",
    [CLI_GROUP_MEASURE] = "Measurement", [CLI_GROUP_TALK] = "Messages",
};

const cli_option cli_options[] = {
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(out), "OUT", 0, 0,
     "write the picture to this file, as PNG, JPEG, WebP or TIFF by its extension; - writes PNG to "
     "standard output; a folder gets a name in it (default: CONTENT_STYLE.png in the current "
     "folder, or CONTENT_STYLE-2.png and so on where that exists)"},
    {"content", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_SCORE, false, AT(content), "FILE", 0, 0,
     "the content picture"},
    {"style", 's', CLI_FILES, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(styles),
     "FILE[:WEIGHT]", 0, 0,
     "a style picture. If given several times, styles are mixed by their weights: a.jpg:2 counts "
     "twice as much as b.jpg"},
    {"mask", 0, CLI_FILE, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(mask), "FILE", 0, 0,
     "regions of CONTENT, as a picture of the same size with one flat colour per region; each gets "
     "the style of the region with its colour in --style-mask"},
    {"style-mask", 0, CLI_FILES, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(style_masks),
     "FILE|COLOUR", 0, 0,
     "regions of a style in the same colours, as a picture of its size; or one colour (red, "
     "#ff8000), if the whole style is for that region. Give one for each style, in order"},
    {"protect", 0, CLI_FILE, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(protect),
     "FILE[:STRENGTH]", 0, 0,
     "hold CONTENT where this grey picture of its size is white, and let style off there, as for "
     "faces and logos; black is painted. STRENGTH, 0 to 1, says how far (default: 1)"},
    {"dump", 0, CLI_FOLDER, CLI_GROUP_PICTURE, CLI_SCORE, false, AT(dump), "DIR", 0, 0,
     "write features, Gram matrices and the gradient into this folder as float32 .npy files"},
    SETTING("size", 0, CLI_GROUP_PICTURE, PAINTS),
    SETTING_AND("size", 0, CLI_GROUP_PICTURE, CLI_SCORE,
                " (default: the longer side of PICTURE, which is then not resampled)"),
    {"quality", 0, CLI_WHOLE, CLI_GROUP_PICTURE, PAINTS, true, AT(quality), "N", 1, 100,
     "quality of a JPEG or WebP; 100 makes a lossless WebP"},
    {"depth", 0, CLI_CHOICE, CLI_GROUP_PICTURE, PAINTS, true, AT(depth), "8|16", 0, 0,
     "bits per colour of a PNG or TIFF"},
    {"background", 0, CLI_BACKGROUND, CLI_GROUP_PICTURE, BOTH, true, AT(background), "COLOUR|keep",
     0, 0,
     "lay transparent parts on this colour (such as white, black, #rrggbb), or keep those of "
     "CONTENT transparent in a PNG, WebP or TIFF"},
    {"strip", 0, CLI_FLAG, CLI_GROUP_PICTURE, PAINTS, true, AT(strip), NULL, 0, 0,
     "do not copy camera and date from CONTENT"},
    {"like", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(like), "PICTURE", 0, 0,
     "repeat the run recorded in PICTURE; other options override it. Without CONTENT and STYLE, "
     "they are looked for by name in the current folder and in PICTURE's"},
    {"max-pixels", 0, CLI_COUNT, CLI_GROUP_PICTURE, BOTH | CLI_FILM | CLI_COMPARE, false,
     AT(max_pixels), "N", 1, 1e15, "refuse to read pictures with more pixels than this"},
    {"content", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(content), "PATTERN", 0, 0,
     "the content files, such as 'photos/*.jpg' in quotes"},
    {"style", 's', CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(style), "PATTERN", 0, 0,
     "the style files"},
    {"output", 'o', CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(out), "TEMPLATE", 0, 0,
     "write the pictures to these files; {content} and {style} are the files' names (default: "
     "{content}_{style}.png)"},
    {"mask", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(mask), "TEMPLATE", 0, 0,
     "regions of each content in flat colours, as for paint; {content} and {style} are the files' "
     "names"},
    {"style-mask", 0, CLI_FILES, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(style_masks),
     "TEMPLATE|COLOUR", 0, 0,
     "regions of each style; or one colour, if the whole style is for that region"},
    {"protect", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(protect),
     "TEMPLATE[:STRENGTH]", 0, 0,
     "what to hold of each content, in white on black, as for paint; {content} and {style} are the "
     "files' names"},
    {"zip", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(zip), NULL, 0, 0,
     "pair the first content with the first style, the second with the second, and so on, instead "
     "of all with all"},
    {"force", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(force), NULL, 0, 0,
     "also paint pictures that exist"},
    {"force", 0, CLI_FLAG, CLI_GROUP_PICTURE,
     CLI_PAINT | CLI_RESUME | CLI_SCORE | CLI_BENCH | CLI_WEIGHTS, false, AT(force), NULL, 0, 0,
     "write over files that exist. Without it only the file of --output may be replaced, and never "
     "one that is read"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_FILM, false, AT(out), "OUT", 0, 0,
     "write the film to this file: .mp4, .webm or .gif"},
    {"film", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(film), "FILE", 0, 0,
     "also make a film of the painting: .mp4, .webm or .gif. It opens with the content; its time "
     "follows the changes of the picture, not the iterations"},
    {"film-seconds", 0, CLI_TIME, CLI_GROUP_PICTURE, FILMS, false, AT(film_seconds), "TIME", 0.1,
     3600, "length of the film"},
    {"film-size", 0, CLI_COUNT, CLI_GROUP_PICTURE, FILMS, false, AT(film_size), "N", 16, 16384,
     "longer side of the film in pixels (default: the picture's, at most 1280, or 480 for .gif)"},
    {"sheet", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(sheet), "FILE", 0, 0,
     "also write a sheet of content, style and result side by side, with captions: PNG, JPEG, WebP "
     "or TIFF"},
    {"preview", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_PAINT | CLI_RESUME, false, AT(preview), NULL, 0, 0,
     "show the picture in the terminal while it is painted: as graphics if the terminal supports "
     "them (kitty, sixel), else as characters"},
    {"preview-file", 0, CLI_FILE, CLI_GROUP_TALK, CLI_PAINT | CLI_RESUME, false, AT(preview_file),
     "FILE", 0, 0,
     "rewrite this file with the picture while it is painted, for a viewer that reloads it; either "
     "preview takes at most a fiftieth of the time"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(out), "OUT", 0, 0,
     "write a sheet of the pictures to this file: PNG, JPEG, WebP or TIFF"},
    {"labels", 0, CLI_LIST, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(labels), "TEXT,...", 0, 0,
     "names of the pictures, in order, instead of their files' names"},
    {"columns", 0, CLI_COUNT, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(columns), "N", 1, 1000,
     "pictures per row (default: chosen by shape and number)"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_GRID, false, AT(out), "OUT", 0, 0,
     "write the sheet to this file: PNG, JPEG, WebP or TIFF"},
    {"size", 0, CLI_COUNT, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(panel), "N", 1, 8192,
     "longer side of each picture on the sheet in pixels (default: that of the largest, at most "
     "1024)"},
    {"checkpoint", 0, CLI_FILE, CLI_GROUP_WAY, CLI_PAINT, false, AT(checkpoint), "FILE|none", 0, 0,
     "the checkpoint that 'impasto resume' continues from after an interruption (default: a file "
     "in "
     "the cache folder); removed once the picture is complete"},
    {"checkpoint-every", 0, CLI_TIME, CLI_GROUP_WAY, CLI_PAINT | CLI_RESUME, false,
     AT(checkpoint_every), "TIME", 0.001, 1e9,
     "least time between checkpoints; more if writing them would take over a hundredth of the "
     "time"},
    {"save-every", 0, CLI_WHOLE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(save_every), "N", 1, 1e7,
     "also write the picture after every N iterations, numbered: OUT-000120.png"},
    OPTION_OF("preset", 'p', CLI_PRESET, CLI_GROUP_AIM, BOTH, "NAME|FILE",
              "; 'impasto presets' lists them, and writes one to a file to change"),
    {"network", 0, CLI_FILE, CLI_GROUP_AIM, BOTH, false, AT(network), "NAME|FILE", 0, 0,
     "the network: a name of 'impasto weights list', or a safetensors file (default: the "
     "preset's)"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(out), "OUT", 0, 0,
     "import into this safetensors file instead of the folder of networks"},
    {"name", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(name), "NAME", 0, 0,
     "name of the imported network (default: the file's name)"},
    {"half", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(half), NULL, 0, 0,
     "store the weights as fp16, in half the bytes"},
    {"input", 0, CLI_CHOICE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(input),
     "auto|torchvision|caffe", 0, 0,
     "the input that the network expects, if its file does not state it: torchvision's (RGB, 0..1, "
     "normalised), or Caffe's and Keras' (BGR, 0..255, less a mean)"},
    {"from", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(from), "URL|FILE", 0, 0,
     "fetch from this address or file instead of the published address"},
    {"stall-limit", 0, CLI_TIME, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(stall), "TIME", 0.1, 1e6,
     "give up on an address that sends nothing for this long"},
    SETTING("content-layers", 0, CLI_GROUP_AIM, BOTH),
    SETTING("style-layers", 0, CLI_GROUP_AIM, BOTH),
    SETTING("strength", 0, CLI_GROUP_AIM, BOTH),
    SETTING("content-weight", 0, CLI_GROUP_AIM, BOTH),
    SETTING("style-weight", 0, CLI_GROUP_AIM, BOTH),
    SETTING("tv-weight", 0, CLI_GROUP_AIM, BOTH),
    SETTING("keep-edges", 0, CLI_GROUP_AIM, BOTH),
    SETTING("pooling", 0, CLI_GROUP_AIM, BOTH),
    SETTING("normalize-gradients", 0, CLI_GROUP_AIM, BOTH),
    SETTING("levels", 0, CLI_GROUP_AIM, BOTH),
    SETTING("color", 0, CLI_GROUP_AIM, BOTH),
    SETTING("color-method", 0, CLI_GROUP_AIM, BOTH),
    SETTING("style-scale", 0, CLI_GROUP_AIM, BOTH),
    SETTING("iterations", 'n', CLI_GROUP_WAY, PAINTS),
    SETTING("iterations-step", 0, CLI_GROUP_WAY, PAINTS),
    SETTING("convergence", 0, CLI_GROUP_WAY, PAINTS),
    SETTING("optimizer", 0, CLI_GROUP_WAY, PAINTS),
    SETTING_AND("learning-rate", 0, CLI_GROUP_WAY, PAINTS,
                "; with another optimizer than the preset's, 1 for lbfgs and, for adam, 0.02 on "
                "colours 0..1 or 1 on colours 0..255"),
    SETTING("history", 0, CLI_GROUP_WAY, PAINTS),
    SETTING_AND("scales", 0, CLI_GROUP_WAY, PAINTS,
                "; without --size the last of these sizes is the result's"),
    OPTION_OF("init", 0, CLI_INIT, CLI_GROUP_WAY, PAINTS, "content|noise|style|FILE", NULL),
    {"texture", 0, CLI_FLAG, CLI_GROUP_AIM, PAINTS, true, AT(texture), NULL, 0, 0,
     "paint more of the texture of one picture, without content, from noise"},
    SETTING("tileable", 0, CLI_GROUP_AIM, PAINTS),
    SETTING("seed", 0, CLI_GROUP_WAY, PAINTS),
    {"time-limit", 't', CLI_TIME, CLI_GROUP_WAY, PAINTS | CLI_RESUME, false, AT(time_limit), "TIME",
     0.001, 1e9, "stop after this time and save the picture so far: seconds, or 90s, 5m, 2h"},
    {"device", 'd', CLI_TEXT, CLI_GROUP_DEVICE, BOTH, false, AT(device), "WHICH", 0, 0,
     "where to compute: auto (the fastest device that passes its self-test), cpu, oracle (slow, "
     "exact), a number of 'impasto devices', or part of a device's vendor, name or platform "
     "(default: the environment's IMPASTO_DEVICE, else auto)"},
    {"device", 'd', CLI_TEXT, CLI_GROUP_DEVICE, CLI_TUNE, false, AT(device), "WHICH", 0, 0,
     "the device to tune, as for paint (default: the environment's IMPASTO_DEVICE, else auto)"},
    {"device", 'd', CLI_LIST, CLI_GROUP_DEVICE, CLI_BENCH, false, AT(device), "WHICH", 0, 0,
     "the devices to measure, as for paint, or all; several with commas or given again. They take "
     "turns (default: the environment's IMPASTO_DEVICE, else auto)"},
    {"memory", 0, CLI_SETTING, CLI_GROUP_DEVICE, PAINTS, false, 0, NULL, 0, 0, NULL},
    {"dry-run", 0, CLI_FLAG, CLI_GROUP_DEVICE, CLI_PAINT, false, AT(dry_run), NULL, 0, 0,
     "paint nothing; report the memory and time of the run, and the largest size that fits"},
    {"gemm", 0, CLI_CHOICE, CLI_GROUP_DEVICE, WORK, false, AT(gemm), "auto|clblast|own", 0, 0,
     "matrix products on OpenCL devices; auto takes the faster one that is right"},
    {"precision", 0, CLI_CHOICE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH | CLI_TUNE, true, AT(precision),
     "fp32|fp16", 0, 0,
     "storage of filters transformed for Winograd's algorithm: fp16 takes half the memory and "
     "rounds "
     "to 11 bits, which changes the picture a little and its losses hardly. Everything else, and "
     "all computation, is fp32"},
    {"tune", 0, CLI_CHOICE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH, false, AT(tune), "auto|off", 0, 0,
     "auto: use the fastest algorithm for each layer, which is measured once, in a few seconds, "
     "and "
     "remembered ('impasto tune' measures thoroughly); off: use the default algorithm"},
    {"threads", 0, CLI_WHOLE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH | CLI_TUNE, false, AT(threads),
     "N", 0, 1024, "threads of the device cpu; 0: one per processor"},
    {"profile", 0, CLI_FLAG, CLI_GROUP_DEVICE, BOTH, false, AT(profile), NULL, 0, 0,
     "print a table of seconds by operation at the end"},
    {"quick", 0, CLI_FLAG, CLI_GROUP_DEVICE, CLI_DEVICES, false, AT(quick), NULL, 0, 0,
     "test and measure nothing; show what is remembered"},
    {"again", 0, CLI_FLAG, CLI_GROUP_DEVICE, CLI_DEVICES, false, AT(again), NULL, 0, 0,
     "forget what is remembered of all devices, and test and measure them again"},
    {"only", 0, CLI_LIST, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(only), "PARTS", 0, 0,
     "some of roofs, layers, operations, products, iteration, start (default: all; with --quick "
     "without products and start)"},
    {"size", 0, CLI_LIST, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(sizes), "N", 0, 0,
     "sides of square pictures, with commas or given again (default: the iteration at 256, 512 and "
     "1024, single operations at 512; with --quick the iteration at 256 and, of adam, at 512, "
     "single operations at 256)"},
    {"size", 's', CLI_LIST, CLI_GROUP_MEASURE, CLI_TUNE, false, AT(sizes), "N", 0, 0,
     "sides of the square pictures to tune for, with commas or given again (default: 512)"},
    {"network", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_TUNE, false, AT(network), "NAME|FILE", 0, 0,
     "the network whose layers to tune (default: the built-in one, and VGG-19's shapes)"},
    {"optimizer", 0, CLI_CHOICE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(bench_optimizer),
     "both|lbfgs|adam", 0, 0, "optimizer of the iteration; lbfgs with its history full"},
    {"quick", 0, CLI_FLAG, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(quick), NULL, 0, 0,
     "measure less: about a minute on two cores"},
    {"json", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(json_file), "FILE", 0, 0,
     "write all results to this file as JSON, for 'impasto bench compare' and other programs; - "
     "writes to standard output, without the tables"},
    {"markdown", 0, CLI_FLAG, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(markdown), NULL, 0, 0,
     "write the tables in Markdown"},
    {"plot", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(plot), "FILE", 0, 0,
     "write a roofline plot of the operations to this PNG"},
    {"completion", 0, CLI_CHOICE, CLI_GROUP_TALK, CLI_HELP, false, AT(completion), "bash|zsh|fish",
     0, 0, "write completions for this shell instead"},
    {"man", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_HELP, false, AT(man), NULL, 0, 0,
     "write the man page (roff) instead"},
    {"json", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_ALL & ~CLI_BENCH, false, AT(json), NULL, 0, 0,
     "write one JSON object per line to standard output, and no progress"},
    {"quiet", 'q', CLI_FLAG, CLI_GROUP_TALK, BOTH | CLI_FILM | CLI_RESUME | CLI_COMPARE, false,
     AT(quiet), NULL, 0, 0, "print only warnings and errors"},
    {"verbose", 'v', CLI_FLAG, CLI_GROUP_TALK, WORK, false, AT(verbose), NULL, 0, 0,
     "also print what was chosen, and why"},
    {"help", 'h', CLI_FLAG, CLI_GROUP_TALK, CLI_ALL, false, AT(help), NULL, 0, 0, "show this help"},
};
const size_t cli_option_count = sizeof cli_options / sizeof *cli_options;
_Static_assert(sizeof cli_options / sizeof *cli_options <= CLI_OPTIONS_MAX, "raise the maximum");

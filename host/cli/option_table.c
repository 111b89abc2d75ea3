/* SPDX-License-Identifier: MIT
 *
 * The table of commands and options. Defaults do not stand here: they are read from the preset and
 * from cli_values_default.
 */
#include "cli/options.h"

#define AT(field)  offsetof(cli_values, field)
#define SET(field) offsetof(cli_values, settings.field)

enum {
    PAIR = CLI_PAINT | CLI_GRID, /* of pictures that are named one by one */
    PAINTS = PAIR | CLI_BATCH,
    BOTH = PAINTS | CLI_SCORE,
    WORK = BOTH | CLI_DEVICES | CLI_BENCH,
    NETWORK = BOTH | CLI_WEIGHTS,
    FILMS = CLI_PAINT | CLI_FILM
};

const char *const cli_group_titles[CLI_GROUPS] = {
    [CLI_GROUP_PICTURE] = "Picture",          [CLI_GROUP_AIM] = "What is aimed at",
    [CLI_GROUP_WAY] = "How it is reached",    [CLI_GROUP_DEVICE] = "Device",
    [CLI_GROUP_MEASURE] = "What is measured", [CLI_GROUP_TALK] = "Messages",
    [CLI_GROUP_RECORD] = "Recorded only",
};

const cli_option cli_options[] = {
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(out), "OUT", 0, 0,
     "write the picture here, as PNG, JPEG, WebP or TIFF by its extension, or with - as PNG to "
     "standard output (default: CONTENT_STYLE.png in the current folder)"},
    {"content", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_SCORE, false, AT(content), "FILE", 0, 0,
     "the picture whose content is aimed at"},
    {"style", 's', CLI_FILES, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(styles),
     "FILE[:WEIGHT]", 0, 0,
     "a picture whose style is aimed at. Given again, the styles are mixed by their weights: "
     "a.jpg:2 "
     "counts twice as much as b.jpg"},
    {"mask", 0, CLI_FILE, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(mask), "FILE", 0, 0,
     "regions of CONTENT, each painted over in a flat colour of its own in a picture of the same "
     "size: each gets the style of the region that has its colour in --style-mask"},
    {"style-mask", 0, CLI_FILES, CLI_GROUP_PICTURE, PAIR | CLI_SCORE, false, AT(style_masks),
     "FILE|COLOUR", 0, 0,
     "regions of a style in the same colours, in a picture of its size; or one colour (red, "
     "#ff8000), the region that all of it is for. Given again, for each style in order"},
    {"dump", 0, CLI_FOLDER, CLI_GROUP_PICTURE, CLI_SCORE, false, AT(dump), "DIR", 0, 0,
     "write features, Gram matrices and the gradient into this folder as float32 .npy files"},
    {"size", 0, CLI_SIZE, CLI_GROUP_PICTURE, PAINTS, true, SET(size), "N|original", 1, 1e6,
     "longer side of the result in pixels, or the content's own size"},
    {"size", 0, CLI_SIZE, CLI_GROUP_PICTURE, CLI_SCORE, false, SET(size), "N|original", 1, 1e6,
     "longer side at which to measure, or the content's own size (default: the longer side of "
     "PICTURE, which is then not resampled)"},
    {"quality", 0, CLI_WHOLE, CLI_GROUP_PICTURE, PAINTS, true, AT(quality), "N", 1, 100,
     "quality of a JPEG or WebP; 100 makes a WebP without loss"},
    {"depth", 0, CLI_CHOICE, CLI_GROUP_PICTURE, PAINTS, true, AT(depth), "8|16", 0, 0,
     "bits a colour of a PNG or TIFF"},
    {"background", 0, CLI_BACKGROUND, CLI_GROUP_PICTURE, BOTH, true, AT(background), "COLOUR|keep",
     0, 0,
     "lay transparent parts on this colour (white, black, #rrggbb and the like), or keep those of "
     "CONTENT transparent in a PNG, WebP or TIFF"},
    {"strip", 0, CLI_FLAG, CLI_GROUP_PICTURE, PAINTS, true, AT(strip), NULL, 0, 0,
     "leave out what CONTENT says of its camera and date"},
    {"like", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(like), "PICTURE", 0, 0,
     "repeat the run that PICTURE records; options given beside it override. Without CONTENT and "
     "STYLE they are looked for by name in the current folder and in PICTURE's"},
    {"max-pixels", 0, CLI_COUNT, CLI_GROUP_PICTURE, BOTH | CLI_FILM | CLI_COMPARE, false,
     AT(max_pixels), "N", 1, 1e15, "refuse to read pictures of more pixels than this"},

    {"content", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(content), "PATTERN", 0, 0,
     "the files whose content is wanted, as 'photos/*.jpg' in quotes"},
    {"style", 's', CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(style), "PATTERN", 0, 0,
     "the files whose style is wanted"},
    {"output", 'o', CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(out), "TEMPLATE", 0, 0,
     "write the pictures here; {content} and {style} stand for the files' names (default: "
     "{content}_{style}.png)"},
    {"mask", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(mask), "TEMPLATE", 0, 0,
     "regions of each content in flat colours, each painted by the region of its colour in "
     "--style-mask, as with paint; {content} and {style} stand for the files' names"},
    {"style-mask", 0, CLI_FILES, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(style_masks),
     "TEMPLATE|COLOUR", 0, 0,
     "those of each style; or one colour, the region that all of it is for"},
    {"zip", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(zip), NULL, 0, 0,
     "the first content with the first style, the second with the second, and so on, instead of "
     "each with each"},
    {"force", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_BATCH, false, AT(force), NULL, 0, 0,
     "paint also what is there already"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_FILM, false, AT(out), "OUT", 0, 0,
     "write the film here, as .mp4, .webm or .gif"},
    {"film", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(film), "FILE", 0, 0,
     "make also a film of the painting: .mp4, .webm or .gif. It opens with the content and moves "
     "as "
     "the picture changes, not as the steps pass"},
    {"film-seconds", 0, CLI_TIME, CLI_GROUP_PICTURE, FILMS, false, AT(film_seconds), "TIME", 0.1,
     3600, "how long the film lasts"},
    {"film-size", 0, CLI_COUNT, CLI_GROUP_PICTURE, FILMS, false, AT(film_size), "N", 16, 16384,
     "longer side of the film in pixels (default: the picture's own, at most 1280; of a .gif 480)"},
    {"sheet", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(sheet), "FILE", 0, 0,
     "draw also a sheet of content, style and result side by side, with captions: PNG, JPEG, WebP "
     "or TIFF"},
    {"preview", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_PAINT | CLI_RESUME, false, AT(preview), NULL, 0, 0,
     "show the picture in the terminal while it is painted: as graphics where the terminal has "
     "them (kitty, sixel), else made of characters"},
    {"preview-file", 0, CLI_FILE, CLI_GROUP_TALK, CLI_PAINT | CLI_RESUME, false, AT(preview_file),
     "FILE", 0, 0,
     "write the picture into this file again and again while it is painted, for a viewer that "
     "reloads it; either takes a fiftieth of the time at most"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(out), "OUT", 0, 0,
     "lay the pictures side by side in this file: PNG, JPEG, WebP or TIFF"},
    {"labels", 0, CLI_LIST, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(labels), "TEXT,...", 0, 0,
     "call the pictures so, in order, instead of by their files' names"},
    {"columns", 0, CLI_COUNT, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(columns), "N", 1, 1000,
     "pictures in a row (default: as many as look well)"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_GRID, false, AT(out), "OUT", 0, 0,
     "lay the pictures out in this file: PNG, JPEG, WebP or TIFF"},
    {"size", 0, CLI_COUNT, CLI_GROUP_PICTURE, CLI_COMPARE, false, AT(panel), "N", 1, 8192,
     "longer side of each picture on the sheet in pixels (default: of the largest one, at most "
     "1024)"},
    {"checkpoint", 0, CLI_FILE, CLI_GROUP_WAY, CLI_PAINT, false, AT(checkpoint), "FILE|none", 0, 0,
     "keep here what 'impasto resume' needs to go on after an interruption (default: a file in the "
     "cache folder); removed once the picture is complete"},
    {"checkpoint-every", 0, CLI_TIME, CLI_GROUP_WAY, CLI_PAINT | CLI_RESUME, false,
     AT(checkpoint_every), "TIME", 0.001, 1e9,
     "at most so often; less often where writing would take more than a hundredth of the time"},
    {"save-every", 0, CLI_WHOLE, CLI_GROUP_PICTURE, CLI_PAINT, false, AT(save_every), "N", 1, 1e7,
     "keep the picture after every N steps, too, numbered: OUT-000120.png"},

    {"preset", 'p', CLI_PRESET, CLI_GROUP_AIM, BOTH, true, SET(preset), "NAME|FILE", 0, 0,
     "start from these settings; 'impasto presets' lists them, and writes one to a file to change"},
    {"network", 0, CLI_FILE, CLI_GROUP_AIM, BOTH, false, AT(network), "NAME|FILE", 0, 0,
     "look at the pictures through this network: a name of 'impasto weights list', or a "
     "safetensors file (default: the preset's own)"},
    {"output", 'o', CLI_FILE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(out), "OUT", 0, 0,
     "import into this safetensors file instead of the folder of networks"},
    {"name", 0, CLI_TEXT, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(name), "NAME", 0, 0,
     "what an imported network is called from then on (default: the file's name)"},
    {"half", 0, CLI_FLAG, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(half), NULL, 0, 0,
     "store half as many bytes, as fp16"},
    {"input", 0, CLI_CHOICE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(input),
     "auto|torchvision|caffe", 0, 0,
     "how the network wants a picture, where its file does not say it: as torchvision's (RGB, "
     "0..1, "
     "normalised) or as Caffe's and Keras' (BGR, 0..255, less a mean)"},
    {"from", 0, CLI_FILE, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(from), "URL|FILE", 0, 0,
     "fetch from this address, or take this file, instead of the published address"},
    {"stall-limit", 0, CLI_TIME, CLI_GROUP_PICTURE, CLI_WEIGHTS, false, AT(stall), "TIME", 0.1, 1e6,
     "give up an address that sends nothing for this long"},
    {"content-layers", 0, CLI_CONTENT_LAYERS, CLI_GROUP_AIM, BOTH, true, SET(terms), "LAYERS", 0, 0,
     "layers at which content is compared, as LAYER[:WEIGHT],... or none; a weight not given is 1"},
    {"style-layers", 0, CLI_STYLE_LAYERS, CLI_GROUP_AIM, BOTH, true, SET(terms), "LAYERS", 0, 0,
     "layers at which style is compared, in the same form"},
    {"strength", 0, CLI_REAL, CLI_GROUP_AIM, BOTH, true, SET(strength), "S", 0, 1,
     "how much style: 0 is nearly the photograph, 1 nearly all style, 0.5 in balance, whatever the "
     "pictures and the preset; instead of the weights of content and style"},
    {"content-weight", 0, CLI_REAL, CLI_GROUP_AIM, BOTH, true, SET(content_weight), "W", 0, 1e15,
     "weight of the content; more keeps closer to it"},
    {"style-weight", 0, CLI_REAL, CLI_GROUP_AIM, BOTH, true, SET(style_weight), "W", 0, 1e15,
     "weight of the style; more follows it further"},
    {"tv-weight", 0, CLI_REAL, CLI_GROUP_AIM, BOTH, true, SET(tv_weight), "W", 0, 1e15,
     "weight of smoothness, the total variation; more gives smoother areas"},
    {"pooling", 0, CLI_CHOICE, CLI_GROUP_AIM, BOTH, true, SET(pooling), "max|average|twice|l2", 0,
     0,
     "how the network halves a map: by the maximum of four, their average, twice the average, or "
     "the "
     "root of their squares' sum times 0.78; the last two keep about the maximum's size"},
    {"normalize-gradients", 0, CLI_FLAG, CLI_GROUP_AIM, BOTH, true, SET(normalize_gradients), NULL,
     0, 0,
     "divide the gradient of each content and style layer by its own size (the sum of absolute "
     "values) before the weights: then weights mean the same for every picture"},
    {"levels", 0, CLI_WHOLE, CLI_GROUP_AIM, BOTH, true, SET(levels), "N", 1, 6,
     "compare style on this many halvings of the picture; more brings larger strokes"},
    {"color", 0, CLI_CHOICE, CLI_GROUP_AIM, BOTH, true, SET(color), "style|content|match", 0, 0,
     "whose colours the result has: the style's; the content's, keeping only the luminance of the "
     "painting; or the style's after it was brought to the content's palette"},
    {"color-method", 0, CLI_CHOICE, CLI_GROUP_AIM, BOTH, true, SET(color_method), "pca|cholesky|mk",
     0, 0, "how --color match brings one palette to the other; mk changes colours least"},
    {"style-scale", 0, CLI_REAL, CLI_GROUP_AIM, BOTH, true, SET(style_scale), "R", 0.01, 100,
     "longer side of the style picture over that of the result; less gives finer strokes"},

    {"iterations", 'n', CLI_ITERATIONS, CLI_GROUP_WAY, PAINTS, true, SET(iterations),
     "N|FIRST,LATER", 1, 1e7,
     "steps in all, shared by the sizes painted on the way; or at the first size, and at each "
     "later "
     "one"},
    {"settle", 0, CLI_REAL, CLI_GROUP_WAY, PAINTS, true, SET(convergence), "N", 0, 255,
     "end sooner, at the last size, once the steps that are left would hardly be seen: at the pace "
     "of the last 20 they would change a colour by less than N of 255 on average; 0: never"},
    {"optimizer", 0, CLI_CHOICE, CLI_GROUP_WAY, PAINTS, true, SET(optimizer), "lbfgs|adam", 0, 0,
     "how a step is chosen: lbfgs needs fewer, adam is steadier and takes less memory"},
    {"learning-rate", 0, CLI_REAL, CLI_GROUP_WAY, PAINTS, true, SET(learning_rate), "R", 1e-9, 1e6,
     "length of a step; with another optimizer than the preset's, 1 for lbfgs and, for adam, 0.02 "
     "on colours 0..1 or 1 on colours 0..255"},
    {"history", 0, CLI_WHOLE, CLI_GROUP_WAY, PAINTS, true, SET(history), "N", 1, 1000,
     "steps that lbfgs remembers; fewer take less memory"},
    {"scales", 0, CLI_SCALES, CLI_GROUP_WAY, PAINTS, true, SET(scales), "N|SIZE,...", 1,
     IMP_SCALES_MAX,
     "paint at so many sizes at most, from one of 128 pixels or more, each larger by the preset's "
     "step (twice; with fine by the root of two); or at these sizes, as in 128,181,256,362,512, of "
     "which the last is the result's unless --size says otherwise"},
    {"init", 0, CLI_INIT, CLI_GROUP_WAY, PAINTS, true, SET(init), "content|noise|style|FILE", 0, 0,
     "start from this picture"},
    {"texture", 0, CLI_FLAG, CLI_GROUP_AIM, PAINTS, true, AT(texture), NULL, 0, 0,
     "of one picture only: more of its texture, without content, from noise"},
    {"seam", 0, CLI_CHOICE, CLI_GROUP_AIM, PAINTS, true, SET(tileable), "none|x|y|both", 0, 0,
     "let the picture meet itself: x: its left and its right edge, y: top and bottom, so that it "
     "can be laid out as tiles"},
    {"seed", 0, CLI_SEED, CLI_GROUP_WAY, PAINTS, true, SET(seed), "N", 0, 0,
     "another number gives other noise"},
    {"time-limit", 't', CLI_TIME, CLI_GROUP_WAY, PAINTS | CLI_RESUME, false, AT(time_limit), "TIME",
     0.001, 1e9, "stop after this time and save the picture so far: seconds, or 90s, 5m, 2h"},

    {"device", 'd', CLI_TEXT, CLI_GROUP_DEVICE, BOTH, false, AT(device), "WHICH", 0, 0,
     "where to compute: auto (the fastest that computes rightly), cpu, oracle (slow, exact), a "
     "number of 'impasto devices', or part of a device's vendor, name or platform (default: the "
     "environment's IMPASTO_DEVICE, else auto)"},
    {"device", 'd', CLI_TEXT, CLI_GROUP_DEVICE, CLI_TUNE, false, AT(device), "WHICH", 0, 0,
     "what to tune: as for paint (default: the environment's IMPASTO_DEVICE, else auto)"},
    {"device", 'd', CLI_LIST, CLI_GROUP_DEVICE, CLI_BENCH, false, AT(device), "WHICH", 0, 0,
     "what to measure: as for paint, or all; several with commas or by giving it again. They take "
     "turns (default: the environment's IMPASTO_DEVICE, else auto)"},
    {"memory", 0, CLI_COUNT, CLI_GROUP_DEVICE, PAINTS, false, AT(memory), "MIB", 0, 1 << 30,
     "take no more of the device's memory than so much, and more time: features are made again "
     "instead of kept; 0: what the device has"},
    {"dry-run", 0, CLI_FLAG, CLI_GROUP_DEVICE, CLI_PAINT, false, AT(dry_run), NULL, 0, 0,
     "paint nothing; say what memory and time the run would take, and which size would fit"},
    {"gemm", 0, CLI_CHOICE, CLI_GROUP_DEVICE, WORK, false, AT(gemm), "auto|clblast|own", 0, 0,
     "who multiplies matrices on OpenCL devices; auto takes the faster that is right"},
    {"precision", 0, CLI_CHOICE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH | CLI_TUNE, true, AT(precision),
     "fp32|fp16", 0, 0,
     "how filters that are transformed for Winograd's algorithm are kept: fp16 takes half their "
     "memory and rounds each to 11 bits: the picture differs a little, its losses hardly. What is "
     "computed, and all else that is kept, stays fp32"},
    {"tune", 0, CLI_CHOICE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH, false, AT(tune), "auto|off", 0, 0,
     "auto: make each layer in the way that is the fastest here, which is measured once, in a few "
     "seconds, and remembered ('impasto tune' measures it thoroughly); off: in the usual way"},
    {"threads", 0, CLI_WHOLE, CLI_GROUP_DEVICE, BOTH | CLI_BENCH | CLI_TUNE, false, AT(threads),
     "N", 0, 1024, "threads of the device cpu; 0: one for each processor"},
    {"profile", 0, CLI_FLAG, CLI_GROUP_DEVICE, BOTH, false, AT(profile), NULL, 0, 0,
     "end with a table of seconds by operation"},
    {"quick", 0, CLI_FLAG, CLI_GROUP_DEVICE, CLI_DEVICES, false, AT(quick), NULL, 0, 0,
     "test and measure nothing; say only what is remembered"},

    {"only", 0, CLI_LIST, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(only), "PARTS", 0, 0,
     "only some of roofs, layers, operations, products, iteration, start (default: all of them; "
     "start and products not with --quick)"},
    {"size", 0, CLI_LIST, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(sizes), "N", 0, 0,
     "sides of square pictures, with commas or given again (default: the iteration at 256, 512 and "
     "1024, single operations at 512; with --quick the iteration at 256 and, of adam, at 512, "
     "single operations at 256)"},
    {"size", 's', CLI_LIST, CLI_GROUP_MEASURE, CLI_TUNE, false, AT(sizes), "N", 0, 0,
     "sides of the square pictures to tune for, with commas or given again (default: 512)"},
    {"network", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_TUNE, false, AT(network), "NAME|FILE", 0, 0,
     "the network whose layers to tune (default: the built-in one, and VGG-19's shapes)"},
    {"optimizer", 0, CLI_CHOICE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(bench_optimizer),
     "both|lbfgs|adam", 0, 0, "whose iteration; lbfgs with its history full"},
    {"quick", 0, CLI_FLAG, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(quick), NULL, 0, 0,
     "less of everything: under a minute on two cores"},
    {"json", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(json_file), "FILE", 0, 0,
     "write everything into this file as JSON, for 'impasto bench compare' and other programs; - "
     "is "
     "standard output, without the tables"},
    {"markdown", 0, CLI_FLAG, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(markdown), NULL, 0, 0,
     "write the tables in Markdown"},
    {"plot", 0, CLI_FILE, CLI_GROUP_MEASURE, CLI_BENCH, false, AT(plot), "FILE", 0, 0,
     "draw the operations under the measured roofs into this PNG"},

    {"completion", 0, CLI_CHOICE, CLI_GROUP_TALK, CLI_HELP, false, AT(completion), "bash|zsh|fish",
     0, 0, "write the completions for this shell instead"},
    {"man", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_HELP, false, AT(man), NULL, 0, 0,
     "write the man page (roff) instead"},
    {"json", 0, CLI_FLAG, CLI_GROUP_TALK, CLI_ALL & ~CLI_BENCH, false, AT(json), NULL, 0, 0,
     "write one JSON object a line to standard output, and no progress"},
    {"quiet", 'q', CLI_FLAG, CLI_GROUP_TALK, BOTH | CLI_FILM | CLI_RESUME | CLI_COMPARE, false,
     AT(quiet), NULL, 0, 0, "say nothing but warnings and errors"},
    {"verbose", 'v', CLI_FLAG, CLI_GROUP_TALK, WORK, false, AT(verbose), NULL, 0, 0,
     "say also what was chosen, and why"},
    {"help", 'h', CLI_FLAG, CLI_GROUP_TALK, CLI_ALL, false, AT(help), NULL, 0, 0, "show this help"},

    {"range", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(range), "R", 1, 255,
     "unit of the colours that are optimised, 1 or 255"},
    {"content-form", 0, CLI_CHOICE, CLI_GROUP_RECORD, 0, true, SET(content_form), "mean|relative",
     0, 0, "how content differences are summed"},
    {"style-form", 0, CLI_CHOICE, CLI_GROUP_RECORD, 0, true, SET(style_form),
     "mean|relative|wasserstein", 0, 0, "how style differences are summed"},
    {"gram-norm", 0, CLI_CHOICE, CLI_GROUP_RECORD, 0, true, SET(gram_norm), "cm|m", 0, 0,
     "what a Gram matrix is divided by"},
    {"metric", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(metric), NULL, 0, 0,
     "whether the network's metric weighs the differences"},
    {"tv-form", 0, CLI_CHOICE, CLI_GROUP_RECORD, 0, true, SET(tv_form),
     "absolute|squared|neighbours", 0, 0, "form of the total variation"},
    {"replicate-first", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(replicate_first), NULL, 0, 0,
     "whether the first layer continues the picture by its border"},
    {"style-natural", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(style_natural), NULL, 0, 0,
     "whether the style picture is never enlarged"},
    {"scale-step", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(scale_step), "R", 1.01, 100,
     "how many times the size before each size is"},
    {"average", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(average), "R", 0, 0.999999,
     "decay of the moving average that is the picture, 0 for none"},
    {"carry", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(warm_start), NULL, 0, 0,
     "whether adam's state goes on from size to size"},
    {"beta1", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(beta1), "R", 0, 1, "of adam"},
    {"beta2", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(beta2), "R", 0, 1, "of adam"},
    {"epsilon", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(epsilon), "R", 0, 1e6, "of adam"},
    {"adam-form", 0, CLI_CHOICE, CLI_GROUP_RECORD, 0, true, SET(adam_form), "pytorch|keras", 0, 0,
     "where adam adds its epsilon"},
    {"tv-mean", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(tv_mean), NULL, 0, 0,
     "whether total variation is a mean over colours instead of a sum"},
    {"clamp", 0, CLI_FLAG, CLI_GROUP_RECORD, 0, true, SET(clamp), NULL, 0, 0,
     "whether colours are kept in range after each step"},
    {"noise", 0, CLI_REAL, CLI_GROUP_RECORD, 0, true, SET(noise), "R", 0, 1e6,
     "deviation of the noise start"},
};
const size_t cli_option_count = sizeof cli_options / sizeof *cli_options;
_Static_assert(sizeof cli_options / sizeof *cli_options <= CLI_OPTIONS_MAX, "raise the maximum");

const cli_command cli_commands[] = {
    {.name = "paint",
     .bit = CLI_PAINT,
     .run = cli_paint,
     .operands = "CONTENT STYLE... [-o OUT]",
     .least = 0,
     .most = 1 + IMP_STYLES_MAX,
     .brief = "paint one picture in the manner of another",
     .text = "Keeps what CONTENT shows and takes colours, texture and strokes from STYLE. Both are "
             "PNG, JPEG, WebP, TIFF, HEIF or AVIF files, http or https addresses of such, or - for "
             "standard input. They are turned upright and converted to sRGB. Ctrl-C ends the run "
             "after the current iteration and saves the "
             "picture so far; a second Ctrl-C stops at once. The picture records the parameters it "
             "was made with, and the names and SHA-256 sums of the pictures it was made from, so "
             "that --like can repeat them.",
     .examples =
         {{"impasto paint cat.jpg waves.jpg", "writes cat_waves.png"},
          {"impasto paint cat.jpg waves.jpg -o out.jpg --size original",
           "at the content's own size"},
          {"impasto paint cat.jpg waves.jpg --strength 0.7", "more of the waves"},
          {"impasto paint cat.jpg waves.jpg --color content", "in the cat's own colours"},
          {"impasto paint cat.jpg -s waves.jpg:2 -s night.jpg", "in two styles mixed"},
          {"impasto paint cat.jpg waves.jpg night.jpg --mask cat_mask.png --style-mask red "
           "--style-mask blue",
           "waves where the mask is red, night where it is blue"},
          {"impasto paint cat.jpg waves.jpg --time-limit 2m", "the best of two minutes"},
          {"impasto paint cat.jpg waves.jpg --style-scale 0.5", "with strokes half as large"},
          {"impasto paint cat.jpg waves.jpg --size 2048 --dry-run", "what that would take"},
          {"impasto paint --texture waves.jpg --seam both",
           "more of its texture, to be laid out as tiles"},
          {"impasto paint cat.jpg waves.jpg --style-layers relu1_1:0.2,relu2_1",
           "by two layers only"},
          {"impasto paint cat.jpg waves.jpg --device cpu --threads 4", "without OpenCL"},
          {"impasto paint cat.jpg waves.jpg --film out.mp4", "with a film of it"},
          {"impasto paint cat.jpg waves.jpg --sheet all.png", "also the three side by side"},
          {"impasto paint --like out.png --size 1024 -o large.png", "the same run, larger"}}},
    {.name = "score",
     .bit = CLI_SCORE,
     .run = cli_score,
     .operands = "PICTURE --content FILE --style FILE",
     .least = 1,
     .most = 1,
     .brief = "measure how near a picture comes to what is aimed at",
     .text = "Evaluates, at PICTURE, the same objective that paint makes smaller, and shows its "
             "value by term and layer. --dump also writes what it was computed from, for use with "
             "NumPy: the features of each layer (relu4_2.npy, C x H x W), their Gram matrices "
             "(gram_relu1_1.npy, C x C) and the gradient with respect to the RGB picture in [0,1] "
             "(gradient.npy, 3 x H x W).",
     .examples = {{"impasto score out.png --content cat.jpg --style waves.jpg", "a table"},
                  {"impasto score cat.jpg --content cat.jpg --style waves.jpg --dump d",
                   "with arrays in d/"}}},
    {.name = "resume",
     .bit = CLI_RESUME,
     .run = cli_resume,
     .operands = "[FILE]",
     .least = 0,
     .most = 1,
     .brief = "go on with a painting that was ended early",
     .text =
         "Goes on from FILE, or from the newest checkpoint that paint has left in the cache "
         "folder, to the same picture that the whole run would have given. The pictures and the "
         "network must be where they were; the program must be of the same version.",
     .examples = {{"impasto resume", "what was interrupted last"},
                  {"impasto resume long.state", "what paint --checkpoint long.state has kept"}}},
    {.name = "batch",
     .bit = CLI_BATCH,
     .run = cli_batch_command,
     .operands = "--content PATTERN --style PATTERN -o TEMPLATE",
     .least = 0,
     .most = 0,
     .brief = "paint many pictures in one go",
     .text = "Paints each content in each style, with the options of paint. What is there already "
             "is left alone, so that the same line goes on after an interruption; a picture that "
             "fails is told of, and the others are painted all the same (exit status 1 at the "
             "end). --device all shares the pictures out to all OpenCL devices.",
     .examples =
         {{"impasto batch --content 'photos/*.jpg' --style 'art/*.jpg' -o "
           "'out/{content}_{style}.png'",
           "every photograph in every style"},
          {"impasto batch --zip --content 'a/*.png' --style 'b/*.png' -o 'c/{content}.jpg'",
           "in pairs"},
          {"impasto batch --content 'a/*.jpg' --style wave.jpg --mask 'masks/{content}.png' "
           "--style-mask 'masks/{style}.png'",
           "with regions"},
          {"impasto batch --content '*.jpg' --style wave.jpg --device all --json",
           "on all devices, with a report for programs"}}},
    {.name = "film",
     .bit = CLI_FILM,
     .run = cli_film,
     .operands = "CONTENT FRAME... -o FILM.mp4",
     .least = 2,
     .most = 1000000,
     .brief = "make a film of pictures on disk",
     .text = "Shows the pictures in the order given, the first and the last held, and in between "
             "moves as far as each differs from the one before. The last one says how large the "
             "film is; the others are brought to its size.",
     .examples = {{"impasto paint cat.jpg waves.jpg -o out.png --save-every 10",
                   "keeps out-000010.png, out-000020.png, ..."},
                  {"impasto film cat.jpg out-*.png -o out.mp4 --film-seconds 6",
                   "six seconds of them"}}},
    {.name = "compare",
     .bit = CLI_COMPARE,
     .run = cli_compare,
     .operands = "PICTURE PICTURE... [-o SHEET]",
     .least = 2,
     .most = 1000,
     .brief = "show pictures side by side, and how much they differ",
     .text = "Lists the pictures with their sizes and, where that is the first one's, how far each "
             "is from the first: the ratio of the largest possible colour to the noise (PSNR, in "
             "decibels; 40 and more is hardly to be seen), the mean and the largest difference of "
             "a colour, of 255. With -o they are laid side by side on a sheet, with their names "
             "and with what those that impasto "
             "has painted say of their making.",
     .examples = {{"impasto compare one.png two.png", "a table"},
                  {"impasto compare results/*.png -o all.png", "and a sheet"},
                  {"impasto compare a.png b.png -o ab.png --labels before,after",
                   "with other names"}}},
    {.name = "grid",
     .bit = CLI_GRID,
     .run = cli_grid_command,
     .operands = "CONTENT STYLE... --OPTION A,B,... -o SHEET",
     .least = 0,
     .most = 1 + IMP_STYLES_MAX,
     .brief = "paint with several settings, and lay the results out",
     .text = "Takes the options of paint. One or two of those that take one value, such as "
             "--strength, --size, --optimizer or --preset, are given several with commas: the "
             "picture is painted with each of them, or with each pair, and all are laid out with "
             "what they were painted with. A picture that fails leaves its place empty, and the "
             "others are painted all the same (exit status 1 at the end); Ctrl-C ends it with "
             "those that are complete, and the sheet is there from the first one on. paint with "
             "the same settings gives the same picture.",
     .examples = {{"impasto grid cat.jpg waves.jpg -o grid.png --style-scale 0.5,1,2",
                   "three pictures in a row"},
                  {"impasto grid cat.jpg waves.jpg -o grid.png --size 256 --strength .2,.5,.8 "
                   "--style-scale .5,1",
                   "three columns and two rows"},
                  {"impasto grid cat.jpg waves.jpg -o grid.png --preset default,brush",
                   "presets side by side"}}},
    {.name = "devices",
     .bit = CLI_DEVICES,
     .run = cli_devices,
     .operands = "",
     .least = 0,
     .most = 0,
     .brief = "list what can compute here",
     .text = "Shows every OpenCL device and the processor: number, platform, vendor, name, driver, "
             "memory and units; whether the self-test passed, or why the device is passed over; "
             "measured speed of arithmetic and memory; and which one 'auto' takes. What is "
             "measured once is remembered.",
     .examples = {{"impasto devices", "test and measure what is new, then list"},
                  {"impasto devices --quick", "list only"}}},
    {.name = "bench",
     .bit = CLI_BENCH,
     .run = cli_bench_command,
     .operands = "[compare FILE FILE...]",
     .least = 0,
     .most = 64,
     .brief = "measure how fast devices are, and compare",
     .text =
         "Measures what a device can do at most (arithmetic, memory, launches, transfers), every "
         "convolution of VGG-19 both ways, the other operations, and the whole iteration of the "
         "preset gatys, with time, spread, share of the roof and memory; and holds what it has "
         "timed against the exact reference: a device that is wrong gets no score. The score is "
         "iterations of gatys a second at 512 x 512 with Adam. No weights are needed: the shapes "
         "are VGG-19's, the filters random. 'compare' says which differences between files of "
         "--json exceed the noise.",
     .examples = {{"impasto bench --quick", "a minute"},
                  {"impasto bench --device all --json mine.json --plot mine.png",
                   "everything here"},
                  {"impasto bench --only iteration --size 512 --optimizer adam", "the score alone"},
                  {"impasto bench --markdown", "to paste into an issue"},
                  {"impasto bench compare before.json after.json", "what has changed"}}},
    {.name = "tune",
     .bit = CLI_TUNE,
     .run = cli_tune_command,
     .operands = "",
     .least = 0,
     .most = 0,
     .brief = "find the fastest way to make each layer on a device",
     .text = "Makes every convolution of a network, and its gradient, in each way that the device "
             "knows (directly, by Winograd's algorithm in strips of several lengths), and "
             "remembers which is the fastest. paint does the same by itself, in less time, where "
             "nothing is remembered yet; do it again when the machine was busy then. What is "
             "remembered is algorithms.json in the cache folder ($IMPASTO_CACHE, else impasto in "
             "$XDG_CACHE_HOME or ~/.cache).",
     .examples = {{"impasto tune", "the device that auto takes, at 512 x 512"},
                  {"impasto tune --device cpu --size 256,512,1024",
                   "the processor, at three sizes"},
                  {"impasto tune --network vgg19", "for a network that was fetched"}}},
    {.name = "weights",
     .bit = CLI_WEIGHTS,
     .run = cli_weights,
     .operands = "list|info|fetch|import|verify|remove [NAME...]",
     .least = 1,
     .most = 257,
     .brief = "list, fetch and describe networks",
     .text = "list: the network that comes with the program, the published ones that can be "
             "fetched (who made them, on which terms, where they lie), and your own. fetch NAME: "
             "brings a published one into your folder of networks, after comparing its digest; a "
             "fetch that was cut off goes on where it ended. import FILE: converts what another "
             "program "
             "wrote, of the VGG family: PyTorch's .pth (both formats), safetensors, Keras' .h5 and "
             ".keras, Caffe's .caffemodel; fully connected layers are left out. info NAME|FILE: "
             "layers and their "
             "shapes, parameters, how the input is prepared, where it comes from, SHA-256. verify: "
             "whether those in the folder (or NAME) still are what was installed. remove NAME: "
             "removes it. The folder is $IMPASTO_WEIGHTS, else impasto in $XDG_DATA_HOME or "
             "~/.local/share.",
     .examples = {{"impasto weights list", "what there is"},
                  {"impasto weights fetch vgg19", "torchvision's VGG-19, 548 MiB"},
                  {"impasto weights fetch vgg19 --from vgg19-dcbb9e9d.pth",
                   "the same, from a file that you have"},
                  {"impasto weights import VGG_ILSVRC_19_layers.caffemodel --name vgg19-caffe",
                   "a file of Caffe"},
                  {"impasto weights info builtin", "the network that comes with the program"},
                  {"impasto paint cat.jpg waves.jpg --network vgg19", "one that was fetched"}}},
    {.name = "presets",
     .bit = CLI_PRESETS,
     .run = cli_presets,
     .operands = "[NAME|FILE]",
     .least = 0,
     .most = 1,
     .brief = "list the presets",
     .text = "A preset is a complete set of defaults: what is aimed at and how it is reached. With "
             "NAME or FILE: all values of one. With --json that is a file for --preset: change in "
             "its \"options\" what you like, and leave out what stays as in the preset it names.",
     .examples = {{"impasto presets", "names, where they come from and what they are for"},
                  {"impasto presets fine", "all values of one"},
                  {"impasto presets fine --json > mine.json", "one to change"},
                  {"impasto paint cat.jpg waves.jpg --preset mine.json", "and to use"}}},
    {.name = "version",
     .bit = CLI_VERSION,
     .run = cli_version,
     .operands = "",
     .least = 0,
     .most = 0,
     .brief = "show the version",
     .text = "Shows the version.",
     .examples = {{"impasto version", NULL}}},
    {.name = "help",
     .bit = CLI_HELP,
     .run = cli_help,
     .operands = "[COMMAND]",
     .least = 0,
     .most = 1,
     .brief = "explain a command",
     .text = "Without COMMAND: what there is. With it: what it does, its options with their "
             "defaults, and examples. With --json: the options as objects, for programs.",
     .examples = {{"impasto help paint", NULL},
                  {"impasto help --completion bash", "completions for a shell"}}},
};
const size_t cli_command_count = sizeof cli_commands / sizeof *cli_commands;

/* SPDX-License-Identifier: MIT
 *
 * The table of commands.
 */
#include "cli/options.h"

const cli_command cli_commands[] = {
    {.name = "paint",
     .bit = CLI_PAINT,
     .run = cli_paint,
     .operands = "CONTENT STYLE... [-o OUT]",
     .least = 0,
     .most = 1 + IMP_STYLES_MAX,
     .brief = "paint a photograph in the style of a picture",
     .text = "Keeps what CONTENT shows and takes colours, texture and strokes from STYLE. Both are "
             "files (PNG, JPEG, WebP, TIFF, HEIF, GIF and more), http or https addresses, or - for "
             "standard input. They are turned upright and converted to sRGB. Ctrl-C ends the run "
             "after the "
             "current iteration and saves the picture so far; a second Ctrl-C stops at once. The "
             "result records its settings and the names and SHA-256 sums of its sources, so that "
             "--like can repeat the run.",
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
          {"impasto paint cat.jpg waves.jpg --time-limit 2m", "what two minutes give"},
          {"impasto paint cat.jpg waves.jpg --style-scale 0.5", "with strokes half as large"},
          {"impasto paint cat.jpg waves.jpg --size 2048 --dry-run", "what that would take"},
          {"impasto paint --texture waves.jpg --tileable both", "more of its texture, as a tile"},
          {"impasto paint cat.jpg waves.jpg --style-layers relu1_1:0.2,relu2_1",
           "with two style layers only"},
          {"impasto paint cat.jpg waves.jpg --device cpu --threads 4", "without OpenCL"},
          {"impasto paint cat.jpg waves.jpg --film out.mp4", "and a film of the painting"},
          {"impasto paint cat.jpg waves.jpg --sheet all.png", "and a sheet of all three pictures"},
          {"impasto paint --like out.png --size 1024 -o large.png", "the same run, larger"}}},
    {.name = "score",
     .bit = CLI_SCORE,
     .run = cli_score,
     .operands = "PICTURE --content FILE --style FILE",
     .least = 1,
     .most = 1,
     .brief = "evaluate the loss of a picture",
     .text = "Evaluates at PICTURE the objective that paint minimises, and shows its value by term "
             "and layer. --dump also writes what it was computed from as NumPy arrays: the "
             "features of each layer (relu4_2.npy, C x H x W), their Gram matrices "
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
     .brief = "continue a painting that was ended early",
     .text =
         "Continues from the checkpoint FILE, or from the newest one that paint left in the cache "
         "folder, to the same picture that an uninterrupted run gives. The input pictures, the "
         "network and the program's version must be the same.",
     .examples = {{"impasto resume", "the last painting that was interrupted"},
                  {"impasto resume long.state", "the one of paint --checkpoint long.state"}}},
    {.name = "batch",
     .bit = CLI_BATCH,
     .run = cli_batch_command,
     .operands = "--content PATTERN --style PATTERN -o TEMPLATE",
     .least = 0,
     .most = 0,
     .brief = "paint many pictures",
     .text = "Paints each content in each style, with the options of paint. Files that exist are "
             "skipped, so that the same command continues after an interruption. A picture that "
             "fails is reported and the others are still painted (exit status 1 at the end). "
             "--device all distributes the pictures over all OpenCL devices.",
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
           "on all devices, reported as JSON"}}},
    {.name = "film",
     .bit = CLI_FILM,
     .run = cli_film,
     .operands = "CONTENT FRAME... -o FILM.mp4",
     .least = 2,
     .most = 1000000,
     .brief = "make a film from pictures on disk",
     .text = "Shows the pictures in the order given. The first and the last are held; in between, "
             "each takes time in proportion to its difference from the one before. The film has "
             "the size of the last picture; the others are resized to it.",
     .examples = {{"impasto paint cat.jpg waves.jpg -o out.png --save-every 10",
                   "writes out-000010.png, out-000020.png, ..."},
                  {"impasto film cat.jpg out-*.png -o out.mp4 --film-seconds 6",
                   "six seconds long"}}},
    {.name = "compare",
     .bit = CLI_COMPARE,
     .run = cli_compare,
     .operands = "PICTURE PICTURE... [-o SHEET]",
     .least = 2,
     .most = 1000,
     .brief = "compare pictures and lay them side by side",
     .text = "Lists the pictures with their sizes and, for those of the first one's size, their "
             "difference from it: PSNR in decibels (differences above 40 are hardly visible), and "
             "the mean and the largest difference of a colour, of 255. With -o, lays them side by "
             "side on a sheet with their names and, if impasto painted them, their settings.",
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
     .brief = "paint with several settings and lay the results out",
     .text = "Takes the options of paint. Give one or two options, such as --strength, --size, "
             "--optimizer or --preset, several values separated by commas: the picture is painted "
             "with each value, or each pair, and the results are laid out on a sheet with their "
             "settings. A picture that fails leaves its place empty and the others are still "
             "painted (exit status 1 at the end). The sheet is written after the first picture and "
             "updated; Ctrl-C ends the grid with the pictures that are complete. paint with the "
             "same settings gives the same picture.",
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
     .brief = "list the devices and their speed",
     .text = "Shows every OpenCL device and the processor: number, platform, vendor, name, driver, "
             "memory and units; whether it passed the self-test, or why it is not used; its "
             "measured speed of arithmetic and memory; and which one 'auto' takes. Results are "
             "remembered.",
     .examples = {{"impasto devices", "test and measure new devices, then list all"},
                  {"impasto devices --quick", "list only"}}},
    {.name = "bench",
     .bit = CLI_BENCH,
     .run = cli_bench_command,
     .operands = "[compare FILE FILE...]",
     .least = 0,
     .most = 64,
     .brief = "measure devices, and compare measurements",
     .text =
         "Measures the peak rates of a device (arithmetic, memory, launches, transfers), every "
         "convolution of VGG-19 forward and back, the other operations, and a whole iteration of "
         "the preset gatys: time, spread, share of the peak and memory. Then it checks what it "
         "timed against the exact reference; a device with wrong results gets no score. The score "
         "is iterations per second of gatys at 512 x 512 with Adam. No weights are needed: shapes "
         "are VGG-19's, filters random. 'compare' shows which differences between --json files "
         "exceed the noise.",
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
     .brief = "find the fastest algorithm for each layer",
     .text = "Times every convolution of a network and its gradient with each algorithm of the "
             "device (direct, or Winograd's in strips of several lengths) and remembers the "
             "fastest, in algorithms.json in the cache folder ($IMPASTO_CACHE, else impasto in "
             "$XDG_CACHE_HOME or ~/.cache). paint does this by itself, in less time, if nothing is "
             "remembered yet. Run tune again if the machine was busy then.",
     .examples = {{"impasto tune", "the device that auto takes, at 512 x 512"},
                  {"impasto tune --device cpu --size 256,512,1024",
                   "the processor, at three sizes"},
                  {"impasto tune --network vgg19", "for a fetched network"}}},
    {.name = "weights",
     .bit = CLI_WEIGHTS,
     .run = cli_weights,
     .operands = "list|info|fetch|import|verify|remove [NAME...]",
     .least = 1,
     .most = 257,
     .brief = "list, fetch and describe networks",
     .text = "list: the built-in network, published ones that can be fetched (author, licence, "
             "address), and your own. fetch NAME: downloads a published network into your folder "
             "of networks and checks its digest; an interrupted download continues where it "
             "ended. import FILE: converts a network of the VGG family from PyTorch (.pth, both "
             "formats, also whole models), safetensors, Keras (.h5, .keras), Caffe (.caffemodel), "
             "ONNX, MATLAB 5 (.mat) or the index of a file in parts; fully connected layers are "
             "left out. --network FILE does so on the way. info NAME|FILE: shows layers, shapes, "
             "parameters, input, "
             "provenance and SHA-256. verify: checks that the installed networks (or NAME) are "
             "unchanged. remove NAME: removes one. The folder is $IMPASTO_WEIGHTS, else impasto in "
             "$XDG_DATA_HOME or ~/.local/share.",
     .examples = {{"impasto weights list", NULL},
                  {"impasto weights fetch vgg19", "torchvision's VGG-19, 548 MiB"},
                  {"impasto weights fetch vgg19 --from vgg19-dcbb9e9d.pth",
                   "the same, from a local file"},
                  {"impasto weights import VGG_ILSVRC_19_layers.caffemodel --name vgg19-caffe",
                   "from Caffe"},
                  {"impasto weights info builtin", "the built-in network"},
                  {"impasto paint cat.jpg waves.jpg --network vgg19", "with a fetched network"}}},
    {.name = "presets",
     .bit = CLI_PRESETS,
     .run = cli_presets,
     .operands = "[NAME|FILE]",
     .least = 0,
     .most = 1,
     .brief = "list the presets",
     .text =
         "A preset is a complete set of defaults: the loss, the optimizer, the sizes. With NAME "
         "or FILE, shows all values of one. With --json, the output is a file for --preset: "
         "change values in its \"options\", and leave out those that stay as in the preset it "
         "names.",
     .examples = {{"impasto presets", "names and purposes"},
                  {"impasto presets fine", "all values of one"},
                  {"impasto presets fine --json > mine.json", "a file to change"},
                  {"impasto paint cat.jpg waves.jpg --preset mine.json", "and use"}}},
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
     .text =
         "Without COMMAND: lists the commands. With it: what the command does, its options with "
         "their defaults, and examples. With --json: the options as objects.",
     .examples = {{"impasto help paint", NULL},
                  {"impasto help --completion bash", "completions for bash"}}},
};
const size_t cli_command_count = sizeof cli_commands / sizeof *cli_commands;

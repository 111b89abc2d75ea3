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
          {"impasto paint --texture waves.jpg --tileable both",
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

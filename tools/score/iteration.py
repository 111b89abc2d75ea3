# SPDX-License-Identifier: MIT
"""The time of an iteration on a card, from the list of its launches (IMPASTO_LAUNCHES) and the
scores of its kernels (pipeline.Score).

A launch takes the longer of arithmetic and memory, and a gap until the next one. Arithmetic: its
groups are dealt out to the vector units, as many at a time as fit. Memory: what it reads and
writes, at 0.8 of the memory's rate; what a cache holds, at 0.7 of the cache's. Of the tensors only
the work space is taken to be held by the last cache, as far as it fits 0.7 of it; maps are read
anew. What several groups of a launch read is held by the cache.
"""

import collections
import re

SHORTEST = 2e-6       # seconds of a launch
PROLOGUE = 3000       # clocks of a group before and after its main loop
READ_BACK = 30e-6     # seconds of an iteration that the host reads its record
BLOCK = 64 << 10      # bytes of the work space that the cache takes in and drops together

# before: the launch before this one
Launch = collections.namedtuple("Launch", "operation kernel groups items spans values before")


class UnknownKernel(Exception):
    pass


def read(path):
    """The launches of the last iteration in a list: those between the last two of `adam`."""
    launches = []
    with open(path) as file:
        for line in file:
            words = line.split()
            spans = [(buffer, 4 * int(at)) for buffer, at in re.findall(r"@(\w+)\+(\d+)", line)]
            launches.append(Launch(words[0], words[1], tuple(map(int, words[2:5])), int(words[5]),
                                   spans, [int(w) for w in words[6:] if w[0] != "@"],
                                   launches[-1] if launches else None))
    ends = [i for i, launch in enumerate(launches) if launch.kernel == "adam"]
    return launches[ends[-2] + 1:ends[-1] + 1]


class Work:
    """What a launch does. touched: (index of a span, bytes), read or written once; again: bytes
    that it reads again; macs: multiply-adds that it executes; useful: those that its result needs;
    turns: of the main loop of a group."""

    def __init__(self, touched, again=0, macs=0, useful=None, turns=0):
        self.touched, self.again = touched, again
        self.macs, self.useful, self.turns = macs, macs if useful is None else useful, turns


def over(n, step):
    return -(-n // step)


def elements(*shares):
    """Of an operation element by element: floats of each tensor for each of n elements."""
    return lambda launch, _: Work([(i, 4 * share * launch.values[-1])
                                   for i, share in enumerate(shares)])


# ---- convolutions: how much of their maps a launch reads and writes ------------------------------

def winograd_inputs(launch, _):
    h, w, _, _, across, _, count, _, channels, kind = launch.values
    part = min(1, count / (across * over(h, 4)))
    x = 4 * channels * h * w * part * 1.1
    v = 36 * 4 * launch.groups[1] * launch.groups[0] * launch.items
    return Work([(1, x), (0, v)] + ([(2, x)] if kind & 2 else []))


def winograd_products(high, wide):
    def work(launch, score):
        channels = launch.values[0]
        tiles, blocks, points = launch.groups
        v, f = 4 * points * channels * tiles * wide, 4 * points * channels * blocks * high
        return Work([(1, v), (2, f), (0, 4 * points * blocks * high * tiles * wide)],
                    v * (blocks - 1) + f * (tiles - 1),
                    points * channels * blocks * high * tiles * wide, 0,
                    over(channels, score.depth))
    return work


def winograd_outputs(launch, _):
    h, w, across, _, count, pitch, _, _ = launch.values
    part = min(1, count / (across * over(h, 4)))
    return Work([(1, 36 * 4 * launch.groups[1] * pitch),
                 (0, 4 * launch.groups[1] * h * w * part)],
                useful=36 * launch.before.before.values[-2] * launch.groups[1] * count)


def conv_3x3(launch, score):
    channels, lo, hi, _, _, _, _, _, _, _, _, rows, columns, kind = launch.values
    x = 4 * channels * rows * columns * (2 if kind & 2 else 1)
    blocks = launch.groups[2]
    return Work([(1, x * 1.25), (3, 4 * 9 * channels * blocks * 64),
                 (0, 4 * (hi - lo) * rows * columns)], x * 1.4 * (blocks - 1),
                9 * channels * blocks * 64 * launch.groups[0] * launch.groups[1] * 128,
                9 * channels * (hi - lo) * rows * columns, over(channels, score.depth))


def conv_few(launch, score):
    channels, lo, hi, _, _, _, _, _, _, _, _, rows, columns, kind = launch.values
    x = 4 * channels * rows * columns * (2 if kind & 2 else 1)
    return Work([(1, x), (0, 4 * (hi - lo) * rows * columns)], x * 0.2,
                9 * channels * 4 * 64 * 16 * launch.groups[0] * launch.groups[1],
                9 * channels * (hi - lo) * rows * columns, over(channels, score.depth))


def conv_1x1(high, wide):
    def work(launch, score):
        channels, lo, hi, _, _, _, count, kind = launch.values
        x = 4 * channels * count * (2 if kind & 2 else 1)
        positions, blocks, _ = launch.groups
        return Work([(1, x), (3, 4 * channels * blocks * high), (0, 4 * (hi - lo) * count)],
                    x * (blocks - 1), channels * blocks * high * positions * wide,
                    channels * (hi - lo) * count, over(channels, score.depth))
    return work


# ---- Gram matrices -------------------------------------------------------------------------------

def gram_tile(launch, score):
    m, _, stretch, triangle, xs, ys = launch.values
    wide, high, stretches = launch.groups
    tiles = high * (high + 1) // 2 if triangle else wide * high
    positions = min(m, stretches * stretch)
    x = 4 * positions * (xs if triangle else xs + ys)
    useful = positions * (xs * (xs + 1) // 2 if triangle else xs * ys)
    return Work([(1, x), (0, stretches * tiles * 64 * 64 * 4)], x * (high - 1),
                tiles * 64 * 64 * positions, min(useful, tiles * 64 * 64 * positions),
                over(stretch, score.depth))


def gram_total(launch, _):
    side, _, xs, _, ys, stretches, triangle, _ = launch.values
    share = 0.5 if triangle else 1
    return Work([(1, 4 * xs * ys * stretches * share), (0, 4 * xs * ys)])


def style_tile(launch, score):
    _, _, count, _, _, rows, _, inner = launch.values
    f, blocks = 4 * count * inner, launch.groups[1]
    return Work([(2, f), (0, 8 * count * rows), (1, 4 * rows * inner)], f * (blocks - 1),
                launch.groups[0] * 64 * blocks * 64 * inner, count * rows * inner,
                over(inner, score.depth))


# ---- poolings ------------------------------------------------------------------------------------

def planes_of(launch, index):
    """Bytes of planes of h x w, whose sides are values from `index` on; the grid has planes last."""
    return 4 * launch.groups[2] * launch.values[index] * launch.values[index + 1]


def pool_indices(launch, _):
    x = planes_of(launch, 0)
    return Work([(1, x), (0, x / 24)])


def pool(launch, _):
    x = planes_of(launch, 0)
    return Work([(1, x), (0, x / 4)])


def unpool(launch, _):
    dx = planes_of(launch, 0)
    return Work([(0, dx), (1, dx / 4), (2, dx / 24)])


def tv(launch, _):
    rows, _, width = launch.values[-3:]
    return Work([(0, 8 * rows * width), (1, 4 * rows * width)])


SIDES = {"32": (32, 128), "64": (64, 64), "128": (128, 128)}
WORK = {
    "winograd_inputs": winograd_inputs, "winograd_outputs": winograd_outputs,
    **{"winograd_products_" + name: winograd_products(*sides) for name, sides in SIDES.items()},
    **{"conv_1x1_" + name + masked: conv_1x1(*SIDES[name])
       for name in ("32", "64") for masked in ("", "_masked")},
    "conv_3x3": conv_3x3, "conv_few": conv_few,
    "gram_tile": gram_tile, "gram_total": gram_total, "style_tile": style_tile,
    "pool_indices": pool_indices, "pool": pool, "unpool": unpool, "tv": tv,
    "fill": elements(1), "copy": elements(1, 1), "combine": elements(1, 1, 1),
    "clamp_to": elements(2), "dot_of": elements(1, 1), "norm1": elements(1),
    "adam": elements(2, 1, 2, 2), "content": elements(2, 1, 1), "style": elements(1, 1, 1),
    "affine": elements(1, 1, 1, 1, 1, 1), "affine_grad": elements(2, 2, 2, 1, 1, 1),
}


# ---- the card ------------------------------------------------------------------------------------

class Cache:
    """The part of the last cache that holds the work space: the least recently used goes first."""

    def __init__(self, size):
        self.room, self.held = int(size / BLOCK), collections.OrderedDict()

    def take(self, start, size):
        """Reads or writes a stretch; returns the share of it that was held, or is new and fits."""
        first, last = int(start / BLOCK), int((start + max(size, 1) - 1) / BLOCK)
        hits = sum(block in self.held for block in range(first, last + 1))
        for block in range(first, last + 1):
            self.held.pop(block, None)
            self.held[block] = True
            if len(self.held) > self.room:
                self.held.popitem(last=False)
        return hits / (last + 1 - first)


def arithmetic(card, launch, work, score):
    """Seconds. Waves are dealt out in rounds of as many as the units hold."""
    waves = launch.groups[0] * launch.groups[1] * launch.groups[2] * score.group_waves
    waves *= work.macs / max(work.macs, score.macs * work.turns * launch.items *
                             launch.groups[0] * launch.groups[1] * launch.groups[2]) or 1
    rounds, rest = divmod(waves / card.units, score.waves)
    clocks = rounds * (work.turns * score.turn(score.waves) + PROLOGUE)
    if rest > 1e-9:
        clocks += work.turns * score.turn(-int(-rest // 1)) + PROLOGUE
    return clocks / (card.clock * 1e9)


class Iteration:
    """seconds, macs (executed), useful; by: seconds of each kernel."""

    def __init__(self, card, launches, scores):
        work_space = next((launch.spans[0][0] for launch in launches
                           if launch.kernel in ("winograd_inputs", "gram_tile")), None)
        cache = Cache(0.7 * card.kept)
        self.seconds, self.macs, self.useful = READ_BACK, 0, 0
        self.by = collections.Counter()
        for launch in launches:
            if launch.kernel not in WORK:
                raise UnknownKernel("the score does not know what %s does" % launch.kernel)
            score = scores.get(launch.kernel)
            work = WORK[launch.kernel](launch, score)
            far, near = 0, work.again
            for span, size in work.touched:
                buffer, at = launch.spans[span]
                held = cache.take(at, size) if buffer == work_space else 0
                far, near = far + size * (1 - held), near + size * held
            time = max(SHORTEST, far / (0.8 * card.memory) + near / (0.7 * card.cache),
                       arithmetic(card, launch, work, score) if work.macs else 0) + card.gap
            self.by[launch.kernel] += time
            self.seconds += time
            self.macs += work.macs
            self.useful += work.useful

    def share(self, card):
        return 2 * self.macs / self.seconds / card.peak

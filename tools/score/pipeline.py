# SPDX-License-Identifier: MIT
"""A vector unit of a graphics processor that runs the main loop of a kernel (listing.py) with as
many waves as fit, in order: what it issues in each clock, its share of local memory's rate, and a
fixed latency of global memory. There are no misses of caches and no limit of memory's rate: the
share of the peak that comes out is a bound from above.
"""

from . import listing, machines

QUEUE = 64  # operations of local memory that may wait, in vector instructions


VECTOR, SCALAR, LOCAL, NOTHING = range(4)  # what an operation occupies
OCCUPIES = {"mac": VECTOR, "vector": VECTOR, "scalar": SCALAR, "local": LOCAL, "local_store": LOCAL}


class Wave:
    def __init__(self, start):
        self.at = self.turn = 0
        self.ready, self.ended = start, 0.0
        self.waiting = False              # at a barrier
        self.loads, self.locals = [], []  # when they arrive (AMD)
        self.marks = [0.0] * 6            # the scoreboard (NVIDIA)


class AmdUnit:
    """free: when each part accepts an operation; start(): when a wave could issue one, if all were
    free; issue(): issues it."""
    STAGGER = 37.0
    OCCUPIES = OCCUPIES

    def __init__(self, machine):
        self.m = machine
        self.rate = machine.local_rate / machine.units
        self.local = 0.0
        self.free = [0.0, 0.0, -QUEUE * machine.issue, -1.0]

    @staticmethod
    def start(wave, op):
        time = wave.ready
        if op.kind == "wait":
            for left, pending in ((op.global_left, wave.loads), (op.local_left, wave.locals)):
                if left is not None and len(pending) > left:
                    time = max(time, pending[len(pending) - left - 1])
        return time

    def issue(self, wave, op, time):
        m, step = self.m, self.m.issue
        if op.kind in ("mac", "vector"):
            step = m.slow if op.slow else m.issue
            self.free[VECTOR] = time + step
        elif op.kind == "scalar":
            self.free[SCALAR] = time + 1
        elif op.kind in ("wait", "barrier"):
            step = 0
        elif op.kind in ("local", "local_store"):
            self.local = max(time, self.local) + m.wave * op.size / self.rate
            self.free[LOCAL] = self.local - QUEUE * m.issue
            wave.locals.append(self.local + m.local_latency)
        elif op.kind == "global":
            wave.loads.append(max([time + m.global_latency] + wave.loads[-1:]))
        wave.ready = time + step


class NvidiaUnit:
    STAGGER = 19.0
    OCCUPIES = dict(OCCUPIES, vector=SCALAR)  # beside multiply-adds

    def __init__(self, machine):
        self.m = machine
        self.rate = machine.local_rate / machine.units
        self.slot = self.fp = self.local = 0.0
        self.free = [0.0, 0.0, 0.0, 0.0]

    @staticmethod
    def start(wave, op):
        time, waits = wave.ready, op.control[3]
        if waits:
            for bit in range(6):
                if waits >> bit & 1:
                    time = max(time, wave.marks[bit])
        return time

    def issue(self, wave, op, time):
        stall, write, read, _ = op.control
        slot, wave.ready, done, freed = time + 1, time + max(1, stall), time + 12, time + 20
        if op.kind == "mac":
            self.fp = time + self.m.issue
        elif op.kind in ("local", "local_store"):
            self.local = max(time, self.local) + self.m.wave * op.size / self.rate
            done = freed = self.local + self.m.local_latency
        elif op.kind == "global":
            done = time + self.m.global_latency
        for mark, when in ((write, done), (read, freed)):
            if mark < 6:
                wave.marks[mark] = max(wave.marks[mark], when)
        self.free = [max(slot, self.fp), slot, max(slot, self.local - QUEUE / 2), slot]


def advance(wave, length):
    wave.at += 1
    if wave.at == length:
        wave.at, wave.turn, wave.ended = 0, wave.turn + 1, wave.ready
        wave.loads, wave.locals = wave.loads[-4:], wave.locals[-16:]


def clocks(machine, ops, count, mates, turns):
    """Clocks of so many turns of `count` waves, of which `mates` each wait for each other. The wave
    that can issue first does; of several, the one that has waited longest."""
    unit = (AmdUnit if isinstance(machine, machines.Amd) else NvidiaUnit)(machine)
    occupies = [unit.OCCUPIES.get(op.kind, NOTHING) for op in ops]
    waves = [Wave(i // mates * unit.STAGGER) for i in range(count)]
    starts = [unit.start(wave, ops[0]) for wave in waves]
    parts, last, active = [occupies[0]] * count, [-1.0] * count, set(range(count))

    def proceed(i):
        wave = waves[i]
        advance(wave, len(ops))
        if wave.turn == turns:
            active.discard(i)
        starts[i], parts[i] = unit.start(wave, ops[wave.at]), occupies[wave.at]

    while active:
        free, best = unit.free, None
        for i in active:
            time = starts[i]
            if free[parts[i]] > time:
                time = free[parts[i]]
            if best is None or time < first or (time == first and (last[i], i) < (last[best], best)):
                best, first = i, time
        op = ops[waves[best].at]
        last[best] = first
        unit.issue(waves[best], op, first)
        if op.kind != "barrier":
            proceed(best)
            continue
        waves[best].waiting = True
        active.discard(best)
        group = [i for i in range(best // mates * mates, min(best // mates * mates + mates, count))]
        if all(waves[i].waiting for i in group):
            latest = max(waves[i].ready for i in group)
            for i in group:
                waves[i].waiting, waves[i].ready = False, latest
                active.add(i)
                proceed(i)
    return max(wave.ended for wave in waves)


class Score:
    """A kernel on a target. waves: those of a unit; macs: multiply-adds of a work-item in a turn;
    turn(n): clocks of a turn in the steady state with n waves on a unit; share: of the fp32 peak;
    local: bytes of local memory read for each multiply-add."""

    def __init__(self, machine, name, ops, group, registers, local_size):
        spec = listing.KERNELS[name]
        group_waves = machines.up(group, machine.wave) // machine.wave
        groups = min(machine.waves_by_registers(registers) // group_waves, machine.groups)
        if local_size:
            groups = min(groups, machine.local_size // (local_size + machine.group_overhead))
        self.machine, self.ops, self.group_waves = machine, ops, group_waves
        self.mates = max(1, group_waves // machine.units)
        self.waves = max(1, groups * group_waves // machine.units)
        self.macs = sum(op.size for op in ops if op.kind == "mac")
        if self.macs != spec.macs:
            raise listing.Unreadable("%d multiply-adds found in a turn instead of %d" % (
                self.macs, spec.macs))
        self.depth = spec.depth
        self.local = sum(op.size for op in ops if op.kind == "local") / self.macs
        self.loads = sum(op.kind == "global" for op in ops)
        self.known = {}
        self.share = self.waves * self.macs * machine.peak_clocks() / self.turn(self.waves)

    def turn(self, waves):
        waves = min(waves, self.waves)
        if waves not in self.known:
            run = [clocks(self.machine, self.ops, waves, min(self.mates, waves), turns)
                   for turns in (4, 9)]
            self.known[waves] = (run[1] - run[0]) / 5
        return self.known[waves]

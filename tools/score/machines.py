# SPDX-License-Identifier: MIT
"""The graphics processors of tools/kernel-table --score.

Every constant is from the makers' documents or from published measurements of latencies. They were
frozen with the first score: they may only change because a card was measured, and then the table
in cl/README.md is made anew with both the old and the new kernels.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Amd:
    """A vector unit of an AMD processor: one of four that share local memory."""
    name: str
    wave: int           # work-items of a wave
    waves: int          # most waves of a unit
    registers: int      # of a lane, for all waves
    step: int           # registers are given out in multiples of it
    issue: int          # clocks that a vector instruction of a wave takes
    slow: int           # the same of an integer multiplication
    local_rate: int     # bytes a clock of local memory
    local_size: int     # its bytes
    global_latency: int  # clocks
    local_latency: int = 64
    dual: int = 1       # multiply-adds of a lane and clock at the peak, over one instruction's

    units = 4
    group_overhead = 0  # bytes of local memory that a group takes besides its own
    groups = 1 << 30

    def waves_by_registers(self, registers):
        return self.units * min(self.waves,
                                self.registers // up(max(registers, 1), self.step))

    def peak_clocks(self):
        """Clocks of a wave's multiply-add at the peak rate."""
        return self.issue / self.dual


@dataclass(frozen=True)
class Nvidia:
    """A quarter of a multiprocessor of NVIDIA, with a scheduler of its own."""
    name: str
    waves: int
    issue: int          # clocks that a multiply-add of a wave takes
    local_size: int
    groups: int         # most groups of a multiprocessor
    global_latency: int = 350
    local_latency: int = 24
    local_rate: int = 128

    wave = 32
    units = 4
    group_overhead = 1024

    def waves_by_registers(self, registers):
        return self.units * min(self.waves, 512 // up(registers, 8))

    def peak_clocks(self):
        return self.issue


def up(n, step):
    return (n + step - 1) // step * step


MACHINES = {m.name: m for m in [
    Amd("gfx900", 64, 10, 256, 4, 4, 16, 128, 65536, 500),
    Amd("gfx906", 64, 10, 256, 4, 4, 16, 128, 65536, 500),
    Amd("gfx90a", 64, 8, 512, 8, 4, 16, 128, 65536, 500, dual=2),
    Amd("gfx942", 64, 8, 512, 8, 4, 16, 128, 65536, 700, dual=2),
    Amd("gfx1030", 32, 16, 1024, 16, 1, 4, 256, 131072, 400, 60),
    Amd("gfx1100", 32, 16, 1536, 24, 1, 4, 256, 131072, 400, 60, dual=2),
    Amd("gfx1201", 32, 16, 1536, 24, 1, 4, 256, 131072, 400, 60, dual=2),
    Nvidia("sm_75", 8, 2, 65536, 16),
    Nvidia("sm_86", 12, 1, 102400, 16),
    Nvidia("sm_90", 16, 1, 232448, 32, global_latency=400),
]}


@dataclass(frozen=True)
class Card:
    """A graphics card. units: vector units, as above; clock in GHz; memory and cache: bytes a
    second of the memory and of the last cache; kept: bytes of that cache; gap: seconds between two
    launches that depend on each other; peak: operations a second in fp32."""
    name: str
    target: str
    units: int
    clock: float
    memory: float
    cache: float
    kept: int
    gap: float
    peak: float


CARDS = [
    Card("MI50", "gfx906", 240, 1.725, 1024e9, 2000e9, 4 << 20, 6e-6, 13.25e12),
    Card("RX 6800", "gfx1030", 120, 2.105, 512e9, 1400e9, 128 << 20, 6e-6, 16.17e12),
    Card("RX 7900 XTX", "gfx1100", 192, 2.5, 960e9, 2500e9, 96 << 20, 6e-6, 61.4e12),
    Card("RTX 2060", "sm_75", 120, 1.68, 336e9, 1200e9, 3 << 20, 4e-6, 6.45e12),
    Card("RTX 3060", "sm_86", 112, 1.777, 360e9, 1300e9, 3 << 20, 4e-6, 12.74e12),
    Card("H100", "sm_90", 528, 1.83, 3350e9, 5500e9, 50 << 20, 4e-6, 61.9e12),
]

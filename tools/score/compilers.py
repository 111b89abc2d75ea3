# SPDX-License-Identifier: MIT
"""The compilers of AMD, NVIDIA and Intel for graphics processors, and what their output says about
each kernel."""

import collections
import glob
import os
import re
import shutil
import struct
import subprocess

from . import listing, machines, pipeline

GROUP = 256  # work-items in a group, unless the kernel fixes their number
BASE = "-cl-std=CL1.2"

# local: bytes of a group; private: bytes of a work-item outside registers; score: pipeline.Score,
# a text that says why there is none, or None
Kernel = collections.namedtuple("Kernel", "name registers spills private local occupancy score")


class CompilerError(Exception):
    pass


def run(log, *command):
    """Runs a command and returns its output, which it also writes to the file log."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with open(log, "w") as file:
        file.write(" ".join(command) + "\n" + result.stdout)
    if result.returncode:
        errors = [line for line in result.stdout.splitlines() if "error" in line]
        raise CompilerError((errors or result.stdout.splitlines() or ["no output"])[0])
    return result.stdout


def read(path):
    with open(path) as file:
        return file.read()


def constant(expression):
    """The value of an expression of integers, * and / only."""
    return int(eval(re.fullmatch(r"[\d */()]+", expression).group(0).replace("/", "//")))


def occupancy(group, wave, slots, by_registers, local, local_size):
    """The share of a compute unit's `slots` for waves that can be taken. Registers suffice for
    `by_registers` waves; a group of `group` work-items needs `local` bytes of `local_size`."""
    waves = machines.up(group, wave) // wave
    groups = min(slots, by_registers) // waves
    if local:
        groups = min(groups, local_size // local)
    return groups * waves / slots


def score_of(target, name, loop, group, registers, local):
    """loop: the operations of the kernel's main loop, when called."""
    if name not in listing.KERNELS or target not in machines.MACHINES:
        return None
    try:
        return pipeline.Score(machines.MACHINES[target], name, loop(), group, registers, local)
    except listing.Unreadable as error:
        return str(error)


class Amd:
    """A compute unit has 64 KiB of local memory and several vector units, each with registers that
    its waves share."""

    def __init__(self, name, units, wave, waves, registers, step, version=None):
        self.name, self.units, self.wave = name, units, wave
        self.waves, self.registers, self.step = waves, registers, step  # of one vector unit
        self.version = version  # for clang-19, with device libraries that do not know the target

    def present(self, score):
        del score
        return shutil.which("clang-19" if self.version else "clang-15") is not None

    def libraries(self, stem):
        """clang's options. Device libraries must come from the compiler's own release, or an older
        one; those of clang-15 serve clang-19 too, with the number of the target written here."""
        folder = glob.glob("/usr/lib/*/amdgcn/bitcode")
        if not self.version:
            if folder:
                return "clang-15", ["--rocm-path=/usr", "--rocm-device-lib-path=" + folder[0]]
            return "clang-17", ["--rocm-path=/usr", "--rocm-device-lib-path="
                                "/usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode"]
        if not folder:
            raise CompilerError("no device libraries")
        with open(stem + ".ll", "w") as file:
            file.write('target triple = "amdgcn-amd-amdhsa"\n@__oclc_ISA_version = linkonce_odr '
                       "protected local_unnamed_addr addrspace(4) constant i32 %d, align 4\n"
                       % self.version)
        run(stem + ".ll.log", "clang-19", "-target", "amdgcn-amd-amdhsa", "-nogpulib", "-emit-llvm",
            "-c", "-x", "ir", stem + ".ll", "-o", stem + ".bc")
        names = ["opencl", "ocml", "ockl", "oclc_correctly_rounded_sqrt_off",
                 "oclc_daz_opt_off", "oclc_finite_only_off", "oclc_unsafe_math_off",
                 "oclc_wavefrontsize64_" + ("on" if self.wave == 64 else "off"),
                 "oclc_abi_version_400"]
        options = ["-nogpulib", "-mcode-object-version=4"]
        for path in [folder[0] + "/" + name + ".bc" for name in names] + [stem + ".bc"]:
            options += ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", path]
        return "clang-19", options

    def compile(self, source, options, stem, score):
        clang, libraries = self.libraries(stem)
        run(stem + ".log", clang, "-x", "cl", BASE, "-target", "amdgcn-amd-amdhsa",
            "-mcpu=" + self.name, "-Xclang", "-finclude-default-header", "-O3", *libraries,
            *options, "-S", source, "-o", stem + ".s")
        text = read(stem + ".s")
        for entry in re.split(r"\n  - \.", text.split("amdhsa.kernels:")[-1])[1:]:
            def field(name, entry=entry):
                return int(re.search(r"\." + name + r": +(\d+)", entry).group(1))
            registers, local = field("vgpr_count"), field("group_segment_fixed_size")
            group = min(GROUP, field("max_flat_workgroup_size"))
            by_registers = self.units * (self.registers //
                                         machines.up(max(registers, 1), self.step))
            name = re.search(r"\n    \.name: +(\w+)", entry).group(1)
            yield Kernel(name, registers, field("vgpr_spill_count"),
                         field("private_segment_fixed_size"), local,
                         occupancy(group, self.wave, self.units * self.waves, by_registers, local,
                                   65536),
                         score_of(self.name, name, lambda name=name: listing.amd_loop(text, name),
                                  group, registers, local) if score else None)


class Nvidia:
    """A multiprocessor has 65536 registers. A thread gets a multiple of eight."""

    def __init__(self, name, threads, local_size):
        self.name, self.threads, self.local_size = name, threads, local_size

    def present(self, score):
        return shutil.which("clang-15") is not None and all(
            shutil.which(tool) for tool in self.tools()[:2 if score else 1])

    @staticmethod
    def tools():
        return os.environ.get("PTXAS", "ptxas"), os.environ.get("NVDISASM", "nvdisasm")

    @staticmethod
    def fix_groups(source, options, stem):
        """Writes the kernels' group sizes into clang's output, which leaves them out. Returns
        {kernel: work-items}."""
        text = run(stem + ".i", "clang-15", "-x", "cl", BASE, "-E", "-P", *options, source)
        sizes = {name: (constant(x), constant(y)) for x, y, name in re.findall(
            r"reqd_work_group_size\(([\d */()]+), *(\d+), *1\)\)\)\s+void\s+(\w+)\(", text)}
        code = re.sub(r"(\.entry (\w+)\([^{]*\))(\s*\{)", lambda match: match.group(1) + (
            "\n.reqntid %d, %d, 1" % sizes[match.group(2)] if match.group(2) in sizes else "") +
            match.group(3), read(stem + ".ptx"))
        with open(stem + ".ptx", "w") as file:
            file.write(code)
        return {name: x * y for name, (x, y) in sizes.items()}

    def compile(self, source, options, stem, score):
        assembler, disassembler = self.tools()
        run(stem + ".clang.log", "clang-15", "-x", "cl", BASE, "-target",
            "nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", "sm_75", "-Xclang",
            "-finclude-default-header", "-O3", "-Xclang", "-mlink-bitcode-file", "-Xclang",
            "/usr/lib/clc/nvptx64--nvidiacl.bc", *options, "-S", source, "-o", stem + ".ptx")
        groups = self.fix_groups(source, options, stem)
        text = run(stem + ".log", assembler, "-arch=" + self.name, "-v", stem + ".ptx", "-o",
                   stem + ".cubin")
        code = run(stem + ".sass", disassembler, "-hex", "-c", stem + ".cubin") if score else ""
        for entry in text.split("Compiling entry function '")[1:]:
            def field(pattern, entry=entry):
                found = re.search(r"(\d+) " + pattern, entry)
                return int(found.group(1)) if found else 0
            name, registers, local = entry.split("'")[0], field("registers"), field("bytes smem")
            group = groups.get(name, GROUP)
            by_registers = 65536 // (32 * machines.up(max(registers, 1), 8))
            yield Kernel(name, registers, field("bytes spill stores") // 4,
                         field("bytes stack frame"), local,
                         occupancy(group, 32, self.threads // 32, by_registers, local,
                                   self.local_size),
                         score_of(self.name, name, lambda name=name: listing.nvidia_loop(
                             code, name), group, registers, local) if score else None)


class Intel:
    """A subslice has 16 vector engines. Each thread has 128 registers, used or not."""

    def __init__(self, name, threads):
        self.name, self.threads = name, threads  # threads: of one vector engine

    def present(self, score):
        return not score and shutil.which("ocloc") is not None

    def compile(self, source, options, stem, score):
        del score
        for old in glob.glob(stem + "_*.bin"):
            os.remove(old)
        text = run(stem + ".log", "ocloc", "compile", "-file", source, "-device", self.name,
                   "--format", "zebin", "-options", " ".join([BASE, *options]),
                   "-output", os.path.basename(stem), "-out_dir", os.path.dirname(stem))
        spilled = dict(re.findall(r"kernel (\w+) .*spilled around (\d+)", text))
        with open(glob.glob(stem + "_*.bin")[0], "rb") as file:
            info = elf_section(file.read(), b".ze_info").decode()
        kernels = info.split("kernels_misc_info:")[0].split("kernels:")[1]
        for entry in kernels.split("\n  - name: ")[1:]:
            def field(name, entry=entry):
                return sum(map(int, re.findall(name + r": +(\d+)", entry)))
            name, local, lanes = entry.split()[0], field("slm_size"), field("simd_size")
            if name.startswith("Intel_Symbol_Table"):
                continue  # the compiler's own
            group = GROUP
            fixed = re.search(r"required_work_group_size: +\[ *(\d+), *(\d+), *(\d+)", entry)
            if fixed:
                group = int(fixed.group(1)) * int(fixed.group(2)) * int(fixed.group(3))
            scratch = re.findall(r"- type: +scratch\s+usage: +\w+\s+size: +(\d+)", entry)
            yield Kernel(name, field("grf_count"), int(spilled.get(name, 0)),
                         sum(map(int, scratch)) // lanes, local,
                         occupancy(group, lanes, 16 * self.threads, 16 * self.threads, local,
                                   131072), None)


def elf_section(data, name):
    """The contents of a named section of a 64-bit little-endian ELF file."""
    start, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, start + i * size) for i in range(count)]
    for header in headers:
        at = headers[names][4] + header[0]
        if data[at:data.index(b"\0", at)] == name:
            return data[header[4]:header[4] + header[5]]
    raise CompilerError("the compiler's output has no section " + name.decode())


# Limits of the hardware, from the makers' documents on their architectures.
TARGETS = [Amd("gfx900", 4, 64, 10, 256, 4), Amd("gfx906", 4, 64, 10, 256, 4),
           Amd("gfx90a", 4, 64, 8, 512, 8, 9010), Amd("gfx942", 4, 64, 8, 512, 8, 9402),
           Amd("gfx1030", 2, 32, 16, 1024, 8), Amd("gfx1100", 2, 32, 16, 1536, 24, 11000),
           Amd("gfx1201", 2, 32, 16, 1536, 24, 12001), Nvidia("sm_75", 1024, 65536),
           Nvidia("sm_86", 1536, 102400), Nvidia("sm_90", 2048, 233472), Intel("tgllp", 7),
           Intel("dg2", 8)]
SAMPLE = ["gfx1030", "sm_75", "dg2"]
NOT_SCORED = {"sm_60": "its assembler's listing has another form", "tgllp": "no model of its "
              "pipeline", "dg2": "no model of its pipeline"}

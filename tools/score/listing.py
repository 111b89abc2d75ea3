# SPDX-License-Identifier: MIT
"""The main loop of a kernel, read from the final machine code: one turn of the outermost loop with
most multiply-adds, with its inner loops written out, as a list of operations for pipeline.py.

How often inner loops turn does not stand in the code. Loops with multiply-adds turn as often as it
takes to come to the kernel's known number of them; the turns of other loops, which fill local
memory, are known too (KERNELS).
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spec:
    """What the code does not say. macs: multiply-adds of a work-item in a turn of the main loop;
    depth: channels (for Gram matrices: positions) that a turn advances; stages: turns of the inner
    loops without multiply-adds; cold: what only paths contain that are not taken."""
    macs: int
    depth: int
    stages: tuple = ()
    cold: str = ""


# Tiles of products, 8 x 8 for each work-item and 8 rows at a time (cl/block.cl).
TILE = Spec(512, 8)
KERNELS = {name: TILE for name in (
    "winograd_products_32", "winograd_products_64", "winograd_products_128",
    "conv_1x1_32", "conv_1x1_32_masked", "conv_1x1_64", "conv_1x1_64_masked", "gram_tile",
    "style_tile")}
KERNELS["conv_3x3"] = Spec(2304, 4, (6, 5))
KERNELS["conv_few"] = Spec(144, 1)


class Unreadable(Exception):
    """The code has not the form that this module knows."""


@dataclass
class Block:
    """A basic block. head: the label of the header of its innermost loop, or None."""
    label: str
    code: list = field(default_factory=list)
    head: str = None
    parents: list = field(default_factory=list)  # (depth, label), of a header


@dataclass(frozen=True)
class Op:
    """kind: mac, vector, scalar, local, local_store, global, global_store, wait, barrier. clocks:
    that a vector instruction takes, where it is not usual; size: bytes of a work-item, or
    multiply-adds; global_left, local_left: a wait ends when so many loads at most are on their
    way; control: NVIDIA's stall, write and read barrier, and mask of barriers to wait for."""
    kind: str
    size: int = 0
    slow: bool = False
    global_left: int = None
    local_left: int = None
    control: tuple = None


# ---- AMD -----------------------------------------------------------------------------------------

def amd_blocks(text, name):
    """The blocks of a kernel in LLVM's assembly, whose comments tell the loops."""
    body = re.search(r"^%s:.*?\n(.*?)^\s*s_endpgm" % name, text, re.DOTALL | re.MULTILINE)
    if not body:
        raise Unreadable("no kernel " + name)
    blocks = [Block("entry")]
    for line in body.group(1).split("\n"):
        label = re.match(r"^\.L(BB\S+):(.*)", line) or re.match(r"^; %(bb\.\d+):(.*)", line)
        if label:
            blocks.append(Block(label.group(1)))
        block = blocks[-1]
        code, _, comment = line.partition(";")
        for parent, depth in re.findall(r"Parent Loop (BB\S+) Depth=(\d+)", comment):
            block.parents.append((int(depth), parent))
        if re.search(r"This (?:Inner )?Loop Header: Depth=", comment):
            block.head = block.label
        inside = re.search(r"in Loop: Header=(BB\S+) Depth=", comment)
        if inside:
            block.head = inside.group(1)
        if not label and code.strip() and not code.strip().startswith("."):
            block.code.append(code.strip())
        if not label and "wave barrier" in comment:
            block.code.append("s_nop")
    return blocks


def amd_op(code):
    name = code.replace(",", " ").split()[0]
    if name == "s_waitcnt":
        vm, lgkm = re.search(r"vmcnt\((\d+)\)", code), re.search(r"lgkmcnt\((\d+)\)", code)
        return (Op("wait", global_left=int(vm.group(1)) if vm else None,
                   local_left=int(lgkm.group(1)) if lgkm else None) if vm or lgkm else None)
    if name.startswith("s_waitcnt"):
        return None
    if name.startswith("s_wait_"):
        left = int(code.split()[1], 0)
        return {"s_wait_loadcnt_dscnt": Op("wait", global_left=left, local_left=left),
                "s_wait_loadcnt": Op("wait", global_left=left),
                "s_wait_dscnt": Op("wait", local_left=left)}.get(name)
    if name.startswith("s_barrier"):
        return None if name == "s_barrier_signal" else Op("barrier")
    if re.match(r"ds_(read|load|write|store)", name):
        width = (16 if re.search(r"b128|2(st64)?_b64|2addr(_stride64)?_b64", name) else
                 8 if re.search(r"b64|2(st64)?_b32|2addr(_stride64)?_b32", name) else 4)
        return Op("local" if re.match(r"ds_(read|load)", name) else "local_store", width)
    if re.match(r"(global|flat|buffer)_load", name):
        return Op("global")
    if re.match(r"(global|flat|buffer)_store", name):
        return Op("global_store")
    if name.startswith("v_"):
        macs = len(re.findall(r"v_(?:dual_)?(?:fma|fmac|pk_fma)_f32|v_dual_fmac_f32", code))
        slow = re.match(r"v_(mul_(lo|hi)_[ui]32|mad_[ui]64_[ui]32|rcp|rsq|sqrt|exp|log)", name)
        return Op("mac" if macs else "vector", 2 if name == "v_pk_fma_f32" else macs,
                  slow=bool(slow))
    return Op("scalar")


# ---- NVIDIA --------------------------------------------------------------------------------------

def nvidia_blocks(text, name):
    """The blocks of a kernel in nvdisasm's listing with control codes (-hex). A loop is what lies
    between the target of a backward branch and the branch."""
    body = re.search(r"^\.text\.%s:\n(.*?)(?=^\.text\.|^\s*\.section|\Z)" % name, text,
                     re.DOTALL | re.MULTILINE)
    if not body:
        raise Unreadable("no kernel " + name)
    blocks, lines = [Block("entry")], body.group(1).split("\n")
    for line, after in zip(lines, lines[1:] + [""]):
        label = re.match(r"^(\.L\S+):", line)
        if label:
            blocks.append(Block(label.group(1)))
        code = re.match(r"^\s*/\*[0-9a-f]{4,}\*/\s+(.*?);\s*/\* 0x[0-9a-f]{16} \*/", line)
        if code:
            high = re.search(r"/\* (0x[0-9a-f]{16}) \*/", after)
            bits = int(high.group(1), 16) >> 41 if high else 1
            blocks[-1].code.append((code.group(1).strip(), (
                bits & 15, bits >> 5 & 7, bits >> 8 & 7, bits >> 11 & 63)))
    places = {block.label: i for i, block in enumerate(blocks)}
    loops = {}
    for i, block in enumerate(blocks):
        for code, _ in block.code:
            target = re.search(r"\bBRA(?:\.\S+)? .*`\((\S+)\)", code)
            if target and places.get(target.group(1), i + 1) <= i:
                loops[places[target.group(1)]] = i
    for i, block in enumerate(blocks):
        around = [head for head in sorted(loops) if head <= i <= loops[head]]
        if around:
            block.head = blocks[around[-1]].label
            if around[-1] == i:
                block.parents = [(depth, blocks[head].label)
                                 for depth, head in enumerate(around[:-1])]
    return blocks


def nvidia_op(code, dead):
    text, control = code
    match = re.match(r"@(!?U?P\d+) (.*)", text)
    predicate, body = (match.group(1), match.group(2)) if match else (None, text)
    name = body.split()[0]
    width = 16 if ".128" in name else 8 if ".64" in name else 4
    kind = {"FFMA": "mac", "LDS": "local", "STS": "local_store", "LDG": "global",
            "STG": "global_store", "BAR": "barrier"}.get(name.split(".")[0], "vector")
    if predicate in dead and kind in ("local", "local_store", "global", "global_store"):
        kind = "vector"
    return Op(kind, 1 if kind == "mac" else width, control=control)


# ---- the loop ------------------------------------------------------------------------------------

class Loop:
    """The loops of a kernel."""

    def __init__(self, blocks, macs_of):
        self.blocks, self.macs_of = blocks, macs_of
        self.parent = {b.label: max(b.parents)[1] if b.parents else None
                       for b in blocks if b.head == b.label}

    def within(self, head, top):
        while head is not None and head != top:
            head = self.parent.get(head)
        return head == top

    def body(self, head):
        """Its own blocks, and the labels of the loops directly inside, in the code's order."""
        items = []
        for block in self.blocks:
            inner = block.head
            if inner == head:
                items.append(block)
            elif inner is not None and self.within(inner, head):
                while self.parent[inner] != head:
                    inner = self.parent[inner]
                if inner not in items:
                    items.append(inner)
        return items

    def macs(self, head):
        return sum(self.macs(i) if isinstance(i, str) else self.macs_of(i)
                   for i in self.body(head))

    def main(self):
        tops = [head for head, parent in self.parent.items() if parent is None]
        if not tops:
            raise Unreadable("no loop")
        return max(tops, key=self.macs)

    def write_out(self, head, macs, stages, cold):
        """The code of a turn with that number of multiply-adds. stages: a list that is used up."""
        items, code = self.body(head), []
        own = sum(self.macs_of(i) for i in items if not isinstance(i, str))
        inner = [i for i in items if isinstance(i, str) and self.macs(i)]
        for item in items:
            if not isinstance(item, str):
                code += [] if cold(item) else item.code
            elif item in inner:
                each, deeper = (macs - own) / len(inner), self.macs(item)
                nested = any(isinstance(i, str) for i in self.body(item))
                turns = 4 if nested else max(1, round(each / deeper))
                code += turns * self.write_out(item, each / turns, stages, cold)
            else:
                turns = stages.pop(0) if len(stages) > 1 else stages[0] if stages else 4
                code += turns * self.write_out(item, 0, stages, cold)
        return code


def is_cold(block, pattern, text_of):
    return bool(pattern) and any(re.search(pattern, text_of(code)) for code in block.code)


def amd_loop(text, name):
    """The operations of a turn of a kernel's main loop, and its multiply-adds."""
    spec = KERNELS[name]
    loop = Loop(amd_blocks(text, name), lambda block: sum(
        op.size for op in map(amd_op, block.code) if op and op.kind == "mac"))
    code = loop.write_out(loop.main(), spec.macs, list(spec.stages),
                          lambda block: is_cold(block, spec.cold, str))
    return [op for op in map(amd_op, code) if op]


def nvidia_loop(text, name):
    spec = KERNELS[name]
    loop = Loop(nvidia_blocks(text, name), lambda block: sum(
        nvidia_op(code, ()).kind == "mac" for code in block.code))
    code = loop.write_out(loop.main(), spec.macs, list(spec.stages), lambda block: False)
    dead = [match.group(1) for match in (re.match(r"@(!?U?P\d+) .*", text)
                                         for text, _ in code if spec.cold and
                                         re.search(spec.cold, text)) if match]
    return [nvidia_op(one, dead) for one in code]

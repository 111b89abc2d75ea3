# SPDX-License-Identifier: MIT
"""The tables of scores in cl/README.md: made, written, and held against what stands there."""

import re

from . import iteration, listing, machines

PLACE = "cl/README.md"
BEGIN, END = "<!-- tools/kernel-table --score -->", "<!-- end -->"
DROP = 2  # percent of the peak by which a share may not fall


def number(score):
    return "%d %% (%d)" % (round(100 * score.share), score.waves)


def kernels(scores):
    """scores: {kernel: {target: Score}}."""
    targets = [name for name in machines.MACHINES
               if any(name in row for row in scores.values())]
    lines = ["| kernel | bytes | " + " | ".join(targets) + " |",
             "|---|" + "---:|" * (1 + len(targets))]
    for kernel, row in sorted(scores.items()):
        local = max(score.local for score in row.values())
        lines.append("| `%s` | %.2f | %s |" % (kernel, local, " | ".join(
            number(row[name]) if name in row else "" for name in targets)))
    return lines


def iterations(lists, scores):
    """lists: (path, title). A card is left out if a kernel has no score on it."""
    lines = ["| iteration | launches | executed | " +
             " | ".join(card.name for card in machines.CARDS) + " |",
             "|---|" + "---:|" * (2 + len(machines.CARDS))]
    details = []
    for path, title in lists:
        launches, cells, ratio = iteration.read(path), [], 0
        for card in machines.CARDS:
            known = {kernel: row[card.target] for kernel, row in scores.items()
                     if card.target in row}
            if any(launch.kernel in listing.KERNELS and launch.kernel not in known
                   for launch in launches):
                cells.append("")
                continue
            result = iteration.Iteration(card, launches, known)
            ratio = result.macs / result.useful
            cells.append("%.1f ms, %d %%" % (1e3 * result.seconds, round(100 * result.share(card))))
            details.append("%s, %s: %s" % (title, card.name, ", ".join(
                "%s %.2f" % (kernel, 1e3 * seconds)
                for kernel, seconds in result.by.most_common(9))))
        lines.append("| %s | %d | %.2f | %s |" % (title, len(launches), ratio, " | ".join(cells)))
    return lines, details


def read_shares():
    """The shares in the table that stands in cl/README.md: {(kernel, target): percent}."""
    shares, targets = {}, []
    with open(PLACE, encoding="utf-8") as file:
        text = file.read()
    for line in text[text.find(BEGIN):text.find(END)].split("\n"):
        cells = [cell.strip() for cell in line.strip("| \n").split(" | ")]
        if line.startswith("| kernel "):
            targets = cells[2:]
        elif targets and line.startswith("| `"):
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            for target, cell in zip(targets, cells[2:]):
                if cell:
                    shares[cells[0].strip("`"), target] = int(cell.split()[0])
    return shares


def drops(scores):
    """What has fallen, or is missing, against the table."""
    found = []
    for (kernel, target), before in sorted(read_shares().items()):
        score = scores.get(kernel, {}).get(target)
        now = round(100 * score.share) if score else None
        if now is None:
            found.append("%s %s: %d %% before, not scored now" % (kernel, target, before))
        elif now <= before - DROP:
            found.append("%s %s: %d %% of the peak, %d %% before" % (kernel, target, now, before))
    return found


def write(lines):
    with open(PLACE, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(re.escape(BEGIN) + r".*?" + re.escape(END),
                  lambda _: BEGIN + "\n" + "\n".join(lines) + "\n" + END, text, flags=re.DOTALL)
    with open(PLACE, "w", encoding="utf-8") as file:
        file.write(text)

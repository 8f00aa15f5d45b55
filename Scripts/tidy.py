#!/usr/bin/env python3
"""The rules of the house that neither the compiler nor the formatter knows (CONTRIBUTING.md).

Prints one line per finding, `path:line: rule`, and exits 1 when there is any. With --sizes it prints the
lines of each target instead.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = [
    "Elements", "SIPSyntax", "SDP", "RTP", "Numbering", "SIP", "SRTP", "Directory", "Limits",
    "Guard", "Relay", "Switch", "Simulator",
]
WITH_README = ["SIPSyntax", "SIP", "Limits", "Guard", "Relay", "Switch", "Simulator", "Store", "Net"]
FILE_LINES = 500

# pattern -> why; below the line the cores get time, dice and bytes as arguments.
BELOW_THE_LINE = {
    r"^\s*(?:\w+\s+)*import\s+(Foundation|FoundationEssentials|Glibc|Dispatch|NIO\w*|GRDB|Logging|Synchronization)\b":
        "a core imports no clock, socket, thread or Foundation",
    r"\bTask\s*\{|\bTask\.detached|\basync\s+(?:throws\s+)?(?:->|\{)|\bawait\b": "a core never waits",
    r"\b(?:Date|UUID)\(\)|\bContinuousClock\b|\bSuspendingClock\b|\bSystemRandomNumberGenerator\(\)":
        "time and dice are arguments",
}
EVERYWHERE = {
    r"\btry!|\bas!|fatalError\(": "errors are values: no traps on input",
    r"\b(?:TODO|FIXME|XXX)\b|not implemented": "no unfinished marks",
    r"\bunowned\(unsafe\)|nonisolated\(unsafe\)": "no unchecked sharing",
}
EXCEPTIONS = {
    # A pointer of libcrypto that is looked up once and never written to.
    ("Sources/SIP/User/HashFunction.swift", "no unchecked sharing"),
}


def findings():
    for path in sorted(
            path for folder in ["Sources/*", "Tests", "Fuzzing"] for path in ROOT.glob(f"{folder}/**/*.swift")):
        name = str(path.relative_to(ROOT))
        target = name.split("/")[1]
        in_core = name.startswith("Sources/") and target in CORE
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            yield f"{name}:{len(lines)}: more than {FILE_LINES} lines: more than one subject"
        rules = dict(EVERYWHERE) if name.startswith("Sources/") else {
            r"\b(?:TODO|FIXME|XXX)\b": "no unfinished marks"}
        if in_core:
            rules |= BELOW_THE_LINE
        for number, line in enumerate(lines, 1):
            code = re.sub(r"//.*", "", line) if "//" in line and '"' not in line else line
            for pattern, why in rules.items():
                text = line if "unfinished" in why else code
                if re.search(pattern, text) and (name, why) not in EXCEPTIONS:
                    yield f"{name}:{number}: {why}"
        if in_core:
            yield from undocumented(name, lines)
    for target in WITH_README:
        readme = ROOT / "Sources" / target / "README.md"
        if not readme.exists() or len(readme.read_text().splitlines()) < 10:
            yield f"Sources/{target}: README.md with words and invariants is missing"
    yield from gate_doors()
    yield from protocols_without_tests()
    yield from guard_cases()


def undocumented(name, lines):
    """Every package type of a core has a documentation comment."""
    for number, line in enumerate(lines):
        if not re.match(r"^package\s+(?:final\s+|indirect\s+)?(?:struct|enum|class|protocol|actor)\s", line):
            continue
        above = number - 1
        while above >= 0 and re.match(r"^\s*@", lines[above]):
            above -= 1
        if above < 0 or not lines[above].lstrip().startswith("///"):
            yield f"{name}:{number + 1}: a package type without a documentation comment"


def gate_doors():
    """There is one door to a carrier: only one file of Switch may consume a TrunkPermit."""
    doors = [
        path for path in ROOT.glob("Sources/**/*.swift")
        if re.search(r"consuming\s+TrunkPermit", path.read_text())
    ]
    if len(doors) > 1:
        yield "more than one door to a carrier: " + ", ".join(str(d.relative_to(ROOT)) for d in doors)


def protocols_without_tests():
    """docs/protocols.md names a test for each RFC row, and that test file exists."""
    table = ROOT / "docs/protocols.md"
    if not table.exists():
        yield "docs/protocols.md is missing"
        return
    for number, line in enumerate(table.read_text().splitlines(), 1):
        if line.startswith("| RFC") and "Tests" not in line and "| not " not in line:
            if not line.startswith("| RFC |"):
                yield f"docs/protocols.md:{number}: a row without a test"


def guard_cases():
    """docs/guard-cases.md names for each case tests that carry its number in their names, and none that is not there."""
    names = {}
    for path in ROOT.glob("Tests/**/*.swift"):
        text = path.read_text()
        suites = [(m.start(), m[1]) for m in re.finditer(r"struct (\w+Tests)\b", text)]
        for test in re.finditer(r'@Test\(\s*"([^"]*)".*?func (\w+)', text, re.S):
            suite = [name for start, name in suites if start < test.start()][-1:]
            names[".".join(suite + [test[2]])] = test[1]
    table = (ROOT / "docs/guard-cases.md").read_text()
    rows = re.findall(r"^\| (F\d\d) \| .*? \| (.*) \|$", table, re.M)
    for case, tests in rows:
        found = re.findall(r"`([\w.]+)`", tests)
        if not found and not tests.startswith("not: "):
            yield f"docs/guard-cases.md: {case} has no test"
        for test in found:
            if not re.search(rf"\b{case}\b", names.get(test, "")):
                yield f"docs/guard-cases.md: there is no test {test} with {case} in its name"


def sizes():
    total = 0
    for target in sorted((ROOT / "Sources").iterdir()):
        count = sum(len(p.read_text().splitlines()) for p in target.rglob("*.swift"))
        total += count
        print(f"{count:7,}  {target.name}")
    print(f"{total:7,}  in all")


if __name__ == "__main__":
    if "--sizes" in sys.argv:
        sizes()
        sys.exit(0)
    found = list(findings())
    print("\n".join(found[:60]))
    if len(found) > 60:
        print(f"... and {len(found) - 60} more")
    sys.exit(1 if found else 0)

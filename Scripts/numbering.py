#!/usr/bin/env python3
"""Compiles libphonenumber's metadata into the table of the target CNumberingData.

    Scripts/numbering.py PhoneNumberMetadata.xml ShortNumberMetadata.xml

writes Sources/CNumberingData/table.c. Python 3, standard library only.

What comes out (the reader is Sources/Numbering/NumberingTable.swift):

* One acyclic automaton over digits, minimised by sharing equal states. A state is a label and ten edges.
  From the root it reads a whole E.164 number; the label of the state it ends in is region and class.
  Each region has two more roots: its short numbers, and the shape of its national numbers
  (libphonenumber's general description).
* For each region a small program (characters, splits, jumps, captures) for its international prefix, its
  national prefix, and the codes that choose a carrier or hide the caller's number.

The patterns of the metadata are a small part of the language of regular expressions: literals, classes,
groups, alternatives, `?` and `{n,m}`; each describes finitely many numbers, so that a plain recursion over
shared states decides everything and nothing is left of the expressions at run time.
"""
import re
import sys
import xml.etree.ElementTree as ET

MAXIMUM_DIGITS = 15  # E.164 §6.1

# DestinationClass.swift has the same numbers.
CLASSES = {
    "invalid": 0, "fixedLine": 1, "mobile": 2, "fixedOrMobile": 3, "tollFree": 4, "premiumRate": 5,
    "sharedCost": 6, "voip": 7, "personalNumber": 8, "pager": 9, "uan": 10, "voicemail": 11,
    "satellite": 12, "shortCode": 13, "emergency": 14,
}
# The order in which libphonenumber asks (PhoneNumberUtil::GetNumberTypeHelper).
TYPE_ORDER = ["premiumRate", "tollFree", "sharedCost", "voip", "personalNumber", "pager", "uan",
              "voicemail"]
# Satellite and international networks: the metadata calls them mobile or VoIP.
SATELLITE_CODES = {"870", "881", "882", "883"}
# Parts of a calling code's plan that are another country (the metadata has no territory for them):
# San Marino reached through Italy, and mobiles of the Isle of Man outside its leading digits.
FOREIGN_PARTS = [("39", "0549", "SM"), ("44", "7524", "IM"), ("44", "7924", "IM")]
# Emergency numbers that the metadata has as ordinary short numbers: police, ambulance, fire brigade and
# rescue by their national numbers beside 112.
EXTRA_EMERGENCY = {
    "ES": r"06[12]|08[058]|09[12]", "FR": r"11[459]|19[167]", "PL": r"98[457]", "IT": r"1530",
}
# Codes dialled in front to choose a carrier for one call; not in the metadata.
CARRIER_SELECTION = {
    "US": r"101\d{4}", "CA": r"101\d{4}", "DE": r"010(?:0\d\d|[1-9]\d)", "AT": r"10\d\d",
    "CH": r"107\d\d|108\d\d", "ES": r"10\d\d", "NL": r"16\d\d", "FR": r"16\d\d", "FI": r"10[01]\d\d",
}
# Codes dialled in front to hide (first) or show (second) the caller's number for one call.
WITHHOLD = {"GB": "141", "IE": "141", "ES": "067", "FR": "3651", "AU": "1831", "JP": "184",
            "HK": "133", "KR": "(?:155|269)", "PL": "67", "NZ": "0197"}
SHOW = {"GB": "1470", "IE": "142", "AU": "1832", "JP": "186", "HK": "1357", "NZ": "0196"}


# --- Patterns to trees -----------------------------------------------------------------------------

def parse(pattern):
    """A tree of ("set", mask) | ("cat", […]) | ("alt", […]) | ("rep", node, n, m) | ("group", node) | ("end",)."""
    text = re.sub(r"\s+", "", pattern)
    position = 0

    def alternatives():
        nonlocal position
        branches = [sequence()]
        while position < len(text) and text[position] == "|":
            position += 1
            branches.append(sequence())
        return branches[0] if len(branches) == 1 else ("alt", branches)

    def sequence():
        nonlocal position
        items = []
        while position < len(text) and text[position] not in "|)":
            items.append(repeated(atom()))
        return ("cat", items)

    def atom():
        nonlocal position
        character = text[position]
        if text.startswith("(?:", position):
            position += 3
            node = alternatives()
            assert text[position] == ")"
            position += 1
            return node
        if character == "(":
            position += 1
            node = ("group", alternatives())
            assert text[position] == ")"
            position += 1
            return node
        if character == "[":
            return ("set", bracket())
        if text.startswith("\\d", position):
            position += 2
            return ("set", 0x3FF)
        if character == "$":
            position += 1
            return ("end",)
        assert character.isdigit(), f"unexpected {character!r} in {text!r} at {position}"
        position += 1
        return ("set", 1 << int(character))

    def bracket():
        nonlocal position
        end = text.index("]", position)
        body, mask, index = text[position + 1:end], 0, 0
        position = end + 1
        while index < len(body):
            if body.startswith("\\d", index):
                mask |= 0x3FF
                index += 2
            elif index + 2 < len(body) and body[index + 1] == "-":
                for digit in range(int(body[index]), int(body[index + 2]) + 1):
                    mask |= 1 << digit
                index += 3
            else:
                mask |= 1 << int(body[index])
                index += 1
        return mask

    def repeated(node):
        nonlocal position
        if position < len(text) and text[position] == "?":
            position += 1
            return ("rep", node, 0, 1)
        if position < len(text) and text[position] == "{":
            end = text.index("}", position)
            bounds = text[position + 1:end].split(",")
            position = end + 1
            return ("rep", node, int(bounds[0]), int(bounds[-1]))
        assert position >= len(text) or text[position] not in "*+", f"unbounded: {text!r}"
        return node

    tree = alternatives()
    assert position == len(text), f"left over in {text!r} at {position}"
    return tree


# --- Trees to shared automata ----------------------------------------------------------------------
# A state is (label, ten children); numbers are handed out once for equal ones, so equality is `==`.

STATES, INDEX = [], {}


def state(label, children):
    key = (label, children)
    if key not in INDEX:
        INDEX[key] = len(STATES)
        STATES.append(key)
    return INDEX[key]


STATES.append((0, (0,) * 10))  # The dead state is its own child.
INDEX[STATES[0]] = 0
DEAD = 0
EPSILON = state(1, (DEAD,) * 10)
memo_union, memo_cat, memo_limit, memo_merge, memo_label = {}, {}, {}, {}, {}


def union(a, b):
    if a == DEAD or a == b:
        return b
    if b == DEAD:
        return a
    key = (min(a, b), max(a, b))
    if key not in memo_union:
        (la, ca), (lb, cb) = STATES[a], STATES[b]
        memo_union[key] = state(la | lb, tuple(union(x, y) for x, y in zip(ca, cb)))
    return memo_union[key]


def cat(a, b):
    if a == DEAD or b == DEAD:
        return DEAD
    if a == EPSILON:
        return b
    key = (a, b)
    if key not in memo_cat:
        label, children = STATES[a]
        rest = state(0, tuple(cat(child, b) for child in children))
        memo_cat[key] = union(rest, b) if label else rest
    return memo_cat[key]


def automaton(tree):
    kind = tree[0]
    if kind == "set":
        return state(0, tuple(EPSILON if tree[1] >> digit & 1 else DEAD for digit in range(10)))
    if kind == "cat":
        result = EPSILON
        for item in reversed(tree[1]):
            result = cat(automaton(item), result)
        return result
    if kind == "alt":
        result = DEAD
        for item in tree[1]:
            result = union(result, automaton(item))
        return result
    if kind == "rep":
        once, result = automaton(tree[1]), EPSILON
        for count in range(tree[3], 0, -1):
            result = cat(once, result)
            if count > tree[2]:
                result = union(result, EPSILON)
        return result
    assert kind == "group", kind
    return automaton(tree[1])


def limit(a, lengths, depth=0):
    """Only the numbers whose length is in `lengths`."""
    if a == DEAD or depth > max(lengths):
        return DEAD
    key = (a, lengths, depth)
    if key not in memo_limit:
        label, children = STATES[a]
        memo_limit[key] = state(
            label if depth in lengths else 0,
            tuple(limit(child, lengths, depth + 1) for child in children))
    return memo_limit[key]


def relabel(a, label):
    key = (a, label)
    if a != DEAD and key not in memo_label:
        old, children = STATES[a]
        memo_label[key] = state(label if old else 0, tuple(relabel(c, label) for c in children))
    return memo_label.get(key, DEAD)


def merge(first, second):
    """Labels of `first`, and where it has none those of `second`."""
    if first == DEAD or first == second:
        return second
    if second == DEAD:
        return first
    key = (first, second)
    if key not in memo_merge:
        (la, ca), (lb, cb) = STATES[first], STATES[second]
        memo_merge[key] = state(la or lb, tuple(merge(x, y) for x, y in zip(ca, cb)))
    return memo_merge[key]


def anything(digits):
    """Every string of up to `digits` digits."""
    result = EPSILON
    for _ in range(digits):
        result = state(1, (result,) * 10)
    return result


def possible_lengths(text):
    lengths = set()
    for part in re.sub(r"\s+", "", text).replace("[", "").replace("]", "").split(","):
        bounds = part.split("-")
        lengths.update(range(int(bounds[0]), int(bounds[-1]) + 1))
    return lengths


def description(territory, name):
    """The automaton and the lengths of one description, or None where the country has none."""
    element = territory.find(name)
    if element is None or element.find("nationalNumberPattern") is None:
        return None
    lengths = frozenset(possible_lengths(element.find("possibleLengths").get("national")))
    pattern = element.find("nationalNumberPattern").text
    return limit(automaton(parse(pattern)), lengths), lengths, re.sub(r"\s+", "", pattern)


# --- Programs for prefixes -------------------------------------------------------------------------
# Words of 16 bits: 0x0mmm any digit of the mask · 0x1ddd split: go on here, else ddd words further ·
# 0x2ddd jump ddd words further · 0x300n save position n · 0x4000 end of the number · 0x5000 match.

PROGRAMS, PROGRAM_INDEX = [0x5000], {}


def compile_tree(tree, captures):
    kind = tree[0]
    if kind == "set":
        return [tree[1]]
    if kind == "end":
        return [0x4000]
    if kind == "cat":
        return [word for item in tree[1] for word in compile_tree(item, captures)]
    if kind == "group":
        number = captures[0]
        captures[0] += 1
        return [0x3000 | 2 * number] + compile_tree(tree[1], captures) + [0x3001 | 2 * number]
    if kind == "rep":
        words = []
        body = compile_tree(tree[1], captures)
        for _ in range(tree[3] - tree[2]):  # Nested: each optional copy contains the rest.
            words = [0x1000 | len(body) + len(words) + 1] + body + words
        return body * tree[2] + words
    assert kind == "alt", kind
    branches = [compile_tree(item, captures) for item in tree[1]]
    words = branches[-1]
    for branch in reversed(branches[:-1]):
        words = ([0x1000 | len(branch) + 2] + branch + [0x2000 | len(words) + 1] + words)
    return words


def program(pattern):
    """The start of the program that matches `pattern` at the front of a number; 0 for none."""
    if not pattern:
        return 0
    pattern = re.sub(r"\s+", "", pattern)
    if pattern not in PROGRAM_INDEX:
        PROGRAM_INDEX[pattern] = len(PROGRAMS)
        words = compile_tree(parse(pattern), [1]) + [0x5000]
        assert all((word >> 12) not in (1, 2) or (word & 0xFFF) < 0xFFF for word in words)
        PROGRAMS.extend(words)
    return PROGRAM_INDEX[pattern]


# --- The world -------------------------------------------------------------------------------------

def region_code(identifier):
    return 0 if identifier == "001" else ord(identifier[0]) << 8 | ord(identifier[1])


def label_of(region_index, kind):
    return (region_index + 1) << 4 | CLASSES[kind]


def territory_numbers(territory, region_index):
    """The labelled automaton of one territory, and the shape of its numbers."""
    satellite = territory.get("countryCode") in SATELLITE_CODES
    parts = {}
    for name in TYPE_ORDER + ["fixedLine", "mobile"]:
        found = description(territory, name)
        if found:
            parts[name] = found
    # The general description's lengths are those of all the parts together.
    lengths = frozenset().union(*(part[1] for part in parts.values()))
    general = limit(
        automaton(parse(territory.find("generalDesc/nationalNumberPattern").text)), lengths)
    result = DEAD
    for name in TYPE_ORDER:
        if name in parts:
            kind = "satellite" if satellite else name
            result = merge(result, relabel(parts[name][0], label_of(region_index, kind)))
    fixed, mobile = parts.get("fixedLine"), parts.get("mobile")
    if fixed and mobile:
        both = intersect(fixed[0], mobile[0])
        result = merge(result, relabel(both, label_of(region_index, "fixedOrMobile")))
    if fixed:
        result = merge(result, relabel(fixed[0], label_of(region_index, "fixedLine")))
    if mobile:
        kind = "satellite" if satellite else "mobile"
        result = merge(result, relabel(mobile[0], label_of(region_index, kind)))
    return mask(result, general), general


memo_intersect, memo_mask = {}, {}


def intersect(a, b):
    if a == DEAD or b == DEAD:
        return DEAD
    key = (a, b)
    if key not in memo_intersect:
        (la, ca), (lb, cb) = STATES[a], STATES[b]
        memo_intersect[key] = state(la & lb, tuple(intersect(x, y) for x, y in zip(ca, cb)))
    return memo_intersect[key]


def mask(a, shape):
    """The labels of `a` where `shape` accepts."""
    if a == DEAD or shape == DEAD:
        return DEAD
    key = (a, shape)
    if key not in memo_mask:
        (la, ca), (ls, cs) = STATES[a], STATES[shape]
        memo_mask[key] = state(la if ls else 0, tuple(mask(x, y) for x, y in zip(ca, cs)))
    return memo_mask[key]


def calling_code_numbers(members):
    """One automaton for all territories of a calling code; the first that claims a number has it
    (PhoneNumberUtil::GetRegionCodeForNumberFromRegionList)."""
    result = DEAD
    for territory, numbers, region_index in members:
        leading = territory.get("leadingDigits")
        if leading:
            claimed = cat(automaton(parse(leading)), anything(MAXIMUM_DIGITS))
            numbers = merge(numbers, relabel(claimed, label_of(region_index, "invalid")))
            numbers = mask(numbers, claimed)
        result = merge(result, numbers)
    return result


memo_foreign = {}


def foreign_part(numbers, digits, region_index):
    """Gives everything of `numbers` behind `digits` to another region."""
    if numbers == DEAD:
        return DEAD
    key = (numbers, digits, region_index)
    if key not in memo_foreign:
        label, children = STATES[numbers]
        if digits:
            memo_foreign[key] = state(label, tuple(
                foreign_part(child, digits[1:], region_index) if digit == int(digits[0]) else child
                for digit, child in enumerate(children)))
        else:
            memo_foreign[key] = state(
                (region_index + 1) << 4 | label & 15 if label else 0,
                tuple(foreign_part(child, "", region_index) for child in children))
    return memo_foreign[key]


def short_numbers(territory, region_index):
    """Labels by what matters first: an emergency number, then what it costs."""
    result = DEAD
    extra = EXTRA_EMERGENCY.get(territory.get("id"))
    if extra:
        result = relabel(automaton(parse(extra)), label_of(region_index, "emergency"))
    for name, kind in [("emergency", "emergency"), ("premiumRate", "premiumRate"),
                       ("standardRate", "shortCode"), ("tollFree", "tollFree"),
                       ("shortCode", "shortCode")]:
        found = description(territory, name)
        if found:
            result = merge(result, relabel(found[0], label_of(region_index, kind)))
    return result


def literal_prefix(territory):
    preferred = territory.get("preferredInternationalPrefix") or territory.get("internationalPrefix")
    if preferred:
        # "8~10": wait for a tone behind the 8, and go on.
        digits = preferred.replace("~", "")
        if digits.isdigit():
            return digits
    return "00"


def transform_words(rule):
    """Digits 0…9, and 16 + n for what group n captured."""
    words, index = [], 0
    while index < len(rule or ""):
        if rule[index] == "$":
            words.append(16 + int(rule[index + 1]))
            index += 2
        else:
            words.append(int(rule[index]))
            index += 1
    return words


def table(roots):
    """Numbers the states that `roots` reach, and packs their edges."""
    order, numbers = [], {}
    pending = list(dict.fromkeys([DEAD] + roots))
    for root in pending:
        numbers[root] = len(order)
        order.append(root)
    position = 0
    while position < len(order):
        for child in STATES[order[position]][1]:
            if child not in numbers:
                numbers[child] = len(order)
                order.append(child)
        position += 1
    assert len(order) < 1 << 16, len(order)

    # Rows: equal sets of children are one row; a state is a label and a row.
    rows, row_index, cells = [], {}, []
    for identifier in order:
        label, children = STATES[identifier]
        row = tuple(numbers[child] for child in children)
        if row not in row_index:
            row_index[row] = len(rows)
            rows.append(row)
        cells.append((label, row_index[row]))
    # Edges: the same child follows for runs of digits, so a row is a mask of the digits where the
    # child changes, and the children in order.
    masks, starts, edges, edge_index = [], [], [], {}
    for row in rows:
        changes, packed = 0, []
        for digit in range(10):
            if digit == 0 or row[digit] != row[digit - 1]:
                changes |= 1 << digit
                packed.append(row[digit])
        key = tuple(packed)
        if key not in edge_index:
            edge_index[key] = len(edges)
            edges.extend(packed)
        masks.append(changes)
        starts.append(edge_index[key])
    assert len(edges) < 1 << 24
    return numbers, cells, masks, starts, edges


def array(kind, name, values):
    lines, line = [], ""
    for value in values:
        item = f"{value},"
        if len(line) + len(item) > 110:
            lines.append(line)
            line = ""
        line += item
    lines.append(line)
    return f"const {kind} {name}[{len(values)}] = {{\n" + "\n".join(lines) + "\n};\n\n"


def main():
    phone, short = (ET.parse(path).getroot() for path in sys.argv[1:3])
    territories = list(phone.iter("territory"))
    shorts = {territory.get("id"): territory for territory in short.iter("territory")}
    names = sorted({territory.get("id") for territory in territories} - {"001"})
    index = {name: number for number, name in enumerate(["001"] + names)}

    by_code, general_roots = {}, {}
    for territory in territories:
        region_index = index[territory.get("id")]
        numbers, general = territory_numbers(territory, region_index)
        general_roots.setdefault(territory.get("id"), general)
        members = by_code.setdefault(territory.get("countryCode"), [])
        entry = (territory, numbers, region_index)
        if territory.get("mainCountryForCode") == "true":
            members.insert(0, entry)
        else:
            members.append(entry)

    world = DEAD
    for code in sorted(by_code):
        numbers = calling_code_numbers(by_code[code])
        for calling_code, digits, name in FOREIGN_PARTS:
            if calling_code == code:
                numbers = foreign_part(numbers, digits, index[name])
        # The label of the calling code itself: its main region, no class.
        label, children = STATES[numbers]
        numbers = state(label_of(by_code[code][0][2], "invalid"), children)
        for digit in reversed(code):
            numbers = state(0, tuple(numbers if int(digit) == d else DEAD for d in range(10)))
        world = merge(world, numbers)
    world = limit(world, frozenset(range(MAXIMUM_DIGITS + 1)))

    main_territory = {territory.get("id"): territory for territory in territories
                      if territory.get("id") != "001"}
    short_roots = {name: short_numbers(shorts[name], index[name]) if name in shorts else DEAD
                   for name in names}
    roots = [world] + list(short_roots.values()) + [general_roots[name] for name in names]
    numbers, cells, masks, starts, edges = table(roots)

    transforms, fields = [], []
    for name in ["001"] + names:
        territory = main_territory.get(name)
        if territory is None:
            fields.append((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
            continue
        rule = transform_words(territory.get("nationalPrefixTransformRule"))
        start = len(transforms)
        transforms.extend(rule)
        national = territory.get("nationalPrefix") or ""
        prefix = literal_prefix(territory)
        parsing = territory.get("nationalPrefixForParsing") or national
        fields.append((
            region_code(name), int(territory.get("countryCode")), numbers[short_roots[name]],
            numbers[general_roots[name]], program(territory.get("internationalPrefix")),
            program(parsing), start, len(rule),
            int("1" + national) if national else 0, int("1" + prefix),
            program(CARRIER_SELECTION.get(name)), program(WITHHOLD.get(name)),
            program(SHOW.get(name))))
    print(f"{len(cells)} states, {len(edges)} edges, {len(PROGRAMS)} words of programs, "
          f"{len(fields)} regions", file=sys.stderr)

    with open("Sources/CNumberingData/table.c", "w", encoding="ascii") as out:
        out.write(
            "// Generated by Scripts/numbering.py from libphonenumber's metadata; do not edit.\n"
            "// The metadata is Copyright (C) 2009 The Libphonenumber Authors, Apache License 2.0:\n"
            "// see NOTICE beside this file.\n\n#include \"CNumberingData.h\"\n\n")
        out.write(f"const uint32_t numbering_root = {numbers[world]};\n")
        out.write(f"const uint32_t numbering_state_count = {len(cells)};\n")
        out.write(f"const uint32_t numbering_region_count = {len(fields)};\n")
        out.write(f"const uint32_t numbering_program_count = {len(PROGRAMS)};\n")
        out.write(f"const uint32_t numbering_transform_count = {len(transforms)};\n\n")
        out.write(array("uint16_t", "numbering_labels", [cell[0] for cell in cells]))
        out.write(array("uint16_t", "numbering_rows", [cell[1] for cell in cells]))
        out.write(array("uint16_t", "numbering_masks", masks))
        out.write(array("uint32_t", "numbering_starts", starts))
        out.write(array("uint16_t", "numbering_edges", edges))
        out.write(array("uint16_t", "numbering_programs", PROGRAMS))
        out.write(array("uint8_t", "numbering_transforms", transforms or [0]))
        out.write(f"const numbering_region numbering_regions[{len(fields)}] = {{\n")
        for field in fields:
            out.write("  {" + ", ".join(str(value) for value in field) + "},\n")
        out.write("};\n")


sys.setrecursionlimit(100_000)
main()

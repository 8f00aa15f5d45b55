#!/usr/bin/env python3
"""Classifies random numbers with the patterns of libphonenumber's metadata, one regular expression after the
other: a slow second opinion on the compiled table (Scripts/numbering.py), sharing no code with it.

    Scripts/numbering_oracle.py PhoneNumberMetadata.xml COUNT SEED > Tests/Fixtures/numbering/random.tsv
"""
import random
import re
import sys
import xml.etree.ElementTree as ET

ORDER = ["premiumRate", "tollFree", "sharedCost", "voip", "personalNumber", "pager", "uan", "voicemail"]


def lengths(text):
    found = set()
    for part in text.replace("[", "").replace("]", "").split(","):
        first, _, last = part.strip().partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


class Territory:
    def __init__(self, element):
        self.name, self.code = element.get("id"), element.get("countryCode")
        self.main = element.get("mainCountryForCode") == "true"
        leading = element.get("leadingDigits")
        self.leading = re.compile(leading and re.sub(r"\s", "", leading)) if leading else None
        self.general = self.pattern(element.find("generalDesc"))
        self.kinds = {}
        for kind in ORDER + ["fixedLine", "mobile"]:
            part = element.find(kind)
            if part is not None and part.find("nationalNumberPattern") is not None:
                self.kinds[kind] = (
                    lengths(part.find("possibleLengths").get("national")), self.pattern(part))
        self.examples = [part.text.strip() for part in element.iter("exampleNumber")]

    @staticmethod
    def pattern(element):
        return re.compile(re.sub(r"\s", "", element.find("nationalNumberPattern").text))

    def is_kind(self, kind, number):
        if kind not in self.kinds:
            return False
        possible, pattern = self.kinds[kind]
        return len(number) in possible and pattern.fullmatch(number) is not None

    def kind(self, number):
        if not any(len(number) in possible for possible, _ in self.kinds.values()):
            return "unknown"
        if not self.general.fullmatch(number):
            return "unknown"
        for kind in ORDER:
            if self.is_kind(kind, number):
                return kind
        if self.is_kind("fixedLine", number):
            return "fixedOrMobile" if self.is_kind("mobile", number) else "fixedLine"
        return "mobile" if self.is_kind("mobile", number) else "unknown"


def classify(members, number):
    for territory in members:
        if territory.leading:
            if territory.leading.match(number):
                return territory.name, territory.kind(number)
        elif territory.kind(number) != "unknown":
            return territory.name, territory.kind(number)
    return members[0].name, "unknown"


def main():
    root = ET.parse(sys.argv[1]).getroot()
    dice = random.Random(int(sys.argv[3]))
    by_code, everything = {}, []
    for element in root.iter("territory"):
        territory = Territory(element)
        everything.append(territory)
        by_code.setdefault(territory.code, []).append(territory)
    for members in by_code.values():
        members.sort(key=lambda territory: not territory.main)
    print("e164\tregion\ttype")
    seen = set()
    while len(seen) < int(sys.argv[2]):
        territory = dice.choice(everything)
        # An example with some of its last digits thrown again, or cut, or prolonged.
        digits = list(dice.choice(territory.examples or ["123456789"]))
        for index in range(dice.randrange(len(digits)), len(digits)):
            digits[index] = str(dice.randrange(10))
        change = dice.randrange(10)
        if change == 0:
            digits.append(str(dice.randrange(10)))
        elif change == 1 and len(digits) > 4:
            digits.pop()
        number = "".join(digits)
        if len(territory.code + number) > 15 or territory.code + number in seen:
            continue
        seen.add(territory.code + number)
        region, kind = classify(by_code[territory.code], number)
        print(f"+{territory.code}{number}\t{region}\t{kind}")


main()

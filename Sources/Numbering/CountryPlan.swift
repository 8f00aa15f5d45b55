import CNumberingData

/// How numbers are dialled in one country: prefixes, short and emergency numbers.
package struct CountryPlan: Hashable, Sendable {
  package let region: Region
  /// One to three digits: 34, 1, 351.
  package let callingCode: DigitString
  /// Dialled before a national number: 0 in Germany, 1 in North America; empty in Spain.
  package let nationalPrefix: DigitString
  /// Dialled before a number of another country: 00, 011.
  package let internationalPrefix: DigitString
  let shortRoot: NumberingTable.State
  let generalRoot: NumberingTable.State
  let internationalPattern: PrefixPattern
  let nationalPattern: PrefixPattern
  let nationalTransform: Range<Int>
  let carrierPattern: PrefixPattern
  let withholdPattern: PrefixPattern
  let showPattern: PrefixPattern

  /// Nil for a region that no numbering plan knows.
  package init?(_ region: Region) {
    guard region != .world, let entry = CountryPlan.entry(of: region),
      let callingCode = DigitString(String(entry.calling_code))
    else { return nil }
    self.region = region
    self.callingCode = callingCode
    nationalPrefix = CountryPlan.digits(entry.national_prefix)
    internationalPrefix = CountryPlan.digits(entry.international_prefix)
    shortRoot = NumberingTable.State(entry.short_root)
    generalRoot = NumberingTable.State(entry.general_root)
    internationalPattern = PrefixPattern(start: Int(entry.international_program))
    nationalPattern = PrefixPattern(start: Int(entry.national_program))
    let start = Int(entry.transform_start)
    nationalTransform = start..<start + Int(entry.transform_count)
    carrierPattern = PrefixPattern(start: Int(entry.carrier_program))
    withholdPattern = PrefixPattern(start: Int(entry.withhold_program))
    showPattern = PrefixPattern(start: Int(entry.show_program))
  }

  /// Every region with a plan, in order of its letters.
  package static var allRegions: [Region] {
    (1..<numbering_region_count).map { Region(code: numbering_region_at($0).region) }
  }

  /// True for exactly an emergency number of the country; one digit more is another number (guard F33).
  package func isEmergency(_ digits: DigitString) -> Bool {
    NumberingTable.facts(from: shortRoot, digits)?.kind == .emergency
  }

  /// The class of a short number of the country; nil when it is none.
  ///
  /// Emergency numbers are `.emergency`.
  package func shortNumber(_ digits: DigitString) -> DestinationClass? {
    NumberingTable.facts(from: shortRoot, digits)?.kind
  }

  /// The emergency numbers of the country, ascending.
  package var emergencyNumbers: [DigitString] {
    var found: [DigitString] = []
    var pending = [(state: shortRoot, digits: DigitString.empty)]
    while let (state, digits) = pending.popLast() {
      if NumberingTable.facts(at: state)?.kind == .emergency { found.append(digits) }
      for digit in UInt8(0)...9 {
        let next = NumberingTable.next(state, digit)
        if next != NumberingTable.dead, let longer = digits.appending(digit) {
          pending.append((next, longer))
        }
      }
    }
    return found.sorted()
  }

  /// The emergency number that a landline of the country is told to call; nil where none is known.
  ///
  /// Where several are listed, the country's own goes before 112, which some answer from mobiles only.
  package var mainEmergencyNumber: DigitString? {
    let own = callingCode == DigitString("1") ? ["911"] : ["000", "111"]
    let usual = (own + ["112", "911", "999"]).compactMap { DigitString($0) }
    return usual.first { isEmergency($0) } ?? emergencyNumbers.first
  }

  /// The regions stand in the table in order of their letters, behind the world.
  private static func entry(of region: Region) -> numbering_region? {
    var (low, high) = (UInt32(1), numbering_region_count)
    while low < high {
      let middle = (low + high) / 2
      let entry = numbering_region_at(middle)
      if entry.region == region.code { return entry }
      if entry.region < region.code { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// The table writes prefixes as a 1 and then the digits, to keep zeros in front.
  private static func digits(_ value: UInt32) -> DigitString {
    value == 0 ? .empty : DigitString(String(value).dropFirst()) ?? .empty
  }
}

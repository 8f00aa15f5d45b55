/// What the numbering plans of the world say about a number.
package struct NumberFacts: Hashable, Sendable {
  package let kind: DestinationClass
  /// The country or territory; for an invalid number the main one of its calling code, or the world.
  package let region: Region

  package init(kind: DestinationClass, region: Region) {
    (self.kind, self.region) = (kind, region)
  }
}

extension PhoneNumber {
  /// Class and country by the compiled tables: one walk over the digits, no allocation.
  package var facts: NumberFacts { NumberingTable.facts(of: digits) }

  /// True for another country, or a number of no country.
  ///
  /// Regions within one calling code are countries of their own here (+1 809, +44 1481, +7 7…),
  /// except that free numbers of a shared plan are at home everywhere in it.
  package func isInternational(from home: CountryPlan, facts: NumberFacts) -> Bool {
    guard digits.hasPrefix(home.callingCode) else { return true }
    return facts.region != home.region && facts.kind != .tollFree && facts.kind != .invalid
  }
}

extension PhoneNumber {
  /// How many digits the calling code has, and the main region of its plan; no digits where none begins so.
  package var callingCode: (length: Int, main: Region) {
    NumberingTable.callingCode(digits.count) { digits[$0] } ?? (0, .world)
  }
}

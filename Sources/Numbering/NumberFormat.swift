/// How a trunk writes numbers, in both directions.
package enum NumberFormat: String, Hashable, Sendable, CaseIterable {
  /// +34976111222
  case plus
  /// 34976111222
  case e164
  /// 0034976111222, with the international prefix of the trunk's country, for every number.
  case international
  /// As dialled in the trunk's country: 976111222 or 02079460000 at home, 0044… elsewhere.
  case national

  /// The digits to put into the user part of an URI, without `tel:` or parameters.
  package func write(_ number: PhoneNumber, in country: CountryPlan) -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .plus:
      bytes.append(UInt8(ascii: "+"))
      number.digits.write(into: &bytes)
    case .e164:
      number.digits.write(into: &bytes)
    case .international:
      country.internationalPrefix.write(into: &bytes)
      number.digits.write(into: &bytes)
    case .national:
      if number.digits.hasPrefix(country.callingCode) {
        country.nationalPrefix.write(into: &bytes)
        number.digits.dropFirst(country.callingCode.count).write(into: &bytes)
      } else {
        country.internationalPrefix.write(into: &bytes)
        number.digits.write(into: &bytes)
      }
    }
    return bytes
  }

  /// Reads a number that the carrier sent in this format; a leading `+` is understood in every format.
  ///
  /// Nil when no number comes out (a withheld caller, a name).
  package func read(_ bytes: Span<UInt8>, in country: CountryPlan) -> PhoneNumber? {
    guard let keys = try? DialledKeys(parsing: bytes), !keys.isEmpty else { return nil }
    if keys.isGlobal || self == .plus || self == .e164 {
      return keys.digits.flatMap { PhoneNumber(digits: $0) }
    }
    return country.normalForm(of: keys)
  }

  /// Reads the number of a caller; nil for one to be shown as it came.
  ///
  /// Carriers pass on what they get, in whichever way it is written. Without a plus sign or an international
  /// prefix digits become a number only where that number exists: as national ones of `country`, or behind their
  /// calling code where that is the format.
  package func readCaller(_ bytes: Span<UInt8>, in country: CountryPlan) -> PhoneNumber? {
    guard let keys = try? DialledKeys(parsing: bytes), !keys.isEmpty else { return nil }
    if keys.isGlobal { return keys.digits.flatMap { PhoneNumber(digits: $0) } }
    if country.beginsInternationally(keys) { return country.normalForm(of: keys) }
    let whole = self == .e164 ? keys.digits.flatMap { PhoneNumber(digits: $0) } : nil
    return [whole, country.normalForm(of: keys)].compactMap { $0 }
      .first { $0.facts.kind != .invalid }
  }
}

/// How the phones of one tenant dial: the country's rules and the tenant's own.
package struct DialPlan: Hashable, Sendable {
  package let country: CountryPlan
  /// Dialled for a line to the outside, such as 0 or 9; nil where one dials straight.
  ///
  /// With one set, what does not begin with it is an inside number, unless it has a plus sign or is
  /// an emergency number.
  package let outsideLine: DigitString?
  /// Emergency numbers beside those of the country, for a site with a guard room of its own.
  package let extraEmergency: Set<DigitString>

  package init(
    country: CountryPlan, outsideLine: DigitString? = nil, extraEmergency: Set<DigitString> = []
  ) {
    (self.country, self.outsideLine, self.extraEmergency) = (country, outsideLine, extraEmergency)
  }

  /// What a dialled string means; `bytes` are the user part of a SIP URI or what follows `tel:`, escaped or
  /// not, parameters included.
  package func resolve(_ bytes: Span<UInt8>) -> Dialling {
    do {
      return try resolve(DialledKeys(parsing: bytes))
    } catch {
      return .invalid(error)
    }
  }

  private func resolve(_ dialled: DialledKeys) throws(DiallingError) -> Dialling {
    guard !dialled.isEmpty else { throw .empty }
    var (keys, presentation) = withoutServiceCode(dialled)
    // "0 +44…": an outside line, and then what needs none.
    if let outsideLine, keys.starts(with: outsideLine), keys.dropFirst(outsideLine.count).isGlobal {
      keys = keys.dropFirst(outsideLine.count)
    }
    guard keys.isGlobal || keys.isDigits else {
      guard !keys.contains({ $0 == DialledKeys.plus }), let digits = keys.digits else {
        throw .notANumber
      }
      return .inside(digits, presentation)
    }
    // 112 is a call for help in whatever context a phone puts it (RFC 3966 §5.1.5).
    if let local = dialled.withoutContext, let emergency = emergencyBehindLine(local) {
      return .emergency(emergency)
    }
    if keys.isGlobal { return outside(keys, presentation) }
    if let emergency = emergency(keys) { return .emergency(emergency) }
    guard let outsideLine else { return outside(keys, presentation) }
    guard keys.starts(with: outsideLine), keys.count > outsideLine.count else {
      guard let digits = keys.digits else { throw .tooLong }
      return .inside(digits, presentation)
    }
    let rest = keys.dropFirst(outsideLine.count)
    if let emergency = emergency(rest) { return .emergency(emergency) }
    return outside(rest, presentation)
  }

  /// True for exactly an emergency number here.
  package func isEmergency(_ digits: DigitString) -> Bool {
    country.isEmergency(digits) || extraEmergency.contains(digits)
  }

  private func emergency(_ keys: DialledKeys) -> DigitString? {
    keys.digits.flatMap { isEmergency($0) ? $0 : nil }
  }

  /// An emergency number, dialled with the outside line or without.
  private func emergencyBehindLine(_ keys: DialledKeys) -> DigitString? {
    if let found = emergency(keys) { return found }
    guard let outsideLine, keys.starts(with: outsideLine) else { return nil }
    return emergency(keys.dropFirst(outsideLine.count))
  }

  /// The number that a call for help goes to which names none (RFC 5031); nil where the country has none.
  package var mainEmergencyNumber: DigitString? {
    country.mainEmergencyNumber ?? extraEmergency.sorted().first
  }

  /// A short number, a number of the world, or digits that are neither.
  private func outside(_ keys: DialledKeys, _ presentation: Presentation) -> Dialling {
    if let short = shortNumber(keys, presentation) { return .outside(short) }
    let first = number(keys, presentation)
    if let first, first.kind != .invalid { return .outside(first) }
    if let second = behindCode(keys, presentation) { return .outside(second) }
    // A few digits that are no number of the country are a wrong extension.
    if !keys.isGlobal, keys.count <= Self.longestExtension, let digits = keys.digits {
      return .inside(digits, presentation)
    }
    return first.map(Dialling.outside) ?? .invalid(.notANumber)
  }

  /// Digits of the longest extension that may be meant by a number in no plan.
  private static let longestExtension = 6

  private func number(_ keys: DialledKeys, _ presentation: Presentation) -> OutsideNumber? {
    guard let number = country.normalForm(of: keys) else { return nil }
    let facts = number.facts
    return OutsideNumber(
      number: number, kind: facts.kind, region: facts.region,
      isInternational: number.isInternational(from: country, facts: facts),
      presentation: presentation)
  }

  private func shortNumber(_ keys: DialledKeys, _ presentation: Presentation) -> OutsideNumber? {
    guard !keys.isGlobal, let digits = keys.digits, let kind = country.shortNumber(digits),
      let key = keys.behind(country.callingCode)?.digits, let number = PhoneNumber(digits: key)
    else { return nil }
    return OutsideNumber(
      number: number, shortCode: digits, kind: kind, region: country.region,
      isInternational: false, presentation: presentation)
  }

  /// The number behind a code of digits that chooses a carrier or hides the caller: "141 020 7946…".
  ///
  /// Tried only where the whole is no number, and taken only where the rest is one.
  private func behindCode(_ keys: DialledKeys, _ presentation: Presentation) -> OutsideNumber? {
    guard keys.isDigits else { return nil }
    let codes: [(PrefixPattern, Presentation)] = [
      (country.showPattern, .shown), (country.withholdPattern, .withheld),
      (country.carrierPattern, presentation),
    ]
    for (pattern, asked) in codes {
      guard let match = pattern.match(keys, from: 0), match.length < keys.count else { continue }
      let rest = keys.dropFirst(match.length)
      if let found = number(rest, asked), found.kind != .invalid { return found }
    }
    return nil
  }

  /// Codes with `*` or `#` that hide or show the caller's number: `*67`, `*82` (North America), `#31#`, `*31#`
  /// (ETSI, GSM).
  private func withoutServiceCode(_ keys: DialledKeys) -> (DialledKeys, Presentation) {
    let codes: [(code: [UInt8], asked: Presentation)] = [
      ([10, 6, 7], .withheld), ([10, 8, 2], .shown), ([11, 3, 1, 11], .withheld),
      ([10, 3, 1, 11], .shown), ([10, 3, 1, 10], .withheld),
    ]
    for (code, asked) in codes where keys.count > code.count {
      if code.indices.allSatisfy({ keys[$0] == code[$0] }) {
        return (keys.dropFirst(code.count), asked)
      }
    }
    return (keys, .asConfigured)
  }
}

/// What a dialled string means in the dial plan of a tenant, all disguises undone.
package enum Dialling: Hashable, Sendable {
  /// An emergency number of the country, exactly; it goes out as these digits.
  case emergency(DigitString)
  /// Not for the outside: an extension if there is one, or a service code such as `*98`.
  case inside(DigitString, Presentation)
  case outside(OutsideNumber)
  case invalid(DiallingError)
}

/// A number outside the system that a call would go to.
package struct OutsideNumber: Hashable, Sendable {
  /// The normal form: what rates, policies, limits and records look at.
  package let number: PhoneNumber
  /// Set for a short number of the country; it goes out as these digits.
  package let shortCode: DigitString?
  /// Never `.emergency`.
  package let kind: DestinationClass
  package let region: Region
  /// Seen from the country of the dial plan: another country, or a number of no country.
  package let isInternational: Bool
  /// What the caller asked for by a code in front, such as `#31#`.
  package let presentation: Presentation

  package init(
    number: PhoneNumber, shortCode: DigitString? = nil, kind: DestinationClass, region: Region,
    isInternational: Bool, presentation: Presentation = .asConfigured
  ) {
    (self.number, self.shortCode, self.kind) = (number, shortCode, kind)
    (self.region, self.isInternational) = (region, isInternational)
    self.presentation = presentation
  }
}

/// Whether the caller's number may be shown for this call.
package enum Presentation: UInt8, Hashable, Sendable {
  case asConfigured, withheld, shown
}

/// Why a dialled string is no number at all; a number in no plan is ``DestinationClass/invalid`` instead.
package enum DiallingError: Error, Hashable, Sendable, CustomStringConvertible {
  case empty
  /// Letters without digits, control characters, broken escapes: a name, or noise.
  case notANumber
  case tooLong

  package var description: String {
    switch self {
    case .empty: "no number was dialled"
    case .notANumber: "what was dialled is not a telephone number"
    case .tooLong: "the number is longer than any number of the world"
    }
  }
}

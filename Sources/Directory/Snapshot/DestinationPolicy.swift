package import Numbering

/// Which numbers an extension may call, decided on the normal form after all rewriting.
///
/// The longest matching prefix of the lists wins, a denial where both are as long; then a country; then the
/// class and whether it is abroad. What opens a country does not open its premium numbers: a prefix opens a
/// closed class only when it is longer than the calling code, or the code of no country (+882). What the nearest level
/// closes stays closed, whatever one above it opens.
package struct DestinationPolicy: Hashable, Sendable {
  private var openClasses: Set<DestinationClass>
  private var international: Bool
  private var prefixes: [DigitString: Access] = [:]
  private var regions: [Region: Access] = [:]
  /// What the nearest level says by itself.
  private var nearest = Closings()

  /// What one level closes, and what it takes out of that.
  private struct Closings: Hashable, Sendable {
    var classes: Set<DestinationClass> = []
    var international = false
    var prefixes: [DigitString: Access] = [:]
    var regions: [Region: Access] = [:]

    func refusal(of number: OutsideNumber) -> DestinationRefusal? {
      if let (prefix, access) = prefixes.longest(of: number.number.digits) {
        if access == .deny { return .prefix(prefix) }
        return classes.contains(number.kind) && !prefix.opensClasses(of: number.number)
          ? .closedClass(number.kind) : nil
      }
      if classes.contains(number.kind) { return .closedClass(number.kind) }
      if let access = regions[number.region] {
        return access == .deny ? .country(number.region) : nil
      }
      return international && number.isInternational ? .international : nil
    }
  }

  /// What is closed until a person opens it: other countries, and everything that thieves call.
  package static let safe = DestinationPolicy(
    openClasses: [
      .geographic, .mobile, .geographicOrMobile, .tollFree, .sharedCost, .voip, .universalAccess,
      .voicemail,
    ], international: false)

  private init(openClasses: Set<DestinationClass>, international: Bool) {
    (self.openClasses, self.international) = (openClasses, international)
  }

  /// May this number be called? An emergency number never comes here.
  package func verdict(on number: OutsideNumber) -> DestinationVerdict {
    if let refusal = nearest.refusal(of: number) { return .deny(refusal) }
    if let (prefix, access) = prefixes.longest(of: number.number.digits) {
      if access == .deny { return .deny(.prefix(prefix)) }
      if prefix.opensClasses(of: number.number) { return .allow }
      return openClasses.contains(number.kind) ? .allow : .deny(.closedClass(number.kind))
    }
    guard openClasses.contains(number.kind) else { return .deny(.closedClass(number.kind)) }
    switch regions[number.region] {
    case .deny: return .deny(.country(number.region))
    case .allow: return .allow
    case nil: break
    }
    return number.isInternational && !international ? .deny(.international) : .allow
  }
}

extension DigitString {
  /// Whether a prefix of a number names a range and not only a country.
  fileprivate func opensClasses(of number: PhoneNumber) -> Bool {
    let code = number.callingCode
    return count > code.length || (count == code.length && code.main == .world)
  }
}

extension [DigitString: Access] {
  fileprivate func longest(of digits: DigitString) -> (DigitString, Access)? {
    guard !isEmpty else { return nil }
    for length in stride(from: digits.count, to: 0, by: -1) {
      let prefix = digits.prefix(length)
      if let access = self[prefix] { return (prefix, access) }
    }
    return nil
  }
}

extension DestinationPolicy {
  /// This policy with the keys that `entry` sets in their place.
  ///
  /// `entry` has been checked: every name, prefix and country in it is known.
  package func overridden(by entry: DestinationEntry) -> DestinationPolicy {
    var policy = self
    policy.nearest = Closings()
    policy.nearest.international = entry.international == .deny
    if let international = entry.international { policy.international = international == .allow }
    for kind in DestinationClass.allCases {
      switch entry.classes[kind.name] {
      case .allow: policy.openClasses.insert(kind)
      case .deny:
        policy.openClasses.remove(kind)
        policy.nearest.classes.insert(kind)
      case nil: break
      }
    }
    for (list, access) in [(entry.allow, Access.allow), (entry.deny, .deny)] {
      for text in list {
        if let prefix = PhoneNumber(text)?.digits {
          policy.prefixes[prefix] = access
          policy.nearest.prefixes[prefix] = access
        } else if let region = Region(text) {
          policy.regions[region] = access
          policy.nearest.regions[region] = access
        }
      }
    }
    return policy
  }
}

extension DestinationPolicy {
  /// Something that ``safe`` closes and a policy opens.
  package enum Opening: Hashable, Sendable, CustomStringConvertible {
    case kind(DestinationClass)
    case international
    case country(Region)
    case prefix(DigitString)

    package var description: String {
      switch self {
      case .kind(let kind): kind.name
      case .international: "international"
      case .country(let region): "\(region)"
      case .prefix(let digits): "+\(digits)"
      }
    }

    /// What thieves are paid for, and hardly anybody needs: whole classes, and numbers of no country.
    package var isCostly: Bool {
      switch self {
      case .kind(let kind): kind != .shortCode
      case .international, .country: false
      case .prefix(let digits): PhoneNumber(digits: digits)?.callingCode.main == .world
      }
    }
  }

  /// All of it, in a fixed order; what the nearest level closes is not open.
  package var openings: [Opening] {
    let kinds = DestinationClass.allCases.filter {
      openClasses.contains($0) && !DestinationPolicy.safe.openClasses.contains($0)
    }
    let countries = regions.filter { region, access in
      access == .allow && (!nearest.international || nearest.regions[region] == .allow)
    }
    let ranges = prefixes.filter { prefix, access in
      access == .allow && (!nearest.international || nearest.prefixes[prefix] == .allow)
    }
    return kinds.map { .kind($0) } + (international ? [.international] : [])
      + countries.keys.sorted().map { .country($0) }
      + ranges.keys.sorted { "\($0)" < "\($1)" }.map { .prefix($0) }
  }
}

/// May it be called, and if not, why.
package enum DestinationVerdict: Hashable, Sendable {
  case allow
  case deny(DestinationRefusal)
}

/// Why a number may not be called.
package enum DestinationRefusal: Hashable, Sendable, CustomStringConvertible {
  case closedClass(DestinationClass)
  case international
  case country(Region)
  case prefix(DigitString)

  package var description: String {
    switch self {
    case .closedClass(.invalid): "the number is in no numbering plan"
    case .closedClass(let kind): "\(kind.name) numbers are closed"
    case .international: "calls to other countries are closed"
    case .country(let region): "calls to \(region) are closed"
    case .prefix(let prefix): "numbers with +\(prefix) are closed"
    }
  }
}

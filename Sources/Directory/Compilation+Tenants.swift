import Elements
import Numbering

extension Compilation {
  mutating func compileTenants(_ path: FieldPath) {
    var names: Set<String> = []
    for (index, entry) in document.tenants.enumerated() {
      let path = path.item(index, entry.name)
      checkName(entry.name, &names, at: path.key("name"), what: "tenant")
      compile(entry, at: path)
    }
  }

  /// What the parts of one tenant need to know of it.
  struct TenantContext {
    let id: TenantID
    let entry: TenantEntry
    let path: FieldPath
    let dialPlan: DialPlan
    let destinations: DestinationPolicy
    /// Extensions by their number as written.
    var lines: [String: ExtensionID] = [:]
    /// The first single number that rings an extension.
    var directNumbers: [String: PhoneNumber] = [:]
    /// Where its phones may come from that say nothing else.
    let sources: SourceRule
    /// Numbers that it may show.
    var ownNumbers: [ClosedRange<PhoneNumber>] = []
    var devicesByName = ByteTable(foldingCase: false)
    var devicesByLine: [String: [DeviceID]] = [:]
  }

  private mutating func compile(_ entry: TenantEntry, at path: FieldPath) {
    let id = identities.tenant(entry.name)
    checkValues(of: entry, at: path)
    if !indexes.domains.insert(Array(entry.domain.utf8), id.number) {
      report(path.key("domain"), "another tenant has the domain \"\(entry.domain)\"")
    }
    guard let country = country(entry.country, at: path.key("country")),
      let dialPlan = dialPlan(entry, country, at: path)
    else { return }
    var context = TenantContext(
      id: id, entry: entry, path: path, dialPlan: dialPlan,
      destinations: .safe.overridden(by: entry.destinations),
      sources: sourceRule(
        entry.sources ?? [], entry.sourceCountries ?? [], ofTenant: true, at: path))
    nameLines(&context)
    compileNumbers(&context)
    compileDevices(&context)
    checkCallerID(context)
    let trunks = trunkIDs(entry.trunks, at: path.key("trunks"))
    checkCurrencies(of: entry, at: path)
    let emergency = trunkIDs(entry.emergencyTrunks, at: path.key("emergency_trunks"))
    guard let currency = Currency(entry.currency) else { return }
    let tenant = Tenant(
      id: id, entry: entry, currency: currency, dialPlan: dialPlan,
      destinations: context.destinations, trunks: trunks,
      emergencyTrunks: emergency.isEmpty ? trunks : emergency,
      devicesByName: context.devicesByName)
    tenants.append(tenant)
    compileLines(of: tenant, context)
  }

  private mutating func checkValues(of entry: TenantEntry, at path: FieldPath) {
    if !Self.isHostName(entry.domain), IPAddress(entry.domain) == nil {
      report(path.key("domain"), "\"\(entry.domain)\" is not a domain name")
    }
    if Currency(entry.currency) == nil {
      report(path.key("currency"), Self.badCurrency(entry.currency))
    }
    let isZone = entry.timezone.utf8.allSatisfy {
      (48...57).contains($0) || (97...122).contains($0 | 0x20) || "/_+-".utf8.contains($0)
    }
    if entry.timezone.isEmpty || entry.timezone.utf8.count > 64 || !isZone {
      report(
        path.key("timezone"), "\"\(entry.timezone)\" is not a time zone such as Europe/Madrid")
    }
    check(entry.limits, at: path.key("limits"))
    check(entry.extensionLimits, at: path.key("extension_limits"))
    check(entry.destinations, at: path.key("destinations"))
    check(entry.notices, at: path.key("notices"))
    check(entry.media, at: path)
    check(entry.sessionTimer, at: path.key("session_timer"))
    check(entry.retention, at: path.key("retention"))
    let rates = path.key("rates")
    for (name, key) in [(entry.rates.sell, "sell"), (entry.rates.purchase, "purchase")] {
      if let name { checkRate(name, currency: entry.currency, at: rates.key(key)) }
    }
  }

  /// Money of one tenant is of one currency: sums over two of them mean nothing.
  private mutating func checkCurrencies(of entry: TenantEntry, at path: FieldPath) {
    for (index, name) in entry.trunks.enumerated() {
      guard let deck = document.trunks.first(where: { $0.name == name })?.purchase,
        let rate = document.rates.first(where: { $0.name == deck }),
        rate.currency != entry.currency
      else { continue }
      report(
        path.key("trunks").item(index),
        "trunk \"\(name)\" charges in \(rate.currency), the tenant pays in \(entry.currency)")
    }
    let platform = document.platform
    let limits =
      [platform.limits]
      + document.trunks.filter { entry.trunks.contains($0.name) }
      .map(\.limits)
    if entry.currency != platform.currency, limits.contains(where: \.limitsMoney) {
      report(
        path.key("currency"),
        "the limits of the platform and of trunks are in \(platform.currency) and cannot count "
          + "\(entry.currency)")
    }
  }

  private mutating func dialPlan(
    _ entry: TenantEntry, _ country: CountryPlan, at path: FieldPath
  ) -> DialPlan? {
    var outsideLine: DigitString?
    if let text = entry.outsideLine {
      outsideLine = DigitString(text)
      if outsideLine?.isDigits != true || text.utf8.count > 3 {
        report(path.key("outside_line"), "\"\(text)\" is not one to three digits")
        return nil
      }
    }
    var emergency: Set<DigitString> = []
    for (index, text) in entry.emergency.enumerated() {
      guard let digits = DigitString(text), digits.isDigits, (2...6).contains(digits.count) else {
        report(path.key("emergency").item(index), "\"\(text)\" is not two to six digits")
        continue
      }
      emergency.insert(digits)
    }
    return DialPlan(country: country, outsideLine: outsideLine, extraEmergency: emergency)
  }

  private mutating func trunkIDs(_ names: [String], at path: FieldPath) -> [TrunkID] {
    var ids: [TrunkID] = []
    for (index, name) in names.enumerated() {
      let known = document.trunks.map(\.name)
      if !known.contains(name) {
        report(path.item(index), "there is no trunk \"\(name)\"\(Self.suggestion(name, known))")
      } else if let id = trunkNames[name] {
        if ids.contains(id) {
          report(path.item(index), "trunk \"\(name)\" stands there twice")
        } else {
          ids.append(id)
        }
      }
    }
    return ids
  }

  /// Sorts, and looks at what only shows with everything together.
  mutating func finish() {
    tenants.sort { $0.id < $1.id }
    extensions.sort { $0.id < $1.id }
    devices.sort { $0.id < $1.id }
    trunks.sort { $0.id < $1.id }
    finishNumbers()
  }
}

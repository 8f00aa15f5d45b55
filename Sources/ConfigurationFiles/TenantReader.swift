import Directory

/// Reads a tenant.
enum TenantReader {
  static func read(
    _ field: Field, _ currency: String, _ secrets: inout SecretKeeper
  ) -> TenantEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.tenant) else { return nil }
    let name = mapping.required("name")?.text()
    let domain = mapping.required("domain")?.text()
    let country = mapping.required("country")?.text()
    guard let name, let domain, let country else { return nil }
    var tenant = TenantEntry(name: name, domain: domain, country: country)
    readValues(mapping, currency, &tenant)
    tenant.notices = NoticeReader.read(mapping["notices"], tenant: name, &secrets)
    let realm = SecretKeeper.Realm(tenant: name, domain: domain)
    let devices = DeviceReader(realm: realm)
    for field in mapping["devices"]?.list(namedBy: "username", "name") ?? [] {
      if let device = devices.read(field, ConfigurationKeys.tenantDevice, &secrets) {
        tenant.devices.append(device)
      }
    }
    let served = Set(tenant.devices.flatMap(\.extensions))
    let lines = ExtensionReader(devices: devices, base: tenant.extensionLimits, served: served)
    for field in mapping["extensions"]?.list(namedBy: "number") ?? [] {
      if let line = lines.read(field, &secrets) { tenant.extensions.append(line) }
    }
    for field in mapping["numbers"]?.list(namedBy: "number", "first") ?? [] {
      if let number = NumberReader.read(field) { tenant.numbers.append(number) }
    }
    return tenant
  }

  private static func readValues(
    _ mapping: Mapping, _ currency: String, _ tenant: inout TenantEntry
  ) {
    tenant.currency = mapping.text("currency") ?? currency
    if let timezone = mapping["timezone"], let name = timezone.text() {
      tenant.timezone = name
      if !InstalledZones.has(name) {
        timezone.report(
          "\"\(name)\" is not a time zone of this machine; write one such as Europe/Madrid")
      }
    }
    tenant.limits = LimitReader(base: LimitEntry()).read(mapping["limits"])
    tenant.extensionLimits = LimitReader(base: .account).read(mapping["extension_limits"])
    tenant.destinations = DestinationReader.read(mapping["destinations"]) ?? DestinationEntry()
    tenant.outsideLine = mapping.text("outside_line")
    tenant.emergency = mapping.texts("emergency")
    tenant.trunks = mapping.texts("trunks")
    tenant.emergencyTrunks = mapping.texts("emergency_trunks")
    if let rates = mapping["rates"]?.mapping(ConfigurationKeys.tenantRates) {
      tenant.rates = TenantRates(sell: rates.text("sell"), purchase: rates.text("purchase"))
    }
    if let callerID = mapping["caller_id"]?.mapping(ConfigurationKeys.tenantCallerID) {
      tenant.callerID.number = callerID.text("number")
      tenant.callerID.withhold = callerID["withhold"]?.truth() ?? false
      tenant.callerID.foreign = callerID.texts("foreign")
    }
    tenant.media = MediaReader.read(mapping) ?? MediaEntry()
    tenant.sessionTimer = MediaReader.sessionTimer(mapping["session_timer"])
    tenant.retention = RetentionReader.read(mapping["retention"])
    let sources = SourceReader.read(mapping)
    (tenant.sources, tenant.sourceCountries) = (sources.networks, sources.countries)
  }
}

/// Reads `retention`.
enum RetentionReader {
  static func read(_ field: Field?) -> RetentionEntry? {
    guard let mapping = field?.mapping(ConfigurationKeys.retention) else { return nil }
    let entry = RetentionEntry(
      callRecordDays: mapping.wholeNumber("call_records"), alertDays: mapping.wholeNumber("alerts"))
    // One that sets nothing says what none says.
    return entry == RetentionEntry(callRecordDays: nil, alertDays: nil) ? nil : entry
  }
}

/// Reads `srtp` and `codecs`, which stand among other keys, and session timers.
enum MediaReader {
  static func read(_ mapping: Mapping) -> MediaEntry? {
    guard mapping["srtp"] != nil || mapping["codecs"] != nil else { return nil }
    var media = MediaEntry()
    if let policy = mapping["srtp"]?.word(SRTPPolicy.self) { media.srtp = policy }
    media.codecs = mapping.texts("codecs")
    var told: Set<String> = []
    for name in media.codecs where told.insert(name).inserted {
      guard let complaint = CodecNames.complaint(about: name) else { continue }
      mapping["codecs"]?.report(complaint)
    }
    return media
  }

  static func sessionTimer(_ field: Field?) -> SessionTimerEntry {
    var timer = SessionTimerEntry()
    guard let mapping = field?.mapping(ConfigurationKeys.sessionTimer) else { return timer }
    timer.expires = mapping.wholeNumber("expires") ?? timer.expires
    timer.minimum = mapping.wholeNumber("minimum") ?? timer.minimum
    return timer
  }
}

/// Reads a phone.
struct DeviceReader {
  let realm: SecretKeeper.Realm

  func read(_ field: Field, _ keys: KeySet, _ secrets: inout SecretKeeper) -> DeviceEntry? {
    guard let mapping = field.mapping(keys), let username = mapping.required("username")?.text()
    else { return nil }
    let extensions =
      keys.keys.contains("extensions") ? mapping.required("extensions")?.texts() ?? [] : []
    var device = device(username, mapping, extensions, &secrets)
    device.come(from: SourceReader.read(mapping))
    return device
  }

  /// A device out of the keys `name` and `password` of `mapping`.
  func device(
    _ username: String, _ mapping: Mapping, _ extensions: [String],
    _ secrets: inout SecretKeeper
  ) -> DeviceEntry {
    let called = ["number", "name"].filter(mapping.keys.keys.contains).compactMap(mapping.text)
    let names = [username, realm.tenant, realm.domain] + extensions + called
    if let field = mapping["password"], let password = field.text(),
      let objection = PasswordRule.objection(to: password, names: names)
    {
      field.report("the password of \(username) \(objection)")
    }
    let hashes = secrets.hashes(for: username, password: mapping["password"], in: realm)
    return DeviceEntry(
      username: username, name: mapping.text("name") ?? username, hashes: hashes,
      extensions: extensions)
  }
}

extension DeviceEntry {
  /// Takes a list over, unless it has one of its own.
  mutating func come(from sources: SourceReader.Lists) {
    guard self.sources.isEmpty, sourceCountries == nil else { return }
    (self.sources, sourceCountries) = (sources.networks ?? [], sources.countries)
  }
}

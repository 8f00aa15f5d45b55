import Elements
import Numbering

extension Compilation {
  /// Phones of single extensions, then those that serve several.
  mutating func compileDevices(_ context: inout TenantContext) {
    let extensions = context.path.key("extensions")
    for (index, line) in context.entry.extensions.enumerated() {
      let path = extensions.item(index, line.number).key("devices")
      for (position, device) in line.devices.enumerated() {
        compile(
          device, serving: [line.number], &context, at: path.item(position, device.username))
      }
    }
    let path = context.path.key("devices")
    for (index, device) in context.entry.devices.enumerated() {
      let path = path.item(index, device.username)
      if device.extensions.isEmpty {
        report(path.key("extensions"), "the device serves no extension; name one")
      }
      compile(device, serving: device.extensions, &context, at: path)
    }
  }

  private mutating func compile(
    _ entry: DeviceEntry, serving numbers: [String], _ context: inout TenantContext,
    at path: FieldPath
  ) {
    let name = Array(entry.username.utf8)
    let allowed = Set("-_.!~*'()&=+$,;?/".utf8)
    let isUser = name.allSatisfy {
      (48...57).contains($0) || (97...122).contains($0 | 0x20) || allowed.contains($0)
    }
    if name.isEmpty || name.count > 64 || !isUser {
      report(
        path.key("username"), "a user name is 1 to 64 letters, digits and signs of a SIP address")
    }
    let id = identities.device(entry.username, of: context.id)
    if !context.devicesByName.insert(name, id.number) {
      report(
        path.key("username"), "another device of the tenant has the user name \(entry.username)")
      return
    }
    var lines: [ExtensionID] = []
    for (index, number) in numbers.enumerated() {
      guard let line = context.lines[number] else {
        // An extension whose own number is wrong has been reported.
        if !entry.extensions.isEmpty {
          report(path.key("extensions").item(index), unknownLine(number, context))
        }
        continue
      }
      if !lines.contains(line) {
        lines.append(line)
        context.devicesByLine[number, default: []].append(id)
      }
    }
    let own = sourceRule(entry.sources, entry.sourceCountries ?? [], ofTenant: false, at: path)
    devices.append(
      Device(
        id: id, tenant: context.id, entry: entry, extensions: lines,
        sources: own.isAnywhere ? context.sources : own))
  }

  /// What `sources` and `source_countries` of a mapping say.
  mutating func sourceRule(
    _ networks: [String], _ countries: [String], ofTenant: Bool, at path: FieldPath
  ) -> SourceRule {
    let path = (networks: path.key("sources"), countries: path.key("source_countries"))
    if !countries.isEmpty, document.platform.countries == nil {
      report(
        path.countries,
        "nothing here says which country an address is in: name a file that does with \"countries\" of "
          + "\"platform\", or list networks in \"sources\"")
    }
    var regions: [Region] = []
    for (index, text) in countries.enumerated() {
      if let region = sourceCountry(text, at: path.countries.item(index)) { regions.append(region) }
    }
    return SourceRule(
      networks: self.networks(networks, at: path.networks), countries: regions,
      isOfTenant: ofTenant)
  }

  /// A country that an address can be in; reports one that would keep everybody out.
  private mutating func sourceCountry(_ text: String, at path: FieldPath) -> Region? {
    guard let region = Region(text), region != .world else {
      report(path, "\"\(text)\" is not a country; write its two letters of ISO 3166, such as ES")
      return nil
    }
    guard !CountryTable.unknown.contains(region) else {
      report(
        path,
        "\(region) is no country: addresses that are in none, such as those of your own networks, come in by "
          + "\"sources\"")
      return nil
    }
    if !isInForce, !countries.isEmpty, !countries.has(region) {
      let hint = region.description == "UK" ? "; Great Britain is GB" : ""
      report(
        path, "no address is in \(region), as far as the files of platform.countries say\(hint)")
    }
    return region
  }
}

package import Elements
package import Numbering

/// Where phones may come from: networks and countries, of which one suffices.
package struct SourceRule: Hashable, Sendable, CustomStringConvertible {
  package let networks: [IPNetwork]
  package let countries: [Region]
  /// The tenant's, for all its phones that have none of their own.
  package let isOfTenant: Bool

  init(networks: [IPNetwork], countries: [Region], isOfTenant: Bool) {
    (self.networks, self.countries, self.isOfTenant) = (networks, countries, isOfTenant)
  }

  package var isByCountry: Bool { !countries.isEmpty }
  package var isAnywhere: Bool { networks.isEmpty && countries.isEmpty }

  /// "192.0.2.0/24, ES"; of a long list the beginning.
  package var description: String {
    guard !isAnywhere else { return "anywhere" }
    let (all, shown) = (networks.map(\.description) + countries.map(\.description), 8)
    return all.prefix(shown).joined(separator: ", ")
      + (all.count > shown ? " and \(all.count - shown) more" : "")
  }
}

extension DirectorySnapshot {
  /// Whether an address is one that a rule lets in; one that is in no country only by its network.
  package func admits(_ address: IPAddress, to rule: SourceRule) -> Bool {
    if rule.isAnywhere || rule.networks.contains(where: { $0.contains(address) }) { return true }
    guard !rule.countries.isEmpty, let country = countries.country(of: address) else {
      return false
    }
    return rule.countries.contains(country)
  }

  /// Whether a phone of an extension may be at an address.
  ///
  /// `device` is the one that it signed in as; where that is not known, any of the extension's may have been it.
  package func admits(_ address: IPAddress, _ device: DeviceID?, for line: ExtensionID) -> Bool {
    guard let device else {
      return (self.line(line)?.devices ?? []).contains { id in
        self.device(id).map { admits(address, to: $0.sources) } ?? false
      }
    }
    guard let device = self.device(device), device.extensions.contains(line) else { return false }
    return admits(address, to: device.sources)
  }
}

package import Elements

/// Somebody who is there now.
package struct Presence: Hashable, Sendable {
  package enum Who: Hashable, Sendable {
    /// A registered phone, and whose password it was where that is known.
    case phone(ExtensionID, DeviceID?)
    /// A carrier whose calls come from there.
    case carrier(TrunkID)
  }

  package let who: Who
  package let address: IPAddress
  package let since: WallTime

  package init(_ who: Who, at address: IPAddress, since: WallTime) {
    (self.who, self.address, self.since) = (who, address, since)
  }
}

/// Somebody who is there, and whom a change of the allow-lists would keep out.
package struct LockOut: Hashable, Sendable {
  package enum Who: Sendable {
    case phone(Extension)
    case carrier(Trunk)
  }

  /// As the changed configuration has it.
  package let who: Who
  package let presence: Presence
  /// The list that keeps it out: "sources of tenant office: 192.0.2.0/24".
  package let rule: String

  package static func == (left: LockOut, right: LockOut) -> Bool {
    left.presence == right.presence && left.rule == right.rule
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(presence)
    hasher.combine(rule)
  }
}

extension DirectorySnapshot {
  /// Whether the lists of all phones and trunks that `before` has, too, are as they were there.
  package func letsInAs(_ before: DirectorySnapshot) -> Bool {
    (countries == before.countries || devices.allSatisfy(\.sources.countries.isEmpty))
      && devices.allSatisfy { device in
        before.device(device.id).map { device.sources == $0.sources } ?? true
      }
      && trunks.allSatisfy { trunk in
        before.trunk(trunk.id).map {
          (trunk.isRestricted, trunk.sources) == ($0.isRestricted, $0.sources)
        } ?? true
      }
  }

  /// Whom of those who are there `before` lets in and this configuration does not, in the order given.
  ///
  /// Extensions, phones and trunks that are taken out are no lock-out, nor is a trunk that is to be elsewhere: somebody
  /// wrote that down.
  package func lockOuts(of present: [Presence], after before: DirectorySnapshot) -> [LockOut] {
    present.compactMap { presence in
      switch presence.who {
      case .phone(let id, let device):
        guard let line = line(id), before.admits(presence.address, device, for: id),
          !admits(presence.address, device, for: id),
          let rule = ruleAgainst(device, of: line)
        else { return nil }
        return LockOut(
          who: .phone(line), presence: presence, rule: words(of: rule, line, presence.address))
      case .carrier(let id):
        guard let trunk = trunk(id), let former = before.trunk(id),
          former.admits(presence.address), !trunk.admits(presence.address),
          former.address == trunk.address
        else { return nil }
        let networks = SourceRule(networks: trunk.sources, countries: [], isOfTenant: false)
        return LockOut(
          who: .carrier(trunk), presence: presence,
          rule: "sources of trunk \(trunk.name): \(networks)")
      }
    }
  }

  /// The rule of the phone, or of the first that it may have been; nil where the phone was taken out.
  private func ruleAgainst(_ device: DeviceID?, of line: Extension) -> SourceRule? {
    guard let device else { return line.devices.first.flatMap { self.device($0)?.sources } }
    return line.devices.contains(device) ? self.device(device)?.sources : nil
  }

  private func words(of rule: SourceRule, _ line: Extension, _ address: IPAddress) -> String {
    let owner = rule.isOfTenant ? "tenant \(line.tenant.name)" : "extension \(line.digits)"
    let list = "sources of \(owner): \(rule)"
    guard !rule.countries.isEmpty else { return list }
    let country = countries.country(of: address).map { "in \($0)" } ?? "in no known country"
    return "\(list); the address is \(country)"
  }
}

import Directory

/// What differs between two documents, one line for each thing, for the person who applied; the audit trail
/// has the values (``Store/Database/adopt(_:by:at:)``).
struct DocumentChanges {
  /// "changed extension 101 of office", in the order of the document.
  private(set) var lines: [String] = []

  init(from before: DirectoryDocument, to after: DirectoryDocument) {
    compare(before.tenants, after.tenants, by: \.name, isShallow: true) { tenant in
      "tenant \(tenant.name)"
    }
    for tenant in after.tenants {
      if let former = before.tenants.first(where: { $0.name == tenant.name }) {
        compareTenant(former, tenant)
      }
    }
    compare(before.trunks, after.trunks, by: \.name) { "trunk \($0.name)" }
    compare(before.rates, after.rates, by: \.name) { "rates \($0.name)" }
    if before.platform != after.platform {
      lines.append("changed the platform")
    }
    if before.mail != after.mail {
      lines.append("changed the mail server")
    }
  }

  private mutating func compareTenant(_ old: TenantEntry, _ new: TenantEntry) {
    compare(old.extensions, new.extensions, by: \.number) { line in
      "extension \(line.number) of \(new.name)"
    }
    compare(old.numbers, new.numbers, by: \.first) { number in
      "number \(number.first) of \(new.name)"
    }
    compare(old.devices, new.devices, by: \.username) { device in
      "device \(device.username) of \(new.name)"
    }
    var rest = old
    (rest.extensions, rest.numbers, rest.devices) = (new.extensions, new.numbers, new.devices)
    if rest != new {
      lines.append("changed tenant \(new.name)")
    }
  }

  /// Lists what is only in one of the two and, unless `isShallow`, what is in both and not equal.
  private mutating func compare<Entry: Hashable>(
    _ before: [Entry], _ after: [Entry], by name: KeyPath<Entry, String>,
    isShallow: Bool = false, as words: (Entry) -> String
  ) {
    let old = Dictionary(before.map { ($0[keyPath: name], $0) }, uniquingKeysWith: { $1 })
    let kept = Set(after.map { $0[keyPath: name] })
    for entry in after {
      guard let former = old[entry[keyPath: name]] else {
        lines.append("added \(words(entry))")
        continue
      }
      guard former != entry, !isShallow else { continue }
      lines.append("changed \(words(entry))")
    }
    for entry in before where !kept.contains(entry[keyPath: name]) {
      lines.append("removed \(words(entry))")
    }
  }
}

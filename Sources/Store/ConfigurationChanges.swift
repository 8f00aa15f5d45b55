import Directory
import Elements
import Foundation

/// What is different between two configurations, in words, for the audit trail.
///
/// Works on the encoded form, so that a new key of the document cannot be forgotten here. Values of
/// secrets are never named, only that they changed.
struct ConfigurationChanges {
  private struct Line: Hashable {
    let tenant: String?
    let text: String
  }

  private let lines: [Line]
  private let tenants: [String: TenantID]
  private static let linesPerEntry = 100
  private static let secretKeys: Set<String> = [
    "hashes", "md5", "sha256", "sha512256", "password", "secret",
  ]

  /// - Throws: Where a document cannot be encoded: a trail that says "no change" would be false.
  init(from old: DirectoryDocument?, to new: DirectoryDocument) throws {
    let before = try old.map(ConfigurationChanges.values) ?? [:]
    let after = try ConfigurationChanges.values(of: new)
    var lines: [Line] = []
    for path in Set(before.keys).union(after.keys).sorted() {
      let (was, becomes) = (before[path], after[path])
      guard was != becomes else { continue }
      let text =
        switch (was, becomes) {
        case (_, nil): "\(path): removed"
        case (nil, let value?): "\(path): \(value.shown)"
        case (let value?, let other?): "\(path): \(value.shown) → \(other.shown)"
        }
      lines.append(Line(tenant: ConfigurationChanges.tenant(in: path), text: text))
    }
    self.lines = lines
    var (tenants, identities) = ([String: TenantID](), new.identities)
    for entry in (old?.tenants ?? []) + new.tenants {
      tenants[entry.name] = identities.tenant(entry.name)
    }
    self.tenants = tenants
  }

  /// One entry for the platform, and one for each tenant concerned; several where there is much to say.
  func entries(by actor: String, at time: WallTime) -> [AuditEntry] {
    let names = Set(lines.compactMap(\.tenant)).sorted()
    let own = lines.filter { $0.tenant == nil }
    var entries = self.entries(nil, "platform", own, actor, time)
    for name in names {
      entries += self.entries(
        tenants[name], "tenant \(name)", lines.filter { $0.tenant == name }, actor, time)
    }
    return entries
  }

  private func entries(
    _ tenant: TenantID?, _ subject: String, _ lines: [Line], _ actor: String, _ time: WallTime
  ) -> [AuditEntry] {
    let starts = stride(from: 0, to: max(lines.count, 1), by: ConfigurationChanges.linesPerEntry)
    return starts.map { start in
      let texts = lines[start...].prefix(ConfigurationChanges.linesPerEntry).map(\.text)
      return AuditEntry(
        tenant: tenant, at: time, actor: actor, action: "configuration.applied", subject: subject,
        detail: texts.isEmpty ? "no change" : texts.joined(separator: "\n"))
    }
  }

  // MARK: - The document as paths and values

  private struct Value: Equatable {
    let text: String
    let isSecret: Bool
    var shown: String { isSecret ? "(secret)" : text }
  }

  /// "tenants[office].extensions[101].limits…" to "10".
  private static func values(of document: DirectoryDocument) throws -> [String: Value] {
    var slim = document
    slim.identities = IdentityMap()
    for index in slim.rates.indices {
      // The digest of a rate table stands for the table.
      slim.rates[index].table =
        "\(slim.rates[index].table.utf8.count) bytes, \(slim.rates[index].table.hashedName)"
    }
    let tree = try JSONSerialization.jsonObject(with: JSONEncoder().encode(slim))
    var values: [String: Value] = [:]
    collect(tree, at: "", isSecret: false, into: &values)
    return values
  }

  private static func collect(
    _ node: Any, at path: String, isSecret: Bool, into values: inout [String: Value]
  ) {
    if let object = node as? [String: Any] {
      for (key, child) in object where key != "identities" {
        collect(
          child, at: path.isEmpty ? key : "\(path).\(key)",
          isSecret: isSecret || secretKeys.contains(key), into: &values)
      }
    } else if let list = node as? [Any] {
      var seen: [String: Int] = [:]
      for (index, child) in list.enumerated() {
        let name = name(of: child) ?? "\(index)"
        // Two of one name are two.
        let count = seen[name, default: 0]
        seen[name] = count + 1
        let place = count == 0 ? name : "\(name) #\(count + 1)"
        collect(child, at: "\(path)[\(place)]", isSecret: isSecret, into: &values)
      }
    } else if !(node is NSNull) {
      values[path] = Value(text: "\(node)", isSecret: isSecret)
    }
  }

  /// What one of a list is known by: an extension by its number, a phone by its user name, whatever people call them.
  private static func name(of child: Any) -> String? {
    let fields = child as? [String: Any]
    return ["number", "username", "name", "url"].lazy.compactMap { fields?[$0] as? String }.first
  }

  private static func tenant(in path: String) -> String? {
    guard path.hasPrefix("tenants["), let end = path.firstIndex(of: "]") else { return nil }
    return String(path[path.index(path.startIndex, offsetBy: 8)..<end])
  }
}

extension String {
  /// Eight digits that differ when the text does: a checksum, for showing.
  fileprivate var hashedName: String {
    var crc = CRC32C()
    crc.add(Array(utf8))
    return "CRC-32C " + String(crc.value, radix: 16)
  }
}

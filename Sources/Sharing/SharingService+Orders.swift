package import Elements
package import Guard
package import Store

// What people ask: what is said of whom, lists out of files, and the end of what is said.

extension SharingService {
  /// Something that cannot be done, in words for the person who asked.
  package struct Refusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
      self.description = description
    }
  }

  /// A report, and until when its network is banned for all that is said of it; nil: it is only watched.
  package struct Standing: Sendable {
    package let report: Report
    package let bannedUntil: WallTime?
    /// The peer's name, or the file's.
    package let origin: String
  }

  package func standings(about address: IPAddress? = nil) -> [Standing] {
    let wall = clock().wall
    let list = board.withLock(\.list)
    let reports = address.map { list.reports(about: $0, at: wall) } ?? list.all(at: wall)
    return reports.map { report in
      Standing(
        report: report, bannedUntil: list.bannedUntil(report.network, at: wall),
        origin: name(of: report.origin))
    }
  }

  private func name(of origin: Report.Origin) -> String {
    switch origin {
    case .peer(let key): settings.peers.first { $0.key == key }?.name ?? "\(key)"
    case .file(let name): name
    }
  }

  /// Bans what a file lists until then, in place of what it listed before under that name.
  ///
  /// - Returns: What was taken, and what was left out.
  package func importList(
    _ bytes: [UInt8], name: String, until: WallTime, by person: String
  ) throws -> PlainList {
    guard !settings.peers.contains(where: { $0.name == name }) else {
      throw Refusal("A peer has the name \(name). Give the file another one.")
    }
    let wall = clock().wall
    return try amend { list in
      var rules = list.rules
      rules.imported -= min(rules.imported, list.imported(besides: name))
      let parsed = try PlainList(parsing: bytes, rules)
      let entry = AuditEntry(
        tenant: nil, at: wall, actor: person, action: "bans.imported", subject: name,
        detail: "\(parsed.networks.count) networks, \(parsed.leftOut.count) left out")
      try database.importList(parsed.networks, name: name, until: until, entry)
      return (parsed, list.read(parsed.networks, file: name, until: until, at: wall))
    }
  }

  /// Lets go of what others say of networks that overlap any of these, until they say it again.
  ///
  /// - Returns: How much that was.
  @discardableResult
  package func dismiss(_ networks: [IPNetwork]) throws(StoreError) -> Int {
    let wall = clock().wall
    return try amend { list throws(StoreError) in
      let (gone, changes) = list.dismiss(networks, at: wall)
      if !gone.isEmpty { try database.dismiss(gone) }
      return (gone.count, changes)
    }
  }

  /// Drops all that a peer has said, and hears its list from the beginning.
  package func forget(_ name: String, by person: String) throws {
    guard let peer = settings.peers.first(where: { $0.name == name }) else {
      let known = settings.peers.map(\.name).joined(separator: ", ")
      throw Refusal(
        known.isEmpty
          ? "There are no peers: sharing.peers of the server's settings lists them."
          : "There is no peer \"\(name)\". Known are \(known).")
    }
    let wall = clock().wall
    let entry = AuditEntry(
      tenant: nil, at: wall, actor: person, action: "bans.forgotten", subject: name, detail: "")
    try amend { list throws(StoreError) in
      try database.forgetList(of: peer.key, entry)
      return ((), list.forget(peer.key, at: wall))
    }
  }

  /// Removes from the database what is over.
  package func prune() throws(StoreError) {
    let wall = clock().wall
    amend { list in
      list.sweep(at: wall)
      return ((), [])
    }
    // Who was away for a month hears the list without a gap.
    try database.pruneLists(own: wall + .seconds(-30 * 86_400), at: wall, limit: 10_000)
  }
}

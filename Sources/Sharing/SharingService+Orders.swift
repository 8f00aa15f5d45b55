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
    return state.withLock { state in
      let reports =
        address.map { state.list.reports(about: $0, at: wall) } ?? state.list.all(at: wall)
      return reports.map { report in
        Standing(
          report: report, bannedUntil: state.list.bannedUntil(report.network, at: wall),
          origin: name(of: report.origin))
      }
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
    let now = clock()
    let parsed: Result<PlainList, PlainList.Mistake> = state.withLock { state in
      rules(&state.list)
      var rules = state.list.rules
      rules.imported -= min(rules.imported, state.list.imported(besides: name))
      return Result { () throws(PlainList.Mistake) in try PlainList(parsing: bytes, rules) }
    }
    let list = try parsed.get()
    let networks = list.networks
    let entry = AuditEntry(
      tenant: nil, at: now.wall, actor: person, action: "bans.imported", subject: name,
      detail: "\(networks.count) networks, \(list.leftOut.count) left out")
    try state.withLock { state throws(StoreError) in
      try database.importList(networks, name: name, until: until, entry)
      state.untold += state.list.read(networks, file: name, until: until, at: now.wall)
    }
    state.change { !$0.untold.isEmpty }
    return list
  }

  /// Lets go of what others say of networks that overlap this one, until they say it again.
  package func dismiss(_ network: IPNetwork) throws(StoreError) {
    let wall = clock().wall
    try state.withLock { state throws(StoreError) in
      var list = state.list
      let (gone, changes) = list.dismiss(network, at: wall)
      guard !gone.isEmpty else { return }
      try database.dismiss(gone)
      state.list = list
      state.untold += changes
    }
    state.change { !$0.untold.isEmpty }
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
    try state.withLock { state throws(StoreError) in
      try database.forgetList(of: peer.key, entry)
      state.untold += state.list.forget(peer.key, at: wall)
    }
    state.change { !$0.untold.isEmpty }
  }

  /// Removes from the database what is over.
  package func prune() throws(StoreError) {
    let wall = clock().wall
    state.withLock { $0.list.sweep(at: wall) }
    // Who was away for a month hears the list without a gap.
    try database.pruneLists(own: wall + .seconds(-30 * 86_400), at: wall, limit: 10_000)
  }
}

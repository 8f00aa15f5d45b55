import ConfigurationFiles
import Elements
import Foundation
import Guard
import Net
import Sharing
import Yams

/// Reads `sharing` of the server's settings; each mistake with its place.
struct SharingReader {
  let file: String

  /// A token that is shorter could be guessed.
  private static let fewestBytes = 16

  func settings(_ node: Node) throws(ConfigurationError) -> SharingSettings {
    let keys = ["listen", "readers", "peers", "never", "corroboration", "widest_v4", "widest_v6"]
    let fields = try mapping(node, "sharing", keys)
    var settings = SharingSettings()
    if let listen = fields["listen"] {
      let text = try text(listen, "sharing.listen")
      guard let endpoint = Endpoint(text) else {
        throw wrong(
          listen, "sharing.listen", "\"\(text)\" is not HOST:PORT", "Write 192.0.2.1:5080.")
      }
      settings.listen = endpoint
    }
    for (index, node) in try list(fields["readers"], "sharing.readers").enumerated() {
      let place = "sharing.readers[\(index)]"
      let reader = try mapping(node, place, ["name", "token"])
      settings.readers.append(
        SharingSettings.Reader(
          name: try required("name", of: reader, node, place),
          token: try token(reader, node, place)))
    }
    for (index, node) in try list(fields["peers"], "sharing.peers").enumerated() {
      settings.peers.append(try peer(node, "sharing.peers[\(index)]"))
    }
    for node in try list(fields["never"], "sharing.never") {
      let text = try text(node, "sharing.never")
      guard let network = IPNetwork(text) else {
        throw wrong(
          node, "sharing.never", "\"\(text)\" is neither an address nor a network",
          "Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64.")
      }
      settings.rules.never.append(network)
    }
    settings.rules.corroboration = try number(
      fields["corroboration"], "sharing.corroboration", 1...32, settings.rules.corroboration)
    settings.rules.widestV4 = try number(
      fields["widest_v4"], "sharing.widest_v4", 24...32, settings.rules.widestV4)
    settings.rules.widestV6 = try number(
      fields["widest_v6"], "sharing.widest_v6", 48...128, settings.rules.widestV6)
    try check(settings, node)
    return settings
  }

  private func peer(
    _ node: Node, _ place: String
  ) throws(ConfigurationError) -> SharingSettings.Peer {
    let fields = try mapping(
      node, place, ["name", "url", "key", "trust", "token", "authorities"])
    var url = try required("url", of: fields, node, place)
    while url.hasSuffix("/") { url.removeLast() }
    guard url.hasPrefix("https://"), url.utf8.count > "https://".utf8.count,
      url.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
    else {
      throw wrong(
        fields["url"] ?? node, "\(place).url", "\"\(url)\" does not begin with https://",
        "Write https://HOST:PORT, as `sharing.listen` of the peer has it.")
    }
    guard let key = ListLine.key(try required("key", of: fields, node, place)) else {
      throw wrong(
        fields["key"] ?? node, "\(place).key", "it is no key of 32 bytes in base64",
        "Write what `martinet bans identity` prints there.")
    }
    let word = try required("trust", of: fields, node, place)
    guard let trust = Trust(rawValue: word) else {
      throw wrong(
        fields["trust"] ?? node, "\(place).trust", "\"\(word)\" is none of the three",
        "Write node, ban or watch.")
    }
    let authorities = fields["authorities"]
    return SharingSettings.Peer(
      name: try required("name", of: fields, node, place), url: url, key: key, trust: trust,
      token: try token(fields, node, place),
      authorities: authorities == nil
        ? nil : try required("authorities", of: fields, node, place))
  }

  private func check(_ settings: SharingSettings, _ node: Node) throws(ConfigurationError) {
    func unique(
      _ values: [some Hashable], _ place: String, _ what: String
    ) throws(ConfigurationError) {
      guard Set(values).count == values.count else {
        throw wrong(node, place, "two have the same \(what)", "Give each its own.")
      }
    }
    try unique(settings.peers.map(\.name), "sharing.peers", "name")
    try unique(settings.peers.map(\.key), "sharing.peers", "key")
    try unique(settings.readers.map(\.name), "sharing.readers", "name")
    try unique(settings.readers.map(\.token.exposed), "sharing.readers", "token")
    guard settings.listen != nil || settings.readers.isEmpty else {
      throw wrong(
        node, "sharing.readers", "there are readers and nothing is listened on",
        "Add sharing.listen: HOST:PORT, or take the readers out.")
    }
    guard settings.listen == nil || !settings.readers.isEmpty else {
      throw wrong(
        node, "sharing.listen", "nobody may read", "Add sharing.readers with a name and a token.")
    }
  }

  // MARK: - Parts of the file

  private func wrong(
    _ node: Node, _ place: String, _ problem: String, _ wayOut: String
  ) -> ConfigurationError {
    ConfigurationError(
      field: "\(file):\(node.mark?.line ?? 0): \(place)", problem: problem, wayOut: wayOut)
  }

  private func mapping(
    _ node: Node, _ place: String, _ known: [String]
  ) throws(ConfigurationError) -> [String: Node] {
    guard let mapping = node.mapping else {
      throw wrong(
        node, place, "it is not a mapping of keys to values",
        "Known keys are \(known.joined(separator: ", ")).")
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard let name = key.string, known.contains(name) else {
        throw wrong(
          key, "\(place).\(key.string ?? "?")", "there is no such setting",
          "Known are \(known.joined(separator: ", ")).")
      }
      fields[name] = value
    }
    return fields
  }

  private func list(_ node: Node?, _ place: String) throws(ConfigurationError) -> [Node] {
    guard let node else { return [] }
    guard let sequence = node.sequence else {
      throw wrong(node, place, "it is not a list", "Write one entry a line, each behind \"- \".")
    }
    guard sequence.count <= SharingSettings.most else {
      throw wrong(
        node, place, "it has more than \(SharingSettings.most) entries", "Take some of them out.")
    }
    return Array(sequence)
  }

  private func text(_ node: Node, _ place: String) throws(ConfigurationError) -> String {
    guard let text = node.string, !text.isEmpty else {
      throw wrong(node, place, "there is no text", "Write one.")
    }
    return text
  }

  private func required(
    _ key: String, of fields: [String: Node], _ node: Node, _ place: String
  ) throws(ConfigurationError) -> String {
    guard let value = fields[key] else {
      throw wrong(node, place, "it has no \(key)", "Add \(key): …")
    }
    return try text(value, "\(place).\(key)")
  }

  private func token(
    _ fields: [String: Node], _ node: Node, _ place: String
  ) throws(ConfigurationError) -> Secret {
    let text = try required("token", of: fields, node, place)
    guard text.utf8.count >= Self.fewestBytes, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw wrong(
        fields["token"] ?? node, "\(place).token",
        "it has less than \(Self.fewestBytes) characters, or others than a header may",
        "Make one: openssl rand -hex 24.")
    }
    return Secret(Array(text.utf8))
  }

  private func number(
    _ node: Node?, _ place: String, _ range: ClosedRange<Int>, _ other: Int
  ) throws(ConfigurationError) -> Int {
    guard let node else { return other }
    guard let number = node.string.flatMap({ Int($0) }), range.contains(number) else {
      throw wrong(
        node, place, "it is no number from \(range.lowerBound) to \(range.upperBound)",
        "Leave it out for \(other).")
    }
    return number
  }
}

package import Directory
import Yams

/// Writes the configuration as the YAML that ``ConfigurationReader`` reads, without any secret: no
/// password, no hash, no key.
///
/// Applied to the server it came from, it changes nothing.
package struct ConfigurationWriter {
  /// What `export` gives.
  package struct Output: Hashable, Sendable {
    package let yaml: String
    /// The rate files that the YAML names, by their names in it, with their content; none unless asked for.
    package let rateFiles: [String: String]
  }

  /// A deck and the file that the YAML names for it, if any.
  private typealias NamedDeck = (entry: RateEntry, file: String?)

  package init() {}

  /// Without rate files the YAML names none, and whoever applies it keeps the prices in force.
  package func write(
    _ document: DirectoryDocument, withRateFiles: Bool = false
  ) throws -> Output {
    let decks = withRateFiles ? named(document.rates) : document.rates.map { ($0, nil) }
    var root = NodeBuilder()
    root.add("version", number: 1)
    root.add("tenants", list: document.tenants.map { TenantWriter(tenant: $0).node })
    root.add("trunks", list: document.trunks.map(TrunkWriter.node))
    root.add("rates", list: decks.map(rates))
    root.add("platform", platform(document.platform))
    if let mail = document.mail { root.add("mail", self.mail(mail)) }
    let yaml = try Yams.serialize(node: root.node, width: -1, allowUnicode: true)
    let files = decks.compactMap { deck in deck.file.map { ($0, deck.entry.table) } }
    return Output(yaml: yaml, rateFiles: Dictionary(files) { first, _ in first })
  }

  /// Each deck in a file of its name, without what has a meaning in a path.
  private func named(_ decks: [RateEntry]) -> [NamedDeck] {
    var taken: Set<String> = []
    return decks.map { entry in
      let name = String(
        entry.name.map { $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : "_" })
      var (file, number) = ("\(name).csv", 1)
      // Bounded by the decks: each has taken one name.
      while !taken.insert(file.lowercased()).inserted {
        number += 1
        file = "\(name)-\(number).csv"
      }
      return (entry, file)
    }
  }

  private func rates(_ deck: NamedDeck) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("name", deck.entry.name)
    node.add("file", deck.file)
    node.add("currency", deck.entry.currency)
    node.add("timezone", deck.entry.timezone)
    return node
  }

  private func platform(_ entry: PlatformEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("currency", entry.currency, unless: PlatformEntry().currency)
    node.add("limits", LimitWriter.node(entry.limits, base: LimitEntry()))
    node.add("notices", NoticeWriter.node(entry.notices))
    node.add("retention", RetentionWriter.node(entry.retention))
    node.add("never_ban", texts: entry.neverBan ?? [])
    node.add("countries", texts: entry.countries ?? [])
    node.add("edge", EdgeWriter.node(entry.edge))
    return node
  }

  private func mail(_ entry: MailEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("server", entry.server)
    node.add("from", entry.from)
    node.add("username", entry.username)
    node.add("require_tls", entry.requireTLS, unless: false)
    node.add("tls_authorities", entry.tlsAuthorities)
    return node
  }
}

/// Builds a mapping in the order of its keys; what is empty or as by default is left out.
struct NodeBuilder {
  private var pairs: [(Node, Node)] = []

  var isEmpty: Bool { pairs.isEmpty }
  var node: Node { .mapping(Node.Mapping(pairs)) }

  /// A text; quoted where YAML could take it for something else.
  static func text(_ text: String) -> Node {
    let isPlain =
      text.first.map { $0.isLetter } == true
      && text.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "0123456789 ._-/".unicodeScalars.contains($0)
      }
      && !["true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"]
        .contains(text.lowercased())
    return .scalar(Node.Scalar(text, Tag(.str), isPlain ? .plain : .doubleQuoted))
  }

  mutating func add(_ key: String, node: Node) { pairs.append((Self.plain(key), node)) }
  mutating func add(_ key: String, _ text: String?, unless usual: String? = nil) {
    if let text, text != usual { add(key, node: Self.text(text)) }
  }
  mutating func add(_ key: String, number: Int?, unless usual: Int? = nil) {
    if let number, number != usual { add(key, node: Self.plain(String(number))) }
  }
  mutating func add(_ key: String, _ truth: Bool?, unless usual: Bool? = nil) {
    if let truth, truth != usual { add(key, node: Self.plain(truth ? "true" : "false")) }
  }
  mutating func add(_ key: String, _ mapping: NodeBuilder) {
    if !mapping.isEmpty { add(key, node: mapping.node) }
  }
  mutating func add(_ key: String, list: [NodeBuilder]) {
    if !list.isEmpty { add(key, node: .sequence(Node.Sequence(list.map(\.node)))) }
  }
  mutating func add(_ key: String, texts: [String]) {
    guard !texts.isEmpty else { return }
    add(key, node: .sequence(Node.Sequence(texts.map(Self.text), .implicit, .flow)))
  }

  mutating func add(_ key: String, numbers: [Int]) {
    guard !numbers.isEmpty else { return }
    let nodes = numbers.map { Self.plain(String($0)) }
    add(key, node: .sequence(Node.Sequence(nodes, .implicit, .flow)))
  }

  static func plain(_ text: String) -> Node { .scalar(Node.Scalar(text, .implicit, .plain)) }
}

enum NoticeWriter {
  static func node(_ entry: NoticeEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("mail", texts: entry.mail)
    node.add(
      "webhooks",
      list: entry.webhooks.map { webhook in
        var node = NodeBuilder()
        node.add("url", webhook.url)
        return node
      })
    return node
  }
}

package enum LimitWriter {
  /// What differs from `base`.
  static func node(_ entry: LimitEntry, base: LimitEntry) -> NodeBuilder {
    var spend = NodeBuilder()
    add("hour", amount: entry.spend.hourMicros, base.spend.hourMicros, to: &spend)
    add("day", amount: entry.spend.dayMicros, base.spend.dayMicros, to: &spend)
    add("month", amount: entry.spend.monthMicros, base.spend.monthMicros, to: &spend)
    add("call", amount: entry.spend.callMicros, base.spend.callMicros, to: &spend)
    var calls = NodeBuilder()
    add("hour", count: entry.international.hour, base.international.hour, to: &calls)
    add("day", count: entry.international.day, base.international.day, to: &calls)
    add("month", count: entry.international.month, base.international.month, to: &calls)
    var node = NodeBuilder()
    node.add("spend", spend)
    node.add("international", calls)
    add("attempts_per_hour", count: entry.attemptsPerHour, base.attemptsPerHour, to: &node)
    add("concurrent", count: entry.concurrent, base.concurrent, to: &node)
    add(
      "price_per_minute", amount: entry.pricePerMinuteMicros, base.pricePerMinuteMicros, to: &node)
    add("connection_fee", amount: entry.connectionFeeMicros, base.connectionFeeMicros, to: &node)
    node.add("prepaid", entry.isPrepaid, unless: base.isPrepaid)
    node.add("basis", entry.basis?.rawValue, unless: base.basis?.rawValue)
    node.add("habits", entry.habits?.rawValue, unless: base.habits?.rawValue)
    if entry.releases != base.releases {
      node.add(
        "release",
        node: .sequence(
          Node.Sequence(entry.releases.map { NodeBuilder.text($0.rawValue) }, .implicit, .flow)))
    }
    return node
  }

  private static func add(
    _ key: String, amount: Int64?, _ base: Int64?, to node: inout NodeBuilder
  ) {
    guard amount != base else { return }
    node.add(key, node: NodeBuilder.plain(amount.map(decimal) ?? "none"))
  }

  private static func add(_ key: String, count: Int64?, _ base: Int64?, to node: inout NodeBuilder)
  {
    guard count != base else { return }
    node.add(key, node: NodeBuilder.plain(count.map { String($0) } ?? "none"))
  }

  /// "10", "0.0475": no more decimals than needed.
  package static func decimal(_ micros: Int64) -> String {
    let (whole, rest) = micros.quotientAndRemainder(dividingBy: 1_000_000)
    guard rest != 0 else { return String(whole) }
    var decimals = String(rest)
    decimals = String(repeating: "0", count: 6 - decimals.count) + decimals
    while decimals.last == "0" { decimals.removeLast() }
    return "\(whole).\(decimals)"
  }
}

package import Foundation

/// The kernel's filter as `nft -j list ruleset` prints it (libnftables-json(5)).
package struct FilterRules: Sendable {
  struct Chain: Sendable {
    let place: Place
    /// "filter" or "nat", of chains that the kernel enters by itself.
    let type: String?
    let hook: String?
    let policyDrops: Bool
    var rules: [[FilterValue]] = []
  }

  /// A chain or set of a table.
  package struct Place: Hashable, Sendable {
    let family: String
    let table: String
    let name: String

    /// Whether its names can stand in a command as they are.
    var isPlain: Bool {
      (family + table).utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
    }
  }

  private(set) var chains: [Place: Chain] = [:]
  /// Elements of named sets and maps.
  private(set) var sets: [Place: [FilterValue]] = [:]
  /// In the order of the list.
  private(set) var order: [Place] = []

  private struct Listing: Decodable {
    let nftables: [[String: FilterValue]]
  }

  /// Nil for text that is no list of rules.
  package init?(_ json: Data) {
    guard let listing = try? JSONDecoder().decode(Listing.self, from: json) else { return nil }
    for item in listing.nftables {
      if let chain = item["chain"] { add(chain: chain) }
      if let set = item["set"] ?? item["map"], let place = Self.place(of: set, "name") {
        sets[place] = set["elem"]?.list ?? []
      }
    }
    for rule in listing.nftables.compactMap({ $0["rule"] }) {
      guard let place = Self.place(of: rule, "chain") else { continue }
      chains[place]?.rules.append(rule["expr"]?.list ?? [])
    }
  }

  private mutating func add(chain: FilterValue) {
    guard let place = Self.place(of: chain, "name") else { return }
    order.append(place)
    chains[place] = Chain(
      place: place, type: chain["type"]?.text, hook: chain["hook"]?.text,
      policyDrops: chain["policy"]?.text == "drop")
  }

  private static func place(of item: FilterValue, _ key: String) -> Place? {
    guard let family = item["family"]?.text, let table = item["table"]?.text,
      let name = item[key]?.text
    else { return nil }
    return Place(family: family, table: table, name: name)
  }

  /// Those whose sets are worth a look.
  package var tablesWithSets: [Place] {
    let foreign = sets.keys.filter { !$0.table.hasPrefix(Self.ownPrefix) }
    return Set(foreign.map { Place(family: $0.family, table: $0.table, name: "") })
      .sorted { ($0.family, $0.table) < ($1.family, $1.table) }
  }

  /// The elements that a list without them had left out.
  mutating func take(setsOf other: FilterRules) {
    sets.merge(other.sets) { $1 }
  }

  /// The elements that were left out are not to be had: what is in the sets of this table is not known.
  package mutating func forget(setsOf table: Place) {
    sets = sets.filter { $0.key.family != table.family || $0.key.table != table.table }
  }

  package func hasTable(_ name: String) -> Bool { order.contains { $0.table == name } }

  private static let ownPrefix = "martinet_"

  /// Those that every packet for this machine comes through: of a type and one of these hooks, in a family.
  ///
  /// Our own are for those only who are banned.
  func entries(_ type: String, _ hooks: Set<String>, isV4: Bool) -> [Chain] {
    let families: Set<String> = isV4 ? ["ip", "inet"] : ["ip6", "inet"]
    return order.compactMap { chains[$0] }.filter { chain in
      families.contains(chain.place.family) && chain.type == type
        && chain.hook.map(hooks.contains) ?? false
        && !chain.place.table.hasPrefix(Self.ownPrefix)
    }
  }
}

/// A value of JSON.
indirect enum FilterValue: Decodable, Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Int)
  case text(String)
  case list([FilterValue])
  case object([String: FilterValue])

  init(from decoder: any Decoder) throws {
    let box = try decoder.singleValueContainer()
    if box.decodeNil() {
      self = .null
    } else if let value = try? box.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? box.decode(Int.self) {
      self = .number(value)
    } else if let value = try? box.decode(String.self) {
      self = .text(value)
    } else if let value = try? box.decode([FilterValue].self) {
      self = .list(value)
    } else if let value = try? box.decode([String: FilterValue].self) {
      self = .object(value)
    } else {
      self = .null  // A fraction: no port and no address.
    }
  }

  subscript(_ key: String) -> FilterValue? {
    if case .object(let fields) = self { fields[key] } else { nil }
  }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var number: Int? { if case .number(let number) = self { number } else { nil } }
  var list: [FilterValue]? { if case .list(let list) = self { list } else { nil } }
  /// The one key of an object, with its value.
  var single: (key: String, value: FilterValue)? {
    if case .object(let fields) = self, fields.count == 1 {
      fields.first.map { ($0, $1) }
    } else {
      nil
    }
  }
}

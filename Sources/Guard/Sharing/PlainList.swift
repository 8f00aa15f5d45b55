package import Elements

/// The usual lists of networks as text: an address or a network a line, and what stands behind `#` or `;` is a comment.
///
/// So are Spamhaus' DROP ("192.0.2.0/24 ; SBL1"), FireHOL's netsets, and what fail2ban and blocklist.de write.
package struct PlainList: Hashable, Sendable {
  /// A line that cannot be taken, and why; nothing of the list is.
  package struct Mistake: Error, Hashable, CustomStringConvertible {
    package let line: Int
    package let problem: String

    package var description: String { "line \(line): \(problem)" }
  }

  /// By network, each once.
  package let networks: [IPNetwork]
  /// Networks that no list can be about, and those that the operator never lists.
  package let leftOut: [IPNetwork]

  /// Longer lines are no list.
  private static let longestLine = 1_000

  /// Takes all of it or nothing; `rules` say what is left out.
  package init(parsing bytes: [UInt8], _ rules: SharingRules) throws(Mistake) {
    var (kept, leftOut): (Set<IPNetwork>, Set<IPNetwork>) = ([], [])
    // CRLF too: what ends in it is white space.
    for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      guard let network = try Self.network(of: line, number: index + 1) else { continue }
      if rules.obstacle(to: network) != nil {
        leftOut.insert(network)
        continue
      }
      guard network.length >= (network.address.isV4 ? 8 : 16) else {
        throw Mistake(
          line: index + 1, problem: "\(network) is too wide: /8 of IPv4 or /16 of IPv6 at most")
      }
      guard kept.count < rules.imported || kept.contains(network) else {
        throw Mistake(
          line: index + 1, problem: "the list has more than \(rules.imported) networks")
      }
      kept.insert(network)
    }
    (networks, self.leftOut) = (kept.sorted(), leftOut.sorted())
  }

  private static func network(
    of line: ArraySlice<UInt8>, number: Int
  ) throws(Mistake) -> IPNetwork? {
    guard line.count <= longestLine else {
      throw Mistake(line: number, problem: "it is longer than \(longestLine) bytes")
    }
    let text = line.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
    let words = text.split { $0 == 32 || $0 == 9 || $0 == 13 }
    guard let word = words.first else { return nil }
    let shown = String(decoding: word.prefix(60), as: UTF8.self)
    guard words.count == 1, let network = IPNetwork(String(decoding: word, as: UTF8.self)) else {
      throw Mistake(
        line: number,
        problem: words.count == 1
          ? "\"\(shown)\" is neither an address nor a network"
          : "there is more than one word: an address or a network a line is expected")
    }
    return network
  }
}

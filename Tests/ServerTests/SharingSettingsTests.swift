import ConfigurationFiles
import API
import Elements
import Foundation
import Guard
import Server
import Sharing
import Testing

/// `sharing` of the server's settings, and what other firewalls are told.
@Suite struct SharingSettingsTests {
  private static let key = Data((1...32).map { UInt8($0) }).base64EncodedString()

  private static let whole = """
    sharing:
      listen: 127.0.0.1:5080
      readers:
        - { name: site, token: "0123456789abcdef" }
      peers:
        - name: second
          url: https://192.0.2.2:5080/
          key: "\(key)"
          trust: watch
          token: "fedcba9876543210"
      never: [198.51.100.0/24]
      corroboration: 3
      widest_v4: 32
    """

  private func read(_ text: String) throws -> Configuration {
    let path = NSTemporaryDirectory() + "settings-\(UUID()).yaml"
    try Data(text.utf8).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var configuration = Configuration()
    try configuration.read(file: path)
    return configuration
  }

  @Test("Peers, readers and rules are read; without them nobody is told or heard")
  func whole() throws {
    let sharing = try read(Self.whole).sharing
    #expect(sharing.listen.map { "\($0)" } == "127.0.0.1:5080")
    #expect(sharing.readers.map(\.name) == ["site"])
    let peer = try #require(sharing.peers.first)
    #expect(peer.url == "https://192.0.2.2:5080" && peer.trust == .watch)
    #expect(peer.key.bytes == (1...32).map { UInt8($0) })
    #expect(sharing.rules.never.map { "\($0)" } == ["198.51.100.0/24"])
    #expect(sharing.rules.corroboration == 3 && sharing.rules.widestV4 == 32)
    let nothing = try read("sharing: {}").sharing
    #expect(nothing.listen == nil && nothing.peers.isEmpty && nothing.readers.isEmpty)
  }

  @Test(
    "A mistake is told with its line and its place",
    arguments: [
      ("listen: 127.0.0.1:5080", "listen: here", "sharing.listen"),
      ("https://", "http://", "sharing.peers[0].url"),
      ("trust: watch", "trust: me", "peers[0].trust"),
      ("      trust: watch\n", "", "it has no trust"),
      ("fedcba9876543210", "short", "peers[0].token"),
      ("fedcba9876543210", "with a blank 12345", "peers[0].token"),
      ("[198.51.100.0/24]", "[all]", "sharing.never"),
      ("[198.51.100.0/24]", "all", "sharing.never"),
      ("widest_v4: 32", "widest_v4: 8", "sharing.widest_v4"),
      ("corroboration: 3", "corroboration: 0", "1 to 32"),
      ("corroboration: 3", "quorum: 3", "sharing.quorum"), ("key: \"", "key: \"AA", "peers[0].key"),
      ("listen: 127.0.0.1:5080\n", "corroboration: 2\n", "twice"),
      ("  listen: 127.0.0.1:5080\n", "", "nothing is listened on"),
      ("- { name: site, token: \"0123456789abcdef\" }", "[]", "sharing.readers"),
    ])
  func mistakes(_ old: String, _ new: String, _ expected: String) throws {
    let text = Self.whole.replacing(old, with: new)
    try #require(text != Self.whole)
    #expect {
      _ = try read(text)
    } throws: { error in
      let words = "\(error)"
      return words.contains(expected) && words.contains(/\.yaml:[0-9]+/)
    }
  }

  @Test("A list that is listened on has readers, and no two of anything are the same")
  func contradictions() {
    for text in [
      "sharing: { listen: \"127.0.0.1:5080\" }",
      "sharing: { listen: \"127.0.0.1:5080\", readers: [{name: a, token: 0123456789abcdef}, "
        + "{name: a, token: 0123456789abcdeg}] }",
      "sharing: { listen: \"127.0.0.1:5080\", readers: [{name: a, token: 0123456789abcdef}, "
        + "{name: b, token: 0123456789abcdef}] }", "sharing: [1]", "sharing: yes",
    ] {
      #expect(throws: ConfigurationError.self, "\(text)") { try read(text) }
    }
  }

  @Test("Firewalls get what they take: each network once in an interval, families apart")
  func formats() {
    let rows = [
      BarredReport(network: "203.0.113.0/24", until: "2026-11-27T03:00:00.000Z"),
      BarredReport(network: "203.0.113.7", until: nil),
      BarredReport(network: "2001:db8:1:2::/64", until: nil),
    ]
    #expect(BanFormat.plain.text(rows) == "203.0.113.0/24\n203.0.113.7\n2001:db8:1:2::/64\n")
    #expect(
      BanFormat.csv.text(rows)
        == "network,until\n203.0.113.0/24,2026-11-27T03:00:00.000Z\n203.0.113.7,\n2001:db8:1:2::/64,\n"
    )
    let nft = BanFormat.nft.text(rows)
    #expect(nft.contains("add element inet martinet_bans banned4 { 203.0.113.0/24 }\n"))
    #expect(nft.contains("add element inet martinet_bans banned6 { 2001:db8:1:2::/64 }\n"))
    let ipset = BanFormat.ipset.text(rows)
    #expect(ipset.contains("add martinet4 203.0.113.0/24 -exist\n") && !ipset.contains("113.7"))
    #expect(!BanFormat.nft.text([]).contains("add element"))
    #expect(BanFormat.plain.text([]).isEmpty)
  }
}
